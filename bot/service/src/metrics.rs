//! What the use cases count and time. Who reads it, and how, is the binary's affair.
//!
//! Names follow Prometheus' practice: `vigie_`, base units, `_total` for counters. Labels hold no personal data.

use std::time::Instant;

use metrics::{counter, histogram};
use vigie_domain::Channel;

/// Histogram of the steps.
pub const STEP_SECONDS: &str = "vigie_step_duration_seconds";
/// Counter of requests to sources, by source and outcome.
pub const POLLS: &str = "vigie_polls_total";
/// Counter of notices stored, by source.
pub const NOTICES: &str = "vigie_notices_total";
/// Counter of people told, or to be told, of a notice.
pub const SHARES: &str = "vigie_notifications_total";
/// Counter of attempts to send, by channel and outcome.
pub const ATTEMPTS: &str = "vigie_attempts_total";

/// A step of the road whose duration is measured.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Step {
    /// One request to a source, with its reading.
    Poll,
    /// One notice: judged, matched, written with its deliveries.
    Ingest,
    /// Deliveries claimed.
    Claim,
    /// A message made.
    Render,
    /// "Attempt started" made durable.
    Start,
    /// The channel's answer.
    Send,
    /// The answer made durable.
    Settle,
}

impl Step {
    /// Every step, in order.
    pub const ALL: [Self; 7] =
        [Self::Poll, Self::Ingest, Self::Claim, Self::Render, Self::Start, Self::Send, Self::Settle];

    /// The label's value.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Poll => "poll",
            Self::Ingest => "ingest",
            Self::Claim => "claim",
            Self::Render => "render",
            Self::Start => "start",
            Self::Send => "send",
            Self::Settle => "settle",
        }
    }

    /// Notes how long this step took.
    pub fn took(self, since: Instant) {
        histogram!(STEP_SECONDS, "step" => self.as_str()).record(since.elapsed().as_secs_f64());
    }
}

/// One request to a source.
pub fn polled(source: &str, outcome: &'static str, since: Instant) {
    Step::Poll.took(since);
    counter!(POLLS, "source" => source.to_owned(), "outcome" => outcome).increment(1);
}

/// One notice stored, and so many people's shares of it.
pub fn stored(source: &str, shares: usize) {
    counter!(NOTICES, "source" => source.to_owned()).increment(1);
    counter!(SHARES).increment(shares as u64);
}

/// One attempt to send.
pub fn attempted(channel: Channel, outcome: &'static str) {
    counter!(ATTEMPTS, "channel" => channel.as_str(), "outcome" => outcome).increment(1);
}

//! Named places where the process can be made to die, for the tests of what survives: inert unless `VIGIE_CRASH_AT` names
//! one (`claimed`, or `claimed:3` for the third passage).

use std::sync::OnceLock;
use std::sync::atomic::{AtomicU64, Ordering};

/// A place between two steps that must both be done, or seen not to be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CrashPoint {
    /// A page was fetched, nothing of it is stored.
    AfterFetch,
    /// A notice and its deliveries are durable, the cursor is not.
    AfterCommit,
    /// Deliveries are claimed, nothing was sent.
    Claimed,
    /// "Attempt started" is durable, no byte left.
    Started,
    /// The channel answered, nothing is settled.
    Answered,
    /// Some digests of the hour are made, others not.
    MidDigest,
    /// One message of several that carry a delivery has arrived and is noted.
    MidParts,
    /// A group's new address is noted, nothing was sent there.
    MidMigration,
    /// An address is stopped, its owner was not answered.
    MidUnsubscribe,
    /// Something said in a chat is acted on and noted, and not confirmed to its service.
    Heard,
}

impl CrashPoint {
    /// Every place.
    pub const ALL: [Self; 10] = [
        Self::AfterFetch,
        Self::AfterCommit,
        Self::Claimed,
        Self::Started,
        Self::Answered,
        Self::MidDigest,
        Self::MidParts,
        Self::MidMigration,
        Self::MidUnsubscribe,
        Self::Heard,
    ];

    /// The word in `VIGIE_CRASH_AT`.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::AfterFetch => "after-fetch",
            Self::AfterCommit => "after-commit",
            Self::Claimed => "claimed",
            Self::Started => "started",
            Self::Answered => "answered",
            Self::MidDigest => "mid-digest",
            Self::MidParts => "mid-parts",
            Self::MidMigration => "mid-migration",
            Self::MidUnsubscribe => "mid-unsubscribe",
            Self::Heard => "heard",
        }
    }

    /// Dies here, if so asked: at once, as by SIGKILL, with nothing cleaned up.
    pub fn reach(self) {
        static ASKED: OnceLock<Option<(String, u64)>> = OnceLock::new();
        static PASSED: AtomicU64 = AtomicU64::new(0);
        let asked = ASKED.get_or_init(|| {
            let text = std::env::var("VIGIE_CRASH_AT").ok()?;
            let (name, nth) = text.split_once(':').unwrap_or((&text, "1"));
            Some((name.to_owned(), nth.parse().unwrap_or(1)))
        });
        if let Some((name, nth)) = asked
            && name == self.as_str()
            && PASSED.fetch_add(1, Ordering::SeqCst) + 1 == *nth
        {
            std::process::abort();
        }
    }
}

//! What a tool's answer means for a delivery. Pure.
//!
//! One tool that is away is not the channel's trouble: every other tool goes on. So nothing here is
//! [`Outcome::Unreachable`].

use chrono::Duration;
use vigie_domain::Channel;
use vigie_domain::delivery::Outcome;

/// Longest words of an answer kept, in characters.
const MAX_WORDS: usize = 120;

/// What came back.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Answer {
    /// A status, the wait it asks for, and the beginning of what it says.
    Status { status: u16, retry_after: Option<Duration>, words: String },
    /// The address leads where nothing may be sent: a private network, another scheme.
    Forbidden(String),
    /// No connection: nothing left.
    NotConnected(String),
    /// The message left, and no answer came.
    Lost(String),
}

/// Words of Slack that say that an address will never take anything again ("Handling errors").
const GONE: [&str; 5] =
    ["no_service", "channel_is_archived", "channel_not_found", "no_active_hooks", "posting_to_general_channel_denied"];
/// Words of Teams in an answer that claims success.
const FAILED_INSIDE: &str = "Webhook message delivery failed";

/// The shortest wait that a server in trouble may name.
const LEAST_OF_TROUBLE: Duration = Duration::minutes(1);

/// What an answer means.
#[must_use]
pub fn outcome(channel: Channel, answer: Answer) -> Outcome {
    let transient = |why: String, retry_after| Outcome::Transient { why, retry_after };
    match answer {
        Answer::Forbidden(what) => transient(
            format!("adresse refusée ({what}) : réseau privé, que [fetch] allow_private n’autorise pas"),
            None,
        ),
        Answer::NotConnected(why) => transient(why, None),
        Answer::Lost(why) => Outcome::Unknown(why),
        Answer::Status { status, retry_after, words } => {
            let words: String =
                words.split_whitespace().collect::<Vec<_>>().join(" ").chars().take(MAX_WORDS).collect();
            let said =
                if words.is_empty() { format!("réponse {status}") } else { format!("réponse {status} : {words}") };
            let gone = channel == Channel::Slack && GONE.iter().any(|w| words.contains(w));
            match status {
                200..=299 if channel == Channel::Teams && words.contains(FAILED_INSIDE) => transient(said, retry_after),
                200..=299 => Outcome::Accepted(said),
                404 | 410 if channel == Channel::Browser => {
                    Outcome::AddressRefused(format!("ce navigateur ne reçoit plus ({said})"))
                }
                410 => Outcome::AddressRefused(format!("cette adresse n’existe plus ({said})")),
                400..=499 if gone => Outcome::AddressRefused(format!("cette adresse n’existe plus ({said})")),
                // Nobody is led elsewhere: where a redirect leads was given by nobody.
                300..=399 => transient(format!("{said} : une redirection n’est pas suivie, corrigez l’adresse"), None),
                400 | 413 | 415 | 422 => Outcome::Permanent(said),
                // A server in trouble that would be asked again at once, for ever, is asked at our own pace.
                500..=599 => transient(said, retry_after.filter(|wait| *wait >= LEAST_OF_TROUBLE)),
                // An access to be mended, a limit.
                _ => transient(said, retry_after),
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_answers_mean() {
        let says = |channel, status, words: &str| {
            outcome(channel, Answer::Status { status, retry_after: None, words: words.into() })
        };
        let word = |outcome: Outcome| match outcome {
            Outcome::Accepted(_) => "sent",
            Outcome::Transient { .. } => "later",
            Outcome::Permanent(_) => "message refused",
            Outcome::AddressRefused(_) => "address refused",
            Outcome::Unknown(_) => "lost",
            Outcome::Unreachable(_) => "outage",
        };
        for (channel, status, words, wanted) in [
            (Channel::Webhook, 200, "", "sent"),
            (Channel::Webhook, 204, "", "sent"),
            (Channel::Webhook, 302, "", "later"),
            (Channel::Webhook, 400, "", "message refused"),
            (Channel::Webhook, 401, "", "later"),
            (Channel::Webhook, 404, "", "later"),
            (Channel::Webhook, 410, "", "address refused"),
            (Channel::Browser, 201, "", "sent"),
            (Channel::Browser, 404, "", "address refused"),
            (Channel::Browser, 410, "", "address refused"),
            (Channel::Browser, 413, "", "message refused"),
            (Channel::Browser, 403, "", "later"),
            (Channel::Browser, 429, "", "later"),
            (Channel::Webhook, 429, "", "later"),
            (Channel::Webhook, 500, "", "later"),
            (Channel::Slack, 200, "ok", "sent"),
            (Channel::Slack, 400, "invalid_payload", "message refused"),
            (Channel::Slack, 404, "no_service", "address refused"),
            (Channel::Slack, 404, "channel_not_found", "address refused"),
            (Channel::Mattermost, 404, "no_service", "later"),
            (Channel::Teams, 202, "", "sent"),
            (Channel::Teams, 200, "Webhook message delivery failed with error: HTTP error 429", "later"),
        ] {
            assert_eq!(word(says(channel, status, words)), wanted, "{channel:?} {status} {words}");
        }
        assert_eq!(word(outcome(Channel::Webhook, Answer::Forbidden("10.0.0.1".into()))), "later");
        for (status, seconds, heeded) in
            [(429, 1, true), (503, 1, false), (500, 59, false), (503, 60, true), (403, 5, true)]
        {
            let wait = Some(Duration::seconds(seconds));
            let answer = Answer::Status { status, retry_after: wait, words: String::new() };
            let Outcome::Transient { retry_after, .. } = outcome(Channel::Webhook, answer) else { panic!("{status}") };
            assert_eq!(retry_after, wait.filter(|_| heeded), "{status} {seconds}");
        }
        assert_eq!(word(outcome(Channel::Webhook, Answer::NotConnected("refusé".into()))), "later");
        assert_eq!(word(outcome(Channel::Webhook, Answer::Lost("15 s".into()))), "lost");
    }
}

//! What an answer that is not a success means, for the call and for a delivery.
//!
//! The Bot API has no key by which a message sent twice arrives once: a lost answer is [`Refusal::Unknown`], and the message
//! may have arrived.

use teloxide_core::{ApiError, RequestError};
use vigie_domain::delivery::Outcome;

use crate::scrub::Scrub;

/// How long a message waits for a chat that is closed.
const CLOSED_AGAIN: chrono::Duration = chrono::Duration::hours(1);

/// Longest text of a server's answer that is repeated, in characters.
const MAX_WORDS: usize = 200;

/// Why a call did not do what it should. No variant holds the token.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// Too many calls: nothing before that many seconds.
    #[error("Telegram demande d’attendre {seconds} s")]
    Wait {
        /// The wait asked for.
        seconds: u32,
    },
    /// The group goes on under this identifier.
    #[error("le groupe est devenu le supergroupe {to}")]
    Moved { to: i64 },
    /// Nobody can be reached there any more: blocked, put out, closed, unknown.
    #[error("conversation perdue : {0}")]
    Lost(String),
    /// Nothing can be said there for now, though the chat is there: every message would meet it.
    #[error("conversation fermée : {0}")]
    Closed(String),
    /// The topic is gone; the chat is there.
    #[error("sujet disparu : {0}")]
    NoTopic(String),
    /// The message is refused.
    #[error("message refusé : {0}")]
    Message(String),
    /// Another process listens with the same token, or a webhook does.
    #[error("un autre programme écoute avec ce jeton : {0}")]
    Rival(String),
    /// The token is refused.
    #[error("Telegram refuse le jeton du bot ; demandez-en un autre à @BotFather")]
    Account,
    /// The server cannot be reached.
    #[error("Telegram est injoignable : {0}")]
    Unreachable(String),
    /// The call went out and the answer was lost.
    #[error("réponse de Telegram perdue : {0}")]
    Unknown(String),
}

impl Refusal {
    /// What an error of the library means.
    pub(crate) fn of(error: &RequestError, scrub: &Scrub) -> Self {
        let words = || scrub.clean(&innermost(error)).chars().take(MAX_WORDS).collect::<String>();
        match error {
            RequestError::RetryAfter(wait) => Self::Wait { seconds: wait.seconds() },
            RequestError::MigrateToChatId(to) => Self::Moved { to: to.0 },
            RequestError::Network(e) if e.is_connect() => Self::Unreachable(words()),
            RequestError::Network(_) | RequestError::Io(_) | RequestError::InvalidJson { .. } => Self::Unknown(words()),
            RequestError::Api(ApiError::InvalidToken) => Self::Account,
            RequestError::Api(ApiError::Unknown(said)) => Self::of_words(&scrub.clean(said)),
            RequestError::Api(known) => Self::of_words(&scrub.clean(&known.to_string())),
        }
    }

    /// What the server's description means: the library drops the error's number, and the first word stands for it.
    fn of_words(said: &str) -> Self {
        let words: String = said.chars().take(MAX_WORDS).collect();
        let lower = said.to_lowercase();
        let of = |needles: &[&str]| needles.iter().any(|n| lower.contains(n));
        if lower.starts_with("forbidden") {
            Self::Lost(words)
        } else if lower.starts_with("unauthorized") {
            Self::Account
        } else if lower.starts_with("conflict") {
            Self::Rival(words)
        } else if lower.starts_with("too many requests") {
            let seconds = lower.rsplit(' ').next().and_then(|n| n.parse().ok()).unwrap_or(60);
            Self::Wait { seconds }
        } else if lower.starts_with("bad request") || lower.starts_with("request entity too large") {
            // The chat is gone, or we may not speak there: no message will ever arrive.
            if of(&["chat not found", "user not found", "peer_id_invalid", "chat_id_invalid", "group is deactivated"])
                || of(&["not enough rights to send", "have no rights to send", "chat_write_forbidden"])
            {
                Self::Lost(words)
            } else if of(&["topic_closed", "chat_restricted", "chat_send_plain_forbidden"]) {
                Self::Closed(words)
            } else if of(&["message thread not found", "topic_deleted", "topic_id_invalid"]) {
                Self::NoTopic(words)
            } else {
                Self::Message(words)
            }
        } else {
            // 5xx and whatever comes next: the message may have been taken in before the answer broke.
            Self::Unknown(words)
        }
    }

    /// What it means for a delivery.
    #[must_use]
    pub fn outcome(self) -> Outcome {
        let why = self.to_string();
        match self {
            Self::Wait { seconds } => {
                Outcome::Transient { why, retry_after: Some(chrono::Duration::seconds(seconds.into())) }
            }
            // Its user saves the new address and sends again; a second move waits for the next turn.
            Self::Moved { .. } => Outcome::Transient { why, retry_after: None },
            Self::Lost(_) => Outcome::AddressRefused(why),
            // Kept: whoever closed it may open it again.
            Self::Closed(_) => Outcome::Transient { why, retry_after: Some(CLOSED_AGAIN) },
            Self::NoTopic(_) => Outcome::Transient { why, retry_after: None },
            Self::Message(_) => Outcome::Permanent(why),
            Self::Rival(_) | Self::Account | Self::Unreachable(_) => Outcome::Unreachable(why),
            Self::Unknown(_) => Outcome::Unknown(why),
        }
    }
}

/// The error and what caused it, once each.
fn innermost(error: &RequestError) -> String {
    if let RequestError::InvalidJson { raw, .. } = error {
        return format!("réponse illisible : {}", raw.chars().take(MAX_WORDS).collect::<String>());
    }
    let mut said = error.to_string();
    let mut cause = std::error::Error::source(error);
    while let Some(error) = cause {
        let more = error.to_string();
        if !said.contains(&more) {
            said = format!("{said} : {more}");
        }
        cause = error.source();
    }
    said
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_answer_means_one_thing() {
        let lost = [
            "Forbidden: bot was blocked by the user",
            "Forbidden: bot was kicked from the group chat",
            "Forbidden: user is deactivated",
            "Bad Request: chat not found",
            "Bad Request: not enough rights to send text messages to the chat",
        ];
        for said in lost {
            assert!(matches!(Refusal::of_words(said).outcome(), Outcome::AddressRefused(_)), "{said}");
        }
        for said in ["Bad Request: can't parse entities: x", "Bad Request: message is too long"] {
            assert!(matches!(Refusal::of_words(said).outcome(), Outcome::Permanent(_)), "{said}");
        }
        // A19: a refusal that every message meets is the chat's, not the message's.
        for said in ["Bad Request: TOPIC_CLOSED", "Bad Request: CHAT_RESTRICTED"] {
            let refusal = Refusal::of_words(said);
            assert!(matches!(refusal, Refusal::Closed(_)), "{said}");
            assert!(matches!(refusal.outcome(), Outcome::Transient { retry_after: Some(_), .. }), "{said}");
        }
        for said in ["Bad Request: message thread not found", "Bad Request: TOPIC_DELETED"] {
            assert!(matches!(Refusal::of_words(said), Refusal::NoTopic(_)), "{said}");
        }
        for said in ["Internal Server Error", "Bad Gateway", "restart", ""] {
            assert!(matches!(Refusal::of_words(said).outcome(), Outcome::Unknown(_)), "{said}");
        }
        assert_eq!(Refusal::of_words("Too Many Requests: retry after 43837"), Refusal::Wait { seconds: 43_837 });
        assert_eq!(Refusal::of_words("Unauthorized"), Refusal::Account);
        assert!(matches!(Refusal::of_words("Conflict: terminated by other getUpdates request"), Refusal::Rival(_)));
    }
}

//! Telegram chats: alerts leave for them, and what people do there is heard by [`crate::talk`].
//!
//! - Each message a chat takes is noted before the next leaves: a delivery cut in the middle goes on behind the last one, and
//!   one whose answer alone was lost is not sent again.
//! - A group that became a supergroup is noted under its new number, then written to there.
//! - A limit is the chat's own until a second chat is told to wait without anything having gone through since: then the whole
//!   bot rests (`docs/decisions/0011-telegram.md`).

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use chrono::{DateTime, Duration, Utc};
use vigie_config::settings;
use vigie_domain::Channel;
use vigie_domain::delivery::Outcome;
use vigie_notifier::channels::Envelope;
use vigie_store::StoreError;
use vigie_store::messages::SentPart;
use vigie_telegram::{Part, Refusal, Telegram, content};

use crate::app::{App, Failure};
use crate::crash_point::CrashPoint;

/// Stands under a message that may have arrived before.
const SENT_AGAIN: &str = "Envoyé de nouveau\u{a0}: la réponse de Telegram au premier envoi s’est perdue, il est peut-être déjà au-dessus.";

/// The bot and what is known of its limits.
pub struct Chats {
    /// The bot.
    pub bot: Telegram,
    limits: Limits,
}

impl Chats {
    /// Makes the channel that the settings name; nothing is asked of the server.
    ///
    /// # Errors
    /// The token is missing or unreadable.
    pub fn open(block: &settings::Telegram) -> Result<Self, Failure> {
        let fault = |e: &dyn std::fmt::Display, fix: &str| Failure::usage(e.to_string(), "[telegram] token", fix);
        let token = block.token.read().map_err(|e| fault(&e, "définissez ce secret"))?;
        let bot = Telegram::new(block, &token).map_err(|e| fault(&e, "corrigez cette valeur"))?;
        Ok(Self { bot, limits: Limits::default() })
    }

    /// Sends the message of a delivery, or what is left of it.
    pub async fn send(&self, app: &App, envelope: &Envelope<'_>) -> Outcome {
        // Nothing has left as long as the database was not read.
        let plan = match self.plan(app, envelope).await {
            Ok(plan) => plan,
            Err(e) => return Outcome::Transient { why: e.to_string(), retry_after: None },
        };
        let Ok(chat) = envelope.to.parse() else {
            return Outcome::AddressRefused(format!("« {} » n’est pas un numéro de conversation", envelope.to));
        };
        self.carry_out(app, envelope.key, chat, plan).await
    }

    async fn plan(&self, app: &App, envelope: &Envelope<'_>) -> Result<Plan, StoreError> {
        let mut parts = content::parts(&envelope.message.chat, envelope.buttons);
        let sent = app.store.parts(envelope.key).await?;
        let arrived = sent.len().min(parts.len());
        if envelope.resend && arrived < parts.len() && app.store.is_doubtful(envelope.key).await? {
            parts[arrived] = std::mem::take(&mut parts[arrived]).with_note(SENT_AGAIN);
        }
        let mut under = None;
        for earlier in envelope.thread {
            let first = app.store.parts(earlier).await?.into_iter().next();
            // A message of the group that this one was is not found in the supergroup.
            under = first.filter(|p| p.chat == envelope.to).and_then(|p| p.message.parse().ok());
            if under.is_some() {
                break;
            }
        }
        Ok(Plan { parts, arrived, last: sent.last().map(|p| p.message.clone()), under })
    }

    async fn carry_out(&self, app: &App, delivery: &str, mut chat: i64, plan: Plan) -> Outcome {
        let Plan { parts, arrived, mut last, under } = plan;
        let count = parts.len();
        for (n, part) in parts.into_iter().enumerate().skip(arrived) {
            let message = match self.send_part(app, &mut chat, &part, under.filter(|_| n == 0)).await {
                Ok(message) => message,
                Err(refusal) => return self.refused(app, chat, refusal).await,
            };
            self.limits.passed();
            let noted = SentPart { part: n as i64, chat: chat.to_string(), message: message.to_string() };
            if let Err(e) = app.store.keep_part(delivery, &noted).await {
                return Outcome::Unknown(format!("message {message} envoyé, sans trace : {e}"));
            }
            last = Some(noted.message);
            if n + 1 < count {
                CrashPoint::MidParts.reach();
            }
        }
        match last {
            Some(message) => Outcome::Accepted(format!("message {message}")),
            None => Outcome::Permanent("message vide".to_owned()),
        }
    }

    async fn send_part(&self, app: &App, chat: &mut i64, part: &Part, under: Option<i32>) -> Result<i32, Refusal> {
        match self.bot.send(*chat, part, under).await {
            Err(Refusal::Moved { to }) => {
                let moved = app.store.move_chat(Channel::Telegram, &chat.to_string(), &to.to_string()).await;
                if let Err(e) = moved {
                    return Err(Refusal::Unreachable(format!("nouvelle adresse {to} non enregistrée : {e}")));
                }
                tracing::info!(from = *chat, to, "a group became a supergroup");
                CrashPoint::MidMigration.reach();
                *chat = to;
                // Messages of the old group have other numbers here.
                self.bot.send(to, part, None).await
            }
            done => done,
        }
    }

    /// What a refusal means for the delivery, and for the bot.
    async fn refused(&self, app: &App, chat: i64, refusal: Refusal) -> Outcome {
        if let Refusal::Wait { seconds } = refusal {
            let until = app.clock.now() + Duration::seconds(seconds.into());
            if let Some(until) = self.limits.asked_to_wait(chat, until) {
                tracing::warn!(%until, "Telegram asks the whole bot to wait");
                app.rest(Channel::Telegram, until);
                if let Err(e) = app.store.rest_channel(Channel::Telegram, until).await {
                    tracing::error!("the bot's rest is not noted: {e}");
                }
            }
        }
        refusal.outcome()
    }
}

/// What is to be sent.
struct Plan {
    parts: Vec<Part>,
    /// Parts that arrived at an earlier attempt.
    arrived: usize,
    /// The last message that arrived.
    last: Option<String>,
    /// The message under which the first part stands.
    under: Option<i32>,
}

/// Chats told to wait since something last went through.
#[derive(Debug, Default)]
struct Limits(Mutex<HashMap<i64, DateTime<Utc>>>);

impl Limits {
    /// Something went through: whoever waits, waits for itself.
    fn passed(&self) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clear();
    }

    /// A chat is told to wait; gives until when the whole bot must, where the limit is the bot's.
    fn asked_to_wait(&self, chat: i64, until: DateTime<Utc>) -> Option<DateTime<Utc>> {
        let mut waiting = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        waiting.insert(chat, until);
        (waiting.len() > 1).then(|| waiting.values().max().copied()).flatten()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_limit_is_the_bot_s_when_a_second_chat_meets_it_and_nothing_passed_between() {
        let at = |s| DateTime::from_timestamp(s, 0).unwrap();
        let limits = Limits::default();
        assert_eq!(limits.asked_to_wait(1, at(60)), None);
        assert_eq!(limits.asked_to_wait(1, at(90)), None);
        limits.passed();
        assert_eq!(limits.asked_to_wait(2, at(70)), None);
        assert_eq!(limits.asked_to_wait(3, at(65)), Some(at(70)));
    }
}

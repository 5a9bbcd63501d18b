//! Telegram chats, outgoing half: alerts leave for them, and show anew what was decided.
//!
//! - Each message a chat takes is noted before the next leaves: a delivery cut in the middle goes on behind the last one, and
//!   one whose answer alone was lost is not sent again.
//! - A group that became a supergroup is noted under its new number, then written to there.
//! - A limit is the chat's own until a second chat is told to wait without anything having gone through since: then the whole
//!   bot rests (`docs/decisions/0011-telegram.md`).

use std::collections::{BTreeSet, HashMap};
use std::sync::{Mutex, PoisonError};

use chrono::{DateTime, Duration, Utc};
use vigie_config::settings;
use vigie_domain::delivery::Outcome;
use vigie_domain::{Alert, AlertKind, Channel};
use vigie_notifier::channels::Envelope;
use vigie_notifier::message::Message;
use vigie_service::crash_point::CrashPoint;
use vigie_service::operators::{self, OperatorEvent};
use vigie_service::{Failure, Service};
use vigie_store::messages::SentPart;
use vigie_store::{StoreError, derived_id};
use vigie_telegram::send::Place;
use vigie_telegram::{Part, Refusal, Telegram, content};

use crate::resting::Resting;
use crate::state_refresh;

/// Stands under a message that may have arrived before.
const SENT_AGAIN: &str =
    "Envoyé de nouveau : la réponse de Telegram au premier envoi s’est perdue, il est peut-être déjà au-dessus.";

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
    pub async fn send(&self, service: &Service, resting: &Resting, envelope: &Envelope<'_>) -> Outcome {
        // Nothing has left as long as the database was not read.
        let plan = match self.plan(service, envelope).await {
            Ok(plan) => plan,
            Err(e) => return Outcome::Transient { why: e.to_string(), retry_after: None },
        };
        let Ok(chat) = envelope.to.parse() else {
            return Outcome::AddressRefused(format!("« {} » n’est pas un numéro de conversation", envelope.to));
        };
        self.carry_out(service, resting, envelope.key, chat, plan).await
    }

    /// Sends a message of which nothing is noted.
    pub(crate) async fn say_unnoted(&self, chat: i64, message: &Message) -> Outcome {
        let mut last = 0;
        for part in content::parts(&message.chat(), &[]) {
            match self.bot.send(Place::of(chat), &part).await {
                Ok(id) => last = id,
                Err(refusal) => return refusal.outcome(),
            }
        }
        Outcome::Accepted(format!("message {last}"))
    }

    async fn plan(&self, service: &Service, envelope: &Envelope<'_>) -> Result<Plan, StoreError> {
        let mut parts = content::parts(&envelope.message.chat(), envelope.buttons);
        let sent = service.store.parts(envelope.key).await?;
        let arrived = sent.len().min(parts.len());
        if envelope.resend && arrived < parts.len() && service.store.is_doubtful(envelope.key).await? {
            parts[arrived] = std::mem::take(&mut parts[arrived]).with_note(SENT_AGAIN);
        }
        let topic = service.store.topic_of(Channel::Telegram, envelope.to).await?;
        let topic = topic.and_then(|topic| i32::try_from(topic).ok());
        let mut under = None;
        for earlier in envelope.thread {
            let first = service.store.parts(earlier).await?.into_iter().next();
            // A message of the group that this one was is not found in the supergroup.
            under = first.filter(|p| p.chat == envelope.to).and_then(|p| p.message.parse().ok());
            if under.is_some() {
                break;
            }
        }
        Ok(Plan { parts, arrived, last: sent.last().map(|p| p.message.clone()), under, topic })
    }

    async fn carry_out(
        &self,
        service: &Service,
        resting: &Resting,
        delivery: &str,
        mut chat: i64,
        plan: Plan,
    ) -> Outcome {
        let Plan { parts, arrived, mut last, under, topic } = plan;
        let count = parts.len();
        for (n, part) in parts.into_iter().enumerate().skip(arrived) {
            let place = Place { chat, topic, under: under.filter(|_| n == 0) };
            let message = match self.send_part(service, place, &part).await {
                Ok((message, in_chat)) => {
                    chat = in_chat;
                    message
                }
                Err(refusal) => return self.refused(service, resting, chat, refusal).await,
            };
            self.passed(service).await;
            let noted = SentPart { part: n as i64, chat: chat.to_string(), message: message.to_string() };
            if let Err(e) = service.store.keep_part(delivery, &noted).await {
                return Outcome::Unknown(format!("message {message} envoyé, sans trace : {e}"));
            }
            last = Some(noted.message);
            if n + 1 < count {
                CrashPoint::MidParts.reach();
            }
        }
        let Some(message) = last else { return Outcome::Permanent("message vide".to_owned()) };
        // It bears the buttons, and will show the state.
        let (place, now) = (chat.to_string(), service.clock.now());
        if let Err(e) = service.store.remember_message(delivery, Channel::Telegram, &place, &message, now).await {
            tracing::error!(delivery, "the state of this message will not be shown: {e}");
        }
        Outcome::Accepted(format!("message {message}"))
    }

    /// Sends one part; gives its identifier, and the chat that took it: a group that became a supergroup is noted under its new
    /// number. A topic that is gone is forgotten, and the main one serves.
    ///
    /// # Errors
    /// What the server refused.
    pub async fn send_part(&self, service: &Service, place: Place, part: &Part) -> Result<(i32, i64), Refusal> {
        let chat = place.chat;
        let sent = match self.bot.send(place, part).await {
            Err(Refusal::NoTopic(why)) if place.topic.is_some() => {
                tracing::info!(chat, "a topic is gone, the main one serves: {why}");
                if let Err(e) = service.store.set_topic(Channel::Telegram, &chat.to_string(), None).await {
                    tracing::error!("a topic is not forgotten: {e}");
                }
                self.bot.send(Place { topic: None, ..place }, part).await
            }
            sent => sent,
        };
        match sent {
            Err(Refusal::Moved { to }) => {
                let moved = service.store.move_chat(Channel::Telegram, &chat.to_string(), &to.to_string()).await;
                if let Err(e) = moved {
                    return Err(Refusal::Unreachable(format!("nouvelle adresse {to} non enregistrée : {e}")));
                }
                tracing::info!(from = chat, to, "a group became a supergroup");
                CrashPoint::MidMigration.reach();
                // Messages of the old group have other numbers here.
                self.bot.send(Place::of(to), part).await.map(|message| (message, to))
            }
            sent => sent.map(|message| (message, chat)),
        }
    }

    /// What a refusal means for the delivery, and for the bot.
    async fn refused(&self, service: &Service, resting: &Resting, chat: i64, refusal: Refusal) -> Outcome {
        match &refusal {
            Refusal::Wait { seconds } => self.asked_to_wait(service, resting, chat, *seconds).await,
            Refusal::Closed(why) => {
                if let Err(e) = closed(service, chat, why).await {
                    tracing::error!("a closed chat is not told: {}", e.what);
                }
            }
            _ => {}
        }
        refusal.outcome()
    }

    /// Something went through: limits met before are their chats' own.
    pub async fn passed(&self, service: &Service) {
        if self.limits.passed()
            && let Err(e) = service.store.forget_limits(Channel::Telegram).await
        {
            tracing::error!("limits are not forgotten: {e}");
        }
    }

    /// A chat is asked to wait: noted, for every process; where it is the bot's own limit, the whole channel rests.
    pub async fn asked_to_wait(&self, service: &Service, resting: &Resting, chat: i64, seconds: u32) {
        let now = service.clock.now();
        let until = now + Duration::seconds(seconds.into());
        match service.store.limited(Channel::Telegram, now).await {
            // Another chat's: this one would not have been tried before its own was over.
            Ok(Some(before)) if self.limits.is_new() => {
                self.limits.asked_to_wait(0, before);
            }
            Ok(_) => {}
            Err(e) => tracing::error!("limits met before are not known: {e}"),
        }
        if let Err(e) = service.store.note_limit(Channel::Telegram, until).await {
            tracing::error!("a limit is not noted: {e}");
        }
        let Some(until) = self.limits.asked_to_wait(chat, until) else { return };
        tracing::warn!(%until, "Telegram asks the whole bot to wait");
        resting.until(Channel::Telegram, until);
        if let Err(e) = service.store.rest_channel(Channel::Telegram, until).await {
            tracing::error!("the bot's rest is not noted: {e}");
        }
    }
}

/// A chat takes no message for now: its people hear of it on their other addresses, and the operators, once a day. What is
/// for it waits.
async fn closed(service: &Service, chat: i64, why: &str) -> Result<(), Failure> {
    let now = service.clock.now();
    let day = now.date_naive();
    let body = format!(
        "Une conversation Telegram est fermée aux messages\n{why}. Ses alertes attendent, et sont essayées toutes les heures. Rouvrez le sujet du groupe, ou rendez à Vigie le droit d’y écrire."
    );
    for (person, address) in service.store.people_of_chat(Channel::Telegram, &chat.to_string()).await? {
        let others = service.store.active_addresses(&person.id).await?.into_iter().filter(|a| a.id != address.id);
        for other in others {
            let alert =
                Alert::word(AlertKind::Account, derived_id(&["closed", &address.id, &other.id, &day.to_string()]));
            service.store.answer(&other, &alert, "", &body, now).await?;
        }
    }
    operators::tell(service, OperatorEvent::Once(&format!("telegram:closed:{chat}:{day}")), &body, now).await
}

/// Shows the state decided, on whatever channel, in the alerts that show another one.
///
/// # Errors
/// The database fails.
pub async fn refresh(chats: &Chats, service: &Service, resting: &Resting) -> Result<(), Failure> {
    if resting.is_resting(Channel::Telegram, service.clock.now()) {
        return Ok(());
    }
    for stale in state_refresh::stale(service, Channel::Telegram).await? {
        let message = &stale.message;
        let (Ok(chat), Ok(id)) = (message.chat.parse::<i64>(), message.message.parse::<i32>()) else {
            service.store.refreshed(message, &stale.line, None).await?;
            continue;
        };
        if chats.limits.waits(chat, service.clock.now()) {
            continue;
        }
        let whole = state_refresh::whole(service, &stale).await?;
        let Some(part) = whole.and_then(|(text, buttons)| content::parts(&text, &buttons).pop()) else {
            service.store.refreshed(message, &stale.line, None).await?;
            continue;
        };
        match chats.bot.edit(chat, id, &part).await {
            Ok(()) => service.store.refreshed(message, &stale.line, None).await?,
            Err(Refusal::Wait { seconds }) => chats.asked_to_wait(service, resting, chat, seconds).await,
            Err(Refusal::Moved { .. } | Refusal::Lost(_) | Refusal::Message(_)) => {
                // It stays as it is: gone, too old, or in a group that has moved.
                service.store.refreshed(message, &message.shown, None).await?;
            }
            // Another time.
            Err(refusal) => {
                tracing::warn!(chat, "state not shown: {refusal}");
                return Ok(());
            }
        }
    }
    Ok(())
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
    /// The topic of the chat, where it is not the main one.
    topic: Option<i32>,
}

/// Who was told to wait.
#[derive(Debug, Default)]
struct Limits(Mutex<Waits>);

#[derive(Debug, Default)]
struct Waits {
    /// Until when.
    chats: HashMap<i64, DateTime<Utc>>,
    /// Told so since something last went through.
    suspects: BTreeSet<i64>,
    /// Something was met, or went through, since the process began.
    begun: bool,
}

impl Limits {
    /// Something went through: whoever waits, waits for itself. Whether anybody did, or the process has just begun.
    fn passed(&self) -> bool {
        let mut waits = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let any = !waits.suspects.is_empty() || !waits.begun;
        (waits.begun, waits.suspects) = (true, BTreeSet::new());
        any
    }

    /// Whether nothing was met, and nothing went through, since the process began; asked once.
    fn is_new(&self) -> bool {
        let mut waits = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        !std::mem::replace(&mut waits.begun, true)
    }

    /// Whether a chat was told to wait longer than `now`.
    fn waits(&self, chat: i64, now: DateTime<Utc>) -> bool {
        let mut waits = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        waits.chats.retain(|_, until| *until > now);
        waits.chats.contains_key(&chat)
    }

    /// A chat is told to wait; gives until when the whole bot must, where the limit is the bot's.
    fn asked_to_wait(&self, chat: i64, until: DateTime<Utc>) -> Option<DateTime<Utc>> {
        let mut waits = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        waits.chats.insert(chat, until);
        waits.suspects.insert(chat);
        let all = waits.suspects.iter().filter_map(|c| waits.chats.get(c)).max().copied();
        all.filter(|_| waits.suspects.len() > 1)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_limit_is_the_bot_s_when_a_second_chat_meets_it_and_nothing_passed_between() {
        let at = |s| DateTime::from_timestamp(s, 0).unwrap();
        let limits = Limits::default();
        assert!(!limits.waits(1, at(0)));
        assert_eq!(limits.asked_to_wait(1, at(60)), None);
        assert!(limits.waits(1, at(59)) && !limits.waits(1, at(60)) && !limits.waits(2, at(0)));
        assert_eq!(limits.asked_to_wait(1, at(90)), None);
        limits.passed();
        assert_eq!(limits.asked_to_wait(2, at(70)), None);
        assert_eq!(limits.asked_to_wait(3, at(65)), Some(at(70)));
    }
}

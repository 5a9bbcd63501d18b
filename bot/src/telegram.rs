//! Telegram chats: alerts leave for them, and what people do there is heard by [`crate::talk`].
//!
//! - Each message a chat takes is noted before the next leaves: a delivery cut in the middle goes on behind the last one, and
//!   one whose answer alone was lost is not sent again.
//! - A group that became a supergroup is noted under its new number, then written to there.
//! - Updates are confirmed once they were all handled; those handled before a crash are noted and not handled again. One
//!   process listens, by lease. An update that fails three times is passed over, and the one who waits is told; one that
//!   cannot be read is put aside with its bytes.
//! - A limit is the chat's own until a second chat is told to wait without anything having gone through since: then the whole
//!   bot rests (`docs/decisions/0011-telegram.md`).

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use chrono::{DateTime, Duration, Utc};
use tokio::task::JoinSet;
use vigie_config::settings;
use vigie_domain::Channel;
use vigie_domain::delivery::Outcome;
use vigie_notifier::channels::Envelope;
use vigie_store::StoreError;
use vigie_store::messages::SentPart;
use vigie_store::sources::Quarantined;
use vigie_telegram::receive::{Received, Unreadable};
use vigie_telegram::{Event, Part, Refusal, Telegram, What, content, send};

use crate::app::{App, Failure};
use crate::crash_point::CrashPoint;
use crate::deliver;
use crate::talk::{self, Chat, Heard, Reply, ReplyPlace, Said, Sender};
use crate::timetable;

/// Stands under a message that may have arrived before.
const SENT_AGAIN: &str =
    "Envoyé de nouveau\u{a0}: la réponse de Telegram au premier envoi s’est perdue, il est peut-être déjà au-dessus.";

/// Name of the lease of the one who listens, and of how far it came.
const LISTENER: &str = "telegram";
/// How long it is held: a long poll, and what people said meanwhile.
const LEASE: Duration = Duration::seconds(120);
/// Times an update may fail before it is passed over.
const TRIES: u32 = 3;
/// Times in a row that another listener may end ours before the operators hear of it: one at a restart is none.
const RIVALRIES: u32 = 3;
/// Longest wait for which an answer is kept; after that, whoever asked has gone on.
const ANSWER_WITHIN: u32 = 300;
/// Pause before an answer that found no server is tried once more.
const ANSWER_AGAIN: std::time::Duration = std::time::Duration::from_secs(5);
/// Most rounds of one pass.
const MAX_ROUNDS: usize = 50;

const FAILED: &str =
    "Quelque chose n’a pas marché de mon côté, et la personne qui gère Vigie peut le voir. Réessayez dans un moment.";

/// What clients propose as commands.
pub const MENU: [(&str, &str); 11] = [
    ("abonner", "Choisir les marchés dont je veux entendre parler"),
    ("abonnements", "Voir, suspendre ou retirer mes abonnements"),
    ("echeances", "Les dates des marchés que nous suivons"),
    ("ajouter", "Suivre un marché que Vigie ne m’a pas signalé"),
    ("pourquoi", "Pourquoi j’ai reçu cette alerte"),
    ("pause", "Ne plus rien recevoir pendant quelque temps"),
    ("reprendre", "Recevoir de nouveau mes alertes"),
    ("aide", "Ce que Vigie sait faire ici"),
    ("stop", "Arrêter les alertes dans cette conversation"),
    ("export", "Recevoir tout ce que Vigie sait de moi"),
    ("effacer", "Effacer ce que Vigie sait de moi"),
];

/// The bot and what is known of its limits.
pub struct Chats {
    /// The bot.
    pub bot: Telegram,
    limits: Limits,
    /// Updates that failed, and how often.
    failed: Mutex<HashMap<u32, u32>>,
    /// Times in a row that another listener ended ours.
    rivalries: AtomicU32,
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
        Ok(Self { bot, limits: Limits::default(), failed: Mutex::default(), rivalries: AtomicU32::new(0) })
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
            self.passed(app).await;
            let noted = SentPart { part: n as i64, chat: chat.to_string(), message: message.to_string() };
            if let Err(e) = app.store.keep_part(delivery, &noted).await {
                return Outcome::Unknown(format!("message {message} envoyé, sans trace : {e}"));
            }
            last = Some(noted.message);
            if n + 1 < count {
                CrashPoint::MidParts.reach();
            }
        }
        let Some(message) = last else { return Outcome::Permanent("message vide".to_owned()) };
        // It bears the buttons, and will show the state.
        let (place, now) = (chat.to_string(), app.clock.now());
        if let Err(e) = app.store.remember_message(delivery, Channel::Telegram, &place, &message, now).await {
            tracing::error!(delivery, "the state of this message will not be shown: {e}");
        }
        Outcome::Accepted(format!("message {message}"))
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
            self.asked_to_wait(app, chat, seconds).await;
        }
        refusal.outcome()
    }

    /// Something went through: limits met before are their chats' own.
    async fn passed(&self, app: &App) {
        if self.limits.passed()
            && let Err(e) = app.store.forget_limits(Channel::Telegram).await
        {
            tracing::error!("limits are not forgotten: {e}");
        }
    }

    async fn asked_to_wait(&self, app: &App, chat: i64, seconds: u32) {
        let now = app.clock.now();
        let until = now + Duration::seconds(seconds.into());
        match app.store.limited(Channel::Telegram, now).await {
            // Another chat's: this one would not have been tried before its own was over.
            Ok(Some(before)) if self.limits.is_new() => {
                self.limits.asked_to_wait(0, before);
            }
            Ok(_) => {}
            Err(e) => tracing::error!("limits met before are not known: {e}"),
        }
        if let Err(e) = app.store.note_limit(Channel::Telegram, until).await {
            tracing::error!("a limit is not noted: {e}");
        }
        let Some(until) = self.limits.asked_to_wait(chat, until) else { return };
        tracing::warn!(%until, "Telegram asks the whole bot to wait");
        app.rest(Channel::Telegram, until);
        if let Err(e) = app.store.rest_channel(Channel::Telegram, until).await {
            tracing::error!("the bot's rest is not noted: {e}");
        }
    }
}

/// Says which commands clients propose; a server that is away is told at the next start.
pub async fn propose(app: &App) {
    let Some(chats) = &app.telegram else { return };
    if let Err(refusal) = chats.bot.set_menu(&MENU).await {
        tracing::warn!("the menu of commands is not set: {refusal}");
    }
}

/// Acts on everything that waits, without waiting for more.
///
/// # Errors
/// The database or the server fails.
pub async fn listen_once(app: &Arc<App>) -> Result<(), Failure> {
    for _ in 0..MAX_ROUNDS {
        if listen(app, std::time::Duration::ZERO).await?.unwrap_or_default() == 0 {
            break;
        }
    }
    Ok(())
}

/// Waits for what happens next in the chats, and acts on it; gives the number of updates, `None` where this process is not
/// the one who listens.
///
/// # Errors
/// The database or the server fails.
pub async fn listen(app: &Arc<App>, wait: std::time::Duration) -> Result<Option<usize>, Failure> {
    let Some(chats) = &app.telegram else { return Ok(None) };
    let now = app.clock.now();
    if !app.store.hold_lease(LISTENER, &app.holder, LEASE, now).await? {
        return Ok(None);
    }
    let from = app.store.listening_from(LISTENER, now).await?.and_then(|n| u32::try_from(n).ok());
    let received = match chats.bot.updates(from, wait).await {
        Ok(received) => received,
        Err(refusal) => return Err(deaf(app, chats, &refusal).await?),
    };
    chats.rivalries.store(0, Ordering::Relaxed);
    let Some(last) = received.iter().map(|r| r.number).max() else { return Ok(Some(0)) };
    let count = received.len();
    let known = Arc::new(app.store.heard_since(LISTENER).await?);
    // One chat's updates in their order; a chat that answers slowly does not hold another back.
    let mut by_chat: BTreeMap<i64, Vec<Received>> = BTreeMap::new();
    for update in received {
        by_chat.entry(update.events.first().map_or(0, |e| e.chat)).or_default().push(update);
    }
    let mut work = JoinSet::new();
    for updates in by_chat.into_values() {
        work.spawn(handle(Arc::clone(app), updates, Arc::clone(&known)));
    }
    let mut failure = None;
    while let Some(done) = work.join_next().await {
        let failed = |e| Failure::new(format!("réponse interrompue : {e}"), "[telegram]", "rien n’est perdu");
        if let Err(e) = done.unwrap_or_else(|e| Err(failed(e))) {
            failure = Some(e);
        }
    }
    deliver::refresh(app).await?;
    match failure {
        // They are given again, and those that went well are known.
        Some(failure) => Err(failure),
        None => {
            app.store.listen_from(LISTENER, i64::from(last) + 1, app.clock.now()).await?;
            Ok(Some(count))
        }
    }
}

/// Acts on updates of one chat.
async fn handle(app: Arc<App>, updates: Vec<Received>, known: Arc<BTreeSet<i64>>) -> Result<(), Failure> {
    let Some(chats) = &app.telegram else { return Ok(()) };
    for update in updates {
        let number = i64::from(update.number);
        if known.contains(&number) {
            continue;
        }
        if let Some(unreadable) = &update.unreadable {
            put_aside(&app, number, unreadable).await?;
        }
        for event in &update.events {
            if let Err(failure) = act(&app, chats, event).await {
                tracing::error!(update = number, "what was said in a chat is not acted on: {}", failure.what);
                if chats.failures(update.number) < TRIES {
                    return Err(failure);
                }
                let sorry = Reply { place: ReplyPlace::Answer, text: FAILED.into(), buttons: Vec::new() };
                chats.carry_out_reply(&app, event, &sorry).await;
            }
        }
        app.store.heard(LISTENER, number).await?;
        CrashPoint::Heard.reach();
    }
    Ok(())
}

/// Keeps an update that cannot be read, for whoever looks into it.
async fn put_aside(app: &App, number: i64, unreadable: &Unreadable) -> Result<(), Failure> {
    tracing::error!(update = number, "an update cannot be read and is put aside: {}", unreadable.why);
    let record = Quarantined {
        source: LISTENER.to_owned(),
        record_id: Some(number.to_string()),
        place: "getUpdates".to_owned(),
        reason: unreadable.why.to_owned(),
        raw: unreadable.raw.clone(),
        at: app.clock.now(),
    };
    app.store.quarantine(&record).await?;
    Ok(())
}

/// Why nothing can be heard; the operators are told where they can do something about it.
async fn deaf(app: &App, chats: &Chats, refusal: &Refusal) -> Result<Failure, Failure> {
    let told = match refusal {
        Refusal::Rival(_) => chats.rivalries.fetch_add(1, Ordering::Relaxed) + 1 >= RIVALRIES,
        Refusal::Account => true,
        _ => false,
    };
    if told {
        let now = app.clock.now();
        let body = format!(
            "Vigie n’entend plus ce qu’on lui dit sur Telegram\n{refusal}. Les boutons et les commandes restent sans réponse d’ici là ; docs/operator.md dit que faire."
        );
        let cause = format!("telegram:deaf:{}", now.date_naive());
        timetable::tell_operators(app, timetable::Cause::Event(&cause), &body, now).await?;
    }
    Ok(Failure::new(refusal.to_string(), "[telegram]", "Vigie réessaie d’elle-même"))
}

/// Acts on one event, and carries out what is answered.
async fn act(app: &App, chats: &Chats, event: &Event) -> Result<(), Failure> {
    let press = if let What::Pressed { press, .. } = &event.what { Some(press.as_str()) } else { None };
    let replies = match heard(app, event).await? {
        Some(heard) => talk::hear(app, heard).await,
        None => Ok(Vec::new()),
    };
    let word = replies.iter().flatten().find(|r| press.is_some() && passes(r)).cloned();
    if let Some(press) = press {
        // Whatever came of it, the button must not turn for ever.
        let word = word.as_ref().map(|r| r.text.text.as_str());
        if let Err(refusal) = chats.bot.answer_press(press, word).await {
            tracing::warn!(chat = event.chat, "a press is not answered: {refusal}");
        }
    }
    for reply in replies?.iter().filter(|r| word.as_ref() != Some(*r)) {
        chats.carry_out_reply(app, event, reply).await;
    }
    Ok(())
}

/// Whether a reply fits the word that passes over a pressed button.
fn passes(reply: &Reply) -> bool {
    reply.place == ReplyPlace::Toast && reply.buttons.is_empty() && send::passes(&reply.text.text)
}

/// What happened in a chat, in words that belong to no chat; `None` where it is about nothing of ours.
async fn heard(app: &App, event: &Event) -> Result<Option<Heard>, StoreError> {
    let id = event.chat.to_string();
    let about = |message: Option<i32>| {
        let id = id.clone();
        async move {
            match message {
                Some(message) => app.store.carried_by(&id, &message.to_string()).await,
                None => Ok(None),
            }
        }
    };
    let said = match &event.what {
        What::Text { text, under, edited, forwarded, .. } => {
            Said::Text { text: text.clone(), about: about(*under).await?, edited: *edited, forwarded: *forwarded }
        }
        What::Pressed { data, .. } => Said::Pressed { data: data.clone(), about: about(event.message).await? },
        What::Reacted { emoji } => match about(event.message).await? {
            Some(about) => Said::Reacted { emoji: emoji.clone(), about },
            None => return Ok(None),
        },
        What::Joined => Said::Joined,
        What::Left => Said::Left,
        What::Moved { to } => Said::Moved { to: to.to_string() },
    };
    let chat = Chat { channel: Channel::Telegram, id, private: event.private, title: event.title.clone() };
    let sender = Sender { id: event.sender.0.clone(), name: event.sender.1.clone() };
    Ok(Some(Heard { chat, sender, said }))
}

impl Chats {
    /// How often an update has failed, this time included.
    fn failures(&self, update: u32) -> u32 {
        let mut failed = self.failed.lock().unwrap_or_else(PoisonError::into_inner);
        let times = failed.entry(update).or_default();
        *times += 1;
        let times = *times;
        if times >= TRIES {
            failed.remove(&update);
        }
        times
    }

    /// Says a reply; one that cannot be said now is kept for a moment.
    async fn carry_out_reply(&self, app: &App, event: &Event, reply: &Reply) {
        let mut parts = content::parts(&reply.text, &reply.buttons);
        let pressed = matches!(event.what, What::Pressed { .. });
        if let (ReplyPlace::Edit, true, Some(message), [part]) = (reply.place, pressed, event.message, parts.as_slice())
        {
            match self.bot.edit(event.chat, message, part).await {
                Ok(()) => return,
                // Too old, or gone: said below.
                Err(Refusal::Message(why)) => tracing::info!(chat = event.chat, "not edited, said anew: {why}"),
                Err(refusal) => return self.later(event.chat, Some(message), parts.remove(0), refusal),
            }
        }
        // Alone with someone, what stands below is the answer; in a group it stands under what was said.
        let mut under =
            event.message.filter(|_| pressed || !event.private || matches!(event.what, What::Reacted { .. }));
        let mut chat = event.chat;
        for part in parts {
            match self.send_part(app, &mut chat, &part, under.take()).await {
                Ok(_) => self.passed(app).await,
                Err(refusal) => {
                    if let Refusal::Wait { seconds } = refusal {
                        self.asked_to_wait(app, chat, seconds).await;
                    }
                    self.later(chat, None, part, refusal);
                }
            }
        }
    }

    /// Says it once more when the chat, or the server, is ready; whoever asked can ask again.
    fn later(&self, chat: i64, instead: Option<i32>, part: Part, refusal: Refusal) {
        let pause = match refusal {
            Refusal::Wait { seconds } if seconds <= ANSWER_WITHIN => std::time::Duration::from_secs(seconds.into()),
            Refusal::Unreachable(_) => ANSWER_AGAIN,
            other => return tracing::warn!(chat, "answer not sent: {other}"),
        };
        let bot = self.bot.clone();
        tokio::spawn(async move {
            tokio::time::sleep(pause).await;
            let done = match instead {
                Some(message) => bot.edit(chat, message, &part).await,
                None => bot.send(chat, &part, None).await.map(|_| ()),
            };
            if let Err(refusal) = done {
                tracing::warn!(chat, "answer not sent: {refusal}");
            }
        });
    }
}

/// Shows the state decided, on whatever channel, in the alerts that show another one.
///
/// # Errors
/// The database fails.
pub async fn refresh(app: &App) -> Result<(), Failure> {
    let Some(chats) = &app.telegram else { return Ok(()) };
    if app.rests(Channel::Telegram, app.clock.now()) {
        return Ok(());
    }
    for stale in talk::refresh::stale(app, Channel::Telegram).await? {
        let message = &stale.message;
        let (Ok(chat), Ok(id)) = (message.chat.parse::<i64>(), message.message.parse::<i32>()) else {
            app.store.refreshed(message, &stale.line, None).await?;
            continue;
        };
        if chats.limits.waits(chat, app.clock.now()) {
            continue;
        }
        let whole = talk::refresh::whole(app, &stale).await?;
        let Some(part) = whole.and_then(|(text, buttons)| content::parts(&text, &buttons).pop()) else {
            app.store.refreshed(message, &stale.line, None).await?;
            continue;
        };
        match chats.bot.edit(chat, id, &part).await {
            Ok(()) => app.store.refreshed(message, &stale.line, None).await?,
            Err(Refusal::Wait { seconds }) => chats.asked_to_wait(app, chat, seconds).await,
            Err(Refusal::Moved { .. } | Refusal::Lost(_) | Refusal::Message(_)) => {
                // It stays as it is: gone, too old, or in a group that has moved.
                app.store.refreshed(message, &message.shown, None).await?;
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

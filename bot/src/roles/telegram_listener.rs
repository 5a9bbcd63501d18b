//! Telegram chats, incoming half: what people do there goes to the [`conversation`], and what it answers is said.
//!
//! - Updates are confirmed once they were all handled; those handled before a crash are noted and not handled again. One
//!   process listens, by lease. An update that fails three times is passed over, and the one who waits is told; one that
//!   cannot be read is put aside with its bytes.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use chrono::Duration;
use tokio::task::JoinSet;
use vigie_conversation::{self as conversation, Chat, Incoming, Input, Reply, ReplyPlace, Sender};
use vigie_delivery::channels::telegram::Chats;
use vigie_delivery::{Engine, channels};
use vigie_domain::Channel;
use vigie_service::Failure;
use vigie_service::crash_point::CrashPoint;
use vigie_service::operators::{self, OperatorEvent};
use vigie_store::StoreError;
use vigie_store::sources::Quarantined;
use vigie_telegram::receive::{Received, Unreadable};
use vigie_telegram::{Event, EventKind, Part, Refusal, content, send};

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

/// The one who listens, with what it knows of its own failures.
pub struct Listener {
    engine: Arc<Engine>,
    /// Updates that failed, and how often.
    failed: Mutex<HashMap<u32, u32>>,
    /// Times in a row that another listener ended ours.
    rivalries: AtomicU32,
}

impl Listener {
    /// A listener that has failed nothing yet.
    #[must_use]
    pub fn new(engine: Arc<Engine>) -> Self {
        Self { engine, failed: Mutex::default(), rivalries: AtomicU32::new(0) }
    }

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
}

/// Says which commands clients propose; a server that is away is told at the next start.
pub async fn propose(engine: &Engine) {
    let Some(chats) = &engine.telegram else { return };
    if let Err(refusal) = chats.bot.set_menu(&MENU).await {
        tracing::warn!("the menu of commands is not set: {refusal}");
    }
}

/// Acts on everything that waits, without waiting for more.
///
/// # Errors
/// The database or the server fails.
pub async fn listen_once(listener: &Arc<Listener>) -> Result<(), Failure> {
    for _ in 0..MAX_ROUNDS {
        if listen(listener, std::time::Duration::ZERO).await?.unwrap_or_default() == 0 {
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
pub async fn listen(listener: &Arc<Listener>, wait: std::time::Duration) -> Result<Option<usize>, Failure> {
    let engine = &listener.engine;
    let Some(chats) = &engine.telegram else { return Ok(None) };
    let now = engine.service.clock.now();
    if !engine.service.store.hold_lease(LISTENER, &engine.service.lease_holder, LEASE, now).await? {
        return Ok(None);
    }
    let from = engine.service.store.listening_from(LISTENER, now).await?.and_then(|n| u32::try_from(n).ok());
    let received = match chats.bot.updates(from, wait).await {
        Ok(received) => received,
        Err(refusal) => return Err(unheard(listener, &refusal).await?),
    };
    listener.rivalries.store(0, Ordering::Relaxed);
    let Some(last) = received.iter().map(|r| r.number).max() else { return Ok(Some(0)) };
    let count = received.len();
    let known = Arc::new(engine.service.store.heard_since(LISTENER).await?);
    // One chat's updates in their order; a chat that answers slowly does not hold another back.
    let mut by_chat: BTreeMap<i64, Vec<Received>> = BTreeMap::new();
    for update in received {
        by_chat.entry(update.events.first().map_or(0, |e| e.chat)).or_default().push(update);
    }
    let mut work = JoinSet::new();
    for updates in by_chat.into_values() {
        work.spawn(handle(Arc::clone(listener), updates, Arc::clone(&known)));
    }
    let mut failure = None;
    while let Some(done) = work.join_next().await {
        let failed = |e| Failure::new(format!("réponse interrompue : {e}"), "[telegram]", "rien n’est perdu");
        if let Err(e) = done.unwrap_or_else(|e| Err(failed(e))) {
            failure = Some(e);
        }
    }
    channels::refresh(engine).await?;
    match failure {
        // They are given again, and those that went well are known.
        Some(failure) => Err(failure),
        None => {
            engine.service.store.listen_from(LISTENER, i64::from(last) + 1, engine.service.clock.now()).await?;
            Ok(Some(count))
        }
    }
}

/// Acts on updates of one chat.
async fn handle(listener: Arc<Listener>, updates: Vec<Received>, known: Arc<BTreeSet<i64>>) -> Result<(), Failure> {
    let engine = &listener.engine;
    let Some(chats) = &engine.telegram else { return Ok(()) };
    for update in updates {
        let number = i64::from(update.number);
        if known.contains(&number) {
            continue;
        }
        if let Some(unreadable) = &update.unreadable {
            put_aside(engine, number, unreadable).await?;
        }
        for event in &update.events {
            if let Err(failure) = act(engine, chats, event).await {
                tracing::error!(update = number, "what was said in a chat is not acted on: {}", failure.what);
                if listener.failures(update.number) < TRIES {
                    return Err(failure);
                }
                let sorry = Reply { place: ReplyPlace::Answer, text: FAILED.into(), buttons: Vec::new() };
                carry_out_reply(engine, chats, event, &sorry).await;
            }
        }
        engine.service.store.heard(LISTENER, number).await?;
        CrashPoint::Heard.reach();
    }
    Ok(())
}

/// Keeps an update that cannot be read, for whoever looks into it.
async fn put_aside(engine: &Engine, number: i64, unreadable: &Unreadable) -> Result<(), Failure> {
    tracing::error!(update = number, "an update cannot be read and is put aside: {}", unreadable.why);
    let record = Quarantined {
        source: LISTENER.to_owned(),
        record_id: Some(number.to_string()),
        place: "getUpdates".to_owned(),
        reason: unreadable.why.to_owned(),
        raw: unreadable.raw.clone(),
        at: engine.service.clock.now(),
    };
    engine.service.store.quarantine(&record).await?;
    Ok(())
}

/// Why nothing can be heard; the operators are told where they can do something about it.
async fn unheard(listener: &Listener, refusal: &Refusal) -> Result<Failure, Failure> {
    let engine = &listener.engine;
    let told = match refusal {
        Refusal::Rival(_) => listener.rivalries.fetch_add(1, Ordering::Relaxed) + 1 >= RIVALRIES,
        Refusal::Account => true,
        _ => false,
    };
    if told {
        let now = engine.service.clock.now();
        let body = format!(
            "Vigie n’entend plus ce qu’on lui dit sur Telegram\n{refusal}. Les boutons et les commandes restent sans réponse d’ici là ; docs/operator.md dit que faire."
        );
        let cause = format!("telegram:deaf:{}", now.date_naive());
        operators::tell(&engine.service, OperatorEvent::Once(&cause), &body, now).await?;
    }
    Ok(Failure::new(refusal.to_string(), "[telegram]", "Vigie réessaie d’elle-même"))
}

/// Acts on one event, and carries out what is answered.
async fn act(engine: &Engine, chats: &Chats, event: &Event) -> Result<(), Failure> {
    let press = if let EventKind::Pressed { press, .. } = &event.kind { Some(press.as_str()) } else { None };
    let replies = match incoming_of(engine, event).await? {
        Some(incoming) => conversation::dispatch(&engine.service, incoming).await,
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
        carry_out_reply(engine, chats, event, reply).await;
    }
    Ok(())
}

/// Whether a reply fits the word that passes over a pressed button.
fn passes(reply: &Reply) -> bool {
    reply.place == ReplyPlace::Toast && reply.buttons.is_empty() && send::fits_toast(&reply.text.text)
}

/// What happened in a chat, in words that belong to no chat; `None` where it is about nothing of ours.
async fn incoming_of(engine: &Engine, event: &Event) -> Result<Option<Incoming>, StoreError> {
    let id = event.chat.to_string();
    let about = |message: Option<i32>| {
        let id = id.clone();
        async move {
            match message {
                Some(message) => engine.service.store.carried_by(&id, &message.to_string()).await,
                None => Ok(None),
            }
        }
    };
    let input = match &event.kind {
        EventKind::Text { text, under, edited, forwarded, .. } => {
            Input::Text { text: text.clone(), about: about(*under).await?, edited: *edited, forwarded: *forwarded }
        }
        EventKind::Pressed { data, .. } => Input::Pressed { data: data.clone(), about: about(event.message).await? },
        EventKind::Reacted { emoji } => match about(event.message).await? {
            Some(about) => Input::Reacted { emoji: emoji.clone(), about },
            None => return Ok(None),
        },
        EventKind::Joined => Input::Joined,
        EventKind::Left => Input::Left,
        EventKind::Moved { to } => Input::Moved { to: to.to_string() },
    };
    let chat = Chat { channel: Channel::Telegram, id, private: event.private, title: event.title.clone() };
    let sender = Sender { id: event.sender.0.clone(), name: event.sender.1.clone() };
    Ok(Some(Incoming { chat, sender, input }))
}

/// Says a reply; one that cannot be said now is kept for a moment.
async fn carry_out_reply(engine: &Engine, chats: &Chats, event: &Event, reply: &Reply) {
    let mut parts = content::parts(&reply.text, &reply.buttons);
    let pressed = matches!(event.kind, EventKind::Pressed { .. });
    if let (ReplyPlace::Edit, true, Some(message), [part]) = (reply.place, pressed, event.message, parts.as_slice()) {
        match chats.bot.edit(event.chat, message, part).await {
            Ok(()) => return,
            // Too old, or gone: said below.
            Err(Refusal::Message(why)) => tracing::info!(chat = event.chat, "not edited, said anew: {why}"),
            Err(refusal) => return later(chats, event.chat, Some(message), parts.remove(0), refusal),
        }
    }
    // Alone with someone, what stands below is the answer; in a group it stands under what was said.
    let mut under =
        event.message.filter(|_| pressed || !event.private || matches!(event.kind, EventKind::Reacted { .. }));
    let mut chat = event.chat;
    for part in parts {
        match chats.send_part(&engine.service, &mut chat, &part, under.take()).await {
            Ok(_) => chats.passed(&engine.service).await,
            Err(refusal) => {
                if let Refusal::Wait { seconds } = refusal {
                    chats.asked_to_wait(&engine.service, &engine.resting, chat, seconds).await;
                }
                later(chats, chat, None, part, refusal);
            }
        }
    }
}

/// Says it once more when the chat, or the server, is ready; whoever asked can ask again.
fn later(chats: &Chats, chat: i64, instead: Option<i32>, part: Part, refusal: Refusal) {
    let pause = match refusal {
        Refusal::Wait { seconds } if seconds <= ANSWER_WITHIN => std::time::Duration::from_secs(seconds.into()),
        Refusal::Unreachable(_) => ANSWER_AGAIN,
        other => return tracing::warn!(chat, "answer not sent: {other}"),
    };
    let bot = chats.bot.clone();
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

//! Telegram chats, incoming half: what people do there goes to the [`conversation`], and what it answers is said.
//!
//! - Updates are kept, chat by chat, before they are confirmed ([`super::chat_queues`]): one chat's queue delays no other. One
//!   process listens, by lease. An update that fails three times is passed over, and the one who waits is told; one that
//!   cannot be read is put aside with its bytes.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use chrono::Duration;
use vigie_conversation::command::MENU;
use vigie_conversation::{self as conversation, Chat, FileFault, Incoming, Input, Reply, ReplyPlace, Sender};
use vigie_delivery::Engine;
use vigie_delivery::channels::telegram::Chats;
use vigie_domain::Channel;
use vigie_service::Failure;
use vigie_service::operators::{self, OperatorEvent};
use vigie_store::StoreError;
use vigie_store::incoming::IncomingRow;
use vigie_store::quarantine::Quarantined;
use vigie_telegram::receive::{self, MAX_FILE, Received};
use vigie_telegram::send::Place;
use vigie_telegram::{Event, EventKind, Part, Refusal, content, send};

use super::chat_files;
use super::chat_queues::{Acts, ChatQueues};

/// Name of the lease of the one who listens, and of how far it came.
const LISTENER: &str = "telegram";
/// How long it is held: more than a long poll.
const LEASE: Duration = Duration::seconds(120);
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

/// The one who listens.
pub struct Listener {
    engine: Arc<Engine>,
    queues: Arc<ChatQueues<Updates>>,
    /// Times in a row that another listener ended ours.
    rivalries: AtomicU32,
}

impl Listener {
    /// A listener that has heard nothing yet.
    #[must_use]
    pub fn new(engine: Arc<Engine>) -> Self {
        let queues = ChatQueues::new(Arc::clone(&engine), Updates);
        Self { engine, queues, rivalries: AtomicU32::new(0) }
    }

    /// Waits until what is under way has ended; what waits is left for the next start.
    pub async fn stop(&self) {
        self.queues.finish(true).await;
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
pub async fn listen_once(listener: &Listener) -> Result<(), Failure> {
    for _ in 0..MAX_ROUNDS {
        let heard = listen(listener, std::time::Duration::ZERO).await;
        listener.queues.finish(false).await;
        if heard?.unwrap_or_default() == 0 {
            break;
        }
    }
    Ok(())
}

/// Waits for what happens next in the chats, keeps it, and has it acted on; gives the number of updates, `None` where this
/// process is not the one who listens.
///
/// # Errors
/// The database or the server fails.
pub async fn listen(listener: &Listener, wait: std::time::Duration) -> Result<Option<usize>, Failure> {
    let engine = &listener.engine;
    let Some(chats) = &engine.telegram else { return Ok(None) };
    let (store, now) = (&engine.service.store, engine.service.clock.now());
    if !store.hold_lease(LISTENER, &engine.service.lease_holder, LEASE, now).await? {
        return Ok(None);
    }
    // What an earlier process left, or a failure.
    listener.queues.look_after().await?;
    let from = store.listening_from(LISTENER, now).await?.and_then(|n| u32::try_from(n).ok());
    let received = match chats.bot.updates(from, wait).await {
        Ok(received) => received,
        Err(refusal) => return Err(unheard(listener, &refusal).await?),
    };
    listener.rivalries.store(0, Ordering::Relaxed);
    let Some(last) = received.iter().map(|r| r.number).max() else { return Ok(Some(0)) };
    let rows: Vec<IncomingRow> = received
        .into_iter()
        .map(|r| IncomingRow {
            number: i64::from(r.number),
            chat: r.events.first().map(|e| e.chat.to_string()).unwrap_or_default(),
            raw: r.raw,
        })
        .collect();
    store.keep_incoming(LISTENER, &rows, i64::from(last) + 1, engine.service.clock.now()).await?;
    listener.queues.look_after().await?;
    Ok(Some(rows.len()))
}

/// How updates are acted on.
struct Updates;

impl Acts for Updates {
    const LISTENER: &'static str = LISTENER;

    async fn act(&self, engine: &Arc<Engine>, said: &IncomingRow) -> Result<(), Failure> {
        let Some(chats) = &engine.telegram else { return Ok(()) };
        let Some(update) = read(chats, said).await? else { return Ok(()) };
        if let Some(unreadable) = &update.unreadable {
            put_aside(engine, said, unreadable.why).await?;
        }
        for event in &update.events {
            act(engine, chats, event).await?;
        }
        Ok(())
    }

    async fn give_up(&self, engine: &Arc<Engine>, said: &IncomingRow) {
        if let Err(e) = put_aside(engine, said, "a échoué plusieurs fois de suite").await {
            tracing::error!(update = said.number, "not put aside: {}", e.what);
        }
        let Some(chats) = &engine.telegram else { return };
        let Ok(Some(update)) = read(chats, said).await else { return };
        let sorry = Reply { place: ReplyPlace::Answer, text: FAILED.into(), buttons: Vec::new() };
        for event in &update.events {
            carry_out_reply(engine, chats, event, &sorry).await;
        }
    }
}

async fn read(chats: &Chats, said: &IncomingRow) -> Result<Option<Received>, Failure> {
    let me =
        chats.bot.me().await.map_err(|e| Failure::new(e.to_string(), "[telegram]", "Vigie réessaie d’elle-même"))?;
    Ok(receive::read_json(&said.raw, &me.username))
}

/// Keeps an update that cannot be read or acted on, for whoever looks into it.
async fn put_aside(engine: &Engine, said: &IncomingRow, why: &str) -> Result<(), Failure> {
    tracing::error!(update = said.number, "an update is put aside: {why}");
    let record = Quarantined {
        source: LISTENER.to_owned(),
        record_id: Some(said.number.to_string()),
        place: "getUpdates".to_owned(),
        reason: why.to_owned(),
        raw: said.raw.clone(),
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
    remember_topic(engine, event).await
}

/// The topic in which the bot is started is where it writes from then on.
async fn remember_topic(engine: &Engine, event: &Event) -> Result<(), Failure> {
    let EventKind::Text { text, edited: false, forwarded: false, .. } = &event.kind else { return Ok(()) };
    if text.trim_start().to_lowercase().starts_with("/start") {
        let topic = event.topic.map(i64::from);
        engine.service.store.set_topic(Channel::Telegram, &event.chat.to_string(), topic).await?;
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
        EventKind::File { file, name, size, under } => {
            let about = about(*under).await?;
            // Of a stranger, or about nothing, no byte is asked for.
            let known = about.is_some() && has_people(engine, &id).await?;
            let content = if known { content_of(engine, file, *size).await } else { Err(FileFault::Away) };
            Input::File { name: name.clone(), content, about }
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

/// Whether somebody gets messages in that chat.
async fn has_people(engine: &Engine, chat: &str) -> Result<bool, StoreError> {
    Ok(!engine.service.store.people_of_chat(Channel::Telegram, chat).await?.is_empty())
}

/// The bytes of a file sent in a chat, within what the server gives to bots.
async fn content_of(engine: &Engine, file: &str, size: Option<u32>) -> Result<Vec<u8>, FileFault> {
    let Some(chats) = &engine.telegram else { return Err(FileFault::Away) };
    chat_files::content(size.map(u64::from), MAX_FILE, chats.bot.file(file, MAX_FILE)).await
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
            Err(refusal) => return later(chats, Place::of(event.chat), Some(message), parts.remove(0), refusal),
        }
    }
    // Alone with someone, what stands below is the answer; in a group it stands under what was said.
    let mut under =
        event.message.filter(|_| pressed || !event.private || matches!(event.kind, EventKind::Reacted { .. }));
    let mut place = Place { chat: event.chat, topic: event.topic, under: None };
    for part in parts {
        place.under = under.take();
        match chats.send_part(&engine.service, place, &part).await {
            Ok((_, chat)) => {
                place.chat = chat;
                chats.passed(&engine.service).await;
            }
            Err(refusal) => {
                if let Refusal::Wait { seconds } = refusal {
                    chats.asked_to_wait(&engine.service, &engine.resting, place.chat, seconds).await;
                }
                later(chats, place, None, part, refusal);
            }
        }
    }
}

/// Says it once more when the chat, or the server, is ready; whoever asked can ask again.
fn later(chats: &Chats, place: Place, instead: Option<i32>, part: Part, refusal: Refusal) {
    let chat = place.chat;
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
            None => bot.send(Place { under: None, ..place }, &part).await.map(|_| ()),
        };
        if let Err(refusal) = done {
            tracing::warn!(chat, "answer not sent: {refusal}");
        }
    });
}

//! Matrix rooms: what happens there goes to the [`conversation`], and what it answers is said in the thread it belongs to.
//!
//! A room has no buttons: their labels are listed as words to answer with. What was said is kept, room by room, and acted on apart
//! ([`super::chat_queues`]): one room's queue delays no other. What was decided stands in the store before anything is answered.

use std::sync::Arc;

use chrono::{DateTime, Utc};
use vigie_domain::Channel;
use vigie_matrix::{Event, EventKind, Followed, Matrix, Note};
use vigie_notifier::chat::Rich;
use vigie_store::incoming::IncomingRow;

use vigie_conversation::{self as conversation, Chat, FileFault, Incoming, Input, ReplyPlace, Sender};
use vigie_delivery::{Engine, channels};
use vigie_service::Failure;
use vigie_service::consultation::MAX_GIVEN;
use vigie_service::operators::{self, OperatorEvent};

use super::chat_files;
use super::chat_queues::{Acts, ChatQueues};

/// Name of the queue of what was said.
const LISTENER: &str = "matrix";
const FAILED: &str =
    "Quelque chose n’a pas marché de mon côté, et la personne qui gère Vigie peut le voir. Réessayez dans un moment.";

/// The one who listens.
pub struct Listener {
    engine: Arc<Engine>,
    queues: Arc<ChatQueues<Rooms>>,
}

impl Listener {
    /// A listener that has heard nothing yet.
    #[must_use]
    pub fn new(engine: Arc<Engine>) -> Self {
        Self { queues: ChatQueues::new(Arc::clone(&engine), Rooms), engine }
    }

    /// Waits until what is under way has ended; what waits is left for the next start.
    pub async fn stop(&self) {
        self.queues.finish(true).await;
    }
}

/// Waits for what happens next in the rooms, keeps it, and has it acted on.
///
/// # Errors
/// The database or the server fails.
pub async fn listen(listener: &Listener) -> Result<(), Failure> {
    let engine = &listener.engine;
    // What an earlier process left, or a failure.
    listener.queues.look_after().await?;
    let Some(matrix) = engine.matrix.get() else { return Ok(()) };
    warn_of_lapse(engine, matrix).await?;
    let events = match matrix.next().await {
        Ok(events) => events,
        Err(outcome) => {
            if let Some(fault) = matrix.session_fault() {
                let body = format!("Matrix ne répond plus à Vigie\n{}.", fault.in_french());
                let now = engine.service.clock.now();
                let cause = format!("matrix:{fault:?}:{}", now.date_naive());
                operators::tell(&engine.service, OperatorEvent::Once(&cause), &body, now).await?;
            }
            return Err(Failure::new(format!("{outcome:?}"), "[matrix]", "Vigie réessaie d’elle-même"));
        }
    };
    let said: Vec<(String, Vec<u8>)> =
        events.into_iter().map(|e| (e.room.clone(), serde_json::to_vec(&e).unwrap_or_default())).collect();
    if said.is_empty() {
        return channels::refresh(engine).await;
    }
    engine.service.store.append_incoming(LISTENER, said, engine.service.clock.now()).await?;
    listener.queues.look_after().await
}

/// How what was said in rooms is acted on.
struct Rooms;

impl Acts for Rooms {
    const LISTENER: &'static str = LISTENER;

    async fn act(&self, engine: &Arc<Engine>, said: &IncomingRow) -> Result<(), Failure> {
        let (Some(matrix), Ok(event)) = (engine.matrix.get(), serde_json::from_slice::<Event>(&said.raw)) else {
            return Ok(()); // kept by a later version, or the account is closed
        };
        if let EventKind::Invited { reason } = &event.kind {
            return invited(engine, matrix, &event, reason).await;
        }
        if let EventKind::Moved { to } = &event.kind
            && !goes_on_in(engine, matrix, &event, to).await?
        {
            return Ok(());
        }
        let (incoming, on) = incoming_of(engine, matrix, &event).await?;
        for reply in conversation::dispatch(&engine.service, incoming).await? {
            // A word that passes has no place here: what it says shows in the state line.
            if reply.place != ReplyPlace::Toast {
                answer(matrix, &event.room, &conversation::in_words(&reply), on.as_deref()).await;
            }
        }
        Ok(())
    }

    async fn give_up(&self, engine: &Arc<Engine>, said: &IncomingRow) {
        if let Some(matrix) = engine.matrix.get() {
            answer(matrix, &said.chat, &FAILED.into(), None).await;
        }
    }
}

/// Whether somebody's room goes on in another one, which we are in.
async fn goes_on_in(engine: &Engine, matrix: &Matrix, event: &Event, to: &str) -> Result<bool, Failure> {
    let store = &engine.service.store;
    let here = store.people_of_chat(Channel::Matrix, &event.room).await?;
    let there = store.people_of_chat(Channel::Matrix, to).await?;
    let is_here = |person: &str| here.iter().any(|(p, _)| p.id == person);
    // A room of nobody is followed nowhere; one that is somebody else's is taken over by nobody.
    if here.is_empty() || !there.iter().all(|(p, _)| is_here(&p.id)) {
        return Ok(false);
    }
    let followed = matrix.follow(&event.room, to, &event.sender).await;
    let retried = |outcome| Failure::new(format!("{outcome:?}"), "[matrix]", "Vigie réessaie d’elle-même");
    Ok(followed.map_err(retried)? == Followed::Entered)
}

/// Says an answer in a room; one that cannot be said is noted in the logs.
async fn answer(matrix: &Matrix, room: &str, text: &Rich, about: Option<&str>) {
    let note = Note { text, about, instead: None, key: None };
    if let Err(outcome) = matrix.say(room, &note).await {
        tracing::warn!(room, "answer not sent: {outcome:?}");
    }
}

/// Days before an end at which the operators hear of it.
const WARNINGS: [i64; 4] = [30, 7, 1, 0];

/// The warning that is due: the days left, rounded down to one of [`WARNINGS`]. Pure.
fn warning(until: DateTime<Utc>, now: DateTime<Utc>) -> Option<i64> {
    let left = (until - now).num_days().max(0);
    WARNINGS.into_iter().rev().find(|days| left <= *days)
}

/// Tells the operators, in time, that the account or its session comes to its end.
async fn warn_of_lapse(engine: &Engine, matrix: &Matrix) -> Result<(), Failure> {
    let now = engine.service.clock.now();
    let last_day = engine.service.settings.matrix.as_ref().and_then(|b| b.account_until);
    let account = last_day.and_then(|d| d.succ_opt()).and_then(|d| d.and_hms_opt(0, 0, 0)).map(|d| d.and_utc());
    let ends = [
        (
            account,
            "Le compte Matrix de Vigie",
            "Faites-le prolonger auprès de son serveur, puis corrigez account_until.",
        ),
        (
            matrix.lapse().await,
            "La session Matrix de Vigie",
            "Relancez Vigie ensuite : elle se reconnecte avec le même appareil.",
        ),
    ];
    for (until, what, fix) in ends {
        let Some((until, days)) = until.and_then(|until| Some((until, warning(until, now)?))) else { continue };
        let cause = format!("matrix:lapse:{what}:{until}:{days}");
        let body = format!(
            "{what} prend fin bientôt\nFin prévue le {}. {fix} Sans cela, les salons resteraient muets, et leurs messages attendraient.",
            operators::local(until)
        );
        operators::tell(&engine.service, OperatorEvent::Once(&cause), &body, now).await?;
    }
    Ok(())
}

/// Someone of a server that is not allowed invites us: with a code in the reason of the invite, we enter.
async fn invited(engine: &Engine, matrix: &Matrix, event: &Event, reason: &str) -> Result<(), Failure> {
    let chat = Chat { channel: Channel::Matrix, id: event.room.clone(), private: true, title: String::new() };
    let name = matrix.name_of(&event.room, &event.sender).await;
    let sender = Sender { id: event.sender.clone(), name };
    let Some(replies) = conversation::invited(&engine.service, &chat, &sender, reason).await? else {
        matrix.decline(&event.room).await;
        return Ok(());
    };
    // The code has served: an invite that cannot be taken now is taken at the next look.
    if matrix.accept(&event.room).await.is_err() {
        return Ok(());
    }
    for reply in replies {
        answer(matrix, &event.room, &conversation::in_words(&reply), None).await;
    }
    Ok(())
}

/// What happened in a room, in words that belong to no chat; and the event it is about.
async fn incoming_of(engine: &Engine, matrix: &Matrix, event: &Event) -> Result<(Incoming, Option<String>), Failure> {
    let (title, private) = matrix.portrait(&event.room).await;
    let chat = Chat { channel: Channel::Matrix, id: event.room.clone(), private, title };
    let name = if event.sender.is_empty() { String::new() } else { matrix.name_of(&event.room, &event.sender).await };
    let sender = Sender { id: event.sender.clone(), name };
    let on = match &event.kind {
        EventKind::Reaction { event, .. } => Some(event.clone()),
        EventKind::Text { about, .. } | EventKind::File { about, .. } => about.clone(),
        _ => None,
    };
    let delivery = match &on {
        Some(on) => delivery_of(engine, matrix, &event.room, on).await?,
        None => None,
    };
    let input = match (&event.kind, delivery) {
        (EventKind::Reaction { emoji, .. }, about) => {
            Input::Reacted { emoji: emoji.clone(), about: about.unwrap_or_default() }
        }
        (EventKind::Text { text, .. }, about) => {
            Input::Text { text: text.clone(), about, edited: false, forwarded: false }
        }
        (EventKind::File { name, size, source, .. }, about) => {
            // Of a stranger, or about nothing, no byte is asked for.
            let known =
                about.is_some() && !engine.service.store.people_of_chat(Channel::Matrix, &event.room).await?.is_empty();
            let content = if known {
                chat_files::content(*size, MAX_GIVEN, matrix.file(source, MAX_GIVEN)).await
            } else {
                Err(FileFault::Away)
            };
            Input::File { name: name.clone(), content, about }
        }
        (EventKind::Undecryptable, _) => Input::Undecryptable,
        // Answered by whoever was asked to enter.
        (EventKind::Joined | EventKind::Invited { .. }, _) => Input::Joined,
        (EventKind::Left, _) => Input::Left,
        (EventKind::Moved { to }, _) => Input::Moved { to: to.clone() },
    };
    Ok((Incoming { chat, sender, input }, on))
}

async fn delivery_of(engine: &Engine, matrix: &Matrix, room: &str, event: &str) -> Result<Option<String>, Failure> {
    match matrix.delivery_of(event).await {
        Some(delivery) => Ok(Some(delivery)),
        None => Ok(engine.service.store.delivery_of_message(Channel::Matrix, room, event).await?),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_end_is_told_a_month_a_week_and_a_day_before() {
        let now = DateTime::UNIX_EPOCH;
        let warned = |hours| warning(now + chrono::Duration::hours(hours), now);
        let days: Vec<Option<i64>> = [31 * 24, 30 * 24, 8 * 24, 7 * 24 + 5, 25, 23, -50].map(warned).into();
        assert_eq!(days, [None, Some(30), Some(30), Some(7), Some(1), Some(0), Some(0)]);
    }
}

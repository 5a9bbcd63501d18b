//! Matrix rooms: what happens there goes to the [`conversation`], and what it answers is said in the thread it belongs to.
//!
//! A room has no buttons: their labels are listed as words to answer with. Whatever fails is said in the logs; what was
//! decided stands in the store before anything is answered.

use chrono::{DateTime, Utc};
use vigie_domain::Channel;
use vigie_matrix::{Event, EventKind, Matrix, Note};

use vigie_conversation::{self as conversation, Chat, Incoming, Input, ReplyPlace, Sender};
use vigie_delivery::{Engine, channels};
use vigie_service::Failure;
use vigie_service::operators::{self, OperatorEvent};

/// Waits for what happens next in the rooms, and acts on it.
///
/// # Errors
/// The database or the server fails.
pub async fn listen(engine: &Engine) -> Result<(), Failure> {
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
    for event in events {
        if let EventKind::Invited { reason } = &event.kind {
            invited(engine, matrix, &event, reason).await?;
            continue;
        }
        let (incoming, on) = incoming_of(engine, matrix, &event).await?;
        for reply in conversation::dispatch(&engine.service, incoming).await? {
            // A word that passes has no place here: what it says shows in the state line.
            if reply.place != ReplyPlace::Toast {
                let text = conversation::in_words(&reply);
                let note = Note { text: &text, about: on.as_deref(), instead: None, key: None };
                if let Err(outcome) = matrix.say(&event.room, &note).await {
                    tracing::warn!(room = event.room, "answer not sent: {outcome:?}");
                }
            }
        }
    }
    channels::refresh(engine).await
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
        let text = conversation::in_words(&reply);
        let note = Note { text: &text, about: None, instead: None, key: None };
        if let Err(outcome) = matrix.say(&event.room, &note).await {
            tracing::warn!(room = event.room, "answer not sent: {outcome:?}");
        }
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
        EventKind::Text { about, .. } => about.clone(),
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
        (EventKind::Undecryptable, _) => Input::Undecryptable,
        // Answered by whoever was asked to enter.
        (EventKind::Joined | EventKind::Invited { .. }, _) => Input::Joined,
        (EventKind::Left, _) => Input::Left,
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

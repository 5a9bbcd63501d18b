//! Matrix rooms: what happens there is heard by [`talk`], and what it answers is said in the thread it belongs to.
//!
//! A room has no buttons: their labels are listed as words to answer with. Whatever fails is said in the logs; what was
//! decided stands in the store before anything is answered.

use chrono::{DateTime, Utc};
use vigie_config::settings;
use vigie_domain::Channel;
use vigie_domain::delivery::Outcome;
use vigie_matrix::{Event, Matrix, Note, What};
use vigie_store::derived_id;

use crate::app::{App, Failure};
use crate::deliver;
use crate::talk::{self, Chat, Heard, ReplyPlace, Said, Sender};
use crate::timetable;

/// Opens the account that the settings name, if any and if it is not open; `false` when it cannot be, which the operators
/// are told once a day. The other channels go on without it.
pub async fn opened(app: &App) -> bool {
    let Some(block) = &app.settings.matrix else { return true };
    let Err(why) = app.matrix.get_or_try_init(|| open(block)).await else { return true };
    tracing::error!("Matrix is closed: {}", why.what);
    if let Err(e) = tell_closed(app, &why).await {
        tracing::error!("the operators cannot be told: {}", e.what);
    }
    false
}

async fn tell_closed(app: &App, why: &Failure) -> Result<(), Failure> {
    let now = app.clock.now();
    let body = format!("Matrix est fermé à Vigie\n{}. Les messages des salons attendent. {}.", why.what, why.fix);
    timetable::tell_operators(app, timetable::Cause::Event(&format!("matrix:closed:{}", now.date_naive())), &body, now)
        .await
}

async fn open(block: &settings::Matrix) -> Result<Matrix, Failure> {
    let read = |secret: &vigie_config::secret::Secret, place: &str| {
        secret.read().map_err(|e| Failure::usage(e.to_string(), place, "définissez ce secret"))
    };
    let password = read(&block.password, "[matrix] password")?;
    let store_key = read(&block.store_key, "[matrix] store_key")?;
    Matrix::open(block, &password, &store_key).await.map_err(|e| {
        Failure::new(e.to_string(), "[matrix]", "vérifiez le compte et le dossier ; docs/operator.md dit que faire")
    })
}

/// Waits for what happens next in the rooms, and acts on it.
///
/// # Errors
/// The database or the server fails.
pub async fn listen(app: &App) -> Result<(), Failure> {
    let Some(matrix) = app.matrix.get() else { return Ok(()) };
    warn_of_lapse(app, matrix).await?;
    let events = match matrix.next().await {
        Ok(events) => events,
        Err(outcome) => {
            if let Some(trouble) = matrix.trouble() {
                let body = format!("Matrix ne répond plus à Vigie\n{}.", trouble.in_french());
                let now = app.clock.now();
                let cause = format!("matrix:{trouble:?}:{}", now.date_naive());
                timetable::tell_operators(app, timetable::Cause::Event(&cause), &body, now).await?;
            }
            return Err(Failure::new(format!("{outcome:?}"), "[matrix]", "Vigie réessaie d’elle-même"));
        }
    };
    for event in events {
        if let What::Invited { reason } = &event.what {
            invited(app, matrix, &event, reason).await?;
            continue;
        }
        let (heard, on) = heard(app, matrix, &event).await?;
        for reply in talk::hear(app, heard).await? {
            // A word that passes has no place here: what it says shows in the state line.
            if reply.place != ReplyPlace::Toast {
                let text = talk::in_words(&reply);
                let note = Note { text: &text, about: on.as_deref(), instead: None, key: None };
                if let Err(outcome) = matrix.say(&event.room, &note).await {
                    tracing::warn!(room = event.room, "answer not sent: {outcome:?}");
                }
            }
        }
    }
    deliver::refresh(app).await
}

/// Days before an end at which the operators hear of it.
const WARNINGS: [i64; 4] = [30, 7, 1, 0];

/// The warning that is due: the days left, rounded down to one of [`WARNINGS`]. Pure.
fn warning(until: DateTime<Utc>, now: DateTime<Utc>) -> Option<i64> {
    let left = (until - now).num_days().max(0);
    WARNINGS.into_iter().rev().find(|days| left <= *days)
}

/// Tells the operators, in time, that the account or its session comes to its end.
async fn warn_of_lapse(app: &App, matrix: &Matrix) -> Result<(), Failure> {
    let now = app.clock.now();
    let last_day = app.settings.matrix.as_ref().and_then(|b| b.account_until);
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
            "Relancez Vigie ensuite\u{a0}: elle se reconnecte avec le même appareil.",
        ),
    ];
    for (until, what, fix) in ends {
        let Some((until, days)) = until.and_then(|until| Some((until, warning(until, now)?))) else { continue };
        let cause = format!("matrix:lapse:{what}:{until}:{days}");
        let body = format!(
            "{what} prend fin bientôt\nFin prévue le {}. {fix} Sans cela, les salons resteraient muets, et leurs messages attendraient.",
            timetable::local(until)
        );
        timetable::tell_operators(app, timetable::Cause::Event(&cause), &body, now).await?;
    }
    Ok(())
}

/// Someone of a server that is not allowed invites us: with a code in the reason of the invite, we enter.
async fn invited(app: &App, matrix: &Matrix, event: &Event, reason: &str) -> Result<(), Failure> {
    let chat = Chat { channel: Channel::Matrix, id: event.room.clone(), private: true, title: String::new() };
    let name = matrix.name_of(&event.room, &event.sender).await;
    let sender = Sender { id: event.sender.clone(), name };
    let Some(replies) = talk::invited(app, &chat, &sender, reason).await? else {
        matrix.decline(&event.room).await;
        return Ok(());
    };
    // The code has served: an invite that cannot be taken now is taken at the next look.
    if matrix.accept(&event.room).await.is_err() {
        return Ok(());
    }
    for reply in replies {
        let text = talk::in_words(&reply);
        let note = Note { text: &text, about: None, instead: None, key: None };
        if let Err(outcome) = matrix.say(&event.room, &note).await {
            tracing::warn!(room = event.room, "answer not sent: {outcome:?}");
        }
    }
    Ok(())
}

/// What happened in a room, in words that belong to no chat; and the event it is about.
async fn heard(app: &App, matrix: &Matrix, event: &Event) -> Result<(Heard, Option<String>), Failure> {
    let (title, private) = matrix.portrait(&event.room).await;
    let chat = Chat { channel: Channel::Matrix, id: event.room.clone(), private, title };
    let name = if event.sender.is_empty() { String::new() } else { matrix.name_of(&event.room, &event.sender).await };
    let sender = Sender { id: event.sender.clone(), name };
    let on = match &event.what {
        What::Reaction { event, .. } => Some(event.clone()),
        What::Text { about, .. } => about.clone(),
        _ => None,
    };
    let delivery = match &on {
        Some(on) => delivery_of(app, matrix, &event.room, on).await?,
        None => None,
    };
    let said = match (&event.what, delivery) {
        (What::Reaction { emoji, .. }, about) => {
            Said::Reacted { emoji: emoji.clone(), about: about.unwrap_or_default() }
        }
        (What::Text { text, .. }, about) => Said::Text { text: text.clone(), about, edited: false, forwarded: false },
        (What::Undecryptable, _) => Said::Undecryptable,
        // Answered by whoever was asked to enter.
        (What::Joined | What::Invited { .. }, _) => Said::Joined,
        (What::Left, _) => Said::Left,
    };
    Ok((Heard { chat, sender, said }, on))
}

async fn delivery_of(app: &App, matrix: &Matrix, room: &str, event: &str) -> Result<Option<String>, Failure> {
    match matrix.delivery_of(event).await {
        Some(delivery) => Ok(Some(delivery)),
        None => Ok(app.store.delivery_of_message(Channel::Matrix, room, event).await?),
    }
}

/// Shows the state decided, on whatever channel, in the thread of the alerts that show another one: as a note the first
/// time, by an edit of that note afterwards.
///
/// # Errors
/// The database fails.
pub async fn refresh(app: &App) -> Result<(), Failure> {
    let Some(matrix) = app.matrix.get() else { return Ok(()) };
    for stale in talk::refresh::stale(app, Channel::Matrix).await? {
        let message = &stale.message;
        let key = derived_id(&["state", &message.message, &message.revision.to_string()]);
        let text = if stale.line.is_empty() { "Plus rien n’est noté." } else { &stale.line };
        let note = Note {
            text: &text.into(),
            about: Some(&message.message),
            instead: message.state_message.as_deref(),
            key: Some(&key),
        };
        match matrix.say(&message.chat, &note).await {
            Ok(event) => {
                let first = message.state_message.is_none().then_some(event.as_str());
                app.store.refreshed(message, &stale.line, first).await?;
            }
            Err(Outcome::Transient { .. } | Outcome::Unreachable(_) | Outcome::Unknown(_)) => return Ok(()),
            Err(outcome) => {
                tracing::warn!(room = message.chat, "state not shown: {outcome:?}");
                app.store.refreshed(message, &message.shown, None).await?;
            }
        }
    }
    Ok(())
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

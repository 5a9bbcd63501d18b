//! Matrix rooms: what happens there is heard by [`talk`], and what it answers is said in the thread it belongs to.
//!
//! A room has no buttons: their labels are listed as words to answer with. Whatever fails is said in the logs; what was
//! decided stands in the store before anything is answered.

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
        (What::Joined, _) => Said::Joined,
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

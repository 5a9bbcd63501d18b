//! What was heard, led to whoever answers it.
//!
//! Order: a chat that moves or is lost; then who speaks (a stranger gets one line); then how much was said of late; then
//! what: a button, a reaction, a word about a delivery, a command. What is none of these is left unanswered in a group, and
//! answered by a word of help to someone alone with the bot.

use chrono::Duration;
use vigie_domain::Subscriber;
use vigie_store::people::{Address, AddressState};

use super::action::{self, Act, Press};
use super::{Heard, Reply, Said, decide, door};
use crate::app::{App, Failure};

/// Most things a chat may say within [`WINDOW`]; what exceeds is left unanswered.
const MOST: i64 = 60;
/// Window of [`MOST`].
const WINDOW: Duration = Duration::minutes(10);
/// Longest text read, in bytes.
const MAX_TEXT: usize = 4096;

pub(super) const HELLO: &str =
    "Bonjour, ici Vigie, la veille des marchés inclusifs. Vos alertes arrivent ici. /aide dit ce que je sais faire.";
const HELP: &str = "Sous une alerte, un bouton, une réaction ou une réponse\u{a0}: 👍 (ou «\u{a0}oui\u{a0}») on y va, 👎 («\u{a0}non\u{a0}») écarté, ⏰ («\u{a0}rappel\u{a0}») rappel dans trois jours, «\u{a0}plus\u{a0}» les détails.";
const DEAF: &str =
    "Je n’ai pas pu déchiffrer un message. Sa clé est demandée\u{a0}; écrivez-le à nouveau si rien ne vient.";
const TOO_MUCH: &str =
    "C’est beaucoup d’un coup\u{a0}: je reprends dans quelques minutes. Rien n’est perdu de ce qui est noté.";
const WHICH: &str = "De quel marché parlez-vous\u{202f}? Répondez sous son alerte, ou touchez un de ses boutons.";
const ODD_BUTTON: &str = "Ce bouton ne sert plus. /aide dit ce que je sais faire.";

/// Answers what was heard in a chat. Whatever it decides is durable when it returns.
///
/// # Errors
/// The database fails.
pub async fn hear(app: &App, heard: Heard) -> Result<Vec<Reply>, Failure> {
    let chat = &heard.chat;
    let people = app.store.people_of_chat(chat.channel, &chat.id).await?;
    match &heard.said {
        Said::Moved { to } => {
            app.store.move_chat(chat.channel, &chat.id, to).await?;
            app.outbox_bell.notify_waiters();
            return Ok(Vec::new());
        }
        Said::Left => return door::left(app, chat.channel, &people).await.map(|()| Vec::new()),
        Said::Joined => return door::joined(app, chat, &people).await,
        _ => {}
    }
    let wanted = wants(&heard);
    if matches!(wanted, Wants::Nothing) {
        return Ok(Vec::new());
    }
    match app.store.count_heard(chat.channel, &chat.id, WINDOW, app.clock.now()).await? {
        n if n > MOST + 1 => return Ok(Vec::new()),
        n if n > MOST => return Ok(decide::said(&heard, TOO_MUCH)),
        _ => {}
    }
    if people.iter().all(|(_, a)| a.state == AddressState::Unconfirmed) {
        return door::greet(app, chat).await;
    }
    door::back(app, &people, app.clock.now()).await?;
    answer(app, &heard, &people, wanted).await
}

/// What something heard asks for.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Wants {
    /// Nothing.
    Nothing,
    /// That, about that delivery.
    Act(Act, String),
    /// A decision, but about what?
    Which,
    /// Help.
    Help,
    /// A button that is none of ours.
    Odd,
    /// A word for someone who could not be read.
    Deaf,
}

/// Reads what was heard. Pure.
fn wants(heard: &Heard) -> Wants {
    match &heard.said {
        Said::Pressed { data, .. } => match action::pressed(data) {
            Some(Press::Act(wish, delivery)) => Wants::Act(wish.into(), delivery),
            _ => Wants::Odd,
        },
        Said::Reacted { emoji, about } => match action::reaction(emoji) {
            Some(wish) if !about.is_empty() => Wants::Act(wish.into(), about.clone()),
            _ => Wants::Nothing,
        },
        // What was said before it was corrected has been acted on; what others wrote is not said here.
        Said::Text { edited: true, .. } | Said::Text { forwarded: true, .. } => Wants::Nothing,
        Said::Text { text, about, .. } => {
            let text = text.get(..text.floor_char_boundary(MAX_TEXT)).unwrap_or(text);
            match (action::words(text), about) {
                (Some(act), Some(delivery)) => Wants::Act(act, delivery.clone()),
                (Some(_), None) if heard.chat.private => Wants::Which,
                _ if action::folded(text) == "aide" || heard.chat.private => Wants::Help,
                _ => Wants::Nothing,
            }
        }
        Said::Undecryptable => Wants::Deaf,
        Said::Joined | Said::Left | Said::Moved { .. } => Wants::Nothing,
    }
}

async fn answer(
    app: &App,
    heard: &Heard,
    _people: &[(Subscriber, Address)],
    wants: Wants,
) -> Result<Vec<Reply>, Failure> {
    Ok(match wants {
        Wants::Act(act, delivery) => return decide::act(app, heard, &delivery, &act).await,
        Wants::Which => vec![door::answer(WHICH)],
        Wants::Help => vec![door::answer(HELP)],
        Wants::Odd => decide::said(heard, ODD_BUTTON),
        Wants::Deaf => vec![door::answer(DEAF)],
        Wants::Nothing => Vec::new(),
    })
}

//! Who comes in and who goes: strangers, chats that are lost, chats that move.
//!
//! A stranger gets one polite line, for ever: that it was said stands in the store. A chat that is lost leaves its owner's
//! other addresses in use, and they are told there.

use chrono::{DateTime, Utc};
use vigie_domain::Channel;
use vigie_domain::Subscriber;
use vigie_store::people::{Address, AddressState};

use super::{Chat, Reply, ReplyPlace};
use crate::app::{App, Failure};
use crate::outage;

const STRANGER: &str = "Bonjour, ici Vigie, la veille des marchés inclusifs. Je n’écris qu’aux personnes invitées\u{a0}: envoyez ici le code d’invitation que vous avez reçu (par exemple\u{a0}: /start ABCD-EFGH-JKLM), ou demandez-en un à la personne qui gère Vigie.";
const BACK: &str =
    "De retour\u{202f}! Cette conversation reçoit de nouveau vos alertes. /aide dit ce que je sais faire.";

/// The one line a stranger gets.
///
/// # Errors
/// The database fails.
pub(super) async fn greet(app: &App, chat: &Chat) -> Result<Vec<Reply>, Failure> {
    let first = app.store.greet_once(chat.channel, &chat.id, app.clock.now()).await?;
    Ok(if first { vec![answer(STRANGER)] } else { Vec::new() })
}

pub(super) fn answer(text: &str) -> Reply {
    Reply { place: ReplyPlace::Answer, text: text.into(), buttons: Vec::new() }
}

/// The bot was let into a chat.
///
/// # Errors
/// The database fails.
pub(super) async fn joined(app: &App, chat: &Chat, people: &[(Subscriber, Address)]) -> Result<Vec<Reply>, Failure> {
    if people.is_empty() {
        return greet(app, chat).await;
    }
    let back = back(app, people, app.clock.now()).await?;
    Ok(if back { vec![answer(BACK)] } else { vec![answer(super::hear::HELLO)] })
}

/// Brings the addresses of a chat that answers again back into use; whether there were any. One that its owner stopped stays
/// so.
///
/// # Errors
/// The database fails.
pub(super) async fn back(app: &App, people: &[(Subscriber, Address)], now: DateTime<Utc>) -> Result<bool, Failure> {
    let mut any = false;
    for (_, address) in people.iter().filter(|(_, a)| a.state == AddressState::Suspended) {
        let note = "la conversation répond de nouveau";
        app.store.set_address_state(&address.id, AddressState::Active, note).await?;
        app.store.note("address", &address.id, note, now).await?;
        any = true;
    }
    Ok(any)
}

/// The bot was put out of a chat: its owner hears of it elsewhere, and so do the operators.
///
/// # Errors
/// The database fails.
pub(super) async fn left(app: &App, channel: Channel, people: &[(Subscriber, Address)]) -> Result<(), Failure> {
    let now = app.clock.now();
    for (person, address) in people.iter().filter(|(_, a)| a.state == AddressState::Active) {
        let why = "Vigie a été retirée de la conversation";
        let cause = format!("{}:{}", address.id, now.timestamp_millis());
        outage::lost(app, &outage::Lost { person: &person.id, address: &address.id, channel, why, cause: &cause }, now)
            .await?;
    }
    Ok(())
}

//! Who comes in and who goes: strangers, chats that are lost, chats that move.
//!
//! A stranger gets one polite line, for ever: that it was said stands in the store. A chat that is lost leaves its owner's
//! other addresses in use, and they are told there.

use chrono::{DateTime, Duration, Utc};
use vigie_domain::{Channel, Subscriber};
use vigie_notifier::card::short;
use vigie_service::answers::action;
use vigie_service::membership as newcomers;
use vigie_service::suspension::{SuspendedAddress, suspend_address};
use vigie_service::{Failure, Service};
use vigie_store::invitations::Taken;
use vigie_store::people::{Address, AddressState};

use super::command::{self, Command};
use super::{Chat, Incoming, Input, Reply, ReplyPlace, Sender};

const HELLO: &str =
    "Bonjour, ici Vigie, la veille des marchés inclusifs. Vos alertes arrivent ici. /aide dit ce que je sais faire.";
/// To each of these, who may give a code is added.
const STRANGER: &str = "Bonjour, ici Vigie, la veille des marchés inclusifs. Je n’écris qu’aux personnes invitées : envoyez ici le code d’invitation que vous avez reçu (par exemple : /start ABCD-EFGH-JKLM), ou demandez-en un à";
const BAD_CODE: &str = "Ce code n’est pas valable : il a déjà servi, ou une lettre manque. Il s’écrit comme ABCD-EFGH-JKLM. Demandez-en un autre à";
const OLD_CODE: &str = "Ce code est périmé. Demandez-en un autre à";
/// Most codes a chat may try within [`CODES_WINDOW`]; what exceeds is left unanswered.
const MOST_CODES: i64 = 8;
/// Window of [`MOST_CODES`].
const CODES_WINDOW: Duration = Duration::hours(1);
/// Longest name kept of someone who comes in, in characters.
const MAX_NAME: usize = 60;
const BACK: &str = "De retour ! Cette conversation reçoit de nouveau vos alertes. /aide dit ce que je sais faire.";

/// Someone unknown spoke: with a code they come in, without one they get one line, for ever.
///
/// # Errors
/// The database fails.
pub(super) async fn stranger(service: &Service, incoming: &Incoming) -> Result<Vec<Reply>, Failure> {
    let (chat, now) = (&incoming.chat, service.clock.now());
    let written = match &incoming.input {
        Input::Text { text, .. } => match command::parse(text) {
            Some(Command::Start(code)) => code,
            _ => command::code_in(text),
        },
        Input::Pressed { .. } | Input::Reacted { .. } => return Ok(Vec::new()),
        _ => None,
    };
    let Some(written) = written else { return greet(service, chat).await };
    if service.store.count_heard(chat.channel, &chat.id, CODES_WINDOW, now).await? > MOST_CODES {
        return Ok(Vec::new());
    }
    let called = if chat.private || chat.title.is_empty() { &incoming.sender.name } else { &chat.title };
    match take(service, chat, called, &written).await? {
        Entry::Welcome(reply) => Ok(vec![reply]),
        Entry::Unknown => Ok(vec![ask(service, BAD_CODE)]),
        Entry::Expired => Ok(vec![ask(service, OLD_CODE)]),
    }
}

/// Someone whose invites are not taken by themselves asks the bot into a chat: what to say there, or `None` where it does not go
/// in. Tries are counted by person: whoever makes a room can make many.
///
/// # Errors
/// The database fails.
pub async fn invited(
    service: &Service,
    chat: &Chat,
    sender: &Sender,
    reason: &str,
) -> Result<Option<Vec<Reply>>, Failure> {
    let people = service.store.people_of_chat(chat.channel, &chat.id).await?;
    if people.iter().any(|(_, a)| a.state != AddressState::Unconfirmed) {
        return joined(service, chat, &people).await.map(Some);
    }
    let Some(written) = command::code_in(reason) else { return Ok(None) };
    if service.store.count_heard(chat.channel, &sender.id, CODES_WINDOW, service.clock.now()).await? > MOST_CODES {
        return Ok(None);
    }
    Ok(match take(service, chat, &sender.name, &written).await? {
        Entry::Welcome(reply) => Some(vec![reply]),
        Entry::Unknown | Entry::Expired => None,
    })
}

/// What comes of a code.
enum Entry {
    Welcome(Reply),
    Unknown,
    Expired,
}

async fn take(service: &Service, chat: &Chat, called: &str, written: &str) -> Result<Entry, Failure> {
    let now = service.clock.now();
    match service.store.take_invitation(written, chat.channel, &chat.id, &short(called, MAX_NAME), now).await? {
        Taken::Welcome(person) => {
            service.store.note("address", &person.id, "une invitation a été acceptée dans un chat", now).await?;
            if let Some(siret) = person.profile.siret.as_deref().filter(|_| person.profile.claimed_siret.is_none()) {
                newcomers::welcome(service, "une invitation", &person, siret).await?;
            }
            let any = !service.store.subscriptions_of(&person.id).await?.is_empty();
            let (text, label, command) = if any {
                ("Vos alertes arriveront aussi ici.", "Mes abonnements", "/abonnements")
            } else {
                ("Il reste à dire ce que vous voulez recevoir : deux minutes suffisent.", "M’abonner", "/abonner")
            };
            let name =
                if person.name.is_empty() { String::new() } else { format!(" {}", short(&person.name, MAX_NAME)) };
            Ok(Entry::Welcome(Reply {
                place: ReplyPlace::Answer,
                text: format!(
                    "Bienvenue{name} ! Ici Vigie, la veille des marchés inclusifs. {text} ({command}, ou /aide)"
                )
                .as_str()
                .into(),
                buttons: vec![vec![action::command(label, command)]],
            }))
        }
        Taken::Unknown => Ok(Entry::Unknown),
        Taken::Expired => Ok(Entry::Expired),
    }
}

/// The one line a stranger gets.
///
/// # Errors
/// The database fails.
pub(super) async fn greet(service: &Service, chat: &Chat) -> Result<Vec<Reply>, Failure> {
    let first = service.store.greet_once(chat.channel, &chat.id, service.clock.now()).await?;
    Ok(if first { vec![ask(service, STRANGER)] } else { Vec::new() })
}

/// A sentence that ends with whom to ask.
fn ask(service: &Service, sentence: &str) -> Reply {
    answer(&format!("{sentence} {}.", service.operator()))
}

pub(super) fn answer(text: &str) -> Reply {
    Reply { place: ReplyPlace::Answer, text: text.into(), buttons: Vec::new() }
}

/// The bot was let into a chat.
///
/// # Errors
/// The database fails.
pub(super) async fn joined(
    service: &Service,
    chat: &Chat,
    people: &[(Subscriber, Address)],
) -> Result<Vec<Reply>, Failure> {
    if people.is_empty() {
        return greet(service, chat).await;
    }
    let back = back(service, people, service.clock.now()).await?;
    Ok(if back { vec![answer(BACK)] } else { vec![answer(HELLO)] })
}

/// Who of a chat is heard: not whom an operator keeps out.
///
/// # Errors
/// The database fails.
pub(super) async fn heard(
    service: &Service,
    people: Vec<(Subscriber, Address)>,
) -> Result<Vec<(Subscriber, Address)>, Failure> {
    let mut out = Vec::with_capacity(people.len());
    for (person, address) in people {
        // Nobody who is kept out has an address in use.
        if address.state == AddressState::Active || service.store.suspended_since(&person.id).await?.is_none() {
            out.push((person, address));
        }
    }
    Ok(out)
}

/// Brings the addresses of a chat that answers again back into use; whether there were any. One that its owner stopped stays
/// so.
///
/// # Errors
/// The database fails.
pub(super) async fn back(
    service: &Service,
    people: &[(Subscriber, Address)],
    now: DateTime<Utc>,
) -> Result<bool, Failure> {
    let mut any = false;
    for (_, address) in people.iter().filter(|(_, a)| a.state == AddressState::Suspended) {
        let note = "la conversation répond de nouveau";
        // Whoever is kept out by an operator does not come back by writing.
        if service.store.set_address_state(&address.id, AddressState::Active, note).await? {
            service.store.note("address", &address.id, note, now).await?;
            any = true;
        }
    }
    Ok(any)
}

/// The bot was put out of a chat: its owner hears of it elsewhere, and so do the operators.
///
/// # Errors
/// The database fails.
pub(super) async fn left(service: &Service, channel: Channel, people: &[(Subscriber, Address)]) -> Result<(), Failure> {
    let now = service.clock.now();
    for (person, address) in people.iter().filter(|(_, a)| a.state == AddressState::Active) {
        let why = "Vigie a été retirée de la conversation";
        let cause = format!("{}:{}", address.id, now.timestamp_millis());
        suspend_address(
            service,
            &SuspendedAddress { person: &person.id, address: &address.id, channel, why, cause: &cause },
            now,
        )
        .await?;
    }
    Ok(())
}

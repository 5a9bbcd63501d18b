//! One message into one room, and what the server's answer means.
//!
//! - The transaction id is the delivery's: a message sent twice after a lost answer arrives once.
//! - A room whose encryption is on gets encrypted events only; the store remembers that it was on, and a server that
//!   later claims otherwise is refused. A room without encryption is refused unless the settings allow it.
//! - Which event carries which delivery is kept in the store, for threads and reactions.

use chrono::{DateTime, Utc};
use matrix_sdk::ruma::api::error::{ErrorKind, RetryAfter};
use matrix_sdk::ruma::{OwnedTransactionId, RoomId, UserId};
use matrix_sdk::{Error, HttpError, Room, RoomState};
use vigie_domain::delivery::Outcome;
use vigie_notifier::channels::Envelope;
use vigie_notifier::chat::Rich;

use crate::content;
use crate::session::{Matrix, SessionFault};

/// Something said in a room that is no delivery.
#[derive(Debug, Clone, Copy)]
pub struct Note<'a> {
    pub text: &'a Rich,
    /// The event it is about: it is said in its thread.
    pub about: Option<&'a str>,
    /// An earlier note that it takes the place of.
    pub instead: Option<&'a str>,
    /// The same on every attempt; none where nobody tries twice.
    pub key: Option<&'a str>,
}

impl Matrix {
    pub async fn send(&self, envelope: &Envelope<'_>) -> Outcome {
        if let Some(fault) = self.session_fault() {
            return Outcome::Unreachable(fault.in_french().to_owned());
        }
        let Ok(id) = RoomId::parse(envelope.to) else {
            return Outcome::AddressRefused(format!("« {} » n’est pas un identifiant de salon", envelope.to));
        };
        let Some(room) = self.client.get_room(&id) else {
            // The invite may be on its way, or taken and not yet seen by this device: a room we left is another matter.
            let why = format!("Vigie n’est pas encore dans le salon {id}");
            return Outcome::Transient { why, retry_after: None };
        };
        if let Some(why) = not_yet(&room) {
            return Outcome::Transient { why: why.to_owned(), retry_after: None };
        }
        let encrypted = match self.guard(&room).await {
            Ok(encrypted) => encrypted,
            Err(outcome) => return outcome,
        };
        let root = match envelope.thread.first() {
            Some(first) => self.event_of(first).await,
            None => None,
        };
        let content = content::message(&with_answers(envelope), root.as_deref());
        let transaction = OwnedTransactionId::from(envelope.key);
        match room.send_raw("m.room.message", content).with_transaction_id(&transaction).await {
            Ok(sent) if encrypted && sent.encryption_info.is_none() => {
                tracing::error!(room = envelope.to, "a message left in clear for an encrypted room");
                Outcome::Permanent("message parti en clair dans un salon chiffré".to_owned())
            }
            Ok(sent) => {
                let event = sent.response.event_id.to_string();
                self.keep_event(envelope.key, &event, root.as_deref()).await;
                Outcome::Accepted(event)
            }
            Err(e) => self.outcome(&e, Utc::now()),
        }
    }

    /// Says something in a room, under the same protection: in the thread of `note.about`, in the place of `note.instead`.
    /// Gives the event.
    ///
    /// # Errors
    /// What the server, or the protection, said.
    pub async fn say(&self, room: &str, note: &Note<'_>) -> Result<String, Outcome> {
        let Some(room) = RoomId::parse(room).ok().and_then(|id| self.client.get_room(&id)) else {
            return Err(Outcome::AddressRefused(format!("Vigie n’est pas dans le salon {room}")));
        };
        self.guard(&room).await?;
        let root = match note.about {
            Some(event) => Some(self.root_of(event).await),
            None => None,
        };
        let content = content::note(note.text, root.as_deref(), note.instead);
        let mut request = room.send_raw("m.room.message", content);
        let transaction = note.key.map(OwnedTransactionId::from);
        if let Some(transaction) = &transaction {
            request = request.with_transaction_id(transaction);
        }
        request.await.map(|sent| sent.response.event_id.to_string()).map_err(|e| self.outcome(&e, Utc::now()))
    }

    /// How a person of a room is called there.
    pub async fn name_of(&self, room: &str, user: &str) -> String {
        let known = async {
            let room = self.client.get_room(&RoomId::parse(room).ok()?)?;
            let member = room.get_member_no_sync(&UserId::parse(user).ok()?).await.ok()??;
            member.display_name().map(str::to_owned)
        };
        let plain = || user.trim_start_matches('@').split(':').next().unwrap_or(user).to_owned();
        known.await.unwrap_or_else(plain)
    }

    /// A room's name, and whether one person alone is there with us.
    pub async fn portrait(&self, room: &str) -> (String, bool) {
        let Some(room) = RoomId::parse(room).ok().and_then(|id| self.client.get_room(&id)) else {
            return (String::new(), false);
        };
        (room.name().unwrap_or_default(), room.joined_members_count() <= 2)
    }

    /// Whether the room is encrypted; the refusal where nothing may be sent there.
    async fn guard(&self, room: &Room) -> Result<bool, Outcome> {
        let state = room.latest_encryption_state().await.map_err(|e| self.outcome(&e, Utc::now()))?;
        let key = format!("vigie:encrypted:{}", room.room_id());
        let store = self.client.state_store();
        let unreadable = |e: &dyn std::fmt::Display| Outcome::Transient {
            why: format!("magasin de clés Matrix : {e}"),
            retry_after: None,
        };
        if state.is_encrypted() {
            store.set_custom_value_no_read(key.as_bytes(), vec![1]).await.map_err(|e| unreadable(&e))?;
            return Ok(true);
        }
        let was = store.get_custom_value(key.as_bytes()).await.map_err(|e| unreadable(&e))?.is_some();
        clear_text(was, self.clear_rooms).map(|()| false)
    }

    pub(crate) fn outcome(&self, error: &Error, now: DateTime<Utc>) -> Outcome {
        if let Some(fault) = error.client_api_error_kind().and_then(SessionFault::of) {
            tracing::error!("Matrix account: {}", fault.in_french());
            self.note_fault(fault);
            return Outcome::Unreachable(fault.in_french().to_owned());
        }
        outcome(error, now)
    }

    async fn keep_event(&self, delivery: &str, event: &str, root: Option<&str>) {
        let store = self.client.state_store();
        let pairs = [(event_key(delivery), event), (delivery_key(event), delivery)];
        for (key, value) in pairs.into_iter().chain(root.map(|root| (root_key(event), root))) {
            // The message has arrived: without this note only its thread and its reactions are lost.
            if let Err(e) = store.set_custom_value_no_read(key.as_bytes(), value.as_bytes().to_vec()).await {
                tracing::error!(delivery, "the event of a delivery is not kept: {e}");
            }
        }
    }

    /// The first event of the thread that an event stands in: itself where it stands alone.
    async fn root_of(&self, event: &str) -> String {
        let kept = self.client.state_store().get_custom_value(root_key(event).as_bytes()).await;
        kept.ok().flatten().and_then(|b| String::from_utf8(b).ok()).unwrap_or_else(|| event.to_owned())
    }

    async fn event_of(&self, delivery: &str) -> Option<String> {
        let kept = self.client.state_store().get_custom_value(event_key(delivery).as_bytes()).await;
        kept.ok().flatten().and_then(|b| String::from_utf8(b).ok())
    }

    /// The delivery that an event carried.
    pub async fn delivery_of(&self, event: &str) -> Option<String> {
        let kept = self.client.state_store().get_custom_value(delivery_key(event).as_bytes()).await;
        kept.ok().flatten().and_then(|b| String::from_utf8(b).ok())
    }
}

/// Why a room that is known cannot be written to for now: messages wait until we are in, and until its successor is entered.
fn not_yet(room: &Room) -> Option<&'static str> {
    match room.state() {
        RoomState::Invited | RoomState::Knocked => Some("Vigie n’est pas encore entrée dans le salon"),
        RoomState::Joined if room.is_tombstoned() => {
            Some("le salon a été remplacé par un autre, où Vigie n’est pas encore entrée")
        }
        _ => None,
    }
}

fn event_key(delivery: &str) -> String {
    format!("vigie:event:{delivery}")
}

fn root_key(event: &str) -> String {
    format!("vigie:root:{event}")
}

/// The message, and the words that stand for its buttons.
fn with_answers(envelope: &Envelope<'_>) -> Rich {
    let mut text = envelope.message.chat().into_owned();
    let labels: Vec<&str> = envelope.buttons.iter().flatten().map(|b| b.label.as_str()).collect();
    if !labels.is_empty() {
        let list = labels.join(" · ");
        text.push(&Rich::plain(format!("\n\nRéagissez, ou répondez\u{a0}: {list}")));
    }
    text
}

fn delivery_key(event: &str) -> String {
    format!("vigie:delivery:{event}")
}

/// Whether a room that says it is not encrypted may be written to.
fn clear_text(was_encrypted: bool, allowed: bool) -> Result<(), Outcome> {
    if was_encrypted {
        tracing::error!("a room that was encrypted now claims not to be: nothing is sent there");
        return Err(Outcome::Permanent("salon chiffré annoncé comme non chiffré : envoi en clair refusé".to_owned()));
    }
    if !allowed {
        return Err(Outcome::Permanent(
            "salon non chiffré : activez le chiffrement du salon (ou clear_rooms = true dans [matrix])".to_owned(),
        ));
    }
    Ok(())
}

/// What a failed attempt means. A lost answer is safe to try again: the transaction id stays the same.
fn outcome(error: &Error, now: DateTime<Utc>) -> Outcome {
    let why = error.to_string();
    match error {
        Error::WrongRoomState(_) => Outcome::AddressRefused(format!("Vigie n’est plus dans le salon : {why}")),
        Error::Http(http) => http_outcome(http, why, now),
        // Keys or store: nothing left.
        _ => Outcome::Transient { why: format!("chiffrement impossible : {why}"), retry_after: None },
    }
}

fn http_outcome(error: &HttpError, why: String, now: DateTime<Utc>) -> Outcome {
    if let HttpError::Reqwest(e) = error {
        return if e.is_connect() { Outcome::Unreachable(why) } else { Outcome::Unknown(why) };
    }
    let Some(answer) = error.as_client_api_error() else { return Outcome::Unknown(why) };
    let wait = match answer.error_kind() {
        Some(ErrorKind::LimitExceeded(data)) => data.retry_after.as_ref().and_then(|r| wait(r, now)),
        _ => None,
    };
    match answer.status_code.as_u16() {
        429 => Outcome::Transient { why, retry_after: wait },
        403 | 404 => Outcome::AddressRefused(why),
        413 => Outcome::Permanent(why),
        // The event may have been taken in before the answer broke.
        500..=599 => Outcome::Unknown(why),
        401 => Outcome::Transient { why, retry_after: None },
        _ => Outcome::Permanent(why),
    }
}

fn wait(asked: &RetryAfter, now: DateTime<Utc>) -> Option<chrono::Duration> {
    match asked {
        RetryAfter::Delay(delay) => chrono::Duration::from_std(*delay).ok(),
        RetryAfter::DateTime(at) => Some(DateTime::<Utc>::from(*at) - now),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn clear_text_is_refused_where_encryption_was_ever_on() {
        assert!(matches!(clear_text(true, true), Err(Outcome::Permanent(_))));
        assert!(matches!(clear_text(false, false), Err(Outcome::Permanent(_))));
        assert!(clear_text(false, true).is_ok());
    }
}

//! What people did in the rooms, as plain values; and whose invites are taken: those of allowed servers, and those whose reason
//! holds an invitation's code, which the caller can tell.
//!
//! A message that cannot be decrypted becomes [`EventKind::Undecryptable`]: its key is asked for by the SDK, and the caller
//! says so in the room.

use std::sync::PoisonError;

use chrono::Utc;
use matrix_sdk::Room;
use matrix_sdk::config::SyncSettings;
use matrix_sdk::deserialized_responses::TimelineEventKind;
use matrix_sdk::media::{MediaFormat, MediaRequestParameters};
use matrix_sdk::ruma::api::client::state::get_state_event_for_key;
use matrix_sdk::ruma::events::StateEventType;
use matrix_sdk::ruma::events::room::MediaSource;
use matrix_sdk::ruma::{RoomId, UserId};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use vigie_domain::delivery::Outcome;

use crate::session::Matrix;

/// Longest wait of the server for something new.
const LONG_POLL: std::time::Duration = std::time::Duration::from_secs(25);
/// Longest text taken from a person, in bytes; the rest is cut.
const MAX_TEXT: usize = 4096;

/// Something that happened in a room.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Event {
    pub room: String,
    /// Who did it; empty where the server does not say.
    pub sender: String,
    pub kind: EventKind,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum EventKind {
    Text {
        /// What they wrote, bounded.
        text: String,
        /// First event of the thread, or the event answered, if any.
        about: Option<String>,
    },
    /// A file; pictures and voices are none.
    File {
        /// As it was called.
        name: String,
        /// In bytes, as its sender says.
        size: Option<u64>,
        /// Where it is, with its key in an encrypted room: for [`Matrix::file`].
        source: Value,
        /// First event of the thread, or the event answered, if any.
        about: Option<String>,
    },
    /// Someone reacted to an event.
    Reaction {
        /// The emoji, without its presentation selectors.
        emoji: String,
        event: String,
    },
    /// Someone wrote and we could not read it.
    Undecryptable,
    /// We were invited by someone whose server is not allowed, with these words: [`Matrix::accept`] or [`Matrix::decline`].
    Invited {
        /// The reason of the invite, bounded.
        reason: String,
    },
    /// We were invited by someone allowed to, and are in.
    Joined,
    /// We are no longer in the room.
    Left,
    /// The room was upgraded (`m.room.tombstone`): it goes on under this identifier.
    Moved { to: String },
}

/// What became of an upgraded room.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Followed {
    /// We are in the new one, which says that it goes on from the old one.
    Entered,
    /// Its server does not let us in before somebody invites us; the invite will be taken.
    NotYet,
    /// The room named is no successor of it.
    Elsewhere,
}

impl Matrix {
    /// Waits for what happens next, and takes the invites of those who may invite. Empty when nothing did.
    ///
    /// # Errors
    /// What the server said.
    pub async fn next(&self) -> Result<Vec<Event>, Outcome> {
        let settings = SyncSettings::default().timeout(LONG_POLL);
        let synced = self.client.sync_once(settings).await.map_err(|e| self.outcome(&e, Utc::now()))?;
        let mut events = Vec::new();
        for (room, update) in synced.rooms.joined {
            let moved = self.successor_of(&room);
            for event in update.timeline.events {
                let room = room.to_string();
                if event.sender().as_deref() == self.client.user_id() {
                    continue;
                }
                let sender = event.sender().map(|s| s.to_string()).unwrap_or_default();
                match event.kind {
                    TimelineEventKind::UnableToDecrypt { .. } => {
                        if self.newly_deaf(&room, &sender) {
                            events.push(Event { room, sender, kind: EventKind::Undecryptable });
                        }
                        continue;
                    }
                    TimelineEventKind::Decrypted(_) => self.hears_again(&room, &sender),
                    TimelineEventKind::PlainText { .. } => {}
                }
                let value = serde_json::from_str(event.raw().json().get()).unwrap_or_default();
                events.extend(read(&room, &value));
            }
            // An upgrade that this device did not see happen stands in the room's state alone; one that could not be followed
            // then is tried again whenever something happens there.
            let moved =
                moved.map(|to| Event { room: room.to_string(), sender: String::new(), kind: EventKind::Moved { to } });
            events.extend(moved.filter(|m| !events.iter().any(|e| e.room == m.room && e.kind == m.kind)));
        }
        for room in synced.rooms.left.into_keys() {
            events.push(Event { room: room.to_string(), sender: String::new(), kind: EventKind::Left });
        }
        events.extend(self.doorman().await);
        Ok(events)
    }

    /// Whether this person of this room is to be told that we cannot read them: once, until we can again.
    fn newly_deaf(&self, room: &str, sender: &str) -> bool {
        let mut deaf = self.deaf.lock().unwrap_or_else(PoisonError::into_inner);
        deaf.insert((room.to_owned(), sender.to_owned()))
    }

    fn hears_again(&self, room: &str, sender: &str) {
        let mut deaf = self.deaf.lock().unwrap_or_else(PoisonError::into_inner);
        deaf.remove(&(room.to_owned(), sender.to_owned()));
    }

    /// Takes or declines the invites that wait. One from elsewhere that says something is left to whoever can read a code in it.
    async fn doorman(&self) -> Vec<Event> {
        let mut events = Vec::new();
        for room in self.client.invited_rooms() {
            let Ok(invite) = room.invite_details().await else { continue };
            let (id, sender) = (room.room_id().to_string(), invite.inviter_id.to_string());
            let server = invite.inviter_id.server_name();
            let reason = bounded(invite.invitee.event().reason().unwrap_or_default().trim());
            if let Some(from) = self.awaits(&id).await {
                if self.accept(&id).await.is_ok() {
                    events.push(Event { room: from, sender, kind: EventKind::Moved { to: id } });
                }
            } else if self.allowed_servers.iter().any(|s| s == server.as_str()) {
                if self.accept(&id).await.is_ok() {
                    events.push(Event { room: id, sender, kind: EventKind::Joined });
                }
            } else if reason.is_empty() {
                self.decline(&id).await;
            } else {
                events.push(Event { room: id, sender, kind: EventKind::Invited { reason } });
            }
        }
        events
    }

    /// Enters a room that we were invited to.
    ///
    /// # Errors
    /// What the server said; the invite waits for the next look.
    pub async fn accept(&self, room: &str) -> Result<(), Outcome> {
        let Some(room) = RoomId::parse(room).ok().and_then(|id| self.client.get_room(&id)) else {
            return Err(Outcome::AddressRefused(format!("aucune invitation dans le salon {room}")));
        };
        room.join().await.map_err(|e| {
            tracing::warn!("invite not taken: {e}");
            self.outcome(&e, Utc::now())
        })
    }

    /// Goes along into the room that another one became. Whoever may upgrade a room can name any other in its tombstone: it is
    /// followed where the new room names the old one itself (`predecessor` of `m.room.create`).
    ///
    /// # Errors
    /// The server does not answer; to be tried again.
    pub async fn follow(&self, from: &str, to: &str, sender: &str) -> Result<Followed, Outcome> {
        let Ok(room) = RoomId::parse(to) else { return Ok(Followed::Elsewhere) };
        let sender = UserId::parse(sender).ok();
        let servers = [room.server_name(), sender.as_deref().map(UserId::server_name)];
        let via: Vec<_> = servers.into_iter().flatten().map(ToOwned::to_owned).collect();
        match self
            .client
            .join_room_by_id_or_alias((&*room).into(), &via)
            .await
            .map_err(|e| self.outcome(&e, Utc::now()))
        {
            Ok(_) => {}
            Err(Outcome::AddressRefused(why)) => {
                tracing::info!(to, "an upgraded room is entered when its invite comes: {why}");
                let (store, key) = (self.client.state_store(), awaited_key(to));
                let noted = store.set_custom_value_no_read(key.as_bytes(), from.into()).await;
                noted.map_err(|e| Outcome::Transient { why: e.to_string(), retry_after: None })?;
                return Ok(Followed::NotYet);
            }
            Err(outcome) => return Err(outcome),
        }
        let request = get_state_event_for_key::v3::Request::new(room, StateEventType::RoomCreate, String::new());
        let created = self.client.send(request).await.map_err(|e| self.outcome(&e.into(), Utc::now()))?;
        let created: Value = serde_json::from_str(created.event_or_content.get()).unwrap_or_default();
        if created.pointer("/predecessor/room_id").and_then(Value::as_str) == Some(from) {
            return Ok(Followed::Entered);
        }
        tracing::warn!(from, to, "a room says that it became another one, which says nothing of it: not followed");
        Ok(Followed::Elsewhere)
    }

    /// The room that this one became, as far as this device knows.
    fn successor_of(&self, room: &RoomId) -> Option<String> {
        let successor = self.client.get_room(room)?.successor_room()?;
        Some(successor.room_id.to_string())
    }

    /// The room that a room we are invited to goes on from: as it was noted when it could not be entered, or as a room we are in
    /// says itself, since an invite may come with the very news of the upgrade.
    async fn awaits(&self, room: &str) -> Option<String> {
        let kept = self.client.state_store().get_custom_value(awaited_key(room).as_bytes()).await;
        let noted = kept.ok().flatten().and_then(|from| String::from_utf8(from).ok());
        noted.or_else(|| {
            let became = |here: &Room| here.successor_room().is_some_and(|next| next.room_id.as_str() == room);
            Some(self.client.joined_rooms().iter().find(|here| became(here))?.room_id().to_string())
        })
    }

    /// The bytes of a file, decrypted; `None` where it is longer than `most`, or stands nowhere. What a homeserver lets be sent bounds
    /// what comes in.
    ///
    /// # Errors
    /// What the server said.
    pub async fn file(&self, source: &Value, most: usize) -> Result<Option<Vec<u8>>, Outcome> {
        let Ok(source) = serde_json::from_value::<MediaSource>(source.clone()) else { return Ok(None) };
        let request = MediaRequestParameters { source, format: MediaFormat::File };
        let bytes = self.client.media().get_media_content(&request, false).await;
        let bytes = bytes.map_err(|e| self.outcome(&e, Utc::now()))?;
        Ok(Some(bytes).filter(|b| b.len() <= most))
    }

    /// Declines an invite; where the server does not answer, it waits for the next look.
    pub async fn decline(&self, room: &str) {
        let Some(room) = RoomId::parse(room).ok().and_then(|id| self.client.get_room(&id)) else { return };
        match room.leave().await {
            Ok(()) => {
                tracing::warn!(room = %room.room_id(), "invite declined: not from an allowed server, and without a code")
            }
            Err(e) => tracing::warn!("invite not answered: {e}"),
        }
    }
}

/// Reads a decrypted event. Pure.
fn read(room: &str, event: &Value) -> Option<Event> {
    let content = event.get("content")?;
    let relation = content.get("m.relates_to");
    let related = |pointer: &str| relation.and_then(|r| r.pointer(pointer)).and_then(Value::as_str);
    let kind = match event.get("type")?.as_str()? {
        "m.reaction" => {
            let emoji = related("/key")?.chars().filter(|c| !('\u{fe00}'..='\u{fe0f}').contains(c)).collect();
            EventKind::Reaction { emoji, event: related("/event_id")?.to_owned() }
        }
        "m.room.tombstone" => {
            let to = content.get("replacement_room")?.as_str()?;
            EventKind::Moved { to: RoomId::parse(to).ok()?.to_string() }
        }
        // An edit was said before; a notice comes from another bot.
        "m.room.message" if related("/rel_type") != Some("m.replace") => {
            let about = if related("/rel_type") == Some("m.thread") {
                related("/event_id")
            } else {
                related("/m.in_reply_to/event_id")
            };
            let (text, about) = (content.get("body")?.as_str()?, about.map(str::to_owned));
            match content.get("msgtype")?.as_str()? {
                "m.text" => {
                    let text = if about.is_some() { without_fallback(text) } else { text };
                    EventKind::Text { text: bounded(text), about }
                }
                "m.file" => {
                    // Where `filename` stands, the body is what was written beside it (Matrix 1.10).
                    let name = content.get("filename").and_then(Value::as_str).unwrap_or(text);
                    let place = ["file", "url"].into_iter().find_map(|k| Some((k, content.get(k)?.clone())))?;
                    let source = Value::Object([(place.0.to_owned(), place.1)].into_iter().collect());
                    let size = content.pointer("/info/size").and_then(Value::as_u64);
                    EventKind::File { name: bounded(name), size, source, about }
                }
                _ => return None,
            }
        }
        _ => return None,
    };
    Some(Event { room: room.to_owned(), sender: event.get("sender")?.as_str()?.to_owned(), kind })
}

/// A reply without the words it answers to, which clients wrote above it before version 1.13 of the specification (MSC2781).
fn without_fallback(body: &str) -> &str {
    if !body.starts_with("> <@") && !body.starts_with("> * <@") {
        return body;
    }
    let quoted: usize = body.split_inclusive('\n').take_while(|line| line.starts_with('>')).map(str::len).sum();
    body[quoted..].trim_start_matches(['\r', '\n'])
}

fn awaited_key(room: &str) -> String {
    format!("vigie:awaited:{room}")
}

fn bounded(text: &str) -> String {
    text.get(..text.floor_char_boundary(MAX_TEXT)).unwrap_or(text).to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn what(kind: &str, content: Value) -> Option<EventKind> {
        read("!r:a.fr", &json!({ "type": kind, "sender": "@a:a.fr", "content": content })).map(|e| e.kind)
    }

    #[test]
    fn events_are_read_or_left_alone() {
        let reaction = json!({ "m.relates_to": { "rel_type": "m.annotation", "event_id": "$e", "key": "👍\u{fe0f}" } });
        assert_eq!(what("m.reaction", reaction), Some(EventKind::Reaction { emoji: "👍".into(), event: "$e".into() }));
        let text = json!({ "msgtype": "m.text", "body": "/aide", "m.relates_to": { "rel_type": "m.thread", "event_id": "$e" } });
        assert_eq!(
            what("m.room.message", text),
            Some(EventKind::Text { text: "/aide".into(), about: Some("$e".into()) })
        );
        let edit =
            json!({ "msgtype": "m.text", "body": "x", "m.relates_to": { "rel_type": "m.replace", "event_id": "$e" } });
        assert_eq!(what("m.room.message", edit), None);
        assert_eq!(what("m.room.message", json!({ "msgtype": "m.notice", "body": "bip" })), None);
        assert_eq!(what("m.reaction", json!({})), None);
        let file = json!({ "msgtype": "m.file", "body": "CCAP.pdf", "url": "mxc://a.fr/x", "info": { "size": 12 },
            "m.relates_to": { "m.in_reply_to": { "event_id": "$e" } } });
        let source = json!({ "url": "mxc://a.fr/x" });
        let wanted = EventKind::File {
            name: "CCAP.pdf".into(),
            size: Some(12),
            source: source.clone(),
            about: Some("$e".into()),
        };
        assert_eq!(what("m.room.message", file), Some(wanted));
        assert!(serde_json::from_value::<MediaSource>(source).is_ok());
        assert_eq!(what("m.room.message", json!({ "msgtype": "m.file", "body": "x" })), None, "it stands nowhere");
        // A20: an upgraded room.
        let moved = json!({ "body": "This room has been replaced", "replacement_room": "!new:a.fr" });
        assert_eq!(what("m.room.tombstone", moved), Some(EventKind::Moved { to: "!new:a.fr".into() }));
        for wrong in [json!({}), json!({ "replacement_room": "nowhere" }), json!({ "replacement_room": 7 })] {
            assert_eq!(what("m.room.tombstone", wrong), None);
        }
    }

    #[test]
    fn a_reply_is_read_without_the_words_it_answers_to() {
        let said = |body: &str, relation: Value| match what(
            "m.room.message",
            json!({ "msgtype": "m.text", "body": body, "m.relates_to": relation }),
        ) {
            Some(EventKind::Text { text, .. }) => text,
            other => panic!("{other:?}"),
        };
        let reply = || json!({ "m.in_reply_to": { "event_id": "$e" } });
        for (body, read) in [
            ("> <@vigie:a.fr> Nouveau marché\n> Lot 1\n\nnon", "non"),
            ("> * <@vigie:a.fr> salue\n\noui", "oui"),
            ("> <@vigie:a.fr> stop\r\n\r\nstop", "stop"),
            ("oui\n> pas une citation", "oui\n> pas une citation"),
            ("> 5 lots, c'est trop", "> 5 lots, c'est trop"),
            ("> <@vigie:a.fr> x", ""),
        ] {
            assert_eq!(said(body, reply()), read, "{body}");
        }
        assert_eq!(said("> <@a:a.fr> x\n\noui", Value::Null), "> <@a:a.fr> x\n\noui", "no reply");
    }

    #[test]
    fn a_long_text_is_cut_between_characters() {
        let Some(EventKind::Text { text, .. }) =
            what("m.room.message", json!({ "msgtype": "m.text", "body": "é".repeat(9000) }))
        else {
            panic!("a text")
        };
        assert_eq!(text.len(), MAX_TEXT);
    }
}

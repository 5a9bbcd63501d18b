//! What people did in the rooms, as plain values; and whose invites are taken: those of allowed servers, and those whose reason
//! holds an invitation's code, which the caller can tell.
//!
//! A message that cannot be decrypted becomes [`EventKind::Undecryptable`]: its key is asked for by the SDK, and the caller
//! says so in the room.

use std::sync::PoisonError;

use matrix_sdk::config::SyncSettings;
use matrix_sdk::deserialized_responses::TimelineEventKind;
use matrix_sdk::ruma::{RoomId, RoomOrAliasId};
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

impl Matrix {
    /// Waits for what happens next, and takes the invites of those who may invite. Empty when nothing did.
    ///
    /// # Errors
    /// What the server said.
    pub async fn next(&self) -> Result<Vec<Event>, Outcome> {
        let settings = SyncSettings::default().timeout(LONG_POLL);
        let synced = self.client.sync_once(settings).await.map_err(|e| self.outcome(&e, chrono::Utc::now()))?;
        let mut events = Vec::new();
        for (room, update) in synced.rooms.joined {
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
            if self.allowed_servers.iter().any(|s| s == server.as_str()) {
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
            self.outcome(&e, chrono::Utc::now())
        })
    }

    /// Enters the room that another one became; where its server does not let us in yet, an invite does later.
    pub async fn follow(&self, to: &str) {
        let Ok(room) = RoomOrAliasId::parse(to) else { return };
        let via: Vec<_> = room.server_name().map(ToOwned::to_owned).into_iter().collect();
        if let Err(e) = self.client.join_room_by_id_or_alias(&room, &via).await {
            tracing::warn!(to, "an upgraded room is not entered yet: {e}");
        }
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
            if content.get("msgtype")?.as_str()? != "m.text" {
                return None;
            }
            let text = content.get("body")?.as_str()?;
            let about = if related("/rel_type") == Some("m.thread") {
                related("/event_id")
            } else {
                related("/m.in_reply_to/event_id")
            };
            EventKind::Text { text: bounded(text), about: about.map(str::to_owned) }
        }
        _ => return None,
    };
    Some(Event { room: room.to_owned(), sender: event.get("sender")?.as_str()?.to_owned(), kind })
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
        // A20: an upgraded room.
        let moved = json!({ "body": "This room has been replaced", "replacement_room": "!new:a.fr" });
        assert_eq!(what("m.room.tombstone", moved), Some(EventKind::Moved { to: "!new:a.fr".into() }));
        for wrong in [json!({}), json!({ "replacement_room": "nowhere" }), json!({ "replacement_room": 7 })] {
            assert_eq!(what("m.room.tombstone", wrong), None);
        }
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

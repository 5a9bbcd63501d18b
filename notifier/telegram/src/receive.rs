//! What people did in the chats, as plain values, by long polling.
//!
//! Updates are confirmed by the next call, whose offset the user of this crate gives: it keeps how far it came. A kind of
//! update that is unknown, or made by a bot, is confirmed and means nothing.
//!
//! Updates are read one by one: one that cannot be read, or that makes the library panic, is handed on as [`Unreadable`] with
//! its bytes, and the others go on. Read together by the library, it would come back at every call and hold them all up.

use std::panic::{AssertUnwindSafe, catch_unwind};

use futures_util::StreamExt as _;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use serde_json::value::RawValue;
use teloxide_core::RequestError;
use teloxide_core::net::Download as _;
use teloxide_core::prelude::Requester as _;
use teloxide_core::requests::{JsonRequest, Payload};
use teloxide_core::types::{
    AllowedUpdate, CallbackQuery, Chat, ChatMemberUpdated, FileId, MaybeAnonymousUser, Message, MessageReactionUpdated,
    ReactionType, Update, UpdateKind, User,
};

use vigie_domain::json;

use crate::refusal::Refusal;
use crate::session::Telegram;

/// Most updates of one answer (Bot API, `getUpdates`: "limit").
pub const BATCH: u8 = 100;
/// Longest file that bots are given, in bytes (Bot API, `getFile`).
pub const MAX_FILE: usize = 20 * 1024 * 1024;
/// Longest text taken from a person, in bytes; the rest is cut. Telegram's own limit is 4096 UTF-16 units.
const MAX_TEXT: usize = 16_384;

/// Something that happened in a chat.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Event {
    pub chat: i64,
    /// Whether one person alone talks there with the bot.
    pub private: bool,
    /// Its name; empty where it has none.
    pub title: String,
    /// Who did it: identifier, and name as colleagues see it. Empty where the server does not say.
    pub sender: (String, String),
    /// The message written, or under which something was done.
    pub message: Option<i32>,
    /// The topic it stands in, where the chat has topics and it is not the main one.
    pub topic: Option<i32>,
    pub kind: EventKind,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum EventKind {
    Text {
        /// The words; empty where there are none (a picture, a voice).
        text: String,
        under: Option<i32>,
        /// Whether that message is the bot's.
        to_bot: bool,
        /// The correction of an earlier text.
        edited: bool,
        /// Passed on from elsewhere.
        forwarded: bool,
    },
    /// A document, in whatever format; pictures and voices are none.
    File {
        /// By which it is asked for: [`Telegram::file`].
        file: String,
        /// As it was called; empty where the client says none.
        name: String,
        /// In bytes, where the server says it.
        size: Option<u32>,
        /// The message that it answers.
        under: Option<i32>,
    },
    /// Someone pressed a button.
    Pressed {
        /// Identifier by which the press is answered.
        press: String,
        data: String,
    },
    /// Someone reacted to a message.
    Reacted {
        /// The emoji, without variation selector or skin tone.
        emoji: String,
    },
    /// The bot was let into the chat.
    Joined,
    /// The bot was put out of the chat, or blocked.
    Left,
    /// The chat goes on under this identifier.
    Moved { to: i64 },
}

/// An update: its number, and what it says, if anything.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Received {
    pub number: u32,
    /// What happened; several where several reactions were put at once.
    pub events: Vec<Event>,
    /// Why nothing can be made of it.
    pub unreadable: Option<Unreadable>,
    /// What the server wrote.
    pub raw: Vec<u8>,
}

/// An update that cannot be read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unreadable {
    /// What is wrong with it.
    pub why: &'static str,
}

/// `getUpdates`, whose answer is left as the server wrote it.
#[derive(Clone, Serialize)]
struct RawUpdates {
    #[serde(skip_serializing_if = "Option::is_none")]
    offset: Option<i32>,
    limit: u8,
    timeout: u32,
    allowed_updates: Vec<AllowedUpdate>,
}

impl Payload for RawUpdates {
    type Output = Vec<Value>;
    const NAME: &'static str = "GetUpdates";
}

impl Telegram {
    /// Waits for what happens next, from update `offset` on (the oldest unconfirmed one where none is given). Empty when
    /// nothing did. Earlier updates are confirmed by this call.
    ///
    /// # Errors
    /// What the server said; [`Refusal::Rival`] where another process listens.
    pub async fn updates(&self, offset: Option<u32>, wait: std::time::Duration) -> Result<Vec<Received>, Refusal> {
        let me = self.me().await?.username.clone();
        let asked = RawUpdates {
            offset: offset.and_then(|o| i32::try_from(o).ok()),
            limit: BATCH,
            timeout: u32::try_from(wait.as_secs()).unwrap_or(0),
            allowed_updates: self.updates.clone(),
        };
        match JsonRequest::new(self.bot.clone(), asked).await {
            Ok(updates) => Ok(updates.iter().filter_map(|u| read(u, &me)).collect()),
            // One update that is no JSON would hold up all that came with it, and come back at every call.
            Err(RequestError::InvalidJson { raw, source }) => {
                one_by_one(&raw, &me).ok_or_else(|| self.refusal(&RequestError::InvalidJson { raw, source }))
            }
            Err(e) => Err(self.refusal(&e)),
        }
    }
}

impl Telegram {
    /// The bytes of a file, at most `most`; `None` where it is longer.
    ///
    /// # Errors
    /// What the server said.
    pub async fn file(&self, file: &str, most: usize) -> Result<Option<Vec<u8>>, Refusal> {
        let known = self.bot.get_file(FileId(file.to_owned())).await.map_err(|e| self.refusal(&e))?;
        let mut stream = self.bot.download_file_stream(&known.path);
        let mut bytes = Vec::new();
        while let Some(chunk) = stream.next().await {
            let chunk = chunk.map_err(|e| Refusal::Unreachable(self.scrub.clean(&e.to_string())))?;
            if bytes.len() + chunk.len() > most {
                return Ok(None);
            }
            bytes.extend_from_slice(&chunk);
        }
        Ok(Some(bytes))
    }
}

/// An answer whose updates are looked at as text alone.
#[derive(Deserialize)]
struct Answer<'a> {
    #[serde(borrow)]
    result: Vec<&'a RawValue>,
}

/// An update of which nothing but its number is read.
#[derive(Deserialize)]
struct Numbered {
    update_id: u32,
}

/// The updates of an answer that cannot be read as a whole: each for itself, mended where that is enough. `None` where it is no list
/// of updates. Pure.
fn one_by_one(answer: &str, me: &str) -> Option<Vec<Received>> {
    let mended = json::mended(answer.as_bytes()).and_then(|m| String::from_utf8(m).ok());
    let answer: Answer<'_> = serde_json::from_str(mended.as_deref().unwrap_or(answer)).ok()?;
    let one = |update: &&RawValue| {
        let written = update.get();
        if let Ok(value) = serde_json::from_str(written) {
            return read(&value, me);
        }
        let number = serde_json::from_str::<Numbered>(written).ok()?.update_id;
        let unreadable = Some(Unreadable { why: "forme inattendue" });
        Some(Received { number, events: Vec::new(), unreadable, raw: written.as_bytes().to_vec() })
    };
    Some(answer.result.iter().filter_map(one).collect())
}

/// Reads an update as the server writes it; `None` where it is none. Pure.
#[must_use]
pub fn read_json(update: &[u8], me: &str) -> Option<Received> {
    read(&serde_json::from_slice(update).ok()?, me)
}

/// Reads an update; `me` is the bot's name. `None` where it bears no number, without which it cannot be confirmed. Pure.
#[must_use]
pub fn read(update: &Value, me: &str) -> Option<Received> {
    let number = update.get("update_id").and_then(Value::as_u64).and_then(|n| u32::try_from(n).ok());
    let Some(number) = number else {
        tracing::error!("an update without a number is passed over");
        return None;
    };
    let written = update.to_string();
    let (events, unreadable) = match understood(update, &written, me) {
        Ok(events) => (events, None),
        Err(why) => (Vec::new(), Some(Unreadable { why })),
    };
    Some(Received { number, events, unreadable, raw: written.into_bytes() })
}

/// What an update says, or why it cannot be said.
fn understood(update: &Value, written: &str, me: &str) -> Result<Vec<Event>, &'static str> {
    // The library panics on this one (`deserialize_actor`).
    if let Some(reaction) = update.get("message_reaction")
        && ["user", "actor_chat"].iter().all(|who| reaction.get(who).is_none_or(Value::is_null))
    {
        return Err("réaction de personne");
    }
    // From text: the library cannot read the keys of a value that is parsed already.
    let read = || serde_json::from_str::<Update>(written).map(|u| events_of(&u, me));
    match catch_unwind(AssertUnwindSafe(read)) {
        Ok(Ok(Some(events))) => Ok(events),
        // A kind of update that came with a later version of the API is none that was asked for.
        Ok(Ok(None)) if !KINDS.iter().any(|kind| update.get(kind).is_some()) => Ok(Vec::new()),
        Ok(_) => Err("forme inattendue"),
        Err(_) => Err("la bibliothèque ne supporte pas cette forme"),
    }
}

/// Kinds of update that are acted on.
const KINDS: [&str; 5] = ["message", "edited_message", "callback_query", "my_chat_member", "message_reaction"];

/// What happened, by an update that the library has read; `None` where it could not.
fn events_of(update: &Update, me: &str) -> Option<Vec<Event>> {
    Some(match &update.kind {
        UpdateKind::Message(message) => {
            file_event(message).into_iter().chain(message_event(message, false, me)).collect()
        }
        UpdateKind::EditedMessage(message) => message_event(message, true, me).into_iter().collect(),
        UpdateKind::CallbackQuery(press) => press_event(press).into_iter().collect(),
        UpdateKind::MyChatMember(change) => member_event(change).into_iter().collect(),
        UpdateKind::MessageReaction(reaction) => reaction_events(reaction),
        UpdateKind::Error(_) => return None,
        _ => Vec::new(),
    })
}

fn event(chat: &Chat, sender: Option<&User>, message: Option<i32>, kind: EventKind) -> Option<Event> {
    if chat.is_channel() {
        return None;
    }
    Some(Event {
        chat: chat.id.0,
        private: chat.is_private(),
        title: chat.title().unwrap_or_default().to_owned(),
        sender: sender.map(|u| (u.id.0.to_string(), u.full_name())).unwrap_or_default(),
        message,
        topic: None,
        kind,
    })
}

/// The topic of a message, where it has one of its own.
fn topic_of(message: &Message) -> Option<i32> {
    message.thread_id.filter(|_| message.is_topic_message).map(|thread| thread.0.0)
}

fn message_event(message: &Message, edited: bool, me: &str) -> Option<Event> {
    if let Some(to) = message.migrate_to_chat_id() {
        return event(&message.chat, None, None, EventKind::Moved { to: to.0 });
    }
    if message.from.as_ref().is_some_and(|u| u.is_bot && u.username.as_deref() != Some("GroupAnonymousBot")) {
        return None;
    }
    let words = message.text().or_else(|| message.caption());
    // In a group only words can be meant for the bot; alone with it, whatever comes deserves an answer. A document is answered as such.
    let said_something =
        words.is_some() || (message.chat.is_private() && is_content(message) && message.document().is_none());
    if !said_something {
        return None;
    }
    let text = addressed(words.unwrap_or_default(), me)?;
    let answered = message.reply_to_message();
    let kind = EventKind::Text {
        text: bounded(&text),
        under: answered.map(|m| m.id.0),
        to_bot: answered.and_then(|m| m.from.as_ref()).is_some_and(|u| u.username.as_deref() == Some(me)),
        edited,
        forwarded: message.forward_origin().is_some(),
    };
    let event = event(&message.chat, message.from.as_ref(), Some(message.id.0), kind)?;
    Some(Event { topic: topic_of(message), ..event })
}

/// The document of a message; its words are an event of their own.
fn file_event(message: &Message) -> Option<Event> {
    let document = message.document()?;
    if message.from.as_ref().is_some_and(|u| u.is_bot) {
        return None;
    }
    let kind = EventKind::File {
        file: document.file.id.0.clone(),
        name: bounded(document.file_name.as_deref().unwrap_or_default()),
        // What the library writes where the server says nothing.
        size: Some(document.file.size).filter(|size| *size != u32::MAX),
        under: message.reply_to_message().map(|m| m.id.0),
    };
    let event = event(&message.chat, message.from.as_ref(), Some(message.id.0), kind)?;
    Some(Event { topic: topic_of(message), ..event })
}

/// Something a person sent, rather than a note of the chat itself.
fn is_content(message: &Message) -> bool {
    matches!(message.kind, teloxide_core::types::MessageKind::Common(_))
}

/// A command without the bot's name behind it; `None` when it is another bot's.
fn addressed(text: &str, me: &str) -> Option<String> {
    let Some(command) = text.trim_start().strip_prefix('/') else { return Some(text.to_owned()) };
    let end = command.find(char::is_whitespace).unwrap_or(command.len());
    let (word, rest) = command.split_at(end);
    match word.split_once('@') {
        None => Some(text.to_owned()),
        Some((word, name)) if name.eq_ignore_ascii_case(me) => Some(format!("/{word}{rest}")),
        Some(_) => None,
    }
}

fn press_event(press: &CallbackQuery) -> Option<Event> {
    let message = press.message.as_ref()?;
    let kind = EventKind::Pressed { press: press.id.0.clone(), data: press.data.clone().unwrap_or_default() };
    let event = event(message.chat(), Some(&press.from), Some(message.id().0), kind)?;
    Some(Event { topic: message.regular_message().and_then(topic_of), ..event })
}

fn member_event(change: &ChatMemberUpdated) -> Option<Event> {
    let (was, is) = (change.old_chat_member.kind.is_present(), change.new_chat_member.kind.is_present());
    let kind = match (was, is) {
        (false, true) => EventKind::Joined,
        (true, false) => EventKind::Left,
        _ => return None,
    };
    event(&change.chat, Some(&change.from), None, kind)
}

fn reaction_events(reaction: &MessageReactionUpdated) -> Vec<Event> {
    let sender = match &reaction.actor {
        MaybeAnonymousUser::User(user) if user.is_bot => return Vec::new(),
        MaybeAnonymousUser::User(user) => Some(user),
        MaybeAnonymousUser::Chat(_) => None,
    };
    let put = reaction.new_reaction.iter().filter(|r| !reaction.old_reaction.contains(r));
    put.filter_map(|r| match r {
        ReactionType::Emoji { emoji } => {
            let kind = EventKind::Reacted { emoji: plain(emoji) };
            event(&reaction.chat, sender, Some(reaction.message_id.0), kind)
        }
        _ => None,
    })
    .collect()
}

/// An emoji without variation selectors and skin tones.
fn plain(emoji: &str) -> String {
    let dress = |c: &char| ('\u{fe00}'..='\u{fe0f}').contains(c) || ('\u{1f3fb}'..='\u{1f3ff}').contains(c);
    emoji.chars().filter(|c| !dress(c)).collect()
}

fn bounded(text: &str) -> String {
    text.get(..text.floor_char_boundary(MAX_TEXT)).unwrap_or(text).to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::{Value, json};

    fn events(kind: &str, value: Value) -> Vec<Event> {
        let mut update = json!({ "update_id": 7 });
        update[kind] = value;
        let received = read_json(update.to_string().as_bytes(), "vigie_bot").unwrap();
        assert_eq!(received.unreadable, None);
        received.events
    }

    fn ada() -> Value {
        json!({ "id": 42, "is_bot": false, "first_name": "Ada", "last_name": "L." })
    }

    fn message(more: Value) -> Value {
        let mut message = json!({ "message_id": 5, "date": 1, "from": ada(), "chat": { "id": 42, "type": "private", "first_name": "Ada" } });
        message.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        message
    }

    fn group() -> Value {
        json!({ "id": -7, "type": "group", "title": "Équipe" })
    }

    fn text_of(events: &[Event]) -> &str {
        match &events[0].kind {
            EventKind::Text { text, .. } => text,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn texts_say_who_where_and_under_what() {
        let said = events(
            "message",
            message(json!({ "text": "oui", "reply_to_message": { "message_id": 3, "date": 1, "text": "x",
            "chat": { "id": 42, "type": "private" }, "from": { "id": 1, "is_bot": true, "first_name": "V", "username": "vigie_bot" } } })),
        );
        assert_eq!(said[0].sender, ("42".to_owned(), "Ada L.".to_owned()));
        assert!(said[0].private && said[0].message == Some(5));
        assert!(
            matches!(&said[0].kind, EventKind::Text { text, under: Some(3), to_bot: true, edited: false, forwarded: false } if text == "oui")
        );
        let edited = events("edited_message", message(json!({ "text": "non", "edit_date": 2 })));
        assert!(matches!(edited[0].kind, EventKind::Text { edited: true, .. }));
        let forwarded = events(
            "message",
            message(
                json!({ "text": "x", "forward_origin": { "type": "hidden_user", "date": 1, "sender_user_name": "B" } }),
            ),
        );
        assert!(matches!(forwarded[0].kind, EventKind::Text { forwarded: true, .. }));
    }

    #[test]
    fn a_command_may_bear_the_bot_s_name_and_another_bot_s_is_not_ours() {
        assert_eq!(
            text_of(&events("message", message(json!({ "text": "/aide@Vigie_Bot encore", "chat": group() })))),
            "/aide encore"
        );
        assert!(events("message", message(json!({ "text": "/aide@autre_bot", "chat": group() }))).is_empty());
        assert_eq!(text_of(&events("message", message(json!({ "text": "voir a@b.fr" })))), "voir a@b.fr");
    }

    #[test]
    fn a_picture_alone_means_something_in_private_only() {
        let sticker =
            json!({ "photo": [{ "file_id": "a", "file_unique_id": "b", "width": 1, "height": 1, "file_size": 1 }] });
        assert_eq!(text_of(&events("message", message(sticker.clone()))), "");
        let mut in_group = sticker;
        in_group["chat"] = group();
        assert!(events("message", message(in_group)).is_empty());
    }

    #[test]
    fn a_document_is_an_event_of_its_own_beside_its_words() {
        let document = json!({ "document": { "file_id": "F", "file_unique_id": "u", "file_name": "DCE lot 2.zip", "file_size": 7 },
            "caption": "oui", "reply_to_message": { "message_id": 3, "date": 1, "text": "x", "chat": { "id": 42, "type": "private" } } });
        let both = events("message", message(document.clone()));
        let wanted = EventKind::File { file: "F".into(), name: "DCE lot 2.zip".into(), size: Some(7), under: Some(3) };
        assert_eq!(both[0].kind, wanted);
        assert!(matches!(&both[1].kind, EventKind::Text { text, under: Some(3), .. } if text == "oui"));
        let mut alone = document;
        alone.as_object_mut().unwrap().remove("caption");
        alone["document"].as_object_mut().unwrap().remove("file_size");
        let alone = events("message", message(alone));
        assert!(matches!(alone.as_slice(), [Event { kind: EventKind::File { size: None, .. }, .. }]), "{alone:?}");
    }

    #[test]
    fn presses_and_reactions_name_their_message() {
        let press = events(
            "callback_query",
            json!({ "id": "9", "from": ada(), "chat_instance": "1", "data": "go:1", "message": message(json!({ "text": "x" })) }),
        );
        assert_eq!(press[0].message, Some(5));
        assert_eq!(press[0].kind, EventKind::Pressed { press: "9".into(), data: "go:1".into() });
        // A message that is too old comes without its content.
        let old = events(
            "callback_query",
            json!({ "id": "9", "from": ada(), "chat_instance": "1", "data": "go:1",
            "message": { "message_id": 5, "date": 0, "chat": group() } }),
        );
        assert_eq!((old[0].chat, old[0].message), (-7, Some(5)));
        let reaction = events(
            "message_reaction",
            json!({ "chat": group(), "message_id": 5, "user": ada(), "date": 1,
            "old_reaction": [{ "type": "emoji", "emoji": "👎" }], "new_reaction": [{ "type": "emoji", "emoji": "👎" }, { "type": "emoji", "emoji": "👍" }] }),
        );
        assert_eq!(reaction.len(), 1);
        assert_eq!(reaction[0].kind, EventKind::Reacted { emoji: "👍".into() });
        assert_eq!(plain("👍🏽\u{fe0f}"), "👍");
    }

    #[test]
    fn being_let_in_and_put_out_and_moving_are_told() {
        let member = |status: &str| json!({ "status": status, "user": { "id": 1, "is_bot": true, "first_name": "V" }, "until_date": 0 });
        let change = |old: &str, new: &str| {
            events(
                "my_chat_member",
                json!({ "chat": group(), "from": ada(), "date": 1, "old_chat_member": member(old), "new_chat_member": member(new) }),
            )
        };
        assert_eq!(change("left", "member")[0].kind, EventKind::Joined);
        assert_eq!(change("member", "kicked")[0].kind, EventKind::Left);
        assert!(change("left", "kicked").is_empty());
        let moved = events("message", message(json!({ "chat": group(), "migrate_to_chat_id": -1007 })));
        assert_eq!(moved[0].kind, EventKind::Moved { to: -1007 });
    }

    /// Half a surrogate, a number beyond all, nesting without end, a raw line break: each costs itself alone, or nothing.
    #[test]
    fn an_answer_is_taken_apart_where_one_update_spoils_it() {
        let said = |n: u32, text: &str| {
            format!(
                r#"{{"update_id":{n},"message":{{"message_id":{n},"date":1,"from":{},"chat":{{"id":42,"type":"private","first_name":"Ada"}},"text":"{text}"}}}}"#,
                ada()
            )
        };
        let deep = format!(r#"{{"update_id":9,"message":{}1{}}}"#, "[".repeat(300), "]".repeat(300));
        for (spoilt, read) in [
            (said(9, "oui \\ud83d"), Some("oui \u{fffd}")),
            (said(9, "oui\nmerci"), Some("oui\nmerci")),
            (said(9, "a \\udc00\\ud83d b"), Some("a \u{fffd}\u{fffd} b")),
            (r#"{"update_id":9,"message":{"message_id":1e999}}"#.to_owned(), None),
            (deep, None),
        ] {
            let answer = format!(r#"{{"ok":true,"result":[{},{spoilt},{}]}}"#, said(8, "avant"), said(10, "après"));
            let all = one_by_one(&answer, "vigie_bot").unwrap_or_else(|| panic!("{answer}"));
            assert_eq!(all.iter().map(|r| r.number).collect::<Vec<_>>(), [8, 9, 10], "{spoilt}");
            assert_eq!((text_of(&all[0].events), text_of(&all[2].events)), ("avant", "après"));
            match read {
                Some(read) => assert_eq!(text_of(&all[1].events), read),
                None => assert!(all[1].events.is_empty() && all[1].unreadable.is_some(), "{spoilt}"),
            }
        }
        for no_list in ["", "<html>", r#"{"ok":true,"result":true}"#, r#"{"ok":true,"result":[{"update_id":1}"#] {
            assert_eq!(one_by_one(no_list, "vigie_bot"), None, "{no_list}");
        }
    }

    #[test]
    fn an_update_that_cannot_be_read_is_kept_with_its_bytes_and_harms_no_other() {
        let reaction = json!({ "update_id": 8, "message_reaction": { "chat": group(), "message_id": 5, "date": 1,
            "old_reaction": [], "new_reaction": [{ "type": "emoji", "emoji": "👍" }] } });
        for (update, why) in [
            (reaction, "réaction de personne"),
            (json!({ "update_id": 8, "message": { "message_id": "cinq" } }), "forme inattendue"),
            (json!({ "update_id": 8, "callback_query": [] }), "forme inattendue"),
        ] {
            let received = read(&update, "vigie_bot").unwrap();
            assert!(received.number == 8 && received.events.is_empty());
            let unreadable = received.unreadable.unwrap();
            assert_eq!(unreadable.why, why);
            assert_eq!(serde_json::from_slice::<Value>(&received.raw).unwrap(), update);
        }
        for update in [json!({}), json!([]), json!({ "update_id": -1 }), json!({ "update_id": "8" })] {
            assert_eq!(read(&update, "vigie_bot"), None, "{update}");
        }
    }

    #[test]
    fn what_is_unknown_means_nothing() {
        assert!(events("poll_answer", json!({ "poll_id": "1", "user": ada(), "option_ids": [] })).is_empty());
        assert!(events("something_new", json!({ "x": 1 })).is_empty());
        let channel =
            json!({ "message_id": 1, "date": 1, "chat": { "id": -100, "type": "channel", "title": "c" }, "text": "x" });
        assert!(events("channel_post", channel).is_empty());
    }
}

//! A double of the Bot API with the people of its chats.
//!
//! It enforces what is documented (<https://core.telegram.org/bots/api>): text lengths in UTF-16 units, entity bounds and
//! nesting, callback data, paces with `retry_after`, blocked and moved chats, update offsets, one listener at a time. What it
//! took, it took: a message whose answer is cut counts as arrived. It reacts to each call as a script says, and its users
//! write, press buttons, react, block and move as people do.

mod server;

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use axum::Router;
use axum::routing::any;
use chrono::{DateTime, Utc};
use serde_json::{Value, json};
use tokio::sync::Notify;

pub const TOKEN: &str = "424242:AAF7-g0gYncWnm5IyfZlpPRqRRv6kNAGlao";
pub const BOT: &str = "vigie_bot";
const BOT_ID: i64 = 424_242;

/// A message of the bot, as its chat shows it.
#[derive(Debug, Clone, PartialEq)]
pub struct Shown {
    pub chat: i64,
    /// Its identifier there.
    pub id: i64,
    pub text: String,
    /// Styles: kind, the words that bear it, the address of a link.
    pub styles: Vec<(String, String, Option<String>)>,
    /// Buttons, row by row: label, and data or address.
    pub buttons: Vec<Vec<(String, String)>>,
    /// The message it stands under.
    pub under: Option<i64>,
    /// The topic it was sent into.
    pub topic: Option<i64>,
    /// How often it was edited.
    pub edits: usize,
    raw: Value,
}

/// A call, and what was answered.
#[derive(Debug, Clone)]
pub struct Call {
    /// The method, in lower case.
    pub method: String,
    /// The chat, where the call names one.
    pub chat: Option<i64>,
    pub code: u16,
    /// The answer's description; empty where it is a success.
    pub description: String,
    pub at: Instant,
}

/// What the server does with a call that would succeed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Reaction {
    Accept,
    /// Asks to wait that many seconds; whoever comes sooner is counted in [`Double::early`] and told again.
    Wait(u32),
    /// The same, for the whole bot.
    WaitAll(u32),
    /// Refuses with this code and these words.
    Refuse(u16, &'static str),
    /// Does what was asked, and cuts the connection before the answer.
    Cut,
    /// Does what was asked, and answers that much later.
    Late(Duration),
}

type Script = dyn Fn(&str, Option<i64>) -> Reaction + Send + Sync;

#[derive(Debug, Clone, Default)]
struct Room {
    title: String,
    kind: &'static str,
    /// The bot is not there: blocked, put out.
    out: bool,
    moved_to: Option<i64>,
    admin: bool,
    next_message: i64,
    sent: VecDeque<Instant>,
    people: BTreeMap<i64, String>,
}

#[derive(Default)]
struct Desk {
    rooms: BTreeMap<i64, Room>,
    messages: Vec<Shown>,
    said: BTreeMap<(i64, i64), Value>,
    updates: VecDeque<(i64, Value)>,
    next_update: i64,
    allowed: Option<Vec<String>>,
    presses: BTreeMap<String, Option<String>>,
    next_press: u64,
    calls: Vec<Call>,
    menu: Vec<(String, String)>,
    waits: BTreeMap<Option<i64>, DateTime<Utc>>,
    early: usize,
    now: Option<DateTime<Utc>>,
    sent: VecDeque<Instant>,
    generation: u64,
    webhook: bool,
    confirmed: BTreeSet<i64>,
    files: BTreeMap<String, Vec<u8>>,
}

struct Shared {
    desk: Mutex<Desk>,
    bell: Notify,
    script: Mutex<Box<Script>>,
}

#[derive(Clone)]
pub struct Double {
    /// Its address: what `[telegram] api_url` names.
    pub url: String,
    shared: Arc<Shared>,
}

impl Double {
    /// Starts the server; every call is taken as it should be until [`Double::script`] says otherwise.
    ///
    /// # Errors
    /// No port is free.
    pub async fn start() -> std::io::Result<Self> {
        let shared = Arc::new(Shared {
            desk: Mutex::new(Desk { next_update: 1000, ..Desk::default() }),
            bell: Notify::new(),
            script: Mutex::new(Box::new(|_, _| Reaction::Accept)),
        });
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await?;
        let url = format!("http://{}", listener.local_addr()?);
        let router = Router::new().route("/{bot}/{method}", any(server::serve));
        let router =
            router.route("/file/{bot}/{name}", axum::routing::get(server::give)).with_state(Arc::clone(&shared));
        tokio::spawn(async move { axum::serve(listener, router).await.ok() });
        Ok(Self { url, shared })
    }

    /// From now on the server reacts to a method (in lower case) and chat as this says.
    pub fn script(&self, script: impl Fn(&str, Option<i64>) -> Reaction + Send + Sync + 'static) {
        *self.shared.script.lock().unwrap_or_else(PoisonError::into_inner) = Box::new(script);
    }

    fn desk(&self) -> MutexGuard<'_, Desk> {
        self.shared.desk.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Simulated time, for waits that nobody waits for; paces of the real clock rest.
    pub fn set_now(&self, now: DateTime<Utc>) {
        self.desk().now = Some(now);
    }

    /// Somebody opens a private chat with the bot; its number is theirs.
    pub fn person(&self, id: i64, name: &str) {
        let people = BTreeMap::from([(id, name.to_owned())]);
        self.desk().rooms.insert(id, Room { kind: "private", people, ..Room::default() });
    }

    /// The bot is let into a group by one of its people.
    ///
    /// # Panics
    /// The group has nobody.
    pub fn group(&self, id: i64, title: &str, people: &[(i64, &str)]) {
        let people: BTreeMap<i64, String> = people.iter().map(|(id, name)| (*id, (*name).to_owned())).collect();
        assert!(!people.is_empty() && id < 0, "a group has people, and a negative number");
        let by = *people.keys().next().unwrap_or(&0);
        let kind = if id < -1_000_000_000_000 { "supergroup" } else { "group" };
        {
            let mut desk = self.desk();
            desk.rooms.insert(id, Room { kind, title: title.to_owned(), people, ..Room::default() });
            desk.member(id, by, "left", "member");
        }
        self.ring();
    }

    /// The bot becomes an administrator of a group, and hears reactions there.
    pub fn promote(&self, chat: i64) {
        if let Some(room) = self.desk().rooms.get_mut(&chat) {
            room.admin = true;
        }
    }

    fn ring(&self) {
        self.shared.bell.notify_waiters();
    }

    /// Somebody writes; gives the message's identifier.
    pub fn say(&self, chat: i64, by: i64, text: &str) -> i64 {
        self.write(chat, by, text, None, json!({}))
    }

    /// Somebody answers a message.
    pub fn reply(&self, chat: i64, by: i64, text: &str, under: i64) -> i64 {
        self.write(chat, by, text, Some(under), json!({}))
    }

    /// Somebody writes in a topic of a group.
    pub fn say_in(&self, chat: i64, by: i64, topic: i64, text: &str) -> i64 {
        self.write(chat, by, text, None, json!({ "message_thread_id": topic, "is_topic_message": true }))
    }

    /// Somebody sends a document, in answer to a message or alone.
    pub fn send_file(&self, chat: i64, by: i64, name: &str, content: &[u8], under: Option<i64>) -> i64 {
        let file = {
            let mut desk = self.desk();
            let file = format!("F{}", desk.files.len());
            desk.files.insert(file.clone(), content.to_vec());
            file
        };
        let document =
            json!({ "file_id": file, "file_unique_id": file, "file_name": name, "file_size": content.len() });
        self.write(chat, by, "", under, json!({ "document": document }))
    }

    /// Somebody passes on a text from elsewhere.
    pub fn forward(&self, chat: i64, by: i64, text: &str) -> i64 {
        let origin = json!({ "forward_origin": { "type": "hidden_user", "sender_user_name": "Autre", "date": 1 } });
        self.write(chat, by, text, None, origin)
    }

    fn write(&self, chat: i64, by: i64, text: &str, under: Option<i64>, more: Value) -> i64 {
        let id = {
            let mut desk = self.desk();
            let id = desk.number(chat);
            let mut message = desk.head(chat, by, id);
            if !text.is_empty() {
                message["text"] = text.into();
            }
            if let Some(answered) = under.and_then(|u| desk.said.get(&(chat, u)).cloned()) {
                message["reply_to_message"] = answered;
            }
            if let (Some(message), Value::Object(more)) = (message.as_object_mut(), more) {
                message.extend(more);
            }
            desk.said.insert((chat, id), message.clone());
            let to_bot = under.is_some_and(|u| desk.messages.iter().any(|m| m.chat == chat && m.id == u));
            let private = desk.rooms.get(&chat).is_some_and(|r| r.kind == "private");
            // Privacy mode: in a group the bot hears what is meant for it.
            if private || to_bot || text.starts_with('/') || text.contains(&format!("@{BOT}")) {
                desk.update("message", message);
            }
            id
        };
        self.ring();
        id
    }

    /// Somebody corrects what they wrote.
    pub fn correct(&self, chat: i64, message: i64, text: &str) {
        {
            let mut desk = self.desk();
            let Some(mut said) = desk.said.get(&(chat, message)).cloned() else { return };
            said["text"] = text.into();
            said["edit_date"] = 2.into();
            desk.said.insert((chat, message), said.clone());
            desk.update("edited_message", said);
        }
        self.ring();
    }

    /// Somebody presses the button of that label; gives the press.
    ///
    /// # Panics
    /// The message has no such button.
    pub fn press(&self, chat: i64, by: i64, message: i64, label: &str) -> String {
        let shown = self.shown(chat, message);
        let button = shown.as_ref().and_then(|m| m.buttons.iter().flatten().find(|(l, _)| l.contains(label)).cloned());
        assert!(button.is_some(), "no button « {label} » under {shown:?}");
        self.press_data(chat, by, message, &button.map(|b| b.1).unwrap_or_default())
    }

    /// Somebody's client presses with that data, shown or not.
    pub fn press_data(&self, chat: i64, by: i64, message: i64, data: &str) -> String {
        let press = {
            let mut desk = self.desk();
            desk.next_press += 1;
            let press = format!("press{}", desk.next_press);
            desk.presses.insert(press.clone(), None);
            let shown = desk.said.get(&(chat, message)).cloned();
            let message = shown.unwrap_or_else(|| json!({ "message_id": message, "date": 0, "chat": desk.chat(chat) }));
            let from = desk.user(chat, by);
            desk.update(
                "callback_query",
                json!({ "id": press, "from": from, "chat_instance": "1", "data": data, "message": message }),
            );
            press
        };
        self.ring();
        press
    }

    /// The word with which a press was answered; `None` where it was not answered yet.
    #[must_use]
    pub fn answered(&self, press: &str) -> Option<String> {
        self.desk().presses.get(press).cloned().flatten()
    }

    /// Somebody puts a reaction under a message.
    pub fn react(&self, chat: i64, by: i64, message: i64, emoji: &str) {
        {
            let mut desk = self.desk();
            if !desk.rooms.get(&chat).is_some_and(|r| r.kind == "private" || r.admin) {
                return;
            }
            let (chat, user) = (desk.chat(chat), desk.user(chat, by));
            desk.update(
                "message_reaction",
                json!({ "chat": chat, "message_id": message, "user": user, "date": 1, "old_reaction": [], "new_reaction": [{ "type": "emoji", "emoji": emoji }] }),
            );
        }
        self.ring();
    }

    /// The server says something as it stands, in whatever shape.
    pub fn utter(&self, kind: &str, value: Value) {
        self.desk().update(kind, value);
        self.ring();
    }

    /// Somebody blocks the bot, or puts it out of a group.
    pub fn block(&self, chat: i64, by: i64) {
        {
            let mut desk = self.desk();
            desk.member(chat, by, "member", "kicked");
            if let Some(room) = desk.rooms.get_mut(&chat) {
                room.out = true;
            }
        }
        self.ring();
    }

    /// The bot is put out, and no word of it comes: its listener was away too long.
    pub fn block_silently(&self, chat: i64) {
        if let Some(room) = self.desk().rooms.get_mut(&chat) {
            room.out = true;
        }
    }

    /// Somebody unblocks the bot.
    pub fn unblock(&self, chat: i64, by: i64) {
        {
            let mut desk = self.desk();
            if let Some(room) = desk.rooms.get_mut(&chat) {
                room.out = false;
            }
            desk.member(chat, by, "kicked", "member");
        }
        self.ring();
    }

    /// A group becomes a supergroup; gives its new number. `told` = the bot hears of it, rather than finding out.
    pub fn migrate(&self, chat: i64, told: bool) -> i64 {
        let new = -1_000_000_000_000 + chat;
        {
            let mut desk = self.desk();
            let Some(room) = desk.rooms.get_mut(&chat) else { return new };
            room.moved_to = Some(new);
            let next =
                Room { kind: "supergroup", next_message: 0, sent: VecDeque::new(), moved_to: None, ..room.clone() };
            let by = *room.people.keys().next().unwrap_or(&0);
            desk.rooms.insert(new, next);
            if told {
                let id = desk.number(chat);
                let mut message = desk.head(chat, by, id);
                message["migrate_to_chat_id"] = new.into();
                desk.update("message", message);
                let id = desk.number(new);
                let mut message = desk.head(new, by, id);
                message["migrate_from_chat_id"] = chat.into();
                desk.update("message", message);
            }
        }
        self.ring();
        new
    }

    /// Messages of the bot in a chat, in order.
    #[must_use]
    pub fn messages(&self, chat: i64) -> Vec<Shown> {
        self.desk().messages.iter().filter(|m| m.chat == chat).cloned().collect()
    }

    /// All messages of the bot.
    #[must_use]
    pub fn all(&self) -> Vec<Shown> {
        self.desk().messages.clone()
    }

    /// One message of the bot.
    #[must_use]
    pub fn shown(&self, chat: i64, message: i64) -> Option<Shown> {
        self.desk().messages.iter().find(|m| m.chat == chat && m.id == message).cloned()
    }

    #[must_use]
    pub fn calls(&self) -> Vec<Call> {
        self.desk().calls.clone()
    }

    /// Calls that came sooner than they were told to.
    #[must_use]
    pub fn early(&self) -> usize {
        self.desk().early
    }

    /// Commands that clients propose.
    #[must_use]
    pub fn menu(&self) -> Vec<(String, String)> {
        self.desk().menu.clone()
    }

    /// Updates that no call has confirmed.
    #[must_use]
    pub fn unconfirmed(&self) -> usize {
        self.desk().updates.len()
    }

    /// A webhook is set: nobody may listen.
    pub fn set_webhook(&self, set: bool) {
        self.desk().webhook = set;
    }

    /// Updates are numbered anew from here on, as after a week of silence.
    pub fn number_from(&self, next: i64) {
        self.desk().next_update = next;
    }
}

//! What the Bot API answers: the limits that are documented, paces and waits, long polling.

use std::collections::VecDeque;
use std::sync::{Arc, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use axum::Json;
use axum::body::Body;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use chrono::{DateTime, TimeDelta, Utc};
use serde_json::{Value, json};

use super::{BOT, BOT_ID, Call, Desk, Reaction, Shared, Shown, TOKEN};

/// Most UTF-16 units of a text (`sendMessage`).
const MAX_TEXT: usize = 4096;
/// Most entities; the server ignores the rest, which would be a loss: refused here.
const MAX_ENTITIES: usize = 100;
/// Most bytes of a button's data (`InlineKeyboardButton`).
const MAX_DATA: usize = 64;
/// Most UTF-16 units of a toast (`answerCallbackQuery`).
const MAX_TOAST: usize = 200;
/// Messages a second of the bot, and a minute of a group (Bot API FAQ, "My bot is hitting limits").
const PER_SECOND: usize = 30;
const GROUP_PER_MINUTE: usize = 20;
/// One message a second in a chat, short bursts allowed: no more than three in two seconds.
const CHAT_BURST: (usize, Duration) = (3, Duration::from_secs(2));
/// Kinds of update that come where none are named (`getUpdates`: "all update types except …").
const DEFAULT_UPDATES: [&str; 4] = ["message", "edited_message", "callback_query", "my_chat_member"];

/// A refusal of the API.
struct Refused {
    code: u16,
    words: String,
    parameters: Option<Value>,
}

fn refused(code: u16, words: impl Into<String>) -> Refused {
    Refused { code, words: words.into(), parameters: None }
}

type Answer = Result<Value, Refused>;

impl Desk {
    pub(super) fn clock(&self) -> DateTime<Utc> {
        self.now.unwrap_or_else(Utc::now)
    }

    pub(super) fn number(&mut self, chat: i64) -> i64 {
        let room = self.rooms.entry(chat).or_default();
        room.next_message += 1;
        room.next_message
    }

    pub(super) fn chat(&self, chat: i64) -> Value {
        let room = self.rooms.get(&chat).cloned().unwrap_or_default();
        if room.kind == "private" {
            let name = room.people.get(&chat).cloned().unwrap_or_default();
            json!({ "id": chat, "type": "private", "first_name": name })
        } else {
            json!({ "id": chat, "type": room.kind, "title": room.title })
        }
    }

    pub(super) fn user(&self, chat: i64, by: i64) -> Value {
        let name = self.rooms.get(&chat).and_then(|r| r.people.get(&by).cloned()).unwrap_or_else(|| "?".to_owned());
        json!({ "id": by, "is_bot": false, "first_name": name, "language_code": "fr" })
    }

    pub(super) fn head(&self, chat: i64, by: i64, id: i64) -> Value {
        json!({ "message_id": id, "date": 1, "from": self.user(chat, by), "chat": self.chat(chat) })
    }

    pub(super) fn member(&mut self, chat: i64, by: i64, old: &str, new: &str) {
        let bot = json!({ "id": BOT_ID, "is_bot": true, "first_name": "Vigie", "username": BOT });
        let state = |status: &str| json!({ "status": status, "user": bot, "until_date": 0 });
        let change = json!({ "chat": self.chat(chat), "from": self.user(chat, by), "date": 1, "old_chat_member": state(old), "new_chat_member": state(new) });
        self.update("my_chat_member", change);
    }

    pub(super) fn update(&mut self, kind: &str, value: Value) {
        let wanted = match &self.allowed {
            Some(allowed) if !allowed.is_empty() => allowed.iter().any(|a| a == kind),
            _ => DEFAULT_UPDATES.contains(&kind),
        };
        if wanted {
            let number = self.next_update;
            self.next_update += 1;
            self.updates.push_back((number, json!({ "update_id": number, kind: value })));
        }
    }

    /// Refuses a chat where the bot cannot speak.
    fn reachable(&self, chat: i64) -> Result<(), Refused> {
        let Some(room) = self.rooms.get(&chat) else { return Err(refused(400, "Bad Request: chat not found")) };
        if let Some(to) = room.moved_to {
            let words = "Bad Request: group chat was upgraded to a supergroup chat".to_owned();
            return Err(Refused { code: 400, words, parameters: Some(json!({ "migrate_to_chat_id": to })) });
        }
        if room.out {
            let words = match room.kind {
                "private" => "Forbidden: bot was blocked by the user",
                "supergroup" => "Forbidden: bot was kicked from the supergroup chat",
                _ => "Forbidden: bot was kicked from the group chat",
            };
            return Err(refused(403, words));
        }
        Ok(())
    }

    /// Waits that were asked for and are not over; then the paces.
    fn patience(&mut self, method: &str, chat: Option<i64>) -> Result<(), Refused> {
        let now = self.clock();
        // What a bot asks about itself is never counted.
        if matches!(method, "getme" | "setmycommands") {
            return Ok(());
        }
        for key in [None, chat] {
            if let Some(until) = self.waits.get(&key).filter(|until| **until > now) {
                let left = (*until - now).num_milliseconds().max(1).unsigned_abs().div_ceil(1000);
                self.early += 1;
                return Err(wait(u32::try_from(left).unwrap_or(u32::MAX)));
            }
        }
        if method != "sendmessage" || self.now.is_some() {
            return Ok(());
        }
        let at = Instant::now();
        let within = |sent: &mut VecDeque<Instant>, span: Duration| {
            while sent.front().is_some_and(|s| at.duration_since(*s) >= Duration::from_secs(60)) {
                sent.pop_front();
            }
            sent.iter().filter(|s| at.duration_since(**s) < span).count()
        };
        if within(&mut self.sent, Duration::from_secs(1)) >= PER_SECOND {
            self.early += 1;
            return Err(wait(1));
        }
        if let Some(room) = chat.and_then(|c| self.rooms.get_mut(&c)) {
            let (most, span) =
                if room.kind == "private" { CHAT_BURST } else { (GROUP_PER_MINUTE, Duration::from_secs(60)) };
            if within(&mut room.sent, span) >= most {
                self.early += 1;
                return Err(wait(u32::try_from(span.as_secs()).unwrap_or(1)));
            }
            room.sent.push_back(at);
        }
        self.sent.push_back(at);
        Ok(())
    }

    fn call(&mut self, method: &str, body: &Value) -> Answer {
        let chat = body.get("chat_id").and_then(Value::as_i64);
        match method {
            "getme" => Ok(
                json!({ "id": BOT_ID, "is_bot": true, "first_name": "Vigie", "username": BOT, "can_join_groups": true,
                "can_read_all_group_messages": false, "supports_inline_queries": false, "can_connect_to_business": false, "has_main_web_app": false }),
            ),
            "sendmessage" => {
                let chat = chat.ok_or_else(|| refused(400, "Bad Request: chat_id is empty"))?;
                self.reachable(chat)?;
                let shown = self.draft(chat, body)?;
                let id = self.number(chat);
                let under = self.under(chat, body)?;
                Ok(self.keep(Shown { id, under, ..shown }))
            }
            "editmessagetext" | "editmessagereplymarkup" => {
                let chat = chat.ok_or_else(|| refused(400, "Bad Request: chat_id is empty"))?;
                self.reachable(chat)?;
                let id = body.get("message_id").and_then(Value::as_i64).unwrap_or_default();
                let old = self.messages.iter().position(|m| m.chat == chat && m.id == id);
                let Some(at) = old else { return Err(refused(400, "Bad Request: message to edit not found")) };
                let old = self.messages[at].clone();
                let mut new = if method == "editmessagetext" {
                    self.draft(chat, body)?
                } else {
                    Shown { buttons: keyboard(body)?, ..old.clone() }
                };
                if (&new.text, &new.styles, &new.buttons) == (&old.text, &old.styles, &old.buttons) {
                    let words = "Bad Request: message is not modified: specified new message content and reply markup are exactly the same as a current content and reply markup of the message";
                    return Err(refused(400, words));
                }
                (new.id, new.under, new.edits) = (id, old.under, old.edits + 1);
                self.messages.remove(at);
                let raw = self.keep(new);
                // Its place in the chat stays.
                if let Some(edited) = self.messages.pop() {
                    self.messages.insert(at, edited);
                }
                Ok(raw)
            }
            "answercallbackquery" => {
                let id = body.get("callback_query_id").and_then(Value::as_str).unwrap_or_default();
                let word = body.get("text").and_then(Value::as_str).unwrap_or_default();
                if word.encode_utf16().count() > MAX_TOAST {
                    return Err(refused(400, "Bad Request: MESSAGE_TOO_LONG"));
                }
                match self.presses.get_mut(id) {
                    Some(answer) if answer.is_none() => {
                        *answer = Some(word.to_owned());
                        Ok(Value::Bool(true))
                    }
                    _ => Err(refused(
                        400,
                        "Bad Request: query is too old and response timeout expired or query id is invalid",
                    )),
                }
            }
            "getfile" => {
                let id = body.get("file_id").and_then(Value::as_str).unwrap_or_default();
                match self.files.get(id) {
                    // "File size … 20 MB" (`getFile`).
                    Some(bytes) if bytes.len() > 20 * 1024 * 1024 => Err(refused(400, "Bad Request: file is too big")),
                    Some(bytes) => {
                        Ok(json!({ "file_id": id, "file_unique_id": id, "file_size": bytes.len(), "file_path": id }))
                    }
                    None => Err(refused(400, "Bad Request: wrong file_id or the file is temporarily unavailable")),
                }
            }
            "setmycommands" => {
                let commands = body.get("commands").and_then(Value::as_array).cloned().unwrap_or_default();
                let mut menu = Vec::new();
                for command in &commands {
                    let field = |f: &str| command.get(f).and_then(Value::as_str).unwrap_or_default().to_owned();
                    let (name, does) = (field("command"), field("description"));
                    let good = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_';
                    if name.is_empty() || name.len() > 32 || !name.chars().all(good) {
                        return Err(refused(400, "Bad Request: BOT_COMMAND_INVALID"));
                    }
                    if does.is_empty() || does.chars().count() > 256 {
                        return Err(refused(400, "Bad Request: BOT_COMMAND_DESCRIPTION_INVALID"));
                    }
                    menu.push((name, does));
                }
                if menu.len() > 100 {
                    return Err(refused(400, "Bad Request: BOT_COMMANDS_TOO_MUCH"));
                }
                self.menu = menu;
                Ok(Value::Bool(true))
            }
            _ => Err(refused(404, "Not Found")),
        }
    }

    fn under(&self, chat: i64, body: &Value) -> Result<Option<i64>, Refused> {
        let Some(parameters) = body.get("reply_parameters") else { return Ok(None) };
        let id = parameters.get("message_id").and_then(Value::as_i64).unwrap_or_default();
        if self.said.contains_key(&(chat, id)) {
            return Ok(Some(id));
        }
        match parameters.get("allow_sending_without_reply").and_then(Value::as_bool) {
            Some(true) => Ok(None),
            _ => Err(refused(400, "Bad Request: message to be replied not found")),
        }
    }

    /// A message as it would be shown.
    fn draft(&self, chat: i64, body: &Value) -> Result<Shown, Refused> {
        let text = body.get("text").and_then(Value::as_str).unwrap_or_default();
        if body.get("parse_mode").is_some() {
            return Err(refused(400, "Bad Request: can't parse entities: this server takes offsets only"));
        }
        if text.trim().is_empty() {
            return Err(refused(400, "Bad Request: message text is empty"));
        }
        if text.encode_utf16().count() > MAX_TEXT {
            return Err(refused(400, "Bad Request: message is too long"));
        }
        Ok(Shown {
            chat,
            id: 0,
            text: text.to_owned(),
            styles: styles(text, body.get("entities"))?,
            buttons: keyboard(body)?,
            under: None,
            topic: body.get("message_thread_id").and_then(Value::as_i64),
            edits: 0,
            raw: body.clone(),
        })
    }

    fn keep(&mut self, shown: Shown) -> Value {
        let mut message = json!({ "message_id": shown.id, "date": 1, "chat": self.chat(shown.chat), "text": shown.text,
            "from": { "id": BOT_ID, "is_bot": true, "first_name": "Vigie", "username": BOT } });
        for field in ["entities", "reply_markup"] {
            if let Some(value) = shown.raw.get(field) {
                message[field] = value.clone();
            }
        }
        self.said.insert((shown.chat, shown.id), message.clone());
        self.messages.push(shown);
        message
    }
}

fn wait(seconds: u32) -> Refused {
    Refused {
        code: 429,
        words: format!("Too Many Requests: retry after {seconds}"),
        parameters: Some(json!({ "retry_after": seconds })),
    }
}

/// The styles of a text, if they stand within it, between characters, and one in another as documented.
fn styles(text: &str, entities: Option<&Value>) -> Result<Vec<(String, String, Option<String>)>, Refused> {
    let bad = |words: String| refused(400, format!("Bad Request: can't parse entities: {words}"));
    let units: Vec<u16> = text.encode_utf16().collect();
    let entities = entities.and_then(Value::as_array).cloned().unwrap_or_default();
    if entities.len() > MAX_ENTITIES {
        return Err(bad(format!("{} entities", entities.len())));
    }
    let mut open: Vec<(usize, usize, String)> = Vec::new();
    let mut styles = Vec::new();
    for entity in &entities {
        let number = |f: &str| entity.get(f).and_then(Value::as_u64).and_then(|n| usize::try_from(n).ok());
        let kind = entity.get("type").and_then(Value::as_str).unwrap_or_default().to_owned();
        let (Some(start), Some(length)) = (number("offset"), number("length")) else {
            return Err(bad("no offset or length".to_owned()));
        };
        let end = start + length;
        if length == 0 || end > units.len() {
            return Err(bad(format!("{kind} from {start} to {end} of {}", units.len())));
        }
        // A lone half of a character is no text.
        let Ok(words) = String::from_utf16(&units[start..end]) else {
            return Err(bad(format!("{kind} cuts a character")));
        };
        let url = entity.get("url").and_then(Value::as_str).map(str::to_owned);
        match kind.as_str() {
            "bold" | "italic" | "blockquote" => {}
            "text_link" if url.as_ref().is_some_and(|u| u.starts_with("https://") || u.starts_with("http://")) => {}
            _ => return Err(bad(format!("{kind} to {url:?}"))),
        }
        for (from, to, other) in &open {
            let apart = end <= *from || start >= *to;
            let nested = (start >= *from && end <= *to) || (start <= *from && end >= *to);
            if !apart && (!nested || *other == kind) {
                return Err(bad(format!("{kind} from {start} to {end} crosses {other} from {from} to {to}")));
            }
        }
        open.push((start, end, kind.clone()));
        styles.push((kind, words, url));
    }
    Ok(styles)
}

/// The buttons of a call, if they may be shown.
fn keyboard(body: &Value) -> Result<Vec<Vec<(String, String)>>, Refused> {
    let rows = body.pointer("/reply_markup/inline_keyboard").and_then(Value::as_array).cloned().unwrap_or_default();
    let mut keyboard = Vec::new();
    for row in &rows {
        let mut buttons = Vec::new();
        for button in row.as_array().into_iter().flatten() {
            let field = |f: &str| button.get(f).and_then(Value::as_str).map(str::to_owned);
            let label = field("text").filter(|t| !t.is_empty());
            let label = label.ok_or_else(|| refused(400, "Bad Request: can't parse inline keyboard button"))?;
            let does = match (field("callback_data"), field("url")) {
                (Some(data), None) if (1..=MAX_DATA).contains(&data.len()) => data,
                (None, Some(url)) if url.starts_with("http") && !url.contains("://localhost") => url,
                (Some(_), _) => return Err(refused(400, "Bad Request: BUTTON_DATA_INVALID")),
                _ => return Err(refused(400, "Bad Request: BUTTON_URL_INVALID")),
            };
            buttons.push((label, does));
        }
        keyboard.push(buttons);
    }
    Ok(keyboard)
}

pub(super) async fn serve(
    State(shared): State<Arc<Shared>>,
    Path((bot, method)): Path<(String, String)>,
    body: Option<Json<Value>>,
) -> Response {
    let method = method.to_ascii_lowercase();
    let body = body.map_or(Value::Null, |Json(body)| body);
    let chat = body.get("chat_id").and_then(Value::as_i64);
    if bot != format!("bot{TOKEN}") {
        return answer(&shared, &method, chat, Err(refused(401, "Unauthorized")));
    }
    if method == "getupdates" {
        let updates = listen(&shared, &body).await;
        return answer(&shared, &method, chat, updates);
    }
    let patience = lock(&shared).patience(&method, chat);
    if let Err(wait) = patience {
        return answer(&shared, &method, chat, Err(wait));
    }
    let reaction = shared.script.lock().unwrap_or_else(PoisonError::into_inner)(&method, chat);
    match reaction {
        Reaction::Refuse(code, words) => return answer(&shared, &method, chat, Err(refused(code, words))),
        Reaction::Wait(seconds) | Reaction::WaitAll(seconds) => {
            {
                let mut desk = lock(&shared);
                let until = desk.clock() + TimeDelta::seconds(seconds.into());
                desk.waits.insert(chat.filter(|_| matches!(reaction, Reaction::Wait(_))), until);
            }
            return answer(&shared, &method, chat, Err(wait(seconds)));
        }
        Reaction::Accept | Reaction::Cut | Reaction::Late(_) => {}
    }
    let done = lock(&shared).call(&method, &body);
    let answered = answer(&shared, &method, chat, done);
    match reaction {
        Reaction::Cut => {
            let broken = futures_util::stream::once(async { Err::<Vec<u8>, _>(std::io::Error::other("cut")) });
            Body::from_stream(broken).into_response()
        }
        Reaction::Late(pause) => {
            tokio::time::sleep(pause).await;
            answered
        }
        _ => answered,
    }
}

/// The bytes of a file that `getFile` named.
pub(super) async fn give(State(shared): State<Arc<Shared>>, Path((bot, name)): Path<(String, String)>) -> Response {
    let found = (bot == format!("bot{TOKEN}")).then(|| lock(&shared).files.get(&name).cloned()).flatten();
    found.map_or_else(|| StatusCode::NOT_FOUND.into_response(), IntoResponse::into_response)
}

fn lock(shared: &Shared) -> MutexGuard<'_, Desk> {
    shared.desk.lock().unwrap_or_else(PoisonError::into_inner)
}

fn answer(shared: &Shared, method: &str, chat: Option<i64>, answer: Answer) -> Response {
    let (code, body) = match answer {
        Ok(result) => (200, json!({ "ok": true, "result": result })),
        Err(no) => {
            let mut body = json!({ "ok": false, "error_code": no.code, "description": no.words });
            if let Some(parameters) = no.parameters {
                body["parameters"] = parameters;
            }
            (no.code, body)
        }
    };
    let description = body.get("description").and_then(Value::as_str).unwrap_or_default().to_owned();
    lock(shared).calls.push(Call { method: method.to_owned(), chat, code, description, at: Instant::now() });
    (StatusCode::from_u16(code).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR), Json(body)).into_response()
}

/// Long polling: confirms what comes before the offset, then waits for something to say. A newer listener ends an older one.
async fn listen(shared: &Shared, body: &Value) -> Answer {
    let number = |f: &str| body.get(f).and_then(Value::as_i64);
    let generation = {
        let mut desk = lock(shared);
        if desk.webhook {
            let words = "Conflict: can't use getUpdates method while webhook is active; use deleteWebhook to delete the webhook first";
            return Err(refused(409, words));
        }
        desk.generation += 1;
        if let Some(allowed) = body.get("allowed_updates").and_then(Value::as_array) {
            desk.allowed = Some(allowed.iter().filter_map(Value::as_str).map(str::to_owned).collect());
        }
        if let Some(offset) = number("offset") {
            while desk.updates.front().is_some_and(|(n, _)| *n < offset) {
                if let Some((n, _)) = desk.updates.pop_front() {
                    desk.confirmed.insert(n);
                }
            }
        }
        desk.generation
    };
    shared.bell.notify_waiters();
    let limit = usize::try_from(number("limit").unwrap_or(100).clamp(1, 100)).unwrap_or(100);
    let until = tokio::time::Instant::now() + Duration::from_secs(number("timeout").unwrap_or(0).unsigned_abs());
    loop {
        let rung = shared.bell.notified();
        {
            let desk = lock(shared);
            if desk.generation != generation {
                let words =
                    "Conflict: terminated by other getUpdates request; make sure that only one bot instance is running";
                return Err(refused(409, words));
            }
            if !desk.updates.is_empty() {
                return Ok(desk.updates.iter().take(limit).map(|(_, u)| u.clone()).collect());
            }
        }
        tokio::select! {
            () = rung => {}
            () = tokio::time::sleep_until(until) => return Ok(json!([])),
        }
    }
}

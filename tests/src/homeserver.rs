//! A real Matrix homeserver (Synapse) with [`Rooms`] to write to, and a [`Gate`] before it that counts what is sent and misbehaves
//! on order.

use std::collections::BTreeSet;
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::{Request, State};
use axum::http::{Method, StatusCode, header};
use axum::response::{IntoResponse, Response};
use reqwest::Client;
use serde_json::{Value, json};

use crate::servers::{Process, free_port, missing};
use crate::service::Outcome;

/// Longest wait for the server to start.
const PATIENCE: Duration = Duration::from_secs(120);
/// Most bytes of one request or answer that passes the gate.
const MAX_BODY: usize = 10 * 1024 * 1024;
/// Most events of a room read back at once.
const MAX_EVENTS: usize = 1000;

/// A homeserver with accounts, gone with its owner.
#[derive(Debug)]
pub struct Synapse {
    _process: Process,
    dir: tempfile::TempDir,
    pub url: String,
}

impl Synapse {
    /// Password of every account.
    pub const PASSWORD: &'static str = "mot-de-passe-d-essai";

    /// Starts a server named `localhost` with these accounts, or says why not.
    ///
    /// # Panics
    /// `VIGIE_REQUIRE` names `matrix` and it cannot be started.
    #[must_use]
    pub fn start(users: &[&str]) -> Option<Self> {
        let venv = Path::new(env!("CARGO_MANIFEST_DIR")).join("../target/test-servers/venv/bin");
        if !venv.join("synapse_homeserver").exists() {
            return missing("matrix", "no Synapse (run scripts/test-setup)");
        }
        let Ok(dir) = tempfile::Builder::new().prefix("vigie-matrix-").tempdir() else {
            return missing("matrix", "no temporary folder");
        };
        let Some(port) = free_port() else { return missing("matrix", "no free port") };
        let run = |program: &str, args: &[&str]| {
            let mut command = Command::new(venv.join(program));
            command.args(args).current_dir(dir.path()).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
            command
        };
        let generate = [
            "--server-name",
            "localhost",
            "--config-path",
            "homeserver.yaml",
            "--generate-config",
            "--report-stats=no",
        ];
        if !run("synapse_homeserver", &generate).status().is_ok_and(|s| s.success()) {
            return missing("matrix", "Synapse makes no configuration");
        }
        let limit = "{per_second: 1000, burst_count: 1000}";
        let extra = format!(
            "listeners:\n  - {{port: {port}, tls: false, type: http, bind_addresses: ['127.0.0.1'], resources: [{{names: [client]}}]}}\n\
             registration_shared_secret: essai\ntrusted_key_servers: []\nrc_message: {limit}\nrc_registration: {limit}\n\
             rc_login: {{address: {limit}, account: {limit}, failed_attempts: {limit}}}\n\
             rc_room_creation: {limit}\nrc_joins: {{local: {limit}}}\n\
             rc_invites: {{per_room: {limit}, per_user: {limit}, per_issuer: {limit}}}\n"
        );
        std::fs::write(dir.path().join("extra.yaml"), extra).ok()?;
        let started = run("synapse_homeserver", &["-c", "homeserver.yaml", "-c", "extra.yaml"]).spawn();
        let Ok(child) = started else { return missing("matrix", "Synapse does not start") };
        let process = Process::new(child);
        let deadline = Instant::now() + PATIENCE;
        while std::net::TcpStream::connect(("127.0.0.1", port)).is_err() {
            if Instant::now() > deadline {
                return missing("matrix", "Synapse does not listen");
            }
            std::thread::yield_now();
        }
        let url = format!("http://127.0.0.1:{port}");
        for user in users {
            let account = ["-u", user, "-p", Self::PASSWORD, "--no-admin", "-k", "essai", &url];
            if !run("register_new_matrix_user", &account).status().is_ok_and(|s| s.success()) {
                return missing("matrix", "Synapse makes no account");
            }
        }
        Some(Self { _process: process, dir, url })
    }
}

impl Synapse {
    /// All that the server keeps of its events.
    #[must_use]
    pub fn kept(&self) -> Vec<u8> {
        let files = ["homeserver.db", "homeserver.db-wal"].map(|f| self.dir.path().join(f));
        files.iter().flat_map(|f| std::fs::read(f).unwrap_or_default()).collect()
    }
}

/// The one who makes rooms and reads what arrives there.
#[derive(Debug)]
struct Reader {
    http: Client,
    url: String,
    token: String,
}

impl Reader {
    async fn sign_in(server: &Synapse, user: &str) -> Outcome<Self> {
        let mut reader = Self { http: Client::new(), url: server.url.clone(), token: String::new() };
        let who = json!({ "type": "m.login.password", "password": Synapse::PASSWORD,
            "identifier": { "type": "m.id.user", "user": user } });
        let answer = reader.ask(Method::POST, "login", &who).await?;
        answer["access_token"].as_str().unwrap_or_default().clone_into(&mut reader.token);
        Ok(reader)
    }

    async fn ask(&self, method: Method, path: &str, body: &Value) -> Outcome<Value> {
        let request = self.http.request(method, format!("{}/_matrix/client/v3/{path}", self.url));
        let answer = request.bearer_auth(&self.token).json(body).send().await?;
        Ok(answer.error_for_status()?.json().await?)
    }

    /// Makes a room and invites the one who is to write there; gives its identifier.
    async fn room(&self, invited: &str, encrypted: bool) -> Outcome<String> {
        let mut room = json!({ "invite": [invited], "preset": "private_chat" });
        if encrypted {
            room["initial_state"] = json!([{ "type": "m.room.encryption", "state_key": "",
                "content": { "algorithm": "m.megolm.v1.aes-sha2" } }]);
        }
        let made = self.ask(Method::POST, "createRoom", &room).await?;
        Ok(made["room_id"].as_str().ok_or("no room")?.to_owned())
    }

    /// Who is in a room.
    async fn members(&self, room: &str) -> Outcome<Vec<String>> {
        let joined = self.ask(Method::GET, &format!("rooms/{room}/joined_members"), &Value::Null).await?;
        Ok(joined["joined"].as_object().map(|m| m.keys().cloned().collect()).unwrap_or_default())
    }

    /// Events of a room that carry messages, encrypted or not: their content, oldest first.
    async fn messages(&self, room: &str) -> Outcome<Vec<Value>> {
        let mut out = Vec::new();
        let mut from = String::new();
        loop {
            let path = format!("rooms/{room}/messages?dir=f&limit={MAX_EVENTS}{from}");
            let page = self.ask(Method::GET, &path, &Value::Null).await?;
            let events = page["chunk"].as_array().cloned().unwrap_or_default();
            let carries = |e: &&Value| matches!(e["type"].as_str(), Some("m.room.message" | "m.room.encrypted"));
            out.extend(events.iter().filter(carries).map(|e| e["content"].clone()));
            let Some(next) = page["end"].as_str().filter(|_| !events.is_empty()) else { return Ok(out) };
            from = format!("&from={next}");
        }
    }
}

/// Rooms that a bot is invited to, one a person, and the bot's account.
#[derive(Debug)]
pub struct Rooms {
    pub ids: Vec<String>,
    reader: Reader,
    dir: tempfile::TempDir,
}

impl Rooms {
    /// Accounts that the server must have: the bot's, and that of the one who reads.
    pub const USERS: [&'static str; 2] = ["vigie", "claire"];
    const BOT: &'static str = "@vigie:localhost";

    /// Makes so many rooms, with the bot invited.
    ///
    /// # Errors
    /// The server refuses.
    pub async fn open(server: &Synapse, count: usize, encrypted: bool) -> Outcome<Self> {
        let reader = Reader::sign_in(server, Self::USERS[1]).await?;
        let mut ids = Vec::new();
        for _ in 0..count {
            ids.push(reader.room(Self::BOT, encrypted).await?);
        }
        let dir = tempfile::tempdir()?;
        std::fs::write(dir.path().join("password"), Synapse::PASSWORD)?;
        std::fs::write(dir.path().join("key"), "0123456789abcdef0123456789abcdef")?;
        Ok(Self { ids, reader, dir })
    }

    /// The bot's account, as a settings file has it.
    #[must_use]
    pub fn account(&self, homeserver: &str, clear_rooms: bool) -> String {
        let path = |name: &str| self.dir.path().join(name).display().to_string();
        format!(
            "homeserver = '{homeserver}'\nuser = '{}'\npassword = {{ file = '{}' }}\nstore = '{}'\n\
             store_key = {{ file = '{}' }}\nallowed_servers = ['localhost']\nclear_rooms = {clear_rooms}\n",
            Self::BOT,
            path("password"),
            path("store"),
            path("key")
        )
    }

    /// Whether the bot has taken every invite.
    ///
    /// # Errors
    /// The server refuses.
    pub async fn all_taken(&self) -> Outcome<bool> {
        for room in &self.ids {
            if self.reader.members(room).await?.len() < 2 {
                return Ok(false);
            }
        }
        Ok(true)
    }

    /// Contents of the messages of a room, encrypted or not, oldest first.
    ///
    /// # Errors
    /// The server refuses.
    pub async fn messages(&self, room: &str) -> Outcome<Vec<Value>> {
        self.reader.messages(room).await
    }
}

/// What the gate does with a message that is sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Passage {
    Through,
    /// Answers in the server's place: status, `Retry-After` if any, body.
    Refused(u16, Option<&'static str>, &'static str),
    /// Lets it through, and answers something else.
    Taken(u16, &'static str),
}

type Script = dyn Fn() -> Passage + Send + Sync;

struct Passing {
    server: String,
    http: Client,
    script: Box<Script>,
    seen: Mutex<Seen>,
}

#[derive(Default)]
struct Seen {
    armed: bool,
    /// Messages that came since the gate was armed.
    came: usize,
    /// Those that the server took, by room and transaction.
    taken: BTreeSet<(String, String)>,
}

/// A gate before a homeserver: it lets all pass until it is armed.
#[derive(Clone)]
pub struct Gate {
    pub url: String,
    passing: Arc<Passing>,
}

impl Gate {
    /// Opens a gate that, once armed, treats each message as `script` says.
    ///
    /// # Errors
    /// No port is free.
    pub async fn before(server: &Synapse, script: impl Fn() -> Passage + Send + Sync + 'static) -> Outcome<Self> {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await?;
        let url = format!("http://{}", listener.local_addr()?);
        let passing = Arc::new(Passing {
            server: server.url.clone(),
            http: Client::new(),
            script: Box::new(script),
            seen: Mutex::default(),
        });
        let router = Router::new().fallback(pass).with_state(Arc::clone(&passing));
        tokio::spawn(async move { axum::serve(listener, router).await });
        Ok(Self { url, passing })
    }

    /// From now on messages are treated by the script, and counted.
    pub fn arm(&self) {
        *self.passing.seen() = Seen { armed: true, ..Seen::default() };
    }

    /// Messages that came since it was armed, refused ones included.
    #[must_use]
    pub fn count(&self) -> usize {
        self.passing.seen().came
    }

    /// Messages for a room that the server took since the gate was armed; one sent twice under its transaction id counts once.
    #[must_use]
    pub fn passed(&self, room: &str) -> usize {
        self.passing.seen().taken.iter().filter(|(r, _)| r == room).count()
    }
}

impl Passing {
    fn seen(&self) -> std::sync::MutexGuard<'_, Seen> {
        self.seen.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What happens to a request.
    fn passage(&self, request: &Request) -> Passage {
        let mut seen = self.seen();
        let Some(message) = message_of(request).filter(|_| seen.armed) else { return Passage::Through };
        seen.came += 1;
        let passage = (self.script)();
        if !matches!(passage, Passage::Refused(..)) {
            seen.taken.insert(message);
        }
        passage
    }
}

/// Room and transaction of a request that sends a message.
fn message_of(request: &Request) -> Option<(String, String)> {
    let path = request.uri().path();
    let (before, after) = path.split_once("/send/m.room.").filter(|_| request.method() == Method::PUT)?;
    let (kind, transaction) = after.split_once('/')?;
    let room = before.rsplit('/').next()?.replace("%21", "!").replace("%3A", ":");
    matches!(kind, "message" | "encrypted").then(|| (room, transaction.to_owned()))
}

async fn pass(State(gate): State<Arc<Passing>>, request: Request) -> Response {
    let passage = gate.passage(&request);
    let in_json = [(header::CONTENT_TYPE, "application/json")];
    match passage {
        Passage::Refused(status, wait, body) => {
            let mut response = (code(status), in_json, body).into_response();
            if let Some(wait) = wait.and_then(|w| w.parse().ok()) {
                response.headers_mut().insert(header::RETRY_AFTER, wait);
            }
            response
        }
        Passage::Taken(status, body) => match forward(&gate, request).await {
            Ok(_) => (code(status), body).into_response(),
            Err(e) => lost(e.as_ref()),
        },
        Passage::Through => forward(&gate, request).await.unwrap_or_else(|e| lost(e.as_ref())),
    }
}

fn code(status: u16) -> StatusCode {
    StatusCode::from_u16(status).unwrap_or(StatusCode::BAD_GATEWAY)
}

fn lost(why: &(dyn std::error::Error + Send + Sync)) -> Response {
    (StatusCode::BAD_GATEWAY, why.to_string()).into_response()
}

async fn forward(gate: &Passing, request: Request) -> Outcome<Response> {
    let (parts, body) = request.into_parts();
    let asked = parts.uri.path_and_query().map_or("/", |p| p.as_str());
    let body: Bytes = axum::body::to_bytes(body, MAX_BODY).await?;
    let mut onward = gate.http.request(parts.method, format!("{}{asked}", gate.server)).body(body);
    for name in [header::AUTHORIZATION, header::CONTENT_TYPE] {
        if let Some(value) = parts.headers.get(&name) {
            onward = onward.header(name, value);
        }
    }
    let answer = onward.send().await?;
    let mut response = Response::builder().status(answer.status());
    if let Some(kind) = answer.headers().get(header::CONTENT_TYPE) {
        response = response.header(header::CONTENT_TYPE, kind);
    }
    Ok(response.body(Body::from(answer.bytes().await?))?)
}

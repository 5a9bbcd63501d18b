//! The homeserver's cases: a real one, with a gate before it that misbehaves.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use vigie_bot::roles::matrix_listener;
use vigie_bot::setup::App;
use vigie_config::settings::Settings;
use vigie_delivery::channels::matrix;
use vigie_tests::homeserver::{self, Gate, Passage, Synapse};
use vigie_tests::service::{self, Outcome};

use super::{Case, PEOPLE, Server, TITLE};

/// A port where no mail server is.
const NO_MAIL: u16 = 9;
/// Most rounds until the invites are taken.
const MAX_ROUNDS: usize = 10;

/// A way to misbehave.
pub struct Fault {
    server: Arc<Synapse>,
    /// The first messages are treated so; the others pass.
    first: (usize, Passage),
    encrypted: bool,
}

/// Every case; none where there is no homeserver.
pub fn cases() -> Vec<Case> {
    let Some(server) = Synapse::start(&homeserver::Rooms::USERS).map(Arc::new) else { return Vec::new() };
    let slow = r#"{"errcode":"M_LIMIT_EXCEEDED","error":"Too Many Requests"}"#;
    let slow_for = r#"{"errcode":"M_LIMIT_EXCEEDED","error":"Too Many Requests","retry_after_ms":60000}"#;
    let unknown = r#"{"errcode":"M_UNKNOWN_TOKEN","error":"Invalid access token passed.","soft_logout":false}"#;
    let case = |name, first, encrypted| Case {
        name,
        server: Server::Rooms(Fault { server: Arc::clone(&server), first, encrypted }),
        refused: 0,
        // The transaction id is the same every time: the server takes a message once.
        copies: 1,
    };
    vec![
        case("matrix-429-header", (2, Passage::Refused(429, Some("60"), slow)), false),
        case("matrix-429-body", (2, Passage::Refused(429, None, slow_for)), false),
        case("matrix-429-neither", (2, Passage::Refused(429, None, slow)), false),
        case("matrix-502-after-accept", (3, Passage::Taken(502, "<html>Bad Gateway</html>")), false),
        case("matrix-unknown-token", (1, Passage::Refused(401, None, unknown)), false),
        case("matrix-encrypted-room", (1, Passage::Taken(504, "")), true),
    ]
}

/// Rooms of a case, one a person.
pub struct Rooms {
    /// Where the people read.
    pub rooms: homeserver::Rooms,
    fault: Fault,
    gate: Gate,
}

impl Rooms {
    /// Makes the rooms and invites the bot.
    pub async fn open(fault: Fault) -> Outcome<Self> {
        let (most, passage) = fault.first.clone();
        let seen = AtomicUsize::new(0);
        let gate = Gate::before(&fault.server, move || {
            if seen.fetch_add(1, Ordering::SeqCst) < most { passage.clone() } else { Passage::Through }
        })
        .await?;
        let rooms = homeserver::Rooms::open(&fault.server, PEOPLE, fault.encrypted).await?;
        Ok(Self { rooms, fault, gate })
    }

    /// Settings of a service that writes there and nowhere else.
    pub fn settings(&self, url: &str) -> Outcome<Settings> {
        let matrix = toml::from_str(&self.rooms.account(&self.gate.url, !self.fault.encrypted))?;
        Ok(Settings { email: None, matrix: Some(matrix), ..service::settings(url, NO_MAIL, 2)? })
    }

    /// Takes the invites; from then on the gate misbehaves.
    pub async fn let_in(&self, app: &App) -> Outcome<()> {
        matrix::opened(&app.delivery).await;
        let listener = matrix_listener::Listener::new(std::sync::Arc::clone(&app.delivery));
        for _ in 0..MAX_ROUNDS {
            if self.rooms.all_taken().await? {
                listener.stop().await;
                app.service.store.close().await;
                self.gate.arm();
                return Ok(());
            }
            matrix_listener::listen(&listener).await.map_err(|f| f.to_string())?;
        }
        Err("the invites are not taken".into())
    }

    /// Messages that came to the server so far.
    pub fn count(&self) -> usize {
        self.gate.count()
    }

    /// Messages that stand in each room. What is said in an encrypted one cannot be read: what came through the gate counts.
    pub async fn arrived(&self) -> Outcome<BTreeMap<String, usize>> {
        let mut arrived = BTreeMap::new();
        for room in &self.rooms.ids {
            let messages = self.rooms.messages(room).await?;
            let ours = if self.fault.encrypted {
                if messages.iter().any(|m| m.get("body").is_some()) {
                    return Err("a message stands in clear in an encrypted room".into());
                }
                self.gate.passed(room)
            } else {
                messages.iter().filter(|m| m["body"].as_str().is_some_and(|b| b.contains(TITLE))).count()
            };
            if ours > 0 {
                arrived.insert(room.clone(), ours);
            }
        }
        Ok(arrived)
    }
}

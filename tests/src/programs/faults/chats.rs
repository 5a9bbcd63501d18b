//! Telegram chats that misbehave: the double of the Bot API, told how.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicUsize, Ordering};

use chrono::{DateTime, Utc};
use vigie_config::secret::Secret;
use vigie_config::settings::{Settings, Telegram};
use vigie_tests::service::{self, Outcome};
use vigie_tests::telegram::{Double, Reaction, TOKEN};

use super::{Case, PEOPLE, Server};

/// What the double does with a call of that method, to that chat.
type Script = dyn Fn(&str, Option<i64>) -> Reaction + Send + Sync;

/// A way to misbehave.
pub(crate) struct Fault {
    script: Box<Script>,
    around: Around,
    /// Calls during a wait that show whose wait it is.
    knocks: usize,
}

/// What happened in the chats beforehand.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Around {
    Nothing,
    /// One of them blocked the bot.
    Blocked,
    /// All of them became supergroups.
    Moved,
}

pub(crate) fn cases() -> Vec<Case> {
    let first = |n: usize, reaction: Reaction| {
        let seen = AtomicUsize::new(0);
        let script = move |method: &str, _: Option<i64>| {
            let sends = method == "sendmessage";
            if sends && seen.fetch_add(1, Ordering::SeqCst) < n { reaction.clone() } else { Reaction::Accept }
        };
        Fault { script: Box::new(script), around: Around::Nothing, knocks: 0 }
    };
    let calm = |around| Fault { around, ..first(0, Reaction::Accept) };
    let case = |name, fault| Case { name, server: Server::Chats(fault), refused: 0, copies: 1 };
    vec![
        // Two in a row would be taken for a limit of the whole bot, as they are meant to be.
        case("telegram-429-1s", first(1, Reaction::Wait(1))),
        case("telegram-429-60s", first(1, Reaction::Wait(60))),
        case("telegram-429-43837s", first(1, Reaction::Wait(43_837))),
        case("telegram-429-whole-bot", Fault { knocks: 1, ..first(1, Reaction::WaitAll(60)) }),
        // Its words alone are no longer to be parsed: those arrive.
        case("telegram-parse-error", first(1, Reaction::Refuse(400, "Bad Request: can't parse entities: x"))),
        case("telegram-migrated", calm(Around::Moved)),
        Case { refused: 1, ..case("telegram-403-one-of-n", calm(Around::Blocked)) },
        Case { copies: 2, ..case("telegram-cut-after-accept", first(2, Reaction::Cut)) },
        case("telegram-502", first(1, Reaction::Refuse(502, "Bad Gateway"))),
    ]
}

/// The double with its people, and where the token stands.
pub(crate) struct Chats {
    double: Double,
    dir: tempfile::TempDir,
    ids: Vec<i64>,
    knocks: usize,
}

impl Chats {
    pub(crate) async fn open(fault: Fault) -> Outcome<Self> {
        let double = Double::start().await?;
        let dir = tempfile::tempdir()?;
        std::fs::write(dir.path().join("token"), TOKEN)?;
        let sign = if fault.around == Around::Moved { -1 } else { 1 };
        let ids: Vec<i64> = (1..=PEOPLE).map(|n| sign * (700 + n as i64)).collect();
        for (n, id) in ids.iter().enumerate() {
            if fault.around == Around::Moved {
                double.group(*id, "Équipe", &[(1, "Ana")]);
                double.migrate(*id, false);
            } else {
                double.person(*id, "Ana");
            }
            if fault.around == Around::Blocked && n == 2 {
                double.block_silently(*id);
            }
        }
        double.script(fault.script);
        Ok(Self { double, dir, ids, knocks: fault.knocks })
    }

    pub(crate) fn settings(&self, url: &str) -> Outcome<Settings> {
        let block = format!("token = {{ file = 'x' }}\napi_url = '{}'", self.double.url);
        let block = Telegram { token: Secret::File(self.dir.path().join("token")), ..toml::from_str(&block)? };
        Ok(Settings { email: None, telegram: Some(block), ..service::settings(url, 0, 2)? })
    }

    pub(crate) fn people(&self) -> Vec<String> {
        self.ids.iter().map(i64::to_string).collect()
    }

    pub(crate) fn set_now(&self, now: DateTime<Utc>) {
        self.double.set_now(now);
    }

    pub(crate) fn count(&self) -> usize {
        self.double.calls().iter().filter(|c| c.method == "sendmessage").count()
    }

    /// Calls sooner than Telegram asked for, beyond those that show whose wait it is.
    pub(crate) fn early(&self) -> usize {
        self.double.early().saturating_sub(self.knocks)
    }

    /// Messages that arrived, by the address that people gave.
    pub(crate) fn arrived(&self) -> BTreeMap<String, usize> {
        let mut arrived = BTreeMap::new();
        for message in self.double.all() {
            let chat = if message.chat < -1_000_000_000_000 { message.chat + 1_000_000_000_000 } else { message.chat };
            *arrived.entry(chat.to_string()).or_default() += 1;
        }
        arrived
    }
}

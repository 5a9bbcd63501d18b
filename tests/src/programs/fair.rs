//! `fair`: whether one busy chat delays the others.
//!
//! `cargo run --release -p vigie-tests -- fair [--queued 1000 --chats 20 --rounds 6 --pause 10]` queues messages for one
//! Telegram chat, then brings one more to each of the other chats every few seconds, and measures in real time how long it
//! takes from its commit to the double of the Bot API. Prints one JSON object, and ends with exit code 1 if something is lost
//! or if the others' p99 exceeds [`BAR`].

use std::io::Write;
use std::sync::Arc;
use std::time::{Duration, Instant};

use serde_json::json;
use tokio::sync::watch;
use tokio::task::JoinSet;
use vigie_config::secret::Secret;
use vigie_config::settings::{Settings, Telegram};
use vigie_delivery::worker;
use vigie_domain::{Channel, Department, Filter, Notice, NoticeKind};
use vigie_service::Clock;
use vigie_service::ingest;
use vigie_tests::servers::{Database, Engine};
use vigie_tests::service::{self, Outcome};
use vigie_tests::telegram::{Double, TOKEN};

#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// Messages queued for the busy chat
    #[arg(long, default_value_t = 1000)]
    queued: usize,
    /// Other chats
    #[arg(long, default_value_t = 20)]
    chats: usize,
    /// Messages brought to each of them
    #[arg(long, default_value_t = 6)]
    rounds: usize,
    /// Seconds between two of them
    #[arg(long, default_value_t = 10)]
    pause: u64,
    /// Database
    #[arg(long, value_enum, default_value_t = Engine::Sqlite)]
    engine: Engine,
}

/// Longest p99 of the others.
const BAR: Duration = Duration::from_secs(2);
/// The busy chat; the others follow.
const BUSY: i64 = 700;
/// Longest wait for the last message of the others.
const PATIENCE: Duration = Duration::from_secs(60);
/// Between two looks at what arrived.
const REST: Duration = Duration::from_millis(200);

pub(crate) async fn run(args: &Args) -> Outcome<bool> {
    let (database, double, dir) = (Database::start(args.engine)?, Double::start().await?, tempfile::tempdir()?);
    std::fs::write(dir.path().join("token"), TOKEN)?;
    let block = format!("token = {{ file = 'x' }}\napi_url = '{}'", double.url);
    let block = Telegram { token: Secret::File(dir.path().join("token")), ..toml::from_str(&block)? };
    let settings = Settings { email: None, telegram: Some(block), ..service::settings(&database.url, 0, 2)? };
    let app = Arc::new(service::start_as(settings, Clock::default()).await?);
    let others: Vec<i64> = (1..=args.chats).map(|n| BUSY + n as i64).collect();
    for (chat, department) in std::iter::once((BUSY, "59")).chain(others.iter().map(|chat| (*chat, "62"))) {
        double.person(chat, "Ana");
        let filter = Filter { departments: Department::parse(department).into_iter().collect(), ..Filter::default() };
        service::subscribe_on(&app, &chat.to_string(), Channel::Telegram, &chat.to_string(), &filter).await?;
    }
    for n in 0..args.queued {
        ingest::ingest(&app.service, &notice(&format!("busy-{n}"), "59"), None).await?;
    }
    let (stop, stopping) = watch::channel(false);
    let mut workers = JoinSet::new();
    for _ in 0..app.delivery.workers() {
        let (app, stopping) = (Arc::clone(&app), stopping.clone());
        workers.spawn(async move { worker::work(&app.delivery, stopping).await });
    }
    let mut committed = Vec::new();
    for n in 0..args.rounds {
        tokio::time::sleep(Duration::from_secs(args.pause)).await;
        ingest::ingest(&app.service, &notice(&format!("calm-{n}"), "62"), None).await?;
        committed.push(Instant::now());
        app.service.deliveries_queued.notify_one();
    }
    let deadline = Instant::now() + PATIENCE;
    while arrivals(&double, &others).iter().any(|a| a.len() < args.rounds) && Instant::now() < deadline {
        tokio::time::sleep(REST).await;
    }
    let _ = stop.send(true);
    workers.join_all().await;
    let mut delays = Vec::new();
    for arrived in arrivals(&double, &others) {
        delays.extend(arrived.iter().zip(&committed).map(|(at, since)| at.saturating_duration_since(*since)));
    }
    delays.sort();
    let lost = args.chats * args.rounds - delays.len().min(args.chats * args.rounds);
    let at = |part: f64| delays.get(((delays.len() as f64 * part).ceil() as usize).saturating_sub(1)).copied();
    let (p50, p99) = (at(0.5).unwrap_or(PATIENCE), at(0.99).unwrap_or(PATIENCE));
    let busy = arrivals(&double, &[BUSY]).first().map_or(0, Vec::len);
    let report = json!({ "queued": args.queued, "sent_of_them": busy, "others": delays.len(), "lost": lost,
        "p50_ms": p50.as_millis() as u64, "p99_ms": p99.as_millis() as u64, "bar_ms": BAR.as_millis() as u64 });
    app.service.store.close().await;
    writeln!(std::io::stdout(), "{report}")?;
    Ok(lost == 0 && p99 <= BAR)
}

/// When messages arrived in each chat.
fn arrivals(double: &Double, chats: &[i64]) -> Vec<Vec<Instant>> {
    let calls = double.calls();
    let sent = |chat: &i64| {
        let to = calls.iter().filter(|c| c.method == "sendmessage" && c.code == 200 && c.chat == Some(*chat));
        to.map(|c| c.at).collect()
    };
    chats.iter().map(sent).collect()
}

fn notice(id: &str, department: &str) -> Notice {
    let mut notice = Notice::new("fair", id, NoticeKind::Call);
    notice.title = format!("Nettoyage des locaux {id}");
    notice.departments = Department::parse(department).into_iter().collect();
    notice
}

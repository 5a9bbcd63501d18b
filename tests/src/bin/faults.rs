//! `faults`: mail servers that misbehave, one case after another, with restarts in between.
//!
//! `cargo run --release -p vigie-tests --bin faults [-- --quick]` prints one line a case, `case=… lost=… early=… ok|FAIL`, and
//! ends with exit code 1 if one failed. The clock is simulated: a retry is looked for one second before it is due (nothing may
//! leave) and when it is due (it must). Every look is made by a service started anew on the same database.

use std::collections::BTreeMap;
use std::io::Write;
use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use clap::Parser;
use vigie_bot::app::App;
use vigie_bot::clock::Clock;
use vigie_bot::deliver;
use vigie_bot::ingest::{self, Audience};
use vigie_domain::{DeliveryState, Filter, Notice, NoticeKind};
use vigie_tests::servers::{Database, Engine};
use vigie_tests::service::{self, Outcome};
use vigie_tests::sink::{Moment, Reaction, Sink};

/// Runs every case.
#[derive(Debug, Parser)]
struct Args {
    /// Shortens the answer that comes after 70 seconds to 2 seconds
    #[arg(long)]
    quick: bool,
}

/// People told of the one notice of each case.
const PEOPLE: usize = 5;
/// The one whose address is refused for good, where a case does so.
const REFUSED: &str = "p3@x.example";
/// Most looks at the queue.
const MAX_LOOKS: usize = 40;

/// A mail server that misbehaves in one way.
struct Case {
    name: &'static str,
    script: Box<dyn Fn(&Moment) -> Reaction + Send + Sync>,
    /// People who can never be reached.
    refused: usize,
    /// Copies of one message that may arrive: the server took it and its answer was lost.
    copies: usize,
}

fn cases(late: Duration) -> Vec<Case> {
    let first = |n: usize, reaction: Reaction, of: fn(&Moment) -> bool| {
        let seen = AtomicUsize::new(0);
        Box::new(
            move |m: &Moment| {
                if of(m) && seen.fetch_add(1, Ordering::SeqCst) < n { reaction.clone() } else { Reaction::Accept }
            },
        )
    };
    let banner: fn(&Moment) -> bool = |m| matches!(m, Moment::Banner);
    let recipient: fn(&Moment) -> bool = |m| matches!(m, Moment::Recipient(_));
    let dot: fn(&Moment) -> bool = |m| matches!(m, Moment::Dot(_));
    vec![
        Case {
            name: "smtp-421-banner",
            script: first(3, Reaction::Refuse("421 4.3.2 try later"), banner),
            refused: 0,
            copies: 1,
        },
        Case {
            name: "smtp-451-rcpt",
            script: first(7, Reaction::Refuse("451 4.7.1 greylisted"), recipient),
            refused: 0,
            copies: 1,
        },
        Case {
            name: "smtp-550-one-of-n",
            script: Box::new(|m| match m {
                Moment::Recipient(to) if to == REFUSED => Reaction::Refuse("550 5.1.1 no such mailbox"),
                _ => Reaction::Accept,
            }),
            refused: 1,
            copies: 1,
        },
        Case {
            name: "smtp-452-after-dot",
            script: first(4, Reaction::Refuse("452 4.2.2 mailbox full"), dot),
            refused: 0,
            copies: 1,
        },
        Case { name: "smtp-cut-after-dot", script: first(2, Reaction::Cut, dot), refused: 0, copies: 2 },
        Case { name: "smtp-cut-before-data", script: first(2, Reaction::Cut, recipient), refused: 0, copies: 1 },
        Case { name: "smtp-answer-late", script: first(1, Reaction::Late(late), dot), refused: 0, copies: 1 },
    ]
}

#[tokio::main]
async fn main() -> ExitCode {
    let late = if Args::parse().quick { Duration::from_secs(2) } else { Duration::from_secs(70) };
    let mut good = true;
    for case in cases(late) {
        let name = case.name;
        let line = match play(case).await {
            Ok(found) => {
                good &= found.ok;
                format!(
                    "case={name} lost={} early={} {}",
                    found.lost,
                    found.early,
                    if found.ok { "ok" } else { "FAIL" }
                )
            }
            Err(e) => {
                good = false;
                format!("case={name} FAIL {e}")
            }
        };
        let _ = writeln!(std::io::stdout(), "{line}");
    }
    if good { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

struct Found {
    lost: usize,
    early: usize,
    ok: bool,
}

async fn play(case: Case) -> Outcome<Found> {
    let database = Database::start(Engine::Sqlite)?;
    let url = database.url.as_str();
    let sink = Sink::start("", case.script).await?;
    let mut now: DateTime<Utc> = DateTime::parse_from_rfc3339("2026-11-24T08:00:00Z")?.with_timezone(&Utc);
    prepare(&start(url, sink.port, now).await?).await?;
    let mut early = 0;
    for _ in 0..MAX_LOOKS {
        look(url, sink.port, now).await?;
        let app = start(url, sink.port, now).await?;
        let Some(due) = app.store.next_delivery_at().await? else { break };
        app.store.close().await;
        let arrived = sink.count();
        look(url, sink.port, due - TimeDelta::seconds(1)).await?;
        early += sink.count() - arrived;
        now = due;
    }
    let app = start(url, sink.port, now).await?;
    let count = |state| {
        let app = &app;
        async move { app.store.deliveries(Some(state), 1000).await.map(|d| d.len()) }
    };
    let (sent, dead) = (count(DeliveryState::Sent).await?, count(DeliveryState::Dead).await?);
    let mut arrived: BTreeMap<String, usize> = BTreeMap::new();
    for mail in sink.received() {
        *arrived.entry(mail.to).or_default() += 1;
    }
    let lost = PEOPLE - case.refused - arrived.len().min(PEOPLE - case.refused);
    let copies = arrived.values().copied().max().unwrap_or(0);
    // A refused address is told to the operator, of whom there is none here: the dead letter is its record.
    let ok = lost == 0 && early == 0 && sent == PEOPLE - case.refused && dead == case.refused && copies <= case.copies;
    Ok(Found { lost, early, ok })
}

/// A service started anew empties what is due at that moment.
async fn look(url: &str, port: u16, now: DateTime<Utc>) -> Outcome<()> {
    let app = Arc::new(start(url, port, now).await?);
    deliver::drain(&app).await.map_err(|f| f.to_string())?;
    app.store.close().await;
    Ok(())
}

async fn start(url: &str, port: u16, now: DateTime<Utc>) -> Outcome<App> {
    service::start(url, port, 2, Clock::fixed(now)).await
}

async fn prepare(app: &App) -> Outcome<()> {
    for n in 1..=PEOPLE {
        let id = format!("p{n}");
        service::subscribe(app, &id, &format!("{id}@x.example"), &Filter::default()).await?;
    }
    let mut notice = Notice::new("faults", "26-1", NoticeKind::Call);
    notice.title = "Nettoyage des écoles".into();
    ingest::ingest(app, &mut Audience::default(), &notice, None).await?;
    app.store.close().await;
    Ok(())
}

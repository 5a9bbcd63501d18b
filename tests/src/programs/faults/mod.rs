//! `faults`: mail servers, homeservers and a Bot API that misbehave, one case after another, with restarts in between.
//!
//! `cargo run --release -p vigie-tests -- faults [--quick]` prints one line a case, `case=… lost=… early=… ok|FAIL`, and
//! ends with exit code 1 if one failed. The clock is simulated: a retry is looked for one second before it is due (nothing may
//! leave) and when it is due (it must). Every look is made by a service started anew on the same database. The homeserver is
//! a real one behind a gate that misbehaves; where it is not installed its cases are skipped, in words.

#[cfg(feature = "telegram")]
mod chats;
#[cfg(feature = "matrix")]
mod rooms;

use std::collections::BTreeMap;
use std::io::Write;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use vigie_bot::setup::App;
use vigie_config::settings::Settings;
use vigie_delivery::worker;
use vigie_domain::{Channel, DeliveryState, Filter, Notice, NoticeKind};
use vigie_service::Clock;
use vigie_service::ingest;
use vigie_tests::servers::{Database, Engine};
use vigie_tests::service::{self, Outcome};
use vigie_tests::sink::{Moment, Reaction, Sink};

#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// Shortens the answer that comes after 70 seconds to 2 seconds
    #[arg(long)]
    quick: bool,
}

/// People told of the one notice of each case.
const PEOPLE: usize = 5;
/// The one whose address is refused for good, where a case does so.
const REFUSED: &str = "p3@x.example";
/// What the notice is about.
const TITLE: &str = "Nettoyage des écoles";
/// Most looks at the queue.
const MAX_LOOKS: usize = 40;

/// A server that misbehaves in one way.
struct Case {
    name: &'static str,
    server: Server,
    /// People who can never be reached.
    refused: usize,
    /// Copies of one message that may arrive: the server took it and its answer was lost.
    copies: usize,
}

/// What misbehaves, and how.
enum Server {
    Mail(Box<dyn Fn(&Moment) -> Reaction + Send + Sync>),
    #[cfg(feature = "matrix")]
    Rooms(rooms::Fault),
    #[cfg(feature = "telegram")]
    Chats(chats::Fault),
}

/// Where the messages of a case arrive.
enum Receiver {
    Mail(Sink),
    #[cfg(feature = "matrix")]
    Rooms(rooms::Rooms),
    #[cfg(feature = "telegram")]
    Chats(chats::Chats),
}

impl Receiver {
    fn settings(&self, url: &str) -> Outcome<Settings> {
        match self {
            Self::Mail(sink) => service::settings(url, sink.port, 2),
            #[cfg(feature = "matrix")]
            Self::Rooms(rooms) => rooms.settings(url),
            #[cfg(feature = "telegram")]
            Self::Chats(chats) => chats.settings(url),
        }
    }

    /// Channel and addresses of the people.
    fn people(&self) -> (Channel, Vec<String>) {
        match self {
            Self::Mail(_) => (Channel::Email, (1..=PEOPLE).map(|n| format!("p{n}@x.example")).collect()),
            #[cfg(feature = "matrix")]
            Self::Rooms(rooms) => (Channel::Matrix, rooms.rooms.ids.clone()),
            #[cfg(feature = "telegram")]
            Self::Chats(chats) => (Channel::Telegram, chats.people()),
        }
    }

    /// Messages that left so far, refused ones included where the server counts them.
    fn count(&self) -> usize {
        match self {
            Self::Mail(sink) => sink.count(),
            #[cfg(feature = "matrix")]
            Self::Rooms(rooms) => rooms.count(),
            #[cfg(feature = "telegram")]
            Self::Chats(chats) => chats.count(),
        }
    }

    /// Messages that arrived, by address.
    async fn arrived(&self) -> Outcome<BTreeMap<String, usize>> {
        let mut arrived = BTreeMap::new();
        match self {
            Self::Mail(sink) => sink.received().into_iter().for_each(|m| *arrived.entry(m.to).or_default() += 1),
            #[cfg(feature = "matrix")]
            Self::Rooms(rooms) => arrived = rooms.arrived().await?,
            #[cfg(feature = "telegram")]
            Self::Chats(chats) => arrived = chats.arrived(),
        }
        Ok(arrived)
    }

    /// Says what time it is to a server that measures waits.
    fn set_now(&self, now: DateTime<Utc>) {
        #[cfg(feature = "telegram")]
        if let Self::Chats(chats) = self {
            chats.set_now(now);
        }
        let _ = now;
    }

    /// What the server itself saw come too soon.
    fn early(&self) -> usize {
        #[cfg(feature = "telegram")]
        if let Self::Chats(chats) = self {
            return chats.early();
        }
        0
    }
}

fn mail_cases(late: Duration) -> Vec<Case> {
    let first = |n: usize, reaction: Reaction, of: fn(&Moment) -> bool| {
        let seen = AtomicUsize::new(0);
        Server::Mail(Box::new(move |m: &Moment| {
            if of(m) && seen.fetch_add(1, Ordering::SeqCst) < n { reaction.clone() } else { Reaction::Accept }
        }))
    };
    let banner: fn(&Moment) -> bool = |m| matches!(m, Moment::Banner);
    let recipient: fn(&Moment) -> bool = |m| matches!(m, Moment::Recipient(_));
    let dot: fn(&Moment) -> bool = |m| matches!(m, Moment::Dot(_));
    let refused_one = Server::Mail(Box::new(|m| match m {
        Moment::Recipient(to) if to == REFUSED => Reaction::Refuse("550 5.1.1 no such mailbox"),
        _ => Reaction::Accept,
    }));
    let case = |name, server| Case { name, server, refused: 0, copies: 1 };
    vec![
        case("smtp-421-banner", first(3, Reaction::Refuse("421 4.3.2 try later"), banner)),
        case("smtp-451-rcpt", first(7, Reaction::Refuse("451 4.7.1 greylisted"), recipient)),
        Case { refused: 1, ..case("smtp-550-one-of-n", refused_one) },
        case("smtp-452-after-dot", first(4, Reaction::Refuse("452 4.2.2 mailbox full"), dot)),
        Case { copies: 2, ..case("smtp-cut-after-dot", first(2, Reaction::Cut, dot)) },
        case("smtp-cut-before-data", first(2, Reaction::Cut, recipient)),
        case("smtp-answer-late", first(1, Reaction::Late(late), dot)),
    ]
}

pub(crate) async fn run(args: &Args) -> Outcome<bool> {
    let late = if args.quick { Duration::from_secs(2) } else { Duration::from_secs(70) };
    #[cfg_attr(not(any(feature = "matrix", feature = "telegram")), expect(unused_mut, reason = "chats add theirs"))]
    let mut cases = mail_cases(late);
    #[cfg(feature = "matrix")]
    cases.extend(rooms::cases());
    #[cfg(feature = "telegram")]
    cases.extend(chats::cases());
    let mut good = true;
    for case in cases {
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
        writeln!(std::io::stdout(), "{line}")?;
    }
    Ok(good)
}

struct Found {
    lost: usize,
    early: usize,
    ok: bool,
}

async fn play(case: Case) -> Outcome<Found> {
    let database = Database::start(Engine::Sqlite)?;
    let receiver = match case.server {
        Server::Mail(script) => Receiver::Mail(Sink::start("", script).await?),
        #[cfg(feature = "matrix")]
        Server::Rooms(fault) => Receiver::Rooms(rooms::Rooms::open(fault).await?),
        #[cfg(feature = "telegram")]
        Server::Chats(fault) => Receiver::Chats(chats::Chats::open(fault).await?),
    };
    let settings = receiver.settings(&database.url)?;
    let mut now: DateTime<Utc> = DateTime::parse_from_rfc3339("2026-11-24T08:00:00Z")?.with_timezone(&Utc);
    prepare(&*start(&settings, now).await?, receiver.people()).await?;
    #[cfg(feature = "matrix")]
    if let Receiver::Rooms(rooms) = &receiver {
        rooms.let_in(&*start(&settings, now).await?).await?;
    }
    let mut early = 0;
    for _ in 0..MAX_LOOKS {
        receiver.set_now(now);
        look(&settings, now).await?;
        let app = start(&settings, now).await?;
        let Some(due) = app.service.store.next_delivery_at().await? else { break };
        app.service.store.close().await;
        let left = receiver.count();
        receiver.set_now(due - TimeDelta::seconds(1));
        look(&settings, due - TimeDelta::seconds(1)).await?;
        early += receiver.count() - left;
        now = due;
    }
    early += receiver.early();
    let app = start(&settings, now).await?;
    let count = |state| {
        let app = &app;
        async move { app.service.store.deliveries(Some(state), 1000).await.map(|d| d.len()) }
    };
    let (sent, dead) = (count(DeliveryState::Sent).await?, count(DeliveryState::Dead).await?);
    let arrived = receiver.arrived().await?;
    let lost = PEOPLE - case.refused - arrived.len().min(PEOPLE - case.refused);
    let copies = arrived.values().copied().max().unwrap_or(0);
    // A refused address is told to the operator, of whom there is none here: the dead letter is its record.
    let ok = lost == 0 && early == 0 && sent == PEOPLE - case.refused && dead == case.refused && copies <= case.copies;
    Ok(Found { lost, early, ok })
}

/// A service started anew empties what is due at that moment.
async fn look(settings: &Settings, now: DateTime<Utc>) -> Outcome<()> {
    let app = start(settings, now).await?;
    #[cfg(feature = "matrix")]
    vigie_delivery::channels::matrix::opened(&app.delivery).await;
    worker::drain(&app.delivery).await.map_err(|f| f.to_string())?;
    app.service.store.close().await;
    Ok(())
}

async fn start(settings: &Settings, now: DateTime<Utc>) -> Outcome<Arc<App>> {
    Ok(Arc::new(service::start_as(settings.clone(), Clock::fixed(now)).await?))
}

/// People, and a notice to tell them of.
async fn prepare(app: &App, (channel, addresses): (Channel, Vec<String>)) -> Outcome<()> {
    for (n, address) in addresses.iter().enumerate() {
        service::subscribe_on(app, &format!("p{}", n + 1), channel, address, &Filter::default()).await?;
    }
    let mut notice = Notice::new("faults", "26-1", NoticeKind::Call);
    notice.title = TITLE.to_owned();
    ingest::ingest(&app.service, &notice, None).await?;
    app.service.store.close().await;
    Ok(())
}

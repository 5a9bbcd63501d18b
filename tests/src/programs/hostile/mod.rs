//! `hostile`: the real binary among hostile feeds, pages, mails, chats and slow clients, and honest ones beside them.
//!
//! `cargo run --release -p vigie-tests -- hostile [--seconds 1800]` (short in CI). Every server is real and of this process; the
//! one thing simulated is the publishers' malice. Prints one JSON object, and ends with exit code 1 where an honest message is
//! lost, the service ended, or connected to a network that it may not reach; with `--bars` (a release build on a quiet machine)
//! also where a message, an answer or a page is late or missing, or the service took too much memory.
//!
//! An honest notice counts from the moment its feed is first served with it, a command from when it was said, a page from when
//! it was asked for: what is measured is what hostile neighbours add.

mod malice;

use std::collections::{BTreeMap, BTreeSet};
use std::io::Write;
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use axum::Router;
use axum::extract::{Path, State};
use axum::http::header;
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use serde_json::json;
use tokio::io::AsyncWriteExt;
use tokio::net::{TcpListener, TcpStream};
use vigie_tests::servers::{free_port, vigie};
use vigie_tests::service::Outcome;
use vigie_tests::sink::{Reaction, Sink};
use vigie_tests::telegram::{Double, TOKEN};

#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// How long, in seconds
    #[arg(long, default_value_t = 1800)]
    seconds: u64,
    /// Fail also for what is late, unanswered or too large
    #[arg(long)]
    bars: bool,
}

/// Longest p99 of honest notices, answers and pages.
const BAR: Duration = Duration::from_secs(5);
/// Most memory of the service, in MiB.
const MAX_MEMORY_MIB: u64 = 200;
/// Between two honest notices, commands, pages.
const HONEST_EVERY: Duration = Duration::from_secs(2);
/// Wait for what is under way at the end; the watch looks every fifteen seconds.
const PATIENCE: Duration = Duration::from_secs(60);
/// Slow clients that hold connections at a time.
const SLOW_CLIENTS: usize = 1_100;
/// An honest chat, and the busy one.
const HONEST: i64 = 501;
const BUSY: i64 = 502;
/// The service as it is installed.
const UNIT: &str = include_str!("../../../../docs/vigie.service");
/// Words that begin so name an honest notice.
const MARK: &str = "honnete";

/// What the honest publisher has, and when each notice was first served.
#[derive(Default)]
struct Shelf {
    published: usize,
    served: BTreeMap<usize, Instant>,
}

type Honest = Arc<Mutex<Shelf>>;

fn shelf(honest: &Honest) -> std::sync::MutexGuard<'_, Shelf> {
    honest.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The honest feed: every notice so far, newest first.
async fn honest_feed(State(honest): State<Honest>) -> Response {
    let mut shelf = shelf(&honest);
    let (from, to) = (shelf.published.saturating_sub(200), shelf.published);
    let mut items = String::new();
    for n in (from..to).rev() {
        shelf.served.entry(n).or_insert_with(Instant::now);
        items.push_str(&format!(
            "<item><title>Nettoyage des locaux {MARK}{n}</title><link>https://publieur.example/avis/{n}</link><guid>{MARK}{n}</guid><description>Marché réservé aux entreprises adaptées, article L. 2113-12.</description></item>"
        ));
    }
    let feed =
        format!("<?xml version=\"1.0\"?><rss version=\"2.0\"><channel><title>Avis</title>{items}</channel></rss>");
    ([(header::CONTENT_TYPE, "application/rss+xml")], feed).into_response()
}

/// Counts connections to an address that the service may not reach.
async fn trap() -> Outcome<(String, Arc<AtomicUsize>)> {
    let listener = TcpListener::bind("127.0.0.2:0").await?;
    let address = format!("http://{}/", listener.local_addr()?);
    let counted = Arc::new(AtomicUsize::new(0));
    let seen = Arc::clone(&counted);
    tokio::spawn(async move {
        while listener.accept().await.is_ok() {
            seen.fetch_add(1, Ordering::SeqCst);
        }
    });
    Ok((address, counted))
}

/// The service, ended with its owner.
struct Service(Child);

impl Drop for Service {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// Most memory that a process held, in MiB.
fn peak_mib(id: u32) -> Option<u64> {
    let status = std::fs::read_to_string(format!("/proc/{id}/status")).ok()?;
    let line = status.lines().find_map(|l| l.strip_prefix("VmHWM:"))?;
    Some(line.trim().trim_end_matches(" kB").trim().parse::<u64>().ok()? / 1024)
}

/// The settings of the service.
fn settings(dir: &std::path::Path, publisher: &str, web: u16, smtp: u16, telegram: &str) -> String {
    let mut text = format!(
        "[store]\nurl = \"sqlite:{}\"\n[fetch]\nallow_private = [\"127.0.0.1/32\"]\nhost_gap_ms = 0\ntimeout_s = 10\n\
         [web]\nlisten = \"127.0.0.1:{web}\"\n[pace]\ninstant_per_hour = 0\n[log]\nfilter = \"warn\"\n\
         [operator]\nname = \"Camille Essai\"\ncontact = \"camille@vigie.example\"\norganisation = \"Les essais\"\n[email]\nhost = \"127.0.0.1\"\nport = {smtp}\ntls = \"none\"\nfrom = \"Vigie <vigie@vigie.example>\"\n\
         [telegram]\ntoken = {{ env = \"VIGIE_TEST_TOKEN\" }}\napi_url = \"{telegram}\"\n\
         [[subscriber]]\nname = \"Ana\"\nemail = \"ana@x.example\"\ntelegram = {HONEST}\n[[subscriber.subscription]]\ncadence = \"instant\"\n[subscriber.subscription.filter]\nwords = [\"nettoyage des locaux\"]\n\
         [[subscriber]]\nname = \"Bob\"\ntelegram = {BUSY}\n\
         [[source]]\nid = \"honnete\"\nkind = \"feed\"\nurl = \"{publisher}/honnete\"\nschedule = \"* * * * * *\"\nbaseline = \"deliver\"\n",
        dir.join("v.sqlite").display(),
    );
    for name in malice::FEEDS {
        text.push_str(&format!(
            "[[source]]\nid = \"mal-{name}\"\nkind = \"feed\"\nurl = \"{publisher}/mal/{name}\"\nschedule = \"* * * * * *\"\nbaseline = \"deliver\"\n"
        ));
    }
    for name in malice::PAGES {
        text.push_str(&format!(
            "[[source]]\nid = \"page-{name}\"\nkind = \"portal\"\nurl = \"{publisher}/page/{name}\"\nschedule = \"* * * * * *\"\nbaseline = \"deliver\"\n\
             [source.list]\nitems = \"li, tr, div\"\n[source.list.fields]\ntitle = \"a\"\nlink = \"a@href\"\n"
        ));
    }
    text
}

/// Holds slow connections, and opens others in the place of those that were closed.
async fn slow_clients(port: u16, stop: Arc<AtomicBool>) {
    let mut held = Vec::new();
    let begun = [
        "",
        "GET / HTTP/1.1\r\nHost: x\r\nX-Slow: ",
        "POST /entrer HTTP/1.1\r\nHost: x\r\nContent-Length: 60000\r\n\r\nemail=",
    ];
    while !stop.load(Ordering::Relaxed) {
        for n in 0..64 {
            if let Ok(mut socket) = TcpStream::connect(("127.0.0.1", port)).await {
                let _ = socket.write_all(begun[n % begun.len()].as_bytes()).await;
                held.push(socket);
            }
        }
        // One byte each, as slow clients do; those that were closed go.
        let mut alive = Vec::with_capacity(held.len());
        for mut socket in held.drain(..) {
            if socket.write_all(b"x").await.is_ok() {
                alive.push(socket);
            }
        }
        held = alive;
        let excess = held.len().saturating_sub(SLOW_CLIENTS);
        held.drain(..excess);
        tokio::time::sleep(Duration::from_millis(250)).await;
    }
}

/// How long honest ones waited.
#[derive(Default)]
struct Waits {
    pages: Vec<Duration>,
    failed_pages: usize,
    answers: Vec<Duration>,
    unanswered: usize,
}

/// Asks for a page.
async fn page(client: &reqwest::Client, url: &str) -> bool {
    client.get(url).send().await.is_ok_and(|r| r.status().is_success())
}

fn answers(double: &Double, chat: i64) -> Vec<Instant> {
    let calls = double.calls();
    calls.iter().filter(|c| c.method == "sendmessage" && c.code == 200 && c.chat == Some(chat)).map(|c| c.at).collect()
}

/// Publishes, asks and says honest things until the time is over.
async fn live(until: Instant, honest: &Honest, web: u16, double: &Double) -> Outcome<Waits> {
    let client = reqwest::Client::builder().timeout(PATIENCE).pool_max_idle_per_host(0).build()?;
    let url = format!("http://127.0.0.1:{web}/a-propos");
    let (mut waits, mut round) = (Waits::default(), 0_usize);
    while Instant::now() < until {
        round += 1;
        shelf(honest).published += 1;
        let asked = Instant::now();
        if page(&client, &url).await {
            waits.pages.push(asked.elapsed())
        } else {
            waits.failed_pages += 1
        }
        malice::in_chats(double, BUSY, round);
        if round % 8 == 0 {
            // A press of the service's own limits would be answered by silence: ask seldom.
            let (said, before) = (Instant::now(), answers(double, HONEST).len());
            double.say(HONEST, HONEST, "/echeances");
            let answered = async {
                loop {
                    let all = answers(double, HONEST);
                    // An alert may come between: the first message after the command is near enough an answer.
                    if all.len() > before {
                        return all[before].saturating_duration_since(said);
                    }
                    tokio::time::sleep(Duration::from_millis(20)).await;
                }
            };
            match tokio::time::timeout(PATIENCE, answered).await {
                Ok(wait) => waits.answers.push(wait),
                Err(_) => waits.unanswered += 1,
            }
        }
        tokio::time::sleep(HONEST_EVERY).await;
    }
    Ok(waits)
}

fn at(sorted: &[Duration], part: f64) -> u64 {
    let place = ((sorted.len() as f64 * part).ceil() as usize).saturating_sub(1);
    sorted.get(place).map_or(0, |d| d.as_millis() as u64)
}

/// When each honest notice arrived by mail.
fn arrived(sink: &Sink) -> BTreeMap<usize, Instant> {
    let mut first = BTreeMap::new();
    for mail in sink.received() {
        let numbers: BTreeSet<usize> = mail.marks.iter().filter_map(|m| m.strip_prefix(MARK)?.parse().ok()).collect();
        for n in numbers {
            first.entry(n).or_insert(mail.at);
        }
    }
    first
}

pub(crate) async fn run(args: &Args) -> Outcome<bool> {
    let dir = tempfile::tempdir()?;
    let sink = Sink::start(MARK, |_| Reaction::Accept).await?;
    let double = Double::start().await?;
    double.person(HONEST, "Ana");
    double.person(BUSY, "Bob");
    let (trap, private) = trap().await?;
    let honest = Honest::default();
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let publisher = format!("http://{}", listener.local_addr()?);
    let bait = malice::Bait { trap, publisher: publisher.clone() };
    let router =
        Router::new().route("/honnete", get(honest_feed)).with_state(Arc::clone(&honest)).merge(
            Router::new()
                .route(
                    "/mal/{name}",
                    get(|State(bait): State<malice::Bait>, Path(name): Path<String>| async move {
                        malice::feed(&bait, &name)
                    }),
                )
                .route(
                    "/page/{name}",
                    get(|State(bait): State<malice::Bait>, Path(name): Path<String>| async move {
                        malice::page(&bait, &name)
                    }),
                )
                .with_state(bait),
        );
    tokio::spawn(async move { axum::serve(listener, router).await });
    let web = free_port().ok_or("no free port")?;
    std::fs::write(dir.path().join("vigie.toml"), settings(dir.path(), &publisher, web, sink.port, &double.url))?;
    let log = std::fs::File::create(dir.path().join("log"))?;
    // As an installation starts it.
    let environment = UNIT.lines().filter_map(|line| line.strip_prefix("Environment=")?.split_once('='));
    let mut service = Service(
        Command::new(vigie())
            .envs(environment)
            .args(["run", "-c"])
            .arg(dir.path().join("vigie.toml"))
            .env("VIGIE_TEST_TOKEN", TOKEN)
            .stdout(Stdio::null())
            .stderr(log)
            .spawn()?,
    );
    let id = service.0.id();
    let client = reqwest::Client::new();
    let deadline = Instant::now() + PATIENCE;
    while !page(&client, &format!("http://127.0.0.1:{web}/a-propos")).await {
        if Instant::now() > deadline || service.0.try_wait()?.is_some() {
            return Err(
                format!("the service does not start: {}", std::fs::read_to_string(dir.path().join("log"))?).into()
            );
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    let stop = Arc::new(AtomicBool::new(false));
    let slow = tokio::spawn(slow_clients(web, Arc::clone(&stop)));
    let mut waits = live(Instant::now() + Duration::from_secs(args.seconds), &honest, web, &double).await?;
    let deadline = Instant::now() + PATIENCE;
    let published = shelf(&honest).published;
    while arrived(&sink).len() < published && Instant::now() < deadline {
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
    stop.store(true, Ordering::Relaxed);
    let _ = slow.await;
    let exited = service.0.try_wait()?.is_some();
    let memory = peak_mib(id);
    let (arrived, served) = (arrived(&sink), shelf(&honest).served.clone());
    let mut late: Vec<Duration> =
        arrived.iter().filter_map(|(n, at)| Some(at.saturating_duration_since(*served.get(n)?))).collect();
    for list in [&mut late, &mut waits.pages, &mut waits.answers] {
        list.sort();
    }
    let lost = published - arrived.len();
    let private = private.load(Ordering::SeqCst);
    let mails = sink.count();
    let report = json!({
        "seconds": args.seconds, "honest": published, "lost": lost, "mails": mails, "p50_ms": at(&late, 0.5), "p99_ms": at(&late, 0.99),
        "pages": waits.pages.len(), "failed_pages": waits.failed_pages, "page_p99_ms": at(&waits.pages, 0.99),
        "answers": waits.answers.len(), "unanswered": waits.unanswered, "answer_p99_ms": at(&waits.answers, 0.99),
        "memory_mib": memory, "exited": exited, "private_connections": private, "bar_ms": BAR.as_millis() as u64,
    });
    writeln!(std::io::stdout(), "{report}")?;
    let bar = BAR.as_millis() as u64;
    let quick = [at(&late, 0.99), at(&waits.pages, 0.99), at(&waits.answers, 0.99)].iter().all(|ms| *ms <= bar);
    let small = memory.is_none_or(|mib| mib <= MAX_MEMORY_MIB);
    let within = quick && small && waits.failed_pages == 0 && waits.unanswered == 0;
    let good = lost == 0 && !exited && private == 0 && (within || !args.bars);
    if !good {
        let log = std::fs::read_to_string(dir.path().join("log"))?;
        let last: Vec<&str> = log.lines().rev().take(40).collect();
        writeln!(std::io::stderr(), "{}", last.into_iter().rev().collect::<Vec<_>>().join("\n"))?;
    }
    Ok(good)
}

//! `crash`: kills the real binary again and again, and counts what was lost, unexpected or duplicated.
//!
//! `cargo run --release -p vigie-tests --bin crash -- --engine sqlite --kills 1000 --seed 1`
//!
//! A publisher brings out notices, `vigie` polls it and mails people through a recording server and, with `--rooms`, writes
//! in rooms of a real homeserver. It is killed at random moments (SIGKILL), at each named crash point, and while the mail
//! server holds back its answer to the final dot. Then it
//! runs undisturbed until nothing waits. Ends with one line, `lost=… unexpected=… duplicated=… ambiguous=… kills=…`, and
//! with exit code 1 if anything was lost or unexpected, or arrived twice without a record that it might have.

use std::collections::{BTreeMap, BTreeSet};
use std::io::Write;
use std::process::{Child, Command, ExitCode, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use clap::Parser;
use serde_json::{Value, json};
use tokio::sync::Notify;
use vigie_bot::crash_point::CrashPoint;
use vigie_domain::DeliveryState;
use vigie_store::Store;
use vigie_tests::homeserver::{Rooms, Synapse};
use vigie_tests::replay::Replay;
use vigie_tests::servers::{Database, Engine, vigie};
use vigie_tests::service::Outcome;
use vigie_tests::sink::{Moment, Reaction, Received, Sink};

/// Kills the real binary and counts what was lost, unexpected or duplicated.
#[derive(Debug, Parser)]
struct Args {
    /// Database
    #[arg(long, value_enum, default_value_t = Engine::Sqlite)]
    engine: Engine,
    /// Kills
    #[arg(long, default_value_t = 50)]
    kills: usize,
    /// Seed of the random moments
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// People in rooms of a real homeserver too
    #[arg(long)]
    rooms: bool,
}

/// Begins every title, so that a mail tells which notices it carries.
const MARK: &str = "JETON";
/// People: address, département, most instant messages an hour before the rest is grouped is shared by all.
const PEOPLE: [(&str, &str); 5] = [
    ("a@nord.example", "59"),
    ("b@nord.example", "59"),
    ("c@pas.example", "62"),
    ("d@pas.example", "62"),
    ("e@pas.example", "62"),
];
/// Départements of those who read in rooms: one, since a homeserver takes a message a second.
const ROOMS: [&str; 1] = ["59"];
/// Notices brought out before each run.
const NEW_AT_ONCE: usize = 3;
/// Longest wait for a run that nobody kills.
const RUN_WITHIN: Duration = Duration::from_secs(120);
/// Undisturbed runs before giving up on an empty queue, and how long each may take.
const MAX_LAST_RUNS: usize = 12;
const LAST_RUN: Duration = Duration::from_secs(60);

#[tokio::main]
async fn main() -> ExitCode {
    match run(&Args::parse()).await {
        Ok(tally) => {
            let _ = writeln!(std::io::stdout(), "{tally}");
            if tally.good() { ExitCode::SUCCESS } else { ExitCode::FAILURE }
        }
        Err(e) => {
            let _ = writeln!(std::io::stderr(), "crash: {e}");
            ExitCode::FAILURE
        }
    }
}

/// What is counted at the end.
#[derive(Debug, Default)]
struct Tally {
    lost: usize,
    unexpected: usize,
    duplicated: usize,
    unrecorded: usize,
    ambiguous: usize,
    kills: usize,
    messages: usize,
}

impl Tally {
    fn good(&self) -> bool {
        self.lost == 0 && self.unexpected == 0 && self.unrecorded == 0
    }
}

impl std::fmt::Display for Tally {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        if self.unrecorded > 0 {
            writeln!(f, "{} messages arrived twice without a record that they might have", self.unrecorded)?;
        }
        writeln!(f, "messages={}", self.messages)?;
        write!(
            f,
            "lost={} unexpected={} duplicated={} ambiguous={} kills={}",
            self.lost, self.unexpected, self.duplicated, self.ambiguous, self.kills
        )
    }
}

/// Xorshift: the same seed gives the same moments.
struct Dice(u64);

impl Dice {
    fn below(&mut self, n: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 % n.max(1)
    }
}

/// Everything around the binary.
struct Stage {
    dir: tempfile::TempDir,
    database: Database,
    replay: Replay,
    sink: Sink,
    rooms: Option<(Synapse, Rooms)>,
    hold: Arc<AtomicBool>,
    held: Arc<Notify>,
    published: usize,
}

/// How a run ends.
#[derive(Debug, Clone, Copy)]
enum Death {
    /// SIGKILL that long after its start.
    After(Duration),
    /// At a named point, the nth time it is passed.
    At(CrashPoint, u64),
    /// While the mail server keeps the answer to a final dot to itself.
    WithoutAnswer,
}

async fn run(args: &Args) -> Outcome<Tally> {
    let mut stage = Stage::set(args.engine, args.rooms).await?;
    let mut dice = Dice(args.seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1);
    stage.publish();
    stage.enter_rooms().await?;
    let began = Instant::now();
    stage.undisturbed(&["--once", "--force-poll"])?;
    let pass = u64::try_from(began.elapsed().as_millis()).unwrap_or(200).clamp(20, 2000);
    let mut kills = 0;
    for n in 0.. {
        if kills == args.kills {
            break;
        }
        stage.publish();
        let death = match n % 10 {
            8 => Death::WithoutAnswer,
            9 => Death::At(CrashPoint::ALL[(n / 10) % CrashPoint::ALL.len()], 1 + dice.below(3)),
            _ => Death::After(Duration::from_millis(dice.below(pass * 3 / 2))),
        };
        // Every third run is the service with all its loops; the others are single passes.
        let service = n % 3 == 0 && matches!(death, Death::After(_));
        let how: &[&str] = if service { &[] } else { &["--once", "--force-poll"] };
        if stage.disturbed(how, death).await? {
            kills += 1;
        }
    }
    stage.calm_down().await?;
    let mut tally = stage.count().await?;
    tally.kills = kills;
    Ok(tally)
}

impl Stage {
    async fn set(engine: Engine, rooms: bool) -> Outcome<Self> {
        let dir = tempfile::tempdir()?;
        let database = Database::start(engine)?;
        let replay = Replay::new(Vec::new());
        let (api, _) = replay.serve().await?;
        let (hold, held) = (Arc::new(AtomicBool::new(false)), Arc::new(Notify::new()));
        let (asked, told) = (Arc::clone(&hold), Arc::clone(&held));
        let sink = Sink::start(MARK, move |moment| {
            if matches!(moment, Moment::Dot(_)) && asked.swap(false, Ordering::SeqCst) {
                told.notify_one();
                return Reaction::Late(RUN_WITHIN);
            }
            Reaction::Accept
        })
        .await?;
        let server = (rooms && cfg!(feature = "matrix")).then(|| Synapse::start(&Rooms::USERS)).flatten();
        let rooms = match server {
            Some(server) => {
                let rooms = Rooms::open(&server, ROOMS.len(), false).await?;
                Some((server, rooms))
            }
            None => None,
        };
        let mut readers: Vec<(String, &str)> =
            PEOPLE.iter().map(|(mail, department)| (format!("email = \"{mail}\""), *department)).collect();
        let mut account = String::new();
        if let Some((server, rooms)) = &rooms {
            account = format!("[matrix]\n{}", rooms.account(&server.url, true));
            readers
                .extend(rooms.ids.iter().zip(ROOMS).map(|(id, department)| (format!("matrix = \"{id}\""), department)));
        }
        let people: String = readers
            .iter()
            .enumerate()
            .map(|(n, (address, department))| {
                format!(
                    "[[subscriber]]\nname = \"p{n}\"\n{address}\n[[subscriber.subscription]]\ncadence = \"instant\"\n[subscriber.subscription.filter]\ndepartments = [\"{department}\"]\nsectors = [\"nettoyage-de-locaux-16\"]\n"
                )
            })
            .collect();
        let settings = format!(
            "[store]\nurl = \"{}\"\n[fetch]\nallow_private = [\"127.0.0.0/8\"]\nhost_gap_ms = 0\n[web]\nlisten = \"127.0.0.1:0\"\n[pace]\ninstant_per_hour = 40\n\
             [email]\nhost = \"127.0.0.1\"\nport = {}\ntls = \"none\"\nfrom = \"Vigie <vigie@vigie.example>\"\n{account}\
             [[source]]\nid = \"boamp\"\nkind = \"boamp\"\nurl = \"{api}\"\nbaseline = \"deliver\"\nlookback_days = 2\nschedule = \"* * * * * *\"\n{people}",
            database.url, sink.port
        );
        std::fs::write(dir.path().join("vigie.toml"), settings)?;
        Ok(Self { dir, database, replay, sink, rooms, hold, held, published: 0 })
    }

    /// Brings out some notices, alternately in one département and the other.
    fn publish(&mut self) {
        let today = chrono::Utc::now().with_timezone(&chrono_tz::Europe::Paris).date_naive();
        for _ in 0..NEW_AT_ONCE {
            self.published += 1;
            let record = record(self.published, &today.to_string());
            self.replay.with(|shelf| shelf.records.push(record));
        }
    }

    /// Runs the service until something was read in each room: the invites are taken and known to the bot's device.
    async fn enter_rooms(&self) -> Outcome<()> {
        let Some((_, rooms)) = &self.rooms else { return Ok(()) };
        let mut child = self.command(&[]).spawn()?;
        let deadline = Instant::now() + RUN_WITHIN;
        for room in &rooms.ids {
            while marked(rooms, room).await?.is_empty() {
                if Instant::now() > deadline {
                    child.kill()?;
                    return Err("nothing arrives in the rooms".into());
                }
                tokio::time::sleep(Duration::from_millis(200)).await;
            }
        }
        kill(&mut child)?;
        Ok(())
    }

    fn command(&self, how: &[&str]) -> Command {
        let mut command = Command::new(vigie());
        command.args(["run", "--role", "watch,deliver"]).args(how).arg("-c").arg(self.dir.path().join("vigie.toml"));
        command.env_remove("VIGIE_NOW").env_remove("VIGIE_CRASH_AT").env("VIGIE_LOG", "warn");
        command.stdout(Stdio::null()).stderr(Stdio::null());
        command
    }

    /// A run that nobody kills.
    fn undisturbed(&self, how: &[&str]) -> Outcome<()> {
        let status = self.command(how).status()?;
        if status.success() { Ok(()) } else { Err(format!("vigie run ended with {status}").into()) }
    }

    /// A run that ends as said; `false` when it ended by itself before.
    async fn disturbed(&self, how: &[&str], death: Death) -> Outcome<bool> {
        let mut command = self.command(how);
        match death {
            Death::At(point, nth) => {
                command.env("VIGIE_CRASH_AT", format!("{}:{nth}", point.as_str()));
                let mut child = command.spawn()?;
                let status = ended(&mut child).await?;
                Ok(!status)
            }
            Death::After(pause) => {
                let mut child = command.spawn()?;
                tokio::time::sleep(pause).await;
                kill(&mut child)
            }
            Death::WithoutAnswer => {
                self.hold.store(true, Ordering::SeqCst);
                let mut child = command.spawn()?;
                let held = tokio::time::timeout(RUN_WITHIN, self.held.notified());
                let came = tokio::select! {
                    came = held => came.is_ok(),
                    done = ended(&mut child) => { done?; false }
                };
                self.hold.store(false, Ordering::SeqCst);
                Ok(kill(&mut child)? && came)
            }
        }
    }

    /// Undisturbed runs until nothing waits: a pass groups what overflowed, the service sends at the pace of each channel.
    async fn calm_down(&self) -> Outcome<()> {
        let store = Store::open(&self.database.url).await?;
        for _ in 0..MAX_LAST_RUNS {
            self.undisturbed(&["--once", "--force-poll"])?;
            let mut service = self.command(&[]).spawn()?;
            let deadline = Instant::now() + LAST_RUN;
            while store.next_delivery_at().await?.is_some() && Instant::now() < deadline {
                tokio::time::sleep(Duration::from_millis(200)).await;
            }
            let empty = store.next_delivery_at().await?.is_none();
            terminate(&mut service)?;
            if empty && store.due_digests(far(), far()).await?.is_empty() {
                store.close().await;
                return Ok(());
            }
        }
        let mut waiting = store.deliveries(None, 1_000_000).await?;
        waiting.retain(|d| {
            use DeliveryState::{Ambiguous, Claimed, Deferred, Pending};
            matches!(d.state, Pending | Claimed | Deferred | Ambiguous)
        });
        let some: Vec<_> = waiting.iter().take(5).collect();
        Err(format!("the queue does not empty: {} wait, such as {some:?}", waiting.len()).into())
    }

    async fn count(&self) -> Outcome<Tally> {
        let received = self.sink.received();
        let mut tally = Tally { messages: received.len(), ..Tally::default() };
        // Who got which notice, in which different messages.
        let mut got: BTreeMap<(String, String), BTreeSet<String>> = BTreeMap::new();
        let mut copies: BTreeMap<String, Vec<&Received>> = BTreeMap::new();
        for mail in &received {
            for mark in &mail.marks {
                got.entry((mail.to.clone(), mark.clone())).or_default().insert(mail.message_id.clone());
            }
            copies.entry(mail.message_id.clone()).or_default().push(mail);
        }
        let mut readers: Vec<(String, &str)> =
            PEOPLE.iter().map(|(mail, department)| ((*mail).to_owned(), *department)).collect();
        if let Some((_, rooms)) = &self.rooms {
            for (room, department) in rooms.ids.iter().zip(ROOMS) {
                readers.push((room.clone(), department));
                // The server takes a message once under its transaction id: two of them are two messages.
                for (event, words) in marked(rooms, room).await?.into_iter().enumerate() {
                    tally.messages += 1;
                    for word in words {
                        got.entry((room.clone(), word)).or_default().insert(event.to_string());
                    }
                }
            }
        }
        for n in 1..=self.published {
            for (address, department) in &readers {
                let messages = got.remove(&(address.clone(), mark(n)));
                match (*department == department_of(n), messages.map_or(0, |m| m.len())) {
                    (true, 0) => {
                        tally.lost += 1;
                        writeln!(std::io::stderr(), "{address} never got {}", mark(n))?;
                    }
                    (true, more) => tally.unexpected += more - 1,
                    (false, some) => tally.unexpected += some,
                }
            }
        }
        tally.unexpected += got.len();
        let store = Store::open(&self.database.url).await?;
        for (message_id, mails) in &copies {
            let delivery = message_id.split('@').next().unwrap_or_default();
            let doubtful =
                store.attempts(delivery).await?.iter().filter(|a| a.outcome.as_deref() == Some("ambiguous")).count();
            tally.ambiguous += doubtful;
            tally.duplicated += mails.len() - 1;
            if mails.len() - 1 > doubtful {
                tally.unrecorded += mails.len() - 1 - doubtful;
                let attempts = store.attempts(delivery).await?;
                writeln!(std::io::stderr(), "{message_id} arrived {} times; its journal: {attempts:?}", mails.len())?;
            }
        }
        store.close().await;
        Ok(tally)
    }
}

/// The marks in each message of a room that bears any.
async fn marked(rooms: &Rooms, room: &str) -> Outcome<Vec<BTreeSet<String>>> {
    let messages = rooms.messages(room).await?;
    let words = messages.iter().map(|m| {
        let body = m["body"].as_str().unwrap_or_default();
        let words = body.split(|c: char| !c.is_alphanumeric()).filter(|w| w.starts_with(MARK));
        words.map(str::to_owned).collect::<BTreeSet<_>>()
    });
    Ok(words.filter(|w| !w.is_empty()).collect())
}

fn far() -> chrono::DateTime<chrono::Utc> {
    chrono::Utc::now() + chrono::Duration::days(1)
}

fn mark(n: usize) -> String {
    format!("{MARK}{n:06}")
}

fn department_of(n: usize) -> &'static str {
    if n.is_multiple_of(2) { "59" } else { "62" }
}

fn record(n: usize, day: &str) -> Value {
    let title = format!("Nettoyage des locaux {}", mark(n));
    let donnees = json!({"FNSimple": {"organisme": {"nomOfficiel": "Ville d’Essai"}, "initial": {"natureMarche": {"intitule": title,
        "codeCPV": {"objetPrincipal": {"classPrincipale": "90911200"}}, "lieuExecution": format!("{}000", department_of(n))},
        "procedure": {"dateReceptionOffres": "2099-01-12T12:00:00"}}}});
    json!({"idweb": format!("99-{n}"), "objet": title, "dateparution": day, "nature": "APPEL_OFFRE", "etat": "INITIAL", "famille": "FNS",
        "nomacheteur": "Ville d’Essai", "code_departement": [department_of(n)], "donnees": donnees.to_string()})
}

/// Kills a process; `false` when it had ended by itself.
fn kill(child: &mut Child) -> Outcome<bool> {
    if child.try_wait()?.is_some() {
        return Ok(false);
    }
    child.kill()?;
    child.wait()?;
    Ok(true)
}

/// Asks a process to end, and waits until it has.
fn terminate(child: &mut Child) -> Outcome<()> {
    Command::new("kill").arg(child.id().to_string()).status()?;
    child.wait()?;
    Ok(())
}

/// Waits for a process; whether it ended well.
async fn ended(child: &mut Child) -> Outcome<bool> {
    let deadline = Instant::now() + RUN_WITHIN;
    loop {
        if let Some(status) = child.try_wait()? {
            return Ok(status.success());
        }
        if Instant::now() > deadline {
            child.kill()?;
            return Err("a run does not end".into());
        }
        tokio::time::sleep(Duration::from_millis(2)).await;
    }
}

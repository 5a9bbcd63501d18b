//! `crash`: kills the real binary again and again, and counts what was lost, unexpected or duplicated.
//!
//! `cargo run --release -p vigie-tests -- crash --engine sqlite --kills 1000 --seed 1`
//!
//! A publisher brings out notices, `vigie` polls it and mails people through a recording server, writes in the chats of a
//! double of the Bot API, posts to programs and, with `--rooms`, writes in a room of a real homeserver. It is killed at random
//! moments (SIGKILL), at each named crash point, and while the mail server or the Bot API keeps its answer to itself. Meanwhile
//! people leave and groups move. Then it runs undisturbed until nothing waits. Ends with one line,
//! `lost=… unexpected=… duplicated=… ambiguous=… kills=…`, and with exit code 1 if anything was lost or unexpected, or arrived
//! twice without a record that it might have.

#[cfg(feature = "telegram")]
mod chats;
mod programs;
pub(crate) mod rolling;
mod tally;

use std::collections::{BTreeMap, BTreeSet};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use tokio::sync::Notify;
use vigie_domain::DeliveryState;
use vigie_service::crash_point::CrashPoint;
use vigie_store::Store;
use vigie_tests::homeserver::{Rooms, Synapse};
use vigie_tests::replay::Replay;
use vigie_tests::servers::{Database, Engine, vigie};
use vigie_tests::service::Outcome;
use vigie_tests::sink::{Moment, Reaction, Received, Sink};

#[cfg(feature = "telegram")]
use chats::Chats;
use programs::Programs;
use tally::Tally;

#[derive(Debug, clap::Args)]
pub(crate) struct Args {
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

/// Begins every title, so that a message tells which notices it carries.
const MARK: &str = "JETON";
/// Départements: two of which notices come all the time, and one of which they come now and then.
const OFTEN: &str = "59";
const OFTEN_TOO: &str = "62";
const RARE: &str = "80";
/// People who read mail.
const PEOPLE: [(&str, &str); 5] = [
    ("a@nord.example", OFTEN),
    ("b@nord.example", OFTEN),
    ("c@pas.example", OFTEN_TOO),
    ("d@pas.example", OFTEN_TOO),
    ("e@pas.example", OFTEN_TOO),
];
/// Départements of those who read in rooms: one, since a homeserver takes a message a second.
const ROOMS: [&str; 1] = [OFTEN];
/// Most messages an hour to one person, before the rest is grouped.
const PER_HOUR: usize = 20;
/// Notices brought out before a run: a few, or more than one message of a chat carries.
const FEW: usize = 3;
const MANY: usize = 60;
/// One kill in so many is at a crash point.
const POINT_EVERY: usize = 5;
/// Longest wait for a run that nobody kills.
const RUN_WITHIN: Duration = Duration::from_secs(120);
/// Longest wait for a crash point to be reached.
const POINT_WITHIN: Duration = Duration::from_secs(40);
/// Undisturbed runs before giving up on an empty queue, and how long each may take.
const MAX_LAST_RUNS: usize = 12;
const LAST_RUN: Duration = Duration::from_secs(60);

pub(crate) async fn run(args: &Args) -> Outcome<bool> {
    let tally = torment(args).await?;
    writeln!(std::io::stdout(), "{tally}")?;
    Ok(tally.good())
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

/// Makes a server keep its next answer to itself, and tells when it does.
#[derive(Debug, Default)]
struct Hold {
    asked: AtomicBool,
    held: Notify,
}

impl Hold {
    /// Whether this answer is held back.
    fn take(&self) -> bool {
        let held = self.asked.swap(false, Ordering::SeqCst);
        if held {
            self.held.notify_one();
        }
        held
    }
}

/// Somebody told of what comes in one département.
struct Reader {
    /// A line of the settings file.
    address: String,
    /// How the tally calls them.
    name: String,
    department: &'static str,
}

/// What there is around the binary.
#[derive(Debug, Clone, Copy)]
struct Scene {
    engine: Engine,
    /// Turns of each kind that people of chats are asked for.
    #[cfg_attr(not(feature = "telegram"), expect(dead_code, reason = "chats take turns"))]
    turns: usize,
    /// People in rooms of a real homeserver.
    rooms: bool,
    /// Programs with an address of their own, which a version of before may not know in its settings.
    programs: bool,
    /// Most messages an hour to one person; 0 = no cap.
    per_hour: usize,
}

/// Everything around the binary.
struct Stage {
    dir: tempfile::TempDir,
    /// The binary.
    program: PathBuf,
    database: Database,
    replay: Replay,
    /// Mail servers; the settings name the first.
    sinks: Vec<Sink>,
    programs: Option<Programs>,
    rooms: Option<(Synapse, Rooms)>,
    #[cfg(feature = "telegram")]
    chats: Chats,
    /// Of the mail server, and of the Bot API where there is one.
    holds: Vec<Arc<Hold>>,
    /// Département of each notice that is out.
    published: Vec<&'static str>,
}

/// How a run ends.
#[derive(Debug, Clone, Copy)]
enum Death {
    /// SIGKILL that long after its start.
    After(Duration),
    /// At a named point, the nth time it is passed.
    At(CrashPoint, u64),
    /// While that server keeps an answer to itself: its message has arrived.
    WithoutAnswer(usize),
}

/// Kills and starts again, lets the rest arrive, and counts.
async fn torment(args: &Args) -> Outcome<Tally> {
    let turns = 1 + args.kills / POINT_EVERY / CrashPoint::ALL.len() * 2;
    let scene = Scene { engine: args.engine, turns, rooms: args.rooms, programs: true, per_hour: PER_HOUR };
    let mut stage = Stage::set(vigie(), scene).await?;
    let mut dice = Dice(args.seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1);
    stage.publish(FEW);
    stage.enter_rooms().await?;
    let began = Instant::now();
    stage.undisturbed(&["--once", "--force-poll"])?;
    let pass = u64::try_from(began.elapsed().as_millis()).unwrap_or(200).clamp(20, 2000);
    let mut tally = Tally::default();
    let (mut turn, mut silences) = (0, 0);
    for n in 0.. {
        if tally.kills == args.kills {
            break;
        }
        let death = match n % 10 {
            8 => {
                silences += 1;
                Death::WithoutAnswer(silences % stage.holds.len())
            }
            4 | 9 => {
                let point = CrashPoint::ALL[turn % CrashPoint::ALL.len()];
                Death::At(point, if turn < CrashPoint::ALL.len() { 1 } else { 1 + dice.below(2) })
            }
            _ => Death::After(Duration::from_millis(dice.below(pass * 3 / 2))),
        };
        stage.lead_to(death);
        // Every third run is the service with all its loops; the others are single passes.
        let service = n % 3 == 0 && matches!(death, Death::After(_));
        let how: &[&str] = if service { &[] } else { &["--once", "--force-poll"] };
        let killed = stage.disturbed(how, death).await?;
        tally.kills += usize::from(killed);
        if let Death::At(point, _) = death {
            *tally.at_points.entry(point.as_str()).or_default() += usize::from(killed);
            turn += 1;
        }
        stage.see_who_left().await?;
    }
    stage.calm_down().await?;
    stage.count(&mut tally).await?;
    Ok(tally)
}

impl Stage {
    async fn set(program: &Path, scene: Scene) -> Outcome<Self> {
        let dir = tempfile::tempdir()?;
        let database = Database::start(scene.engine)?;
        let replay = Replay::new(Vec::new());
        let (api, _) = replay.serve().await?;
        let mail = Arc::new(Hold::default());
        let asked = Arc::clone(&mail);
        let sink = Sink::start(MARK, move |moment| match moment {
            Moment::Dot(_) if asked.take() => Reaction::Late(RUN_WITHIN),
            _ => Reaction::Accept,
        })
        .await?;
        let server = (scene.rooms && cfg!(feature = "matrix")).then(|| Synapse::start(&Rooms::USERS)).flatten();
        let rooms = match server {
            Some(server) => {
                let rooms = Rooms::open(&server, ROOMS.len(), false).await?;
                Some((server, rooms))
            }
            None => None,
        };
        #[cfg_attr(not(feature = "telegram"), expect(unused_mut, reason = "chats add theirs"))]
        let mut holds = vec![mail];
        let mut accounts = String::new();
        let mut readers: Vec<Reader> = PEOPLE
            .into_iter()
            .map(|(mail, department)| Reader {
                address: format!("email = '{mail}'"),
                name: mail.to_owned(),
                department,
            })
            .collect();
        let programs = if scene.programs { Some(Programs::open(dir.path()).await?) } else { None };
        if let Some(programs) = &programs {
            readers.extend(programs.readers()?);
        }
        if let Some((server, rooms)) = &rooms {
            accounts.push_str(&format!("[matrix]\n{}", rooms.account(&server.url, true)));
            readers.extend(rooms.ids.iter().zip(ROOMS).map(|(id, department)| Reader {
                address: format!("matrix = '{id}'"),
                name: id.clone(),
                department,
            }));
        }
        #[cfg(feature = "telegram")]
        let chats = {
            let hold = Arc::new(Hold::default());
            let chats = Chats::open(scene.turns, &hold).await?;
            accounts.push_str(&chats.settings());
            readers.extend(chats.readers());
            holds.push(hold);
            chats
        };
        let people: String = readers
            .iter()
            .map(|r| {
                format!(
                    "[[subscriber]]\nname = '{}'\n{}\n[[subscriber.subscription]]\ncadence = 'instant'\n[subscriber.subscription.filter]\ndepartments = ['{}']\nsectors = ['nettoyage-de-locaux-16']\n",
                    r.name, r.address, r.department
                )
            })
            .collect();
        let settings = format!(
            "[store]\nurl = '{}'\n[fetch]\nallow_private = ['127.0.0.0/8']\nhost_gap_ms = 0\n[web]\nlisten = '127.0.0.1:0'\n{}[pace]\ninstant_per_hour = {}\n\
             [operator]\nname = 'Camille Essai'\ncontact = 'camille@vigie.example'\norganisation = 'Les essais'\n[email]\nhost = '127.0.0.1'\nport = {}\ntls = 'none'\nfrom = 'Vigie <vigie@vigie.example>'\n{accounts}\
             [[source]]\nid = 'boamp'\nkind = 'boamp'\nurl = '{api}'\nbaseline = 'deliver'\nlookback_days = 2\nschedule = '* * * * * *'\n{people}",
            database.url,
            programs.as_ref().map(Programs::settings).unwrap_or_default(),
            scene.per_hour,
            sink.port
        );
        std::fs::write(dir.path().join("vigie.toml"), settings)?;
        Ok(Self {
            dir,
            program: program.to_owned(),
            database,
            replay,
            sinks: vec![sink],
            programs,
            rooms,
            #[cfg(feature = "telegram")]
            chats,
            holds,
            published: Vec::new(),
        })
    }

    /// Brings out that many notices.
    fn publish(&mut self, count: usize) {
        let today = chrono::Utc::now().with_timezone(&chrono_tz::Europe::Paris).date_naive();
        for _ in 0..count {
            let n = self.published.len() + 1;
            let department = match n % 12 {
                11 => RARE,
                even if even % 2 == 0 => OFTEN,
                _ => OFTEN_TOO,
            };
            self.published.push(department);
            let record = record(n, department, &today.to_string());
            self.replay.with(|shelf| shelf.records.push(record));
        }
    }

    /// Does what leads the next run to its end.
    fn lead_to(&mut self, death: Death) {
        let many = matches!(death, Death::At(CrashPoint::MidParts | CrashPoint::MidDigest, _));
        let moves = matches!(death, Death::At(CrashPoint::MidMigration, _));
        // Groups read what comes now and then: one of twelve.
        self.publish(if many { MANY } else { FEW + if moves { 12 } else { 0 } });
        #[cfg(feature = "telegram")]
        if let Death::At(point, _) = death {
            self.chats.lead_to(point);
        }
    }

    async fn see_who_left(&mut self) -> Outcome<()> {
        #[cfg(feature = "telegram")]
        {
            let store = Store::open(&self.database.url).await?;
            self.chats.see_who_left(&store, self.published.len()).await?;
            store.close().await;
        }
        Ok(())
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
        let mut command = Command::new(&self.program);
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
                if died(&mut command.spawn()?, RUN_WITHIN).await? {
                    return Ok(true);
                }
                // What waits for its pace is not reached by a single pass.
                let mut service = self.command(&[]);
                service.env("VIGIE_CRASH_AT", point.as_str());
                died(&mut service.spawn()?, POINT_WITHIN).await
            }
            Death::After(pause) => {
                let mut child = command.spawn()?;
                tokio::time::sleep(pause).await;
                kill(&mut child)
            }
            Death::WithoutAnswer(server) => {
                let hold = &self.holds[server];
                hold.asked.store(true, Ordering::SeqCst);
                let mut child = command.spawn()?;
                let held = tokio::time::timeout(RUN_WITHIN, hold.held.notified());
                let came = tokio::select! {
                    came = held => came.is_ok(),
                    died = died(&mut child, RUN_WITHIN) => { died?; false }
                };
                hold.asked.store(false, Ordering::SeqCst);
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
            while waiting(&store).await? > 0 && Instant::now() < deadline {
                tokio::time::sleep(Duration::from_millis(200)).await;
            }
            let empty = waiting(&store).await? == 0;
            terminate(&mut service)?;
            if empty && store.due_digests(far(), far()).await?.is_empty() {
                store.close().await;
                return Ok(());
            }
        }
        Err(format!("the queue does not empty: {} wait", waiting(&store).await?).into())
    }

    async fn count(&self, tally: &mut Tally) -> Outcome<()> {
        let received: Vec<Received> = self.sinks.iter().flat_map(Sink::received).collect();
        tally.messages += received.len();
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
        let mut events = BTreeMap::new();
        if let Some(programs) = &self.programs {
            readers.extend(programs::ALL.map(|(path, department)| (path.to_owned(), department)));
            events = programs.count(&mut got, tally);
        }
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
        for (n, department) in (1..).zip(&self.published) {
            for (address, theirs) in &readers {
                let messages = got.remove(&(address.clone(), mark(n))).map_or(0, |m| m.len());
                match (theirs == department, messages) {
                    (true, 0) => tally.lose(address, &mark(n)),
                    (true, 1) | (false, 0) => {}
                    (due, more) => tally.surprise(address, &mark(n), more - usize::from(due)),
                }
            }
        }
        for ((address, word), messages) in got {
            tally.surprise(&address, &word, messages.len());
        }
        let store = Store::open(&self.database.url).await?;
        let mails = copies.into_iter().map(|(message_id, mails)| (message_id, mails.len()));
        for (message, times) in mails.chain(events) {
            let delivery = message.split('@').next().unwrap_or_default();
            tally.repeat(&message, times - 1, doubtful(&store, delivery).await?);
        }
        #[cfg(feature = "telegram")]
        {
            let names: BTreeMap<String, String> =
                store.subscribers().await?.into_iter().map(|s| (s.id, s.name)).collect();
            let mut doubts = BTreeMap::new();
            // What was tried once arrived once at most.
            for sent in store.deliveries(None, i64::MAX).await?.into_iter().filter(|d| d.attempts > 1) {
                if let Some(name) = names.get(&sent.subscriber) {
                    *doubts.entry(name.clone()).or_default() += doubtful(&store, &sent.id).await?;
                }
            }
            self.chats.count(&doubts, &self.published, tally)?;
        }
        store.close().await;
        Ok(())
    }
}

/// Deliveries that are not settled.
async fn waiting(store: &Store) -> Outcome<i64> {
    use DeliveryState::{Ambiguous, Claimed, Deferred, Pending};
    let queue = store.queue().await?;
    Ok(queue
        .iter()
        .filter(|(state, _)| matches!(state, Pending | Claimed | Deferred | Ambiguous))
        .map(|(_, n)| n)
        .sum())
}

/// Attempts of a delivery of which nobody knows whether they arrived.
async fn doubtful(store: &Store, delivery: &str) -> Outcome<usize> {
    let attempts = store.attempts(delivery).await?;
    Ok(attempts.iter().filter(|a| a.outcome.as_deref() == Some("ambiguous")).count())
}

/// The marks in a text.
fn marks_in(text: &str) -> BTreeSet<String> {
    let words = text.split(|c: char| !c.is_alphanumeric()).filter(|w| w.starts_with(MARK));
    words.map(str::to_owned).collect()
}

/// The marks in each message of a room that bears any.
async fn marked(rooms: &Rooms, room: &str) -> Outcome<Vec<BTreeSet<String>>> {
    let messages = rooms.messages(room).await?;
    let words = messages.iter().map(|m| marks_in(m["body"].as_str().unwrap_or_default()));
    Ok(words.filter(|w| !w.is_empty()).collect())
}

fn far() -> chrono::DateTime<chrono::Utc> {
    chrono::Utc::now() + chrono::Duration::days(1)
}

fn mark(n: usize) -> String {
    format!("{MARK}{n:06}")
}

fn record(n: usize, department: &str, day: &str) -> Value {
    let title = format!("Nettoyage des locaux {}", mark(n));
    let donnees = json!({"FNSimple": {"organisme": {"nomOfficiel": "Ville d’Essai"}, "initial": {"natureMarche": {"intitule": title,
        "codeCPV": {"objetPrincipal": {"classPrincipale": "90911200"}}, "lieuExecution": format!("{department}000")},
        "procedure": {"dateReceptionOffres": "2099-01-12T12:00:00"}}}});
    json!({"idweb": format!("99-{n}"), "objet": title, "dateparution": day, "nature": "APPEL_OFFRE", "etat": "INITIAL", "famille": "FNS",
        "nomacheteur": "Ville d’Essai", "code_departement": [department], "donnees": donnees.to_string()})
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

/// Waits for a process, and whether it died; one that goes on is stopped and did not.
async fn died(child: &mut Child, within: Duration) -> Outcome<bool> {
    let deadline = Instant::now() + within;
    loop {
        if let Some(status) = child.try_wait()? {
            return Ok(!status.success());
        }
        if Instant::now() > deadline {
            terminate(child)?;
            return Ok(false);
        }
        tokio::time::sleep(Duration::from_millis(2)).await;
    }
}

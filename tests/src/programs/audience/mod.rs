//! What it costs to find whom a notice concerns: the index alone, at two sizes with as many matches, and with the database that
//! it follows.
//!
//! `cargo run --release -p vigie-tests -- audience --subscriptions 100000 --notices 200`
//! prints one JSON object a measurement. `index`: subscriptions, bytes of each, seconds to file them, milliseconds a notice
//! (least, median, p99, most), how many are found and how many of these are concerned. `store`: milliseconds of the first notice
//! of a process, of one after a change, and of the others, each whole (verdict, transaction, deliveries).

mod population;

use std::io::Write;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use vigie_bot::setup::App;
use vigie_config::rules;
use vigie_domain::subscription::Candidate;
use vigie_domain::{Cadence, Filter};
use vigie_notifier::audience::Index;
use vigie_service::{Clock, ingest};
use vigie_store::people::AddressState;
use vigie_tests::service::{self, Outcome};

use population::{Country, Drawn};

/// Every so many subscriptions is tested against every notice, to see whether the index missed it.
const CHECKED: usize = 97;
/// How often each notice is looked up.
const REPEATS: usize = 20;

#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// Subscriptions, one a person; the index is also measured with a tenth of them
    #[arg(long, default_value_t = 100_000)]
    subscriptions: usize,
    /// Notices
    #[arg(long, default_value_t = 200)]
    notices: usize,
    #[arg(long, default_value_t = 20_261_121)]
    seed: u64,
    /// Folder with `subscriptions.jsonl` and `notices.jsonl` to take instead of drawing them; the first rows are the small set
    #[arg(long)]
    data: Option<PathBuf>,
    /// The index alone, without the database
    #[arg(long)]
    index_only: bool,
}

pub(crate) async fn run(args: &Args) -> Outcome<bool> {
    let small = args.subscriptions / 10;
    let (filters, notices) = match &args.data {
        Some(folder) => population::read(folder, args.subscriptions)?,
        None => {
            let mut country = Country::new(args.seed);
            let filters = (0..args.subscriptions).map(|n| country.filter(n < small)).collect();
            (filters, (0..args.notices).map(|n| country.notice(n)).collect())
        }
    };
    let mut missed = 0;
    for size in [small, args.subscriptions] {
        let (measured, lost) = index(&filters[..size.min(filters.len())], &notices);
        missed += lost;
        writeln!(std::io::stdout(), "{measured}")?;
    }
    if !args.index_only {
        writeln!(std::io::stdout(), "{}", store(&filters, &notices).await?)?;
    }
    Ok(missed == 0)
}

/// Measures the index alone; gives also how many of the subscriptions looked at it missed.
fn index(filters: &[Filter], notices: &[Drawn]) -> (Value, usize) {
    let began = Instant::now();
    let mut index = Index::default();
    for (person, filter) in (0..).zip(filters) {
        index.add(person, filter);
    }
    index.shrink();
    let filed = began.elapsed();
    let now = chrono::Utc::now();
    let (mut took, mut found, mut concerned, mut missed) = (Vec::new(), 0, 0, 0);
    for drawn in notices {
        let candidate = drawn.candidate(now);
        let mut people = Vec::new();
        for _ in 0..REPEATS {
            let began = Instant::now();
            people = std::hint::black_box(index.candidates(&candidate));
            took.push(began.elapsed());
        }
        let meets = |person: &u32| filters[*person as usize].test(&candidate).is_ok();
        found += people.len();
        concerned += people.iter().filter(|person| meets(person)).count();
        let looked_at = (0..u32::try_from(filters.len()).unwrap_or(u32::MAX)).step_by(CHECKED);
        missed += looked_at.filter(|p| meets(p) && people.binary_search(p).is_err()).count();
    }
    let a_notice = |n: usize| (100.0 * n as f64 / notices.len().max(1) as f64).round() / 100.0;
    let measured = json!({
        "measured": "index", "subscriptions": filters.len(), "bytes_each": index.bytes() / filters.len().max(1),
        "filed_s": seconds(filed), "ms": spread(took), "found": a_notice(found), "concerned": a_notice(concerned), "missed": missed,
    });
    (measured, missed)
}

/// Measures notices through the whole ingest, on a SQLite file of its own.
async fn store(filters: &[Filter], notices: &[Drawn]) -> Outcome<Value> {
    let dir = tempfile::tempdir()?;
    let path = dir.path().join("audience.sqlite");
    let app = service::start(&format!("sqlite:{}", path.display()), 9, 1, Clock::default()).await?;
    let began = Instant::now();
    fill(&path, filters)?;
    let filled = began.elapsed();
    let before = resident_kib();
    let began = Instant::now();
    app.service.audience.follow(&app.service.store).await?;
    let (read, memory) = (began.elapsed(), resident_kib().saturating_sub(before));
    let (mut after_change, mut others, mut told) = (Vec::new(), Vec::new(), 0);
    for (n, drawn) in notices.iter().enumerate() {
        let changed = n % 2 == 0;
        if changed {
            change(&app, n % filters.len().max(1)).await?;
        }
        let began = Instant::now();
        let outcome = ingest::ingest(&app.service, &drawn.notice, None).await?;
        (if changed { &mut after_change } else { &mut others }).push(began.elapsed());
        if let ingest::Outcome::Stored(people) = outcome {
            told += people;
        }
    }
    Ok(json!({
        "measured": "store", "subscriptions": filters.len(), "filled_s": seconds(filled), "first_read_s": seconds(read),
        "first_read_memory_kib": memory, "told": told, "ms_after_a_change": spread(after_change), "ms_otherwise": spread(others),
    }))
}

/// Writes people with one address and one subscription each, as one statement after another: through the store each would be
/// durable by itself.
fn fill(path: &std::path::Path, filters: &[Filter]) -> Outcome<()> {
    let mut database = rusqlite::Connection::open(path)?;
    let tx = database.transaction()?;
    {
        let number = "SELECT CAST(value AS BIGINT) FROM meta WHERE key = 'subscription_version'";
        let first: i64 = tx.query_row(number, [], |row| row.get(0))?;
        let mut person = tx.prepare(
            "INSERT INTO subscriber (id, name, role, profile, created, number) VALUES (?1, ?1, 'structure', '{}', 0, ?2)",
        )?;
        let mut address = tx.prepare(
            "INSERT INTO address (id, subscriber_id, channel, value, state, created) VALUES ('a' || ?1, ?1, 'email', ?1 || '@x.example', ?2, 0)",
        )?;
        let mut subscription = tx.prepare(
            "INSERT INTO subscription (id, subscriber_id, filter, cadence, created) VALUES ('s' || ?1, ?1, ?2, ?3, 0)",
        )?;
        for (n, filter) in (first + 1..).zip(filters) {
            let id = format!("person-{n}");
            person.execute(rusqlite::params![id, n])?;
            address.execute(rusqlite::params![id, AddressState::Active.as_str()])?;
            let filter = serde_json::to_string(filter)?;
            subscription.execute(rusqlite::params![id, filter, Cadence::Instant.to_string()])?;
        }
        let last = first + i64::try_from(filters.len())? + 1;
        tx.execute("UPDATE meta SET value = ?1 WHERE key = 'subscription_version'", [last.to_string()])?;
        tx.execute("UPDATE meta SET value = ?1 WHERE key = 'forgotten_changes'", [last.to_string()])?;
    }
    tx.commit()?;
    Ok(())
}

/// Someone changes one of their subscriptions.
async fn change(app: &App, person: usize) -> Outcome<()> {
    let mut all = app.service.store.filters_after((0, ""), i64::try_from(person + 1)?).await?;
    let Some(one) = all.pop() else { return Ok(()) };
    let filter = Filter { min_score: 99, ..one.filter };
    app.service.store.set_filter(&one.subscription, &filter).await?;
    Ok(())
}

impl Drawn {
    fn candidate(&self, now: chrono::DateTime<chrono::Utc>) -> Candidate<'_> {
        Candidate {
            notice: &self.notice,
            assessment: &self.assessment,
            folded: &self.folded,
            now,
            communes: rules::communes,
        }
    }
}

fn spread(mut took: Vec<Duration>) -> Value {
    took.sort_unstable();
    let ms = |share: usize| {
        let at = took.get((took.len() * share / 100).min(took.len().saturating_sub(1)));
        (at.copied().unwrap_or_default().as_secs_f64() * 1e6).round() / 1000.0
    };
    json!({"least": ms(0), "median": ms(50), "p99": ms(99), "most": ms(100)})
}

fn seconds(took: Duration) -> f64 {
    (took.as_secs_f64() * 1000.0).round() / 1000.0
}

/// Memory of this process that is in use, in KiB.
fn resident_kib() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|l| l.strip_prefix("VmRSS:"));
    line.and_then(|l| l.split_whitespace().next()?.parse().ok()).unwrap_or(0)
}

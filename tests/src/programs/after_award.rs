//! `after-award`: three years of calls, awards and contracts that end, 200 structures, a simulated clock: how many offers of service and
//! lines about ends each gets a month, whether any comes twice, and whether any comes after « refusé ».
//!
//! `cargo run --release -p vigie-tests -- after-award [--quick]` gives each recorded BOAMP title below `VIGIE_SHARED` a call, with a clause
//! in one of four and a reservation in one of ten; most are awarded some months later for one to four years, by a notice or by
//! essential data, and some are called again before their end. Structures answer a part of what they get. Prints one line and one JSON
//! object; ends with exit code 1 if a structure gets more than two offers or two lines in any 30 days, one twice, or one after a
//! refusal. Skips, in words, where the data is not there.

use std::collections::{BTreeMap, BTreeSet};
use std::io::Write;
use std::sync::Arc;
use std::time::{Duration, Instant};

use chrono::{DateTime, Days, NaiveDate, TimeDelta, Utc};
use serde_json::{Value, json};
use vigie_bot::roles::scheduler;
use vigie_bot::setup::App;
use vigie_delivery::worker;
use vigie_domain::award::{Award, ContractData};
use vigie_domain::subscription::{Profile, Role};
use vigie_domain::{
    AlertKind, Cadence, Channel, Company, DateKind, DeliveryState, Department, Filter, Notice, NoticeKind, OfferStage,
    Passage, ServiceOffer, StructureKind, Subscriber, TypedDate,
};
use vigie_notifier::card::Why;
use vigie_service::after_award::offers;
use vigie_service::{Clock, ingest};
use vigie_store::Store;
use vigie_store::people::{AddressState, NewSubscriber};
use vigie_tests::servers::{Database, Engine};
use vigie_tests::service::{self, Outcome};
use vigie_tests::shared;
use vigie_tests::sink::{Reaction, Sink};

#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// A short run: 40 structures, 300 calls
    #[arg(long)]
    quick: bool,
    /// Structures
    #[arg(long, default_value_t = 200)]
    structures: usize,
    /// Calls over all years, at most
    #[arg(long, default_value_t = 6_000)]
    calls: usize,
    /// Years
    #[arg(long, default_value_t = 3)]
    years: u64,
}

/// Most offers, and most lines, that a structure may get in a window of 30 days.
const BAR: usize = 2;
/// Days of the window.
const MONTH: i64 = 30;

pub(crate) async fn run(args: &Args) -> Outcome<bool> {
    let Some(path) = shared::data("data/boamp/summaries_real_10000.jsonl") else { return Ok(true) };
    let (line, report, good) = replay(args, &path).await?;
    writeln!(std::io::stdout(), "{line}\n{report}")?;
    Ok(good)
}

async fn replay(args: &Args, path: &std::path::Path) -> Outcome<(String, Value, bool)> {
    let (structures, most) = if args.quick { (40, 300) } else { (args.structures, args.calls) };
    let summaries: Vec<Value> =
        std::fs::read_to_string(path)?.lines().take(most).map(serde_json::from_str).collect::<Result<_, _>>()?;
    let start = NaiveDate::from_ymd_opt(2026, 1, 5).unwrap_or_default();
    let days = args.years * 365;
    let mut notices: Vec<(NaiveDate, Notice)> =
        summaries.iter().enumerate().flat_map(|(n, s)| story(n, s, start, days, summaries.len())).collect();
    notices.sort_by_key(|(at, notice)| (*at, notice.key()));
    let database = Database::start(Engine::Sqlite)?;
    let sink = Sink::start("", |_| Reaction::Accept).await?;
    let app = Arc::new(service::start(&database.url, sink.port, 4, Clock::fixed(at(start))).await?);
    subscribe(&app, structures).await?;
    let refused = live(&app, &notices, start, days).await?;
    let found = Findings::of(&app, &refused).await?;
    app.service.store.close().await;
    Ok(found.report(structures, notices.len(), days))
}

fn at(day: NaiveDate) -> DateTime<Utc> {
    day.and_hms_opt(7, 30, 0).unwrap_or_default().and_utc()
}

/// A number out of a place and a salt, the same at every run.
fn dice(n: usize, salt: usize, sides: usize) -> usize {
    let mixed = (n.wrapping_mul(2_654_435_761) ^ salt.wrapping_mul(40_503)).wrapping_mul(2_246_822_519);
    (mixed >> 13) % sides
}

const DEPARTMENTS: [&str; 6] = ["59", "84", "33", "69", "13", "35"];

/// A call, its award, its essential data, perhaps the call after it.
fn story(n: usize, summary: &Value, start: NaiveDate, days: u64, of: usize) -> Vec<(NaiveDate, Notice)> {
    let text = |key: &str| summary[key].as_str().unwrap_or_default().to_owned();
    let published = start + Days::new(n as u64 * days / of.max(1) as u64);
    let buyer = 100_000_000 + n % 400;
    let call = |id: String, day: NaiveDate| {
        let mut notice = Notice::new("boamp", id, NoticeKind::Call);
        notice.title = text("objet");
        notice.buyer.name = format!("{} {}", text("nomacheteur"), n % 400);
        notice.buyer.siret = Some(format!("{buyer}00012"));
        notice.departments = Department::parse(DEPARTMENTS[dice(n, 1, 6)]).into_iter().collect();
        notice.published = Some(day);
        let closes = (at(day) + TimeDelta::days(28)).fixed_offset();
        notice.dates = vec![TypedDate::of_field(DateKind::Tender, (closes, true), "date")];
        notice.duration_months = Some([12.0, 24.0, 36.0, 48.0][dice(n, 2, 4)]);
        let says = match (dice(n, 3, 4), dice(n, 4, 10)) {
            (0, _) => {
                "Clause sociale d’insertion : le titulaire réserve 300 heures de travail à des personnes éloignées de l’emploi."
            }
            (_, 0) => "Marché réservé aux structures d’insertion par l’activité économique (article L2113-13).",
            _ => "Les offres sont à remettre sur le profil d’acheteur.",
        };
        notice.passages = vec![Passage { field: "texte".into(), lot: None, text: says.into() }];
        notice
    };
    let first = call(format!("c{n}"), published);
    let holder = Company {
        id: Some(format!("{}00011", 300_000_000 + n % 900)),
        ..Company::named(format!("Entreprise {}", n % 900))
    };
    let awarded = published + Days::new(60 + dice(n, 5, 90) as u64);
    let mut award = Notice::new("boamp", format!("a{n}"), NoticeKind::Award);
    award.title.clone_from(&first.title);
    award.buyer = first.buyer.clone();
    award.links.earlier = vec![format!("c{n}")];
    award.published = Some(awarded);
    award.awards = vec![Award { amount: Some(90_000.0), ..Award::to(None, vec![Company::named(holder.name.clone())]) }];
    let mut data = Notice::new("decp", format!("d{n}"), NoticeKind::Award);
    data.title.clone_from(&first.title);
    data.buyer = first.buyer.clone();
    data.published = Some(awarded);
    let contract = ContractData {
        number: Some(format!("2026-{n}")),
        notified: Some(awarded),
        months: first.duration_months,
        ..ContractData::default()
    };
    data.awards =
        vec![Award { amount: Some(91_000.0), contract: Some(Box::new(contract)), ..Award::to(None, vec![holder]) }];
    let mut out = vec![(published, first)];
    // One in three has an award, one in two its data, one in ten neither.
    if dice(n, 6, 10) > 0 {
        if dice(n, 7, 3) == 0 {
            out.push((awarded, award));
        }
        if dice(n, 8, 2) == 0 {
            out.push((awarded + Days::new(20 + dice(n, 9, 40) as u64), data));
        }
        if dice(n, 10, 4) == 0 {
            let again = awarded + Days::new(200 + dice(n, 11, 200) as u64);
            out.push((again, call(format!("r{n}"), again)));
            // Half of them are won in turn.
            if dice(n, 12, 2) == 0 {
                let mut won = Notice::new("boamp", format!("b{n}"), NoticeKind::Award);
                won.title = text("objet");
                won.links.earlier = vec![format!("r{n}")];
                won.published = Some(again + Days::new(80));
                let winner = Company::named(format!("Entreprise {}", (n + 1) % 900));
                won.awards = vec![Award::to(None, vec![winner])];
                out.push((again + Days::new(80), won));
            }
        }
    }
    out
}

async fn subscribe(app: &App, count: usize) -> Outcome<()> {
    let rules = vigie_config::rules::Rules::embedded();
    let mut sectors: Vec<String> = rules.sectors().map(|(slug, _)| slug.to_owned()).collect();
    sectors.sort();
    let kinds = [
        StructureKind::Ei,
        StructureKind::Aci,
        StructureKind::Ai,
        StructureKind::Etti,
        StructureKind::Ea,
        StructureKind::Esat,
    ];
    let now = app.service.clock.now();
    for n in 0..count {
        let id = format!("s{n:03}");
        let departments: Vec<Department> =
            (0..2).filter_map(|k| Department::parse(DEPARTMENTS[(n + k) % DEPARTMENTS.len()])).collect();
        // One in five asks for every trade.
        let sectors: Vec<String> = if n % 5 == 0 {
            Vec::new()
        } else {
            (0..4).map(|k| sectors[(n * 7 + k * 31) % sectors.len()].clone()).collect()
        };
        let filter = Filter { sectors: sectors.clone(), departments: departments.clone(), ..Filter::default() };
        let profile = Profile { kind: Some(kinds[n % kinds.len()]), sectors, departments, ..Profile::default() };
        let subscriber = Subscriber { id: id.clone(), name: id.clone(), role: Role::Structure, profile };
        let addresses = vec![(Channel::Email, format!("{id}@x.example"), AddressState::Active)];
        app.service.store.put_subscriber(&NewSubscriber { subscriber, addresses, declared: false }, now).await?;
        app.service.store.put_subscription(&id, &filter, Cadence::Daily, now).await?;
    }
    Ok(())
}

/// (structure, procedure, lot) → when it refused.
type Refused = BTreeMap<(String, String, String), DateTime<Utc>>;

/// Day by day; every third structure answers what it got: refused, contacted or won in turn.
async fn live(app: &Arc<App>, notices: &[(NaiveDate, Notice)], start: NaiveDate, days: u64) -> Outcome<Refused> {
    let mut next = notices.iter().peekable();
    let mut refused = Refused::new();
    let store = &app.service.store;
    let mut took = [Duration::ZERO; 3];
    for day in 0..days {
        let today = start + Days::new(day);
        let now = at(today);
        app.service.clock.set(now);
        let began = Instant::now();
        while let Some((_, notice)) = next.next_if(|(at, _)| *at <= today) {
            ingest::ingest(&app.service, notice, None).await?;
        }
        let ingested = Instant::now();
        scheduler::run(&app.service, now).await.map_err(|f| f.to_string())?;
        let scheduled = Instant::now();
        worker::drain(&app.delivery).await.map_err(|f| f.to_string())?;
        for (sum, one) in took.iter_mut().zip([ingested - began, scheduled - ingested, scheduled.elapsed()]) {
            *sum += one;
        }
        if (day + 1).is_multiple_of(MONTH.unsigned_abs()) {
            let [ingest, scheduler, sending] = took.map(|t| t.as_secs_f64());
            let line =
                format!("day {}: ingest {ingest:.1} s, scheduler {scheduler:.1} s, sending {sending:.1} s", day + 1);
            writeln!(std::io::stderr(), "{line}")?;
        }
        if day % 7 != 0 {
            continue;
        }
        for offer in unanswered(store, now).await? {
            let n: usize = offer.structure.trim_start_matches('s').parse()?;
            let Some(person) = store.subscriber(&offer.structure).await? else { continue };
            let stage = OfferStage::ANSWERS[dice(n, day as usize, 3)];
            offers::answer(&app.service, &person, (&offer.procedure, &offer.lot), stage, "essai").await?;
            if stage == OfferStage::Declined {
                refused.insert((offer.structure, offer.procedure, offer.lot), now);
            }
        }
    }
    Ok(refused)
}

/// The offers of every third structure that it was told of three days ago and did not answer.
async fn unanswered(store: &Store, now: DateTime<Utc>) -> Outcome<Vec<ServiceOffer>> {
    let mut out = Vec::new();
    for person in store.subscribers().await? {
        let n: usize = person.id.trim_start_matches('s').parse()?;
        if n.is_multiple_of(3) {
            let mine = store.service_offers_of(&person.id, i64::MAX).await?;
            let waits = |o: &ServiceOffer| o.stage == OfferStage::Told && o.at <= now - TimeDelta::days(3);
            out.extend(mine.into_iter().filter(waits));
        }
    }
    Ok(out)
}

/// What the years brought.
#[derive(Default)]
struct Findings {
    /// When each structure got an offer, and when a line.
    offers: BTreeMap<String, Vec<DateTime<Utc>>>,
    lines: BTreeMap<String, Vec<DateTime<Utc>>>,
    reminders: usize,
    /// Each thing told a second time: to whom, of what.
    twice: Vec<String>,
    after_refusal: usize,
}

impl Findings {
    async fn of(app: &App, refused: &Refused) -> Outcome<Self> {
        let mut found = Self::default();
        // (structure, procedure, lot, what) → told before.
        let mut told: BTreeSet<(String, String, String, String)> = BTreeSet::new();
        for delivery in app.service.store.deliveries(Some(DeliveryState::Sent), i64::MAX).await?.into_iter().rev() {
            let items = app.service.store.items_of(&delivery.id, &delivery.subscriber, &delivery.cause).await?;
            for item in items.iter().filter(|i| i.alert_kind.follows_award()) {
                let why: Why = serde_json::from_str(&item.reasons)?;
                let (who, at) = (delivery.subscriber.clone(), delivery.settled_at.unwrap_or(delivery.created));
                let lot = why.lot.unwrap_or_default();
                let remark = why.remark.unwrap_or_default();
                let reminds = remark.starts_with("Rappel") || remark.starts_with("Vous avez contacté");
                let what = match item.alert_kind {
                    AlertKind::Offer if reminds => "reminder".to_owned(),
                    AlertKind::Offer => "offer".to_owned(),
                    // The same end, so many months ahead.
                    _ => format!("renewal {}", at.date_naive().format("%Y-%m")),
                };
                let key = (who.clone(), item.procedure.clone(), lot.clone());
                found.after_refusal += usize::from(refused.get(&key).is_some_and(|said| *said < at));
                if !told.insert((key.0, key.1, key.2, what.clone())) {
                    found.twice.push(format!("{who} {} {lot:?} {what} {at}: {remark}", item.procedure));
                }
                match item.alert_kind {
                    AlertKind::Offer if what == "reminder" => found.reminders += 1,
                    AlertKind::Offer => found.offers.entry(who).or_default().push(at),
                    AlertKind::Renewal => found.lines.entry(who).or_default().push(at),
                    _ => {}
                }
            }
        }
        Ok(found)
    }

    fn report(&self, structures: usize, notices: usize, days: u64) -> (String, Value, bool) {
        let (offers, lines) = (busiest(&self.offers), busiest(&self.lines));
        let total = |all: &BTreeMap<String, Vec<DateTime<Utc>>>| all.values().map(Vec::len).sum::<usize>();
        let a_month = |n: usize| n as f64 / structures.max(1) as f64 / (days as f64 / 30.4);
        let good = offers <= BAR && lines <= BAR && self.twice.is_empty() && self.after_refusal == 0;
        let report = json!({
            "structures": structures, "days": days, "notices": notices, "offers": total(&self.offers), "lines": total(&self.lines),
            "reminders": self.reminders, "offers_a_structure_and_month": a_month(total(&self.offers)),
            "lines_a_structure_and_month": a_month(total(&self.lines)), "most_offers_in_30_days": offers,
            "most_lines_in_30_days": lines, "twice": self.twice, "after_refusal": self.after_refusal,
        });
        let line = format!(
            "after-award: {structures} structures, {days} days, {} offers (at most {offers} in 30 days), {} lines (at most {lines}), twice={}, after refusal={}: {}",
            total(&self.offers),
            total(&self.lines),
            self.twice.len(),
            self.after_refusal,
            if good { "ok" } else { "MISSED" }
        );
        (line, report, good)
    }
}

/// Most of them that one structure got in any 30 days.
fn busiest(all: &BTreeMap<String, Vec<DateTime<Utc>>>) -> usize {
    let within = |times: &Vec<DateTime<Utc>>| {
        times
            .iter()
            .map(|from| times.iter().filter(|t| **t >= *from && **t - *from < TimeDelta::days(MONTH)).count())
            .max()
            .unwrap_or(0)
    };
    all.values().map(within).max().unwrap_or(0)
}

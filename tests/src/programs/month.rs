//! `month`: a month of real notices, 200 people of mixed roles, a simulated clock: who was told what, how often, and what was
//! missed.
//!
//! `cargo run --release -p vigie-tests -- month [--quick]` replays the recorded BOAMP summaries below `VIGIE_SHARED` as
//! one month (that many appear in one), each with its own time to answer, and among them recorded notices in full, of which
//! one in fifteen is reserved or bears a clause; one in twenty is published again with another deadline. Prints one line and one JSON object, and ends with exit code 1 if a message was doubled or missed, if a
//! structure was told of what its kind cannot answer, if the journal leaves something unexplained, or if structures at default
//! settings get more than two alerts a week. Skips, in
//! words, where the data is not there.
//!
//! What should have been told is found by `matches` and `may_answer`, written apart from the filters of the service: one lot must be
//! what somebody asked for and what their kind can answer.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::io::Write;
use std::sync::Arc;

use chrono::{DateTime, NaiveDate, TimeDelta, Utc};
use serde_json::{Value, json};
use vigie_bot::roles::scheduler;
use vigie_bot::setup::App;
use vigie_delivery::worker;
use vigie_domain::assessment::AssessedLot;
use vigie_domain::subscription::{Profile, Role};
use vigie_domain::{
    Access, AlertKind, Assessment, Beneficiary, Cadence, Channel, DateKind, DeliveryState, Department, Disposition,
    Filter, Notice, NoticeKind, Passage, Provision, ProvisionKind, StructureKind, Subscriber, TypedDate, access,
};
use vigie_service::Clock;
use vigie_service::ingest;
use vigie_store::people::{AddressState, NewSubscriber};
use vigie_tests::servers::{Database, Engine};
use vigie_tests::service::{self, Outcome};
use vigie_tests::shared;
use vigie_tests::sink::{Reaction, Sink};

#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// A short month: 400 notices, 40 people
    #[arg(long)]
    quick: bool,
    /// People
    #[arg(long, default_value_t = 200)]
    people: usize,
    /// Notices, at most
    #[arg(long, default_value_t = 10_000)]
    notices: usize,
    /// Most alerts a structure may get in a week at default settings, on average
    #[arg(long, default_value_t = 2.0)]
    weekly: f64,
}

/// Days of the month.
const DAYS: usize = 30;
/// Days on which nothing is published any more: weekly digests still come.
const AFTER: usize = 8;
/// One notice in so many is published again.
const AGAIN: usize = 20;
/// Hours of the day at which the service looks at the clock, UTC.
const HOURS: std::ops::RangeInclusive<u32> = 5..=20;

pub(crate) async fn run(args: &Args) -> Outcome<bool> {
    let Some(path) = shared::data("data/boamp/summaries_real_10000.jsonl") else { return Ok(true) };
    let (line, report, good) = replay(args, &path).await?;
    writeln!(std::io::stdout(), "{line}\n{report}")?;
    Ok(good)
}

/// Someone who subscribes, and what they asked for.
struct Person {
    id: String,
    role: Role,
    /// The kind of their structure, where they speak for one.
    kind: Option<StructureKind>,
    filter: Filter,
    cadence: Cadence,
}

async fn replay(args: &Args, path: &std::path::Path) -> Outcome<(String, Value, bool)> {
    let (people, most) = if args.quick { (40, 400) } else { (args.people, args.notices) };
    let summaries: Vec<Value> =
        std::fs::read_to_string(path)?.lines().take(most).map(serde_json::from_str).collect::<Result<_, _>>()?;
    let start =
        NaiveDate::from_ymd_opt(2026, 3, 2).unwrap_or_default().and_hms_opt(0, 0, 0).unwrap_or_default().and_utc();
    let whole: Vec<Value> = match shared::data("gold/notices.jsonl") {
        Some(path) => std::fs::read_to_string(path)?.lines().map(serde_json::from_str).collect::<Result<_, _>>()?,
        None => Vec::new(),
    };
    let mut notices = plan(&summaries, start, notice);
    notices.extend(plan(&whole, start, in_full));
    notices.sort_by(|a, b| (a.0, &a.1.record_id).cmp(&(b.0, &b.1.record_id)));
    let database = Database::start(Engine::Sqlite)?;
    let sink = Sink::start("", |_| Reaction::Accept).await?;
    let app = Arc::new(service::start(&database.url, sink.port, 4, Clock::fixed(start)).await?);
    let people = subscribe(&app, people).await?;
    let app = live(app, &notices, start).await?;
    let found = Findings::of(&app, &people, sink.count()).await?;
    app.service.store.close().await;
    Ok(found.report(&people, notices.len(), args.weekly))
}

/// Which notice appears when: in the order of the record, spread over the month; some again three days later.
fn plan(
    records: &[Value],
    start: DateTime<Utc>,
    read: fn(&Value, DateTime<Utc>) -> Notice,
) -> Vec<(DateTime<Utc>, Notice)> {
    let mut out = Vec::new();
    for (n, record) in records.iter().enumerate() {
        let day = n * DAYS / records.len().max(1);
        let at = start + TimeDelta::days(day as i64) + TimeDelta::hours(6 + (n % 12) as i64);
        let notice = read(record, at);
        if n % AGAIN == 0 && day + 3 < DAYS {
            let mut again = notice.clone();
            again.dates.iter_mut().for_each(|d| d.at += TimeDelta::days(7));
            out.push((at + TimeDelta::days(3), again));
        }
        out.push((at, notice));
    }
    out
}

/// A notice in full: its words, but for those that say by when its own year wanted an answer.
fn in_full(record: &Value, at: DateTime<Utc>) -> Notice {
    let text = record["text"].as_str().unwrap_or_default();
    let lines: Vec<&str> = text.lines().filter(|l| !l.contains("imite") && !l.contains("Deadline")).collect();
    let mut notice = Notice::new("full", record["id"].as_str().unwrap_or_default(), NoticeKind::Call);
    let object = lines.iter().skip_while(|l| !l.starts_with("Objet du marché")).nth(1);
    let title = object.or_else(|| lines.iter().find(|l| l.chars().count() > 40)).or(lines.first());
    notice.title = title.map(|t| (*t).to_owned()).unwrap_or_default();
    let code = text.split_once("Dépt. :").and_then(|(_, rest)| rest.split_whitespace().next());
    notice.departments = code.and_then(Department::parse).into_iter().collect();
    notice.passages = vec![Passage { field: "texte".to_owned(), text: lines.join("\n"), lot: None }];
    notice.dates = vec![closing(at + TimeDelta::days(21))];
    notice
}

fn closing(at: DateTime<Utc>) -> TypedDate {
    TypedDate {
        kind: DateKind::Tender,
        at: at.fixed_offset(),
        has_time: true,
        mandatory: false,
        quote: None,
        field: None,
        lot: None,
    }
}

fn notice(summary: &Value, at: DateTime<Utc>) -> Notice {
    let text = |key: &str| summary[key].as_str().unwrap_or_default().to_owned();
    let mut notice = Notice::new("boamp", text("idweb"), NoticeKind::Call);
    notice.title = text("objet");
    let buyer = text("nomacheteur");
    // « Ville d’Orange (84) » names its département.
    let code = buyer.rsplit_once('(').and_then(|(_, rest)| Department::parse(rest.trim_end_matches(')').trim()));
    notice.departments = code.into_iter().collect();
    notice.buyer.name = buyer;
    notice.url = Some(text("url_avis"));
    let published = text("dateparution").parse::<NaiveDate>();
    let deadline = DateTime::parse_from_rfc3339(&text("datelimitereponse"));
    if let (Ok(published), Ok(deadline)) = (published, deadline) {
        let lead = deadline.with_timezone(&Utc) - published.and_hms_opt(6, 0, 0).unwrap_or_default().and_utc();
        notice.dates = vec![closing(at + lead)];
    }
    notice
}

/// People of every role, with trades and territories taken in turn.
async fn subscribe(app: &App, count: usize) -> Outcome<Vec<Person>> {
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
    let departments: Vec<Department> =
        ["59", "84", "33", "69", "13", "35"].into_iter().filter_map(Department::parse).collect();
    let mut people = Vec::new();
    for n in 0..count {
        let role = match n % 20 {
            0..=13 => Role::Structure,
            14..=16 => Role::Facilitator,
            17 => Role::Network,
            _ => Role::Subscriber,
        };
        let kind = (role == Role::Structure).then(|| kinds[n % kinds.len()]);
        let mut filter = Filter::default();
        match role {
            Role::Facilitator => {
                filter.departments = vec![departments[n % departments.len()].clone()];
                filter.provisions =
                    vec![ProvisionKind::ExecutionClause, ProvisionKind::Reserved, ProvisionKind::InsertionService];
            }
            _ => {
                filter.sectors = (0..3).map(|k| sectors[(n * 7 + k * 31) % sectors.len()].clone()).collect();
                if n % 3 == 0 {
                    filter.departments = (0..3).map(|k| departments[(n + k) % departments.len()].clone()).collect();
                }
            }
        }
        let cadence = match role {
            Role::Structure => Cadence::default_for(role, kind),
            Role::Subscriber if n % 40 < 20 => Cadence::Weekly,
            Role::Subscriber => "2d".parse()?,
            _ => Cadence::Daily,
        };
        let id = format!("p{n:03}");
        let profile = Profile {
            kind,
            sectors: filter.sectors.clone(),
            departments: filter.departments.clone(),
            ..Profile::default()
        };
        let subscriber = Subscriber { id: id.clone(), name: id.clone(), role, profile };
        let addresses = vec![(Channel::Email, format!("{id}@x.example"), AddressState::Active)];
        let now = app.service.clock.now();
        app.service.store.put_subscriber(&NewSubscriber { subscriber, addresses, declared: false }, now).await?;
        app.service.store.put_subscription(&id, &filter, cadence, now).await?;
        people.push(Person { id, role, kind, filter, cadence });
    }
    Ok(people)
}

/// The month, hour by hour.
async fn live(app: Arc<App>, notices: &[(DateTime<Utc>, Notice)], start: DateTime<Utc>) -> Outcome<Arc<App>> {
    let mut next = notices.iter().peekable();
    for day in 0..DAYS + AFTER {
        for hour in HOURS {
            let now = start + TimeDelta::days(day as i64) + TimeDelta::hours(hour.into());
            app.service.clock.set(now);
            while let Some((_, notice)) = next.next_if(|(at, _)| *at <= now) {
                ingest::ingest(&app.service, notice, None).await?;
            }
            scheduler::run(&app.service, now).await.map_err(|f| f.to_string())?;
            worker::drain(&app.delivery).await.map_err(|f| f.to_string())?;
        }
    }
    Ok(app)
}

/// Whether a notice is what a person asked for: any of each list, all lists, and all of one lot, which a structure of their kind can
/// answer where they speak for one. What names no place may be anywhere; a trade that no lot names is any lot's. Results come to who
/// asks for them alone, which nobody does here.
fn matches(filter: &Filter, kind: Option<StructureKind>, a: &Assessment) -> bool {
    if a.notice_kind.is_result() || a.notice_kind == NoticeKind::Event {
        return false;
    }
    let of_no_lot = |s: &&String| !a.lots.iter().any(|l| l.sectors.contains(s));
    let common: BTreeSet<&String> = a.sectors.iter().filter(of_no_lot).chain(&a.side_sectors).collect();
    let part = |lot: Option<&AssessedLot>| {
        let own = lot.map(|l| l.sectors.as_slice()).unwrap_or_default();
        let place = lot.map(|l| l.departments.as_slice()).filter(|d| !d.is_empty()).unwrap_or(&a.departments);
        let covers = |p: &&Provision| p.covers(lot.map(|l| l.id.as_str()));
        let any = |wanted: bool, met: bool| !wanted || met;
        any(!filter.sectors.is_empty(), filter.sectors.iter().any(|s| own.contains(s) || common.contains(s)))
            && any(
                !filter.departments.is_empty() && !place.is_empty(),
                filter.departments.iter().any(|d| place.contains(d)),
            )
            && any(
                !filter.provisions.is_empty(),
                a.provisions.iter().filter(covers).any(|p| filter.provisions.contains(&p.kind)),
            )
            && kind.is_none_or(|kind| may_answer_lot(kind, a, lot))
    };
    if a.lots.is_empty() { part(None) } else { a.lots.iter().any(|lot| part(Some(lot))) }
}

/// Whether a structure of that kind can answer some lot.
fn may_answer(kind: StructureKind, a: &Assessment) -> bool {
    if a.lots.is_empty() {
        may_answer_lot(kind, a, None)
    } else {
        a.lots.iter().any(|l| may_answer_lot(kind, a, Some(l)))
    }
}

/// Whether a structure of that kind can answer a lot (`None` = the undivided whole): the law of reserved contracts, and what the kind
/// supplies.
fn may_answer_lot(kind: StructureKind, a: &Assessment, lot: Option<&AssessedLot>) -> bool {
    use Beneficiary::{Disability, Insertion, Prison, SocialEconomy, Unspecified};
    use StructureKind::{Aci, Ai, Ea, Eatt, Ei, Eiti, Esat, Etti, Geiq, Sep};
    let open_to = |to: Beneficiary| match kind {
        Ea | Eatt | Esat => !matches!(to, Insertion | Prison),
        Ei | Ai | Aci | Etti | Eiti => !matches!(to, Disability | Prison),
        Geiq => matches!(to, SocialEconomy | Unspecified),
        Sep => matches!(to, Prison | Unspecified),
    };
    let covers = |p: &&Provision| p.kind == ProvisionKind::Reserved && p.covers(lot.map(|l| l.id.as_str()));
    let reserved: Vec<Beneficiary> =
        a.provisions.iter().filter(covers).map(|p| p.beneficiary.unwrap_or(Unspecified)).collect();
    let lawful = reserved.is_empty() || reserved.iter().any(|to| open_to(*to));
    lawful && access::of_lot(kind, a, lot).is_some_and(|can| can != Access::Closed)
}

/// What the month brought.
#[derive(Default)]
struct Findings {
    messages: usize,
    arrived: usize,
    /// Alerts that came at once, by person.
    alerts: HashMap<String, usize>,
    /// Most messages of one person on one day.
    busiest: usize,
    items: usize,
    /// Things told to a structure whose kind cannot answer them.
    cannot_answer: usize,
    missed: usize,
    duplicated: usize,
    unexpected: usize,
    suppressed: usize,
    unexplained: usize,
}

impl Findings {
    async fn of(app: &App, people: &[Person], arrived: usize) -> Outcome<Self> {
        let mut found = Self { arrived, ..Self::default() };
        // (person, notice) → how often it was told as news.
        let mut told: BTreeMap<(String, String), usize> = BTreeMap::new();
        let mut days: HashMap<(String, NaiveDate), usize> = HashMap::new();
        for delivery in app.service.store.deliveries(Some(DeliveryState::Sent), i64::MAX).await? {
            found.messages += 1;
            let day = delivery.settled_at.unwrap_or(delivery.created).date_naive();
            *days.entry((delivery.subscriber.clone(), day)).or_default() += 1;
            let items = app.service.store.items_of(&delivery.id, &delivery.subscriber, &delivery.cause).await?;
            if !delivery.cause.is_digest() && items.iter().any(|i| !i.document.is_empty()) {
                *found.alerts.entry(delivery.subscriber.clone()).or_default() += 1;
            }
            for item in items.iter().filter(|i| matches!(i.alert_kind, AlertKind::New | AlertKind::Correction)) {
                let notice: Notice = serde_json::from_str(&item.document)?;
                let verdict: Assessment = serde_json::from_str(&item.assessment)?;
                let kind = people.iter().find(|p| p.id == delivery.subscriber).and_then(|p| p.kind);
                found.cannot_answer += usize::from(kind.is_some_and(|kind| !may_answer(kind, &verdict)));
                found.items += 1;
                let times = told.entry((delivery.subscriber.clone(), notice.key())).or_default();
                *times += usize::from(item.alert_kind == AlertKind::New);
            }
        }
        found.busiest = days.values().copied().max().unwrap_or(0);
        found.compare(app, people, &told).await?;
        Ok(found)
    }

    async fn compare(&mut self, app: &App, people: &[Person], told: &BTreeMap<(String, String), usize>) -> Outcome<()> {
        self.duplicated = told.values().filter(|n| **n > 1).count();
        let mut pages = app.service.store.notices_since(DateTime::UNIX_EPOCH);
        while let Some(page) = pages.next().await? {
            for row in &page {
                for person in people {
                    let wanted = matches(&person.filter, person.kind, &row.assessment);
                    let got = told.contains_key(&(person.id.clone(), row.id.clone()));
                    if wanted == got {
                        continue;
                    }
                    let shares = app.service.store.notifications(&person.id, &row.procedure).await?;
                    // Told under another notice of the same procedure, or held back: the journal must say so.
                    let silent = |d: Disposition| matches!(d, Disposition::Duplicate | Disposition::Baseline);
                    let held = shares.iter().find(|s| s.notice == row.id && silent(s.disposition));
                    match (wanted, held) {
                        (true, Some(share)) => {
                            self.suppressed += 1;
                            self.unexplained += usize::from(!share.reasons.contains("\"note\":\""));
                        }
                        (true, None) => {
                            self.missed += 1;
                            writeln!(std::io::stderr(), "{} was not told of {}: {shares:?}", person.id, row.id)?;
                        }
                        (false, _) => {
                            self.unexpected += 1;
                            writeln!(std::io::stderr(), "{} was told of {}: {shares:?}", person.id, row.id)?;
                        }
                    }
                }
            }
        }
        Ok(())
    }

    fn report(&self, people: &[Person], notices: usize, weekly: f64) -> (String, Value, bool) {
        let weeks = DAYS as f64 / 7.0;
        let structures: Vec<&Person> = people.iter().filter(|p| p.role == Role::Structure).collect();
        let rate = |p: &&Person| self.alerts.get(&p.id).copied().unwrap_or(0) as f64 / weeks;
        let most = structures.iter().map(rate).fold(0.0, f64::max);
        let mean = structures.iter().map(rate).sum::<f64>() / structures.len().max(1) as f64;
        let a_day = self.messages as f64 / (people.len() * (DAYS + AFTER)) as f64;
        let good = self.missed == 0
            && self.duplicated == 0
            && self.unexpected == 0
            && self.unexplained == 0
            && self.cannot_answer == 0
            && self.arrived == self.messages
            && most <= weekly;
        let line = format!(
            "notices={notices} people={} messages={} per_person_day={a_day:.2} alerts_per_structure_week={mean:.2} (most {most:.2}) cannot_answer={} missed={} duplicated={} unexpected={} suppressed={} unexplained={} {}",
            people.len(),
            self.messages,
            self.cannot_answer,
            self.missed,
            self.duplicated,
            self.unexpected,
            self.suppressed,
            self.unexplained,
            if good { "ok" } else { "FAIL" }
        );
        let cadences: BTreeMap<String, usize> = people.iter().fold(BTreeMap::new(), |mut m, p| {
            *m.entry(p.cadence.to_string()).or_default() += 1;
            m
        });
        let report = json!({
            "notices": notices, "people": people.len(), "cadences": cadences, "messages": self.messages, "arrived": self.arrived,
            "items": self.items, "per_person_day": a_day, "busiest_day_of_a_person": self.busiest,
            "alerts_per_structure_week": {"mean": mean, "most": most}, "cannot_answer": self.cannot_answer, "missed": self.missed, "duplicated": self.duplicated,
            "unexpected": self.unexpected, "suppressed": self.suppressed, "unexplained": self.unexplained,
        });
        (line, report, good)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use vigie_domain::Evidence;

    /// The count can fail either way: a lot reserved elsewhere is not asked for, one reserved here is.
    #[test]
    fn place_trade_and_provision_meet_on_one_lot() {
        let department = |code| Department::parse(code).into_iter().collect::<Vec<_>>();
        let mut a = Assessment::new("1", NoticeKind::Call);
        a.lots = [("1", "86"), ("2", "33")]
            .map(|(id, code)| AssessedLot { id: id.into(), departments: department(code), ..AssessedLot::default() })
            .into();
        a.provisions
            .push(Provision { lots: vec!["2".into()], ..Provision::new(ProvisionKind::Reserved, Evidence::default()) });
        let asks = |code| Filter {
            departments: department(code),
            provisions: vec![ProvisionKind::Reserved],
            ..Filter::default()
        };
        assert_eq!(["33", "86", "69"].map(|code| matches(&asks(code), None, &a)), [true, false, false]);
        let trade = Filter { sectors: vec!["traiteur".into()], ..Filter::default() };
        assert!(!matches(&trade, None, &a));
        a.sectors = vec!["traiteur".into()];
        assert!(matches(&trade, None, &a), "a trade that no lot names");
        a.notice_kind = NoticeKind::Award;
        assert!(!matches(&trade, None, &a), "a result");
    }

    /// The count can fail: what is reserved to others cannot be answered, and nothing else is.
    #[test]
    fn what_is_reserved_to_others_cannot_be_answered() {
        let mut a = Assessment::new("1", NoticeKind::Call);
        a.title = "Entretien d'espaces verts".into();
        assert!(may_answer(StructureKind::Ei, &a) && may_answer(StructureKind::Esat, &a));
        let mut p = Provision::new(ProvisionKind::Reserved, Evidence::default());
        p.beneficiary = Some(Beneficiary::Disability);
        a.provisions.push(p);
        assert!(!may_answer(StructureKind::Ei, &a) && may_answer(StructureKind::Esat, &a));
        a.lots = vec![
            AssessedLot { id: "1".into(), ..AssessedLot::default() },
            AssessedLot { id: "2".into(), ..AssessedLot::default() },
        ];
        a.provisions[0].lots = vec!["1".into()];
        assert!(may_answer(StructureKind::Ei, &a), "the other lot");
        // Whoever asked for the trade of the lot that is reserved to others is not missed by silence.
        (a.lots[0].sectors, a.lots[1].sectors) = (vec!["traiteur".into()], vec!["blanchisserie".into()]);
        let asks = |trade: &str| Filter { sectors: vec![trade.into()], ..Filter::default() };
        let wanted = |trade| matches(&asks(trade), Some(StructureKind::Ei), &a);
        assert!(!wanted("traiteur") && wanted("blanchisserie"));
    }
}

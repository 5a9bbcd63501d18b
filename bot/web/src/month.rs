//! My month, my year: how many procedures the structure was told of, read, went for, submitted and won; as a plot and as a table.
//!
//! A procedure counts where it got to within the period; what began earlier and still went on counts too. Only the structure of the session is read.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use axum::extract::State;
use chrono::{DateTime, Datelike, Duration, Months, NaiveDate, TimeZone, Utc};
use chrono_tz::Europe::Paris;
use minijinja::context;
use minijinja::value::Serde;
use vigie_domain::{Stage, french};
use vigie_store::StoreError;
use vigie_store::search::SearchRow;

use super::frame::{Decider, Fields, Shown, Site};

/// Rows of the table.
const MAX_ROWS: usize = 200;
/// How long what was gone for is followed without another step.
const WENT_ON_FOR: Duration = Duration::days(400);

/// One step of the funnel.
#[derive(Debug, Clone, PartialEq, serde::Serialize)]
pub(crate) struct Bar {
    pub(crate) label: &'static str,
    pub(crate) count: usize,
}

/// Where one procedure got to.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Reached {
    pub(crate) procedure: String,
    pub(crate) stage: Stage,
    pub(crate) by: String,
    pub(crate) at: DateTime<Utc>,
}

/// A month or a year of one structure.
pub(crate) struct Month {
    pub(crate) bars: Vec<Bar>,
    pub(crate) reached: Vec<Reached>,
    pub(crate) found: BTreeMap<String, SearchRow>,
}

/// How far along the funnel a stage stands: told, read, go, submitted, won.
fn rung(stage: Stage) -> usize {
    match stage {
        Stage::Spotted => 0,
        Stage::Read | Stage::NoGo => 1,
        Stage::Go | Stage::Preparing | Stage::Abandoned => 2,
        Stage::Submitted | Stage::Lost | Stage::NoAward => 3,
        Stage::Won => 4,
    }
}

const RUNGS: [&str; 5] = ["Repérés", "Lus", "On y va", "Remis", "Gagnés"];

/// The funnel of what each procedure got to: who got further got past each step before.
fn funnel(furthest: &BTreeMap<String, usize>) -> Vec<Bar> {
    let count = |n: usize| furthest.values().filter(|r| **r >= n).count();
    let bar = |(n, label): (usize, &'static str)| Bar { label, count: count(n) };
    RUNGS.into_iter().enumerate().map(bar).collect()
}

/// The first and the first-after moments of a month, in Paris.
pub(crate) fn bounds(first: NaiveDate) -> Option<(DateTime<Utc>, DateTime<Utc>)> {
    Period { first, months: 1 }.bounds()
}

/// A month, or a year.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Period {
    first: NaiveDate,
    /// 1 or 12.
    months: u32,
}

impl Period {
    /// The one that `text` names (`2026-11`, `2026`), or this month.
    pub(crate) fn named(text: &str, now: DateTime<Utc>) -> Option<Self> {
        match text.len() {
            4 => named(&format!("{text}-01"), now).map(|first| Self { first, months: 12 }),
            _ => named(text, now).map(|first| Self { first, months: 1 }),
        }
    }

    fn is_year(self) -> bool {
        self.months == 12
    }

    /// Its first moment and the first after it, in Paris.
    fn bounds(self) -> Option<(DateTime<Utc>, DateTime<Utc>)> {
        let at = |day: NaiveDate| {
            Some(Paris.from_local_datetime(&day.and_hms_opt(0, 0, 0)?).earliest()?.with_timezone(&Utc))
        };
        Some((at(self.first)?, at(self.first.checked_add_months(Months::new(self.months))?)?))
    }

    fn before(self) -> Option<Self> {
        Some(Self { first: self.first.checked_sub_months(Months::new(self.months))?, ..self })
    }

    /// The next one, unless it has not begun.
    fn after(self, now: DateTime<Utc>) -> Option<Self> {
        let next = Self { first: self.first.checked_add_months(Months::new(self.months))?, ..self };
        next.bounds().filter(|(from, _)| *from <= now).map(|_| next)
    }

    /// `novembre 2026`, `2026`.
    fn title(self) -> String {
        if self.is_year() { self.first.format("%Y").to_string() } else { french::month(self.first) }
    }

    /// As addresses name it.
    pub(crate) fn word(self) -> String {
        if self.is_year() { self.first.format("%Y").to_string() } else { word(self.first) }
    }
}

/// The month that `text` names (`2026-11`), or this one.
pub(crate) fn named(text: &str, now: DateTime<Utc>) -> Option<NaiveDate> {
    if text.is_empty() {
        return now.with_timezone(&Paris).date_naive().with_day(1);
    }
    let day = NaiveDate::parse_from_str(&format!("{text}-01"), "%Y-%m-%d").ok()?;
    (2000..2200).contains(&day.year()).then_some(day)
}

pub(crate) fn word(first: NaiveDate) -> String {
    first.format("%Y-%m").to_string()
}

pub(crate) async fn read(site: &Site, structure: &str, period: Period) -> Result<Option<Month>, StoreError> {
    let Some((from, to)) = period.bounds() else { return Ok(None) };
    let store = &site.service.store;
    let members = store.members(structure).await?;
    let mut furthest: BTreeMap<String, usize> = BTreeMap::new();
    let mut reached: BTreeMap<String, Reached> = BTreeMap::new();
    for told in store.spotted(&members, from, to).await? {
        furthest.insert(told.procedure.clone(), 0);
        reached.insert(
            told.procedure.clone(),
            Reached { procedure: told.procedure, stage: Stage::Spotted, by: String::new(), at: told.at },
        );
    }
    // What began earlier and still went on counts too: a market gone for in November is worked on in December.
    for step in under_way(site, structure, from).await? {
        furthest.insert(step.procedure.clone(), rung(step.stage));
        reached.insert(step.procedure.clone(), step);
    }
    for step in store.decision_steps(structure, from).await?.into_iter().filter(|s| s.at < to) {
        let rung = rung(step.stage);
        let known = furthest.entry(step.procedure.clone()).or_insert(rung);
        *known = rung.max(*known);
        let new = Reached { procedure: step.procedure.clone(), stage: step.stage, by: step.by, at: step.at };
        reached.insert(step.procedure, new);
    }
    let ids: BTreeSet<String> = reached.keys().cloned().collect();
    let found = store.search_rows(&ids.into_iter().collect::<Vec<_>>()).await?;
    let mut reached: Vec<Reached> = reached.into_values().collect();
    reached.sort_by(|a, b| rung_of(b).cmp(&rung_of(a)).then_with(|| b.at.cmp(&a.at)));
    Ok(Some(Month {
        bars: funnel(&furthest),
        reached,
        found: found.into_iter().map(|f| (f.procedure.clone(), f)).collect(),
    }))
}

/// What a structure went for, or had handed in, before a month and was still at it when the month began.
async fn under_way(site: &Site, structure: &str, from: DateTime<Utc>) -> Result<Vec<Reached>, StoreError> {
    let store = &site.service.store;
    let since = from - WENT_ON_FOR;
    let mut last: BTreeMap<String, Reached> = BTreeMap::new();
    for step in store.decision_steps(structure, since).await?.into_iter().filter(|s| s.at < from) {
        let new = Reached { procedure: step.procedure.clone(), stage: step.stage, by: step.by, at: step.at };
        last.insert(step.procedure, new);
    }
    last.retain(|_, r| matches!(r.stage, Stage::Go | Stage::Preparing | Stage::Submitted));
    let ids: Vec<String> = last.keys().cloned().collect();
    let closed: BTreeSet<String> =
        store.search_rows(&ids).await?.into_iter().filter(|f| f.until < from).map(|f| f.procedure).collect();
    // What was handed in waits for its result; what was only gone for ended with its closing date.
    last.retain(|id, r| r.stage == Stage::Submitted || !closed.contains(id));
    Ok(last.into_values().collect())
}

fn rung_of(r: &Reached) -> usize {
    rung(r.stage)
}

#[derive(serde::Serialize)]
struct Row {
    procedure: String,
    title: String,
    buyer: String,
    stage: &'static str,
    by: String,
    day: String,
    deadline: String,
}

pub(crate) async fn show(State(site): State<Arc<Site>>, signed: Decider, fields: Fields) -> Shown {
    let now = site.service.clock.now();
    let this = Period::named("", now).ok_or_else(super::frame::Trouble::no_page)?;
    let period = Period::named(fields.one("mois"), now).unwrap_or(this);
    let month = read(&site, signed.session.structure(), period).await?.ok_or_else(super::frame::Trouble::no_page)?;
    let day = |at: DateTime<Utc>| french::date(at.with_timezone(&Paris).date_naive());
    let rows: Vec<Row> = month
        .reached
        .iter()
        .take(MAX_ROWS)
        .map(|r| {
            let found = month.found.get(&r.procedure);
            Row {
                procedure: r.procedure.clone(),
                title: found.map_or_else(|| "Procédure qui n’est plus connue".to_owned(), |f| f.title.clone()),
                buyer: found.map(|f| f.buyer.clone()).unwrap_or_default(),
                stage: r.stage.in_french(),
                by: r.by.clone(),
                day: day(r.at),
                deadline: found.and_then(|f| f.closes).map(day).unwrap_or_default(),
            }
        })
        .collect();
    Ok(site.page(
        &signed.visitor,
        "mois.html",
        context! {
            period => period.title(),
            word => period.word(),
            is_year => period.is_year(),
            other => if period.is_year() { this.word() } else { period.first.format("%Y").to_string() },
            before => period.before().map(Period::word),
            after => period.after(now).map(Period::word),
            bars => Serde(&month.bars),
            most => month.bars.iter().map(|b| b.count).max().unwrap_or(0).max(1),
            rows => Serde(rows),
            more => month.reached.len().saturating_sub(MAX_ROWS),
        },
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_got_further_got_past_every_step_before() {
        let furthest = [("a", 0), ("b", 1), ("c", 4), ("d", 2)].map(|(p, n)| (p.to_owned(), n));
        let counts: Vec<usize> = funnel(&furthest.into_iter().collect()).iter().map(|b| b.count).collect();
        assert_eq!(counts, [4, 3, 2, 1, 1]);
    }

    #[test]
    fn a_month_begins_and_ends_in_paris() {
        let (from, to) = bounds(NaiveDate::from_ymd_opt(2026, 10, 1).unwrap()).unwrap();
        assert_eq!(
            (from.to_rfc3339(), to.to_rfc3339()),
            ("2026-09-30T22:00:00+00:00".into(), "2026-10-31T23:00:00+00:00".into())
        );
        assert_eq!(named("99999-01", Utc::now()), None);
    }

    #[test]
    fn a_period_is_a_month_or_a_year() {
        let now = DateTime::parse_from_rfc3339("2026-11-21T09:00:00+01:00").unwrap().with_timezone(&Utc);
        let month = Period::named("2026-10", now).unwrap();
        assert_eq!((month.title(), month.word()), ("octobre 2026".to_owned(), "2026-10".to_owned()));
        assert_eq!(month.after(now).map(Period::word).as_deref(), Some("2026-11"));
        assert_eq!(month.after(now).unwrap().after(now), None, "not begun");
        let year = Period::named("2026", now).unwrap();
        assert_eq!((year.title(), year.word()), ("2026".to_owned(), "2026".to_owned()));
        assert_eq!(year.before().map(Period::word).as_deref(), Some("2025"));
        assert_eq!(year.after(now), None);
        let bounds = year.bounds().map(|(from, to)| (from.to_rfc3339(), to.to_rfc3339())).unwrap();
        assert_eq!(bounds, ("2025-12-31T23:00:00+00:00".into(), "2026-12-31T23:00:00+00:00".into()));
        assert_eq!(Period::named("", now), Period::named("2026-11", now));
        assert_eq!(Period::named("20x6", now), None);
    }
}

//! What a subscription would have given over the last days, told before it is kept: how many procedures, which ones, and
//! whether it matches nothing or everything.
//!
//! The matcher is the audience's own ([`Filter::test`]), each notice seen at the moment it came in; several notices of one
//! procedure count once, as they make one thread. Memory is bounded by a page of notices and one entry a procedure.

use std::collections::HashMap;

use chrono::{DateTime, Duration, NaiveTime, Utc};
use vigie_domain::subscription::{Candidate, Profile, Role};
use vigie_domain::{Dimension, Filter, Notice, concerned_lots, french};
use vigie_notifier::fit;
use vigie_store::{Store, StoreError};
use vigie_watcher::classify::{self, fold::fold};

use crate::ingest;
use crate::service::Service;

/// Days looked back.
pub const DAYS: u32 = 30;
/// Titles shown.
const SAMPLES: usize = 5;
/// From that share of the procedures on, in percent, a subscription lets almost everything through.
const EVERYTHING: usize = 80;
/// Fewer procedures than that say nothing of their share.
pub const ENOUGH: usize = 10;
/// From that many a week on, a digest or a narrower filter reads better.
pub const MANY_A_WEEK: f64 = 20.0;

/// What a subscription would have given.
#[derive(Debug, Clone, PartialEq)]
pub struct Preview {
    /// Days that what is stored covers, at most those asked for.
    pub days: u32,
    /// Procedures looked at.
    pub looked_at: usize,
    /// Procedures it would have told of.
    pub matching: usize,
    /// Of these, reserved for structures of their kind.
    pub reserved: usize,
    /// How many a week.
    pub per_week: f64,
    /// Some of them, the best fit first.
    pub samples: Vec<Sample>,
    /// What to think of it.
    pub verdict: Verdict,
}

/// A procedure that would have been told.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sample {
    /// The procedure.
    pub procedure: String,
    /// Its title.
    pub title: String,
    /// How well it fits, 0–100.
    pub fit: u8,
}

/// What to think of a subscription.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// It matches nothing.
    Nothing {
        /// The condition at which the nearest notices stopped; none where nothing is stored.
        because: Option<Dimension>,
    },
    /// It matches almost everything.
    Everything,
    /// It chooses.
    Fine,
}

impl Preview {
    /// One or two sentences for people.
    #[must_use]
    pub fn in_french(&self, filter: &Filter) -> String {
        let over = match self.days {
            0 | 1 => "sur la dernière journée".to_owned(),
            n => format!("sur les {n} derniers jours"),
        };
        let counted = match self.matching {
            0 => String::new(),
            1 => format!("S{}, 1\u{a0}marché vous aurait été signalé.", &over[1..]),
            n => {
                let n = french::number(n as f64);
                format!("S{}, {n}\u{a0}marchés vous auraient été signalés, {}.", &over[1..], a_week(self.per_week))
            }
        };
        match self.verdict {
            Verdict::Nothing { because: None } => {
                "Rien n’est encore veillé ici : le compte viendra avec les premiers avis.".to_owned()
            }
            Verdict::Nothing { because: Some(dimension) } => {
                format!("Rien : {over}, {}.", missing(dimension, filter))
            }
            Verdict::Everything => {
                format!(
                    "{counted} C’est presque tout ce qui paraît. Si c’est trop, resserrez par secteur, par lieu ou par disposition."
                )
            }
            Verdict::Fine if self.per_week >= MANY_A_WEEK => {
                format!("{counted} C’est beaucoup : un résumé quotidien, ou un critère de plus, se lirait mieux.")
            }
            Verdict::Fine => counted,
        }
    }
}

/// `environ 3 par semaine`, `moins d’un par semaine`.
fn a_week(n: f64) -> String {
    if n < 0.75 {
        "moins d’un par semaine".to_owned()
    } else {
        format!("environ {} par semaine", french::number(n.round()))
    }
}

/// What was missing, in the words of what was asked.
fn missing(dimension: Dimension, filter: &Filter) -> String {
    let sector = if filter.sectors.len() > 1 { "de ces secteurs" } else { "de ce secteur" };
    let place = if filter.departments.len() > 1 { "dans ces départements" } else { "dans ce département" };
    let trade = if filter.sectors.is_empty() { "" } else { sector };
    let spaced = |parts: &[&str]| {
        let said: Vec<&str> = parts.iter().copied().filter(|p| !p.is_empty()).collect();
        said.join(" ")
    };
    match dimension {
        Dimension::Sector => format!("aucun avis {sector}"),
        Dimension::Cpv => spaced(&["aucun avis", trade, "avec ces codes CPV"]),
        Dimension::Department => spaced(&["aucun avis", trade, place]),
        Dimension::Place => spaced(&["aucun avis", trade, "dans ces lieux"]),
        Dimension::Provision => {
            let place = if filter.departments.is_empty() { "" } else { place };
            spaced(&["aucun avis", trade, place, "avec ces dispositions sociales"])
        }
        Dimension::SupplyMode => "aucun avis ne demande ce que vous vendez".to_owned(),
        Dimension::Access => "aucun avis auquel votre structure puisse répondre".to_owned(),
        Dimension::NoticeKind => "aucun avis de cette nature".to_owned(),
        Dimension::Buyer => "aucun avis de ces acheteurs".to_owned(),
        Dimension::Words => "aucun avis ne porte ces mots".to_owned(),
        Dimension::ExcludedWords => "les mots exclus écartent tous les avis".to_owned(),
        Dimension::Score => "aucun avis n’est jugé assez intéressant".to_owned(),
        Dimension::LeadTime => "aucun avis ne laisse ce délai".to_owned(),
        Dimension::Amount => "aucun avis dans ces montants".to_owned(),
    }
}

/// What a subscription would have given over the last `days` days to someone of that profile.
///
/// # Errors
/// The database fails.
pub async fn preview(service: &Service, filter: &Filter, profile: &Profile, days: u32) -> Result<Preview, StoreError> {
    over(&service.store, filter, profile, days, service.clock.now()).await
}

/// The same on a database alone, at that moment.
///
/// # Errors
/// The database fails.
pub async fn over(
    store: &Store,
    filter: &Filter,
    profile: &Profile,
    days: u32,
    now: DateTime<Utc>,
) -> Result<Preview, StoreError> {
    Ok(replay(store, &[(filter, profile)], days, now).await?.preview(0))
}

/// What each of several subscriptions would have given over the last `days` days, by one reading of the notices.
///
/// # Errors
/// The database fails.
pub async fn replay(
    store: &Store,
    wanted: &[(&Filter, &Profile)],
    days: u32,
    now: DateTime<Utc>,
) -> Result<Replay, StoreError> {
    let since = now - Duration::days(i64::from(days));
    let mut tallies: Vec<(Tally, &Profile)> = wanted.iter().map(|(f, p)| (Tally::new(f), *p)).collect();
    let reads_text = tallies.iter().any(|(tally, _)| tally.filter.reads_text());
    let (mut procedures, mut earliest): (HashMap<String, u32>, Option<DateTime<Utc>>) = Default::default();
    let mut pages = store.notices_since(since);
    while let Some(page) = pages.next().await? {
        for row in page.iter().filter(|row| row.notice.visibility.is_public()) {
            let at = published(&row.notice).unwrap_or(row.first_seen);
            if at < since {
                continue; // an old notice, read late
            }
            earliest = Some(earliest.map_or(at, |e| e.min(at)));
            let next = u32::try_from(procedures.len()).unwrap_or(u32::MAX);
            let number = *procedures.entry(row.procedure.clone()).or_insert(next);
            let folded = match reads_text {
                true => classify::searchable(&row.notice, &row.assessment.lots),
                false => String::new(),
            };
            let candidate = ingest::candidate(row, &folded, row.first_seen);
            for (tally, profile) in &mut tallies {
                tally.look_at((number, &row.procedure), profile, &candidate);
            }
        }
    }
    let covered = earliest.map_or(0, |e| (now - e).num_hours().div_euclid(24) + 1);
    let days = u32::try_from(covered).unwrap_or(0).clamp(1, days.max(1));
    Ok(Replay { days, procedures, tallies: tallies.into_iter().map(|(tally, _)| tally).collect() })
}

/// Procedures that a subscription told of over the last `days` days, and that it would not once changed: what a change loses, titles
/// beside, the latest first.
///
/// # Errors
/// The database fails.
pub async fn lost(
    service: &Service,
    (before, after): (&Filter, &Filter),
    profile: &Profile,
    days: u32,
) -> Result<Vec<(String, String)>, StoreError> {
    let replay = replay(&service.store, &[(before, profile), (after, profile)], days, service.clock.now()).await?;
    let gone = |n: &u32| replay.met(0).contains_key(n) && !replay.met(1).contains_key(n);
    let ids: Vec<String> = replay.procedures.iter().filter(|(_, n)| gone(n)).map(|(id, _)| id.clone()).collect();
    let mut rows = service.store.search_rows(&ids).await?;
    rows.sort_by(|a, b| b.at.cmp(&a.at).then_with(|| a.procedure.cmp(&b.procedure)));
    Ok(rows.into_iter().map(|row| (row.procedure, row.title)).collect())
}

/// What several subscriptions would have given over the same days.
#[derive(Debug)]
pub struct Replay {
    /// Days that what is stored covers, at most those asked for.
    pub days: u32,
    /// Procedures looked at, numbered.
    procedures: HashMap<String, u32>,
    tallies: Vec<Tally>,
}

impl Replay {
    /// What the subscription of that place among those asked for would have given.
    #[must_use]
    pub fn preview(&self, place: usize) -> Preview {
        let (looked_at, tally) = (self.procedures.len(), self.tallies.get(place));
        let met = self.met(place);
        let verdict = match met.len() {
            0 => Verdict::Nothing { because: tally.and_then(|t| t.nearest) },
            n if looked_at >= ENOUGH && n * 100 >= looked_at * EVERYTHING => Verdict::Everything,
            _ => Verdict::Fine,
        };
        Preview {
            days: self.days,
            looked_at,
            matching: met.len(),
            reserved: met.values().filter(|reserved| **reserved).count(),
            per_week: met.len() as f64 * 7.0 / f64::from(self.days),
            samples: tally.map(|t| t.samples.clone()).unwrap_or_default(),
            verdict,
        }
    }

    /// The procedures that it would have told of, by number: whether each is reserved for them.
    #[must_use]
    pub fn met(&self, place: usize) -> &HashMap<u32, bool> {
        static NONE: std::sync::LazyLock<HashMap<u32, bool>> = std::sync::LazyLock::new(HashMap::new);
        self.tallies.get(place).map_or(&NONE, |tally| &tally.met)
    }

    /// The number of a procedure that was looked at.
    #[must_use]
    pub fn number(&self, procedure: &str) -> Option<u32> {
        self.procedures.get(procedure).copied()
    }
}

/// What one subscription met so far.
#[derive(Debug)]
struct Tally {
    filter: Filter,
    /// Procedures that met: whether each is reserved for them.
    met: HashMap<u32, bool>,
    /// The best fits, best first.
    samples: Vec<Sample>,
    /// The condition at which the nearest notices stopped.
    nearest: Option<Dimension>,
}

impl Tally {
    fn new(filter: &Filter) -> Self {
        let filter = filter.clone().with_words_folded(fold);
        Self { filter, met: HashMap::new(), samples: Vec::new(), nearest: None }
    }

    fn look_at(&mut self, (number, procedure): (u32, &str), profile: &Profile, candidate: &Candidate<'_>) {
        let met = self.filter.test(candidate).and_then(|found| {
            concerned_lots::narrowed(Role::Structure, profile, candidate.assessment, found).ok_or(Dimension::Access)
        });
        match met {
            Err(dimension) => {
                self.nearest = Some(self.nearest.filter(|n| n.rank() > dimension.rank()).unwrap_or(dimension));
            }
            Ok(found) => {
                let assessment = candidate.assessment;
                let reserved = fit::reserved_for(profile, assessment, &found);
                *self.met.entry(number).or_default() |= reserved;
                let fit = fit::weigh(profile, assessment, &found).score;
                self.keep(Sample { procedure: procedure.to_owned(), title: assessment.title.clone(), fit });
            }
        }
    }

    fn keep(&mut self, sample: Sample) {
        if self.samples.iter().any(|known| known.procedure == sample.procedure) {
            return;
        }
        let place = self.samples.partition_point(|known| known.fit >= sample.fit);
        self.samples.insert(place, sample);
        self.samples.truncate(SAMPLES);
    }
}

/// The end of the day a notice was published.
fn published(notice: &Notice) -> Option<DateTime<Utc>> {
    notice.published.map(|day| day.and_time(NaiveTime::MIN).and_utc() + Duration::days(1))
}

//! Too broad, or too narrow: what a subscription would give, and the two changes of one condition that would help most.
//!
//! Each change is replayed against the stored notices of the days asked about ([`crate::preview::replay`]); what is proposed is what was
//! counted. A cut that would have left out a market that the structure went for is never proposed, and one that leaves out what is
//! reserved for them comes after those that do not. [`monthly`] says it once a month of what stands.

pub mod monthly;
mod ways;

use std::collections::{BTreeSet, HashMap, HashSet};

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use vigie_domain::subscription::Profile;
use vigie_domain::{Dimension, Filter, Stage, Subscriber, french};
use vigie_store::{Store, StoreError};

use crate::preview::{self, ENOUGH, MANY_A_WEEK, Preview, Replay};
use crate::service::Service;
use ways::Change;

/// Days looked back for a subscription that gives nothing.
pub const NARROW_DAYS: u32 = 60;
/// Changes proposed.
const WAYS: usize = 2;
/// Fewer alerts a week than that are few: a cut that leaves less comes after those that leave more.
const FEW_A_WEEK: f64 = 2.0;
/// What a reserved market left out weighs, in markets.
const RESERVED: usize = 20;

/// How a subscription stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Breadth {
    Broad,
    Narrow,
}

/// A change of one condition, and what it would have given.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Way {
    /// What changes, as a person reads it: `Sans Nord (59)`.
    pub label: String,
    /// What the subscription would ask for.
    pub filter: Filter,
    /// Markets that it would have told of over the days looked at.
    pub found: usize,
    /// How many a week.
    pub per_week: f64,
}

impl Way {
    /// With what it would have given: `Sans Nord (59) : 8 par semaine`.
    #[must_use]
    pub fn in_french(&self, days: u32) -> String {
        let given = match self.found {
            n if self.per_week < 1.0 => format!("{n} en {days}\u{a0}jours"),
            _ => format!("{} par semaine", french::number(self.per_week.round())),
        };
        format!("{} : {given}", self.label)
    }
}

/// What is said of a subscription that is too broad or too narrow.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Advice {
    pub breadth: Breadth,
    /// Alerts a week.
    pub per_week: f64,
    /// Days looked at.
    pub days: u32,
    /// The changes that would help most, a few at most; none where no single change would.
    pub ways: Vec<Way>,
}

impl Advice {
    /// The question.
    #[must_use]
    pub fn question(&self) -> String {
        match (self.breadth, self.ways.is_empty()) {
            (Breadth::Broad, false) => format!("{} : resserrer ?", self.gives()),
            (Breadth::Broad, true) => format!("{}.", self.gives()),
            (Breadth::Narrow, false) => format!("Rien depuis {}\u{a0}jours : élargir ?", self.days),
            (Breadth::Narrow, true) => {
                format!("Rien depuis {}\u{a0}jours, et aucun critère ne suffit à lui seul à l’expliquer.", self.days)
            }
        }
    }

    fn gives(&self) -> String {
        format!("Cet abonnement donnerait {} alertes par semaine", french::number(self.per_week.round()))
    }

    /// What a button says of each change.
    #[must_use]
    pub fn choices(&self) -> Vec<String> {
        self.ways.iter().map(|way| way.in_french(self.days)).collect()
    }
}

/// How that preview stands, where something is to be said of it.
fn breadth_of(seen: &Preview) -> Option<Breadth> {
    match seen.matching {
        0 if seen.looked_at > 0 => Some(Breadth::Narrow),
        n if n >= ENOUGH && seen.per_week >= MANY_A_WEEK => Some(Breadth::Broad),
        _ => None,
    }
}

/// What to say of a wish of that person, whose preview is that one; `None` where it is neither too broad nor too narrow.
///
/// # Errors
/// The database fails.
pub async fn advise(
    service: &Service,
    person: &Subscriber,
    filter: &Filter,
    seen: &Preview,
) -> Result<Option<Advice>, StoreError> {
    let Some(breadth) = breadth_of(seen) else { return Ok(None) };
    let now = service.clock.now();
    let went = went_for(&service.store, person.structure()).await?;
    let days = if breadth == Breadth::Broad { preview::DAYS } else { NARROW_DAYS };
    let asked = Asked { filter, profile: &person.profile, breadth, went: &went };
    let mut found = over(&service.store, &[asked], days, now).await?;
    Ok(found.pop().flatten())
}

/// The procedures that a structure went for, whatever came of them.
async fn went_for(store: &Store, structure: &str) -> Result<HashSet<String>, StoreError> {
    let decisions = store.decisions_of(structure).await?;
    let went = decisions.into_iter().filter(|d| d.stage.is_decided() && d.stage != Stage::NoGo);
    Ok(went.map(|d| d.procedure).collect())
}

/// A subscription of which changes are wanted.
struct Asked<'a> {
    filter: &'a Filter,
    profile: &'a Profile,
    breadth: Breadth,
    /// Procedures that its owner's structure went for.
    went: &'a HashSet<String>,
}

/// What to say of each, by one reading of the notices; `None` where nothing is to be said after all.
async fn over(
    store: &Store,
    asked: &[Asked<'_>],
    days: u32,
    now: DateTime<Utc>,
) -> Result<Vec<Option<Advice>>, StoreError> {
    let changes: Vec<Vec<Change>> = asked
        .iter()
        .map(|one| match one.breadth {
            Breadth::Broad => ways::cuts(one.filter, one.profile),
            Breadth::Narrow => ways::openings(one.filter),
        })
        .collect();
    let wanted: Vec<(&Filter, &Profile)> = asked
        .iter()
        .zip(&changes)
        .flat_map(|(one, changes)| {
            let all = std::iter::once(one.filter).chain(changes.iter().map(|c| &c.filter));
            all.map(|filter| (filter, one.profile))
        })
        .collect();
    let replay = preview::replay(store, &wanted, days, now).await?;
    let mut place = 0;
    let mut out = Vec::with_capacity(asked.len());
    for (one, changes) in asked.iter().zip(changes) {
        let seen = replay.preview(place);
        let stands = breadth_of(&seen) == Some(one.breadth);
        let next = place + 1 + changes.len();
        out.push(stands.then(|| Advice {
            breadth: one.breadth,
            per_week: seen.per_week,
            days: seen.days,
            ways: best(one, &replay, place, changes),
        }));
        place = next;
    }
    Ok(out)
}

/// The changes that help most, each of another condition; `base` is the place of the subscription in the replay, its changes follow.
fn best(asked: &Asked<'_>, replay: &Replay, base: usize, changes: Vec<Change>) -> Vec<Way> {
    let before = replay.met(base);
    let went: Vec<u32> =
        asked.went.iter().filter_map(|p| replay.number(p)).filter(|n| before.contains_key(n)).collect();
    let mut rated: Vec<(i64, Dimension, Way)> = Vec::new();
    for (n, change) in changes.into_iter().enumerate() {
        let met = replay.met(base + 1 + n);
        let per_week = met.len() as f64 * 7.0 / f64::from(replay.days);
        let rate = match asked.breadth {
            Breadth::Broad => rate_of_cut(before, met, &went, per_week),
            Breadth::Narrow => rate_of_opening(met, per_week),
        };
        let Some(rate) = rate else { continue };
        let way = Way { label: change.label, filter: change.filter, found: met.len(), per_week };
        rated.push((rate, change.of, way));
    }
    rated.sort_by(|a, b| b.0.cmp(&a.0).then_with(|| a.2.label.cmp(&b.2.label)));
    let mut conditions = BTreeSet::new();
    let each = rated.into_iter().filter(|(_, of, _)| conditions.insert(of.rank()));
    each.take(WAYS).map(|(.., way)| way).collect()
}

/// How much a cut helps: what it takes away, less what is reserved for them; `None` where it must not, or does not, help.
fn rate_of_cut(before: &HashMap<u32, bool>, after: &HashMap<u32, bool>, went: &[u32], per_week: f64) -> Option<i64> {
    if after.is_empty() || after.len() >= before.len() || went.iter().any(|n| !after.contains_key(n)) {
        return None;
    }
    let reserved = before.iter().filter(|(n, reserved)| **reserved && !after.contains_key(n)).count();
    let gone = before.len() - after.len();
    let too_few = if per_week < FEW_A_WEEK { before.len() } else { 0 };
    Some(signed(gone) - signed(reserved * RESERVED) - signed(too_few))
}

/// How much an opening helps: what is reserved for them first, then how much; what gives too much comes last.
fn rate_of_opening(met: &HashMap<u32, bool>, per_week: f64) -> Option<i64> {
    let reserved = met.values().filter(|reserved| **reserved).count();
    match met.len() {
        0 => None,
        n if per_week >= MANY_A_WEEK => Some(-signed(n)),
        n => Some(signed(n) + signed(reserved * RESERVED)),
    }
}

fn signed(n: usize) -> i64 {
    i64::try_from(n).unwrap_or(i64::MAX / 4)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn met(numbers: std::ops::Range<u32>, reserved: &[u32]) -> HashMap<u32, bool> {
        numbers.map(|n| (n, reserved.contains(&n))).collect()
    }

    #[test]
    fn a_cut_keeps_what_they_went_for_and_what_is_reserved_for_them() {
        let before = met(0..100, &[3]);
        assert_eq!(rate_of_cut(&before, &met(0..40, &[3]), &[], 9.0), Some(60));
        assert_eq!(rate_of_cut(&before, &met(10..40, &[]), &[], 7.0), Some(70 - 20), "a reserved one is left out");
        assert_eq!(rate_of_cut(&before, &met(0..40, &[3]), &[50], 9.0), None, "they went for it");
        assert_eq!(rate_of_cut(&before, &before, &[], 23.0), None, "nothing changes");
        assert_eq!(rate_of_cut(&before, &met(0..0, &[]), &[], 0.0), None, "nothing is left");
        assert!(rate_of_cut(&before, &met(0..4, &[3]), &[], 0.9) < rate_of_cut(&before, &met(0..90, &[3]), &[], 21.0));
    }

    #[test]
    fn an_opening_gives_something_and_not_everything() {
        assert_eq!(rate_of_opening(&met(0..0, &[]), 0.0), None);
        assert!(rate_of_opening(&met(0..5, &[1]), 0.6) > rate_of_opening(&met(0..12, &[]), 1.4));
        assert!(rate_of_opening(&met(0..500, &[1]), 58.0) < rate_of_opening(&met(0..1, &[]), 0.1));
    }

    #[test]
    fn what_is_asked_says_what_was_counted() {
        let way =
            |label: &str, found, per_week| Way { label: label.into(), filter: Filter::default(), found, per_week };
        let ways = vec![way("Sans Nord (59)", 34, 7.9), way("Seulement les plus intéressants", 2, 0.5)];
        let broad = Advice { breadth: Breadth::Broad, per_week: 23.3, days: 30, ways };
        assert_eq!(broad.question(), "Cet abonnement donnerait 23 alertes par semaine : resserrer ?");
        assert_eq!(
            broad.choices(),
            ["Sans Nord (59) : 8 par semaine", "Seulement les plus intéressants : 2 en 30\u{a0}jours"]
        );
        let narrow = Advice { breadth: Breadth::Narrow, per_week: 0.0, days: 60, ways: broad.ways.clone() };
        assert_eq!(narrow.question(), "Rien depuis 60\u{a0}jours : élargir ?");
        assert!(Advice { ways: Vec::new(), ..narrow }.question().contains("aucun critère"));
    }
}

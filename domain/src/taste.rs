//! What a structure's refusals say of its taste: a trade, and where. Pure.
//!
//! A taste changes when and in which order something comes, never whether. It is learned from decisions that all point one way, counts
//! only what they said, and stands only once somebody of the structure agreed to it.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use crate::{Department, Refusal, Sector, french};

/// Decisions that must point one way before anything is asked.
pub const ENOUGH: usize = 5;
/// Most départements by which a place is said: more are no taste that a person would recognise.
const MOST_NAMED: usize = 4;

/// Where a taste holds.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "where", content = "departments")]
pub enum Side {
    Everywhere,
    /// Where every département is one of these.
    Inside(Vec<Department>),
    /// Where no département is one of these.
    Outside(Vec<Department>),
}

impl Side {
    /// Whether it holds for something that lies in these départements; where none is known, only what holds everywhere does.
    #[must_use]
    pub fn holds(&self, departments: &[Department]) -> bool {
        match self {
            Self::Everywhere => true,
            Self::Inside(of) => !departments.is_empty() && departments.iter().all(|d| of.contains(d)),
            Self::Outside(of) => !departments.is_empty() && !departments.iter().any(|d| of.contains(d)),
        }
    }

    /// As a sentence says it: `hors du 62`, `dans le 59 et le 62`; empty where it holds everywhere.
    #[must_use]
    pub fn in_french(&self) -> String {
        let named = |article: &str, of: &[Department]| {
            french::list(&of.iter().map(|d| format!("{article} {d}")).collect::<Vec<_>>())
        };
        match self {
            Self::Everywhere => String::new(),
            Self::Inside(of) => format!("dans {}", named("le", of)),
            Self::Outside(of) => format!("hors {}", named("du", of)),
        }
    }
}

/// A trade at a place that a structure refuses, with the decisions that say so.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Taste {
    pub sector: Sector,
    pub side: Side,
    /// Decisions that refused.
    pub refused: u32,
    /// Decisions about such markets.
    pub decided: u32,
}

impl Taste {
    /// The counts, of a trade that is called so: `6 refus sur 6 pour « Restauration collective » hors du 62`.
    #[must_use]
    pub fn in_french(&self, trade: &str) -> String {
        let place = self.side.in_french();
        let space = if place.is_empty() { "" } else { " " };
        format!("{} refus sur {} pour «\u{a0}{trade}\u{a0}»{space}{place}", self.refused, self.decided)
    }
}

/// What a structure decided of a market, as far as taste goes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Verdict {
    /// They will not answer.
    pub refused: bool,
    /// Why not, where they said.
    pub reason: Option<Refusal>,
    pub sectors: Vec<Sector>,
    pub departments: Vec<Department>,
}

impl Verdict {
    /// Whether it says something of trade and place: too little time, a size or a buyer say nothing of either.
    fn tells(&self) -> bool {
        !matches!(self.reason, Some(Refusal::Time | Refusal::Size | Refusal::Buyer))
    }

    /// Whether it counts for a taste of that side: « trop loin » is a word about what lies outside their places, and none about a trade
    /// that they refuse within them, or everywhere.
    fn counts_for(&self, side: &Side) -> bool {
        let too_far = self.reason == Some(Refusal::Place);
        side.holds(&self.departments) && (!too_far || matches!(side, Side::Outside(_)))
    }

    /// Whether it is one of the refusals that a taste of that trade and side rests on.
    #[must_use]
    pub fn bears(&self, sector: &Sector, side: &Side) -> bool {
        self.refused && self.tells() && self.sectors.contains(sector) && self.counts_for(side)
    }
}

/// The tastes that at least [`ENOUGH`] decisions show, all of them refusals; one a trade, those with most decisions first. `home` are
/// the départements that the structure works in.
#[must_use]
pub fn learned(verdicts: &[Verdict], home: &[Department]) -> Vec<Taste> {
    let mut trades: BTreeMap<&Sector, Vec<&Verdict>> = BTreeMap::new();
    for verdict in verdicts.iter().filter(|v| v.tells()) {
        for sector in &verdict.sectors {
            trades.entry(sector).or_default().push(verdict);
        }
    }
    let mut out: Vec<Taste> = trades.into_iter().filter_map(|(sector, of)| of_trade(sector, &of, home)).collect();
    out.sort_by_key(|t| std::cmp::Reverse(t.decided));
    out
}

fn of_trade(sector: &Sector, verdicts: &[&Verdict], home: &[Department]) -> Option<Taste> {
    let wanted: BTreeSet<&Department> = verdicts.iter().filter(|v| !v.refused).flat_map(|v| &v.departments).collect();
    let named = |of: Vec<Department>| (1..=MOST_NAMED).contains(&of.len()).then_some(of);
    let sides = if verdicts.iter().any(|v| !v.refused) {
        // They go for it somewhere: what is left is where they do not.
        vec![named(wanted.into_iter().cloned().collect()).map(Side::Outside)]
    } else {
        vec![named(home.to_vec()).map(Side::Outside), named(home.to_vec()).map(Side::Inside), Some(Side::Everywhere)]
    };
    sides.into_iter().flatten().find_map(|side| {
        let of: Vec<&&Verdict> = verdicts.iter().filter(|v| v.counts_for(&side)).collect();
        let one_way = of.len() >= ENOUGH && of.iter().all(|v| v.refused);
        let n = u32::try_from(of.len()).unwrap_or(u32::MAX);
        one_way.then(|| Taste { sector: sector.clone(), side, refused: n, decided: n })
    })
}

/// The taste by which something of these trades, at these places, comes later: where each of the trades has one.
#[must_use]
pub fn against<'t>(tastes: &'t [Taste], sectors: &[Sector], departments: &[Department]) -> Option<&'t Taste> {
    let of = |sector: &Sector| tastes.iter().find(|t| t.sector == *sector && t.side.holds(departments));
    let first = of(sectors.first()?)?;
    sectors.iter().all(|s| of(s).is_some()).then_some(first)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn departments(codes: &[&str]) -> Vec<Department> {
        codes.iter().filter_map(|c| Department::parse(c)).collect()
    }

    fn verdict(refused: bool, sector: &str, at: &str) -> Verdict {
        Verdict { refused, reason: None, sectors: vec![sector.into()], departments: departments(&[at]) }
    }

    fn many(n: usize, of: &Verdict) -> Vec<Verdict> {
        vec![of.clone(); n]
    }

    #[test]
    fn five_refusals_that_point_one_way_are_a_taste_and_four_are_none() {
        let home = departments(&["62"]);
        let mut verdicts = many(4, &verdict(true, "restauration-collective", "59"));
        verdicts.push(verdict(false, "restauration-collective", "62"));
        assert_eq!(learned(&verdicts, &home), []);
        verdicts.extend(many(2, &verdict(true, "restauration-collective", "80")));
        let taste = learned(&verdicts, &home).remove(0);
        assert_eq!(taste.side, Side::Outside(home.clone()));
        assert_eq!(
            taste.in_french("Restauration collective"),
            "6 refus sur 6 pour «\u{a0}Restauration collective\u{a0}» hors du 62"
        );
        verdicts.push(verdict(false, "restauration-collective", "59"));
        assert_eq!(learned(&verdicts, &home), [], "they went for one of them: it is where they go now");
    }

    #[test]
    fn the_place_is_said_as_narrowly_as_the_decisions_say_it() {
        let home = departments(&["62"]);
        let outside = many(5, &verdict(true, "a", "59"));
        assert_eq!(learned(&outside, &home)[0].side, Side::Outside(home.clone()));
        let inside = many(5, &verdict(true, "a", "62"));
        assert_eq!(learned(&inside, &home)[0].side, Side::Inside(home.clone()));
        let mixed = [many(3, &verdict(true, "a", "59")), many(3, &verdict(true, "a", "62"))].concat();
        assert_eq!(learned(&mixed, &home)[0].side, Side::Everywhere);
        assert_eq!(learned(&outside, &[])[0].side, Side::Everywhere, "no home is known");
    }

    #[test]
    fn reasons_that_say_nothing_of_trade_and_place_count_for_nothing() {
        for reason in [Refusal::Time, Refusal::Size, Refusal::Buyer] {
            let late = Verdict { reason: Some(reason), ..verdict(true, "a", "59") };
            assert_eq!(learned(&many(9, &late), &departments(&["62"])), [], "{reason:?}");
        }
        let far = Verdict { reason: Some(Refusal::Place), ..verdict(true, "a", "59") };
        assert_eq!(learned(&many(6, &far), &departments(&["62"])).len(), 1);
        assert_eq!(learned(&many(6, &far), &[]), [], "too far is not: nowhere");
    }

    /// Four « trop loin » and one refusal without a reason became a taste against the trade, in the very département of the structure.
    #[test]
    fn too_far_within_their_own_departments_says_nothing_of_the_trade() {
        let home = departments(&["62"]);
        let far = Verdict { reason: Some(Refusal::Place), ..verdict(true, "a", "62") };
        let mut verdicts = many(4, &far);
        verdicts.push(verdict(true, "a", "62"));
        assert_eq!(learned(&verdicts, &home), []);
        assert_eq!(learned(&many(9, &far), &home), []);
        let trade = Verdict { reason: Some(Refusal::Trade), ..verdict(true, "a", "62") };
        verdicts.extend(many(4, &trade));
        let taste = learned(&verdicts, &home).remove(0);
        assert_eq!((&taste.side, taste.refused, taste.decided), (&Side::Inside(home), 5, 5), "without those too far");
        let bears = verdicts.iter().filter(|v| v.bears(&taste.sector, &taste.side)).count();
        assert_eq!(bears, 5, "what is shown of it is what is counted");
    }

    #[test]
    fn what_has_a_trade_they_want_is_not_touched() {
        let home = departments(&["62"]);
        let tastes = learned(&many(5, &verdict(true, "a", "59")), &home);
        let (a, b): (Sector, Sector) = ("a".into(), "b".into());
        let at = |codes: &[&str]| departments(codes);
        assert!(against(&tastes, std::slice::from_ref(&a), &at(&["59"])).is_some());
        assert!(against(&tastes, &[a.clone(), b], &at(&["59"])).is_none(), "another trade of theirs");
        assert!(against(&tastes, std::slice::from_ref(&a), &at(&["59", "62"])).is_none(), "at home too");
        assert!(against(&tastes, &[a], &[]).is_none(), "nobody knows where");
        assert!(against(&tastes, &[], &at(&["59"])).is_none());
    }

    #[test]
    fn it_is_kept_as_it_is_said() {
        for side in [Side::Everywhere, Side::Inside(departments(&["59", "62"])), Side::Outside(departments(&["2A"]))] {
            let text = serde_json::to_string(&side).unwrap();
            assert_eq!(serde_json::from_str::<Side>(&text).unwrap(), side);
        }
        assert_eq!(Side::Inside(departments(&["59", "62"])).in_french(), "dans le 59 et le 62");
        assert_eq!(Side::Everywhere.in_french(), "");
    }
}

//! A call for partners: a coordinator (a network, or a structure that goes for a lot) asks structures who positions itself on which
//! lot of a procedure, until a moment of its own, well before tenders are due. Pure.
//!
//! ```text
//! Open → Closed (the line-up stands) | Cancelled (the procedure ended meanwhile)
//! ```
//!
//! What a structure answers is read by the coordinator and by the structure itself; a refusal by nobody else. Others learn which
//! lots are still uncovered, never by whom the others are covered; once the call is closed, those of one lot learn who they are.

use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, Duration, Utc};
use serde::{Deserialize, Serialize};
use strum::{EnumString, IntoStaticStr};

use crate::words::words;

/// Shortest time between opening and closing: a call nobody can read in time is none.
pub const SHORTEST: Duration = Duration::hours(1);
/// The second reminder comes that long before the closing.
pub const LAST_CALL: Duration = Duration::days(1);
/// From so many structures bidding together on one lot, the bid has to be justified: competitors who could each have bid alone and
/// join forces lessen competition (Code de commerce, L420-1). The law gives no number; three is where the coordinator is asked why.
pub const MANY_TOGETHER: usize = 3;
/// Largest share of a lot, in percent.
pub const WHOLE_SHARE: u32 = 100;

/// As what a structure positions itself.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, EnumString, IntoStaticStr,
)]
#[serde(rename_all = "snake_case")]
#[strum(serialize_all = "snake_case")]
pub enum PartnerRole {
    /// Mandataire: signs for all and answers to the buyer (R2142-23).
    Lead,
    /// Cotraitant: a member of the joint bid (R2142-19).
    CoContractor,
    /// Sous-traitant: carries out a part for the holder (L2193-2).
    Subcontractor,
    /// Not this time.
    Declined,
}

words!(PartnerRole);

impl PartnerRole {
    /// Every answer, in the order offered.
    pub const ALL: [Self; 4] = [Self::Lead, Self::CoContractor, Self::Subcontractor, Self::Declined];

    /// As a person reads it.
    #[must_use]
    pub fn in_french(self) -> &'static str {
        match self {
            Self::Lead => "mandataire",
            Self::CoContractor => "cotraitant",
            Self::Subcontractor => "sous-traitant",
            Self::Declined => "non",
        }
    }

    /// Whether it signs the joint bid.
    #[must_use]
    pub fn bids(self) -> bool {
        matches!(self, Self::Lead | Self::CoContractor)
    }

    /// Whether it takes part at all.
    #[must_use]
    pub fn takes_part(self) -> bool {
        self != Self::Declined
    }
}

/// How a call stands.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash, Serialize, Deserialize, EnumString, IntoStaticStr)]
#[serde(rename_all = "snake_case")]
#[strum(serialize_all = "snake_case")]
pub enum CallState {
    /// It takes answers.
    #[default]
    Open,
    /// Its line-up stands.
    Closed,
    /// The procedure ended, or the coordinator gave it up.
    Cancelled,
}

words!(CallState);

/// A call for partners.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PartnerCall {
    pub id: String,
    /// The structure that coordinates: see [`crate::Subscriber::structure`].
    pub coordinator: String,
    /// The coordinator as those asked know it.
    pub name: String,
    pub procedure: String,
    /// Lots asked for, in their order; empty = the procedure is not divided, or is asked for as a whole.
    pub lots: Vec<String>,
    /// A word of the coordinator to those asked.
    pub note: String,
    pub state: CallState,
    /// Until when answers are taken.
    pub closes: DateTime<Utc>,
    /// When tenders are due, as it was last told to those asked.
    pub tender: Option<DateTime<Utc>>,
    pub opened: DateTime<Utc>,
    /// Who opened it, as they are called.
    pub by: String,
    /// The last turn that those asked were told.
    pub told: Turn,
    /// Lots of which those asked were told that they ended.
    pub ended: Vec<String>,
    /// The call, of the market before this one, from whose line-up it starts; empty = none.
    pub follows: String,
}

/// What those concerned are told of a call, in the order of time.
#[derive(
    Debug, Clone, Copy, Default, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, EnumString, IntoStaticStr,
)]
#[serde(rename_all = "snake_case")]
#[strum(serialize_all = "snake_case")]
pub enum Turn {
    /// It is open: you are asked.
    #[default]
    Asked,
    /// Half of its time is over and you did not answer.
    HalfTime,
    /// It closes tomorrow and you did not answer.
    LastDay,
    /// The date of the tenders moved, or lots ended.
    Moved,
    /// It is closed: the line-up.
    LineUp,
    /// It is given up.
    Cancelled,
}

words!(Turn);

impl PartnerCall {
    /// Whether it takes answers at a moment.
    #[must_use]
    pub fn takes_answers(&self, now: DateTime<Utc>) -> bool {
        self.state == CallState::Open && now < self.closes
    }

    /// When half of its time is over.
    #[must_use]
    pub fn half_time(&self) -> DateTime<Utc> {
        self.opened + (self.closes - self.opened) / 2
    }

    /// The reminder that is due: the latest that was not told, and none for a call too short to have both.
    #[must_use]
    pub fn reminder_due(&self, now: DateTime<Utc>) -> Option<Turn> {
        if !self.takes_answers(now) {
            return None;
        }
        let (half, last) = (self.half_time(), self.closes - LAST_CALL);
        let due = match () {
            () if last > half && now >= last => Turn::LastDay,
            () if now >= half => Turn::HalfTime,
            () => return None,
        };
        (due > self.told).then_some(due)
    }

    /// The lots that answers may name: those asked for, or the whole.
    #[must_use]
    pub fn asked_lots(&self) -> Vec<&str> {
        if self.lots.is_empty() { vec![""] } else { self.lots.iter().map(String::as_str).collect() }
    }

    /// Those that are still to be bid for.
    #[must_use]
    pub fn live_lots(&self) -> Vec<&str> {
        self.asked_lots().into_iter().filter(|lot| !self.ended.iter().any(|e| e == lot)).collect()
    }
}

/// What one structure answers about a lot, or about all of them.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Position {
    pub structure: String,
    /// The lot; empty = every lot of the call on which it says nothing else.
    pub lot: String,
    pub role: PartnerRole,
    /// The share it can carry out, in percent of the lot.
    pub share: Option<u32>,
    /// What it can carry out, in hours of work.
    pub hours: Option<u32>,
    /// What it can carry out, in people.
    pub people: Option<u32>,
    /// A word to the coordinator.
    pub note: String,
    /// Who answered, as they are called.
    pub by: String,
    pub at: DateTime<Utc>,
}

impl Position {
    /// « cotraitant, 30 %, 400 heures, 6 personnes ».
    #[must_use]
    pub fn in_french(&self) -> String {
        let mut parts = vec![self.role.in_french().to_owned()];
        parts.extend(self.capacity());
        parts.join(", ")
    }

    /// `30 %`, `400 heures`, `6 personnes`: what it said of them.
    #[must_use]
    pub fn capacity(&self) -> Vec<String> {
        let count = |n: u32, what: &str| crate::french::plural(usize::try_from(n).unwrap_or(usize::MAX), what);
        let mut parts = Vec::new();
        parts.extend(self.share.map(|s| format!("{s}\u{a0}%")));
        parts.extend(self.hours.map(|h| count(h, "heure")));
        parts.extend(self.people.map(|p| count(p, "personne")));
        parts
    }
}

/// What a structure says of a lot: its line on the lot, or the one on all of them.
#[must_use]
pub fn position_on<'p>(positions: &'p [Position], structure: &str, lot: &str) -> Option<&'p Position> {
    let of = |lot: &str| positions.iter().find(|p| p.structure == structure && p.lot == lot);
    of(lot).or_else(|| of(""))
}

/// Who is on a lot once everybody has answered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LotLineUp {
    pub lot: String,
    /// Those who take part, the lead first.
    pub on: Vec<Position>,
    /// What is to be looked at before the bid is made.
    pub doubts: Vec<Doubt>,
}

/// What is to be looked at in a line-up.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Doubt {
    /// Nobody bids.
    Uncovered,
    /// Somebody bids and nobody leads.
    NoLead,
    /// Several want to lead.
    SeveralLeads,
    /// The shares add up to more than the whole.
    TooMuch,
    /// So many bid together that the bid has to be justified ([`MANY_TOGETHER`]).
    ManyTogether,
}

impl Doubt {
    /// As the coordinator reads it.
    #[must_use]
    pub fn in_french(self) -> &'static str {
        match self {
            Self::Uncovered => "non couvert",
            Self::NoLead => "sans mandataire",
            Self::SeveralLeads => "plusieurs mandataires",
            Self::TooMuch => "plus de 100 % en tout",
            Self::ManyTogether => "groupement à justifier",
        }
    }
}

/// Who is on each lot, in the order of `lots` (empty = the whole); lots that ended are left out.
#[must_use]
pub fn line_up(lots: &[&str], positions: &[Position]) -> Vec<LotLineUp> {
    let structures: BTreeSet<&str> = positions.iter().map(|p| p.structure.as_str()).collect();
    lots.iter().map(|lot| of_lot(lot, &structures, positions)).collect()
}

fn of_lot(lot: &str, structures: &BTreeSet<&str>, positions: &[Position]) -> LotLineUp {
    let said = structures.iter().filter_map(|s| position_on(positions, s, lot));
    let mut on: Vec<Position> = said.filter(|p| p.role.takes_part()).cloned().collect();
    on.sort_by(|a, b| (a.role, a.at, &a.structure).cmp(&(b.role, b.at, &b.structure)));
    let bidding = on.iter().filter(|p| p.role.bids()).count();
    let leads = on.iter().filter(|p| p.role == PartnerRole::Lead).count();
    let shares: u64 = on.iter().filter_map(|p| p.share).map(u64::from).sum();
    let doubts = [
        (bidding == 0, Doubt::Uncovered),
        (bidding > 0 && leads == 0, Doubt::NoLead),
        (leads > 1, Doubt::SeveralLeads),
        (shares > u64::from(WHOLE_SHARE), Doubt::TooMuch),
        (bidding >= MANY_TOGETHER, Doubt::ManyTogether),
    ];
    let doubts = doubts.into_iter().filter(|(holds, _)| *holds).map(|(_, doubt)| doubt).collect();
    LotLineUp { lot: lot.to_owned(), on, doubts }
}

/// The lots on which nobody bids.
#[must_use]
pub fn uncovered(line_up: &[LotLineUp]) -> Vec<&str> {
    line_up.iter().filter(|l| l.doubts.contains(&Doubt::Uncovered)).map(|l| l.lot.as_str()).collect()
}

/// Those with whom a structure stands on a lot once the call is closed: their structures and roles, no capacity and no word of
/// theirs; nobody for a structure that does not take part there.
#[must_use]
pub fn companions<'l>(lot: &'l LotLineUp, structure: &str) -> Vec<(&'l str, PartnerRole)> {
    if !lot.on.iter().any(|p| p.structure == structure) {
        return Vec::new();
    }
    lot.on.iter().filter(|p| p.structure != structure).map(|p| (p.structure.as_str(), p.role)).collect()
}

/// What a structure's answers become with new ones. An answer on everything takes the place of all that was said lot by lot. An answer by
/// which it takes part in some lots takes the place of one by which it took part in all: whoever names lots means these.
#[must_use]
pub fn answered(before: &[Position], new: Vec<Position>) -> Vec<Position> {
    let on_all = new.iter().any(|p| p.lot.is_empty());
    let names_lots = new.iter().any(|p| !p.lot.is_empty() && p.role.takes_part());
    let gone = |p: &Position| on_all || names_lots && p.lot.is_empty() && p.role.takes_part();
    let kept = before.iter().filter(|p| !gone(p)).cloned().map(|p| (p.lot.clone(), p));
    let mut by_lot: BTreeMap<String, Position> = kept.collect();
    by_lot.extend(new.into_iter().map(|p| (p.lot.clone(), p)));
    by_lot.into_values().collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(hours: i64) -> DateTime<Utc> {
        DateTime::UNIX_EPOCH + Duration::hours(hours)
    }

    fn call(hours: i64) -> PartnerCall {
        PartnerCall {
            id: "c".into(),
            coordinator: "gie".into(),
            name: "GIE".into(),
            procedure: "p".into(),
            lots: vec!["1".into(), "2".into()],
            note: String::new(),
            state: CallState::Open,
            closes: at(hours),
            tender: None,
            opened: at(0),
            by: "Claire".into(),
            told: Turn::Asked,
            ended: Vec::new(),
            follows: String::new(),
        }
    }

    fn position(structure: &str, lot: &str, role: PartnerRole) -> Position {
        Position {
            structure: structure.into(),
            lot: lot.into(),
            role,
            share: None,
            hours: None,
            people: None,
            note: String::new(),
            by: "Ana".into(),
            at: at(0),
        }
    }

    #[test]
    fn those_who_did_not_answer_are_reminded_at_half_time_and_the_day_before() {
        let mut c = call(240);
        assert_eq!(c.reminder_due(at(119)), None);
        assert_eq!(c.reminder_due(at(120)), Some(Turn::HalfTime));
        c.told = Turn::HalfTime;
        assert_eq!(c.reminder_due(at(200)), None, "once");
        assert_eq!(c.reminder_due(at(216)), Some(Turn::LastDay));
        assert_eq!(c.reminder_due(at(240)), None, "closed");
        let short = call(30);
        assert_eq!(short.reminder_due(at(16)), Some(Turn::HalfTime), "a short call has one reminder");
        assert_eq!(PartnerCall { told: Turn::HalfTime, ..short }.reminder_due(at(29)), None);
    }

    #[test]
    fn a_line_up_says_who_is_on_a_lot_and_what_is_doubtful() {
        use PartnerRole::{CoContractor, Declined, Lead, Subcontractor};
        let with_share = |share, p: Position| Position { share: Some(share), ..p };
        let positions = [
            position("a", "", Declined),
            position("a", "1", Lead),
            with_share(70, position("b", "1", CoContractor)),
            with_share(40, position("c", "", CoContractor)),
            position("d", "2", Subcontractor),
            position("e", "", Declined),
        ];
        let lots = line_up(&["1", "2", "3"], &positions);
        let who: Vec<&str> = lots[0].on.iter().map(|p| p.structure.as_str()).collect();
        assert_eq!(who, ["a", "b", "c"], "the lead first");
        assert_eq!(lots[0].doubts, [Doubt::TooMuch, Doubt::ManyTogether]);
        assert_eq!(lots[1].doubts, [Doubt::NoLead]);
        assert_eq!(line_up(&["2"], &positions[4..])[0].doubts, [Doubt::Uncovered], "a subcontractor does not bid");
        assert_eq!(companions(&lots[0], "b"), [("a", Lead), ("c", CoContractor)]);
        assert!(companions(&lots[1], "a").is_empty(), "who refused a lot learns nobody's name");
        let whole = answered(&positions[..2], vec![position("a", "", Declined)]);
        assert_eq!(whole, [position("a", "", Declined)], "a refusal of everything takes back each lot");
        let all = [position("a", "", CoContractor)];
        let some = answered(&all, vec![position("a", "2", Lead)]);
        assert_eq!(some, [position("a", "2", Lead)], "whoever names lots means these");
        let but = answered(&all, vec![position("a", "3", Declined)]);
        assert_eq!(but.len(), 2, "a refusal of one lot leaves the others");
    }
}

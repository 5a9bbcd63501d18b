//! The state of a procedure and of its lots, as people were told of it, and what differs between two states.
//!
//! Invariants: a lot that ended never opens again, and ends the procedure only together with all the others. What follows up a
//! notice (a correction, an award) leaves as it was what it does not say. A snapshot written by an earlier version, which kept no
//! terms of provisions, tells no change of terms.

use chrono::{DateTime, FixedOffset, NaiveDate};
use serde::{Deserialize, Serialize};

use crate::notice::Award;
use crate::{Assessment, Beneficiary, DateKind, NoAwardReason, NoticeKind, Outcome, Provision, ProvisionKind};

/// Where a procedure, or one of its lots, stands.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Status {
    /// Open, or not yet open.
    #[default]
    Open,
    /// Called off.
    Cancelled,
    /// Awarded.
    Awarded,
    /// Ended without award: sans suite, infructueux.
    NoAward,
    /// The buyer means to conclude without a call for competition.
    Intended,
}

/// A lot that ended.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct EndedLot {
    /// Its number.
    pub lot: String,
    /// How it ended; never [`Status::Open`].
    pub status: Status,
    /// Why nobody won it, where that was said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<NoAwardReason>,
}

/// A number, or the range from it to another.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Quantity {
    /// The number, or the least.
    pub least: f64,
    /// The most, where the text gives a range.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub most: Option<f64>,
}

/// What a provision asks for, in numbers.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
pub struct Terms {
    /// Hours of insertion.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hours: Option<Quantity>,
    /// Share of hours, 0–100.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub percent: Option<f64>,
    /// Weight of the criterion, 0–100.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub weight: Option<f64>,
    /// Whether the winner is bound.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mandatory: Option<bool>,
}

impl Terms {
    fn of(p: &Provision) -> Self {
        let hours = p.hours.map(|least| Quantity { least, most: p.hours_max });
        Self { hours, percent: p.percent, weight: p.weight, mandatory: p.mandatory }
    }
}

/// A provision that people were told of.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(from = "Kept")]
pub struct StatedProvision {
    /// What it is.
    pub kind: ProvisionKind,
    /// For whom, when reserved.
    pub beneficiary: Option<Beneficiary>,
    /// Lots it binds to; empty = all.
    pub lots: Vec<String>,
    /// What it asks for; `None` where an earlier version of the program kept nothing of it.
    pub terms: Option<Terms>,
}

impl StatedProvision {
    fn of(p: &Provision) -> Self {
        Self { kind: p.kind, beneficiary: p.beneficiary, lots: p.lots.clone(), terms: Some(Terms::of(p)) }
    }

    fn is_the_same_as(&self, other: &Self) -> bool {
        (self.kind, self.beneficiary, &self.lots) == (other.kind, other.beneficiary, &other.lots)
    }
}

/// A stated provision as databases hold it: a triple before terms were kept.
#[derive(Deserialize)]
#[serde(untagged)]
enum Kept {
    Triple(ProvisionKind, Option<Beneficiary>, Vec<String>),
    Whole {
        kind: ProvisionKind,
        beneficiary: Option<Beneficiary>,
        lots: Vec<String>,
        #[serde(default)]
        terms: Option<Terms>,
    },
}

impl From<Kept> for StatedProvision {
    fn from(kept: Kept) -> Self {
        match kept {
            Kept::Triple(kind, beneficiary, lots) => Self { kind, beneficiary, lots, terms: None },
            Kept::Whole { kind, beneficiary, lots, terms } => Self { kind, beneficiary, lots, terms },
        }
    }
}

/// Who won a lot, or is meant to.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Winner {
    /// The lot; `None` = the whole contract.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub lot: Option<String>,
    /// Names, as published.
    pub names: Vec<String>,
    /// Amount in euros without tax.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub amount: Option<f64>,
}

/// When one lot closes, where its own date was given.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct LotDate {
    /// Its number.
    pub lot: String,
    pub kind: DateKind,
    pub at: DateTime<FixedOffset>,
}

/// What people were told of a procedure, kept to find out what a later notice changes.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Snapshot {
    pub status: Status,
    /// Closing and other dates, by kind.
    pub dates: Vec<(DateKind, DateTime<FixedOffset>)>,
    /// Lot numbers.
    pub lots: Vec<String>,
    /// Lots that ended, while others may be open.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub ended: Vec<EndedLot>,
    /// Why the whole was called off or not awarded, where that was said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<NoAwardReason>,
    /// Reservations, clauses and criteria.
    pub provisions: Vec<StatedProvision>,
    /// It is only announced: no notice has opened it to answers yet.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub planned: bool,
    /// A correction followed, or its closing date moved.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub modified: bool,
    /// Closing dates of lots that have their own.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub lot_dates: Vec<LotDate>,
    /// Who won, lot by lot.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub winners: Vec<Winner>,
    /// Why it ended without a winner, in the buyer's own words.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub words: Option<String>,
    /// Day of the notice that opened it, or announced it; a procedure without a closing date counts as open from then on.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub published: Option<NaiveDate>,
}

impl Snapshot {
    /// When it closes, while it is open.
    #[must_use]
    pub fn closes(&self) -> Option<DateTime<FixedOffset>> {
        self.deadline_of("").filter(|_| self.status == Status::Open)
    }

    /// Until when a lot can be, or could be, answered; empty = the procedure as a whole.
    #[must_use]
    pub fn deadline_of(&self, lot: &str) -> Option<DateTime<FixedOffset>> {
        let of_lot = |kind| self.lot_dates.iter().filter(|d| d.lot == lot && d.kind == kind).map(|d| d.at).max();
        let of = |kind: DateKind| self.dates.iter().find(|(k, _)| *k == kind).map(|(_, at)| *at);
        let own = of_lot(DateKind::Participation).or_else(|| of_lot(DateKind::Tender));
        own.or_else(|| of(DateKind::Participation)).or_else(|| of(DateKind::Tender))
    }

    /// Where a lot stands; empty = the procedure as a whole.
    #[must_use]
    pub fn status_of(&self, lot: &str) -> Status {
        let ended = self.ended.iter().find(|e| e.lot == lot).map(|e| e.status);
        ended.unwrap_or(self.status)
    }

    /// How the whole stands and nothing more, as a list keeps it: without lots and provisions, each winner once.
    #[must_use]
    pub fn in_short(&self) -> Self {
        let mut names: Vec<String> = Vec::new();
        for name in self.winners.iter().flat_map(|w| &w.names) {
            if !names.contains(name) {
                names.push(name.clone());
            }
        }
        let closes =
            |(kind, _): &&(DateKind, DateTime<FixedOffset>)| matches!(kind, DateKind::Participation | DateKind::Tender);
        Self {
            status: self.status,
            dates: self.dates.iter().filter(closes).copied().collect(),
            reason: self.reason,
            planned: self.planned,
            modified: self.modified,
            winners: if names.is_empty() { Vec::new() } else { vec![Winner { names, ..Winner::default() }] },
            published: self.published,
            ..Self::default()
        }
    }

    /// The state that a verdict alone describes.
    #[must_use]
    pub fn of(assessment: &Assessment) -> Self {
        let mut dates: Vec<_> = assessment.dates.iter().map(|d| (d.kind, d.at)).collect();
        // Of several lots' dates the latest counts, as for the closing of the procedure.
        dates.sort_by(|a, b| b.cmp(a));
        dates.dedup_by_key(|d| d.0);
        dates.reverse();
        let told = |kind| {
            matches!(kind, ProvisionKind::Reserved | ProvisionKind::ExecutionClause | ProvisionKind::AwardCriterion)
        };
        let mut provisions: Vec<StatedProvision> =
            assessment.provisions.iter().filter(|p| told(p.kind)).map(StatedProvision::of).collect();
        provisions.dedup();
        let lots = assessment.lots.iter().map(|l| l.id.clone()).collect();
        let planned = assessment.notice_kind.is_announcement();
        let state = Self { dates, lots, provisions, planned, lot_dates: lot_dates(assessment), ..Self::default() };
        state.ending(&Ending::of(assessment, true)).with_winners(assessment)
    }

    /// This state after a later notice. A notice that follows up often repeats only some fields: what it leaves out stays as it
    /// was. What became of lots changes nothing else.
    #[must_use]
    pub fn followed_by(&self, later: &Assessment) -> Self {
        let kind = later.notice_kind;
        let stated = Self::of(later);
        let ending = Ending::of(later, self.lots.is_empty() && stated.lots.is_empty());
        let keep = |mine: bool, theirs: bool| kind.is_follow_up() && !mine && (theirs || kind.is_result());
        let mut dates = stated.dates.clone();
        if kind.is_follow_up() {
            dates.retain(|(k, _)| !kind.is_result() || !self.dates.iter().any(|(known, _)| known == k));
            dates.extend(
                self.dates.iter().filter(|(k, _)| !dates.iter().any(|(l, _)| l == k)).copied().collect::<Vec<_>>(),
            );
            dates.sort();
        }
        let closing = |dates: &[(DateKind, DateTime<FixedOffset>)]| {
            let of = |kind| dates.iter().find(|(k, _)| *k == kind).map(|(_, at)| *at);
            of(DateKind::Participation).or_else(|| of(DateKind::Tender))
        };
        let moved = closing(&self.dates).zip(closing(&dates)).is_some_and(|(from, to)| from != to);
        // One date for all takes the place of those of lots.
        let keeps_lot_dates = kind.is_follow_up() && stated.lot_dates.is_empty() && !moved;
        let state = Self {
            status: self.status,
            dates,
            planned: self.planned && (kind.is_follow_up() || stated.planned),
            modified: self.modified || kind == NoticeKind::Correction || moved,
            lot_dates: if keeps_lot_dates { self.lot_dates.clone() } else { stated.lot_dates },
            winners: self.winners.clone(),
            words: self.words.clone(),
            published: self.published,
            lots: if keep(self.lots.is_empty(), stated.lots.is_empty()) { self.lots.clone() } else { stated.lots },
            ended: self.ended.clone(),
            reason: self.reason,
            provisions: if keep(self.provisions.is_empty(), stated.provisions.is_empty()) {
                self.provisions.clone()
            } else {
                stated.provisions
            },
        };
        state.ending(&ending).with_winners(later)
    }

    /// This state, brought about by a record that said something else before, where what the record still says as it did is left as it
    /// was `before`: another notice may have changed that since.
    #[must_use]
    pub fn where_it_changed(mut self, before: &Self, said: &Self, says: &Self) -> Self {
        let date = |s: &Self, kind| s.dates.iter().find(|(k, _)| *k == kind).map(|(_, at)| *at);
        let mut kinds: Vec<DateKind> = [before, said, says].iter().flat_map(|s| s.dates.iter().map(|d| d.0)).collect();
        kinds.sort_unstable();
        kinds.dedup();
        for kind in kinds.into_iter().filter(|kind| date(said, *kind) == date(says, *kind)) {
            self.dates.retain(|(k, _)| *k != kind);
            self.dates.extend(date(before, kind).map(|at| (kind, at)));
        }
        self.dates.sort_unstable();
        if said.lot_dates == says.lot_dates {
            self.lot_dates.clone_from(&before.lot_dates);
        }
        if said.lots == says.lots {
            self.lots.clone_from(&before.lots);
        }
        if said.provisions == says.provisions {
            self.provisions.clone_from(&before.provisions);
        }
        if self.dates == before.dates {
            self.modified = before.modified;
        }
        self
    }

    /// This state with the winners that a notice names, and its words for what nobody won. A contract modified or completed names
    /// only those that nobody named before.
    fn with_winners(mut self, a: &Assessment) -> Self {
        let of_a_contract = matches!(a.notice_kind, NoticeKind::Modification | NoticeKind::Completion);
        let named = |w: &&Award| matches!(w.outcome, Outcome::Awarded | Outcome::Intended) && !w.winners.is_empty();
        for award in a.awards.iter().filter(named) {
            match self.winners.iter_mut().find(|w| w.lot == award.lot) {
                Some(_) if of_a_contract => {}
                Some(known) if known.names == award.winners => known.amount = award.amount.or(known.amount),
                // Several winners of one lot may be listed one by one.
                Some(known) if a.awards.iter().filter(named).filter(|w| w.lot == award.lot).count() > 1 => {
                    let news = award.winners.iter().filter(|w| !known.names.contains(w)).cloned().collect::<Vec<_>>();
                    known.names.extend(news);
                }
                Some(known) => {
                    *known = Winner { lot: award.lot.clone(), names: award.winners.clone(), amount: award.amount };
                }
                None => self.winners.push(Winner {
                    lot: award.lot.clone(),
                    names: award.winners.clone(),
                    amount: award.amount,
                }),
            }
        }
        self.words = a.awards.iter().find_map(|w| w.words.clone()).or(self.words);
        self
    }

    /// This state once those lots ended.
    fn ending(mut self, ending: &Ending) -> Self {
        for lot in &ending.lots {
            match self.ended.iter_mut().find(|e| e.lot == lot.lot) {
                Some(known) => *known = lot.clone(),
                None => self.ended.push(lot.clone()),
            }
        }
        let any = |status| self.ended.iter().any(|e| e.status == status);
        let all = if self.lots.is_empty() {
            // Of lots that nobody listed, those awarded are taken for all; one called off is not.
            any(Status::Awarded) || any(Status::NoAward) || any(Status::Intended)
        } else {
            self.lots.iter().all(|l| self.ended.iter().any(|e| e.lot == *l))
        };
        if let Some((whole, reason)) = ending.whole {
            (self.status, self.reason) = (whole, reason.or(self.reason));
        } else if !ending.lots.is_empty() && all {
            let status = [Status::Awarded, Status::Intended, Status::NoAward].into_iter().find(|s| any(*s));
            self.status = status.unwrap_or(Status::Cancelled);
        }
        self
    }
}

/// The closing dates of lots that have their own.
fn lot_dates(a: &Assessment) -> Vec<LotDate> {
    let closes = |k: &DateKind| matches!(k, DateKind::Participation | DateKind::Tender);
    let own = a.dates.iter().filter(|d| closes(&d.kind));
    own.filter_map(|d| Some(LotDate { lot: d.lot.clone()?, kind: d.kind, at: d.at })).collect()
}

/// What a notice ends.
struct Ending {
    /// The whole procedure, so and for that reason.
    whole: Option<(Status, Option<NoAwardReason>)>,
    /// Some of its lots.
    lots: Vec<EndedLot>,
}

impl Ending {
    /// `undivided`: nothing is known of other lots, so that the only result given is that of the whole.
    fn of(a: &Assessment, undivided: bool) -> Self {
        let of_kind = match a.notice_kind {
            NoticeKind::Cancellation => Status::Cancelled,
            NoticeKind::Award | NoticeKind::Modification | NoticeKind::Completion => Status::Awarded,
            NoticeKind::NoAward => Status::NoAward,
            NoticeKind::ExAnte => Status::Intended,
            _ => return Self { whole: None, lots: Vec::new() },
        };
        let status = |outcome| match outcome {
            Outcome::Awarded => Some(Status::Awarded),
            Outcome::NoAward if a.notice_kind == NoticeKind::Cancellation => Some(Status::Cancelled),
            Outcome::NoAward => Some(Status::NoAward),
            Outcome::Intended => Some(Status::Intended),
            Outcome::StillOpen => None,
        };
        let mut lots: Vec<EndedLot> = Vec::new();
        for award in &a.awards {
            if let (Some(lot), Some(status)) = (&award.lot, status(award.outcome)) {
                let ended = EndedLot { lot: lot.clone(), status, reason: award.reason };
                match lots.iter_mut().find(|l| l.lot == ended.lot) {
                    // Several winners of one lot are one award.
                    Some(known) if known.status == Status::Awarded => {}
                    Some(known) => *known = ended,
                    None => lots.push(ended),
                }
            }
        }
        // A contract modified or completed is that of some lot; it says nothing of the others.
        let of_a_contract = matches!(a.notice_kind, NoticeKind::Modification | NoticeKind::Completion) && !undivided;
        let whole = match a.awards.iter().find(|w| w.lot.is_none()) {
            // One contract of several: nothing is said of which lot it is of, nor of the others.
            Some(award) if award.is_of_one_contract() && !undivided => None,
            Some(award) => status(award.outcome).map(|s| (s, award.reason)),
            None if a.awards.is_empty() && !of_a_contract => Some((of_kind, None)),
            None if undivided && a.lots.is_empty() && lots.len() == 1 => lots.pop().map(|l| (l.status, l.reason)),
            None => None,
        };
        Self { whole, lots }
    }
}

/// One difference that matters to a bidder.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Change {
    /// A date moved, appeared (`from` = `None`) or vanished (`to` = `None`).
    Date {
        kind: DateKind,
        from: Option<DateTime<FixedOffset>>,
        to: Option<DateTime<FixedOffset>>,
    },
    /// A lot was withdrawn.
    LotDropped(String),
    /// A lot was added.
    LotAdded(String),
    /// A provision appeared or changed.
    ProvisionAppeared(ProvisionKind, Option<Beneficiary>, Vec<String>),
    ProvisionVanished(ProvisionKind, Option<Beneficiary>, Vec<String>),
    /// A provision is for others than before.
    BeneficiaryChanged {
        kind: ProvisionKind,
        lots: Vec<String>,
        from: Option<Beneficiary>,
        to: Option<Beneficiary>,
    },
    /// A provision asks for more or less than before.
    TermsChanged {
        kind: ProvisionKind,
        lots: Vec<String>,
        from: Terms,
        to: Terms,
    },
    /// The procedure is called off.
    Cancelled,
    /// The procedure is awarded.
    Awarded,
    /// The procedure ended without award.
    NoAward,
    /// The buyer means to conclude without a call for competition.
    Intended,
    /// Why the procedure was called off or not awarded.
    Because(NoAwardReason),
    /// Some lots ended, all in the same way.
    LotsEnded {
        status: Status,
        lots: Vec<String>,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        reason: Option<NoAwardReason>,
    },
}

impl Change {
    /// Whether it tells how the procedure, or some of its lots, ended.
    #[must_use]
    pub fn is_ending(&self) -> bool {
        matches!(self, Self::Cancelled | Self::Awarded | Self::NoAward | Self::Intended | Self::LotsEnded { .. })
    }

    /// Lots that it concerns; empty = all, or unknown.
    #[must_use]
    pub fn lots(&self) -> &[String] {
        match self {
            Self::ProvisionAppeared(_, _, lots) | Self::ProvisionVanished(_, _, lots) => lots,
            Self::BeneficiaryChanged { lots, .. } | Self::TermsChanged { lots, .. } | Self::LotsEnded { lots, .. } => {
                lots
            }
            Self::LotDropped(lot) | Self::LotAdded(lot) => std::slice::from_ref(lot),
            Self::Date { .. } | Self::Cancelled | Self::Awarded | Self::NoAward | Self::Intended | Self::Because(_) => {
                &[]
            }
        }
    }
}

/// What differs between two states, in the order a reader wants it.
#[must_use]
pub fn changes(before: &Snapshot, after: &Snapshot) -> Vec<Change> {
    let mut out = endings(before, after);
    let at = |s: &Snapshot, kind| s.dates.iter().find(|(k, _)| *k == kind).map(|(_, at)| *at);
    for kind in [DateKind::Participation, DateKind::Tender, DateKind::Visit, DateKind::Questions] {
        let (from, to) = (at(before, kind), at(after, kind));
        if from != to {
            out.push(Change::Date { kind, from, to });
        }
    }
    out.extend(provision_changes(&before.provisions, &after.provisions));
    out.extend(before.lots.iter().filter(|l| !after.lots.contains(l)).cloned().map(Change::LotDropped));
    out.extend(after.lots.iter().filter(|l| !before.lots.contains(l)).cloned().map(Change::LotAdded));
    out
}

/// How the procedure, or some of its lots, ended. Lots that end in the same way make one change.
fn endings(before: &Snapshot, after: &Snapshot) -> Vec<Change> {
    let mut out = Vec::new();
    if before.status != after.status {
        match after.status {
            Status::Cancelled => out.push(Change::Cancelled),
            Status::Awarded => out.push(Change::Awarded),
            Status::NoAward => out.push(Change::NoAward),
            Status::Intended => out.push(Change::Intended),
            Status::Open => {}
        }
        let failed = matches!(after.status, Status::Cancelled | Status::NoAward);
        out.extend(after.reason.filter(|_| failed).map(Change::Because));
    }
    let news = after.ended.iter().filter(|e| !before.ended.iter().any(|b| (&b.lot, b.status) == (&e.lot, e.status)));
    let mut of_lots: Vec<Change> = Vec::new();
    for ended in news {
        let same = of_lots.iter_mut().find_map(|c| match c {
            Change::LotsEnded { status, lots, reason } if (*status, *reason) == (ended.status, ended.reason) => {
                Some(lots)
            }
            _ => None,
        });
        match same {
            Some(lots) => lots.push(ended.lot.clone()),
            None => of_lots.push(Change::LotsEnded {
                status: ended.status,
                lots: vec![ended.lot.clone()],
                reason: ended.reason,
            }),
        }
    }
    // Where all lots ended in the one way that the whole did, the whole says it.
    let said =
        matches!(of_lots.as_slice(), [Change::LotsEnded { status, reason: None, .. }] if *status == after.status);
    if out.is_empty() || !said {
        out.extend(of_lots);
    }
    out
}

/// What differs between two lists of provisions.
fn provision_changes(before: &[StatedProvision], after: &[StatedProvision]) -> Vec<Change> {
    let mut gone: Vec<&StatedProvision> = before.iter().collect();
    // What stands as it stood, then what only asks for more or less, then what is for others, is no news of its own.
    let mut news: Vec<&StatedProvision> = Vec::new();
    for p in after {
        match gone.iter().position(|b| *b == p) {
            Some(at) => drop(gone.remove(at)),
            None => news.push(p),
        }
    }
    let mut out = Vec::new();
    news.retain(|p| {
        let Some(at) = gone.iter().position(|b| b.is_the_same_as(p)) else { return true };
        out.extend(terms_changed(gone.remove(at), p));
        false
    });
    news.retain(|p| {
        let Some(at) = gone.iter().position(|b| b.kind == p.kind && b.lots == p.lots) else { return true };
        let was = gone.remove(at);
        let (from, to) = (was.beneficiary, p.beneficiary);
        out.push(Change::BeneficiaryChanged { kind: p.kind, lots: p.lots.clone(), from, to });
        out.extend(terms_changed(was, p));
        false
    });
    let appeared = |p: &StatedProvision| Change::ProvisionAppeared(p.kind, p.beneficiary, p.lots.clone());
    let vanished = |p: &StatedProvision| Change::ProvisionVanished(p.kind, p.beneficiary, p.lots.clone());
    out.extend(news.into_iter().map(appeared));
    out.extend(gone.into_iter().map(vanished));
    out
}

/// The terms of a provision before and after, where both are known and differ.
fn terms_changed(before: &StatedProvision, after: &StatedProvision) -> Option<Change> {
    let (from, to) = (before.terms?, after.terms?);
    (from != to).then(|| Change::TermsChanged { kind: after.kind, lots: after.lots.clone(), from, to })
}

#[cfg(test)]
mod tests;

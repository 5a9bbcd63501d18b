//! What a structure has on its table: markets to decide about, those it goes for, those whose result it awaits, those it is done
//! with. Where one stands is a pure function of what was decided and of the procedure's state ([`shelf`]).
//!
//! What closed, was called off or awarded leaves by itself: nothing on the first two shelves is past. What a structure went for
//! and said nothing more of stays for a month after its closing, to be answered "remis" or not.

use chrono::{DateTime, Duration, FixedOffset, Utc};
use vigie_domain::procedure::Snapshot;
use vigie_domain::{DateKind, Decision, Phase, Stage};
use vigie_store::StoreError;
use vigie_store::search::SearchRow;

use crate::Service;

/// How far back a market that nobody answered was told.
const TOLD_WITHIN: Duration = Duration::days(370);
/// How long after its closing a structure is asked what became of what it went for.
const ASKED_FOR: Duration = Duration::days(30);
/// How long what is done with is shown.
const SHOWN_FOR: Duration = Duration::days(90);
/// How long a result is awaited.
const AWAITED_FOR: Duration = Duration::days(400);

/// One market of a structure.
#[derive(Debug, Clone)]
pub struct Market {
    /// As lists show it.
    pub row: SearchRow,
    /// What the structure decided: the whole first, then its lots; nothing that merely happened.
    pub decisions: Vec<Decision>,
    /// The next date ahead.
    pub next: Option<(DateKind, DateTime<FixedOffset>)>,
    /// When a colleague was first told of it, or who decided did.
    pub since: DateTime<Utc>,
}

impl Market {
    /// The decision that says most of it.
    #[must_use]
    pub fn leading(&self) -> Option<&Decision> {
        let rank = |d: &&Decision| match d.stage {
            Stage::Won => 6,
            Stage::Submitted => 5,
            Stage::Preparing => 4,
            Stage::Go => 3,
            Stage::Lost | Stage::NoAward => 2,
            _ => 1,
        };
        // The first of equals: the whole before its lots.
        self.decisions.iter().rev().max_by_key(rank)
    }
}

/// Where a market stands with a structure.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Shelf {
    /// Told, can be answered, nobody did.
    ToDecide,
    /// They go for it, and it is open.
    Going,
    /// They went for it, it is closed, and nobody said whether they handed something in.
    Unsaid,
    /// Handed in; the result is not known.
    Waiting,
    /// Done with.
    Done,
}

/// The markets of a structure, each list in the order to look at it.
#[derive(Debug, Clone, Default)]
pub struct MyMarkets {
    /// By the next date, the closing or what comes before it.
    pub to_decide: Vec<Market>,
    /// By the next date.
    pub going: Vec<Market>,
    pub unsaid: Vec<Market>,
    /// What has a result first.
    pub waiting: Vec<Market>,
    /// Latest first.
    pub done: Vec<Market>,
}

/// Where a market stands, after what was decided of it (whole and lots) and how the procedure stands; `lots`: how many it has.
#[must_use]
pub fn shelf(decisions: &[Decision], phase: Phase, lots: usize) -> Shelf {
    let open = phase.takes_answers();
    let any = |wanted: fn(Stage) -> bool| decisions.iter().any(|d| wanted(d.stage));
    let whole = decisions.iter().any(|d| d.lot.is_empty());
    if any(|s| s == Stage::Submitted) {
        return Shelf::Waiting;
    }
    if any(Stage::wants_reminders) {
        return match phase {
            Phase::Cancelled | Phase::NoAward | Phase::Intended => Shelf::Done,
            _ if open => Shelf::Going,
            _ => Shelf::Unsaid,
        };
    }
    // Some lots were declined; the others wait for an answer.
    let undecided =
        decisions.is_empty() || (!whole && decisions.len() < lots && decisions.iter().all(|d| d.stage.declines()));
    if undecided && open { Shelf::ToDecide } else { Shelf::Done }
}

/// The markets of a structure now.
///
/// # Errors
/// The database fails.
pub async fn of(service: &Service, structure: &str) -> Result<MyMarkets, StoreError> {
    let now = service.clock.now();
    let members = service.store.members(structure).await?;
    let told = service.store.spotted(&members, now - TOLD_WITHIN, now + Duration::days(1)).await?;
    let mut markets: Vec<(String, DateTime<Utc>, Vec<Decision>)> =
        told.into_iter().map(|t| (t.procedure, t.at, Vec::new())).collect();
    for decision in service.store.decisions_of(structure).await?.into_iter().filter(|d| d.stage.is_decision()) {
        match markets.iter_mut().find(|(procedure, _, _)| *procedure == decision.procedure) {
            Some((_, _, decisions)) => decisions.push(decision),
            None => markets.push((decision.procedure.clone(), decision.at, vec![decision])),
        }
    }
    let ids: Vec<String> = markets.iter().map(|(id, _, _)| id.clone()).collect();
    let mut rows: std::collections::HashMap<String, SearchRow> =
        service.store.search_rows(&ids).await?.into_iter().map(|r| (r.procedure.clone(), r)).collect();
    let mut mine = MyMarkets::default();
    for (procedure, since, mut decisions) in markets {
        let Some(row) = rows.remove(&procedure) else { continue };
        let phase = row.state_at(now).phase;
        decisions.sort_by(|a, b| a.lot.cmp(&b.lot));
        // What nobody answered in time is left out before anything more is read of it.
        if decisions.is_empty() && !phase.takes_answers() {
            continue;
        }
        let snapshot = service.store.state_of(&procedure).await?.unwrap_or_default();
        let shelf = shelf(&decisions, phase, snapshot.lots.len());
        mine.put(shelf, Market { next: next(&snapshot, now), row, decisions, since }, now);
    }
    mine.sort(now);
    Ok(mine)
}

/// The next date of a procedure that is ahead.
fn next(state: &Snapshot, now: DateTime<Utc>) -> Option<(DateKind, DateTime<FixedOffset>)> {
    state.dates.iter().filter(|(_, at)| *at > now).min_by_key(|(_, at)| *at).copied()
}

impl MyMarkets {
    fn put(&mut self, shelf: Shelf, market: Market, now: DateTime<Utc>) {
        let decided = market.decisions.iter().map(|d| d.at).max().unwrap_or(market.since);
        match shelf {
            Shelf::ToDecide => self.to_decide.push(market),
            Shelf::Going => self.going.push(market),
            Shelf::Unsaid if market.row.until + ASKED_FOR > now => self.unsaid.push(market),
            Shelf::Waiting if decided + AWAITED_FOR > now => self.waiting.push(market),
            _ if !market.decisions.is_empty() && decided + SHOWN_FOR > now => self.done.push(market),
            _ => {}
        }
    }

    fn sort(&mut self, now: DateTime<Utc>) {
        let far = DateTime::<Utc>::MAX_UTC;
        // A visit or the end of candidatures comes before the closing, and is what is shown.
        let first = |m: &Market| m.next.map(|(_, at)| at.to_utc()).or(m.row.closes).unwrap_or(far);
        self.to_decide.sort_by_key(|m| (first(m), m.row.procedure.clone()));
        self.going.sort_by_key(|m| (m.next.map_or(far, |(_, at)| at.to_utc()), m.row.procedure.clone()));
        self.unsaid.sort_by_key(|m| m.row.until);
        let ended = |m: &Market| m.row.state_at(now).phase.is_settled();
        self.waiting.sort_by_key(|m| (!ended(m), m.row.until));
        self.done.sort_by_key(|m| std::cmp::Reverse(m.decisions.iter().map(|d| d.at).max()));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn said(lot: &str, stage: Stage) -> Decision {
        Decision { lot: lot.into(), ..Decision::new("s", "p", stage, "Ana", DateTime::UNIX_EPOCH) }
    }

    #[test]
    fn what_is_past_leaves_the_shelves_of_what_can_be_answered() {
        for past in Phase::ALL.into_iter().filter(|p| !p.takes_answers()) {
            assert_eq!(shelf(&[], past, 0), Shelf::Done);
            assert!(!matches!(shelf(&[said("", Stage::Go)], past, 0), Shelf::Going | Shelf::ToDecide));
        }
        assert_eq!(shelf(&[], Phase::Open, 0), Shelf::ToDecide);
        assert_eq!(shelf(&[said("", Stage::Preparing)], Phase::Open, 0), Shelf::Going);
        assert_eq!(shelf(&[said("", Stage::Go)], Phase::Closed, 0), Shelf::Unsaid, "did they hand in?");
        assert_eq!(shelf(&[said("", Stage::Go)], Phase::Cancelled, 0), Shelf::Done);
        assert_eq!(shelf(&[said("", Stage::Submitted)], Phase::Awarded, 0), Shelf::Waiting, "the result is to be said");
        assert_eq!(shelf(&[said("", Stage::Won)], Phase::Awarded, 0), Shelf::Done);
    }

    #[test]
    fn lots_declined_leave_the_others_to_be_decided() {
        let one = [said("1", Stage::NoGo)];
        assert_eq!(shelf(&one, Phase::Open, 3), Shelf::ToDecide);
        assert_eq!(shelf(&one, Phase::Open, 1), Shelf::Done, "it was the only one");
        assert_eq!(shelf(&[said("1", Stage::NoGo), said("2", Stage::Go)], Phase::Open, 3), Shelf::Going);
        assert_eq!(shelf(&[said("", Stage::NoGo), said("2", Stage::Submitted)], Phase::Closed, 3), Shelf::Waiting);
    }
}

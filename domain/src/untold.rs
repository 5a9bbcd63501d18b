//! What differs between what a person was last told and how things stand, where alerts between the two never reached them.
//!
//! Each alert tells what differs from the state before it. One that is replaced before it leaves was read by nobody: the next is told
//! against the state that was told, so its changes are joined with those of the alerts that it replaces. A date that moved twice
//! moved once; what was changed and changed back is no change.

use crate::procedure::Change;

/// The changes of alerts in their order, as one list in the order in which a reader wants it.
#[must_use]
pub fn joined<'a>(alerts: impl IntoIterator<Item = &'a [Change]>) -> Vec<Change> {
    let mut out: Vec<Change> = Vec::new();
    for change in alerts.into_iter().flatten() {
        match out.iter().position(|earlier| meets(earlier, change)) {
            Some(at) => match together(&out[at], change) {
                Some(both) => out[at] = both,
                None => drop(out.remove(at)),
            },
            None => out.push(change.clone()),
        }
    }
    out.sort_by_key(place);
    out
}

/// Whether two changes are of one thing, so that one change says both.
fn meets(earlier: &Change, later: &Change) -> bool {
    match (earlier, later) {
        (Change::Date { kind: a, .. }, Change::Date { kind: b, .. }) => a == b,
        (Change::LotAdded(a), Change::LotDropped(b)) | (Change::LotDropped(a), Change::LotAdded(b)) => a == b,
        (Change::ProvisionAppeared(a, for_a, lots_a), Change::ProvisionVanished(b, for_b, lots_b))
        | (Change::ProvisionVanished(a, for_a, lots_a), Change::ProvisionAppeared(b, for_b, lots_b)) => {
            (a, for_a, lots_a) == (b, for_b, lots_b)
        }
        (
            Change::BeneficiaryChanged { kind: a, lots: lots_a, .. },
            Change::BeneficiaryChanged { kind: b, lots: lots_b, .. },
        )
        | (Change::TermsChanged { kind: a, lots: lots_a, .. }, Change::TermsChanged { kind: b, lots: lots_b, .. })
        | (Change::ProvisionAppeared(a, _, lots_a), Change::TermsChanged { kind: b, lots: lots_b, .. })
        | (Change::ProvisionAppeared(a, _, lots_a), Change::BeneficiaryChanged { kind: b, lots: lots_b, .. }) => {
            (a, lots_a) == (b, lots_b)
        }
        _ => earlier == later,
    }
}

/// The one change that two which meet make; `None` where the later takes the earlier back.
fn together(earlier: &Change, later: &Change) -> Option<Change> {
    match (earlier, later) {
        (&Change::Date { kind, from, .. }, &Change::Date { to, .. }) => {
            (from != to).then_some(Change::Date { kind, from, to })
        }
        (Change::BeneficiaryChanged { kind, lots, from, .. }, Change::BeneficiaryChanged { to, .. }) => {
            (from != to).then(|| Change::BeneficiaryChanged { kind: *kind, lots: lots.clone(), from: *from, to: *to })
        }
        (Change::TermsChanged { kind, lots, from, .. }, Change::TermsChanged { to, .. }) => {
            (from != to).then(|| Change::TermsChanged { kind: *kind, lots: lots.clone(), from: *from, to: *to })
        }
        (Change::ProvisionAppeared(kind, _, lots), Change::BeneficiaryChanged { to, .. }) => {
            Some(Change::ProvisionAppeared(*kind, *to, lots.clone()))
        }
        (Change::ProvisionAppeared(..), Change::TermsChanged { .. }) => Some(earlier.clone()),
        _ => (earlier == later).then(|| later.clone()),
    }
}

/// Where a reader wants a change.
fn place(change: &Change) -> u8 {
    match change {
        change if change.is_ending() => 0,
        Change::Because(_) => 0,
        Change::Date { .. } => 1,
        Change::LotDropped(_) | Change::LotAdded(_) => 3,
        _ => 2,
    }
}

#[cfg(test)]
mod tests {
    use chrono::{DateTime, FixedOffset};

    use super::*;
    use crate::procedure::{Snapshot, changes};
    use crate::snapshot::{Quantity, StatedProvision, Terms};
    use crate::{Beneficiary, DateKind, ProvisionKind};

    fn day(day: u32) -> Option<DateTime<FixedOffset>> {
        DateTime::parse_from_rfc3339(&format!("2026-12-{day:02}T12:00:00+01:00")).ok()
    }

    fn moved(from: Option<u32>, to: Option<u32>) -> Change {
        Change::Date { kind: DateKind::Tender, from: from.and_then(day), to: to.and_then(day) }
    }

    #[test]
    fn a_date_that_moved_twice_moved_once_or_not_at_all() {
        for (first, second, both) in [
            (moved(Some(15), Some(20)), moved(Some(20), Some(22)), Some(moved(Some(15), Some(22)))),
            (moved(Some(15), Some(20)), moved(Some(20), Some(15)), None),
            (moved(None, Some(20)), moved(Some(20), Some(22)), Some(moved(None, Some(22)))),
            (moved(Some(15), None), moved(None, Some(22)), Some(moved(Some(15), Some(22)))),
            (moved(None, Some(20)), moved(Some(20), None), None),
        ] {
            assert_eq!(joined([[first].as_slice(), &[second]]), Vec::from_iter(both));
        }
        let visit = Change::Date { kind: DateKind::Visit, from: day(3), to: day(4) };
        let both = joined([[visit.clone()].as_slice(), &[moved(Some(15), Some(20))], &[Change::Cancelled]]);
        assert_eq!(both, [Change::Cancelled, visit, moved(Some(15), Some(20))]);
    }

    #[test]
    fn what_was_taken_back_is_no_change() {
        let (lot, other) = ("2".to_owned(), "3".to_owned());
        assert_eq!(joined([[Change::LotAdded(lot.clone())].as_slice(), &[Change::LotDropped(lot.clone())]]), []);
        assert_eq!(
            joined([[Change::LotAdded(lot.clone())].as_slice(), &[Change::LotDropped(other.clone())]]),
            [Change::LotAdded(lot.clone()), Change::LotDropped(other)]
        );
        let appeared = Change::ProvisionAppeared(ProvisionKind::Reserved, Some(Beneficiary::Insertion), vec![]);
        let vanished = Change::ProvisionVanished(ProvisionKind::Reserved, Some(Beneficiary::Insertion), vec![]);
        assert_eq!(joined([[appeared.clone()].as_slice(), &[vanished]]), []);
        assert_eq!(joined([[appeared.clone()].as_slice(), std::slice::from_ref(&appeared)]), [appeared]);
    }

    /// Whatever happened between, dates and lots joined lead from the first state to the last as their difference does; a clause
    /// that went and came back on other terms is told as both.
    #[test]
    fn joined_changes_are_the_difference_of_the_ends() {
        let state = |n: u32| {
            let (tender, visit, lots, hours) = (n % 3, n / 3 % 3, n / 9 % 3, n / 27 % 3);
            let dates = [(DateKind::Tender, tender), (DateKind::Visit, visit)];
            let hours = Some(Quantity { least: f64::from(hours), most: None }).filter(|q| q.least > 0.0);
            let terms = Some(Terms { hours, ..Terms::default() });
            let kind = ProvisionKind::ExecutionClause;
            let clause = StatedProvision { kind, beneficiary: None, lots: vec![], terms };
            Snapshot {
                dates: dates.into_iter().filter(|(_, d)| *d > 0).filter_map(|(k, d)| Some((k, day(d)?))).collect(),
                lots: (0..lots).map(|n| n.to_string()).collect(),
                provisions: if hours.is_some() { vec![clause] } else { vec![] },
                ..Snapshot::default()
            }
        };
        let sorted = |mut changes: Vec<Change>| {
            changes.retain(|c| matches!(c, Change::Date { .. } | Change::LotAdded(_) | Change::LotDropped(_)));
            changes.sort_by_key(|c| format!("{c:?}"));
            changes
        };
        for n in 0..3_000_u32 {
            let states = [n % 81, n * 7 % 79, n * 13 % 80, n * 31 % 77].map(state);
            let steps: Vec<Vec<Change>> = states.windows(2).map(|w| changes(&w[0], &w[1])).collect();
            let whole = joined(steps.iter().map(Vec::as_slice));
            assert_eq!(sorted(whole), sorted(changes(&states[0], &states[3])), "{states:?}");
        }
    }
}

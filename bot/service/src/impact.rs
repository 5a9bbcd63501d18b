//! What contracts won gave: amounts, hours planned and done, people and positive exits, as the structure types them; counts only, no
//! name of a person.

use chrono::{DateTime, Utc};
use serde::Serialize;
use vigie_domain::{Permission, Stage, Subscriber};
use vigie_notifier::card::short;
use vigie_store::StoreError;

use crate::partner_calls::looking;
use crate::service::Service;

pub use vigie_store::impact::Figures;

/// Largest figure that is believed.
pub const MOST: i64 = 1_000_000_000;

/// A contract won.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Won {
    pub procedure: String,
    /// The lot; empty = the whole.
    pub lot: String,
    pub title: String,
    pub buyer: String,
    /// Since when it is noted as won.
    pub at: DateTime<Utc>,
    pub figures: Figures,
}

/// What a structure won from `from` to before `to`, the latest first.
///
/// # Errors
/// The database fails.
pub async fn won(
    service: &Service,
    structure: &str,
    (from, to): (DateTime<Utc>, DateTime<Utc>),
) -> Result<Vec<Won>, StoreError> {
    let mut out = Vec::new();
    for decision in service.store.decisions_of(structure).await? {
        if decision.stage != Stage::Won || decision.at < from || decision.at >= to {
            continue;
        }
        let about = looking::about(service, &decision.procedure).await?;
        let figures = service.store.impact_of(structure, &decision.procedure, &decision.lot).await?.unwrap_or_default();
        let title = match about.lots.get(&decision.lot).filter(|t| !t.is_empty()) {
            Some(lot) => format!("{} – {lot}", short(&about.title, 140)),
            None => short(&about.title, 200),
        };
        let (procedure, lot) = (decision.procedure, decision.lot);
        out.push(Won { procedure, lot, title, buyer: about.buyer, at: decision.at, figures });
    }
    Ok(out)
}

/// The sum of what was typed, and of how many contracts each figure is known.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct Sum {
    pub contracts: usize,
    /// (sum, contracts of which it is known)
    pub amount: (i64, usize),
    pub hours_planned: (i64, usize),
    pub hours_done: (i64, usize),
    pub people: (i64, usize),
    pub exits: (i64, usize),
}

/// Adds figures up. Pure.
#[must_use]
pub fn sum(won: &[Won]) -> Sum {
    let add = |of: fn(&Figures) -> Option<i64>| {
        let known = won.iter().filter_map(|w| of(&w.figures));
        known.fold((0_i64, 0_usize), |(sum, n), value| (sum.saturating_add(value), n + 1))
    };
    Sum {
        contracts: won.len(),
        amount: add(|f| f.amount),
        hours_planned: add(|f| f.hours_planned),
        hours_done: add(|f| f.hours_done),
        people: add(|f| f.people),
        exits: add(|f| f.exits),
    }
}

/// Writes the figures of a contract that a person's structure won; `false` where it did not, or the person may not.
///
/// # Errors
/// The database fails: nothing is written.
pub async fn put(
    service: &Service,
    person: &Subscriber,
    by: &str,
    (procedure, lot): (&str, &str),
    figures: Figures,
) -> Result<bool, StoreError> {
    if !person.role.may(Permission::Decide) {
        return Ok(false);
    }
    let standing = service.store.decisions_on(person.structure(), procedure).await?;
    if !standing.iter().any(|d| d.lot == lot && d.stage == Stage::Won) {
        return Ok(false);
    }
    service.store.put_impact((person.structure(), procedure, lot), figures, by, service.clock.now()).await?;
    Ok(true)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sum_says_of_how_many_contracts_it_is_known() {
        let one = |amount, hours_done| Won {
            procedure: "p".into(),
            lot: String::new(),
            title: String::new(),
            buyer: String::new(),
            at: DateTime::UNIX_EPOCH,
            figures: Figures { amount, hours_done, ..Figures::default() },
        };
        let sum = sum(&[one(Some(40_000), Some(900)), one(None, Some(100)), one(None, None)]);
        assert_eq!((sum.contracts, sum.amount, sum.hours_done, sum.people), (3, (40_000, 1), (1_000, 2), (0, 0)));
    }
}

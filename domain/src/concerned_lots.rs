//! Which of the lots that met a subscription its structure can do something about (see [`crate::access`]).

use crate::access::{Access, of_lot};
use crate::subscription::{Match, Profile, Role};
use crate::{Assessment, Beneficiary, Provision, ProvisionKind};

/// What met for a person, narrowed to the lots that their structure can do most about; `None` where there is nothing for them.
///
/// Only who speaks for one structure of a known kind is narrowed, and only for what can still be answered.
#[must_use]
pub fn narrowed(role: Role, profile: &Profile, a: &Assessment, mut met: Match) -> Option<Match> {
    let Some(kind) = profile.kind.filter(|_| role == Role::Structure && !a.notice_kind.is_result()) else {
        return Some(met);
    };
    if a.lots.is_empty() {
        met.access = of_lot(kind, a, None)?;
    } else {
        let mine = a.lots.iter().filter(|l| met.lots.is_empty() || met.lots.contains(&l.id));
        let can: Vec<(Access, &str)> = mine.filter_map(|l| Some((of_lot(kind, a, Some(l))?, l.id.as_str()))).collect();
        met.access = can.iter().map(|(access, _)| *access).min()?;
        let lots: Vec<String> =
            can.iter().filter(|(access, _)| *access == met.access).map(|(_, lot)| (*lot).to_owned()).collect();
        met.lots = if lots.len() == a.lots.len() { Vec::new() } else { lots };
    }
    (met.access != Access::Closed || !profile.without_closed).then_some(met)
}

/// For whom the lots that met are reserved, where that keeps a structure out.
#[must_use]
pub fn reserved_to(a: &Assessment, met: &Match) -> Option<Beneficiary> {
    let covers = |p: &&Provision| met.lots.is_empty() || met.lots.iter().any(|l| p.covers(Some(l)));
    a.provisions.iter().filter(|p| p.kind == ProvisionKind::Reserved).find(covers).and_then(|p| p.beneficiary)
}

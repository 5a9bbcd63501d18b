//! Who can: whether a structure may bid for a lot, may serve whoever wins it, or is kept out of it by a reservation to others.
//!
//! Two questions, lot by lot. The law: a reserved lot is for those it is reserved to (L2113-12 to L2113-16). The supply mode: an
//! AI or an ETTI lends staff, and does not build a school; an EI or an ESAT builds or cleans, and lends no staff. Whoever lends
//! staff can serve the winner of a lot that owes hours of insertion, or the structures that bid for a reserved one.
//!
//! In doubt a structure can: without a kind, or where a reservation does not say for whom, nothing is kept from it.

use serde::{Deserialize, Serialize};

use crate::assessment::AssessedLot;
use crate::subscription::{Match, Profile, Role};
use crate::{Assessment, Beneficiary, Cpv, Provision, ProvisionKind, StructureKind, SupplyMode, commune};

/// What a structure can do about a lot, the best first.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Access {
    /// Bid, alone or in a group.
    #[default]
    Bid,
    /// Lend staff to whoever bids or wins.
    Serve,
    /// Nothing: it is reserved to others.
    Closed,
}

impl Access {
    /// Whether it is the one that needs no saying; for serde.
    #[must_use]
    pub fn is_bid(&self) -> bool {
        *self == Self::Bid
    }
}

/// What structures of a kind can do about a lot (`None` = the undivided whole); `None` where they can do nothing, and no
/// reservation is the cause: it is none of their supply.
#[must_use]
pub fn of_lot(kind: StructureKind, a: &Assessment, lot: Option<&AssessedLot>) -> Option<Access> {
    let covering = |wanted: ProvisionKind| {
        a.provisions.iter().filter(move |p| p.kind == wanted && p.covers(lot.map(|l| l.id.as_str())))
    };
    let reserved: Vec<Beneficiary> =
        covering(ProvisionKind::Reserved).map(|p| p.beneficiary.unwrap_or(Beneficiary::Unspecified)).collect();
    let is_reserved = !reserved.is_empty();
    if is_reserved && !reserved.iter().any(|b| kind.may_bid(*b)) {
        return Some(Access::Closed);
    }
    if kind == StructureKind::Sep {
        return is_reserved.then_some(Access::Bid);
    }
    let lends = kind.supply_modes().contains(&SupplyMode::Staff);
    if lends == wants_staff(a, lot) {
        return Some(Access::Bid);
    }
    let owes_hours = covering(ProvisionKind::ExecutionClause).chain(covering(ProvisionKind::InsertionService)).next();
    (lends && (is_reserved || owes_hours.is_some()) && kind.delivers_clause_hours()).then_some(Access::Serve)
}

/// Whether a lot is people on loan rather than works, a service or goods: by its codes, else by its words.
fn wants_staff(a: &Assessment, lot: Option<&AssessedLot>) -> bool {
    const WORDS: [&str; 9] = [
        "mise a disposition de personnel",
        "mise a disposition de salaries",
        "mise a disposition d agents",
        "mise a disposition d intervenants",
        "remplacement d agents",
        "remplacement de personnel",
        "remplacement du personnel",
        "travail temporaire",
        "interim",
    ];
    let coded = |cpv: &[Cpv]| cpv.iter().any(|c| ["7961", "7962"].iter().any(|staff| c.as_str().starts_with(staff)));
    let said = |title: &str| {
        let key = format!(" {} ", commune::key(title));
        WORDS.iter().any(|w| key.contains(&format!(" {w}")))
    };
    match lot {
        Some(lot) if coded(&lot.cpv) || said(&lot.title) => true,
        // Codes of its own that are no staff's.
        Some(lot) if !lot.cpv.is_empty() => false,
        _ => coded(&a.cpv) || said(&a.title),
    }
}

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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Evidence, NoticeKind};

    fn call(title: &str, lots: &[(&str, &str)]) -> Assessment {
        Assessment {
            id: "1".into(),
            notice_kind: NoticeKind::Call,
            title: title.into(),
            buyer: None,
            cpv: vec![],
            departments: vec![],
            dates: vec![],
            lots: lots
                .iter()
                .map(|(id, title)| AssessedLot { id: (*id).into(), title: (*title).into(), ..AssessedLot::default() })
                .collect(),
            provisions: vec![],
            sectors: vec![],
            side_sectors: vec![],
            routes: vec![],
            eligible_kinds: vec![],
            facts: vec![],
            awards: vec![],
            score: 0,
            reasons: vec![],
        }
    }

    fn with(mut a: Assessment, kind: ProvisionKind, who: Option<Beneficiary>, lots: &[&str]) -> Assessment {
        let mut p = Provision::new(kind, Evidence::default());
        (p.beneficiary, p.lots) = (who, lots.iter().map(|l| (*l).to_owned()).collect());
        a.provisions.push(p);
        a
    }

    fn kinds(a: &Assessment, access: Access) -> Vec<&'static str> {
        let can = |k: &StructureKind| of_lot(*k, a, a.lots.first()) == Some(access);
        StructureKind::ALL.into_iter().filter(can).map(StructureKind::acronym).collect()
    }

    /// "AI et ETTI peuvent répondre" to building a school.
    #[test]
    fn who_lends_staff_does_not_build_a_school_but_can_serve_whoever_owes_hours() {
        let school = call("Construction d'une école", &[]);
        assert_eq!(kinds(&school, Access::Bid), ["EI", "ACI", "EITI", "EA", "ESAT"]);
        assert_eq!(kinds(&school, Access::Serve), Vec::<&str>::new());
        let claused = with(school, ProvisionKind::ExecutionClause, None, &[]);
        assert_eq!(kinds(&claused, Access::Bid), ["EI", "ACI", "EITI", "EA", "ESAT"]);
        assert_eq!(kinds(&claused, Access::Serve), ["AI", "ETTI", "GEIQ", "EATT"]);
    }

    #[test]
    fn who_sells_services_lends_no_staff() {
        let staff = call("Mise à disposition de personnel de remplacement dans les collèges", &[("1", "Lens")]);
        assert_eq!(kinds(&staff, Access::Bid), ["AI", "ETTI", "GEIQ", "EATT"]);
        let reserved = with(staff, ProvisionKind::Reserved, Some(Beneficiary::Insertion), &[]);
        assert_eq!(kinds(&reserved, Access::Bid), ["AI", "ETTI"]);
        assert_eq!(kinds(&reserved, Access::Serve), Vec::<&str>::new());
        assert_eq!(kinds(&reserved, Access::Closed), ["GEIQ", "EA", "EATT", "ESAT", "SEP"]);
    }

    #[test]
    fn a_reservation_keeps_others_out() {
        let reserved =
            with(call("Entretien d'espaces verts", &[]), ProvisionKind::Reserved, Some(Beneficiary::Disability), &[]);
        assert_eq!(kinds(&reserved, Access::Bid), ["EA", "ESAT"]);
        assert_eq!(kinds(&reserved, Access::Serve), ["EATT"]);
        assert_eq!(kinds(&reserved, Access::Closed), ["EI", "AI", "ACI", "ETTI", "EITI", "GEIQ", "SEP"]);
        let unsaid = with(call("Entretien d'espaces verts", &[]), ProvisionKind::Reserved, None, &[]);
        assert_eq!(kinds(&unsaid, Access::Closed), Vec::<&str>::new());
    }

    #[test]
    fn what_met_is_narrowed_to_the_lots_that_can_be_answered() {
        let lots = [("1", "Espaces verts"), ("2", "Nettoyage"), ("3", "Gardiennage")];
        let a = with(call("Entretien", &lots), ProvisionKind::Reserved, Some(Beneficiary::Disability), &["2"]);
        let ei = Profile { kind: Some(StructureKind::Ei), ..Profile::default() };
        let lots_of = |m: Option<Match>| m.map(|m| (m.access, m.lots));
        let met = |lots: &[&str]| Match { lots: lots.iter().map(|l| (*l).to_owned()).collect(), ..Match::default() };
        let of = |role, profile: &Profile, m| lots_of(narrowed(role, profile, &a, m));
        assert_eq!(of(Role::Structure, &ei, met(&[])), Some((Access::Bid, vec!["1".into(), "3".into()])));
        assert_eq!(of(Role::Structure, &ei, met(&["2"])), Some((Access::Closed, vec!["2".into()])));
        let off = Profile { without_closed: true, ..ei.clone() };
        assert_eq!(of(Role::Structure, &off, met(&["2"])), None);
        assert_eq!(of(Role::Structure, &off, met(&[])), Some((Access::Bid, vec!["1".into(), "3".into()])));
        for (role, profile) in [(Role::Facilitator, &ei), (Role::Structure, &Profile::default())] {
            assert_eq!(of(role, profile, met(&["2"])), Some((Access::Bid, vec!["2".into()])), "{role:?}");
        }
        let etti = Profile { kind: Some(StructureKind::Etti), ..Profile::default() };
        assert_eq!(of(Role::Structure, &etti, met(&["1"])), None);
    }
}

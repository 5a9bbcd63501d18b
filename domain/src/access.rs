//! Who can: whether a structure may bid for a lot, may serve whoever wins it, or is kept out of it by a reservation to others.
//!
//! Two questions, lot by lot. The law: a reserved lot is for those it is reserved to (L2113-12 to L2113-16). The supply mode: an
//! AI or an ETTI lends staff, and does not build a school; an EI or an ESAT builds or cleans, and lends no staff; but those whom a
//! reservation names may bid for what it reserves. Whoever lends
//! staff can serve the winner of a lot that owes hours of insertion, or the structures that bid for a reserved one.
//!
//! In doubt a structure can: without a kind, or where a reservation does not say for whom, nothing is kept from it.

use serde::{Deserialize, Serialize};

use crate::assessment::AssessedLot;
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
    // A buyer who reserves it to associations intermédiaires by name asks them, whatever there is to do.
    let named = || covering(ProvisionKind::Reserved).any(|p| is_named(kind, p));
    if lends == wants_staff(a, lot) || named() {
        return Some(Access::Bid);
    }
    let owes_hours = covering(ProvisionKind::ExecutionClause).chain(covering(ProvisionKind::InsertionService)).next();
    (lends && (is_reserved || owes_hours.is_some()) && kind.delivers_clause_hours()).then_some(Access::Serve)
}

/// Whether the words of a provision name that kind of structure.
#[must_use]
pub fn is_named(kind: StructureKind, p: &Provision) -> bool {
    p.evidence.quote.as_deref().is_some_and(|quote| StructureKind::named_in(quote).contains(&kind))
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

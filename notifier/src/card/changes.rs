//! What changed of a procedure, in words.

use chrono::DateTime;
use vigie_domain::outcome::no_award_in_french;
use vigie_domain::procedure::Change;
use vigie_domain::snapshot::{Quantity, Terms};
use vigie_domain::state::ended_in_french;
use vigie_domain::{Beneficiary, DateKind, ProvisionKind, french};

use crate::labels::{beneficiary_label, provision_label};

/// A change in words.
#[must_use]
pub fn change(change: &Change) -> String {
    let what = |kind: &DateKind| match kind {
        DateKind::Visit => "La visite",
        DateKind::Questions => "La date limite des questions",
        DateKind::Participation => "La date limite des candidatures",
        DateKind::Tender => "La date limite des offres",
    };
    // 23:59 stands for a day without a time (see `TypedDate::has_time`).
    let at = |t: &DateTime<chrono::FixedOffset>| match french::told_clock(*t) {
        end if end == "23\u{a0}h\u{a0}59" => french::date(t.date_naive()),
        clock => format!("{} à {clock}", french::date(t.date_naive())),
    };
    match change {
        Change::Date { kind, from: Some(from), to: Some(to) } => {
            format!("{} passe du {} au {}", what(kind), at(from), at(to))
        }
        Change::Date { kind, from: None, to: Some(to) } => format!("{} est fixée au {}", what(kind), at(to)),
        Change::Date { kind, .. } => format!("{} n’est plus indiquée", what(kind)),
        Change::LotDropped(lot) => format!("Le lot {lot} est retiré"),
        Change::LotAdded(lot) => format!("Le lot {lot} est ajouté"),
        Change::ProvisionAppeared(kind, who, lots) => format!("Ajouté : {}", stated(*kind, *who, lots)),
        Change::ProvisionVanished(kind, who, lots) => format!("Retiré : {}", stated(*kind, *who, lots)),
        Change::BeneficiaryChanged { kind, lots, from, to } => {
            let who = |who: &Option<Beneficiary>| who.map_or("bénéficiaires non précisés", beneficiary_label);
            format!("{}\u{a0}: {} → {}", stated(*kind, None, lots), who(from), who(to))
        }
        Change::TermsChanged { kind, lots, from, to } => {
            format!("{}\u{a0}: {}", stated(*kind, None, lots), terms_changed(*kind, from, to))
        }
        Change::Cancelled => "Le marché est annulé".to_owned(),
        Change::Awarded => "Le marché est attribué".to_owned(),
        Change::NoAward => "Personne n’est retenu\u{a0}: le marché n’est pas attribué".to_owned(),
        Change::Intended => "L’acheteur envisage de conclure sans mise en concurrence".to_owned(),
        Change::Because(reason) => french::capital(&no_award_in_french(Some(*reason))),
        Change::LotsEnded { status, lots, reason } => {
            format!("{}\u{a0}: {}", lots_named(lots), ended_in_french(*status, *reason))
        }
    }
}

/// "Lot 2", "Lots 2, 3 et 5", "45 lots".
fn lots_named(lots: &[String]) -> String {
    french::capital(&french::lots(lots, 0))
}

/// A provision as a change names it.
fn stated(kind: ProvisionKind, who: Option<Beneficiary>, lots: &[String]) -> String {
    let who = who.map(|w| format!(" ({})", beneficiary_label(w))).unwrap_or_default();
    let lots = if lots.is_empty() { String::new() } else { format!(", {}", lots_named(lots).to_lowercase()) };
    format!("{}{who}{lots}", provision_label(kind))
}

/// "facultative" of a clause, "facultatif" of the rest.
pub(super) fn optional(kind: ProvisionKind) -> &'static str {
    match kind {
        ProvisionKind::ExecutionClause | ProvisionKind::InsertionService => "facultative",
        _ => "facultatif",
    }
}

/// "450 heures", "300 à 400 heures".
pub(super) fn hours(of: Quantity) -> String {
    format!("{}\u{a0}heures", range(of))
}

fn range(of: Quantity) -> String {
    let most = of.most.filter(|m| *m > of.least).map(|m| format!(" à {}", french::number(m))).unwrap_or_default();
    format!("{}{most}", french::number(of.least))
}

/// What a provision asks for before and after: "300 → 450 heures".
fn terms_changed(kind: ProvisionKind, from: &Terms, to: &Terms) -> String {
    let mut parts: Vec<String> = Vec::new();
    match (from.hours, to.hours) {
        (a, b) if a == b => {}
        (Some(a), Some(b)) => parts.push(format!("{} → {}", range(a), hours(b))),
        (None, Some(b)) => parts.push(format!("{} (non chiffré auparavant)", hours(b))),
        (Some(a), None) => parts.push(format!("{} auparavant, plus de nombre d’heures indiqué", hours(a))),
        (None, None) => {}
    }
    let mut share = |a: Option<f64>, b: Option<f64>, of: &str| match (a, b) {
        (a, b) if a == b => {}
        (Some(a), Some(b)) => parts.push(format!("{} → {}\u{202f}% {of}", french::number(a), french::number(b))),
        (None, Some(b)) => parts.push(format!("{}\u{202f}% {of} (non chiffré auparavant)", french::number(b))),
        (Some(a), None) => {
            parts.push(format!("{}\u{202f}% {of} auparavant, plus de pourcentage indiqué", french::number(a)))
        }
        (None, None) => {}
    };
    share(from.percent, to.percent, "des heures");
    share(from.weight, to.weight, "de la note");
    if from.mandatory != to.mandatory {
        parts.push(match to.mandatory {
            Some(false) => format!("devient {}", optional(kind)),
            _ => "devient obligatoire".to_owned(),
        });
    }
    parts.join(" ; ")
}

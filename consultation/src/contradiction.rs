//! What the pieces say otherwise than the notice, or than each other.
//!
//! Only figures that stand for the same thing are compared: hours and share of a clause of the same lots, for whom a lot is reserved,
//! the day tenders close, the weight of the social criterion. Silence contradicts nothing.

use chrono::{DateTime, FixedOffset};
use serde::Serialize;
use vigie_domain::{Assessment, Beneficiary, DateKind, Provision, ProvisionKind, french};

use crate::consultation::Consultation;
use crate::findings::{Finding, What};

/// One contradiction.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Contradiction {
    /// What both speak of, in French: "heures d’insertion, lot 2".
    pub about: String,
    /// What the notice, or another piece, says.
    pub there: String,
    /// Where that stands; `None` = the notice.
    pub there_at: Option<String>,
    /// What the piece says.
    pub here: String,
    /// The words of the piece.
    pub finding: Finding,
}

/// The contradictions of a consultation, with its notice where there is one.
#[must_use]
pub fn contradictions(consultation: &Consultation, notice: Option<&Assessment>) -> Vec<Contradiction> {
    let mut out = Vec::new();
    let found: Vec<(&Provision, &Finding)> = consultation.provisions().collect();
    for (here, finding) in &found {
        if let Some(notice) = notice {
            for there in &notice.provisions {
                out.extend(between(there, None, here, finding));
            }
        }
    }
    for (i, (there, earlier)) in found.iter().enumerate() {
        for (here, finding) in &found[i + 1..] {
            if earlier.at.piece != finding.at.piece {
                out.extend(between(there, Some(earlier), here, finding));
            }
        }
    }
    out.extend(closing(consultation, notice));
    let mut seen: Vec<(String, String, String)> = Vec::new();
    out.retain(|c: &Contradiction| {
        let key = (c.about.clone(), c.there.clone(), c.here.clone());
        let new = !seen.contains(&key);
        seen.push(key);
        new
    });
    out
}

fn between(there: &Provision, earlier: Option<&Finding>, here: &Provision, finding: &Finding) -> Option<Contradiction> {
    if there.kind != here.kind || !same_lots(&there.lots, &here.lots) {
        return None;
    }
    let lots = match here.lots.as_slice() {
        [] => String::new(),
        lots => format!(", {}", french::lots(lots, 0)),
    };
    let told = |about: &str, there: String, here: String| {
        Some(Contradiction {
            about: format!("{about}{lots}"),
            there,
            there_at: earlier.map(|f| f.at.to_string()),
            here,
            finding: finding.clone(),
        })
    };
    let differ = |a: Option<f64>, b: Option<f64>| a.zip(b).filter(|(a, b)| (a - b).abs() > 0.01);
    let hours = |n: f64| format!("{} h", french::number(n));
    let percent = |n: f64| format!("{} %", french::number(n));
    if there.kind == ProvisionKind::ExecutionClause {
        if let Some((a, b)) = differ(there.hours, here.hours) {
            return told("heures d’insertion", hours(a), hours(b));
        }
        if let Some((a, b)) = differ(there.percent, here.percent) {
            return told("part des heures en insertion", percent(a), percent(b));
        }
    }
    if there.kind == ProvisionKind::AwardCriterion
        && let Some((a, b)) = differ(there.weight, here.weight)
    {
        return told("poids du critère social", percent(a), percent(b));
    }
    if there.kind == ProvisionKind::Reserved
        && let Some((a, b)) =
            there.beneficiary.zip(here.beneficiary).filter(|(a, b)| a != b && specific(*a) && specific(*b))
    {
        return told("pour qui c’est réservé", for_whom(a).to_owned(), for_whom(b).to_owned());
    }
    None
}

/// Both of all lots, or of the same.
fn same_lots(a: &[String], b: &[String]) -> bool {
    let sorted = |lots: &[String]| {
        let mut lots = lots.to_vec();
        lots.sort();
        lots
    };
    sorted(a) == sorted(b)
}

fn specific(who: Beneficiary) -> bool {
    who != Beneficiary::Unspecified
}

fn for_whom(who: Beneficiary) -> &'static str {
    match who {
        Beneficiary::Disability => "aux EA et ESAT",
        Beneficiary::Insertion => "à l’insertion par l’activité économique",
        Beneficiary::Both => "aux EA, ESAT et structures d’insertion",
        Beneficiary::Prison => "au travail en prison",
        Beneficiary::SocialEconomy => "à l’économie sociale et solidaire",
        Beneficiary::Unspecified => "sans dire à qui",
    }
}

fn closing(consultation: &Consultation, notice: Option<&Assessment>) -> Vec<Contradiction> {
    let of = |kind: DateKind| {
        consultation.findings.iter().filter_map(move |f| match &f.what {
            What::Date(d) if d.kind == kind && d.lot.is_none() => Some((&**d, f)),
            _ => None,
        })
    };
    let mut out = Vec::new();
    for (kind, about) in [
        (DateKind::Tender, "date limite des offres"),
        (DateKind::Participation, "date limite des candidatures"),
        (DateKind::Visit, "date de visite"),
        (DateKind::Questions, "date limite des questions"),
    ] {
        let known: Vec<&vigie_domain::TypedDate> =
            notice.into_iter().flat_map(|n| &n.dates).filter(|d| d.kind == kind && d.lot.is_none()).collect();
        if known.is_empty() || known.len() > 1 {
            continue;
        }
        for (date, finding) in of(kind) {
            let there = known[0];
            let timed = there.has_time && date.has_time;
            let differs = if timed { there.at != date.at } else { day(there.at) != day(date.at) };
            if differs {
                out.push(Contradiction {
                    about: about.to_owned(),
                    there: french::moment(there),
                    there_at: None,
                    here: french::moment(date),
                    finding: finding.clone(),
                });
            }
        }
    }
    out
}

fn day(at: DateTime<FixedOffset>) -> chrono::NaiveDate {
    at.date_naive()
}

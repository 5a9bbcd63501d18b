//! Provisions told by structured fields: a field beats free text, and the text may narrow it.
//!
//! | list | values | source |
//! |---|---|---|
//! | `reserved-procurement` | `none`, `res-ws`, `res-pub-ser` | eForms BT-71 |
//! | `reserved-execution` | `yes`, `no`, `not-known` | eForms BT-736 |
//! | `strategic-procurement` | `soc-obj`, `none`… | eForms BT-06 |
//! | `social-objective` | `opp`, `acc-all`, `et-eq`, `gen-eq`… | eForms BT-775 |
//! | `MARCHE_RESERVE` | `oui`, `non`, `ATELIERS_PROTEGES`, `EMPLOIS_PROTEGES` | BOAMP legacy |
//! | `reservation` | `oui`, `non` | BOAMP national form |
//! | `criteres` | `sociaux` | BOAMP index: a hint, never a class |
//! | `considerationsSociales` | official wordings | DECP |

use vigie_domain::{Beneficiary, Code, Evidence, Provision, ProvisionKind};

/// What the fields of a notice say, taken together.
#[derive(Debug, Default)]
pub struct Coded {
    /// Provisions that a code alone proves.
    pub provisions: Vec<Provision>,
    /// A field says in so many words that nothing is reserved, for these lots (empty = the notice).
    pub not_reserved: Vec<Option<String>>,
    /// A hint of a social clause or criterion without its class (BOAMP `criteres`, BT-06, BT-736).
    pub hint: Option<Evidence>,
}

/// Reads the coded statements.
#[must_use]
pub fn read(codes: &[Code]) -> Coded {
    let mut coded = Coded::default();
    for code in codes {
        let evidence = || Evidence { field: Some(code.field.clone()), quote: None };
        let mut add = |kind, beneficiary| add(&mut coded.provisions, code, kind, beneficiary, evidence());
        match (code.list.as_str(), code.value.as_str()) {
            ("reserved-procurement", "res-ws") => add(ProvisionKind::Reserved, Some(Beneficiary::Both)),
            ("reserved-procurement", "res-pub-ser") => add(ProvisionKind::Reserved, Some(Beneficiary::SocialEconomy)),
            ("MARCHE_RESERVE", "ATELIERS_PROTEGES") => add(ProvisionKind::Reserved, Some(Beneficiary::Disability)),
            ("MARCHE_RESERVE" | "reservation", "oui") => add(ProvisionKind::Reserved, Some(Beneficiary::Unspecified)),
            ("reserved-procurement", "none") | ("MARCHE_RESERVE" | "reservation", "non") => {
                coded.not_reserved.push(code.lot.clone())
            }
            ("considerationsSociales", value) => official_considerations(value, &mut add),
            ("social-objective", "opp") => add(ProvisionKind::ExecutionClause, None),
            ("social-objective", "acc-all" | "et-eq" | "gen-eq" | "hum-right" | "work-cond" | "other") => {
                add(ProvisionKind::Other, None)
            }
            ("criteres", "sociaux")
            | ("strategic-procurement", "soc-obj")
            | ("reserved-execution", "yes")
            | ("MARCHE_RESERVE", "EMPLOIS_PROTEGES") => {
                coded.hint.get_or_insert_with(evidence);
            }
            _ => {}
        }
    }
    coded
}

/// DECP `considerationsSociales` (schema v2.0.x): one official wording a value.
fn official_considerations(value: &str, add: &mut impl FnMut(ProvisionKind, Option<Beneficiary>)) {
    match value.trim() {
        "Clause sociale" => add(ProvisionKind::ExecutionClause, None),
        "Critère social" => add(ProvisionKind::AwardCriterion, None),
        "Marché réservé" | "Concession réservée" => add(ProvisionKind::Reserved, Some(Beneficiary::Unspecified)),
        _ => {}
    }
}

fn add(
    provisions: &mut Vec<Provision>,
    code: &Code,
    kind: ProvisionKind,
    beneficiary: Option<Beneficiary>,
    evidence: Evidence,
) {
    let known = provisions.iter_mut().find(|p| p.kind == kind && p.beneficiary == beneficiary);
    match (known, &code.lot) {
        (Some(p), Some(lot)) => {
            if !p.lots.is_empty() && !p.lots.contains(lot) {
                p.lots.push(lot.clone());
            }
        }
        (Some(p), None) => p.lots.clear(),
        (None, lot) => {
            let mut p = Provision::new(kind, evidence);
            p.beneficiary = beneficiary;
            p.lots = lot.iter().cloned().collect();
            p.mandatory = (kind == ProvisionKind::ExecutionClause).then_some(true);
            p.article = beneficiary.and_then(super::reserved::article_of).map(str::to_owned);
            provisions.push(p);
        }
    }
}

/// Joins what fields and text say of one notice. The text narrows a coded beneficiary; a contradiction is kept and
/// said.
#[must_use]
pub fn join(mut coded: Coded, mut told: Vec<Provision>, lot_count: usize) -> Vec<Provision> {
    // "All lots" said lot by lot is "all".
    for p in &mut coded.provisions {
        if lot_count > 0 && p.lots.len() == lot_count {
            p.lots.clear();
        }
    }
    for p in &mut told {
        let denied = p.kind == ProvisionKind::Reserved
            && !coded.not_reserved.is_empty()
            && !coded.provisions.iter().any(|c| c.kind == ProvisionKind::Reserved)
            && (coded.not_reserved.contains(&None)
                || p.lots.is_empty()
                || p.lots.iter().all(|l| coded.not_reserved.contains(&Some(l.clone()))));
        if denied {
            p.doubt = Some("le formulaire dit « non réservé », le texte dit le contraire : à vérifier au règlement de consultation".to_owned());
        }
    }
    let mut more = Vec::new();
    for field in coded.provisions {
        let narrower =
            told.iter().position(|t| t.kind == field.kind && (t.kind != ProvisionKind::Reserved || narrows(t, &field)));
        let said_otherwise = field.kind == ProvisionKind::Reserved
            && told.iter().any(|t| t.kind == ProvisionKind::Reserved && t.lots == field.lots);
        match narrower {
            Some(i) => {
                let t = &mut told[i];
                // A form tells the lots; the text tells for whom, and perhaps for some of the lots only.
                if t.lots.is_empty() {
                    t.lots = field.lots;
                } else {
                    let rest: Vec<String> = field.lots.iter().filter(|l| !t.lots.contains(l)).cloned().collect();
                    if !rest.is_empty() {
                        more.push(Provision { lots: rest, ..field.clone() });
                    }
                }
                if t.beneficiary == Some(Beneficiary::Unspecified) {
                    t.beneficiary = field.beneficiary;
                }
                t.evidence.field = t.evidence.field.take().or(field.evidence.field);
            }
            None if said_otherwise => {}
            None => told.push(field),
        }
    }
    told.extend(more);
    told
}

fn narrows(told: &Provision, field: &Provision) -> bool {
    matches!(
        (field.beneficiary, told.beneficiary),
        (
            Some(Beneficiary::Both),
            Some(Beneficiary::Disability | Beneficiary::Insertion | Beneficiary::Both | Beneficiary::Unspecified)
        ) | (Some(Beneficiary::Unspecified), Some(_))
            | (Some(Beneficiary::SocialEconomy), Some(_))
            | (Some(Beneficiary::Disability), Some(Beneficiary::Disability | Beneficiary::Unspecified))
    )
}

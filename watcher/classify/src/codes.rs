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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::classify;
    use vigie_domain::{Lot, Notice, NoticeKind, Passage};

    fn code(list: &str, value: &str, lot: Option<&str>) -> Code {
        Code { list: list.into(), value: value.into(), field: "f".into(), lot: lot.map(str::to_owned) }
    }

    fn notice(codes: Vec<Code>, lots: usize, text: &str) -> Notice {
        let mut n = Notice::new("t", "1", NoticeKind::Call);
        n.title = "Entretien".into();
        n.codes = codes;
        n.lots = (1..=lots).map(|i| Lot { id: i.to_string(), ..Lot::default() }).collect();
        n.passages.push(Passage { field: "text".into(), lot: None, text: text.into() });
        n
    }

    fn reserved(n: &Notice) -> Vec<(Option<Beneficiary>, Vec<String>)> {
        let found = classify(n).provisions.into_iter().filter(|p| p.kind == ProvisionKind::Reserved);
        found.map(|p| (p.beneficiary, p.lots)).collect()
    }

    #[test]
    fn the_text_narrows_the_box_and_keeps_its_lots() {
        let n = notice(
            vec![code("reserved-procurement", "res-ws", Some("2"))],
            3,
            "Réservé aux ESAT et entreprises adaptées.",
        );
        assert_eq!(reserved(&n), vec![(Some(Beneficiary::Disability), vec!["2".to_owned()])]);
    }

    #[test]
    fn text_about_one_lot_does_not_hide_the_box_of_another() {
        let codes =
            vec![code("reserved-procurement", "res-ws", Some("1")), code("reserved-procurement", "res-ws", Some("2"))];
        let n = notice(codes, 3, "Le lot 1 est réservé aux ESAT.");
        let found = reserved(&n);
        assert!(found.contains(&(Some(Beneficiary::Disability), vec!["1".to_owned()])), "{found:?}");
        assert!(found.contains(&(Some(Beneficiary::Both), vec!["2".to_owned()])), "{found:?}");
    }

    #[test]
    fn the_same_box_on_every_lot_is_the_whole_contract() {
        let codes = (1..=2).map(|i| code("reserved-procurement", "res-ws", Some(&i.to_string()))).collect();
        assert_eq!(reserved(&notice(codes, 2, "")), vec![(Some(Beneficiary::Both), vec![])]);
    }

    #[test]
    fn a_contradiction_is_kept_and_said() {
        let n = notice(vec![code("reservation", "non", None)], 0, "Marché réservé aux ESAT.");
        let a = classify(&n);
        assert!(a.provisions[0].doubt.as_deref().is_some_and(|d| d.contains("non réservé")), "{:?}", a.provisions);
    }

    #[test]
    fn a_hint_is_no_class() {
        let a = classify(&notice(vec![code("criteres", "sociaux", None)], 0, "Rien."));
        assert_eq!(a.provisions.iter().map(|p| p.kind).collect::<Vec<_>>(), vec![ProvisionKind::Other]);
        let a = classify(&notice(vec![code("criteres", "sociaux", None)], 0, "Clause d'insertion de 100 heures."));
        assert_eq!(a.provisions.iter().map(|p| p.kind).collect::<Vec<_>>(), vec![ProvisionKind::ExecutionClause]);
    }

    #[test]
    fn the_missing_social_condition_is_a_hint_since_the_law_applies() {
        let mut n = notice(vec![], 0, "Rien de social.");
        n.above_eu_threshold = true;
        let seen = |n: &Notice| classify(n).has(ProvisionKind::SocialConditionNotSeen);
        n.published = chrono::NaiveDate::from_ymd_opt(2026, 8, 21);
        assert!(!seen(&n), "not before 22 August 2026");
        n.published = chrono::NaiveDate::from_ymd_opt(2026, 8, 22);
        assert!(seen(&n));
        n.passages[0].text = "Le marché comporte une clause d'insertion.".into();
        assert!(!seen(&n), "a clause is a social condition");
    }
}

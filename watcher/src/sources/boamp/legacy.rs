//! The flat tree of 2015–2023 (`IDENTITE`, `OBJET`, `PROCEDURE`…) and its DILA XML: upper-case names, and flags by suffix
//! (`MARCHE_RESERVE_OUI`, `MARCHE_RESERVE_NON`). `PRESTATION_RESERVEE_OUI` is about a profession, not a reservation.

use serde_json::Value;
use vigie_domain::notice::{Award, ContractNature, Criterion};
use vigie_domain::{Buyer, Code, Company, Cpv, DateKind, Lot, NoAwardReason, Notice, Place};

use super::fields::{collect_texts, push_deadline};
use crate::classify::fold::fold;
use crate::classify::numbers::lot_mentions;
use crate::tree::{all, first, own_text, text, ticked};
use crate::zones;

/// The flat tree of 2015–2023 and its XML.
pub(super) fn legacy(notice: &mut Notice, donnees: &Value) {
    let get = |p: &str| text(donnees, p);
    if let Some(name) = get("IDENTITE/DENOMINATION") {
        notice.buyer.name = name;
    }
    notice.buyer.siret = get("IDENTITE/CODE_IDENT_NATIONAL").and_then(|s| Buyer::clean_siret(&s));
    notice.buyer.place =
        Place { city: get("IDENTITE/VILLE"), postcode: get("IDENTITE/CP"), nuts: get("IDENTITE/ADJUDICATEUR_NUTS") };
    let truncated = notice.title.chars().count() >= 199 || notice.title.is_empty();
    if let Some(title) = get("OBJET/TITRE_MARCHE").or_else(|| get("OBJET/OBJET_COMPLET").filter(|_| truncated)) {
        notice.title = title.chars().take(600).collect();
    }
    notice.cpv =
        all(donnees, "OBJET/CPV/PRINCIPAL").into_iter().filter_map(own_text).filter_map(|c| Cpv::parse(&c)).collect();
    notice.cpv.dedup();
    notice.places = all(donnees, "OBJET/LIEU_EXEC_LIVR")
        .into_iter()
        .map(|l| Place { city: text(l, "VILLE"), postcode: text(l, "CP"), nuts: text(l, "CODE_NUTS") })
        .collect();
    notice.departments = crate::classify::departments_of(&notice.places);
    notice.links.buyer_reference = get("OBJET/REF_MARCHE").or_else(|| get("CONDITION_ADMINISTRATIVE/REFERENCE_MARCHE"));
    notice.documents_url = get("IDENTITE/URL_DOCUMENT").or_else(|| get("IDENTITE/URL_PROFIL_ACHETEUR"));
    notice.duration_months = get("OBJET/DUREE_DELAI/DUREE_MOIS").and_then(|m| m.parse().ok());
    notice.renewals = get("OBJET/CARACTERISTIQUES/RECONDUCTIONS/NB_RECONDUCTIONS").and_then(|n| n.parse().ok());
    notice.estimated_value = get("OBJET/CARACTERISTIQUES/VALEUR_TOTALE")
        .or_else(|| get("OBJET/CARACTERISTIQUES/VALEUR"))
        .and_then(|v| v.replace([' ', '\u{a0}'], "").replace(',', ".").parse().ok());
    push_deadline(notice, get("CONDITION_DELAI/RECEPT_OFFRES"), DateKind::Tender, "CONDITION_DELAI.RECEPT_OFFRES");
    push_deadline(
        notice,
        get("CONDITION_DELAI/RECEPT_CANDIDAT"),
        DateKind::Participation,
        "CONDITION_DELAI.RECEPT_CANDIDAT",
    );
    if notice.natures.is_empty() {
        let types = first(donnees, "OBJET/TYPE_MARCHE");
        notice.natures = [
            ("TRAVAUX", ContractNature::Works),
            ("FOURNITURES", ContractNature::Supplies),
            ("SERVICE", ContractNature::Services),
        ]
        .into_iter()
        .filter(|(k, _)| types.is_some_and(|t| ticked(t, k)))
        .map(|(_, n)| n)
        .collect();
    }
    legacy_lots(notice, donnees);
    legacy_reservation(notice, donnees);
    for c in all(donnees, "PROCEDURE/CRITERES_ATTRIBUTION/CRITERES_PONDERES/CRITERE")
        .into_iter()
        .chain(all(donnees, "PROCEDURE/CRITERES_ATTRIBUTION/CRITERES_QUALITE/CRITERE"))
    {
        if let Some(name) = own_text(c) {
            let weight = c.get("@POIDS").and_then(Value::as_str).and_then(|w| w.trim_end_matches('%').parse().ok());
            notice.criteria.push(Criterion { name, weight, field: "PROCEDURE.CRITERES_ATTRIBUTION".into(), lot: None });
        }
    }
    legacy_awards(notice, donnees);
    collect_texts(notice, donnees, "donnees", None, 0);
    notice.drop_repeated_passages();
}

fn legacy_lots(notice: &mut Notice, donnees: &Value) {
    let numbered = |l: &&Value| text(l, "NUM").is_some();
    for lot in all(donnees, "OBJET/LOTS/LOT").into_iter().chain(all(donnees, "OBJET/LOT")).filter(numbered) {
        let id = text(lot, "NUM").map(|n| Lot::clean_id(&n)).unwrap_or_default();
        let title = text(lot, "INTITULE").or_else(|| text(lot, "DESCRIPTION")).unwrap_or_default();
        let cpv = all(lot, "CPV/PRINCIPAL").into_iter().filter_map(own_text).filter_map(|c| Cpv::parse(&c)).collect();
        let place = Place { city: text(lot, "LIEU_PRINCIPAL"), postcode: None, nuts: text(lot, "CODE_NUTS") };
        let places: Vec<Place> = Some(place).filter(|p| *p != Place::default()).into_iter().collect();
        notice.lots.push(Lot { id, title, cpv, departments: crate::classify::departments_of(&places), places });
    }
}

fn legacy_reservation(notice: &mut Notice, donnees: &Value) {
    for holder in ["CONDITION_PARTICIPATION", "OBJET"] {
        let path = format!("{holder}/MARCHE_RESERVE_OUI");
        let mut push = |value: &str| {
            notice.codes.push(Code {
                list: "MARCHE_RESERVE".into(),
                value: value.into(),
                field: path.replace('/', "."),
                lot: None,
            })
        };
        if ticked(donnees, &path) {
            let boxes: Vec<&str> = ["ATELIERS_PROTEGES", "EMPLOIS_PROTEGES"]
                .into_iter()
                .filter(|b| ticked(donnees, &format!("{path}/{b}")))
                .collect();
            boxes.iter().for_each(|b| push(b));
            if boxes.is_empty() {
                push("oui");
            }
        } else if ticked(donnees, &format!("{holder}/MARCHE_RESERVE_NON")) {
            push("non");
        }
    }
}

fn legacy_awards(notice: &mut Notice, donnees: &Value) {
    let failed = |v: &Value| match (ticked(v, "INFRUCTUEUX"), ticked(v, "SANS_SUITE")) {
        (true, _) => Some(Award::none(None, Some(NoAwardReason::Unsuccessful))),
        (_, true) => Some(Award::none(None, None)),
        _ => None,
    };
    for decision in all(donnees, "ATTRIBUTION/DECISION") {
        let lot = text(decision, "NUM_LOT").filter(|n| n.len() <= 4).map(|n| Lot::clean_id(&n));
        let companies: Vec<Company> = all(decision, "TITULAIRE")
            .into_iter()
            .filter_map(|party| {
                let place = Place { city: text(party, "VILLE"), postcode: text(party, "CP"), nuts: None };
                Some(Company { name: text(party, "DENOMINATION")?, id: None, place })
            })
            .collect();
        let amount = text(decision, "RENSEIGNEMENT/MONTANT")
            .and_then(|m| m.replace([' ', '\u{a0}'], "").replace(',', ".").parse().ok());
        let decided = text(decision, "RENSEIGNEMENT/DATE_ATTRIBUTION").and_then(|d| zones::day_of(&d));
        match failed(decision) {
            Some(none) => notice.awards.push(Award { lot, ..none }),
            None if !companies.is_empty() || lot.is_some() => {
                notice.awards.push(Award { amount, decided, ..Award::to(lot, companies) });
            }
            None => {}
        }
    }
    // A box over all decisions, of which none names a winner: nothing was awarded, whatever each repeats.
    let over_all = first(donnees, "ATTRIBUTION").and_then(failed);
    if let Some(none) = over_all.filter(|_| notice.awards.iter().all(|a| a.winners.is_empty())) {
        let object = text(donnees, "OBJET/OBJET_COMPLET").unwrap_or_else(|| notice.title.clone());
        let named: Vec<String> = lot_mentions(&fold(&object)).into_iter().flat_map(|m| m.lots).collect();
        notice.awards = match named.as_slice() {
            [] => vec![none],
            lots => lots.iter().map(|l| Award { lot: Some(l.clone()), ..none.clone() }).collect(),
        };
    }
}

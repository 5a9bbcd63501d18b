//! The official JSON shape of DECP (schema v2.0.x), read from files.

use serde_json::Value;
use vigie_domain::notice::Award;
use vigie_domain::{Buyer, Code, Cpv, Notice, NoticeKind, Place};

use crate::tree::{all, text};

/// Every contract and concession of an official file.
#[must_use]
pub fn from_tree(tree: &Value) -> Vec<Notice> {
    ["marches/marche", "marches/contrat-concession", "marche", "contrat-concession"]
        .iter()
        .flat_map(|path| all(tree, path))
        .filter_map(contract)
        .collect()
}

fn said(value: &Value, path: &str) -> Option<String> {
    text(value, path).filter(|t| super::says(t))
}

fn contract(value: &Value) -> Option<Notice> {
    let mut notice = Notice::new("decp", said(value, "id")?, NoticeKind::Award);
    notice.title = said(value, "objet").unwrap_or_default();
    notice.buyer = Buyer {
        siret: said(value, "acheteur/id")
            .or_else(|| said(value, "autoriteConcedante/id"))
            .and_then(|s| Buyer::clean_siret(&s)),
        ..Buyer::default()
    };
    notice.cpv = said(value, "codeCPV").and_then(|c| Cpv::parse(&c)).into_iter().collect();
    let kind_of_code = said(value, "lieuExecution/typeCode").unwrap_or_default();
    if let Some(code) = said(value, "lieuExecution/code").filter(|_| kind_of_code.contains("postal")) {
        notice.places.push(Place { postcode: Some(code), ..Place::default() });
    }
    notice.departments = crate::classify::departments_of(&notice.places);
    if notice.departments.is_empty() && kind_of_code.contains("département") {
        notice
            .departments
            .extend(said(value, "lieuExecution/code").iter().flat_map(|c| vigie_domain::Department::written(c)));
    }
    let day = said(value, "dateNotification").or_else(|| said(value, "datePublicationDonnees"));
    notice.published = day.and_then(|d| crate::zones::day_of(&d));
    notice.concession =
        said(value, "_type").is_some_and(|t| t.contains("oncession")) || !all(value, "autoriteConcedante").is_empty();
    notice.duration_months = said(value, "dureeMois").and_then(|d| d.parse().ok());
    for considered in all(value, "considerationsSociales/considerationSociale")
        .into_iter()
        .chain(all(value, "considerationsSociales"))
    {
        for value in crate::tree::own_text(considered).iter().flat_map(|t| t.split(',')) {
            notice.codes.push(Code {
                list: "considerationsSociales".into(),
                value: value.trim().to_owned(),
                field: "considerationsSociales".into(),
                lot: None,
            });
        }
    }
    let winners: Vec<String> =
        ["titulaires/titulaire/id", "titulaires/id", "concessionnaires/concessionnaire/id", "concessionnaires/id"]
            .iter()
            .flat_map(|p| all(value, p))
            .filter_map(crate::tree::own_text)
            .collect();
    let amount = said(value, "montant").or_else(|| said(value, "valeurGlobale")).and_then(|m| m.parse().ok());
    notice.awards.push(Award { lot: super::lot_of(&notice.title), winners, amount, ..Award::default() });
    Some(notice)
}

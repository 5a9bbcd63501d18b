//! The official JSON shape of DECP (schema v2.0.x), read from files.

use chrono::NaiveDate;
use serde_json::Value;
use vigie_domain::award::{Award, ContractData, ContractModification, Subcontract};
use vigie_domain::{Buyer, Code, Company, Cpv, Notice, NoticeKind, Place};

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

fn day(value: &Value, path: &str) -> Option<NaiveDate> {
    super::day(&said(value, path)?)
}

fn number<T: std::str::FromStr>(value: &Value, path: &str) -> Option<T> {
    said(value, path)?.parse().ok()
}

fn contract(value: &Value) -> Option<Notice> {
    let id = said(value, "id")?;
    let mut notice = Notice::new("decp", id.clone(), NoticeKind::Award);
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
    let notified = day(value, "dateNotification").or_else(|| day(value, "dateSignature"));
    notice.published = notified.or_else(|| day(value, "datePublicationDonnees"));
    notice.concession =
        said(value, "_type").is_some_and(|t| t.contains("oncession")) || !all(value, "autoriteConcedante").is_empty();
    notice.duration_months = number(value, "dureeMois");
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
    let techniques = all(value, "techniques/technique").into_iter().filter_map(crate::tree::own_text);
    let data = ContractData {
        number: Some(id),
        notified,
        months: notice.duration_months,
        maximum: techniques.into_iter().any(|t| super::is_framework(&t)),
        offers_received: number(value, "offresRecues"),
        modifications: all(value, "modifications/modification").into_iter().map(modification).collect(),
        subcontracts: all(value, "actesSousTraitance/acteSousTraitance").into_iter().map(subcontract).collect(),
        ..ContractData::default()
    };
    let amount = number(value, "montant").or_else(|| number(value, "valeurGlobale"));
    let award = Award::to(super::lot_of(&notice.title), companies(value));
    notice.awards.push(Award { amount, contract: Some(Box::new(data)), ..award });
    Some(notice)
}

/// The holders that a contract or a modification lists: numbers without names.
fn companies(value: &Value) -> Vec<Company> {
    ["titulaires/titulaire", "titulaires", "concessionnaires/concessionnaire", "concessionnaires"]
        .iter()
        .flat_map(|path| all(value, path))
        .filter_map(|holder| company(&said(holder, "id")?))
        .collect()
}

/// A company known by its number, of whatever country.
fn company(id: &str) -> Option<Company> {
    Some(Company { id: Some(Company::number(id)?), ..Company::default() })
}

fn modification(value: &Value) -> ContractModification {
    ContractModification {
        number: number(value, "id").unwrap_or_default(),
        on: day(value, "dateNotificationModification").or_else(|| day(value, "dateSignatureModification")),
        months: number(value, "dureeMois"),
        amount: number(value, "montant").or_else(|| number(value, "valeurGlobale")),
        holders: companies(value),
    }
}

fn subcontract(value: &Value) -> Subcontract {
    let id = said(value, "sousTraitant/id").unwrap_or_default();
    Subcontract {
        company: company(&id).unwrap_or_default(),
        amount: number(value, "montant"),
        notified: day(value, "dateNotification"),
    }
}

//! Rows of the consolidated table: one winner each, joined into contracts by `uid`.

use chrono::NaiveDate;
use serde_json::Value;
use url::Url;
use vigie_domain::notice::Award;
use vigie_domain::{Buyer, Code, Cpv, Department, Notice, NoticeKind, Place};

use super::says;
use crate::sources::BadRecord;
use crate::tree::text;
use crate::zones;

/// A contract and the day its data was published.
pub(super) struct Contract {
    pub(super) notice: Notice,
    published: Option<NaiveDate>,
}

/// When a contract's data was published.
pub(super) fn published(contract: &Contract) -> Option<NaiveDate> {
    contract.published
}

fn said(row: &Value, column: &str) -> Option<String> {
    text(row, column).filter(|t| says(t))
}

/// The rows at the end that bear the last row's `uid`: the next page may go on with the same contract.
pub(super) fn last_contract(rows: &[Value]) -> Vec<Value> {
    let Some(uid) = rows.last().and_then(|r| text(r, "uid")) else { return Vec::new() };
    let start = rows.iter().rposition(|r| text(r, "uid").as_deref() != Some(&uid)).map_or(0, |i| i + 1);
    rows[start..].to_vec()
}

/// Joins rows into contracts; a row without identity is put aside.
pub(super) fn contracts(rows: &[Value], url: &Url) -> (Vec<Contract>, Vec<BadRecord>) {
    let (mut contracts, mut bad): (Vec<Contract>, Vec<BadRecord>) = (Vec::new(), Vec::new());
    for (i, row) in rows.iter().enumerate() {
        let Some(uid) = said(row, "uid") else {
            bad.push(BadRecord {
                record_id: None,
                place: format!("{url} ligne {}", i + 1),
                reason: "marché sans identifiant (colonne uid)".into(),
                raw: serde_json::to_vec(row).unwrap_or_default(),
            });
            continue;
        };
        let winner = said(row, "titulaire_nom").or_else(|| said(row, "titulaire_id"));
        match contracts.iter_mut().rev().find(|c| c.notice.record_id == uid) {
            Some(known) => {
                let award = &mut known.notice.awards[0];
                award.winners.extend(winner.filter(|w| !award.winners.contains(w)));
            }
            None => contracts.push(contract(uid, row, winner)),
        }
    }
    (contracts, bad)
}

fn contract(uid: String, row: &Value, winner: Option<String>) -> Contract {
    let mut notice = Notice::new("decp", uid, NoticeKind::Award);
    notice.title = said(row, "objet").unwrap_or_default();
    notice.buyer = Buyer {
        name: said(row, "acheteur_nom").unwrap_or_default(),
        siret: said(row, "acheteur_id").and_then(|s| Buyer::clean_siret(&s)),
        ..Buyer::default()
    };
    notice.links.buyer_reference = said(row, "id");
    notice.cpv = said(row, "codeCPV").and_then(|c| Cpv::parse(&c)).into_iter().collect();
    place(&mut notice, row);
    notice.duration_months = said(row, "dureeMois").and_then(|d| d.parse().ok());
    notice.published = said(row, "dateNotification").and_then(|d| zones::day_of(&d));
    notice.concession = said(row, "nature").is_some_and(|n| {
        let n = n.to_lowercase();
        n.contains("concession") || n.contains("délégation")
    });
    for value in said(row, "considerationsSociales").iter().flat_map(|t| t.split(',')).map(str::trim) {
        if says(value) && value != "Pas de considération sociale" {
            let field = "considerationsSociales".to_owned();
            notice.codes.push(Code { list: field.clone(), value: value.to_owned(), field, lot: None });
        }
    }
    let amount = said(row, "montant").and_then(|m| m.parse().ok());
    let lot = super::lot_of(&notice.title);
    notice.awards.push(Award { lot, winners: winner.into_iter().collect(), amount, ..Award::default() });
    let published = said(row, "datePublicationDonnees").and_then(|d| zones::day_of(&d));
    Contract { notice, published }
}

fn place(notice: &mut Notice, row: &Value) {
    let Some(code) = said(row, "lieuExecution_code") else { return };
    let kind = said(row, "lieuExecution_typeCode").unwrap_or_default().to_lowercase();
    if kind.contains("postal") {
        notice.places.push(Place { postcode: Some(code), ..Place::default() });
        notice.departments = crate::classify::departments_of(&notice.places);
    } else if kind.contains("commune") || kind.contains("arrondissement") {
        // An INSEE code begins with its département, as a postcode does, save in Corsica where it says 2A or 2B.
        let head = if code.starts_with("97") || code.starts_with("98") { code.get(..3) } else { code.get(..2) };
        notice.departments.extend(head.into_iter().flat_map(Department::written));
    } else if kind.contains("département") || kind.contains("departement") {
        notice.departments.extend(Department::written(&code));
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn row(uid: &str, winner: &str) -> Value {
        json!({"uid": uid, "id": "2026-DST-14", "objet": "Entretien des espaces verts", "acheteur_id": "21590350100017", "acheteur_nom": "Ville de Lille",
            "titulaire_nom": winner, "montant": 120_000.0, "codeCPV": "77310000-6", "dureeMois": 48, "dateNotification": "2026-11-02",
            "datePublicationDonnees": "2026-11-20", "considerationsSociales": "Clause sociale, Critère social", "lieuExecution_code": "2A004",
            "lieuExecution_typeCode": "Code commune", "nature": "Marché"})
    }

    #[test]
    fn rows_of_one_contract_are_joined() {
        let url = Url::parse("https://a.example/").unwrap();
        let (found, bad) = contracts(&[row("a", "Un"), row("a", "Deux"), row("b", "NC"), json!({"objet": "x"})], &url);
        assert_eq!((found.len(), bad.len()), (2, 1));
        let first = &found[0].notice;
        assert_eq!(first.awards[0].winners, ["Un", "Deux"]);
        assert_eq!(first.codes.len(), 2);
        assert_eq!(first.departments[0].as_str(), "2A");
        assert_eq!(first.duration_months, Some(48.0));
        assert!(found[1].notice.awards[0].winners.is_empty(), "NC names nobody");
    }

    #[test]
    fn the_rows_of_a_contract_cut_by_the_page_are_kept_together() {
        let open = last_contract(&[row("a", "Un"), row("b", "Deux"), row("b", "Trois")]);
        assert_eq!(open.len(), 2);
    }
}

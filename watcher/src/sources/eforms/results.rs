//! Results of an eForms notice: what became of each lot (BT-142), who won it, and the contract concluded.

use chrono::NaiveDate;
use serde_json::Value;
use vigie_domain::award::ContractData;
use vigie_domain::{Award, Company, Lot, NoAwardReason, Outcome, Place};

use super::{EXTENSION, organization};
use crate::tree::{all, first, own_text, text};

/// Code of the count of all tenders received (BT-760, code list `received-submission-type`).
const ALL_TENDERS: &str = "tenders";

/// What became of each lot: its winners, from the result through its tender and tendering party to organizations; or why nobody
/// won (BT-144). `intended`: the notice tells of a contract yet to be concluded.
pub(super) fn awards(notice: &Value, intended: bool) -> Vec<Award> {
    let result = first(notice, &format!("{EXTENSION}/NoticeResult")).or_else(|| first(notice, "NoticeResult"));
    let Some(result) = result else { return Vec::new() };
    all(result, "LotResult").into_iter().map(|lot_result| award(notice, result, lot_result, intended)).collect()
}

fn award(notice: &Value, result: &Value, lot_result: &Value, intended: bool) -> Award {
    let by_id =
        |element: &str, id: &str| all(result, element).into_iter().find(|e| text(e, "ID").as_deref() == Some(id));
    let lot = text(lot_result, "TenderLot/ID").map(|id| Lot::clean_id(&id));
    let outcome = match text(lot_result, "TenderResultCode").unwrap_or_default().trim() {
        _ if intended => Outcome::Intended,
        "clos-nw" => Outcome::NoAward,
        "open-nw" => Outcome::StillOpen,
        _ => Outcome::Awarded,
    };
    if !matches!(outcome, Outcome::Awarded | Outcome::Intended) {
        let reason = text(lot_result, "DecisionReason/DecisionReasonCode").and_then(|c| NoAwardReason::parse(&c));
        return Award { lot, outcome, reason, ..Award::default() };
    }
    let tenders: Vec<&Value> = all(lot_result, "LotTender/ID")
        .into_iter()
        .filter_map(own_text)
        .filter_map(|id| by_id("LotTender", &id))
        .collect();
    let companies = tenders
        .iter()
        .flat_map(|t| all(t, "TenderingParty/ID"))
        .filter_map(own_text)
        .filter_map(|id| by_id("TenderingParty", &id))
        .flat_map(|party| all(party, "Tenderer/ID"))
        .filter_map(own_text)
        .filter_map(|id| company(notice, &id))
        .collect();
    let amount = tenders.first().and_then(|t| text(t, "LegalMonetaryTotal/PayableAmount")).and_then(|a| a.parse().ok());
    let settled = text(lot_result, "SettledContract/ID").and_then(|id| by_id("SettledContract", &id));
    let received = all(lot_result, "ReceivedSubmissionsStatistics")
        .into_iter()
        .find(|s| text(s, "StatisticsCode").as_deref() == Some(ALL_TENDERS))
        .and_then(|s| text(s, "StatisticsNumeric")?.parse().ok());
    let contract = ContractData {
        notified: settled.and_then(|c| text(c, "IssueDate")).and_then(|d| day(&d)),
        offers_received: received,
        ..ContractData::default()
    };
    let contract = Some(Box::new(contract)).filter(|c| **c != ContractData::default());
    Award { amount, outcome, contract, ..Award::to(lot, companies) }
}

/// An organization with its number (BT-501) and seat.
fn company(notice: &Value, id: &str) -> Option<Company> {
    let organization = organization(notice, id)?;
    let place = Place {
        city: text(organization, "PostalAddress/CityName"),
        postcode: text(organization, "PostalAddress/PostalZone"),
        nuts: text(organization, "PostalAddress/CountrySubentityCode"),
    };
    Some(Company {
        name: text(organization, "PartyName/Name")?,
        id: text(organization, "PartyLegalEntity/CompanyID").and_then(|n| Company::number(&n)),
        place,
    })
}

fn day(text: &str) -> Option<NaiveDate> {
    NaiveDate::parse_from_str(text.get(..10)?, "%Y-%m-%d").ok()
}

//! eForms notices (Implementing Regulation (EU) 2019/1780) as a tree: BOAMP publishes them as JSON inside `donnees`,
//! TED as XML. One reader for both, by local names.
//!
//! The buyer is the organization that `ContractingParty` refers to, never the first one listed. Durations are read from
//! `PlannedPeriod`, not from the validity of offers.

use chrono_tz::Tz;
use serde_json::Value;
use vigie_domain::notice::{Award, ContractNature, Criterion, Issue, Links};
use vigie_domain::{
    Buyer, Code, Cpv, DateKind, Lot, NoAwardReason, Notice, NoticeKind, Outcome, Passage, Place, TypedDate,
};

use crate::tree::{all, first, local, own_text, text};
use crate::zones;

/// Code lists whose values the classifier reads.
const SOCIAL_LISTS: &[&str] =
    &["reserved-procurement", "reserved-execution", "strategic-procurement", "social-objective"];
/// Branches without text for bidders.
const SKIPPED: &[&str] = &[
    "Organizations",
    "ContractingParty",
    "AppealTerms",
    "TenderRecipientParty",
    "Publication",
    "NoticeResult",
    "AddressLine",
];
/// Path of the extension block.
const EXTENSION: &str = "UBLExtensions/UBLExtension/ExtensionContent/EformsExtension";

/// The notice element of a tree, and its local name: `ContractNotice`, `PriorInformationNotice`, `ContractAwardNotice`.
#[must_use]
pub fn notice_element(tree: &Value) -> Option<(&str, &Value)> {
    tree.as_object()?.iter().map(|(k, v)| (local(k), v)).find(|(k, _)| k.ends_with("Notice"))
}

/// Why a document is no notice of procurement.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NoNotice {
    #[error("pas d’avis eForms dans ce document")]
    NoElement,
    #[error("avis sans numéro")]
    NoNumber,
    #[error("{0}")]
    Unreadable(String),
    #[error("immatriculation d’une société européenne ({0}) : ce n’est pas un avis de marché")]
    Registration(String),
}

/// The form and the type of a notice (BT-02, BT-03): `result` and `can-standard`.
fn form(notice: &Value) -> (String, String) {
    let code = first(notice, "NoticeTypeCode");
    let form = code.and_then(|v| v.get("@listName")).and_then(Value::as_str).unwrap_or_default();
    (form.to_owned(), code.and_then(own_text).unwrap_or_default().trim().to_owned())
}

/// What a notice is, where it is none of procurement.
///
/// # Errors
/// It registers a company (brin-eeig, brin-ecs).
pub fn refuse_registrations(element: &str, notice: &Value) -> Result<(), NoNotice> {
    let (form, kind) = form(notice);
    let registers = element.starts_with("BusinessRegistration") || form == "bri" || kind.starts_with("brin-");
    if registers { Err(NoNotice::Registration(if kind.is_empty() { form } else { kind })) } else { Ok(()) }
}

/// What the notice announces, from its form type, its changes and its results.
#[must_use]
pub fn kind(element: &str, notice: &Value) -> NoticeKind {
    let reason = text(notice, &format!("{EXTENSION}/Changes/ChangeReason/ReasonCode"));
    if reason.as_deref().is_some_and(|r| r.starts_with("cancel")) {
        return NoticeKind::Cancellation;
    }
    let (form, _) = form(notice);
    match (element, form.as_str()) {
        (_, "dir-awa-pre") => NoticeKind::ExAnte,
        (_, "cont-modif") => NoticeKind::Modification,
        (_, "completion") => NoticeKind::Completion,
        ("ContractAwardNotice", _) | (_, "result") => kind_of_results(&awards(notice, false)),
        _ if first(notice, &format!("{EXTENSION}/Changes/ChangedNoticeIdentifier")).is_some() => NoticeKind::Correction,
        ("PriorInformationNotice", "competition") => NoticeKind::Call,
        ("PriorInformationNotice", _) | (_, "planning" | "consultation") => NoticeKind::PriorInformation,
        _ => NoticeKind::Call,
    }
}

/// The kind of notice that a TED search calls by that type, and what its document would say; `None` of what is no notice of
/// procurement.
#[must_use]
pub fn kind_of_type(notice_type: &str) -> Option<NoticeKind> {
    Some(match notice_type.split('-').collect::<Vec<_>>().as_slice() {
        ["brin", ..] => return None,
        ["can", "modif", ..] => NoticeKind::Modification,
        ["can", ..] => NoticeKind::Award,
        ["veat", ..] => NoticeKind::ExAnte,
        ["compl", ..] => NoticeKind::Completion,
        ["pin", "cfc", ..] => NoticeKind::Call,
        ["pin" | "pmc", ..] => NoticeKind::PriorInformation,
        _ => NoticeKind::Call,
    })
}

/// An award, unless nobody won anything.
#[must_use]
pub fn kind_of_results(results: &[Award]) -> NoticeKind {
    let nobody = !results.is_empty() && !results.iter().any(|r| r.outcome.is_award());
    if nobody { NoticeKind::NoAward } else { NoticeKind::Award }
}

/// Fills `out` from an eForms notice element.
pub fn fill(out: &mut Notice, notice: &Value, path: &str) {
    let project = first(notice, "ProcurementProject").unwrap_or(&Value::Null);
    if let Some(title) = text(project, "Name") {
        out.title = title;
    }
    fill_buyer(&mut out.buyer, notice);
    let zone = zones::zone(out.buyer.place.department().as_ref());
    out.cpv = cpv(project);
    out.natures =
        all(project, "ProcurementTypeCode").iter().filter_map(|v| own_text(v)).filter_map(|t| nature(&t)).collect();
    out.places = places(project);
    out.links.contract_folder = text(notice, "ContractFolderID");
    out.links.buyer_reference = text(project, "ID");
    out.above_eu_threshold = text(notice, "RegulatoryDomain").is_some_and(|d| d.starts_with("320"));
    out.concession = text(notice, "RegulatoryDomain").as_deref() == Some("32014L0023");
    out.estimated_value = amount(project);
    let lots: Vec<&Value> = all(notice, "ProcurementProjectLot").into_iter().filter(|l| is_lot(l)).collect();
    let single = lots.len() == 1;
    for lot in &lots {
        fill_lot(out, lot, single, zone, path);
    }
    join_common_dates(&mut out.dates);
    if single {
        // A procedure with one lot is not divided: what the lot says holds for the whole.
        if let Some(lot) = out.lots.pop() {
            out.cpv.extend(lot.cpv.into_iter().filter(|c| !out.cpv.contains(c)).collect::<Vec<_>>());
        }
    }
    if out.documents_url.is_none() {
        out.documents_url = text(notice, "ContractingParty/BuyerProfileURI");
    }
    collect_texts(out, notice, path, None, 0);
    out.drop_repeated_passages();
    collect_codes(out, notice, path, None, 0);
    let modified = text(notice, &format!("{EXTENSION}/ContractModification/ChangedNoticeIdentifier"));
    out.awards = if modified.is_some() { Vec::new() } else { awards(notice, form(notice).0 == "dir-awa-pre") };
    for lot in &lots {
        out.places.extend(places(first(lot, "ProcurementProject").unwrap_or(&Value::Null)));
    }
    out.departments = crate::classify::departments_of(&out.places);
    out.issue = issue(notice, zone);
}

/// When a notice was issued (BT-05) and what it says of itself: its identifier and version, the notice that it changes.
fn issue(notice: &Value, zone: chrono_tz::Tz) -> Option<Issue> {
    let version = text(notice, "VersionID").unwrap_or_else(|| "01".to_owned());
    let identifier = text(notice, "ID").map(|id| format!("{}-{version}", id.to_ascii_lowercase()));
    let of = |block: &str| text(notice, &format!("{EXTENSION}/{block}/ChangedNoticeIdentifier"));
    let changed = of("Changes").or_else(|| of("ContractModification"));
    let changes = changed.map(|id| match Links::clean_publication(&id).filter(|_| id.len() < 20) {
        Some(number) => format!("publication:{number}"),
        None => id.to_ascii_lowercase(),
    });
    let (date, time) = (text(notice, "IssueDate"), text(notice, "IssueTime"));
    let read = date.and_then(|d| zones::date_and_time(&d, time.as_deref(), zone));
    let day = read.map(|(at, _)| at.date_naive());
    let issue = Issue { identifier, changes, at: read.filter(|(_, timed)| *timed).map(|(at, _)| at), day };
    (issue != Issue::default()).then_some(issue)
}

fn is_lot(lot: &Value) -> bool {
    let scheme = first(lot, "ID").and_then(|v| v.get("@schemeName")).and_then(Value::as_str).unwrap_or("Lot");
    matches!(scheme, "Lot" | "Part")
}

fn fill_lot(out: &mut Notice, lot: &Value, single: bool, zone: Tz, path: &str) {
    let project = first(lot, "ProcurementProject").unwrap_or(&Value::Null);
    let id = text(lot, "ID").map(|id| Lot::clean_id(&id)).unwrap_or_default();
    let of_lot = (!single).then(|| id.clone());
    let deadlines = [
        ("TenderSubmissionDeadlinePeriod", DateKind::Tender),
        ("ParticipationRequestReceptionPeriod", DateKind::Participation),
        ("InterestExpressionReceptionPeriod", DateKind::Participation),
        ("AdditionalInformationRequestPeriod", DateKind::Questions),
    ];
    for (element, kind) in deadlines {
        let place = format!("TenderingProcess/{element}");
        let Some(date) = text(lot, &format!("{place}/EndDate")) else { continue };
        let Some((at, has_time)) = zones::date_and_time(&date, text(lot, &format!("{place}/EndTime")).as_deref(), zone)
        else {
            continue;
        };
        let field = Some(format!("{path}.ProcurementProjectLot.{}", place.replace('/', ".")));
        out.dates.push(TypedDate { kind, at, has_time, mandatory: false, quote: None, field, lot: of_lot.clone() });
    }
    for criterion in all(lot, "TenderingTerms/AwardingTerms/AwardingCriterion/SubordinateAwardingCriterion") {
        let field = format!("{path}.ProcurementProjectLot.SubordinateAwardingCriterion");
        let weight = percent_weight(criterion);
        for name in [text(criterion, "Name"), text(criterion, "Description")].into_iter().flatten() {
            out.criteria.push(Criterion { name, weight, field: field.clone(), lot: of_lot.clone() });
        }
    }
    let places = places(project);
    let departments = crate::classify::departments_of(&places);
    out.duration_months = out.duration_months.or_else(|| months(project));
    out.renewals =
        out.renewals.or_else(|| text(project, "ContractExtension/MaximumNumberNumeric").and_then(|n| n.parse().ok()));
    out.estimated_value = out.estimated_value.or_else(|| single.then(|| amount(project)).flatten());
    if out.documents_url.is_none() {
        out.documents_url =
            text(lot, "TenderingTerms/CallForTendersDocumentReference/Attachment/ExternalReference/URI");
    }
    out.lots.push(Lot { id, title: text(project, "Name").unwrap_or_default(), cpv: cpv(project), departments, places });
}

/// A date that is the same for every lot is the procedure's, once.
fn join_common_dates(dates: &mut Vec<TypedDate>) {
    for kind in [DateKind::Tender, DateKind::Participation, DateKind::Questions] {
        let Some(first) = dates.iter().find(|d| d.kind == kind).cloned() else { continue };
        if dates.iter().filter(|d| d.kind == kind).all(|d| d.at == first.at) {
            dates.retain(|d| d.kind != kind);
            dates.push(TypedDate { lot: None, ..first });
        }
    }
}

/// A criterion's weight where it is a percentage; points are no percent.
fn percent_weight(criterion: &Value) -> Option<f64> {
    all(criterion, &format!("{EXTENSION}/AwardCriterionParameter"))
        .into_iter()
        .find(|p| text(p, "ParameterCode").is_some_and(|c| c.starts_with("per-")))
        .and_then(|p| text(p, "ParameterNumeric"))
        .and_then(|n| n.parse().ok())
}

/// BT-36, or the span from BT-536 to BT-537.
fn months(project: &Value) -> Option<f64> {
    let Some(measure) = first(project, "PlannedPeriod/DurationMeasure") else {
        let day = |name: &str| zones::day_of(&text(project, &format!("PlannedPeriod/{name}"))?);
        let days = (day("EndDate")? - day("StartDate")?).num_days();
        return (days > 0).then(|| (days as f64 / 30.44).round());
    };
    let n: f64 = own_text(measure)?.parse().ok()?;
    Some(match measure.get("@unitCode").and_then(Value::as_str)? {
        "YEAR" => n * 12.0,
        "MONTH" => n,
        "WEEK" => (n / 4.345).round(),
        "DAY" => (n / 30.44).round(),
        _ => return None,
    })
}

/// BT-27; zero means "not stated".
fn amount(project: &Value) -> Option<f64> {
    let overall = text(project, "RequestedTenderTotal/EstimatedOverallContractAmount");
    let maximum = || text(project, &format!("RequestedTenderTotal/{EXTENSION}/FrameworkMaximumAmount"));
    overall.or_else(maximum)?.parse().ok().filter(|v| *v > 1.0)
}

fn nature(code: &str) -> Option<ContractNature> {
    match code {
        "works" => Some(ContractNature::Works),
        "supplies" => Some(ContractNature::Supplies),
        "services" => Some(ContractNature::Services),
        _ => None,
    }
}

fn cpv(project: &Value) -> Vec<Cpv> {
    let mut out = Vec::new();
    for element in ["MainCommodityClassification", "AdditionalCommodityClassification"] {
        for code in all(project, &format!("{element}/ItemClassificationCode")) {
            let list = code.get("@listName").and_then(Value::as_str).unwrap_or("cpv");
            if let Some(code) = own_text(code).filter(|_| list == "cpv").and_then(|c| Cpv::parse(&c))
                && !out.contains(&code)
            {
                out.push(code);
            }
        }
    }
    out
}

fn places(project: &Value) -> Vec<Place> {
    all(project, "RealizedLocation/Address")
        .into_iter()
        .map(|a| Place {
            city: text(a, "CityName"),
            postcode: text(a, "PostalZone"),
            nuts: text(a, "CountrySubentityCode"),
        })
        .filter(|p| *p != Place::default())
        .collect()
}

fn organizations(notice: &Value) -> Vec<&Value> {
    let mut found = all(notice, &format!("{EXTENSION}/Organizations/Organization"));
    found.extend(all(notice, "Organizations/Organization"));
    found
}

fn organization<'a>(notice: &'a Value, id: &str) -> Option<&'a Value> {
    organizations(notice).into_iter().find_map(|o| {
        ["Company", "TouchPoint"]
            .into_iter()
            .find_map(|part| first(o, part).filter(|c| text(c, "PartyIdentification/ID").as_deref() == Some(id)))
    })
}

fn fill_buyer(buyer: &mut Buyer, notice: &Value) {
    let Some(id) = text(notice, "ContractingParty/Party/PartyIdentification/ID") else { return };
    let Some(company) = organization(notice, &id) else { return };
    if let Some(name) = text(company, "PartyName/Name") {
        buyer.name = name;
    }
    buyer.siret = all(company, "PartyLegalEntity/CompanyID")
        .into_iter()
        .filter_map(own_text)
        .find_map(|c| Buyer::clean_siret(&c));
    buyer.place = Place {
        city: text(company, "PostalAddress/CityName"),
        postcode: text(company, "PostalAddress/PostalZone"),
        nuts: text(company, "PostalAddress/CountrySubentityCode"),
    };
}

/// What became of each lot (BT-142): its winners, from the result through its tender and tendering party to organizations; or why
/// nobody won (BT-144). `intended`: the notice tells of a contract yet to be concluded.
fn awards(notice: &Value, intended: bool) -> Vec<Award> {
    let result = first(notice, &format!("{EXTENSION}/NoticeResult")).or_else(|| first(notice, "NoticeResult"));
    let Some(result) = result else { return Vec::new() };
    let by_id =
        |element: &str, id: &str| all(result, element).into_iter().find(|e| text(e, "ID").as_deref() == Some(id));
    all(result, "LotResult")
        .into_iter()
        .map(|lot_result| {
            let lot = text(lot_result, "TenderLot/ID").map(|id| Lot::clean_id(&id));
            let outcome = match text(lot_result, "TenderResultCode").unwrap_or_default().trim() {
                _ if intended => Outcome::Intended,
                "clos-nw" => Outcome::NoAward,
                "open-nw" => Outcome::StillOpen,
                _ => Outcome::Awarded,
            };
            let won = matches!(outcome, Outcome::Awarded | Outcome::Intended);
            let tenders: Vec<&Value> = all(lot_result, "LotTender/ID")
                .into_iter()
                .filter_map(own_text)
                .filter_map(|id| by_id("LotTender", &id))
                .collect();
            let winners = tenders
                .iter()
                .filter(|_| won)
                .flat_map(|t| all(t, "TenderingParty/ID"))
                .filter_map(own_text)
                .filter_map(|id| by_id("TenderingParty", &id))
                .flat_map(|party| all(party, "Tenderer/ID"))
                .filter_map(own_text)
                .filter_map(|id| text(organization(notice, &id)?, "PartyName/Name"))
                .collect();
            let amount =
                tenders.first().and_then(|t| text(t, "LegalMonetaryTotal/PayableAmount")).and_then(|a| a.parse().ok());
            let reason = text(lot_result, "DecisionReason/DecisionReasonCode").and_then(|c| NoAwardReason::parse(&c));
            Award {
                lot,
                winners,
                amount: amount.filter(|_| won),
                outcome,
                reason: reason.filter(|_| !won),
                words: None,
            }
        })
        .collect()
}

/// Deepest descent; real notices stay under 20.
const MAX_DEPTH: usize = 60;

fn lot_of(key: &str, value: &Value) -> Option<String> {
    (local(key) == "ProcurementProjectLot" && is_lot(value))
        .then(|| text(value, "ID").map(|id| Lot::clean_id(&id)))
        .flatten()
}

/// Gathers free text for bidders, lot by lot.
fn collect_texts(out: &mut Notice, value: &Value, path: &str, lot: Option<&str>, depth: usize) {
    let Some(object) = value.as_object().filter(|_| depth < MAX_DEPTH) else { return };
    for (key, child) in object {
        let name = local(key);
        if SKIPPED.contains(&name) || key.starts_with('@') {
            continue;
        }
        let here = format!("{path}.{name}");
        let many = child.as_array().map_or(std::slice::from_ref(child), Vec::as_slice);
        for one in many {
            let own_lot = if out.lots.is_empty() { None } else { lot_of(key, one) };
            let lot = own_lot.as_deref().or(lot);
            let foreign = one.get("@languageID").and_then(Value::as_str).is_some_and(|l| l != "FRA");
            match own_text(one) {
                Some(text) if !foreign && is_prose(name, &text) => {
                    out.passages.push(Passage { field: here.clone(), lot: lot.map(str::to_owned), text });
                }
                Some(_) => {}
                None => collect_texts(out, one, &here, lot, depth + 1),
            }
        }
    }
}

fn is_prose(name: &str, text: &str) -> bool {
    text.len() > 12
        && text.contains(' ')
        && matches!(
            name,
            "Name"
                | "Description"
                | "Note"
                | "ReasonDescription"
                | "ChangeDescription"
                | "TendererRequirementDescription"
                | "DocumentDescription"
                | "ProcessReason"
                | "CalculationExpression"
                | "ProcurementType"
        )
}

/// Gathers coded social statements, lot by lot.
fn collect_codes(out: &mut Notice, value: &Value, path: &str, lot: Option<&str>, depth: usize) {
    let Some(object) = value.as_object().filter(|_| depth < MAX_DEPTH) else { return };
    for (key, child) in object {
        let here = format!("{path}.{}", local(key));
        let many = child.as_array().map_or(std::slice::from_ref(child), Vec::as_slice);
        for one in many {
            let own_lot = if out.lots.is_empty() { None } else { lot_of(key, one) };
            let lot = own_lot.as_deref().or(lot);
            if let (Some(list), Some(code)) = (one.get("@listName").and_then(Value::as_str), own_text(one))
                && SOCIAL_LISTS.contains(&list)
            {
                out.codes.push(Code {
                    list: list.to_owned(),
                    value: code,
                    field: here.clone(),
                    lot: lot.map(str::to_owned),
                });
            } else {
                collect_codes(out, one, &here, lot, depth + 1);
            }
        }
    }
}

/// A notice out of an eForms XML file, as TED publishes it.
///
/// # Errors
/// The tree holds no notice of procurement; says what it is.
pub fn from_tree(tree: &Value) -> Result<Notice, NoNotice> {
    let (element, value) = notice_element(tree).ok_or(NoNotice::NoElement)?;
    refuse_registrations(element, value)?;
    let number = text(value, &format!("{EXTENSION}/Publication/NoticePublicationID"));
    let id = number.clone().or_else(|| text(value, "ID")).ok_or(NoNotice::NoNumber)?;
    let mut notice = Notice::new("ted", id, kind(element, value));
    notice.links.publications.extend(number.and_then(|n| Links::clean_publication(&n)));
    fill(&mut notice, value, element);
    notice.published = text(value, "IssueDate").and_then(|d| zones::day_of(&d));
    Ok(notice)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    /// A2: a notice says when it was issued and which one it changes.
    #[test]
    fn a_notice_says_when_it_was_issued_and_what_it_changes() {
        let notice = |changed: &str| {
            json!({"ID": {"@schemeName": "notice-id", "#text": "9F1C0000-AAAA"}, "VersionID": "02", "IssueDate": "2026-11-19+01:00",
                "IssueTime": "10:00:00+01:00", "UBLExtensions": {"UBLExtension": {"ExtensionContent": {"EformsExtension":
                {"Changes": {"ChangedNoticeIdentifier": changed}}}}}})
        };
        for (changed, name) in [
            ("00123456-2026", "publication:123456-2026"),
            ("9F1C0000-AAAA-4BBB-8CCC-0123456789AB-01", "9f1c0000-aaaa-4bbb-8ccc-0123456789ab-01"),
        ] {
            let issue = issue(&notice(changed), chrono_tz::Tz::Europe__Paris).unwrap();
            assert_eq!(issue.identifier.as_deref(), Some("9f1c0000-aaaa-02"));
            assert_eq!(issue.changes.as_deref(), Some(name));
            assert_eq!(issue.at.unwrap().to_rfc3339(), "2026-11-19T10:00:00+01:00");
        }
        assert_eq!(issue(&json!({}), chrono_tz::Tz::Europe__Paris), None);
    }
}

//! Purchases that are planned on the territory (projects of purchases, prior informations) and that the organisation does not follow yet:
//! a line each in the word to its facilitators, since a clause is written before the call is out; and the page that shows them all.

use std::collections::HashSet;

use chrono::{DateTime, Duration, Utc};
use vigie_domain::Phase;
use vigie_domain::operation::calibration::euros;
use vigie_domain::service_area::Area;
use vigie_notifier::card::short;
use vigie_store::StoreError;
use vigie_store::operations::Standing;
use vigie_store::search::{Query, SearchRow};

use super::unseen;
use crate::after_award::messages::main_of;
use crate::areas;
use crate::service::Service;
use crate::visibility;

/// How long after its publication a purchase is told: what is older is on the page alone.
const TOLD_WITHIN: Duration = Duration::days(10);
/// Most purchases of the page, and of one word.
pub const MOST: usize = 40;
/// Most purchases of the table.
pub const MOST_IN_TABLE: usize = 500;
/// Rows of a search read at a time, and most such pages that are looked through.
const BATCH: usize = 200;
const MOST_PAGES: usize = 5;

/// Planned purchases that a query finds in an area and that a structure does not follow, latest first; an empty area asks no further.
///
/// # Errors
/// The database fails.
pub async fn of(
    service: &Service,
    structure: &str,
    (area, query): (&Area, Query),
    most: usize,
    now: DateTime<Utc>,
) -> Result<Vec<SearchRow>, StoreError> {
    let store = &service.store;
    let beside = store.operation_procedures(structure).await?;
    let known = beside.into_iter().filter(|a| a.standing != Standing::Proposed).map(|a| a.procedure);
    let known: HashSet<String> = known.collect();
    let query = Query { state: Some(Phase::Planned), ..query };
    let mut out = Vec::new();
    let mut after: Option<(DateTime<Utc>, String)> = None;
    for _ in 0..MOST_PAGES {
        let place = after.as_ref().map(|(at, id)| (*at, id.as_str()));
        let page = store.search(&query, place, BATCH, now).await?;
        for row in page.rows.into_iter().filter(|r| !known.contains(&r.procedure)) {
            if out.len() >= most {
                return Ok(out);
            }
            if areas::lets_through(area, &store.notices_of(&row.procedure).await?) {
                out.push(row);
            }
        }
        after = page.next;
        if after.is_none() {
            break;
        }
    }
    Ok(out)
}

/// The lines of a structure's word: (procedure, text). An organisation without a territory has none.
///
/// # Errors
/// The database fails.
pub(super) async fn lines(
    service: &Service,
    structure: &str,
    now: DateTime<Utc>,
) -> Result<Vec<(String, String)>, StoreError> {
    let area = unseen::area(service, structure).await?;
    let Some(query) = areas::query(&area) else { return Ok(Vec::new()) };
    let query = Query { between: Some((now - TOLD_WITHIN, now + Duration::days(1))), ..query };
    let mut out = Vec::new();
    for row in of(service, structure, (&area, query), MOST, now).await? {
        let notices = visibility::notices_of(service, None, &row.procedure).await?;
        let value = main_of(&notices).or(notices.last()).and_then(|n| n.notice.estimated_value);
        let amount = value.filter(|v| v.is_finite() && (1.0..1e12).contains(v)).map(|v| euros(v.round() as i64 * 100));
        out.push((row.procedure.clone(), line(&row, amount)));
    }
    Ok(out)
}

/// « à calibrer avant publication : « Réhabilitation de l’école », Ville de Lens, 1 000 000 € ».
#[must_use]
pub fn line(row: &SearchRow, amount: Option<String>) -> String {
    let mut said = vec![format!("à calibrer avant publication : « {} »", short(&row.title, 100))];
    said.extend(Some(short(&row.buyer, 60)).filter(|b| !b.is_empty()));
    said.extend(amount);
    said.join(", ")
}

//! The clauses of a territory, month by month: every provision of what was published there, for pages, tables and programs.

use std::collections::BTreeSet;

use chrono::{DateTime, Months, NaiveDate, TimeZone, Utc};
use chrono_tz::Europe::Paris;
use vigie_domain::service_area::Area;
use vigie_domain::{NoticeKind, Provision};
use vigie_store::StoreError;
use vigie_store::journal::NoticeRow;
use vigie_store::search::{Query, SearchRow};

use crate::areas;
use crate::ingest::search_row::KINDS;
use crate::service::Service;

/// Most rows of one table.
const MAX_ROWS: usize = 5_000;
/// Rows read at a time.
const BATCH: usize = 500;

/// A provision of a procedure of the month.
#[derive(Debug, Clone)]
pub struct Clause {
    pub found: SearchRow,
    /// The notice that says it.
    pub main: NoticeRow,
    pub provision: Provision,
    /// Who won, where that is known.
    pub winners: Vec<String>,
    /// How the procedure stands, in words.
    pub state: &'static str,
}

/// The first moment of so many months and the first after them, in Paris.
#[must_use]
pub fn span(first: NaiveDate, months: u32) -> Option<(DateTime<Utc>, DateTime<Utc>)> {
    let at =
        |day: NaiveDate| Some(Paris.from_local_datetime(&day.and_hms_opt(0, 0, 0)?).earliest()?.with_timezone(&Utc));
    Some((at(first)?, at(first.checked_add_months(Months::new(months))?)?))
}

/// Everything that a query finds, up to a bound.
///
/// # Errors
/// The database fails.
pub async fn all(service: &Service, query: &Query) -> Result<Vec<SearchRow>, StoreError> {
    let now = service.clock.now();
    let mut out: Vec<SearchRow> = Vec::new();
    let mut after: Option<(DateTime<Utc>, String)> = None;
    while out.len() < MAX_ROWS {
        let place = after.as_ref().map(|(at, id)| (*at, id.as_str()));
        let page = service.store.search(query, place, BATCH, now).await?;
        out.extend(page.rows);
        match page.next {
            Some(next) => after = Some(next),
            None => break,
        }
    }
    out.truncate(MAX_ROWS);
    Ok(out)
}

/// Every provision that was published in a month in an area, latest first; an empty area is everywhere.
///
/// # Errors
/// The database fails.
pub async fn of_month(service: &Service, area: &Area, first: NaiveDate) -> Result<Vec<Clause>, StoreError> {
    let now = service.clock.now();
    let query = areas::query(area).unwrap_or_default();
    let query = Query { provisions: KINDS.to_vec(), between: span(first, 1), ..query };
    let mut out = Vec::new();
    for found in all(service, &query).await? {
        let mut notices = service.store.notices_of(&found.procedure).await?;
        notices.retain(|n| n.notice.visibility.is_public());
        if !areas::lets_through(area, &notices) {
            continue;
        }
        let winners: BTreeSet<String> = notices
            .iter()
            .flat_map(|n| &n.assessment.awards)
            .filter(|a| a.outcome.is_award())
            .flat_map(|a| a.winners.clone())
            .collect();
        let partial = |k: NoticeKind| k.is_result() || k == NoticeKind::Cancellation;
        let Some(main) = notices.iter().rev().find(|n| !partial(n.notice.kind)).or(notices.last()) else { continue };
        for provision in &main.assessment.provisions {
            out.push(Clause {
                state: found.state_at(now).label(),
                found: found.clone(),
                main: main.clone(),
                provision: provision.clone(),
                winners: winners.iter().cloned().collect(),
            });
        }
    }
    Ok(out)
}

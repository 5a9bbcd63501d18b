//! BOAMP through its Opendatasoft Explore v2.1 API.
//!
//! The API gives at most 100 records a page and 10,000 in all for one query; a day holds some 400, fills up until the
//! evening and is read again from its start at every poll. A backlog beyond 10,000 is read day by day; a single day
//! beyond it through `exports/json`, which has no such bound. Unchanged pages answer 304.
//!
//! The cursor is `{since, until?, offset}`: days still to read and how far the current query got.

mod fields;
mod legacy;
mod national;
mod parse;

use chrono::{DateTime, Days, NaiveDate, Utc};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use url::Url;
use vigie_config::settings::{self, BlockFault};
use vigie_domain::{Department, Notice};

use super::explore::{Dataset, PAGE, REACH};
use super::{BadRecord, Memory, Page, Polled, PutAside, Source, SourceError, SourceKind, departments, read_json};
use crate::boundary::{self, ReaderFailed};
use crate::fetch::{Answer, Fetcher, Validators};

pub use parse::{ParseError, from_json, from_xml_tree, records};

/// Registry line.
pub const KIND: SourceKind = SourceKind {
    name: "boamp",
    summary: "Bulletin officiel des annonces des marchés publics (API ouverte, Licence Ouverte)",
    default_schedule: settings::BOAMP_SCHEDULE,
    build: |block| Boamp::new(block).map(|s| Box::new(s) as Box<dyn Source>),
};

/// Keys of a block with this reader.
#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct Options {
    /// Days before today that the first poll reads.
    lookback_days: Option<u32>,
    /// Only these départements; none = all.
    departments: Vec<String>,
}

/// The publisher's Opendatasoft host; the dataset's terms are etalab-2.0.
pub const DEFAULT_URL: &str = "https://boamp-datadila.opendatasoft.com/api/explore/v2.1/catalog/datasets/boamp";
/// Oldest first, and always the same way, so that a page means the same at every poll.
const ORDER: &str = "dateparution, idweb";
/// Days the first poll goes back, when the block says nothing.
const LOOKBACK_DAYS: u32 = 3;
/// Days before the latest one that are read again.
const OVERLAP_DAYS: u64 = 1;
/// The first day there may be anything.
const EPOCH: NaiveDate = NaiveDate::from_ymd_opt(2000, 1, 1).expect("a date");

/// The source.
pub struct Boamp {
    dataset: Dataset,
    lookback_days: u32,
    departments: Vec<Department>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Cursor {
    /// First day to read.
    since: NaiveDate,
    /// Last day of the current query, when the backlog is read day by day.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    until: Option<NaiveDate>,
    /// Records of the current query already read.
    #[serde(default)]
    offset: usize,
    /// Latest day seen so far.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    latest: Option<NaiveDate>,
    /// Days of this run still lie ahead of a day-by-day query.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    last_day: Option<NaiveDate>,
}

impl Boamp {
    fn new(block: &settings::Source) -> Result<Self, BlockFault> {
        let options: Options = block.options()?;
        Ok(Self {
            dataset: Dataset::at(block.url_or(DEFAULT_URL)?),
            lookback_days: options.lookback_days.unwrap_or(LOOKBACK_DAYS),
            departments: departments(&options.departments)?,
        })
    }

    fn condition(&self, cursor: &Cursor) -> String {
        let mut parts = vec![match cursor.until {
            Some(day) => format!("dateparution = date'{day}'"),
            None => format!("dateparution >= date'{}'", cursor.since),
        }];
        if !self.departments.is_empty() {
            let list: Vec<String> = self.departments.iter().map(|d| format!("\"{d}\"")).collect();
            parts.push(format!("code_departement in ({})", list.join(", ")));
        }
        parts.join(" and ")
    }

    async fn next_page(&self, fetcher: &Fetcher, memory: &Memory, now: DateTime<Utc>) -> Result<Page, SourceError> {
        let today = crate::zones::paris_day(now);
        let cursor =
            memory.cursor.as_deref().and_then(|c| serde_json::from_str::<Cursor>(c).ok()).unwrap_or_else(|| Cursor {
                since: today.checked_sub_days(Days::new(u64::from(self.lookback_days))).unwrap_or(EPOCH),
                until: None,
                offset: 0,
                latest: None,
                last_day: None,
            });
        let url = self.dataset.records(&self.condition(&cursor), ORDER, cursor.offset);
        let known = memory.validators.get(url.as_str()).cloned().unwrap_or_default();
        let mut page = Page { memory: memory.clone(), ..Page::default() };
        let (count, total) = match fetcher.get(&url, &known, now).await? {
            // Nothing changed on this page: a full page may still have a changed one behind it.
            Answer::NotModified(fresh) => {
                page.not_before = fresh;
                let count = known.records.unwrap_or(0);
                (count, if count == PAGE { usize::MAX } else { 0 })
            }
            Answer::Body(body) => {
                page.not_before = body.fresh_until;
                page.quota = body.quota;
                let answer = read_json(&url, &body.bytes)?;
                let (results, total) = super::explore::results(&url, &answer)?;
                if total > REACH {
                    return self.beyond_reach(fetcher, memory, &cursor, today, now).await;
                }
                add_records(&mut page, results, &url, cursor.offset);
                let mut validators = body.validators;
                validators.records = Some(results.len());
                page.memory.validators.insert(url.to_string(), validators);
                (results.len(), total)
            }
        };
        self.advance(&mut page, cursor, count, total, today);
        Ok(page)
    }

    /// More records than a query can reach: day by day, and a single such day through the export.
    async fn beyond_reach(
        &self,
        fetcher: &Fetcher,
        memory: &Memory,
        cursor: &Cursor,
        today: NaiveDate,
        now: DateTime<Utc>,
    ) -> Result<Page, SourceError> {
        if cursor.until.is_none() {
            let day_by_day = Cursor { until: Some(cursor.since), offset: 0, last_day: Some(today), ..cursor.clone() };
            return Ok(Page {
                memory: Memory { cursor: serialize(&day_by_day), ..memory.clone() },
                more: true,
                remarks: vec![format!("plus de {REACH} annonces depuis le {} : lecture jour par jour", cursor.since)],
                ..Page::default()
            });
        }
        let url = self.dataset.export(&self.condition(cursor), ORDER);
        let Answer::Body(body) = fetcher.get(&url, &Validators::default(), now).await? else {
            return Err(SourceError::Unexpected { url: url.to_string(), what: "réponse vide".into() });
        };
        let answer = read_json(&url, &body.bytes)?;
        let Some(results) = answer.as_array() else {
            return Err(SourceError::Unexpected {
                url: url.to_string(), what: "l’export n’est pas une liste".into()
            });
        };
        let mut page = Page { memory: memory.clone(), not_before: body.fresh_until, ..Page::default() };
        add_records(&mut page, results, &url, 0);
        self.advance(&mut page, cursor.clone(), results.len(), results.len(), today);
        Ok(page)
    }

    /// Moves the cursor past what was read.
    fn advance(&self, page: &mut Page, mut cursor: Cursor, count: usize, total: usize, today: NaiveDate) {
        cursor.latest =
            page.notices.iter().filter_map(|n| n.published).filter(|d| *d <= today).max().max(cursor.latest);
        cursor.offset += count;
        let query_goes_on = count > 0 && cursor.offset < total && cursor.offset + PAGE <= REACH;
        if query_goes_on {
            page.more = true;
        } else if let (Some(day), Some(last)) = (cursor.until, cursor.last_day) {
            cursor.offset = 0;
            match day.checked_add_days(Days::new(1)) {
                Some(next) if next <= last => {
                    cursor.since = next;
                    cursor.until = Some(next);
                    page.more = true;
                }
                _ => cursor = Cursor { since: last, until: None, offset: 0, latest: None, last_day: None },
            }
        } else {
            // The latest day seen is still filling up, and a late record may carry the date of the day before: both are read
            // again next time; unchanged pages cost a 304.
            let latest = cursor.latest.unwrap_or(cursor.since);
            let since = latest.checked_sub_days(Days::new(OVERLAP_DAYS)).unwrap_or(latest).max(cursor.since);
            cursor = Cursor { since, until: None, offset: 0, latest: None, last_day: None };
        }
        if !page.more {
            // Only pages of the days still read are worth remembering.
            let kept = format!("date%27{}%27", cursor.since);
            page.memory.validators.retain(|url, _| url.contains(&kept));
        }
        page.memory.cursor = serialize(&cursor);
    }
}

fn serialize(cursor: &Cursor) -> Option<String> {
    serde_json::to_string(cursor).ok()
}

/// Reads a record; a reader that fails costs that record alone.
fn read_record(record: &Value) -> Result<Notice, ParseError> {
    let failed =
        |e: ReaderFailed| ParseError { record_id: None, field: "enregistrement".to_owned(), what: e.to_string() };
    boundary::read(|| from_json(record)).map_err(failed).flatten()
}

fn add_records(page: &mut Page, results: &[Value], url: &Url, offset: usize) {
    for (i, record) in results.iter().enumerate() {
        match read_record(record) {
            Ok(notice) => page.notices.push(notice),
            Err(e) => page.bad.push(BadRecord {
                record_id: e.record_id.clone(),
                place: format!("{url} enregistrement {}", offset + i + 1),
                reason: e.to_string(),
                raw: serde_json::to_vec(record).unwrap_or_default(),
            }),
        }
    }
}

impl Source for Boamp {
    fn poll<'a>(&'a self, fetcher: &'a Fetcher, memory: &'a Memory, now: DateTime<Utc>) -> Polled<'a> {
        Box::pin(self.next_page(fetcher, memory, now))
    }

    fn again(&self, kept: &PutAside<'_>) -> Option<Page> {
        let read = kept.json().and_then(|record| read_record(&record).map_err(|e| e.to_string()));
        Some(kept.page(read))
    }
}

//! TED, the Official Journal of the EU: search API v3, then each notice's eForms XML.
//!
//! The search gives publication numbers (expert query, ITERATION token); what a notice says is read from its XML, since no
//! search field carries the reservation of execution (BT-736) and most texts. Requests are spaced by the fetcher's gap
//! between requests to one host.
//!
//! The cursor is `{since, token?, read, seen}`: days still to read, where the current run of the search stands, and the
//! notices of those days whose XML was read already. A token that the server no longer knows starts the run again: what
//! was read is not asked for twice. The run ends on a terminal page (empty, or short once the announced total is
//! reached), never on the token alone: it can be non-empty on the page after the last one. A run that ends short of the
//! announced total leaves the days where they are.

use std::collections::BTreeSet;

use chrono::{DateTime, Days, Duration, NaiveDate, Utc};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use url::Url;
use vigie_config::settings::{self, BlockFault};
use vigie_domain::notice::Links;
use vigie_domain::{Cpv, DateKind, Notice, TypedDate};

use super::eforms::NoNotice;
use super::{BadRecord, Memory, Page, Polled, PutAside, Source, SourceError, SourceKind, eforms, read_json};
use crate::fetch::{Answer, FetchError, Fetcher, Payload, Request, Validators};
use crate::tree::{self, first, text};
use crate::zones;

/// Registry line.
pub const KIND: SourceKind = SourceKind {
    name: "ted",
    summary: "Journal officiel de l’Union européenne (TED, API de recherche v3 puis avis eForms)",
    default_schedule: "0 25 7,10,13,17 * * *",
    build: |block| Ted::new(block).map(|s| Box::new(s) as Box<dyn Source>),
};

/// The search API.
const DEFAULT_URL: &str = "https://api.ted.europa.eu/v3/notices/search";
/// Notices a page. The API allows 250; each costs a request for its XML, and a page is committed whole.
const PAGE: usize = 40;
/// Days the first poll goes back, when the block says nothing.
const LOOKBACK_DAYS: u64 = 5;
/// Days before the latest one that are read again.
const OVERLAP_DAYS: u64 = 1;
/// Pause after 429 when the server names none (what clients of this API use).
const PAUSE_S: i64 = 35;
/// Fields asked of the search; enough for a notice whose XML is not there yet.
const FIELDS: &[&str] = &[
    "publication-number",
    "publication-date",
    "notice-title",
    "buyer-name",
    "notice-type",
    "classification-cpv",
    "deadline-receipt-tender-date-lot",
    "links",
];
/// Languages of a text, the first one there is taken (ISO 639-2).
const LANGUAGES: &[&str] = &["fra", "eng"];

/// Keys of a block with this reader.
#[derive(Debug, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct Options {
    /// Expert query, without its dates; by default notices of French buyers.
    query: String,
    /// Days before today that the first poll reads.
    lookback_days: u64,
}

impl Default for Options {
    fn default() -> Self {
        Self { query: "buyer-country IN (FRA)".to_owned(), lookback_days: LOOKBACK_DAYS }
    }
}

#[derive(Debug, Clone, Serialize, Deserialize)]
struct Cursor {
    since: NaiveDate,
    /// The next page of the current run.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    token: Option<String>,
    /// Notices of the current run so far.
    #[serde(default)]
    read: usize,
    /// Latest day seen in the current run.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    latest: Option<NaiveDate>,
    /// Publication numbers of the days from `since` on that were read, with their day.
    #[serde(default)]
    seen: BTreeSet<(NaiveDate, String)>,
}

/// The source.
pub struct Ted {
    url: Url,
    query: String,
    lookback_days: u64,
}

impl Ted {
    fn new(block: &settings::Source) -> Result<Self, BlockFault> {
        let options: Options = block.options()?;
        if options.query.to_uppercase().contains("SORT BY") {
            let fix = "retirez « SORT BY » : la lecture fixe elle-même l’ordre et les dates";
            return Err(BlockFault::at("query", "un ordre de tri dans la requête", fix));
        }
        Ok(Self { url: block.url_or(DEFAULT_URL)?, query: options.query, lookback_days: options.lookback_days })
    }

    fn question(&self, cursor: &Cursor) -> Payload {
        let mut body = json!({
            "query": format!("({}) AND publication-date >= {}", self.query, cursor.since.format("%Y%m%d")),
            "fields": FIELDS,
            "limit": PAGE,
            "scope": "ALL",
            "paginationMode": "ITERATION",
        });
        if let Some(token) = &cursor.token {
            body["iterationNextToken"] = json!(token);
        }
        Payload::Json(body)
    }

    async fn next_page(&self, fetcher: &Fetcher, memory: &Memory, now: DateTime<Utc>) -> Result<Page, SourceError> {
        let today = zones::paris_day(now);
        let mut cursor: Cursor =
            memory.cursor.as_deref().and_then(|c| serde_json::from_str(c).ok()).unwrap_or_else(|| Cursor {
                since: today.checked_sub_days(Days::new(self.lookback_days)).unwrap_or(today),
                token: None,
                read: 0,
                latest: None,
                seen: BTreeSet::new(),
            });
        let request = Request { payload: Some(self.question(&cursor)), ..Request::default() };
        let body = match fetcher.send(&self.url, &request, now).await {
            Ok(Answer::Body(body)) => body,
            Ok(Answer::NotModified(_)) => return Ok(Page { memory: memory.clone(), ..Page::default() }),
            // The server forgot the run: it is begun again, past what was read.
            Err(FetchError::Status { status: 400 | 404 | 500, .. } | FetchError::Gone { .. })
                if cursor.token.is_some() =>
            {
                let again = Cursor { token: None, read: 0, ..cursor };
                let remarks = vec!["la recherche a expiré : elle est reprise depuis son début".to_owned()];
                return Ok(Page { memory: remember(&again), more: true, remarks, ..Page::default() });
            }
            Err(e) => return Err(e.into()),
        };
        let answer = read_json(&self.url, &body.bytes)?;
        let unexpected = |what: &str| SourceError::Unexpected { url: self.url.to_string(), what: what.to_owned() };
        if answer.get("timedOut").and_then(Value::as_bool) == Some(true) {
            return Err(unexpected("la recherche n’a pas abouti à temps (timedOut)"));
        }
        let found =
            answer.get("notices").and_then(Value::as_array).ok_or_else(|| unexpected("pas de liste « notices »"))?;
        let total =
            answer.get("totalNoticeCount").and_then(Value::as_u64).and_then(|n| usize::try_from(n).ok()).unwrap_or(0);
        let mut page = Page { quota: body.quota, ..Page::default() };
        for hit in found {
            self.take(fetcher, hit, &mut cursor, &mut page, now).await?;
        }
        cursor.read += found.len();
        let token = text(&answer, "iterationNextToken");
        let ended = found.is_empty() || (found.len() < PAGE && cursor.read >= total);
        if !ended && token.is_some() {
            page.more = true;
            cursor.token = token;
        } else {
            if cursor.read < total {
                page.remarks.push(format!(
                    "la recherche annonce {total} avis et en a donné {} : ces jours seront relus",
                    cursor.read
                ));
            } else if let Some(latest) = cursor.latest.filter(|d| *d <= today) {
                cursor.since = latest.checked_sub_days(Days::new(OVERLAP_DAYS)).unwrap_or(latest).max(cursor.since);
            }
            cursor.seen = cursor.seen.split_off(&(cursor.since, String::new()));
            cursor = Cursor { token: None, read: 0, latest: None, ..cursor };
        }
        page.memory = remember(&cursor);
        Ok(page)
    }

    /// Reads the notice that a hit of the search names, once.
    async fn take(
        &self,
        fetcher: &Fetcher,
        hit: &Value,
        cursor: &mut Cursor,
        page: &mut Page,
        now: DateTime<Utc>,
    ) -> Result<(), SourceError> {
        let aside = |record_id: Option<String>, reason: String, raw: Vec<u8>| BadRecord {
            record_id,
            place: self.url.to_string(),
            reason,
            raw,
        };
        let raw = || serde_json::to_vec(hit).unwrap_or_default();
        let Some(number) = text(hit, "publication-number").and_then(|n| Links::clean_publication(&n)) else {
            page.bad.push(aside(None, "avis sans numéro de publication".into(), raw()));
            return Ok(());
        };
        let day = text(hit, "publication-date").and_then(|d| zones::day_of(&d)).unwrap_or(cursor.since);
        cursor.latest = Some(day).max(cursor.latest);
        if cursor.seen.contains(&(day, number.clone())) {
            return Ok(());
        }
        let Some(xml) = xml_address(hit).and_then(|u| Url::parse(&u).ok()) else {
            page.notices.extend(summary(hit, &number, day));
            return Ok(());
        };
        // What the search says is told until its document can be had. What became of a procedure only that says.
        let announced = || summary(hit, &number, day).filter(|n| !n.kind.is_result());
        match fetcher.get(&xml, &Validators::default(), now).await {
            Ok(Answer::Body(body)) if !body.bytes.is_empty() => {
                match read_document(&body.bytes) {
                    Ok(notice) => page.notices.push(named(notice, &number, day)),
                    Err(none @ NoNotice::Registration(_)) => page.remarks.push(format!("avis {number} : {none}")),
                    Err(why) => {
                        // A page of maintenance, half a document: put aside, and looked for again as what is not there yet.
                        page.notices.extend(announced());
                        page.bad.push(BadRecord {
                            place: xml.to_string(),
                            ..aside(Some(number), why.to_string(), body.bytes)
                        });
                        return Ok(());
                    }
                }
                cursor.seen.insert((day, number));
                Ok(())
            }
            Err(FetchError::Status { url, status: 429, retry_after }) => {
                let retry_after = retry_after.or(Some(Duration::seconds(PAUSE_S)));
                Err(FetchError::Status { url, status: 429, retry_after }.into())
            }
            // Not there yet (404, 202 without a body, a server's error about this one).
            Ok(_) | Err(FetchError::Status { .. } | FetchError::Gone { .. }) => {
                page.notices.extend(announced());
                Ok(())
            }
            Err(e) => Err(e.into()),
        }
    }
}

/// Reads the document of a notice.
fn read_document(bytes: &[u8]) -> Result<Notice, NoNotice> {
    let read = crate::boundary::read_whole(bytes.len(), || tree::from_xml(bytes))
        .map_err(|e| e.to_string())
        .and_then(|t| t.map_err(|e| e.to_string()));
    read.map_err(NoNotice::Unreadable).and_then(|t| eforms::from_tree(&t))
}

fn remember(cursor: &Cursor) -> Memory {
    Memory { cursor: serde_json::to_string(cursor).ok(), ..Memory::default() }
}

/// `links.xml.MUL`, or the XML in the first language there is.
fn xml_address(hit: &Value) -> Option<String> {
    let xml = first(hit, "links/xml")?;
    text(xml, "MUL").or_else(|| xml.as_object()?.values().find_map(tree::own_text))
}

/// The text of a map by language: `{"fra": "…"}` or `{"fra": ["…"]}`.
fn in_french(hit: &Value, field: &str) -> Option<String> {
    let map = hit.get(field)?;
    let listed = LANGUAGES.iter().find_map(|l| text(map, l));
    listed.or_else(|| map.as_object()?.values().find_map(|v| tree::all(v, "").into_iter().find_map(tree::own_text)))
}

fn named(mut notice: Notice, number: &str, day: NaiveDate) -> Notice {
    notice.record_id = number.to_owned();
    notice.published = Some(day);
    notice.url = Some(format!("https://ted.europa.eu/fr/notice/-/detail/{number}"));
    if !notice.links.publications.iter().any(|p| p == number) {
        notice.links.publications.push(number.to_owned());
    }
    notice
}

/// What the search alone tells of a notice whose XML cannot be had.
fn summary(hit: &Value, number: &str, day: NaiveDate) -> Option<Notice> {
    let form = text(hit, "notice-type").unwrap_or_default();
    let mut notice = Notice::new("ted", number, eforms::kind_of_type(&form)?);
    notice.title = in_french(hit, "notice-title")?;
    notice.buyer.name = in_french(hit, "buyer-name").unwrap_or_default();
    notice.above_eu_threshold = true;
    for code in
        tree::all(hit, "classification-cpv").into_iter().filter_map(tree::own_text).filter_map(|c| Cpv::parse(&c))
    {
        if !notice.cpv.contains(&code) {
            notice.cpv.push(code);
        }
    }
    let field = "deadline-receipt-tender-date-lot";
    let written = tree::all(hit, field).into_iter().find_map(tree::own_text);
    if let Some(read) = written.and_then(|d| zones::deadline(&d, chrono_tz::Europe::Paris)) {
        notice.dates.push(TypedDate::of_field(DateKind::Tender, read, field));
    }
    Some(named(notice, number, day))
}

impl Source for Ted {
    fn poll<'a>(&'a self, fetcher: &'a Fetcher, memory: &'a Memory, now: DateTime<Utc>) -> Polled<'a> {
        Box::pin(self.next_page(fetcher, memory, now))
    }

    fn again(&self, kept: &PutAside<'_>) -> Option<Page> {
        let Some(number) = kept.record_id else {
            return Some(kept.unreadable("avis sans numéro de publication".to_owned()));
        };
        match read_document(kept.raw) {
            Ok(notice) => {
                // The document of before its publication names no day.
                let day = notice.published.unwrap_or_else(|| zones::paris_day(kept.at));
                Some(kept.page(Ok(named(notice, number, day))))
            }
            Err(none @ NoNotice::Registration(_)) => {
                Some(Page { remarks: vec![format!("avis {number} : {none}")], ..Page::default() })
            }
            Err(why) => Some(kept.unreadable(why.to_string())),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_notice_without_its_document_is_told_from_the_search() {
        let hit = json!({"publication-number": "00123456-2026", "publication-date": "2026-11-20+01:00", "notice-type": "cn-standard",
            "notice-title": {"eng": "Cleaning", "fra": "Nettoyage des locaux"}, "buyer-name": {"fra": ["Ville de Lille"]},
            "classification-cpv": ["90910000", "90910000"], "deadline-receipt-tender-date-lot": ["2027-01-12+01:00"]});
        let notice = summary(&hit, "123456-2026", NaiveDate::from_ymd_opt(2026, 11, 20).unwrap()).unwrap();
        assert_eq!((notice.title.as_str(), notice.buyer.name.as_str()), ("Nettoyage des locaux", "Ville de Lille"));
        assert_eq!(notice.cpv.len(), 1);
        assert!(!notice.dates[0].has_time);
        assert_eq!(notice.links.publications, ["123456-2026"]);
    }

    #[test]
    fn an_order_in_the_query_is_refused() {
        let block = settings::Source::new("ted", "ted", None, settings::Baseline::Quiet)
            .with("query", "FT ~ \"x\" SORT BY PD DESC");
        assert!(Ted::new(&block).is_err());
    }
}

//! DECP: essential data of public contracts, once awarded: who won, how much, for how long, with which social
//! considerations (Code de la commande publique, art. L2196-2; arrêté du 22 décembre 2022).
//!
//! Polled from the consolidated table of data.gouv.fr through its tabular API, whose rows are one winner each, or from the file that a
//! buyer's profile publishes in the official JSON shape (`official.rs`), which alone tells of subcontracts. An award that says "NC"
//! says nothing.
//!
//! A file is read whole whenever it changed. Of the table, the cursor is `{since, page}`: rows published since a day, oldest first, page by page. The last day is read again at
//! the next poll, since the table is rebuilt every working day.

mod official;
mod tabular;

use chrono::{DateTime, Days, NaiveDate, Utc};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use url::Url;
use vigie_config::settings::{self, BlockFault};
use vigie_domain::{Department, Notice};

use super::{Memory, Page, Polled, PutAside, Source, SourceError, SourceKind, departments, read_json};
use crate::classify::fold::fold;
use crate::classify::numbers::lot_mentions;
use crate::fetch::{Answer, Fetcher};

pub use official::from_tree;

/// Registry line.
pub const KIND: SourceKind = SourceKind {
    name: "decp",
    summary: "Données essentielles des marchés attribués (table consolidée de data.gouv.fr)",
    default_schedule: "0 10 7 * * *",
    build: |block| Decp::new(block).map(|s| Box::new(s) as Box<dyn Source>),
};

/// The consolidated table.
const DEFAULT_URL: &str = "https://tabular-api.data.gouv.fr/api/resources/22847056-61df-452d-837d-8b8ceadbfc52/data/";
/// Rows a page (the largest that the API's own defaults allow).
const PAGE: usize = 50;
/// Days the first poll goes back: data may come up to two months after the notification.
const LOOKBACK_DAYS: u64 = 7;
/// Values that stand for "nothing".
const NOTHING: &[&str] = &["NC", "CDL", "Sans objet", "INX None", "MQ", "N/A", "null", "None"];

/// Whether a value says something.
pub(super) fn says(text: &str) -> bool {
    !text.is_empty() && !NOTHING.iter().any(|n| n.eq_ignore_ascii_case(text))
}

/// Whether a technique of purchase is a framework agreement: its amount is a maximum.
pub(super) fn is_framework(technique: &str) -> bool {
    technique.to_lowercase().contains("accord-cadre")
}

/// A day as both shapes write it.
pub(super) fn day(text: &str) -> Option<NaiveDate> {
    crate::zones::day_of(text)
}

/// The lot that a contract is of, where its object names one: a procedure makes as many contracts as it has lots awarded.
pub(super) fn lot_of(object: &str) -> Option<String> {
    let mut lots: Vec<String> = lot_mentions(&fold(object)).into_iter().flat_map(|m| m.lots).collect();
    lots.dedup();
    lots.pop().filter(|_| lots.is_empty())
}

/// Keys of a block with this reader.
#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct Options {
    /// Only contracts carried out in these départements; none = all.
    departments: Vec<String>,
    /// Only contracts with a social consideration.
    only_social: bool,
    /// Days before today that the first poll reads; of the table alone.
    lookback_days: Option<u64>,
    /// In which shape they come.
    format: Format,
}

/// In which shape essential data come.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Format {
    /// The consolidated table.
    #[default]
    Table,
    /// A file of a buyer's profile, in the official shape (arrêté du 22 décembre 2022).
    Official,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
struct Cursor {
    since: NaiveDate,
    page: usize,
    /// Latest day seen.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    latest: Option<NaiveDate>,
    /// Rows of a contract that the page before began and may not have ended.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    open: Vec<Value>,
}

impl Cursor {
    /// From the first page on, with the latest day again.
    fn next_run(&self) -> Self {
        Self { since: self.latest.unwrap_or(self.since), page: 1, latest: None, open: Vec::new() }
    }
}

/// A contract under the identifier that the consolidated table gives it: its buyer's number before its own, which is one of that buyer
/// alone.
fn of_its_buyer(mut notice: Notice) -> Notice {
    if let Some(siret) = &notice.buyer.siret
        && !notice.record_id.starts_with(siret.as_str())
    {
        notice.record_id = format!("{siret}{}", notice.record_id);
    }
    notice
}

/// The source.
pub struct Decp {
    url: Url,
    departments: Vec<Department>,
    only_social: bool,
    lookback_days: u64,
    format: Format,
}

impl Decp {
    fn new(block: &settings::Source) -> Result<Self, BlockFault> {
        let options: Options = block.options()?;
        Ok(Self {
            url: match options.format {
                Format::Table => block.url_or(DEFAULT_URL)?,
                Format::Official => block.needed_url()?,
            },
            departments: departments(&options.departments)?,
            only_social: options.only_social,
            lookback_days: options.lookback_days.unwrap_or(LOOKBACK_DAYS),
            format: options.format,
        })
    }

    fn page_url(&self, cursor: &Cursor) -> Url {
        let mut url = self.url.clone();
        url.query_pairs_mut()
            .append_pair("donneesActuelles__exact", "true")
            .append_pair("datePublicationDonnees__greater", &cursor.since.to_string())
            .append_pair("datePublicationDonnees__sort", "asc")
            .append_pair("uid__sort", "asc")
            .append_pair("page", &cursor.page.to_string())
            .append_pair("page_size", &PAGE.to_string());
        url
    }

    fn wanted(&self, notice: &Notice) -> bool {
        // A contract that names no place may be carried out here.
        let here = self.departments.is_empty()
            || notice.departments.is_empty()
            || notice.departments.iter().any(|d| self.departments.contains(d));
        here && (!self.only_social || !notice.codes.is_empty())
    }

    /// The file of a buyer's profile, where it changed.
    async fn whole_file(&self, fetcher: &Fetcher, memory: &Memory, now: DateTime<Utc>) -> Result<Page, SourceError> {
        let mut page = Page { memory: memory.clone(), ..Page::default() };
        let known = memory.validators.get(self.url.as_str()).cloned().unwrap_or_default();
        match fetcher.get(&self.url, &known, now).await? {
            Answer::NotModified(fresh) => page.not_before = fresh,
            Answer::Body(body) => {
                let tree = read_json(&self.url, &body.bytes)?;
                if tree.pointer("/marches").or(tree.get("marche")).or(tree.get("contrat-concession")).is_none() {
                    let what = "pas de « marches » dans ce fichier de données essentielles".to_owned();
                    return Err(SourceError::Unexpected { url: self.url.to_string(), what });
                }
                page.notices = from_tree(&tree).into_iter().filter(|n| self.wanted(n)).map(of_its_buyer).collect();
                (page.not_before, page.quota) = (body.fresh_until, body.quota);
                page.memory.validators.insert(self.url.to_string(), body.validators);
            }
        }
        Ok(page)
    }

    async fn next_page(&self, fetcher: &Fetcher, memory: &Memory, now: DateTime<Utc>) -> Result<Page, SourceError> {
        let today = crate::zones::paris_day(now);
        let mut cursor: Cursor =
            memory.cursor.as_deref().and_then(|c| serde_json::from_str(c).ok()).unwrap_or_else(|| Cursor {
                since: today.checked_sub_days(Days::new(self.lookback_days)).unwrap_or(today),
                page: 1,
                latest: None,
                open: Vec::new(),
            });
        let url = self.page_url(&cursor);
        let known = memory.validators.get(url.as_str()).cloned().unwrap_or_default();
        // The rows that a page leaves open are needed by the next one: only the last page may come as "unchanged".
        let last_page_known = known.records.is_some_and(|n| n < PAGE);
        let known = if last_page_known { known } else { crate::fetch::Validators::default() };
        let mut page = Page { memory: memory.clone(), ..Page::default() };
        let body = match fetcher.get(&url, &known, now).await? {
            // The last page is as it was read before: the run ends here, as it did then.
            Answer::NotModified(fresh) => {
                page.not_before = fresh;
                page.memory.cursor = serde_json::to_string(&cursor.next_run()).ok();
                return Ok(page);
            }
            Answer::Body(body) => body,
        };
        page.not_before = body.fresh_until;
        page.quota = body.quota;
        let answer = read_json(&url, &body.bytes)?;
        let Some(rows) = answer.get("data").and_then(Value::as_array) else {
            let what = "pas de liste « data » dans la réponse".to_owned();
            return Err(SourceError::Unexpected { url: url.to_string(), what });
        };
        let total = answer.pointer("/meta/total").and_then(Value::as_u64).and_then(|n| usize::try_from(n).ok());
        page.more = rows.len() == PAGE && total.is_none_or(|t| cursor.page * PAGE < t);
        let mut all = std::mem::take(&mut cursor.open);
        all.extend(rows.iter().cloned());
        if page.more {
            cursor.open = tabular::last_contract(&all);
            all.truncate(all.len() - cursor.open.len());
        }
        let (notices, bad) = tabular::contracts(&all, &url);
        cursor.latest = notices.iter().filter_map(tabular::published).filter(|d| *d <= today).max().max(cursor.latest);
        page.notices = notices.into_iter().map(|c| c.notice).filter(|n| self.wanted(n)).collect();
        page.bad = bad;
        let mut validators = body.validators;
        validators.records = Some(rows.len());
        if page.more {
            cursor.page += 1;
        } else {
            cursor = cursor.next_run();
        }
        let kept = format!("greater={}", cursor.since);
        page.memory.validators.retain(|u, _| u.contains(&kept));
        page.memory.validators.insert(url.to_string(), validators);
        page.memory.cursor = serde_json::to_string(&cursor).ok();
        Ok(page)
    }
}

impl Source for Decp {
    fn poll<'a>(&'a self, fetcher: &'a Fetcher, memory: &'a Memory, now: DateTime<Utc>) -> Polled<'a> {
        Box::pin(async move {
            match self.format {
                Format::Table => self.next_page(fetcher, memory, now).await,
                Format::Official => self.whole_file(fetcher, memory, now).await,
            }
        })
    }

    fn again(&self, kept: &PutAside<'_>) -> Option<Page> {
        let row = match kept.json() {
            Ok(row) => row,
            Err(reason) => return Some(kept.unreadable(reason)),
        };
        let (contracts, bad) = tabular::contracts(&[row], &self.url);
        let notices = contracts.into_iter().map(|c| c.notice).filter(|n| self.wanted(n)).collect();
        Some(Page { notices, bad, ..Page::default() })
    }
}

#[cfg(test)]
mod tests {
    use super::lot_of;

    #[test]
    fn a_contract_is_of_the_lot_that_its_object_names() {
        assert_eq!(lot_of("Nettoyage des écoles - Lot n° 2 : vitrerie").as_deref(), Some("2"));
        assert_eq!(lot_of("Nettoyage des écoles"), None);
        assert_eq!(lot_of("Nettoyage, lots 1 et 3"), None, "several: of the whole");
    }
}

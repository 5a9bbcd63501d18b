//! Sources: one folder each, and the registry.
//!
//! A source is `poll` (what to ask next, given a cursor) and a pure parser. The contract that each one passes
//! (`compliance` in its tests): the identity of a record is stable; polling again from the same cursor gives the same
//! records; a bad record is quarantined with its bytes and the page goes on; limits are obeyed.

pub mod approch;
pub mod boamp;
pub mod decp;
pub mod eforms;
mod explore;
mod extract;
pub mod feed;
pub mod mailbox;
pub mod portal;
pub mod ted;

use std::collections::BTreeMap;
use std::future::Future;
use std::pin::Pin;

use chrono::{DateTime, Utc};
use futures_util::FutureExt;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use url::Url;
use vigie_config::load::Reader;
use vigie_config::settings::{self, BlockFault};
use vigie_domain::{Department, Notice, Visibility, french, json};

use crate::boundary::{self, ReaderFailed};
use crate::fetch::{FetchError, Fetcher, Validators};
use crate::tree;

/// A kind of source: what the registry knows of it.
pub struct SourceKind {
    /// The word in `kind = "…"`.
    pub name: &'static str,
    /// What it reads, in French, for `vigie sources list`.
    pub summary: &'static str,
    /// Cron expression used when the block gives none.
    pub default_schedule: &'static str,
    /// Makes a source out of its block of configuration.
    pub build: fn(&settings::Source) -> Result<Box<dyn Source>, BlockFault>,
}

/// Longest title or name of a notice, and longest text in all, in bytes: several times those of the longest notices published. What
/// is judged is judged in turn, and what is longer would keep others from theirs.
const MAX_NAME: usize = 4 * 1024;
const MAX_TEXT: usize = 512 * 1024;

/// Every kind of source of this build: one line each.
pub const REGISTRY: &[SourceKind] =
    &[boamp::KIND, ted::KIND, approch::KIND, decp::KIND, portal::KIND, mailbox::KIND, feed::KIND];

/// The kind of that name.
#[must_use]
pub fn kind(name: &str) -> Option<&'static SourceKind> {
    REGISTRY.iter().find(|k| k.name == name)
}

/// What the settings file needs to know of every kind.
#[must_use]
pub fn readers() -> Vec<Reader> {
    REGISTRY
        .iter()
        .map(|kind| Reader { name: kind.name, check: Box::new(|block| (kind.build)(block).map(drop)) })
        .collect()
}

/// Départements written in a block.
fn departments(written: &[String]) -> Result<Vec<Department>, BlockFault> {
    let mut out = Vec::new();
    for (i, text) in written.iter().enumerate() {
        let meant = Department::written(text);
        if meant.is_empty() {
            return Err(BlockFault::at(
                &format!("departments.{i}"),
                format!("département inconnu « {text} »"),
                "écrivez un code INSEE, par exemple \"59\", \"2A\" ou \"974\"",
            ));
        }
        out.extend(meant);
    }
    Ok(out)
}

/// Reads a JSON answer, and says in words what came instead of one.
fn read_json(url: &Url, bytes: &[u8]) -> Result<Value, SourceError> {
    let unexpected = |what: String| SourceError::Unexpected { url: url.to_string(), what };
    tree::check_json(bytes).map_err(|e| unexpected(e.to_string()))?;
    let read = boundary::read_whole(bytes.len(), || tree::from_json(bytes));
    read.map_err(|e| SourceError::unreadable(url, &e))?.map_err(|e: serde_json::Error| {
        let start = String::from_utf8_lossy(&bytes[..bytes.len().min(80)]).trim_start().to_lowercase();
        let what = if start.starts_with("<!doctype") || start.starts_with("<html") {
            "une page HTML au lieu de JSON (service en maintenance ?)".to_owned()
        } else if e.is_eof() {
            format!("JSON tronqué après {} octets", bytes.len())
        } else {
            format!("JSON illisible : {}", json::in_french(&e.to_string()))
        };
        unexpected(what)
    })
}

/// What a source remembers between polls; kept by the caller, committed after each page.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Memory {
    /// Where to go on, in the source's own terms.
    #[serde(default)]
    pub cursor: Option<String>,
    /// HTTP validators by URL.
    #[serde(default)]
    pub validators: BTreeMap<String, Validators>,
}

/// A record that could not be read. Its bytes are kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BadRecord {
    /// Its identifier, when it has one.
    pub record_id: Option<String>,
    /// Where it stood: URL and position.
    pub place: String,
    /// What was wrong, in French.
    pub reason: String,
    /// As it came.
    pub raw: Vec<u8>,
}

/// A record that was put aside, to be read again.
#[derive(Debug, Clone, Copy)]
pub struct PutAside<'a> {
    /// Its identifier, when it has one.
    pub record_id: Option<&'a str>,
    /// Where it stood.
    pub place: &'a str,
    /// As it came.
    pub raw: &'a [u8],
    /// When it was put aside.
    pub at: DateTime<Utc>,
}

impl PutAside<'_> {
    /// A page of which this record still cannot be read.
    fn unreadable(&self, reason: String) -> Page {
        let bad = BadRecord {
            record_id: self.record_id.map(str::to_owned),
            place: self.place.to_owned(),
            reason,
            raw: self.raw.to_vec(),
        };
        Page { bad: vec![bad], ..Page::default() }
    }

    /// It is a notice, or cannot be read.
    fn page(&self, read: Result<Notice, String>) -> Page {
        match read {
            Ok(notice) => Page { notices: vec![notice], ..Page::default() },
            Err(reason) => self.unreadable(reason),
        }
    }

    /// The record of a source that keeps its records as JSON.
    fn json(&self) -> Result<Value, String> {
        tree::check_json(self.raw).map_err(|e| e.to_string())?;
        tree::from_json(self.raw).map_err(|e| match e.is_eof() {
            true => format!("JSON tronqué après {} octets", self.raw.len()),
            false => format!("JSON illisible à la colonne {}", e.column()),
        })
    }
}

/// One page of records.
#[derive(Debug, Default)]
pub struct Page {
    /// Notices read.
    pub notices: Vec<Notice>,
    /// Records that say what they said when they were read before, where the reader knows: they are not among the notices.
    pub unchanged: usize,
    /// Records that could not be read.
    pub bad: Vec<BadRecord>,
    /// What to remember once the page is committed.
    pub memory: Memory,
    /// More pages follow at once.
    pub more: bool,
    /// Not before: the server asked for a pause (max-age, ttl, Retry-After).
    pub not_before: Option<DateTime<Utc>>,
    /// Remarks worth a log line.
    pub remarks: Vec<String>,
    /// Requests left today, out of how many, where the server says so.
    pub quota: Option<(u64, u64)>,
    /// What each selector of a declared page found, for `vigie sources test`.
    pub selectors: Vec<SelectorReport>,
}

/// What one selector or pointer of a declared page found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SelectorReport {
    /// Name of the field it serves.
    pub field: String,
    /// The selector, as written.
    pub selector: String,
    /// Items in which it found something, out of how many.
    pub found: (usize, usize),
    /// The first thing found.
    pub sample: String,
}

/// What kind of trouble a source is in: decides what the operator is told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Trouble {
    /// The network, or a server that answers badly.
    Unreachable,
    /// The page no longer fits its selectors.
    Structure,
    /// The account is refused, or its secret is missing.
    Login,
    /// The day's quota is spent, or nearly.
    Quota,
}

impl Trouble {
    /// The word kept in the database.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Unreachable => "unreachable",
            Self::Structure => "structure",
            Self::Login => "login",
            Self::Quota => "quota",
        }
    }

    /// The trouble of that word.
    #[must_use]
    pub fn parse(word: &str) -> Option<Self> {
        [Self::Unreachable, Self::Structure, Self::Login, Self::Quota].into_iter().find(|t| t.as_str() == word)
    }
}

/// Why a poll failed as a whole.
#[derive(Debug, thiserror::Error)]
pub enum SourceError {
    /// The network or the server.
    #[error(transparent)]
    Fetch(#[from] FetchError),
    /// The answer is not what this source publishes.
    #[error("{url} : {what}")]
    Unexpected {
        /// The address asked.
        url: String,
        /// What came instead.
        what: String,
    },
    /// A declared page no longer fits its selectors. Nothing of it was taken as seen.
    #[error("{url} : la page a changé de structure : {what} (sélecteur {selector})")]
    Structure {
        /// The address asked.
        url: String,
        /// The selector that failed, with the key that holds it.
        selector: String,
        /// What was expected of it.
        what: String,
    },
    /// The account is refused.
    #[error("{place} : connexion refusée : {what}")]
    Login {
        /// The address of the server.
        place: String,
        /// Why.
        what: String,
    },
}

impl SourceError {
    /// The pause that the server asked for, if it did.
    #[must_use]
    pub fn retry_after(&self) -> Option<chrono::Duration> {
        match self {
            Self::Fetch(e) => e.retry_after(),
            _ => None,
        }
    }

    /// What kind of trouble this is.
    #[must_use]
    pub fn trouble(&self) -> Trouble {
        match self {
            Self::Structure { .. } => Trouble::Structure,
            Self::Login { .. } => Trouble::Login,
            Self::Fetch(FetchError::Status { status: 429, .. }) => Trouble::Quota,
            Self::Fetch(_) | Self::Unexpected { .. } => Trouble::Unreachable,
        }
    }
}

impl SourceError {
    /// A reader failed on what this address gave.
    fn unreadable(url: &Url, why: &ReaderFailed) -> Self {
        Self::Unexpected { url: url.to_string(), what: why.to_string() }
    }
}

/// Asks a source for one page. A reader that panics is the source's error, as is any other.
///
/// # Errors
/// The source fails.
pub async fn poll(
    source: &dyn Source,
    fetcher: &Fetcher,
    memory: &Memory,
    now: DateTime<Utc>,
) -> Result<Page, SourceError> {
    let polled = std::panic::AssertUnwindSafe(source.poll(fetcher, memory, now)).catch_unwind().await;
    polled.map(|page| page.map(Page::within_bounds)).unwrap_or_else(|panic| {
        let what = crate::boundary::failed(panic.as_ref()).to_string();
        Err(SourceError::Unexpected { url: "source".to_owned(), what })
    })
}

/// Reads one record again that a source put aside, off the async threads; `None` where its records are read with their page alone.
/// A reader that panics leaves the record unreadable.
#[must_use]
pub fn again(source: &dyn Source, kept: &PutAside<'_>) -> Option<Page> {
    match boundary::read(|| source.again(kept)) {
        Ok(page) => page.map(Page::within_bounds),
        Err(failed) => Some(kept.unreadable(failed.to_string())),
    }
}

impl Page {
    /// Its notices without what nobody sees or may see, and no longer than any notice is.
    fn within_bounds(mut self) -> Self {
        let mut cut = 0;
        for notice in &mut self.notices {
            notice.clean_texts();
            cut += usize::from(notice.cut_texts(MAX_NAME, MAX_TEXT));
        }
        if cut > 0 {
            let cut = french::counted(cut, "avis plus long", "avis plus longs");
            self.remarks.push(format!("{cut} que tout avis réel : la fin n’est pas lue"));
        }
        self
    }
}

/// A boxed future of one page.
pub type Polled<'a> = Pin<Box<dyn Future<Output = Result<Page, SourceError>> + Send + 'a>>;

/// Something that publishes notices.
pub trait Source: Send + Sync {
    /// Asks for one page, from what was remembered.
    fn poll<'a>(&'a self, fetcher: &'a Fetcher, memory: &'a Memory, now: DateTime<Utc>) -> Polled<'a>;

    /// Reads one record again that was put aside; `None` where a record is read with its page alone.
    fn again(&self, _kept: &PutAside<'_>) -> Option<Page> {
        None
    }

    /// Who may see what it brings, where the block does not say.
    fn visibility(&self) -> Visibility {
        Visibility::Public
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_kind_has_its_own_name_and_stands_in_the_example() {
        let mut names: Vec<&str> = REGISTRY.iter().map(|k| k.name).collect();
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), REGISTRY.len());
        for kind in REGISTRY {
            assert!(vigie_config::EXAMPLE.contains(&format!("kind = \"{}\"", kind.name)), "{}", kind.name);
        }
    }

    /// A password that a publisher left in an address was shown to everybody, wherever it stood but in the link of a feed.
    #[test]
    fn no_text_and_no_address_of_a_notice_tells_an_account() {
        use vigie_domain::{Lot, NoticeKind, Passage};
        let with = "Voir https://moi:secret@p.example/1";
        let mut notice = Notice::new("essai", "1", NoticeKind::Call);
        notice.title = with.to_owned();
        notice.buyer.name = "http://secret@p.example".to_owned();
        notice.lots = vec![Lot { id: "1".to_owned(), title: with.to_owned(), ..Lot::default() }];
        notice.passages = vec![Passage { field: "objet".to_owned(), lot: None, text: with.to_owned() }];
        notice.url = Some("https://moi:secret@p.example/1".to_owned());
        notice.documents_url = Some("ftp://:secret@p.example/dce.zip".to_owned());
        let page = Page { notices: vec![notice], ..Page::default() }.within_bounds();
        let notice = &page.notices[0];
        assert_eq!(notice.url.as_deref(), Some("https://p.example/1"));
        assert_eq!(notice.documents_url.as_deref(), Some("ftp://p.example/dce.zip"));
        assert_eq!(notice.passages[0].text, "Voir https://p.example/1");
        let kept = serde_json::to_string(notice).unwrap();
        assert!(!kept.contains("secret"), "{kept}");
    }

    #[test]
    fn a_record_that_was_put_aside_is_read_as_its_source_reads_now() {
        let source = |kind: &str, url: Option<&str>| {
            let block = settings::Source::new("essai", kind, url, settings::Baseline::Quiet);
            (super::kind(kind).unwrap().build)(&block).unwrap()
        };
        let at = DateTime::from_timestamp(1_795_000_000, 0).unwrap();
        let again = |source: &dyn Source, raw: &[u8], record_id: Option<&str>| {
            again(source, &PutAside { record_id, place: "ici", raw, at })
        };
        let read = |page: Option<Page>| {
            let page = page.expect("its records are read one by one");
            let names: Vec<String> = page.notices.into_iter().map(|n| n.record_id).collect();
            (names, page.bad.into_iter().map(|b| b.reason).collect::<Vec<_>>().join(" ; "))
        };
        let approch = source("approch", None);
        let whole = br#"{"code": "P-1", "libelle": "Entretien du linge"}"#;
        assert_eq!(read(again(&*approch, whole, None)), (vec!["P-1".to_owned()], String::new()));
        let decp = source("decp", None);
        assert_eq!(read(again(&*decp, br#"{"uid": "U-1", "objet": "Nettoyage"}"#, None)).0, ["U-1"]);
        let ted = source("ted", None);
        assert!(read(again(&*ted, b"<html>maintenance</html>", Some("1-2026"))).1.contains(' '));
        assert!(read(again(&*ted, b"{}", None)).1.contains("publication"));
        let boamp = source("boamp", None);
        for source in [&approch, &decp, &boamp] {
            let (names, why) = read(again(&**source, b"{\"a\":", Some("7")));
            assert!(names.is_empty() && why.contains("JSON"), "{why}");
            assert!(!read(again(&**source, b"{}", None)).1.is_empty(), "one that says nothing is none");
        }
        let feed = source("feed", Some("https://mairie.example/rss"));
        assert!(again(&*feed, b"<item/>", None).is_none(), "a feed is read with its page");
    }

    #[test]
    fn the_example_file_is_accepted_as_it_stands() {
        let path = std::path::Path::new("vigie.example.toml");
        let settings = vigie_config::load::parse(vigie_config::EXAMPLE, path, &readers());
        assert!(settings.is_ok(), "{settings:?}");
    }
}

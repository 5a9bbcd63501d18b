//! Sources: one folder each, and the registry.
//!
//! A source is `poll` (what to ask next, given a cursor) and a pure parser. The contract that each one passes
//! (`compliance` in its tests): the identity of a record is stable; polling again from the same cursor gives the same
//! records; a bad record is quarantined with its bytes and the page goes on; limits are obeyed.

pub mod boamp;
pub mod decp;
pub mod eforms;
pub mod feed;

use std::collections::BTreeMap;
use std::future::Future;
use std::pin::Pin;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use vigie_config::settings;
use vigie_domain::Notice;

use crate::fetch::{FetchError, Fetcher, Validators};

/// A kind of source: what the registry knows of it.
pub struct SourceKind {
    /// The word in `kind = "…"`.
    pub name: &'static str,
    /// What it reads, in French, for `vigie sources list`.
    pub summary: &'static str,
    /// Cron expression used when the block gives none.
    pub default_schedule: &'static str,
    /// Makes a source out of its block of configuration.
    pub build: fn(&settings::Source) -> Result<Box<dyn Source>, String>,
}

/// Every kind of source of this build: one line each.
pub const REGISTRY: &[SourceKind] = &[boamp::KIND, feed::KIND];

/// The kind of that name.
#[must_use]
pub fn kind(name: &str) -> Option<&'static SourceKind> {
    REGISTRY.iter().find(|k| k.name == name)
}

/// Names of all kinds.
#[must_use]
pub fn kind_names() -> Vec<&'static str> {
    REGISTRY.iter().map(|k| k.name).collect()
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

/// One page of records.
#[derive(Debug, Default)]
pub struct Page {
    /// Notices read.
    pub notices: Vec<Notice>,
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
}

impl SourceError {
    /// The pause that the server asked for, if it did.
    #[must_use]
    pub fn retry_after(&self) -> Option<chrono::Duration> {
        match self {
            Self::Fetch(e) => e.retry_after(),
            Self::Unexpected { .. } => None,
        }
    }
}

/// A boxed future of one page.
pub type Polled<'a> = Pin<Box<dyn Future<Output = Result<Page, SourceError>> + Send + 'a>>;

/// Something that publishes notices.
pub trait Source: Send + Sync {
    /// Asks for one page, from what was remembered.
    fn poll<'a>(&'a self, fetcher: &'a Fetcher, memory: &'a Memory, now: DateTime<Utc>) -> Polled<'a>;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_kind_has_its_own_name_and_stands_in_the_example() {
        let mut names = kind_names();
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), REGISTRY.len());
        for kind in REGISTRY {
            assert!(vigie_config::EXAMPLE.contains(&format!("kind = \"{}\"", kind.name)), "{}", kind.name);
        }
    }
}

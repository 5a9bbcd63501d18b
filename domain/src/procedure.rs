//! One procedure out of many notices: the keys that join them, and the order of what they state.
//!
//! The keys are statements: a shared contract folder, a link by record id, the buyer's own reference together with the
//! buyer's SIRET, the notice's own page (between sources alone). Within one source nothing else joins two notices, since an
//! annual re-tender looks alike; calls of different sources are also joined by likeness, which the watcher judges
//! (`docs/decisions/0004-likeness.md`).

use std::cmp::Ordering;

use chrono::{DateTime, FixedOffset, NaiveDate};
use serde::{Deserialize, Serialize};

use crate::Notice;
pub use crate::snapshot::{Change, Snapshot, Status, changes};

/// Keys under which a notice finds its procedure, strongest first. Two notices that share a key are one procedure.
#[must_use]
pub fn keys(notice: &Notice) -> Vec<String> {
    let mut keys = Vec::new();
    if let Some(folder) = &notice.links.contract_folder {
        keys.push(format!("folder:{}", folder.to_ascii_lowercase()));
    }
    for number in &notice.links.publications {
        keys.push(format!("publication:{number}"));
    }
    keys.push(record_key(notice, &notice.record_id));
    keys.extend(notice.links.earlier.iter().map(|earlier| record_key(notice, earlier)));
    if let (Some(siret), Some(reference)) = (&notice.buyer.siret, &notice.links.buyer_reference) {
        let reference: String = reference.to_lowercase().split_whitespace().collect();
        // A short reference ("2024", "1") is a year or a counter that the buyer uses again.
        if reference.chars().count() >= 6 && reference.chars().any(|c| c.is_ascii_digit()) {
            keys.push(format!("reference:{siret}:{reference}"));
        }
    }
    keys.extend(notice.links.page.as_deref().map(page_key));
    keys
}

/// The key of a record of a notice's source.
#[must_use]
pub fn record_key(notice: &Notice, record: &str) -> String {
    format!("record:{}:{record}", notice.source)
}

/// The key of a notice's own page, by its address in its one spelling.
#[must_use]
pub fn page_key(page: &str) -> String {
    format!("{PAGE}{page}")
}

/// Begins the key of a page.
const PAGE: &str = "page:";

/// Whether a key is the buyer's own reference: a relaunch may bear it again.
#[must_use]
pub fn is_reference(key: &str) -> bool {
    key.starts_with("reference:")
}

/// Whether a key is the address of a page: the weakest, since a site may show another notice there some day.
#[must_use]
pub fn is_page(key: &str) -> bool {
    key.starts_with(PAGE)
}

/// What a notice says of itself, by which two statements about one procedure are put in order: whichever arrives last, the one
/// that was issued last counts.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Statement {
    /// Names under which the notice is known: `source:record`, `publication:123456-2026`, the identifier and version of an
    /// eForms notice (`9f1c…-01`).
    pub names: Vec<String>,
    /// Names of the notices that it changes: the changed-notice identifier (BT-758), the record that a correction corrects.
    pub changes: Vec<String>,
    /// When it was issued (BT-05), in its own zone.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub issued: Option<DateTime<FixedOffset>>,
    /// Day of issue, where no hour is given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub issued_on: Option<NaiveDate>,
    /// Day of publication.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub published: Option<NaiveDate>,
    /// It corrects, cancels or follows an earlier notice, whichever that is.
    pub follows: bool,
    /// A mark of all it says: two notices of one mark say the same.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mark: Option<String>,
}

impl Statement {
    /// What a notice says of itself.
    #[must_use]
    pub fn of(notice: &Notice) -> Self {
        let record = |id: &str| format!("{}:{id}", notice.source);
        let publications = notice.links.publications.iter().map(|n| format!("publication:{n}"));
        let issue = notice.issue.clone().unwrap_or_default();
        let follows = notice.kind.is_follow_up();
        let earlier = notice.links.earlier.iter().map(|id| record(id));
        // Publications that a follow-up names are those of the notice it follows.
        let (mut names, mut changes) = (vec![record(&notice.record_id)], earlier.collect::<Vec<_>>());
        if follows {
            changes.extend(publications)
        } else {
            names.extend(publications)
        }
        names.extend(issue.identifier);
        changes.extend(issue.changes);
        let mark = Some(mark(notice));
        Self { names, changes, issued: issue.at, issued_on: issue.day, published: notice.published, follows, mark }
    }

    /// Whether this follow-up says what another one said, though they are two records: published in two places, or twice.
    #[must_use]
    pub fn repeats(&self, other: &Self) -> bool {
        let twins = self.names.iter().any(|n| other.names.contains(n));
        self.follows && other.follows && (twins || self.mark.is_some() && self.mark == other.mark)
    }

    fn day(&self) -> Option<NaiveDate> {
        self.issued.map(|at| at.date_naive()).or(self.issued_on)
    }

    fn changes_one_of(&self, names: &[String]) -> bool {
        self.changes.iter().any(|c| names.contains(c))
    }
}

/// A mark of what a notice says: its kind, dates, lots, results and words. What each publisher adds of its own (names, addresses,
/// links) does not count. FNV-1a: it compares what one procedure's notices say, and keeps no secret.
fn mark(notice: &Notice) -> String {
    let dates = notice.dates.iter().map(|d| format!("{:?} {} {:?}", d.kind, d.at.to_rfc3339(), d.lot));
    let lots = notice.lots.iter().map(|l| l.id.clone());
    let results = notice.awards.iter().map(|a| format!("{:?} {:?} {:?}", a.lot, a.outcome, a.winners));
    let words = notice.passages.iter().map(|p| crate::commune::key(&p.text));
    let mut parts: Vec<String> = dates.chain(lots).chain(results).chain(words).collect();
    parts.sort();
    parts.dedup();
    let bytes = parts.iter().flat_map(|p| p.bytes().chain([0]));
    let hash = notice
        .kind
        .as_str()
        .bytes()
        .chain(bytes)
        .fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3));
    format!("{hash:016x}")
}

/// Which of two statements about one procedure is the later one: by what each says that it changes, then by issue, then by
/// whether it follows another, then by publication. `None` where they say nothing that puts them in order: twins.
///
/// It is antisymmetric: `later(a, b)` is the reverse of `later(b, a)`.
#[must_use]
pub fn later(a: &Statement, b: &Statement) -> Option<Ordering> {
    let by_change = match (a.changes_one_of(&b.names), b.changes_one_of(&a.names)) {
        (true, false) => Ordering::Greater,
        (false, true) => Ordering::Less,
        _ => Ordering::Equal,
    };
    let both = |x: Option<NaiveDate>, y: Option<NaiveDate>| x.zip(y).map_or(Ordering::Equal, |(x, y)| x.cmp(&y));
    let by_moment = a.issued.zip(b.issued).map_or(Ordering::Equal, |(x, y)| x.cmp(&y));
    // Of two notices of which one only follows something, published in different places, the first notice may be published
    // after what corrects it: an issue date tells, a publication date does not.
    let by_following = if a.day().zip(b.day()).is_some() { Ordering::Equal } else { a.follows.cmp(&b.follows) };
    let order = by_change
        .then(by_moment)
        .then(both(a.day(), b.day()))
        .then(by_following)
        .then(both(a.day().or(a.published), b.day().or(b.published)));
    (order != Ordering::Equal).then_some(order)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::NoticeKind;

    fn at(text: &str) -> DateTime<FixedOffset> {
        DateTime::parse_from_rfc3339(text).unwrap()
    }

    #[test]
    fn a_yearly_counter_is_no_reference() {
        let mut notice = Notice::new("boamp", "26-1", NoticeKind::Call);
        notice.buyer.siret = Some("21700015600017".into());
        notice.links.buyer_reference = Some("2026".into());
        assert_eq!(keys(&notice), vec!["record:boamp:26-1".to_owned()]);
        notice.links.buyer_reference = Some("2026-DST-014".into());
        assert_eq!(keys(&notice).len(), 2);
        notice.links.page = Some("a.example/avis/1".into());
        assert!(keys(&notice).last().is_some_and(|k| is_page(k) && !is_reference(k)));
    }

    fn day(text: &str) -> Option<NaiveDate> {
        text.parse().ok()
    }

    fn call(name: &str, published: &str) -> Statement {
        Statement { names: vec![name.into()], published: day(published), ..Statement::default() }
    }

    /// A2: the call of 20 November, its correction of the 23rd, then, on the 25th, TED's publication of the call issued on the 19th.
    #[test]
    fn the_newest_statement_is_newest_by_what_it_says_and_not_by_when_it_came() {
        let first = call("boamp:26-1", "2026-11-20");
        let corrected =
            Statement { changes: vec!["boamp:26-1".into()], follows: true, ..call("boamp:26-2", "2026-11-23") };
        let ted = Statement { issued_on: day("2026-11-19"), ..call("ted:1", "2026-11-25") };
        for (newer, older) in [
            (&corrected, &first),
            (&corrected, &ted),
            // A change names what it changes, whatever its dates.
            (
                &Statement {
                    changes: vec!["ted:1".into()],
                    issued_on: day("2026-11-18"),
                    ..call("ted:2", "2026-11-18")
                },
                &ted,
            ),
            // An issue counts before a publication.
            (
                &Statement { issued_on: day("2026-11-21"), ..call("x:1", "2026-11-22") },
                &Statement { issued_on: day("2026-11-19"), ..call("y:1", "2026-11-26") },
            ),
            (
                &Statement { issued: Some(at("2026-11-21T10:00:00+01:00")), ..call("x:1", "2026-11-22") },
                &Statement { issued: Some(at("2026-11-21T09:30:00+01:00")), ..call("y:1", "2026-11-23") },
            ),
            (&call("x:1", "2026-11-22"), &call("y:1", "2026-11-21")),
        ] {
            assert_eq!(later(newer, older), Some(Ordering::Greater), "{newer:?} {older:?}");
            assert_eq!(later(older, newer), Some(Ordering::Less), "{newer:?} {older:?}");
        }
        assert_eq!(later(&first, &call("other:9", "2026-11-20")), None, "twins");
    }
}

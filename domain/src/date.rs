//! The dates a bidder must not miss, each typed and, where a text says it, quoted.

use chrono::{DateTime, FixedOffset};
use serde::{Deserialize, Serialize};

/// What must be done by a date.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DateKind {
    /// Visit of the site.
    Visit,
    /// Last day to ask questions (eForms BT-13).
    Questions,
    /// Requests to participate (eForms BT-1311).
    Participation,
    /// Tenders (eForms BT-131).
    Tender,
}

/// A date with its kind and where it was read.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TypedDate {
    /// What it is for.
    pub kind: DateKind,
    /// The moment, with the offset of the buyer's territory so that the wall-clock time reads as published.
    pub at: DateTime<FixedOffset>,
    /// Whether a time of day was given; when not, `at` stands at 23:59 of that day.
    #[serde(default = "yes")]
    pub has_time: bool,
    /// For a visit: missing it makes the offer irregular.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub mandatory: bool,
    /// Verbatim words of the notice, when a text said it.
    pub quote: Option<String>,
    /// Path of the structured field, when a field said it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub field: Option<String>,
    /// The lot concerned; `None` = the whole procedure.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub lot: Option<String>,
}

impl TypedDate {
    /// A date that a structured field tells, for the whole procedure; with whether it gives a time of day.
    #[must_use]
    pub fn of_field(kind: DateKind, (at, has_time): (DateTime<FixedOffset>, bool), field: &str) -> Self {
        Self { kind, at, has_time, mandatory: false, quote: None, field: Some(field.to_owned()), lot: None }
    }
}

/// The closing moment among typed dates: the earliest deadline for requests to participate, else for tenders. With
/// several lots closing at different moments the latest counts, since the procedure is open until then.
#[must_use]
pub fn closing(dates: &[TypedDate]) -> Option<DateTime<FixedOffset>> {
    let latest = |kind| dates.iter().filter(|d| d.kind == kind).map(|d| d.at).max();
    latest(DateKind::Participation).or_else(|| latest(DateKind::Tender))
}

fn yes() -> bool {
    true
}

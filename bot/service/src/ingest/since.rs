//! What is new to a person whose last alerts about a procedure are replaced before they left. Pure.

use vigie_domain::procedure::Change;
use vigie_domain::{Alert, AlertKind, untold};
use vigie_notifier::card::Why;
use vigie_store::ingest::Untold;

/// What is new to a person whose last messages about a procedure are replaced before they left.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Since {
    /// All of it: they were told nothing. Of changes, how it ended.
    First(Vec<Change>),
    /// This, against what they were told.
    Changes(Vec<Change>),
    /// Nothing: it is as they were told.
    Nothing,
}

impl Since {
    /// What `alert` says to who was to hear of these; `None` where it says that by itself.
    pub(super) fn of(untold: &[Untold], alert: &Alert) -> Option<Self> {
        let mut lists: Vec<Vec<Change>> = Vec::new();
        // A correction that no field tells is told by its words.
        let mut only_fields = alert.kind == AlertKind::Correction && !alert.changes.is_empty();
        for earlier in untold {
            let why: Why = serde_json::from_str(&earlier.reasons).unwrap_or_default();
            let changes = why.changes.unwrap_or_else(|| serde_json::from_str(&earlier.changes).unwrap_or_default());
            if why.first || earlier.kind == AlertKind::New && changes.is_empty() {
                let of_its_end = |c: &&Change| c.is_ending() || matches!(c, Change::Because(_));
                return Some(Self::First(alert.changes.iter().filter(of_its_end).cloned().collect()));
            }
            only_fields &= earlier.kind == AlertKind::Correction && !changes.is_empty();
            lists.push(changes);
        }
        if lists.is_empty() {
            return None;
        }
        let mut joined = untold::joined(lists.iter().map(Vec::as_slice).chain([alert.changes.as_slice()]));
        if alert.changes.iter().any(Change::is_ending) && alert.kind != AlertKind::PartialResult {
            joined.retain(|c| !matches!(c, Change::Date { .. })); // of what is over, no date counts
        }
        Some(if joined.is_empty() && only_fields { Self::Nothing } else { Self::Changes(joined) })
    }
}

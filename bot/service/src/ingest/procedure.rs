//! What a notice means for the procedure it belongs to. Pure.

use std::collections::BTreeSet;

use vigie_domain::procedure::{self, Change, Snapshot};
use vigie_domain::{AlertKind, Assessment, DateKind, NoticeKind};
use vigie_watcher::classify::fold::fold;

/// What a notice means for a procedure.
pub(super) struct Meaning {
    pub kind: AlertKind,
    pub changes: Vec<Change>,
    /// Nothing new for those who were told.
    pub silent: bool,
}

/// Whether a notice only follows up another: what it leaves out is as it was.
pub(super) fn is_follow_up(kind: NoticeKind) -> bool {
    matches!(kind, NoticeKind::Correction | NoticeKind::Cancellation | NoticeKind::Award)
}

/// What a correction, cancellation or award leaves out is as it was.
pub(super) fn complete(later: &mut Assessment, earlier: &Assessment) {
    fn fill<T: Clone>(mine: &mut Vec<T>, theirs: &[T]) -> bool {
        let empty = mine.is_empty();
        if empty {
            mine.extend_from_slice(theirs);
        }
        empty
    }
    fill(&mut later.cpv, &earlier.cpv);
    fill(&mut later.departments, &earlier.departments);
    fill(&mut later.lots, &earlier.lots);
    fill(&mut later.sectors, &earlier.sectors);
    fill(&mut later.side_sectors, &earlier.side_sectors);
    fill(&mut later.facts, &earlier.facts);
    if fill(&mut later.provisions, &earlier.provisions) && later.notice_kind == NoticeKind::Correction {
        later.score = later.score.max(earlier.score);
        later.reasons.clone_from(&earlier.reasons);
        later.routes.clone_from(&earlier.routes);
        later.eligible_kinds.clone_from(&earlier.eligible_kinds);
    }
    let told: Vec<DateKind> = later.dates.iter().map(|d| d.kind).collect();
    later.dates.extend(earlier.dates.iter().filter(|d| !told.contains(&d.kind)).cloned());
    if later.buyer.is_none() {
        later.buyer.clone_from(&earlier.buyer);
    }
    if later.title.is_empty() {
        later.title.clone_from(&earlier.title);
    }
}

/// What a notice means, beside what its procedure was (`before`) and is with it (`after`).
pub(super) fn meaning(kind: NoticeKind, same_record: bool, before: Option<&Snapshot>, after: &Snapshot) -> Meaning {
    let first = match kind {
        NoticeKind::Cancellation => AlertKind::Cancellation,
        NoticeKind::Award => AlertKind::Award,
        _ => AlertKind::New,
    };
    let Some(before) = before else { return Meaning { kind: first, changes: Vec::new(), silent: false } };
    let changes = procedure::changes(before, after);
    let (kind, silent) = match kind {
        NoticeKind::Cancellation => (AlertKind::Cancellation, !changes.contains(&Change::Cancelled)),
        NoticeKind::Award => (AlertKind::Award, !changes.contains(&Change::Awarded)),
        // A published correction is told even when no field shows what it changes.
        NoticeKind::Correction => (AlertKind::Correction, same_record && changes.is_empty()),
        _ if same_record => (AlertKind::Correction, changes.is_empty()),
        // Published again with another closing date.
        _ if reschedules(&changes) => (AlertKind::Correction, false),
        // The call after a prior information: now there is a deadline. Else the same procedure from another source.
        _ => (AlertKind::New, !opens(&changes)),
    };
    Meaning { kind, changes, silent }
}

/// Whether two titles share at least half of their words of four letters or more.
pub(super) fn speaks_of_the_same(a: &str, b: &str) -> bool {
    let words = |text: &str| -> BTreeSet<String> {
        fold(text).split(|c: char| !c.is_alphanumeric()).filter(|w| w.len() >= 4).map(str::to_owned).collect()
    };
    let (a, b) = (words(a), words(b));
    a.intersection(&b).count() * 2 >= a.union(&b).count()
}

/// Whether the closing date moved.
fn reschedules(changes: &[Change]) -> bool {
    changes.iter().any(|c| {
        matches!(c, Change::Date { kind: DateKind::Tender | DateKind::Participation, from: Some(_), to: Some(_) })
    })
}

/// Whether a procedure that had no closing date has one now.
fn opens(changes: &[Change]) -> bool {
    changes.iter().any(|c| {
        matches!(c, Change::Date { kind: DateKind::Tender | DateKind::Participation, from: None, to: Some(_) })
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn titles_speak_of_the_same_when_half_their_words_are_the_same() {
        assert!(speaks_of_the_same("Nettoyage des écoles de la ville", "NETTOYAGE DES ECOLES"));
        assert!(!speaks_of_the_same("Nettoyage des écoles", "Entretien des espaces verts"));
    }

    #[test]
    fn the_same_call_from_another_source_says_nothing_new() {
        let before = Snapshot::default();
        assert!(meaning(NoticeKind::Call, false, Some(&before), &Snapshot::default()).silent);
        assert!(!meaning(NoticeKind::Correction, false, Some(&before), &Snapshot::default()).silent);
        assert!(!meaning(NoticeKind::Call, false, None, &Snapshot::default()).silent);
    }
}

//! What a notice means for the procedure it belongs to. Pure.

use std::collections::BTreeSet;

use vigie_domain::contract;
use vigie_domain::procedure::{self, Change, Snapshot, Status};
use vigie_domain::{AlertKind, Assessment, Beneficiary, DateKind, NoticeKind, Provision};
use vigie_watcher::classify::fold::fold;

/// What a notice means for a procedure.
pub(super) struct Meaning {
    pub kind: AlertKind,
    pub changes: Vec<Change>,
    /// Nothing new for those who were told.
    pub silent: bool,
}

/// What a correction, cancellation or result leaves out is as it was. A correction that restates no whole notice (no eForms one)
/// speaks of some provisions only: the others stand, and what it says nothing of in a provision stands too.
pub(super) fn complete(later: &mut Assessment, earlier: &Assessment, restates: bool) {
    fn fill<T: Clone>(mine: &mut Vec<T>, theirs: &[T]) -> bool {
        let empty = mine.is_empty();
        if empty {
            mine.extend_from_slice(theirs);
        }
        empty
    }
    fill(&mut later.cpv, &earlier.cpv);
    fill(&mut later.departments, &earlier.departments);
    // A result names the lots that it is about; the procedure has the others too.
    let known: Vec<&str> = later.lots.iter().map(|l| l.id.as_str()).collect();
    let of_others: Vec<_> = earlier.lots.iter().filter(|l| !known.contains(&l.id.as_str())).cloned().collect();
    if later.lots.is_empty() || later.notice_kind.is_result() {
        later.lots.extend(of_others);
    }
    contract::name_lots(later);
    fill(&mut later.sectors, &earlier.sectors);
    fill(&mut later.side_sectors, &earlier.side_sectors);
    fill(&mut later.facts, &earlier.facts);
    if fill(&mut later.provisions, &earlier.provisions) {
        if later.notice_kind == NoticeKind::Correction {
            later.score = later.score.max(earlier.score);
            later.reasons.clone_from(&earlier.reasons);
            later.routes.clone_from(&earlier.routes);
            later.eligible_kinds.clone_from(&earlier.eligible_kinds);
        }
    } else if !restates {
        later.provisions.iter_mut().for_each(|p| inherit_terms(p, &earlier.provisions));
        let stands = |e: &&Provision| !later.provisions.iter().any(|p| p.kind == e.kind && meet(&p.lots, &e.lots));
        let standing: Vec<Provision> = earlier.provisions.iter().filter(stands).cloned().collect();
        later.provisions.extend(standing);
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

/// What a provision told again does not say of itself is as it was.
fn inherit_terms(p: &mut Provision, earlier: &[Provision]) {
    let Some(was) = earlier.iter().find(|e| e.kind == p.kind && e.lots == p.lots) else { return };
    if p.hours.is_none() && p.percent.is_none() {
        (p.hours, p.hours_max, p.percent) = (was.hours, was.hours_max, was.percent);
    }
    p.weight = p.weight.or(was.weight);
    if matches!(p.beneficiary, None | Some(Beneficiary::Unspecified)) {
        p.beneficiary = was.beneficiary.or(p.beneficiary);
    }
}

/// Whether two lists of lots have one in common; an empty list is all.
fn meet(a: &[String], b: &[String]) -> bool {
    a.is_empty() || b.is_empty() || a.iter().any(|l| b.contains(l))
}

/// What a notice means, beside what its procedure was (`before`) and is with it (`after`). `repeats`: another notice of the
/// procedure says the same.
pub(super) fn meaning(
    kind: NoticeKind,
    same_record: bool,
    repeats: bool,
    before: Option<&Snapshot>,
    after: &Snapshot,
) -> Meaning {
    let result = |changes: &[Change]| match (kind, after.status) {
        (NoticeKind::Cancellation, Status::Open) if !changes.is_empty() => AlertKind::PartialResult,
        (NoticeKind::Cancellation, _) => AlertKind::Cancellation,
        (NoticeKind::ExAnte, _) => AlertKind::ExAnte,
        (NoticeKind::Modification, _) => AlertKind::Modification,
        (NoticeKind::Completion, _) => AlertKind::Completion,
        (NoticeKind::Award | NoticeKind::NoAward, Status::Open) => AlertKind::PartialResult,
        (NoticeKind::Award | NoticeKind::NoAward, Status::NoAward | Status::Cancelled) => AlertKind::NoAward,
        (NoticeKind::Award | NoticeKind::NoAward, _) => AlertKind::Award,
        _ => AlertKind::New,
    };
    let Some(before) = before else {
        return Meaning {
            kind: result(&procedure::changes(&Snapshot::default(), after)),
            changes: Vec::new(),
            silent: false,
        };
    };
    let mut changes = procedure::changes(before, after);
    // Of what is called off or awarded no date counts any more, whether the notice that ends it restates one or a later one moves it.
    let over = before.status != Status::Open;
    if after.status != Status::Open {
        changes.retain(|c| !matches!(c, Change::Date { .. }));
    }
    let (kind, silent) = match kind {
        NoticeKind::Cancellation | NoticeKind::Award | NoticeKind::NoAward | NoticeKind::ExAnte => {
            (result(&changes), !changes.iter().any(Change::is_ending))
        }
        // Of a contract under way: told once each, though nothing of the procedure changes.
        NoticeKind::Modification | NoticeKind::Completion => (result(&changes), same_record || repeats),
        // A published correction is told even when no field shows what it changes.
        NoticeKind::Correction => (AlertKind::Correction, (same_record || repeats || over) && changes.is_empty()),
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
        let silent = |kind, repeats, before| meaning(kind, false, repeats, before, &Snapshot::default()).silent;
        assert!(silent(NoticeKind::Call, false, Some(&before)));
        assert!(!silent(NoticeKind::Correction, false, Some(&before)));
        assert!(silent(NoticeKind::Correction, true, Some(&before)), "a second identical correction");
        assert!(!silent(NoticeKind::Call, false, None));
    }
}

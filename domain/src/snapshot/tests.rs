use super::*;
use crate::assessment::AssessedLot;
use crate::notice::Award;
use crate::{Evidence, TypedDate};

fn at(text: &str) -> DateTime<FixedOffset> {
    DateTime::parse_from_rfc3339(text).unwrap()
}

fn notice(kind: NoticeKind) -> Assessment {
    Assessment { title: "t".into(), ..Assessment::new("26-1", kind) }
}

/// A call in three lots, the second reserved.
fn call() -> Assessment {
    let mut a = notice(NoticeKind::Call);
    a.lots = ["1", "2", "3"].map(|id| AssessedLot { id: id.into(), ..AssessedLot::default() }).into();
    a.dates = vec![closing("2027-01-12T12:00:00+01:00")];
    let mut p = Provision::new(ProvisionKind::Reserved, Evidence::default());
    (p.beneficiary, p.lots) = (Some(Beneficiary::Both), vec!["2".into()]);
    a.provisions = vec![p];
    a
}

fn closing(at_: &str) -> TypedDate {
    TypedDate::of_field(DateKind::Tender, (at(at_), true), "f")
}

fn clause(hours: Option<f64>) -> Assessment {
    let mut a = call();
    let mut p = Provision::new(ProvisionKind::ExecutionClause, Evidence::default());
    (p.hours, p.lots) = (hours, vec!["3".into()]);
    a.provisions.push(p);
    a
}

fn result(kind: NoticeKind, of: &[(Option<&str>, Outcome, Option<NoAwardReason>)]) -> Assessment {
    let award = |(lot, outcome, reason): &(Option<&str>, Outcome, Option<NoAwardReason>)| Award {
        lot: lot.map(str::to_owned),
        outcome: *outcome,
        reason: *reason,
        ..Award::default()
    };
    Assessment { awards: of.iter().map(award).collect(), ..notice(kind) }
}

#[test]
fn a_correction_that_repeats_only_the_date_leaves_the_rest_alone() {
    let before = Snapshot::of(&call());
    let later = Assessment { dates: vec![closing("2027-01-20T12:00:00+01:00")], ..notice(NoticeKind::Correction) };
    let found = changes(&before, &before.followed_by(&later));
    assert!(matches!(found.as_slice(), [Change::Date { kind: DateKind::Tender, .. }]), "{found:?}");
}

#[test]
fn a_cancelled_procedure_stays_cancelled() {
    let cancelled = Snapshot::of(&call()).followed_by(&notice(NoticeKind::Cancellation));
    assert_eq!(cancelled.status, Status::Cancelled);
    let after = cancelled.followed_by(&Assessment { notice_kind: NoticeKind::Correction, ..call() });
    assert_eq!(after.status, Status::Cancelled);
}

#[test]
fn a_lot_awarded_leaves_the_others_open() {
    let before = Snapshot::of(&call());
    let after = before.followed_by(&result(NoticeKind::Award, &[(Some("2"), Outcome::Awarded, None)]));
    assert_eq!((after.status, after.closes()), (Status::Open, before.closes()));
    assert_eq!(after.lots, ["1", "2", "3"], "an award drops no lot");
    assert_eq!(["1", "2", "3"].map(|l| after.status_of(l)), [Status::Open, Status::Awarded, Status::Open]);
    let ended = Change::LotsEnded { status: Status::Awarded, lots: vec!["2".into()], reason: None };
    assert_eq!(changes(&before, &after), [ended]);
    let rest = [(Some("1"), Outcome::NoAward, Some(NoAwardReason::NoRece)), (Some("3"), Outcome::Awarded, None)];
    let over = after.followed_by(&result(NoticeKind::Award, &rest));
    assert_eq!((over.status, over.status_of("1"), over.closes()), (Status::Awarded, Status::NoAward, None));
    assert_eq!(changes(&over, &over.followed_by(&result(NoticeKind::Award, &rest))), [], "told once");
}

#[test]
fn what_nobody_won_is_not_awarded_and_what_goes_on_is_open() {
    let before = Snapshot::of(&call());
    let lots = |outcome, reason| ["1", "2", "3"].map(|l| (Some(l), outcome, reason));
    let none = before.followed_by(&result(NoticeKind::NoAward, &lots(Outcome::NoAward, Some(NoAwardReason::InsFund))));
    assert_eq!(none.status, Status::NoAward);
    assert!(changes(&before, &none).contains(&Change::NoAward) && !changes(&before, &none).contains(&Change::Awarded));
    let undivided = Snapshot::of(&notice(NoticeKind::Call));
    let none = undivided
        .followed_by(&result(NoticeKind::NoAward, &[(Some("1"), Outcome::NoAward, Some(NoAwardReason::NoRece))]));
    assert_eq!(changes(&undivided, &none), [Change::NoAward, Change::Because(NoAwardReason::NoRece)]);
    let open = before.followed_by(&result(NoticeKind::NoAward, &lots(Outcome::StillOpen, None)));
    assert_eq!(open, before);
}

#[test]
fn an_intention_a_modification_and_a_completion_award_nothing() {
    let before = Snapshot::of(&call());
    let intended = before.followed_by(&result(NoticeKind::ExAnte, &[(None, Outcome::Intended, None)]));
    assert_eq!(changes(&before, &intended), [Change::Intended]);
    for kind in [NoticeKind::Modification, NoticeKind::Completion] {
        assert_eq!(before.followed_by(&notice(kind)), before, "{kind:?}");
        assert_eq!(Snapshot::of(&notice(kind)).status, Status::Awarded, "{kind:?}: of a contract that was");
    }
}

#[test]
fn only_the_lots_called_off_end() {
    let before = Snapshot::of(&call());
    let off = result(NoticeKind::Cancellation, &[(Some("2"), Outcome::NoAward, Some(NoAwardReason::GeneralInterest))]);
    let after = before.followed_by(&off);
    assert_eq!((after.status, after.status_of("2")), (Status::Open, Status::Cancelled));
}

#[test]
fn hours_that_change_are_a_change_and_not_a_clause_gone_and_another_come() {
    let before = Snapshot::of(&clause(Some(300.0)));
    let after = before.followed_by(&Assessment { notice_kind: NoticeKind::Correction, ..clause(Some(450.0)) });
    let found = changes(&before, &after);
    let [Change::TermsChanged { kind: ProvisionKind::ExecutionClause, lots, from, to }] = found.as_slice() else {
        panic!("{found:?}")
    };
    assert_eq!(
        (lots.as_slice(), from.hours.map(|h| h.least), to.hours.map(|h| h.least)),
        (["3".to_owned()].as_slice(), Some(300.0), Some(450.0))
    );
}

#[test]
fn another_beneficiary_is_a_change() {
    let before = Snapshot::of(&call());
    let mut later = Assessment { notice_kind: NoticeKind::Correction, ..call() };
    later.provisions[0].beneficiary = Some(Beneficiary::Disability);
    let found = changes(&before, &before.followed_by(&later));
    let (from, to) = (Some(Beneficiary::Both), Some(Beneficiary::Disability));
    let lots = vec!["2".to_owned()];
    assert_eq!(found, [Change::BeneficiaryChanged { kind: ProvisionKind::Reserved, lots, from, to }]);
}

#[test]
fn what_an_earlier_version_kept_is_read_and_tells_no_change_of_terms() {
    let kept = r#"{"status":"open","dates":[],"lots":["1","2","3"],"provisions":[["execution_clause",null,["3"]],["reserved","both",["2"]]]}"#;
    let before: Snapshot = serde_json::from_str(kept).unwrap();
    let after =
        before.followed_by(&Assessment { notice_kind: NoticeKind::Correction, dates: vec![], ..clause(Some(450.0)) });
    assert_eq!(changes(&before, &after), []);
    let written = serde_json::to_string(&after).unwrap();
    assert_eq!(serde_json::from_str::<Snapshot>(&written).unwrap(), after);
}

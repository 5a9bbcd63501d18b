//! What becomes of a procedure, lot by lot: who hears of it and what they read. Planned without a database.

use std::sync::Arc;

use chrono::{DateTime, Duration, TimeZone, Utc};
use chrono_tz::Europe::Paris;
use vigie_config::rules;
use vigie_domain::notice::{Award, Issue};
use vigie_domain::procedure::{Change, Snapshot, Statement, Status};
use vigie_domain::subscription::{Candidate, Match, Profile, Rhythm, Role};
use vigie_domain::{
    AlertKind, Cadence, Channel, DateKind, Department, Disposition, Filter, Lot, NoAwardReason, Notice, NoticeKind,
    Outcome, Passage, Phase, ProcedureState, StructureKind, Subscriber, Subscription, TypedDate,
};
use vigie_notifier::card::{self, Why};
use vigie_notifier::due::DigestTimes;
use vigie_service::answers::state_line;
use vigie_service::ingest::plan::{self, NoticePlan, PeoplePlan, Planner};
use vigie_service::ingest::stored::{People, Stored};
use vigie_service::ingest::{Audience, content_hash};
use vigie_store::audience::Person;
use vigie_store::ingest::{KnownNotice, KnownProcedure, Told};
use vigie_store::people::{Address, AddressState};
use vigie_watcher::classify;

fn now() -> DateTime<Utc> {
    Paris.with_ymd_and_hms(2026, 11, 24, 10, 0, 0).unwrap().with_timezone(&Utc)
}

/// A call in three lots, at Lens, Arras and Calais.
fn call() -> Notice {
    let mut notice = Notice::new("boamp", "26-1", NoticeKind::Call);
    notice.title = "Nettoyage de bâtiments".into();
    notice.departments.extend(Department::parse("62"));
    notice.published = chrono::NaiveDate::from_ymd_opt(2026, 11, 20);
    let at = Paris.with_ymd_and_hms(2027, 1, 12, 12, 0, 0).unwrap().fixed_offset();
    notice.dates = vec![TypedDate::of_field(DateKind::Tender, (at, true), "test")];
    notice.lots = [("1", "Nettoyage, Lens"), ("2", "Nettoyage, Arras"), ("3", "Nettoyage, Calais")]
        .map(|(id, title)| Lot { id: id.into(), title: title.into(), ..Lot::default() })
        .into();
    notice
}

fn result(kind: NoticeKind, awards: Vec<Award>) -> Notice {
    let mut notice = Notice::new("boamp", "26-9", kind);
    notice.title = call().title;
    notice.links.earlier = vec!["26-1".into()];
    notice.awards = awards;
    notice.published = chrono::NaiveDate::from_ymd_opt(2026, 11, 24);
    notice
}

fn won(lot: &str) -> Award {
    Award { lot: Some(lot.into()), winners: vec!["Martin SARL".into()], ..Award::default() }
}

fn person(id: &str, filter: Filter, profile: Profile) -> (Subscription, Subscriber) {
    let subscription = Subscription {
        id: format!("sub-{id}"),
        subscriber: id.into(),
        filter,
        cadence: Cadence::Instant,
        paused_until: None,
        name: String::new(),
    };
    (subscription, Subscriber { id: id.into(), name: String::new(), role: Role::Structure, profile })
}

fn audience(people: Vec<(Subscription, Subscriber)>) -> Audience {
    let mut audience = Audience::default();
    for (number, (subscription, subscriber)) in (1..).zip(people) {
        let address = Address {
            id: format!("mail-{}", subscriber.id),
            subscriber: subscriber.id.clone(),
            channel: Channel::Email,
            value: format!("{}@structure.example", subscriber.id),
            state: AddressState::Active,
        };
        audience.add(Arc::new(Person {
            number,
            subscriber,
            rhythm: Rhythm::default(),
            routes: vigie_domain::Routes::default(),
            away: None,
            subscriptions: vec![subscription],
            tastes: Vec::new(),
            addresses: vec![address],
        }));
    }
    audience
}

fn north() -> Filter {
    Filter { departments: Department::parse("62").into_iter().collect(), ..Filter::default() }
}

fn planner(audience: &Audience) -> Planner<'_> {
    let times = DigestTimes { hour: 8, weekday: chrono::Weekday::Mon, days: vigie_domain::Days::ALL, zone: Paris };
    Planner::with_paces(audience, None, (times, 0), now())
}

fn plan(planner: &Planner<'_>, notice: &Notice, stored: &Stored) -> (NoticePlan, PeoplePlan) {
    let plan = plan::notice(notice, &content_hash(notice), classify::classify(notice), stored, now());
    let assessment = &plan.assessment;
    let candidate = Candidate { notice, assessment, folded: " ", now: now(), communes: rules::communes };
    let audiences = planner.audiences(&candidate, &stored.told);
    let shares = planner.people(audiences, &plan.alert, plan.silent, &plan.assessment, &People::default());
    (plan, shares)
}

fn outcome(plan: &PeoplePlan) -> Vec<(&str, Disposition)> {
    plan.shares.iter().map(|(s, _)| (s.subscriber.as_str(), s.disposition)).collect()
}

fn told(id: &str, lots: &[&str]) -> Told {
    let found = Match { lots: lots.iter().map(|l| (*l).to_owned()).collect(), ..Match::default() };
    Told {
        subscriber: id.into(),
        disposition: Disposition::Instant,
        alert: "a".into(),
        digest: None,
        subscription: None,
        reasons: serde_json::to_string(&Why { found, ..Why::default() }).unwrap_or_default(),
    }
}

/// What is stored once the call was planned, and some people were told of some lots.
fn after_call(planner: &Planner<'_>, told: Vec<Told>) -> Stored {
    let (first, _) = plan(planner, &call(), &Stored::default());
    after(&first, vec![call()], told)
}

fn after(last: &NoticePlan, others: Vec<Notice>, told: Vec<Told>) -> Stored {
    let procedure = KnownProcedure {
        id: last.alert.procedure.clone(),
        title: last.assessment.title.clone(),
        snapshot: last.after.clone(),
    };
    Stored {
        procedure: Some(procedure),
        others: others.iter().map(Statement::of).collect(),
        told,
        earlier: Some(last.assessment.clone()),
        ..Stored::default()
    }
}

#[test]
fn a_lot_awarded_leaves_the_others_open_and_tells_those_whom_it_concerns() {
    let audience = audience(vec![]);
    let planner = planner(&audience);
    let stored = after_call(&planner, vec![told("all", &[]), told("lens", &["1"]), told("arras", &["2"])]);
    let (notice, people) = plan(&planner, &result(NoticeKind::Award, vec![won("2")]), &stored);
    assert_eq!((notice.alert.kind, notice.after.status), (AlertKind::PartialResult, Status::Open));
    assert_eq!(notice.after.status_of("2"), Status::Awarded);
    assert!(notice.after.closes().is_some(), "the other lots are reminded of");
    assert_eq!(
        outcome(&people),
        [("all", Disposition::Instant), ("arras", Disposition::Instant), ("lens", Disposition::Duplicate)]
    );
    let lines: Vec<String> = notice.alert.changes.iter().map(card::change).collect();
    assert_eq!(lines, ["Lot 2\u{a0}: attribué"]);
    let labels = |kind, phase| -> Vec<String> {
        state_line::buttons(kind, Role::Structure, phase, "d").into_iter().flatten().map(|b| b.label).collect()
    };
    assert!(
        labels(AlertKind::PartialResult, Phase::Open).contains(&"👍 On y va".to_owned()),
        "the others can be answered"
    );
    assert!(!labels(AlertKind::Award, Phase::Awarded).contains(&"👍 On y va".to_owned()));
    // What met when they were told goes on: the next result is judged by it too.
    let arras = people.shares.iter().find(|(s, _)| s.subscriber == "arras").unwrap();
    let why: Why = serde_json::from_str(&arras.0.reasons).unwrap();
    assert_eq!(why.found.lots, ["2"]);
}

#[test]
fn the_last_lot_ends_the_procedure() {
    let audience = audience(vec![]);
    let planner = planner(&audience);
    let stored = after_call(&planner, vec![told("ana", &[])]);
    let (first, _) = plan(&planner, &result(NoticeKind::Award, vec![won("2")]), &stored);
    let stored = after(&first, vec![call()], vec![told("ana", &[])]);
    let none = Award::none(Some("3".into()), Some(NoAwardReason::NoRece));
    let rest = Notice { record_id: "26-10".into(), ..result(NoticeKind::Award, vec![won("1"), none]) };
    let (notice, people) = plan(&planner, &rest, &stored);
    assert_eq!((notice.alert.kind, notice.after.status), (AlertKind::Award, Status::Awarded));
    assert_eq!(notice.after.status_of("3"), Status::NoAward);
    assert_eq!(outcome(&people), [("ana", Disposition::Instant)]);
    let lines: Vec<String> = notice.alert.changes.iter().map(card::change).collect();
    assert_eq!(
        lines,
        ["Le marché est attribué", "Lot 1\u{a0}: attribué", "Lot 3\u{a0}: infructueux\u{a0}: aucune offre reçue"]
    );
    // The same award published elsewhere tells nobody.
    let twin = Notice { source: "ted".into(), record_id: "1-2026".into(), ..rest };
    let (_, people) = plan(&planner, &twin, &after(&notice, vec![], vec![told("ana", &[])]));
    assert_eq!(outcome(&people), []);
}

/// None of these says "attribué" unless it was.
#[test]
fn each_kind_of_result_is_told_by_its_name() {
    let audience = audience(vec![]);
    let planner = planner(&audience);
    let lots = |outcome| ["1", "2", "3"].map(|l| Award { outcome, ..won(l) }).to_vec();
    let none = ["1", "2", "3"].map(|l| Award::none(Some(l.into()), Some(NoAwardReason::InsFund))).to_vec();
    for (kind, awards, alert, status, label) in [
        (NoticeKind::NoAward, none, AlertKind::NoAward, Status::NoAward, "Sans suite"),
        (NoticeKind::ExAnte, lots(Outcome::Intended), AlertKind::ExAnte, Status::Intended, "Attribution envisagée"),
        (NoticeKind::Modification, vec![], AlertKind::Modification, Status::Open, "Modification du contrat"),
        (NoticeKind::Completion, vec![], AlertKind::Completion, Status::Open, "Fin du contrat"),
    ] {
        let stored = after_call(&planner, vec![told("ana", &[])]);
        let notice = result(kind, awards);
        let (told, people) = plan(&planner, &notice, &stored);
        assert_eq!((told.alert.kind, told.after.status), (alert, status), "{kind:?}");
        let told_as = people.shares[0].0.disposition;
        let waits = matches!(kind, NoticeKind::Modification | NoticeKind::Completion);
        assert_eq!(told_as, if waits { Disposition::Digest } else { Disposition::Instant }, "{kind:?}");
        let why = Why::default();
        let state = ProcedureState::of(&told.after, "", now());
        let shown = card::card(
            &card::AlertItem {
                kind: told.alert.kind,
                changes: &told.alert.changes,
                notice: &notice,
                assessment: &told.assessment,
                state: &state,
                why: &why,
                noticed: now(),
                contacts: &[],
                links: card::Links::default(),
                stands: None,
            },
            now(),
        );
        assert_eq!(shown.status, label);
        let said = format!("{shown:?}").to_lowercase();
        assert!(
            !said.contains("attribué") || said.contains("n’est pas attribué") && !said.contains("déjà attribué"),
            "{said}"
        );
        assert_eq!(shown.winners, Vec::<String>::new(), "{kind:?}");
        assert!(state_line::buttons(told.alert.kind, Role::Structure, state.phase, "d").is_empty(), "{kind:?}");
    }
}

#[test]
fn no_winner_yet_changes_nothing_and_tells_nobody() {
    let audience = audience(vec![]);
    let planner = planner(&audience);
    let stored = after_call(&planner, vec![told("ana", &[])]);
    let open =
        ["1", "2"].map(|l| Award { outcome: Outcome::StillOpen, lot: Some(l.into()), ..Award::default() }).to_vec();
    let (notice, people) = plan(&planner, &result(NoticeKind::NoAward, open), &stored);
    assert_eq!((notice.after.status, outcome(&people).len()), (Status::Open, 0));
}

#[test]
fn only_the_lot_called_off_is_told_as_such() {
    let audience = audience(vec![]);
    let planner = planner(&audience);
    let stored = after_call(&planner, vec![told("arras", &["2"]), told("lens", &["1"])]);
    let off =
        result(NoticeKind::Cancellation, vec![Award::none(Some("2".into()), Some(NoAwardReason::GeneralInterest))]);
    let (notice, people) = plan(&planner, &off, &stored);
    assert_eq!((notice.alert.kind, notice.after.status), (AlertKind::PartialResult, Status::Open));
    assert_eq!(outcome(&people), [("arras", Disposition::Instant), ("lens", Disposition::Duplicate)]);
    let lines: Vec<String> = notice.alert.changes.iter().map(card::change).collect();
    assert_eq!(lines, ["Lot 2\u{a0}: sans suite\u{a0}: motif d’intérêt général"]);
}

/// A call whose clause asks for so many hours, as a correction restates it.
fn with_clause(mut notice: Notice, words: &str) -> Notice {
    notice.passages = vec![Passage { field: "t".into(), lot: None, text: words.into() }];
    notice
}

#[test]
fn hours_that_change_are_told_as_a_change_and_once() {
    let audience = audience(vec![]);
    let planner = planner(&audience);
    let first = with_clause(call(), "Clause d'insertion obligatoire : 300 heures d'insertion à réaliser.");
    let (before, _) = plan(&planner, &first, &Stored::default());
    let corrected = Notice {
        kind: NoticeKind::Correction,
        record_id: "26-2".into(),
        published: chrono::NaiveDate::from_ymd_opt(2026, 11, 23),
        ..with_clause(call(), "Clause d'insertion obligatoire : 450 heures d'insertion à réaliser.")
    };
    let stored = after(&before, vec![first.clone()], vec![told("ana", &[])]);
    let (moved, people) = plan(&planner, &corrected, &stored);
    assert_eq!(outcome(&people), [("ana", Disposition::Instant)]);
    let lines: Vec<String> = moved.alert.changes.iter().map(card::change).collect();
    assert_eq!(lines, ["Clause d’insertion\u{a0}: 300 → 450\u{a0}heures"]);
    // A second identical correction, published elsewhere or again, tells nobody.
    let again = Notice {
        record_id: "26-3".into(),
        published: chrono::NaiveDate::from_ymd_opt(2026, 11, 24),
        ..corrected.clone()
    };
    let stored = after(&moved, vec![corrected, first.clone()], vec![told("ana", &[])]);
    let (same, people) = plan(&planner, &again, &stored);
    assert_eq!((same.after.clone(), outcome(&people)), (moved.after.clone(), vec![]));
    // One that says something else, though no field shows what, is told.
    let other = with_clause(
        again.clone(),
        "Clause d'insertion obligatoire : 450 heures d'insertion à réaliser. Le cahier des charges est remplacé.",
    );
    let (_, people) = plan(&planner, &Notice { record_id: "26-4".into(), ..other }, &stored);
    assert_eq!(outcome(&people), [("ana", Disposition::Instant)]);
    // The call itself, read again with its old hours (its record gained a link), changes nothing.
    let known = KnownNotice { content_hash: "h".into(), version: 1, procedure: moved.alert.procedure.clone() };
    let previous = Some(before.assessment.clone());
    let stored = Stored { notice: Some(known), previous, ..stored };
    let (stale, people) = plan(&planner, &first, &stored);
    assert_eq!((stale.after, outcome(&people)), (moved.after, vec![]));
}

/// A2: twins of one eForms notice are one statement, whichever comes first.
#[test]
fn the_twin_of_a_correction_is_known_by_its_identifier() {
    let audience = audience(vec![]);
    let planner = planner(&audience);
    let issue = Some(Issue { identifier: Some("9f1c-02".into()), changes: Some("9f1c-01".into()), ..Issue::default() });
    let correction = |source: &str, words: &str| Notice {
        source: source.into(),
        record_id: format!("{source}-2"),
        kind: NoticeKind::Correction,
        issue: issue.clone(),
        ..with_clause(call(), words)
    };
    let stored = after_call(&planner, vec![told("ana", &[])]);
    let (first, people) = plan(&planner, &correction("boamp", "Annexe remplacée."), &stored);
    assert_eq!(outcome(&people), [("ana", Disposition::Instant)]);
    let stored = after(&first, vec![correction("boamp", "Annexe remplacée."), call()], vec![told("ana", &[])]);
    let (_, people) = plan(&planner, &correction("ted", "Annexe remplacée. [TED]"), &stored);
    assert_eq!(outcome(&people), []);
}

#[test]
fn a_correction_that_speaks_of_one_provision_leaves_the_others() {
    let audience = audience(vec![]);
    let planner = planner(&audience);
    let first = with_clause(
        call(),
        "Le lot 1 est réservé aux structures d'insertion par l'activité économique (article L2113-13).\nClause d'insertion pour le lot 2 : 300 heures d'insertion.",
    );
    let (before, _) = plan(&planner, &first, &Stored::default());
    let reservations =
        |s: &Snapshot| s.provisions.iter().filter(|p| p.kind == vigie_domain::ProvisionKind::Reserved).count();
    assert_eq!(reservations(&before.after), 1);
    let mut later = result(NoticeKind::Correction, vec![]);
    later = with_clause(later, "Clause d'insertion pour le lot 2 : 450 heures d'insertion.");
    let (after, _) = plan(&planner, &later, &after(&before, vec![first], vec![told("ana", &[])]));
    assert_eq!(reservations(&after.after), 1);
    assert!(
        !after.alert.changes.iter().any(|c| matches!(c, Change::ProvisionVanished(..))),
        "{:?}",
        after.alert.changes
    );
}

/// U1: what is reserved to others is told to nobody who did not ask for it; to who did, in a line of a digest.
#[test]
fn what_is_reserved_to_others_is_told_to_who_asked_for_it_and_in_a_digest() {
    let off = Profile { kind: Some(StructureKind::Ea), ..Profile::default() };
    let ea = Profile { without_closed: false, ..off.clone() };
    let ei = Profile { kind: Some(StructureKind::Ei), ..Profile::default() };
    let etti = Profile { kind: Some(StructureKind::Etti), ..Profile::default() };
    let people = [("ea", ea), ("ei", ei), ("etti", etti), ("off", off)];
    let audience = audience(people.map(|(id, profile)| person(id, north(), profile)).into());
    let planner = planner(&audience);
    let reserved =
        with_clause(call(), "Marché réservé aux structures d'insertion par l'activité économique (article L2113-13).");
    let (_, people) = plan(&planner, &reserved, &Stored::default());
    assert_eq!(
        outcome(&people),
        [("ea", Disposition::Digest), ("ei", Disposition::Instant), ("etti", Disposition::Instant)]
    );
    let reasons = |id: &str| {
        let (share, _) = people.shares.iter().find(|(s, _)| s.subscriber == id).unwrap();
        serde_json::from_str::<Why>(&share.reasons).unwrap().fit.reasons
    };
    assert!(reasons("ea").contains(&"réservé aux SIAE\u{a0}: fermé aux EA".to_owned()), "{:?}", reasons("ea"));
    assert!(reasons("ei")[0].starts_with("réservé à des structures comme la vôtre"), "{:?}", reasons("ei"));
    assert!(reasons("etti").iter().any(|r| r.contains("mettre du personnel à disposition")), "{:?}", reasons("etti"));
    let (_, people) = plan(&planner, &call(), &Stored::default());
    let heard: Vec<&str> = outcome(&people).into_iter().map(|(id, _)| id).collect();
    assert_eq!(heard, ["ea", "ei", "off"], "an ETTI cleans no buildings");
    assert!(people.shares.iter().all(|(s, _)| s.due.is_none_or(|d| d - now() < Duration::days(2))));
}

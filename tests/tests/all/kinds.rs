//! Kinds of notice in recorded data; and what becomes of lots, through the database: reminders, decisions and digests.

use chrono::{DateTime, Utc};
use vigie_bot::setup::App;
use vigie_config::settings::Settings;
use vigie_domain::notice::Award;
use vigie_domain::procedure::Status;
use vigie_domain::subscription::Role;
use vigie_domain::{
    DateKind, Department, Disposition, Filter, Lot, NoAwardReason, Notice, NoticeKind, Outcome, Stage, TypedDate,
};
use vigie_service::Clock;
use vigie_service::decisions::{self, Closes, DecisionEdit, Seen};
use vigie_service::ingest;
use vigie_tests::{service, shared};
use vigie_watcher::sources::boamp;
use vigie_watcher::sources::eforms::{self, NoNotice};
use vigie_watcher::tree;

fn recorded(path: &str) -> Option<serde_json::Value> {
    let file = shared::data(&format!("data/ted/eforms_sdk_examples/{path}"))?;
    Some(tree::from_xml(&std::fs::read(file).unwrap()).unwrap())
}

#[test]
fn recorded_results_are_what_they_say() {
    for (file, kind, outcomes) in [
        ("can-modif_25.xml", NoticeKind::Modification, &[][..]),
        ("veat_24.xml", NoticeKind::ExAnte, &[Outcome::Intended]),
        ("can_24_FRA_comments.xml", NoticeKind::Award, &[Outcome::Awarded]),
        ("can-desg_25.xml", NoticeKind::NoAward, &[Outcome::StillOpen, Outcome::NoAward]),
        ("can-social_24.xml", NoticeKind::Award, &[Outcome::Awarded, Outcome::NoAward, Outcome::StillOpen]),
    ] {
        let Some(document) = recorded(file) else { return };
        let notice = eforms::from_tree(&document).unwrap();
        assert_eq!(notice.kind, kind, "{file}: {:?}", notice.awards);
        for outcome in outcomes {
            assert!(notice.awards.iter().any(|a| a.outcome == *outcome), "{file}: {:?}", notice.awards);
        }
        assert!(notice.awards.iter().filter(|a| a.outcome == Outcome::NoAward).all(|a| a.winners.is_empty()), "{file}");
    }
    let Some(document) = recorded("X02_registration.xml") else { return };
    let refused = eforms::from_tree(&document).unwrap_err();
    assert_eq!(refused, NoNotice::Registration("brin-ecs".into()));
    assert!(refused.to_string().contains("immatriculation d’une société européenne"));
}

/// A form of 2017 whose box says "sans suite" over decisions that each repeat "attribué", and whose object names lot 3.
#[test]
fn a_recorded_national_form_without_award_says_attributed_of_nothing() {
    let Some(file) = shared::data("data/boamp/xml_v230/test-attribution-4.xml") else { return };
    let document = tree::from_xml(&std::fs::read(file).unwrap()).unwrap();
    let notice = boamp::from_xml_tree(&document).unwrap();
    assert_eq!(notice.kind, NoticeKind::NoAward);
    assert_eq!(notice.awards, [Award::none(Some("3".into()), None)]);
}

fn now() -> DateTime<Utc> {
    "2026-11-24T09:00:00Z".parse().unwrap()
}

async fn app(dir: &tempfile::TempDir) -> App {
    let url = format!("sqlite:{}/v.db", dir.path().display());
    let settings =
        Settings { store: vigie_config::settings::Store { url: Some(url), password: None }, ..Settings::default() };
    service::start_as(settings, Clock::fixed(now())).await.unwrap()
}

fn call() -> Notice {
    let mut notice = Notice::new("boamp", "26-1", NoticeKind::Call);
    notice.title = "Nettoyage de bâtiments".into();
    notice.departments.extend(Department::parse("62"));
    let at = DateTime::parse_from_rfc3339("2027-01-12T12:00:00+01:00").unwrap();
    notice.dates = vec![TypedDate::of_field(DateKind::Tender, (at, true), "test")];
    notice.lots = [("1", "Nettoyage, Lens"), ("2", "Nettoyage, Arras"), ("3", "Nettoyage, Calais")]
        .map(|(id, title)| Lot { id: id.into(), title: title.into(), ..Lot::default() })
        .into();
    notice
}

#[tokio::test]
async fn a_lot_that_ended_takes_no_decision_and_the_others_do() {
    let dir = tempfile::tempdir().unwrap();
    let app = app(&dir).await;
    let service = &app.service;
    let north = Filter { departments: Department::parse("62").into_iter().collect(), ..Filter::default() };
    service::subscribe(&app, "ana", "ana@structure.example", &north).await.unwrap();
    ingest::ingest(service, &call(), None).await.unwrap();
    let mut award = Notice::new("boamp", "26-9", NoticeKind::Award);
    award.title = call().title;
    award.links.earlier = vec!["26-1".into()];
    award.awards = vec![
        Award { lot: Some("2".into()), winners: vec!["Martin SARL".into()], ..Award::default() },
        Award::none(Some("3".into()), Some(NoAwardReason::NoRece)),
    ];
    ingest::ingest(service, &award, None).await.unwrap();
    let procedure = service.store.notice(&call().key()).await.unwrap().unwrap().procedure;
    let state = service.store.state_of(&procedure).await.unwrap().unwrap();
    assert_eq!(
        ["", "1", "2", "3"].map(|l| state.status_of(l)),
        [Status::Open, Status::Open, Status::Awarded, Status::NoAward]
    );
    let person = service.store.subscriber("ana").await.unwrap().unwrap();
    assert_eq!(person.role, Role::Structure);
    let decide = async |lot: &str| {
        let asker = decisions::Asker { person: &person, name: "Ana", procedure: &procedure, lot, seen: Seen::Latest };
        let go = DecisionEdit { stage: Some(Stage::Go), ..DecisionEdit::default() };
        decisions::decide(service, &asker, &go).await.unwrap()
    };
    assert!(matches!(decide("1").await, decisions::Outcome::Noted { .. }));
    assert_eq!(decide("2").await, decisions::Outcome::Closed(Closes::LotEnded));
    assert!(service.store.open_dates(&procedure, "1").await.unwrap().is_some(), "reminded of");
    assert!(service.store.open_dates(&procedure, "3").await.unwrap().is_none());
    let row =
        service.store.search(&vigie_store::search::Query::default(), None, 5, now()).await.unwrap().rows.remove(0);
    assert_eq!(row.state_at(now()).phase, vigie_domain::Phase::Open);
    assert!(!row.verdict.contains("attribué"), "{}", row.verdict);
}

#[tokio::test]
async fn a_contract_of_173_lots_through_the_database_reaches_each_with_its_own() {
    let dir = tempfile::tempdir().unwrap();
    let app = app(&dir).await;
    let towns = ["Arras", "Lens", "Calais", "Berck"];
    let circle = |town: &str| {
        let department = Department::parse("62");
        let commune = vigie_config::rules::communes().named(town, department.as_ref())[0].code.to_owned();
        Filter { around: vec![vigie_domain::Around { commune, km: 8 }], ..Filter::default() }
    };
    for town in towns {
        service::subscribe(&app, town, &format!("{}@structure.example", town.to_lowercase()), &circle(town))
            .await
            .unwrap();
    }
    let mut notice = call();
    notice.title = "Mise à disposition de personnel dans les collèges".into();
    notice.lots = (0..173)
        .map(|n| Lot {
            id: (n + 1).to_string(),
            title: format!("Collège Jean-Moulin, {}", towns[n % 4]),
            ..Lot::default()
        })
        .collect();
    ingest::ingest(&app.service, &notice, None).await.unwrap();
    let procedure = app.service.store.notice(&notice.key()).await.unwrap().unwrap().procedure;
    let mut tx = app.service.store.begin_ingest(now()).await.unwrap();
    let told = tx.told(&procedure).await.unwrap();
    assert_eq!(told.len(), 4);
    for share in told {
        assert_eq!(share.disposition, Disposition::Instant);
        let why: vigie_notifier::card::Why = serde_json::from_str(&share.reasons).unwrap();
        let n = towns.iter().position(|t| *t == share.subscriber).unwrap();
        let expected: Vec<String> = (0..173).filter(|i| i % 4 == n).map(|i| (i + 1).to_string()).collect();
        assert_eq!(why.found.lots, expected, "{}", share.subscriber);
    }
}

#[tokio::test]
async fn what_a_person_turned_off_stays_off_when_they_are_brought_in_step() {
    let dir = tempfile::tempdir().unwrap();
    let app = app(&dir).await;
    service::subscribe(&app, "ana", "ana@structure.example", &Filter::default()).await.unwrap();
    assert!(app.service.store.set_without_closed("ana", true).await.unwrap());
    assert!(!app.service.store.set_without_closed("nobody", true).await.unwrap());
    service::subscribe(&app, "ana", "ana@structure.example", &Filter::default()).await.unwrap();
    assert!(app.service.store.subscriber("ana").await.unwrap().unwrap().profile.without_closed);
}

/// U6: a correction that repeats only the département reaches those whom its procedure's place concerns, and nobody else; U5: it keeps
/// the way to the documents.
#[tokio::test]
async fn a_correction_goes_by_the_place_of_its_procedure() {
    let dir = tempfile::tempdir().unwrap();
    let app = app(&dir).await;
    let circle = |town: &str| {
        let department = Department::parse("62");
        let commune = vigie_config::rules::communes().named(town, department.as_ref())[0].code.to_owned();
        Filter { around: vec![vigie_domain::Around { commune, km: 8 }], ..Filter::default() }
    };
    for town in ["Lens", "Calais"] {
        service::subscribe(&app, town, &format!("{}@structure.example", town.to_lowercase()), &circle(town))
            .await
            .unwrap();
    }
    let mut first = call();
    first.lots.clear();
    first.places.push(vigie_domain::Place { city: Some("Lens".into()), postcode: Some("62300".into()), nuts: None });
    first.documents_url = Some("https://dossier.example/1".into());
    ingest::ingest(&app.service, &first, None).await.unwrap();
    let mut later = Notice::new("boamp", "26-2", NoticeKind::Correction);
    later.title = first.title.clone();
    later.departments = first.departments.clone();
    later.links.earlier = vec!["26-1".into()];
    let at = DateTime::parse_from_rfc3339("2027-01-20T12:00:00+01:00").unwrap();
    later.dates = vec![TypedDate::of_field(DateKind::Tender, (at, true), "test")];
    ingest::ingest(&app.service, &later, None).await.unwrap();
    let procedure = app.service.store.notice(&later.key()).await.unwrap().unwrap().procedure;
    for (person, alerts) in [("Lens", 2), ("Calais", 0)] {
        let shares = app.service.store.notifications(person, &procedure).await.unwrap();
        assert_eq!(shares.len(), alerts, "{person}: {shares:?}");
    }
    let rows = app.service.store.deliveries(None, 10).await.unwrap();
    let mut told = Vec::new();
    for row in rows {
        for item in app.service.store.items_of(&row.id, &row.subscriber, &row.cause).await.unwrap() {
            let part = vigie_service::alert_card::read(&app.service, &item).await.unwrap().unwrap();
            told.push((part.kind, part.notice.documents_url, part.state.modified));
        }
    }
    // Nothing had left yet: what is told is the market as it stands now, with what the correction leaves out.
    let market = (vigie_domain::AlertKind::New, first.documents_url.clone(), true);
    assert!(told.len() == 2 && told.iter().all(|one| *one == market), "{told:?}");
}

/// U12: what follows something told in a weekly digest waits for the next one.
#[tokio::test]
async fn a_weekly_digest_stays_weekly() {
    let dir = tempfile::tempdir().unwrap();
    let app = app(&dir).await;
    let service = &app.service;
    service::subscribe(&app, "ana", "ana@structure.example", &Filter::default()).await.unwrap();
    for s in service.store.subscriptions_of("ana").await.unwrap() {
        service.store.remove_subscription(&s.id).await.unwrap();
    }
    let weekly = vigie_domain::Cadence::Weekly;
    service.store.put_subscription("ana", &Filter::default(), weekly, now()).await.unwrap();
    ingest::ingest(service, &call(), None).await.unwrap();
    let monday: DateTime<Utc> = "2026-11-30T07:00:00Z".parse().unwrap();
    let due = service.store.due_digests(monday, monday).await.unwrap();
    let address = service.store.active_addresses("ana").await.unwrap().remove(0);
    service
        .store
        .make_digest(
            &due[0],
            (vigie_store::digests::Lines::All, &[(address.id, address.channel)]),
            2000,
            monday,
            monday,
        )
        .await
        .unwrap();
    service.clock.set("2026-12-01T09:00:00Z".parse().unwrap());
    let mut award = Notice::new("boamp", "26-9", NoticeKind::Award);
    award.title = call().title;
    award.links.earlier = vec!["26-1".into()];
    award.awards = vec![Award { winners: vec!["Martin SARL".into()], ..Award::default() }];
    ingest::ingest(service, &award, None).await.unwrap();
    let procedure = service.store.notice(&call().key()).await.unwrap().unwrap().procedure;
    let shares = service.store.notifications("ana", &procedure).await.unwrap();
    let due: Vec<_> = shares.iter().filter(|s| s.notice == award.key()).map(|s| (s.disposition, s.due)).collect();
    assert_eq!(due, [(Disposition::Digest, Some("2026-12-07T07:00:00Z".parse().unwrap()))]);
}

//! Who hears what of a notice, when and why: planned without a database.

use std::collections::HashMap;
use std::sync::Arc;

use chrono::{DateTime, Duration, TimeZone, Utc};
use chrono_tz::Europe::Paris;
use vigie_config::rules;
use vigie_config::settings::Baseline;
use vigie_domain::notice::Passage;
use vigie_domain::procedure::{Snapshot, Statement};
use vigie_domain::subscription::{Candidate, Profile, Rhythm, Role};
use vigie_domain::taste::{Side, Taste};
use vigie_domain::{
    Alert, AlertKind, Cadence, Channel, DateKind, Department, Disposition, Filter, Notice, NoticeKind, Provision,
    StructureKind, Subscriber, Subscription, TypedDate,
};
use vigie_notifier::card::Why;
use vigie_notifier::due::DigestTimes;
use vigie_service::ingest::audience::Signed;
use vigie_service::ingest::carried::Carried;
use vigie_service::ingest::hourly_cap::{HourlyLoad, NOTE, WAIT};
use vigie_service::ingest::plan::{self, NoticePlan, PeoplePlan, Planner};
use vigie_service::ingest::stored::{People, Stored};
use vigie_service::ingest::{Audience, content_hash};
use vigie_store::audience::Person;
use vigie_store::ingest::{KnownNotice, KnownProcedure, Told, Untold};
use vigie_store::people::{Address, AddressState};
use vigie_watcher::classify;

const CAP: u32 = 3;
const TIMES: DigestTimes =
    DigestTimes { hour: 8, weekday: chrono::Weekday::Mon, days: vigie_domain::Days::ALL, zone: Paris };

fn now() -> DateTime<Utc> {
    Paris.with_ymd_and_hms(2026, 11, 24, 10, 0, 0).unwrap().with_timezone(&Utc)
}

fn call() -> Notice {
    let mut notice = Notice::new("boamp", "26-1", NoticeKind::Call);
    notice.title = "Nettoyage des écoles".into();
    notice.departments.extend(Department::parse("59"));
    notice
}

/// People who subscribed to the Nord, each with a cadence.
fn audience(people: &[(&str, Cadence)]) -> Audience {
    let mut audience = Audience::default();
    for (id, cadence) in people {
        audience.add(person(id, *cadence));
    }
    audience
}

/// One of them, with a mail address in use.
fn person(id: &str, cadence: Cadence) -> Arc<Person> {
    let north = Filter { departments: Department::parse("59").into_iter().collect(), ..Filter::default() };
    let subscription = Subscription {
        id: format!("sub-{id}"),
        subscriber: id.into(),
        filter: north,
        cadence,
        paused_until: None,
        name: String::new(),
    };
    let profile = Profile::default();
    Arc::new(Person {
        number: 1,
        subscriber: Subscriber { id: id.into(), name: String::new(), role: Role::Structure, profile },
        rhythm: Rhythm::default(),
        routes: vigie_domain::Routes::default(),
        away: None,
        subscriptions: vec![subscription],
        tastes: Vec::new(),
        addresses: vec![address(id, AddressState::Active)],
    })
}

fn address(of: &str, state: AddressState) -> Address {
    let value = format!("{of}@structure.example");
    Address { id: format!("mail-{of}"), subscriber: of.into(), channel: Channel::Email, value, state }
}

fn planner(audience: &Audience, first_poll: Option<Baseline>) -> Planner<'_> {
    Planner::with_paces(audience, first_poll, (TIMES, CAP), now())
}

/// What is planned of a notice, for everybody.
fn plan(planner: &Planner<'_>, notice: &Notice, stored: &Stored, people: &People) -> (NoticePlan, PeoplePlan) {
    let plan = plan::notice(notice, &content_hash(notice), classify::classify(notice), stored, now());
    let assessment = &plan.assessment;
    let candidate = Candidate { notice, assessment, folded: " ", now: now(), communes: rules::communes };
    let audiences = planner.audiences(&candidate, &stored.told);
    let shares = planner.people(audiences, &plan.alert, plan.silent, &plan.assessment, people);
    (plan, shares)
}

/// Each person with what was decided for them, and how many messages that makes.
fn outcome(plan: &PeoplePlan) -> Vec<(&str, Disposition, usize)> {
    plan.shares.iter().map(|(s, d)| (s.subscriber.as_str(), s.disposition, d.len())).collect()
}

/// What is stored once the first call was planned and these people were told.
fn after(first: &NoticePlan, told: &[(&str, Disposition)]) -> Stored {
    let told = told
        .iter()
        .map(|(id, disposition)| Told {
            subscriber: (*id).into(),
            disposition: *disposition,
            alert: first.alert.id.clone(),
            digest: (*disposition == Disposition::Digest).then(|| now() - Duration::days(1)),
            reasons: String::new(),
            subscription: None,
        })
        .collect();
    let procedure = KnownProcedure {
        id: first.alert.procedure.clone(),
        title: first.assessment.title.clone(),
        snapshot: first.after.clone(),
    };
    Stored { procedure: Some(procedure), told, ..Stored::default() }
}

#[test]
fn each_hears_at_their_own_rhythm() {
    let audience = audience(&[("now", Cadence::Instant), ("daily", Cadence::Daily), ("weekly", Cadence::Weekly)]);
    let (notice, people) = plan(&planner(&audience, None), &call(), &Stored::default(), &People::default());
    assert_eq!(notice.alert.kind, AlertKind::New);
    assert_eq!(
        outcome(&people),
        [("daily", Disposition::Digest, 0), ("now", Disposition::Instant, 1), ("weekly", Disposition::Digest, 0)]
    );
    let due: Vec<Option<DateTime<Utc>>> = people.shares.iter().map(|(s, _)| s.due).collect();
    let morning = |day| Some(Paris.with_ymd_and_hms(2026, 11, day, 8, 0, 0).unwrap().with_timezone(&Utc));
    assert_eq!(due, [morning(25), None, morning(30)]);
}

/// What nobody agreed to yet counts as told to nobody, so that their first digest has it.
#[test]
fn who_did_not_agree_yet_is_told_nothing_and_a_second_address_changes_nothing_of_the_first() {
    let with = |id: &str, states: &[AddressState]| {
        let addresses = states.iter().map(|state| address(id, *state)).collect();
        Arc::new(Person { addresses, ..(*person(id, Cadence::Instant)).clone() })
    };
    let mut audience = Audience::default();
    audience.add(with("waits", &[AddressState::Unconfirmed]));
    audience.add(with("both", &[AddressState::Unconfirmed, AddressState::Active]));
    audience.add(with("pages alone", &[]));
    for first_poll in [None, Some(Baseline::Digest)] {
        let (_, people) = plan(&planner(&audience, first_poll), &call(), &Stored::default(), &People::default());
        let of = |who: &str| people.shares.iter().find(|(s, _)| s.subscriber == who).unwrap();
        let (share, deliveries) = of("waits");
        assert_eq!((share.disposition, share.due, deliveries.len()), (Disposition::Paused, None, 0));
        assert!(share.reasons.contains("adresse pas encore confirmée"), "{}", share.reasons);
        assert!(of("both").0.disposition.is_told() && of("pages alone").0.disposition.is_told());
    }
}

/// U3: who corrects a verdict reads nothing of it; the others read who did, and why.
#[test]
fn a_correction_by_a_person_is_signed_and_not_told_to_its_author() {
    let audience = audience(&[("fatou", Cadence::Instant), ("ana", Cadence::Instant), ("weekly", Cadence::Weekly)]);
    let (first, _) = plan(&planner(&audience, None), &call(), &Stored::default(), &People::default());
    let told = [("fatou", Disposition::Instant), ("ana", Disposition::Instant), ("weekly", Disposition::Digest)];
    let stored = after(&first, &told);
    let signed = Signed { by: "fatou".into(), remark: "Corrigé par Fatou : article 5 du CCAP".into() };
    let alert = Alert { id: "c".into(), kind: AlertKind::VerdictCorrection, ..first.alert.clone() };
    let (notice, assessment) = (call(), &first.assessment);
    let candidate = Candidate { notice: &notice, assessment, folded: " ", now: now(), communes: rules::communes };
    let planner = planner(&audience, None).signed(Some(&signed));
    let audiences = planner.audiences(&candidate, &stored.told);
    let people = planner.people(audiences, &alert, false, assessment, &People::default());
    let of = |who: &str| people.shares.iter().find(|(s, _)| s.subscriber == who).unwrap();
    assert!(of("fatou").1.is_empty(), "{:?}", of("fatou"));
    assert!(of("fatou").0.reasons.contains("vous en êtes l’auteur"), "the journal says so");
    for who in ["ana", "weekly"] {
        let why: Why = serde_json::from_str(&of(who).0.reasons).unwrap();
        assert_eq!(why.remark.as_deref(), Some("Corrigé par Fatou : article 5 du CCAP"), "{who}");
    }
    assert_eq!(of("ana").1.len(), 1);
}

/// A facilitator said 600 hours; the correction died with the next rectificatif, and the buyer was said to have changed the hours.
#[test]
fn a_correction_holds_over_a_rectificatif_that_says_the_same_and_its_author_hears_of_one_that_does_not() {
    let text = |hours: u32| Passage {
        field: "t".into(),
        lot: None,
        text: format!("Clause d'insertion obligatoire : {hours} heures d'insertion à réaliser."),
    };
    let mut first = call();
    first.passages = vec![text(450)];
    let people = audience(&[("ana", Cadence::Instant)]);
    let (called, _) = plan(&planner(&people, None), &first, &Stored::default(), &People::default());
    let read = called.assessment.provisions.clone();
    assert_eq!(read.iter().map(|p| p.hours).collect::<Vec<_>>(), [Some(450.0)]);
    let corrected: Vec<Provision> = read.iter().map(|p| Provision { hours: Some(600.0), ..p.clone() }).collect();
    let assessment = classify::with_provisions(&first, &called.assessment, corrected.clone());
    let stored = |carried: bool| {
        let mut stored = after(&called, &[("ana", Disposition::Instant)]);
        stored.procedure.as_mut().unwrap().snapshot.provisions = Snapshot::of(&assessment).provisions;
        stored.earlier = Some(assessment.clone());
        let carry = Carried { by: "bea".into(), read: read.clone(), corrected: corrected.clone() };
        stored.carried = carried.then_some(carry);
        stored
    };
    let later = |hours: u32| {
        let mut later = Notice { record_id: "26-2".into(), kind: NoticeKind::Correction, ..first.clone() };
        later.passages = vec![text(hours)];
        later
    };
    let hours = |plan: &NoticePlan| plan.assessment.provisions.iter().map(|p| p.hours).collect::<Vec<_>>();
    let told_of_hours = |plan: &NoticePlan| !plan.alert.changes.is_empty();
    let (same, _) = plan(&planner(&people, None), &later(450), &stored(true), &People::default());
    assert_eq!((hours(&same), told_of_hours(&same)), (vec![Some(600.0)], false), "{:?}", same.alert.changes);
    assert_eq!(same.contradicted, None);

    let planner = planner(&people, None).contradicting(Some("bea"));
    let (other, shares) = plan(&planner, &later(500), &stored(true), &People::default());
    assert_eq!((hours(&other), told_of_hours(&other)), (vec![Some(500.0)], true));
    assert_eq!(other.contradicted.as_deref(), Some("bea"));
    let why = |who: &str| -> Why {
        let (share, _) = shares.shares.iter().find(|(s, _)| s.subscriber == who).unwrap();
        serde_json::from_str(&share.reasons).unwrap()
    };
    assert!(why("bea").remark.is_some_and(|r| r.starts_with("Vous aviez corrigé")), "she had no alert before");
    assert_eq!(why("ana").remark, None);
}

/// What a structure learned to hear of later comes in its digest, named, behind the others; what is reserved for it, or closes soon,
/// comes as ever, and so does what it did not learn of.
#[test]
fn a_taste_moves_what_it_is_of_into_the_digest_and_nothing_that_presses() {
    let offices = Notice { title: "Nettoyage de bureaux".into(), ..call() };
    let taste = |sector: &String| Taste {
        sector: sector.clone(),
        side: Side::Outside(Department::parse("62").into_iter().collect()),
        refused: 6,
        decided: 6,
    };
    let tastes: Vec<Taste> = classify::classify(&offices).sectors.iter().map(taste).collect();
    assert!(!tastes.is_empty());
    let with = |cadence, tastes: &[Taste]| {
        let mut everybody = Audience::default();
        let ana = person("ana", cadence);
        let profile = Profile { kind: Some(StructureKind::Ea), ..Profile::default() };
        let subscriber = Subscriber { profile, ..ana.subscriber.clone() };
        everybody.add(Arc::new(Person { tastes: tastes.to_vec(), subscriber, ..(*ana).clone() }));
        everybody
    };
    let hears = |cadence, tastes: &[Taste], notice: &Notice| {
        let audience = with(cadence, tastes);
        let (_, people) = plan(&planner(&audience, None), notice, &Stored::default(), &People::default());
        let (share, _) = people.shares[0].clone();
        let why: Why = serde_json::from_str(&share.reasons).unwrap();
        (share.disposition, why.fit)
    };
    let learned = tastes.as_slice();
    let (disposition, plain) = hears(Cadence::Instant, &[], &offices);
    assert_eq!(disposition, Disposition::Instant);
    for cadence in [Cadence::Instant, Cadence::Auto, Cadence::Daily] {
        let (disposition, fit) = hears(cadence, learned, &offices);
        assert_eq!(disposition, Disposition::Digest, "{cadence:?}");
        assert!(fit.reasons[0].contains("6 refus sur 6") && fit.reasons[0].contains("hors du 62"), "{fit:?}");
        assert!(fit.score <= plain.score / 2, "behind the others: {fit:?}");
    }
    let mut reserved = offices.clone();
    reserved.title = "Nettoyage de bureaux, marché réservé aux entreprises adaptées".into();
    let mut soon = offices.clone();
    let closes = (now() + Duration::hours(30)).fixed_offset();
    soon.dates.push(TypedDate::of_field(DateKind::Tender, (closes, true), "test"));
    let mut near = offices.clone();
    near.departments = ["59", "62"].into_iter().filter_map(Department::parse).collect();
    let mut other = offices.clone();
    other.title = "Nettoyage de bureaux et entretien des espaces verts".into();
    for notice in [&reserved, &soon, &near, &other] {
        let (disposition, fit) = hears(Cadence::Instant, learned, notice);
        assert_eq!(disposition, Disposition::Instant, "{}", notice.title);
        assert!(!fit.reasons.iter().any(|r| r.contains("refus sur")), "{fit:?}");
    }
}

#[test]
fn only_addresses_in_use_get_messages() {
    let mut audience = audience(&[("ana", Cadence::Instant)]);
    let states = [AddressState::Active, AddressState::Stopped, AddressState::Suspended, AddressState::Unconfirmed];
    let ana = person("ana", Cadence::Instant);
    audience.add(Arc::new(Person { addresses: states.map(|s| address("ana", s)).into(), ..(*ana).clone() }));
    let (_, people) = plan(&planner(&audience, None), &call(), &Stored::default(), &People::default());
    assert_eq!(outcome(&people), [("ana", Disposition::Instant, 1)]);
}

#[test]
fn a_first_poll_is_quiet_or_merged_as_the_source_asks() {
    let audience = audience(&[("ana", Cadence::Instant)]);
    let first = |baseline| {
        let (_, people) = plan(&planner(&audience, Some(baseline)), &call(), &Stored::default(), &People::default());
        let (share, deliveries) = people.shares[0].clone();
        (share.disposition, share.due, deliveries.len())
    };
    assert_eq!(first(Baseline::Quiet), (Disposition::Baseline, None, 0));
    assert_eq!(first(Baseline::Digest), (Disposition::Overflow, Some(now() + WAIT), 0));
    assert_eq!(first(Baseline::Deliver), (Disposition::Instant, None, 1));
}

#[test]
fn over_the_hourly_cap_messages_are_merged_into_the_one_that_waits() {
    let mut audience = audience(&[("ana", Cadence::Instant), ("bob", Cadence::Instant), ("eve", Cadence::Instant)]);
    let rhythm = Rhythm { per_hour: Some(0), ..Rhythm::default() };
    audience.add(Arc::new(Person { rhythm, ..(*person("eve", Cadence::Instant)).clone() }));
    let instants = HashMap::from([("ana".into(), CAP), ("bob".into(), CAP - 1), ("eve".into(), 100)]);
    let waits = now() + Duration::minutes(4);
    let load = HourlyLoad::of(instants, HashMap::from([("ana".into(), waits)]));
    let people = People { load, ..People::default() };
    let (_, plan) = plan(&planner(&audience, None), &call(), &Stored::default(), &people);
    assert_eq!(
        outcome(&plan),
        [("ana", Disposition::Overflow, 0), ("bob", Disposition::Instant, 1), ("eve", Disposition::Instant, 1)]
    );
    assert_eq!(plan.shares[0].0.due, Some(waits));
    assert!(plan.shares[0].0.reasons.contains(NOTE));
}

#[test]
fn a_call_published_again_elsewhere_tells_nobody_twice_but_those_it_newly_concerns() {
    let both = audience(&[("ana", Cadence::Instant), ("bob", Cadence::Instant)]);
    let (first, _) = plan(&planner(&both, None), &call(), &Stored::default(), &People::default());
    let twin = Notice { source: "ted".into(), record_id: "1-2026".into(), ..call() };
    let stored = after(&first, &[("ana", Disposition::Instant)]);
    let (notice, people) = plan(&planner(&both, None), &twin, &stored, &People::default());
    assert_eq!(notice.alert.procedure, first.alert.procedure);
    assert_eq!(outcome(&people), [("ana", Disposition::Duplicate, 0), ("bob", Disposition::Instant, 1)]);
    assert_eq!(people.replaced, Vec::<String>::new());
}

#[test]
fn a_cancellation_comes_the_way_the_call_came_and_replaces_what_was_not_sent() {
    let audience = audience(&[("ana", Cadence::Instant), ("bob", Cadence::Daily)]);
    let (first, _) = plan(&planner(&audience, None), &call(), &Stored::default(), &People::default());
    let mut stored =
        after(&first, &[("ana", Disposition::Instant), ("bob", Disposition::Digest), ("gone", Disposition::Instant)]);
    stored.earlier = Some(first.assessment.clone());
    let waits = now() + Duration::hours(20);
    let people = People { lines: HashMap::from([("bob".into(), waits)]), ..People::default() };
    let mut cancelled = Notice::new("boamp", "26-2", NoticeKind::Cancellation);
    cancelled.title = call().title;
    let (notice, plan) = plan(&planner(&audience, None), &cancelled, &stored, &people);
    assert_eq!((notice.alert.kind, notice.silent), (AlertKind::Cancellation, false));
    assert_eq!(
        outcome(&plan),
        [("ana", Disposition::Instant, 1), ("bob", Disposition::Digest, 0), ("gone", Disposition::Instant, 0)]
    );
    assert_eq!(plan.shares[1].0.due, Some(waits), "its line takes the place of the one that waits");
    assert_eq!(plan.replaced, ["ana", "bob", "gone"]);
    assert!(plan.shares[1].0.reasons.contains("Annule un marché de votre résumé du"));
    assert_eq!(notice.assessment.departments, first.assessment.departments, "what it leaves out is as it was");
}

/// A2: what was stated earlier and arrives late changes nothing and tells nobody.
#[test]
fn an_older_statement_that_arrives_late_is_silent() {
    let audience = audience(&[("ana", Cadence::Instant)]);
    let planner = planner(&audience, None);
    let closes = |day: &str| {
        let at = DateTime::parse_from_rfc3339(&format!("{day}T12:00:00+01:00")).unwrap();
        TypedDate::of_field(DateKind::Tender, (at, true), "test")
    };
    let published = |record: &str, kind, day: u32, date: &str| {
        let mut notice = Notice { source: "boamp".into(), record_id: record.into(), kind, ..call() };
        notice.published = chrono::NaiveDate::from_ymd_opt(2026, 11, day);
        notice.dates = vec![closes(date)];
        notice
    };
    let first = published("26-1", NoticeKind::Call, 20, "2027-01-12");
    let corrected = published("26-2", NoticeKind::Correction, 23, "2027-01-26");
    let (before, _) = plan(&planner, &first, &Stored::default(), &People::default());
    let mut stored = after(&before, &[("ana", Disposition::Instant)]);
    stored.others = vec![Statement::of(&first)];
    let (moved, people) = plan(&planner, &corrected, &stored, &People::default());
    assert_eq!(outcome(&people), [("ana", Disposition::Instant, 1)]);
    let closing = moved.after.closes();
    assert_eq!(closing, Some(closes("2027-01-26").at));
    let mut stored = after(&moved, &[("ana", Disposition::Instant)]);
    stored.others = [corrected, first].iter().map(Statement::of).collect();
    for (kind, day) in [(NoticeKind::Call, 20), (NoticeKind::Correction, 21), (NoticeKind::PriorInformation, 2)] {
        let late = Notice { source: "ted".into(), ..published("9-2026", kind, day, "2027-01-12") };
        let (notice, people) = plan(&planner, &late, &stored, &People::default());
        assert_eq!(notice.after.closes(), closing, "{kind:?}");
        assert_eq!(outcome(&people), [("ana", Disposition::Duplicate, 0)], "{kind:?}");
    }
    let later = Notice { source: "ted".into(), ..published("9-2026", NoticeKind::Correction, 30, "2027-02-01") };
    let (notice, people) = plan(&planner, &later, &stored, &People::default());
    assert_ne!(notice.after.closes(), closing);
    assert_eq!(outcome(&people), [("ana", Disposition::Instant, 1)]);
}

#[test]
fn the_same_content_after_another_is_a_version_of_its_own() {
    let audience = audience(&[]);
    let planner = planner(&audience, None);
    let id = |version| {
        let known = KnownNotice { content_hash: "h".into(), version, procedure: "p".into() };
        let stored = Stored { notice: Some(known), ..Stored::default() };
        plan(&planner, &call(), &stored, &People::default()).0.alert.id
    };
    assert_ne!(id(1), id(2));
}

/// A call that says its closing date in words, as feeds and pages do.
fn in_words(text: &str) -> Notice {
    let mut notice = call();
    notice.passages.push(vigie_domain::Passage { field: "entry".into(), lot: None, text: text.into() });
    notice
}

/// What is stored once that version of a record was planned and one person was told.
fn once_told(first: &Notice, people: &Audience) -> Stored {
    let plan = plan(&planner(people, None), first, &Stored::default(), &People::default()).0;
    let known = KnownNotice { content_hash: "x".into(), version: 1, procedure: plan.alert.procedure.clone() };
    let (said, previous) = (Some(first.clone()), Some(plan.assessment.clone()));
    Stored { notice: Some(known), said, previous, ..after(&plan, &[("now", Disposition::Instant)]) }
}

const WHOLE: &str = "Marché réservé aux ESAT. Date limite de réception des offres : 15/01/2027 à 12h00.";

/// Attack: a description that loses its closing date for one poll is no correction, twice.
#[test]
fn a_record_that_is_shown_cut_for_a_while_corrects_nothing() {
    let audience = audience(&[("now", Cadence::Instant)]);
    let stored = once_told(&in_words(WHOLE), &audience);
    let tells = |text: &str| {
        let (notice, people) = plan(&planner(&audience, None), &in_words(text), &stored, &People::default());
        (notice.after.closes().is_some(), people.shares.iter().any(|(s, _)| s.disposition.is_told()))
    };
    assert_eq!(tells("Marché réservé aux ESAT."), (true, false), "cut behind");
    assert_eq!(tells("Marché  réservé aux ESAT. Date limite"), (true, false), "cut in a sentence");
    assert_eq!(tells(&WHOLE.replace("15/01", "22/01")), (true, true), "another date");
    assert_eq!(
        tells("Date limite de réception des offres : 15/01/2027 à 12h00."),
        (true, true),
        "not reserved any more"
    );
    assert_eq!(tells("Marché réservé aux ESAT. La date limite est reportée sine die."), (false, true), "said anew");
}

/// Attack: a page that could not be read once is our gap, and what it says no correction.
#[test]
fn what_a_page_says_once_it_can_be_read_is_no_correction() {
    let everybody = audience(&[("now", Cadence::Instant), ("later", Cadence::Instant)]);
    let told = audience(&[("now", Cadence::Instant)]);
    let mut list_only = call();
    list_only.partial = true;
    let stored = once_told(&list_only, &told);
    let (notice, people) = plan(&planner(&everybody, None), &in_words(WHOLE), &stored, &People::default());
    assert_eq!((notice.alert.kind, notice.after.closes().is_some()), (AlertKind::New, true));
    let outcome = outcome(&people);
    assert_eq!(outcome, [("later", Disposition::Instant, 1), ("now", Disposition::Duplicate, 0)]);
    // What the list said is corrected all the same, and a page that cannot be read later takes nothing back.
    let mut dated = in_words(WHOLE);
    dated.partial = true;
    let stored = once_told(&dated, &told);
    let moved = in_words(&WHOLE.replace("15/01", "22/01"));
    let (notice, _) = plan(&planner(&told, None), &moved, &stored, &People::default());
    assert_eq!((notice.alert.kind, notice.silent), (AlertKind::Correction, false));
    let stored = once_told(&in_words(WHOLE), &told);
    let (notice, _) = plan(&planner(&told, None), &list_only, &stored, &People::default());
    assert!(notice.silent && notice.after.closes().is_some(), "{:?}", notice.alert);
    let stored = once_told(&call(), &told);
    let (notice, _) = plan(&planner(&told, None), &in_words(WHOLE), &stored, &People::default());
    assert_eq!((notice.alert.kind, notice.silent), (AlertKind::Correction, false), "a publisher's own addition");
}

/// What was to be told of an alert and has not left.
fn untold(plan: &NoticePlan, share: Option<&str>) -> Untold {
    let changes = serde_json::to_string(&plan.alert.changes).unwrap_or_default();
    Untold { kind: plan.alert.kind, changes, reasons: share.unwrap_or_default().to_owned() }
}

/// The call, closing on that day of December.
fn closing(record: &str, kind: NoticeKind, day: u32) -> Notice {
    let at = DateTime::parse_from_rfc3339(&format!("2026-12-{day:02}T12:00:00+01:00")).unwrap_or_default();
    let dates = vec![TypedDate::of_field(DateKind::Tender, (at, true), "deadline")];
    let mut notice = Notice { record_id: record.into(), kind, dates, ..call() };
    notice.published = Some(now().date_naive());
    if record != "26-1" {
        notice.links.earlier.push("26-1".into());
    }
    notice
}

/// F3, F4, F5: who was told of the 15th hears of it against the 15th, whatever was to be told between.
#[test]
fn a_change_is_told_against_what_was_told_last() {
    let audience = audience(&[("ana", Cadence::Instant), ("bob", Cadence::Daily)]);
    let planner = planner(&audience, None);
    let told = &[("ana", Disposition::Instant), ("bob", Disposition::Digest)];
    let (first, _) = plan(&planner, &closing("26-1", NoticeKind::Call, 15), &Stored::default(), &People::default());
    let (second, shares) =
        plan(&planner, &closing("26-2", NoticeKind::Correction, 20), &after(&first, told), &People::default());
    assert_eq!((second.alert.kind, shares.shares.len()), (AlertKind::Correction, 2));
    let why = |plan: &PeoplePlan, n: usize| -> vigie_notifier::card::Why {
        serde_json::from_str(&plan.shares[n].0.reasons).unwrap()
    };
    assert_eq!(why(&shares, 0).changes, None, "what was told last is what the alert stands on");
    let waits = |share: Option<&str>| People {
        untold: ["ana", "bob"].map(|p| (p.to_owned(), vec![untold(&second, share)])).into(),
        lines: HashMap::from([("bob".into(), now() + Duration::hours(20))]),
        ..People::default()
    };
    let days = |changes: &[vigie_domain::procedure::Change]| -> Vec<(u32, u32)> {
        let day = |at: &Option<DateTime<chrono::FixedOffset>>| at.map_or(0, |at| chrono::Datelike::day(&at));
        let moved = |c: &vigie_domain::procedure::Change| match c {
            vigie_domain::procedure::Change::Date { from, to, .. } => Some((day(from), day(to))),
            _ => None,
        };
        changes.iter().filter_map(moved).collect()
    };
    let later = |day| closing("26-3", NoticeKind::Correction, day);
    let (third, shares) = plan(&planner, &later(22), &after(&second, told), &waits(None));
    assert_eq!(days(&third.alert.changes), [(20, 22)]);
    for n in [0, 1] {
        assert_eq!(days(&why(&shares, n).changes.unwrap()), [(15, 22)]);
    }
    // A third correction before anything left: what the second was to tell stands in its share.
    let reasons = shares.shares[0].0.reasons.clone();
    let people =
        People { untold: [("ana".to_owned(), vec![untold(&third, Some(&reasons))])].into(), ..People::default() };
    let (_, again) = plan(&planner, &closing("26-4", NoticeKind::Correction, 28), &after(&third, told), &people);
    assert_eq!(days(&why(&again, 0).changes.unwrap()), [(15, 28)]);
    // Moved back: there is nothing to tell, and what waits is dropped.
    let (_, shares) = plan(&planner, &later(15), &after(&second, told), &waits(None));
    assert_eq!(outcome(&shares), [("ana", Disposition::Duplicate, 0), ("bob", Disposition::Duplicate, 0)]);
    assert_eq!(shares.replaced, ["ana", "bob"]);
    // Called off, with the dates of the first notice: how it ended, and no date.
    let (ended, shares) =
        plan(&planner, &closing("26-3", NoticeKind::Cancellation, 15), &after(&second, told), &waits(None));
    assert_eq!((ended.alert.kind, days(&ended.alert.changes)), (AlertKind::Cancellation, vec![]));
    assert_eq!(outcome(&shares), [("ana", Disposition::Instant, 1), ("bob", Disposition::Digest, 0)]);
    assert_eq!(days(&why(&shares, 0).changes.unwrap()), []);
    // Who was told nothing is told of a market, not of a change.
    let first_waits = People { untold: [("ana".to_owned(), vec![untold(&first, None)])].into(), ..People::default() };
    let (_, shares) = plan(&planner, &closing("26-2", NoticeKind::Correction, 20), &after(&first, told), &first_waits);
    assert!(why(&shares, 0).first && why(&shares, 0).changes == Some(vec![]), "{:?}", why(&shares, 0));
    assert!(!why(&shares, 1).first);
}

/// F6: an award whose call comes after it is news to nobody who knew nothing of the call; a follow-up of theirs still is.
#[test]
fn a_call_that_ended_before_it_was_seen_is_told_to_nobody() {
    let audience = audience(&[("ana", Cadence::Instant)]);
    let planner = planner(&audience, None);
    for kind in [NoticeKind::Award, NoticeKind::NoAward, NoticeKind::Cancellation] {
        let mut end = closing("26-11", kind, 15);
        end.dates.clear();
        let (first, _) = plan(&planner, &end, &Stored::default(), &People::default());
        let mut stored = after(&first, &[]);
        stored.others = vec![Statement::of(&end)];
        let late = closing("26-1", NoticeKind::Call, 15);
        let shown = plan::notice(&late, &content_hash(&late), classify::classify(&late), &stored, now());
        assert!(shown.news().over, "{kind:?}");
        let candidate = Candidate {
            notice: &late,
            assessment: &shown.assessment,
            folded: " ",
            now: now(),
            communes: rules::communes,
        };
        let over = Planner::with_paces(&audience, None, (TIMES, CAP), now()).over(shown.news().over);
        let audiences = over.audiences(&candidate, &[]);
        let shares = over.people(audiences, &shown.alert, shown.silent, &shown.assessment, &People::default());
        assert_eq!(outcome(&shares), [("ana", Disposition::Baseline, 0)], "{kind:?}");
    }
}

//! One story, told to both engines: a person subscribes, a notice arrives, a message is claimed, lost, claimed again and
//! settled.

use chrono::{DateTime, Duration, Utc};
use vigie_domain::delivery::Settlement;
use vigie_domain::procedure::Snapshot;
use vigie_domain::subscription::{Profile, Role};
use vigie_domain::{
    Alert, AlertKind, Cadence, Cause, Channel, Decision, DeliveryState, Disposition, Filter, Notice, NoticeKind,
    Refusal, Stage, Subscriber,
};
use vigie_store::Store;
use vigie_store::claim::Claim;
use vigie_store::digests::DueDigest;
use vigie_store::ingest::{NewDelivery, NewNotification};
use vigie_store::outbox::Claimed;
use vigie_store::people::{AddressState, NewSubscriber};
use vigie_store::quarantine::Quarantined;
use vigie_store::sources::{PageEnd, PollEnd};
use vigie_tests::servers::Postgres;
use vigie_watcher::classify::classify;

fn at(minute: i64) -> DateTime<Utc> {
    DateTime::parse_from_rfc3339("2026-11-21T08:00:00Z").unwrap().with_timezone(&Utc) + Duration::minutes(minute)
}

const LEASE: Duration = Duration::seconds(60);

async fn claim(store: &Store, holder: &str, token: &str, minute: i64) -> Vec<Claimed> {
    let claim = Claim { lease_holder: holder, token, limit: 10, lease: LEASE, domain_gap: Duration::zero() };
    store.claim(&claim, at(minute)).await.unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn the_story_on_sqlite() {
    let dir = tempfile::tempdir().unwrap();
    let url = format!("sqlite:{}", dir.path().join("story.sqlite").display());
    story(&url).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_story_on_postgresql() {
    let Some(postgres) = Postgres::start() else { return };
    story(&postgres.url).await;
}

async fn story(url: &str) {
    let store = Store::open(url).await.unwrap();
    // Opening again applies no step twice.
    Store::open(url).await.unwrap().close().await;

    let address = person_subscribes(&store).await;
    notice_arrives(&store, &address).await;
    message_is_sent_once(&store).await;
    digest_is_made_once(&store, &address).await;
    a_flood_makes_several_digests(&store, &address).await;
    colleagues_share_a_decision(&store).await;
    a_busy_lane_delays_no_other(&store).await;
    source_is_held_by_one(&store).await;
    bad_record_is_kept(&store).await;
    store.close().await;
}

async fn person_subscribes(store: &Store) -> String {
    let before = store.subscription_version().await.unwrap();
    let subscriber =
        Subscriber { id: "p".into(), name: "Atelier\0 Nul".into(), role: Role::Structure, profile: Profile::default() };
    let new = NewSubscriber {
        subscriber,
        addresses: vec![(Channel::Email, "a@b.fr".into(), AddressState::Unconfirmed)],
        declared: false,
    };
    store.put_subscriber(&new, at(0)).await.unwrap();
    let confirmed = NewSubscriber { addresses: vec![(Channel::Email, "a@b.fr".into(), AddressState::Active)], ..new };
    store.put_subscriber(&confirmed, at(0)).await.unwrap();
    let first = store.put_subscription("p", &Filter::default(), Cadence::Instant, at(0)).await.unwrap();
    let again = store.put_subscription("p", &Filter::default(), Cadence::Instant, at(0)).await.unwrap();
    assert_eq!(first, again, "the same subscription twice is one");
    assert!(store.subscription_version().await.unwrap() > before, "the audience index must notice");
    let (_, all) = store.subscriptions().await.unwrap();
    assert_eq!(all.len(), 1);
    assert_eq!(store.find_subscribers("A@B.FR").await.unwrap()[0].id, "p");
    let addresses = store.addresses("p").await.unwrap();
    assert_eq!((addresses.len(), addresses[0].state), (1, AddressState::Active));
    addresses[0].id.clone()
}

/// A hundred messages for one address, then one for another: the other is served in the next round; and a lane that was told
/// to wait is left alone, whoever asks.
async fn a_busy_lane_delays_no_other(store: &Store) {
    for (person, messages) in [("busy", 100), ("calm", 1)] {
        let subscriber =
            Subscriber { id: person.into(), name: person.into(), role: Role::Subscriber, profile: Profile::default() };
        let addresses = vec![(Channel::Email, format!("{person}@b.fr"), AddressState::Active)];
        store.put_subscriber(&NewSubscriber { subscriber, addresses, declared: false }, at(200)).await.unwrap();
        let address = store.addresses(person).await.unwrap()[0].id.clone();
        let mut tx = store.begin_ingest(at(200)).await.unwrap();
        for n in 0..messages {
            let delivery = NewDelivery {
                subscriber: person.into(),
                address: address.clone(),
                channel: Channel::Email,
                cause: Cause::Alert(format!("{person}-{n}")),
                procedure: String::new(),
                expires: None,
            };
            let share = NewNotification {
                subscriber: person.into(),
                subscription: None,
                disposition: Disposition::Instant,
                reasons: "{}".into(),
                due: None,
            };
            tx.put_notifications(&format!("{person}-{n}"), &[(share, vec![delivery])]).await.unwrap();
        }
        tx.commit().await.unwrap();
    }
    let served = claim(store, "one", "l1", 200).await;
    let people: Vec<&str> = served.iter().map(|d| d.subscriber.as_str()).collect();
    assert_eq!(people[..2], ["busy", "calm"], "one of each lane");
    assert!(people.len() > 2 && people[2..].iter().all(|p| *p == "busy"), "then what room is left: {people:?}");
    for delivery in &served {
        let free = if delivery.subscriber == "busy" { at(260) } else { at(200) };
        assert!(store.settle(delivery, &Settlement::Sent("250".into()), free, at(200)).await.unwrap());
    }
    assert!(claim(store, "one", "l2", 259).await.is_empty(), "the lane was told to wait");
    assert_eq!(store.next_delivery_at().await.unwrap(), Some(at(260)));
    assert!(!claim(store, "one", "l3", 260).await.is_empty());
    store.begin_outage(Channel::Email, at(300), "421", at(260)).await.unwrap();
    assert!(claim(store, "one", "l4", 299).await.is_empty(), "the channel rests, and the lapsed lease with it");
    let again = claim(store, "one", "l5", 300).await;
    assert!(again.len() == 1 && again[0].probe, "one tries whether the server is back");
    assert_eq!(store.outages().await.unwrap().len(), 1);
    store.end_outage(Channel::Email, at(300)).await.unwrap();
    assert!(store.outages().await.unwrap().is_empty());
    assert_eq!(store.mend_lanes(at(300)).await.unwrap(), 0, "nothing to mend");
    let gap = Claim { lease_holder: "one", token: "l6", limit: 10, lease: LEASE, domain_gap: Duration::minutes(5) };
    store.settle(&again[0], &Settlement::Sent("250".into()), at(300), at(300)).await.unwrap();
    assert_eq!(store.claim(&gap, at(300)).await.unwrap().len(), 1);
    assert!(store.claim(&Claim { token: "l7", ..gap }, at(304)).await.unwrap().is_empty(), "the domain is paced");
}

async fn colleagues_share_a_decision(store: &Store) {
    let go = Decision::new("siret", "proc", Stage::Go, "Ana", at(1));
    let first = store.decide(&go).await.unwrap();
    assert!(first.changed && first.before.is_none());
    let second = store.decide(&Decision::new("siret", "proc", Stage::Go, "Bruno", at(2))).await.unwrap();
    assert!(!second.changed && second.now.by == "Ana", "the second is told who was first: {second:?}");
    let read = store.decide(&Decision::new("siret", "proc", Stage::Read, "Bruno", at(3))).await.unwrap();
    assert!(!read.changed && read.now.stage == Stage::Go, "reading undoes no decision");
    let lot = Decision {
        lot: "2".into(),
        refusal: Some(Refusal::Place),
        ..Decision::new("siret", "proc", Stage::NoGo, "Ana", at(4))
    };
    assert!(store.decide(&lot).await.unwrap().changed);
    store.decide(&Decision::new("other", "proc", Stage::NoGo, "Zoé", at(5))).await.unwrap();
    let mine = store.decisions_on("siret", "proc").await.unwrap();
    assert_eq!(mine, [first.now, lot], "one row a lot, and nobody else's");
    assert_eq!(store.decision_steps("siret", at(0)).await.unwrap().len(), 2);
    assert_eq!(store.decisions_at(&[Stage::Go]).await.unwrap().len(), 1);
}

async fn notice_arrives(store: &Store, address: &str) {
    let mut notice = Notice::new("boamp", "26-1", NoticeKind::Call);
    notice.title = "Nettoyage".into();
    let assessment = classify(&notice);
    let alert = Alert {
        id: "alert-1".into(),
        kind: AlertKind::New,
        procedure: "proc-1".into(),
        notice: notice.key(),
        changes: vec![],
    };
    let delivery = NewDelivery {
        subscriber: "p".into(),
        address: address.into(),
        channel: Channel::Email,
        cause: Cause::Alert("alert-1".into()),
        procedure: "proc-1".into(),
        expires: Some(at(60 * 24)),
    };
    let share = NewNotification {
        subscriber: "p".into(),
        subscription: None,
        disposition: Disposition::Instant,
        reasons: "{}".into(),
        due: None,
    };
    // A transaction that is dropped leaves nothing behind.
    for commit in [false, true, true] {
        let mut tx = store.begin_ingest(at(1)).await.unwrap();
        let known = tx.known_notice(&notice.key()).await.unwrap();
        if known.is_some_and(|k| k.content_hash == "hash") {
            continue;
        }
        assert!(tx.procedures_of(&["record:boamp:26-1".into()]).await.unwrap().is_empty());
        tx.put_procedure("proc-1", "Nettoyage", &Snapshot::default(), &["record:boamp:26-1".into()]).await.unwrap();
        tx.put_notice(&notice, &assessment, "hash", "proc-1").await.unwrap();
        tx.put_alert(&alert, None).await.unwrap();
        tx.put_notifications("alert-1", &[(share.clone(), vec![delivery.clone()])]).await.unwrap();
        assert_eq!(tx.instants_since(&["p"], at(0)).await.unwrap()["p"], 1);
        assert_eq!(tx.told("proc-1").await.unwrap().len(), 1);
        if commit {
            tx.commit().await.unwrap();
        }
    }
    assert_eq!(store.content_hashes(&["boamp:26-1".into()]).await.unwrap()["boamp:26-1"], "hash");
    assert_eq!(store.notice("26-1").await.unwrap().unwrap().procedure, "proc-1");
    assert_eq!(store.deliveries(None, 10).await.unwrap().len(), 1);
}

async fn message_is_sent_once(store: &Store) {
    // One worker takes it; another finds nothing.
    let claimed = claim(store, "one", "t1", 2).await;
    assert_eq!(claimed.len(), 1);
    assert!(claim(store, "two", "t2", 2).await.is_empty());
    assert_eq!(store.items(&claimed[0]).await.unwrap().len(), 1);
    // The worker dies before the first byte: the lease runs out and the delivery is simply due again.
    let second = claim(store, "two", "t2", 4).await;
    assert_eq!(second.len(), 1);
    assert!(
        !store.settle(&claimed[0], &Settlement::Sent("250".into()), at(4), at(4)).await.unwrap(),
        "an old token settles nothing"
    );
    assert!(!store.start_attempt(&claimed[0], LEASE, at(4)).await.unwrap());
    // The second worker dies after the first byte: that is recorded as ambiguous, and sent again.
    assert!(store.start_attempt(&second[0], LEASE, at(4)).await.unwrap());
    let third = claim(store, "three", "t3", 6).await;
    assert_eq!((third.len(), third[0].attempts), (1, 1));
    let attempts = store.attempts(&third[0].id).await.unwrap();
    assert_eq!(attempts[0].outcome.as_deref(), Some("ambiguous"));
    assert!(store.start_attempt(&third[0], LEASE, at(6)).await.unwrap());
    // Put off, then sent.
    assert!(store.settle(&third[0], &Settlement::Deferred(at(30), "451".into()), at(6), at(6)).await.unwrap());
    assert!(claim(store, "four", "t4", 29).await.is_empty(), "never before the time asked for");
    assert_eq!(store.next_delivery_at().await.unwrap(), Some(at(30)));
    let fourth = claim(store, "four", "t5", 30).await;
    assert!(store.renew(&fourth[0], LEASE, at(31)).await.unwrap());
    assert!(store.start_attempt(&fourth[0], LEASE, at(31)).await.unwrap());
    assert!(store.settle(&fourth[0], &Settlement::Sent("250 OK".into()), at(31), at(31)).await.unwrap());
    let row = store.delivery(&fourth[0].id).await.unwrap().unwrap();
    assert_eq!((row.state, row.attempts), (DeliveryState::Sent, 3));
    assert_ne!(
        store.replay(&row.id, at(32)).await.unwrap(),
        vigie_store::outbox::Replay::Queued,
        "what was sent is not sent again"
    );
}

async fn digest_is_made_once(store: &Store, address: &str) {
    let alert = Alert {
        id: "alert-2".into(),
        kind: AlertKind::New,
        procedure: "proc-2".into(),
        notice: "boamp:26-1".into(),
        changes: vec![],
    };
    let share = NewNotification {
        subscriber: "p".into(),
        subscription: None,
        disposition: Disposition::Digest,
        reasons: "{}".into(),
        due: Some(at(100)),
    };
    let mut tx = store.begin_ingest(at(40)).await.unwrap();
    tx.put_alert(&alert, None).await.unwrap();
    tx.put_notifications("alert-2", &[(share, Vec::new())]).await.unwrap();
    tx.commit().await.unwrap();
    assert!(store.due_digests(at(99), at(99)).await.unwrap().is_empty());
    let due: Vec<DueDigest> = store.due_digests(at(100), at(100)).await.unwrap();
    assert_eq!(due.len(), 1);
    // The second call stands for a process that saw the same digest due.
    for _ in 0..2 {
        store
            .make_digest(
                &due[0],
                (vigie_store::digests::Lines::All, &[(address.to_owned(), Channel::Email)]),
                200,
                at(100),
                at(100),
            )
            .await
            .unwrap();
    }
    assert!(store.due_digests(at(100), at(100)).await.unwrap().is_empty());
    let claimed = claim(store, "one", "t9", 101).await;
    assert_eq!(claimed.len(), 1);
    assert_eq!(store.items(&claimed[0]).await.unwrap().len(), 1);
    assert!(store.cancel(&claimed[0], "fin", at(101)).await.unwrap());
}

/// What exceeds one digest goes into the next one: nothing is left out.
async fn a_flood_makes_several_digests(store: &Store, address: &str) {
    for n in 0..3 {
        let alert = Alert {
            id: format!("flood-{n}"),
            kind: AlertKind::New,
            procedure: format!("flood-{n}"),
            notice: "boamp:26-1".into(),
            changes: vec![],
        };
        let share = NewNotification {
            subscriber: "p".into(),
            subscription: None,
            disposition: Disposition::Overflow,
            reasons: "{}".into(),
            due: Some(at(110)),
        };
        let mut tx = store.begin_ingest(at(105)).await.unwrap();
        tx.put_alert(&alert, None).await.unwrap();
        tx.put_notifications(&alert.id, &[(share, Vec::new())]).await.unwrap();
        tx.commit().await.unwrap();
    }
    let due = store.due_digests(at(110), at(110)).await.unwrap();
    let to = [(address.to_owned(), Channel::Email)];
    for taken in [2, 1, 0] {
        assert_eq!(
            store.make_digest(&due[0], (vigie_store::digests::Lines::All, &to), 2, at(110), at(110)).await.unwrap(),
            taken
        );
    }
    let claimed = claim(store, "one", "t10", 111).await;
    for (digest, carried) in claimed.iter().zip([2, 1]) {
        assert_eq!(store.items(digest).await.unwrap().len(), carried);
        assert!(store.cancel(digest, "fin", at(111)).await.unwrap());
    }
    assert_eq!(claimed.len(), 2);
}

async fn source_is_held_by_one(store: &Store) {
    assert!(store.claim_source("s", "one", LEASE, false, at(0)).await.unwrap().is_some());
    assert!(store.claim_source("s", "two", LEASE, true, at(0)).await.unwrap().is_none());
    assert!(store.sources_not_due("one", at(0)).await.unwrap().is_empty(), "its own may be polled again");
    assert!(store.sources_not_due("two", at(0)).await.unwrap().contains("s"), "held by another");
    store.page_done("s", PageEnd { memory: Some("{\"cursor\":\"7\"}"), records: 3 }, LEASE, at(0)).await.unwrap();
    store.poll_done("s", &PollEnd::default(), at(20), at(1).date_naive(), at(1)).await.unwrap();
    assert!(store.claim_source("s", "two", LEASE, false, at(19)).await.unwrap().is_none(), "not due yet");
    assert!(store.sources_not_due("two", at(19)).await.unwrap().contains("s"));
    assert!(store.sources_not_due("two", at(20)).await.unwrap().is_empty());
    assert!(store.claim_source("s", "two", LEASE, true, at(19)).await.unwrap().is_some(), "unless forced");
    let end = PollEnd { error: Some("panne"), trouble: Some("unreachable"), ..PollEnd::default() };
    store.poll_done("s", &end, at(40), at(19).date_naive(), at(19)).await.unwrap();
    let state = store.source("s").await.unwrap();
    assert_eq!((state.failures, state.items, state.baseline_done), (1, 3, true));
    assert_eq!(store.source_memory("s").await.unwrap(), "{\"cursor\":\"7\"}");
    assert!(store.hold_lease("timetable", "one", LEASE, at(0)).await.unwrap());
    assert!(!store.hold_lease("timetable", "two", LEASE, at(0)).await.unwrap());
    assert!(store.hold_lease("timetable", "two", LEASE, at(5)).await.unwrap(), "a lease that ran out is taken over");
    store.release_gone(|h| h == "two", at(5)).await.unwrap();
    assert!(store.hold_lease("timetable", "three", LEASE, at(5)).await.unwrap());
}

async fn bad_record_is_kept(store: &Store) {
    let record = Quarantined {
        source: "s".into(),
        record_id: None,
        place: "https://x 3".into(),
        reason: "sans numéro".into(),
        raw: vec![0, 255, 7],
        at: at(0),
    };
    assert!(store.quarantine(&record).await.unwrap());
    assert!(!store.quarantine(&record).await.unwrap(), "the same fault is kept once");
    assert_eq!(store.quarantined(10).await.unwrap()[0].raw, vec![0, 255, 7]);
}

//! What operators do and look at, on both engines: people kept out, deliveries looked for, records put aside, the slowest statement.

use chrono::{Days, Duration};
use vigie_domain::directory::Structure;
use vigie_domain::subscription::{Profile, Role};
use vigie_domain::{Channel, DeliveryState, StructureKind, Subscriber};

use super::{at, enqueue, enqueue_at, person, stores};
use crate::Store;
use crate::address::AddressState;
use crate::admin::Sought;
use crate::people::NewSubscriber;
use crate::quarantine::Quarantined;
use crate::sql::slow;

async fn add(store: &Store, value: &str, state: AddressState) -> String {
    let subscriber =
        Subscriber { id: "p".into(), name: "p".into(), role: Role::Subscriber, profile: Profile::default() };
    let addresses = vec![(Channel::Email, value.to_owned(), state)];
    store.put_subscriber(&NewSubscriber { subscriber, addresses, declared: false }, at(0)).await.unwrap();
    store.addresses("p").await.unwrap().into_iter().find(|a| a.value == value).unwrap().id
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_is_kept_out_has_no_address_in_use_whichever_way_one_would_come_back() {
    for (_empty, store) in stores().await {
        let first = person(&store, "p").await;
        let asked = add(&store, "a@exemple.fr", AddressState::Unconfirmed).await;
        let refused = add(&store, "r@exemple.fr", AddressState::Active).await;
        store.set_address_state(&refused, AddressState::Suspended, "550").await.unwrap();
        let stopped = add(&store, "s@exemple.fr", AddressState::Active).await;
        let state = |id: &str| {
            let (store, id) = (store.clone(), id.to_owned());
            async move { store.address(&id).await.unwrap().unwrap().state }
        };
        assert!(store.suspend_person("p", at(3)).await.unwrap());
        assert!(!store.suspend_person("p", at(4)).await.unwrap() && !store.suspend_person("x", at(4)).await.unwrap());
        assert_eq!(store.suspended_since("p").await.unwrap(), Some(at(3)));
        assert!(store.active_addresses("p").await.unwrap().is_empty());
        assert!(!store.confirm(&asked, "essai", at(5)).await.unwrap(), "their own agreement does not bring them in");
        assert!(!store.set_address_state(&first, AddressState::Active, "x").await.unwrap());
        let fresh = add(&store, "n@exemple.fr", AddressState::Active).await;
        assert_eq!(state(&fresh).await, AddressState::Suspended);
        assert!(store.set_address_state(&stopped, AddressState::Stopped, "stop").await.unwrap(), "stopping is theirs");
        assert!(store.resume_person("p").await.unwrap() && !store.resume_person("p").await.unwrap());
        assert_eq!(store.suspended_since("p").await.unwrap(), None);
        for (id, now) in [
            (&first, AddressState::Active),
            (&fresh, AddressState::Active),
            (&asked, AddressState::Unconfirmed),
            (&refused, AddressState::Suspended),
            (&stopped, AddressState::Stopped),
        ] {
            assert_eq!(state(id).await, now, "{:?}", store.engine());
        }
        assert!(store.confirm(&asked, "essai", at(6)).await.unwrap());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn deliveries_are_found_by_person_state_and_moment() {
    for (_empty, store) in stores().await {
        let (a, b) = (person(&store, "a").await, person(&store, "b").await);
        let one = enqueue(&store, "a", &a, "1").await;
        let two = enqueue_at(&store, "b", &b, "2", at(60)).await;
        let found = |sought: Sought| {
            let store = store.clone();
            async move {
                let rows = store.deliveries_before(&sought, None, 9).await.unwrap();
                rows.into_iter().map(|(_, d)| d.id).collect::<Vec<_>>()
            }
        };
        assert_eq!(found(Sought::default()).await, [two.clone(), one.clone()]);
        let of = |people: &[&str]| Sought {
            people: Some(people.iter().map(|p| (*p).to_owned()).collect()),
            ..Sought::default()
        };
        assert_eq!(found(of(&["a", "c"])).await, std::slice::from_ref(&one));
        assert!(found(of(&[])).await.is_empty());
        let made = Sought { made: Some((at(30), at(90))), state: Some(DeliveryState::Pending), ..Sought::default() };
        assert_eq!(found(made.clone()).await, std::slice::from_ref(&two));
        assert!(found(Sought { people: Some(vec!["a".into()]), ..made }).await.is_empty());
        let about = Sought { procedures: Some(vec!["x".into()]), ..Sought::default() };
        assert!(found(about).await.is_empty(), "none is about it");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_record_put_aside_is_listed_read_again_and_forgotten() {
    for (_empty, store) in stores().await {
        let record = |source: &str, reason: &str| Quarantined {
            source: source.into(),
            record_id: Some("7".into()),
            place: "ici".into(),
            reason: reason.into(),
            raw: vec![0, 200],
            at: at(1),
        };
        for (source, reason) in [("a", "sans titre"), ("b", "sans titre"), ("a", "autre")] {
            assert!(store.quarantine(&record(source, reason)).await.unwrap());
        }
        assert_eq!(store.put_aside_counts().await.unwrap(), [("a".to_owned(), 2), ("b".to_owned(), 1)]);
        assert_eq!(
            (store.put_aside_of("", 9).await.unwrap().len(), store.put_aside_of("b", 9).await.unwrap().len()),
            (3, 1)
        );
        let of = |reason: &'static str| {
            let store = store.clone();
            async move { store.put_aside_of("a", 9).await.unwrap().into_iter().find(|r| r.reason == reason) }
        };
        let first = of("sans titre").await.unwrap();
        assert_eq!((first.bytes, first.tried), (2, None));
        assert_eq!(store.put_aside_record(&first.id).await.unwrap().unwrap().raw, [0, 200]);
        store.still_put_aside(&first.id, "sans acheteur", at(9)).await.unwrap();
        let again = of("sans acheteur").await.unwrap();
        assert_eq!(again.tried, Some(at(9)));
        assert!(
            !store.quarantine(&record("a", "sans acheteur")).await.unwrap(),
            "a poll that finds the same adds none"
        );
        // For the reason of another record that is the same: the two are one.
        store.still_put_aside(&again.id, "autre", at(10)).await.unwrap();
        assert_eq!(store.put_aside_of("a", 9).await.unwrap().len(), 1);
        assert_eq!(of("autre").await.unwrap().tried, Some(at(10)));
        let last = of("autre").await.unwrap().id;
        assert!(store.drop_put_aside(&last).await.unwrap() && !store.drop_put_aside(&last).await.unwrap());
        assert!(store.put_aside_record(&last).await.unwrap().is_none());
        store.still_put_aside(&last, "x", at(11)).await.unwrap();
        assert!(store.put_aside_of("a", 9).await.unwrap().is_empty(), "what is gone does not come back");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_slowest_statement_of_each_day_is_kept_and_versions_are_said() {
    for (_empty, store) in stores().await {
        let day = at(0).date_naive();
        // What other tests of this process run is slower at times, and is what is found then.
        slow::remember("SELECT   'essai'", 4_000_000);
        store.note_slowest(day).await.unwrap();
        slow::remember("SELECT 'moins'", 3_000_000);
        store.note_slowest(day).await.unwrap();
        let found = store.slowest_since(day).await.unwrap().unwrap();
        assert_eq!((found.statement.as_str(), found.ms, found.day), ("SELECT 'essai'", 4_000_000, day));
        let later = day + Days::new(40);
        slow::remember("SELECT 'plus tard'", 5_000);
        store.note_slowest(later).await.unwrap();
        assert_eq!(store.slowest_since(day).await.unwrap().unwrap().day, later, "a month is kept");
        let (engine, step) = store.engine_and_step().await.unwrap();
        assert!(engine.starts_with("SQLite 3.") || engine.starts_with("PostgreSQL 1"), "{engine}");
        assert_eq!(step, i64::try_from(crate::migrations::MIGRATIONS.len()).unwrap());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn directories_and_memories_are_what_was_written_last() {
    for (_empty, store) in stores().await {
        assert_eq!(store.entries_held::<Structure>().await.unwrap(), (0, None));
        let structure = Structure {
            siret: "12345678900012".into(),
            name: "Atelier".into(),
            kind: StructureKind::Ea,
            sectors: Vec::new(),
            departments: Vec::new(),
            place: None,
            naf: None,
        };
        store.put_entries(&[structure], at(2)).await.unwrap();
        assert_eq!(store.entries_held::<Structure>().await.unwrap(), (1, Some(at(2))));
        store.claim_source("s", "essai", Duration::minutes(5), true, at(0)).await.unwrap();
        let page = crate::sources::PageEnd { memory: Some("{\"cursor\":\"1\"}"), records: 1 };
        store.page_done("s", page, Duration::minutes(5), at(0)).await.unwrap();
        let known = store.source_memory("s").await.unwrap();
        assert!(store.replace_source_memory("s", &known, "{}").await.unwrap());
        assert!(!store.replace_source_memory("s", &known, "{\"cursor\":\"2\"}").await.unwrap(), "another was faster");
        assert_eq!(store.source_memory("s").await.unwrap(), "{}");
    }
}

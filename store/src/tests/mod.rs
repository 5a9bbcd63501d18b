//! Tests of the store on both engines, from within: steps of the schema, the one writer, databases that fail.

mod audience;
mod backup;
mod clock;
mod consultations;
mod contracts;
mod engines;
mod failures;
mod growth;
mod joining;
mod migrations;
mod operating;
mod operations;
mod partner_calls;
#[path = "../../../tests/src/postgres.rs"]
#[allow(dead_code, reason = "tests from end to end need more of it")]
mod postgres;
mod taste;
mod writer;

use chrono::{DateTime, Duration, Utc};
use vigie_domain::subscription::{Profile, Role};
use vigie_domain::{Cause, Channel, Subscriber};

use crate::address::AddressState;
use crate::delivery::NewDelivery;
use crate::people::NewSubscriber;
use crate::{Store, enqueue};
use postgres::Postgres;

/// An empty database of its own, gone with its owner.
struct Empty {
    url: String,
    _dir: tempfile::TempDir,
    _server: Option<Postgres>,
}

impl Empty {
    fn sqlite() -> Self {
        let dir = tempfile::tempdir().unwrap();
        Self { url: format!("sqlite:{}", dir.path().join("v.sqlite").display()), _dir: dir, _server: None }
    }

    /// `None` where there is no PostgreSQL, unless `VIGIE_REQUIRE` names it.
    fn postgres() -> Option<Self> {
        match Postgres::try_start() {
            Ok(server) => {
                let dir = tempfile::tempdir().unwrap();
                Some(Self { url: server.url.clone(), _dir: dir, _server: Some(server) })
            }
            Err(why) => {
                let required =
                    std::env::var("VIGIE_REQUIRE").is_ok_and(|l| l.split(',').any(|n| n.trim() == "postgres"));
                assert!(!required, "VIGIE_REQUIRE names postgres, but {why}");
                eprintln!("SKIPPED: {why}");
                None
            }
        }
    }

    /// One of each engine that is there.
    fn each() -> Vec<Self> {
        [Some(Self::sqlite()), Self::postgres()].into_iter().flatten().collect()
    }
}

/// A store of each engine that is there, open on an empty database.
async fn stores() -> Vec<(Empty, Store)> {
    let mut out = Vec::new();
    for empty in Empty::each() {
        let store = Store::open(&empty.url).await.unwrap();
        out.push((empty, store));
    }
    out
}

fn at(minute: i64) -> DateTime<Utc> {
    DateTime::from_timestamp(1_795_000_000, 0).unwrap() + Duration::minutes(minute)
}

/// Makes a person with one address in use; gives the address' identifier.
async fn person(store: &Store, id: &str) -> String {
    let subscriber = Subscriber { id: id.into(), name: id.into(), role: Role::Subscriber, profile: Profile::default() };
    let addresses = vec![(Channel::Email, format!("{id}@exemple.fr"), AddressState::Active)];
    store.put_subscriber(&NewSubscriber { subscriber, addresses, declared: false }, at(0)).await.unwrap();
    store.addresses(id).await.unwrap()[0].id.clone()
}

/// Puts a message for a person into the outbox.
async fn enqueue(store: &Store, person: &str, address: &str, alert: &str) -> String {
    enqueue_at(store, person, address, alert, at(0)).await
}

/// The same at a moment.
async fn enqueue_at(store: &Store, person: &str, address: &str, alert: &str, now: DateTime<Utc>) -> String {
    let new = NewDelivery {
        subscriber: person.into(),
        address: address.into(),
        channel: Channel::Email,
        cause: Cause::Alert(alert.into()),
        procedure: String::new(),
        expires: None,
    };
    let mut tx = store.begin().await.unwrap();
    let id = enqueue::put_delivery(&mut tx, &new, now).await.unwrap();
    tx.commit().await.unwrap();
    id
}

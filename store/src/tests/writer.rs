//! Every write passes the one writer, and numbers of deliveries are never given twice.

use super::{Empty, enqueue, person};
use crate::Store;
use crate::sql;

/// What writes is a [`sql::Transaction`] by its type; a statement that writes and gives rows is refused by the engine.
#[tokio::test(flavor = "multi_thread")]
async fn nothing_is_written_past_the_writer() {
    for empty in Empty::each() {
        let store = Store::open(&empty.url).await.unwrap();
        for reader in [&store.reader, &store.key_reader] {
            for past in [
                "INSERT INTO meta (key, value) VALUES ('past', 'the writer') RETURNING value",
                "UPDATE meta SET value = 'past' WHERE key = 'subscription_version' RETURNING value",
                "DELETE FROM meta RETURNING value",
            ] {
                let written = sql::query_as::<(String,)>(past).fetch_all(reader).await;
                assert!(written.is_err(), "{past}: {written:?}");
            }
        }
        assert_eq!(store.subscription_version().await.unwrap(), 1);
        store.close().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn deliveries_made_at_the_same_moment_have_numbers_of_their_own() {
    for empty in Empty::each() {
        // Two processes: neither knows what the other holds.
        let stores = [Store::open(&empty.url).await.unwrap(), Store::open(&empty.url).await.unwrap()];
        let mut addresses = Vec::new();
        for n in 0..20 {
            addresses.push((format!("p{n}"), person(&stores[0], &format!("p{n}")).await));
        }
        let tasks: Vec<_> = addresses
            .into_iter()
            .enumerate()
            .map(|(n, (id, address))| {
                let store = stores[n % 2].clone();
                tokio::spawn(async move {
                    for alert in ["a", "b"] {
                        enqueue(&store, &id, &address, alert).await;
                    }
                })
            })
            .collect();
        for task in tasks {
            task.await.unwrap();
        }
        let numbers: Vec<(i64,)> =
            sql::query_as("SELECT seq FROM delivery ORDER BY seq").fetch_all(&stores[0].reader).await.unwrap();
        assert_eq!(numbers, (1..=40).map(|n| (n,)).collect::<Vec<_>>());
        for store in &stores {
            store.close().await;
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_transaction_that_is_dropped_leaves_nothing_and_holds_nobody_up() {
    for empty in Empty::each() {
        let store = Store::open(&empty.url).await.unwrap();
        for n in 0..10 {
            let mut tx = store.begin().await.unwrap();
            sql::query("INSERT INTO meta (key, value) VALUES ('half', $1)")
                .bind(n.to_string())
                .execute(&mut tx)
                .await
                .unwrap();
        }
        let left: Vec<(String,)> =
            sql::query_as("SELECT value FROM meta WHERE key = 'half'").fetch_all(&store.reader).await.unwrap();
        assert!(left.is_empty(), "{left:?}");
        store.set_last_cleaning("2026-11-29").await.unwrap();
        assert_eq!(store.last_cleaning().await.unwrap().as_deref(), Some("2026-11-29"));
        store.close().await;
    }
}

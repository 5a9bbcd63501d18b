//! Copies: before the schema changes, refused when they are of no use; what waits after one was put back; several processes while the
//! schema changes.

use chrono::Duration;
use vigie_domain::DeliveryState;

use super::{Empty, at, enqueue, person};
use crate::backup::{contents, hold, is_in_use, look_over, upgrade};
use crate::claim::Claim;
use crate::error::StoreError;
use crate::migrations::{self, MIGRATIONS};
use crate::{Store, database_of, sqlite_path};

fn claim(holder: &str) -> Claim<'_> {
    Claim { lease_holder: holder, token: holder, limit: 10, lease: Duration::minutes(1), domain_gap: Duration::zero() }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_database_is_copied_before_its_schema_changes_and_not_otherwise() {
    let empty = Empty::sqlite();
    let file = sqlite_path(&empty.url).unwrap();
    let none = upgrade(&empty.url).await.unwrap();
    assert!(none.found == 0 && none.copy.is_none() && !file.exists(), "whoever asks makes nothing");
    let db = database_of(&empty.url).unwrap();
    migrations::migrate_to(&db, MIGRATIONS.len() - 1).await.unwrap();
    db.close().await;
    let change = upgrade(&empty.url).await.unwrap();
    let copy = change.copy.clone().unwrap();
    assert!(change.found == MIGRATIONS.len() - 1 && change.bytes > 0 && !copy.exists(), "{change:?}");
    let store = Store::open(&empty.url).await.unwrap();
    assert_eq!(contents(&copy).unwrap().step, MIGRATIONS.len() - 1);
    assert_eq!(upgrade(&empty.url).await.unwrap().copy, None, "nothing is left to do");
    store.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_copy_that_cannot_be_made_leaves_the_schema_as_it_was() {
    let empty = Empty::sqlite();
    let db = database_of(&empty.url).unwrap();
    migrations::migrate_to(&db, MIGRATIONS.len() - 1).await.unwrap();
    db.close().await;
    // Something of that very name stands where the copy is being written.
    let copy = upgrade(&empty.url).await.unwrap().copy.unwrap();
    let part = format!("{}.{}", copy.display(), std::process::id());
    std::fs::create_dir(&part).unwrap();
    let refused = Store::open(&empty.url).await.unwrap_err();
    assert!(matches!(refused, StoreError::NoCopy { .. }), "{refused}");
    assert_eq!(upgrade(&empty.url).await.unwrap().found, MIGRATIONS.len() - 1);
    std::fs::remove_dir(&part).unwrap();
    Store::open(&empty.url).await.unwrap().close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_copy_is_refused_when_it_is_damaged_newer_or_none_of_ours() {
    let empty = Empty::sqlite();
    let store = Store::open(&empty.url).await.unwrap();
    person(&store, "p").await;
    let dir = tempfile::tempdir().unwrap();
    let copy = dir.path().join("copy.sqlite");
    store.backup(&copy.display().to_string()).await.unwrap();
    assert!(store.backup(&copy.display().to_string()).await.is_err(), "nothing is written over");
    assert_eq!(contents(&copy).unwrap().people, 1);
    assert!(is_in_use(store.file().unwrap()).unwrap(), "the store has it open");
    store.close().await;
    assert!(!is_in_use(&sqlite_path(&empty.url).unwrap()).unwrap());

    let newer = dir.path().join("newer.sqlite");
    std::fs::copy(&copy, &newer).unwrap();
    crate::sql::files::change(&newer, "INSERT INTO schema_step (n) VALUES (9999)").unwrap();
    assert!(matches!(contents(&newer), Err(StoreError::Newer { found: 9999, .. })));
    let damaged = dir.path().join("damaged.sqlite");
    let mut bytes = std::fs::read(&copy).unwrap();
    let end = bytes.len();
    bytes[8192..end].fill(0x5a);
    std::fs::write(&damaged, bytes).unwrap();
    assert!(matches!(look_over(&damaged), Err(StoreError::Damaged { .. })));
    std::fs::write(dir.path().join("text"), "ceci n’est pas une base").unwrap();
    assert!(matches!(contents(&dir.path().join("text")), Err(StoreError::Damaged { .. })));
}

#[tokio::test(flavor = "multi_thread")]
async fn after_a_restoration_nothing_is_claimed_until_somebody_says_so() {
    for empty in Empty::each() {
        let store = Store::open(&empty.url).await.unwrap();
        let address = person(&store, "p").await;
        let first = enqueue(&store, "p", &address, "a1").await;
        let url = empty.url.clone();
        if let Some(file) = sqlite_path(&url) {
            store.close().await;
            hold(&file, at(5)).unwrap();
        } else {
            // What `hold` writes into a file.
            let mut tx = store.begin().await.unwrap();
            tx.script("INSERT INTO meta (key, value) VALUES ('held_since', '1795000300000')").await.unwrap();
            tx.commit().await.unwrap();
        }
        let store = Store::open(&url).await.unwrap();
        assert_eq!(store.held_since().await.unwrap(), Some(at(5)));
        let second = enqueue(&store, "p", &address, "a2").await;
        assert!(store.claim(&claim("w"), at(6)).await.unwrap().is_empty(), "held");
        let held: Vec<String> = store.held(10).await.unwrap().into_iter().map(|h| h.id).collect();
        assert_eq!(held, [first.clone(), second.clone()]);
        let dropped = store.drop_held(std::slice::from_ref(&first), &[], at(7)).await.unwrap();
        assert_eq!((dropped.messages, dropped.lines), (1, 0));
        assert!(store.release_held().await.unwrap() && !store.release_held().await.unwrap());
        let claimed: Vec<String> = store.claim(&claim("w"), at(8)).await.unwrap().into_iter().map(|d| d.id).collect();
        assert_eq!(claimed, [second], "what was received is not sent again ({:?})", store.engine());
        assert_eq!(store.delivery(&first).await.unwrap().unwrap().state, DeliveryState::Cancelled);
        store.close().await;
    }
}

/// Steps after the first tables, as long as processes of two versions stand side by side: what is there stays as it is for the older one.
#[test]
fn a_process_of_the_version_before_goes_on_over_a_schema_that_a_newer_one_changed() {
    // Every step since processes may be renewed one after the other.
    const SINCE: usize = 23;
    for (n, step) in MIGRATIONS.iter().enumerate().skip(SINCE) {
        for statement in step.split(';').map(str::trim).filter(|s| !s.is_empty()) {
            let upper = statement.to_uppercase();
            let adds = [
                "CREATE TABLE",
                "CREATE INDEX",
                "CREATE UNIQUE INDEX",
                "ALTER TABLE",
                "INSERT",
                "UPDATE",
                "DROP INDEX",
            ];
            assert!(adds.iter().any(|word| upper.starts_with(word)), "step {}: {statement}", n + 1);
            if upper.starts_with("ALTER TABLE") {
                let optional = !upper.contains("NOT NULL") || upper.contains("DEFAULT");
                assert!(upper.contains("ADD COLUMN") && optional, "step {}: {statement}", n + 1);
            }
        }
    }
}

/// Two processes on one PostgreSQL, one of which started before the schema changed: every message leaves once.
#[tokio::test(flavor = "multi_thread")]
async fn processes_of_two_versions_side_by_side_send_every_message_once() {
    let Some(empty) = Empty::postgres() else { return };
    let db = database_of(&empty.url).unwrap();
    migrations::migrate_to(&db, MIGRATIONS.len() - 1).await.unwrap();
    db.close().await;
    // The older one: it knows nothing of the last step, and is at work when it is taken.
    let older = Store::opened(database_of(&empty.url).unwrap());
    let mut all = Vec::new();
    for n in 0..20 {
        let address = person(&older, &format!("p{n}")).await;
        all.push(enqueue(&older, &format!("p{n}"), &address, "a").await);
    }
    let mut sent: Vec<String> = older.claim(&claim("older"), at(1)).await.unwrap().into_iter().map(|d| d.id).collect();
    assert!(!sent.is_empty() && sent.len() < all.len());
    let newer = Store::open(&empty.url).await.unwrap();
    loop {
        let (a, b) = (claim("older"), claim("newer"));
        let (a, b) = tokio::join!(older.claim(&a, at(1)), newer.claim(&b, at(1)));
        let (a, b) = (a.unwrap(), b.unwrap());
        if a.is_empty() && b.is_empty() {
            break;
        }
        sent.extend(a.into_iter().chain(b).map(|d| d.id));
    }
    sent.sort();
    all.sort();
    assert_eq!(sent, all, "none lost, none twice");
    older.close().await;
    newer.close().await;
}

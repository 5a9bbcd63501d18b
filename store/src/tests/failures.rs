//! Databases that cannot be reached, are full, or hold what this program does not know.

use vigie_domain::DeliveryState;

use super::{Empty, at, enqueue, person};
use crate::Store;
use crate::claim::Claim;
use crate::sql::{self, Engine};

/// C2: a full disk left the writing connection in a transaction that it could not leave, and nothing was ever written again.
#[tokio::test(flavor = "multi_thread")]
async fn writes_resume_after_a_full_disk() {
    let empty = Empty::sqlite();
    let store = Store::open(&empty.url).await.unwrap();
    let limit = |pages: i64| {
        let store = store.clone();
        async move {
            let mut tx = store.begin().await.unwrap();
            // SQLite's own way to say that there is no more room; never below what the file holds.
            tx.script(&format!("PRAGMA max_page_count = {pages}")).await.unwrap();
            tx.commit().await.unwrap();
        }
    };
    limit(1).await;
    let note = async |n: usize| {
        let text = format!("{n} {}", "x".repeat(20_000));
        store.note("source", "s", &text, at(0)).await
    };
    let mut refused = 0;
    for n in 0..5 {
        refused += usize::from(note(n).await.is_err());
    }
    assert!(refused > 0, "the disk was never full");
    limit(1_000_000).await;
    for n in 5..10 {
        note(n).await.unwrap();
    }
    let mut tx = store.begin_ingest(at(1)).await.unwrap();
    assert_eq!(tx.audience_changes(0).await.unwrap().version, 1);
    tx.commit().await.unwrap();
    store.close().await;
}

/// C2: readiness stands on this, on both engines.
#[tokio::test(flavor = "multi_thread")]
async fn a_write_is_proven_and_one_that_is_refused_is_known() {
    for empty in Empty::each() {
        let store = Store::open(&empty.url).await.unwrap();
        store.prove_write().await.unwrap();
        store.prove_write().await.unwrap();
        let (refuse, take) = match store.engine() {
            Engine::Sqlite => (
                "CREATE TRIGGER refused BEFORE UPDATE ON meta BEGIN SELECT RAISE(ABORT, 'disk is full'); END",
                "DROP TRIGGER refused",
            ),
            Engine::Postgres => (
                "CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
                   RAISE EXCEPTION 'disk is full' USING ERRCODE = '53100'; END $$;
                 CREATE TRIGGER refused BEFORE INSERT OR UPDATE ON meta FOR EACH ROW EXECUTE FUNCTION refuse()",
                "DROP TRIGGER refused ON meta",
            ),
        };
        let script = async |sql: &str| {
            let mut tx = store.begin().await.unwrap();
            tx.script(sql).await.unwrap();
            tx.commit().await.unwrap();
        };
        script(refuse).await;
        let said = store.prove_write().await.unwrap_err().to_string();
        assert!(said.contains("disk is full"), "{said}");
        assert!(store.subscription_version().await.is_ok(), "readings go on as if nothing were wrong");
        script(take).await;
        store.prove_write().await.unwrap();
        store.close().await;
    }
}

/// B31: what is written to a file that nobody can open any more is no proof.
#[tokio::test(flavor = "multi_thread")]
async fn a_file_that_was_deleted_or_replaced_is_no_place_to_write() {
    for replaced in [false, true] {
        let empty = Empty::sqlite();
        let path = std::path::PathBuf::from(empty.url.trim_start_matches("sqlite:"));
        let store = Store::open(&empty.url).await.unwrap();
        store.prove_write().await.unwrap();
        let aside = path.with_extension("aside");
        std::fs::rename(&path, &aside).unwrap();
        if replaced {
            std::fs::copy(&aside, &path).unwrap();
        }
        let failed = store.prove_write().await.unwrap_err();
        assert!(failed.is_away() && failed.to_string().contains("n’est plus à"), "{failed}");
        std::fs::rename(&aside, &path).unwrap();
        store.prove_write().await.unwrap();
        store.close().await;
    }
}

/// B28: what is asked for under a name that holds U+0000 is not there, on either engine.
#[tokio::test(flavor = "multi_thread")]
async fn a_name_with_a_nul_names_nothing() {
    for empty in Empty::each() {
        let store = Store::open(&empty.url).await.unwrap();
        for name in ["\0", "\0\0a"] {
            assert!(store.notices_of(name).await.unwrap().is_empty());
            assert!(store.delivery(name).await.unwrap().is_none());
        }
        store.close().await;
    }
}

/// C4: what is wrong with a database, and where it is, is said at once.
#[tokio::test(flavor = "multi_thread")]
async fn a_database_that_cannot_be_used_is_named_with_the_cause() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("lettre.txt");
    std::fs::write(&path, "Madame, Monsieur, ceci n’est pas une base de données, et c’est assez long.".repeat(20))
        .unwrap();
    let said = Store::open(&format!("sqlite:{}", path.display())).await.unwrap_err().to_string();
    assert!(said.contains("lettre.txt") && said.contains("not a database"), "{said}");
    let said =
        Store::open(&format!("sqlite:{}", dir.path().join("absent/v.sqlite").display())).await.unwrap_err().to_string();
    assert!(said.contains("absent/v.sqlite") && said.contains("unable to open"), "{said}");
    let port = super::postgres::free_port().unwrap();
    let said = Store::open(&format!("postgres://vigie:secret@127.0.0.1:{port}/vigie")).await.unwrap_err().to_string();
    assert!(said.contains(&format!("127.0.0.1:{port}")) && said.contains("aucun serveur n’écoute"), "{said}");
    assert!(!said.contains("secret"), "{said}");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_unknown_word_names_its_row() {
    for empty in Empty::each() {
        let store = Store::open(&empty.url).await.unwrap();
        let address = person(&store, "p").await;
        let id = enqueue(&store, "p", &address, "a").await;
        sql::query("UPDATE delivery SET state = 'lost'").execute_alone(&store.db).await.unwrap();
        let said = store.delivery(&id).await.unwrap_err().to_string();
        assert!(said.contains(&id) && said.contains("lost") && said.contains("state"), "{said}");
        store.close().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_delivery_that_cannot_be_read_is_given_up_and_stops_no_other() {
    for empty in Empty::each() {
        let store = Store::open(&empty.url).await.unwrap();
        let mut ids = Vec::new();
        for n in 0..3 {
            let address = person(&store, &format!("p{n}")).await;
            ids.push(enqueue(&store, &format!("p{n}"), &address, "a").await);
        }
        sql::query("UPDATE delivery SET cause = 'unheard:of' WHERE id = $1")
            .bind(ids[1].clone())
            .execute_alone(&store.db)
            .await
            .unwrap();
        let claim = Claim {
            lease_holder: "t",
            token: "t",
            limit: 10,
            lease: chrono::Duration::minutes(1),
            domain_gap: chrono::Duration::zero(),
        };
        let claimed = store.claim(&claim, at(1)).await.unwrap();
        let mut claimed: Vec<&str> = claimed.iter().map(|d| d.id.as_str()).collect();
        claimed.sort_unstable();
        let mut readable = vec![ids[0].as_str(), ids[2].as_str()];
        readable.sort_unstable();
        assert_eq!(claimed, readable);
        let counts = store.queue().await.unwrap();
        assert!(counts.contains(&(DeliveryState::Dead, 1)), "{counts:?}");
        assert!(store.claim(&claim, at(1)).await.unwrap().is_empty());
        store.close().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_copy_is_made_while_others_write_and_holds_everything() {
    let empty = Empty::sqlite();
    let store = Store::open(&empty.url).await.unwrap();
    person(&store, "p").await;
    let dir = tempfile::tempdir().unwrap();
    let copy = dir.path().join("copie d’hier.sqlite").display().to_string();
    // Held open meanwhile: a copy that waited for it would never come.
    let tx = store.begin().await.unwrap();
    store.backup(&copy).await.unwrap();
    drop(tx);
    assert!(store.backup(&copy).await.is_err(), "a file that is there is not written over");
    let copied = Store::open(&format!("sqlite:{copy}")).await.unwrap();
    assert_eq!(copied.subscribers().await.unwrap().len(), 1);
    copied.close().await;
    store.close().await;
}

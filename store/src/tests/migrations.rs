//! Each step of the schema over a database that holds rows of the step before; the database of a release; one that is newer.

use std::collections::BTreeMap;

use vigie_domain::{DeliveryState, Stage};

use super::{Empty, at};
use crate::claim::Claim;
use crate::error::StoreError;
use crate::migrations::{self, MIGRATIONS};
use crate::sql::{self, Database, Engine, Transaction};
use crate::{Store, database_of};

/// Tables with their columns and the type of each, but for the table of steps itself.
async fn tables(db: &Database) -> BTreeMap<String, Vec<(String, String)>> {
    let sql = match db.engine() {
        Engine::Sqlite => {
            "SELECT m.name, c.name, c.type FROM sqlite_master m JOIN pragma_table_info(m.name) c
             WHERE m.type = 'table' AND m.name NOT LIKE 'sqlite_%' ORDER BY m.name, c.cid"
        }
        Engine::Postgres => {
            "SELECT CAST(table_name AS TEXT), CAST(column_name AS TEXT), CAST(data_type AS TEXT) FROM information_schema.columns
             WHERE table_schema = 'public' ORDER BY table_name, ordinal_position"
        }
    };
    let rows: Vec<(String, String, String)> = sql::query_as(sql).fetch_all(&db.reader()).await.unwrap();
    let mut tables: BTreeMap<String, Vec<(String, String)>> = BTreeMap::new();
    for (table, column, kind) in rows.into_iter().filter(|(table, ..)| table != "schema_step") {
        tables.entry(table).or_default().push((column, kind.to_lowercase()));
    }
    tables
}

/// A row in each table, such that none is like that of another step.
async fn fill(tx: &mut Transaction, tables: &BTreeMap<String, Vec<(String, String)>>, step: usize) {
    for (table, columns) in tables {
        let names: Vec<&str> = columns.iter().map(|(name, _)| name.as_str()).collect();
        let value = |kind: &str| match kind {
            "text" => format!("'row-{step}'"),
            "blob" => format!("X'{step:02}'"),
            "bytea" => format!("'\\x{step:02}'"),
            _ => (1000 + step).to_string(),
        };
        let values: Vec<String> = columns.iter().map(|(_, kind)| value(kind)).collect();
        tx.script(&format!("INSERT INTO {table} ({}) VALUES ({})", names.join(", "), values.join(", "))).await.unwrap();
    }
}

async fn count(db: &Database, table: &str) -> i64 {
    let query = sql::query_as::<(i64,)>(format!("SELECT COUNT(*) FROM {table}"));
    query.fetch_one(&db.reader()).await.unwrap().0
}

#[tokio::test(flavor = "multi_thread")]
async fn each_step_keeps_the_rows_of_the_step_before() {
    for empty in Empty::each() {
        let db = database_of(&empty.url).unwrap();
        let mut filled: BTreeMap<String, i64> = BTreeMap::new();
        for step in 1..=MIGRATIONS.len() {
            migrations::migrate_to(&db, step).await.unwrap();
            let now = tables(&db).await;
            for (table, rows) in &filled {
                assert!(now.contains_key(table), "step {step} dropped {table}");
                assert!(count(&db, table).await >= *rows, "step {step} lost rows of {table} ({:?})", db.engine());
            }
            let mut tx = db.begin().await.unwrap();
            fill(&mut tx, &now, step).await;
            tx.commit().await.unwrap();
            for table in now.keys() {
                filled.insert(table.clone(), count(&db, table).await);
            }
        }
        assert!(filled.len() > 40 && filled["source"] == MIGRATIONS.len() as i64, "{filled:?}");
        db.close().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_step_derives_is_derived_from_the_rows_that_were_there() {
    for empty in Empty::each() {
        let db = database_of(&empty.url).unwrap();
        migrations::migrate_to(&db, 2).await.unwrap();
        let mut tx = db.begin().await.unwrap();
        tx.script("INSERT INTO source (id, alarmed, last_success) VALUES ('silent', 1, 42), ('well', 0, 43)")
            .await
            .unwrap();
        tx.script(
            "INSERT INTO delivery (id, seq, subscriber_id, address_id, channel, cause, procedure_id, state, next_at, created)
             VALUES ('d1', 1, 'p', 'a1', 'email', 'c', '', 'pending', 50, 40), ('d2', 2, 'p', 'a2', 'email', 'c', '', 'sent', 51, 40)",
        )
        .await
        .unwrap();
        tx.commit().await.unwrap();
        migrations::migrate(&db).await.unwrap();
        let alarms: Vec<(String, i64)> =
            sql::query_as("SELECT source, since FROM alarm").fetch_all(&db.reader()).await.unwrap();
        assert_eq!(alarms, [("silent".to_owned(), 42)]);
        let lanes: Vec<(String, i64)> =
            sql::query_as("SELECT address_id, ready_at FROM lane").fetch_all(&db.reader()).await.unwrap();
        assert_eq!(lanes, [("a1".to_owned(), 50)], "what waits has a lane");
        db.close().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_newer_database_is_refused_and_stays_as_it_is() {
    for empty in Empty::each() {
        Store::open(&empty.url).await.unwrap().close().await;
        let db = database_of(&empty.url).unwrap();
        let newer = MIGRATIONS.len() as i64 + 1;
        sql::query("INSERT INTO schema_step (n) VALUES ($1)").bind(newer).execute_alone(&db).await.unwrap();
        let refused = Store::open(&empty.url).await;
        assert!(
            matches!(refused, Err(StoreError::Newer { found, newest }) if found == newest + 1),
            "a newer database was opened: {refused:?}"
        );
        assert_eq!(count(&db, "schema_step").await, newer);
        db.close().await;
    }
}

/// `0.1.0.sql` is a database that the program of that version made.
#[tokio::test(flavor = "multi_thread")]
async fn a_database_of_version_0_1_0_is_taken_over_with_all_it_holds() {
    for empty in Empty::each() {
        let db = database_of(&empty.url).unwrap();
        let script = include_str!("0.1.0.sql");
        let script =
            if db.engine() == Engine::Postgres { script.replace(" BLOB ", " BYTEA ") } else { script.to_owned() };
        let mut tx = db.begin().await.unwrap();
        tx.script(&script).await.unwrap();
        tx.commit().await.unwrap();
        db.close().await;

        let store = Store::open(&empty.url).await.unwrap();
        assert_eq!(store.subscribers().await.unwrap().len(), 2);
        let (_, subscriptions) = store.subscriptions().await.unwrap();
        assert_eq!(subscriptions.len(), 2);
        let notices = store.recent_notices(0, 10).await.unwrap();
        assert_eq!(notices.len(), 3);
        for notice in &notices {
            assert!(!store.notices_of(&notice.procedure).await.unwrap().is_empty());
        }
        let owner = store.find_subscribers("atelier@exemple.fr").await.unwrap().remove(0);
        let decisions = store.decisions_of(owner.structure()).await.unwrap();
        assert_eq!(decisions.iter().map(|d| (d.stage, d.by.as_str())).collect::<Vec<_>>(), [(Stage::Go, "Ana")]);
        assert!(store.consent(&store.addresses(&owner.id).await.unwrap()[0].id).await.unwrap().1.is_some());
        let all = store.deliveries(None, 100).await.unwrap();
        assert!(all.len() == 4 && all[0].cause.is_opt_in() && all[1].cause.is_digest(), "{all:?}");
        let claim = Claim {
            lease_holder: "t",
            token: "t",
            limit: 10,
            lease: chrono::Duration::minutes(1),
            domain_gap: chrono::Duration::zero(),
        };
        let claimed = store.claim(&claim, at(1)).await.unwrap();
        assert_eq!(
            claimed.iter().map(|d| d.id.as_str()).collect::<Vec<_>>(),
            ["feedface0000000000000001"],
            "what waited"
        );
        assert_eq!(store.deliveries(Some(DeliveryState::Sent), 10).await.unwrap().len(), 3);
        store.close().await;
    }
}

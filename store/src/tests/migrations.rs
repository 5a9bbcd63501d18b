//! Each step of the schema over a database that holds rows of the step before; the database of a release; one that is newer.

use std::collections::BTreeMap;

use vigie_domain::procedure::{Snapshot, Statement, Status};
use vigie_domain::{DeliveryState, Notice, NoticeKind, Phase, Stage};

use super::{Empty, at};
use crate::claim::Claim;
use crate::error::StoreError;
use crate::migrations::{self, MIGRATIONS};
use crate::search::Query;
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

/// The step that numbers people (15), over people who were there: each has a number of their own, and nobody who comes later
/// gets one of theirs.
#[tokio::test(flavor = "multi_thread")]
async fn people_who_were_there_are_numbered_and_found_by_whoever_follows() {
    for empty in Empty::each() {
        let db = database_of(&empty.url).unwrap();
        migrations::migrate_to(&db, 14).await.unwrap();
        let mut tx = db.begin().await.unwrap();
        tx.script(
            "INSERT INTO subscriber (id, name, role, profile, created) VALUES ('b', 'B', 'subscriber', '{}', 2), ('a', 'A', 'subscriber', '{}', 1),
               ('c', 'C', 'subscriber', '{}', 2);
             INSERT INTO subscription (id, subscriber_id, filter, cadence, created) VALUES ('s', 'b', '{}', 'instant', 3)",
        )
        .await
        .unwrap();
        tx.commit().await.unwrap();
        db.close().await;
        let store = Store::open(&empty.url).await.unwrap();
        let numbers: Vec<(String, i64)> =
            sql::query_as("SELECT id, number FROM subscriber ORDER BY number").fetch_all(&store.reader).await.unwrap();
        assert_eq!(numbers, [("a".to_owned(), 1), ("b".to_owned(), 2), ("c".to_owned(), 3)]);
        let before = store.audience_changes(0).await.unwrap();
        assert!(before.people.is_none() && before.version > 3, "everybody is new to whoever follows: {before:?}");
        assert_eq!(store.filters_after((0, ""), 9).await.unwrap()[0].person, 2);
        super::person(&store, "d").await;
        let after = store.audience_changes(before.version).await.unwrap();
        assert_eq!(after.people, Some(vec![after.version]), "a new person's number is that of their change");
        store.close().await;
    }
}

/// The step that keeps what a notice says of itself (16), over a notice that was there: it is read from its document.
#[tokio::test(flavor = "multi_thread")]
async fn what_a_notice_of_before_says_of_itself_is_read_from_its_document() {
    for empty in Empty::each() {
        let mut notice = Notice::new("boamp", "26-1", NoticeKind::Call);
        notice.published = chrono::NaiveDate::from_ymd_opt(2026, 11, 20);
        let db = database_of(&empty.url).unwrap();
        migrations::migrate_to(&db, 15).await.unwrap();
        let mut tx = db.begin().await.unwrap();
        sql::query(
            "INSERT INTO notice (id, source, record_id, procedure_id, kind, title, buyer, score, version, content_hash, document, assessment, first_seen, updated)
             VALUES ('boamp:26-1', 'boamp', '26-1', 'p', 'call', '', '', 0, 1, 'h', $1, '{}', 1, 1)",
        )
        .bind(serde_json::to_string(&notice).unwrap())
        .execute(&mut tx)
        .await
        .unwrap();
        tx.commit().await.unwrap();
        db.close().await;
        let store = Store::open(&empty.url).await.unwrap();
        let mut tx = store.begin_ingest(at(0)).await.unwrap();
        assert_eq!(tx.other_statements("p", "another", 9).await.unwrap(), [Statement::of(&notice)]);
        drop(tx);
        store.close().await;
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

/// Lists had one word for what was called off and for what nobody won; they say at once what pages say.
#[tokio::test(flavor = "multi_thread")]
async fn lists_of_the_version_before_say_how_each_market_ended() {
    for empty in Empty::each() {
        let db = database_of(&empty.url).unwrap();
        let before = MIGRATIONS.iter().position(|step| step.contains("ADD COLUMN stands")).unwrap();
        migrations::migrate_to(&db, before).await.unwrap();
        let mut tx = db.begin().await.unwrap();
        for (id, status, word) in [
            ("off", Status::Cancelled, "cancelled"),
            ("none", Status::NoAward, "cancelled"),
            ("meant", Status::Intended, "closed"),
            ("open", Status::Open, "open"),
        ] {
            let snapshot = serde_json::to_string(&Snapshot { status, ..Snapshot::default() }).unwrap();
            tx.script(&format!(
                "INSERT INTO procedure (id, title, snapshot, created, updated) VALUES ('{id}', 'T', '{snapshot}', 1, 1);
                 INSERT INTO search (procedure_id, title, buyer, buyer_type, verdict, sectors, departments, provisions, status, words, score, until, at)
                   VALUES ('{id}', 'T', 'B', 'commune', '', '', '', '', '{word}', ' t ', 1, {}, 1)",
                at(900).timestamp_millis()
            ))
            .await
            .unwrap();
        }
        tx.commit().await.unwrap();
        db.close().await;
        let store = Store::open(&empty.url).await.unwrap();
        for (phase, id) in
            [(Phase::Cancelled, "off"), (Phase::NoAward, "none"), (Phase::Intended, "meant"), (Phase::Open, "open")]
        {
            let query = Query { state: Some(phase), ..Query::default() };
            let found = store.search(&query, None, 9, at(1)).await.unwrap().rows;
            let said: Vec<(&str, Phase)> =
                found.iter().map(|r| (r.procedure.as_str(), r.state_at(at(1)).phase)).collect();
            assert_eq!(said, [(id, phase)]);
        }
        store.close().await;
    }
}

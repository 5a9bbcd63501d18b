//! What is done at every message and every notice stays as cheap when tables grow: each statement finds its rows by an index,
//! on both engines. The plans are asked for, not the time.

use std::cell::RefCell;

use chrono::Duration;
use vigie_domain::delivery::Settlement;
use vigie_domain::procedure::Snapshot;
use vigie_domain::{Alert, AlertKind, Cause, Channel, Disposition, Notice, NoticeKind};

use super::{Empty, at, person};
use crate::Store;
use crate::claim::Claim;
use crate::delivery::NewDelivery;
use crate::ingest::NewNotification;
use crate::retention::Keep;
use crate::sql::{self, Engine, FromRow, Query, RECORDED, Row, SqlError, Statement};

/// Tables that grow with what is published, told and sent.
const GROWING: [&str; 13] = [
    "delivery",
    "attempt",
    "notification",
    "alert",
    "notice",
    "procedure",
    "procedure_key",
    "likeness",
    "search",
    "address",
    "subscriber",
    "subscription",
    "audience_change",
];

/// Rows of each that are there before: enough that a planner with statistics does not read them all.
const ROWS: i64 = 40_000;

/// A line of a plan, whatever its columns.
struct Line(String);

impl FromRow for Line {
    fn from_row(row: &Row<'_>) -> Result<Self, SqlError> {
        row.get(row.names().len() - 1).map(Self)
    }
}

/// Fills the tables with what was told and sent before the test begins.
async fn fill(store: &Store) {
    let numbers = format!("WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < {ROWS})");
    let rows = [
        "delivery (id, seq, subscriber_id, address_id, channel, cause, procedure_id, state, attempts, next_at, created, settled_at)
         SELECT 'd' || i, i, 's' || CAST(i % 100 AS TEXT), 'a' || CAST(i % 100 AS TEXT), 'email', 'alert:x' || i, 'p' || i, 'sent', 1, i, i, i",
        "attempt (delivery_id, n, started, ended, outcome) SELECT 'd' || i, 1, i, i, 'sent'",
        "notification (id, alert_id, subscriber_id, disposition, reasons, delivery_id, created)
         SELECT 'n' || i, 'x' || i, 's' || CAST(i % 100 AS TEXT), 'instant', '{}', 'd' || i, i",
        "alert (id, kind, procedure_id, notice_id, changes, created) SELECT 'x' || i, 'new', 'p' || i, 'n' || i, '[]', i",
        "notice (id, source, record_id, procedure_id, kind, title, buyer, score, version, content_hash, document, assessment, first_seen, updated)
         SELECT 'n' || i, 's', CAST(i AS TEXT), 'p' || i, 'call', 't', '', 0, 1, 'h', '{}', '{}', i, i",
        "procedure (id, title, snapshot, created, updated) SELECT 'p' || i, 't', '{}', i, i",
        "procedure_key (key, procedure_id) SELECT 'k' || i, 'p' || i",
        "likeness (notice_id, procedure_id, bucket, portrait) SELECT 'n' || i, 'p' || i, CAST(i % 300 AS TEXT), '{}'",
        "subscriber (id, name, role, profile, created, number) SELECT 's' || i, 's', 'subscriber', '{}', i, i + 1000000",
        "address (id, subscriber_id, channel, value, state, created) SELECT 'a' || i, 's' || i, 'email', 'v' || i, 'active', i",
        "subscription (id, subscriber_id, filter, cadence, created) SELECT 'u' || i, 's' || i, '{}', 'instant', i",
        "audience_change (n, person) SELECT i, i + 1000000",
    ];
    let mut tx = store.begin().await.unwrap();
    for row in rows {
        let (columns, select) = row.split_once(" SELECT ").unwrap();
        tx.script(&format!("{numbers} INSERT INTO {columns} SELECT {select} FROM n")).await.unwrap();
    }
    tx.script("UPDATE meta SET value = '6000' WHERE key = 'subscription_version'").await.unwrap();
    // A server does so by itself; SQLite goes by rules, not by statistics.
    if store.engine() == Engine::Postgres {
        tx.script("ANALYZE").await.unwrap();
    }
    tx.commit().await.unwrap();
}

/// The statements that some work runs.
async fn recorded(work: impl Future<Output = ()>) -> Vec<Statement> {
    RECORDED
        .scope(RefCell::default(), async {
            work.await;
            RECORDED.with(|recorded| recorded.take())
        })
        .await
}

/// Statements that read all rows of a growing table, with what says so. `settings` are those of the planner.
async fn that_read_everything(store: &Store, statements: Vec<Statement>, settings: &str) -> Vec<String> {
    let mut found = Vec::new();
    for statement in statements {
        let sql = statement.sql.to_string();
        let explained = match store.engine() {
            Engine::Sqlite => format!("EXPLAIN QUERY PLAN {sql}"),
            Engine::Postgres => format!("EXPLAIN {sql}"),
        };
        let query: Query<Line> = statement.values.into_iter().fold(sql::query_as(explained), Query::bind);
        // In a transaction that is dropped: a reader may not even explain a write.
        let mut tx = store.begin().await.unwrap();
        if store.engine() == Engine::Postgres {
            tx.script(settings).await.unwrap();
        }
        let plan = query.fetch_all(&mut tx).await.unwrap();
        let reads_all = |line: &str| {
            GROWING.iter().any(|table| {
                let whole = [format!("SCAN {table}"), format!("Seq Scan on {table}")];
                whole.iter().any(|scan| {
                    line.split_once(scan.as_str()).is_some_and(|(_, rest)| {
                        // `SCAN delivery USING INDEX` reads an index from its first row: what is sought stands there.
                        !rest.starts_with(|c: char| c.is_alphanumeric() || c == '_') && !rest.contains("USING")
                    })
                })
            })
        };
        if let Some(Line(line)) = plan.iter().find(|Line(line)| reads_all(line)) {
            found.push(format!("{line} in {sql}"));
        }
    }
    found
}

/// One notice that concerns a person, from the first look to its delivery.
async fn ingest(store: &Store, address: &str) {
    let mut notice = Notice::new("s", "new", NoticeKind::Call);
    notice.title = "Nettoyage".into();
    let keys = ["record:s:new".to_owned(), "k7".to_owned()];
    store.content_hashes(&[notice.key()]).await.unwrap();
    let mut tx = store.begin_ingest(at(0)).await.unwrap();
    tx.audience_changes(0).await.unwrap();
    tx.filters_of(&[1_000_001]).await.unwrap();
    tx.look_up_notices(&[notice.key()]).await.unwrap();
    tx.procedures_of(&keys).await.unwrap();
    tx.portraits("7").await.unwrap();
    tx.procedure("none").await.unwrap();
    tx.other_statements("none", &notice.key(), 50).await.unwrap();
    tx.latest_assessment("none", &notice.key()).await.unwrap();
    tx.corrected_provisions(&notice.key()).await.unwrap();
    tx.told("p7").await.unwrap();
    tx.waiting_lines("p7", "x").await.unwrap();
    tx.people_by_number(&[1_000_001]).await.unwrap();
    tx.people_by_id(&["s1"]).await.unwrap();
    tx.instants_since(&["p"], at(-60)).await.unwrap();
    tx.overflow_due(&["p"]).await.unwrap();
    tx.put_procedure("p", &notice.title, &Snapshot::default(), &keys).await.unwrap();
    tx.put_portrait(&notice.key(), "p", "7", "{}").await.unwrap();
    tx.supersede_unsent("p", "p").await.unwrap();
    tx.drop_waiting_lines("p", "p", "x").await.unwrap();
    let alert = Alert {
        id: "new".into(),
        kind: AlertKind::New,
        procedure: "p".into(),
        notice: notice.key(),
        changes: Vec::new(),
    };
    let delivery = NewDelivery {
        subscriber: "p".into(),
        address: address.to_owned(),
        channel: Channel::Email,
        cause: Cause::Alert("new".into()),
        procedure: "p".into(),
        expires: None,
    };
    let share = NewNotification {
        subscriber: "p".into(),
        subscription: None,
        disposition: Disposition::Instant,
        reasons: "{}".into(),
        due: None,
    };
    tx.put_shares(&alert, None, &[(share, vec![delivery])]).await.unwrap();
    tx.commit().await.unwrap();
}

/// That delivery, from its claim to its end.
async fn send(store: &Store) {
    let lease = Duration::minutes(1);
    let claim = Claim { lease_holder: "t", token: "t", limit: 10, lease, domain_gap: Duration::zero() };
    let mut claimed = store.claim(&claim, at(1)).await.unwrap();
    assert_eq!(claimed.len(), 1);
    let mut ahead: Vec<_> = claimed.iter_mut().collect();
    store.read_ahead(&mut ahead).await.unwrap();
    store.items(&claimed[0]).await.unwrap();
    assert!(store.start_attempt(&claimed[0], lease, at(1)).await.unwrap());
    assert!(store.settle(&claimed[0], &Settlement::Sent("250".into()), at(1), at(1)).await.unwrap());
    store.next_delivery_at().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_notice_and_its_message_read_no_growing_table_from_end_to_end() {
    for empty in Empty::each() {
        let store = Store::open(&empty.url).await.unwrap();
        fill(&store).await;
        let address = person(&store, "p").await;
        let statements = recorded(async {
            ingest(&store, &address).await;
            send(&store).await;
        })
        .await;
        assert!(statements.len() > 30, "{}", statements.len());
        let found = that_read_everything(&store, statements, "").await;
        assert!(found.is_empty(), "{:?}: {}", store.engine(), found.join("\n"));
        store.close().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn retention_goes_by_indexes_and_in_batches() {
    let keep = Keep {
        unconfirmed: 0,
        idle: 0,
        messages: 1,
        journal: 0,
        access: 0,
        quarantine: 0,
        attachments: 0,
        consultations: 0,
    };
    for empty in Empty::each() {
        let store = Store::open(&empty.url).await.unwrap();
        fill(&store).await;
        let statements = recorded(async {
            // All of it is outdated: a first pass takes 2,000 attempts, deliveries and shares each.
            assert_eq!(store.delete_outdated(&keep, at(0)).await.unwrap(), 6_000);
        })
        .await;
        // Two thousand of so few rows are found as fast by reading them all; of a million they are not.
        let found = that_read_everything(&store, statements, "SET LOCAL enable_seqscan = off").await;
        assert!(found.is_empty(), "{:?}: {}", store.engine(), found.join("\n"));
        let mut deleted = 6_000;
        loop {
            let n = store.delete_outdated(&keep, at(0)).await.unwrap();
            assert!(n <= 6_000, "{n} in one pass");
            deleted += n;
            if n == 0 {
                break;
            }
        }
        assert_eq!(deleted, 3 * ROWS.unsigned_abs());
        store.close().await;
    }
}

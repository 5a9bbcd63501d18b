//! The journal: what happened to a source, a notice, a person; and the readings that pages and `vigie why` need.

use std::collections::BTreeMap;

use chrono::{DateTime, FixedOffset, Utc};
use vigie_domain::procedure::{Snapshot, Status};
use vigie_domain::{AlertKind, Assessment, DateKind, Disposition, Notice, Route};

use crate::Store;
use crate::columns::{clean, from_json, millis};
use crate::delivery::{DeliveryRow, delivery_columns};
use crate::error::StoreError;
use crate::ids::derived_id;
use crate::sql::{self, Engine, FromRow, Row, SqlError, row};

/// A stored notice with its verdict.
#[derive(Debug, Clone)]
pub struct NoticeRow {
    /// Key (`source:record`).
    pub id: String,
    /// Its procedure.
    pub procedure: String,
    /// When it was first seen.
    pub first_seen: DateTime<Utc>,
    /// Version, from 1.
    pub version: i64,
    pub notice: Notice,
    pub assessment: Assessment,
}

/// A person's share of an alert.
#[derive(Debug, Clone)]
pub struct NotificationRow {
    pub alert: String,
    pub alert_kind: AlertKind,
    /// The notice that caused it.
    pub notice: String,
    /// What was decided.
    pub disposition: Disposition,
    /// Why, as JSON.
    pub reasons: String,
    /// When the digest that carries it goes out.
    pub due: Option<DateTime<Utc>>,
    /// When it was decided.
    pub created: DateTime<Utc>,
    /// The first delivery that carries it.
    pub delivery: Option<String>,
}

/// A line of the journal.
#[derive(Debug, Clone)]
pub struct JournalRow {
    pub at: DateTime<Utc>,
    /// About what: `source`, `address`, `delivery`…
    pub topic: String,
    /// Which one.
    pub reference: String,
    /// What happened, in French.
    pub text: String,
}

row!(NotificationRow { alert, alert_kind, notice, disposition, reasons, due, created, delivery });
row!(JournalRow { at, topic, reference, text });

impl FromRow for NoticeRow {
    fn from_row(row: &Row<'_>) -> Result<Self, SqlError> {
        let (notice, assessment): (String, String) = (row.get(4)?, row.get(5)?);
        Ok(Self {
            id: row.get(0)?,
            procedure: row.get(1)?,
            first_seen: row.get(2)?,
            version: row.get(3)?,
            notice: serde_json::from_str(&notice).map_err(|e| row.unreadable(4, e))?,
            assessment: serde_json::from_str(&assessment).map_err(|e| row.unreadable(5, e))?,
        })
    }
}

/// Reads notices `WHERE` …
macro_rules! select {
    ($rest:literal) => {
        concat!("SELECT id, procedure_id, first_seen, version, document, assessment FROM notice WHERE ", $rest)
    };
}

impl Store {
    /// Adds a line.
    pub async fn note(&self, topic: &str, reference: &str, text: &str, now: DateTime<Utc>) -> Result<(), StoreError> {
        let id = derived_id(&[topic, reference, text, &now.to_rfc3339()]);
        sql::query("INSERT INTO journal (id, at, topic, reference, text) VALUES ($1, $2, $3, $4, $5) ON CONFLICT (id) DO NOTHING")
            .bind(id)
            .bind(millis(now))
            .bind(topic.to_owned())
            .bind(clean(reference))
            .bind(clean(text))
            .execute_alone(&self.db)
            .await?;
        Ok(())
    }

    /// Lines about one thing, newest first; all when `reference` is empty.
    pub async fn journal(&self, reference: &str, limit: i64) -> Result<Vec<JournalRow>, StoreError> {
        Ok(sql::query_as(
            "SELECT at, topic, reference, text FROM journal WHERE reference = $1 OR $1 = '' ORDER BY at DESC, id LIMIT $2",
        )
        .bind(reference)
        .bind(limit)
        .fetch_all(&self.reader)
        .await?)
    }

    /// A notice by its key, or by the record's own identifier.
    pub async fn notice(&self, key: &str) -> Result<Option<NoticeRow>, StoreError> {
        let by_key: Option<NoticeRow> =
            sql::query_as(select!("id = $1")).bind(key).fetch_optional(&self.key_reader).await?;
        if by_key.is_some() {
            return Ok(by_key);
        }
        // No index leads there: it is asked for by hand.
        let query = sql::query_as(select!("record_id = $1 ORDER BY first_seen LIMIT 1"));
        Ok(query.bind(key).fetch_optional(&self.reader).await?)
    }

    /// Notices of a procedure, oldest first.
    pub async fn notices_of(&self, procedure: &str) -> Result<Vec<NoticeRow>, StoreError> {
        let rows: Vec<NoticeRow> = sql::query_as(select!("procedure_id = $1 ORDER BY first_seen, id"))
            .bind(procedure.to_owned())
            .fetch_all(&self.reader)
            .await?;
        Ok(rows)
    }

    /// By which routes structures may answer each of these procedures, by its latest notice: read out of it where it lies, since notices of
    /// many lots are long.
    pub async fn routes_of(&self, procedures: &[String]) -> Result<Vec<(String, Vec<Route>)>, StoreError> {
        let routes = match self.engine() {
            Engine::Sqlite => "json_extract(assessment, '$.routes')",
            Engine::Postgres => "CAST(assessment AS json) ->> 'routes'",
        };
        let mut latest: BTreeMap<String, Vec<Route>> = BTreeMap::new();
        for part in procedures.chunks(500) {
            let marks: Vec<String> = (1..=part.len()).map(|n| format!("${n}")).collect();
            let sql = format!(
                "SELECT procedure_id, {routes} FROM notice WHERE procedure_id IN ({}) ORDER BY first_seen, id",
                marks.join(", ")
            );
            let mut query = sql::query_as::<(String, Option<String>)>(sql);
            for id in part {
                query = query.bind(clean(id));
            }
            for (procedure, routes) in query.fetch_all(&self.reader).await? {
                let routes = routes.map(|r| from_json(&r, "routes of a notice")).transpose()?.unwrap_or_default();
                latest.insert(procedure, routes);
            }
        }
        Ok(latest.into_iter().collect())
    }

    /// The procedure that one of that identifier became part of, if it did.
    pub async fn procedure_now(&self, ended: &str) -> Result<Option<String>, StoreError> {
        self.procedure_of_key(&format!("was:{ended}")).await
    }

    /// The procedure to which a key of `vigie_domain::procedure` leads, if one does.
    pub async fn procedure_of_key(&self, key: &str) -> Result<Option<String>, StoreError> {
        let row: Option<(String,)> = sql::query_as("SELECT procedure_id FROM procedure_key WHERE key = $1")
            .bind(clean(key))
            .fetch_optional(&self.key_reader)
            .await?;
        Ok(row.map(|(id,)| id))
    }

    /// The dates of a procedure that is still open, or of a lot of it that is (empty = the whole); `None` of any other.
    pub async fn open_dates(
        &self,
        procedure: &str,
        lot: &str,
    ) -> Result<Option<Vec<(DateKind, DateTime<FixedOffset>)>>, StoreError> {
        let open = self.state_of(procedure).await?.filter(|s| s.status_of(lot) == Status::Open);
        Ok(open.map(|s| s.dates))
    }

    /// Where a procedure and its lots stand.
    pub async fn state_of(&self, procedure: &str) -> Result<Option<Snapshot>, StoreError> {
        let row: Option<(String,)> = sql::query_as("SELECT snapshot FROM procedure WHERE id = $1")
            .bind(procedure.to_owned())
            .fetch_optional(&self.key_reader)
            .await?;
        row.map(|(text,)| from_json(&text, &format!("procedure {procedure}"))).transpose()
    }

    /// Whether a person has a share of that alert.
    pub async fn has_share(&self, alert: &str, subscriber: &str) -> Result<bool, StoreError> {
        let row: Option<(String,)> =
            sql::query_as("SELECT id FROM notification WHERE alert_id = $1 AND subscriber_id = $2")
                .bind(alert)
                .bind(subscriber)
                .fetch_optional(&self.key_reader)
                .await?;
        Ok(row.is_some())
    }

    /// The notices worth most, latest first.
    pub async fn recent_notices(&self, min_score: u8, limit: i64) -> Result<Vec<NoticeRow>, StoreError> {
        let rows: Vec<NoticeRow> =
            sql::query_as(select!("score >= $1 ORDER BY first_seen DESC, score DESC, id LIMIT $2"))
                .bind(i64::from(min_score))
                .bind(limit)
                .fetch_all(&self.reader)
                .await?;
        Ok(rows)
    }

    /// How many notices are stored.
    pub async fn notice_count(&self) -> Result<i64, StoreError> {
        let (n,): (i64,) = sql::query_as("SELECT COUNT(*) FROM notice").fetch_one(&self.reader).await?;
        Ok(n)
    }

    /// What was decided for a person of late, latest first.
    pub async fn latest_notifications(&self, subscriber: &str, limit: i64) -> Result<Vec<NotificationRow>, StoreError> {
        let rows: Vec<NotificationRow> = sql::query_as(
            "SELECT a.id, a.kind, a.notice_id, n.disposition, n.reasons, n.due, n.created, n.delivery_id
             FROM notification n JOIN alert a ON a.id = n.alert_id WHERE n.subscriber_id = $1 AND a.notice_id <> '' ORDER BY n.created DESC, n.id LIMIT $2",
        )
        .bind(subscriber.to_owned())
        .bind(limit)
        .fetch_all(&self.reader)
        .await?;
        Ok(rows)
    }

    /// What was decided for a person about a procedure, oldest first.
    pub async fn notifications(&self, subscriber: &str, procedure: &str) -> Result<Vec<NotificationRow>, StoreError> {
        let rows: Vec<NotificationRow> = sql::query_as(
            "SELECT a.id, a.kind, a.notice_id, n.disposition, n.reasons, n.due, n.created, n.delivery_id
             FROM notification n JOIN alert a ON a.id = n.alert_id WHERE n.subscriber_id = $1 AND a.procedure_id = $2 ORDER BY n.created, n.id",
        )
        .bind(subscriber.to_owned())
        .bind(procedure.to_owned())
        .fetch_all(&self.reader)
        .await?;
        Ok(rows)
    }

    /// The subscription by which a person was last told of a procedure; `None` where none did, or where it is gone.
    pub async fn subscription_that_told(
        &self,
        subscriber: &str,
        procedure: &str,
    ) -> Result<Option<String>, StoreError> {
        let row: Option<(String,)> = sql::query_as(
            "SELECT s.id FROM notification n JOIN alert a ON a.id = n.alert_id JOIN subscription s ON s.id = n.subscription_id
             WHERE n.subscriber_id = $1 AND s.subscriber_id = $1 AND a.procedure_id = $2 ORDER BY n.created DESC, n.id LIMIT 1",
        )
        .bind(subscriber.to_owned())
        .bind(procedure.to_owned())
        .fetch_optional(&self.reader)
        .await?;
        Ok(row.map(|(id,)| id))
    }

    /// Every delivery that shares its cause and person with this one: a message goes to each of a person's addresses.
    pub async fn deliveries_like(&self, delivery: &str) -> Result<Vec<DeliveryRow>, StoreError> {
        Ok(sql::query_as(concat!(
            "SELECT ",
            delivery_columns!(),
            " FROM delivery d JOIN delivery o ON o.subscriber_id = d.subscriber_id AND o.cause = d.cause WHERE o.id = $1
              ORDER BY d.seq LIMIT 50"
        ))
        .bind(delivery)
        .fetch_all(&self.reader)
        .await?)
    }
}

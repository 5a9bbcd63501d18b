//! What waits for an operator's word after a backup was restored.
//!
//! A restored database does not know what was sent since it was copied: it would send it again. So nothing is claimed while
//! [`Store::held_since`] says since when: messages are made and wait. An operator looks at them, takes out what was received already
//! ([`Store::drop_held`]), and lets the rest go ([`Store::release_held`]).

use chrono::{DateTime, NaiveDate, Utc};
use vigie_domain::{Cause, Channel};

use crate::Store;
use crate::columns::{millis, moment};
use crate::error::StoreError;
use crate::sql::{self, row};

/// Key of the moment since when messages wait, in `meta`.
pub(crate) const HELD_SINCE: &str = "held_since";

/// Why a message was taken out.
const DROPPED: &str = "déjà reçu avant la restauration";

/// A message that waits.
#[derive(Debug, Clone)]
pub struct Held {
    /// Identifier of the delivery.
    pub id: String,
    /// The person's name.
    pub person: String,
    pub channel: Channel,
    pub cause: Cause,
    /// The procedure; empty where it is about none.
    pub procedure: String,
    /// What the procedure is called.
    pub title: String,
    pub created: DateTime<Utc>,
}

row!(Held { id, person, channel, cause, procedure, title, created });

/// What was taken out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Dropped {
    /// Messages.
    pub messages: u64,
    /// Lines of digests that were not made yet.
    pub lines: u64,
}

impl Store {
    /// Since when messages wait for an operator, if they do.
    pub async fn held_since(&self) -> Result<Option<DateTime<Utc>>, StoreError> {
        let row: Option<(String,)> = sql::query_as("SELECT value FROM meta WHERE key = $1")
            .bind(HELD_SINCE)
            .fetch_optional(&self.key_reader)
            .await?;
        Ok(row.and_then(|(value,)| value.parse().ok()).map(moment))
    }

    /// The messages that wait, oldest first.
    pub async fn held(&self, limit: i64) -> Result<Vec<Held>, StoreError> {
        Ok(sql::query_as(
            "SELECT d.id, COALESCE(s.name, ''), d.channel, d.cause, d.procedure_id, COALESCE(p.title, ''), d.created FROM delivery d
             LEFT JOIN subscriber s ON s.id = d.subscriber_id LEFT JOIN procedure p ON p.id = d.procedure_id
             WHERE d.state IN ('pending', 'deferred', 'ambiguous', 'claimed') ORDER BY d.seq LIMIT $1",
        )
        .bind(limit)
        .fetch_all(&self.reader)
        .await?)
    }

    /// How many messages wait, and how many lines of digests that are not made yet.
    pub async fn held_count(&self) -> Result<(i64, i64), StoreError> {
        Ok(sql::query_as(
            "SELECT (SELECT COUNT(*) FROM delivery WHERE state IN ('pending', 'deferred', 'ambiguous', 'claimed')),
               (SELECT COUNT(*) FROM notification WHERE due IS NOT NULL AND delivery_id IS NULL)",
        )
        .fetch_one(&self.reader)
        .await?)
    }

    /// The lines of digests that are not made yet: (identifier, procedure).
    pub async fn held_lines(&self) -> Result<Vec<(String, String)>, StoreError> {
        Ok(sql::query_as(
            "SELECT n.id, a.procedure_id FROM notification n JOIN alert a ON a.id = n.alert_id
             WHERE n.due IS NOT NULL AND n.delivery_id IS NULL ORDER BY n.created, n.id",
        )
        .fetch_all(&self.reader)
        .await?)
    }

    /// The day on which a procedure's newest notice was published, where a notice says so.
    pub async fn published_last(&self, procedure: &str) -> Result<Option<NaiveDate>, StoreError> {
        let rows: Vec<(String,)> = sql::query_as("SELECT document FROM notice WHERE procedure_id = $1")
            .bind(procedure.to_owned())
            .fetch_all(&self.key_reader)
            .await?;
        let published = |(document,): &(String,)| {
            let document: serde_json::Value = serde_json::from_str(document).ok()?;
            document.get("published")?.as_str()?.parse::<NaiveDate>().ok()
        };
        Ok(rows.iter().filter_map(published).max())
    }

    /// Takes out, as received already, messages that wait and lines of digests that are not made yet.
    pub async fn drop_held(
        &self,
        deliveries: &[String],
        lines: &[String],
        now: DateTime<Utc>,
    ) -> Result<Dropped, StoreError> {
        let mut dropped = Dropped { messages: 0, lines: 0 };
        let mut tx = self.begin().await?;
        for id in deliveries {
            dropped.messages += sql::query(
                "UPDATE delivery SET state = 'cancelled', why = $1, settled_at = $2, token = NULL, holder = NULL
                 WHERE id = $3 AND state IN ('pending', 'deferred', 'ambiguous', 'claimed')",
            )
            .bind(DROPPED)
            .bind(millis(now))
            .bind(id.clone())
            .execute(&mut tx)
            .await?;
        }
        for id in lines {
            dropped.lines += sql::query("UPDATE notification SET due = NULL WHERE id = $1 AND delivery_id IS NULL")
                .bind(id.clone())
                .execute(&mut tx)
                .await?;
        }
        tx.commit().await?;
        Ok(dropped)
    }

    /// Lets what waits go; `false` where nothing was held.
    pub async fn release_held(&self) -> Result<bool, StoreError> {
        let done = sql::query("DELETE FROM meta WHERE key = $1").bind(HELD_SINCE).execute_alone(&self.db).await?;
        Ok(done > 0)
    }
}

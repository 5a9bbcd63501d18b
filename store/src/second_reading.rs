//! Which notices in doubt the second reader was asked about, and how much of its budget that took.
//!
//! A notice is asked about once for each content: what was asked stands under its hash.

use chrono::{DateTime, Duration, Utc};

use crate::Store;
use crate::columns::{clean, millis};
use crate::error::StoreError;
use crate::sql;

/// How long it is kept what was asked.
const KEPT: Duration = Duration::days(90);

impl Store {
    /// Notices first seen since then that hold a doubt nobody was asked about: key and content hash, oldest first, at most `most`.
    pub async fn unread_doubts(&self, since: DateTime<Utc>, most: u32) -> Result<Vec<(String, String)>, StoreError> {
        Ok(sql::query_as(
            "SELECT n.id, n.content_hash FROM notice n WHERE n.first_seen >= $1 AND n.assessment LIKE '%\"to_verify\"%'
             AND NOT EXISTS (SELECT 1 FROM second_reading s WHERE s.notice_id = n.id AND s.content_hash = n.content_hash)
             ORDER BY n.first_seen, n.id LIMIT $2",
        )
        .bind(millis(since))
        .bind(i64::from(most))
        .fetch_all(&self.reader)
        .await?)
    }

    /// Statements asked about since then.
    pub async fn statements_asked(&self, since: DateTime<Utc>) -> Result<u32, StoreError> {
        let (n,): (u32,) =
            sql::query_as("SELECT CAST(COALESCE(SUM(statements), 0) AS BIGINT) FROM second_reading WHERE at >= $1")
                .bind(millis(since))
                .fetch_one(&self.reader)
                .await?;
        Ok(n)
    }

    /// Notes that so many statements of a notice were asked about.
    pub async fn note_second_reading(
        &self,
        notice: &str,
        content_hash: &str,
        statements: u32,
        outcome: &str,
        now: DateTime<Utc>,
    ) -> Result<(), StoreError> {
        let mut tx = self.begin().await?;
        sql::query(
            "INSERT INTO second_reading (notice_id, content_hash, at, statements, outcome) VALUES ($1, $2, $3, $4, $5)
             ON CONFLICT (notice_id, content_hash) DO UPDATE SET at = $3, statements = second_reading.statements + $4, outcome = $5",
        )
        .bind(clean(notice))
        .bind(content_hash.to_owned())
        .bind(millis(now))
        .bind(i64::from(statements))
        .bind(clean(outcome))
        .execute(&mut tx)
        .await?;
        sql::query("DELETE FROM second_reading WHERE at < $1").bind(millis(now - KEPT)).execute(&mut tx).await?;
        tx.commit().await?;
        Ok(())
    }
}

//! What was said in chats and is not acted on yet: a queue for each chat, kept before the service is told that it was taken.
//!
//! A chat whose queue is long delays no other, and a crash loses nothing: what was begun is begun again, and given up after a
//! few times, which are counted before it is read.

use chrono::{DateTime, Utc};

use crate::Store;
use crate::columns::millis;
use crate::error::StoreError;
use crate::sql::{self, row};

/// Something said.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct IncomingRow {
    /// Its number among those of its listener.
    pub number: i64,
    pub chat: String,
    /// As the service wrote it.
    pub raw: Vec<u8>,
}

row!(IncomingRow { number, chat, raw });

impl Store {
    /// Keeps what a listener took, and from which number it goes on. What was kept before stays as it is.
    pub async fn keep_incoming(
        &self,
        listener: &str,
        rows: &[IncomingRow],
        next: i64,
        now: DateTime<Utc>,
    ) -> Result<(), StoreError> {
        let mut tx = self.begin().await?;
        for row in rows {
            sql::query(
                "INSERT INTO incoming (listener, number, chat, raw) SELECT $1, $2, $3, $4
                 WHERE NOT EXISTS (SELECT 1 FROM heard h WHERE h.listener = $1 AND h.number = $2)
                 ON CONFLICT (listener, number) DO NOTHING",
            )
            .bind(listener)
            .bind(row.number)
            .bind(row.chat.as_str())
            .bind(row.raw.clone())
            .execute(&mut tx)
            .await?;
        }
        sql::query(
            "INSERT INTO listener (name, next_number, at) VALUES ($1, $2, $3)
             ON CONFLICT (name) DO UPDATE SET next_number = $2, at = $3",
        )
        .bind(listener)
        .bind(next)
        .bind(millis(now))
        .execute(&mut tx)
        .await?;
        sql::query("DELETE FROM heard WHERE listener = $1").bind(listener).execute(&mut tx).await?;
        tx.commit().await?;
        Ok(())
    }

    /// The same for a service that numbers nothing: (chat, what was said), numbered here in this order.
    pub async fn append_incoming(
        &self,
        listener: &str,
        said: Vec<(String, Vec<u8>)>,
        now: DateTime<Utc>,
    ) -> Result<(), StoreError> {
        let mut tx = self.begin().await?;
        let (next,): (i64,) = sql::query_as(
            "INSERT INTO listener (name, next_number, at) VALUES ($1, $2, $3)
             ON CONFLICT (name) DO UPDATE SET next_number = listener.next_number + $2, at = $3 RETURNING next_number",
        )
        .bind(listener)
        .bind(i64::try_from(said.len()).unwrap_or(i64::MAX))
        .bind(millis(now))
        .fetch_one(&mut tx)
        .await?;
        let first = next - i64::try_from(said.len()).unwrap_or(0);
        for (number, (chat, raw)) in (first..).zip(said) {
            sql::query("INSERT INTO incoming (listener, number, chat, raw) VALUES ($1, $2, $3, $4)")
                .bind(listener)
                .bind(number)
                .bind(chat)
                .bind(raw)
                .execute(&mut tx)
                .await?;
        }
        tx.commit().await?;
        Ok(())
    }

    /// Chats in which something waits.
    pub async fn chats_waiting(&self, listener: &str) -> Result<Vec<String>, StoreError> {
        let rows: Vec<(String,)> = sql::query_as("SELECT DISTINCT chat FROM incoming WHERE listener = $1")
            .bind(listener)
            .fetch_all(&self.reader)
            .await?;
        Ok(rows.into_iter().map(|(chat,)| chat).collect())
    }

    /// Whether something waits in a chat.
    pub async fn waits_in(&self, listener: &str, chat: &str) -> Result<bool, StoreError> {
        let row: Option<(i64,)> =
            sql::query_as("SELECT number FROM incoming WHERE listener = $1 AND chat = $2 LIMIT 1")
                .bind(listener)
                .bind(chat)
                .fetch_optional(&self.key_reader)
                .await?;
        Ok(row.is_some())
    }

    /// The first thing that waits in a chat, and how often it was begun, this time included: counted before it is read.
    pub async fn begin_incoming(&self, listener: &str, chat: &str) -> Result<Option<(IncomingRow, i64)>, StoreError> {
        let first: Option<IncomingRow> = sql::query_as(
            "SELECT number, chat, raw FROM incoming WHERE listener = $1 AND chat = $2 ORDER BY number LIMIT 1",
        )
        .bind(listener)
        .bind(chat)
        .fetch_optional(&self.key_reader)
        .await?;
        let Some(row) = first else { return Ok(None) };
        let mut tx = self.begin().await?;
        let tries: Option<(i64,)> =
            sql::query_as("UPDATE incoming SET tries = tries + 1 WHERE listener = $1 AND number = $2 RETURNING tries")
                .bind(listener)
                .bind(row.number)
                .fetch_optional(&mut tx)
                .await?;
        tx.commit().await?;
        Ok(tries.map(|(tries,)| (row, tries)))
    }

    /// Something was acted on, or given up.
    pub async fn end_incoming(&self, listener: &str, number: i64) -> Result<(), StoreError> {
        sql::query("DELETE FROM incoming WHERE listener = $1 AND number = $2")
            .bind(listener)
            .bind(number)
            .execute_alone(&self.db)
            .await?;
        Ok(())
    }
}

//! Records that could not be read: put aside with their bytes, as they came, until one is read after all ([`Store::drop_put_aside`])
//! or is too old to be kept ([`crate::retention`]).

use std::collections::HashMap;

use chrono::{DateTime, Utc};

use crate::Store;
use crate::columns::{clean, millis, moment};
use crate::error::StoreError;
use crate::ids::derived_id;
use crate::sql::{self, row};

/// A record put aside.
#[derive(Debug, Clone)]
pub struct Quarantined {
    pub source: String,
    /// Identifier of the record, when it has one.
    pub record_id: Option<String>,
    /// Where it stood.
    pub place: String,
    /// What was wrong.
    pub reason: String,
    /// Its bytes, as they came.
    pub raw: Vec<u8>,
    pub at: DateTime<Utc>,
}

row!(Quarantined { source, record_id, place, reason, raw, at });

/// A record put aside, as lists show it.
#[derive(Debug, Clone)]
pub struct PutAside {
    pub id: String,
    /// Its source, or the channel or mailbox by which it came.
    pub source: String,
    pub record_id: Option<String>,
    /// What was wrong.
    pub reason: String,
    /// How many bytes it has.
    pub bytes: i64,
    pub at: DateTime<Utc>,
    /// When it was last read again, without success.
    pub tried: Option<DateTime<Utc>>,
}

row!(PutAside { id, source, record_id, reason, bytes, at, tried });

impl Store {
    /// When a notice was last written, by its key.
    pub async fn notice_written(&self, key: &str) -> Result<Option<DateTime<Utc>>, StoreError> {
        let row: Option<(i64,)> = sql::query_as("SELECT updated FROM notice WHERE id = $1")
            .bind(key.to_owned())
            .fetch_optional(&self.key_reader)
            .await?;
        Ok(row.map(|(at,)| moment(at)))
    }

    /// How many records of each source were put aside since then.
    pub async fn put_aside(&self, since: DateTime<Utc>) -> Result<HashMap<String, u64>, StoreError> {
        let rows: Vec<(String, i64)> =
            sql::query_as("SELECT source, COUNT(*) FROM quarantine WHERE at >= $1 GROUP BY source")
                .bind(millis(since))
                .fetch_all(&self.reader)
                .await?;
        Ok(rows.into_iter().map(|(source, n)| (source, n.unsigned_abs())).collect())
    }

    /// Puts a record aside with its bytes. The same record with the same fault is kept once. `true` when it is new.
    pub async fn quarantine(&self, record: &Quarantined) -> Result<bool, StoreError> {
        let mut tx = self.begin().await?;
        let done = sql::query("INSERT INTO quarantine (id, source, record_id, place, reason, raw, at) VALUES ($1, $2, $3, $4, $5, $6, $7) ON CONFLICT (id) DO NOTHING")
            .bind(fingerprint(record))
            .bind(record.source.clone())
            .bind(record.record_id.as_deref().map(clean))
            .bind(clean(&record.place))
            .bind(clean(&record.reason))
            .bind(record.raw.clone())
            .bind(millis(record.at))
            .execute(&mut tx)
            .await?;
        let new = done == 1;
        if new {
            sql::query("UPDATE source SET bad = bad + 1 WHERE id = $1")
                .bind(record.source.clone())
                .execute(&mut tx)
                .await?;
        }
        tx.commit().await?;
        Ok(new)
    }

    /// Records of one source, or of all (`""`), that were put aside, newest first, without their bytes.
    pub async fn put_aside_of(&self, source: &str, limit: i64) -> Result<Vec<PutAside>, StoreError> {
        Ok(sql::query_as(
            "SELECT id, source, record_id, reason, CAST(LENGTH(raw) AS BIGINT), at, NULLIF(tried, 0) FROM quarantine
             WHERE $1 = '' OR source = $1 ORDER BY at DESC, id LIMIT $2",
        )
        .bind(source.to_owned())
        .bind(limit)
        .fetch_all(&self.reader)
        .await?)
    }

    /// The bytes of a record that was put aside, as they came.
    pub async fn raw_of_put_aside(&self, id: &str) -> Result<Option<Vec<u8>>, StoreError> {
        let found: Option<(Vec<u8>,)> = sql::query_as("SELECT raw FROM quarantine WHERE id = $1")
            .bind(id.to_owned())
            .fetch_optional(&self.reader)
            .await?;
        Ok(found.map(|(raw,)| raw))
    }

    /// How many records of each source, or of each other way by which one came, are put aside; by name.
    pub async fn put_aside_counts(&self) -> Result<Vec<(String, i64)>, StoreError> {
        Ok(sql::query_as("SELECT source, COUNT(*) FROM quarantine GROUP BY source ORDER BY source")
            .fetch_all(&self.reader)
            .await?)
    }

    /// One record that was put aside, with its bytes.
    pub async fn put_aside_record(&self, id: &str) -> Result<Option<Quarantined>, StoreError> {
        Ok(sql::query_as("SELECT source, record_id, place, reason, raw, at FROM quarantine WHERE id = $1")
            .bind(id.to_owned())
            .fetch_optional(&self.reader)
            .await?)
    }

    /// Forgets a record that was read after all; `false` when there is none of that identifier.
    pub async fn drop_put_aside(&self, id: &str) -> Result<bool, StoreError> {
        let gone =
            sql::query("DELETE FROM quarantine WHERE id = $1").bind(id.to_owned()).execute_alone(&self.db).await?;
        Ok(gone == 1)
    }

    /// Notes that a record was read again and cannot be read still, and why not. Where the same was put aside for that reason
    /// meanwhile, the two are one.
    pub async fn still_put_aside(&self, id: &str, reason: &str, now: DateTime<Utc>) -> Result<(), StoreError> {
        let Some(record) = self.put_aside_record(id).await? else { return Ok(()) };
        let name = fingerprint(&Quarantined { reason: reason.to_owned(), ..record });
        let mut tx = self.begin().await?;
        sql::query("DELETE FROM quarantine WHERE id = $1 AND id <> $2")
            .bind(name.clone())
            .bind(id)
            .execute(&mut tx)
            .await?;
        sql::query("UPDATE quarantine SET id = $1, reason = $2, tried = $3 WHERE id = $4")
            .bind(name)
            .bind(clean(reason))
            .bind(millis(now))
            .bind(id)
            .execute(&mut tx)
            .await?;
        tx.commit().await?;
        Ok(())
    }

    /// Records put aside, newest first.
    pub async fn quarantined(&self, limit: i64) -> Result<Vec<Quarantined>, StoreError> {
        Ok(sql::query_as("SELECT source, record_id, place, reason, raw, at FROM quarantine ORDER BY at DESC LIMIT $1")
            .bind(limit)
            .fetch_all(&self.reader)
            .await?)
    }
}

/// The same for the same record with the same fault.
fn fingerprint(record: &Quarantined) -> String {
    derived_id(&[
        &record.source,
        record.record_id.as_deref().unwrap_or_default(),
        &record.reason,
        &String::from_utf8_lossy(&record.raw),
    ])
}

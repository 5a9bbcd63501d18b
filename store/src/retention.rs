//! Retention: each table keeps what it holds for as long as it serves, and no longer. Public notices are kept longest: a
//! renewal is found by the contract before it.
//!
//! A pass deletes a bounded number of rows a table, so that it never holds the database for long; the scheduler comes back.

use chrono::{DateTime, Duration, Utc};

use crate::Store;
use crate::audience::person_changed;
use crate::columns::millis;
use crate::error::StoreError;
use crate::sql;

/// Most rows one pass deletes from one table.
const BATCH: i64 = 2_000;

/// How long things are kept, in days; 0 = for ever.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Keep {
    /// Addresses never confirmed, and persons who have no other.
    pub unconfirmed: u32,
    /// Persons none of whose addresses is in use.
    pub idle: u32,
    /// Messages: settled deliveries, their attempts, everyone's shares, texts of alerts.
    pub messages: u32,
    /// Journal, and the account of which mails were read.
    pub journal: u32,
    /// Who looked at personal data.
    pub access: u32,
    /// Records that could not be read.
    pub quarantine: u32,
    /// Files that came with leads.
    pub attachments: u32,
    /// What was read of consultations, and files that were never read.
    pub consultations: u32,
}

/// Rows settled before `$1`, at most `$2` of them.
const BY_AGE: &[(&str, Kept)] = &[
    (
        "DELETE FROM chat_message WHERE delivery_id IN (SELECT id FROM delivery WHERE settled_at < $1 ORDER BY settled_at LIMIT $2)",
        Kept::Messages,
    ),
    (
        "DELETE FROM attempt WHERE delivery_id IN (SELECT id FROM delivery WHERE settled_at < $1 ORDER BY settled_at LIMIT $2)",
        Kept::Messages,
    ),
    (
        "DELETE FROM message_part WHERE delivery_id IN (SELECT id FROM delivery WHERE settled_at < $1 ORDER BY settled_at LIMIT $2)",
        Kept::Messages,
    ),
    (
        "DELETE FROM delivery WHERE id IN (SELECT id FROM delivery WHERE settled_at < $1 ORDER BY settled_at LIMIT $2)",
        Kept::Messages,
    ),
    (
        "DELETE FROM notification WHERE id IN (SELECT id FROM notification WHERE created < $1 ORDER BY created LIMIT $2)",
        Kept::Messages,
    ),
    (
        "UPDATE alert SET body = NULL WHERE id IN (SELECT id FROM alert WHERE body IS NOT NULL AND created < $1 LIMIT $2)",
        Kept::Messages,
    ),
    ("DELETE FROM advice WHERE id IN (SELECT id FROM advice WHERE at < $1 ORDER BY at LIMIT $2)", Kept::Messages),
    ("DELETE FROM journal WHERE id IN (SELECT id FROM journal WHERE at < $1 ORDER BY at LIMIT $2)", Kept::Journal),
    ("DELETE FROM inbox_mail WHERE id IN (SELECT id FROM inbox_mail WHERE at < $1 LIMIT $2)", Kept::Journal),
    (
        "DELETE FROM chat WHERE seen < $1 AND value IN (SELECT value FROM chat WHERE seen < $1 LIMIT $2)
           AND NOT EXISTS (SELECT 1 FROM address a WHERE a.channel = chat.channel AND a.value = chat.value)",
        Kept::Journal,
    ),
    (
        "DELETE FROM invitation WHERE used IS NULL AND expires_at < $1 AND mark IN (SELECT mark FROM invitation WHERE used IS NULL AND expires_at < $1 LIMIT $2)",
        Kept::Journal,
    ),
    ("DELETE FROM access WHERE id IN (SELECT id FROM access WHERE at < $1 LIMIT $2)", Kept::Access),
    ("DELETE FROM quarantine WHERE id IN (SELECT id FROM quarantine WHERE at < $1 LIMIT $2)", Kept::Quarantine),
    (
        "DELETE FROM attachment WHERE id IN (SELECT id FROM attachment WHERE at < $1 ORDER BY at LIMIT $2)",
        Kept::Attachments,
    ),
    (
        "DELETE FROM consultation_file WHERE id IN (SELECT id FROM consultation_file WHERE at < $1 ORDER BY at LIMIT $2)",
        Kept::Consultations,
    ),
    (
        "DELETE FROM consultation WHERE id IN (SELECT id FROM consultation WHERE at < $1 ORDER BY at LIMIT $2)",
        Kept::Consultations,
    ),
];

#[derive(Debug, Clone, Copy)]
enum Kept {
    Messages,
    Journal,
    Access,
    Quarantine,
    Attachments,
    Consultations,
}

impl Keep {
    fn days(&self, kept: Kept) -> u32 {
        match kept {
            Kept::Messages => self.messages,
            Kept::Journal => self.journal,
            Kept::Access => self.access,
            Kept::Quarantine => self.quarantine,
            Kept::Attachments => self.attachments,
            Kept::Consultations => self.consultations,
        }
    }
}

/// The moment before which things kept for `days` go; `None` when they stay for ever.
fn before(days: u32, now: DateTime<Utc>) -> Option<DateTime<Utc>> {
    (days > 0).then(|| now - Duration::days(i64::from(days)))
}

impl Store {
    /// Deletes what is older than it may be; gives the number of rows.
    pub async fn delete_outdated(&self, keep: &Keep, now: DateTime<Utc>) -> Result<u64, StoreError> {
        let mut deleted = 0;
        for (sql, kept) in BY_AGE {
            let Some(before) = before(keep.days(*kept), now) else { continue };
            let mut tx = self.begin().await?;
            deleted += sql::query(*sql).bind(millis(before)).bind(BATCH).execute(&mut tx).await?;
            tx.commit().await?;
        }
        Ok(deleted + self.forget_changes().await?)
    }

    /// Persons to erase: their only addresses were never confirmed, or none has been in use for too long. Those declared in
    /// the settings file stay.
    pub async fn outdated_persons(&self, keep: &Keep, now: DateTime<Utc>) -> Result<Vec<String>, StoreError> {
        self.note_idle(now).await?;
        let mut out = Vec::new();
        if let Some(before) = before(keep.unconfirmed, now) {
            let rows: Vec<(String,)> = sql::query_as(
                "SELECT s.id FROM subscriber s WHERE s.declared = 0 AND EXISTS (SELECT 1 FROM address a WHERE a.subscriber_id = s.id)
                 AND NOT EXISTS (SELECT 1 FROM address a LEFT JOIN consent c ON c.address_id = a.id WHERE a.subscriber_id = s.id
                   AND (a.state <> 'unconfirmed' OR COALESCE(c.asked, a.created) > $1)) ORDER BY s.id",
            )
            .bind(millis(before))
            .fetch_all(&self.reader)
            .await?;
            out.extend(rows.into_iter().map(|r| r.0));
        }
        if let Some(before) = before(keep.idle, now) {
            let rows: Vec<(String,)> = sql::query_as(
                "SELECT i.subscriber_id FROM idle i JOIN subscriber s ON s.id = i.subscriber_id WHERE s.declared = 0 AND i.since <= $1 ORDER BY i.subscriber_id",
            )
            .bind(millis(before))
            .fetch_all(&self.reader)
            .await?;
            out.extend(rows.into_iter().map(|r| r.0).filter(|id| !out.contains(id)).collect::<Vec<_>>());
        }
        Ok(out)
    }

    /// Notes since when a person has no address in use, and forgets it once they have one.
    async fn note_idle(&self, now: DateTime<Utc>) -> Result<(), StoreError> {
        let mut tx = self.begin().await?;
        sql::query(
            "DELETE FROM idle WHERE EXISTS (SELECT 1 FROM address a WHERE a.subscriber_id = idle.subscriber_id AND a.state IN ('active', 'unconfirmed'))",
        )
        .execute(&mut tx)
        .await?;
        sql::query(
            "INSERT INTO idle (subscriber_id, since) SELECT s.id, CAST($1 AS BIGINT) FROM subscriber s
             WHERE NOT EXISTS (SELECT 1 FROM address a WHERE a.subscriber_id = s.id AND a.state IN ('active', 'unconfirmed'))
             ON CONFLICT (subscriber_id) DO NOTHING",
        )
        .bind(millis(now))
        .execute(&mut tx)
        .await?;
        tx.commit().await?;
        Ok(())
    }

    /// Removes unconfirmed addresses of persons who have others, when they are too old.
    pub async fn delete_unconfirmed(&self, keep: &Keep, now: DateTime<Utc>) -> Result<u64, StoreError> {
        let Some(before) = before(keep.unconfirmed, now) else { return Ok(0) };
        let mut tx = self.begin().await?;
        let old = "SELECT a.id, a.subscriber_id FROM address a LEFT JOIN consent c ON c.address_id = a.id JOIN subscriber s ON s.id = a.subscriber_id
             WHERE s.declared = 0 AND a.state = 'unconfirmed' AND COALESCE(c.asked, a.created) <= $1";
        let ids: Vec<(String, String)> = sql::query_as(old).bind(millis(before)).fetch_all(&mut tx).await?;
        for (id, _) in &ids {
            for sql in [
                "DELETE FROM consent WHERE address_id = $1",
                "DELETE FROM lane WHERE address_id = $1",
                "UPDATE delivery SET state = 'cancelled', why = 'adresse jamais confirmée' WHERE address_id = $1 AND state IN ('pending', 'deferred', 'ambiguous')",
                "DELETE FROM address WHERE id = $1",
            ] {
                sql::query(sql).bind(id.clone()).execute(&mut tx).await?;
            }
        }
        for (_, owner) in &ids {
            person_changed(&mut tx, owner).await?;
        }
        tx.commit().await?;
        Ok(ids.len() as u64)
    }

    /// The day of the last retention pass, as the caller named it.
    pub async fn last_cleaning(&self) -> Result<Option<String>, StoreError> {
        let row: Option<(String,)> =
            sql::query_as("SELECT value FROM meta WHERE key = 'cleaned'").fetch_optional(&self.key_reader).await?;
        Ok(row.map(|r| r.0))
    }

    /// Notes the day of a retention pass that is done.
    pub async fn set_last_cleaning(&self, day: &str) -> Result<(), StoreError> {
        sql::query("INSERT INTO meta (key, value) VALUES ('cleaned', $1) ON CONFLICT (key) DO UPDATE SET value = $1")
            .bind(day.to_owned())
            .execute_alone(&self.db)
            .await?;
        Ok(())
    }
}

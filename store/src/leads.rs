//! Leads: who brought which, and the files that came with them.
//!
//! A file belongs to the structure that brought it: whatever reads one for people names the structure, and it stays there when the lead
//! itself is published. The same file twice on one lead is one.

use chrono::{DateTime, Utc};
use vigie_domain::Notice;

use crate::Store;
use crate::columns::{clean, from_json, millis};
use crate::error::StoreError;
use crate::ids::derived_id;
use crate::ingest::IngestTx;
use crate::sql::{self, Transaction, row};

/// A file of a lead, without its bytes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Attachment {
    pub id: String,
    /// Key of the lead's notice.
    pub notice: String,
    /// As its bearer named it.
    pub name: String,
    /// RFC 6838.
    pub media_type: String,
    /// In bytes.
    pub size: i64,
    pub at: DateTime<Utc>,
}

row!(Attachment { id, notice, name, media_type, size, at });

/// A file to be kept.
#[derive(Debug, Clone, Copy)]
pub struct NewAttachment<'a> {
    pub structure: &'a str,
    /// Key of the lead's notice.
    pub notice: &'a str,
    /// Who brought it.
    pub subscriber: &'a str,
    pub name: &'a str,
    pub media_type: &'a str,
    pub content: &'a [u8],
    /// A name of its content: another content is another one.
    pub fingerprint: &'a str,
}

macro_rules! select {
    ($rest:literal) => {
        concat!("SELECT id, notice_id, name, media_type, size, at FROM attachment WHERE ", $rest)
    };
}

impl IngestTx {
    /// Who brought a lead, where it was brought.
    pub async fn bearer_of(&mut self, notice: &str) -> Result<Option<String>, StoreError> {
        let row: Option<(String,)> = sql::query_as("SELECT subscriber_id FROM lead WHERE notice_id = $1")
            .bind(notice.to_owned())
            .fetch_optional(&mut self.tx)
            .await?;
        Ok(row.map(|(id,)| id))
    }
}

impl Store {
    /// Notes that a person brought what becomes this notice.
    pub async fn put_lead(&self, notice: &str, subscriber: &str, now: DateTime<Utc>) -> Result<(), StoreError> {
        sql::query(
            "INSERT INTO lead (notice_id, subscriber_id, at) VALUES ($1, $2, $3) ON CONFLICT (notice_id) DO NOTHING",
        )
        .bind(clean(notice))
        .bind(subscriber.to_owned())
        .bind(millis(now))
        .execute_alone(&self.db)
        .await?;
        Ok(())
    }

    /// How many leads a person brought since a moment.
    pub async fn leads_since(&self, subscriber: &str, since: DateTime<Utc>) -> Result<i64, StoreError> {
        let (n,): (i64,) = sql::query_as("SELECT COUNT(*) FROM lead WHERE subscriber_id = $1 AND at >= $2")
            .bind(subscriber.to_owned())
            .bind(millis(since))
            .fetch_one(&self.reader)
            .await?;
        Ok(n)
    }

    /// Keeps a file, where a lead has fewer than `most` and they hold less than `room` bytes with it; `false` where it does not fit.
    pub async fn put_attachment(
        &self,
        new: &NewAttachment<'_>,
        (most, room): (i64, i64),
        now: DateTime<Utc>,
    ) -> Result<bool, StoreError> {
        let id = derived_id(&["attachment", new.notice, new.structure, new.fingerprint]);
        let size = i64::try_from(new.content.len()).unwrap_or(i64::MAX);
        let mut tx = self.begin().await?;
        let (same, n, held): (i64, i64, i64) = sql::query_as(
            "SELECT CAST(COALESCE(SUM(CASE WHEN id = $1 THEN 1 ELSE 0 END), 0) AS BIGINT), COUNT(*),
               CAST(COALESCE(SUM(size), 0) AS BIGINT) FROM attachment WHERE notice_id = $2 AND structure = $3",
        )
        .bind(id.clone())
        .bind(new.notice.to_owned())
        .bind(new.structure.to_owned())
        .fetch_one(&mut tx)
        .await?;
        if same > 0 {
            return Ok(true);
        }
        if n >= most || held.saturating_add(size) > room {
            return Ok(false);
        }
        sql::query(
            "INSERT INTO attachment (id, structure, notice_id, subscriber_id, name, media_type, size, at, content)
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)",
        )
        .bind(id)
        .bind(new.structure.to_owned())
        .bind(clean(new.notice))
        .bind(new.subscriber.to_owned())
        .bind(clean(new.name))
        .bind(clean(new.media_type))
        .bind(size)
        .bind(millis(now))
        .bind(new.content.to_vec())
        .execute(&mut tx)
        .await?;
        tx.commit().await?;
        Ok(true)
    }

    /// The files that a structure brought with some notices of a procedure.
    pub async fn attachments_of(&self, structure: &str, procedure: &str) -> Result<Vec<Attachment>, StoreError> {
        Ok(sql::query_as(select!(
            "structure = $1 AND notice_id IN (SELECT n.id FROM notice n WHERE n.procedure_id = $2) ORDER BY at, name, id"
        ))
        .bind(structure.to_owned())
        .bind(procedure.to_owned())
        .fetch_all(&self.reader)
        .await?)
    }

    /// A file of a structure, with its bytes.
    pub async fn attachment(&self, structure: &str, id: &str) -> Result<Option<(Attachment, Vec<u8>)>, StoreError> {
        let found: Option<Attachment> = sql::query_as(select!("structure = $1 AND id = $2"))
            .bind(structure.to_owned())
            .bind(clean(id))
            .fetch_optional(&self.key_reader)
            .await?;
        let Some(found) = found else { return Ok(None) };
        let content: Option<(Vec<u8>,)> = sql::query_as("SELECT content FROM attachment WHERE id = $1")
            .bind(found.id.clone())
            .fetch_optional(&self.key_reader)
            .await?;
        Ok(content.map(|(bytes,)| (found, bytes)))
    }

    /// Removes a file of a structure; `false` where it has none of that name.
    pub async fn remove_attachment(&self, structure: &str, id: &str) -> Result<bool, StoreError> {
        let done = sql::query("DELETE FROM attachment WHERE structure = $1 AND id = $2")
            .bind(structure.to_owned())
            .bind(clean(id))
            .execute_alone(&self.db)
            .await?;
        Ok(done == 1)
    }
}

/// Removes the leads that a person alone could see: those of a structure that is nobody else. What was published stays.
pub(crate) async fn forget_private_leads(
    tx: &mut Transaction,
    subscriber: &str,
    structure: &str,
) -> Result<u64, StoreError> {
    let rows: Vec<(String, String, String)> = sql::query_as(
        "SELECT n.id, n.procedure_id, n.document FROM notice n JOIN lead l ON l.notice_id = n.id WHERE l.subscriber_id = $1",
    )
    .bind(subscriber.to_owned())
    .fetch_all(&mut *tx)
    .await?;
    let mut gone = 0;
    for (id, procedure, document) in rows {
        let notice: Notice = from_json(&document, &format!("notice {id}"))?;
        if notice.visibility.structure() != Some(structure) {
            continue;
        }
        gone += sql::query("DELETE FROM notice WHERE id = $1").bind(id).execute(tx).await?;
        // Nothing joins a structure's own lead: its procedure is it alone.
        for sql in [
            "DELETE FROM alert WHERE procedure_id = $1",
            "DELETE FROM search WHERE procedure_id = $1",
            "DELETE FROM procedure WHERE id = $1",
        ] {
            sql::query(sql).bind(procedure.clone()).execute(tx).await?;
        }
    }
    Ok(gone)
}

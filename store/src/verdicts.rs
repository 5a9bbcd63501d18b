//! Verdicts corrected by people: kept for ever, applied to every later version of the notice, and exported as labelled cases.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use vigie_domain::{Disposition, Provision};

use crate::Store;
use crate::columns::{clean, from_json, millis, to_json};
use crate::error::StoreError;
use crate::ids::derived_id;
use crate::ingest::IngestTx;
use crate::sql::{self, FromRow, Row, SqlError};

/// A corrected verdict.
#[derive(Debug, Clone)]
pub struct VerdictCorrection {
    pub notice: String,
    /// Who corrected it.
    pub subscriber: String,
    /// The provisions that hold; `None` = those that the text is read to offer: an earlier correction is taken back.
    pub provisions: Option<Vec<Provision>>,
    pub note: String,
    pub at: DateTime<Utc>,
}

impl FromRow for VerdictCorrection {
    fn from_row(row: &Row<'_>) -> Result<Self, SqlError> {
        let provisions: String = row.get(2)?;
        Ok(Self {
            notice: row.get(0)?,
            subscriber: row.get(1)?,
            provisions: serde_json::from_str(&provisions).map_err(|e| row.unreadable(2, e))?,
            note: row.get(3)?,
            at: row.get(4)?,
        })
    }
}

impl IngestTx {
    /// Keeps a corrected verdict; gives its identifier.
    pub async fn put_verdict_correction(&mut self, new: &VerdictCorrection) -> Result<String, StoreError> {
        let provisions = to_json(&new.provisions)?;
        let id = derived_id(&[&new.notice, &new.subscriber, &provisions, &new.at.to_rfc3339()]);
        sql::query("INSERT INTO verdict_correction (id, notice_id, subscriber_id, provisions, note, created) VALUES ($1, $2, $3, $4, $5, $6) ON CONFLICT (id) DO NOTHING")
            .bind(id.clone())
            .bind(new.notice.clone())
            .bind(new.subscriber.clone())
            .bind(provisions)
            .bind(clean(&new.note))
            .bind(millis(new.at))
            .execute(&mut self.tx)
            .await?;
        Ok(id)
    }

    /// The provisions that a person said hold for a notice, if one did: the latest word counts.
    pub async fn corrected_provisions(&mut self, notice: &str) -> Result<Option<Vec<Provision>>, StoreError> {
        let row: Option<(String,)> = sql::query_as(
            "SELECT provisions FROM verdict_correction WHERE notice_id = $1 ORDER BY created DESC, id DESC LIMIT 1",
        )
        .bind(clean(notice))
        .fetch_optional(&mut self.tx)
        .await?;
        let read =
            |(text,): (String,)| from_json::<Option<Vec<Provision>>>(&text, &format!("verdict_correction {notice}"));
        Ok(row.map(read).transpose()?.flatten())
    }
}

/// The latest correction of a procedure's notices that nobody took back: $1 names the procedure.
const STANDING: &str = "SELECT v.notice_id, v.subscriber_id, v.provisions, v.note, v.created FROM verdict_correction v
 JOIN notice n ON n.id = v.notice_id
 WHERE n.procedure_id = $1 AND v.provisions <> 'null' AND NOT EXISTS (SELECT 1 FROM verdict_correction l
   WHERE l.notice_id = v.notice_id AND (l.created > v.created OR l.created = v.created AND l.id > v.id))
 ORDER BY v.created DESC, v.id DESC LIMIT 1";

impl IngestTx {
    /// The correction that stands for a procedure: the latest word on one of its notices, where it was not taken back.
    pub async fn standing_correction(&mut self, procedure: &str) -> Result<Option<VerdictCorrection>, StoreError> {
        Ok(sql::query_as(STANDING).bind(clean(procedure)).fetch_optional(&mut self.tx).await?)
    }
}

impl Store {
    /// The correction that stands for a procedure: the latest word on one of its notices, where it was not taken back.
    pub async fn standing_correction(&self, procedure: &str) -> Result<Option<VerdictCorrection>, StoreError> {
        Ok(sql::query_as(STANDING).bind(clean(procedure)).fetch_optional(&self.reader).await?)
    }

    /// The corrections of a notice's verdict, oldest first.
    pub async fn verdict_corrections_of(&self, notice: &str) -> Result<Vec<VerdictCorrection>, StoreError> {
        let rows: Vec<VerdictCorrection> = sql::query_as(
            "SELECT notice_id, subscriber_id, provisions, note, created FROM verdict_correction
             WHERE notice_id = $1 ORDER BY created, id",
        )
        .bind(clean(notice))
        .fetch_all(&self.reader)
        .await?;
        Ok(rows)
    }

    /// Those who are told of a procedure and can be reached, and whether a message about it was made for each: `false` for those whose
    /// digest waits.
    pub async fn told_of(&self, procedure: &str) -> Result<BTreeMap<String, bool>, StoreError> {
        let rows: Vec<(String, Disposition, Option<String>)> = sql::query_as(
            "SELECT n.subscriber_id, n.disposition, n.delivery_id FROM notification n JOIN alert a ON a.id = n.alert_id
             WHERE a.procedure_id = $1 AND a.kind <> 'undecided'
               AND EXISTS (SELECT 1 FROM address x WHERE x.subscriber_id = n.subscriber_id AND x.state = 'active')",
        )
        .bind(clean(procedure))
        .fetch_all(&self.reader)
        .await?;
        let mut told = BTreeMap::new();
        for (person, _, delivery) in rows.into_iter().filter(|(_, how, _)| how.is_told()) {
            *told.entry(person).or_insert(false) |= delivery.is_some();
        }
        Ok(told)
    }

    /// Every corrected verdict, oldest first.
    pub async fn verdict_corrections(&self) -> Result<Vec<VerdictCorrection>, StoreError> {
        let rows: Vec<VerdictCorrection> = sql::query_as(
            "SELECT notice_id, subscriber_id, provisions, note, created FROM verdict_correction ORDER BY created, id",
        )
        .fetch_all(&self.reader)
        .await?;
        Ok(rows)
    }
}

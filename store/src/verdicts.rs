//! Verdicts corrected by people: kept for ever, applied to every later version of the notice, and exported as labelled cases.

use std::collections::BTreeSet;

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

impl Store {
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

    /// Those who were told of a procedure.
    pub async fn told_of(&self, procedure: &str) -> Result<BTreeSet<String>, StoreError> {
        let rows: Vec<(String, Disposition)> = sql::query_as(
            "SELECT DISTINCT n.subscriber_id, n.disposition FROM notification n JOIN alert a ON a.id = n.alert_id
             WHERE a.procedure_id = $1 AND a.kind <> 'undecided'",
        )
        .bind(clean(procedure))
        .fetch_all(&self.reader)
        .await?;
        Ok(rows.into_iter().filter(|(_, how)| how.is_told()).map(|(person, _)| person).collect())
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

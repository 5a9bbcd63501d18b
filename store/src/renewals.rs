//! Which structure was told of which contract's end, how long ahead, and of which end: a moved end is news, the same one is not.

use chrono::{DateTime, NaiveDate, NaiveTime, Utc};

use crate::Store;
use crate::columns::{clean, millis};
use crate::contracts::day_of;
use crate::error::StoreError;
use crate::ingest::IngestTx;
use crate::sql::{self, FromRow, Row, SqlError};

/// A contract's end of which a structure was told.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RenewalTold {
    pub structure: String,
    pub procedure: String,
    /// The lot; empty = the whole.
    pub lot: String,
    /// Months ahead for which it was told.
    pub ahead: u32,
    /// The end that was told.
    pub ends: NaiveDate,
    pub at: DateTime<Utc>,
}

impl FromRow for RenewalTold {
    fn from_row(row: &Row<'_>) -> Result<Self, SqlError> {
        Ok(Self {
            structure: row.get(0)?,
            procedure: row.get(1)?,
            lot: row.get(2)?,
            ahead: row.get(3)?,
            ends: day_of(row.get(4)?),
            at: row.get(5)?,
        })
    }
}

macro_rules! select {
    ($rest:literal) => {
        concat!("SELECT structure, procedure_id, lot, ahead, ends, at FROM renewal WHERE ", $rest)
    };
}

impl IngestTx {
    /// Notes that a structure is told of a contract's end.
    pub async fn put_renewal(&mut self, told: &RenewalTold) -> Result<(), StoreError> {
        sql::query(
            "INSERT INTO renewal (structure, procedure_id, lot, ahead, ends, at) VALUES ($1, $2, $3, $4, $5, $6)
             ON CONFLICT (structure, procedure_id, lot, ahead) DO UPDATE SET ends = $5, at = $6",
        )
        .bind(told.structure.clone())
        .bind(told.procedure.clone())
        .bind(clean(&told.lot))
        .bind(i64::from(told.ahead))
        .bind(millis(told.ends.and_time(NaiveTime::MIN).and_utc()))
        .bind(millis(told.at))
        .execute(&mut self.tx)
        .await?;
        Ok(())
    }
}

impl Store {
    /// The ends of which a structure was told, latest first.
    pub async fn renewals_of(&self, structure: &str, limit: i64) -> Result<Vec<RenewalTold>, StoreError> {
        Ok(sql::query_as(select!("structure = $1 ORDER BY at DESC, procedure_id, lot, ahead LIMIT $2"))
            .bind(structure.to_owned())
            .bind(limit)
            .fetch_all(&self.reader)
            .await?)
    }

    /// Who was told of the end of a contract.
    pub async fn renewals_told(&self, procedure: &str, lot: &str) -> Result<Vec<RenewalTold>, StoreError> {
        Ok(sql::query_as(select!("procedure_id = $1 AND lot = $2 ORDER BY structure, ahead"))
            .bind(procedure.to_owned())
            .bind(clean(lot))
            .fetch_all(&self.key_reader)
            .await?)
    }

    /// How many lines about ends each structure had since a moment.
    pub async fn renewal_lines_since(&self, since: DateTime<Utc>) -> Result<Vec<(String, i64)>, StoreError> {
        Ok(sql::query_as("SELECT structure, COUNT(*) FROM renewal WHERE at > $1 GROUP BY structure")
            .bind(since)
            .fetch_all(&self.reader)
            .await?)
    }
}

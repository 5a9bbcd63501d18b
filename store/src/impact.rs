//! What contracts won gave, as the structure typed it: one row a structure, procedure and lot. Counts, never a name.
//!
//! A reading names the structure: none crosses from one to another.

use chrono::{DateTime, Utc};

use crate::Store;
use crate::columns::{clean, millis};
use crate::error::StoreError;
use crate::sql::{self, row};

/// Figures of a contract; `None` = not typed.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Figures {
    /// Euros without taxes.
    pub amount: Option<i64>,
    /// Hours of insertion planned.
    pub hours_planned: Option<i64>,
    /// Hours of insertion done.
    pub hours_done: Option<i64>,
    /// People who worked on it.
    pub people: Option<i64>,
    /// Of them, those who left for a job or a training (sorties positives).
    pub exits: Option<i64>,
}

row!(Figures { amount, hours_planned, hours_done, people, exits });

impl Store {
    /// The figures of a contract that a structure won.
    pub async fn impact_of(&self, structure: &str, procedure: &str, lot: &str) -> Result<Option<Figures>, StoreError> {
        Ok(sql::query_as(
            "SELECT amount, hours_planned, hours_done, people, exits FROM impact WHERE structure = $1 AND procedure_id = $2 AND lot = $3",
        )
        .bind(structure.to_owned())
        .bind(procedure.to_owned())
        .bind(clean(lot))
        .fetch_optional(&self.reader)
        .await?)
    }

    /// Writes the figures of a contract in the place of those that stood.
    pub async fn put_impact(
        &self,
        (structure, procedure, lot): (&str, &str, &str),
        figures: Figures,
        by: &str,
        now: DateTime<Utc>,
    ) -> Result<(), StoreError> {
        sql::query(
            "INSERT INTO impact (structure, procedure_id, lot, amount, hours_planned, hours_done, people, exits, decided_by, at)
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10) ON CONFLICT (structure, procedure_id, lot) DO UPDATE SET
               amount = $4, hours_planned = $5, hours_done = $6, people = $7, exits = $8, decided_by = $9, at = $10",
        )
        .bind(structure.to_owned())
        .bind(procedure.to_owned())
        .bind(clean(lot))
        .bind(figures.amount)
        .bind(figures.hours_planned)
        .bind(figures.hours_done)
        .bind(figures.people)
        .bind(figures.exits)
        .bind(clean(by))
        .bind(millis(now))
        .execute_alone(&self.db)
        .await?;
        Ok(())
    }
}

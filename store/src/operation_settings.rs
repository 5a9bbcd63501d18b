//! What an organisation sets for its operations: the sheet of each, its own coefficients, its monthly table.

use std::collections::HashMap;

use chrono::{DateTime, Utc};
use serde::Serialize;
use serde::de::DeserializeOwned;
use vigie_domain::operation::calibration::Sheet;

use crate::Store;
use crate::columns::{clean, from_json, millis, to_json};
use crate::error::StoreError;
use crate::sql::{self, row};

/// A coefficient that an organisation set in the place of the one that comes with the product.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Coefficient {
    /// What it is the coefficient of: `cost`, `rate`, or a trade's folded name.
    pub name: String,
    /// As people read it.
    pub label: String,
    /// In cents or in hundredths of a percent.
    pub value: i64,
    pub source: String,
    /// Who set it, as they are called.
    pub by: String,
    pub at: DateTime<Utc>,
}

row!(Coefficient { name, label, value, source, by, at });

/// The monthly table of an organisation, as its document and the day on which it leaves.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MonthlyTable<T> {
    pub table: T,
    /// Day of the month on which it is sent, 1–28; 0 = never.
    pub day: u32,
}

impl Store {
    /// The sheet of calibration of an operation of a structure.
    pub async fn sheet(&self, structure: &str, operation: &str) -> Result<Option<Sheet>, StoreError> {
        let row: Option<(Option<String>,)> =
            sql::query_as("SELECT sheet FROM operation WHERE structure = $1 AND id = $2")
                .bind(structure.to_owned())
                .bind(clean(operation))
                .fetch_optional(&self.key_reader)
                .await?;
        let text = row.and_then(|(sheet,)| sheet);
        text.map(|t| from_json(&t, &format!("operation {operation}"))).transpose()
    }

    /// The sheets of a structure's operations, by operation.
    pub async fn sheets_of(&self, structure: &str) -> Result<HashMap<String, Sheet>, StoreError> {
        let rows: Vec<(String, String)> =
            sql::query_as("SELECT id, sheet FROM operation WHERE structure = $1 AND sheet IS NOT NULL")
                .bind(structure.to_owned())
                .fetch_all(&self.reader)
                .await?;
        rows.into_iter().map(|(id, text)| Ok((id.clone(), from_json(&text, &format!("operation {id}"))?))).collect()
    }

    /// Writes the sheet of an operation of a structure; `false` where there is no such operation.
    pub async fn put_sheet(
        &self,
        structure: &str,
        operation: &str,
        sheet: &Sheet,
        now: DateTime<Utc>,
    ) -> Result<bool, StoreError> {
        let done = sql::query("UPDATE operation SET sheet = $1, updated = $2 WHERE structure = $3 AND id = $4")
            .bind(to_json(sheet)?)
            .bind(millis(now))
            .bind(structure.to_owned())
            .bind(clean(operation))
            .execute_alone(&self.db)
            .await?;
        Ok(done == 1)
    }

    /// The coefficients that a structure set, by label.
    pub async fn coefficients_of(&self, structure: &str) -> Result<Vec<Coefficient>, StoreError> {
        Ok(sql::query_as(
            "SELECT name, label, value, source, set_by, at FROM operation_coefficient WHERE structure = $1 ORDER BY label, name",
        )
        .bind(structure.to_owned())
        .fetch_all(&self.reader)
        .await?)
    }

    /// Sets a coefficient of a structure.
    pub async fn put_coefficient(&self, structure: &str, c: &Coefficient) -> Result<(), StoreError> {
        sql::query(
            "INSERT INTO operation_coefficient (structure, name, label, value, source, set_by, at) VALUES ($1, $2, $3, $4, $5, $6, $7)
             ON CONFLICT (structure, name) DO UPDATE SET label = $3, value = $4, source = $5, set_by = $6, at = $7",
        )
        .bind(structure.to_owned())
        .bind(clean(&c.name))
        .bind(clean(&c.label))
        .bind(c.value)
        .bind(clean(&c.source))
        .bind(clean(&c.by))
        .bind(millis(c.at))
        .execute_alone(&self.db)
        .await?;
        Ok(())
    }

    /// Takes a coefficient of a structure away: the one that comes with the product counts again.
    pub async fn remove_coefficient(&self, structure: &str, name: &str) -> Result<bool, StoreError> {
        let done = sql::query("DELETE FROM operation_coefficient WHERE structure = $1 AND name = $2")
            .bind(structure.to_owned())
            .bind(clean(name))
            .execute_alone(&self.db)
            .await?;
        Ok(done == 1)
    }

    /// The monthly table that a structure settled.
    pub async fn monthly_table<T: DeserializeOwned>(
        &self,
        structure: &str,
    ) -> Result<Option<MonthlyTable<T>>, StoreError> {
        let row: Option<(String, u32)> =
            sql::query_as("SELECT document, day FROM operation_table WHERE structure = $1")
                .bind(structure.to_owned())
                .fetch_optional(&self.key_reader)
                .await?;
        row.map(|(document, day)| {
            Ok(MonthlyTable { table: from_json(&document, &format!("monthly table of {structure}"))?, day })
        })
        .transpose()
    }

    /// Settles the monthly table of a structure; which month was sent last stays.
    pub async fn put_monthly_table<T: Serialize>(
        &self,
        structure: &str,
        (table, day): (&T, u32),
        by: &str,
        now: DateTime<Utc>,
    ) -> Result<(), StoreError> {
        sql::query(
            "INSERT INTO operation_table (structure, document, day, sent, set_by, at) VALUES ($1, $2, $3, '', $4, $5)
             ON CONFLICT (structure) DO UPDATE SET document = $2, day = $3, set_by = $4, at = $5",
        )
        .bind(structure.to_owned())
        .bind(to_json(table)?)
        .bind(i64::from(day))
        .bind(clean(by))
        .bind(millis(now))
        .execute_alone(&self.db)
        .await?;
        Ok(())
    }

    /// Structures whose monthly table leaves on a day up to this one and was not sent for that month: for the scheduler.
    pub async fn monthly_tables_due(&self, day: u32, month: &str) -> Result<Vec<String>, StoreError> {
        let rows: Vec<(String,)> = sql::query_as(
            "SELECT structure FROM operation_table WHERE day > 0 AND day <= $1 AND sent < $2 ORDER BY structure",
        )
        .bind(i64::from(day))
        .bind(month.to_owned())
        .fetch_all(&self.reader)
        .await?;
        Ok(rows.into_iter().map(|(structure,)| structure).collect())
    }

    /// Notes that the table of a month is sent; `false` where it was before.
    pub async fn note_table_sent(&self, structure: &str, month: &str) -> Result<bool, StoreError> {
        let done = sql::query("UPDATE operation_table SET sent = $1 WHERE structure = $2 AND sent < $1")
            .bind(month.to_owned())
            .bind(structure.to_owned())
            .execute_alone(&self.db)
            .await?;
        Ok(done == 1)
    }
}

//! Hours of operations: owed by the holders of lots, planned and done month by month. No row says anything of a person but how many
//! there were.

use std::collections::HashMap;

use vigie_domain::operation::hours::{People, company_key};
use vigie_domain::operation::plan::Totals;
use vigie_domain::operation::{Hours, HoursRow, LotOwed, Modality};

use crate::Store;
use crate::columns::{clean, words};
use crate::error::StoreError;
use crate::sql::{self, Columns, FromRow, Row, SqlError, Transaction};

words!(Modality: Modality::parse);

/// Hours of an operation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OperationHours {
    pub operation: String,
    pub row: HoursRow,
}

impl FromRow for OperationHours {
    fn from_row(row: &Row<'_>) -> Result<Self, SqlError> {
        let mut columns = Columns::of(row);
        let operation = columns.next()?;
        let mut count = 0;
        let (month, lot, modality) = (columns.next()?, columns.next()?, columns.next()?);
        let (company, siret) = (columns.next()?, columns.next()?);
        let (planned, done) = (Hours(columns.next()?), Hours(columns.next()?));
        let mut counted = || -> Result<Option<u32>, SqlError> {
            let stored: Option<i64> = row.get(8 + count)?;
            count += 1;
            stored.map(|n| u32::try_from(n).map_err(|_| row.unreadable(7 + count, n))).transpose()
        };
        let people = People { all: counted()?, quarters: counted()?, women: counted()?, disabled: counted()? };
        let remark = row.get(12)?;
        Ok(Self { operation, row: HoursRow { month, lot, company, siret, modality, planned, done, people, remark } })
    }
}

/// What the holder of a lot of an operation owes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OperationLot {
    pub operation: String,
    pub lot: LotOwed,
}

impl FromRow for OperationLot {
    fn from_row(row: &Row<'_>) -> Result<Self, SqlError> {
        let mut columns = Columns::of(row);
        Ok(Self {
            operation: columns.next()?,
            lot: LotOwed {
                lot: columns.next()?,
                company: columns.next()?,
                siret: columns.next()?,
                owed: Hours(columns.next()?),
                starts: columns.next()?,
                ends: columns.next()?,
                published: columns.next()?,
            },
        })
    }
}

async fn put(tx: &mut Transaction, structure: &str, operation: &str, r: &HoursRow) -> Result<(), StoreError> {
    // What was written of a company by its name is replaced by what is written with its number.
    if r.siret.is_some() && !r.company.is_empty() {
        sql::query(
            "DELETE FROM operation_hours WHERE structure = $1 AND operation_id = $2 AND month = $3 AND lot = $4 AND company_key = $5
               AND modality = $6",
        )
        .bind(structure.to_owned())
        .bind(operation.to_owned())
        .bind(r.month.to_string())
        .bind(clean(&r.lot))
        .bind(clean(&company_key(None, &r.company)))
        .bind(r.modality.as_str())
        .execute(&mut *tx)
        .await?;
    }
    sql::query(
        "INSERT INTO operation_hours (structure, operation_id, month, lot, company_key, modality, company, siret, planned, done, people,
           quarters, women, disabled, remark)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15)
         ON CONFLICT (operation_id, month, lot, company_key, modality) DO UPDATE SET company = $7, siret = $8, planned = $9, done = $10,
           people = $11, quarters = $12, women = $13, disabled = $14, remark = $15",
    )
    .bind(structure.to_owned())
    .bind(operation.to_owned())
    .bind(r.month.to_string())
    .bind(clean(&r.lot))
    .bind(clean(&company_key(r.siret.as_deref(), &r.company)))
    .bind(r.modality.as_str())
    .bind(clean(&r.company))
    .bind(r.siret.clone())
    .bind(r.planned.0)
    .bind(r.done.0)
    .bind(r.people.all.map(i64::from))
    .bind(r.people.quarters.map(i64::from))
    .bind(r.people.women.map(i64::from))
    .bind(r.people.disabled.map(i64::from))
    .bind(clean(&r.remark))
    .execute(tx)
    .await?;
    Ok(())
}

/// Gives hours that were written by the name of a holder the number that it has now, unless some stand under the number already.
async fn number_hours(tx: &mut Transaction, structure: &str, operation: &str, l: &LotOwed) -> Result<(), StoreError> {
    if l.siret.is_none() || l.company.is_empty() {
        return Ok(());
    }
    sql::query(
        "UPDATE operation_hours SET siret = $1, company_key = $2
         WHERE structure = $3 AND operation_id = $4 AND company_key = $5 AND siret IS NULL AND NOT EXISTS
           (SELECT 1 FROM operation_hours o WHERE o.operation_id = operation_hours.operation_id AND o.month = operation_hours.month
              AND o.lot = operation_hours.lot AND o.modality = operation_hours.modality AND o.company_key = $2)",
    )
    .bind(l.siret.clone())
    .bind(clean(&company_key(l.siret.as_deref(), &l.company)))
    .bind(structure.to_owned())
    .bind(operation.to_owned())
    .bind(clean(&company_key(None, &l.company)))
    .execute(tx)
    .await?;
    Ok(())
}

impl Store {
    /// Writes hours in the place of those of the same month, lot, company and modality, all or none.
    pub async fn put_hours(&self, structure: &str, hours: &[OperationHours]) -> Result<(), StoreError> {
        let mut tx = self.begin().await?;
        for one in hours {
            put(&mut tx, structure, &one.operation, &one.row).await?;
        }
        tx.commit().await?;
        Ok(())
    }

    /// Removes hours; `false` where there are none of that key.
    pub async fn remove_hours(&self, structure: &str, operation: &str, row: &HoursRow) -> Result<bool, StoreError> {
        let (month, lot, company, modality) = row.key();
        let done = sql::query(
            "DELETE FROM operation_hours WHERE structure = $1 AND operation_id = $2 AND month = $3 AND lot = $4 AND company_key = $5
               AND modality = $6",
        )
        .bind(structure.to_owned())
        .bind(operation.to_owned())
        .bind(month.to_string())
        .bind(clean(&lot))
        .bind(clean(&company))
        .bind(modality.as_str())
        .execute_alone(&self.db)
        .await?;
        Ok(done == 1)
    }

    /// Hours of a structure's operations by month, lot, company and modality: of one operation, or of all.
    pub async fn hours_of(&self, structure: &str, operation: Option<&str>) -> Result<Vec<OperationHours>, StoreError> {
        Ok(sql::query_as(
            "SELECT operation_id, month, lot, modality, company, siret, planned, done, people, quarters, women, disabled, remark
             FROM operation_hours WHERE structure = $1 AND ($2 = '' OR operation_id = $2)
             ORDER BY month, operation_id, lot, company_key, modality",
        )
        .bind(structure.to_owned())
        .bind(operation.unwrap_or_default().to_owned())
        .fetch_all(&self.reader)
        .await?)
    }

    /// What is owed, planned and done of a structure's operations in all, by operation: of one, or of all.
    pub async fn operation_sums(
        &self,
        structure: &str,
        operation: Option<&str>,
    ) -> Result<HashMap<String, Totals>, StoreError> {
        let rows: Vec<(String, i64, i64, i64)> = sql::query_as(
            "SELECT o.id,
               CAST(COALESCE((SELECT SUM(l.owed) FROM operation_lot l WHERE l.operation_id = o.id), 0) AS BIGINT),
               CAST(COALESCE((SELECT SUM(h.planned) FROM operation_hours h WHERE h.operation_id = o.id), 0) AS BIGINT),
               CAST(COALESCE((SELECT SUM(h.done) FROM operation_hours h WHERE h.operation_id = o.id), 0) AS BIGINT)
             FROM operation o WHERE o.structure = $1 AND ($2 = '' OR o.id = $2)",
        )
        .bind(structure.to_owned())
        .bind(operation.unwrap_or_default().to_owned())
        .fetch_all(&self.reader)
        .await?;
        let totals = |(owed, planned, done): (i64, i64, i64)| Totals {
            owed: Hours(owed),
            planned: Hours(planned),
            done: Hours(done),
        };
        Ok(rows.into_iter().map(|(id, owed, planned, done)| (id, totals((owed, planned, done)))).collect())
    }

    /// Writes what the holders of an operation's lots owe in the place of what stood for the same lot and company.
    pub async fn put_lots(&self, structure: &str, lots: &[OperationLot]) -> Result<(), StoreError> {
        let mut tx = self.begin().await?;
        for one in lots {
            let l = &one.lot;
            sql::query(
                "INSERT INTO operation_lot (structure, operation_id, lot, company_key, company, siret, owed, starts, ends, published)
                 VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10) ON CONFLICT (operation_id, lot, company_key) DO UPDATE SET
                   company = $5, siret = $6, owed = $7, starts = $8, ends = $9, published = $10",
            )
            .bind(structure.to_owned())
            .bind(one.operation.clone())
            .bind(clean(&l.lot))
            .bind(clean(&company_key(l.siret.as_deref(), &l.company)))
            .bind(clean(&l.company))
            .bind(l.siret.clone())
            .bind(l.owed.0)
            .bind(l.starts.map(|d| d.to_string()))
            .bind(l.ends.map(|d| d.to_string()))
            .bind(i64::from(l.published))
            .execute(&mut tx)
            .await?;
            number_hours(&mut tx, structure, &one.operation, l).await?;
        }
        tx.commit().await?;
        Ok(())
    }

    /// Removes the holder of a lot; `false` where there is none.
    pub async fn remove_lot(&self, structure: &str, operation: &str, lot: &LotOwed) -> Result<bool, StoreError> {
        let done = sql::query(
            "DELETE FROM operation_lot WHERE structure = $1 AND operation_id = $2 AND lot = $3 AND company_key = $4",
        )
        .bind(structure.to_owned())
        .bind(operation.to_owned())
        .bind(clean(&lot.lot))
        .bind(clean(&company_key(lot.siret.as_deref(), &lot.company)))
        .execute_alone(&self.db)
        .await?;
        Ok(done == 1)
    }

    /// What the holders of a structure's lots owe: of one operation, or of all.
    pub async fn lots_of(&self, structure: &str, operation: Option<&str>) -> Result<Vec<OperationLot>, StoreError> {
        Ok(sql::query_as(
            "SELECT operation_id, lot, company, siret, owed, starts, ends, published FROM operation_lot
             WHERE structure = $1 AND ($2 = '' OR operation_id = $2) ORDER BY operation_id, lot, company_key",
        )
        .bind(structure.to_owned())
        .bind(operation.unwrap_or_default().to_owned())
        .fetch_all(&self.reader)
        .await?)
    }
}

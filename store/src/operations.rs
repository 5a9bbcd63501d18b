//! Operations of facilitators, their notes, and the procedures that belong to them.
//!
//! All of it is the organisation's: a reading for people names the structure. Those for the scheduler read all, and act for each
//! structure apart.

use chrono::{DateTime, Utc};
use strum::{EnumString, IntoStaticStr};
use vigie_domain::Department;
use vigie_domain::operation::{Operation, OperationNote, OperationState, Programme};

use crate::Store;
use crate::columns::{clean, millis, words};
use crate::error::StoreError;
use crate::ids::{ordered_id, random};
use crate::sql::{self, Columns, FromRow, Row, SqlError, Transaction};

/// How a procedure stands to an operation.
#[derive(Debug, Clone, Copy, PartialEq, Eq, EnumString, IntoStaticStr)]
#[strum(serialize_all = "snake_case")]
pub enum Standing {
    /// It belongs to it.
    Attached,
    /// It may belong to it: a person says.
    Proposed,
    /// A person said that it does not.
    Refused,
}

impl Standing {
    fn parse(word: &str) -> Option<Self> {
        word.parse().ok()
    }

    fn as_str(self) -> &'static str {
        self.into()
    }
}

words! {
    Programme: Programme::parse,
    OperationState: OperationState::parse,
    Standing: Standing::parse,
}

/// A procedure beside an operation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Attachment {
    pub operation: String,
    pub procedure: String,
    pub standing: Standing,
    pub at: DateTime<Utc>,
}

crate::sql::row!(Attachment { operation, procedure, standing, at });

struct OperationRow(Operation);

impl FromRow for OperationRow {
    fn from_row(row: &Row<'_>) -> Result<Self, SqlError> {
        let mut columns = Columns::of(row);
        Ok(Self(Operation {
            id: columns.next()?,
            structure: columns.next()?,
            reference: columns.next()?,
            title: columns.next()?,
            buyer: columns.next()?,
            siret: columns.next()?,
            territory: columns.next()?,
            departments: columns.next::<String>()?.split_whitespace().filter_map(Department::parse).collect(),
            programme: columns.next()?,
            state: columns.next()?,
            amount: columns.next()?,
            in_charge: columns.next()?,
            next_step: columns.next()?,
            next_on: columns.next()?,
            remark: columns.next()?,
            created: columns.next()?,
            updated: columns.next()?,
        }))
    }
}

struct NoteRow(OperationNote);

impl FromRow for NoteRow {
    fn from_row(row: &Row<'_>) -> Result<Self, SqlError> {
        let mut columns = Columns::of(row);
        Ok(Self(OperationNote { id: columns.next()?, by: columns.next()?, at: columns.next()?, text: columns.next()? }))
    }
}

macro_rules! select {
    ($rest:literal) => {
        concat!(
            "SELECT id, structure, reference, title, buyer, siret, territory, departments, programme, state, amount, in_charge,
               next_step, next_on, remark, created, updated FROM operation WHERE ",
            $rest
        )
    };
}

/// A reference as references are compared.
#[must_use]
pub fn reference_key(reference: &str) -> String {
    clean(&reference.split_whitespace().collect::<Vec<_>>().join(" ").to_lowercase())
}

async fn put(tx: &mut Transaction, o: &Operation) -> Result<(), StoreError> {
    let departments: Vec<&str> = o.departments.iter().map(Department::as_str).collect();
    sql::query(
        "INSERT INTO operation (id, structure, reference, reference_key, title, buyer, siret, territory, departments, programme, state,
           amount, in_charge, next_step, next_on, remark, created, updated)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18)
         ON CONFLICT (structure, reference_key) DO UPDATE SET reference = $3, title = $5, buyer = $6, siret = $7, territory = $8,
           departments = $9, programme = $10, state = $11, amount = $12, in_charge = $13, next_step = $14, next_on = $15, remark = $16,
           updated = $18",
    )
    .bind(o.id.clone())
    .bind(o.structure.clone())
    .bind(clean(&o.reference))
    .bind(reference_key(&o.reference))
    .bind(clean(&o.title))
    .bind(clean(&o.buyer))
    .bind(o.siret.clone())
    .bind(clean(&o.territory))
    .bind(departments.join(" "))
    .bind(o.programme.as_str())
    .bind(o.state.as_str())
    .bind(o.amount)
    .bind(clean(&o.in_charge))
    .bind(clean(&o.next_step))
    .bind(o.next_on.map(|d| d.to_string()))
    .bind(clean(&o.remark))
    .bind(o.created)
    .bind(o.updated)
    .execute(tx)
    .await?;
    Ok(())
}

impl Store {
    /// Writes operations in the place of those of the same reference, all or none. An operation without an identifier gets one.
    pub async fn put_operations(&self, operations: &[Operation]) -> Result<(), StoreError> {
        let mut tx = self.begin().await?;
        for operation in operations {
            let key = reference_key(&operation.reference);
            let id = match operation.id.as_str() {
                "" => ordered_id(operation.created, &["operation", &operation.structure, &key, &random()?]),
                id => id.to_owned(),
            };
            put(&mut tx, &Operation { id, ..operation.clone() }).await?;
        }
        tx.commit().await?;
        Ok(())
    }

    /// Changes an operation, its reference too; `false` where another one of the structure has that reference, or it is gone.
    pub async fn change_operation(&self, operation: &Operation) -> Result<bool, StoreError> {
        let key = reference_key(&operation.reference);
        let mut tx = self.begin().await?;
        let others: Option<(String,)> =
            sql::query_as("SELECT id FROM operation WHERE structure = $1 AND reference_key = $2 AND id <> $3")
                .bind(operation.structure.clone())
                .bind(key.clone())
                .bind(operation.id.clone())
                .fetch_optional(&mut tx)
                .await?;
        if others.is_some() {
            return Ok(false);
        }
        let moved = sql::query("UPDATE operation SET reference_key = $1 WHERE id = $2 AND structure = $3")
            .bind(key)
            .bind(operation.id.clone())
            .bind(operation.structure.clone())
            .execute(&mut tx)
            .await?;
        if moved == 0 {
            return Ok(false);
        }
        put(&mut tx, operation).await?;
        tx.commit().await?;
        Ok(true)
    }

    /// The operations of a structure, by reference.
    pub async fn operations_of(&self, structure: &str) -> Result<Vec<Operation>, StoreError> {
        let rows: Vec<OperationRow> = sql::query_as(select!("structure = $1 ORDER BY reference_key, id"))
            .bind(structure.to_owned())
            .fetch_all(&self.reader)
            .await?;
        Ok(rows.into_iter().map(|OperationRow(o)| o).collect())
    }

    /// An operation of a structure.
    pub async fn operation(&self, structure: &str, id: &str) -> Result<Option<Operation>, StoreError> {
        let row: Option<OperationRow> = sql::query_as(select!("structure = $1 AND id = $2"))
            .bind(structure.to_owned())
            .bind(clean(id))
            .fetch_optional(&self.key_reader)
            .await?;
        Ok(row.map(|OperationRow(o)| o))
    }

    /// The operation of a structure that bears a reference.
    pub async fn operation_of_reference(
        &self,
        structure: &str,
        reference: &str,
    ) -> Result<Option<Operation>, StoreError> {
        let row: Option<OperationRow> = sql::query_as(select!("structure = $1 AND reference_key = $2"))
            .bind(structure.to_owned())
            .bind(reference_key(reference))
            .fetch_optional(&self.key_reader)
            .await?;
        Ok(row.map(|OperationRow(o)| o))
    }

    /// Structures that keep operations: for the scheduler, which acts for each apart.
    pub async fn structures_with_operations(&self) -> Result<Vec<String>, StoreError> {
        let rows: Vec<(String,)> = sql::query_as("SELECT DISTINCT structure FROM operation ORDER BY structure")
            .fetch_all(&self.reader)
            .await?;
        Ok(rows.into_iter().map(|(structure,)| structure).collect())
    }

    /// Removes an operation of a structure with all that belongs to it; `false` where there is none.
    pub async fn remove_operation(&self, structure: &str, id: &str) -> Result<bool, StoreError> {
        let mut tx = self.begin().await?;
        let gone = sql::query("DELETE FROM operation WHERE structure = $1 AND id = $2")
            .bind(structure.to_owned())
            .bind(clean(id))
            .execute(&mut tx)
            .await?;
        if gone == 0 {
            return Ok(false);
        }
        for table in ["operation_note", "operation_procedure", "operation_lot", "operation_hours", "operation_told"] {
            sql::query(format!("DELETE FROM {table} WHERE structure = $1 AND operation_id = $2"))
                .bind(structure.to_owned())
                .bind(clean(id))
                .execute(&mut tx)
                .await?;
        }
        tx.commit().await?;
        Ok(true)
    }

    /// Adds a note to an operation of a structure.
    pub async fn put_operation_note(
        &self,
        (structure, operation): (&str, &str),
        by: &str,
        text: &str,
        now: DateTime<Utc>,
    ) -> Result<(), StoreError> {
        sql::query(
            "INSERT INTO operation_note (id, structure, operation_id, written_by, at, text) VALUES ($1, $2, $3, $4, $5, $6)",
        )
        .bind(ordered_id(now, &["note", operation, &random()?]))
        .bind(structure.to_owned())
        .bind(operation.to_owned())
        .bind(clean(by))
        .bind(millis(now))
        .bind(clean(text))
        .execute_alone(&self.db)
        .await?;
        Ok(())
    }

    /// The notes on an operation of a structure, latest first.
    pub async fn operation_notes(&self, structure: &str, operation: &str) -> Result<Vec<OperationNote>, StoreError> {
        let rows: Vec<NoteRow> = sql::query_as(
            "SELECT id, written_by, at, text FROM operation_note WHERE structure = $1 AND operation_id = $2 ORDER BY at DESC, id DESC",
        )
        .bind(structure.to_owned())
        .bind(clean(operation))
        .fetch_all(&self.reader)
        .await?;
        Ok(rows.into_iter().map(|NoteRow(n)| n).collect())
    }

    /// Says how a procedure stands to an operation. What a person said is not changed by the product: `false` then, and where it stood
    /// so already.
    pub async fn attach_procedure(
        &self,
        (structure, operation): (&str, &str),
        procedure: &str,
        (standing, by_hand): (Standing, bool),
        now: DateTime<Utc>,
    ) -> Result<bool, StoreError> {
        let done = sql::query(
            "INSERT INTO operation_procedure (structure, operation_id, procedure_id, standing, by_hand, at) VALUES ($1, $2, $3, $4, $5, $6)
             ON CONFLICT (operation_id, procedure_id) DO UPDATE SET standing = $4, by_hand = $5, at = $6
               WHERE operation_procedure.standing <> $4 AND (operation_procedure.by_hand = 0 OR $5 = 1)",
        )
        .bind(structure.to_owned())
        .bind(operation.to_owned())
        .bind(clean(procedure))
        .bind(standing.as_str())
        .bind(i64::from(by_hand))
        .bind(millis(now))
        .execute_alone(&self.db)
        .await?;
        Ok(done == 1)
    }

    /// Procedures beside the operations of a structure, first ones first.
    pub async fn operation_procedures(&self, structure: &str) -> Result<Vec<Attachment>, StoreError> {
        Ok(sql::query_as(
            "SELECT operation_id, procedure_id, standing, at FROM operation_procedure WHERE structure = $1
             ORDER BY at, procedure_id, operation_id",
        )
        .bind(structure.to_owned())
        .fetch_all(&self.reader)
        .await?)
    }

    /// The operations of a structure to which a procedure is attached.
    pub async fn operations_with(&self, structure: &str, procedure: &str) -> Result<Vec<Operation>, StoreError> {
        let rows: Vec<OperationRow> = sql::query_as(select!(
            "structure = $1 AND id IN (SELECT operation_id FROM operation_procedure p WHERE p.structure = $1 AND p.procedure_id = $2
               AND p.standing = 'attached') ORDER BY reference_key, id"
        ))
        .bind(structure.to_owned())
        .bind(clean(procedure))
        .fetch_all(&self.reader)
        .await?;
        Ok(rows.into_iter().map(|OperationRow(o)| o).collect())
    }

    /// Notes that something was told to a structure about an operation; `false` where it was before.
    pub async fn note_operation_told(
        &self,
        (structure, operation): (&str, &str),
        what: &str,
        now: DateTime<Utc>,
    ) -> Result<bool, StoreError> {
        let done = sql::query(
            "INSERT INTO operation_told (structure, operation_id, what, at) VALUES ($1, $2, $3, $4)
             ON CONFLICT (structure, operation_id, what) DO NOTHING",
        )
        .bind(structure.to_owned())
        .bind(operation.to_owned())
        .bind(clean(what))
        .bind(millis(now))
        .execute_alone(&self.db)
        .await?;
        Ok(done == 1)
    }

    /// What was told to a structure about its operations, and when: (operation, what, at).
    pub async fn operations_told(&self, structure: &str) -> Result<Vec<(String, String, DateTime<Utc>)>, StoreError> {
        Ok(sql::query_as(
            "SELECT operation_id, what, at FROM operation_told WHERE structure = $1 ORDER BY at, operation_id, what",
        )
        .bind(structure.to_owned())
        .fetch_all(&self.reader)
        .await?)
    }
}

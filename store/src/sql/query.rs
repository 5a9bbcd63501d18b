//! Building a statement and running it.

use std::borrow::Cow;
use std::marker::PhantomData;

use super::database::{Database, Runs, Transaction};
use super::error::SqlError;
use super::row::FromRow;
use super::statement::{Statement, Value};

/// A statement that is being built; its rows become `T`.
#[derive(Debug)]
pub(crate) struct Query<T> {
    statement: Statement,
    rows: PhantomData<fn() -> T>,
}

/// A statement whose rows do not matter.
pub(crate) fn query(sql: impl Into<Cow<'static, str>>) -> Query<()> {
    query_as(sql)
}

/// A statement whose rows become `T`.
pub(crate) fn query_as<T: FromRow>(sql: impl Into<Cow<'static, str>>) -> Query<T> {
    Query { statement: Statement { sql: sql.into(), values: Vec::new() }, rows: PhantomData }
}

impl Query<()> {
    /// Runs it in a transaction; gives how many rows it changed.
    pub(crate) async fn execute(self, on: &mut Transaction) -> Result<u64, SqlError> {
        on.change(self.statement).await
    }

    /// Runs it in a transaction of its own; gives how many rows it changed.
    pub(crate) async fn execute_alone(self, on: &Database) -> Result<u64, SqlError> {
        let mut tx = on.begin().await?;
        let changed = tx.change(self.statement).await?;
        tx.commit().await?;
        Ok(changed)
    }
}

impl<T: FromRow> Query<T> {
    /// Binds the next parameter.
    pub(crate) fn bind(mut self, value: impl Into<Value>) -> Self {
        self.statement.values.push(value.into());
        self
    }

    /// Every row.
    pub(crate) async fn fetch_all(self, on: impl Runs) -> Result<Vec<T>, SqlError> {
        on.rows(self.statement, T::from_row).await
    }

    /// The first row, if there is one.
    pub(crate) async fn fetch_optional(self, on: impl Runs) -> Result<Option<T>, SqlError> {
        Ok(self.fetch_all(on).await?.into_iter().next())
    }

    /// The one row that there always is.
    pub(crate) async fn fetch_one(self, on: impl Runs) -> Result<T, SqlError> {
        self.fetch_optional(on).await?.ok_or(SqlError::NoRow)
    }
}

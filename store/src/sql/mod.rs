//! How statements reach the two engines: SQLite through `rusqlite`, PostgreSQL through `tokio-postgres`.
//!
//! - [`query`]: a statement and its values; [`Query::fetch_all`] and the like run it on a [`Reader`] or in a [`Transaction`].
//! - **A write passes a [`Transaction`]**: [`Query::execute`] takes nothing else, and what is read through a [`Reader`] runs on
//!   connections that refuse to write.
//! - **One hop a transaction** on SQLite: its statements run where the transaction is, on a connection that it holds alone;
//!   only the commit, which waits for the disk, crosses to another thread. On PostgreSQL each statement is one message.
//! - Statements that are part of the program are prepared once a connection; composed ones each time.
//!
//! On failure: a [`SqlError`]. A connection that failed inside a transaction, and is still in it after a rollback, is closed;
//! the next transaction opens another.

mod database;
mod error;
pub(crate) mod files;
mod postgres;
mod query;
mod row;
pub(crate) mod slow;
mod sqlite;
mod statement;
mod tls;

pub use database::Engine;
#[cfg(test)]
pub(crate) use database::RECORDED;
pub(crate) use database::{Database, Reader, Runs, Transaction};
pub use error::SqlError;
pub(crate) use query::{Query, query, query_as};
pub(crate) use row::{Column, Columns, FromRow, Row, row};
#[cfg(test)]
pub(crate) use statement::Statement;
pub(crate) use statement::Value as Cell;

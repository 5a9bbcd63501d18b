//! The database, whichever engine it is: what reads, and what writes.

use std::future::Future;
use std::path::Path;
use std::sync::Arc;

use super::error::SqlError;
use super::postgres::{Pool, PostgresTransaction};
use super::row::Row;
use super::slow::timed;
use super::sqlite::{Sqlite, SqliteTransaction};
use super::statement::Statement;

/// Connections of a process to PostgreSQL that only read.
const READERS: usize = 4;
/// Connections of a process to PostgreSQL that write.
const WRITERS: usize = 4;

/// Which database stands behind.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Engine {
    /// Embedded; one file.
    Sqlite,
    /// A server; several processes may share it.
    Postgres,
}

/// A database.
#[derive(Debug, Clone)]
pub(crate) enum Database {
    Sqlite(Arc<Sqlite>),
    Postgres { readers: Arc<Pool>, writers: Arc<Pool> },
}

/// What reads outside any transaction. Nothing is written through it.
#[derive(Debug, Clone)]
pub(crate) struct Reader {
    database: Database,
    /// Whether SQLite is read on the caller's thread.
    here: bool,
}

/// A transaction that writes: the only way to write. Dropped without [`Transaction::commit`], it leaves nothing behind.
#[derive(Debug)]
pub(crate) enum Transaction {
    Sqlite(SqliteTransaction),
    Postgres(Box<PostgresTransaction>),
}

/// What a statement can be read from.
pub(crate) trait Runs {
    /// The rows of a statement.
    fn rows<T: Send + 'static>(
        self,
        statement: Statement,
        read: fn(&Row<'_>) -> Result<T, SqlError>,
    ) -> impl Future<Output = Result<Vec<T>, SqlError>> + Send;
}

impl Database {
    /// Opens (and makes, if there is none) a SQLite file.
    pub(crate) fn sqlite(path: &Path) -> Result<Self, SqlError> {
        Ok(Self::Sqlite(Arc::new(Sqlite::open(path)?)))
    }

    /// Says where a PostgreSQL database is; it is reached when first used.
    pub(crate) fn postgres(url: &str) -> Result<Self, SqlError> {
        Ok(Self::Postgres {
            readers: Arc::new(Pool::new(url, true, READERS)?),
            writers: Arc::new(Pool::new(url, false, WRITERS)?),
        })
    }

    /// Which engine it is.
    pub(crate) fn engine(&self) -> Engine {
        match self {
            Self::Sqlite(_) => Engine::Sqlite,
            Self::Postgres { .. } => Engine::Postgres,
        }
    }

    /// What reads, on other threads where the engine is SQLite.
    pub(crate) fn reader(&self) -> Reader {
        Reader { database: self.clone(), here: false }
    }

    /// What reads a few rows by their keys: on SQLite that costs less than the way to another thread and back.
    pub(crate) fn key_reader(&self) -> Reader {
        Reader { database: self.clone(), here: true }
    }

    /// Begins a transaction that writes.
    pub(crate) async fn begin(&self) -> Result<Transaction, SqlError> {
        match self {
            Self::Sqlite(sqlite) => sqlite.begin().await.map(Transaction::Sqlite),
            Self::Postgres { writers, .. } => Ok(Transaction::Postgres(Box::new(writers.begin().await?))),
        }
    }

    /// Runs statements outside any transaction: those that rebuild files. Gives the first number of the last one's first row,
    /// on SQLite.
    pub(crate) async fn maintain(&self, statements: Vec<String>) -> Result<Option<i64>, SqlError> {
        match self {
            Self::Sqlite(sqlite) => sqlite.maintain(statements).await,
            Self::Postgres { writers, .. } => writers.maintain(statements).await.map(|()| None),
        }
    }

    /// Closes the connections that are not in use.
    pub(crate) async fn close(&self) {
        match self {
            Self::Sqlite(sqlite) => sqlite.close().await,
            Self::Postgres { readers, writers } => {
                readers.close();
                writers.close();
            }
        }
    }
}

impl Transaction {
    /// Which engine it is of.
    pub(crate) fn engine(&self) -> Engine {
        match self {
            Self::Sqlite(_) => Engine::Sqlite,
            Self::Postgres(_) => Engine::Postgres,
        }
    }

    /// Runs a statement; gives how many rows it changed.
    pub(crate) async fn change(&mut self, statement: Statement) -> Result<u64, SqlError> {
        #[cfg(test)]
        record(&statement);
        timed(statement.sql.clone(), async {
            match self {
                Self::Sqlite(tx) => {
                    // A long row of statements lets the other tasks of this thread have their turn.
                    tokio::task::consume_budget().await;
                    tx.run(&statement, |_| Ok(())).map(|(_, changed)| changed)
                }
                Self::Postgres(tx) => tx.change(&statement).await,
            }
        })
        .await
    }

    /// Waits until no other transaction holds the lock of that number, and holds it until the end. On SQLite there is nothing to
    /// wait for: one transaction writes at a time.
    pub(crate) async fn lock(&mut self, number: i64) -> Result<(), SqlError> {
        match self {
            Self::Sqlite(_) => Ok(()),
            Self::Postgres(tx) => tx.lock(number).await,
        }
    }

    /// Runs a script of several statements.
    pub(crate) async fn script(&mut self, sql: &str) -> Result<(), SqlError> {
        match self {
            Self::Sqlite(tx) => tx.script(sql),
            Self::Postgres(tx) => tx.script(sql).await,
        }
    }

    /// Makes everything durable.
    pub(crate) async fn commit(self) -> Result<(), SqlError> {
        match self {
            Self::Sqlite(tx) => tx.commit().await,
            Self::Postgres(tx) => tx.commit().await,
        }
    }
}

impl Runs for &mut Transaction {
    async fn rows<T: Send + 'static>(
        self,
        statement: Statement,
        read: fn(&Row<'_>) -> Result<T, SqlError>,
    ) -> Result<Vec<T>, SqlError> {
        #[cfg(test)]
        record(&statement);
        timed(statement.sql.clone(), async {
            match self {
                Transaction::Sqlite(tx) => {
                    tokio::task::consume_budget().await;
                    tx.run(&statement, read).map(|(rows, _)| rows)
                }
                Transaction::Postgres(tx) => tx.rows(&statement, read).await,
            }
        })
        .await
    }
}

impl Runs for &Reader {
    async fn rows<T: Send + 'static>(
        self,
        statement: Statement,
        read: fn(&Row<'_>) -> Result<T, SqlError>,
    ) -> Result<Vec<T>, SqlError> {
        #[cfg(test)]
        record(&statement);
        timed(statement.sql.clone(), async {
            match &self.database {
                Database::Sqlite(sqlite) if self.here => sqlite.read_here(&statement, read),
                Database::Sqlite(sqlite) => sqlite.read(statement, read).await,
                Database::Postgres { readers, .. } => readers.read(&statement, read).await,
            }
        })
        .await
    }
}

#[cfg(test)]
tokio::task_local! {
    /// Statements run by a task, for the tests that ask how they are carried out.
    pub(crate) static RECORDED: std::cell::RefCell<Vec<Statement>>;
}

#[cfg(test)]
fn record(statement: &Statement) {
    // Most tasks record nothing.
    let _ = RECORDED.try_with(|recorded| recorded.borrow_mut().push(statement.clone()));
}

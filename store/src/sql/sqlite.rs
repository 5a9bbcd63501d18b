//! SQLite: one connection that writes, for whoever has its turn, and some that only read.
//!
//! The writer's turn is taken in order of arrival. Its statements run on the caller's thread: they cost microseconds, a hop to
//! another thread and back costs as much again. What waits for the disk or looks at many rows (the commit, readings,
//! rebuilding the file) runs on the threads that the runtime keeps for that.

use std::borrow::Cow;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use rusqlite::types::{ToSqlOutput, ValueRef};
use rusqlite::{Connection, OpenFlags, ToSql};
use tokio::sync::{OwnedMutexGuard, OwnedSemaphorePermit, Semaphore};

use super::error::SqlError;
use super::row::Row;
use super::statement::{Statement, Value};

/// How long a writer waits for another process before giving up, in seconds.
const BUSY_TIMEOUT_S: u64 = 20;
/// Longest pause between two tries to begin while another process writes.
const BUSY_PAUSE: Duration = Duration::from_millis(50);
/// Readings at the same moment.
const READERS: usize = 4;
/// Statements kept prepared by each connection: about as many as the program has.
const PREPARED: usize = 400;

/// Pages kept in memory by the connection that writes, in KiB: those at the end of the indexes, where what is new stands.
const WRITER_CACHE_KIB: u32 = 8_000;
/// Pages kept in memory by each connection that reads, in KiB.
const READER_CACHE_KIB: u32 = 2_000;

/// A turn to write: the connection, which whoever sees it fail takes away.
type Turn = OwnedMutexGuard<Option<Connection>>;

/// A SQLite file.
#[derive(Debug)]
pub(crate) struct Sqlite {
    path: PathBuf,
    /// Which file stood there when it was opened: device and number.
    file: Option<(u64, u64)>,
    writer: Arc<tokio::sync::Mutex<Option<Connection>>>,
    readers: Mutex<Vec<Connection>>,
    reading: Arc<Semaphore>,
}

/// A transaction that writes. Dropped without commit, it is rolled back.
#[derive(Debug)]
pub(crate) struct SqliteTransaction {
    turn: Option<Turn>,
}

impl ToSql for Value {
    fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        let value = match self {
            Self::Text(Some(text)) => ValueRef::Text(text.as_bytes()),
            Self::Integer(Some(number)) => ValueRef::Integer(*number),
            Self::Bytes(Some(bytes)) => ValueRef::Blob(bytes),
            Self::Text(None) | Self::Integer(None) | Self::Bytes(None) => ValueRef::Null,
        };
        Ok(ToSqlOutput::Borrowed(value))
    }
}

impl Sqlite {
    /// Opens the file, which is made if there is none.
    pub(crate) fn open(path: &Path) -> Result<Self, SqlError> {
        let writer = connect(path, false)?;
        if writer.is_readonly("main")? {
            return Err(SqlError::Io(std::io::ErrorKind::ReadOnlyFilesystem.into()));
        }
        Ok(Self {
            path: path.to_owned(),
            file: file_at(path),
            writer: Arc::new(tokio::sync::Mutex::new(Some(writer))),
            readers: Mutex::default(),
            reading: Arc::new(Semaphore::new(READERS)),
        })
    }

    /// Where the file is.
    /// Whether the file that is written to still stands at its address: one that was deleted or replaced is written to for as long as
    /// the process lives, and gone with it.
    pub(crate) fn is_at_its_place(&self) -> bool {
        self.file.is_none() || file_at(&self.path) == self.file
    }

    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// Begins a transaction that writes, in turn.
    pub(crate) async fn begin(&self) -> Result<SqliteTransaction, SqlError> {
        let mut turn = Arc::clone(&self.writer).lock_owned().await;
        let started = Instant::now();
        let mut pause = Duration::from_millis(1);
        loop {
            match begin_now(&mut turn, &self.path) {
                Ok(()) => return Ok(SqliteTransaction { turn: Some(turn) }),
                Err(e) if !e.is_locked() => {
                    *turn = None;
                    return Err(e);
                }
                Err(_) if started.elapsed().as_secs() >= BUSY_TIMEOUT_S => return Err(SqlError::Busy(BUSY_TIMEOUT_S)),
                Err(_) => tokio::time::sleep(pause).await,
            }
            pause = (pause * 2).min(BUSY_PAUSE);
        }
    }

    /// Runs a statement that only reads, on a thread of its own.
    pub(crate) async fn read<T: Send + 'static>(
        self: &Arc<Self>,
        statement: Statement,
        read: fn(&Row<'_>) -> Result<T, SqlError>,
    ) -> Result<Vec<T>, SqlError> {
        let permit = self.permit().await?;
        let sqlite = Arc::clone(self);
        off_thread(move || {
            let _permit = permit;
            sqlite.read_here(&statement, read)
        })
        .await
    }

    /// Runs a statement that only reads here and now: for what is looked up by its key.
    pub(crate) fn read_here<T>(
        &self,
        statement: &Statement,
        read: fn(&Row<'_>) -> Result<T, SqlError>,
    ) -> Result<Vec<T>, SqlError> {
        let idle = self.readers().pop();
        let connection = match idle {
            Some(connection) => connection,
            None => connect(&self.path, true)?,
        };
        let (rows, _) = run(&connection, statement, read)?; // a connection that failed is closed
        let mut idle = self.readers();
        if idle.len() < READERS {
            idle.push(connection);
        }
        Ok(rows)
    }

    /// Runs statements outside any transaction, while nothing else writes, on a thread of its own; gives the first number of
    /// the last one's first row, if it has one.
    pub(crate) async fn maintain(&self, statements: Vec<String>) -> Result<Option<i64>, SqlError> {
        let turn = Arc::clone(&self.writer).lock_owned().await;
        let path = self.path.clone();
        off_thread(move || {
            let _turn = turn;
            let connection = connect(&path, false)?;
            connection.busy_timeout(Duration::from_secs(BUSY_TIMEOUT_S))?;
            let mut first = None;
            for sql in statements {
                let mut statement = connection.prepare(&sql)?;
                let mut rows = statement.query([])?;
                first = rows.next()?.and_then(|row| row.get(0).ok());
                while rows.next()?.is_some() {}
            }
            Ok(first)
        })
        .await
    }

    /// Closes every connection that is not in use.
    pub(crate) async fn close(&self) {
        *self.writer.lock().await = None;
        self.readers().clear();
    }

    async fn permit(&self) -> Result<OwnedSemaphorePermit, SqlError> {
        let wait = tokio::time::timeout(Duration::from_secs(BUSY_TIMEOUT_S), Arc::clone(&self.reading).acquire_owned());
        match wait.await {
            Ok(Ok(permit)) => Ok(permit),
            Ok(Err(_)) | Err(_) => Err(SqlError::Busy(BUSY_TIMEOUT_S)),
        }
    }

    fn readers(&self) -> std::sync::MutexGuard<'_, Vec<Connection>> {
        self.readers.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl SqliteTransaction {
    /// Runs a statement; gives its rows and how many it changed.
    pub(crate) fn run<T>(
        &mut self,
        statement: &Statement,
        read: fn(&Row<'_>) -> Result<T, SqlError>,
    ) -> Result<(Vec<T>, u64), SqlError> {
        run(self.connection()?, statement, read)
    }

    /// Runs a script of several statements.
    pub(crate) fn script(&mut self, sql: &str) -> Result<(), SqlError> {
        Ok(self.connection()?.execute_batch(sql)?)
    }

    /// Makes everything durable. A connection that could not is closed: nothing is left half done on it.
    pub(crate) async fn commit(mut self) -> Result<(), SqlError> {
        let Some(mut turn) = self.turn.take() else { return Err(closed()) };
        off_thread(move || {
            let done = match turn.as_ref() {
                Some(connection) => simple(connection, "COMMIT"),
                None => Err(closed()),
            };
            if done.is_err() {
                *turn = None;
            }
            done
        })
        .await
    }

    /// The connection, as long as the transaction lasts: a full disk may end it, and each statement after that would be durable
    /// by itself.
    fn connection(&self) -> Result<&Connection, SqlError> {
        let connection = self.turn.as_ref().and_then(|turn| turn.as_ref()).ok_or_else(closed)?;
        if connection.is_autocommit() { Err(closed()) } else { Ok(connection) }
    }
}

impl Drop for SqliteTransaction {
    fn drop(&mut self) {
        let Some(turn) = &mut self.turn else { return };
        let Some(connection) = turn.as_ref() else { return };
        // A full disk may have ended the transaction already, or keep it from ending.
        if !connection.is_autocommit()
            && let Err(e) = simple(connection, "ROLLBACK")
        {
            tracing::warn!("a transaction could not be rolled back, its connection is closed: {e}");
            **turn = None;
        }
    }
}

/// Runs what may wait for the disk on a thread that the runtime keeps for that.
async fn off_thread<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, SqlError> + Send + 'static,
) -> Result<T, SqlError> {
    tokio::task::spawn_blocking(work).await.map_err(|e| SqlError::Io(std::io::Error::other(e)))?
}

/// The file at an address.
fn file_at(path: &Path) -> Option<(u64, u64)> {
    use std::os::unix::fs::MetadataExt;
    let found = std::fs::metadata(path).ok()?;
    Some((found.dev(), found.ino()))
}

fn begin_now(turn: &mut Turn, path: &Path) -> Result<(), SqlError> {
    let connection = match &mut **turn {
        Some(connection) => connection,
        none => none.insert(connect(path, false)?),
    };
    simple(connection, "BEGIN IMMEDIATE")
}

fn connect(path: &Path, only_reads: bool) -> Result<Connection, SqlError> {
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_CREATE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection = Connection::open_with_flags(path, flags)?;
    // Another process may be making the file, or taking it over after a crash.
    connection.busy_timeout(Duration::from_secs(BUSY_TIMEOUT_S))?;
    // FULL: a commit survives a power cut, as the promise of the outbox demands.
    let cache = if only_reads { READER_CACHE_KIB } else { WRITER_CACHE_KIB };
    connection.execute_batch(&format!(
        "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA wal_autocheckpoint = 4000;
         PRAGMA temp_store = MEMORY; PRAGMA secure_delete = ON; PRAGMA cache_size = -{cache};"
    ))?;
    if only_reads {
        connection.execute_batch("PRAGMA query_only = ON")?;
    } else {
        // A writer waits in `begin`, where it does not hold up a thread.
        connection.busy_timeout(Duration::ZERO)?;
    }
    connection.set_prepared_statement_cache_capacity(PREPARED);
    Ok(connection)
}

fn simple(connection: &Connection, sql: &str) -> Result<(), SqlError> {
    connection.prepare_cached(sql)?.execute([])?;
    Ok(())
}

fn run<T>(
    connection: &Connection,
    statement: &Statement,
    read: fn(&Row<'_>) -> Result<T, SqlError>,
) -> Result<(Vec<T>, u64), SqlError> {
    let rows = match &statement.sql {
        Cow::Borrowed(sql) => {
            let mut prepared = connection.prepare_cached(sql)?;
            rows_of(&mut prepared, &statement.values, read)?
        }
        Cow::Owned(sql) => rows_of(&mut connection.prepare(sql)?, &statement.values, read)?,
    };
    Ok((rows, connection.changes()))
}

fn rows_of<T>(
    prepared: &mut rusqlite::Statement<'_>,
    values: &[Value],
    read: fn(&Row<'_>) -> Result<T, SqlError>,
) -> Result<Vec<T>, SqlError> {
    for place in 1..=prepared.parameter_count() {
        // SQLite numbers `$2` by where it stands first; here it is the second value wherever it stands.
        let number = prepared.parameter_name(place).and_then(|name| name.strip_prefix('$')?.parse::<usize>().ok());
        let value = number.and_then(|n| values.get(n.checked_sub(1)?));
        let value = value.ok_or(rusqlite::Error::InvalidParameterCount(values.len(), place))?;
        prepared.raw_bind_parameter(place, value)?;
    }
    let mut out = Vec::new();
    let mut rows = prepared.raw_query();
    while let Some(row) = rows.next()? {
        out.push(read(&Row::Sqlite(row))?);
    }
    Ok(out)
}

fn closed() -> SqlError {
    SqlError::Io(std::io::ErrorKind::NotConnected.into())
}

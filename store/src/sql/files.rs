//! SQLite files that no pool holds: copied while others use them, looked over, and prepared before they take another's place.
//!
//! All of it waits for the disk: callers run it on a thread of their own.

use std::path::Path;
use std::time::Duration;

use rusqlite::{Connection, OpenFlags};

use super::error::SqlError;

/// How long a file that another process writes to is waited for.
const BUSY: Duration = Duration::from_secs(20);

/// A connection to a file that is there; nothing is made, and `writes` says whether anything may be changed.
fn connect(path: &Path, writes: bool) -> Result<Connection, SqlError> {
    // Even a reader must be able to write: a file in WAL mode has a shared index beside it.
    let connection =
        Connection::open_with_flags(path, OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX)?;
    connection.busy_timeout(BUSY)?;
    if !writes {
        connection.execute_batch("PRAGMA query_only = ON")?;
    }
    Ok(connection)
}

/// Copies a whole file as it stands at one moment into a new one, which is its owner's alone from its first byte on; whoever writes
/// to the first goes on. A copy that cannot be finished is removed.
pub(crate) fn copy(from: &Path, to: &Path) -> Result<(), SqlError> {
    drop(crate::new_for_owner(to)?);
    let name = to.to_string_lossy().into_owned();
    // SQLite copies into a file that is there as long as it is empty. What only reads may not copy: the connection writes.
    let done = connect(from, true).and_then(|c| Ok(c.execute("VACUUM INTO ?1", [name])?));
    let done = done.and_then(|_| Ok(std::fs::File::open(to)?.sync_all()?));
    if done.is_err() {
        let _ = std::fs::remove_file(to);
    }
    done
}

/// What SQLite finds wrong in a file; `None` where all of it can be read. `whole` also compares indexes with their tables.
pub(crate) fn fault(path: &Path, whole: bool) -> Result<Option<String>, SqlError> {
    let check = if whole { "PRAGMA integrity_check(1)" } else { "PRAGMA quick_check(1)" };
    let said: String = connect(path, false)?.query_row(check, [], |row| row.get(0))?;
    Ok(Some(said).filter(|said| said != "ok"))
}

/// The first number that a statement gives.
pub(crate) fn number(path: &Path, sql: &str) -> Result<i64, SqlError> {
    Ok(connect(path, false)?.query_row(sql, [], |row| row.get(0))?)
}

/// Whether another process has the file open. Takes what stands in its log into the file itself.
pub(crate) fn is_in_use(path: &Path) -> Result<bool, SqlError> {
    let connection = connect(path, true)?;
    connection.busy_timeout(Duration::ZERO)?;
    // SQLite leaves its log only where nobody else is connected.
    match connection.query_row("PRAGMA journal_mode = DELETE", [], |row| row.get::<_, String>(0)) {
        Ok(mode) => Ok(mode != "delete"),
        Err(e) => {
            let e = SqlError::from(e);
            if e.is_locked() { Ok(true) } else { Err(e) }
        }
    }
}

/// Runs statements on a file that nobody else uses, in one transaction.
pub(crate) fn change(path: &Path, sql: &str) -> Result<(), SqlError> {
    let connection = connect(path, true)?;
    Ok(connection.execute_batch(&format!("PRAGMA synchronous = FULL; BEGIN IMMEDIATE; {sql}; COMMIT;"))?)
}

/// Has a file keep its changes in a log, as those who read while others write need it.
pub(crate) fn keep_log(path: &Path) -> Result<(), SqlError> {
    let _: String = connect(path, true)?.query_row("PRAGMA journal_mode = WAL", [], |row| row.get(0))?;
    Ok(())
}

//! Copies of a SQLite database: made while it is used, looked over, and put in its place again.
//!
//! - [`Store::backup`] and [`copy`] take a file as it stands at one moment.
//! - A database that a newer program opens is copied before its schema changes (`before_steps`).
//! - [`hold`] marks a copy that is about to take the place of a database: what it would send waits for an operator
//!   ([`crate::held`]).
//!
//! On failure the original is as it was, and an unfinished copy is removed. PostgreSQL has its own tools (`pg_dump`, PITR).

use std::path::{Path, PathBuf};

use chrono::{DateTime, Utc};

use crate::columns::millis;
use crate::error::StoreError;
use crate::held::HELD_SINCE;
use crate::migrations::{self, MIGRATIONS, Standing};
use crate::sql::{self, Database, SqlError, files};
use crate::{Store, database_of};

/// What a copy holds, for whoever compares.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Contents {
    /// Step of its schema.
    pub step: usize,
    /// Notices.
    pub notices: i64,
    /// People.
    pub people: i64,
    /// Deliveries, whatever became of them.
    pub deliveries: i64,
}

/// What a program would do to a database before using it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Upgrade {
    /// Step of the database; 0 = there is none yet.
    pub found: usize,
    /// Newest step of this program.
    pub newest: usize,
    /// Bytes of the database.
    pub bytes: u64,
    /// The copy that is made first; `None` where none is (nothing to change, or PostgreSQL).
    pub copy: Option<PathBuf>,
}

impl Store {
    /// Copies the whole database into a new file (SQLite).
    ///
    /// # Errors
    /// The file exists or cannot be written, or the engine is PostgreSQL (use `pg_dump`).
    pub async fn backup(&self, path: &str) -> Result<(), StoreError> {
        let Some(from) = self.file() else { return Err(StoreError::Url("postgres (utilisez pg_dump)".to_owned())) };
        let (from, to) = (from.to_owned(), PathBuf::from(path));
        off_thread(move || Ok(files::copy(&from, &to)?)).await
    }

    /// The file of the database, where it is one of SQLite.
    #[must_use]
    pub fn file(&self) -> Option<&Path> {
        match &self.db {
            Database::Sqlite(sqlite) => Some(sqlite.path()),
            Database::Postgres { .. } => None,
        }
    }

    /// What SQLite finds wrong in the file, or `None`; tables are read through, indexes are not compared with them. PostgreSQL checks
    /// its pages itself.
    ///
    /// # Errors
    /// The file cannot be read at all.
    pub async fn damage(&self) -> Result<Option<String>, StoreError> {
        let Some(path) = self.file().map(Path::to_owned) else { return Ok(None) };
        off_thread(move || Ok(files::fault(&path, false)?)).await
    }
}

/// What opening the database at that address would change; nothing is made nor changed.
///
/// # Errors
/// The database cannot be reached, or is newer than this program.
pub async fn upgrade(url: &str) -> Result<Upgrade, StoreError> {
    let newest = MIGRATIONS.len();
    if let Some(path) = crate::sqlite_path(url)
        && !path.exists()
    {
        return Ok(Upgrade { found: 0, newest, bytes: 0, copy: None });
    }
    let db = database_of(url)?;
    let standing = migrations::standing(&db).await.map_err(|e| e.of_server(url));
    let bytes = crate::sizes::bytes(&db).await;
    db.close().await;
    let found = match standing? {
        Standing::Empty => 0,
        Standing::At(found) => found,
    };
    if found > newest {
        return Err(StoreError::Newer { found, newest });
    }
    let file = crate::sqlite_path(url).filter(|_| found > 0 && found < newest);
    Ok(Upgrade { found, newest, bytes: bytes?, copy: file.map(|f| before_steps_path(&f, newest)) })
}

/// Where the copy stands that is made before the schema of `file` goes to step `newest`.
fn before_steps_path(file: &Path, newest: usize) -> PathBuf {
    let mut name = file.as_os_str().to_owned();
    name.push(format!(".avant-etape-{newest}"));
    PathBuf::from(name)
}

/// Copies a SQLite database whose schema is about to change, and looks the copy over. Nothing to do elsewhere.
pub(crate) async fn before_steps(db: &Database) -> Result<(), StoreError> {
    let Database::Sqlite(sqlite) = db else { return Ok(()) };
    let newest = MIGRATIONS.len();
    match migrations::standing(db).await? {
        Standing::At(found) if found > 0 && found < newest => {}
        _ => return Ok(()),
    }
    let from = sqlite.path().to_owned();
    let to = before_steps_path(&from, newest);
    if to.exists() {
        return Ok(()); // another process made it, or the upgrade was begun before
    }
    tracing::info!(copy = %to.display(), "the database is copied before its schema changes");
    let done = to.clone();
    off_thread(move || {
        let mut part = to.as_os_str().to_owned();
        part.push(format!(".{}", std::process::id()));
        let part = PathBuf::from(part);
        files::copy(&from, &part)?;
        if let Some(why) = files::fault(&part, true)? {
            let _ = std::fs::remove_file(&part);
            return Err(StoreError::Damaged { path: part, why });
        }
        Ok(std::fs::rename(&part, &to).map_err(SqlError::Io)?)
    })
    .await
    .map_err(|source| StoreError::NoCopy { path: done, source: Box::new(source) })
}

/// Copies any SQLite file as it stands at one moment: those of others are copied too.
///
/// # Errors
/// The copy exists or cannot be written, or `from` is no SQLite file.
pub fn copy(from: &Path, to: &Path) -> Result<(), StoreError> {
    Ok(files::copy(from, to)?)
}

/// Reads a whole SQLite file through.
///
/// # Errors
/// It is damaged, or none of SQLite.
pub fn look_over(path: &Path) -> Result<(), StoreError> {
    match files::fault(path, true) {
        Ok(None) => Ok(()),
        Ok(Some(why)) => Err(StoreError::Damaged { path: path.to_owned(), why }),
        Err(e) => Err(StoreError::Damaged { path: path.to_owned(), why: e.to_string() }),
    }
}

/// Reads a copy of one of our databases through, and says what it holds.
///
/// # Errors
/// It is damaged, none of ours, or newer than this program.
pub fn contents(path: &Path) -> Result<Contents, StoreError> {
    look_over(path)?;
    let number = |sql: &str| {
        files::number(path, sql).map_err(|e| StoreError::Damaged { path: path.to_owned(), why: e.to_string() })
    };
    let step = usize::try_from(number("SELECT COALESCE(MAX(n), 0) FROM schema_step")?).unwrap_or(0);
    if step > MIGRATIONS.len() {
        return Err(StoreError::Newer { found: step, newest: MIGRATIONS.len() });
    }
    Ok(Contents {
        step,
        notices: number("SELECT COUNT(*) FROM notice")?,
        people: number("SELECT COUNT(*) FROM subscriber")?,
        deliveries: number("SELECT COUNT(*) FROM delivery")?,
    })
}

/// Whether another process has that SQLite file open.
///
/// # Errors
/// It cannot be opened, or is none of SQLite.
pub fn is_in_use(path: &Path) -> Result<bool, StoreError> {
    Ok(files::is_in_use(path)?)
}

/// Marks a copy that is about to take the place of a database: nothing leaves until an operator says so. What was being sent when
/// the copy was made waits like the rest.
///
/// # Errors
/// The file cannot be written.
pub fn hold(path: &Path, now: DateTime<Utc>) -> Result<(), StoreError> {
    let now = millis(now);
    files::change(
        path,
        &format!(
            "INSERT INTO meta (key, value) VALUES ('{HELD_SINCE}', '{now}') ON CONFLICT (key) DO UPDATE SET value = '{now}';
             UPDATE delivery SET lease_until = 0 WHERE state = 'claimed'; DELETE FROM lease; UPDATE source SET lease_until = 0"
        ),
    )?;
    Ok(files::keep_log(path)?)
}

/// Has a SQLite file that was copied keep its changes in a log again, as its users expect it.
///
/// # Errors
/// It cannot be written.
pub fn keep_log(path: &Path) -> Result<(), StoreError> {
    Ok(files::keep_log(path)?)
}

async fn off_thread<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, StoreError> + Send + 'static,
) -> Result<T, StoreError> {
    tokio::task::spawn_blocking(work).await.map_err(|e| sql::SqlError::Io(std::io::Error::other(e)))?
}

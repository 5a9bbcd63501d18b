//! Persistence: one SQL, two engines (SQLite embedded, PostgreSQL), and the outbox.
//!
//! Invariants:
//! - a notice, its verdict, its alert and every delivery it causes are committed in **one transaction** before anything
//!   is sent ([`ingest`]);
//! - a delivery is settled only by the one who holds its claim token ([`outbox`]);
//! - the same content of the same record changes nothing, the same (address, cause) makes one delivery.
//!
//! On failure: a [`StoreError`]; a transaction that fails leaves nothing behind. U+0000, which PostgreSQL refuses in
//! text, is stripped.

pub mod accounts;
mod address;
pub mod admin;
pub mod advice;
mod attempts;
pub mod audience;
pub mod backup;
mod batch;
mod carry_over;
pub mod chats;
pub mod choices;
pub mod claim;
mod clock;
mod columns;
pub mod consent;
pub mod consultations;
pub mod contracts;
mod delivery;
pub mod digests;
pub mod directory;
mod enqueue;
mod error;
mod events;
pub mod failover;
pub mod follow_up;
pub mod held;
mod hours_to_fill;
mod ids;
pub mod impact;
pub mod inbox;
pub mod incoming;
pub mod ingest;
pub mod invitations;
pub mod journal;
pub mod lanes;
pub mod leads;
pub mod messages;
mod migrations;
pub mod open_access;
pub mod operation_hours;
pub mod operation_settings;
pub mod operations;
pub mod outages;
pub mod outbox;
mod page_sources;
pub mod partner_calls;
pub mod people;
mod people_rows;
pub mod personal;
pub mod preferences;
pub mod quarantine;
pub mod renewals;
pub mod retention;
mod rows;
pub mod search;
pub mod second_reading;
pub mod self_service;
mod service_areas;
pub mod service_offers;
pub mod sessions;
mod sizes;
mod slowest;
pub mod sources;
mod sql;
mod suppression;
mod suspension;
pub mod taste;
#[cfg(test)]
mod tests;
pub mod tokens;
pub mod verdicts;
mod write_proof;

use std::path::{Path, PathBuf};
use std::sync::Arc;

pub use error::StoreError;
pub use ids::{content_hash, derived_id, ordered_id, random, secret_hash};
pub use slowest::Slowest;
pub use sql::{Engine, SqlError};

/// A database.
#[derive(Debug, Clone)]
pub struct Store {
    db: sql::Database,
    /// What reads.
    reader: sql::Reader,
    /// What reads few rows by their keys.
    key_reader: sql::Reader,
    attempts: Arc<batch::Batch<attempts::Write>>,
    polls: Arc<batch::Batch<sources::Write>>,
}

impl Store {
    /// Opens (and for SQLite creates) the database at `url`, and brings it to the newest step; a SQLite file that is there is copied
    /// before ([`backup`]).
    ///
    /// # Errors
    /// The URL is unknown, the database cannot be reached or written, or is newer than this program.
    pub async fn open(url: &str) -> Result<Self, StoreError> {
        let db = database_of(url)?;
        backup::before_steps(&db).await.map_err(|e| e.of_server(url))?;
        migrations::migrate(&db).await.map_err(|e| e.of_server(url))?;
        Ok(Self::opened(db))
    }

    /// A database whose schema is as it should be.
    fn opened(db: sql::Database) -> Self {
        Self { reader: db.reader(), key_reader: db.key_reader(), db, attempts: Arc::default(), polls: Arc::default() }
    }

    /// Which engine stands behind.
    #[must_use]
    pub fn engine(&self) -> Engine {
        self.db.engine()
    }

    /// Begins a transaction that will write.
    async fn begin(&self) -> Result<sql::Transaction, StoreError> {
        Ok(self.db.begin().await?)
    }

    /// Closes all connections.
    pub async fn close(&self) {
        self.db.close().await;
    }
}

/// The database of that address, which is not yet looked at.
fn database_of(url: &str) -> Result<sql::Database, StoreError> {
    if url.starts_with("postgres:") || url.starts_with("postgresql:") {
        return Ok(sql::Database::postgres(url)?);
    }
    let Some(path) = sqlite_path(url) else {
        return Err(StoreError::Url(url.split('@').next_back().unwrap_or_default().to_owned()));
    };
    // Its owner's alone before SQLite writes to it: it holds addresses. What cannot be made is said by SQLite when it opens it.
    let _ = new_for_owner(&path);
    sql::Database::sqlite(&path).map_err(|source| StoreError::File { path, source })
}

/// The file that an address names, where it names one of SQLite.
#[must_use]
pub fn sqlite_path(url: &str) -> Option<PathBuf> {
    let path = url.strip_prefix("sqlite:")?;
    let path = path.strip_prefix("//").unwrap_or(path);
    Some(PathBuf::from(path.split('?').next().unwrap_or(path)))
}

/// Makes a file that its owner alone may read, from its first byte on. One that root makes in somebody's folder is theirs: the
/// service, which is not root, must be able to use it.
///
/// # Errors
/// It is there already, or cannot be made.
pub fn new_for_owner(path: &Path) -> std::io::Result<std::fs::File> {
    let mut options = std::fs::OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    {
        use std::os::unix::fs::OpenOptionsExt;
        options.mode(0o600);
    }
    let file = options.open(path)?;
    #[cfg(unix)]
    {
        use std::os::unix::fs::{MetadataExt, fchown};
        let folder = path.parent().filter(|p| !p.as_os_str().is_empty()).unwrap_or(Path::new("."));
        if let (Ok(folder), Ok(ours)) = (folder.metadata(), file.metadata())
            && ours.uid() == 0
            && folder.uid() != 0
        {
            // Refused to whoever is not root after all: then it stays as it is.
            let _ = fchown(&file, Some(folder.uid()), Some(folder.gid()));
        }
    }
    Ok(file)
}

//! Backups of an installation on SQLite: the database and the Matrix account's store in one folder, with a list of what it holds.
//!
//! Invariants:
//! - a folder appears whole or not at all: it is written under another name, read through, and then renamed;
//! - the database is copied before the Matrix store, so that keys are never older than the rooms that need them;
//! - old folders go only once a new one stands; nothing but our own folders is removed.
//!
//! On failure the folder in the making is removed, and those that stand are untouched. PostgreSQL is backed up with its own tools.

mod folder;
mod restore;
mod schedule;

use std::path::{Path, PathBuf};

use chrono::{DateTime, Utc};
use vigie_store::Store;
use vigie_store::backup::Contents;

pub use folder::{bytes_below, in_the_making, newest, read};
pub use restore::{Restored, being_put_back, restore};
pub use schedule::run as run_schedule;

use crate::error::Failure;

/// Name of the database inside a backup.
const DATABASE: &str = "vigie.sqlite";
/// Name of the Matrix store's folder inside a backup.
const MATRIX: &str = "matrix";
/// Name of the list of what a backup holds.
const MANIFEST: &str = "manifest.json";

/// What a backup holds.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Manifest {
    /// Version of the program that made it.
    pub version: String,
    pub made: DateTime<Utc>,
    pub contents: Contents,
    pub files: Vec<File>,
}

/// A file of a backup.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct File {
    /// Its path inside the folder.
    pub path: String,
    pub bytes: u64,
    /// SHA-256 in hexadecimal.
    pub sha256: String,
}

/// A backup that was made.
#[derive(Debug, Clone)]
pub struct Made {
    pub folder: PathBuf,
    pub manifest: Manifest,
    /// Older ones that were removed.
    pub removed: usize,
}

/// Makes a backup inside `dir`, reads it through, and leaves the newest `keep` there; 0 = all.
///
/// # Errors
/// The database is one of PostgreSQL, there is no room, or what was copied cannot be read back.
pub async fn make(
    store: &Store,
    matrix: Option<&Path>,
    dir: &Path,
    keep: usize,
    now: DateTime<Utc>,
) -> Result<Made, Failure> {
    let Some(database) = store.file().map(Path::to_owned) else { return Err(not_ours()) };
    let matrix = matrix.filter(|m| m.is_dir()).map(Path::to_owned);
    let dir = dir.to_owned();
    let made = off_thread(move || {
        let (folder, manifest) = folder::write(&database, matrix.as_deref(), &dir, now)?;
        let removed = folder::rotate(&dir, keep)?;
        Ok(Made { folder, manifest, removed })
    })
    .await?;
    // A copy that is there is one, whatever the journal says.
    if let Err(e) = store.note("task", "sauvegarde", "une sauvegarde est faite, et relue", now).await {
        tracing::warn!("the journal does not say that a backup was made: {e}");
    }
    Ok(made)
}

/// What is said of a backup of PostgreSQL.
fn not_ours() -> Failure {
    Failure::usage(
        "la base est sur PostgreSQL, qui se sauvegarde par ses propres outils",
        "[store] url",
        "utilisez pg_dump, ou l’archivage continu (voyez docs/operator.md, « Upgrade and backup »)",
    )
}

async fn off_thread<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, Failure> + Send + 'static,
) -> Result<T, Failure> {
    tokio::task::spawn_blocking(work).await.unwrap_or_else(|e| {
        Err(Failure::new(format!("travail interrompu : {e}"), "sauvegarde", "relancez ; rien n’est perdu"))
    })
}

//! A backup takes the place of the database. What stood there is moved aside, never removed; what the restored database would send
//! waits for an operator, since it does not know what was sent after it was copied.
//!
//! On failure, up to the last step, what stood there still stands.

use std::path::{Path, PathBuf};

use chrono::{DateTime, Utc};
use vigie_config::private;
use vigie_store::backup as sqlite;

use super::folder::{bytes_below, copy_file, is_sqlite, read, unreadable, unwritable};
use super::{DATABASE, MATRIX, Manifest, not_ours, off_thread};
use crate::error::Failure;

/// What a restoration did.
#[derive(Debug, Clone)]
pub struct Restored {
    pub manifest: Manifest,
    /// Where what stood there before is now: the database, then the Matrix store, as far as they were there.
    pub aside: Vec<PathBuf>,
}

/// Puts the backup of that folder in the place of the database at `url`, and of the Matrix store where it holds one.
///
/// # Errors
/// The backup is damaged or newer, the service runs, the database is one of PostgreSQL, or there is no room.
pub async fn restore(url: &str, matrix: Option<&Path>, folder: &Path, now: DateTime<Utc>) -> Result<Restored, Failure> {
    let Some(database) = vigie_store::sqlite_path(url) else { return Err(not_ours()) };
    let (matrix, folder) = (matrix.map(Path::to_owned), folder.to_owned());
    off_thread(move || {
        let manifest = read(&folder)?;
        refuse_while_used(&database)?;
        let with_matrix = manifest.files.iter().any(|f| Path::new(&f.path).starts_with(MATRIX));
        if with_matrix && matrix.is_none() {
            let what = "cette sauvegarde contient un compte Matrix, et le fichier de configuration n’en a pas";
            return Err(Failure::usage(what, "[matrix]", "remettez ce bloc, tel qu’il était quand elle a été faite"));
        }
        let stamp = now.format("%Y%m%d-%H%M%S").to_string();
        let fresh = beside(&database, IN_THE_MAKING);
        let _ = std::fs::remove_file(&fresh);
        let mut aside = Vec::new();
        let done = prepare(&folder, &fresh, now)
            .and_then(|()| take_place(&database, &fresh, &stamp, &mut aside))
            .and_then(|()| match matrix.as_deref().filter(|_| with_matrix) {
                Some(store) => matrix_store(&folder.join(MATRIX), store, &stamp, &mut aside),
                None => Ok(()),
            });
        match done {
            Ok(()) => Ok(Restored { manifest, aside }),
            Err(e) => {
                let _ = std::fs::remove_file(&fresh);
                Err(e)
            }
        }
    })
    .await
}

/// How the name of what takes the place of something ends, until it does.
const IN_THE_MAKING: &str = "restauration-en-cours";

/// Bytes that a restoration under way has written beside the database at `url` and the Matrix store.
#[must_use]
pub fn being_put_back(url: &str, matrix: Option<&Path>) -> u64 {
    let database = vigie_store::sqlite_path(url)
        .and_then(|file| beside(&file, IN_THE_MAKING).metadata().ok())
        .map_or(0, |fresh| fresh.len());
    database + matrix.map_or(0, |store| bytes_below(&beside(store, IN_THE_MAKING)))
}

fn refuse_while_used(database: &Path) -> Result<(), Failure> {
    // A database that cannot even be opened is what one restores a backup for.
    if database.exists() && sqlite::is_in_use(database).unwrap_or(false) {
        let what = "un processus se sert de cette base";
        let fix = "arrêtez le service (systemctl stop vigie), puis relancez";
        return Err(Failure::new(what, database.display().to_string(), fix));
    }
    Ok(())
}

/// A path beside that one.
fn beside(path: &Path, what: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(format!(".{what}"));
    PathBuf::from(name)
}

fn prepare(folder: &Path, fresh: &Path, now: DateTime<Utc>) -> Result<(), Failure> {
    if let Some(parent) = fresh.parent().filter(|p| !p.as_os_str().is_empty()) {
        private::create_dir(parent).map_err(|e| unwritable(parent, &e))?;
    }
    copy_file(&folder.join(DATABASE), fresh)?;
    sqlite::hold(fresh, now)?;
    // What the marking left beside it is taken in.
    if sqlite::is_in_use(fresh)? {
        return Err(Failure::new("la copie reste ouverte", fresh.display().to_string(), "relancez"));
    }
    sqlite::contents(fresh)?;
    Ok(())
}

/// The new file takes the place of the old one in one step; the old one keeps another name.
fn take_place(database: &Path, fresh: &Path, stamp: &str, aside: &mut Vec<PathBuf>) -> Result<(), Failure> {
    if database.exists() {
        let old = beside(database, &format!("avant-restauration-{stamp}"));
        std::fs::hard_link(database, &old).map_err(|e| unwritable(&old, &e))?;
        for log in ["-wal", "-shm"] {
            // The log of a damaged database is part of it, and must not be taken for one of the new file.
            let mut from = database.as_os_str().to_owned();
            from.push(log);
            let mut to = old.as_os_str().to_owned();
            to.push(log);
            match std::fs::rename(&from, &to) {
                Err(e) if e.kind() != std::io::ErrorKind::NotFound => return Err(unwritable(Path::new(&from), &e)),
                _ => {}
            }
        }
        aside.push(old);
    }
    std::fs::rename(fresh, database).map_err(|e| unwritable(database, &e))
}

fn matrix_store(from: &Path, store: &Path, stamp: &str, aside: &mut Vec<PathBuf>) -> Result<(), Failure> {
    let fresh = beside(store, IN_THE_MAKING);
    let _ = std::fs::remove_dir_all(&fresh);
    private::create_new_dir(&fresh).map_err(|e| unwritable(&fresh, &e))?;
    private::belongs_with(&fresh).map_err(|e| unwritable(&fresh, &e))?;
    for entry in std::fs::read_dir(from).map_err(|e| unreadable(from, &e))? {
        let path = entry.map_err(|e| unreadable(from, &e))?.path();
        let Some(name) = path.file_name() else { continue };
        let copy = fresh.join(name);
        copy_file(&path, &copy)?;
        if is_sqlite(&copy) {
            sqlite::keep_log(&copy)?;
        }
    }
    if store.exists() {
        let old = beside(store, &format!("avant-restauration-{stamp}"));
        std::fs::rename(store, &old).map_err(|e| unwritable(&old, &e))?;
        aside.push(old);
    }
    std::fs::rename(&fresh, store).map_err(|e| unwritable(store, &e))
}

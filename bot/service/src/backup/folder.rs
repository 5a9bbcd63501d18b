//! The folder of a backup: written, read through, found again, and removed when its time is over.

use std::io::Read;
use std::path::{Path, PathBuf};

use chrono::{DateTime, Duration, NaiveDateTime, Utc};
use sha2::{Digest, Sha256};
use vigie_config::private;
use vigie_domain::french;
use vigie_store::{StoreError, backup as sqlite};

use super::{DATABASE, File, MANIFEST, MATRIX, Manifest};
use crate::error::Failure;

/// How a folder is named: by the moment, in UTC, at which it was begun.
const NAME: &str = "vigie-%Y%m%d-%H%M%S";
/// What every SQLite file begins with.
const SQLITE_HEAD: &[u8] = b"SQLite format 3\0";

/// Writes a backup into a new folder of `dir`.
pub(super) fn write(
    database: &Path,
    matrix: Option<&Path>,
    dir: &Path,
    now: DateTime<Utc>,
) -> Result<(PathBuf, Manifest), Failure> {
    private::create_dir(dir).map_err(|e| unwritable(dir, &e))?;
    // Two of one second: the later one takes the name of the next second that is free.
    let mut named = now;
    while dir.join(named.format(NAME).to_string()).exists() {
        named += Duration::seconds(1);
    }
    let name = named.format(NAME).to_string();
    let (folder, part) = (dir.join(&name), dir.join(format!(".{name}{}", in_the_making_by())));
    private::create_new_dir(&part).map_err(|e| unwritable(&part, &e))?;
    let done = fill(database, matrix, &part, now).and_then(|manifest| {
        std::fs::rename(&part, &folder).map_err(|e| unwritable(&folder, &e))?;
        sync(dir)?;
        Ok(manifest)
    });
    match done {
        Ok(manifest) => Ok((folder, manifest)),
        Err(e) => {
            let _ = std::fs::remove_dir_all(&part);
            Err(e)
        }
    }
}

/// How the name of a folder in the making ends: by the process that makes it.
fn in_the_making_by() -> String {
    format!("-{}", std::process::id())
}

/// Bytes of the backup that this process is making inside `dir`, as far as they are written.
#[must_use]
pub fn in_the_making(dir: &Path) -> u64 {
    let ours = |path: &PathBuf| {
        let name = path.file_name().map(|n| n.to_string_lossy().into_owned()).unwrap_or_default();
        name.starts_with(".vigie-") && name.ends_with(&in_the_making_by())
    };
    let folders = std::fs::read_dir(dir).into_iter().flatten().flatten().map(|e| e.path());
    folders.filter(ours).map(|folder| bytes_below(&folder)).sum()
}

/// Bytes of all files below a folder; none where it is not there.
#[must_use]
pub fn bytes_below(dir: &Path) -> u64 {
    let entries = std::fs::read_dir(dir).into_iter().flatten().flatten();
    entries.map(|e| if e.path().is_dir() { bytes_below(&e.path()) } else { e.metadata().map_or(0, |m| m.len()) }).sum()
}

fn fill(database: &Path, matrix: Option<&Path>, part: &Path, now: DateTime<Utc>) -> Result<Manifest, Failure> {
    let copy = part.join(DATABASE);
    sqlite::copy(database, &copy).map_err(|e| no_copy(&copy, e))?;
    let contents = sqlite::contents(&copy)?;
    let mut files = vec![listed(part, &copy)?];
    if let Some(store) = matrix {
        let to = part.join(MATRIX);
        private::create_new_dir(&to).map_err(|e| unwritable(&to, &e))?;
        for copied in copy_store(store, &to)? {
            files.push(listed(part, &copied)?);
        }
    }
    let manifest = Manifest { version: env!("CARGO_PKG_VERSION").to_owned(), made: now, contents, files };
    let path = part.join(MANIFEST);
    let text = serde_json::to_vec_pretty(&manifest).map_err(|e| unwritable(&path, &e.into()))?;
    let mut file = vigie_store::new_for_owner(&path).map_err(|e| unwritable(&path, &e))?;
    std::io::Write::write_all(&mut file, &text).and_then(|()| file.sync_all()).map_err(|e| unwritable(&path, &e))?;
    sync(part)?;
    Ok(manifest)
}

/// Copies the files of a Matrix store: those of SQLite at one moment each, and read through.
fn copy_store(from: &Path, to: &Path) -> Result<Vec<PathBuf>, Failure> {
    let mut copied = Vec::new();
    for entry in std::fs::read_dir(from).map_err(|e| unreadable(from, &e))? {
        let path = entry.map_err(|e| unreadable(from, &e))?.path();
        let name = path.file_name().map(|n| n.to_string_lossy().into_owned()).unwrap_or_default();
        if !path.is_file() || name.ends_with("-wal") || name.ends_with("-shm") {
            continue;
        }
        let copy = to.join(&name);
        if is_sqlite(&path) {
            sqlite::copy(&path, &copy).map_err(|e| no_copy(&copy, e))?;
            sqlite::look_over(&copy)?;
        } else {
            copy_file(&path, &copy)?;
        }
        copied.push(copy);
    }
    copied.sort();
    Ok(copied)
}

/// Whether a file is one of SQLite.
pub(super) fn is_sqlite(path: &Path) -> bool {
    let mut head = [0; SQLITE_HEAD.len()];
    std::fs::File::open(path).and_then(|mut f| f.read_exact(&mut head)).is_ok() && head == SQLITE_HEAD
}

/// Copies a file into a new one that is its owner's alone.
pub(super) fn copy_file(from: &Path, to: &Path) -> Result<(), Failure> {
    let mut source = std::fs::File::open(from).map_err(|e| unreadable(from, &e))?;
    let mut copy = vigie_store::new_for_owner(to).map_err(|e| unwritable(to, &e))?;
    std::io::copy(&mut source, &mut copy).and_then(|_| copy.sync_all()).map_err(|e| unwritable(to, &e))
}

fn listed(part: &Path, path: &Path) -> Result<File, Failure> {
    let (bytes, sha256) = digest(path)?;
    let inside = path.strip_prefix(part).unwrap_or(path).to_string_lossy().into_owned();
    Ok(File { path: inside, bytes, sha256 })
}

fn digest(path: &Path) -> Result<(u64, String), Failure> {
    let mut file = std::fs::File::open(path).map_err(|e| unreadable(path, &e))?;
    let mut hash = Sha256::new();
    let bytes = std::io::copy(&mut file, &mut hash).map_err(|e| unreadable(path, &e))?;
    Ok((bytes, hex::encode(hash.finalize())))
}

/// Reads a backup through: every file is there as it was written, and the database opens.
///
/// # Errors
/// Something is missing, damaged, or newer than this program.
pub fn read(folder: &Path) -> Result<Manifest, Failure> {
    let path = folder.join(MANIFEST);
    let damaged = |what: String| {
        let fix = "choisissez une autre sauvegarde ; celle-ci ne peut pas servir";
        Failure::new(what, folder.display().to_string(), fix)
    };
    let text = std::fs::read(&path)
        .map_err(|e| damaged(format!("ce dossier n’est pas une sauvegarde : {}", french::of_system(&e))))?;
    let manifest: Manifest = serde_json::from_slice(&text)
        .map_err(|e| damaged(format!("la liste de cette sauvegarde est illisible : {e}")))?;
    for file in &manifest.files {
        let inside = Path::new(&file.path);
        if inside.components().any(|c| !matches!(c, std::path::Component::Normal(_))) {
            return Err(damaged(format!("le fichier « {} » n’est pas dans la sauvegarde", file.path)));
        }
        let found = digest(&folder.join(inside)).map_err(|e| damaged(e.what))?;
        if found != (file.bytes, file.sha256.clone()) {
            return Err(damaged(format!("le fichier « {} » n’est plus celui qui a été écrit", file.path)));
        }
    }
    let contents = sqlite::contents(&folder.join(DATABASE)).map_err(|e| damaged(e.to_string()))?;
    if contents != manifest.contents {
        return Err(damaged("la base de cette sauvegarde ne contient pas ce qu’elle devrait".to_owned()));
    }
    Ok(manifest)
}

/// The backups of a folder, oldest first.
fn all(dir: &Path) -> Vec<(DateTime<Utc>, PathBuf)> {
    let mut found: Vec<(DateTime<Utc>, PathBuf)> = std::fs::read_dir(dir)
        .into_iter()
        .flatten()
        .flatten()
        .filter_map(|entry| {
            let made = NaiveDateTime::parse_from_str(&entry.file_name().to_string_lossy(), NAME).ok()?;
            let path = entry.path();
            path.join(MANIFEST).is_file().then(|| (made.and_utc(), path))
        })
        .collect();
    found.sort();
    found
}

/// The newest backup of a folder, and when it was made.
#[must_use]
pub fn newest(dir: &Path) -> Option<(DateTime<Utc>, PathBuf)> {
    all(dir).pop()
}

/// Removes all backups but the newest `keep`; gives how many.
pub(super) fn rotate(dir: &Path, keep: usize) -> Result<usize, Failure> {
    let found = all(dir);
    let old = if keep == 0 { 0 } else { found.len().saturating_sub(keep) };
    for (_, path) in &found[..old] {
        std::fs::remove_dir_all(path).map_err(|e| unwritable(path, &e))?;
    }
    Ok(old)
}

fn sync(dir: &Path) -> Result<(), Failure> {
    std::fs::File::open(dir).and_then(|d| d.sync_all()).map_err(|e| unwritable(dir, &e))
}

/// A copy that could not be made: where there is no room, that is said of the folder it goes to.
fn no_copy(copy: &Path, error: StoreError) -> Failure {
    if error.is_full() {
        return unwritable(copy, &std::io::ErrorKind::StorageFull.into());
    }
    error.into()
}

pub(super) fn unwritable(path: &Path, error: &std::io::Error) -> Failure {
    let fix = "vérifiez la place sur le disque et les droits de ce compte";
    Failure::new(format!("écriture impossible : {}", french::of_system(error)), path.display().to_string(), fix)
}

pub(super) fn unreadable(path: &Path, error: &std::io::Error) -> Failure {
    Failure::new(
        format!("lecture impossible : {}", french::of_system(error)),
        path.display().to_string(),
        "vérifiez ce chemin et les droits de ce compte",
    )
}

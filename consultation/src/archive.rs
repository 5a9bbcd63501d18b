//! A ZIP, and the ZIPs it holds, unpacked into a folder of ours under names of ours.
//!
//! Names inside the archive are only shown, never used as paths. What an archive announces is not believed: bytes are counted as
//! they come. A refused entry is told by name and costs only itself; an archive that lies about its own size costs the archive.

use std::fs::File;
use std::io::{Cursor, Read, Seek, copy};
use std::path::Path;

use serde::{Deserialize, Serialize};
use vigie_domain::visible;
use zip::ZipArchive;
use zip::result::ZipError;

use crate::limits::{MAX_ENTRIES, MAX_PIECE, MAX_PIECES, MAX_RATIO, MAX_UNPACKED};
use crate::piece::Unread;

/// A file taken out of an archive, or refused.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Entry {
    /// As the archive calls it.
    pub name: String,
    /// The file in the folder, or why there is none.
    pub file: Result<String, Unread>,
}

/// What is left to spend.
struct Budget {
    bytes: u64,
    pieces: usize,
}

/// Unpacks the file `input` into `folder`.
///
/// # Errors
/// It is no archive that can be opened, or it announces more than any consultation has.
pub fn unpack(input: &Path, folder: &Path) -> Result<Vec<Entry>, Unread> {
    if crate::formats::is_document(input) {
        return Err(Unread::NotAnArchive);
    }
    let file = File::open(input).map_err(|e| Unread::Broken(e.to_string()))?;
    let mut out = Vec::new();
    let mut budget = Budget { bytes: MAX_UNPACKED, pieces: 0 };
    open(file, "", 0, folder, &mut budget, &mut out)?;
    if out.is_empty() {
        return Err(Unread::Empty);
    }
    Ok(out)
}

fn open<R: Read + Seek>(
    reader: R,
    prefix: &str,
    depth: u8,
    folder: &Path,
    budget: &mut Budget,
    out: &mut Vec<Entry>,
) -> Result<(), Unread> {
    let mut archive = ZipArchive::new(reader).map_err(broken)?;
    if archive.len() > MAX_ENTRIES {
        return Err(Unread::Refused(format!("l’archive annonce {} fichiers", archive.len())));
    }
    for index in 0..archive.len() {
        let raw = archive.by_index_raw(index).ok().and_then(|e| e.name().ok().map(|n| n.into_owned()));
        let name = shown(&raw.unwrap_or_default());
        let name = format!("{prefix}{}", if name.is_empty() { format!("fichier {}", index + 1) } else { name });
        if is_noise(&name) || name.ends_with('/') {
            continue;
        }
        if budget.pieces >= MAX_PIECES {
            let what = format!("l’archive a plus de {MAX_PIECES} pièces, la suite n’est pas lue");
            out.push(Entry { name, file: Err(Unread::TooLarge(what)) });
            return Ok(());
        }
        budget.pieces += 1;
        let file = format!("p{}", budget.pieces);
        match take(&mut archive, index, &folder.join(&file), budget) {
            Err(why) => out.push(Entry { name, file: Err(why) }),
            Ok(()) if is_zip(&folder.join(&file)) => {
                let packed = folder.join(&file);
                let inner = format!("{name}/");
                let opened = if depth >= 1 {
                    Err(Unread::Refused("archive dans une archive dans une archive".to_owned()))
                } else {
                    let bytes = std::fs::read(&packed).map_err(|e| Unread::Broken(e.to_string()));
                    bytes.and_then(|b| open(Cursor::new(b), &inner, depth + 1, folder, budget, out))
                };
                let _ = std::fs::remove_file(&packed);
                if let Err(why) = opened {
                    out.push(Entry { name, file: Err(why) });
                }
            }
            Ok(()) => out.push(Entry { name, file: Ok(file) }),
        }
    }
    Ok(())
}

/// Writes one entry to a file, counting as it comes.
fn take<R: Read + Seek>(
    archive: &mut ZipArchive<R>,
    index: usize,
    target: &Path,
    budget: &mut Budget,
) -> Result<(), Unread> {
    let entry = archive.by_index(index).map_err(broken)?;
    if entry.is_symlink() {
        return Err(Unread::Refused("un lien vers un autre fichier".to_owned()));
    }
    let packed = entry.compressed_size().max(1);
    let most = MAX_PIECE.min(budget.bytes).min(packed.saturating_mul(MAX_RATIO).max(64 * 1024));
    let mut file = File::create(target).map_err(|e| Unread::Broken(e.to_string()))?;
    let written = copy(&mut entry.take(most + 1), &mut file);
    let refused = match written {
        Err(e) => Some(Unread::Broken(format!("archive illisible à cet endroit ({e})"))),
        Ok(n) if n > most => Some(Unread::TooLarge("il grossit démesurément une fois ouvert".to_owned())),
        Ok(n) => {
            budget.bytes -= n;
            None
        }
    };
    match refused {
        None => Ok(()),
        Some(why) => {
            let _ = std::fs::remove_file(target);
            Err(why)
        }
    }
}

fn broken(error: ZipError) -> Unread {
    match error {
        ZipError::UnsupportedArchive(ZipError::PASSWORD_REQUIRED) => Unread::Encrypted,
        ZipError::InvalidPassword => Unread::Encrypted,
        ZipError::UnsupportedArchive(_) => {
            Unread::Refused("compression inconnue : refaites un ZIP ordinaire".to_owned())
        }
        _ => Unread::Broken("l’archive est incomplète ou abîmée".to_owned()),
    }
}

/// A name as it can be shown: no folder that climbs, no control character, of bounded length.
#[must_use]
pub fn shown(name: &str) -> String {
    let clean: String =
        visible(name).chars().map(|c| if c == '\\' { '/' } else { c }).filter(|c| !c.is_control()).collect();
    let parts: Vec<&str> = clean.split('/').filter(|p| !matches!(*p, "" | "." | "..")).collect();
    let mut out = parts.join("/");
    if clean.ends_with('/') && !out.is_empty() {
        out.push('/');
    }
    if out.chars().count() > 200 { out.chars().skip(out.chars().count() - 200).collect() } else { out }
}

/// What computers add to archives by themselves.
fn is_noise(name: &str) -> bool {
    let last = name.rsplit('/').next().unwrap_or(name);
    name.contains("__MACOSX/") || matches!(last, ".DS_Store" | "Thumbs.db" | "desktop.ini") || last.starts_with("~$")
}

/// Whether a file is an archive of files, and not a document that happens to be one (DOCX, ODT, XLSX…).
fn is_zip(path: &Path) -> bool {
    let mut head = [0u8; 4];
    let read = File::open(path).and_then(|mut f| f.read_exact(&mut head));
    read.is_ok() && head.starts_with(b"PK\x03\x04") && !crate::formats::is_document(path)
}

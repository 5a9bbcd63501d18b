//! From a file to its text. The content decides, not the name: buyers rename files, and a name proves nothing.
//!
//! Runs in a child process (`sandbox`): a reader may fail in any way without costing more than its file.

mod html;
mod layout;
mod office;
mod pdf;
mod plain;
mod rtf;
mod sheet;

use std::borrow::Cow;
use std::fs::File;
use std::io::Read;
use std::path::Path;

use vigie_domain::visible;
use zip::ZipArchive;

use crate::limits::{MAX_PIECE, MAX_TEXT};
use crate::piece::{Passage, Place, Text, Unread};

/// What the readers need from outside.
#[derive(Debug, Clone, Copy)]
pub struct Tools<'a> {
    /// poppler's `pdftotext`, where it is installed.
    pub pdftotext: Option<&'a Path>,
    /// HTML to lines of text.
    pub html: fn(&[u8]) -> String,
}

/// What a file is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    Pdf,
    Docx,
    Odt,
    /// XLSX, XLSM, XLS, ODS.
    Sheet,
    Rtf,
    Html,
    Text,
}

/// Reads a file.
///
/// # Errors
/// Why it cannot be read, for a person.
pub fn read(path: &Path, name: &str, tools: &Tools<'_>) -> Result<Text, Unread> {
    let length = std::fs::metadata(path).map_err(|e| Unread::Broken(e.to_string()))?.len();
    if length == 0 {
        return Err(Unread::Empty);
    }
    if length > MAX_PIECE {
        return Err(Unread::TooLarge(format!("{} Mo", length / 1_048_576)));
    }
    let mut text = match format(path, name)? {
        Format::Pdf => pdf::read(path, tools.pdftotext)?,
        Format::Docx => office::docx(path)?,
        Format::Odt => office::odt(path)?,
        Format::Sheet => sheet::read(path)?,
        Format::Rtf => rtf::read(&bytes(path)?)?,
        Format::Html => html::read(&bytes(path)?, tools.html),
        Format::Text => plain::read(&bytes(path)?)?,
    };
    bound(&mut text)?;
    for passage in &mut text.passages {
        // What nobody sees changes no word, and no document may hold it (XML 1.0, production 2).
        let seen = visible(&passage.text);
        if seen.contains(['\u{fffe}', '\u{ffff}']) {
            passage.text = seen.replace(['\u{fffe}', '\u{ffff}'], "");
        } else if let Cow::Owned(seen) = seen {
            passage.text = seen;
        }
    }
    match text.is_blank() {
        true if text.pages.is_some_and(|n| n > 0) => Err(Unread::Scanned),
        true => Err(Unread::Empty),
        false => Ok(text),
    }
}

fn bytes(path: &Path) -> Result<Vec<u8>, Unread> {
    std::fs::read(path).map_err(|e| Unread::Broken(e.to_string()))
}

/// What a file is, by its first bytes; by its name only where they say nothing.
fn format(path: &Path, name: &str) -> Result<Format, Unread> {
    let mut head = Vec::new();
    let opened = File::open(path).and_then(|f| f.take(4096).read_to_end(&mut head));
    opened.map_err(|e| Unread::Broken(e.to_string()))?;
    let extension = name.rsplit_once('.').map(|(_, e)| e.to_lowercase()).unwrap_or_default();
    if head.windows(5).take(1024).any(|w| w == b"%PDF-") {
        return Ok(Format::Pdf);
    }
    if head.starts_with(b"PK\x03\x04") {
        return office_format(path).map_err(|why| match why {
            Unread::Unknown(what) if what == PLAIN_ARCHIVE => Unread::Broken("le document est incomplet".to_owned()),
            why => why,
        });
    }
    if head.starts_with(b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1") {
        return compound(path, &extension);
    }
    if head.starts_with(b"{\\rtf") {
        return Ok(Format::Rtf);
    }
    let known: &[(&[u8], &str)] = &[
        (b"\x89PNG", "une image"),
        (b"\xff\xd8\xff", "une image"),
        (b"GIF8", "une image"),
        (b"II*\0", "une image"),
        (b"MM\0*", "une image"),
        (b"BM", "une image"),
        (b"AC10", "un plan AutoCAD"),
        (b"Rar!", "une archive RAR : refaites un ZIP"),
        (b"7z\xbc\xaf", "une archive 7z : refaites un ZIP"),
        (b"\x1f\x8b", "une archive gzip : refaites un ZIP"),
        (b"\x7fELF", "un programme"),
        (b"MZ", "un programme"),
    ];
    if let Some((_, what)) = known.iter().find(|(magic, _)| head.starts_with(magic)) {
        return Err(Unread::Unknown((*what).to_owned()));
    }
    let start = String::from_utf8_lossy(&head[..head.len().min(1024)]).to_lowercase();
    if ["<!doctype html", "<html", "<body", "<head", "<table"].iter().any(|t| start.contains(t)) {
        return Ok(Format::Html);
    }
    let utf16 = head.starts_with(&[0xff, 0xfe]) || head.starts_with(&[0xfe, 0xff]);
    let odd = head.iter().filter(|b| **b < 9 || (14..32).contains(*b)).count();
    if utf16 || odd * 50 <= head.len() {
        return Ok(Format::Text);
    }
    let what = if extension.is_empty() { "fichier inconnu".to_owned() } else { format!("fichier .{extension}") };
    Err(Unread::Unknown(what))
}

/// What an Office document is, by the parts it holds.
fn office_format(path: &Path) -> Result<Format, Unread> {
    let file = File::open(path).map_err(|e| Unread::Broken(e.to_string()))?;
    let archive = ZipArchive::new(file).map_err(|_| Unread::Unknown(PLAIN_ARCHIVE.to_owned()))?;
    let has = |part: &str| archive.index_for_name(part).is_some();
    if has("word/document.xml") {
        return Ok(Format::Docx);
    }
    if has("xl/workbook.xml") || has("xl/workbook.bin") {
        return Ok(Format::Sheet);
    }
    if has("content.xml") {
        let mut kind = String::new();
        let mut archive = archive;
        if let Ok(part) = archive.by_name("mimetype") {
            let _ = part.take(200).read_to_string(&mut kind);
        }
        return Ok(if kind.contains("spreadsheet") { Format::Sheet } else { Format::Odt });
    }
    if has("[Content_Types].xml") || has("mimetype") {
        return Err(Unread::Unknown("présentation, dessin ou document d’un autre logiciel".to_owned()));
    }
    Err(Unread::Unknown(PLAIN_ARCHIVE.to_owned()))
}

/// What a ZIP is that is no document.
const PLAIN_ARCHIVE: &str = "archive";

/// Whether a ZIP is a document: what parts it holds decides, whatever it is called.
pub(crate) fn is_document(path: &Path) -> bool {
    office_format(path) != Err(Unread::Unknown(PLAIN_ARCHIVE.to_owned()))
}

/// Old Office files and encrypted new ones share one container.
fn compound(path: &Path, extension: &str) -> Result<Format, Unread> {
    let all = bytes(path)?;
    let wide = |s: &str| s.encode_utf16().flat_map(u16::to_le_bytes).collect::<Vec<u8>>();
    let holds = |s: &str| {
        let wanted = wide(s);
        all.windows(wanted.len()).any(|w| w == wanted)
    };
    if holds("EncryptedPackage") {
        return Err(Unread::Encrypted);
    }
    if holds("WordDocument") {
        return Err(Unread::Legacy(".doc".to_owned(), "DOCX ou PDF".to_owned()));
    }
    if holds("Workbook") || holds("Book") {
        return Ok(Format::Sheet);
    }
    Err(Unread::Legacy(format!(".{extension}"), "PDF".to_owned()))
}

/// Keeps what fits, and says what does not.
///
/// # Errors
/// Its first passage alone is more than is read of a piece.
fn bound(text: &mut Text) -> Result<(), Unread> {
    let mut room = MAX_TEXT;
    let fits = text.passages.iter().take_while(|p| {
        let fits = p.text.len() <= room;
        room = room.saturating_sub(p.text.len());
        fits
    });
    let kept = fits.count();
    if let Some(next) = text.passages.get(kept) {
        if kept == 0 {
            return Err(Unread::TooLarge(format!("{} a plus de texte que Vigie n’en lit", next.place)));
        }
        text.cut = Some(format!("lu jusqu’à {} : la suite dépasse ce qui est lu d’une pièce", next.place));
        text.passages.truncate(kept);
    }
    Ok(())
}

/// Lines of a text, one passage a line that says something.
fn by_lines(text: &str) -> Vec<Passage> {
    let lines = text.lines().enumerate().filter(|(_, l)| !l.trim().is_empty());
    lines.map(|(i, l)| Passage::new(Place::Line(i as u32 + 1), l.trim_end().to_owned())).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_nobody_sees_is_no_part_of_a_text() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("rc.txt");
        let rest = " d’insertion qui n’est pas réalisée, sans mise en demeure".repeat(20);
        std::fs::write(&path, format!("Péna\u{1}lités\u{fffe} : \u{202e}50 € par heure{rest}")).unwrap();
        let text = read(&path, "rc.txt", &Tools { pdftotext: None, html: |_| String::new() }).unwrap();
        assert!(text.passages[0].text.starts_with("Pénalités : 50 € par heure d’insertion"), "{text:?}");
    }
}

//! Files made to harm, and fixtures broken at random: each is refused in words or read, the reader stays up, nothing stays on disk.

use std::io::{Cursor, Write};
use std::time::{Duration, Instant};

use vigie_consultation::{Given, Unread};
use zip::write::SimpleFileOptions;
use zip::{CompressionMethod, ZipWriter};

/// What one reading may compute, in all; where the system does not say, what it may last.
const LONGEST: Duration = Duration::from_secs(60);

/// What the children of this process computed so far (`proc(5)`: fields 16 and 17 of `stat`, in hundredths of a second).
fn computed_by_children() -> Option<Duration> {
    let said = std::fs::read_to_string("/proc/self/stat").ok()?;
    let (_, behind) = said.rsplit_once(')')?;
    let ticks: u64 = behind.split_ascii_whitespace().skip(13).take(2).filter_map(|n| n.parse::<u64>().ok()).sum();
    Some(Duration::from_millis(ticks * 10))
}

/// Mutations of fixtures.
const MUTATIONS: usize = 280;

pub fn zip(files: &[Given]) -> Vec<u8> {
    let mut writer = ZipWriter::new(Cursor::new(Vec::new()));
    for file in files {
        let options = SimpleFileOptions::default().compression_method(CompressionMethod::Deflated);
        writer.start_file(file.name.clone(), options).unwrap();
        writer.write_all(&file.bytes).unwrap();
    }
    writer.finish().unwrap().into_inner()
}

fn given(name: &str, bytes: impl Into<Vec<u8>>) -> Given {
    Given { name: name.to_owned(), bytes: bytes.into() }
}

fn bomb() -> Vec<u8> {
    zip(&[given("zeros.txt", vec![b'0'; 90 << 20])])
}

fn entries(n: usize) -> Vec<u8> {
    zip(&(0..n).map(|i| given(&format!("f{i}.txt"), b"x".to_vec())).collect::<Vec<_>>())
}

fn nested(depth: usize) -> Vec<u8> {
    let mut inner = zip(&[given("fond.txt", b"au fond".to_vec())]);
    for _ in 0..depth {
        inner = zip(&[given("dedans.zip", inner)]);
    }
    inner
}

/// A document whose XML names itself over and over, or nests without end.
fn office(document: &str) -> Vec<u8> {
    zip(&[given("[Content_Types].xml", b"<Types/>".to_vec()), given("word/document.xml", document.as_bytes().to_vec())])
}

fn pdf_loop() -> Vec<u8> {
    b"%PDF-1.4\n1 0 obj<</Type/Catalog/Pages 2 0 R>>endobj\n2 0 obj<</Type/Pages/Kids[2 0 R 2 0 R]/Count 999999999>>endobj\ntrailer<</Root 1 0 R/Size 3/Prev 0>>\nstartxref\n0\n%%EOF".to_vec()
}

/// Each with whether a refusal is the only good answer.
fn made() -> Vec<(&'static str, Given, bool)> {
    let laughs = "<!DOCTYPE x [<!ENTITY a \"aaaaaaaaaa\"><!ENTITY b \"&a;&a;&a;&a;&a;&a;\">]><w:document><w:p><w:t>&b;&b;</w:t></w:p></w:document>";
    let deep = format!("<w:document>{}", "<w:p>".repeat(2_000_000));
    vec![
        ("a bomb", given("bombe.zip", bomb()), true),
        ("10,000 entries", given("mille.zip", entries(10_000)), true),
        ("archives in archives", given("poupee.zip", nested(6)), true),
        (
            "a path that climbs",
            given(
                "chemin.zip",
                zip(&[given("../../etc/passwd", b"root".to_vec()), given("/etc/shadow", b"x".to_vec())]),
            ),
            false,
        ),
        ("a name that climbs", given("../../../tmp/vigie-x.txt", b"bonjour".to_vec()), false),
        ("entities", given("rires.docx", office(laughs)), false),
        ("nesting", given("profond.docx", office(&deep)), true),
        ("a PDF that loops", given("boucle.pdf", pdf_loop()), true),
        ("groups of RTF", given("groupes.rtf", format!("{{\\rtf1{}", "{".repeat(3_000_000)).into_bytes()), true),
        ("a hole in a sheet", given("trou.xlsx", wide_sheet()), true),
        ("old Word", given("vieux.doc", old("WordDocument")), true),
        ("encrypted Office", given("secret.docx", old("EncryptedPackage")), true),
        ("an empty file", given("vide.pdf", Vec::new()), true),
        ("an empty archive", given("vide.zip", zip(&[])), true),
        ("an image", given("plan.pdf", b"\x89PNG\r\n\x1a\n".repeat(100)), true),
        ("a program", given("facture.pdf", b"\x7fELF".repeat(1000)), true),
        ("a name of control characters", given("\u{0}\u{1b}[31m\n.txt", b"texte".to_vec()), false),
        ("one line of 40 MB", given("ligne.txt", vec![b'a'; 40 << 20]), true),
        ("a million headings", given("titres.txt", "1.1 TITRE\n".repeat(500_000).into_bytes()), false),
        (
            "a million criteria",
            given("rc.txt", format!("ARTICLE 1 CRITÈRES\n{}", "Prix : 40 % ; ".repeat(300_000)).into_bytes()),
            false,
        ),
    ]
}

/// One cell at the end of the largest sheet there can be.
fn wide_sheet() -> Vec<u8> {
    let sheet = r#"<worksheet xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"><sheetData><row r="1"><c r="A1"><v>1</v></c></row><row r="1048576"><c r="XFD1048576"><v>1</v></c></row></sheetData></worksheet>"#;
    let book = r#"<workbook xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main" xmlns:r="http://schemas.openxmlformats.org/officeDocument/2006/relationships"><sheets><sheet name="F" sheetId="1" r:id="r1"/></sheets></workbook>"#;
    let rels = r#"<Relationships xmlns="http://schemas.openxmlformats.org/package/2006/relationships"><Relationship Id="r1" Type="http://schemas.openxmlformats.org/officeDocument/2006/relationships/worksheet" Target="worksheets/sheet1.xml"/></Relationships>"#;
    zip(&[
        given("[Content_Types].xml", b"<Types/>".to_vec()),
        given("xl/workbook.xml", book),
        given("xl/_rels/workbook.xml.rels", rels),
        given("xl/worksheets/sheet1.xml", sheet),
    ])
}

fn old(stream: &str) -> Vec<u8> {
    let mut bytes = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1".to_vec();
    bytes.extend(stream.encode_utf16().flat_map(u16::to_le_bytes));
    bytes
}

/// Numbers that look like chance and are always the same.
struct Chance(u64);

impl Chance {
    fn below(&mut self, n: usize) -> usize {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        ((self.0 >> 33) as usize) % n.max(1)
    }
}

fn mutated(bytes: &[u8], chance: &mut Chance) -> Vec<u8> {
    let mut out = bytes.to_vec();
    match chance.below(4) {
        0 => out.truncate(chance.below(bytes.len())),
        1 => {
            for _ in 0..1 + chance.below(60) {
                let at = chance.below(out.len());
                out[at] = chance.below(256) as u8;
            }
        }
        2 => {
            let (from, n) = (chance.below(out.len()), chance.below(5_000));
            let end = (from + n).min(out.len());
            out.drain(from..end);
        }
        _ => {
            let (from, at) = (chance.below(out.len()), chance.below(out.len()));
            let piece: Vec<u8> = out[from..(from + 3_000).min(out.len())].to_vec();
            out.splice(at..at, piece);
        }
    }
    out
}

pub fn run() -> Result<String, String> {
    let mut told = String::new();
    let mut slowest = (Duration::ZERO, String::new());
    let mut refused = 0;
    let mut all = made();
    let mut chance = Chance(2026);
    let mut fixtures: Vec<_> = walk(&super::fixtures().join("files"));
    fixtures.sort();
    for n in 0..MUTATIONS {
        let path = &fixtures[n % fixtures.len()];
        let bytes = std::fs::read(path).map_err(|e| e.to_string())?;
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        all.push(("a mutation", given(&name, mutated(&bytes, &mut chance)), false));
    }
    let count = all.len();
    for (what, file, must_refuse) in all {
        let name = file.name.clone();
        let (begun, before) = (Instant::now(), computed_by_children());
        let read = super::read(vec![file]).map_err(|e| format!("{what} ({name}): {e}"))?;
        let computed = computed_by_children().zip(before).map(|(after, before)| after - before);
        let took = computed.unwrap_or_else(|| begun.elapsed());
        if took > slowest.0 {
            slowest = (took, format!("{what} ({name})"));
        }
        if took > LONGEST {
            return Err(format!("{what} ({name}): {took:?}"));
        }
        let why: Vec<&Unread> = read.pieces.iter().filter_map(|p| p.outcome.as_ref().err()).collect();
        refused += usize::from(!why.is_empty());
        if must_refuse && why.is_empty() {
            return Err(format!("{what} ({name}) was read"));
        }
        if what != "a mutation" {
            let words: Vec<String> = why.iter().take(1).map(ToString::to_string).collect();
            told.push_str(&format!("  {what}: {}\n", words.first().map_or("read", String::as_str)));
        }
        if read.pieces.iter().any(|p| p.name.contains("..") || p.name.chars().any(char::is_control)) {
            return Err(format!("{what}: a name shown as it came"));
        }
    }
    Ok(format!("{told}  {count} files, {refused} refused, slowest {:.1} s: {}\n", slowest.0.as_secs_f64(), slowest.1))
}

fn walk(folder: &std::path::Path) -> Vec<std::path::PathBuf> {
    let entries = std::fs::read_dir(folder).into_iter().flatten().flatten().map(|e| e.path());
    entries.flat_map(|p| if p.is_dir() { walk(&p) } else { vec![p] }).collect()
}

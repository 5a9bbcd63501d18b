//! Consultations read by the real reader, in child processes of this program: right things found on the right page, nothing invented,
//! nothing left on disk, hostile files refused in words. `cargo test -p vigie-consultation --test reading -- [corpus|hostile|long]`;
//! `VERBOSE=1` tells every miss.

#![expect(clippy::unwrap_used, reason = "tests may panic: that is how they fail")]

#[path = "reading/corpus.rs"]
mod corpus;
#[path = "reading/hostile.rs"]
mod hostile;
#[path = "reading/long.rs"]
mod long;

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use vigie_consultation::{Consultation, Given, Reader, sandbox};

/// Lines of the fixtures' HTML: tags are gone, blocks end lines.
fn lines(bytes: &[u8]) -> String {
    let mut out = String::new();
    let mut tag: Option<String> = None;
    for c in String::from_utf8_lossy(bytes).chars() {
        match (&mut tag, c) {
            (None, '<') => tag = Some(String::new()),
            (Some(name), '>') => {
                let name = name.trim_start_matches('/').to_lowercase();
                if ["p", "h1", "h2", "h3", "li", "br", "tr", "title"].iter().any(|t| name.split(' ').next() == Some(t))
                {
                    out.push('\n');
                }
                tag = None;
            }
            (Some(name), c) => name.push(c),
            (None, c) => out.push(c),
        }
    }
    out
}

fn main() -> ExitCode {
    if let Some(code) = sandbox::child(lines) {
        return code;
    }
    let wanted: Vec<String> = std::env::args().skip(1).filter(|a| !a.starts_with('-')).collect();
    type Case = (&'static str, fn() -> Result<String, String>);
    let cases: [Case; 3] = [("corpus", corpus::run), ("hostile", hostile::run), ("long", long::run)];
    let (mut passed, mut failed) = (0, 0);
    for (name, case) in
        cases.into_iter().filter(|(n, _)| wanted.is_empty() || wanted.iter().any(|w| n.contains(w.as_str())))
    {
        let (mark, told) = match case() {
            Ok(told) => {
                passed += 1;
                ("ok", told)
            }
            Err(told) => {
                failed += 1;
                ("FAILED", told)
            }
        };
        tell(&format!("test reading::{name} ... {mark}\n{told}"));
    }
    tell(&format!("test result: {}. {passed} passed; {failed} failed", if failed == 0 { "ok" } else { "FAILED" }));
    if failed == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

fn tell(text: &str) {
    use std::io::Write;
    let _ = writeln!(std::io::stdout(), "{text}");
}

/// Whether pieces in PDF can be read here; where they must be, a missing converter fails.
fn has_converter() -> Result<bool, String> {
    let required = std::env::var("VIGIE_REQUIRE").unwrap_or_default().split(',').any(|r| r == "pdftotext");
    match (Reader::converter(), required) {
        (None, true) => Err("pdftotext is missing (package poppler-utils)".to_owned()),
        (found, _) => Ok(found.is_some()),
    }
}

/// Reads files as one consultation, in a folder that must be empty afterwards.
fn read(given: Vec<Given>) -> Result<Consultation, String> {
    let home = tempfile::tempdir().map_err(|e| e.to_string())?;
    let reader = Reader::within(home.path()).map_err(|e| e.to_string())?;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().map_err(|e| e.to_string())?;
    let read = runtime.block_on(reader.read(given, |_| {})).map_err(|e| e.to_string())?;
    match std::fs::read_dir(home.path()).map(Iterator::count) {
        Ok(0) => Ok(read),
        left => Err(format!("left on disk: {left:?}")),
    }
}

fn fixtures() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures")
}

//! Recorded real data, which stands outside the project: `VIGIE_SHARED`, default `../shared` beside the checkout.

use std::path::PathBuf;

use vigie_domain::Notice;
use vigie_watcher::classify::plain;
use vigie_watcher::sources::{boamp, eforms};
use vigie_watcher::tree;

use crate::service::Outcome;

/// A path below the shared data, or `None` (said on standard error) where it is not there.
#[must_use]
pub fn data(path: &str) -> Option<PathBuf> {
    let root = std::env::var_os("VIGIE_SHARED")
        .map_or_else(|| PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../shared"), PathBuf::from);
    let full = root.join(path);
    if full.exists() {
        return Some(full);
    }
    assert!(!required("shared"), "VIGIE_REQUIRE names shared, but {} is not there", full.display());
    skip(&format!("{} is not there (set VIGIE_SHARED)", full.display()));
    None
}

/// Every real notice that is recorded, in one order: those of the Bulletin officiel and of TED as their readers read them, and the texts
/// of others as what a feed publishes. `None` where they are not there.
///
/// # Errors
/// A file is not what it was recorded as.
pub fn real_notices() -> Outcome<Option<Vec<Notice>>> {
    let mut out = Vec::new();
    for dir in ["data/boamp/xml_v230", "data/ted/eforms_real", "data/boamp"] {
        let Some(dir) = data(dir) else { return Ok(None) };
        let mut files = std::fs::read_dir(dir)?.map(|entry| Ok(entry?.path())).collect::<Outcome<Vec<PathBuf>>>()?;
        files.sort();
        for file in files {
            match file.extension().and_then(|e| e.to_str()) {
                Some("xml") => {
                    let parsed = tree::from_xml(&std::fs::read(file)?)?;
                    out.extend(eforms::from_tree(&parsed).ok().or_else(|| boamp::from_xml_tree(&parsed).ok()));
                }
                Some("json") => {
                    let document = serde_json::from_slice(&std::fs::read(file)?)?;
                    out.extend(boamp::records(&document).into_iter().filter_map(|r| boamp::from_json(r).ok()));
                }
                _ => {}
            }
        }
    }
    let Some(texts) = data("gold/notices.jsonl") else { return Ok(None) };
    for line in std::fs::read_to_string(texts)?.lines() {
        let record: serde_json::Value = serde_json::from_str(line)?;
        let part = |name: &str| record[name].as_str().unwrap_or_default();
        out.push(plain::notice(part("id"), part("title"), part("text")));
    }
    Ok(Some(out))
}

/// Whether `VIGIE_REQUIRE` names this need.
#[must_use]
pub fn required(need: &str) -> bool {
    std::env::var("VIGIE_REQUIRE").is_ok_and(|list| list.split(',').any(|n| n.trim() == need))
}

/// Says that a test skips, and why.
pub fn skip(why: &str) {
    use std::io::Write;
    let _ = writeln!(std::io::stderr(), "SKIPPED: {why}");
}

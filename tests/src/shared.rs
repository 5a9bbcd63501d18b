//! Recorded real data, which stands outside the project: `VIGIE_SHARED`, default `../shared` beside the checkout.

use std::path::PathBuf;

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

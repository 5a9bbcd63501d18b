//! The reference of the book (`docs/settings.md`, `commands.md`, `api.md`, `metrics.md`) and its list of decisions are made here out of what the program is, and a test
//! compares: what is written there cannot say anything else. `VIGIE_FIXTURES=renew cargo test -p vigie --lib reference` writes it anew.

mod api;
mod commands;
mod metrics;
mod settings;
mod summary;

use std::path::{Path, PathBuf};

/// The folder of the project.
fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

/// What a page says is what is made now.
fn compare(page: &str, made: &str) {
    let head = "<!-- Made by bot/src/reference: change what it is made of, not this page. -->";
    keep(page, &format!("{head}\n\n{}\n", made.trim_end()));
}

/// What a file of the documents holds is that; where somebody asks for it, it is written.
fn keep(page: &str, made: &str) {
    let path = root().join("docs").join(page);
    if std::env::var("VIGIE_FIXTURES").is_ok_and(|v| v == "renew") {
        std::fs::write(&path, made).unwrap();
        return;
    }
    let there = std::fs::read_to_string(&path).unwrap_or_default();
    let differs = there.lines().zip(made.lines()).find(|(a, b)| a != b);
    assert!(
        there == made,
        "docs/{page} is not what the program is (first: {differs:?}): VIGIE_FIXTURES=renew cargo test -p vigie --lib reference"
    );
}

/// A text in a cell of a table.
fn cell(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ").replace('|', "\\|").replace('<', "&lt;")
}

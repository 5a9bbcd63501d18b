//! End-to-end tests, one binary. Each module's tests read as sentences.
#![expect(clippy::unwrap_used, reason = "tests may panic: that is how they fail")]

mod access;
mod assistant;
mod audience;
mod bad_input;
mod browser;
mod classify_contract;
mod consultation;
mod contracts;
mod conversation;
mod directory;
mod documents;
mod dossier;
#[cfg(target_os = "linux")]
mod fences;
mod filters;
#[cfg(feature = "telegram")]
mod fuzz;
mod guide;
mod hands;
mod installation;
mod kinds;
mod leads;
mod mail;
#[cfg(all(feature = "matrix", feature = "telegram"))]
mod matrix;
mod merging;
mod operating;
mod operations;
mod pages;
mod personal;
mod politeness;
mod preview;
mod road;
mod roles;
mod sectors;
mod sources;
mod store_story;
#[cfg(all(feature = "matrix", feature = "telegram"))]
mod surfaces;
#[cfg(feature = "telegram")]
mod telegram;
mod time;
#[cfg(all(feature = "matrix", feature = "telegram"))]
mod together;
mod words;

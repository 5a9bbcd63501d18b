//! Watching sources and judging what they publish.
//!
//! | module | does |
//! |---|---|
//! | [`assistant`] | the second reader of statements in doubt: what is asked, and which answers count |
//! | [`boundary`] | where bytes from outside are read: off the async threads, panics caught |
//! | [`fetch`] | polite HTTP: validators, gaps, limits, an address guard at connect time |
//! | [`schedule`] | when a source is due: cron, jitter, back-off |
//! | [`html`] | HTML from outside as words or as a tree, in linear time and bounded memory |
//! | [`health`] | is a source well: alarms out of what is known of it |
//! | [`links`], [`mail_text`] | links as they were before a gateway wrapped them; the words of a mail |
//! | [`imap`] | the new mails of a mailbox |
//! | [`sources`] | one folder a source: poll plus pure parse; and the registry |
//! | [`classify`] | from a notice to an assessment |
//! | [`procedure`] | one procedure out of several sources: statements, then likeness |
//!
//! This crate knows neither the store nor the notifier: cursors, validators and results are passed in and out by `bot`.

pub mod assistant;
pub mod boundary;
pub mod charset;
pub mod compressed;
pub mod fetch;
pub mod health;
pub mod html;
pub mod imap;
pub mod links;
pub mod mail_text;
pub mod procedure;
pub mod schedule;
pub mod sources;
pub mod tree;

pub use vigie_classify::{self as classify, zones};

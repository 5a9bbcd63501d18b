//! The settings file, and the rule tables the classifier reads.
//!
//! | module | holds |
//! |---|---|
//! | [`settings`] | the shape of the file, every default with its unit and source |
//! | [`fault`] | what is wrong, where, and what to do |
//! | [`in_force`] | every setting in force, and where it comes from |
//! | [`mail_address`] | addresses of mailboxes, in one spelling |
//! | [`load`] | reading it: unknown keys refused, each fault with its line and what to do |
//! | [`secret`] | secrets from the environment or a file, never printed |
//! | [`tls`] | what a TLS connection trusts |
//! | [`private`] | folders that their owner alone may enter |
//! | [`rules`] | tables of facts as data: sectors, CPV → sector, words → sector, départements |
//!
//! On failure: a [`Fault`] that says what is wrong, where (file:line) and what to do. Nothing is half-loaded.

mod check;
pub mod fault;
pub mod in_force;
pub mod load;
pub mod mail_address;
pub mod private;
pub mod rules;
pub mod secret;
pub mod settings;
pub mod tls;

pub use fault::Fault;
pub use secret::Secret;
pub use settings::Settings;

/// The example configuration, documented key by key; parsed in a test.
pub const EXAMPLE: &str = include_str!("../../vigie.example.toml");

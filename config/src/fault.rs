//! What is wrong with a settings file, where, and what to do.
//!
//! A [`BlockFault`] is what a reader says of its own block; `load` adds the file and the line, which makes a [`Fault`].

use std::path::PathBuf;

/// What is wrong with the settings file. Shown as three lines: what, where, what to do.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{what}\n  où : {}{}\n  que faire : {fix}", file.display(), line.map(|l| format!(":{l}")).unwrap_or_default())]
pub struct Fault {
    pub what: String,
    pub file: PathBuf,
    /// Its line, from 1.
    pub line: Option<usize>,
    pub fix: String,
}

/// One step of a path into the settings file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Step {
    /// A key of a table.
    Key(String),
    /// A place in a list, from 0.
    At(usize),
}

/// What a reader refuses in its block.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{what}")]
pub struct BlockFault {
    /// Where, from the block on.
    pub path: Vec<Step>,
    pub what: String,
    pub fix: String,
}

impl BlockFault {
    /// A fault at one key of the block; `a.0.b` is `b` of the first element of `a`.
    pub fn at(key: &str, what: impl Into<String>, fix: impl Into<String>) -> Self {
        Self { path: path(key), what: what.into(), fix: fix.into() }
    }
}

/// A path into the settings file: `source.0.url` is the key `url` of the first `[[source]]`.
pub(crate) fn path(dotted: &str) -> Vec<Step> {
    dotted.split('.').map(|k| k.parse().map_or_else(|_| Step::Key(k.to_owned()), Step::At)).collect()
}

/// The TOML reader's message, its commonest cases in French.
pub(crate) fn translate(message: &str) -> String {
    if let Some(rest) = message.strip_prefix("unknown field ") {
        let name = rest.split(',').next().unwrap_or(rest).trim_matches('`');
        return format!("clé inconnue « {name} »");
    }
    if let Some(rest) = message.strip_prefix("missing field ") {
        return format!("clé manquante « {} »", rest.trim_matches('`'));
    }
    if let Some(rest) = message.strip_prefix("unknown variant ") {
        let name = rest.split(',').next().unwrap_or(rest).trim_matches('`');
        return format!("valeur inconnue « {name} »");
    }
    format!("erreur de syntaxe ou de type : {}", message.lines().next().unwrap_or(message))
}

pub(crate) fn hint(message: &str) -> String {
    match message.split_once("expected ") {
        Some((_, expected)) if message.starts_with("unknown") => {
            format!("écrivez l’une de ces possibilités : {}", expected.trim_start_matches("one of ").replace('`', ""))
        }
        _ if message.starts_with("missing field") => {
            "ajoutez cette clé ; vigie.example.toml en montre un exemple".to_owned()
        }
        _ if message.contains("Secret") => {
            "un secret s’écrit { env = \"NOM\" } ou { file = \"/chemin\" }, jamais en clair".to_owned()
        }
        _ => "comparez avec vigie.example.toml".to_owned(),
    }
}

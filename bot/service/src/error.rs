//! The one error that reaches people: what is wrong, where, and what to do.

/// Why the program cannot start or go on.
#[derive(Debug, thiserror::Error)]
#[error("{what}\n  où : {place}\n  que faire : {fix}")]
pub struct Failure {
    /// What is wrong.
    pub what: String,
    /// Where: a block of the settings file, an address, a path.
    pub place: String,
    /// What to do about it.
    pub fix: String,
    /// Wrong usage or configuration (exit code 2) rather than a failure (1).
    pub usage: bool,
}

impl Failure {
    /// A failure of the program or its surroundings.
    pub fn new(what: impl Into<String>, place: impl Into<String>, fix: impl Into<String>) -> Self {
        Self { what: what.into(), place: place.into(), fix: fix.into(), usage: false }
    }

    /// Wrong usage or configuration.
    pub fn usage(what: impl Into<String>, place: impl Into<String>, fix: impl Into<String>) -> Self {
        Self { usage: true, ..Self::new(what, place, fix) }
    }
}

impl From<vigie_store::StoreError> for Failure {
    fn from(e: vigie_store::StoreError) -> Self {
        let fix = match e.is_full() {
            true => "le disque est plein : libérez de la place là où est la base",
            false => "vérifiez [store] et que la base est joignable",
        };
        Self::new(e.to_string(), "base de données", fix)
    }
}

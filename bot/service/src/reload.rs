//! The settings file, read again while the service runs: asked for by a signal, or on the pages.
//!
//! A file that is wrong changes nothing, and every fault is said. A good one is handed to the process, which ends what is under way and
//! starts anew with it; what came of it is told to whoever asks afterwards.

use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, PoisonError};

use chrono::{DateTime, Utc};
use tokio::sync::Notify;
use vigie_config::in_force;
use vigie_config::load;
use vigie_config::settings::Settings;
use vigie_watcher::sources::readers;

/// The wish that the settings be read again, and what came of the last one.
#[derive(Debug, Default)]
pub struct Reload {
    wish: Notify,
    heard: AtomicBool,
    last: Mutex<Option<Reloaded>>,
}

/// What came of a wish.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reloaded {
    pub at: DateTime<Utc>,
    /// Why the process goes on with what was in force before, in French; `None` where the new settings are in force.
    pub refused: Option<String>,
    /// What changes with the next start of the process alone: the names of settings.
    pub waits: Vec<&'static str>,
}

impl Reload {
    /// Whether the process that serves this hears wishes.
    #[must_use]
    pub fn is_heard(&self) -> bool {
        self.heard.load(Ordering::Relaxed)
    }

    /// Asks for it; heard once, even where nobody listens at this very moment.
    pub fn ask(&self) {
        self.wish.notify_one();
    }

    /// Ends when somebody asks.
    pub async fn asked(&self) {
        self.heard.store(true, Ordering::Relaxed);
        self.wish.notified().await;
    }

    /// Keeps what came of the last wish.
    pub fn tell(&self, last: Reloaded) {
        *self.last.lock().unwrap_or_else(PoisonError::into_inner) = Some(last);
    }

    /// What came of the last wish of this process.
    #[must_use]
    pub fn last(&self) -> Option<Reloaded> {
        self.last.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

/// Reads the file with its secrets: a channel without its secret is dead, and its server would be blamed.
///
/// # Errors
/// Every fault, each a line in French with its place and what to do.
pub fn read_again(file: &Path) -> Result<Settings, Vec<String>> {
    let settings = load::read(file, &readers()).map_err(|faults| {
        let line = |f: &vigie_config::fault::Fault| {
            let line = f.line.map(|l| format!(", ligne {l}")).unwrap_or_default();
            format!("{} ({}{line}) : {}", f.what, f.file.display(), f.fix)
        };
        faults.iter().map(line).collect::<Vec<_>>()
    })?;
    let secrets = in_force::secrets(&settings);
    let unreadable: Vec<String> =
        secrets.into_iter().filter_map(|(key, secret)| Some(format!("{} ({key})", secret.read().err()?))).collect();
    if unreadable.is_empty() { Ok(settings) } else { Err(unreadable) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_wish_is_heard_once_even_before_anybody_listens() {
        let reload = Reload::default();
        assert!(!reload.is_heard() && reload.last().is_none());
        reload.ask();
        reload.asked().await;
        assert!(reload.is_heard());
        let again = tokio::time::timeout(std::time::Duration::ZERO, reload.asked()).await;
        assert!(again.is_err(), "one wish is one");
        let last = Reloaded { at: DateTime::UNIX_EPOCH, refused: None, waits: vec!["[log] json"] };
        reload.tell(last.clone());
        assert_eq!(reload.last(), Some(last));
    }
}

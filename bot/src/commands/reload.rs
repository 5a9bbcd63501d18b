//! SIGHUP: the settings file is read again while the service runs.
//!
//! A file that is wrong changes nothing, and the log says why. A good one takes the place of the old one within the process: what is
//! under way ends first, as when it is told to stop, and everything starts anew. Settings with which it cannot start are given up for the
//! old ones.

use std::path::PathBuf;

use tokio::signal::unix::{Signal, SignalKind, signal};
use vigie_config::in_force;
use vigie_config::secret::SecretError;
use vigie_config::settings::Settings;
use vigie_watcher::sources::readers;

use super::config_arg;

/// The wishes that settings be read again, through every restart of the service within the process: none is missed in between.
pub(super) struct Hangups {
    file: Option<PathBuf>,
    signals: Option<Signal>,
}

impl Hangups {
    /// Listens from now on.
    pub(super) fn of(file: Option<PathBuf>) -> Self {
        let signals = signal(SignalKind::hangup());
        let signals =
            signals.inspect_err(|e| tracing::warn!("settings are not read again while the service runs: {e}"));
        Self { file, signals: signals.ok() }
    }

    /// Ends when the service is told to read its settings again, and they can be read. Never where there is no file.
    pub(super) async fn asked(&mut self) -> Settings {
        loop {
            let hung_up = match &mut self.signals {
                Some(signals) => signals.recv().await,
                None => None,
            };
            if hung_up.is_none() {
                return std::future::pending().await;
            }
            let Some(file) = &self.file else {
                tracing::warn!("there is no settings file to be read again");
                continue;
            };
            match vigie_config::load::read(file, &readers()) {
                Ok(settings) => {
                    let unreadable = unreadable_secrets(&settings);
                    if unreadable.is_empty() {
                        return settings;
                    }
                    for (key, why) in unreadable {
                        tracing::error!("settings unchanged: {why} ({key})");
                    }
                }
                Err(faults) => {
                    for fault in faults {
                        let line = fault.line.map(|l| format!(":{l}")).unwrap_or_default();
                        tracing::error!(
                            "settings unchanged: {} ({}{line}) {}",
                            fault.what,
                            fault.file.display(),
                            fault.fix
                        );
                    }
                }
            }
        }
    }
}

/// The secrets that cannot be read, by their key: a channel without its secret is dead, and its server would be blamed.
fn unreadable_secrets(settings: &Settings) -> Vec<(String, SecretError)> {
    let secrets = in_force::secrets(settings);
    secrets.into_iter().filter_map(|(key, secret)| Some((key, secret.read().err()?))).collect()
}

/// Takes up what lasts longer than a service: the log. What cannot change while the process lives is said.
pub(super) fn took(old: &Settings, new: &Settings) {
    if let Err(e) = config_arg::logs_anew(new, "info") {
        tracing::error!("the log goes on as it was: {} {}", e.what, e.fix);
    }
    if old.log.json != new.log.json {
        tracing::warn!("[log] json changes with the next start of the process");
    }
    tracing::info!("settings read again");
}

//! SIGHUP, or the button of the page « Réglages »: the settings file is read again while the service runs (`vigie_service::reload`).
//!
//! A file that is wrong changes nothing, and the log says why. A good one takes the place of the old one within the process: what is
//! under way ends first, as when it is told to stop, and everything starts anew. Settings with which it cannot start are given up for the
//! old ones.

use std::path::PathBuf;

use chrono::{DateTime, Utc};
use tokio::signal::unix::SignalKind;
use vigie_config::settings::Settings;
use vigie_service::Failure;
use vigie_service::reload::{Reload, Reloaded, read_again};

use super::config_arg;
use super::signals::Listener;

/// The wishes that settings be read again, through every restart of the service within the process: none is missed in between.
pub(super) struct Hangups {
    file: Option<PathBuf>,
    signals: Listener,
}

impl Hangups {
    /// Listens from now on.
    pub(super) fn of(file: Option<PathBuf>) -> Self {
        let signals = Listener::to(SignalKind::hangup(), "settings are not read again while the service runs");
        Self { file, signals }
    }

    /// Ends when the service is told to read its settings again, by a signal or on its pages, and they can be read. Never where there
    /// is no file.
    pub(super) async fn asked(&mut self, pages: &Reload) -> Settings {
        let Self { file, signals } = self;
        let Some(file) = file else {
            loop {
                signals.heard().await;
                tracing::warn!("there is no settings file to be read again");
            }
        };
        loop {
            tokio::select! {
                () = signals.heard() => {}
                () = pages.asked() => {}
            }
            match read_again(file) {
                Ok(settings) => return settings,
                Err(faults) => {
                    for fault in faults {
                        tracing::error!("settings unchanged: {fault}");
                    }
                }
            }
        }
    }
}

/// Takes up what lasts longer than a service: the log. What cannot change while the process lives is said, and given for the page.
pub(super) fn took(old: &Settings, new: &Settings, at: DateTime<Utc>) -> Reloaded {
    if let Err(e) = config_arg::logs_anew(new, "info") {
        tracing::error!("the log goes on as it was: {} {}", e.what, e.fix);
    }
    let mut waits = Vec::new();
    if old.log.json != new.log.json {
        tracing::warn!("[log] json changes with the next start of the process");
        waits.push("[log] json");
    }
    tracing::info!("settings read again");
    Reloaded { at, refused: None, waits }
}

/// Says that the new settings do not start, and that the old ones go on.
pub(super) fn refused(why: &Failure, at: DateTime<Utc>) -> Reloaded {
    tracing::error!("the new settings do not start, the old ones go on: {} ({}) {}", why.what, why.place, why.fix);
    Reloaded { at, refused: Some(format!("{} ({}) : {}", why.what, why.place, why.fix)), waits: Vec::new() }
}

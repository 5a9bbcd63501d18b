//! `-c FILE`: the settings a command runs with, and its logs.

use std::io::{IsTerminal, Write};
use std::path::{Path, PathBuf};
use std::sync::OnceLock;

use tracing_subscriber::EnvFilter;
use vigie_config::settings::Settings;
use vigie_service::Failure;
use vigie_watcher::sources::readers;

use crate::setup;

/// `-c FILE`
#[derive(Debug, clap::Args)]
pub(super) struct ConfigArg {
    /// Fichier de configuration ; sans lui /etc/vigie/vigie.toml s’il est là, sinon : BOAMP, alertes à l’écran, base dans le
    /// dossier de données de l’utilisateur
    #[arg(short = 'c', long = "config", env = "VIGIE_CONFIG", global = true)]
    pub(super) config: Option<PathBuf>,
}

/// Where a package puts the settings file: read where no other is named.
pub(super) const INSTALLED: &str = "/etc/vigie/vigie.toml";

impl ConfigArg {
    /// The settings file: the one that is named, or the one of the installed package.
    pub(super) fn path(&self) -> Option<PathBuf> {
        let installed = || Some(PathBuf::from(INSTALLED)).filter(|p| p.exists());
        self.config.clone().or_else(installed)
    }

    pub(super) fn settings(&self) -> Result<Settings, Failure> {
        let path = self.path();
        if path.is_none() && Path::new("vigie.toml").exists() {
            // Easy to forget, and then the wrong database is looked at.
            let _ = writeln!(
                std::io::stderr(),
                "note : vigie.toml est dans ce dossier mais n’est pas lu ; ajoutez -c vigie.toml"
            );
        }
        settings(path.as_deref())
    }
}

/// Reads the settings file, or gives the usable default.
pub(crate) fn settings(path: Option<&Path>) -> Result<Settings, Failure> {
    let Some(path) = path else { return Ok(setup::default_settings()) };
    vigie_config::load::read(path, &readers()).map_err(|faults| {
        let first = &faults[0];
        let line = first.line.map(|l| format!(":{l}")).unwrap_or_default();
        let more = if faults.len() > 1 {
            format!(" (et {} autres, voir vigie check)", faults.len() - 1)
        } else {
            String::new()
        };
        Failure::usage(format!("{}{more}", first.what), format!("{}{line}", first.file.display()), first.fix.clone())
    })
}

/// Libraries that would write what they send or receive into the log: passwords, tokens, addresses. They are never heard below
/// `info`, whatever the filter says.
const TALKATIVE: [&str; 10] = [
    "async_imap",
    "imap_proto",
    "lettre",
    "reqwest",
    "hyper",
    "hyper_util",
    "h2",
    "teloxide_core",
    "tokio_postgres",
    "cookie_store",
];

/// The filter of the log, as written but for what no log may hold.
fn filter(written: &str) -> Result<EnvFilter, String> {
    let mut filter = EnvFilter::try_new(written).map_err(|e| e.to_string())?;
    for library in TALKATIVE {
        filter = filter.add_directive(format!("{library}=info").parse().map_err(|e| format!("{library} : {e}"))?);
    }
    Ok(filter)
}

/// What the log is told to hold: `VIGIE_LOG` before the settings.
fn wanted(settings: &Settings, default: &str) -> Result<EnvFilter, Failure> {
    let written =
        std::env::var("VIGIE_LOG").ok().or_else(|| settings.log.filter.clone()).unwrap_or_else(|| default.to_owned());
    filter(&written).map_err(|e| {
        Failure::usage(format!("filtre de journaux illisible : {e}"), "[log] filter", "écrivez par exemple \"info\"")
    })
}

/// Gives a log that has begun another filter.
type Refilter = Box<dyn Fn(EnvFilter) -> Result<(), String> + Send + Sync>;
static REFILTER: OnceLock<Refilter> = OnceLock::new();

/// Has the log that has begun hold what these settings ask for.
pub(super) fn logs_anew(settings: &Settings, default: &str) -> Result<(), Failure> {
    let filter = wanted(settings, default)?;
    let Some(refilter) = REFILTER.get() else { return Ok(()) };
    refilter(filter).map_err(|e| Failure::new(e, "[log] filter", "relancez le service"))
}

/// Starts logging to standard error.
pub(super) fn logs(settings: &Settings, default: &str) -> Result<(), Failure> {
    let filter = wanted(settings, default)?;
    let builder = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_ansi(std::io::stderr().is_terminal() && std::env::var_os("NO_COLOR").is_none_or(|v| v.is_empty()))
        .with_writer(std::io::stderr);
    if settings.log.json {
        let builder = builder.json().with_filter_reloading();
        let handle = builder.reload_handle();
        let _ = REFILTER.set(Box::new(move |filter| handle.reload(filter).map_err(|e| e.to_string())));
        builder.init();
    } else {
        let builder = builder.with_filter_reloading();
        let handle = builder.reload_handle();
        let _ = REFILTER.set(Box::new(move |filter| handle.reload(filter).map_err(|e| e.to_string())));
        builder.init();
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// B13: `trace` wrote the passwords of mailboxes.
    #[test]
    fn no_filter_makes_libraries_tell_what_they_send() {
        for written in ["trace", "async_imap=trace", "debug,hyper=trace", "info"] {
            let made = filter(written).unwrap().to_string();
            for library in TALKATIVE {
                let heard: Vec<&str> = made.split(',').filter(|d| d.split('=').next() == Some(library)).collect();
                assert_eq!(heard, [format!("{library}=info")], "{written}: {made}");
            }
        }
        assert!(filter("vigie=[").is_err());
    }
}

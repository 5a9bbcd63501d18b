//! How an installation stands: one line for each thing that must be well, with what to do where it is not. `vigie doctor` prints them,
//! the page `/exploitation/etat` shows them.
//!
//! | module | looks at |
//! |---|---|
//! | `database` | versions, integrity, size and growth, writes, the slowest statement |
//! | `machine` | room on the disks, the clock, secrets that others may read, backups |
//! | `mail` | the mail server, and what DNS says of the sending domain |
//! | `pages` | the public address and its certificate |
//! | `work` | sources, queue, refused messages, channels, whether the service runs |
//! | `dns`, `probe` | questions to a name server; a look at a web server, whatever its certificate is worth |
//!
//! Nothing is changed, but for the number by which a write is proven. Each look has its own time limit: what does not answer is a line of
//! its own and holds up no other. What is found is kept apart from what it means: the latter is pure.

mod database;
mod dns;
mod machine;
mod mail;
mod pages;
mod probe;
mod work;

use std::net::SocketAddr;
use std::path::Path;
use std::sync::LazyLock;
use std::time::Duration;

use chrono::{DateTime, Utc};
use vigie_config::settings::Settings;
use vigie_domain::french;
use vigie_store::Store;

/// How long one look may take.
const PATIENCE: Duration = Duration::from_secs(8);

/// How something stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, serde::Serialize)]
#[serde(rename_all = "lowercase")]
pub enum State {
    /// It is well.
    Good,
    /// It may be well: somebody should look.
    Look,
    /// It is not well.
    Fault,
}

impl State {
    /// As people read it.
    #[must_use]
    pub fn in_french(self) -> &'static str {
        match self {
            Self::Good => "bon",
            Self::Look => "à voir",
            Self::Fault => "DÉFAUT",
        }
    }

    /// As programs read it.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Good => "good",
            Self::Look => "look",
            Self::Fault => "fault",
        }
    }
}

/// One line: what was looked at, how it stands, what was found, what to do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// The word by which programs know it.
    pub check: &'static str,
    /// Its name for people, with that of the source or file where there are several.
    pub what: String,
    pub state: State,
    pub found: String,
    /// What to do; empty where it is well.
    pub remedy: String,
}

impl Finding {
    fn good(check: &'static str, what: impl Into<String>, found: impl Into<String>) -> Self {
        Self { check, what: what.into(), state: State::Good, found: found.into(), remedy: String::new() }
    }

    fn look(check: &'static str, what: impl Into<String>, found: impl Into<String>, remedy: impl Into<String>) -> Self {
        Self { state: State::Look, remedy: remedy.into(), ..Self::good(check, what, found) }
    }

    fn fault(
        check: &'static str,
        what: impl Into<String>,
        found: impl Into<String>,
        remedy: impl Into<String>,
    ) -> Self {
        Self { state: State::Fault, remedy: remedy.into(), ..Self::good(check, what, found) }
    }
}

/// What is looked at.
pub struct Ground<'a> {
    pub settings: &'a Settings,
    /// The settings file, where there is one.
    pub file: Option<&'a Path>,
    /// The database; why it cannot be opened, and what to do about it, else.
    pub store: Result<&'a Store, (String, String)>,
    /// The version of this program.
    pub version: &'a str,
    pub now: DateTime<Utc>,
    /// The name server that is asked; that of the system where none is given.
    pub name_server: Option<SocketAddr>,
}

/// The version, and where the build was told of it (`VIGIE_COMMIT`, which packages set) the date and name of its commit.
#[must_use]
pub fn version() -> &'static str {
    static VERSION: LazyLock<String> = LazyLock::new(|| match option_env!("VIGIE_COMMIT") {
        Some(commit) if !commit.is_empty() => format!("{} ({commit})", env!("CARGO_PKG_VERSION")),
        _ => env!("CARGO_PKG_VERSION").to_owned(),
    });
    &VERSION
}

/// Looks at everything, several things at once; the order of the lines is always the same.
pub async fn examine(ground: &Ground<'_>) -> Vec<Finding> {
    let mut lines = vec![database::versions(ground).await];
    let (database, machine, clock, mail, pages, work) = tokio::join!(
        database::look(ground),
        machine::look(ground),
        machine::clock(ground),
        mail::look(ground),
        pages::look(ground),
        work::look(ground)
    );
    lines.extend(database);
    lines.extend(machine);
    lines.extend(clock);
    lines.extend(mail);
    lines.extend(pages);
    lines.extend(work);
    lines
}

/// `1,5 Gio`.
#[must_use]
pub fn bytes(n: u64) -> String {
    let units = [("Gio", 1u64 << 30), ("Mio", 1 << 20), ("Kio", 1 << 10)];
    let (unit, size) = units.into_iter().find(|(_, size)| n >= *size).unwrap_or(("octets", 1));
    let value = n as f64 / size as f64;
    let value = if value < 10.0 && size > 1 { (value * 10.0).round() / 10.0 } else { value.round() };
    format!("{} {unit}", french::number(value))
}

/// `3 jours`, `5 heures`, `12 minutes`.
fn span(time: chrono::Duration) -> String {
    match (time.num_days(), time.num_hours(), time.num_minutes()) {
        (days, ..) if days >= 2 => format!("{days} jours"),
        (_, hours, _) if hours >= 2 => format!("{hours} heures"),
        (.., minutes) if minutes < 1 => "moins d’une minute".to_owned(),
        (.., minutes) => french::plural(usize::try_from(minutes.max(0)).unwrap_or(0), "minute"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_and_spans_are_said_as_people_say_them() {
        assert_eq!(bytes(512), "512 octets");
        assert_eq!(bytes(1_572_864), "1,5 Mio");
        assert_eq!(bytes(20 << 30), "20 Gio");
        assert_eq!(span(chrono::Duration::hours(72)), "3 jours");
        assert_eq!(span(chrono::Duration::minutes(130)), "2 heures");
        assert_eq!(span(chrono::Duration::minutes(1)), "1\u{a0}minute");
    }
}

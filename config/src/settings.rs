//! The shape of `vigie.toml`. Every default is a named constant with its unit and, where there is one, its source.

use std::path::PathBuf;

use serde::Deserialize;
use vigie_domain::{Cadence, Filter, StructureKind, subscription::Role};

use crate::secret::Secret;

/// Largest body accepted after decompression, in MiB.
pub const MAX_BODY_MIB: u64 = 15;
/// Longest total time of one request, in seconds.
pub const REQUEST_TIMEOUT_S: u64 = 60;
/// Least time between two requests to one host, in milliseconds.
pub const HOST_GAP_MS: u64 = 1000;
/// Longest redirect chain followed.
pub const MAX_REDIRECTS: usize = 5;
/// Instant messages per person and hour before the rest is grouped.
pub const INSTANT_PER_HOUR: u32 = 12;
/// Hour of the digests, local time.
pub const DIGEST_HOUR: u8 = 8;
/// Longest answer time of an SMTP server after the final dot, in seconds (RFC 5321 §4.5.3.2.6).
pub const SMTP_TIMEOUT_S: u64 = 600;
/// Schedule of BOAMP: three times an hour (its day fills from early morning to evening, seven days a week).
pub const BOAMP_SCHEDULE: &str = "0 */20 * * * *";
/// Schedule of a feed: twice an hour.
pub const FEED_SCHEDULE: &str = "0 */30 * * * *";

/// All settings.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Settings {
    /// Where things are kept.
    pub store: Store,
    /// How the network is used.
    pub fetch: Fetch,
    /// What is watched.
    pub source: Vec<Source>,
    /// Outgoing mail; none = no e-mail channel.
    pub email: Option<Email>,
    /// The local page.
    pub web: Web,
    /// Rhythm of messages.
    pub pace: Pace,
    /// Message templates of your own.
    pub templates: Templates,
    /// People declared here rather than on the command line.
    pub subscriber: Vec<Subscriber>,
    /// Logs.
    pub log: Log,
}

/// `[store]`
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Store {
    /// `sqlite:PATH` or `postgres://USER@HOST/BASE`; none = SQLite in the user's data directory.
    pub url: Option<String>,
    /// Password of the PostgreSQL user, where the URL holds none.
    pub password: Option<Secret>,
}

/// `[fetch]`
#[derive(Debug, Clone, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Fetch {
    /// Who we say we are; add a contact address.
    pub user_agent: String,
    /// Private networks (CIDR) that may be reached; none by default.
    pub allow_private: Vec<String>,
    /// Largest body after decompression, in MiB.
    pub max_body_mib: u64,
    /// Longest total time of one request, in seconds.
    pub timeout_s: u64,
    /// Least time between two requests to one host, in milliseconds.
    pub host_gap_ms: u64,
    /// Longest redirect chain.
    pub max_redirects: usize,
}

impl Default for Fetch {
    fn default() -> Self {
        Self {
            user_agent: format!("Vigie/{} (veille de marchés publics inclusifs)", env!("CARGO_PKG_VERSION")),
            allow_private: Vec::new(),
            max_body_mib: MAX_BODY_MIB,
            timeout_s: REQUEST_TIMEOUT_S,
            host_gap_ms: HOST_GAP_MS,
            max_redirects: MAX_REDIRECTS,
        }
    }
}

/// What the first poll of a source does with what it finds.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Baseline {
    /// Stored, nobody told.
    #[default]
    Quiet,
    /// One grouped message a person.
    Digest,
    /// Told like anything new.
    Deliver,
}

/// `[[source]]`
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Source {
    /// Name, unique, kept for ever: it is part of each notice's identity.
    pub id: String,
    /// Which reader: see `vigie sources list`.
    pub kind: String,
    /// Address of the API or feed; BOAMP has a default.
    #[serde(default)]
    pub url: Option<String>,
    /// Cron expression with seconds; the reader's own default when absent.
    #[serde(default)]
    pub schedule: Option<String>,
    /// What the first poll does.
    #[serde(default)]
    pub baseline: Baseline,
    /// BOAMP: days before today that the first poll reads.
    #[serde(default)]
    pub lookback_days: Option<u32>,
    /// BOAMP: only these départements; none = all.
    #[serde(default)]
    pub departments: Vec<String>,
    /// Feed: who buys, where the feed belongs to one buyer.
    #[serde(default)]
    pub buyer: Option<String>,
    /// Feed: a private company's feed.
    #[serde(default)]
    pub private: bool,
    /// `false` leaves the block in place and stops the watch.
    #[serde(default = "yes")]
    pub enabled: bool,
}

impl Source {
    /// A block with this name, reader and address, and defaults for the rest.
    #[must_use]
    pub fn new(id: &str, kind: &str, url: Option<&str>, baseline: Baseline) -> Self {
        Self {
            id: id.to_owned(),
            kind: kind.to_owned(),
            url: url.map(str::to_owned),
            schedule: None,
            baseline,
            lookback_days: None,
            departments: Vec::new(),
            buyer: None,
            private: false,
            enabled: true,
        }
    }
}

fn yes() -> bool {
    true
}

/// How the connection to the mail server is protected.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Tls {
    /// STARTTLS, required (port 587).
    #[default]
    Starttls,
    /// TLS from the first byte (port 465).
    Implicit,
    /// In clear: only for a relay on this machine.
    None,
}

/// `[email]`
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Email {
    /// Mail server.
    pub host: String,
    /// Its port; by default 587, 465 or 25 after `tls`.
    #[serde(default)]
    pub port: Option<u16>,
    /// Protection of the connection.
    #[serde(default)]
    pub tls: Tls,
    /// Certificate authority (PEM file) to trust besides the system's.
    #[serde(default)]
    pub ca_file: Option<PathBuf>,
    /// Account, where the server asks for one.
    #[serde(default)]
    pub username: Option<String>,
    /// Its password.
    #[serde(default)]
    pub password: Option<Secret>,
    /// Sender, such as `Vigie <vigie@exemple.fr>`.
    pub from: String,
    /// Where answers go.
    #[serde(default)]
    pub reply_to: Option<String>,
    /// Connections at once.
    #[serde(default = "connections")]
    pub connections: usize,
    /// Longest wait for an answer, in seconds.
    #[serde(default = "smtp_timeout")]
    pub timeout_s: u64,
}

fn connections() -> usize {
    2
}

fn smtp_timeout() -> u64 {
    SMTP_TIMEOUT_S
}

impl Email {
    /// The port, explicit or after `tls`.
    #[must_use]
    pub fn port(&self) -> u16 {
        self.port.unwrap_or(match self.tls {
            Tls::Starttls => 587,
            Tls::Implicit => 465,
            Tls::None => 25,
        })
    }
}

/// `[web]`
#[derive(Debug, Clone, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Web {
    /// Where the page listens.
    pub listen: String,
    /// Address under which people reach it; used in links of messages.
    pub public_url: Option<String>,
    /// Key that signs the links of messages; without it messages carry no such link.
    pub secret: Option<Secret>,
}

impl Default for Web {
    fn default() -> Self {
        Self { listen: "127.0.0.1:8765".to_owned(), public_url: None, secret: None }
    }
}

/// `[pace]`
#[derive(Debug, Clone, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Pace {
    /// Instant messages a person and hour before the rest is grouped in one message; 0 = no limit.
    pub instant_per_hour: u32,
    /// Hour of the digests, local time (Europe/Paris).
    pub digest_hour: u8,
    /// Day of the weekly digest.
    pub digest_day: Weekday,
}

impl Default for Pace {
    fn default() -> Self {
        Self { instant_per_hour: INSTANT_PER_HOUR, digest_hour: DIGEST_HOUR, digest_day: Weekday::Lundi }
    }
}

/// A day of the week, in French.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
#[expect(missing_docs, reason = "the days name themselves")]
pub enum Weekday {
    Lundi,
    Mardi,
    Mercredi,
    Jeudi,
    Vendredi,
    Samedi,
    Dimanche,
}

impl From<Weekday> for chrono::Weekday {
    fn from(day: Weekday) -> Self {
        match day {
            Weekday::Lundi => Self::Mon,
            Weekday::Mardi => Self::Tue,
            Weekday::Mercredi => Self::Wed,
            Weekday::Jeudi => Self::Thu,
            Weekday::Vendredi => Self::Fri,
            Weekday::Samedi => Self::Sat,
            Weekday::Dimanche => Self::Sun,
        }
    }
}

/// `[templates]`
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Templates {
    /// Folder whose files replace the built-in templates of the same name.
    pub dir: Option<PathBuf>,
}

/// `[log]`
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Log {
    /// One JSON object a line instead of text.
    pub json: bool,
    /// Filter, such as `info` or `vigie=debug`.
    pub filter: Option<String>,
}

/// `[[subscriber]]`
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Subscriber {
    /// Name, unique; identifies the person across restarts.
    pub name: String,
    /// Role.
    #[serde(default)]
    pub role: Role,
    /// E-mail address.
    #[serde(default)]
    pub email: Option<String>,
    /// Messages on standard output.
    #[serde(default)]
    pub console: bool,
    /// Kind of structure.
    #[serde(default)]
    pub kind: Option<StructureKind>,
    /// SIRET of the structure.
    #[serde(default)]
    pub siret: Option<String>,
    /// What they want to hear of.
    #[serde(default)]
    pub subscription: Vec<Subscription>,
}

impl Subscriber {
    /// A person who reads on standard output, with one subscription.
    #[must_use]
    pub fn on_console(name: &str, role: Role, cadence: Cadence, filter: Filter) -> Self {
        Self {
            name: name.to_owned(),
            role,
            email: None,
            console: true,
            kind: None,
            siret: None,
            subscription: vec![Subscription { cadence, filter }],
        }
    }
}

/// `[[subscriber.subscription]]`: a filter and its rhythm.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Subscription {
    /// When to tell.
    pub cadence: Cadence,
    /// The conditions.
    pub filter: Filter,
}

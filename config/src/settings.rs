//! The shape of `vigie.toml`. Every default is a named constant with its unit and, where there is one, its source.

mod after_award;
mod backup;
mod channels;
mod judgement;
mod sign_up;
mod source;

use std::path::PathBuf;

pub use after_award::AfterAward;
pub use backup::{BACKUP_HOUR, BACKUPS_KEPT, Backup};
pub use channels::{Dkim, Email, MAILBOX_EVERY_S, Mailbox, Matrix, SMTP_TIMEOUT_S, Telegram, TelegramUpdate, Tls};
pub use judgement::{ASSISTANT_BATCH, ASSISTANT_STATEMENTS_A_DAY, Assistant, Judgement};
use serde::{Deserialize, Serialize};
pub use sign_up::{SIGN_UPS_A_DAY, SignUp, SignUpMode};
pub use source::{Baseline, Source, SourceVisibility};

use vigie_domain::subscription::{Rhythm, Role};
use vigie_domain::{Cadence, Channel, Filter, StructureKind};

pub use crate::fault::BlockFault;
use crate::in_force::Origin;
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
/// Schedule of BOAMP: three times an hour (its day fills from early morning to evening, seven days a week).
pub const BOAMP_SCHEDULE: &str = "0 */20 * * * *";
/// Schedule of a feed: twice an hour.
pub const FEED_SCHEDULE: &str = "0 */30 * * * *";

/// Days an address may wait for its confirmation: long enough for a holiday.
pub const UNCONFIRMED_DAYS: u32 = 15;
/// Days a person without an address in use is kept: a year in which they may come back.
pub const INACTIVE_DAYS: u32 = 365;
/// Days messages are kept: an award comes up to two years after its call, in the thread of the first alert.
pub const MESSAGES_DAYS: u32 = 730;
/// Days the journal is kept: a year and a month, so that a yearly purchase is compared with the one before.
pub const JOURNAL_DAYS: u32 = 400;
/// Days the account of who looked at personal data is kept: CNIL, délibération 2021-122, six months to a year.
pub const ACCESS_DAYS: u32 = 365;
/// Days records that could not be read are kept: the time to mend the reader and read them again.
pub const QUARANTINE_DAYS: u32 = 90;
/// Days files of leads are kept: a tender, its result and the start of the contract.
pub const ATTACHMENTS_DAYS: u32 = 730;
/// Days what was read of a consultation is kept: the tender, and the questions that follow it.
pub const CONSULTATIONS_DAYS: u32 = 120;

#[derive(Debug, Clone, Default, Deserialize, Serialize)]
#[serde(default, deny_unknown_fields)]
pub struct Settings {
    /// Who runs the installation; needed by whatever writes to people.
    pub operator: Option<Operator>,
    /// Where things are kept.
    pub store: Store,
    /// Backups that the service makes by itself.
    pub backup: Backup,
    /// How the network is used.
    pub fetch: Fetch,
    #[serde(skip_serializing)]
    pub source: Vec<Source>,
    /// Outgoing mail; none = no e-mail channel.
    pub email: Option<Email>,
    /// Mailbox where answers and error reports arrive; none = nothing is read.
    pub mailbox: Option<Mailbox>,
    /// Matrix (Tchap, Element…); none = no Matrix channel.
    pub matrix: Option<Matrix>,
    /// Telegram; none = no Telegram channel.
    pub telegram: Option<Telegram>,
    /// The local page.
    pub web: Web,
    pub pace: Pace,
    /// Whether people sign themselves up.
    pub sign_up: SignUp,
    /// What is told once contracts are awarded.
    pub after_award: AfterAward,
    /// What may help the judgement.
    pub judgement: Judgement,
    /// Message templates of your own.
    pub templates: Templates,
    /// People declared here rather than on the command line.
    #[serde(skip_serializing)]
    pub subscriber: Vec<Subscriber>,
    /// How long things are kept.
    pub retention: Retention,
    pub log: Log,
    /// What can be seen from outside.
    pub observe: Observe,
    /// Where each value was read.
    #[serde(skip)]
    pub origin: Origin,
}

impl Settings {
    /// The channels by which it writes to people, by the names of their tables.
    #[must_use]
    pub fn channels_to_people(&self) -> Vec<&'static str> {
        let all =
            [("email", self.email.is_some()), ("telegram", self.telegram.is_some()), ("matrix", self.matrix.is_some())];
        all.into_iter().filter(|(_, used)| *used).map(|(name, _)| name).collect()
    }

    /// Whether people can answer a mail: it comes back to a mailbox that is read, under the token of its message.
    #[must_use]
    pub fn hears_replies(&self) -> bool {
        self.mailbox.is_some() && self.email.as_ref().is_some_and(|e| e.return_path.is_some())
    }
}

/// `[operator]`: whom the people who hear from Vigie may turn to; the controller of their data (RGPD, art. 13).
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Operator {
    /// A person, as they are called.
    pub name: String,
    /// A mail address, a telephone number or a web page where they answer.
    pub contact: String,
    /// For whom they do it: the controller.
    pub organisation: String,
}

impl Operator {
    /// `Hélène Martin (Maison de l’emploi, h.martin@exemple.fr)`.
    #[must_use]
    pub fn in_words(&self) -> String {
        format!("{} ({}, {})", self.name, self.organisation, self.contact)
    }

    /// Whether they are written to by mail.
    #[must_use]
    pub fn has_mail(&self) -> bool {
        self.contact.contains('@') && !self.contact.contains(['/', ' '])
    }
}

/// `[store]`
#[derive(Debug, Clone, Default, Deserialize, Serialize)]
#[serde(default, deny_unknown_fields)]
pub struct Store {
    /// `sqlite:PATH` or `postgres://USER@HOST/BASE`; none = SQLite in the user's data directory.
    pub url: Option<String>,
    /// Password of the PostgreSQL user, where the URL holds none.
    pub password: Option<Secret>,
}

/// `[fetch]`
#[derive(Debug, Clone, Deserialize, Serialize)]
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

/// `[web]`
#[derive(Debug, Clone, Deserialize, Serialize)]
#[serde(default, deny_unknown_fields)]
pub struct Web {
    /// Where the page listens.
    pub listen: String,
    /// Address under which people reach it; used in links of messages.
    pub public_url: Option<String>,
    /// Key that signs the links of messages; without it messages carry no such link.
    pub secret: Option<Secret>,
    /// Addresses and networks of proxies that are believed when they say for whom they ask (`X-Forwarded-For`).
    pub trusted_proxies: Vec<String>,
}

impl Default for Web {
    fn default() -> Self {
        Self {
            listen: "127.0.0.1:8765".to_owned(),
            public_url: None,
            secret: None,
            trusted_proxies: vec!["127.0.0.0/8".to_owned(), "::1".to_owned()],
        }
    }
}

/// `[pace]`
#[derive(Debug, Clone, Deserialize, Serialize)]
#[serde(default, deny_unknown_fields)]
pub struct Pace {
    /// Instant messages a person and hour before the rest is grouped in one message; 0 = no limit.
    pub instant_per_hour: u32,
    /// Hour of the digests, local time (Europe/Paris).
    pub digest_hour: u8,
    /// Day of the weekly digest.
    pub digest_day: Weekday,
    /// Least time between two mails to one domain, in milliseconds; 0 = as fast as the server takes them.
    pub domain_gap_ms: u32,
}

impl Default for Pace {
    fn default() -> Self {
        Self {
            instant_per_hour: INSTANT_PER_HOUR,
            digest_hour: DIGEST_HOUR,
            digest_day: Weekday::Lundi,
            domain_gap_ms: 0,
        }
    }
}

/// A day of the week, in French.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "lowercase")]
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
#[derive(Debug, Clone, Default, Deserialize, Serialize)]
#[serde(default, deny_unknown_fields)]
pub struct Templates {
    /// Folder whose files replace the built-in templates of the same name.
    pub dir: Option<PathBuf>,
}

/// `[retention]`: days each kind of thing is kept; 0 = for ever. `docs/rgpd.md` gives the reasons.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, Serialize)]
#[serde(default, deny_unknown_fields)]
pub struct Retention {
    /// Addresses never confirmed.
    pub unconfirmed_days: u32,
    /// Persons none of whose addresses is in use (stopped, suspended).
    pub inactive_days: u32,
    /// Messages: deliveries, attempts, what was decided for each person.
    pub messages_days: u32,
    /// Journal of the service.
    pub journal_days: u32,
    /// Who looked at personal data.
    pub access_days: u32,
    /// Records that could not be read.
    pub quarantine_days: u32,
    /// Files that came with a structure's own leads.
    pub attachments_days: u32,
    /// What was read of the files of consultations.
    pub consultations_days: u32,
}

impl Default for Retention {
    fn default() -> Self {
        Self {
            unconfirmed_days: UNCONFIRMED_DAYS,
            inactive_days: INACTIVE_DAYS,
            messages_days: MESSAGES_DAYS,
            journal_days: JOURNAL_DAYS,
            access_days: ACCESS_DAYS,
            quarantine_days: QUARANTINE_DAYS,
            attachments_days: ATTACHMENTS_DAYS,
            consultations_days: CONSULTATIONS_DAYS,
        }
    }
}

/// `[log]`
#[derive(Debug, Clone, Default, Deserialize, Serialize)]
#[serde(default, deny_unknown_fields)]
pub struct Log {
    /// One JSON object a line instead of text.
    pub json: bool,
    /// Filter, such as `info` or `vigie=debug`.
    pub filter: Option<String>,
}

/// `[observe]`
#[derive(Debug, Clone, Default, Deserialize, Serialize)]
#[serde(default, deny_unknown_fields)]
pub struct Observe {
    /// Where metrics, health and readiness are served; none = nowhere.
    pub listen: Option<String>,
    /// Page asked for every minute while all is well; none = no heartbeat.
    pub heartbeat_url: Option<url::Url>,
}

/// `[[subscriber.tool]]`: a program or a chat that takes messages at an address of its own. Whoever writes the file answers for it, so
/// that it is not asked.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Tool {
    /// Which: `webhook`, `mattermost`, `slack`, `teams` or `rocket_chat`.
    pub kind: Channel,
    /// Its address: whoever knows it can write there.
    pub url: Secret,
}

/// `[[subscriber]]`
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Subscriber {
    /// Name, unique; identifies the person across restarts.
    pub name: String,
    #[serde(default)]
    pub role: Role,
    #[serde(default)]
    pub email: Option<String>,
    /// Matrix room, such as `!abc:exemple.fr`.
    #[serde(default)]
    pub matrix: Option<String>,
    /// Telegram chat: its number, negative for a group.
    #[serde(default)]
    pub telegram: Option<i64>,
    /// Messages on standard output.
    #[serde(default)]
    pub console: bool,
    /// Tools that take messages at an address of their own.
    #[serde(default)]
    pub tool: Vec<Tool>,
    #[serde(default)]
    pub kind: Option<StructureKind>,
    /// SIRET of the structure.
    #[serde(default)]
    pub siret: Option<String>,
    /// Names of the networks that it is a member of, as their own blocks say them.
    #[serde(default)]
    pub networks: Vec<String>,
    /// How messages come to them.
    #[serde(default)]
    pub rhythm: Rhythm,
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
            matrix: None,
            telegram: None,
            console: true,
            tool: Vec::new(),
            kind: None,
            siret: None,
            networks: Vec::new(),
            rhythm: Rhythm::default(),
            subscription: vec![Subscription { cadence: Some(cadence), filter }],
        }
    }
}

/// `[[subscriber.subscription]]`: a filter and its rhythm.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Subscription {
    /// When to tell; none = [`Cadence::default_for`] the person.
    pub cadence: Option<Cadence>,
    pub filter: Filter,
}

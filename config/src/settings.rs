//! The shape of `vigie.toml`. Every default is a named constant with its unit and, where there is one, its source.

use std::path::PathBuf;

use serde::Deserialize;
use vigie_domain::subscription::{Rhythm, Role};
use vigie_domain::{Cadence, Filter, StructureKind};

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
/// Seconds between two looks at the mailbox: an answer is acted on within a minute or so.
pub const MAILBOX_EVERY_S: u64 = 60;
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
    /// Mailbox where answers and error reports arrive; none = nothing is read.
    pub mailbox: Option<Mailbox>,
    /// Matrix (Tchap, Element…); none = no Matrix channel.
    pub matrix: Option<Matrix>,
    /// Telegram; none = no Telegram channel.
    pub telegram: Option<Telegram>,
    /// The local page.
    pub web: Web,
    /// Rhythm of messages.
    pub pace: Pace,
    /// Message templates of your own.
    pub templates: Templates,
    /// People declared here rather than on the command line.
    pub subscriber: Vec<Subscriber>,
    /// How long things are kept.
    pub retention: Retention,
    /// Logs.
    pub log: Log,
    /// What can be seen from outside.
    pub observe: Observe,
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

/// `[[source]]`: what every source has, and the keys of its own reader.
#[derive(Debug, Clone, Deserialize)]
pub struct Source {
    /// Name, unique, kept for ever: it is part of each notice's identity.
    pub id: String,
    /// Which reader: see `vigie sources list`.
    pub kind: String,
    /// Address of the API, feed or page; documented APIs have a default.
    #[serde(default)]
    pub url: Option<String>,
    /// Cron expression with seconds; the reader's own default when absent.
    #[serde(default)]
    pub schedule: Option<String>,
    /// What the first poll does.
    #[serde(default)]
    pub baseline: Baseline,
    /// `false` leaves the block in place and stops the watch.
    #[serde(default = "yes")]
    pub enabled: bool,
    /// The keys of the reader, read by [`Source::options`].
    #[serde(flatten)]
    pub options: toml::Table,
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
            enabled: true,
            options: toml::Table::new(),
        }
    }

    /// The same block with one more key of its reader.
    #[must_use]
    pub fn with(mut self, key: &str, value: impl Into<toml::Value>) -> Self {
        self.options.insert(key.to_owned(), value.into());
        self
    }

    /// The keys of the reader, in the reader's own shape (which refuses unknown ones).
    ///
    /// # Errors
    /// A key that is unknown, missing or of another type, and where it stands.
    pub fn options<T: serde::de::DeserializeOwned>(&self) -> Result<T, BlockFault> {
        serde_path_to_error::deserialize(self.options.clone()).map_err(|e| {
            let mut path: Vec<Step> = e
                .path()
                .iter()
                .filter_map(|segment| match segment {
                    serde_path_to_error::Segment::Seq { index } => Some(Step::At(*index)),
                    serde_path_to_error::Segment::Map { key } => Some(Step::Key(key.clone())),
                    _ => None,
                })
                .collect();
            let message = e.inner().message();
            let unknown = message.strip_prefix("unknown field `").and_then(|rest| rest.split('`').next());
            if let Some(key) = unknown.filter(|key| !matches!(path.last(), Some(Step::Key(last)) if last == key)) {
                path.push(Step::Key(key.to_owned()));
            }
            BlockFault { path, what: crate::load::translate(message), fix: crate::load::hint(message) }
        })
    }

    /// The address, where the reader needs one.
    ///
    /// # Errors
    /// There is none, or it is unreadable.
    pub fn needed_url(&self) -> Result<url::Url, BlockFault> {
        let text = self.url.as_deref().ok_or_else(|| {
            let what = format!("la source « {} » n’a pas d’adresse", self.id);
            BlockFault::at("kind", what, "ajoutez url = \"https://…\"")
        })?;
        self.url_or(text)
    }

    /// The address, or the reader's default.
    ///
    /// # Errors
    /// It is unreadable.
    pub fn url_or(&self, default: &str) -> Result<url::Url, BlockFault> {
        let text = self.url.as_deref().unwrap_or(default);
        url::Url::parse(text).map_err(|e| {
            BlockFault::at("url", format!("adresse « {text} » illisible : {e}"), "écrivez une adresse complète")
        })
    }
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
    /// What is wrong.
    pub what: String,
    /// What to do.
    pub fix: String,
}

impl BlockFault {
    /// A fault at one key of the block; `a.b` is `b` inside `a`.
    pub fn at(key: &str, what: impl Into<String>, fix: impl Into<String>) -> Self {
        let path = key.split('.').map(|k| k.parse().map_or_else(|_| Step::Key(k.to_owned()), Step::At)).collect();
        Self { path, what: what.into(), fix: fix.into() }
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
    /// Return address, with `*` where the token of each message goes: `retours+*@exemple.fr`. Error reports and answers come
    /// there and are known by their token.
    #[serde(default)]
    pub return_path: Option<String>,
    /// Signs what is sent, where the relay does not.
    #[serde(default)]
    pub dkim: Option<Dkim>,
    /// Connections at once.
    #[serde(default = "connections")]
    pub connections: usize,
    /// Longest wait for an answer, in seconds.
    #[serde(default = "smtp_timeout")]
    pub timeout_s: u64,
}

/// `[email] dkim`
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Dkim {
    /// Name under which the public key is published: `selector._domainkey.domain`, the domain being that of `from`.
    pub selector: String,
    /// The private RSA key, in PEM.
    pub key: Secret,
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

/// `[mailbox]`
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Mailbox {
    /// IMAP server.
    pub host: String,
    /// Its port; 993, or 143 with STARTTLS.
    #[serde(default)]
    pub port: Option<u16>,
    /// Protection of the connection; never none.
    #[serde(default = "implicit")]
    pub tls: Tls,
    /// Certificate authority (PEM file) to trust in place of the system's.
    #[serde(default)]
    pub ca_file: Option<PathBuf>,
    /// Account.
    pub username: String,
    /// Its password.
    pub password: Secret,
    /// Folder.
    #[serde(default = "inbox")]
    pub folder: String,
    /// Seconds between two looks.
    #[serde(default = "mailbox_every")]
    pub every_s: u64,
    /// Name under which the receiving server writes its `Authentication-Results`: a forwarded mail is then taken as a lead only
    /// where that header says that its sender is genuine.
    #[serde(default)]
    pub authserv_id: Option<String>,
}

fn implicit() -> Tls {
    Tls::Implicit
}

fn inbox() -> String {
    "INBOX".to_owned()
}

fn mailbox_every() -> u64 {
    MAILBOX_EVERY_S
}

impl Settings {
    /// Whether people can answer a mail: it comes back to a mailbox that is read, under the token of its message.
    #[must_use]
    pub fn hears_replies(&self) -> bool {
        self.mailbox.is_some() && self.email.as_ref().is_some_and(|e| e.return_path.is_some())
    }
}

/// `[matrix]`
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Matrix {
    /// Address of the homeserver, such as `https://matrix.agent.exemple.fr`.
    pub homeserver: String,
    /// Account, such as `@vigie:exemple.fr`.
    pub user: String,
    /// Its password: used once to log in, and again only where the server ends the session softly.
    pub password: Secret,
    /// Folder of the session and its encryption keys. Losing it makes old messages unreadable.
    pub store: PathBuf,
    /// Key of that folder, drawn at random.
    pub store_key: Secret,
    /// Servers whose users may invite; none = nobody.
    #[serde(default)]
    pub allowed_servers: Vec<String>,
    /// Whether rooms that are not encrypted may be written to.
    #[serde(default)]
    pub clear_rooms: bool,
    /// Last day of the account, where its server gives it an end: the operators are told before.
    #[serde(default)]
    pub account_until: Option<chrono::NaiveDate>,
}

/// `[telegram]`
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Telegram {
    /// The bot's token, as @BotFather gives it.
    pub token: Secret,
    /// A Bot API server of one's own; none = Telegram's.
    #[serde(default)]
    pub api_url: Option<url::Url>,
    /// What the bot is told of; all of it unless said otherwise.
    #[serde(default = "telegram_updates")]
    pub updates: Vec<TelegramUpdate>,
}

/// A kind of update of the Bot API.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TelegramUpdate {
    /// Someone wrote.
    Message,
    /// Someone corrected what they wrote.
    EditedMessage,
    /// Someone pressed a button.
    CallbackQuery,
    /// The bot was let in, put out, or blocked.
    MyChatMember,
    /// Someone reacted to a message; in groups only where the bot administers.
    MessageReaction,
}

fn telegram_updates() -> Vec<TelegramUpdate> {
    use TelegramUpdate::{CallbackQuery, EditedMessage, Message, MessageReaction, MyChatMember};
    vec![Message, EditedMessage, CallbackQuery, MyChatMember, MessageReaction]
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

/// `[retention]`: days each kind of thing is kept; 0 = for ever. `docs/rgpd.md` gives the reasons.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
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
        }
    }
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

/// `[observe]`
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Observe {
    /// Where metrics, health and readiness are served; none = nowhere.
    pub listen: Option<String>,
    /// Page asked for every minute while all is well; none = no heartbeat.
    pub heartbeat_url: Option<url::Url>,
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
    /// Matrix room, such as `!abc:exemple.fr`.
    #[serde(default)]
    pub matrix: Option<String>,
    /// Telegram chat: its number, negative for a group.
    #[serde(default)]
    pub telegram: Option<i64>,
    /// Messages on standard output.
    #[serde(default)]
    pub console: bool,
    /// Kind of structure.
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
    /// The conditions.
    pub filter: Filter,
}

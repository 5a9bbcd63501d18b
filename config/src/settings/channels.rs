//! `[email]`, `[mailbox]`, `[matrix]`, `[telegram]`: how messages leave, and how answers come back.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use crate::secret::Secret;

/// Longest answer time of an SMTP server after the final dot, in seconds (RFC 5321 §4.5.3.2.6).
pub const SMTP_TIMEOUT_S: u64 = 600;
/// Seconds between two looks at the mailbox: an answer is acted on within a minute or so.
pub const MAILBOX_EVERY_S: u64 = 60;

/// How the connection to the mail server is protected.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize, Serialize)]
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
#[derive(Debug, Clone, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Email {
    /// The server that takes the mail.
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
#[derive(Debug, Clone, Deserialize, Serialize)]
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
#[derive(Debug, Clone, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Mailbox {
    /// The IMAP server.
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
    /// Folder that is read.
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

/// `[matrix]`
#[derive(Debug, Clone, Deserialize, Serialize)]
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
#[derive(Debug, Clone, Deserialize, Serialize)]
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
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum TelegramUpdate {
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

//! The new mails of one IMAP folder, over TLS.
//!
//! Nothing in the mailbox is changed: it is examined, not selected, and bodies are peeked at. What was read is known by
//! (UIDVALIDITY, UID); a mailbox that was rebuilt (another UIDVALIDITY) is read again from some days back. Of a mail larger
//! than [`MAX_MAIL`] the start is read: attachments come last.
//!
//! A mail is passed over only where the server says that it is gone. One that it holds and does not give comes without bytes; a
//! connection that ends keeps what was read before. What a server sends is bounded (`framed`), and its words are cut before
//! anybody reads them.

mod framed;

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use async_imap::error::Error as ImapError;
use async_imap::{Client, Session};
use base64::Engine;
use base64::engine::general_purpose::STANDARD_NO_PAD;
use chrono::{DateTime, Days, Utc};
use futures_util::{StreamExt, TryStreamExt};
use rustls::pki_types::ServerName;
use serde::{Deserialize, Serialize};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;
use vigie_config::Secret;
use vigie_config::secret::expose;
use vigie_config::settings::{self, Tls};

use crate::fetch::{FetchError, Fetcher};
use framed::{Framed, Limits};

/// Most mails of one batch, and most bytes of them: they are held together.
const BATCH: usize = 25;
const BATCH_BYTES: u32 = 8 * 1024 * 1024;
/// What a server may send in one connection: the numbers of some 50,000 mails in a line, a mail in a literal, and a batch with
/// what stands around it in all.
const LIMITS: Limits = Limits { line: 512 * 1024, literal: MAX_MAIL as usize, whole: 2 * BATCH_BYTES as usize };
/// Longest words of a server that are passed on, in characters.
const MAX_WORDS: usize = 200;
/// Largest mail read whole, in bytes.
pub const MAX_MAIL: u32 = 2 * 1024 * 1024;
/// Largest mail that is asked for whole by its number, in bytes: 36 MB of files, as mail writes them.
pub const MAX_WHOLE: u32 = 50 * 1024 * 1024;
/// What a server may send for one such mail.
const LIMITS_OF_ONE: Limits =
    Limits { line: 512 * 1024, literal: MAX_WHOLE as usize, whole: MAX_WHOLE as usize + 1024 * 1024 };
/// Longest time for one batch.
const PATIENCE: Duration = Duration::from_secs(120);

/// Where a mailbox is.
#[derive(Debug, Clone)]
pub struct Account {
    /// Server.
    pub host: String,
    /// Its port.
    pub port: u16,
    /// Protection of the connection; in clear is taken for TLS from the first byte.
    pub tls: Tls,
    /// Certificate authority (PEM file) to trust in place of the system's.
    pub ca_file: Option<PathBuf>,
    /// Account.
    pub username: String,
    /// Its password.
    pub password: Secret,
    /// Folder.
    pub folder: String,
}

/// What was read of a mailbox.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Cursor {
    /// UIDVALIDITY of the mailbox (RFC 3501 §2.3.1.1).
    pub validity: u32,
    /// Last UID read.
    pub last: u32,
}

/// A mail as the server gave it.
#[derive(Debug, Clone)]
pub struct Mail {
    /// Its number in the mailbox.
    pub uid: u32,
    /// Its size; `bytes` are fewer where it is too large.
    pub size: u32,
    /// Its bytes; none where the server holds the mail and does not give it.
    pub bytes: Vec<u8>,
}

/// The next mails.
#[derive(Debug, Clone)]
pub struct Batch {
    /// What to remember once they are handled.
    pub cursor: Cursor,
    /// The mails, oldest first.
    pub mails: Vec<Mail>,
    /// More follow.
    pub more: bool,
}

/// Why a mailbox cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum MailboxError {
    /// The server cannot be reached, or says nothing that can be understood.
    #[error(transparent)]
    Network(#[from] FetchError),
    /// The account is refused.
    #[error("{place} refuse le compte : {what}")]
    Login {
        /// The mailbox.
        place: String,
        /// The server's words.
        what: String,
    },
    /// There is no such folder.
    #[error("{place} : dossier refusé : {what}")]
    Folder {
        /// The mailbox.
        place: String,
        /// The server's words.
        what: String,
    },
}

impl From<&settings::Mailbox> for Account {
    fn from(block: &settings::Mailbox) -> Self {
        Self {
            host: block.host.clone(),
            port: port(block.port, block.tls),
            tls: block.tls,
            ca_file: block.ca_file.clone(),
            username: block.username.clone(),
            password: block.password.clone(),
            folder: block.folder.clone(),
        }
    }
}

/// The port written, or the usual one.
#[must_use]
pub fn port(written: Option<u16>, tls: Tls) -> u16 {
    written.unwrap_or(if tls == Tls::Starttls { 143 } else { 993 })
}

/// A folder's name as IMAP writes it: modified UTF-7 (RFC 3501 §5.1.3). A name written that way already stays.
fn mailbox_name(name: &str) -> String {
    let flush = |out: &mut String, held: &mut Vec<u8>| {
        if !held.is_empty() {
            out.push('&');
            out.push_str(&STANDARD_NO_PAD.encode(std::mem::take(held)).replace('/', ","));
            out.push('-');
        }
    };
    let (mut out, mut held) = (String::new(), Vec::new());
    for c in name.chars() {
        if (' '..='~').contains(&c) {
            flush(&mut out, &mut held);
            out.push(c);
            // An ampersand is written `&-`, unless the whole name is in that writing.
            if c == '&' && !is_encoded(name) {
                out.push('-');
            }
        } else {
            held.extend(c.encode_utf16(&mut [0; 2]).iter().flat_map(|unit| unit.to_be_bytes()));
        }
    }
    flush(&mut out, &mut held);
    out
}

fn is_encoded(name: &str) -> bool {
    let mut shifts = name.split('&').skip(1);
    let shifted = |part: &str| {
        part.split_once('-')
            .is_some_and(|(inside, _)| inside.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'+' | b',')))
    };
    name.is_ascii() && name.contains('&') && shifts.all(shifted)
}

impl Account {
    /// The mailbox, as an address.
    #[must_use]
    pub fn place(&self) -> String {
        format!("imap://{}:{}/{}", self.host, self.port, self.folder)
    }

    /// The next mails after those known; those of `lookback` days where none is known.
    ///
    /// # Errors
    /// The mailbox cannot be read.
    pub async fn next(
        &self,
        fetcher: &Fetcher,
        known: Cursor,
        lookback: u64,
        now: DateTime<Utc>,
    ) -> Result<Batch, MailboxError> {
        match tokio::time::timeout(PATIENCE, self.next_now(fetcher, known, lookback, now)).await {
            Ok(read) => read,
            Err(_) => Err(self.network(format!("pas de réponse en {} s", PATIENCE.as_secs()))),
        }
    }

    /// A mail whole, by its number in a mailbox of that validity; `None` where it is gone, longer than [`MAX_WHOLE`], or the mailbox was
    /// rebuilt.
    ///
    /// # Errors
    /// The mailbox cannot be read.
    pub async fn whole(&self, fetcher: &Fetcher, validity: u32, uid: u32) -> Result<Option<Vec<u8>>, MailboxError> {
        let read = async {
            let mut session = self.session(fetcher, LIMITS_OF_ONE).await?;
            let folder = session.examine(mailbox_name(&self.folder)).await.map_err(|e| self.network(e))?;
            let sizes = self.sizes(&mut session, &[uid]).await?;
            let there = folder.uid_validity.unwrap_or(1) == validity && sizes.first().is_some_and(|s| s.1 <= MAX_WHOLE);
            let bytes = if there { self.mail(&mut session, uid, MAX_WHOLE).await? } else { None };
            let _ = session.logout().await;
            Ok(bytes.filter(|b| !b.is_empty()))
        };
        match tokio::time::timeout(PATIENCE, read).await {
            Ok(read) => read,
            Err(_) => Err(self.network(format!("pas de réponse en {} s", PATIENCE.as_secs()))),
        }
    }

    fn network(&self, why: impl std::fmt::Display) -> MailboxError {
        MailboxError::Network(FetchError::Network { url: self.place(), why: cut(&why) })
    }

    fn refused(&self, what: impl std::fmt::Display) -> MailboxError {
        MailboxError::Login { place: self.place(), what: cut(&what) }
    }

    async fn next_now(
        &self,
        fetcher: &Fetcher,
        known: Cursor,
        lookback: u64,
        now: DateTime<Utc>,
    ) -> Result<Batch, MailboxError> {
        let mut session = self.session(fetcher, LIMITS).await?;
        let read = self.read(&mut session, known, lookback, now).await;
        // The mails are read: a server that says goodbye badly changes nothing.
        let _ = session.logout().await;
        read
    }

    /// A session of the account, over TLS, whose server may send so much.
    async fn session(
        &self,
        fetcher: &Fetcher,
        limits: Limits,
    ) -> Result<Session<Framed<TlsStream<TcpStream>>>, MailboxError> {
        let socket = fetcher.connect(&self.host, self.port).await?;
        match self.tls {
            Tls::Starttls => {
                let mut plain = Client::new(Framed::new(socket, limits));
                self.greeting(&mut plain).await?;
                plain.run_command_and_check_ok("STARTTLS", None).await.map_err(|e| self.network(e))?;
                self.log_in(Client::new(self.wrap(plain.into_inner().into_inner(), limits).await?)).await
            }
            Tls::Implicit | Tls::None => {
                let mut client = Client::new(self.wrap(socket, limits).await?);
                self.greeting(&mut client).await?;
                self.log_in(client).await
            }
        }
    }

    async fn wrap(&self, socket: TcpStream, limits: Limits) -> Result<Framed<TlsStream<TcpStream>>, MailboxError> {
        let pem =
            self.ca_file.as_ref().map(std::fs::read).transpose().map_err(|e| self.network(format!("ca_file : {e}")))?;
        let config = vigie_config::tls::client(pem.as_deref()).map_err(|e| self.network(e))?;
        let name = ServerName::try_from(self.host.clone()).map_err(|e| self.network(e))?;
        TlsConnector::from(Arc::clone(&config))
            .connect(name, socket)
            .await
            .map(|stream| Framed::new(stream, limits))
            .map_err(|e| self.network(format!("TLS refusé ({})", vigie_config::tls::refusal(&e))))
    }

    async fn greeting<S>(&self, client: &mut Client<S>) -> Result<(), MailboxError>
    where
        S: AsyncRead + AsyncWrite + Unpin + std::fmt::Debug + Send,
    {
        match client.read_response().await {
            Ok(Some(_)) => Ok(()),
            Ok(None) => Err(self.network("le serveur ne salue pas")),
            Err(e) => Err(self.network(e)),
        }
    }

    async fn log_in<S>(&self, client: Client<S>) -> Result<Session<S>, MailboxError>
    where
        S: AsyncRead + AsyncWrite + Unpin + std::fmt::Debug + Send,
    {
        let password = self.password.read().map_err(|e| self.refused(e))?;
        client.login(&self.username, expose(&password)).await.map_err(|(e, _)| match e {
            ImapError::No(why) | ImapError::Bad(why) => self.refused(why),
            other => self.network(other),
        })
    }

    /// The next mails after those known, oldest first; what to remember, and whether more follow.
    async fn read<S>(
        &self,
        session: &mut Session<S>,
        known: Cursor,
        lookback: u64,
        now: DateTime<Utc>,
    ) -> Result<Batch, MailboxError>
    where
        S: AsyncRead + AsyncWrite + Unpin + std::fmt::Debug + Send,
    {
        let folder = session.examine(mailbox_name(&self.folder)).await.map_err(|e| match e {
            ImapError::No(why) => MailboxError::Folder { place: self.place(), what: cut(&why) },
            other => self.network(other),
        })?;
        let validity = folder.uid_validity.unwrap_or(1);
        let search = if known.validity == validity {
            format!("UID {}:*", known.last.saturating_add(1))
        } else {
            let since = now.date_naive().checked_sub_days(Days::new(lookback)).unwrap_or_default();
            format!("SINCE {}", since.format("%d-%b-%Y"))
        };
        let last = if known.validity == validity { known.last } else { 0 };
        let found = session.uid_search(search).await.map_err(|e| self.network(e))?;
        // "n:*" names the last mail even when it is older than n (RFC 3501 §6.4.8).
        let mut uids: Vec<u32> = found.into_iter().filter(|uid| *uid > last).collect();
        uids.sort_unstable();
        let mut more = uids.len() > BATCH;
        uids.truncate(BATCH);
        let sizes = self.sizes(session, &uids).await?;
        let mut batch = Batch { cursor: Cursor { validity, last }, mails: Vec::new(), more: false };
        let mut bytes = 0u32;
        for (uid, size) in sizes {
            bytes = bytes.saturating_add(size.min(MAX_MAIL));
            if bytes > BATCH_BYTES && !batch.mails.is_empty() {
                more = true;
                uids.clear();
                break;
            }
            match self.mail(session, uid, MAX_MAIL).await {
                Ok(Some(bytes)) => batch.mails.push(Mail { uid, size, bytes }),
                Ok(None) => {}
                Err(e) if batch.mails.is_empty() => return Err(e),
                // What was read counts; the rest is asked for at the next look.
                Err(_) => return Ok(batch),
            }
            batch.cursor.last = uid;
        }
        batch.cursor.last = uids.last().copied().unwrap_or(batch.cursor.last);
        Ok(Batch { more, ..batch })
    }

    /// A mail, its start where it is large; without bytes where the server holds it and does not give it, `None` where it is gone.
    async fn mail<S>(&self, session: &mut Session<S>, uid: u32, most: u32) -> Result<Option<Vec<u8>>, MailboxError>
    where
        S: AsyncRead + AsyncWrite + Unpin + std::fmt::Debug + Send,
    {
        let mut found = None;
        {
            let wanted = format!("(UID BODY.PEEK[]<0.{most}>)");
            let mut answers = session.uid_fetch(uid.to_string(), wanted).await.map_err(|e| self.network(e))?;
            while let Some(answer) = answers.next().await {
                let answer = answer.map_err(|e| self.network(e))?;
                if let Some(bytes) = answer.body().filter(|_| answer.uid == Some(uid)) {
                    found = Some(bytes.to_vec());
                }
            }
        }
        if found.is_some() {
            return Ok(found);
        }
        let is_there = !self.sizes(session, &[uid]).await?.is_empty();
        Ok(is_there.then(Vec::new))
    }

    async fn sizes<S>(&self, session: &mut Session<S>, uids: &[u32]) -> Result<Vec<(u32, u32)>, MailboxError>
    where
        S: AsyncRead + AsyncWrite + Unpin + std::fmt::Debug + Send,
    {
        if uids.is_empty() {
            return Ok(Vec::new());
        }
        let set: Vec<String> = uids.iter().map(ToString::to_string).collect();
        let answers = session.uid_fetch(set.join(","), "(UID RFC822.SIZE)").await.map_err(|e| self.network(e))?;
        let answers: Vec<_> = answers.try_collect().await.map_err(|e| self.network(e))?;
        let mut sizes: Vec<(u32, u32)> =
            answers.iter().filter_map(|a| Some((a.uid?, a.size?))).filter(|(uid, _)| uids.contains(uid)).collect();
        sizes.sort_unstable();
        sizes.dedup_by_key(|(uid, _)| *uid);
        if sizes.len() < uids.len() {
            // Some are gone, unless it is the connection, of which the library says nothing before the next command.
            session.noop().await.map_err(|e| self.network(e))?;
        }
        Ok(sizes)
    }
}

/// A server's words in a line.
fn cut(words: &impl std::fmt::Display) -> String {
    /// `Display` into a text that takes no more than its length: a library's error may hold all that the server sent.
    struct Bounded(String);
    impl std::fmt::Write for Bounded {
        fn write_str(&mut self, text: &str) -> std::fmt::Result {
            let left = (4 * MAX_WORDS).saturating_sub(self.0.len());
            self.0.push_str(&text[..text.floor_char_boundary(left)]);
            Ok(())
        }
    }
    let mut said = Bounded(String::new());
    // It cannot fail: what does not fit is dropped.
    let _ = std::fmt::write(&mut said, format_args!("{words}"));
    said.0
        .split_whitespace()
        .collect::<Vec<_>>()
        .join(" ")
        .chars()
        .filter(|c| !c.is_control())
        .take(MAX_WORDS)
        .collect()
}

#[cfg(test)]
mod tests;

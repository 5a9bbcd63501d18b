//! A mailbox read over IMAP with TLS: portals and buyers that only mail their alerts, and mails that people forward.
//!
//! Nothing in the mailbox is changed: it is examined, not selected, and bodies are peeked at. What was read is remembered
//! as (UIDVALIDITY, UID); the pair is committed after the notices of its batch, so that a crash reads a batch again and
//! the identity of its notices keeps them from being told twice. A mailbox that was rebuilt (another UIDVALIDITY) is read
//! again from some days back.
//!
//! Each mail is read by the first rule that fits it. A mail that no rule fits is counted in the journal and left alone;
//! one that a rule fits and from which nothing can be read is put aside with its bytes.

mod rules;

use std::sync::Arc;
use std::time::Duration;

use async_imap::error::Error as ImapError;
use async_imap::{Client, Session};
use chrono::{DateTime, Days, Utc};
use futures_util::{StreamExt, TryStreamExt};
use rustls::pki_types::ServerName;
use serde::{Deserialize, Serialize};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio_rustls::TlsConnector;
use vigie_config::Secret;
use vigie_config::secret::expose;
use vigie_config::settings::{self, BlockFault, Tls};

use super::{Memory, Page, Polled, Source, SourceError, SourceKind};
use crate::fetch::{FetchError, Fetcher};
use rules::{Rule, WrittenRule};

/// Registry line.
pub const KIND: SourceKind = SourceKind {
    name: "mailbox",
    summary: "Boîte aux lettres (IMAP) : alertes reçues par courriel, messages transférés",
    default_schedule: "0 */10 * * * *",
    build: |block| Mailbox::new(block).map(|s| Box::new(s) as Box<dyn Source>),
};

/// Mails of one batch.
const BATCH: usize = 25;
/// Largest mail read whole, in bytes; the start of a larger one is read, attachments come last.
const MAX_MAIL: u32 = 2 * 1024 * 1024;
/// Days back that the first poll reads.
const LOOKBACK_DAYS: u64 = 7;
/// Longest time for one batch.
const PATIENCE: Duration = Duration::from_secs(120);

/// Keys of a block with this reader.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Options {
    /// Server.
    host: String,
    /// Its port; 993, or 143 with STARTTLS.
    #[serde(default)]
    port: Option<u16>,
    /// Protection of the connection; never none.
    #[serde(default = "implicit")]
    tls: Tls,
    /// Certificate authority (PEM file) to trust in place of the system's.
    #[serde(default)]
    ca_file: Option<std::path::PathBuf>,
    /// Account.
    username: String,
    /// Its password.
    password: Secret,
    /// Folder.
    #[serde(default = "inbox")]
    folder: String,
    /// Days back that the first poll reads.
    #[serde(default)]
    lookback_days: Option<u64>,
    /// How mails are read.
    rule: Vec<WrittenRule>,
}

fn implicit() -> Tls {
    Tls::Implicit
}

fn inbox() -> String {
    "INBOX".to_owned()
}

/// The source.
pub struct Mailbox {
    id: String,
    options: Options,
    port: u16,
    rules: Vec<Rule>,
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
struct Cursor {
    /// UIDVALIDITY of the mailbox (RFC 3501 §2.3.1.1).
    validity: u32,
    /// Last UID read.
    last: u32,
}

/// A mail as the server gave it.
struct Mail {
    uid: u32,
    size: u32,
    bytes: Vec<u8>,
}

impl Mailbox {
    fn new(block: &settings::Source) -> Result<Self, BlockFault> {
        let options: Options = block.options()?;
        if options.tls == Tls::None {
            return Err(BlockFault::at(
                "tls",
                "un mot de passe partirait en clair",
                "choisissez tls = \"implicit\" ou \"starttls\"",
            ));
        }
        if options.rule.is_empty() {
            return Err(BlockFault::at("rule", "aucune règle de lecture", "ajoutez un bloc [[source.rule]]"));
        }
        let rules = options.rule.iter().enumerate().map(|(i, r)| Rule::new(r, i)).collect::<Result<_, _>>()?;
        let port = options.port.unwrap_or(if options.tls == Tls::Implicit { 993 } else { 143 });
        Ok(Self { id: block.id.clone(), port, rules, options })
    }

    fn place(&self) -> String {
        format!("imap://{}:{}/{}", self.options.host, self.port, self.options.folder)
    }

    fn network(&self, why: impl std::fmt::Display) -> SourceError {
        SourceError::Fetch(FetchError::Network { url: self.place(), why: why.to_string() })
    }

    fn refused(&self, what: impl std::fmt::Display) -> SourceError {
        SourceError::Login { place: self.place(), what: what.to_string() }
    }

    async fn batch(&self, fetcher: &Fetcher, memory: &Memory, now: DateTime<Utc>) -> Result<Page, SourceError> {
        let known: Cursor = memory.cursor.as_deref().and_then(|c| serde_json::from_str(c).ok()).unwrap_or_default();
        let socket = fetcher.connect(&self.options.host, self.port).await?;
        let mut session = match self.options.tls {
            Tls::Starttls => {
                let mut plain = Client::new(socket);
                self.greeting(&mut plain).await?;
                plain.run_command_and_check_ok("STARTTLS", None).await.map_err(|e| self.network(e))?;
                self.log_in(Client::new(self.wrap(plain.into_inner()).await?)).await?
            }
            Tls::Implicit | Tls::None => {
                let mut client = Client::new(self.wrap(socket).await?);
                self.greeting(&mut client).await?;
                self.log_in(client).await?
            }
        };
        let read = self.read(&mut session, known, now).await;
        // The mails are read: a server that says goodbye badly changes nothing.
        let _ = session.logout().await;
        let (cursor, mails, more) = read?;
        let mut page = Page { more, ..Page::default() };
        let mut unread = 0;
        for mail in &mails {
            if mail.size > MAX_MAIL {
                page.remarks.push(format!("courriel {} de {} Kio : seul son début est lu", mail.uid, mail.size / 1024));
            }
            if !rules::read(
                &self.rules,
                &self.id,
                &mail.bytes,
                &format!("{};UID={}", self.place(), mail.uid),
                &mut page,
            ) {
                unread += 1;
            }
        }
        if unread > 0 {
            page.remarks.push(format!("{unread} courriel(s) sans règle, laissés de côté"));
        }
        page.memory.cursor = serde_json::to_string(&cursor).ok();
        Ok(page)
    }

    async fn wrap(
        &self,
        socket: tokio::net::TcpStream,
    ) -> Result<tokio_rustls::client::TlsStream<tokio::net::TcpStream>, SourceError> {
        let pem = self
            .options
            .ca_file
            .as_ref()
            .map(std::fs::read)
            .transpose()
            .map_err(|e| self.network(format!("ca_file : {e}")))?;
        let config = vigie_config::tls::client(pem.as_deref()).map_err(|e| self.network(e))?;
        let name = ServerName::try_from(self.options.host.clone()).map_err(|e| self.network(e))?;
        TlsConnector::from(Arc::clone(&config))
            .connect(name, socket)
            .await
            .map_err(|e| self.network(format!("TLS refusé ({e})")))
    }

    async fn greeting<S>(&self, client: &mut Client<S>) -> Result<(), SourceError>
    where
        S: AsyncRead + AsyncWrite + Unpin + std::fmt::Debug + Send,
    {
        match client.read_response().await {
            Ok(Some(_)) => Ok(()),
            Ok(None) => Err(self.network("le serveur ne salue pas")),
            Err(e) => Err(self.network(e)),
        }
    }

    async fn log_in<S>(&self, client: Client<S>) -> Result<Session<S>, SourceError>
    where
        S: AsyncRead + AsyncWrite + Unpin + std::fmt::Debug + Send,
    {
        let password = self.options.password.read().map_err(|e| self.refused(e))?;
        client.login(&self.options.username, expose(&password)).await.map_err(|(e, _)| match e {
            ImapError::No(why) | ImapError::Bad(why) => self.refused(why),
            other => self.network(other),
        })
    }

    /// The next mails after those known, oldest first; what to remember, and whether more follow.
    async fn read<S>(
        &self,
        session: &mut Session<S>,
        known: Cursor,
        now: DateTime<Utc>,
    ) -> Result<(Cursor, Vec<Mail>, bool), SourceError>
    where
        S: AsyncRead + AsyncWrite + Unpin + std::fmt::Debug + Send,
    {
        let folder = session.examine(&self.options.folder).await.map_err(|e| match e {
            ImapError::No(why) => {
                SourceError::Unexpected { url: self.place(), what: format!("dossier refusé : {why}") }
            }
            other => self.network(other),
        })?;
        let validity = folder.uid_validity.unwrap_or(1);
        let search = if known.validity == validity {
            format!("UID {}:*", known.last.saturating_add(1))
        } else {
            let back = self.options.lookback_days.unwrap_or(LOOKBACK_DAYS);
            let since = now.date_naive().checked_sub_days(Days::new(back)).unwrap_or_default();
            format!("SINCE {}", since.format("%d-%b-%Y"))
        };
        let last = if known.validity == validity { known.last } else { 0 };
        let found = session.uid_search(search).await.map_err(|e| self.network(e))?;
        // "n:*" names the last mail even when it is older than n (RFC 3501 §6.4.8).
        let mut uids: Vec<u32> = found.into_iter().filter(|uid| *uid > last).collect();
        uids.sort_unstable();
        let more = uids.len() > BATCH;
        uids.truncate(BATCH);
        let mut cursor = Cursor { validity, last };
        let mut mails = Vec::new();
        for (uid, size) in self.sizes(session, &uids).await? {
            let section = if size > MAX_MAIL { format!("BODY.PEEK[]<0.{MAX_MAIL}>") } else { "BODY.PEEK[]".to_owned() };
            let mut answers =
                session.uid_fetch(uid.to_string(), format!("(UID {section})")).await.map_err(|e| self.network(e))?;
            while let Some(answer) = answers.next().await {
                let answer = answer.map_err(|e| self.network(e))?;
                if let Some(bytes) = answer.body().filter(|_| answer.uid == Some(uid)) {
                    mails.push(Mail { uid, size, bytes: bytes.to_vec() });
                }
            }
        }
        cursor.last = uids.last().copied().unwrap_or(last);
        Ok((cursor, mails, more))
    }

    async fn sizes<S>(&self, session: &mut Session<S>, uids: &[u32]) -> Result<Vec<(u32, u32)>, SourceError>
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
        Ok(sizes)
    }
}

impl Source for Mailbox {
    fn poll<'a>(&'a self, fetcher: &'a Fetcher, memory: &'a Memory, now: DateTime<Utc>) -> Polled<'a> {
        Box::pin(async move {
            match tokio::time::timeout(PATIENCE, self.batch(fetcher, memory, now)).await {
                Ok(read) => read,
                Err(_) => Err(self.network(format!("pas de réponse en {} s", PATIENCE.as_secs()))),
            }
        })
    }
}

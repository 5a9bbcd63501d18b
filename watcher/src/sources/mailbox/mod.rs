//! A mailbox read over IMAP: portals and buyers that only mail their alerts, and mails that people forward.
//!
//! `crate::imap` reads it. What was read is committed after the notices of its batch, so that a crash reads a batch again and
//! the identity of its notices keeps them from being told twice.
//!
//! Each mail is read by the first rule that fits it. A mail that no rule fits is counted in the journal and left alone;
//! one that a rule fits and from which nothing can be read is put aside with its bytes.

mod rules;

use chrono::{DateTime, Utc};
use serde::Deserialize;
use vigie_config::Secret;
use vigie_config::settings::{self, BlockFault, Tls};
use vigie_domain::{Visibility, french};

use super::{BadRecord, Memory, Page, Polled, PutAside, Source, SourceError, SourceKind};
use crate::boundary;
use crate::fetch::Fetcher;
use crate::imap::{self, Account, Cursor, MAX_MAIL, MailboxError};
pub use crate::mail_text::{parse, text_of, text_with_addresses};
pub use rules::passed_on;
use rules::{Rule, WrittenRule};

/// Registry line.
pub const KIND: SourceKind = SourceKind {
    name: "mailbox",
    summary: "Boîte aux lettres (IMAP) : alertes reçues par courriel, messages transférés",
    default_schedule: "0 */10 * * * *",
    build: |block| Mailbox::new(block).map(|s| Box::new(s) as Box<dyn Source>),
};

/// Days back that the first poll reads.
const LOOKBACK_DAYS: u64 = 7;

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
    account: Account,
    lookback: u64,
    rules: Vec<Rule>,
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
        let account = Account {
            port: imap::port(options.port, options.tls),
            host: options.host,
            tls: options.tls,
            ca_file: options.ca_file,
            username: options.username,
            password: options.password,
            folder: options.folder,
        };
        let lookback = options.lookback_days.unwrap_or(LOOKBACK_DAYS);
        Ok(Self { id: block.id.clone(), account, lookback, rules })
    }

    async fn batch(&self, fetcher: &Fetcher, memory: &Memory, now: DateTime<Utc>) -> Result<Page, SourceError> {
        let known: Cursor = memory.cursor.as_deref().and_then(|c| serde_json::from_str(c).ok()).unwrap_or_default();
        let batch = self.account.next(fetcher, known, self.lookback, now).await?;
        let mut page = Page { more: batch.more, ..Page::default() };
        let mut unread = 0;
        for mail in &batch.mails {
            if mail.size > MAX_MAIL {
                page.remarks.push(format!("courriel {} de {} Kio : seul son début est lu", mail.uid, mail.size / 1024));
            }
            let place = format!("{};UID={}", self.account.place(), mail.uid);
            if mail.bytes.is_empty() {
                let reason =
                    "le serveur de la boîte ne donne pas ce courriel : ouvrez-le dans la boîte elle-même".to_owned();
                page.bad.push(BadRecord { record_id: None, place, reason, raw: Vec::new() });
                continue;
            }
            // What one mail brings stays apart until it is read whole.
            let read = boundary::read_whole(mail.bytes.len(), || {
                let mut found = Page::default();
                let fits = rules::read(&self.rules, &self.id, &mail.bytes, &place, &mut found);
                (fits, found)
            });
            match read {
                Ok((fits, found)) => {
                    unread += usize::from(!fits);
                    page.notices.extend(found.notices);
                    page.bad.extend(found.bad);
                }
                Err(e) => {
                    page.bad.push(BadRecord { record_id: None, place, reason: e.to_string(), raw: mail.bytes.clone() })
                }
            }
        }
        if unread > 0 {
            let unread = french::counted(unread, "courriel sans règle, laissé", "courriels sans règle, laissés");
            page.remarks.push(format!("{unread} de côté"));
        }
        page.memory.cursor = serde_json::to_string(&batch.cursor).ok();
        Ok(page)
    }
}

impl From<MailboxError> for SourceError {
    fn from(e: MailboxError) -> Self {
        match e {
            MailboxError::Network(e) => Self::Fetch(e),
            MailboxError::Login { place, what } => Self::Login { place, what },
            MailboxError::Folder { place, what } => {
                Self::Unexpected { url: place, what: format!("dossier refusé : {what}") }
            }
        }
    }
}

impl Source for Mailbox {
    fn poll<'a>(&'a self, fetcher: &'a Fetcher, memory: &'a Memory, now: DateTime<Utc>) -> Polled<'a> {
        Box::pin(self.batch(fetcher, memory, now))
    }

    fn again(&self, kept: &PutAside<'_>) -> Option<Page> {
        let mut page = Page::default();
        // What was put aside of a mail that was read in part is no mail: no rule is for it.
        if !rules::read(&self.rules, &self.id, kept.raw, kept.place, &mut page) {
            return Some(kept.unreadable("aucune règle n’est pour ce courriel".to_owned()));
        }
        Some(page)
    }

    fn visibility(&self) -> Visibility {
        Visibility::Told
    }
}

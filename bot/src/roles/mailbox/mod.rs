//! What comes back by mail, acted on: error reports suspend, answers decide, what members pass on becomes a lead.
//!
//! ```text
//! IMAP (read only) → read() → act → noted under the hash of its bytes → how far the mailbox was read
//! ```
//!
//! - One process reads, by lease. A crash between two steps reads a mail again; each act is the same the second time.
//! - An answer counts where a token proves which message it answers, or where it comes from the address that got that message.
//!   It goes the way of the chats (`vigie_conversation`).
//! - A mail that is none of that is left where it is, counted, and told to the operators by a line a day. One that cannot be
//!   read is put aside with its bytes.
//! - A mailbox that cannot be reached is tried again; the operators hear of it after half an hour, at once when the account is
//!   refused.

/// A constant expression, compiled at its first use.
macro_rules! expression {
    ($name:ident, $text:expr) => {
        static $name: std::sync::LazyLock<regex::Regex> = std::sync::LazyLock::new(|| {
            #[allow(clippy::expect_used, reason = "the expression is a constant; each is exercised by tests")]
            regex::Regex::new($text).expect("a constant expression compiles")
        });
    };
}

expression!(REPLIES, r"(?i)^\s*(?:(?:re|ré|rép|réf|aw|tr)\s*:\s*)+");

mod authentication;
mod outcome;
pub mod read;
pub mod words;

pub use outcome::{Outcome, SOURCE, alarm, report};

use std::time::Duration as Pause;

use chrono::{DateTime, Duration, Utc};
use sha2::{Digest, Sha256};
use vigie_conversation::by_mail;
use vigie_delivery::Engine;
use vigie_domain::{Alert, AlertKind, Channel};
use vigie_notifier::card::short;
use vigie_notifier::channels::email::Email;
use vigie_notifier::channels::email::address::is_same;
use vigie_service::consultation::{self, Gave};
use vigie_service::leads::{self, Added, Attached};
use vigie_service::suspension::{SuspendedAddress, stop_address, suspend_address};
use vigie_service::{Failure, Service, opt_in};
use vigie_store::inbox::Sent;
use vigie_store::people::AddressState;
use vigie_store::quarantine::Quarantined;
use vigie_store::{StoreError, derived_id};
use vigie_watcher::boundary::{self, MAX_ATTEMPTS};
use vigie_watcher::fetch::Fetcher;
use vigie_watcher::imap::{self, Account, Cursor, MAX_MAIL, MailboxError};
use vigie_watcher::sources::mailbox::passed_on;

use read::{Mail, PassedOn, Reply, Report, Verdict};
use words::Answer;

/// How long one process reads before another may.
const LEASE: Duration = Duration::minutes(5);
/// Days back that a mailbox unknown so far is read.
const LOOKBACK_DAYS: u64 = 7;
/// Most batches of one look.
const MAX_BATCHES: usize = 40;
/// Soft errors that suspend an address, where they span [`SOFT_SPAN`].
const SOFT_LIMIT: i64 = 5;
/// Least time between the first and the last of them: a mailbox that is full over a weekend is not lost.
const SOFT_SPAN: Duration = Duration::days(5);
/// A soft error older than that is forgotten.
const SOFT_MEMORY: Duration = Duration::days(30);
/// Longest subject kept of an answer, in characters.
const MAX_SUBJECT: usize = 150;

/// Reads the mailbox, if there is one and no other process does. Gives the number of mails handled.
///
/// # Errors
/// The database fails, or the mailbox cannot be read.
pub async fn look(engine: &Engine, fetcher: &Fetcher) -> Result<usize, Trouble> {
    let (Some(block), Some(email)) = (&engine.service.settings.mailbox, &engine.email) else { return Ok(0) };
    let service = &*engine.service;
    let account = Account::from(block);
    if !service.store.hold_lease(SOURCE, &service.lease_holder, LEASE, service.clock.now()).await? {
        return Ok(0);
    }
    let (validity, last) = service.store.inbox(&account.place()).await?;
    let mut known = Cursor { validity, last };
    let mut handled = 0;
    for _ in 0..MAX_BATCHES {
        let now = service.clock.now();
        let batch = account.next(fetcher, known, LOOKBACK_DAYS, now).await?;
        for mail in &batch.mails {
            let inbox = Inbox { fetcher, account: &account, validity: batch.cursor.validity };
            handled += usize::from(handle(service, email, &inbox, mail).await?);
        }
        known = batch.cursor;
        service.store.set_inbox(&account.place(), (known.validity, known.last)).await?;
        if !batch.more || !service.store.hold_lease(SOURCE, &service.lease_holder, LEASE, service.clock.now()).await? {
            break;
        }
    }
    Ok(handled)
}

/// Why a look failed.
#[derive(Debug, thiserror::Error)]
pub enum Trouble {
    /// The mailbox.
    #[error(transparent)]
    Mailbox(#[from] MailboxError),
    /// Our side.
    #[error("{0}")]
    Ours(Failure),
}

impl From<StoreError> for Trouble {
    fn from(e: StoreError) -> Self {
        Self::Ours(e.into())
    }
}

impl From<Failure> for Trouble {
    fn from(e: Failure) -> Self {
        Self::Ours(e)
    }
}

/// Under which name it is kept how often a mail of this mailbox was begun.
fn reading(account: &Account) -> String {
    format!("{}#reading", account.place())
}

/// Counts a mail before it is read; `false` when its reading ended the process often enough.
async fn begin(service: &Service, account: &Account, mail: &imap::Mail) -> Result<bool, Failure> {
    let place = reading(account);
    let (begun, uid) = service.store.inbox(&place).await?;
    let begun = if uid == mail.uid { begun } else { 0 };
    if begun >= MAX_ATTEMPTS {
        return Ok(false);
    }
    service.store.set_inbox(&place, (begun + 1, mail.uid)).await?;
    Ok(true)
}

/// The mailbox that is being read.
struct Inbox<'a> {
    fetcher: &'a Fetcher,
    account: &'a Account,
    /// UIDVALIDITY under which its mails are numbered.
    validity: u32,
}

/// Reads and acts on one mail; `false` when it was handled before.
async fn handle(service: &Service, email: &Email, inbox: &Inbox<'_>, mail: &imap::Mail) -> Result<bool, Failure> {
    let account = inbox.account;
    let place = format!("{};UID={}", account.place(), mail.uid);
    // A mail that the server does not give is known by its place.
    let known_by = if mail.bytes.is_empty() { place.as_bytes() } else { &mail.bytes };
    let id: String = Sha256::digest(known_by).iter().take(16).map(|b| format!("{b:02x}")).collect();
    if service.store.was_read(&id).await? {
        return Ok(false);
    }
    let now = service.clock.now();
    let read = if mail.bytes.is_empty() {
        Mail::Unreadable("le serveur de la boîte ne donne pas ce courriel : ouvrez-le dans la boîte elle-même")
    } else if begin(service, account, mail).await? {
        let read = boundary::read_whole(mail.bytes.len(), || read::read(&mail.bytes, email))
            .unwrap_or(Mail::Unreadable("le lecteur de courriels a échoué"));
        // The reading ended: what may fail from here is ours, and says nothing of the mail.
        service.store.set_inbox(&reading(account), (0, mail.uid)).await?;
        read
    } else {
        Mail::Unreadable("sa lecture a mis fin au programme plusieurs fois de suite")
    };
    let outcome = match &read {
        Mail::Automatic => Outcome::Automatic,
        Mail::Other => Outcome::Left,
        Mail::Report(report) => on_report(service, email, &id, report, now).await?,
        Mail::Reply(reply) if reply.has_documents => match on_documents(service, inbox, (&id, mail), reply, now).await?
        {
            Some(outcome) => outcome,
            None => on_reply(service, &letter(&id, reply), reply, now).await?,
        },
        Mail::Reply(reply) => on_reply(service, &letter(&id, reply), reply, now).await?,
        Mail::Complaint(delivery) => on_complaint(service, delivery).await?,
        Mail::PassedOn(passed) => {
            let whole = usize::try_from(mail.size).unwrap_or(usize::MAX) <= mail.bytes.len();
            on_lead(service, &id, passed, whole, now).await?
        }
        Mail::Unreadable(why) => {
            let too_long = if mail.size > MAX_MAIL { " (son début seul a été lu)" } else { "" };
            service
                .store
                .quarantine(&Quarantined {
                    source: SOURCE.to_owned(),
                    record_id: None,
                    place,
                    reason: format!("{why}{too_long}"),
                    raw: mail.bytes.clone(),
                    at: now,
                })
                .await?;
            Outcome::Unreadable
        }
    };
    service.store.set_read(&id, outcome.as_str(), now).await?;
    tracing::info!(mail = %id, outcome = outcome.as_str(), "mail read");
    Ok(true)
}

/// What makes an answer one and the same, however often it arrives: two addresses of one account, or a folder that is copied, give it
/// other headers, and it is answered once.
fn letter(mail: &str, reply: &Reply) -> String {
    if reply.id.is_empty() {
        return mail.to_owned();
    }
    derived_id(&["letter", &reply.id, &reply.from, &reply.subject, &reply.words])
}

/// An error report about a message of ours.
async fn on_report(
    service: &Service,
    email: &Email,
    mail: &str,
    report: &Report,
    now: DateTime<Utc>,
) -> Result<Outcome, Failure> {
    let Some(sent) = service.store.mail_sent(&report.delivery).await? else { return Ok(Outcome::Left) };
    let about_it = report.recipients.is_empty() || report.recipients.iter().any(|r| is_same(r, &sent.address.value));
    // Anybody can write a report: where tokens are sent, one without counts for nothing.
    if !report.proven && (email.return_path().is_some() || !about_it) {
        return Ok(Outcome::Left);
    }
    if report.verdict == Verdict::Fine {
        return Ok(Outcome::Reported);
    }
    service.store.note("delivery", &sent.delivery, &format!("retour d’erreur : {}", report.words), now).await?;
    if !matches!(sent.address.state, AddressState::Active | AddressState::Unconfirmed) {
        return Ok(Outcome::Reported);
    }
    // A report about somebody to whom the mail was passed on, a member of a list, says nothing of the address itself.
    if !about_it {
        return Ok(Outcome::Reported);
    }
    if report.verdict == Verdict::Hard {
        suspend(service, &sent, "son serveur de courrier la refuse pour de bon", now).await?;
        return Ok(Outcome::Suspended);
    }
    let counted =
        service.store.count_soft(&sent.address.id, (mail, Outcome::Counted.as_str()), SOFT_MEMORY, now).await?;
    if counted.is_some_and(|soft| soft.count >= SOFT_LIMIT && now - soft.since >= SOFT_SPAN) {
        suspend(service, &sent, "son serveur de courrier refuse nos messages depuis plusieurs jours", now).await?;
    }
    Ok(Outcome::Counted)
}

/// A reader called a message of ours unwanted: whatever else they meant, no more of them.
async fn on_complaint(service: &Service, delivery: &str) -> Result<Outcome, Failure> {
    let Some(sent) = service.store.mail_sent(delivery).await? else { return Ok(Outcome::Left) };
    stop(service, &sent, "signalé comme indésirable").await
}

async fn suspend(service: &Service, sent: &Sent, why: &str, now: DateTime<Utc>) -> Result<(), Failure> {
    let lost = SuspendedAddress {
        person: &sent.address.subscriber,
        address: &sent.address.id,
        channel: Channel::Email,
        why,
        cause: &sent.delivery,
    };
    suspend_address(service, &lost, now).await
}

/// Whether the server that received a mail finds its sender genuine; where no server is named that says such things, it may be.
fn is_genuine(service: &Service, authentication: &[String], from: &str) -> bool {
    let server = service.settings.mailbox.as_ref().and_then(|m| m.authserv_id.as_deref());
    server.is_none_or(|server| read::is_genuine(authentication, server, from))
}

/// Documents that came with an answer to an alert are read for the structure of whoever got it; `None` where the mail proves nothing, or
/// the message told of no market. A word beside them counts as it does alone.
async fn on_documents(
    service: &Service,
    inbox: &Inbox<'_>,
    (id, mail): (&str, &imap::Mail),
    reply: &Reply,
    now: DateTime<Utc>,
) -> Result<Option<Outcome>, Failure> {
    let Some(sent) = service.store.mail_sent(&reply.delivery).await? else { return Ok(None) };
    let usable = !sent.procedure.is_empty() && !sent.cause.is_opt_in() && sent.address.state == AddressState::Active;
    if !usable || !is_theirs(service, reply, &sent) {
        return Ok(None);
    }
    let Some(person) = service.store.subscriber(&sent.address.subscriber).await? else { return Ok(None) };
    let cut = usize::try_from(mail.size).unwrap_or(usize::MAX) > mail.bytes.len();
    // One that its server does not give is answered as too large: the mails behind it do not wait for it.
    let whole = match cut {
        true => inbox.account.whole(inbox.fetcher, inbox.validity, mail.uid).await.unwrap_or_else(|e| {
            tracing::warn!("a mail with files is not read whole: {e}");
            None
        }),
        false => None,
    };
    let files = match (&whole, cut) {
        (Some(bytes), _) => read::documents(bytes),
        (None, true) => Vec::new(),
        (None, false) => read::documents(&mail.bytes),
    };
    let given = !files.is_empty();
    let gave = match given {
        true => consultation::give(service, &person, &sent.procedure, files, Some(&sent.address)).await?,
        false => Gave::TooMuch,
    };
    if !matches!(gave, Gave::Files(_)) {
        let page = service.procedure_url(&sent.procedure);
        let page =
            page.map(|page| format!(" Ou donnez-les sur la page du marché : {page}/dossier")).unwrap_or_default();
        let subject = subject(reply, "Vos fichiers n’ont pas été lus");
        let body = format!("{subject}\n{}{}{page}", about(service, &sent).await?, gave.in_french());
        answer(service, &format!("{id}:files"), &sent, &body, now).await?;
    }
    if let Answer::Word(_) | Answer::Stop = reply.answer {
        on_reply(service, &letter(id, reply), reply, now).await?;
    }
    Ok(Some(Outcome::Consultation))
}

/// Whether an answer is of whoever got the message: by our token, else by their address.
fn is_theirs(service: &Service, reply: &Reply, sent: &Sent) -> bool {
    reply.proven || is_same(&reply.from, &sent.address.value) && is_genuine(service, &reply.authentication, &reply.from)
}

/// What a person answered to a message of ours.
async fn on_reply(service: &Service, mail: &str, reply: &Reply, now: DateTime<Utc>) -> Result<Outcome, Failure> {
    let Some(sent) = service.store.mail_sent(&reply.delivery).await? else { return Ok(Outcome::Left) };
    if !is_theirs(service, reply, &sent) {
        return Ok(Outcome::Left);
    }
    let asked = sent.cause.is_opt_in();
    match &reply.answer {
        Answer::Stop => stop(service, &sent, "désinscription par réponse").await,
        Answer::Word(word) if asked && words::refuses(word) => stop(service, &sent, "refus par réponse").await,
        Answer::Word(word) if asked && words::agrees(word) => {
            if !opt_in::confirm(service, &sent.address.id, "réponse au courriel", now).await? {
                return Ok(Outcome::Left);
            }
            let body = "C’est fait\nVotre adresse est confirmée : Vigie vous écrira.";
            answer(service, mail, &sent, body, now).await?;
            Ok(Outcome::Confirmed)
        }
        Answer::Word(word) if !asked && sent.address.state == AddressState::Active => {
            decide(service, mail, &sent, (reply, word), now).await
        }
        Answer::Unclear if !asked && sent.address.state == AddressState::Active => {
            not_understood(service, &sent, reply, now).await?;
            Ok(Outcome::Left)
        }
        _ => Ok(Outcome::Left),
    }
}

/// Says that an answer was not understood, so that nobody takes silence for consent; once per address and procedure, whatever
/// answers to that. The mail stays where it is, for a person.
async fn not_understood(service: &Service, sent: &Sent, reply: &Reply, now: DateTime<Utc>) -> Result<(), Failure> {
    if reply.words.is_empty() || sent.procedure.is_empty() {
        return Ok(());
    }
    let page = service.procedure_url(&sent.procedure);
    let page = page.map(|page| format!(" Ou choisissez sur sa page : {page}")).unwrap_or_default();
    let body = format!(
        "{}\nVotre réponse « {} » n’a pas été comprise : rien n’est noté.\n{}Répondez par l’un de ces mots, seul : oui, non, trop loin, plus tard, rappel dans 5 jours, oui lot 2. « Stop » arrête tous les messages.{page}",
        subject(reply, "Votre réponse n’a pas été comprise"),
        short(&reply.words, 120),
        about(service, sent).await?
    );
    let once = Alert::word(AlertKind::Account, derived_id(&["not understood", &sent.address.id, &sent.procedure]));
    service.store.answer(&sent.address, &once, &sent.procedure, &body, now).await?;
    service.deliveries_queued.notify_one();
    Ok(())
}

/// The subject of the mail that answers another one: programs put mails of one subject together.
fn subject(reply: &Reply, otherwise: &str) -> String {
    let theirs = short(&reply.subject, MAX_SUBJECT);
    let bare = REPLIES.replace(&theirs, "");
    if bare.is_empty() { otherwise.to_owned() } else { format!("Re: {bare}") }
}

/// Which market an answer is about, as a line: answers may come days after the message.
async fn about(service: &Service, sent: &Sent) -> Result<String, StoreError> {
    let row = service.store.search_rows(std::slice::from_ref(&sent.procedure)).await?.pop();
    Ok(row.map(|row| format!("À propos de « {} ».\n", short(&row.title, 120))).unwrap_or_default())
}

async fn stop(service: &Service, sent: &Sent, how: &str) -> Result<Outcome, Failure> {
    stop_address(service, &sent.address.id, how).await?;
    Ok(Outcome::Stopped)
}

/// A decision, taken the way chats take it, and answered by mail.
async fn decide(
    service: &Service,
    mail: &str,
    sent: &Sent,
    (reply, word): (&Reply, &str),
    now: DateTime<Utc>,
) -> Result<Outcome, Failure> {
    let said = by_mail::say(service, sent, word).await?;
    if said.is_empty() {
        return Ok(Outcome::Left);
    }
    let word = short(word, 60);
    let subject = subject(reply, &format!("Votre réponse « {word} »"));
    let about = about(service, sent).await?;
    let body = format!("{subject}\nVotre réponse : « {word} ».\n{about}{}", said.join("\n"));
    answer(service, mail, sent, &body, now).await?;
    Ok(Outcome::Answered)
}

/// Answers at the address from which somebody wrote; the first line of `body` is the subject.
async fn answer(service: &Service, mail: &str, sent: &Sent, body: &str, now: DateTime<Utc>) -> Result<(), Failure> {
    service.store.answer(&sent.address, &word_of(mail), &sent.procedure, body, now).await?;
    service.deliveries_queued.notify_one();
    Ok(())
}

/// What a mail is answered by: the same mail is answered once.
fn word_of(mail: &str) -> Alert {
    Alert::word(AlertKind::Account, derived_id(&["mail", mail]))
}

/// What a member passes on becomes a lead of their structure, with its files. The lead itself is told like any market; a word comes
/// where there is more to say. `whole`: the mail was read to its end.
async fn on_lead(
    service: &Service,
    mail: &str,
    passed: &PassedOn,
    whole: bool,
    now: DateTime<Utc>,
) -> Result<Outcome, Failure> {
    if !is_genuine(service, &passed.authentication, &passed.from) {
        return Ok(Outcome::Left);
    }
    let Some(address) = service.store.mail_address_in_use(&passed.from).await? else { return Ok(Outcome::Left) };
    let Some(person) = service.store.subscriber(&address.subscriber).await? else { return Ok(Outcome::Left) };
    // The same mail passed on by two structures is a lead of each.
    let id = derived_id(&["mail", &passed.id, person.structure()]);
    let Some(notice) = passed_on(leads::SOURCE, &id, &passed.subject, &passed.text, passed.day) else {
        return Ok(Outcome::Left);
    };
    let title = short(&notice.title, 100);
    let (subject, said, procedure) = match leads::add(service, &person, notice).await? {
        Added::TooMany => return Ok(Outcome::Left),
        Added::Published { procedure, title, told } => {
            let told = if told { "le voici" } else { "il vous a déjà été signalé" };
            (
                "Avis déjà connu",
                format!("« {} » est un avis public que Vigie suit : {told}.", short(&title, 100)),
                procedure,
            )
        }
        Added::Brought { procedure, notice, new } => {
            let mut files: &[leads::File] = &passed.files;
            let mut cut = Attached::default();
            if !whole && let Some((last, before)) = files.split_last() {
                // What the end of a mail too long to be read cuts is no file.
                cut.left_out
                    .push((last.name.clone(), "le courriel est trop lourd ; ajoutez-la sur la page de la piste"));
                files = before;
            }
            let mut attached = leads::attach(service, &person, &notice, files).await?;
            attached.left_out.extend(cut.left_out);
            if new && attached.left_out.is_empty() {
                return Ok(Outcome::Lead);
            }
            let known = if new { "" } else { " Elle était déjà connue." };
            let files = attached.in_french();
            ("Piste enregistrée", format!("« {title} ».{known} {files}").trim_end().to_owned(), procedure)
        }
    };
    let page = service.procedure_url(&procedure).map(|page| format!(" Sa page : {page}")).unwrap_or_default();
    let body = format!("{subject}\n{said}{page}");
    service.store.answer(&address, &word_of(mail), &procedure, &body, now).await?;
    service.deliveries_queued.notify_one();
    Ok(Outcome::Lead)
}

/// How often the mailbox is looked at.
#[must_use]
pub fn every(service: &Service) -> Option<Pause> {
    service.settings.mailbox.as_ref().map(|m| Pause::from_secs(m.every_s.max(5)))
}

//! What a mail that came back is: an error report, an automatic answer, a person's answer, something passed on. Pure.
//!
//! Which message of ours it is about is proven by the token of its return address, else by the Message-ID it refers to: then
//! only for the address that got that message (whoever acts on it checks). Nothing in a mail is trusted beyond that.
//!
//! Whatever bytes come in, something comes out: a mail that its parser gives up is `Unreadable`. Whoever calls it stands behind
//! a boundary that survives a panic.

use std::sync::LazyLock;

use mail_parser::{Message, MessageParser, MessagePart, MimeHeaders, PartType};
use regex::Regex;
use vigie_notifier::channels::email::Email;
use vigie_notifier::channels::email::refusal::says_no_mailbox;
use vigie_service::answers::reading;
use vigie_service::leads::{File, MAX_FILE};
use vigie_watcher::boundary;
use vigie_watcher::sources::mailbox::{parse, text_of, text_with_addresses};
use vigie_watcher::zones;

use super::authentication;
use super::words::{self, Answer};

/// Most parts of a mail that are looked at.
const MAX_PARTS: usize = 50;
/// Longest text read, in bytes.
const MAX_TEXT: usize = 256 * 1024;
/// Most addresses of a header that are looked at.
const MAX_ADDRESSES: usize = 50;
/// Most characters kept of a server's words.
const MAX_WORDS: usize = 200;

// A server's answer in a line: `550 5.1.1 …`, `said: 550-…`, `#5.1.1`. No house number, no year, no telephone.
expression!(
    FAILURE,
    r"(?i)(\b[45]\d\d[ -]+#?[45]\.\d{1,3}\.\d{1,3}\b|[(#:]\s*[45]\.\d{1,3}\.\d{1,3}\b|\b(said|answered|error|erreur|reply|response|réponse|status|smtp;?)\b[^\n]{0,40}\b[45]\d\d\b|^\s*[45]\d\d[ -]\S)"
);
expression!(
    UNDELIVERED,
    r"(?i)(undeliver|non remis|non délivr|non distribu|delivery (status|failure|has failed|report)|failure notice|returned mail|mail delivery|échec|failed|rejet|retour|could not be delivered|non-delivery)"
);
expression!(
    STILL_TRYING,
    r"(?i)(delayed|\bretard\w*|différée?|warning: message|still being (retried|tried)|nouvelle tentative|will (continue to )?(be )?retr)"
);
expression!(
    AWAY,
    r"(?i)^\s*(réponse automatique|automatic reply|auto(matic)?[ -:]|absence du bureau|absent|out of office|accusé de réception|(je suis )?en congés?|répondeur|[\w .'’-]{2,60} est absent(\(e\)|e)?\b)"
);
expression!(
    AWAY_TEXT,
    r"(?i)\b(message|réponse|courriel|mail) automatique\b|\bautomat(ic|ed) (reply|response|message)\b"
);
expression!(FORWARDED, r"(?i)^\s*(fwd?|tr|wg|i)\s*:");
// A subject that says that the mail is a lead: « Piste : nettoyage des bureaux ».
expression!(LEAD, r"(?i)^\s*/?(?:piste|ajouter)\b\s*:?\s*");
expression!(
    FORWARD_MARK,
    r"(?im)^\s*(-{3,}\s*(forwarded message|message transf[ée]r[ée]|message d['’]origine|original message|mail transf[ée]r[ée])\s*-*|début du message (réexpédié|transféré)\s*:?|begin forwarded message\s*:?)\s*$"
);
expression!(OUTLOOK_MARK, r"(?im)^\s*\*?(de|from)\s*:\*?\s.+\n(.*\n){0,2}\s*\*?(envoyé|sent|date)\s*:");
/// Lines that say who else got a mail.
static RECIPIENTS: LazyLock<Regex> = {
    #[expect(clippy::unwrap_used, reason = "a constant, compiled by a test")]
    fn made() -> Regex {
        Regex::new(r"(?im)^\s*\*?(à|a|to|cc|cci|bcc)\s*:\*?\s.*$").unwrap()
    }
    LazyLock::new(made)
};

/// What a mail is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Mail {
    /// A server's report about a message of ours.
    Report(Report),
    /// A reader's complaint (RFC 5965) about that message of ours, proven by its token.
    Complaint(String),
    /// Written by no human: an absence, a receipt, a newsletter, a mail of our own.
    Automatic,
    /// A person answers a message of ours.
    Reply(Reply),
    /// A person passes something on.
    PassedOn(PassedOn),
    /// None of these: for a human.
    Other,
    /// It cannot be read.
    Unreadable(&'static str),
}

/// A report (RFC 3464), or what comes closest.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Report {
    /// The message of ours.
    pub delivery: String,
    /// Known by the token; else by the Message-ID.
    pub proven: bool,
    /// Addresses whose verdict this is; empty where the report names none.
    pub recipients: Vec<String>,
    /// What it says.
    pub verdict: Verdict,
    /// The server's words, without addresses.
    pub words: String,
}

/// What became of a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Verdict {
    /// Still under way, delivered, passed on: nothing to do.
    Fine,
    /// Not delivered this time: full, too large, a matter of policy, given up after days.
    Soft,
    /// Refused for good: there is no such mailbox.
    Hard,
}

/// An answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reply {
    /// The message of ours.
    pub delivery: String,
    /// Known by the token; else by the Message-ID.
    pub proven: bool,
    /// Who says they wrote.
    pub from: String,
    /// Its Message-ID; empty where it has none.
    pub id: String,
    /// Its subject.
    pub subject: String,
    /// Its own words; empty where there are none, or too many to be read by anybody but a person.
    pub words: String,
    /// What it says.
    pub answer: Answer,
    /// Whether documents came with it: [`documents`] gives them.
    pub has_documents: bool,
    /// `Authentication-Results` that stand above it.
    pub authentication: Vec<String>,
}

/// Something passed on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PassedOn {
    /// Who says they wrote.
    pub from: String,
    /// Its Message-ID.
    pub id: String,
    /// Its subject.
    pub subject: String,
    /// What was passed on, without who else got it.
    pub text: String,
    /// Files that came with it.
    pub files: Vec<File>,
    /// The day, in Paris.
    pub day: Option<chrono::NaiveDate>,
    /// `Authentication-Results` that stand above it.
    pub authentication: Vec<String>,
}

/// Reads a mail.
#[must_use]
pub fn read(bytes: &[u8], email: &Email) -> Mail {
    let mail = match parse(bytes) {
        Ok(mail) => mail,
        Err(why) => return Mail::Unreadable(why),
    };
    if mail.headers().is_empty() {
        return Mail::Unreadable("courriel sans en-têtes");
    }
    let token = by_token(&mail, email);
    let is_status = |p: &&MessagePart<'_>| {
        // RFC 3464, and RFC 6533 for addresses beyond ASCII.
        is_type(p, "message", "delivery-status") || is_type(p, "message", "global-delivery-status")
    };
    if let Some(part) = mail.parts.iter().take(MAX_PARTS).find(is_status) {
        let about = token.map(|d| (d, true)).or_else(|| returned(&mail, email).map(|d| (d, false)));
        let Some((delivery, proven)) = about else { return Mail::Other };
        let fields = String::from_utf8_lossy(part.contents()).into_owned();
        let found = report(delivery, proven, &fields).filter(speaks_of_somebody);
        return found.map_or(Mail::Unreadable("rapport d’erreur sans état ou sans destinataire"), Mail::Report);
    }
    // Anybody can write a complaint: one without our token is for whoever looks after the installation.
    if mail.parts.iter().take(MAX_PARTS).any(|p| is_type(p, "message", "feedback-report")) {
        return token.map_or(Mail::Other, Mail::Complaint);
    }
    let from = sender(&mail);
    let text = cut(text_of(&mail));
    if let Some((delivery, proven)) =
        token.clone().map(|d| (d, true)).or_else(|| copied(&text, email).map(|d| (d, false)))
        && from_a_server(&mail, &from, &text)
    {
        let recipients = if proven { Vec::new() } else { failed(&mail, &text) };
        let report = plain_report(delivery, mail.subject().unwrap_or_default(), &text);
        let report = Report { proven, recipients, ..report };
        if speaks_of_somebody(&report) {
            return Mail::Report(report);
        }
    }
    if automatic(&mail, &from, email) {
        return Mail::Automatic;
    }
    let subject = mail.subject().unwrap_or_default();
    let about = token.map(|d| (d, true)).or_else(|| referred(&mail, email).map(|d| (d, false)));
    if let Some((delivery, proven)) = about {
        let text = cut(text_of(&mail));
        let said = words::said(&text);
        if AWAY_TEXT.is_match(&said) {
            return Mail::Automatic;
        }
        let answer = words::answer(subject, &text);
        let authentication = authentication_results(&mail);
        let words = if reading::is_short(&said) { said } else { String::new() };
        let subject = subject.to_owned();
        let has_documents = mail.attachments().take(MAX_PARTS).any(is_document);
        let id = mail.message_id().unwrap_or_default().to_owned();
        return Mail::Reply(Reply {
            delivery,
            proven,
            from,
            id,
            subject,
            words,
            answer,
            has_documents,
            authentication,
        });
    }
    passed_on(&mail, from, subject).map_or(Mail::Other, Mail::PassedOn)
}

/// Unproven, a report speaks of the addresses that it names, and of none where it names none.
fn speaks_of_somebody(report: &Report) -> bool {
    report.proven || !report.recipients.is_empty()
}

fn cut(mut text: String) -> String {
    text.truncate(text.floor_char_boundary(MAX_TEXT));
    text
}

fn is_type(part: &MessagePart<'_>, kind: &str, sub: &str) -> bool {
    part.content_type().is_some_and(|t| {
        t.ctype().eq_ignore_ascii_case(kind) && t.subtype().is_some_and(|s| s.eq_ignore_ascii_case(sub))
    })
}

fn sender(mail: &Message<'_>) -> String {
    mail.from().and_then(|f| f.first()).and_then(|a| a.address()).unwrap_or_default().trim().to_lowercase()
}

/// Every address to which the mail went, as far as its headers say.
fn by_token(mail: &Message<'_>, email: &Email) -> Option<String> {
    let path = email.return_path()?;
    let lists = [mail.to(), mail.cc()];
    let named = lists.into_iter().flatten().flat_map(|l| l.iter().take(MAX_ADDRESSES)).filter_map(|a| a.address());
    let found = named.filter_map(|a| path.delivery(a)).next().map(str::to_owned);
    found.or_else(|| {
        ["Delivered-To", "X-Original-To", "Envelope-To", "X-Envelope-To"]
            .into_iter()
            .flat_map(|name| raw(mail, name))
            .find_map(|value| path.delivery(value.trim().trim_matches(['<', '>'])).map(str::to_owned))
    })
}

/// The values of a header, as written.
fn raw<'a>(mail: &'a Message<'_>, name: &'a str) -> impl Iterator<Item = &'a str> {
    mail.headers_raw().filter(move |(n, _)| n.eq_ignore_ascii_case(name)).map(|(_, v)| v.trim())
}

/// The message of ours that a mail answers, by its references.
fn referred(mail: &Message<'_>, email: &Email) -> Option<String> {
    let ids = |name: &'static str| {
        raw(mail, name).flat_map(str::split_whitespace).filter_map(|id| email.delivery_of(id)).map(str::to_owned).last()
    };
    ids("In-Reply-To").or_else(|| ids("References"))
}

/// The message of ours that a report gives back.
fn returned(mail: &Message<'_>, email: &Email) -> Option<String> {
    let of = |m: &Message<'_>| m.message_id().and_then(|id| email.delivery_of(id)).map(str::to_owned);
    mail.parts.iter().take(MAX_PARTS).find_map(|part| match &part.body {
        PartType::Message(inner) => of(inner),
        _ if is_type(part, "text", "rfc822-headers") || is_type(part, "message", "rfc822-headers") => {
            MessageParser::default().parse(part.contents()).as_ref().and_then(of)
        }
        _ => None,
    })
}

// The address of a page.
expression!(ANY_LINK, r"https?://[^\s<>]+");
// Our message's name in the copy that a report of plain text holds.
expression!(COPIED_ID, r"(?im)^\s*>?\s*message-id:\s*(<[^<>\s]{3,200}>)");
// Addresses of the words above that copy.
expression!(ADDRESS, r"[\w.+%-]+@[\w-]+(?:\.[\w-]+)+");

/// The message of ours whose copy stands in a report's text.
fn copied(text: &str, email: &Email) -> Option<String> {
    COPIED_ID.captures_iter(text).take(MAX_PARTS).find_map(|c| email.delivery_of(&c[1]).map(str::to_owned))
}

/// The addresses that a report of plain text says have failed: its header, else those above the copy of the message.
fn failed(mail: &Message<'_>, text: &str) -> Vec<String> {
    let named: Vec<String> = raw(mail, "X-Failed-Recipients")
        .flat_map(|v| v.split(','))
        .map(|a| a.trim().to_lowercase())
        .filter(|a| a.contains('@'))
        .take(MAX_ADDRESSES)
        .collect();
    if !named.is_empty() {
        return named;
    }
    let end = COPIED_ID.find(text).map_or(text.len(), |m| m.start());
    let above = text.get(..end).unwrap_or(text);
    ADDRESS.find_iter(above).map(|m| m.as_str().to_lowercase()).take(MAX_ADDRESSES).collect()
}

/// A report's verdict on the recipients that fared worst, and these recipients alone: what befalls a member of a list, or an
/// address that mail is passed on to, is nothing said of the address that we wrote to.
fn report(delivery: String, proven: bool, fields: &str) -> Option<Report> {
    let fields = fields.replace("\r\n", "\n");
    let mut found: Option<Report> = None;
    for block in fields.split("\n\n").filter(|b| !b.trim().is_empty()).take(MAX_PARTS) {
        let text = format!("{}\n\n", block.trim());
        let Some(block) = MessageParser::default().parse(text.as_bytes()) else { continue };
        let field = |name: &str| raw(&block, name).next().map(unfolded);
        let Some(action) = field("Action") else { continue };
        let recipient = field("Final-Recipient").or_else(|| field("Original-Recipient"));
        let recipient = recipient.map(|v| {
            let address = v.rsplit(';').next().unwrap_or_default();
            address.trim().trim_matches(['<', '>']).to_lowercase()
        });
        let diagnostic = field("Diagnostic-Code").unwrap_or_default();
        let status = field("Status").unwrap_or_default();
        let verdict = verdict(&action.to_lowercase(), &status, &diagnostic);
        match &mut found {
            Some(known) if known.verdict > verdict => {}
            Some(known) if known.verdict == verdict => known.recipients.extend(recipient),
            _ => {
                let words = without_addresses(&format!("{status} {diagnostic}"));
                let (delivery, recipients) = (delivery.clone(), recipient.into_iter().collect());
                found = Some(Report { delivery, proven, recipients, verdict, words });
            }
        }
    }
    found
}

fn unfolded(value: &str) -> String {
    value.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// For good only where the words or codes speak of the mailbox itself ([`says_no_mailbox`]).
fn verdict(action: &str, status: &str, diagnostic: &str) -> Verdict {
    if !action.starts_with("failed") {
        Verdict::Fine
    } else if says_no_mailbox(status, diagnostic) {
        Verdict::Hard
    } else {
        Verdict::Soft
    }
}

/// A report in the words of a server that knows no RFC 3464.
fn plain_report(delivery: String, subject: &str, text: &str) -> Report {
    let lines: Vec<&str> = text.lines().collect();
    let at = lines.iter().position(|l| FAILURE.is_match(l));
    // The words of a code may go on in the next line.
    let said = at.map_or_else(String::new, |i| lines[i..(i + 2).min(lines.len())].join(" "));
    let verdict = if STILL_TRYING.is_match(subject) || STILL_TRYING.is_match(text) && at.is_none() {
        Verdict::Fine
    } else if says_no_mailbox("", &said) {
        Verdict::Hard
    } else {
        Verdict::Soft
    };
    let words = if said.is_empty() { "rapport d’erreur sans code" } else { &said };
    Report { delivery, proven: true, recipients: Vec::new(), verdict, words: without_addresses(words) }
}

fn without_addresses(words: &str) -> String {
    let words = words.split_whitespace().map(|w| if w.contains('@') { "[adresse]" } else { w });
    words.collect::<Vec<_>>().join(" ").chars().filter(|c| !c.is_control()).take(MAX_WORDS).collect()
}

/// Sent by a mail server about a message: its own sender, or none at all and the code of a failure. An absence is sent without
/// a sender too (RFC 3834 §3.3), from the address of the absent.
fn from_a_server(mail: &Message<'_>, from: &str, text: &str) -> bool {
    let local = from.split('@').next().unwrap_or_default();
    let daemon = ["mailer-daemon", "postmaster", "mdaemon", "mail-daemon", "mailerdaemon"].contains(&local);
    let nobody = sent_by_nobody(mail);
    let fails = FAILURE.is_match(text);
    let undelivered = || mail.subject().is_some_and(|s| UNDELIVERED.is_match(s) || STILL_TRYING.is_match(s));
    !away(mail) && (daemon && (fails || undelivered()) || nobody && fails && undelivered())
}

/// No sender in the envelope: nothing that a person writes by hand.
fn sent_by_nobody(mail: &Message<'_>) -> bool {
    raw(mail, "Return-Path").next().is_some_and(|v| v.trim() == "<>")
}

fn away(mail: &Message<'_>) -> bool {
    mail.subject().is_some_and(|s| AWAY.is_match(s))
}

/// Written by no human (RFC 3834), or by ourselves.
fn automatic(mail: &Message<'_>, from: &str, email: &Email) -> bool {
    let has = |name: &str| raw(mail, name).next().is_some();
    let says =
        |name: &str, words: &[&str]| raw(mail, name).any(|v| words.iter().any(|w| v.to_lowercase().starts_with(w)));
    let submitted = raw(mail, "Auto-Submitted").next().map(|v| !v.to_lowercase().starts_with("no"));
    if submitted == Some(false) && !sent_by_nobody(mail) && !away(mail) && !from.eq_ignore_ascii_case(email.sender()) {
        return from.is_empty(); // it says itself that a person wrote it, whatever its server adds
    }
    submitted.unwrap_or_default()
        || says("Precedence", &["bulk", "junk", "list", "auto_reply"])
        || ["X-Autoreply", "X-Autorespond", "X-Autoresponder", "List-Id"].into_iter().any(has)
        || mail.parts.iter().take(MAX_PARTS).any(|p| is_type(p, "message", "disposition-notification"))
        || away(mail)
        || sent_by_nobody(mail)
        || from.is_empty()
        || from.eq_ignore_ascii_case(email.sender())
}

/// What a person passes on: the mail below the mark of forwarding, the mail attached, or what they say is a lead.
fn passed_on(mail: &Message<'_>, from: String, subject: &str) -> Option<PassedOn> {
    let attached = mail.parts.iter().take(MAX_PARTS).find_map(|p| match &p.body {
        PartType::Message(inner) => Some(inner),
        _ => None,
    });
    // The address of what is passed on may stand in the HTML alone.
    let with_link = |m: &Message<'_>| cut(text_with_addresses(m, |text| ANY_LINK.is_match(text)));
    let own = with_link(mail);
    let (title, text) = match attached {
        Some(inner) => (inner.subject().unwrap_or(subject), with_link(inner)),
        None => match LEAD.find(subject) {
            Some(mark) => (&subject[mark.end()..], words::said(&own)),
            None => (subject, below_mark(&own).or_else(|| FORWARDED.is_match(subject).then(|| words::said(&own)))?),
        },
    };
    let text = RECIPIENTS.replace_all(&text, "").trim().to_owned();
    if title.trim().is_empty() && text.is_empty() {
        return None;
    }
    let day = mail.date().and_then(|d| chrono::DateTime::from_timestamp(d.to_timestamp(), 0)).map(zones::paris_day);
    Some(PassedOn {
        from,
        id: mail.message_id().map_or_else(|| title.to_owned(), str::to_owned),
        subject: title.to_owned(),
        text,
        files: std::iter::once(mail).chain(attached).flat_map(files).take(MAX_PARTS).collect(),
        day,
        authentication: authentication_results(mail),
    })
}

/// The files of a mail: what has a name, but for the pictures that its text shows.
fn files<'m>(mail: &'m Message<'_>) -> impl Iterator<Item = File> + 'm {
    let of_text = |part: &MessagePart<'_>| {
        let picture = part.content_type().is_some_and(|t| t.ctype().eq_ignore_ascii_case("image"));
        let inline = part.content_disposition().is_some_and(mail_parser::ContentType::is_inline);
        picture && (inline || part.content_id().is_some())
    };
    mail.attachments().take(MAX_PARTS).filter(move |part| !of_text(part)).filter_map(|part| {
        let name = part.attachment_name()?.to_owned();
        // One byte more than is kept tells that it is too long.
        let content = part.contents().iter().take(MAX_FILE + 1).copied().collect();
        Some(File { name, content })
    })
}

/// Whether a part may be a piece of a consultation: no picture, no signature, no invitation, no mail.
fn is_document(part: &MessagePart<'_>) -> bool {
    let other = part.content_type().is_some_and(|t| {
        let sub = t.subtype().unwrap_or_default().to_ascii_lowercase();
        t.ctype().eq_ignore_ascii_case("image")
            || t.ctype().eq_ignore_ascii_case("message")
            || ["calendar", "ics", "pkcs7-signature", "x-pkcs7-signature", "pgp-signature", "vcard"]
                .contains(&sub.as_str())
    });
    part.attachment_name().is_some() && !other
}

/// The documents of a mail that was read whole; parsed behind the boundary, as every mail is.
#[must_use]
pub fn documents(bytes: &[u8]) -> Vec<File> {
    boundary::read_whole(bytes.len(), || documents_in(bytes)).unwrap_or_default()
}

fn documents_in(bytes: &[u8]) -> Vec<File> {
    let Ok(mail) = parse(bytes) else { return Vec::new() };
    let documents = mail.attachments().take(MAX_PARTS).filter(|part| is_document(part));
    documents
        .map(|part| File {
            name: part.attachment_name().unwrap_or_default().to_owned(),
            content: part.contents().to_vec(),
        })
        .collect()
}

/// What servers say of who wrote it, topmost first.
fn authentication_results(mail: &Message<'_>) -> Vec<String> {
    raw(mail, "Authentication-Results").map(unfolded).take(MAX_PARTS).collect()
}

fn below_mark(text: &str) -> Option<String> {
    let mark = FORWARD_MARK.find(text).map(|m| m.end()).or_else(|| OUTLOOK_MARK.find(text).map(|m| m.start()))?;
    text.get(mark..).map(|t| t.trim().to_owned())
}

/// Whether the receiving server says that the sender is who they say.
#[must_use]
pub fn is_genuine(authentication: &[String], server: &str, from: &str) -> bool {
    authentication.first().is_some_and(|topmost| authentication::is_aligned(topmost, server, from))
}

#[cfg(test)]
mod tests;

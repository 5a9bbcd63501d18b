//! Targets for what publishers, mail programs and servers send: pages, feeds, records, mails, dates.
//!
//! Sources are polled whole, through a fetcher that answers from memory: a reader that panics shows in the error of the poll,
//! which is looked for here.

use chrono::{DateTime, Datelike, FixedOffset, Utc};
use chrono_tz::Europe::Paris;
use futures_util::FutureExt;
use secrecy::SecretString;
use serde_json::Value;
use vigie_bot::roles::mailbox::read::{Mail, read};
use vigie_bot::roles::mailbox::words;
use vigie_config::settings;
use vigie_conversation::refine;
use vigie_domain::{Filter, Notice};
use vigie_notifier::channels::email::Email;
use vigie_watcher::classify::{self, when};
use vigie_watcher::fetch::Fetcher;
use vigie_watcher::sources::{self, Memory, Page, SourceError, boamp, decp, eforms};
use vigie_watcher::{html, tree};

use super::text;

/// Where sources are said to be.
const PLACE: &str = "https://source.example/";
/// Longest text that is judged: judging costs more than reading, and is tried by a target of its own.
const MAX_JUDGED: usize = 8 * 1024;
/// The message of ours that mails are about.
const DELIVERY: &str = "0123456789abcdef01234567";

fn now() -> DateTime<Utc> {
    DateTime::from_timestamp(1_800_000_000, 0).unwrap_or_default()
}

/// Words from outside, as words: no longer than their markup, and read the same twice.
pub(super) fn markup(bytes: &[u8]) {
    let page = text(bytes);
    let words = html::plain_text(&page);
    assert!(words.len() <= page.len() * 2 + 2, "{} bytes became {}", page.len(), words.len());
    assert_eq!(words, html::plain_text(&page));
    let _ = html::text_with_links(&page);
    let tree = html::parse(&page);
    let whole = html::outer_html(tree.html.root_element(), page.len());
    assert!(whole.len() <= page.len() + 4, "{} bytes of a page of {}", whole.len(), page.len());
    let _ = html::text_of_element(tree.html.root_element(), page.len());
}

/// What is a tree is one that is written and read again without a change.
pub(super) fn xml(bytes: &[u8]) {
    let Ok(read) = tree::from_xml(bytes) else { return };
    assert!(depth(&read) <= 210, "{} levels", depth(&read));
    assert_eq!(tree::from_xml(bytes).ok().as_ref(), Some(&read));
    let _ = tree::text(&read, "a/b/c");
}

fn depth(value: &Value) -> usize {
    match value {
        Value::Object(fields) => 1 + fields.values().map(depth).max().unwrap_or_default(),
        Value::Array(many) => many.iter().map(depth).max().unwrap_or_default(),
        _ => 1,
    }
}

/// Asks a source for what stands in memory. A reader that panicked fails the target.
fn poll(block: &settings::Source, memory: &Memory, bytes: &[u8]) -> Option<Page> {
    let source = sources::kind(&block.kind).and_then(|kind| (kind.build)(block).ok())?;
    let kept = bytes.to_vec();
    let fetcher = Fetcher::Bundled(Box::new(move |_| Some(kept.clone())));
    let polled = sources::poll(source.as_ref(), &fetcher, memory, now()).now_or_never();
    match polled {
        None => panic!("a source that waits for what is in memory"),
        Some(Ok(page)) => {
            for bad in &page.bad {
                let failed = bad.reason.contains("lecture") && bad.reason.contains("a échoué");
                assert!(!failed, "{}", bad.reason);
            }
            well_made(&page.notices);
            Some(page)
        }
        Some(Err(e)) => {
            assert!(!matches!(&e, SourceError::Unexpected { what, .. } if what.contains("la lecture a échoué")), "{e}");
            None
        }
    }
}

/// What holds of every notice read: it has a name, nothing invisible, and no date that no calendar on a wall has.
fn well_made(notices: &[Notice]) {
    for notice in notices {
        assert!(!notice.record_id.is_empty());
        assert!(notice.dates.iter().all(|d| (1900..2200).contains(&d.at.year())), "{:?}", notice.dates);
        assert!(notice.published.is_none_or(|d| (1900..2200).contains(&d.year())), "{:?}", notice.published);
        assert!(!notice.title.chars().any(|c| matches!(c, '\u{200b}' | '\u{202e}' | '\0')), "{:?}", notice.title);
    }
}

/// A notice that a parser made by itself, its texts cleaned as every page of a source is.
fn parsed(mut notice: Notice) -> Notice {
    notice.clean_texts();
    well_made(std::slice::from_ref(&notice));
    notice
}

fn block(kind: &str) -> settings::Source {
    settings::Source::new("s", kind, Some(PLACE), settings::Baseline::Deliver)
}

/// The entries of a feed have one name each, and at the second look none of them is new.
pub(super) fn feed(bytes: &[u8]) {
    let Some(first) = poll(&block("feed"), &Memory::default(), bytes) else { return };
    let mut once: Vec<&str> = first.notices.iter().map(|n| n.record_id.as_str()).collect();
    once.sort_unstable();
    once.dedup();
    assert_eq!(once.len(), first.notices.len(), "one name for two");
    let Some(second) = poll(&block("feed"), &first.memory, bytes) else { panic!("read once, and not twice") };
    assert_eq!((second.notices.len(), second.unchanged), (0, first.notices.len()), "news at the second look");
}

/// A selector and the page that it is tried on, parted by `\u{1}`.
pub(super) fn selector(bytes: &[u8]) {
    let input = text(bytes);
    let (css, page) = input.split_once('\u{1}').unwrap_or((&input, "<ul><li><a href=/1>Un</a></li></ul>"));
    let mut fields = toml::Table::new();
    fields.insert("title".into(), css.into());
    fields.insert("link".into(), "a@href".into());
    let mut list = toml::Table::new();
    list.insert("items".into(), css.into());
    list.insert("fields".into(), fields.into());
    // What the site would say about programs is not asked for.
    let portal = block("portal").with("list", list).with("permission", "accord du 1er janvier");
    poll(&portal, &Memory::default(), page.as_bytes());
}

fn judged(notice: &Notice) {
    let size: usize = notice.passages.iter().map(|p| p.text.len()).sum::<usize>() + notice.title.len();
    if size > MAX_JUDGED {
        return;
    }
    let verdict = classify::classify(notice);
    for provision in &verdict.provisions {
        assert!(provision.evidence.quote.is_some() || provision.evidence.field.is_some(), "{provision:?}");
    }
    assert!(verdict.dates.iter().all(|d| (1900..2200).contains(&d.at.year())), "{:?}", verdict.dates);
    assert!(verdict.score <= 100);
}

/// An eForms document, as TED publishes it and as BOAMP does.
pub(super) fn eforms_notice(bytes: &[u8]) {
    let Ok(tree) = tree::from_xml(bytes) else { return };
    if let Ok(notice) = eforms::from_tree(&tree) {
        judged(&parsed(notice));
    }
    if let Ok(notice) = boamp::from_xml_tree(&tree) {
        parsed(notice);
    }
    let record = serde_json::json!({"idweb": "26-1", "donnees": tree.to_string()});
    if let Ok(notice) = boamp::from_json(&record) {
        parsed(notice);
    }
}

/// Rows of the consolidated table, and files in the official shape.
pub(super) fn decp_rows(bytes: &[u8]) {
    poll(&block("decp"), &Memory::default(), bytes);
    if let Ok(tree) = serde_json::from_slice::<Value>(bytes) {
        decp::from_tree(&tree).into_iter().for_each(|notice| drop(parsed(notice)));
    }
}

/// Records of BOAMP's interface.
pub(super) fn boamp_records(bytes: &[u8]) {
    let Ok(tree) = serde_json::from_slice::<Value>(bytes) else { return };
    for record in boamp::records(&tree) {
        if let Ok(notice) = boamp::from_json(record) {
            parsed(notice);
        }
    }
}

fn email() -> Email {
    let made = toml::from_str("host = 'localhost'\nfrom = 'Vigie <vigie@vigie.example>'")
        .map_err(|e| e.to_string())
        .and_then(|block| Email::new(&block, None).map_err(|e| e.to_string()))
        .and_then(|email| {
            let key = SecretString::from("une clef de seize octets");
            email.with_return_path("retours+*@vigie.example", &key, true).map_err(|e| e.to_string())
        });
    made.unwrap_or_else(|e| panic!("{e}"))
}

/// A mail as it stands in the mailbox. Without our token it proves nothing.
pub(super) fn mail(bytes: &[u8]) {
    let email = email();
    match read(bytes, &email) {
        Mail::Report(report) => {
            assert!(!report.words.contains('@') && report.words.chars().count() <= 200, "{}", report.words);
            assert!(report.proven || !report.recipients.is_empty() || text(bytes).contains(DELIVERY));
        }
        Mail::Reply(reply) => assert!(!reply.proven, "proven without a token"),
        Mail::PassedOn(passed) => {
            if let Some(notice) =
                sources::mailbox::passed_on("s", &passed.id, &passed.subject, &passed.text, passed.day)
            {
                assert!(!notice.title.trim().is_empty());
            }
        }
        Mail::Complaint(_) => panic!("proven without a token"),
        Mail::Automatic | Mail::Other | Mail::Unreadable(_) => {}
    }
}

/// What a person writes above what they answer. What is quoted says nothing, whatever it says.
pub(super) fn answer(bytes: &[u8]) {
    let said = text(bytes);
    let read = words::answer("Re: Nettoyage", &said);
    assert_eq!(read, words::answer("Re: Nettoyage", &said));
    if let words::Answer::Word(word) = &read {
        assert!(word.starts_with('/') || vigie_service::answers::action::words(word).is_some(), "{word}");
    }
    let quoted: String = said.lines().map(|line| format!("> {line}\n")).collect();
    assert_eq!(words::said(&quoted), "", "a quote speaks");
    assert_eq!(words::answer("Re: Nettoyage", &quoted), words::Answer::Unclear);
}

/// The fields of a delivery status, in a mail that bears our token.
pub(super) fn report(bytes: &[u8]) {
    let email = email();
    let Some(to) = email.return_path().map(|path| path.of(DELIVERY)) else { panic!("no return path") };
    let mut mail = format!(
        "From: MAILER-DAEMON@mx.example\r\nTo: {to}\r\nSubject: Undelivered\r\nMIME-Version: 1.0\r\nContent-Type: multipart/report; report-type=delivery-status; boundary=frontiere-27\r\n\r\n--frontiere-27\r\nContent-Type: message/delivery-status\r\n\r\n"
    )
    .into_bytes();
    mail.extend_from_slice(bytes);
    mail.extend_from_slice(b"\r\n--frontiere-27--\r\n");
    if let Mail::Report(report) = read(&mail, &email) {
        assert!(!report.words.contains('@') && report.words.chars().count() <= 200, "{}", report.words);
    }
}

/// A moment as publishers write it is read the same when we write it.
pub(super) fn date(bytes: &[u8]) {
    let written = text(bytes);
    let Some((at, has_time)) = when::written(&written, Paris) else { return };
    assert!((1900..2200).contains(&at.year()), "{at}");
    // A day alone ends in the clock of whoever wrote it: of its moment, the day is what we write.
    let shown = |at: DateTime<FixedOffset>, timed: bool| {
        let form = if timed { "%d/%m/%Y %H:%M" } else { "%d/%m/%Y" };
        (at.with_timezone(&Paris).format(form).to_string(), timed)
    };
    let (ours, _) = shown(at, has_time);
    let again = when::written(&ours, Paris).map(|(again, timed)| shown(again, timed));
    assert_eq!(again, Some(shown(at, has_time)), "{ours}");
    let _ = when::day(&written);
}

/// Conditions of a subscription, one a line: what is kept can match, and is kept as it was.
pub(super) fn filter(bytes: &[u8]) {
    let mut filter = Filter::default();
    for line in text(bytes).lines().take(20) {
        if let Some(narrower) = refine::add(&filter, line) {
            filter = narrower;
        }
    }
    assert!(filter.faults().is_empty(), "{:?}", filter.faults());
    let kept = serde_json::to_string(&filter).unwrap_or_default();
    assert_eq!(serde_json::from_str::<Filter>(&kept).ok().as_ref(), Some(&filter), "{kept}");
}

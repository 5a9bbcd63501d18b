//! A document as feed-rs reads it; where it cannot, entry by entry, so that one that is written wrong costs itself alone.
//!
//! Dates that no standard knows are read by the grammar of dates that everything else is read by.

use std::borrow::Cow;
use std::sync::LazyLock;

use chrono::{DateTime, Utc};
use feed_rs::model::Entry;
use feed_rs::parser::Builder;
use quick_xml::Reader;
use quick_xml::events::Event;
use regex::Regex;
use serde_json::{Value, json};
use url::Url;

use super::{MAX_ENTRIES, explain, foreign_dates};
use crate::boundary;
use crate::classify::when;
use crate::zones;

/// What was read.
pub(super) struct Read {
    pub(super) entries: Vec<Entry>,
    /// The publisher's `ttl`, in minutes.
    pub(super) ttl: Option<u32>,
    /// Entries that could not be read: their number, why, and what they are.
    pub(super) bad: Vec<(usize, String, String)>,
}

/// Reads a document whose size and shape are bounded (`tree::check`).
///
/// # Errors
/// Says in French why nothing of it can be read.
pub(super) fn read(text: &str, base: &Url) -> Result<Read, String> {
    let whole = |text: &str| parse(base, text).map(|feed| (feed.entries, feed.ttl));
    let entry = |document: &str| whole(document).map(|(entries, _)| entries);
    let text = behind_noise(text);
    if !text.trim_start().starts_with('<') {
        return match whole(text) {
            Ok((entries, ttl)) => Ok(Read { entries, ttl, bad: Vec::new() }),
            Err(why) => {
                let mended = vigie_domain::json::mended(text.as_bytes()).and_then(|b| String::from_utf8(b).ok());
                json_one_by_one(mended.as_deref().unwrap_or(text), entry).ok_or(why)
            }
        };
    }
    let text = with_todays_atom(text);
    let text = with_known_names(&text);
    let text = &without_strange_namespace(&text);
    let text = &without_pictures(text);
    match whole(text) {
        // A document that holds entries of which none is read is read wrong.
        Ok((entries, _)) if entries.is_empty() && ENTRY.is_match(text) => {
            one_by_one(text, entry).ok_or_else(|| "flux dont aucune entrée ne peut être lue".to_owned())
        }
        Ok((entries, ttl)) => Ok(Read { entries, ttl, bad: Vec::new() }),
        Err(why) => one_by_one(text, entry).ok_or(why),
    }
}

static ENTRY: LazyLock<Regex> = LazyLock::new(|| constant(r"<(?:\w+:)?(item|entry)[\s>/]"));
static MEDIA_RSS: LazyLock<Regex> = LazyLock::new(|| constant(r"</?media:(?:content|thumbnail|group)\b[^>]*>"));
static ROOT: LazyLock<Regex> = LazyLock::new(|| constant(r"(?i)<\?xml\s|<rss[\s>]|<feed[\s>]|<rdf:RDF[\s>]"));
static SHOUTED_ITEM: LazyLock<Regex> = LazyLock::new(|| constant(r"<(?:ITEM|Item)[\s>]"));
static SHOUTED_VERSION: LazyLock<Regex> = LazyLock::new(|| constant(r"(?i)(<rss\b[^>]*?\s)version\s*="));
static RSS_ELEMENT: LazyLock<Regex> = LazyLock::new(|| {
    constant(r"(?i)(</?)(rss|channel|item|title|link|description|pubdate|guid|category|author|ttl|enclosure)\b")
});
static RSS_NAMESPACE: LazyLock<Regex> =
    LazyLock::new(|| constant(r#"(<rss\b[^>]*?)\sxmlns\s*=\s*(?:"[^"]*"|'[^']*')"#));

static OLD_ATOM: LazyLock<Regex> = LazyLock::new(|| constant(r"(</?(?:\w+:)?)(issued|modified|tagline)\b"));
static OLD_TYPE: LazyLock<Regex> = LazyLock::new(|| {
    constant(r#"(<(?:\w+:)?(?:title|summary|content)\b[^>]*?\s)type\s*=\s*["']text/(html|plain)["']"#)
});

#[expect(clippy::unwrap_used, reason = "constants, compiled by a test")]
fn constant(expression: &str) -> Regex {
    Regex::new(expression).unwrap()
}

/// Atom as it was before it was a standard (0.3) says the same in other names.
fn with_todays_atom(text: &str) -> Cow<'_, str> {
    const OLD: &str = "http://purl.org/atom/ns#";
    if !text.contains(OLD) {
        return Cow::Borrowed(text);
    }
    let text = text.replace(OLD, "http://www.w3.org/2005/Atom");
    let named = OLD_ATOM.replace_all(&text, |found: &regex::Captures<'_>| {
        let name = match &found[2] {
            "issued" => "published",
            "modified" => "updated",
            _ => "subtitle",
        };
        format!("{}{name}", &found[1])
    });
    let typed = OLD_TYPE.replace_all(&named, |found: &regex::Captures<'_>| {
        format!("{}type=\"{}\"", &found[1], if &found[2] == "html" { "html" } else { "text" })
    });
    Cow::Owned(typed.into_owned())
}

/// RSS 2.0 has no namespace: a default one that a publisher writes there (Atom's, usually) makes its elements somebody else's.
fn without_strange_namespace(text: &str) -> Cow<'_, str> {
    RSS_NAMESPACE.replace(text, "$1")
}

/// The library gives up enclosures, which are documents, for elements of Media RSS, which are pictures: those are left out where
/// there are enclosures.
fn without_pictures(text: &str) -> Cow<'_, str> {
    if text.contains("<enclosure") { MEDIA_RSS.replace_all(text, "") } else { Cow::Borrowed(text) }
}

/// The document without what its server printed before it: a warning of PHP, usually.
fn behind_noise(text: &str) -> &str {
    match ROOT.find(text) {
        Some(root) => &text[root.start()..],
        None => text,
    }
}

/// The elements of RSS are written in small letters; some publishers shout them.
fn with_known_names(text: &str) -> Cow<'_, str> {
    if !SHOUTED_ITEM.is_match(text) {
        return Cow::Borrowed(text);
    }
    let text = SHOUTED_VERSION.replace(text, "${1}version=");
    Cow::Owned(
        RSS_ELEMENT
            .replace_all(&text, |found: &regex::Captures<'_>| {
                let name = found[2].to_ascii_lowercase();
                let known = if name == "pubdate" { "pubDate" } else { &name };
                format!("{}{known}", &found[1])
            })
            .into_owned(),
    )
}

/// A JSON feed whose items do not all have the types of the standard: each is read in a document of its own, its numbers as words.
fn json_one_by_one(text: &str, read: impl Fn(&str) -> Result<Vec<Entry>, String>) -> Option<Read> {
    let mut feed: Value = serde_json::from_str(text).ok()?;
    let items = feed.get_mut("items")?.as_array_mut().map(std::mem::take)?;
    let mut found = Read { entries: Vec::new(), ttl: None, bad: Vec::new() };
    for (i, mut item) in items.into_iter().take(MAX_ENTRIES).enumerate() {
        let raw = item.to_string();
        for key in ["id", "title", "url", "content_text", "content_html", "summary", "date_published", "date_modified"]
        {
            match item.get_mut(key) {
                Some(value @ (Value::Number(_) | Value::Bool(_))) => *value = Value::String(value.to_string()),
                Some(value @ Value::Null) => *value = Value::String(String::new()),
                _ => {}
            }
        }
        if let Some(fields) = item.as_object_mut() {
            // Dates that no standard knows are left out; what people are told stands elsewhere.
            fields
                .retain(|key, value| !(key.starts_with("date_") && value.as_str().is_none_or(|d| moment(d).is_none())));
            fields.retain(|_, value| *value != Value::String(String::new()));
            fields.retain(|key, value| fits(key, value));
            fields.entry("id").or_insert_with(|| Value::String(String::new()));
        }
        let document = json!({"version": "https://jsonfeed.org/version/1.1", "title": "", "items": [item]});
        match read(&document.to_string()) {
            Ok(entries) => found.entries.extend(entries),
            Err(_) => {
                let why = "entrée dont les champs n’ont pas la forme d’un flux JSON".to_owned();
                found.bad.push((i + 1, why, raw));
            }
        }
    }
    (!found.entries.is_empty()).then_some(found)
}

/// Mends a field of an item to the form that the standard gives it (JSON Feed 1.1), as far as it can be, and says whether it has it
/// then: what has not is left out alone.
fn fits(key: &str, value: &mut Value) -> bool {
    match key {
        "authors" | "tags" | "attachments" => {
            // One that stands without its list is a list of one.
            if !value.is_array() {
                *value = Value::Array(vec![value.take()]);
            }
            let list = value.as_array_mut().map(std::mem::take).unwrap_or_default();
            let kept: Vec<Value> = list.into_iter().filter_map(|one| element(key, one)).collect();
            let holds = !kept.is_empty();
            *value = Value::Array(kept);
            holds
        }
        "author" => match element("authors", value.take()) {
            Some(author) => {
                *value = author;
                true
            }
            None => false,
        },
        // Extensions of publishers begin so, and have any form.
        key if key.starts_with('_') => true,
        _ => value.is_string(),
    }
}

/// One author, tag or attachment in the form of the standard.
fn element(of: &str, value: Value) -> Option<Value> {
    let named = |name: String| json!({ "name": name });
    match (of, value) {
        ("tags", Value::String(tag)) => Some(Value::String(tag)),
        ("tags", Value::Number(tag)) => Some(Value::String(tag.to_string())),
        ("tags", Value::Object(tag)) => tag.get("name").or_else(|| tag.get("term")).filter(|n| n.is_string()).cloned(),
        ("authors", Value::String(name)) => Some(named(name)),
        ("authors", Value::Object(mut author)) => {
            author.retain(|_, value| value.is_string());
            (!author.is_empty()).then_some(Value::Object(author))
        }
        ("attachments", Value::String(url)) => Some(json!({ "url": url, "mime_type": "application/octet-stream" })),
        ("attachments", Value::Object(mut attachment)) => {
            let number = |value: &Value| {
                let number = value.as_f64().or_else(|| value.as_str()?.trim().parse().ok());
                number.filter(|n| n.is_finite() && (0.0..9e15).contains(n)).map(f64::trunc)
            };
            for key in ["size_in_bytes", "duration_in_seconds"] {
                if let Some(n) = attachment.remove(key).as_ref().and_then(number) {
                    #[expect(
                        clippy::cast_possible_truncation,
                        clippy::cast_sign_loss,
                        reason = "bounded above, whole"
                    )]
                    attachment.insert(key.to_owned(), Value::from(n as u64));
                }
            }
            attachment.retain(|key, value| {
                matches!(key.as_str(), "size_in_bytes" | "duration_in_seconds") || value.is_string()
            });
            attachment.entry("mime_type").or_insert_with(|| Value::from("application/octet-stream"));
            attachment.contains_key("url").then_some(Value::Object(attachment))
        }
        _ => None,
    }
}

/// The library panics on some documents: an encoding declared twice, a letter beyond ASCII behind an author's address. A parser that
/// panicked serves no more.
fn parse(base: &Url, text: &str) -> Result<feed_rs::model::Feed, String> {
    let parser = Builder::new()
        .base_uri(Some(base.as_str()))
        .id_generator(|_, _, _| String::new())
        .timestamp_parser(moment)
        .build();
    boundary::caught(|| parser.parse(text.as_bytes()))
        .map_err(|_| "document qu’aucune lecture ne supporte (encodage contradictoire ?)".to_owned())?
        .map_err(|e| explain(text, &e))
}

/// Reads each entry in a document of its own: the elements that stand open before the first one, and it. `None` where no entry can
/// be read.
fn one_by_one(text: &str, read: impl Fn(&str) -> Result<Vec<Entry>, String>) -> Option<Read> {
    let first = ENTRY.captures(text)?;
    let at = first.get(0)?.start();
    let opened = open_elements(&text[..at])?;
    let head: String = opened.iter().map(|(_, tag)| tag.as_str()).collect();
    let tail: String = opened.iter().rev().map(|(name, _)| format!("</{name}>")).collect();
    let end = Regex::new(&format!(r"</(?:\w+:)?{}\s*>", &first[1])).ok()?;
    let mut found = Read { entries: Vec::new(), ttl: None, bad: Vec::new() };
    let mut rest = &text[at..];
    for number in 1..=MAX_ENTRIES {
        let Some(end) = end.find(rest).map(|m| m.end()) else { break };
        let (entry, behind) = rest.split_at(end);
        match read(&format!("{head}{entry}{tail}")) {
            Ok(entries) => found.entries.extend(entries),
            Err(why) => found.bad.push((number, why, entry.trim().to_owned())),
        }
        rest = behind;
    }
    (!found.entries.is_empty()).then_some(found)
}

/// The elements that stand open at the end of a piece of a document, with their tags as written.
fn open_elements(text: &str) -> Option<Vec<(String, String)>> {
    let mut reader = Reader::from_str(text);
    reader.config_mut().check_end_names = false;
    let mut open = Vec::new();
    loop {
        match reader.read_event().ok()? {
            Event::Start(start) => {
                let name = start.name().as_ref().to_owned();
                open.push((name, format!("<{}>", &*start)));
            }
            Event::End(_) => drop(open.pop()),
            Event::Eof => return Some(open),
            _ => {}
        }
    }
}

/// Names of zones that publishers write and standards do not know.
const ZONES: [(&str, &str); 6] =
    [("CEST", "+0200"), ("CET", "+0100"), ("HAEC", "+0200"), ("HNEC", "+0100"), ("UTC", "+0000"), ("GMT", "+0000")];

/// When something was published: RFC 3339, RFC 5322 whatever its weekday, or as people write it, where no zone is that of Paris.
fn moment(text: &str) -> Option<DateTime<Utc>> {
    let mut text = text.trim().to_owned();
    for (name, offset) in ZONES {
        if let Some(before) = text.strip_suffix(name) {
            text = format!("{}{offset}", before.trim_end().to_owned() + " ");
        }
    }
    let standard = DateTime::parse_from_rfc3339(&text).or_else(|_| DateTime::parse_from_rfc2822(&text));
    let standard =
        standard.or_else(|_| DateTime::parse_from_rfc2822(text.split_once(',').map_or("", |(_, rest)| rest.trim())));
    let read = standard.ok().or_else(|| when::written(&text, chrono_tz::Europe::Paris).map(|(at, _)| at));
    let read = read.map(|at| at.with_timezone(&Utc)).or_else(|| foreign_dates::moment(&text));
    read.filter(|at| zones::is_plausible(at.date_naive()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn titles(read: &Read) -> Vec<&str> {
        read.entries.iter().filter_map(|e| e.title.as_ref()).map(|t| t.content.as_str()).collect()
    }

    fn of(text: &str) -> Result<Read, String> {
        read(text, &Url::parse("https://a.example/feed").unwrap())
    }

    /// P3: a field of an item that is not in the form of the standard costs itself, and no item.
    #[test]
    fn a_field_out_of_form_costs_itself() {
        let item = |field: &str| format!(r#"{{"id": "1", "title": "A", "url": "https://a.example/1", {field}}}"#);
        for (field, authors, categories, documents) in [
            (r#""authors": {"name": "Ville de Lens"}"#, 1, 0, 0),
            (r#""authors": "Ville de Lens""#, 1, 0, 0),
            (r#""authors": [{"name": "Ville de Lens", "avatar": 3}, 7, null]"#, 1, 0, 0),
            (r#""author": "Ville de Lens""#, 1, 0, 0),
            (r#""authors": 12"#, 0, 0, 0),
            (r#""tags": "Nettoyage""#, 0, 1, 0),
            (r#""tags": [1, {"name": "Nettoyage"}, null]"#, 0, 2, 0),
            (
                r#""attachments": [{"url": "https://a.example/d.pdf", "mime_type": "application/pdf", "size_in_bytes": "12.5"}]"#,
                0,
                0,
                1,
            ),
            (
                r#""attachments": {"url": "https://a.example/d.pdf", "mime_type": "application/pdf", "duration_in_seconds": -1}"#,
                0,
                0,
                1,
            ),
            (r#""attachments": "https://a.example/d.pdf""#, 0, 0, 1),
            (r#""image": {"url": "https://a.example/i.png"}, "language": ["fr"], "_own": {"a": 1}"#, 0, 0, 0),
            (r#""summary": ["a", "b"], "content_html": {"html": "x"}"#, 0, 0, 0),
        ] {
            for items in [item(field), format!("{}, {}", item(field), r#"{"id": "2", "title": "B"}"#)] {
                let feed =
                    format!(r#"{{"version": "https://jsonfeed.org/version/1.1", "title": "t", "items": [{items}]}}"#);
                let read = of(&feed).unwrap();
                assert!(read.bad.is_empty(), "{field}: {:?}", read.bad);
                let first = &read.entries[0];
                // The first is the page.
                let found = (first.authors.len(), first.categories.len(), first.links.len() - 1);
                assert_eq!((titles(&read)[0], found), ("A", (authors, categories, documents)), "{field}");
            }
        }
    }

    /// Tags in capitals gave no entry and no error.
    #[test]
    fn a_feed_that_shouts_its_tags_is_read() {
        for (feed, titles_read) in [
            (
                r#"<RSS VERSION="2.0"><CHANNEL><TITLE>t</TITLE><ITEM><TITLE>A</TITLE><GUID>1</GUID></ITEM></CHANNEL></RSS>"#,
                "A",
            ),
            (
                r#"<rss version="2.0"><channel><title>t</title><Item><Title>B</Title><Link>https://a.example/1</Link></Item></channel></rss>"#,
                "B",
            ),
            (
                r#"<rss version="2.0"><channel><title>t</title><ITEM><title>C</title><PUBDATE>Mon, 23 Nov 2026 10:00:00 +0100</PUBDATE></ITEM></channel></rss>"#,
                "C",
            ),
        ] {
            let read = of(feed).unwrap();
            assert_eq!(titles(&read), [titles_read], "{feed}");
        }
        let dated = of(r#"<rss version="2.0"><channel><title>t</title><ITEM><title>C</title><PUBDATE>Mon, 23 Nov 2026 10:00:00 +0100</PUBDATE></ITEM></channel></rss>"#).unwrap();
        assert!(dated.entries[0].published.is_some());
    }

    #[test]
    fn a_picture_hides_no_document() {
        let read = of("<rss version='2.0' xmlns:media='http://search.yahoo.com/mrss/'><channel><title>t</title><item><title>A</title><media:content url='https://a.example/p.png'/><enclosure url='https://a.example/d.pdf' length='1' type='application/pdf'/></item></channel></rss>").unwrap();
        let urls: Vec<&Url> =
            read.entries[0].media.iter().flat_map(|m| &m.content).filter_map(|c| c.url.as_ref()).collect();
        assert_eq!(urls.iter().map(|u| u.as_str()).collect::<Vec<_>>(), ["https://a.example/d.pdf"]);
    }

    /// A warning of PHP before the document made every poll fail.
    #[test]
    fn what_a_server_prints_before_the_document_is_left_out() {
        let feed = r#"<rss version="2.0"><channel><title>t</title><item><title>A</title><guid>1</guid></item></channel></rss>"#;
        for noise in ["<br />\n<b>Warning</b>: mysql_connect() in <b>/x.php</b><br />\n", "Notice: x\n\n", "\n  "] {
            let read = of(&format!("{noise}<?xml version=\"1.0\"?>{feed}")).unwrap();
            assert_eq!(titles(&read), ["A"], "{noise}");
            assert_eq!(titles(&of(&format!("{noise}{feed}")).unwrap()), ["A"], "{noise}");
        }
    }

    /// B1: one entry that no reader bears costs itself.
    #[test]
    fn an_entry_that_is_written_wrong_costs_itself_alone() {
        let good = |n: u8| format!("<item><title>T{n}</title><guid>{n}</guid></item>");
        let head = "<?xml version='1.0'?><rss version='2.0' xmlns:dc='http://purl.org/dc/elements/1.1/'><channel><title>t</title><image><title>i</title></image>";
        for wrong in [
            "<item><title>X</title><author>jeanne@x.fr’s</author></item>",
            "<item><title>X</b></item>",
            "<item><title>X<br></title></item>",
            "<item><title a=>X</title></item>",
        ] {
            let read = of(&format!("{head}{}{wrong}{}</channel></rss>", good(1), good(2))).unwrap();
            let seen = titles(&read);
            assert!(seen.starts_with(&["T1"]) && seen.ends_with(&["T2"]), "{wrong}: {seen:?}");
            assert_eq!(seen.len() + read.bad.len(), 3, "{wrong}");
            assert!(read.bad.iter().all(|(n, _, raw)| *n == 2 && raw == wrong), "{:?}", read.bad);
        }
        let atom = "<feed xmlns='http://www.w3.org/2005/Atom'><title>t</title><id>f</id><entry><id>1</id><title>A</title></entry><entry><title>X</titel></entry><entry><id>2</id><title>B</title></entry></feed>";
        assert_eq!(titles(&of(atom).unwrap()), ["A", "B"]);
        let rdf = "<rdf:RDF xmlns:rdf='http://www.w3.org/1999/02/22-rdf-syntax-ns#' xmlns='http://purl.org/rss/1.0/'><channel><title>t</title><items/></channel><item><title>X</titel></item><item><title>B</title><link>https://a.example/2</link></item></rdf:RDF>";
        assert_eq!(titles(&of(rdf).unwrap()), ["B"]);
        for nothing in ["<rss><channel><item><title>coup", "<html><body>x", "", "{\"items\": [", "<rss><channel></rss>"]
        {
            assert!(of(nothing).is_err(), "{nothing}");
        }
    }

    /// What publishers write against their standard, and readers take all the same.
    #[test]
    fn a_feed_that_its_standard_does_not_know_is_read() {
        let json = r#"{"version": "https://jsonfeed.org/version/1.1", "title": "t", "items": [
            {"id": 17, "url": "https://a.example/17", "title": "Un", "content_text": "x", "date_published": "19/11/2026"},
            {"id": "18", "url": null, "title": "Deux", "content_text": "y"},
            {"id": true, "title": 3, "content_text": "z"}, 7]}"#;
        let read = of(json).unwrap();
        assert_eq!((titles(&read), read.bad.len()), (vec!["Un", "Deux", "3"], 1));
        assert_eq!(read.entries[0].id, "17");
        for namespace in [
            "xmlns=\"http://www.w3.org/2005/Atom\"",
            "xmlns='http://backend.userland.com/rss2' xmlns:dc='http://purl.org/dc/elements/1.1/'",
            "xmlns:atom='http://www.w3.org/2005/Atom' xmlns='http://www.w3.org/2005/Atom'",
        ] {
            let rss = format!(
                "<rss version='2.0' {namespace}><channel><title>t</title><item><title>Un</title><guid>1</guid></item></channel></rss>"
            );
            assert_eq!(titles(&of(&rss).unwrap()), ["Un"], "{namespace}");
        }
        let strange = "<x:feed xmlns:x='http://nowhere.example/'><x:entry><x:title>Un</x:title></x:entry></x:feed>";
        assert!(of(strange).is_err(), "entries that cannot be read are said");
    }

    /// Attack: feeds written before Atom was a standard.
    #[test]
    fn old_atom_is_read_as_todays() {
        for (prefix, space) in [("", "xmlns"), ("a:", "xmlns:a")] {
            let feed = format!(
                "<{prefix}feed version='0.3' {space}='http://purl.org/atom/ns#'><{prefix}title>t</{prefix}title><{prefix}modified>2026-11-20T10:00:00Z</{prefix}modified><{prefix}entry><{prefix}title type='text/html' mode='escaped'>L&amp;eacute;gumes</{prefix}title><{prefix}link rel='alternate' type='text/html' href='https://m.example/i'/><{prefix}id>i</{prefix}id><{prefix}issued>2026-11-19T10:00:00Z</{prefix}issued><{prefix}modified>2026-11-20T10:00:00Z</{prefix}modified></{prefix}entry></{prefix}feed>"
            );
            let read = of(&feed).unwrap();
            let entry = &read.entries[0];
            assert_eq!(
                entry.published.map(|at| at.to_rfc3339()).as_deref(),
                Some("2026-11-19T10:00:00+00:00"),
                "{feed}"
            );
            assert_eq!(entry.links[0].href, "https://m.example/i");
        }
        // One without dates and identifier is an entry too.
        let bare = "<feed version='0.3' xmlns='http://purl.org/atom/ns#'><entry><title>Un</title><link href='https://m.example/1'/></entry></feed>";
        assert_eq!(titles(&of(bare).unwrap()), ["Un"]);
    }

    /// A12: the day of an entry, in any writing that feeds have.
    #[test]
    fn the_day_of_an_entry_is_read_however_it_is_written() {
        for (written, utc) in [
            ("Thu, 19 Nov 2026 10:00:00 +0100", "2026-11-19T09:00"),
            ("Thu, 19 Nov 2026 23:30:00 GMT", "2026-11-19T23:30"),
            ("Mon, 19 Nov 2026 10:00:00 +0100", "2026-11-19T09:00"),
            ("19 Nov 2026 10:00 UTC", "2026-11-19T10:00"),
            ("Sun, 19 Jul 2026 10:00:00 CEST", "2026-07-19T08:00"),
            ("Thu, 19 Nov 2026 10:00:00 CET", "2026-11-19T09:00"),
            ("2026-11-19T10:00:00Z", "2026-11-19T10:00"),
            ("2026-11-19T10:00:00", "2026-11-19T09:00"),
            ("2026-11-19T10:00:00+0100", "2026-11-19T09:00"),
            ("2026-11-19 10:00:00", "2026-11-19T09:00"),
            ("jeu., 19 nov. 2026", "2026-11-19T22:59"),
            ("jeudi 19 novembre 2026 à 10 h", "2026-11-19T09:00"),
            ("19/11/2026", "2026-11-19T22:59"),
            ("19/11/2026 10:00", "2026-11-19T09:00"),
            ("2026-11-19", "2026-11-19T22:59"),
            ("Nov 19, 2026 10:00 AM", "2026-11-19T09:00"),
            ("Thursday, 19-Nov-26 10:00:00 GMT", "2026-11-19T10:00"),
        ] {
            let read = moment(written).map(|at| at.format("%Y-%m-%dT%H:%M").to_string());
            assert_eq!(read.as_deref(), Some(utc), "{written}");
        }
        for nothing in ["", "bientôt", "Thu, 39 Nov 2026 10:00:00 GMT", "0026-03-18", "+26214-01-01T00:00:00Z"] {
            assert_eq!(moment(nothing), None, "{nothing}");
        }
    }
}

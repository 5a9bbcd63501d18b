//! RSS, Atom and JSON feeds, through feed-rs.
//!
//! **Identity.** The entry's id where the feed gives one that no other entry of the document shares; else its link; else
//! a hash of title and text. A feed whose ids rotate still tells nothing twice, since procedures are also joined by
//! link.
//!
//! **Encoding.** The declared charset may lie: bytes that are not valid in it are read as windows-1252, and nothing is
//! dropped for its encoding alone.

use chrono::{DateTime, Utc};
use sha2::{Digest, Sha256};
use url::Url;
use vigie_config::settings::{self, BlockFault};
use vigie_domain::{Buyer, BuyerKind, Department, Notice, NoticeKind, Passage};

use super::{BadRecord, Page, Polled, Source, SourceError, SourceKind, departments};
use crate::charset;
use crate::classify::{one_line, plain};
use crate::fetch::{Answer, Fetcher};

/// Registry line.
pub const KIND: SourceKind = SourceKind {
    name: "feed",
    summary: "Flux RSS, Atom ou JSON Feed d’un acheteur ou d’un réseau",
    default_schedule: settings::FEED_SCHEDULE,
    build: |block| Feed::new(block).map(|s| Box::new(s) as Box<dyn Source>),
};

/// Keys of a block with this reader.
#[derive(Debug, Default, serde::Deserialize)]
#[serde(default, deny_unknown_fields)]
struct Options {
    /// Who buys, where the feed belongs to one buyer.
    buyer: Option<String>,
    /// A private company's feed.
    private: bool,
    /// What its entries announce, where that is always the same: `event`, `private`, `planned`…
    announces: Option<NoticeKind>,
    /// Where an entry that names no place belongs.
    departments: Vec<String>,
}

/// Most entries read of one document; a feed holds a few dozen.
const MAX_ENTRIES: usize = 5_000;

/// The source.
pub struct Feed {
    id: String,
    url: Url,
    buyer: Option<String>,
    kind: BuyerKind,
    announces: Option<NoticeKind>,
    departments: Vec<Department>,
}

impl Feed {
    fn new(block: &settings::Source) -> Result<Self, BlockFault> {
        let options: Options = block.options()?;
        Ok(Self {
            id: block.id.clone(),
            url: block.needed_url()?,
            buyer: options.buyer,
            kind: if options.private { BuyerKind::Private } else { BuyerKind::Public },
            announces: options.announces,
            departments: departments(&options.departments)?,
        })
    }
}

impl Source for Feed {
    fn poll<'a>(&'a self, fetcher: &'a Fetcher, memory: &'a super::Memory, now: DateTime<Utc>) -> Polled<'a> {
        Box::pin(async move {
            let known = memory.validators.get(self.url.as_str()).cloned().unwrap_or_default();
            let mut page = Page { memory: memory.clone(), ..Page::default() };
            let body = match fetcher.get(&self.url, &known, now).await? {
                Answer::NotModified(fresh) => {
                    page.not_before = fresh;
                    return Ok(page);
                }
                Answer::Body(body) => body,
            };
            let (notices, bad, ttl) =
                self.read(&body.bytes).map_err(|what| SourceError::Unexpected { url: self.url.to_string(), what })?;
            page.notices = notices;
            page.bad = bad;
            page.not_before = body.fresh_until.max(ttl.map(|minutes| now + chrono::Duration::minutes(minutes)));
            if let Some(moved) = &body.validators.moved_to {
                page.remarks.push(format!("le flux a déménagé pour de bon vers {moved} : corrigez son adresse"));
            }
            page.memory.validators.insert(self.url.to_string(), body.validators);
            page.memory.cursor = Some(now.to_rfc3339());
            Ok(page)
        })
    }
}

/// What a document holds: notices, bad records, the publisher's `ttl` in minutes.
type Document = (Vec<Notice>, Vec<BadRecord>, Option<i64>);

impl Feed {
    /// Reads a document: notices, bad records, and the publisher's `ttl` in minutes.
    fn read(&self, bytes: &[u8]) -> Result<Document, String> {
        let text = charset::decode_xml(bytes);
        let parser = feed_rs::parser::Builder::new()
            .base_uri(Some(self.url.as_str()))
            .id_generator(|_, _, _| String::new())
            .build();
        // The libraries below stop the program on some hostile documents (an encoding declared twice): that is one bad
        // document, not the end of the watch. Nothing is shared with what panicked.
        let parsed = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| parser.parse(text.as_bytes())));
        let feed = parsed
            .map_err(|_| "document qu’aucune lecture ne supporte (encodage contradictoire ?)".to_owned())?
            .map_err(|e| explain(&text, &e))?;
        let ttl = feed.ttl.map(i64::from).filter(|t| (1..=24 * 60).contains(t));
        let mut ids = std::collections::HashMap::new();
        for entry in &feed.entries {
            *ids.entry(entry.id.clone()).or_insert(0u32) += 1;
        }
        let (mut notices, mut bad) = (Vec::new(), Vec::new());
        for (i, entry) in feed.entries.iter().take(MAX_ENTRIES).enumerate() {
            let unique = ids.get(&entry.id) == Some(&1);
            match self.notice(entry, unique) {
                Some(notice) => notices.push(notice),
                None => bad.push(BadRecord {
                    record_id: Some(entry.id.clone()).filter(|i| !i.is_empty()),
                    place: format!("{} entrée {}", self.url, i + 1),
                    reason: "entrée sans titre ni texte".into(),
                    raw: format!("{entry:?}").into_bytes(),
                }),
            }
        }
        // The same entry twice in one document is one notice.
        let mut seen = std::collections::HashSet::new();
        notices.retain(|n: &Notice| seen.insert(n.record_id.clone()));
        Ok((notices, bad, ttl))
    }

    fn notice(&self, entry: &feed_rs::model::Entry, unique: bool) -> Option<Notice> {
        let content = entry.content.as_ref().and_then(|c| c.body.clone());
        let summary = entry.summary.as_ref().map(|t| t.content.clone());
        let html = [summary, content].into_iter().flatten().max_by_key(String::len).unwrap_or_default();
        let text = plain_text(&html);
        let title = entry.title.as_ref().map(|t| one_line(&plain_text(&t.content))).filter(|t| !t.is_empty());
        let title = title
            .or_else(|| Some(text.lines().next()?.chars().take(160).collect()))
            .filter(|t: &String| !t.is_empty())?;
        let link = entry.links.first().map(|l| l.href.clone());
        let id = Some(entry.id.clone())
            .filter(|id| unique && !id.is_empty())
            .or_else(|| link.clone())
            .unwrap_or_else(|| fingerprint(&title, &text));
        let mut notice = plain::notice(&id, &title, &text);
        notice.source.clone_from(&self.id);
        notice.kind = self.announces.unwrap_or_else(|| notice.kind.of_buyer(self.kind));
        let author = entry.authors.first().and_then(|a| a.name.clone());
        notice.buyer = Buyer {
            name: self.buyer.clone().or(author.filter(|n| !n.is_empty())).unwrap_or_else(|| notice.buyer.name.clone()),
            kind: self.kind,
            ..notice.buyer
        };
        notice.published = entry.published.or(entry.updated).map(crate::zones::paris_day);
        notice.url = link.filter(|l| l.starts_with("http"));
        if notice.departments.is_empty() {
            notice.departments.clone_from(&self.departments);
        }
        if text == title || text.is_empty() {
            notice.passages = Vec::new();
        } else {
            notice.passages = vec![Passage { field: "entry".into(), lot: None, text }];
        }
        Some(notice)
    }
}

fn fingerprint(title: &str, text: &str) -> String {
    let digest = Sha256::digest(format!("{title}\n{text}"));
    digest.iter().take(12).map(|b| format!("{b:02x}")).collect()
}

/// Nesting beyond which markup is stripped rather than laid out: the layout's cost grows with the square of it.
const MAX_NESTING: usize = 200;

/// Starts of elements that pages leave open.
const LEFT_OPEN: &[&str] = &["<br", "<p", "<img", "<li", "<input", "<meta", "<link", "<hr", "<td", "<tr", "<option"];

/// A bound on the nesting of elements: opening tags so far less closing ones.
fn deepest(html: &str) -> usize {
    let (mut depth, mut most) = (0usize, 0usize);
    for window in html.as_bytes().windows(2).filter(|w| w[0] == b'<') {
        match window[1] {
            b'/' => depth = depth.saturating_sub(1),
            b'!' | b'?' => {}
            _ => {
                depth += 1;
                most = most.max(depth);
            }
        }
    }
    // Elements that are often left open raise the count without nesting: allow for a long flat page.
    most.saturating_sub(LEFT_OPEN.iter().map(|tag| html.matches(tag).count()).sum())
}

fn without_tags(html: &str) -> String {
    let mut out = String::with_capacity(html.len());
    let mut inside = false;
    for c in html.chars() {
        match c {
            '<' => inside = true,
            '>' if inside => {
                inside = false;
                out.push(' ');
            }
            c if !inside => out.push(c),
            _ => {}
        }
    }
    out.trim().to_owned()
}

/// Markup away, entities resolved. Text without markup is left alone.
#[must_use]
pub fn plain_text(html: &str) -> String {
    if !html.contains(['<', '&']) {
        return html.trim().to_owned();
    }
    if deepest(html) > MAX_NESTING {
        return without_tags(html);
    }
    html2text::config::plain_no_decorate()
        .string_from_read(html.as_bytes(), 10_000)
        .unwrap_or_else(|_| html.to_owned())
        .trim()
        .to_owned()
}

fn explain(text: &str, error: &feed_rs::parser::ParseFeedError) -> String {
    let start: String = text.trim_start().chars().take(60).collect::<String>().to_lowercase();
    if start.starts_with("<!doctype html") || start.starts_with("<html") {
        return "une page HTML au lieu d’un flux (adresse changée, service en maintenance ?)".to_owned();
    }
    if text.trim().is_empty() {
        return "réponse vide".to_owned();
    }
    format!("flux illisible : {error}")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn feed() -> Feed {
        Feed {
            id: "f".into(),
            url: Url::parse("https://a.example/feed").unwrap(),
            buyer: Some("Ville".into()),
            kind: BuyerKind::Public,
            announces: None,
            departments: Vec::new(),
        }
    }

    fn rss(items: &str) -> Vec<u8> {
        format!("<?xml version=\"1.0\" encoding=\"UTF-8\"?><rss version=\"2.0\"><channel><title>t</title>{items}</channel></rss>").into_bytes()
    }

    #[test]
    fn ids_that_repeat_give_way_to_links() {
        let items = "<item><guid>1</guid><link>https://a.example/1</link><title>Un</title></item><item><guid>1</guid><link>https://a.example/2</link><title>Deux</title></item>";
        let (notices, _, _) = feed().read(&rss(items)).unwrap();
        let ids: Vec<_> = notices.iter().map(|n| n.record_id.as_str()).collect();
        assert_eq!(ids, vec!["https://a.example/1", "https://a.example/2"]);
    }

    #[test]
    fn an_entry_without_id_or_link_is_known_by_its_words() {
        let item = "<item><title>Nettoyage</title><description>des locaux</description></item>";
        let first = feed().read(&rss(item)).unwrap().0;
        let second = feed().read(&rss(&format!("{item}<item><title>Autre</title></item>"))).unwrap().0;
        assert_eq!(first[0].record_id, second[0].record_id);
    }

    #[test]
    fn a_charset_that_lies_costs_no_letter() {
        let mut bytes = rss("");
        let at = bytes.windows(10).position(|w| w == b"</channel>").unwrap();
        bytes.splice(at..at, b"<item><guid>1</guid><title>March\xe9 r\xe9serv\xe9</title></item>".iter().copied());
        let (notices, _, _) = feed().read(&bytes).unwrap();
        assert_eq!(notices[0].title, "Marché réservé");
    }

    #[test]
    fn a_page_instead_of_a_feed_is_said_in_words() {
        let refusal = feed().read(b"<!DOCTYPE html><html><body>Maintenance</body></html>").unwrap_err();
        assert!(refusal.contains("page HTML"), "{refusal}");
    }

    #[test]
    fn an_entry_that_says_nothing_is_kept_aside() {
        let (notices, bad, _) =
            feed().read(&rss("<item><guid>9</guid></item><item><guid>2</guid><title>Bon</title></item>")).unwrap();
        assert_eq!((notices.len(), bad.len()), (1, 1));
        assert_eq!(bad[0].record_id.as_deref(), Some("9"));
    }
}

//! RSS, Atom and JSON feeds, through feed-rs.
//!
//! **Identity.** An entry is known by its id, its link and its words, whichever of them the publisher keeps
//! (`identity`); its name never changes once it has one.
//!
//! **Encoding.** The declared charset may lie: bytes that are not valid in it are read as windows-1252, and nothing is
//! dropped for its encoding alone. A bare ampersand costs one character, not the feed; an entry that is written wrong costs itself
//! (`document`).
//!
//! **Hostile documents** (nesting, attributes) are refused before the library below sees them.

mod document;
mod entry;
mod follow_up;
mod foreign_dates;
mod identity;

use chrono::{DateTime, Utc};
use url::Url;
use vigie_config::settings::{self, BlockFault};
use vigie_domain::{Buyer, BuyerKind, Department, Notice, NoticeKind, Passage, Visibility};

use super::{BadRecord, Page, Polled, Source, SourceError, SourceKind, departments};
use crate::boundary;
use crate::charset;
use crate::classify::plain;
use crate::compressed;
use crate::fetch::{Answer, Fetcher};
use crate::links;
use crate::tree::{self, XmlError};
use entry::Entry;
use follow_up::follow_up;
use identity::Book;

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

/// Most bytes of a document that arrives compressed without a word.
const MAX_OPENED: usize = 20 * 1024 * 1024;

/// The source.
pub struct Feed {
    id: String,
    url: Url,
    buyer: Option<String>,
    kind: BuyerKind,
    announces: Option<NoticeKind>,
    departments: Vec<Department>,
    /// This version with these settings: with others, entries are read anew.
    reader: String,
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
            reader: format!("{} {:?} {:?}", env!("CARGO_PKG_VERSION"), block.visibility, block.options),
        })
    }
}

impl Source for Feed {
    fn visibility(&self) -> Visibility {
        if self.kind == BuyerKind::Private { Visibility::Told } else { Visibility::Public }
    }

    fn poll<'a>(&'a self, fetcher: &'a Fetcher, memory: &'a super::Memory, now: DateTime<Utc>) -> Polled<'a> {
        Box::pin(async move {
            let known = memory.validators.get(self.url.as_str()).cloned().unwrap_or_default();
            let mut page = Page { memory: memory.clone(), ..Page::default() };
            let mut body = match fetcher.get(&self.url, &known, now).await? {
                Answer::NotModified(fresh) => {
                    page.not_before = fresh;
                    return Ok(page);
                }
                Answer::Body(body) => body,
            };
            let book: Book = memory.cursor.as_deref().and_then(|c| serde_json::from_str(c).ok()).unwrap_or_default();
            let bytes = std::mem::take(&mut body.bytes);
            let Document { notices, unchanged, bad, ttl, book } =
                boundary::read_whole(bytes.len(), || self.read(bytes, book))
                    .map_err(|e| e.to_string())
                    .flatten()
                    .map_err(|what| SourceError::Unexpected { url: self.url.to_string(), what })?;
            page.notices = notices;
            page.unchanged = unchanged;
            page.bad = bad;
            page.not_before = body.fresh_until.max(ttl.map(|minutes| now + chrono::Duration::minutes(minutes)));
            if let Some(moved) = &body.validators.moved_to {
                page.remarks.push(format!("le flux a déménagé pour de bon vers {moved} : corrigez son adresse"));
            }
            page.memory.validators.insert(self.url.to_string(), body.validators);
            page.memory.cursor = serde_json::to_string(&book).ok();
            Ok(page)
        })
    }
}

/// What a document holds.
#[derive(Debug)]
struct Document {
    notices: Vec<Notice>,
    /// How many entries say what they said when they were read before.
    unchanged: usize,
    bad: Vec<BadRecord>,
    /// The publisher's `ttl` in minutes.
    ttl: Option<i64>,
    /// What is known of its entries now.
    book: Book,
}

impl Feed {
    /// Reads a document; entries known before keep their names. Of what it becomes on the way, each form goes when the next is there.
    fn read(&self, mut bytes: Vec<u8>, mut book: Book) -> Result<Document, String> {
        // A server may compress without saying so.
        if compressed::is_gzip(&bytes) {
            bytes = compressed::opened(bytes, MAX_OPENED).map_err(|e| e.to_string())?;
        }
        let text = {
            let decoded = charset::decode_xml(&bytes);
            drop(bytes);
            charset::repair_xml(&decoded)
        };
        // A JSON feed is no XML; feed-rs tells them apart.
        if text.trim_start().starts_with('<') {
            tree::check(&text, (&["item", "entry"], MAX_ENTRIES)).map_err(|e| refused(&text, &e))?;
        } else {
            tree::check_json(text.as_bytes()).map_err(|e| format!("flux illisible : {e}"))?;
        }
        let document::Read { entries, ttl, bad: wrong } = document::read(&text, &self.url)?;
        drop(text);
        let ttl = ttl.map(i64::from).filter(|t| (1..=24 * 60).contains(t));
        let place = |number: usize| format!("{} entrée {number}", self.url);
        let aside = |(number, reason, raw): (usize, String, String)| BadRecord {
            record_id: None,
            place: place(number),
            reason,
            raw: raw.into_bytes(),
        };
        let mut bad: Vec<BadRecord> = wrong.into_iter().map(aside).collect();
        let mut read = Vec::new();
        for (i, entry) in entries.into_iter().take(MAX_ENTRIES).enumerate() {
            match boundary::caught(|| entry::read(&entry)) {
                Ok(Some(words)) => read.push(words),
                outcome => bad.push(BadRecord {
                    record_id: Some(entry.id.clone()).filter(|i| !i.is_empty()),
                    place: place(i + 1),
                    reason: if outcome.is_ok() {
                        "entrée sans titre ni texte"
                    } else {
                        "la lecture de l’entrée a échoué"
                    }
                    .into(),
                    raw: format!("{entry:?}").into_bytes(),
                }),
            }
        }
        let names = book.name(&read, &self.reader);
        let links: Vec<Option<String>> = read.iter().map(|e| e.link.clone()).collect();
        let pages = if book.gives_one_link_to_several() { vec![None; read.len()] } else { links::own_pages(&links) };
        let (mut notices, mut unchanged) = (Vec::new(), 0);
        for ((named, entry), page) in names.into_iter().zip(read).zip(pages) {
            // The same entry twice in one document is one notice.
            let Some(named) = named else { continue };
            if named.unchanged {
                unchanged += 1;
                continue;
            }
            let mut notice = self.notice(&named.name, entry);
            notice.links.page = page;
            notice.links.earlier.extend(named.follows);
            notices.push(notice);
        }
        Ok(Document { notices, unchanged, bad, ttl, book })
    }

    fn notice(&self, id: &str, entry: Entry) -> Notice {
        let Entry { title, text, .. } = entry;
        let mut notice = plain::notice(id, &title, &text);
        notice.source.clone_from(&self.id);
        // Most categories name a trade, and tell nothing of the kind: those are not read as notices.
        let told = |c: &&String| plain::kind_of_words(c) != NoticeKind::Call;
        let read = |c: &String| plain::notice(id, c, "").kind;
        let filed = || entry.categories.iter().filter(told).map(read).find(|k| *k != NoticeKind::Call);
        if notice.kind == NoticeKind::Call {
            notice.kind = filed().or_else(|| follow_up(&title)).unwrap_or(NoticeKind::Call);
        }
        notice.kind = self.announces.unwrap_or_else(|| notice.kind.of_buyer(self.kind));
        notice.buyer = Buyer {
            name: self.buyer.clone().or(entry.author).unwrap_or_else(|| notice.buyer.name.clone()),
            kind: self.kind,
            ..notice.buyer
        };
        notice.published = entry.published;
        notice.url = entry.link;
        notice.documents_url = entry.document;
        if notice.departments.is_empty() {
            notice.departments.clone_from(&self.departments);
        }
        if text == title || text.is_empty() {
            notice.passages = Vec::new();
        } else {
            notice.passages = vec![Passage { field: "entry".into(), lot: None, text }];
        }
        notice
    }
}

fn refused(text: &str, error: &XmlError) -> String {
    page_instead(text).unwrap_or_else(|| format!("flux illisible : {error}"))
}

fn page_instead(text: &str) -> Option<String> {
    let start: String = text.trim_start().chars().take(60).collect::<String>().to_lowercase();
    (start.starts_with("<!doctype html") || start.starts_with("<html"))
        .then(|| "une page HTML au lieu d’un flux (adresse changée, service en maintenance ?)".to_owned())
}

fn explain(text: &str, error: &feed_rs::parser::ParseFeedError) -> String {
    if let Some(page) = page_instead(text) {
        return page;
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
            reader: String::new(),
        }
    }

    fn rss(items: &str) -> Vec<u8> {
        format!("<?xml version=\"1.0\" encoding=\"UTF-8\"?><rss version=\"2.0\"><channel><title>t</title>{items}</channel></rss>").into_bytes()
    }

    fn read(bytes: &[u8]) -> Vec<Notice> {
        feed().read(bytes.to_vec(), Book::default()).unwrap().notices
    }

    #[test]
    fn ids_that_repeat_give_way_to_links() {
        let items = "<item><guid>1</guid><link>https://a.example/1</link><title>Un</title></item><item><guid>1</guid><link>https://a.example/2</link><title>Deux</title></item>";
        let notices = read(&rss(items));
        let ids: Vec<_> = notices.iter().map(|n| n.record_id.as_str()).collect();
        assert_eq!(ids, vec!["https://a.example/1", "https://a.example/2"]);
    }

    /// A link by which other sources know an entry is its own, and no page of the whole site.
    #[test]
    fn a_page_is_an_entry_s_own_or_none() {
        let item = |n: u32, link: &str| {
            format!("<item><guid>{n}</guid><link>{link}</link><title>Marché n° {n}</title></item>")
        };
        let pages = |items: &[String]| -> Vec<Option<String>> {
            read(&rss(&items.concat())).into_iter().map(|n| n.links.page).collect()
        };
        let own = Some("a.example/avis/1".to_owned());
        assert_eq!(pages(&[item(1, "https://www.a.example/avis/1?utm_source=rss")]), std::slice::from_ref(&own));
        assert_eq!(pages(&[item(1, "https://a.example/avis/1"), item(2, "https://a.example/")]), [own, None]);
        let one = "https://a.example/marches";
        assert_eq!(pages(&[item(1, one), item(2, one), item(3, "https://a.example/avis/3")]), [None, None, None]);
    }

    #[test]
    fn an_entry_without_id_or_link_is_known_by_its_words() {
        let item = "<item><title>Nettoyage</title><description>des locaux</description></item>";
        let first = read(&rss(item));
        let second = read(&rss(&format!("{item}<item><title>Autre</title></item>")));
        assert_eq!(first[0].record_id, second[0].record_id);
    }

    #[test]
    fn a_charset_that_lies_costs_no_letter() {
        let mut bytes = rss("");
        let at = bytes.windows(10).position(|w| w == b"</channel>").unwrap();
        bytes.splice(at..at, b"<item><guid>1</guid><title>March\xe9 r\xe9serv\xe9</title></item>".iter().copied());
        let notices = read(&bytes);
        assert_eq!(notices[0].title, "Marché réservé");
    }

    #[test]
    fn what_a_publisher_files_an_entry_under_tells_its_kind() {
        let of = |categories: &str| {
            let rss = format!(
                "<rss version='2.0'><channel><title>t</title><item><title>Nettoyage</title><guid>1</guid>{categories}<description>Marché réservé aux ESAT.</description></item></channel></rss>"
            );
            feed().read(rss.into_bytes(), Book::default()).unwrap().notices[0].kind
        };
        assert_eq!(of("<category>Annulé</category>"), NoticeKind::Cancellation);
        assert_eq!(of("<category>Services</category><category>Avis d'attribution</category>"), NoticeKind::Award);
        assert_eq!(of("<category>Services</category>"), NoticeKind::Call);
    }

    /// F8: a correction under the link of its call.
    #[test]
    fn a_correction_under_the_link_of_its_call_names_it() {
        let items = "<item><guid>k2</guid><link>https://a.example/1</link><title>Rectificatif : Gardiennage du gymnase</title></item><item><guid>k1</guid><link>https://a.example/1</link><title>Gardiennage du gymnase</title></item>";
        let notices = read(&rss(items));
        assert_eq!(notices[0].links.earlier, ["k1"]);
        assert_eq!((notices[0].kind, notices[1].kind), (NoticeKind::Correction, NoticeKind::Call));
    }

    #[test]
    fn a_page_instead_of_a_feed_is_said_in_words() {
        let refusal =
            feed().read(b"<!DOCTYPE html><html><body>Maintenance</body></html>".to_vec(), Book::default()).unwrap_err();
        assert!(refusal.contains("page HTML"), "{refusal}");
    }

    #[test]
    fn an_entry_that_says_nothing_is_kept_aside() {
        let items = rss("<item><guid>9</guid></item><item><guid>2</guid><title>Bon</title></item>");
        let Document { notices, bad, .. } = feed().read(items, Book::default()).unwrap();
        assert_eq!((notices.len(), bad.len()), (1, 1));
        assert_eq!(bad[0].record_id.as_deref(), Some("9"));
    }

    /// A10: one bare ampersand costs one character.
    #[test]
    fn ampersands_and_old_numbers_lose_no_feed() {
        let items = "<item><guid>1</guid><title>R&D et entretien</title></item><item><guid>2</guid><title>Remise en &eacute;tat de l&#146;&eacute;cole</title><link>https://a.example/?a=1&b=2</link></item>";
        let notices = read(&rss(items));
        assert_eq!(
            notices.iter().map(|n| n.title.as_str()).collect::<Vec<_>>(),
            ["R&D et entretien", "Remise en état de l’école"]
        );
        assert_eq!(notices[1].url.as_deref(), Some("https://a.example/?a=1&b=2"));
        let inside = read(&rss("<item><guid>1</guid><title><![CDATA[A & B &amp; C]]></title></item>"));
        assert_eq!(inside[0].title, "A & B & C");
    }

    /// A11: a title whose words look like a tag keeps them.
    #[test]
    fn words_between_angle_brackets_stay() {
        let items = "<item><guid>1</guid><title>Relance &lt;annule et remplace&gt;</title></item><item><guid>2</guid><title>Marché &lt;b&gt;réservé&lt;/b&gt; &lt;lot 2&gt;</title></item>";
        let titles: Vec<String> = read(&rss(items)).into_iter().map(|n| n.title).collect();
        assert_eq!(titles, ["Relance <annule et remplace>", "Marché réservé <lot 2>"]);
    }

    /// B4: what made readers recurse or compare without end is refused, or read in bounds.
    #[test]
    fn hostile_feeds_are_refused_in_words() {
        let nested = |n: usize| {
            format!(
                "<item><guid>1</guid><title>t</title><description>{}x{}</description></item>",
                "<b>".repeat(n),
                "</b>".repeat(n)
            )
        };
        for size in [30_000usize, 700_000] {
            let refusal = feed().read(rss(&nested(size)), Book::default()).unwrap_err();
            assert!(refusal.contains("imbriqué"), "{refusal}");
            let attributes: String = (0..size).map(|i| format!("a{i}='' ")).collect();
            let refusal = feed().read(rss(&format!("<item {attributes}><title>t</title></item>")), Book::default());
            assert!(refusal.unwrap_err().contains("attributs"));
        }
        let escaped = "&lt;table&gt;&lt;tr&gt;&lt;td colspan=18446744073709551615&gt;x".repeat(3000);
        let notices =
            read(&rss(&format!("<item><guid>1</guid><title>t</title><description>{escaped}</description></item>")));
        assert_eq!(notices.len(), 1);
    }
}

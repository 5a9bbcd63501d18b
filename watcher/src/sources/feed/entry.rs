//! What an entry says, whatever the format of its feed.

use chrono::NaiveDate;
use feed_rs::model;

use crate::classify::one_line;
use crate::html::plain_text;

/// An entry, read.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Entry {
    /// Its id as the publisher gives it.
    pub guid: Option<String>,
    /// Its title, or the first line of its text.
    pub title: String,
    /// Its text.
    pub text: String,
    /// Its page for people.
    pub link: Option<String>,
    /// A document that comes with it.
    pub document: Option<String>,
    /// Who wrote it.
    pub author: Option<String>,
    /// The day, in Paris.
    pub published: Option<NaiveDate>,
}

/// Reads an entry; `None` when it has neither title nor text.
pub(super) fn read(entry: &model::Entry) -> Option<Entry> {
    let content = entry.content.as_ref().and_then(|c| c.body.clone());
    let summary = entry.summary.as_ref().map(|t| t.content.clone());
    let html = [summary, content].into_iter().flatten().max_by_key(String::len).unwrap_or_default();
    let text = plain_text(&html);
    let title = entry.title.as_ref().map(|t| one_line(&plain_text(&t.content))).filter(|t| !t.is_empty());
    let title = title.or_else(|| Some(text.lines().next()?.chars().take(160).collect())).filter(|t| !t.is_empty())?;
    let author = entry.authors.first().and_then(|a| a.name.clone()).filter(|n| !n.is_empty());
    let published = entry.published.or(entry.updated).map(crate::zones::paris_day);
    let guid = Some(entry.id.trim().to_owned()).filter(|id| !id.is_empty());
    let link = page(entry).or_else(|| guid.clone().filter(|g| is_web(g)));
    Some(Entry { guid, title, text, link, document: document(entry), author, published })
}

fn is_web(address: &str) -> bool {
    address.starts_with("https://") || address.starts_with("http://")
}

/// The page for people, by what each link says it is and not by where it stands: an alternate in HTML, then one of no
/// declared type, then any other alternate. Comments, the entry itself, its editing and its answers are none of it.
fn page(entry: &model::Entry) -> Option<String> {
    let rank = |link: &model::Link| {
        if link.target.is_some() || !is_web(&link.href) {
            return None;
        }
        if !matches!(link.rel.as_deref(), None | Some("alternate")) {
            return None;
        }
        Some(match link.media_type.as_deref() {
            Some(t) if t.contains("html") => 0,
            None => 1,
            Some(_) => 2,
        })
    };
    entry.links.iter().filter_map(|l| Some((rank(l)?, l))).min_by_key(|(rank, _)| *rank).map(|(_, l)| l.href.clone())
}

/// The first document that comes along: an enclosure of RSS or Atom.
fn document(entry: &model::Entry) -> Option<String> {
    let by_relation = entry.links.iter().find(|l| l.rel.as_deref() == Some("enclosure")).map(|l| l.href.clone());
    let media = || entry.media.iter().flat_map(|m| &m.content).find_map(|c| c.url.as_ref()).map(ToString::to_string);
    by_relation.or_else(media).filter(|d| is_web(d))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn only(feed: &str) -> Entry {
        read(&feed_rs::parser::parse(feed.as_bytes()).unwrap().entries[0]).unwrap()
    }

    /// A9: links are taken by what they are for.
    #[test]
    fn the_page_for_people_is_found_wherever_it_stands() {
        let html = "<link rel='alternate' type='text/html' href='https://a.example/avis/1'/>";
        for before in [
            "<link rel='enclosure' type='application/pdf' href='https://a.example/dce.pdf'/>",
            "<link rel='self' href='https://a.example/feed/1'/>",
            "<link rel='edit' href='https://a.example/edit/1'/>",
            "<link rel='replies' type='text/html' href='https://a.example/1/comments'/>",
            "<link rel='alternate' type='application/json' href='https://a.example/1.json'/>",
            "<link rel='related' href='https://b.example/'/><link rel='via' href='https://c.example/'/>",
            "",
        ] {
            let atom = format!(
                "<feed xmlns='http://www.w3.org/2005/Atom'><title>t</title><id>f</id><entry><id>1</id><title>T</title>{before}{html}</entry></feed>"
            );
            let entry = only(&atom);
            assert_eq!(entry.link.as_deref(), Some("https://a.example/avis/1"), "{before}");
            assert_eq!(entry.document.is_some(), before.contains("enclosure"));
        }
    }

    #[test]
    fn comments_are_no_page_a_permanent_guid_is_one_and_an_enclosure_is_a_document() {
        let rss = |item: &str| {
            format!("<rss version='2.0'><channel><title>t</title><item><title>T</title>{item}</item></channel></rss>")
        };
        let page = Some("https://a.example/avis/1".to_owned());
        for item in [
            "<comments>https://a.example/c</comments><link>https://a.example/avis/1</link>",
            "<guid isPermaLink='true'>https://a.example/avis/1</guid>",
            "<guid>https://a.example/avis/1</guid><comments>https://a.example/c</comments>",
            "<enclosure url='https://a.example/d.pdf' length='1' type='application/pdf'/><link>https://a.example/avis/1</link>",
        ] {
            assert_eq!(only(&rss(item)).link, page, "{item}");
        }
        let with = only(&rss("<enclosure url='https://a.example/d.pdf' length='1' type='application/pdf'/>"));
        assert_eq!((with.link, with.document.as_deref()), (None, Some("https://a.example/d.pdf")));
    }

    /// Titles and texts are words, in whichever way their markup is wrapped.
    #[test]
    fn a_title_is_words_however_its_markup_is_wrapped() {
        for (title, words) in [
            ("<![CDATA[Rénovation de l’<b>école</b> Jaurès]]>", "Rénovation de l’école Jaurès"),
            ("<![CDATA[<b>école</b>]]>", "école"),
            ("&lt;b&gt;école&lt;/b&gt; Jaurès", "école Jaurès"),
        ] {
            let rss = format!(
                "<rss version='2.0'><channel><title>t</title><item><title>{title}</title></item></channel></rss>"
            );
            assert_eq!(only(&rss).title, words, "{title}");
        }
    }
}

//! What an entry says, whatever the format of its feed.

use chrono::{DateTime, NaiveDate, Utc};
use feed_rs::model;
use url::Url;
use vigie_domain::without_accounts;

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
    /// What its publisher files it under.
    pub categories: Vec<String>,
    /// The day, in Paris.
    pub published: Option<NaiveDate>,
    /// The moment of this version: it tells which of two is the later, and is no content.
    pub at: Option<DateTime<Utc>>,
}

/// Reads an entry; `None` when it has neither title nor text.
pub(super) fn read(entry: &model::Entry) -> Option<Entry> {
    let content = entry.content.as_ref().and_then(|c| c.body.as_deref()).map(plain_text).unwrap_or_default();
    let summary = entry.summary.as_ref().map(|t| plain_text(&t.content)).unwrap_or_default();
    let text = both(summary, content);
    let title =
        entry.title.as_ref().map(|t| one_line(&plain_text(without_section(&t.content)))).filter(|t| !t.is_empty());
    let title = title.or_else(|| Some(text.lines().next()?.chars().take(160).collect())).filter(|t| !t.is_empty())?;
    // RSS writes « address (name) ».
    let author =
        entry.authors.first().and_then(|a| a.name.as_deref()).map(|n| n.trim_matches(['(', ')', ' ']).to_owned());
    let author = author.filter(|n| !n.is_empty());
    let published = entry.published.or(entry.updated).map(crate::zones::paris_day);
    let at = entry.updated.max(entry.published);
    let guid = Some(entry.id.trim().to_owned()).filter(|id| !id.is_empty());
    let link = page(entry).or_else(|| guid.clone().filter(|g| is_web(g)));
    let categories = entry.categories.iter().map(|c| plain_text(c.label.as_ref().unwrap_or(&c.term))).collect();
    Some(Entry { guid, title, text, link, document: document(entry), author, categories, published, at })
}

/// A title without the mark of a section that its publisher escaped, which HTML takes for a comment that ends too early.
fn without_section(title: &str) -> &str {
    let inside = title.trim().strip_prefix("<![CDATA[").and_then(|t| t.strip_suffix("]]>"));
    inside.unwrap_or(title)
}

/// A summary and a content as one text: publishers write a deadline in either. A summary that is the beginning of the content
/// adds nothing.
fn both(summary: String, content: String) -> String {
    let words = |text: &str| one_line(text.trim_end_matches(|c: char| !c.is_alphanumeric()));
    let (short, long) = (words(&summary), words(&content));
    if long.contains(&short) {
        content
    } else if short.contains(&long) {
        summary
    } else {
        format!("{summary}\n\n{content}")
    }
}

/// Whether an address leads somewhere: one with a host, without the marks of a template that nobody filled in.
fn is_web(address: &str) -> bool {
    let written = address.to_ascii_lowercase();
    let filled = !["<", "%3c", "{{", "%7b%7b"].iter().any(|mark| written.contains(mark));
    filled && Url::parse(address).is_ok_and(|url| matches!(url.scheme(), "http" | "https") && url.has_host())
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
    entry
        .links
        .iter()
        .filter_map(|l| Some((rank(l)?, l)))
        .min_by_key(|(rank, _)| *rank)
        .map(|(_, l)| for_people(&l.href))
}

/// An address for people: escaped once and not twice, without an account, and where it began with `www.`, at that host and not at the
/// feed's.
fn for_people(href: &str) -> String {
    let href = &href.replace("&amp;", "&");
    let Ok(url) = Url::parse(href) else { return href.to_owned() };
    if let Some(rest) =
        url.path().strip_prefix("/www.").filter(|rest| rest.split('/').next().is_some_and(|h| h.contains('.')))
    {
        let query = url.query().map(|q| format!("?{q}")).unwrap_or_default();
        return format!("https://www.{rest}{query}");
    }
    without_accounts(href).into_owned()
}

/// The first document that comes along: an enclosure of RSS or Atom that is neither a picture, a sound nor a film.
fn document(entry: &model::Entry) -> Option<String> {
    let enclosures = entry.links.iter().filter(|l| l.rel.as_deref() == Some("enclosure"));
    let enclosures = enclosures.map(|l| (l.href.clone(), l.media_type.clone()));
    let media = entry.media.iter().flat_map(|m| &m.content);
    let media =
        media.filter_map(|c| Some((c.url.as_ref()?.to_string(), c.content_type.as_ref().map(ToString::to_string))));
    enclosures.chain(media).find(|(url, kind)| is_web(url) && !is_picture(url, kind.as_deref())).map(|(url, _)| url)
}

/// By what it is said to be; where nothing is said, by its name.
fn is_picture(url: &str, kind: Option<&str>) -> bool {
    match kind {
        Some(kind) => ["image/", "audio/", "video/"].iter().any(|k| kind.starts_with(k)),
        None => {
            let path = url.split(['?', '#']).next().unwrap_or_default().to_ascii_lowercase();
            [".jpg", ".jpeg", ".png", ".gif", ".webp", ".svg", ".mp3", ".mp4"].iter().any(|end| path.ends_with(end))
        }
    }
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

    fn of_rss(item: &str) -> Entry {
        only(&format!(
            "<rss version='2.0' xmlns:content='http://purl.org/rss/1.0/modules/content/' xmlns:media='http://search.yahoo.com/mrss/'><channel><title>t</title><item><title>T</title>{item}</item></channel></rss>"
        ))
    }

    /// A deadline that only the shorter of two texts held was lost.
    #[test]
    fn a_summary_and_a_content_are_both_read() {
        let read = |summary: &str, content: &str| {
            of_rss(&format!("<description>{summary}</description><content:encoded>{content}</content:encoded>")).text
        };
        let both = read("Offres avant le 15/01/2027.", "Marché réservé aux ESAT. Département 59.");
        assert!(both.contains("15/01/2027") && both.contains("ESAT"), "{both}");
        assert_eq!(
            read("Marché réservé aux ESAT…", "Marché réservé aux ESAT. Département 59."),
            "Marché réservé aux ESAT. Département 59."
        );
        assert_eq!(read("Marché réservé.", ""), "Marché réservé.");
        assert_eq!(read("", "Marché réservé."), "Marché réservé.");
    }

    #[test]
    fn a_link_leads_where_its_writer_meant_and_tells_no_password() {
        for (link, page) in [
            ("https://www.mairie.example/c/1", "https://www.mairie.example/c/1"),
            ("https://user:pw@m.example/1", "https://m.example/1"),
            ("https://flux.example/www.mairie.example/c/1?a=b", "https://www.mairie.example/c/1?a=b"),
            ("https://flux.example/www.html", "https://flux.example/www.html"),
            ("https://m.example/1?a=1&amp;b=2", "https://m.example/1?a=1&b=2"),
            ("https://m.example/1?a=1&amp;amp;b=2", "https://m.example/1?a=1&b=2"),
        ] {
            assert_eq!(of_rss(&format!("<link>{link}</link>")).link.as_deref(), Some(page), "{link}");
        }
        // Attack (FreshRSS#5405): what leads nowhere is no link.
        for nowhere in
            ["https://", "https://m.example/&lt;slug&gt;", "https://m.example/%3Cunset%3E/1", "https://{{host}}/1"]
        {
            assert_eq!(of_rss(&format!("<link>{nowhere}</link>")).link, None, "{nowhere}");
        }
        let author = of_rss("<author>marches@ville-lens.fr (Ville de Lens)</author>").author;
        assert_eq!(author.as_deref(), Some("Ville de Lens"));
    }

    #[test]
    fn a_picture_is_no_document() {
        let pdf = "<enclosure url='https://a.example/d.pdf' length='1' type='application/pdf'/>";
        for picture in [
            "<enclosure url='https://a.example/p' length='1' type='image/jpeg'/>",
            "<enclosure url='https://a.example/p.png' length='1'/>",
        ] {
            assert_eq!(of_rss(picture).document, None, "{picture}");
            assert_eq!(of_rss(&format!("{picture}{pdf}")).document.as_deref(), Some("https://a.example/d.pdf"));
        }
        assert_eq!(of_rss("<media:content url='https://a.example/p' type='video/mp4'/>").document, None);
    }

    /// Titles and texts are words, in whichever way their markup is wrapped.
    #[test]
    fn a_title_is_words_however_its_markup_is_wrapped() {
        for (title, words) in [
            ("<![CDATA[Rénovation de l’<b>école</b> Jaurès]]>", "Rénovation de l’école Jaurès"),
            ("<![CDATA[<b>école</b>]]>", "école"),
            ("&lt;![CDATA[Nettoyage de l’école]]&gt;", "Nettoyage de l’école"),
            ("<![CDATA[<![CDATA[Nettoyage]]]]><![CDATA[>]]>", "Nettoyage"),
            ("&lt;![CDATA[&lt;b&gt;Nettoyage&lt;/b&gt; des vitres]]&gt;", "Nettoyage des vitres"),
            ("&lt;b&gt;école&lt;/b&gt; Jaurès", "école Jaurès"),
        ] {
            let rss = format!(
                "<rss version='2.0'><channel><title>t</title><item><title>{title}</title></item></channel></rss>"
            );
            assert_eq!(only(&rss).title, words, "{title}");
        }
    }
}

//! The words of an HTML document or element.
//!
//! Blocks stand on lines of their own, paragraphs and tables behind an empty line, cells of a row behind a space. No heading
//! mark, bullet or table line is drawn: what is not written is in no title, passage or quote. Text whose tags are no HTML
//! (`Relance <annule et remplace>`, `<contact@ville.fr>`) keeps them as words.

use scraper::{ElementRef, Node};

use super::element::{BLOCKS, IMPLIED_END, PARAGRAPHS, SILENT, STRUCK, VOID, is_element};
use super::entity;
use super::token::{Token, Tokens};

/// Longest text made of one document, in bytes: the longest notices are a tenth of it.
pub(super) const MAX_TEXT: usize = 2 * 1024 * 1024;
/// Gathers words.
struct Writer {
    out: String,
    limit: usize,
    /// Line ends due before the next word.
    breaks: usize,
    space: bool,
    /// Depth inside elements whose white space counts.
    verbatim: usize,
    /// Depth inside elements without text.
    silent: usize,
    /// Addresses of the links that are open, where they are asked for.
    links: Option<Vec<String>>,
    /// The element whose words are struck out, and how many of its name are open.
    struck: Option<(String, usize)>,
    /// It reads an element of a page, not the text of a feed or mail.
    of_page: bool,
}

impl Writer {
    fn new(limit: usize, links: bool) -> Self {
        let links = links.then(Vec::new);
        Self {
            out: String::new(),
            limit,
            breaks: 0,
            space: false,
            verbatim: 0,
            silent: 0,
            links,
            struck: None,
            of_page: false,
        }
    }

    fn is_full(&self) -> bool {
        self.out.len() >= self.limit
    }

    fn push(&mut self, c: char) {
        if !self.out.is_empty() {
            match self.breaks {
                0 if self.space => self.out.push(' '),
                n => (0..n).for_each(|_| self.out.push('\n')),
            }
        }
        (self.breaks, self.space) = (0, false);
        self.out.push(c);
    }

    fn text(&mut self, text: &str) {
        if self.silent > 0 || self.struck.is_some() {
            return;
        }
        for c in text.chars() {
            match c {
                '\n' if self.verbatim > 0 => self.breaks = (self.breaks + 1).min(2),
                // A no-break space stays, as in « 12 h ».
                ' ' | '\n' | '\t' | '\r' | '\x0c' => self.space = true,
                '\0' => {}
                c if self.is_full() => {
                    let _ = c;
                    return;
                }
                c => self.push(c),
            }
        }
    }

    fn break_lines(&mut self, lines: usize) {
        self.breaks = self.breaks.max(lines);
        self.space = false;
    }

    /// Notes where words are struck out, which hold no more: `<del>`, `<s>`, or a style.
    fn strike(&mut self, name: &str, style: Option<&str>, hidden: bool) {
        if let Some((struck, open)) = &mut self.struck {
            if struck != name {
                return;
            }
            if !IMPLIED_END.contains(&name) {
                *open += 1;
                return;
            }
            // The next paragraph, item or cell ends the one that was left open.
            self.struck = None;
        }
        let by_style = style.is_some_and(|s| s.contains("line-through"));
        if STRUCK.contains(&name) || (by_style || hidden) && !VOID.contains(&name) {
            self.struck = Some((name.to_owned(), 1));
        }
    }

    /// A box that is ticked or not says what stands beside it.
    fn boxed<'t>(&mut self, attribute: impl Fn(&str) -> Option<&'t str>) {
        if attribute("type").is_some_and(|t| ["checkbox", "radio"].iter().any(|k| t.eq_ignore_ascii_case(k))) {
            self.space = true;
            self.text(if attribute("checked").is_some() { "☒" } else { "☐" });
            self.space = true;
        }
    }

    fn start<'t>(&mut self, name: &str, attribute: impl Fn(&str) -> Option<&'t str>) {
        // A page opens and closes its parts by scripts: what it hides at first it may show. A feed or a mail has none.
        let style = attribute("style").map(|s| s.to_ascii_lowercase().split_whitespace().collect::<String>());
        let hidden = !self.of_page
            && (attribute("hidden").is_some() || style.as_deref().is_some_and(|s| s.contains("display:none")));
        self.strike(name, style.as_deref(), hidden);
        self.edge(name);
        match name {
            "br" => self.breaks = if self.breaks == 0 { 1 } else { 2 },
            "pre" | "textarea" | "listing" => self.verbatim += 1,
            "input" => self.boxed(attribute),
            "a" => {
                let href = attribute("href");
                if let Some(open) = &mut self.links {
                    open.push(href.map(|h| entity::decode(h).trim().to_owned()).unwrap_or_default());
                }
            }
            _ if SILENT.contains(&name) => self.silent += 1,
            _ => {}
        }
    }

    fn end(&mut self, name: &str) {
        if let Some((struck, open)) = &mut self.struck
            && struck == name
        {
            *open -= 1;
            if *open == 0 {
                self.struck = None;
            }
        }
        match name {
            "pre" | "textarea" | "listing" => self.verbatim = self.verbatim.saturating_sub(1),
            "a" => {
                let href = self.links.as_mut().and_then(Vec::pop).unwrap_or_default();
                if href.starts_with("http") && !self.out.ends_with(&href) {
                    self.space = true;
                    self.text(&href);
                }
                self.space |= !href.is_empty();
            }
            _ if SILENT.contains(&name) => self.silent = self.silent.saturating_sub(1),
            _ => {}
        }
        self.edge(name);
    }

    fn edge(&mut self, name: &str) {
        if PARAGRAPHS.contains(&name) {
            self.break_lines(2);
        } else if name != "br" && BLOCKS.contains(&name) {
            self.break_lines(1);
        } else if matches!(name, "td" | "th") {
            self.space = true;
        }
    }

    fn finish(self) -> String {
        self.out
    }
}

/// The words of a document or of a piece of markup. Text without markup is left as it is.
#[must_use]
pub fn plain_text(html: &str) -> String {
    if !html.contains(['<', '&']) {
        return html.trim().to_owned();
    }
    written(html, false)
}

/// The same, with the address of each link behind its words: for mails whose links are what counts.
#[must_use]
pub fn text_with_links(html: &str) -> String {
    written(html, true)
}

fn written(html: &str, links: bool) -> String {
    let mut writer = Writer::new(MAX_TEXT, links);
    for token in Tokens::new(html) {
        if writer.is_full() {
            break;
        }
        match token {
            Token::Text(text, true) => writer.text(&entity::decode(text)),
            Token::Text(text, false) => writer.text(text),
            Token::Tag(tag) if !is_element(&tag.name) => writer.text(&entity::decode(tag.source)),
            Token::Tag(tag) if tag.end => writer.end(&tag.name),
            Token::Tag(tag) => writer.start(&tag.name, |name| tag.attribute(name)),
        }
    }
    writer.finish()
}

/// The words of an element of a tree, at most `limit` bytes of them.
#[must_use]
pub fn text_of_element(element: ElementRef<'_>, limit: usize) -> String {
    let mut writer = Writer { of_page: true, ..Writer::new(limit.min(MAX_TEXT), false) };
    for edge in element.traverse() {
        if writer.is_full() {
            break;
        }
        match edge {
            ego_tree::iter::Edge::Open(node) => match node.value() {
                Node::Text(text) => writer.text(text),
                Node::Element(e) => writer.start(e.name(), |name| e.attr(name).filter(|_| name != "href")),
                _ => {}
            },
            ego_tree::iter::Edge::Close(node) => {
                if let Node::Element(e) = node.value() {
                    writer.end(e.name());
                }
            }
        }
    }
    writer.finish()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A11: what is no element's name was meant as words.
    #[test]
    fn tags_that_are_no_html_are_words() {
        for (html, text) in [
            ("Relance <annule et remplace>", "Relance <annule et remplace>"),
            ("Contact : <achats@ville.fr> ou <b>mairie</b>", "Contact : <achats@ville.fr> ou mairie"),
            ("Voir <https://a.example/1>", "Voir <https://a.example/1>"),
            ("Surface <br> 3 < 5 et 7 > 2", "Surface\n3 < 5 et 7 > 2"),
            ("<o:p></o:p>Office<my-card>x</my-card>", "Officex"),
            ("Nettoyage <lot 2", "Nettoyage <lot 2"),
        ] {
            assert_eq!(plain_text(html), text, "{html}");
        }
    }

    /// A21: nothing is drawn that is not written.
    #[test]
    fn no_layout_is_drawn_into_the_words() {
        for (html, text) in [
            (
                "<table><tr><th>Lot</th><th>Objet</th></tr><tr><td>1</td><td>Vitrerie</td></tr></table>",
                "Lot Objet\n1 Vitrerie",
            ),
            ("<h2>Objet</h2><ul><li>Tri</li><li>Collecte</li></ul>fin", "Objet\n\nTri\nCollecte\n\nfin"),
            ("<p>Un\n  <b>mar</b>ché</p><p>Deux</p>", "Un marché\n\nDeux"),
            ("<p>a<br>b<br><br>c</p>", "a\nb\n\nc"),
            ("<pre>a\n  b</pre>", "a\nb"),
            ("x<style>p{}</style><script>1<2</script><title>t</title>y", "xy"),
            ("l&#146;offre&nbsp;: 12&nbsp;h", "l’offre\u{a0}: 12\u{a0}h"),
        ] {
            assert_eq!(plain_text(html), text, "{html}");
        }
    }

    #[test]
    fn boxes_of_a_form_are_ticked_or_not() {
        let html =
            "Marché réservé : <input type=checkbox> Oui <INPUT TYPE='CheckBox' checked> Non<input type=text value=x>";
        assert_eq!(plain_text(html), "Marché réservé : ☐ Oui ☒ Non");
    }

    #[test]
    fn an_accented_letter_behind_a_tag_costs_no_tag() {
        for (html, text) in [
            ("<p>À noter</p><p>Marché réservé aux ESAT.</p>", "À noter\n\nMarché réservé aux ESAT."),
            ("<b>école</b> Jaurès", "école Jaurès"),
            ("<div>Écarter</div>", "Écarter"),
            ("<div>« oui »</div>", "« oui »"),
            ("<tr><td>Élagage</td><td>12</td></tr><tr><td>é</td></tr>", "Élagage 12\né"),
            ("é<script>à</script><p>ô", "é\n\nô"),
        ] {
            assert_eq!(plain_text(html), text, "{html}");
        }
    }

    /// What is struck out holds no more.
    #[test]
    fn words_that_are_struck_out_are_not_read() {
        for (html, text) in [
            ("Lot <del>réservé aux EA</del> ouvert", "Lot ouvert"),
            ("<s>12/01/2027</s> 26/01/2027", "26/01/2027"),
            ("<strike>a</strike>b<STRIKE>c</STRIKE>", "b"),
            ("le <span style='color:red; text-decoration: line-through'>12 <b>janvier</b></span> 26", "le 26"),
            ("<span style='text-decoration-line:LINE-THROUGH'>a<span>b</span>c</span>d", "d"),
            ("<p style='text-decoration:line-through'>Un<p>Deux", "Deux"),
            ("<li style='text-decoration:line-through'>Un<li>Deux</li>", "Deux"),
            (
                "<ins>nouveau</ins> <u>souligné</u> <span style='text-decoration:underline'>aussi</span>",
                "nouveau souligné aussi",
            ),
            ("a<br style='text-decoration:line-through'>b", "a\nb"),
            ("<p hidden>a</p><p style='Display : None'>b</p><div style='display:none'><div>c</div>d</div>e", "e"),
        ] {
            assert_eq!(plain_text(html), text, "{html}");
        }
    }

    /// A15: the address of a link may stand in its markup alone.
    #[test]
    fn links_keep_their_addresses_where_they_are_asked_for() {
        let html = "<p>Vitres de la médiathèque <a href='https://p.example/71?a=1&amp;b=2'>voir</a></p><a href=https://p.example/72>https://p.example/72</a><a href='#x'>haut</a>";
        assert_eq!(
            text_with_links(html),
            "Vitres de la médiathèque voir https://p.example/71?a=1&b=2\n\nhttps://p.example/72 haut"
        );
    }

    /// B1: what ended html2text, and its kind.
    #[test]
    fn hostile_tables_and_nesting_are_words_of_bounded_length() {
        let span = "<table><tr><td colspan=18446744073709551615 rowspan=4294967295>x</td></tr></table>";
        assert_eq!(plain_text(span), "x");
        for piece in [
            "<table><tr><td rowspan=9 colspan=7>x",
            "<div><link>",
            "<b><i><p>",
            "<blockquote>x",
            "<ul><li>x",
            "<pre>\n",
        ] {
            for size in [200_000usize, 5_000_000] {
                let html = piece.repeat(size / piece.len());
                let text = plain_text(&html);
                assert!(text.len() <= html.len().min(MAX_TEXT + 8), "{piece}: {}", text.len());
            }
        }
    }

    proptest::proptest! {
        #[test]
        fn any_markup_becomes_words_no_longer_than_itself(html in "(<(/?)(p|td|table|b|script|textarea|title|x)( a=['\"]?b)?>|&#?[a-z0-9]{0,5};?|\\PC|<|\n){0,200}") {
            // A named reference may be shorter than what it means, by one byte at most ("&nGt;" is five bytes for six).
            proptest::prop_assert!(plain_text(&html).len() <= html.len() * 2 + 2);
            let _ = text_with_links(&html);
        }
    }
}

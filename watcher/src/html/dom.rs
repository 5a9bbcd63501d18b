//! A tree for CSS selectors, built in one pass: a stack of bounded depth, a bounded number of nodes, each tag placed by what
//! stands open.
//!
//! It follows the HTML standard where pages rely on it (elements that end where the next begins, `tbody` that is not written,
//! void elements, head and body) and leaves out what makes a standard tree builder's work grow without bound: formatting
//! elements are not opened again, misplaced content of tables stays where it stands. A form that begins in a table keeps its
//! rows.

use html5ever::{Attribute, LocalName, QualName, ns};
use scraper::node::{Element, Text};
use scraper::{ElementRef, Html, Node, StrTendril};

use super::element::VOID;
use super::entity;
use super::token::{Tag, Token, Tokens};

/// Deepest nesting. Real pages stay under 60, but for those that forget to close something in every item of a list.
pub(super) const MAX_DEPTH: usize = 128;
/// What would be deeper is lifted, with more elements around it than an item of a list has, into the one that stands open at this depth.
const LIFTED_TO: usize = MAX_DEPTH / 2;
const LIFTED: usize = MAX_DEPTH / 4;
/// Most nodes of a page: five times a long list of a real portal.
pub(super) const MAX_NODES: usize = 100_000;

/// Elements that end an open paragraph (HTML §13.2.6.4.7).
const ENDS_PARAGRAPH: &[&str] = &[
    "address",
    "article",
    "aside",
    "blockquote",
    "center",
    "details",
    "dialog",
    "dir",
    "div",
    "dl",
    "fieldset",
    "figcaption",
    "figure",
    "footer",
    "form",
    "h1",
    "h2",
    "h3",
    "h4",
    "h5",
    "h6",
    "header",
    "hgroup",
    "hr",
    "li",
    "dd",
    "dt",
    "main",
    "menu",
    "nav",
    "ol",
    "p",
    "pre",
    "search",
    "section",
    "summary",
    "table",
    "ul",
    "listing",
];
/// Elements that no end tag inside them reaches past.
const WALLS: &[&str] = &["td", "th", "table", "caption", "html", "template", "object", "marquee", "applet"];
/// Elements of a page's head.
const OF_HEAD: &[&str] = &["title", "meta", "link", "base", "script", "style", "noscript"];

/// A page as a tree.
#[derive(Debug)]
pub struct Dom {
    /// The tree.
    pub html: Html,
    /// The page is larger than what is read: its end is missing.
    pub cut: bool,
}

struct Builder {
    html: Html,
    /// Elements that are open, outermost first: `html`, then `head` or `body`.
    open: Vec<Open>,
    nodes: usize,
    in_body: bool,
}

/// An element that is open.
struct Open {
    id: ego_tree::NodeId,
    name: String,
    /// How deep it stands in the tree: as many as are open before it, or less where it was lifted.
    depth: usize,
}

/// Reads a document.
#[must_use]
pub fn parse(source: &str) -> Dom {
    let mut html = Html::new_document();
    let root = html.tree.root_mut().append(Node::Element(element("html", Vec::new()))).id();
    let root = Open { id: root, name: "html".to_owned(), depth: 0 };
    let mut builder = Builder { html, open: vec![root], nodes: 1, in_body: false };
    let mut cut = false;
    for token in Tokens::new(source) {
        if builder.nodes >= MAX_NODES {
            cut = true;
            break;
        }
        match token {
            Token::Text(text, true) => builder.text(&entity::decode(text)),
            Token::Text(text, false) => builder.text(text),
            Token::Tag(tag) if tag.end => builder.end(&tag.name),
            Token::Tag(tag) => builder.start(&tag),
        }
    }
    Dom { html: builder.html, cut }
}

fn element(name: &str, attributes: Vec<Attribute>) -> Element {
    Element::new(QualName::new(None, ns!(html), LocalName::from(name)), attributes)
}

impl Builder {
    fn append(&mut self, parent: ego_tree::NodeId, node: Node) -> Option<ego_tree::NodeId> {
        self.nodes += 1;
        Some(self.html.tree.get_mut(parent)?.append(node).id())
    }

    fn push(&mut self, name: &str, attributes: Vec<Attribute>) {
        self.lift();
        let Some((parent, depth)) = self.open.last().map(|top| (top.id, top.depth + 1)) else { return };
        let id = self.append(parent, Node::Element(element(name, attributes)));
        if let Some(id) = id.filter(|_| !VOID.contains(&name)) {
            self.open.push(Open { id, name: name.to_owned(), depth });
        }
    }

    /// Makes room below the innermost open element, where there is none: moves it up with those around it. What they hold they keep.
    fn lift(&mut self) {
        if self.open.last().is_none_or(|top| top.depth + 1 < MAX_DEPTH) {
            return;
        }
        // So many are open that these are none of the first, which never move. An item, which bears a class as a rule, is not torn.
        let least = self.open.len().saturating_sub(LIFTED);
        let most = least.saturating_sub(LIFTED / 2);
        let from = (most..least).find(|i| self.is_classed(*i)).unwrap_or(least);
        let (Some(to), Some(first)) = (self.open.get(LIFTED_TO), self.open.get(from)) else { return };
        let by = first.depth.saturating_sub(to.depth + 1);
        if let Some(mut to) = self.html.tree.get_mut(to.id) {
            to.append_id(first.id);
            self.open.iter_mut().skip(from).for_each(|open| open.depth -= by);
        }
    }

    /// Whether the element that stands open there bears a class.
    fn is_classed(&self, open: usize) -> bool {
        let node = self.open.get(open).and_then(|open| self.html.tree.get(open.id));
        node.and_then(|n| n.value().as_element()).is_some_and(|e| e.attr("class").is_some())
    }

    fn text(&mut self, text: &str) {
        if text.is_empty() {
            return;
        }
        if !text.trim_ascii().is_empty() && self.open.len() == 1 || self.top_is("head") && !text.trim_ascii().is_empty()
        {
            self.body(Vec::new());
        }
        if let Some(parent) = self.open.last().map(|top| top.id) {
            self.append(parent, Node::Text(Text { text: StrTendril::from(text) }));
        }
    }

    fn top_is(&self, name: &str) -> bool {
        self.open.last().is_some_and(|top| top.name == name)
    }

    /// Opens the body where it is not open yet.
    fn body(&mut self, attributes: Vec<Attribute>) {
        if !self.in_body {
            self.in_body = true;
            self.open.truncate(1);
            self.push("body", attributes);
        }
    }

    /// Ends the innermost open element of these names, where no wall stands before it and it is not further out than pages nest.
    fn close(&mut self, names: &[&str], walls: &[&str]) -> bool {
        let within = self.open.iter().enumerate().skip(1).rev().take(MAX_DEPTH);
        let found = within
            .take_while(|(_, open)| names.contains(&open.name.as_str()) || !walls.contains(&open.name.as_str()))
            .find(|(_, open)| names.contains(&open.name.as_str()))
            .map(|(i, _)| i);
        if let Some(i) = found {
            self.open.truncate(i);
        }
        found.is_some()
    }

    fn start(&mut self, tag: &Tag<'_>) {
        let name = tag.name.as_str();
        match name {
            "html" => return,
            "head" if !self.in_body && self.open.len() == 1 => return self.push("head", attributes(tag)),
            "head" => return,
            "body" | "frameset" => return self.body(attributes(tag)),
            _ if !self.in_body && OF_HEAD.contains(&name) => {
                if self.open.len() == 1 {
                    self.push("head", Vec::new());
                }
            }
            _ => self.body(Vec::new()),
        }
        self.make_room(name);
        self.push(name, attributes(tag));
    }

    /// Ends what a start tag of this name ends, and opens what it stands in.
    fn make_room(&mut self, name: &str) {
        if ENDS_PARAGRAPH.contains(&name) {
            self.close(&["p"], &["button", "td", "th", "table", "caption", "template", "object"]);
        }
        match name {
            "li" => drop(self.close(&["li"], &["ul", "ol", "menu", "dir", "td", "th", "table"])),
            "dt" | "dd" => drop(self.close(&["dt", "dd"], &["dl", "td", "th", "table"])),
            "option" => drop(self.close(&["option"], &["select", "optgroup", "datalist"])),
            "optgroup" => drop(self.close(&["optgroup"], &["select"])),
            "a" => drop(self.close(&["a"], &["td", "th", "table", "div", "p", "li", "button"])),
            "button" => drop(self.close(&["button"], &["td", "th", "table"])),
            "thead" | "tbody" | "tfoot" | "caption" | "colgroup" => {
                self.close(&["thead", "tbody", "tfoot", "caption", "colgroup"], &["table"]);
            }
            "tr" => {
                self.close(&["tr"], &["table", "thead", "tbody", "tfoot"]);
                if self.top_is("table") {
                    self.push("tbody", Vec::new());
                }
            }
            "td" | "th" => {
                self.close(&["td", "th"], &["table", "tr"]);
                if self.top_is("table") {
                    self.push("tbody", Vec::new());
                }
                if ["tbody", "thead", "tfoot"].iter().any(|n| self.top_is(n)) {
                    self.push("tr", Vec::new());
                }
            }
            _ => {}
        }
    }

    fn end(&mut self, name: &str) {
        match name {
            "html" | "body" => {}
            "br" => self.push("br", Vec::new()),
            "head" => {
                self.close(&["head"], &["body"]);
            }
            _ if VOID.contains(&name) => {}
            "table" => {
                self.close(&["table"], &["template", "object"]);
            }
            "tr" | "td" | "th" | "tbody" | "thead" | "tfoot" => {
                self.close(&[name], &["table", "template", "object"]);
            }
            "h1" | "h2" | "h3" | "h4" | "h5" | "h6" => {
                self.close(&["h1", "h2", "h3", "h4", "h5", "h6"], WALLS);
            }
            _ => {
                self.close(&[name], WALLS);
            }
        }
    }
}

fn attributes(tag: &Tag<'_>) -> Vec<Attribute> {
    let mut out: Vec<Attribute> = Vec::with_capacity(tag.attributes.len());
    for (name, value) in &tag.attributes {
        let name = QualName::new(None, ns!(), LocalName::from(name.to_ascii_lowercase()));
        if out.iter().all(|a| a.name != name) {
            out.push(Attribute { name, value: html5ever::tendril::StrTendril::from(&*entity::decode(value)) });
        }
    }
    out
}

/// An element as markup, at most about `limit` bytes of it: what is kept of an item that could not be read.
#[must_use]
pub fn outer_html(item: ElementRef<'_>, limit: usize) -> String {
    let mut out = String::new();
    for edge in item.traverse() {
        if out.len() >= limit {
            break;
        }
        match edge {
            ego_tree::iter::Edge::Open(node) => match node.value() {
                Node::Text(text) => escape(text, &mut out),
                Node::Element(e) => {
                    out.push('<');
                    out.push_str(e.name());
                    for (name, value) in e.attrs() {
                        out.push(' ');
                        out.push_str(name);
                        out.push_str("=\"");
                        escape(value, &mut out);
                        out.push('"');
                    }
                    out.push('>');
                }
                _ => {}
            },
            ego_tree::iter::Edge::Close(node) => {
                if let Node::Element(e) = node.value()
                    && !VOID.contains(&e.name())
                {
                    out.push_str("</");
                    out.push_str(e.name());
                    out.push('>');
                }
            }
        }
    }
    out.truncate(out.floor_char_boundary(limit));
    out
}

fn escape(text: &str, out: &mut String) {
    for c in text.chars() {
        match c {
            '<' => out.push_str("&lt;"),
            '&' => out.push_str("&amp;"),
            '"' => out.push_str("&quot;"),
            c => out.push(c),
        }
    }
}

#[cfg(test)]
mod tests {
    use scraper::Selector;

    use super::*;

    fn count(html: &str, css: &str) -> usize {
        parse(html).html.select(&Selector::parse(css).unwrap()).count()
    }

    #[test]
    fn what_pages_leave_open_ends_where_browsers_end_it() {
        for (html, css, found) in [
            ("<ul><li>a<li>b<li>c</ul>", "ul > li", 3),
            ("<ul><li>a<ul><li>b</ul><li>c</ul>", "body > ul > li", 2),
            ("<table><tr><td>1<td>2<tr><td>3</table>", "table > tbody > tr > td", 3),
            ("<table><td>1</table>x", "table tbody tr td", 1),
            ("<table><tr><td><table><tr><td>x</table>y<td>z</table>", "body > table > tbody > tr > td", 2),
            ("<p>a<p>b<div>c</div>", "body > p", 2),
            ("<p>a<div><p>b</p></div>", "body > div > p", 1),
            ("<dl><dt>a<dd>b<dt>c</dl>", "dl > dt", 2),
            ("<select><option>a<option>b</select><i></i>", "body > i", 1),
            ("<title>t</title><meta name=a><p>x", "head > meta", 1),
            ("x<br><img src=a>y<b>z</b>", "body > b", 1),
            ("<div><span></div><em></em>", "body > em", 1),
            ("<td></div>x</td><b>", "body b", 1),
            ("<HTML><BODY class=q><P ID=a>", "body.q > p#a", 1),
            ("<table><form action=/x><tr><td><input name=a></td></tr></form></table>", "form input", 1),
            ("</p></table></div><i>", "body > i", 1),
        ] {
            assert_eq!(count(html, css), found, "{html} {css}");
        }
        // As deep as somebody likes, or as deep as a list gets in whose items something is not closed.
        let item = |n: usize| format!("<li class=i>n° {n} <b><i><a href=/{n}>Avis {n}</a></i></b></li>");
        let nested = format!("{}{}{}{}", "<div>".repeat(5_000), item(0), "</div>".repeat(5_000), item(1));
        let unclosed = |html: &str| (0..600).map(|n| html.replace('N', &n.to_string())).collect::<String>();
        for (page, items) in [
            (nested, 2),
            (unclosed("<div class=i><div><h3>N</h3><a>Avis N</a></div>"), 600),
            (unclosed("<span class=i><font><b><i><u>N</b> <a>Avis N</a>"), 600),
            (unclosed("<table class=i><tr><td>N<td><p><a>Avis N</a>"), 600),
            (unclosed("<ul class=i><li><section><div><a>Avis N</a></div>"), 600),
        ] {
            let (css, dom) = ([".i", "a"].map(|css| Selector::parse(css).unwrap()), parse(&page));
            let first = |item: ElementRef<'_>| item.select(&css[1]).next().map(|a| a.text().collect::<String>());
            let mut read: Vec<Option<String>> = dom.html.select(&css[0]).map(first).collect();
            let mut wanted: Vec<Option<String>> = (0..items).map(|n| Some(format!("Avis {n}"))).collect();
            read.sort();
            wanted.sort();
            let torn = wanted.iter().filter(|w| !read.contains(w)).count();
            assert_eq!((torn, read == wanted), (0, true), "{}", &page[..60]);
        }
        let dom = parse("<a title='l&#146;avis &amp; co' title=2>x</a>");
        let found = dom.html.select(&Selector::parse("a").unwrap()).next().unwrap();
        assert_eq!(found.value().attr("title"), Some("l’avis & co"));
        assert_eq!(outer_html(found, 100), "<a title=\"l’avis &amp; co\">x</a>");
    }

    /// B4: depth and number of nodes are bounded whatever is left open.
    #[test]
    fn hostile_pages_make_trees_of_bounded_size_and_depth() {
        let formatting: String = (0..40_000).map(|i| format!("<p><font color={i}></p>")).collect();
        let attributes = format!("<a {}>x", (0..300_000).map(|i| format!("a{i}=1 ")).collect::<String>());
        let mut pages = vec![formatting, attributes];
        for piece in [
            "<div>",
            "<div><link>",
            "<b><i a=1>",
            "<div><object></div>",
            "<table><tr><td>",
            "<svg><g>",
            "<a href=x><div>",
            "</p>",
        ] {
            pages.extend([200_000usize, 5_000_000].map(|size| piece.repeat(size / piece.len())));
        }
        for page in pages {
            let dom = parse(&page);
            let nodes = dom.html.tree.nodes().count();
            assert!(nodes <= MAX_NODES + 4, "{nodes}");
            let depth = |n: ego_tree::NodeRef<'_, Node>| n.ancestors().count();
            let deepest = dom.html.tree.nodes().step_by(997).map(depth).max().unwrap_or_default();
            assert!(deepest <= MAX_DEPTH + 2, "{deepest}");
            let widest = dom.html.tree.nodes().filter_map(|n| n.value().as_element().map(|e| e.attrs().count())).max();
            assert!(widest.unwrap_or_default() <= 64);
        }
    }

    proptest::proptest! {
        #[test]
        fn any_markup_becomes_a_tree(html in "(</?(p|td|tr|table|li|ul|b|a|body|head|html|title|select|option|h1|div|object)( a=b)?>|\\PC){0,120}") {
            let dom = parse(&html);
            proptest::prop_assert!(dom.html.tree.nodes().count() <= 2 * html.len() + 4);
            let _ = outer_html(dom.html.root_element(), 50);
        }
    }
}

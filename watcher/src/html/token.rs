//! Tags and text of an HTML document, borrowed from it.
//!
//! Every construct consumes what it scanned, so the whole costs one pass: a comment or a tag that never ends takes the rest of
//! the document with it, as in browsers.

/// Most attributes kept of one tag; the others are passed over.
pub(super) const MAX_ATTRIBUTES: usize = 64;
/// Elements whose content is no markup (HTML §13.2.6.4), with whether character references count in it.
const RAW: &[(&str, bool)] = &[
    ("script", false),
    ("style", false),
    ("xmp", false),
    ("iframe", false),
    ("noembed", false),
    ("noframes", false),
    ("textarea", true),
    ("title", true),
];

/// A piece of a document.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Token<'a> {
    /// Text as written, and whether character references count in it.
    Text(&'a str, bool),
    /// A start or end tag.
    Tag(Tag<'a>),
}

/// A tag.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Tag<'a> {
    /// Its name in small letters.
    pub name: String,
    /// An end tag.
    pub end: bool,
    /// Names as written and raw values.
    pub attributes: Vec<(&'a str, &'a str)>,
    /// The whole tag as written.
    pub source: &'a str,
}

impl<'a> Tag<'a> {
    /// The raw value of an attribute; the first of its name counts.
    pub(super) fn attribute(&self, name: &str) -> Option<&'a str> {
        self.attributes.iter().find(|(n, _)| n.eq_ignore_ascii_case(name)).map(|(_, v)| *v)
    }
}

/// Reads a document piece by piece.
pub(super) struct Tokens<'a> {
    source: &'a str,
    at: usize,
    /// Inside an element whose content is no markup.
    raw: Option<(&'static str, bool)>,
    /// Bytes looked at so far: tests hold it against the length.
    pub(super) work: usize,
}

impl<'a> Tokens<'a> {
    pub(super) fn new(source: &'a str) -> Self {
        Self { source, at: 0, raw: None, work: 0 }
    }

    fn byte(&mut self, at: usize) -> Option<u8> {
        self.work += 1;
        self.source.as_bytes().get(at).copied()
    }

    fn find(&mut self, what: &str, from: usize) -> usize {
        // In bytes: `from` may stand within a letter. What is found is ASCII, and so between letters.
        let rest = self.source.as_bytes().get(from..).unwrap_or_default();
        let end = memchr::memmem::find(rest, what.as_bytes()).map_or(self.source.len(), |i| from + i);
        self.work += end - from;
        end
    }

    fn text(&mut self, end: usize, references: bool) -> Option<Token<'a>> {
        let text = self.source.get(self.at..end)?;
        self.at = end;
        Some(Token::Text(text, references))
    }

    /// The content of an element that holds no markup, up to its end tag.
    fn raw_text(&mut self, name: &'static str, references: bool) -> Option<Token<'a>> {
        let mut from = self.at;
        loop {
            let end = self.find("</", from);
            let after = self.source.as_bytes().get(end + 2..).unwrap_or_default();
            let ends = after.get(..name.len()).is_some_and(|n| n.eq_ignore_ascii_case(name.as_bytes()))
                && after
                    .get(name.len())
                    .is_none_or(|b| matches!(b, b' ' | b'\t' | b'\n' | b'\r' | b'\x0c' | b'/' | b'>'));
            if ends || end == self.source.len() {
                self.raw = None;
                return self.text(end, references);
            }
            from = end + 2;
        }
    }

    /// The end of a comment, a declaration or a processing instruction that begins at `self.at`; `None` when it is none.
    fn skipped(&mut self) -> Option<usize> {
        let rest = self.source.get(self.at..)?;
        if let Some(inside) = rest.strip_prefix("<!--") {
            // `<!-->` and `<!--->` end at once (HTML §13.2.5.43).
            if inside.starts_with('>') || inside.starts_with("->") {
                return Some(self.find(">", self.at) + 1);
            }
            return Some(self.find("-->", self.at + 4) + 3);
        }
        if rest.starts_with("<![CDATA[") {
            return Some(self.at + 9);
        }
        let follows = rest.as_bytes().get(1..3).unwrap_or_default();
        let bogus = matches!(follows, [b'!' | b'?', ..]) || matches!(follows, [b'/', c] if !c.is_ascii_alphabetic());
        bogus.then(|| self.find(">", self.at) + 1)
    }

    /// The tag that begins at `start`, and where it ends; `None` when the document ends inside it.
    fn tag(&mut self, start: usize) -> Option<(Tag<'a>, usize)> {
        let source = self.source;
        let end_tag = source.as_bytes().get(start + 1) == Some(&b'/');
        let name_at = start + 1 + usize::from(end_tag);
        let mut at = name_at;
        while !matches!(self.byte(at)?, b' ' | b'\t' | b'\n' | b'\r' | b'\x0c' | b'/' | b'>') {
            at += 1;
        }
        let name = source.get(name_at..at)?.to_ascii_lowercase();
        let mut attributes = Vec::new();
        loop {
            while matches!(self.byte(at)?, b' ' | b'\t' | b'\n' | b'\r' | b'\x0c' | b'/') {
                at += 1;
            }
            if self.byte(at)? == b'>' {
                let source = source.get(start..=at)?;
                return Some((Tag { name, end: end_tag, attributes, source }, at + 1));
            }
            let (attribute, next) = self.attribute(at)?;
            at = next;
            if attributes.len() < MAX_ATTRIBUTES {
                attributes.push(attribute);
            }
        }
    }

    fn attribute(&mut self, start: usize) -> Option<((&'a str, &'a str), usize)> {
        let source = self.source;
        // A name may begin with `=` (HTML §13.2.5.32).
        let mut at = start + 1;
        while !matches!(self.byte(at)?, b' ' | b'\t' | b'\n' | b'\r' | b'\x0c' | b'/' | b'>' | b'=') {
            at += 1;
        }
        let name = source.get(start..at)?;
        let mut behind = at;
        while matches!(self.byte(behind)?, b' ' | b'\t' | b'\n' | b'\r' | b'\x0c') {
            behind += 1;
        }
        if self.byte(behind)? != b'=' {
            return Some(((name, ""), at));
        }
        at = behind + 1;
        while matches!(self.byte(at)?, b' ' | b'\t' | b'\n' | b'\r' | b'\x0c') {
            at += 1;
        }
        let quote = self.byte(at)?;
        if matches!(quote, b'"' | b'\'') {
            let end = self.find(if quote == b'"' { "\"" } else { "'" }, at + 1);
            let value = source.get(at + 1..end)?;
            return (end < source.len()).then_some(((name, value), end + 1));
        }
        let value_at = at;
        while !matches!(self.byte(at)?, b' ' | b'\t' | b'\n' | b'\r' | b'\x0c' | b'>') {
            at += 1;
        }
        Some(((name, source.get(value_at..at)?), at))
    }
}

impl<'a> Iterator for Tokens<'a> {
    type Item = Token<'a>;

    fn next(&mut self) -> Option<Token<'a>> {
        loop {
            if self.at >= self.source.len() {
                return None;
            }
            if let Some((name, references)) = self.raw {
                return self.raw_text(name, references);
            }
            if let Some(end) = self.skipped() {
                self.at = end.min(self.source.len());
                continue;
            }
            let follows = self.source.as_bytes().get(self.at..).unwrap_or_default();
            let opens = match follows {
                [b'<', b'/', c, ..] | [b'<', c, ..] => c.is_ascii_alphabetic(),
                _ => false,
            };
            if !opens {
                let end = self.find("<", self.at + 1);
                return self.text(end, true);
            }
            let start = self.at;
            let Some((tag, end)) = self.tag(start) else {
                // The document ends inside a tag: what is no element's name was meant as text.
                self.at = self.source.len();
                let rest = &self.source[start..];
                let name = rest[1..].trim_start_matches('/').split(|c: char| !c.is_ascii_alphanumeric()).next();
                return (!super::element::is_element(&name.unwrap_or_default().to_ascii_lowercase()))
                    .then_some(Token::Text(rest, true));
            };
            self.at = end;
            if !tag.end {
                self.raw = RAW.iter().find(|(name, _)| *name == tag.name).copied();
            }
            return Some(Token::Tag(tag));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(html: &str) -> String {
        Tokens::new(html)
            .map(|t| match t {
                Token::Text(text, _) => format!("[{text}]"),
                Token::Tag(tag) => {
                    let attributes: Vec<String> = tag.attributes.iter().map(|(n, v)| format!(" {n}={v}")).collect();
                    format!("<{}{}{}>", if tag.end { "/" } else { "" }, tag.name, attributes.concat())
                }
            })
            .collect()
    }

    #[test]
    fn tags_are_read_as_browsers_read_them() {
        for (html, expected) in [
            ("<P Class='a b'>x</p >", "<p Class=a b>[x]</p>"),
            ("<a href=/x/y?z=1>n</a>", "<a href=/x/y?z=1>[n]</a>"),
            ("<input disabled value = \"a>b\"/>", "<input disabled= value=a>b>"),
            ("a <!-- <b> --> c<!-->d", "[a ][ c][d]"),
            ("<![endif]-->x", "[x]"),
            ("<!doctype html><?xml ?>x", "[x]"),
            ("1 < 2 && a<3", "[1 ][< 2 && a][<3]"),
            ("<script>if (a<b) '</p>'</script>c", "<script>[if (a<b) '</p>']</script>[c]"),
            ("<textarea><b></textarea>", "<textarea>[<b>]</textarea>"),
            ("<title>a</title foo>b", "<title>[a]</title foo=>[b]"),
            ("x<b", "[x]"),
            ("x <annule", "[x ][<annule]"),
        ] {
            assert_eq!(read(html), expected, "{html}");
        }
    }

    /// Whatever letter follows a tag, what follows the letter is read as it would be behind any other.
    #[test]
    fn a_letter_beyond_ascii_changes_nothing_of_what_follows() {
        for (before, behind) in [
            ("<p>", "</p><b>x</b>"),
            ("</p>", "<b>x</b>"),
            ("<h3 class='c'>", "lagage</h3>"),
            ("<br/>", "<br>"),
            ("", "<b>x</b>"),
            ("1 < 2 ", "<b>x</b>"),
            ("<!-- é -->", "<b>x</b>"),
            ("<title>", "</title><b>x</b>"),
            ("<a title='é'>", "</a>"),
            ("<a title=é>", "</a>"),
            ("&amp;", "<b>x</b>"),
            ("<", "<b>x</b>"),
            ("</", "<b>x</b>"),
        ] {
            for letter in ["É", "’", "«", "😀", "\u{a0}", "ﬁ"] {
                let with = |letter: &str| read(&format!("{before}{letter}{behind}"));
                // A letter of ASCII that begins neither a tag nor a reference.
                assert_eq!(with(letter), with("%").replace('%', letter), "{before}{letter}{behind}");
            }
        }
    }

    /// B1, B4: no construct is scanned twice.
    #[test]
    fn the_work_grows_with_the_length_alone() {
        for piece in [
            "<a <a ",
            "<!--",
            "<a b='",
            "</",
            "<",
            "&",
            "<x y=z ",
            "<script>",
            "</script",
            "<![CDATA[",
            "<?",
            "<a b c d ",
            "<p>",
            "<textarea></textare>",
            "<title><",
            "-->",
            "<td colspan=18446744073709551615>",
            "&amp",
        ] {
            for size in [200_000usize, 5_000_000] {
                let html = piece.repeat(size / piece.len());
                let mut tokens = Tokens::new(&html);
                let read: usize = tokens.by_ref().count();
                assert!(read <= html.len());
                assert!(tokens.work <= 4 * html.len() + 64, "{piece}: {} for {}", tokens.work, html.len());
            }
        }
    }
}

//! Text as chats show it: words with a few styles, the same for every chat.
//!
//! Templates write it as a small HTML (`b`, `i`, `blockquote`, `a href`, `br`), where the template engine escapes all
//! outside text; [`Rich::parse`] reads that back into words and spans, from which each chat makes its own form: offsets for
//! Telegram, [`Rich::html`] for Matrix. No HTML of the outside can ever reach a chat: what is not one of these elements is
//! refused, and a link leads to the web or to a mailbox. `split` cuts a text that is too long for one message.

mod split;

use quick_xml::events::{BytesStart, Event};
use quick_xml::{Reader, XmlVersion};

use crate::typeset::typeset;

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Style {
    Bold,
    Italic,
    /// Quoted from an outside text.
    Quote,
    /// A link to this address.
    Link(String),
}

/// Words with one style, as byte offsets into [`Rich::text`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Span {
    /// First byte.
    pub start: usize,
    /// Byte after the last.
    pub end: usize,
    pub style: Style,
}

/// Words and their styles. Spans are nested or apart, the outer one first, never empty.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Rich {
    pub text: String,
    pub spans: Vec<Span>,
}

/// A button under a message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Button {
    pub label: String,
    pub action: ButtonAction,
}

/// What a button does.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ButtonAction {
    /// Comes back to the bot as this data: at most [`MAX_BUTTON_DATA`] bytes.
    Press(String),
    /// Opens a page.
    Open(String),
}

/// Most bytes of a button's data (Bot API, `InlineKeyboardButton.callback_data`).
pub const MAX_BUTTON_DATA: usize = 64;
/// Longest address of a link, in bytes; a longer one stays words.
const MAX_LINK: usize = 2048;

/// What a template wrote that no chat can show.
#[derive(Debug, thiserror::Error)]
pub enum RichError {
    /// It is no well-formed HTML.
    #[error("texte de chat mal formé : {0}")]
    Malformed(String),
    /// An element that chats do not have.
    #[error("élément « {0} » impossible dans un chat : b, i, blockquote, a et br seulement")]
    Element(String),
}

impl Rich {
    #[must_use]
    pub fn plain(text: impl Into<String>) -> Self {
        Self { text: text.into(), spans: Vec::new() }
    }

    /// Reads the small HTML of a template.
    ///
    /// # Errors
    /// It is malformed, or holds another element.
    pub fn parse(html: &str) -> Result<Self, RichError> {
        let mut reader = Reader::from_str(html);
        reader.config_mut().expand_empty_elements = false;
        let malformed = |e: &dyn std::fmt::Display| RichError::Malformed(e.to_string());
        let mut rich = Self::default();
        let mut open: Vec<(usize, usize)> = Vec::new();
        loop {
            match reader.read_event().map_err(|e| malformed(&e))? {
                Event::Text(text) => rich.say(&text),
                Event::GeneralRef(reference) => {
                    let written = format!("&{};", &*reference);
                    rich.say(&quick_xml::escape::unescape(&written).map_err(|e| malformed(&e))?);
                }
                Event::Empty(element) if element.name().as_ref() == "br" => rich.text.push('\n'),
                Event::Start(element) => {
                    let style = style(&element)?;
                    let same = |o: &(usize, usize)| {
                        std::mem::discriminant(&rich.spans[o.0].style) == std::mem::discriminant(&style)
                    };
                    if open.iter().any(same) {
                        return Err(RichError::Malformed("un élément en contient un semblable".to_owned()));
                    }
                    open.push((rich.spans.len(), rich.text.len()));
                    rich.spans.push(Span { start: rich.text.len(), end: rich.text.len(), style });
                }
                Event::End(_) => {
                    let Some((index, start)) = open.pop() else { continue };
                    let end = rich.text.len();
                    rich.spans[index] = Span { start, end, style: rich.spans[index].style.clone() };
                }
                Event::Eof => break,
                Event::Comment(_) => {}
                other => return Err(RichError::Malformed(format!("{other:?}").chars().take(80).collect())),
            }
        }
        if !open.is_empty() {
            return Err(RichError::Malformed("un élément n’est pas fermé".to_owned()));
        }
        rich.spans.retain(|s| s.end > s.start && !matches!(&s.style, Style::Link(url) if !is_safe(url)));
        Ok(rich)
    }

    /// Adds words of the outside: a control character is a space.
    fn say(&mut self, words: &str) {
        self.text
            .extend(words.chars().filter(|c| *c != '\r').map(|c| if c != '\n' && c.is_control() { ' ' } else { c }));
    }

    /// The same with the spaces of French. Each chat sends its words through it, so that no text has to write them.
    #[must_use]
    pub fn typeset(&self) -> Self {
        let text = typeset(&self.text);
        // One space takes the place of another: characters stay in order, and only their bytes are counted anew.
        let mut moved = vec![text.len(); self.text.len() + 1];
        for ((from, _), (to, _)) in self.text.char_indices().zip(text.char_indices()) {
            moved[from] = to;
        }
        let spans = self.spans.iter().map(|s| Span { start: moved[s.start], end: moved[s.end], ..s.clone() }).collect();
        Self { text, spans }
    }

    /// The words alone, with the address of each link behind it: for a chat that shows no styles.
    #[must_use]
    pub fn bare(&self) -> String {
        let mut out = String::with_capacity(self.text.len() * 2);
        let mut from = 0;
        for span in &self.spans {
            if let Style::Link(url) = &span.style {
                out.push_str(&self.text[from..span.end]);
                from = span.end;
                if self.text[span.start..span.end] != *url {
                    out.push_str(&format!(" ({url})"));
                }
            }
        }
        out.push_str(&self.text[from..]);
        out
    }

    /// The HTML subset of Matrix (client-server API, "m.room.message msgtypes"): everything of the outside escaped.
    #[must_use]
    pub fn html(&self) -> String {
        let mut out = String::with_capacity(self.text.len() * 2);
        let mut open: Vec<&Span> = Vec::new();
        let mut spans = self.spans.iter().peekable();
        for (at, c) in self.text.char_indices().chain([(self.text.len(), '\0')]) {
            while let Some(span) = open.pop_if(|s| s.end <= at) {
                out.push_str(closing(&span.style));
            }
            while let Some(span) = spans.next_if(|s| s.start <= at && at < self.text.len()) {
                opening(&mut out, &span.style);
                open.push(span);
            }
            if at < self.text.len() {
                escape(&mut out, c);
            }
        }
        out
    }

    /// Adds another text behind this one.
    pub fn push(&mut self, other: &Self) {
        let base = self.text.len();
        self.text.push_str(&other.text);
        self.spans.extend(other.spans.iter().map(|s| Span { start: s.start + base, end: s.end + base, ..s.clone() }));
    }
}

impl From<&str> for Rich {
    fn from(text: &str) -> Self {
        Self::plain(text)
    }
}

fn style(element: &BytesStart<'_>) -> Result<Style, RichError> {
    let name = element.name();
    Ok(match name.as_ref() {
        "b" | "strong" => Style::Bold,
        "i" | "em" => Style::Italic,
        "blockquote" => Style::Quote,
        "a" => {
            let href = element.try_get_attribute("href").map_err(|e| RichError::Malformed(e.to_string()))?;
            let value = href.map(|a| a.normalized_value(XmlVersion::Implicit1_0).map(std::borrow::Cow::into_owned));
            Style::Link(value.transpose().map_err(|e| RichError::Malformed(e.to_string()))?.unwrap_or_default())
        }
        other => return Err(RichError::Element(other.to_owned())),
    })
}

fn is_safe(url: &str) -> bool {
    ["https://", "http://", "mailto:"].iter().any(|scheme| url.starts_with(scheme))
        && url.len() <= MAX_LINK
        && !url.contains(|c: char| c.is_control() || c.is_whitespace())
}

fn opening(out: &mut String, style: &Style) {
    match style {
        Style::Bold => out.push_str("<strong>"),
        Style::Italic => out.push_str("<em>"),
        Style::Quote => out.push_str("<blockquote>"),
        Style::Link(url) => {
            out.push_str("<a href=\"");
            url.chars().for_each(|c| escape(out, c));
            out.push_str("\">");
        }
    }
}

fn closing(style: &Style) -> &'static str {
    match style {
        Style::Bold => "</strong>",
        Style::Italic => "</em>",
        Style::Quote => "</blockquote>",
        Style::Link(_) => "</a>",
    }
}

fn escape(out: &mut String, c: char) {
    match c {
        '\n' => out.push_str("<br>"),
        c if c.is_control() => out.push(char::REPLACEMENT_CHARACTER),
        c => crate::escape::push(out, c),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_template_becomes_words_and_spans_and_html_again() {
        let rich =
            Rich::parse("<b>Réservé &amp; <i>EA</i></b><br/>voir <a href=\"https://a.fr/?a=1&amp;b=2\">l’avis</a>")
                .unwrap();
        assert_eq!(rich.text, "Réservé & EA\nvoir l’avis");
        assert_eq!(&rich.text[rich.spans[1].start..rich.spans[1].end], "EA");
        assert_eq!(
            rich.html(),
            "<strong>Réservé &amp; <em>EA</em></strong><br>voir <a href=\"https://a.fr/?a=1&amp;b=2\">l’avis</a>"
        );
        assert_eq!(rich.bare(), "Réservé & EA\nvoir l’avis (https://a.fr/?a=1&b=2)");
    }

    #[test]
    fn what_no_chat_can_show_is_refused_and_unsafe_links_are_words() {
        assert!(matches!(Rich::parse("<script>x</script>"), Err(RichError::Element(_))));
        assert!(Rich::parse("<b>x").is_err());
        assert!(Rich::parse("<b>x <b>y</b></b>").is_err());
        let rich = Rich::parse("<a href=\"javascript:alert(1)\">x</a>").unwrap();
        assert!(rich.spans.is_empty() && rich.text == "x");
    }

    #[test]
    fn typeset_words_keep_their_styles() {
        let rich = Rich::parse("Noté : <b>« linge » ; <i>prêt ?</i></b> oui !").unwrap().typeset();
        assert_eq!(rich.text, "Noté\u{a0}: «\u{a0}linge\u{a0}»\u{202f}; prêt\u{202f}? oui\u{202f}!");
        let styled: Vec<&str> = rich.spans.iter().map(|s| &rich.text[s.start..s.end]).collect();
        assert_eq!(styled, ["«\u{a0}linge\u{a0}»\u{202f}; prêt\u{202f}?", "prêt\u{202f}?"]);
        assert_eq!(rich.typeset(), rich);
    }

    proptest::proptest! {
        /// Whatever the outside text, escaped as templates escape it: the words come back whole.
        #[test]
        fn escaped_text_comes_back_whole(text in "[^\\p{C}]{0,80}") {
            let mut escaped = String::new();
            text.chars().for_each(|c| escape(&mut escaped, c));
            let rich = Rich::parse(&format!("<b>{escaped}</b>")).unwrap();
            proptest::prop_assert_eq!(&rich.text, &text);
            proptest::prop_assert!(rich.html().contains(&escaped));
        }
    }
}

//! A message as Telegram carries it.
//!
//! Styles are entities: offsets and lengths in UTF-16 units beside the words, so that no word of the outside is ever read as
//! markup. A long text becomes parts of at most [`MAX_TEXT`] units; the buttons stand under the last one.

use teloxide_core::types::{InlineKeyboardButton, InlineKeyboardMarkup, MessageEntity, MessageEntityKind};
use vigie_notifier::chat::{Button, ButtonAction, MAX_BUTTON_DATA, Rich, Style};
use vigie_notifier::typeset::typeset;

/// Most UTF-16 units of one message (Bot API, `sendMessage`: "1-4096 characters after entities parsing").
pub const MAX_TEXT: usize = 4096;
/// Most UTF-16 units of a toast (Bot API, `answerCallbackQuery`: "0-200 characters").
pub const MAX_TOAST: usize = 200;
/// Most buttons of a row that clients show.
const MAX_ROW: usize = 8;
/// Most buttons of a message.
const MAX_BUTTONS: usize = 100;

/// One message on the wire.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Part {
    pub text: String,
    pub entities: Vec<MessageEntity>,
    pub buttons: Option<InlineKeyboardMarkup>,
}

impl Part {
    /// The words alone, for a server that takes nothing else.
    #[must_use]
    pub fn bare(&self) -> Self {
        Self { text: self.text.clone(), ..Self::default() }
    }

    /// Adds words of our own below, where they fit.
    #[must_use]
    pub fn with_note(mut self, note: &str) -> Self {
        let note = typeset(note);
        let (has, adds) = (self.text.encode_utf16().count(), note.encode_utf16().count());
        if has + 2 + adds <= MAX_TEXT {
            self.text.push_str(&format!("\n\n{note}"));
            self.entities.push(MessageEntity { kind: MessageEntityKind::Italic, offset: has + 2, length: adds });
        }
        self
    }

    /// Whether there is more to it than words.
    #[must_use]
    pub fn is_styled(&self) -> bool {
        !self.entities.is_empty() || self.buttons.is_some()
    }
}

/// The messages that say this text; none when it says nothing.
#[must_use]
pub fn parts(text: &Rich, buttons: &[Vec<Button>]) -> Vec<Part> {
    let mut parts: Vec<Part> = readable(&text.typeset())
        .split(MAX_TEXT)
        .into_iter()
        .filter(|rich| !rich.text.trim().is_empty())
        .map(|rich| Part { entities: entities(&rich), text: rich.text, buttons: None })
        .collect();
    if let Some(last) = parts.last_mut() {
        last.buttons = keyboard(buttons);
    }
    parts
}

/// Telegram links lead to the web only: the address of a mailbox becomes words behind its link's.
fn readable(text: &Rich) -> Rich {
    let mut out = text.clone();
    while let Some(at) =
        out.spans.iter().rposition(|s| matches!(&s.style, Style::Link(url) if url.starts_with("mailto:")))
    {
        let span = out.spans.remove(at);
        let Style::Link(url) = span.style else { continue };
        let address = url.trim_start_matches("mailto:").split('?').next().unwrap_or_default();
        if out.text[span.start..span.end].contains(address) {
            continue;
        }
        let words = format!(" ({address})");
        out.text.insert_str(span.end, &words);
        for other in &mut out.spans {
            if other.start >= span.end {
                other.start += words.len();
            }
            if other.end >= span.end {
                other.end += words.len();
            }
        }
    }
    out
}

/// The styles of a text as entities, in UTF-16 units.
#[must_use]
pub fn entities(text: &Rich) -> Vec<MessageEntity> {
    let units = |to: usize| text.text[..to].chars().map(char::len_utf16).sum::<usize>();
    let entity = |span: &vigie_notifier::chat::Span| {
        // White space at the ends of an entity means nothing: the server would cut it off.
        let words = &text.text[span.start..span.end];
        let start = span.start + (words.len() - words.trim_start().len());
        let end = start + words.trim().len();
        let kind = match &span.style {
            Style::Bold => MessageEntityKind::Bold,
            Style::Italic => MessageEntityKind::Italic,
            Style::Quote => MessageEntityKind::Blockquote,
            // An address that cannot be read stays words.
            Style::Link(url) => MessageEntityKind::TextLink { url: url::Url::parse(url).ok()? },
        };
        let offset = units(start);
        (start < end).then(|| MessageEntity { kind, offset, length: units(end) - offset })
    };
    text.spans.iter().filter_map(entity).collect()
}

/// Buttons as a keyboard; `None` when there are none. A button that Telegram would refuse is left out, and said so in the
/// logs: the message matters more.
#[must_use]
pub fn keyboard(rows: &[Vec<Button>]) -> Option<InlineKeyboardMarkup> {
    let button = |b: &Button| match &b.action {
        _ if b.label.trim().is_empty() => None,
        ButtonAction::Press(data) if data.is_empty() || data.len() > MAX_BUTTON_DATA => {
            tracing::error!(data, "a button's data is empty or too long: the button is left out");
            None
        }
        ButtonAction::Press(data) => Some(InlineKeyboardButton::callback(typeset(&b.label), data.clone())),
        ButtonAction::Open(url) => match url::Url::parse(url) {
            Ok(url) => Some(InlineKeyboardButton::url(typeset(&b.label), url)),
            Err(e) => {
                tracing::error!(url, "a button's address is unreadable: {e}");
                None
            }
        },
    };
    let mut left = MAX_BUTTONS;
    let mut keyboard = Vec::new();
    for row in rows {
        let buttons: Vec<_> = row.iter().filter_map(button).take(left).collect();
        left -= buttons.len();
        keyboard.extend(buttons.chunks(MAX_ROW).map(<[InlineKeyboardButton]>::to_vec));
    }
    (!keyboard.is_empty()).then(|| InlineKeyboardMarkup::new(keyboard))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(part: &Part) -> Vec<String> {
        let units: Vec<u16> = part.text.encode_utf16().collect();
        part.entities.iter().map(|e| String::from_utf16(&units[e.offset..e.offset + e.length]).unwrap()).collect()
    }

    #[test]
    fn styles_are_counted_in_utf16_units() {
        let text =
            Rich::parse("🏛️ é <b>Réservé 👷🏽 <i>EA</i> </b><a href=\"https://a.fr/?a=1&amp;b=2\">l’avis</a>").unwrap();
        let parts = parts(&text, &[]);
        assert_eq!(parts.len(), 1);
        assert_eq!(shown(&parts[0]), ["Réservé 👷🏽 EA", "EA", "l’avis"]);
        assert_eq!(parts[0].entities[0].offset, "🏛️ é ".encode_utf16().count());
    }

    #[test]
    fn the_address_of_a_mailbox_becomes_words() {
        let text = Rich::parse("<b><a href=\"mailto:a@b.fr\">Écrire</a> ou</b> <i>voir</i>").unwrap();
        let part = &parts(&text, &[])[0];
        assert_eq!(part.text, "Écrire (a@b.fr) ou voir");
        assert_eq!(shown(part), ["Écrire (a@b.fr) ou", "voir"]);
    }

    #[test]
    fn a_long_text_becomes_parts_with_the_buttons_under_the_last() {
        let line = "Une phrase avec un signe 🏛️ et <b>du gras</b>. ";
        let text = Rich::parse(&line.repeat(300)).unwrap();
        let button = Button { label: "👍".into(), action: ButtonAction::Press("go:1".into()) };
        let parts = parts(&text, &[vec![button]]);
        assert!(parts.len() > 2);
        assert!(parts.iter().all(|p| p.text.encode_utf16().count() <= MAX_TEXT));
        assert_eq!(parts.iter().filter(|p| p.buttons.is_some()).count(), 1);
        assert!(parts.last().unwrap().buttons.is_some());
        assert!(parts.iter().flat_map(shown).all(|w| w == "du gras"));
    }

    #[test]
    fn a_button_that_would_be_refused_is_left_out() {
        let press = |data: String| Button { label: "x".into(), action: ButtonAction::Press(data) };
        assert!(keyboard(&[vec![press("é".repeat(33)), press(String::new())]]).is_none());
        let keyboard = keyboard(&[vec![press("é".repeat(32))]]).unwrap();
        assert_eq!(keyboard.inline_keyboard[0].len(), 1);
    }
}

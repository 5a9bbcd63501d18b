//! Rocket.Chat's incoming webhooks (docs.rocket.chat, "Integrations"): its own Markdown, one star for bold.

use serde_json::json;

use super::{Dialect, Posted, cut, links};
use crate::channels::Envelope;

/// Longest message, in characters (the server's default, `Message_MaxAllowedSize`).
const MAX_TEXT: usize = 4_900;

const MARKDOWN: Dialect = Dialect {
    bold: ("*", "*"),
    italic: ("_", "_"),
    link: |label, url| format!("[{label}]({})", url.replace('(', "%28").replace(')', "%29")),
    plain: apart,
};

/// Rocket.Chat has no escape: its marks are parted from what they would mark.
fn apart(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in super::without_calls(text).chars() {
        match c {
            '*' | '_' | '~' | '`' => {
                out.push('\u{200b}');
                out.push(c);
                out.push('\u{200b}');
            }
            '[' => out.push('('),
            ']' => out.push(')'),
            // `<address|words>` is a link too.
            '<' => out.push('‹'),
            '>' => out.push('›'),
            '|' => out.push('¦'),
            c => out.push(c),
        }
    }
    out
}

/// The document to post.
#[must_use]
pub fn post(envelope: &Envelope<'_>) -> Posted {
    let links = MARKDOWN.links(&links(envelope));
    let room = MAX_TEXT.saturating_sub(links.chars().count() + 2);
    let text = cut(MARKDOWN.write(&envelope.message.chat()).trim_end(), room);
    json!({ "text": if links.is_empty() { text } else { format!("{text}\n\n{links}") } })
}

#[cfg(test)]
mod tests {
    use super::super::tests::{buttons, envelope, is_fixture, message};
    use super::*;

    #[test]
    fn an_alert_as_rocket_chat_takes_it() {
        let (message, buttons) = (message(), buttons());
        is_fixture("rocket_chat.json", &post(&envelope(&message, &buttons)));
    }
}

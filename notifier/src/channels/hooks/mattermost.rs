//! Mattermost's incoming webhooks (developers.mattermost.com, "Incoming webhooks"): Markdown.

use serde_json::json;

use super::{Dialect, Posted, cut, links};
use crate::channels::Envelope;

/// Longest post, in characters (the server's default).
const MAX_TEXT: usize = 16_000;

pub(super) const MARKDOWN: Dialect = Dialect {
    bold: ("**", "**"),
    italic: ("*", "*"),
    link: |label, url| format!("[{label}]({})", url.replace('(', "%28").replace(')', "%29")),
    plain: escaped,
};

/// Signs of Markdown escaped, and nobody called.
pub(super) fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in super::without_calls(text).chars() {
        if matches!(c, '\\' | '*' | '_' | '`' | '[' | ']' | '<' | '>' | '#' | '|' | '~' | '!') {
            out.push('\\');
        }
        out.push(c);
    }
    out
}

/// The document to post.
#[must_use]
pub fn post(envelope: &Envelope<'_>) -> Posted {
    let links = MARKDOWN.links(&links(envelope));
    let room = MAX_TEXT.saturating_sub(links.chars().count() + 2);
    // Two spaces at the end of a line keep it a line.
    let text = MARKDOWN.write(&envelope.message.chat()).trim_end().replace('\n', "  \n");
    let text = cut(&text, room);
    json!({ "text": if links.is_empty() { text } else { format!("{text}\n\n{links}") } })
}

#[cfg(test)]
mod tests {
    use super::super::tests::{buttons, envelope, is_fixture, message};
    use super::*;

    #[test]
    fn an_alert_as_mattermost_takes_it() {
        let (message, buttons) = (message(), buttons());
        is_fixture("mattermost.json", &post(&envelope(&message, &buttons)));
    }
}

//! Slack's incoming webhooks: "Sending messages using incoming webhooks" and "Formatting text for app surfaces" (docs.slack.dev).

use serde_json::json;

use super::{Dialect, Posted, cut, links};
use crate::channels::Envelope;

/// Longest text of a section block, in characters ("Section block").
const MAX_SECTION: usize = 2_900;
/// Most section blocks: fewer than the fifty of a message.
const MAX_SECTIONS: usize = 20;

const MRKDWN: Dialect = Dialect {
    bold: ("*", "*"),
    italic: ("_", "_"),
    link: |label, url| format!("<{}|{label}>", url.replace('|', "%7C").replace('>', "%3E").replace('<', "%3C")),
    plain: escaped,
};

/// The three signs that Slack asks to be escaped; marks of its own are parted from what they would mark.
fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in super::without_calls(text).chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '*' | '_' | '~' | '`' => {
                out.push('\u{200b}');
                out.push(c);
                out.push('\u{200b}');
            }
            '|' => out.push('¦'),
            c => out.push(c),
        }
    }
    out
}

/// The document to post.
#[must_use]
pub fn post(envelope: &Envelope<'_>) -> Posted {
    let text = MRKDWN.write(&envelope.message.chat());
    let mut blocks: Vec<Posted> = Vec::new();
    let mut section = String::new();
    let flush = |section: &mut String, blocks: &mut Vec<Posted>| {
        if !section.trim().is_empty() && blocks.len() < MAX_SECTIONS {
            blocks.push(json!({ "type": "section", "text": { "type": "mrkdwn", "text": section.trim_end() } }));
        }
        section.clear();
    };
    for line in text.lines() {
        let line = cut(line, MAX_SECTION);
        if section.chars().count() + line.chars().count() + 1 > MAX_SECTION {
            flush(&mut section, &mut blocks);
        }
        section.push_str(&line);
        section.push('\n');
    }
    flush(&mut section, &mut blocks);
    let links = links(envelope);
    if !links.is_empty() {
        let text = cut(&MRKDWN.links(&links), MAX_SECTION);
        blocks.push(json!({ "type": "context", "elements": [{ "type": "mrkdwn", "text": text }] }));
    }
    json!({ "text": escaped(&envelope.message.subject), "blocks": blocks, "unfurl_links": false })
}

#[cfg(test)]
mod tests {
    use super::super::tests::{buttons, envelope, is_fixture, message};
    use super::*;

    #[test]
    fn an_alert_as_slack_takes_it() {
        let (message, buttons) = (message(), buttons());
        is_fixture("slack.json", &post(&envelope(&message, &buttons)));
    }
}

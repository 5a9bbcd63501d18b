//! Teams, by a workflow that takes a webhook (learn.microsoft.com, "Create incoming webhooks with Workflows"): an Adaptive Card.

use serde_json::json;

use super::{Dialect, Posted, cut, links};
use crate::channels::Envelope;

/// Longest text, in characters: a whole message stays below 28 KB.
const MAX_TEXT: usize = 8_000;
/// Most actions that a card shows.
const MAX_ACTIONS: usize = 6;

const MARKDOWN: Dialect = Dialect {
    bold: ("**", "**"),
    italic: ("_", "_"),
    link: |label, url| format!("[{label}]({})", url.replace('(', "%28").replace(')', "%29")),
    plain: super::mattermost::escaped,
};

/// The document to post.
#[must_use]
pub fn post(envelope: &Envelope<'_>) -> Posted {
    let text = cut(MARKDOWN.write(&envelope.message.chat()).trim_end(), MAX_TEXT);
    // A card shows a line end only where two stand.
    let body = json!([{ "type": "TextBlock", "text": text.replace('\n', "\n\n"), "wrap": true }]);
    let actions: Vec<Posted> = links(envelope)
        .into_iter()
        .take(MAX_ACTIONS)
        .map(|l| json!({ "type": "Action.OpenUrl", "title": l.label, "url": l.url }))
        .collect();
    json!({
        "type": "message",
        "attachments": [{
            "contentType": "application/vnd.microsoft.card.adaptive",
            "contentUrl": null,
            "content": {
                "$schema": "http://adaptivecards.io/schemas/adaptive-card.json",
                "type": "AdaptiveCard",
                "version": "1.4",
                "fallbackText": super::without_calls(&envelope.message.subject),
                "body": body,
                "actions": actions,
            },
        }],
    })
}

#[cfg(test)]
mod tests {
    use super::super::tests::{buttons, envelope, is_fixture, message};
    use super::*;

    #[test]
    fn an_alert_as_teams_takes_it() {
        let (message, buttons) = (message(), buttons());
        is_fixture("teams.json", &post(&envelope(&message, &buttons)));
    }
}

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
                "fallbackText": in_plain_words(&envelope.message.subject),
                "body": body,
                "actions": actions,
            },
        }],
    })
}

/// Words that clients may take for Markdown, where nothing is a link: those of a title come from outside.
fn in_plain_words(text: &str) -> String {
    super::without_calls(text).replace("](", "] (").replace("]:", "] :")
}

#[cfg(test)]
mod tests {
    use super::super::tests::{buttons, envelope, is_fixture, message};
    use super::*;

    #[test]
    fn a_title_is_no_link_in_the_words_of_an_older_client() {
        for (title, plain) in [
            ("Nettoyage [ici](https://x.example)", "Nettoyage [ici] (https://x.example)"),
            ("![plan](https://x.example/p.png) Tonte", "![plan] (https://x.example/p.png) Tonte"),
            ("Tonte [a]: https://x.example", "Tonte [a] : https://x.example"),
            ("Nettoyage [lot 1] (59)", "Nettoyage [lot 1] (59)"),
        ] {
            assert_eq!(in_plain_words(title), plain);
        }
    }

    #[test]
    fn an_alert_as_teams_takes_it() {
        let (message, buttons) = (message(), buttons());
        is_fixture("teams.json", &post(&envelope(&message, &buttons)));
    }
}

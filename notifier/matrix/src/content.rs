//! A message as Matrix carries it: a plain body, and the same in the HTML subset that clients show.
//!
//! Both come from the message as chats show it: the HTML holds `strong`, `em`, `blockquote`, `br` and `a` only, with
//! everything of the outside escaped ([`Rich::html`]). The size is bounded so that the encrypted event stays under the limit.

use serde_json::{Value, json};
use vigie_notifier::chat::Rich;

/// Largest content before encryption, in bytes: an event may hold 65,536 (Matrix specification, "Size limits") and
/// encryption adds a third (base64) and some fields.
const MAX_CONTENT: usize = 40_000;

/// What stands where a message was cut.
const CUT: &str = "\n\n[…] La suite est sur la page de l’avis.";

/// The content of `m.room.message`. `root` is the first event of the thread.
#[must_use]
pub fn message(text: &Rich, root: Option<&str>) -> Value {
    let text = text.typeset();
    let mut content = build(&text, root);
    let mut limit = text.utf16_len();
    while content.to_string().len() > MAX_CONTENT {
        limit /= 2;
        let mut kept = text.clone().split(limit).into_iter().next().unwrap_or_default();
        if limit < MAX_CONTENT / 64 {
            // What is long is not the words but the addresses of their links.
            kept.spans.clear();
        }
        kept.push(&CUT.into());
        content = build(&kept, root);
    }
    content
}

fn build(text: &Rich, root: Option<&str>) -> Value {
    let mut content = json!({
        "msgtype": "m.text",
        "body": text.bare(),
        "format": "org.matrix.custom.html",
        "formatted_body": text.html(),
    });
    if let (Some(root), Some(object)) = (root, content.as_object_mut()) {
        object.insert("m.relates_to".to_owned(), thread(root));
    }
    content
}

/// The relation of a message to the first of its thread; clients without threads show an answer to it.
fn thread(root: &str) -> Value {
    json!({ "rel_type": "m.thread", "event_id": root, "is_falling_back": true, "m.in_reply_to": { "event_id": root } })
}

/// Something short said in a room: in the thread of `root`, or in the place of an earlier note.
#[must_use]
pub fn note(text: &Rich, root: Option<&str>, instead: Option<&str>) -> Value {
    let mut content = message(text, root);
    let Some(object) = content.as_object_mut() else { return content };
    object.insert("msgtype".to_owned(), "m.notice".into());
    if let Some(event) = instead {
        object.remove("m.relates_to");
        let new = Value::Object(object.clone());
        object.insert("m.new_content".to_owned(), new);
        object.insert("m.relates_to".to_owned(), json!({ "rel_type": "m.replace", "event_id": event }));
    }
    content
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_body_says_in_words_what_the_html_shows() {
        let text = Rich::parse("<b>Réservé &lt;EA&gt;</b>\n<a href=\"https://a.fr/?a=1&amp;b=2\">Lire</a>").unwrap();
        let content = message(&text, None);
        assert_eq!(content["body"], "Réservé <EA>\nLire (https://a.fr/?a=1&b=2)");
        assert_eq!(
            content["formatted_body"],
            "<strong>Réservé &lt;EA&gt;</strong><br><a href=\"https://a.fr/?a=1&amp;b=2\">Lire</a>"
        );
    }

    #[test]
    fn a_long_message_is_cut_and_says_so() {
        let link = format!("<a href=\"https://a.fr/{}\">x</a>\n", "&amp;".repeat(500));
        for long in ["une ligne &amp; &lt;une autre>\n".repeat(20_000), "&amp;".repeat(100_000), link.repeat(90)] {
            let content = message(&Rich::parse(&long).unwrap(), None);
            assert!(content.to_string().len() <= MAX_CONTENT);
            assert!(content["body"].as_str().unwrap().ends_with(CUT.trim_start()));
        }
    }

    #[test]
    fn a_note_stands_in_the_thread_or_in_the_place_of_another() {
        let content = note(&"t".into(), Some("$racine"), None);
        assert_eq!(
            (&content["msgtype"], &content["m.relates_to"]["event_id"]),
            (&"m.notice".into(), &"$racine".into())
        );
        let edit = note(&"u".into(), Some("$racine"), Some("$note"));
        assert_eq!(edit["m.relates_to"], json!({ "rel_type": "m.replace", "event_id": "$note" }));
        assert_eq!(edit["m.new_content"]["body"], "u");
    }

    #[test]
    fn a_correction_stands_in_the_thread_of_the_first_message() {
        let content = message(&"t".into(), Some("$racine"));
        assert_eq!(content["m.relates_to"]["event_id"], "$racine");
        assert_eq!(content["m.relates_to"]["rel_type"], "m.thread");
    }
}

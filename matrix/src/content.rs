//! A message as Matrix carries it: a plain body, and the same in the HTML subset that clients show.
//!
//! The HTML is made here from plain lines: every character of the outside is escaped, and the only elements are `strong`,
//! `br` and `a` to https and mailto. The size is bounded so that the encrypted event stays under the limit.

use serde_json::{Value, json};

/// Largest content before encryption, in bytes: an event may hold 65,536 (Matrix specification, "Size limits") and
/// encryption adds a third (base64) and some fields.
const MAX_CONTENT: usize = 40_000;

/// Most bytes of content that one byte of text may take: once in the body (`\\u0000`), once in the HTML (`&quot;`).
const WORST_GROWTH: usize = 12;

/// Left for the subject (200 characters), the thread and the names of the fields.
const ROOM_FOR_THE_REST: usize = 12_000;

/// What stands where a message was cut.
const CUT: &str = "[…] La suite est sur la page de l’avis.";

/// The content of `m.room.message` for a subject and a text. `root` is the first event of the thread.
#[must_use]
pub fn message(subject: &str, text: &str, root: Option<&str>) -> Value {
    let lines: Vec<&str> = text.trim_end().lines().collect();
    let whole = build(subject, &lines, root);
    if whole.to_string().len() <= MAX_CONTENT {
        return whole;
    }
    let mut kept = Vec::new();
    let mut size = 0;
    for line in lines {
        size += WORST_GROWTH * (line.len() + 1);
        if size > MAX_CONTENT - ROOM_FOR_THE_REST {
            break;
        }
        kept.push(line);
    }
    kept.push(CUT);
    build(subject, &kept, root)
}

fn build(subject: &str, lines: &[&str], root: Option<&str>) -> Value {
    let html: Vec<String> = lines.iter().map(|line| line_in_html(line)).collect();
    let mut content = json!({
        "msgtype": "m.text",
        "body": format!("{subject}\n\n{}", lines.join("\n")),
        "format": "org.matrix.custom.html",
        "formatted_body": format!("<strong>{}</strong><br><br>{}", escaped(subject), html.join("<br>")),
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

/// A short answer to something said in a room.
#[must_use]
pub fn answer(text: &str) -> Value {
    json!({ "msgtype": "m.notice", "body": text })
}

fn line_in_html(line: &str) -> String {
    let words: Vec<String> = line.split(' ').map(word_in_html).collect();
    words.join(" ")
}

fn word_in_html(word: &str) -> String {
    if (word.starts_with("https://") && word.len() > 8) || (word.starts_with("mailto:") && word.len() > 7) {
        let link = word.trim_end_matches(['.', ',', ')', ';']);
        let rest = word.get(link.len()..).unwrap_or_default();
        return format!("<a href=\"{0}\">{0}</a>{1}", escaped(link), escaped(rest));
    }
    escaped(word)
}

fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&#39;"),
            _ => out.push(c),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    fn html(content: &Value) -> &str {
        content["formatted_body"].as_str().unwrap()
    }

    #[test]
    fn outside_text_is_escaped_and_only_safe_links_are_links() {
        let content = message("<b>x</b>", "voir https://a.fr/?q=\"a&b. javascript:alert(1) http://b.fr", None);
        assert_eq!(
            html(&content),
            "<strong>&lt;b&gt;x&lt;/b&gt;</strong><br><br>voir <a href=\"https://a.fr/?q=&quot;a&amp;b\">https://a.fr/?q=&quot;a&amp;b</a>. javascript:alert(1) http://b.fr"
        );
    }

    #[test]
    fn a_long_message_is_cut_and_says_so() {
        let content = message("Résumé", &"une ligne & <une autre>\n".repeat(20_000), None);
        assert!(content.to_string().len() <= MAX_CONTENT);
        assert!(content["body"].as_str().unwrap().ends_with(CUT));
        let one_line = message("Résumé", &"&".repeat(100_000), None);
        assert!(one_line.to_string().len() <= MAX_CONTENT, "{}", one_line.to_string().len());
    }

    #[test]
    fn a_correction_stands_in_the_thread_of_the_first_message() {
        let content = message("s", "t", Some("$racine"));
        assert_eq!(content["m.relates_to"]["event_id"], "$racine");
        assert_eq!(content["m.relates_to"]["rel_type"], "m.thread");
    }
}

//! Telephone numbers and mail addresses in a text, made links that a thumb can follow.
//!
//! The text is of the outside: it is escaped whole, and what becomes a link holds nothing but the digits of a French number, or the
//! plain characters of an address.

use std::sync::LazyLock;

use minijinja::Value;
use regex::Regex;

use crate::typeset::typeset;

/// A French number in its five groups of two, or from abroad; or a mail address.
static LINKS: LazyLock<Regex> = LazyLock::new(|| {
    let pattern = r"(?P<tel>(?:\+33[ .\u{a0}\u{202f}-]?|\b0)[1-9](?:[ .\u{a0}\u{202f}-]?[0-9]{2}){4})\b|(?P<mail>\b[A-Za-z0-9][A-Za-z0-9._+-]{0,63}@[A-Za-z0-9-]{1,63}(?:\.[A-Za-z0-9-]{1,63})*\.[A-Za-z]{2,24})\b";
    #[expect(clippy::expect_used, reason = "the pattern is a constant, and a test reads it")]
    Regex::new(pattern).expect("a pattern of ours")
});

fn escape(out: &mut String, text: &str) {
    text.chars().for_each(|c| crate::escape::push(out, c));
}

/// The text as HTML, escaped, its numbers and addresses links.
#[must_use]
pub fn html(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + 64);
    let mut from = 0;
    for found in LINKS.captures_iter(text) {
        let Some(whole) = found.get(0) else { continue };
        escape(&mut out, &typeset(&text[from..whole.start()]));
        from = whole.end();
        let target = if found.name("tel").is_some() {
            let digits: String = whole.as_str().chars().filter(|c| c.is_ascii_digit() || *c == '+').collect();
            format!("tel:{digits}")
        } else {
            format!("mailto:{}", whole.as_str())
        };
        out.push_str("<a href=\"");
        escape(&mut out, &target);
        out.push_str("\" style=\"color:#0b6b4b\" class=\"link\">");
        escape(&mut out, &typeset(whole.as_str()));
        out.push_str("</a>");
    }
    escape(&mut out, &typeset(&text[from..]));
    out
}

/// The text as HTML, escaped, the addresses of our own pages (those that begin with `home`) links; what else looks like one is of the
/// outside, and stays text.
#[must_use]
pub fn own_pages(text: &str, home: Option<&str>) -> String {
    let mut out = String::with_capacity(text.len() + 64);
    let mut rest = text;
    while let Some(home) = home.filter(|home| !home.is_empty())
        && let Some(start) = rest.find(home)
    {
        let end = rest[start..].find(|c: char| c.is_whitespace() || "<>\"«»".contains(c));
        let end = end.map_or(rest.len(), |n| start + n);
        let address = rest[start..end].trim_end_matches(['.', ',', ';', ':', '!', '?', ')']);
        escape(&mut out, &typeset(&rest[..start]));
        out.push_str("<a href=\"");
        escape(&mut out, address);
        out.push_str("\" style=\"color:#0b6b4b\" class=\"link\">");
        escape(&mut out, address);
        out.push_str("</a>");
        rest = &rest[start + address.len()..];
    }
    escape(&mut out, &typeset(rest));
    out
}

/// The same for templates: what it gives is safe.
#[must_use]
pub fn filter(text: &str) -> Value {
    Value::from_safe_string(html(text))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn our_own_pages_are_links_and_others_text() {
        let html = |text: &str| own_pages(text, Some("https://v.example/"));
        assert_eq!(
            html("Répondez ici : https://v.example/groupements."),
            "Répondez ici\u{a0}: <a href=\"https://v.example/groupements\" style=\"color:#0b6b4b\" class=\"link\">https://v.example/groupements</a>."
        );
        assert_eq!(html("https://ailleurs.example/x <b>"), "https://ailleurs.example/x &lt;b&gt;");
        assert!(!html("https://v.example/\"onclick=1").contains("\"onclick"), "a quote ends it");
        assert_eq!(own_pages("https://v.example/x", None), "https://v.example/x");
    }

    fn links(text: &str) -> Vec<String> {
        html(text).split("href=\"").skip(1).map(|s| s.split('"').next().unwrap_or_default().to_owned()).collect()
    }

    #[test]
    fn numbers_and_addresses_can_be_tapped_and_nothing_else() {
        assert_eq!(
            links("Maison de l’emploi, 03 20 49 50 00 ou +33 6.12.34.56.78, clauses@mde-lille.fr"),
            ["tel:0320495000", "tel:+33612345678", "mailto:clauses@mde-lille.fr"]
        );
        for text in ["SIRET 215 903 501 00017", "du 12 01 2027 au 13 02 2027", "26-131001", "a@b", "12 000 heures"] {
            assert!(links(text).is_empty(), "{text}: {}", html(text));
        }
    }

    #[test]
    fn outside_text_stays_text() {
        let said = html("<script>alert(1)</script> \"x\"@y.fr'&");
        assert!(!said.contains("<script>") && !said.contains("\"x\""), "{said}");
    }
}

//! The spaces of French: none that breaks before `: ; ? ! »`, after `«`, between a number and its unit (`33 jours`, `30 km`, `5 %`),
//! or between the groups of a number (`5 200`, `03 20 49 50 00`); narrow before `; ? !` and within numbers. Mails and pages get them when they are rendered, chats when a message leaves, so that no template and no text has
//! to think of it.

use minijinja::{Error, Output, State, Value};

use crate::escape;

/// Does not break a line.
const SPACE: char = '\u{a0}';
const NARROW: char = '\u{202f}';

/// A text with the spaces of French.
#[must_use]
pub fn typeset(text: &str) -> String {
    after(' ', text)
}

/// The same, where that character stands before the text.
fn after(mut before: char, text: &str) -> String {
    let mut out = String::with_capacity(text.len() + 8);
    let mut chars = text.chars().peekable();
    while let Some(c) = chars.next() {
        let next = chars.peek().copied().unwrap_or('\n');
        let fitting = match (c, before, next) {
            (' ', '«', _) | (' ', _, '»') => SPACE,
            (' ', b, ':') if !b.is_whitespace() && ends_there(&mut chars.clone()) => SPACE,
            (' ', b, ';' | '?' | '!') if !b.is_whitespace() => NARROW,
            (' ', b, _) if b.is_ascii_digit() && starts_with_unit(&chars) => SPACE,
            (' ', b, n) if b.is_ascii_digit() && n.is_ascii_digit() && starts_with_group(&chars) => NARROW,
            _ => c,
        };
        out.push(fitting);
        before = c;
    }
    out
}

/// Whether the sign that comes next stands alone: `:` before a space, not `://`.
fn ends_there(rest: &mut impl Iterator<Item = char>) -> bool {
    rest.next();
    rest.next().is_none_or(char::is_whitespace)
}

/// Whether a unit that stays with its number comes next.
fn starts_with_unit(rest: &std::iter::Peekable<std::str::Chars<'_>>) -> bool {
    if matches!(rest.clone().next(), Some('€' | '%')) {
        return true;
    }
    let word: String = rest.clone().take(LONGEST_UNIT + 1).take_while(|c| c.is_alphanumeric()).collect();
    UNITS.contains(&word.as_str())
}

/// Whether two or three digits come and then no other: a group of a telephone number, or of thousands.
fn starts_with_group(rest: &std::iter::Peekable<std::str::Chars<'_>>) -> bool {
    let digits = rest.clone().take(4).take_while(char::is_ascii_digit).count();
    (2..=3).contains(&digits)
}

/// Words that stay with the number before them.
const UNITS: [&str; 12] =
    ["km", "jour", "jours", "heure", "heures", "lot", "lots", "mois", "an", "ans", "marché", "marchés"];
/// Characters of the longest of them.
const LONGEST_UNIT: usize = 7;

/// A template whose own words have the spaces of French; its expressions, its tags and its style stay as they are.
#[must_use]
pub fn template(name: &str, source: &str) -> String {
    let html = name.ends_with(".html");
    let kept: &[(&str, &str)] = if html {
        &[("{{", "}}"), ("{%", "%}"), ("{#", "#}"), ("<style", "</style>"), ("<!--", "-->"), ("<", ">")]
    } else {
        &[("{{", "}}"), ("{%", "%}"), ("{#", "#}")]
    };
    let mut out = String::with_capacity(source.len());
    let mut rest = source;
    // What an expression or a tag leaves before the words that follow.
    let mut before = '\n';
    while !rest.is_empty() {
        let next = kept.iter().filter_map(|(from, to)| Some((rest.find(from)?, *to))).min_by_key(|(at, _)| *at);
        let Some((at, to)) = next else {
            out.push_str(&after(before, rest));
            break;
        };
        out.push_str(&after(before, &rest[..at]));
        before = 'x';
        let end = rest[at..].find(to).map_or(rest.len(), |n| at + n + to.len());
        out.push_str(&rest[at..end]);
        rest = &rest[end..];
    }
    out
}

/// The formatter of messages.
///
/// # Errors
/// The output cannot be written.
pub fn formatter(out: &mut Output<'_>, state: &mut State<'_, '_>, value: &Value) -> Result<(), Error> {
    match value.as_str().filter(|_| !value.is_safe()) {
        Some(text) => escape::formatter(out, state, &Value::from(typeset(text))),
        None => escape::formatter(out, state, value),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn french_spaces_do_not_break_and_nothing_else_changes() {
        let table = [
            ("Dates : le 12 ; quoi ? oui !", "Dates\u{a0}: le 12\u{202f}; quoi\u{202f}? oui\u{202f}!"),
            ("« stop »", "«\u{a0}stop\u{a0}»"),
            ("à 14:30, https://x.example/?a=b :x", "à 14:30, https://x.example/?a=b :x"),
            ("de 5 % à 30 km, 20 € ; 3 kmh", "de 5\u{a0}% à 30\u{a0}km, 20\u{a0}€\u{202f}; 3 kmh"),
            ("dans 33 jours, 12 moiss", "dans 33\u{a0}jours, 12 moiss"),
            ("03 20 49 50 00, 5 200 h", "03\u{202f}20\u{202f}49\u{202f}50\u{202f}00, 5\u{202f}200 h"),
            ("le 2 3456", "le 2 3456"),
            ("déjà\u{a0}: bien", "déjà\u{a0}: bien"),
            ("  : retrait", "  : retrait"),
        ];
        for (given, wanted) in table {
            assert_eq!(typeset(given), wanted);
            assert_eq!(typeset(wanted), wanted, "a second time changes nothing");
        }
    }

    #[test]
    fn a_template_keeps_its_expressions_tags_and_style() {
        let source = "<style>a { color: red !important; }</style><p style=\"margin:0 ;color:red\">Avis : {{ x if y else \"a : b\" }} ?</p>{# c : d #}";
        let wanted = "<style>a { color: red !important; }</style><p style=\"margin:0 ;color:red\">Avis\u{a0}: {{ x if y else \"a : b\" }}\u{202f}?</p>{# c : d #}";
        assert_eq!(template("x.html", source), wanted);
        assert_eq!(template("x.txt", "{{ a }} <b> : c"), "{{ a }} <b>\u{a0}: c");
    }
}

//! Character references (HTML §13.2.5.72): names with and without semicolon, numbers, and the windows-1252 numbers that old
//! programs write for quotes and dashes (128 to 159).

use std::borrow::Cow;

use html5ever::data::{C1_REPLACEMENTS, NAMED_ENTITIES};

/// Longest name, its semicolon included.
const LONGEST: usize = 33;
/// Most digits of a number that are looked at; more are too large anyway.
const MOST_DIGITS: usize = 10;

/// Text with its character references resolved. What is no reference stays as it is.
#[must_use]
pub fn decode(text: &str) -> Cow<'_, str> {
    if !text.contains('&') {
        return Cow::Borrowed(text);
    }
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find('&') {
        let (before, reference) = rest.split_at(at);
        out.push_str(before);
        match one(reference, &mut out) {
            Some(length) => rest = &reference[length..],
            None => {
                out.push('&');
                rest = &reference[1..];
            }
        }
    }
    out.push_str(rest);
    Cow::Owned(out)
}

/// Resolves the reference at the start of `text`; gives its length.
fn one(text: &str, out: &mut String) -> Option<usize> {
    if text.as_bytes().get(1) == Some(&b'#') {
        return number(text, out);
    }
    let name = &text[1..];
    let length = name.bytes().take(LONGEST).take_while(u8::is_ascii_alphanumeric).count();
    let with_semicolon = length + usize::from(name.as_bytes().get(length) == Some(&b';'));
    (2..=with_semicolon).rev().find_map(|end| {
        let (first, second) = NAMED_ENTITIES.get(name.get(..end)?).copied().filter(|(first, _)| *first != 0)?;
        out.extend([first, second].into_iter().filter(|c| *c != 0).filter_map(char::from_u32));
        Some(end + 1)
    })
}

fn number(text: &str, out: &mut String) -> Option<usize> {
    let hexadecimal = matches!(text.as_bytes().get(2), Some(b'x' | b'X'));
    let (start, base) = if hexadecimal { (3, 16) } else { (2, 10) };
    let digits = text.get(start..)?.bytes().take_while(|b| char::from(*b).is_digit(base)).count();
    let code = match digits {
        0 => return None,
        1..=MOST_DIGITS => u32::from_str_radix(text.get(start..start + digits)?, base).unwrap_or(u32::MAX),
        _ => u32::MAX,
    };
    let replaced = code.checked_sub(0x80).and_then(|i| C1_REPLACEMENTS.get(i as usize).copied().flatten());
    out.push(replaced.or_else(|| char::from_u32(code).filter(|c| *c != '\0')).unwrap_or('\u{fffd}'));
    let end = start + digits;
    Some(end + usize::from(text.as_bytes().get(end) == Some(&b';')))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A10: `&#146;` is a typographic apostrophe, as is `&#x92;`.
    #[test]
    fn references_are_resolved_and_other_ampersands_stay() {
        for (written, read) in [
            ("l&#146;offre", "l’offre"),
            ("l&#x92;offre &#150; &#128;", "l’offre – €"),
            ("Tri &amp; recyclage", "Tri & recyclage"),
            ("caf&eacute et th&eacute;", "café et thé"),
            ("a&nbsp;b", "a\u{a0}b"),
            ("R&D, A & B; &inconnu; &", "R&D, A & B; &inconnu; &"),
            ("&#0;&#xD800;&#99999999999;", "\u{fffd}\u{fffd}\u{fffd}"),
            ("&#;&#x;", "&#;&#x;"),
            ("x&notit;", "x¬it;"),
        ] {
            assert_eq!(decode(written), read, "{written}");
        }
    }
}

//! Characters that nobody sees: they part words that readers and rules see whole, and turn a line around.
//!
//! Removed: zero-width spaces and joiners, soft hyphens, marks and overrides of direction, byte-order marks, the tags block, and
//! control characters other than white space, and what Unicode says is no character. Kept: no-break spaces, which typography needs, and the joiner between two signs
//! that are no letters, which pictures are made of.

use std::borrow::Cow;

/// Whether a character shows nothing and means nothing in French text.
fn is_invisible(c: char) -> bool {
    matches!(c,
        '\u{ad}' | '\u{34f}' | '\u{61c}' | '\u{115f}' | '\u{1160}' | '\u{17b4}' | '\u{17b5}' | '\u{180e}'
        | '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{3164}' | '\u{feff}'
        | '\u{fff9}'..='\u{fffb}' | '\u{e0000}'..='\u{e007f}')
        || matches!(c, '\u{fdd0}'..='\u{fdef}')
        || u32::from(c) & 0xfffe == 0xfffe
        || c.is_control() && !c.is_whitespace()
}

/// The text as it is seen.
#[must_use]
pub fn visible(text: &str) -> Cow<'_, str> {
    if !text.chars().any(is_invisible) {
        return Cow::Borrowed(text);
    }
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        let joins =
            c == '\u{200d}' && out.ends_with(|b: char| !b.is_alphanumeric() && !b.is_ascii() && !b.is_whitespace());
        if joins || !is_invisible(c) {
            out.push(c);
        }
    }
    Cow::Owned(out)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A24: what nobody sees parts no word and turns no line.
    #[test]
    fn what_nobody_sees_is_removed() {
        for (written, seen) in [
            ("mar\u{200b}ché rés\u{ad}ervé", "marché réservé"),
            ("Avis \u{202e}lennoitidda\u{202c}", "Avis lennoitidda"),
            ("\u{feff}Objet\u{2060} :\u{2066}x\u{2069}", "Objet :x"),
            ("12\u{a0}h\u{202f}30\n\tfin\0", "12\u{a0}h\u{202f}30\n\tfin"),
            ("👩\u{200d}🔧 et cla\u{200d}use", "👩\u{200d}🔧 et clause"),
            ("Lav\u{fffe}age\u{ffff}\u{fdd0}\u{1fffe}", "Lavage"),
            ("œuvre \u{fffd}", "œuvre \u{fffd}"),
        ] {
            assert_eq!(visible(written), seen, "{written:?}");
        }
    }
}

//! Folding: one spelling for matching, with a map back so that every quote is verbatim.
//!
//! Case, accents, apostrophes, dashes, ligatures, line breaks and the debris of old encodings (C1 control bytes,
//! U+FFFD) disappear; `L. 2113 -12` becomes `l2113-12` and `art. 36` becomes `article 36`. Never fails, linear in
//! the input.

use std::ops::Range;

use unicode_normalization::char::decompose_canonical;

/// Folded text and the way back.
#[derive(Debug, Default, Clone)]
pub struct Folded {
    /// Lower case, no accents, single spaces.
    pub text: String,
    /// For each byte of `text`, where the original character that gave it starts.
    origin: Vec<u32>,
    /// For each byte of `text`, where that original character ends.
    end: Vec<u32>,
}

impl Folded {
    /// Folds `original`.
    #[must_use]
    pub fn of(original: &str) -> Self {
        let first = fold_characters(original);
        compact_articles(first)
    }

    /// The original bytes that a range of folded bytes came from. Empty for an empty range.
    #[must_use]
    pub fn original(&self, folded: Range<usize>) -> Range<usize> {
        if folded.is_empty() || folded.end > self.origin.len() {
            return 0..0;
        }
        self.origin[folded.start] as usize..self.end[folded.end - 1] as usize
    }

    /// The folded position of the first character that came from `original` or later.
    #[must_use]
    pub fn position(&self, original: usize) -> usize {
        self.origin.partition_point(|o| (*o as usize) < original)
    }

    fn push(&mut self, c: char, from: usize, to: usize) {
        let before = self.text.len();
        self.text.push(c);
        for _ in before..self.text.len() {
            self.origin.push(from as u32);
            self.end.push(to as u32);
        }
    }

    fn push_str(&mut self, s: &str, from: usize, to: usize) {
        s.chars().for_each(|c| self.push(c, from, to));
    }
}

/// Folds for comparison only, without the way back.
#[must_use]
pub fn fold(text: &str) -> String {
    Folded::of(text).text
}

fn fold_characters(original: &str) -> Folded {
    let mut out = Folded { text: String::with_capacity(original.len()), ..Folded::default() };
    out.origin.reserve(original.len());
    out.end.reserve(original.len());
    let mut chars = original.char_indices().peekable();
    while let Some((at, c)) = chars.next() {
        let to = at + c.len_utf8();
        match c {
            // The commonest case first.
            'a'..='z' | '0'..='9' => out.push(c, at, to),
            'A'..='Z' => out.push(c.to_ascii_lowercase(), at, to),
            // A word cut at the end of its line.
            '-' | '\u{2010}' | '\u{ad}'
                if out.text.ends_with(|p: char| p.is_ascii_lowercase()) && cut_word_follows(&original[to..]) =>
            {
                while chars.peek().is_some_and(|(_, n)| n.is_whitespace()) {
                    chars.next();
                }
            }
            '\u{ad}' | '\u{200c}' | '\u{200d}' | '\u{feff}' | '\u{2060}' => {}
            '\u{2018}' | '\u{2019}' | '\u{201b}' | '\u{2032}' | '\u{b4}' | '`' | '\u{91}' | '\u{92}' => {
                out.push('\'', at, to)
            }
            '\u{2010}'..='\u{2015}' | '\u{2212}' | '\u{96}' | '\u{97}' => out.push('-', at, to),
            'œ' | 'Œ' | '\u{9c}' => out.push_str("oe", at, to),
            'æ' | 'Æ' => out.push_str("ae", at, to),
            'ﬁ' => out.push_str("fi", at, to),
            'ﬂ' => out.push_str("fl", at, to),
            'º' | '°' | '˚' => out.push('°', at, to),
            '€' => out.push('€', at, to),
            // Pages that lost their accents: the lost letter is an e nine times in ten.
            '\u{fffd}' => out.push('e', at, to),
            c if c.is_whitespace() || c == '\u{200b}' || c.is_control() => {
                if !out.text.ends_with(' ') {
                    out.push(' ', at, to);
                }
            }
            c if c.is_ascii() => out.push(c, at, to),
            c => decompose_canonical(c, |d| {
                if !unicode_normalization::char::is_combining_mark(d) {
                    d.to_lowercase().for_each(|l| out.push(l, at, to));
                }
            }),
        }
    }
    out
}

/// After a hyphen: white space that holds a line break, then a lower-case letter.
fn cut_word_follows(rest: &str) -> bool {
    let next = rest.trim_start();
    let gap = &rest[..rest.len() - next.len()];
    gap.contains('\n') && gap.len() <= 8 && next.starts_with(|c: char| c.is_lowercase())
}

/// Second pass: `l. 2113 -12` → `l2113-12`, `art. 36` → `article 36`.
fn compact_articles(folded: Folded) -> Folded {
    let bytes = folded.text.as_bytes();
    if !bytes
        .windows(2)
        .any(|w| matches!(w[0], b'l' | b'r' | b'd') && matches!(w[1], b'.' | b' ' | b'1'..=b'9') || w == b"ar")
    {
        return folded;
    }
    let mut out = Folded {
        text: String::with_capacity(bytes.len()),
        origin: Vec::with_capacity(bytes.len()),
        end: Vec::with_capacity(bytes.len()),
    };
    let mut kept = 0; // start of the run not yet copied
    let copy = |out: &mut Folded, range: Range<usize>| {
        out.text.push_str(&folded.text[range.clone()]);
        out.origin.extend_from_slice(&folded.origin[range.clone()]);
        out.end.extend_from_slice(&folded.end[range]);
    };
    let mut i = 0;
    while i < bytes.len() {
        let word_start = i == 0 || !bytes[i - 1].is_ascii_alphanumeric();
        if word_start
            && matches!(bytes[i], b'l' | b'r' | b'd')
            && let Some((number, suffix, stop)) = article_number(bytes, i + 1)
        {
            copy(&mut out, kept..i + 1);
            copy(&mut out, number);
            out.push('-', folded.origin[suffix.start] as usize, folded.end[suffix.start] as usize);
            copy(&mut out, suffix);
            kept = stop;
            i = stop;
            continue;
        }
        if word_start && bytes[i..].starts_with(b"art. ") && bytes.get(i + 5).is_some_and(u8::is_ascii_digit) {
            copy(&mut out, kept..i);
            out.push_str("article", folded.origin[i] as usize, folded.end[i + 3] as usize);
            kept = i + 4;
            i += 4;
            continue;
        }
        i += 1;
    }
    copy(&mut out, kept..bytes.len());
    out
}

/// Reads `[.][ ]dddd[ ]-[ ]d…` from `at`: the ranges of number and suffix, and where to go on.
fn article_number(bytes: &[u8], mut at: usize) -> Option<(Range<usize>, Range<usize>, usize)> {
    let skip = |at: usize, what: u8| if bytes.get(at) == Some(&what) { at + 1 } else { at };
    let digits = |at: usize| bytes[at..].iter().take_while(|b| b.is_ascii_digit()).count();
    at = skip(skip(skip(at, b'.'), b' '), b'*');
    let number = at..at + digits(at.min(bytes.len()));
    if !(3..=4).contains(&number.len()) {
        return None;
    }
    let dash = skip(number.end, b' ');
    if bytes.get(dash) != Some(&b'-') {
        return None;
    }
    let start = skip(dash + 1, b' ');
    let suffix = start..start + digits(start.min(bytes.len()));
    (1..=3).contains(&suffix.len()).then(|| (number, suffix.clone(), suffix.end))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_spelling_for_all() {
        for (given, folded) in [
            ("Clause d’INSERTION", "clause d'insertion"),
            ("l\u{92}œuvre", "l'oeuvre"),
            ("L. 2113 -12 et R 2123-1", "l2113-12 et r2123-1"),
            ("articles L.2113‑13", "articles l2113-13"),
            ("art. 36", "article 36"),
            ("inser-\n  tion", "insertion"),
            ("sous-traitance", "sous-traitance"),
            ("a\u{a0}\t\r\nb", "a b"),
            ("n° et nº", "n° et n°"),
            ("march\u{fffd} r\u{fffd}serv\u{fffd}", "marche reserve"),
        ] {
            assert_eq!(fold(given), folded, "{given:?}");
        }
    }

    #[test]
    fn a_folded_range_leads_back_to_the_words() {
        let original = "Lot réservé (article L. 2113 - 12) : « œuvres »";
        let folded = Folded::of(original);
        let at = folded.text.find("l2113-12").unwrap();
        assert_eq!(&original[folded.original(at..at + 8)], "L. 2113 - 12");
        let at = folded.text.find("reserve").unwrap();
        assert_eq!(&original[folded.original(at..at + 7)], "réservé");
    }

    proptest::proptest! {
        #[test]
        fn folding_never_panics_and_always_leads_back(text in "\\PC{0,300}|[a-zé\\-\n .0-9LlRr]{0,300}") {
            let folded = Folded::of(&text);
            for (at, c) in folded.text.char_indices() {
                let back = folded.original(at..at + c.len_utf8());
                proptest::prop_assert!(text.get(back).is_some());
            }
        }
    }
}

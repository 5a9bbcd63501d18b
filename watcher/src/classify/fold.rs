//! Folding: one spelling for matching, with a map back so that every quote is verbatim.
//!
//! Case, accents, apostrophes, dashes, ligatures, line breaks and the debris of old encodings (C1 control bytes,
//! U+FFFD) disappear; `L. 2113 -12` becomes `l2113-12` and `art. 36` becomes `article 36`. Never fails, linear in
//! the input.

use std::ops::Range;

use memchr::memchr2_iter;
use unicode_normalization::char::decompose_canonical;

/// Folded text and the way back.
#[derive(Debug, Default, Clone)]
pub struct Folded {
    /// Lower case, no accents, single spaces.
    pub text: String,
    /// The way back, in order of folded position; the first run starts at 0.
    runs: Vec<Run>,
}

/// A stretch of folded bytes with one way back.
#[derive(Debug, Clone, Copy)]
struct Run {
    /// Where it starts in the folded text.
    folded: u32,
    /// Where it comes from.
    origin: u32,
    /// Bytes of the original character that every byte of this run came from; 0 = byte for byte.
    character: u32,
}

impl Folded {
    /// Folds `original`.
    #[must_use]
    pub fn of(original: &str) -> Self {
        compact_articles(fold_characters(original))
    }

    /// The original bytes that a range of folded bytes came from. Empty for an empty range.
    #[must_use]
    pub fn original(&self, folded: Range<usize>) -> Range<usize> {
        if folded.is_empty() || folded.end > self.text.len() {
            return 0..0;
        }
        self.character_at(folded.start).start..self.character_at(folded.end - 1).end
    }

    /// The folded position of the first character that came from `original` or later.
    #[must_use]
    pub fn position(&self, original: usize) -> usize {
        let after = self.runs.partition_point(|r| (r.origin as usize) < original);
        let next = self.runs.get(after).map_or(self.text.len(), |r| r.folded as usize);
        match after.checked_sub(1).map(|i| self.runs[i]) {
            // Within a byte-for-byte run, the very byte; never past the run's end.
            Some(run) if run.character == 0 => (run.folded as usize + original - run.origin as usize).min(next),
            _ => next,
        }
    }

    /// The original character that a folded byte came from.
    fn character_at(&self, at: usize) -> Range<usize> {
        let index = self.runs.partition_point(|r| r.folded as usize <= at).saturating_sub(1);
        let Some(run) = self.runs.get(index) else { return 0..0 };
        let origin = run.origin as usize;
        match run.character {
            0 => origin + at - run.folded as usize..origin + at - run.folded as usize + 1,
            n => origin..origin + n as usize,
        }
    }

    /// Adds ASCII that came byte for byte from `from` on, in lower case.
    fn push_plain(&mut self, plain: &str, from: usize) {
        let at = self.text.len();
        let goes_on = self
            .runs
            .last()
            .is_some_and(|r| r.character == 0 && at - r.folded as usize == from.wrapping_sub(r.origin as usize));
        if !goes_on {
            self.runs.push(Run { folded: at as u32, origin: from as u32, character: 0 });
        }
        self.text.push_str(plain);
        self.text[at..].make_ascii_lowercase();
    }

    /// Adds what one character of several bytes became.
    fn push_str(&mut self, folded: &str, from: usize, length: usize) {
        self.runs.push(Run { folded: self.text.len() as u32, origin: from as u32, character: length as u32 });
        self.text.push_str(folded);
    }

    /// Makes room for the copy of `other`.
    fn start_copy(&mut self, other: &Self) {
        if self.text.capacity() == 0 {
            self.text.reserve(other.text.len() + 64);
            self.runs.reserve(other.runs.len() + 64);
        }
    }

    /// Adds a stretch of another folding of the same original.
    fn copy(&mut self, other: &Self, range: Range<usize>) {
        if range.is_empty() {
            return;
        }
        let first = other.runs.partition_point(|r| r.folded as usize <= range.start).saturating_sub(1);
        let shift = self.text.len();
        for run in other.runs[first..].iter().take_while(|r| (r.folded as usize) < range.end) {
            let start = (run.folded as usize).max(range.start);
            let skipped = if run.character == 0 { start - run.folded as usize } else { 0 };
            let moved = Run {
                folded: (shift + start - range.start) as u32,
                origin: run.origin + skipped as u32,
                character: run.character,
            };
            self.runs.push(moved);
        }
        self.text.push_str(&other.text[range]);
    }
}

/// Folds for comparison only, without the way back.
#[must_use]
pub fn fold(text: &str) -> String {
    Folded::of(text).text
}

/// What a byte does to a stretch of plain text.
const PLAIN: u8 = 0;
const SPACE: u8 = 1;
const HYPHEN: u8 = 2;
const OTHER: u8 = 3;

/// Printable ASCII folds to itself, but for case; two spaces, a hyphen before white space and a back quote do not.
const CLASS: [u8; 256] = {
    let mut table = [OTHER; 256];
    let mut b = 0x21;
    while b <= 0x7e {
        table[b] = PLAIN;
        b += 1;
    }
    table[b' ' as usize] = SPACE;
    table[b'-' as usize] = HYPHEN;
    table[b'`' as usize] = OTHER;
    table
};

fn fold_characters(original: &str) -> Folded {
    let mut out =
        Folded { text: String::with_capacity(original.len() + 16), runs: Vec::with_capacity(original.len() / 12) };
    let bytes = original.as_bytes();
    let mut at = 0;
    while at < original.len() {
        // The commonest case first, a stretch at a time.
        let plain = plain_stretch(&bytes[at..], out.text.ends_with(' '));
        if plain > 0 {
            out.push_plain(&original[at..at + plain], at);
            at += plain;
            continue;
        }
        // Then accents of French.
        if bytes[at] == 0xc3
            && let Some(base) = bytes.get(at + 1).and_then(|b| base_letter(*b))
        {
            out.push_str(base, at, 2);
            at += 2;
            continue;
        }
        let Some(c) = original[at..].chars().next() else { break };
        let length = c.len_utf8();
        let rest = &original[at + length..];
        let mut next = at + length;
        match c {
            // A word cut at the end of its line.
            '-' | '\u{2010}' | '\u{ad}'
                if out.text.ends_with(|p: char| p.is_ascii_lowercase()) && cut_word_follows(rest) =>
            {
                next = original.len() - rest.trim_start().len();
            }
            '\u{ad}' | '\u{200c}' | '\u{200d}' | '\u{feff}' | '\u{2060}' => {}
            '`' => out.push_str("'", at, length),
            c if c.is_whitespace() || c == '\u{200b}' || is_mere_control(c) => {
                if !out.text.ends_with(' ') {
                    out.push_str(" ", at, length);
                }
            }
            c if c.is_ascii() => out.push_plain(&original[at..next], at),
            c => fold_wide(&mut out, c, at, length),
        }
        at = next;
    }
    out
}

/// The letter below an accent of French, by the second byte of its UTF-8 form (the first is 0xC3).
const fn base_letter(second: u8) -> Option<&'static str> {
    match second {
        0x80 | 0x82 | 0xa0 | 0xa2 => Some("a"),
        0x87 | 0xa7 => Some("c"),
        0x88..=0x8b | 0xa8..=0xab => Some("e"),
        0x8e | 0x8f | 0xae | 0xaf => Some("i"),
        0x94 | 0xb4 => Some("o"),
        0x99 | 0x9b | 0x9c | 0xb9 | 0xbb | 0xbc => Some("u"),
        _ => None,
    }
}

/// Length of the stretch of bytes that fold to themselves, but for case: printable ASCII with single spaces. A hyphen counts
/// unless white space follows, since it may cut a word.
fn plain_stretch(bytes: &[u8], after_space: bool) -> usize {
    let mut i = 0;
    if after_space && bytes.first() == Some(&b' ') {
        return 0;
    }
    while let Some(b) = bytes.get(i) {
        match CLASS[*b as usize] {
            PLAIN => i += 1,
            SPACE if bytes.get(i + 1) == Some(&b' ') => return i + 1,
            SPACE => i += 1,
            HYPHEN if bytes.get(i + 1).is_some_and(u8::is_ascii_graphic) => i += 1,
            _ => return i,
        }
    }
    bytes.len()
}

/// Control characters that stand for nothing; some of the C1 set stand for what windows-1252 puts there.
fn is_mere_control(c: char) -> bool {
    c.is_control() && !matches!(c, '\u{91}' | '\u{92}' | '\u{96}' | '\u{97}' | '\u{9c}')
}

/// A character outside ASCII: its spelling in letters, or its base letter without the accent.
fn fold_wide(out: &mut Folded, c: char, at: usize, length: usize) {
    let spelled = match c {
        '\u{2018}' | '\u{2019}' | '\u{201b}' | '\u{2032}' | '\u{b4}' | '\u{91}' | '\u{92}' => "'",
        '\u{2010}'..='\u{2015}' | '\u{2212}' | '\u{96}' | '\u{97}' => "-",
        'œ' | 'Œ' | '\u{9c}' => "oe",
        'æ' | 'Æ' => "ae",
        'ﬁ' => "fi",
        'ﬂ' => "fl",
        'º' | '°' | '˚' => "°",
        '€' => "€",
        // Pages that lost their accents: the lost letter is an e nine times in ten.
        '\u{fffd}' => "e",
        _ => "",
    };
    if !spelled.is_empty() {
        return out.push_str(spelled, at, length);
    }
    let mut folded = String::new();
    decompose_canonical(c, |d| {
        if !unicode_normalization::char::is_combining_mark(d) {
            folded.extend(d.to_lowercase());
        }
    });
    if !folded.is_empty() {
        out.push_str(&folded, at, length);
    }
}

/// After a hyphen: white space that holds a line break, then a lower-case letter.
fn cut_word_follows(rest: &str) -> bool {
    let next = rest.trim_start();
    let gap = &rest[..rest.len() - next.len()];
    gap.contains('\n') && gap.len() <= 8 && next.starts_with(|c: char| c.is_lowercase())
}

/// Second pass: `l. 2113 -12` → `l2113-12`, `art. 36` → `article 36`. Only hyphens, and dots behind "art", are looked at.
fn compact_articles(folded: Folded) -> Folded {
    let bytes = folded.text.as_bytes();
    let mut out = Folded::default();
    let mut kept = 0; // start of the run not yet copied
    for at in memchr2_iter(b'-', b'.', bytes) {
        if at < kept {
            continue;
        }
        if bytes[at] == b'.' {
            let abbreviated = at >= 3
                && &bytes[at - 3..at] == b"art"
                && (at == 3 || !bytes[at - 4].is_ascii_alphanumeric())
                && bytes.get(at + 1) == Some(&b' ')
                && bytes.get(at + 2).is_some_and(u8::is_ascii_digit);
            if abbreviated && at - 3 >= kept {
                out.start_copy(&folded);
                out.copy(&folded, kept..at - 3);
                let written = folded.original(at - 3..at + 1);
                out.push_str("article", written.start, written.len());
                kept = at + 1;
            }
            continue;
        }
        let Some((letter, number, suffix)) = article_number(bytes, at).filter(|(letter, ..)| *letter >= kept) else {
            continue;
        };
        out.start_copy(&folded);
        out.copy(&folded, kept..letter + 1);
        out.copy(&folded, number);
        let dash = folded.original(suffix.start..suffix.start + 1);
        out.push_str("-", dash.start, dash.len());
        kept = suffix.end;
        out.copy(&folded, suffix);
    }
    if kept == 0 {
        return folded;
    }
    out.copy(&folded, kept..bytes.len());
    out
}

/// Reads `l[.][ ]dddd[ ]-[ ]d…` around the hyphen at `dash`: the letter's place, and the ranges of number and suffix.
fn article_number(bytes: &[u8], dash: usize) -> Option<(usize, Range<usize>, Range<usize>)> {
    let back = |at: usize, what: u8| if at > 0 && bytes[at - 1] == what { at - 1 } else { at };
    let end = back(dash, b' ');
    let digits = bytes[..end].iter().rev().take(5).take_while(|b| b.is_ascii_digit()).count();
    if !(3..=4).contains(&digits) {
        return None;
    }
    let number = end - digits..end;
    let letter = back(back(back(number.start, b'*'), b' '), b'.').checked_sub(1)?;
    let alone = letter == 0 || !bytes[letter - 1].is_ascii_alphanumeric();
    if !alone || !matches!(bytes[letter], b'l' | b'r' | b'd') {
        return None;
    }
    let start = if bytes.get(dash + 1) == Some(&b' ') { dash + 2 } else { dash + 1 };
    let length = bytes.get(start..)?.iter().take(4).take_while(|b| b.is_ascii_digit()).count();
    (1..=3).contains(&length).then(|| (letter, number, start..start + length))
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

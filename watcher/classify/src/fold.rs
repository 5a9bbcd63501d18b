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

/// What an ASCII byte folds to, unless it is a space behind a space; 0 = look closer.
const PLAIN: [u8; 256] = {
    let mut table = [0; 256];
    let mut b = 0x21_u8;
    while b <= 0x7e {
        table[b as usize] = b.to_ascii_lowercase();
        b += 1;
    }
    table[b' ' as usize] = b' ';
    table[b'-' as usize] = 0;
    table[b'`' as usize] = 0;
    table
};

/// The folded bytes while they are written.
struct Writer {
    bytes: Vec<u8>,
    runs: Vec<Run>,
    /// Whether the last run is byte for byte and goes on.
    plain: bool,
}

impl Writer {
    /// Adds one byte that came from the byte at `from`.
    #[inline]
    fn byte(&mut self, folded: u8, from: usize) {
        if !self.plain {
            self.runs.push(Run { folded: self.bytes.len() as u32, origin: from as u32, character: 0 });
            self.plain = true;
        }
        self.bytes.push(folded);
    }

    /// Adds the first `n` of eight bytes, which came from as many at `from`.
    #[inline]
    fn plain_bytes(&mut self, folded: u64, n: usize, from: usize) {
        let at = self.bytes.len();
        if !self.plain {
            self.runs.push(Run { folded: at as u32, origin: from as u32, character: 0 });
            self.plain = true;
        }
        self.bytes.extend_from_slice(&folded.to_le_bytes());
        self.bytes.truncate(at + n);
    }

    /// Adds what one character of `length` bytes became.
    #[inline]
    fn character(&mut self, folded: &[u8], from: usize, length: usize) {
        self.runs.push(Run { folded: self.bytes.len() as u32, origin: from as u32, character: length as u32 });
        self.plain = false;
        self.bytes.extend_from_slice(folded);
    }

    fn last(&self) -> Option<u8> {
        self.bytes.last().copied()
    }
}

/// The byte `b` eight times.
const fn eight(b: u8) -> u64 {
    u64::from_le_bytes([b; 8])
}

/// The top bit of each byte.
const TOP: u64 = eight(0x80);

/// The top bit of each byte that is 0; above the first such byte, of some others too.
const fn zeros(x: u64) -> u64 {
    x.wrapping_sub(eight(1)) & !x & TOP
}

/// How many of eight bytes, from the first on, fold to themselves but for case; `after_space`: what stands before them is a
/// space already. May stop early, never late.
const fn plain_prefix(x: u64, after_space: bool) -> usize {
    let control = x.wrapping_sub(eight(0x20)) & !x;
    let signs = zeros(x ^ eight(b'-')) | zeros(x ^ eight(b'`')) | zeros(x ^ eight(0x7f));
    let spaces = zeros(x ^ eight(b' '));
    let again = spaces & ((spaces << 8) | if after_space { 0x80 } else { 0 });
    (((x | control | signs | again) & TOP).trailing_zeros() / 8) as usize
}

/// Eight bytes in lower case.
const fn lower(x: u64) -> u64 {
    let low = x & !TOP;
    let capital = (low + eight(0x80 - b'A')) & !(low + eight(0x80 - b'Z' - 1)) & !x & TOP;
    x | (capital >> 2)
}

fn fold_characters(original: &str) -> Folded {
    let bytes = original.as_bytes();
    let mut out = Writer {
        bytes: Vec::with_capacity(bytes.len() + 16),
        runs: Vec::with_capacity(bytes.len() / 12 + 8),
        plain: false,
    };
    let mut at = 0;
    let mut last = 0;
    while let Some(&b) = bytes.get(at) {
        // The commonest case first: bytes that fold to themselves but for case, eight at a time, then one by one.
        if let Some(chunk) = bytes.get(at..at + 8).and_then(|c| <[u8; 8]>::try_from(c).ok()) {
            let x = u64::from_le_bytes(chunk);
            let n = plain_prefix(x, last == b' ');
            if n > 0 {
                out.plain_bytes(lower(x), n, at);
                last = out.last().unwrap_or_default();
                at += n;
                continue;
            }
        }
        let folded = PLAIN[b as usize];
        if folded != 0 && !(folded == b' ' && last == b' ') {
            out.byte(folded, at);
            last = folded;
            at += 1;
            continue;
        }
        at = match b {
            b'\n' | b'\r' | b'\t' if last != b' ' => {
                out.byte(b' ', at);
                at + 1
            }
            b'-' if bytes.get(at + 1).is_some_and(u8::is_ascii_graphic) => {
                out.byte(b'-', at);
                at + 1
            }
            // Accents of French.
            0xc3 if bytes.get(at + 1).is_some_and(|b| base_letter(*b).is_some()) => {
                let base = bytes.get(at + 1).and_then(|b| base_letter(*b)).unwrap_or_default();
                out.character(base.as_bytes(), at, 2);
                at + 2
            }
            _ => match special(original, at, &mut out) {
                Some(next) => next,
                None => break,
            },
        };
        last = out.last().unwrap_or_default();
    }
    let text = String::from_utf8(out.bytes).unwrap_or_else(|e| String::from_utf8_lossy(e.as_bytes()).into_owned());
    Folded { text, runs: out.runs }
}

/// Folds the character at `at`, which is none of the common ones; gives where the next one stands.
fn special(original: &str, at: usize, out: &mut Writer) -> Option<usize> {
    let c = original.get(at..)?.chars().next()?;
    let length = c.len_utf8();
    let next = at + length;
    match c {
        // A word cut at the end of its line.
        '-' | '\u{2010}' | '\u{ad}'
            if out.last().is_some_and(|b| b.is_ascii_lowercase()) && cut_word_follows(&original[next..]) =>
        {
            out.plain = false;
            return Some(original.len() - original[next..].trim_start().len());
        }
        '\u{ad}' | '\u{200c}' | '\u{200d}' | '\u{feff}' | '\u{2060}' => out.plain = false,
        '`' => out.character(b"'", at, length),
        c if c.is_whitespace() || c == '\u{200b}' || is_mere_control(c) => {
            if out.last() == Some(b' ') {
                out.plain = false;
            } else {
                out.character(b" ", at, length);
            }
        }
        c if c.is_ascii() => out.byte(c.to_ascii_lowercase() as u8, at),
        c => fold_wide(out, c, at, length),
    }
    Some(next)
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

/// Control characters that stand for nothing; some of the C1 set stand for what windows-1252 puts there.
fn is_mere_control(c: char) -> bool {
    c.is_control() && !matches!(c, '\u{91}' | '\u{92}' | '\u{96}' | '\u{97}' | '\u{9c}')
}

/// A character outside ASCII: its spelling in letters, or its base letter without the accent.
fn fold_wide(out: &mut Writer, c: char, at: usize, length: usize) {
    let spelled = match c {
        '\u{2018}' | '\u{2019}' | '\u{201b}' | '\u{2032}' | '\u{b4}' | '\u{91}' | '\u{92}' => "'",
        '\u{2010}'..='\u{2015}' | '\u{2212}' | '\u{96}' | '\u{97}' => "-",
        'œ' | 'Œ' | '\u{9c}' => "oe",
        'æ' | 'Æ' => "ae",
        'ﬁ' => "fi",
        'ﬂ' => "fl",
        // Boxes of the Wingdings fonts, as PDF gives them.
        '\u{f0a8}' | '\u{f06f}' | '\u{f071}' | '\u{f0a3}' => "☐",
        '\u{f0fe}' | '\u{f078}' | '\u{f053}' | '\u{f0fd}' => "☒",
        'º' | '°' | '˚' => "°",
        '€' => "€",
        // Pages that lost their accents: the lost letter is an e nine times in ten.
        '\u{fffd}' => "e",
        _ => "",
    };
    if !spelled.is_empty() {
        return out.character(spelled.as_bytes(), at, length);
    }
    let mut folded = String::new();
    decompose_canonical(c, |d| {
        if !unicode_normalization::char::is_combining_mark(d) {
            folded.extend(d.to_lowercase());
        }
    });
    if folded.is_empty() {
        out.plain = false;
    } else {
        out.character(folded.as_bytes(), at, length);
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
                && starts_a_number(&bytes[at + 2..]);
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

/// Whether an article's number stands first: `36`, `l2113-12`, `l. 2113 - 12`.
fn starts_a_number(bytes: &[u8]) -> bool {
    let letter = bytes.first().is_some_and(|b| matches!(b, b'l' | b'r' | b'd'));
    let rest = &bytes[usize::from(letter)..];
    let signs = rest.iter().take(if letter { 2 } else { 0 }).take_while(|b| matches!(b, b'.' | b' ' | b'*')).count();
    rest.get(signs).is_some_and(u8::is_ascii_digit)
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
            ("art. L. 2113-12", "article l2113-12"),
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

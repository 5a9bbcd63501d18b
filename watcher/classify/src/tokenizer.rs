//! Words and numbers of the folded text, with what stands between them.
//!
//! An article of law is one word (`l2113-12`), so is an acronym (`e.s.a.t` becomes `esat`). A scanner's digits among letters are read as
//! the letters they look like, and words it tore apart are put together where the lexicon knows them whole.

use std::borrow::Cow;
use std::ops::Range;

use super::lexicon::Lexicon;
use super::token::{Token, mark};
use super::vocabulary::{Known, Vocabulary};

/// Most words of one statement.
pub const MAX_TOKENS: usize = 260;

/// What a byte is to the tokenizer.
const KIND: [u8; 256] = {
    let mut kinds = [SIGN; 256];
    let mut b = 0;
    while b < 256 {
        let byte = b as u8;
        if byte.is_ascii_alphanumeric() || byte == b'_' {
            kinds[b] = WORD;
        } else if byte == b' ' {
            kinds[b] = SPACE;
        }
        b += 1;
    }
    kinds
};
const SIGN: u8 = 0;
const WORD: u8 = 1;
const SPACE: u8 = 2;

/// The words of a unit.
#[must_use]
pub fn tokens<'a>(text: &'a str, range: &Range<usize>) -> Vec<Token<'a>> {
    let vocabulary = Lexicon::embedded().vocabulary();
    let bytes = text.as_bytes();
    let mut out: Vec<Token<'a>> = Vec::with_capacity((range.len() / 5).min(MAX_TOKENS));
    let mut before = 0u16;
    let mut at = range.start;
    while at < range.end && out.len() < MAX_TOKENS {
        let b = bytes[at];
        match KIND[usize::from(b)] {
            SPACE => {
                at += 1;
                continue;
            }
            WORD => {
                let end = word_end(bytes, at, range.end);
                // An address says nothing by its words: "clause-insertion@ville.fr".
                if let Some(end) = address_end(bytes, end, range.end) {
                    out.push(Token {
                        range: at..end,
                        word: Cow::Borrowed(&text[at..end]),
                        before,
                        known: Known::default(),
                    });
                    before = 0;
                    at = end;
                    continue;
                }
                let word = mended(&text[at..end]);
                let mut known = vocabulary.word(&word);
                let mut word = word;
                // A scanner's 1 is an l or an i.
                if known.ids().is_empty() && text[at..end].contains('1') && matches!(word, Cow::Owned(_)) {
                    let other = text[at..end].replace('0', "o").replace('1', "i").replace('5', "s");
                    let read = vocabulary.word(&other);
                    if !read.ids().is_empty() {
                        (known, word) = (read, Cow::Owned(other));
                    }
                }
                out.push(Token { range: at..end, word, before, known });
                before = 0;
                at = end;
                continue;
            }
            _ => {}
        }
        let width = text[at..].chars().next().map_or(1, char::len_utf8);
        if b == b'%' || text[at..].starts_with('€') {
            let word = if b == b'%' { "%" } else { "€" };
            out.push(Token { range: at..at + width, word: Cow::Borrowed(word), before, known: Known::default() });
            before = 0;
            at += width;
            continue;
        }
        let spaced = at > range.start && bytes[at - 1] == b' ' && bytes.get(at + 1) == Some(&b' ');
        before |= match b {
            b',' => mark::COMMA,
            b':' | b'=' => mark::COLON,
            b';' | b'*' => mark::ITEM,
            b'-' if spaced || at == range.start => mark::ITEM,
            b'-' => mark::HYPHEN,
            b'(' | b'[' => mark::OPEN,
            b')' | b']' => mark::CLOSE,
            b'.' if bytes[..at].ends_with(b"..") => mark::COLON,
            // "au II.2.14": no end of anything.
            b'.' if bytes.get(at + 1).is_some_and(u8::is_ascii_digit) => 0,
            b'.' | b'!' => mark::STOP,
            b'?' => mark::ASK,
            b'/' => mark::SLASH,
            b'+' => mark::PLUS,
            b'\'' => mark::APOSTROPHE,
            _ if width > 1 && text[at..].starts_with(['•', '·', '►', '–', '→', '▪', '●']) => mark::ITEM,
            _ => 0,
        };
        // Dots that lead to an answer end nothing.
        if before & mark::COLON != 0 && b == b'.' {
            before &= !mark::STOP;
        }
        at += width;
    }
    rejoin(&mut out, text, vocabulary);
    out
}

/// Where the word that begins at `at` ends: letters and digits; `l2113-12`; `e.s.a.t`; `20.1`, `12,5`.
fn word_end(bytes: &[u8], at: usize, limit: usize) -> usize {
    let is_word = |i: usize| i < limit && (bytes[i].is_ascii_alphanumeric() || bytes[i] == b'_');
    let digit = |i: usize| i < limit && bytes[i].is_ascii_digit();
    let mut end = at;
    while is_word(end) {
        end += 1;
    }
    let letters = bytes[at].is_ascii_alphabetic();
    if letters && matches!(bytes[at], b'l' | b'r' | b'd') && end - at >= 4 && digit(at + 1) {
        while end < limit && bytes[end] == b'-' && digit(end + 1) {
            end += 1;
            while is_word(end) {
                end += 1;
            }
        }
        return end;
    }
    if letters && end == at + 1 {
        // An acronym: single letters parted by dots.
        let mut dotted = end;
        while dotted + 1 < limit
            && bytes[dotted] == b'.'
            && bytes[dotted + 1].is_ascii_alphabetic()
            && !is_word(dotted + 2)
        {
            dotted += 2;
        }
        return if dotted > end { dotted } else { end };
    }
    if !letters && bytes[at..end].iter().all(u8::is_ascii_digit) {
        while end < limit && matches!(bytes[end], b'.' | b',') && digit(end + 1) {
            end += 1;
            while digit(end) {
                end += 1;
            }
        }
    }
    end
}

/// Where an e-mail address ends whose first word ends at `at`, if it is one.
fn address_end(bytes: &[u8], at: usize, limit: usize) -> Option<usize> {
    let part = |b: &u8| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'-' | b'_' | b'+');
    if !bytes[at..limit].first().is_some_and(|b| matches!(b, b'.' | b'-' | b'+' | b'@')) {
        return None;
    }
    let local = at + bytes[at..limit].iter().take_while(|b| part(b)).count();
    let host = bytes[local..limit].strip_prefix(b"@")?.iter().take_while(|b| part(b)).count();
    let end = local + 1 + host;
    (host > 0).then(|| if bytes[end - 1] == b'.' { end - 1 } else { end })
}

/// A word as it was meant: dots of acronyms gone, digits among letters read as the letters they look like.
fn mended(raw: &str) -> Cow<'_, str> {
    let bytes = raw.as_bytes();
    if bytes.iter().all(u8::is_ascii_lowercase) {
        return Cow::Borrowed(raw);
    }
    let letters = bytes.iter().filter(|b| b.is_ascii_alphabetic()).count();
    let digits = bytes.iter().filter(|b| b.is_ascii_digit()).count();
    if letters >= 2 && bytes.contains(&b'.') {
        return Cow::Owned(raw.replace('.', ""));
    }
    if bytes[0] == b'0' && digits == 1 && letters >= 4 {
        return Cow::Owned(format!("o{}", &raw[1..]));
    }
    if bytes[0] == b'1' && digits == 1 && letters >= 7 {
        return Cow::Owned(format!("i{}", &raw[1..]));
    }
    let article = matches!(bytes[0], b'l' | b'r' | b'd') && digits >= 3;
    if letters >= 3 && digits > 0 && digits <= 2 && bytes[0].is_ascii_alphabetic() && !article {
        return Cow::Owned(raw.replace('0', "o").replace('1', "l").replace('5', "s"));
    }
    Cow::Borrowed(raw)
}

/// Puts together words that a scanner or a typist tore apart: "structur es", "c l a u s e".
fn rejoin(tokens: &mut Vec<Token<'_>>, text: &str, vocabulary: &Vocabulary) {
    let near = |a: &Token<'_>, b: &Token<'_>| b.before == 0 && text.as_bytes().get(a.range.end) == Some(&b' ');
    let single = |t: &Token<'_>| t.word.len() == 1 && t.word.as_bytes()[0].is_ascii_alphabetic();
    let unknown = |t: &Token<'_>| t.known.ids().is_empty();
    let torn = |a: &Token<'_>, b: &Token<'_>| {
        a.word.len() >= 4
            && unknown(a)
            && near(a, b)
            && !b.known.is_short()
            && (b.word.len() <= 4 || unknown(b))
            && a.word.bytes().all(|b| b.is_ascii_alphabetic())
            && vocabulary.may_begin(&a.word)
            && !vocabulary.word(&[a.word.as_ref(), b.word.as_ref()].concat()).ids().is_empty()
    };
    let mut i = 0;
    while i + 1 < tokens.len() {
        let run =
            || tokens[i..].windows(2).take_while(|w| single(&w[0]) && single(&w[1]) && near(&w[0], &w[1])).count();
        let run = if single(&tokens[i]) { run() } else { 0 };
        let to = if run >= 3 {
            i + run + 1
        } else if torn(&tokens[i], &tokens[i + 1]) {
            i + 2
        } else {
            i += 1;
            continue;
        };
        let word: String = tokens[i..to].iter().map(|t| t.word.as_ref()).collect();
        let joined = Token {
            range: tokens[i].range.start..tokens[to - 1].range.end,
            known: vocabulary.word(&word),
            word: Cow::Owned(word),
            before: tokens[i].before,
        };
        tokens.splice(i..to, [joined]);
        i += 1;
    }
}

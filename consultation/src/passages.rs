//! A word looked for in the text of a consultation: passages with their place, best first. A scan of the kept text; no index to keep,
//! or to forget.

use vigie_classify::fold::{Folded, fold};

use crate::consultation::Consultation;
use crate::findings::sentence;
use crate::written::{Whereabouts, Written};

/// A passage that answers.
#[derive(Debug, Clone, PartialEq)]
pub struct Hit {
    pub quote: String,
    pub at: Whereabouts,
    score: u32,
}

/// Words that say nothing of what is looked for.
const EMPTY: &[&str] = &[
    "le", "la", "les", "l", "de", "du", "des", "d", "un", "une", "et", "ou", "a", "au", "aux", "en", "pour", "par",
    "sur", "est",
];

/// The `most` best passages for these words.
#[must_use]
pub fn search(consultation: &Consultation, words: &str, most: usize) -> Vec<Hit> {
    let folded = fold(words);
    let wanted: Vec<&str> = folded
        .split(|c: char| !c.is_alphanumeric())
        .filter(|w| !w.is_empty() && !EMPTY.contains(w))
        .map(stem)
        .collect();
    if wanted.is_empty() {
        return Vec::new();
    }
    let mut out: Vec<Hit> = Vec::new();
    for piece in &consultation.pieces {
        let Some(text) = piece.text() else { continue };
        let written = Written::of(&piece.name, piece.kind, text);
        for s in sentence::sentences(&written) {
            let present = wanted.iter().filter(|w| starts_a_word(&s.folded, w)).count();
            if present == 0 || present * 2 < wanted.len() {
                continue;
            }
            let heading = written.headings(s.article);
            let named = wanted.iter().filter(|w| starts_a_word(&heading, w)).count();
            let whole = u32::from(wanted.len() > 1 && s.folded.contains(folded.trim()));
            let figures = u32::from(s.folded.bytes().any(|b| b.is_ascii_digit()));
            let short = u32::from(s.folded.len() < 40);
            let score = 40 * present as u32 + 15 * named as u32 + 30 * whole + 4 * figures + 6 - 6 * short;
            out.push(Hit { quote: around(&written, &s.range, &wanted), at: written.whereabouts(s.range.start), score });
        }
    }
    out.sort_by_key(|h| std::cmp::Reverse(h.score));
    let mut seen: Vec<String> = Vec::new();
    out.retain(|h| {
        let key = fold(&h.quote);
        let new = seen.len() < most && !seen.contains(&key);
        if new {
            seen.push(key);
        }
        new
    });
    out
}

/// A word without its endings of number and gender: "pénalités" finds "pénalité".
fn stem(word: &str) -> &str {
    let cut = word.trim_end_matches(['s', 'x']);
    let cut = if cut.len() > 5 { cut.trim_end_matches('e') } else { cut };
    if cut.len() >= 4 { cut } else { word }
}

fn starts_a_word(text: &str, stem: &str) -> bool {
    let mut from = 0;
    while let Some(i) = text[from..].find(stem) {
        let at = from + i;
        if at == 0 || !text.as_bytes()[at - 1].is_ascii_alphanumeric() {
            return true;
        }
        from = at + stem.len();
    }
    false
}

/// The words of a passage around the first that was looked for.
fn around(piece: &Written, range: &std::ops::Range<usize>, wanted: &[&str]) -> String {
    const QUOTE: usize = 400;
    let text = &piece.text[range.clone()];
    if text.chars().count() <= QUOTE {
        return piece.words(range.clone());
    }
    let folded = Folded::of(text);
    let first = wanted.iter().filter_map(|w| folded.text.find(w)).min().unwrap_or_default();
    let at = folded.original(first..first + 1).start;
    let start = text.floor_char_boundary(at.saturating_sub(QUOTE / 2));
    let end = text.floor_char_boundary((start + QUOTE).min(text.len()));
    let open = if start > 0 { "… " } else { "" };
    let close = if end < text.len() { " …" } else { "" };
    format!("{open}{}{close}", piece.words(range.start + start..range.start + end))
}

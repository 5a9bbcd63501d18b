//! Which lines are cut into statements: those that say something social, those that tell a moment beside a word of dates, and the
//! lines around that give them their heading, their list and what follows. Of a real notice that is one line in ten.
//!
//! An anchor only makes a line worth a look: "simplifiée" holds "plie". What the lexicon does not know costs its words, and no more.

use std::ops::Range;

use super::anchors::{Anchors, Topic};
use super::document::{Document, Line};
use super::lexicon::{Concept, Concepts, Lexicon};
use super::tokenizer::tokens;

/// Lines before and behind a social one that it may need: its heading and list, and what goes on with it.
const AROUND: (usize, usize) = (14, 16);
/// Lines before and behind a moment: what names it, and its time.
const AROUND_MOMENT: (usize, usize) = (5, 2);
/// Most lines looked into, far above any real notice, so that hostile text stays cheap.
const MOST: usize = 6000;

/// What makes a line worth reading.
pub(crate) const SOCIAL: Concepts = Concepts::of(&[
    Concept::Sheltered,
    Concept::WorkIntegration,
    Concept::ShelteredAndIntegration,
    Concept::SocialEconomy,
    Concept::Prison,
    Concept::OrdinaryBidder,
    Concept::ArticleSheltered,
    Concept::ArticleIntegration,
    Concept::ArticleBoth,
    Concept::ArticleSocialEconomy,
    Concept::Reserve,
    Concept::FarFromWork,
    Concept::ClauseName,
    Concept::InsertionAction,
    Concept::NotInsertion,
    Concept::SocialDuty,
    Concept::SocialMerit,
    Concept::IntegrationObject,
    Concept::OtherSocial,
    Concept::Facilitator,
    Concept::FormObjective,
]);

/// What makes a line worth a look: what it tells was learned, if it tells anything.
const SEEN: Concepts = SOCIAL.with(Concepts::of(&[Concept::WorkHint]));

/// Why a line is cut into statements.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Near {
    /// It is not.
    Nothing,
    /// It stands beside a moment.
    Moment,
    /// It stands beside a line that says something social.
    Social,
}

/// Why each line is cut into statements.
pub(crate) fn wanted(doc: &Document, anchors: &Anchors, lines: &[Line]) -> Vec<Near> {
    let mut out = vec![Near::Nothing; lines.len()];
    let mut mark = |i: usize, (before, behind): (usize, usize), why: Near| {
        let end = lines.len().min(i + behind + 1);
        for line in &mut out[i.saturating_sub(before)..end] {
            *line = (*line).max(why);
        }
    };
    let mut rows = 0..0;
    let mut social = None;
    for window in anchors.windows(Topic::Social).iter().take(MOST) {
        // A window begins with the space before its word: the line break, at the beginning of a line.
        let first = line_at(lines, doc.origin(window.start));
        let last = line_at(lines, doc.origin(window.end - 1)).min(lines.len().saturating_sub(1));
        for i in first..=last {
            if social >= Some(i) || !is_social(doc, window, &lines[i]) {
                continue;
            }
            social = Some(i);
            mark(i, AROUND, Near::Social);
            if !rows.contains(&i) {
                rows = rows_around(doc, lines, i);
                rows.clone().for_each(|row| mark(row, (0, 0), Near::Social));
            }
        }
    }
    for topic in [Topic::Visit, Topic::Closing, Topic::Question] {
        let mut next = 0;
        for window in anchors.windows(topic).iter().take(MOST) {
            let end = doc.origin(window.end - 1);
            let first = line_at(lines, doc.origin(window.start)).max(next);
            for (i, line) in lines.iter().enumerate().skip(first).take_while(|(_, l)| l.start <= end) {
                next = i + 1;
                let text = &doc.text()[doc.folded_line(line)];
                let counted = || topic == Topic::Question && (text.contains("jour") || text.contains("j-"));
                if topic == Topic::Visit || has_moment(text) || counted() {
                    mark(i, AROUND_MOMENT, Near::Moment);
                }
            }
        }
    }
    out
}

/// The line that holds a byte of the original.
fn line_at(lines: &[Line], origin: usize) -> usize {
    lines.partition_point(|l| l.end <= origin)
}

/// Whether the words around an anchor say something social.
fn is_social(doc: &Document, anchor: &Range<usize>, line: &Line) -> bool {
    /// How far before and behind an anchor the words of its form may stand, in bytes.
    const FORM: (usize, usize) = (160, 200);
    let line = doc.folded_line(line);
    let text = doc.text();
    let anchor = anchor.start.max(line.start).min(line.end)..anchor.end.min(line.end).max(line.start);
    let from = text.ceil_char_boundary(anchor.start.saturating_sub(FORM.0).max(line.start)).min(anchor.start);
    // No form reaches over a full stop.
    let head = &text[from..anchor.start];
    let start = match head.rfind(". ") {
        Some(stop) => from + stop + 1,
        None if from == line.start => from,
        None => head.find(' ').map_or(from, |i| from + i),
    };
    let end = text.floor_char_boundary((anchor.end + FORM.1).min(line.end));
    let end = text.get(anchor.end..end).and_then(|tail| tail.find(". ")).map_or(end, |i| anchor.end + i);
    let words = tokens(text, &(start..end.max(start)));
    let hits = Lexicon::embedded().find(&words, |i| doc.in_capitals(&words[i].range));
    hits.iter().any(|h| SEEN.has(h.concept))
}

/// The rows of the table that a line is one of.
fn rows_around(doc: &Document, lines: &[Line], at: usize) -> Range<usize> {
    let text = |i: usize| doc.line_as_written(&lines[i]).trim();
    let Some(sign) = ["|", " ; ", "   ", "\t"].into_iter().find(|s| text(at).contains(s)) else { return at..at };
    let row = |i: &usize| text(*i).contains(sign);
    let first = (0..at).rev().take_while(row).last().unwrap_or(at);
    let last = (at + 1..lines.len()).take_while(row).last().unwrap_or(at);
    first..last + 1
}

/// Whether a text may tell a day: the name of a month, or numbers parted as those of a date are. A scanner reads O for 0.
pub(crate) fn has_moment(text: &str) -> bool {
    const MONTHS: [&[u8]; 18] = [
        b"janv", b"fev", b"mars", b"avr", b"mai", b"juin", b"juil", b"aout", b"sept", b"oct", b"nov", b"dec", b"jan",
        b"feb", b"apr", b"jul", b"aug", b"jun",
    ];
    let bytes = text.as_bytes();
    let digit = |i: usize| bytes.get(i).is_some_and(|b| b.is_ascii_digit() || matches!(b, b'o' | b'l' | b'i'));
    let mut in_word = false;
    bytes.iter().enumerate().any(|(i, b)| {
        let begins = !in_word;
        in_word = b.is_ascii_alphabetic();
        match b {
            b'-' | b'/' if i > 1 && bytes[i - 1] == b' ' => {
                digit(i - 2) && bytes.get(i + 1) == Some(&b' ') && digit(i + 2)
            }
            // "29 12 2026".
            b' ' if i > 0 && digit(i - 1) => {
                digit(i + 1) && digit(i + 2) && bytes.get(i + 3) == Some(&b' ') && bytes[i + 4..].starts_with(b"20")
            }
            b'/' | b'.' | b'-' => i > 0 && digit(i - 1) && digit(i + 1),
            b'j' | b'f' | b'm' | b'a' | b's' | b'o' | b'n' | b'd' if begins => {
                MONTHS.iter().any(|m| m[0] == *b && bytes[i..].starts_with(m))
            }
            _ => false,
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn days_are_seen_whatever_their_shape() {
        for text in [
            "le 12/03/2027",
            "1er mars",
            "2027-03-12",
            "12.3.27",
            "o9/o3/2o26",
            "29 12 2026",
            "11 / 01 / 2027",
            "vingt mars deux mille vingt-six",
        ] {
            assert!(has_moment(text), "{text}");
        }
        for text in ["les offres sont remises par voie electronique", "article 12 du reglement"] {
            assert!(!has_moment(text), "{text}");
        }
    }
}

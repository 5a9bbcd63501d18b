//! Which lines are cut into statements: those that say something social, those that tell a moment beside a word of dates, and the
//! lines around that give them their heading, their list and what follows. Of a real notice that is one line in ten.
//!
//! An anchor only makes a line worth a look: "simplifiée" holds "plie". What the lexicon does not know costs its words, and no more.

use std::ops::Range;

use super::anchors::{Anchors, Topic};
use super::document::Document;
use super::lexicon::{Concept, Lexicon};
use super::tokenizer::tokens;

/// Lines before and behind a social one that it may need: its heading and list, and what goes on with it.
const AROUND: (usize, usize) = (14, 16);
/// Lines before and behind a moment: what names it, and its time.
const AROUND_MOMENT: (usize, usize) = (5, 2);
/// Most lines looked into, far above any real notice, so that hostile text stays cheap.
const MOST: usize = 6000;

/// What makes a line worth reading.
const SOCIAL: &[Concept] = &[
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
];

/// For each line, whether it is cut into statements.
pub(crate) fn wanted(doc: &Document, anchors: &Anchors, lines: &[Range<usize>]) -> Vec<bool> {
    let mut out = vec![false; lines.len()];
    let mut mark = |i: usize, (before, behind): (usize, usize)| {
        let end = lines.len().min(i + behind + 1);
        out[i.saturating_sub(before)..end].fill(true);
    };
    let mut rows = 0..0;
    for i in held(anchors, Topic::Social, lines).take(MOST) {
        if is_social(doc, &lines[i]) {
            mark(i, AROUND);
            if !rows.contains(&i) {
                rows = rows_around(doc, lines, i);
                rows.clone().for_each(|row| mark(row, (0, 0)));
            }
        }
    }
    for topic in [Topic::Visit, Topic::Closing, Topic::Question] {
        for i in held(anchors, topic, lines).take(MOST) {
            let text = &doc.text()[lines[i].clone()];
            if topic == Topic::Visit
                || has_moment(text)
                || topic == Topic::Question && (text.contains("jour") || text.contains("j-"))
            {
                mark(i, AROUND_MOMENT);
            }
        }
    }
    out
}

/// Lines that a window of a topic touches.
fn held<'a>(anchors: &'a Anchors, topic: Topic, lines: &'a [Range<usize>]) -> impl Iterator<Item = usize> + 'a {
    let mut windows = anchors.windows(topic).iter().peekable();
    (0..lines.len()).filter(move |i| {
        while windows.next_if(|w| w.end <= lines[*i].start).is_some() {}
        windows.peek().is_some_and(|w| w.start < lines[*i].end)
    })
}

fn is_social(doc: &Document, line: &Range<usize>) -> bool {
    // A line may hold more words than a statement: it is looked at piece by piece.
    let mut start = line.start;
    while start < line.end {
        let words = tokens(doc.text(), &(start..line.end));
        let Some(last) = words.last() else { return false };
        let hits = Lexicon::embedded().find(&words, |i| doc.in_capitals(&words[i].range));
        if hits.iter().any(|h| SOCIAL.contains(&h.concept)) {
            return true;
        }
        start = last.range.end;
    }
    false
}

/// The rows of the table that a line is one of.
fn rows_around(doc: &Document, lines: &[Range<usize>], at: usize) -> Range<usize> {
    let sign = ["|", " ; ", "   ", "\t"].into_iter().find(|s| doc.written(&lines[at]).trim().contains(s));
    let Some(sign) = sign else { return at..at };
    let row = |i: &usize| doc.written(&lines[*i]).trim().contains(sign);
    let first = (0..at).rev().take_while(row).last().unwrap_or(at);
    let last = (at + 1..lines.len()).take_while(row).last().unwrap_or(at);
    first..last + 1
}

/// Whether a text may tell a day: the name of a month, or numbers parted as those of a date are. A scanner reads O for 0.
pub(crate) fn has_moment(text: &str) -> bool {
    const MONTHS: &[&str] = &[
        "janv", "fev", "mars", "avr", "mai", "juin", "juil", "aout", "sept", "oct", "nov", "dec", "jan", "feb", "apr",
        "jul", "aug", "jun",
    ];
    let bytes = text.as_bytes();
    let digit = |i: usize| bytes.get(i).is_some_and(|b| b.is_ascii_digit() || matches!(b, b'o' | b'l' | b'i'));
    (0..bytes.len()).any(|i| match bytes[i] {
        b'/' | b'.' | b'-' => i > 0 && digit(i - 1) && digit(i + 1),
        b'j' | b'f' | b'm' | b'a' | b's' | b'o' | b'n' | b'd' => {
            (i == 0 || !bytes[i - 1].is_ascii_alphabetic())
                && MONTHS.iter().any(|m| bytes[i..].starts_with(m.as_bytes()))
        }
        _ => false,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn days_are_seen_whatever_their_shape() {
        for text in
            ["le 12/03/2027", "1er mars", "2027-03-12", "12.3.27", "o9/o3/2o26", "vingt mars deux mille vingt-six"]
        {
            assert!(has_moment(text), "{text}");
        }
        for text in ["les offres sont remises par voie electronique", "article 12 du reglement"] {
            assert!(!has_moment(text), "{text}");
        }
    }
}

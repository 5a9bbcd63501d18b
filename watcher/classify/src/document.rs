//! A notice's passages as one folded text, with sentences, lots and the way back to field and words.

use std::ops::Range;

use memchr::{memchr_iter, memchr3_iter, memrchr_iter, memrchr3_iter};
use vigie_domain::{Evidence, Notice};

use super::fold::Folded;

/// Longest quote, in bytes of the original: enough for a sentence.
pub const MAX_QUOTE: usize = 320;

/// Farthest a sentence reaches from the words looked at, in folded bytes: bounds the work on text without full stops.
const MAX_SENTENCE: usize = 1500;

/// Longest line of a table, in bytes, on average.
const MAX_LINE: usize = 200;

/// A part of the text that speaks of one lot.
#[derive(Debug, Clone)]
pub struct LotBlock {
    /// Lot number.
    pub id: String,
    /// Folded range.
    pub range: Range<usize>,
}

/// Where one passage stands.
#[derive(Debug, Clone)]
pub(super) struct Span {
    pub(super) field: String,
    pub(super) lot: Option<String>,
    pub(super) folded: Range<usize>,
}

/// A line, in bytes of the original: from the line break before it to the one behind it.
#[derive(Debug, Clone, Copy)]
pub(super) struct Line {
    /// Its passage, by number.
    pub(super) passage: usize,
    pub(super) start: usize,
    pub(super) end: usize,
}

/// What a short answer begins with.
const ANSWERS: [&str; 6] = ["r :", "r:", "r. ", "reponse", "oui", "non"];

/// The whole text, ready to be searched.
#[derive(Debug)]
pub struct Document {
    pub(super) original: String,
    pub(super) folded: Folded,
    pub(super) spans: Vec<Span>,
    pub(super) blocks: Vec<LotBlock>,
}

/// Whether a line in small letters is a note of its own in a telegraphic list: short, behind a short line, and neither needs the other.
fn listed(before: &str, behind: &str) -> bool {
    const JOINS: [&str; 34] = [
        "a", "à", "au", "aux", "de", "du", "des", "d", "et", "ou", "où", "le", "la", "les", "l", "un", "une", "pour",
        "en", "par", "sur", "dans", "qui", "que", "dont", "avec", "sans", "est", "sont", "ne", "se", "son", "sa",
        "ses",
    ];
    let last = before.rsplit('\n').next().unwrap_or_default();
    let next = behind.lines().next().unwrap_or_default();
    let word = |w: Option<&str>| w.is_some_and(|w| JOINS.contains(&w) || w.len() <= 2);
    last.len() < 45
        && next.len() < 60
        && !last.ends_with([',', '(', '-', '/'])
        && !word(next.split([' ', '\'', '’']).next())
        && !last.rsplit([' ', '\'', '’']).next().is_some_and(|w| JOINS.contains(&w))
}

/// What stands between two passages: ends any sentence and matches no wording.
const BREAK: &str = "\n\u{1f}.\n";

impl Document {
    /// Joins the title, the lots' titles and the passages of a notice.
    #[must_use]
    pub fn of(notice: &Notice) -> Self {
        let title = [("title".to_owned(), None, notice.title.as_str())].into_iter();
        let lots = notice
            .lots
            .iter()
            .filter(|l| !l.title.is_empty())
            .map(|l| (format!("lots[{}].title", l.id), Some(l.id.clone()), l.title.as_str()));
        let passages = notice.passages.iter().map(|p| (p.field.clone(), p.lot.clone(), p.text.as_str()));
        let mut original = String::with_capacity(notice.passages.iter().map(|p| p.text.len() + 8).sum::<usize>() + 256);
        let mut marks = Vec::new();
        for (field, lot, text) in title.chain(lots).chain(passages) {
            let start = original.len();
            original.push_str(text);
            marks.push((field, lot, start..original.len()));
            original.push_str(BREAK);
        }
        let folded = Folded::of(&original);
        let spans: Vec<Span> = marks
            .into_iter()
            .map(|(field, lot, range)| Span {
                field,
                lot,
                folded: folded.position(range.start)..folded.position(range.end),
            })
            .collect();
        let mut document = Self { original, folded, spans, blocks: Vec::new() };
        document.blocks = document.find_lot_blocks();
        document
    }

    /// The folded text.
    #[must_use]
    pub fn text(&self) -> &str {
        &self.folded.text
    }

    /// Up to `n` folded bytes before `at`, within the same passage.
    #[must_use]
    pub fn before(&self, at: usize, n: usize) -> &str {
        let floor = self.span_at(at).map_or(0, |s| s.folded.start);
        let start = self.boundary(at.saturating_sub(n).max(floor));
        &self.text()[start.min(at)..at]
    }

    /// Up to `n` folded bytes from `at`, within the same passage.
    #[must_use]
    pub fn after(&self, at: usize, n: usize) -> &str {
        let ceiling = self.span_at(at).map_or(self.text().len(), |s| s.folded.end);
        let end = self.boundary((at + n).min(ceiling.max(at)));
        &self.text()[at..end.max(at)]
    }

    /// Evidence for a folded range within one statement: its words as they stand, or as many of them as a quote holds.
    #[must_use]
    pub fn evidence_within(&self, range: Range<usize>, unit: &Range<usize>) -> Evidence {
        let text = self.text();
        let chosen = if unit.len() <= MAX_QUOTE {
            unit.clone()
        } else {
            let floor = text.ceil_char_boundary(range.start.saturating_sub(60).max(unit.start).min(range.start));
            let start = if floor == unit.start {
                floor
            } else {
                text[floor..range.start].find(' ').map_or(floor, |i| floor + i)
            };
            let limit = text.floor_char_boundary((start + MAX_QUOTE).max(range.end).min(unit.end));
            let end = if limit == unit.end {
                limit
            } else {
                text[range.end..limit].rfind(' ').map_or(range.end, |i| range.end + i)
            };
            start..end.max(range.end)
        };
        let mut back = self.folded.original(chosen);
        if back.len() > MAX_QUOTE * 3 {
            back.end = self.original.floor_char_boundary(back.start + MAX_QUOTE * 3);
        }
        let quote = self.original.get(back).unwrap_or_default().trim().to_owned();
        Evidence { field: Some(self.field(range.start).to_owned()), quote: Some(quote) }
    }

    /// The lines of all passages. One that begins in small letters goes on with the one before it, unless that one ended; a short
    /// answer goes on with its question.
    pub(super) fn lines(&self) -> Vec<Line> {
        let mut out = Vec::new();
        for (passage, span) in self.spans.iter().enumerate() {
            let back = self.folded.original(span.folded.clone());
            let Some(text) = self.original.get(back.clone()) else { continue };
            let mut start = 0;
            for end in memchr_iter(b'\n', text.as_bytes()) {
                if end > start && !self.goes_on(text, start, end) {
                    out.push(Line { passage, start: back.start + start, end: back.start + end });
                    start = end;
                }
            }
            if start < text.len() {
                out.push(Line { passage, start: back.start + start, end: back.end });
            }
        }
        out
    }

    /// Whether the line from `start` goes on behind the line break at `end`.
    fn goes_on(&self, text: &str, start: usize, end: usize) -> bool {
        let behind = text[end + 1..].trim_start_matches([' ', '\t', '\r']);
        let before = || text[start..end].trim_end();
        // "b) Exécution : …" begins an item.
        let item = behind.as_bytes().get(1).is_some_and(|b| matches!(b, b')' | b'.')) && behind.len() > 2;
        if behind.starts_with(char::is_lowercase) && !item {
            // "type : insertion": the label of a form, whatever its first letter.
            let head = &behind[..behind.floor_char_boundary(28)];
            let label =
                head.find(':').is_some_and(|c| head[..c].trim_end().chars().all(|l| l.is_alphabetic() || l == ' '));
            return !label && !before().ends_with(['.', ':', ';', '?', '!', '|']) && !listed(before(), behind);
        }
        let answer = || super::fold::fold(behind.lines().next().unwrap_or_default());
        before().ends_with('?')
            && ANSWERS.iter().any(|w| {
                let a = answer();
                let said = a.strip_prefix(w).map(|rest| rest.trim_start_matches([' ', ':', '.']));
                said.is_some_and(|rest| a.len() <= 40 || rest.starts_with("oui") || rest.starts_with("non"))
            })
    }

    /// Where a line stands in the folded text.
    pub(super) fn folded_line(&self, line: &Line) -> Range<usize> {
        let passage = &self.spans[line.passage].folded;
        let place = |at: usize| self.folded.position(at).clamp(passage.start, passage.end);
        place(line.start)..place(line.end)
    }

    /// A line as it was written.
    pub(super) fn line_as_written(&self, line: &Line) -> &str {
        self.original.get(line.start..line.end).unwrap_or_default()
    }

    /// Where a folded byte came from.
    #[must_use]
    pub fn origin(&self, at: usize) -> usize {
        self.folded.original(at..at + 1).start
    }

    /// The folded position of a byte as written.
    #[must_use]
    pub fn folded_at(&self, origin: usize) -> usize {
        self.folded.position(origin)
    }

    /// Whether the full stop at a folded position ends a sentence though no space follows.
    #[must_use]
    pub fn is_glued(&self, at: usize) -> bool {
        let back = self.folded.original(at..at + 1);
        glued(self.original.as_bytes(), back.start)
    }

    /// Whether a small letter follows the full stop at a folded position, behind spaces.
    #[must_use]
    pub fn small_letter_behind(&self, at: usize) -> bool {
        let back = self.folded.original(at..at + 1);
        self.original.get(back.end..).is_some_and(|rest| rest.trim_start_matches(' ').starts_with(char::is_lowercase))
    }

    /// Whether the original has these words in capitals.
    #[must_use]
    pub fn in_capitals(&self, range: &Range<usize>) -> bool {
        let words = self.original.get(self.folded.original(range.clone())).unwrap_or_default();
        words.chars().all(|c| !c.is_lowercase())
    }

    /// The nearest character boundary at or after `at`.
    fn boundary(&self, at: usize) -> usize {
        self.text().ceil_char_boundary(at)
    }

    /// The folded range of the passage that holds `at`.
    #[must_use]
    pub fn passage_range(&self, at: usize) -> Range<usize> {
        self.span_at(at).map_or(0..self.text().len(), |s| s.folded.clone())
    }

    /// Path of the passage that holds `at`.
    #[must_use]
    pub fn field(&self, at: usize) -> &str {
        self.span_at(at).map_or("", |s| s.field.as_str())
    }

    fn span_at(&self, at: usize) -> Option<&Span> {
        let index = self.spans.partition_point(|s| s.folded.start <= at);
        self.spans[..index].last()
    }

    /// The lot a position belongs to: that of its passage, else that of the block of text around it.
    #[must_use]
    pub fn lot_at(&self, at: usize) -> Option<&str> {
        self.span_at(at)
            .and_then(|s| s.lot.as_deref())
            .or_else(|| self.blocks.iter().rev().find(|b| b.range.contains(&at)).map(|b| b.id.as_str()))
    }

    /// Where the block of text about one lot that holds `at` ends; `None` outside such blocks.
    #[must_use]
    pub fn block_end(&self, at: usize) -> Option<usize> {
        self.blocks.iter().rev().find(|b| b.range.contains(&at)).map(|b| b.range.end)
    }

    /// Evidence for a folded range: the verbatim words, widened to whole words and to the sentence as far as
    /// a few hundred bytes allow.
    #[must_use]
    pub fn evidence(&self, range: Range<usize>) -> Evidence {
        Evidence { field: Some(self.field(range.start).to_owned()), quote: Some(self.quote(range)) }
    }

    /// Verbatim words around a folded range.
    #[must_use]
    pub fn quote(&self, range: Range<usize>) -> String {
        let sentence = self.sentence(range.clone());
        let chosen = if sentence.len() <= MAX_QUOTE { sentence } else { self.widen_to_words(range.clone()) };
        let mut back = self.within_form_lines(self.folded.original(chosen), &self.folded.original(range));
        while back.len() > MAX_QUOTE * 2 && back.end > back.start {
            back.end -= 1;
        }
        while !self.original.is_char_boundary(back.end) {
            back.end -= 1;
        }
        self.original.get(back).unwrap_or_default().trim().to_owned()
    }

    /// The part of a stretch of the original around `core` that no other line of a form, nor a sentence glued to its
    /// neighbour ("Gap.Nombre d'heures"), stands in.
    fn within_form_lines(&self, whole: Range<usize>, core: &Range<usize>) -> Range<usize> {
        let (Some(head), Some(tail)) =
            (self.original.get(whole.start..core.start), self.original.get(core.end..whole.end))
        else {
            return whole;
        };
        let text = self.original.as_str();
        let line_before = |i: usize| &text[text[..i].rfind('\n').map_or(0, |n| n + 1)..i];
        let line_after = |i: usize| text[i..].lines().next().unwrap_or_default();
        let parts = |i: usize| {
            let (before, after) = (line_before(i), line_after(i + 1));
            before.trim_end().ends_with('.')
                || is_form_line(before) && !before.trim_end().ends_with(':')
                || is_form_line(after)
        };
        let cut = |i: usize| match text.as_bytes()[i] {
            b'\n' => parts(i),
            _ => glued(text.as_bytes(), i),
        };
        let marks = ['\n', '.'];
        let start =
            head.rmatch_indices(marks).map(|(i, _)| whole.start + i).find(|i| cut(*i)).map_or(whole.start, |i| i + 1);
        let end = tail.match_indices(marks).map(|(i, _)| core.end + i).find(|i| cut(*i)).map_or(whole.end, |i| i + 1);
        start..end
    }

    /// Where the line that holds `at` begins, when it is a line of a form: one that starts with a capital, a digit or a
    /// sign. A line that starts with a small letter goes on with the one before it. Never before `floor`.
    #[must_use]
    pub fn line_start(&self, at: usize, floor: usize) -> usize {
        let to = self.folded.original(floor..at);
        let head = self.original.get(to.clone()).unwrap_or_default();
        let begins = |i: &usize| head[i + 1..].trim_start().chars().next().is_none_or(|c| !c.is_lowercase());
        let line = head.rmatch_indices('\n').map(|(i, _)| i).find(begins);
        line.map_or(floor, |i| self.folded.position(to.start + i + 1).clamp(floor, at))
    }

    /// Where the line that holds `at` ends, when the next one is a line of a form (see [`Self::line_start`]): what a colon
    /// announces may stand on the next line. Never past `ceiling`.
    #[must_use]
    pub fn line_end(&self, at: usize, ceiling: usize) -> usize {
        let to = self.folded.original(at..ceiling);
        let tail = self.original.get(to.clone()).unwrap_or_default();
        let ends = |i: &usize| {
            let goes_on = tail[i + 1..].trim_start().starts_with(char::is_lowercase);
            !goes_on && !tail[..*i].trim_end().ends_with(':')
        };
        let line = tail.match_indices('\n').map(|(i, _)| i).find(ends);
        line.map_or(ceiling, |i| self.folded.position(to.start + i).clamp(at, ceiling))
    }

    /// Folded ranges of the lines that follow the one that holds `at`, at most `n`, within the same passage.
    #[must_use]
    pub fn lines_after(&self, at: usize, n: usize) -> Vec<Range<usize>> {
        let end = self.passage_range(at).end.min(at + n * MAX_LINE).max(at);
        let back = self.folded.original(at..self.text().floor_char_boundary(end));
        let text = self.original.get(back.clone()).unwrap_or_default();
        let mut start = back.start;
        let ranges = text.split_inclusive('\n').map(|line| {
            let from = start;
            start += line.len();
            self.folded.position(from)..self.folded.position(start).max(self.folded.position(from))
        });
        ranges.skip(1).take(n).collect()
    }

    /// The sentence around a range: cut at `. `, `; `, `? ` or the passage's ends.
    #[must_use]
    pub fn sentence(&self, range: Range<usize>) -> Range<usize> {
        let passage = self.passage_range(range.start);
        let text = self.text();
        let floor = text.ceil_char_boundary(range.start.saturating_sub(MAX_SENTENCE).max(passage.start));
        let start = last_break(&text[floor..range.start]).map_or(floor, |b| floor + b);
        let stop = range.end.min(passage.end).max(range.start);
        let ceiling = text.floor_char_boundary((stop + MAX_SENTENCE).min(passage.end.max(stop)));
        let end = first_break(&text[stop..ceiling]).map_or(ceiling, |b| stop + b);
        start..end
    }

    fn widen_to_words(&self, range: Range<usize>) -> Range<usize> {
        let passage = self.passage_range(range.start);
        let text = self.text();
        let mut start = self.boundary(range.start.saturating_sub(60).max(passage.start));
        while start > passage.start && !text[..start].ends_with(' ') {
            start -= 1;
            while !text.is_char_boundary(start) {
                start -= 1;
            }
        }
        let wanted = (range.end + 120).min(passage.end).min(start + MAX_QUOTE).max(range.end);
        let mut end = self.boundary(wanted);
        while end < passage.end && end > range.end && !text[end..].starts_with(' ') {
            end -= 1;
            while !text.is_char_boundary(end) {
                end -= 1;
            }
        }
        start..end
    }
}

/// Whether a line is one of a form: `II.2.14) …`, `Section IV : …`, `DURATION: 60`.
fn is_form_line(line: &str) -> bool {
    let line = line.trim_start();
    let capitals = line.bytes().take_while(|b| b.is_ascii_uppercase() || *b == b'_').count();
    let numeral = line.bytes().take_while(|b| matches!(b, b'I' | b'V')).count();
    let behind = |n: usize| line.as_bytes().get(n).copied();
    (capitals >= 4 && behind(capitals) == Some(b':'))
        || (numeral > 0
            && matches!(behind(numeral), Some(b'.' | b')'))
            && line[..line.floor_char_boundary(12)].contains(')'))
        || line.starts_with("Section I")
        || line.starts_with("Section V")
}

/// Whether the full stop at `i` ends a sentence though no space follows: "Orange-Gap.Nombre", "5043.A titre".
fn glued(text: &[u8], i: usize) -> bool {
    let at = |n: usize| text.get(n).copied().unwrap_or(b' ');
    let ended = i > 1
        && (at(i - 1).is_ascii_lowercase()
            || at(i - 1).is_ascii_digit()
            || at(i - 1).is_ascii_uppercase() && at(i - 2).is_ascii_uppercase());
    let begins = at(i + 1).is_ascii_uppercase()
        && (at(i + 2).is_ascii_lowercase() || at(i + 2) == b' ' && at(i + 3).is_ascii_lowercase());
    ended && begins
}

/// Offset just after the last sentence end of a folded text.
fn last_break(text: &str) -> Option<usize> {
    let bytes = text.as_bytes();
    let ends = |i: &usize| bytes.get(i + 1) == Some(&b' ');
    let stop = memrchr3_iter(b'.', b';', b'?', bytes).find(ends);
    let floor = stop.unwrap_or(0);
    let cry = memrchr_iter(b'!', &bytes[floor..]).map(|i| floor + i).find(ends);
    cry.or(stop).map(|i| i + 2)
}

/// Offset just after the first sentence end of a folded text.
fn first_break(text: &str) -> Option<usize> {
    let bytes = text.as_bytes();
    let ends = |i: &usize| bytes.get(i + 1) == Some(&b' ');
    let stop = memchr3_iter(b'.', b';', b'?', bytes).find(ends);
    let ceiling = stop.unwrap_or(bytes.len());
    let cry = memchr_iter(b'!', &bytes[..ceiling]).find(ends);
    cry.or(stop).map(|i| i + 2)
}

#[cfg(test)]
mod tests {
    use super::*;
    use vigie_domain::{NoticeKind, Passage};

    fn document(text: &str) -> Document {
        let mut notice = Notice::new("test", "1", NoticeKind::Call);
        notice.title = "Entretien".into();
        notice.passages.push(Passage { field: "text".into(), lot: None, text: text.into() });
        Document::of(&notice)
    }

    #[test]
    fn lots_of_plain_text_are_found_with_their_titles() {
        let found = document("Objet\nLot n° 1 : Vitrerie\nbla\nLot n°2 - Espaces verts\nIII.1) fin").lots_in_text();
        let lots: Vec<_> = found.iter().map(|l| (l.id.as_str(), l.title.as_str())).collect();
        assert_eq!(lots, vec![("1", "Vitrerie"), ("2", "Espaces verts")]);
    }

    #[test]
    fn the_line_before_a_form_number_is_its_title() {
        let doc = document("Nettoyage\nLOT_NO: 3\nNettoyage des vitres réservé\nDATE_RECEIPT_TENDERS: 1");
        assert_eq!(doc.lots_in_text()[0].title, "Nettoyage");
        let at = doc.text().find("reserve").unwrap();
        assert_eq!(doc.lot_at(at), Some("3"));
    }

    #[test]
    fn a_lot_named_within_a_sentence_opens_no_block() {
        assert!(document("Les offres pour le lot 3 sont attendues.\nlot 3 sera attribué").lots_in_text().is_empty());
    }

    #[test]
    fn a_quote_is_the_sentence_as_written() {
        let doc = document("Rien. Le marché est RÉSERVÉ aux EA ; autre chose.");
        let at = doc.text().find("reserve").unwrap();
        assert_eq!(doc.quote(at..at + 7), "Le marché est RÉSERVÉ aux EA ;");
    }
}

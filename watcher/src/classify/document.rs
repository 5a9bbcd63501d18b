//! A notice's passages as one folded text, with sentences, lots and the way back to field and words.

use std::ops::Range;

use vigie_domain::{Evidence, Lot, Notice, Passage};

use super::fold::Folded;
use super::pattern::pattern;

/// Longest quote, in bytes of the original: enough for a sentence.
const MAX_QUOTE: usize = 320;

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
struct Span {
    field: String,
    lot: Option<String>,
    folded: Range<usize>,
}

/// The whole text, ready to be searched.
#[derive(Debug)]
pub struct Document {
    original: String,
    folded: Folded,
    spans: Vec<Span>,
    blocks: Vec<LotBlock>,
}

/// What stands between two passages: ends any sentence and matches no wording.
const BREAK: &str = "\n\u{1f}.\n";

impl Document {
    /// Joins the title, the lots' titles and the passages of a notice.
    #[must_use]
    pub fn of(notice: &Notice) -> Self {
        let title = Passage { field: "title".into(), lot: None, text: notice.title.clone() };
        let lots = notice.lots.iter().filter(|l| !l.title.is_empty()).map(|l| Passage {
            field: format!("lots[{}].title", l.id),
            lot: Some(l.id.clone()),
            text: l.title.clone(),
        });
        let mut original = String::new();
        let mut marks = Vec::new();
        for passage in std::iter::once(title).chain(lots).chain(notice.passages.iter().cloned()) {
            let start = original.len();
            original.push_str(&passage.text);
            marks.push((passage.field, passage.lot, start..original.len()));
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
        let chosen = if sentence.len() <= MAX_QUOTE { sentence } else { self.widen_to_words(range) };
        let mut back = self.folded.original(chosen);
        while back.len() > MAX_QUOTE * 2 && back.end > back.start {
            back.end -= 1;
        }
        while !self.original.is_char_boundary(back.end) {
            back.end -= 1;
        }
        self.original.get(back).unwrap_or_default().trim().to_owned()
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
        let start = sentence_breaks(&text[floor..range.start]).next_back().map_or(floor, |b| floor + b);
        let stop = range.end.min(passage.end).max(range.start);
        let ceiling = text.floor_char_boundary((stop + MAX_SENTENCE).min(passage.end.max(stop)));
        let end = sentence_breaks(&text[stop..ceiling]).next().map_or(ceiling, |b| stop + b);
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

    /// Blocks of plain text that speak of one lot: `LOT_NO: 3`, or a line `Lot n° 3 : …`.
    fn find_lot_blocks(&self) -> Vec<LotBlock> {
        let mut blocks: Vec<LotBlock> = Vec::new();
        for span in self.spans.iter().filter(|s| s.lot.is_none() && s.field != "title") {
            let range = self.folded.original(span.folded.clone());
            let Some(text) = self.original.get(range.clone()) else { continue };
            let mut marks: Vec<(usize, String)> = Vec::new();
            let mut ends: Vec<usize> = Vec::new();
            let mut at = 0;
            for line in text.split_inclusive('\n') {
                if let Some(id) = lot_number(line) {
                    marks.push((self.block_start(text, at), id));
                } else if ends_lots(line) {
                    ends.push(at);
                }
                at += line.len();
            }
            for (i, (start, id)) in marks.iter().enumerate() {
                let next = marks.get(i + 1).map_or(text.len(), |(s, _)| *s);
                let end = ends.iter().copied().find(|e| e > start).map_or(next, |e| e.min(next));
                let folded =
                    self.folded.position(range.start + start)..self.folded.position(range.start + end.max(*start));
                if !folded.is_empty() {
                    blocks.push(LotBlock { id: id.clone(), range: folded });
                }
            }
        }
        blocks
    }

    /// In forms the title of a lot stands on the line before its number.
    fn block_start(&self, text: &str, mark: usize) -> usize {
        let is_form = text[mark..].trim_start().get(..6).is_some_and(|s| s.eq_ignore_ascii_case("lot_no"));
        let window = mark.saturating_sub(400);
        let window = (window..=mark).find(|i| text.is_char_boundary(*i)).unwrap_or(mark);
        if let Some(heading) = text[window..mark].rfind("II.2.1)") {
            return window + heading;
        }
        if !is_form {
            return mark;
        }
        let head = text[..mark].trim_end_matches(['\n', '\r']);
        head.rfind('\n').map_or(0, |i| i + 1)
    }

    /// Lots that blocks of plain text announce, with their titles.
    #[must_use]
    pub fn lots_in_text(&self) -> Vec<Lot> {
        let mut lots: Vec<Lot> = Vec::new();
        for block in &self.blocks {
            if lots.iter().any(|l| l.id == block.id) {
                continue;
            }
            let words = self.original.get(self.folded.original(block.range.clone())).unwrap_or_default();
            lots.push(Lot { id: block.id.clone(), title: lot_title(words), ..Lot::default() });
        }
        lots
    }
}

/// The number of the lot that a line opens: `LOT_NO: 3`, `- Lot n° 3 : …`, `Lot 3 Nettoyage`. Only lines that start with
/// the word are looked at closely.
fn lot_number(line: &str) -> Option<String> {
    pattern!(
        LINE_MARK,
        r"(?i)^(?:lot_no ?:|lots?[ \t]*(?:n[°ºo]s?\.?|numéro|numero|:)?)[ \t]*:?[ \t]*0*([0-9]{1,3}(?:[a-z]\b)?)(?:[ \t]*(?:$|[:.\-–)(]|lots?\b)|[ \t]+(?-i:\p{Lu}))"
    );
    let start = line.trim_start_matches([' ', '\t', '-', '–', '•', '*']);
    if !start.get(..3).is_some_and(|w| w.eq_ignore_ascii_case("lot")) {
        return None;
    }
    LINE_MARK.captures(start.trim_end()).and_then(|c| c.get(1)).map(|id| Lot::clean_id(id.as_str()))
}

/// Whether a line begins the part of a form that speaks of the whole contract again.
fn ends_lots(line: &str) -> bool {
    const HEADINGS: &[&str] = &[
        "III.",
        "III)",
        "IV.",
        "IV)",
        "VI.",
        "VI)",
        "Section III",
        "Section IV",
        "Section VI",
        "Informations pratiques",
        "Conditions de participation",
        "Une lettre de candidature",
        "DATE_RECEIPT",
        "Le marché est réservé",
        "Critères d'attribution :",
        "Critères d’attribution :",
        "Situation propre",
    ];
    let start = line.trim_start();
    HEADINGS.iter().any(|h| start.starts_with(h))
}

/// The title of a lot out of its block: what follows the number on its line, or the line before a `LOT_NO:`.
fn lot_title(block: &str) -> String {
    pattern!(
        HEAD,
        r"(?i)^[ \t\-–•*]*(?:lots?[ \t]*(?:n[°ºo]s?\.?|numéro|numero)?)[ \t]*:?[ \t]*[0-9]{1,3}[a-z]?[ \t]*[:.\-–)]*[ \t]*"
    );
    pattern!(FORM, r"(?i)^(?:II\.2\.1\)\s*(?:Intitulé\s*:?)?\s*)");
    let lines: Vec<&str> = block.lines().map(str::trim).filter(|l| !l.is_empty()).collect();
    let Some(first) = lines.first() else { return String::new() };
    let cut = HEAD.replace(first, "");
    let cut = FORM.replace(&cut, "").trim().to_owned();
    let chosen = if cut.is_empty() || cut.to_lowercase().starts_with("lot_no") {
        lines
            .iter()
            .skip(1)
            .find(|l| !l.to_lowercase().starts_with("lot") && !l.starts_with("II."))
            .unwrap_or(&"")
            .to_string()
    } else {
        cut
    };
    chosen.chars().take(200).collect()
}

/// Offsets just after each sentence end in folded text.
fn sentence_breaks(text: &str) -> impl DoubleEndedIterator<Item = usize> + '_ {
    text.as_bytes()
        .windows(2)
        .enumerate()
        .filter(|(_, w)| matches!(w[0], b'.' | b';' | b'?' | b'!') && w[1] == b' ')
        .map(|(i, _)| i + 2)
}

#[cfg(test)]
mod tests {
    use super::*;
    use vigie_domain::NoticeKind;

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

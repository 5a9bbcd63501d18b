//! The text as statements: sentences, lines of forms, cells of tables and ticked options, each with its heading and its words.
//!
//! A line that begins in small letters goes on with the one before it. A question is one statement with its answer. A table's
//! cell is a statement of its own, under the head of its column, about the lot that its row names. A box that is not ticked says
//! nothing. Only statements near a social word are cut into words.
//!
//! Invariants: ranges are folded and lie within one passage; a statement holds at most [`MAX_TOKENS`] words, so that cost stays
//! linear whatever the text.

use std::borrow::Cow;
use std::cell::LazyCell;
use std::ops::Range;

use super::anaphora;
use super::anchors::Anchors;
use super::document::Document;
use super::learned::{Chances, KINDS, Kind};
use super::lexicon::{Concept, Concepts, Hit, Lexicon, STRUCTURES};
use super::near::{self, Near};
use super::pattern::Words;
use super::quantity::{Quantity, Unit as Measure, quantities};
use super::sentences::{is_heading, numbering, says_no_below, sentences, taken_back_below};
use super::table::{answer_of_row, boxes, cells, row_lot};
use super::token::{Token, mark};
use super::tokenizer::{MAX_TOKENS, tokens};
use super::when::MONTHS;

/// How many statements a heading speaks for.
const HEADING_REACH: usize = 12;
/// How many units before an item may belong to its list.
const LIST_REACH: usize = 6;
/// From which likelihood another kind takes the place of one that it is so many times likelier than.
const LIKELIER: f32 = 0.5;
const RATIO: f32 = 2.5;
/// Below which likelihood a statement that begins with the name of what it tells is not read as that.
const NAMED: f32 = 0.05;
/// Longest line taken for a heading, in bytes.
pub(super) const MAX_HEADING: usize = 130;

/// A piece of text that says one thing.
#[derive(Debug, Clone)]
pub struct Unit {
    /// Where it stands.
    pub range: Range<usize>,
    /// Its heading, as an index of units.
    pub heading: Option<usize>,
    /// It is a heading itself.
    pub is_heading: bool,
    /// It is a cell of a table.
    pub cell: bool,
    /// Lot that the row of a table names.
    pub row: Option<String>,
    /// `Some(false)`: an option that was not ticked.
    pub ticked: Option<bool>,
    /// Line it stands on.
    pub line: usize,
    /// Something social is said in it or beside it.
    pub social: bool,
}

/// A unit with its words.
#[derive(Debug)]
pub struct Statement<'a> {
    /// Index among the units.
    pub index: usize,
    /// Index of the last unit in it: of two sentences that go together, the second's.
    pub last: usize,
    /// The unit.
    pub unit: Cow<'a, Unit>,
    /// Its text behind the last word.
    pub trailing: &'a str,
    /// Its words.
    pub tokens: Vec<Token<'a>>,
    /// What they mean.
    pub hits: Vec<Hit>,
    /// The quantities among them.
    pub numbers: Vec<Quantity>,
    /// All concepts among them.
    pub says: Concepts,
    /// Concepts of its heading.
    pub heading: Concepts,
    /// It is a heading, or a question, that what stands below answers with no.
    pub denied_below: bool,
    /// Concepts of the statement before it, of the same paragraph.
    pub previous: Concepts,
    /// Concepts of the few lines before it that follow one another: the list it may be an item of.
    pub before: Concepts,
    /// It stands among lines that end with a weight, as criteria do.
    pub among_weights: bool,
    /// The line or sentence before it ends with a weight.
    pub weighed_before: bool,
    /// How likely it tells each kind, once it was asked.
    pub chances: Option<Chances>,
    /// Where its quote may reach: itself, and the statements beside it that go on with what it says of people or structures.
    pub context: Range<usize>,
}

impl Statement<'_> {
    /// Whether it scarcely tells a kind, as far as was learned: no frame reads it as that.
    #[must_use]
    pub fn scarcely_tells(&self, kind: Kind) -> bool {
        // "Clause sociale : …", "Critère social": it says what it is, whatever stands around.
        let named = |h: &Hit| h.from == 0 && matches!(h.concept, Concept::ClauseName | Concept::Criterion);
        let least = if self.hits.iter().any(named) { NAMED } else { kind.least() };
        self.chances.is_some_and(|c| c[kind as usize] < least.min(kind.least()))
    }

    /// Whether it scarcely tells a kind, or another one much likelier.
    #[must_use]
    pub fn hardly_tells(&self, kind: Kind) -> bool {
        let likelier = |c: Chances| {
            let other = (0..KINDS).filter(|k| *k != kind as usize).map(|k| c[k]).fold(0.0, f32::max);
            other >= LIKELIER && c[kind as usize] * RATIO < other
        };
        self.scarcely_tells(kind) || self.chances.is_some_and(likelier)
    }

    /// Hits of a concept.
    pub fn of(&self, concept: Concept) -> impl Iterator<Item = &Hit> {
        self.hits_where(self.says.has(concept)).iter().filter(move |h| h.concept == concept)
    }

    fn hits_where(&self, some: bool) -> &[Hit] {
        if some { &self.hits } else { &[] }
    }

    /// Whether it, or its heading, says one of some concepts.
    #[must_use]
    pub fn heading_or_own(&self, concepts: &[Concept]) -> bool {
        self.says.any(concepts) || self.heading.any(concepts)
    }

    /// Whether its heading, or the few lines before it, say a concept.
    #[must_use]
    pub fn heading_or_before(&self, concept: Concept) -> bool {
        self.heading.has(concept) || self.before.has(concept)
    }

    /// Hits of any of some concepts, in order.
    pub fn any_of<'s>(&'s self, concepts: &'s [Concept]) -> impl Iterator<Item = &'s Hit> {
        self.hits_where(self.says.any(concepts)).iter().filter(move |h| concepts.contains(&h.concept))
    }

    /// The folded bytes of a hit.
    #[must_use]
    pub fn bytes(&self, hit: &Hit) -> Range<usize> {
        self.tokens[hit.from].range.start..self.tokens[hit.to - 1].range.end
    }

    /// Whether a word stands among tokens `from..to`.
    #[must_use]
    pub fn has_word(&self, from: usize, to: usize, words: &[&str]) -> bool {
        let to = to.min(self.tokens.len());
        self.tokens[from.min(to)..to].iter().any(|t| words.contains(&t.word.as_ref()))
    }

    /// Whether a word of a larger set stands among tokens `from..to`.
    #[must_use]
    pub fn has_one(&self, from: usize, to: usize, words: &Words) -> bool {
        let to = to.min(self.tokens.len());
        self.tokens[from.min(to)..to].iter().any(|t| words.contains(t.word.as_ref()))
    }

    /// Where the clause that holds token `at` begins: behind the nearest of `marks` before it.
    #[must_use]
    pub fn clause_start(&self, at: usize, marks: u16) -> usize {
        (1..=at.min(self.tokens.len().saturating_sub(1))).rev().find(|i| self.tokens[*i].after(marks)).unwrap_or(0)
    }

    /// Where the clause that holds token `at` ends.
    #[must_use]
    pub fn clause_end(&self, at: usize, marks: u16) -> usize {
        (at + 1..self.tokens.len()).find(|i| self.tokens[*i].after(marks)).unwrap_or(self.tokens.len())
    }
}

/// The units of a document.
#[derive(Debug, Default)]
pub struct Units {
    /// In order.
    pub list: Vec<Unit>,
}

impl Units {
    /// Cuts the lines of a document that may matter (`near`); their numbers count all lines.
    #[must_use]
    pub fn of(doc: &Document, anchors: &Anchors) -> Self {
        let lines = doc.lines();
        let wanted = near::wanted(doc, anchors, &lines);
        let mut units = Self { list: Vec::new() };
        let mut heading: Option<(usize, usize)> = None; // index, units since
        let mut table: Vec<usize> = Vec::new(); // units of the head row
        let mut passage = 0;
        for (line_number, line) in lines.iter().enumerate() {
            let near = wanted[line_number];
            if near == Near::Nothing || line.passage != passage {
                passage = line.passage;
                heading = None;
                table.clear();
            }
            if near == Near::Nothing {
                continue;
            }
            let whole = line;
            let line = doc.folded_line(whole);
            let text = &doc.text()[line.clone()];
            // A blank line, or the rule below the head of a table.
            if text.trim_matches([' ', '|', '-', ':', '+', '=']).is_empty() {
                continue;
            }
            let first = units.list.len();
            let boxed = !boxes(text).is_empty();
            if let Some(cells) = cells(doc, whole, !table.is_empty(), boxed) {
                units.row(doc, cells, line_number, heading.map(|h| h.0), &mut table);
                units.list[first..].iter_mut().for_each(|u| u.social = near == Near::Social);
                continue;
            }
            table.clear();
            let is_heading = is_heading(text);
            let mut parts = sentences(doc, &line);
            if parts.len() > 1 && is_heading && text.len() > MAX_HEADING {
                parts.truncate(MAX_TOKENS);
            }
            // "13. Travail le samedi : …" ends what stands under "12. Obligation sociale", not what stands under "Critères".
            if let (Some(number), Some((h, _))) = (numbering(text), &heading)
                && let Some(over) = numbering(&doc.text()[units.list[*h].range.clone()])
                && !number.starts_with(over)
            {
                heading = units.list[*h].heading.map(|over| (over, 0));
            }
            let mine = heading.filter(|(_, since)| *since < HEADING_REACH).map(|h| h.0);
            for range in parts {
                let unit = Unit {
                    range,
                    heading: mine,
                    is_heading,
                    cell: false,
                    row: None,
                    ticked: None,
                    line: line_number,
                    social: near == Near::Social,
                };
                if boxed {
                    units.with_boxes(doc, unit);
                } else {
                    units.list.push(unit);
                }
            }
            if is_heading && units.list.len() > first {
                heading = Some((first, 0));
            } else if let Some((_, since)) = &mut heading {
                *since += units.list.len() - first;
            }
        }
        // "Réservé à une catégorie d'opérateurs (non)": an answer in brackets.
        for unit in units.list.iter_mut().filter(|u| u.ticked.is_none()) {
            if doc.text()[unit.range.clone()].trim_end_matches([' ', '.', ';']).ends_with("(non)") {
                unit.ticked = Some(false);
            }
        }
        units.take_away_replaced(doc);
        units
    }

    /// What stands between a line "Au lieu de :" and a line "Lire :" is what a correction takes away: it says nothing any more.
    fn take_away_replaced(&mut self, doc: &Document) {
        /// Longest block that is looked for its end, in units.
        const BLOCK: usize = 30;
        let says =
            |unit: &Unit, words: &str| doc.text()[unit.range.clone()].trim_end_matches([' ', ':']).trim() == words;
        let begins = |unit: &Unit| doc.text()[unit.range.clone()].trim_start().starts_with("lire");
        let mut at = 0;
        while let Some(start) = (at..self.list.len()).find(|i| says(&self.list[*i], "au lieu de")) {
            let end = (start + 1..self.list.len().min(start + BLOCK)).find(|i| begins(&self.list[*i]));
            for unit in &mut self.list[start..end.unwrap_or(start)] {
                unit.ticked = Some(false);
            }
            at = end.unwrap_or(start) + 1;
        }
    }

    /// The cells of a row. The first row of a table gives the heads.
    fn row(
        &mut self,
        doc: &Document,
        cells: Vec<Range<usize>>,
        number: usize,
        heading: Option<usize>,
        heads: &mut Vec<usize>,
    ) {
        let answer = {
            let ranges: Vec<Range<usize>> = heads.iter().map(|h| self.list[*h].range.clone()).collect();
            answer_of_row(doc, &cells, &ranges)
        };
        let label = cells.iter().position(|c| !doc.text()[c.clone()].trim().is_empty());
        let is_head = heads.is_empty() && answer.is_none();
        let said = if is_head { Vec::new() } else { self.answered(doc, &cells, heads, row_lot(doc, &cells), number) };
        let row = if is_head && !cells.iter().any(|c| doc.text()[c.clone()].bytes().any(|b| b.is_ascii_digit())) {
            None
        } else {
            row_lot(doc, &cells)
        };
        for (i, range) in cells.into_iter().enumerate() {
            let head = if is_head { heading } else { heads.get(i).copied().or(heading) };
            let unit = Unit {
                range,
                heading: head,
                is_heading: is_head,
                cell: true,
                row: row.clone(),
                ticked: if Some(i) == label { answer } else { None },
                line: number,
                social: false,
            };
            if is_head {
                heads.push(self.list.len());
            }
            self.with_boxes(doc, unit);
        }
        self.list.extend(said);
    }

    /// What the columns answered with yes or no say of a row: "Réservé | O". A head that is so answered says nothing by itself.
    fn answered(
        &mut self,
        doc: &Document,
        cells: &[Range<usize>],
        heads: &[usize],
        row: Option<String>,
        line: usize,
    ) -> Vec<Unit> {
        let mut said = Vec::new();
        for (cell, head) in cells.iter().zip(heads).skip(1) {
            let answer = doc.text()[cell.clone()].trim();
            let yes = match answer {
                "oui" | "o" | "x" => true,
                "non" | "n" | "-" => false,
                _ => continue,
            };
            let Some(unit) = self.list.get_mut(*head) else { continue };
            // A lot without hours takes nothing from the column of the others.
            if answer == "-" && doc.text()[unit.range.clone()].contains("heure") {
                continue;
            }
            unit.ticked = Some(false);
            if yes && row.is_some() {
                let range = unit.range.clone();
                said.push(Unit {
                    range,
                    heading: None,
                    is_heading: false,
                    cell: true,
                    row: row.clone(),
                    ticked: None,
                    line,
                    social: false,
                });
            }
        }
        said
    }

    /// Adds a unit; one with boxes becomes its label and its options.
    fn with_boxes(&mut self, doc: &Document, unit: Unit) {
        let text = &doc.text()[unit.range.clone()];
        let boxes = boxes(text);
        if boxes.is_empty() {
            self.list.push(unit);
            return;
        }
        let behind = boxes.last().is_some_and(|(r, _)| text[r.end..].trim_matches([' ', '.', ';', ')']).is_empty());
        // "Marché réservé ? non ☐ oui ☒": the question is the label.
        let question = if behind { text[..boxes[0].0.start].rfind('?').map(|i| i + 1) } else { None };
        let asked = question.unwrap_or(0);
        let label = text[..question.unwrap_or(boxes[0].0.start)].trim();
        let mut options: Vec<(Range<usize>, bool)> = Vec::new();
        for (i, (range, on)) in boxes.iter().enumerate() {
            let (from, to) = if behind {
                (if i == 0 { asked } else { boxes[i - 1].0.end }, range.start)
            } else {
                (range.end, boxes.get(i + 1).map_or(text.len(), |b| b.0.start))
            };
            options.push((unit.range.start + from..unit.range.start + to, *on));
        }
        let word = |r: &Range<usize>| doc.text()[r.clone()].trim_matches(|c: char| !c.is_alphanumeric()).to_owned();
        let answer = options.iter().any(|(r, _)| matches!(word(r).split(' ').next(), Some("oui" | "non")));
        let label_range = unit.range.start..unit.range.start + question.unwrap_or(boxes[0].0.start);
        // "Clause d'insertion   [ ]   nb heures : ____": one box, of the label before it.
        let of_label = boxes.len() == 1 && !boxes[0].1 && !label.is_empty() && !label.ends_with([':', '?']);
        if of_label {
            let range = unit.range.start..unit.range.start + boxes[0].0.start;
            self.list.push(Unit { range, is_heading: false, ticked: Some(false), ..unit.clone() });
            self.list.push(Unit { range: options[0].0.clone(), ticked: Some(false), ..unit });
            return;
        }
        let heading = if label.is_empty() || behind && question.is_none() {
            unit.heading
        } else {
            let ticked = answer.then(|| {
                options.iter().any(|(r, on)| *on && word(r).starts_with("oui"))
                    || !options.iter().any(|(_, on)| *on) && options.iter().all(|(r, _)| word(r) != "oui")
            });
            self.list.push(Unit { range: label_range, is_heading: true, ticked, ..unit.clone() });
            Some(self.list.len() - 1)
        };
        for (range, on) in options {
            if word(&range).is_empty() || (answer && matches!(word(&range).as_str(), "oui" | "non")) {
                continue;
            }
            // "☒ oui ☐ non   Volume : 480 h": what follows the answers is no option.
            let own = doc.text()[range.clone()].trim_start();
            let rest =
                own.strip_prefix("oui ").or_else(|| own.strip_prefix("non ")).filter(|r| answer && r.contains(':'));
            if let Some(rest) = rest {
                self.list.push(Unit {
                    range: range.end - rest.len()..range.end,
                    heading,
                    is_heading: false,
                    ..unit.clone()
                });
                continue;
            }
            self.list.push(Unit { range, heading, is_heading: false, ticked: Some(on), ..unit.clone() });
        }
    }
}

/// What acronyms of structures stand for elsewhere: a text that spells one out so means nothing else by it.
const OTHER_EXPANSIONS: &[&str] = &[
    "act of engagement",
    "engagement (ea)",
    "adduction d'eau",
    "entite adjudicatrice",
    "entites adjudicatrices",
    "etude d'impact",
    "intelligence artificielle",
    "autorisation d'intervention",
];

/// Whether a line ends as one does that gives a criterion its weight: "Prix : 40 %", "- délai (20 points)", "2.3 qualité 15".
fn ends_with_weight(line: &str) -> bool {
    const LONGEST: usize = 120;
    let line = line.trim_end_matches([' ', '.', ';', ',', ')', '\u{a0}', '»']);
    let line = ["points", "point", "pts", "%", "/100", "/20", "/10", "pour cent"]
        .iter()
        .find_map(|u| line.strip_suffix(u))
        .unwrap_or(line);
    let name = line.trim_end().trim_end_matches(|c: char| c.is_ascii_digit());
    let number = line.trim_end()[name.len()..].parse::<u32>();
    let name = name.trim_end_matches([' ', ':', '(', '-', '–', '=', '|', '\t', '\u{a0}']);
    let last = name.rsplit(|c: char| !c.is_alphanumeric()).next().unwrap_or_default();
    line.len() <= LONGEST
        && number.is_ok_and(|n| (1..=100).contains(&n))
        && last.chars().all(char::is_alphabetic)
        && last.len() > 2
        && !matches!(last, "lot" | "lots" | "article" | "art" | "page" | "annexe")
        && !MONTHS.contains(&last)
}

/// Takes a concept out of all statements, as if its words had not been known.
pub(crate) fn forget(statements: &mut [Statement<'_>], concept: Concept) {
    for s in statements {
        s.hits.retain(|h| h.concept != concept);
        for set in [&mut s.says, &mut s.heading, &mut s.previous, &mut s.before] {
            set.remove(concept);
        }
    }
}

/// Reads the wanted units; `wanted` are indexes in order.
#[must_use]
pub fn statements<'a>(doc: &'a Document, units: &'a Units, wanted: &[usize]) -> Vec<Statement<'a>> {
    let lexicon = Lexicon::embedded();
    let other_acronyms = LazyCell::new(|| OTHER_EXPANSIONS.iter().any(|w| doc.text().contains(w)));
    let read = |index: usize| {
        let tokens = tokens(doc.text(), &units.list[index].range);
        let mut hits = lexicon.find(&tokens, |i| doc.in_capitals(&tokens[i].range) && !*other_acronyms);
        // "ETTI (équipe technique de traitement de l'information)": the text says what it means.
        let spelled_out = |h: &Hit| {
            let name = tokens[h.from].word.as_bytes();
            let next = tokens.get(h.to).filter(|t| t.after(mark::OPEN) && name.first() == t.word.as_bytes().first());
            (3..=4).contains(&name.len())
                && next.is_some_and(|t| {
                    !matches!(t.word.as_ref(), "entreprise" | "entreprises" | "etablissement" | "etablissements")
                })
        };
        // "Les entrepreneurs individuels (EI)".
        let expanded = hits.iter().any(|h| h.concept == Concept::OtherExpansion);
        let acronym = |h: &Hit| matches!(tokens[h.from].word.as_ref(), "siae" | "ea" | "esat");
        hits.retain(|h| {
            h.to - h.from > 1
                || !(STRUCTURES.contains(&h.concept) && (expanded || spelled_out(h)) || acronym(h) && *other_acronyms)
        });
        let mut says = Concepts::default();
        for hit in &hits {
            says.add(hit.concept);
        }
        (tokens, hits, says)
    };
    let weighed = |i: usize| ends_with_weight(&doc.text()[units.list[i].range.clone()]);
    let beside = |i: usize| (i.saturating_sub(LIST_REACH)..i).chain(i + 1..units.list.len().min(i + 1 + LIST_REACH));
    let mut known: Vec<Option<Concepts>> = vec![None; units.list.len()];
    let mut out: Vec<Statement<'a>> = Vec::with_capacity(wanted.len());
    for &index in wanted {
        let unit = &units.list[index];
        let (tokens, mut hits, mut says) = read(index);
        let pointed = anaphora::people(&tokens, says);
        let mut of = |i: usize| *known[i].get_or_insert_with(|| read(i).2);
        let numbers = quantities(&tokens);
        // What says nothing social and counts no work needs no company.
        let counts =
            |q: &Quantity| matches!(q.unit, Measure::Hours | Measure::FullTime | Measure::Percent | Measure::Points);
        let alone = unit.ticked != Some(true)
            && !unit.cell
            && pointed.is_none()
            && !says.meets(near::SOCIAL)
            && !numbers.iter().any(counts)
            && !tokens.iter().any(|t| t.word.starts_with("socia"));
        let mut heading = Concepts::default();
        let mut next = unit.heading.filter(|_| !alone);
        for _ in 0..2 {
            let Some(i) = next else { break };
            heading = heading.with(of(i));
            next = units.list[i].heading;
        }
        let near = index
            .checked_sub(1)
            .filter(|p| !alone && unit.line - units.list[*p].line <= 1 && units.list[*p].ticked != Some(false));
        let previous = near.map(&mut of).unwrap_or_default();
        let mut before = previous;
        let mut line = unit.line;
        for i in (index.saturating_sub(LIST_REACH)..index).rev() {
            let other = &units.list[i];
            if alone || line - other.line > 1 {
                break;
            }
            line = other.line;
            before = before.with(of(i));
        }
        if let Some(hit) = pointed.filter(|_| heading.with(before).meets(anaphora::PEOPLE)) {
            hits.push(hit);
            says.add(hit.concept);
        }
        known[index] = Some(says);
        let end = tokens.last().map_or(unit.range.start, |t| t.range.end);
        let trailing = &doc.text()[end..unit.range.end.max(end)];
        let opens = tokens.len() <= 9 && tokens.first().is_some_and(|t| t.word == "article");
        let denied_below = says.meets(near::SOCIAL) && taken_back_below(doc, units, index, says)
            || (unit.is_heading || opens) && unit.ticked.is_none() && !unit.cell && says_no_below(doc, units, index);
        out.push(Statement {
            index,
            last: index,
            unit: Cow::Borrowed(unit),
            trailing,
            denied_below,
            tokens,
            hits,
            numbers,
            says,
            heading,
            previous,
            before,
            among_weights: !alone && beside(index).filter(|i| weighed(*i)).nth(1).is_some(),
            weighed_before: near.is_some_and(weighed),
            chances: None,
            context: unit.range.clone(),
        });
    }
    out
}

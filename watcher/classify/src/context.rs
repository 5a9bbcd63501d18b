//! How far the quote of a statement reaches: over the statements beside it that go on with what it says of people or structures, for
//! whoever reads it without the text. Not over another matter, nor over another lot.

use std::ops::Range;

use super::document::{Document, MAX_QUOTE};
use super::lexicon::Concept;
use super::statement::Statement;

/// What goes on with a statement, for the reader of its quote.
const GOES_WITH: &[Concept] = &[
    Concept::FarFromWork,
    Concept::ClauseName,
    Concept::InsertionAction,
    Concept::IntegrationObject,
    Concept::Sheltered,
    Concept::WorkIntegration,
    Concept::Prison,
    Concept::ArticleSheltered,
    Concept::ArticleIntegration,
    Concept::ArticleBoth,
    Concept::Support,
    Concept::Facilitator,
];

/// Sets where the quotes of statements may reach, within the length of a quote.
pub(super) fn set(doc: &Document, statements: &mut [Statement<'_>]) {
    let joins = |a: &Statement<'_>, b: &Statement<'_>| {
        let near = b.index == a.index + 1 && b.unit.line - a.unit.line <= 1;
        let plain = |s: &Statement<'_>| !s.unit.cell && s.unit.ticked.is_none() && s.says.any(GOES_WITH);
        // A reservation, a clause and a criterion are three things, and so are two lots.
        let subject =
            |s: &Statement<'_>| [Concept::Reserve, Concept::ClauseName, Concept::Criterion].map(|c| s.says.has(c));
        let (of_a, of_b) = (subject(a), subject(b));
        let one_subject = of_a == of_b || !of_a.contains(&true) || !of_b.contains(&true);
        let of_a_lot = b.has_word(0, 3, &["lot", "lots"]);
        near && one_subject
            && !of_a_lot
            && plain(a)
            && plain(b)
            && doc.passage_range(a.unit.range.start) == doc.passage_range(b.unit.range.start)
    };
    // A cell says little without its row.
    let row = |at: usize| {
        let line = statements[at].unit.line;
        let on_line = |s: &&Statement<'_>| s.unit.line == line && s.unit.cell;
        let first = statements[..=at].iter().rev().take_while(on_line).last().unwrap_or(&statements[at]);
        let last = statements[at..].iter().take_while(on_line).last().unwrap_or(&statements[at]);
        let whole = first.unit.range.start.min(statements[at].unit.range.start)
            ..last.unit.range.end.max(statements[at].unit.range.end);
        let written = doc.original.get(doc.folded.original(whole.clone())).unwrap_or_default();
        // What a column's head says of a row stands on another line.
        let one_line = whole.len() <= MAX_QUOTE && !written.trim().contains('\n');
        if one_line { whole } else { statements[at].unit.range.clone() }
    };
    let contexts: Vec<Range<usize>> = (0..statements.len())
        .map(|at| {
            if statements[at].unit.cell && statements[at].unit.row.is_some() {
                return row(at);
            }
            let (mut from, mut to) = (at, at);
            let mut context = statements[at].unit.range.clone();
            while to + 1 < statements.len() && joins(&statements[to], &statements[to + 1]) {
                let end = statements[to + 1].unit.range.end;
                if end - context.start > MAX_QUOTE {
                    break;
                }
                (to, context.end) = (to + 1, end);
            }
            while from > 0 && joins(&statements[from - 1], &statements[from]) {
                let start = statements[from - 1].unit.range.start;
                if context.end - start > MAX_QUOTE {
                    break;
                }
                (from, context.start) = (from - 1, start);
            }
            context
        })
        .collect();
    for (s, context) in statements.iter_mut().zip(contexts) {
        s.context = context;
    }
}

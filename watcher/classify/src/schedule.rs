//! A schedule of hours: lines, items or cells that follow one another, each a lot with what it owes or that it owes nothing.
//!
//! Read as a whole, for its lines say little alone: "a) Isolation extérieure : 1 350 h", "Lot 2 : 1 450", "lot 4 signalisation -> rien". A lot is
//! named by its number, its letter, a code (`ML1`) or its title. A run of lines counts where it names two lots, each once, one of them owes something,
//! one amount is in hours or hours are spoken of before it, and work is owed near it. What is no such run gives nothing.

use std::collections::BTreeSet;
use std::ops::Range;

use vigie_domain::Lot;

use super::amount::counts;
use super::finding::Reading;
use super::lexicon::Concept;
use super::quantity::{Quantity, Unit};
use super::statement::Statement;
use super::token::mark;
use super::volume::{Owed, Volume, below_hours, lots_beside};

/// Statements between what is owed and a schedule, before and behind it.
const REACH: usize = 10;
/// Statements before a schedule that may say that its numbers are hours.
const HEAD: usize = 4;
/// Fewer hours are numbers of something else, told without their unit.
const LEAST: f64 = 15.0;

/// A bare number of four digits between them is a year.
const YEARS: std::ops::RangeInclusive<f64> = 2015.0..=2060.0;

/// What a line gives a lot; `None`: nothing.
struct Entry {
    at: usize,
    lot: Option<String>,
    hours: Option<Quantity>,
}

/// Hours by lot of the schedules that stand near what is owed, each with the indexes of its statements.
pub(super) fn read(
    reading: &Reading<'_>,
    statements: &[Statement<'_>],
    owed: &[Owed],
) -> Vec<(Range<usize>, Vec<Volume>)> {
    let mut out = Vec::new();
    let mut at = 0;
    while at < statements.len() {
        let near = owed.iter().any(|o| o.at.abs_diff(at) <= REACH);
        let (end, entries) = if near { run(reading, statements, at) } else { (at, Vec::new()) };
        if is_schedule(statements, at, &entries) {
            let volumes = entries.iter().filter_map(|e| volume(&statements[e.at], e)).collect();
            out.push((statements[at].index..statements[end - 1].last + 1, volumes));
        }
        at = end.max(at + 1);
    }
    out
}

/// The entries of the statements from one on that follow one another, and where they end.
fn run(reading: &Reading<'_>, statements: &[Statement<'_>], from: usize) -> (usize, Vec<Entry>) {
    let mut entries = Vec::new();
    let mut end = from;
    while let Some(s) = statements.get(end) {
        let (found, next) = match &s.unit.row {
            Some(lot) => {
                let cells = statements[end..]
                    .iter()
                    .take_while(|c| c.unit.row.as_ref() == Some(lot) && c.unit.line == s.unit.line);
                let next = end + cells.count();
                (of_row(statements, end..next, lot).into_iter().collect(), next)
            }
            None if s.unit.ticked == Some(false) => (Vec::new(), end + 1),
            None => (of_statement(reading, s, end), end + 1),
        };
        if found.is_empty() {
            break;
        }
        entries.extend(found);
        end = next;
    }
    (end, entries)
}

/// What the cells of a row give its lot: their one amount of hours, or the one number below "Heures".
fn of_row(statements: &[Statement<'_>], cells: Range<usize>, lot: &str) -> Option<Entry> {
    let told = |s: &Statement<'_>, q: &Quantity| match q.unit {
        Unit::Hours => q.value >= 5.0 && counts(s, q, true),
        Unit::None => {
            // "05 Menuiserie bois 160": a cell that ran into the next one.
            let ends = q.to == s.tokens.len() && (q.from == 0 && below_hours(statements, s) || q.from > 1);
            ends && q.value >= LEAST && s.tokens[q.from].is_number()
        }
        _ => false,
    };
    let mut all = cells
        .clone()
        .flat_map(|at| statements[at].numbers.iter().filter(move |q| told(&statements[at], q)).map(move |q| (at, q)));
    match (all.next(), all.next()) {
        (Some((at, q)), None) => Some(Entry { at, lot: Some(lot.to_owned()), hours: Some(q.clone()) }),
        (None, _) => {
            let at = cells.clone().find(|at| spares(&statements[*at], 0..statements[*at].tokens.len()))?;
            Some(Entry { at, lot: Some(lot.to_owned()), hours: None })
        }
        _ => None,
    }
}

fn is_schedule(statements: &[Statement<'_>], from: usize, entries: &[Entry]) -> bool {
    let lots: BTreeSet<&str> = entries.iter().filter_map(|e| e.lot.as_deref()).collect();
    let owing: Vec<&Entry> = entries.iter().filter(|e| e.hours.is_some()).collect();
    let named = owing.iter().filter(|e| e.lot.is_some()).count();
    let once = lots.len() == entries.iter().filter(|e| e.lot.is_some()).count();
    let told = owing.iter().any(|e| e.hours.as_ref().is_some_and(|q| q.unit == Unit::Hours));
    let head = || {
        statements[from.saturating_sub(HEAD)..from]
            .iter()
            .chain(&statements[..from.min(1)])
            .any(|s| s.has_word(0, s.tokens.len(), &["heures", "heure", "volume", "volumes"]))
    };
    let weighed = entries.iter().any(|e| {
        let s = &statements[e.at];
        s.says.has(Concept::Criterion) || s.heading.has(Concept::Criterion) || s.among_weights
    });
    once && named >= 1 && lots.len() >= 2 && (told || head()) && !weighed
}

/// The lots of a statement with what each owes.
fn of_statement(reading: &Reading<'_>, s: &Statement<'_>, at: usize) -> Vec<Entry> {
    let refs = lots_named(reading, s);
    let amounts = amounts(s, &refs);
    if refs.is_empty() {
        return titled(reading, s, at, amounts);
    }
    let entry = |lot: &str, q: Option<&Quantity>| Entry { at, lot: Some(lot.to_owned()), hours: q.cloned() };
    // "300 h (lot 1), 150 h (lot 2)": the amount first.
    let amount_first = amounts.first().is_some_and(|q| q.from < refs[0].0);
    let mut out = Vec::new();
    for (i, (place, lot)) in refs.iter().enumerate() {
        let next = refs.get(i + 1).map_or(s.tokens.len(), |(p, _)| *p);
        let last = if i == 0 { 0 } else { refs[i - 1].0 };
        let part = if amount_first { last..*place } else { *place..next };
        let mut own = amounts.iter().filter(|q| part.contains(&q.from));
        match (own.next(), own.next()) {
            (Some(q), None) => out.push(entry(lot, Some(q))),
            (None, _) if spares(s, part) => out.push(entry(lot, None)),
            // Two amounts of one lot, or a lot that says nothing: no line of a schedule.
            _ => return Vec::new(),
        }
    }
    out
}

/// "Gros œuvre : 900 h.", "1 900 h au gros œuvre, 240 h au carrelage": each amount beside the title of its lot.
fn titled(reading: &Reading<'_>, s: &Statement<'_>, at: usize, amounts: Vec<Quantity>) -> Vec<Entry> {
    if amounts.is_empty() || amounts.iter().any(|q| q.unit != Unit::Hours) || s.tokens.len() > 12 * amounts.len() {
        return Vec::new();
    }
    let label = amounts.len() == 1 && s.tokens[amounts[0].from].after(mark::COLON);
    let [before, behind] = lots_beside(reading, s, &amounts);
    let count = |lots: &[Option<String>]| lots.iter().flatten().count();
    let known = if count(&behind) > count(&before) { behind } else { before };
    if count(&known) == 0 && !label {
        return Vec::new();
    }
    known.into_iter().zip(amounts).map(|(lot, q)| Entry { at, lot, hours: Some(q) }).collect()
}

/// Where lots are named, and which: by "lot 2", else by the codes that items begin with.
fn lots_named(reading: &Reading<'_>, s: &Statement<'_>) -> Vec<(usize, String)> {
    let place = |at: usize| s.tokens.iter().position(|t| t.range.end > at).unwrap_or(s.tokens.len());
    let mut mentions: Vec<(usize, String)> = Vec::new();
    for m in reading.mentions(&s.unit.range) {
        let [lot] = m.lots.as_slice() else { return Vec::new() };
        mentions.push((place(m.range.start), lot.clone()));
    }
    if !mentions.is_empty() {
        return mentions;
    }
    let codes = s.tokens.iter().enumerate().filter(|(i, t)| {
        let begins = *i == 0 || t.after(mark::ITEM | mark::COLON | mark::COMMA | mark::STOP);
        begins && is_code(s, *i)
    });
    codes.map(|(i, t)| (i, Lot::clean_id(&t.word))).collect()
}

/// Whether a word is what a list numbers lots by: "01", "a)", "ML1".
fn is_code(s: &Statement<'_>, at: usize) -> bool {
    let (word, next) = (&s.tokens[at].word, s.tokens.get(at + 1));
    let letters = word.bytes().take_while(u8::is_ascii_lowercase).count();
    let digits = word.bytes().skip(letters).filter(u8::is_ascii_digit).count();
    if letters + digits != word.len() || digits > 2 {
        return false;
    }
    // "12:00" is a time of day.
    let clock = next.is_some_and(|t| t.is_number() && t.word.len() == 2 && t.range.start == s.tokens[at].range.end + 1);
    let parted =
        !clock && next.is_some_and(|t| t.after(mark::COLON | mark::ITEM | mark::OPEN | mark::CLOSE | mark::STOP));
    let title = || next.is_some_and(|t| t.before == 0 && !t.is_number() && t.word.len() > 3);
    match (letters, digits) {
        (0, _) => parted && next.is_some_and(|t| !t.after(mark::STOP)) || title() && at == 0,
        (1, 0) => parted && word.as_bytes()[0] <= b'h',
        (1..=3, 1..) => !matches!(word.as_ref(), "art1" | "h24"),
        _ => false,
    }
}

/// The amounts of a statement that are hours, or may be.
fn amounts(s: &Statement<'_>, refs: &[(usize, String)]) -> Vec<Quantity> {
    let bare = |q: &Quantity| {
        // "-> 350", "....... 700", ": 380", "| 520".
        let ends = s.tokens.get(q.to).is_none_or(|t| t.after(mark::ITEM | mark::SLASH | mark::COMMA | mark::STOP));
        let names = refs.iter().any(|(at, _)| *at == q.from || *at + 1 == q.from && s.tokens[*at].begins(&["lot"]));
        let year = s.tokens[q.from].word.len() == 4 && YEARS.contains(&q.value);
        q.unit == Unit::None
            && q.value >= LEAST
            && !year
            && q.from > 0
            && ends
            && !names
            && s.tokens[q.from].is_number()
    };
    let hours = |q: &Quantity| q.unit == Unit::Hours && q.value >= 5.0 && counts(s, q, true);
    s.numbers.iter().filter(|q| hours(q) || bare(q)).cloned().collect()
}

/// Whether a part of a statement says that nothing is owed.
fn spares(s: &Statement<'_>, part: Range<usize>) -> bool {
    let denied = |c: Concept| s.of(c).any(|h| part.contains(&h.from));
    denied(Concept::DenyAnswer)
        || denied(Concept::Deny)
        || denied(Concept::Lifted)
        || s.has_one(
            part.start,
            part.end,
            words_of!("neant rien aucun aucune dispense dispensee exempt exempte exemptee libre sans 0 zero"),
        )
}

fn volume(s: &Statement<'_>, e: &Entry) -> Option<Volume> {
    let q = e.hours.as_ref()?;
    Some(Volume {
        range: s.tokens[q.from].range.start..s.tokens[q.to - 1].range.end,
        within: s.unit.range.clone(),
        lots: e.lot.iter().cloned().collect(),
        value: q.value,
        upper: q.upper,
        unit: Unit::Hours,
        total: false,
        yearly: q.a_year,
        each: false,
        instead: false,
    })
}

#[cfg(test)]
mod tests {
    use crate::{classify, plain};

    fn hours_by_lot(text: &str) -> Vec<(Vec<String>, f64)> {
        let provisions = classify(&plain::notice("1", "Travaux", text)).provisions;
        provisions.into_iter().filter_map(|p| Some((p.lots, p.hours?))).collect()
    }

    #[test]
    fn a_day_and_its_hour_are_no_lot_with_its_hours() {
        let owed = "Le lot 4 est soumis à une clause d’insertion de 120 heures.";
        for told in [
            "Retour des offres attendu le 6 janvier 2027, 12:00.",
            "Remise des offres : 22-01-2027, 17:00.",
            "Plis : 2027, 9:30 au plus tard.",
        ] {
            let read = hours_by_lot(&format!("{owed} {told}"));
            assert_eq!(read, [(vec!["4".to_owned()], 120.0)], "{told}");
        }
    }

    #[test]
    fn lots_behind_a_colon_without_room_are_lots() {
        let read = hours_by_lot("Heures d’insertion dues par les titulaires :\n1:380 heures\n2:240 heures\n3:néant");
        assert_eq!(read, [(vec!["1".to_owned()], 380.0), (vec!["2".to_owned()], 240.0)]);
    }
}

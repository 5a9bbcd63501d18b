//! Rows of tables in plain text: their cells, the lot they name, the answer they give; and boxes to tick.
//!
//! Cells are parted by bars, by semicolons, or by wide spaces below a head of words. A line that is no row is left to who reads lines.

use std::ops::Range;
use std::sync::LazyLock;

use super::document::{Document, Line};

/// The cells of a line, if it is a row of a table: parted by "|", by ";" where the first cell is a lot's head or number, or by wide
/// spaces below a head of words.
pub(super) fn cells(doc: &Document, line: &Line, in_table: bool, boxed: bool) -> Option<Vec<Range<usize>>> {
    let folded = doc.folded_line(line);
    let text = &doc.text()[folded.clone()];
    let Some(separator) = separator(text, in_table) else {
        return if boxed { None } else { columns(doc, line, &folded, in_table) };
    };
    let mut at = folded.start;
    let cell = |cell: &str| {
        at += cell.len() + 1;
        at - cell.len() - 1..at - 1
    };
    Some(text.split(separator).map(cell).collect())
}

/// What a row answers about its first cell: "Clause sociale | non", or a cross below "Oui" or "Non".
pub(super) fn answer_of_row(doc: &Document, cells: &[Range<usize>], heads: &[Range<usize>]) -> Option<bool> {
    // "non – prestation intellectuelle": the reason stands behind the answer.
    let word = |r: &Range<usize>| {
        let whole = doc.text()[r.clone()].trim().trim_end_matches('.');
        whole.strip_prefix("non ").filter(|rest| rest.starts_with(['-', '–', '(', ':'])).map_or(whole, |_| "non")
    };
    let says = |answer: &str| cells.iter().any(|c| word(c) == answer);
    if says("oui") && says("non") {
        return None;
    }
    cells.iter().enumerate().skip(1).find_map(|(i, cell)| match word(cell) {
        "non" | "neant" | "sans objet" | "n/a" | "aucun" | "aucune" => Some(false),
        "oui" => Some(true),
        "x" | "☒" | "✓" | "✔" => {
            let head = word(heads.get(i)?);
            if head.starts_with("non") { Some(false) } else { head.starts_with("oui").then_some(true) }
        }
        _ => None,
    })
}

/// Cells parted by tabs or by three spaces and more.
fn columns(doc: &Document, line: &Line, folded: &Range<usize>, in_table: bool) -> Option<Vec<Range<usize>>> {
    static WIDE: LazyLock<memchr::memmem::Finder<'static>> = LazyLock::new(|| memchr::memmem::Finder::new("   "));
    let whole = doc.line_as_written(line);
    let written = whole.trim_matches(['\n', '\r']);
    if WIDE.find(written.as_bytes()).is_none() && !written.contains('\t') || written.contains('\n') {
        return None;
    }
    let parts: Vec<&str> = written.split("   ").flat_map(|p| p.split('\t')).filter(|p| !p.trim().is_empty()).collect();
    let of_lots =
        parts.first().is_some_and(|p| matches!(p.trim(), "Lot" | "LOT" | "Lots" | "N°" | "N° lot" | "N° de lot"));
    let head = parts.len() >= if of_lots { 2 } else { 3 }
        && parts.iter().all(|p| p.trim().len() <= 40 && !p.bytes().any(|b| b.is_ascii_digit()));
    if !(head || in_table && parts.len() >= 2) {
        return None;
    }
    let start = line.start + (written.as_ptr() as usize - whole.as_ptr() as usize);
    let place = |p: &&str| {
        let from = start + (p.as_ptr() as usize - written.as_ptr() as usize);
        doc.folded_at(from).max(folded.start)..doc.folded_at(from + p.len()).min(folded.end)
    };
    Some(parts.iter().map(place).collect())
}

fn separator(text: &str, in_table: bool) -> Option<char> {
    if memchr::memchr(b'|', text.as_bytes()).is_some() {
        return Some('|');
    }
    memchr::memchr(b';', text.as_bytes())?;
    let first = text.split(';').next().unwrap_or_default().trim();
    let numbered = in_table && first.len() <= 6 && first.bytes().any(|b| b.is_ascii_digit());
    let head = matches!(first, "lot" | "lots" | "n° lot" | "n°" | "n° de lot" | "numero" | "no lot");
    ((numbered || head) && text.matches(';').count() >= 2).then_some(';')
}

/// The lot that a row names in its first cell.
pub(super) fn row_lot(doc: &Document, cells: &[Range<usize>]) -> Option<String> {
    let named = cells.iter().find(|c| !doc.text()[(*c).clone()].trim().is_empty());
    named.and_then(|c| lot_of_cell(&doc.text()[c.clone()]))
}

fn lot_of_cell(cell: &str) -> Option<String> {
    let cell = cell.trim();
    let bare = cell.strip_prefix("lot").map_or(cell, |c| c.trim_start_matches(['s', ' ', 'n', '°', '-', ':', '.']));
    let bare = bare.trim_start();
    // "A2": a letter and a number.
    let lettered = bare.as_bytes().first().is_some_and(u8::is_ascii_lowercase)
        && (2..=3).contains(&bare.len())
        && bare.bytes().skip(1).all(|b| b.is_ascii_digit());
    if lettered {
        return Some(bare.to_uppercase());
    }
    let id = bare.trim_start_matches('0');
    let number = id.bytes().take_while(u8::is_ascii_digit).count();
    let fits = (1..=3).contains(&number) && (id.len() == number || !id.as_bytes()[number].is_ascii_alphanumeric());
    fits.then(|| id[..number].to_owned())
}

/// Boxes of a form within `text`: where they stand, and whether they are ticked.
pub(super) fn boxes(text: &str) -> Vec<(Range<usize>, bool)> {
    const SIGNS: &[(char, bool)] = &[
        ('☐', false),
        ('□', false),
        ('◻', false),
        ('❏', false),
        ('☒', true),
        ('☑', true),
        ('✓', true),
        ('✔', true),
        ('■', true),
    ];
    let bytes = text.as_bytes();
    // The signs have the same first byte.
    let may_be_one = |i: usize| match bytes[i] {
        b'(' => bytes.get(i + 1).is_some_and(|b| matches!(b, b' ' | b'x' | b')')),
        0xe2 => text[i..].starts_with(|c| SIGNS.iter().any(|(sign, _)| *sign == c)),
        _ => true,
    };
    if !memchr::memchr3_iter(b'[', b'(', 0xe2, bytes).any(may_be_one) {
        return Vec::new();
    }
    let mut found: Vec<(Range<usize>, bool)> = text
        .match_indices(|c| SIGNS.iter().any(|(sign, _)| *sign == c))
        .map(|(i, s)| (i..i + s.len(), SIGNS.iter().any(|(sign, on)| *on && s.starts_with(*sign))))
        .collect();
    // "[x]", "( x )", "[ ]", "( )".
    found.extend(text.match_indices(['[', '(']).filter_map(|(i, open)| {
        let inside = text[i + 1..].trim_start_matches(' ');
        let (ticked, rest) = inside.strip_prefix('x').map_or((false, inside), |rest| (true, rest));
        let rest = rest.trim_start_matches(' ');
        let closed = rest.starts_with(if open == "[" { ']' } else { ')' });
        let end = text.len() - rest.len() + 1;
        (closed && (ticked || open == "[" || end - i > 2)).then_some((i..end, ticked))
    }));
    found.sort_by_key(|(r, _)| r.start);
    found
}

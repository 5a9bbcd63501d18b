//! The colours of a row: how strong what it offers is, and how it stands (the name of its [phase](vigie_domain::Phase) is its
//! class in the style sheet). Strength and state never share a colour, so that a
//! reserved market that closes tomorrow shows both. Pure.

use vigie_domain::{Assessment, Strength};
use vigie_store::search::SearchRow;

/// How strong what a procedure offers is, as the style sheet numbers it, from 0 to 3.
pub(crate) fn strength_of(a: &Assessment) -> u8 {
    Strength::of(a) as u8
}

pub(crate) fn strength_of_row(row: &SearchRow) -> u8 {
    Strength::of_provisions(row.provisions.iter().copied(), !row.sectors.is_empty()) as u8
}

//! A line that a label opens: `Lieu d'exécution : 79000 Niort`. Pure.

use super::pattern::Regex;

/// What stands behind the colon of a line that a label opens: "Lieu principal d'exécution du marché : 79000 Niort". The label stands
/// at most so many bytes behind the beginning of the line, and the colon so many behind the label.
pub(crate) fn behind_label<'t>(line: &'t str, label: &Regex, (before, between): (usize, usize)) -> Option<&'t str> {
    /// Longest part of a line that is read, in bytes.
    const READ: usize = 200;
    line.find(':')?;
    let head = &line[..line.floor_char_boundary(before + LONGEST_LABEL)];
    let labels: Vec<usize> = label.find_iter(head).filter(|m| m.start() <= before).map(|m| m.end()).collect();
    let said = labels.into_iter().rev().find_map(|end| {
        let colon = line[end..].find(':').filter(|at| *at <= between)?;
        Some(&line[end + colon + 1..]).filter(|said| said.chars().nth(2).is_some())
    })?;
    Some(&said[..said.floor_char_boundary(READ)])
}

/// Bytes of the longest label of a place.
const LONGEST_LABEL: usize = 8;

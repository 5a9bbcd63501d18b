//! Spreadsheets (BPU, DPGF, lists of staff): a passage a row, its cells parted by bars, at the row's first cell.

use std::path::Path;

use calamine::{Data, Reader, Sheets, open_workbook_auto_from_rs};

use crate::limits::MAX_TEXT;
use crate::piece::{Passage, Place, Text, Unread};

pub(super) fn read(path: &Path) -> Result<Text, Unread> {
    let file = std::fs::read(path).map_err(|e| Unread::Broken(e.to_string()))?;
    let mut book = match open_workbook_auto_from_rs(std::io::Cursor::new(file)) {
        Ok(book) => book,
        Err(e) if e.to_string().to_lowercase().contains("password") => return Err(Unread::Encrypted),
        Err(_) => return Err(Unread::Broken("le classeur ne s’ouvre pas".to_owned())),
    };
    let mut text = Text::default();
    let mut room = MAX_TEXT;
    for name in book.sheet_names() {
        rows(&mut book, &name, &mut text, &mut room);
        if room == 0 {
            text.cut = Some(format!("lu jusqu’à la feuille « {name} » : la suite dépasse ce qui est lu d’une pièce"));
            break;
        }
    }
    Ok(text)
}

type Book = Sheets<std::io::Cursor<Vec<u8>>>;

fn rows(book: &mut Book, name: &str, text: &mut Text, room: &mut usize) {
    // A sheet of charts has no cells; a broken one costs itself.
    let Ok(range) = book.worksheet_range(name) else { return };
    let (top, left) = range.start().unwrap_or_default();
    for (i, row) in range.rows().enumerate() {
        let first = row.iter().position(|c| !matches!(c, Data::Empty));
        let Some(first) = first else { continue };
        let cells: Vec<String> = row.iter().map(cell).collect();
        let line = cells.join(" | ");
        let line = line.trim_end_matches([' ', '|']).trim_start_matches([' ', '|']);
        if line.is_empty() {
            continue;
        }
        if line.len() > *room {
            *room = 0;
            return;
        }
        *room -= line.len();
        let at = format!("{}{}", column(left + first as u32), u64::from(top) + i as u64 + 1);
        let place = Place::Cell { sheet: name.to_owned(), cell: at };
        text.passages.push(Passage::new(place, line.to_owned()));
    }
}

fn cell(data: &Data) -> String {
    let text = match data {
        Data::Float(n) if n.fract() == 0.0 && n.abs() < 1e15 => format!("{n:.0}"),
        Data::Float(n) => format!("{n:.4}").trim_end_matches('0').replace('.', ","),
        Data::DateTime(d) => {
            let (year, month, day, ..) = d.to_ymd_hms_milli();
            format!("{day:02}/{month:02}/{year}")
        }
        Data::DateTimeIso(text) | Data::String(text) => text.clone(),
        other => other.to_string(),
    };
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// `A`, `B`… `Z`, `AA`.
fn column(index: u32) -> String {
    let mut n = index + 1;
    let mut out = Vec::new();
    while n > 0 {
        n -= 1;
        out.push(char::from(b'A' + (n % 26) as u8));
        n /= 26;
    }
    out.iter().rev().collect()
}

#[cfg(test)]
mod tests {
    use super::column;

    #[test]
    fn columns_are_named_as_spreadsheets_do() {
        let named: Vec<String> = [0, 25, 26, 701, 702].into_iter().map(column).collect();
        assert_eq!(named, ["A", "Z", "AA", "ZZ", "AAA"]);
    }
}

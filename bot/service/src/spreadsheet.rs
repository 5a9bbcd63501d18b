//! Tables as files for spreadsheets, and back: semicolons, a byte-order mark, cells that stay text.
//!
//! A cell that a spreadsheet would take for a formula bears an apostrophe; reading takes it away again, so that a table that is written
//! and read again is the same. What is read may come from any spreadsheet: semicolons, commas or tabs, UTF-8 or Windows' letters.

use csv::{ReaderBuilder, WriterBuilder};
use vigie_watcher::charset;

/// Longest table read, in bytes.
pub const MAX_BYTES: usize = 4 * 1024 * 1024;
/// Most rows read.
pub const MAX_ROWS: usize = 20_000;

/// Signs with which a formula may begin, in their wide forms too: some spreadsheets take those for the narrow ones.
const FORMULA: [char; 8] = ['=', '+', '-', '@', '＝', '＋', '－', '＠'];

/// A cell that stays text, in one line.
#[must_use]
pub fn cell(text: &str) -> String {
    let line = text.split_whitespace().collect::<Vec<_>>().join(" ");
    if line.trim_start_matches('\'').starts_with(FORMULA) { format!("'{line}") } else { line }
}

/// What a cell said, written by [`cell`] or by a person.
#[must_use]
pub fn said(cell: &str) -> String {
    let line = cell.split_whitespace().collect::<Vec<_>>().join(" ");
    match line.strip_prefix('\'') {
        Some(rest) if rest.trim_start_matches('\'').starts_with(FORMULA) => rest.to_owned(),
        _ => line,
    }
}

/// A table as bytes.
///
/// # Errors
/// A row has another length than the head.
pub fn written(head: &[impl AsRef<str>], rows: &[Vec<String>]) -> Result<Vec<u8>, csv::Error> {
    let mut writer = WriterBuilder::new().delimiter(b';').from_writer("\u{feff}".as_bytes().to_vec());
    writer.write_record(head.iter().map(AsRef::as_ref))?;
    for row in rows {
        writer.write_record(row.iter().map(|c| cell(c)))?;
    }
    writer.into_inner().map_err(|e| csv::Error::from(e.into_error()))
}

/// A row that was read: where it began, and what its cells say.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Row {
    /// Line of the file, from 1.
    pub line: u64,
    cells: Vec<String>,
}

/// A table that was read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Table {
    /// The place of each column, in the order asked for; `None` = the file has none.
    columns: Vec<Option<usize>>,
    pub rows: Vec<Row>,
    /// Lines that have more cells than the head: whatever stands in them, the others may have moved. None of them is among the rows.
    pub too_long: Vec<u64>,
}

/// Why a line with more cells than the head is refused.
pub const CELLS_TOO_MANY: &str = "plus de cellules que la première ligne n’a de colonnes";

/// Why a file is no table that can be read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Unreadable {
    #[error("ce fichier dépasse 4\u{a0}Mo")]
    TooLong,
    #[error("ce tableau a plus de {MAX_ROWS} lignes")]
    TooManyRows,
    #[error("ce fichier est vide")]
    Empty,
    #[error("il manque la colonne « {0} »")]
    Missing(String),
    #[error("colonne inconnue « {0} »")]
    Unknown(String),
    #[error("la colonne « {0} » est là deux fois")]
    Twice(String),
    #[error("ce fichier n’est pas un tableau CSV : enregistrez-le au format CSV depuis votre tableur")]
    NotATable,
}

impl Table {
    /// Reads a table whose head names columns among `known`, in any order, those of `needed` among them.
    ///
    /// # Errors
    /// It is no table, or its head says otherwise.
    pub fn read(bytes: &[u8], known: &[&str], needed: &[&str]) -> Result<Self, Unreadable> {
        let mut rows = rows_of(bytes)?;
        let head = rows.remove(0).cells;
        let columns = head_of(&head, known, needed)?;
        let long = |row: &Row| row.cells.iter().skip(head.len()).any(|c| !c.is_empty());
        let too_long = rows.iter().filter(|row| long(row)).map(|row| row.line).collect();
        rows.retain(|row| !long(row));
        Ok(Self { columns, rows, too_long })
    }

    /// Reads a table that people made by themselves: each column has several names, columns of other names are passed over, and without
    /// a head (none of the first column's names in the first row) the columns stand in the order given.
    ///
    /// # Errors
    /// It is no table.
    pub fn loose(bytes: &[u8], names: &[&[&str]]) -> Result<Self, Unreadable> {
        let mut rows = rows_of(bytes)?;
        let named = |cell: &str| {
            let key = vigie_domain::commune::key(cell);
            names.iter().position(|names| names.contains(&key.as_str()))
        };
        let head: Vec<Option<usize>> = rows[0].cells.iter().map(|c| named(c)).collect();
        if !head.contains(&Some(0)) {
            return Ok(Self { columns: (0..names.len()).map(Some).collect(), rows, too_long: Vec::new() });
        }
        rows.remove(0);
        let columns = (0..names.len()).map(|wanted| head.iter().position(|h| *h == Some(wanted))).collect();
        Ok(Self { columns, rows, too_long: Vec::new() })
    }

    /// What a row says in the column at `place` of those known; `None` where the file has no such column.
    #[must_use]
    pub fn cell<'a>(&self, row: &'a Row, place: usize) -> Option<&'a str> {
        let at = (*self.columns.get(place)?)?;
        Some(row.cells.get(at).map_or("", String::as_str))
    }
}

/// The rows of a file that say anything, its head among them: one at least.
fn rows_of(bytes: &[u8]) -> Result<Vec<Row>, Unreadable> {
    if bytes.len() > MAX_BYTES {
        return Err(Unreadable::TooLong);
    }
    let text = charset::plain_text(bytes);
    // A workbook is an archive.
    if text.starts_with("PK\u{3}") || text.contains('\0') {
        return Err(Unreadable::NotATable);
    }
    let text = text.trim_start_matches('\u{feff}');
    let (told, text) = separator(text);
    let head = text.lines().find(|l| !l.trim().is_empty()).ok_or(Unreadable::Empty)?;
    let count = |sign: char| head.chars().filter(|c| *c == sign).count();
    let counted = || [b';', b'\t', b','].into_iter().max_by_key(|d| (count(char::from(*d)), *d == b';'));
    let mut reader = ReaderBuilder::new()
        .delimiter(told.or_else(counted).unwrap_or(b';'))
        .has_headers(false)
        .flexible(true)
        .from_reader(text.as_bytes());
    let mut rows = Vec::new();
    for record in reader.records() {
        let record = record.map_err(|_| Unreadable::NotATable)?;
        let line = record.position().map_or(0, |at| line_of(text, at));
        let cells: Vec<String> = record.iter().map(said).collect();
        if cells.iter().all(String::is_empty) {
            continue;
        }
        // The head is one more.
        if rows.len() > MAX_ROWS {
            return Err(Unreadable::TooManyRows);
        }
        rows.push(Row { line, cells });
    }
    if rows.is_empty() { Err(Unreadable::Empty) } else { Ok(rows) }
}

/// What stands between cells, where Excel says so in a line of its own (`sep=;`), and the text without that line; its line break stays,
/// so that lines keep their numbers.
#[must_use]
pub fn separator(text: &str) -> (Option<u8>, &str) {
    let first = text.lines().next().unwrap_or_default();
    let told = first.trim().trim_matches('"').strip_prefix("sep=").and_then(|sign| sign.bytes().next());
    (told, if told.is_some() { &text[first.len()..] } else { text })
}

/// The line on which a record begins: its position is where the one before it ended, blank lines follow.
fn line_of(text: &str, at: &csv::Position) -> u64 {
    let from = usize::try_from(at.byte()).unwrap_or(usize::MAX);
    let blank = text.as_bytes().get(from..).unwrap_or_default().iter().take_while(|b| matches!(b, b'\r' | b'\n'));
    at.line() + blank.filter(|b| **b == b'\n').count() as u64
}

fn head_of(cells: &[String], known: &[&str], needed: &[&str]) -> Result<Vec<Option<usize>>, Unreadable> {
    let key = |name: &str| vigie_domain::commune::key(name).replace(' ', "_");
    let mut columns = vec![None; known.len()];
    for (at, cell) in cells.iter().enumerate().filter(|(_, c)| !c.is_empty()) {
        let place = known.iter().position(|k| key(k) == key(cell)).ok_or_else(|| Unreadable::Unknown(cell.clone()))?;
        if columns[place].replace(at).is_some() {
            return Err(Unreadable::Twice(cell.clone()));
        }
    }
    for name in needed {
        if known.iter().position(|k| k == name).is_none_or(|place| columns[place].is_none()) {
            return Err(Unreadable::Missing((*name).to_owned()));
        }
    }
    Ok(columns)
}

#[cfg(test)]
mod tests {
    use super::*;

    const KNOWN: [&str; 3] = ["reference", "objet", "etat"];

    fn read(text: &str) -> Result<Vec<Vec<Option<String>>>, Unreadable> {
        let table = Table::read(text.as_bytes(), &KNOWN, &["objet"])?;
        let cells = |row: &Row| (0..3).map(|n| table.cell(row, n).map(str::to_owned)).collect();
        Ok(table.rows.iter().map(cells).collect())
    }

    #[test]
    fn a_table_of_any_spreadsheet_is_read() {
        let wanted = vec![vec![Some("1".to_owned()), Some("Nettoyage, vitres".to_owned()), None]];
        assert_eq!(read("\u{feff}Référence;Objet\n1;Nettoyage, vitres\n"), Ok(wanted.clone()));
        assert_eq!(read("objet,REFERENCE\r\n\"Nettoyage, vitres\",1\r\n\r\n"), Ok(wanted.clone()));
        assert_eq!(read("objet\treference\nNettoyage, vitres\t1\t\n"), Ok(wanted));
        assert_eq!(read("sep=,\r\nobjet,reference\r\n\"a;b;c\",1\r\n").unwrap()[0][1].as_deref(), Some("a;b;c"));
        let table = Table::read(b"\"sep=;\"\nobjet;etat\na;b;c\nd;e;\n", &KNOWN, &["objet"]).unwrap();
        assert_eq!((table.too_long.as_slice(), table.rows.len(), table.rows[0].line), ([3].as_slice(), 1, 4));
        let table = Table::read(b"objet;etat\nR\xe9habilitation;", &KNOWN, &["objet"]).unwrap();
        assert_eq!(table.cell(&table.rows[0], 1), Some("Réhabilitation"));
        assert_eq!(table.rows[0].line, 2);
    }

    #[test]
    fn what_is_no_table_is_told_in_words() {
        assert_eq!(read(""), Err(Unreadable::Empty));
        assert_eq!(read("reference;etat\n"), Err(Unreadable::Missing("objet".into())));
        assert_eq!(read("objet;couleur\n"), Err(Unreadable::Unknown("couleur".into())));
        assert_eq!(read("objet;Objet\n"), Err(Unreadable::Twice("Objet".into())));
        assert_eq!(Table::read(b"PK\x03\x04", &KNOWN, &[]), Err(Unreadable::NotATable));
        assert_eq!(Table::read(&vec![b'a'; MAX_BYTES + 1], &KNOWN, &[]), Err(Unreadable::TooLong));
    }

    #[test]
    fn what_a_spreadsheet_would_run_stays_text_and_is_read_back() {
        assert_eq!(cell("=HYPERLINK(\"x\")"), "'=HYPERLINK(\"x\")");
        assert_eq!(cell("\n @cmd"), "'@cmd");
        assert_eq!(cell("Nettoyage\r\nde locaux"), "Nettoyage de locaux");
        for wide in ["＝1", "＋33", "－2", "＠SOMME(1)"] {
            assert_eq!(cell(wide), format!("'{wide}"));
        }
        for text in ["=1", "＝1", "'=1", "''=1", "'été", "-3", "a;b\"c", "", "'"] {
            let bytes = written(&["objet"], &[vec![text.to_owned()], vec!["x".into()]]).unwrap();
            let table = Table::read(&bytes, &KNOWN, &[]).unwrap();
            let back = if text.is_empty() { "" } else { table.cell(&table.rows[0], 1).unwrap() };
            assert_eq!(back, text);
        }
    }

    proptest::proptest! {
        #[test]
        fn any_cell_survives(text in "\\PC{0,40}", other in "(?s).{0,40}") {
            let line = |t: &str| t.split_whitespace().collect::<Vec<_>>().join(" ");
            let other = other.replace('\0', "");
            let (first, second) = (line(&text), line(&other));
            let rows = [vec![text, "x".into()], vec![other, "x".into()]];
            let bytes = written(&["objet", "etat"], &rows).unwrap();
            let table = Table::read(&bytes, &KNOWN, &[]).unwrap();
            proptest::prop_assert_eq!(table.cell(&table.rows[0], 1), Some(first.as_str()));
            proptest::prop_assert_eq!(table.cell(&table.rows[1], 1), Some(second.as_str()));
        }
    }
}

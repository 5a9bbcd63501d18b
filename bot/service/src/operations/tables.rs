//! Operations as a table, and back. The reference is the key: a table that is read again changes its rows and doubles none. A column that
//! a file does not have leaves what stands; an empty cell empties it. A row that cannot be taken is refused with its line and why, and
//! the others are taken.

use std::collections::{BTreeMap, BTreeSet};

use chrono::{Datelike as _, NaiveDate};
use vigie_domain::operation::calibration::euros_written;
use vigie_domain::operation::hours::month_written;
use vigie_domain::operation::{Operation, OperationQuery, OperationState, Programme};
use vigie_domain::{Buyer, Department};
use vigie_store::StoreError;
use vigie_store::operations::reference_key;
use vigie_watcher::classify::zones;

use super::{MAX_OPERATIONS, Overview, checked};
use crate::service::Service;
use crate::spreadsheet::{CELLS_TOO_MANY, Row, Table, Unreadable};

/// The columns, in the order in which they are written. The last ones are computed: a file may have them, they are not read.
pub const COLUMNS: [&str; 17] = [
    "reference",
    "objet",
    "acheteur",
    "siret_acheteur",
    "territoire",
    "departements",
    "programme",
    "etat",
    "montant",
    "suivi_par",
    "prochaine_etape",
    "date_etape",
    "remarque",
    "heures_calibrees",
    "heures_dues",
    "heures_prevues",
    "heures_realisees",
];

/// A table of one row, to be filled in a spreadsheet: what each column looks like, up to those that are computed.
pub const MODEL: [&str; 13] = [
    "EXEMPLE-1",
    "Réhabilitation de l’école, à remplacer",
    "Ville de Lens",
    "21620498200012",
    "Lens",
    "62",
    "ordinaire",
    "à calibrer",
    "1000000",
    "",
    "appeler la ville",
    "2027-03-15",
    "",
];

/// What came of reading a table.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Imported {
    pub made: usize,
    pub changed: usize,
    /// They said what was known.
    pub same: usize,
    /// Line of the file, and why it was not taken.
    pub refused: Vec<(u64, String)>,
}

impl Imported {
    /// « 12 ajoutées, 3 changées, 985 inchangées, 2 lignes refusées. » of rows that are `what`: « opération ».
    #[must_use]
    pub fn in_french(&self) -> String {
        let count = |n: usize, word: &str| format!("{n}\u{a0}{word}{}", if n > 1 { "s" } else { "" });
        let mut said = vec![
            count(self.made, "ligne ajoutée").replace("ligne ajoutées", "lignes ajoutées"),
            count(self.changed, "changée"),
            count(self.same, "inchangée"),
        ];
        if !self.refused.is_empty() {
            said.push(count(self.refused.len(), "refusée"));
        }
        format!("{}.", said.join(", "))
    }
}

/// A day as people write it: `2027-03-15`, `15/03/2027`, `15/03/27`, `15 mars 2027`. None of a year that no operation is of.
#[must_use]
pub fn day(text: &str) -> Option<NaiveDate> {
    let read = ["%Y-%m-%d", "%d/%m/%y", "%d/%m/%Y"].iter().find_map(|f| NaiveDate::parse_from_str(text, f).ok());
    let in_words = || {
        let (day, month) = text.split_once(' ')?;
        month_written(month)?.with_day(day.trim_end_matches("er").parse().ok()?)
    };
    read.or_else(in_words).filter(|day| zones::is_plausible(*day))
}

/// The rows of operations, in the order of [`COLUMNS`].
#[must_use]
pub fn rows(overviews: &[Overview], query: &OperationQuery) -> Vec<Vec<String>> {
    overviews.iter().filter(|o| query.finds(&o.operation)).map(cells).collect()
}

fn cells(overview: &Overview) -> Vec<String> {
    let o = &overview.operation;
    let places: Vec<&str> = o.departments.iter().map(Department::as_str).collect();
    vec![
        o.reference.clone(),
        o.title.clone(),
        o.buyer.clone(),
        o.siret.clone().unwrap_or_default(),
        o.territory.clone(),
        places.join(", "),
        o.programme.in_french().to_owned(),
        o.state.in_french().to_owned(),
        o.amount.map(|a| a.to_string()).unwrap_or_default(),
        o.in_charge.clone(),
        o.next_step.clone(),
        o.next_on.map(|d| d.to_string()).unwrap_or_default(),
        o.remark.clone(),
        overview.calibrated.map(|h| h.in_table()).unwrap_or_default(),
        overview.totals.owed.in_table(),
        overview.totals.planned.in_table(),
        overview.totals.done.in_table(),
    ]
}

/// Reads a table of operations into those of a structure.
///
/// # Errors
/// The database fails: then nothing was taken. The inner error: the file is no such table.
pub async fn import(
    service: &Service,
    structure: &str,
    bytes: &[u8],
) -> Result<Result<Imported, Unreadable>, StoreError> {
    let table = match Table::read(bytes, &COLUMNS, &["reference", "objet"]) {
        Ok(table) => table,
        Err(why) => return Ok(Err(why)),
    };
    let now = service.clock.now();
    let mut known: BTreeMap<String, Operation> =
        service.store.operations_of(structure).await?.into_iter().map(|o| (reference_key(&o.reference), o)).collect();
    let mut done = Imported::default();
    let mut seen = BTreeSet::new();
    let mut written = Vec::new();
    done.refused.extend(table.too_long.iter().map(|line| (*line, CELLS_TOO_MANY.to_owned())));
    for row in &table.rows {
        let key = reference_key(table.cell(row, 0).unwrap_or_default());
        let before = known.get(&key).cloned();
        let read = read(&table, row, before.clone().unwrap_or_default());
        let operation = read.and_then(|o| checked(&o).map(|()| o).map_err(|fault| fault.to_string()));
        let operation = match operation {
            Ok(_) if !seen.insert(key.clone()) => Err("cette référence est déjà plus haut dans le fichier".to_owned()),
            Ok(_) if before.is_none() && known.len() >= MAX_OPERATIONS => {
                Err(format!("{MAX_OPERATIONS} opérations au plus"))
            }
            other => other,
        };
        match (operation, before) {
            (Err(why), _) => done.refused.push((row.line, why)),
            (Ok(o), Some(before)) if o == before => done.same += 1,
            (Ok(o), before) => {
                let new = before.is_none();
                *(if new { &mut done.made } else { &mut done.changed }) += 1;
                let created = before.map_or(now, |b| b.created);
                let o = Operation { structure: structure.to_owned(), created, updated: now, ..o };
                known.insert(key, o.clone());
                written.push(o);
            }
        }
    }
    service.store.put_operations(&written).await?;
    Ok(Ok(done))
}

/// A row over what stands.
fn read(table: &Table, row: &Row, before: Operation) -> Result<Operation, String> {
    let mut o = before;
    let text = |place: usize, field: &mut String| {
        if let Some(cell) = table.cell(row, place) {
            cell.clone_into(field);
        }
    };
    text(0, &mut o.reference);
    text(1, &mut o.title);
    text(2, &mut o.buyer);
    text(4, &mut o.territory);
    text(9, &mut o.in_charge);
    text(10, &mut o.next_step);
    text(12, &mut o.remark);
    if let Some(cell) = table.cell(row, 3) {
        o.siret = siret(cell, "acheteur")?;
    }
    if let Some(cell) = table.cell(row, 5) {
        o.departments = departments(cell)?;
    }
    if let Some(cell) = table.cell(row, 6) {
        o.programme = Programme::written(cell).ok_or_else(|| format!("programme inconnu « {cell} »"))?;
    }
    if let Some(cell) = table.cell(row, 7) {
        o.state = OperationState::written(cell).ok_or_else(|| format!("état inconnu « {cell} »"))?;
    }
    if let Some(cell) = table.cell(row, 8) {
        o.amount = match cell {
            "" => None,
            cell => Some(euros_written(cell).ok_or_else(|| format!("montant illisible « {cell} »"))?),
        };
    }
    if let Some(cell) = table.cell(row, 11) {
        o.next_on = match cell {
            "" => None,
            cell => Some(day(cell).ok_or_else(|| format!("date illisible « {cell} » : 2027-03-15 ou 15/03/2027"))?),
        };
    }
    Ok(o)
}

/// A SIREN or SIRET of a cell: empty = none.
///
/// # Errors
/// It is neither.
pub fn siret(cell: &str, of: &str) -> Result<Option<String>, String> {
    if cell.is_empty() {
        return Ok(None);
    }
    let number = Buyer::written(cell);
    let fits = matches!(number.len(), 9 | 14) && number.bytes().all(|b| b.is_ascii_digit());
    if fits {
        Ok(Some(number))
    } else {
        Err(format!("numéro « {cell} » ({of}) : un SIREN a 9 chiffres, un SIRET 14"))
    }
}

/// Départements of a cell, by their codes.
///
/// # Errors
/// One is unknown.
pub fn departments(cell: &str) -> Result<Vec<Department>, String> {
    let mut out: Vec<Department> = Vec::new();
    for written in cell.split([',', ';', ' ']).filter(|w| !w.is_empty()) {
        let meant = Department::written(written);
        if meant.is_empty() {
            return Err(format!("département inconnu « {written} » : écrivez par exemple 59, 2A ou 974"));
        }
        out.extend(meant.into_iter().filter(|d| !out.contains(d)).collect::<Vec<_>>());
    }
    Ok(out)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_day_is_read_as_people_write_it() {
        let wanted = NaiveDate::from_ymd_opt(2027, 3, 15);
        for text in ["2027-03-15", "15/03/2027", "15/03/27", "15 mars 2027"] {
            assert_eq!(day(text), wanted, "{text}");
        }
        assert_eq!(day("1er avril 2027"), NaiveDate::from_ymd_opt(2027, 4, 1));
        for text in ["", "mars 2027", "32 mars 2027", "15 mars", "15 brumaire 2027", "le 15"] {
            assert_eq!(day(text), None, "{text}");
        }
    }
}

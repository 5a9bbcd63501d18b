//! Hours as a table, and back: what companies send every month. A row of the same operation, month, lot, company and modality takes the
//! place of what stood; a row that cannot be taken is refused with its line and why.

use std::collections::{BTreeSet, HashMap};

use chrono::NaiveDate;
use vigie_domain::operation::hours::{HoursKey, HoursRow, People, month_written};
use vigie_domain::operation::{Hours, LotOwed, MAX_LINE, Modality};
use vigie_domain::{Lot, Operation, french};
use vigie_store::StoreError;
use vigie_store::operation_hours::OperationHours;
use vigie_store::operations::reference_key;
use vigie_watcher::zones;

use super::tables::{Imported, siret};
use crate::service::Service;
use crate::spreadsheet::{CELLS_TOO_MANY, Row, Table, Unreadable};

/// The columns, in the order in which they are written.
pub const COLUMNS: [&str; 13] = [
    "operation",
    "mois",
    "lot",
    "entreprise",
    "siret_entreprise",
    "modalite",
    "heures_prevues",
    "heures_realisees",
    "personnes",
    "dont_quartiers",
    "dont_femmes",
    "dont_handicap",
    "remarque",
];

/// A table of one row, to be filled in a spreadsheet: what each column looks like.
pub const MODEL: [&str; 13] = [
    "EXEMPLE-1",
    "2026-05",
    "1",
    "Entreprise à remplacer",
    "",
    "intérim d’insertion",
    "65",
    "60,5",
    "3",
    "1",
    "1",
    "0",
    "",
];

/// Most rows of hours of an organisation.
const MOST: usize = 100_000;

/// The rows of hours, in the order of [`COLUMNS`]; `references` names each operation.
#[must_use]
pub fn rows(hours: &[OperationHours], references: &HashMap<String, String>) -> Vec<Vec<String>> {
    hours.iter().map(|h| cells(references.get(&h.operation).map_or("", String::as_str), &h.row)).collect()
}

fn cells(reference: &str, r: &HoursRow) -> Vec<String> {
    let count = |n: Option<u32>| n.map(|n| n.to_string()).unwrap_or_default();
    vec![
        reference.to_owned(),
        r.month.format("%Y-%m").to_string(),
        r.lot.clone(),
        r.company.clone(),
        r.siret.clone().unwrap_or_default(),
        r.modality.in_french().to_owned(),
        r.planned.in_table(),
        r.done.in_table(),
        count(r.people.all),
        count(r.people.quarters),
        count(r.people.women),
        count(r.people.disabled),
        r.remark.clone(),
    ]
}

/// Reads a table of hours into those of a structure's operations. `only`: the operation of every row, where the file names none.
///
/// # Errors
/// The database fails: then nothing was taken. The inner error: the file is no such table.
pub async fn import(
    service: &Service,
    structure: &str,
    only: Option<&Operation>,
    bytes: &[u8],
) -> Result<Result<Imported, Unreadable>, StoreError> {
    let needed: &[&str] = if only.is_some() { &["mois"] } else { &["operation", "mois"] };
    let table = match Table::read(bytes, &COLUMNS, needed) {
        Ok(table) => table,
        Err(why) => return Ok(Err(why)),
    };
    let operations: HashMap<String, String> = service
        .store
        .operations_of(structure)
        .await?
        .into_iter()
        .map(|o| (reference_key(&o.reference), o.id))
        .collect();
    let today = zones::paris_day(service.clock.now());
    let hours = service.store.hours_of(structure, None).await?;
    let mut known: HashMap<(String, HoursKey), HoursRow> =
        hours.into_iter().map(|h| ((h.operation, h.row.key()), h.row)).collect();
    let mut holders: HashMap<String, Vec<LotOwed>> = HashMap::new();
    for l in service.store.lots_of(structure, None).await? {
        holders.entry(l.operation).or_default().push(l.lot);
    }
    let mut done = Imported::default();
    let mut seen = BTreeSet::new();
    let mut written = Vec::new();
    done.refused.extend(table.too_long.iter().map(|line| (*line, CELLS_TOO_MANY.to_owned())));
    for row in &table.rows {
        let named = table.cell(row, 0).filter(|c| !c.is_empty());
        let operation = match (named, only) {
            (None, Some(o)) => Ok(o.id.clone()),
            (None, None) => Err("l’opération manque".to_owned()),
            (Some(reference), only) => {
                let found = operations.get(&reference_key(reference)).cloned();
                let found = found.ok_or_else(|| format!("aucune opération ne porte la référence « {reference} »"));
                match (found, only) {
                    (Ok(id), Some(o)) if id != o.id => Err(format!("« {reference} » est une autre opération")),
                    (found, _) => found,
                }
            }
        };
        let read = operation.and_then(|id| {
            let of_operation = holders.get(&id).map_or(&[][..], Vec::as_slice);
            Ok((id.clone(), read(&table, row, (&known, id.as_str()), of_operation, today)?))
        });
        let (id, fresh) = match read {
            Ok(read) => read,
            Err(why) => {
                done.refused.push((row.line, why));
                continue;
            }
        };
        let key = (id.clone(), fresh.key());
        if !seen.insert(key.clone()) {
            let why = "ce mois, ce lot, cette entreprise et cette modalité sont déjà plus haut dans le fichier";
            done.refused.push((row.line, why.to_owned()));
            continue;
        }
        match known.get(&key) {
            Some(before) if *before == fresh => {
                done.same += 1;
                continue;
            }
            Some(_) => done.changed += 1,
            None if known.len() >= MOST => {
                done.refused.push((row.line, format!("{MOST} lignes d’heures au plus")));
                continue;
            }
            None => done.made += 1,
        }
        known.insert(key, fresh.clone());
        written.push(OperationHours { operation: id, row: fresh });
    }
    super::write_hours(service, structure, &written).await?;
    Ok(Ok(done))
}

/// A row over what stands for its key; `holders`: of the operation's lots.
fn read(
    table: &Table,
    row: &Row,
    (known, operation): (&HashMap<(String, HoursKey), HoursRow>, &str),
    holders: &[LotOwed],
    today: NaiveDate,
) -> Result<HoursRow, String> {
    let cell = |place: usize| table.cell(row, place).unwrap_or_default();
    let month = month_written(cell(1)).ok_or_else(|| match cell(1) {
        "" => "le mois manque".to_owned(),
        other => format!("mois illisible « {other} » : 2027-03 ou 03/2027"),
    })?;
    let modality = Modality::written(cell(5)).ok_or_else(|| format!("modalité inconnue « {} »", cell(5)))?;
    let lot = if cell(2).is_empty() { String::new() } else { Lot::clean_id(cell(2)) };
    let mut fresh = HoursRow::new(month, &lot, cell(3), modality);
    fresh.siret = siret(cell(4), "entreprise")?;
    let standing = |row: &HoursRow| known.get(&(operation.to_owned(), row.key()));
    if standing(&fresh).is_none() {
        fresh.adopt_number(holders.iter());
    }
    if let Some(before) = standing(&fresh) {
        fresh = HoursRow { company: fresh.company, siret: fresh.siret, ..before.clone() };
    }
    let hours = |place: usize, field: &mut Hours| -> Result<(), String> {
        if let Some(cell) = table.cell(row, place) {
            *field = Hours::written(cell).ok_or_else(|| format!("heures illisibles « {cell} »"))?;
        }
        Ok(())
    };
    hours(6, &mut fresh.planned)?;
    hours(7, &mut fresh.done)?;
    let people = &mut fresh.people;
    for (place, field) in
        [(8, &mut people.all), (9, &mut people.quarters), (10, &mut people.women), (11, &mut people.disabled)]
    {
        if let Some(cell) = table.cell(row, place) {
            *field = match cell {
                "" => None,
                cell => Some(count(cell).ok_or_else(|| format!("nombre de personnes illisible « {cell} »"))?),
            };
        }
    }
    if let Some(cell) = table.cell(row, 12) {
        cell.clone_into(&mut fresh.remark);
    }
    checked(&fresh, today)?;
    Ok(fresh)
}

/// A count of people as people write it.
#[must_use]
pub fn count(text: &str) -> Option<u32> {
    text.parse().ok().filter(|n| *n <= 100_000)
}

/// Checks what every door checks of hours, on that day.
///
/// # Errors
/// What it says cannot be.
pub fn checked(row: &HoursRow, today: NaiveDate) -> Result<(), String> {
    if row.month > today && !row.done.is_none() {
        return Err(format!("des heures réalisées en {}, un mois à venir", french::month(row.month)));
    }
    for (name, text) in [("lot", &row.lot), ("entreprise", &row.company), ("remarque", &row.remark)] {
        if text.chars().count() > MAX_LINE {
            return Err(format!("{MAX_LINE} caractères au plus dans « {name} »"));
        }
    }
    let People { all, quarters, women, disabled } = row.people;
    let parts = [quarters, women, disabled];
    if parts.iter().flatten().any(|n| all.is_some_and(|all| *n > all)) {
        return Err("plus de personnes d’une catégorie que de personnes en tout".to_owned());
    }
    Ok(())
}

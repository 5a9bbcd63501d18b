//! Directories out of files: structures, facilitators and committed buyers, as CSV or JSON. A row that cannot be read is reported with
//! its line and its reason; the rest goes in. An import replaces what it names, and leaves the rest.

use std::collections::{BTreeMap, HashSet};

use chrono::{DateTime, Utc};
use strum::{EnumString, IntoStaticStr};
use vigie_config::mail_address;
use vigie_config::rules::{self, Rules};
use vigie_domain::directory::{CommittedBuyer, Facilitator, Structure};
use vigie_domain::{Buyer, Department, Place, StructureKind, json};
use vigie_store::directory::Entry;
use vigie_store::{Store, StoreError};
use vigie_watcher::charset;

use crate::{areas, spreadsheet};

/// What a directory lists.
#[derive(Debug, Clone, Copy, PartialEq, Eq, EnumString, IntoStaticStr)]
#[strum(serialize_all = "snake_case")]
pub enum Directory {
    Structures,
    Facilitators,
    /// Buyers with a commitment to socially responsible purchases (SPASER).
    Buyers,
}

impl Directory {
    /// Every directory.
    pub const ALL: [Self; 3] = [Self::Structures, Self::Facilitators, Self::Buyers];

    /// As forms and logs name it.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        self.into()
    }

    /// As people read it.
    #[must_use]
    pub fn in_french(self) -> &'static str {
        match self {
            Self::Structures => "structures",
            Self::Facilitators => "facilitateurs (par département)",
            Self::Buyers => "acheteurs dotés d’un SPASER",
        }
    }

    /// How many entries it holds, and when one was last written.
    ///
    /// # Errors
    /// The database fails.
    pub async fn held(self, store: &Store) -> Result<(i64, Option<DateTime<Utc>>), StoreError> {
        match self {
            Self::Structures => store.entries_held::<Structure>().await,
            Self::Facilitators => store.entries_held::<Facilitator>().await,
            Self::Buyers => store.entries_held::<CommittedBuyer>().await,
        }
    }
}

/// What an import did.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Imported {
    /// Rows that went in.
    pub taken: usize,
    /// Of these, those that name what an earlier one names: the last stands.
    pub twice: usize,
    /// Rows that did not: their line, and why.
    pub refused: Vec<(usize, String)>,
    /// Rows that went in and are to be looked at: their line, and why.
    pub doubtful: Vec<(usize, String)>,
}

/// Why nothing of a file went in.
#[derive(Debug, thiserror::Error)]
pub enum ImportError {
    /// It is no table; says what it is not, in French.
    #[error("{0}")]
    Unreadable(String),
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl Imported {
    /// How many rows name what an earlier one names, in words; nothing where none does.
    #[must_use]
    pub fn twice_in_french(&self) -> String {
        match self.twice {
            0 => String::new(),
            1 => ", dont 1 qui en répète une autre".to_owned(),
            n => format!(", dont {n} qui en répètent une autre"),
        }
    }
}

/// The only value of a row with more cells than its head has columns: how many it has.
const TOO_LONG: &str = "\0";

/// Rows written at once.
const BATCH: usize = 500;

/// A row of a file: its line, and its values by column in lower case.
struct Row {
    line: usize,
    values: BTreeMap<String, String>,
}

impl Row {
    /// The first of these columns that says something.
    fn get(&self, columns: &[&str]) -> Option<&str> {
        columns.iter().find_map(|c| self.values.get(*c)).map(|v| v.trim()).filter(|v| !v.is_empty())
    }

    fn list(&self, columns: &[&str]) -> Vec<&str> {
        self.get(columns)
            .into_iter()
            .flat_map(|v| v.split(['|', ';', ',']))
            .map(str::trim)
            .filter(|v| !v.is_empty())
            .collect()
    }

    fn needed(&self, columns: &[&str]) -> Result<&str, String> {
        self.get(columns).ok_or_else(|| format!("colonne « {} » absente ou vide", columns[0]))
    }

    /// Départements named, or that of the postcode.
    fn departments(&self) -> Result<Vec<Department>, String> {
        let mut out = Vec::new();
        for written in self.list(&["departments", "department", "departements", "departement", "département"]) {
            out.push(department(written).ok_or_else(|| format!("département inconnu « {written} »"))?);
        }
        if out.is_empty()
            && let Some(written) = self.get(&["post_code", "code_postal", "postcode", "cp"])
        {
            let read = Department::of_postcode(&restored(written, 5));
            out.push(read.ok_or_else(|| format!("code postal « {written} » impossible"))?);
        }
        Ok(out)
    }
}

/// A code of so many digits, with the zeros at its head that a spreadsheet took away and without the apostrophe by which people
/// keep them.
fn restored(written: &str, digits: usize) -> String {
    let bare = written.trim().trim_start_matches(['\'', '’']).trim();
    let eaten = bare.len() + 1 == digits && bare.bytes().all(|b| b.is_ascii_digit());
    if eaten { format!("0{bare}") } else { bare.to_owned() }
}

/// A département, were its zero taken away.
fn department(written: &str) -> Option<Department> {
    Department::parse(&restored(written, 2))
}

/// Reads a file into a directory; `read` hears of how many rows out of all were looked at.
///
/// # Errors
/// The file is no table, or the database fails: what was written before is whole.
pub async fn import(
    store: &Store,
    directory: Directory,
    bytes: &[u8],
    now: DateTime<Utc>,
    read: impl FnMut(usize, usize),
) -> Result<Imported, ImportError> {
    match directory {
        Directory::Structures => import_rows(store, bytes, now, structure, read).await,
        Directory::Facilitators => import_rows(store, bytes, now, facilitator, read).await,
        Directory::Buyers => import_rows(store, bytes, now, buyer, read).await,
    }
}

async fn import_rows<T: Entry>(
    store: &Store,
    bytes: &[u8],
    now: DateTime<Utc>,
    entry: fn(&Row) -> Result<T, String>,
    mut read: impl FnMut(usize, usize),
) -> Result<Imported, ImportError> {
    // Spreadsheets in France write windows-1252 by default, and UTF-16 as « texte Unicode ».
    let rows = rows(&charset::decode_xml(bytes)).map_err(ImportError::Unreadable)?;
    let (mut done, mut batch) = (Imported::default(), Vec::new());
    let mut named: HashSet<String> = HashSet::new();
    for (i, row) in rows.iter().enumerate() {
        let whole = match row.values.get(TOO_LONG) {
            Some(cells) => Err(format!(
                "{cells} cases : plus que l’en-tête n’a de colonnes (une virgule dans un texte sans guillemets ?)"
            )),
            None => entry(row),
        };
        match whole {
            Ok(entry) => {
                done.doubtful.extend(mistyped(row).map(|why| (row.line, why)));
                let keys = entry.keys();
                done.twice += usize::from(keys.iter().any(|key| named.contains(key)));
                named.extend(keys);
                batch.push(entry);
            }
            Err(why) => done.refused.push((row.line, why)),
        }
        if batch.len() == BATCH {
            store.put_entries(&batch, now).await?;
            done.taken += batch.len();
            batch.clear();
        }
        read(i + 1, rows.len());
    }
    store.put_entries(&batch, now).await?;
    done.taken += batch.len();
    Ok(done)
}

/// The rows of a JSON list, of JSON lines, or of a CSV file (comma, semicolon or tab).
fn rows(text: &str) -> Result<Vec<Row>, String> {
    let text = text.trim_start_matches('\u{feff}');
    match text.trim_start().chars().next() {
        Some('[') => {
            let list: Vec<serde_json::Value> = serde_json::from_str(text)
                .map_err(|e| format!("JSON illisible : {}", json::in_french(&e.to_string())))?;
            Ok(list.iter().enumerate().map(|(i, v)| Row { line: i + 1, values: values(v) }).collect())
        }
        Some('{') => Ok(text
            .lines()
            .enumerate()
            .filter(|(_, l)| !l.trim().is_empty())
            .map(|(i, l)| Row { line: i + 1, values: serde_json::from_str(l).map(|v| values(&v)).unwrap_or_default() })
            .collect()),
        _ => csv_rows(text),
    }
}

fn values(object: &serde_json::Value) -> BTreeMap<String, String> {
    let word = |v: &serde_json::Value| match v {
        serde_json::Value::String(s) => s.clone(),
        serde_json::Value::Null => String::new(),
        other => other.to_string(),
    };
    let whole = |v: &serde_json::Value| match v {
        serde_json::Value::Array(many) => many.iter().map(word).collect::<Vec<_>>().join("|"),
        one => word(one),
    };
    object.as_object().into_iter().flatten().map(|(k, v)| (k.to_lowercase(), whole(v))).collect()
}

fn csv_rows(text: &str) -> Result<Vec<Row>, String> {
    // A workbook is an archive.
    if text.starts_with("PK\u{3}") {
        return Err(spreadsheet::Unreadable::NotATable.to_string());
    }
    let (said, text) = spreadsheet::separator(text);
    let text = text.trim_start_matches(['\r', '\n']);
    let lines_before = usize::from(said.is_some());
    let head = text.lines().next().unwrap_or_default();
    let count = |separator: u8| head.bytes().filter(|b| *b == separator).count();
    // Of equals, the last: the comma.
    let counted = || [b'\t', b';', b','].into_iter().max_by_key(|s| count(*s)).unwrap_or(b',');
    let separator = said.unwrap_or_else(counted);
    let mut reader = csv::ReaderBuilder::new().delimiter(separator).flexible(true).from_reader(text.as_bytes());
    let columns: Vec<String> =
        reader.headers().map_err(|e| e.to_string())?.iter().map(|h| h.trim().to_lowercase()).collect();
    let mut rows = Vec::new();
    for record in reader.records() {
        let record = record.map_err(|e| e.to_string())?;
        let line = record.position().map_or(0, |p| usize::try_from(p.line()).unwrap_or(0)) + lines_before;
        // What a spreadsheet leaves below a table.
        if record.iter().all(|cell| cell.trim().is_empty()) {
            continue;
        }
        // A cell too many: whatever stands in it, the others may have moved.
        if record.iter().skip(columns.len()).any(|cell| !cell.trim().is_empty()) {
            rows.push(Row { line, values: BTreeMap::from([(TOO_LONG.to_owned(), record.len().to_string())]) });
            continue;
        }
        rows.push(Row { line, values: columns.iter().cloned().zip(record.iter().map(str::to_owned)).collect() });
    }
    Ok(rows)
}

/// What is doubtful in a row that can be read: a number whose key is wrong is nobody's, or somebody else's.
fn mistyped(row: &Row) -> Option<String> {
    let written = row.get(&["siret", "siren"])?;
    let number = Buyer::clean_siret(written).filter(|number| !Buyer::has_key(number))?;
    Some(format!("{number} comporte une faute de frappe : un chiffre au moins est faux"))
}

fn digits(text: &str, n: usize, what: &str) -> Result<String, String> {
    Buyer::clean_siret(text)
        .filter(|d| d.len() == n)
        .ok_or_else(|| format!("« {text} » n’est pas un {what} de {n} chiffres"))
}

fn structure(row: &Row) -> Result<Structure, String> {
    let kind = row.needed(&["kind", "type"])?;
    let rules = Rules::embedded();
    let sectors = row.list(&["sectors", "secteurs"]);
    if let Some(unknown) = sectors.iter().find(|s| !rules.is_sector(s)) {
        return Err(format!(
            "secteur inconnu « {unknown} » (vouliez-vous dire « {} » ?)",
            rules.nearest_sector(unknown)
        ));
    }
    Ok(Structure {
        siret: digits(row.needed(&["siret"])?, 14, "SIRET")?,
        name: row.get(&["brand", "enseigne"]).map_or_else(|| row.needed(&["name", "nom"]), Ok)?.to_owned(),
        kind: StructureKind::parse(kind).ok_or_else(|| format!("nature de structure inconnue « {kind} »"))?,
        sectors: sectors.into_iter().map(str::to_owned).collect(),
        departments: row.departments()?,
        place: place(row),
        naf: row.get(&["naf", "ape"]).map(|code| code.replace('.', "").to_uppercase()),
    })
}

/// Where a structure is, as far as its row tells.
fn place(row: &Row) -> Option<Place> {
    let postcode = row.get(&["post_code", "code_postal", "postcode", "cp"]).map(|written| restored(written, 5));
    let city = row.get(&["city", "ville", "commune"]).map(str::to_owned);
    (postcode.is_some() || city.is_some()).then_some(Place { city, postcode, nuts: None })
}

fn facilitator(row: &Row) -> Result<Facilitator, String> {
    let given = row.departments()?;
    let (mut area, faults) = areas::Written {
        epcis: &row.list(&["epcis", "epci", "intercommunalites"]).join("\n"),
        communes: &row.list(&["communes"]).join("\n"),
        buyers: &row.list(&["buyers", "acheteurs"]).join("\n"),
        ..areas::Written::default()
    }
    .read();
    if let Some((_, why)) = faults.into_iter().next() {
        return Err(why);
    }
    // A département named beside what lies in it says where that is; another one is covered as a whole.
    let part = area.reach_in_part(rules::communes());
    if !area.is_empty() {
        area.departments = given.iter().filter(|d| !part.contains(d) && area.is_fine()).cloned().collect();
    }
    let mut departments = [given, part].concat();
    departments.sort();
    departments.dedup();
    if departments.is_empty() {
        return Err("aucun département (colonne departments), aucune intercommunalité (colonne epcis)".to_owned());
    }
    let said = |columns: &[&str]| columns.iter().filter_map(|c| row.get(&[c])).map(str::to_owned).collect::<Vec<_>>();
    let mails = said(&["email", "courriel"]);
    if let Some(why) = mails.iter().find_map(|m| mail_address::canonical(m).err()) {
        return Err(why);
    }
    let phones = said(&["phone", "telephone"]);
    let phones: Vec<String> = phones.iter().map(|p| phone(p)).collect::<Result<_, _>>()?;
    let contact = [said(&["contact"]), mails, phones].concat();
    if contact.is_empty() {
        return Err("aucun moyen de contact (colonne contact, email ou phone)".to_owned());
    }
    Ok(Facilitator {
        territory: row.needed(&["territory", "territoire", "structure"])?.to_owned(),
        departments,
        area,
        name: row.get(&["name", "nom"]).unwrap_or_default().to_owned(),
        contact: contact.join(", "),
    })
}

/// A telephone number, with the zero that a spreadsheet took away.
fn phone(written: &str) -> Result<String, String> {
    let digits = written.bytes().filter(u8::is_ascii_digit).count();
    let plain = written.chars().all(|c| c.is_ascii_digit() || c.is_whitespace() || "+.()-/'’".contains(c));
    match digits {
        9 if plain && written.starts_with(|c: char| ('1'..='9').contains(&c)) => Ok(format!("0{written}")),
        10..=15 if plain => Ok(written.to_owned()),
        _ => Err(format!("« {written} » n’est pas un numéro de téléphone")),
    }
}

fn buyer(row: &Row) -> Result<CommittedBuyer, String> {
    let written = row.needed(&["siren", "siret"])?;
    let number = Buyer::clean_siret(written).ok_or_else(|| format!("« {written} » n’est ni un SIREN ni un SIRET"))?;
    let year = |columns: &[&str]| match row.get(columns) {
        None => Ok(None),
        Some(text) => {
            let read = text.parse::<i32>().ok().filter(|y| (2000..2100).contains(y));
            read.map(Some).ok_or_else(|| format!("année impossible « {text} » : par exemple 2026"))
        }
    };
    let (from, to) = (year(&["from", "debut", "début"])?, year(&["to", "fin"])?);
    if let (Some(from), Some(to)) = (from, to)
        && from > to
    {
        return Err(format!("le SPASER finirait ({to}) avant de commencer ({from})"));
    }
    Ok(CommittedBuyer { siren: number[..9].to_owned(), name: row.needed(&["name", "nom"])?.to_owned(), from, to })
}

#[cfg(test)]
pub(crate) mod tests;

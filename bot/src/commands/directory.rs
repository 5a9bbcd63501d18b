//! `vigie directory`: structures, facilitators and committed buyers out of CSV or JSON files. A row that cannot be read is
//! reported with its place and its reason; the rest goes in.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use indicatif::{ProgressBar, ProgressDrawTarget};
use vigie_config::mail_address;
use vigie_config::rules::{self, Rules};
use vigie_config::settings::Settings;
use vigie_domain::directory::{CommittedBuyer, Facilitator, Structure};
use vigie_domain::{Buyer, Department, Place, StructureKind, french};
use vigie_store::directory::Entry;
use vigie_watcher::charset;

use super::output::{Cell, Listing, OutputArg, print};
use crate::setup;
use vigie_service::{Clock, Failure, areas, spreadsheet};

#[derive(Debug, clap::Subcommand)]
pub(super) enum Action {
    /// Lit un annuaire : fichier CSV (avec en-tête) ou JSON
    Import {
        /// Ce que le fichier contient
        what: What,
        /// Le fichier
        file: PathBuf,
    },
    /// Dit combien d’entrées chaque annuaire contient
    List {
        #[command(flatten)]
        output: OutputArg,
    },
}

/// What a directory lists.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub(super) enum What {
    /// Structures : siret, name, kind ; et sectors, department, post_code
    Structures,
    /// Facilitateurs : territory, departments ou epcis, contact ; et name, communes, buyers
    Facilitators,
    /// Acheteurs dotés d’un SPASER : siren, name ; et from, to (ses années)
    Buyers,
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

pub(super) async fn run(settings: &Settings, action: Action) -> Result<(), Failure> {
    match action {
        Action::Import { what: What::Structures, file } => import(settings, &file, structure).await,
        Action::Import { what: What::Facilitators, file } => import(settings, &file, facilitator).await,
        Action::Import { what: What::Buyers, file } => import(settings, &file, buyer).await,
        Action::List { output } => {
            let store = setup::open_store(settings).await?;
            let rows = [
                ("structures", store.count_entries::<Structure>().await?),
                ("facilitateurs (par département)", store.count_entries::<Facilitator>().await?),
                ("acheteurs dotés d’un SPASER", store.count_entries::<CommittedBuyer>().await?),
            ];
            let rows = rows.map(|(name, n)| vec![name.into(), Cell::Number(n)]).to_vec();
            Listing { columns: &[("directory", "annuaire"), ("entries", "entrées")], rows }.print(output)
        }
    }
}

async fn import<T: Entry>(
    settings: &Settings,
    file: &Path,
    read: fn(&Row) -> Result<T, String>,
) -> Result<(), Failure> {
    let place = file.display().to_string();
    let bytes = std::fs::read(file)
        .map_err(|e| Failure::usage(format!("fichier illisible : {e}"), &place, "donnez un fichier CSV ou JSON"))?;
    // Spreadsheets in France write windows-1252 by default, and UTF-16 as « texte Unicode ».
    let rows = rows(&charset::decode_xml(&bytes))
        .map_err(|e| Failure::usage(e, &place, "donnez un fichier CSV avec en-tête, ou du JSON"))?;
    let store = setup::open_store(settings).await?;
    let now = Clock::from_environment()?.now();
    let bar = ProgressBar::with_draw_target(Some(rows.len() as u64), ProgressDrawTarget::stderr());
    let (mut taken, mut refused, mut batch) = (0, Vec::new(), Vec::new());
    for row in &rows {
        let whole = match row.values.get(TOO_LONG) {
            Some(cells) => Err(format!(
                "{cells} cases : plus que l’en-tête n’a de colonnes (une virgule dans un texte sans guillemets ?)"
            )),
            None => read(row),
        };
        match whole {
            Ok(entry) => batch.push(entry),
            Err(why) => refused.push(format!("{place}:{} : {why}\n", row.line)),
        }
        if batch.len() == BATCH {
            store.put_entries(&batch, now).await?;
            taken += batch.len();
            batch.clear();
        }
        bar.inc(1);
    }
    store.put_entries(&batch, now).await?;
    taken += batch.len();
    bar.finish_and_clear();
    refused.iter().try_for_each(|line| print(line))?;
    let read = french::counted(taken, "ligne lue", "lignes lues");
    print(&format!("{read}, {}\n", french::counted(refused.len(), "refusée", "refusées")))?;
    if taken == 0 && !refused.is_empty() {
        return Err(Failure::new(
            "aucune ligne n’a pu être lue",
            place,
            "comparez l’en-tête avec vigie directory import --help",
        ));
    }
    Ok(())
}

/// The rows of a JSON list, of JSON lines, or of a CSV file (comma, semicolon or tab).
fn rows(text: &str) -> Result<Vec<Row>, String> {
    let text = text.trim_start_matches('\u{feff}');
    match text.trim_start().chars().next() {
        Some('[') => {
            let list: Vec<serde_json::Value> =
                serde_json::from_str(text).map_err(|e| format!("JSON illisible : {e}"))?;
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
        // A cell too many: whatever stands in it, the others may have moved.
        if record.iter().skip(columns.len()).any(|cell| !cell.trim().is_empty()) {
            rows.push(Row { line, values: BTreeMap::from([(TOO_LONG.to_owned(), record.len().to_string())]) });
            continue;
        }
        rows.push(Row { line, values: columns.iter().cloned().zip(record.iter().map(str::to_owned)).collect() });
    }
    Ok(rows)
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
mod tests {
    use super::*;

    #[test]
    fn rows_of_every_shape_are_read_with_their_lines() {
        let csv = rows("SIRET;Nom;Type;Departement\n123 456 789 00012;Atelier;EI;59\n").unwrap();
        let entry = structure(&csv[0]).unwrap();
        assert_eq!((csv[0].line, entry.siret.as_str(), entry.departments[0].as_str()), (2, "12345678900012", "59"));
        let json =
            rows("{\"siren\": 123456789, \"name\": \"Ville\"}\n\n{\"siren\": \"12\", \"name\": \"X\"}\n").unwrap();
        assert_eq!(buyer(&json[0]).unwrap().siren, "123456789");
        let years =
            rows("siren;name;from;to\n123456789;Ville;2024;2026\n123456789;Ville;2026;2024\n123456789;Ville;;x\n")
                .unwrap();
        let read = buyer(&years[0]).unwrap();
        assert_eq!((read.from, read.to), (Some(2024), Some(2026)));
        assert!(buyer(&years[1]).is_err() && buyer(&years[2]).is_err());
        assert_eq!((json[1].line, buyer(&json[1]).is_err()), (3, true));
        let list =
            rows("[{\"territory\": \"PLIE\", \"departments\": [\"59\", \"62\"], \"email\": \"a@b.fr\"}]").unwrap();
        assert_eq!(facilitator(&list[0]).unwrap().departments.len(), 2);
    }

    /// A17: post codes that a spreadsheet spoiled subscribed people to all of France.
    #[test]
    fn what_a_spreadsheet_took_away_is_put_back_and_what_is_no_code_is_refused() {
        let read = |columns: &str, values: &str| {
            let text = format!("siret;nom;type;{columns}\n12345678900012;Atelier;EI;{values}\n");
            structure(&rows(&text).unwrap()[0])
        };
        for (columns, values, department) in [
            ("code_postal", "1310", "01"),
            ("code_postal", "'01310", "01"),
            ("code_postal", "’01310", "01"),
            ("post_code", "59000", "59"),
            ("departement", "1", "01"),
            ("departement", "'02", "02"),
            ("departement;code_postal", "2A;ABCDE", "2A"),
        ] {
            assert_eq!(read(columns, values).unwrap().departments[0].as_str(), department, "{values}");
        }
        for (columns, values) in [
            ("code_postal", "ABCDE"),
            ("code_postal", "131"),
            ("code_postal", "1,31E+03"),
            ("departement", "Nord-Ouest"),
            ("departement", "0"),
        ] {
            let why = read(columns, values).unwrap_err();
            assert!(why.contains(values), "{why}");
        }
        assert!(read("code_postal", "").unwrap().departments.is_empty(), "nothing written is nothing asked");
        let spoiled = rows("siret,nom,type\n\"2,15904E+13\",Atelier,EI\n").unwrap();
        assert!(structure(&spoiled[0]).unwrap_err().contains("SIRET"));
    }

    #[test]
    fn a_contact_that_reaches_nobody_is_refused_and_a_lost_zero_put_back() {
        let read = |columns: &str, values: &str| {
            let text = format!("territoire;departements;{columns}\nPLIE;59;{values}\n");
            facilitator(&rows(&text).unwrap()[0]).map(|f| f.contact)
        };
        for (columns, values, contact) in [
            ("email", "a@b.fr", "a@b.fr"),
            ("telephone", "320000000", "0320000000"),
            ("phone", "03 20 00 00 00", "03 20 00 00 00"),
            ("phone", "+33 (0)3.20.00.00.00", "+33 (0)3.20.00.00.00"),
            ("contact", "Jeanne, à l’accueil", "Jeanne, à l’accueil"),
        ] {
            assert_eq!(read(columns, values).as_deref(), Ok(contact), "{values}");
        }
        for (columns, values) in [("email", "pas un mail"), ("phone", "javascript:x"), ("telephone", "12")] {
            assert!(read(columns, values).unwrap_err().contains(values), "{values}");
        }
    }

    #[test]
    fn what_a_spreadsheet_writes_by_default_is_read() {
        let row = "siret\tnom\ttype\n12345678900012\tAtelier d'été\tEI\n";
        let windows: Vec<u8> = row.chars().map(|c| u8::try_from(u32::from(c)).unwrap()).collect();
        let wide: Vec<u8> = [0xff, 0xfe].into_iter().chain(row.encode_utf16().flat_map(u16::to_le_bytes)).collect();
        for bytes in [row.as_bytes(), &windows, &wide] {
            let read = rows(&charset::decode_xml(bytes)).unwrap();
            assert_eq!(structure(&read[0]).unwrap().name, "Atelier d'été");
        }
    }

    #[test]
    fn a_row_that_cannot_be_read_says_why() {
        let bad = rows("siret,name,kind\n12,Atelier,EI\n12345678900012,Atelier,SARL\n12345678900012,,EI\n").unwrap();
        let why: Vec<String> = bad.iter().map(|r| structure(r).unwrap_err()).collect();
        assert!(why[0].contains("SIRET") && why[1].contains("SARL") && why[2].contains("name"), "{why:?}");
    }
}

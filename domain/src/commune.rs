//! Communes of France: where their town hall is, which intercommunality (EPCI) they belong to, and which of them a notice means.
//!
//! The table is data (`config/rules/communes.tsv`); this module reads it and answers. A place that names no commune it knows
//! gives none: whoever asks falls back on the département. Nothing here fails: a line that cannot be read is left out, and a
//! test of the table counts them.
//!
//! Every process that judges holds the table, so that names stay where the text has them: what is kept of a commune is where
//! its line begins, and indexes are made when something is first looked for in them, of numbers and hashes alone.

use std::collections::HashMap;
use std::sync::OnceLock;

use crate::spelling::write_key;
use crate::{Department, Place};

pub use crate::spelling::key;

/// Mean radius of the Earth (IUGG), in kilometres.
const EARTH_KM: f64 = 6_371.0;
/// Kilometres of one degree of latitude, rounded down: what is further north or south is not measured.
const KM_A_DEGREE: f64 = 110.0;
/// Most communes read out of one text.
const MAX_NAMES: usize = 20;
/// Longest text read as names of communes, in bytes.
const MAX_TEXT: usize = 500;

/// A point on the globe, in degrees.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Point {
    /// Degrees north.
    pub latitude: f64,
    /// Degrees east.
    pub longitude: f64,
}

impl Point {
    /// Great-circle distance in kilometres.
    #[must_use]
    pub fn km_to(self, other: Self) -> f64 {
        let (a, b) = (self.latitude.to_radians(), other.latitude.to_radians());
        let (north, east) = (b - a, (other.longitude - self.longitude).to_radians());
        let chord = (north / 2.0).sin().powi(2) + a.cos() * b.cos() * (east / 2.0).sin().powi(2);
        2.0 * EARTH_KM * chord.sqrt().min(1.0).asin()
    }
}

/// A commune, an arrondissement of Paris, Lyon or Marseille, or a former commune whose name is still in use.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Commune {
    /// INSEE code.
    pub code: &'static str,
    pub name: &'static str,
    /// SIREN of its EPCI; empty where it is in none.
    pub epci: &'static str,
    /// Its town hall; `None` where it is not known.
    pub at: Option<Point>,
    postcodes: &'static str,
}

impl Commune {
    /// As a notice names it: its name, with a postcode of its own.
    #[must_use]
    pub fn place(&self) -> Place {
        let postcode = self.postcodes.split(' ').next().filter(|p| !p.is_empty()).map(str::to_owned);
        Place { city: Some(self.name.to_owned()), postcode, nuts: None }
    }

    #[must_use]
    pub fn department(&self) -> Option<Department> {
        Department::parse(department_of(self.code))
    }

    /// The first of its postcodes; `None` for a name of former times that has none.
    #[must_use]
    pub fn postcode(&self) -> Option<&'static str> {
        self.postcodes.split_whitespace().next()
    }

    /// As people tell it from others of the same name: `Lens (62)`.
    #[must_use]
    pub fn label(&self) -> String {
        self.department().map_or_else(|| self.name.to_owned(), |d| format!("{} ({d})", self.name))
    }

    /// Kilometres from one town hall to the other.
    #[must_use]
    pub fn km_to(&self, other: &Self) -> Option<f64> {
        if self.code == other.code {
            return Some(0.0);
        }
        Some(self.at?.km_to(other.at?))
    }
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Epci {
    pub siren: &'static str,
    pub name: &'static str,
    /// SIREN of the one it is part of (territories of Greater Paris).
    pub part_of: Option<&'static str>,
}

/// What is kept of a commune: where its line begins, and its EPCI (both in bytes and rows of this program's own table).
#[derive(Debug, Clone, Copy)]
struct Row {
    line: u32,
    /// One past its place among the EPCIs; 0 = it is in none.
    epci: u16,
    /// Thousandths of a degree north and east.
    at: Option<(i32, i32)>,
}

#[derive(Debug, Default)]
pub struct Communes {
    table: &'static str,
    /// Sorted by code, so that a département is one slice.
    rows: Vec<Row>,
    /// Sorted by SIREN.
    epcis: Vec<Epci>,
    /// Hashes of names, sorted, each with its row.
    names: OnceLock<Vec<(u32, u32)>>,
    /// Postcodes, sorted, each with its row.
    postcodes: OnceLock<Vec<(u32, u32)>>,
    /// Départements that each EPCI reaches into.
    reach: OnceLock<HashMap<&'static str, Vec<Department>>>,
}

/// The cells of a line.
fn cells(line: &'static str) -> [&'static str; 5] {
    let mut cells = [""; 5];
    for (to, cell) in cells.iter_mut().zip(line.split('\t')) {
        *to = cell;
    }
    cells
}

impl Communes {
    #[must_use]
    pub fn read(table: &'static str) -> Self {
        let (mut rows, mut epcis, mut epci): (Vec<Row>, Vec<Epci>, u16) = (Vec::new(), Vec::new(), 0);
        let mut at = 0;
        for line in table.split('\n') {
            let begins = at;
            at += line.len() + 1;
            if line.is_empty() || line.starts_with('#') {
                continue;
            }
            let cells = cells(line);
            if cells[0] == "=" {
                epci = 0;
                if !cells[1].is_empty() {
                    let part_of = Some(cells[3]).filter(|s| !s.is_empty());
                    epcis.push(Epci { siren: cells[1], name: cells[2], part_of });
                    epci = u16::try_from(epcis.len()).unwrap_or(0);
                }
                continue;
            }
            let thousandths = |text: &str| text.parse::<i32>().ok();
            if line.bytes().filter(|b| *b == b'\t').count() == 4
                && let Ok(line) = u32::try_from(begins)
            {
                rows.push(Row { line, epci, at: thousandths(cells[3]).zip(thousandths(cells[4])) });
            }
        }
        // EPCIs in the order of their SIREN, communes in that of their code.
        let mut order: Vec<usize> = (0..epcis.len()).collect();
        order.sort_by_key(|i| epcis[*i].siren);
        let mut place = vec![0; epcis.len() + 1];
        for (to, from) in (1..).zip(&order) {
            place[from + 1] = to;
        }
        let mut out = Self { table, rows, epcis: order.iter().map(|i| epcis[*i].clone()).collect(), ..Self::default() };
        for row in &mut out.rows {
            row.epci = place[usize::from(row.epci)];
        }
        out.rows.sort_by_key(|row| code(table, row));
        out.rows.shrink_to_fit();
        out
    }

    /// How many there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.rows.len()
    }

    /// Whether there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }

    fn commune(&self, row: &Row) -> Commune {
        let line = self.table.get(row.line as usize..).unwrap_or_default();
        let [code, name, postcodes, ..] = cells(line.split('\n').next().unwrap_or_default());
        let degrees = |thousandths: i32| f64::from(thousandths) / 1000.0;
        let at = row.at.map(|(north, east)| Point { latitude: degrees(north), longitude: degrees(east) });
        let epci = usize::from(row.epci).checked_sub(1).and_then(|i| self.epcis.get(i)).map_or("", |e| e.siren);
        Commune { code, name, epci, at, postcodes }
    }

    /// Every commune, in the order of the codes.
    pub fn all(&self) -> impl Iterator<Item = Commune> {
        self.rows.iter().map(|row| self.commune(row))
    }

    /// The commune of an INSEE code.
    #[must_use]
    pub fn by_code(&self, wanted: &str) -> Option<Commune> {
        self.row(wanted).map(|row| self.commune(row))
    }

    fn row(&self, wanted: &str) -> Option<&Row> {
        self.rows.binary_search_by_key(&wanted, |row| code(self.table, row)).ok().map(|i| &self.rows[i])
    }

    /// The communes under a number, in the order of their codes.
    fn under(&self, number: u32, index: &[(u32, u32)]) -> Vec<Commune> {
        let from = index.partition_point(|(n, _)| *n < number);
        let rows = index[from..].iter().take_while(|(n, _)| *n == number);
        rows.filter_map(|(_, row)| self.rows.get(*row as usize)).map(|row| self.commune(row)).collect()
    }

    /// Communes that bear a postcode.
    #[must_use]
    pub fn by_postcode(&self, postcode: &str) -> Vec<Commune> {
        let postcodes = self.postcodes.get_or_init(|| {
            let numbers = |c: &Commune| c.postcodes.split_whitespace().filter_map(number).collect::<Vec<_>>();
            sorted((0..).zip(self.all()).flat_map(|(row, c)| numbers(&c).into_iter().map(move |n| (n, row))))
        });
        number(postcode.trim()).map_or_else(Vec::new, |n| self.under(n, postcodes))
    }

    /// Communes of that name, in a département if one is given; those that still exist first and alone, where there are any.
    #[must_use]
    pub fn named(&self, name: &str, department: Option<&Department>) -> Vec<Commune> {
        let names = self.names.get_or_init(|| {
            let mut written = String::new();
            let mut hashed = |name: &str| {
                written.clear();
                write_key(name, &mut written);
                hash(&written)
            };
            sorted((0..).zip(self.all()).map(|(row, c)| (hashed(c.name), row)))
        });
        let wanted = key(name);
        let mut found = self.under(hash(&wanted), names);
        found.retain(|c| department.is_none_or(|d| department_of(c.code) == d.as_str()) && key(c.name) == wanted);
        let today: Vec<Commune> = found.iter().copied().filter(|c| !c.postcodes.is_empty()).collect();
        if today.is_empty() { found } else { today }
    }

    /// The commune that someone means by `62498`, `62300 Lens`, `Lens (62)` or `Lens`; several where that does not tell.
    #[must_use]
    pub fn meant(&self, text: &str) -> Vec<Commune> {
        let text = text.trim();
        if let Some(commune) = self.by_code(&text.to_ascii_uppercase()) {
            return vec![commune];
        }
        let mut words: Vec<&str> = text.split([' ', '(', ')', '\u{a0}', ',']).filter(|w| !w.is_empty()).collect();
        let code = |w: &&&str| w.bytes().any(|b| b.is_ascii_digit());
        let number = words.iter().find(code).map(|w| (*w).to_owned());
        words.retain(|w| !code(&w));
        let name = words.join(" ");
        match number {
            None => self.named(&name, None),
            Some(number) if number.len() == 5 => {
                let mut found = self.by_postcode(&number);
                if !name.is_empty() {
                    found.retain(|c| key(c.name) == key(&name));
                }
                found
            }
            Some(number) => Department::parse(&number).map_or_else(Vec::new, |d| self.named(&name, Some(&d))),
        }
    }

    /// The communes that a notice's place names; empty where it names none that is known.
    #[must_use]
    pub fn locate(&self, place: &Place) -> Vec<Commune> {
        let city = place.city.as_deref().unwrap_or_default();
        let city = city.get(..city.floor_char_boundary(MAX_TEXT)).unwrap_or(city);
        let department = place.department();
        let postcode = place.postcode.as_deref().unwrap_or_default().trim();
        let mut found: Vec<Commune> = Vec::new();
        for name in names(city) {
            let here = self.named(&name, department.as_ref());
            // Without a département only a name that no other commune bears tells which one is meant.
            if department.is_some() || here.len() == 1 {
                found.extend(here.into_iter().filter(|c| !found.contains(c)).collect::<Vec<_>>());
            }
        }
        if !found.is_empty() || postcode.is_empty() {
            return found;
        }
        // Where only a département was read, parsers write its first postcode, which means no commune.
        if postcode.ends_with("000") && !city.trim().is_empty() && !city.contains(postcode) {
            return Vec::new();
        }
        let found = self.by_postcode(postcode);
        // Data on contracts give INSEE codes in the same field, and no name; where a name stands, the number is a CEDEX.
        if found.is_empty() && city.trim().is_empty() { self.by_code(postcode).into_iter().collect() } else { found }
    }

    /// The intercommunality of a SIREN.
    #[must_use]
    pub fn epci(&self, siren: &str) -> Option<&Epci> {
        self.epcis.binary_search_by_key(&siren, |e| e.siren).ok().map(|i| &self.epcis[i])
    }

    /// Every intercommunality.
    pub fn epcis(&self) -> impl Iterator<Item = &Epci> {
        self.epcis.iter()
    }

    /// Intercommunalities that someone means by a SIREN, a name, or the essential words of one (`lens lievin`).
    #[must_use]
    pub fn epcis_meant(&self, text: &str) -> Vec<&Epci> {
        if let Some(epci) = self.epci(text.trim()) {
            return vec![epci];
        }
        let wanted = essential(text);
        if wanted.is_empty() {
            return Vec::new();
        }
        let exact: Vec<&Epci> = self.epcis.iter().filter(|e| essential(e.name) == wanted).collect();
        if !exact.is_empty() {
            return exact;
        }
        let has_all = |name: &[String]| wanted.iter().all(|w| name.contains(w));
        self.epcis.iter().filter(|e| has_all(&essential(e.name))).collect()
    }

    /// Whether a commune belongs to that intercommunality, or to one that is part of it.
    #[must_use]
    pub fn belongs(&self, commune: &Commune, siren: &str) -> bool {
        commune.epci == siren || self.epci(commune.epci).is_some_and(|e| e.part_of == Some(siren))
    }

    /// Départements that an intercommunality reaches into.
    #[must_use]
    pub fn departments_of(&self, siren: &str) -> &[Department] {
        let reach = self.reach.get_or_init(|| {
            let mut reach: HashMap<&'static str, Vec<Department>> = HashMap::new();
            for commune in self.all() {
                let whole = self.epci(commune.epci).and_then(|e| e.part_of);
                for siren in [Some(commune.epci), whole].into_iter().flatten() {
                    let departments = reach.entry(siren).or_default();
                    if departments.last().is_none_or(|last| last.as_str() != department_of(commune.code)) {
                        departments.extend(commune.department());
                    }
                }
            }
            reach
        });
        reach.get(siren).map_or(&[], Vec::as_slice)
    }

    /// Départements that a circle reaches into.
    #[must_use]
    pub fn departments_around(&self, centre: &str, km: u16) -> Vec<Department> {
        let Some(centre) = self.row(centre) else { return Vec::new() };
        let mut codes: Vec<&str> = Vec::new();
        for row in &self.rows {
            let department = department_of(code(self.table, row));
            if codes.last() != Some(&department) && within(centre, row, km) {
                codes.push(department);
            }
        }
        codes.sort_unstable();
        codes.dedup();
        codes.into_iter().filter_map(Department::parse).collect()
    }

    /// The départements nearest to one, middle to middle: at most `most`, none further than `km`.
    #[must_use]
    pub fn nearest_departments(&self, department: &Department, km: u16, most: usize) -> Vec<Department> {
        let mut middles: Vec<(&str, (i64, i64), i64)> = Vec::new();
        for row in &self.rows {
            let (code, Some((north, east))) = (department_of(code(self.table, row)), row.at) else { continue };
            match middles.last_mut().filter(|(last, ..)| *last == code) {
                Some((_, sum, n)) => (sum.0, sum.1, *n) = (sum.0 + i64::from(north), sum.1 + i64::from(east), *n + 1),
                None => middles.push((code, (north.into(), east.into()), 1)),
            }
        }
        let middle = |sum: (i64, i64), n: i64| Point {
            latitude: sum.0 as f64 / n as f64 / 1000.0,
            longitude: sum.1 as f64 / n as f64 / 1000.0,
        };
        let Some(here) = middles.iter().find(|(code, ..)| *code == department.as_str()) else { return Vec::new() };
        let here = middle(here.1, here.2);
        let far = middles.iter().map(|(code, sum, n)| (middle(*sum, *n).km_to(here), *code));
        let mut near: Vec<(f64, &str)> =
            far.filter(|(d, code)| *d <= f64::from(km) && *code != department.as_str()).collect();
        near.sort_by(|a, b| a.0.total_cmp(&b.0));
        near.into_iter().take(most).filter_map(|(_, code)| Department::parse(code)).collect()
    }

    /// Whether some commune of a département lies in a circle.
    #[must_use]
    pub fn touches(&self, department: &Department, centre: &str, km: u16) -> bool {
        let Some(centre) = self.row(centre) else { return false };
        let start = self.rows.partition_point(|row| code(self.table, row) < department.as_str());
        let here = self.rows[start..].iter().take_while(|row| code(self.table, row).starts_with(department.as_str()));
        here.into_iter().any(|row| within(centre, row, km))
    }
}

/// The INSEE code at the head of a commune's line.
fn code(table: &'static str, row: &Row) -> &'static str {
    table.get(row.line as usize..).and_then(|line| line.split('\t').next()).unwrap_or_default()
}

/// The département that an INSEE code begins with.
fn department_of(code: &str) -> &str {
    let length = if code.starts_with("97") || code.starts_with("98") { 3 } else { 2 };
    code.get(..length).unwrap_or_default()
}

fn number(postcode: &str) -> Option<u32> {
    Some(postcode).filter(|p| p.len() == 5).and_then(|p| p.parse().ok())
}

fn sorted(index: impl Iterator<Item = (u32, u32)>) -> Vec<(u32, u32)> {
    let mut index: Vec<(u32, u32)> = index.collect();
    index.sort_unstable();
    index.shrink_to_fit();
    index
}

/// Fowler-Noll-Vo: whoever finds something under a hash compares the name.
fn hash(text: &str) -> u32 {
    text.bytes().fold(0x811c_9dc5, |hash, b| (hash ^ u32::from(b)).wrapping_mul(0x0100_0193))
}

fn within(centre: &Row, commune: &Row, km: u16) -> bool {
    if centre.line == commune.line {
        return true;
    }
    let Some((a, b)) = centre.at.zip(commune.at) else { return false };
    let degrees = |thousandths: i32| f64::from(thousandths) / 1000.0;
    let point = |(north, east)| Point { latitude: degrees(north), longitude: degrees(east) };
    let far = degrees((a.0 - b.0).abs()) * KM_A_DEGREE > f64::from(km);
    !far && point(a).km_to(point(b)) <= f64::from(km)
}

/// The words of an EPCI's name that tell it from another.
fn essential(name: &str) -> Vec<String> {
    const COMMON: [&str; 22] = [
        "ca",
        "cc",
        "cu",
        "communaute",
        "agglomeration",
        "agglo",
        "communes",
        "commune",
        "urbaine",
        "metropole",
        "de",
        "du",
        "des",
        "d",
        "la",
        "le",
        "les",
        "l",
        "et",
        "en",
        "epci",
        "intercommunalite",
    ];
    let words: Vec<String> = key(name).split(' ').filter(|w| !w.is_empty()).map(str::to_owned).collect();
    let telling: Vec<String> = words.iter().filter(|w| !COMMON.contains(&w.as_str())).cloned().collect();
    // « Plaine Commune » keeps what it is called by.
    if telling.len() < 2 && words.len() == 2 { words } else { telling }
}

/// Names of communes in what a notice writes as a city: `59000 LILLE CEDEX`, `Ville de Lens`, `Lens, Liévin et Avion`.
fn names(city: &str) -> Vec<String> {
    let outside = city.split('(').next().unwrap_or_default();
    let lined = outside.replace(" et ", ",").replace(" ET ", ",");
    let pieces = lined.split([',', ';', '/', '\n', '•']).take(MAX_NAMES);
    pieces
        .map(|piece| {
            let folded = key(piece);
            let folded = folded.split(" cedex").next().unwrap_or_default();
            let words: Vec<&str> = folded.split(' ').filter(|w| !(w.len() == 5 && w.parse::<u32>().is_ok())).collect();
            let said = words.join(" ");
            let said = ["sur la commune de ", "commune de ", "communes de ", "ville de ", "mairie de ", "a "]
                .iter()
                .find_map(|before| said.strip_prefix(before))
                .unwrap_or(&said);
            said.trim().to_owned()
        })
        .filter(|name| !name.is_empty())
        .collect()
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    /// A few communes around Lens, and elsewhere.
    pub(crate) const FEW: &str = "# x\n=\n85113\tL'Île-d'Yeu\t85350\t46724\t-2348\n\
        =\t246200364\tCA de Lens - Liévin\n62498\tLens\t62300\t50429\t2832\n62510\tLiévin\t62800\t50423\t2774\n\
        =\t200093201\tMétropole Européenne de Lille\n59350\tLille\t59000 59160 59260 59777 59800\t50631\t3071\n\
        59378\tMarcq-en-Barœul\t59700\t50671\t3097\n59279\tGondecourt\t59147\t50545\t2984\n\
        =\t200054781\tMétropole du Grand Paris\n75056\tParis\t\t48859\t2347\n75101\tParis 1er Arrondissement\t75001\t48862\t2336\n\
        =\t200057867\tPlaine Commune\t200054781\n93066\tSaint-Denis\t93200 93210\t48937\t2360\n\
        =\t249740119\tCA du Nord\n97411\tSaint-Denis\t97400\t-20879\t55448\n\
        =\t200067254\tCC du Pays\n89418\tVillefargeau\t89240\t47774\t3504\n01408\tLens-le-Vieux\t\t46000\t5000\n";

    pub(crate) fn few() -> &'static Communes {
        static TABLE: std::sync::LazyLock<Communes> = std::sync::LazyLock::new(|| Communes::read(FEW));
        &TABLE
    }

    fn place(city: &str, postcode: &str, nuts: &str) -> Place {
        let some = |text: &str| Some(text.to_owned()).filter(|t| !t.is_empty());
        Place { city: some(city), postcode: some(postcode), nuts: some(nuts) }
    }

    #[test]
    fn a_notice_s_place_leads_to_its_communes_or_to_none() {
        let found = |city: &str, postcode: &str, nuts: &str| -> Vec<&str> {
            few().locate(&place(city, postcode, nuts)).iter().map(|c| c.code).collect()
        };
        assert_eq!(found("", "62300", ""), ["62498"]);
        assert_eq!(found("LENS", "", "FRE12"), ["62498"]);
        assert_eq!(found("62300 Lens Cedex 2", "62307", ""), ["62498"]);
        assert_eq!(found("Ville de Lens", "", ""), ["62498"], "no other commune bears that name");
        assert_eq!(found("Lens, Liévin et Avion", "", "FRE12"), ["62498", "62510"]);
        assert_eq!(found("St-Denis", "93200", ""), ["93066"], "a département tells which");
        assert_eq!(found("Saint-Denis", "", ""), [""; 0], "two bear that name");
        assert_eq!(found("Marcq en Baroeul", "", "FRE11"), ["59378"]);
        assert_eq!(found("", "59350", ""), ["59350"], "an INSEE code");
        assert_eq!(found("Argonay (59)", "59000", ""), [""; 0], "a postcode that stands for a département");
        assert_eq!(found("59000 Lille et environs", "59000", ""), ["59350"]);
        assert_eq!(found("Paris", "75001", ""), ["75056"]);
        assert_eq!(found("", "75001", ""), ["75101"]);
        for (city, postcode, nuts) in [("", "", ""), ("", "", "FRE11"), ("CHU", "59037", ""), ("🎉", "x", "y")] {
            assert_eq!(found(city, postcode, nuts), [""; 0], "{city} {postcode} {nuts}");
        }
    }

    #[test]
    fn people_name_a_commune_in_several_ways() {
        let meant = |text: &str| -> Vec<&str> { few().meant(text).iter().map(|c| c.code).collect() };
        for text in ["62498", "lens", "Lens (62)", "62300 Lens", "LENS 62", "62300"] {
            assert_eq!(meant(text), ["62498"], "{text}");
        }
        assert_eq!(meant("Saint Denis"), ["93066", "97411"]);
        assert_eq!(meant("st-denis (974)"), ["97411"]);
        for text in ["", "Atlantis", "Lens (59)", "99999", "(62)"] {
            assert_eq!(meant(text), [""; 0], "{text}");
        }
    }

    #[test]
    fn intercommunalities_are_known_by_number_or_by_their_words() {
        let meant = |text: &str| -> Vec<&str> { few().epcis_meant(text).iter().map(|e| e.siren).collect() };
        for text in ["246200364", "CA de Lens - Liévin", "lens lievin", "communauté d’agglomération de Lens-Liévin"]
        {
            assert_eq!(meant(text), ["246200364"], "{text}");
        }
        assert_eq!(meant("Plaine Commune"), ["200057867"]);
        assert_eq!(meant("communauté de communes"), [""; 0]);
        let saint_denis = few().by_code("93066").unwrap();
        assert!(few().belongs(&saint_denis, "200057867") && few().belongs(&saint_denis, "200054781"));
        assert!(!few().belongs(&saint_denis, "246200364"));
    }

    #[test]
    fn distances_are_those_of_the_map() {
        let km = |a: &str, b: &str| few().by_code(a).unwrap().km_to(&few().by_code(b).unwrap()).unwrap().round();
        assert_eq!((km("62498", "59350"), km("62498", "62510"), km("62498", "62498")), (28.0, 4.0, 0.0));
        assert_eq!(km("75056", "97411"), 9_365.0, "across the equator");
        let around = |km| few().departments_around("62498", km).iter().map(ToString::to_string).collect::<Vec<_>>();
        assert_eq!((around(3), around(30)), (vec!["62".to_owned()], vec!["59".to_owned(), "62".to_owned()]));
        let nord = Department::parse("59").unwrap();
        assert!(few().touches(&nord, "62498", 20) && !few().touches(&nord, "62498", 5));
    }
}

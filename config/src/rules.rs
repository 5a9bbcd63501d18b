//! Tables of facts that the classifier and the pages read: data, not code.
//!
//! Each table is a tab-separated file under `config/rules/` whose first lines say what it is and where its facts come
//! from. Tests prove that every slug and code in them exists.

use std::collections::BTreeMap;
use std::io::Read as _;
use std::sync::LazyLock;

use flate2::read::DeflateDecoder;
use vigie_domain::{Communes, Cpv, Sector};

const SECTORS: &str = include_str!("../rules/sectors.tsv");
const GROUPS: &str = include_str!("../rules/sector_groups.tsv");
const CPV_SECTORS: &str = include_str!("../rules/cpv_sectors.tsv");
const SECTOR_WORDS: &str = include_str!("../rules/sector_words.tsv");
const SIDE_NEEDS: &str = include_str!("../rules/side_needs.tsv");
const DEPARTMENTS: &str = include_str!("../rules/departments.tsv");
const LABOUR_SHARES: &str = include_str!("../rules/labour_shares.tsv");

/// The words of buyers: concept and forms a line (`watcher` reads them; the head of the table says how they are written).
pub const LEXICON: &str = include_str!("../rules/lexicon.tsv");

static COMMUNES: LazyLock<String> =
    LazyLock::new(|| unpacked(include_bytes!(concat!(env!("OUT_DIR"), "/communes.deflate"))));
static LEARNED: LazyLock<String> =
    LazyLock::new(|| unpacked(include_bytes!(concat!(env!("OUT_DIR"), "/learned.deflate"))));

/// A table that the build script packed.
fn unpacked(packed: &[u8]) -> String {
    let mut table = String::new();
    // What the build script packed in this very build unpacks; tests read every line of both.
    let read = DeflateDecoder::new(packed).read_to_string(&mut table);
    debug_assert!(read.is_ok(), "{read:?}");
    table
}

/// What was learned of statements: a thing they may say and its weight for each kind a line (`watcher` reads them, and makes the table).
#[must_use]
pub fn learned() -> &'static str {
    &LEARNED
}

/// Day from which procedures above the EU thresholds must carry a social condition (Code de la commande publique,
/// L2112-2-1; loi 2021-1104, art. 35).
pub const SOCIAL_CONDITION_SINCE: (i32, u32, u32) = (2026, 8, 22);

/// The communes of France, read when first asked for (`config/rules/README.md` says where they come from).
#[must_use]
pub fn communes() -> &'static Communes {
    static TABLE: LazyLock<Communes> = LazyLock::new(|| Communes::read(&COMMUNES));
    &TABLE
}

/// A sector of the taxonomy.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SectorRow {
    /// Slug of its group.
    pub group: String,
    pub label: String,
}

/// A phrase that points at a sector.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SectorWord {
    /// The sector, or `None` for a phrase that shows the notice is none of ours.
    pub sector: Option<Sector>,
    /// 1 (weak) to 3 (decisive).
    pub weight: u32,
    /// Folded phrase; a `*` at its end lets the last word go on.
    pub phrase: String,
}

/// How much of a trade's price is labour, as a source publishes it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LabourShare {
    pub trade: String,
    /// In percent.
    pub share: u8,
    pub source: String,
}

#[derive(Debug)]
pub struct Rules {
    sectors: BTreeMap<Sector, SectorRow>,
    groups: BTreeMap<String, String>,
    cpv: BTreeMap<String, Vec<Sector>>,
    /// Phrases that point at sectors.
    pub sector_words: Vec<SectorWord>,
    /// CPV prefixes of works whose sites have needs beside the works, with the sectors of those needs.
    pub side_needs: Vec<(String, Vec<Sector>)>,
    departments: BTreeMap<String, String>,
    /// By trade, in the order shown.
    pub labour_shares: Vec<LabourShare>,
}

impl Rules {
    /// The tables built into this program.
    #[must_use]
    pub fn embedded() -> &'static Self {
        static RULES: LazyLock<Rules> = LazyLock::new(Rules::read);
        &RULES
    }

    fn read() -> Self {
        let list =
            |cell: &str| cell.split(',').filter(|s| *s != "-" && !s.is_empty()).map(str::to_owned).collect::<Vec<_>>();
        Self {
            sectors: rows(SECTORS)
                .map(|r| (r[0].to_owned(), SectorRow { group: cell(&r, 1).to_owned(), label: cell(&r, 2).to_owned() }))
                .collect(),
            groups: rows(GROUPS).map(|r| (r[0].to_owned(), cell(&r, 1).to_owned())).collect(),
            cpv: rows(CPV_SECTORS).map(|r| (r[0].to_owned(), list(cell(&r, 1)))).collect(),
            sector_words: rows(SECTOR_WORDS)
                .map(|r| SectorWord {
                    sector: (r[0] != "-").then(|| r[0].to_owned()),
                    weight: cell(&r, 1).parse().unwrap_or(1),
                    phrase: cell(&r, 2).to_owned(),
                })
                .collect(),
            side_needs: rows(SIDE_NEEDS).map(|r| (r[0].to_owned(), list(cell(&r, 1)))).collect(),
            departments: rows(DEPARTMENTS).map(|r| (r[0].to_owned(), cell(&r, 1).to_owned())).collect(),
            labour_shares: rows(LABOUR_SHARES)
                .map(|r| LabourShare {
                    trade: r[0].to_owned(),
                    share: cell(&r, 1).parse().unwrap_or_default(),
                    source: cell(&r, 2).to_owned(),
                })
                .collect(),
        }
    }

    /// Whether `slug` is a sector.
    #[must_use]
    pub fn is_sector(&self, slug: &str) -> bool {
        self.sectors.contains_key(slug)
    }

    /// All sectors, by slug.
    pub fn sectors(&self) -> impl Iterator<Item = (&str, &SectorRow)> {
        self.sectors.iter().map(|(slug, row)| (slug.as_str(), row))
    }

    /// Label of a sector; the slug itself when unknown.
    #[must_use]
    pub fn sector_label<'a>(&'a self, slug: &'a str) -> &'a str {
        self.sectors.get(slug).map_or(slug, |r| r.label.as_str())
    }

    /// A sector as a sentence names it: `Collecte des déchets` of « Autre (Collecte des déchets) », which only makes sense in a list.
    #[must_use]
    pub fn trade<'a>(&'a self, slug: &'a str) -> &'a str {
        let label = self.sector_label(slug);
        label.strip_prefix("Autre (").and_then(|rest| rest.strip_suffix(')')).unwrap_or(label)
    }

    /// Slug of a sector's group.
    #[must_use]
    pub fn sector_group(&self, slug: &str) -> Option<&str> {
        self.sectors.get(slug).map(|r| r.group.as_str())
    }

    /// Label of a group.
    #[must_use]
    pub fn group_label<'a>(&'a self, slug: &'a str) -> &'a str {
        self.groups.get(slug).map_or(slug, String::as_str)
    }

    /// Every département: code and name, in the order of the codes.
    pub fn departments(&self) -> impl Iterator<Item = (&str, &str)> {
        self.departments.iter().map(|(code, name)| (code.as_str(), name.as_str()))
    }

    /// Name of a département; the code itself when unknown.
    #[must_use]
    pub fn department_name<'a>(&'a self, code: &'a str) -> &'a str {
        self.departments.get(code).map_or(code, String::as_str)
    }

    /// A département as people read it: `Pas-de-Calais (62)`.
    #[must_use]
    pub fn department_label(&self, code: &str) -> String {
        format!("{} ({code})", self.department_name(code))
    }

    /// Sectors of a CPV code by longest prefix; empty = none of ours.
    #[must_use]
    pub fn sectors_of_cpv(&self, cpv: &Cpv) -> &[Sector] {
        (2..=8).rev().find_map(|n| self.cpv.get(&cpv.as_str()[..n])).map_or(&[], Vec::as_slice)
    }

    /// The sector whose slug is most like `slug`: shares the most letter pairs with it.
    #[must_use]
    pub fn nearest_sector(&self, slug: &str) -> &str {
        let pairs = |s: &str| s.as_bytes().windows(2).map(<[u8]>::to_vec).collect::<std::collections::BTreeSet<_>>();
        let wanted = pairs(slug);
        let likeness = |s: &str| {
            let own = pairs(s);
            let shared = own.intersection(&wanted).count();
            shared * 2000 / (own.len() + wanted.len()).max(1)
        };
        self.sectors.keys().max_by_key(|s| likeness(s)).map_or("", String::as_str)
    }
}

fn rows(table: &str) -> impl Iterator<Item = Vec<&str>> {
    table.lines().filter(|l| !l.starts_with('#') && !l.trim().is_empty()).map(|l| l.split('\t').collect())
}

fn cell<'a>(row: &[&'a str], n: usize) -> &'a str {
    row.get(n).copied().unwrap_or_default().trim()
}

#[cfg(test)]
mod tests {
    use super::*;
    use vigie_domain::Place;

    #[test]
    fn every_slug_in_every_table_exists() {
        let rules = Rules::embedded();
        assert_eq!(rules.sectors.len(), 154);
        for (slug, row) in &rules.sectors {
            assert!(rules.groups.contains_key(&row.group), "group of {slug}");
        }
        let named = rules.cpv.values().flatten().chain(rules.side_needs.iter().flat_map(|(_, s)| s));
        for slug in named.chain(rules.sector_words.iter().filter_map(|w| w.sector.as_ref())) {
            assert!(rules.is_sector(slug), "unknown sector {slug}");
        }
    }

    #[test]
    fn labour_shares_are_percents_with_a_source() {
        let shares = &Rules::embedded().labour_shares;
        assert!(shares.iter().any(|s| s.trade == "Maçonnerie" && s.share == 50));
        assert!(shares.iter().all(|s| (1..=100).contains(&s.share) && !s.source.is_empty() && !s.trade.is_empty()));
    }

    #[test]
    fn every_cpv_division_leads_somewhere() {
        let divisions = "03 09 14 15 16 18 19 22 24 30 31 32 33 34 35 37 38 39 41 42 43 44 45 48 50 51 55 60 63 64 65 66 70 71 72 73 75 76 77 79 80 85 90 92 98";
        let rules = Rules::embedded();
        let missing: Vec<_> = divisions.split(' ').filter(|d| !rules.cpv.contains_key(*d)).collect();
        assert_eq!(missing, Vec::<&str>::new());
        assert_eq!(divisions.split(' ').count(), 45);
    }

    #[test]
    fn cpv_prefixes_are_digits_and_phrases_are_folded() {
        let rules = Rules::embedded();
        for prefix in rules.cpv.keys().chain(rules.side_needs.iter().map(|(p, _)| p)) {
            assert!((2..=8).contains(&prefix.len()) && prefix.bytes().all(|b| b.is_ascii_digit()), "{prefix}");
        }
        for word in &rules.sector_words {
            let folded =
                word.phrase.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == ' ' || c == '*');
            assert!(folded && !word.phrase.is_empty() && (1..=3).contains(&word.weight), "{word:?}");
        }
    }

    #[test]
    fn the_longest_prefix_wins() {
        let rules = Rules::embedded();
        let of = |code: &str| rules.sectors_of_cpv(&Cpv::parse(code).unwrap()).to_vec();
        assert!(of("98310000").contains(&"blanchisserie".to_owned()));
        assert!(of("90911200").contains(&"nettoyage-de-locaux-16".to_owned()));
        assert!(of("33600000").is_empty());
    }

    #[test]
    fn every_commune_is_where_its_postcode_says() {
        for line in COMMUNES.lines().filter(|l| !l.starts_with(['#', '='])) {
            let [code, name, postcodes, ..] = line.split('\t').collect::<Vec<_>>()[..] else { panic!("{line}") };
            // Clipperton has no people, and is of no département.
            for postcode in postcodes.split(' ').filter(|p| !p.is_empty() && *p != "98799") {
                let place = Place { city: Some(name.into()), postcode: Some(postcode.into()), nuts: None };
                let wanted = communes().by_code(code).unwrap().department();
                assert_eq!(place.department(), wanted, "{code} {name} {postcode}");
            }
        }
    }

    #[test]
    fn every_commune_is_read_with_its_place() {
        let (table, lines) = (communes(), COMMUNES.lines().filter(|l| !l.starts_with(['#', '='])).count());
        assert_eq!(table.len(), lines, "no line is left out");
        assert!(lines > 37_000);
        let lens = &table.meant("Lens (62)")[0];
        assert_eq!((lens.code, lens.epci), ("62498", "246200364"));
        for (from, to, wanted) in [("62498", "59350", 28.0), ("75056", "13055", 660.0), ("97411", "97416", 53.0)] {
            let km = table.by_code(from).zip(table.by_code(to)).and_then(|(a, b)| a.km_to(&b)).unwrap();
            assert!((km - wanted).abs() < 6.0, "{from} {to}: {km}");
        }
        for (code, _) in Rules::embedded()
            .departments()
            .filter(|(code, _)| !matches!(*code, "975" | "977" | "978" | "984" | "986" | "987" | "988"))
        {
            let department = vigie_domain::Department::parse(code).unwrap();
            let seat = table.departments_around("62498", 20_000);
            assert!(seat.contains(&department), "{code} has communes");
        }
        assert_eq!(table.epcis_meant("métropole européenne de lille")[0].siren, "200093201");
        assert_eq!(table.departments_of("246200364").len(), 1);
    }
}

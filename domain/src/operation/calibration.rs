//! Calibration: how many hours of work for people far from it a purchase can bear, before it is published.
//!
//! Whole numbers throughout, so that a sheet says the same each time: shares and rates in hundredths of a percent, costs in cents. Each
//! formula names its source; every coefficient is the organisation's to change, and is shown beside what comes of it.

use chrono::NaiveDate;
use serde::{Deserialize, Serialize};

use super::{Hours, Programme};
use crate::french;

/// Cost of an hour of work in cents, all charges included, unless the organisation has its own: 30 € (25 to 30 € by mefsud77.fr, page 28).
pub const HOURLY_COST: i64 = 3_000;
/// Rate, in hundredths of a percent: usually between 5 % and 20 % (mefsud77.fr, page 28).
pub const RATE: i64 = 500;
/// Least share of the hours worked on NPNRU investments, engineering included (ANRU).
pub const NPNRU_RATE: i64 = 500;
/// Least share of the hours of contracts of gestion urbaine de proximité (ANRU).
pub const URBAN_MANAGEMENT_RATE: i64 = 1_000;
/// Cost of an hour of cleaning in cents (inserpropre.fr, PACT Propreté: 80 % of labour at 20 €/h, hence 25 € invoiced an hour).
pub const CLEANING_COST: i64 = 2_500;
/// Below it no clause is advised in cleaning with staff to be taken over (inserpropre.fr).
pub const CLEANING_LEAST: Hours = Hours::whole(150);
/// Hours of a full-time year by law; others use 1 590 to 1 820.
pub const FULL_TIME: Hours = Hours::whole(1_607);
/// Euros invoiced for which one hour is asked, in the rough check (clause-sociale/documentation).
pub const ROUGH: i64 = 2_000;

/// Where the main formula comes from.
pub const SOURCE: &str = "mefsud77.fr, guide de la clause, page 28";
/// Where the least shares of the NPNRU come from.
pub const NPNRU_SOURCE: &str = "ANRU, réunion régionale en Occitanie : au moins 5\u{202f}% des heures travaillées sur les investissements, ingénierie comprise, et 10\u{202f}% des heures des marchés de gestion urbaine de proximité ; les habitants des quartiers prioritaires d’abord";
/// Where the formula of cleaning with staff to be taken over comes from.
pub const CLEANING_SOURCE: &str = "inserpropre.fr, PACT Propreté";

/// One line of a sheet: a lot or a trade of it.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Line {
    /// Number of the lot; empty = the whole.
    pub lot: String,
    pub trade: String,
    /// In euros without tax.
    pub amount: i64,
    /// Share of labour, in hundredths of a percent.
    pub share: i64,
    /// Rate of insertion, in hundredths of a percent.
    pub rate: i64,
    /// Cost of an hour, in cents.
    pub cost: i64,
}

impl Line {
    /// Amount × labour share × rate ÷ hourly cost, to the nearest hour.
    #[must_use]
    pub fn hours(&self) -> Hours {
        self.part(self.rate)
    }

    /// All hours worked: amount × labour share ÷ hourly cost, to the nearest hour.
    #[must_use]
    pub fn worked(&self) -> Hours {
        self.part(10_000)
    }

    fn part(&self, rate: i64) -> Hours {
        if self.cost <= 0 {
            return Hours::NONE;
        }
        let above = i128::from(self.amount) * i128::from(self.share) * i128::from(rate);
        let below = i128::from(self.cost) * 1_000_000;
        Hours::whole(i64::try_from((above + below / 2).div_euclid(below)).unwrap_or_default())
    }

    /// « 1 000 000 € × 50 % × 5 % ÷ 30 €/h = 833 h ».
    #[must_use]
    pub fn formula(&self) -> String {
        format!(
            "{} × {} × {} ÷ {}/h = {}\u{a0}h",
            euros(self.amount * 100),
            percent(self.share),
            percent(self.rate),
            euros(self.cost),
            self.hours()
        )
    }
}

/// A sheet of calibration: what an organisation advises for an operation.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Sheet {
    pub lines: Vec<Line>,
    /// Whether a clause fits, in the organisation's words.
    pub opinion: String,
    /// The day on which its coefficients held.
    pub on: NaiveDate,
}

impl Sheet {
    /// Hours of all lines.
    #[must_use]
    pub fn hours(&self) -> Hours {
        self.lines.iter().map(Line::hours).sum()
    }

    /// In euros.
    #[must_use]
    pub fn amount(&self) -> i64 {
        self.lines.iter().map(|l| l.amount).sum()
    }

    /// One hour for 2,000 € invoiced: what the sheet is compared with.
    #[must_use]
    pub fn rough(&self) -> Hours {
        Hours::whole((self.amount() + ROUGH / 2) / ROUGH)
    }

    /// Lines whose rate is below the least of a programme, with that least.
    pub fn below(&self, programme: Programme) -> impl Iterator<Item = (&Line, i64)> {
        let least = least_rate(programme);
        self.lines.iter().filter_map(move |l| least.filter(|r| l.rate < *r).map(|r| (l, r)))
    }

    /// Hours by lot, in the order of the lines.
    #[must_use]
    pub fn by_lot(&self) -> Vec<(String, Hours)> {
        let mut out: Vec<(String, Hours)> = Vec::new();
        for line in &self.lines {
            match out.iter_mut().find(|(lot, _)| *lot == line.lot) {
                Some((_, hours)) => *hours = *hours + line.hours(),
                None => out.push((line.lot.clone(), line.hours())),
            }
        }
        out
    }

    /// The wording of a clause, to be copied into the special conditions of the contract.
    #[must_use]
    pub fn wording(&self, programme: Programme) -> String {
        let lots: Vec<String> = self
            .by_lot()
            .into_iter()
            .filter(|(_, hours)| !hours.is_none())
            .map(|(lot, hours)| {
                if lot.is_empty() { format!("{hours}\u{a0}heures") } else { format!("lot {lot} : {hours}\u{a0}heures") }
            })
            .collect();
        let first = match programme {
            Programme::Ordinary => "",
            Programme::Npnru | Programme::UrbanManagement => {
                " Ces heures bénéficient d’abord aux habitants des quartiers prioritaires de la politique de la ville."
            }
        };
        format!(
            "Condition d’exécution relative à l’insertion (articles L2112-2 et L2112-2-1 du Code de la commande publique). Le titulaire réserve à des personnes éloignées de l’emploi, pendant l’exécution du marché, un nombre minimal d’heures de travail : {}.{first} Il choisit sa façon de faire : embauche directe, mise à disposition ou intérim d’insertion, sous-traitance ou cotraitance avec une structure d’insertion, une entreprise adaptée ou un ESAT, groupement d’employeurs. Il rend compte des heures réalisées chaque mois au facilitateur de la clause, qui l’accompagne sans frais.",
            french::list(&lots)
        )
    }
}

/// The least rate of a programme, in hundredths of a percent.
#[must_use]
pub fn least_rate(programme: Programme) -> Option<i64> {
    match programme {
        Programme::Ordinary => None,
        Programme::Npnru => Some(NPNRU_RATE),
        Programme::UrbanManagement => Some(URBAN_MANAGEMENT_RATE),
    }
}

/// Cleaning whose staff is taken over: only what the contract needs beyond them can be given to others.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Cleaning {
    /// Amount over the whole period, in euros.
    pub amount: i64,
    /// Months of the period.
    pub months: i64,
    /// Monthly hours of the staff to be taken over.
    pub taken_over: i64,
    /// In hundredths of a percent.
    pub rate: i64,
    /// Cost of an hour in cents.
    pub cost: i64,
}

/// What the formula of cleaning says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CleaningAdvice {
    /// So many hours.
    Hours(Hours),
    /// So few that no clause is advised.
    TooFew(Hours),
    /// The staff to be taken over is as much as the contract needs, or more.
    NothingLeft,
}

impl Cleaning {
    /// P = 1 − (S × C) ÷ (A ÷ N); hours = P × A ÷ C × T. `None` where a figure makes no sense.
    #[must_use]
    pub fn advice(&self) -> Option<CleaningAdvice> {
        if self.amount <= 0 || self.months <= 0 || self.taken_over < 0 || self.cost <= 0 || self.rate <= 0 {
            return None;
        }
        // P × A = A − S × C × N, in cents.
        let left = i128::from(self.amount) * 100
            - i128::from(self.taken_over) * i128::from(self.cost) * i128::from(self.months);
        if left <= 0 {
            return Some(CleaningAdvice::NothingLeft);
        }
        let below = i128::from(self.cost) * 10_000;
        let hours = (left * i128::from(self.rate) + below / 2) / below;
        let hours = Hours::whole(i64::try_from(hours).ok()?);
        Some(if hours < CLEANING_LEAST { CleaningAdvice::TooFew(hours) } else { CleaningAdvice::Hours(hours) })
    }
}

/// `50 %`, `12,5 %` of hundredths of a percent.
#[must_use]
pub fn percent(share: i64) -> String {
    format!("{}\u{202f}%", french::number(share as f64 / 100.0))
}

/// `1 000 000 €`, `27,5 €` of cents.
#[must_use]
pub fn euros(cents: i64) -> String {
    format!("{}\u{a0}€", french::number(cents as f64 / 100.0))
}

/// Hundredths of a percent, or cents, as people write them: `50`, `12,5 %`, `27.50 €`. `None` where it is no such number.
#[must_use]
pub fn hundredths(text: &str) -> Option<i64> {
    let bare: String =
        text.chars().filter(|c| !c.is_whitespace() && *c != '\u{202f}' && *c != '%' && *c != '€').collect();
    Hours::written(&bare).filter(|_| !bare.is_empty() && !bare.contains(['h', 'H'])).map(|h| h.0)
}

/// Whole euros as people write them: `1 000 000`, `1 000 000,00 €`, `1,5 M€`, `500 k€`. `None` where it is none.
#[must_use]
pub fn euros_written(text: &str) -> Option<i64> {
    let bare: String = text.chars().filter(|c| !c.is_whitespace() && *c != '\u{202f}').collect();
    let bare = bare.trim_end_matches('€');
    let (bare, times) = match bare.strip_suffix(['M', 'm']) {
        Some(rest) => (rest, 1_000_000),
        None => bare.strip_suffix(['k', 'K']).map_or((bare, 1), |rest| (rest, 1_000)),
    };
    let (whole, part) = bare.split_once([',', '.']).unwrap_or((bare, ""));
    let digits = |s: &str| s.bytes().all(|b| b.is_ascii_digit());
    if whole.is_empty() || whole.len() > 12 || part.len() > 6 || !digits(whole) || !digits(part) {
        return None;
    }
    let whole: i64 = whole.parse().ok()?;
    let part: i64 = format!("{part:0<6}").parse().ok()?;
    Some(whole.checked_mul(times)? + (part * times + 500_000) / 1_000_000)
}

/// Hours as full-time years, with the base that they are counted on: « 0,52 ETP (base 1 607 h) ».
#[must_use]
pub fn full_time(hours: Hours) -> String {
    format!("{}\u{a0}ETP (base {FULL_TIME}\u{a0}h)", french::number(hours.0 as f64 / FULL_TIME.0 as f64))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(amount: i64, share: i64, rate: i64, cost: i64) -> Line {
        Line { amount, share, rate, cost, ..Line::default() }
    }

    #[test]
    fn the_published_examples_come_out_to_the_hour() {
        let example = line(1_000_000, 5_000, 500, 3_000);
        assert_eq!(example.hours(), Hours::whole(833));
        assert_eq!(example.worked(), Hours::whole(16_667));
        assert_eq!(
            example.formula(),
            "1\u{202f}000\u{202f}000\u{a0}€ × 50\u{202f}% × 5\u{202f}% ÷ 30\u{a0}€/h = 833\u{a0}h"
        );
        assert_eq!(line(1_500_000, 7_000, 1_000, 3_000).hours(), Hours::whole(3_500));
        assert_eq!(line(1_000_000, 5_000, 500, 0).hours(), Hours::NONE, "no cost, no hours");
    }

    #[test]
    fn cleaning_counts_what_the_staff_taken_over_leaves() {
        let of = |taken_over| Cleaning { amount: 480_000, months: 48, taken_over, rate: 2_000, cost: CLEANING_COST };
        // 10 000 € a month are 400 h; 300 are taken over: a quarter is left, of 19 200 h, a fifth of which is 960.
        assert_eq!(of(300).advice(), Some(CleaningAdvice::Hours(Hours::whole(960))));
        assert_eq!(of(390).advice(), Some(CleaningAdvice::TooFew(Hours::whole(96))));
        assert_eq!(of(400).advice(), Some(CleaningAdvice::NothingLeft));
        assert_eq!(Cleaning { months: 0, ..of(1) }.advice(), None);
    }

    #[test]
    fn a_sheet_adds_up_its_lines_says_what_is_below_the_programme_and_words_a_clause() {
        let of = |lot: &str, line: Line| Line { lot: lot.into(), ..line };
        let sheet = Sheet {
            lines: vec![
                of("1", line(1_000_000, 5_000, 500, 3_000)),
                of("2", line(200_000, 7_000, 300, 3_000)),
                of("1", line(60_000, 5_000, 500, 3_000)),
            ],
            ..Sheet::default()
        };
        assert_eq!(sheet.hours(), Hours::whole(833 + 140 + 50));
        assert_eq!(sheet.by_lot(), [("1".to_owned(), Hours::whole(883)), ("2".to_owned(), Hours::whole(140))]);
        assert_eq!(sheet.rough(), Hours::whole(630));
        assert_eq!(sheet.below(Programme::Ordinary).count(), 0);
        assert_eq!(sheet.below(Programme::Npnru).map(|(l, _)| l.lot.as_str()).collect::<Vec<_>>(), ["2"]);
        assert_eq!(sheet.below(Programme::UrbanManagement).count(), 3);
        let said = sheet.wording(Programme::Npnru);
        assert!(said.contains("lot 1 : 883\u{a0}heures et lot 2 : 140\u{a0}heures."), "{said}");
        assert!(said.contains("L2112-2") && said.contains("quartiers prioritaires"), "{said}");
        assert!(!sheet.wording(Programme::Ordinary).contains("quartiers"));
    }

    #[test]
    fn figures_are_read_as_people_write_them() {
        for (text, wanted) in [("50", 5_000), ("12,5 %", 1_250), ("27.50 €", 2_750), ("0", 0)] {
            assert_eq!(hundredths(text), Some(wanted), "{text}");
        }
        for text in ["", "%", "-5", "cinq", "3 h"] {
            assert_eq!(hundredths(text), None, "{text}");
        }
        for (text, wanted) in [
            ("1 000 000", 1_000_000),
            ("1\u{202f}000,50 €", 1_001),
            ("1,5 M€", 1_500_000),
            ("500k€", 500_000),
            ("0", 0),
        ] {
            assert_eq!(euros_written(text), Some(wanted), "{text}");
        }
        for text in ["", "€", "-1", "1e6", "beaucoup", "1234567890123"] {
            assert_eq!(euros_written(text), None, "{text}");
        }
        assert_eq!(full_time(Hours::whole(833)), "0,52\u{a0}ETP (base 1\u{202f}607\u{a0}h)");
    }
}

//! Hours of work for people far from it: owed by a contract, planned and done, month by month. Counted in hundredths, so that sums are
//! exact; people are counted, never named.

use std::fmt;
use std::iter::Sum;
use std::ops::{Add, Sub};

use chrono::{Datelike, NaiveDate};
use serde::{Deserialize, Serialize};
use strum::{EnumString, IntoStaticStr};

use crate::words::words;
use crate::{commune, french};

/// Most hours that one figure may say: more is a slip of the pen.
const MOST: i64 = 10_000_000;

/// Hours, in hundredths of an hour.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Hours(pub i64);

impl Hours {
    pub const NONE: Self = Self(0);

    /// So many whole hours.
    #[must_use]
    pub const fn whole(hours: i64) -> Self {
        Self(hours * 100)
    }

    /// Hours as a clause says them.
    #[must_use]
    pub fn of_clause(hours: f64) -> Option<Self> {
        (hours.is_finite() && (0.0..=MOST as f64).contains(&hours)).then(|| Self((hours * 100.0).round() as i64))
    }

    /// Hours as people write them: `1 250`, `1 250,5`, `1250.50 h`. Empty = none. `None` where it is no number, is less than none, or is
    /// more than ten million.
    #[must_use]
    pub fn written(text: &str) -> Option<Self> {
        let bare: String = text.chars().filter(|c| !c.is_whitespace() && *c != '\u{202f}').collect();
        let bare = bare.trim_end_matches(['h', 'H']);
        if bare.is_empty() {
            return text.trim().is_empty().then_some(Self::NONE);
        }
        let (whole, part) = bare.split_once([',', '.']).unwrap_or((bare, ""));
        let digits = |s: &str| s.bytes().all(|b| b.is_ascii_digit());
        if !digits(whole) || !digits(part) || part.len() > 2 || whole.len() > 8 || (whole.is_empty() && part.is_empty())
        {
            return None;
        }
        let whole: i64 = if whole.is_empty() { 0 } else { whole.parse().ok()? };
        let part: i64 = format!("{part:0<2}").parse().ok()?;
        (whole <= MOST).then_some(Self(whole * 100 + part))
    }

    /// The nearest whole number of hours: what is reckoned is no more exact than that.
    #[must_use]
    pub fn rounded(self) -> Self {
        Self((self.0 + 50).div_euclid(100) * 100)
    }

    #[must_use]
    pub fn is_none(self) -> bool {
        self.0 == 0
    }

    /// As tables write them: `1250,5`, without anything between thousands.
    #[must_use]
    pub fn in_table(self) -> String {
        let (whole, part) = (self.0 / 100, (self.0 % 100).abs());
        match part {
            0 => whole.to_string(),
            p if p % 10 == 0 => format!("{whole},{}", p / 10),
            p => format!("{whole},{p:02}"),
        }
    }

    /// Its share of `of`, in percent; `None` of nothing.
    #[must_use]
    pub fn percent_of(self, of: Self) -> Option<f64> {
        (of.0 > 0).then(|| self.0 as f64 * 100.0 / of.0 as f64)
    }
}

/// As people read them: `1 250,5`.
impl fmt::Display for Hours {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&french::number(self.0 as f64 / 100.0))
    }
}

impl Add for Hours {
    type Output = Self;

    fn add(self, other: Self) -> Self {
        Self(self.0.saturating_add(other.0))
    }
}

impl Sub for Hours {
    type Output = Self;

    fn sub(self, other: Self) -> Self {
        Self(self.0.saturating_sub(other.0))
    }
}

impl Sum for Hours {
    fn sum<I: Iterator<Item = Self>>(all: I) -> Self {
        all.fold(Self::NONE, Add::add)
    }
}

/// By which way hours are done, as reports of facilitators count them.
#[derive(
    Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, EnumString, IntoStaticStr,
)]
#[serde(rename_all = "snake_case")]
#[strum(serialize_all = "snake_case")]
pub enum Modality {
    /// The company hires.
    Direct,
    /// Temporary work of insertion: ETTI, EATT.
    Temporary,
    /// Staff on loan: AI.
    Loan,
    /// Joint bid or subcontract with an ACI or an EI.
    Subcontract,
    /// Joint bid or subcontract with an EA or an ESAT.
    Adapted,
    /// A group of employers: GEIQ.
    Geiq,
    /// Apprenticeship or professionalisation.
    Apprentices,
    /// Immersion periods (PMSMP), where the clause counts them.
    Immersion,
    /// Another way, or one that is not known.
    #[default]
    Other,
}

words!(Modality);

impl Modality {
    /// Every modality, in the order of reports.
    pub const ALL: [Self; 9] = [
        Self::Direct,
        Self::Temporary,
        Self::Loan,
        Self::Subcontract,
        Self::Adapted,
        Self::Geiq,
        Self::Apprentices,
        Self::Immersion,
        Self::Other,
    ];

    /// As a person reads it.
    #[must_use]
    pub fn in_french(self) -> &'static str {
        match self {
            Self::Direct => "embauche directe",
            Self::Temporary => "intérim d’insertion",
            Self::Loan => "mise à disposition",
            Self::Subcontract => "sous-traitance ou cotraitance",
            Self::Adapted => "EA et ESAT",
            Self::Geiq => "GEIQ",
            Self::Apprentices => "apprentissage et professionnalisation",
            Self::Immersion => "immersion (PMSMP)",
            Self::Other => "autre",
        }
    }

    /// What a person wrote; `None` where it names no modality.
    #[must_use]
    pub fn written(text: &str) -> Option<Self> {
        Some(match commune::key(text).as_str() {
            "" => Self::Other,
            "direct" | "embauche" | "recrutement direct" => Self::Direct,
            "interim" | "etti" | "travail temporaire d insertion" | "eatt" => Self::Temporary,
            "ai" | "pret" | "pret de personnel" => Self::Loan,
            "sous traitance" | "cotraitance" | "aci" | "ei" => Self::Subcontract,
            "ea" | "esat" | "ea esat" => Self::Adapted,
            "apprentissage" | "apprentis" | "professionnalisation" | "alternance" => Self::Apprentices,
            "pmsmp" | "immersion" | "stage" => Self::Immersion,
            key => return Self::ALL.into_iter().find(|m| commune::key(m.in_french()) == key),
        })
    }
}

/// Whom the people counted are: only counts, nothing on anybody. `None` = not said.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct People {
    pub all: Option<u32>,
    /// Of whom from priority quarters (QPV).
    pub quarters: Option<u32>,
    pub women: Option<u32>,
    /// Of whom disabled.
    pub disabled: Option<u32>,
}

/// Below it a count could point at somebody: it is not shown outside the organisation.
pub const FEW: u32 = 5;

/// Hours of one month, lot, company and modality.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct HoursRow {
    /// First day of the month.
    pub month: NaiveDate,
    /// Number of the lot; empty = the whole.
    pub lot: String,
    pub company: String,
    /// SIREN or SIRET of the company.
    pub siret: Option<String>,
    pub modality: Modality,
    pub planned: Hours,
    pub done: Hours,
    pub people: People,
    pub remark: String,
}

/// What makes a row of hours the same as another one: a later row of the same key takes its place.
pub type HoursKey = (NaiveDate, String, String, Modality);

impl HoursRow {
    /// Nothing planned nor done yet.
    #[must_use]
    pub fn new(month: NaiveDate, lot: &str, company: &str, modality: Modality) -> Self {
        Self {
            month,
            lot: lot.to_owned(),
            company: company.to_owned(),
            siret: None,
            modality,
            planned: Hours::NONE,
            done: Hours::NONE,
            people: People::default(),
            remark: String::new(),
        }
    }

    /// Gives a company that is written by its name alone the number of the holder of that name: of two that bear it, neither's.
    pub fn adopt_number<'a>(&mut self, holders: impl Iterator<Item = &'a LotOwed>) {
        let name = company_key(None, &self.company);
        if self.siret.is_some() || name.is_empty() {
            return;
        }
        let named = holders.filter(|l| company_key(None, &l.company) == name);
        let mut numbers: Vec<&str> = named.filter_map(|l| l.siret.as_deref()).collect();
        numbers.sort_unstable();
        numbers.dedup();
        if let [only] = numbers.as_slice() {
            self.siret = Some((*only).to_owned());
        }
    }

    /// The month, the lot, the company by number or folded name, and the modality.
    #[must_use]
    pub fn key(&self) -> HoursKey {
        (self.month, self.lot.clone(), company_key(self.siret.as_deref(), &self.company), self.modality)
    }
}

/// A company by its number, else by its folded name.
#[must_use]
pub fn company_key(siret: Option<&str>, name: &str) -> String {
    let named = || {
        let key = commune::key(name);
        // A name in other letters than ours.
        if key.is_empty() { name.trim().to_lowercase() } else { key }
    };
    siret.and_then(|s| s.get(..9)).map_or_else(named, str::to_owned)
}

/// What the holder of a lot owes.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct LotOwed {
    /// Number of the lot; empty = the whole.
    pub lot: String,
    pub company: String,
    pub siret: Option<String>,
    /// Hours that the contract asks for.
    pub owed: Hours,
    /// From which day hours are expected, and until which.
    pub starts: Option<NaiveDate>,
    pub ends: Option<NaiveDate>,
    /// It was read from a published award, and nobody changed it since.
    pub published: bool,
}

impl LotOwed {
    /// Refuses a contract that ends before it begins.
    ///
    /// # Errors
    /// The words to say so.
    pub fn ends_after_its_start(&self) -> Result<(), String> {
        match (self.starts, self.ends) {
            (Some(starts), Some(ends)) if ends < starts => {
                Err(format!("la fin ({}) est avant le début ({})", french::date(ends), french::date(starts)))
            }
            _ => Ok(()),
        }
    }
}

/// The first day of a month that people name: `2027-03`, `03/2027`, `2027-03-15`, `15/03/2027`.
#[must_use]
pub fn month_written(text: &str) -> Option<NaiveDate> {
    let text = text.trim();
    let day = ["%Y-%m-%d", "%d/%m/%Y", "%d-%m-%Y"].iter().find_map(|f| NaiveDate::parse_from_str(text, f).ok());
    let day = day.or_else(|| NaiveDate::parse_from_str(&format!("{text}-01"), "%Y-%m-%d").ok());
    let day = day.or_else(|| NaiveDate::parse_from_str(&format!("01/{text}"), "%d/%m/%Y").ok());
    // "octobre 2026", "oct. 2026", "nov 26".
    let named = || {
        let (name, year) = text.rsplit_once(char::is_whitespace)?;
        let year: i32 = year.parse().ok().map(|y| if (0..100).contains(&y) { 2000 + y } else { y })?;
        let name = commune::key(name);
        let begun = |day: &NaiveDate| commune::key(&french::month(*day)).starts_with(name.as_str());
        let mut months = (1..=12).filter_map(|month| NaiveDate::from_ymd_opt(year, month, 1)).filter(begun);
        let month = months.next().filter(|_| name.len() >= 3)?;
        months.next().is_none().then_some(month)
    };
    let day = day.or_else(named);
    day.filter(|d| (2000..2200).contains(&d.year()))?.with_day(1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hours_are_read_as_people_write_them_and_written_back_the_same() {
        for (text, wanted) in
            [("", 0), ("833", 83_300), ("1 250,5", 125_050), ("1\u{202f}250.25 h", 125_025), ("0,1", 10), (",5", 50)]
        {
            let hours = Hours::written(text).unwrap();
            assert_eq!(hours, Hours(wanted), "{text}");
            assert_eq!(Hours::written(&hours.in_table()), Some(hours));
            assert_eq!(Hours::written(&hours.to_string()), Some(hours));
        }
        for text in ["-3", "beaucoup", "1,234", "12h30", "99999999999", "1,2,3", "h", "="] {
            assert_eq!(Hours::written(text), None, "{text}");
        }
        assert_eq!([Hours(10), Hours(20)].into_iter().sum::<Hours>(), Hours(30));
        assert_eq!(Hours::whole(49_000).percent_of(Hours::whole(40_000)), Some(122.5));
    }

    #[test]
    fn months_and_modalities_are_read_as_people_write_them() {
        for text in
            ["2027-03", "03/2027", "2027-03-15", "15/03/2027", "mars 2027", "Mars\u{a0}2027", "mar. 2027", "mars 27"]
        {
            assert_eq!(month_written(text), NaiveDate::from_ymd_opt(2027, 3, 1), "{text}");
        }
        for text in ["mars", "2027-13", "", "0001-01"] {
            assert_eq!(month_written(text), None, "{text}");
        }
        for modality in Modality::ALL {
            assert_eq!(Modality::written(modality.in_french()), Some(modality));
            assert_eq!(Modality::parse(modality.as_str()), Some(modality));
        }
        assert_eq!(Modality::written("ETTI"), Some(Modality::Temporary));
        assert_eq!(Modality::written("télépathie"), None);
    }

    #[test]
    fn any_hours_survive_a_table() {
        for n in (0..1_000_000).step_by(37).chain([1, 99, 100, 999_999_900]) {
            assert_eq!(Hours::written(&Hours(n).in_table()), Some(Hours(n)));
        }
    }
}

//! Who is who around a procedure, as directories list them: structures by SIRET, facilitators by territory, buyers who
//! committed themselves to social purchasing.

use std::borrow::Cow;

use chrono::{Datelike, NaiveDate};
use serde::{Deserialize, Serialize};

use crate::service_area::Area;
use crate::{Department, Place, Sector, StructureKind, commune};

/// A structure of a directory.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Structure {
    /// Fourteen digits.
    pub siret: String,
    /// Name it goes by.
    pub name: String,
    pub kind: StructureKind,
    /// Trades, where the directory tells them.
    #[serde(default)]
    pub sectors: Vec<Sector>,
    #[serde(default)]
    pub departments: Vec<Department>,
    /// Where it is, where the directory tells.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub place: Option<Place>,
    /// Code of its activity (NAF rév. 2: `8121Z`), where the directory tells.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub naf: Option<String>,
}

/// A facilitator of social clauses and their territory.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Facilitator {
    /// Name of the territory or organisation: "PLIE du Valenciennois".
    pub territory: String,
    /// Départements it covers, wholly or in part.
    pub departments: Vec<Department>,
    /// What it covers more precisely; empty = those départements as a whole.
    #[serde(default, skip_serializing_if = "Area::is_empty")]
    pub area: Area,
    /// Person to ask for, if any.
    #[serde(default)]
    pub name: String,
    /// How to reach them: e-mail, phone or both.
    pub contact: String,
}

impl Facilitator {
    /// What it covers.
    #[must_use]
    pub fn area(&self) -> Cow<'_, Area> {
        match self.area.is_empty() {
            true => Cow::Owned(Area { departments: self.departments.clone(), ..Area::default() }),
            false => Cow::Borrowed(&self.area),
        }
    }

    /// One line for a message.
    #[must_use]
    pub fn in_french(&self) -> String {
        let who = if self.name.is_empty() { String::new() } else { format!("{}, ", self.name) };
        format!("Facilitateur des clauses : {}{} ({})", who, self.territory, self.contact)
    }

    /// Whether it is that person: by name, or by one of their addresses.
    #[must_use]
    pub fn is(&self, name: &str, addresses: &[String]) -> bool {
        let named = commune::key(name);
        (!named.is_empty() && commune::key(&self.name) == named)
            || self.ways().iter().any(|w| addresses.iter().any(|a| a.eq_ignore_ascii_case(w)))
    }

    /// The addresses among the words of its contact.
    #[must_use]
    pub fn ways(&self) -> Vec<String> {
        let words = self.contact.split(|c: char| c.is_whitespace() || ",;()<>/".contains(c));
        words.filter(|w| w.contains('@')).map(str::to_owned).collect()
    }
}

/// A buyer with a plan for socially and ecologically responsible purchasing (SPASER, Code de la commande publique,
/// art. L2111-3).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CommittedBuyer {
    /// Nine digits.
    pub siren: String,
    pub name: String,
    /// Its first year, where the directory tells.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub from: Option<i32>,
    /// Its last year, where the directory tells.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub to: Option<i32>,
}

impl CommittedBuyer {
    /// « 2024–2026 », « depuis 2024 », « jusqu’à fin 2026 »; empty where no year is known.
    #[must_use]
    pub fn years(&self) -> String {
        match (self.from, self.to) {
            (Some(from), Some(to)) => format!("{from}–{to}"),
            (Some(from), None) => format!("depuis {from}"),
            (None, Some(to)) => format!("jusqu’à fin {to}"),
            (None, None) => String::new(),
        }
    }

    /// Whether its last year is over.
    #[must_use]
    pub fn is_over(&self, today: NaiveDate) -> bool {
        self.to.is_some_and(|to| to < today.year())
    }

    /// Whether it is in the second half of its last year: what follows it is being written.
    #[must_use]
    pub fn ends_soon(&self, today: NaiveDate) -> bool {
        self.to == Some(today.year()) && today.month() > 6
    }

    /// A sentence about it.
    #[must_use]
    pub fn in_french(&self, today: NaiveDate) -> String {
        let years = self.years();
        let years = if years.is_empty() { years } else { format!(" {years}") };
        let how = match () {
            () if self.is_over(today) => ", arrivé à son terme",
            () if self.ends_soon(today) => ", dans sa dernière année",
            () => "",
        };
        format!("Cet acheteur s’est doté d’un schéma d’achats socialement responsables (SPASER{years}{how})")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_facilitator_is_known_by_name_or_address() {
        let entry = Facilitator {
            territory: "PLIE du Valenciennois".into(),
            departments: Vec::new(),
            area: Area::default(),
            name: "Hélène Lefebvre".into(),
            contact: "clauses@plie.example, 03 20 00 00 00".into(),
        };
        let with = |address: &str| [address.to_owned()];
        assert!(entry.is("helene lefebvre", &[]) && entry.is("H. L.", &with("Clauses@plie.example")));
        assert!(!entry.is("", &[]) && !entry.is("Jeanne Martin", &with("jeanne@plie.example")));
        let nobody = Facilitator { name: String::new(), ..entry };
        assert!(!nobody.is("", &with("")), "no name is not everybody's");
    }

    #[test]
    fn a_commitment_has_its_years_and_says_when_it_ends() {
        let with = |from, to| CommittedBuyer { siren: "216204982".into(), name: "Lens".into(), from, to };
        let day = |text: &str| text.parse::<NaiveDate>().unwrap();
        let says = |c: &CommittedBuyer, on: &str| c.in_french(day(on));
        let plain = with(None, None);
        assert!(says(&plain, "2026-11-30").ends_with("(SPASER)") && !plain.is_over(day("2099-01-01")));
        let three = with(Some(2024), Some(2026));
        assert!(says(&three, "2026-06-30").ends_with("(SPASER 2024–2026)"));
        assert!(says(&three, "2026-07-01").ends_with("(SPASER 2024–2026, dans sa dernière année)"));
        assert!(says(&three, "2027-01-01").ends_with("(SPASER 2024–2026, arrivé à son terme)"));
        assert_eq!(
            (with(None, Some(2026)).years(), with(Some(2020), None).years()),
            ("jusqu’à fin 2026".into(), "depuis 2020".into())
        );
    }
}

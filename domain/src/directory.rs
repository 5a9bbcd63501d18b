//! Who is who around a procedure, as directories list them: structures by SIRET, facilitators by territory, buyers who
//! committed themselves to social purchasing.

use serde::{Deserialize, Serialize};

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
    /// Person to ask for, if any.
    #[serde(default)]
    pub name: String,
    /// How to reach them: e-mail, phone or both.
    pub contact: String,
}

impl Facilitator {
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
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_facilitator_is_known_by_name_or_address() {
        let entry = Facilitator {
            territory: "PLIE du Valenciennois".into(),
            departments: Vec::new(),
            name: "Hélène Lefebvre".into(),
            contact: "clauses@plie.example, 03 20 00 00 00".into(),
        };
        let with = |address: &str| [address.to_owned()];
        assert!(entry.is("helene lefebvre", &[]) && entry.is("H. L.", &with("Clauses@plie.example")));
        assert!(!entry.is("", &[]) && !entry.is("Jeanne Martin", &with("jeanne@plie.example")));
        let nobody = Facilitator { name: String::new(), ..entry };
        assert!(!nobody.is("", &with("")), "no name is not everybody's");
    }
}

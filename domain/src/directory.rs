//! Who is who around a procedure, as directories list them: structures by SIRET, facilitators by territory, buyers who
//! committed themselves to social purchasing.

use serde::{Deserialize, Serialize};

use crate::{Department, Sector, StructureKind};

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
}

/// A buyer with a plan for socially and ecologically responsible purchasing (SPASER, Code de la commande publique,
/// art. L2111-3).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CommittedBuyer {
    /// Nine digits.
    pub siren: String,
    pub name: String,
}

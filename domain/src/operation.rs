//! An operation: what a facilitator follows, from a purchase that is planned to the last hour done. It is a buyer's project, not a
//! notice: a planned purchase, a call, contracts lot by lot and their execution belong to one operation.
//!
//! It belongs to the organisation of whoever keeps it (see [`crate::Subscriber::structure`]), and nobody else reads it. No worker has a
//! name here, only counts.
//!
//! | module | holds |
//! |---|---|
//! | [`calibration`] | how many hours a purchase can bear: the formulas, with their sources |
//! | [`hours`] | hours owed, planned and done, by month, lot, company and modality |
//! | [`plan`] | how the hours done stand beside those planned |

use chrono::{DateTime, NaiveDate, Utc};
use serde::{Deserialize, Serialize};
use strum::{EnumString, IntoStaticStr};

use crate::words::words;
use crate::{Department, Phase, commune};

pub mod calibration;
pub mod hours;
pub mod plan;

pub use hours::{Hours, HoursRow, LotOwed, Modality};

/// Longest reference, title and other line of text, in characters.
pub const MAX_LINE: usize = 300;

/// What a purchase belongs to: what the least share of hours is.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash, Serialize, Deserialize, EnumString, IntoStaticStr)]
#[serde(rename_all = "snake_case")]
#[strum(serialize_all = "snake_case")]
pub enum Programme {
    /// No programme: the buyer sets the share.
    #[default]
    Ordinary,
    /// NPNRU: works and engineering of urban renewal.
    Npnru,
    /// NPNRU: gestion urbaine de proximité.
    UrbanManagement,
}

words!(Programme);

impl Programme {
    /// Every programme, as offered.
    pub const ALL: [Self; 3] = [Self::Ordinary, Self::Npnru, Self::UrbanManagement];

    /// As a person reads it.
    #[must_use]
    pub fn in_french(self) -> &'static str {
        match self {
            Self::Ordinary => "ordinaire",
            Self::Npnru => "NPNRU",
            Self::UrbanManagement => "NPNRU, gestion urbaine de proximité",
        }
    }

    /// What a person wrote; `None` where it names no programme.
    #[must_use]
    pub fn written(text: &str) -> Option<Self> {
        match commune::key(text).as_str() {
            "" => Some(Self::Ordinary),
            "anru" => Some(Self::Npnru),
            "gup" | "npnru gup" | "gestion urbaine de proximite" => Some(Self::UrbanManagement),
            key => Self::ALL.into_iter().find(|p| commune::key(p.in_french()) == key),
        }
    }
}

/// Where an operation stands.
#[derive(
    Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, EnumString, IntoStaticStr,
)]
#[serde(rename_all = "snake_case")]
#[strum(serialize_all = "snake_case")]
pub enum OperationState {
    /// The purchase is planned: its hours are still to be calibrated.
    #[default]
    Planned,
    /// Its hours are calibrated, the call is not out.
    Calibrated,
    /// The call is out.
    Called,
    /// Companies hold its contracts.
    Awarded,
    /// Hours are being done.
    UnderWay,
    /// All is done and reported.
    Finished,
    /// Nothing comes of it.
    Dropped,
}

words!(OperationState);

impl OperationState {
    /// Every state, in the order in which an operation goes through them.
    pub const ALL: [Self; 7] =
        [Self::Planned, Self::Calibrated, Self::Called, Self::Awarded, Self::UnderWay, Self::Finished, Self::Dropped];

    /// As a person reads it.
    #[must_use]
    pub fn in_french(self) -> &'static str {
        match self {
            Self::Planned => "à calibrer",
            Self::Calibrated => "calibrée",
            Self::Called => "en consultation",
            Self::Awarded => "attribuée",
            Self::UnderWay => "en exécution",
            Self::Finished => "terminée",
            Self::Dropped => "abandonnée",
        }
    }

    /// What a person wrote; `None` where it names no state.
    #[must_use]
    pub fn written(text: &str) -> Option<Self> {
        match commune::key(text).as_str() {
            "" | "prevue" | "programmee" => Some(Self::Planned),
            key => Self::ALL.into_iter().find(|s| commune::key(s.in_french()) == key),
        }
    }

    /// Whether there is still something to do.
    #[must_use]
    pub fn is_open(self) -> bool {
        !matches!(self, Self::Finished | Self::Dropped)
    }

    /// The state after a procedure of the operation got to that phase: what is published moves an operation on and never back.
    #[must_use]
    pub fn after(self, phase: Phase) -> Self {
        let reached = match phase {
            Phase::Open | Phase::ClosingSoon | Phase::Closed => Self::Called,
            Phase::Awarded => Self::Awarded,
            _ => return self,
        };
        if self.is_open() { self.max(reached) } else { self }
    }

    /// The state once hours were done: work is under way, whatever was published of it.
    #[must_use]
    pub fn after_hours(self) -> Self {
        if self.is_open() { self.max(Self::UnderWay) } else { self }
    }
}

/// An operation of an organisation.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Operation {
    pub id: String,
    /// The organisation that keeps it: see [`crate::Subscriber::structure`].
    pub structure: String,
    /// The organisation's own name for it, one for each operation: by it a table that is read again finds its row.
    pub reference: String,
    /// What is bought.
    pub title: String,
    pub buyer: String,
    /// SIREN or SIRET of the buyer.
    pub siret: Option<String>,
    /// In the organisation's words: an EPCI, a commune, a quarter.
    pub territory: String,
    pub departments: Vec<Department>,
    pub programme: Programme,
    pub state: OperationState,
    /// In euros without tax.
    pub amount: Option<i64>,
    /// The colleague in charge, as they are called; empty = nobody in particular.
    pub in_charge: String,
    pub next_step: String,
    pub next_on: Option<NaiveDate>,
    pub remark: String,
    pub created: DateTime<Utc>,
    pub updated: DateTime<Utc>,
}

impl Operation {
    /// SIREN of the buyer.
    #[must_use]
    pub fn siren(&self) -> Option<&str> {
        self.siret.as_deref()?.get(..9)
    }
}

/// Which operations are looked for; what is empty lets all through.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct OperationQuery {
    /// Words of its title, reference, buyer or territory.
    pub words: String,
    pub departments: Vec<Department>,
    /// SIREN, SIRET or words of the buyer's name.
    pub buyer: String,
    pub programme: Option<Programme>,
    pub state: Option<OperationState>,
    /// Words of the colleague's name.
    pub in_charge: String,
}

impl OperationQuery {
    /// Whether an operation is among those looked for.
    #[must_use]
    pub fn finds(&self, o: &Operation) -> bool {
        let holds = |text: &str, words: &str| {
            let key = commune::key(text);
            commune::key(words).split(' ').all(|w| key.contains(w))
        };
        let all = format!("{} {} {} {} {}", o.reference, o.title, o.buyer, o.territory, o.remark);
        let number: String = self.buyer.chars().filter(char::is_ascii_digit).collect();
        let buyer = match number.len() {
            9 | 14 => o.siren() == number.get(..9),
            _ => holds(&o.buyer, &self.buyer),
        };
        holds(&all, &self.words)
            && buyer
            && (self.departments.is_empty() || self.departments.iter().any(|d| o.departments.contains(d)))
            && self.programme.is_none_or(|p| p == o.programme)
            && self.state.is_none_or(|s| s == o.state)
            && holds(&o.in_charge, &self.in_charge)
    }
}

/// A note on an operation, read by colleagues.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OperationNote {
    pub id: String,
    /// Who wrote it, as they are called.
    pub by: String,
    pub at: DateTime<Utc>,
    pub text: String,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_published_moves_an_operation_on_and_never_back() {
        use OperationState as S;
        assert_eq!(S::Planned.after(Phase::Open), S::Called);
        assert_eq!(S::Calibrated.after(Phase::Closed), S::Called);
        assert_eq!(S::Called.after(Phase::Awarded), S::Awarded);
        assert_eq!(S::UnderWay.after(Phase::Awarded), S::UnderWay);
        assert_eq!(S::Dropped.after(Phase::Open), S::Dropped);
        assert_eq!(S::Called.after(Phase::Cancelled), S::Called, "what becomes of it is for a person to say");
        assert_eq!(
            [S::Calibrated, S::Awarded, S::Finished].map(S::after_hours),
            [S::UnderWay, S::UnderWay, S::Finished]
        );
    }

    #[test]
    fn words_of_tables_are_read_as_people_write_them() {
        for state in OperationState::ALL {
            assert_eq!(OperationState::written(&state.in_french().to_uppercase()), Some(state));
            assert_eq!(OperationState::parse(state.as_str()), Some(state));
        }
        for programme in Programme::ALL {
            assert_eq!(Programme::written(programme.in_french()), Some(programme));
        }
        assert_eq!(Programme::written("GUP"), Some(Programme::UrbanManagement));
        assert_eq!(OperationState::written("bientôt"), None);
    }

    #[test]
    fn operations_are_found_by_words_buyer_place_programme_and_state() {
        let o = Operation {
            reference: "2027-01".into(),
            title: "Réhabilitation de l’école Jaurès".into(),
            buyer: "Ville de Lens".into(),
            siret: Some("21620498200012".into()),
            departments: Department::parse("62").into_iter().collect(),
            programme: Programme::Npnru,
            ..Operation::default()
        };
        let query = OperationQuery::default;
        assert!(query().finds(&o));
        assert!(OperationQuery { words: "ecole rehabilitation".into(), ..query() }.finds(&o));
        assert!(OperationQuery { buyer: "216 204 982".into(), ..query() }.finds(&o));
        assert!(!OperationQuery { buyer: "Arras".into(), ..query() }.finds(&o));
        assert!(!OperationQuery { programme: Some(Programme::Ordinary), ..query() }.finds(&o));
        assert!(!OperationQuery { state: Some(OperationState::Called), ..query() }.finds(&o));
        assert!(!OperationQuery { departments: Department::parse("59").into_iter().collect(), ..query() }.finds(&o));
    }
}

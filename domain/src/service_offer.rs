//! Services offered to whoever holds a contract: what a structure was told, and what came of it. Apart from its decision to bid:
//! who lost, or never bid, may well serve the winner.
//!
//! ```text
//! Asked (did we win?) → Held (more than is told a month) | Told → Contacted → Won | Declined | Closed
//! ```

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use strum::{EnumString, IntoStaticStr};

use crate::words::words;

/// Where a structure stands with the holders of a contract.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, EnumString, IntoStaticStr)]
#[serde(rename_all = "snake_case")]
#[strum(serialize_all = "snake_case")]
pub enum OfferStage {
    /// It bid, and is asked first whether it won.
    Asked,
    /// It suits, but more suited this month than is told: it stands on the page alone.
    Held,
    /// Told to offer its services.
    Told,
    /// It got in touch with the holder.
    Contacted,
    /// Nothing comes of it: declined by one side or the other.
    Declined,
    /// It serves the holder.
    Won,
    /// It lost its ground: the structure won itself, the contract was terminated.
    Closed,
}

words!(OfferStage);

impl OfferStage {
    /// What people answer.
    pub const ANSWERS: [Self; 3] = [Self::Contacted, Self::Declined, Self::Won];

    /// As a person reads it.
    #[must_use]
    pub fn in_french(self) -> &'static str {
        match self {
            Self::Asked => "résultat demandé",
            Self::Held => "à proposer",
            Self::Told => "signalé",
            Self::Contacted => "contacté",
            Self::Declined => "refusé",
            Self::Won => "gagné",
            Self::Closed => "sans objet",
        }
    }

    /// Whether something may still come of it.
    #[must_use]
    pub fn is_open(self) -> bool {
        matches!(self, Self::Held | Self::Told | Self::Contacted)
    }
}

/// What stands between a structure and the holders of a contract.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ServiceOffer {
    /// The structure: see [`crate::Subscriber::structure`].
    pub structure: String,
    pub procedure: String,
    /// The lot; empty = the whole.
    pub lot: String,
    pub stage: OfferStage,
    /// The holders that it is about, in one line: a corrected award is another line.
    pub holders: String,
    /// Who answered last, as they are called; empty before.
    pub by: String,
    /// Since when it stands at its stage.
    pub at: DateTime<Utc>,
    /// When the structure was told.
    pub told: Option<DateTime<Utc>>,
    /// It was reminded of it.
    pub reminded: bool,
}

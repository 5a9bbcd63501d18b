//! What became of a procedure's lots: who won them, or why nobody did (eForms BT-142, BT-144).

use serde::{Deserialize, Serialize};
use strum::{EnumString, IntoStaticStr};

/// What a notice says became of a lot, or of the whole contract.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// Awarded (`selec-w`).
    #[default]
    Awarded,
    /// Ended without a winner (`clos-nw`): sans suite, infructueux.
    NoAward,
    /// No winner yet, the competition goes on (`open-nw`).
    StillOpen,
    /// The buyer means to conclude with these, without a call for competition (ex ante): not awarded yet.
    Intended,
}

impl Outcome {
    /// Whether it is the one that needs no saying; for serde.
    #[must_use]
    pub fn is_award(&self) -> bool {
        *self == Self::Awarded
    }
}

/// Why nobody won (BT-144).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, EnumString, IntoStaticStr)]
#[serde(rename_all = "kebab-case")]
#[strum(serialize_all = "kebab-case")]
pub enum NoAwardReason {
    /// Every tender was withdrawn or could not be accepted.
    AllRej,
    /// The buyer's needs changed.
    ChanNeed,
    /// Not enough money.
    InsFund,
    /// Nobody answered.
    NoRece,
    /// The best tenderers would not sign.
    NoSigned,
    /// A single tender could be accepted.
    OneAdmit,
    /// A review body decided so.
    RevBody,
    /// The buyer decided so after a tenderer asked for a review.
    RevBuyer,
    /// An error of technique or procedure.
    TchProErr,
    /// No acceptable tender (infructueux), the notice says no more: the buyer's own word, no code of the list.
    Unsuccessful,
    /// General interest (motif d'intérêt général): the buyer's own words, no code of the list.
    GeneralInterest,
    /// Something else.
    Other,
}

impl NoAwardReason {
    /// Reads a code of the list `non-award-justification`.
    #[must_use]
    pub fn parse(code: &str) -> Option<Self> {
        code.trim().parse().ok()
    }

    /// Whether the procedure found no acceptable tender (infructueux), rather than being given up (sans suite).
    #[must_use]
    pub fn is_unsuccessful(self) -> bool {
        matches!(self, Self::AllRej | Self::NoRece | Self::Unsuccessful)
    }

    /// As a person reads it; empty where the code says nothing.
    #[must_use]
    pub fn in_french(self) -> &'static str {
        match self {
            Self::AllRej => "aucune offre recevable",
            Self::ChanNeed => "le besoin a changé",
            Self::InsFund => "budget insuffisant",
            Self::NoRece => "aucune offre reçue",
            Self::NoSigned => "les candidats retenus n’ont pas signé",
            Self::OneAdmit => "une seule offre recevable",
            Self::RevBody => "décision d’un juge ou d’une instance de recours",
            Self::RevBuyer => "décision de l’acheteur après un recours",
            Self::TchProErr => "erreur technique ou de procédure",
            Self::GeneralInterest => "motif d’intérêt général",
            Self::Unsuccessful | Self::Other => "",
        }
    }
}

/// "Infructueux : aucune offre reçue", "Sans suite : budget insuffisant", "Sans suite".
#[must_use]
pub fn no_award_in_french(reason: Option<NoAwardReason>) -> String {
    let head = if reason.is_some_and(NoAwardReason::is_unsuccessful) { "infructueux" } else { "sans suite" };
    match reason.map(NoAwardReason::in_french).filter(|r| !r.is_empty()) {
        Some(why) => format!("{head}\u{a0}: {why}"),
        None => head.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_code_of_the_list_is_read_and_said() {
        for code in [
            "all-rej",
            "chan-need",
            "ins-fund",
            "no-rece",
            "no-signed",
            "one-admit",
            "rev-body",
            "rev-buyer",
            "tch-pro-err",
            "other",
        ] {
            assert!(NoAwardReason::parse(code).is_some(), "{code}");
        }
        assert_eq!(no_award_in_french(NoAwardReason::parse("no-rece")), "infructueux\u{a0}: aucune offre reçue");
        assert_eq!(no_award_in_french(NoAwardReason::parse("ins-fund")), "sans suite\u{a0}: budget insuffisant");
        assert_eq!(no_award_in_french(NoAwardReason::parse("other")), "sans suite");
        assert_eq!(no_award_in_french(None), "sans suite");
    }
}

//! The contract of a lot, out of all that was published of it: who holds it, for how much, until when at the latest, and what it
//! owes to people far from work.
//!
//! [`contracts`] is a pure function of a procedure's notices: whichever comes first, an award, its essential data or a modification,
//! the same contracts stand at the end, and a corrected record moves them. Every field says which notice it stands on.
//!
//! Of several statements about one lot, the surer counts: somebody who knows the contract, then essential data (DECP, which
//! have numbers, the day of notification and the duration in all), then the notices of results. What cannot be (an amount of 1 €, 999
//! months) is left out and told as a doubt. Hours are quoted from the clause, never inferred.

use chrono::NaiveDate;
use serde::{Deserialize, Serialize};
use strum::{EnumString, IntoStaticStr};

use crate::award::{Company, Subcontract};
use crate::outcome::NoAwardReason;
use crate::words::words;
use crate::{Beneficiary, Buyer, Cpv, Department, Provision, ProvisionKind, Sector, french};

pub use fold::{base, contracts, name_lots};
pub use statement::Published;

mod fold;
mod holders;
mod statement;
#[cfg(test)]
mod tests;

/// The source of contracts that people tell by hand.
pub const BY_HAND: &str = "contrat";

/// Where a contract stands.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash, Serialize, Deserialize, EnumString, IntoStaticStr)]
#[serde(rename_all = "snake_case")]
#[strum(serialize_all = "snake_case")]
pub enum ContractState {
    /// Awarded, and under way as far as is known.
    #[default]
    Awarded,
    /// Nobody holds the lot: sans suite, infructueux.
    NotAwarded,
    /// The procedure was called off.
    Cancelled,
    /// Ended before its time (résilié).
    Terminated,
    /// Completed, or past its latest end.
    Ended,
}

words!(ContractState);

impl ContractState {
    /// As a person reads it.
    #[must_use]
    pub fn in_french(self) -> &'static str {
        match self {
            Self::Awarded => "attribué",
            Self::NotAwarded => "non attribué",
            Self::Cancelled => "annulé",
            Self::Terminated => "résilié",
            Self::Ended => "terminé",
        }
    }
}

/// A value, and the notice that says it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Stated<T> {
    pub value: T,
    /// Key of the notice.
    pub notice: String,
}

/// An amount in euros without tax.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Amount {
    pub euros: f64,
    /// A framework agreement's maximum: not what will be spent.
    pub maximum: bool,
}

/// Who holds a contract.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Holder {
    pub company: Company,
    /// Key of the notice that names it.
    pub notice: String,
}

/// How many months a contract lasts at most, and how that is known.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Lasts {
    /// In all.
    pub months: f64,
    pub basis: DurationBasis,
}

/// How a duration is known.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DurationBasis {
    /// Published with the contract, renewals and options included.
    AllIncluded,
    /// A first duration in months, and how often it may be renewed.
    Renewed { first: f64, times: f64 },
    /// The first duration; nothing is known of renewals.
    First,
    /// As a modification set it.
    Modified,
}

/// Why a latest end is what it is.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum EndFormula {
    /// Somebody who knows the contract says so.
    Told,
    /// The day of notification and the duration.
    FromNotification { from: NaiveDate, lasts: Lasts },
    /// The day of the award, in place of an unknown notification, and the duration.
    FromPublication {
        from: NaiveDate,
        lasts: Lasts,
        /// The notice says on which day the buyer decided; else the day of its publication stands for it.
        #[serde(default, skip_serializing_if = "std::ops::Not::not")]
        decided: bool,
    },
}

/// The last day of a contract at the latest.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct LatestEnd {
    pub on: NaiveDate,
    pub formula: EndFormula,
}

impl LatestEnd {
    /// Whether it is computed rather than told.
    #[must_use]
    pub fn is_estimated(&self) -> bool {
        self.formula != EndFormula::Told
    }

    /// How it is known: « notifié le 12 janvier 2027, 48 mois au plus, reconductions comprises ».
    #[must_use]
    pub fn in_french(&self) -> String {
        let months = |n: f64| format!("{}\u{a0}mois", french::number(n));
        let length = |lasts: &Lasts| match lasts.basis {
            DurationBasis::AllIncluded => format!("{} au plus, reconductions comprises", months(lasts.months)),
            DurationBasis::Renewed { first, times } => {
                format!("{} reconductibles {} fois", months(first), french::number(times))
            }
            DurationBasis::First => format!("{}, sans reconduction connue", months(lasts.months)),
            DurationBasis::Modified => format!("{} en tout depuis sa modification", months(lasts.months)),
        };
        match &self.formula {
            EndFormula::Told => "date donnée par une personne qui connaît le contrat".to_owned(),
            EndFormula::FromNotification { from, lasts } => {
                format!("notifié le {}, {}", french::date(*from), length(lasts))
            }
            EndFormula::FromPublication { from, lasts, decided } => format!(
                "{} le {} (jour de notification inconnu), {}",
                if *decided { "attribué" } else { "attribution publiée" },
                french::date(*from),
                length(lasts)
            ),
        }
    }
}

/// What the holder owes to people far from work, as the clause says.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Owed {
    /// The clause, with its words.
    pub provision: Provision,
    /// Key of the notice; that of the call, mostly.
    pub notice: String,
}

/// The contract of one lot, or of an undivided procedure.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Contract {
    pub procedure: String,
    /// The lot; empty = the whole, or a lot that no source names.
    pub lot: String,
    /// The lot is one of several, and no source says which.
    pub lot_unknown: bool,
    /// What is bought: the lot's title, else the procedure's.
    pub title: String,
    pub buyer: Buyer,
    pub state: ContractState,
    /// Why nobody holds it.
    pub reason: Option<NoAwardReason>,
    /// Who holds it; empty where no source says.
    pub holders: Vec<Holder>,
    pub amount: Option<Stated<Amount>>,
    /// Day on which the award was first published.
    pub awarded_on: Option<Stated<NaiveDate>>,
    /// Day on which the buyer decided, where a notice says it.
    pub decided_on: Option<Stated<NaiveDate>>,
    pub notified_on: Option<Stated<NaiveDate>>,
    pub lasts: Option<Stated<Lasts>>,
    pub ends: Option<LatestEnd>,
    /// Clauses of insertion that bind the holder.
    pub owed: Vec<Owed>,
    /// For whom it was reserved.
    pub reserved: Vec<Beneficiary>,
    /// Every kind of social provision.
    pub provisions: Vec<ProvisionKind>,
    pub offers_received: Option<Stated<u32>>,
    /// Last modification.
    pub modified_on: Option<Stated<NaiveDate>>,
    pub subcontracts: Vec<Subcontract>,
    pub cpv: Vec<Cpv>,
    pub sectors: Vec<Sector>,
    pub departments: Vec<Department>,
    /// What sources say that cannot be, or contradicts, in French.
    pub doubts: Vec<String>,
}

impl Contract {
    /// Where it stands on a day.
    #[must_use]
    pub fn state_on(&self, day: NaiveDate) -> ContractState {
        match self.state {
            ContractState::Awarded if self.ends.is_some_and(|e| e.on < day) => ContractState::Ended,
            state => state,
        }
    }

    /// Whether its holder owes work to people far from it.
    #[must_use]
    pub fn owes_work(&self) -> bool {
        !self.owed.is_empty()
    }

    /// Whether somebody truly holds it: only then can services be offered.
    #[must_use]
    pub fn is_held(&self) -> bool {
        self.state == ContractState::Awarded && !self.holders.is_empty()
    }

    /// Whether a company of that SIREN holds it.
    #[must_use]
    pub fn is_held_by(&self, siren: &str) -> bool {
        self.holders.iter().any(|h| h.company.siren() == Some(siren))
    }

    /// Whether the same companies hold both, though one may be known by its name and later by its number.
    #[must_use]
    pub fn has_holders_of(&self, other: &Self) -> bool {
        let known = |h: &Holder, of: &Self| of.holders.iter().any(|o| holders::is_same(&h.company, &o.company));
        self.holders.iter().all(|h| known(h, other)) && other.holders.iter().all(|h| known(h, self))
    }

    /// Names of the holders: « Martin SARL et Dupont ».
    #[must_use]
    pub fn holders_in_french(&self) -> String {
        french::list(&self.holders.iter().map(|h| h.company.said().to_owned()).collect::<Vec<_>>())
    }

    /// What the clauses ask for: « 300 heures », « 5 % des heures », « heures non publiées ».
    #[must_use]
    pub fn owed_in_french(&self) -> String {
        let mut said: Vec<String> = Vec::new();
        for terms in self.owed.iter().filter_map(|o| terms_in_french(&o.provision)) {
            if !said.contains(&terms) {
                said.push(terms);
            }
        }
        match said.as_slice() {
            [] => UNPUBLISHED.to_owned(),
            [one] => one.clone(),
            several => format!("{}, selon les passages de l’avis", several.join(" ou ")),
        }
    }
}

impl Owed {
    /// What this clause asks for.
    #[must_use]
    pub fn in_french(&self) -> String {
        terms_in_french(&self.provision).unwrap_or_else(|| UNPUBLISHED.to_owned())
    }
}

/// What is said of a clause that gives no hours and no share.
const UNPUBLISHED: &str = "heures non publiées";

/// The hours or the share that a clause asks for; `None` where it gives neither.
fn terms_in_french(p: &Provision) -> Option<String> {
    let of_all =
        if p.lots.len() > 1 { format!(" pour les lots {} ensemble", french::list(&p.lots)) } else { String::new() };
    let hours = p.hours.map(|least| {
        let most = p.hours_max.filter(|m| *m > least).map(|m| format!(" à {}", french::number(m))).unwrap_or_default();
        format!("{}{most}\u{a0}heures{of_all}", french::number(least))
    });
    hours.or_else(|| p.percent.map(|share| format!("{}\u{202f}% des heures", french::number(share))))
}

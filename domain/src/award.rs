//! Results as one source states them: what became of a lot, who won it, and the contract that follows.
//!
//! Nothing is inferred here: a source that names its winners without numbers leaves the numbers out. What several sources say of
//! one lot is put together by [`crate::contract`].

use chrono::NaiveDate;
use serde::{Deserialize, Serialize};

use crate::outcome::{NoAwardReason, Outcome};
use crate::{Buyer, Place};

/// What became of a lot: who won it, or why nobody did.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Award {
    /// The lot; `None` = the whole contract.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub lot: Option<String>,
    /// Names of the winners; empty when nobody won, or the notice does not say who.
    pub winners: Vec<String>,
    /// Amount in euros without tax.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub amount: Option<f64>,
    /// What became of it.
    #[serde(default, skip_serializing_if = "Outcome::is_award")]
    pub outcome: Outcome,
    /// Why nobody won, where that is said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<NoAwardReason>,
    /// Day on which the buyer decided, where the notice says it: it may be published a year later.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub decided: Option<NaiveDate>,
    /// The words that say so, verbatim, where a text does.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub words: Option<String>,
    /// The winners again, where a source says more of them than their names.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub companies: Vec<Company>,
    /// The contract concluded, where a source tells of it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub contract: Option<Box<ContractData>>,
}

impl Award {
    /// A lot, or the whole contract, that nobody won.
    #[must_use]
    pub fn none(lot: Option<String>, reason: Option<NoAwardReason>) -> Self {
        Self { lot, outcome: Outcome::NoAward, reason, ..Self::default() }
    }

    /// A lot, or the whole contract, that these companies won.
    #[must_use]
    pub fn to(lot: Option<String>, companies: Vec<Company>) -> Self {
        let mut winners: Vec<String> = Vec::new();
        for company in &companies {
            let said = company.said();
            if !said.is_empty() && !winners.iter().any(|w| w == said) {
                winners.push(said.to_owned());
            }
        }
        // What is a name and nothing else stands among the winners already.
        let companies = companies.into_iter().filter(Company::says_more).collect();
        Self { lot, winners, companies, ..Self::default() }
    }

    /// Whether it tells of one contract among others, rather than of all that became of a procedure.
    #[must_use]
    pub fn is_of_one_contract(&self) -> bool {
        self.contract.as_ref().is_some_and(|c| c.number.is_some())
    }
}

/// A company that holds a contract, or a part of it.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Company {
    /// Name as published; empty where only a number is.
    pub name: String,
    /// SIRET (14 digits), SIREN (9), or another country's number as published.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub id: Option<String>,
    /// Seat.
    #[serde(default, skip_serializing_if = "is_nowhere")]
    pub place: Place,
}

fn is_nowhere(place: &Place) -> bool {
    *place == Place::default()
}

impl Company {
    /// A company of which only the name is known.
    #[must_use]
    pub fn named(name: impl Into<String>) -> Self {
        Self { name: name.into(), ..Self::default() }
    }

    /// Nine digits, where its number is a SIRET or a SIREN.
    #[must_use]
    pub fn siren(&self) -> Option<&str> {
        let id = self.id.as_deref()?;
        let french = matches!(id.len(), 9 | 14) && id.bytes().all(|b| b.is_ascii_digit());
        id.get(..9).filter(|_| french)
    }

    /// Its name, else its number.
    #[must_use]
    pub fn said(&self) -> &str {
        if self.name.is_empty() { self.id.as_deref().unwrap_or_default() } else { &self.name }
    }

    fn says_more(&self) -> bool {
        self.id.is_some() || !is_nowhere(&self.place)
    }

    /// Reads a number as sources write it: digits of a SIRET or SIREN, anything else as it stands.
    #[must_use]
    pub fn number(text: &str) -> Option<String> {
        let written = Buyer::written(text);
        Some(written).filter(|w| !w.is_empty())
    }
}

/// The contract that follows an award, as one source states it.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct ContractData {
    /// The buyer's number of the one contract told of; a notice of results, which tells of all, has none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub number: Option<String>,
    /// Day on which it was notified (DECP `dateNotification`) or concluded (BT-145).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub notified: Option<NaiveDate>,
    /// Months in all, renewals and options included (DECP `dureeMois`).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub months: Option<f64>,
    /// Last day, where somebody who knows it says so.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ends: Option<NaiveDate>,
    /// The amount is a maximum: a framework agreement, whose orders decide.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub maximum: bool,
    /// Tenders received (DECP `offresRecues`, BT-759).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub offers_received: Option<u32>,
    /// Changes since, in no order.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub modifications: Vec<ContractModification>,
    /// Subcontracts declared (DECP `actesSousTraitance`).
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub subcontracts: Vec<Subcontract>,
    /// Day on which it was terminated (résilié) before its end.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub terminated: Option<NaiveDate>,
    /// Hours of insertion that the holder owes, as somebody who knows the contract says.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub hours: Option<f64>,
}

/// A change of a contract. What it leaves out stands.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct ContractModification {
    /// Its place among the contract's changes, from 1.
    pub number: u32,
    /// Day on which it was notified.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub on: Option<NaiveDate>,
    /// Months in all, from now on.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub months: Option<f64>,
    /// Amount in all, from now on, in euros without tax.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub amount: Option<f64>,
    /// Who holds it from now on; empty = as before.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub holders: Vec<Company>,
}

/// A part of a contract given to another company.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Subcontract {
    pub company: Company,
    /// In euros without tax.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub amount: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub notified: Option<NaiveDate>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_company_is_named_by_what_is_known_of_it() {
        let siret = Company { id: Company::number("552 045 999 00869"), ..Company::named("Martin SARL") };
        assert_eq!((siret.siren(), siret.said()), (Some("552045999"), "Martin SARL"));
        let foreign = Company { id: Some("BE0123456789".into()), ..Company::default() };
        assert_eq!((foreign.siren(), foreign.said()), (None, "BE0123456789"));
        let award = Award::to(None, vec![siret.clone(), Company::named("Dupont"), foreign]);
        assert_eq!(award.winners, ["Martin SARL", "Dupont", "BE0123456789"]);
        assert_eq!(award.companies.len(), 2, "a bare name is told once");
    }

    #[test]
    fn an_award_without_more_is_written_as_before() {
        let award = Award { winners: vec!["Martin".into()], ..Award::default() };
        assert_eq!(serde_json::to_string(&award).unwrap(), r#"{"winners":["Martin"]}"#);
    }
}

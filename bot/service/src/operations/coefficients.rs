//! Coefficients of calibration: those that come with the product, each with its source, and those that an organisation set in their
//! place. All of them are shown beside what comes of them.

use chrono::NaiveDate;
use vigie_config::rules::Rules;
use vigie_domain::commune;
use vigie_domain::operation::calibration::{HOURLY_COST, RATE, SOURCE};
use vigie_store::StoreError;
use vigie_store::operation_settings::Coefficient;
use vigie_watcher::zones;

use crate::service::Service;

/// The name under which the cost of an hour stands.
pub const COST: &str = "cost";
/// The name under which the rate stands.
pub const RATE_NAME: &str = "rate";
/// Most trades of an organisation.
const MOST: usize = 200;

/// A coefficient in force.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InForce {
    /// `cost`, `rate`, or a trade's folded name.
    pub name: String,
    pub label: String,
    /// In cents, or in hundredths of a percent.
    pub value: i64,
    pub source: String,
    /// Who set it and when, where the organisation did.
    pub set: Option<(String, NaiveDate)>,
}

/// The coefficients of a structure.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Coefficients {
    pub cost: InForce,
    pub rate: InForce,
    /// Labour shares by trade, by name.
    pub shares: Vec<InForce>,
}

impl Coefficients {
    /// The labour share of a trade, however it is spelled; of a part of its name, where no other has it: "peinture" is "peinture intérieure".
    #[must_use]
    pub fn share(&self, trade: &str) -> Option<&InForce> {
        let key = commune::key(trade);
        let within =
            |s: &&InForce| !key.is_empty() && key.split(' ').all(|w| s.name.split(' ').any(|known| known == w));
        let exact = self.shares.iter().find(|s| s.name == key);
        exact.or_else(|| {
            let mut found = self.shares.iter().filter(within);
            found.next().filter(|_| found.next().is_none())
        })
    }
}

/// The coefficients in force for a structure.
///
/// # Errors
/// The database fails.
pub async fn of(service: &Service, structure: &str) -> Result<Coefficients, StoreError> {
    let own = service.store.coefficients_of(structure).await?;
    let taken = |name: &str| own.iter().find(|c| c.name == name).map(in_force);
    let basic = |name: &str, label: &str, value: i64| InForce {
        name: name.to_owned(),
        label: label.to_owned(),
        value,
        source: SOURCE.to_owned(),
        set: None,
    };
    let mut shares: Vec<InForce> = Rules::embedded()
        .labour_shares
        .iter()
        .map(|s| {
            let name = commune::key(&s.trade);
            taken(&name).unwrap_or_else(|| InForce {
                label: s.trade.clone(),
                value: i64::from(s.share) * 100,
                source: s.source.clone(),
                set: None,
                name,
            })
        })
        .collect();
    let others = own.iter().filter(|c| ![COST, RATE_NAME].contains(&c.name.as_str()));
    let others: Vec<InForce> = others.filter(|c| !shares.iter().any(|s| s.name == c.name)).map(in_force).collect();
    shares.extend(others);
    shares.sort_by(|a, b| a.name.cmp(&b.name));
    Ok(Coefficients {
        cost: taken(COST).unwrap_or_else(|| basic(COST, "Coût horaire, toutes charges comprises", HOURLY_COST)),
        rate: taken(RATE_NAME).unwrap_or_else(|| basic(RATE_NAME, "Taux d’insertion", RATE)),
        shares,
    })
}

fn in_force(c: &Coefficient) -> InForce {
    InForce {
        name: c.name.clone(),
        label: c.label.clone(),
        value: c.value,
        source: c.source.clone(),
        set: Some((c.by.clone(), zones::paris_day(c.at))),
    }
}

/// What is wrong with a coefficient.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CoefficientFault {
    #[error("donnez le nom du métier")]
    NoTrade,
    #[error("un coût horaire va de 5 à 200\u{a0}€")]
    Cost,
    #[error("une part va de 0,01 à 100\u{202f}%")]
    Share,
    #[error("200 métiers au plus")]
    TooMany,
}

/// Sets a coefficient for a structure: `name` is [`COST`], [`RATE_NAME`], or a trade.
///
/// # Errors
/// The database fails.
pub async fn set(
    service: &Service,
    structure: &str,
    by: &str,
    (label, value, source): (&str, i64, &str),
) -> Result<Result<(), CoefficientFault>, StoreError> {
    let now = service.clock.now();
    let (name, label) = match label {
        COST => (COST.to_owned(), "Coût horaire, toutes charges comprises"),
        RATE_NAME => (RATE_NAME.to_owned(), "Taux d’insertion"),
        trade => (commune::key(trade), trade),
    };
    let fits = match name.as_str() {
        "" => return Ok(Err(CoefficientFault::NoTrade)),
        COST => (500..=20_000).contains(&value),
        _ => (1..=10_000).contains(&value),
    };
    if !fits {
        return Ok(Err(if name == COST { CoefficientFault::Cost } else { CoefficientFault::Share }));
    }
    let own = service.store.coefficients_of(structure).await?;
    if own.len() >= MOST && !own.iter().any(|c| c.name == name) {
        return Ok(Err(CoefficientFault::TooMany));
    }
    let source = if source.trim().is_empty() { "choix de l’organisation" } else { source.trim() };
    let c = Coefficient {
        name,
        label: label.trim().to_owned(),
        value,
        source: source.to_owned(),
        by: by.to_owned(),
        at: now,
    };
    service.store.put_coefficient(structure, &c).await?;
    Ok(Ok(()))
}

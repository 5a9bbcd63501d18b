//! A contract as somebody who knows it tells of it. What is said enters the same road as a notice, as an award of a source of its own
//! ([`BY_HAND`]), and counts before what is published; said twice, the second completes the first.
//!
//! A contract that no known call stands behind says itself where it is carried out: without a place, its end would concern no
//! subscription that names one. Nothing is written where what is said is refused.

use chrono::NaiveDate;
use vigie_domain::award::{Award, ContractData};
use vigie_domain::contract::BY_HAND;
use vigie_domain::{Buyer, Company, Cpv, Department, Lot, Notice, NoticeKind, Passage, Place};
use vigie_store::derived_id;
use vigie_store::journal::NoticeRow;

use crate::error::Failure;
use crate::ingest::{self, Outcome};
use crate::place_input;
use crate::service::Service;

/// What somebody says of a contract; what is left out stands as it was said before.
#[derive(Debug, Clone, Default)]
pub struct Said {
    /// Lot; empty = the whole.
    pub lot: String,
    /// What is bought; needed where no notice of the procedure is known.
    pub title: Option<String>,
    pub buyer: Option<String>,
    /// SIRET or SIREN of the buyer, as written.
    pub buyer_siret: Option<String>,
    pub holders: Vec<Company>,
    /// In euros without tax.
    pub amount: Option<f64>,
    /// The amount is a maximum.
    pub maximum: bool,
    pub notified: Option<NaiveDate>,
    /// Renewals included.
    pub months: Option<f64>,
    pub ends: Option<NaiveDate>,
    /// Hours of work owed to people far from it.
    pub hours: Option<f64>,
    pub terminated: Option<NaiveDate>,
    /// Where it is carried out, as people write places: a département's code, `Lens`, `62300 Lens`.
    pub places: Vec<String>,
    pub cpv: Vec<Cpv>,
    /// The words of its social clause or reservation.
    pub clause: Option<String>,
}

fn usage(what: impl Into<String>, place: &str, fix: &str) -> Failure {
    Failure::usage(what.into(), place, fix)
}

impl Said {
    /// Puts what is said over what was said before.
    fn over(&self, notice: &mut Notice) -> Result<(), Failure> {
        let mut award = notice.awards.pop().unwrap_or_default();
        let mut data = award.contract.take().map(|c| *c).unwrap_or_default();
        if !self.holders.is_empty() {
            award = Award { amount: award.amount, ..Award::to(None, self.holders.clone()) };
        }
        award.lot = Some(Lot::clean_id(&self.lot)).filter(|_| !self.lot.is_empty());
        award.amount = self.amount.or(award.amount);
        data = ContractData {
            notified: self.notified.or(data.notified),
            months: self.months.or(data.months),
            ends: self.ends.or(data.ends),
            hours: self.hours.or(data.hours),
            terminated: self.terminated.or(data.terminated),
            maximum: self.maximum || data.maximum,
            ..data
        };
        award.contract = Some(Box::new(data));
        notice.awards = vec![award];
        if !self.cpv.is_empty() {
            notice.cpv.clone_from(&self.cpv);
        }
        if let Some(clause) = self.clause.as_deref().map(str::trim).filter(|c| !c.is_empty()) {
            notice.passages = vec![Passage { field: "clause".into(), lot: None, text: clause.to_owned() }];
        }
        self.placed(notice)
    }

    /// The places that are said, in the stead of those known before.
    fn placed(&self, notice: &mut Notice) -> Result<(), Failure> {
        if self.places.is_empty() {
            return Ok(());
        }
        let (mut places, mut departments) = (Vec::new(), Vec::new());
        for written in &self.places {
            let codes = Department::written(written);
            if codes.is_empty() {
                let commune = place_input::commune(written).map_err(|why| {
                    usage(why, "--place", "écrivez un département (62) ou une commune (Lens, 62300 Lens)")
                })?;
                departments.extend(commune.department());
                let (city, postcode) = (Some(commune.name.to_owned()), commune.postcode().map(str::to_owned));
                places.push(Place { city, postcode, nuts: None });
            }
            departments.extend(codes);
        }
        departments.sort();
        departments.dedup();
        (notice.places, notice.departments) = (places, departments);
        Ok(())
    }

    /// A contract that nothing was known of: of a known procedure, or standing for itself.
    fn new_notice(&self, id: &str, of: Option<&NoticeRow>) -> Result<Notice, Failure> {
        let mut new = Notice::new(BY_HAND, id, NoticeKind::Award);
        if let Some(row) = of {
            let titles = [&row.assessment.title, &row.notice.title];
            new.title = titles.into_iter().find(|t| !t.is_empty()).cloned().unwrap_or_default();
            new.buyer = row.notice.buyer.clone();
            return Ok(new);
        }
        let missing = "un contrat a besoin d’un objet, d’un acheteur et d’un lieu";
        let fix = "donnez --of, ou --title et --place avec --buyer ou --buyer-siret";
        new.title = self.title.clone().ok_or_else(|| usage(missing, "--title", fix))?;
        new.buyer.name = self.buyer.clone().unwrap_or_default();
        if let Some(written) = &self.buyer_siret {
            let number = Buyer::clean_siret(written);
            let wrong = || {
                usage(
                    format!("« {written} » n’est ni un SIREN ni un SIRET"),
                    "--buyer-siret",
                    "écrivez 9 ou 14 chiffres",
                )
            };
            new.buyer.siret = Some(number.ok_or_else(wrong)?);
        }
        if new.buyer.name.is_empty() && new.buyer.siret.is_none() {
            return Err(usage(missing, "--buyer", fix));
        }
        if self.places.is_empty() {
            return Err(usage(missing, "--place", fix));
        }
        Ok(new)
    }
}

/// Takes up what somebody says of a contract: of the procedure of a known notice, or of none. Gives the procedure, `None` where all of it
/// was known already.
///
/// # Errors
/// What is said is incomplete or cannot be read, or the database fails: nothing changed.
pub async fn say(
    service: &Service,
    of: Option<&NoticeRow>,
    said: &Said,
    today: NaiveDate,
) -> Result<Option<String>, Failure> {
    let store = &service.store;
    let id = match of {
        Some(row) => derived_id(&[BY_HAND, &row.procedure, &said.lot]),
        None => derived_id(&[
            BY_HAND,
            said.title.as_deref().unwrap_or_default(),
            said.buyer_siret.as_deref().or(said.buyer.as_deref()).unwrap_or_default(),
            &said.lot,
        ]),
    };
    let key = format!("{BY_HAND}:{id}");
    let mut notice = match store.notice(&key).await? {
        Some(before) => before.notice,
        None => said.new_notice(&id, of)?,
    };
    said.over(&mut notice)?;
    notice.published = notice.published.or(said.notified).or(Some(today));
    if let Some(row) = of {
        store.lead_record_to(&format!("record:{key}"), &row.procedure).await?;
    }
    match ingest::ingest(service, &notice, None).await? {
        Outcome::Unchanged => Ok(None),
        Outcome::Stored(_) => Ok(store.notice(&key).await?.map(|row| row.procedure)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn said() -> Said {
        Said {
            lot: "02".into(),
            holders: vec![Company { id: Some("55204599900869".into()), ..Company::named("Martin SARL") }],
            amount: Some(90_000.0),
            notified: NaiveDate::from_ymd_opt(2027, 1, 12),
            months: Some(48.0),
            ..Said::default()
        }
    }

    #[test]
    fn what_is_said_later_completes_what_was_said_before() {
        let mut notice = Notice::new(BY_HAND, "1", NoticeKind::Award);
        Said { places: vec!["62300 Lens".into()], ..said() }.over(&mut notice).unwrap();
        let later = Said { lot: "02".into(), hours: Some(300.0), ..Said::default() };
        later.over(&mut notice).unwrap();
        let award = &notice.awards[0];
        assert_eq!((award.lot.as_deref(), award.amount, award.winners.len()), (Some("2"), Some(90_000.0), 1));
        let data = award.contract.as_ref().unwrap();
        assert_eq!((data.months, data.hours), (Some(48.0), Some(300.0)));
        assert_eq!(notice.departments, [Department::parse("62").unwrap()]);
        assert_eq!(notice.places[0].city.as_deref(), Some("Lens"));
    }

    #[test]
    fn a_place_is_a_departement_or_a_commune_and_nothing_that_cannot_be_told() {
        let placed = |written: &str| {
            let mut notice = Notice::new(BY_HAND, "1", NoticeKind::Award);
            Said { places: vec![written.into()], ..said() }.over(&mut notice).map(|()| notice.departments)
        };
        assert_eq!(placed("2A").unwrap(), [Department::parse("2A").unwrap()]);
        assert_eq!(placed("Lille").unwrap(), [Department::parse("59").unwrap()]);
        for wrong in ["Saint-Denis", "Nulle-Part-sur-Rien", ""] {
            assert_eq!(placed(wrong).unwrap_err().place, "--place", "{wrong}");
        }
    }

    #[test]
    fn a_contract_without_a_notice_says_what_is_bought_by_whom_and_where() {
        let whole = Said {
            title: Some("Nettoyage des écoles".into()),
            buyer_siret: Some("215 903 501".into()),
            places: vec!["59".into()],
            ..said()
        };
        assert!(whole.new_notice("1", None).is_ok());
        for (without, place) in [
            (Said { title: None, ..whole.clone() }, "--title"),
            (Said { buyer_siret: None, ..whole.clone() }, "--buyer"),
            (Said { buyer_siret: Some("12".into()), ..whole.clone() }, "--buyer-siret"),
            (Said { places: Vec::new(), ..whole }, "--place"),
        ] {
            assert_eq!(without.new_notice("1", None).unwrap_err().place, place);
        }
    }
}

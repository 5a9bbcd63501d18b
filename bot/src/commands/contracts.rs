//! `vigie contracts`: the contracts that are known, and what somebody who knows one says of it. What is said enters the same road as a
//! notice, as an award of its own source, and counts before what is published.

use chrono::NaiveDate;
use vigie_config::settings::Settings;
use vigie_domain::award::{Award, ContractData};
use vigie_domain::contract::BY_HAND;
use vigie_domain::{Buyer, Company, Contract, Lot, Notice, NoticeKind, french};
use vigie_notifier::after_award::{amount, renewal_line};
use vigie_notifier::card::short;
use vigie_service::ingest::{self, Outcome};
use vigie_service::{Clock, Failure};
use vigie_store::contracts::{ContractQuery, ContractRow};
use vigie_store::derived_id;
use vigie_store::journal::NoticeRow;
use vigie_watcher::fetch::Fetcher;
use vigie_watcher::zones;

use super::output::{Cell, Listing, OutputArg, print};
use crate::setup::{self, App};

/// Contracts listed.
const LISTED: i64 = 200;

#[derive(Debug, clap::Subcommand)]
pub(super) enum Action {
    /// Énumère les contrats connus
    List {
        /// SIREN ou SIRET de l’acheteur
        #[arg(long)]
        buyer: Option<String>,
        /// SIREN ou SIRET du titulaire
        #[arg(long)]
        holder: Option<String>,
        #[command(flatten)]
        output: OutputArg,
    },
    /// Montre les contrats d’une procédure, avec la source de chaque information
    Show {
        /// Numéro d’un de ses avis, tel que boamp:26-12345
        #[arg(long)]
        notice: String,
    },
    /// Dit ce que l’on sait d’un contrat ; dit deux fois, le second complète le premier
    Add(Box<Told>),
}

#[derive(Debug, clap::Args)]
pub(super) struct Told {
    /// Avis de la procédure dont il est issu, tel que boamp:26-12345 ; sans lui, le contrat se suffit
    #[arg(long)]
    of: Option<String>,
    /// Lot
    #[arg(long, default_value = "")]
    lot: String,
    /// Objet, sans --of
    #[arg(long)]
    title: Option<String>,
    /// Nom de l’acheteur, sans --of
    #[arg(long)]
    buyer: Option<String>,
    /// SIRET ou SIREN de l’acheteur, sans --of
    #[arg(long)]
    buyer_siret: Option<String>,
    /// Nom du titulaire (répétable)
    #[arg(long = "holder")]
    holders: Vec<String>,
    /// SIRET ou SIREN du titulaire, dans l’ordre des noms
    #[arg(long = "holder-siret")]
    holder_sirets: Vec<String>,
    /// Montant, en euros hors taxes
    #[arg(long)]
    amount: Option<f64>,
    /// Le montant est un maximum (accord-cadre)
    #[arg(long)]
    maximum: bool,
    /// Jour de notification, tel que 2027-01-12
    #[arg(long)]
    notified: Option<NaiveDate>,
    /// Durée en mois, reconductions comprises
    #[arg(long)]
    months: Option<f64>,
    /// Dernier jour, s’il est connu
    #[arg(long)]
    ends: Option<NaiveDate>,
    /// Heures d’insertion dues
    #[arg(long)]
    hours: Option<f64>,
    /// Jour de la résiliation
    #[arg(long)]
    terminated: Option<NaiveDate>,
}

fn usage(what: impl Into<String>, place: &str, fix: &str) -> Failure {
    Failure::usage(what.into(), place, fix)
}

pub(super) async fn run(settings: Settings, action: Action) -> Result<(), Failure> {
    match action {
        Action::List { buyer, holder, output } => list(&settings, buyer, holder, output).await,
        Action::Show { notice } => show(&settings, &notice).await,
        Action::Add(told) => add(settings, &told).await,
    }
}

/// The SIREN that a SIREN or SIRET begins with.
fn siren(written: &str, place: &str) -> Result<String, Failure> {
    let number = Buyer::clean_siret(written);
    number
        .map(|n| n[..9].to_owned())
        .ok_or_else(|| usage(format!("« {written} » n’est ni un SIREN ni un SIRET"), place, "écrivez 9 ou 14 chiffres"))
}

async fn list(
    settings: &Settings,
    buyer: Option<String>,
    holder: Option<String>,
    output: OutputArg,
) -> Result<(), Failure> {
    let wanted = ContractQuery {
        buyer: buyer.map(|n| siren(&n, "--buyer")).transpose()?,
        holder: holder.map(|n| siren(&n, "--holder")).transpose()?,
        ..ContractQuery::default()
    };
    let store = setup::open_store(settings).await?;
    let today = zones::paris_day(Clock::from_environment()?.now());
    let rows = store
        .find_contracts(&wanted, LISTED)
        .await?
        .iter()
        .map(|ContractRow { contract: c, .. }| {
            vec![
                c.procedure.clone().into(),
                c.lot.clone().into(),
                c.state_on(today).in_french().into(),
                Cell::Long(c.title.clone(), 60),
                Cell::Long(c.buyer.name.clone(), 40),
                Cell::Long(c.holders_in_french(), 40),
                Cell::Day(c.ends.map(|e| e.on)),
            ]
        })
        .collect();
    let columns = &[
        ("procedure", "procédure"),
        ("lot", "lot"),
        ("state", "état"),
        ("title", "objet"),
        ("buyer", "acheteur"),
        ("holders", "titulaire"),
        ("ends", "fin"),
    ];
    Listing { columns, rows }.print(output)
}

async fn show(settings: &Settings, notice: &str) -> Result<(), Failure> {
    let store = setup::open_store(settings).await?;
    let row = known(store.notice(notice).await?, notice, "--notice")?;
    let today = zones::paris_day(Clock::from_environment()?.now());
    let mut out = String::new();
    for ContractRow { contract, .. } in store.contracts_of(&row.procedure).await? {
        out.push_str(&in_words(&contract, today));
    }
    if out.is_empty() {
        out.push_str("Aucun contrat n’est connu de cette procédure\n");
    }
    print(&out)
}

fn known(row: Option<NoticeRow>, notice: &str, place: &str) -> Result<NoticeRow, Failure> {
    row.ok_or_else(|| usage(format!("avis inconnu « {notice} »"), place, "vérifiez le numéro"))
}

/// A contract with the notice that says each thing.
fn in_words(c: &Contract, today: NaiveDate) -> String {
    let lot = if c.lot.is_empty() { "Contrat".to_owned() } else { format!("Lot {}", c.lot) };
    let mut out = format!("{lot} : {} ({})\n", short(&c.title, 120), c.state_on(today).in_french());
    for h in &c.holders {
        let id = h.company.id.as_deref().unwrap_or("sans numéro");
        out.push_str(&format!("  titulaire : {} ({id}), dit par {}\n", h.company.said(), h.notice));
    }
    if let Some(a) = &c.amount {
        out.push_str(&format!("  montant : {}, dit par {}\n", amount(a.value), a.notice));
    }
    if let Some(day) = &c.notified_on {
        out.push_str(&format!("  notifié le {}, dit par {}\n", french::date(day.value), day.notice));
    }
    for owed in &c.owed {
        out.push_str(&format!("  dû : {}, dit par {}\n", c.owed_in_french(), owed.notice));
    }
    c.doubts.iter().for_each(|d| out.push_str(&format!("  à vérifier : {d}\n")));
    out.push_str(&format!("  {}\n", renewal_line(c)));
    out
}

impl Told {
    /// Puts what is said over what was said before.
    fn over(&self, notice: &mut Notice) -> Result<(), Failure> {
        let mut award = notice.awards.pop().unwrap_or_default();
        let mut data = award.contract.take().map(|c| *c).unwrap_or_default();
        if !self.holders.is_empty() || !self.holder_sirets.is_empty() {
            let companies = self.companies()?;
            award = Award { amount: award.amount, ..Award::to(None, companies) };
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
        Ok(())
    }

    fn companies(&self) -> Result<Vec<Company>, Failure> {
        let count = self.holders.len().max(self.holder_sirets.len());
        (0..count)
            .map(|n| {
                let id = self.holder_sirets.get(n).map(|written| {
                    Buyer::clean_siret(written).ok_or_else(|| {
                        usage(
                            format!("« {written} » n’est ni un SIREN ni un SIRET"),
                            "--holder-siret",
                            "écrivez 9 ou 14 chiffres",
                        )
                    })
                });
                Ok(Company {
                    name: self.holders.get(n).cloned().unwrap_or_default(),
                    id: id.transpose()?,
                    ..Company::default()
                })
            })
            .collect()
    }
}

async fn add(settings: Settings, told: &Told) -> Result<(), Failure> {
    let clock = Clock::from_environment()?;
    let today = zones::paris_day(clock.now());
    let fetcher = Fetcher::http(&settings.fetch).map_err(|e| Failure::usage(e, "[fetch]", "corrigez cette valeur"))?;
    let app = App::start(settings, fetcher, clock).await?;
    let store = &app.service.store;
    let of = match &told.of {
        Some(notice) => Some(known(store.notice(notice).await?, notice, "--of")?),
        None => None,
    };
    let id = match &of {
        Some(row) => derived_id(&[BY_HAND, &row.procedure, &told.lot]),
        None => derived_id(&[
            BY_HAND,
            told.title.as_deref().unwrap_or_default(),
            told.buyer_siret.as_deref().or(told.buyer.as_deref()).unwrap_or_default(),
            &told.lot,
        ]),
    };
    let before = store.notice(&format!("{BY_HAND}:{id}")).await?.map(|row| row.notice);
    let mut notice = match (before, &of) {
        (Some(before), _) => before,
        (None, Some(row)) => {
            let mut new = Notice::new(BY_HAND, &id, NoticeKind::Award);
            new.title =
                if row.assessment.title.is_empty() { row.notice.title.clone() } else { row.assessment.title.clone() };
            new.buyer = row.notice.buyer.clone();
            new
        }
        (None, None) => {
            let missing = "un contrat a besoin d’un objet et d’un acheteur";
            let fix = "donnez --of, ou --title avec --buyer ou --buyer-siret";
            let mut new = Notice::new(BY_HAND, &id, NoticeKind::Award);
            new.title = told.title.clone().ok_or_else(|| usage(missing, "--title", fix))?;
            new.buyer.name = told.buyer.clone().unwrap_or_default();
            let number = told.buyer_siret.as_deref().map(|n| siren(n, "--buyer-siret").map(|_| n)).transpose()?;
            new.buyer.siret = number.and_then(Buyer::clean_siret);
            if new.buyer.name.is_empty() && new.buyer.siret.is_none() {
                return Err(usage(missing, "--buyer", fix));
            }
            new
        }
    };
    told.over(&mut notice)?;
    notice.published = notice.published.or(told.notified).or(Some(today));
    if let Some(row) = &of {
        store.lead_record_to(&format!("record:{}", notice.key()), &row.procedure).await?;
    }
    match ingest::ingest(&app.service, &notice, None).await? {
        Outcome::Unchanged => print("Rien de nouveau : ce contrat était déjà connu ainsi\n"),
        Outcome::Stored(_) => {
            let procedure = known(store.notice(&notice.key()).await?, &notice.key(), "--of")?.procedure;
            let mut out = String::new();
            for row in store.contracts_of(&procedure).await? {
                out.push_str(&in_words(&row.contract, today));
            }
            print(&out)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told() -> Told {
        Told {
            of: None,
            lot: "02".into(),
            title: None,
            buyer: None,
            buyer_siret: None,
            holders: vec!["Martin SARL".into()],
            holder_sirets: vec!["552 045 999 00869".into()],
            amount: Some(90_000.0),
            maximum: false,
            notified: NaiveDate::from_ymd_opt(2027, 1, 12),
            months: Some(48.0),
            ends: None,
            hours: None,
            terminated: None,
        }
    }

    #[test]
    fn what_is_said_later_completes_what_was_said_before() {
        let mut notice = Notice::new(BY_HAND, "1", NoticeKind::Award);
        told().over(&mut notice).unwrap();
        let later = Told {
            holders: Vec::new(),
            holder_sirets: Vec::new(),
            amount: None,
            months: None,
            hours: Some(300.0),
            ..told()
        };
        later.over(&mut notice).unwrap();
        let award = &notice.awards[0];
        assert_eq!((award.lot.as_deref(), award.amount, award.winners.len()), (Some("2"), Some(90_000.0), 1));
        let data = award.contract.as_ref().unwrap();
        assert_eq!((data.months, data.hours), (Some(48.0), Some(300.0)));
        let wrong = Told { holder_sirets: vec!["12".into()], ..told() };
        assert_eq!(wrong.over(&mut notice).unwrap_err().place, "--holder-siret");
    }
}

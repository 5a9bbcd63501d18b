//! `vigie contracts`: the contracts that are known, and what somebody who knows one says of it ([`contract_by_hand`]).

use chrono::NaiveDate;
use vigie_config::settings::Settings;
use vigie_domain::{Buyer, Company, Contract, Cpv, french};
use vigie_notifier::after_award::{amount, renewal_line};
use vigie_notifier::card::short;
use vigie_service::contract_by_hand::{self, Said};
use vigie_service::{Clock, Failure};
use vigie_store::contracts::{ContractQuery, ContractRow};
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
    /// Lieu d’exécution, tel que 62, Lens ou « 62300 Lens » (répétable) ; nécessaire sans --of
    #[arg(long = "place")]
    places: Vec<String>,
    /// Code CPV (répétable) ; sans lui, le métier se lit dans l’objet
    #[arg(long = "cpv")]
    cpv: Vec<String>,
    /// Les mots de sa clause sociale ou de sa réservation
    #[arg(long)]
    clause: Option<String>,
}

fn usage(what: impl Into<String>, place: &str, fix: &str) -> Failure {
    Failure::usage(what.into(), place, fix)
}

pub(super) async fn run(settings: Settings, action: Action) -> Result<(), Failure> {
    match action {
        Action::List { buyer, holder, output } => list(&settings, buyer, holder, output).await,
        Action::Show { notice } => show(&settings, &notice).await,
        Action::Add(told) => add(settings, *told).await,
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
        out.push_str("Aucun contrat n’est connu de ce marché\n");
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
    fn said(self) -> Result<Said, Failure> {
        let code = |text: &String| {
            Cpv::parse(text)
                .ok_or_else(|| usage(format!("« {text} » n’est pas un code CPV"), "--cpv", "écrivez 8 chiffres"))
        };
        Ok(Said {
            cpv: self.cpv.iter().map(code).collect::<Result<_, _>>()?,
            holders: self.companies()?,
            lot: self.lot,
            title: self.title,
            buyer: self.buyer,
            buyer_siret: self.buyer_siret,
            amount: self.amount,
            maximum: self.maximum,
            notified: self.notified,
            months: self.months,
            ends: self.ends,
            hours: self.hours,
            terminated: self.terminated,
            places: self.places,
            clause: self.clause,
        })
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

async fn add(settings: Settings, told: Told) -> Result<(), Failure> {
    let clock = Clock::from_environment()?;
    let today = zones::paris_day(clock.now());
    let fetcher = Fetcher::http(&settings.fetch).map_err(|e| Failure::usage(e, "[fetch]", "corrigez cette valeur"))?;
    let app = App::start(settings, fetcher, clock).await?;
    let store = &app.service.store;
    let of = match &told.of {
        Some(notice) => Some(known(store.notice(notice).await?, notice, "--of")?),
        None => None,
    };
    let Some(procedure) = contract_by_hand::say(&app.service, of.as_ref(), &told.said()?, today).await? else {
        return print("Rien de nouveau : ce contrat était déjà connu ainsi\n");
    };
    let mut out = String::new();
    for row in store.contracts_of(&procedure).await? {
        out.push_str(&in_words(&row.contract, today));
    }
    print(&out)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_holder_has_a_number_or_none_never_a_wrong_one() {
        #[derive(Debug, clap::Parser)]
        struct Line {
            #[command(flatten)]
            told: Told,
        }
        let told = |line: &str| <Line as clap::Parser>::try_parse_from(line.split(' ')).unwrap().told.said();
        let said = told("add --holder Martin --holder-siret 55204599900869 --holder Durand").unwrap();
        let ids: Vec<Option<&str>> = said.holders.iter().map(|h| h.id.as_deref()).collect();
        assert_eq!(ids, [Some("55204599900869"), None]);
        assert_eq!(told("add --holder Martin --holder-siret 12").unwrap_err().place, "--holder-siret");
    }
}

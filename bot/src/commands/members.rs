//! `vigie members`: who speaks for a structure, and who asks to.

use vigie_config::settings::Settings;
use vigie_domain::{Buyer, Subscriber};
use vigie_notifier::card::short;
use vigie_service::{Clock, Failure, membership};
use vigie_store::Store;
use vigie_watcher::fetch::Fetcher;

use super::ask;
use super::output::{Listing, OutputArg, print};
use super::person;
use crate::setup::App;

#[derive(Debug, clap::Subcommand)]
pub(super) enum Action {
    /// Énumère les membres d’une structure
    List {
        /// SIRET de la structure
        siret: String,
        #[command(flatten)]
        output: OutputArg,
    },
    /// Énumère les personnes qui disent parler pour une structure et attendent une réponse
    Claims {
        #[command(flatten)]
        output: OutputArg,
    },
    /// Accepte : la personne partage les décisions de la structure, ses membres sont prévenus
    Approve {
        /// Identifiant, nom ou adresse de la personne
        subscriber: String,
        /// Ne demande pas confirmation quand la structure a déjà des membres
        #[arg(long)]
        yes: bool,
    },
    /// Refuse : rien n’est partagé
    Refuse {
        /// Identifiant, nom ou adresse de la personne
        subscriber: String,
    },
}

pub(super) async fn run(settings: Settings, action: Action) -> Result<(), Failure> {
    let fetcher = Fetcher::http(&settings.fetch).map_err(|e| Failure::usage(e, "[fetch]", "corrigez cette valeur"))?;
    let app = App::start(settings, fetcher, Clock::from_environment()?).await?;
    match action {
        Action::List { siret, output } => {
            let written = siret;
            let siret = Buyer::clean_siret(&written).filter(|n| n.len() == 14).ok_or_else(|| {
                let what = format!("« {written} » n’est pas un SIRET");
                Failure::usage(what, "vigie members list", "écrivez ses quatorze chiffres")
            })?;
            let what = format!("membres de {siret}");
            app.service.store.saw(&person::operator(), "", &what, app.service.clock.now()).await?;
            let members = membership::members(&app.service, &siret).await?;
            let rows = members.into_iter().map(|p| vec![p.id.into(), p.name.into()]).collect();
            Listing { columns: &[("id", "personne"), ("name", "nom")], rows }.print(output)
        }
        Action::Claims { output } => {
            app.service.store.saw(&person::operator(), "", "members claims", app.service.clock.now()).await?;
            let rows = membership::claims(&app.service)
                .await?
                .into_iter()
                .map(|c| vec![c.person.id.into(), c.person.name.into(), c.siret.into(), named(&c.members).into()])
                .collect();
            let columns = &[("id", "personne"), ("name", "nom"), ("siret", "SIRET"), ("members", "membres")];
            Listing { columns, rows }.print(output)
        }
        Action::Approve { subscriber, yes } => settle(&app, &subscriber, true, yes).await,
        Action::Refuse { subscriber } => settle(&app, &subscriber, false, true).await,
    }
}

async fn settle(app: &App, key: &str, approved: bool, yes: bool) -> Result<(), Failure> {
    let place = if approved { "vigie members approve" } else { "vigie members refuse" };
    let person = person::find(&app.service.store, key, place).await?;
    let Some(siret) = person.profile.claimed_siret.clone() else {
        let fix = "vigie members claims énumère celles qui attendent";
        return Err(Failure::usage("cette personne ne demande rien", place, fix));
    };
    if approved {
        ask_to_join(&app.service.store, &siret, &person.name, yes, place).await?;
    }
    membership::settle(&app.service, &person::operator(), &person, approved).await?;
    print(if approved {
        "Demande acceptée ; la personne et ses collègues sont prévenus\n"
    } else {
        "Demande refusée\n"
    })
}

/// Shows who speaks for a structure already, and asks whether somebody is to join them: on the terminal, elsewhere by `yes`.
///
/// # Errors
/// It is refused, or nobody was there to say so.
pub(super) async fn ask_to_join(store: &Store, siret: &str, who: &str, yes: bool, place: &str) -> Result<(), Failure> {
    let mut members = Vec::new();
    for id in store.members(siret).await? {
        members.extend(store.subscriber(&id).await?);
    }
    if members.is_empty() || yes {
        return Ok(());
    }
    let named = named(&members);
    let somebody = if who.is_empty() { "Cette personne" } else { who };
    if ask::agreed(&format!("{somebody} partagera les décisions de la structure {siret}, dont sont déjà : {named}."))
    {
        return Ok(());
    }
    let what = format!("la structure {siret} a déjà des membres : {named}");
    Err(Failure::usage(what, place, "si la personne en est, ajoutez --yes"))
}

fn named(members: &[Subscriber]) -> String {
    members.iter().map(|p| format!("{} ({})", short(&p.name, 40), p.id)).collect::<Vec<_>>().join(", ")
}

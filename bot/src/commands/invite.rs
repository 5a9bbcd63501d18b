//! `vigie invite`: one-use codes that let a person's chat in.

use chrono::Duration;
use vigie_config::settings::Settings;
use vigie_domain::Buyer;
use vigie_domain::subscription::Role;
use vigie_store::invitations::NewInvitation;

use super::output::{Cell, Listing, OutputArg, local, parse_word, print, wrote};
use crate::setup;
use vigie_service::{Clock, Failure, invitations};

/// Longest life of a code, in days.
const MAX_DAYS: i64 = 365;

#[derive(Debug, clap::Args)]
pub(super) struct InviteArgs {
    #[command(subcommand)]
    action: Option<Action>,
    #[command(flatten)]
    new: New,
}

#[derive(Debug, clap::Subcommand)]
enum Action {
    /// Énumère les invitations ; leurs codes ne sont gardés nulle part
    List {
        #[command(flatten)]
        output: OutputArg,
    },
    /// Retire une invitation qui n’a pas servi
    Revoke {
        /// Son nom, tel que « vigie invite list » le donne
        name: String,
    },
}

#[derive(Debug, clap::Args)]
struct New {
    /// Rôle de la personne invitée : structure, facilitator, network, subscriber, operator
    #[arg(long, value_parser = parse_word::<Role>)]
    role: Option<Role>,
    /// Comment l’appeler ; sans lui, le nom qu’elle porte dans le chat
    #[arg(long, default_value = "")]
    name: String,
    /// SIRET de la structure dont elle partage les décisions
    #[arg(long)]
    siret: Option<String>,
    /// Ne demande pas confirmation quand la structure a déjà des membres
    #[arg(long)]
    yes: bool,
    /// Personne déjà connue (identifiant, nom ou adresse) à qui ce chat appartiendra
    #[arg(long, conflicts_with_all = ["role", "name", "siret"])]
    subscriber: Option<String>,
    /// Durée de validité, en jours
    #[arg(long, default_value_t = invitations::DAYS)]
    days: i64,
}

pub(super) async fn run(settings: &Settings, args: InviteArgs) -> Result<(), Failure> {
    let store = setup::open_store(settings).await?;
    let now = Clock::from_environment()?.now();
    match args.action {
        Some(Action::List { output }) => {
            let rows = store
                .invitations()
                .await?
                .into_iter()
                .map(|i| {
                    let state = match i.used {
                        Some(at) => format!("acceptée le {}", local(at)),
                        None if i.what.expires <= now => "périmée".to_owned(),
                        None => format!("valable jusqu’au {}", local(i.what.expires)),
                    };
                    let role = serde_json::to_string(&i.what.role).unwrap_or_default().trim_matches('"').to_owned();
                    vec![
                        i.name.into(),
                        role.into(),
                        i.what.name.into(),
                        i.what.siret.unwrap_or_default().into(),
                        Cell::Both(state, serde_json::json!({"expires": i.what.expires, "used": i.used})),
                    ]
                })
                .collect();
            let columns =
                &[("id", "invitation"), ("role", "rôle"), ("name", "nom"), ("siret", "SIRET"), ("state", "état")];
            Listing { columns, rows }.print(output)
        }
        Some(Action::Revoke { name }) => {
            if store.revoke_invitation(&name).await? {
                return print(&format!("Invitation {name} retirée : son code ne sert plus\n"));
            }
            let fix = "vigie invite list les énumère ; une invitation acceptée se défait par vigie erase";
            Err(Failure::usage(format!("aucune invitation {name} à retirer"), "vigie invite revoke", fix))
        }
        None => {
            invite(settings, &store, args.new, now).await?;
            wrote(settings)
        }
    }
}

/// The bot's name, where it can be reached.
#[cfg(feature = "telegram")]
async fn telegram_name(settings: &Settings) -> Option<String> {
    let chats = vigie_delivery::channels::telegram::Chats::open(settings.telegram.as_ref()?).ok()?;
    let asked = tokio::time::timeout(std::time::Duration::from_secs(5), chats.bot.me()).await;
    asked.ok()?.ok().map(|me| me.username.clone())
}

async fn invite(
    settings: &Settings,
    store: &vigie_store::Store,
    new: New,
    now: chrono::DateTime<chrono::Utc>,
) -> Result<(), Failure> {
    let place = "vigie invite";
    if !(1..=MAX_DAYS).contains(&new.days) {
        return Err(Failure::usage(format!("durée « {} » impossible", new.days), "--days", "de 1 à 365 jours"));
    }
    let siret = match &new.siret {
        None => None,
        Some(written) => Some(Buyer::clean_siret(written).filter(|n| n.len() == 14).ok_or_else(|| {
            Failure::usage(format!("« {written} » n’est pas un SIRET"), "--siret", "écrivez ses quatorze chiffres")
        })?),
    };
    if let Some(siret) = &siret {
        super::members::ask_to_join(store, siret, &new.name, new.yes, place).await?;
    }
    let subscriber = match &new.subscriber {
        None => None,
        Some(key) => Some(super::person::find(store, key, "--subscriber").await?),
    };
    let role = match (new.role, &subscriber) {
        (Some(role), _) => role,
        (None, Some(person)) => person.role,
        (None, None) => {
            let fix = "ajoutez --role structure (ou facilitator, network, subscriber, operator), ou --subscriber";
            return Err(Failure::usage("rôle manquant", place, fix));
        }
    };
    let expires = now + Duration::days(new.days);
    let who = subscriber.map(|p| p.id);
    let whom = who.clone().unwrap_or_default();
    let code = store.invite(&NewInvitation { role, name: new.name, siret, subscriber: who, expires }, now).await?;
    let said = format!("code d’invitation créé, par {}", super::person::operator());
    store.note("person", &whom, &said, now).await?;
    let mut ways: Vec<String> = Vec::new();
    #[cfg(feature = "telegram")]
    if let Some(bot) = telegram_name(settings).await {
        ways.push(format!("sur Telegram, ouvrez https://t.me/{bot}?start={code} et appuyez sur « Démarrer »"));
    }
    if let Some(matrix) = &settings.matrix {
        ways.push(format!("sur Tchap, Element ou Matrix, invitez {} et envoyez-lui : /start {code}", matrix.user));
    }
    print(&format!("Code : {code}\nValable une fois, jusqu’au {}.", local(expires)))?;
    if settings.telegram.is_none() && settings.matrix.is_none() {
        return print(
            " Aucun chat n’est configuré ici : il ne mènera quelque part qu’une fois [telegram] ou [matrix] réglé.\nPar courriel, invitez à la page Exploitation › Personnes › Inviter, ou par vigie subscriptions add --email.\n",
        );
    }
    if ways.is_empty() {
        ways.push(format!("ouvrez une conversation avec Vigie, et envoyez-lui : /start {code}"));
    }
    print(&format!(
        " À envoyer à la personne, avec ces mots :\n\n« Pour recevoir les alertes de Vigie : {}. »\n",
        ways.join(" ; ou ")
    ))
}

//! `vigie token` and `vigie sign-in`: what lets a program or a person in, made by the operator.

use chrono::Duration;
use vigie_config::settings::Settings;
use vigie_domain::Subscriber;
use vigie_store::tokens::Scope;
use vigie_watcher::fetch::Fetcher;

use super::output::print;
use crate::setup::App;
use vigie_service::Clock;
use vigie_service::Failure;
use vigie_service::sign_in;
use vigie_web::account;

/// Days a token lasts.
const LASTS: u16 = 365;

#[derive(Debug, clap::Args)]
pub(super) struct TokenArgs {
    /// Identifiant, nom ou adresse de la personne pour qui le programme agit
    #[arg(long)]
    subscriber: String,
    /// Nom du jeton, pour le reconnaître
    #[arg(long)]
    name: String,
    /// Droit (répétable) : procedures, subscriptions, subscriptions:write, decisions, decisions:write
    #[arg(long = "scope", required = true, value_parser = scope)]
    scopes: Vec<Scope>,
    /// Jours pendant lesquels il sert
    #[arg(long, default_value_t = LASTS, value_parser = clap::value_parser!(u16).range(1..=3650))]
    days: u16,
}

fn scope(text: &str) -> Result<Scope, String> {
    Scope::OF_PROGRAMS.into_iter().find(|s| s.as_str() == text).ok_or_else(|| format!("droit inconnu « {text} »"))
}

async fn open(settings: Settings) -> Result<App, Failure> {
    let fetcher = Fetcher::http(&settings.fetch).map_err(|e| Failure::usage(e, "[fetch]", "corrigez cette valeur"))?;
    App::start(settings, fetcher, Clock::from_environment()?).await
}

async fn person(app: &App, key: &str, place: &str) -> Result<Subscriber, Failure> {
    app.service.store.find_subscriber(key).await?.ok_or_else(|| {
        let fix = "vigie subscriptions list énumère les personnes";
        Failure::usage(format!("personne « {key} » inconnue"), place, fix)
    })
}

pub(super) async fn token(settings: Settings, args: &TokenArgs) -> Result<(), Failure> {
    let app = open(settings).await?;
    let person = person(&app, &args.subscriber, "vigie token").await?;
    let expires = app.service.clock.now() + Duration::days(i64::from(args.days));
    let secret = account::make_token(&app.service, &person.id, &args.name, &args.scopes, Some(expires)).await?;
    print(&format!("{secret}\n"))
}

pub(super) async fn sign_in(settings: Settings, subscriber: &str) -> Result<(), Failure> {
    let place = "vigie sign-in";
    let app = open(settings).await?;
    let person = person(&app, subscriber, place).await?;
    let address = app.service.store.active_addresses(&person.id).await?.into_iter().next().ok_or_else(|| {
        Failure::usage("cette personne n’a aucune adresse en service", place, "donnez-lui-en une d’abord")
    })?;
    let link = sign_in::link(&app.service, &address).await?.ok_or_else(|| {
        let fix = "donnez public_url et secret (au moins 16 caractères) au bloc [web]";
        Failure::usage("cette installation ne signe pas de lien", "[web]", fix)
    })?;
    print(&format!("{link}\n"))
}

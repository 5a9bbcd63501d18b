//! `vigie token`, `vigie sign-in`: what lets a program or a person in, made by the operator; `vigie access`: what is open, and
//! its end. Acting for somebody is noted, and they are told.

use chrono::Duration;
use vigie_config::settings::Settings;
use vigie_store::tokens::Scope;
use vigie_watcher::fetch::Fetcher;

use super::output::{Cell, Listing, OutputArg, print};
use super::person;
use crate::setup::App;
use vigie_service::Clock;
use vigie_service::Failure;
use vigie_service::{on_behalf, sign_in};
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
    /// Droit (répétable) : procedures, subscriptions, subscriptions:write, decisions, decisions:write, alerts
    #[arg(long = "scope", required = true, value_parser = scope)]
    scopes: Vec<Scope>,
    /// Jours pendant lesquels il sert
    #[arg(long, default_value_t = LASTS, value_parser = clap::value_parser!(u16).range(1..=3650))]
    days: u16,
}

/// Most rows shown.
const MOST_LISTED: i64 = 1000;

#[derive(Debug, clap::Subcommand)]
pub(super) enum Action {
    /// Énumère les connexions, les jetons et les liens privés ouverts
    List {
        /// Ceux d’une seule personne : identifiant, nom ou adresse
        #[arg(long)]
        subscriber: Option<String>,
        #[command(flatten)]
        output: OutputArg,
    },
    /// Ferme des accès ; leur propriétaire est prévenu
    Revoke {
        /// Leurs noms, tels que « vigie access list » les donne
        #[arg(required_unless_present = "subscriber", conflicts_with = "subscriber")]
        names: Vec<String>,
        /// Tous ceux d’une personne : identifiant, nom ou adresse
        #[arg(long)]
        subscriber: Option<String>,
    },
}

fn scope(text: &str) -> Result<Scope, String> {
    Scope::OF_PROGRAMS.into_iter().find(|s| s.as_str() == text).ok_or_else(|| format!("droit inconnu « {text} »"))
}

async fn open(settings: Settings) -> Result<App, Failure> {
    let fetcher = Fetcher::http(&settings.fetch).map_err(|e| Failure::usage(e, "[fetch]", "corrigez cette valeur"))?;
    App::start(settings, fetcher, Clock::from_environment()?).await
}

pub(super) async fn token(settings: Settings, args: &TokenArgs) -> Result<(), Failure> {
    let place = "vigie token";
    let app = open(settings).await?;
    let person = person::find(&app.service.store, &args.subscriber, place).await?;
    if let Some(beyond) = args.scopes.iter().find(|wanted| !account::scopes_of(&person).any(|s| s == **wanted)) {
        let what =
            format!("cette personne ({}) ne peut pas donner le droit « {} »", person.role.in_french(), beyond.as_str());
        return Err(Failure::usage(what, place, "retirez ce droit, ou changez d’abord son rôle"));
    }
    let expires = app.service.clock.now() + Duration::days(i64::from(args.days));
    let made = account::make_token(&app.service, &person.id, &args.name, &args.scopes, Some(expires)).await?;
    let Some(secret) = made else {
        let fix = "vigie access list les énumère, vigie access revoke en retire";
        return Err(Failure::usage("cette personne a trop de jetons et de liens", place, fix));
    };
    let scopes: Vec<&str> = args.scopes.iter().map(|s| s.in_french()).collect();
    let body = format!(
        "Un jeton agit en votre nom\nLa personne qui gère Vigie a créé pour un programme le jeton « {} » : {}. Si vous ne l’avez pas demandé, retirez-le sur la page Mon compte et dites-le-lui.",
        args.name,
        scopes.join(", ")
    );
    let what = format!("jeton « {} » : {}", args.name, scopes.join(", "));
    on_behalf::acted(&app.service, &person::operator(), &person.id, &what, &body).await?;
    print(&format!("{secret}\n"))
}

pub(super) async fn sign_in(settings: Settings, subscriber: &str) -> Result<(), Failure> {
    let place = "vigie sign-in";
    let app = open(settings).await?;
    let person = person::find(&app.service.store, subscriber, place).await?;
    let address = app.service.store.active_addresses(&person.id).await?.into_iter().next().ok_or_else(|| {
        Failure::usage("cette personne n’a aucune adresse en service", place, "donnez-lui-en une d’abord")
    })?;
    let link = sign_in::link(&app.service, &address).await?.ok_or_else(|| {
        let fix = "donnez public_url et secret (au moins 16 caractères) au bloc [web]";
        Failure::usage("cette installation ne signe pas de lien", "[web]", fix)
    })?;
    let body = "Un lien vers vos pages a été fait pour vous\nLa personne qui gère Vigie a fait un lien qui ouvre vos pages, une fois, dans la demi-heure, pour vous le donner. Si vous ne le lui avez pas demandé, dites-le-lui ; la page Mon compte ferme toutes vos connexions.";
    on_behalf::acted(&app.service, &person::operator(), &person.id, "lien pour entrer, fait pour elle", body).await?;
    print(&format!("{link}\n"))
}

pub(super) async fn run(settings: Settings, action: Action) -> Result<(), Failure> {
    let app = open(settings).await?;
    match action {
        Action::List { subscriber, output } => list(&app, subscriber.as_deref(), output).await,
        Action::Revoke { names, subscriber: None } => revoke(&app, &names).await,
        Action::Revoke { subscriber: Some(key), .. } => revoke_all(&app, &key).await,
    }
}

async fn list(app: &App, key: Option<&str>, output: OutputArg) -> Result<(), Failure> {
    let store = &app.service.store;
    let person = match key {
        Some(key) => Some(person::find(store, key, "vigie access list").await?),
        None => None,
    };
    let whom = person.as_ref().map(|p| p.id.as_str());
    let now = app.service.clock.now();
    store.saw(&person::operator(), whom.unwrap_or_default(), "access list", now).await?;
    let mut rows = Vec::new();
    for open in store.open_access(whom, MOST_LISTED, now).await? {
        let owner = store.subscriber(&open.subscriber).await?.map_or_else(|| open.subscriber.clone(), |p| p.name);
        rows.push(vec![
            open.id.into(),
            if open.scopes.is_empty() { "connexion".to_owned() } else { open.scopes }.into(),
            open.name.into(),
            owner.into(),
            Cell::Moment(Some(open.created)),
            Cell::Moment(open.used),
            Cell::Moment(open.expires),
        ]);
    }
    let columns = &[
        ("id", "accès"),
        ("scopes", "droits"),
        ("name", "nom"),
        ("person", "personne"),
        ("opened", "ouvert"),
        ("used", "dernier usage"),
        ("expires", "fin"),
    ];
    Listing { columns, rows }.print(output)
}

async fn revoke(app: &App, names: &[String]) -> Result<(), Failure> {
    let mut unknown = Vec::new();
    for name in names {
        match app.service.store.revoke(name).await? {
            Some(owner) => {
                on_behalf::acted(&app.service, &person::operator(), &owner, "accès fermé", on_behalf::REVOKED).await?
            }
            None => unknown.push(name.as_str()),
        }
    }
    if unknown.is_empty() {
        return print(&closed(names.len() as u64));
    }
    let fix = "vigie access list les énumère";
    Err(Failure::usage(format!("aucun accès {}", unknown.join(", ")), "vigie access revoke", fix))
}

async fn revoke_all(app: &App, key: &str) -> Result<(), Failure> {
    let person = person::find(&app.service.store, key, "vigie access revoke").await?;
    let ended = app.service.store.revoke_all(&person.id).await?;
    on_behalf::acted(&app.service, &person::operator(), &person.id, "tous les accès fermés", on_behalf::REVOKED)
        .await?;
    print(&closed(ended))
}

fn closed(n: impl Into<u64>) -> String {
    let n: u64 = n.into();
    format!("{n}\u{a0}accès fermé{}\n", if n > 1 { "s" } else { "" })
}

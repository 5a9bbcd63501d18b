//! The command line. Texts for people are in French; exit codes: 0 done, 1 failed, 2 wrong usage or configuration.

mod access;
mod check;
mod classify;
pub(crate) mod config_arg;
mod contracts;
mod criteria;
mod directory;
pub mod french;
mod inspect;
mod invite;
mod leads;
mod members;
pub(crate) mod output;
mod person;
mod personal;
pub mod read;
mod run;
mod subscriptions;
mod verdict;

use std::path::PathBuf;

use clap::{Parser, Subcommand};
use vigie_config::settings::Settings;
use vigie_service::Failure;

use crate::setup;
use config_arg::{ConfigArg, logs};
use output::print;

/// Vigie : veille des marchés publics pour l’insertion et le handicap.
#[derive(Debug, Parser)]
#[command(name = "vigie", version, about, disable_help_subcommand = true)]
pub struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Montre Vigie au travail sur des avis d’exemple, sans réglage ni réseau
    Demo {
        /// Adresse de la page locale
        #[arg(long, default_value = "127.0.0.1:8765")]
        listen: String,
        /// S’arrête après la dernière alerte, sans servir la page
        #[arg(long)]
        once: bool,
    },
    /// Le service : veille, alertes, page
    Run(run::RunArgs),
    /// Vérifie la configuration
    Check {
        #[command(flatten)]
        config: ConfigArg,
        /// Essaie aussi chaque source et chaque canal
        #[arg(long)]
        connect: bool,
    },
    /// Juge des avis lus dans des fichiers
    Classify(classify::ClassifyArgs),
    /// Lit les fichiers d’une consultation : ce qu’ils offrent, demandent et contredisent, avec fichier et page
    Read(read::ReadArgs),
    /// Les sources et leur santé
    Sources {
        #[command(flatten)]
        config: ConfigArg,
        #[command(subcommand)]
        action: Option<SourcesAction>,
    },
    /// Les abonnements
    Subscriptions {
        #[command(flatten)]
        config: ConfigArg,
        #[command(subcommand)]
        action: Option<subscriptions::Action>,
    },
    /// Les envois : ce qui est parti, attend ou a échoué
    Deliveries {
        #[command(flatten)]
        config: ConfigArg,
        #[command(subcommand)]
        action: Option<DeliveriesAction>,
    },
    /// Pourquoi une personne a, ou n’a pas, reçu un avis
    Why {
        #[command(flatten)]
        config: ConfigArg,
        /// Numéro de l’avis, tel que 26-12345 ou boamp:26-12345
        #[arg(long)]
        notice: String,
        /// Identifiant, nom ou adresse de la personne
        #[arg(long)]
        subscriber: String,
    },
    /// Corrige un verdict ; ceux qui l’avaient reçu sont prévenus
    Verdict {
        #[command(flatten)]
        config: ConfigArg,
        #[command(subcommand)]
        action: verdict::Action,
    },
    /// Les annuaires : structures, facilitateurs, acheteurs engagés
    Directory {
        #[command(flatten)]
        config: ConfigArg,
        #[command(subcommand)]
        action: directory::Action,
    },
    /// Les pistes ajoutées à la main : un lien, un appel, un acheteur privé
    Leads {
        #[command(flatten)]
        config: ConfigArg,
        #[command(subcommand)]
        action: leads::Action,
    },
    /// Les contrats attribués : titulaire, fin au plus tard, heures dues
    Contracts {
        #[command(flatten)]
        config: ConfigArg,
        #[command(subcommand)]
        action: contracts::Action,
    },
    /// Invite une personne : un code à usage unique relie son chat (Telegram, Matrix)
    Invite {
        #[command(flatten)]
        config: ConfigArg,
        #[command(flatten)]
        args: invite::InviteArgs,
    },
    /// Donne, en JSON, tout ce que Vigie sait d’une personne
    Export {
        #[command(flatten)]
        config: ConfigArg,
        /// Identifiant, nom ou adresse de la personne
        #[arg(long)]
        subscriber: String,
    },
    /// Efface une personne et tout ce que Vigie en sait
    Erase {
        #[command(flatten)]
        config: ConfigArg,
        /// Identifiant, nom ou adresse de la personne
        #[arg(long)]
        subscriber: String,
        /// Ne demande pas confirmation
        #[arg(long)]
        yes: bool,
    },
    /// Crée un jeton par lequel un programme agit pour une personne, et l’écrit une fois
    Token {
        #[command(flatten)]
        config: ConfigArg,
        #[command(flatten)]
        args: access::TokenArgs,
    },
    /// Donne un lien par lequel une personne entre dans ses pages, une fois, dans la demi-heure
    SignIn {
        #[command(flatten)]
        config: ConfigArg,
        /// Identifiant, nom ou adresse de la personne
        #[arg(long)]
        subscriber: String,
    },
    /// Ce qui est ouvert au nom des personnes (connexions, jetons, liens privés), et sa fermeture
    Access {
        #[command(flatten)]
        config: ConfigArg,
        #[command(subcommand)]
        action: access::Action,
    },
    /// Qui parle pour une structure, et qui demande à le faire
    Members {
        #[command(flatten)]
        config: ConfigArg,
        #[command(subcommand)]
        action: members::Action,
    },
    /// Copie la base SQLite dans un fichier
    Backup {
        #[command(flatten)]
        config: ConfigArg,
        /// Fichier à créer
        file: PathBuf,
    },
}

#[derive(Debug, Subcommand)]
enum SourcesAction {
    /// Énumère les sources, leur santé et les lecteurs disponibles
    List,
    /// Interroge une source et montre ce qu’elle donne, sans rien garder
    Test {
        /// Nom de la source
        id: String,
    },
}

#[derive(Debug, Subcommand)]
enum DeliveriesAction {
    /// Énumère les envois
    List {
        /// Un seul état : pending, claimed, sent, deferred, ambiguous, dead, cancelled, superseded
        #[arg(long)]
        state: Option<String>,
        /// Nombre de lignes
        #[arg(long, default_value_t = 50)]
        limit: i64,
    },
    /// Montre un envoi et ses tentatives
    Show {
        /// Identifiant de l’envoi, ou son début tel que la liste le montre
        id: String,
    },
    /// Remet en file des envois refusés, annulés, ou dont la réponse est perdue
    Replay {
        /// Identifiants, ou leur début tel que la liste le montre
        #[arg(required = true)]
        ids: Vec<String>,
        /// Remet d’abord en service une adresse que son serveur avait refusée
        #[arg(long)]
        reactivate: bool,
    },
}

/// Runs a command.
///
/// # Errors
/// What failed, where, what to do.
pub async fn run(cli: Cli) -> Result<(), Failure> {
    match cli.command {
        Command::Demo { listen, once } => {
            logs(&Settings::default(), "warn")?;
            crate::demo::run(&listen, once, run::stopped()).await
        }
        Command::Run(args) => run::run(args).await,
        Command::Check { config, connect } => check::check(config.config.as_deref(), connect).await,
        Command::Classify(args) => classify::classify(&args),
        Command::Read(args) => read::read(&args).await,
        Command::Sources { config, action } => {
            let settings = config.settings()?;
            match action.unwrap_or(SourcesAction::List) {
                SourcesAction::List => inspect::list_sources(&settings).await,
                SourcesAction::Test { id } => inspect::test_source(&settings, &id).await,
            }
        }
        Command::Subscriptions { config, action } => {
            subscriptions::run(&config.settings()?, action.unwrap_or(subscriptions::Action::List)).await
        }
        Command::Deliveries { config, action } => {
            let settings = config.settings()?;
            match action.unwrap_or(DeliveriesAction::List { state: None, limit: 50 }) {
                DeliveriesAction::List { state, limit } => {
                    inspect::list_deliveries(&settings, state.as_deref(), limit).await
                }
                DeliveriesAction::Show { id } => inspect::show_delivery(&settings, &id).await,
                DeliveriesAction::Replay { ids, reactivate } => inspect::replay(&settings, &ids, reactivate).await,
            }
        }
        Command::Why { config, notice, subscriber } => inspect::why(&config.settings()?, &notice, &subscriber).await,
        Command::Verdict { config, action } => verdict::run(config.settings()?, action).await,
        Command::Directory { config, action } => directory::run(&config.settings()?, action).await,
        Command::Leads { config, action } => leads::run(config.settings()?, action).await,
        Command::Contracts { config, action } => contracts::run(config.settings()?, action).await,
        Command::Invite { config, args } => invite::run(&config.settings()?, args).await,
        Command::Export { config, subscriber } => personal::export(config.settings()?, &subscriber).await,
        Command::Erase { config, subscriber, yes } => personal::erase(config.settings()?, &subscriber, yes).await,
        Command::Token { config, args } => access::token(config.settings()?, &args).await,
        Command::SignIn { config, subscriber } => access::sign_in(config.settings()?, &subscriber).await,
        Command::Access { config, action } => access::run(config.settings()?, action).await,
        Command::Members { config, action } => members::run(config.settings()?, action).await,
        Command::Backup { config, file } => {
            let store = setup::open_store(&config.settings()?).await?;
            let place = file.display().to_string();
            store.backup(&place).await.map_err(|e| {
                Failure::new(
                    e.to_string(),
                    &place,
                    "choisissez un fichier qui n’existe pas encore, dans un dossier où vous pouvez écrire",
                )
            })?;
            print(&format!("Base copiée dans {}\n", file.display()))
        }
    }
}

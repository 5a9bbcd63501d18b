//! The command line. Texts for people are in French; exit codes: 0 done, 1 failed, 2 wrong usage or configuration.

mod access;
mod aside;
mod ask;
mod backup;
mod check;
mod classify;
pub(crate) mod config_arg;
mod contracts;
mod criteria;
mod directory;
mod doctor;
pub mod french;
mod generated;
mod held;
mod init;
mod inspect;
mod invite;
mod leads;
mod members;
pub(crate) mod output;
mod person;
mod personal;
mod progress;
pub mod read;
mod reload;
mod run;
mod signals;
mod subscriptions;
mod verdict;

use clap::{Parser, Subcommand};
use vigie_config::settings::Settings;
pub use vigie_doctor::version;
use vigie_service::Failure;

use config_arg::{ConfigArg, logs};
use output::{OutputArg, print};

/// Vigie : veille des marchés publics pour l’insertion et le handicap.
#[derive(Debug, Parser)]
#[command(name = "vigie", version = version(), about, disable_help_subcommand = true)]
pub struct Cli {
    #[command(subcommand)]
    command: Option<Command>,
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
    /// Règle une installation : questions, ou options ; n’écrit jamais sur ce qui est là
    Init(Box<init::InitArgs>),
    /// Le service : veille, alertes, page
    Run(run::RunArgs),
    /// Vérifie la configuration
    Check {
        #[command(flatten)]
        config: ConfigArg,
        /// Essaie aussi chaque source et chaque canal
        #[arg(long)]
        connect: bool,
        #[command(flatten)]
        output: OutputArg,
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
        #[command(flatten)]
        output: OutputArg,
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
    /// Sauvegarde la base SQLite et le compte Matrix, et relit la copie
    Backup {
        #[command(flatten)]
        config: ConfigArg,
        #[command(flatten)]
        args: backup::BackupArgs,
    },
    /// Remet une sauvegarde en place ; rien n’est envoyé avant que vous ne le disiez
    Restore {
        #[command(flatten)]
        config: ConfigArg,
        #[command(flatten)]
        args: backup::RestoreArgs,
    },
    /// Met la base à l’étape de ce programme, après une copie
    Upgrade {
        #[command(flatten)]
        config: ConfigArg,
        #[command(flatten)]
        args: backup::UpgradeArgs,
    },
    /// Dit comment va l’installation, et que faire de ce qui ne va pas
    Doctor {
        #[command(flatten)]
        config: ConfigArg,
        #[command(flatten)]
        args: doctor::DoctorArgs,
    },
    /// Écrit ce qui complète les commandes dans votre interprète (bash, zsh, fish…)
    Completions(generated::CompletionsArgs),
    /// Écrit les pages de manuel
    Man(generated::ManArgs),
}

#[derive(Debug, Subcommand)]
enum SourcesAction {
    /// Énumère les sources, leur santé et les lecteurs disponibles
    List {
        #[command(flatten)]
        output: OutputArg,
    },
    /// Énumère ce qui n’a pas pu être lu, et qui est gardé tel que reçu
    Aside {
        /// D’une seule source
        #[arg(long)]
        source: Option<String>,
        #[command(flatten)]
        output: OutputArg,
    },
    /// Relit ce qui n’avait pas pu être lu : après une mise à jour, ou une page réparée
    Retry {
        /// Identifiants, tels que la liste les montre ; sans eux, tout est relu
        ids: Vec<String>,
        /// D’une seule source
        #[arg(long, conflicts_with = "ids")]
        source: Option<String>,
    },
    /// Interroge une source et montre ce qu’elle donne, sans rien garder
    Test {
        /// Nom de la source
        id: String,
        #[command(flatten)]
        output: OutputArg,
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
        #[arg(long, default_value_t = DELIVERIES_LISTED, value_parser = clap::value_parser!(i64).range(1..=100_000))]
        limit: i64,
        #[command(flatten)]
        output: OutputArg,
    },
    /// Montre un envoi et ses tentatives
    Show {
        /// Identifiant de l’envoi, ou son début tel que la liste le montre
        id: String,
        #[command(flatten)]
        output: OutputArg,
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
    /// Énumère ce qui est retenu après une restauration
    Held {
        #[command(flatten)]
        output: OutputArg,
    },
    /// Retire, de ce qui est retenu, ce qui a déjà été reçu
    Drop(held::DropArgs),
    /// Laisse partir ce qui est retenu
    Release,
}

/// Deliveries shown unless told otherwise.
const DELIVERIES_LISTED: i64 = 50;

/// What `vigie` alone says: where one begins.
fn next_steps() -> String {
    format!(
        "Vigie {} : veille des marchés publics pour l’insertion et le handicap.\n\n\
         1. Voir ce que cela donne, sans réglage ni réseau : vigie demo\n\
         2. Régler cette installation, en répondant à quelques questions : vigie init\n\
         3. Vérifier que tout va, puis lancer : vigie doctor, puis vigie run\n\n\
         Toutes les commandes : vigie --help\n",
        version()
    )
}

/// Runs a command.
///
/// # Errors
/// What failed, where, what to do.
pub async fn run(cli: Cli) -> Result<(), Failure> {
    let Some(command) = cli.command else { return print(&next_steps()) };
    match command {
        Command::Demo { listen, once } => {
            logs(&Settings::default(), "warn")?;
            crate::demo::run(&listen, once, async { signals::Stops::listen().asked().await }).await
        }
        Command::Init(args) => init::init(*args).await,
        Command::Run(args) => run::run(args).await,
        Command::Check { config, connect, output } => check::check(config.path().as_deref(), connect, output).await,
        Command::Classify(args) => classify::classify(&args),
        Command::Read(args) => read::read(&args).await,
        Command::Sources { config, action } => {
            let settings = config.settings()?;
            match action.unwrap_or(SourcesAction::List { output: OutputArg::default() }) {
                SourcesAction::List { output } => inspect::list_sources(&settings, output).await,
                SourcesAction::Aside { source, output } => aside::list(&settings, source.as_deref(), output).await,
                SourcesAction::Retry { ids, source } => {
                    logs(&settings, "warn")?;
                    aside::retry(settings, ids, source.as_deref()).await
                }
                SourcesAction::Test { id, output } => inspect::test_source(&settings, &id, output).await,
            }
        }
        Command::Subscriptions { config, action } => {
            let action = action.unwrap_or(subscriptions::Action::List { output: OutputArg::default() });
            subscriptions::run(&config.settings()?, action).await
        }
        Command::Deliveries { config, action } => {
            let settings = config.settings()?;
            let listed = DeliveriesAction::List { state: None, limit: DELIVERIES_LISTED, output: OutputArg::default() };
            match action.unwrap_or(listed) {
                DeliveriesAction::List { state, limit, output } => {
                    inspect::list_deliveries(&settings, state.as_deref(), limit, output).await
                }
                DeliveriesAction::Show { id, output } => inspect::show_delivery(&settings, &id, output).await,
                DeliveriesAction::Held { output } => held::list(&settings, output).await,
                DeliveriesAction::Drop(args) => held::take_out(&settings, args).await,
                DeliveriesAction::Release => held::release(&settings).await,
                DeliveriesAction::Replay { ids, reactivate } => inspect::replay(&settings, &ids, reactivate).await,
            }
        }
        Command::Why { config, notice, subscriber, output } => {
            inspect::why(&config.settings()?, &notice, &subscriber, output).await
        }
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
        Command::Backup { config, args } => backup::make(&config.settings()?, args).await,
        Command::Restore { config, args } => backup::restore(&config.settings()?, args).await,
        Command::Upgrade { config, args } => backup::upgrade(&config.settings()?, &args).await,
        Command::Doctor { config, args } => doctor::doctor(&config.settings()?, config.path().as_deref(), &args).await,
        Command::Completions(args) => generated::completions(&args),
        Command::Man(args) => generated::man(&args),
    }
}

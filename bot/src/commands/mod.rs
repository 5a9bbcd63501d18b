//! The command line. Texts for people are in French; exit codes: 0 done, 1 failed, 2 wrong usage or configuration.

mod access;
mod check;
mod classify;
mod criteria;
mod directory;
mod inspect;
mod invite;
mod leads;
mod personal;
mod run;
mod subscriptions;
mod verdict;

use std::io::{IsTerminal, Write};
use std::path::{Path, PathBuf};

use clap::{Parser, Subcommand};
use vigie_config::settings::Settings;
use vigie_watcher::sources::readers;

use crate::app::{self, Failure};

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
        /// Identifiant de l’envoi
        id: String,
    },
    /// Remet en file des envois morts, ambigus ou annulés
    Replay {
        /// Identifiants
        #[arg(required = true)]
        ids: Vec<String>,
    },
}

/// `-c FILE`
#[derive(Debug, clap::Args)]
struct ConfigArg {
    /// Fichier de configuration ; sans lui : BOAMP, alertes à l’écran, base dans le dossier de données de l’utilisateur
    #[arg(short = 'c', long = "config", env = "VIGIE_CONFIG", global = true)]
    config: Option<PathBuf>,
}

impl ConfigArg {
    fn settings(&self) -> Result<Settings, Failure> {
        if self.config.is_none() && Path::new("vigie.toml").exists() {
            // Easy to forget, and then the wrong database is looked at.
            let _ = writeln!(
                std::io::stderr(),
                "note : vigie.toml est dans ce dossier mais n’est pas lu ; ajoutez -c vigie.toml"
            );
        }
        settings(self.config.as_deref())
    }
}

/// Reads the settings file, or gives the usable default.
fn settings(path: Option<&Path>) -> Result<Settings, Failure> {
    let Some(path) = path else { return Ok(app::default_settings()) };
    vigie_config::load::read(path, &readers()).map_err(|faults| {
        let first = &faults[0];
        let line = first.line.map(|l| format!(":{l}")).unwrap_or_default();
        let more = if faults.len() > 1 {
            format!(" (et {} autres, voir vigie check)", faults.len() - 1)
        } else {
            String::new()
        };
        Failure::usage(format!("{}{more}", first.what), format!("{}{line}", first.file.display()), first.fix.clone())
    })
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
                DeliveriesAction::Replay { ids } => inspect::replay(&settings, &ids).await,
            }
        }
        Command::Why { config, notice, subscriber } => inspect::why(&config.settings()?, &notice, &subscriber).await,
        Command::Verdict { config, action } => verdict::run(config.settings()?, action).await,
        Command::Directory { config, action } => directory::run(&config.settings()?, action).await,
        Command::Leads { config, action } => leads::run(config.settings()?, action).await,
        Command::Invite { config, args } => invite::run(&config.settings()?, args).await,
        Command::Export { config, subscriber } => personal::export(config.settings()?, &subscriber).await,
        Command::Erase { config, subscriber, yes } => personal::erase(config.settings()?, &subscriber, yes).await,
        Command::Token { config, args } => access::token(config.settings()?, &args).await,
        Command::SignIn { config, subscriber } => access::sign_in(config.settings()?, &subscriber).await,
        Command::Backup { config, file } => {
            let store = app::open_store(&config.settings()?).await?;
            let place = file.display().to_string();
            store.backup(&place).await.map_err(|e| {
                Failure::new(
                    e.to_string(),
                    &place,
                    "choisissez un fichier qui n’existe pas encore, dans un dossier où vous pouvez écrire",
                )
            })?;
            vigie_store::only_for_owner(&file);
            print(&format!("Base copiée dans {}\n", file.display()))
        }
    }
}

/// Reads a word of a closed list, as JSON spells it.
fn parse_word<T: serde::de::DeserializeOwned>(text: &str) -> Result<T, String> {
    serde_json::from_value(serde_json::Value::String(text.to_owned()))
        .map_err(|_| format!("valeur inconnue « {text} »"))
}

/// Starts logging to standard error.
fn logs(settings: &Settings, default: &str) -> Result<(), Failure> {
    let filter =
        std::env::var("VIGIE_LOG").ok().or_else(|| settings.log.filter.clone()).unwrap_or_else(|| default.to_owned());
    let filter = tracing_subscriber::EnvFilter::try_new(&filter).map_err(|e| {
        Failure::usage(format!("filtre de journaux illisible : {e}"), "[log] filter", "écrivez par exemple \"info\"")
    })?;
    let builder = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_ansi(std::io::stderr().is_terminal())
        .with_writer(std::io::stderr);
    if settings.log.json {
        builder.json().init()
    } else {
        builder.init()
    }
    Ok(())
}

/// Writes to standard output; a closed pipe (`| head`) is no failure.
///
/// # Errors
/// The output cannot be written.
pub fn print(text: &str) -> Result<(), Failure> {
    let mut out = std::io::stdout().lock();
    match out.write_all(text.as_bytes()).and_then(|()| out.flush()) {
        Err(e) if e.kind() != std::io::ErrorKind::BrokenPipe => {
            Err(Failure::new(format!("sortie standard : {e}"), "sortie standard", "vérifiez la redirection"))
        }
        _ => Ok(()),
    }
}

/// Rows with aligned columns.
fn table(head: &[&str], rows: &[Vec<String>]) -> String {
    let width =
        |i: usize| rows.iter().map(|r| r[i].chars().count()).chain([head[i].chars().count()]).max().unwrap_or(0);
    let widths: Vec<usize> = (0..head.len()).map(width).collect();
    let line = |cells: Vec<&str>| {
        let padded: Vec<String> =
            cells.iter().zip(&widths).map(|(c, w)| format!("{c}{}", " ".repeat(w - c.chars().count()))).collect();
        format!("{}\n", padded.join("  ").trim_end())
    };
    let mut out = line(head.to_vec());
    rows.iter().for_each(|r| out.push_str(&line(r.iter().map(String::as_str).collect())));
    out
}

//! `vigie directory`: structures, facilitators and committed buyers out of CSV or JSON files (`vigie_service::directory`).

use std::path::{Path, PathBuf};

use indicatif::{ProgressBar, ProgressDrawTarget};
use vigie_config::settings::Settings;
use vigie_domain::french;
use vigie_service::directory::{self, Directory, ImportError};

use super::output::{Cell, Listing, OutputArg, print};
use crate::setup;
use vigie_service::{Clock, Failure};

#[derive(Debug, clap::Subcommand)]
pub(super) enum Action {
    /// Lit un annuaire : fichier CSV (avec en-tête) ou JSON
    Import {
        /// Ce que le fichier contient
        what: What,
        /// Le fichier
        file: PathBuf,
    },
    /// Dit combien d’entrées chaque annuaire contient
    List {
        #[command(flatten)]
        output: OutputArg,
    },
}

/// What a directory lists.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub(super) enum What {
    /// Structures : siret, name, kind ; et sectors, department, post_code
    Structures,
    /// Facilitateurs : territory, departments ou epcis, contact ; et name, communes, buyers
    Facilitators,
    /// Acheteurs dotés d’un SPASER : siren, name ; et from, to (ses années)
    Buyers,
}

impl From<What> for Directory {
    fn from(what: What) -> Self {
        match what {
            What::Structures => Self::Structures,
            What::Facilitators => Self::Facilitators,
            What::Buyers => Self::Buyers,
        }
    }
}

pub(super) async fn run(settings: &Settings, action: Action) -> Result<(), Failure> {
    match action {
        Action::Import { what, file } => import(settings, what.into(), &file).await,
        Action::List { output } => {
            let store = setup::open_store(settings).await?;
            let mut rows = Vec::new();
            for directory in Directory::ALL {
                let (entries, _) = directory.held(&store).await?;
                rows.push(vec![directory.in_french().into(), Cell::Number(entries)]);
            }
            Listing { columns: &[("directory", "annuaire"), ("entries", "entrées")], rows }.print(output)
        }
    }
}

async fn import(settings: &Settings, directory: Directory, file: &Path) -> Result<(), Failure> {
    let place = file.display().to_string();
    let bytes = std::fs::read(file).map_err(|e| {
        Failure::usage(
            format!("fichier illisible : {}", french::of_system(&e)),
            &place,
            "donnez un fichier CSV ou JSON",
        )
    })?;
    let store = setup::open_store(settings).await?;
    let now = Clock::from_environment()?.now();
    let bar = ProgressBar::with_draw_target(None, ProgressDrawTarget::stderr());
    let read = |row: usize, of: usize| {
        bar.set_length(of as u64);
        bar.set_position(row as u64);
    };
    let done = directory::import(&store, directory, &bytes, now, read).await;
    bar.finish_and_clear();
    let done = done.map_err(|e| match e {
        ImportError::Unreadable(why) => Failure::usage(why, &place, "donnez un fichier CSV avec en-tête, ou du JSON"),
        ImportError::Store(e) => e.into(),
    })?;
    done.refused.iter().try_for_each(|(line, why)| print(&format!("{place}:{line} : {why}\n")))?;
    done.doubtful.iter().try_for_each(|(line, why)| print(&format!("{place}:{line} : lue, mais {why}\n")))?;
    let read = french::counted(done.taken, "ligne lue", "lignes lues");
    let read = format!("{read}{}", done.twice_in_french());
    print(&format!("{read}, {}\n", french::counted(done.refused.len(), "refusée", "refusées")))?;
    if done.taken == 0 && !done.refused.is_empty() {
        return Err(Failure::new(
            "aucune ligne n’a pu être lue",
            place,
            "comparez l’en-tête avec vigie directory import --help",
        ));
    }
    Ok(())
}

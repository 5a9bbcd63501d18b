//! `vigie backup`, `vigie restore`, `vigie upgrade`: a copy of the installation is made, put back, and made before its schema changes.

use std::path::{Path, PathBuf};
use std::time::Duration;

use vigie_config::settings::Settings;
use vigie_domain::french;
use vigie_service::{Clock, Failure, backup};
use vigie_store::backup::{Upgrade, upgrade as what_changes};

use super::output::{local, print};
use super::progress;
use crate::setup;

/// Bytes copied and read through in a second on a slow disk: what is announced should rather be too long.
const BYTES_A_SECOND: u64 = 20 << 20;

#[derive(Debug, clap::Args)]
pub(super) struct BackupArgs {
    /// Dossier des sauvegardes, où un dossier est créé ; sans lui, celui de [backup] dir
    dir: Option<PathBuf>,
    /// Sauvegardes à garder dans ce dossier, les plus récentes ; 0 = toutes [par défaut : celui de [backup] keep]
    #[arg(long)]
    keep: Option<u32>,
}

#[derive(Debug, clap::Args)]
pub(super) struct RestoreArgs {
    /// Dossier de la sauvegarde, ou dossier des sauvegardes, dont la plus récente est prise
    backup: PathBuf,
    /// Ne demande pas confirmation
    #[arg(long)]
    yes: bool,
}

#[derive(Debug, clap::Args)]
pub(super) struct UpgradeArgs {
    /// Dit seulement ce qui serait fait, et combien de temps cela durerait
    #[arg(long)]
    check: bool,
}

pub(super) async fn make(settings: &Settings, args: BackupArgs) -> Result<(), Failure> {
    let dir = args.dir.or_else(|| settings.backup.dir.clone()).ok_or_else(|| {
        let fix = "donnez un dossier : vigie backup DOSSIER, ou [backup] dir dans le fichier de configuration";
        Failure::usage("aucun dossier de sauvegardes", "vigie backup", fix)
    })?;
    let store = setup::open_store(settings).await?;
    let matrix = settings.matrix.as_ref().map(|m| m.store.as_path());
    let keep = args.keep.unwrap_or(settings.backup.keep) as usize;
    let work = backup::make(&store, matrix, &dir, keep, Clock::from_environment()?.now());
    let whole = store.file().map_or(0, size) + matrix.map_or(0, backup::bytes_below);
    let made = progress::shown("Copie et relecture", whole, || backup::in_the_making(&dir), work).await?;
    store.close().await;
    let held = &made.manifest.contents;
    let with_matrix = if made.manifest.files.len() > 1 { ", compte Matrix compris" } else { "" };
    let removed = match made.removed {
        0 => String::new(),
        1 => "Une ancienne sauvegarde a été retirée.\n".to_owned(),
        n => format!("{n} anciennes sauvegardes ont été retirées.\n"),
    };
    print(&format!(
        "Sauvegarde faite et relue : {}\n{}, {}, {}{with_matrix}.\n{removed}",
        made.folder.display(),
        many(held.notices, "avis"),
        many(held.people, "personne"),
        many(held.deliveries, "envoi")
    ))
}

/// `1 personne`, `12 personnes`.
pub(super) fn many(n: impl TryInto<usize>, word: &str) -> String {
    french::plural(n.try_into().unwrap_or(0), word)
}

/// `1 ligne de résumé`, `12 lignes de résumés`.
pub(super) fn lines_of_digests(n: impl TryInto<usize>) -> String {
    french::counted(n.try_into().unwrap_or(0), "ligne de résumé", "lignes de résumés")
}

pub(super) async fn restore(settings: &Settings, args: RestoreArgs) -> Result<(), Failure> {
    let place = "vigie restore";
    let folder = backup::newest(&args.backup).map_or(args.backup, |(_, newest)| newest);
    let manifest = backup::read(&folder)?;
    let name = setup::database_name(settings)?;
    let question = format!(
        "La sauvegarde du {} ({}, {}) va prendre la place de {name}. Ce qui s’y trouve est gardé à côté ; ce que les personnes ont répondu depuis n’est plus connu. Continuer ?",
        local(manifest.made),
        many(manifest.contents.notices, "avis"),
        many(manifest.contents.people, "personne")
    );
    if !args.yes && !super::ask::agreed(&question) {
        return Err(Failure::usage("rien n’a été changé", place, "répondez « oui », ou ajoutez --yes"));
    }
    let url = setup::database_url(settings)?;
    let matrix = settings.matrix.as_ref().map(|m| m.store.as_path());
    let whole = manifest.files.iter().map(|f| f.bytes).sum();
    let work = backup::restore(&url, matrix, &folder, Clock::from_environment()?.now());
    let restored =
        progress::shown("Lecture et mise en place", whole, || backup::being_put_back(&url, matrix), work).await?;
    let store = setup::open_store(settings).await?;
    let (messages, lines) = store.held_count().await?;
    store.close().await;
    let mut out = format!("La sauvegarde du {} est en place.\n", local(restored.manifest.made));
    for aside in &restored.aside {
        out.push_str(&format!("Ce qui y était est gardé : {}\n", aside.display()));
    }
    out.push_str(&format!(
        "\nRien ne part tant que vous ne l’avez pas dit : la base ne sait plus ce qui a été envoyé depuis.\n\
         Attendent déjà : {} et {}.\n\n\
         1. Lancez le service : il reprend la veille, et ses messages attendent\n\
         2. Voyez-les : vigie deliveries held\n\
         3. Retirez ce qui a été reçu : vigie deliveries drop ENVOI…, ou --published-until JOUR, ou --all\n\
         4. Laissez partir le reste : vigie deliveries release\n",
        many(messages, "message"),
        lines_of_digests(lines)
    ));
    print(&out)
}

pub(super) async fn upgrade(settings: &Settings, args: &UpgradeArgs) -> Result<(), Failure> {
    let (url, name) = (setup::database_url(settings)?, setup::database_name(settings)?);
    let change = what_changes(&url).await.map_err(|e| setup::not_opened(&e, name.clone()))?;
    print(&in_words(&change, &name))?;
    if args.check || change.found == change.newest {
        return Ok(());
    }
    let (copy, whole) = (change.copy.clone(), change.copy.as_ref().map_or(0, |_| change.bytes));
    let done = || copy.as_deref().map_or(0, size);
    progress::shown("Copie et mise à jour", whole, done, setup::open_store(settings)).await?.close().await;
    print(&format!("Fait : la base est à l’étape {}.\n", change.newest))
}

/// Bytes of a file; none where it is not there yet.
fn size(path: &Path) -> u64 {
    path.metadata().map_or(0, |m| m.len())
}

fn in_words(change: &Upgrade, name: &str) -> String {
    let head = format!("Vigie {}\nBase {name}\n", super::version());
    match change.found {
        0 => return format!("{head}Elle est vide : ses tables seront faites au premier lancement.\n"),
        found if found == change.newest => {
            return format!("{head}Elle est à l’étape {found}, la dernière : rien à faire.\n");
        }
        _ => {}
    }
    let size = vigie_doctor::bytes(change.bytes);
    let seconds = Duration::from_secs(2 * change.bytes / BYTES_A_SECOND + 1).as_secs();
    let time = if seconds < 90 {
        french::plural(usize::try_from(seconds).unwrap_or(90), "seconde")
    } else {
        format!("{} minutes", seconds.div_ceil(60))
    };
    let first = match &change.copy {
        Some(copy) => format!(
            "D’abord une copie, relue : {} ({size} de place à côté de la base).\nPour revenir en arrière : arrêtez le service, remettez ce fichier à la place de la base et l’ancien programme.\n",
            copy.display()
        ),
        None => "PostgreSQL : faites d’abord votre propre sauvegarde (pg_dump). Les processus déjà lancés continuent ; relancez-les l’un après l’autre.\n".to_owned(),
    };
    format!(
        "{head}Elle est à l’étape {}, ce programme la mène à l’étape {}, en une fois ou pas du tout.\n{first}Durée : {time} au plus, pendant lesquelles rien n’est envoyé ; rien n’est perdu.\n",
        change.found, change.newest
    )
}

//! The sources that are watched, each with its reader and its schedule: those of the settings file, and those set on the pages.

use std::collections::HashMap;
use std::str::FromStr;
use std::sync::Arc;

use chrono::{DateTime, Utc};
use cron::Schedule;
use vigie_config::settings::{self, SourceVisibility};
use vigie_domain::{Notice, Visibility};
use vigie_store::{Store, StoreError};
use vigie_watcher::fetch::Fetcher;
use vigie_watcher::sources::{self, Memory, Page, Source, SourceError};

use crate::error::Failure;
use crate::page_sources;
use crate::service::Service;

/// A source ready to be polled.
pub struct Watched {
    /// Its block of configuration.
    pub block: settings::Source,
    /// Its schedule.
    pub schedule: Schedule,
    /// Its reader.
    pub source: Box<dyn Source>,
}

impl Watched {
    /// Its notices as they are stored: under its name, seen by whom its block, else its reader, says.
    #[must_use]
    pub fn own(&self, notices: Vec<Notice>) -> Vec<Arc<Notice>> {
        let visibility = match self.block.visibility {
            Some(SourceVisibility::Public) => Visibility::Public,
            Some(SourceVisibility::Told) => Visibility::Told,
            None => self.source.visibility(),
        };
        let of_this =
            |n: Notice| Arc::new(Notice { source: self.block.id.clone(), visibility: visibility.clone(), ..n });
        notices.into_iter().map(of_this).collect()
    }

    /// Asks for one page without keeping anything: to try a source.
    ///
    /// # Errors
    /// The source fails.
    pub async fn peek(&self, fetcher: &Fetcher, memory: &Memory, now: DateTime<Utc>) -> Result<Page, SourceError> {
        sources::poll(self.source.as_ref(), fetcher, memory, now).await
    }
}

/// Makes the sources that the settings enable.
///
/// # Errors
/// A block that its reader refuses.
pub fn enabled(settings: &settings::Settings) -> Result<Vec<Watched>, Failure> {
    made(&settings.source)
}

/// Makes those of these sources that are enabled. Most have the schedule of their reader, which is read once.
fn made(blocks: &[settings::Source]) -> Result<Vec<Watched>, Failure> {
    let mut schedules = HashMap::new();
    blocks.iter().filter(|b| b.enabled).map(|block| watched_at(block, &mut schedules)).collect()
}

/// Blocks of the sources that are known: those of the settings file, then those set on the pages that can be read.
///
/// # Errors
/// The database fails.
pub async fn blocks(settings: &settings::Settings, store: &Store) -> Result<Vec<settings::Source>, StoreError> {
    let mut blocks = settings.source.clone();
    for source in page_sources::all(settings, store).await? {
        match source.block {
            Ok(block) if !source.given_way => blocks.push(block),
            Ok(_) => {}
            Err(faults) => tracing::error!(source = source.id, "a source of the pages is not watched: {faults:?}"),
        }
    }
    Ok(blocks)
}

/// Makes every source that is watched.
///
/// # Errors
/// The database fails, or a block of the settings file is refused by its reader.
pub async fn all(service: &Service) -> Result<Vec<Watched>, Failure> {
    made(&blocks(&service.settings, &service.store).await?)
}

/// Makes a source out of its block.
///
/// # Errors
/// Its reader refuses it.
pub fn watched(block: &settings::Source) -> Result<Watched, Failure> {
    watched_at(block, &mut HashMap::new())
}

/// The same, with the schedules read so far, by what is written.
fn watched_at<'b>(block: &'b settings::Source, schedules: &mut HashMap<&'b str, Schedule>) -> Result<Watched, Failure> {
    let place = || format!("[[source]] id = \"{}\"", block.id);
    let kind = sources::kind(&block.kind).ok_or_else(|| {
        let what = format!("lecteur inconnu « {} »", block.kind);
        Failure::usage(what, place(), "vigie sources list énumère les lecteurs")
    })?;
    let written = block.schedule.as_deref().unwrap_or(kind.default_schedule);
    let schedule = match schedules.get(written) {
        Some(schedule) => schedule.clone(),
        None => {
            let schedule = Schedule::from_str(written).map_err(|e| {
                let what = format!("horaire « {written} » illisible : {e}");
                Failure::usage(what, place(), "écrivez six champs, secondes d’abord")
            })?;
            schedules.entry(written).or_insert(schedule).clone()
        }
    };
    let source = (kind.build)(block).map_err(|e| Failure::usage(e.what, place(), e.fix))?;
    Ok(Watched { block: block.clone(), schedule, source })
}

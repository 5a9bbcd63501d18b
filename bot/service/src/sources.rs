//! The sources that the settings enable, each with its reader and its schedule.

use std::str::FromStr;

use chrono::{DateTime, Utc};
use cron::Schedule;
use vigie_config::settings;
use vigie_watcher::fetch::Fetcher;
use vigie_watcher::sources::{self, Memory, Page, Source, SourceError};

use crate::error::Failure;

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
    settings.source.iter().filter(|b| b.enabled).map(watched).collect()
}

fn watched(block: &settings::Source) -> Result<Watched, Failure> {
    let place = format!("[[source]] id = \"{}\"", block.id);
    let kind = sources::kind(&block.kind).ok_or_else(|| {
        Failure::usage(format!("lecteur inconnu « {} »", block.kind), &place, "vigie sources list énumère les lecteurs")
    })?;
    let written = block.schedule.as_deref().unwrap_or(kind.default_schedule);
    let schedule = Schedule::from_str(written).map_err(|e| {
        Failure::usage(format!("horaire « {written} » illisible : {e}"), &place, "écrivez six champs, secondes d’abord")
    })?;
    let source = (kind.build)(block).map_err(|e| Failure::usage(e.what, &place, e.fix))?;
    Ok(Watched { block: block.clone(), schedule, source })
}

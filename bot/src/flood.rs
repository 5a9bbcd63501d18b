//! No flood: what exceeds a person's messages of the hour is grouped in one message.
//!
//! The cap is the installation's (`[pace] instant_per_hour`) or the person's own, counted over everything that comes at
//! once: alerts, corrections, reminders. What overflows waits [`WAIT`], so that one flood makes one message.

use std::collections::HashMap;

use chrono::{DateTime, Duration, Utc};
use vigie_domain::subscription::Rhythm;
use vigie_store::StoreError;
use vigie_store::ingest::IngestTx;

use crate::app::App;

/// How long an overflow waits.
pub const WAIT: Duration = Duration::minutes(10);
/// What the grouped message says.
pub const NOTE: &str = "Beaucoup de messages à la fois : les voici groupés en un seul.";

/// How many messages people had at once within the last hour.
#[derive(Debug, Default)]
pub struct Recent(HashMap<String, u32>);

impl Recent {
    /// Counts for all of these people at once; those without a cap are left out.
    ///
    /// # Errors
    /// The database fails.
    pub async fn of<'a>(
        app: &App,
        tx: &mut IngestTx,
        people: impl Iterator<Item = (&'a str, Rhythm)>,
    ) -> Result<Self, StoreError> {
        let capped: Vec<&str> = people.filter(|(_, rhythm)| cap(app, rhythm) > 0).map(|(id, _)| id).collect();
        let since = tx.now() - Duration::hours(1);
        Ok(Self(tx.instants_since(&capped, since).await?))
    }
}

/// Most messages at once within an hour; 0 = no limit.
fn cap(app: &App, rhythm: &Rhythm) -> u32 {
    rhythm.per_hour.map_or(app.settings.pace.instant_per_hour, u32::from)
}

/// When the grouped message goes out that one more message for this person joins; `None` while they may have it at once.
///
/// # Errors
/// The database fails.
pub async fn grouped(
    app: &App,
    tx: &mut IngestTx,
    recent: &Recent,
    subscriber: &str,
    rhythm: &Rhythm,
) -> Result<Option<DateTime<Utc>>, StoreError> {
    let cap = cap(app, rhythm);
    if cap == 0 || recent.0.get(subscriber).is_none_or(|n| *n < cap) {
        return Ok(None);
    }
    due(tx, subscriber).await.map(Some)
}

/// When the message goes out that groups what comes now: what comes later joins the message that waits.
///
/// # Errors
/// The database fails.
pub async fn due(tx: &mut IngestTx, subscriber: &str) -> Result<DateTime<Utc>, StoreError> {
    let now = tx.now();
    Ok(tx.overflow_due(subscriber).await?.filter(|due| *due > now).unwrap_or(now + WAIT))
}

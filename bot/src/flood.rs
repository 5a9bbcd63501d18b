//! No flood: what exceeds a person's messages of the hour is grouped in one message.
//!
//! The cap is the installation's (`[pace] instant_per_hour`) or the person's own, counted over everything that comes at
//! once: alerts, corrections, reminders. What overflows waits [`WAIT`], so that one flood makes one message.

use chrono::{DateTime, Duration, Utc};
use vigie_domain::subscription::Rhythm;
use vigie_store::StoreError;
use vigie_store::ingest::IngestTx;

use crate::app::App;

/// How long an overflow waits.
pub const WAIT: Duration = Duration::minutes(10);
/// What the grouped message says.
pub const NOTE: &str = "Beaucoup de messages à la fois : les voici groupés en un seul.";

/// When the grouped message goes out that one more message for this person joins; `None` while they may have it at once.
///
/// # Errors
/// The database fails.
pub async fn grouped(
    app: &App,
    tx: &mut IngestTx,
    subscriber: &str,
    rhythm: &Rhythm,
) -> Result<Option<DateTime<Utc>>, StoreError> {
    let cap = rhythm.per_hour.map_or(app.settings.pace.instant_per_hour, u32::from);
    if cap == 0 || tx.instants_since(subscriber, tx.now() - Duration::hours(1), cap).await? < cap {
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

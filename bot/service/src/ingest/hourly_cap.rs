//! Hourly cap: messages over the limit are merged into one.
//!
//! The cap is the installation's (`[pace] instant_per_hour`) or the person's own, counted over everything that comes at
//! once: alerts, corrections, reminders. What exceeds it waits [`WAIT`], so that one flood makes one message.

use std::collections::HashMap;

use chrono::{DateTime, Duration, Utc};
use vigie_domain::subscription::Rhythm;
use vigie_store::StoreError;
use vigie_store::ingest::IngestTx;

/// How long a message over the limit waits for others.
pub const WAIT: Duration = Duration::minutes(10);
/// What the merged message says.
pub const NOTE: &str = vigie_notifier::digest::GROUPED;

/// Most messages at once within an hour for a person, where the installation allows `installation`; 0 = no limit.
#[must_use]
pub fn cap(installation: u32, rhythm: &Rhythm) -> u32 {
    rhythm.per_hour.map_or(installation, u32::from)
}

/// What some people had at once within the last hour, and the merged message that already waits for each.
#[derive(Debug, Clone, Default)]
pub struct HourlyLoad {
    instants: HashMap<String, u32>,
    waiting: HashMap<String, DateTime<Utc>>,
}

impl HourlyLoad {
    /// Reads it for these people, each with their cap. Those without a cap are left out, unless `merged`: then everybody's
    /// next message will be merged.
    ///
    /// # Errors
    /// The database fails.
    pub async fn read(tx: &mut IngestTx, people: &[(&str, u32)], merged: bool) -> Result<Self, StoreError> {
        let capped: Vec<&str> = people.iter().filter(|(_, cap)| *cap > 0).map(|(id, _)| *id).collect();
        let since = tx.now() - Duration::hours(1);
        let instants = tx.instants_since(&capped, since).await?;
        let exceeds = |id: &str, cap: u32| cap > 0 && instants.get(id).is_some_and(|n| *n >= cap);
        let people = people.iter().filter(|(id, cap)| merged || exceeds(id, *cap));
        let waiting = tx.overflow_due(&people.map(|(id, _)| *id).collect::<Vec<_>>()).await?;
        Ok(Self { instants, waiting })
    }

    /// The same from values in hand, for tests.
    #[must_use]
    pub fn of(instants: HashMap<String, u32>, waiting: HashMap<String, DateTime<Utc>>) -> Self {
        Self { instants, waiting }
    }

    /// When the merged message goes out that one more message for this person joins; `None` while they may have it at once.
    #[must_use]
    pub fn merged_at(&self, subscriber: &str, cap: u32, now: DateTime<Utc>) -> Option<DateTime<Utc>> {
        if cap == 0 || self.instants.get(subscriber).is_none_or(|n| *n < cap) {
            return None;
        }
        Some(self.next_merged(subscriber, now))
    }

    /// When the message goes out that merges what comes now: what comes later joins the message that waits.
    #[must_use]
    pub fn next_merged(&self, subscriber: &str, now: DateTime<Utc>) -> DateTime<Utc> {
        self.waiting.get(subscriber).copied().filter(|due| *due > now).unwrap_or(now + WAIT)
    }
}

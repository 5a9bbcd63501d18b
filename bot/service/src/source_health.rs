//! What is known of a source, in the terms of its health (`vigie_watcher::health`).

use std::collections::HashMap;

use chrono::{DateTime, Days, Utc};
use vigie_store::sources::{SourceDay, SourceState};
use vigie_store::{Store, StoreError};
use vigie_watcher::health::{self, Known};
use vigie_watcher::sources::Trouble;

/// What the database holds of all sources at a moment.
#[derive(Debug)]
pub struct Sources {
    states: HashMap<String, SourceState>,
    days: HashMap<String, Vec<SourceDay>>,
    put_aside: HashMap<String, u64>,
}

impl Sources {
    /// Reads what tells the health of sources at `now`: how each stands, its days as long as they tell its habit, the records put
    /// aside lately.
    ///
    /// # Errors
    /// The database fails.
    pub async fn read(store: &Store, now: DateTime<Utc>) -> Result<Self, StoreError> {
        let habit_since = now.date_naive().checked_sub_days(Days::new(health::HABIT_DAYS)).unwrap_or_default();
        Ok(Self {
            states: store.source_states().await?,
            days: store.source_days(habit_since).await?,
            put_aside: store.put_aside(now - health::PUT_ASIDE_FOR).await?,
        })
    }

    /// How the source `id` stands, and what is known of it for its health; one never polled is as new.
    #[must_use]
    pub fn of(&self, id: &str) -> (SourceState, Known) {
        let state = self.states.get(id).cloned().unwrap_or_default();
        let known = Known {
            put_aside: self.put_aside.get(id).copied().unwrap_or(0),
            failures: state.failures,
            trouble: state.trouble.as_deref().and_then(Trouble::parse),
            last_error: state.last_error.clone(),
            last_success: state.last_success,
            last_attempt: state.last_attempt,
            quota: state.quota,
            days: self.days.get(id).into_iter().flatten().map(|d| (d.day, d.items)).collect(),
        };
        (state, known)
    }
}

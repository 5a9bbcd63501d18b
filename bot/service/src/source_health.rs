//! What is known of a source, in the terms of its health (`vigie_watcher::health`).

use chrono::{DateTime, Days, NaiveDate, Utc};
use vigie_store::sources::{SourceDay, SourceState};
use vigie_watcher::health::{self, Known};
use vigie_watcher::sources::Trouble;

/// From which day on the days of a source tell its habit.
#[must_use]
pub fn habit_since(now: DateTime<Utc>) -> NaiveDate {
    now.date_naive().checked_sub_days(Days::new(health::HABIT_DAYS)).unwrap_or_default()
}

/// From which moment on records that were put aside count.
#[must_use]
pub fn put_aside_since(now: DateTime<Utc>) -> DateTime<Utc> {
    now - health::PUT_ASIDE_FOR
}

/// What is known of a source, for its health; `put_aside` of its records since [`put_aside_since`].
#[must_use]
pub fn known(state: SourceState, days: &[SourceDay], put_aside: u64) -> Known {
    Known {
        put_aside,
        failures: state.failures,
        trouble: state.trouble.as_deref().and_then(Trouble::parse),
        last_error: state.last_error,
        last_success: state.last_success,
        last_attempt: state.last_attempt,
        quota: state.quota,
        days: days.iter().map(|d| (d.day, d.items)).collect(),
    }
}

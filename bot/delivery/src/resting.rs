//! Channels that this process leaves alone for a while, because their server is away or asks for it.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use chrono::{DateTime, Utc};
use vigie_domain::Channel;

/// Which channels rest, and until when.
#[derive(Debug, Default)]
pub struct Resting(Mutex<HashMap<Channel, DateTime<Utc>>>);

impl Resting {
    /// Tries nothing on a channel until then.
    pub fn until(&self, channel: Channel, until: DateTime<Utc>) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).insert(channel, until);
    }

    /// Whether nothing is tried on a channel now.
    #[must_use]
    pub fn is_resting(&self, channel: Channel, now: DateTime<Utc>) -> bool {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).get(&channel).is_some_and(|until| *until > now)
    }
}

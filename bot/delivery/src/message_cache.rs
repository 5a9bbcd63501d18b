//! Messages just made, kept a minute for others who hear of the same notice in the same words.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use chrono::{DateTime, Duration, Utc};
use vigie_notifier::card::Stands;
use vigie_notifier::message::{Form, Message};

/// How long a message is kept: "in 3 days" must not grow old, nor a contact.
const FRESH_FOR: Duration = Duration::minutes(1);
/// Most messages kept.
const MAX_MESSAGES: usize = 64;

/// Messages just made, by what makes them the same.
#[derive(Debug, Default)]
pub struct MessageCache(Mutex<HashMap<Key, (DateTime<Utc>, Message)>>);

/// What makes messages to several people the same.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) struct Key {
    pub(crate) alert: String,
    /// Of the notice.
    pub(crate) version: i64,
    /// Why the person hears of it, as JSON.
    pub(crate) reasons: String,
    /// They are asked for an answer by link.
    pub(crate) asks: bool,
    /// What their structure answered before.
    pub(crate) stands: Option<Stands>,
    pub(crate) form: Form,
}

impl MessageCache {
    pub(crate) fn get(&self, key: &Key, now: DateTime<Utc>) -> Option<Message> {
        let messages = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        messages.get(key).filter(|(made, _)| is_fresh(*made, now)).map(|(_, message)| message.clone())
    }

    pub(crate) fn has(&self, key: &Key, now: DateTime<Utc>) -> bool {
        let messages = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        messages.get(key).is_some_and(|(made, _)| is_fresh(*made, now))
    }

    pub(crate) fn put(&self, key: Key, message: &Message, now: DateTime<Utc>) {
        let mut messages = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if messages.len() >= MAX_MESSAGES {
            messages.clear();
        }
        messages.insert(key, (now, message.clone()));
    }
}

fn is_fresh(made: DateTime<Utc>, now: DateTime<Utc>) -> bool {
    made <= now && now - made < FRESH_FOR
}

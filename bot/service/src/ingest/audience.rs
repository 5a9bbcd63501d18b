//! The people whom a notice may reach, with all that is needed of them.

use std::collections::BTreeMap;
use std::sync::Arc;

use chrono::{DateTime, Utc};
use chrono_tz::Tz;
use vigie_config::rules;
use vigie_domain::subscription::{Candidate, Profile, Rhythm};
use vigie_domain::{Cadence, Subscription};
use vigie_notifier::audience::{Hit, hit};
use vigie_store::audience::Person;
use vigie_store::journal::NoticeRow;
use vigie_store::people::{Address, AddressState};
use vigie_store::{Store, StoreError};
use vigie_watcher::classify::fold::fold;
use vigie_watcher::zones;

/// Words of filters are looked for in folded text.
pub(super) fn with_words_folded(mut person: Person) -> Person {
    folded(&mut person.subscriptions);
    person
}

fn folded(subscriptions: &mut [Subscription]) {
    for one in subscriptions {
        one.filter = std::mem::take(&mut one.filter).with_words_folded(fold);
    }
}

/// The subscriptions of one person, ready to be tested.
///
/// # Errors
/// The database fails.
pub async fn subscriptions_of(store: &Store, subscriber: &str) -> Result<Vec<Subscription>, StoreError> {
    let mut subscriptions = store.subscriptions_of(subscriber).await?;
    folded(&mut subscriptions);
    Ok(subscriptions)
}

/// Who says something, where a person does and not a publisher.
#[derive(Debug, Clone)]
pub struct Signed {
    /// The person, who is not told of their own doing.
    pub by: String,
    /// What the others read: who, and why.
    pub remark: String,
}

/// The people whom something may reach, with all that decides how each hears of it.
#[derive(Debug, Default)]
pub struct Audience {
    people: BTreeMap<String, Arc<Person>>,
}

impl Audience {
    /// Adds a person, whose words are folded.
    pub fn add(&mut self, person: Arc<Person>) {
        self.people.insert(person.subscriber.id.clone(), person);
    }

    pub(super) fn has(&self, subscriber: &str) -> bool {
        self.people.contains_key(subscriber)
    }

    /// Those of them whom a notice concerns, and why.
    pub(super) fn hits(&self, candidate: &Candidate<'_>) -> impl Iterator<Item = (String, Hit)> {
        self.people
            .iter()
            .filter_map(|(id, person)| Some((id.clone(), hit(&person.subscriber, &person.subscriptions, candidate)?)))
    }

    pub(super) fn active_addresses(&self, subscriber: &str) -> impl Iterator<Item = &Address> {
        let addresses = self.people.get(subscriber).into_iter().flat_map(|p| &p.addresses);
        addresses.filter(|a| a.state == AddressState::Active)
    }

    pub(super) fn profile(&self, subscriber: &str) -> Option<&Profile> {
        self.people.get(subscriber).map(|p| &p.subscriber.profile)
    }

    /// Whether a person is of that structure.
    pub(super) fn is_of(&self, subscriber: &str, structure: &str) -> bool {
        self.people.get(subscriber).is_some_and(|p| p.subscriber.structure() == structure)
    }

    /// How often the person hears of what that subscription finds; without one, or where it is gone, the slowest of those that wait
    /// for a digest. `None` where none does.
    pub(super) fn digest_cadence(&self, subscriber: &str, subscription: Option<&str>) -> Option<Cadence> {
        let own = &self.people.get(subscriber)?.subscriptions;
        let waits = |c: &Cadence| c.waits();
        let that = own.iter().find(|s| Some(s.id.as_str()) == subscription).map(|s| s.cadence).filter(waits);
        that.or_else(|| own.iter().map(|s| s.cadence).filter(waits).max_by_key(|c| c.minutes()))
    }

    pub(super) fn rhythm(&self, subscriber: &str) -> Rhythm {
        self.people.get(subscriber).map(|p| p.rhythm).unwrap_or_default()
    }

    /// The local time of a person: that of the first département they named, else Paris.
    pub(super) fn zone(&self, subscriber: &str) -> Tz {
        zones::zone(self.profile(subscriber).and_then(|p| p.departments.first()))
    }
}

/// A stored notice as filters see it at a moment; `folded` is its searchable text.
#[must_use]
pub fn candidate<'a>(row: &'a NoticeRow, folded: &'a str, now: DateTime<Utc>) -> Candidate<'a> {
    Candidate { notice: &row.notice, assessment: &row.assessment, folded, now, communes: rules::communes }
}

//! The people whom a notice may reach, with all that is needed of them.

use std::collections::BTreeMap;
use std::sync::Arc;

use chrono::{DateTime, Utc};
use chrono_tz::Tz;
use vigie_config::rules;
use vigie_domain::subscription::{Candidate, Profile, Rhythm};
use vigie_domain::taste::Taste;
use vigie_domain::{Absence, Cadence, MessageKind, Subscriber, Subscription};
use vigie_notifier::audience::{Hit, hit};
use vigie_store::audience::Person;
use vigie_store::journal::NoticeRow;
use vigie_store::people::{Address, AddressState};
use vigie_store::preferences::routed;
use vigie_store::{Store, StoreError};
use vigie_watcher::classify::fold::fold;
use vigie_watcher::zones;

/// Words of filters are looked for in folded text.
pub(crate) fn with_words_folded(mut person: Person) -> Person {
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

    pub(crate) fn has(&self, subscriber: &str) -> bool {
        self.people.contains_key(subscriber)
    }

    /// Those of them whom a notice concerns, and why.
    pub(crate) fn hits(&self, candidate: &Candidate<'_>) -> impl Iterator<Item = (String, Hit)> {
        self.people
            .iter()
            .filter_map(|(id, person)| Some((id.clone(), hit(&person.subscriber, &person.subscriptions, candidate)?)))
    }

    /// The addresses of a person in use that carry that kind of message.
    pub(super) fn addresses_for(&self, subscriber: &str, kind: MessageKind) -> Vec<&Address> {
        let Some(person) = self.people.get(subscriber) else { return Vec::new() };
        let in_use = person.addresses.iter().filter(|a| a.state == AddressState::Active);
        routed(&person.routes, kind, in_use).collect()
    }

    /// Whether nobody agreed yet to hear anything here: each address of the person waits for its owner's word.
    pub(super) fn awaits_consent(&self, subscriber: &str) -> bool {
        let addresses = self.people.get(subscriber).map_or(&[][..], |p| p.addresses.as_slice());
        !addresses.is_empty() && addresses.iter().all(|a| a.state == AddressState::Unconfirmed)
    }

    /// The absence of a person who is away at that moment.
    pub(super) fn away(&self, subscriber: &str, now: DateTime<Utc>) -> Option<&Absence> {
        self.people.get(subscriber)?.away.as_ref().filter(|a| a.holds(now))
    }

    /// Who stands in by a person who is away: a colleague who is here.
    pub(super) fn stand_in_of(&self, subscriber: &str, now: DateTime<Utc>) -> Option<&Subscriber> {
        let colleague = self.person(self.away(subscriber, now)?.stand_in.as_deref()?)?;
        let same = self.person(subscriber)?.structure() == colleague.structure() && colleague.id != subscriber;
        (same && self.away(&colleague.id, now).is_none()).then_some(colleague)
    }

    /// Those who stand in by somebody of it, and are not in it.
    pub(super) fn missing_stand_ins(&self, now: DateTime<Utc>) -> Vec<String> {
        let away = self.people.keys().filter_map(|id| self.away(id, now)?.stand_in.clone());
        let mut missing: Vec<String> = away.filter(|id| !self.has(id)).collect();
        missing.sort_unstable();
        missing.dedup();
        missing
    }

    /// Adds those of another audience.
    pub(crate) fn extend(&mut self, other: Self) {
        self.people.extend(other.people);
    }

    /// Identifiers of all of them.
    pub(crate) fn ids(&self) -> impl Iterator<Item = String> {
        self.people.keys().cloned()
    }

    /// A person of it.
    pub(crate) fn person(&self, subscriber: &str) -> Option<&Subscriber> {
        self.people.get(subscriber).map(|p| &p.subscriber)
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

    /// What a person's structure learned to hear of later.
    pub(super) fn tastes(&self, subscriber: &str) -> &[Taste] {
        self.people.get(subscriber).map_or(&[], |p| p.tastes.as_slice())
    }

    pub(crate) fn rhythm(&self, subscriber: &str) -> Rhythm {
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

//! Everyone who subscribed to something: the index of their subscriptions, and what is needed of a person once it meets.

use std::collections::HashMap;

use chrono::{DateTime, Utc};
use chrono_tz::Tz;
use vigie_config::rules;
use vigie_domain::subscription::{Candidate, Profile, Rhythm};
use vigie_notifier::audience::Index;
use vigie_store::journal::NoticeRow;
use vigie_store::people::{Address, AddressState};
use vigie_store::{Store, StoreError};
use vigie_watcher::classify::fold::fold;
use vigie_watcher::zones;

/// The audience, kept between notices.
#[derive(Default)]
pub struct Audience {
    index: Index,
    addresses: HashMap<String, Vec<Address>>,
    profiles: HashMap<String, Profile>,
    rhythms: HashMap<String, Rhythm>,
}

impl Audience {
    /// Reads the subscriptions anew.
    ///
    /// # Errors
    /// The database fails.
    pub async fn read(store: &Store) -> Result<Self, StoreError> {
        let (version, entries) = store.subscriptions().await?;
        let mut addresses = HashMap::new();
        let mut profiles = HashMap::new();
        let rhythms = store.rhythms().await?;
        for (_, person) in &entries {
            profiles.entry(person.id.clone()).or_insert_with(|| person.profile.clone());
            if !addresses.contains_key(&person.id) {
                addresses.insert(person.id.clone(), store.addresses(&person.id).await?);
            }
        }
        Ok(Self { index: Index::build(version, entries, fold), addresses, profiles, rhythms })
    }

    /// An audience over an index and people already in hand: for those who hear without subscribing, and for tests.
    #[must_use]
    pub fn new(index: Index) -> Self {
        Self { index, ..Self::default() }
    }

    /// Adds a person, whatever they subscribed to.
    pub fn add(&mut self, subscriber: &str, profile: Profile, addresses: Vec<Address>) {
        self.profiles.insert(subscriber.to_owned(), profile);
        self.addresses.insert(subscriber.to_owned(), addresses);
    }

    /// Sets how messages come to a person.
    pub fn set_rhythm(&mut self, subscriber: &str, rhythm: Rhythm) {
        self.rhythms.insert(subscriber.to_owned(), rhythm);
    }

    /// The index.
    #[must_use]
    pub fn index(&self) -> &Index {
        &self.index
    }

    /// The version of the subscriptions it was read at.
    #[must_use]
    pub fn version(&self) -> i64 {
        self.index.version()
    }

    pub(super) fn active_addresses(&self, subscriber: &str) -> impl Iterator<Item = &Address> {
        self.addresses.get(subscriber).into_iter().flatten().filter(|a| a.state == AddressState::Active)
    }

    pub(super) fn profile(&self, subscriber: &str) -> Option<&Profile> {
        self.profiles.get(subscriber)
    }

    /// Whether a person is of that structure (see [`vigie_domain::Subscriber::structure`]).
    pub(super) fn is_of(&self, subscriber: &str, structure: &str) -> bool {
        let siret = self.profile(subscriber).and_then(|p| p.siret.as_deref()).filter(|s| !s.is_empty());
        siret.unwrap_or(subscriber) == structure
    }

    pub(super) fn rhythm(&self, subscriber: &str) -> Rhythm {
        self.rhythms.get(subscriber).copied().unwrap_or_default()
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

//! The audience of a process: one index of everybody's subscriptions, which all sources share and which follows the changes
//! that the database notes; and what is needed of people once a notice may concern them.
//!
//! Invariants:
//! - whoever plans a notice holds the index at the version of its own transaction ([`Turn::begin`]), so that no change that was
//!   committed before is missed;
//! - people are read in that transaction, and kept for the next notices until a change names them.
//!
//! On failure nothing is lost: the index stays at the version it had, and is brought up to date again.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use chrono::{DateTime, Utc};
use chrono_tz::Tz;
use tokio::sync::{Mutex, MutexGuard};
use vigie_config::rules;
use vigie_config::settings::Baseline;
use vigie_domain::subscription::{Candidate, Profile, Rhythm};
use vigie_domain::{Assessment, Notice, Subscription};
use vigie_notifier::audience::{Hit, Index, hit};
use vigie_store::audience::{NumberedFilter, Person};
use vigie_store::ingest::{IngestTx, Told};
use vigie_store::journal::NoticeRow;
use vigie_store::people::{Address, AddressState};
use vigie_store::{SqlError, Store, StoreError};
use vigie_watcher::classify::{self, fold::fold};
use vigie_watcher::zones;

use super::plan::Signed;
use crate::service::Service;

/// Subscriptions read at once while the index is built.
const PAGE: i64 = 2_000;
/// People whose changes are applied at once.
const CHANGED_AT_ONCE: usize = 1_000;
/// Most changes applied inside a transaction, where others wait to write; more are applied before it begins anew.
const MOST_INSIDE: usize = 200;
/// How often a transaction begins anew, because too much changed just before it began, before giving up.
const MAX_TRIES: usize = 5;
/// People kept in memory after a notice concerned them: twice that many at most.
const KEPT: usize = 1_000;

/// The index of a process. It is empty until it is first needed.
#[derive(Debug, Default)]
pub struct AudienceIndex(Mutex<Followed>);

impl AudienceIndex {
    /// Brings it up to date with the database: reads everybody the first time, and what changed since from then on.
    ///
    /// # Errors
    /// The database fails, or holds what cannot be read.
    pub async fn follow(&self, store: &Store) -> Result<(), StoreError> {
        self.0.lock().await.follow(store).await
    }
}

/// An index as of a change number, and some people as of the same one.
#[derive(Debug, Default)]
struct Followed {
    index: Index,
    /// 0 = nothing was read yet.
    version: i64,
    recent: Recent,
}

impl Followed {
    async fn follow(&mut self, store: &Store) -> Result<(), StoreError> {
        let since = if self.index.is_worn() { 0 } else { self.version };
        let changes = store.audience_changes(since).await?;
        match changes.people {
            None => self.read_all(store).await?,
            Some(people) => {
                for people in people.chunks(CHANGED_AT_ONCE) {
                    self.apply(people, store.filters_of(people).await?)?;
                }
            }
        }
        self.version = changes.version;
        Ok(())
    }

    /// The same inside a transaction; `false` when there is more to apply than others should wait for.
    async fn follow_in(&mut self, tx: &mut IngestTx) -> Result<bool, StoreError> {
        let changes = tx.audience_changes(self.version).await?;
        let Some(people) = changes.people.filter(|people| people.len() <= MOST_INSIDE) else { return Ok(false) };
        if !people.is_empty() {
            self.apply(&people, tx.filters_of(&people).await?)?;
        }
        self.version = changes.version;
        Ok(true)
    }

    async fn read_all(&mut self, store: &Store) -> Result<(), StoreError> {
        // The old one goes first: two at a time would take twice the memory.
        *self = Self::default();
        let (mut index, mut last) = (Index::default(), (0, String::new()));
        loop {
            let page = store.filters_after((last.0, &last.1), PAGE).await?;
            let Some(end) = page.last() else { break };
            last = (end.person, end.subscription.clone());
            for one in page {
                index.add(number(one.person)?, &one.filter.with_words_folded(fold));
            }
        }
        index.shrink();
        self.index = index;
        Ok(())
    }

    fn apply(&mut self, people: &[i64], filters: Vec<NumberedFilter>) -> Result<(), StoreError> {
        let mut theirs: HashMap<i64, Vec<vigie_domain::Filter>> = HashMap::new();
        for one in filters {
            theirs.entry(one.person).or_default().push(one.filter.with_words_folded(fold));
        }
        for person in people {
            let number = number(*person)?;
            self.recent.forget(number);
            self.index.set(number, theirs.get(person).into_iter().flatten());
        }
        Ok(())
    }
}

/// People numbers grow by one a change, and an index has room for four thousand million.
fn number(person: i64) -> Result<u32, StoreError> {
    u32::try_from(person).map_err(|e| {
        SqlError::Unreadable { row: person.to_string(), column: "number".into(), why: e.to_string() }.into()
    })
}

/// People read of late: when the young generation is full it becomes the old one, and the old one is forgotten.
#[derive(Debug, Default)]
struct Recent {
    young: HashMap<u32, Arc<Person>>,
    old: HashMap<u32, Arc<Person>>,
}

impl Recent {
    fn get(&mut self, number: u32) -> Option<Arc<Person>> {
        if let Some(person) = self.young.get(&number) {
            return Some(Arc::clone(person));
        }
        let person = self.old.remove(&number)?;
        self.put(number, &person);
        Some(person)
    }

    fn put(&mut self, number: u32, person: &Arc<Person>) {
        if self.young.len() >= KEPT {
            self.old = std::mem::take(&mut self.young);
        }
        self.young.insert(number, Arc::clone(person));
    }

    fn forget(&mut self, number: u32) {
        self.young.remove(&number);
        self.old.remove(&number);
    }
}

/// A turn of ingest: what is the same for every notice of a transaction. It holds the index of the process.
pub(crate) struct Turn<'a> {
    pub(super) service: &'a Service,
    /// What the source's first poll is to cause; `None` after it.
    pub(super) first_poll: Option<Baseline>,
    /// Who says what is told, where a person does.
    pub(crate) signed: Option<Signed>,
    followed: MutexGuard<'a, Followed>,
}

impl<'a> Turn<'a> {
    /// Begins a transaction, and holds the index at the version that it sees.
    ///
    /// # Errors
    /// The database fails, or people change faster than they can be read.
    pub(crate) async fn begin(
        service: &'a Service,
        first_poll: Option<Baseline>,
    ) -> Result<(IngestTx, Self), StoreError> {
        for _ in 0..MAX_TRIES {
            // Most of it before others have to wait.
            service.audience.follow(&service.store).await?;
            let mut tx = service.store.begin_ingest_at(|| service.clock.now()).await?;
            let mut followed = service.audience.0.lock().await;
            if followed.follow_in(&mut tx).await? {
                return Ok((tx, Self { service, first_poll, signed: None, followed }));
            }
        }
        Err(StoreError::TooManyRetries)
    }

    /// The text in which words are looked for; empty where nobody looks for any.
    pub(super) fn searchable(&self, notice: &Notice, assessment: &Assessment) -> String {
        if self.followed.index.reads_text() { classify::searchable(notice, &assessment.lots) } else { String::new() }
    }

    /// Everyone whom a notice may concern, and those who were told of its procedure.
    pub(super) async fn reach(
        &mut self,
        tx: &mut IngestTx,
        candidate: &Candidate<'_>,
        told: &[Told],
    ) -> Result<Audience, StoreError> {
        let mut audience = Audience::default();
        let mut unread = Vec::new();
        for number in self.followed.index.candidates(candidate) {
            match self.followed.recent.get(number) {
                Some(person) => audience.add(person),
                None => unread.push(i64::from(number)),
            }
        }
        for person in tx.people_by_number(&unread).await? {
            let number = number(person.number)?;
            let person = Arc::new(with_words_folded(person));
            self.followed.recent.put(number, &person);
            audience.add(person);
        }
        let mut before: Vec<&str> = told.iter().map(|t| t.subscriber.as_str()).filter(|id| !audience.has(id)).collect();
        before.sort_unstable();
        before.dedup();
        for person in tx.people_by_id(&before).await? {
            audience.add(Arc::new(with_words_folded(person)));
        }
        Ok(audience)
    }
}

/// Words of filters are looked for in folded text.
fn with_words_folded(mut person: Person) -> Person {
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

    fn has(&self, subscriber: &str) -> bool {
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

//! One index of everybody's subscriptions a process, which all sources share and which follows the changes that the database
//! notes; and the people who were read of late, kept until a change names them.
//!
//! On failure nothing is lost: the index stays at the version it had, and is brought up to date again.

use std::collections::HashMap;
use std::sync::Arc;

use tokio::sync::Mutex;
use vigie_notifier::audience::Index;
use vigie_store::audience::{NumberedFilter, Person};
use vigie_store::ingest::IngestTx;
use vigie_store::{SqlError, Store, StoreError};
use vigie_watcher::classify::fold::fold;

/// Subscriptions read at once while the index is built.
const PAGE: i64 = 2_000;
/// People whose changes are applied at once.
const CHANGED_AT_ONCE: usize = 1_000;
/// Most changes applied inside a transaction, where others wait to write; more are applied before it begins anew.
const MOST_INSIDE: usize = 200;
/// People kept in memory after a notice concerned them: twice that many at most.
const KEPT: usize = 1_000;

/// The index of a process. It is empty until it is first needed.
#[derive(Debug, Default)]
pub struct AudienceIndex(pub(super) Mutex<Followed>);

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
pub struct Followed {
    pub(super) index: Index,
    /// 0 = nothing was read yet.
    version: i64,
    pub(super) recent: Recent,
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
    pub(super) async fn follow_in(&mut self, tx: &mut IngestTx) -> Result<bool, StoreError> {
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
pub(super) fn number(person: i64) -> Result<u32, StoreError> {
    u32::try_from(person).map_err(|e| {
        SqlError::Unreadable { row: person.to_string(), column: "number".into(), why: e.to_string() }.into()
    })
}

/// People read of late: when the young generation is full it becomes the old one, and the old one is forgotten.
#[derive(Debug, Default)]
pub(super) struct Recent {
    young: HashMap<u32, Arc<Person>>,
    old: HashMap<u32, Arc<Person>>,
}

impl Recent {
    pub(super) fn get(&mut self, number: u32) -> Option<Arc<Person>> {
        if let Some(person) = self.young.get(&number) {
            return Some(Arc::clone(person));
        }
        let person = self.old.remove(&number)?;
        self.put(number, &person);
        Some(person)
    }

    pub(super) fn put(&mut self, number: u32, person: &Arc<Person>) {
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

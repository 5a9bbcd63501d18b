//! A turn of ingest. Whoever plans a notice holds the index at the version of its own transaction ([`Turn::begin`]), so that no
//! change that was committed before is missed; people are read in that transaction.

use std::sync::Arc;

use tokio::sync::MutexGuard;
use vigie_config::settings::Baseline;
use vigie_domain::subscription::Candidate;
use vigie_domain::{Assessment, Notice};
use vigie_store::StoreError;
use vigie_store::ingest::{IngestTx, Told};
use vigie_watcher::classify;

use super::audience::{Audience, Signed, with_words_folded};
use super::index::{Followed, number};
use crate::service::Service;

/// How often a transaction begins anew, because too much changed just before it began, before giving up.
const MAX_TRIES: usize = 5;

/// A turn of ingest: what is the same for every notice of a transaction. It holds the index of the process.
pub(crate) struct Turn<'a> {
    pub(super) service: &'a Service,
    /// What the source's first poll is to cause; `None` after it.
    pub(super) first_poll: Option<Baseline>,
    /// Who says what is told, where a person does.
    pub(crate) signed: Option<Signed>,
    /// Whose correction the notice at hand says otherwise than.
    pub(super) contradicted: Option<String>,
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
                return Ok((tx, Self { service, first_poll, signed: None, contradicted: None, followed }));
            }
        }
        Err(StoreError::TooManyRetries)
    }

    /// The text in which words are looked for; empty where nobody looks for any.
    pub(crate) fn searchable(&self, notice: &Notice, assessment: &Assessment) -> String {
        if self.followed.index.reads_text() { classify::searchable(notice, &assessment.lots) } else { String::new() }
    }

    /// Everyone whom a notice may concern, and those who were told of its procedure.
    pub(crate) async fn reach(
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

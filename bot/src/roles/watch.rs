//! Which sources are polled when: those that are due, side by side, a few at a time, so that what is read and not yet
//! stored takes little memory. Who waits long for an answer gives their place to others: a host that hangs costs only its own
//! sources.

use std::collections::HashSet;
use std::sync::Arc;

use tokio::sync::watch::Receiver;
use tokio::task::{JoinError, JoinSet};
use vigie_service::sources::Watched;
use vigie_service::{Failure, Service};
use vigie_watcher::fetch::Fetcher;

use super::places::Place;
use super::poll::{Polled, poll_in};

/// Polls sources side by side, each once if it is due (or `force`), until all are done.
///
/// # Errors
/// The database failed for one of them; the others were polled.
pub async fn poll_all(
    service: &Arc<Service>,
    fetcher: &Arc<Fetcher>,
    sources: Vec<Watched>,
    force: bool,
) -> Result<(), Failure> {
    let mut polls: JoinSet<Result<Option<Polled>, Failure>> = JoinSet::new();
    for source in sources {
        let (service, fetcher) = (Arc::clone(service), Arc::clone(fetcher));
        polls.spawn(async move { poll_in(Place::take().await, &service, &fetcher, &source, force).await });
    }
    let mut outcome = Ok(());
    while let Some(ended) = polls.join_next().await {
        let ended = ended.unwrap_or_else(|e| {
            Err(Failure::new(format!("veille interrompue : {e}"), "sources", "relancez ; rien n’est perdu"))
        });
        outcome = outcome.and(ended.map(drop));
    }
    outcome
}

/// The sources that a process watches.
pub struct Watch {
    sources: Vec<Arc<Watched>>,
    polls: JoinSet<String>,
    /// Those that are being polled, or wait for their place.
    under_way: HashSet<String>,
}

impl Watch {
    /// Nothing is polled yet.
    #[must_use]
    pub fn new(sources: Vec<Watched>) -> Self {
        Self { sources: sources.into_iter().map(Arc::new).collect(), polls: JoinSet::new(), under_way: HashSet::new() }
    }

    /// Watches these from now on; what is under way ends.
    pub fn turn_to(&mut self, sources: Vec<Watched>) {
        self.sources = sources.into_iter().map(Arc::new).collect();
    }

    /// Begins to poll those that are due and that nobody polls; those that still wait for their place when `stopping` says so
    /// are not polled.
    ///
    /// # Errors
    /// The database fails; nothing was begun.
    pub async fn begin_due(
        &mut self,
        service: &Arc<Service>,
        fetcher: &Arc<Fetcher>,
        stopping: &Receiver<bool>,
    ) -> Result<(), Failure> {
        while let Some(ended) = self.polls.try_join_next() {
            self.ended(ended);
        }
        let waiting = service.store.sources_not_due(&service.lease_holder, service.clock.now()).await?;
        for source in &self.sources {
            let id = &source.block.id;
            if waiting.contains(id) || !self.under_way.insert(id.clone()) {
                continue;
            }
            let (service, fetcher, source) = (Arc::clone(service), Arc::clone(fetcher), Arc::clone(source));
            let mut stopping = stopping.clone();
            self.polls.spawn(async move {
                let stopped = async { stopping.wait_for(|stop| *stop).await.is_ok() };
                let place = tokio::select! {
                    place = Place::take() => Some(place),
                    _ = stopped => None,
                };
                // A database that fails for a moment must not end the watch.
                if let Some(place) = place
                    && let Err(e) = poll_in(place, &service, &fetcher, &source, false).await
                {
                    tracing::error!(source = %source.block.id, "watch failed: {}", e.what);
                }
                source.block.id.clone()
            });
        }
        Ok(())
    }

    /// Waits until those that are being polled are done.
    pub async fn finish(&mut self) {
        while let Some(ended) = self.polls.join_next().await {
            self.ended(ended);
        }
    }

    fn ended(&mut self, ended: Result<String, JoinError>) {
        match ended {
            Ok(id) => drop(self.under_way.remove(&id)),
            Err(e) => {
                // Which one is not said: all are looked at again, and a claim keeps two from polling one source.
                tracing::error!("a poll was cut short: {e}");
                self.under_way.clear();
            }
        }
    }
}

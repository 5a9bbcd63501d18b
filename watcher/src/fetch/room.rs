//! Room for large bodies: a few of this process are held at a time, from their second mebibyte until they have been read.
//!
//! Whoever holds room must go on: a server that sends a large body slowly would keep everybody else from theirs.

use std::sync::{Arc, LazyLock};
use std::time::Duration;

use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::Instant;
use url::Url;

use super::FetchError;

/// A body longer than this takes room, in bytes.
const LARGE: usize = 1024 * 1024;
/// Large bodies held at a time.
const AT_ONCE: usize = 4;
/// Longest time from taking room to the end of the body.
const PATIENCE: Duration = Duration::from_secs(10);

static ROOM: LazyLock<Arc<Semaphore>> = LazyLock::new(|| Arc::new(Semaphore::new(AT_ONCE)));

/// The room that a body takes, given back when the last copy of the body goes.
#[derive(Debug, Clone, Default)]
pub(super) struct Room(Option<Taken>);

#[derive(Debug, Clone)]
struct Taken {
    _permit: Arc<OwnedSemaphorePermit>,
    until: Instant,
}

/// A large body did not come in time.
#[derive(Debug)]
pub(super) struct Late;

impl Late {
    pub(super) fn of(&self, url: &Url) -> FetchError {
        let why = format!("réponse longue et lente : plus de {} s pour la lire", PATIENCE.as_secs());
        FetchError::Network { url: url.to_string(), why }
    }
}

impl Room {
    /// Waits for room where a body has become that long.
    pub(super) async fn take(&mut self, length: usize) {
        if length <= LARGE || self.0.is_some() {
            return;
        }
        // Never closed.
        if let Ok(permit) = Arc::clone(&ROOM).acquire_owned().await {
            self.0 = Some(Taken { _permit: Arc::new(permit), until: Instant::now() + PATIENCE });
        }
    }

    /// Waits for the next piece of a body.
    pub(super) async fn wait_for<T>(&self, next: impl Future<Output = T>) -> Result<T, Late> {
        match &self.0 {
            Some(taken) => tokio::time::timeout_at(taken.until, next).await.map_err(|_| Late),
            None => Ok(next.await),
        }
    }
}

#[cfg(test)]
mod tests {
    use futures_util::FutureExt;

    use super::*;

    #[tokio::test]
    async fn a_few_large_bodies_are_held_at_a_time_and_none_for_long() {
        let mut held = Vec::new();
        for _ in 0..AT_ONCE {
            let mut room = Room::default();
            room.take(LARGE + 1).await;
            held.push(room);
        }
        let mut small = Room::default();
        small.take(LARGE).await;
        assert!(small.0.is_none(), "small ones wait for nobody");
        let mut next = Room::default();
        assert!(next.take(LARGE + 1).now_or_never().is_none(), "no room");
        if let Some(taken) = &mut held[0].0 {
            taken.until = Instant::now();
        }
        let slow = held[0].wait_for(std::future::pending::<()>()).await;
        assert!(slow.is_err(), "the slow one is left");
        let copy = held[0].clone();
        held.clear();
        next.take(LARGE + 1).await;
        assert!(next.0.is_some() && copy.0.is_some());
    }
}

//! How many sources of a process are read at the same time. Who waits long for an answer gives its place to others, and goes on
//! without one.

use std::time::Duration;

use tokio::sync::{Semaphore, SemaphorePermit};

/// Sources of this process that are read at the same time.
const AT_ONCE: usize = 16;
/// How long a source may wait for an answer before another one is read in its place.
const PATIENCE: Duration = Duration::from_secs(1);

/// Places of those who read.
static PLACES: Semaphore = Semaphore::const_new(AT_ONCE);

/// A place among those who read, until it is given up.
pub(super) struct Place(Option<SemaphorePermit<'static>>);

impl Place {
    /// Waits for one.
    pub(super) async fn take() -> Self {
        // Never closed.
        Self(PLACES.acquire().await.ok())
    }

    /// Waits for an answer; after a while without the place.
    pub(super) async fn wait_for<T>(&mut self, answer: impl Future<Output = T>) -> T {
        tokio::pin!(answer);
        match tokio::time::timeout(PATIENCE, &mut answer).await {
            Ok(answer) => answer,
            Err(_) => {
                self.give_up();
                answer.await
            }
        }
    }

    /// Leaves it to another.
    pub(super) fn give_up(&mut self) {
        self.0 = None;
    }
}

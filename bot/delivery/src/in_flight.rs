//! How many messages are under way at once: workers, and permits to note a message as begun.

use tokio::sync::{Semaphore, SemaphorePermit};
use vigie_domain::Channel;
use vigie_notifier::channels::email::Email;

/// Workers for each connection: while one message is on the wire, others are made and settled.
const WORKERS_A_CONNECTION: usize = 4;

/// Messages noted as begun for each connection.
const BEGUN_A_CONNECTION: usize = 2;

/// Connections where no mail server says how many.
const CONNECTIONS: usize = 2;

/// How many workers empty the outbox side by side.
#[must_use]
pub fn workers(email: Option<&Email>) -> usize {
    connections(email) * WORKERS_A_CONNECTION
}

fn connections(email: Option<&Email>) -> usize {
    email.map_or(CONNECTIONS, Email::connections)
}

/// How many messages of each channel may be noted as begun at once: for each connection, the one on the wire and the next,
/// which leaves as soon as the wire is free.
#[derive(Debug)]
pub struct InFlightPermits([Semaphore; Channel::ALL.len()]);

impl InFlightPermits {
    /// Twice as many as the mail server is to see connections, for each channel apart.
    #[must_use]
    pub fn new(email: Option<&Email>) -> Self {
        Self(std::array::from_fn(|_| Semaphore::new(connections(email) * BEGUN_A_CONNECTION)))
    }

    pub(crate) async fn of(&self, channel: Channel) -> Option<SemaphorePermit<'_>> {
        let place = Channel::ALL.iter().position(|c| *c == channel)?;
        // Never closed.
        self.0[place].acquire().await.ok()
    }
}

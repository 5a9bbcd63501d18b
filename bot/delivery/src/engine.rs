//! What a process needs to deliver: the channels, and what it holds in memory between two looks at the outbox. All of it can
//! be lost with the process: what must survive stands in the database.

use std::sync::Arc;

use vigie_notifier::channels::email::Email;
use vigie_service::{Failure, Service};

use crate::channels::hooks::Hooks;
#[cfg(feature = "telegram")]
use crate::channels::telegram::Chats;
use crate::in_flight::{self, InFlightPermits};
use crate::message_cache::MessageCache;
use crate::prefetched::Prefetched;
use crate::resting::Resting;

/// The delivery of one process.
pub struct Engine {
    /// The use cases.
    pub service: Arc<Service>,
    /// E-mail, where configured.
    pub email: Option<Email>,
    /// Matrix, once opened by the process that delivers: its crypto store has one owner.
    #[cfg(feature = "matrix")]
    pub matrix: tokio::sync::OnceCell<vigie_matrix::Matrix>,
    /// Telegram, where configured.
    #[cfg(feature = "telegram")]
    pub telegram: Option<Chats>,
    /// Tools that take messages at an address of their own.
    pub hooks: Hooks,
    /// Channels left alone for a while.
    pub resting: Resting,
    pub(crate) prefetched: Prefetched,
    pub(crate) permits: InFlightPermits,
    pub(crate) cache: MessageCache,
    /// Held by the worker that shows in chats what was decided.
    pub(crate) refreshing: tokio::sync::Mutex<()>,
}

impl Engine {
    /// Makes the channels that the settings name; nothing is asked of any server.
    ///
    /// # Errors
    /// A channel's settings or secret are missing or unreadable.
    pub fn new(service: Arc<Service>, email: Option<Email>) -> Result<Self, Failure> {
        #[cfg(feature = "telegram")]
        let telegram = service.settings.telegram.as_ref().map(Chats::open).transpose()?;
        let permits = InFlightPermits::new(email.as_ref());
        let hooks = Hooks::open(Arc::clone(&service))?;
        Ok(Self {
            service,
            email,
            hooks,
            #[cfg(feature = "matrix")]
            matrix: tokio::sync::OnceCell::new(),
            #[cfg(feature = "telegram")]
            telegram,
            resting: Resting::default(),
            prefetched: Prefetched::default(),
            permits,
            cache: MessageCache::default(),
            refreshing: tokio::sync::Mutex::default(),
        })
    }

    /// How many workers empty the outbox side by side.
    #[must_use]
    pub fn workers(&self) -> usize {
        in_flight::workers(self.email.as_ref())
    }
}

//! What was said in chats, acted on chat by chat: in order within one, side by side across them.
//!
//! The queues stand in the database (`vigie_store::incoming`); a chat that waits for its own pace delays nobody else. What fails
//! is begun again a few times, then given up, and whoever waits is told.

use std::collections::HashSet;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::task::JoinSet;
use vigie_delivery::{Engine, channels};
use vigie_service::Failure;
use vigie_service::crash_point::CrashPoint;
use vigie_store::incoming::IncomingRow;

/// Times something may be begun before it is given up.
const TRIES: i64 = 3;
/// Pause before it is begun again.
const AGAIN: Duration = Duration::from_secs(1);

/// How a service's words are acted on.
pub trait Acts: Send + Sync + 'static {
    /// Under which name its queue is kept.
    const LISTENER: &'static str;

    /// Reads what was said, acts on it and answers.
    fn act(&self, engine: &Arc<Engine>, said: &IncomingRow) -> impl Future<Output = Result<(), Failure>> + Send;

    /// Says that it could not be done.
    fn give_up(&self, engine: &Arc<Engine>, said: &IncomingRow) -> impl Future<Output = ()> + Send;
}

/// The queues of one service.
pub struct ChatQueues<A> {
    engine: Arc<Engine>,
    acts: A,
    stopped: AtomicBool,
    workers: Mutex<Workers>,
}

#[derive(Default)]
struct Workers {
    /// Chats that somebody looks after.
    busy: HashSet<String>,
    tasks: JoinSet<()>,
}

impl<A: Acts> ChatQueues<A> {
    /// Queues of which none is looked after yet.
    pub fn new(engine: Arc<Engine>, acts: A) -> Arc<Self> {
        Arc::new(Self { engine, acts, stopped: AtomicBool::new(false), workers: Mutex::default() })
    }

    /// What acts.
    pub fn acts(&self) -> &A {
        &self.acts
    }

    /// Has every chat in which something waits looked after.
    ///
    /// # Errors
    /// The database fails.
    pub async fn look_after(self: &Arc<Self>) -> Result<(), Failure> {
        let waiting = self.engine.service.store.chats_waiting(A::LISTENER).await?;
        let mut workers = self.workers();
        while workers.tasks.try_join_next().is_some() {}
        for chat in waiting {
            if workers.busy.insert(chat.clone()) {
                let queues = Arc::clone(self);
                workers.tasks.spawn(async move { queues.serve(&chat).await });
            }
        }
        Ok(())
    }

    /// Waits until nothing is under way; with `stop`, what waits is left for the next start.
    pub async fn finish(&self, stop: bool) {
        self.stopped.store(stop, Ordering::Relaxed);
        loop {
            let mut tasks = std::mem::take(&mut self.workers().tasks);
            if tasks.is_empty() {
                return;
            }
            while tasks.join_next().await.is_some() {}
        }
    }

    fn workers(&self) -> MutexGuard<'_, Workers> {
        self.workers.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Looks after one chat until nothing waits in it.
    async fn serve(&self, chat: &str) {
        loop {
            // Whatever ends this task, the chat is looked after again.
            let busy = Busy { workers: &self.workers, chat };
            let emptied = self.empty(chat).await;
            if let Err(e) = channels::refresh(&self.engine).await {
                tracing::error!("state not shown in chats: {}", e.what);
            }
            drop(busy);
            if let Err(e) = emptied {
                return tracing::error!(listener = A::LISTENER, "what was said waits for the next look: {}", e.what);
            }
            // What came between the last look and now is found here.
            let more = !self.stopped.load(Ordering::Relaxed)
                && self.engine.service.store.waits_in(A::LISTENER, chat).await.unwrap_or(false);
            if !more || !self.workers().busy.insert(chat.to_owned()) {
                return;
            }
        }
    }

    /// Acts on what waits in one chat, in order.
    async fn empty(&self, chat: &str) -> Result<(), Failure> {
        let store = &self.engine.service.store;
        while !self.stopped.load(Ordering::Relaxed) {
            let Some((said, tries)) = store.begin_incoming(A::LISTENER, chat).await? else { return Ok(()) };
            if tries > TRIES {
                self.acts.give_up(&self.engine, &said).await;
            } else if let Err(failure) = self.acts.act(&self.engine, &said).await {
                tracing::error!(listener = A::LISTENER, number = said.number, "not acted on: {}", failure.what);
                tokio::time::sleep(AGAIN).await;
                continue;
            }
            store.end_incoming(A::LISTENER, said.number).await?;
            CrashPoint::Heard.reach();
        }
        Ok(())
    }
}

/// Says that a chat is looked after, until dropped.
struct Busy<'a> {
    workers: &'a Mutex<Workers>,
    chat: &'a str,
}

impl Drop for Busy<'_> {
    fn drop(&mut self) {
        self.workers.lock().unwrap_or_else(PoisonError::into_inner).busy.remove(self.chat);
    }
}

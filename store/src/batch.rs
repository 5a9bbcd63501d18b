//! Group commit: what several tasks have to write at the same moment becomes durable in one transaction.
//!
//! The first waiter (who holds the leader lock) commits the whole batch: what was handed in until its transaction could begin.
//! If that fails, each write is retried alone, so that a bad one harms no other.

use std::future::Future;
use std::sync::{Mutex, PoisonError};

use tokio::sync::oneshot;

use crate::error::StoreError;
use crate::sql::{Database, Transaction};

/// Something that is written together with others of its kind.
pub(crate) trait Write: Clone + Send + Sync {
    /// What is said of each.
    type Answer: Send;

    /// Writes them, and answers each, in their order.
    fn write_all(
        tx: &mut Transaction,
        writes: &[Self],
    ) -> impl Future<Output = Result<Vec<Self::Answer>, StoreError>> + Send;
}

/// Those who wait for their writes, and the leader lock.
pub(crate) struct Batch<W: Write> {
    waiting: Mutex<Vec<Waiting<W>>>,
    leader: tokio::sync::Mutex<()>,
}

/// A write, and to whom its answer goes; `None` = the batch failed, retry alone.
type Waiting<W> = (W, oneshot::Sender<Option<<W as Write>::Answer>>);

impl<W: Write> Default for Batch<W> {
    fn default() -> Self {
        Self { waiting: Mutex::default(), leader: tokio::sync::Mutex::default() }
    }
}

impl<W: Write> std::fmt::Debug for Batch<W> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Batch").finish_non_exhaustive()
    }
}

impl<W: Write> Batch<W> {
    /// Makes one write durable, together with those that wait at this moment.
    pub(crate) async fn write(&self, db: &Database, write: W) -> Result<W::Answer, StoreError> {
        let (answer, mut answered) = oneshot::channel();
        self.waiting().push((write.clone(), answer));
        let leader = self.leader.lock().await;
        // Who held the lock before us may have written for us; else we write for all.
        let mut done = answered.try_recv();
        if done.is_err() {
            self.write_waiting(db).await;
            done = answered.try_recv();
        }
        drop(leader);
        match done.ok().flatten() {
            Some(answer) => Ok(answer),
            None => {
                let mut tx = db.begin().await?;
                let answer = W::write_all(&mut tx, &[write]).await?.pop();
                tx.commit().await?;
                answer.ok_or_else(|| crate::sql::SqlError::NoRow.into())
            }
        }
    }

    /// Writes for all who wait, and answers each.
    async fn write_waiting(&self, db: &Database) {
        let (mut writes, mut answers) = (Vec::new(), Vec::new());
        let done = self.write_together(db, &mut writes, &mut answers).await;
        if let Err(e) = &done
            && writes.len() > 1
        {
            tracing::warn!("a batch of {} writes failed, each is retried alone: {e}", writes.len());
        }
        let mut done = done.unwrap_or_default().into_iter();
        for answer in answers {
            // Who no longer listens has gone.
            let _ = answer.send(done.next());
        }
    }

    async fn write_together(
        &self,
        db: &Database,
        writes: &mut Vec<W>,
        answers: &mut Vec<oneshot::Sender<Option<W::Answer>>>,
    ) -> Result<Vec<W::Answer>, StoreError> {
        let began = db.begin().await;
        // Whoever came while we waited for our turn is written as well.
        (*writes, *answers) = std::mem::take(&mut *self.waiting()).into_iter().unzip();
        let mut tx = began?;
        let done = W::write_all(&mut tx, writes).await?;
        tx.commit().await?;
        Ok(done)
    }

    fn waiting(&self) -> std::sync::MutexGuard<'_, Vec<Waiting<W>>> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

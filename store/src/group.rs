//! Group commit: what several workers write at the same moment becomes durable in one transaction.
//!
//! Whoever gets the pen writes for all who wait. On failure each writes alone, so that one bad write harms no other.
//! PostgreSQL groups the commits of its connections by itself: there everyone writes alone.

use std::sync::{Mutex, PoisonError};

use chrono::{DateTime, Utc};
use tokio::sync::oneshot;

use crate::outbox::{self, Claimed, End};
use crate::{Engine, Store, StoreError};

/// One thing to be made durable.
#[derive(Debug, Clone)]
pub(crate) enum Write {
    /// Bytes are about to leave.
    Start {
        /// The delivery.
        delivery: Claimed,
        /// Until when it is held.
        lease_until: DateTime<Utc>,
        /// Now.
        now: DateTime<Utc>,
    },
    /// An attempt ended.
    End {
        /// The delivery.
        delivery: Claimed,
        /// How.
        end: End,
        /// Now.
        now: DateTime<Utc>,
    },
}

/// Whether it was ours to write; `None` = the group failed, write alone.
type Answer = oneshot::Sender<Option<bool>>;

/// Those who wait, and the pen.
#[derive(Debug, Default)]
pub(crate) struct Group {
    waiting: Mutex<Vec<(Write, Answer)>>,
    pen: tokio::sync::Mutex<()>,
}

impl Group {
    fn push(&self, write: Write, answer: Answer) {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner).push((write, answer));
    }

    fn take(&self) -> Vec<(Write, Answer)> {
        std::mem::take(&mut *self.waiting.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl Store {
    /// Makes one write durable, together with those that wait at this moment. `false` = the delivery was no longer ours.
    pub(crate) async fn write(&self, write: Write) -> Result<bool, StoreError> {
        let mut together = None;
        if self.engine == Engine::Sqlite {
            let (answer, mut answered) = oneshot::channel();
            self.group.push(write.clone(), answer);
            let pen = self.group.pen.lock().await;
            // Who had the pen before us may have written for us; else we write for all.
            let done = answered.try_recv();
            if done.is_err() {
                self.write_group().await;
            }
            drop(pen);
            together = done.or_else(|_| answered.try_recv()).ok().flatten();
        }
        match together {
            Some(ours) => Ok(ours),
            None => self.write_all(&[&write]).await.map(|done| done == [true]),
        }
    }

    /// Writes for all who wait, and tells each.
    async fn write_group(&self) {
        let group = self.group.take();
        let writes: Vec<&Write> = group.iter().map(|(w, _)| w).collect();
        let done = self.write_all(&writes).await;
        for (n, (_, answer)) in group.into_iter().enumerate() {
            // Who no longer listens has gone.
            let _ = answer.send(done.as_ref().ok().and_then(|d| d.get(n).copied()));
        }
    }

    async fn write_all(&self, writes: &[&Write]) -> Result<Vec<bool>, StoreError> {
        let mut tx = self.begin().await?;
        let mut done = Vec::with_capacity(writes.len());
        for write in writes {
            done.push(match write {
                Write::Start { delivery, lease_until, now } => {
                    outbox::start(&mut tx, delivery, *lease_until, *now).await?
                }
                Write::End { delivery, end, now } => outbox::end(&mut tx, delivery, end, *now).await?,
            });
        }
        tx.commit().await?;
        Ok(done)
    }
}

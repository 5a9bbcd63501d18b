//! Group commit: what several workers say at the same moment becomes durable in one transaction, with few statements.
//!
//! Whoever gets the pen writes for all who wait. On failure each writes alone, so that one bad word harms no other.

use std::collections::HashSet;
use std::sync::{Mutex, PoisonError};

use tokio::sync::oneshot;

use crate::outbox::{self, Said, Word};
use crate::{Store, StoreError};

/// Whether it was ours to say; `None` = the group failed, write alone.
type Answer = oneshot::Sender<Option<bool>>;

/// Those who wait, and the pen.
#[derive(Debug, Default)]
pub(crate) struct Group {
    waiting: Mutex<Vec<(Word, Answer)>>,
    pen: tokio::sync::Mutex<()>,
}

impl Group {
    fn push(&self, word: Word, answer: Answer) {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner).push((word, answer));
    }

    fn take(&self) -> Vec<(Word, Answer)> {
        std::mem::take(&mut *self.waiting.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl Store {
    /// Makes one word durable, together with those that wait at this moment. `false` = the delivery was no longer ours.
    pub(crate) async fn write(&self, word: Word) -> Result<bool, StoreError> {
        let (answer, mut answered) = oneshot::channel();
        self.group.push(word.clone(), answer);
        let pen = self.group.pen.lock().await;
        // Who had the pen before us may have written for us; else we write for all.
        let done = answered.try_recv();
        if done.is_err() {
            self.write_group().await;
        }
        drop(pen);
        match done.or_else(|_| answered.try_recv()).ok().flatten() {
            Some(ours) => Ok(ours),
            None => self.write_all(&[&word]).await.map(|done| done.contains(&word.id)),
        }
    }

    /// Writes for all who wait, and tells each.
    async fn write_group(&self) {
        let group = self.group.take();
        let words: Vec<&Word> = group.iter().map(|(w, _)| w).collect();
        let done = self.write_all(&words).await;
        if let Err(e) = &done
            && group.len() > 1
        {
            tracing::warn!("{} words together were refused, each goes alone: {e}", group.len());
        }
        for (word, answer) in group {
            // Who no longer listens has gone.
            let _ = answer.send(done.as_ref().ok().map(|d| d.contains(&word.id)));
        }
    }

    /// Writes words; gives the deliveries that were ours.
    async fn write_all(&self, words: &[&Word]) -> Result<HashSet<String>, StoreError> {
        let (mut starts, mut ends) = (Vec::new(), Vec::new());
        for word in words {
            match &word.said {
                Said::Starts(until) => starts.push((*word, *until)),
                Said::Ends(end) => ends.push((*word, end)),
            }
        }
        let mut tx = self.begin().await?;
        let mut ours = outbox::end(&mut tx, &ends).await?;
        ours.extend(outbox::start(&mut tx, &starts).await?);
        tx.commit().await?;
        Ok(ours)
    }
}

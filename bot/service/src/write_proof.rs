//! Whether writes become durable: asked by readiness, by the heartbeat and by the watch that raises the alarm.
//!
//! A thread that is alive proves nothing: a row is written and read back. A success holds for a few seconds, a failure is tried again
//! whenever somebody asks, one at a time. Time is the machine's own, whatever the clock of the settings says.

use std::time::{Duration, Instant};

use vigie_store::Store;

/// How long a success holds: well within the minute for which readiness vouches.
const FRESH: Duration = Duration::from_secs(10);
/// A write that takes longer counts as failed: whatever waits behind it is late.
const PATIENCE: Duration = Duration::from_secs(15);

/// What was found last.
#[derive(Debug, Default)]
pub struct WriteProof(tokio::sync::Mutex<Last>);

#[derive(Debug, Default)]
struct Last {
    /// When a write was last proven.
    proven: Option<Instant>,
    /// Since when writes fail, if they do.
    failing_since: Option<Instant>,
}

/// Writes fail.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("plus rien ne s’écrit dans la base depuis {} s : {why}", .since.as_secs())]
pub struct WritesFail {
    /// For how long.
    pub since: Duration,
    /// The database's words.
    pub why: String,
}

impl WriteProof {
    /// Whether a write was made and read back lately; makes one where the last is no longer fresh.
    ///
    /// # Errors
    /// The last one failed, or took too long.
    pub async fn check(&self, store: &Store) -> Result<(), WritesFail> {
        let mut last = self.0.lock().await;
        if last.proven.is_some_and(|at| at.elapsed() < FRESH) {
            return Ok(());
        }
        let why = match tokio::time::timeout(PATIENCE, store.prove_write()).await {
            Ok(Ok(())) => {
                *last = Last { proven: Some(Instant::now()), failing_since: None };
                return Ok(());
            }
            Ok(Err(e)) => e.to_string(),
            Err(_) => format!("une écriture dure plus de {} s", PATIENCE.as_secs()),
        };
        let since = last.failing_since.get_or_insert_with(Instant::now).elapsed();
        Err(WritesFail { since, why })
    }
}

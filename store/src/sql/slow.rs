//! The slowest statement of this process: without its values, so that it names nobody. What a statement takes is counted as its
//! caller waits, the wait for a connection included; the end of a transaction is not.

use std::borrow::Cow;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::Instant;

/// A statement that takes less is not remembered, in milliseconds.
const LEAST_MS: u64 = 50;
/// Longest text remembered, in bytes.
const MAX_TEXT: usize = 400;

/// What was slowest since it was last taken, and how long it took, in milliseconds.
static SLOWEST: Mutex<Option<(String, u64)>> = Mutex::new(None);
/// The same time, for whoever only asks whether theirs was longer.
static BOUND: AtomicU64 = AtomicU64::new(LEAST_MS);

/// Runs a statement, and remembers it where none took longer.
pub(super) async fn timed<T>(sql: Cow<'static, str>, run: impl Future<Output = T>) -> T {
    let started = Instant::now();
    let done = run.await;
    let took = u64::try_from(started.elapsed().as_millis()).unwrap_or(u64::MAX);
    if took > BOUND.load(Ordering::Relaxed) {
        remember(&sql, took);
    }
    done
}

pub(crate) fn remember(sql: &str, took: u64) {
    let mut slowest = SLOWEST.lock().unwrap_or_else(PoisonError::into_inner);
    if slowest.as_ref().is_none_or(|(_, ms)| took > *ms) {
        let line = sql.split_whitespace().collect::<Vec<_>>().join(" ");
        *slowest = Some((line[..line.floor_char_boundary(MAX_TEXT)].to_owned(), took));
        BOUND.store(took, Ordering::Relaxed);
    }
}

/// What was slowest since this was asked last, and how long it took, in milliseconds; from now on the next is looked for.
pub(crate) fn take() -> Option<(String, u64)> {
    let taken = SLOWEST.lock().unwrap_or_else(PoisonError::into_inner).take();
    BOUND.store(LEAST_MS, Ordering::Relaxed);
    taken
}

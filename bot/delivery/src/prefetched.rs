//! Deliveries claimed ahead of the workers that send them.

use std::collections::VecDeque;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use vigie_store::outbox::Claimed;

/// Deliveries leave fast where a claim is used up sooner than this.
const BRISK: Duration = Duration::from_millis(250);

/// Most deliveries claimed at once: what a crash leaves to be claimed again, and how long what comes now waits behind others.
const MAX_CLAIMED: usize = 128;

/// Deliveries that this process holds and has not begun to send: workers share what any of them claimed, so that none waits
/// behind another's slow answer.
#[derive(Debug, Default)]
pub struct Prefetched {
    waiting: Mutex<VecDeque<Claimed>>,
    /// Held by the worker that claims more.
    pub(crate) claiming: tokio::sync::Mutex<ClaimSize>,
}

/// How many to claim: the faster they leave, the more, since each claim costs the same way to the database.
#[derive(Debug, Default)]
pub(crate) struct ClaimSize {
    pub(crate) claimed: usize,
    pub(crate) at: Option<Instant>,
}

impl ClaimSize {
    pub(crate) fn next(&self, least: usize) -> usize {
        let brisk = self.at.is_some_and(|at| at.elapsed() < BRISK) && self.claimed >= least;
        if brisk { (self.claimed * 2).min(MAX_CLAIMED) } else { least }
    }
}

impl Prefetched {
    pub(crate) fn waiting(&self) -> MutexGuard<'_, VecDeque<Claimed>> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The first that waits, and how many wait behind it.
    pub(crate) fn pop(&self) -> (Option<Claimed>, usize) {
        let mut waiting = self.waiting();
        let first = waiting.pop_front();
        (first, waiting.len())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn claims_grow_while_all_of_them_leave_fast() {
        let just = |claimed| ClaimSize { claimed, at: Some(Instant::now()) };
        assert_eq!(ClaimSize::default().next(16), 16);
        assert_eq!(just(16).next(16), 32);
        assert_eq!(just(100).next(16), MAX_CLAIMED);
        assert_eq!(just(15).next(16), 16, "there was no more to claim");
        let slow = ClaimSize { claimed: 64, at: Instant::now().checked_sub(BRISK) };
        assert_eq!(slow.next(16), 16);
    }
}

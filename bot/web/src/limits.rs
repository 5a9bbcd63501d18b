//! How often one address on the network may do what costs: ask for a sign-in link, for a preview, for a page of results.
//!
//! Counts are kept in memory, in a bounded table: a restart forgets them, which does no harm. Limits a person's own mailbox
//! needs are kept in the database (`store/src/sessions.rs`).

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::{Mutex, PoisonError};

use chrono::{DateTime, Duration, Utc};

use crate::server::network;

/// Addresses counted at a time; beyond, the table is emptied.
const MAX_CLIENTS: usize = 20_000;

/// What is counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum What {
    /// Sign-in links asked for.
    SignIn,
    /// Sign-ups posted: each may send a mail.
    SignUp,
    /// Previews, test messages, reports: what reads much or writes to people.
    Costly,
    /// Requests of programs.
    Program,
}

impl What {
    /// How many within how long.
    fn most(self) -> (u32, Duration) {
        match self {
            Self::SignIn => (20, Duration::minutes(15)),
            Self::SignUp => (10, Duration::minutes(15)),
            Self::Costly => (60, Duration::minutes(5)),
            Self::Program => (6_000, Duration::minutes(5)),
        }
    }
}

/// Since when, and how many.
type Count = (DateTime<Utc>, u32);

/// What was done lately, by whom.
#[derive(Debug, Default)]
pub(crate) struct Limits(Mutex<HashMap<(IpAddr, What), Count>>);

impl Limits {
    /// Counts one more; `false` when it is one too many.
    pub(crate) fn allow(&self, client: IpAddr, what: What, now: DateTime<Utc>) -> bool {
        let (most, within) = what.most();
        let mut counts = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if counts.len() >= MAX_CLIENTS {
            counts.clear();
        }
        let (since, n) = counts.entry((network(client), what)).or_insert((now, 0));
        if now - *since >= within || now < *since {
            (*since, *n) = (now, 0);
        }
        *n += 1;
        *n <= most
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_too_many_is_refused_until_time_has_passed_and_nobody_else_suffers() {
        let limits = Limits::default();
        let (a, b) = (IpAddr::from([192, 0, 2, 1]), IpAddr::from([192, 0, 2, 2]));
        let now = Utc::now();
        assert!((0..20).all(|_| limits.allow(a, What::SignIn, now)));
        assert!(!limits.allow(a, What::SignIn, now));
        assert!(limits.allow(b, What::SignIn, now));
        assert!(limits.allow(a, What::SignIn, now + Duration::minutes(15)));
    }
}

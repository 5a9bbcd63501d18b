//! Who should hear of a notice: the [`Index`] says whom it may concern, [`hit`] whom it does concern and why.
//!
//! The index holds of each subscription only what rules most of them out, so that a notice costs what it finds and a hundred
//! thousand subscriptions fit in a few megabytes; it never leaves out anybody whom [`Filter::test`] takes. The conditions
//! themselves are read, and tested, for those it finds.
//!
//! [`Filter::test`]: vigie_domain::Filter::test

mod index;

#[cfg(test)]
mod tests;

pub use index::Index;

use vigie_domain::subscription::{Candidate, Dimension, Match, Profile};
use vigie_domain::{Cadence, Subscription};

use crate::fit::{self, Fit};

/// Why one person hears of a notice.
#[derive(Debug, Clone, PartialEq)]
pub struct Hit {
    /// The subscription that met; of several, the most urgent rhythm, then the best fit.
    pub subscription: String,
    /// Its rhythm.
    pub cadence: Cadence,
    /// What met.
    pub found: Match,
    /// How well it suits them.
    pub fit: Fit,
    /// The subscription gives nothing now: the person is not told.
    pub paused: bool,
}

/// Whether and why a notice concerns a person of that profile. Words of the subscriptions are expected folded.
#[must_use]
pub fn hit(profile: &Profile, subscriptions: &[Subscription], candidate: &Candidate<'_>) -> Option<Hit> {
    let hits = subscriptions.iter().filter_map(|subscription| {
        let found = subscription.filter.test(candidate).ok()?;
        Some(Hit {
            subscription: subscription.id.clone(),
            cadence: subscription.cadence,
            fit: fit::weigh(profile, candidate.assessment, &found),
            found,
            paused: subscription.is_paused(candidate.now),
        })
    });
    // Of equals the first, which is the oldest.
    hits.reduce(|best, hit| if rank(&hit) > rank(&best) { hit } else { best })
}

/// For each of a person's subscriptions what met, or the dimension that rules the notice out. Words are expected folded.
#[must_use]
pub fn explain(subscriptions: &[Subscription], candidate: &Candidate<'_>) -> Vec<(String, Result<Match, Dimension>)> {
    subscriptions.iter().map(|s| (s.id.clone(), s.filter.test(candidate))).collect()
}

/// What is not paused, then the sooner rhythm, then the better fit.
fn rank(hit: &Hit) -> (bool, u32, u8) {
    const DAY: u32 = 1440;
    let minutes = match hit.cadence {
        Cadence::Instant => 0,
        // What presses comes at once.
        Cadence::Auto => 1,
        Cadence::Daily => DAY,
        Cadence::Weekly => 7 * DAY,
        Cadence::Every(every) => every.minutes(),
    };
    (!hit.paused, u32::MAX - minutes, hit.fit.score)
}

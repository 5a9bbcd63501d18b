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

use vigie_domain::subscription::{Candidate, Dimension, Match};
use vigie_domain::{Access, Cadence, Subscriber, Subscription, concerned_lots};

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

/// What of a notice meets a subscription of that person, and their structure can do something about.
///
/// # Errors
/// The dimension that rules it out.
fn met(person: &Subscriber, subscription: &Subscription, candidate: &Candidate<'_>) -> Result<Match, Dimension> {
    let found = subscription.filter.test(candidate)?;
    concerned_lots::narrowed(person.role, &person.profile, candidate.assessment, found).ok_or(Dimension::Access)
}

/// Whether and why a notice concerns a person. Words of the subscriptions are expected folded.
#[must_use]
pub fn hit(person: &Subscriber, subscriptions: &[Subscription], candidate: &Candidate<'_>) -> Option<Hit> {
    let hits = subscriptions.iter().filter_map(|subscription| {
        let found = met(person, subscription, candidate).ok()?;
        Some(Hit {
            subscription: subscription.id.clone(),
            cadence: subscription.cadence,
            fit: fit::weigh(&person.profile, candidate.assessment, &found),
            found,
            paused: subscription.is_paused(candidate.now),
        })
    });
    // Of equals the first, which is the oldest.
    hits.reduce(|best, hit| if rank(&hit) > rank(&best) { hit } else { best })
}

/// For each of a person's subscriptions what met, or the dimension that rules the notice out. Words are expected folded.
#[must_use]
pub fn explain(
    person: &Subscriber,
    subscriptions: &[Subscription],
    candidate: &Candidate<'_>,
) -> Vec<(String, Result<Match, Dimension>)> {
    subscriptions.iter().map(|s| (s.id.clone(), met(person, s, candidate))).collect()
}

/// What is not paused, then what is not closed to them, then the sooner rhythm, then the better fit.
fn rank(hit: &Hit) -> (bool, bool, u32, u8) {
    (!hit.paused, hit.found.access != Access::Closed, u32::MAX - hit.cadence.minutes(), hit.fit.score)
}

//! What a notice causes: its version, its procedure, the verdict, the alert, everyone's share of it, and their deliveries; whole
//! in one transaction, which takes as many notices of a page as its turn allows.
//!
//! ```text
//! load (what is stored)  →  plan (who hears what, when and why: pure)  →  write
//! ```
//!
//! Idempotent on (source, record id, content hash). The audience index of the process is brought up to date inside the
//! transaction before it is trusted.

pub mod audience;
pub mod carried;
pub mod contracts;
pub mod hourly_cap;
pub mod index;
pub mod judge;
mod load;
pub mod plan;
pub mod procedure;
pub mod search_row;
mod since;
pub mod stored;
mod turn;
mod write;

use std::collections::HashSet;
use std::sync::Arc;
use std::time::{Duration, Instant};

use vigie_config::settings::Baseline;
use vigie_domain::{Assessment, Notice};
use vigie_store::StoreError;

use crate::crash_point::CrashPoint;
use crate::metrics::Step;
use crate::service::Service;
pub use audience::{Audience, candidate};
pub(crate) use turn::Turn;
pub use vigie_store::content_hash;
pub(crate) use write::tell;

/// Most notices looked at for one transaction.
const MAX_BATCH: usize = 50;
/// After how long a transaction takes no further notice: others wait to write.
const LONGEST_TURN: Duration = Duration::from_millis(50);

/// What became of a notice.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// Known already, with this very content.
    Unchanged,
    /// Stored; so many people have a share of it.
    Stored(usize),
}

/// Stores a notice and all it causes.
///
/// # Errors
/// The database fails, or what it holds of the notice's procedure cannot be read; nothing of this notice was written.
pub async fn ingest(service: &Service, notice: &Notice, first_poll: Option<Baseline>) -> Result<Outcome, StoreError> {
    let outcome = ingest_page(service, &[Arc::new(notice.clone())], first_poll).await?.pop();
    outcome.unwrap_or(Ok(Outcome::Unchanged))
}

/// Stores the notices of a page in order, each with all it causes, several in one transaction. What became of each; one whose
/// procedure cannot be read back stops none of the others.
///
/// # Errors
/// The database fails; what was written before is whole.
pub async fn ingest_page(
    service: &Service,
    notices: &[Arc<Notice>],
    first_poll: Option<Baseline>,
) -> Result<Vec<Result<Outcome, StoreError>>, StoreError> {
    let keys: Vec<String> = notices.iter().map(|n| n.key()).collect();
    let known = service.store.content_hashes(&keys).await?;
    let mut outcomes: Vec<Result<Outcome, StoreError>> = notices.iter().map(|_| Ok(Outcome::Unchanged)).collect();
    let mut changed: Vec<(usize, String, String)> = Vec::new();
    let mut seen = HashSet::new();
    for (place, (notice, key)) in notices.iter().zip(keys).enumerate() {
        let hash = content_hash(notice);
        // After a changed record, the same one again is compared with what that one leaves.
        if known.get(&key) != Some(&hash) || seen.contains(&key) {
            seen.insert(key.clone());
            changed.push((place, key, hash));
        }
    }
    let asked: Vec<Arc<Notice>> = changed.iter().map(|(place, _, _)| Arc::clone(&notices[*place])).collect();
    let mut judged: Vec<Judged<'_>> = Vec::with_capacity(changed.len());
    for ((place, key, hash), verdict) in changed.into_iter().zip(service.judge.verdicts(&asked).await) {
        match verdict {
            Ok((verdict, took)) => judged.push(Judged { place, notice: &notices[place], key, hash, verdict, took }),
            // One that cannot be judged is put aside by whoever brought it; its page goes on.
            Err(e) => {
                let source = serde::de::Error::custom(e.to_string());
                outcomes[place] = Err(StoreError::Unreadable { place: format!("avis {key}"), source });
            }
        }
    }
    let mut rest = judged.as_slice();
    let mut alone = 0_usize;
    while !rest.is_empty() {
        let most = if alone > 0 { 1 } else { rest.len().min(MAX_BATCH) };
        match store_batch(service, &rest[..most], first_poll).await {
            Ok(done) => {
                alone = alone.saturating_sub(done.len());
                for (one, outcome) in rest.iter().zip(&done) {
                    outcomes[one.place] = Ok(*outcome);
                }
                rest = &rest[done.len()..];
            }
            Err(e @ StoreError::Unreadable { .. }) if most == 1 => {
                alone = alone.saturating_sub(1);
                outcomes[rest[0].place] = Err(e);
                rest = &rest[1..];
            }
            // One of them is the cause: each on its own shows which.
            Err(e) if most > 1 => {
                tracing::warn!("{most} notices together were refused, each goes alone: {e}");
                alone = most;
            }
            Err(e) => return Err(e),
        }
    }
    Ok(outcomes)
}

/// A notice to be stored.
struct Judged<'a> {
    /// Where it stands on its page.
    place: usize,
    notice: &'a Notice,
    key: String,
    hash: String,
    verdict: Assessment,
    /// How long the verdict took.
    took: Duration,
}

/// Stores as many of these notices as fit in one turn of writing, one at least, in one transaction.
async fn store_batch(
    service: &Service,
    notices: &[Judged<'_>],
    first_poll: Option<Baseline>,
) -> Result<Vec<Outcome>, StoreError> {
    let keys: Vec<String> = notices.iter().map(|n| n.key.clone()).collect();
    let (mut tx, mut turn) = Turn::begin(service, first_poll).await?;
    let began_turn = Instant::now();
    tx.look_up_notices(&keys).await?;
    let mut outcomes = Vec::new();
    for one in notices {
        let began = Instant::now();
        outcomes.push(write::store_one(&mut tx, &mut turn, one.notice, &one.hash, one.verdict.clone()).await?);
        Step::Ingest.took(began.checked_sub(one.took).unwrap_or(began));
        if began_turn.elapsed() > LONGEST_TURN {
            break;
        }
    }
    drop(turn);
    tx.commit().await?;
    CrashPoint::AfterCommit.reach();
    Ok(outcomes)
}

#[cfg(test)]
mod tests {
    use vigie_domain::NoticeKind;

    use super::*;

    #[test]
    fn the_hash_changes_with_the_content_only() {
        let mut notice = Notice::new("t", "1", NoticeKind::Call);
        let first = content_hash(&notice);
        assert_eq!(first, content_hash(&notice.clone()));
        notice.title = "autre".into();
        assert_ne!(first, content_hash(&notice));
    }
}

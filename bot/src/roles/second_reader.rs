//! Asks the second reader, in the background: one process at a time, by lease; nothing waits for it.

use chrono::Duration;
use vigie_service::{Service, second_reader};
use vigie_store::StoreError;
use vigie_watcher::assistant::{Assistant, AssistantError, Doubt};
use vigie_watcher::fetch::Fetcher;

/// How long the lease is held: longer than one request may take.
const LEASE: Duration = Duration::minutes(5);

/// What came of a look.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Looked {
    /// Nothing was to be asked.
    Idle,
    /// So many doubts were asked about, and so many became provisions.
    Asked { doubts: usize, read: usize },
    /// No answer, or none that makes sense.
    Failed,
}

/// Asks about the next doubts, if there are any within the budget.
///
/// # Errors
/// The database fails.
pub async fn look(service: &Service, fetcher: &Fetcher, assistant: &Assistant) -> Result<Looked, StoreError> {
    let now = service.clock.now();
    if !service.store.hold_lease("second_reader", &service.lease_holder, LEASE, now).await? {
        return Ok(Looked::Idle);
    }
    let doubtful = second_reader::next(service, now).await?;
    let doubts: Vec<Doubt> = doubtful.iter().flat_map(|d| d.doubts.iter().map(|(_, doubt)| doubt.clone())).collect();
    if doubts.is_empty() {
        return Ok(Looked::Idle);
    }
    let readings = match assistant.ask(fetcher, &doubts, now).await {
        Ok(readings) => readings,
        Err(e @ AssistantError::Shape(_)) => {
            tracing::warn!("second reader: {e}");
            second_reader::senseless(service, &doubtful, "réponse hors format", now).await?;
            return Ok(Looked::Failed);
        }
        Err(e) => {
            tracing::warn!("second reader: {e}");
            return Ok(Looked::Failed);
        }
    };
    let (mut rest, mut read) = (readings.as_slice(), 0);
    for one in &doubtful {
        let (own, others) = rest.split_at(one.doubts.len());
        read += second_reader::answered(service, one, own, now).await?;
        rest = others;
    }
    Ok(Looked::Asked { doubts: doubts.len(), read })
}

//! Polling: due sources, page by page. A page's notices are committed before its cursor; a bad record is put aside with
//! its bytes; a bad source stops no other.

use std::time::Instant;

use chrono::Duration;
use vigie_config::settings;
use vigie_domain::Notice;
use vigie_service::crash_point::CrashPoint;
use vigie_service::ingest::{self, Outcome};
use vigie_service::sources::Watched;
use vigie_service::{Failure, Service, metrics, put_aside};
use vigie_store::quarantine::Quarantined;
use vigie_store::sources::{PageEnd, PollEnd, SourceState};
use vigie_watcher::fetch::Fetcher;
use vigie_watcher::schedule::{LastPoll, next_due};
use vigie_watcher::sources::{self, Memory, Page, Trouble};
use vigie_watcher::zones::paris_day;

use super::places::Place;

/// How long a source is held for one page; renewed with each page.
const SOURCE_LEASE: Duration = Duration::minutes(5);
/// Polls in a row that may end with their process before the source is left alone: a service that is killed again and again
/// for another reason must not lose its sources.
const MAX_INTERRUPTED: u32 = 8;
/// How long a source is left alone whose reading ended the process.
const SET_ASIDE: Duration = Duration::days(1);
/// Most pages read in one poll; the rest follows at the next.
const MAX_PAGES: usize = 500;

/// What a poll brought.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub struct Polled {
    /// Records read.
    pub records: usize,
    /// Notices new or changed.
    pub stored: usize,
    /// Records put aside.
    pub bad: usize,
}

/// Polls a source if it is due (or `force`), as far as its pages go. `None` when it is not due or another process has it.
///
/// # Errors
/// The database fails. A source that fails is noted, not an error.
pub async fn poll(
    service: &Service,
    fetcher: &Fetcher,
    watched: &Watched,
    force: bool,
) -> Result<Option<Polled>, Failure> {
    poll_in(Place::take().await, service, fetcher, watched, force).await
}

/// The same, in a place that is given back at the end, or when the source lets it wait.
pub(super) async fn poll_in(
    mut place: Place,
    service: &Service,
    fetcher: &Fetcher,
    watched: &Watched,
    force: bool,
) -> Result<Option<Polled>, Failure> {
    let id = watched.block.id.as_str();
    let now = service.clock.now();
    let Some(state) = service.store.claim_source(id, &service.lease_holder, SOURCE_LEASE, force, now).await? else {
        return Ok(None);
    };
    match read(&mut place, service, fetcher, watched, &state).await {
        Ok(total) => Ok(Some(total)),
        Err(failure) => {
            // The source is given back, with a pause: what failed here would fail again at once.
            let now = service.clock.now();
            let due = next_due(id, &watched.schedule, LastPoll { failures: 1, not_before: None }, now);
            let end = PollEnd { error: Some(&failure.what), ..PollEnd::default() };
            service.store.poll_done(id, &end, due, paris_day(now), now).await?;
            Err(failure)
        }
    }
}

async fn read(
    place: &mut Place,
    service: &Service,
    fetcher: &Fetcher,
    watched: &Watched,
    state: &SourceState,
) -> Result<Polled, Failure> {
    let id = watched.block.id.as_str();
    let first = (!state.baseline_done).then_some(watched.block.baseline);
    let mut memory: Memory = serde_json::from_str(&service.store.source_memory(id).await?).unwrap_or_default();
    let mut total = Polled::default();
    // What there is to remember, where that has changed.
    let mut written = None;
    let mut last = None;
    let mut not_before = None;
    let mut failure = None;
    let mut quota = None;
    let mut pages = MAX_PAGES;
    // Counted when it is claimed: what ends the process at each reading is not read for ever.
    if state.interrupted >= MAX_INTERRUPTED {
        let why = "la lecture de cette source a mis fin au programme plusieurs fois de suite : elle est laissée de côté jusqu’au prochain essai";
        not_before = Some(service.clock.now() + SET_ASIDE);
        failure = Some((why.to_owned(), Trouble::Structure));
        pages = 0;
    }
    for _ in 0..pages {
        let asked = Instant::now();
        let asking = sources::poll(watched.source.as_ref(), fetcher, &memory, service.clock.now());
        let mut page = match place.wait_for(asking).await {
            Ok(page) => page,
            Err(e) => {
                metrics::polled(id, e.trouble().as_str(), asked);
                not_before = e.retry_after().map(|pause| service.clock.now() + pause);
                failure = Some((e.to_string(), e.trouble()));
                break;
            }
        };
        metrics::polled(id, "ok", asked);
        CrashPoint::AfterFetch.reach();
        let records = page.notices.len() + page.bad.len() + page.unchanged;
        let notices = std::mem::take(&mut page.notices);
        if let Err(failure) = take_page(service, watched, notices, &page, first, &mut total).await {
            // The reading ended well: what failed is ours, and says nothing of the source.
            let page = PageEnd { memory: None, records: 0 };
            service.store.page_done(id, page, SOURCE_LEASE, service.clock.now()).await?;
            return Err(failure);
        }
        not_before = page.not_before.max(not_before);
        quota = page.quota.or(quota);
        if memory != page.memory {
            memory = page.memory;
            written = serde_json::to_string(&memory).ok();
        }
        service.deliveries_queued.notify_one();
        if !page.more {
            last = Some(records);
            break;
        }
        let page = PageEnd { memory: written.as_deref(), records };
        service.store.page_done(id, page, SOURCE_LEASE, service.clock.now()).await?;
    }
    let now = service.clock.now();
    let failures = if failure.is_some() { state.failures + 1 } else { 0 };
    let due = next_due(id, &watched.schedule, LastPoll { failures, not_before }, now);
    let end = PollEnd {
        error: failure.as_ref().map(|(why, _)| why.as_str()),
        trouble: failure.as_ref().map(|(_, trouble)| trouble.as_str()),
        // What the first poll finds is a stock, not a day's news: it makes no habit.
        items: if first.is_some() { 0 } else { total.stored },
        quota,
        page: last.map(|records| PageEnd { memory: written.as_deref(), records }),
    };
    // What was read is stored: another source may be read while the end of this one is written.
    place.give_up();
    service.store.poll_done(id, &end, due, paris_day(now), now).await?;
    match &failure {
        Some((why, _)) => {
            tracing::warn!(source = id, failures, next = %due, "poll failed: {why}");
            service.store.note("source", id, &format!("veille en échec : {why}"), now).await?;
        }
        None => {
            tracing::info!(source = id, records = total.records, stored = total.stored, quarantined = total.bad, next = %due, "polled")
        }
    }
    Ok(total)
}

async fn take_page(
    service: &Service,
    watched: &Watched,
    notices: Vec<Notice>,
    page: &Page,
    first: Option<settings::Baseline>,
    total: &mut Polled,
) -> Result<(), Failure> {
    let id = watched.block.id.as_str();
    for remark in &page.remarks {
        tracing::info!(source = id, "{remark}");
        service.store.note("source", id, remark, service.clock.now()).await?;
    }
    for bad in &page.bad {
        let record = Quarantined {
            source: id.to_owned(),
            record_id: bad.record_id.clone(),
            place: bad.place.clone(),
            reason: bad.reason.clone(),
            raw: bad.raw.clone(),
            at: service.clock.now(),
        };
        if service.store.quarantine(&record).await? {
            tracing::warn!(source = id, place = %bad.place, record = bad.record_id.as_deref().unwrap_or("-"), "record quarantined: {}", bad.reason);
            service
                .store
                .note(
                    "source",
                    id,
                    &format!("enregistrement mis de côté : {} ({})", bad.reason, bad.place),
                    service.clock.now(),
                )
                .await?;
        }
    }
    let notices = watched.own(notices);
    for (notice, outcome) in notices.iter().zip(ingest::ingest_page(service, &notices, first).await?) {
        match outcome {
            Ok(Outcome::Stored(shares)) => {
                metrics::stored(id, shares);
                total.stored += 1;
            }
            Ok(Outcome::Unchanged) => {}
            // What is stored of its procedure cannot be read: this notice is put aside, the page goes on.
            Err(e) => {
                let record = Quarantined {
                    source: id.to_owned(),
                    record_id: Some(notice.record_id.clone()),
                    place: put_aside::IN_DATABASE.into(),
                    reason: e.to_string(),
                    raw: serde_json::to_vec(notice.as_ref()).unwrap_or_default(),
                    at: service.clock.now(),
                };
                service.store.quarantine(&record).await?;
                tracing::error!(source = id, record = %notice.record_id, "notice quarantined: {e}");
                total.bad += 1;
            }
        }
    }
    total.records += notices.len() + page.bad.len() + page.unchanged;
    total.bad += page.bad.len();
    Ok(())
}

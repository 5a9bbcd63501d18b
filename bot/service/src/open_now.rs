//! What is open for somebody now: markets that their subscriptions would have told them of, had they been here when these were published.
//!
//! Whoever has just agreed reads of them in a first digest ([`first_digest`]), at the next hour of digests; from then on they are markets
//! like others, to be decided on. « Mes marchés » shows them where nothing that was told waits for an answer ([`of`]).

use std::collections::HashSet;

use chrono::{DateTime, Utc};
use vigie_domain::{Alert, AlertKind, Cadence, Disposition, Filter, Phase, Subscriber};
use vigie_notifier::audience::{Hit, hit};
use vigie_notifier::card::Why;
use vigie_notifier::due::next_digest;
use vigie_notifier::rhythm;
use vigie_store::ingest::NewNotification;
use vigie_store::search::Query;
use vigie_store::{StoreError, derived_id};
use vigie_watcher::classify;
use vigie_watcher::zones;

use crate::ingest;
use crate::service::Service;

/// Most markets of a first digest: the best fits; the search has the others.
pub const MOST: usize = 20;
/// Open markets looked at for each that is wanted, and for one person at most.
const LOOKED_AT_FOR_EACH: usize = 10;
const LOOKED_AT: usize = 300;
/// What a first digest says of itself.
const FIRST: &str = "Votre premier résumé : ce qui est ouvert pour vous. Les nouveaux marchés viennent ensuite.";

/// A market that takes answers.
#[derive(Debug, Clone)]
pub struct OpenMarket {
    /// Its procedure.
    pub procedure: String,
    /// The notice that says most of it.
    pub notice: String,
    pub title: String,
    /// The subscription that it meets, and how well.
    pub hit: Hit,
}

/// The markets open now that a person's subscriptions meet, whenever they were published, but for those that their structure decided on:
/// the best fits first, `most` of them at most. The latest that their trades and places let through are looked at, so many for each that is wanted.
///
/// # Errors
/// The database fails.
pub async fn of(service: &Service, person: &Subscriber, most: usize) -> Result<Vec<OpenMarket>, StoreError> {
    let (store, now) = (&service.store, service.clock.now());
    let subscriptions = ingest::audience::subscriptions_of(store, &person.id).await?;
    let decided = store.decisions_of(person.structure()).await?;
    let mut seen: HashSet<String> =
        decided.into_iter().filter(|d| d.stage.is_decision()).map(|d| d.procedure).collect();
    let mut open = Vec::new();
    let mut left = LOOKED_AT.min(most * LOOKED_AT_FOR_EACH);
    for one in subscriptions.iter().filter(|s| !s.is_paused(now)) {
        for row in store.search(&query(&one.filter), None, left, now).await?.rows {
            if !seen.insert(row.procedure.clone()) {
                continue;
            }
            left = left.saturating_sub(1);
            let notices = store.notices_of(&row.procedure).await?;
            let public = notices.iter().filter(|n| n.notice.visibility.is_public() && !n.notice.kind.is_result());
            // The call says what it is; what follows one stands for it alone where the call was not seen.
            let Some(notice) = public.max_by_key(|n| !n.notice.kind.is_follow_up()) else { continue };
            let folded = classify::searchable(&notice.notice, &notice.assessment.lots);
            let candidate = ingest::candidate(notice, &folded, now);
            if let Some(hit) = hit(person, &subscriptions, &candidate).filter(|h| !h.paused) {
                let (procedure, notice) = (row.procedure, notice.id.clone());
                open.push(OpenMarket { procedure, notice, title: row.title, hit });
            }
        }
    }
    open.sort_by(|a, b| b.hit.fit.score.cmp(&a.hit.fit.score).then_with(|| a.procedure.cmp(&b.procedure)));
    open.truncate(most);
    Ok(open)
}

/// A search that finds what a subscription may meet, and more: places finer than départements are looked at afterwards.
fn query(filter: &Filter) -> Query {
    let fine = !filter.epcis.is_empty() || !filter.around.is_empty();
    let departments = if fine { Vec::new() } else { filter.departments.clone() };
    Query { sectors: filter.sectors.clone(), departments, state: Some(Phase::Open), ..Query::default() }
}

/// Puts what is open for a person into a digest at their next hour; nothing for who was told of something already. Gives how many markets.
///
/// # Errors
/// The database fails.
pub async fn first_digest(service: &Service, person: &Subscriber, now: DateTime<Utc>) -> Result<usize, StoreError> {
    let store = &service.store;
    if !store.own_alerts(&person.id, 1).await?.is_empty() {
        return Ok(0);
    }
    let own = store.preferences(&person.id).await?.rhythm;
    let zone = zones::zone(person.profile.departments.first());
    let times = rhythm::own_times(&own, service.digest_times_in(zone));
    let Some(due) = next_digest(Cadence::Daily, times, now) else { return Ok(0) };
    let open = of(service, person, MOST).await?;
    let mut tx = store.begin_alert(now).await?;
    for market in &open {
        let alert = Alert {
            id: derived_id(&["open already", &market.procedure, &market.notice]),
            kind: AlertKind::New,
            procedure: market.procedure.clone(),
            notice: market.notice.clone(),
            changes: Vec::new(),
        };
        let (found, fit) = (market.hit.found.clone(), market.hit.fit.clone());
        let why = Why { found, fit, note: Some(FIRST.to_owned()), ..Why::default() };
        let share = NewNotification {
            subscriber: person.id.clone(),
            subscription: Some(market.hit.subscription.clone()),
            disposition: Disposition::Digest,
            reasons: serde_json::to_string(&why).unwrap_or_default(),
            due: Some(due),
        };
        tx.put_shares(&alert, None, &[(share, Vec::new())]).await?;
    }
    tx.commit().await?;
    Ok(open.len())
}

//! Another channel takes over: for whoever chose one channel for a kind of message, when that channel refuses it for good, or its
//! server has been away for [`AWAY_FOR`]. The order is the person's own ([`vigie_domain::Routes`]).

use chrono::{DateTime, Duration, Utc};
use vigie_domain::{AlertKind, Cause, Channel, MessageKind, Routes};
use vigie_service::Service;
use vigie_store::outbox::Claimed;
use vigie_store::{Store, StoreError};

use crate::engine::Engine;

/// How long a server is away before another channel carries what waits for it.
pub const AWAY_FOR: Duration = Duration::hours(1);
/// Deliveries read at once; what no channel takes over is passed over, so that it keeps nothing behind it waiting.
const PAGE: i64 = 200;

/// The kind of a message, by what it is about; a digest may carry contracts that end alone.
fn kind_of(cause: &Cause, alert: Option<AlertKind>, channel: Channel, routes: &Routes) -> Option<MessageKind> {
    match (cause, alert) {
        (Cause::Alert(_), Some(kind)) => Some(MessageKind::of(kind)),
        (Cause::Digest { .. }, _) => {
            let chosen = |kind: &MessageKind| routes.channels.get(kind) == Some(&channel);
            Some([MessageKind::Digest, MessageKind::Renewal].into_iter().find(chosen).unwrap_or(MessageKind::Digest))
        }
        _ => None,
    }
}

/// What could not be told by one channel, and of whom.
struct Failed<'a> {
    person: &'a str,
    channel: Channel,
    cause: &'a Cause,
    alert: Option<AlertKind>,
    procedure: &'a str,
    expires: Option<DateTime<Utc>>,
    /// The delivery, where it still waits.
    waits: Option<&'a str>,
}

/// Makes the message for the next channel in their order that carries it, those whose server is `away` last; `false` where none takes over.
async fn hand_over(
    store: &Store,
    failed: &Failed<'_>,
    away: &[Channel],
    now: DateTime<Utc>,
) -> Result<bool, StoreError> {
    let routes = store.preferences(failed.person).await?.routes;
    let Some(kind) = kind_of(failed.cause, failed.alert, failed.channel, &routes) else { return Ok(false) };
    let addresses = store.active_addresses(failed.person).await?;
    let in_use: Vec<Channel> = addresses.iter().map(|a| a.channel).collect();
    let mut next = routes.take_over(kind, failed.channel, &in_use);
    match failed.waits {
        // It waits as well where it is.
        Some(_) => next.retain(|c| !away.contains(c)),
        None => next.sort_by_key(|c| away.contains(c)),
    }
    for next in next {
        let to = addresses.iter().filter(|a| a.channel == next);
        let new: Vec<_> = to.map(|a| Store::same_for((failed.cause, failed.procedure, failed.expires), a)).collect();
        let why = format!("passe {} : rien ne part {}", next.in_french(), failed.channel.in_french());
        if store.hand_over(&new, failed.waits, &why, now).await? {
            return Ok(true);
        }
    }
    Ok(false)
}

/// A delivery is about to be given up: the next channel of its reader carries the message.
///
/// # Errors
/// The database fails.
pub async fn takes_over(engine: &Engine, dead: &Claimed, now: DateTime<Utc>) -> Result<(), StoreError> {
    // Who has two addresses of the channel reads it at the other one.
    if engine.service.store.carried_beside(&dead.id).await? {
        return Ok(());
    }
    let failed = Failed {
        person: &dead.subscriber,
        channel: dead.channel,
        cause: &dead.cause,
        alert: dead.head.as_ref().map(|h| h.alert_kind),
        procedure: &dead.procedure,
        expires: dead.expires,
        waits: None,
    };
    let away: Vec<Channel> = engine.service.store.outages().await?.into_iter().map(|o| o.channel).collect();
    if hand_over(&engine.service.store, &failed, &away, now).await? {
        engine.service.deliveries_queued.notify_one();
    }
    Ok(())
}

/// What waits for a server that has been away for long goes by another channel.
///
/// # Errors
/// The database fails.
pub async fn around_outages(service: &Service, now: DateTime<Utc>) -> Result<(), StoreError> {
    let mut made = false;
    let outages = service.store.outages().await?;
    let away: Vec<Channel> = outages.iter().map(|o| o.channel).collect();
    for outage in outages.into_iter().filter(|o| now - o.since >= AWAY_FOR) {
        let mut after = 0;
        loop {
            let page = service.store.stuck_behind(outage.channel, now - AWAY_FOR, after, PAGE).await?;
            let Some(last) = page.last() else { break };
            after = last.place;
            for stuck in &page {
                let failed = Failed {
                    person: &stuck.subscriber,
                    channel: stuck.channel,
                    cause: &stuck.cause,
                    alert: stuck.alert_kind,
                    procedure: &stuck.procedure,
                    expires: stuck.expires,
                    waits: Some(&stuck.id),
                };
                made |= hand_over(&service.store, &failed, &away, now).await?;
            }
        }
    }
    if made {
        service.deliveries_queued.notify_one();
    }
    Ok(())
}

//! Channels whose server is away, and addresses that are refused for good: who is told, and how this process keeps still.
//!
//! An outage is known from the first attempt that finds no server. What this process holds for that channel is given back
//! untried; one delivery a minute tries whether the server is back (see `vigie_store::outages`). The operators hear of it
//! after [`TOLD_AFTER`], on whatever other channel they have, and when it is over.

use chrono::{DateTime, Duration, Utc};
use vigie_domain::Channel;
use vigie_domain::delivery::OUTAGE_GAP;
use vigie_service::operators::{self, OperatorEvent, local};
use vigie_service::suspension::{SuspendedAddress, suspend_address};
use vigie_service::{Failure, Service};
use vigie_store::StoreError;
use vigie_store::outages::Outage;
use vigie_store::outbox::Claimed;

use crate::engine::Engine;

/// An outage shorter than that is not told.
pub const TOLD_AFTER: Duration = Duration::minutes(10);
/// An outage longer than that is not well: two attempts have failed.
pub const TOLERATED: Duration = Duration::minutes(2);
/// The alarm's word.
const UNREACHABLE: &str = "unreachable";

/// Keeps this process from trying a channel whose server was just found away.
pub fn found_away(engine: &Engine, channel: Channel) {
    engine.resting.until(channel, engine.service.clock.now() + OUTAGE_GAP);
}

/// Notes that a channel's server is away, for every process.
///
/// # Errors
/// The database fails.
pub async fn begins(service: &Service, channel: Channel, why: &str, now: DateTime<Utc>) -> Result<(), StoreError> {
    service.store.begin_outage(channel, now + OUTAGE_GAP, why, now).await
}

/// Notes that a channel's server is back.
///
/// # Errors
/// The database fails.
pub async fn ends(engine: &Engine, channel: Channel, now: DateTime<Utc>) -> Result<(), StoreError> {
    engine.resting.until(channel, now);
    engine.service.store.end_outage(channel, now).await?;
    engine.service.deliveries_queued.notify_waiters();
    Ok(())
}

/// Outages that are not well any more.
///
/// # Errors
/// The database fails.
pub async fn lasting(service: &Service, longer_than: Duration, now: DateTime<Utc>) -> Result<Vec<Outage>, StoreError> {
    let mut outages = service.store.outages().await?;
    outages.retain(|o| now - o.since > longer_than);
    Ok(outages)
}

/// Tells the operators of outages that last and of those that are over, once each.
///
/// # Errors
/// The database fails.
pub async fn alarms(service: &Service, now: DateTime<Utc>) -> Result<(), Failure> {
    let lasting = lasting(service, TOLD_AFTER, now).await?;
    for channel in Channel::ALL {
        let source = format!("channel:{}", channel.as_str());
        let told = service.store.open_alarms(&source).await?;
        let outage = lasting.iter().find(|o| o.channel == channel);
        let name = in_french(channel);
        match (outage, told.first()) {
            (Some(outage), None) => {
                let body = format!(
                    "{name} est injoignable depuis le {}\n{}. Rien n’est perdu : un envoi par minute essaie, les autres attendent. Vérifiez le serveur et le compte : vigie check --connect.",
                    local(outage.since),
                    outage.why
                );
                operators::tell(service, OperatorEvent::AlarmBegins { source: &source, kind: UNREACHABLE }, &body, now)
                    .await?;
            }
            (None, Some((kind, since))) => {
                let body = format!(
                    "Résolu : {name} répond de nouveau\nIl était signalé injoignable depuis le {}. Ce qui attendait part maintenant.",
                    local(*since)
                );
                operators::tell(service, OperatorEvent::AlarmEnds { source: &source, kind }, &body, now).await?;
            }
            _ => {}
        }
    }
    Ok(())
}

/// Tells the operators of a message that counts as arrived without an answer, once a day and channel: their own mails may meet
/// the same server.
///
/// # Errors
/// The database fails.
pub async fn presumed(service: &Service, delivery: &Claimed, why: &str, now: DateTime<Utc>) -> Result<(), Failure> {
    let body = format!(
        "Des envois restent sans réponse lisible\n{} n’a pas confirmé l’envoi {}, deux fois de la même façon : {why}. Il est tenu pour arrivé, et n’est plus répété. Vérifiez ce serveur ; « vigie deliveries show {} » montre les tentatives. Les autres envois du jour dans ce cas sont dans le journal du service.",
        in_french(delivery.channel),
        delivery.id,
        delivery.id
    );
    tracing::warn!(delivery = %delivery.id, "counts as arrived: {why}");
    let event = format!("presumed:{}:{}", delivery.channel.as_str(), now.date_naive());
    operators::tell(service, OperatorEvent::Once(&event), &body, now).await
}

/// Puts an address that is refused for good out of use; its owner hears of it on their other addresses, and the operators.
///
/// # Errors
/// The database fails.
pub async fn suspend(service: &Service, delivery: &Claimed, why: &str, now: DateTime<Utc>) -> Result<(), Failure> {
    let (person, address) = (delivery.subscriber.as_str(), delivery.address.as_str());
    suspend_address(
        service,
        &SuspendedAddress { person, address, channel: delivery.channel, why, cause: &delivery.id },
        now,
    )
    .await
}

fn in_french(channel: Channel) -> &'static str {
    match channel {
        Channel::Email => "Le serveur de courrier",
        Channel::Telegram => "Telegram",
        Channel::Matrix => "Le serveur Matrix",
        Channel::Console => "La sortie standard",
        // One tool that is away is its own trouble: its deliveries wait alone.
        hook => hook.noun(),
    }
}

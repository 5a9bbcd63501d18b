//! Channels whose server is away, and addresses that are refused for good: who is told, and how this process keeps still.
//!
//! An outage is known from the first attempt that finds no server. What this process holds for that channel is given back
//! untried; one delivery a minute tries whether the server is back (see `vigie_store::outages`). The operators hear of it
//! after [`TOLD_AFTER`], on whatever other channel they have, and when it is over.

use chrono::{DateTime, Duration, Utc};
use vigie_domain::delivery::OUTAGE_GAP;
use vigie_domain::{Alert, AlertKind, Channel, Disposition};
use vigie_store::ingest::{NewDelivery, NewNotification};
use vigie_store::outages::Outage;
use vigie_store::outbox::Claimed;
use vigie_store::people::AddressState;
use vigie_store::{StoreError, derived_id};

use crate::app::{App, Failure};
use crate::timetable::{self, Cause};

/// An outage shorter than that is not told.
pub const TOLD_AFTER: Duration = Duration::minutes(10);
/// An outage longer than that is not well: two attempts have failed.
pub const TOLERATED: Duration = Duration::minutes(2);
/// The alarm's word.
const UNREACHABLE: &str = "unreachable";

/// Keeps this process from trying a channel whose server was just found away.
pub fn found_away(app: &App, channel: Channel) {
    app.rest(channel, app.clock.now() + OUTAGE_GAP);
}

/// Notes that a channel's server is away, for every process.
///
/// # Errors
/// The database fails.
pub async fn begins(app: &App, channel: Channel, why: &str, now: DateTime<Utc>) -> Result<(), StoreError> {
    app.store.begin_outage(channel, now + OUTAGE_GAP, why, now).await
}

/// Notes that a channel's server is back.
///
/// # Errors
/// The database fails.
pub async fn ends(app: &App, channel: Channel, now: DateTime<Utc>) -> Result<(), StoreError> {
    app.rest(channel, now);
    app.store.end_outage(channel, now).await?;
    app.outbox_bell.notify_waiters();
    Ok(())
}

/// Outages that are not well any more.
///
/// # Errors
/// The database fails.
pub async fn lasting(app: &App, longer_than: Duration, now: DateTime<Utc>) -> Result<Vec<Outage>, StoreError> {
    let mut outages = app.store.outages().await?;
    outages.retain(|o| now - o.since > longer_than);
    Ok(outages)
}

/// Tells the operators of outages that last and of those that are over, once each.
///
/// # Errors
/// The database fails.
pub async fn alarms(app: &App, now: DateTime<Utc>) -> Result<(), Failure> {
    let lasting = lasting(app, TOLD_AFTER, now).await?;
    for channel in Channel::ALL {
        let source = format!("channel:{}", channel.as_str());
        let told = app.store.open_alarms(&source).await?;
        let outage = lasting.iter().find(|o| o.channel == channel);
        let name = in_french(channel);
        match (outage, told.first()) {
            (Some(outage), None) => {
                let body = format!(
                    "{name} est injoignable depuis le {}\n{}. Rien n’est perdu : un envoi par minute essaie, les autres attendent. Vérifiez le serveur et le compte : vigie check --connect.",
                    timetable::local(outage.since),
                    outage.why
                );
                timetable::tell_operators(app, Cause::AlarmBegins { source: &source, kind: UNREACHABLE }, &body, now)
                    .await?;
            }
            (None, Some((kind, since))) => {
                let body = format!(
                    "Résolu\u{a0}: {name} répond de nouveau\nIl était signalé injoignable depuis le {}. Ce qui attendait part maintenant.",
                    timetable::local(*since)
                );
                timetable::tell_operators(app, Cause::AlarmEnds { source: &source, kind }, &body, now).await?;
            }
            _ => {}
        }
    }
    Ok(())
}

/// Puts an address that is refused for good out of use; its owner hears of it on their other addresses, and the operators.
///
/// # Errors
/// The database fails.
pub async fn suspend(app: &App, delivery: &Claimed, why: &str, now: DateTime<Utc>) -> Result<(), Failure> {
    app.store.set_address_state(&delivery.address, AddressState::Suspended, why).await?;
    app.store.note("address", &delivery.address, &format!("adresse suspendue : {why}"), now).await?;
    let elsewhere = app.store.active_addresses(&delivery.subscriber).await?;
    let told = !elsewhere.is_empty();
    if told {
        let alert = Alert {
            id: derived_id(&["suspended", &delivery.address, &delivery.id]),
            kind: AlertKind::Account,
            procedure: String::new(),
            notice: String::new(),
            changes: Vec::new(),
        };
        let body = format!(
            "Nous n’arrivons plus à vous écrire {}\nLe serveur refuse nos messages pour de bon. Vos alertes continuent ici. Pour les recevoir de nouveau là-bas, répondez à ce message ou écrivez à la personne qui gère Vigie.",
            by(delivery.channel)
        );
        let share = NewNotification {
            subscriber: delivery.subscriber.clone(),
            subscription: None,
            disposition: Disposition::Instant,
            reasons: "{}".to_owned(),
            due: None,
        };
        let deliveries = elsewhere.iter().map(|a| NewDelivery::of(&alert, a, None)).collect();
        let mut tx = app.store.begin_ingest(now).await?;
        tx.put_shares(&alert, Some(&body), &[(share, deliveries)]).await?;
        tx.commit().await?;
        app.outbox_bell.notify_one();
    }
    let body = format!(
        "Une adresse est suspendue\nLe serveur la refuse pour de bon : {why}. Envoi concerné : {}. {} Vérifiez-la avec son propriétaire (vigie subscriptions list), puis : vigie subscriptions add --email ADRESSE --confirmed.",
        delivery.id,
        if told { "La personne est prévenue sur son autre canal." } else { "La personne n’a pas d’autre canal." }
    );
    let cause = format!("suspended:{}:{}", delivery.address, delivery.id);
    timetable::tell_operators(app, Cause::Event(&cause), &body, now).await
}

fn in_french(channel: Channel) -> &'static str {
    match channel {
        Channel::Email => "Le serveur de courrier",
        Channel::Telegram => "Telegram",
        Channel::Matrix => "Le serveur Matrix",
        Channel::Console => "La sortie standard",
    }
}

fn by(channel: Channel) -> &'static str {
    match channel {
        Channel::Email => "par courriel",
        Channel::Telegram => "sur Telegram",
        Channel::Matrix => "sur Matrix",
        Channel::Console => "à l’écran",
    }
}

//! Channels whose server is away, and addresses that are refused for good: who is told, and how this process keeps still.
//!
//! An outage is known from the first attempt that finds no server. What this process holds for that channel is given back
//! untried; one delivery a minute tries whether the server is back (see `vigie_store::outages`). The operators hear of it
//! after [`TOLD_AFTER`], on whatever other channel they have, and when it is over.

use chrono::{DateTime, Duration, Utc};
use vigie_domain::delivery::OUTAGE_GAP;
use vigie_domain::{Alert, AlertKind, Channel};
use vigie_store::outages::Outage;
use vigie_store::outbox::Claimed;
use vigie_store::people::AddressState;
use vigie_store::{StoreError, derived_id};

use crate::app::{App, Failure};
use crate::talk::state;
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
    let (person, address) = (delivery.subscriber.as_str(), delivery.address.as_str());
    lost(app, &Lost { person, address, channel: delivery.channel, why, cause: &delivery.id }, now).await
}

/// An address that is lost.
#[derive(Debug, Clone, Copy)]
pub struct Lost<'a> {
    /// Its owner.
    pub person: &'a str,
    /// The address.
    pub address: &'a str,
    /// Its channel.
    pub channel: Channel,
    /// Why, in French.
    pub why: &'a str,
    /// What showed it: the same is told once.
    pub cause: &'a str,
}

/// Puts an address that is lost out of use; its owner hears of it on their other addresses, and the operators.
///
/// # Errors
/// The database fails.
pub async fn lost(app: &App, lost: &Lost<'_>, now: DateTime<Utc>) -> Result<(), Failure> {
    let Lost { person, address, channel, why, cause } = *lost;
    app.store.set_address_state(address, AddressState::Suspended, why).await?;
    app.store.note("address", address, &format!("adresse suspendue : {why}"), now).await?;
    let told = !app.store.active_addresses(person).await?.is_empty();
    if told {
        let alert = Alert {
            id: derived_id(&["suspended", address, cause]),
            kind: AlertKind::Account,
            procedure: String::new(),
            notice: String::new(),
            changes: Vec::new(),
        };
        let body = format!(
            "Nous n’arrivons plus à vous écrire {}\n{}. Vos alertes continuent ici. Pour les recevoir de nouveau là-bas, {} ou écrivez à la personne qui gère Vigie.",
            by(channel),
            state::capital(why),
            if matches!(channel, Channel::Telegram | Channel::Matrix) {
                "invitez-y Vigie de nouveau et écrivez-lui,"
            } else {
                "répondez à ce message"
            },
        );
        app.store.tell(person, &alert, &body, now).await?;
        app.outbox_bell.notify_one();
    }
    let body = format!(
        "Une adresse est suspendue\n{}. Envoi concerné : {cause}. {} Vérifiez-la avec son propriétaire (vigie subscriptions list){}",
        state::capital(why),
        if told { "La personne est prévenue sur son autre canal." } else { "La personne n’a pas d’autre canal." },
        if channel == Channel::Email { ", puis : vigie subscriptions add --email ADRESSE --confirmed." } else { "." },
    );
    timetable::tell_operators(app, Cause::Event(&format!("suspended:{address}:{cause}")), &body, now).await
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

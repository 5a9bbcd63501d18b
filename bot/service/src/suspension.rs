//! Addresses that get nothing more: suspended because their server refuses them for good, or stopped by their owner; and people whom
//! an operator keeps out for a time, with all their addresses (`vigie_store`, `suspension`).

use chrono::{DateTime, Utc};
use vigie_domain::{Alert, AlertKind, Channel, french};
use vigie_store::people::AddressState;
use vigie_store::{StoreError, derived_id};

use crate::crash_point::CrashPoint;
use crate::error::Failure;
use crate::operators::{self, OperatorEvent};
use crate::service::Service;
use crate::{on_behalf, quiet};

/// An address to put out of use.
#[derive(Debug, Clone, Copy)]
pub struct SuspendedAddress<'a> {
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

/// Puts an address that is lost out of use; its owner hears of it on their other addresses, and the operators, once however many messages
/// were refused.
///
/// # Errors
/// The database fails.
pub async fn suspend_address(
    service: &Service,
    suspended: &SuspendedAddress<'_>,
    now: DateTime<Utc>,
) -> Result<(), Failure> {
    let SuspendedAddress { person, address, channel, why, cause } = *suspended;
    if !service.store.suspend_address(address, why).await? {
        return Ok(());
    }
    service.store.note("address", address, &format!("adresse hors service : {why}"), now).await?;
    let told = !service.store.active_addresses(person).await?.is_empty();
    if told {
        let alert = Alert::word(AlertKind::Account, derived_id(&["suspended", address, cause]));
        let body = format!(
            "Nous n’arrivons plus à vous écrire {}\n{}. Vos alertes continuent ici. Pour les recevoir de nouveau là-bas, {} ou écrivez à {}.",
            channel.in_french(),
            french::capital(why),
            match channel {
                Channel::Telegram | Channel::Matrix => "invitez-y Vigie de nouveau et écrivez-lui,",
                hook if hook.is_hook() => "ajoutez de nouveau cet outil (Mes réglages, autres outils),",
                _ => "répondez à ce message",
            },
            service.operator(),
        );
        quiet::tell(service, person, &alert, &body, now).await?;
        service.deliveries_queued.notify_one();
    }
    let named = service.store.subscriber(person).await?.map(|p| p.name).filter(|n| !n.is_empty());
    let page = service.home_url().map(|home| format!(" : {home}exploitation/personnes/{person}"));
    let body = format!(
        "Une adresse est hors service\n{}, {} : {why}. {} Vérifiez l’adresse avec elle, puis remettez-la en service{}.",
        named.as_deref().unwrap_or("Quelqu’un"),
        channel.in_french(),
        if told { "La personne est prévenue sur son autre canal." } else { "La personne n’a pas d’autre canal." },
        page.as_deref().unwrap_or(" sur sa page (Exploitation, Personnes)"),
    );
    operators::tell(service, OperatorEvent::Once(&format!("suspended:{address}:{cause}")), &body, now).await
}

/// Sends nothing more to an address whose owner said so, and notes how they said it.
///
/// # Errors
/// The database fails.
pub async fn stop_address(service: &Service, address: &str, how: &str) -> Result<(), StoreError> {
    service.store.set_address_state(address, AddressState::Stopped, how).await?;
    CrashPoint::MidUnsubscribe.reach();
    service.store.note("address", address, how, service.clock.now()).await
}

/// Keeps somebody out, as `who`: nothing is sent to them, and no link, session or token of theirs opens anything, until
/// [`resume_person`]. `false` when they are already.
///
/// # Errors
/// The database fails.
pub async fn suspend_person(service: &Service, who: &str, whom: &str) -> Result<bool, StoreError> {
    let (store, now) = (&service.store, service.clock.now());
    if !store.suspend_person(whom, now).await? {
        return Ok(false);
    }
    let by = on_behalf::named(service, who).await?;
    store.note("person", whom, &format!("suspendue par {by}"), now).await?;
    store.saw(who, whom, "personne suspendue", now).await?;
    Ok(true)
}

/// Lets somebody in again, as `who`, who is told; `false` when nobody keeps them out.
///
/// # Errors
/// The database fails.
pub async fn resume_person(service: &Service, who: &str, whom: &str) -> Result<bool, Failure> {
    if !service.store.resume_person(whom).await? {
        return Ok(false);
    }
    let body = "Votre accès à Vigie est rétabli\nLa personne qui gère Vigie l’a rétabli : vos alertes reviennent, et vos pages s’ouvrent de nouveau.";
    on_behalf::acted(service, who, whom, "personne rétablie", body).await?;
    Ok(true)
}

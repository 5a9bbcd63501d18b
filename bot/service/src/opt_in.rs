//! Double opt-in: an address given by somebody is asked once, reminded a few times, and gets nothing else until its owner
//! agrees, by the link of the message or by answering it.
//!
//! Whoever gives an address calls [`ask`]; the scheduler calls [`remind`]; the page and the mailbox call [`confirm`]. What is
//! asked, and how often, is noted in the transaction that queues the message. An owner who says nothing is forgotten by
//! retention (`personal`).

use chrono::{DateTime, Duration, Utc};
use vigie_config::settings::Settings;
use vigie_domain::{Channel, Subscriber};
use vigie_store::consent::Asked;
use vigie_store::people::{AddressState, NewSubscriber};
use vigie_store::{Store, StoreError, derived_id};

use crate::error::Failure;
use crate::service::Service;
use crate::{membership, open_now};

/// How often an address is asked on behalf of somebody: once, and two reminders.
pub const ASKS: i64 = 3;
/// Days between two of them.
const GAP: Duration = Duration::days(4);
/// How often the owner may ask for a fresh link.
const ASKS_BY_OWNER: i64 = 10;
/// Time between two of them: a second click sends no second mail.
const GAP_BY_OWNER: Duration = Duration::minutes(10);

/// Whether an address can be asked: it must be able to answer.
#[must_use]
pub fn possible(settings: &Settings) -> bool {
    settings.email.is_some()
        && settings.web.secret.is_some()
        && (settings.web.public_url.is_some() || settings.hears_replies())
}

/// Asks an address to confirm, if it waits for that and was not asked a short while ago. `by_owner`: its owner wants to be
/// asked, not somebody for them.
///
/// # Errors
/// The database fails.
pub async fn ask(store: &Store, address: &str, by_owner: bool, now: DateTime<Utc>) -> Result<Asked, StoreError> {
    let bounds = if by_owner { (GAP_BY_OWNER, ASKS_BY_OWNER) } else { (GAP, ASKS) };
    store.ask_to_confirm(address, by_owner, bounds, now).await
}

/// Makes a person, or brings one who waits in step, whose one address is a mailbox that its owner has yet to confirm; gives that
/// address' identifier, to be asked.
///
/// # Errors
/// The database fails.
pub async fn enrol(
    store: &Store,
    subscriber: Subscriber,
    email: &str,
    now: DateTime<Utc>,
) -> Result<String, StoreError> {
    let address = derived_id(&[&subscriber.id, Channel::Email.as_str(), email]);
    let addresses = vec![(Channel::Email, email.to_owned(), AddressState::Unconfirmed)];
    store.put_subscriber(&NewSubscriber { subscriber, addresses, declared: false }, now).await?;
    Ok(address)
}

/// Reminds those who did not answer.
///
/// # Errors
/// The database fails.
pub async fn remind(service: &Service, now: DateTime<Utc>) -> Result<(), StoreError> {
    if !possible(&service.settings) {
        return Ok(());
    }
    for address in service.store.unanswered(now - GAP, ASKS).await? {
        if ask(&service.store, &address, false, now).await? == Asked::Yes {
            service.deliveries_queued.notify_one();
        }
    }
    Ok(())
}

/// What follows an agreement. The operators hear of a structure that somebody says to speak for, and of who says to be a facilitator:
/// before, anybody might have said so for them. Whoever has no other address gets what is open for them in a first digest.
async fn agreed(service: &Service, address: &str, now: DateTime<Utc>) -> Result<(), StoreError> {
    let store = &service.store;
    let Some(address) = store.address(address).await? else { return Ok(()) };
    let Some(person) = store.subscriber(&address.subscriber).await? else { return Ok(()) };
    if let Err(e) = claim(service, &person).await {
        tracing::error!("the operators are not told of a claim: {}", e.what);
    }
    if store.active_addresses(&person.id).await?.len() == 1 {
        open_now::first_digest(service, &person, now).await?;
    }
    Ok(())
}

async fn claim(service: &Service, person: &Subscriber) -> Result<(), Failure> {
    let claim = match person.profile.claimed_siret.clone() {
        Some(siret) => {
            let name = service.store.structure(&siret).await?.map(|s| s.name).unwrap_or_default();
            Some((siret, name))
        }
        None => None,
    };
    match (&claim, person.asks_to_be_facilitator()) {
        (claim, true) => membership::asks_to_be_facilitator(service, person, claim.as_ref()).await,
        (Some((siret, name)), false) => membership::claimed(service, person, siret, name).await,
        (None, false) => Ok(()),
    }
}

/// Puts an address in use: its owner agreed, in the way `how` says. `false` when it waited for no agreement.
///
/// # Errors
/// The database fails.
pub async fn confirm(service: &Service, address: &str, how: &str, now: DateTime<Utc>) -> Result<bool, StoreError> {
    let done = service.store.confirm(address, how, now).await?;
    if done {
        service.store.note("address", address, &format!("adresse confirmée : {how}"), now).await?;
        // They agreed: what follows from it may fail, and takes nothing back.
        if let Err(e) = agreed(service, address, now).await {
            tracing::error!("what follows an agreement was not done: {e}");
        }
    }
    Ok(done)
}

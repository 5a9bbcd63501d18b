//! Signing in by a link that is mailed or shown in a chat: who may use it, how long, and once.

use chrono::{DateTime, Duration, Utc};
use vigie_domain::Channel;
use vigie_store::StoreError;
use vigie_store::people::Address;

use crate::links::Purpose;
use crate::service::Service;

/// How long a link can be used.
pub const LINK_LASTS: Duration = Duration::minutes(30);

/// A link that signs in whoever reads at that address; `None` where the installation signs no links.
///
/// # Errors
/// The database fails.
pub async fn link(service: &Service, address: &Address) -> Result<Option<String>, StoreError> {
    let now = service.clock.now();
    let until = now + LINK_LASTS;
    if service.link(Purpose::SignIn, "", Some(until)).is_none() {
        return Ok(None);
    }
    let id = service.store.put_sign_in(&address.id, until, now).await?;
    Ok(service.link(Purpose::SignIn, &id, Some(until)))
}

/// The link of a sign-in that is on its way by mail, while it can be used.
///
/// # Errors
/// The database fails.
pub async fn link_of(service: &Service, id: &str, now: DateTime<Utc>) -> Result<Option<String>, StoreError> {
    let until = service.store.sign_in_until(id, now).await?;
    Ok(until.and_then(|until| service.link(Purpose::SignIn, id, Some(until))))
}

/// Sends a link to every address in use that reads so; nothing where nobody has it, or where enough were sent of late.
///
/// # Errors
/// The database fails.
pub async fn send_links(service: &Service, address: &str, next: &str, now: DateTime<Utc>) -> Result<(), StoreError> {
    for address in service.store.addresses_in_use(Channel::Email, address).await? {
        if !service.store.send_sign_in(&address, next, now + LINK_LASTS, now).await? {
            // Whose address it is can be guessed from its identifier: the log names none.
            tracing::info!("an address got enough sign-in links for now");
        }
    }
    service.deliveries_queued.notify_one();
    Ok(())
}

/// Sends a link to every e-mail address in use of a person, for an operator who was asked for one; gives how many left. None where
/// they have no such address, or each got enough of late.
///
/// # Errors
/// The database fails.
pub async fn send_links_to(service: &Service, person: &str, now: DateTime<Utc>) -> Result<usize, StoreError> {
    let mut sent = 0;
    for address in service.store.active_addresses(person).await?.iter().filter(|a| a.channel == Channel::Email) {
        sent += usize::from(service.store.send_sign_in(address, "", now + LINK_LASTS, now).await?);
    }
    service.deliveries_queued.notify_one();
    Ok(sent)
}

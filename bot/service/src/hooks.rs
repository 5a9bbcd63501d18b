//! Other tools of a person: an address that takes messages, given by them and in use once they agreed in the tool itself.
//!
//! Whoever gives an address may give somebody else's. So the first message asks, by a link that only a reader of the tool sees; nothing
//! else goes there before, and what is not agreed to is forgotten like any address (`opt_in`).

use url::Url;
use vigie_domain::{Channel, DeliveryState, Subscriber};
use vigie_notifier::channels::hooks::web_push::Browser;
use vigie_store::consent::Asked;
use vigie_store::people::{Address, AddressState, NewSubscriber};
use vigie_store::{StoreError, derived_id};
use vigie_watcher::fetch::is_out_of_reach;

use crate::links::Purpose;
use crate::opt_in;
use crate::service::Service;

/// Most tools of one person.
pub const MAX: usize = 5;
/// Longest address, in bytes.
const MAX_URL: usize = 1_000;

/// What became of a wish to add a tool.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Added {
    /// A message that asks is on its way there.
    Asked,
    /// It is in use already.
    Known,
    /// Not added; why, in French.
    Refused(String),
}

/// The tools of a person, oldest first; those that were taken away are left out.
///
/// # Errors
/// The database fails.
pub async fn of(service: &Service, person: &str) -> Result<Vec<Address>, StoreError> {
    let mut all = service.store.addresses(person).await?;
    all.retain(|a| a.channel.is_hook() && a.state != AddressState::Stopped);
    Ok(all)
}

/// Why the message that asks at a tool has not arrived there, where its last attempt failed.
///
/// # Errors
/// The database fails.
pub async fn unheard(service: &Service, tool: &Address) -> Result<Option<String>, StoreError> {
    let last = service.store.last_delivery_to(&tool.id).await?;
    let failed = |state| matches!(state, DeliveryState::Deferred | DeliveryState::Dead);
    Ok(last.filter(|d| d.cause.is_opt_in() && failed(d.state)).and_then(|d| d.why))
}

/// The address that somebody typed, as it is kept.
///
/// # Errors
/// What is wrong with it, in French.
pub fn read_url(service: &Service, typed: &str) -> Result<String, String> {
    let typed = typed.trim();
    let bad = "Cette adresse est incomplète : copiez-la entière, depuis « https:// ».";
    if typed.len() > MAX_URL {
        return Err("Cette adresse est trop longue.".to_owned());
    }
    let url = Url::parse(typed).map_err(|_| bad.to_owned())?;
    if url.host().is_none() || !matches!(url.scheme(), "http" | "https") {
        return Err(bad.to_owned());
    }
    if !url.username().is_empty() || url.password().is_some() {
        return Err("Cette adresse contient un nom ou un mot de passe devant son serveur : retirez-les.".to_owned());
    }
    if is_out_of_reach(&service.settings.fetch, &url) {
        return Err("Ce serveur est d’un réseau privé, que Vigie ne joint pas : demandez à la personne qui la gère de l’ouvrir.".to_owned());
    }
    // In clear only where the operator opened a private network: a server of the house.
    if url.scheme() == "http" && service.settings.fetch.allow_private.is_empty() {
        return Err("L’adresse doit commencer par « https:// ».".to_owned());
    }
    Ok(url.to_string())
}

/// Adds a tool of a person, and asks there.
///
/// # Errors
/// The database fails.
pub async fn add(service: &Service, person: &Subscriber, channel: Channel, typed: &str) -> Result<Added, StoreError> {
    let (store, now) = (&service.store, service.clock.now());
    if !Channel::COPIED.contains(&channel) {
        return Ok(Added::Refused("Choisissez un outil de la liste.".to_owned()));
    }
    if service.link(Purpose::Confirm, "", Some(now)).is_none() {
        return Ok(Added::Refused(
            "Cette installation n’a pas d’adresse publique : aucun lien de confirmation ne peut être envoyé."
                .to_owned(),
        ));
    }
    let value = match read_url(service, typed) {
        Ok(value) => value,
        Err(why) => return Ok(Added::Refused(why)),
    };
    let mine = of(service, &person.id).await?;
    let known = mine.iter().find(|a| a.channel == channel && a.value == value);
    if known.is_some_and(|a| a.state == AddressState::Active) {
        return Ok(Added::Known);
    }
    if known.is_none() && mine.len() >= MAX {
        return Ok(Added::Refused(format!("Vous avez déjà {MAX} outils : retirez-en un d’abord.")));
    }
    let addresses = vec![(channel, value.clone(), AddressState::Unconfirmed)];
    store.put_subscriber(&NewSubscriber { subscriber: person.clone(), addresses, declared: false }, now).await?;
    let id = derived_id(&[&person.id, channel.as_str(), &value]);
    // One that was taken away, or refused, is asked anew.
    if store.address(&id).await?.is_some_and(|a| a.state != AddressState::Unconfirmed) {
        store.set_address_state(&id, AddressState::Unconfirmed, "ajoutée de nouveau par son propriétaire").await?;
    }
    match opt_in::ask(store, &id, true, now).await? {
        Asked::Yes => {
            service.deliveries_queued.notify_one();
            Ok(Added::Asked)
        }
        Asked::TooSoon => Ok(Added::Refused(
            "Un message est déjà parti vers cet outil il y a peu : ouvrez son lien, ou réessayez plus tard.".to_owned(),
        )),
        Asked::Suppressed => {
            Ok(Added::Refused("Cette adresse a demandé à ne plus rien recevoir de Vigie : rien n’y part.".to_owned()))
        }
        Asked::NotNeeded => Ok(Added::Known),
    }
}

/// Adds the browser in which somebody signed in allowed notifications: it asked them itself, so that nobody else is asked.
///
/// # Errors
/// The database fails.
pub async fn add_browser(
    service: &Service,
    person: &Subscriber,
    (endpoint, key, secret): (&str, &str, &str),
) -> Result<Added, StoreError> {
    let (store, now) = (&service.store, service.clock.now());
    if service.push_sender().is_none() {
        return Ok(Added::Refused("Cette installation n’envoie pas de notifications.".to_owned()));
    }
    let endpoint = match read_url(service, endpoint) {
        Ok(endpoint) => endpoint,
        Err(why) => return Ok(Added::Refused(why)),
    };
    let value = Browser::written(&endpoint, key, secret);
    if Browser::read(&value).is_none() {
        return Ok(Added::Refused("Votre navigateur n’a pas donné de quoi lui écrire. Réessayez.".to_owned()));
    }
    let mine = of(service, &person.id).await?;
    let known = mine.iter().find(|a| a.channel == Channel::Browser && a.value == value);
    if known.is_some_and(|a| a.state == AddressState::Active) {
        return Ok(Added::Known);
    }
    if known.is_none() && mine.len() >= MAX {
        return Ok(Added::Refused(format!("Vous avez déjà {MAX} outils : retirez-en un d’abord.")));
    }
    let addresses = vec![(Channel::Browser, value.clone(), AddressState::Active)];
    store.put_subscriber(&NewSubscriber { subscriber: person.clone(), addresses, declared: false }, now).await?;
    let id = derived_id(&[&person.id, Channel::Browser.as_str(), &value]);
    store.set_address_state(&id, AddressState::Active, "ajouté par son propriétaire").await?;
    Ok(Added::Known)
}

/// Takes a tool away; `false` when that person has none of that identifier.
///
/// # Errors
/// The database fails.
pub async fn remove(service: &Service, person: &str, id: &str) -> Result<bool, StoreError> {
    if !of(service, person).await?.iter().any(|a| a.id == id) {
        return Ok(false);
    }
    service.store.set_address_state(id, AddressState::Stopped, "retirée par son propriétaire").await
}

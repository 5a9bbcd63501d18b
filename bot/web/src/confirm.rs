//! The page of a confirmation link (double opt-in). GET shows what is agreed to; POST agrees, or sends a fresh link where
//! this one is out of date.

use std::sync::Arc;

use axum::extract::{Path, State};
use axum::http::{StatusCode, header};
use minijinja::context;
use minijinja::value::Serde;
use vigie_domain::{Permission, french};
use vigie_notifier::card::short;
use vigie_notifier::criteria;
use vigie_store::consent::Asked;
use vigie_store::people::{Address, AddressState};

use super::frame::{Shown, Site, Trouble, Visitor};
use super::session;
use vigie_service::links::{BadLink, Purpose};
use vigie_service::{network, open_now, opt_in, personal_data, sign_in};
use vigie_watcher::zones;

/// Open markets shown.
const OPEN: usize = 5;

pub(crate) async fn ask(State(site): State<Arc<Site>>, visitor: Visitor, Path(token): Path<String>) -> Shown {
    let service = &site.service;
    let address = match service.open_token(Purpose::Confirm, &token, service.clock.now()) {
        Ok(address) => address,
        Err(BadLink::Expired) => {
            return Ok(site.page_as(StatusCode::GONE, &visitor, "lien-perime.html", context! {}));
        }
        Err(BadLink::Unknown) => return Err(unknown()),
    };
    let address = service.store.address(address).await?.ok_or_else(unknown)?;
    if address.state != AddressState::Unconfirmed {
        return settled(&site, &visitor, address.state);
    }
    let subscriptions = service.store.subscriptions_of(&address.subscriber).await?;
    let wishes: Vec<String> = subscriptions.iter().map(|s| criteria::in_french(&s.filter)).collect();
    let retention = personal_data::retention_in_french(&service.settings.retention);
    let values = context! { wishes => wishes, purpose => personal_data::PURPOSE, retention => retention };
    Ok(site.page(&visitor, "confirmer.html", values))
}

pub(crate) async fn agree(State(site): State<Arc<Site>>, visitor: Visitor, Path(token): Path<String>) -> Shown {
    let service = &site.service;
    let now = service.clock.now();
    match service.open_token(Purpose::Confirm, &token, now) {
        Ok(address) => {
            let done = opt_in::confirm(service, address, "page de confirmation", now).await?;
            let address = service.store.address(address).await?.ok_or_else(unknown)?;
            if done { welcome(&site, &visitor, &address).await } else { settled(&site, &visitor, address.state) }
        }
        Err(BadLink::Expired) => {
            let address = service.open_outdated(Purpose::Confirm, &token).ok_or_else(unknown)?;
            fresh(&site, &visitor, address).await
        }
        Err(BadLink::Unknown) => Err(unknown()),
    }
}

/// What comes after the agreement: what is open for them now, and their pages. The link that was agreed by came to the address,
/// as a sign-in link does, and agrees once: it signs in once too.
async fn welcome(site: &Site, visitor: &Visitor, address: &Address) -> Shown {
    let service = &site.service;
    let now = service.clock.now();
    let person = service.store.subscriber(&address.subscriber).await?.ok_or_else(unknown)?;
    let chosen = !service.store.subscriptions_of(&person.id).await?.is_empty();
    let open: Vec<(String, String)> = open_now::of(service, &person, OPEN)
        .await?
        .into_iter()
        .map(|market| (market.procedure, short(&market.title, 160)))
        .collect();
    let zone = zones::zone(person.profile.departments.first());
    let digest = service.store.next_digest_of(&person.id).await?.map(|at| {
        let at = at.with_timezone(&zone);
        format!("{} à {}", french::date(at.date_naive()), french::clock(at.fixed_offset()))
    });
    let sign_in = service.store.put_sign_in(&address.id, now + sign_in::LINK_LASTS, now).await?;
    let entered = session::enter(site, &sign_in).await?;
    let (cookie, session) = entered.map_or((None, None), |e| (e.cookie, e.session));
    // The head is that of somebody who is in.
    let visitor = Visitor { session, path: visitor.path.clone() };
    let decides = person.role.may(Permission::Decide);
    let asking = network::asking(service, &person).await?;
    let values =
        context! { open => open, digest => digest, decides => decides, chosen => chosen, asking => Serde(asking) };
    let mut response = site.page(&visitor, "confirme.html", values);
    response.headers_mut().extend(cookie.map(|v| (header::SET_COOKIE, v)));
    Ok(response)
}

/// Sends a fresh link to the address that got the old one.
async fn fresh(site: &Site, visitor: &Visitor, address: &str) -> Shown {
    let service = &site.service;
    match opt_in::ask(&service.store, address, true, service.clock.now()).await? {
        Asked::Yes => {
            service.deliveries_queued.notify_one();
            Ok(site.word(visitor, "C’est parti", "Un nouveau lien vous arrive par courriel dans un instant."))
        }
        Asked::TooSoon => Err(Trouble::new(
            StatusCode::TOO_MANY_REQUESTS,
            "Un lien est déjà parti",
            "Cherchez le message le plus récent de Vigie, y compris dans les indésirables. Sinon, réessayez plus tard.",
        )),
        Asked::NotNeeded | Asked::Suppressed => {
            let address = service.store.address(address).await?.ok_or_else(unknown)?;
            settled(site, visitor, address.state)
        }
    }
}

/// What there is to say of an address that waits for no agreement.
fn settled(site: &Site, visitor: &Visitor, state: AddressState) -> Shown {
    match state {
        AddressState::Active => {
            Ok(site.word(visitor, "C’est fait", "Votre adresse est confirmée : Vigie vous écrira."))
        }
        AddressState::Unconfirmed => Err(unknown()),
        AddressState::Stopped | AddressState::Suspended => Err(Trouble::new(
            StatusCode::CONFLICT,
            "Cette adresse n’est plus en service",
            &format!(
                "Vous l’avez désabonnée, ou son serveur refuse nos messages. Écrivez à {}.",
                site.service.operator()
            ),
        )),
    }
}

fn unknown() -> Trouble {
    Trouble::unknown(
        "Lien inconnu",
        "Ce lien est incomplet, ou l’adresse n’est plus connue : une demande restée sans réponse est effacée. Abonnez-vous à nouveau.",
    )
}

//! The page of a confirmation link (double opt-in). GET shows what is agreed to; POST agrees, or sends a fresh link where
//! this one is out of date.

use std::sync::Arc;

use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::response::Response;
use minijinja::context;
use vigie_notifier::criteria;
use vigie_store::consent::Asked;
use vigie_store::people::AddressState;

use super::Site;
use crate::links::{BadLink, Purpose};
use crate::{optin, personal};

pub(super) async fn ask(State(site): State<Arc<Site>>, Path(token): Path<String>) -> Response {
    let app = &site.app;
    let address = match app.open_token(Purpose::Confirm, &token, app.clock.now()) {
        Ok(address) => address,
        Err(BadLink::Expired) => return site.page(StatusCode::GONE, "lien-perime.html", &context! {}),
        Err(BadLink::Unknown) => return unknown(&site),
    };
    let address = match app.store.address(address).await {
        Ok(Some(address)) => address,
        Ok(None) => return unknown(&site),
        Err(e) => return site.failed(&e),
    };
    if let Some(said) = settled(&site, address.state) {
        return said;
    }
    let wishes: Vec<String> = match app.store.subscriptions_of(&address.subscriber).await {
        Ok(all) => all.iter().map(|s| criteria::in_french(&s.filter)).collect(),
        Err(e) => return site.failed(&e),
    };
    let retention = personal::retention_in_french(&app.settings.retention);
    let values = context! { wishes => wishes, purpose => personal::PURPOSE, retention => retention };
    site.page(StatusCode::OK, "confirmer.html", &values)
}

pub(super) async fn agree(State(site): State<Arc<Site>>, Path(token): Path<String>) -> Response {
    let app = &site.app;
    let now = app.clock.now();
    match app.open_token(Purpose::Confirm, &token, now) {
        Ok(address) => match optin::confirm(app, address, "page de confirmation", now).await {
            Ok(true) => agreed(&site),
            Ok(false) => match app.store.address(address).await {
                Ok(known) => known.and_then(|a| settled(&site, a.state)).unwrap_or_else(|| unknown(&site)),
                Err(e) => site.failed(&e),
            },
            Err(e) => site.failed(&e),
        },
        Err(BadLink::Expired) => match app.open_outdated(Purpose::Confirm, &token) {
            Some(address) => fresh(&site, address).await,
            None => unknown(&site),
        },
        Err(BadLink::Unknown) => unknown(&site),
    }
}

/// Sends a fresh link to the address that got the old one.
async fn fresh(site: &Site, address: &str) -> Response {
    let app = &site.app;
    match optin::ask(&app.store, address, true, app.clock.now()).await {
        Ok(Asked::Yes) => {
            app.outbox_bell.notify_one();
            site.trouble(StatusCode::OK, "C’est parti", "Un nouveau lien vous arrive par courriel dans un instant.")
        }
        Ok(Asked::TooSoon) => site.trouble(
            StatusCode::TOO_MANY_REQUESTS,
            "Un lien est déjà parti",
            "Cherchez le message le plus récent de Vigie, y compris dans les indésirables ; sinon réessayez plus tard.",
        ),
        Ok(Asked::NotNeeded | Asked::Suppressed) => match app.store.address(address).await {
            Ok(known) => known.and_then(|a| settled(site, a.state)).unwrap_or_else(|| unknown(site)),
            Err(e) => site.failed(&e),
        },
        Err(e) => site.failed(&e),
    }
}

fn agreed(site: &Site) -> Response {
    site.trouble(StatusCode::OK, "C’est fait", "Votre adresse est confirmée : Vigie vous écrira.")
}

/// What there is to say of an address that waits for no agreement.
fn settled(site: &Site, state: AddressState) -> Option<Response> {
    match state {
        AddressState::Unconfirmed => None,
        AddressState::Active => Some(agreed(site)),
        AddressState::Stopped | AddressState::Suspended => Some(site.trouble(
            StatusCode::CONFLICT,
            "Cette adresse n’est plus en service",
            "Elle a été arrêtée par son propriétaire, ou son serveur refuse nos messages. Écrivez à la personne qui gère Vigie.",
        )),
    }
}

fn unknown(site: &Site) -> Response {
    site.trouble(
        StatusCode::NOT_FOUND,
        "Lien inconnu",
        "Ce lien est incomplet, ou l’adresse n’est plus connue : une demande sans réponse est effacée. Abonnez-vous à nouveau.",
    )
}

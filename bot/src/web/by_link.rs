//! What links in messages open: one-click unsubscription, and a digest in full.

use std::sync::Arc;

use axum::extract::{Path, State};
use axum::http::{HeaderValue, header};
use axum::response::{Html, IntoResponse};
use minijinja::context;

use super::frame::{POLICY_OF_MESSAGES, Shown, Site, Trouble, Visitor};
use crate::compose;
use crate::links::Purpose;

/// The address that a token speaks of.
fn address_of<'a>(site: &Site, token: &'a str) -> Result<&'a str, Trouble> {
    site.app.open_token(Purpose::Unsubscribe, token, site.app.clock.now()).map_err(|_| {
        Trouble::unknown(
            "Lien inconnu",
            "Ce lien est incomplet ou a été modifié. Reprenez-le depuis un message de Vigie.",
        )
    })
}

pub(super) async fn ask_unsubscribe(
    State(site): State<Arc<Site>>,
    visitor: Visitor,
    Path(token): Path<String>,
) -> Shown {
    address_of(&site, &token)?;
    Ok(site.page(&visitor, "desabonner.html", context! {}))
}

/// RFC 8058: no cookie, no redirect; the token is the proof.
pub(super) async fn unsubscribe(State(site): State<Arc<Site>>, visitor: Visitor, Path(token): Path<String>) -> Shown {
    let address = address_of(&site, &token)?;
    site.app.stop_address(address, "désinscription par le lien du message").await?;
    Ok(site.word(&visitor, "C’est fait", "Vous ne recevrez plus de message de Vigie à cette adresse."))
}

/// All of a digest, for whom its message shows a screen of it.
pub(super) async fn digest(State(site): State<Arc<Site>>, Path(token): Path<String>) -> Shown {
    let unknown = || {
        Trouble::unknown(
            "Lien inconnu ou périmé",
            "Ce résumé n’est plus en ligne. Reprenez le lien depuis un message plus récent de Vigie.",
        )
    };
    let delivery = site.app.open_token(Purpose::Digest, &token, site.app.clock.now()).map_err(|_| unknown())?;
    let body = compose::digest_page(&site.app, delivery).await?.ok_or_else(unknown)?;
    let mut response = Html(body).into_response();
    response.headers_mut().insert(header::CONTENT_SECURITY_POLICY, HeaderValue::from_static(POLICY_OF_MESSAGES));
    Ok(response)
}

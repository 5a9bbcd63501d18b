//! What links in messages open: one-click unsubscription, an answer, and a digest in full.
//!
//! GET shows, POST acts; the token is the proof. A mail may be passed on: its link decides for the structure of whoever got
//! it, and shows nothing of what that structure decided before.

use std::sync::Arc;

use axum::extract::{Path, State};
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{Html, IntoResponse};
use minijinja::context;
use vigie_store::inbox::Sent;
use vigie_store::people::AddressState;

use super::frame::{Client, Fields, POLICY_OF_MESSAGES, Shown, Site, Trouble, Visitor};
use crate::links::Purpose;
use crate::{compose, mailbox};

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

/// What the link offers: the word, as a reply by mail would say it, and its button.
const ANSWERS: [(&str, &str); 3] = [("oui", "On y va"), ("non", "Écarter"), ("plus tard", "Me le rappeler")];

/// The message that a token speaks of, and the title of its procedure.
async fn answered(site: &Site, token: &str) -> Result<(Sent, String), Trouble> {
    let unknown = || {
        Trouble::unknown(
            "Lien inconnu ou périmé",
            "Ce lien ne permet plus de répondre. Ouvrez le marché dans Vigie, ou un message plus récent.",
        )
    };
    let delivery = site.app.open_token(Purpose::Answer, token, site.app.clock.now()).map_err(|_| unknown())?.to_owned();
    let sent = site.app.store.mail_sent(&delivery).await?.filter(|s| s.address.state == AddressState::Active);
    let sent = sent.ok_or_else(unknown)?;
    let notices = site.app.store.notices_of(&sent.procedure).await?;
    let title = notices.last().map(|n| super::procedure::title_of(&n.notice, &n.assessment)).ok_or_else(unknown)?;
    Ok((sent, title))
}

pub(super) async fn ask_answer(
    State(site): State<Arc<Site>>,
    visitor: Visitor,
    Path(token): Path<String>,
    fields: Fields,
) -> Shown {
    let (sent, title) = answered(&site, &token).await?;
    // What was pressed in the message comes first.
    let mut answers = ANSWERS.to_vec();
    answers.sort_by_key(|(word, _)| *word != fields.one("mot"));
    let values = context! { title => title, procedure => sent.procedure, answers => answers };
    Ok(site.page(&visitor, "repondre.html", values))
}

pub(super) async fn answer(
    State(site): State<Arc<Site>>,
    visitor: Visitor,
    Path(token): Path<String>,
    client: Client,
    fields: Fields,
) -> Shown {
    let app = &site.app;
    site.costly(client)?;
    let (sent, _) = answered(&site, &token).await?;
    let (word, _) = *ANSWERS
        .iter()
        .find(|(word, _)| *word == fields.one("mot"))
        .ok_or_else(|| Trouble::bad("Choisissez une réponse."))?;
    let person = app.store.subscriber(&sent.address.subscriber).await?.ok_or_else(Trouble::no_page)?;
    let standing = app.store.decisions_on(person.structure(), &sent.procedure).await?;
    let page = format!("/procedure/{}", sent.procedure);
    if standing
        .iter()
        .any(|d| d.lot.is_empty() && d.stage.is_decided() && ![&person.name, &sent.address.value].contains(&&d.by))
    {
        let text = "Votre structure a déjà répondu\u{a0}: rien n’est changé. Entrez pour voir sa réponse, et la changer s’il le faut.";
        let values = context! { title => "Une réponse est déjà notée", text => text, back => page, back_text => "Voir ce marché" };
        return Ok(site.page_as(StatusCode::CONFLICT, &visitor, "mot.html", values));
    }
    let said = mailbox::say(app, &sent, word).await?.into_iter().next().unwrap_or_default();
    let values = context! { title => "C’est reçu", text => said, back => page, back_text => "Voir ce marché" };
    Ok(site.page(&visitor, "mot.html", values))
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

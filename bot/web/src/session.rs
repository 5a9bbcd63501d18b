//! Signing in by a link that is mailed or chatted, without a password.
//!
//! Asking answers the same whoever is asked for, and at the same pace: what is done for a known address is done afterwards. A
//! GET of the link shows a page, since mail scanners fetch links; a POST opens the session.

use std::sync::Arc;

use axum::extract::{Path, State};
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Redirect};
use chrono::Duration;
use minijinja::context;
use vigie_config::mail_address;
use vigie_service::links::{BadLink, Purpose};
use vigie_service::sign_in;

use super::cookies::{self, Session, gone, set_cookie};
use super::frame::{Client, Fields, Posted, Shown, Site, Trouble, Visitor};
use super::limits::What;

/// How long a session lasts.
const SESSION_LASTS: Duration = Duration::days(30);
/// Longest address of a page to come back to.
const MAX_NEXT: usize = 400;

/// A page of ours to come back to; the front page where it is anything else.
pub(crate) fn local(next: &str) -> &str {
    let ours = next.starts_with('/')
        && !next.starts_with("//")
        && next.len() <= MAX_NEXT
        && next.bytes().all(|b| b.is_ascii_graphic() && b != b'\\');
    if ours && !next.starts_with("/entrer") { next } else { "/" }
}

pub(crate) async fn ask(State(site): State<Arc<Site>>, visitor: Visitor, fields: Fields) -> Shown {
    let next = local(fields.one("next"));
    if visitor.session.is_some() {
        return Ok(Redirect::to(next).into_response());
    }
    let possible = site.service.link(Purpose::SignIn, "", None).is_some();
    Ok(site.page(&visitor, "entrer.html", context! { next => next, possible => possible }))
}

pub(crate) async fn send(State(site): State<Arc<Site>>, visitor: Visitor, client: Client, fields: Fields) -> Shown {
    let now = site.service.clock.now();
    if !site.limits.allow(client.0, What::SignIn, now) {
        return Err(Trouble::new(
            StatusCode::TOO_MANY_REQUESTS,
            "Trop de demandes",
            "Attendez un quart d’heure avant de demander un autre lien.",
        ));
    }
    let address = mail_address::canonical(fields.one("email"))
        .map_err(|_| Trouble::bad("Cette adresse électronique est incomplète : écrivez nom@domaine."))?;
    // Afterwards, so that the answer takes as long for an address that nobody has.
    let service = Arc::clone(&site.service);
    let next = local(fields.one("next")).to_owned();
    tokio::spawn(async move {
        if let Err(e) = sign_in::send_links(&service, &address, &next, now).await {
            tracing::error!("sign-in link not sent: {e}");
        }
    });
    let text = "Si cette adresse reçoit des alertes de Vigie, un lien pour entrer vient de lui être envoyé. Il sert une fois, pendant une demi-heure.";
    Ok(site.word_and(&visitor, "Regardez votre messagerie", text, &[nothing_leaves(&site)]))
}

/// Said to whoever waits for a mail, whether or not their address is one that stopped them.
pub(crate) fn nothing_leaves(site: &Site) -> String {
    format!(
        "Rien ne part vers une adresse que vous avez désabonnée : le lien au bas d’un de nos messages, même ancien, la remet en service ; à défaut, écrivez à {}.",
        site.service.operator()
    )
}

fn bad_link(why: BadLink) -> Trouble {
    let text = match why {
        BadLink::Unknown => {
            "Ce lien est incomplet ou a été modifié. Reprenez-le depuis le message, ou demandez-en un autre."
        }
        BadLink::Expired => "Ce lien a déjà servi, ou est périmé. Demandez-en un autre.",
    };
    Trouble::unknown("Lien inconnu ou périmé", text)
}

pub(crate) async fn show(State(site): State<Arc<Site>>, visitor: Visitor, Path(token): Path<String>) -> Shown {
    let now = site.service.clock.now();
    let id = site.service.open_token(Purpose::SignIn, &token, now).map_err(bad_link)?;
    if site.service.store.sign_in_until(id, now).await?.is_none() {
        return Err(bad_link(BadLink::Expired));
    }
    Ok(site.page(&visitor, "entrer-lien.html", context! {}))
}

pub(crate) async fn open(State(site): State<Arc<Site>>, Path(token): Path<String>) -> Shown {
    let now = site.service.clock.now();
    let id = site.service.open_token(Purpose::SignIn, &token, now).map_err(bad_link)?;
    let Some(entered) = enter(&site, id).await? else { return Err(bad_link(BadLink::Expired)) };
    let mut response = Redirect::to(local(&entered.next)).into_response();
    response.headers_mut().extend(entered.cookie.map(|v| (header::SET_COOKIE, v)));
    Ok(response)
}

/// A session just opened.
pub(crate) struct Entered {
    /// The page that was wanted.
    pub(crate) next: String,
    pub(crate) cookie: Option<HeaderValue>,
    pub(crate) session: Option<Session>,
}

/// Opens a session by a sign-in that was not used yet.
pub(crate) async fn enter(site: &Site, sign_in: &str) -> Result<Option<Entered>, Trouble> {
    let now = site.service.clock.now();
    let secret = format!("{}{}", vigie_store::random()?, vigie_store::random()?);
    let next = site.service.store.open_session(sign_in, &secret, now + SESSION_LASTS, now).await?;
    let Some(next) = next else { return Ok(None) };
    let cookie = set_cookie(&site.service, &secret, SESSION_LASTS);
    Ok(Some(Entered { next, cookie, session: cookies::opened(&site.service, &secret).await? }))
}

pub(crate) async fn close(State(site): State<Arc<Site>>, posted: Posted) -> Shown {
    if posted.fields.one("partout").is_empty() {
        site.service.store.close_session(&posted.session.mark).await?;
    } else {
        site.service.store.close_sessions(&posted.session.person.id).await?;
    }
    Ok(gone(&site.service, "/"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_page_of_ours_is_come_back_to() {
        for ours in ["/", "/procedure/abc?x=1#lots", "/chercher?q=linge"] {
            assert_eq!(local(ours), ours);
        }
        for other in [
            "",
            "//ailleurs.example",
            "/\\ailleurs.example",
            "https://ailleurs.example",
            "javascript:x",
            "/a\r\nb",
            "/entrer/x",
        ] {
            assert_eq!(local(other), "/", "{other}");
        }
    }
}

//! Signing in by a link that is mailed or chatted, without a password.
//!
//! Asking answers the same whoever is asked for, and at the same pace: what is done for a known address is done afterwards. A
//! GET of the link shows a page, since mail scanners fetch links; a POST opens the session. The cookie holds a secret of which
//! the database keeps the hash; the token of forms is derived from the same secret.

use std::sync::Arc;

use axum::extract::{Path, State};
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Redirect, Response};
use chrono::{DateTime, Duration, Utc};
use minijinja::context;
use vigie_domain::Channel;
use vigie_store::people::Address;
use vigie_store::sessions::mark;
use vigie_store::{StoreError, consent};

use super::frame::{Client, Fields, Posted, Session, Shown, Site, Trouble, Visitor};
use super::limits::What;
use crate::app::App;
use crate::links::{BadLink, Purpose};

/// How long a link can be used.
pub const LINK_LASTS: Duration = Duration::minutes(30);
/// How long a session lasts.
const SESSION_LASTS: Duration = Duration::days(30);
/// Longest address of a page to come back to.
const MAX_NEXT: usize = 400;

/// The session of a request, if it has one.
pub(super) async fn of(site: &Site, headers: &HeaderMap) -> Result<Option<Session>, StoreError> {
    let Some(secret) = cookie(headers, cookie_name(site)) else { return Ok(None) };
    let found = site.app.store.session(secret, site.app.clock.now()).await?;
    Ok(found.map(|s| Session { mark: s.mark, person: s.person, csrf: csrf(secret) }))
}

/// Nobody but the server and the browser knows the cookie: what is derived from it proves that a form is ours.
fn csrf(secret: &str) -> String {
    mark(&format!("csrf:{secret}"))[..32].to_owned()
}

fn is_https(site: &Site) -> bool {
    site.app.settings.web.public_url.as_deref().is_some_and(|u| u.starts_with("https://"))
}

fn cookie_name(site: &Site) -> &'static str {
    if is_https(site) { "__Host-vigie" } else { "vigie" }
}

fn cookie<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    let all = headers.get_all(header::COOKIE).iter().filter_map(|v| v.to_str().ok());
    let mut pairs = all.flat_map(|v| v.split(';')).filter_map(|p| p.trim().split_once('='));
    pairs.find(|(n, _)| *n == name).map(|(_, v)| v)
}

fn set_cookie(site: &Site, secret: &str, lasts: Duration) -> Option<HeaderValue> {
    let secure = if is_https(site) { "; Secure" } else { "" };
    let name = cookie_name(site);
    let seconds = lasts.num_seconds();
    let text = format!("{name}={secret}; Path=/; Max-Age={seconds}; HttpOnly; SameSite=Lax{secure}");
    HeaderValue::from_str(&text).ok()
}

/// A page of ours to come back to; the front page where it is anything else.
pub(super) fn local(next: &str) -> &str {
    let ours = next.starts_with('/')
        && !next.starts_with("//")
        && next.len() <= MAX_NEXT
        && next.bytes().all(|b| b.is_ascii_graphic() && b != b'\\');
    if ours && !next.starts_with("/entrer") { next } else { "/abonnements" }
}

/// A link that signs in whoever reads at that address; `None` where the installation signs no links.
///
/// # Errors
/// The database fails.
pub async fn link(app: &App, address: &Address) -> Result<Option<String>, StoreError> {
    let now = app.clock.now();
    let until = now + LINK_LASTS;
    if app.link(Purpose::SignIn, "", Some(until)).is_none() {
        return Ok(None);
    }
    let id = app.store.put_sign_in(&address.id, until, now).await?;
    Ok(app.link(Purpose::SignIn, &id, Some(until)))
}

/// The link of a sign-in that is on its way by mail, while it can be used.
///
/// # Errors
/// The database fails.
pub async fn link_of(app: &App, id: &str, now: DateTime<Utc>) -> Result<Option<String>, StoreError> {
    let until = app.store.sign_in_until(id, now).await?;
    Ok(until.and_then(|until| app.link(Purpose::SignIn, id, Some(until))))
}

pub(super) async fn ask(State(site): State<Arc<Site>>, visitor: Visitor, fields: Fields) -> Shown {
    let next = local(fields.one("next"));
    if visitor.session.is_some() {
        return Ok(Redirect::to(next).into_response());
    }
    let possible = site.app.link(Purpose::SignIn, "", None).is_some();
    Ok(site.page(&visitor, "entrer.html", context! { next => next, possible => possible }))
}

pub(super) async fn send(State(site): State<Arc<Site>>, visitor: Visitor, client: Client, fields: Fields) -> Shown {
    let now = site.app.clock.now();
    if !site.limits.allow(client.0, What::SignIn, now) {
        return Err(Trouble::new(
            StatusCode::TOO_MANY_REQUESTS,
            "Trop de demandes",
            "Attendez un quart d’heure avant de demander un autre lien.",
        ));
    }
    let address = fields.one("email").to_lowercase();
    if address.len() > 254 || address.parse::<lettre::Address>().is_err() {
        return Err(Trouble::bad("Cette adresse électronique est incomplète\u{a0}: écrivez nom@domaine."));
    }
    // Afterwards, so that the answer takes as long for an address that nobody has.
    let app = Arc::clone(&site.app);
    let next = local(fields.one("next")).to_owned();
    tokio::spawn(async move {
        if let Err(e) = send_links(&app, &address, &next, now).await {
            tracing::error!("sign-in link not sent: {e}");
        }
    });
    Ok(site.word(
        &visitor,
        "Regardez votre messagerie",
        "Si cette adresse reçoit des alertes de Vigie, un lien pour entrer vient de lui être envoyé. Il sert une fois, pendant une demi-heure.",
    ))
}

async fn send_links(app: &App, address: &str, next: &str, now: DateTime<Utc>) -> Result<(), StoreError> {
    for address in app.store.addresses_in_use(Channel::Email, address).await? {
        if !app.store.send_sign_in(&address, next, now + LINK_LASTS, now).await? {
            tracing::info!(address = %address.id, "enough sign-in links within the hour");
        }
    }
    app.outbox_bell.notify_one();
    Ok(())
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

pub(super) async fn show(State(site): State<Arc<Site>>, visitor: Visitor, Path(token): Path<String>) -> Shown {
    let now = site.app.clock.now();
    let id = site.app.open_token(Purpose::SignIn, &token, now).map_err(bad_link)?;
    if site.app.store.sign_in_until(id, now).await?.is_none() {
        return Err(bad_link(BadLink::Expired));
    }
    Ok(site.page(&visitor, "entrer-lien.html", context! {}))
}

pub(super) async fn open(State(site): State<Arc<Site>>, Path(token): Path<String>) -> Shown {
    let now = site.app.clock.now();
    let id = site.app.open_token(Purpose::SignIn, &token, now).map_err(bad_link)?;
    let secret = format!("{}{}", consent::random()?, consent::random()?);
    let Some(next) = site.app.store.open_session(id, &secret, now + SESSION_LASTS, now).await? else {
        return Err(bad_link(BadLink::Expired));
    };
    let mut response = Redirect::to(local(&next)).into_response();
    response.headers_mut().extend(set_cookie(&site, &secret, SESSION_LASTS).map(|v| (header::SET_COOKIE, v)));
    Ok(response)
}

pub(super) async fn close(State(site): State<Arc<Site>>, posted: Posted) -> Shown {
    if posted.fields.one("partout").is_empty() {
        site.app.store.close_session(&posted.session.mark).await?;
    } else {
        site.app.store.close_sessions(&posted.session.person.id).await?;
    }
    Ok(gone(&site, "/"))
}

/// Leads to a page and takes the cookie away.
pub(super) fn gone(site: &Site, to: &str) -> Response {
    let mut response = Redirect::to(to).into_response();
    response.headers_mut().extend(set_cookie(site, "", Duration::zero()).map(|v| (header::SET_COOKIE, v)));
    response
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
            assert_eq!(local(other), "/abonnements", "{other}");
        }
    }
}

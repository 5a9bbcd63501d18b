//! The session cookie: it holds a secret of which the database keeps the hash; the token of forms is derived from the same
//! secret.

use axum::http::{HeaderMap, HeaderValue, header};
use axum::response::{IntoResponse, Redirect, Response};
use chrono::Duration;
use vigie_domain::Subscriber;
use vigie_service::Service;
use vigie_store::StoreError;
use vigie_store::secret_hash;

/// A signed-in person.
#[derive(Clone)]
pub(crate) struct Session {
    pub(crate) mark: String,
    pub(crate) person: Subscriber,
    pub(crate) csrf: String,
}

impl Session {
    /// The structure whose decisions they share.
    pub(crate) fn structure(&self) -> &str {
        self.person.structure()
    }

    /// How their colleagues know them.
    pub(crate) fn name(&self) -> &str {
        if self.person.name.is_empty() { "Un membre de la structure" } else { &self.person.name }
    }
}

/// The session of a request, if it has one.
pub(crate) async fn of(service: &Service, headers: &HeaderMap) -> Result<Option<Session>, StoreError> {
    match cookie(headers, cookie_name(service)) {
        Some(secret) => opened(service, secret).await,
        None => Ok(None),
    }
}

/// The session that a cookie's secret opens.
pub(crate) async fn opened(service: &Service, secret: &str) -> Result<Option<Session>, StoreError> {
    let found = service.store.session(secret, service.clock.now()).await?;
    Ok(found.map(|s| Session { mark: s.secret_hash, person: s.person, csrf: csrf(secret) }))
}

/// Nobody but the server and the browser knows the cookie: what is derived from it proves that a form is ours.
fn csrf(secret: &str) -> String {
    secret_hash(&format!("csrf:{secret}"))[..32].to_owned()
}

fn is_https(service: &Service) -> bool {
    service.settings.web.public_url.as_deref().is_some_and(|u| u.starts_with("https://"))
}

fn cookie_name(service: &Service) -> &'static str {
    if is_https(service) { "__Host-vigie" } else { "vigie" }
}

fn cookie<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    let all = headers.get_all(header::COOKIE).iter().filter_map(|v| v.to_str().ok());
    let mut pairs = all.flat_map(|v| v.split(';')).filter_map(|p| p.trim().split_once('='));
    pairs.find(|(n, _)| *n == name).map(|(_, v)| v)
}

pub(crate) fn set_cookie(service: &Service, secret: &str, lasts: Duration) -> Option<HeaderValue> {
    let secure = if is_https(service) { "; Secure" } else { "" };
    let name = cookie_name(service);
    let seconds = lasts.num_seconds();
    let text = format!("{name}={secret}; Path=/; Max-Age={seconds}; HttpOnly; SameSite=Lax{secure}");
    HeaderValue::from_str(&text).ok()
}

/// Leads to a page and takes the cookie away.
pub(crate) fn gone(service: &Service, to: &str) -> Response {
    let mut response = Redirect::to(to).into_response();
    response.headers_mut().extend(set_cookie(service, "", Duration::zero()).map(|v| (header::SET_COOKIE, v)));
    response
}

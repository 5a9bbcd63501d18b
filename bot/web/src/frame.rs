//! What every page shares: the templates, who asks, the headers of every answer, and what is said when something is wrong.
//!
//! Templates escape by construction. A page carries no script and asks nothing of anybody else: the policy below would refuse
//! both. What goes wrong is a [`Trouble`]; the outermost layer shows it in the frame of whoever asked.

use std::net::{IpAddr, SocketAddr};
use std::sync::{Arc, OnceLock};

use axum::Json;
use axum::extract::{ConnectInfo, FromRequest, FromRequestParts, RawForm, Request, State};
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, header};
use axum::middleware::Next;
use axum::response::{Html, IntoResponse, Redirect, Response};
use minijinja::syntax::SyntaxConfig;
use minijinja::value::Serde;
use minijinja::{AutoEscape, Environment, Value, context};
use tokio::sync::Semaphore;
use vigie_config::settings::SignUpMode;
use vigie_domain::subscription::Role;
use vigie_domain::{Permission, french};
use vigie_notifier::typeset;
use vigie_service::{Failure, Service};
use vigie_store::{StoreError, derived_id};

use super::cookies::{self, Session};
use super::limits::{Limits, What};
use super::proxies::Proxies;
use super::templates;
use super::way_back::page_of;

/// Nothing but our own style, our own images and forms to ourselves.
const POLICY: &str =
    "default-src 'none'; style-src 'self'; img-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'";
/// The same for messages shown as pages: their style stands in their elements, as mail readers want it.
pub(crate) const POLICY_OF_MESSAGES: &str =
    "default-src 'none'; style-src 'unsafe-inline'; form-action 'none'; base-uri 'none'; frame-ancestors 'none'";
/// The same for the one page that asks a browser for its notifications: our own script, and our own worker.
pub(crate) const POLICY_WITH_SCRIPT: &str = "default-src 'none'; style-src 'self'; img-src 'self'; script-src 'self'; worker-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'";
/// Previews made at a time: each reads a month of notices.
const PREVIEWS: usize = 2;
/// Consultations taken in at a time: each is held in memory until it is stored.
const UPLOADS: usize = 2;

/// The pages and what they stand on.
pub(crate) struct Site {
    pub(crate) service: Arc<Service>,
    pub(crate) limits: Limits,
    pub(crate) previews: Semaphore,
    pub(crate) uploads: Semaphore,
    /// Who may say for whom it asks.
    proxies: Proxies,
    pages: Environment<'static>,
}

impl Site {
    pub(crate) fn new(service: Arc<Service>) -> Result<Self, Failure> {
        let broken = |name: &str| {
            let name = name.to_owned();
            move |e: minijinja::Error| Failure::new(e.to_string(), name, "signalez cette erreur")
        };
        let mut pages = Environment::new();
        pages.set_auto_escape_callback(|_| AutoEscape::Html);
        pages.set_formatter(vigie_notifier::escape::formatter);
        let syntax = SyntaxConfig::builder().trim_blocks(true).lstrip_blocks(true).build();
        pages.set_syntax(syntax.map_err(broken("syntaxe"))?);
        // A sentence made by code; what someone typed stays as it was typed, in forms above all.
        pages.add_filter("prose", |text: String| typeset::typeset(&text));
        pages.add_filter("agreed", |number: String, one: String, many: String| french::agreed(&number, &one, &many));
        pages.add_filter("form", |number: String, one: String, many: String| {
            french::form(&number, &one, &many).to_owned()
        });
        for (name, text) in templates::TEMPLATES {
            pages.add_template_owned(*name, typeset::template(name, text)).map_err(broken(name))?;
        }
        let proxies = Proxies::parse(&service.settings.web.trusted_proxies)?;
        Ok(Self {
            service,
            limits: Limits::default(),
            previews: Semaphore::new(PREVIEWS),
            uploads: Semaphore::new(UPLOADS),
            proxies,
            pages,
        })
    }

    /// A page in the frame of whoever asks.
    pub(crate) fn page(&self, visitor: &Visitor, name: &str, values: Value) -> Response {
        self.page_as(StatusCode::OK, visitor, name, values)
    }

    pub(crate) fn page_as(&self, status: StatusCode, visitor: &Visitor, name: &str, values: Value) -> Response {
        let me = visitor.session.as_ref().map(|s| Me {
            name: if s.person.name.is_empty() { "Mon compte" } else { &s.person.name },
            operator: s.person.role.may(Permission::Operate),
            decides: s.person.role.may(Permission::Decide),
            passes_on: s.person.role.may(Permission::PassOn),
            coordinates: s.person.role.may(Permission::Coordinate),
            corrects: s.person.role.may(Permission::CorrectVerdict),
            follows_clauses: s.person.role.may(Permission::ReadClauseTable),
            follows_operations: s.person.role.may(Permission::FollowOperations),
            csrf: &s.csrf,
        });
        let operator = self.service.settings.operator.as_ref().map(|o| {
            context! { name => &o.name, contact => &o.contact, organisation => &o.organisation, mail => o.has_mail() }
        });
        let frame = context! {
            me => Serde(me), path => &visitor.path, style => style_url(), operator => operator,
            keeper => self.service.operator(),
            signs_up => self.service.settings.sign_up.mode != SignUpMode::Off,
        };
        let rendered = self.pages.get_template(name).and_then(|t| t.render(minijinja::context! { ..values, ..frame }));
        match rendered {
            Ok(body) => (status, Html(body)).into_response(),
            Err(e) => {
                tracing::error!(page = name, "page cannot be rendered: {e:#}");
                (StatusCode::INTERNAL_SERVER_ERROR, "Page indisponible.").into_response()
            }
        }
    }

    /// Refuses what costs when too much of it was asked for from there.
    pub(crate) fn costly(&self, client: Client) -> Result<(), Trouble> {
        if self.limits.allow(client.0, What::Costly, self.service.clock.now()) {
            return Ok(());
        }
        Err(Trouble::new(StatusCode::TOO_MANY_REQUESTS, "Trop de demandes", "Attendez quelques minutes."))
    }

    /// A title and a sentence.
    pub(crate) fn word(&self, visitor: &Visitor, title: &str, text: &str) -> Response {
        self.page(visitor, "mot.html", context! { title => title, text => text })
    }

    /// The same, with what else is good to know, a line each.
    pub(crate) fn word_and(&self, visitor: &Visitor, title: &str, text: &str, also: &[String]) -> Response {
        self.page(visitor, "mot.html", context! { title => title, text => text, also => Serde(also) })
    }

    /// The same, with the way back to a procedure.
    pub(crate) fn back_to(&self, visitor: &Visitor, procedure: &str, title: &str, text: &str) -> Response {
        let back = format!("/procedure/{procedure}");
        let values = context! { title => title, text => text, back => back, back_text => "Revenir au marché" };
        self.page(visitor, "mot.html", values)
    }
}

/// The signed-in person, as the frame shows them.
#[derive(serde::Serialize)]
struct Me<'a> {
    name: &'a str,
    operator: bool,
    decides: bool,
    passes_on: bool,
    coordinates: bool,
    corrects: bool,
    follows_clauses: bool,
    follows_operations: bool,
    csrf: &'a str,
}

/// Address of the style sheet: another content is another address, so that it can be kept for ever.
fn style_url() -> &'static str {
    static URL: OnceLock<String> = OnceLock::new();
    URL.get_or_init(|| format!("/style.css?v={}", &derived_id(&[templates::STYLE])[..8]))
}

/// Why a page cannot be shown.
#[derive(Debug, Clone)]
pub(crate) struct Trouble {
    pub(crate) status: StatusCode,
    pub(crate) title: String,
    pub(crate) text: String,
}

impl Trouble {
    pub(crate) fn new(status: StatusCode, title: &str, text: &str) -> Self {
        Self { status, title: title.to_owned(), text: text.to_owned() }
    }

    pub(crate) fn unknown(title: &str, text: &str) -> Self {
        Self::new(StatusCode::NOT_FOUND, title, text)
    }

    /// There is no such page, or not for this person: both look the same.
    pub(crate) fn no_page() -> Self {
        Self::unknown("Page introuvable", "Cette adresse ne mène à aucune page de Vigie.")
    }

    /// The form does not say what it should.
    pub(crate) fn bad(text: impl Into<String>) -> Self {
        Self { status: StatusCode::BAD_REQUEST, title: "Demande incomplète".to_owned(), text: text.into() }
    }
}

impl From<StoreError> for Trouble {
    fn from(e: StoreError) -> Self {
        tracing::error!("page failed: {e}");
        if e.is_away() {
            let text = "La base de données ne répond pas. Réessayez dans un instant.";
            return Self::new(StatusCode::SERVICE_UNAVAILABLE, "Page indisponible", text);
        }
        let text = "Vigie n’a pas pu faire ce que vous demandez. Réessayez dans un instant.";
        Self::new(StatusCode::INTERNAL_SERVER_ERROR, "Page indisponible", text)
    }
}

impl From<Failure> for Trouble {
    fn from(e: Failure) -> Self {
        tracing::error!("page failed: {}", e.what);
        Self::new(StatusCode::INTERNAL_SERVER_ERROR, "Page indisponible", "Réessayez dans un instant.")
    }
}

impl IntoResponse for Trouble {
    fn into_response(self) -> Response {
        let mut response = (self.status, self.title.clone()).into_response();
        response.extensions_mut().insert(self);
        response
    }
}

impl Session {
    /// Whether this person may do that; where not, there is no such page for them, or not yet.
    pub(crate) fn may(&self, what: Permission) -> Result<(), Trouble> {
        if self.person.role.may(what) {
            return Ok(());
        }
        if self.person.asks_to_be_facilitator() && Role::Facilitator.may(what) {
            let text = "La personne qui gère Vigie doit encore vous donner le rôle de facilitateur : cette page s’ouvrira alors. D’ici là, \
                        vos alertes arrivent.";
            return Err(Trouble::unknown("Cette page attend votre rôle", text));
        }
        Err(Trouble::no_page())
    }

    /// Whether a form comes from one of the pages of this session.
    pub(crate) fn posted(&self, fields: &Fields) -> Result<(), Trouble> {
        if fields.one("csrf") == self.csrf {
            return Ok(());
        }
        Err(Trouble::new(
            StatusCode::FORBIDDEN,
            "Formulaire périmé",
            "Cette page a été ouverte dans une autre connexion. Rouvrez-la, puis recommencez.",
        ))
    }
}

/// What a page gives.
pub(crate) type Shown = Result<Response, Trouble>;

/// Who asks, and for which page.
#[derive(Clone, Default)]
pub(crate) struct Visitor {
    pub(crate) session: Option<Session>,
    pub(crate) path: String,
}

impl<S: Sync> FromRequestParts<S> for Visitor {
    type Rejection = std::convert::Infallible;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Self::Rejection> {
        Ok(parts.extensions.get::<Self>().cloned().unwrap_or_default())
    }
}

/// A visitor who is signed in; anybody else is led to the sign-in page and back.
pub(crate) struct SignedIn {
    pub(crate) visitor: Visitor,
    pub(crate) session: Session,
}

impl<S: Sync> FromRequestParts<S> for SignedIn {
    type Rejection = Response;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Self::Rejection> {
        let visitor = parts.extensions.get::<Visitor>().cloned().unwrap_or_default();
        match visitor.session.clone() {
            Some(session) => Ok(Self { visitor, session }),
            None => {
                let back = if parts.method == Method::GET {
                    parts.uri.path_and_query().map_or_else(|| "/".to_owned(), ToString::to_string)
                } else {
                    page_of(parts.uri.path())
                };
                let query: String =
                    url::form_urlencoded::Serializer::new(String::new()).append_pair("next", &back).finish();
                Err(Redirect::to(&format!("/entrer?{query}")).into_response())
            }
        }
    }
}

/// Somebody signed in who decides for a structure; for who only reads, pages about decisions do not exist.
pub(crate) struct Decider {
    pub(crate) visitor: Visitor,
    pub(crate) session: Session,
}

impl<S: Sync> FromRequestParts<S> for Decider {
    type Rejection = Response;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Self::Rejection> {
        let SignedIn { visitor, session } = SignedIn::from_request_parts(parts, state).await?;
        session.may(Permission::Decide).map_err(IntoResponse::into_response)?;
        Ok(Self { visitor, session })
    }
}

/// A signed-in operator; for anybody else these pages do not exist.
pub(crate) struct Operator {
    pub(crate) visitor: Visitor,
    pub(crate) session: Session,
}

impl<S: Sync> FromRequestParts<S> for Operator {
    type Rejection = Response;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Self::Rejection> {
        let SignedIn { visitor, session } = SignedIn::from_request_parts(parts, state).await?;
        session.may(Permission::Operate).map_err(IntoResponse::into_response)?;
        Ok(Self { visitor, session })
    }
}

/// Fields of a form or of a query, in order, repeated ones included.
#[derive(Debug, Default)]
pub(crate) struct Fields(Vec<(String, String)>);

impl Fields {
    /// The fields of a form that was read.
    pub(crate) fn of(fields: Vec<(String, String)>) -> Self {
        Self(fields)
    }

    /// The first field of that name, trimmed; empty when there is none.
    pub(crate) fn one(&self, name: &str) -> &str {
        self.0.iter().find(|(n, _)| n == name).map_or("", |(_, v)| v.trim())
    }

    /// Every field of that name that says something.
    pub(crate) fn all<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a str> {
        self.0.iter().filter(move |(n, _)| n == name).map(|(_, v)| v.trim()).filter(|v| !v.is_empty())
    }

    /// Every field of that name, empty ones too: columns of a form whose rows stand side by side.
    pub(crate) fn every<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a str> {
        self.0.iter().filter(move |(n, _)| n == name).map(|(_, v)| v.trim())
    }

    pub(crate) fn has(&self, name: &str) -> bool {
        self.0.iter().any(|(n, _)| n == name)
    }

    /// The fields that say something, but for some names.
    pub(crate) fn without(&self, names: &[&str]) -> Vec<(String, String)> {
        self.0.iter().filter(|(n, v)| !v.is_empty() && !names.contains(&n.as_str())).cloned().collect()
    }

    /// The same as a query, but for some names.
    pub(crate) fn query_without(&self, names: &[&str]) -> String {
        let kept = self.0.iter().filter(|(n, v)| !v.is_empty() && !names.contains(&n.as_str()));
        url::form_urlencoded::Serializer::new(String::new()).extend_pairs(kept).finish()
    }
}

impl<S: Send + Sync> FromRequest<S> for Fields {
    type Rejection = Trouble;

    async fn from_request(mut request: Request, state: &S) -> Result<Self, Self::Rejection> {
        // HEAD asks for what GET would give: its fields are those of the query.
        if *request.method() == Method::HEAD {
            *request.method_mut() = Method::GET;
        }
        let RawForm(bytes) = RawForm::from_request(request, state)
            .await
            .map_err(|_| Trouble::bad("Le formulaire est illisible, ou trop long."))?;
        // What nobody sees is no part of what was typed.
        let seen = |value: String| vigie_domain::visible(&value).into_owned();
        let fields = url::form_urlencoded::parse(&bytes).into_owned();
        Ok(Self(fields.map(|(name, value)| (name, seen(value))).collect()))
    }
}

/// A form posted by a signed-in person from one of our pages: its token is checked.
pub(crate) struct Posted {
    pub(crate) visitor: Visitor,
    pub(crate) session: Session,
    pub(crate) fields: Fields,
}

impl<S: Send + Sync> FromRequest<S> for Posted {
    type Rejection = Response;

    async fn from_request(request: Request, state: &S) -> Result<Self, Self::Rejection> {
        let (mut parts, body) = request.into_parts();
        let SignedIn { visitor, session } = SignedIn::from_request_parts(&mut parts, state).await?;
        let fields =
            Fields::from_request(Request::from_parts(parts, body), state).await.map_err(IntoResponse::into_response)?;
        session.posted(&fields).map_err(IntoResponse::into_response)?;
        Ok(Self { visitor, session, fields })
    }
}

/// Who asks, as the limits count them.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Client(pub(crate) IpAddr);

/// Where a request comes from, as the outermost layer found it.
pub(crate) fn client(parts: &Parts) -> IpAddr {
    parts.extensions.get::<Client>().map_or(IpAddr::from([127, 0, 0, 1]), |c| c.0)
}

impl<S: Sync> FromRequestParts<S> for Client {
    type Rejection = std::convert::Infallible;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Self::Rejection> {
        Ok(Self(client(parts)))
    }
}

/// The outermost layer: knows who asks, refuses what another site made the browser post, shows troubles, sets headers.
pub(crate) async fn around(State(site): State<Arc<Site>>, mut request: Request, next: Next) -> Response {
    let path = request.uri().path().to_owned();
    let program = path.starts_with("/api/");
    if let Some(ConnectInfo(peer)) = request.extensions().get::<ConnectInfo<SocketAddr>>() {
        let client = Client(site.proxies.client(peer.ip(), request.headers()));
        request.extensions_mut().insert(client);
    }
    let mut visitor = Visitor { session: None, path: path.clone() };
    if path.contains("%00") {
        return finish(&site, &visitor, Trouble::no_page().into_response(), program);
    }
    if !program && !path.starts_with("/style") {
        match cookies::of(&site.service, request.headers()).await {
            Ok(session) => visitor.session = session,
            Err(e) => return finish(&site, &visitor, Trouble::from(e).into_response(), program),
        }
    }
    request.extensions_mut().insert(visitor.clone());
    let asked = *request.method() == Method::GET;
    let elsewhere = from_elsewhere(request.headers(), site.service.settings.web.public_url.as_deref());
    let mut response = if *request.method() == Method::POST && !program && elsewhere && !one_click(&path) {
        Trouble::new(
            StatusCode::FORBIDDEN,
            "Demande refusée",
            "Ce formulaire n’a pas été envoyé depuis une page de Vigie.",
        )
        .into_response()
    } else {
        next.run(request).await
    };
    // A refused answer is shown where it was posted, and its address stays in the browser: opened again, it leads to the market's page.
    if asked && path.starts_with("/procedure/") && response.status() == StatusCode::METHOD_NOT_ALLOWED {
        response = Redirect::to(&page_of(&path)).into_response();
    }
    finish(&site, &visitor, response, program)
}

/// Mail services post here for their users (RFC 8058); the link itself is the proof.
fn one_click(path: &str) -> bool {
    path.starts_with("/desabonner/")
}

/// Whether the browser says that another site makes it post: in so many words, else by the page that it names. One that names a page of
/// nobody (`null`) is elsewhere too; one that names none (a program) is not.
fn from_elsewhere(headers: &HeaderMap, public_url: Option<&str>) -> bool {
    let text = |name: &HeaderName| headers.get(name).map(|v| v.to_str().unwrap_or("illisible"));
    if let Some(site) = text(&HeaderName::from_static("sec-fetch-site")) {
        return !matches!(site, "same-origin" | "none");
    }
    let Some(from) = text(&header::ORIGIN).or_else(|| text(&header::REFERER)).filter(|f| !f.is_empty()) else {
        return false;
    };
    let host = |address: &str| {
        let (_, rest) = address.split_once("://")?;
        Some(rest.split(['/', '?', '#']).next().unwrap_or_default().to_ascii_lowercase())
    };
    // A proxy may ask for the pages under a name of its own.
    let ours = [text(&header::HOST).map(str::to_ascii_lowercase), public_url.and_then(host)];
    host(from).is_none_or(|from| !ours.contains(&Some(from)))
}

fn finish(site: &Site, visitor: &Visitor, mut response: Response, program: bool) -> Response {
    let trouble = response.extensions_mut().remove::<Trouble>().or_else(|| unmatched(&response));
    if let Some(t) = trouble {
        response = if program {
            let error = match t.status {
                StatusCode::METHOD_NOT_ALLOWED => "method_not_allowed",
                StatusCode::PAYLOAD_TOO_LARGE => "too_large",
                StatusCode::SERVICE_UNAVAILABLE => "unavailable",
                StatusCode::INTERNAL_SERVER_ERROR => "internal",
                _ => &t.title,
            };
            (t.status, Json(serde_json::json!({ "error": error, "detail": t.text }))).into_response()
        } else {
            site.page_as(t.status, visitor, "mot.html", context! { title => t.title, text => t.text })
        };
    }
    let headers = response.headers_mut();
    for (name, value) in [
        (header::CONTENT_SECURITY_POLICY, POLICY),
        // Within Vigie a browser says from which page it posts (`from_elsewhere`); others are told nothing.
        (header::REFERRER_POLICY, "same-origin"),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (header::X_FRAME_OPTIONS, "DENY"),
        (header::CACHE_CONTROL, "no-store"),
        (HeaderName::from_static("cross-origin-opener-policy"), "same-origin"),
        (HeaderName::from_static("permissions-policy"), "camera=(), geolocation=(), microphone=()"),
    ] {
        headers.entry(name).or_insert(HeaderValue::from_static(value));
    }
    if site.service.settings.web.public_url.as_deref().is_some_and(|u| u.starts_with("https://")) {
        let hsts = HeaderValue::from_static("max-age=31536000");
        headers.entry(header::STRICT_TRANSPORT_SECURITY).or_insert(hsts);
    }
    response
}

/// What axum itself refuses, in words.
fn unmatched(response: &Response) -> Option<Trouble> {
    if response.headers().contains_key(header::CONTENT_TYPE) && response.status() != StatusCode::METHOD_NOT_ALLOWED {
        let text = response.headers()[header::CONTENT_TYPE].to_str().unwrap_or_default().starts_with("text/plain");
        if !(text && response.status().is_client_error()) {
            return None;
        }
    }
    match response.status() {
        StatusCode::NOT_FOUND => Some(Trouble::no_page()),
        StatusCode::METHOD_NOT_ALLOWED => Some(Trouble::new(
            StatusCode::METHOD_NOT_ALLOWED,
            "Demande impossible",
            "Cette page ne se demande pas ainsi.",
        )),
        status if status.is_client_error() => {
            Some(Trouble::new(status, "Demande illisible", "Vigie n’a pas compris cette demande."))
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_post_that_another_site_caused_is_known() {
        let with = |pairs: &[(&'static str, &'static str)]| {
            let mut headers = HeaderMap::new();
            for (name, value) in pairs {
                headers.insert(*name, HeaderValue::from_static(value));
            }
            from_elsewhere(&headers, Some("https://Vigie.example/"))
        };
        assert!(with(&[("sec-fetch-site", "cross-site")]));
        assert!(!with(&[("sec-fetch-site", "same-origin"), ("origin", "null")]));
        assert!(with(&[("origin", "https://ailleurs.example"), ("host", "vigie.example")]));
        assert!(!with(&[("origin", "https://vigie.example"), ("host", "vigie.example")]));
        assert!(!with(&[("origin", "https://vigie.example"), ("host", "127.0.0.1:8765")]), "behind a proxy");
        assert!(!with(&[("origin", "http://127.0.0.1:8765"), ("host", "127.0.0.1:8765")]));
        assert!(!with(&[("referer", "https://vigie.example/compte?a=://b"), ("host", "vigie.example")]));
        for (name, other) in [
            ("origin", "null"),
            ("origin", "https://vigie.example.ailleurs.example"),
            ("origin", "https://vigie.example:8443"),
            ("origin", "vigie.example"),
            ("referer", "https://ailleurs.example/vigie.example"),
            ("referer", "about:blank"),
            ("sec-fetch-site", "same-site"),
        ] {
            assert!(with(&[(name, other), ("host", "vigie.example")]), "{name}: {other}");
        }
        assert!(!with(&[("referer", ""), ("host", "vigie.example")]), "a page that is not named");
        assert!(!with(&[]));
    }
}

//! The pages: what was judged, what people decide and subscribe to, what operators look after; calendars, feeds, tables and an
//! API for programs.
//!
//! Server-rendered, no script, no outside request. Templates escape by construction. GET changes nothing but that a signed-in
//! reader read something: mail scanners fetch links, and are not signed in.
//!
//! | module | does |
//! |---|---|
//! | `frame` | what every page shares: templates, visitor, headers, troubles |
//! | `session` | signing in by a link, cookies |
//! | `limits` | how often what costs may be asked for |
//! | `browse` | the front page and the search |
//! | `procedure` | one procedure, decisions, reports of errors |
//! | `by_link` | what links in messages open: unsubscription, a digest in full |
//! | `public` | about, what is not watched, personal data |
//!
//! What is shown of decisions is read for the structure of whoever asks, and for no other: handlers take it from the session or
//! from the token, never from the request.

mod browse;
mod by_link;
mod frame;
mod limits;
mod procedure;
mod public;
pub mod session;

use std::net::SocketAddr;
use std::sync::Arc;

use axum::Router;
use axum::extract::DefaultBodyLimit;
use axum::http::header;
use axum::middleware;
use axum::response::IntoResponse;
use axum::routing::{get, post};

use crate::app::{App, Failure};
use crate::found;
use frame::Site;

/// Longest form, in bytes.
const MAX_FORM: usize = 64 * 1024;
/// How long a browser keeps the style sheet: its address changes with its content.
const FOR_EVER: &str = "public, max-age=31536000, immutable";

/// Serves the pages until `stop` ends.
///
/// # Errors
/// The address cannot be listened on.
pub async fn serve(
    app: Arc<App>,
    listen: &str,
    stop: impl Future<Output = ()> + Send + 'static,
) -> Result<(), Failure> {
    let listener = tokio::net::TcpListener::bind(listen).await.map_err(|e| {
        Failure::new(
            format!("impossible d’écouter sur {listen} : {e}"),
            "[web] listen",
            "choisissez un autre port, ou arrêtez l’autre programme",
        )
    })?;
    tracing::info!(address = %listen, "pages served");
    serve_on(app, listener, stop).await
}

/// Serves the pages on a listener already bound.
///
/// # Errors
/// The server stops for a reason of its own.
pub async fn serve_on(
    app: Arc<App>,
    listener: tokio::net::TcpListener,
    stop: impl Future<Output = ()> + Send + 'static,
) -> Result<(), Failure> {
    let late = Arc::clone(&app);
    tokio::spawn(async move {
        match found::catch_up(&late.store, late.clock.now()).await {
            Ok(0) => {}
            Ok(n) => tracing::info!(procedures = n, "made searchable"),
            Err(e) => tracing::error!("earlier procedures cannot be searched yet: {e}"),
        }
    });
    let router = router(app)?.into_make_service_with_connect_info::<SocketAddr>();
    axum::serve(listener, router)
        .with_graceful_shutdown(stop)
        .await
        .map_err(|e| Failure::new(format!("page arrêtée : {e}"), "[web]", "relancez"))
}

/// The routes, for whoever serves them.
///
/// # Errors
/// A template is broken.
pub fn router(app: Arc<App>) -> Result<Router, Failure> {
    let site = Arc::new(Site::new(app)?);
    let routes = Router::new()
        .route("/", get(browse::front))
        .route("/chercher", get(browse::search))
        .route("/procedure/{id}", get(procedure::show))
        .route("/procedure/{id}/decision", post(procedure::decide))
        .route("/procedure/{id}/signaler", get(procedure::ask_report).post(procedure::report))
        .route("/entrer", get(session::ask).post(session::send))
        .route("/entrer/{token}", get(session::show).post(session::open))
        .route("/sortir", post(session::close))
        .route("/desabonner/{token}", get(by_link::ask_unsubscribe).post(by_link::unsubscribe))
        .route("/resume/{token}", get(by_link::digest))
        .route("/a-propos", get(public::about))
        .route("/non-veille", get(public::not_watched))
        .route("/donnees-personnelles", get(public::privacy))
        .route("/sante", get(public::health))
        .route("/style.css", get(|| async { still("text/css; charset=utf-8", frame::STYLE) }))
        .route("/icone.svg", get(|| async { still("image/svg+xml", frame::ICON) }))
        .route("/robots.txt", get(|| async { still("text/plain; charset=utf-8", ROBOTS) }));
    Ok(routes
        .layer(DefaultBodyLimit::max(MAX_FORM))
        .layer(middleware::from_fn_with_state(Arc::clone(&site), frame::around))
        .with_state(site))
}

/// Search engines have the publishers' own pages.
const ROBOTS: &str = "User-agent: *\nDisallow: /\n";

fn still(kind: &'static str, body: &'static str) -> impl IntoResponse {
    ([(header::CONTENT_TYPE, kind), (header::CACHE_CONTROL, FOR_EVER)], body)
}

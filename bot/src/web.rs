//! The local page: what was judged lately, one procedure in full, one-click unsubscription, health.
//!
//! Server-rendered, no script, no outside request. Templates escape by construction. GET changes nothing: mail scanners
//! fetch links.

mod confirm;

use std::sync::Arc;

use axum::Router;
use axum::extract::{Path, State};
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{Html, IntoResponse, Response};
use axum::routing::get;
use minijinja::value::Serde;
use minijinja::{AutoEscape, Environment, context};
use vigie_domain::AlertKind;
use vigie_notifier::card::{self, Card, Told, Why};
use vigie_store::people::AddressState;

use crate::app::{App, Failure};
use crate::compose;
use crate::links::Purpose;

/// Notices on the front page.
const FRONT_PAGE: i64 = 60;
/// Score from which a notice stands on the front page.
const FRONT_PAGE_SCORE: u8 = 20;

struct Site {
    app: Arc<App>,
    pages: Environment<'static>,
}

/// Serves the page until `stop` ends.
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
    tracing::info!(address = %listen, "page served");
    serve_on(app, listener, stop).await
}

/// Serves the page on a listener already bound.
///
/// # Errors
/// The server stops for a reason of its own.
pub async fn serve_on(
    app: Arc<App>,
    listener: tokio::net::TcpListener,
    stop: impl Future<Output = ()> + Send + 'static,
) -> Result<(), Failure> {
    let router = router(app)?;
    axum::serve(listener, router)
        .with_graceful_shutdown(stop)
        .await
        .map_err(|e| Failure::new(format!("page arrêtée : {e}"), "[web]", "relancez"))
}

fn router(app: Arc<App>) -> Result<Router, Failure> {
    let mut pages = Environment::new();
    pages.set_auto_escape_callback(|_| AutoEscape::Html);
    for (name, text) in [
        ("page.html", include_str!("../pages/page.html")),
        ("accueil.html", include_str!("../pages/accueil.html")),
        ("procedure.html", include_str!("../pages/procedure.html")),
        ("confirmer.html", include_str!("../pages/confirmer.html")),
        ("lien-perime.html", include_str!("../pages/lien-perime.html")),
        ("desabonner.html", include_str!("../pages/desabonner.html")),
    ] {
        pages.add_template(name, text).map_err(|e| Failure::new(e.to_string(), name, "signalez cette erreur"))?;
    }
    let site = Arc::new(Site { app, pages });
    Ok(Router::new()
        .route("/", get(front))
        .route("/procedure/{id}", get(procedure))
        .route("/desabonner/{token}", get(ask_unsubscribe).post(unsubscribe))
        .route("/confirmer/{token}", get(confirm::ask).post(confirm::agree))
        .route("/resume/{token}", get(digest))
        .route("/sante", get(health))
        .with_state(site))
}

impl Site {
    fn page(&self, status: StatusCode, name: &str, values: &minijinja::Value) -> Response {
        let rendered = self.pages.get_template(name).and_then(|t| t.render(values));
        let (status, body) = match rendered {
            Ok(body) => (status, body),
            Err(e) => {
                tracing::error!(page = name, "page cannot be rendered: {e}");
                (StatusCode::INTERNAL_SERVER_ERROR, "Page indisponible.".to_owned())
            }
        };
        self.safe((status, Html(body)).into_response())
    }

    /// A response with the headers that every page bears.
    fn safe(&self, mut response: Response) -> Response {
        let headers = response.headers_mut();
        for (name, value) in [
            (
                header::CONTENT_SECURITY_POLICY,
                "default-src 'none'; style-src 'unsafe-inline'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'",
            ),
            (header::REFERRER_POLICY, "no-referrer"),
            (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
            (header::CACHE_CONTROL, "no-store"),
        ] {
            headers.insert(name, HeaderValue::from_static(value));
        }
        response
    }

    fn trouble(&self, status: StatusCode, title: &str, text: &str) -> Response {
        self.page(status, "page.html", &context! { title => title, text => text })
    }

    fn failed(&self, e: &vigie_store::StoreError) -> Response {
        tracing::error!("page failed: {e}");
        self.trouble(
            StatusCode::INTERNAL_SERVER_ERROR,
            "Page indisponible",
            "La base de données ne répond pas. Réessayez dans un instant.",
        )
    }
}

fn card_of(row: &vigie_store::journal::NoticeRow, kind: AlertKind, now: chrono::DateTime<chrono::Utc>) -> Card {
    let why = Why::default();
    card::card(
        &Told { kind, changes: &[], notice: &row.notice, assessment: &row.assessment, why: &why, contacts: &[] },
        now,
    )
}

fn kind_of(row: &vigie_store::journal::NoticeRow) -> AlertKind {
    use vigie_domain::NoticeKind;
    match row.assessment.notice_kind {
        NoticeKind::Correction => AlertKind::Correction,
        NoticeKind::Cancellation => AlertKind::Cancellation,
        NoticeKind::Award => AlertKind::Award,
        _ => AlertKind::New,
    }
}

#[derive(serde::Serialize)]
struct Row {
    procedure: String,
    card: Card,
}

async fn front(State(site): State<Arc<Site>>) -> Response {
    let now = site.app.clock.now();
    let (rows, total) = match (
        site.app.store.recent_notices(FRONT_PAGE_SCORE, FRONT_PAGE).await,
        site.app.store.notice_count().await,
    ) {
        (Ok(rows), Ok(total)) => (rows, total),
        (Err(e), _) | (_, Err(e)) => return site.failed(&e),
    };
    let rows: Vec<Row> =
        rows.iter().map(|r| Row { procedure: r.procedure.clone(), card: card_of(r, kind_of(r), now) }).collect();
    site.page(StatusCode::OK, "accueil.html", &context! { rows => Serde(rows), total => total })
}

async fn procedure(State(site): State<Arc<Site>>, Path(id): Path<String>) -> Response {
    let now = site.app.clock.now();
    let notices = match site.app.store.notices_of(&id).await {
        Ok(notices) if notices.is_empty() => {
            return site.trouble(
                StatusCode::NOT_FOUND,
                "Procédure inconnue",
                "Ce lien ne mène à aucune procédure connue de Vigie.",
            );
        }
        Ok(notices) => notices,
        Err(e) => return site.failed(&e),
    };
    let cards: Vec<Card> = notices.iter().map(|r| card_of(r, kind_of(r), now)).collect();
    let main = notices.iter().position(|n| kind_of(n) == AlertKind::New).unwrap_or(0);
    let main = cards[main].clone();
    site.page(StatusCode::OK, "procedure.html", &context! { c => Serde(main), notices => Serde(cards) })
}

/// The address that a token speaks of, if the token is ours.
fn address_of<'a>(site: &Site, token: &'a str) -> Option<&'a str> {
    site.app.open_token(Purpose::Unsubscribe, token, site.app.clock.now()).ok()
}

async fn ask_unsubscribe(State(site): State<Arc<Site>>, Path(token): Path<String>) -> Response {
    match address_of(&site, &token) {
        Some(_) => site.page(StatusCode::OK, "desabonner.html", &context! {}),
        None => site.trouble(
            StatusCode::NOT_FOUND,
            "Lien inconnu",
            "Ce lien est incomplet ou a été modifié. Reprenez-le depuis un message de Vigie.",
        ),
    }
}

async fn unsubscribe(State(site): State<Arc<Site>>, Path(token): Path<String>) -> Response {
    let Some(address) = address_of(&site, &token) else {
        return site.trouble(
            StatusCode::NOT_FOUND,
            "Lien inconnu",
            "Ce lien est incomplet ou a été modifié. Reprenez-le depuis un message de Vigie.",
        );
    };
    match site
        .app
        .store
        .set_address_state(address, AddressState::Stopped, "désinscription par le lien du message")
        .await
    {
        Ok(_) => {
            let now = site.app.clock.now();
            if let Err(e) = site.app.store.note("address", address, "désinscription par le lien du message", now).await
            {
                return site.failed(&e);
            }
            site.trouble(StatusCode::OK, "C’est fait", "Vous ne recevrez plus de message de Vigie à cette adresse.")
        }
        Err(e) => site.failed(&e),
    }
}

/// All of a digest, for whom its message shows a screen of it.
async fn digest(State(site): State<Arc<Site>>, Path(token): Path<String>) -> Response {
    let unknown = || {
        site.trouble(
            StatusCode::NOT_FOUND,
            "Lien inconnu ou périmé",
            "Ce résumé n’est plus en ligne. Reprenez le lien depuis un message plus récent de Vigie.",
        )
    };
    let Ok(delivery) = site.app.open_token(Purpose::Digest, &token, site.app.clock.now()) else { return unknown() };
    match compose::digest_page(&site.app, delivery).await {
        Ok(Some(body)) => site.safe((StatusCode::OK, Html(body)).into_response()),
        Ok(None) => unknown(),
        Err(e) => {
            tracing::error!("digest page failed: {}", e.what);
            site.trouble(StatusCode::INTERNAL_SERVER_ERROR, "Page indisponible", "Réessayez dans un instant.")
        }
    }
}

async fn health(State(site): State<Arc<Site>>) -> Response {
    match site.app.store.queue().await {
        Ok(queue) => {
            let states: serde_json::Map<String, serde_json::Value> =
                queue.into_iter().map(|(s, n)| (s.as_str().to_owned(), n.into())).collect();
            axum::Json(serde_json::json!({ "ok": true, "deliveries": states })).into_response()
        }
        Err(e) => {
            (StatusCode::SERVICE_UNAVAILABLE, axum::Json(serde_json::json!({ "ok": false, "error": e.to_string() })))
                .into_response()
        }
    }
}

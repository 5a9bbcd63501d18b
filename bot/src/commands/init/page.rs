//! The questions of `vigie init` on a page of this machine, for who prefers a browser.
//!
//! It listens on the loopback alone, for requests that name the loopback (another site's page cannot reach it by a name of its own), and
//! shows itself to who has the key that the terminal printed. Once an installation is set up it says so and ends.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use axum::Router;
use axum::extract::{Form, Query, State};
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{Html, IntoResponse, Response};
use axum::routing::get;
use minijinja::value::Serde;
use minijinja::{Environment, context};
use secrecy::SecretString;
use tokio::sync::{Mutex, Notify};
use vigie_config::secret::expose;
use vigie_domain::french;
use vigie_service::Failure;
use vigie_web::server;

use super::super::output::print;
use super::answers::{self, Typed};

/// Where the page is, unless another address is asked for.
pub(super) const LISTEN: &str = "127.0.0.1:8764";

struct Setup {
    dir: PathBuf,
    key: SecretString,
    /// Held by the attempt that is under way.
    turn: Mutex<()>,
    end: Notify,
}

#[derive(serde::Deserialize)]
struct Key {
    #[serde(default)]
    cle: String,
}

/// Shows the page until an installation is set up in `dir`, or the process is stopped.
///
/// # Errors
/// The address is not of the loopback, or cannot be listened on.
pub(super) async fn serve(listen: &str, dir: &Path) -> Result<(), Failure> {
    let fix = "écrivez 127.0.0.1 et un port, par exemple 127.0.0.1:8764";
    let address: SocketAddr = listen.parse().ok().filter(|a: &SocketAddr| a.ip().is_loopback()).ok_or_else(|| {
        Failure::usage(format!("« {listen} » n’est pas une adresse de la boucle locale"), "--web", fix)
    })?;
    let listener = server::listen(&address.to_string(), "--web").await?;
    let address = listener.local_addr().unwrap_or(address);
    let setup = Arc::new(Setup { dir: dir.to_owned(), key: super::key()?, turn: Mutex::default(), end: Notify::new() });
    print(&format!(
        "Ouvrez cette page dans un navigateur de cette machine :\n  http://{address}/?cle={}\n(depuis une autre : ssh -L {port}:{address} cette-machine, puis la même adresse)\n",
        expose(&setup.key),
        port = address.port(),
    ))?;
    let router = Router::new().route("/", get(ask).post(answer)).with_state(setup.clone());
    server::serve(listener, router, server::Limits::default(), Arc::default(), setup.end.notified()).await;
    Ok(())
}

/// Whether a request is for this page, by who has its key.
fn may(setup: &Setup, headers: &HeaderMap, key: &Key) -> bool {
    let host = headers.get(header::HOST).and_then(|h| h.to_str().ok()).unwrap_or_default();
    let name = host.rsplit_once(':').map_or(host, |(name, _)| name);
    let local = matches!(name, "127.0.0.1" | "localhost" | "[::1]");
    // Drawn at random, and asked of one machine: how long a comparison takes tells nobody anything.
    local && key.cle == expose(&setup.key)
}

fn refused() -> Response {
    let text = "Cette page s’ouvre par l’adresse que vigie init a montrée.\n";
    (StatusCode::FORBIDDEN, text).into_response()
}

async fn ask(State(setup): State<Arc<Setup>>, headers: HeaderMap, Query(key): Query<Key>) -> Response {
    if !may(&setup, &headers, &key) {
        return refused();
    }
    shown(StatusCode::OK, &Typed::default(), None, "")
}

async fn answer(
    State(setup): State<Arc<Setup>>,
    headers: HeaderMap,
    Query(key): Query<Key>,
    Form(typed): Form<Typed>,
) -> Response {
    if !may(&setup, &headers, &key) {
        return refused();
    }
    let _turn = setup.turn.lock().await;
    let attempt = async {
        let answers = answers::of_page(&typed, &setup.dir)?;
        let said = super::set_up(&answers, &setup.dir).await?;
        Ok::<_, Failure>((said, answers))
    };
    match attempt.await {
        Ok((said, answers)) => {
            let next = super::next_steps(&setup.dir, false, &said, &answers);
            // The page says it too, where nobody looks at the terminal any more.
            let _ = print(&next);
            setup.end.notify_one();
            shown(StatusCode::OK, &typed, None, &next)
        }
        Err(e) => shown(StatusCode::UNPROCESSABLE_ENTITY, &typed, Some(&e), ""),
    }
}

fn shown(status: StatusCode, typed: &Typed, failure: Option<&Failure>, next: &str) -> Response {
    let mut environment = Environment::new();
    let values = context! {
        f => Serde(typed), next => next,
        what => failure.map(|e| {
            let fix = e.fix.split(" (sans essayer").next().unwrap_or_default();
            format!("{} ({}). {}.", e.what, e.place, french::capital(fix.trim_end_matches('.')))
        }),
    };
    let page = environment
        .add_template("page.html", include_str!("page.html"))
        .and_then(|()| environment.get_template("page.html")?.render(values));
    match page {
        Ok(page) => {
            let policy = "default-src 'none'; style-src 'unsafe-inline'; form-action 'self'; frame-ancestors 'none'";
            let headers = [
                (header::CONTENT_SECURITY_POLICY, HeaderValue::from_static(policy)),
                (header::REFERRER_POLICY, HeaderValue::from_static("no-referrer")),
                (header::CACHE_CONTROL, HeaderValue::from_static("no-store")),
            ];
            (status, headers, Html(page)).into_response()
        }
        Err(e) => (StatusCode::INTERNAL_SERVER_ERROR, e.to_string()).into_response(),
    }
}

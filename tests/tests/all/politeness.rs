//! The fetcher against a server of ours: redirects, private addresses, bombs, slow pages.

use axum::Router;
use axum::http::{StatusCode, header};
use axum::response::IntoResponse;
use axum::routing::get;
use std::sync::Arc;
use std::time::Duration;

use url::Url;
use vigie_bot::roles::watch;
use vigie_bot::setup::App;
use vigie_config::settings::{self, Settings};
use vigie_service::{Clock, sources};
use vigie_watcher::fetch::{Answer, FetchError, Fetcher, Validators};

fn limits() -> settings::Fetch {
    settings::Fetch {
        allow_private: vec!["127.0.0.0/8".into()],
        host_gap_ms: 0,
        max_body_mib: 1,
        ..settings::Fetch::default()
    }
}

async fn serve(router: Router) -> String {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let root = format!("http://{}", listener.local_addr().unwrap());
    tokio::spawn(async move { axum::serve(listener, router).await });
    root
}

async fn get_with(limits: &settings::Fetch, url: &str) -> Result<Answer, FetchError> {
    let fetcher = Fetcher::http(limits).unwrap();
    fetcher.get(&Url::parse(url).unwrap(), &Validators::default(), chrono::Utc::now()).await
}

fn to(status: StatusCode, place: &str) -> impl IntoResponse + use<> {
    (status, [(header::LOCATION, place.to_owned())])
}

#[tokio::test(flavor = "multi_thread")]
async fn private_addresses_are_refused_by_number_by_name_and_after_a_redirect() {
    let root = serve(
        Router::new()
            .route("/out", get(|| async { to(StatusCode::FOUND, "http://169.254.169.254/latest") }))
            .route("/ok", get(|| async { "ok" })),
    )
    .await;
    let closed = settings::Fetch { allow_private: vec![], ..limits() };
    for url in [
        format!("{root}/ok"),
        root.replace("127.0.0.1", "localhost") + "/ok",
        "http://[::1]:1/".into(),
        "http://0x7f000001/".into(),
        "file:///etc/passwd".into(),
    ] {
        let refused = get_with(&closed, &url).await;
        assert!(matches!(refused, Err(FetchError::Forbidden { .. })), "{url}: {refused:?}");
    }
    let refused = get_with(&limits(), &format!("{root}/out")).await;
    assert!(matches!(refused, Err(FetchError::Forbidden { .. })), "{refused:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn only_the_permanent_start_of_a_redirect_chain_is_remembered() {
    let router = Router::new()
        .route("/a", get(|| async { to(StatusCode::MOVED_PERMANENTLY, "/b") }))
        .route("/b", get(|| async { to(StatusCode::FOUND, "/c") }))
        .route("/c", get(|| async { "page" }))
        .route("/loop", get(|| async { to(StatusCode::FOUND, "/loop") }));
    let root = serve(router).await;
    let Ok(Answer::Body(body)) = get_with(&limits(), &format!("{root}/a")).await else { panic!("a body was expected") };
    assert_eq!(body.validators.moved_to, Some(format!("{root}/b")));
    assert!(matches!(get_with(&limits(), &format!("{root}/loop")).await, Err(FetchError::Redirects { .. })));
}

#[tokio::test(flavor = "multi_thread")]
async fn bombs_and_endless_bodies_are_bounded() {
    let big = || async { (StatusCode::OK, vec![b'x'; 3 * 1024 * 1024]) };
    let root = serve(Router::new().route("/big", get(big)).route("/gone", get(|| async { StatusCode::GONE }))).await;
    assert!(matches!(get_with(&limits(), &format!("{root}/big")).await, Err(FetchError::TooLarge { .. })));
    assert!(matches!(get_with(&limits(), &format!("{root}/gone")).await, Err(FetchError::Gone { .. })));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_gzip_bomb_is_cut_while_it_unfolds() {
    // 4 MiB of zeros, deflated by hand: stored blocks would not be a bomb, so a run of one repeated fixed-Huffman block.
    let bomb = gzip_of_zeros();
    let page = move || {
        let bomb = bomb.clone();
        async move { ([(header::CONTENT_ENCODING, "gzip")], bomb) }
    };
    let root = serve(Router::new().route("/bomb", get(page))).await;
    let refused = get_with(&limits(), &format!("{root}/bomb")).await;
    assert!(matches!(refused, Err(FetchError::TooLarge { .. })), "{refused:?}");
}

/// A gzip member of 4 MiB of zeros, made by the system's Python or gzip-free arithmetic is overkill: the bytes come from
/// flate2, which reqwest brings anyway.
fn gzip_of_zeros() -> Vec<u8> {
    use std::io::Write;
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
    encoder.write_all(&vec![0; 4 * 1024 * 1024]).unwrap();
    encoder.finish().unwrap()
}

/// More sources than are read at once wait for a host that never answers; the source of another host is read meanwhile.
#[tokio::test(flavor = "multi_thread")]
async fn a_host_that_hangs_costs_only_its_own_sources() {
    const HANGING: usize = 20;
    // Connections are made, and nobody reads what is asked.
    let silent = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let hangs = format!("http://{}", silent.local_addr().unwrap());
    let feed = "<rss version='2.0'><channel><title>t</title><item><guid>1</guid><title>Nettoyage</title></item></channel></rss>";
    let answers = serve(Router::new().route("/feed", get(move || async move { feed }))).await;
    let block = |id: &str, url: &str| settings::Source::new(id, "feed", Some(url), settings::Baseline::Quiet);
    let mut source: Vec<_> = (0..HANGING).map(|n| block(&format!("s{n}"), &format!("{hangs}/{n}"))).collect();
    source.push(block("other", &format!("{answers}/feed")));
    let dir = tempfile::tempdir().unwrap();
    let url = Some(format!("sqlite:{}", dir.path().join("b.sqlite").display()));
    let fetch = settings::Fetch { timeout_s: 600, ..limits() };
    let settings = Settings { store: settings::Store { url, password: None }, fetch, source, ..Settings::default() };
    let fetcher = Fetcher::http(&settings.fetch).unwrap();
    let sources = sources::enabled(&settings).unwrap();
    let app = App::start(settings, fetcher, Clock::from_environment().unwrap()).await.unwrap();
    let (service, fetcher) = (Arc::clone(&app.service), Arc::clone(&app.fetcher));
    let watching = tokio::spawn(async move { watch::poll_all(&service, &fetcher, sources, true).await });
    while app.service.store.source("other").await.unwrap().last_success.is_none() {
        assert!(!watching.is_finished());
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    for n in 0..HANGING {
        let state = app.service.store.source(&format!("s{n}")).await.unwrap();
        assert_eq!((state.last_success, state.last_error), (None, None), "s{n} still waits");
    }
    watching.abort();
}

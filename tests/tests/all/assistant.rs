//! The second reader, against a double of a chat server: what it reads, what it breaks, and that nothing needs it.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::routing::post;
use axum::{Json, Router};
use serde_json::{Value, json};
use vigie_bot::roles::second_reader::{self, Looked};
use vigie_bot::setup::App;
use vigie_config::secret::Secret;
use vigie_config::settings::{Assistant as Block, Settings};
use vigie_domain::{Filter, Notice, NoticeKind, Passage, ProvisionKind};
use vigie_service::Clock;
use vigie_service::ingest;
use vigie_store::journal::NoticeRow;
use vigie_tests::service;
use vigie_watcher::assistant::{Assistant, MARK};

/// A statement that the rules leave in doubt.
const DOUBT: &str = "L'article L2113-13 est mentionné par l'annexe 7, sans autre précision.";

/// What the double does with the first statement of a request.
#[derive(Clone)]
enum Does {
    /// Reads it, with these words of it.
    Reads(&'static str),
    /// Answers that.
    Says(String),
    Fails(StatusCode),
}

#[derive(Clone)]
struct Double {
    does: Arc<Mutex<Does>>,
    asked: Arc<AtomicUsize>,
    keys: Arc<Mutex<Vec<String>>>,
}

async fn chat(State(double): State<Double>, headers: HeaderMap, Json(body): Json<Value>) -> Response {
    double.asked.fetch_add(1, Ordering::SeqCst);
    let key = headers.get("authorization").and_then(|v| v.to_str().ok()).unwrap_or_default();
    double.keys.lock().unwrap().push(key.to_owned());
    assert_eq!(body["model"], "essai");
    let content = match double.does.lock().unwrap().clone() {
        Does::Fails(status) => return status.into_response(),
        Does::Says(words) => words,
        Does::Reads(quote) => json!({"readings": [{"id": 0, "kind": "execution_clause", "beneficiary": null, "hours": 120, "percent": null,
            "weight": null, "mandatory": true, "quote": quote}]})
        .to_string(),
    };
    Json(json!({"choices": [{"message": {"role": "assistant", "content": content}}]})).into_response()
}

struct Bench {
    app: App,
    assistant: Assistant,
    double: Double,
    _dir: tempfile::TempDir,
}

impl Bench {
    async fn new(does: Does, statements_a_day: u32) -> Self {
        let double = Double { does: Arc::new(Mutex::new(does)), asked: Arc::default(), keys: Arc::default() };
        let router = Router::new().route("/v1/chat/completions", post(chat)).with_state(double.clone());
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}/v1", listener.local_addr().unwrap());
        tokio::spawn(async move { axum::serve(listener, router).await });
        let dir = tempfile::tempdir().unwrap();
        let key = dir.path().join("key");
        std::fs::write(&key, "clef-secrete\n").unwrap();
        let block = Block {
            url: url.parse().unwrap(),
            model: "essai".into(),
            key: Some(Secret::File(key)),
            statements_a_day,
            batch: 8,
        };
        let mut settings = Settings::default();
        settings.store.url = Some(format!("sqlite:{}/v.db", dir.path().display()));
        settings.fetch.allow_private = vec!["127.0.0.0/8".into()];
        settings.fetch.host_gap_ms = 0;
        settings.judgement.assistant = Some(block.clone());
        let now = "2026-11-24T09:00:00Z".parse().unwrap();
        let app = service::start_as(settings, Clock::fixed(now)).await.unwrap();
        Self { app, assistant: Assistant::open(&block).unwrap(), double, _dir: dir }
    }

    async fn look(&self) -> Looked {
        second_reader::look(&self.app.service, &self.app.fetcher, &self.assistant).await.unwrap()
    }

    fn does(&self, does: Does) {
        *self.double.does.lock().unwrap() = does;
    }

    fn asked(&self) -> usize {
        self.double.asked.load(Ordering::SeqCst)
    }

    async fn publish(&self, id: &str) -> NoticeRow {
        let mut notice = Notice::new("boamp", id, NoticeKind::Call);
        notice.title = format!("Nettoyage des locaux {id}");
        notice.passages.push(Passage { field: "t".into(), lot: None, text: format!("Objet du marché. {DOUBT} Fin.") });
        ingest::ingest(&self.app.service, &notice, None).await.unwrap();
        self.row(id).await
    }

    async fn row(&self, id: &str) -> NoticeRow {
        self.app.service.store.notice(&format!("boamp:{id}")).await.unwrap().unwrap()
    }
}

fn kinds(row: &NoticeRow) -> Vec<ProvisionKind> {
    row.assessment.provisions.iter().map(|p| p.kind).collect()
}

#[tokio::test]
async fn a_doubt_becomes_a_provision_marked_as_such_and_is_asked_about_once() {
    let bench = Bench::new(Does::Reads("L'article L2113-13 est mentionné par l'annexe 7"), 200).await;
    let clauses = Filter { provisions: vec![ProvisionKind::ExecutionClause], ..Filter::default() };
    service::subscribe(&bench.app, "ana", "ana@structure.example", &clauses).await.unwrap();
    let row = bench.publish("26-1").await;
    assert_eq!(kinds(&row), [ProvisionKind::ToVerify]);
    assert_eq!(bench.app.service.store.deliveries(None, 10).await.unwrap().len(), 0, "a doubt is no clause");
    assert_eq!(bench.look().await, Looked::Asked { doubts: 1, read: 1 });
    let read = bench.row("26-1").await;
    let [p] = read.assessment.provisions.as_slice() else { panic!("{:?}", read.assessment.provisions) };
    // Hours that stand nowhere in its quote are not taken.
    assert_eq!((p.kind, p.hours, p.doubt.as_deref()), (ProvisionKind::ExecutionClause, None, Some(MARK)));
    assert!(read.assessment.reasons[0].contains(MARK), "{:?}", read.assessment.reasons);
    assert_eq!(
        bench.app.service.store.deliveries(None, 10).await.unwrap().len(),
        1,
        "whom it now concerns hears of it"
    );
    assert_eq!(bench.double.keys.lock().unwrap().as_slice(), ["Bearer clef-secrete"]);
    assert_eq!((bench.look().await, bench.asked()), (Looked::Idle, 1));
}

#[tokio::test]
async fn what_it_does_not_read_stays_in_doubt_and_its_words_must_stand_in_the_text() {
    let bench = Bench::new(Does::Reads("réservé aux structures d'insertion"), 200).await;
    bench.publish("26-1").await;
    assert_eq!(bench.look().await, Looked::Asked { doubts: 1, read: 0 });
    assert_eq!(kinds(&bench.row("26-1").await), [ProvisionKind::ToVerify]);
    assert_eq!(bench.look().await, Looked::Idle);
}

#[tokio::test]
async fn nonsense_and_failures_change_nothing() {
    let bench = Bench::new(Does::Fails(StatusCode::BAD_GATEWAY), 200).await;
    bench.publish("26-1").await;
    assert_eq!(bench.look().await, Looked::Failed);
    assert_eq!(bench.look().await, Looked::Failed, "what got no answer is asked about again");
    for nonsense in ["Avec plaisir !", "{\"readings\": [{\"id\": 0}]}", "[]"] {
        bench.does(Does::Says(nonsense.to_owned()));
        let (id, before) = (format!("27-{}", nonsense.len()), bench.asked());
        bench.publish(&id).await;
        assert_eq!(bench.look().await, Looked::Failed, "{nonsense}");
        assert_eq!((bench.look().await, bench.asked()), (Looked::Idle, before + 1), "not asked for again: {nonsense}");
        assert_eq!(kinds(&bench.row(&id).await), [ProvisionKind::ToVerify], "{nonsense}");
    }
    assert_eq!(kinds(&bench.row("26-1").await), [ProvisionKind::ToVerify]);
}

#[tokio::test]
async fn the_budget_of_a_day_is_kept_and_the_next_day_has_its_own() {
    let bench = Bench::new(Does::Reads("L'article L2113-13 est mentionné par l'annexe 7"), 1).await;
    bench.publish("26-1").await;
    bench.publish("26-2").await;
    assert_eq!(bench.look().await, Looked::Asked { doubts: 1, read: 1 });
    assert_eq!(bench.look().await, Looked::Idle);
    bench.app.service.clock.set("2026-11-25T09:00:00Z".parse().unwrap());
    assert_eq!(bench.look().await, Looked::Asked { doubts: 1, read: 1 });
    assert_eq!(bench.asked(), 2);
}

#[tokio::test]
async fn a_private_address_that_is_not_allowed_is_not_asked() {
    let mut bench = Bench::new(Does::Reads("L'article L2113-13 est mentionné par l'annexe 7"), 200).await;
    bench.publish("26-1").await;
    let strict = vigie_config::settings::Fetch::default();
    bench.app.fetcher = Arc::new(vigie_watcher::fetch::Fetcher::http(&strict).unwrap());
    assert_eq!((bench.look().await, bench.asked()), (Looked::Failed, 0));
}

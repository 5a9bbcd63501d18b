//! What comes in broken is said, kept and survived.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use serde_json::{Value, json};
use vigie_bot::roles::mailbox::read;
use vigie_bot::roles::{poll, scheduler};
use vigie_bot::setup::App;
use vigie_config::settings::{self, Settings};
use vigie_domain::subscription::Role;
use vigie_domain::{Cadence, DeliveryState, Filter, Notice, NoticeKind, Passage};
use vigie_notifier::channels::email::Email;
use vigie_service::Clock;
use vigie_service::ingest::{self, Outcome};
use vigie_service::sources;
use vigie_store::StoreError;
use vigie_tests::replay::{Fault, Replay};
use vigie_watcher::boundary;
use vigie_watcher::fetch::Fetcher;

struct Bench {
    dir: tempfile::TempDir,
    app: App,
    source: sources::Watched,
}

fn block(kind: &str, url: &str) -> settings::Source {
    let block = settings::Source::new("s", kind, Some(url), settings::Baseline::Deliver);
    if kind == "boamp" { block.with("lookback_days", 30_000) } else { block }
}

impl Bench {
    async fn new(url: &str, kind: &str, cadence: Cadence) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let settings = Settings {
            store: settings::Store {
                url: Some(format!("sqlite:{}", dir.path().join("b.sqlite").display())),
                password: None,
            },
            fetch: settings::Fetch {
                allow_private: vec!["127.0.0.0/8".into()],
                host_gap_ms: 0,
                ..settings::Fetch::default()
            },
            source: vec![block(kind, url)],
            subscriber: vec![settings::Subscriber::on_console("Écran", Role::Operator, cadence, Filter::default())],
            ..Settings::default()
        };
        let fetcher = Fetcher::http(&settings.fetch).unwrap();
        let now =
            chrono::DateTime::parse_from_rfc3339("2026-11-21T09:00:00+01:00").unwrap().with_timezone(&chrono::Utc);
        let source = sources::enabled(&settings).unwrap().pop().unwrap();
        let app = App::start(settings, fetcher, Clock::fixed(now)).await.unwrap();
        Self { dir, app, source }
    }

    async fn poll(&mut self) -> poll::Polled {
        poll::poll(&self.app.service, &self.app.fetcher, &self.source, true).await.unwrap().unwrap()
    }

    async fn journal(&self) -> String {
        self.app
            .service
            .store
            .journal("s", 50)
            .await
            .unwrap()
            .into_iter()
            .map(|j| j.text)
            .collect::<Vec<_>>()
            .join("\n")
    }
}

fn record(id: &str, day: &str, title: &str) -> Value {
    json!({"idweb": id, "objet": title, "dateparution": day, "nature": "APPEL_OFFRE", "etat": "INITIAL", "nomacheteur": "Ville"})
}

async fn boamp(records: Vec<Value>) -> (Replay, String) {
    let replay = Replay::new(records);
    let (api, _) = replay.serve().await.unwrap();
    (replay, api)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_broken_answer_is_said_in_words_and_the_next_poll_loses_nothing() {
    let (replay, api) = boamp(vec![record("26-1", "2026-11-20", "Nettoyage")]).await;
    let mut bench = Bench::new(&api, "boamp", Cadence::Instant).await;
    for (fault, said) in [
        (Fault::Truncated, "JSON tronqué"),
        (Fault::HtmlWith200, "une page HTML au lieu de JSON"),
        (Fault::TooMany(3600), "répond 429"),
        (Fault::Huge(16), "plus de 15 Mio"),
    ] {
        replay.with(|s| s.fault = fault);
        assert_eq!(bench.poll().await.stored, 0);
        let journal = bench.journal().await;
        assert!(journal.contains(said), "{said}: {journal}");
    }
    let state = bench.app.service.store.source("s").await.unwrap();
    assert_eq!(state.failures, 4);
    replay.with(|s| s.fault = Fault::TooMany(7200));
    bench.poll().await;
    let due = bench.app.service.store.source("s").await.unwrap().next_due;
    assert!(due - bench.app.service.clock.now() >= chrono::Duration::hours(2), "Retry-After is obeyed: {due}");
    replay.with(|s| s.fault = Fault::None);
    assert_eq!(bench.poll().await.stored, 1);
    assert_eq!(bench.app.service.store.source("s").await.unwrap().failures, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_spent_quota_is_a_pause_and_the_rest_follows() {
    let replay =
        Replay::new((0..250).map(|n| record(&format!("26-{n}"), "2026-11-20", "Objet")).collect()).with_quota(2);
    let (api, _) = replay.serve().await.unwrap();
    let mut bench = Bench::new(&api, "boamp", Cadence::Daily).await;
    assert_eq!(bench.poll().await.stored, 200, "two pages before the quota is spent");
    let state = bench.app.service.store.source("s").await.unwrap();
    assert!(state.last_error.is_some_and(|e| e.contains("429")));
    assert!(state.next_due - bench.app.service.clock.now() >= chrono::Duration::hours(1));
    replay.with(|s| s.quota = 100);
    assert_eq!(bench.poll().await.stored, 50, "the cursor stood where the last page ended");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_bad_record_is_kept_with_its_bytes_and_its_page_goes_on() {
    let mut broken = record("26-3", "2026-11-20", "Titre");
    broken["donnees"] = json!("{\"MAPA\": ");
    let mut without_id = record("x", "2026-11-20", "Sans numéro");
    without_id["idweb"] = Value::Null;
    let old = record("26-2", "1970-01-01", "Date ancienne");
    let (_replay, api) =
        boamp(vec![record("26-1", "2026-11-20", "Un\r\ntitre\tsur deux lignes"), old, broken, without_id]).await;
    let mut bench = Bench::new(&api, "boamp", Cadence::Instant).await;
    assert_eq!(bench.poll().await, poll::Polled { records: 4, stored: 2, bad: 2 });
    let kept = bench.app.service.store.quarantined(10).await.unwrap();
    let reasons: Vec<&str> = kept.iter().map(|q| q.reason.as_str()).collect();
    assert!(
        reasons.iter().any(|r| r.contains("sans numéro"))
            && reasons.iter().any(|r| r.contains("JSON intérieur illisible")),
        "{reasons:?}"
    );
    assert!(kept.iter().all(|q| serde_json::from_slice::<Value>(&q.raw).is_ok() && q.place.contains("enregistrement")));
    let title = bench.app.service.store.notice("26-1").await.unwrap().unwrap().assessment.title;
    assert_eq!(title, "Un titre sur deux lignes");
    // The same page again puts nothing aside twice.
    bench.poll().await;
    assert_eq!(bench.app.service.store.quarantined(10).await.unwrap().len(), 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_procedure_that_cannot_be_read_back_stops_no_other_notice_of_its_page() {
    let (_replay, api) = boamp(Vec::new()).await;
    let Bench { dir, app, .. } = Bench::new(&api, "boamp", Cadence::Instant).await;
    let call = |id: &str, title: &str| {
        let mut notice = Notice::new("s", id, NoticeKind::Call);
        notice.title = title.to_owned();
        notice
    };
    let page = [call("1", "Nettoyage"), call("2", "Entretien")].map(Arc::new);
    let outcomes = ingest::ingest_page(&app.service, &page, None).await.unwrap();
    assert!(outcomes.iter().all(|o| matches!(o, Ok(Outcome::Stored(1)))), "{outcomes:?}");
    let database = rusqlite::Connection::open(dir.path().join("b.sqlite")).unwrap();
    let damage =
        "UPDATE procedure SET snapshot = '{' WHERE id IN (SELECT procedure_id FROM notice WHERE record_id = '1')";
    assert_eq!(database.execute(damage, []).unwrap(), 1);
    let page =
        [call("1", "Nettoyage des vitres"), call("2", "Entretien des parcs"), call("3", "Gardiennage")].map(Arc::new);
    let outcomes = ingest::ingest_page(&app.service, &page, None).await.unwrap();
    assert!(matches!(outcomes[0], Err(StoreError::Unreadable { .. })), "{outcomes:?}");
    assert!(outcomes[1..].iter().all(|o| matches!(o, Ok(Outcome::Stored(_)))), "{outcomes:?}");
    let made = app.service.store.deliveries(None, 10).await.unwrap();
    assert_eq!(made.len(), 3, "each told once: {made:?}");
    assert_eq!(
        app.service.store.notice("1").await.unwrap().unwrap().assessment.title,
        "Nettoyage",
        "the first stays as it was"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn two_thousand_new_records_at_once_are_no_flood() {
    let records = (0..2000)
        .map(|n| record(&format!("26-{}", 1000 + n), "2026-11-20", &format!("Entretien du site {n}")))
        .collect();
    let (replay, api) = boamp(records).await;
    let mut bench = Bench::new(&api, "boamp", Cadence::Instant).await;
    assert_eq!(bench.poll().await.stored, 2000);
    assert!(replay.with(|s| s.answered.keys().all(|status| *status == 200)), "within the paging limits");
    scheduler::run(&bench.app.service, bench.app.service.clock.now() + vigie_service::ingest::hourly_cap::WAIT)
        .await
        .unwrap();
    let made = bench.app.service.store.deliveries(Some(DeliveryState::Pending), 5000).await.unwrap();
    assert_eq!(made.len(), 13, "twelve messages and one that groups the rest");
    assert_eq!(bench.app.service.store.notice_count().await.unwrap(), 2000, "nothing lost");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_backlog_beyond_the_reach_of_one_query_is_read_whole() {
    let records = (0..12_050)
        .map(|n| record(&format!("26-{}", 10_000 + n), if n < 10_020 { "2026-11-19" } else { "2026-11-20" }, "Objet"))
        .collect();
    let (replay, api) = boamp(records).await;
    let mut bench = Bench::new(&api, "boamp", Cadence::Daily).await;
    let block = bench.source.block.clone().with("lookback_days", 3);
    bench.source = sources::enabled(&Settings { source: vec![block], ..Settings::default() }).unwrap().pop().unwrap();
    assert_eq!(bench.poll().await.records, 12_050);
    assert!(replay.with(|s| !s.answered.contains_key(&400)), "never beyond the documented limits");
    let again = bench.poll().await;
    assert_eq!(again.stored, 0, "nothing twice");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_unchanged_page_costs_a_304() {
    let (replay, api) = boamp((0..150).map(|n| record(&format!("26-{n}"), "2026-11-21", "Objet")).collect()).await;
    let mut bench = Bench::new(&api, "boamp", Cadence::Daily).await;
    bench.poll().await;
    bench.poll().await; // the cursor now stands at the day itself
    replay.with(|s| s.answered.clear());
    bench.poll().await;
    assert_eq!(replay.with(|s| s.answered.clone()).into_iter().collect::<Vec<_>>(), vec![(304, 2)]);
    replay.with(|s| s.records.push(record("26-999", "2026-11-21", "Nouveau")));
    assert_eq!(bench.poll().await.stored, 1, "what is new behind an unchanged page is seen");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_feed_tells_each_entry_once_whatever_its_ids_do() {
    let rss = |items: &str| {
        format!("<?xml version=\"1.0\"?><rss version=\"2.0\"><channel><title>t</title>{items}</channel></rss>")
            .into_bytes()
    };
    let item = |guid: &str, title: &str| {
        format!("<item><guid>{guid}</guid><link>https://a.example/{guid}</link><title>{title}</title></item>")
    };
    let replay = Replay::new(vec![]);
    replay.with(|s| s.feeds.insert("f.xml".into(), rss(&(item("1", "Nettoyage") + item("2", "Linge").as_str()))));
    let (_, root) = replay.serve().await.unwrap();
    let mut bench = Bench::new(&format!("{root}/feeds/f.xml"), "feed", Cadence::Daily).await;
    assert_eq!(bench.poll().await.stored, 2);
    assert_eq!(bench.poll().await.stored, 0);
    replay.with(|s| {
        s.feeds.insert(
            "f.xml".into(),
            rss(&(item("2", "Linge") + item("1", "Nettoyage").as_str() + item("3", "Tri").as_str())),
        )
    });
    assert_eq!(bench.poll().await.stored, 1, "order means nothing");
    replay.with(|s| s.feeds.insert("f.xml".into(), b"<rss><channel><item><title>coup".to_vec()));
    bench.poll().await;
    assert!(bench.journal().await.contains("flux illisible"), "{}", bench.journal().await);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_silent_source_is_told_to_the_operator_once_and_its_return_too() {
    let (replay, api) = boamp(vec![]).await;
    let mut bench = Bench::new(&api, "boamp", Cadence::Instant).await;
    bench.poll().await;
    replay.with(|s| s.fault = Fault::HtmlWith200);
    let start = bench.app.service.clock.now();
    bench.app.service.clock.set(start + chrono::Duration::hours(30));
    bench.poll().await;
    for _ in 0..3 {
        scheduler::run(&bench.app.service, bench.app.service.clock.now()).await.unwrap();
    }
    assert_eq!(bench.app.service.store.deliveries(None, 10).await.unwrap().len(), 1, "one alarm");
    replay.with(|s| s.fault = Fault::None);
    bench.poll().await;
    scheduler::run(&bench.app.service, bench.app.service.clock.now()).await.unwrap();
    assert_eq!(bench.app.service.store.deliveries(None, 10).await.unwrap().len(), 2, "one word that it is back");
}

/// B4: reading what is hostile leaves the async threads to the others. One such thread, and a task that only counts its turns: a
/// reader on that thread would leave it the few turns between two awaits, each reading here takes long enough for thousands.
#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn others_have_their_turns_while_hostile_text_is_read() {
    const LEAST_TURNS: u64 = 500;
    let dir = tempfile::tempdir().unwrap();
    let url = format!("sqlite:{}", dir.path().join("v.sqlite").display());
    let app = vigie_tests::service::start(&url, 9, 1, vigie_service::Clock::default()).await.unwrap();
    let (stop, turns) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicU64::new(0)));
    let (stopped, counted) = (Arc::clone(&stop), Arc::clone(&turns));
    let counting = tokio::spawn(async move {
        while !stopped.load(Ordering::Relaxed) {
            counted.fetch_add(1, Ordering::Relaxed);
            tokio::task::yield_now().await;
        }
    });
    let texts = [
        "Marché réservé aux entreprises adaptées, lot n° 3, le 12/01/2027 à 12h00. ".repeat(20_000),
        "clause sociale d’insertion ".repeat(60_000),
        "lot 1 lot 2 lot 3 – 5 % – 1 000 heures ; ".repeat(40_000),
    ];
    let service = Arc::clone(&app.service);
    // As the service does: on a thread of the runtime, not on the test's own.
    let reading = tokio::spawn(async move {
        let mut seen = Vec::new();
        for (n, text) in texts.into_iter().enumerate() {
            let mut notice = Notice::new("hostile", n.to_string(), NoticeKind::Call);
            notice.title = "Nettoyage".into();
            notice.passages = vec![Passage { field: "x".into(), lot: None, text: text.clone() }];
            let before = turns.load(Ordering::Relaxed);
            ingest::ingest(&service, &notice, None).await.unwrap();
            let judged = turns.load(Ordering::Relaxed);
            let mail = format!("From: a@x.example\r\nSubject: Re: x\r\nContent-Type: text/html\r\n\r\n<table>{text}");
            let email = Email::new(&toml::from_str("host = 'x'\nfrom = 'v@vigie.example'").unwrap(), None).unwrap();
            let _ = boundary::read(|| read::read(mail.as_bytes(), &email)).unwrap();
            seen.push((judged - before, turns.load(Ordering::Relaxed) - judged));
        }
        seen
    });
    let seen = reading.await.unwrap();
    stop.store(true, Ordering::Relaxed);
    counting.await.unwrap();
    assert!(seen.iter().all(|(judged, read)| *judged > LEAST_TURNS && *read > 0), "{seen:?}");
}

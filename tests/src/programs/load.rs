//! `load`: how fast deliveries are made durable and sent, beside a bare loop over the same transport.
//!
//! `cargo run --release -p vigie-tests -- load --subscriptions 500 --notices 20 --channel email`
//! prints one JSON object: messages, messages a second of both, their ratio, and p50/p99 of each step in milliseconds.

use std::io::Write;
use std::sync::Arc;
use std::time::{Duration, Instant};

use clap::ValueEnum;
use serde_json::{Value, json};
use tokio::task::JoinSet;
use vigie_bot::setup::App;
use vigie_delivery::worker;
use vigie_domain::{Department, Filter, Notice, NoticeKind, Passage};
use vigie_notifier::card::{AlertItem, Links, Why};
use vigie_notifier::channels::Envelope;
use vigie_notifier::message::{Form, Message};
use vigie_service::Clock;
use vigie_service::ingest;
use vigie_service::metrics::{STEP_SECONDS, Step};
use vigie_tests::servers::{Database, Engine};
use vigie_tests::service::{self, Outcome};
use vigie_tests::sink::{Moment, Reaction, Sink};
use vigie_watcher::classify::classify;

#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// People, each with one address and one subscription that every notice meets
    #[arg(long, default_value_t = 200)]
    subscriptions: usize,
    /// Notices
    #[arg(long, default_value_t = 10)]
    notices: usize,
    /// Transport
    #[arg(long, value_enum, default_value_t = Transport::Email)]
    channel: Transport,
    /// Connections to the mail server
    #[arg(long, default_value_t = 4)]
    connections: usize,
    /// Milliseconds the mail server takes to answer the end of a message; a real one that keeps its queue on disk takes a few
    #[arg(long, default_value_t = 0)]
    answer_ms: u64,
    /// Database
    #[arg(long, value_enum, default_value_t = Engine::Sqlite)]
    engine: Engine,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum Transport {
    Email,
}

pub(crate) async fn run(args: &Args) -> Outcome<bool> {
    writeln!(std::io::stdout(), "{}", measure(args).await?)?;
    Ok(true)
}

async fn measure(args: &Args) -> Outcome<Value> {
    let Transport::Email = args.channel;
    let recorder = metrics_exporter_prometheus::PrometheusBuilder::new().install_recorder()?;
    let answer = Duration::from_millis(args.answer_ms);
    let sink = Sink::start("", move |moment| match moment {
        Moment::Dot(_) if !answer.is_zero() => Reaction::Late(answer),
        _ => Reaction::Accept,
    })
    .await?;
    let database = Database::start(args.engine)?;
    let app = Arc::new(service::start(&database.url, sink.port, args.connections, Clock::default()).await?);
    people(&app, args.subscriptions).await?;

    let began = Instant::now();
    for n in 0..args.notices {
        ingest::ingest(&app.service, &notice(n), None).await?;
    }
    let ingest_s = began.elapsed().as_secs_f64();

    let messages = args.subscriptions * args.notices;
    let bare_s = bare(&app, messages).await?;
    sink.clear();
    let began = Instant::now();
    worker::drain(&app.delivery).await.map_err(|f| f.to_string())?;
    let durable_s = began.elapsed().as_secs_f64();
    if sink.count() != messages {
        return Err(format!("{} of {messages} messages arrived", sink.count()).into());
    }
    let rate = |seconds: f64| (messages as f64 / seconds).round();
    Ok(json!({
        "channel": "email", "engine": format!("{:?}", app.service.store.engine()).to_lowercase(), "connections": args.connections,
        "answer_ms": args.answer_ms, "messages": messages, "ingest_notices_s": (args.notices as f64 / ingest_s).round(), "ingest_deliveries_s": rate(ingest_s),
        "durable_messages_s": rate(durable_s), "bare_messages_s": rate(bare_s), "ratio": (100.0 * bare_s / durable_s).round() / 100.0,
        "steps_ms": steps(&recorder.render()),
    }))
}

async fn people(app: &App, n: usize) -> Outcome<()> {
    let filter = Filter { sectors: vec!["nettoyage-de-locaux-16".into()], ..Filter::default() };
    for n in 0..n {
        let id = format!("s{n}");
        service::subscribe(app, &id, &format!("{id}@x{}.example", n % 50), &filter).await?;
    }
    Ok(())
}

fn notice(n: usize) -> Notice {
    let mut notice = Notice::new("load", format!("26-{n}"), NoticeKind::Call);
    notice.title = format!("Nettoyage des locaux du site {n}");
    notice.departments = Department::parse("59").into_iter().collect();
    notice.passages = vec![Passage {
        field: "texte".into(),
        text: "Le marché comporte une clause d’insertion de 200 heures. Visite obligatoire le 4 janvier 2027. "
            .repeat(10),
        lot: None,
    }];
    notice
}

/// The same messages, rendered once, over the same transport and connections, with nothing made durable.
async fn bare(app: &Arc<App>, messages: usize) -> Outcome<f64> {
    let notice = notice(0);
    let assessment = classify(&notice);
    let why = Why::default();
    let told = AlertItem {
        kind: vigie_domain::AlertKind::New,
        changes: &[],
        notice: &notice,
        assessment: &assessment,
        state: &vigie_domain::ProcedureState::of_verdict(&assessment, app.service.clock.now()),
        why: &why,
        noticed: app.service.clock.now(),
        contacts: &[],
        links: Links::default(),
        stands: None,
    };
    let message: Arc<Message> =
        Arc::new(app.service.templates.alert(Form::Mail, &told, None, app.service.clock.now())?);
    let width = app.delivery.workers();
    let began = Instant::now();
    let mut workers = JoinSet::new();
    for worker in 0..width {
        let (app, message) = (Arc::clone(app), Arc::clone(&message));
        workers.spawn(async move {
            for n in (worker..messages).step_by(width) {
                let (to, key) = (format!("s{n}@x.example"), format!("bare{n}"));
                let envelope =
                    Envelope { to: &to, key: &key, thread: &[], resend: false, message: &message, buttons: &[] };
                if let Some(email) = &app.delivery.email {
                    email.send(&envelope).await;
                }
            }
        });
    }
    workers.join_all().await;
    Ok(began.elapsed().as_secs_f64())
}

/// p50 and p99 of each step, in milliseconds.
fn steps(text: &str) -> Value {
    let read = |step: Step, quantile: &str| {
        let prefix = format!("{STEP_SECONDS}{{step=\"{}\",quantile=\"{quantile}\"}} ", step.as_str());
        let seconds: f64 = text.lines().find_map(|l| l.strip_prefix(&prefix))?.parse().ok()?;
        Some((seconds * 100_000.0).round() / 100.0)
    };
    Step::ALL
        .into_iter()
        .filter_map(|step| {
            Some((step.as_str().to_owned(), json!({"p50": read(step, "0.5")?, "p99": read(step, "0.99")?})))
        })
        .collect::<serde_json::Map<String, Value>>()
        .into()
}

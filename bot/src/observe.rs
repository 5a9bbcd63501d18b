//! What can be seen from outside: counters, gauges and latencies in Prometheus' text format, health, and the heartbeat.
//!
//! Names follow Prometheus' practice: `vigie_`, base units, `_total` for counters. Labels hold no personal data.

use std::sync::Arc;
use std::time::Instant;

use axum::Router;
use axum::extract::State;
use axum::http::StatusCode;
use axum::routing::get;
use metrics::{counter, describe_counter, describe_gauge, describe_histogram, gauge, histogram};
use metrics_exporter_prometheus::{Matcher, PrometheusBuilder, PrometheusHandle};
use url::Url;
use vigie_domain::{Channel, DeliveryState};
use vigie_store::StoreError;
use vigie_watcher::fetch::Validators;

use crate::app::{App, Failure};
use crate::outage;

/// A step of the road whose duration is measured.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Step {
    /// One request to a source, with its reading.
    Poll,
    /// One notice: judged, matched, written with its deliveries.
    Ingest,
    /// Deliveries claimed.
    Claim,
    /// A message made.
    Render,
    /// "Attempt started" made durable.
    Start,
    /// The channel's answer.
    Send,
    /// The answer made durable.
    Settle,
}

impl Step {
    /// Every step, in order.
    pub const ALL: [Self; 7] =
        [Self::Poll, Self::Ingest, Self::Claim, Self::Render, Self::Start, Self::Send, Self::Settle];

    /// The label's value.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Poll => "poll",
            Self::Ingest => "ingest",
            Self::Claim => "claim",
            Self::Render => "render",
            Self::Start => "start",
            Self::Send => "send",
            Self::Settle => "settle",
        }
    }

    /// Notes how long this step took.
    pub fn took(self, since: Instant) {
        histogram!(STEP_SECONDS, "step" => self.as_str()).record(since.elapsed().as_secs_f64());
    }
}

/// Histogram of the steps.
pub const STEP_SECONDS: &str = "vigie_step_duration_seconds";
const POLLS: &str = "vigie_polls_total";
const NOTICES: &str = "vigie_notices_total";
const SHARES: &str = "vigie_notifications_total";
const ATTEMPTS: &str = "vigie_attempts_total";
const QUEUE: &str = "vigie_deliveries";
const OLDEST: &str = "vigie_oldest_waiting_seconds";
const ALARMS: &str = "vigie_source_alarms";

/// Upper bounds of the histogram's buckets, in seconds.
const BUCKETS: [f64; 12] = [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.5, 1.0, 5.0, 30.0];

/// Starts to measure; what is read later comes out of the handle. `None` where this process measures already.
#[must_use]
pub fn start() -> Option<PrometheusHandle> {
    let builder = PrometheusBuilder::new().set_buckets_for_metric(Matcher::Full(STEP_SECONDS.to_owned()), &BUCKETS);
    let handle = builder.ok()?.install_recorder().ok()?;
    describe_histogram!(STEP_SECONDS, "Duration of each step of the road");
    describe_counter!(POLLS, "Requests to sources, by source and outcome");
    describe_counter!(NOTICES, "Notices stored, by source");
    describe_counter!(SHARES, "People told, or to be told, of a notice");
    describe_counter!(ATTEMPTS, "Attempts to send, by channel and outcome");
    describe_gauge!(QUEUE, "Deliveries kept, by state");
    describe_gauge!(OLDEST, "How long the address that waits longest has waited for its turn");
    describe_gauge!(ALARMS, "Alarms of sources and channels that are open");
    Some(handle)
}

/// One request to a source.
pub fn polled(source: &str, outcome: &'static str, since: Instant) {
    Step::Poll.took(since);
    counter!(POLLS, "source" => source.to_owned(), "outcome" => outcome).increment(1);
}

/// One notice stored, and so many people's shares of it.
pub fn stored(source: &str, shares: usize) {
    counter!(NOTICES, "source" => source.to_owned()).increment(1);
    counter!(SHARES).increment(shares as u64);
}

/// One attempt to send.
pub fn attempted(channel: Channel, outcome: &'static str) {
    counter!(ATTEMPTS, "channel" => channel.as_str(), "outcome" => outcome).increment(1);
}

/// Everything, in Prometheus' text format; what stands in the database is read anew.
///
/// # Errors
/// The database fails.
pub async fn render(app: &App, handle: &PrometheusHandle) -> Result<String, StoreError> {
    let queue = app.store.queue().await?;
    for state in DeliveryState::ALL {
        let n = queue.iter().find(|(s, _)| *s == state).map_or(0, |(_, n)| *n);
        gauge!(QUEUE, "state" => state.as_str()).set(n as f64);
    }
    let now = app.clock.now();
    let oldest = app.store.oldest_due(now).await?.map_or(0, |at| (now - at).num_seconds());
    gauge!(OLDEST).set(oldest as f64);
    gauge!(ALARMS).set(app.store.alarm_count().await? as f64);
    Ok(handle.render())
}

/// Longest wait of an address for its turn before something is held to be wrong.
pub const MAX_WAIT: chrono::Duration = chrono::Duration::minutes(10);

/// Whether all is well: every source watched without an alarm, no channel away for long, no address waits long for its turn, the database answers.
/// `Err` says in French what is not.
///
/// # Errors
/// Something is wrong.
pub async fn well(app: &App) -> Result<(), String> {
    let said = |e: StoreError| e.to_string();
    let now = app.clock.now();
    if let Some(outage) = outage::lasting(app, outage::TOLERATED, now).await.map_err(said)?.first() {
        let minutes = (now - outage.since).num_minutes();
        return Err(format!("{} injoignable depuis {minutes} minutes : {}", outage.channel.as_str(), outage.why));
    }
    let alarms = app.store.alarm_count().await.map_err(said)?;
    if alarms > 0 {
        return Err(format!("{alarms} alarme(s) de source ou de canal"));
    }
    match app.store.oldest_due(now).await.map_err(said)? {
        Some(at) if now - at > MAX_WAIT => Err(format!("un envoi attend depuis {} minutes", (now - at).num_minutes())),
        _ => Ok(()),
    }
}

/// Pings the outside heartbeat once, if all is well; when it is not, or this machine is gone, the silence is the alarm.
pub async fn beat(app: &App, url: &Url) {
    if let Err(why) = well(app).await {
        tracing::warn!("no heartbeat: {why}");
        return;
    }
    if let Err(e) = app.fetcher.get(url, &Validators::default(), app.clock.now()).await {
        tracing::warn!("the heartbeat is not heard: {e}");
    }
}

/// Serves `/metrics`, `/healthz` (the process runs) and `/readyz` (all is well, else 503 and why) until `stop` ends.
///
/// # Errors
/// The address cannot be listened on.
pub async fn serve(
    app: Arc<App>,
    handle: PrometheusHandle,
    listen: &str,
    stop: impl Future<Output = ()> + Send + 'static,
) -> Result<(), Failure> {
    let listener = tokio::net::TcpListener::bind(listen).await.map_err(|e| {
        Failure::new(format!("impossible d’écouter sur {listen} : {e}"), "[observe] listen", "choisissez un autre port")
    })?;
    let ready = |State((app, _)): State<(Arc<App>, PrometheusHandle)>| async move {
        match well(&app).await {
            Ok(()) => (StatusCode::OK, "ok\n".to_owned()),
            Err(why) => (StatusCode::SERVICE_UNAVAILABLE, format!("{why}\n")),
        }
    };
    let measured = |State((app, handle)): State<(Arc<App>, PrometheusHandle)>| async move {
        match render(&app, &handle).await {
            Ok(text) => (StatusCode::OK, text),
            Err(e) => (StatusCode::SERVICE_UNAVAILABLE, format!("{e}\n")),
        }
    };
    let router = Router::new()
        .route("/healthz", get(|| async { "ok\n" }))
        .route("/readyz", get(ready))
        .route("/metrics", get(measured))
        .with_state((app, handle));
    axum::serve(listener, router)
        .with_graceful_shutdown(stop)
        .await
        .map_err(|e| Failure::new(format!("mesures arrêtées : {e}"), "[observe]", "relancez"))
}

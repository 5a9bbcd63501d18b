//! What can be seen from outside: counters, gauges and latencies in Prometheus' text format, health, and the heartbeat.
//!
//! Names follow Prometheus' practice: `vigie_`, base units, `_total` for counters. Labels hold no personal data.

use std::sync::{Arc, OnceLock};

use axum::Router;
use axum::extract::State;
use axum::http::StatusCode;
use axum::routing::get;
use metrics::{describe_counter, describe_gauge, describe_histogram, gauge};
use metrics_exporter_prometheus::{Matcher, PrometheusBuilder, PrometheusHandle};
use tokio::net::TcpListener;
use url::Url;
use vigie_delivery::outage;
use vigie_domain::DeliveryState;
use vigie_service::Service;
use vigie_service::metrics::{ATTEMPTS, NOTICES, POLLS, SHARES, STEP_SECONDS};
use vigie_store::StoreError;
use vigie_watcher::fetch::{Fetcher, Validators};
use vigie_web::server;

const QUEUE: &str = "vigie_deliveries";
const OLDEST: &str = "vigie_oldest_waiting_seconds";
const ALARMS: &str = "vigie_source_alarms";

/// Upper bounds of the histogram's buckets, in seconds.
const BUCKETS: [f64; 12] = [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.5, 1.0, 5.0, 30.0];

/// What kind of number something is measured by.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    Counter,
    Gauge,
    Histogram,
}

impl std::fmt::Display for Kind {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Counter => "counter",
            Self::Gauge => "gauge",
            Self::Histogram => "histogram",
        })
    }
}

/// Something that is measured.
#[derive(Debug)]
pub struct Measured {
    pub name: &'static str,
    pub kind: Kind,
    pub labels: &'static [&'static str],
    /// In a line.
    pub what: &'static str,
}

/// All that is measured. `docs/metrics.md` is made of it.
pub static MEASURED: [Measured; 8] = [
    measured(STEP_SECONDS, Kind::Histogram, &["step"], "Duration of each step of the road"),
    measured(POLLS, Kind::Counter, &["source", "outcome"], "Requests to sources, by source and outcome"),
    measured(NOTICES, Kind::Counter, &["source"], "Notices stored, by source"),
    measured(SHARES, Kind::Counter, &[], "People told, or to be told, of a notice"),
    measured(ATTEMPTS, Kind::Counter, &["channel", "outcome"], "Attempts to send, by channel and outcome"),
    measured(QUEUE, Kind::Gauge, &["state"], "Deliveries kept, by state"),
    measured(OLDEST, Kind::Gauge, &[], "How long the address that waits longest has waited for its turn, in seconds"),
    measured(ALARMS, Kind::Gauge, &[], "Alarms of sources and channels that are open"),
];

const fn measured(name: &'static str, kind: Kind, labels: &'static [&'static str], what: &'static str) -> Measured {
    Measured { name, kind, labels, what }
}

/// Starts to measure, or goes on; what is read later comes out of the handle. `None` where something else measures in this process.
#[must_use]
pub fn start() -> Option<PrometheusHandle> {
    static HANDLE: OnceLock<Option<PrometheusHandle>> = OnceLock::new();
    HANDLE.get_or_init(install).clone()
}

fn install() -> Option<PrometheusHandle> {
    let builder = PrometheusBuilder::new().set_buckets_for_metric(Matcher::Full(STEP_SECONDS.to_owned()), &BUCKETS);
    let handle = builder.ok()?.install_recorder().ok()?;
    for measured in &MEASURED {
        match measured.kind {
            Kind::Histogram => describe_histogram!(measured.name, measured.what),
            Kind::Counter => describe_counter!(measured.name, measured.what),
            Kind::Gauge => describe_gauge!(measured.name, measured.what),
        }
    }
    Some(handle)
}

/// Everything, in Prometheus' text format; what stands in the database is read anew.
///
/// # Errors
/// The database fails.
pub async fn render(service: &Service, handle: &PrometheusHandle) -> Result<String, StoreError> {
    let queue = service.store.queue().await?;
    for state in DeliveryState::ALL {
        let n = queue.iter().find(|(s, _)| *s == state).map_or(0, |(_, n)| *n);
        gauge!(QUEUE, "state" => state.as_str()).set(n as f64);
    }
    let now = service.clock.now();
    let oldest = service.store.oldest_due(now).await?.map_or(0, |at| (now - at).num_seconds());
    gauge!(OLDEST).set(oldest as f64);
    gauge!(ALARMS).set(service.store.alarm_count().await? as f64);
    Ok(handle.render())
}

/// After how long `/readyz` says that all is not well.
const ANSWERS_WITHIN: std::time::Duration = std::time::Duration::from_secs(4);

/// Longest wait of an address for its turn before something is held to be wrong.
pub const MAX_WAIT: chrono::Duration = chrono::Duration::minutes(10);

/// Whether all is well: a write was made and read back lately, every source is watched without an alarm, no channel is away for
/// long, no address waits long for its turn.
/// `Err` says in French what is not.
///
/// # Errors
/// Something is wrong.
pub async fn readiness(service: &Service) -> Result<(), String> {
    let said = |e: StoreError| e.to_string();
    let now = service.clock.now();
    service.write_proof.check(&service.store).await.map_err(|e| e.to_string())?;
    if let Some(outage) = outage::lasting(service, outage::TOLERATED, now).await.map_err(said)?.first() {
        let minutes = (now - outage.since).num_minutes();
        return Err(format!("{} injoignable depuis {minutes} minutes : {}", outage.channel.as_str(), outage.why));
    }
    if let Some(since) = service.store.held_since().await.map_err(said)? {
        let since = vigie_service::operators::local(since);
        return Err(format!("les envois sont retenus depuis la restauration du {since} : vigie deliveries held"));
    }
    let alarms = service.store.alarm_count().await.map_err(said)?;
    if alarms > 0 {
        return Err(format!(
            "{} de source ou de canal",
            vigie_domain::french::plural(usize::try_from(alarms).unwrap_or(0), "alarme")
        ));
    }
    match service.store.oldest_due(now).await.map_err(said)? {
        Some(at) if now - at > MAX_WAIT => Err(format!("un envoi attend depuis {} minutes", (now - at).num_minutes())),
        _ => Ok(()),
    }
}

/// Pings the outside heartbeat once, if all is well; when it is not, or this machine is gone, the silence is the alarm.
pub async fn ping(service: &Service, fetcher: &Fetcher, url: &Url) {
    if let Err(why) = readiness(service).await {
        tracing::warn!("no heartbeat: {why}");
        return;
    }
    if let Err(e) = fetcher.get(url, &Validators::default(), service.clock.now()).await {
        tracing::warn!("the heartbeat is not heard: {e}");
    }
}

/// Serves `/metrics`, `/healthz` (the process runs) and `/readyz` (all is well, else 503 and why) until `stop` ends.
pub async fn serve(
    service: Arc<Service>,
    handle: PrometheusHandle,
    listener: TcpListener,
    stop: impl Future<Output = ()> + Send + 'static,
) {
    let ready = |State((service, _)): State<(Arc<Service>, PrometheusHandle)>| async move {
        // Who asks waits for a few seconds only, and a database that does not answer is not ready.
        match tokio::time::timeout(ANSWERS_WITHIN, readiness(&service)).await {
            Ok(Ok(())) => (StatusCode::OK, "ok\n".to_owned()),
            Ok(Err(why)) => (StatusCode::SERVICE_UNAVAILABLE, format!("{why}\n")),
            Err(_) => {
                let why = format!("la base n’a pas répondu en {} s", ANSWERS_WITHIN.as_secs());
                (StatusCode::SERVICE_UNAVAILABLE, format!("{why}\n"))
            }
        }
    };
    let measured = |State((service, handle)): State<(Arc<Service>, PrometheusHandle)>| async move {
        match render(&service, &handle).await {
            Ok(text) => (StatusCode::OK, text),
            Err(e) => (StatusCode::SERVICE_UNAVAILABLE, format!("{e}\n")),
        }
    };
    let router = Router::new()
        .route("/healthz", get(|| async { "ok\n" }))
        .route("/readyz", get(ready))
        .route("/metrics", get(measured))
        .with_state((service, handle));
    server::serve(listener, router, server::Limits::default(), Arc::default(), stop).await;
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A rule over a name that nobody serves never fires.
    #[test]
    fn alert_rules_and_the_dashboard_ask_for_what_is_served() {
        let served: Vec<&str> = MEASURED.iter().map(|m| m.name).collect();
        let names = regex::Regex::new(r"\bvigie_[a-z_]+").unwrap();
        for (file, text) in [
            ("alerts.yml", include_str!("../../docs/monitoring/alerts.yml")),
            ("grafana.json", include_str!("../../docs/monitoring/grafana.json")),
        ] {
            let asked: Vec<&str> = names.find_iter(text).map(|m| m.as_str().trim_end_matches("_bucket")).collect();
            assert!(asked.len() > 4, "{file}: {asked:?}");
            let unknown: Vec<_> = asked.iter().filter(|name| !served.contains(name)).collect();
            assert!(unknown.is_empty(), "{file}: {unknown:?}");
        }
        let panels: serde_json::Value =
            serde_json::from_str(include_str!("../../docs/monitoring/grafana.json")).unwrap();
        assert!(panels["panels"].as_array().is_some_and(|p| p.len() == 8));
    }
}

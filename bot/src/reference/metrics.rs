//! `docs/metrics.md`: what is served to Prometheus.

use super::compare;
use crate::monitoring::MEASURED;

const HEAD: &str = "# Metrics\n\n\
    `[observe] listen` serves `/metrics` in Prometheus' text format, `/healthz` (the process runs) and `/readyz` (503 and why when no write was made and read back \
    lately, an alarm is open, or an address has waited ten minutes for its turn). It is for your network, not for the public. Labels hold no personal data.\n\n\
    | name | kind | labels | what |\n|---|---|---|---|\n";
const FOOT: &str = "\nSteps: `poll` (a request to a source, with its reading), `ingest` (a notice: judged, matched, written with its messages), `claim`, `render`, `start` \
    (the attempt made durable), `send` (the channel's answer), `settle`.\n\n\
    `docs/monitoring/alerts.yml` has rules for Prometheus, `docs/monitoring/grafana.json` a dashboard for Grafana; a test looks that they ask for these names alone.";

#[test]
fn the_page_of_metrics_is_what_is_measured() {
    let rows: String = MEASURED
        .iter()
        .map(|m| format!("| `{}` | {} | {} | {} |\n", m.name, m.kind, labels(m.labels), m.what))
        .collect();
    compare("metrics.md", &format!("{HEAD}{rows}{FOOT}"));
}

fn labels(labels: &[&str]) -> String {
    labels.iter().map(|l| format!("`{l}`")).collect::<Vec<_>>().join(", ")
}

//! Pages that say what Vigie is, what it does not watch and what it keeps of people; and its health for machines.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use minijinja::context;
use minijinja::value::Serde;
use vigie_domain::french;
use vigie_watcher::zones;

use super::frame::{Shown, Site, Visitor};
use vigie_service::personal_data;
use vigie_service::sources::blocks;

#[derive(serde::Serialize)]
struct Watched {
    name: String,
    last: Option<String>,
}

/// The sources, and when each was read last.
async fn sources(site: &Site) -> Result<Vec<Watched>, vigie_store::StoreError> {
    let mut out = Vec::new();
    for source in blocks(&site.service.settings, &site.service.store).await?.iter().filter(|s| s.enabled) {
        let last = site.service.store.source(&source.id).await?.last_success;
        out.push(Watched {
            name: name_of(&source.id, &source.kind),
            last: last.map(|at| format!("le {}", french::date(zones::paris_day(at)))),
        });
    }
    Ok(out)
}

/// A source as people know it.
pub(crate) fn name_of(id: &str, kind: &str) -> String {
    match kind {
        "boamp" => "BOAMP, bulletin officiel des annonces des marchés publics".to_owned(),
        "ted" => "TED, journal officiel de l’Union européenne".to_owned(),
        "approch" => "APProch, projets d’achats publics".to_owned(),
        "decp" => "Données essentielles de la commande publique (attributions)".to_owned(),
        "feed" => format!("{id} (fil d’annonces)"),
        "portal" => format!("{id} (portail d’acheteurs)"),
        "mailbox" => format!("{id} (alertes reçues par courriel)"),
        _ => id.to_owned(),
    }
}

pub(crate) async fn about(State(site): State<Arc<Site>>, visitor: Visitor) -> Shown {
    let sources = sources(&site).await?;
    Ok(site.page(&visitor, "a-propos.html", context! { sources => Serde(sources) }))
}

pub(crate) async fn not_watched(State(site): State<Arc<Site>>, visitor: Visitor) -> Shown {
    let sources = sources(&site).await?;
    Ok(site.page(&visitor, "non-veille.html", context! { sources => Serde(sources) }))
}

pub(crate) async fn privacy(State(site): State<Arc<Site>>, visitor: Visitor) -> Shown {
    let retention = personal_data::retention_in_french(&site.service.settings.retention);
    Ok(site.page(&visitor, "donnees.html", context! { purpose => personal_data::PURPOSE, retention => retention }))
}

/// For anybody: whether pages and database answer, and nothing of what is in it.
pub(crate) async fn health(State(site): State<Arc<Site>>) -> Response {
    match site.service.store.subscription_version().await {
        Ok(_) => Json(serde_json::json!({ "ok": true })).into_response(),
        Err(e) => {
            tracing::error!("health: {e}");
            (StatusCode::SERVICE_UNAVAILABLE, Json(serde_json::json!({ "ok": false }))).into_response()
        }
    }
}

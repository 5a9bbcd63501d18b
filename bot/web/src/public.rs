//! Pages that say what Vigie is, what it does not watch and what it keeps of people; and its health for machines.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use minijinja::context;
use minijinja::value::Serde;
use vigie_config::rules::Rules;
use vigie_config::settings;
use vigie_domain::{Department, french};
use vigie_store::StoreError;
use vigie_watcher::zones;

use super::frame::{Shown, Site, Visitor};
use vigie_service::personal_data;
use vigie_service::sources::blocks;

/// Official journals that may be read, by their readers, and what not reading one leaves out.
const JOURNALS: [(&str, &str, &str); 4] = [
    ("boamp", "Le BOAMP", "le journal où paraissent la plupart des marchés français"),
    ("ted", "TED", "les marchés au-dessus des seuils européens"),
    ("approch", "APProch", "les projets d’achats annoncés à l’avance"),
    ("decp", "Les données essentielles", "qui a gagné quoi, quand aucun avis d’attribution ne le dit"),
];
/// Départements named where not all are read; more of them are counted.
const NAMED: usize = 12;

#[derive(serde::Serialize)]
struct Watched {
    name: String,
    last: Option<String>,
    /// The départements to which it is kept, where it is not read for all of France.
    only: Option<String>,
}

/// The sources, and when each was read last.
async fn sources(site: &Site) -> Result<Vec<Watched>, StoreError> {
    let mut out = Vec::new();
    for source in blocks(&site.service.settings, &site.service.store).await?.iter().filter(|s| s.enabled) {
        let last = site.service.store.source(&source.id).await?.last_success;
        out.push(Watched {
            name: name_of(&source.id, &source.kind),
            last: last.map(|at| format!("le {}", french::date(zones::paris_day(at)))),
            only: only(source),
        });
    }
    Ok(out)
}

/// The départements that a block keeps its source to, in words.
fn only(source: &settings::Source) -> Option<String> {
    let written = source.options.get("departments")?.as_array()?;
    let kept: Vec<Department> = written.iter().filter_map(|d| Department::parse(d.as_str()?)).collect();
    let rules = Rules::embedded();
    let named = |d: &Department| rules.department_label(d.as_str());
    match kept.len() {
        0 => None,
        n if n > NAMED => Some(format!("{n}\u{a0}départements")),
        _ => Some(french::list(&kept.iter().map(named).collect::<Vec<_>>())),
    }
}

/// Journals that no source reads here.
async fn unread(site: &Site) -> Result<Vec<(&'static str, &'static str)>, StoreError> {
    let blocks = blocks(&site.service.settings, &site.service.store).await?;
    let read = |kind: &str| blocks.iter().any(|s| s.enabled && s.kind == kind);
    Ok(JOURNALS.into_iter().filter(|(kind, ..)| !read(kind)).map(|(_, name, what)| (name, what)).collect())
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
    let values = context! { sources => Serde(sources(&site).await?), unread => unread(&site).await? };
    Ok(site.page(&visitor, "non-veille.html", values))
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

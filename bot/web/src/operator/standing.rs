//! How the installation stands: the lines of `vigie doctor`, as a page.

use std::sync::Arc;

use axum::extract::State;
use minijinja::context;
use minijinja::value::Serde;
use vigie_doctor::{Ground, State as Standing, examine, version};

use crate::frame::{Operator, Shown, Site};

#[derive(serde::Serialize)]
struct Line {
    state: &'static str,
    /// The colour that the state bears.
    tone: &'static str,
    what: String,
    found: String,
    remedy: String,
}

pub(crate) async fn standing(State(site): State<Arc<Site>>, operator: Operator) -> Shown {
    let service = &site.service;
    let file = &service.settings.origin.file;
    let ground = Ground {
        settings: &service.settings,
        file: Some(file.as_path()).filter(|f| !f.as_os_str().is_empty()),
        store: Ok(&service.store),
        version: version(),
        now: service.clock.now(),
        name_server: None,
    };
    let mut findings = examine(&ground).await;
    // What is to be done stands first.
    findings.sort_by_key(|f| std::cmp::Reverse(f.state));
    let faults = findings.iter().filter(|f| f.state == Standing::Fault).count();
    let lines: Vec<Line> = findings
        .into_iter()
        .map(|f| Line {
            state: if f.state == Standing::Fault { "défaut" } else { f.state.in_french() },
            tone: match f.state {
                Standing::Good => "",
                Standing::Look => "warn",
                Standing::Fault => "stop",
            },
            what: f.what,
            found: f.found,
            remedy: f.remedy,
        })
        .collect();
    Ok(site.page(&operator.visitor, "etat.html", context! { lines => Serde(lines), faults => faults }))
}

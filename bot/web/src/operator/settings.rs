//! The settings in force, and where each comes from. They are read here and changed in the file: one place holds each.

use std::sync::Arc;

use axum::extract::State;
use minijinja::context;
use minijinja::value::Serde;
use vigie_config::in_force;
use vigie_notifier::card::short;

use crate::frame::{Operator, Shown, Site};

#[derive(serde::Serialize)]
struct Section {
    name: String,
    rows: Vec<Row>,
}

#[derive(serde::Serialize)]
struct Row {
    key: String,
    value: String,
    line: Option<usize>,
}

pub(crate) async fn settings(State(site): State<Arc<Site>>, operator: Operator) -> Shown {
    let settings = &site.service.settings;
    let mut sections: Vec<Section> = Vec::new();
    for line in in_force::lines(settings) {
        let (name, key) = line.key.split_once('.').unwrap_or((&line.key, ""));
        let row = Row { key: key.to_owned(), value: short(&line.value, 300), line: line.line };
        match sections.last_mut().filter(|s| s.name == name) {
            Some(section) => section.rows.push(row),
            None => sections.push(Section { name: name.to_owned(), rows: vec![row] }),
        }
    }
    let values = context! {
        sections => Serde(sections), file => settings.origin.file.display().to_string(),
        sources => settings.source.len(), people => settings.subscriber.len(),
    };
    Ok(site.page(&operator.visitor, "reglages-en-vigueur.html", values))
}

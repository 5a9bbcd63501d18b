//! The settings in force, and where each comes from. They are read here and changed in the file: one place holds each.

use std::collections::BTreeMap;
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
    let mut named: BTreeMap<String, Vec<in_force::Line>> = BTreeMap::new();
    for line in in_force::lines(settings) {
        let name = line.key.split('.').next().unwrap_or_default().to_owned();
        named.entry(name).or_default().push(line);
    }
    // What the file says comes first, in its order.
    let place = |line: &in_force::Line| line.line.unwrap_or(usize::MAX);
    let mut sections: Vec<(String, Vec<in_force::Line>)> = named.into_iter().collect();
    sections.iter_mut().for_each(|(_, lines)| lines.sort_by_key(place));
    sections.sort_by_key(|(_, lines)| lines.first().map_or(usize::MAX, place));
    let sections: Vec<Section> = sections
        .into_iter()
        .map(|(name, lines)| {
            let key = |line: &in_force::Line| {
                line.key.strip_prefix(&name).unwrap_or_default().trim_start_matches('.').to_owned()
            };
            let rows = lines.iter().map(|l| Row { key: key(l), value: short(&l.value, 300), line: l.line }).collect();
            Section { name, rows }
        })
        .collect();
    let values = context! {
        sections => Serde(sections), file => settings.origin.file.display().to_string(),
        sources => settings.source.len(), people => settings.subscriber.len(),
    };
    Ok(site.page(&operator.visitor, "reglages-en-vigueur.html", values))
}

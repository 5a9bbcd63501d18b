//! The settings in force, and where each comes from. They are read here and changed in the file: one place holds each. The file is read
//! again from here, where the process that serves the page listens for that (`vigie_service::reload`).

use std::collections::BTreeMap;
use std::sync::Arc;

use axum::extract::State;
use axum::http::StatusCode;
use minijinja::context;
use minijinja::value::Serde;
use vigie_config::in_force;
use vigie_domain::Permission;
use vigie_notifier::card::short;
use vigie_service::reload;

use super::at;
use crate::frame::{Operator, Posted, Shown, Site, Trouble, Visitor};

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
    Ok(page(&site, &operator.visitor, StatusCode::OK, &[]))
}

/// How long an answer takes to leave, at most.
const LEAVES_WITHIN: std::time::Duration = std::time::Duration::from_millis(500);

/// Reads the file again: what is wrong with it is shown, and changes nothing; a good one is handed to the process.
pub(crate) async fn reload(State(site): State<Arc<Site>>, posted: Posted) -> Shown {
    posted.session.may(Permission::Operate)?;
    let (service, file) = (&site.service, &site.service.settings.origin.file);
    if !service.reload.is_heard() || file.as_os_str().is_empty() {
        let text = "Ce processus ne relit pas ses réglages de lui-même : redémarrez-le.";
        return Err(Trouble::new(StatusCode::CONFLICT, "Rien n’est relu", text));
    }
    if let Err(faults) = reload::read_again(file) {
        return Ok(page(&site, &posted.visitor, StatusCode::UNPROCESSABLE_ENTITY, &faults));
    }
    let said = format!("relecture des réglages demandée depuis les pages par {}", posted.session.person.id);
    service.store.note("task", "réglages", &said, service.clock.now()).await?;
    // This page leaves first: what is under way when the service stops finds no database any more.
    let asked = Arc::clone(&site.service);
    tokio::spawn(async move {
        tokio::time::sleep(LEAVES_WITHIN).await;
        asked.reload.ask();
    });
    let values = context! {
        title => "Les réglages sont relus",
        text => "Le fichier est bon. Ce qui est en cours finit d’abord, puis tout repart avec lui : les pages s’arrêtent et reviennent en quelques secondes, une demi-minute au plus.",
        back => "/exploitation/reglages", back_text => "Voir les réglages en vigueur",
    };
    Ok(site.page(&posted.visitor, "mot.html", values))
}

fn page(site: &Site, visitor: &Visitor, status: StatusCode, faults: &[String]) -> axum::response::Response {
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
    let last = site.service.reload.last();
    let values = context! {
        sections => Serde(sections), file => settings.origin.file.display().to_string(),
        sources => settings.source.len(), people => settings.subscriber.len(), faults => Serde(faults),
        heard => site.service.reload.is_heard(), at => last.as_ref().map(|l| at(l.at)),
        refused => last.as_ref().and_then(|l| l.refused.clone()),
        waits => last.map(|l| l.waits.join(", ")).unwrap_or_default(),
    };
    site.page_as(status, visitor, "reglages-en-vigueur.html", values)
}

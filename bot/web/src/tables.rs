//! Tables as CSV, for spreadsheets: what was found, decided, told; and what operators look at.
//!
//! Written for a French spreadsheet: semicolons, a byte-order mark, dates as ISO. A cell that a spreadsheet would take for a
//! formula is made text: titles come from outside.

use std::collections::BTreeSet;
use std::sync::Arc;

use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use chrono::{DateTime, Utc};
use chrono_tz::Europe::Paris;
use vigie_domain::{Department, Refusal};
use vigie_notifier::card::{alert_label, provision_label};
use vigie_service::{clauses, spreadsheet};

use super::browse;
use super::frame::{Decider, Fields, Operator, Shown, SignedIn, Site, Trouble, Visitor};
use super::{month, operator, period};

/// Rows of one table.
const MAX_ROWS: usize = 5_000;

/// A table as a file.
pub(crate) fn csv(name: &str, head: &[impl AsRef<str>], rows: &[Vec<String>]) -> Result<Response, Trouble> {
    let failed = |e: String| {
        tracing::error!("table {name}: {e}");
        Trouble::new(StatusCode::INTERNAL_SERVER_ERROR, "Tableau indisponible", "Réessayez dans un instant.")
    };
    let body = spreadsheet::written(head, rows).map_err(|e| failed(e.to_string()))?;
    let headers = [
        (header::CONTENT_TYPE, "text/csv; charset=utf-8".to_owned()),
        (header::CONTENT_DISPOSITION, format!("attachment; filename=\"vigie-{name}.csv\"")),
    ];
    Ok((headers, body).into_response())
}

pub(crate) fn day(at: DateTime<Utc>) -> String {
    at.with_timezone(&Paris).date_naive().to_string()
}

fn moment(at: DateTime<Utc>) -> String {
    at.with_timezone(&Paris).format("%Y-%m-%d %H:%M").to_string()
}

pub(crate) fn places(departments: &[Department]) -> String {
    departments.iter().map(Department::as_str).collect::<Vec<_>>().join(", ")
}

pub(crate) async fn search(State(site): State<Arc<Site>>, _: Visitor, fields: Fields) -> Shown {
    let now = site.service.clock.now();
    let rows: Vec<Vec<String>> = clauses::all(&site.service, &browse::query(&fields))
        .await?
        .into_iter()
        .map(|f| {
            let state = f.state_at(now).label().to_owned();
            let provisions: Vec<&str> = f.provisions.iter().map(|p| provision_label(*p)).collect();
            vec![
                f.title,
                f.buyer,
                f.buyer_type.in_french().to_owned(),
                places(&f.departments),
                f.sectors.join(", "),
                provisions.join(", "),
                state,
                day(f.at),
                f.closes.map(day).unwrap_or_default(),
                f.score.to_string(),
                format!("{}/procedure/{}", super::feeds::base(&site), f.procedure),
            ]
        })
        .collect();
    let head = [
        "objet",
        "acheteur",
        "nature_acheteur",
        "departements",
        "secteurs",
        "dispositions",
        "etat",
        "publication",
        "date_limite",
        "interet",
        "lien",
    ];
    csv("recherche", &head, &rows)
}

pub(crate) async fn decisions(State(site): State<Arc<Site>>, signed: Decider) -> Shown {
    let limit = i64::try_from(MAX_ROWS).unwrap_or(i64::MAX);
    let decisions = site.service.store.own_decisions(signed.session.structure(), limit).await?;
    let ids: BTreeSet<String> = decisions.iter().map(|d| d.procedure.clone()).collect();
    let found = site.service.store.search_rows(&ids.into_iter().collect::<Vec<_>>()).await?;
    let rows: Vec<Vec<String>> = decisions
        .into_iter()
        .map(|d| {
            let f = found.iter().find(|f| f.procedure == d.procedure);
            vec![
                f.map(|f| f.title.clone()).unwrap_or_default(),
                f.map(|f| f.buyer.clone()).unwrap_or_default(),
                d.lot,
                d.stage.in_french().to_owned(),
                d.refusal.map(Refusal::in_french).unwrap_or_default().to_owned(),
                d.by,
                moment(d.at),
                d.assignee,
                d.note,
                d.remind_at.map(moment).unwrap_or_default(),
                f.and_then(|f| f.closes).map(day).unwrap_or_default(),
                format!("{}/procedure/{}", super::feeds::base(&site), d.procedure),
            ]
        })
        .collect();
    let head = [
        "objet",
        "acheteur",
        "lot",
        "reponse",
        "raison",
        "par",
        "le",
        "suivi",
        "note",
        "rappel",
        "date_limite",
        "lien",
    ];
    csv("decisions", &head, &rows)
}

pub(crate) async fn alerts(State(site): State<Arc<Site>>, signed: SignedIn) -> Shown {
    let limit = i64::try_from(MAX_ROWS).unwrap_or(i64::MAX);
    let alerts = site.service.store.own_alerts(&signed.session.person.id, limit).await?;
    let ids: BTreeSet<String> = alerts.iter().map(|a| a.procedure.clone()).collect();
    let found = site.service.store.search_rows(&ids.into_iter().collect::<Vec<_>>()).await?;
    let rows: Vec<Vec<String>> = alerts
        .into_iter()
        .map(|a| {
            let f = found.iter().find(|f| f.procedure == a.procedure);
            vec![
                moment(a.at),
                alert_label(a.kind).to_owned(),
                a.notice,
                f.map(|f| f.title.clone()).unwrap_or_default(),
                f.map(|f| f.buyer.clone()).unwrap_or_default(),
                f.and_then(|f| f.closes).map(day).unwrap_or_default(),
                format!("{}/procedure/{}", super::feeds::base(&site), a.procedure),
            ]
        })
        .collect();
    csv("alertes", &["le", "nature", "avis", "objet", "acheteur", "date_limite", "lien"], &rows)
}

pub(crate) async fn my_month(State(site): State<Arc<Site>>, signed: Decider, fields: Fields) -> Shown {
    let period = period::Period::named(fields.one("mois"), site.service.clock.now())
        .ok_or_else(|| Trouble::bad("Mois illisible : par exemple 2026-11, ou 2026 pour une année."))?;
    let month = month::read(&site, signed.session.structure(), period).await?.ok_or_else(Trouble::no_page)?;
    let rows: Vec<Vec<String>> = month
        .reached
        .iter()
        .map(|r| {
            let f = month.found.get(&r.procedure);
            vec![
                f.map(|f| f.title.clone()).unwrap_or_default(),
                f.map(|f| f.buyer.clone()).unwrap_or_default(),
                r.stage.in_french().to_owned(),
                r.by.clone(),
                day(r.at),
                f.and_then(|f| f.closes).map(day).unwrap_or_default(),
                format!("{}/procedure/{}", super::feeds::base(&site), r.procedure),
            ]
        })
        .collect();
    csv("mois", &["objet", "acheteur", "etape", "par", "depuis", "date_limite", "lien"], &rows)
}

pub(crate) async fn deliveries(State(site): State<Arc<Site>>, _: Operator, fields: Fields) -> Shown {
    let limit = i64::try_from(MAX_ROWS).unwrap_or(i64::MAX);
    let sought = operator::sought(&site, &fields).await?.map_err(Trouble::bad)?;
    let rows: Vec<Vec<String>> = site
        .service
        .store
        .deliveries_before(&sought, None, limit)
        .await?
        .into_iter()
        .map(|(_, d)| {
            vec![
                d.id,
                moment(d.created),
                d.channel.as_str().to_owned(),
                d.cause.to_string(),
                d.state.in_french().to_owned(),
                d.attempts.to_string(),
                d.settled_at.map(moment).unwrap_or_default(),
                d.why.unwrap_or_default(),
            ]
        })
        .collect();
    csv("envois", &["envoi", "cree", "canal", "cause", "etat", "essais", "clos", "pourquoi"], &rows)
}

pub(crate) async fn people(State(site): State<Arc<Site>>, operator: Operator) -> Shown {
    let now = site.service.clock.now();
    site.service.store.saw(&operator.session.person.id, "", "tableau des personnes", now).await?;
    let limit = i64::try_from(MAX_ROWS).unwrap_or(i64::MAX);
    let mut rows = Vec::new();
    for p in site.service.store.people_after("", "", limit).await? {
        let addresses = site.service.store.addresses(&p.id).await?;
        let addresses: Vec<String> = addresses.iter().map(|a| a.channel.shown(&a.value)).collect();
        let role = serde_json::to_value(p.role).ok().and_then(|v| v.as_str().map(str::to_owned)).unwrap_or_default();
        rows.push(vec![
            p.id,
            p.name,
            role,
            p.profile.kind.map(|k| k.acronym().to_owned()).unwrap_or_default(),
            p.profile.siret.unwrap_or_default(),
            addresses.join(", "),
        ]);
    }
    csv("personnes", &["identifiant", "nom", "role", "nature", "siret", "adresses"], &rows)
}

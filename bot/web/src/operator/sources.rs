//! Sources over time; one is polled at once, put to rest, and taken up again.

use std::sync::Arc;

use axum::extract::{Path, State};
use axum::response::{IntoResponse, Redirect};
use chrono::{DateTime, Duration, Utc};
use minijinja::context;
use minijinja::value::Serde;
use vigie_domain::{Permission, french};
use vigie_notifier::card::short;
use vigie_service::sources::blocks;
use vigie_store::StoreError;
use vigie_watcher::health::Alarm;
use vigie_watcher::zones;

use super::{at, source};
use crate::frame::{Client, Fields, Operator, Posted, Shown, Site, Trouble};
use crate::public::name_of;

/// Days of a source shown.
const DAYS: i64 = 30;

#[derive(serde::Serialize)]
struct Bar {
    x: i64,
    y: i64,
    height: i64,
    bad: bool,
    title: String,
}

#[derive(serde::Serialize)]
struct SourceRow {
    id: String,
    name: String,
    well: bool,
    paused: bool,
    last: Option<String>,
    next: String,
    failures: u32,
    error: Option<String>,
    alarms: Vec<String>,
    quota: Option<String>,
    items: String,
    bad: i64,
    bars: Vec<Bar>,
    most: String,
    total: String,
    failed: i64,
}

/// Height of a source's plot.
const HEIGHT: i64 = 60;

pub(crate) async fn sources(State(site): State<Arc<Site>>, operator: Operator, fields: Fields) -> Shown {
    let now = site.service.clock.now();
    let mut rows = Vec::new();
    for source in blocks(&site.service.settings, &site.service.store).await?.iter().filter(|s| s.enabled) {
        rows.push(source_row(&site, &source.id, &source.kind, now).await?);
    }
    let aside: i64 = site.service.store.put_aside_counts().await?.iter().map(|(_, n)| *n).sum();
    Ok(site.page(
        &operator.visitor,
        "sources.html",
        context! { rows => Serde(rows), days => DAYS, height => HEIGHT, aside => aside, done => done(fields.one("fait")) },
    ))
}

async fn source_row(site: &Site, id: &str, kind: &str, now: DateTime<Utc>) -> Result<SourceRow, StoreError> {
    let state = site.service.store.source(id).await?;
    let today = zones::paris_day(now);
    let first = today - Duration::days(DAYS - 1);
    let days = site.service.store.days_of_source(id, first).await?;
    let most = days.iter().map(|d| d.items).max().unwrap_or(0);
    let bars = days
        .iter()
        .map(|d| {
            let height = if most > 0 { (d.items * (HEIGHT - 2)) / most } else { 0 }.max(2);
            let failed =
                if d.failures > 0 { format!(", {} échecs sur {}", d.failures, d.polls) } else { String::new() };
            Bar {
                x: (d.day - first).num_days() * 14,
                y: HEIGHT - height,
                height,
                bad: d.failures > 0 && d.failures >= d.polls,
                title: format!("{} : {} avis{failed}", french::date(d.day), d.items),
            }
        })
        .collect();
    let alarms = site.service.store.open_alarms(id).await?;
    let said = |(kind, since): (String, DateTime<Utc>)| {
        let what = Alarm::parse(&kind).map_or(kind.clone(), |a| a.in_french().to_owned());
        format!("{what}, depuis le {}", french::date(zones::paris_day(since)))
    };
    let alarms: Vec<String> = alarms.into_iter().map(said).collect();
    Ok(SourceRow {
        id: id.to_owned(),
        name: name_of(id, kind),
        paused: state.paused,
        well: state.failures == 0 && alarms.is_empty(),
        last: state.last_success.map(at),
        next: at(state.next_due.max(now)),
        failures: state.failures,
        error: state.last_error.map(|e| short(&e, 300)),
        alarms,
        quota: state.quota.map(|(left, of)| format!("{left} requêtes restantes sur {of}")),
        items: french::number(state.items as f64),
        bad: state.bad,
        bars,
        most: french::number(most as f64),
        total: french::number(days.iter().map(|d| d.items).sum::<i64>() as f64),
        failed: days.iter().map(|d| d.failures).sum(),
    })
}

fn done(word: &str) -> &'static str {
    match word {
        "lire" => "Cette source va être lue dans la minute.",
        "pause" => "Source en pause : elle n’est plus lue, et son silence ne donne pas d’alarme.",
        "reprendre" => "Source reprise là où elle en était : elle va être lue dans la minute.",
        "retirer" => "Source retirée : elle n’est plus lue. Ce qu’elle a apporté reste.",
        _ => "",
    }
}

/// Polls a source at once, puts it to rest, or takes it up again; what else may be done with one is [`source`]'s.
pub(crate) async fn act(
    State(site): State<Arc<Site>>,
    Path(id): Path<String>,
    client: Client,
    posted: Posted,
) -> Shown {
    posted.session.may(Permission::Operate)?;
    if let Some(answer) = source::act(&site, client, &id, &posted).await? {
        return Ok(answer);
    }
    let blocks = blocks(&site.service.settings, &site.service.store).await?;
    if !blocks.iter().any(|s| s.enabled && s.id == id) {
        return Err(Trouble::no_page());
    }
    let (store, now) = (&site.service.store, site.service.clock.now());
    let word = posted.fields.one("do");
    let said = match word {
        "lire" => {
            store.poll_soon(&id, now).await?;
            "lecture demandée depuis les pages"
        }
        "pause" => {
            store.pause_source(&id, true).await?;
            "mise en pause depuis les pages"
        }
        "reprendre" => {
            store.pause_source(&id, false).await?;
            store.poll_soon(&id, now).await?;
            "reprise depuis les pages"
        }
        _ => return Err(Trouble::bad("Action inconnue.")),
    };
    store.note("source", &id, said, now).await?;
    Ok(Redirect::to(&format!("/exploitation/sources?fait={word}")).into_response())
}

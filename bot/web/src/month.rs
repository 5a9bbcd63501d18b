//! My month, my year: how many procedures the structure was told of, read, analysed, answered and won, counted as `service/funnel` counts;
//! and where each got to.
//!
//! A procedure counts where it got to within the period; what began earlier and still went on counts too. Only the structure of the session is read.

use std::collections::BTreeMap;
use std::sync::Arc;

use axum::extract::State;
use axum::response::{IntoResponse, Redirect};
use chrono::{DateTime, Utc};
use chrono_tz::Europe::Paris;
use minijinja::context;
use minijinja::value::Serde;
use vigie_domain::{Permission, Stage, french};
use vigie_service::funnel::{self, Rung};
use vigie_service::open_markets;
use vigie_store::StoreError;
use vigie_store::follow_up::Step;
use vigie_store::search::SearchRow;

use super::frame::{Decider, Fields, Posted, Shown, Site};
use super::period::Period;

/// Rows of the table.
const MAX_ROWS: usize = 200;

/// One step of the funnel.
#[derive(Debug, Clone, PartialEq, serde::Serialize)]
pub(crate) struct Bar {
    pub(crate) label: &'static str,
    pub(crate) count: usize,
}

/// Where one procedure got to.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Reached {
    pub(crate) procedure: String,
    pub(crate) stage: Stage,
    pub(crate) by: String,
    pub(crate) at: DateTime<Utc>,
}

/// A month or a year of one structure.
pub(crate) struct Month {
    pub(crate) bars: Vec<Bar>,
    pub(crate) reached: Vec<Reached>,
    pub(crate) found: BTreeMap<String, SearchRow>,
}

/// What one structure did in a month or a year: how many procedures got how far, as « Mon année » counts them, and where each got to.
pub(crate) async fn read(site: &Site, structure: &str, period: Period) -> Result<Option<Month>, StoreError> {
    let Some((from, to)) = period.bounds() else { return Ok(None) };
    let (service, store) = (&site.service, &site.service.store);
    let tracks = funnel::of_structure(service, structure, (from, to)).await?;
    let whole = funnel::total(&tracks);
    let bars = Rung::ALL.into_iter().map(|r| Bar { label: r.in_french(), count: whole.rungs[r as usize].procedures });
    let members = store.members(structure).await?;
    let spotted = store.spotted(&members, from, to).await?.into_iter().map(|told| Reached {
        procedure: told.procedure,
        stage: Stage::Spotted,
        by: String::new(),
        at: told.at,
    });
    let reach = |step: Step| Reached { procedure: step.procedure, stage: step.stage, by: step.by, at: step.at };
    let under_way = funnel::under_way(service, structure, from).await?.into_iter().map(reach);
    let steps = store.decision_steps(structure, from).await?.into_iter().filter(|s| s.at < to).map(reach);
    let reached: BTreeMap<String, Reached> =
        spotted.chain(under_way).chain(steps).map(|r| (r.procedure.clone(), r)).collect();
    let ids: Vec<String> = reached.keys().cloned().collect();
    let found = store.search_rows(&ids).await?;
    let mut reached: Vec<Reached> = reached.into_values().collect();
    reached.sort_by(|a, b| Rung::of(b.stage).cmp(&Rung::of(a.stage)).then_with(|| b.at.cmp(&a.at)));
    let found = found.into_iter().map(|f| (f.procedure.clone(), f)).collect();
    Ok(Some(Month { bars: bars.collect(), reached, found }))
}

#[derive(serde::Serialize)]
struct Row {
    procedure: String,
    title: String,
    buyer: String,
    stage: &'static str,
    by: String,
    day: String,
    deadline: String,
}

pub(crate) async fn show(State(site): State<Arc<Site>>, signed: Decider, fields: Fields) -> Shown {
    let now = site.service.clock.now();
    let this = Period::named("", now).ok_or_else(super::frame::Trouble::no_page)?;
    let period = Period::named(fields.one("mois"), now).unwrap_or(this);
    let month = read(&site, signed.session.structure(), period).await?.ok_or_else(super::frame::Trouble::no_page)?;
    // Said where one looks at what one did of late, and nowhere else.
    let open_markets = match period == this {
        true => open_markets::line(&site.service, &signed.session.person, now).await?,
        false => None,
    };
    let day = |at: DateTime<Utc>| french::date(at.with_timezone(&Paris).date_naive());
    let rows: Vec<Row> = month
        .reached
        .iter()
        .take(MAX_ROWS)
        .map(|r| {
            let found = month.found.get(&r.procedure);
            Row {
                procedure: r.procedure.clone(),
                title: found.map_or_else(|| "Marché qui n’est plus connu".to_owned(), |f| f.title.clone()),
                buyer: found.map(|f| f.buyer.clone()).unwrap_or_default(),
                stage: r.stage.in_french(),
                by: r.by.clone(),
                day: day(r.at),
                deadline: found.and_then(|f| f.closes).map(day).unwrap_or_default(),
            }
        })
        .collect();
    Ok(site.page(
        &signed.visitor,
        "mois.html",
        context! {
            period => period.title(),
            word => period.word(),
            is_year => period.is_year(),
            other => if period.is_year() { this.word() } else { period.year() },
            before => period.before().map(Period::word),
            after => period.after(now).map(Period::word),
            bars => Serde(&month.bars),
            most => month.bars.iter().map(|b| b.count).max().unwrap_or(0).max(1),
            rows => Serde(rows),
            more => month.reached.len().saturating_sub(MAX_ROWS),
            open_markets => open_markets.map(|o| (o.in_french(), o.procedure)),
        },
    ))
}

/// The structure wants to hear no more of open markets that it leaves aside.
pub(crate) async fn no_open_markets_line(State(site): State<Arc<Site>>, posted: Posted) -> Shown {
    let session = &posted.session;
    session.may(Permission::Decide)?;
    open_markets::no_more(&site.service, &session.person, session.name()).await?;
    Ok(Redirect::to("/mois").into_response())
}

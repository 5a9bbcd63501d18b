//! The API of calls for partners, to read: what a coordinator sees of its own, what a structure sees of those in which it is asked.
//!
//! What is given is what `service/partner_calls/looking` shows their reader, and nothing else: a coordinator's look at answers is logged
//! as on the page.

use std::sync::Arc;

use axum::Json;
use axum::extract::{Path, State};
use axum::response::IntoResponse;
use serde_json::{Value, json};
use vigie_domain::partner_call::{PartnerCall, Position};
use vigie_service::partner_calls::looking::{self, Asked, Coordinated};
use vigie_store::tokens::Scope;

use super::api::{Program, absent};
use super::frame::{Shown, Site};

/// A call as all of those who know it may see it.
fn call(c: &PartnerCall, coordinates: bool) -> Value {
    json!({
        "id": c.id, "procedure": c.procedure, "coordinator": c.name, "coordinates": coordinates, "lots": c.asked_lots(), "ended_lots": c.ended,
        "note": c.note, "state": c.state, "opened": c.opened, "closes": c.closes, "tender": c.tender,
    })
}

fn position(p: &Position) -> Value {
    json!({
        "lot": p.lot, "role": p.role, "share": p.share, "hours": p.hours, "people": p.people, "note": p.note, "by": p.by, "at": p.at,
    })
}

/// What a coordinator sees: who answered what, lot by lot.
fn to_coordinator(view: &Coordinated) -> Value {
    let of =
        |structure: &str| view.positions.iter().filter(|p| p.structure == structure).map(position).collect::<Vec<_>>();
    let asked: Vec<Value> = view
        .asked
        .iter()
        .map(|i| {
            json!({
                "structure": i.structure, "name": i.name, "positions": of(&i.structure),
                "decision": view.decisions.get(&i.structure), "before": view.before.get(&i.structure),
            })
        })
        .collect();
    let line_up: Vec<Value> = view
        .line_up
        .iter()
        .map(|lot| {
            let on: Vec<Value> = lot.on.iter().map(|p| json!({ "structure": p.structure, "role": p.role })).collect();
            let doubts: Vec<&str> = lot.doubts.iter().map(|d| d.in_french()).collect();
            json!({ "lot": lot.lot, "title": view.about.lots.get(&lot.lot), "on": on, "doubts": doubts })
        })
        .collect();
    let mut out = call(&view.call, true);
    (out["asked"], out["line_up"], out["uncovered"]) = (json!(asked), json!(line_up), json!(view.uncovered()));
    out
}

/// What one of those asked sees: its own answers, the lots that nobody covers, and once the call is closed with whom it stands.
fn to_asked(view: &Asked) -> Value {
    let with = |others: &[(String, vigie_domain::partner_call::PartnerRole)]| {
        others.iter().map(|(name, role)| json!({ "name": name, "role": role })).collect::<Vec<_>>()
    };
    let companions: Vec<Value> =
        view.companions.iter().map(|(lot, others)| json!({ "lot": lot, "with": with(others) })).collect();
    let mut out = call(&view.call, false);
    out["positions"] = json!(view.mine.iter().map(position).collect::<Vec<_>>());
    (out["uncovered"], out["companions"], out["before"]) =
        (json!(view.uncovered), json!(companions), json!(view.before));
    out["shows_decision"] = json!(view.shows_decision);
    out
}

pub(crate) async fn list(State(site): State<Arc<Site>>, program: Program) -> Shown {
    program.may(Scope::Decisions)?;
    let (mine, to) = looking::calls_of(&site.service, program.owner()).await?;
    let rows: Vec<Value> = mine.iter().map(|c| call(c, true)).chain(to.iter().map(|c| call(c, false))).collect();
    Ok(Json(json!({ "partner_calls": rows })).into_response())
}

pub(crate) async fn show(State(site): State<Arc<Site>>, program: Program, Path(id): Path<String>) -> Shown {
    program.may(Scope::Decisions)?;
    let (service, owner) = (&site.service, program.owner());
    if let Some(view) = looking::coordinated(service, owner, &id).await? {
        return Ok(Json(to_coordinator(&view)).into_response());
    }
    if let Some(view) = looking::asked(service, owner, &id).await? {
        return Ok(Json(to_asked(&view)).into_response());
    }
    Err(absent("cet appel à partenaires n’est plus connu, ou ne vous est pas adressé"))
}

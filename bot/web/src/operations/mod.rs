//! Operations of a facilitator's organisation: the list, one operation with all that belongs to it, what people write there.
//!
//! | module | does |
//! |---|---|
//! | [`area`] | the area that the organisation serves |
//! | [`form`] | an operation as a form writes it |
//! | [`sheet`] | calibration, to be printed; the organisation's coefficients |
//! | [`hours`] | hours planned and done, as a plot and as a table |
//! | [`files`] | tables out and in |
//! | [`monthly`] | the monthly table that the organisation settles once |
//! | [`to_fill`] | hours to be worked, told to those who asked for it |
//! | [`unseen`] | contracts that show no social condition: what the CCAP says of them |
//!
//! Everything is read and written for the structure of the session; whoever may not follow operations finds no such page.

pub(crate) mod area;
pub(crate) mod files;
pub(crate) mod form;
pub(crate) mod hours;
pub(crate) mod monthly;
pub(crate) mod sheet;
pub(crate) mod to_fill;
pub(crate) mod unseen;

use std::sync::Arc;

use axum::extract::{FromRequestParts, Path, State};
use axum::http::StatusCode;
use axum::http::request::Parts;
use axum::response::{IntoResponse, Redirect, Response};
use chrono::{DateTime, Utc};
use minijinja::context;
use minijinja::value::Serde;
use vigie_domain::operation::calibration::{euros, full_time};
use vigie_domain::operation::{MAX_LINE, Operation, OperationQuery, OperationState, Programme};
use vigie_domain::{Department, Permission, french};
use vigie_notifier::card::short;
use vigie_service::areas;
use vigie_service::operations::{self, MAX_NOTE, Overview, attachments, letter, to_calibrate};
use vigie_store::operations::Standing;
use vigie_watcher::zones;

use super::browse;
use super::cookies::Session;
use super::frame::{Fields, Posted, Shown, SignedIn, Site, Trouble, Visitor};
use super::{procedure, words};

/// Operations of one page of the list.
const A_PAGE: usize = 60;
/// Below so many operations a list needs no filter before it.
const FEW: usize = 10;

/// Somebody signed in who follows operations; for anybody else these pages do not exist.
pub(crate) struct Follower {
    pub(crate) visitor: Visitor,
    pub(crate) session: Session,
}

impl<S: Sync> FromRequestParts<S> for Follower {
    type Rejection = Response;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Self::Rejection> {
        let SignedIn { visitor, session } = SignedIn::from_request_parts(parts, state).await?;
        session.may(Permission::FollowOperations).map_err(IntoResponse::into_response)?;
        Ok(Self { visitor, session })
    }
}

/// The operation of a path, for the structure of a session.
pub(crate) async fn found(site: &Site, session: &Session, id: &str) -> Result<Operation, Trouble> {
    session.may(Permission::FollowOperations)?;
    site.service.store.operation(session.structure(), id).await?.ok_or_else(Trouble::no_page)
}

/// The query that a page's fields ask for.
pub(crate) fn query(fields: &Fields) -> OperationQuery {
    OperationQuery {
        words: short(fields.one("mots"), 100),
        departments: fields.all("departement").filter_map(Department::parse).collect(),
        buyer: short(fields.one("acheteur"), 100),
        programme: Programme::parse(fields.one("programme")),
        state: OperationState::parse(fields.one("etat")),
        in_charge: short(fields.one("suivi"), 100),
    }
}

/// An operation as lists show it.
#[derive(serde::Serialize)]
struct Row {
    id: String,
    reference: String,
    title: String,
    buyer: String,
    territory: String,
    state: &'static str,
    programme: Option<&'static str>,
    in_charge: String,
    step: Option<String>,
    /// Its step is due.
    late: bool,
    /// Hours of it are late.
    behind: bool,
    hours: String,
}

fn row(overview: &Overview, behind: bool, now: DateTime<Utc>) -> Row {
    let o = &overview.operation;
    let today = zones::paris_day(now);
    let totals = &overview.totals;
    let step = (!o.next_step.is_empty()).then(|| {
        let day = o.next_on.map(|d| format!("{} : ", french::date(d))).unwrap_or_default();
        format!("{day}{}", short(&o.next_step, 80))
    });
    let hours = match (totals.done.is_none(), totals.owed.is_none(), overview.calibrated) {
        (false, false, _) => format!("{} réalisées sur {} dues", totals.done, totals.owed),
        (false, true, _) if !totals.planned.is_none() => {
            format!("{} réalisées sur {} prévues", totals.done, totals.planned)
        }
        (false, true, _) => format!("{} réalisées", totals.done),
        (true, false, _) => format!("{} dues", totals.owed),
        (true, true, Some(advised)) => format!("{advised} conseillées"),
        (true, true, None) => String::new(),
    };
    Row {
        id: o.id.clone(),
        reference: short(&o.reference, 40),
        title: short(&o.title, 120),
        buyer: short(&o.buyer, 80),
        territory: short(&o.territory, 60),
        state: o.state.in_french(),
        programme: (o.programme != Programme::Ordinary).then(|| o.programme.in_french()),
        in_charge: short(&o.in_charge, 60),
        step,
        late: o.next_on.is_some_and(|d| d <= today) && o.state.is_open(),
        behind,
        hours,
    }
}

/// A choice of a list: its word, its label, and whether it is chosen.
type Choice = (&'static str, String, bool);

fn programmes(chosen: Option<Programme>) -> Vec<Choice> {
    Programme::ALL.map(|p| (p.as_str(), french::capital(p.in_french()), chosen == Some(p))).to_vec()
}

fn states(chosen: Option<OperationState>) -> Vec<Choice> {
    OperationState::ALL.map(|s| (s.as_str(), french::capital(s.in_french()), chosen == Some(s))).to_vec()
}

pub(crate) async fn list(State(site): State<Arc<Site>>, follower: Follower, fields: Fields) -> Shown {
    let (now, query) = (site.service.clock.now(), query(&fields));
    let all = operations::overviews(&site.service, follower.session.structure()).await?;
    let any = !all.is_empty();
    let mut found: Vec<&Overview> = all.iter().filter(|o| query.finds(&o.operation)).collect();
    let operations: Vec<&Operation> = found.iter().map(|o| &o.operation).collect();
    let behind = operations::behind(&site.service, &operations, now).await?;
    let only_behind = fields.one("retard") == "oui";
    found.retain(|o| !only_behind || behind.contains(&o.operation.id));
    // What has a step to come first, then what is open; what is done with last.
    let far = chrono::NaiveDate::MAX;
    found.sort_by_key(|o| {
        let o = &o.operation;
        (!o.state.is_open(), o.next_on.unwrap_or(far), o.reference.clone())
    });
    let page: usize = fields.one("page").parse().unwrap_or(1).clamp(1, 1_000);
    let from = (page - 1) * A_PAGE;
    let shown = found.iter().skip(from).take(A_PAGE);
    let rows: Vec<Row> = shown.map(|one| row(one, behind.contains(&one.operation.id), now)).collect();
    let kept = fields.query_without(&["page"]);
    let values = context! {
        any => any, few => all.len() < FEW, filtered => !kept.is_empty(),
        count => found.len(),
        rows => Serde(rows),
        words => &query.words, buyer => &query.buyer, charge => &query.in_charge,
        department => fields.one("departement"),
        programmes => Serde(programmes(query.programme)),
        states => Serde(states(query.state)),
        kept => kept, only_behind => only_behind,
        before => (page > 1).then(|| page - 1),
        after => (from + A_PAGE < found.len()).then(|| page + 1),
    };
    Ok(site.page(&follower.visitor, "operations.html", values))
}

/// Planned purchases and prior informations of the territory that nobody follows yet.
pub(crate) async fn to_calibrate(State(site): State<Arc<Site>>, follower: Follower, fields: Fields) -> Shown {
    let now = site.service.clock.now();
    let area = super::clauses::territory(&site, &follower.session.person, &fields).await?;
    let query = areas::query(&area).unwrap_or_default();
    let structure = follower.session.structure();
    let rows = to_calibrate::of(&site.service, structure, (&area, query), to_calibrate::MOST, now).await?;
    let rows = browse::rows(&site, &follower.visitor, &rows).await?;
    let values = context! { rows => Serde(rows), territory => area::in_french(&area) };
    Ok(site.page(&follower.visitor, "a-calibrer.html", values))
}

/// The note that a form posts.
fn note_of(fields: &Fields) -> Result<&str, Trouble> {
    let text = fields.one("texte");
    match text.chars().count() {
        n if (1..=MAX_NOTE).contains(&n) => Ok(text),
        _ => Err(Trouble::bad(format!("Une note a de 1 à {MAX_NOTE} caractères."))),
    }
}

/// Follows a procedure as an operation; with a note for colleagues where one is written.
pub(crate) async fn follow(State(site): State<Arc<Site>>, posted: Posted) -> Shown {
    posted.session.may(Permission::FollowOperations)?;
    let procedure = posted.fields.one("procedure");
    procedure::notices(&site, Some(&posted.session), procedure).await?;
    let nothing = || Trouble::bad("Rien de public n’est connu de ce marché.");
    let (person, by) = (&posted.session.person, posted.session.name());
    if posted.fields.has("texte") {
        let text = note_of(&posted.fields)?;
        operations::note_on(&site.service, person, by, procedure, text).await?.ok_or_else(nothing)?;
        return Ok(Redirect::to(&format!("/procedure/{procedure}#notes")).into_response());
    }
    let made = operations::follow(&site.service, person, by, procedure).await?;
    let (o, _) = made.ok_or_else(nothing)?;
    Ok(Redirect::to(&format!("/operations/{}", o.id)).into_response())
}

pub(crate) async fn show(State(site): State<Arc<Site>>, follower: Follower, Path(id): Path<String>) -> Shown {
    let o = found(&site, &follower.session, &id).await?;
    page(&site, (&follower.visitor, &follower.session), o, None).await
}

/// The page of an operation; with what was typed of a market to attach, and why it cannot be.
async fn page(
    site: &Site,
    (visitor, session): (&Visitor, &Session),
    o: Operation,
    fault: Option<(&str, String)>,
) -> Shown {
    let id = o.id.clone();
    let (service, structure) = (&site.service, session.structure());
    let (store, now) = (&service.store, service.clock.now());
    let beside = store.operation_procedures(structure).await?;
    let of = |standing: Standing| -> Vec<String> {
        beside.iter().filter(|a| a.operation == id && a.standing == standing).map(|a| a.procedure.clone()).collect()
    };
    let attached = store.search_rows(&of(Standing::Attached)).await?;
    let proposed = store.search_rows(&of(Standing::Proposed)).await?;
    let sheet = store.sheet(structure, &id).await?;
    let asked = letter::asked(service, structure, &id).await?;
    let notes: Vec<(String, String, String)> = store
        .operation_notes(structure, &id)
        .await?
        .into_iter()
        .map(|n| (french::date(zones::paris_day(n.at)), short(&n.by, 60), n.text))
        .collect();
    let rows: Vec<_> = store.hours_of(structure, Some(&id)).await?.into_iter().map(|h| h.row).collect();
    let lots: Vec<_> = store.lots_of(structure, Some(&id)).await?.into_iter().map(|l| l.lot).collect();
    let totals = vigie_domain::operation::plan::totals(&rows, &lots);
    let late = operations::late(service, &o, now).await?;
    let calibrated = sheet.as_ref().map(|s| s.hours());
    let overview = Overview { operation: o.clone(), calibrated, totals };
    let holders: Vec<(String, String, String, bool)> = lots
        .iter()
        .map(|l| {
            let owed = if l.owed.is_none() { "heures à demander".to_owned() } else { format!("{}\u{a0}h", l.owed) };
            (l.lot.clone(), short(&l.company, 120), owed, l.published)
        })
        .collect();
    let values = context! {
        o => Serde(row(&overview, !late.is_empty(), now)),
        state => french::capital(o.state.in_french()),
        amount => o.amount.map(|a| euros(a * 100)),
        siret => o.siret.as_deref(),
        buyer_page => o.siren().map(|siren| format!("/acheteur/{siren}")),
        places => browse::place(&o.departments),
        remark => &o.remark,
        next_step => &o.next_step,
        next_on => o.next_on.map(french::date),
        calibrated => calibrated.map(|h| h.to_string()),
        full_time => calibrated.map(full_time),
        opinion => sheet.as_ref().map(|s| s.opinion.as_str()),
        asked => asked.map(|(_, a)| french::capital(&letter::difference(calibrated, &a))),
        attached => Serde(browse::rows(site, visitor, &attached).await?),
        proposed => Serde(browse::rows(site, visitor, &proposed).await?),
        typed => fault.as_ref().map(|(typed, _)| short(typed, 200)),
        look => fault.as_ref().map(|(typed, _)| {
            let pairs = [("q", short(typed, 200)), ("etat", "tous".to_owned())];
            Fields::of(pairs.map(|(n, v)| (n.to_owned(), v)).to_vec()).query_without(&[])
        }),
        fault => fault.as_ref().map(|(_, why)| why.as_str()),
        notes => Serde(notes),
        holders => Serde(holders),
        owed => totals.owed.to_string(), planned => totals.planned.to_string(), done => totals.done.to_string(),
        any_hours => !rows.is_empty() || !lots.is_empty(),
        share => totals.done.percent_of(totals.owed).map(|s| french::number((s * 10.0).round() / 10.0)),
        late => late,
        max_note => MAX_NOTE, max_line => MAX_LINE,
    };
    let status = if fault.is_some() { StatusCode::BAD_REQUEST } else { StatusCode::OK };
    Ok(site.page_as(status, visitor, "operation.html", values))
}

/// Adds a note.
pub(crate) async fn note(State(site): State<Arc<Site>>, Path(id): Path<String>, posted: Posted) -> Shown {
    let o = found(&site, &posted.session, &id).await?;
    let text = note_of(&posted.fields)?;
    let now = site.service.clock.now();
    let of = (posted.session.structure(), o.id.as_str());
    site.service.store.put_operation_note(of, posted.session.name(), text, now).await?;
    Ok(Redirect::to(&format!("/operations/{id}#notes")).into_response())
}

/// Says whether a procedure belongs to an operation: one that is shown, or one whose number or address is typed.
pub(crate) async fn attach(State(site): State<Arc<Site>>, Path(id): Path<String>, posted: Posted) -> Shown {
    let o = found(&site, &posted.session, &id).await?;
    let store = &site.service.store;
    let (typed, belongs) = (posted.fields.one("marche"), posted.fields.one("dire") != "non");
    let last = typed.rsplit('/').next().unwrap_or_default();
    let procedure = match store.procedure_now(last).await? {
        Some(now) => now,
        None if store.state_of(last).await?.is_some() => last.to_owned(),
        None => {
            let number = words::number(typed).unwrap_or_default();
            let found =
                if number.is_empty() { None } else { browse::by_number(&site, &posted.visitor, number).await? };
            let Some(found) = found else {
                let why = "aucun marché de ce numéro n’est connu. Un titre ne suffit pas : cherchez le marché, puis copiez ici le numéro de son avis, 26-12345 par exemple, ou l’adresse de sa page";
                return page(&site, (&posted.visitor, &posted.session), o, Some((typed, why.to_owned()))).await;
            };
            found
        }
    };
    procedure::notices(&site, Some(&posted.session), &procedure).await?;
    if !attachments::say(&site.service, (posted.session.structure(), &o.id), &procedure, belongs).await? {
        return Err(Trouble::bad("Ce marché ne peut pas être rattaché : rien n’en est public."));
    }
    Ok(Redirect::to(&format!("/operations/{id}#marches")).into_response())
}

/// Takes an operation away, with all that belongs to it.
pub(crate) async fn remove(State(site): State<Arc<Site>>, Path(id): Path<String>, posted: Posted) -> Shown {
    let o = found(&site, &posted.session, &id).await?;
    if posted.fields.one("sur") != "oui" {
        return Err(Trouble::bad("Cochez la case : l’opération, ses notes et ses heures sont effacées pour de bon."));
    }
    site.service.store.remove_operation(posted.session.structure(), &o.id).await?;
    Ok(Redirect::to("/operations").into_response())
}

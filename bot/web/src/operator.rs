//! What operators look after: sources over time, the queue, deliveries with their journal, people, their roles and structures,
//! what is open in their names.
//!
//! For anybody else these pages do not exist. Looking at people is noted in the access log, as the command line does.

use std::sync::Arc;

use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Redirect};
use chrono::{DateTime, Duration, Utc};
use chrono_tz::Europe::Paris;
use minijinja::context;
use minijinja::value::Serde;
use vigie_domain::subscription::Role;
use vigie_domain::{DeliveryState, Subscriber, french};
use vigie_notifier::card::short;
use vigie_service::{Failure, membership, on_behalf};
use vigie_store::StoreError;
use vigie_store::outbox::DeliveryRow;
use vigie_store::tokens::Scope;
use vigie_watcher::health::Alarm;
use vigie_watcher::zones;

use super::browse::Choice;
use super::frame::{Fields, Operator, Posted, Shown, Site, Trouble};
use super::public::name_of;

/// Days of a source shown.
const DAYS: i64 = 30;
/// Rows of a page.
const ROWS: i64 = 50;
/// Lines of the journal on the first page.
const LINES: i64 = 25;
/// Most deliveries replayed, or accesses ended, at once.
const MAX_REPLAYED: usize = 200;
/// Most accesses listed.
const MAX_ACCESS: i64 = 200;

const ROLES: [(Role, &str); 5] = [
    (Role::Structure, "structure"),
    (Role::Facilitator, "facilitateur"),
    (Role::Network, "réseau"),
    (Role::Subscriber, "abonné"),
    (Role::Operator, "exploitant"),
];

/// `12 janvier 2027 à 8 h 05`.
pub(crate) fn at(moment: DateTime<Utc>) -> String {
    let local = moment.with_timezone(&Paris).fixed_offset();
    format!("{} à {}", french::date(local.date_naive()), french::clock(local))
}

pub(crate) fn state_label(state: DeliveryState) -> &'static str {
    match state {
        DeliveryState::Pending => "en attente",
        DeliveryState::Claimed => "en cours",
        DeliveryState::Sent => "parti",
        DeliveryState::Deferred => "reporté",
        DeliveryState::Ambiguous => "incertain",
        DeliveryState::Dead => "mort",
        DeliveryState::Cancelled => "annulé",
        DeliveryState::Superseded => "remplacé",
    }
}

fn role_word(role: Role) -> String {
    serde_json::to_value(role).ok().and_then(|v| v.as_str().map(str::to_owned)).unwrap_or_default()
}

#[derive(serde::Serialize)]
struct Figure {
    word: &'static str,
    label: &'static str,
    count: String,
}

pub(crate) async fn front(State(site): State<Arc<Site>>, operator: Operator) -> Shown {
    let store = &site.service.store;
    let queue = store.queue().await?;
    let figures: Vec<Figure> = DeliveryState::ALL
        .into_iter()
        .map(|s| Figure {
            word: s.as_str(),
            label: state_label(s),
            count: french::number(queue.iter().find(|(q, _)| *q == s).map_or(0, |(_, n)| *n) as f64),
        })
        .collect();
    let journal: Vec<(String, String, String)> =
        store.journal("", LINES).await?.into_iter().map(|l| (at(l.at), l.topic, short(&l.text, 200))).collect();
    let next = store.next_delivery_at().await?.map(at);
    Ok(site.page(
        &operator.visitor,
        "exploitation.html",
        context! {
            figures => Serde(figures),
            next => next,
            alarms => store.alarm_count().await?,
            notices => french::number(store.notice_count().await? as f64),
            journal => Serde(journal),
        },
    ))
}

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

pub(crate) async fn sources(State(site): State<Arc<Site>>, operator: Operator) -> Shown {
    let now = site.service.clock.now();
    let mut rows = Vec::new();
    for source in site.service.settings.source.iter().filter(|s| s.enabled) {
        rows.push(source_row(&site, &source.id, &source.kind, now).await?);
    }
    let aside: Vec<(String, String, String)> = site
        .service
        .store
        .quarantined(20)
        .await?
        .into_iter()
        .map(|q| (at(q.at), format!("{} {}", q.source, q.record_id.unwrap_or_default()), short(&q.reason, 200)))
        .collect();
    Ok(site.page(
        &operator.visitor,
        "sources.html",
        context! { rows => Serde(rows), days => DAYS, height => HEIGHT, aside => Serde(aside) },
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

#[derive(serde::Serialize)]
struct Delivery {
    id: String,
    created: String,
    channel: String,
    cause: String,
    person: String,
    state: &'static str,
    word: &'static str,
    attempts: i64,
    next: Option<String>,
    why: String,
    replay: bool,
}

fn delivery(row: &DeliveryRow) -> Delivery {
    let open = matches!(row.state, DeliveryState::Pending | DeliveryState::Deferred | DeliveryState::Ambiguous);
    Delivery {
        id: row.id.clone(),
        created: at(row.created),
        channel: row.channel.as_str().to_owned(),
        cause: row.cause.to_string(),
        person: row.subscriber.clone(),
        state: state_label(row.state),
        word: row.state.as_str(),
        attempts: row.attempts,
        next: open.then(|| at(row.next_at)),
        why: short(row.why.as_deref().unwrap_or_default(), 160),
        replay: matches!(row.state, DeliveryState::Dead | DeliveryState::Ambiguous | DeliveryState::Cancelled),
    }
}

pub(crate) async fn deliveries(State(site): State<Arc<Site>>, operator: Operator, fields: Fields) -> Shown {
    let state = DeliveryState::parse(fields.one("etat"));
    let rows = site.service.store.deliveries_before(state, fields.one("avant").parse().ok(), ROWS + 1).await?;
    let more = i64::try_from(rows.len()).unwrap_or(0) > ROWS;
    let shown = &rows[..rows.len().min(usize::try_from(ROWS).unwrap_or(50))];
    let states: Vec<Choice> = DeliveryState::ALL
        .into_iter()
        .map(|s| Choice { value: s.as_str().to_owned(), label: state_label(s).to_owned(), on: state == Some(s) })
        .collect();
    let word = state.map_or("", DeliveryState::as_str);
    let next = shown.last().filter(|_| more).map(|(seq, _)| format!("/exploitation/envois?etat={word}&avant={seq}"));
    let list: Vec<Delivery> = shown.iter().map(|(_, d)| delivery(d)).collect();
    Ok(site.page(
        &operator.visitor,
        "envois.html",
        context! {
            can_replay => list.iter().any(|d| d.replay),
            rows => Serde(list),
            states => Serde(states),
            word => word,
            next => next,
            done => fields.one("rejoues"),
        },
    ))
}

pub(crate) async fn show_delivery(State(site): State<Arc<Site>>, operator: Operator, Path(id): Path<String>) -> Shown {
    let row = site.service.store.delivery(&id).await?.ok_or_else(Trouble::no_page)?;
    let now = site.service.clock.now();
    site.service.store.saw(&operator.session.person.id, &row.subscriber, "envoi, page d’exploitation", now).await?;
    let person = site.service.store.subscriber(&row.subscriber).await?;
    #[derive(serde::Serialize)]
    struct Attempt {
        n: i64,
        started: String,
        ended: Option<String>,
        outcome: String,
        detail: String,
    }
    let attempts: Vec<Attempt> = site
        .service
        .store
        .attempts(&id)
        .await?
        .into_iter()
        .map(|a| Attempt {
            n: a.n,
            started: at(a.started),
            ended: a.ended.map(at),
            outcome: a.outcome.and_then(|o| DeliveryState::parse(&o)).map_or("en cours", state_label).to_owned(),
            detail: short(a.detail.as_deref().unwrap_or_default(), 400),
        })
        .collect();
    let journal: Vec<(String, String)> =
        site.service.store.journal(&id, LINES).await?.into_iter().map(|l| (at(l.at), short(&l.text, 300))).collect();
    Ok(site.page(
        &operator.visitor,
        "envoi.html",
        context! {
            d => Serde(delivery(&row)),
            name => person.map(|p| if p.name.is_empty() { p.id } else { p.name }),
            settled => row.settled_at.map(at),
            attempts => Serde(attempts),
            journal => Serde(journal),
        },
    ))
}

fn only_operators(posted: &Posted) -> Result<(), Trouble> {
    if posted.session.person.role == Role::Operator { Ok(()) } else { Err(Trouble::no_page()) }
}

pub(crate) async fn replay(State(site): State<Arc<Site>>, posted: Posted) -> Shown {
    only_operators(&posted)?;
    let now = site.service.clock.now();
    let mut done = 0;
    for id in posted.fields.all("envoi").take(MAX_REPLAYED) {
        if site.service.store.replay(id, now).await? {
            site.service.store.note("delivery", id, "rejoué depuis les pages", now).await?;
            done += 1;
        }
    }
    site.service.deliveries_queued.notify_one();
    Ok(Redirect::to(&format!("/exploitation/envois?rejoues={done}")).into_response())
}

#[derive(serde::Serialize)]
struct Person {
    id: String,
    name: String,
    structure: String,
    addresses: Vec<String>,
    subscriptions: usize,
    roles: Vec<Choice>,
    declared: bool,
    claim: Option<PendingClaim>,
}

/// For which structure somebody says to speak, and who does already.
#[derive(serde::Serialize)]
struct PendingClaim {
    siret: String,
    members: String,
}

async fn pending_claim(site: &Site, person: &Subscriber) -> Result<Option<PendingClaim>, Failure> {
    let Some(siret) = person.profile.claimed_siret.clone() else { return Ok(None) };
    let members = membership::members(&site.service, &siret).await?;
    let names: Vec<String> = members.iter().map(|p| short(&p.name, 60)).collect();
    Ok(Some(PendingClaim { siret, members: names.join(", ") }))
}

pub(crate) async fn people(State(site): State<Arc<Site>>, operator: Operator, fields: Fields) -> Shown {
    let now = site.service.clock.now();
    let (part, after) = (fields.one("q"), fields.one("apres"));
    site.service.store.saw(&operator.session.person.id, "", "liste des personnes, page d’exploitation", now).await?;
    let found = site.service.store.people_after(part, after, ROWS + 1).await?;
    let more = i64::try_from(found.len()).unwrap_or(0) > ROWS;
    let mut rows = Vec::new();
    for person in found.into_iter().take(usize::try_from(ROWS).unwrap_or(50)) {
        let addresses = site.service.store.addresses(&person.id).await?;
        rows.push(Person {
            structure: [person.profile.kind.map(|k| k.acronym().to_owned()), person.profile.siret.clone()]
                .into_iter()
                .flatten()
                .collect::<Vec<_>>()
                .join(" · "),
            addresses: addresses
                .iter()
                .map(|a| format!("{} ({}, {})", a.value, a.channel.as_str(), address_state(a.state.as_str())))
                .collect(),
            subscriptions: site.service.store.subscriptions_of(&person.id).await?.len(),
            roles: ROLES
                .into_iter()
                .map(|(r, label)| Choice { value: role_word(r), label: label.to_owned(), on: person.role == r })
                .collect(),
            declared: site.service.store.is_declared(&person.id).await?,
            claim: pending_claim(&site, &person).await?,
            name: if person.name.is_empty() { "sans nom".to_owned() } else { person.name },
            id: person.id,
        });
    }
    let query: String = url::form_urlencoded::Serializer::new(String::new()).append_pair("q", part).finish();
    let next = rows.last().filter(|_| more).map(|p| format!("/exploitation/personnes?{query}&apres={}", p.id));
    Ok(site.page(
        &operator.visitor,
        "personnes.html",
        context! { rows => Serde(rows), q => part, next => next, done => fields.one("fait") },
    ))
}

fn address_state(word: &str) -> &'static str {
    match word {
        "active" => "en service",
        "unconfirmed" => "à confirmer",
        "suspended" => "suspendue",
        _ => "arrêtée",
    }
}

pub(crate) async fn set_role(State(site): State<Arc<Site>>, Path(id): Path<String>, posted: Posted) -> Shown {
    only_operators(&posted)?;
    let wanted = posted.fields.one("role");
    let (role, label) =
        ROLES.into_iter().find(|(r, _)| role_word(*r) == wanted).ok_or_else(|| Trouble::bad("Rôle inconnu."))?;
    let me = &posted.session.person.id;
    if *me == id && role != Role::Operator {
        return Err(Trouble::bad("Vous ne pouvez pas vous retirer vous-même le rôle d’exploitant."));
    }
    if !site.service.store.set_role(&id, role).await? {
        return Err(Trouble::new(
            StatusCode::CONFLICT,
            "Rôle tenu ailleurs",
            "Cette personne est inconnue, ou son rôle est écrit dans le fichier de configuration.",
        ));
    }
    let now = site.service.clock.now();
    site.service.store.note("person", &id, &format!("rôle {label} donné depuis les pages par {me}"), now).await?;
    Ok(Redirect::to("/exploitation/personnes?fait=role").into_response())
}

/// Answers somebody who says to speak for a structure.
pub(crate) async fn settle_claim(State(site): State<Arc<Site>>, Path(id): Path<String>, posted: Posted) -> Shown {
    only_operators(&posted)?;
    let approved = match posted.fields.one("reponse") {
        "accepter" => true,
        "refuser" => false,
        _ => return Err(Trouble::bad("Réponse inconnue.")),
    };
    let person = site.service.store.subscriber(&id).await?.ok_or_else(Trouble::no_page)?;
    // What was shown is what is answered: the claim may have changed since.
    let same = person.profile.claimed_siret.as_deref() == Some(posted.fields.one("siret"));
    if !same || !membership::settle(&site.service, &posted.session.person.id, &person, approved).await? {
        let text = "Cette demande a changé, ou a déjà reçu une réponse.";
        return Err(Trouble::new(StatusCode::CONFLICT, "Demande dépassée", text));
    }
    Ok(Redirect::to("/exploitation/personnes?fait=structure").into_response())
}

#[derive(serde::Serialize)]
struct AccessRow {
    id: String,
    what: String,
    name: String,
    person: String,
    created: String,
    used: Option<String>,
    expires: Option<String>,
}

/// What is open in people's names, to be ended.
pub(crate) async fn access(State(site): State<Arc<Site>>, operator: Operator, fields: Fields) -> Shown {
    let (now, store) = (site.service.clock.now(), &site.service.store);
    let whom = fields.one("de");
    store.saw(&operator.session.person.id, whom, "accès ouverts, page d’exploitation", now).await?;
    let mut rows = Vec::new();
    for open in store.open_access(Some(whom).filter(|w| !w.is_empty()), MAX_ACCESS, now).await? {
        let owner = store.subscriber(&open.subscriber).await?.map(|p| p.name).filter(|n| !n.is_empty());
        let scopes: Vec<String> =
            open.scopes.split_whitespace().filter_map(Scope::parse).map(|s| s.in_french().to_owned()).collect();
        rows.push(AccessRow {
            what: if scopes.is_empty() { "connexion".to_owned() } else { french::list(&scopes) },
            person: owner.unwrap_or_else(|| open.subscriber.clone()),
            created: at(open.created),
            used: open.used.map(at),
            expires: open.expires.map(at),
            name: open.name,
            id: open.id,
        });
    }
    let values = context! { rows => Serde(rows), whom => whom, done => fields.one("fermes") };
    Ok(site.page(&operator.visitor, "acces.html", values))
}

/// Ends what was ticked, or everything of one person.
pub(crate) async fn revoke(State(site): State<Arc<Site>>, posted: Posted) -> Shown {
    only_operators(&posted)?;
    let (store, me) = (&site.service.store, &posted.session.person.id);
    let mut ended = Vec::new();
    for id in posted.fields.all("acces").take(MAX_REPLAYED) {
        ended.extend(store.revoke(id).await?);
    }
    let count = ended.len();
    ended.sort_unstable();
    ended.dedup();
    for owner in ended {
        on_behalf::acted(&site.service, me, &owner, "accès fermé", on_behalf::REVOKED).await?;
    }
    Ok(Redirect::to(&format!("/exploitation/acces?fermes={count}")).into_response())
}

//! Deliveries: to whom, about what, how they stand, and sent again.

use std::collections::HashMap;
use std::sync::Arc;

use axum::extract::{Path, State};
use axum::response::{IntoResponse, Redirect};
use chrono::{NaiveDate, NaiveTime, Utc};
use chrono_tz::Europe::Paris;
use minijinja::context;
use minijinja::value::Serde;
use vigie_domain::partner_call::Turn;
use vigie_domain::{AlertKind, Cause, DeliveryState, Permission, french};
use vigie_notifier::card::{Why, alert_label, short};
use vigie_service::replay::{self as sent_again, Again};
use vigie_store::admin::Sought;
use vigie_store::outbox::DeliveryRow;
use vigie_store::{StoreError, search};
use vigie_watcher::zones;

use super::{LINES, at};
use crate::browse::Choice;
use crate::frame::{Fields, Operator, Posted, Shown, Site, Trouble};
use crate::words;

/// Rows of a page.
const ROWS: i64 = 50;
/// Most people, and most markets, that words may mean.
const MOST_FOUND: i64 = 200;
/// Most deliveries replayed at once.
const MAX_REPLAYED: usize = 200;

#[derive(serde::Serialize)]
pub(super) struct Delivery {
    pub(super) id: String,
    created: String,
    channel: &'static str,
    /// What it carries.
    subject: String,
    person: String,
    name: String,
    state: &'static str,
    word: &'static str,
    attempts: i64,
    next: Option<String>,
    why: String,
    pub(super) replay: bool,
}

/// Deliveries with the names of their people and what they carry.
pub(super) async fn shown(site: &Site, rows: &[DeliveryRow]) -> Result<Vec<Delivery>, StoreError> {
    let mut names: HashMap<&str, String> = HashMap::new();
    let mut out = Vec::with_capacity(rows.len());
    for row in rows {
        if !names.contains_key(row.subscriber.as_str()) {
            let person = site.service.store.subscriber(&row.subscriber).await?;
            let name = person.map_or_else(|| "personne effacée".to_owned(), |p| named(&p.name));
            names.insert(&row.subscriber, name);
        }
        let open = matches!(row.state, DeliveryState::Pending | DeliveryState::Deferred | DeliveryState::Ambiguous);
        out.push(Delivery {
            id: row.id.clone(),
            created: at(row.created),
            channel: row.channel.in_french(),
            subject: subject(site, &row.cause).await?,
            person: row.subscriber.clone(),
            name: names[row.subscriber.as_str()].clone(),
            state: row.state.in_french(),
            word: row.state.as_str(),
            attempts: row.attempts,
            next: open.then(|| at(row.next_at)),
            // What the server of one that left answered stands among its attempts.
            why: match row.state {
                DeliveryState::Sent => String::new(),
                _ => short(row.why.as_deref().unwrap_or_default(), 160),
            },
            replay: row.state.can_be_replayed(),
        });
    }
    Ok(out)
}

/// How a person is called in lists.
pub(super) fn named(name: &str) -> String {
    if name.is_empty() { "sans nom".to_owned() } else { short(name, 60) }
}

/// What a message carries, in a few words.
async fn subject(site: &Site, cause: &Cause) -> Result<String, StoreError> {
    Ok(match cause {
        Cause::Alert(id) => match site.service.store.alert_subject(id).await? {
            Some((AlertKind::PartnerCall, title, _)) if !title.is_empty() => {
                let reasons = site.service.store.alert_reasons(id).await?.unwrap_or_default();
                let of = serde_json::from_str::<Why>(&reasons).ok().and_then(|why| why.partners);
                format!("{} : {}", call(of.map(|of| of.turn).unwrap_or_default()), short(&title, 90))
            }
            Some((kind, title, _)) if !title.is_empty() => format!("{} : {}", alert_label(kind), short(&title, 90)),
            Some((_, _, body)) if !body.is_empty() => short(body.lines().next().unwrap_or_default(), 90),
            Some((kind, _, _)) => alert_label(kind).to_owned(),
            None => "Alerte".to_owned(),
        },
        Cause::Digest { due, .. } => {
            format!("Résumé du {}", french::date(due.with_timezone(&Paris).date_naive()))
        }
        Cause::OptIn(_) => "Demande d’accord".to_owned(),
        Cause::SignIn(_) => "Lien pour entrer".to_owned(),
    })
}

/// What is told of a call for partners, in a few words.
fn call(turn: Turn) -> &'static str {
    match turn {
        Turn::Asked => "Appel à partenaires",
        Turn::HalfTime | Turn::LastDay => "Rappel d’un appel à partenaires",
        Turn::Moved => "Appel à partenaires déplacé",
        Turn::LineUp => "Appel à partenaires clos",
        Turn::Cancelled => "Appel à partenaires abandonné",
    }
}

/// Which deliveries a form or an address asks for: by state, by name or address of a person, by words of a market's title, by day. `Err`
/// says what cannot be read.
pub(crate) async fn sought(site: &Site, fields: &Fields) -> Result<Result<Sought, String>, StoreError> {
    let (store, now) = (&site.service.store, site.service.clock.now());
    let mut sought = Sought { state: DeliveryState::parse(fields.one("etat")), ..Sought::default() };
    let (person, subject, day) = (fields.one("personne"), fields.one("objet"), fields.one("jour"));
    if !day.is_empty() {
        let Some(day) = day.parse::<NaiveDate>().ok() else {
            return Ok(Err(format!("« {} » n’est pas un jour : écrivez-le ainsi, 2026-11-21.", short(day, 40))));
        };
        let midnight = |day: NaiveDate| zones::local(day.and_time(NaiveTime::MIN), Paris).with_timezone(&Utc);
        sought.made = day.succ_opt().map(|next| (midnight(day), midnight(next)));
    }
    if !person.is_empty() {
        let found = store.people_after(person, "", MOST_FOUND).await?;
        sought.people = Some(found.into_iter().map(|p| p.id).collect());
    }
    if !subject.is_empty() {
        let query = search::Query { words: words::searched(subject), ..Default::default() };
        let found = store.search(&query, None, usize::try_from(MOST_FOUND).unwrap_or(200), now).await?;
        sought.procedures = Some(found.rows.into_iter().map(|r| r.procedure).collect());
    }
    Ok(Ok(sought))
}

pub(crate) async fn deliveries(State(site): State<Arc<Site>>, operator: Operator, fields: Fields) -> Shown {
    let now = site.service.clock.now();
    site.service.store.saw(&operator.session.person.id, "", "liste des envois, page d’exploitation", now).await?;
    let (sought, fault) = match sought(&site, &fields).await? {
        Ok(sought) => (Some(sought), String::new()),
        Err(fault) => (None, fault),
    };
    let rows = match &sought {
        Some(sought) => {
            site.service.store.deliveries_before(sought, fields.one("avant").parse().ok(), ROWS + 1).await?
        }
        None => Vec::new(),
    };
    let more = i64::try_from(rows.len()).unwrap_or(0) > ROWS;
    let kept = &rows[..rows.len().min(usize::try_from(ROWS).unwrap_or(50))];
    let state = DeliveryState::parse(fields.one("etat"));
    let states: Vec<Choice> = DeliveryState::ALL
        .into_iter()
        .map(|s| Choice { value: s.as_str().to_owned(), label: s.in_french().to_owned(), on: state == Some(s) })
        .collect();
    let asked = fields.query_without(&["avant", "rejoues", "refus"]);
    let next = kept.last().filter(|_| more).map(|(seq, _)| format!("/exploitation/envois?{asked}&avant={seq}"));
    let list: Vec<DeliveryRow> = kept.iter().map(|(_, d)| d.clone()).collect();
    let list = shown(&site, &list).await?;
    Ok(site.page(
        &operator.visitor,
        "envois.html",
        context! {
            can_replay => list.iter().any(|d| d.replay),
            rows => Serde(list),
            states => Serde(states),
            asked => asked,
            next => next,
            person => fields.one("personne"),
            subject => fields.one("objet"),
            day => fields.one("jour"),
            fault => fault,
            done => fields.one("rejoues"),
            refused => fields.one("refus"),
        },
    ))
}

pub(crate) async fn show_delivery(State(site): State<Arc<Site>>, operator: Operator, Path(id): Path<String>) -> Shown {
    // As lists show it, and as the command line takes it: its beginning is enough.
    let row = sent_again::find(&site.service.store, &id).await?.map_err(|_| Trouble::no_page())?;
    let now = site.service.clock.now();
    site.service.store.saw(&operator.session.person.id, &row.subscriber, "envoi, page d’exploitation", now).await?;
    #[derive(serde::Serialize)]
    struct Attempt {
        started: String,
        ended: Option<String>,
        outcome: &'static str,
        detail: String,
    }
    let attempts: Vec<Attempt> = site
        .service
        .store
        .attempts(&row.id)
        .await?
        .into_iter()
        .map(|a| Attempt {
            started: at(a.started),
            ended: a.ended.map(at),
            outcome: a.outcome.and_then(|o| DeliveryState::parse(&o)).map_or("en cours", DeliveryState::in_french),
            detail: short(a.detail.as_deref().unwrap_or_default(), 400),
        })
        .collect();
    let journal: Vec<(String, String)> = site
        .service
        .store
        .journal(&row.id, LINES)
        .await?
        .into_iter()
        .map(|l| (at(l.at), short(&l.text, 300)))
        .collect();
    let settled = row.settled_at.map(at);
    let one = shown(&site, &[row]).await?.pop();
    Ok(site.page(
        &operator.visitor,
        "envoi.html",
        context! {
            d => Serde(one),
            settled => settled,
            attempts => Serde(attempts),
            journal => Serde(journal),
        },
    ))
}

/// Sends again what was ticked; says what was not, and why.
pub(crate) async fn replay(State(site): State<Arc<Site>>, posted: Posted) -> Shown {
    posted.session.may(Permission::Operate)?;
    let who = &posted.session.person.id;
    let (mut done, mut refused): (u32, Vec<Again>) = (0, Vec::new());
    for id in posted.fields.all("envoi").take(MAX_REPLAYED) {
        match sent_again::again(&site.service, who, id).await? {
            Again::Queued(_) => done += 1,
            not => refused.push(not),
        }
    }
    let Some(first) = refused.first().filter(|_| done == 0) else {
        let to = format!("/exploitation/envois?rejoues={done}&refus={}", refused.len());
        return Ok(Redirect::to(&to).into_response());
    };
    let address = match first {
        Again::AddressOut { address, .. } => site.service.store.address(address).await?,
        _ => None,
    };
    let back = address
        .map_or_else(|| "/exploitation/envois".to_owned(), |a| format!("/exploitation/personnes/{}", a.subscriber));
    let values = context! {
        title => "Rien n’est renvoyé",
        text => first.line(),
        back_text => if back.contains("personnes") { "Voir cette personne" } else { "Revenir aux envois" },
        back => back,
    };
    Ok(site.page_as(axum::http::StatusCode::CONFLICT, &posted.visitor, "mot.html", values))
}

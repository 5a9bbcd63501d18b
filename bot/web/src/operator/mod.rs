//! What operators look after: alarms, sources over time, what could not be read, the queue, deliveries with their journal, people, their
//! roles and structures, what is open in their names, invitations, directories, the settings in force.
//!
//! For anybody else these pages do not exist. Looking at people is noted in the access log, as the command line does.

mod access;
mod alarms;
mod deliveries;
mod directories;
mod invite;
mod people;
mod person;
mod put_aside;
mod settings;
mod source;
mod sources;
mod standing;

pub(crate) use access::{access, revoke};
pub(crate) use alarms::alarms;
pub(crate) use deliveries::{deliveries, replay, show_delivery, sought};
pub(crate) use directories::{directories, import_directory};
pub(crate) use invite::{act as act_on_invitations, form as invite};
pub(crate) use people::{people, set_role, settle_claim};
pub(crate) use person::{act as act_on_person, show as show_person};
pub(crate) use put_aside::{act_on_put_aside, put_aside, put_aside_bytes};
pub(crate) use settings::{reload, settings};
pub(crate) use source::{fresh as new_source, make as make_source, show as show_source};
pub(crate) use sources::{act as act_on_source, sources};
pub(crate) use standing::standing;

use std::sync::Arc;

use axum::extract::State;
use chrono::{DateTime, Utc};
use chrono_tz::Europe::Paris;
use minijinja::context;
use minijinja::value::Serde;
use vigie_domain::{DeliveryState, french};
use vigie_notifier::card::short;
use vigie_service::membership;
use vigie_store::{Store, StoreError};

use super::frame::{Operator, Shown, Site};

/// Lines of the journal on the first page.
const LINES: i64 = 25;

/// `12 janvier 2027 à 8 h 05`.
pub(crate) fn at(moment: DateTime<Utc>) -> String {
    let local = moment.with_timezone(&Paris).fixed_offset();
    format!("{} à {}", french::date(local.date_naive()), french::clock(local))
}

/// What the journal is about, in words.
fn topic(word: &str) -> &str {
    match word {
        "source" => "source",
        "delivery" => "envoi",
        "address" => "adresse",
        "person" => "personne",
        "verdict" => "verdict",
        "lead" => "piste",
        "structure" => "structure",
        "channel" => "canal",
        "directory" => "annuaire",
        "task" => "tâche",
        other => other,
    }
}

/// What a line of the journal is about: a source by its own name, a person or their address by theirs; other references are
/// identifiers, which say nothing to anybody.
async fn about(store: &Store, word: &str, reference: &str) -> Result<String, StoreError> {
    let person = match word {
        "source" => return Ok(format!("source {reference}")),
        "person" => store.subscriber(reference).await?,
        "address" => match store.address(reference).await? {
            Some(address) => store.subscriber(&address.subscriber).await?,
            None => None,
        },
        _ => None,
    };
    let name = person.map(|p| p.name).filter(|name| !name.is_empty());
    Ok(name.map_or_else(|| topic(word).to_owned(), |name| format!("{} : {}", topic(word), short(&name, 60))))
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
            label: s.in_french(),
            count: french::number(queue.iter().find(|(q, _)| *q == s).map_or(0, |(_, n)| *n) as f64),
        })
        .collect();
    let mut journal: Vec<(String, String, String)> = Vec::new();
    for l in store.journal("", LINES).await? {
        journal.push((at(l.at), about(store, &l.topic, &l.reference).await?, short(&l.text, 200)));
    }
    let next = store.next_delivery_at().await?.map(at);
    Ok(site.page(
        &operator.visitor,
        "exploitation.html",
        context! {
            figures => Serde(figures),
            next => next,
            alarms => store.alarm_count().await?,
            claims => membership::waiting(&site.service).await?,
            notices => french::number(store.notice_count().await? as f64),
            journal => Serde(journal),
        },
    ))
}

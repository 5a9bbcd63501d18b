//! A network's page: members, who is asked to be one, calls under way and who did not answer; and what a person answers to a network
//! that asks.

use std::sync::Arc;

use axum::extract::{Path, State};
use axum::response::{IntoResponse, Redirect};
use minijinja::context;
use minijinja::value::Serde;
use vigie_domain::partner_call::CallState;
use vigie_domain::{Permission, french};
use vigie_notifier::card::short;
use vigie_service::network::{self, MAX_ROWS};
use vigie_service::partner_calls::{looking, moment, telling};
use vigie_service::pass_on;
use vigie_watcher::zones;

use super::frame::{Decider, Posted, Shown, Site, Trouble, Visitor};
use super::procedure;
use super::upload::Uploaded;

/// Most names of who did not answer a call.
const MAX_NAMES: usize = 30;

#[derive(serde::Serialize)]
struct Member {
    name: String,
    kind: Option<&'static str>,
    answer: String,
}

#[derive(serde::Serialize)]
struct Call {
    path: String,
    title: String,
    closes: String,
    asked: usize,
    silent: Vec<String>,
    more: usize,
}

/// What came of an import: in words, with the lines left aside and these as they came.
#[derive(Default)]
struct Done {
    said: String,
    refused: Vec<String>,
    left: String,
}

pub(crate) async fn show(State(site): State<Arc<Site>>, signed: Decider) -> Shown {
    signed.session.may(Permission::PassOn)?;
    page(&site, &signed.visitor, &signed.session.person, None).await
}

async fn page(site: &Site, visitor: &Visitor, person: &vigie_domain::Subscriber, done: Option<Done>) -> Shown {
    let service = &site.service;
    let members: Vec<Member> = network::members(service, person)
        .await?
        .into_iter()
        .map(|m| Member {
            name: m.name,
            kind: m.kind.map(|k| k.acronym()),
            answer: match (m.asked, m.unanswered) {
                (0, _) => String::new(),
                (_, 0) => "a répondu".to_owned(),
                (1, _) => "n’a pas répondu".to_owned(),
                (asked, n) => format!("{n} sans réponse sur {asked}"),
            },
        })
        .collect();
    let mut calls = Vec::new();
    for call in service.store.partner_calls_of(person.structure()).await? {
        if call.state != CallState::Open {
            continue;
        }
        let (answered, silent) = telling::answered_and_silent(service, &call).await?;
        let names: Vec<String> = silent.into_iter().map(|i| i.name).collect();
        calls.push(Call {
            path: format!("/groupements/{}", call.id),
            title: short(&looking::about(service, &call.procedure).await?.title, 160),
            closes: moment(call.closes),
            asked: answered.len() + names.len(),
            more: names.len().saturating_sub(MAX_NAMES),
            silent: names.into_iter().take(MAX_NAMES).collect(),
        });
    }
    let (pending, asked_last) = network::pending(service, person).await?;
    let asked_last = asked_last.map(|at| french::date(zones::paris_day(at)));
    let Done { said, refused, left } = done.unwrap_or_default();
    let values = context! {
        pending => pending, asked_last => asked_last,
        name => &person.name, members => Serde(members), calls => Serde(calls), most => MAX_ROWS,
        replies => service.settings.hears_replies(), done => Some(said).filter(|s| !s.is_empty()), refused => refused, left => left,
    };
    Ok(site.page(visitor, "reseau.html", values))
}

/// Asks the people of a table to be members: typed, or as a file.
pub(crate) async fn import(State(site): State<Arc<Site>>, posted: Uploaded) -> Shown {
    posted.session.may(Permission::PassOn)?;
    let typed = posted.fields.one("membres");
    let table = match posted.files.first() {
        Some(file) => file.content.as_slice(),
        None => typed.as_bytes(),
    };
    if table.trim_ascii().is_empty() {
        return Err(Trouble::bad("Collez un tableau, ou choisissez un fichier : une adresse par ligne au moins."));
    }
    let done = network::import(&site.service, &posted.session.person, table).await?;
    let mut said = match done.asked {
        0 => "Aucune demande n’est partie.".to_owned(),
        1 => "1 demande envoyée : la personne devient membre quand elle l’accepte.".to_owned(),
        n => format!("{n} demandes envoyées : chacun devient membre quand il l’accepte."),
    };
    if done.members > 0 {
        let plural = if done.members > 1 { "s" } else { "" };
        said.push_str(&format!(" {} déjà membre{plural}.", french::plural(done.members, "personne")));
    }
    let refused: Vec<String> = done.refused.iter().map(|(line, why)| format!("Ligne {line} : {why}")).collect();
    page(&site, &posted.visitor, &posted.session.person, Some(Done { said, refused, left: done.left })).await
}

/// Passes a procedure on to the members.
pub(crate) async fn pass_on(State(site): State<Arc<Site>>, Path(id): Path<String>, posted: Posted) -> Shown {
    posted.session.may(Permission::PassOn)?;
    let notices = procedure::notices(&site, Some(&posted.session), &id).await?;
    let row = procedure::current(&notices).ok_or_else(Trouble::no_page)?;
    let passed = pass_on::pass_on(&site.service, row, &posted.session.person).await?;
    Ok(site.back_to(&posted.visitor, &id, "Transmission", &passed.in_french()))
}

/// What a person answers to a network that asks, or leaving one.
pub(crate) async fn answer(State(site): State<Arc<Site>>, posted: Posted) -> Shown {
    let (person, fields) = (&posted.session.person, &posted.fields);
    let done = match fields.one("do") {
        "rejoindre" => network::answer(&site.service, person, fields.one("reseau"), true).await?,
        "refuser" => network::answer(&site.service, person, fields.one("reseau"), false).await?,
        "quitter" => network::leave(&site.service, person, fields.one("reseau")).await?,
        _ => return Err(Trouble::bad("Choisissez une réponse.")),
    };
    if !done {
        return Err(Trouble::bad(format!(
            "Ce réseau ne vous demande rien, ou votre appartenance est tenue par {}.",
            site.service.operator()
        )));
    }
    Ok(Redirect::to("/groupements").into_response())
}

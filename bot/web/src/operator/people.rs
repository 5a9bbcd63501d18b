//! People: found by name or address, a line each; their roles, and who asks to speak for a structure.

use std::sync::Arc;

use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Redirect};
use minijinja::context;
use minijinja::value::Serde;
use vigie_domain::subscription::Role;
use vigie_domain::{Permission, Subscriber};
use vigie_notifier::card::short;
use vigie_service::{Failure, membership};
use vigie_store::people::{Address, AddressState};

use super::deliveries::named;
use super::person::SUSPENDED;
use crate::browse::Choice;
use crate::frame::{Fields, Operator, Posted, Shown, Site, Trouble};

/// Rows of a page.
const ROWS: i64 = 50;

pub(super) fn role_word(role: Role) -> String {
    serde_json::to_value(role).ok().and_then(|v| v.as_str().map(str::to_owned)).unwrap_or_default()
}

#[derive(serde::Serialize)]
struct Person {
    id: String,
    name: String,
    structure: String,
    role: &'static str,
    addresses: Vec<String>,
    /// Something of theirs does not work.
    ails: bool,
    /// An operator keeps them out.
    kept_out: bool,
    subscriptions: usize,
    /// What they wait for an answer to; empty where that is nothing.
    asks: &'static str,
}

/// For which structure somebody says to speak, and who does already.
#[derive(serde::Serialize)]
pub(super) struct PendingClaim {
    siret: String,
    members: String,
}

pub(super) async fn pending_claim(site: &Site, person: &Subscriber) -> Result<Option<PendingClaim>, Failure> {
    let Some(siret) = person.profile.claimed_siret.clone() else { return Ok(None) };
    let members = membership::members(&site.service, &siret).await?;
    let names: Vec<String> = members.iter().map(|p| short(&p.name, 60)).collect();
    Ok(Some(PendingClaim { siret, members: names.join(", ") }))
}

/// Every role, that of the person chosen.
pub(super) fn roles(of: Role) -> Vec<Choice> {
    Role::ALL
        .into_iter()
        .map(|r| Choice { value: role_word(r), label: r.in_french().to_owned(), on: of == r })
        .collect()
}

/// What kind of structure they speak for.
pub(super) fn structure(person: &Subscriber) -> String {
    let parts = [person.profile.kind.map(|k| k.acronym().to_owned()), person.profile.siret.clone()];
    parts.into_iter().flatten().collect::<Vec<_>>().join(" · ")
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
        let active = addresses.iter().any(|a| a.state == AddressState::Active);
        let kept_out = !active && site.service.store.suspended_since(&person.id).await?.is_some();
        let state = |a: &Address| match a.state {
            AddressState::Suspended if kept_out => SUSPENDED,
            state => state.in_french(),
        };
        rows.push(Person {
            structure: structure(&person),
            role: person.role.in_french(),
            addresses: addresses.iter().map(|a| format!("{} ({})", a.channel.shown(&a.value), state(a))).collect(),
            ails: !active && !kept_out,
            kept_out,
            subscriptions: site.service.store.subscriptions_of(&person.id).await?.len(),
            asks: match (person.profile.claimed_siret.is_some(), person.asks_to_be_facilitator()) {
                (_, true) => "se dit facilitateur",
                (true, false) => "demande à parler pour une structure",
                (false, false) => "",
            },
            name: named(&person.name),
            id: person.id,
        });
    }
    let query: String = url::form_urlencoded::Serializer::new(String::new()).append_pair("q", part).finish();
    let next = rows.last().filter(|_| more).map(|p| format!("/exploitation/personnes?{query}&apres={}", p.id));
    Ok(site.page(&operator.visitor, "personnes.html", context! { rows => Serde(rows), q => part, next => next }))
}

pub(crate) async fn set_role(State(site): State<Arc<Site>>, Path(id): Path<String>, posted: Posted) -> Shown {
    posted.session.may(Permission::Operate)?;
    let wanted = posted.fields.one("role");
    let role = Role::ALL.into_iter().find(|r| role_word(*r) == wanted).ok_or_else(|| Trouble::bad("Rôle inconnu."))?;
    let me = &posted.session.person.id;
    if *me == id && !role.may(Permission::Operate) {
        return Err(Trouble::bad("Vous ne pouvez pas vous retirer vous-même le rôle d’exploitant."));
    }
    if !membership::set_role(&site.service, me, &id, role).await? {
        return Err(Trouble::new(
            StatusCode::CONFLICT,
            "Rôle tenu ailleurs",
            "Cette personne est inconnue, ou son rôle est écrit dans le fichier de configuration.",
        ));
    }
    Ok(Redirect::to(&format!("/exploitation/personnes/{id}?fait=role")).into_response())
}

/// Answers somebody who says to speak for a structure.
pub(crate) async fn settle_claim(State(site): State<Arc<Site>>, Path(id): Path<String>, posted: Posted) -> Shown {
    posted.session.may(Permission::Operate)?;
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
    Ok(Redirect::to(&format!("/exploitation/personnes/{id}?fait=structure")).into_response())
}

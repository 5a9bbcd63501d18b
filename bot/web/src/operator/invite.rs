//! Inviting somebody: by mail, or by a code for a chat; the codes that wait, to be withdrawn.

use std::sync::Arc;

use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Redirect, Response};
use minijinja::context;
use minijinja::value::Serde;
use vigie_config::mail_address;
use vigie_domain::subscription::Role;
use vigie_domain::{Buyer, Permission};
use vigie_notifier::card::short;
use vigie_service::invitations::{Guest, Invited, invite};
use vigie_service::membership;

use super::at;
use super::people::{role_word, roles};
use crate::frame::{Fields, Operator, Posted, Shown, Site, Trouble, Visitor};

/// Longest name of a person.
const MAX_NAME: usize = 60;

/// The form as it was filled, and what is wrong with it: the field's name, and what to do.
#[derive(Default)]
struct Filled {
    name: String,
    role: Role,
    siret: String,
    email: String,
    faults: Vec<(&'static str, String)>,
    /// Who speaks for the structure already, where whoever invites has not said yet that the guest may join them.
    members: Vec<String>,
    /// The code that was made, shown this once.
    code: String,
    done: &'static str,
}

/// An invitation that nobody took yet.
#[derive(serde::Serialize)]
struct Waiting {
    mark: String,
    name: String,
    role: &'static str,
    siret: String,
    until: String,
    over: bool,
}

pub(crate) async fn form(State(site): State<Arc<Site>>, operator: Operator, fields: Fields) -> Shown {
    let done = if fields.one("fait") == "retirer" { "Invitation retirée : son code ne sert plus." } else { "" };
    let filled = Filled { role: Role::Structure, done, ..Filled::default() };
    page(&site, &operator.visitor, StatusCode::OK, filled).await
}

/// Invites, or withdraws a code.
pub(crate) async fn act(State(site): State<Arc<Site>>, posted: Posted) -> Shown {
    posted.session.may(Permission::Operate)?;
    let fields = &posted.fields;
    if fields.one("do") == "retirer" {
        site.service.store.revoke_invitation(fields.one("invitation")).await?;
        return Ok(Redirect::to("/exploitation/inviter?fait=retirer").into_response());
    }
    let wanted = fields.one("role");
    let role = Role::ALL.into_iter().find(|r| role_word(*r) == wanted).ok_or_else(|| Trouble::bad("Rôle inconnu."))?;
    let mut filled = Filled {
        name: short(fields.one("nom").trim(), MAX_NAME),
        role,
        siret: fields.one("siret").trim().to_owned(),
        email: fields.one("email").trim().to_owned(),
        ..Filled::default()
    };
    let mut guest = Guest { name: filled.name.clone(), role, ..Guest::default() };
    if !filled.siret.is_empty() {
        guest.siret = Buyer::clean_siret(&filled.siret).filter(|n| n.len() == 14);
        match &guest.siret {
            None => filled.faults.push(("siret", "Ce n’est pas un SIRET : écrivez ses quatorze chiffres.".to_owned())),
            Some(siret) if !Buyer::has_key(siret) && site.service.store.structure(siret).await?.is_none() => {
                filled
                    .faults
                    .push(("siret", "Ce SIRET comporte une faute de frappe : vérifiez ses chiffres.".to_owned()));
            }
            Some(_) => {}
        }
    }
    if !filled.email.is_empty() {
        match mail_address::canonical(&filled.email) {
            Ok(email) => guest.email = Some(email),
            Err(why) => filled.faults.push(("email", format!("{why}."))),
        }
    }
    if let (Some(siret), "") = (&guest.siret, fields.one("oui")) {
        let members = membership::members(&site.service, siret).await?;
        filled.members = members.iter().map(|p| short(&p.name, MAX_NAME)).collect();
    }
    if !filled.faults.is_empty() || !filled.members.is_empty() {
        return page(&site, &posted.visitor, StatusCode::UNPROCESSABLE_ENTITY, filled).await;
    }
    let fault = match invite(&site.service, &posted.session.person.id, &guest, site.service.clock.now()).await? {
        Invited::Asked(id) => {
            let chosen = !site.service.store.subscriptions_of(&id).await?.is_empty();
            return Ok(to_person(&id, if chosen { "invite" } else { "invite-sans-abonnement" }));
        }
        Invited::Known(id) => return Ok(to_person(&id, "connu")),
        Invited::Code(code) => {
            filled.code = code;
            return page(&site, &posted.visitor, StatusCode::OK, filled).await;
        }
        Invited::Suppressed => {
            "Le propriétaire de cette adresse a demandé son effacement : lui seul peut revenir, par la page d’inscription."
        }
        Invited::NoMail => {
            "Aucun courriel ne peut demander d’accord tant que l’envoi de courriels n’est pas réglé : laissez l’adresse vide, et donnez le code."
        }
    };
    filled.faults.push(("email", fault.to_owned()));
    page(&site, &posted.visitor, StatusCode::UNPROCESSABLE_ENTITY, filled).await
}

fn to_person(id: &str, done: &str) -> Response {
    Redirect::to(&format!("/exploitation/personnes/{id}?fait={done}")).into_response()
}

async fn page(site: &Site, visitor: &Visitor, status: StatusCode, filled: Filled) -> Shown {
    let now = site.service.clock.now();
    let invitations = site.service.store.invitations().await?;
    let waiting: Vec<Waiting> = invitations
        .into_iter()
        .filter(|i| i.used.is_none())
        .map(|i| Waiting {
            mark: i.name,
            name: short(&i.what.name, MAX_NAME),
            role: i.what.role.in_french(),
            siret: i.what.siret.unwrap_or_default(),
            until: at(i.what.expires),
            over: i.what.expires <= now,
        })
        .collect();
    let values = context! {
        name => filled.name, roles => Serde(roles(filled.role)), siret => filled.siret, email => filled.email,
        faults => Serde(filled.faults), members => filled.members.join(", "), code => filled.code, done => filled.done,
        matrix => site.service.settings.matrix.as_ref().map(|m| m.user.clone()),
        telegram => site.service.settings.telegram.is_some(),
        days => vigie_service::invitations::DAYS, waiting => Serde(waiting),
    };
    Ok(site.page_as(status, visitor, "inviter.html", values))
}

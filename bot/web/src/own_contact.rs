//! How a facilitator is reached, as they say it themselves, with a look at what structures read.

use std::sync::Arc;

use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Redirect, Response};
use minijinja::context;
use vigie_domain::{Department, Permission};
use vigie_service::own_contact::{self, Written};

use super::cookies::Session;
use super::frame::{Fields, Posted, Shown, SignedIn, Site, Trouble, Visitor};

async fn page(
    site: &Site,
    visitor: &Visitor,
    session: &Session,
    typed: Option<(&Fields, &str)>,
    done: &str,
) -> Result<Response, Trouble> {
    let me = &session.person;
    if !me.role.may(Permission::BeNamedAsHelp) {
        return Err(Trouble::no_page());
    }
    let stands = site.service.store.own_contact(&me.id).await?;
    let codes = |departments: &[Department]| departments.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ");
    let (organisation, name, contact, departments) = match (typed, &stands) {
        (Some((fields, _)), _) => {
            ["organisation", "nom", "contact", "departements"].map(|f| fields.one(f).to_owned()).into()
        }
        (None, Some(c)) => (c.territory.clone(), c.name.clone(), c.contact.clone(), codes(&c.departments)),
        (None, None) => (String::new(), me.name.clone(), String::new(), codes(&me.profile.departments)),
    };
    let status = if typed.is_some() { StatusCode::UNPROCESSABLE_ENTITY } else { StatusCode::OK };
    let values = context! {
        organisation, name, contact, departments, done, fault => typed.map(|(_, fault)| fault),
        shown => stands.map(|c| c.in_french()),
    };
    Ok(site.page_as(status, visitor, "contact.html", values))
}

pub(crate) async fn show(State(site): State<Arc<Site>>, signed: SignedIn, fields: Fields) -> Shown {
    let done = match fields.one("fait") {
        "montre" => {
            "C’est noté : les structures de ces départements vous lisent dès maintenant sous « Qui peut aider »."
        }
        "retire" => "C’est retiré : plus personne ne lit votre contact.",
        _ => "",
    };
    page(&site, &signed.visitor, &signed.session, None, done).await
}

pub(crate) async fn save(State(site): State<Arc<Site>>, posted: Posted) -> Shown {
    let (session, fields) = (&posted.session, &posted.fields);
    session.may(Permission::BeNamedAsHelp)?;
    let said = match fields.one("do") {
        "retirer" => ("", "", "", ""),
        _ => (fields.one("organisation"), fields.one("nom"), fields.one("contact"), fields.one("departements")),
    };
    match own_contact::write(&site.service, &session.person, said).await? {
        Written::Shown => Ok(Redirect::to("/reglages/contact?fait=montre").into_response()),
        Written::Gone => Ok(Redirect::to("/reglages/contact?fait=retire").into_response()),
        Written::Refused(why) => page(&site, &posted.visitor, session, Some((fields, &why)), "").await,
    }
}

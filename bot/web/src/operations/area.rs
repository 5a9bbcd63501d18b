//! The area that the organisation serves: said once for all colleagues; whoever wants hears of what is published there.

use std::sync::Arc;

use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Redirect, Response};
use minijinja::context;
use minijinja::value::Serde;
use vigie_domain::Permission;
use vigie_domain::service_area::{Area, MAX_PLACES, ServiceArea};
use vigie_service::areas::{self, MAX_TEXT, Written};
use vigie_service::operations;

use super::Follower;
use crate::browse;
use crate::frame::{Fields, Posted, Shown, Site, Trouble, Visitor};

/// An area in a line, with the names of its départements where it is nothing else.
pub(crate) fn in_french(area: &Area) -> String {
    // Names of départements are known to the pages.
    if area.is_fine() || !area.buyers.is_empty() {
        area.in_french(vigie_config::rules::communes())
    } else {
        browse::place(&area.departments)
    }
}

/// What was typed.
#[derive(Default, serde::Serialize)]
struct Typed {
    name: String,
    contact: String,
    shown: bool,
    departments: String,
    epcis: String,
    communes: String,
    buyers: String,
    quarters: String,
}

impl Typed {
    fn of(said: &ServiceArea) -> Self {
        let [departments, epcis, communes, buyers, quarters] = areas::lines(&said.area);
        let (name, contact) = (said.name.clone(), said.contact.clone());
        Self { name, contact, shown: said.shown, departments, epcis, communes, buyers, quarters }
    }

    fn posted(fields: &Fields) -> Self {
        let line = |name: &str| fields.one(name).split_whitespace().collect::<Vec<_>>().join(" ");
        let list = |name: &str| fields.one(name).to_owned();
        Self {
            name: line("nom"),
            contact: line("contact"),
            shown: fields.one("montrer") == "oui",
            departments: list("departements"),
            epcis: list("epci"),
            communes: list("communes"),
            buyers: list("acheteurs"),
            quarters: list("quartiers"),
        }
    }

    fn read(&self) -> Result<ServiceArea, Vec<(&'static str, String)>> {
        let written = Written {
            departments: &self.departments,
            epcis: &self.epcis,
            communes: &self.communes,
            buyers: &self.buyers,
            quarters: &self.quarters,
        };
        let (area, mut faults) = written.read();
        for (field, text) in [("nom", &self.name), ("contact", &self.contact)] {
            if text.chars().count() > MAX_TEXT {
                faults.push((field, format!("{MAX_TEXT} caractères au plus")));
            }
        }
        if self.shown && self.name.is_empty() {
            faults.push(("nom", "donnez le nom que liront les destinataires des alertes".to_owned()));
        }
        if self.shown && self.contact.is_empty() {
            faults.push(("contact", "dites comment vous joindre, ou décochez la case".to_owned()));
        }
        let said = ServiceArea { name: self.name.clone(), contact: self.contact.clone(), shown: self.shown, area };
        if faults.is_empty() { Ok(said) } else { Err(faults) }
    }
}

async fn page(
    site: &Site,
    visitor: &Visitor,
    (person, typed): (&vigie_domain::Subscriber, &Typed),
    done: &'static str,
    faults: &[(&'static str, String)],
) -> Result<Response, Trouble> {
    let service = &site.service;
    let stands = service.store.service_area(person.structure()).await?;
    let mut following = Vec::new();
    for colleague in operations::colleagues(service, person.structure()).await? {
        if colleague.id != person.id && areas::follows(service, &colleague).await? {
            following.push(colleague.name);
        }
    }
    let reach = stands.as_ref().map(|(s, _)| s.area.reach(vigie_config::rules::communes())).unwrap_or_default();
    let reach: Vec<String> = reach.iter().map(ToString::to_string).collect();
    let summary = stands.as_ref().map(|(s, _)| in_french(&s.area));
    let values = context! {
        done => done, f => Serde(typed), faults => Serde(faults), max => MAX_TEXT, max_places => MAX_PLACES,
        summary => summary.filter(|s| !s.is_empty()), by => stands.map(|(_, by)| by),
        spaser => reach, mine => areas::follows(service, person).await?, following => following,
    };
    let status = if faults.is_empty() { StatusCode::OK } else { StatusCode::BAD_REQUEST };
    Ok(site.page_as(status, visitor, "territoire.html", values))
}

pub(crate) async fn show(State(site): State<Arc<Site>>, follower: Follower, fields: Fields) -> Shown {
    let person = &follower.session.person;
    let said = areas::of(&site.service, person.structure()).await?;
    page(&site, &follower.visitor, (person, &Typed::of(&said)), done(fields.one("fait")), &[]).await
}

fn done(word: &str) -> &'static str {
    match word {
        "note" => "C’est noté : le territoire de votre organisation est enregistré.",
        "suivre" => "C’est noté : vous recevez ce qui y est publié.",
        "ne-plus-suivre" => "C’est noté : vous ne recevez plus ce qui y est publié.",
        _ => "",
    }
}

pub(crate) async fn settle(State(site): State<Arc<Site>>, posted: Posted) -> Shown {
    posted.session.may(Permission::FollowOperations)?;
    let (service, person) = (&site.service, &posted.session.person);
    let word = match posted.fields.one("faire") {
        "suivre" => {
            areas::follow(service, person, &areas::of(service, person.structure()).await?.area).await?;
            "suivre"
        }
        "ne-plus-suivre" => {
            areas::unfollow(service, person).await?;
            "ne-plus-suivre"
        }
        _ => {
            let typed = Typed::posted(&posted.fields);
            match typed.read() {
                Ok(said) => areas::settle(service, person, &said).await?,
                Err(faults) => return page(&site, &posted.visitor, (person, &typed), "", &faults).await,
            }
            "note"
        }
    };
    Ok(Redirect::to(&format!("/operations/territoire?fait={word}")).into_response())
}

//! Hours to be worked, for the organisation that tells them: written, answered, kept, closed.

use std::sync::Arc;

use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Redirect, Response};
use minijinja::context;
use minijinja::value::Serde;
use vigie_config::rules::Rules;
use vigie_domain::hours_to_fill::{FillState, HoursToFill};
use vigie_domain::operation::{Hours, MAX_LINE};
use vigie_domain::{Permission, Subscriber, french};
use vigie_service::hours_to_fill::{self, Fault, Kept};
use vigie_service::operations::tables::{day, departments};
use vigie_service::place_input;
use vigie_watcher::zones;

use super::Follower;
use crate::browse;
use crate::frame::{Fields, Posted, Shown, Site, Trouble, Visitor};
use crate::hours_to_fill::Row;

/// What was typed.
#[derive(Default, serde::Serialize)]
struct Typed {
    trade: String,
    sector: String,
    place: String,
    departments: String,
    starts: String,
    hours: String,
    contact: String,
    note: String,
    until: String,
    operation: String,
}

impl Typed {
    fn posted(fields: &Fields) -> Self {
        let text = |name: &str| fields.one(name).split_whitespace().collect::<Vec<_>>().join(" ");
        Self {
            trade: text("metier"),
            sector: text("secteur"),
            place: text("lieu"),
            departments: text("departements"),
            starts: text("debut"),
            hours: text("heures"),
            contact: text("contact"),
            note: text("precisions"),
            until: text("jusqu"),
            operation: text("operation"),
        }
    }

    fn read(&self) -> Result<HoursToFill, Vec<(&'static str, String)>> {
        let mut faults = Vec::new();
        let mut o = HoursToFill {
            trade: self.trade.clone(),
            sector: Some(self.sector.clone()).filter(|s| Rules::embedded().is_sector(s)),
            place: self.place.clone(),
            contact: self.contact.clone(),
            note: self.note.clone(),
            operation: self.operation.clone(),
            ..HoursToFill::default()
        };
        match Hours::written(&self.hours) {
            Some(hours) => o.hours = hours,
            None => faults.push(("heures", "écrivez un nombre d’heures : 400".to_owned())),
        }
        match departments(&self.departments) {
            Ok(places) => o.departments = places,
            Err(why) => faults.push(("departements", why)),
        }
        // A place that is no commune, a quarter or a site, is told by its départements.
        if let Ok(commune) = place_input::commune(&self.place) {
            commune.code.clone_into(&mut o.commune);
        } else if !self.place.is_empty() && o.departments.is_empty() {
            faults.push(("departements", "dites le département : je ne connais pas de commune de ce nom".to_owned()));
        }
        if !self.starts.is_empty() {
            o.starts = day(&self.starts);
            if o.starts.is_none() {
                faults.push(("debut", "écrivez un jour : 15/03/2027".to_owned()));
            }
        }
        match day(&self.until) {
            Some(until) => o.until = until,
            None => faults.push(("jusqu", "écrivez un jour : 15/03/2027".to_owned())),
        }
        if faults.is_empty() { Ok(o) } else { Err(faults) }
    }
}

fn field_of(fault: &Fault) -> &'static str {
    match fault {
        Fault::NoTrade | Fault::TooLong("métier") => "metier",
        Fault::NoPlace | Fault::TooLong("lieu") => "lieu",
        Fault::NoContact | Fault::TooLong("contact") => "contact",
        Fault::NoHours => "heures",
        Fault::Until => "jusqu",
        Fault::TooLong(_) => "precisions",
        Fault::TooMany => "",
    }
}

/// Hours told, with what was answered.
#[derive(serde::Serialize)]
struct Told {
    o: Row,
    state: &'static str,
    open: bool,
    /// How many people such hours go to.
    readers: usize,
    operation: String,
    offered: String,
    kept: String,
    no: usize,
    /// Structure, name, hours, words, hours kept, who answered.
    yes: Vec<(String, String, String, String, String, String)>,
}

async fn page(
    site: &Site,
    visitor: &Visitor,
    (person, typed): (&Subscriber, &Typed),
    faults: &[(&'static str, String)],
    done_now: &str,
) -> Result<Response, Trouble> {
    let (service, structure) = (&site.service, person.structure());
    let today = zones::paris_day(service.clock.now());
    let operations: Vec<(String, String, bool)> = service
        .store
        .operations_of(structure)
        .await?
        .into_iter()
        .filter(|o| o.state.is_open())
        .map(|o| (o.id.clone(), format!("{} – {}", o.reference, o.title), o.id == typed.operation))
        .collect();
    let all = hours_to_fill::told_by(service, structure).await?;
    let live: Vec<HoursToFill> = all.iter().map(|(o, _)| o).filter(|o| o.is_open(today)).cloned().collect();
    let readers = hours_to_fill::readers(service, &live).await?;
    let mut told = Vec::new();
    for (offer, answers) in all {
        let (offered, kept, no) = hours_to_fill::sums(&answers);
        let open = offer.is_open(today);
        let word = |h: Hours| if h.is_none() { String::new() } else { h.to_string() };
        told.push(Told {
            state: match offer.state {
                FillState::Filled => "pourvues",
                FillState::Withdrawn => "retirées",
                FillState::Open if open => "à pourvoir",
                FillState::Open => "closes",
            },
            open,
            readers: readers.get(&offer.id).copied().unwrap_or_default(),
            operation: offer.operation.clone(),
            offered: offered.to_string(),
            kept: kept.to_string(),
            no,
            yes: answers
                .iter()
                .filter(|a| a.yes)
                .map(|a| {
                    let words = a.note.clone();
                    (a.structure.clone(), a.name.clone(), word(a.hours), words, word(a.kept), a.by.clone())
                })
                .collect(),
            o: Row::of(&offer, None),
        });
    }
    let values = context! {
        f => Serde(typed), faults => Serde(faults), max => MAX_LINE, told => Serde(told), done_now => done_now, operations => Serde(operations),
        sectors => Serde(browse::sectors(std::slice::from_ref(&typed.sector))),
    };
    let status = if faults.is_empty() { StatusCode::OK } else { StatusCode::BAD_REQUEST };
    Ok(site.page_as(status, visitor, "heures-proposees.html", values))
}

pub(crate) async fn show(State(site): State<Arc<Site>>, follower: Follower, fields: Fields) -> Shown {
    let person = &follower.session.person;
    let mut typed = Typed::default();
    if let Some(o) = site.service.store.operation(person.structure(), fields.one("operation")).await? {
        typed.operation.clone_from(&o.id);
        typed.place = o.territory;
        typed.departments = o.departments.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ");
    }
    typed.contact = vigie_service::areas::of(&site.service, person.structure()).await?.contact;
    let done_now = match fields.one("fait") {
        "envoye" => "C’est proposé. Les réponses se lisent ici.",
        "retenu" => "C’est noté : la structure l’apprend.",
        "clos" => "C’est noté : cette proposition est close.",
        _ => "",
    };
    page(&site, &follower.visitor, (person, &typed), &[], done_now).await
}

pub(crate) async fn tell(State(site): State<Arc<Site>>, posted: Posted) -> Shown {
    posted.session.may(Permission::FollowOperations)?;
    let person = &posted.session.person;
    let typed = Typed::posted(&posted.fields);
    let faults = match typed.read() {
        Ok(mut o) => {
            if site.service.store.operation(person.structure(), &o.operation).await?.is_none() {
                o.operation.clear();
            }
            match hours_to_fill::tell(&site.service, person, posted.session.name(), o).await? {
                Ok(_) => return Ok(Redirect::to("/operations/heures-a-pourvoir?fait=envoye#fait").into_response()),
                Err(fault) => vec![(field_of(&fault), fault.to_string())],
            }
        }
        Err(faults) => faults,
    };
    page(&site, &posted.visitor, (person, &typed), &faults, "").await
}

/// Keeps hours of an answer, or closes them all.
pub(crate) async fn conduct(State(site): State<Arc<Site>>, Path(id): Path<String>, posted: Posted) -> Shown {
    posted.session.may(Permission::FollowOperations)?;
    let (service, person, fields) = (&site.service, &posted.session.person, &posted.fields);
    let done = match fields.one("faire") {
        "retenir" => {
            let hours = Hours::written(fields.one("heures"))
                .ok_or_else(|| Trouble::bad(french::capital("écrivez un nombre d’heures : 200.")))?;
            match hours_to_fill::keep(service, person, (&id, fields.one("structure")), hours).await? {
                Kept::Noted => true,
                Kept::Nothing => false,
                Kept::TooMany { offered } => {
                    return Err(Trouble::bad(format!(
                        "{offered}\u{a0}heures sont proposées : on n’en retient pas davantage. Rien n’est noté."
                    )));
                }
            }
        }
        "pourvues" => hours_to_fill::close(service, person, &id, true).await?,
        "retirer" => hours_to_fill::close(service, person, &id, false).await?,
        _ => return Err(Trouble::bad("Dites ce que deviennent ces heures.")),
    };
    if !done {
        return Err(Trouble::no_page());
    }
    let done = if fields.one("faire") == "retenir" { "retenu" } else { "clos" };
    Ok(Redirect::to(&format!("/operations/heures-a-pourvoir?fait={done}#fait")).into_response())
}

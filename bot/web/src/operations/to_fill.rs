//! Hours to be worked, for the organisation that tells them: written, answered, kept, closed.

use std::sync::Arc;

use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Redirect, Response};
use chrono::NaiveDate;
use minijinja::context;
use minijinja::value::Serde;
use vigie_config::rules::Rules;
use vigie_domain::hours_to_fill::{FillState, HoursAnswer, HoursToFill};
use vigie_domain::operation::plan::ToWork;
use vigie_domain::operation::{Hours, MAX_LINE, Operation};
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

/// A structure that answered yes.
#[derive(serde::Serialize)]
struct Yes {
    structure: String,
    name: String,
    hours: String,
    note: String,
    kept: String,
    /// What is proposed to be kept: what it answered, no more than is left.
    proposed: String,
    /// Who answered, where that is not the structure's own name.
    by: String,
}

/// Hours told, with what was answered.
#[derive(serde::Serialize)]
struct Told {
    o: Row,
    state: &'static str,
    open: bool,
    /// It was closed, and its last day is not past.
    opens_again: bool,
    /// How many people such hours go to.
    readers: usize,
    operation: String,
    offered: String,
    kept: String,
    no: usize,
    yes: Vec<Yes>,
}

fn yes(a: &HoursAnswer, offered: Hours, filled: Hours) -> Yes {
    let word = |h: Hours| if h.is_none() { String::new() } else { h.to_string() };
    let left = if filled < offered { offered - filled } else { Hours::NONE };
    let proposed = if a.kept.is_none() { a.hours.min(left) } else { a.kept };
    Yes {
        structure: a.structure.clone(),
        name: a.name.clone(),
        hours: word(a.hours),
        note: a.note.clone(),
        kept: word(a.kept),
        proposed: word(proposed),
        by: if a.by == a.name { String::new() } else { a.by.clone() },
    }
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
        let (offered, filled, no) = hours_to_fill::sums(&answers);
        let open = offer.is_open(today);
        told.push(Told {
            state: match offer.state {
                FillState::Filled => "pourvues",
                FillState::Withdrawn => "retirées",
                FillState::Open if open => "à pourvoir",
                FillState::Open => "closes",
            },
            open,
            opens_again: !open && offer.until >= today,
            readers: readers.get(&offer.id).copied().unwrap_or_default(),
            operation: offer.operation.clone(),
            offered: offered.to_string(),
            kept: filled.to_string(),
            no,
            yes: answers.iter().filter(|a| a.yes).map(|a| yes(a, offer.hours, filled)).collect(),
            o: Row::of(&offer, None),
        });
    }
    let values = context! {
        f => Serde(typed), faults => Serde(faults), max => MAX_LINE, told => Serde(told), done_now => done_now, operations => Serde(operations),
        lots => Serde(lots_of(site, structure, typed).await?),
        sectors => Serde(browse::sectors(std::slice::from_ref(&typed.sector))),
    };
    let status = if faults.is_empty() { StatusCode::OK } else { StatusCode::BAD_REQUEST };
    Ok(site.page_as(status, visitor, "heures-proposees.html", values))
}

pub(crate) async fn show(State(site): State<Arc<Site>>, follower: Follower, fields: Fields) -> Shown {
    let person = &follower.session.person;
    let mut typed = Typed::default();
    if let Some(o) = site.service.store.operation(person.structure(), fields.one("operation")).await? {
        let lots = hours_to_fill::to_work(&site.service, person.structure(), &o.id).await?;
        let today = zones::paris_day(site.service.clock.now());
        begin(&mut typed, o, &lots, fields.every("lot").next(), today);
    }
    typed.contact = vigie_service::areas::of(&site.service, person.structure()).await?.contact;
    let done_now = match fields.one("fait") {
        "envoye" => "C’est proposé. Les réponses se lisent ici.",
        "retenu" => "C’est noté : la structure l’apprend.",
        "clos" => "C’est noté : cette proposition est close.",
        "rouvert" => "C’est noté : ces heures sont de nouveau à pourvoir.",
        _ => "",
    };
    page(&site, &follower.visitor, (person, &typed), &[], done_now).await
}

/// What an operation gives to the form: its place, and its lot's trade, hours and start; of several lots, that which was chosen.
fn begin(typed: &mut Typed, o: Operation, lots: &[ToWork], chosen: Option<&str>, today: NaiveDate) {
    typed.operation = o.id;
    typed.place = o.territory;
    typed.departments = o.departments.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ");
    let lot = match lots {
        [one] => Some(one),
        many => many.iter().find(|w| Some(w.lot.as_str()) == chosen),
    };
    if let Some(lot) = lot {
        typed.trade.clone_from(&lot.trade);
        typed.hours = lot.hours.to_string();
        typed.starts = lot.starts.filter(|d| *d > today).map(|d| d.format("%d/%m/%Y").to_string()).unwrap_or_default();
    }
}

/// The lots of an operation that hours can be told of: number, what they are, whether this one fills the form.
async fn lots_of(site: &Site, structure: &str, typed: &Typed) -> Result<Vec<(String, String, bool)>, Trouble> {
    let lots = hours_to_fill::to_work(&site.service, structure, &typed.operation).await?;
    if lots.len() < 2 {
        return Ok(Vec::new());
    }
    let named = |w: ToWork| {
        let number = if w.lot.is_empty() { "Sans lot".to_owned() } else { format!("Lot {}", w.lot) };
        let trade = if w.trade.is_empty() { String::new() } else { format!(", {}", w.trade) };
        let on = w.trade == typed.trade && w.hours.to_string() == typed.hours;
        (w.lot, format!("{number}{trade} : {}\u{a0}heures", w.hours), on)
    };
    Ok(lots.into_iter().map(named).collect())
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

/// Keeps hours of an answer, closes them all, or opens them again.
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
        "rouvrir" => {
            let opened = hours_to_fill::reopen(service, person, &id).await?;
            opened.map_err(|fault| Trouble::bad(format!("{}.", french::capital(&fault.to_string()))))?
        }
        _ => return Err(Trouble::bad("Dites ce que deviennent ces heures.")),
    };
    if !done {
        return Err(Trouble::no_page());
    }
    let done = match fields.one("faire") {
        "retenir" => "retenu",
        "rouvrir" => "rouvert",
        _ => "clos",
    };
    Ok(Redirect::to(&format!("/operations/heures-a-pourvoir?fait={done}#fait")).into_response())
}

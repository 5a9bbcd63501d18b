//! Meetings to come: business meetings, information days, sourcing. Everybody reads them; facilitators and networks write them.

use std::sync::Arc;

use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Redirect, Response};
use chrono::NaiveTime;
use minijinja::context;
use minijinja::value::Serde;
use vigie_domain::Permission;
use vigie_domain::event::Event;
use vigie_domain::operation::MAX_LINE;
use vigie_service::answers::action::folded;
use vigie_service::events::{self, Fault};
use vigie_service::operations::tables::{day, departments};
use vigie_service::place_input;

use super::frame::{Fields, Posted, Shown, Site, Trouble, Visitor};

#[derive(serde::Serialize)]
struct Row {
    id: String,
    title: String,
    moment: String,
    place: String,
    link: String,
    /// The visitor may take it away.
    own: bool,
}

/// What was typed.
#[derive(Default, serde::Serialize)]
struct Typed {
    title: String,
    day: String,
    time: String,
    place: String,
    departments: String,
    link: String,
}

/// A time as people write it: `14 h`, `14h30`, `14:30`; `None` where it is none.
fn time(text: &str) -> Option<NaiveTime> {
    let bare: String = text.chars().filter(|c| !c.is_whitespace()).collect::<String>().to_lowercase();
    let (hour, minute) = bare.split_once(['h', ':'])?;
    let minute = if minute.is_empty() { "0" } else { minute };
    NaiveTime::from_hms_opt(hour.parse().ok()?, minute.parse().ok()?, 0)
}

/// Whether a place says that nobody goes anywhere, or says nothing.
fn is_remote(place: &str) -> bool {
    let folded = folded(place);
    folded.is_empty()
        || ["distance", "visio", "en ligne", "webinaire", "teams", "zoom"].iter().any(|w| folded.contains(w))
}

impl Typed {
    fn posted(fields: &Fields) -> Self {
        let text = |name: &str| fields.one(name).split_whitespace().collect::<Vec<_>>().join(" ");
        Self {
            title: text("rencontre"),
            day: text("jour"),
            time: text("heure"),
            place: text("lieu"),
            departments: text("departements"),
            link: text("adresse"),
        }
    }

    fn read(&self) -> Result<Event, Vec<(&'static str, String)>> {
        let mut faults = Vec::new();
        let mut event =
            Event { title: self.title.clone(), place: self.place.clone(), link: self.link.clone(), ..Event::default() };
        match day(&self.day) {
            Some(day) => event.day = day,
            None => faults.push(("jour", "écrivez un jour : 15/03/2027".to_owned())),
        }
        if !self.time.is_empty() {
            event.time = time(&self.time);
            if event.time.is_none() {
                faults.push(("heure", "écrivez une heure : 14 h 30".to_owned()));
            }
        }
        match departments(&self.departments) {
            Ok(places) => event.departments = places,
            Err(why) => faults.push(("departements", why)),
        }
        // Another place than a commune is told by its départements; what is held at a distance is for everybody.
        match place_input::commune(&self.place) {
            Ok(commune) => commune.code.clone_into(&mut event.commune),
            Err(_) if !self.departments.is_empty() || is_remote(&self.place) => {}
            Err(why) => faults.push(("lieu", format!("{why} ; ou donnez les départements que la rencontre intéresse"))),
        }
        if faults.is_empty() { Ok(event) } else { Err(faults) }
    }
}

async fn page(
    site: &Site,
    visitor: &Visitor,
    typed: &Typed,
    faults: &[(&'static str, String)],
) -> Result<Response, Trouble> {
    let person = visitor.session.as_ref().map(|s| &s.person);
    let writes = person.is_some_and(events::may_write);
    let operates = person.is_some_and(|p| p.role.may(Permission::Operate));
    // Whoever writes them sees them all.
    let all = events::ahead(&site.service, person.filter(|_| !writes)).await?;
    let row = |e: &Event| Row {
        id: e.id.clone(),
        title: e.title.clone(),
        moment: e.moment(),
        place: e.place.clone(),
        link: e.link.clone(),
        own: operates || person.is_some_and(|p| p.structure() == e.structure),
    };
    let values = context! {
        rows => Serde(all.iter().map(row).collect::<Vec<_>>()), writes => writes, f => Serde(typed),
        faults => Serde(faults), max => MAX_LINE,
    };
    let status = if faults.is_empty() { StatusCode::OK } else { StatusCode::BAD_REQUEST };
    Ok(site.page_as(status, visitor, "rencontres.html", values))
}

pub(crate) async fn show(State(site): State<Arc<Site>>, visitor: Visitor) -> Shown {
    page(&site, &visitor, &Typed::default(), &[]).await
}

pub(crate) async fn write(State(site): State<Arc<Site>>, posted: Posted) -> Shown {
    let person = &posted.session.person;
    if !events::may_write(person) {
        return Err(Trouble::no_page());
    }
    let typed = Typed::posted(&posted.fields);
    let faults = match typed.read() {
        Ok(event) => match events::write(&site.service, person, posted.session.name(), event).await? {
            Ok(()) => return Ok(Redirect::to("/rencontres").into_response()),
            Err(fault) => {
                let field = match fault {
                    Fault::NoTitle | Fault::TooLong("rencontre") => "rencontre",
                    Fault::Day => "jour",
                    Fault::TooLong("lieu") => "lieu",
                    Fault::Link | Fault::TooLong(_) => "adresse",
                };
                vec![(field, fault.to_string())]
            }
        },
        Err(faults) => faults,
    };
    page(&site, &posted.visitor, &typed, &faults).await
}

pub(crate) async fn remove(State(site): State<Arc<Site>>, Path(id): Path<String>, posted: Posted) -> Shown {
    let person = &posted.session.person;
    let any = person.role.may(Permission::Operate);
    if !events::may_write(person) || !site.service.store.remove_event(person.structure(), &id, any).await? {
        return Err(Trouble::no_page());
    }
    Ok(Redirect::to("/rencontres").into_response())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_read_as_people_write_them() {
        for text in ["14 h 30", "14h30", "14:30", "14\u{a0}H\u{a0}30"] {
            assert_eq!(time(text), NaiveTime::from_hms_opt(14, 30, 0), "{text}");
        }
        assert_eq!(time("9 h"), NaiveTime::from_hms_opt(9, 0, 0));
        for text in ["", "midi", "25 h", "14 h 75", "14"] {
            assert_eq!(time(text), None, "{text}");
        }
    }

    #[test]
    fn what_is_wrong_in_the_form_is_said_at_its_field() {
        let typed =
            Typed { day: "bientôt".into(), time: "midi".into(), departments: "lune".into(), ..Typed::default() };
        let faults: Vec<&str> = typed.read().unwrap_err().into_iter().map(|(f, _)| f).collect();
        assert_eq!(faults, ["jour", "heure", "departements"]);
        let lens = Typed { day: "15/03/2027".into(), place: "Lens (62)".into(), ..Typed::default() };
        assert_eq!(lens.read().unwrap().commune, "62498");
        // A hall that could be anywhere would be told to everybody.
        let at = |place: &str, departments: &str| {
            let day = "15/03/2027".to_owned();
            Typed { day, place: place.into(), departments: departments.into(), ..Typed::default() }.read()
        };
        for place in ["Saint-Martin", "Salle des fêtes"] {
            let faults = at(place, "").unwrap_err();
            assert!(faults.len() == 1 && faults[0].0 == "lieu", "{faults:?}");
            assert!(at(place, "62").is_ok());
        }
        for place in ["", "À distance", "En visioconférence"] {
            assert!(at(place, "").unwrap().departments.is_empty(), "{place}");
        }
    }
}

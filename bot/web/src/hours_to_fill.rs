//! Hours of clauses to be worked, for those who answer them: whether one hears of them, which are open, and the answer, signed in or by
//! the link of a mail.

use std::sync::Arc;

use axum::extract::{Path, State};
use axum::response::{IntoResponse, Redirect};
use minijinja::context;
use minijinja::value::Serde;
use vigie_domain::Subscriber;
use vigie_domain::french;
use vigie_domain::hours_to_fill::{HoursAnswer, HoursToFill};
use vigie_domain::operation::{Hours, MAX_LINE};
use vigie_service::hours_to_fill::{self, Answered, OVER, READ_BY};
use vigie_service::links::Purpose;
use vigie_watcher::zones;

use super::by_link::subject_of;
use super::frame::{Client, Fields, Posted, Shown, SignedIn, Site, Trouble, Visitor};

/// Hours as lists show them.
#[derive(serde::Serialize)]
pub(crate) struct Row {
    pub(crate) id: String,
    pub(crate) what: String,
    pub(crate) organisation: String,
    pub(crate) contact: String,
    pub(crate) note: String,
    pub(crate) until: String,
    /// What one's structure answered.
    pub(crate) mine: Option<String>,
}

impl Row {
    pub(crate) fn of(o: &HoursToFill, mine: Option<&HoursAnswer>) -> Self {
        let said = |a: &HoursAnswer| match (a.yes, a.hours.is_none(), a.kept.is_none()) {
            (false, ..) => "pas pour nous".to_owned(),
            (true, _, false) => format!("retenu : {}\u{a0}heures", a.kept),
            (true, true, _) => "nous pouvons".to_owned(),
            (true, false, _) => format!("nous pouvons, {}\u{a0}heures", a.hours),
        };
        Self {
            id: o.id.clone(),
            what: o.in_french(),
            organisation: o.organisation.clone(),
            contact: o.contact.clone(),
            note: o.note.clone(),
            until: french::date(o.until),
            mine: mine.map(said),
        }
    }
}

pub(crate) async fn show(State(site): State<Arc<Site>>, SignedIn { visitor, session }: SignedIn) -> Shown {
    let service = &site.service;
    let wants = hours_to_fill::wants(service, &session.person).await?;
    let open = if wants { hours_to_fill::open_for(service, &session.person).await? } else { Vec::new() };
    let rows: Vec<Row> = open.iter().map(|(o, mine)| Row::of(o, mine.as_ref())).collect();
    let values = context! { wants => wants, rows => Serde(rows), read_by => READ_BY, max => MAX_LINE };
    Ok(site.page(&visitor, "heures-a-pourvoir.html", values))
}

/// Hears of them, or no more.
pub(crate) async fn settle(State(site): State<Arc<Site>>, posted: Posted) -> Shown {
    let wants = posted.fields.one("recevoir") == "oui";
    hours_to_fill::want(&site.service, &posted.session.person, wants).await?;
    Ok(Redirect::to("/heures").into_response())
}

async fn noted(
    site: &Site,
    (person, by): (&Subscriber, &str),
    offer: &str,
    fields: &Fields,
) -> Result<Answered, Trouble> {
    let yes = match fields.one("dire") {
        "oui" => true,
        "non" => false,
        _ => return Err(Trouble::bad("Choisissez une réponse.")),
    };
    let hours =
        Hours::written(fields.one("heures")).ok_or_else(|| Trouble::bad("Écrivez un nombre d’heures : 200."))?;
    let answer = (yes, hours, fields.one("note"));
    Ok(hours_to_fill::answer(&site.service, (person, by), offer, answer).await?)
}

pub(crate) async fn answer(State(site): State<Arc<Site>>, Path(id): Path<String>, posted: Posted) -> Shown {
    let by = (&posted.session.person, posted.session.name());
    match noted(&site, by, &id, &posted.fields).await? {
        Answered::Unknown => Err(Trouble::no_page()),
        Answered::Over => Err(Trouble::bad(OVER)),
        Answered::Noted { .. } => Ok(Redirect::to("/heures").into_response()),
    }
}

/// The hours and the person that a link speaks of.
async fn linked(site: &Site, token: &str) -> Result<(HoursToFill, Subscriber), Trouble> {
    let subject = subject_of(site, Purpose::HoursToFill, token)?;
    let (offer, person) = subject.split_once(':').ok_or_else(Trouble::no_page)?;
    let store = &site.service.store;
    let offer = store.hours_to_fill(offer).await?.ok_or_else(Trouble::no_page)?;
    Ok((offer, store.subscriber(person).await?.ok_or_else(Trouble::no_page)?))
}

/// What the link of a mail opens: it shows the hours, and nothing of what was answered before.
pub(crate) async fn ask_by_link(State(site): State<Arc<Site>>, visitor: Visitor, Path(token): Path<String>) -> Shown {
    let (offer, _) = linked(&site, &token).await?;
    let open = offer.is_open(zones::paris_day(site.service.clock.now()));
    let values =
        context! { o => Serde(Row::of(&offer, None)), open => open, over => OVER, read_by => READ_BY, max => MAX_LINE };
    Ok(site.page(&visitor, "pourvoir.html", values))
}

pub(crate) async fn answer_by_link(
    State(site): State<Arc<Site>>,
    visitor: Visitor,
    Path(token): Path<String>,
    client: Client,
    fields: Fields,
) -> Shown {
    site.costly(client)?;
    let (offer, person) = linked(&site, &token).await?;
    let answered = noted(&site, (&person, &person.name), &offer.id, &fields).await?;
    Ok(site.word(&visitor, "C’est reçu", &answered.in_french()))
}

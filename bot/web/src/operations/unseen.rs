//! Contracts whose notice shows no social condition: what a facilitator reads in the CCAP is said here, for everybody.

use std::sync::Arc;

use axum::extract::State;
use axum::response::{IntoResponse, Redirect};
use minijinja::context;
use minijinja::value::Serde;
use vigie_domain::Permission;
use vigie_notifier::card::short;
use vigie_service::operations::unseen;
use vigie_service::verdict_correction::{CorrectedProvision, hours, percent};

use super::Follower;
use super::area::in_french as area_in_french;
use crate::browse;
use crate::frame::{Fields, Posted, Shown, Site, Trouble};
use crate::procedure;

/// Longest note, in characters.
const MAX_NOTE: usize = 300;

pub(crate) async fn show(State(site): State<Arc<Site>>, follower: Follower, fields: Fields) -> Shown {
    let (service, structure) = (&site.service, follower.session.structure());
    let area = unseen::area(service, structure).await?;
    let rows = unseen::shown(service, structure, service.clock.now()).await?;
    let values = context! {
        rows => Serde(browse::rows(&site, &follower.visitor, &rows).await?),
        territory => area_in_french(&area),
        said => Serde(said(&site, &follower, &fields).await?),
        any_place => !area.is_empty(),
        max_note => MAX_NOTE,
    };
    Ok(site.page(&follower.visitor, "a-verifier.html", values))
}

pub(crate) async fn say(State(site): State<Arc<Site>>, posted: Posted) -> Shown {
    posted.session.may(Permission::FollowOperations)?;
    posted.session.may(Permission::CorrectVerdict)?;
    let fields = &posted.fields;
    let id = fields.one("marche");
    procedure::notices(&site, Some(&posted.session), id).await?;
    let number = |name: &str, read: fn(&str) -> Result<f64, &'static str>| match fields.one(name) {
        "" => Ok(None),
        text => read(text).map(Some).map_err(Trouble::bad),
    };
    let seen = match fields.one("dire") {
        "vue" => Some(CorrectedProvision {
            hours: number("heures", hours)?,
            percent: number("part", percent)?,
            ..CorrectedProvision::default()
        }),
        "absente" => None,
        _ => return Err(Trouble::bad("Dites si la condition est vue au CCAP, ou absente.")),
    };
    let read = unseen::Read { seen, note: short(fields.one("note"), MAX_NOTE) };
    if !unseen::say(&site.service, &posted.session.person, id, read).await? {
        return Err(Trouble::bad("Ce marché montre déjà une condition : corrigez-la depuis sa page."));
    }
    Ok(Redirect::to(&format!("/operations/a-verifier?fait={}&marche={id}#fait", fields.one("dire"))).into_response())
}

/// What was said a moment ago of a market: its title, and what; nothing where it is not there to be seen.
async fn said(
    site: &Site,
    follower: &Follower,
    fields: &Fields,
) -> Result<Option<(String, String, &'static str)>, Trouble> {
    let what = match fields.one("fait") {
        "vue" => "la condition est vue au CCAP",
        "absente" => "la condition est absente du CCAP",
        _ => return Ok(None),
    };
    let id = fields.one("marche");
    let notices = procedure::notices(site, Some(&follower.session), id).await?;
    let title = notices.last().map(|n| procedure::title_of(&n.notice, &n.assessment));
    Ok(title.map(|title| (id.to_owned(), title, what)))
}

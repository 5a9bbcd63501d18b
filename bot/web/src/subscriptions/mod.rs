//! My subscriptions: made, changed, paused and removed by their owner; what one would have given is said before it is kept.
//!
//! A subscription that would have matched nothing, or almost everything, is kept only once its owner has read so; the same one
//! twice is refused. Those of a person declared in the settings file are theirs from their first change on.

pub(crate) mod form;

use std::sync::Arc;

use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Redirect};
use chrono::{DateTime, Duration, NaiveDate, NaiveTime, TimeZone, Utc};
use chrono_tz::Europe::Paris;
use minijinja::context;
use minijinja::value::Serde;
use vigie_domain::subscription::Role;
use vigie_domain::{Alert, AlertKind, Cadence, Filter, Subscriber, Subscription, french};
use vigie_notifier::card::short;
use vigie_notifier::{criteria, fit};
use vigie_store::derived_id;
use vigie_store::people::AddressState;

use super::cookies::Session;
use super::frame::{Client, Fields, Posted, Shown, SignedIn, Site, Trouble};
use super::limits::What;
use form::{Asked, Said, Wish, wish};
use vigie_service::breadth::{self, Way};
use vigie_service::preferences;
use vigie_service::preview::{self, Verdict};
use vigie_service::subscriptions::{self, Saved};
use vigie_watcher::zones;

/// Markets shown of those that a change loses.
const LOST: usize = 5;
const TWICE: &str = "vous avez déjà un abonnement qui demande exactement cela : changez-le sur la page Abonnements";
/// Stands for "until I say so".
pub(crate) const FAR: i64 = 36_500;

#[derive(serde::Serialize)]
struct Row {
    id: String,
    name: String,
    criteria: String,
    cadence: String,
    /// Markets told of late, and those that wait for a digest.
    told: (i64, i64),
    paused: Option<String>,
}

pub(crate) async fn list(State(site): State<Arc<Site>>, signed: SignedIn, fields: Fields) -> Shown {
    let now = site.service.clock.now();
    let me = &signed.session.person;
    let told = site.service.store.told_by_subscription(&me.id, now - Duration::days(i64::from(preview::DAYS))).await?;
    let row = |s: Subscription| Row {
        criteria: french::capital(&criteria::in_french(&s.filter)),
        cadence: s.cadence.in_french(),
        told: told.iter().find(|(id, ..)| *id == s.id).map_or((0, 0), |(_, told, waiting)| (*told, *waiting)),
        paused: s.paused_until.filter(|until| *until > now).map(|until| paused(until, now)),
        id: s.id,
        name: s.name,
    };
    let rows: Vec<Row> = site.service.store.subscriptions_of(&me.id).await?.into_iter().map(row).collect();
    let done = match fields.one("fait") {
        "garde" => "Abonnement enregistré.",
        "pause" => {
            "Abonnement en pause : il reprend le jour dit, ou par « Reprendre ». Ce qui attendait déjà un résumé vient quand même."
        }
        "reprise" => "L’abonnement reprend.",
        "retire" => "Abonnement retiré.",
        "essai" => "Un message d’essai part vers toutes vos adresses en service.",
        _ => "",
    };
    let (mut addresses, mut stopped): (Vec<String>, Vec<(String, Option<String>)>) = (Vec::new(), Vec::new());
    for one in site.service.store.addresses(&me.id).await? {
        let shown = one.channel.shown(&one.value);
        match one.state {
            AddressState::Active => addresses.push(shown),
            // Taken away for good, from the page of tools.
            AddressState::Stopped if one.channel.is_hook() => {}
            AddressState::Stopped => stopped.push((shown, site.service.unsubscribe_url(&one.id))),
            AddressState::Unconfirmed | AddressState::Suspended => {}
        }
    }
    Ok(site.page(
        &signed.visitor,
        "abonnements.html",
        context! {
            rows => Serde(rows),
            days => preview::DAYS,
            scope => scope(me),
            done => done,
            addresses => addresses,
            stopped => Serde(stopped),
            from_file => site.service.store.follows_file(&me.id).await?.then_some(subscriptions::FROM_FILE),
            away => preferences::standing(&site.service, me).await?.away_in_french(),
        },
    ))
}

/// What a structure of their kind is told of at all; nothing for who speaks for none.
pub(super) fn scope(person: &Subscriber) -> Option<String> {
    person.profile.kind.filter(|_| person.role == Role::Structure).map(fit::scope_in_french)
}

pub(crate) fn paused(until: DateTime<Utc>, now: DateTime<Utc>) -> String {
    if until - now > Duration::days(FAR / 2) {
        "en pause jusqu’à nouvel ordre".to_owned()
    } else {
        format!("en pause jusqu’au {}", french::date(until.with_timezone(&Paris).date_naive()))
    }
}

/// What a filter would have given; of one that takes the place of `before`, what it would lose too.
async fn preview_of(site: &Site, session: &Session, filter: &Filter, before: Option<&Filter>) -> Result<Said, Trouble> {
    let _one_of_few = site.previews.acquire().await.map_err(|_| Trouble::no_page())?;
    let seen = preview::preview(&site.service, filter, &session.person.profile, preview::DAYS).await?;
    let advice = breadth::advise(&site.service, &session.person, filter, &seen).await?;
    let lost = match before.filter(|before| *before != filter) {
        Some(before) => preview::lost(&site.service, (before, filter), &session.person.profile, preview::DAYS).await?,
        None => Vec::new(),
    };
    let carried = |way: &Way| serde_json::to_string(&way.filter).ok();
    let ways = advice.as_ref().map(|a| a.choices().into_iter().zip(a.ways.iter().filter_map(carried)).collect());
    Ok(Said {
        text: seen.in_french(filter),
        warns: advice.is_some() || !matches!(seen.verdict, Verdict::Fine | Verdict::Nothing { because: None }),
        question: advice.map(|a| a.question()),
        ways: ways.unwrap_or_default(),
        samples: seen.samples.iter().map(|s| (s.procedure.clone(), short(&s.title, 140))).collect(),
        reserved: seen.reserved,
        lost: lost.len(),
        lost_samples: lost.into_iter().take(LOST).map(|(id, title)| (id, short(&title, 140))).collect(),
    })
}

pub(crate) async fn fresh(State(site): State<Arc<Site>>, signed: SignedIn, fields: Fields) -> Shown {
    let me = &signed.session.person;
    let cadence = Cadence::default_for(me.role, me.profile.kind);
    // A search leads here with what it looked for.
    let asked = wish(&fields).filter;
    let from_search = asked != Filter::default();
    let filter = match from_search {
        true => asked,
        false => Filter {
            sectors: me.profile.sectors.clone(),
            departments: me.profile.departments.clone(),
            ..Filter::default()
        },
    };
    let prefilled = if from_search { Vec::new() } else { filter.departments.clone() };
    let wish = Wish { filter, cadence, prefilled, ..Wish::default() };
    Ok(form::page(
        &site,
        StatusCode::OK,
        &signed.visitor,
        &Asked { id: None, wish: &wish, said: None, from_search, stands: "" },
    ))
}

/// The subscription of that identifier, if it is theirs.
async fn own(site: &Site, session: &Session, id: &str) -> Result<Subscription, Trouble> {
    let mine = site.service.store.subscriptions_of(&session.person.id).await?;
    mine.into_iter().find(|s| s.id == id).ok_or_else(Trouble::no_page)
}

/// Leads from a message to the subscription that brought it; where none did, to all of them.
pub(crate) async fn of_procedure(State(site): State<Arc<Site>>, signed: SignedIn, Path(id): Path<String>) -> Shown {
    let store = &site.service.store;
    // Messages name a procedure as it was.
    let id = store.procedure_now(&id).await?.unwrap_or(id);
    let told = store.subscription_that_told(&signed.session.person.id, &id).await?;
    let to = told.map_or_else(|| "/abonnements".to_owned(), |subscription| format!("/abonnements/{subscription}"));
    Ok(Redirect::to(&to).into_response())
}

pub(crate) async fn edit(
    State(site): State<Arc<Site>>,
    signed: SignedIn,
    client: Client,
    Path(id): Path<String>,
) -> Shown {
    let subscription = own(&site, &signed.session, &id).await?;
    let now = site.service.clock.now();
    let said = if site.limits.allow(client.0, What::Costly, now) {
        Some(preview_of(&site, &signed.session, &subscription.filter, None).await?)
    } else {
        None
    };
    let stands = form::stands(&subscription);
    let wish =
        Wish { name: subscription.name, filter: subscription.filter, cadence: subscription.cadence, ..Wish::default() };
    Ok(form::page(
        &site,
        StatusCode::OK,
        &signed.visitor,
        &Asked { id: Some(&id), wish: &wish, said, from_search: false, stands: &stands },
    ))
}

pub(crate) async fn make(State(site): State<Arc<Site>>, client: Client, posted: Posted) -> Shown {
    keep(&site, client, &posted, None).await
}

pub(crate) async fn change(
    State(site): State<Arc<Site>>,
    client: Client,
    Path(id): Path<String>,
    posted: Posted,
) -> Shown {
    own(&site, &posted.session, &id).await?;
    keep(&site, client, &posted, Some(&id)).await
}

/// Shows what the wish would have given, or keeps it.
async fn keep(site: &Site, client: Client, posted: &Posted, id: Option<&str>) -> Shown {
    site.costly(client)?;
    let mut wish = wish(&posted.fields);
    let me = &posted.session.person;
    let mine = site.service.store.subscriptions_of(&me.id).await?;
    let stored = mine.iter().find(|s| Some(s.id.as_str()) == id);
    let stands = stored.map(form::stands).unwrap_or_default();
    // What the page was made from goes with it until it is kept, whatever is tried in between.
    let read = posted.fields.one("etat");
    let moved = !read.is_empty() && read != stands;
    let show = |status, wish: &Wish, said| {
        let stands = if moved && status != StatusCode::CONFLICT { read } else { stands.as_str() };
        form::page(site, status, &posted.visitor, &Asked { id, wish, said, from_search: false, stands })
    };
    let before = stored.map(|s| &s.filter);
    // Changing what there is keeps it one; a second one that asks the same is a slip.
    if mine.iter().any(|s| Some(s.id.as_str()) != id && s.filter == wish.filter) {
        wish.fault("", TWICE);
    }
    if !wish.faults.is_empty() {
        return Ok(show(StatusCode::UNPROCESSABLE_ENTITY, &wish, None));
    }
    if let Some(filter) = form::way(&posted.fields) {
        let said = preview_of(site, &posted.session, &filter, before).await?;
        return Ok(show(StatusCode::OK, &Wish { filter, ..wish }, Some(said)));
    }
    let wanted = posted.fields.one("do");
    if let Some(now) = stored.filter(|_| moved && matches!(wanted, "garder" | "quand-meme")) {
        // Another tab, a chat or a program was first: said, and theirs to undo by a second press.
        wish.fault(
            "",
            &format!(
                "cet abonnement a changé depuis que vous avez ouvert cette page. Il demande maintenant : {} ({}). Ce que vous aviez écrit est ci-dessous ; « Enregistrer » le met à la place",
                criteria::in_french(&now.filter),
                now.cadence.in_french()
            ),
        );
        return Ok(show(StatusCode::CONFLICT, &wish, None));
    }
    // What asks for what it asked before was read then; so was what the page that it comes from told of it.
    let as_before = before == Some(&wish.filter) || posted.fields.one("lu") == form::mark(&wish.filter);
    if wanted != "quand-meme" && !(as_before && wanted == "garder") {
        let said = preview_of(site, &posted.session, &wish.filter, before).await?;
        if wanted != "garder" || said.warns {
            return Ok(show(StatusCode::OK, &wish, Some(said)));
        }
    }
    let kept = subscriptions::Wish { name: wish.name.clone(), filter: wish.filter.clone(), cadence: wish.cadence };
    match subscriptions::save(&site.service, &me.id, id, &kept).await? {
        Saved::Kept(_) => {}
        Saved::TooMany => {
            let most = subscriptions::MAX;
            return Err(Trouble::bad(format!("Vous avez déjà {most} abonnements : retirez-en un d’abord.")));
        }
        Saved::Twice => {
            wish.fault("", TWICE);
            return Ok(show(StatusCode::UNPROCESSABLE_ENTITY, &wish, None));
        }
        Saved::Gone => return Err(Trouble::no_page()),
    }
    Ok(Redirect::to("/abonnements?fait=garde").into_response())
}

pub(crate) async fn pause(State(site): State<Arc<Site>>, Path(id): Path<String>, posted: Posted) -> Shown {
    own(&site, &posted.session, &id).await?;
    let now = site.service.clock.now();
    let until = match posted.fields.one("jours") {
        "0" => None,
        "" => Some(now + Duration::days(FAR)),
        "date" => Some(day_to_come(&posted.session.person, posted.fields.one("jusque"), now)?),
        text => {
            let days = text.parse::<i64>().ok().filter(|d| (1..=FAR).contains(d));
            Some(now + Duration::days(days.ok_or_else(|| Trouble::bad("Durée impossible."))?))
        }
    };
    subscriptions::pause(&site.service, &posted.session.person.id, &id, until).await?;
    let done = if until.is_none() { "reprise" } else { "pause" };
    Ok(Redirect::to(&format!("/abonnements?fait={done}")).into_response())
}

/// The beginning of a day that a form names, where its reader is.
fn day_to_come(person: &Subscriber, written: &str, now: DateTime<Utc>) -> Result<DateTime<Utc>, Trouble> {
    let zone = zones::zone(person.profile.departments.first());
    let day: Option<NaiveDate> = written.parse().ok();
    let begins = day.and_then(|day| zone.from_local_datetime(&day.and_time(NaiveTime::MIN)).earliest());
    let begins = begins.map(|at| at.with_timezone(&Utc));
    begins
        .filter(|at| *at > now && *at < now + Duration::days(FAR / 2))
        .ok_or_else(|| Trouble::bad("Dites un jour à venir : celui où l’abonnement reprend."))
}

pub(crate) async fn remove(State(site): State<Arc<Site>>, Path(id): Path<String>, posted: Posted) -> Shown {
    own(&site, &posted.session, &id).await?;
    subscriptions::remove(&site.service, &posted.session.person.id, &id).await?;
    Ok(Redirect::to("/abonnements?fait=retire").into_response())
}

pub(crate) async fn test_message(State(site): State<Arc<Site>>, client: Client, posted: Posted) -> Shown {
    site.costly(client)?;
    let why = "Vous avez demandé cet essai depuis vos pages.";
    send_test(&site, &posted.session.person.id, why).await?;
    Ok(Redirect::to("/abonnements?fait=essai").into_response())
}

/// Sends a person a message by which they see where their alerts arrive; one a minute, however often it is asked for.
pub(crate) async fn send_test(site: &Site, person: &str, why: &str) -> Result<(), Trouble> {
    let now = site.service.clock.now();
    let minute = (now.timestamp() / 60).to_string();
    let alert = Alert::word(AlertKind::Account, derived_id(&["test-message", person, &minute]));
    let person_now = site.service.store.subscriber(person).await?.ok_or_else(Trouble::no_page)?;
    let routes = preferences::standing(&site.service, &person_now).await?.routes_in_french();
    let body = format!("Message d’essai\nCe message est arrivé : Vigie peut vous écrire ici.{routes}\n{why}");
    site.service.store.tell(person, &alert, &body, now).await?;
    site.service.deliveries_queued.notify_one();
    Ok(())
}

//! What the link at the foot of every message opens: fewer messages, a pause, or none any more; and the way back from each.
//!
//! The token is the proof (RFC 8058: no cookie, no redirect): whoever has a message of theirs may do all of this. A mail service
//! that posts for its user stops the messages at once.

use std::sync::Arc;

use axum::extract::{Path, State};
use chrono::Duration;
use minijinja::context;
use vigie_domain::{Cadence, Subscriber, Subscription, french};
use vigie_service::links::Purpose;
use vigie_service::{subscriptions as subscriptions_use, suspension};
use vigie_store::people::{Address, AddressState};
use vigie_watcher::zones;

use super::by_link::subject_of;
use super::frame::{Fields, Shown, Site, Trouble, Visitor};
use super::subscriptions::paused;

/// Days of the pause offered.
const PAUSE_DAYS: i64 = 30;
/// The rhythm of fewer messages.
const LESS: Cadence = Cadence::Weekly;

/// The address of a link, and the subscriptions that its owner may change from here.
async fn opened(site: &Site, token: &str) -> Result<(Address, Vec<Subscription>), Trouble> {
    let store = &site.service.store;
    let id = subject_of(site, Purpose::Unsubscribe, token)?;
    let address = store.address(id).await?.ok_or_else(|| {
        Trouble::unknown("Adresse effacée", "Vigie ne connaît plus cette adresse : rien ne lui sera plus envoyé.")
    })?;
    let subscriptions = store.subscriptions_of(&address.subscriber).await?;
    Ok((address, subscriptions))
}

pub(crate) async fn ask(State(site): State<Arc<Site>>, visitor: Visitor, Path(token): Path<String>) -> Shown {
    let (address, subscriptions) = opened(&site, &token).await?;
    let (person, now) = (site.service.store.subscriber(&address.subscriber).await?, site.service.clock.now());
    let resting = |s: &&Subscription| s.paused_until.is_some_and(|until| until > now);
    let back = subscriptions.iter().filter(resting).filter_map(|s| s.paused_until).min();
    let weekly = !subscriptions.is_empty() && subscriptions.iter().all(|s| s.cadence == LESS);
    Ok(site.page(
        &visitor,
        "desabonner.html",
        context! {
            stopped => address.state == AddressState::Stopped,
            less => subscriptions.iter().any(|s| s.cadence != LESS),
            pause => subscriptions.iter().any(|s| !resting(&s)),
            days => PAUSE_DAYS,
            // What an earlier choice made of it, and the way back.
            usual => person.filter(|_| weekly).map(|p| usual(&p).in_french()),
            paused => back.map(|until| paused(until, now)),
        },
    ))
}

/// The rhythm of whoever chose none.
fn usual(person: &Subscriber) -> Cadence {
    Cadence::default_for(person.role, person.profile.kind)
}

pub(crate) async fn act(
    State(site): State<Arc<Site>>,
    visitor: Visitor,
    Path(token): Path<String>,
    fields: Result<Fields, Trouble>,
) -> Shown {
    // A mail service may post another kind of form (RFC 8058 §3.2), or none.
    let fields = fields.unwrap_or_default();
    let (address, subscriptions) = opened(&site, &token).await?;
    let (store, now) = (&site.service.store, site.service.clock.now());
    let mut before: Vec<(&'static str, String)> = Vec::new();
    let text = match fields.one("que") {
        "moins" => {
            for s in subscriptions.iter().filter(|s| s.cadence != LESS) {
                before.push(("avant", format!("{} {}", s.id, s.cadence)));
                subscriptions_use::set_cadence(&site.service, &address.subscriber, &s.id, LESS).await?;
            }
            weekly_from(&site, &address.subscriber).await?
        }
        "pause" => {
            let until = now + Duration::days(PAUSE_DAYS);
            // A pause that lasts longer stays.
            for s in subscriptions.iter().filter(|s| s.paused_until.is_none_or(|rests| rests < until)) {
                before.push(("reprendre", s.id.clone()));
                store.pause_subscription(&s.id, Some(until)).await?;
            }
            format!("Vos alertes sont en pause pour {PAUSE_DAYS} jours. Elles reprendront d’elles-mêmes.")
        }
        "reprendre" => {
            for s in &subscriptions {
                store.pause_subscription(&s.id, None).await?;
            }
            return Ok(site.word(&visitor, "C’est fait", "Vos alertes reviennent."));
        }
        "habituel" => {
            let person = store.subscriber(&address.subscriber).await?.ok_or_else(Trouble::no_page)?;
            for s in subscriptions.iter().filter(|s| s.cadence == LESS) {
                subscriptions_use::set_cadence(&site.service, &person.id, &s.id, usual(&person)).await?;
            }
            let text = format!("Vos alertes viennent désormais ainsi : {}.", usual(&person).in_french());
            return Ok(site.word(&visitor, "C’est fait", &text));
        }
        "annuler" => {
            undo(&site, &address, &subscriptions, &fields).await?;
            let (title, text) = match address.state {
                AddressState::Stopped => ("C’est reparti", "Vos alertes viennent de nouveau à cette adresse."),
                _ => ("C’est annulé", "Rien n’est changé : vos alertes viennent comme avant."),
            };
            return Ok(site.word(&visitor, title, text));
        }
        // What a mail service posts for its user names none of these.
        _ => {
            suspension::stop_address(&site.service, &address.id, "désinscription par le lien du message").await?;
            "Vous ne recevrez plus de message de Vigie à cette adresse.".to_owned()
        }
    };
    let stopped = !matches!(fields.one("que"), "moins" | "pause");
    Ok(site.page(&visitor, "desabonne.html", context! { text => text, before => before, stopped => stopped }))
}

/// What is said to whoever wants one digest a week: with the day of the next, where one waits.
async fn weekly_from(site: &Site, person: &str) -> Result<String, Trouble> {
    let next = site.service.store.next_digest_of(person).await?;
    let next = next.map(|at| format!(" Le prochain vient le {}.", french::date(zones::paris_day(at))));
    Ok(format!("Vos alertes viennent désormais en un résumé par semaine.{}", next.unwrap_or_default()))
}

/// Brings back what stood before; only what belongs to the owner of the address, and only what they stopped themselves.
async fn undo(site: &Site, address: &Address, own: &[Subscription], fields: &Fields) -> Result<(), Trouble> {
    let store = &site.service.store;
    if address.state == AddressState::Stopped {
        if !store.set_address_state(&address.id, AddressState::Active, "reprise par son propriétaire").await? {
            return Err(Trouble::bad("Rien n’est changé : cette adresse ne peut pas reprendre pour le moment."));
        }
        store
            .note("address", &address.id, "désinscription annulée par son propriétaire", site.service.clock.now())
            .await?;
    }
    for said in fields.all("avant") {
        let Some((id, cadence)) = said.split_once(' ') else { continue };
        if let (Some(s), Ok(cadence)) = (own.iter().find(|s| s.id == id), cadence.parse::<Cadence>()) {
            subscriptions_use::set_cadence(&site.service, &address.subscriber, &s.id, cadence).await?;
        }
    }
    for id in fields.all("reprendre").filter(|id| own.iter().any(|s| s.id == *id)) {
        store.pause_subscription(id, None).await?;
    }
    Ok(())
}

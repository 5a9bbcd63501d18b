//! Double opt-in: an address given by somebody is asked once, reminded a few times, and gets nothing else until its owner
//! agrees, by the link of the message or by answering it.
//!
//! Whoever gives an address calls [`ask`]; the timetable calls [`remind`]; the page and the mailbox call [`confirm`]. What is
//! asked, and how often, is noted in the transaction that queues the message. An owner who says nothing is forgotten by
//! retention (`personal`).

use chrono::{DateTime, Duration, Utc};
use vigie_config::settings::Settings;
use vigie_domain::french;
use vigie_notifier::criteria;
use vigie_notifier::message::Ask;
use vigie_store::consent::Asked;
use vigie_store::outbox::Claimed;
use vigie_store::{Store, StoreError};
use vigie_watcher::zones;

use crate::app::App;
use crate::compose::Composed;
use crate::links::Purpose;
use crate::personal;

/// How often an address is asked on behalf of somebody: once, and two reminders.
pub const ASKS: i64 = 3;
/// Days between two of them.
const GAP: Duration = Duration::days(4);
/// How often the owner may ask for a fresh link.
const ASKS_BY_OWNER: i64 = 10;
/// Time between two of them: a second click sends no second mail.
const GAP_BY_OWNER: Duration = Duration::minutes(10);
/// How long a link confirms: the next reminder brings another.
const LINK: Duration = Duration::days(7);
/// Most subscriptions told in the message.
const MAX_TOLD: usize = 5;

/// Whether an address can be asked: it must be able to answer.
#[must_use]
pub fn possible(settings: &Settings) -> bool {
    settings.email.is_some()
        && settings.web.secret.is_some()
        && (settings.web.public_url.is_some() || settings.hears_replies())
}

/// Asks an address to confirm, if it waits for that and was not asked a short while ago. `by_owner`: its owner wants to be
/// asked, not somebody for them.
///
/// # Errors
/// The database fails.
pub async fn ask(store: &Store, address: &str, by_owner: bool, now: DateTime<Utc>) -> Result<Asked, StoreError> {
    let bounds = if by_owner { (GAP_BY_OWNER, ASKS_BY_OWNER) } else { (GAP, ASKS) };
    store.ask_to_confirm(address, by_owner, bounds, now).await
}

/// Reminds those who did not answer.
///
/// # Errors
/// The database fails.
pub async fn remind(app: &App, now: DateTime<Utc>) -> Result<(), StoreError> {
    if !possible(&app.settings) {
        return Ok(());
    }
    for address in app.store.unanswered(now - GAP, ASKS).await? {
        if ask(&app.store, &address, false, now).await? == Asked::Yes {
            app.outbox_bell.notify_one();
        }
    }
    Ok(())
}

/// Puts an address in use: its owner agreed, in the way `how` says. `false` when it waited for no agreement.
///
/// # Errors
/// The database fails.
pub async fn confirm(app: &App, address: &str, how: &str, now: DateTime<Utc>) -> Result<bool, StoreError> {
    let done = app.store.confirm(address, how, now).await?;
    if done {
        app.store.note("address", address, &format!("adresse confirmée : {how}"), now).await?;
    }
    Ok(done)
}

/// The message that asks.
pub(crate) async fn compose(
    app: &App,
    delivery: &Claimed,
    unsubscribe: Option<String>,
) -> Result<Composed, StoreError> {
    let now = app.clock.now();
    let until = now + LINK;
    let subscriptions = app.store.subscriptions_of(&delivery.subscriber).await?;
    let ask = Ask {
        wishes: subscriptions.iter().take(MAX_TOLD).map(|s| criteria::in_french(&s.filter)).collect(),
        link: app.link(Purpose::Confirm, &delivery.address, Some(until)),
        until: french::date(zones::paris_day(until)),
        by_reply: app.settings.hears_replies(),
        again: app.store.asks(&delivery.address).await? > 1,
        purpose: personal::PURPOSE.to_owned(),
        forgotten_after: app.settings.retention.unconfirmed_days,
        retention: personal::retention_in_french(&app.settings.retention),
    };
    if ask.link.is_none() && !ask.by_reply {
        let why = "ni page publique ([web] public_url, secret) ni boîte de réception ([mailbox]) : l’adresse ne pourrait pas répondre";
        return Ok(Composed::Broken(why.to_owned()));
    }
    Ok(match app.templates.ask(&ask, unsubscribe) {
        Ok(message) => Composed::Message(Box::new(message)),
        Err(e) => Composed::Broken(e.to_string()),
    })
}

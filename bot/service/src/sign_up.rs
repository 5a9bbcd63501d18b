//! Somebody signs themselves up: a structure, a facilitator, or a reader of digests. What they say is kept under an address that waits for
//! its owner's agreement, and one mail asks for it.
//!
//! Whoever fills the form may give somebody else's address. So the answer is the same whatever becomes of it, an address gets
//! [`ASKS`] such mails at most, all of them together so many a day as the settings say, and nothing of somebody who is known
//! changes: they get a way in instead, by which they can add what was asked for.

use chrono::{DateTime, Duration, Utc};
use tokio::sync::Mutex;
use vigie_domain::subscription::{Profile, Role};
use vigie_domain::{Department, Sector, StructureKind, Subscriber};
use vigie_store::consent::Asked;
use vigie_store::people::AddressState;
use vigie_store::{StoreError, derived_id};

use crate::error::Failure;
use crate::service::Service;
use crate::subscriptions::Wish;
use crate::{opt_in, sign_in};

/// Most mails that ask one address, whoever fills the form.
pub const ASKS: i64 = 3;
/// Least time between two of them.
const GAP: Duration = Duration::hours(1);

/// Held while a request is counted and asked for.
static TURN: Mutex<()> = Mutex::const_new(());

/// What somebody asks for.
#[derive(Debug, Clone, Default)]
pub struct Request {
    /// Their address, spelled as it is kept.
    pub email: String,
    /// How to greet them; may be empty.
    pub name: String,
    pub role: Role,
    pub kind: Option<StructureKind>,
    /// The structure they say to speak for: a claim, which somebody who may approves.
    pub siret: Option<String>,
    pub sectors: Vec<Sector>,
    pub departments: Vec<Department>,
    pub wish: Wish,
}

/// Does what a request asks for; `next` is the page where somebody who is known adds it. Says nothing of what became of it.
///
/// # Errors
/// The database fails.
pub async fn begin(service: &Service, request: &Request, next: &str, now: DateTime<Utc>) -> Result<(), Failure> {
    let store = &service.store;
    if !opt_in::possible(&service.settings) {
        tracing::error!("a sign-up cannot be confirmed: [email], [web] public_url or secret is missing");
        return Ok(());
    }
    let new = derived_id(&["email", &request.email]);
    let mut waiting = None;
    let mut known = store.subscriber(&new).await?.is_some();
    for (person, address) in store.people_of_mailbox(&request.email).await? {
        known = true;
        if address.state == AddressState::Active {
            return Ok(sign_in::send_links(service, &request.email, next, now).await?);
        }
        // Nothing is known of them but what a form said before.
        let only = address.state == AddressState::Unconfirmed && store.addresses(&person.id).await?.len() == 1;
        if only && !store.is_declared(&person.id).await? {
            waiting = Some((person.id, address.id));
        }
    }
    // Whoever stopped their messages comes back by the link of one of them.
    if known && waiting.is_none() {
        return Ok(());
    }
    // Counted and asked one after the other, so that many at a moment are not each the last one allowed.
    let _turn = TURN.lock().await;
    let today = store.asked_since(now - Duration::days(1)).await?;
    if today >= i64::from(service.settings.sign_up.a_day) {
        tracing::warn!(today, "sign-ups of the day have reached their limit ([sign_up] a_day)");
        return Ok(());
    }
    let bounds = (GAP, ASKS);
    match waiting {
        // What a mail says is what is agreed to: without a mail that says it, a second request changes nothing of the first.
        Some((person, address)) => {
            if store.ask_to_confirm(&address, true, bounds, now).await? == Asked::Yes {
                keep(service, &person, request, now).await?;
            }
        }
        None => {
            let address = keep(service, &new, request, now).await?;
            store.ask_to_confirm(&address, true, bounds, now).await?;
        }
    }
    service.deliveries_queued.notify_one();
    Ok(())
}

/// Keeps who somebody says to be and what they want, in the place of what was said before under an address that nobody confirmed;
/// gives the address' identifier.
async fn keep(service: &Service, id: &str, request: &Request, now: DateTime<Utc>) -> Result<String, StoreError> {
    let store = &service.store;
    let profile = Profile {
        kind: request.kind,
        claimed_siret: request.siret.clone(),
        says_facilitator: request.role == Role::Facilitator,
        sectors: request.sectors.clone(),
        departments: request.departments.clone(),
        ..Profile::default()
    };
    // Facilitators correct what others are told: nobody makes themselves one, somebody who may is asked (`membership`).
    let role = if request.role == Role::Facilitator { Role::Subscriber } else { request.role };
    let subscriber = Subscriber { id: id.to_owned(), name: request.name.clone(), role, profile };
    let address = opt_in::enrol(store, subscriber, &request.email, now).await?;
    let kept = store.put_subscription(id, &request.wish.filter, request.wish.cadence, now).await?;
    store.keep_only_subscriptions(id, &[kept]).await?;
    Ok(address)
}

//! What a person does with their subscriptions: one use case for pages, chats and the API.
//!
//! Of someone whom the settings file declares, the file is the first state: the first change makes subscriptions and rhythm theirs,
//! and the file touches neither from then on. A pause is none: the file says nothing of pauses.

use chrono::{DateTime, Utc};
use vigie_domain::{Cadence, Filter, Subscriber, Subscription};
use vigie_notifier::card::short;
use vigie_notifier::due::{DigestTimes, next_digest};
use vigie_notifier::rhythm;
use vigie_store::StoreError;
use vigie_watcher::zones;

use crate::service::Service;

/// Most subscriptions of one person.
pub const MAX: usize = 30;
/// Longest name of one, in characters.
pub const MAX_NAME: usize = 60;
/// What somebody reads who follows the settings file.
pub const FROM_FILE: &str = "Vos abonnements et vos horaires ont été réglés pour vous par la personne qui gère Vigie. Changez-les : dès votre premier changement ils sont à vous, et elle n’y touche plus.";

/// What a subscription is to be.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Wish {
    /// How its owner calls it; empty = no name.
    pub name: String,
    pub filter: Filter,
    pub cadence: Cadence,
}

/// What became of a wish.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Saved {
    /// It stands, under that identifier.
    Kept(String),
    /// They have [`MAX`] already.
    TooMany,
    /// Another one of theirs asks exactly that.
    Twice,
    /// The one to be changed is not theirs, or gone.
    Gone,
}

/// Keeps a new subscription of a person, or what becomes of theirs of that identifier.
///
/// # Errors
/// The database fails.
pub async fn save(service: &Service, person: &str, id: Option<&str>, wish: &Wish) -> Result<Saved, StoreError> {
    let store = &service.store;
    let mine = store.subscriptions_of(person).await?;
    if mine.iter().any(|s| Some(s.id.as_str()) != id && s.filter == wish.filter) {
        return Ok(Saved::Twice);
    }
    let name = short(&wish.name, MAX_NAME);
    match id {
        Some(id) => {
            let Some(before) = mine.iter().find(|s| s.id == id) else { return Ok(Saved::Gone) };
            store.take_in_hand(person).await?;
            let there = store.change_own_subscription(person, id, &wish.filter, wish.cadence).await?;
            if there && before.cadence != wish.cadence {
                move_waiting(service, person, id, wish.cadence).await?;
            }
            let there = there && store.name_subscription(person, id, &name).await?;
            Ok(if there { Saved::Kept(id.to_owned()) } else { Saved::Gone })
        }
        None if mine.len() >= MAX => Ok(Saved::TooMany),
        None => {
            store.take_in_hand(person).await?;
            let id = store.put_subscription(person, &wish.filter, wish.cadence, service.clock.now()).await?;
            if !name.is_empty() {
                store.name_subscription(person, &id, &name).await?;
            }
            Ok(Saved::Kept(id))
        }
    }
}

/// The subscription of that identifier, if it is theirs.
///
/// # Errors
/// The database fails.
pub async fn own(service: &Service, person: &str, id: &str) -> Result<Option<Subscription>, StoreError> {
    Ok(service.store.subscriptions_of(person).await?.into_iter().find(|s| s.id == id))
}

/// Puts other conditions in the place of one's; `false` when they have none of that identifier.
///
/// # Errors
/// The database fails.
pub async fn narrow(service: &Service, person: &Subscriber, id: &str, filter: &Filter) -> Result<bool, StoreError> {
    if own(service, &person.id, id).await?.is_none() {
        return Ok(false);
    }
    service.store.take_in_hand(&person.id).await?;
    service.store.set_filter(id, filter).await
}

/// Gives one another rhythm; `false` when they have none of that identifier.
///
/// # Errors
/// The database fails.
pub async fn set_cadence(service: &Service, person: &str, id: &str, cadence: Cadence) -> Result<bool, StoreError> {
    let Some(one) = own(service, person, id).await? else { return Ok(false) };
    service.store.take_in_hand(person).await?;
    let there = service.store.change_own_subscription(person, id, &one.filter, cadence).await?;
    if there && one.cadence != cadence {
        move_waiting(service, person, id, cadence).await?;
    }
    Ok(there)
}

/// What waits for a digest of the rhythm before comes in the next of the new one: whoever asks for one a week gets none tomorrow. What
/// waits for somebody who now wants all at once stays where it is.
async fn move_waiting(service: &Service, person: &str, id: &str, cadence: Cadence) -> Result<(), StoreError> {
    let Some(times) = times_of(service, person).await? else { return Ok(()) };
    let kept = if matches!(cadence, Cadence::Auto | Cadence::Reserved) { Cadence::Daily } else { cadence };
    if let Some(due) = next_digest(kept, times, service.clock.now()) {
        service.store.move_waiting_lines(person, Some(id), due).await?;
    }
    Ok(())
}

/// What waits for a digest of a person comes at the hours and on the days that they chose last, each line in the rhythm of its
/// subscription; what has none, or one that is gone, with the next.
pub(crate) async fn follow_times(service: &Service, person: &str) -> Result<(), StoreError> {
    let (store, now) = (&service.store, service.clock.now());
    let Some(times) = times_of(service, person).await? else { return Ok(()) };
    if let Some(due) = next_digest(Cadence::Daily, times, now) {
        store.move_waiting_lines(person, None, due).await?;
    }
    for one in store.subscriptions_of(person).await? {
        if let (Cadence::Weekly | Cadence::Every(_), Some(due)) = (one.cadence, next_digest(one.cadence, times, now)) {
            store.move_waiting_lines(person, Some(&one.id), due).await?;
        }
    }
    Ok(())
}

/// The times of a person's digests; nothing where there is no such person.
async fn times_of(service: &Service, person: &str) -> Result<Option<DigestTimes>, StoreError> {
    let Some(owner) = service.store.subscriber(person).await? else { return Ok(None) };
    let own = service.store.preferences(person).await?.rhythm;
    let zone = zones::zone(owner.profile.departments.first());
    Ok(Some(rhythm::own_times(&own, service.digest_times_in(zone))))
}

/// Gives one a name; `false` when they have none of that identifier.
///
/// # Errors
/// The database fails.
pub async fn name(service: &Service, person: &str, id: &str, name: &str) -> Result<bool, StoreError> {
    service.store.name_subscription(person, id, &short(name, MAX_NAME)).await
}

/// Pauses one until then; `None` = it gives again. `false` when they have none of that identifier.
///
/// # Errors
/// The database fails.
pub async fn pause(
    service: &Service,
    person: &str,
    id: &str,
    until: Option<DateTime<Utc>>,
) -> Result<bool, StoreError> {
    if own(service, person, id).await?.is_none() {
        return Ok(false);
    }
    service.store.pause_subscription(id, until).await
}

/// Takes one away; `false` when they have none of that identifier.
///
/// # Errors
/// The database fails.
pub async fn remove(service: &Service, person: &str, id: &str) -> Result<bool, StoreError> {
    if own(service, person, id).await?.is_none() {
        return Ok(false);
    }
    service.store.take_in_hand(person).await?;
    service.store.remove_subscription(id).await
}

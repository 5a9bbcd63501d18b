//! A person's quiet hours, for word about their own account: nobody waits for it, so that it leaves when they end.
//!
//! What people ask for themselves (a link to sign in, a message to try) comes at once; markets have their own rule
//! (`vigie_notifier::rhythm`). The store keeps the moment: a restart sends nothing early.

use chrono::{DateTime, Utc};
use vigie_domain::Alert;
use vigie_notifier::rhythm;
use vigie_store::StoreError;
use vigie_watcher::zones;

use crate::service::Service;

/// When the quiet hours of a person in which `now` falls end; `None` outside them, and for what presses where they let that pass.
///
/// # Errors
/// The database fails.
pub(crate) async fn until(
    service: &Service,
    person: &str,
    presses: bool,
    now: DateTime<Utc>,
) -> Result<Option<DateTime<Utc>>, StoreError> {
    let own = service.store.preferences(person).await?.rhythm;
    if own.quiet.is_none() || presses && own.urgent_passes {
        return Ok(None);
    }
    let profile = service.store.subscriber(person).await?.map(|p| p.profile).unwrap_or_default();
    let times = service.digest_times_in(zones::zone(profile.departments.first()));
    Ok(rhythm::quiet_until(&own, times, now))
}

/// Tells a person something about their account, once per alert, when their quiet hours are over.
///
/// # Errors
/// The database fails.
pub(crate) async fn tell(
    service: &Service,
    person: &str,
    alert: &Alert,
    body: &str,
    now: DateTime<Utc>,
) -> Result<(), StoreError> {
    let after = until(service, person, false, now).await?;
    service.store.tell_after(person, alert, (body, after), now).await
}

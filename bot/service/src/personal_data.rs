//! Personal data (RGPD): what is held on a person, given to them as JSON; and erased, so that nothing is left of it.
//!
//! Pages, chats and the command line call [`export`] and [`erase`]; the scheduler calls [`keep_retention`] once a day. What each
//! table holds, and what becomes of it, stands in `store/src/personal.rs`.
//!
//! On failure nothing was erased; where the files could not be rewritten at once (a reader held them), the scheduler does it at
//! its next turn.

use chrono::{DateTime, Utc};
use chrono_tz::Europe::Paris;
use serde_json::{Map, Value, json};
use vigie_config::settings::Retention;
use vigie_domain::french;
use vigie_store::StoreError;
use vigie_store::personal::Erased;
use vigie_store::retention::Keep;
use vigie_watcher::zones;

use crate::service::Service;

/// Why personal data are processed, as said at opt-in and in the export.
pub const PURPOSE: &str =
    "vous signaler les marchés publics et privés qui répondent à ce que vous demandez, et garder ce que vous en dites";

/// Everything held on a person, table by table, with its purpose and how long it is kept. `Null` when there is no such person.
///
/// # Errors
/// The database fails.
pub async fn export(service: &Service, subscriber: &str) -> Result<Value, StoreError> {
    let Some(tables) = service.store.held_on(subscriber).await? else { return Ok(Value::Null) };
    let mut held = Map::new();
    for (table, rows) in tables {
        held.insert(table.what.to_owned(), Value::Array(rows.into_iter().map(with_dates).collect()));
    }
    Ok(json!({
        "exporté le": service.clock.now().with_timezone(&Paris).to_rfc3339(),
        "finalité": PURPOSE,
        "conservation": retention_in_french(&service.settings.retention),
        "vos droits": format!("Vous pouvez demander à rectifier ou à effacer ces données, ou vous opposer à leur usage, auprès de {} ; vous pouvez saisir la CNIL (cnil.fr).", service.operator()),
        "données": held,
    }))
}

/// Removes everything held on a person. `None` when there is no such person.
///
/// # Errors
/// The database fails: then nothing was removed.
pub async fn erase(service: &Service, subscriber: &str) -> Result<Option<Erased>, StoreError> {
    let now = service.clock.now();
    let Some(erased) = service.store.erase(subscriber, true, now).await? else { return Ok(None) };
    service.store.note("personal", "", "une personne a été effacée", now).await?;
    scrub(service).await;
    Ok(Some(erased))
}

/// Takes the last bytes out of the files; what cannot be done now is done at the scheduler's next turn.
async fn scrub(service: &Service) {
    match service.store.scrub().await {
        Ok(true) => {}
        Ok(false) => tracing::warn!("erased data is still in the database's log: it is read all the time; tried again"),
        Err(e) => tracing::warn!("erased data is still in the database's files: {e}; tried again"),
    }
}

/// Once a day: deletes what is older than it may be, and erases persons whose time has come.
///
/// # Errors
/// The database fails.
pub async fn keep_retention(service: &Service, now: DateTime<Utc>) -> Result<(), StoreError> {
    scrub(service).await;
    let today = zones::paris_day(now).to_string();
    if service.store.last_cleaning().await?.as_deref() == Some(&today) {
        return Ok(());
    }
    service.store.forget_ended_sessions(now).await?;
    let keep = keep(&service.settings.retention);
    let mut deleted = 0;
    loop {
        let n = service.store.delete_outdated(&keep, now).await?;
        deleted += n;
        if n == 0 {
            break;
        }
    }
    let persons = service.store.outdated_persons(&keep, now).await?;
    for person in &persons {
        service.store.erase(person, false, now).await?;
    }
    deleted += service.store.delete_unconfirmed(&keep, now).await?;
    scrub(service).await;
    service.store.set_last_cleaning(&today).await?;
    if deleted > 0 || !persons.is_empty() {
        tracing::info!(deleted, persons = persons.len(), "what was older than it may be is gone");
    }
    Ok(())
}

fn keep(r: &Retention) -> Keep {
    Keep {
        unconfirmed: r.unconfirmed_days,
        idle: r.inactive_days,
        messages: r.messages_days,
        journal: r.journal_days,
        access: r.access_days,
        quarantine: r.quarantine_days,
        attachments: r.attachments_days,
        consultations: r.consultations_days,
    }
}

/// How long what is held on a person is kept, in one sentence each.
#[must_use]
pub fn retention_in_french(r: &Retention) -> Vec<String> {
    let line = |what: &str, days: u32| match days {
        0 => format!("{what} : sans limite"),
        n => format!("{what} : {}", french::days(n)),
    };
    vec![
        "vos coordonnées, votre profil et vos abonnements : tant que vous recevez des messages".to_owned(),
        line("une adresse jamais confirmée", r.unconfirmed_days),
        line("tout ce qui vous concerne, une fois que vous ne recevez plus rien", r.inactive_days),
        line("vos connexions aux pages", 30),
        line("les messages envoyés et pourquoi", r.messages_days),
        line("le journal", r.journal_days),
        line("qui a consulté vos données", r.access_days),
        line("les pièces jointes à vos pistes", r.attachments_days),
        line("ce qui a été lu des dossiers de consultation, depuis le dernier fichier donné", r.consultations_days),
    ]
}

/// Moments read as dates, not as milliseconds.
fn with_dates(mut row: Value) -> Value {
    const MOMENTS: [&str; 19] = [
        "expires",
        "at",
        "created",
        "due",
        "next_at",
        "lease_until",
        "started",
        "ended",
        "expires_at",
        "settled_at",
        "asked",
        "confirmed",
        "since",
        "first_at",
        "last_at",
        "remind_at",
        "ready_at",
        "free_at",
        "used",
    ];
    for (key, value) in row.as_object_mut().into_iter().flatten() {
        let moment =
            value.as_i64().filter(|_| MOMENTS.contains(&key.as_str())).and_then(DateTime::from_timestamp_millis);
        if let Some(moment) = moment {
            *value = Value::String(moment.with_timezone(&Paris).to_rfc3339());
        }
    }
    row
}

//! What time brings: digests whose hour has come, sources that fell silent. One process at a time, by lease.

use chrono::{DateTime, Duration, Utc};
use vigie_domain::subscription::Role;
use vigie_domain::{Alert, AlertKind, Disposition};
use vigie_store::derived_id;
use vigie_store::ingest::{NewDelivery, NewNotification};
use vigie_store::people::AddressState;

use crate::app::{App, Failure};

/// How long the timetable is held.
const LEASE: Duration = Duration::seconds(90);
/// A source that has not answered for this long is silent.
const SILENT_AFTER: Duration = Duration::hours(26);
/// A source that never answered is silent after so many failures.
const SILENT_AFTER_FAILURES: u32 = 10;

/// Runs what is due at `horizon` (now, or a little later when a single pass must leave nothing behind). Gives the number
/// of digests made.
///
/// # Errors
/// The database fails.
pub async fn run(app: &App, horizon: DateTime<Utc>) -> Result<usize, Failure> {
    let now = app.clock.now();
    if !app.store.hold_lease("timetable", &app.holder, LEASE, now).await? {
        return Ok(0);
    }
    let due = app.store.due_digests(horizon).await?;
    for digest in &due {
        let addresses = app.store.addresses(&digest.subscriber).await?;
        let active: Vec<_> =
            addresses.into_iter().filter(|a| a.state == AddressState::Active).map(|a| (a.id, a.channel)).collect();
        app.store.make_digest(digest, &active, now).await?;
    }
    silent_sources(app, now).await?;
    if !due.is_empty() {
        app.outbox_bell.notify_one();
    }
    Ok(due.len())
}

async fn silent_sources(app: &App, now: DateTime<Utc>) -> Result<(), Failure> {
    for block in app.settings.source.iter().filter(|b| b.enabled) {
        let state = app.store.source(&block.id).await?;
        let Some(last_attempt) = state.last_attempt else { continue };
        let since = state.last_success.unwrap_or(last_attempt);
        let never = state.last_success.is_none() && state.failures >= SILENT_AFTER_FAILURES;
        let silent = never || (state.failures > 0 && now - since > SILENT_AFTER);
        if silent && !state.alarmed {
            let why = state.last_error.as_deref().unwrap_or("sans réponse");
            let last = state.last_success.map_or_else(
                || "jamais".to_owned(),
                |at| at.with_timezone(&chrono_tz::Europe::Paris).format("%d/%m/%Y à %H:%M").to_string(),
            );
            let body = format!(
                "La source «\u{a0}{}\u{a0}» ne répond plus\nDernière réponse : {last}. Dernière erreur : {why}. Les autres sources continuent.",
                block.id
            );
            tell_operators(app, &format!("silent:{}:{}", block.id, since.timestamp()), &body, now).await?;
            app.store.set_alarmed(&block.id, true).await?;
        } else if !silent && state.alarmed {
            let body = format!(
                "La source «\u{a0}{}\u{a0}» répond à nouveau\nLa veille a repris là où elle s’était arrêtée.",
                block.id
            );
            tell_operators(app, &format!("resolved:{}:{}", block.id, since.timestamp()), &body, now).await?;
            app.store.set_alarmed(&block.id, false).await?;
        }
    }
    Ok(())
}

/// Tells every operator, once per `cause`: first line of `body` = subject.
///
/// # Errors
/// The database fails.
pub async fn tell_operators(app: &App, cause: &str, body: &str, now: DateTime<Utc>) -> Result<(), Failure> {
    let alert = Alert {
        id: derived_id(&["operator", cause]),
        kind: AlertKind::Operator,
        procedure: String::new(),
        notice: String::new(),
        changes: Vec::new(),
    };
    let operators: Vec<_> = app.store.subscribers().await?.into_iter().filter(|s| s.role == Role::Operator).collect();
    let mut shares = Vec::new();
    for person in operators {
        let deliveries: Vec<NewDelivery> = app
            .store
            .addresses(&person.id)
            .await?
            .into_iter()
            .filter(|a| a.state == AddressState::Active)
            .map(|a| NewDelivery {
                subscriber: person.id.clone(),
                address: a.id,
                channel: a.channel,
                cause: alert.id.clone(),
                procedure: String::new(),
                expires: None,
            })
            .collect();
        let share = NewNotification {
            subscriber: person.id,
            subscription: None,
            disposition: Disposition::Instant,
            reasons: "{}".to_owned(),
            due: None,
        };
        shares.push((share, deliveries));
    }
    let mut tx = app.store.begin_ingest(now).await?;
    tx.put_alert(&alert, Some(body)).await?;
    for (share, deliveries) in &shares {
        tx.put_notification(&alert.id, share, deliveries).await?;
    }
    tx.commit().await?;
    app.outbox_bell.notify_one();
    Ok(())
}

//! Word to the operators: alarms that begin and end, and what happened once. Told on every address of every operator, once per
//! cause; an alarm is opened or closed in the transaction that tells of it.

use chrono::{DateTime, Utc};
use chrono_tz::Europe::Paris;
use vigie_domain::{Alert, AlertKind, Permission};
use vigie_store::derived_id;

use crate::error::Failure;
use crate::service::Service;

/// Why the operators are told something.
#[derive(Debug, Clone, Copy)]
pub enum OperatorEvent<'a> {
    /// Something that happened once, by its own name.
    Once(&'a str),
    /// An alarm begins.
    AlarmBegins {
        /// The source.
        source: &'a str,
        /// The alarm's word.
        kind: &'a str,
    },
    /// An alarm is over.
    AlarmEnds {
        /// The source.
        source: &'a str,
        /// The alarm's word.
        kind: &'a str,
    },
}

/// Tells every operator, once per cause: first line of `body` = subject. An alarm is opened or closed in the transaction
/// that tells of it.
///
/// # Errors
/// The database fails.
pub async fn tell(service: &Service, event: OperatorEvent<'_>, body: &str, now: DateTime<Utc>) -> Result<(), Failure> {
    let at = now.timestamp_millis().to_string();
    let id = match event {
        OperatorEvent::Once(name) => derived_id(&["operator", name]),
        OperatorEvent::AlarmBegins { source, kind } => derived_id(&["operator", "begins", source, kind, &at]),
        OperatorEvent::AlarmEnds { source, kind } => derived_id(&["operator", "ends", source, kind, &at]),
    };
    let alert = Alert::word(AlertKind::Operator, id);
    let mut shares = Vec::new();
    for person in service.store.subscribers().await?.iter().filter(|s| s.role.may(Permission::Operate)) {
        shares.push(service.store.share_at_once(&person.id, &alert, "{}", None).await?);
    }
    let mut tx = service.store.begin_alert(now).await?;
    let news = match event {
        OperatorEvent::Once(_) => true,
        OperatorEvent::AlarmBegins { source, kind } => tx.open_alarm(source, kind, now).await?,
        OperatorEvent::AlarmEnds { source, kind } => tx.close_alarm(source, kind).await?,
    };
    if !news {
        return Ok(()); // another process told it
    }
    tx.put_shares(&alert, Some(body), &shares).await?;
    tx.commit().await?;
    service.deliveries_queued.notify_one();
    Ok(())
}

/// A moment as operators read it.
pub fn local(at: DateTime<Utc>) -> String {
    at.with_timezone(&Paris).format("%d/%m/%Y à %H:%M").to_string()
}

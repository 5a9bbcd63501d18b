//! Deliveries as they are written, held by a worker, and shown in the journal.

use chrono::{DateTime, Duration, Utc};
use vigie_domain::subscription::Role;
use vigie_domain::{Alert, AlertKind, Cause, Channel, DeliveryState, Disposition};

use crate::address::{Address, AddressState};
use crate::sql::{Columns, FromRow, Row, SqlError, row};

/// A message to be sent.
#[derive(Debug, Clone)]
pub struct NewDelivery {
    /// The person.
    pub subscriber: String,
    /// The address' identifier.
    pub address: String,
    pub channel: Channel,
    /// The key together with the address.
    pub cause: Cause,
    /// The procedure, empty for digests.
    pub procedure: String,
    /// When it loses its meaning.
    pub expires: Option<DateTime<Utc>>,
}

impl NewDelivery {
    /// The message about an alert for one address.
    #[must_use]
    pub fn of(alert: &Alert, address: &Address, expires: Option<DateTime<Utc>>) -> Self {
        let procedure = alert.procedure.clone();
        Self { procedure, expires, ..Self::to(address, Cause::Alert(alert.id.clone())) }
    }

    /// A message to one address that is about no procedure.
    #[must_use]
    pub fn to(address: &Address, cause: Cause) -> Self {
        Self {
            subscriber: address.subscriber.clone(),
            address: address.id.clone(),
            channel: address.channel,
            cause,
            procedure: String::new(),
            expires: None,
        }
    }
}

/// A delivery in the hands of a worker.
#[derive(Debug, Clone)]
pub struct Claimed {
    /// Identifier: the stable key of the message on every attempt.
    pub id: String,
    /// Proof that this worker holds it.
    pub token: String,
    /// The person.
    pub subscriber: String,
    /// The address' identifier.
    pub address: String,
    pub channel: Channel,
    /// The address on that channel, and whether messages may go there; `None` when it is gone.
    pub to: Option<(String, AddressState)>,
    pub cause: Cause,
    /// The procedure; empty for digests.
    pub procedure: String,
    /// Attempts made before this one.
    pub attempts: u32,
    /// Least time before the next message to this address.
    pub gap: Duration,
    /// It goes alone, to see whether the server of its channel is back.
    pub probe: bool,
    pub created: DateTime<Utc>,
    /// When it loses its meaning.
    pub expires: Option<DateTime<Utc>>,
    /// Order in which deliveries were made.
    pub seq: i64,
    /// What an instant message is about; `None` when it carries something else.
    pub head: Option<Head>,
    /// What the person is to us; `None` when they are gone.
    pub role: Option<Role>,
    /// Earlier deliveries of the same thread that reached, or may have reached, the address: oldest first.
    pub thread: Vec<String>,
    /// What the message is made from, where it was read ahead.
    pub item: Option<Item>,
}

/// What an instant message is about.
#[derive(Debug, Clone)]
pub struct Head {
    pub alert_kind: AlertKind,
    /// Why this person, as JSON.
    pub reasons: String,
    /// Version of the notice.
    pub version: i64,
}

/// What a message is made from.
#[derive(Debug, Clone)]
pub struct Item {
    pub alert_kind: AlertKind,
    /// The procedure; empty when the alert is about none.
    pub procedure: String,
    /// Changes, as JSON.
    pub changes: String,
    /// Text of an alert that is about no notice.
    pub body: Option<String>,
    pub disposition: Disposition,
    /// Why this person, as JSON.
    pub reasons: String,
    /// The notice, as JSON; empty when the alert is about none.
    pub document: String,
    /// The verdict, as JSON; empty likewise.
    pub assessment: String,
    /// How the procedure stands, as JSON; empty likewise.
    pub snapshot: String,
    /// When the person's share of it was decided.
    pub created: DateTime<Utc>,
}

impl Item {
    /// Reads the columns of `item_columns!`.
    pub(crate) fn read(columns: &mut Columns<'_, '_>) -> Result<Self, SqlError> {
        Ok(Self {
            alert_kind: columns.next()?,
            procedure: columns.next()?,
            changes: columns.next()?,
            body: columns.next()?,
            disposition: columns.next()?,
            reasons: columns.next()?,
            document: columns.next::<Option<String>>()?.unwrap_or_default(),
            assessment: columns.next::<Option<String>>()?.unwrap_or_default(),
            snapshot: columns.next::<Option<String>>()?.unwrap_or_default(),
            created: columns.next()?,
        })
    }
}

impl FromRow for Item {
    fn from_row(row: &Row<'_>) -> Result<Self, SqlError> {
        Self::read(&mut Columns::of(row))
    }
}

/// A delivery as the journal shows it.
#[derive(Debug, Clone)]
pub struct DeliveryRow {
    pub id: String,
    /// The person.
    pub subscriber: String,
    pub channel: Channel,
    pub cause: Cause,
    pub state: DeliveryState,
    /// Attempts made.
    pub attempts: i64,
    /// Next attempt.
    pub next_at: DateTime<Utc>,
    pub created: DateTime<Utc>,
    /// When it was settled.
    pub settled_at: Option<DateTime<Utc>>,
    /// The channel's answer, or why.
    pub why: Option<String>,
}

row!(DeliveryRow { id, subscriber, channel, cause, state, attempts, next_at, created, settled_at, why });

/// The columns of a [`DeliveryRow`], of the delivery `d`.
macro_rules! delivery_columns {
    () => {
        "d.id, d.subscriber_id, d.channel, d.cause, d.state, d.attempts, d.next_at, d.created, d.settled_at, d.why"
    };
}

/// What an [`Item`] is read from: the notification `n` of [`with_item!`].
macro_rules! item_columns {
    () => {
        "a.kind, a.procedure_id, a.changes, a.body, n.disposition, n.reasons, o.document, o.assessment, p.snapshot, n.created"
    };
}

macro_rules! with_item {
    () => {
        "JOIN alert a ON a.id = n.alert_id LEFT JOIN notice o ON o.id = a.notice_id LEFT JOIN procedure p ON p.id = a.procedure_id"
    };
}

pub(crate) use {delivery_columns, item_columns, with_item};

/// One attempt.
#[derive(Debug, Clone)]
pub struct AttemptRow {
    /// From 1.
    pub n: i64,
    pub started: DateTime<Utc>,
    pub ended: Option<DateTime<Utc>>,
    /// The state it led to (database word).
    pub outcome: Option<String>,
    /// The channel's words.
    pub detail: Option<String>,
}

row!(AttemptRow { n, started, ended, outcome, detail });

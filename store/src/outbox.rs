//! The outbox: what waits, what is in flight, what became of it.
//!
//! A worker claims deliveries with a lease and a token ([`crate::claim`]), notes that an attempt starts before the first byte
//! leaves, and settles with the token (`attempts`). A lease that runs out before the attempt started gives the
//! delivery back to Pending; after it, to Ambiguous, since the message may have left.

use std::collections::HashMap;

use chrono::{DateTime, Duration, Utc};
use serde_json::{Value, json};
use vigie_domain::{Cause, DeliveryState};

use crate::address::AddressState;
use crate::columns::millis;
use crate::delivery::{delivery_columns, item_columns, with_item};
use crate::error::StoreError;
use crate::rows::over_rows;
use crate::sql::{self, Columns, FromRow, Row, SqlError};
use crate::{Store, lanes};

pub use crate::delivery::{AttemptRow, Claimed, DeliveryRow, Head, Item};

/// What became of a wish to send something again.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Replay {
    /// It is in the queue.
    Queued,
    /// It stands so, and is not sent again.
    NotNow(DeliveryState),
    /// Its address gets nothing: it would be called off again.
    AddressOut {
        /// The address' identifier.
        address: String,
        /// Why it gets nothing.
        state: AddressState,
    },
    /// There is no such delivery, or its address is gone.
    Unknown,
}

/// Bytes from which on a notice is not read ahead: memory stays bounded.
const LONG_NOTICE: i64 = 100_000;

macro_rules! items {
    ($which:literal) => {
        concat!(
            "SELECT ",
            item_columns!(),
            " FROM notification n ",
            with_item!(),
            " WHERE ",
            $which,
            " ORDER BY n.created, n.id"
        )
    };
}

/// An [`Item`], and the delivery it is for.
struct ItemOf {
    delivery: String,
    item: Item,
}

impl FromRow for ItemOf {
    fn from_row(row: &Row<'_>) -> Result<Self, SqlError> {
        let mut columns = Columns::of(row);
        Ok(Self { delivery: columns.next()?, item: Item::read(&mut columns)? })
    }
}

impl Store {
    /// Gives back what lapsed leases held.
    pub(crate) async fn reap(&self, now: DateTime<Utc>) -> Result<(), StoreError> {
        let lapsed: Vec<(String,)> = sql::query_as(
            "SELECT DISTINCT address_id FROM delivery WHERE state = 'claimed' AND lease_until < $1 ORDER BY address_id",
        )
        .bind(millis(now))
        .fetch_all(&self.reader)
        .await?;
        if lapsed.is_empty() {
            return Ok(());
        }
        let mut tx = self.begin().await?;
        sql::query("UPDATE delivery SET state = 'pending', token = NULL WHERE state = 'claimed' AND lease_until < $1 AND started IS NULL").bind(millis(now)).execute(&mut tx).await?;
        sql::query(
            "INSERT INTO attempt (delivery_id, n, started, ended, outcome, detail)
             SELECT id, attempts, started, $1, 'ambiguous', 'interrompu après le début de l’envoi' FROM delivery
             WHERE state = 'claimed' AND lease_until < $1 AND started IS NOT NULL
             ON CONFLICT (delivery_id, n) DO UPDATE SET ended = excluded.ended, outcome = excluded.outcome, detail = excluded.detail",
        )
        .bind(millis(now))
        .execute(&mut tx)
        .await?;
        sql::query(
            "UPDATE delivery SET state = 'ambiguous', token = NULL, next_at = $1, why = 'interrompu après le début de l’envoi'
             WHERE state = 'claimed' AND lease_until < $1 AND started IS NOT NULL",
        )
        .bind(millis(now))
        .execute(&mut tx)
        .await?;
        let lanes = lapsed.iter().map(|(address,)| (address.as_str(), (now, now))).collect();
        lanes::release_all(&mut tx, &lanes).await?;
        tx.commit().await?;
        Ok(())
    }

    /// Keeps hold of a delivery in flight; `false` when it is no longer ours.
    pub async fn renew(&self, delivery: &Claimed, lease: Duration, now: DateTime<Utc>) -> Result<bool, StoreError> {
        let done =
            sql::query("UPDATE delivery SET lease_until = $1 WHERE id = $2 AND token = $3 AND state = 'claimed'")
                .bind(millis(now + lease))
                .bind(delivery.id.clone())
                .bind(delivery.token.clone())
                .execute_alone(&self.db)
                .await?;
        Ok(done == 1)
    }

    /// What the message is made from: one notification for an instant message, many for a digest.
    pub async fn items(&self, delivery: &Claimed) -> Result<Vec<Item>, StoreError> {
        match &delivery.item {
            Some(item) => Ok(vec![item.clone()]),
            None => self.items_of(&delivery.id, &delivery.subscriber, &delivery.cause).await,
        }
    }

    /// What the message of a delivery, of that person and cause, is made from.
    pub async fn items_of(&self, delivery: &str, subscriber: &str, cause: &Cause) -> Result<Vec<Item>, StoreError> {
        let query = match cause {
            // A digest goes to each of a person's addresses; what it carries names its first delivery only, so the cause leads
            // there from any of them.
            Cause::Digest { .. } => sql::query_as(items!(
                "n.subscriber_id = $1 AND (n.delivery_id = $2
                   OR n.delivery_id IN (SELECT id FROM delivery WHERE subscriber_id = $1 AND cause = $3))"
            ))
            .bind(subscriber)
            .bind(delivery)
            .bind(cause.to_string()),
            Cause::Alert(alert) => {
                sql::query_as(items!("n.alert_id = $1 AND n.subscriber_id = $2")).bind(alert.as_str()).bind(subscriber)
            }
            Cause::OptIn(_) | Cause::SignIn(_) => return Ok(Vec::new()),
        };
        Ok(query.fetch_all(&self.reader).await?)
    }

    /// Reads ahead what the messages of some instant deliveries are made from, but for long notices.
    pub async fn read_ahead(&self, deliveries: &mut [&mut Claimed]) -> Result<(), StoreError> {
        if deliveries.is_empty() {
            return Ok(());
        }
        let wanted: Vec<Value> =
            deliveries.iter().map(|d| json!({"id": d.id, "alert": d.cause.alert(), "person": d.subscriber})).collect();
        let rows: Vec<ItemOf> = sql::query_as(over_rows!(
            self.engine(),
            [
                "SELECT w.key, ",
                item_columns!(),
                " FROM (SELECT value ->> 'id' AS key, value ->> 'alert' AS alert, value ->> 'person' AS person FROM "
            ],
            [
                ") AS w JOIN notification n ON n.alert_id = w.alert AND n.subscriber_id = w.person ",
                with_item!(),
                " WHERE octet_length(o.document) < $2"
            ]
        ))
        .bind(Value::from(wanted).to_string())
        .bind(LONG_NOTICE)
        .fetch_all(&self.key_reader)
        .await?;
        let mut items: HashMap<String, Item> = rows.into_iter().map(|row| (row.delivery, row.item)).collect();
        for delivery in deliveries {
            delivery.item = items.remove(&delivery.id);
        }
        Ok(())
    }

    /// The person and the procedure of a delivery; `None` when it is unknown or about no single procedure.
    pub async fn subject_of(&self, delivery: &str) -> Result<Option<(String, String)>, StoreError> {
        sql::query_as("SELECT subscriber_id, procedure_id FROM delivery WHERE id = $1 AND procedure_id <> ''")
            .bind(delivery.to_owned())
            .fetch_optional(&self.key_reader)
            .await
            .map_err(StoreError::from)
    }

    /// Queues anew what was refused, is in doubt, or was called off. What would be called off again, since its address gets
    /// nothing, stays as it is.
    pub async fn replay(&self, delivery: &str, now: DateTime<Utc>) -> Result<Replay, StoreError> {
        let mut tx = self.begin().await?;
        let row: Option<(DeliveryState, Cause, String, String, Option<AddressState>)> = sql::query_as(
            "SELECT d.state, d.cause, d.address_id, d.channel, a.state FROM delivery d LEFT JOIN address a ON a.id = d.address_id WHERE d.id = $1",
        )
        .bind(delivery.to_owned())
        .fetch_optional(&mut tx)
        .await?;
        let Some((state, cause, address, channel, address_state)) = row else { return Ok(Replay::Unknown) };
        if !state.can_be_replayed() {
            return Ok(Replay::NotNow(state));
        }
        match address_state {
            Some(AddressState::Active) => {}
            Some(AddressState::Unconfirmed) if cause.is_opt_in() => {}
            Some(state) => return Ok(Replay::AddressOut { address, state }),
            None => return Ok(Replay::Unknown),
        }
        let done = sql::query("UPDATE delivery SET state = 'pending', next_at = $1, settled_at = NULL, expires_at = NULL, why = 'renvoyé par l’exploitant' WHERE id = $2 AND state = $3")
            .bind(millis(now))
            .bind(delivery.to_owned())
            .bind(state.as_str())
            .execute(&mut tx)
            .await?;
        if done == 0 {
            return Ok(Replay::NotNow(DeliveryState::Claimed)); // a worker took it meanwhile
        }
        lanes::make_ready(&mut tx, &address, &channel, now).await?;
        tx.commit().await?;
        Ok(Replay::Queued)
    }

    /// Deliveries whose identifier begins so: lists show its beginning.
    pub async fn deliveries_named(&self, beginning: &str, limit: i64) -> Result<Vec<DeliveryRow>, StoreError> {
        let end = format!("{beginning}~");
        Ok(sql::query_as(concat!(
            "SELECT ",
            delivery_columns!(),
            " FROM delivery d WHERE d.id >= $1 AND d.id < $2 ORDER BY d.id LIMIT $3"
        ))
        .bind(beginning)
        .bind(end)
        .bind(limit)
        .fetch_all(&self.reader)
        .await?)
    }

    /// The latest deliveries of one person, newest first.
    pub async fn deliveries_of(&self, subscriber: &str, limit: i64) -> Result<Vec<DeliveryRow>, StoreError> {
        Ok(sql::query_as(concat!(
            "SELECT ",
            delivery_columns!(),
            " FROM delivery d WHERE d.subscriber_id = $1 ORDER BY d.seq DESC LIMIT $2"
        ))
        .bind(subscriber)
        .bind(limit)
        .fetch_all(&self.reader)
        .await?)
    }

    /// The latest delivery to an address.
    pub async fn last_delivery_to(&self, address: &str) -> Result<Option<DeliveryRow>, StoreError> {
        Ok(sql::query_as(concat!(
            "SELECT ",
            delivery_columns!(),
            " FROM delivery d WHERE d.address_id = $1 ORDER BY d.seq DESC LIMIT 1"
        ))
        .bind(address)
        .fetch_optional(&self.reader)
        .await?)
    }

    /// Deliveries, newest first, of one state or of all.
    pub async fn deliveries(&self, state: Option<DeliveryState>, limit: i64) -> Result<Vec<DeliveryRow>, StoreError> {
        let query = match state {
            Some(state) => sql::query_as(concat!(
                "SELECT ",
                delivery_columns!(),
                " FROM delivery d WHERE d.state = $2 ORDER BY d.seq DESC LIMIT $1"
            ))
            .bind(limit)
            .bind(state.as_str()),
            None => {
                sql::query_as(concat!("SELECT ", delivery_columns!(), " FROM delivery d ORDER BY d.seq DESC LIMIT $1"))
                    .bind(limit)
            }
        };
        Ok(query.fetch_all(&self.reader).await?)
    }

    /// One delivery.
    pub async fn delivery(&self, id: &str) -> Result<Option<DeliveryRow>, StoreError> {
        let query = sql::query_as(concat!("SELECT ", delivery_columns!(), " FROM delivery d WHERE d.id = $1"));
        Ok(query.bind(id).fetch_optional(&self.key_reader).await?)
    }

    /// Attempts of a delivery, in order; the one that is under way stands in the delivery itself.
    pub async fn attempts(&self, delivery: &str) -> Result<Vec<AttemptRow>, StoreError> {
        Ok(sql::query_as(
            "SELECT n, started, ended, outcome, detail FROM attempt WHERE delivery_id = $1
             UNION ALL SELECT attempts, started, NULL, NULL, NULL FROM delivery d
             WHERE id = $1 AND state = 'claimed' AND started IS NOT NULL
               AND NOT EXISTS (SELECT 1 FROM attempt a WHERE a.delivery_id = d.id AND a.n = d.attempts) ORDER BY n",
        )
        .bind(delivery)
        .fetch_all(&self.key_reader)
        .await?)
    }

    /// How many deliveries were refused for good since then.
    pub async fn dead_since(&self, since: DateTime<Utc>) -> Result<i64, StoreError> {
        let query = sql::query_as("SELECT COUNT(*) FROM delivery WHERE state = 'dead' AND settled_at >= $1");
        let (n,): (i64,) = query.bind(millis(since)).fetch_one(&self.reader).await?;
        Ok(n)
    }

    /// Deliveries by state, with their number.
    pub async fn queue(&self) -> Result<Vec<(DeliveryState, i64)>, StoreError> {
        let query = sql::query_as("SELECT state, COUNT(*) FROM delivery GROUP BY state ORDER BY state");
        Ok(query.fetch_all(&self.reader).await?)
    }
}

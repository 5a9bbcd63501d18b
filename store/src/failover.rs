//! Another channel takes over what one could not carry: for people who chose one channel for a kind of message.
//!
//! The delivery by the other channel is of the same cause, so that it is made once. What had not left yet is superseded in the
//! transaction that makes it: nobody is told twice.

use chrono::{DateTime, Utc};
use vigie_domain::{AlertKind, Cause, Channel, DeliveryState};

use crate::Store;
use crate::address::Address;
use crate::columns::millis;
use crate::delivery::NewDelivery;
use crate::enqueue::put_delivery;
use crate::error::StoreError;
use crate::lanes;
use crate::sql::{self, row};

/// A delivery that waits behind a channel whose server is away.
#[derive(Debug, Clone)]
pub struct Stuck {
    pub id: String,
    /// The person.
    pub subscriber: String,
    pub channel: Channel,
    pub cause: Cause,
    pub procedure: String,
    pub expires: Option<DateTime<Utc>>,
    /// What it tells, where it tells one thing.
    pub alert_kind: Option<AlertKind>,
    /// Its place in the outbox.
    pub place: i64,
}

row!(Stuck { id, subscriber, channel, cause, procedure, expires, alert_kind, place });

impl Store {
    /// Deliveries made before `before` that wait for that channel, of people who chose it and have another one in use: oldest first, from
    /// behind the place `after`.
    pub async fn stuck_behind(
        &self,
        channel: Channel,
        before: DateTime<Utc>,
        after: i64,
        most: i64,
    ) -> Result<Vec<Stuck>, StoreError> {
        Ok(sql::query_as(
            "SELECT d.id, d.subscriber_id, d.channel, d.cause, d.procedure_id, d.expires_at, a.kind, d.seq FROM delivery d
             JOIN subscriber s ON s.id = d.subscriber_id LEFT JOIN alert a ON a.id = d.cause
             WHERE d.state IN ('pending', 'deferred') AND d.channel = $1 AND d.created <= $2 AND d.seq > $3 AND s.routes <> '{}'
               AND EXISTS (SELECT 1 FROM address o WHERE o.subscriber_id = d.subscriber_id AND o.state = 'active' AND o.channel <> $1)
               AND d.cause NOT LIKE 'optin:%' AND d.cause NOT LIKE 'signin:%' ORDER BY d.seq LIMIT $4",
        )
        .bind(channel.as_str().to_owned())
        .bind(millis(before))
        .bind(after)
        .bind(most)
        .fetch_all(&self.reader)
        .await?)
    }

    /// Makes the same message for other addresses of its reader: new where there is none, waiting again where it was superseded. One that
    /// still waits (`stuck`) is superseded by them. `false` when nothing else carries it, or that one is leaving or has left: all
    /// stays as it was.
    pub async fn hand_over(
        &self,
        new: &[NewDelivery],
        stuck: Option<&str>,
        why: &str,
        now: DateTime<Utc>,
    ) -> Result<bool, StoreError> {
        let mut tx = self.begin().await?;
        if let Some(id) = stuck {
            let done = sql::query(
                "UPDATE delivery SET state = 'superseded', settled_at = $1, why = $2 WHERE id = $3 AND state IN ('pending', 'deferred')",
            )
            .bind(millis(now))
            .bind(why.to_owned())
            .bind(id.to_owned())
            .execute(&mut tx)
            .await?;
            if done == 0 {
                return Ok(false);
            }
        }
        let mut carried = false;
        for one in new {
            let known: Option<(String, DeliveryState)> =
                sql::query_as("SELECT id, state FROM delivery WHERE address_id = $1 AND cause = $2")
                    .bind(one.address.clone())
                    .bind(one.cause.to_string())
                    .fetch_optional(&mut tx)
                    .await?;
            carried |= match known {
                None => {
                    put_delivery(&mut tx, one, now).await?;
                    true
                }
                Some((id, DeliveryState::Superseded)) => {
                    sql::query("UPDATE delivery SET state = 'pending', settled_at = NULL, why = NULL, next_at = $1 WHERE id = $2")
                        .bind(millis(now))
                        .bind(id)
                        .execute(&mut tx)
                        .await?;
                    lanes::make_ready(&mut tx, &one.address, one.channel.as_str(), now).await?;
                    true
                }
                // What was refused there for good, or called off, carries nothing.
                Some((_, state)) => !matches!(state, DeliveryState::Dead | DeliveryState::Cancelled),
            };
        }
        if carried {
            tx.commit().await?;
        }
        Ok(carried)
    }

    /// Whether another address of the same person and channel carries that message, or waits to: told there, it is not told again. One that
    /// is leaving at this moment may be refused as this one was, and counts for nothing: better told twice than not at all.
    pub async fn carried_beside(&self, delivery: &str) -> Result<bool, StoreError> {
        let row: Option<(i64,)> = sql::query_as(
            "SELECT o.seq FROM delivery d JOIN delivery o ON o.subscriber_id = d.subscriber_id AND o.cause = d.cause
               AND o.channel = d.channel AND o.id <> d.id
             WHERE d.id = $1 AND o.state IN ('pending', 'deferred', 'ambiguous', 'sent') LIMIT 1",
        )
        .bind(delivery.to_owned())
        .fetch_optional(&self.reader)
        .await?;
        Ok(row.is_some())
    }

    /// The message of a delivery for another address of the same person.
    #[must_use]
    pub fn same_for(
        (cause, procedure, expires): (&Cause, &str, Option<DateTime<Utc>>),
        address: &Address,
    ) -> NewDelivery {
        NewDelivery { procedure: procedure.to_owned(), expires, ..NewDelivery::to(address, cause.clone()) }
    }
}

//! Another channel takes over what one could not carry: for people who chose one channel for a kind of message.
//!
//! The delivery by the other channel is of the same cause, so that it is made once. What had not left yet is superseded in the
//! transaction that makes it: nobody is told twice.

use chrono::{DateTime, Utc};
use vigie_domain::{AlertKind, Cause, Channel};

use crate::Store;
use crate::address::Address;
use crate::columns::millis;
use crate::delivery::NewDelivery;
use crate::enqueue::put_delivery;
use crate::error::StoreError;
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
}

row!(Stuck { id, subscriber, channel, cause, procedure, expires, alert_kind });

impl Store {
    /// Deliveries made before `before` that wait for that channel, of people who chose channels; oldest first.
    pub async fn stuck_behind(
        &self,
        channel: Channel,
        before: DateTime<Utc>,
        most: i64,
    ) -> Result<Vec<Stuck>, StoreError> {
        Ok(sql::query_as(
            "SELECT d.id, d.subscriber_id, d.channel, d.cause, d.procedure_id, d.expires_at, a.kind FROM delivery d
             JOIN subscriber s ON s.id = d.subscriber_id LEFT JOIN alert a ON a.id = d.cause
             WHERE d.state IN ('pending', 'deferred') AND d.channel = $1 AND d.created <= $2 AND s.routes <> '{}'
               AND d.cause NOT LIKE 'optin:%' AND d.cause NOT LIKE 'signin:%' ORDER BY d.seq LIMIT $3",
        )
        .bind(channel.as_str().to_owned())
        .bind(millis(before))
        .bind(most)
        .fetch_all(&self.reader)
        .await?)
    }

    /// Makes the same message for another address, if it was not made before; one that still waits (`stuck`) is superseded by it.
    /// `false` when nothing was made.
    pub async fn hand_over(
        &self,
        new: &NewDelivery,
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
                return Ok(false); // it is leaving, or has left
            }
        }
        let (known,): (i64,) = sql::query_as("SELECT COUNT(*) FROM delivery WHERE address_id = $1 AND cause = $2")
            .bind(new.address.clone())
            .bind(new.cause.to_string())
            .fetch_one(&mut tx)
            .await?;
        if known == 0 {
            put_delivery(&mut tx, new, now).await?;
        }
        tx.commit().await?;
        Ok(known == 0)
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

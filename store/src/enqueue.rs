//! Putting deliveries into the outbox: each once by (address, cause), in the order in which they were made.

use chrono::{DateTime, Utc};
use serde_json::{Value, json};

use crate::columns::millis;
use crate::delivery::NewDelivery;
use crate::error::StoreError;
use crate::ids::random_bytes;
use crate::lanes;
use crate::rows::over_rows;
use crate::sql::{self, Transaction};

/// The lock of those who number deliveries.
const NUMBERING: i64 = 7464;

/// Writes a delivery once by (address, cause); gives its identifier.
pub(crate) async fn put_delivery(
    tx: &mut Transaction,
    new: &NewDelivery,
    now: DateTime<Utc>,
) -> Result<String, StoreError> {
    put_deliveries(tx, &[new], now).await?;
    lanes::make_ready(tx, &new.address, new.channel.as_str(), now).await?;
    let (id,): (String,) = sql::query_as("SELECT id FROM delivery WHERE address_id = $1 AND cause = $2")
        .bind(new.address.clone())
        .bind(new.cause.to_string())
        .fetch_one(tx)
        .await?;
    Ok(id)
}

/// Writes deliveries, each once by (address, cause); gives the identifiers of those that are new, in their order. That something
/// waits in their lanes is for the caller to say.
pub(crate) async fn put_deliveries(
    tx: &mut Transaction,
    new: &[&NewDelivery],
    now: DateTime<Utc>,
) -> Result<Vec<String>, StoreError> {
    let ids = new.iter().map(|_| unguessable_id(now)).collect::<Result<Vec<String>, StoreError>>()?;
    put_deliveries_as(tx, &ids, new, now).await?;
    Ok(ids)
}

/// The same, under these identifiers.
pub(crate) async fn put_deliveries_as(
    tx: &mut Transaction,
    ids: &[String],
    new: &[&NewDelivery],
    now: DateTime<Utc>,
) -> Result<(), StoreError> {
    if new.is_empty() {
        return Ok(());
    }
    // Numbers are given one transaction after the other, as on SQLite: two that read the same highest one would both go on from
    // there. Held until the commit, so that a lower number is never seen after a higher one.
    tx.lock(NUMBERING).await?;
    let rows: Vec<Value> = new
        .iter()
        .zip(ids)
        .zip(1_i64..)
        .map(|((d, id), n)| {
            json!({
                "id": id, "n": n, "person": d.subscriber, "address": d.address, "channel": d.channel.as_str(),
                "cause": d.cause.to_string(), "procedure": d.procedure, "expires": d.expires.map(millis),
            })
        })
        .collect();
    sql::query(over_rows!(
        tx.engine(),
        ["INSERT INTO delivery (id, seq, subscriber_id, address_id, channel, cause, procedure_id, state, next_at, expires_at, created)
          SELECT value ->> 'id', (SELECT COALESCE(MAX(seq), 0) FROM delivery) + CAST(value ->> 'n' AS BIGINT), value ->> 'person',
            value ->> 'address', value ->> 'channel', value ->> 'cause', value ->> 'procedure', 'pending', $2,
            CAST(value ->> 'expires' AS BIGINT), $2 FROM "],
        [" WHERE 1 = 1 ON CONFLICT DO NOTHING"]
    ))
    .bind(Value::from(rows).to_string())
    .bind(now)
    .execute(tx)
    .await?;
    Ok(())
}

/// Figures of an identifier that tell its moment, and how long one such moment is, in milliseconds as a power of two: they go round
/// in a day and a half, so that nothing of what waits or was sent of late can be told from them but the order.
const MOMENT: usize = 5;
const MOMENT_LASTS: u32 = 7;

/// The identifier of a message: it stands in its Message-ID, in its links and under its buttons, and whoever names it answers for
/// its reader. So nobody can guess it (76 bits of chance), and it is made once: (address, cause) is unique. What is made at one moment
/// begins alike, so that it stands together in the indexes that each message goes through four times.
pub(crate) fn unguessable_id(now: DateTime<Utc>) -> Result<String, StoreError> {
    let moment = format!("{:0MOMENT$x}", now.timestamp_millis() >> MOMENT_LASTS);
    let moment = &moment[moment.len() - MOMENT..];
    Ok(format!("{moment}{}", &hex::encode(random_bytes()?)[..24 - MOMENT]))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn messages_of_one_moment_begin_alike_and_no_two_are_the_same() {
        let at = |ms| DateTime::<Utc>::from_timestamp_millis(ms).unwrap();
        let id = |ms| unguessable_id(at(ms)).unwrap();
        let (one, other, later) = (id(1_796_000_000_000), id(1_796_000_000_000), id(1_796_000_000_128));
        assert!(
            one != other && one[..MOMENT] == other[..MOMENT] && one[..MOMENT] < later[..MOMENT],
            "{one} {other} {later}"
        );
        for ms in [-5, 0, 1, i64::from(u32::MAX)] {
            let id = id(ms);
            assert!(id.len() == 24 && id.bytes().all(|b| b.is_ascii_hexdigit()), "{id}");
        }
    }
}

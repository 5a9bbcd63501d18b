//! Attempts: noting that one starts before the first byte leaves, and how it ended.
//!
//! What several workers write at the same moment becomes durable in one transaction, of few statements over many rows
//! ([`crate::batch`]). A write counts only with the claim token of who holds the delivery.
//!
//! An attempt that is under way stands in its delivery: claimed, and `started`. Its own row is written once, when it has ended.

use std::collections::{BTreeMap, HashMap, HashSet};

use chrono::{DateTime, Duration, Utc};
use serde_json::{Value, json};
use vigie_domain::DeliveryState;
use vigie_domain::delivery::Settlement;

use crate::columns::{clean, millis};
use crate::delivery::Claimed;
use crate::error::StoreError;
use crate::rows::over_rows;
use crate::sql::{self, Transaction};
use crate::{Store, batch, lanes};

/// How an attempt ended.
#[derive(Debug, Clone)]
struct End {
    /// The state it leads to.
    state: DeliveryState,
    /// When to try again, if ever.
    next: Option<DateTime<Utc>>,
    /// When its lane may be served again.
    free: DateTime<Utc>,
    /// The channel's words.
    why: String,
}

/// What a worker has to write of a delivery it holds.
#[derive(Debug, Clone)]
pub(crate) struct Write {
    /// The delivery.
    id: String,
    /// Proof that it is held.
    token: String,
    address: String,
    /// When it happened.
    at: DateTime<Utc>,
    kind: WriteKind,
}

/// What happened.
#[derive(Debug, Clone)]
enum WriteKind {
    /// Bytes are about to leave; it is held until then.
    Start(DateTime<Utc>),
    /// The attempt ended.
    End(End),
}

impl Write {
    fn of(delivery: &Claimed, at: DateTime<Utc>, kind: WriteKind) -> Self {
        Self { id: delivery.id.clone(), token: delivery.token.clone(), address: delivery.address.clone(), at, kind }
    }
}

/// Notes that bytes are about to leave, and until when each delivery is held; gives those for which that may be.
///
/// An unconfirmed address is asked to confirm and gets nothing else; one in use is not asked.
async fn start(tx: &mut Transaction, starts: &[(&Write, DateTime<Utc>)]) -> Result<HashSet<String>, StoreError> {
    let rows: Vec<Value> = starts
        .iter()
        .map(|(w, until)| json!({"id": w.id, "token": w.token, "at": millis(w.at), "until": millis(*until)}))
        .collect();
    if rows.is_empty() {
        return Ok(HashSet::new());
    }
    let started: Vec<(String,)> = sql::query_as(over_rows!(
        tx.engine(),
        [
            "UPDATE delivery SET started = w.at, lease_until = w.until, attempts = attempts + 1
             FROM (SELECT value ->> 'id' AS key, value ->> 'token' AS proof, CAST(value ->> 'at' AS BIGINT) AS at,
               CAST(value ->> 'until' AS BIGINT) AS until FROM "
        ],
        [") AS w WHERE delivery.id = w.key AND delivery.token = w.proof AND delivery.state || '' = 'claimed'
             AND EXISTS (SELECT 1 FROM address a WHERE a.id = delivery.address_id AND a.state IN ('active', 'unconfirmed')
               AND (a.state = 'unconfirmed') = (delivery.cause LIKE 'optin:%')) RETURNING id"]
    ))
    .bind(Value::from(rows).to_string())
    .fetch_all(tx)
    .await?;
    Ok(started.into_iter().map(|(id,)| id).collect())
}

/// Ends attempts, and gives their lanes back; gives the deliveries that were still held.
async fn end(tx: &mut Transaction, ends: &[(&Write, &End)]) -> Result<HashSet<String>, StoreError> {
    let rows: Vec<Value> = ends
        .iter()
        .map(|(w, end)| {
            json!({
                "id": w.id, "token": w.token, "at": millis(w.at), "state": end.state.as_str(), "next": end.next.map(millis),
                "settled": end.next.is_none().then(|| millis(w.at)), "why": end.why,
            })
        })
        .collect();
    if rows.is_empty() {
        return Ok(HashSet::new());
    }
    let ended: Vec<(String, u32, Option<i64>)> = sql::query_as(over_rows!(
        tx.engine(),
        ["UPDATE delivery SET state = w.new_state, next_at = COALESCE(w.next, next_at), settled_at = w.settled, why = w.words,
             token = NULL, holder = NULL
             FROM (SELECT value ->> 'id' AS key, value ->> 'token' AS proof, value ->> 'state' AS new_state,
               CAST(value ->> 'next' AS BIGINT) AS next, CAST(value ->> 'settled' AS BIGINT) AS settled, value ->> 'why' AS words
               FROM "],
        [") AS w WHERE delivery.id = w.key AND delivery.token = w.proof AND delivery.state || '' = 'claimed'
             RETURNING id, attempts, started"]
    ))
    .bind(Value::from(rows).to_string())
    .fetch_all(&mut *tx)
    .await?;
    if ended.is_empty() {
        return Ok(HashSet::new());
    }
    let by_id: HashMap<&str, (&Write, &End)> = ends.iter().map(|(w, end)| (w.id.as_str(), (*w, *end))).collect();
    let attempt = |(id, n, started): &(String, u32, Option<i64>)| {
        // What was called off before a byte left was no attempt.
        let (write, end) = by_id.get(id.as_str())?;
        Some(json!({
            "id": id, "n": n, "started": (*started)?, "at": millis(write.at), "state": end.state.as_str(), "why": end.why,
        }))
    };
    let attempts: Vec<Value> = ended.iter().filter_map(attempt).collect();
    if !attempts.is_empty() {
        sql::query(over_rows!(
            tx.engine(),
            ["INSERT INTO attempt (delivery_id, n, started, ended, outcome, detail)
             SELECT value ->> 'id', CAST(value ->> 'n' AS BIGINT), CAST(value ->> 'started' AS BIGINT), CAST(value ->> 'at' AS BIGINT),
               value ->> 'state', value ->> 'why' FROM "],
            // A process of the version before writes the row when the attempt starts.
            [" WHERE 1 = 1 ON CONFLICT (delivery_id, n) DO UPDATE SET ended = excluded.ended, outcome = excluded.outcome, detail = excluded.detail"]
        ))
        .bind(Value::from(attempts).to_string())
        .execute(tx)
        .await?;
    }
    let ended: HashSet<String> = ended.into_iter().map(|(id, ..)| id).collect();
    let mut free: BTreeMap<&str, (DateTime<Utc>, DateTime<Utc>)> = BTreeMap::new();
    for (write, end) in ends.iter().filter(|(w, _)| ended.contains(&w.id)) {
        let lane = free.entry(&write.address).or_insert((end.free, write.at));
        *lane = (lane.0.max(end.free), lane.1.max(write.at));
    }
    lanes::release_all(tx, &free).await?;
    Ok(ended)
}

impl Store {
    /// Notes that bytes are about to leave, and holds the delivery for another `lease`. `false` when the delivery is no
    /// longer ours, or its address no longer in use: then nothing may be sent.
    pub async fn start_attempt(
        &self,
        delivery: &Claimed,
        lease: Duration,
        now: DateTime<Utc>,
    ) -> Result<bool, StoreError> {
        self.attempts.write(&self.db, Write::of(delivery, now, WriteKind::Start(now + lease))).await
    }

    /// Settles an attempt, if the delivery is still ours; `false` when it is not. Its lane is served no sooner than `free`.
    pub async fn settle(
        &self,
        delivery: &Claimed,
        settlement: &Settlement,
        free: DateTime<Utc>,
        now: DateTime<Utc>,
    ) -> Result<bool, StoreError> {
        let (state, next, why) = match settlement {
            Settlement::Sent(answer) => (DeliveryState::Sent, None, answer),
            Settlement::Deferred(at, why) => (DeliveryState::Deferred, Some(*at), why),
            Settlement::Ambiguous(at, why) => (DeliveryState::Ambiguous, Some(*at), why),
            Settlement::Dead(why) => (DeliveryState::Dead, None, why),
        };
        let end = End { state, next, free, why: clean(why) };
        self.attempts.write(&self.db, Write::of(delivery, now, WriteKind::End(end))).await
    }

    /// Ends a delivery that is no longer wanted, before any byte left.
    pub async fn cancel(&self, delivery: &Claimed, why: &str, now: DateTime<Utc>) -> Result<bool, StoreError> {
        let end = End { state: DeliveryState::Cancelled, next: None, free: now, why: clean(why) };
        self.attempts.write(&self.db, Write::of(delivery, now, WriteKind::End(end))).await
    }
}

impl batch::Write for Write {
    /// Whether the delivery was still held.
    type Answer = bool;

    async fn write_all(tx: &mut Transaction, writes: &[Self]) -> Result<Vec<bool>, StoreError> {
        let (mut starts, mut ends) = (Vec::new(), Vec::new());
        for write in writes {
            match &write.kind {
                WriteKind::Start(until) => starts.push((write, *until)),
                WriteKind::End(end) => ends.push((write, end)),
            }
        }
        let mut held = end(tx, &ends).await?;
        held.extend(start(tx, &starts).await?);
        Ok(writes.iter().map(|write| held.contains(&write.id)).collect())
    }
}

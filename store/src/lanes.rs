//! Lanes: one queue an address, so that a busy chat never delays another.
//!
//! A lane holds when its address may be served next ([`ready_at`](Store::next_delivery_at)). One delivery of each lane that is
//! ready is claimed; when it is settled the lane goes to the back: lanes are served in turn whatever their length. Where
//! room is left and no pace holds an address back, more of its deliveries follow, never two of one procedure. Paces (a chat, a
//! mail domain, a whole channel) are moments kept in the database, so that a restart sends nothing early.
//!
//! Invariant: a lane that is not held is ready no later than its first due delivery. A lane that is ready too early costs
//! one look; one that would be ready too late is found by [`Store::mend_lanes`].

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use serde_json::{Value, json};

use crate::Store;
use crate::columns::{millis, moment};
use crate::error::StoreError;
use crate::rows::over_rows;
use crate::sql::{self, Engine, Transaction};

/// Stands where a lane is ready at no known moment: it is held, or empty.
pub(crate) const NEVER: i64 = 1 << 60;

/// The deliveries `d` that wait in a lane and may go: not those that follow an unsettled one of the same thread, so that a
/// correction never overtakes its first alert.
macro_rules! waiting {
    ($select:literal, $lane:literal, $more:literal, $most:literal) => {
        concat!(
            "SELECT ",
            $select,
            " FROM delivery d WHERE d.address_id = ",
            $lane,
            " AND d.state IN ('pending', 'deferred', 'ambiguous')",
            $more,
            " AND NOT EXISTS (SELECT 1 FROM delivery e WHERE e.address_id = d.address_id AND e.procedure_id = d.procedure_id
                AND d.procedure_id <> '' AND e.seq < d.seq AND e.state IN ('pending', 'claimed', 'deferred', 'ambiguous'))
              ORDER BY d.next_at, d.seq LIMIT ",
            $most
        )
    };
}

pub(crate) use waiting;

macro_rules! held_for_nothing {
    () => {
        "held = 1 AND NOT EXISTS (SELECT 1 FROM delivery d WHERE d.address_id = lane.address_id AND d.state = 'claimed')"
    };
}

impl Store {
    /// When the next delivery may go, if any waits.
    pub async fn next_delivery_at(&self) -> Result<Option<DateTime<Utc>>, StoreError> {
        let (at,): (Option<i64>,) = sql::query_as(
            "SELECT MIN(CASE WHEN l.ready_at > COALESCE(p.free_at, 0) THEN l.ready_at ELSE p.free_at END)
             FROM lane l LEFT JOIN pace p ON p.key = l.channel WHERE l.ready_at < $1",
        )
        .bind(NEVER)
        .fetch_one(&self.reader)
        .await?;
        Ok(at.map(moment))
    }

    /// Since when the lane that waits longest for its turn could have been served; an attempt puts a lane back to the end, so
    /// a lane whose server is away is not old while it is tried.
    pub async fn oldest_due(&self, now: DateTime<Utc>) -> Result<Option<DateTime<Utc>>, StoreError> {
        let (at,): (Option<i64>,) = sql::query_as("SELECT MIN(ready_at) FROM lane WHERE ready_at <= $1")
            .bind(millis(now))
            .fetch_one(&self.reader)
            .await?;
        Ok(at.map(moment))
    }

    /// Serves again the lanes that are held for nothing, and those that wait for nothing while a delivery waits in them;
    /// gives their number, zero in a healthy database. Nothing is locked where there is nothing to mend.
    pub async fn mend_lanes(&self, now: DateTime<Utc>) -> Result<u64, StoreError> {
        // A lane is held only while one of its deliveries is claimed.
        let (held,): (i64,) = sql::query_as(concat!("SELECT COUNT(*) FROM lane WHERE ", held_for_nothing!()))
            .fetch_one(&self.reader)
            .await?;
        let late: Vec<(String, String, i64)> = sql::query_as(
            "SELECT w.address_id, w.channel, w.first FROM (
               SELECT address_id, MIN(channel) AS channel, MIN(next_at) AS first FROM delivery
               WHERE state IN ('pending', 'deferred', 'ambiguous') GROUP BY address_id) AS w
             LEFT JOIN lane l ON l.address_id = w.address_id
             WHERE (l.address_id IS NULL OR (l.held = 0 AND l.ready_at = $1))
               AND NOT EXISTS (SELECT 1 FROM delivery d WHERE d.address_id = w.address_id AND d.state = 'claimed')",
        )
        .bind(NEVER)
        .fetch_all(&self.reader)
        .await?;
        if held == 0 && late.is_empty() {
            return Ok(0);
        }
        let mut tx = self.begin().await?;
        let stuck = sql::query(concat!("UPDATE lane SET held = 0, ready_at = $1 WHERE ", held_for_nothing!()))
            .bind(millis(now))
            .execute(&mut tx)
            .await?;
        let behind =
            late.iter().map(|(address, channel, at)| (address.as_str(), (channel.as_str(), moment(*at)))).collect();
        make_all_ready(&mut tx, &behind).await?;
        tx.commit().await?;
        Ok(stuck + late.len() as u64)
    }
}

/// Says that a delivery waits in this lane from `at` on.
pub(crate) async fn make_ready(
    tx: &mut Transaction,
    address: &str,
    channel: &str,
    at: DateTime<Utc>,
) -> Result<(), StoreError> {
    make_all_ready(tx, &BTreeMap::from([(address, (channel, at))])).await
}

/// Says that deliveries wait in these lanes: (channel, from when on), by address.
pub(crate) async fn make_all_ready(
    tx: &mut Transaction,
    lanes: &BTreeMap<&str, (&str, DateTime<Utc>)>,
) -> Result<(), StoreError> {
    if lanes.is_empty() {
        return Ok(());
    }
    // In the order of addresses, as whoever gives lanes back: two that lock the same ones never wait for each other.
    let rows: Vec<Value> = lanes
        .iter()
        .map(|(address, (channel, at))| json!({"address": address, "channel": channel, "at": millis(*at)}))
        .collect();
    sql::query(over_rows!(
        tx.engine(),
        ["INSERT INTO lane (address_id, channel, ready_at)
         SELECT value ->> 'address', value ->> 'channel', CAST(value ->> 'at' AS BIGINT) FROM "],
        [" WHERE 1 = 1
         ON CONFLICT (address_id) DO UPDATE SET ready_at = CASE
           WHEN lane.held = 1 OR lane.ready_at <= excluded.ready_at THEN lane.ready_at
           WHEN lane.free_at > excluded.ready_at THEN lane.free_at ELSE excluded.ready_at END"]
    ))
    .bind(Value::from(rows).to_string())
    .execute(tx)
    .await?;
    Ok(())
}

/// Gives lanes back after a delivery of each: (no sooner than, now), by address. Each is served again when its next delivery is
/// due, and behind the lanes that are ready now.
pub(crate) async fn release_all(
    tx: &mut Transaction,
    lanes: &BTreeMap<&str, (DateTime<Utc>, DateTime<Utc>)>,
) -> Result<(), StoreError> {
    let rows: Vec<Value> = lanes
        .iter()
        .map(|(address, (free, now))| json!({"address": address, "free": millis(*free), "at": millis(*now)}))
        .collect();
    let rows = Value::from(rows).to_string();
    if tx.engine() == Engine::Postgres {
        // The lanes are locked first, in one order for all: the next statement then sees every delivery that was committed
        // before.
        sql::query(over_rows!(
            tx.engine(),
            ["SELECT CAST(1 AS BIGINT) FROM lane WHERE address_id IN (SELECT value ->> 'address' FROM "],
            [") ORDER BY address_id FOR UPDATE"]
        ))
        .bind(rows.clone())
        .execute(tx)
        .await?;
    }
    sql::query(over_rows!(
        tx.engine(),
        ["UPDATE lane SET held = 0, free_at = CASE WHEN lane.free_at > g.free THEN lane.free_at ELSE g.free END,
           ready_at = COALESCE((SELECT CASE WHEN w.next_at >= lane.free_at AND w.next_at >= g.free AND w.next_at >= g.at THEN w.next_at
             WHEN lane.free_at >= g.free AND lane.free_at >= g.at THEN lane.free_at WHEN g.free >= g.at THEN g.free ELSE g.at END FROM (",
        waiting!("d.next_at", "lane.address_id", "", "1"),
        ") AS w), $2) FROM (SELECT value ->> 'address' AS key, CAST(value ->> 'free' AS BIGINT) AS free, CAST(value ->> 'at' AS BIGINT) AS at FROM "],
        [") AS g WHERE lane.address_id = g.key"]
    ))
    .bind(rows)
    .bind(NEVER)
    .execute(tx)
    .await?;
    Ok(())
}

pub(crate) async fn set_pace(tx: &mut Transaction, key: &str, free: DateTime<Utc>) -> Result<(), StoreError> {
    sql::query(
        "INSERT INTO pace (key, free_at) VALUES ($1, $2)
         ON CONFLICT (key) DO UPDATE SET free_at = CASE WHEN pace.free_at > $2 THEN pace.free_at ELSE $2 END",
    )
    .bind(key.to_owned())
    .bind(millis(free))
    .execute(tx)
    .await?;
    Ok(())
}

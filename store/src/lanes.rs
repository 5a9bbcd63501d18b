//! Lanes: one queue an address, so that a busy chat never delays another.
//!
//! A lane holds when its address may be served next ([`ready_at`](Store::next_delivery_at)). One delivery of each lane that is
//! ready is claimed; when it is settled the lane goes to the back: lanes are served in turn whatever their length. Where
//! room is left and no pace holds an address back, more of its deliveries follow, never two of one procedure. Paces (a chat, a
//! mail domain, a whole channel) are moments kept in the database, so that a restart sends nothing early.
//!
//! Invariant: a lane that is not held is ready no later than its first due delivery. A lane that is ready too early costs
//! one look; one that would be ready too late is found by [`Store::mend_lanes`].

use std::collections::{BTreeMap, HashMap, HashSet};

use chrono::{DateTime, Duration, Utc};
use serde_json::{Value, json};
use vigie_domain::Channel;
use vigie_domain::delivery::{OUTAGE_GAP, Pace};

use crate::outbox::{Claimed, fill_in};
use crate::people::AddressState;
use crate::rows::over_rows;
use crate::sql::Transaction;
use crate::{Engine, Store, StoreError, millis, moment, sql};

/// Ready at no known moment: held, or empty.
pub(crate) const NEVER: i64 = 1 << 60;

/// Lanes looked at in one go.
const LOOK: i64 = 32;

type Lane = (String, String, Option<String>, Option<String>, i64);
type ClaimRow = (String, String, String, String, String, String, i64, i64, Option<i64>, i64);

/// A lane, and where its messages go.
struct To {
    address: String,
    to: Option<(String, AddressState)>,
}

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

/// What is read of a delivery just claimed: a [`ClaimRow`].
macro_rules! claimed_columns {
    () => {
        "id, subscriber_id, address_id, channel, cause, procedure_id, attempts, created, expires_at, seq"
    };
}

macro_rules! held_for_nothing {
    () => {
        "held = 1 AND NOT EXISTS (SELECT 1 FROM delivery d WHERE d.address_id = lane.address_id AND d.state = 'claimed')"
    };
}

macro_rules! ready_lanes {
    ($lock:literal) => {
        concat!(
            "SELECT l.address_id, l.channel, a.value, a.state, COALESCE(o.since, 0) FROM lane l
             LEFT JOIN address a ON a.id = l.address_id LEFT JOIN pace p ON p.key = l.channel LEFT JOIN outage o ON o.channel = l.channel
             WHERE l.ready_at <= $1 AND COALESCE(p.free_at, 0) <= $1 ORDER BY l.ready_at, l.address_id LIMIT $2",
            $lock
        )
    };
}

/// Who claims, how much, and for how long.
#[derive(Debug, Clone, Copy)]
pub struct Claim<'a> {
    /// Name of the process.
    pub holder: &'a str,
    /// Proof of the claim, different every time.
    pub token: &'a str,
    /// Most deliveries claimed.
    pub limit: usize,
    /// How long they are held.
    pub lease: Duration,
    /// Least time between two mails to one domain.
    pub domain_gap: Duration,
}

impl Store {
    /// Claims due deliveries, one of each lane in the order in which the lanes became ready; what room is left then goes to
    /// lanes without a pace.
    ///
    /// # Errors
    /// The database fails.
    pub async fn claim(&self, claim: &Claim<'_>, now: DateTime<Utc>) -> Result<Vec<Claimed>, StoreError> {
        // A look without a lock first: most looks find nothing.
        let (lapsed, ready): (i64, i64) = sql::query_as(
            "SELECT (SELECT COUNT(*) FROM (SELECT 1 FROM delivery WHERE state = 'claimed' AND lease_until < $1 LIMIT 1) AS lapsed),
               (SELECT COUNT(*) FROM (SELECT 1 FROM lane WHERE ready_at <= $1 LIMIT 1) AS ready)",
        )
        .bind(millis(now))
        .fetch_one(&self.reader)
        .await?;
        if lapsed > 0 {
            self.reap(now).await?;
        } else if ready == 0 {
            return Ok(Vec::new());
        }
        let sql = match self.engine() {
            Engine::Sqlite => ready_lanes!(""),
            Engine::Postgres => ready_lanes!(" FOR UPDATE OF l SKIP LOCKED"),
        };
        let mut claimed = Vec::new();
        let mut probed = HashSet::new();
        let mut unpaced: Vec<To> = Vec::new();
        let mut tx = self.begin().await?;
        while claimed.len() < claim.limit {
            let lanes: Vec<Lane> = sql::query_as(sql).bind(millis(now)).bind(LOOK).fetch_all(&mut tx).await?;
            if lanes.is_empty() {
                break;
            }
            let room = claim.limit - claimed.len();
            let mut together: Vec<To> = Vec::new();
            for (address, channel, value, state, away) in lanes {
                if together.len() == room || claimed.len() == claim.limit {
                    break;
                }
                if probed.contains(&channel) {
                    continue;
                }
                let pace = Channel::parse(&channel)
                    .map(|c| Pace::of(c, value.as_deref().unwrap_or_default(), claim.domain_gap));
                let to = To { address, to: value.zip(state.as_deref().map(AddressState::parse)) };
                if away == 0 && pace.as_ref().is_some_and(Pace::is_none) {
                    together.push(to);
                    continue;
                }
                if let Some(free) = held_back(&mut tx, pace.as_ref(), now).await? {
                    set_ready(&mut tx, &to.address, millis(free)).await?;
                    continue;
                }
                let Some(mut delivery) = take(&mut tx, claim, &[&to], now).await?.pop() else { continue };
                delivery.gap = pace.as_ref().map_or(Duration::zero(), |p| p.gap);
                use_pace(&mut tx, pace.as_ref(), now).await?;
                if away > 0 {
                    // One tries whether the server is back; the others wait for what it says.
                    delivery.probe = true;
                    set_pace(&mut tx, &channel, now + OUTAGE_GAP).await?;
                    probed.insert(channel);
                }
                claimed.push(delivery);
            }
            together.truncate(claim.limit - claimed.len());
            let all: Vec<&To> = together.iter().collect();
            claimed.extend(take(&mut tx, claim, &all, now).await?);
            unpaced.extend(together);
        }
        for (n, lane) in unpaced.iter().enumerate() {
            let room = claim.limit - claimed.len();
            if room == 0 {
                break;
            }
            claimed.extend(take_more(&mut tx, claim, lane, room.div_ceil(unpaced.len() - n), now).await?);
        }
        fill_in(&mut tx, &mut claimed).await?;
        tx.commit().await?;
        Ok(claimed)
    }

    /// When the next delivery may go, if any waits.
    ///
    /// # Errors
    /// The database fails.
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
    ///
    /// # Errors
    /// The database fails.
    pub async fn oldest_due(&self, now: DateTime<Utc>) -> Result<Option<DateTime<Utc>>, StoreError> {
        let (at,): (Option<i64>,) = sql::query_as("SELECT MIN(ready_at) FROM lane WHERE ready_at <= $1")
            .bind(millis(now))
            .fetch_one(&self.reader)
            .await?;
        Ok(at.map(moment))
    }

    /// Serves again the lanes that are held for nothing, and those that wait for nothing while a delivery waits in them;
    /// gives their number, zero in a healthy database. Nothing is locked where there is nothing to mend.
    ///
    /// # Errors
    /// The database fails.
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

async fn set_ready(tx: &mut Transaction, address: &str, at: i64) -> Result<(), StoreError> {
    sql::query("UPDATE lane SET ready_at = $2 WHERE address_id = $1")
        .bind(address.to_owned())
        .bind(at)
        .execute(tx)
        .await?;
    Ok(())
}

/// Claims the first due delivery of each of these lanes, and holds the lanes; a lane in which none may go is given back.
async fn take(
    tx: &mut Transaction,
    claim: &Claim<'_>,
    lanes: &[&To],
    now: DateTime<Utc>,
) -> Result<Vec<Claimed>, StoreError> {
    if lanes.is_empty() {
        return Ok(Vec::new());
    }
    let rows: Vec<ClaimRow> = sql::query_as(over_rows!(
        tx.engine(),
        [
            "UPDATE delivery SET state = 'claimed', token = $2, holder = $3, lease_until = $4, started = NULL
             WHERE state || '' IN ('pending', 'deferred', 'ambiguous') AND id IN (SELECT (",
            waiting!("d.id", "given.value ->> 'address'", " AND d.next_at <= $5", "1"),
            ") FROM "
        ],
        [") RETURNING ", claimed_columns!()]
    ))
    .bind(addresses(lanes.iter().map(|l| l.address.as_str())))
    .bind(claim.token.to_owned())
    .bind(claim.holder.to_owned())
    .bind(millis(now + claim.lease))
    .bind(millis(now))
    .fetch_all(&mut *tx)
    .await?;
    let mut rows: HashMap<String, ClaimRow> = rows.into_iter().map(|r| (r.2.clone(), r)).collect();
    let (mut claimed, mut empty) = (Vec::new(), BTreeMap::new());
    for lane in lanes {
        match rows.remove(&lane.address).and_then(|r| delivery(claim, lane, r)) {
            Some(delivery) => claimed.push(delivery),
            None => drop(empty.insert(lane.address.as_str(), (now, now))),
        }
    }
    if !claimed.is_empty() {
        sql::query(over_rows!(
            tx.engine(),
            ["UPDATE lane SET held = 1, ready_at = $2 WHERE address_id IN (SELECT value ->> 'address' FROM "],
            [")"]
        ))
        .bind(addresses(claimed.iter().map(|c| c.address.as_str())))
        .bind(NEVER)
        .execute(tx)
        .await?;
    }
    if !empty.is_empty() {
        release_all(tx, &empty).await?;
    }
    Ok(claimed)
}

/// Claims up to `most` more due deliveries of a lane that is held.
async fn take_more(
    tx: &mut Transaction,
    claim: &Claim<'_>,
    lane: &To,
    most: usize,
    now: DateTime<Utc>,
) -> Result<Vec<Claimed>, StoreError> {
    let rows: Vec<ClaimRow> = sql::query_as(concat!(
        "UPDATE delivery SET state = 'claimed', token = $1, holder = $2, lease_until = $3, started = NULL
         WHERE state || '' IN ('pending', 'deferred', 'ambiguous') AND id IN (",
        waiting!("d.id", "$4", " AND d.next_at <= $5", "$6"),
        ") RETURNING ",
        claimed_columns!()
    ))
    .bind(claim.token.to_owned())
    .bind(claim.holder.to_owned())
    .bind(millis(now + claim.lease))
    .bind(lane.address.clone())
    .bind(millis(now))
    .bind(i64::try_from(most).unwrap_or(i64::MAX))
    .fetch_all(&mut *tx)
    .await?;
    let mut more: Vec<Claimed> = rows.into_iter().filter_map(|r| delivery(claim, lane, r)).collect();
    more.sort_by_key(|d| d.seq);
    Ok(more)
}

fn delivery(claim: &Claim<'_>, lane: &To, row: ClaimRow) -> Option<Claimed> {
    Some(Claimed {
        id: row.0,
        token: claim.token.to_owned(),
        subscriber: row.1,
        address: row.2,
        channel: Channel::parse(&row.3)?,
        to: lane.to.clone(),
        gap: Duration::zero(),
        probe: false,
        cause: row.4,
        procedure: row.5,
        attempts: u32::try_from(row.6).unwrap_or(0),
        created: moment(row.7),
        expires: row.8.map(moment),
        seq: row.9,
        head: None,
        role: None,
        thread: Vec::new(),
        item: None,
    })
}

/// The rows of some lanes.
fn addresses<'a>(lanes: impl Iterator<Item = &'a str>) -> String {
    Value::from(lanes.map(|address| json!({"address": address})).collect::<Vec<_>>()).to_string()
}

/// Until when a pace shared with other lanes holds this one back.
async fn held_back(
    tx: &mut Transaction,
    pace: Option<&Pace>,
    now: DateTime<Utc>,
) -> Result<Option<DateTime<Utc>>, StoreError> {
    let mut latest = None;
    for (key, _) in pace.into_iter().flat_map(|p| &p.shared) {
        let row: Option<(i64,)> = sql::query_as("SELECT free_at FROM pace WHERE key = $1 AND free_at > $2")
            .bind(key.clone())
            .bind(millis(now))
            .fetch_optional(&mut *tx)
            .await?;
        latest = latest.max(row.map(|(at,)| moment(at)));
    }
    Ok(latest)
}

async fn use_pace(tx: &mut Transaction, pace: Option<&Pace>, now: DateTime<Utc>) -> Result<(), StoreError> {
    for (key, gap) in pace.into_iter().flat_map(|p| &p.shared) {
        set_pace(tx, key, now + *gap).await?;
    }
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

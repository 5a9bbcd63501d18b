//! Claiming: which deliveries a worker takes, in which order, and what it must know of them.
//!
//! One delivery of each lane that is ready is claimed ([`crate::lanes`]); where room is left and no pace holds an address back,
//! more of its deliveries follow, never two of one procedure.
//!
//! A delivery whose row cannot be read (a word that this program does not know) is settled as dead, with the reason: it stops
//! no other, and an operator sees it.

use std::collections::{BTreeMap, HashMap, HashSet};

use chrono::{DateTime, Duration, Utc};
use serde_json::{Value, json};
use vigie_domain::delivery::{OUTAGE_GAP, Pace};
use vigie_domain::subscription::Role;
use vigie_domain::{AlertKind, Channel};

use crate::Store;
use crate::address::AddressState;
use crate::columns::millis;
use crate::delivery::{Claimed, Head};
use crate::error::StoreError;
use crate::lanes::{NEVER, release_all, set_pace, waiting};
use crate::rows::over_rows;
use crate::sql::{self, Engine, FromRow, Row, SqlError, Transaction, row};

/// Lanes looked at in one go.
const LOOK: i64 = 32;

/// A lane that is ready.
struct Lane {
    address: String,
    channel: String,
    value: Option<String>,
    state: Option<AddressState>,
    /// Since when the server of its channel is away, or 0.
    away: i64,
}

row!(Lane { address, channel, value, state, away });

/// A lane, and where its messages go.
struct To {
    address: String,
    to: Option<(String, AddressState)>,
}

/// The row of a delivery just claimed; what could not be read of it is said.
struct ClaimedRow {
    id: String,
    address: String,
    delivery: Result<Claimed, SqlError>,
}

/// A delivery that cannot be read, and why.
struct Unreadable {
    id: String,
    why: SqlError,
}

impl ClaimedRow {
    /// The delivery, in the hands of who claims it.
    fn held_by(self, claim: &Claim<'_>, lane: &To) -> Result<Claimed, Unreadable> {
        let held = |d: Claimed| Claimed { token: claim.token.to_owned(), to: lane.to.clone(), ..d };
        self.delivery.map(held).map_err(|why| Unreadable { id: self.id, why })
    }
}

impl FromRow for ClaimedRow {
    fn from_row(row: &Row<'_>) -> Result<Self, SqlError> {
        Ok(Self { id: row.get(0)?, address: row.get(2)?, delivery: claimed(row) })
    }
}

/// What is read of a delivery just claimed: see [`claimed`].
macro_rules! claimed_columns {
    () => {
        "id, subscriber_id, address_id, channel, cause, procedure_id, attempts, created, expires_at, seq"
    };
}

fn claimed(row: &Row<'_>) -> Result<Claimed, SqlError> {
    let mut columns = sql::Columns::of(row);
    Ok(Claimed {
        id: columns.next()?,
        subscriber: columns.next()?,
        address: columns.next()?,
        channel: columns.next()?,
        cause: columns.next()?,
        procedure: columns.next()?,
        attempts: columns.next()?,
        created: columns.next()?,
        expires: columns.next()?,
        seq: columns.next()?,
        token: String::new(),
        to: None,
        gap: Duration::zero(),
        probe: false,
        head: None,
        role: None,
        thread: Vec::new(),
        item: None,
    })
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
    pub lease_holder: &'a str,
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
    /// lanes without a pace. Nothing while messages wait for an operator ([`crate::held`]).
    pub async fn claim(&self, claim: &Claim<'_>, now: DateTime<Utc>) -> Result<Vec<Claimed>, StoreError> {
        // A look without a lock first: most looks find nothing.
        let (lapsed, ready, held): (i64, i64, i64) = sql::query_as(
            "SELECT (SELECT COUNT(*) FROM (SELECT 1 FROM delivery WHERE state = 'claimed' AND lease_until < $1 LIMIT 1) AS lapsed),
               (SELECT COUNT(*) FROM (SELECT 1 FROM lane WHERE ready_at <= $1 LIMIT 1) AS ready),
               (SELECT COUNT(*) FROM meta WHERE key = 'held_since')",
        )
        .bind(now)
        .fetch_one(&self.key_reader)
        .await?;
        if lapsed > 0 {
            self.reap(now).await?;
        } else if ready == 0 {
            return Ok(Vec::new());
        }
        if held > 0 {
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
            for Lane { address, channel, value, state, away } in lanes {
                if together.len() == room || claimed.len() == claim.limit {
                    break;
                }
                if probed.contains(&channel) {
                    continue;
                }
                let pace = Channel::parse(&channel)
                    .map(|c| Pace::of(c, value.as_deref().unwrap_or_default(), claim.domain_gap));
                let to = To { address, to: value.zip(state) };
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
        let claimed = fill_in(&mut tx, claimed, now).await?;
        tx.commit().await?;
        Ok(claimed)
    }
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
    let rows: Vec<ClaimedRow> = sql::query_as(over_rows!(
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
    .bind(claim.lease_holder.to_owned())
    .bind(millis(now + claim.lease))
    .bind(millis(now))
    .fetch_all(&mut *tx)
    .await?;
    let mut rows: HashMap<String, ClaimedRow> = rows.into_iter().map(|r| (r.address.clone(), r)).collect();
    let (mut claimed, mut empty, mut unreadable) = (Vec::new(), BTreeMap::new(), Vec::new());
    for lane in lanes {
        match rows.remove(&lane.address).map(|row| row.held_by(claim, lane)) {
            Some(Ok(delivery)) => claimed.push(delivery),
            Some(Err(bad)) => {
                unreadable.push(bad);
                empty.insert(lane.address.as_str(), (now, now));
            }
            None => drop(empty.insert(lane.address.as_str(), (now, now))),
        }
    }
    bury(tx, &unreadable, now).await?;
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
    let rows: Vec<ClaimedRow> = sql::query_as(concat!(
        "UPDATE delivery SET state = 'claimed', token = $1, holder = $2, lease_until = $3, started = NULL
         WHERE state || '' IN ('pending', 'deferred', 'ambiguous') AND id IN (",
        waiting!("d.id", "$4", " AND d.next_at <= $5", "$6"),
        ") RETURNING ",
        claimed_columns!()
    ))
    .bind(claim.token.to_owned())
    .bind(claim.lease_holder.to_owned())
    .bind(millis(now + claim.lease))
    .bind(lane.address.clone())
    .bind(millis(now))
    .bind(i64::try_from(most).unwrap_or(i64::MAX))
    .fetch_all(&mut *tx)
    .await?;
    let (mut more, mut unreadable) = (Vec::new(), Vec::new());
    for row in rows {
        match row.held_by(claim, lane) {
            Ok(delivery) => more.push(delivery),
            Err(bad) => unreadable.push(bad),
        }
    }
    bury(tx, &unreadable, now).await?;
    more.sort_by_key(|d| d.seq);
    Ok(more)
}

/// Settles deliveries whose rows cannot be read as dead.
async fn bury(tx: &mut Transaction, unreadable: &[Unreadable], now: DateTime<Utc>) -> Result<(), StoreError> {
    for Unreadable { id, why } in unreadable {
        tracing::error!("delivery {id} cannot be read and is given up: {why}");
        sql::query(
            "UPDATE delivery SET state = 'dead', settled_at = $2, why = $3, token = NULL, holder = NULL WHERE id = $1",
        )
        .bind(id.clone())
        .bind(now)
        .bind(format!("donnée illisible : {why}"))
        .execute(tx)
        .await?;
    }
    Ok(())
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
        let row: Option<(DateTime<Utc>,)> = sql::query_as("SELECT free_at FROM pace WHERE key = $1 AND free_at > $2")
            .bind(key.clone())
            .bind(millis(now))
            .fetch_optional(&mut *tx)
            .await?;
        latest = latest.max(row.map(|(at,)| at));
    }
    Ok(latest)
}

async fn use_pace(tx: &mut Transaction, pace: Option<&Pace>, now: DateTime<Utc>) -> Result<(), StoreError> {
    for (key, gap) in pace.into_iter().flat_map(|p| &p.shared) {
        set_pace(tx, key, now + *gap).await?;
    }
    Ok(())
}

/// What an instant message is about, and what its reader is to us.
struct HeadRow {
    delivery: String,
    read: Result<(Option<Role>, Option<Head>), SqlError>,
}

impl FromRow for HeadRow {
    fn from_row(row: &Row<'_>) -> Result<Self, SqlError> {
        let read = || {
            let (kind, reasons): (Option<AlertKind>, Option<String>) = (row.get(2)?, row.get(3)?);
            let version = row.get(4)?;
            let head = kind.zip(reasons).map(|(alert_kind, reasons)| Head { alert_kind, reasons, version });
            Ok((row.get(1)?, head))
        };
        Ok(Self { delivery: row.get(0)?, read: read() })
    }
}

/// Fills in what the sender must know of deliveries just claimed, besides their own rows; leaves out those of which it cannot
/// be read.
async fn fill_in(
    tx: &mut Transaction,
    mut claimed: Vec<Claimed>,
    now: DateTime<Utc>,
) -> Result<Vec<Claimed>, StoreError> {
    if claimed.is_empty() {
        return Ok(claimed);
    }
    let mut heads = heads(tx, &claimed).await?;
    let mut threads = threads(tx, &claimed).await?;
    let (mut unreadable, mut lanes) = (Vec::new(), BTreeMap::new());
    for delivery in &mut claimed {
        match heads.remove(&delivery.id) {
            Some(Ok((role, head))) => (delivery.role, delivery.head) = (role, head),
            Some(Err(why)) => {
                unreadable.push(Unreadable { id: delivery.id.clone(), why });
                lanes.insert(delivery.address.clone(), (now, now));
            }
            None => {}
        }
        delivery.thread = threads.remove(&delivery.id).unwrap_or_default();
    }
    if !unreadable.is_empty() {
        bury(tx, &unreadable, now).await?;
        release_all(tx, &lanes.iter().map(|(address, at)| (address.as_str(), *at)).collect()).await?;
        claimed.retain(|d| !unreadable.iter().any(|bad| bad.id == d.id));
    }
    Ok(claimed)
}

type HeadOf = HashMap<String, Result<(Option<Role>, Option<Head>), SqlError>>;

async fn heads(tx: &mut Transaction, claimed: &[Claimed]) -> Result<HeadOf, StoreError> {
    let rows: Vec<Value> =
        claimed.iter().map(|d| json!({"id": d.id, "person": d.subscriber, "alert": d.cause.alert()})).collect();
    let heads: Vec<HeadRow> = sql::query_as(over_rows!(
        tx.engine(),
        ["SELECT w.key, s.role, a.kind, n.reasons, COALESCE(o.version, 0)
         FROM (SELECT value ->> 'id' AS key, value ->> 'person' AS person, value ->> 'alert' AS alert FROM "],
        [") AS w LEFT JOIN subscriber s ON s.id = w.person LEFT JOIN notification n ON n.alert_id = w.alert AND n.subscriber_id = w.person
         LEFT JOIN alert a ON a.id = n.alert_id LEFT JOIN notice o ON o.id = a.notice_id"]
    ))
    .bind(Value::from(rows).to_string())
    .fetch_all(&mut *tx)
    .await?;
    Ok(heads.into_iter().map(|row| (row.delivery, row.read)).collect())
}

/// Earlier deliveries of the same threads.
async fn threads(tx: &mut Transaction, claimed: &[Claimed]) -> Result<HashMap<String, Vec<String>>, StoreError> {
    let rows: Vec<Value> = claimed
        .iter()
        .filter(|d| !d.procedure.is_empty())
        .map(|d| json!({"id": d.id, "address": d.address, "procedure": d.procedure, "seq": d.seq}))
        .collect();
    let mut threads: HashMap<String, Vec<String>> = HashMap::new();
    if rows.is_empty() {
        return Ok(threads);
    }
    let before: Vec<(String, String)> = sql::query_as(over_rows!(
        tx.engine(),
        ["SELECT w.key, e.id FROM (SELECT value ->> 'id' AS key, value ->> 'address' AS address,
           value ->> 'procedure' AS procedure, CAST(value ->> 'seq' AS BIGINT) AS seq FROM "],
        [") AS w JOIN delivery e ON e.address_id = w.address AND e.procedure_id = w.procedure AND e.seq < w.seq
         WHERE e.attempts > 0 AND e.state || '' IN ('sent', 'ambiguous', 'dead') ORDER BY e.seq"]
    ))
    .bind(Value::from(rows).to_string())
    .fetch_all(&mut *tx)
    .await?;
    for (delivery, earlier) in before {
        threads.entry(delivery).or_default().push(earlier);
    }
    Ok(threads)
}

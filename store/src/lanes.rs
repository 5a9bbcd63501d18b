//! Lanes: one queue an address, so that a busy chat never delays another.
//!
//! A lane holds when its address may be served next ([`ready_at`](Store::next_delivery_at)). One delivery of each lane that is
//! ready is claimed; when it is settled the lane goes to the back: lanes are served in turn whatever their length. Where
//! room is left and no pace holds an address back, more of its deliveries follow, never two of one procedure. Paces (a chat, a
//! mail domain, a whole channel) are moments kept in the database, so that a restart sends nothing early.
//!
//! Invariant: a lane that is not held is ready no later than its first due delivery. A lane that is ready too early costs
//! one look; one that would be ready too late is found by [`Store::mend_lanes`].

use std::collections::{HashSet, VecDeque};

use chrono::{DateTime, Duration, Utc};
use vigie_domain::Channel;
use vigie_domain::delivery::{OUTAGE_GAP, Pace};

use crate::outbox::Claimed;
use crate::people::AddressState;
use crate::{Engine, Store, StoreError, WriteTx, millis, moment};

/// Ready at no known moment: held, or empty.
pub(crate) const NEVER: i64 = 1 << 60;

/// Lanes looked at in one go.
const LOOK: i64 = 32;

type Lane = (String, String, Option<String>, Option<String>, i64);
type ClaimRow = (String, String, String, String, String, String, i64, i64, Option<i64>, i64);

/// The deliveries `d` that wait in a lane and may go: not those that follow an unsettled one of the same thread, so that a
/// correction never overtakes its first alert.
macro_rules! waiting {
    ($select:literal, $lane:literal, $more:literal) => {
        concat!(
            "SELECT ",
            $select,
            " FROM delivery d WHERE d.address_id = ",
            $lane,
            " AND d.state IN ('pending', 'deferred', 'ambiguous')",
            $more,
            " AND NOT EXISTS (SELECT 1 FROM delivery e WHERE e.address_id = d.address_id AND e.procedure_id = d.procedure_id
                AND d.procedure_id <> '' AND e.seq < d.seq AND e.state IN ('pending', 'claimed', 'deferred', 'ambiguous'))
              ORDER BY d.next_at, d.seq LIMIT 1"
        )
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
        self.reap(now).await?;
        let mut claimed = Vec::new();
        // A look without a lock first: most looks find nothing.
        let (any,): (i64,) =
            sqlx::query_as("SELECT COUNT(*) FROM (SELECT 1 FROM lane WHERE ready_at <= $1 LIMIT 1) AS ready")
                .bind(millis(now))
                .fetch_one(&self.pool)
                .await?;
        if any == 0 {
            return Ok(claimed);
        }
        let sql = match self.engine {
            Engine::Sqlite => ready_lanes!(""),
            Engine::Postgres => ready_lanes!(" FOR UPDATE OF l SKIP LOCKED"),
        };
        let mut probed = HashSet::new();
        let mut unpaced: VecDeque<usize> = VecDeque::new();
        let mut tx = self.begin().await?;
        while claimed.len() < claim.limit {
            let lanes: Vec<Lane> = sqlx::query_as(sql).bind(millis(now)).bind(LOOK).fetch_all(&mut *tx).await?;
            if lanes.is_empty() {
                break;
            }
            for (address, channel, value, state, away) in lanes {
                if claimed.len() == claim.limit {
                    break;
                }
                if probed.contains(&channel) {
                    continue;
                }
                let pace = Channel::parse(&channel)
                    .map(|c| Pace::of(c, value.as_deref().unwrap_or_default(), claim.domain_gap));
                if let Some(free) = held_back(&mut tx, pace.as_ref(), now).await? {
                    set_ready(&mut tx, &address, millis(free)).await?;
                    continue;
                }
                match take(&mut tx, claim, &address, now).await? {
                    Some(mut delivery) => {
                        delivery.gap = pace.as_ref().map_or(Duration::zero(), |p| p.gap);
                        delivery.to = value.zip(state.as_deref().map(AddressState::parse));
                        use_pace(&mut tx, pace.as_ref(), now).await?;
                        sqlx::query("UPDATE lane SET held = 1, ready_at = $2 WHERE address_id = $1")
                            .bind(address)
                            .bind(NEVER)
                            .execute(&mut *tx)
                            .await?;
                        if away > 0 {
                            // One tries whether the server is back; the others wait for what it says.
                            delivery.probe = true;
                            set_pace(&mut tx, &channel, now + OUTAGE_GAP).await?;
                            probed.insert(channel);
                        } else if pace.as_ref().is_some_and(Pace::is_none) {
                            unpaced.push_back(claimed.len());
                        }
                        claimed.push(delivery);
                    }
                    None => release(&mut tx, &address, None, now).await?,
                }
            }
        }
        while claimed.len() < claim.limit
            && let Some(first) = unpaced.pop_front()
        {
            let (address, to) = (claimed[first].address.clone(), claimed[first].to.clone());
            if let Some(more) = take(&mut tx, claim, &address, now).await? {
                unpaced.push_back(first);
                claimed.push(Claimed { to, ..more });
            }
        }
        tx.commit().await?;
        Ok(claimed)
    }

    /// When the next delivery may go, if any waits.
    ///
    /// # Errors
    /// The database fails.
    pub async fn next_delivery_at(&self) -> Result<Option<DateTime<Utc>>, StoreError> {
        let (at,): (Option<i64>,) = sqlx::query_as(
            "SELECT MIN(CASE WHEN l.ready_at > COALESCE(p.free_at, 0) THEN l.ready_at ELSE p.free_at END)
             FROM lane l LEFT JOIN pace p ON p.key = l.channel WHERE l.ready_at < $1",
        )
        .bind(NEVER)
        .fetch_one(&self.pool)
        .await?;
        Ok(at.map(moment))
    }

    /// Since when the lane that waits longest for its turn could have been served; an attempt puts a lane back to the end, so
    /// a lane whose server is away is not old while it is tried.
    ///
    /// # Errors
    /// The database fails.
    pub async fn oldest_due(&self, now: DateTime<Utc>) -> Result<Option<DateTime<Utc>>, StoreError> {
        let (at,): (Option<i64>,) = sqlx::query_as("SELECT MIN(ready_at) FROM lane WHERE ready_at <= $1")
            .bind(millis(now))
            .fetch_one(&self.pool)
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
        let (held,): (i64,) = sqlx::query_as(concat!("SELECT COUNT(*) FROM lane WHERE ", held_for_nothing!()))
            .fetch_one(&self.pool)
            .await?;
        let late: Vec<(String, String, i64)> = sqlx::query_as(
            "SELECT w.address_id, w.channel, w.first FROM (
               SELECT address_id, MIN(channel) AS channel, MIN(next_at) AS first FROM delivery
               WHERE state IN ('pending', 'deferred', 'ambiguous') GROUP BY address_id) AS w
             LEFT JOIN lane l ON l.address_id = w.address_id
             WHERE (l.address_id IS NULL OR (l.held = 0 AND l.ready_at = $1))
               AND NOT EXISTS (SELECT 1 FROM delivery d WHERE d.address_id = w.address_id AND d.state = 'claimed')",
        )
        .bind(NEVER)
        .fetch_all(&self.pool)
        .await?;
        if held == 0 && late.is_empty() {
            return Ok(0);
        }
        let mut tx = self.begin().await?;
        let stuck = sqlx::query(concat!("UPDATE lane SET held = 0, ready_at = $1 WHERE ", held_for_nothing!()))
            .bind(millis(now))
            .execute(&mut *tx)
            .await?;
        for (address, channel, first) in &late {
            make_ready(&mut tx, address, channel, moment(*first)).await?;
        }
        tx.commit().await?;
        Ok(stuck.rows_affected() + late.len() as u64)
    }
}

/// Says that a delivery waits in this lane from `at` on.
pub(crate) async fn make_ready(
    tx: &mut WriteTx,
    address: &str,
    channel: &str,
    at: DateTime<Utc>,
) -> Result<(), StoreError> {
    sqlx::query(
        "INSERT INTO lane (address_id, channel, ready_at) VALUES ($1, $2, $3)
         ON CONFLICT (address_id) DO UPDATE SET ready_at = CASE
           WHEN lane.held = 1 OR lane.ready_at <= $3 THEN lane.ready_at
           WHEN lane.free_at > $3 THEN lane.free_at ELSE $3 END",
    )
    .bind(address.to_owned())
    .bind(channel.to_owned())
    .bind(millis(at))
    .execute(&mut **tx)
    .await?;
    Ok(())
}

/// Gives a lane back after a delivery: it is served again when its next delivery is due, no sooner than `free`, and behind
/// the lanes that are ready now.
pub(crate) async fn release(
    tx: &mut WriteTx,
    address: &str,
    free: Option<DateTime<Utc>>,
    now: DateTime<Utc>,
) -> Result<(), StoreError> {
    if tx.engine == Engine::Postgres {
        // The lane is locked first: the next statement then sees every delivery that was committed before.
        sqlx::query("SELECT CAST(1 AS BIGINT) FROM lane WHERE address_id = $1 FOR UPDATE")
            .bind(address.to_owned())
            .execute(&mut **tx)
            .await?;
    }
    sqlx::query(concat!(
        "UPDATE lane SET held = 0, free_at = CASE WHEN free_at > $2 THEN free_at ELSE $2 END,
           ready_at = COALESCE((SELECT CASE WHEN w.next_at >= lane.free_at AND w.next_at >= $2 AND w.next_at >= $3 THEN w.next_at
             WHEN lane.free_at >= $2 AND lane.free_at >= $3 THEN lane.free_at WHEN $2 >= $3 THEN $2 ELSE $3 END FROM (",
        waiting!("d.next_at", "$1", ""),
        ") AS w), $4) WHERE address_id = $1"
    ))
    .bind(address.to_owned())
    .bind(millis(free.unwrap_or(now)))
    .bind(millis(now))
    .bind(NEVER)
    .execute(&mut **tx)
    .await?;
    Ok(())
}

async fn set_ready(tx: &mut WriteTx, address: &str, at: i64) -> Result<(), StoreError> {
    sqlx::query("UPDATE lane SET ready_at = $2 WHERE address_id = $1")
        .bind(address.to_owned())
        .bind(at)
        .execute(&mut **tx)
        .await?;
    Ok(())
}

/// Claims the first due delivery of a lane, if one may go.
async fn take(
    tx: &mut WriteTx,
    claim: &Claim<'_>,
    address: &str,
    now: DateTime<Utc>,
) -> Result<Option<Claimed>, StoreError> {
    let row: Option<ClaimRow> = sqlx::query_as(concat!(
        "UPDATE delivery SET state = 'claimed', token = $1, holder = $2, lease_until = $3, started = NULL WHERE id = (",
        waiting!("d.id", "$4", " AND d.next_at <= $5"),
        ") RETURNING id, subscriber_id, address_id, channel, cause, procedure_id, attempts, created, expires_at, seq"
    ))
    .bind(claim.token.to_owned())
    .bind(claim.holder.to_owned())
    .bind(millis(now + claim.lease))
    .bind(address.to_owned())
    .bind(millis(now))
    .fetch_optional(&mut **tx)
    .await?;
    Ok(row.and_then(|r| {
        Some(Claimed {
            id: r.0,
            token: claim.token.to_owned(),
            subscriber: r.1,
            address: r.2,
            channel: Channel::parse(&r.3)?,
            to: None,
            gap: Duration::zero(),
            probe: false,
            cause: r.4,
            procedure: r.5,
            attempts: u32::try_from(r.6).unwrap_or(0),
            created: moment(r.7),
            expires: r.8.map(moment),
            seq: r.9,
        })
    }))
}

/// Until when a pace shared with other lanes holds this one back.
async fn held_back(
    tx: &mut WriteTx,
    pace: Option<&Pace>,
    now: DateTime<Utc>,
) -> Result<Option<DateTime<Utc>>, StoreError> {
    let mut latest = None;
    for (key, _) in pace.into_iter().flat_map(|p| &p.shared) {
        let row: Option<(i64,)> = sqlx::query_as("SELECT free_at FROM pace WHERE key = $1 AND free_at > $2")
            .bind(key.clone())
            .bind(millis(now))
            .fetch_optional(&mut **tx)
            .await?;
        latest = latest.max(row.map(|(at,)| moment(at)));
    }
    Ok(latest)
}

async fn use_pace(tx: &mut WriteTx, pace: Option<&Pace>, now: DateTime<Utc>) -> Result<(), StoreError> {
    for (key, gap) in pace.into_iter().flat_map(|p| &p.shared) {
        set_pace(tx, key, now + *gap).await?;
    }
    Ok(())
}

pub(crate) async fn set_pace(tx: &mut WriteTx, key: &str, free: DateTime<Utc>) -> Result<(), StoreError> {
    sqlx::query(
        "INSERT INTO pace (key, free_at) VALUES ($1, $2)
         ON CONFLICT (key) DO UPDATE SET free_at = CASE WHEN pace.free_at > $2 THEN pace.free_at ELSE $2 END",
    )
    .bind(key.to_owned())
    .bind(millis(free))
    .execute(&mut **tx)
    .await?;
    Ok(())
}

//! The outbox: claiming, sending, settling.
//!
//! A worker claims deliveries with a lease and a token, notes "attempt started" before the first byte leaves, and settles
//! with the token. A lease that runs out before "attempt started" gives the delivery back to Pending; after it, to
//! Ambiguous, since the message may have left.

use chrono::{DateTime, Duration, Utc};
use vigie_domain::delivery::Settlement;
use vigie_domain::{Channel, DeliveryState};

use crate::consent::ASK_CAUSE;
use crate::group::Write;
use crate::people::AddressState;
use crate::{Store, StoreError, WriteTx, clean, derived_id, lanes, millis, moment};

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
    /// The channel.
    pub channel: Channel,
    /// The address on that channel, and whether messages may go there; `None` when it is gone.
    pub to: Option<(String, AddressState)>,
    /// What it is about.
    pub cause: String,
    /// The procedure; empty for digests.
    pub procedure: String,
    /// Attempts made before this one.
    pub attempts: u32,
    /// Least time before the next message to this address.
    pub gap: Duration,
    /// It goes alone, to see whether the server of its channel is back.
    pub probe: bool,
    /// When it was made.
    pub created: DateTime<Utc>,
    /// When it loses its meaning.
    pub expires: Option<DateTime<Utc>>,
    /// Order in which deliveries were made.
    pub seq: i64,
}

/// What an instant message is about.
#[derive(Debug, Clone)]
pub struct Head {
    /// Kind of alert (database word).
    pub alert_kind: String,
    /// Why this person, as JSON.
    pub reasons: String,
    /// Version of the notice.
    pub version: i64,
}

/// What a message is made from.
#[derive(Debug, Clone)]
pub struct Item {
    /// Kind of alert (database word).
    pub alert_kind: String,
    /// The procedure; empty when the alert is about none.
    pub procedure: String,
    /// Changes, as JSON.
    pub changes: String,
    /// Text of an alert that is about no notice.
    pub body: Option<String>,
    /// Disposition (database word).
    pub disposition: String,
    /// Why this person, as JSON.
    pub reasons: String,
    /// The notice, as JSON; empty when the alert is about none.
    pub document: String,
    /// The verdict, as JSON; empty likewise.
    pub assessment: String,
}

/// A delivery as the journal shows it.
#[derive(Debug, Clone)]
pub struct DeliveryRow {
    /// Identifier.
    pub id: String,
    /// The person.
    pub subscriber: String,
    /// Channel (database word).
    pub channel: String,
    /// What it is about.
    pub cause: String,
    /// State.
    pub state: DeliveryState,
    /// Attempts made.
    pub attempts: i64,
    /// Next attempt.
    pub next_at: DateTime<Utc>,
    /// When it was made.
    pub created: DateTime<Utc>,
    /// When it was settled.
    pub settled_at: Option<DateTime<Utc>>,
    /// The channel's answer, or why.
    pub why: Option<String>,
}

/// One attempt.
#[derive(Debug, Clone)]
pub struct AttemptRow {
    /// From 1.
    pub n: i64,
    /// When it began.
    pub started: DateTime<Utc>,
    /// When it ended.
    pub ended: Option<DateTime<Utc>>,
    /// How.
    pub outcome: Option<String>,
    /// The channel's words.
    pub detail: Option<String>,
}

type ItemRow = (String, String, String, Option<String>, String, String, Option<String>, Option<String>);
type TriedRow = (i64, i64, Option<i64>, Option<String>, Option<String>);

/// How an attempt ended.
#[derive(Debug, Clone)]
pub(crate) struct End {
    /// The state it leads to.
    pub(crate) state: DeliveryState,
    /// When to try again, if ever.
    pub(crate) next: Option<DateTime<Utc>>,
    /// When its lane may be served again.
    pub(crate) free: DateTime<Utc>,
    /// The channel's words.
    pub(crate) why: String,
}

/// Notes that bytes are about to leave.
pub(crate) async fn start(
    tx: &mut WriteTx,
    delivery: &Claimed,
    lease_until: DateTime<Utc>,
    now: DateTime<Utc>,
) -> Result<bool, StoreError> {
    let done = sqlx::query(
        "UPDATE delivery SET started = $1, lease_until = $4, attempts = attempts + 1 WHERE id = $2 AND token = $3 AND state = 'claimed'
         AND EXISTS (SELECT 1 FROM address a WHERE a.id = delivery.address_id AND a.state IN ('active', 'unconfirmed')
           AND (a.state = 'unconfirmed') = (delivery.cause LIKE $5))",
    )
    .bind(millis(now))
    .bind(delivery.id.clone())
    .bind(delivery.token.clone())
    .bind(millis(lease_until))
    // An unconfirmed address is asked to confirm and gets nothing else; one in use is not asked.
    .bind(format!("{ASK_CAUSE}%"))
    .execute(&mut **tx)
    .await?;
    if done.rows_affected() == 1 {
        sqlx::query(
            "INSERT INTO attempt (delivery_id, n, started) VALUES ($1, $2, $3) ON CONFLICT (delivery_id, n) DO NOTHING",
        )
        .bind(delivery.id.clone())
        .bind(i64::from(delivery.attempts) + 1)
        .bind(millis(now))
        .execute(&mut **tx)
        .await?;
    }
    Ok(done.rows_affected() == 1)
}

/// Ends an attempt, and gives the lane back.
pub(crate) async fn end(
    tx: &mut WriteTx,
    delivery: &Claimed,
    end: &End,
    now: DateTime<Utc>,
) -> Result<bool, StoreError> {
    let done = sqlx::query(
        "UPDATE delivery SET state = $1, next_at = COALESCE($2, next_at), settled_at = $3, why = $4, token = NULL, holder = NULL WHERE id = $5 AND token = $6 AND state = 'claimed'",
    )
    .bind(end.state.as_str().to_owned())
    .bind(end.next.map(millis))
    .bind(end.next.is_none().then(|| millis(now)))
    .bind(end.why.clone())
    .bind(delivery.id.clone())
    .bind(delivery.token.clone())
    .execute(&mut **tx)
    .await?;
    if done.rows_affected() == 1 {
        sqlx::query(
            "UPDATE attempt SET ended = $1, outcome = $2, detail = $3 WHERE delivery_id = $4 AND ended IS NULL",
        )
        .bind(millis(now))
        .bind(end.state.as_str().to_owned())
        .bind(end.why.clone())
        .bind(delivery.id.clone())
        .execute(&mut **tx)
        .await?;
        lanes::release(tx, &delivery.address, Some(end.free), now).await?;
    }
    Ok(done.rows_affected() == 1)
}

impl Store {
    /// Gives back what lapsed leases held.
    pub(crate) async fn reap(&self, now: DateTime<Utc>) -> Result<(), StoreError> {
        let lapsed: Vec<(String,)> = sqlx::query_as(
            "SELECT DISTINCT address_id FROM delivery WHERE state = 'claimed' AND lease_until < $1 ORDER BY address_id",
        )
        .bind(millis(now))
        .fetch_all(&self.pool)
        .await?;
        if lapsed.is_empty() {
            return Ok(());
        }
        let mut tx = self.begin().await?;
        sqlx::query("UPDATE delivery SET state = 'pending', token = NULL WHERE state = 'claimed' AND lease_until < $1 AND started IS NULL").bind(millis(now)).execute(&mut *tx).await?;
        sqlx::query(
            "UPDATE attempt SET ended = $1, outcome = 'ambiguous', detail = 'interrompu après le début de l’envoi'
             WHERE ended IS NULL AND delivery_id IN (SELECT id FROM delivery WHERE state = 'claimed' AND lease_until < $1 AND started IS NOT NULL)",
        )
        .bind(millis(now))
        .execute(&mut *tx)
        .await?;
        sqlx::query(
            "UPDATE delivery SET state = 'ambiguous', token = NULL, next_at = $1, why = 'interrompu après le début de l’envoi'
             WHERE state = 'claimed' AND lease_until < $1 AND started IS NOT NULL",
        )
        .bind(millis(now))
        .execute(&mut *tx)
        .await?;
        for (address,) in &lapsed {
            lanes::release(&mut tx, address, None, now).await?;
        }
        tx.commit().await?;
        Ok(())
    }

    /// Keeps hold of a delivery in flight; `false` when it is no longer ours.
    ///
    /// # Errors
    /// The database fails.
    pub async fn renew(&self, delivery: &Claimed, lease: Duration, now: DateTime<Utc>) -> Result<bool, StoreError> {
        let done =
            sqlx::query("UPDATE delivery SET lease_until = $1 WHERE id = $2 AND token = $3 AND state = 'claimed'")
                .bind(millis(now + lease))
                .bind(delivery.id.clone())
                .bind(delivery.token.clone())
                .execute(&self.pool)
                .await?;
        Ok(done.rows_affected() == 1)
    }

    /// What an instant message is about, without reading the notice; `None` when it carries something else.
    ///
    /// # Errors
    /// The database fails.
    pub async fn head(&self, delivery: &Claimed) -> Result<Option<Head>, StoreError> {
        let row: Option<(String, String, i64)> = sqlx::query_as(
            "SELECT a.kind, n.reasons, COALESCE(o.version, 0) FROM notification n JOIN alert a ON a.id = n.alert_id
             LEFT JOIN notice o ON o.id = a.notice_id WHERE n.id = $1",
        )
        .bind(derived_id(&[&delivery.cause, &delivery.subscriber]))
        .fetch_optional(&self.pool)
        .await?;
        Ok(row.map(|(alert_kind, reasons, version)| Head { alert_kind, reasons, version }))
    }

    /// What the message is made from: one notification for an instant message, many for a digest.
    ///
    /// # Errors
    /// The database fails.
    pub async fn items(&self, delivery: &Claimed) -> Result<Vec<Item>, StoreError> {
        self.items_of(&delivery.id, &delivery.subscriber, &delivery.cause).await
    }

    /// What the message of a delivery, of that person and cause, is made from.
    ///
    /// # Errors
    /// The database fails.
    pub async fn items_of(&self, delivery: &str, subscriber: &str, cause: &str) -> Result<Vec<Item>, StoreError> {
        // A person's share goes to each of their addresses; the notification names the first delivery only, so the cause
        // leads from any of them.
        let rows: Vec<ItemRow> = sqlx::query_as(
            "SELECT a.kind, a.procedure_id, a.changes, a.body, n.disposition, n.reasons, o.document, o.assessment
             FROM notification n JOIN alert a ON a.id = n.alert_id LEFT JOIN notice o ON o.id = a.notice_id
             WHERE n.subscriber_id = $1 AND (a.id = $2 OR n.delivery_id = $3
               OR n.delivery_id IN (SELECT id FROM delivery WHERE subscriber_id = $1 AND cause = $4))
             ORDER BY n.created, n.id",
        )
        .bind(subscriber.to_owned())
        .bind(cause.to_owned())
        .bind(delivery.to_owned())
        .bind(cause.to_owned())
        .fetch_all(&self.pool)
        .await?;
        Ok(rows
            .into_iter()
            .map(|r| Item {
                alert_kind: r.0,
                procedure: r.1,
                changes: r.2,
                body: r.3,
                disposition: r.4,
                reasons: r.5,
                document: r.6.unwrap_or_default(),
                assessment: r.7.unwrap_or_default(),
            })
            .collect())
    }

    /// Earlier deliveries of the same thread that reached, or may have reached, the address: oldest first.
    ///
    /// # Errors
    /// The database fails.
    pub async fn thread(&self, delivery: &Claimed) -> Result<Vec<String>, StoreError> {
        if delivery.procedure.is_empty() {
            return Ok(Vec::new());
        }
        let rows: Vec<(String,)> = sqlx::query_as(
            "SELECT id FROM delivery WHERE address_id = $1 AND procedure_id = $2 AND seq < $3 AND attempts > 0 AND state IN ('sent', 'ambiguous', 'dead') ORDER BY seq",
        )
        .bind(delivery.address.clone())
        .bind(delivery.procedure.clone())
        .bind(delivery.seq)
        .fetch_all(&self.pool)
        .await?;
        Ok(rows.into_iter().map(|r| r.0).collect())
    }

    /// The person and the procedure of a delivery; `None` when it is unknown or about no single procedure.
    ///
    /// # Errors
    /// The database fails.
    pub async fn subject_of(&self, delivery: &str) -> Result<Option<(String, String)>, StoreError> {
        sqlx::query_as("SELECT subscriber_id, procedure_id FROM delivery WHERE id = $1 AND procedure_id <> ''")
            .bind(delivery.to_owned())
            .fetch_optional(&self.pool)
            .await
            .map_err(StoreError::from)
    }

    /// Notes that bytes are about to leave, and holds the delivery for another `lease`. `false` when the delivery is no
    /// longer ours, or its address no longer in use: then nothing may be sent.
    ///
    /// # Errors
    /// The database fails.
    pub async fn start_attempt(
        &self,
        delivery: &Claimed,
        lease: Duration,
        now: DateTime<Utc>,
    ) -> Result<bool, StoreError> {
        self.write(Write::Start { delivery: delivery.clone(), lease_until: now + lease, now }).await
    }

    /// Settles an attempt, if the delivery is still ours; `false` when it is not. Its lane is served no sooner than `free`.
    ///
    /// # Errors
    /// The database fails.
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
        self.write(Write::End { delivery: delivery.clone(), end, now }).await
    }

    /// Ends a delivery that is no longer wanted, before any byte left.
    ///
    /// # Errors
    /// The database fails.
    pub async fn cancel(&self, delivery: &Claimed, why: &str, now: DateTime<Utc>) -> Result<bool, StoreError> {
        let end = End { state: DeliveryState::Cancelled, next: None, free: now, why: clean(why) };
        self.write(Write::End { delivery: delivery.clone(), end, now }).await
    }

    /// Puts a dead or ambiguous delivery back in the queue; `false` when it is in no such state.
    ///
    /// # Errors
    /// The database fails.
    pub async fn replay(&self, delivery: &str, now: DateTime<Utc>) -> Result<bool, StoreError> {
        let mut tx = self.begin().await?;
        let lane: Option<(String, String)> = sqlx::query_as("UPDATE delivery SET state = 'pending', next_at = $1, settled_at = NULL, expires_at = NULL, why = 'rejoué par l’opérateur' WHERE id = $2 AND state IN ('dead', 'ambiguous', 'cancelled') RETURNING address_id, channel")
            .bind(millis(now))
            .bind(delivery.to_owned())
            .fetch_optional(&mut *tx)
            .await?;
        if let Some((address, channel)) = &lane {
            lanes::make_ready(&mut tx, address, channel, now).await?;
        }
        tx.commit().await?;
        Ok(lane.is_some())
    }

    /// Deliveries, newest first, of one state or of all.
    ///
    /// # Errors
    /// The database fails.
    pub async fn deliveries(&self, state: Option<DeliveryState>, limit: i64) -> Result<Vec<DeliveryRow>, StoreError> {
        self.delivery_rows("SELECT id, subscriber_id, channel, cause, state, attempts, next_at, created, settled_at, why FROM delivery WHERE state = $1 OR $1 = '' ORDER BY seq DESC LIMIT $2", state.map_or("", DeliveryState::as_str), limit).await
    }

    /// One delivery.
    ///
    /// # Errors
    /// The database fails.
    pub async fn delivery(&self, id: &str) -> Result<Option<DeliveryRow>, StoreError> {
        Ok(self.delivery_rows("SELECT id, subscriber_id, channel, cause, state, attempts, next_at, created, settled_at, why FROM delivery WHERE id = $1 LIMIT $2", id, 1).await?.pop())
    }

    pub(crate) async fn delivery_rows(
        &self,
        sql: &'static str,
        key: &str,
        limit: i64,
    ) -> Result<Vec<DeliveryRow>, StoreError> {
        type Row = (String, String, String, String, String, i64, i64, i64, Option<i64>, Option<String>);
        let rows: Vec<Row> = sqlx::query_as(sql).bind(key.to_owned()).bind(limit).fetch_all(&self.pool).await?;
        Ok(rows
            .into_iter()
            .filter_map(|r| {
                Some(DeliveryRow {
                    id: r.0,
                    subscriber: r.1,
                    channel: r.2,
                    cause: r.3,
                    state: DeliveryState::parse(&r.4)?,
                    attempts: r.5,
                    next_at: moment(r.6),
                    created: moment(r.7),
                    settled_at: r.8.map(moment),
                    why: r.9,
                })
            })
            .collect())
    }

    /// Attempts of a delivery, in order.
    ///
    /// # Errors
    /// The database fails.
    pub async fn attempts(&self, delivery: &str) -> Result<Vec<AttemptRow>, StoreError> {
        let rows: Vec<TriedRow> =
            sqlx::query_as("SELECT n, started, ended, outcome, detail FROM attempt WHERE delivery_id = $1 ORDER BY n")
                .bind(delivery.to_owned())
                .fetch_all(&self.pool)
                .await?;
        Ok(rows
            .into_iter()
            .map(|r| AttemptRow { n: r.0, started: moment(r.1), ended: r.2.map(moment), outcome: r.3, detail: r.4 })
            .collect())
    }

    /// Deliveries by state, with their number.
    ///
    /// # Errors
    /// The database fails.
    pub async fn queue(&self) -> Result<Vec<(DeliveryState, i64)>, StoreError> {
        let rows: Vec<(String, i64)> =
            sqlx::query_as("SELECT state, COUNT(*) FROM delivery GROUP BY state ORDER BY state")
                .fetch_all(&self.pool)
                .await?;
        Ok(rows.into_iter().filter_map(|(s, n)| Some((DeliveryState::parse(&s)?, n))).collect())
    }
}

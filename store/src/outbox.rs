//! The outbox: claiming, sending, settling.
//!
//! A worker claims deliveries with a lease and a token, notes "attempt started" before the first byte leaves, and settles
//! with the token. A lease that runs out before "attempt started" gives the delivery back to Pending; after it, to
//! Ambiguous, since the message may have left.

use std::collections::{BTreeMap, HashMap, HashSet};

use chrono::{DateTime, Duration, Utc};
use serde_json::{Value, json};
use vigie_domain::delivery::Settlement;
use vigie_domain::subscription::Role;
use vigie_domain::{Channel, DeliveryState};

use crate::consent::ASK_CAUSE;
use crate::digests::DIGEST_CAUSE;
use crate::people::AddressState;
use crate::rows::over_rows;
use crate::sql::Transaction;
use crate::{Store, StoreError, clean, derived_id, lanes, millis, moment, sql};

/// Bytes from which on a notice is not read ahead: memory stays bounded.
const LONG_NOTICE: i64 = 100_000;

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
    /// What an instant message is about; `None` when it carries something else.
    pub head: Option<Head>,
    /// What the person is to us; `None` when they are gone.
    pub role: Option<Role>,
    /// Earlier deliveries of the same thread that reached, or may have reached, the address: oldest first.
    pub thread: Vec<String>,
    /// What the message is made from, where it was read ahead.
    pub item: Option<Item>,
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

macro_rules! item_columns {
    () => {
        "a.kind, a.procedure_id, a.changes, a.body, n.disposition, n.reasons, o.document, o.assessment"
    };
}

macro_rules! with_item {
    () => {
        "JOIN alert a ON a.id = n.alert_id LEFT JOIN notice o ON o.id = a.notice_id"
    };
}

fn item(r: ItemRow) -> Item {
    Item {
        alert_kind: r.0,
        procedure: r.1,
        changes: r.2,
        body: r.3,
        disposition: r.4,
        reasons: r.5,
        document: r.6.unwrap_or_default(),
        assessment: r.7.unwrap_or_default(),
    }
}

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

/// What a worker says of a delivery it holds.
#[derive(Debug, Clone)]
pub(crate) struct Word {
    /// The delivery.
    pub(crate) id: String,
    /// Proof that it is held.
    pub(crate) token: String,
    /// The address.
    pub(crate) address: String,
    /// Number of this attempt, from 1.
    pub(crate) attempt: u32,
    /// When it is said.
    pub(crate) at: DateTime<Utc>,
    /// What.
    pub(crate) said: Said,
}

/// What is said.
#[derive(Debug, Clone)]
pub(crate) enum Said {
    /// Bytes are about to leave; it is held until then.
    Starts(DateTime<Utc>),
    /// The attempt ended.
    Ends(End),
}

impl Word {
    fn of(delivery: &Claimed, at: DateTime<Utc>, said: Said) -> Self {
        Self {
            id: delivery.id.clone(),
            token: delivery.token.clone(),
            address: delivery.address.clone(),
            attempt: delivery.attempts + 1,
            at,
            said,
        }
    }
}

/// Notes that bytes are about to leave, and until when each delivery is held; gives those for which that may be.
pub(crate) async fn start(tx: &mut Transaction, starts: &[(&Word, DateTime<Utc>)]) -> Result<HashSet<String>, StoreError> {
    let rows: Vec<Value> = starts
        .iter()
        .map(|(w, until)| {
            json!({"id": w.id, "token": w.token, "at": millis(w.at), "until": millis(*until), "n": w.attempt})
        })
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
               AND (a.state = 'unconfirmed') = (delivery.cause LIKE $2)) RETURNING id"]
    ))
    .bind(Value::from(rows.clone()).to_string())
    // An unconfirmed address is asked to confirm and gets nothing else; one in use is not asked.
    .bind(format!("{ASK_CAUSE}%"))
    .fetch_all(&mut *tx)
    .await?;
    let started: HashSet<String> = started.into_iter().map(|(id,)| id).collect();
    let begun = only(rows, &started);
    if !begun.is_empty() {
        sql::query(over_rows!(
            tx.engine(),
            ["INSERT INTO attempt (delivery_id, n, started)
             SELECT value ->> 'id', CAST(value ->> 'n' AS BIGINT), CAST(value ->> 'at' AS BIGINT) FROM "],
            [" WHERE 1 = 1 ON CONFLICT (delivery_id, n) DO NOTHING"]
        ))
        .bind(Value::from(begun).to_string())
        .execute(tx)
        .await?;
    }
    Ok(started)
}

/// Ends attempts, and gives their lanes back; gives the deliveries that were still held.
pub(crate) async fn end(tx: &mut Transaction, ends: &[(&Word, &End)]) -> Result<HashSet<String>, StoreError> {
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
    let ended: Vec<(String,)> = sql::query_as(over_rows!(
        tx.engine(),
        ["UPDATE delivery SET state = w.new_state, next_at = COALESCE(w.next, next_at), settled_at = w.settled, why = w.words,
             token = NULL, holder = NULL
             FROM (SELECT value ->> 'id' AS key, value ->> 'token' AS proof, value ->> 'state' AS new_state,
               CAST(value ->> 'next' AS BIGINT) AS next, CAST(value ->> 'settled' AS BIGINT) AS settled, value ->> 'why' AS words
               FROM "],
        [") AS w WHERE delivery.id = w.key AND delivery.token = w.proof AND delivery.state || '' = 'claimed' RETURNING id"]
    ))
    .bind(Value::from(rows.clone()).to_string())
    .fetch_all(&mut *tx)
    .await?;
    let ended: HashSet<String> = ended.into_iter().map(|(id,)| id).collect();
    let over = only(rows, &ended);
    if over.is_empty() {
        return Ok(ended);
    }
    sql::query(over_rows!(
        tx.engine(),
        ["UPDATE attempt SET ended = w.at, outcome = w.new_state, detail = w.words
             FROM (SELECT value ->> 'id' AS key, CAST(value ->> 'at' AS BIGINT) AS at, value ->> 'state' AS new_state,
               value ->> 'why' AS words FROM "],
        [") AS w WHERE attempt.delivery_id = w.key AND attempt.ended IS NULL"]
    ))
    .bind(Value::from(over).to_string())
    .execute(tx)
    .await?;
    let mut free: BTreeMap<&str, (DateTime<Utc>, DateTime<Utc>)> = BTreeMap::new();
    for (word, end) in ends.iter().filter(|(w, _)| ended.contains(&w.id)) {
        let lane = free.entry(&word.address).or_insert((end.free, word.at));
        *lane = (lane.0.max(end.free), lane.1.max(word.at));
    }
    lanes::release_all(tx, &free).await?;
    Ok(ended)
}

/// The rows of these deliveries.
fn only(mut rows: Vec<Value>, ids: &HashSet<String>) -> Vec<Value> {
    rows.retain(|r| r["id"].as_str().is_some_and(|id| ids.contains(id)));
    rows
}

/// What the sender must know of deliveries just claimed, besides their own rows.
pub(crate) async fn fill_in(tx: &mut Transaction, claimed: &mut [Claimed]) -> Result<(), StoreError> {
    type HeadRow = (String, Option<String>, Option<String>, Option<String>, i64);
    if claimed.is_empty() {
        return Ok(());
    }
    let rows: Vec<Value> = claimed
        .iter()
        .map(|d| json!({"id": d.id, "person": d.subscriber, "share": derived_id(&[&d.cause, &d.subscriber])}))
        .collect();
    let heads: Vec<HeadRow> = sql::query_as(over_rows!(
        tx.engine(),
        ["SELECT w.key, s.role, a.kind, n.reasons, COALESCE(o.version, 0)
         FROM (SELECT value ->> 'id' AS key, value ->> 'person' AS person, value ->> 'share' AS share FROM "],
        [") AS w LEFT JOIN subscriber s ON s.id = w.person LEFT JOIN notification n ON n.id = w.share
         LEFT JOIN alert a ON a.id = n.alert_id LEFT JOIN notice o ON o.id = a.notice_id"]
    ))
    .bind(Value::from(rows).to_string())
    .fetch_all(&mut *tx)
    .await?;
    let mut heads: HashMap<String, HeadRow> = heads.into_iter().map(|r| (r.0.clone(), r)).collect();
    let rows: Vec<Value> = claimed
        .iter()
        .filter(|d| !d.procedure.is_empty())
        .map(|d| json!({"id": d.id, "address": d.address, "procedure": d.procedure, "seq": d.seq}))
        .collect();
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
    let mut threads: HashMap<String, Vec<String>> = HashMap::new();
    for (delivery, earlier) in before {
        threads.entry(delivery).or_default().push(earlier);
    }
    for delivery in claimed {
        if let Some((_, role, kind, reasons, version)) = heads.remove(&delivery.id) {
            delivery.role = role.and_then(|r| serde_json::from_value(r.into()).ok());
            delivery.head = kind.zip(reasons).map(|(alert_kind, reasons)| Head { alert_kind, reasons, version });
        }
        delivery.thread = threads.remove(&delivery.id).unwrap_or_default();
    }
    Ok(())
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
            "UPDATE attempt SET ended = $1, outcome = 'ambiguous', detail = 'interrompu après le début de l’envoi'
             WHERE ended IS NULL AND delivery_id IN (SELECT id FROM delivery WHERE state = 'claimed' AND lease_until < $1 AND started IS NOT NULL)",
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
    ///
    /// # Errors
    /// The database fails.
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
    ///
    /// # Errors
    /// The database fails.
    pub async fn items(&self, delivery: &Claimed) -> Result<Vec<Item>, StoreError> {
        match &delivery.item {
            Some(item) => Ok(vec![item.clone()]),
            None => self.items_of(&delivery.id, &delivery.subscriber, &delivery.cause).await,
        }
    }

    /// What the message of a delivery, of that person and cause, is made from.
    ///
    /// # Errors
    /// The database fails.
    pub async fn items_of(&self, delivery: &str, subscriber: &str, cause: &str) -> Result<Vec<Item>, StoreError> {
        let query = if cause.starts_with(DIGEST_CAUSE) {
            // A digest goes to each of a person's addresses; what it carries names its first delivery only, so the cause leads
            // there from any of them.
            sql::query_as(items!(
                "n.subscriber_id = $1 AND (n.delivery_id = $2
                   OR n.delivery_id IN (SELECT id FROM delivery WHERE subscriber_id = $1 AND cause = $3))"
            ))
            .bind(subscriber.to_owned())
            .bind(delivery.to_owned())
            .bind(cause.to_owned())
        } else {
            sql::query_as(items!("n.id = $1")).bind(derived_id(&[cause, subscriber]))
        };
        let rows: Vec<ItemRow> = query.fetch_all(&self.reader).await?;
        Ok(rows.into_iter().map(item).collect())
    }

    /// Reads ahead what the messages of some instant deliveries are made from, but for long notices.
    ///
    /// # Errors
    /// The database fails.
    pub async fn read_ahead(&self, deliveries: &mut [&mut Claimed]) -> Result<(), StoreError> {
        type Row = (String, String, String, String, Option<String>, String, String, Option<String>, Option<String>);
        if deliveries.is_empty() {
            return Ok(());
        }
        let wanted: Vec<Value> =
            deliveries.iter().map(|d| json!({"id": d.id, "share": derived_id(&[&d.cause, &d.subscriber])})).collect();
        let rows: Vec<Row> = sql::query_as(over_rows!(
            self.engine(),
            [
                "SELECT w.key, ",
                item_columns!(),
                " FROM (SELECT value ->> 'id' AS key, value ->> 'share' AS share FROM "
            ],
            [") AS w JOIN notification n ON n.id = w.share ", with_item!(), " WHERE octet_length(o.document) < $2"]
        ))
        .bind(Value::from(wanted).to_string())
        .bind(LONG_NOTICE)
        .fetch_all(&self.reader)
        .await?;
        let mut items: HashMap<String, Item> =
            rows.into_iter().map(|r| (r.0, item((r.1, r.2, r.3, r.4, r.5, r.6, r.7, r.8)))).collect();
        for delivery in deliveries {
            delivery.item = items.remove(&delivery.id);
        }
        Ok(())
    }

    /// The person and the procedure of a delivery; `None` when it is unknown or about no single procedure.
    ///
    /// # Errors
    /// The database fails.
    pub async fn subject_of(&self, delivery: &str) -> Result<Option<(String, String)>, StoreError> {
        sql::query_as("SELECT subscriber_id, procedure_id FROM delivery WHERE id = $1 AND procedure_id <> ''")
            .bind(delivery.to_owned())
            .fetch_optional(&self.reader)
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
        self.write(Word::of(delivery, now, Said::Starts(now + lease))).await
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
        self.write(Word::of(delivery, now, Said::Ends(end))).await
    }

    /// Ends a delivery that is no longer wanted, before any byte left.
    ///
    /// # Errors
    /// The database fails.
    pub async fn cancel(&self, delivery: &Claimed, why: &str, now: DateTime<Utc>) -> Result<bool, StoreError> {
        let end = End { state: DeliveryState::Cancelled, next: None, free: now, why: clean(why) };
        self.write(Word::of(delivery, now, Said::Ends(end))).await
    }

    /// Puts a dead or ambiguous delivery back in the queue; `false` when it is in no such state.
    ///
    /// # Errors
    /// The database fails.
    pub async fn replay(&self, delivery: &str, now: DateTime<Utc>) -> Result<bool, StoreError> {
        let mut tx = self.begin().await?;
        let lane: Option<(String, String)> = sql::query_as("UPDATE delivery SET state = 'pending', next_at = $1, settled_at = NULL, expires_at = NULL, why = 'rejoué par l’opérateur' WHERE id = $2 AND state IN ('dead', 'ambiguous', 'cancelled') RETURNING address_id, channel")
            .bind(millis(now))
            .bind(delivery.to_owned())
            .fetch_optional(&mut tx)
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
        let rows: Vec<Row> = sql::query_as(sql).bind(key.to_owned()).bind(limit).fetch_all(&self.reader).await?;
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
            sql::query_as("SELECT n, started, ended, outcome, detail FROM attempt WHERE delivery_id = $1 ORDER BY n")
                .bind(delivery.to_owned())
                .fetch_all(&self.reader)
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
            sql::query_as("SELECT state, COUNT(*) FROM delivery GROUP BY state ORDER BY state")
                .fetch_all(&self.reader)
                .await?;
        Ok(rows.into_iter().filter_map(|(s, n)| Some((DeliveryState::parse(&s)?, n))).collect())
    }
}

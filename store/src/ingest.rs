//! The ingest transaction: a notice, its verdict, its procedure, its alert, everyone's share of it and the deliveries they
//! cause become durable together, or not at all.
//!
//! The caller decides; this module reads what the decision stands on and writes it, inside one [`IngestTx`]. Idempotent
//! on (source, record id, content hash).

mod join;
mod untold;

use std::collections::{BTreeMap, HashMap};

use chrono::{DateTime, Utc};
use serde_json::{Value, json};
use vigie_domain::procedure::{Snapshot, Statement};
use vigie_domain::{Alert, Assessment, Cause, Channel, Disposition, MessageKind, Notice};

use crate::Store;
use crate::columns::{clean, from_json, millis, to_json};
use crate::enqueue::put_deliveries;
use crate::error::StoreError;
use crate::ids::id_beside;
use crate::lanes;
use crate::rows::over_rows;
use crate::sql::{self, Transaction, row};

pub use crate::delivery::NewDelivery;
pub use untold::Untold;

/// The lock of those who decide to which procedure a notice belongs, and what waits for a digest.
pub(crate) const INGESTING: i64 = 7462;

/// A transaction that ingests one notice. Dropped without [`IngestTx::commit`], it leaves nothing behind.
pub struct IngestTx {
    pub(crate) tx: Transaction,
    pub(crate) now: DateTime<Utc>,
    /// Lanes in which something waits from now on; written last, so that whoever serves them waits for as little as can be.
    ready: BTreeMap<String, Channel>,
    /// Notices looked up, as this transaction leaves them.
    known: HashMap<String, Option<KnownNotice>>,
}

/// What is stored of a notice.
#[derive(Debug, Clone)]
pub struct KnownNotice {
    /// Hash of its content.
    pub content_hash: String,
    /// Its version, from 1.
    pub version: i64,
    /// Its procedure.
    pub procedure: String,
}

/// A procedure and where it stands.
#[derive(Debug, Clone)]
pub struct KnownProcedure {
    pub id: String,
    /// Title of its first notice.
    pub title: String,
    /// What people were told.
    pub snapshot: Snapshot,
}

/// What one person was told of a procedure, latest first.
#[derive(Debug, Clone)]
pub struct Told {
    /// The person.
    pub subscriber: String,
    /// How.
    pub disposition: Disposition,
    pub alert: String,
    /// When the digest that carried it was made, if one did.
    pub digest: Option<DateTime<Utc>>,
    /// Why, as JSON: see [`NewNotification::reasons`].
    pub reasons: String,
    /// The subscription that met, if one did.
    pub subscription: Option<String>,
}

row!(Told { subscriber, disposition, alert, digest, reasons, subscription });

/// A person's share of an alert, to be written.
#[derive(Debug, Clone)]
pub struct NewNotification {
    /// The person.
    pub subscriber: String,
    /// The subscription that met, if one did.
    pub subscription: Option<String>,
    /// What was decided.
    pub disposition: Disposition,
    /// Why, as JSON (a match, or a note).
    pub reasons: String,
    /// When it goes out, for digests and overflow.
    pub due: Option<DateTime<Utc>>,
}

/// A person's share of an alert, and the deliveries it causes.
pub type Share = (NewNotification, Vec<NewDelivery>);

impl Store {
    /// The share of a person who is told at once, whatever they subscribed to, on the addresses in use that carry such messages.
    pub async fn share_at_once(
        &self,
        subscriber: &str,
        alert: &Alert,
        reasons: &str,
        expires: Option<DateTime<Utc>>,
    ) -> Result<Share, StoreError> {
        let addresses = self.addresses_for(subscriber, MessageKind::of(alert.kind)).await?;
        let share = NewNotification {
            subscriber: subscriber.to_owned(),
            subscription: None,
            disposition: Disposition::Instant,
            reasons: reasons.to_owned(),
            due: None,
        };
        Ok((share, addresses.iter().map(|a| NewDelivery::of(alert, a, expires)).collect()))
    }

    /// Begins to tell people something that makes or joins no procedure: a reminder, a word about their account, an alarm.
    /// On PostgreSQL it waits for no ingest.
    pub async fn begin_alert(&self, now: DateTime<Utc>) -> Result<IngestTx, StoreError> {
        let tx = self.begin().await?;
        Ok(IngestTx { tx, now, ready: BTreeMap::new(), known: HashMap::new() })
    }

    /// Begins an ingest.
    pub async fn begin_ingest(&self, now: DateTime<Utc>) -> Result<IngestTx, StoreError> {
        self.begin_ingest_at(|| now).await
    }

    /// Begins an ingest and looks at the clock once it has its turn: what it decides to be due at a moment still to come is
    /// then durable before the digest of that moment is made.
    pub async fn begin_ingest_at(&self, clock: impl FnOnce() -> DateTime<Utc>) -> Result<IngestTx, StoreError> {
        let mut tx = self.begin().await?;
        // One ingest at a time, as on SQLite: two sources that publish one procedure make one.
        tx.lock(INGESTING).await?;
        Ok(IngestTx { tx, now: clock(), ready: BTreeMap::new(), known: HashMap::new() })
    }

    /// Hashes of stored notices' contents by key, outside any transaction: the cheap look before an ingest.
    pub async fn content_hashes(&self, notices: &[String]) -> Result<HashMap<String, String>, StoreError> {
        let rows: Vec<(String, String)> = sql::query_as(over_rows!(
            self.engine(),
            ["SELECT id, content_hash FROM notice WHERE id IN (SELECT value ->> 'key' FROM "],
            [")"]
        ))
        .bind(keyed(notices))
        .fetch_all(&self.key_reader)
        .await?;
        Ok(by_key(notices, rows.into_iter().collect()))
    }
}

/// What was found under each key, which is stored without U+0000.
fn by_key<T: Clone>(keys: &[String], found: HashMap<String, T>) -> HashMap<String, T> {
    keys.iter().filter_map(|key| Some((key.clone(), found.get(&clean(key))?.clone()))).collect()
}

/// One row a key, without U+0000.
fn keyed(keys: &[String]) -> String {
    Value::from(keys.iter().map(|key| json!({"key": clean(key)})).collect::<Vec<_>>()).to_string()
}

/// One row a person.
fn people(subscribers: &[&str]) -> String {
    Value::from(subscribers.iter().map(|id| json!({"id": id})).collect::<Vec<_>>()).to_string()
}

impl IngestTx {
    /// The moment at which it began.
    #[must_use]
    pub fn now(&self) -> DateTime<Utc> {
        self.now
    }

    /// What is stored under a notice's key, as this transaction leaves it.
    pub async fn known_notice(&mut self, key: &str) -> Result<Option<KnownNotice>, StoreError> {
        if !self.known.contains_key(key) {
            self.look_up_notices(&[key.to_owned()]).await?;
        }
        Ok(self.known.get(key).cloned().flatten())
    }

    /// Looks up several notices at once, for [`IngestTx::known_notice`] to find.
    pub async fn look_up_notices(&mut self, keys: &[String]) -> Result<(), StoreError> {
        let rows: Vec<(String, String, i64, String)> = sql::query_as(over_rows!(
            self.tx.engine(),
            ["SELECT id, content_hash, version, procedure_id FROM notice WHERE id IN (SELECT value ->> 'key' FROM "],
            [")"]
        ))
        .bind(keyed(keys))
        .fetch_all(&mut self.tx)
        .await?;
        let known = |content_hash, version, procedure| KnownNotice { content_hash, version, procedure };
        let found = rows.into_iter().map(|(key, hash, version, procedure)| (key, known(hash, version, procedure)));
        let mut found = by_key(keys, found.collect());
        self.known.extend(keys.iter().map(|key| (key.clone(), found.remove(key))));
        Ok(())
    }

    /// The procedures that these keys lead to, the strongest key first: (key, procedure).
    pub async fn procedures_of(&mut self, keys: &[String]) -> Result<Vec<(String, String)>, StoreError> {
        if keys.is_empty() {
            return Ok(Vec::new());
        }
        let rows: Vec<(String, String)> = sql::query_as(over_rows!(
            self.tx.engine(),
            ["SELECT key, procedure_id FROM procedure_key WHERE key IN (SELECT value ->> 'key' FROM "],
            [")"]
        ))
        .bind(keyed(keys))
        .fetch_all(&mut self.tx)
        .await?;
        let mut found = by_key(keys, rows.into_iter().collect());
        Ok(keys.iter().filter_map(|key| found.remove_entry(key)).collect())
    }

    /// Portraits of calls that were filed under the same day of closing, or the same title: the procedure each belongs to, and the
    /// portrait as JSON.
    pub async fn portraits(&mut self, bucket: &str) -> Result<Vec<(String, String)>, StoreError> {
        Ok(sql::query_as("SELECT procedure_id, portrait FROM likeness WHERE bucket = $1 ORDER BY notice_id")
            .bind(bucket.to_owned())
            .fetch_all(&mut self.tx)
            .await?)
    }

    /// Keeps what a call looks like.
    pub async fn put_portrait(
        &mut self,
        notice: &str,
        procedure: &str,
        bucket: &str,
        portrait: &str,
    ) -> Result<(), StoreError> {
        sql::query(
            "INSERT INTO likeness (notice_id, procedure_id, bucket, portrait) VALUES ($1, $2, $3, $4)
             ON CONFLICT (notice_id) DO UPDATE SET procedure_id = $2, bucket = $3, portrait = $4",
        )
        .bind(clean(notice))
        .bind(procedure.to_owned())
        .bind(bucket.to_owned())
        .bind(clean(portrait))
        .execute(&mut self.tx)
        .await?;
        Ok(())
    }

    /// A procedure by its identifier.
    pub async fn procedure(&mut self, id: &str) -> Result<Option<KnownProcedure>, StoreError> {
        let row: Option<(String, String)> = sql::query_as("SELECT title, snapshot FROM procedure WHERE id = $1")
            .bind(id.to_owned())
            .fetch_optional(&mut self.tx)
            .await?;
        row.map(|(title, snapshot)| {
            Ok(KnownProcedure { id: id.to_owned(), title, snapshot: from_json(&snapshot, &format!("procedure {id}"))? })
        })
        .transpose()
    }

    /// When the grouped message that already waits for each of these people goes out; who waits for none is not there.
    pub async fn overflow_due(&mut self, subscribers: &[&str]) -> Result<HashMap<String, DateTime<Utc>>, StoreError> {
        if subscribers.is_empty() {
            return Ok(HashMap::new());
        }
        let rows: Vec<(String, DateTime<Utc>)> = sql::query_as(over_rows!(
            self.tx.engine(),
            ["SELECT subscriber_id, MIN(due) FROM notification WHERE subscriber_id IN (SELECT value ->> 'id' FROM "],
            [") AND disposition = 'overflow' AND delivery_id IS NULL AND due IS NOT NULL GROUP BY subscriber_id"]
        ))
        .bind(people(subscribers))
        .fetch_all(&mut self.tx)
        .await?;
        Ok(rows.into_iter().collect())
    }

    /// The verdict on the latest notice of a procedure, other than `notice` itself.
    pub async fn latest_assessment(&mut self, procedure: &str, notice: &str) -> Result<Option<Assessment>, StoreError> {
        let row: Option<(String,)> = sql::query_as(
            "SELECT assessment FROM notice WHERE procedure_id = $1 AND id <> $2 ORDER BY updated DESC, id DESC LIMIT 1",
        )
        .bind(procedure.to_owned())
        .bind(clean(notice))
        .fetch_optional(&mut self.tx)
        .await?;
        row.map(|(text,)| from_json(&text, &format!("procedure {procedure}"))).transpose()
    }

    /// The latest notices of a procedure other than `notice` itself, latest first: at most `most`.
    pub async fn other_notices(&mut self, procedure: &str, notice: &str, most: u32) -> Result<Vec<Notice>, StoreError> {
        let rows: Vec<(String,)> = sql::query_as(
            "SELECT document FROM notice WHERE procedure_id = $1 AND id <> $2 ORDER BY updated DESC, id DESC LIMIT $3",
        )
        .bind(procedure.to_owned())
        .bind(clean(notice))
        .bind(i64::from(most))
        .fetch_all(&mut self.tx)
        .await?;
        rows.iter().map(|(text,)| from_json(text, &format!("procedure {procedure}"))).collect()
    }

    /// The verdict on what is stored under a notice's key.
    pub async fn assessment_of(&mut self, notice: &str) -> Result<Option<Assessment>, StoreError> {
        let row: Option<(String,)> = sql::query_as("SELECT assessment FROM notice WHERE id = $1")
            .bind(clean(notice))
            .fetch_optional(&mut self.tx)
            .await?;
        row.map(|(text,)| from_json(&text, &format!("notice {notice}"))).transpose()
    }

    /// What is stored under a notice's key.
    pub async fn document_of(&mut self, notice: &str) -> Result<Option<Notice>, StoreError> {
        let row: Option<(String,)> = sql::query_as("SELECT document FROM notice WHERE id = $1")
            .bind(clean(notice))
            .fetch_optional(&mut self.tx)
            .await?;
        row.map(|(text,)| from_json(&text, &format!("notice {notice}"))).transpose()
    }

    /// What the latest notices of a procedure, other than `notice` itself, say of themselves: at most `most`.
    pub async fn other_statements(
        &mut self,
        procedure: &str,
        notice: &str,
        most: u32,
    ) -> Result<Vec<Statement>, StoreError> {
        let rows: Vec<(Option<String>, Option<String>)> = sql::query_as(
            "SELECT statement, CASE WHEN statement IS NULL THEN document END FROM notice
             WHERE procedure_id = $1 AND id <> $2 ORDER BY updated DESC, id DESC LIMIT $3",
        )
        .bind(procedure.to_owned())
        .bind(clean(notice))
        .bind(i64::from(most))
        .fetch_all(&mut self.tx)
        .await?;
        let place = format!("procedure {procedure}");
        let read = |(statement, document): (Option<String>, Option<String>)| match (statement, document) {
            (Some(statement), _) => from_json(&statement, &place),
            (None, document) => {
                from_json::<Notice>(&document.unwrap_or_default(), &place).map(|notice| Statement::of(&notice))
            }
        };
        rows.into_iter().map(read).collect()
    }

    /// Who was told of a procedure, latest first.
    pub async fn told(&mut self, procedure: &str) -> Result<Vec<Told>, StoreError> {
        Ok(sql::query_as(
            "SELECT n.subscriber_id, n.disposition, n.alert_id, d.created, n.reasons, n.subscription_id FROM notification n JOIN alert a ON a.id = n.alert_id
             LEFT JOIN delivery d ON d.id = n.delivery_id AND n.disposition IN ('digest', 'overflow')
             WHERE a.procedure_id = $1 AND a.kind NOT IN ('undecided', 'offer', 'ask_result', 'renewal', 'partner_call') ORDER BY n.created DESC, n.id",
        )
        .bind(procedure.to_owned())
        .fetch_all(&mut self.tx)
        .await?)
    }

    /// How many instant messages these people were given since `since`; who was given none is not there.
    pub async fn instants_since(
        &mut self,
        subscribers: &[&str],
        since: DateTime<Utc>,
    ) -> Result<HashMap<String, u32>, StoreError> {
        if subscribers.is_empty() {
            return Ok(HashMap::new());
        }
        let counts: Vec<(String, i64)> = sql::query_as(over_rows!(
            self.tx.engine(),
            ["SELECT subscriber_id, COUNT(*) FROM notification WHERE subscriber_id IN (SELECT value ->> 'id' FROM "],
            [") AND created >= $2 AND disposition = 'instant' GROUP BY subscriber_id"]
        ))
        .bind(people(subscribers))
        .bind(millis(since))
        .fetch_all(&mut self.tx)
        .await?;
        Ok(counts.into_iter().map(|(id, n)| (id, u32::try_from(n).unwrap_or(u32::MAX))).collect())
    }

    /// Writes a procedure's state and the keys that lead to it.
    pub async fn put_procedure(
        &mut self,
        id: &str,
        title: &str,
        snapshot: &Snapshot,
        keys: &[String],
    ) -> Result<(), StoreError> {
        sql::query(
            "INSERT INTO procedure (id, title, snapshot, created, updated, closes) VALUES ($1, $2, $3, $4, $4, $5)
             ON CONFLICT (id) DO UPDATE SET snapshot = $3, updated = $4, closes = $5",
        )
        .bind(id.to_owned())
        .bind(clean(title))
        .bind(to_json(snapshot)?)
        .bind(millis(self.now))
        .bind(snapshot.closes().map(|at| millis(at.with_timezone(&Utc))))
        .execute(&mut self.tx)
        .await?;
        if !keys.is_empty() {
            sql::query(over_rows!(
                self.tx.engine(),
                ["INSERT INTO procedure_key (key, procedure_id) SELECT DISTINCT value ->> 'key', $2 FROM "],
                [" WHERE 1 = 1 ON CONFLICT (key) DO NOTHING"]
            ))
            .bind(keyed(keys))
            .bind(id.to_owned())
            .execute(&mut self.tx)
            .await?;
        }
        Ok(())
    }

    /// Writes a version of a notice with its verdict.
    pub async fn put_notice(
        &mut self,
        notice: &Notice,
        assessment: &Assessment,
        content_hash: &str,
        procedure: &str,
    ) -> Result<(), StoreError> {
        sql::query(
            "INSERT INTO notice (id, source, record_id, procedure_id, kind, title, buyer, score, version, content_hash, document, assessment, first_seen, updated, statement)
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8, 1, $9, $10, $11, $12, $12, $13)
             ON CONFLICT (id) DO UPDATE SET kind = $5, title = $6, buyer = $7, score = $8, version = notice.version + 1, content_hash = $9, document = $10, assessment = $11, updated = $12, statement = $13",
        )
        .bind(clean(&notice.key()))
        .bind(notice.source.clone())
        .bind(clean(&notice.record_id))
        .bind(procedure.to_owned())
        .bind(notice.kind.as_str().to_owned())
        .bind(clean(&assessment.title))
        .bind(clean(assessment.buyer.as_deref().unwrap_or_default()))
        .bind(i64::from(assessment.score))
        .bind(content_hash.to_owned())
        .bind(to_json(notice)?)
        .bind(to_json(assessment)?)
        .bind(millis(self.now))
        .bind(to_json(&Statement::of(notice))?)
        .execute(&mut self.tx)
        .await?;
        if let Some(known) = self.known.get_mut(&notice.key()) {
            let content_hash = content_hash.to_owned();
            *known = Some(match known.take() {
                Some(k) => KnownNotice { content_hash, version: k.version + 1, procedure: k.procedure },
                None => KnownNotice { content_hash, version: 1, procedure: procedure.to_owned() },
            });
        }
        Ok(())
    }

    /// Writes an alert; `body` is the text of one that is about no notice.
    pub async fn put_alert(&mut self, alert: &Alert, body: Option<&str>) -> Result<(), StoreError> {
        sql::query("INSERT INTO alert (id, kind, procedure_id, notice_id, changes, body, created) VALUES ($1, $2, $3, $4, $5, $6, $7) ON CONFLICT (id) DO NOTHING")
            .bind(alert.id.clone())
            .bind(alert.kind.as_str().to_owned())
            .bind(alert.procedure.clone())
            .bind(clean(&alert.notice))
            .bind(to_json(&alert.changes)?)
            .bind(body.map(clean))
            .bind(millis(self.now))
            .execute(&mut self.tx)
            .await?;
        Ok(())
    }

    /// Writes an alert, everyone's share of it and the deliveries they cause; `body` as in [`IngestTx::put_alert`].
    pub async fn put_shares(&mut self, alert: &Alert, body: Option<&str>, shares: &[Share]) -> Result<(), StoreError> {
        self.put_alert(alert, body).await?;
        self.put_notifications(&alert.id, shares).await
    }

    /// Has a person's messages about an alert that wait leave at that moment at the earliest.
    pub(crate) async fn put_off(
        &mut self,
        alert: &str,
        subscriber: &str,
        until: DateTime<Utc>,
    ) -> Result<(), StoreError> {
        sql::query(
            "UPDATE delivery SET next_at = $1 WHERE subscriber_id = $2 AND cause = $3 AND state = 'pending' AND next_at < $1",
        )
        .bind(millis(until))
        .bind(subscriber.to_owned())
        .bind(Cause::Alert(alert.to_owned()).to_string())
        .execute(&mut self.tx)
        .await?;
        Ok(())
    }

    /// Writes people's shares of an alert, and the deliveries they cause.
    pub async fn put_notifications(&mut self, alert: &str, shares: &[Share]) -> Result<(), StoreError> {
        let deliveries: Vec<&NewDelivery> = shares.iter().flat_map(|(_, deliveries)| deliveries).collect();
        let mut ids = put_deliveries(&mut self.tx, &deliveries, self.now).await?.into_iter();
        self.ready.extend(deliveries.iter().map(|d| (d.address.clone(), d.channel)));
        let rows: Vec<Value> = shares
            .iter()
            .map(|(share, deliveries)| {
                json!({
                    "id": id_beside(alert, &[alert, &share.subscriber]), "person": share.subscriber, "subscription": share.subscription,
                    "disposition": share.disposition.as_str(), "reasons": clean(&share.reasons), "due": share.due.map(millis),
                    "carrier": ids.by_ref().take(deliveries.len()).last(),
                })
            })
            .collect();
        if rows.is_empty() {
            return Ok(());
        }
        sql::query(over_rows!(
            self.tx.engine(),
            ["INSERT INTO notification (id, alert_id, subscriber_id, subscription_id, disposition, reasons, due, delivery_id, created)
              SELECT value ->> 'id', $2, value ->> 'person', value ->> 'subscription', value ->> 'disposition', value ->> 'reasons',
                CAST(value ->> 'due' AS BIGINT), value ->> 'carrier', $3 FROM "],
            // One a person, under whichever identifier.
            [" WHERE 1 = 1 ON CONFLICT (alert_id, subscriber_id) DO NOTHING"]
        ))
        .bind(Value::from(rows).to_string())
        .bind(alert.to_owned())
        .bind(millis(self.now))
        .execute(&mut self.tx)
        .await?;
        Ok(())
    }

    /// Withdraws a person's messages about a procedure that no one has begun to send: a newer one says it all. Gives the
    /// number withdrawn.
    pub async fn supersede_unsent(&mut self, subscriber: &str, procedure: &str) -> Result<u64, StoreError> {
        let done = sql::query(
            "UPDATE delivery SET state = 'superseded', settled_at = $1, why = $2
             WHERE subscriber_id = $3 AND procedure_id = $4 AND attempts = 0 AND state = 'pending'
               AND cause NOT IN (SELECT id FROM alert WHERE procedure_id = $4 AND kind IN ('offer', 'ask_result', 'renewal', 'partner_call'))",
        )
        .bind(millis(self.now))
        .bind("remplacé par une alerte plus récente du même marché".to_owned())
        .bind(subscriber.to_owned())
        .bind(procedure.to_owned())
        .execute(&mut self.tx)
        .await?;
        Ok(done)
    }

    /// The people whose line about a procedure waits in a digest or a merged message, but for the line of `alert` itself; and
    /// when each is due.
    pub async fn waiting_lines(
        &mut self,
        procedure: &str,
        alert: &str,
    ) -> Result<HashMap<String, DateTime<Utc>>, StoreError> {
        let rows: Vec<(String, DateTime<Utc>)> = sql::query_as(
            "SELECT subscriber_id, MIN(due) FROM notification WHERE delivery_id IS NULL AND due IS NOT NULL AND disposition IN ('digest', 'overflow')
             AND alert_id IN (SELECT id FROM alert WHERE procedure_id = $1 AND id <> $2 AND kind NOT IN ('undecided', 'offer', 'ask_result', 'renewal', 'partner_call'))
             GROUP BY subscriber_id",
        )
        .bind(procedure.to_owned())
        .bind(alert.to_owned())
        .fetch_all(&mut self.tx)
        .await?;
        Ok(rows.into_iter().collect())
    }

    /// Takes a person's lines about a procedure out of what waits, but for the line of `alert` itself: a newer one says it all.
    pub async fn drop_waiting_lines(
        &mut self,
        subscriber: &str,
        procedure: &str,
        alert: &str,
    ) -> Result<(), StoreError> {
        sql::query(
            "DELETE FROM notification WHERE subscriber_id = $1 AND delivery_id IS NULL AND due IS NOT NULL AND disposition IN ('digest', 'overflow')
             AND alert_id IN (SELECT id FROM alert WHERE procedure_id = $2 AND id <> $3 AND kind NOT IN ('offer', 'ask_result', 'renewal', 'partner_call'))",
        )
        .bind(subscriber.to_owned())
        .bind(procedure.to_owned())
        .bind(alert.to_owned())
        .execute(&mut self.tx)
        .await?;
        Ok(())
    }

    /// Makes everything durable.
    ///
    /// # Errors
    /// The database fails; nothing was written.
    pub async fn commit(mut self) -> Result<(), StoreError> {
        let ready =
            self.ready.iter().map(|(address, channel)| (address.as_str(), (channel.as_str(), self.now))).collect();
        lanes::make_all_ready(&mut self.tx, &ready).await?;
        Ok(self.tx.commit().await?)
    }
}

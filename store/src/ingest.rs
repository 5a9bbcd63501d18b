//! The ingest transaction: a notice, its verdict, its procedure, its alert, everyone's share of it and the deliveries they
//! cause become durable together, or not at all.
//!
//! The caller decides; this module reads what the decision stands on and writes it, inside one [`IngestTx`]. Idempotent
//! on (source, record id, content hash).

use chrono::{DateTime, Utc};
use vigie_domain::procedure::Snapshot;
use vigie_domain::{Alert, Assessment, Channel, Disposition, Notice};

use crate::people::Address;
use crate::{Store, StoreError, WriteTx, clean, derived_id, from_json, lanes, millis, moment, to_json};

/// A transaction that ingests one notice. Dropped without [`IngestTx::commit`], it leaves nothing behind.
pub struct IngestTx {
    pub(crate) tx: WriteTx,
    pub(crate) now: DateTime<Utc>,
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
    /// Identifier.
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
    /// The alert.
    pub alert: String,
    /// When the digest that carried it was made, if one did.
    pub digest: Option<DateTime<Utc>>,
}

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

/// A message to be sent.
#[derive(Debug, Clone)]
pub struct NewDelivery {
    /// The person.
    pub subscriber: String,
    /// The address.
    pub address: String,
    /// The channel.
    pub channel: Channel,
    /// What it is about, with its revision or date: the key together with the address.
    pub cause: String,
    /// The procedure, empty for digests.
    pub procedure: String,
    /// When it loses its meaning.
    pub expires: Option<DateTime<Utc>>,
}

impl NewDelivery {
    /// The message about an alert for one address.
    #[must_use]
    pub fn of(alert: &Alert, address: &Address, expires: Option<DateTime<Utc>>) -> Self {
        Self {
            subscriber: address.subscriber.clone(),
            address: address.id.clone(),
            channel: address.channel,
            cause: alert.id.clone(),
            procedure: alert.procedure.clone(),
            expires,
        }
    }
}

/// A person's share of an alert, and the deliveries it causes.
pub type Share = (NewNotification, Vec<NewDelivery>);

impl Store {
    /// The share of a person who is told at once, on each address in use, whatever they subscribed to.
    ///
    /// # Errors
    /// The database fails.
    pub async fn share_at_once(
        &self,
        subscriber: &str,
        alert: &Alert,
        reasons: &str,
        expires: Option<DateTime<Utc>>,
    ) -> Result<Share, StoreError> {
        let addresses = self.active_addresses(subscriber).await?;
        let share = NewNotification {
            subscriber: subscriber.to_owned(),
            subscription: None,
            disposition: Disposition::Instant,
            reasons: reasons.to_owned(),
            due: None,
        };
        Ok((share, addresses.iter().map(|a| NewDelivery::of(alert, a, expires)).collect()))
    }

    /// Begins an ingest.
    ///
    /// # Errors
    /// The database fails.
    pub async fn begin_ingest(&self, now: DateTime<Utc>) -> Result<IngestTx, StoreError> {
        self.begin_ingest_at(|| now).await
    }

    /// Begins an ingest and looks at the clock once it has its turn: what it decides to be due at a moment still to come is
    /// then durable before the digest of that moment is made.
    ///
    /// # Errors
    /// The database fails.
    pub async fn begin_ingest_at(&self, clock: impl FnOnce() -> DateTime<Utc>) -> Result<IngestTx, StoreError> {
        let mut tx = self.begin().await?;
        if self.engine == crate::Engine::Postgres {
            // One ingest at a time, as on SQLite: two sources that publish one procedure make one.
            sqlx::query("SELECT CAST(pg_advisory_xact_lock(7462) AS TEXT)").execute(&mut *tx).await?;
        }
        Ok(IngestTx { tx, now: clock() })
    }

    /// Hash of a stored notice's content, outside any transaction: the cheap look before an ingest.
    ///
    /// # Errors
    /// The database fails.
    pub async fn content_hash(&self, notice: &str) -> Result<Option<String>, StoreError> {
        let row: Option<(String,)> = sqlx::query_as("SELECT content_hash FROM notice WHERE id = $1")
            .bind(clean(notice))
            .fetch_optional(&self.pool)
            .await?;
        Ok(row.map(|r| r.0))
    }
}

impl IngestTx {
    /// The moment at which it began.
    #[must_use]
    pub fn now(&self) -> DateTime<Utc> {
        self.now
    }

    /// What is stored under this notice's key.
    ///
    /// # Errors
    /// The database fails.
    pub async fn known_notice(&mut self, key: &str) -> Result<Option<KnownNotice>, StoreError> {
        let row: Option<(String, i64, String)> =
            sqlx::query_as("SELECT content_hash, version, procedure_id FROM notice WHERE id = $1")
                .bind(clean(key))
                .fetch_optional(&mut *self.tx)
                .await?;
        Ok(row.map(|(content_hash, version, procedure)| KnownNotice { content_hash, version, procedure }))
    }

    /// The procedure that any of these keys leads to, the strongest key first.
    ///
    /// # Errors
    /// The database fails.
    pub async fn find_procedure(&mut self, keys: &[String]) -> Result<Option<KnownProcedure>, StoreError> {
        for key in keys {
            let row: Option<(String, String, String)> = sqlx::query_as("SELECT p.id, p.title, p.snapshot FROM procedure_key k JOIN procedure p ON p.id = k.procedure_id WHERE k.key = $1")
                .bind(clean(key))
                .fetch_optional(&mut *self.tx)
                .await?;
            if let Some((id, title, snapshot)) = row {
                let snapshot = from_json(&snapshot, &format!("procedure {id}"))?;
                return Ok(Some(KnownProcedure { id, title, snapshot }));
            }
        }
        Ok(None)
    }

    /// Portraits of calls that close on the same day: the procedure each belongs to, and the portrait as JSON.
    ///
    /// # Errors
    /// The database fails.
    pub async fn portraits(&mut self, bucket: &str) -> Result<Vec<(String, String)>, StoreError> {
        Ok(sqlx::query_as("SELECT procedure_id, portrait FROM likeness WHERE bucket = $1 ORDER BY notice_id")
            .bind(bucket.to_owned())
            .fetch_all(&mut *self.tx)
            .await?)
    }

    /// Keeps what a call looks like.
    ///
    /// # Errors
    /// The database fails.
    pub async fn put_portrait(
        &mut self,
        notice: &str,
        procedure: &str,
        bucket: &str,
        portrait: &str,
    ) -> Result<(), StoreError> {
        sqlx::query(
            "INSERT INTO likeness (notice_id, procedure_id, bucket, portrait) VALUES ($1, $2, $3, $4)
             ON CONFLICT (notice_id) DO UPDATE SET procedure_id = $2, bucket = $3, portrait = $4",
        )
        .bind(clean(notice))
        .bind(procedure.to_owned())
        .bind(bucket.to_owned())
        .bind(clean(portrait))
        .execute(&mut *self.tx)
        .await?;
        Ok(())
    }

    /// Makes one procedure of all those that these keys lead to: everything that belonged to another one belongs to `kept`
    /// from now on. Gives the identifiers of those that ended.
    ///
    /// # Errors
    /// The database fails.
    pub async fn join_procedures(&mut self, kept: &str, keys: &[String]) -> Result<Vec<String>, StoreError> {
        let mut ended: Vec<String> = Vec::new();
        for key in keys {
            let row: Option<(String,)> =
                sqlx::query_as("SELECT procedure_id FROM procedure_key WHERE key = $1 AND procedure_id <> $2")
                    .bind(clean(key))
                    .bind(kept.to_owned())
                    .fetch_optional(&mut *self.tx)
                    .await?;
            let Some((other,)) = row else { continue };
            for sql in [
                "UPDATE notice SET procedure_id = $1 WHERE procedure_id = $2",
                "UPDATE procedure_key SET procedure_id = $1 WHERE procedure_id = $2",
                "UPDATE likeness SET procedure_id = $1 WHERE procedure_id = $2",
                "UPDATE alert SET procedure_id = $1 WHERE procedure_id = $2",
                "UPDATE delivery SET procedure_id = $1 WHERE procedure_id = $2",
                // What was decided on the kept one stands; what was decided on the other alone is carried over.
                "DELETE FROM decision WHERE procedure_id = $2 AND EXISTS (SELECT 1 FROM decision k
                   WHERE k.procedure_id = $1 AND k.structure = decision.structure AND k.lot = decision.lot)",
                "UPDATE decision SET procedure_id = $1 WHERE procedure_id = $2",
                "UPDATE chat_message SET procedure_id = $1, revision = revision + 1 WHERE procedure_id = $2",
                "UPDATE decision_step SET procedure_id = $1 WHERE procedure_id = $2",
                "DELETE FROM search WHERE procedure_id = $2 AND procedure_id <> $1",
                "DELETE FROM procedure WHERE id = $2 AND id <> $1",
                // Addresses under the old identifier stand in messages.
                "INSERT INTO procedure_key (key, procedure_id) VALUES ('was:' || $2, $1)
                   ON CONFLICT (key) DO UPDATE SET procedure_id = excluded.procedure_id",
            ] {
                sqlx::query(sql).bind(kept.to_owned()).bind(other.clone()).execute(&mut *self.tx).await?;
            }
            ended.push(other);
        }
        Ok(ended)
    }

    /// A procedure by its identifier.
    ///
    /// # Errors
    /// The database fails.
    pub async fn procedure(&mut self, id: &str) -> Result<Option<KnownProcedure>, StoreError> {
        let row: Option<(String, String)> = sqlx::query_as("SELECT title, snapshot FROM procedure WHERE id = $1")
            .bind(id.to_owned())
            .fetch_optional(&mut *self.tx)
            .await?;
        row.map(|(title, snapshot)| {
            Ok(KnownProcedure { id: id.to_owned(), title, snapshot: from_json(&snapshot, &format!("procedure {id}"))? })
        })
        .transpose()
    }

    /// When the grouped message that already waits for a person goes out, if one waits.
    ///
    /// # Errors
    /// The database fails.
    pub async fn overflow_due(&mut self, subscriber: &str) -> Result<Option<DateTime<Utc>>, StoreError> {
        let (due,): (Option<i64>,) =
            sqlx::query_as("SELECT MIN(due) FROM notification WHERE subscriber_id = $1 AND disposition = 'overflow' AND delivery_id IS NULL")
                .bind(subscriber.to_owned())
                .fetch_one(&mut *self.tx)
                .await?;
        Ok(due.map(moment))
    }

    /// The version of all subscriptions together, as this transaction sees it.
    ///
    /// # Errors
    /// The database fails.
    pub async fn subscription_version(&mut self) -> Result<i64, StoreError> {
        let (value,): (String,) = sqlx::query_as("SELECT value FROM meta WHERE key = 'subscription_version'")
            .fetch_one(&mut *self.tx)
            .await?;
        Ok(value.parse().unwrap_or(0))
    }

    /// The verdict on the latest notice of a procedure, other than `notice` itself.
    ///
    /// # Errors
    /// The database fails.
    pub async fn latest_assessment(&mut self, procedure: &str, notice: &str) -> Result<Option<Assessment>, StoreError> {
        let row: Option<(String,)> = sqlx::query_as(
            "SELECT assessment FROM notice WHERE procedure_id = $1 AND id <> $2 ORDER BY updated DESC, id DESC LIMIT 1",
        )
        .bind(procedure.to_owned())
        .bind(clean(notice))
        .fetch_optional(&mut *self.tx)
        .await?;
        row.map(|(text,)| from_json(&text, &format!("procedure {procedure}"))).transpose()
    }

    /// Who was told of a procedure, latest first.
    ///
    /// # Errors
    /// The database fails.
    pub async fn told(&mut self, procedure: &str) -> Result<Vec<Told>, StoreError> {
        let rows: Vec<(String, String, String, Option<i64>)> = sqlx::query_as(
            "SELECT n.subscriber_id, n.disposition, n.alert_id, d.created FROM notification n JOIN alert a ON a.id = n.alert_id
             LEFT JOIN delivery d ON d.id = n.delivery_id AND n.disposition IN ('digest', 'overflow')
             WHERE a.procedure_id = $1 AND a.kind <> 'undecided' ORDER BY n.created DESC, n.id",
        )
        .bind(procedure.to_owned())
        .fetch_all(&mut *self.tx)
        .await?;
        Ok(rows
            .into_iter()
            .filter_map(|(subscriber, disposition, alert, digest)| {
                let disposition = Disposition::parse(&disposition)?;
                Some(Told { subscriber, disposition, alert, digest: digest.map(moment) })
            })
            .collect())
    }

    /// How many instant messages a person was given since `since`, counted up to `limit`.
    ///
    /// # Errors
    /// The database fails.
    pub async fn instants_since(
        &mut self,
        subscriber: &str,
        since: DateTime<Utc>,
        limit: u32,
    ) -> Result<u32, StoreError> {
        let (n,): (i64,) = sqlx::query_as(
            "SELECT COUNT(*) FROM (SELECT 1 FROM notification WHERE subscriber_id = $1 AND created >= $2 AND disposition = 'instant' LIMIT $3) AS recent",
        )
            .bind(subscriber.to_owned())
            .bind(millis(since))
            .bind(i64::from(limit))
            .fetch_one(&mut *self.tx)
            .await?;
        Ok(u32::try_from(n).unwrap_or(u32::MAX))
    }

    /// Writes a procedure's state and the keys that lead to it.
    ///
    /// # Errors
    /// The database fails.
    pub async fn put_procedure(
        &mut self,
        id: &str,
        title: &str,
        snapshot: &Snapshot,
        keys: &[String],
    ) -> Result<(), StoreError> {
        sqlx::query(
            "INSERT INTO procedure (id, title, snapshot, created, updated, closes) VALUES ($1, $2, $3, $4, $4, $5)
             ON CONFLICT (id) DO UPDATE SET snapshot = $3, updated = $4, closes = $5",
        )
        .bind(id.to_owned())
        .bind(clean(title))
        .bind(to_json(snapshot)?)
        .bind(millis(self.now))
        .bind(snapshot.closes().map(|at| millis(at.with_timezone(&Utc))))
        .execute(&mut *self.tx)
        .await?;
        for key in keys {
            sqlx::query("INSERT INTO procedure_key (key, procedure_id) VALUES ($1, $2) ON CONFLICT (key) DO NOTHING")
                .bind(clean(key))
                .bind(id.to_owned())
                .execute(&mut *self.tx)
                .await?;
        }
        Ok(())
    }

    /// Writes a version of a notice with its verdict.
    ///
    /// # Errors
    /// The database fails.
    pub async fn put_notice(
        &mut self,
        notice: &Notice,
        assessment: &Assessment,
        content_hash: &str,
        procedure: &str,
    ) -> Result<(), StoreError> {
        sqlx::query(
            "INSERT INTO notice (id, source, record_id, procedure_id, kind, title, buyer, score, version, content_hash, document, assessment, first_seen, updated)
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8, 1, $9, $10, $11, $12, $12)
             ON CONFLICT (id) DO UPDATE SET kind = $5, title = $6, buyer = $7, score = $8, version = notice.version + 1, content_hash = $9, document = $10, assessment = $11, updated = $12",
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
        .execute(&mut *self.tx)
        .await?;
        Ok(())
    }

    /// Writes an alert; `body` is the text of one that is about no notice.
    ///
    /// # Errors
    /// The database fails.
    pub async fn put_alert(&mut self, alert: &Alert, body: Option<&str>) -> Result<(), StoreError> {
        sqlx::query("INSERT INTO alert (id, kind, procedure_id, notice_id, changes, body, created) VALUES ($1, $2, $3, $4, $5, $6, $7) ON CONFLICT (id) DO NOTHING")
            .bind(alert.id.clone())
            .bind(alert.kind.as_str().to_owned())
            .bind(alert.procedure.clone())
            .bind(clean(&alert.notice))
            .bind(to_json(&alert.changes)?)
            .bind(body.map(clean))
            .bind(millis(self.now))
            .execute(&mut *self.tx)
            .await?;
        Ok(())
    }

    /// Writes an alert and everyone's share of it; `body` as in [`IngestTx::put_alert`].
    ///
    /// # Errors
    /// The database fails.
    pub async fn put_shares(&mut self, alert: &Alert, body: Option<&str>, shares: &[Share]) -> Result<(), StoreError> {
        self.put_alert(alert, body).await?;
        for (share, deliveries) in shares {
            self.put_notification(&alert.id, share, deliveries).await?;
        }
        Ok(())
    }

    /// Writes a person's share of an alert, and the deliveries it causes.
    ///
    /// # Errors
    /// The database fails.
    pub async fn put_notification(
        &mut self,
        alert: &str,
        new: &NewNotification,
        deliveries: &[NewDelivery],
    ) -> Result<(), StoreError> {
        let id = derived_id(&[alert, &new.subscriber]);
        let mut carrier = None;
        for delivery in deliveries {
            carrier = Some(put_delivery(&mut self.tx, delivery, self.now).await?);
        }
        sqlx::query(
            "INSERT INTO notification (id, alert_id, subscriber_id, subscription_id, disposition, reasons, due, delivery_id, created)
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9) ON CONFLICT (id) DO NOTHING",
        )
        .bind(id)
        .bind(alert.to_owned())
        .bind(new.subscriber.clone())
        .bind(new.subscription.clone())
        .bind(new.disposition.as_str().to_owned())
        .bind(clean(&new.reasons))
        .bind(new.due.map(millis))
        .bind(carrier)
        .bind(millis(self.now))
        .execute(&mut *self.tx)
        .await?;
        Ok(())
    }

    /// Withdraws a person's messages about a procedure that no one has begun to send: a newer one says it all. Gives the
    /// number withdrawn.
    ///
    /// # Errors
    /// The database fails.
    pub async fn supersede_unsent(&mut self, subscriber: &str, procedure: &str, by: &str) -> Result<u64, StoreError> {
        let done = sqlx::query(
            "UPDATE delivery SET state = 'superseded', settled_at = $1, why = $2
             WHERE subscriber_id = $3 AND procedure_id = $4 AND attempts = 0 AND state = 'pending'",
        )
        .bind(millis(self.now))
        .bind(format!("remplacé par l’alerte {by}"))
        .bind(subscriber.to_owned())
        .bind(procedure.to_owned())
        .execute(&mut *self.tx)
        .await?;
        Ok(done.rows_affected())
    }

    /// Takes a person's line about a procedure out of the digest it waits in, since a newer one says it all. Gives the
    /// moment that digest is due, if there was such a line.
    ///
    /// # Errors
    /// The database fails.
    pub async fn take_from_digest(
        &mut self,
        subscriber: &str,
        procedure: &str,
        alert: &str,
    ) -> Result<Option<DateTime<Utc>>, StoreError> {
        let (due,): (Option<i64>,) = sqlx::query_as(
            "SELECT MIN(due) FROM notification WHERE subscriber_id = $1 AND delivery_id IS NULL AND disposition IN ('digest', 'overflow')
             AND alert_id IN (SELECT id FROM alert WHERE procedure_id = $2 AND id <> $3 AND kind <> 'undecided')",
        )
        .bind(subscriber.to_owned())
        .bind(procedure.to_owned())
        .bind(alert.to_owned())
        .fetch_one(&mut *self.tx)
        .await?;
        sqlx::query(
            "DELETE FROM notification WHERE subscriber_id = $1 AND delivery_id IS NULL AND disposition IN ('digest', 'overflow')
             AND alert_id IN (SELECT id FROM alert WHERE procedure_id = $2 AND id <> $3)",
        )
        .bind(subscriber.to_owned())
        .bind(procedure.to_owned())
        .bind(alert.to_owned())
        .execute(&mut *self.tx)
        .await?;
        Ok(due.map(moment))
    }

    /// Makes everything durable.
    ///
    /// # Errors
    /// The database fails; nothing was written.
    pub async fn commit(self) -> Result<(), StoreError> {
        Ok(self.tx.commit().await?)
    }
}

/// Writes a delivery once by (address, cause); gives its identifier.
pub(crate) async fn put_delivery(
    tx: &mut WriteTx,
    new: &NewDelivery,
    now: DateTime<Utc>,
) -> Result<String, StoreError> {
    let id = derived_id(&[&new.address, &new.cause]);
    sqlx::query(
        "INSERT INTO delivery (id, seq, subscriber_id, address_id, channel, cause, procedure_id, state, next_at, expires_at, created)
         VALUES ($1, (SELECT COALESCE(MAX(seq), 0) + 1 FROM delivery), $2, $3, $4, $5, $6, 'pending', $7, $8, $7) ON CONFLICT (id) DO NOTHING",
    )
    .bind(id.clone())
    .bind(new.subscriber.clone())
    .bind(new.address.clone())
    .bind(new.channel.as_str().to_owned())
    .bind(new.cause.clone())
    .bind(new.procedure.clone())
    .bind(millis(now))
    .bind(new.expires.map(millis))
    .execute(&mut **tx)
    .await?;
    lanes::make_ready(tx, &new.address, new.channel.as_str(), now).await?;
    Ok(id)
}

//! Digests: whose time has come, and what time alone brings to a digest: procedures nobody decided on, word to those who
//! heard of nothing.
//!
//! A digest is made in the transaction that marks what it carries, so that a crash in the middle makes neither two nor none.

use chrono::{DateTime, Duration, Utc};
use vigie_domain::{Cause, Channel};

use crate::Store;
use crate::columns::{millis, moment};
use crate::delivery::NewDelivery;
use crate::enqueue::{put_deliveries_as, unguessable_id};
use crate::error::StoreError;
use crate::ingest::{INGESTING, IngestTx};
use crate::journal::NoticeRow;
use crate::lanes;
use crate::sql;

/// Notices of a page.
const NOTICES: i64 = 200;

/// A digest whose time has come: one person's notifications that wait.
#[derive(Debug, Clone)]
pub struct DueDigest {
    /// The person.
    pub subscriber: String,
    /// The latest due moment among them: names the digest.
    pub due: DateTime<Utc>,
}

/// Which of the lines that are due a digest carries.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Lines {
    All,
    /// Contracts that end soon, where another channel carries them.
    Renewals,
    /// All but these.
    Others,
}

impl Lines {
    fn condition(self) -> &'static str {
        match self {
            Self::All => "",
            Self::Renewals => " AND alert_id IN (SELECT id FROM alert WHERE kind = 'renewal')",
            Self::Others => " AND alert_id NOT IN (SELECT id FROM alert WHERE kind = 'renewal')",
        }
    }
}

/// A procedure that closes soon and that a person was told of.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Undecided {
    /// The person.
    pub subscriber: String,
    pub procedure: String,
    /// When it closes.
    pub closes: DateTime<Utc>,
}

/// Someone who has heard of nothing for long.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unheard {
    /// The person.
    pub subscriber: String,
    /// Since when: their first subscription, or the last thing they heard.
    pub since: DateTime<Utc>,
}

/// What is due at `$1`, and what was grouped until `$2`.
macro_rules! due {
    () => {
        "delivery_id IS NULL AND due IS NOT NULL AND (due <= $1 OR (disposition = 'overflow' AND due <= $2))"
    };
}

/// When the digest goes out that waits for a person.
const NEXT_DIGEST: &str = "SELECT MIN(due) FROM notification WHERE subscriber_id = $1 AND delivery_id IS NULL AND due IS NOT NULL AND disposition = 'digest'";

impl IngestTx {
    /// The same as [`Store::next_digest_of`], as this transaction leaves it.
    pub async fn next_digest_of(&mut self, subscriber: &str) -> Result<Option<DateTime<Utc>>, StoreError> {
        let query = sql::query_as::<(Option<i64>,)>(NEXT_DIGEST).bind(subscriber.to_owned());
        Ok(query.fetch_one(&mut self.tx).await?.0.map(moment))
    }
}

impl Store {
    /// People whose digest is due; what waits only because the flow was too strong, until `grouped`.
    pub async fn due_digests(&self, now: DateTime<Utc>, grouped: DateTime<Utc>) -> Result<Vec<DueDigest>, StoreError> {
        let rows: Vec<(String, i64)> = sql::query_as(concat!(
            "SELECT subscriber_id, MAX(due) FROM notification WHERE ",
            due!(),
            " GROUP BY subscriber_id ORDER BY subscriber_id"
        ))
        .bind(millis(now))
        .bind(millis(grouped))
        .fetch_all(&self.reader)
        .await?;
        Ok(rows.into_iter().map(|(subscriber, due)| DueDigest { subscriber, due: moment(due) }).collect())
    }

    /// Makes one digest: one delivery an address, carrying those `lines` of the person that are due, whatever the
    /// subscription, `most` of them at most; gives how many. What is left, or comes due after a digest of the same moment was
    /// made, goes into one of its own.
    pub async fn make_digest(
        &self,
        digest: &DueDigest,
        (lines, addresses): (Lines, &[(String, Channel)]),
        most: u32,
        grouped: DateTime<Utc>,
        now: DateTime<Utc>,
    ) -> Result<u64, StoreError> {
        let mut tx = self.begin().await?;
        // Behind the ingest that decided a moment ago that something belongs to this digest.
        tx.lock(INGESTING).await?;
        let (made,): (u32,) = sql::query_as("SELECT COUNT(*) FROM delivery WHERE subscriber_id = $1 AND cause LIKE $2")
            .bind(digest.subscriber.clone())
            .bind(format!("digest:{}:%", millis(digest.due)))
            .fetch_one(&mut tx)
            .await?;
        let cause = Cause::Digest { due: digest.due, number: made };
        let deliveries: Vec<NewDelivery> = addresses
            .iter()
            .map(|(address, channel)| NewDelivery {
                subscriber: digest.subscriber.clone(),
                address: address.clone(),
                channel: *channel,
                cause: cause.clone(),
                procedure: String::new(),
                expires: None,
            })
            .collect();
        let ids = deliveries.iter().map(|_| unguessable_id(now)).collect::<Result<Vec<String>, StoreError>>()?;
        let carrier = ids.first().cloned().unwrap_or_else(|| "none".to_owned());
        let taken = sql::query(format!(
            "{}{}{}",
            concat!(
                "UPDATE notification SET delivery_id = $3 WHERE id IN (SELECT id FROM notification WHERE subscriber_id = $4 AND ",
                due!(),
            ),
            lines.condition(),
            " ORDER BY created, id LIMIT $5)"
        ))
        .bind(millis(now))
        .bind(millis(grouped))
        .bind(carrier)
        .bind(digest.subscriber.clone())
        .bind(i64::from(most))
        .execute(&mut tx)
        .await?;
        if taken == 0 {
            return Ok(0); // another process made it
        }
        put_deliveries_as(&mut tx, &ids, &deliveries.iter().collect::<Vec<_>>(), now).await?;
        for new in &deliveries {
            lanes::make_ready(&mut tx, &new.address, new.channel.as_str(), now).await?;
        }
        tx.commit().await?;
        Ok(taken)
    }

    /// When the next digest of a person goes out, if one waits.
    pub async fn next_digest_of(&self, subscriber: &str) -> Result<Option<DateTime<Utc>>, StoreError> {
        let query = sql::query_as::<(Option<i64>,)>(NEXT_DIGEST).bind(subscriber.to_owned());
        Ok(query.fetch_one(&self.reader).await?.0.map(moment))
    }

    /// Gives the lines of a person that wait for a digest another moment, those of one subscription or all; gives how many.
    pub async fn move_waiting_lines(
        &self,
        subscriber: &str,
        subscription: Option<&str>,
        due: DateTime<Utc>,
    ) -> Result<u64, StoreError> {
        let moved = sql::query(
            "UPDATE notification SET due = $1 WHERE subscriber_id = $2 AND ($3 = '' OR subscription_id = $3) AND disposition = 'digest'
             AND delivery_id IS NULL AND due IS NOT NULL",
        )
        .bind(millis(due))
        .bind(subscriber.to_owned())
        .bind(subscription.unwrap_or_default().to_owned())
        .execute_alone(&self.db)
        .await?;
        Ok(moved)
    }

    /// Whether something that is done once per `gap` is to be done now.
    pub async fn is_chore_due(&self, name: &str, gap: Duration, now: DateTime<Utc>) -> Result<bool, StoreError> {
        let done: Option<(i64,)> = sql::query_as("SELECT done FROM chore WHERE name = $1 AND done > $2")
            .bind(name.to_owned())
            .bind(millis(now - gap))
            .fetch_optional(&self.key_reader)
            .await?;
        Ok(done.is_none())
    }

    /// The same; then it counts as done.
    pub async fn take_chore(&self, name: &str, gap: Duration, now: DateTime<Utc>) -> Result<bool, StoreError> {
        let done = sql::query(
            "INSERT INTO chore (name, done) VALUES ($1, $2) ON CONFLICT (name) DO UPDATE SET done = $2 WHERE chore.done <= $3",
        )
        .bind(name.to_owned())
        .bind(millis(now))
        .bind(millis(now - gap))
        .execute_alone(&self.db)
        .await?;
        Ok(done == 1)
    }

    /// People of structures who were told of a procedure that closes between the two moments, of which they were not
    /// reminded as undecided; whether their structure decided meanwhile is for the caller to look up.
    pub async fn closing_between(&self, from: DateTime<Utc>, to: DateTime<Utc>) -> Result<Vec<Undecided>, StoreError> {
        let rows: Vec<(String, String, i64)> = sql::query_as(
            "SELECT DISTINCT n.subscriber_id, p.id, p.closes FROM procedure p JOIN alert a ON a.procedure_id = p.id
             JOIN notification n ON n.alert_id = a.id JOIN subscriber s ON s.id = n.subscriber_id
             WHERE p.closes > $1 AND p.closes <= $2 AND s.role = 'structure' AND n.disposition IN ('instant', 'digest', 'overflow')
               AND NOT EXISTS (SELECT 1 FROM alert b JOIN notification m ON m.alert_id = b.id
                 WHERE b.procedure_id = p.id AND b.kind = 'undecided' AND m.subscriber_id = n.subscriber_id)
             ORDER BY n.subscriber_id, p.closes, p.id",
        )
        .bind(millis(from))
        .bind(millis(to))
        .fetch_all(&self.reader)
        .await?;
        Ok(rows
            .into_iter()
            .map(|(subscriber, procedure, closes)| Undecided { subscriber, procedure, closes: moment(closes) })
            .collect())
    }

    /// People with a subscription and an address in use who have heard of nothing since before `before`, those who waited
    /// longest first.
    pub async fn unheard(&self, before: DateTime<Utc>, limit: i64) -> Result<Vec<Unheard>, StoreError> {
        let rows: Vec<(String, i64)> = sql::query_as(
            "SELECT w.id, w.since FROM (
               SELECT s.id, COALESCE((SELECT MAX(n.created) FROM notification n WHERE n.subscriber_id = s.id
                   AND n.disposition IN ('instant', 'digest', 'overflow')),
                 (SELECT MIN(u.created) FROM subscription u WHERE u.subscriber_id = s.id)) AS since
               FROM subscriber s WHERE EXISTS (SELECT 1 FROM address a WHERE a.subscriber_id = s.id AND a.state = 'active')) AS w
             WHERE w.since <= $1 AND EXISTS (SELECT 1 FROM subscription u WHERE u.subscriber_id = w.id) ORDER BY w.since, w.id LIMIT $2",
        )
        .bind(millis(before))
        .bind(limit)
        .fetch_all(&self.reader)
        .await?;
        Ok(rows.into_iter().map(|(subscriber, since)| Unheard { subscriber, since: moment(since) }).collect())
    }

    /// Notices first seen at `since` or later, oldest first, a page at a time.
    #[must_use]
    pub fn notices_since(&self, since: DateTime<Utc>) -> NoticesSince<'_> {
        NoticesSince { store: self, last: (since, String::new()) }
    }
}

/// Notices read a page at a time, so that memory stays bounded however many there are.
#[derive(Debug)]
pub struct NoticesSince<'a> {
    store: &'a Store,
    last: (DateTime<Utc>, String),
}

impl NoticesSince<'_> {
    /// The next page; `None` after the last one.
    pub async fn next(&mut self) -> Result<Option<Vec<NoticeRow>>, StoreError> {
        let page: Vec<NoticeRow> = sql::query_as(
            "SELECT id, procedure_id, first_seen, version, document, assessment FROM notice
             WHERE first_seen > $1 OR (first_seen = $1 AND id > $2) ORDER BY first_seen, id LIMIT $3",
        )
        .bind(millis(self.last.0))
        .bind(self.last.1.clone())
        .bind(NOTICES)
        .fetch_all(&self.store.reader)
        .await?;
        if let Some(end) = page.last() {
            self.last = (end.first_seen, end.id.clone());
        }
        Ok(Some(page).filter(|p| !p.is_empty()))
    }
}

//! What came back by mail: how far the mailbox was read, what was made of each mail, errors counted.
//!
//! A mail is known by a hash of its bytes: what is handled is noted with it, so that a mailbox read again acts on nothing twice.
//! What only counts (a soft error) counts in the transaction that notes the mail.

use chrono::{DateTime, Duration, Utc};

use crate::Store;
use crate::address::{Address, address_columns};
use crate::columns::{clean, millis, moment};
use crate::error::StoreError;
use crate::sql::{self, Columns, FromRow, Row, SqlError};
use vigie_domain::{Cause, Channel};

/// A mail of ours that something came back about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sent {
    pub delivery: String,
    /// The address it went to.
    pub address: Address,
    pub cause: Cause,
    /// The procedure; empty when it is about none, or many.
    pub procedure: String,
}

/// Soft errors of an address.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Soft {
    /// How many.
    pub count: i64,
    /// Since when.
    pub since: DateTime<Utc>,
}

impl FromRow for Sent {
    fn from_row(row: &Row<'_>) -> Result<Self, SqlError> {
        let mut columns = Columns::of(row);
        Ok(Self {
            delivery: columns.next()?,
            cause: columns.next()?,
            procedure: columns.next()?,
            address: Address::read(&mut columns)?,
        })
    }
}

impl Store {
    /// How far a mailbox was read: UIDVALIDITY and the last UID.
    pub async fn inbox(&self, mailbox: &str) -> Result<(u32, u32), StoreError> {
        let row: Option<(i64, i64)> = sql::query_as("SELECT validity, uid FROM inbox WHERE mailbox = $1")
            .bind(mailbox.to_owned())
            .fetch_optional(&self.key_reader)
            .await?;
        let small = |n: i64| u32::try_from(n).unwrap_or_default();
        Ok(row.map_or((0, 0), |(validity, uid)| (small(validity), small(uid))))
    }

    /// Notes how far a mailbox was read.
    pub async fn set_inbox(&self, mailbox: &str, (validity, uid): (u32, u32)) -> Result<(), StoreError> {
        sql::query("INSERT INTO inbox (mailbox, validity, uid) VALUES ($1, $2, $3) ON CONFLICT (mailbox) DO UPDATE SET validity = $2, uid = $3")
            .bind(mailbox.to_owned())
            .bind(i64::from(validity))
            .bind(i64::from(uid))
            .execute_alone(&self.db)
            .await?;
        Ok(())
    }

    /// Whether a mail was handled.
    pub async fn was_read(&self, mail: &str) -> Result<bool, StoreError> {
        let row: Option<(String,)> = sql::query_as("SELECT id FROM inbox_mail WHERE id = $1")
            .bind(mail.to_owned())
            .fetch_optional(&self.key_reader)
            .await?;
        Ok(row.is_some())
    }

    /// Notes what was made of a mail.
    pub async fn set_read(&self, mail: &str, outcome: &str, now: DateTime<Utc>) -> Result<(), StoreError> {
        sql::query("INSERT INTO inbox_mail (id, at, outcome) VALUES ($1, $2, $3) ON CONFLICT (id) DO NOTHING")
            .bind(mail.to_owned())
            .bind(millis(now))
            .bind(clean(outcome))
            .execute_alone(&self.db)
            .await?;
        Ok(())
    }

    /// What was made of the mails read between two moments, with their number.
    pub async fn mails_read(&self, from: DateTime<Utc>, to: DateTime<Utc>) -> Result<Vec<(String, i64)>, StoreError> {
        let rows = sql::query_as(
            "SELECT outcome, COUNT(*) FROM inbox_mail WHERE at >= $1 AND at < $2 GROUP BY outcome ORDER BY outcome",
        )
        .bind(millis(from))
        .bind(millis(to))
        .fetch_all(&self.reader)
        .await?;
        Ok(rows)
    }

    /// The mail of ours that is this delivery; `None` when it is unknown, was erased, or was no mail.
    pub async fn mail_sent(&self, delivery: &str) -> Result<Option<Sent>, StoreError> {
        Ok(self.answerable(delivery).await?.filter(|sent| sent.address.channel == Channel::Email))
    }

    /// The message of ours that is this delivery, where it can be answered by a mail or by its link; `None` when it is unknown, was
    /// erased, or went to a chat that answers by itself.
    pub async fn answerable(&self, delivery: &str) -> Result<Option<Sent>, StoreError> {
        Ok(sql::query_as(
            "SELECT d.id, d.cause, d.procedure_id, a.id, a.subscriber_id, a.channel, a.value, a.state
             FROM delivery d JOIN address a ON a.id = d.address_id
             WHERE d.id = $1 AND a.channel NOT IN ('telegram', 'matrix', 'console') AND a.subscriber_id = d.subscriber_id",
        )
        .bind(clean(delivery))
        .fetch_optional(&self.key_reader)
        .await?)
    }

    /// Counts a soft error of an address, once a mail; errors older than `memory` are forgotten. `None` when the mail counted
    /// already.
    pub async fn count_soft(
        &self,
        address: &str,
        (mail, outcome): (&str, &str),
        memory: Duration,
        now: DateTime<Utc>,
    ) -> Result<Option<Soft>, StoreError> {
        let mut tx = self.begin().await?;
        let new =
            sql::query("INSERT INTO inbox_mail (id, at, outcome) VALUES ($1, $2, $3) ON CONFLICT (id) DO NOTHING")
                .bind(mail.to_owned())
                .bind(millis(now))
                .bind(clean(outcome))
                .execute(&mut tx)
                .await?;
        if new == 0 {
            return Ok(None);
        }
        let (count, since): (i64, i64) = sql::query_as(
            "INSERT INTO bounce (address_id, soft, first_at, last_at) VALUES ($1, 1, $2, $2)
             ON CONFLICT (address_id) DO UPDATE SET last_at = $2,
               soft = CASE WHEN bounce.last_at < $3 THEN 1 ELSE bounce.soft + 1 END,
               first_at = CASE WHEN bounce.last_at < $3 THEN $2 ELSE bounce.first_at END
             RETURNING soft, first_at",
        )
        .bind(address.to_owned())
        .bind(millis(now))
        .bind(millis(now - memory))
        .fetch_one(&mut tx)
        .await?;
        tx.commit().await?;
        Ok(Some(Soft { count, since: moment(since) }))
    }

    /// The e-mail address in use of that value, of a person who has it confirmed.
    pub async fn mail_address_in_use(&self, value: &str) -> Result<Option<Address>, StoreError> {
        Ok(sql::query_as(concat!(
            "SELECT ",
            address_columns!(),
            " FROM address WHERE channel = 'email' AND state = 'active' AND LOWER(value) = LOWER($1) ORDER BY created, id LIMIT 1"
        ))
        .bind(clean(value))
        .fetch_optional(&self.reader)
        .await?)
    }
}

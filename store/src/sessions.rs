//! Signing in without a password: links sent to an address, and the sessions they open.
//!
//! A link serves once and for a short time. A session is known by a hash of its cookie: whoever reads the database opens no
//! session. Both end: a session at its date, or as soon as its owner, an operator or an erasure says so.
//!
//! Access is looked at anew at each use: a session holds as long as the address by which it was opened is in use and its
//! owner's, a token as long as its owner has an address in use. Whoever is taken out of the settings file, suspended or stopped
//! has none.

use chrono::{DateTime, Duration, Utc};
use vigie_domain::{Cause, Channel, Subscriber};

use crate::Store;
use crate::address::{Address, address_columns};
use crate::columns::{millis, moment};
use crate::delivery::NewDelivery;
use crate::enqueue::put_delivery;
use crate::error::StoreError;
use crate::ids::{random, secret_hash};
use crate::sql;

/// Most persons at one address who are sent a link.
const MAX_PERSONS: i64 = 3;
/// Most links sent to one address within an hour.
const MAX_AN_HOUR: i64 = 5;
/// Most links sent to one address within a day: whoever knows an address could have it written to for ever.
const MAX_A_DAY: i64 = 10;
/// Days a link is remembered once it is used or out of date.
const REMEMBERED: Duration = Duration::days(1);

/// Whether a session's address (`s.address_id`, `''` = any of its owner's) still gives access.
macro_rules! session_holds {
    () => {
        "EXISTS (SELECT 1 FROM address a WHERE a.subscriber_id = s.subscriber_id AND a.state = 'active'
           AND (s.address_id = '' OR s.address_id = a.id))"
    };
}

/// An open session.
#[derive(Debug, Clone)]
pub struct Session {
    /// Hash of its cookie.
    pub secret_hash: String,
    /// Whose it is.
    pub person: Subscriber,
    /// When it was opened.
    pub created: DateTime<Utc>,
    /// When it ends.
    pub expires: DateTime<Utc>,
}

impl Store {
    /// Addresses in use of that value on that channel: several persons may share one.
    pub async fn addresses_in_use(&self, channel: Channel, value: &str) -> Result<Vec<Address>, StoreError> {
        Ok(sql::query_as(concat!(
            "SELECT ",
            address_columns!(),
            " FROM address WHERE channel = $1 AND value = $2 AND state = 'active' ORDER BY created, id LIMIT $3"
        ))
        .bind(channel.as_str())
        .bind(value)
        .bind(MAX_PERSONS)
        .fetch_all(&self.reader)
        .await?)
    }

    /// Makes a link for whoever reads at that address; gives its identifier.
    pub async fn put_sign_in(
        &self,
        address: &str,
        expires: DateTime<Utc>,
        now: DateTime<Utc>,
    ) -> Result<String, StoreError> {
        let id = random()?;
        sql::query("INSERT INTO sign_in (id, address_id, asked, expires, next) VALUES ($1, $2, $3, $4, $5)")
            .bind(id.clone())
            .bind(address.to_owned())
            .bind(millis(now))
            .bind(millis(expires))
            .bind(String::new())
            .execute_alone(&self.db)
            .await?;
        Ok(id)
    }

    /// Puts a message with a sign-in link into the outbox, for that address alone; `false` when it got enough of them. `next`
    /// is the page that its reader wanted.
    pub async fn send_sign_in(
        &self,
        address: &Address,
        next: &str,
        expires: DateTime<Utc>,
        now: DateTime<Utc>,
    ) -> Result<bool, StoreError> {
        let mut tx = self.begin().await?;
        for (most, within) in [(MAX_AN_HOUR, Duration::hours(1)), (MAX_A_DAY, Duration::days(1))] {
            let (n,): (i64,) = sql::query_as("SELECT COUNT(*) FROM sign_in WHERE address_id = $1 AND asked > $2")
                .bind(address.id.clone())
                .bind(millis(now - within))
                .fetch_one(&mut tx)
                .await?;
            if n >= most {
                return Ok(false);
            }
        }
        let id = random()?;
        sql::query("INSERT INTO sign_in (id, address_id, asked, expires, next) VALUES ($1, $2, $3, $4, $5)")
            .bind(id.clone())
            .bind(address.id.clone())
            .bind(millis(now))
            .bind(millis(expires))
            .bind(next.to_owned())
            .execute(&mut tx)
            .await?;
        let new = NewDelivery {
            subscriber: address.subscriber.clone(),
            address: address.id.clone(),
            channel: address.channel,
            cause: Cause::SignIn(id),
            procedure: String::new(),
            expires: Some(expires),
        };
        put_delivery(&mut tx, &new, now).await?;
        tx.commit().await?;
        Ok(true)
    }

    /// Until when a sign-in link can be used; `None` when it cannot any more, or is unknown.
    pub async fn sign_in_until(&self, id: &str, now: DateTime<Utc>) -> Result<Option<DateTime<Utc>>, StoreError> {
        let row: Option<(i64,)> =
            sql::query_as("SELECT expires FROM sign_in WHERE id = $1 AND used IS NULL AND expires > $2")
                .bind(id.to_owned())
                .bind(millis(now))
                .fetch_optional(&self.key_reader)
                .await?;
        Ok(row.map(|(at,)| moment(at)))
    }

    /// Uses a sign-in link and opens a session under that secret until `expires`; gives the page that was wanted. `None` when the link is unknown, used or
    /// out of date, or its address no longer in use.
    pub async fn open_session(
        &self,
        sign_in: &str,
        secret: &str,
        expires: DateTime<Utc>,
        now: DateTime<Utc>,
    ) -> Result<Option<String>, StoreError> {
        let mut tx = self.begin().await?;
        let row: Option<(String, String)> = sql::query_as(
            "UPDATE sign_in SET used = $1 WHERE id = $2 AND used IS NULL AND expires > $1 RETURNING address_id, next",
        )
        .bind(millis(now))
        .bind(sign_in.to_owned())
        .fetch_optional(&mut tx)
        .await?;
        let Some((address, next)) = row else { return Ok(None) };
        let owner: Option<(String,)> =
            sql::query_as("SELECT subscriber_id FROM address WHERE id = $1 AND state = 'active'")
                .bind(address.clone())
                .fetch_optional(&mut tx)
                .await?;
        let Some((subscriber,)) = owner else { return Ok(None) };
        sql::query(
            "INSERT INTO session (mark, subscriber_id, address_id, created, used, expires) VALUES ($1, $2, $3, $4, $4, $5)",
        )
        .bind(secret_hash(secret))
        .bind(subscriber)
        .bind(address)
        .bind(millis(now))
        .bind(millis(expires))
        .execute(&mut tx)
        .await?;
        tx.commit().await?;
        Ok(Some(next))
    }

    /// The session of that secret, while it lasts and its owner has access.
    pub async fn session(&self, secret: &str, now: DateTime<Utc>) -> Result<Option<Session>, StoreError> {
        let hash = secret_hash(secret);
        let row: Option<(String, i64, i64)> = sql::query_as(concat!(
            "SELECT subscriber_id, created, expires FROM session s WHERE mark = $1 AND expires > $2 AND ",
            session_holds!()
        ))
        .bind(hash.clone())
        .bind(millis(now))
        .fetch_optional(&self.key_reader)
        .await?;
        let Some((subscriber, created, expires)) = row else { return Ok(None) };
        let person = self.subscriber(&subscriber).await?;
        Ok(person.map(|person| Session {
            secret_hash: hash,
            person,
            created: moment(created),
            expires: moment(expires),
        }))
    }

    /// How many sessions of a person are open.
    pub async fn session_count(&self, subscriber: &str, now: DateTime<Utc>) -> Result<i64, StoreError> {
        let (n,): (i64,) = sql::query_as(concat!(
            "SELECT COUNT(*) FROM session s WHERE subscriber_id = $1 AND expires > $2 AND ",
            session_holds!()
        ))
        .bind(subscriber.to_owned())
        .bind(millis(now))
        .fetch_one(&self.reader)
        .await?;
        Ok(n)
    }

    /// Ends one session.
    pub async fn close_session(&self, secret_hash: &str) -> Result<(), StoreError> {
        sql::query("DELETE FROM session WHERE mark = $1").bind(secret_hash).execute_alone(&self.db).await?;
        Ok(())
    }

    /// Ends every session of a person.
    pub async fn close_sessions(&self, subscriber: &str) -> Result<u64, StoreError> {
        let done = sql::query("DELETE FROM session WHERE subscriber_id = $1")
            .bind(subscriber.to_owned())
            .execute_alone(&self.db)
            .await?;
        Ok(done)
    }

    /// Forgets links, sessions and tokens that are over.
    pub async fn forget_ended_sessions(&self, now: DateTime<Utc>) -> Result<(), StoreError> {
        let mut tx = self.begin().await?;
        for (sql, at) in [
            ("DELETE FROM sign_in WHERE expires < $1", now - REMEMBERED),
            ("DELETE FROM session WHERE expires < $1", now),
            ("DELETE FROM access_token WHERE expires < $1", now - REMEMBERED),
        ] {
            sql::query(sql).bind(millis(at)).execute(&mut tx).await?;
        }
        tx.commit().await?;
        Ok(())
    }
}

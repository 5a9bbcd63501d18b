//! Consent: who was asked, who agreed, who may not be written to again, and who looked at personal data.
//!
//! An address that was erased leaves a **mark**: a hash salted with a secret of this database, from which no address can be
//! read back. An import may not bring such an address into use; its owner may, by agreeing anew.

use chrono::{DateTime, Duration, Utc};
use sha2::{Digest, Sha256};
use vigie_domain::{Alert, Channel};

use crate::ingest::{self, NewDelivery};
use crate::people::{Address, AddressState, raise_version};
use crate::sql::{SqlError, Transaction};
use crate::{Store, StoreError, clean, derived_id, millis, moment, sql, to_json};

/// Beginning of the cause of a message that asks an address to confirm: the only one that goes to an unconfirmed address.
pub const ASK_CAUSE: &str = "optin:";

/// What became of a wish to ask an address to confirm.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Asked {
    /// A message is on its way.
    Yes,
    /// One went out a short while ago, or too many did.
    TooSoon,
    /// The address waits for no confirmation.
    NotNeeded,
    /// Its owner had it erased: only they may ask.
    Suppressed,
}

/// Who looked at whose data.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Look {
    /// When.
    pub at: DateTime<Utc>,
    /// Who looked: a person's identifier, or the account on the command line.
    pub who: String,
    /// Whose data, by identifier.
    pub whom: String,
    /// What was looked at.
    pub what: String,
}

impl Store {
    /// The secret of this database that salts the marks; made on first use.
    pub(crate) async fn salt(&self, tx: &mut Transaction) -> Result<String, StoreError> {
        sql::query("INSERT INTO meta (key, value) VALUES ('suppression_salt', $1) ON CONFLICT (key) DO NOTHING")
            .bind(random()?)
            .execute(tx)
            .await?;
        let (salt,): (String,) =
            sql::query_as("SELECT value FROM meta WHERE key = 'suppression_salt'").fetch_one(&mut *tx).await?;
        Ok(salt)
    }

    /// Whether the owner of an address had it erased and did not agree again since.
    ///
    /// # Errors
    /// The database fails.
    pub async fn is_suppressed(&self, channel: Channel, value: &str) -> Result<bool, StoreError> {
        let salt: Option<(String,)> =
            sql::query_as("SELECT value FROM meta WHERE key = 'suppression_salt'").fetch_optional(&self.reader).await?;
        let Some((salt,)) = salt else { return Ok(false) };
        let found: Option<(String,)> = sql::query_as("SELECT mark FROM suppressed WHERE mark = $1")
            .bind(mark(&salt, channel, value))
            .fetch_optional(&self.reader)
            .await?;
        Ok(found.is_some())
    }

    /// Takes the mark away: the owner of the address agreed anew.
    ///
    /// # Errors
    /// The database fails.
    pub async fn lift_suppression(&self, channel: Channel, value: &str) -> Result<(), StoreError> {
        let mut tx = self.begin().await?;
        let salt = self.salt(&mut tx).await?;
        sql::query("DELETE FROM suppressed WHERE mark = $1")
            .bind(mark(&salt, channel, value))
            .execute(&mut tx)
            .await?;
        tx.commit().await?;
        Ok(())
    }

    /// Puts a message that asks an address to confirm into the outbox, unless one went out within `gap` or `most` did
    /// already. `by_owner`: the owner of the address asks, not somebody for them.
    ///
    /// # Errors
    /// The database fails.
    pub async fn ask_to_confirm(
        &self,
        address: &str,
        by_owner: bool,
        (gap, most): (Duration, i64),
        now: DateTime<Utc>,
    ) -> Result<Asked, StoreError> {
        type Row = (String, String, String, String, Option<i64>, Option<i64>);
        let row: Option<Row> = sql::query_as(
            "SELECT a.subscriber_id, a.channel, a.value, a.state, c.asked, c.asks FROM address a LEFT JOIN consent c ON c.address_id = a.id WHERE a.id = $1",
        )
        .bind(address.to_owned())
        .fetch_optional(&self.reader)
        .await?;
        let Some((subscriber, channel, value, state, asked, asks)) = row else { return Ok(Asked::NotNeeded) };
        let Some(channel) = Channel::parse(&channel).filter(|_| state == AddressState::Unconfirmed.as_str()) else {
            return Ok(Asked::NotNeeded);
        };
        if !by_owner && self.is_suppressed(channel, &value).await? {
            return Ok(Asked::Suppressed);
        }
        let n = asks.unwrap_or(0);
        if n >= most || asked.is_some_and(|at| moment(at) + gap > now) {
            return Ok(Asked::TooSoon);
        }
        let mut tx = self.begin().await?;
        // Two requests at once: the one that counts first asks.
        let counted = sql::query(
            "INSERT INTO consent (address_id, asked, asks) VALUES ($1, $2, 1)
             ON CONFLICT (address_id) DO UPDATE SET asked = $2, asks = consent.asks + 1 WHERE consent.asks = $3",
        )
        .bind(address.to_owned())
        .bind(millis(now))
        .bind(n)
        .execute(&mut tx)
        .await?;
        if counted == 0 {
            return Ok(Asked::TooSoon);
        }
        let new = NewDelivery {
            subscriber,
            address: address.to_owned(),
            channel,
            cause: format!("{ASK_CAUSE}{}", millis(now)),
            procedure: String::new(),
            expires: None,
        };
        ingest::put_delivery(&mut tx, &new, now).await?;
        tx.commit().await?;
        Ok(Asked::Yes)
    }

    /// Addresses asked before that moment, fewer than `most` times, that said nothing since. Those that the settings file
    /// named once are not asked again.
    ///
    /// # Errors
    /// The database fails.
    pub async fn unanswered(&self, before: DateTime<Utc>, most: i64) -> Result<Vec<String>, StoreError> {
        let rows: Vec<(String,)> = sql::query_as(
            "SELECT a.id FROM address a JOIN consent c ON c.address_id = a.id JOIN subscriber s ON s.id = a.subscriber_id
             WHERE a.state = 'unconfirmed' AND s.declared = 0 AND c.confirmed IS NULL AND c.asked <= $1 AND c.asks < $2 ORDER BY c.asked, a.id",
        )
        .bind(millis(before))
        .bind(most)
        .fetch_all(&self.reader)
        .await?;
        Ok(rows.into_iter().map(|r| r.0).collect())
    }

    /// How often an address was asked.
    ///
    /// # Errors
    /// The database fails.
    pub async fn asks(&self, address: &str) -> Result<i64, StoreError> {
        let row: Option<(i64,)> = sql::query_as("SELECT asks FROM consent WHERE address_id = $1")
            .bind(address.to_owned())
            .fetch_optional(&self.reader)
            .await?;
        Ok(row.map_or(0, |r| r.0))
    }

    /// Notes that the owner of an unconfirmed address agrees, how, and puts it in use. `false` when there was nothing to
    /// confirm.
    ///
    /// # Errors
    /// The database fails.
    pub async fn confirm(&self, address: &str, how: &str, now: DateTime<Utc>) -> Result<bool, StoreError> {
        let mut tx = self.begin().await?;
        let row: Option<(String, String)> = sql::query_as(
            "UPDATE address SET state = 'active', note = NULL WHERE id = $1 AND state = 'unconfirmed' RETURNING channel, value",
        )
        .bind(address.to_owned())
        .fetch_optional(&mut tx)
        .await?;
        let Some((channel, value)) = row else { return Ok(false) };
        sql::query(
            "INSERT INTO consent (address_id, confirmed, how) VALUES ($1, $2, $3)
             ON CONFLICT (address_id) DO UPDATE SET confirmed = $2, how = $3",
        )
        .bind(address.to_owned())
        .bind(millis(now))
        .bind(clean(how))
        .execute(&mut tx)
        .await?;
        if let Some(channel) = Channel::parse(&channel) {
            let salt = self.salt(&mut tx).await?;
            sql::query("DELETE FROM suppressed WHERE mark = $1")
                .bind(mark(&salt, channel, &value))
                .execute(&mut tx)
                .await?;
        }
        raise_version(&mut tx).await?;
        tx.commit().await?;
        Ok(true)
    }

    /// When an address was asked and when it agreed.
    ///
    /// # Errors
    /// The database fails.
    pub async fn consent(&self, address: &str) -> Result<(Option<DateTime<Utc>>, Option<DateTime<Utc>>), StoreError> {
        let row: Option<(Option<i64>, Option<i64>)> =
            sql::query_as("SELECT asked, confirmed FROM consent WHERE address_id = $1")
                .bind(address.to_owned())
                .fetch_optional(&self.reader)
                .await?;
        let (asked, confirmed) = row.unwrap_or_default();
        Ok((asked.map(moment), confirmed.map(moment)))
    }

    /// Notes who looked at whose data: `whom` is an identifier, never a name or an address.
    ///
    /// # Errors
    /// The database fails.
    pub async fn saw(&self, who: &str, whom: &str, what: &str, now: DateTime<Utc>) -> Result<(), StoreError> {
        let id = derived_id(&[who, whom, what, &now.to_rfc3339()]);
        sql::query(
            "INSERT INTO access (id, at, who, whom, what) VALUES ($1, $2, $3, $4, $5) ON CONFLICT (id) DO NOTHING",
        )
        .bind(id)
        .bind(millis(now))
        .bind(clean(who))
        .bind(clean(whom))
        .bind(clean(what))
        .execute_alone(&self.db)
        .await?;
        Ok(())
    }

    /// Who looked at a person's data, newest first; at anybody's when `whom` is empty.
    ///
    /// # Errors
    /// The database fails.
    pub async fn looks(&self, whom: &str, limit: i64) -> Result<Vec<Look>, StoreError> {
        let rows: Vec<(i64, String, String, String)> = sql::query_as(
            "SELECT at, who, whom, what FROM access WHERE whom = $1 OR $1 = '' ORDER BY at DESC, id LIMIT $2",
        )
        .bind(whom.to_owned())
        .bind(limit)
        .fetch_all(&self.reader)
        .await?;
        Ok(rows.into_iter().map(|(at, who, whom, what)| Look { at: moment(at), who, whom, what }).collect())
    }

    /// Answers one person at the address from which they wrote, once per alert, in the thread of that procedure if any.
    ///
    /// # Errors
    /// The database fails.
    pub async fn answer(
        &self,
        address: &Address,
        alert: &Alert,
        procedure: &str,
        body: &str,
        now: DateTime<Utc>,
    ) -> Result<(), StoreError> {
        let (share, _) = self.share_at_once(&address.subscriber, alert, &to_json(&())?, None).await?;
        let delivery = NewDelivery { procedure: procedure.to_owned(), ..NewDelivery::of(alert, address, None) };
        let mut tx = self.begin_ingest(now).await?;
        tx.put_shares(alert, Some(body), &[(share, vec![delivery])]).await?;
        tx.commit().await
    }

    /// Tells one person something about their own subscription, once per alert.
    ///
    /// # Errors
    /// The database fails.
    pub async fn tell(
        &self,
        subscriber: &str,
        alert: &Alert,
        body: &str,
        now: DateTime<Utc>,
    ) -> Result<(), StoreError> {
        let share = self.share_at_once(subscriber, alert, &to_json(&())?, None).await?;
        let mut tx = self.begin_ingest(now).await?;
        tx.put_shares(alert, Some(body), &[share]).await?;
        tx.commit().await
    }
}

/// Whether an e-mail address may not be brought into use by anyone but its owner.
pub(crate) async fn refuses_import(tx: &mut Transaction, channel: Channel, value: &str) -> Result<bool, StoreError> {
    if channel != Channel::Email {
        return Ok(false); // whoever writes in a chat is there
    }
    let salt: Option<(String,)> =
        sql::query_as("SELECT value FROM meta WHERE key = 'suppression_salt'").fetch_optional(&mut *tx).await?;
    let Some((salt,)) = salt else { return Ok(false) };
    let found: Option<(String,)> = sql::query_as("SELECT mark FROM suppressed WHERE mark = $1")
        .bind(mark(&salt, channel, value))
        .fetch_optional(&mut *tx)
        .await?;
    Ok(found.is_some())
}

/// The mark of an address.
pub(crate) fn mark(salt: &str, channel: Channel, value: &str) -> String {
    let value = value.trim().to_lowercase();
    let mut digest = Sha256::new();
    for part in [salt, channel.as_str(), &value] {
        digest.update(part.len().to_le_bytes());
        digest.update(part.as_bytes());
    }
    digest.finalize().iter().map(|b| format!("{b:02x}")).collect()
}

/// 32 characters that nobody can guess.
///
/// # Errors
/// The system gives no random numbers.
pub fn random() -> Result<String, StoreError> {
    let mut bytes = [0_u8; 16];
    getrandom::fill(&mut bytes).map_err(|e| SqlError::Io(std::io::Error::other(e.to_string())))?;
    Ok(hex::encode(bytes))
}

//! Consent: who was asked, who agreed, and who looked at personal data.

use chrono::{DateTime, Duration, Utc};
use vigie_domain::{Alert, Cause, Channel};

use crate::Store;
use crate::address::{Address, AddressState};
use crate::audience::person_changed;
use crate::columns::{clean, millis, moment, to_json};
use crate::delivery::NewDelivery;
use crate::enqueue::put_delivery;
use crate::error::StoreError;
use crate::ids::derived_id;
use crate::sql;
use crate::suppression;

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
    pub at: DateTime<Utc>,
    /// Who looked: a person's identifier, or the account on the command line.
    pub who: String,
    /// Whose data, by identifier.
    pub whom: String,
    /// What was looked at.
    pub what: String,
}

impl Store {
    /// Puts a message that asks an address to confirm into the outbox, unless one went out within `gap` or `most` did
    /// already. `by_owner`: the owner of the address asks, not somebody for them.
    pub async fn ask_to_confirm(
        &self,
        address: &str,
        by_owner: bool,
        (gap, most): (Duration, i64),
        now: DateTime<Utc>,
    ) -> Result<Asked, StoreError> {
        type Row = (String, Channel, String, AddressState, Option<DateTime<Utc>>, Option<i64>);
        let row: Option<Row> = sql::query_as(
            "SELECT a.subscriber_id, a.channel, a.value, a.state, c.asked, c.asks FROM address a LEFT JOIN consent c ON c.address_id = a.id WHERE a.id = $1",
        )
        .bind(address.to_owned())
        .fetch_optional(&self.key_reader)
        .await?;
        let Some((subscriber, channel, value, state, asked, asks)) = row else { return Ok(Asked::NotNeeded) };
        if state != AddressState::Unconfirmed || self.suspended_since(&subscriber).await?.is_some() {
            return Ok(Asked::NotNeeded);
        }
        if !by_owner && self.is_suppressed(channel, &value).await? {
            return Ok(Asked::Suppressed);
        }
        let n = asks.unwrap_or(0);
        if n >= most || asked.is_some_and(|at| at + gap > now) {
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
            cause: Cause::OptIn(now),
            procedure: String::new(),
            expires: None,
        };
        put_delivery(&mut tx, &new, now).await?;
        tx.commit().await?;
        Ok(Asked::Yes)
    }

    /// Addresses asked before that moment, fewer than `most` times, that said nothing since. Those that the settings file
    /// named once are not asked again.
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

    /// How many addresses were asked since that moment, as far as the latest time of each tells.
    pub async fn asked_since(&self, since: DateTime<Utc>) -> Result<i64, StoreError> {
        let (asked,): (i64,) = sql::query_as("SELECT COUNT(*) FROM consent WHERE asked >= $1")
            .bind(millis(since))
            .fetch_one(&self.reader)
            .await?;
        Ok(asked)
    }

    /// How often an address was asked.
    pub async fn asks(&self, address: &str) -> Result<i64, StoreError> {
        let row: Option<(i64,)> = sql::query_as("SELECT asks FROM consent WHERE address_id = $1")
            .bind(address.to_owned())
            .fetch_optional(&self.key_reader)
            .await?;
        Ok(row.map_or(0, |r| r.0))
    }

    /// Notes that the owner of an unconfirmed address agrees, how, and puts it in use. `false` when there was nothing to
    /// confirm, or an operator keeps its owner out.
    pub async fn confirm(&self, address: &str, how: &str, now: DateTime<Utc>) -> Result<bool, StoreError> {
        let mut tx = self.begin().await?;
        let row: Option<(Channel, String, String)> = sql::query_as(
            "UPDATE address SET state = 'active', note = NULL WHERE id = $1 AND state = 'unconfirmed'
               AND NOT EXISTS (SELECT 1 FROM subscriber s WHERE s.id = address.subscriber_id AND s.suspended > 0)
             RETURNING channel, value, subscriber_id",
        )
        .bind(address.to_owned())
        .fetch_optional(&mut tx)
        .await?;
        let Some((channel, value, owner)) = row else { return Ok(false) };
        sql::query(
            "INSERT INTO consent (address_id, confirmed, how) VALUES ($1, $2, $3)
             ON CONFLICT (address_id) DO UPDATE SET confirmed = $2, how = $3",
        )
        .bind(address.to_owned())
        .bind(millis(now))
        .bind(clean(how))
        .execute(&mut tx)
        .await?;
        suppression::lift(&mut tx, channel, &value).await?;
        person_changed(&mut tx, &owner).await?;
        tx.commit().await?;
        Ok(true)
    }

    /// When an address was asked and when it agreed.
    pub async fn consent(&self, address: &str) -> Result<(Option<DateTime<Utc>>, Option<DateTime<Utc>>), StoreError> {
        let row: Option<(Option<i64>, Option<i64>)> =
            sql::query_as("SELECT asked, confirmed FROM consent WHERE address_id = $1")
                .bind(address.to_owned())
                .fetch_optional(&self.key_reader)
                .await?;
        let (asked, confirmed) = row.unwrap_or_default();
        Ok((asked.map(moment), confirmed.map(moment)))
    }

    /// Notes who looked at whose data: `whom` is an identifier, never a name or an address.
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

    /// Notes that one person looked at the data of several, in one go.
    pub async fn saw_all(&self, who: &str, whom: &[String], what: &str, now: DateTime<Utc>) -> Result<(), StoreError> {
        if whom.is_empty() {
            return Ok(());
        }
        let mut tx = self.begin().await?;
        for whom in whom {
            sql::query(
                "INSERT INTO access (id, at, who, whom, what) VALUES ($1, $2, $3, $4, $5) ON CONFLICT (id) DO NOTHING",
            )
            .bind(derived_id(&[who, whom, what, &now.to_rfc3339()]))
            .bind(millis(now))
            .bind(clean(who))
            .bind(clean(whom))
            .bind(clean(what))
            .execute(&mut tx)
            .await?;
        }
        tx.commit().await?;
        Ok(())
    }

    /// Who looked at a person's data, newest first; at anybody's when `whom` is empty.
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
        let mut tx = self.begin_alert(now).await?;
        tx.put_shares(alert, Some(body), &[(share, vec![delivery])]).await?;
        tx.commit().await
    }

    /// Tells one person something about their own subscription, once per alert.
    pub async fn tell(
        &self,
        subscriber: &str,
        alert: &Alert,
        body: &str,
        now: DateTime<Utc>,
    ) -> Result<(), StoreError> {
        self.tell_after(subscriber, alert, (body, None), now).await
    }

    /// The same, in a message that leaves at that moment at the earliest.
    pub async fn tell_after(
        &self,
        subscriber: &str,
        alert: &Alert,
        (body, after): (&str, Option<DateTime<Utc>>),
        now: DateTime<Utc>,
    ) -> Result<(), StoreError> {
        let share = self.share_at_once(subscriber, alert, &to_json(&())?, None).await?;
        let mut tx = self.begin_alert(now).await?;
        tx.put_shares(alert, Some(body), &[share]).await?;
        if let Some(after) = after {
            tx.put_off(&alert.id, subscriber, after).await?;
        }
        tx.commit().await
    }
}

//! Channels whose server cannot be reached. While one is away, one delivery at a time tries whether it is back.

use chrono::{DateTime, Utc};
use vigie_domain::Channel;

use crate::lanes::{self, NEVER};
use crate::outbox::Claimed;
use crate::{Store, StoreError, clean, millis, moment};

/// A channel whose server is away.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Outage {
    /// The channel.
    pub channel: Channel,
    /// Since when.
    pub since: DateTime<Utc>,
    /// In its own words.
    pub why: String,
}

impl Store {
    /// The server of a channel is away: nothing leaves there until then, and then one delivery first.
    ///
    /// # Errors
    /// The database fails.
    pub async fn begin_outage(
        &self,
        channel: Channel,
        until: DateTime<Utc>,
        why: &str,
        now: DateTime<Utc>,
    ) -> Result<(), StoreError> {
        let mut tx = self.begin().await?;
        sqlx::query(
            "INSERT INTO outage (channel, since, why) VALUES ($1, $2, $3) ON CONFLICT (channel) DO UPDATE SET why = $3",
        )
        .bind(channel.as_str().to_owned())
        .bind(millis(now))
        .bind(clean(why))
        .execute(&mut *tx)
        .await?;
        lanes::set_pace(&mut tx, channel.as_str(), until).await?;
        tx.commit().await?;
        Ok(())
    }

    /// The server of a channel answers again: all that waits may go.
    ///
    /// # Errors
    /// The database fails.
    pub async fn end_outage(&self, channel: Channel, now: DateTime<Utc>) -> Result<(), StoreError> {
        let mut tx = self.begin().await?;
        sqlx::query("DELETE FROM outage WHERE channel = $1")
            .bind(channel.as_str().to_owned())
            .execute(&mut *tx)
            .await?;
        sqlx::query("UPDATE pace SET free_at = $2 WHERE key = $1")
            .bind(channel.as_str().to_owned())
            .bind(millis(now))
            .execute(&mut *tx)
            .await?;
        tx.commit().await?;
        Ok(())
    }

    /// Channels whose server is away while something waits for it.
    ///
    /// # Errors
    /// The database fails.
    pub async fn outages(&self) -> Result<Vec<Outage>, StoreError> {
        let rows: Vec<(String, i64, String)> = sqlx::query_as(
            "SELECT channel, since, why FROM outage WHERE EXISTS (SELECT 1 FROM lane l
               WHERE l.channel = outage.channel AND (l.held = 1 OR l.ready_at < $1)) ORDER BY channel",
        )
        .bind(NEVER)
        .fetch_all(&self.pool)
        .await?;
        let outage = |(channel, since, why): (String, i64, String)| {
            Some(Outage { channel: Channel::parse(&channel)?, since: moment(since), why })
        };
        Ok(rows.into_iter().filter_map(outage).collect())
    }

    /// Gives a claimed delivery back untried, as it was.
    ///
    /// # Errors
    /// The database fails.
    pub async fn give_back(&self, delivery: &Claimed, now: DateTime<Utc>) -> Result<(), StoreError> {
        let mut tx = self.begin().await?;
        let done = sqlx::query(
            "UPDATE delivery SET state = 'pending', token = NULL, holder = NULL WHERE id = $1 AND token = $2 AND state = 'claimed'",
        )
        .bind(delivery.id.clone())
        .bind(delivery.token.clone())
        .execute(&mut *tx)
        .await?;
        if done.rows_affected() == 1 {
            lanes::release(&mut tx, &delivery.address, None, now).await?;
        }
        tx.commit().await?;
        Ok(())
    }
}

//! Channels whose server cannot be reached. While one is away, one delivery at a time tries whether it is back.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use serde_json::{Value, json};
use vigie_domain::Channel;

use crate::Store;
use crate::columns::{clean, millis};
use crate::delivery::Claimed;
use crate::error::StoreError;
use crate::lanes;
use crate::lanes::NEVER;
use crate::rows::over_rows;
use crate::sql::{self, row};

/// A channel whose server is away.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Outage {
    pub channel: Channel,
    /// Since when.
    pub since: DateTime<Utc>,
    /// In its own words.
    pub why: String,
}

row!(Outage { channel, since, why });

impl Store {
    /// The server of a channel is away: nothing leaves there until then, and then one delivery first.
    pub async fn begin_outage(
        &self,
        channel: Channel,
        until: DateTime<Utc>,
        why: &str,
        now: DateTime<Utc>,
    ) -> Result<(), StoreError> {
        let mut tx = self.begin().await?;
        sql::query(
            "INSERT INTO outage (channel, since, why) VALUES ($1, $2, $3) ON CONFLICT (channel) DO UPDATE SET why = $3",
        )
        .bind(channel.as_str().to_owned())
        .bind(millis(now))
        .bind(clean(why))
        .execute(&mut tx)
        .await?;
        lanes::set_pace(&mut tx, channel.as_str(), until).await?;
        tx.commit().await?;
        Ok(())
    }

    /// The server of a channel answers again: all that waits may go.
    pub async fn end_outage(&self, channel: Channel, now: DateTime<Utc>) -> Result<(), StoreError> {
        let mut tx = self.begin().await?;
        sql::query("DELETE FROM outage WHERE channel = $1").bind(channel.as_str().to_owned()).execute(&mut tx).await?;
        sql::query("UPDATE pace SET free_at = $2 WHERE key = $1")
            .bind(channel.as_str().to_owned())
            .bind(millis(now))
            .execute(&mut tx)
            .await?;
        tx.commit().await?;
        Ok(())
    }

    /// Channels whose server is away while something waits for it.
    pub async fn outages(&self) -> Result<Vec<Outage>, StoreError> {
        Ok(sql::query_as(
            "SELECT channel, since, why FROM outage WHERE EXISTS (SELECT 1 FROM lane l
               WHERE l.channel = outage.channel AND (l.held = 1 OR l.ready_at < $1)) ORDER BY channel",
        )
        .bind(NEVER)
        .fetch_all(&self.reader)
        .await?)
    }

    /// Gives claimed deliveries back untried, as they were.
    pub async fn give_back(&self, deliveries: &[Claimed], now: DateTime<Utc>) -> Result<(), StoreError> {
        let rows: Vec<Value> = deliveries.iter().map(|d| json!({"id": d.id, "token": d.token})).collect();
        let mut tx = self.begin().await?;
        let back: Vec<(String,)> = sql::query_as(over_rows!(
            self.engine(),
            ["UPDATE delivery SET state = 'pending', token = NULL, holder = NULL
              FROM (SELECT value ->> 'id' AS key, value ->> 'token' AS proof FROM "],
            [") AS w WHERE delivery.id = w.key AND delivery.token = w.proof AND delivery.state || '' = 'claimed' RETURNING address_id"]
        ))
        .bind(Value::from(rows).to_string())
        .fetch_all(&mut tx)
        .await?;
        let lanes: BTreeMap<&str, _> = back.iter().map(|(address,)| (address.as_str(), (now, now))).collect();
        lanes::release_all(&mut tx, &lanes).await?;
        tx.commit().await?;
        Ok(())
    }
}

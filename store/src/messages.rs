//! Which messages of a chat carry which delivery, part by part, and how far a chat service was listened to.
//!
//! A text too long for one message becomes several: each is noted as soon as the service took it, so that an interrupted
//! delivery goes on behind the last one. What was said is confirmed to the service once it is kept ([`crate::incoming`]).

use chrono::{DateTime, Duration, Utc};
use vigie_domain::Channel;

use crate::Store;
use crate::columns::{millis, moment};
use crate::error::StoreError;
use crate::sql::{self, row};

/// Silence after which a service may number its updates anew (Bot API, `Update`: "If there are no new updates for at least a
/// week, then identifier of the next update will be chosen randomly"). Less than that, to be safe.
const NUMBERS_LAST: Duration = Duration::days(6);

/// Attempts looked back at.
const MAX_DOUBTS: i64 = 10;

/// One message of a delivery.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SentPart {
    /// Its place in the delivery, from 0.
    pub part: i64,
    pub chat: String,
    /// Its identifier there.
    pub message: String,
}

row!(SentPart { part, chat, message });

impl Store {
    /// Notes a message that a chat took.
    pub async fn keep_part(&self, delivery: &str, part: &SentPart) -> Result<(), StoreError> {
        sql::query(
            "INSERT INTO message_part (delivery_id, part, chat, message) VALUES ($1, $2, $3, $4)
             ON CONFLICT (delivery_id, part) DO UPDATE SET chat = $3, message = $4",
        )
        .bind(delivery.to_owned())
        .bind(part.part)
        .bind(part.chat.clone())
        .bind(part.message.clone())
        .execute_alone(&self.db)
        .await?;
        Ok(())
    }

    /// The messages of a delivery, in order.
    pub async fn parts(&self, delivery: &str) -> Result<Vec<SentPart>, StoreError> {
        Ok(sql::query_as("SELECT part, chat, message FROM message_part WHERE delivery_id = $1 ORDER BY part")
            .bind(delivery)
            .fetch_all(&self.key_reader)
            .await?)
    }

    /// The delivery that a message carries.
    pub async fn carried_by(&self, chat: &str, message: &str) -> Result<Option<String>, StoreError> {
        let row: Option<(String,)> =
            sql::query_as("SELECT delivery_id FROM message_part WHERE chat = $1 AND message = $2 LIMIT 1")
                .bind(chat.to_owned())
                .bind(message.to_owned())
                .fetch_optional(&self.key_reader)
                .await?;
        Ok(row.map(|r| r.0))
    }

    /// Whether the last attempt at a delivery left it open whether the message arrived.
    pub async fn is_doubtful(&self, delivery: &str) -> Result<bool, StoreError> {
        let row: Option<(Option<String>,)> = sql::query_as(
            "SELECT outcome FROM attempt WHERE delivery_id = $1 AND outcome IS NOT NULL ORDER BY n DESC LIMIT 1",
        )
        .bind(delivery.to_owned())
        .fetch_optional(&self.key_reader)
        .await?;
        Ok(row.and_then(|r| r.0).as_deref() == Some("ambiguous"))
    }

    /// How many attempts in a row, the last ones that ended, were left in doubt in words that are `same`.
    pub async fn same_doubts(&self, delivery: &str, same: impl Fn(&str) -> bool + Send) -> Result<u32, StoreError> {
        let rows: Vec<(String, Option<String>)> = sql::query_as(
            "SELECT outcome, detail FROM attempt WHERE delivery_id = $1 AND outcome IS NOT NULL ORDER BY n DESC LIMIT $2",
        )
        .bind(delivery.to_owned())
        .bind(MAX_DOUBTS)
        .fetch_all(&self.key_reader)
        .await?;
        let doubts =
            rows.iter().take_while(|(outcome, why)| outcome == "ambiguous" && why.as_deref().is_some_and(&same));
        Ok(doubts.count() as u32)
    }

    /// The number from which a listener goes on; `None` to take whatever the service has, at first and after a long silence.
    pub async fn listening_from(&self, listener: &str, now: DateTime<Utc>) -> Result<Option<i64>, StoreError> {
        let row: Option<(i64, i64)> = sql::query_as("SELECT next_number, at FROM listener WHERE name = $1")
            .bind(listener.to_owned())
            .fetch_optional(&self.key_reader)
            .await?;
        Ok(row.filter(|(_, at)| now - moment(*at) < NUMBERS_LAST).map(|(number, _)| number))
    }

    /// Until when a limit holds that some chat of a channel met, if nothing went through since.
    pub async fn limited(&self, channel: Channel, now: DateTime<Utc>) -> Result<Option<DateTime<Utc>>, StoreError> {
        let row: Option<(i64,)> = sql::query_as("SELECT free_at FROM pace WHERE key = $1 AND free_at > $2")
            .bind(limit_key(channel))
            .bind(millis(now))
            .fetch_optional(&self.key_reader)
            .await?;
        Ok(row.map(|(at,)| moment(at)))
    }

    /// Notes that a chat of a channel met a limit.
    pub async fn note_limit(&self, channel: Channel, until: DateTime<Utc>) -> Result<(), StoreError> {
        let mut tx = self.begin().await?;
        crate::lanes::set_pace(&mut tx, &limit_key(channel), until).await?;
        tx.commit().await?;
        Ok(())
    }

    /// Notes that something went through on a channel.
    pub async fn forget_limits(&self, channel: Channel) -> Result<(), StoreError> {
        sql::query("DELETE FROM pace WHERE key = $1").bind(limit_key(channel)).execute_alone(&self.db).await?;
        Ok(())
    }

    /// Lets nothing leave on a channel before that moment.
    pub async fn rest_channel(&self, channel: Channel, until: DateTime<Utc>) -> Result<(), StoreError> {
        let mut tx = self.begin().await?;
        crate::lanes::set_pace(&mut tx, channel.as_str(), until).await?;
        tx.commit().await?;
        Ok(())
    }
}

/// Under which name a limit is kept among the paces; no lane looks at it.
fn limit_key(channel: Channel) -> String {
    format!("{}:limit", channel.as_str())
}

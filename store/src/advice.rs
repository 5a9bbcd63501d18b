//! What a person was asked of a subscription that gives too much, or nothing: the changes proposed, and what they answered. Each
//! statement names its owner.

use chrono::{DateTime, Utc};
use strum::{EnumString, IntoStaticStr};
use vigie_domain::Alert;

use crate::Store;
use crate::columns::{from_json, millis, to_json};
use crate::error::StoreError;
use crate::sql::{self, row};

/// What became of a question.
#[derive(Debug, Clone, Copy, PartialEq, Eq, EnumString, IntoStaticStr)]
#[strum(serialize_all = "snake_case")]
pub enum Answered {
    /// It waits.
    Asked,
    /// A change was chosen, and made.
    Chosen,
    /// All stays as it is.
    Left,
}

impl Answered {
    fn as_str(self) -> &'static str {
        self.into()
    }
}

/// A person of whose subscriptions nothing was said for long.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unadvised {
    pub person: String,
    /// When their subscriptions were last looked over, in milliseconds; 0 = never.
    pub since: i64,
}

row!(Unadvised { person, since });

/// A question, as it was put.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Advised {
    /// The alert that put it.
    pub id: String,
    /// Whose.
    pub person: String,
    pub subscription: String,
    /// What was said and proposed, as JSON.
    pub said: String,
    pub answered: Answered,
}

impl Store {
    /// People with a subscription that stands since before `before`, who want to be advised, were not since then, and have an address
    /// in use; those who waited longest first, from behind `after` (since when, who).
    pub async fn unadvised(
        &self,
        before: DateTime<Utc>,
        after: (i64, &str),
        most: i64,
    ) -> Result<Vec<Unadvised>, StoreError> {
        Ok(sql::query_as(
            "SELECT p.id, p.advised FROM subscriber p
             WHERE p.advice = 1 AND p.advised <= $1 AND (p.advised > $2 OR (p.advised = $2 AND p.id > $3))
               AND EXISTS (SELECT 1 FROM subscription u WHERE u.subscriber_id = p.id AND u.created <= $1)
               AND EXISTS (SELECT 1 FROM address a WHERE a.subscriber_id = p.id AND a.state = 'active')
             ORDER BY p.advised, p.id LIMIT $4",
        )
        .bind(millis(before))
        .bind(after.0)
        .bind(after.1.to_owned())
        .bind(most)
        .fetch_all(&self.reader)
        .await?)
    }

    /// Notes that the subscriptions of a person were looked over.
    pub async fn note_advised(&self, person: &str, now: DateTime<Utc>) -> Result<(), StoreError> {
        sql::query("UPDATE subscriber SET advised = $1 WHERE id = $2")
            .bind(millis(now))
            .bind(person.to_owned())
            .execute_alone(&self.db)
            .await?;
        Ok(())
    }

    /// Says whether a person wants to be told of subscriptions that give too much, or nothing.
    pub async fn set_advice(&self, person: &str, wanted: bool) -> Result<(), StoreError> {
        sql::query("UPDATE subscriber SET advice = $1 WHERE id = $2")
            .bind(i64::from(wanted))
            .bind(person.to_owned())
            .execute_alone(&self.db)
            .await?;
        Ok(())
    }

    /// Puts a question to a person about one of their subscriptions, with the message that asks, and notes that theirs were looked
    /// over: all of it, once an alert.
    pub async fn ask_advice<T: serde::Serialize>(
        &self,
        (person, subscription): (&str, &str),
        (alert, body): (&Alert, &str),
        said: &T,
        now: DateTime<Utc>,
    ) -> Result<(), StoreError> {
        let share = self.share_at_once(person, alert, &to_json(&())?, None).await?;
        let mut tx = self.begin_alert(now).await?;
        sql::query(
            "INSERT INTO advice (id, subscriber_id, subscription_id, said, answered, at) VALUES ($1, $2, $3, $4, $5, $6)
             ON CONFLICT (id) DO NOTHING",
        )
        .bind(alert.id.clone())
        .bind(person.to_owned())
        .bind(subscription.to_owned())
        .bind(to_json(said)?)
        .bind(Answered::Asked.as_str().to_owned())
        .bind(millis(now))
        .execute(&mut tx.tx)
        .await?;
        sql::query("UPDATE subscriber SET advised = $1 WHERE id = $2")
            .bind(millis(now))
            .bind(person.to_owned())
            .execute(&mut tx.tx)
            .await?;
        tx.put_shares(alert, Some(body), &[share]).await?;
        tx.commit().await
    }

    /// Subscriptions of which a person said, since then, that they stay as they are.
    pub async fn left_alone(&self, person: &str, since: DateTime<Utc>) -> Result<Vec<String>, StoreError> {
        let rows: Vec<(String,)> = sql::query_as(
            "SELECT subscription_id FROM advice WHERE subscriber_id = $1 AND answered = 'left' AND at >= $2",
        )
        .bind(person.to_owned())
        .bind(millis(since))
        .fetch_all(&self.reader)
        .await?;
        Ok(rows.into_iter().map(|(id,)| id).collect())
    }

    /// A question of that person.
    pub async fn advice(&self, id: &str, person: &str) -> Result<Option<Advised>, StoreError> {
        let row: Option<(String, String, String)> =
            sql::query_as("SELECT subscription_id, said, answered FROM advice WHERE id = $1 AND subscriber_id = $2")
                .bind(id.to_owned())
                .bind(person.to_owned())
                .fetch_optional(&self.key_reader)
                .await?;
        Ok(row.map(|(subscription, said, answered)| Advised {
            id: id.to_owned(),
            person: person.to_owned(),
            subscription,
            said,
            answered: answered.parse().unwrap_or(Answered::Left),
        }))
    }

    /// The latest question of a person that waits for its answer, if one does.
    pub async fn advices_waiting(&self, person: &str) -> Result<Vec<Advised>, StoreError> {
        let rows: Vec<(String, String, String)> = sql::query_as(
            "SELECT id, subscription_id, said FROM advice WHERE subscriber_id = $1 AND answered = 'asked' ORDER BY at DESC, id LIMIT 1",
        )
        .bind(person.to_owned())
        .fetch_all(&self.reader)
        .await?;
        let waiting = |(id, subscription, said)| Advised {
            id,
            person: person.to_owned(),
            subscription,
            said,
            answered: Answered::Asked,
        };
        Ok(rows.into_iter().map(waiting).collect())
    }

    /// Notes what a person answered; `false` where something else was answered meanwhile.
    pub async fn answer_advice(
        &self,
        one: &Advised,
        answered: Answered,
        now: DateTime<Utc>,
    ) -> Result<bool, StoreError> {
        let done = sql::query(
            "UPDATE advice SET answered = $1, at = $2 WHERE id = $3 AND subscriber_id = $4 AND answered = $5",
        )
        .bind(answered.as_str().to_owned())
        .bind(millis(now))
        .bind(one.id.clone())
        .bind(one.person.clone())
        .bind(one.answered.as_str().to_owned())
        .execute_alone(&self.db)
        .await?;
        Ok(done > 0)
    }
}

impl Advised {
    /// What was said and proposed.
    ///
    /// # Errors
    /// It was written by a later version.
    pub fn read<T: serde::de::DeserializeOwned>(&self) -> Result<T, StoreError> {
        from_json(&self.said, &format!("advice {}", self.id))
    }
}

//! Tokens by which programs act for a person, and the private links of their calendar and feed.
//!
//! A token is known by its hash and shown once. A private link is signed (see the caller), names its row here, and so can be
//! shown again; it ends when its row goes.

use chrono::{DateTime, Duration, Utc};
use strum::{EnumString, IntoStaticStr};
use vigie_domain::Subscriber;

use crate::Store;
use crate::columns::{clean, millis};
use crate::error::StoreError;
use crate::ids::{random, secret_hash};
use crate::sql::{self, FromRow, Row, SqlError};

/// How often the last use is written.
const USE_NOTED_EVERY: Duration = Duration::hours(1);

/// Most tokens and private links of one person.
pub const MAX_TOKENS: i64 = 20;

/// What a token may do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, EnumString, IntoStaticStr)]
#[strum(serialize_all = "snake_case")]
pub enum Scope {
    /// Read procedures.
    Procedures,
    /// Read what one was told, in order.
    Alerts,
    /// Read one's subscriptions.
    Subscriptions,
    /// Make, change and remove one's subscriptions.
    #[strum(serialize = "subscriptions:write")]
    SubscriptionsWrite,
    /// Read what one's structure decided.
    Decisions,
    /// Decide for one's structure.
    #[strum(serialize = "decisions:write")]
    DecisionsWrite,
    /// The private calendar: no program's token has it.
    Calendar,
    /// The private feed: no program's token has it.
    Feed,
}

impl Scope {
    /// Those a program's token may have.
    pub const OF_PROGRAMS: [Self; 6] = [
        Self::Procedures,
        Self::Alerts,
        Self::Subscriptions,
        Self::SubscriptionsWrite,
        Self::Decisions,
        Self::DecisionsWrite,
    ];

    /// The word used in the database, in forms and in the API's documentation.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        self.into()
    }

    /// Reads a word.
    #[must_use]
    pub fn parse(word: &str) -> Option<Self> {
        word.parse().ok()
    }

    /// As a person reads it.
    #[must_use]
    pub fn in_french(self) -> &'static str {
        match self {
            Self::Procedures => "lire les marchés",
            Self::Alerts => "lire vos alertes",
            Self::Subscriptions => "lire vos abonnements",
            Self::SubscriptionsWrite => "changer vos abonnements",
            Self::Decisions => "lire les décisions de votre structure",
            Self::DecisionsWrite => "décider pour votre structure",
            Self::Calendar => "agenda",
            Self::Feed => "fil d’alertes",
        }
    }
}

/// A token, without its secret.
#[derive(Debug, Clone)]
pub struct AccessToken {
    pub id: String,
    /// Whose.
    pub subscriber: String,
    /// What its owner calls it.
    pub name: String,
    /// What it may do.
    pub scopes: Vec<Scope>,
    pub created: DateTime<Utc>,
    /// When it was last used, to the hour.
    pub used: Option<DateTime<Utc>>,
    /// When it ends.
    pub expires: Option<DateTime<Utc>>,
}

impl FromRow for AccessToken {
    fn from_row(row: &Row<'_>) -> Result<Self, SqlError> {
        let words: String = row.get(3)?;
        let scope = |word| Scope::parse(word).ok_or_else(|| row.unreadable(3, word));
        Ok(Self {
            id: row.get(0)?,
            subscriber: row.get(1)?,
            name: row.get(2)?,
            scopes: words.split_whitespace().map(scope).collect::<Result<_, _>>()?,
            created: row.get(4)?,
            used: row.get(5)?,
            expires: row.get(6)?,
        })
    }
}

/// Reads tokens `WHERE` …
macro_rules! select {
    ($rest:literal) => {
        concat!("SELECT id, subscriber_id, name, scopes, created, used, expires FROM access_token WHERE ", $rest)
    };
}

impl Store {
    /// Makes a token of that secret; gives its identifier, or `None` where the person has [`MAX_TOKENS`] already. Counted in
    /// the transaction that makes it, under the person's row: two at a time are not one more.
    pub async fn put_token(
        &self,
        subscriber: &str,
        name: &str,
        scopes: &[Scope],
        secret: &str,
        expires: Option<DateTime<Utc>>,
        now: DateTime<Utc>,
    ) -> Result<Option<String>, StoreError> {
        let id = random()?;
        let scopes: Vec<&str> = scopes.iter().map(|s| s.as_str()).collect();
        let mut tx = self.begin().await?;
        sql::query("UPDATE subscriber SET id = id WHERE id = $1").bind(subscriber).execute(&mut tx).await?;
        let (held,): (i64,) = sql::query_as("SELECT COUNT(*) FROM access_token WHERE subscriber_id = $1")
            .bind(subscriber)
            .fetch_one(&mut tx)
            .await?;
        if held >= MAX_TOKENS {
            return Ok(None);
        }
        sql::query(
            "INSERT INTO access_token (id, mark, subscriber_id, name, scopes, created, expires) VALUES ($1, $2, $3, $4, $5, $6, $7)",
        )
        .bind(id.clone())
        .bind(secret_hash(secret))
        .bind(subscriber)
        .bind(clean(name))
        .bind(scopes.join(" "))
        .bind(millis(now))
        .bind(expires.map(millis))
        .execute(&mut tx)
        .await?;
        tx.commit().await?;
        Ok(Some(id))
    }

    /// Tokens and private links of a person, oldest first.
    pub async fn tokens(&self, subscriber: &str) -> Result<Vec<AccessToken>, StoreError> {
        let rows: Vec<AccessToken> = sql::query_as(select!("subscriber_id = $1 ORDER BY created, id"))
            .bind(subscriber.to_owned())
            .fetch_all(&self.reader)
            .await?;
        Ok(rows)
    }

    /// Ends a token of that person; `false` when they have none of that identifier.
    pub async fn remove_token(&self, subscriber: &str, id: &str) -> Result<bool, StoreError> {
        let done = sql::query("DELETE FROM access_token WHERE id = $1 AND subscriber_id = $2")
            .bind(id.to_owned())
            .bind(subscriber.to_owned())
            .execute_alone(&self.db)
            .await?;
        Ok(done == 1)
    }

    /// The token of that secret and its owner, while it lasts and the owner has access.
    pub async fn token_by_secret(
        &self,
        secret: &str,
        now: DateTime<Utc>,
    ) -> Result<Option<(AccessToken, Subscriber)>, StoreError> {
        let row: Option<AccessToken> = sql::query_as(select!("mark = $1 AND (expires IS NULL OR expires > $2)"))
            .bind(secret_hash(secret))
            .bind(millis(now))
            .fetch_optional(&self.key_reader)
            .await?;
        self.with_owner(row, now).await
    }

    /// The private link of that identifier and its owner, while it lasts and the owner has access.
    pub async fn token_by_id(
        &self,
        id: &str,
        now: DateTime<Utc>,
    ) -> Result<Option<(AccessToken, Subscriber)>, StoreError> {
        let row: Option<AccessToken> = sql::query_as(select!("id = $1 AND (expires IS NULL OR expires > $2)"))
            .bind(id.to_owned())
            .bind(millis(now))
            .fetch_optional(&self.key_reader)
            .await?;
        self.with_owner(row, now).await
    }

    async fn with_owner(
        &self,
        row: Option<AccessToken>,
        now: DateTime<Utc>,
    ) -> Result<Option<(AccessToken, Subscriber)>, StoreError> {
        let Some(token) = row else { return Ok(None) };
        let Some(owner) = self.subscriber(&token.subscriber).await? else { return Ok(None) };
        if self.active_addresses(&owner.id).await?.is_empty() {
            return Ok(None); // out of the settings file, suspended, or stopped
        }
        if token.used.is_none_or(|at| at + USE_NOTED_EVERY < now) {
            sql::query("UPDATE access_token SET used = $1 WHERE id = $2")
                .bind(millis(now))
                .bind(token.id.clone())
                .execute_alone(&self.db)
                .await?;
        }
        Ok(Some((token, owner)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_words_of_scopes_stay_those_of_tokens_already_made() {
        let words: Vec<&str> = Scope::OF_PROGRAMS.into_iter().map(Scope::as_str).collect();
        assert_eq!(
            words,
            ["procedures", "alerts", "subscriptions", "subscriptions:write", "decisions", "decisions:write"]
        );
        for scope in Scope::OF_PROGRAMS.into_iter().chain([Scope::Calendar, Scope::Feed]) {
            assert_eq!(Scope::parse(scope.as_str()), Some(scope));
        }
    }
}

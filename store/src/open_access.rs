//! What lets somebody in, for operators to see and to end: open sessions, tokens of programs, private links.

use chrono::{DateTime, Utc};

use crate::Store;
use crate::columns::millis;
use crate::error::StoreError;
use crate::sql::{self, row};

/// A session, a token or a private link, without its secret.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OpenAccess {
    /// The name by which it is ended.
    pub id: String,
    /// Whose.
    pub subscriber: String,
    /// What its owner calls it; empty for a session.
    pub name: String,
    /// What it may do, in words of the database; empty for a session, which may do all that its owner may.
    pub scopes: String,
    pub created: DateTime<Utc>,
    /// When it was last used, where that is noted.
    pub used: Option<DateTime<Utc>>,
    /// When it ends, if it does.
    pub expires: Option<DateTime<Utc>>,
}

row!(OpenAccess { id, subscriber, name, scopes, created, used, expires });

/// Characters of a session's hash by which it is named: enough to be its own, too few to be the hash.
const SESSION_NAME: usize = 16;

impl Store {
    /// Everything that is open, of one person or of all, newest first.
    pub async fn open_access(
        &self,
        subscriber: Option<&str>,
        limit: i64,
        now: DateTime<Utc>,
    ) -> Result<Vec<OpenAccess>, StoreError> {
        Ok(sql::query_as(format!(
            "SELECT id, subscriber_id, name, scopes, created, used, expires FROM (
               SELECT SUBSTR(mark, 1, {SESSION_NAME}) AS id, subscriber_id, '' AS name, '' AS scopes, created, CAST(NULL AS BIGINT) AS used, expires
                 FROM session
               UNION ALL SELECT id, subscriber_id, name, scopes, created, used, expires FROM access_token) AS open
             WHERE (expires IS NULL OR expires > $1) AND ($2 = '' OR subscriber_id = $2) ORDER BY created DESC, id LIMIT $3"
        ))
        .bind(millis(now))
        .bind(subscriber.unwrap_or_default())
        .bind(limit)
        .fetch_all(&self.reader)
        .await?)
    }

    /// Ends what bears that name; gives whose it was.
    pub async fn revoke(&self, id: &str) -> Result<Option<String>, StoreError> {
        let mut tx = self.begin().await?;
        let mut owner: Option<(String,)> = None;
        for sql in [
            format!("DELETE FROM session WHERE SUBSTR(mark, 1, {SESSION_NAME}) = $1 RETURNING subscriber_id"),
            "DELETE FROM access_token WHERE id = $1 RETURNING subscriber_id".to_owned(),
        ] {
            let gone = sql::query_as(sql).bind(id).fetch_optional(&mut tx).await?;
            owner = owner.or(gone);
        }
        tx.commit().await?;
        Ok(owner.map(|(subscriber,)| subscriber))
    }

    /// Ends everything that lets a person in: sessions, tokens, private links, and links on their way. Gives how many, but for
    /// the last.
    pub async fn revoke_all(&self, subscriber: &str) -> Result<u64, StoreError> {
        let mut tx = self.begin().await?;
        let mut ended = 0;
        for sql in ["DELETE FROM session WHERE subscriber_id = $1", "DELETE FROM access_token WHERE subscriber_id = $1"]
        {
            ended += sql::query(sql).bind(subscriber).execute(&mut tx).await?;
        }
        sql::query("DELETE FROM sign_in WHERE address_id IN (SELECT id FROM address WHERE subscriber_id = $1)")
            .bind(subscriber)
            .execute(&mut tx)
            .await?;
        tx.commit().await?;
        Ok(ended)
    }
}

//! People whom an operator keeps out for a time: nothing is sent to them, and nothing of theirs opens a page.
//!
//! Everything asks an address whether it is in use ([`crate::address`]): whoever is kept out has none in use, whichever way one would
//! come back. Those that are out of use for that alone are marked, and come back with their owner; one that its owner stopped
//! meanwhile, or that its server refuses, does not.

use chrono::{DateTime, Utc};

use crate::Store;
use crate::audience::person_changed;
use crate::columns::{millis, moment};
use crate::error::StoreError;
use crate::sql::{self, Transaction};

impl Store {
    /// Keeps somebody out from now on; `false` when they are already, or there is no such person.
    pub async fn suspend_person(&self, subscriber: &str, now: DateTime<Utc>) -> Result<bool, StoreError> {
        let mut tx = self.begin().await?;
        let done = sql::query("UPDATE subscriber SET suspended = $1 WHERE id = $2 AND suspended = 0")
            .bind(millis(now))
            .bind(subscriber)
            .execute(&mut tx)
            .await?;
        if done == 0 {
            return Ok(false);
        }
        // One after the other with whatever brings an address into use: it is seen here, or sees this.
        person_changed(&mut tx, subscriber).await?;
        withhold(&mut tx, subscriber).await?;
        tx.commit().await?;
        Ok(true)
    }

    /// Lets somebody in again, with the addresses that were out of use for that alone; `false` when nobody keeps them out.
    pub async fn resume_person(&self, subscriber: &str) -> Result<bool, StoreError> {
        let mut tx = self.begin().await?;
        let done = sql::query("UPDATE subscriber SET suspended = 0 WHERE id = $1 AND suspended > 0")
            .bind(subscriber)
            .execute(&mut tx)
            .await?;
        if done == 0 {
            return Ok(false);
        }
        for sql in [
            "UPDATE address SET state = 'active', note = NULL WHERE subscriber_id = $1 AND withheld = 1 AND state = 'suspended'",
            "UPDATE address SET withheld = 0 WHERE subscriber_id = $1 AND withheld = 1",
        ] {
            sql::query(sql).bind(subscriber).execute(&mut tx).await?;
        }
        person_changed(&mut tx, subscriber).await?;
        tx.commit().await?;
        Ok(true)
    }

    /// Since when an operator keeps somebody out, if one does.
    pub async fn suspended_since(&self, subscriber: &str) -> Result<Option<DateTime<Utc>>, StoreError> {
        let row: Option<(i64,)> = sql::query_as("SELECT suspended FROM subscriber WHERE id = $1 AND suspended > 0")
            .bind(subscriber)
            .fetch_optional(&self.key_reader)
            .await?;
        Ok(row.map(|(at,)| moment(at)))
    }
}

/// Takes whatever came into use of somebody who is kept out, out of it again; gives how many addresses that were. What is theirs and
/// not kept out stays.
pub(crate) async fn withhold(tx: &mut Transaction, subscriber: &str) -> Result<u64, StoreError> {
    Ok(sql::query(
        "UPDATE address SET state = 'suspended', withheld = 1, note = 'suspendue avec la personne' WHERE subscriber_id = $1
           AND state = 'active' AND EXISTS (SELECT 1 FROM subscriber s WHERE s.id = $1 AND s.suspended > 0)",
    )
    .bind(subscriber)
    .execute(tx)
    .await?)
}

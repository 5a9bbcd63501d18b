//! Addresses that may not be written to again.
//!
//! An address that was erased leaves a **mark**: a hash salted with a secret of this database, from which no address can be
//! read back. An import may not bring such an address into use; its owner may, by agreeing anew.

use sha2::{Digest, Sha256};
use vigie_domain::Channel;

use crate::Store;
use crate::error::StoreError;
use crate::ids::random;
use crate::sql::{self, Transaction};

impl Store {
    /// Whether the owner of an address had it erased and did not agree again since.
    pub async fn is_suppressed(&self, channel: Channel, value: &str) -> Result<bool, StoreError> {
        let salt: Option<(String,)> = sql::query_as("SELECT value FROM meta WHERE key = 'suppression_salt'")
            .fetch_optional(&self.key_reader)
            .await?;
        let Some((salt,)) = salt else { return Ok(false) };
        let found: Option<(String,)> = sql::query_as("SELECT mark FROM suppressed WHERE mark = $1")
            .bind(mark(&salt, channel, value))
            .fetch_optional(&self.key_reader)
            .await?;
        Ok(found.is_some())
    }

    /// Takes the mark away: the owner of the address agreed anew.
    pub async fn lift_suppression(&self, channel: Channel, value: &str) -> Result<(), StoreError> {
        let mut tx = self.begin().await?;
        lift(&mut tx, channel, value).await?;
        tx.commit().await?;
        Ok(())
    }
}

/// The secret of this database that salts the marks; made on first use.
pub(crate) async fn salt(tx: &mut Transaction) -> Result<String, StoreError> {
    sql::query("INSERT INTO meta (key, value) VALUES ('suppression_salt', $1) ON CONFLICT (key) DO NOTHING")
        .bind(random()?)
        .execute(tx)
        .await?;
    let (salt,): (String,) =
        sql::query_as("SELECT value FROM meta WHERE key = 'suppression_salt'").fetch_one(&mut *tx).await?;
    Ok(salt)
}

/// Takes the mark of an address away.
pub(crate) async fn lift(tx: &mut Transaction, channel: Channel, value: &str) -> Result<(), StoreError> {
    let salt = salt(tx).await?;
    sql::query("DELETE FROM suppressed WHERE mark = $1").bind(mark(&salt, channel, value)).execute(tx).await?;
    Ok(())
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
    hex::encode(digest.finalize())
}

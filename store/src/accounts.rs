//! Buyers and companies that structures follow: by SIREN, or by a name that no SIREN is known of.
//!
//! What a structure follows is its own: a reading for people names the structure.

use chrono::{DateTime, Utc};
use serde_json::{Value, json};
use vigie_domain::commune;

use crate::Store;
use crate::columns::{clean, millis};
use crate::error::StoreError;
use crate::ingest::IngestTx;
use crate::rows::over_rows;
use crate::sql::{self, row};

/// What stands before a name in the place of a SIREN.
const BY_NAME: &str = "name:";

/// A buyer or a company that a structure follows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Account {
    pub structure: String,
    /// SIREN, or the folded name behind `name:`.
    pub key: String,
    pub name: String,
    /// Who began to follow it, as they are called.
    pub by: String,
    pub at: DateTime<Utc>,
}

row!(Account { structure, key, name, by, at });

impl Account {
    /// Its SIREN, where it is followed by that.
    #[must_use]
    pub fn siren(&self) -> Option<&str> {
        Some(self.key.as_str()).filter(|k| !k.starts_with(BY_NAME))
    }
}

/// The keys under which a party may be followed: its SIREN and its name.
#[must_use]
pub fn keys(siren: Option<&str>, name: &str) -> Vec<String> {
    let named = commune::key(name);
    let by_name = Some(named).filter(|n| !n.is_empty()).map(|n| format!("{BY_NAME}{n}"));
    siren.map(str::to_owned).into_iter().chain(by_name).collect()
}

/// What a key holds: a SIREN, or a folded name; the other is empty.
#[must_use]
pub fn parts(key: &str) -> (&str, &str) {
    key.strip_prefix(BY_NAME).map_or((key, ""), |name| ("", name))
}

impl Store {
    /// Follows; `false` where the structure did already.
    pub async fn follow(&self, account: &Account) -> Result<bool, StoreError> {
        let done = sql::query(
            "INSERT INTO account (structure, key, name, followed_by, at) VALUES ($1, $2, $3, $4, $5)
             ON CONFLICT (structure, key) DO NOTHING",
        )
        .bind(account.structure.clone())
        .bind(clean(&account.key))
        .bind(clean(&account.name))
        .bind(clean(&account.by))
        .bind(millis(account.at))
        .execute_alone(&self.db)
        .await?;
        Ok(done == 1)
    }

    /// Follows no more; `false` where the structure did not.
    pub async fn unfollow(&self, structure: &str, key: &str) -> Result<bool, StoreError> {
        let done = sql::query("DELETE FROM account WHERE structure = $1 AND key = $2")
            .bind(structure.to_owned())
            .bind(clean(key))
            .execute_alone(&self.db)
            .await?;
        Ok(done == 1)
    }

    /// What a structure follows, by name.
    pub async fn accounts_of(&self, structure: &str) -> Result<Vec<Account>, StoreError> {
        Ok(sql::query_as(
            "SELECT structure, key, name, followed_by, at FROM account WHERE structure = $1 ORDER BY name, key",
        )
        .bind(structure.to_owned())
        .fetch_all(&self.reader)
        .await?)
    }

    /// Structures that follow one of these parties.
    pub async fn structures_following(&self, keys: &[String]) -> Result<Vec<String>, StoreError> {
        let rows: Vec<(String,)> = sql::query_as(over_rows!(
            self.engine(),
            ["SELECT DISTINCT structure FROM account WHERE key IN (SELECT value ->> 'key' FROM "],
            [") ORDER BY structure"]
        ))
        .bind(given(keys))
        .fetch_all(&self.reader)
        .await?;
        Ok(rows.into_iter().map(|(structure,)| structure).collect())
    }
}

fn given(keys: &[String]) -> String {
    Value::from(keys.iter().map(|k| json!({ "key": clean(k) })).collect::<Vec<_>>()).to_string()
}

impl IngestTx {
    /// Who follows one of these parties: (structure, name of the account).
    pub async fn followers(&mut self, keys: &[String]) -> Result<Vec<(String, String)>, StoreError> {
        if keys.is_empty() {
            return Ok(Vec::new());
        }
        Ok(sql::query_as(over_rows!(
            self.tx.engine(),
            ["SELECT structure, MIN(name) FROM account WHERE key IN (SELECT value ->> 'key' FROM "],
            [") GROUP BY structure ORDER BY structure"]
        ))
        .bind(given(keys))
        .fetch_all(&mut self.tx)
        .await?)
    }
}

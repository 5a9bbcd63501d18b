//! The directories: structures by SIRET, facilitators by département, committed buyers by SIREN. An import replaces what it
//! names and leaves the rest alone.

use chrono::{DateTime, Utc};
use serde::Serialize;
use serde::de::DeserializeOwned;
use vigie_domain::Department;
use vigie_domain::directory::{CommittedBuyer, Facilitator, Structure};

use crate::Store;
use crate::columns::{clean, from_json, millis, to_json};
use crate::error::StoreError;
use crate::ids::derived_id;
use crate::sql;

/// An entry of a directory.
pub trait Entry: Serialize + DeserializeOwned {
    /// The word under which its directory is kept.
    const DIRECTORY: &'static str;
    /// The keys that lead to it.
    fn keys(&self) -> Vec<String>;
}

impl Entry for Structure {
    const DIRECTORY: &'static str = "structure";
    fn keys(&self) -> Vec<String> {
        vec![self.siret.clone()]
    }
}

impl Entry for CommittedBuyer {
    const DIRECTORY: &'static str = "committed_buyer";
    fn keys(&self) -> Vec<String> {
        vec![self.siren.clone()]
    }
}

impl Entry for Facilitator {
    const DIRECTORY: &'static str = "facilitator";
    fn keys(&self) -> Vec<String> {
        let id = derived_id(&[&self.territory, &self.name]);
        self.departments.iter().map(|d| format!("{d}:{id}")).collect()
    }
}

impl Store {
    /// Writes entries, all or none.
    pub async fn put_entries<T: Entry>(&self, entries: &[T], now: DateTime<Utc>) -> Result<(), StoreError> {
        let mut tx = self.begin().await?;
        for entry in entries {
            let document = clean(&to_json(entry)?);
            for key in entry.keys() {
                sql::query(
                    "INSERT INTO directory (kind, key, document, updated) VALUES ($1, $2, $3, $4)
                     ON CONFLICT (kind, key) DO UPDATE SET document = $3, updated = $4",
                )
                .bind(T::DIRECTORY.to_owned())
                .bind(clean(&key))
                .bind(document.clone())
                .bind(millis(now))
                .execute(&mut tx)
                .await?;
            }
        }
        tx.commit().await?;
        Ok(())
    }

    /// How many keys a directory holds, and when one was last written.
    pub async fn entries_held<T: Entry>(&self) -> Result<(i64, Option<DateTime<Utc>>), StoreError> {
        Ok(sql::query_as("SELECT COUNT(*), MAX(updated) FROM directory WHERE kind = $1")
            .bind(T::DIRECTORY.to_owned())
            .fetch_one(&self.reader)
            .await?)
    }

    /// The structure of that SIRET.
    pub async fn structure(&self, siret: &str) -> Result<Option<Structure>, StoreError> {
        Ok(self.entries(siret, siret).await?.pop())
    }

    /// Every structure of the directory, by SIRET.
    pub async fn listed_structures(&self) -> Result<Vec<Structure>, StoreError> {
        // A SIRET has fourteen digits: what follows "9" holds them all.
        self.entries("", ":").await
    }

    /// Whether a buyer is known to be committed, by SIREN.
    pub async fn is_committed(&self, siren: &str) -> Result<bool, StoreError> {
        Ok(!self.entries::<CommittedBuyer>(siren, siren).await?.is_empty())
    }

    /// The commitment of a buyer, by SIREN.
    pub async fn commitment(&self, siren: &str) -> Result<Option<CommittedBuyer>, StoreError> {
        Ok(self.entries(siren, siren).await?.pop())
    }

    /// Every committed buyer, by SIREN.
    pub async fn commitments(&self) -> Result<Vec<CommittedBuyer>, StoreError> {
        // A SIREN has nine digits: what follows "9" holds them all.
        self.entries("", ":").await
    }

    /// Facilitators of a département.
    pub async fn facilitators(&self, department: &Department) -> Result<Vec<Facilitator>, StoreError> {
        // ":" is followed by ";" in ASCII: the range holds every key of the département.
        self.entries(&format!("{department}:"), &format!("{department};")).await
    }

    async fn entries<T: Entry>(&self, from: &str, to: &str) -> Result<Vec<T>, StoreError> {
        let rows: Vec<(String, String)> = sql::query_as(
            "SELECT key, document FROM directory WHERE kind = $1 AND key >= $2 AND key <= $3 ORDER BY key",
        )
        .bind(T::DIRECTORY.to_owned())
        .bind(from.to_owned())
        .bind(to.to_owned())
        .fetch_all(&self.reader)
        .await?;
        rows.iter().map(|(key, document)| from_json(document, &format!("directory {key}"))).collect()
    }
}

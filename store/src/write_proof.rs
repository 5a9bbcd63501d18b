//! Proof that writes become durable: a number in the database is raised, committed, and read back on another connection.
//!
//! A full disk, a read-only database or a connection that cannot leave its transaction fails here, while readings go on as if
//! nothing were wrong; and so does a file that was deleted or replaced under the process, where writings do too.

use std::path::PathBuf;

use crate::Store;
use crate::error::StoreError;
use crate::sql::{self, Database};

/// The row that is written.
const KEY: &str = "write_proof";

impl Store {
    /// The address of the file that is written to, where another one stands there now, or none.
    fn misplaced(&self) -> Option<PathBuf> {
        match &self.db {
            Database::Sqlite(file) => Some(file.path().to_owned()).filter(|_| !file.is_at_its_place()),
            Database::Postgres { .. } => None,
        }
    }

    /// Writes a row and reads it back.
    ///
    /// # Errors
    /// The write failed, what was committed is not there, or the file is not at its place any more.
    pub async fn prove_write(&self) -> Result<(), StoreError> {
        if let Some(path) = self.misplaced() {
            return Err(StoreError::Gone { path });
        }
        let mut tx = self.begin().await?;
        let (written,): (String,) = sql::query_as(
            "INSERT INTO meta (key, value) VALUES ($1, '1')
             ON CONFLICT (key) DO UPDATE SET value = CAST(CAST(meta.value AS BIGINT) + 1 AS TEXT) RETURNING value",
        )
        .bind(KEY)
        .fetch_one(&mut tx)
        .await?;
        tx.commit().await?;
        let (read,): (String,) =
            sql::query_as("SELECT value FROM meta WHERE key = $1").bind(KEY).fetch_one(&self.reader).await?;
        let number = |text: &str| text.parse::<i64>().unwrap_or(0);
        // Another process may have raised it since.
        if number(&read) < number(&written) { Err(StoreError::NotReadBack) } else { Ok(()) }
    }
}

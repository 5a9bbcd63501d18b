//! How large the database is, and how it grows: one figure a day.

use chrono::NaiveDate;

use crate::Store;
use crate::error::StoreError;
use crate::sql::{self, Database};

/// Bytes that the database takes: on SQLite the file and its log, on PostgreSQL tables and indexes.
pub(crate) async fn bytes(db: &Database) -> Result<u64, StoreError> {
    match db {
        Database::Sqlite(sqlite) => {
            let size = |suffix: &str| {
                let mut name = sqlite.path().as_os_str().to_owned();
                name.push(suffix);
                std::fs::metadata(name).map_or(0, |m| m.len())
            };
            Ok(size("") + size("-wal"))
        }
        Database::Postgres { .. } => {
            let (bytes,): (i64,) = sql::query_as("SELECT CAST(pg_database_size(current_database()) AS BIGINT)")
                .fetch_one(&db.reader())
                .await?;
            Ok(u64::try_from(bytes).unwrap_or(0))
        }
    }
}

impl Store {
    /// Bytes that the database takes.
    pub async fn bytes(&self) -> Result<u64, StoreError> {
        bytes(&self.db).await
    }

    /// Notes how large the database is that day; the first look of a day counts.
    pub async fn note_size(&self, day: NaiveDate) -> Result<(), StoreError> {
        let bytes = self.bytes().await?;
        sql::query("INSERT INTO size_day (day, bytes) VALUES ($1, $2) ON CONFLICT (day) DO NOTHING")
            .bind(day.to_string())
            .bind(i64::try_from(bytes).unwrap_or(i64::MAX))
            .execute_alone(&self.db)
            .await?;
        Ok(())
    }

    /// The days since `since` and how large the database was, oldest first.
    pub async fn sizes_since(&self, since: NaiveDate) -> Result<Vec<(NaiveDate, u64)>, StoreError> {
        let rows: Vec<(String, i64)> = sql::query_as("SELECT day, bytes FROM size_day WHERE day >= $1 ORDER BY day")
            .bind(since.to_string())
            .fetch_all(&self.reader)
            .await?;
        let read = |(day, bytes): (String, i64)| Some((day.parse().ok()?, u64::try_from(bytes).ok()?));
        Ok(rows.into_iter().filter_map(read).collect())
    }
}

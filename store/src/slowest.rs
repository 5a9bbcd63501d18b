//! What the database and its engine are, and the slowest statement of each day, of all processes: statements without their values.

use chrono::{Days, NaiveDate};

use crate::error::StoreError;
use crate::sql::{self, row, slow};
use crate::{Engine, Store};

/// How many days are remembered.
const KEPT: Days = Days::new(30);

/// The slowest statement of a day.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Slowest {
    pub day: NaiveDate,
    /// Its text, on one line, cut where it is long.
    pub statement: String,
    /// How long it took, in milliseconds.
    pub ms: i64,
}

row!(Slowest { day, statement, ms });

impl Store {
    /// Notes the slowest statement that this process ran since it noted one, unless a slower one of that day is known.
    pub async fn note_slowest(&self, day: NaiveDate) -> Result<(), StoreError> {
        let Some((statement, ms)) = slow::take() else { return Ok(()) };
        let mut tx = self.begin().await?;
        sql::query(
            "INSERT INTO slow_statement (day, statement, ms) VALUES ($1, $2, $3)
             ON CONFLICT (day) DO UPDATE SET statement = $2, ms = $3 WHERE slow_statement.ms < $3",
        )
        .bind(day.to_string())
        .bind(statement)
        .bind(i64::try_from(ms).unwrap_or(i64::MAX))
        .execute(&mut tx)
        .await?;
        let first = day.checked_sub_days(KEPT).unwrap_or_default();
        sql::query("DELETE FROM slow_statement WHERE day < $1").bind(first.to_string()).execute(&mut tx).await?;
        tx.commit().await?;
        Ok(())
    }

    /// The slowest statement since that day; `None` where none took long enough to be remembered.
    pub async fn slowest_since(&self, day: NaiveDate) -> Result<Option<Slowest>, StoreError> {
        Ok(sql::query_as(
            "SELECT day, statement, ms FROM slow_statement WHERE day >= $1 ORDER BY ms DESC, day DESC LIMIT 1",
        )
        .bind(day.to_string())
        .fetch_optional(&self.reader)
        .await?)
    }

    /// The engine's name and version, and the step at which the schema is.
    pub async fn engine_and_step(&self) -> Result<(String, i64), StoreError> {
        let (name, version) = match self.engine() {
            Engine::Sqlite => ("SQLite", "SELECT sqlite_version()"),
            Engine::Postgres => ("PostgreSQL", "SELECT current_setting('server_version')"),
        };
        let (version,): (String,) = sql::query_as(version).fetch_one(&self.reader).await?;
        let (step,): (i64,) = sql::query_as("SELECT CAST(COALESCE(MAX(n), 0) AS BIGINT) FROM schema_step")
            .fetch_one(&self.reader)
            .await?;
        Ok((format!("{name} {version}"), step))
    }
}

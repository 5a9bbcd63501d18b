//! What is remembered of each source: cursor and validators, health, and who polls it now.

use chrono::{DateTime, Duration, NaiveDate, Utc};

use crate::ingest::IngestTx;
use crate::{Store, StoreError, clean, derived_id, millis, moment};

/// State of a source.
#[derive(Debug, Clone, Default)]
pub struct SourceState {
    /// Cursor and validators, as JSON of the watcher.
    pub memory: String,
    /// The first poll was completed.
    pub baseline_done: bool,
    /// Failures in a row.
    pub failures: u32,
    /// When it is due.
    pub next_due: DateTime<Utc>,
    /// Last poll that succeeded.
    pub last_success: Option<DateTime<Utc>>,
    /// Last poll.
    pub last_attempt: Option<DateTime<Utc>>,
    /// Why the last poll failed.
    pub last_error: Option<String>,
    /// Records read so far.
    pub items: i64,
    /// Records put in quarantine so far.
    pub bad: i64,
    /// What kind of trouble it is in, in the watcher's words.
    pub trouble: Option<String>,
    /// Requests left, out of how many, as the server last said.
    pub quota: Option<(u64, u64)>,
}

/// What one day of a source brought.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SourceDay {
    /// Local day.
    pub day: NaiveDate,
    /// Notices new or changed.
    pub items: u64,
}

/// How a poll ended.
#[derive(Debug, Clone, Default)]
pub struct PollEnd<'a> {
    /// Why it failed, if it did.
    pub error: Option<&'a str>,
    /// What kind of trouble, in the watcher's words.
    pub trouble: Option<&'a str>,
    /// Notices new or changed.
    pub items: usize,
    /// Requests left, out of how many, where the server said so.
    pub quota: Option<(u64, u64)>,
}

/// A record put aside.
#[derive(Debug, Clone)]
pub struct Quarantined {
    /// Source.
    pub source: String,
    /// Identifier of the record, when it has one.
    pub record_id: Option<String>,
    /// Where it stood.
    pub place: String,
    /// What was wrong.
    pub reason: String,
    /// Its bytes, as they came.
    pub raw: Vec<u8>,
    /// When.
    pub at: DateTime<Utc>,
}

type AsideRow = (String, Option<String>, String, String, Vec<u8>, i64);
type Row = (
    String,
    i64,
    i64,
    i64,
    Option<i64>,
    Option<i64>,
    Option<String>,
    i64,
    i64,
    Option<String>,
    Option<i64>,
    Option<i64>,
);

impl Store {
    /// State of a source; a default one when it was never polled.
    ///
    /// # Errors
    /// The database fails.
    pub async fn source(&self, id: &str) -> Result<SourceState, StoreError> {
        let row: Option<Row> = sqlx::query_as(
            "SELECT memory, baseline_done, failures, next_due, last_success, last_attempt, last_error, items, bad, trouble, quota_left, quota_limit FROM source WHERE id = $1",
        )
        .bind(id.to_owned())
        .fetch_optional(&self.pool)
        .await?;
        Ok(row.map_or_else(
            || SourceState { memory: "{}".to_owned(), ..SourceState::default() },
            |r| SourceState {
                memory: r.0,
                baseline_done: r.1 != 0,
                failures: u32::try_from(r.2).unwrap_or(0),
                next_due: moment(r.3),
                last_success: r.4.map(moment),
                last_attempt: r.5.map(moment),
                last_error: r.6,
                items: r.7,
                bad: r.8,
                trouble: r.9,
                quota: r.10.zip(r.11).map(|(left, limit)| (left.unsigned_abs(), limit.unsigned_abs())),
            },
        ))
    }

    /// Has a source left alone, or watched again.
    ///
    /// # Errors
    /// The database fails.
    pub async fn pause_source(&self, id: &str, paused: bool) -> Result<(), StoreError> {
        let mut tx = self.begin().await?;
        sqlx::query("INSERT INTO source (id, paused) VALUES ($1, $2) ON CONFLICT (id) DO UPDATE SET paused = $2")
            .bind(id.to_owned())
            .bind(i64::from(paused))
            .execute(&mut *tx)
            .await?;
        tx.commit().await?;
        Ok(())
    }

    /// Whether a source is left alone.
    ///
    /// # Errors
    /// The database fails.
    pub async fn is_source_paused(&self, id: &str) -> Result<bool, StoreError> {
        let row: Option<(i64,)> = sqlx::query_as("SELECT paused FROM source WHERE id = $1")
            .bind(id.to_owned())
            .fetch_optional(&self.pool)
            .await?;
        Ok(row.is_some_and(|(paused,)| paused != 0))
    }

    /// Takes the source for polling until `lease` from now; `false` when it is not due or another holds it.
    ///
    /// # Errors
    /// The database fails.
    pub async fn claim_source(
        &self,
        id: &str,
        holder: &str,
        lease: Duration,
        force: bool,
        now: DateTime<Utc>,
    ) -> Result<bool, StoreError> {
        let mut tx = self.begin().await?;
        sqlx::query("INSERT INTO source (id) VALUES ($1) ON CONFLICT (id) DO NOTHING")
            .bind(id.to_owned())
            .execute(&mut *tx)
            .await?;
        let done = sqlx::query(
            "UPDATE source SET holder = $1, lease_until = $2, last_attempt = $3 WHERE id = $4 AND (lease_until <= $3 OR holder = $1) AND (next_due <= $3 AND paused = 0 OR $5 = 1)",
        )
        .bind(holder.to_owned())
        .bind(millis(now + lease))
        .bind(millis(now))
        .bind(id.to_owned())
        .bind(i64::from(force))
        .execute(&mut *tx)
        .await?;
        tx.commit().await?;
        Ok(done.rows_affected() == 1)
    }

    /// Notes a page: what to remember, and how many records it held. Committed after the page's notices.
    ///
    /// # Errors
    /// The database fails.
    pub async fn page_done(
        &self,
        id: &str,
        memory: &str,
        items: usize,
        lease: Duration,
        now: DateTime<Utc>,
    ) -> Result<(), StoreError> {
        sqlx::query("UPDATE source SET memory = $1, items = items + $2, lease_until = $3 WHERE id = $4")
            .bind(memory.to_owned())
            .bind(i64::try_from(items).unwrap_or(0))
            .bind(millis(now + lease))
            .bind(id.to_owned())
            .execute(&self.pool)
            .await?;
        Ok(())
    }

    /// Notes the end of a poll and gives the source back. `day` is the local day it counts for.
    ///
    /// # Errors
    /// The database fails.
    pub async fn poll_done(
        &self,
        id: &str,
        end: &PollEnd<'_>,
        next_due: DateTime<Utc>,
        day: NaiveDate,
        now: DateTime<Utc>,
    ) -> Result<(), StoreError> {
        let sql = if end.error.is_some() {
            "UPDATE source SET failures = failures + 1, last_error = $1, trouble = $5, next_due = $2, lease_until = 0, holder = NULL WHERE id = $4 AND $3 = $3"
        } else {
            "UPDATE source SET failures = 0, last_error = $1, trouble = $5, next_due = $2, last_success = $3, baseline_done = 1, lease_until = 0, holder = NULL WHERE id = $4"
        };
        let mut tx = self.begin().await?;
        sqlx::query(sql)
            .bind(end.error.map(clean))
            .bind(millis(next_due))
            .bind(millis(now))
            .bind(id.to_owned())
            .bind(end.trouble.map(str::to_owned))
            .execute(&mut *tx)
            .await?;
        if let Some((left, limit)) = end.quota {
            sqlx::query("UPDATE source SET quota_left = $1, quota_limit = $2 WHERE id = $3")
                .bind(i64::try_from(left).unwrap_or(i64::MAX))
                .bind(i64::try_from(limit).unwrap_or(i64::MAX))
                .bind(id.to_owned())
                .execute(&mut *tx)
                .await?;
        }
        sqlx::query(
            "INSERT INTO source_day (source, day, items, polls, failures) VALUES ($1, $2, $3, 1, $4)
             ON CONFLICT (source, day) DO UPDATE SET items = source_day.items + $3, polls = source_day.polls + 1, failures = source_day.failures + $4",
        )
        .bind(id.to_owned())
        .bind(day.to_string())
        .bind(i64::try_from(end.items).unwrap_or(0))
        .bind(i64::from(end.error.is_some()))
        .execute(&mut *tx)
        .await?;
        tx.commit().await?;
        Ok(())
    }

    /// What a source brought day by day since `since`, oldest first. A day without a poll is not there.
    ///
    /// # Errors
    /// The database fails.
    pub async fn source_days(&self, id: &str, since: NaiveDate) -> Result<Vec<SourceDay>, StoreError> {
        let rows: Vec<(String, i64)> = sqlx::query_as(
            "SELECT day, items FROM source_day WHERE source = $1 AND day >= $2 AND polls > failures ORDER BY day",
        )
        .bind(id.to_owned())
        .bind(since.to_string())
        .fetch_all(&self.pool)
        .await?;
        Ok(rows
            .into_iter()
            .filter_map(|(day, items)| Some(SourceDay { day: day.parse().ok()?, items: items.unsigned_abs() }))
            .collect())
    }

    /// Alarms that were told and are not over: what kind, since when.
    ///
    /// # Errors
    /// The database fails.
    pub async fn open_alarms(&self, source: &str) -> Result<Vec<(String, DateTime<Utc>)>, StoreError> {
        let rows: Vec<(String, i64)> = sqlx::query_as("SELECT kind, since FROM alarm WHERE source = $1 ORDER BY kind")
            .bind(source.to_owned())
            .fetch_all(&self.pool)
            .await?;
        Ok(rows.into_iter().map(|(kind, since)| (kind, moment(since))).collect())
    }

    /// How many alarms are open, of all sources.
    ///
    /// # Errors
    /// The database fails.
    pub async fn alarm_count(&self) -> Result<i64, StoreError> {
        let (n,): (i64,) = sqlx::query_as("SELECT COUNT(*) FROM alarm").fetch_one(&self.pool).await?;
        Ok(n)
    }

    /// Puts a record aside with its bytes. The same record with the same fault is kept once. `true` when it is new.
    ///
    /// # Errors
    /// The database fails.
    pub async fn quarantine(&self, record: &Quarantined) -> Result<bool, StoreError> {
        let fingerprint = derived_id(&[
            &record.source,
            record.record_id.as_deref().unwrap_or_default(),
            &record.reason,
            &String::from_utf8_lossy(&record.raw),
        ]);
        let done = sqlx::query("INSERT INTO quarantine (id, source, record_id, place, reason, raw, at) VALUES ($1, $2, $3, $4, $5, $6, $7) ON CONFLICT (id) DO NOTHING")
            .bind(fingerprint)
            .bind(record.source.clone())
            .bind(record.record_id.as_deref().map(clean))
            .bind(clean(&record.place))
            .bind(clean(&record.reason))
            .bind(record.raw.clone())
            .bind(millis(record.at))
            .execute(&self.pool)
            .await?;
        let new = done.rows_affected() == 1;
        if new {
            sqlx::query("UPDATE source SET bad = bad + 1 WHERE id = $1")
                .bind(record.source.clone())
                .execute(&self.pool)
                .await?;
        }
        Ok(new)
    }

    /// Records put aside, newest first.
    ///
    /// # Errors
    /// The database fails.
    pub async fn quarantined(&self, limit: i64) -> Result<Vec<Quarantined>, StoreError> {
        let rows: Vec<AsideRow> = sqlx::query_as(
            "SELECT source, record_id, place, reason, raw, at FROM quarantine ORDER BY at DESC LIMIT $1",
        )
        .bind(limit)
        .fetch_all(&self.pool)
        .await?;
        Ok(rows
            .into_iter()
            .map(|r| Quarantined { source: r.0, record_id: r.1, place: r.2, reason: r.3, raw: r.4, at: moment(r.5) })
            .collect())
    }

    /// Takes or renews a named lease (the timetable's); `false` when another holds it.
    ///
    /// # Errors
    /// The database fails.
    pub async fn hold_lease(
        &self,
        name: &str,
        holder: &str,
        lease: Duration,
        now: DateTime<Utc>,
    ) -> Result<bool, StoreError> {
        let done = sqlx::query(
            "INSERT INTO lease (name, holder, until) VALUES ($1, $2, $3) ON CONFLICT (name) DO UPDATE SET holder = $2, until = $3 WHERE lease.until <= $4 OR lease.holder = $2",
        )
        .bind(name.to_owned())
        .bind(holder.to_owned())
        .bind(millis(now + lease))
        .bind(millis(now))
        .execute(&self.pool)
        .await?;
        Ok(done.rows_affected() == 1)
    }

    /// Frees everything that `is_gone` holders held: sources and leases at once; deliveries through their lease.
    ///
    /// # Errors
    /// The database fails.
    pub async fn release_gone(&self, is_gone: impl Fn(&str) -> bool, now: DateTime<Utc>) -> Result<(), StoreError> {
        let holders: Vec<(String,)> = sqlx::query_as(
            "SELECT holder FROM source WHERE holder IS NOT NULL UNION SELECT holder FROM lease UNION SELECT holder FROM delivery WHERE state = 'claimed' AND holder IS NOT NULL",
        )
        .fetch_all(&self.pool)
        .await?;
        for (holder,) in holders.into_iter().filter(|(h,)| is_gone(h)) {
            let mut tx = self.begin().await?;
            sqlx::query("UPDATE source SET holder = NULL, lease_until = 0 WHERE holder = $1")
                .bind(holder.clone())
                .execute(&mut *tx)
                .await?;
            sqlx::query("DELETE FROM lease WHERE holder = $1").bind(holder.clone()).execute(&mut *tx).await?;
            sqlx::query("UPDATE delivery SET lease_until = $2 WHERE state = 'claimed' AND holder = $1")
                .bind(holder)
                .bind(millis(now) - 1)
                .execute(&mut *tx)
                .await?;
            tx.commit().await?;
        }
        Ok(())
    }
}

impl IngestTx {
    /// Notes that the operators are told of an alarm, in the transaction that tells them; `false` when it is open already.
    ///
    /// # Errors
    /// The database fails.
    pub async fn open_alarm(&mut self, source: &str, kind: &str, now: DateTime<Utc>) -> Result<bool, StoreError> {
        let done = sqlx::query(
            "INSERT INTO alarm (source, kind, since) VALUES ($1, $2, $3) ON CONFLICT (source, kind) DO NOTHING",
        )
        .bind(source.to_owned())
        .bind(kind.to_owned())
        .bind(millis(now))
        .execute(&mut *self.tx)
        .await?;
        Ok(done.rows_affected() == 1)
    }

    /// Notes that the operators are told of an alarm's end; `false` when it is closed already.
    ///
    /// # Errors
    /// The database fails.
    pub async fn close_alarm(&mut self, source: &str, kind: &str) -> Result<bool, StoreError> {
        let done = sqlx::query("DELETE FROM alarm WHERE source = $1 AND kind = $2")
            .bind(source.to_owned())
            .bind(kind.to_owned())
            .execute(&mut *self.tx)
            .await?;
        Ok(done.rows_affected() == 1)
    }
}

//! What is remembered of each source: cursor and validators, health, and who polls it now.

use std::collections::{HashMap, HashSet};

use chrono::{DateTime, Duration, NaiveDate, Utc};
use serde_json::{Value, json};

use crate::columns::{clean, millis, moment};
use crate::error::StoreError;
use crate::ingest::IngestTx;
use crate::rows::over_rows;
use crate::sql::{self, Columns, FromRow, Row, SqlError, Transaction};
use crate::{Store, batch};

/// State of a source.
#[derive(Debug, Clone, Default)]
pub struct SourceState {
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
    /// It is left alone for now.
    pub paused: bool,
    /// Polls in a row that did not end: their process did.
    pub interrupted: u32,
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
    /// The last page, once its notices are committed.
    pub page: Option<PageEnd<'a>>,
}

/// What a page leaves behind.
#[derive(Debug, Clone, Copy)]
pub struct PageEnd<'a> {
    /// Cursor and validators, as JSON of the watcher; `None` = as they were.
    pub memory: Option<&'a str>,
    /// How many records it held.
    pub records: usize,
}

/// The state of a source, with its identifier: see `state_columns!`.
struct SourceRow(String, SourceState);

macro_rules! state_columns {
    () => {
        "id, baseline_done, failures, next_due, last_success, last_attempt, last_error, items, bad, trouble, quota_left,
         quota_limit, paused, interrupted"
    };
}

impl FromRow for SourceRow {
    fn from_row(row: &Row<'_>) -> Result<Self, SqlError> {
        let mut columns = Columns::of(row);
        let id = columns.next()?;
        let state = SourceState {
            baseline_done: columns.next()?,
            failures: columns.next()?,
            next_due: columns.next()?,
            last_success: columns.next()?,
            last_attempt: columns.next()?,
            last_error: columns.next()?,
            items: columns.next()?,
            bad: columns.next()?,
            trouble: columns.next()?,
            quota: columns
                .next::<Option<i64>>()?
                .zip(columns.next()?)
                .map(|(left, limit): (i64, i64)| (left.unsigned_abs(), limit.unsigned_abs())),
            paused: columns.next()?,
            interrupted: columns.next()?,
        };
        Ok(Self(id, state))
    }
}

impl Store {
    /// State of a source; a default one when it was never polled.
    pub async fn source(&self, id: &str) -> Result<SourceState, StoreError> {
        let row: Option<SourceRow> = sql::query_as(concat!("SELECT ", state_columns!(), " FROM source WHERE id = $1"))
            .bind(id.to_owned())
            .fetch_optional(&self.key_reader)
            .await?;
        Ok(row.map(|SourceRow(_, state)| state).unwrap_or_default())
    }

    /// What is remembered of a source: cursor and validators, as JSON of the watcher; `{}` where nothing is.
    pub async fn source_memory(&self, id: &str) -> Result<String, StoreError> {
        let row: Option<(String,)> = sql::query_as("SELECT memory FROM source_memory WHERE source = $1")
            .bind(id.to_owned())
            .fetch_optional(&self.key_reader)
            .await?;
        Ok(row.map_or_else(|| "{}".to_owned(), |(memory,)| memory))
    }

    /// States of all sources ever polled, by identifier.
    pub async fn source_states(&self) -> Result<HashMap<String, SourceState>, StoreError> {
        let rows: Vec<SourceRow> =
            sql::query_as(concat!("SELECT ", state_columns!(), " FROM source")).fetch_all(&self.reader).await?;
        Ok(rows.into_iter().map(|SourceRow(id, state)| (id, state)).collect())
    }

    /// Sources that are not to be polled now by `holder`: not due, left alone, or held by another process. What was never
    /// polled is not among them.
    pub async fn sources_not_due(&self, holder: &str, now: DateTime<Utc>) -> Result<HashSet<String>, StoreError> {
        let rows: Vec<(String,)> = sql::query_as(
            "SELECT id FROM source WHERE next_due > $1 OR paused = 1 OR lease_until > $1 AND COALESCE(holder, '') <> $2",
        )
        .bind(millis(now))
        .bind(holder)
        .fetch_all(&self.reader)
        .await?;
        Ok(rows.into_iter().map(|(id,)| id).collect())
    }

    /// Has a source left alone, or watched again.
    pub async fn pause_source(&self, id: &str, paused: bool) -> Result<(), StoreError> {
        let mut tx = self.begin().await?;
        sql::query("INSERT INTO source (id, paused) VALUES ($1, $2) ON CONFLICT (id) DO UPDATE SET paused = $2")
            .bind(id.to_owned())
            .bind(i64::from(paused))
            .execute(&mut tx)
            .await?;
        tx.commit().await?;
        Ok(())
    }

    /// Puts another memory in the place of `known`; `false`, with nothing changed, where a poll wrote its own meanwhile.
    pub async fn replace_source_memory(&self, id: &str, known: &str, memory: &str) -> Result<bool, StoreError> {
        let done = sql::query("UPDATE source_memory SET memory = $1 WHERE source = $2 AND memory = $3")
            .bind(memory)
            .bind(id)
            .bind(known)
            .execute_alone(&self.db)
            .await?;
        Ok(done == 1)
    }

    /// Has a source polled as soon as a process looks; one that is paused stays so.
    pub async fn poll_soon(&self, id: &str, now: DateTime<Utc>) -> Result<(), StoreError> {
        sql::query("UPDATE source SET next_due = $1 WHERE id = $2 AND next_due > $1")
            .bind(millis(now))
            .bind(id.to_owned())
            .execute_alone(&self.db)
            .await?;
        Ok(())
    }

    /// Takes the source for polling until `lease` from now, and gives its state; `None` when it is not due or another holds it.
    pub async fn claim_source(
        &self,
        id: &str,
        holder: &str,
        lease: Duration,
        force: bool,
        now: DateTime<Utc>,
    ) -> Result<Option<SourceState>, StoreError> {
        let claim = Claim { id: id.to_owned(), holder: holder.to_owned(), until: now + lease, force, now };
        self.polls.write(&self.db, Write::Claim(claim)).await
    }

    /// Notes a page that others follow, once its notices are committed, and holds the source for another `lease`.
    pub async fn page_done(
        &self,
        id: &str,
        page: PageEnd<'_>,
        lease: Duration,
        now: DateTime<Utc>,
    ) -> Result<(), StoreError> {
        let mut tx = self.begin().await?;
        sql::query("UPDATE source SET items = items + $1, lease_until = $2, interrupted = 0 WHERE id = $3")
            .bind(i64::try_from(page.records).unwrap_or(0))
            .bind(millis(now + lease))
            .bind(id.to_owned())
            .execute(&mut tx)
            .await?;
        if let Some(memory) = page.memory {
            remember(&mut tx, &[json!({"id": id, "memory": memory})]).await?;
        }
        tx.commit().await?;
        Ok(())
    }

    /// Notes the end of a poll and gives the source back. `day` is the local day it counts for.
    pub async fn poll_done(
        &self,
        id: &str,
        end: &PollEnd<'_>,
        next_due: DateTime<Utc>,
        day: NaiveDate,
        now: DateTime<Utc>,
    ) -> Result<(), StoreError> {
        let count = |n: u64| i64::try_from(n).unwrap_or(i64::MAX);
        let row = json!({
            "id": id, "failed": i64::from(end.error.is_some()), "at": millis(now), "error": end.error.map(clean),
            "trouble": end.trouble, "due": millis(next_due), "memory": end.page.and_then(|p| p.memory),
            "records": end.page.map_or(0, |p| p.records), "left": end.quota.map(|(left, _)| count(left)),
            "limit": end.quota.map(|(_, limit)| count(limit)), "day": day.to_string(), "items": end.items,
        });
        self.polls.write(&self.db, Write::End(row)).await.map(drop)
    }

    /// What each source brought day by day since `since`, oldest first. A day without a poll is not there.
    pub async fn source_days(&self, since: NaiveDate) -> Result<HashMap<String, Vec<SourceDay>>, StoreError> {
        let rows: Vec<(String, NaiveDate, i64)> = sql::query_as(
            "SELECT source, day, items FROM source_day WHERE day >= $1 AND polls > failures ORDER BY day",
        )
        .bind(since.to_string())
        .fetch_all(&self.reader)
        .await?;
        let mut days: HashMap<String, Vec<SourceDay>> = HashMap::new();
        for (source, day, items) in rows {
            days.entry(source).or_default().push(SourceDay { day, items: items.unsigned_abs() });
        }
        Ok(days)
    }

    /// Alarms of a source that were told and are not over: what kind, since when.
    pub async fn open_alarms(&self, source: &str) -> Result<Vec<(String, DateTime<Utc>)>, StoreError> {
        Ok(self.all_open_alarms().await?.remove(source).unwrap_or_default())
    }

    /// Alarms that were told and are not over, by source: there are few.
    pub async fn all_open_alarms(&self) -> Result<HashMap<String, Vec<(String, DateTime<Utc>)>>, StoreError> {
        let rows: Vec<(String, String, i64)> =
            sql::query_as("SELECT source, kind, since FROM alarm ORDER BY kind").fetch_all(&self.reader).await?;
        let mut alarms: HashMap<String, Vec<(String, DateTime<Utc>)>> = HashMap::new();
        for (source, kind, since) in rows {
            alarms.entry(source).or_default().push((kind, moment(since)));
        }
        Ok(alarms)
    }

    /// How many alarms are open, of all sources.
    pub async fn alarm_count(&self) -> Result<i64, StoreError> {
        let (n,): (i64,) = sql::query_as("SELECT COUNT(*) FROM alarm").fetch_one(&self.reader).await?;
        Ok(n)
    }

    /// Takes or renews a named lease (the scheduler's); `false` when another holds it.
    pub async fn hold_lease(
        &self,
        name: &str,
        holder: &str,
        lease: Duration,
        now: DateTime<Utc>,
    ) -> Result<bool, StoreError> {
        let done = sql::query(
            "INSERT INTO lease (name, holder, until) VALUES ($1, $2, $3) ON CONFLICT (name) DO UPDATE SET holder = $2, until = $3 WHERE lease.until <= $4 OR lease.holder = $2 OR lease.until > $5",
        )
        .bind(name.to_owned())
        .bind(holder.to_owned())
        .bind(millis(now + lease))
        .bind(millis(now))
        // Nobody takes one for so long: a clock that ran ahead did.
        .bind(millis(now + lease * 4 + Duration::hours(1)))
        .execute_alone(&self.db)
        .await?;
        Ok(done == 1)
    }

    /// Until when a named lease is held, by whomever.
    pub async fn lease_until(&self, name: &str) -> Result<Option<DateTime<Utc>>, StoreError> {
        let row: Option<(DateTime<Utc>,)> = sql::query_as("SELECT until FROM lease WHERE name = $1")
            .bind(name.to_owned())
            .fetch_optional(&self.key_reader)
            .await?;
        Ok(row.map(|(until,)| until))
    }

    /// Frees everything that `is_gone` holders held: sources and leases at once; deliveries through their lease.
    pub async fn release_gone(&self, is_gone: impl Fn(&str) -> bool, now: DateTime<Utc>) -> Result<(), StoreError> {
        let holders: Vec<(String,)> = sql::query_as(
            "SELECT holder FROM source WHERE holder IS NOT NULL UNION SELECT holder FROM lease UNION SELECT holder FROM consultation WHERE holder <> '' UNION SELECT holder FROM delivery WHERE state = 'claimed' AND holder IS NOT NULL",
        )
        .fetch_all(&self.reader)
        .await?;
        for (holder,) in holders.into_iter().filter(|(h,)| is_gone(h)) {
            let mut tx = self.begin().await?;
            // The holder stays in place: the next claim sees that its poll did not end.
            release(&mut tx, &holder, "UPDATE source SET lease_until = 0 WHERE holder = $1", now).await?;
            tx.commit().await?;
        }
        Ok(())
    }

    /// Gives back what this process holds, which ends in good order.
    ///
    /// # Errors
    /// The database fails: the leases run out by themselves.
    pub async fn release_own(&self, holder: &str, now: DateTime<Utc>) -> Result<(), StoreError> {
        let mut tx = self.begin().await?;
        // A reading that was left in good order ended no process.
        sql::query("UPDATE consultation SET tries = tries - 1 WHERE holder = $1 AND tries > 0")
            .bind(holder.to_owned())
            .execute(&mut tx)
            .await?;
        release(&mut tx, holder, "UPDATE source SET lease_until = 0, holder = NULL WHERE holder = $1", now).await?;
        tx.commit().await?;
        Ok(())
    }
}

/// Gives back what a process holds; its sources by that statement.
async fn release(
    tx: &mut Transaction,
    holder: &str,
    sources: &'static str,
    now: DateTime<Utc>,
) -> Result<(), StoreError> {
    sql::query(sources).bind(holder.to_owned()).execute(&mut *tx).await?;
    sql::query("UPDATE consultation SET lease_until = 0, holder = '' WHERE holder = $1")
        .bind(holder.to_owned())
        .execute(&mut *tx)
        .await?;
    sql::query("DELETE FROM lease WHERE holder = $1").bind(holder.to_owned()).execute(&mut *tx).await?;
    sql::query("UPDATE delivery SET lease_until = $2 WHERE state = 'claimed' AND holder = $1")
        .bind(holder.to_owned())
        .bind(millis(now) - 1)
        .execute(tx)
        .await?;
    Ok(())
}

/// What is written of a source as its poll begins and ends. What one source ends and another begins at one moment is one
/// transaction.
#[derive(Debug, Clone)]
pub(crate) enum Write {
    Claim(Claim),
    /// How a poll ended, as a row to be written.
    End(Value),
}

/// Who takes a source for polling.
#[derive(Debug, Clone)]
pub(crate) struct Claim {
    id: String,
    holder: String,
    until: DateTime<Utc>,
    force: bool,
    now: DateTime<Utc>,
}

impl batch::Write for Write {
    /// The state of a claimed source, where it was free and due.
    type Answer = Option<SourceState>;

    async fn write_all(tx: &mut Transaction, writes: &[Self]) -> Result<Vec<Self::Answer>, StoreError> {
        let (mut claims, mut ends) = (Vec::new(), Vec::new());
        for write in writes {
            match write {
                Self::Claim(claim) => claims.push(claim),
                Self::End(row) => ends.push(row.clone()),
            }
        }
        end_polls(tx, ends).await?;
        let mut taken = claim_all(tx, claims).await?;
        let answer = |write: &Self| match write {
            Self::Claim(claim) => taken.remove(&claim.id),
            Self::End(_) => None,
        };
        Ok(writes.iter().map(answer).collect())
    }
}

/// Takes those that are free and due; gives their states.
async fn claim_all(tx: &mut Transaction, mut claims: Vec<&Claim>) -> Result<HashMap<String, SourceState>, StoreError> {
    let mut taken = HashMap::new();
    // In one order for all: two that lock the same sources never wait for each other.
    claims.sort_by(|a, b| a.id.cmp(&b.id));
    for force in [false, true] {
        let wanted = claims.iter().filter(|claim| claim.force == force);
        let rows: Vec<Value> = wanted
            .map(|c| json!({"id": c.id, "holder": c.holder, "until": millis(c.until), "now": millis(c.now)}))
            .collect();
        if rows.is_empty() {
            continue;
        }
        let states: Vec<SourceRow> = sql::query_as(over_rows!(
            tx.engine(),
            ["INSERT INTO source (id, holder, lease_until, last_attempt)
              SELECT value ->> 'id', value ->> 'holder', CAST(value ->> 'until' AS BIGINT), CAST(value ->> 'now' AS BIGINT) FROM "],
            [
                " WHERE 1 = 1 ON CONFLICT (id) DO UPDATE SET holder = excluded.holder, lease_until = excluded.lease_until,
                    last_attempt = excluded.last_attempt,
                    interrupted = CASE WHEN source.holder IS NULL THEN 0 ELSE source.interrupted + 1 END
                  WHERE (source.lease_until <= excluded.last_attempt OR source.holder = excluded.holder)
                    AND (source.next_due <= excluded.last_attempt AND source.paused = 0 OR $2 = 1) RETURNING ",
                state_columns!()
            ]
        ))
        .bind(Value::from(rows).to_string())
        .bind(i64::from(force))
        .fetch_all(&mut *tx)
        .await?;
        taken.extend(states.into_iter().map(|SourceRow(id, state)| (id, state)));
    }
    Ok(taken)
}

/// Notes how polls ended, and gives their sources back.
async fn end_polls(tx: &mut Transaction, mut ends: Vec<Value>) -> Result<(), StoreError> {
    if ends.is_empty() {
        return Ok(());
    }
    ends.sort_by(|a, b| a["id"].as_str().cmp(&b["id"].as_str())); // as sources are claimed
    let new_memories: Vec<Value> = ends.iter().filter(|row| row["memory"].is_string()).map(memory_of).collect();
    if !new_memories.is_empty() {
        remember(tx, &new_memories).await?;
    }
    ends.iter_mut().filter_map(Value::as_object_mut).for_each(|row| drop(row.remove("memory")));
    let rows = Value::from(ends).to_string();
    sql::query(over_rows!(
        tx.engine(),
        ["UPDATE source SET failures = CASE WHEN w.failed = 1 THEN failures + 1 ELSE 0 END,
           last_success = CASE WHEN w.failed = 1 THEN last_success ELSE w.at END,
           baseline_done = CASE WHEN w.failed = 1 THEN baseline_done ELSE 1 END,
           last_error = w.error, trouble = w.trouble, next_due = w.due,
           items = items + w.records, quota_left = COALESCE(w.quota_left, source.quota_left),
           quota_limit = COALESCE(w.quota_limit, source.quota_limit), lease_until = 0, holder = NULL, interrupted = 0
         FROM (SELECT value ->> 'id' AS key, CAST(value ->> 'failed' AS BIGINT) AS failed, CAST(value ->> 'at' AS BIGINT) AS at,
           value ->> 'error' AS error, value ->> 'trouble' AS trouble, CAST(value ->> 'due' AS BIGINT) AS due,
           CAST(value ->> 'records' AS BIGINT) AS records,
           CAST(value ->> 'left' AS BIGINT) AS quota_left, CAST(value ->> 'limit' AS BIGINT) AS quota_limit FROM "],
        [") AS w WHERE source.id = w.key"]
    ))
    .bind(rows.clone())
    .execute(&mut *tx)
    .await?;
    sql::query(over_rows!(
        tx.engine(),
        ["INSERT INTO source_day (source, day, items, polls, failures)
          SELECT value ->> 'id', value ->> 'day', CAST(value ->> 'items' AS BIGINT), 1, CAST(value ->> 'failed' AS BIGINT) FROM "],
        [" WHERE 1 = 1 ON CONFLICT (source, day) DO UPDATE SET items = source_day.items + excluded.items,
            polls = source_day.polls + 1, failures = source_day.failures + excluded.failures"]
    ))
    .bind(rows)
    .execute(tx)
    .await?;
    Ok(())
}

/// The part of a row that says what is remembered of a source.
fn memory_of(row: &Value) -> Value {
    json!({"id": row["id"], "memory": row["memory"]})
}

/// Remembers of each source what its row says.
async fn remember(tx: &mut Transaction, rows: &[Value]) -> Result<(), StoreError> {
    sql::query(over_rows!(
        tx.engine(),
        ["INSERT INTO source_memory (source, memory) SELECT value ->> 'id', value ->> 'memory' FROM "],
        [" WHERE 1 = 1 ON CONFLICT (source) DO UPDATE SET memory = excluded.memory"]
    ))
    .bind(Value::from(rows).to_string())
    .execute(tx)
    .await?;
    Ok(())
}

impl IngestTx {
    /// Notes that the operators are told of an alarm, in the transaction that tells them; `false` when it is open already.
    pub async fn open_alarm(&mut self, source: &str, kind: &str, now: DateTime<Utc>) -> Result<bool, StoreError> {
        let done = sql::query(
            "INSERT INTO alarm (source, kind, since) VALUES ($1, $2, $3) ON CONFLICT (source, kind) DO NOTHING",
        )
        .bind(source.to_owned())
        .bind(kind.to_owned())
        .bind(millis(now))
        .execute(&mut self.tx)
        .await?;
        Ok(done == 1)
    }

    /// Notes that the operators are told of an alarm's end; `false` when it is closed already.
    pub async fn close_alarm(&mut self, source: &str, kind: &str) -> Result<bool, StoreError> {
        let done = sql::query("DELETE FROM alarm WHERE source = $1 AND kind = $2")
            .bind(source.to_owned())
            .bind(kind.to_owned())
            .execute(&mut self.tx)
            .await?;
        Ok(done == 1)
    }
}

//! What structures decided: one row a structure, procedure and lot, and every step that led there.
//!
//! A reading for people names the structure: none crosses from one to another. Those for the scheduler read all, and act for
//! each structure apart.

use chrono::{DateTime, Duration, Utc};
use vigie_domain::follow_up::{Decision, Stage};

use crate::Store;
use crate::chats::mark_stale;
use crate::columns::{clean, millis};
use crate::error::StoreError;
use crate::ids::derived_id;
use crate::ingest::IngestTx;
use crate::sql::{self, Columns, Engine, FromRow, Row, SqlError, Transaction, row};

/// What came of a decision.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Decided {
    /// What stood before, if anything.
    pub before: Option<Decision>,
    /// What stands now.
    pub now: Decision,
    /// Whether anything changed.
    pub changed: bool,
}

/// One step of the way to a decision.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Step {
    pub procedure: String,
    /// The lot; empty = the whole procedure.
    pub lot: String,
    /// The stage it led to.
    pub stage: Stage,
    /// Who.
    pub by: String,
    pub at: DateTime<Utc>,
}

row!(Step { procedure, lot, stage, by, at });

/// Reads a decision: the columns of `select!`.
struct DecisionRow(Decision);

impl FromRow for DecisionRow {
    fn from_row(row: &Row<'_>) -> Result<Self, SqlError> {
        let mut columns = Columns::of(row);
        Ok(Self(Decision {
            structure: columns.next()?,
            procedure: columns.next()?,
            lot: columns.next()?,
            stage: columns.next()?,
            refusal: columns.next()?,
            joint: columns.next::<Option<i64>>()?.map(|j| j != 0),
            assignee: columns.next()?,
            note: columns.next()?,
            remind_at: columns.next()?,
            by: columns.next()?,
            at: columns.next()?,
        }))
    }
}

fn decisions(rows: Vec<DecisionRow>) -> Vec<Decision> {
    rows.into_iter().map(|DecisionRow(decision)| decision).collect()
}

/// Reads decisions `WHERE` …
macro_rules! select {
    ($rest:literal) => {
        concat!(
            "SELECT structure, procedure_id, lot, stage, refusal, joint, assignee, note, remind_at, decided_by, at FROM decision WHERE ",
            $rest
        )
    };
}

/// Writes a decision in a transaction: see [`Store::decide`] and [`Store::decide_seen`].
async fn decide_in(tx: &mut Transaction, new: &Decision, seen: Option<&str>) -> Result<Decided, StoreError> {
    if tx.engine() == Engine::Postgres {
        // Two colleagues who answer at once: one of them is first, as on SQLite.
        sql::query("SELECT CAST(pg_advisory_xact_lock(7463, hashtext($1)) AS TEXT)")
            .bind(new.structure.clone())
            .execute(tx)
            .await?;
    }
    let before: Option<DecisionRow> = sql::query_as(select!("structure = $1 AND procedure_id = $2 AND lot = $3"))
        .bind(new.structure.clone())
        .bind(new.procedure.clone())
        .bind(clean(&new.lot))
        .fetch_optional(&mut *tx)
        .await?;
    let before = before.map(|DecisionRow(decision)| decision);
    let outdated = |b: &Decision| seen.is_some_and(|seen| b.mark() != seen);
    let stands =
        before.as_ref().is_some_and(|b| b.stage != new.stage && (!b.stage.gives_way_to(new.stage) || outdated(b)));
    let mut now = new.clone();
    if let Some(b) = before.as_ref().filter(|b| b.stage == new.stage) {
        now.by.clone_from(&b.by);
        now.at = b.at;
    }
    if stands || before.as_ref() == Some(&now) {
        let now = before.clone().unwrap_or(now);
        return Ok(Decided { before, now, changed: false });
    }
    sql::query(
        "INSERT INTO decision (structure, procedure_id, lot, stage, refusal, joint, assignee, note, remind_at, decided_by, at)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)
         ON CONFLICT (structure, procedure_id, lot) DO UPDATE SET stage = $4, refusal = $5, joint = $6, assignee = $7, note = $8,
           remind_at = $9, decided_by = $10, at = $11",
    )
    .bind(now.structure.clone())
    .bind(now.procedure.clone())
    .bind(clean(&now.lot))
    .bind(now.stage.as_str().to_owned())
    .bind(now.refusal.map(|r| r.as_str().to_owned()))
    .bind(now.joint.map(i64::from))
    .bind(clean(&now.assignee))
    .bind(clean(&now.note))
    .bind(now.remind_at.map(millis))
    .bind(clean(&now.by))
    .bind(millis(now.at))
    .execute(tx)
    .await?;
    mark_stale(tx, &now).await?;
    if before.as_ref().map(|b| b.stage) != Some(now.stage) {
        let id = derived_id(&[
            &now.structure,
            &now.procedure,
            &now.lot,
            now.stage.as_str(),
            &now.at.timestamp_millis().to_string(),
        ]);
        sql::query(
            "INSERT INTO decision_step (id, structure, procedure_id, lot, stage, decided_by, at)
             VALUES ($1, $2, $3, $4, $5, $6, $7) ON CONFLICT (id) DO NOTHING",
        )
        .bind(id)
        .bind(now.structure.clone())
        .bind(now.procedure.clone())
        .bind(clean(&now.lot))
        .bind(now.stage.as_str().to_owned())
        .bind(clean(&now.by))
        .bind(millis(now.at))
        .execute(tx)
        .await?;
    }
    Ok(Decided { before, now, changed: true })
}

/// All that one structure decided, in a transaction.
pub(crate) async fn decisions_in(tx: &mut Transaction, structure: &str) -> Result<Vec<Decision>, StoreError> {
    let rows: Vec<DecisionRow> = sql::query_as(select!("structure = $1 ORDER BY procedure_id, lot"))
        .bind(structure.to_owned())
        .fetch_all(tx)
        .await?;
    Ok(decisions(rows))
}

impl IngestTx {
    /// The same as [`Store::decide`], with what else this transaction writes.
    pub async fn decide(&mut self, new: &Decision) -> Result<Decided, StoreError> {
        decide_in(&mut self.tx, new, None).await
    }
}

impl Store {
    /// Writes what a structure decided, unless what stands does not give way to it ([`Stage::gives_way_to`]): then nothing
    /// changes, and what stands is given back, so that the one who comes second learns who was first. The same stage said
    /// again changes what came with it (assignee, note, reason, reminder), never the one who took it.
    pub async fn decide(&self, new: &Decision) -> Result<Decided, StoreError> {
        self.decide_over(new, None).await
    }

    /// The same, for someone who saw what stood at `seen` (see [`Decision::mark`]): where something else stands meanwhile and
    /// says otherwise, nothing changes and it is given back.
    pub async fn decide_seen(&self, new: &Decision, seen: &str) -> Result<Decided, StoreError> {
        self.decide_over(new, Some(seen)).await
    }

    async fn decide_over(&self, new: &Decision, seen: Option<&str>) -> Result<Decided, StoreError> {
        let mut tx = self.begin().await?;
        let decided = decide_in(&mut tx, new, seen).await?;
        if decided.changed {
            tx.commit().await?;
        }
        Ok(decided)
    }

    /// What one structure decided about one procedure: the whole first, then its lots.
    pub async fn decisions_on(&self, structure: &str, procedure: &str) -> Result<Vec<Decision>, StoreError> {
        let rows: Vec<DecisionRow> = sql::query_as(select!("structure = $1 AND procedure_id = $2 ORDER BY lot"))
            .bind(structure.to_owned())
            .bind(procedure.to_owned())
            .fetch_all(&self.reader)
            .await?;
        Ok(decisions(rows))
    }

    /// All that one structure decided, latest first.
    pub async fn decisions_of(&self, structure: &str) -> Result<Vec<Decision>, StoreError> {
        let rows: Vec<DecisionRow> = sql::query_as(select!("structure = $1 ORDER BY at DESC, procedure_id, lot"))
            .bind(structure.to_owned())
            .fetch_all(&self.reader)
            .await?;
        Ok(decisions(rows))
    }

    /// Every decision of these stages, of every structure: for the scheduler, which acts for each structure apart.
    pub async fn decisions_at(&self, stages: &[Stage]) -> Result<Vec<Decision>, StoreError> {
        let mut out = Vec::new();
        for stage in stages {
            let rows: Vec<DecisionRow> = sql::query_as(select!("stage = $1 ORDER BY structure, procedure_id, lot"))
                .bind(stage.as_str().to_owned())
                .fetch_all(&self.reader)
                .await?;
            out.extend(decisions(rows));
        }
        Ok(out)
    }

    /// Decisions whose reminder, as somebody asked for it, is due; one forgotten for two days is left out.
    pub async fn decisions_to_remind(&self, now: DateTime<Utc>) -> Result<Vec<Decision>, StoreError> {
        let rows: Vec<DecisionRow> =
            sql::query_as(select!("remind_at <= $1 AND remind_at > $2 ORDER BY structure, procedure_id, lot"))
                .bind(millis(now))
                .bind(millis(now - Duration::days(2)))
                .fetch_all(&self.reader)
                .await?;
        Ok(decisions(rows))
    }

    /// The steps a structure took since `since`, oldest first.
    pub async fn decision_steps(&self, structure: &str, since: DateTime<Utc>) -> Result<Vec<Step>, StoreError> {
        Ok(sql::query_as(
            "SELECT procedure_id, lot, stage, decided_by, at FROM decision_step WHERE structure = $1 AND at >= $2 ORDER BY at, id",
        )
        .bind(structure)
        .bind(since)
        .fetch_all(&self.reader)
        .await?)
    }
}

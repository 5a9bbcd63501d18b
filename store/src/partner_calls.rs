//! Calls for partners: the call, the structures asked, and what each answered, a row a lot.
//!
//! What one structure answered is read for it by name ([`Store::positions_of`]); all of a call ([`Store::positions_on`]) is for its
//! coordinator and for what is worked out for everybody asked (which lots are uncovered): the use case says who reads what.

use chrono::{DateTime, Utc};
use vigie_domain::partner_call::{CallState, PartnerCall, PartnerRole, Position, Turn, answered};

use crate::Store;
use crate::columns::{clean, from_json, millis, to_json, words};
use crate::error::StoreError;
use crate::ids::derived_id;
use crate::ingest::IngestTx;
use crate::sql::{self, Columns, Engine, FromRow, Row, SqlError, Transaction, row};

words! {
    CallState: CallState::parse,
    PartnerRole: PartnerRole::parse,
    Turn: Turn::parse,
}

/// A structure that is asked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Invitation {
    pub call: String,
    pub structure: String,
    /// As the coordinator knows it.
    pub name: String,
    pub at: DateTime<Utc>,
    /// It lets the coordinator see where it stands with the procedure: for this one alone.
    pub shows_decision: bool,
}

struct InvitationRow(Invitation);

impl FromRow for InvitationRow {
    fn from_row(row: &Row<'_>) -> Result<Self, SqlError> {
        let mut columns = Columns::of(row);
        Ok(Self(Invitation {
            call: columns.next()?,
            structure: columns.next()?,
            name: columns.next()?,
            at: columns.next()?,
            shows_decision: columns.next::<i64>()? != 0,
        }))
    }
}

/// The columns of a call, as they are stored.
struct CallRow {
    id: String,
    structure: String,
    name: String,
    procedure_id: String,
    lots: String,
    note: String,
    state: CallState,
    closes: DateTime<Utc>,
    tender: Option<DateTime<Utc>>,
    opened: DateTime<Utc>,
    opened_by: String,
    told: Turn,
    ended: String,
    follows: String,
}

row!(CallRow {
    id,
    structure,
    name,
    procedure_id,
    lots,
    note,
    state,
    closes,
    tender,
    opened,
    opened_by,
    told,
    ended,
    follows
});

impl CallRow {
    fn call(self) -> Result<PartnerCall, StoreError> {
        let place = format!("partner_call {}", self.id);
        Ok(PartnerCall {
            lots: from_json(&self.lots, &place)?,
            ended: from_json(&self.ended, &place)?,
            id: self.id,
            coordinator: self.structure,
            name: self.name,
            procedure: self.procedure_id,
            note: self.note,
            state: self.state,
            closes: self.closes,
            tender: self.tender,
            opened: self.opened,
            by: self.opened_by,
            told: self.told,
            follows: self.follows,
        })
    }
}

fn calls(rows: Vec<CallRow>) -> Result<Vec<PartnerCall>, StoreError> {
    rows.into_iter().map(CallRow::call).collect()
}

struct PositionRow(Position);

impl FromRow for PositionRow {
    fn from_row(row: &Row<'_>) -> Result<Self, SqlError> {
        let mut columns = Columns::of(row);
        let structure = columns.next()?;
        let lot = columns.next()?;
        let role = columns.next()?;
        let mut count = || -> Result<Option<u32>, SqlError> {
            Ok(columns.next::<Option<i64>>()?.and_then(|n| u32::try_from(n).ok()))
        };
        let (share, hours, people) = (count()?, count()?, count()?);
        Ok(Self(Position {
            structure,
            lot,
            role,
            share,
            hours,
            people,
            note: columns.next()?,
            by: columns.next()?,
            at: columns.next()?,
        }))
    }
}

fn positions(rows: Vec<PositionRow>) -> Vec<Position> {
    rows.into_iter().map(|PositionRow(position)| position).collect()
}

macro_rules! select_call {
    ($rest:literal) => {
        concat!(
            "SELECT id, structure, name, procedure_id, lots, note, state, closes, tender, opened, opened_by, told, ended, follows FROM partner_call WHERE ",
            $rest
        )
    };
}

macro_rules! select_position {
    ($rest:literal) => {
        concat!(
            "SELECT structure, lot, role, share, hours, people, note, decided_by, at FROM partner_position WHERE ",
            $rest
        )
    };
}

/// What came of an answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PositionsPut {
    /// It stands: what stood before, and what stands now.
    Noted { before: Vec<Position>, now: Vec<Position> },
    /// A colleague answered otherwise since the asker looked: nothing is changed, that stands.
    Meanwhile(Vec<Position>),
    /// The call takes no answers any more, or not from that structure.
    Refused,
}

/// What an answer leads back to, so that one to what no longer stands is known; empty where nothing was answered.
#[must_use]
pub fn positions_mark(positions: &[Position]) -> String {
    if positions.is_empty() {
        return String::new();
    }
    let mut parts: Vec<String> = positions.iter().map(|p| format!("{}={}", p.lot, p.at.timestamp_millis())).collect();
    parts.sort();
    derived_id(&parts.iter().map(String::as_str).collect::<Vec<_>>())
}

impl IngestTx {
    /// Writes a call anew, or what became of it.
    pub async fn put_partner_call(&mut self, call: &PartnerCall) -> Result<(), StoreError> {
        sql::query(
            "INSERT INTO partner_call (id, structure, name, procedure_id, lots, note, state, closes, tender, opened, opened_by, told, ended, follows)
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14) ON CONFLICT (id) DO UPDATE SET
               lots = $5, note = $6, state = $7, closes = $8, tender = $9, told = $12, ended = $13",
        )
        .bind(call.id.clone())
        .bind(call.coordinator.clone())
        .bind(clean(&call.name))
        .bind(call.procedure.clone())
        .bind(clean(&to_json(&call.lots)?))
        .bind(clean(&call.note))
        .bind(call.state.as_str().to_owned())
        .bind(millis(call.closes))
        .bind(call.tender.map(millis))
        .bind(millis(call.opened))
        .bind(clean(&call.by))
        .bind(call.told.as_str().to_owned())
        .bind(clean(&to_json(&call.ended)?))
        .bind(call.follows.clone())
        .execute(&mut self.tx)
        .await?;
        Ok(())
    }

    /// Asks a structure; `false` where it was asked already.
    pub async fn put_partner_invitation(&mut self, invitation: &Invitation) -> Result<bool, StoreError> {
        let done = sql::query(
            "INSERT INTO partner_invitation (call_id, structure, name, at, shows_decision) VALUES ($1, $2, $3, $4, $5)
             ON CONFLICT (call_id, structure) DO NOTHING",
        )
        .bind(invitation.call.clone())
        .bind(invitation.structure.clone())
        .bind(clean(&invitation.name))
        .bind(millis(invitation.at))
        .bind(i64::from(invitation.shows_decision))
        .execute(&mut self.tx)
        .await?;
        Ok(done == 1)
    }

    /// The call of that identifier, as this transaction finds it.
    pub async fn partner_call(&mut self, id: &str) -> Result<Option<PartnerCall>, StoreError> {
        let row: Option<CallRow> =
            sql::query_as(select_call!("id = $1")).bind(id.to_owned()).fetch_optional(&mut self.tx).await?;
        row.map(CallRow::call).transpose()
    }
}

/// Two colleagues who answer at once, or an answer and the closing: one of them is first, as on SQLite.
async fn one_by_one(tx: &mut Transaction, engine: Engine, call: &str) -> Result<(), StoreError> {
    if engine == Engine::Postgres {
        sql::query("SELECT CAST(pg_advisory_xact_lock(7464, hashtext($1)) AS TEXT)")
            .bind(call.to_owned())
            .execute(tx)
            .await?;
    }
    Ok(())
}

impl Store {
    /// The call of that identifier.
    pub async fn partner_call(&self, id: &str) -> Result<Option<PartnerCall>, StoreError> {
        let row: Option<CallRow> =
            sql::query_as(select_call!("id = $1")).bind(id.to_owned()).fetch_optional(&self.reader).await?;
        row.map(CallRow::call).transpose()
    }

    /// Calls that a structure coordinates, latest first.
    pub async fn partner_calls_of(&self, structure: &str) -> Result<Vec<PartnerCall>, StoreError> {
        calls(
            sql::query_as(select_call!("structure = $1 ORDER BY opened DESC, id"))
                .bind(structure.to_owned())
                .fetch_all(&self.reader)
                .await?,
        )
    }

    /// Calls in which a structure is asked, latest first.
    pub async fn partner_calls_to(&self, structure: &str) -> Result<Vec<PartnerCall>, StoreError> {
        calls(
            sql::query_as(select_call!(
                "id IN (SELECT call_id FROM partner_invitation WHERE structure = $1) ORDER BY opened DESC, id"
            ))
            .bind(structure.to_owned())
            .fetch_all(&self.reader)
            .await?,
        )
    }

    /// Every open call: for the scheduler.
    pub async fn open_partner_calls(&self) -> Result<Vec<PartnerCall>, StoreError> {
        calls(sql::query_as(select_call!("state = 'open' ORDER BY closes, id")).fetch_all(&self.reader).await?)
    }

    /// Who is asked in a call, by name.
    pub async fn partner_invitations(&self, call: &str) -> Result<Vec<Invitation>, StoreError> {
        let rows: Vec<InvitationRow> = sql::query_as(
            "SELECT call_id, structure, name, at, shows_decision FROM partner_invitation WHERE call_id = $1 ORDER BY name, structure",
        )
        .bind(call.to_owned())
        .fetch_all(&self.reader)
        .await?;
        Ok(rows.into_iter().map(|InvitationRow(invitation)| invitation).collect())
    }

    /// All that was answered to a call.
    pub async fn positions_on(&self, call: &str) -> Result<Vec<Position>, StoreError> {
        let rows: Vec<PositionRow> = sql::query_as(select_position!("call_id = $1 ORDER BY structure, lot"))
            .bind(call.to_owned())
            .fetch_all(&self.reader)
            .await?;
        Ok(positions(rows))
    }

    /// What one structure answered to a call.
    pub async fn positions_of(&self, call: &str, structure: &str) -> Result<Vec<Position>, StoreError> {
        let rows: Vec<PositionRow> = sql::query_as(select_position!("call_id = $1 AND structure = $2 ORDER BY lot"))
            .bind(call.to_owned())
            .bind(structure.to_owned())
            .fetch_all(&self.reader)
            .await?;
        Ok(positions(rows))
    }

    /// Other calls on the same procedure in which a structure takes part in a bid.
    pub async fn bids_elsewhere(&self, call: &PartnerCall, structure: &str) -> Result<Vec<String>, StoreError> {
        let rows: Vec<(String,)> = sql::query_as(
            "SELECT DISTINCT p.lot FROM partner_position p JOIN partner_call c ON c.id = p.call_id
             WHERE p.structure = $1 AND c.procedure_id = $2 AND c.id <> $3 AND c.state <> 'cancelled'
               AND p.role IN ('lead', 'co_contractor') ORDER BY p.lot",
        )
        .bind(structure.to_owned())
        .bind(call.procedure.clone())
        .bind(call.id.clone())
        .fetch_all(&self.reader)
        .await?;
        Ok(rows.into_iter().map(|(lot,)| lot).collect())
    }

    /// Writes what a structure answers, while the call takes answers and the structure is asked. `seen` is the mark
    /// ([`positions_mark`]) of what the asker saw standing, where they say: what a colleague answered since is not overruled unawares.
    pub async fn put_positions(
        &self,
        call: &str,
        structure: &str,
        new: Vec<Position>,
        (seen, shows_decision): (Option<&str>, Option<bool>),
        now: DateTime<Utc>,
    ) -> Result<PositionsPut, StoreError> {
        let mut tx = self.begin_alert(now).await?;
        one_by_one(&mut tx.tx, self.engine(), call).await?;
        let open = tx.partner_call(call).await?.is_some_and(|c| c.takes_answers(now));
        let asked: Option<(i64,)> =
            sql::query_as("SELECT at FROM partner_invitation WHERE call_id = $1 AND structure = $2")
                .bind(call.to_owned())
                .bind(structure.to_owned())
                .fetch_optional(&mut tx.tx)
                .await?;
        if !open || asked.is_none() {
            return Ok(PositionsPut::Refused);
        }
        let rows: Vec<PositionRow> = sql::query_as(select_position!("call_id = $1 AND structure = $2 ORDER BY lot"))
            .bind(call.to_owned())
            .bind(structure.to_owned())
            .fetch_all(&mut tx.tx)
            .await?;
        let before = positions(rows);
        if seen.is_some_and(|seen| seen != positions_mark(&before)) {
            return Ok(PositionsPut::Meanwhile(before));
        }
        let after = answered(&before, new);
        sql::query("DELETE FROM partner_position WHERE call_id = $1 AND structure = $2")
            .bind(call.to_owned())
            .bind(structure.to_owned())
            .execute(&mut tx.tx)
            .await?;
        for p in &after {
            sql::query(
                "INSERT INTO partner_position (call_id, structure, lot, role, share, hours, people, note, decided_by, at)
                 VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)",
            )
            .bind(call.to_owned())
            .bind(structure.to_owned())
            .bind(clean(&p.lot))
            .bind(p.role.as_str().to_owned())
            .bind(p.share.map(i64::from))
            .bind(p.hours.map(i64::from))
            .bind(p.people.map(i64::from))
            .bind(clean(&p.note))
            .bind(clean(&p.by))
            .bind(millis(p.at))
            .execute(&mut tx.tx)
            .await?;
        }
        if let Some(shows) = shows_decision {
            sql::query("UPDATE partner_invitation SET shows_decision = $1 WHERE call_id = $2 AND structure = $3")
                .bind(i64::from(shows))
                .bind(call.to_owned())
                .bind(structure.to_owned())
                .execute(&mut tx.tx)
                .await?;
        }
        tx.commit().await?;
        Ok(PositionsPut::Noted { before, now: after })
    }

    /// Begins to change a call, with what stands: answers wait until it is done. `None` where there is no such call.
    pub async fn begin_partner_call(
        &self,
        id: &str,
        now: DateTime<Utc>,
    ) -> Result<Option<(IngestTx, PartnerCall)>, StoreError> {
        let mut tx = self.begin_ingest(now).await?;
        one_by_one(&mut tx.tx, self.engine(), id).await?;
        Ok(tx.partner_call(id).await?.map(|call| (tx, call)))
    }
}

//! What structures were asked of their taste, and what they answered. Rows belong to a structure; every change of what holds is noted
//! for each of its people, since it decides how they hear (`crate::audience`).

use std::collections::HashMap;

use chrono::{DateTime, Utc};
use strum::{EnumString, IntoStaticStr};
use vigie_domain::taste::Taste;
use vigie_domain::{Alert, AlertKind};

use crate::Store;
use crate::audience::person_changed;
use crate::columns::{clean, from_json, millis, to_json};
use crate::error::StoreError;
use crate::ids::derived_id;
use crate::sql::{self, Columns, FromRow, Row, SqlError};

/// Where a taste stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, EnumString, IntoStaticStr)]
#[strum(serialize_all = "snake_case")]
pub enum TasteState {
    /// The question waits for its answer.
    Asked,
    /// They agreed: it holds.
    On,
    /// They refused it, or took it back.
    Off,
}

impl TasteState {
    fn as_str(self) -> &'static str {
        self.into()
    }
}

/// A taste of a structure.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredTaste {
    /// Also the identifier of the alert that asks.
    pub id: String,
    pub structure: String,
    pub taste: Taste,
    pub state: TasteState,
    /// When it was asked, or answered last.
    pub at: DateTime<Utc>,
    /// Who answered, as they are called.
    pub by: String,
}

struct TasteRow(StoredTaste);

impl FromRow for TasteRow {
    fn from_row(row: &Row<'_>) -> Result<Self, SqlError> {
        let mut columns = Columns::of(row);
        let (id, structure, sector): (String, String, String) = (columns.next()?, columns.next()?, columns.next()?);
        let side: String = columns.next()?;
        let side = serde_json::from_str(&side).map_err(|e| row.unreadable(3, e))?;
        let (refused, decided): (i64, i64) = (columns.next()?, columns.next()?);
        let state: String = columns.next()?;
        let state = state.parse().map_err(|_| row.unreadable(6, &state))?;
        let count = |n: i64| u32::try_from(n).unwrap_or_default();
        let taste = Taste { sector, side, refused: count(refused), decided: count(decided) };
        Ok(Self(StoredTaste { id, structure, taste, state, at: columns.next()?, by: columns.next()? }))
    }
}

macro_rules! select {
    ($rest:literal) => {
        concat!("SELECT id, structure, sector, side, refused, decided, state, at, decided_by FROM taste WHERE ", $rest)
    };
}

/// A person who is asked, and the moment at which their message leaves at the earliest; none = at once.
pub type Reader = (String, Option<DateTime<Utc>>);

impl Store {
    /// Every taste of a structure, oldest question first.
    pub async fn tastes_of(&self, structure: &str) -> Result<Vec<StoredTaste>, StoreError> {
        let rows: Vec<TasteRow> = sql::query_as(select!("structure = $1 ORDER BY asked, id"))
            .bind(structure.to_owned())
            .fetch_all(&self.reader)
            .await?;
        Ok(rows.into_iter().map(|TasteRow(one)| one).collect())
    }

    /// One of a structure.
    pub async fn taste(&self, id: &str, structure: &str) -> Result<Option<StoredTaste>, StoreError> {
        let row: Option<TasteRow> = sql::query_as(select!("id = $1 AND structure = $2"))
            .bind(id.to_owned())
            .bind(structure.to_owned())
            .fetch_optional(&self.key_reader)
            .await?;
        Ok(row.map(|TasteRow(one)| one))
    }

    /// Asks a structure whether a taste is to hold, with a message to each of these people, at a moment of theirs at the earliest;
    /// `false` where it was asked before.
    pub async fn ask_taste(
        &self,
        structure: &str,
        taste: &Taste,
        (people, body): (&[Reader], &str),
        now: DateTime<Utc>,
    ) -> Result<bool, StoreError> {
        let side = to_json(&taste.side)?;
        let id = derived_id(&["taste", structure, &taste.sector, &side]);
        let alert = Alert::word(AlertKind::Account, id.clone());
        let mut shares = Vec::with_capacity(people.len());
        for (person, _) in people {
            shares.push(self.share_at_once(person, &alert, &to_json(&())?, None).await?);
        }
        let mut tx = self.begin_alert(now).await?;
        let new = sql::query(
            "INSERT INTO taste (id, structure, sector, side, refused, decided, state, asked, at, decided_by)
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $8, '') ON CONFLICT (id) DO NOTHING",
        )
        .bind(id)
        .bind(structure.to_owned())
        .bind(taste.sector.clone())
        .bind(side)
        .bind(i64::from(taste.refused))
        .bind(i64::from(taste.decided))
        .bind(TasteState::Asked.as_str().to_owned())
        .bind(millis(now))
        .execute(&mut tx.tx)
        .await?;
        if new == 0 {
            return Ok(false);
        }
        tx.put_shares(&alert, Some(body), &shares).await?;
        for (person, after) in people {
            if let Some(after) = after {
                tx.put_off(&alert.id, person, *after).await?;
            }
        }
        tx.commit().await?;
        Ok(true)
    }

    /// Says whether a taste holds; what its structure's people hear of from then on follows it. `false` where it stood so already, or
    /// is none of that structure's.
    pub async fn settle_taste(
        &self,
        (id, structure): (&str, &str),
        state: TasteState,
        by: &str,
        now: DateTime<Utc>,
    ) -> Result<bool, StoreError> {
        let members = self.members(structure).await?;
        let mut tx = self.begin().await?;
        let done = sql::query(
            "UPDATE taste SET state = $1, at = $2, decided_by = $3 WHERE id = $4 AND structure = $5 AND state <> $1",
        )
        .bind(state.as_str().to_owned())
        .bind(millis(now))
        .bind(clean(by))
        .bind(id.to_owned())
        .bind(structure.to_owned())
        .execute(&mut tx)
        .await?;
        if done == 0 {
            return Ok(false);
        }
        for person in &members {
            person_changed(&mut tx, person).await?;
        }
        tx.commit().await?;
        Ok(true)
    }
}

/// Tastes that hold, by structure: rows of `structure, sector, side, refused, decided`.
pub(crate) fn by_structure(
    rows: Vec<(String, String, String, i64, i64)>,
) -> Result<HashMap<String, Vec<Taste>>, StoreError> {
    let mut out: HashMap<String, Vec<Taste>> = HashMap::new();
    for (structure, sector, side, refused, decided) in rows {
        let side = from_json(&side, &format!("taste of {structure}"))?;
        let count = |n: i64| u32::try_from(n).unwrap_or_default();
        let taste = Taste { sector, side, refused: count(refused), decided: count(decided) };
        out.entry(structure).or_default().push(taste);
    }
    Ok(out)
}

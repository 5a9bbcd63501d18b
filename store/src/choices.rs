//! What a structure chose about being found and counted: to be proposed as a partner, or never; to be counted in its network's year; which
//! networks ask it to be a member, whom it asks as one; and what it does not want to be told.

use chrono::{DateTime, Utc};
use strum::{EnumString, IntoStaticStr};

use crate::Store;
use crate::columns::{clean, millis};
use crate::error::StoreError;
use crate::sql;

/// Something that a structure chooses.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, EnumString, IntoStaticStr)]
#[strum(serialize_all = "snake_case")]
pub enum Choice {
    /// It may be proposed to coordinators as a partner.
    Proposed,
    /// It is never proposed, whatever a directory lists or a colleague agrees to later.
    NeverProposed,
    /// Its year is counted in that of the network `about`.
    CountedIn,
    /// The network `about` asks it to be a member, and it did not answer.
    AskedToJoin,
    /// As a network, it asked that person to be a member, who has not agreed: whoever says no is still one of these.
    Asks,
    /// It wants no word about open markets that it leaves aside.
    NoOpenMarketsLine,
}

impl Choice {
    fn as_str(self) -> &'static str {
        self.into()
    }
}

impl Store {
    /// Notes a choice, or takes it back. « Never proposed » stands for good: it takes back that the structure may be proposed, and
    /// keeps it from agreeing later; `false` where it does.
    pub async fn choose(
        &self,
        structure: &str,
        (choice, about): (Choice, &str),
        chosen: bool,
        by: &str,
        now: DateTime<Utc>,
    ) -> Result<bool, StoreError> {
        let mut tx = self.begin().await?;
        if choice == Choice::Proposed && chosen {
            let never: Option<(i64,)> =
                sql::query_as("SELECT at FROM structure_choice WHERE structure = $1 AND choice = $2")
                    .bind(structure.to_owned())
                    .bind(Choice::NeverProposed.as_str().to_owned())
                    .fetch_optional(&mut tx)
                    .await?;
            if never.is_some() {
                return Ok(false);
            }
        }
        if chosen {
            sql::query(
                "INSERT INTO structure_choice (structure, choice, about, decided_by, at) VALUES ($1, $2, $3, $4, $5)
                 ON CONFLICT (structure, choice, about) DO NOTHING",
            )
            .bind(structure.to_owned())
            .bind(choice.as_str().to_owned())
            .bind(clean(about))
            .bind(clean(by))
            .bind(millis(now))
            .execute(&mut tx)
            .await?;
        } else if choice != Choice::NeverProposed {
            sql::query("DELETE FROM structure_choice WHERE structure = $1 AND choice = $2 AND about = $3")
                .bind(structure.to_owned())
                .bind(choice.as_str().to_owned())
                .bind(clean(about))
                .execute(&mut tx)
                .await?;
        }
        if choice == Choice::NeverProposed && chosen {
            sql::query("DELETE FROM structure_choice WHERE structure = $1 AND choice = $2")
                .bind(structure.to_owned())
                .bind(Choice::Proposed.as_str().to_owned())
                .execute(&mut tx)
                .await?;
        }
        tx.commit().await?;
        Ok(true)
    }

    /// Whether a structure chose that.
    pub async fn chose(&self, structure: &str, choice: Choice, about: &str) -> Result<bool, StoreError> {
        let row: Option<(i64,)> =
            sql::query_as("SELECT at FROM structure_choice WHERE structure = $1 AND choice = $2 AND about = $3")
                .bind(structure.to_owned())
                .bind(choice.as_str().to_owned())
                .bind(clean(about))
                .fetch_optional(&self.reader)
                .await?;
        Ok(row.is_some())
    }

    /// About what a structure chose that.
    pub async fn chosen_about(&self, structure: &str, choice: Choice) -> Result<Vec<String>, StoreError> {
        let rows: Vec<(String,)> =
            sql::query_as("SELECT about FROM structure_choice WHERE structure = $1 AND choice = $2 ORDER BY at, about")
                .bind(structure.to_owned())
                .bind(choice.as_str().to_owned())
                .fetch_all(&self.reader)
                .await?;
        Ok(rows.into_iter().map(|(about,)| about).collect())
    }

    /// About how many a structure chose that, and when it last did.
    pub async fn count_chosen(
        &self,
        structure: &str,
        choice: Choice,
    ) -> Result<(usize, Option<DateTime<Utc>>), StoreError> {
        let (n, last): (i64, Option<DateTime<Utc>>) =
            sql::query_as("SELECT COUNT(*), MAX(at) FROM structure_choice WHERE structure = $1 AND choice = $2")
                .bind(structure.to_owned())
                .bind(choice.as_str().to_owned())
                .fetch_one(&self.reader)
                .await?;
        Ok((usize::try_from(n).unwrap_or_default(), last))
    }

    /// Structures that chose that, and about what each.
    pub async fn choosers(&self, choice: Choice) -> Result<Vec<(String, String)>, StoreError> {
        Ok(sql::query_as("SELECT structure, about FROM structure_choice WHERE choice = $1 ORDER BY structure, about")
            .bind(choice.as_str().to_owned())
            .fetch_all(&self.reader)
            .await?)
    }

    /// Structures that chose that.
    pub async fn who_chose(&self, choice: Choice, about: &str) -> Result<Vec<String>, StoreError> {
        let rows: Vec<(String,)> =
            sql::query_as("SELECT structure FROM structure_choice WHERE choice = $1 AND about = $2 ORDER BY structure")
                .bind(choice.as_str().to_owned())
                .bind(clean(about))
                .fetch_all(&self.reader)
                .await?;
        Ok(rows.into_iter().map(|(structure,)| structure).collect())
    }
}

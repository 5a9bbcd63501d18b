//! Hours of clauses that are to be worked, who asked to hear of them, and what they answered.
//!
//! What is written of hours belongs to the organisation that tells them, an answer to the structure that gives it: each reading names
//! whose it is.

use chrono::{DateTime, Utc};
use vigie_domain::Department;
use vigie_domain::hours_to_fill::{FillState, HoursAnswer, HoursToFill};
use vigie_domain::operation::Hours;

use crate::Store;
use crate::columns::{clean, millis, words};
use crate::error::StoreError;
use crate::sql::{self, Columns, FromRow, Row, SqlError};

words! {
    FillState: FillState::parse,
}

struct OfferRow(HoursToFill);

impl FromRow for OfferRow {
    fn from_row(row: &Row<'_>) -> Result<Self, SqlError> {
        let mut c = Columns::of(row);
        Ok(Self(HoursToFill {
            id: c.next()?,
            structure: c.next()?,
            organisation: c.next()?,
            operation: c.next()?,
            trade: c.next()?,
            sector: Some(c.next::<String>()?).filter(|s| !s.is_empty()),
            place: c.next()?,
            commune: c.next()?,
            departments: c.next::<String>()?.split_whitespace().filter_map(Department::parse).collect(),
            starts: c.next()?,
            hours: Hours(c.next()?),
            contact: c.next()?,
            note: c.next()?,
            until: c.next()?,
            state: c.next()?,
            by: c.next()?,
            at: c.next()?,
        }))
    }
}

struct AnswerRow(HoursAnswer);

impl FromRow for AnswerRow {
    fn from_row(row: &Row<'_>) -> Result<Self, SqlError> {
        let mut c = Columns::of(row);
        Ok(Self(HoursAnswer {
            offer: c.next()?,
            structure: c.next()?,
            name: c.next()?,
            yes: c.next::<i64>()? != 0,
            hours: Hours(c.next()?),
            note: c.next()?,
            kept: Hours(c.next()?),
            by: c.next()?,
            at: c.next()?,
        }))
    }
}

macro_rules! offers {
    ($rest:literal) => {
        concat!(
            "SELECT id, structure, organisation, operation_id, trade, sector, place, commune, departments, starts, hours, contact, note,
               until, state, written_by, at FROM hours_to_fill WHERE ",
            $rest
        )
    };
}

macro_rules! answers {
    ($rest:literal) => {
        concat!(
            "SELECT offer_id, structure, name, yes, hours, note, kept, answered_by, at FROM hours_answer WHERE ",
            $rest
        )
    };
}

impl Store {
    /// Tells hours to be worked.
    pub async fn put_hours_to_fill(&self, o: &HoursToFill) -> Result<(), StoreError> {
        let departments: Vec<&str> = o.departments.iter().map(Department::as_str).collect();
        sql::query(
            "INSERT INTO hours_to_fill (id, structure, organisation, operation_id, trade, sector, place, commune, departments, starts,
               hours, contact, note, until, state, written_by, at)
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17)",
        )
        .bind(o.id.clone())
        .bind(o.structure.clone())
        .bind(clean(&o.organisation))
        .bind(o.operation.clone())
        .bind(clean(&o.trade))
        .bind(o.sector.clone().unwrap_or_default())
        .bind(clean(&o.place))
        .bind(o.commune.clone())
        .bind(departments.join(" "))
        .bind(o.starts.map(|d| d.to_string()))
        .bind(o.hours.0)
        .bind(clean(&o.contact))
        .bind(clean(&o.note))
        .bind(o.until.to_string())
        .bind(o.state.as_str())
        .bind(clean(&o.by))
        .bind(millis(o.at))
        .execute_alone(&self.db)
        .await?;
        Ok(())
    }

    /// Says how hours of an organisation stand, where they are open; `false` else.
    pub async fn end_hours_to_fill(&self, structure: &str, id: &str, state: FillState) -> Result<bool, StoreError> {
        let done =
            sql::query("UPDATE hours_to_fill SET state = $1 WHERE structure = $2 AND id = $3 AND state = 'open'")
                .bind(state.as_str())
                .bind(structure.to_owned())
                .bind(clean(id))
                .execute_alone(&self.db)
                .await?;
        Ok(done == 1)
    }

    /// Opens again hours of an organisation that were closed; `false` where they are open, or nobody's.
    pub async fn reopen_hours_to_fill(&self, structure: &str, id: &str) -> Result<bool, StoreError> {
        let done =
            sql::query("UPDATE hours_to_fill SET state = 'open' WHERE structure = $1 AND id = $2 AND state <> 'open'")
                .bind(structure.to_owned())
                .bind(clean(id))
                .execute_alone(&self.db)
                .await?;
        Ok(done == 1)
    }

    /// Hours to be worked, by identifier: for whoever may answer them.
    pub async fn hours_to_fill(&self, id: &str) -> Result<Option<HoursToFill>, StoreError> {
        let row: Option<OfferRow> =
            sql::query_as(offers!("id = $1")).bind(clean(id)).fetch_optional(&self.key_reader).await?;
        Ok(row.map(|OfferRow(o)| o))
    }

    /// What an organisation told, latest first.
    pub async fn hours_to_fill_of(&self, structure: &str) -> Result<Vec<HoursToFill>, StoreError> {
        let rows: Vec<OfferRow> = sql::query_as(offers!("structure = $1 ORDER BY at DESC, id DESC"))
            .bind(structure.to_owned())
            .fetch_all(&self.reader)
            .await?;
        Ok(rows.into_iter().map(|OfferRow(o)| o).collect())
    }

    /// What can be answered on a day, of all organisations, latest first.
    pub async fn open_hours_to_fill(&self, today: chrono::NaiveDate) -> Result<Vec<HoursToFill>, StoreError> {
        let rows: Vec<OfferRow> = sql::query_as(offers!("state = 'open' AND until >= $1 ORDER BY at DESC, id DESC"))
            .bind(today.to_string())
            .fetch_all(&self.reader)
            .await?;
        Ok(rows.into_iter().map(|OfferRow(o)| o).collect())
    }

    /// What a structure answers, in the place of what it answered before; what was kept of that stands.
    pub async fn put_hours_answer(&self, a: &HoursAnswer) -> Result<(), StoreError> {
        sql::query(
            "INSERT INTO hours_answer (offer_id, structure, name, yes, hours, note, kept, answered_by, at)
             VALUES ($1, $2, $3, $4, $5, $6, 0, $7, $8)
             ON CONFLICT (offer_id, structure) DO UPDATE SET name = $3, yes = $4, hours = $5, note = $6, answered_by = $7, at = $8",
        )
        .bind(a.offer.clone())
        .bind(a.structure.clone())
        .bind(clean(&a.name))
        .bind(i64::from(a.yes))
        .bind(a.hours.0)
        .bind(clean(&a.note))
        .bind(clean(&a.by))
        .bind(millis(a.at))
        .execute_alone(&self.db)
        .await?;
        Ok(())
    }

    /// The answers to hours that an organisation told, first ones first.
    pub async fn hours_answers_to(&self, structure: &str, offer: &str) -> Result<Vec<HoursAnswer>, StoreError> {
        let rows: Vec<AnswerRow> = sql::query_as(answers!(
            "offer_id = $2 AND offer_id IN (SELECT id FROM hours_to_fill WHERE structure = $1) ORDER BY at, structure"
        ))
        .bind(structure.to_owned())
        .bind(clean(offer))
        .fetch_all(&self.reader)
        .await?;
        Ok(rows.into_iter().map(|AnswerRow(a)| a).collect())
    }

    /// What a structure answered, of all hours.
    pub async fn hours_answers_of(&self, structure: &str) -> Result<Vec<HoursAnswer>, StoreError> {
        let rows: Vec<AnswerRow> = sql::query_as(answers!("structure = $1 ORDER BY at, offer_id"))
            .bind(structure.to_owned())
            .fetch_all(&self.reader)
            .await?;
        Ok(rows.into_iter().map(|AnswerRow(a)| a).collect())
    }

    /// Keeps so many hours of an answer; `false` where an organisation told no such hours, or nobody answered yes.
    pub async fn keep_hours_answer(
        &self,
        structure: &str,
        (offer, answered): (&str, &str),
        kept: Hours,
    ) -> Result<bool, StoreError> {
        let done = sql::query(
            "UPDATE hours_answer SET kept = $1 WHERE offer_id = $2 AND structure = $3 AND yes = 1
               AND offer_id IN (SELECT id FROM hours_to_fill WHERE structure = $4 AND state = 'open')",
        )
        .bind(kept.0)
        .bind(clean(offer))
        .bind(clean(answered))
        .bind(structure.to_owned())
        .execute_alone(&self.db)
        .await?;
        Ok(done == 1)
    }

    /// Says whether somebody wants to hear of such hours.
    pub async fn set_hours_reader(&self, person: &str, wants: bool, now: DateTime<Utc>) -> Result<(), StoreError> {
        let query = if wants {
            sql::query(
                "INSERT INTO hours_reader (subscriber_id, at) VALUES ($1, $2) ON CONFLICT (subscriber_id) DO NOTHING",
            )
            .bind(person.to_owned())
            .bind(millis(now))
        } else {
            sql::query("DELETE FROM hours_reader WHERE subscriber_id = $1").bind(person.to_owned())
        };
        query.execute_alone(&self.db).await?;
        Ok(())
    }

    /// Those who want to hear of such hours.
    pub async fn hours_readers(&self) -> Result<Vec<String>, StoreError> {
        let rows: Vec<(String,)> = sql::query_as("SELECT subscriber_id FROM hours_reader ORDER BY subscriber_id")
            .fetch_all(&self.reader)
            .await?;
        Ok(rows.into_iter().map(|(id,)| id).collect())
    }
}

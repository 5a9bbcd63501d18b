//! Meetings worth going to, and in which digest each was told to whom.

use chrono::{DateTime, NaiveDate, NaiveTime, Utc};
use vigie_domain::Department;
use vigie_domain::event::Event;

use crate::Store;
use crate::columns::{clean, millis};
use crate::error::StoreError;
use crate::sql::{self, Columns, FromRow, Row, SqlError};

struct EventRow(Event);

impl FromRow for EventRow {
    fn from_row(row: &Row<'_>) -> Result<Self, SqlError> {
        let mut c = Columns::of(row);
        Ok(Self(Event {
            id: c.next()?,
            structure: c.next()?,
            title: c.next()?,
            day: c.next()?,
            time: c.next::<String>()?.parse::<NaiveTime>().ok(),
            place: c.next()?,
            commune: c.next()?,
            departments: c.next::<String>()?.split_whitespace().filter_map(Department::parse).collect(),
            link: c.next()?,
            by: c.next()?,
            at: c.next()?,
        }))
    }
}

macro_rules! select {
    ($rest:literal) => {
        concat!(
            "SELECT id, structure, title, day, hour, place, commune, departments, link, written_by, at FROM event ",
            $rest
        )
    };
}

impl Store {
    /// Writes a meeting in the place of the one of that identifier; one that a person took away stays away.
    pub async fn put_event(&self, e: &Event) -> Result<(), StoreError> {
        let departments: Vec<&str> = e.departments.iter().map(Department::as_str).collect();
        sql::query(
            "INSERT INTO event (id, structure, title, day, hour, place, commune, departments, link, written_by, at, gone)
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, 0)
             ON CONFLICT (id) DO UPDATE SET title = $3, day = $4, hour = $5, place = $6, commune = $7, departments = $8, link = $9",
        )
        .bind(e.id.clone())
        .bind(e.structure.clone())
        .bind(clean(&e.title))
        .bind(e.day.to_string())
        .bind(e.time.map(|t| t.to_string()).unwrap_or_default())
        .bind(clean(&e.place))
        .bind(e.commune.clone())
        .bind(departments.join(" "))
        .bind(clean(&e.link))
        .bind(clean(&e.by))
        .bind(millis(e.at))
        .execute_alone(&self.db)
        .await?;
        Ok(())
    }

    /// Meetings from a day on, the next ones first.
    pub async fn events_from(&self, day: NaiveDate) -> Result<Vec<Event>, StoreError> {
        let rows: Vec<EventRow> = sql::query_as(select!("WHERE day >= $1 AND gone = 0 ORDER BY day, hour, id"))
            .bind(day.to_string())
            .fetch_all(&self.reader)
            .await?;
        Ok(rows.into_iter().map(|EventRow(e)| e).collect())
    }

    /// Takes a meeting away: one of that structure, or any where `any`. `false` where there is none.
    pub async fn remove_event(&self, structure: &str, id: &str, any: bool) -> Result<bool, StoreError> {
        let done = sql::query("UPDATE event SET gone = 1 WHERE id = $1 AND gone = 0 AND (structure = $2 OR $3 = 1)")
            .bind(clean(id))
            .bind(structure.to_owned())
            .bind(i64::from(any))
            .execute_alone(&self.db)
            .await?;
        Ok(done == 1)
    }

    /// The meetings of which digests told a person, each with the cause of that digest.
    pub async fn events_told_to(&self, person: &str) -> Result<Vec<(String, String)>, StoreError> {
        Ok(sql::query_as("SELECT event_id, cause FROM event_told WHERE subscriber_id = $1 ORDER BY at, event_id")
            .bind(person.to_owned())
            .fetch_all(&self.reader)
            .await?)
    }

    /// Notes that the digest of that cause tells a person of meetings; who told first stands.
    pub async fn note_events_told(
        &self,
        (person, cause): (&str, &str),
        events: &[String],
        now: DateTime<Utc>,
    ) -> Result<(), StoreError> {
        for event in events {
            sql::query(
                "INSERT INTO event_told (event_id, subscriber_id, cause, at) VALUES ($1, $2, $3, $4)
                 ON CONFLICT (event_id, subscriber_id) DO NOTHING",
            )
            .bind(event.clone())
            .bind(person.to_owned())
            .bind(cause.to_owned())
            .bind(millis(now))
            .execute_alone(&self.db)
            .await?;
        }
        Ok(())
    }

    /// Procedures of which a notice of a meeting came since a moment.
    pub async fn procedures_of_meetings(&self, since: DateTime<Utc>) -> Result<Vec<String>, StoreError> {
        let rows: Vec<(String,)> = sql::query_as(
            "SELECT DISTINCT procedure_id FROM notice WHERE kind = 'event' AND updated >= $1 ORDER BY procedure_id",
        )
        .bind(millis(since))
        .fetch_all(&self.reader)
        .await?;
        Ok(rows.into_iter().map(|(id,)| id).collect())
    }

    /// Removes meetings that are over for so long, and who was told of them.
    pub async fn forget_events(&self, before: NaiveDate) -> Result<u64, StoreError> {
        let mut tx = self.begin().await?;
        sql::query("DELETE FROM event_told WHERE event_id IN (SELECT id FROM event WHERE day < $1)")
            .bind(before.to_string())
            .execute(&mut tx)
            .await?;
        let gone = sql::query("DELETE FROM event WHERE day < $1").bind(before.to_string()).execute(&mut tx).await?;
        tx.commit().await?;
        Ok(gone)
    }
}

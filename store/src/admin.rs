//! What operators look at: sources over time, the queue page by page, people.

use chrono::{DateTime, NaiveDate, Utc};
use vigie_domain::subscription::Role;
use vigie_domain::{AlertKind, DeliveryState, Subscriber};

use crate::address::{Address, address_columns};
use crate::columns::{clean, millis, to_json};
use crate::delivery::{DeliveryRow, delivery_columns};
use crate::error::StoreError;
use crate::people_rows::PersonRow;
use crate::sql::{self, Cell, Columns, FromRow, Row, SqlError, row};
use crate::{Engine, Store};

/// A day of a source.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DayOfSource {
    /// Local day.
    pub day: NaiveDate,
    /// Notices new or changed.
    pub items: i64,
    pub polls: i64,
    /// Polls that failed.
    pub failures: i64,
}

row!(DayOfSource { day, items, polls, failures });

/// Which deliveries are looked for; what is `None` asks for nothing.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Sought {
    pub state: Option<DeliveryState>,
    /// To one of these people.
    pub people: Option<Vec<String>>,
    /// About one of these procedures, alone or in a digest.
    pub procedures: Option<Vec<String>>,
    /// Made from the first moment to before the second.
    pub made: Option<(DateTime<Utc>, DateTime<Utc>)>,
}

/// A delivery with its number.
struct Numbered(i64, DeliveryRow);

impl FromRow for Numbered {
    fn from_row(row: &Row<'_>) -> Result<Self, SqlError> {
        let mut columns = Columns::of(row);
        Ok(Self(columns.next()?, DeliveryRow::read(&mut columns)?))
    }
}

impl Store {
    /// Days of a source since `since`, oldest first; a day without a poll is not there.
    pub async fn days_of_source(&self, id: &str, since: NaiveDate) -> Result<Vec<DayOfSource>, StoreError> {
        Ok(sql::query_as(
            "SELECT day, items, polls, failures FROM source_day WHERE source = $1 AND day >= $2 ORDER BY day",
        )
        .bind(id)
        .bind(since.to_string())
        .fetch_all(&self.reader)
        .await?)
    }

    /// Deliveries that are looked for, newest first, that were made before the one numbered `before`; each with its number.
    pub async fn deliveries_before(
        &self,
        sought: &Sought,
        before: Option<i64>,
        limit: i64,
    ) -> Result<Vec<(i64, DeliveryRow)>, StoreError> {
        let mut sql = concat!("SELECT d.seq, ", delivery_columns!(), " FROM delivery d WHERE d.seq < $1").to_owned();
        let mut values: Vec<Cell> = vec![before.unwrap_or(i64::MAX).into()];
        let mut and = |condition: &dyn Fn(usize) -> String, value: Cell| {
            values.push(value);
            sql.push_str(" AND ");
            sql.push_str(&condition(values.len()));
        };
        let each = |n: usize| match self.engine() {
            Engine::Sqlite => format!("(SELECT value FROM json_each(${n}))"),
            Engine::Postgres => format!("(SELECT json_array_elements_text(CAST(${n} AS json)))"),
        };
        if let Some(state) = sought.state {
            and(&|n| format!("d.state = ${n}"), state.as_str().into());
        }
        if let Some(people) = &sought.people {
            and(&|n| format!("d.subscriber_id IN {}", each(n)), to_json(people)?.into());
        }
        if let Some(procedures) = &sought.procedures {
            // A digest is about no single procedure: what it carries names it.
            let about = |n: usize| {
                format!(
                    "(d.procedure_id IN {0} OR d.id IN (SELECT n.delivery_id FROM alert a JOIN notification n ON n.alert_id = a.id
                       WHERE a.procedure_id IN {0}))",
                    each(n)
                )
            };
            and(&about, to_json(procedures)?.into());
        }
        if let Some((from, to)) = sought.made {
            and(&|n| format!("d.created >= ${n}"), millis(from).into());
            and(&|n| format!("d.created < ${n}"), millis(to).into());
        }
        values.push(limit.into());
        sql.push_str(&format!(" ORDER BY d.seq DESC LIMIT ${}", values.len()));
        let mut query = sql::query_as(sql);
        for value in values {
            query = query.bind(value);
        }
        let rows: Vec<Numbered> = query.fetch_all(&self.reader).await?;
        Ok(rows.into_iter().map(|Numbered(seq, row)| (seq, row)).collect())
    }

    /// People whose name or address holds `part`, by identifier, after the one of that identifier.
    pub async fn people_after(&self, part: &str, after: &str, limit: i64) -> Result<Vec<Subscriber>, StoreError> {
        let like = format!("%{}%", part.to_lowercase().replace('\\', "\\\\").replace('%', "\\%").replace('_', "\\_"));
        let rows: Vec<PersonRow> = sql::query_as(
            "SELECT id, name, role, profile FROM subscriber s WHERE id > $1 AND (LOWER(name) LIKE $2 ESCAPE '\\'
               OR EXISTS (SELECT 1 FROM address a WHERE a.subscriber_id = s.id AND LOWER(a.value) LIKE $2 ESCAPE '\\'))
             ORDER BY id LIMIT $3",
        )
        .bind(after.to_owned())
        .bind(clean(&like))
        .bind(limit)
        .fetch_all(&self.reader)
        .await?;
        Ok(rows.into_iter().map(|PersonRow(person)| person).collect())
    }

    /// What an alert is about: its kind, the title of its procedure, and its text where it has one of its own.
    pub async fn alert_subject(&self, alert: &str) -> Result<Option<(AlertKind, String, String)>, StoreError> {
        Ok(sql::query_as(
            "SELECT a.kind, COALESCE(s.title, ''), COALESCE(a.body, '') FROM alert a
             LEFT JOIN search s ON s.procedure_id = a.procedure_id WHERE a.id = $1",
        )
        .bind(alert)
        .fetch_optional(&self.reader)
        .await?)
    }

    /// Why those whom an alert was made for hear of it, as it was noted for one of them.
    pub async fn alert_reasons(&self, alert: &str) -> Result<Option<String>, StoreError> {
        let row: Option<(String,)> = sql::query_as("SELECT reasons FROM notification WHERE alert_id = $1 LIMIT 1")
            .bind(alert)
            .fetch_optional(&self.reader)
            .await?;
        Ok(row.map(|(reasons,)| reasons))
    }

    /// Addresses in use of every operator.
    pub async fn operator_addresses(&self) -> Result<Vec<Address>, StoreError> {
        Ok(sql::query_as(concat!(
            "SELECT ",
            address_columns!(),
            " FROM address WHERE state = 'active' AND subscriber_id IN (SELECT id FROM subscriber WHERE role = 'operator')
               ORDER BY created, id"
        ))
        .fetch_all(&self.reader)
        .await?)
    }

    /// Gives a person another role, which answers what they say to be; `false` when there is no such person, or the settings file says
    /// what they are.
    pub async fn set_role(&self, subscriber: &str, role: Role) -> Result<bool, StoreError> {
        if self.is_declared(subscriber).await? {
            return Ok(false);
        }
        let settle = |person: &mut Subscriber| {
            person.role = role;
            person.profile.says_facilitator = false;
            Some(())
        };
        Ok(self.settle_person(subscriber, settle).await?.is_some())
    }
}

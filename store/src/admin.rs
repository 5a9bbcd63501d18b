//! What operators look at: sources over time, the queue page by page, people.

use chrono::NaiveDate;
use vigie_domain::subscription::Role;
use vigie_domain::{AlertKind, DeliveryState, Subscriber};

use crate::Store;
use crate::address::{Address, address_columns};
use crate::columns::clean;
use crate::columns::to_json;
use crate::delivery::{DeliveryRow, delivery_columns};
use crate::error::StoreError;
use crate::people_rows::PersonRow;
use crate::sql::{self, Columns, FromRow, Row, SqlError, row};

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

    /// Deliveries, newest first, of one state or of all, that were made before the one numbered `before`; each with its number.
    pub async fn deliveries_before(
        &self,
        state: Option<DeliveryState>,
        before: Option<i64>,
        limit: i64,
    ) -> Result<Vec<(i64, DeliveryRow)>, StoreError> {
        let sql = if state.is_some() {
            concat!(
                "SELECT d.seq, ",
                delivery_columns!(),
                " FROM delivery d WHERE d.state = $1 AND d.seq < $2 ORDER BY d.seq DESC LIMIT $3"
            )
        } else {
            concat!(
                "SELECT d.seq, ",
                delivery_columns!(),
                " FROM delivery d WHERE $1 = '' AND d.seq < $2 ORDER BY d.seq DESC LIMIT $3"
            )
        };
        let rows: Vec<Numbered> = sql::query_as(sql)
            .bind(state.map_or("", DeliveryState::as_str))
            .bind(before.unwrap_or(i64::MAX))
            .bind(limit)
            .fetch_all(&self.reader)
            .await?;
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

    /// Gives a person another role; `false` when there is no such person, or the settings file says what they are.
    pub async fn set_role(&self, subscriber: &str, role: Role) -> Result<bool, StoreError> {
        let update = sql::query_as("UPDATE subscriber SET role = $1 WHERE id = $2 AND declared = 0 RETURNING id")
            .bind(to_json(&role)?.trim_matches('"').to_owned());
        self.change_person(update.bind(subscriber.to_owned())).await
    }
}

//! What operators look at: sources over time, the queue page by page, people.

use chrono::NaiveDate;
use vigie_domain::subscription::Role;
use vigie_domain::{DeliveryState, Subscriber};

use crate::outbox::DeliveryRow;
use crate::people::{PersonRow, person, raise_version};
use crate::{Store, StoreError, moment, sql, to_json};

/// A day of a source.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DayOfSource {
    /// Local day.
    pub day: NaiveDate,
    /// Notices new or changed.
    pub items: i64,
    /// Polls.
    pub polls: i64,
    /// Polls that failed.
    pub failures: i64,
}

impl Store {
    /// Days of a source since `since`, oldest first; a day without a poll is not there.
    ///
    /// # Errors
    /// The database fails.
    pub async fn days_of_source(&self, id: &str, since: NaiveDate) -> Result<Vec<DayOfSource>, StoreError> {
        let rows: Vec<(String, i64, i64, i64)> = sql::query_as(
            "SELECT day, items, polls, failures FROM source_day WHERE source = $1 AND day >= $2 ORDER BY day",
        )
        .bind(id.to_owned())
        .bind(since.to_string())
        .fetch_all(&self.reader)
        .await?;
        let day = |(day, items, polls, failures): (String, i64, i64, i64)| {
            Some(DayOfSource { day: day.parse().ok()?, items, polls, failures })
        };
        Ok(rows.into_iter().filter_map(day).collect())
    }

    /// Deliveries, newest first, of one state or of all, that were made before the one numbered `before`; each with its number.
    ///
    /// # Errors
    /// The database fails.
    pub async fn deliveries_before(
        &self,
        state: Option<DeliveryState>,
        before: Option<i64>,
        limit: i64,
    ) -> Result<Vec<(i64, DeliveryRow)>, StoreError> {
        type Row = (i64, String, String, String, String, String, i64, i64, i64, Option<i64>, Option<String>);
        let sql = if state.is_some() {
            "SELECT seq, id, subscriber_id, channel, cause, state, attempts, next_at, created, settled_at, why FROM delivery
             WHERE state = $1 AND seq < $2 ORDER BY seq DESC LIMIT $3"
        } else {
            "SELECT seq, id, subscriber_id, channel, cause, state, attempts, next_at, created, settled_at, why FROM delivery
             WHERE $1 = '' AND seq < $2 ORDER BY seq DESC LIMIT $3"
        };
        let rows: Vec<Row> = sql::query_as(sql)
            .bind(state.map_or("", DeliveryState::as_str).to_owned())
            .bind(before.unwrap_or(i64::MAX))
            .bind(limit)
            .fetch_all(&self.reader)
            .await?;
        Ok(rows
            .into_iter()
            .filter_map(|r| {
                let row = DeliveryRow {
                    id: r.1,
                    subscriber: r.2,
                    channel: r.3,
                    cause: r.4,
                    state: DeliveryState::parse(&r.5)?,
                    attempts: r.6,
                    next_at: moment(r.7),
                    created: moment(r.8),
                    settled_at: r.9.map(moment),
                    why: r.10,
                };
                Some((r.0, row))
            })
            .collect())
    }

    /// People whose name or address holds `part`, by identifier, after the one of that identifier.
    ///
    /// # Errors
    /// The database fails.
    pub async fn people_after(&self, part: &str, after: &str, limit: i64) -> Result<Vec<Subscriber>, StoreError> {
        let like = format!("%{}%", part.to_lowercase().replace('\\', "\\\\").replace('%', "\\%").replace('_', "\\_"));
        let rows: Vec<PersonRow> = sql::query_as(
            "SELECT id, name, role, profile FROM subscriber s WHERE id > $1 AND (LOWER(name) LIKE $2 ESCAPE '\\'
               OR EXISTS (SELECT 1 FROM address a WHERE a.subscriber_id = s.id AND LOWER(a.value) LIKE $2 ESCAPE '\\'))
             ORDER BY id LIMIT $3",
        )
        .bind(after.to_owned())
        .bind(crate::clean(&like))
        .bind(limit)
        .fetch_all(&self.reader)
        .await?;
        rows.into_iter().map(person).collect()
    }

    /// Gives a person another role; `false` when there is no such person, or the settings file says what they are.
    ///
    /// # Errors
    /// The database fails.
    pub async fn set_role(&self, subscriber: &str, role: Role) -> Result<bool, StoreError> {
        let mut tx = self.begin().await?;
        let done = sql::query("UPDATE subscriber SET role = $1 WHERE id = $2 AND declared = 0")
            .bind(to_json(&role)?.trim_matches('"').to_owned())
            .bind(subscriber.to_owned())
            .execute(&mut tx)
            .await?;
        raise_version(&mut tx).await?;
        tx.commit().await?;
        Ok(done == 1)
    }
}

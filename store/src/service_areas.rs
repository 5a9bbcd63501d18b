//! The area that each organisation of facilitators serves, and the subscriptions of its people that follow it.

use chrono::{DateTime, Utc};
use vigie_domain::service_area::ServiceArea;
use vigie_domain::{Cadence, Department, Filter};

use crate::Store;
use crate::audience::person_changed;
use crate::columns::{clean, from_json, millis, to_json};
use crate::error::StoreError;
use crate::sql;

impl Store {
    /// The area of an organisation, and who said it last.
    pub async fn service_area(&self, structure: &str) -> Result<Option<(ServiceArea, String)>, StoreError> {
        let row: Option<(String, String)> =
            sql::query_as("SELECT document, set_by FROM service_area WHERE structure = $1")
                .bind(clean(structure))
                .fetch_optional(&self.key_reader)
                .await?;
        row.map(|(text, by)| Ok((from_json(&text, &format!("area of {structure}"))?, by))).transpose()
    }

    /// Says the area of an organisation; `reach` are the départements into which it reaches.
    pub async fn put_service_area(
        &self,
        structure: &str,
        area: &ServiceArea,
        (reach, by): (&[Department], &str),
        now: DateTime<Utc>,
    ) -> Result<(), StoreError> {
        let reach: Vec<&str> = reach.iter().map(Department::as_str).collect();
        sql::query(
            "INSERT INTO service_area (structure, document, reach, shown, set_by, at) VALUES ($1, $2, $3, $4, $5, $6)
             ON CONFLICT (structure) DO UPDATE SET document = $2, reach = $3, shown = $4, set_by = $5, at = $6",
        )
        .bind(structure.to_owned())
        .bind(clean(&to_json(area)?))
        .bind(format!(" {} ", reach.join(" ")))
        .bind(i64::from(area.shown))
        .bind(clean(by))
        .bind(millis(now))
        .execute_alone(&self.db)
        .await?;
        Ok(())
    }

    /// Areas whose organisations are named to readers: (structure, area). Those that reach into the département, and those that reach
    /// into none by themselves: they follow buyers or quarters.
    pub async fn shown_service_areas(&self, department: &Department) -> Result<Vec<(String, ServiceArea)>, StoreError> {
        let rows: Vec<(String, String)> = sql::query_as(
            "SELECT structure, document FROM service_area WHERE shown = 1 AND (reach LIKE $1 OR reach = '  ' OR document LIKE '%\"buyers\"%')
             ORDER BY structure",
        )
        .bind(format!("% {department} %"))
        .fetch_all(&self.reader)
        .await?;
        rows.into_iter()
            .map(|(structure, text)| Ok((structure.clone(), from_json(&text, &format!("area of {structure}"))?)))
            .collect()
    }

    /// Puts a subscription of a given identifier in the place of what stood under it; a new one bears that name.
    pub async fn put_subscription_as(
        &self,
        (subscriber, id): (&str, &str),
        (filter, cadence, name): (&Filter, Cadence, &str),
        now: DateTime<Utc>,
    ) -> Result<(), StoreError> {
        let mut tx = self.begin().await?;
        let done = sql::query(
            "INSERT INTO subscription (id, subscriber_id, filter, cadence, name, created) VALUES ($1, $2, $3, $4, $5, $6)
             ON CONFLICT (id) DO UPDATE SET filter = $3 WHERE subscription.subscriber_id = $2 AND subscription.filter <> $3",
        )
        .bind(id.to_owned())
        .bind(subscriber.to_owned())
        .bind(to_json(filter)?)
        .bind(cadence.to_string())
        .bind(clean(name))
        .bind(millis(now))
        .execute(&mut tx)
        .await?;
        if done > 0 {
            person_changed(&mut tx, subscriber).await?;
        }
        tx.commit().await.map_err(Into::into)
    }
}

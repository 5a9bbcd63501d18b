//! How facilitators are reached, as they say it themselves: one row a person, read by structures of the territory. It counts while its
//! person is a facilitator, and before what a directory says of the same one.

use chrono::{DateTime, Utc};
use vigie_domain::Department;
use vigie_domain::directory::Facilitator;
use vigie_domain::subscription::Role;

use crate::Store;
use crate::columns::{clean, from_json, millis, to_json};
use crate::error::StoreError;
use crate::sql;

impl Store {
    /// Writes how a facilitator is reached; `None` takes it back.
    pub async fn put_own_contact(
        &self,
        person: &str,
        contact: Option<&Facilitator>,
        now: DateTime<Utc>,
    ) -> Result<(), StoreError> {
        let query = match contact {
            Some(contact) => sql::query(
                "INSERT INTO own_contact (subscriber_id, document, updated) VALUES ($1, $2, $3)
                 ON CONFLICT (subscriber_id) DO UPDATE SET document = $2, updated = $3",
            )
            .bind(person.to_owned())
            .bind(clean(&to_json(contact)?))
            .bind(millis(now)),
            None => sql::query("DELETE FROM own_contact WHERE subscriber_id = $1").bind(person.to_owned()),
        };
        query.execute_alone(&self.db).await?;
        Ok(())
    }

    /// How a facilitator is reached, as they say it.
    pub async fn own_contact(&self, person: &str) -> Result<Option<Facilitator>, StoreError> {
        let row: Option<(String,)> = sql::query_as("SELECT document FROM own_contact WHERE subscriber_id = $1")
            .bind(person.to_owned())
            .fetch_optional(&self.reader)
            .await?;
        row.map(|(document,)| from_json(&document, "own contact")).transpose()
    }

    /// Facilitators of a département who say themselves how they are reached.
    pub async fn own_contacts(&self, department: &Department) -> Result<Vec<Facilitator>, StoreError> {
        let rows: Vec<(String,)> = sql::query_as(
            "SELECT c.document FROM own_contact c JOIN subscriber s ON s.id = c.subscriber_id WHERE s.role = $1 ORDER BY c.subscriber_id",
        )
        .bind(to_json(&Role::Facilitator)?.trim_matches('"').to_owned())
        .fetch_all(&self.reader)
        .await?;
        let mut out = Vec::new();
        for (document,) in rows {
            let contact: Facilitator = from_json(&document, "own contact")?;
            if contact.departments.contains(department) {
                out.push(contact);
            }
        }
        Ok(out)
    }
}

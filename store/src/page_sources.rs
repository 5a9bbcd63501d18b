//! Sources that operators set on the pages, beside those of the settings file: the form as it was filled, by its name.

use chrono::{DateTime, Utc};

use crate::Store;
use crate::columns::{clean, millis};
use crate::error::StoreError;
use crate::sql;

impl Store {
    /// Every source set on the pages: its name, and its form as JSON; in the order of names.
    pub async fn page_sources(&self) -> Result<Vec<(String, String)>, StoreError> {
        Ok(sql::query_as("SELECT id, form FROM page_source ORDER BY id").fetch_all(&self.reader).await?)
    }

    /// Keeps the form of a source, new or changed.
    pub async fn put_page_source(&self, id: &str, form: &str, now: DateTime<Utc>) -> Result<(), StoreError> {
        let mut tx = self.begin().await?;
        sql::query(
            "INSERT INTO page_source (id, form, changed) VALUES ($1, $2, $3) ON CONFLICT (id) DO UPDATE SET form = $2, changed = $3",
        )
        .bind(clean(id))
        .bind(clean(form))
        .bind(millis(now))
        .execute(&mut tx)
        .await?;
        tx.commit().await?;
        Ok(())
    }

    /// Takes a source away; what it brought stays. `false` when there is none of that name.
    pub async fn drop_page_source(&self, id: &str) -> Result<bool, StoreError> {
        let mut tx = self.begin().await?;
        let gone = sql::query("DELETE FROM page_source WHERE id = $1").bind(id.to_owned()).execute(&mut tx).await?;
        tx.commit().await?;
        Ok(gone == 1)
    }
}

//! Sources that operators set on the pages, beside those of the settings file: the form as it was filled, by its name.

use chrono::{DateTime, Utc};

use crate::Store;
use crate::columns::{clean, millis};
use crate::error::StoreError;
use crate::sql;

impl Store {
    /// Every source set on the pages: its name, its form as JSON, and when it was changed (milliseconds since 1970); in the order
    /// of names.
    pub async fn page_sources(&self) -> Result<Vec<(String, String, i64)>, StoreError> {
        Ok(sql::query_as("SELECT id, form, changed FROM page_source ORDER BY id").fetch_all(&self.reader).await?)
    }

    /// Keeps the form of a source: a new one where `seen` is `None`, else over the one that was changed at `seen`. `false`, with
    /// nothing kept, where somebody was faster.
    pub async fn put_page_source(
        &self,
        id: &str,
        form: &str,
        seen: Option<i64>,
        now: DateTime<Utc>,
    ) -> Result<bool, StoreError> {
        let mut tx = self.begin().await?;
        let put = |sql, changed: i64| sql::query(sql).bind(clean(id)).bind(clean(form)).bind(changed);
        let put = match seen {
            None => put(
                "INSERT INTO page_source (id, form, changed) VALUES ($1, $2, $3) ON CONFLICT (id) DO NOTHING",
                millis(now),
            ),
            // Two changes of one millisecond are two.
            Some(seen) => put(
                "UPDATE page_source SET form = $2, changed = $3 WHERE id = $1 AND changed = $4",
                millis(now).max(seen + 1),
            )
            .bind(seen),
        };
        let kept = put.execute(&mut tx).await? == 1;
        tx.commit().await?;
        Ok(kept)
    }

    /// Takes a source away; what it brought stays. `false` when there is none of that name.
    pub async fn drop_page_source(&self, id: &str) -> Result<bool, StoreError> {
        let mut tx = self.begin().await?;
        let gone = sql::query("DELETE FROM page_source WHERE id = $1").bind(id.to_owned()).execute(&mut tx).await?;
        tx.commit().await?;
        Ok(gone == 1)
    }
}

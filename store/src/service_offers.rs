//! Services that structures offer to the holders of contracts: one row a structure and contract.
//!
//! A reading for people names the structure: none crosses from one to another.

use chrono::{DateTime, Utc};
use vigie_domain::Stage;
use vigie_domain::service_offer::{OfferStage, ServiceOffer};

use crate::Store;
use crate::columns::{clean, millis, words};
use crate::error::StoreError;
use crate::ingest::IngestTx;
use crate::sql::{self, Columns, FromRow, Row, SqlError};

words!(OfferStage: OfferStage::parse);

struct OfferRow(ServiceOffer);

impl FromRow for OfferRow {
    fn from_row(row: &Row<'_>) -> Result<Self, SqlError> {
        let mut columns = Columns::of(row);
        Ok(Self(ServiceOffer {
            structure: columns.next()?,
            procedure: columns.next()?,
            lot: columns.next()?,
            stage: columns.next()?,
            holders: columns.next()?,
            by: columns.next()?,
            at: columns.next()?,
            told: columns.next()?,
            reminded: columns.next::<i64>()? != 0,
        }))
    }
}

fn offers(rows: Vec<OfferRow>) -> Vec<ServiceOffer> {
    rows.into_iter().map(|OfferRow(offer)| offer).collect()
}

macro_rules! select {
    ($rest:literal) => {
        concat!(
            "SELECT structure, procedure_id, lot, stage, holders, decided_by, at, told, reminded FROM service_offer WHERE ",
            $rest
        )
    };
}

impl IngestTx {
    /// Writes an offer in the place of the one that stood.
    pub async fn put_service_offer(&mut self, offer: &ServiceOffer) -> Result<(), StoreError> {
        sql::query(
            "INSERT INTO service_offer (structure, procedure_id, lot, stage, holders, decided_by, at, told, reminded)
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9) ON CONFLICT (structure, procedure_id, lot) DO UPDATE SET
               stage = $4, holders = $5, decided_by = $6, at = $7, told = $8, reminded = $9",
        )
        .bind(offer.structure.clone())
        .bind(offer.procedure.clone())
        .bind(clean(&offer.lot))
        .bind(offer.stage.as_str().to_owned())
        .bind(clean(&offer.holders))
        .bind(clean(&offer.by))
        .bind(millis(offer.at))
        .bind(offer.told.map(millis))
        .bind(i64::from(offer.reminded))
        .execute(&mut self.tx)
        .await?;
        Ok(())
    }

    /// What stands between a structure and the holders of a contract.
    pub async fn service_offer(
        &mut self,
        structure: &str,
        procedure: &str,
        lot: &str,
    ) -> Result<Option<ServiceOffer>, StoreError> {
        let row: Option<OfferRow> = sql::query_as(select!("structure = $1 AND procedure_id = $2 AND lot = $3"))
            .bind(structure.to_owned())
            .bind(procedure.to_owned())
            .bind(clean(lot))
            .fetch_optional(&mut self.tx)
            .await?;
        Ok(row.map(|OfferRow(offer)| offer))
    }

    /// How many offers a structure was told of since a moment.
    pub async fn offers_told_since(&mut self, structure: &str, since: DateTime<Utc>) -> Result<u32, StoreError> {
        let (n,): (i64,) = sql::query_as("SELECT COUNT(*) FROM service_offer WHERE structure = $1 AND told > $2")
            .bind(structure.to_owned())
            .bind(millis(since))
            .fetch_one(&mut self.tx)
            .await?;
        Ok(u32::try_from(n).unwrap_or(u32::MAX))
    }
}

impl Store {
    /// What a structure answered about the holders of a contract: what stood before, and what stands then. `None` where nothing was
    /// offered.
    pub async fn answer_service_offer(
        &self,
        (structure, procedure, lot): (&str, &str, &str),
        stage: OfferStage,
        by: &str,
        now: DateTime<Utc>,
    ) -> Result<Option<(ServiceOffer, ServiceOffer)>, StoreError> {
        let mut tx = self.begin_alert(now).await?;
        let Some(before) = tx.service_offer(structure, procedure, lot).await? else { return Ok(None) };
        let after = ServiceOffer { stage, by: by.to_owned(), at: now, ..before.clone() };
        tx.put_service_offer(&after).await?;
        tx.commit().await?;
        Ok(Some((before, after)))
    }

    /// What stands between a structure and the holders of a contract.
    pub async fn service_offer_of(
        &self,
        structure: &str,
        procedure: &str,
        lot: &str,
    ) -> Result<Option<ServiceOffer>, StoreError> {
        let row: Option<OfferRow> = sql::query_as(select!("structure = $1 AND procedure_id = $2 AND lot = $3"))
            .bind(structure.to_owned())
            .bind(procedure.to_owned())
            .bind(clean(lot))
            .fetch_optional(&self.key_reader)
            .await?;
        Ok(row.map(|OfferRow(offer)| offer))
    }

    /// Every offer of a structure, latest first.
    pub async fn service_offers_of(&self, structure: &str, limit: i64) -> Result<Vec<ServiceOffer>, StoreError> {
        let rows: Vec<OfferRow> = sql::query_as(select!("structure = $1 ORDER BY at DESC, procedure_id, lot LIMIT $2"))
            .bind(structure.to_owned())
            .bind(limit)
            .fetch_all(&self.reader)
            .await?;
        Ok(offers(rows))
    }

    /// Offers at a stage since before a moment that nobody was reminded of, of every structure: for the scheduler, which acts for each
    /// structure apart.
    pub async fn service_offers_to_remind(
        &self,
        stage: OfferStage,
        before: DateTime<Utc>,
        limit: i64,
    ) -> Result<Vec<ServiceOffer>, StoreError> {
        let rows: Vec<OfferRow> = sql::query_as(select!(
            "stage = $1 AND reminded = 0 AND at <= $2 ORDER BY at, structure, procedure_id, lot LIMIT $3"
        ))
        .bind(stage.as_str())
        .bind(before)
        .bind(limit)
        .fetch_all(&self.reader)
        .await?;
        Ok(offers(rows))
    }

    /// Offers that wait for a result, where something else than going for it was decided of the lot or of the whole, of every structure:
    /// for the scheduler.
    pub async fn service_offers_with_result(&self, limit: i64) -> Result<Vec<ServiceOffer>, StoreError> {
        let going: Vec<String> = Stage::WENT_FOR_IT.iter().map(|stage| format!("'{}'", stage.as_str())).collect();
        let asked = format!(
            concat!(
                select!(
                    "stage = 'asked' AND EXISTS (SELECT 1 FROM decision d WHERE d.structure = service_offer.structure
                       AND d.procedure_id = service_offer.procedure_id AND (d.lot = service_offer.lot OR d.lot = '')
                       AND d.stage NOT IN ({going}, 'spotted', 'read'))"
                ),
                " ORDER BY at, structure, procedure_id, lot LIMIT $1"
            ),
            going = going.join(", ")
        );
        let rows: Vec<OfferRow> = sql::query_as(asked).bind(limit).fetch_all(&self.reader).await?;
        Ok(offers(rows))
    }
}

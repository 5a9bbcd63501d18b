//! Contracts: one row a contract and lot, made anew from the notices of its procedure in the transaction that ingests, and found by
//! buyer, by holder and by their end.

use chrono::{DateTime, NaiveDate, NaiveTime, Utc};
use serde_json::{Value, json};
use vigie_domain::directory::CommittedBuyer;
use vigie_domain::{Assessment, Contract, Notice, commune};

use crate::Store;
use crate::accounts::parts;
use crate::columns::{clean, from_json, millis, moment, to_json};
use crate::error::StoreError;
use crate::ingest::IngestTx;
use crate::rows::over_rows;
use crate::sql::{self, FromRow, Row, SqlError, row};

/// Stands where services were offered for a contract that was known before the watch began: to nobody.
pub const BEFORE_THE_WATCH: &str = "baseline";

/// A contract as stored.
#[derive(Debug, Clone, PartialEq)]
pub struct ContractRow {
    pub contract: Contract,
    /// When it was first known.
    pub created: DateTime<Utc>,
    /// The holders for which services were offered; `None` = nobody was told yet.
    pub offered: Option<String>,
}

impl FromRow for ContractRow {
    fn from_row(row: &Row<'_>) -> Result<Self, SqlError> {
        let document: String = row.get(2)?;
        Ok(Self {
            contract: serde_json::from_str(&document).map_err(|e| row.unreadable(2, e))?,
            created: row.get(3)?,
            offered: row.get(4)?,
        })
    }
}

/// A procedure of a buyer, as contracts are compared with it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BuyersProcedure {
    pub procedure: String,
    pub title: String,
    /// When it was published.
    pub at: DateTime<Utc>,
}

row!(BuyersProcedure { procedure, title, at });

/// A company or a buyer, as people find it by name.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Named {
    /// Nine digits; empty where no source gives them.
    pub siren: String,
    pub name: String,
}

row!(Named { siren, name });

/// Which contracts are looked for; what is `None` lets all through.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ContractQuery {
    /// SIREN of the buyer, or its name as [`crate::accounts::keys`] has it, where no number is published.
    pub buyer: Option<String>,
    /// The same of a holder.
    pub holder: Option<String>,
    /// They end on that day or later.
    pub ends_from: Option<NaiveDate>,
    /// They end before that day.
    pub ends_before: Option<NaiveDate>,
}

/// The names of the holders in one line: another line is other holders.
#[must_use]
pub fn holders_key(contract: &Contract) -> String {
    let mut keys: Vec<String> = contract
        .holders
        .iter()
        .map(|h| h.company.siren().map_or_else(|| commune::key(h.company.said()), str::to_owned))
        .collect();
    keys.sort();
    keys.join(",")
}

fn start_of(day: NaiveDate) -> DateTime<Utc> {
    day.and_time(NaiveTime::MIN).and_utc()
}

macro_rules! select {
    ($rest:literal) => {
        concat!("SELECT procedure_id, lot, document, created, offered FROM contract WHERE ", $rest)
    };
}

impl IngestTx {
    /// Whether contracts of a procedure are known.
    pub async fn has_contracts(&mut self, procedure: &str) -> Result<bool, StoreError> {
        let row: Option<(String,)> = sql::query_as("SELECT lot FROM contract WHERE procedure_id = $1 LIMIT 1")
            .bind(procedure.to_owned())
            .fetch_optional(&mut self.tx)
            .await?;
        Ok(row.is_some())
    }

    /// The latest notices of a procedure with their verdicts, at most `most`.
    pub async fn published_of(&mut self, procedure: &str, most: u32) -> Result<Vec<(Notice, Assessment)>, StoreError> {
        let rows: Vec<(String, String)> = sql::query_as(
            "SELECT document, assessment FROM notice WHERE procedure_id = $1 ORDER BY updated DESC, id LIMIT $2",
        )
        .bind(procedure.to_owned())
        .bind(i64::from(most))
        .fetch_all(&mut self.tx)
        .await?;
        let place = format!("procedure {procedure}");
        rows.iter().map(|(notice, a)| Ok((from_json(notice, &place)?, from_json(a, &place)?))).collect()
    }

    /// Writes the contracts of a procedure in the place of those that were known. `before_the_watch`: new ones lead to no offer.
    pub async fn put_contracts(
        &mut self,
        procedure: &str,
        contracts: &[Contract],
        before_the_watch: bool,
    ) -> Result<(), StoreError> {
        let before: Vec<ContractRow> =
            sql::query_as(select!("procedure_id = $1")).bind(procedure.to_owned()).fetch_all(&mut self.tx).await?;
        let lots: Vec<Value> = contracts.iter().map(|c| json!({ "lot": clean(&c.lot) })).collect();
        sql::query(over_rows!(
            self.tx.engine(),
            ["DELETE FROM contract WHERE procedure_id = $2 AND lot NOT IN (SELECT value ->> 'lot' FROM "],
            [")"]
        ))
        .bind(Value::from(lots).to_string())
        .bind(procedure.to_owned())
        .execute(&mut self.tx)
        .await?;
        sql::query("DELETE FROM contract_holder WHERE procedure_id = $1")
            .bind(procedure.to_owned())
            .execute(&mut self.tx)
            .await?;
        for c in contracts {
            let known = before.iter().find(|row| row.contract.lot == c.lot);
            let offered = match known {
                None => before_the_watch.then(|| BEFORE_THE_WATCH.to_owned()),
                Some(row) if row.offered.as_deref() == Some(BEFORE_THE_WATCH) => row.offered.clone(),
                // Other holders than before: services are offered to them.
                Some(row) => row.offered.clone().filter(|_| row.contract.has_holders_of(c)),
            };
            sql::query(
                "INSERT INTO contract (procedure_id, lot, state, buyer_siren, holders, ends, document, created, updated, offered)
                 VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $8, $9) ON CONFLICT (procedure_id, lot) DO UPDATE SET state = $3,
                   buyer_siren = $4, holders = $5, ends = $6, document = $7, updated = $8, offered = $9",
            )
            .bind(procedure.to_owned())
            .bind(clean(&c.lot))
            .bind(c.state.as_str().to_owned())
            .bind(c.buyer.siren().unwrap_or_default().to_owned())
            .bind(clean(&holders_key(c)))
            .bind(c.ends.map(|e| millis(start_of(e.on))))
            .bind(to_json(c)?)
            .bind(millis(self.now))
            .bind(offered)
            .execute(&mut self.tx)
            .await?;
            for holder in &c.holders {
                sql::query(
                    "INSERT INTO contract_holder (procedure_id, lot, siren, name, name_key) VALUES ($1, $2, $3, $4, $5)
                     ON CONFLICT (procedure_id, lot, siren, name_key) DO NOTHING",
                )
                .bind(procedure.to_owned())
                .bind(clean(&c.lot))
                .bind(holder.company.siren().unwrap_or_default().to_owned())
                .bind(clean(holder.company.said()))
                .bind(commune::key(&holder.company.name))
                .execute(&mut self.tx)
                .await?;
            }
        }
        Ok(())
    }

    /// What a buyer published from one moment to another, latest first, at most `most`.
    pub async fn procedures_of_buyer(
        &mut self,
        siren: &str,
        (from, to): (DateTime<Utc>, DateTime<Utc>),
        most: u32,
    ) -> Result<Vec<BuyersProcedure>, StoreError> {
        Ok(sql::query_as(
            "SELECT procedure_id, title, at FROM search WHERE siren = $1 AND at >= $2 AND at < $3 AND restricted = 0
             ORDER BY at DESC, procedure_id LIMIT $4",
        )
        .bind(siren.to_owned())
        .bind(millis(from))
        .bind(millis(to))
        .bind(i64::from(most))
        .fetch_all(&mut self.tx)
        .await?)
    }

    /// The name of a buyer of whom a notice gives the SIREN alone: as the directory or other notices have it, else the number.
    pub async fn buyer_named(&mut self, siren: &str) -> Result<String, StoreError> {
        let listed: Option<(String,)> =
            sql::query_as("SELECT document FROM directory WHERE kind = 'committed_buyer' AND key = $1")
                .bind(siren.to_owned())
                .fetch_optional(&mut self.tx)
                .await?;
        if let Some((document,)) = listed {
            let buyer: CommittedBuyer = from_json(&document, &format!("directory {siren}"))?;
            return Ok(buyer.name);
        }
        let known: Option<(String,)> = sql::query_as(
            "SELECT buyer FROM search WHERE siren = $1 AND buyer <> '' AND buyer NOT LIKE 'SIREN %' AND restricted = 0
             ORDER BY at DESC, procedure_id LIMIT 1",
        )
        .bind(siren.to_owned())
        .fetch_optional(&mut self.tx)
        .await?;
        Ok(known.map_or_else(|| format!("SIREN {siren}"), |(name,)| name))
    }

    /// Source and kind of each notice of a procedure.
    pub async fn kinds_in(&mut self, procedure: &str) -> Result<Vec<(String, String)>, StoreError> {
        Ok(sql::query_as("SELECT source, kind FROM notice WHERE procedure_id = $1 ORDER BY id")
            .bind(procedure.to_owned())
            .fetch_all(&mut self.tx)
            .await?)
    }

    /// Notes that services were offered to the holders that a contract has now.
    pub async fn note_offered(&mut self, contract: &Contract) -> Result<(), StoreError> {
        sql::query("UPDATE contract SET offered = $1 WHERE procedure_id = $2 AND lot = $3")
            .bind(clean(&holders_key(contract)))
            .bind(contract.procedure.clone())
            .bind(clean(&contract.lot))
            .execute(&mut self.tx)
            .await?;
        Ok(())
    }
}

impl Store {
    /// Contracts for which nobody was offered to serve the holders they have now, oldest first.
    pub async fn contracts_to_offer(&self, limit: i64) -> Result<Vec<ContractRow>, StoreError> {
        let query = sql::query_as(select!("offered IS NULL ORDER BY created, procedure_id, lot LIMIT $1"));
        Ok(query.bind(limit).fetch_all(&self.reader).await?)
    }

    /// Has a record that is to come belong to a procedure: somebody who knows says so.
    pub async fn lead_record_to(&self, key: &str, procedure: &str) -> Result<(), StoreError> {
        sql::query("INSERT INTO procedure_key (key, procedure_id) VALUES ($1, $2) ON CONFLICT (key) DO NOTHING")
            .bind(clean(key))
            .bind(procedure.to_owned())
            .execute_alone(&self.db)
            .await?;
        Ok(())
    }

    /// The contracts of a procedure.
    pub async fn contracts_of(&self, procedure: &str) -> Result<Vec<ContractRow>, StoreError> {
        let query = sql::query_as(select!("procedure_id = $1 ORDER BY lot"));
        Ok(query.bind(procedure.to_owned()).fetch_all(&self.reader).await?)
    }

    /// The contract of a lot; the empty lot = the whole.
    pub async fn contract(&self, procedure: &str, lot: &str) -> Result<Option<ContractRow>, StoreError> {
        let query = sql::query_as(select!("procedure_id = $1 AND lot = $2"));
        Ok(query.bind(procedure.to_owned()).bind(clean(lot)).fetch_optional(&self.key_reader).await?)
    }

    /// Contracts that end from one day to before another, the first to end first.
    pub async fn contracts_ending(&self, from: NaiveDate, to: NaiveDate) -> Result<Vec<ContractRow>, StoreError> {
        let query =
            sql::query_as(select!("ends >= $1 AND ends < $2 AND state = 'awarded' ORDER BY ends, procedure_id, lot"));
        Ok(query.bind(start_of(from)).bind(start_of(to)).fetch_all(&self.reader).await?)
    }

    /// Contracts that a query lets through, the last to end first, at most `limit`.
    pub async fn find_contracts(&self, wanted: &ContractQuery, limit: i64) -> Result<Vec<ContractRow>, StoreError> {
        let parts = |key: &Option<String>| {
            let (siren, name) = parts(key.as_deref().unwrap_or_default());
            (siren.to_owned(), name.to_owned())
        };
        let (buyer, holder) = (parts(&wanted.buyer), parts(&wanted.holder));
        Ok(sql::query_as(select!(
            "($1 = '' OR buyer_siren = $1)
             AND ($2 = '' OR EXISTS (SELECT 1 FROM contract_holder h WHERE h.siren = $2 AND h.procedure_id = contract.procedure_id
               AND h.lot = contract.lot))
             AND ($3 = CAST(0 AS BIGINT) OR ends >= $3) AND ($4 = CAST(0 AS BIGINT) OR ends < $4)
             AND ($6 = '' OR buyer_siren = '' AND EXISTS (SELECT 1 FROM search s WHERE s.buyer_key = $6
               AND s.procedure_id = contract.procedure_id))
             AND ($7 = '' OR EXISTS (SELECT 1 FROM contract_holder h WHERE h.name_key = $7 AND h.siren = ''
               AND h.procedure_id = contract.procedure_id AND h.lot = contract.lot))
             AND NOT EXISTS (SELECT 1 FROM search s WHERE s.procedure_id = contract.procedure_id AND s.restricted <> 0)
             ORDER BY COALESCE(ends, 0) DESC, created DESC, procedure_id, lot LIMIT $5"
        ))
        .bind(buyer.0)
        .bind(holder.0)
        .bind(wanted.ends_from.map_or(0, |d| millis(start_of(d))))
        .bind(wanted.ends_before.map_or(0, |d| millis(start_of(d))))
        .bind(limit)
        .bind(buyer.1)
        .bind(holder.1)
        .fetch_all(&self.reader)
        .await?)
    }

    /// Contracts that became known since a moment and that companies of these SIRENs hold or held, latest first.
    pub async fn contracts_held_by(
        &self,
        sirens: &[String],
        since: DateTime<Utc>,
    ) -> Result<Vec<ContractRow>, StoreError> {
        let mut out = Vec::new();
        // Both engines bound the parameters of one statement.
        for part in sirens.chunks(500) {
            let marks: Vec<String> = (2..part.len() + 2).map(|n| format!("${n}")).collect();
            let sql = format!(
                "SELECT procedure_id, lot, document, created, offered FROM contract WHERE created >= $1 AND EXISTS (SELECT 1 FROM contract_holder h WHERE h.siren IN ({}) AND h.procedure_id = contract.procedure_id
                       AND h.lot = contract.lot)
                     AND NOT EXISTS (SELECT 1 FROM search s WHERE s.procedure_id = contract.procedure_id AND s.restricted <> 0)
                     ORDER BY created DESC, procedure_id, lot",
                marks.join(", ")
            );
            let mut query = sql::query_as::<ContractRow>(sql).bind(millis(since));
            for siren in part {
                query = query.bind(clean(siren));
            }
            out.extend(query.fetch_all(&self.reader).await?);
        }
        Ok(out)
    }

    /// What a buyer published since a moment and nobody holds yet, latest first.
    pub async fn calls_of_buyer(&self, siren: &str, since: DateTime<Utc>) -> Result<Vec<BuyersProcedure>, StoreError> {
        Ok(sql::query_as(
            "SELECT procedure_id, title, at FROM search WHERE siren = $1 AND at >= $2 AND restricted = 0
             AND status IN ('open', 'planned') ORDER BY at DESC, procedure_id LIMIT 500",
        )
        .bind(siren.to_owned())
        .bind(millis(since))
        .fetch_all(&self.reader)
        .await?)
    }

    /// What a buyer published since a moment, whoever won it since: what was called off or won by nobody is left out. A contract that came
    /// without a call is among them. Where its number or the notice's is not published, the buyer is the one of the same name.
    pub async fn bought_since(
        &self,
        siren: Option<&str>,
        name: &str,
        since: DateTime<Utc>,
    ) -> Result<Vec<BuyersProcedure>, StoreError> {
        Ok(sql::query_as(
            "SELECT procedure_id, title, at FROM search
             WHERE (siren = $1 AND $1 <> '' OR buyer_key = $2 AND $2 <> '' AND ($1 = '' OR siren IS NULL OR siren = ''))
             AND at >= $3 AND restricted = 0 AND status NOT IN ('cancelled', 'no_award') ORDER BY at DESC, procedure_id LIMIT 500",
        )
        .bind(siren.unwrap_or_default().to_owned())
        .bind(commune::key(name))
        .bind(millis(since))
        .fetch_all(&self.reader)
        .await?)
    }

    /// Buyers and holders whose name holds these words, at most `limit`.
    pub async fn parties_named(&self, words: &str, limit: i64) -> Result<Vec<Named>, StoreError> {
        let key = commune::key(words);
        if key.is_empty() {
            return Ok(Vec::new());
        }
        // Signs were taken out of the key: nothing in it means anything to LIKE.
        Ok(sql::query_as(
            "SELECT siren, MIN(name) FROM (
               SELECT siren, buyer AS name FROM search WHERE buyer_key LIKE $1 AND siren <> '' AND restricted = 0
               UNION ALL SELECT siren, name FROM contract_holder WHERE name_key LIKE $1 AND siren <> '') AS named
             GROUP BY siren ORDER BY MIN(name), siren LIMIT $2",
        )
        .bind(format!("%{key}%"))
        .bind(limit)
        .fetch_all(&self.reader)
        .await?)
    }

    /// How a party of that key ([`crate::accounts::keys`]) is called, as a buyer or as a holder.
    pub async fn name_of(&self, key: &str) -> Result<Option<String>, StoreError> {
        let (siren, name) = parts(key);
        let row: Option<(String,)> = sql::query_as(
            "SELECT name FROM (
               SELECT buyer AS name, at AS at FROM search WHERE siren = $1 AND $1 <> '' AND buyer <> '' AND restricted = 0
               UNION ALL SELECT h.name, c.created FROM contract_holder h JOIN contract c ON c.procedure_id = h.procedure_id AND c.lot = h.lot
                 WHERE h.siren = $1 AND $1 <> '' AND h.name_key <> ''
               UNION ALL SELECT buyer, at FROM search WHERE buyer_key = $2 AND $2 <> '' AND restricted = 0 AND (siren IS NULL OR siren = '')
               UNION ALL SELECT h.name, c.created FROM contract_holder h JOIN contract c ON c.procedure_id = h.procedure_id AND c.lot = h.lot
                 WHERE h.name_key = $2 AND $2 <> '' AND h.siren = '') AS known ORDER BY at DESC, name LIMIT 1",
        )
        .bind(siren.to_owned())
        .bind(name.to_owned())
        .fetch_optional(&self.reader)
        .await?;
        Ok(row.map(|(name,)| name))
    }

    /// Procedures of a buyer of that key as a search finds them, latest first.
    pub async fn procedures_bought_by(&self, key: &str, limit: i64) -> Result<Vec<String>, StoreError> {
        let (siren, name) = parts(key);
        let rows: Vec<(String,)> = sql::query_as(
            "SELECT procedure_id FROM search
             WHERE (siren = $1 AND $1 <> '' OR buyer_key = $2 AND $2 <> '' AND (siren IS NULL OR siren = ''))
             AND restricted = 0 ORDER BY at DESC, procedure_id LIMIT $3",
        )
        .bind(siren.to_owned())
        .bind(name.to_owned())
        .bind(limit)
        .fetch_all(&self.reader)
        .await?;
        Ok(rows.into_iter().map(|(id,)| id).collect())
    }
}

/// A stored day, from the moment at which it begins.
pub(crate) fn day_of(stored: i64) -> NaiveDate {
    moment(stored).date_naive()
}

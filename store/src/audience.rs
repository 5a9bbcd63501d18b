//! Who may hear of notices, as a process follows it: which people changed since it last looked, and all there is to know of
//! some of them.
//!
//! Every write that changes a person's subscriptions, addresses, profile or rhythm notes that person's number under a new
//! change number, in its own transaction (`person_changed`). Change numbers are taken from one row that a writer holds
//! until its commit, so that whoever sees number `n` sees every change up to `n`. Every writer takes it after the rows
//! that it changes, so that none waits for another in a circle. An erasure leaves the number behind, which
//! then leads to nobody.
//!
//! Old changes are forgotten ([`Store::forget_changes`]): a process that was behind them reads everybody anew.

use std::collections::HashMap;

use serde_json::{Value, json};
use vigie_domain::subscription::Rhythm;
use vigie_domain::taste::Taste;
use vigie_domain::{Absence, Filter, Routes, Subscriber, Subscription};

use crate::Store;
use crate::address::{Address, address_columns};
use crate::columns::from_json;
use crate::error::StoreError;
use crate::ingest::IngestTx;
use crate::people_rows::{PersonRow, SubscriptionRow, subscription_columns};
use crate::preferences::absence;
use crate::rows::over_rows;
use crate::sql::{self, Engine, FromRow, Row, Runs, SqlError, Transaction};
use crate::taste;

/// How many changes are kept for processes that are behind.
const KEPT: i64 = 100_000;
/// Most changes forgotten at once.
const FORGOTTEN_AT_ONCE: i64 = 10_000;

/// The columns of a [`NumberedPerson`].
macro_rules! person_columns {
    () => {
        "id, name, role, profile, number, rhythm, routes, away_until, stand_in, away_from"
    };
}

/// A person with all that decides whether and how they hear of a notice.
#[derive(Debug, Clone, PartialEq)]
pub struct Person {
    /// Their number: see [`Changes::people`].
    pub number: i64,
    /// Who they are.
    pub subscriber: Subscriber,
    /// How messages come to them.
    pub rhythm: Rhythm,
    /// Which channels carry what.
    pub routes: Routes,
    /// They are away, or were.
    pub away: Option<Absence>,
    /// Oldest first.
    pub subscriptions: Vec<Subscription>,
    /// Oldest first, whatever their state.
    pub addresses: Vec<Address>,
    /// What their structure learned to hear of later, and agreed to.
    pub tastes: Vec<Taste>,
}

/// What changed since a change number.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Changes {
    /// The latest change number.
    pub version: i64,
    /// Numbers of the people who changed, were added or are gone; `None` where that is forgotten: anybody may have changed.
    pub people: Option<Vec<i64>>,
}

/// A subscription's conditions, with the number of the person who has it.
#[derive(Debug, Clone, PartialEq)]
pub struct NumberedFilter {
    pub person: i64,
    /// The subscription's identifier.
    pub subscription: String,
    pub filter: Filter,
}

impl FromRow for NumberedFilter {
    fn from_row(row: &Row<'_>) -> Result<Self, SqlError> {
        let filter: String = row.get(2)?;
        let filter = serde_json::from_str(&filter).map_err(|e| row.unreadable(2, e))?;
        Ok(Self { person: row.get(0)?, subscription: row.get(1)?, filter })
    }
}

impl Store {
    /// What changed since that change number.
    ///
    /// # Errors
    /// The database fails.
    pub async fn audience_changes(&self, since: i64) -> Result<Changes, StoreError> {
        // First the number, then what it stands for: what changes meanwhile is seen again at the next look.
        let (version, forgotten) = change_numbers(&self.key_reader).await?;
        if version == since {
            return Ok(Changes { version, people: Some(Vec::new()) });
        }
        let people = if since < forgotten { None } else { Some(changed_since(&self.reader, since).await?) };
        Ok(Changes { version, people })
    }

    /// The conditions of everybody's subscriptions, page by page: those after this person and subscription, at most `most`.
    ///
    /// # Errors
    /// The database fails, or a row cannot be read.
    pub async fn filters_after(
        &self,
        (person, subscription): (i64, &str),
        most: i64,
    ) -> Result<Vec<NumberedFilter>, StoreError> {
        let rows = sql::query_as(
            "SELECT p.number, s.id, s.filter FROM subscriber p JOIN subscription s ON s.subscriber_id = p.id
             WHERE p.number >= $1 AND (p.number > $1 OR s.id > $2) ORDER BY p.number, s.id LIMIT $3",
        )
        .bind(person)
        .bind(subscription)
        .bind(most)
        .fetch_all(&self.reader)
        .await?;
        Ok(rows)
    }

    /// The conditions of these people's subscriptions.
    ///
    /// # Errors
    /// The database fails, or a row cannot be read.
    pub async fn filters_of(&self, people: &[i64]) -> Result<Vec<NumberedFilter>, StoreError> {
        filters_of(&self.reader, self.engine(), people).await
    }

    /// Forgets changes that no process can still be waiting for; gives how many.
    ///
    /// # Errors
    /// The database fails.
    pub async fn forget_changes(&self) -> Result<u64, StoreError> {
        self.forget_changes_but(KEPT).await
    }

    /// The same, but for the latest `kept`.
    pub(crate) async fn forget_changes_but(&self, kept: i64) -> Result<u64, StoreError> {
        let (oldest,): (Option<i64>,) =
            sql::query_as("SELECT MIN(n) FROM audience_change").fetch_one(&self.key_reader).await?;
        let (version, _) = change_numbers(&self.key_reader).await?;
        let Some(last) = oldest.map(|n| (n + FORGOTTEN_AT_ONCE).min(version - kept)).filter(|n| *n > 0) else {
            return Ok(0);
        };
        let mut tx = self.begin().await?;
        let done = sql::query("DELETE FROM audience_change WHERE n <= $1").bind(last).execute(&mut tx).await?;
        sql::query("UPDATE meta SET value = $1 WHERE key = 'forgotten_changes' AND CAST(value AS BIGINT) < $2")
            .bind(last.to_string())
            .bind(last)
            .execute(&mut tx)
            .await?;
        tx.commit().await?;
        Ok(done)
    }
}

impl IngestTx {
    /// What changed since that change number, as this transaction sees it.
    ///
    /// # Errors
    /// The database fails.
    pub async fn audience_changes(&mut self, since: i64) -> Result<Changes, StoreError> {
        let (version, forgotten) = change_numbers(&mut self.tx).await?;
        if version == since {
            return Ok(Changes { version, people: Some(Vec::new()) });
        }
        let people = if since < forgotten { None } else { Some(changed_since(&mut self.tx, since).await?) };
        Ok(Changes { version, people })
    }

    /// The conditions of these people's subscriptions.
    ///
    /// # Errors
    /// The database fails, or a row cannot be read.
    pub async fn filters_of(&mut self, people: &[i64]) -> Result<Vec<NumberedFilter>, StoreError> {
        let engine = self.tx.engine();
        filters_of(&mut self.tx, engine, people).await
    }

    /// All there is to know of the people of these numbers.
    ///
    /// # Errors
    /// The database fails, or a row cannot be read.
    pub async fn people_by_number(&mut self, numbers: &[i64]) -> Result<Vec<Person>, StoreError> {
        if numbers.is_empty() {
            return Ok(Vec::new());
        }
        let rows: Vec<NumberedPerson> = sql::query_as(over_rows!(
            self.tx.engine(),
            [
                "SELECT ",
                person_columns!(),
                " FROM subscriber WHERE number IN (SELECT CAST(value ->> 'n' AS BIGINT) FROM "
            ],
            [")"]
        ))
        .bind(numbered(numbers))
        .fetch_all(&mut self.tx)
        .await?;
        self.with_what_they_have(rows).await
    }

    /// All there is to know of the people of these identifiers.
    ///
    /// # Errors
    /// The database fails, or a row cannot be read.
    pub async fn people_by_id(&mut self, ids: &[&str]) -> Result<Vec<Person>, StoreError> {
        if ids.is_empty() {
            return Ok(Vec::new());
        }
        let rows: Vec<NumberedPerson> = sql::query_as(over_rows!(
            self.tx.engine(),
            ["SELECT ", person_columns!(), " FROM subscriber WHERE id IN (SELECT value ->> 'id' FROM "],
            [")"]
        ))
        .bind(identified(ids.iter().copied()))
        .fetch_all(&mut self.tx)
        .await?;
        self.with_what_they_have(rows).await
    }

    async fn with_what_they_have(&mut self, people: Vec<NumberedPerson>) -> Result<Vec<Person>, StoreError> {
        let ids = identified(people.iter().map(|p| p.subscriber.id.as_str()));
        let subscriptions: Vec<SubscriptionRow> = sql::query_as(over_rows!(
            self.tx.engine(),
            [
                "SELECT ",
                subscription_columns!(),
                " FROM subscription WHERE subscriber_id IN (SELECT value ->> 'id' FROM "
            ],
            [") ORDER BY created, id"]
        ))
        .bind(ids.clone())
        .fetch_all(&mut self.tx)
        .await?;
        let addresses: Vec<Address> = sql::query_as(over_rows!(
            self.tx.engine(),
            ["SELECT ", address_columns!(), " FROM address WHERE subscriber_id IN (SELECT value ->> 'id' FROM "],
            [") ORDER BY created, id"]
        ))
        .bind(ids)
        .fetch_all(&mut self.tx)
        .await?;
        let structures = people.iter().map(|p| p.subscriber.structure());
        let tastes: Vec<(String, String, String, i64, i64)> = sql::query_as(over_rows!(
            self.tx.engine(),
            ["SELECT structure, sector, side, refused, decided FROM taste WHERE state = 'on' AND structure IN (SELECT value ->> 'id' FROM "],
            [") ORDER BY structure, asked, id"]
        ))
        .bind(identified(structures))
        .fetch_all(&mut self.tx)
        .await?;
        let tastes = taste::by_structure(tastes)?;
        let mut theirs: HashMap<String, (Vec<Subscription>, Vec<Address>)> = HashMap::new();
        for SubscriptionRow(one) in subscriptions {
            theirs.entry(one.subscriber.clone()).or_default().0.push(one);
        }
        for one in addresses {
            theirs.entry(one.subscriber.clone()).or_default().1.push(one);
        }
        let whole = |NumberedPerson { number, subscriber, rhythm, routes, away }| {
            let (subscriptions, addresses) = theirs.remove(&subscriber.id).unwrap_or_default();
            let place = format!("subscriber {}", subscriber.id);
            let (rhythm, routes) = (from_json(&rhythm, &place)?, from_json(&routes, &place)?);
            let tastes = tastes.get(subscriber.structure()).cloned().unwrap_or_default();
            Ok(Person { number, subscriber, rhythm, routes, away, subscriptions, addresses, tastes })
        };
        people.into_iter().map(whole).collect()
    }
}

struct NumberedPerson {
    number: i64,
    subscriber: Subscriber,
    rhythm: String,
    routes: String,
    away: Option<Absence>,
}

impl FromRow for NumberedPerson {
    fn from_row(row: &Row<'_>) -> Result<Self, SqlError> {
        let PersonRow(subscriber) = PersonRow::from_row(row)?;
        let away = absence((row.get(9)?, row.get(7)?), row.get(8)?);
        Ok(Self { subscriber, number: row.get(4)?, rhythm: row.get(5)?, routes: row.get(6)?, away })
    }
}

/// The latest change number, and the latest one that is forgotten.
async fn change_numbers(on: impl Runs) -> Result<(i64, i64), StoreError> {
    let rows: Vec<(String, String)> =
        sql::query_as("SELECT key, value FROM meta WHERE key IN ('subscription_version', 'forgotten_changes')")
            .fetch_all(on)
            .await?;
    let of = |key: &str| rows.iter().find(|(k, _)| k == key).and_then(|(_, value)| value.parse().ok()).unwrap_or(0);
    Ok((of("subscription_version"), of("forgotten_changes")))
}

async fn changed_since(on: impl Runs, since: i64) -> Result<Vec<i64>, StoreError> {
    let rows: Vec<(i64,)> =
        sql::query_as("SELECT DISTINCT person FROM audience_change WHERE n > $1").bind(since).fetch_all(on).await?;
    Ok(rows.into_iter().map(|(person,)| person).collect())
}

async fn filters_of(on: impl Runs, engine: Engine, people: &[i64]) -> Result<Vec<NumberedFilter>, StoreError> {
    if people.is_empty() {
        return Ok(Vec::new());
    }
    let rows = sql::query_as(over_rows!(
        engine,
        ["SELECT p.number, s.id, s.filter FROM subscriber p JOIN subscription s ON s.subscriber_id = p.id
          WHERE p.number IN (SELECT CAST(value ->> 'n' AS BIGINT) FROM "],
        [")"]
    ))
    .bind(numbered(people))
    .fetch_all(on)
    .await?;
    Ok(rows)
}

fn numbered(people: &[i64]) -> String {
    Value::from(people.iter().map(|n| json!({"n": n})).collect::<Vec<_>>()).to_string()
}

fn identified<'a>(ids: impl Iterator<Item = &'a str>) -> String {
    Value::from(ids.map(|id| json!({"id": id})).collect::<Vec<_>>()).to_string()
}

/// Takes the next change number, and keeps every other writer from taking one until the transaction ends.
pub(crate) async fn next_change(tx: &mut Transaction) -> Result<i64, StoreError> {
    let (n,): (String,) = sql::query_as(
        "UPDATE meta SET value = CAST(CAST(value AS BIGINT) + 1 AS TEXT) WHERE key = 'subscription_version' RETURNING value",
    )
    .fetch_one(&mut *tx)
    .await?;
    n.parse().map_err(|_| {
        let why = format!("{n} is no number");
        SqlError::Unreadable { row: "subscription_version".into(), column: "value".into(), why }.into()
    })
}

/// Notes that something of a person changed that matters to whether or how they hear of notices.
pub(crate) async fn person_changed(tx: &mut Transaction, subscriber: &str) -> Result<(), StoreError> {
    let n = next_change(tx).await?;
    note(tx, n, subscriber).await
}

/// Notes that the person of that number is there no more.
pub(crate) async fn person_gone(tx: &mut Transaction, number: i64) -> Result<(), StoreError> {
    let n = next_change(tx).await?;
    sql::query("INSERT INTO audience_change (n, person) VALUES ($1, $2)").bind(n).bind(number).execute(tx).await?;
    Ok(())
}

/// The same as [`person_changed`], under a change number that was taken already.
pub(crate) async fn note(tx: &mut Transaction, n: i64, subscriber: &str) -> Result<(), StoreError> {
    sql::query(
        "INSERT INTO audience_change (n, person) SELECT CAST($1 AS BIGINT), number FROM subscriber WHERE id = $2 AND number IS NOT NULL
         ON CONFLICT (n, person) DO NOTHING",
    )
    .bind(n)
    .bind(subscriber.to_owned())
    .execute(tx)
    .await?;
    Ok(())
}

//! Personal data: what each table holds on a person, how it is exported, and how nothing of it is left.
//!
//! [`REGISTER`] names every table that knows of a person and says what becomes of its rows; [`IMPERSONAL`] names the others. A
//! test compares both with the schema: a table that stands in neither is a fault. An export reads what an erasure would
//! remove, so that neither forgets what the other knows.
//!
//! Erasing is one transaction; then the database's files are rebuilt ([`Store::scrub`]), so that no byte of it is left in them:
//! all of SQLite's and its log, the tables of [`REGISTER`] on PostgreSQL, with what its planner remembers of them. A crash
//! between the two leaves a mark by which the scheduler does it later.

mod register;

use std::collections::BTreeSet;

use chrono::{DateTime, Utc};
use serde_json::{Map, Value};
use vigie_domain::{Channel, Subscriber};

use crate::Store;
use crate::address::{Address, AddressState};
use crate::audience::person_gone;
use crate::columns::millis;
use crate::error::StoreError;
use crate::ids::{derived_id, random};
use crate::leads::forget_private_leads;
use crate::preferences::forget_stand_in;
use crate::sql::{self, Cell, Engine, FromRow, Row, SqlError, Transaction};
use crate::suppression;
use crate::suppression::mark;

use register::Fate;
pub use register::{Held, IMPERSONAL, REGISTER};

/// What stands where a person's name stood.
pub const ERASED: &str = "personne effacée";
/// Shortest name taken out of free text: a shorter one would take the words of others with it.
const MIN_NAME: usize = 4;
/// Key of the mark by which a rebuild is still to be done.
const SCRUB_DUE: &str = "scrub_due";
/// How often the log of SQLite is asked to empty while somebody reads.
const SCRUB_TRIES: u32 = 10;

/// What an erasure did, in numbers.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Erased {
    /// Rows that are gone.
    pub deleted: u64,
    /// Rows that stay under identifiers that lead nowhere.
    pub pseudonymised: u64,
}

/// A person on the way out.
struct Leaving {
    id: String,
    structure: String,
    /// Nobody else decides for the structure.
    alone: bool,
    /// Addresses and names, longest first.
    words: Vec<String>,
    addresses: Vec<Address>,
}

impl Store {
    /// Everything held on a person, table by table; `None` when there is no such person.
    pub async fn held_on(&self, subscriber: &str) -> Result<Option<Vec<(Held, Vec<Value>)>>, StoreError> {
        let Some(person) = self.subscriber(subscriber).await? else { return Ok(None) };
        let mut out = Vec::new();
        for held in REGISTER {
            let rows = self.rows_of(held, &person).await?;
            if !rows.is_empty() {
                out.push((*held, rows));
            }
        }
        out.reverse(); // who they are comes first
        Ok(Some(out))
    }

    /// Names of the tables of a SQLite database.
    ///
    /// # Errors
    /// The database fails, or is none of SQLite.
    pub async fn tables(&self) -> Result<Vec<String>, StoreError> {
        let rows: Vec<(String,)> = sql::query_as(
            "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite_%' ORDER BY name",
        )
        .fetch_all(&self.reader)
        .await?;
        Ok(rows.into_iter().map(|r| r.0).collect())
    }

    async fn rows_of(&self, held: &Held, person: &Subscriber) -> Result<Vec<Value>, StoreError> {
        let sql = format!("SELECT * FROM {} WHERE {}", held.table, held.of);
        let mut query = sql::query_as::<Shown>(sql.clone());
        if sql.contains("$1") {
            query = query.bind(person.id.clone());
        }
        if sql.contains("$2") {
            query = sql::query_as(sql.replace("$2", "$1")).bind(person.structure().to_owned());
        }
        Ok(query.fetch_all(&self.reader).await?.into_iter().map(|Shown(row)| row).collect())
    }

    /// Removes everything held on a person, and leaves a mark by which no import brings their addresses back: of every
    /// address where it is `their_wish`, else of those they once agreed to. `None` when there is no such person.
    /// [`Store::scrub`] then takes the last bytes out of the files.
    ///
    /// # Errors
    /// The database fails: then nothing was removed.
    pub async fn erase(
        &self,
        subscriber: &str,
        their_wish: bool,
        now: DateTime<Utc>,
    ) -> Result<Option<Erased>, StoreError> {
        let Some(leaving) = self.leaving(subscriber).await? else { return Ok(None) };
        let mut tx = self.begin().await?;
        let number: Option<(Option<i64>,)> = sql::query_as("SELECT number FROM subscriber WHERE id = $1")
            .bind(leaving.id.clone())
            .fetch_optional(&mut tx)
            .await?;
        let marked = leaving.addresses.iter().filter(|a| their_wish || a.state != AddressState::Unconfirmed);
        mark_addresses(&mut tx, marked, now).await?;
        let mut done = Erased::default();
        if leaving.alone {
            done.deleted += forget_private_leads(&mut tx, &leaving.id, &leaving.structure).await?;
        }
        let key = random()?; // thrown away at the end: nothing leads back
        for held in REGISTER {
            match held.fate {
                Fate::Deleted => done.deleted += delete(&mut tx, held, &leaving).await?,
                Fate::Pseudonym if held.table == "delivery" => {
                    done.pseudonymised += pseudonymise_deliveries(&mut tx, &leaving.id, &key, now).await?;
                }
                Fate::Pseudonym if held.table == "attempt" => {} // with their delivery
                Fate::Pseudonym => done.pseudonymised += pseudonymise_verdicts(&mut tx, &leaving.id, &key).await?,
                Fate::Unnamed(columns) => done.pseudonymised += unname(&mut tx, held, columns, &leaving).await?,
                Fate::DeletedIfMentioned(column) => {
                    done.deleted += delete_mentions(&mut tx, held.table, column, &leaving.addresses).await?;
                }
                Fate::DeletedIfNamed => done.deleted += delete_records_of(&mut tx, &leaving.words).await?,
                Fate::Scrubbed(column) => scrub_column(&mut tx, held.table, column, &leaving.words).await?,
            }
        }
        forget_stand_in(&mut tx, &leaving.id).await?;
        if let Some((Some(number),)) = number {
            person_gone(&mut tx, number).await?;
        }
        sql::query("INSERT INTO meta (key, value) VALUES ($1, '1') ON CONFLICT (key) DO NOTHING")
            .bind(SCRUB_DUE.to_owned())
            .execute(&mut tx)
            .await?;
        tx.commit().await?;
        Ok(Some(done))
    }

    async fn leaving(&self, subscriber: &str) -> Result<Option<Leaving>, StoreError> {
        let Some(person) = self.subscriber(subscriber).await? else { return Ok(None) };
        let addresses = self.addresses(subscriber).await?;
        let structure = person.structure().to_owned();
        let colleagues = self.subscribers().await?;
        let alone = !colleagues.iter().any(|p| p.id != person.id && p.structure() == structure);
        let mut words: BTreeSet<String> = addresses.iter().map(|a| a.value.clone()).collect();
        words.insert(person.name.clone());
        words.extend(self.names_of(subscriber).await?);
        let mut words: Vec<String> = words.into_iter().filter(|w| w.chars().count() >= MIN_NAME).collect();
        words.sort_by_key(|w| std::cmp::Reverse(w.len()));
        Ok(Some(Leaving { id: person.id, structure, alone, words, addresses }))
    }

    /// Takes what was deleted out of the files, where an erasure asks for it: rebuilds SQLite's pages and empties its log;
    /// has PostgreSQL clear its dead rows. `false` when it could not be finished and is still to be done.
    pub async fn scrub(&self) -> Result<bool, StoreError> {
        let due: Option<(String,)> = sql::query_as("SELECT value FROM meta WHERE key = $1")
            .bind(SCRUB_DUE.to_owned())
            .fetch_optional(&self.key_reader)
            .await?;
        if due.is_none() {
            return Ok(true);
        }
        // A plain VACUUM of PostgreSQL leaves the bytes in place until something is written over them.
        let tables = REGISTER.iter().map(|held| format!("VACUUM (FULL, ANALYZE) {}", held.table));
        let rebuilt: Vec<String> = match self.engine() {
            Engine::Sqlite => vec!["VACUUM".to_owned()],
            Engine::Postgres => tables.collect(),
        };
        self.db.maintain(rebuilt).await?;
        if self.engine() == Engine::Sqlite && !self.empty_log().await? {
            return Ok(false);
        }
        sql::query("DELETE FROM meta WHERE key = $1").bind(SCRUB_DUE.to_owned()).execute_alone(&self.db).await?;
        Ok(true)
    }

    /// Writes SQLite's log into its pages and cuts it to nothing; `false` while somebody reads all the time.
    async fn empty_log(&self) -> Result<bool, StoreError> {
        for _ in 0..SCRUB_TRIES {
            // Its first number says whether somebody kept it from finishing.
            if self.db.maintain(vec!["PRAGMA wal_checkpoint(TRUNCATE)".to_owned()]).await? == Some(0) {
                return Ok(true);
            }
            tokio::time::sleep(std::time::Duration::from_millis(200)).await;
        }
        Ok(false)
    }
}

async fn mark_addresses(
    tx: &mut Transaction,
    addresses: impl Iterator<Item = &Address>,
    now: DateTime<Utc>,
) -> Result<(), StoreError> {
    let salt = suppression::salt(tx).await?;
    for address in addresses.filter(|a| a.channel == Channel::Email) {
        sql::query("INSERT INTO suppressed (mark, at) VALUES ($1, $2) ON CONFLICT (mark) DO NOTHING")
            .bind(mark(&salt, address.channel, &address.value))
            .bind(now)
            .execute(tx)
            .await?;
    }
    Ok(())
}

async fn delete(tx: &mut Transaction, held: &Held, leaving: &Leaving) -> Result<u64, StoreError> {
    let sql = format!("DELETE FROM {} WHERE {}", held.table, held.of);
    Ok(sql::query(sql).bind(leaving.id.clone()).execute(tx).await?)
}

/// Deliveries and their attempts stay for the figures, under identifiers that no address gives back; what waited is
/// cancelled, and the channel's words go.
async fn pseudonymise_deliveries(
    tx: &mut Transaction,
    subscriber: &str,
    key: &str,
    now: DateTime<Utc>,
) -> Result<u64, StoreError> {
    let rows: Vec<(String, String)> =
        sql::query_as("SELECT id, address_id FROM delivery WHERE subscriber_id = $1 ORDER BY seq")
            .bind(subscriber.to_owned())
            .fetch_all(&mut *tx)
            .await?;
    let nobody = derived_id(&[key, subscriber]);
    for (id, address) in &rows {
        let fresh = derived_id(&[key, id]);
        sql::query("UPDATE attempt SET delivery_id = $1, detail = NULL WHERE delivery_id = $2")
            .bind(fresh.clone())
            .bind(id.clone())
            .execute(tx)
            .await?;
        sql::query(
            "UPDATE delivery SET id = $1, subscriber_id = $2, address_id = $3, why = NULL, token = NULL, holder = NULL,
             settled_at = COALESCE(settled_at, $4),
             state = CASE WHEN state IN ('pending', 'claimed', 'deferred', 'ambiguous') THEN 'cancelled' ELSE state END
             WHERE id = $5",
        )
        .bind(fresh)
        .bind(nobody.clone())
        .bind(derived_id(&[key, address]))
        .bind(millis(now))
        .bind(id.clone())
        .execute(tx)
        .await?;
    }
    Ok(rows.len() as u64)
}

/// A corrected verdict goes on holding; who corrected it, and their words, go.
async fn pseudonymise_verdicts(tx: &mut Transaction, subscriber: &str, key: &str) -> Result<u64, StoreError> {
    let done = sql::query("UPDATE verdict_correction SET subscriber_id = $1, note = '' WHERE subscriber_id = $2")
        .bind(derived_id(&[key, subscriber]))
        .bind(subscriber.to_owned())
        .execute(tx)
        .await?;
    Ok(done)
}

/// What a structure decided stays with its other members, without the person's name; where nobody is left, it goes.
async fn unname(tx: &mut Transaction, held: &Held, columns: &[&str], leaving: &Leaving) -> Result<u64, StoreError> {
    if leaving.alone {
        if held.table == "partner_call" {
            // What others answered to a coordinator who is gone is for nobody any more.
            for table in ["partner_position", "partner_invitation"] {
                let sql =
                    format!("DELETE FROM {table} WHERE call_id IN (SELECT id FROM partner_call WHERE structure = $1)");
                sql::query(sql).bind(leaving.structure.clone()).execute(tx).await?;
            }
        }
        if held.table == "hours_to_fill" {
            // Nor what structures answered to hours that nobody offers any more.
            let sql = "DELETE FROM hours_answer WHERE offer_id IN (SELECT id FROM hours_to_fill WHERE structure = $1)";
            sql::query(sql).bind(leaving.structure.clone()).execute(tx).await?;
        }
        let sql = format!("DELETE FROM {} WHERE structure = $1", held.table);
        let done = sql::query(sql).bind(leaving.structure.clone()).execute(tx).await?;
        return Ok(done);
    }
    let mut changed = 0;
    for column in columns {
        for word in leaving.words.iter().chain([&leaving.id]) {
            let sql = format!("UPDATE {} SET {column} = $1 WHERE structure = $2 AND {column} = $3", held.table);
            let done = sql::query(sql)
                .bind(ERASED.to_owned())
                .bind(leaving.structure.clone())
                .bind(word.clone())
                .execute(tx)
                .await?;
            changed += done;
        }
    }
    // What colleagues wrote may name the person.
    let written: &[&str] = match held.table {
        "decision" | "partner_position" | "partner_call" => &["note"],
        "operation" => &["remark", "next_step"],
        "operation_hours" => &["remark"],
        "operation_coefficient" => &["source"],
        "event" => &["title", "place"],
        "hours_to_fill" => &["contact", "note"],
        "hours_answer" => &["note"],
        "operation_note" => &["text"],
        _ => &[],
    };
    let documents: &[&str] = match held.table {
        "operation" => &["sheet"],
        "service_area" => &["document"],
        _ => &[],
    };
    for word in &leaving.words {
        for column in written {
            replace_of(tx, (held.table, column), word, &leaving.structure).await?;
        }
        for column in documents {
            replace_in_documents(tx, (held.table, column), word, &leaving.structure).await?;
        }
    }
    Ok(changed)
}

/// Takes a word out of a column of a structure's rows: what others wrote is theirs, and may mean somebody else.
async fn replace_of(
    tx: &mut Transaction,
    (table, column): (&str, &str),
    word: &str,
    structure: &str,
) -> Result<(), StoreError> {
    for spelling in spellings(word) {
        let sql = format!(
            "UPDATE {table} SET {column} = REPLACE({column}, $1, $2)
             WHERE structure = $3 AND {column} IS NOT NULL AND REPLACE({column}, $1, '') <> {column}"
        );
        sql::query(sql).bind(spelling).bind(ERASED.to_owned()).bind(structure.to_owned()).execute(tx).await?;
    }
    Ok(())
}

/// The same in JSON documents: in what they say, not in the names of their fields.
async fn replace_in_documents(
    tx: &mut Transaction,
    (table, column): (&str, &str),
    word: &str,
    structure: &str,
) -> Result<(), StoreError> {
    let sql = format!("SELECT DISTINCT {column} FROM {table} WHERE structure = $1 AND {column} IS NOT NULL");
    let rows: Vec<(String,)> = sql::query_as(sql).bind(structure.to_owned()).fetch_all(&mut *tx).await?;
    for (text,) in rows {
        let Ok(mut document) = serde_json::from_str::<Value>(&text) else { continue };
        let before = document.clone();
        spellings(word).iter().for_each(|spelling| replace_said(&mut document, spelling));
        if document != before {
            let sql = format!("UPDATE {table} SET {column} = $1 WHERE structure = $2 AND {column} = $3");
            let new = document.to_string();
            sql::query(sql).bind(new).bind(structure.to_owned()).bind(text).execute(&mut *tx).await?;
        }
    }
    Ok(())
}

fn replace_said(value: &mut Value, word: &str) {
    match value {
        Value::String(text) => *text = text.replace(word, ERASED),
        Value::Array(all) => all.iter_mut().for_each(|one| replace_said(one, word)),
        Value::Object(all) => all.values_mut().for_each(|one| replace_said(one, word)),
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}

/// An entry of a directory that names one of the person's addresses goes.
async fn delete_mentions(
    tx: &mut Transaction,
    table: &str,
    column: &str,
    addresses: &[Address],
) -> Result<u64, StoreError> {
    let mut deleted = 0;
    for address in addresses.iter().filter(|a| a.channel == Channel::Email) {
        let sql =
            format!("DELETE FROM {table} WHERE LENGTH(REPLACE(LOWER({column}), LOWER($1), '')) < LENGTH({column})");
        let done = sql::query(sql).bind(address.value.clone()).execute(tx).await?;
        deleted += done;
    }
    Ok(deleted)
}

/// Records put aside that name the person go: mails, above all. Their bytes are looked at here, since no two engines search
/// bytes alike.
async fn delete_records_of(tx: &mut Transaction, words: &[String]) -> Result<u64, StoreError> {
    let ids: Vec<(String,)> = sql::query_as("SELECT id FROM quarantine ORDER BY id").fetch_all(&mut *tx).await?;
    let words: Vec<String> = words.iter().map(|w| w.to_lowercase()).collect();
    let mut deleted = 0;
    for (id,) in ids {
        let row: Option<(Vec<u8>, String, Option<String>)> =
            sql::query_as("SELECT raw, reason, record_id FROM quarantine WHERE id = $1")
                .bind(id.clone())
                .fetch_optional(&mut *tx)
                .await?;
        let Some((raw, reason, record)) = row else { continue };
        let text = format!("{} {reason} {}", String::from_utf8_lossy(&raw), record.unwrap_or_default()).to_lowercase();
        if words.iter().any(|w| text.contains(w)) {
            let gone = sql::query("DELETE FROM quarantine WHERE id = $1").bind(id).execute(tx).await?;
            deleted += gone;
        }
    }
    Ok(deleted)
}

async fn scrub_column(tx: &mut Transaction, table: &str, column: &str, words: &[String]) -> Result<(), StoreError> {
    for word in words {
        replace(tx, table, column, word).await?;
    }
    Ok(())
}

/// A word as written, and in small letters.
fn spellings(word: &str) -> Vec<String> {
    let mut out = vec![word.to_owned()];
    if word.to_lowercase() != word {
        out.push(word.to_lowercase());
    }
    out
}

/// Takes a word out of a column, as written and in small letters.
async fn replace(tx: &mut Transaction, table: &str, column: &str, word: &str) -> Result<(), StoreError> {
    for spelling in spellings(word) {
        let sql = format!(
            "UPDATE {table} SET {column} = REPLACE({column}, $1, $2) WHERE {column} IS NOT NULL AND REPLACE({column}, $1, '') <> {column}"
        );
        sql::query(sql).bind(spelling).bind(ERASED.to_owned()).execute(tx).await?;
    }
    Ok(())
}

/// A row as JSON: text that is JSON itself is shown as such.
struct Shown(Value);

impl FromRow for Shown {
    fn from_row(row: &Row<'_>) -> Result<Self, SqlError> {
        let mut object = Map::new();
        for (place, name) in row.names().into_iter().enumerate() {
            let value = match row.get::<Cell>(place)? {
                Cell::Text(Some(text)) => {
                    let structured = text.starts_with(['{', '[']).then(|| serde_json::from_str(&text).ok()).flatten();
                    structured.unwrap_or(Value::String(text))
                }
                Cell::Integer(Some(number)) => Value::from(number),
                // Files are told by their size: their page gives them whole.
                Cell::Bytes(Some(bytes)) => {
                    let size = bytes.len();
                    Value::String(String::from_utf8(bytes).unwrap_or_else(|_| format!("{size} octets")))
                }
                Cell::Text(None) | Cell::Integer(None) | Cell::Bytes(None) => Value::Null,
            };
            object.insert(name, value);
        }
        Ok(Self(Value::Object(object)))
    }
}

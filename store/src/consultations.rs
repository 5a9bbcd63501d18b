//! Files of consultations that people gave, and what was read of them.
//!
//! A row of `consultation` is what one structure knows of one procedure; a file stands in `consultation_file` until it was read, no
//! longer. Bytes come sealed and go sealed: this module cannot read them. Whatever reads for people names the structure. Two rows of
//! one structure and one procedure come of procedures that were found to be one: both are shown.
//!
//! One process reads a consultation at a time, by lease; one whose process died is read again by the next.

use chrono::{DateTime, Duration, Utc};

use crate::Store;
use crate::columns::{clean, millis, words};
use crate::error::StoreError;
use crate::ids::{derived_id, random};
use crate::sql::{self, row};

/// How the reading of a consultation stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ReadingState {
    /// Files wait to be read, or are being read.
    Waiting,
    /// Every file that was given is read.
    Read,
    /// Reading ended the process several times: its files are gone unread.
    Failed,
}

impl ReadingState {
    /// As stored.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Waiting => "waiting",
            Self::Read => "read",
            Self::Failed => "failed",
        }
    }

    fn parse(word: &str) -> Option<Self> {
        [Self::Waiting, Self::Read, Self::Failed].into_iter().find(|s| s.as_str() == word)
    }
}

words! { ReadingState: ReadingState::parse }

/// What a structure knows of a procedure's consultation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ConsultationRow {
    pub id: String,
    pub structure: String,
    pub procedure: String,
    pub state: ReadingState,
    /// When the last files were given.
    pub at: DateTime<Utc>,
    /// Who gave the last ones, by name.
    pub given_by: String,
    /// Pieces read, of those known so far, while it is being read.
    pub done: u32,
    pub of: u32,
    /// What was found, without the texts, sealed; empty before the first reading ended.
    pub findings: Vec<u8>,
}

row!(ConsultationRow { id, structure, procedure, state, at, given_by, done, of, findings });

/// A file that waits to be read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WaitingFile {
    pub id: String,
    /// As it was called.
    pub name: String,
    /// Address that hears what was read; empty = its page shows it.
    pub answer_to: String,
    /// Sealed.
    pub content: Vec<u8>,
}

row!(WaitingFile { id, name, answer_to, content });

/// Files that somebody gives.
#[derive(Debug, Clone, Copy)]
pub struct GivenFiles<'a> {
    pub structure: &'a str,
    pub procedure: &'a str,
    /// Who gives them.
    pub subscriber: &'a str,
    pub name: &'a str,
    /// Address that hears what was read; empty = its page shows it.
    pub answer_to: &'a str,
    /// Name, sealed bytes, and a name of the bytes: the same file given twice is one.
    pub files: &'a [(String, Vec<u8>, String)],
}

macro_rules! select {
    ($rest:literal) => {
        concat!(
            "SELECT id, structure, procedure_id, state, at, given_by, done, total, findings FROM consultation WHERE ",
            $rest
        )
    };
}

impl Store {
    /// Keeps files until they are read; `false` where more than `most` bytes of the structure would wait, and nothing is kept.
    pub async fn give_consultation_files(
        &self,
        given: &GivenFiles<'_>,
        most: i64,
        now: DateTime<Utc>,
    ) -> Result<bool, StoreError> {
        let mut tx = self.begin().await?;
        let (waiting,): (i64,) = sql::query_as(
            "SELECT CAST(COALESCE(SUM(f.size), 0) AS BIGINT) FROM consultation_file f
             JOIN consultation c ON c.id = f.consultation_id WHERE c.structure = $1",
        )
        .bind(given.structure.to_owned())
        .fetch_one(&mut tx)
        .await?;
        let size = |bytes: &Vec<u8>| i64::try_from(bytes.len()).unwrap_or(i64::MAX);
        let more = given.files.iter().fold(0_i64, |sum, f| sum.saturating_add(size(&f.1)));
        if waiting.saturating_add(more) > most {
            return Ok(false);
        }
        let known: Option<(String,)> = sql::query_as(
            "SELECT id FROM consultation WHERE structure = $1 AND procedure_id = $2 ORDER BY at DESC, id LIMIT 1",
        )
        .bind(given.structure.to_owned())
        .bind(given.procedure.to_owned())
        .fetch_optional(&mut tx)
        .await?;
        let id = known.map_or_else(|| derived_id(&["consultation", given.structure, given.procedure]), |(id,)| id);
        sql::query(
            "INSERT INTO consultation (id, structure, procedure_id, state, at, given_by, findings, texts)
             VALUES ($1, $2, $3, 'waiting', $4, $5, $6, $6)
             ON CONFLICT (id) DO UPDATE SET state = 'waiting', at = $4, given_by = $5, tries = 0, done = 0, total = 0",
        )
        .bind(id.clone())
        .bind(given.structure.to_owned())
        .bind(given.procedure.to_owned())
        .bind(millis(now))
        .bind(clean(given.name))
        .bind(Vec::<u8>::new())
        .execute(&mut tx)
        .await?;
        for (name, bytes, fingerprint) in given.files {
            sql::query(
                "INSERT INTO consultation_file (id, consultation_id, subscriber_id, answer_to, name, size, at, content)
                 VALUES ($1, $2, $3, $4, $5, $6, $7, $8) ON CONFLICT (id) DO NOTHING",
            )
            .bind(derived_id(&["consultation file", &id, given.answer_to, name, fingerprint]))
            .bind(id.clone())
            .bind(given.subscriber.to_owned())
            .bind(given.answer_to.to_owned())
            .bind(clean(name))
            .bind(size(bytes))
            .bind(millis(now))
            .bind(bytes.clone())
            .execute(&mut tx)
            .await?;
        }
        tx.commit().await?;
        Ok(true)
    }

    /// Takes the consultation that waits longest, for `lease`; with how often it was begun before. `None` where none waits.
    pub async fn claim_consultation(
        &self,
        holder: &str,
        lease: Duration,
        now: DateTime<Utc>,
    ) -> Result<Option<(ConsultationRow, u32)>, StoreError> {
        // Nearly always there is none: no write for that.
        let waiting: Option<(String,)> = sql::query_as(
            "SELECT id FROM consultation WHERE state = 'waiting' AND lease_until <= $1 ORDER BY at, id LIMIT 1",
        )
        .bind(millis(now))
        .fetch_optional(&self.reader)
        .await?;
        let Some((id,)) = waiting else { return Ok(None) };
        let mut tx = self.begin().await?;
        let taken = sql::query(
            "UPDATE consultation SET lease_until = $2, holder = $4, tries = tries + 1
             WHERE id = $1 AND state = 'waiting' AND lease_until <= $3",
        )
        .bind(id.clone())
        .bind(millis(now + lease))
        .bind(millis(now))
        .bind(holder.to_owned())
        .execute(&mut tx)
        .await?;
        let row: Option<ConsultationRow> = match taken {
            0 => None,
            _ => sql::query_as(select!("id = $1")).bind(id.clone()).fetch_optional(&mut tx).await?,
        };
        let tries: Option<(u32,)> =
            sql::query_as("SELECT tries FROM consultation WHERE id = $1").bind(id).fetch_optional(&mut tx).await?;
        tx.commit().await?;
        Ok(row.zip(tries).map(|(row, (tries,))| (row, tries.saturating_sub(1))))
    }

    /// Gives a consultation back that could not be begun: it waits as before, and the try does not count.
    pub async fn give_back_consultation(&self, id: &str) -> Result<(), StoreError> {
        sql::query("UPDATE consultation SET tries = tries - 1, lease_until = 0 WHERE id = $1 AND state = 'waiting' AND tries > 0")
            .bind(id.to_owned())
            .execute_alone(&self.db)
            .await?;
        Ok(())
    }

    /// The files of a consultation that wait, as they came.
    pub async fn waiting_files(&self, consultation: &str) -> Result<Vec<WaitingFile>, StoreError> {
        Ok(sql::query_as(
            "SELECT id, name, answer_to, content FROM consultation_file WHERE consultation_id = $1 ORDER BY at, name, id",
        )
        .bind(consultation.to_owned())
        .fetch_all(&self.reader)
        .await?)
    }

    /// Notes how far `holder`'s reading is, so many pieces out of so many, and that it goes on until `lease`.
    pub async fn set_reading_progress(
        &self,
        consultation: &str,
        holder: &str,
        (done, of): (u32, u32),
        lease: DateTime<Utc>,
    ) -> Result<(), StoreError> {
        sql::query("UPDATE consultation SET done = $2, total = $3, lease_until = $4 WHERE id = $1 AND holder = $5")
            .bind(consultation.to_owned())
            .bind(i64::from(done))
            .bind(i64::from(of))
            .bind(millis(lease))
            .bind(holder.to_owned())
            .execute_alone(&self.db)
            .await?;
        Ok(())
    }

    /// Keeps what was read, sealed, and removes the files it was read of. Files that came meanwhile go on waiting. Nothing is kept
    /// where the reading is not `holder`'s any more (another took it when its lease had ended), or the consultation was removed
    /// meanwhile: `false`.
    pub async fn put_reading(
        &self,
        consultation: &str,
        holder: &str,
        (findings, texts): (&[u8], &[u8]),
        read: &[String],
        state: ReadingState,
    ) -> Result<bool, StoreError> {
        let mut tx = self.begin().await?;
        let held = sql::query("UPDATE consultation SET tries = 0 WHERE id = $1 AND holder = $2")
            .bind(consultation.to_owned())
            .bind(holder.to_owned())
            .execute(&mut tx)
            .await?;
        if held == 0 {
            return Ok(false);
        }
        for id in read {
            sql::query("DELETE FROM consultation_file WHERE id = $1").bind(id.clone()).execute(&mut tx).await?;
        }
        let changed = sql::query(
            "UPDATE consultation SET findings = $2, texts = $4, done = 0, total = 0, lease_until = 0, holder = '',
               state = CASE WHEN EXISTS (SELECT 1 FROM consultation_file f WHERE f.consultation_id = $1) THEN 'waiting' ELSE $3 END
             WHERE id = $1",
        )
        .bind(consultation.to_owned())
        .bind(findings.to_vec())
        .bind(state.as_str().to_owned())
        .bind(texts.to_vec())
        .execute(&mut tx)
        .await?;
        tx.commit().await?;
        Ok(changed == 1)
    }

    /// What a structure knows of a procedure's consultation, oldest first.
    pub async fn consultations_of(&self, structure: &str, procedure: &str) -> Result<Vec<ConsultationRow>, StoreError> {
        Ok(sql::query_as(select!("structure = $1 AND procedure_id = $2 ORDER BY at, id"))
            .bind(structure.to_owned())
            .bind(procedure.to_owned())
            .fetch_all(&self.reader)
            .await?)
    }

    /// All that was read of a consultation, texts included, sealed; empty before the first reading ended.
    pub async fn consultation_texts(&self, consultation: &str) -> Result<Vec<u8>, StoreError> {
        let row: Option<(Vec<u8>,)> = sql::query_as("SELECT texts FROM consultation WHERE id = $1")
            .bind(consultation.to_owned())
            .fetch_optional(&self.key_reader)
            .await?;
        Ok(row.map(|(bytes,)| bytes).unwrap_or_default())
    }

    /// A key of this database, made on first use: for what is sealed where the settings name no secret.
    pub async fn sealing_key(&self) -> Result<String, StoreError> {
        let kept: Option<(String,)> =
            sql::query_as("SELECT value FROM meta WHERE key = 'sealing_key'").fetch_optional(&self.key_reader).await?;
        if let Some((key,)) = kept {
            return Ok(key);
        }
        let mut tx = self.begin().await?;
        sql::query("INSERT INTO meta (key, value) VALUES ('sealing_key', $1) ON CONFLICT (key) DO NOTHING")
            .bind(random()? + &random()?)
            .execute(&mut tx)
            .await?;
        let (key,): (String,) =
            sql::query_as("SELECT value FROM meta WHERE key = 'sealing_key'").fetch_one(&mut tx).await?;
        tx.commit().await?;
        Ok(key)
    }

    /// The procedure of which a structure gave a consultation last; `None` where it gave none.
    pub async fn last_consultation(&self, structure: &str) -> Result<Option<String>, StoreError> {
        let row: Option<(String,)> =
            sql::query_as("SELECT procedure_id FROM consultation WHERE structure = $1 ORDER BY at DESC, id LIMIT 1")
                .bind(structure.to_owned())
                .fetch_optional(&self.reader)
                .await?;
        Ok(row.map(|(procedure,)| procedure))
    }

    /// Removes all that a structure gave and that was read of a procedure's consultation; `false` where there was nothing.
    pub async fn remove_consultation(&self, structure: &str, procedure: &str) -> Result<bool, StoreError> {
        let mut tx = self.begin().await?;
        sql::query(
            "DELETE FROM consultation_file WHERE consultation_id IN
               (SELECT id FROM consultation WHERE structure = $1 AND procedure_id = $2)",
        )
        .bind(structure.to_owned())
        .bind(procedure.to_owned())
        .execute(&mut tx)
        .await?;
        let done = sql::query("DELETE FROM consultation WHERE structure = $1 AND procedure_id = $2")
            .bind(structure.to_owned())
            .bind(procedure.to_owned())
            .execute(&mut tx)
            .await?;
        tx.commit().await?;
        Ok(done > 0)
    }
}

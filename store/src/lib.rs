//! Persistence: one SQL, two engines (SQLite embedded, PostgreSQL), and the outbox.
//!
//! Invariants:
//! - a notice, its verdict, its alert and every delivery it causes are committed in **one transaction** before anything
//!   is sent ([`ingest`]);
//! - a delivery is settled only by the one who holds its claim token ([`outbox`]);
//! - the same content of the same record changes nothing, the same (address, cause) makes one delivery.
//!
//! On failure: a [`StoreError`]; a transaction that fails leaves nothing behind. U+0000, which PostgreSQL refuses in
//! text, is stripped.

pub mod chats;
pub mod consent;
pub mod digests;
pub mod directory;
pub mod follow_up;
mod group;
pub mod inbox;
pub mod ingest;
pub mod invitations;
pub mod journal;
pub mod lanes;
pub mod messages;
pub mod outages;
pub mod outbox;
pub mod oversight;
pub mod own;
pub mod people;
pub mod personal;
pub mod retention;
mod rows;
mod schema;
pub mod search;
pub mod sessions;
pub mod sources;
pub mod tokens;
pub mod verdicts;

use std::path::Path;
use std::str::FromStr;
use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, Utc};
use sha2::{Digest, Sha256};
use sqlx::any::{AnyConnectOptions, AnyPoolOptions};
use sqlx::{Any, AnyConnection, AnyPool, Executor, Transaction};

/// How long a writer waits for another before giving up, in seconds.
const BUSY_TIMEOUT_S: u64 = 20;
/// Connections of a pool.
const CONNECTIONS: u32 = 6;

/// Which database stands behind.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Engine {
    /// Embedded; one file.
    Sqlite,
    /// A server; several processes may share it.
    Postgres,
}

/// Why the store could not do it.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// The address of the database is none that this program knows.
    #[error("adresse de base « {0} » inconnue ; écrivez sqlite:CHEMIN ou postgres://…")]
    Url(String),
    /// The database refused, or cannot be reached.
    #[error("base de données : {0}")]
    Database(#[from] sqlx::Error),
    /// The database was made by a newer program.
    #[error(
        "la base est à l’étape {found}, ce programme ne connaît que l’étape {newest} ; installez une version plus récente de Vigie"
    )]
    Newer {
        /// Step of the database.
        found: usize,
        /// Newest step of this program.
        newest: usize,
    },
    /// Subscriptions changed at every look.
    #[error("les abonnements changent sans cesse ; la veille reprendra à la prochaine passe")]
    Restless,
    /// What was stored cannot be read back.
    #[error("donnée illisible dans {place} : {source}")]
    Unreadable {
        /// Table and key.
        place: String,
        /// Why.
        source: serde_json::Error,
    },
}

/// A database.
#[derive(Debug, Clone)]
pub struct Store {
    pool: AnyPool,
    /// Where transactions are made: on SQLite one connection of its own, whose cache no other writer makes stale.
    writers: AnyPool,
    engine: Engine,
    group: Arc<group::Group>,
    /// One writer at a time on SQLite, in turn: its own wait for the lock sleeps, and may sleep long while others pass.
    writer: Arc<tokio::sync::Mutex<()>>,
}

/// A transaction that will write. Dropped without [`WriteTx::commit`], it leaves nothing behind.
pub(crate) struct WriteTx {
    engine: Engine,
    tx: Transaction<'static, Any>,
    _turn: Option<tokio::sync::OwnedMutexGuard<()>>,
}

impl WriteTx {
    /// Makes everything durable.
    pub(crate) async fn commit(self) -> Result<(), sqlx::Error> {
        self.tx.commit().await
    }
}

impl std::ops::Deref for WriteTx {
    type Target = AnyConnection;

    fn deref(&self) -> &Self::Target {
        &self.tx
    }
}

impl std::ops::DerefMut for WriteTx {
    fn deref_mut(&mut self) -> &mut Self::Target {
        &mut self.tx
    }
}

impl Store {
    /// Opens (and for SQLite creates) the database at `url`, and brings it to the newest step.
    ///
    /// # Errors
    /// The URL is unknown, the database cannot be reached, or is newer than this program.
    pub async fn open(url: &str) -> Result<Self, StoreError> {
        sqlx::any::install_default_drivers();
        let (engine, url) = if url.starts_with("postgres:") || url.starts_with("postgresql:") {
            (Engine::Postgres, url.to_owned())
        } else if let Some(path) = url.strip_prefix("sqlite:") {
            let mode = if path.contains('?') { "&mode=rwc" } else { "?mode=rwc" };
            (Engine::Sqlite, format!("sqlite:{path}{mode}"))
        } else {
            return Err(StoreError::Url(url.split('@').next_back().unwrap_or_default().to_owned()));
        };
        if let Some(path) = url.strip_prefix("sqlite:").map(|p| p.split('?').next().unwrap_or(p)) {
            create_for_owner(Path::new(path));
        }
        let options = AnyConnectOptions::from_str(&url)?;
        let pool = pool_of(engine, CONNECTIONS).connect_with(options.clone()).await?;
        let writers = match engine {
            Engine::Sqlite => pool_of(engine, 1).connect_with(options).await?,
            Engine::Postgres => pool.clone(),
        };
        let store = Self { pool, writers, engine, group: Arc::default(), writer: Arc::default() };
        let mut connection = store.pool.acquire().await?;
        schema::migrate(&mut connection, engine).await?;
        drop(connection);
        Ok(store)
    }

    /// Which engine stands behind.
    #[must_use]
    pub fn engine(&self) -> Engine {
        self.engine
    }

    /// Begins a transaction that will write.
    async fn begin(&self) -> Result<WriteTx, StoreError> {
        let turn = self.turn().await;
        let tx = match self.engine {
            Engine::Sqlite => self.writers.begin_with("BEGIN IMMEDIATE").await?,
            Engine::Postgres => self.writers.begin().await?,
        };
        Ok(WriteTx { engine: self.engine, tx, _turn: turn })
    }

    /// A turn to write one statement outside a transaction.
    async fn turn(&self) -> Option<tokio::sync::OwnedMutexGuard<()>> {
        match self.engine {
            Engine::Sqlite => Some(Arc::clone(&self.writer).lock_owned().await),
            Engine::Postgres => None,
        }
    }

    /// Closes all connections.
    pub async fn close(&self) {
        self.writers.close().await;
        self.pool.close().await;
    }

    /// Copies the whole database into a new file (SQLite).
    ///
    /// # Errors
    /// The file exists or cannot be written, or the engine is PostgreSQL (use `pg_dump`).
    pub async fn backup(&self, path: &str) -> Result<(), StoreError> {
        if self.engine == Engine::Postgres {
            return Err(StoreError::Url("postgres (utilisez pg_dump)".to_owned()));
        }
        sqlx::query("VACUUM INTO $1").bind(path.to_owned()).execute(&self.pool).await?;
        Ok(())
    }
}

fn pool_of(engine: Engine, connections: u32) -> AnyPoolOptions {
    AnyPoolOptions::new()
        .max_connections(connections)
        .acquire_timeout(Duration::from_secs(BUSY_TIMEOUT_S))
        // A file does not go away between two statements; a server may.
        .test_before_acquire(engine == Engine::Postgres)
        .after_connect(move |connection, _| {
            Box::pin(async move {
                if engine == Engine::Sqlite {
                    // FULL: a commit survives a power cut, as the promise of the outbox demands.
                    for pragma in [
                        "PRAGMA busy_timeout = 20000",
                        "PRAGMA journal_mode = WAL",
                        "PRAGMA synchronous = FULL",
                        "PRAGMA wal_autocheckpoint = 4000",
                        "PRAGMA temp_store = MEMORY",
                        "PRAGMA secure_delete = ON",
                        "PRAGMA cache_size = -32000",
                    ] {
                        connection.execute(pragma).await?;
                    }
                }
                Ok(())
            })
        })
}

/// Makes the database file readable by its owner alone before SQLite does: it holds addresses. What cannot be done here
/// is said by SQLite when it opens the file.
fn create_for_owner(path: &Path) {
    if !path.exists() && std::fs::File::create_new(path).is_ok() {
        only_for_owner(path);
    }
}

/// Takes a file's rights away from everyone but its owner, where the system knows such rights.
pub fn only_for_owner(path: &Path) {
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        if let Err(e) = std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o600)) {
            tracing::warn!("rights of {} cannot be narrowed: {e}", path.display());
        }
    }
}

/// Milliseconds since 1970, as stored.
pub(crate) fn millis(at: DateTime<Utc>) -> i64 {
    at.timestamp_millis()
}

/// A stored moment.
pub(crate) fn moment(millis: i64) -> DateTime<Utc> {
    DateTime::from_timestamp_millis(millis).unwrap_or_default()
}

/// Text without U+0000.
pub(crate) fn clean(text: &str) -> String {
    if text.contains('\0') { text.replace('\0', "") } else { text.to_owned() }
}

pub(crate) fn to_json<T: serde::Serialize>(value: &T) -> Result<String, StoreError> {
    // JSON writes U+0000 as an escape, which PostgreSQL's text accepts.
    serde_json::to_string(value).map_err(|source| StoreError::Unreadable { place: "écriture".into(), source })
}

pub(crate) fn from_json<T: serde::de::DeserializeOwned>(text: &str, place: &str) -> Result<T, StoreError> {
    serde_json::from_str(text).map_err(|source| StoreError::Unreadable { place: place.to_owned(), source })
}

/// A short identifier derived from its parts: the same parts give the same one.
#[must_use]
pub fn derived_id(parts: &[&str]) -> String {
    let mut digest = Sha256::new();
    for part in parts {
        digest.update(part.len().to_le_bytes());
        digest.update(part.as_bytes());
    }
    digest.finalize().iter().take(12).map(|b| format!("{b:02x}")).collect()
}

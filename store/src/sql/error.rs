//! Why a statement could not be run, or its rows not be read.

use std::error::Error;

/// Why the database did not do it.
#[derive(Debug, thiserror::Error)]
pub enum SqlError {
    /// SQLite refused.
    #[error("{0}")]
    Sqlite(#[from] rusqlite::Error),
    /// PostgreSQL refused, or cannot be reached.
    #[error("{}", with_causes(.0))]
    Postgres(#[from] tokio_postgres::Error),
    /// The database keeps text in an encoding that cannot hold every letter.
    #[error("la base est encodée en {0} : il la faut en UTF8 (CREATE DATABASE … ENCODING 'UTF8' TEMPLATE template0)")]
    Encoding(String),
    /// Every connection was in use for too long, or another process held the database.
    #[error("la base est restée occupée {0} s")]
    Busy(u64),
    /// A statement that gives one row gave none.
    #[error("une ligne attendue manque")]
    NoRow,
    /// What a row holds cannot be read.
    #[error("ligne « {row} », colonne {column} : {why}")]
    Unreadable {
        /// The first column of the row: its key.
        row: String,
        /// The column.
        column: String,
        /// What is wrong with it.
        why: String,
    },
    /// The system failed: a file, a thread, the source of random numbers.
    #[error("{0}")]
    Io(#[from] std::io::Error),
}

impl SqlError {
    /// Whether the database is busy, or cannot be reached, for now.
    pub(crate) fn is_away(&self) -> bool {
        match self {
            Self::Busy(_) | Self::Io(_) => true,
            Self::Postgres(e) => {
                e.is_closed() || e.code().is_none_or(|c| matches!(c.code().get(..2), Some("08" | "53" | "57")))
            }
            Self::Sqlite(_) => self.is_locked(),
            Self::Encoding(_) | Self::NoRow | Self::Unreadable { .. } => false,
        }
    }

    /// Whether there is no room left where the database writes (SQLITE_FULL; PostgreSQL's class 53, `disk_full`).
    pub(crate) fn is_full(&self) -> bool {
        match self {
            // A database that is opened where nothing is left stops at the memory that its processes share, beside the file.
            Self::Sqlite(e) => {
                e.sqlite_error_code() == Some(rusqlite::ErrorCode::DiskFull)
                    || e.sqlite_error().is_some_and(|e| e.extended_code == rusqlite::ffi::SQLITE_IOERR_SHMSIZE)
            }
            Self::Postgres(e) => e.code() == Some(&tokio_postgres::error::SqlState::DISK_FULL),
            Self::Io(e) => e.kind() == std::io::ErrorKind::StorageFull,
            _ => false,
        }
    }

    /// Whether SQLite could not begin because another process writes.
    pub(super) fn is_locked(&self) -> bool {
        matches!(self, Self::Sqlite(e) if matches!(e.sqlite_error_code(),
            Some(rusqlite::ErrorCode::DatabaseBusy | rusqlite::ErrorCode::DatabaseLocked)))
    }
}

/// An error with what lies under it: on its own it says "db error".
fn with_causes(error: &tokio_postgres::Error) -> String {
    let mut text = error.to_string().replace("error connecting to server", "connexion impossible");
    let mut cause = error.source();
    while let Some(e) = cause {
        text.push_str(" : ");
        text.push_str(&e.downcast_ref().map_or_else(|| e.to_string(), vigie_domain::french::of_system));
        cause = e.source();
    }
    text
}

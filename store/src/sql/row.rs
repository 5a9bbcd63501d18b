//! Rows and their columns, the same for both engines.

use rusqlite::types::ValueRef;
use tokio_postgres::types::Type;

use super::error::SqlError;
use super::statement::Value;

/// A row of either engine.
pub(crate) enum Row<'r> {
    Sqlite(&'r rusqlite::Row<'r>),
    Postgres(&'r tokio_postgres::Row),
}

/// What a column may hold.
pub(crate) trait Column: Sized {
    /// Reads the column at `place`, from 0.
    fn read(row: &Row<'_>, place: usize) -> Result<Self, SqlError>;
}

/// What a whole row may become.
pub(crate) trait FromRow: Sized + Send + 'static {
    /// Reads the row.
    fn from_row(row: &Row<'_>) -> Result<Self, SqlError>;
}

impl Row<'_> {
    /// The column at `place`, from 0.
    pub(crate) fn get<T: Column>(&self, place: usize) -> Result<T, SqlError> {
        T::read(self, place)
    }

    /// Names of the columns.
    pub(crate) fn names(&self) -> Vec<String> {
        match self {
            Self::Sqlite(row) => row.as_ref().column_names().into_iter().map(str::to_owned).collect(),
            Self::Postgres(row) => row.columns().iter().map(|c| c.name().to_owned()).collect(),
        }
    }

    /// Says which row and column cannot be read.
    pub(crate) fn unreadable(&self, place: usize, why: impl std::fmt::Display) -> SqlError {
        let column = self.names().get(place).cloned().unwrap_or_default();
        // The first column is the key of nearly every table.
        let row = self.get::<String>(0).or_else(|_| self.get::<i64>(0).map(|n| n.to_string())).unwrap_or_default();
        SqlError::Unreadable { row, column, why: why.to_string() }
    }
}

/// A column that each engine's crate reads by itself.
macro_rules! plain {
    ($($type:ty),*) => { $(
        impl Column for $type {
            fn read(row: &Row<'_>, place: usize) -> Result<Self, SqlError> {
                Ok(match row {
                    Row::Sqlite(row) => row.get(place)?,
                    Row::Postgres(row) => row.try_get(place)?,
                })
            }
        }
    )* };
}

plain!(String, i64, Vec<u8>, Option<String>, Option<i64>, Option<Vec<u8>>);

impl Column for Value {
    fn read(row: &Row<'_>, place: usize) -> Result<Self, SqlError> {
        Ok(match row {
            Row::Sqlite(sqlite) => match sqlite.get_ref(place)? {
                ValueRef::Null => Self::Text(None),
                ValueRef::Integer(number) => Self::Integer(Some(number)),
                ValueRef::Text(text) => Self::Text(Some(String::from_utf8_lossy(text).into_owned())),
                ValueRef::Blob(bytes) => Self::Bytes(Some(bytes.to_vec())),
                ValueRef::Real(_) => return Err(row.unreadable(place, "a number that is not whole")),
            },
            Row::Postgres(postgres) => match *postgres.columns()[place].type_() {
                Type::INT8 => Self::Integer(postgres.try_get(place)?),
                Type::BYTEA => Self::Bytes(postgres.try_get(place)?),
                _ => Self::Text(postgres.try_get(place)?),
            },
        })
    }
}

impl Column for bool {
    fn read(row: &Row<'_>, place: usize) -> Result<Self, SqlError> {
        Ok(row.get::<i64>(place)? != 0)
    }
}

/// The columns of a row, one after the other.
pub(crate) struct Columns<'a, 'r> {
    row: &'a Row<'r>,
    next: usize,
}

impl<'a, 'r> Columns<'a, 'r> {
    pub(crate) fn of(row: &'a Row<'r>) -> Self {
        Self { row, next: 0 }
    }

    /// The next column.
    pub(crate) fn next<T: Column>(&mut self) -> Result<T, SqlError> {
        self.next += 1;
        self.row.get(self.next - 1)
    }
}

/// Reads a struct from a row: its fields in the order of the columns.
macro_rules! row {
    ($kind:ident { $($field:ident),+ $(,)? }) => {
        impl $kind {
            #[allow(dead_code, reason = "few are read as a part of a longer row")]
            pub(crate) fn read(columns: &mut $crate::sql::Columns<'_, '_>) -> Result<Self, $crate::sql::SqlError> {
                Ok(Self { $($field: columns.next()?),+ })
            }
        }

        impl $crate::sql::FromRow for $kind {
            fn from_row(row: &$crate::sql::Row<'_>) -> Result<Self, $crate::sql::SqlError> {
                Self::read(&mut $crate::sql::Columns::of(row))
            }
        }
    };
}

pub(crate) use row;

impl FromRow for () {
    fn from_row(_: &Row<'_>) -> Result<Self, SqlError> {
        Ok(())
    }
}

macro_rules! tuples {
    ($(($($name:ident $place:literal),+))*) => { $(
        impl<$($name: Column + Send + 'static),+> FromRow for ($($name,)+) {
            fn from_row(row: &Row<'_>) -> Result<Self, SqlError> {
                Ok(($(row.get::<$name>($place)?,)+))
            }
        }
    )* };
}

tuples! {
    (A 0)
    (A 0, B 1)
    (A 0, B 1, C 2)
    (A 0, B 1, C 2, D 3)
    (A 0, B 1, C 2, D 3, E 4)
    (A 0, B 1, C 2, D 3, E 4, F 5)
    (A 0, B 1, C 2, D 3, E 4, F 5, G 6)
    (A 0, B 1, C 2, D 3, E 4, F 5, G 6, H 7)
    (A 0, B 1, C 2, D 3, E 4, F 5, G 6, H 7, I 8)
    (A 0, B 1, C 2, D 3, E 4, F 5, G 6, H 7, I 8, J 9)
    (A 0, B 1, C 2, D 3, E 4, F 5, G 6, H 7, I 8, J 9, K 10)
    (A 0, B 1, C 2, D 3, E 4, F 5, G 6, H 7, I 8, J 9, K 10, L 11)
    (A 0, B 1, C 2, D 3, E 4, F 5, G 6, H 7, I 8, J 9, K 10, L 11, M 12)
    (A 0, B 1, C 2, D 3, E 4, F 5, G 6, H 7, I 8, J 9, K 10, L 11, M 12, N 13)
}

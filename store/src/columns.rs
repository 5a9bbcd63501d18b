//! How values of the product stand in columns: moments as milliseconds since 1970, words of enums as text, documents as JSON.
//!
//! A word that the program does not know is an error that names the row and the column, never a default.

use chrono::{DateTime, NaiveDate, Utc};
use vigie_domain::follow_up::{Refusal, Stage};
use vigie_domain::subscription::Role;
use vigie_domain::{AlertKind, Cause, Channel, DeliveryState, Disposition};

use crate::error::StoreError;
use crate::sql::{Cell, Column, Row, SqlError};

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

impl From<DateTime<Utc>> for Cell {
    fn from(at: DateTime<Utc>) -> Self {
        Self::Integer(Some(millis(at)))
    }
}

impl From<Option<DateTime<Utc>>> for Cell {
    fn from(at: Option<DateTime<Utc>>) -> Self {
        Self::Integer(at.map(millis))
    }
}

impl Column for DateTime<Utc> {
    fn read(row: &Row<'_>, place: usize) -> Result<Self, SqlError> {
        let stored: i64 = row.get(place)?;
        DateTime::from_timestamp_millis(stored).ok_or_else(|| row.unreadable(place, stored))
    }
}

impl Column for Option<DateTime<Utc>> {
    fn read(row: &Row<'_>, place: usize) -> Result<Self, SqlError> {
        let stored: Option<i64> = row.get(place)?;
        let at = |n| DateTime::from_timestamp_millis(n).ok_or_else(|| row.unreadable(place, n));
        stored.map(at).transpose()
    }
}

impl Column for u32 {
    fn read(row: &Row<'_>, place: usize) -> Result<Self, SqlError> {
        let stored: i64 = row.get(place)?;
        stored.try_into().map_err(|_| row.unreadable(place, stored))
    }
}

/// Types whose words stand in columns of text.
macro_rules! words {
    ($($kind:ty: $read:expr),* $(,)?) => { $(
        impl $crate::sql::Column for $kind {
            fn read(row: &$crate::sql::Row<'_>, place: usize) -> Result<Self, $crate::sql::SqlError> {
                let word: String = row.get(place)?;
                $read(&word).ok_or_else(|| row.unreadable(place, format!("« {word} »")))
            }
        }

        impl $crate::sql::Column for Option<$kind> {
            fn read(row: &$crate::sql::Row<'_>, place: usize) -> Result<Self, $crate::sql::SqlError> {
                let word: Option<String> = row.get(place)?;
                word.map(|word| $read(&word).ok_or_else(|| row.unreadable(place, format!("« {word} »")))).transpose()
            }
        }
    )* };
}

words! {
    AlertKind: AlertKind::parse,
    Cause: |word: &str| word.parse().ok(),
    Channel: Channel::parse,
    DeliveryState: DeliveryState::parse,
    Disposition: Disposition::parse,
    NaiveDate: |word: &str| word.parse().ok(),
    Refusal: Refusal::parse,
    Role: |word: &str| serde_json::from_value(word.into()).ok(),
    Stage: Stage::parse,
}

pub(crate) use words;

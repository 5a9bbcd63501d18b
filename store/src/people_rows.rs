//! How rows of people and of subscriptions are read.

use vigie_domain::{Subscriber, Subscription};

use crate::columns::moment;
use crate::sql::{FromRow, Row, SqlError};

/// Reads a person: identifier, name, role, profile.
pub(crate) struct PersonRow(pub(crate) Subscriber);

impl FromRow for PersonRow {
    fn from_row(row: &Row<'_>) -> Result<Self, SqlError> {
        let profile: String = row.get(3)?;
        let profile = serde_json::from_str(&profile).map_err(|e| row.unreadable(3, e))?;
        Ok(Self(Subscriber { id: row.get(0)?, name: row.get(1)?, role: row.get(2)?, profile }))
    }
}

/// Reads a subscription: identifier, owner, filter, cadence, until when it is paused (0 = it is not), name.
pub(crate) struct SubscriptionRow(pub(crate) Subscription);

/// The columns of a [`SubscriptionRow`].
macro_rules! subscription_columns {
    () => {
        "id, subscriber_id, filter, cadence, paused_until, name"
    };
}

pub(crate) use subscription_columns;

impl FromRow for SubscriptionRow {
    fn from_row(row: &Row<'_>) -> Result<Self, SqlError> {
        let (filter, cadence, paused): (String, String, i64) = (row.get(2)?, row.get(3)?, row.get(4)?);
        Ok(Self(Subscription {
            id: row.get(0)?,
            subscriber: row.get(1)?,
            filter: serde_json::from_str(&filter).map_err(|e| row.unreadable(2, e))?,
            cadence: cadence.parse().map_err(|e| row.unreadable(3, e))?,
            paused_until: (paused > 0).then(|| moment(paused)),
            name: row.get(5)?,
        }))
    }
}

//! Where people are reached, and whether messages may go there.

use strum::{EnumString, IntoStaticStr};
use vigie_domain::Channel;

use crate::columns::words;
use crate::sql::row;

/// Where a person is reached.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Address {
    pub id: String,
    /// Its owner.
    pub subscriber: String,
    pub channel: Channel,
    /// The address on that channel.
    pub value: String,
    pub state: AddressState,
}

row!(Address { id, subscriber, channel, value, state });

/// The columns of an [`Address`].
macro_rules! address_columns {
    () => {
        "id, subscriber_id, channel, value, state"
    };
}

pub(crate) use address_columns;

/// Whether messages may go to an address.
#[derive(Debug, Clone, Copy, PartialEq, Eq, EnumString, IntoStaticStr)]
#[strum(serialize_all = "snake_case")]
pub enum AddressState {
    /// Given, not yet confirmed by its owner.
    Unconfirmed,
    /// In use.
    Active,
    /// Refused for good by the channel.
    Suspended,
    /// Its owner said stop.
    Stopped,
}

impl AddressState {
    /// The database's word.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        self.into()
    }

    /// As a person reads it.
    #[must_use]
    pub fn in_french(self) -> &'static str {
        match self {
            Self::Unconfirmed => "à confirmer",
            Self::Active => "en service",
            Self::Suspended => "hors service : refusée par son serveur",
            Self::Stopped => "désabonnée par son propriétaire",
        }
    }
}

words!(AddressState: |word: &str| word.parse().ok());

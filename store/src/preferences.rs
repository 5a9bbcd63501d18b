//! How a person is written to, and what of theirs they hold in their own hands: channels, days away, names of subscriptions. Each
//! statement names its owner.
//!
//! Of a person declared in the settings file, subscriptions and rhythm follow the file until they change something of it
//! themselves ([`Store::take_in_hand`]); from then on the file touches neither, until they give them back.

use std::collections::HashMap;

use vigie_domain::subscription::Rhythm;
use vigie_domain::{Absence, Channel, MessageKind, Routes};

use crate::Store;
use crate::address::Address;
use crate::columns::{clean, from_json, millis, moment, to_json};
use crate::error::StoreError;
use crate::sql::{self, Transaction};

/// How a person is written to.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Preferences {
    pub rhythm: Rhythm,
    pub routes: Routes,
    /// They are away, or were.
    pub away: Option<Absence>,
    /// They do not want to be told of subscriptions that give too much, or nothing.
    pub unadvised: bool,
}

/// The columns of [`Preferences`].
type Columns = (String, String, i64, i64, String, i64);

/// Reads the columns that say whether somebody is away.
pub(crate) fn absence((from, until): (i64, i64), stand_in: String) -> Option<Absence> {
    let stand_in = Some(stand_in).filter(|s| !s.is_empty());
    (until > 0).then(|| Absence { from: (from > 0).then(|| moment(from)), until: moment(until), stand_in })
}

/// Those of some addresses in use that carry a kind of message.
pub fn routed<'a>(
    routes: &Routes,
    kind: MessageKind,
    in_use: impl Iterator<Item = &'a Address> + Clone,
) -> impl Iterator<Item = &'a Address> {
    let all: Vec<Channel> = in_use.clone().map(|a| a.channel).collect();
    let chosen = routes.channels_of(kind, &all);
    in_use.filter(move |a| chosen.contains(&a.channel))
}

impl Store {
    /// How a person is written to; the defaults where there is no such person.
    pub async fn preferences(&self, subscriber: &str) -> Result<Preferences, StoreError> {
        let row: Option<Columns> = sql::query_as(
            "SELECT rhythm, routes, away_from, away_until, stand_in, advice FROM subscriber WHERE id = $1",
        )
        .bind(subscriber.to_owned())
        .fetch_optional(&self.key_reader)
        .await?;
        let Some((rhythm, routes, from, until, stand_in, advice)) = row else { return Ok(Preferences::default()) };
        let place = format!("subscriber {subscriber}");
        Ok(Preferences {
            rhythm: from_json(&rhythm, &place)?,
            routes: from_json(&routes, &place)?,
            away: absence((from, until), stand_in),
            unadvised: advice == 0,
        })
    }

    /// Who said to be away, from when and until when.
    pub async fn absences(&self) -> Result<HashMap<String, Absence>, StoreError> {
        let rows: Vec<(String, i64, i64, String)> =
            sql::query_as("SELECT id, away_from, away_until, stand_in FROM subscriber WHERE away_until > 0")
                .fetch_all(&self.reader)
                .await?;
        Ok(rows
            .into_iter()
            .filter_map(|(id, from, until, stand_in)| Some((id, absence((from, until), stand_in)?)))
            .collect())
    }

    /// The addresses of a person in use that carry a kind of message.
    pub async fn addresses_for(&self, subscriber: &str, kind: MessageKind) -> Result<Vec<Address>, StoreError> {
        let addresses = self.active_addresses(subscriber).await?;
        let routes = self.preferences(subscriber).await?.routes;
        Ok(routed(&routes, kind, addresses.iter()).cloned().collect())
    }

    /// Says which channels carry what of a person.
    pub async fn set_routes(&self, subscriber: &str, routes: &Routes) -> Result<(), StoreError> {
        let update = sql::query_as("UPDATE subscriber SET routes = $1 WHERE id = $2 AND routes <> $1 RETURNING id")
            .bind(to_json(routes)?);
        self.change_person(update.bind(subscriber.to_owned())).await.map(drop)
    }

    /// Says from when and until when a person is away, and who stands in for them; `None` = they are here.
    pub async fn set_absence(&self, subscriber: &str, away: Option<&Absence>) -> Result<(), StoreError> {
        let update = sql::query_as(
            "UPDATE subscriber SET away_until = $1, stand_in = $2, away_from = $3 WHERE id = $4 AND (away_until <> $1 OR stand_in <> $2 OR away_from <> $3) RETURNING id",
        )
        .bind(away.map_or(0, |a| millis(a.until)))
        .bind(away.and_then(|a| a.stand_in.clone()).unwrap_or_default())
        .bind(away.and_then(|a| a.from).map_or(0, millis));
        self.change_person(update.bind(subscriber.to_owned())).await.map(drop)
    }

    /// Gives a subscription of that person a name; `false` when they have none of that identifier.
    pub async fn name_subscription(&self, owner: &str, id: &str, name: &str) -> Result<bool, StoreError> {
        let update = sql::query_as(
            "UPDATE subscription SET name = $1 WHERE id = $2 AND subscriber_id = $3 RETURNING subscriber_id",
        );
        self.change_person(update.bind(clean(name)).bind(id.to_owned()).bind(owner.to_owned())).await
    }

    /// Whether subscriptions and rhythm of a person follow the settings file.
    pub async fn follows_file(&self, subscriber: &str) -> Result<bool, StoreError> {
        let row: Option<(String,)> =
            sql::query_as("SELECT id FROM subscriber WHERE id = $1 AND declared = 1 AND own_hands = 0")
                .bind(subscriber.to_owned())
                .fetch_optional(&self.key_reader)
                .await?;
        Ok(row.is_some())
    }

    /// Subscriptions and rhythm of a declared person are theirs from now on; `false` where they were already.
    pub async fn take_in_hand(&self, subscriber: &str) -> Result<bool, StoreError> {
        self.set_hands(subscriber, true).await
    }

    /// They follow the settings file again.
    pub async fn give_back_to_file(&self, subscriber: &str) -> Result<bool, StoreError> {
        self.set_hands(subscriber, false).await
    }

    async fn set_hands(&self, subscriber: &str, own: bool) -> Result<bool, StoreError> {
        let done =
            sql::query("UPDATE subscriber SET own_hands = $1 WHERE id = $2 AND declared = 1 AND own_hands <> $1")
                .bind(i64::from(own))
                .bind(subscriber.to_owned())
                .execute_alone(&self.db)
                .await?;
        Ok(done > 0)
    }
}

/// Nobody stands in by a person who is gone.
pub(crate) async fn forget_stand_in(tx: &mut Transaction, subscriber: &str) -> Result<(), StoreError> {
    sql::query("UPDATE subscriber SET stand_in = '' WHERE stand_in = $1")
        .bind(subscriber.to_owned())
        .execute(tx)
        .await?;
    Ok(())
}

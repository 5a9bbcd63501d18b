//! Subscribers, their addresses and subscriptions. Every change that matters to matching is noted, so that processes that
//! follow the audience see it (see [`crate::audience`]).

use std::collections::HashMap;

use chrono::{DateTime, Utc};
use vigie_domain::subscription::{Profile, Rhythm, Role};
use vigie_domain::{Cadence, Channel, Filter, Subscriber, Subscription};

use crate::Store;
use crate::address::address_columns;
use crate::audience::{next_change, note, person_changed};
use crate::carry_over::carry_over;
use crate::columns::{clean, from_json, millis, to_json};
use crate::error::StoreError;
use crate::ids::derived_id;
use crate::people_rows::{PersonRow, SubscriptionRow, subscription_columns};
use crate::sql::{self, Query, Transaction};
use crate::suppression;
use crate::suspension::withhold;

pub use crate::address::{Address, AddressState};

/// A person to be made, with an address.
#[derive(Debug, Clone)]
pub struct NewSubscriber {
    /// Who.
    pub subscriber: Subscriber,
    /// Where.
    pub addresses: Vec<(Channel, String, AddressState)>,
    /// Declared in the settings file: kept in step with it.
    pub declared: bool,
}

impl Store {
    /// The version of all subscriptions together.
    pub async fn subscription_version(&self) -> Result<i64, StoreError> {
        let (value,): (String,) = sql::query_as("SELECT value FROM meta WHERE key = 'subscription_version'")
            .fetch_one(&self.key_reader)
            .await?;
        Ok(value.parse().unwrap_or(0))
    }

    /// Every subscription with its owner, and the version they were read at.
    pub async fn subscriptions(&self) -> Result<(i64, Vec<(Subscription, Subscriber)>), StoreError> {
        let version = self.subscription_version().await?;
        let people = self.subscribers().await?;
        let people: std::collections::HashMap<&str, &Subscriber> = people.iter().map(|p| (p.id.as_str(), p)).collect();
        let rows: Vec<SubscriptionRow> =
            sql::query_as(concat!("SELECT ", subscription_columns!(), " FROM subscription ORDER BY created, id"))
                .fetch_all(&self.reader)
                .await?;
        let with_owner = |SubscriptionRow(subscription)| {
            let person = (*people.get(subscription.subscriber.as_str())?).clone();
            Some((subscription, person))
        };
        Ok((version, rows.into_iter().filter_map(with_owner).collect()))
    }

    /// Every person.
    pub async fn subscribers(&self) -> Result<Vec<Subscriber>, StoreError> {
        let rows: Vec<PersonRow> = sql::query_as("SELECT id, name, role, profile FROM subscriber ORDER BY created, id")
            .fetch_all(&self.reader)
            .await?;
        Ok(rows.into_iter().map(|PersonRow(person)| person).collect())
    }

    /// The person of that identifier.
    pub async fn subscriber(&self, id: &str) -> Result<Option<Subscriber>, StoreError> {
        let row: Option<PersonRow> = sql::query_as("SELECT id, name, role, profile FROM subscriber WHERE id = $1")
            .bind(id.to_owned())
            .fetch_optional(&self.key_reader)
            .await?;
        Ok(row.map(|PersonRow(person)| person))
    }

    /// The persons whom a key may mean: the one of that identifier, else all of that name or address.
    pub async fn find_subscribers(&self, key: &str) -> Result<Vec<Subscriber>, StoreError> {
        if let Some(person) = self.subscriber(key).await? {
            return Ok(vec![person]);
        }
        let rows: Vec<PersonRow> = sql::query_as(
            "SELECT id, name, role, profile FROM subscriber s WHERE name = $1
               OR EXISTS (SELECT 1 FROM address a WHERE a.subscriber_id = s.id AND LOWER(a.value) = LOWER($1))
             ORDER BY created, id",
        )
        .bind(clean(key))
        .fetch_all(&self.reader)
        .await?;
        Ok(rows.into_iter().map(|PersonRow(person)| person).collect())
    }

    /// The people who have this mailbox, in use or not, each with that address of theirs.
    pub async fn people_of_mailbox(&self, email: &str) -> Result<Vec<(Subscriber, Address)>, StoreError> {
        let mut out = Vec::new();
        for person in self.find_subscribers(email).await? {
            let theirs = |a: &Address| a.channel == Channel::Email && a.value.eq_ignore_ascii_case(email);
            let address = self.addresses(&person.id).await?.into_iter().find(theirs);
            out.extend(address.map(|address| (person, address)));
        }
        Ok(out)
    }

    /// Addresses of a person.
    pub async fn addresses(&self, subscriber: &str) -> Result<Vec<Address>, StoreError> {
        Ok(sql::query_as(concat!(
            "SELECT ",
            address_columns!(),
            " FROM address WHERE subscriber_id = $1 ORDER BY created, id"
        ))
        .bind(subscriber)
        .fetch_all(&self.key_reader)
        .await?)
    }

    /// An address by its identifier.
    pub async fn address(&self, id: &str) -> Result<Option<Address>, StoreError> {
        Ok(sql::query_as(concat!("SELECT ", address_columns!(), " FROM address WHERE id = $1"))
            .bind(id)
            .fetch_optional(&self.key_reader)
            .await?)
    }

    /// Addresses of a person to which messages may go.
    pub async fn active_addresses(&self, subscriber: &str) -> Result<Vec<Address>, StoreError> {
        let mut addresses = self.addresses(subscriber).await?;
        addresses.retain(|a| a.state == AddressState::Active);
        Ok(addresses)
    }

    /// Makes a person, or brings an existing one in step. Addresses already known keep their state, except that an
    /// unconfirmed one becomes active when so asked. An e-mail address whose owner had it erased is left out, unless its owner
    /// agreed anew ([`Store::lift_suppression`]) or is about to be asked.
    pub async fn put_subscriber(&self, new: &NewSubscriber, now: DateTime<Utc>) -> Result<(), StoreError> {
        let mut tx = self.begin().await?;
        put_person(&mut tx, new, now).await?;
        tx.commit().await?;
        Ok(())
    }

    /// How messages come to each person who said so.
    pub async fn rhythms(&self) -> Result<HashMap<String, Rhythm>, StoreError> {
        let rows: Vec<(String, String)> =
            sql::query_as("SELECT id, rhythm FROM subscriber WHERE rhythm <> '{}'").fetch_all(&self.reader).await?;
        rows.into_iter().map(|(id, text)| Ok((id.clone(), from_json(&text, &format!("subscriber {id}"))?))).collect()
    }

    /// Says how messages come to a person.
    pub async fn set_rhythm(&self, subscriber: &str, rhythm: &Rhythm) -> Result<(), StoreError> {
        let update = sql::query_as("UPDATE subscriber SET rhythm = $1 WHERE id = $2 AND rhythm <> $1 RETURNING id")
            .bind(if *rhythm == Rhythm::default() { "{}".to_owned() } else { to_json(rhythm)? });
        self.change_person(update.bind(subscriber.to_owned())).await.map(drop)
    }

    /// Says whether a person hears of what is reserved to others; `false` when there is no such person.
    pub async fn set_without_closed(&self, subscriber: &str, without: bool) -> Result<bool, StoreError> {
        let mut tx = self.begin().await?;
        let Some(mut profile) = profile_of(&mut tx, subscriber).await? else { return Ok(false) };
        profile.without_closed = without;
        sql::query("UPDATE subscriber SET profile = $1 WHERE id = $2")
            .bind(to_json(&profile)?)
            .bind(subscriber.to_owned())
            .execute(&mut tx)
            .await?;
        person_changed(&mut tx, subscriber).await?;
        tx.commit().await?;
        Ok(true)
    }

    /// Adds a subscription; the same filter and rhythm for the same person is one.
    pub async fn put_subscription(
        &self,
        subscriber: &str,
        filter: &Filter,
        cadence: Cadence,
        now: DateTime<Utc>,
    ) -> Result<String, StoreError> {
        let filter = to_json(filter)?;
        let mut tx = self.begin().await?;
        let id = free_id(&mut tx, subscriber, &filter, cadence).await?;
        let new = sql::query("INSERT INTO subscription (id, subscriber_id, filter, cadence, created) VALUES ($1, $2, $3, $4, $5) ON CONFLICT (id) DO NOTHING")
            .bind(id.clone())
            .bind(subscriber.to_owned())
            .bind(filter)
            .bind(cadence.to_string())
            .bind(millis(now))
            .execute(&mut tx)
            .await?;
        if new > 0 {
            person_changed(&mut tx, subscriber).await?;
        }
        tx.commit().await?;
        Ok(id)
    }

    /// The subscriptions of one person, oldest first.
    pub async fn subscriptions_of(&self, subscriber: &str) -> Result<Vec<Subscription>, StoreError> {
        let rows: Vec<SubscriptionRow> = sql::query_as(concat!(
            "SELECT ",
            subscription_columns!(),
            " FROM subscription WHERE subscriber_id = $1 ORDER BY created, id"
        ))
        .bind(subscriber)
        .fetch_all(&self.reader)
        .await?;
        Ok(rows.into_iter().map(|SubscriptionRow(subscription)| subscription).collect())
    }

    /// Puts other conditions in the place of a subscription's; `false` when there is none of that identifier.
    pub async fn set_filter(&self, subscription: &str, filter: &Filter) -> Result<bool, StoreError> {
        let filter = to_json(filter)?;
        let update = sql::query_as("UPDATE subscription SET filter = $1 WHERE id = $2 RETURNING subscriber_id");
        self.change_person(update.bind(filter).bind(subscription.to_owned())).await
    }

    /// Until when a subscription gives nothing; `None` = it gives. `false` when there is none of that identifier.
    pub async fn pause_subscription(
        &self,
        subscription: &str,
        until: Option<DateTime<Utc>>,
    ) -> Result<bool, StoreError> {
        let update = sql::query_as("UPDATE subscription SET paused_until = $1 WHERE id = $2 RETURNING subscriber_id");
        self.change_person(update.bind(until.map_or(0, millis)).bind(subscription.to_owned())).await
    }

    /// Removes a subscription; `false` when there is none of that identifier.
    pub async fn remove_subscription(&self, id: &str) -> Result<bool, StoreError> {
        let delete = sql::query_as("DELETE FROM subscription WHERE id = $1 RETURNING subscriber_id");
        self.change_person(delete.bind(id.to_owned())).await
    }

    /// Changes or removes something of one person (their row, a subscription) by a statement that gives their identifier; `false` when
    /// it found nothing to change.
    pub(crate) async fn change_person(&self, change: Query<(String,)>) -> Result<bool, StoreError> {
        let mut tx = self.begin().await?;
        let Some((owner,)) = change.fetch_optional(&mut tx).await? else { return Ok(false) };
        person_changed(&mut tx, &owner).await?;
        tx.commit().await?;
        Ok(true)
    }

    /// Keeps only these subscriptions of a person declared in the settings file.
    pub async fn keep_only_subscriptions(&self, subscriber: &str, kept: &[String]) -> Result<(), StoreError> {
        let rows: Vec<(String,)> = sql::query_as("SELECT id FROM subscription WHERE subscriber_id = $1")
            .bind(subscriber.to_owned())
            .fetch_all(&self.reader)
            .await?;
        for (id,) in rows.into_iter().filter(|(id,)| !kept.contains(id)) {
            self.remove_subscription(&id).await?;
        }
        Ok(())
    }

    /// Removes the subscriptions of persons that the settings file no longer declares, puts their addresses out of use and ends
    /// their sessions and tokens. Their history stays.
    pub async fn keep_only_declared(&self, kept: &[String]) -> Result<(), StoreError> {
        let rows: Vec<(String,)> =
            sql::query_as("SELECT id FROM subscriber WHERE declared = 1").fetch_all(&self.reader).await?;
        for (id,) in rows.into_iter().filter(|(id,)| !kept.contains(id)) {
            self.keep_only_subscriptions(&id, &[]).await?;
            self.keep_only_addresses(&id, &[]).await?;
            self.revoke_all(&id).await?;
        }
        Ok(())
    }

    /// Puts the addresses of a declared person that the settings file no longer names out of use; named again, they come
    /// back.
    pub async fn keep_only_addresses(
        &self,
        subscriber: &str,
        kept: &[(Channel, String, AddressState)],
    ) -> Result<(), StoreError> {
        let kept_out = self.suspended_since(subscriber).await?.is_some();
        for address in self.addresses(subscriber).await? {
            let in_use = address.state == AddressState::Active || kept_out && address.state == AddressState::Suspended;
            let named = kept.iter().any(|(channel, value, _)| *channel == address.channel && *value == address.value);
            if !named && in_use {
                self.set_address_state(&address.id, AddressState::Unconfirmed, "retirée du fichier de configuration")
                    .await?;
            }
        }
        Ok(())
    }

    /// Ends the claim of a person: approved, its SIRET becomes theirs, and what they did alone the structure's. Gives the SIRET; `None`
    /// when they claim none.
    pub async fn settle_claim(&self, subscriber: &str, approved: bool) -> Result<Option<String>, StoreError> {
        let settle = |person: &mut Subscriber| {
            let siret = person.profile.claimed_siret.take()?;
            if approved {
                person.profile.siret = Some(siret.clone());
            }
            Some(siret)
        };
        self.settle_person(subscriber, settle).await
    }

    /// Ends what a person says, to be a facilitator: granted, they are. `false` when they say no such thing.
    pub async fn settle_facilitator(&self, subscriber: &str, granted: bool) -> Result<bool, StoreError> {
        let settle = |person: &mut Subscriber| {
            let asks = person.asks_to_be_facilitator();
            person.profile.says_facilitator = false;
            if asks && granted {
                person.role = Role::Facilitator;
            }
            asks.then_some(())
        };
        Ok(self.settle_person(subscriber, settle).await?.is_some())
    }

    /// Changes a person as `settle` says, unless it gives nothing: what it gives.
    pub(crate) async fn settle_person<T>(
        &self,
        subscriber: &str,
        settle: impl FnOnce(&mut Subscriber) -> Option<T>,
    ) -> Result<Option<T>, StoreError> {
        let mut tx = self.begin().await?;
        // The row is locked before it is read: two answers at a time are one.
        sql::query("UPDATE subscriber SET id = id WHERE id = $1").bind(subscriber).execute(&mut tx).await?;
        let row: Option<PersonRow> = sql::query_as("SELECT id, name, role, profile FROM subscriber WHERE id = $1")
            .bind(subscriber)
            .fetch_optional(&mut tx)
            .await?;
        let Some(PersonRow(mut person)) = row else { return Ok(None) };
        let alone = person.structure() == person.id;
        let Some(settled) = settle(&mut person) else { return Ok(None) };
        sql::query("UPDATE subscriber SET profile = $1, role = $2 WHERE id = $3")
            .bind(to_json(&person.profile)?)
            .bind(to_json(&person.role)?.trim_matches('"').to_owned())
            .bind(subscriber)
            .execute(&mut tx)
            .await?;
        if alone && person.structure() != person.id {
            carry_over(&mut tx, &person.id, person.structure()).await?;
        }
        person_changed(&mut tx, subscriber).await?;
        tx.commit().await?;
        Ok(Some(settled))
    }

    /// Whether a person is declared in the settings file.
    pub async fn is_declared(&self, subscriber: &str) -> Result<bool, StoreError> {
        let row: Option<(i64,)> = sql::query_as("SELECT declared FROM subscriber WHERE id = $1")
            .bind(subscriber.to_owned())
            .fetch_optional(&self.key_reader)
            .await?;
        Ok(row.is_some_and(|(declared,)| declared != 0))
    }

    /// Changes the state of an address, with a note for the journal. `false`, with nothing changed, where there is no such address,
    /// or it would come into use while an operator keeps its owner out.
    pub async fn set_address_state(&self, address: &str, state: AddressState, note: &str) -> Result<bool, StoreError> {
        self.change_address_state(address, state, note, false).await
    }

    /// Puts an address out of use that its server refuses; `false` where it was already: several messages may be refused at once.
    pub async fn suspend_address(&self, address: &str, note: &str) -> Result<bool, StoreError> {
        self.change_address_state(address, AddressState::Suspended, note, true).await
    }

    /// `anew`: nothing is changed where that is its state already.
    async fn change_address_state(
        &self,
        address: &str,
        state: AddressState,
        note: &str,
        anew: bool,
    ) -> Result<bool, StoreError> {
        let mut tx = self.begin().await?;
        let owner: Option<(String,)> = sql::query_as(
            "UPDATE address SET state = $1, note = $2, withheld = 0 WHERE id = $3 AND ($4 = 0 OR state <> $1) AND ($1 <> 'active'
                   OR NOT EXISTS (SELECT 1 FROM subscriber s WHERE s.id = address.subscriber_id AND s.suspended > 0))
                 RETURNING subscriber_id",
        )
        .bind(state.as_str().to_owned())
        .bind(clean(note))
        .bind(address.to_owned())
        .bind(i64::from(anew))
        .fetch_optional(&mut tx)
        .await?;
        let Some((owner,)) = owner else { return Ok(false) };
        person_changed(&mut tx, &owner).await?;
        // Whoever kept them out at the same moment waited there.
        withhold(&mut tx, &owner).await?;
        tx.commit().await?;
        Ok(true)
    }
}

/// The identifier of a subscription: the same for the same wish, unless what bears it was changed into something else meanwhile.
async fn free_id(tx: &mut Transaction, subscriber: &str, filter: &str, cadence: Cadence) -> Result<String, StoreError> {
    let cadence = cadence.to_string();
    let mut id = derived_id(&[subscriber, filter, &cadence]);
    loop {
        let there: Option<(String,)> = sql::query_as("SELECT filter FROM subscription WHERE id = $1")
            .bind(id.clone())
            .fetch_optional(&mut *tx)
            .await?;
        if there.is_none_or(|(known,)| known == filter) {
            return Ok(id);
        }
        id = derived_id(&[subscriber, filter, &cadence, &id]);
    }
}

async fn profile_of(tx: &mut Transaction, subscriber: &str) -> Result<Option<Profile>, StoreError> {
    let row: Option<(String,)> = sql::query_as("SELECT profile FROM subscriber WHERE id = $1")
        .bind(subscriber.to_owned())
        .fetch_optional(tx)
        .await?;
    row.map(|(text,)| from_json(&text, &format!("subscriber {subscriber}"))).transpose()
}

/// Makes a person, or brings an existing one in step, as part of a transaction: see [`Store::put_subscriber`].
pub(crate) async fn put_person(
    tx: &mut Transaction,
    new: &NewSubscriber,
    now: DateTime<Utc>,
) -> Result<(), StoreError> {
    let role = to_json(&new.subscriber.role)?.trim_matches('"').to_owned();
    let mut profile = new.subscriber.profile.clone();
    let before = profile_of(tx, &new.subscriber.id).await?;
    // What a person turned off stays off, whoever brings them in step.
    profile.without_closed &= before.as_ref().is_none_or(|p| p.without_closed);
    let mut changed = sql::query(
        "INSERT INTO subscriber (id, name, role, profile, declared, created) VALUES ($1, $2, $3, $4, $5, $6)
         ON CONFLICT (id) DO UPDATE SET name = $2, role = $3, profile = $4
         WHERE subscriber.name <> $2 OR subscriber.role <> $3 OR subscriber.profile <> $4",
    )
    .bind(new.subscriber.id.clone())
    .bind(clean(&new.subscriber.name))
    .bind(role)
    .bind(to_json(&profile)?)
    .bind(i64::from(new.declared))
    .bind(millis(now))
    .execute(tx)
    .await?;
    if before.is_some_and(|p| p.siret.is_none()) && new.subscriber.structure() != new.subscriber.id {
        carry_over(tx, &new.subscriber.id, new.subscriber.structure()).await?;
    }
    for (channel, value, state) in &new.addresses {
        if *state == AddressState::Active && suppression::refuses_import(tx, *channel, value).await? {
            continue;
        }
        // A chat that moved keeps the identifier of its first address.
        changed += sql::query(
            "UPDATE address SET state = $1 WHERE state = 'unconfirmed' AND (id = $2 OR subscriber_id = $3 AND channel = $4 AND value = $5)",
        )
        .bind(state.as_str().to_owned())
        .bind(derived_id(&[&new.subscriber.id, channel.as_str(), value]))
        .bind(new.subscriber.id.clone())
        .bind(channel.as_str().to_owned())
        .bind(clean(value))
        .execute(tx)
        .await?;
        changed += sql::query(
            "INSERT INTO address (id, subscriber_id, channel, value, state, created) VALUES ($1, $2, $3, $4, $5, $6) ON CONFLICT DO NOTHING",
        )
        .bind(derived_id(&[&new.subscriber.id, channel.as_str(), value]))
        .bind(new.subscriber.id.clone())
        .bind(channel.as_str().to_owned())
        .bind(clean(value))
        .bind(state.as_str().to_owned())
        .bind(millis(now))
        .execute(tx)
        .await?;
    }
    changed += withhold(tx, &new.subscriber.id).await?;
    // Messages of chats show what the person's structure decides.
    sql::query(
        "UPDATE chat_message SET structure = $1, revision = revision + 1 WHERE subscriber_id = $2 AND structure <> $1",
    )
    .bind(new.subscriber.structure().to_owned())
    .bind(new.subscriber.id.clone())
    .execute(tx)
    .await?;
    // The settings file names the same people at every start.
    if changed == 0 {
        return Ok(());
    }
    // A new person's number is that of the change that made them.
    let number = next_change(tx).await?;
    sql::query("UPDATE subscriber SET number = $1 WHERE id = $2 AND number IS NULL")
        .bind(number)
        .bind(new.subscriber.id.clone())
        .execute(tx)
        .await?;
    note(tx, number, &new.subscriber.id).await
}

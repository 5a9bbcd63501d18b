//! Chats: which message of a chat carries which delivery, and whether the state it shows is still the one decided; who a
//! chat belongs to; where a conversation stands; how much a chat was heard of late.
//!
//! A decision, on whatever channel, raises the revision of every message that shows its procedure to its structure, in the
//! transaction that writes it ([`Store::decide`]); a chat shows the new state and says which revision it showed, so that a
//! decision made meanwhile is shown next. A crash between the two shows the same state again.

use chrono::{DateTime, Duration, Utc};
use vigie_domain::{Cause, Channel, Decision, Stage, Subscriber};

use crate::Store;
use crate::address::{Address, address_columns};
use crate::audience::person_changed;
use crate::columns::{clean, millis};
use crate::error::StoreError;
use crate::sql::{self, Transaction, row};

/// A message of a chat that carries a delivery.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ChatMessage {
    pub channel: Channel,
    /// The chat, as its address reads.
    pub chat: String,
    /// The message, as the channel names it.
    pub message: String,
    /// The delivery it carries.
    pub delivery: String,
    /// Whose delivery.
    pub subscriber: String,
    /// Its procedure.
    pub procedure: String,
    /// The message that shows the state, where it is another one.
    pub state_message: Option<String>,
    /// The state line it shows; empty = none.
    pub shown: String,
    /// What [`Store::refreshed`] is told.
    pub revision: i64,
}

/// What a delivery that a chat got is about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Received {
    /// Whose it is.
    pub subscriber: String,
    /// Its procedure; empty for a digest or a word of the service.
    pub procedure: String,
    pub cause: Cause,
}

/// A conversation under way.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Standing {
    /// Where it stands, as its owner writes it; empty = none.
    pub text: String,
    /// Changes with every step: two who answer at once do not both move it.
    pub version: i64,
}

/// Most names kept of one chat.
const MAX_NAMES: usize = 40;

row!(Received { subscriber, procedure, cause });
row!(ChatMessage { channel, chat, message, delivery, subscriber, procedure, state_message, shown, revision });

impl Store {
    /// The delivery that this chat got; `None` when it is unknown, or was sent elsewhere.
    pub async fn received(&self, delivery: &str, channel: Channel, chat: &str) -> Result<Option<Received>, StoreError> {
        let row: Option<Received> = sql::query_as(
            "SELECT d.subscriber_id, d.procedure_id, d.cause FROM delivery d JOIN address a ON a.id = d.address_id
             WHERE d.id = $1 AND a.channel = $2 AND a.value = $3 AND a.subscriber_id = d.subscriber_id",
        )
        .bind(delivery.to_owned())
        .bind(channel.as_str().to_owned())
        .bind(clean(chat))
        .fetch_optional(&self.key_reader)
        .await?;
        Ok(row)
    }

    /// Keeps which message of a chat carries a delivery, if it is about a procedure. Where the structure has decided
    /// already, its state is to be shown. The same message again changes nothing.
    pub async fn remember_message(
        &self,
        delivery: &str,
        channel: Channel,
        chat: &str,
        message: &str,
        now: DateTime<Utc>,
    ) -> Result<(), StoreError> {
        let Some((subscriber, procedure)) = self.subject_of(delivery).await? else { return Ok(()) };
        let Some(person) = self.subscriber(&subscriber).await? else { return Ok(()) };
        let mut tx = self.begin().await?;
        sql::query(
            "INSERT INTO chat_message (channel, chat, message, delivery_id, subscriber_id, structure, procedure_id, revision, at)
             VALUES ($1, $2, $3, $4, $5, $6, $7,
               (SELECT COUNT(*) FROM decision WHERE structure = $6 AND procedure_id = $7 AND (stage <> 'spotted' AND stage <> 'read' OR remind_at IS NOT NULL)), $8)
             ON CONFLICT (channel, chat, message) DO NOTHING",
        )
        .bind(channel.as_str().to_owned())
        .bind(clean(chat))
        .bind(clean(message))
        .bind(delivery.to_owned())
        .bind(subscriber)
        .bind(person.structure().to_owned())
        .bind(procedure)
        .bind(millis(now))
        .execute(&mut tx)
        .await?;
        tx.commit().await?;
        Ok(())
    }

    /// Messages of a channel that show another state than the one decided, oldest first.
    pub async fn messages_to_refresh(&self, channel: Channel, limit: i64) -> Result<Vec<ChatMessage>, StoreError> {
        Ok(sql::query_as(
            "SELECT channel, chat, message, delivery_id, subscriber_id, procedure_id, state_message, shown, revision FROM chat_message
             WHERE channel = $1 AND revision > shown_revision ORDER BY at, message LIMIT $2",
        )
        .bind(channel.as_str())
        .bind(limit)
        .fetch_all(&self.reader)
        .await?)
    }

    /// Notes the state a message shows now, and in which message where that is another one.
    pub async fn refreshed(
        &self,
        message: &ChatMessage,
        shown: &str,
        state_message: Option<&str>,
    ) -> Result<(), StoreError> {
        let mut tx = self.begin().await?;
        sql::query(
            "UPDATE chat_message SET shown = $1, shown_revision = $2, state_message = COALESCE($3, state_message)
             WHERE channel = $4 AND chat = $5 AND message = $6",
        )
        .bind(clean(shown))
        .bind(message.revision)
        .bind(state_message.map(clean))
        .bind(message.channel.as_str().to_owned())
        .bind(message.chat.clone())
        .bind(message.message.clone())
        .execute(&mut tx)
        .await?;
        tx.commit().await?;
        Ok(())
    }

    /// The delivery that a message of a chat carries.
    pub async fn delivery_of_message(
        &self,
        channel: Channel,
        chat: &str,
        message: &str,
    ) -> Result<Option<String>, StoreError> {
        let row: Option<(String,)> = sql::query_as(
            "SELECT delivery_id FROM chat_message WHERE channel = $1 AND chat = $2 AND (message = $3 OR state_message = $3)",
        )
        .bind(channel.as_str().to_owned())
        .bind(clean(chat))
        .bind(clean(message))
        .fetch_optional(&self.key_reader)
        .await?;
        Ok(row.map(|r| r.0))
    }

    /// People whose address this chat is, with that address: those in use first, then the oldest.
    pub async fn people_of_chat(&self, channel: Channel, chat: &str) -> Result<Vec<(Subscriber, Address)>, StoreError> {
        let rows: Vec<Address> = sql::query_as(concat!(
            "SELECT ",
            address_columns!(),
            " FROM address WHERE channel = $1 AND value = $2 ORDER BY CASE state WHEN 'active' THEN 0 ELSE 1 END, created, id"
        ))
        .bind(channel.as_str().to_owned())
        .bind(clean(chat))
        .fetch_all(&self.reader)
        .await?;
        let mut out = Vec::new();
        for address in rows {
            if let Some(person) = self.subscriber(&address.subscriber).await? {
                out.push((person, address));
            }
        }
        Ok(out)
    }

    /// The topic of a chat in which its people are written to, where it has topics.
    pub async fn topic_of(&self, channel: Channel, chat: &str) -> Result<Option<i64>, StoreError> {
        let row: Option<(i64,)> =
            sql::query_as("SELECT topic FROM address WHERE channel = $1 AND value = $2 AND topic <> 0 LIMIT 1")
                .bind(channel.as_str())
                .bind(chat)
                .fetch_optional(&self.key_reader)
                .await?;
        Ok(row.map(|(topic,)| topic))
    }

    /// Remembers the topic of a chat in which its people want to be written to; none = its main one.
    pub async fn set_topic(&self, channel: Channel, chat: &str, topic: Option<i64>) -> Result<(), StoreError> {
        sql::query("UPDATE address SET topic = $1 WHERE channel = $2 AND value = $3")
            .bind(topic.unwrap_or(0))
            .bind(channel.as_str())
            .bind(chat)
            .execute_alone(&self.db)
            .await?;
        Ok(())
    }

    /// A chat goes on under another address: so do the addresses, their waiting deliveries (which name them by
    /// identifier), the messages and the conversation.
    pub async fn move_chat(&self, channel: Channel, from: &str, to: &str) -> Result<u64, StoreError> {
        let mut tx = self.begin().await?;
        let mut moved = 0;
        let owners: Vec<(String,)> =
            sql::query_as("SELECT DISTINCT subscriber_id FROM address WHERE channel = $1 AND value = $2")
                .bind(channel.as_str().to_owned())
                .bind(clean(from))
                .fetch_all(&mut tx)
                .await?;
        // Whoever has both addresses keeps the new one, and their deliveries follow.
        let twice: Vec<(String, String)> = sql::query_as(
            "SELECT o.id, n.id FROM address o JOIN address n ON n.subscriber_id = o.subscriber_id AND n.channel = o.channel
             WHERE o.channel = $1 AND o.value = $2 AND n.value = $3",
        )
        .bind(channel.as_str().to_owned())
        .bind(clean(from))
        .bind(clean(to))
        .fetch_all(&mut tx)
        .await?;
        for (old, new) in &twice {
            for sql in [
                "UPDATE delivery SET address_id = $2 WHERE address_id = $1",
                "INSERT INTO lane (address_id, channel, ready_at) SELECT $2, channel, ready_at FROM lane WHERE address_id = $1
                 ON CONFLICT (address_id) DO UPDATE SET ready_at = CASE WHEN lane.ready_at < excluded.ready_at THEN lane.ready_at ELSE excluded.ready_at END",
                "DELETE FROM lane WHERE address_id = $1 AND $2 <> ''",
                "DELETE FROM consent WHERE address_id = $1 AND $2 <> ''",
                "DELETE FROM address WHERE id = $1 AND $2 <> ''",
            ] {
                sql::query(sql).bind(old.clone()).bind(new.clone()).execute(&mut tx).await?;
            }
            moved += 1;
        }
        for (sql, counts) in [
            ("UPDATE address SET value = $1 WHERE channel = $2 AND value = $3", true),
            (
                "DELETE FROM chat WHERE channel = $2 AND value = $1 AND EXISTS (SELECT 1 FROM chat o WHERE o.channel = $2 AND o.value = $3)",
                false,
            ),
            ("UPDATE chat SET value = $1 WHERE channel = $2 AND value = $3", false),
            // Messages of the old chat keep their names there: they can be edited there no more.
            ("UPDATE chat_message SET shown_revision = revision WHERE channel = $2 AND chat = $3 AND $1 <> ''", false),
        ] {
            let done = sql::query(sql)
                .bind(clean(to))
                .bind(channel.as_str().to_owned())
                .bind(clean(from))
                .execute(&mut tx)
                .await?;
            moved += if counts { done } else { 0 };
        }
        for (owner,) in &owners {
            person_changed(&mut tx, owner).await?;
        }
        tx.commit().await?;
        Ok(moved)
    }

    /// Counts something heard in a chat; gives how many were within `window`, this one included.
    pub async fn count_heard(
        &self,
        channel: Channel,
        chat: &str,
        window: Duration,
        now: DateTime<Utc>,
    ) -> Result<i64, StoreError> {
        let mut tx = self.begin().await?;
        let (heard,): (i64,) = sql::query_as(
            "INSERT INTO chat (channel, value, window_from, heard, seen) VALUES ($1, $2, $3, 1, $3)
             ON CONFLICT (channel, value) DO UPDATE SET seen = $3,
               heard = CASE WHEN chat.window_from > $4 AND chat.window_from <= $3 THEN chat.heard + 1 ELSE 1 END,
               window_from = CASE WHEN chat.window_from > $4 AND chat.window_from <= $3 THEN chat.window_from ELSE $3 END
             RETURNING heard",
        )
        .bind(channel.as_str().to_owned())
        .bind(clean(chat))
        .bind(millis(now))
        .bind(millis(now - window))
        .fetch_one(&mut tx)
        .await?;
        tx.commit().await?;
        Ok(heard)
    }

    /// Takes the one greeting that a stranger's chat gets; `false` when it had it.
    pub async fn greet_once(&self, channel: Channel, chat: &str, now: DateTime<Utc>) -> Result<bool, StoreError> {
        let mut tx = self.begin().await?;
        let done = sql::query(
            "INSERT INTO chat (channel, value, greeted, seen) VALUES ($1, $2, $3, $3)
             ON CONFLICT (channel, value) DO UPDATE SET greeted = $3, seen = $3 WHERE chat.greeted = 0",
        )
        .bind(channel.as_str().to_owned())
        .bind(clean(chat))
        .bind(millis(now))
        .execute(&mut tx)
        .await?;
        tx.commit().await?;
        Ok(done == 1)
    }

    /// Where the conversation of a chat stands.
    pub async fn dialogue(&self, channel: Channel, chat: &str, now: DateTime<Utc>) -> Result<Standing, StoreError> {
        let row: Option<(String, i64, i64)> = sql::query_as(
            "SELECT dialogue, dialogue_until, dialogue_version FROM chat WHERE channel = $1 AND value = $2",
        )
        .bind(channel.as_str().to_owned())
        .bind(clean(chat))
        .fetch_optional(&self.key_reader)
        .await?;
        Ok(row.map_or_else(Standing::default, |(text, until, version)| Standing {
            text: if until > millis(now) { text } else { String::new() },
            version,
        }))
    }

    /// Moves the conversation of a chat on, until `until`; `false` when somebody else moved it meanwhile.
    pub async fn set_dialogue(
        &self,
        channel: Channel,
        chat: &str,
        from: i64,
        text: &str,
        until: DateTime<Utc>,
        now: DateTime<Utc>,
    ) -> Result<bool, StoreError> {
        let mut tx = self.begin().await?;
        let done = sql::query(
            "INSERT INTO chat (channel, value, seen, dialogue, dialogue_until, dialogue_version) VALUES ($1, $2, $3, $4, $5, $6)
             ON CONFLICT (channel, value) DO UPDATE SET dialogue = $4, dialogue_until = $5, dialogue_version = $6
             WHERE chat.dialogue_version = $7",
        )
        .bind(channel.as_str().to_owned())
        .bind(clean(chat))
        .bind(millis(now))
        .bind(clean(text))
        .bind(millis(until))
        .bind(from + 1)
        .bind(from)
        .execute(&mut tx)
        .await?;
        tx.commit().await?;
        Ok(done == 1)
    }

    /// Keeps how someone of a chat is called, so that an erasure of the chat's owner finds that name too.
    pub async fn note_name(
        &self,
        channel: Channel,
        chat: &str,
        name: &str,
        now: DateTime<Utc>,
    ) -> Result<(), StoreError> {
        let name = clean(name).replace('\n', " ");
        let mut tx = self.begin().await?;
        let row: Option<(String,)> = sql::query_as("SELECT names FROM chat WHERE channel = $1 AND value = $2")
            .bind(channel.as_str().to_owned())
            .bind(clean(chat))
            .fetch_optional(&mut tx)
            .await?;
        let names = row.map(|r| r.0).unwrap_or_default();
        if name.is_empty() || names.lines().any(|n| n == name) {
            return Ok(());
        }
        let mut kept: Vec<&str> = names.lines().collect();
        if kept.len() >= MAX_NAMES {
            kept.remove(0);
        }
        kept.push(&name);
        sql::query(
            "INSERT INTO chat (channel, value, seen, names) VALUES ($1, $2, $3, $4)
             ON CONFLICT (channel, value) DO UPDATE SET names = $4",
        )
        .bind(channel.as_str().to_owned())
        .bind(clean(chat))
        .bind(millis(now))
        .bind(kept.join("\n"))
        .execute(&mut tx)
        .await?;
        tx.commit().await?;
        Ok(())
    }

    /// Names of those who decided in the chats of a person.
    pub(crate) async fn names_of(&self, subscriber: &str) -> Result<Vec<String>, StoreError> {
        let rows: Vec<(String,)> = sql::query_as(
            "SELECT c.names FROM chat c JOIN address a ON a.channel = c.channel AND a.value = c.value WHERE a.subscriber_id = $1",
        )
        .bind(subscriber.to_owned())
        .fetch_all(&self.reader)
        .await?;
        Ok(rows.iter().flat_map(|(names,)| names.lines().map(str::to_owned)).collect())
    }
}

/// Every message that shows this procedure to this structure shows another state from now on.
pub(crate) async fn mark_stale(tx: &mut Transaction, decision: &Decision) -> Result<(), StoreError> {
    if decision.stage == Stage::Spotted {
        return Ok(());
    }
    sql::query("UPDATE chat_message SET revision = revision + 1 WHERE procedure_id = $1 AND structure = $2")
        .bind(decision.procedure.clone())
        .bind(decision.structure.clone())
        .execute(tx)
        .await?;
    Ok(())
}

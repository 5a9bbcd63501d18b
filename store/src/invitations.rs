//! Invitations: a code of twelve characters that makes one chat an address of a person, once, before it expires.
//!
//! The code itself is kept nowhere: only its SHA-256, its *mark*. Taking it, making the person and their address is one
//! transaction, so that a code is neither lost nor used twice.

use chrono::{DateTime, Utc};
use vigie_domain::Channel;
use vigie_domain::subscription::{Profile, Role, Subscriber};

use crate::Store;
use crate::address::AddressState;
use crate::audience::person_changed;
use crate::columns::{clean, millis, to_json};
use crate::error::StoreError;
use crate::ids::{derived_id, random_bytes, secret_hash};
use crate::people::{NewSubscriber, put_person};
use crate::sql::{self, FromRow, Row, SqlError};

/// Characters of a code (Crockford's base 32: none is taken for another).
const ALPHABET: &[u8; 32] = b"0123456789ABCDEFGHJKMNPQRSTVWXYZ";
/// Characters in a code: 60 bits.
const LENGTH: usize = 12;
/// Characters of a mark that name it to people.
const SHORT: usize = 8;

/// Who is invited.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewInvitation {
    /// As what.
    pub role: Role,
    /// How they are called; may be empty.
    pub name: String,
    /// The structure they speak for, if any: fourteen digits.
    pub siret: Option<String>,
    /// The person known already whose chat it will be; none = somebody new.
    pub subscriber: Option<String>,
    /// When it serves no more.
    pub expires: DateTime<Utc>,
}

/// An invitation that was made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Invitation {
    /// What names it to people; not the code.
    pub name: String,
    /// What it says.
    pub what: NewInvitation,
    pub created: DateTime<Utc>,
    /// When it was taken.
    pub used: Option<DateTime<Utc>>,
}

/// What became of a code.
#[derive(Debug, Clone, PartialEq)]
pub enum Taken {
    /// The chat is this person's now.
    Welcome(Subscriber),
    /// It is no code of ours, was withdrawn, or was taken by another chat.
    Unknown,
    /// It came too late.
    Expired,
}

impl FromRow for Invitation {
    fn from_row(row: &Row<'_>) -> Result<Self, SqlError> {
        let (hash, siret): (String, String) = (row.get(0)?, row.get(3)?);
        Ok(Self {
            name: hash.chars().take(SHORT).collect(),
            what: NewInvitation {
                role: row.get(1)?,
                name: row.get(2)?,
                siret: Some(siret).filter(|s| !s.is_empty()),
                subscriber: row.get(4)?,
                expires: row.get(6)?,
            },
            created: row.get(5)?,
            used: row.get(7)?,
        })
    }
}

/// A code as people may write it (small letters, blanks, dashes, `O` for `0`), brought to its one spelling; `None` when it is
/// no code.
#[must_use]
pub fn code(written: &str) -> Option<String> {
    let mut out = String::with_capacity(LENGTH);
    for c in written.chars().filter(|c| !c.is_whitespace() && !matches!(c, '-' | '–' | '\u{2011}' | '_')) {
        let c = match c.to_ascii_uppercase() {
            'O' => '0',
            'I' | 'L' => '1',
            c => c,
        };
        if out.len() == LENGTH || !u8::try_from(c).is_ok_and(|b| ALPHABET.contains(&b)) {
            return None;
        }
        out.push(c);
    }
    (out.len() == LENGTH).then_some(out)
}

impl Store {
    /// Makes an invitation; gives its code, in groups of four, which is shown once.
    ///
    /// # Errors
    /// The database fails, or the system gives no random bytes.
    pub async fn invite(&self, new: &NewInvitation, now: DateTime<Utc>) -> Result<String, StoreError> {
        let drawn = random_bytes()?;
        let code: String = drawn.iter().take(LENGTH).map(|b| char::from(ALPHABET[usize::from(b & 31)])).collect();
        let mut tx = self.begin().await?;
        sql::query(
            "INSERT INTO invitation (mark, role, name, siret, subscriber_id, created, expires_at) VALUES ($1, $2, $3, $4, $5, $6, $7)",
        )
        .bind(secret_hash(&code))
        .bind(to_json(&new.role)?.trim_matches('"').to_owned())
        .bind(clean(&new.name))
        .bind(new.siret.clone().unwrap_or_default())
        .bind(new.subscriber.clone())
        .bind(millis(now))
        .bind(millis(new.expires))
        .execute(&mut tx)
        .await?;
        tx.commit().await?;
        Ok(code.as_bytes().chunks(4).map(String::from_utf8_lossy).collect::<Vec<_>>().join("-"))
    }

    /// Every invitation, newest first.
    pub async fn invitations(&self) -> Result<Vec<Invitation>, StoreError> {
        let rows: Vec<Invitation> = sql::query_as(
            "SELECT mark, role, name, siret, subscriber_id, created, expires_at, used FROM invitation ORDER BY created DESC, mark",
        )
        .fetch_all(&self.reader)
        .await?;
        Ok(rows)
    }

    /// Withdraws an invitation that nobody took, by the name [`Invitation::name`]; `false` when there is none.
    pub async fn revoke_invitation(&self, name: &str) -> Result<bool, StoreError> {
        let mut tx = self.begin().await?;
        let done = sql::query("DELETE FROM invitation WHERE used IS NULL AND SUBSTR(mark, 1, 8) = $1")
            .bind(name.to_owned())
            .execute(&mut tx)
            .await?;
        tx.commit().await?;
        Ok(done > 0)
    }

    /// Makes a chat an address of the person whom the code invites.
    ///
    /// # Errors
    /// The database fails: then the code still serves.
    pub async fn take_invitation(
        &self,
        written: &str,
        channel: Channel,
        chat: &str,
        called: &str,
        now: DateTime<Utc>,
    ) -> Result<Taken, StoreError> {
        let Some(code) = code(written) else { return Ok(Taken::Unknown) };
        let mark = secret_hash(&code);
        let mut tx = self.begin().await?;
        let row: Option<Invitation> = sql::query_as(
            "SELECT mark, role, name, siret, subscriber_id, created, expires_at, used FROM invitation WHERE mark = $1",
        )
        .bind(mark.clone())
        .fetch_optional(&mut tx)
        .await?;
        let Some(found) = row else { return Ok(Taken::Unknown) };
        if found.used.is_some() {
            return Ok(Taken::Unknown);
        }
        if found.what.expires <= now {
            return Ok(Taken::Expired);
        }
        let known = match &found.what.subscriber {
            Some(id) => match self.subscriber(id).await? {
                Some(person) => Some(person),
                None => return Ok(Taken::Unknown), // erased meanwhile
            },
            None => None,
        };
        let fresh = || Subscriber {
            id: derived_id(&["invited", &mark]),
            name: if found.what.name.is_empty() { called.to_owned() } else { found.what.name.clone() },
            role: found.what.role,
            profile: Profile { siret: found.what.siret.clone(), ..Profile::default() },
        };
        let subscriber = known.unwrap_or_else(fresh);
        let taken = sql::query("UPDATE invitation SET used = $1, subscriber_id = $2 WHERE mark = $3 AND used IS NULL")
            .bind(millis(now))
            .bind(subscriber.id.clone())
            .bind(mark)
            .execute(&mut tx)
            .await?;
        if taken == 0 {
            return Ok(Taken::Unknown);
        }
        let declared = self.is_declared(&subscriber.id).await?;
        let addresses = vec![(channel, chat.to_owned(), AddressState::Active)];
        put_person(&mut tx, &NewSubscriber { subscriber: subscriber.clone(), addresses, declared }, now).await?;
        // Whoever stopped there and comes back with a code of theirs is back.
        sql::query("UPDATE address SET state = 'active' WHERE subscriber_id = $1 AND channel = $2 AND value = $3")
            .bind(subscriber.id.clone())
            .bind(channel.as_str().to_owned())
            .bind(clean(chat))
            .execute(&mut tx)
            .await?;
        person_changed(&mut tx, &subscriber.id).await?;
        tx.commit().await?;
        Ok(Taken::Welcome(subscriber))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_code_is_read_as_people_write_it() {
        for written in ["AB0D-EFGH-JK1M", "ab0d efgh jklm", "ABOD–EFGH–JKIM", "ABODEFGHJKLM"] {
            assert_eq!(code(written).as_deref(), Some("AB0DEFGHJK1M"), "{written}");
        }
        for written in ["", "AB0D-EFGH", "AB0D-EFGH-JK1M-N", "AB0D-EFGH-JK1é", "🎉"] {
            assert_eq!(code(written), None, "{written}");
        }
    }
}

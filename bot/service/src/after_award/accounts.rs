//! Following a buyer or a company: its calls, planned purchases, awards and contracts that end come in the digest of everyone of
//! the structure, beside what they subscribed to.
//!
//! A party is named by its SIREN (a SIRET will do) or by its name. A name that several parties bear, or that holds one of theirs, is
//! asked back; one that no SIREN is known of is followed as it is spelled. « nom: » before a name means the party of just that name,
//! of which no number is published.

use vigie_domain::subscription::Role;
use vigie_domain::{Buyer, Subscriber, commune};
use vigie_store::StoreError;
use vigie_store::accounts::{Account, keys};
use vigie_store::contracts::Named;

use crate::service::Service;
use vigie_domain::Permission;

/// Most parties offered to choose from.
const MAX_CHOICES: i64 = 8;
/// Most accounts of a structure.
const MAX_ACCOUNTS: usize = 100;
/// Shortest name that is looked for, in characters.
const SHORTEST: usize = 3;

/// Before a name that means the party of just that name, of which no number is published.
const BY_NAME: &str = "nom:";

/// The text that means this party and no other.
#[must_use]
pub fn meaning(party: &Named) -> String {
    if party.siren.is_empty() { format!("{BY_NAME}{}", party.name) } else { party.siren.clone() }
}

/// Whom a text means.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Party {
    /// This one.
    One(Named),
    /// One of these.
    Several(Vec<Named>),
    /// Nobody that is known: followed by that name, it will be found once it is published so.
    Unknown(String),
    /// The text names nobody.
    Nothing,
}

/// Whom a text means: a SIREN, a SIRET, or a name.
///
/// # Errors
/// The database fails.
pub async fn find(service: &Service, text: &str) -> Result<Party, StoreError> {
    if let Some(number) =
        Some(Buyer::written(text)).filter(|n| matches!(n.len(), 9 | 14) && n.bytes().all(|b| b.is_ascii_digit()))
    {
        let siren = number[..9].to_owned();
        let name = service.store.name_of(&siren).await?.unwrap_or_else(|| siren.clone());
        return Ok(Party::One(Named { siren, name }));
    }
    let text = text.trim();
    let alone = text.strip_prefix(BY_NAME).map(str::trim);
    let name = alone.unwrap_or(text);
    if commune::key(name).chars().count() < SHORTEST {
        return Ok(Party::Nothing);
    }
    if alone.is_some() {
        return Ok(Party::Unknown(name.to_owned()));
    }
    let mut found = service.store.parties_named(name, MAX_CHOICES).await?;
    let exact: Vec<Named> = found.iter().filter(|n| commune::key(&n.name) == commune::key(name)).cloned().collect();
    if let [one] = exact.as_slice() {
        return Ok(Party::One(one.clone()));
    }
    // One that is known by that very name alone is meant as well as those whose names hold it.
    if !found.is_empty()
        && let Some(key) = keys(None, name).first()
        && let Some(name) = service.store.name_of(key).await?
    {
        found.push(Named { siren: String::new(), name });
    }
    Ok(match found.len() {
        0 => Party::Unknown(name.to_owned()),
        1 => Party::One(found.remove(0)),
        _ => Party::Several(found),
    })
}

/// What came of following.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Followed {
    /// It is followed now; whether its commitment (SPASER) is known.
    Yes { name: String, committed: bool },
    /// It was followed already.
    Already(String),
    /// One of these is meant.
    Which(Vec<Named>),
    /// The text names nobody.
    Nothing,
    /// The structure follows as many as one can.
    TooMany,
    /// People of this role follow nobody.
    ReadsOnly,
}

/// Whether a person chooses whom their structure follows.
fn may_choose(person: &Subscriber) -> bool {
    person.role.may(Permission::Decide) || person.role == Role::Facilitator
}

/// What came of following no more.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unfollowed {
    Yes,
    /// It was not followed.
    NotFollowed,
    /// People of this role choose nobody.
    ReadsOnly,
}

/// Follows the party of a key no more, for the structure of a person.
///
/// # Errors
/// The database fails: it is followed as before.
pub async fn unfollow(service: &Service, person: &Subscriber, key: &str) -> Result<Unfollowed, StoreError> {
    if !may_choose(person) {
        return Ok(Unfollowed::ReadsOnly);
    }
    Ok(match service.store.unfollow(person.structure(), key).await? {
        true => Unfollowed::Yes,
        false => Unfollowed::NotFollowed,
    })
}

/// Follows whom a text means, for the structure of a person.
///
/// # Errors
/// The database fails: nobody is followed.
pub async fn follow(service: &Service, person: &Subscriber, by: &str, text: &str) -> Result<Followed, StoreError> {
    if !may_choose(person) {
        return Ok(Followed::ReadsOnly);
    }
    let (siren, name) = match find(service, text).await? {
        Party::One(named) => (Some(named.siren).filter(|s| !s.is_empty()), named.name),
        Party::Several(some) => return Ok(Followed::Which(some)),
        Party::Unknown(name) => (None, name),
        Party::Nothing => return Ok(Followed::Nothing),
    };
    if service.store.accounts_of(person.structure()).await?.len() >= MAX_ACCOUNTS {
        return Ok(Followed::TooMany);
    }
    let Some(key) = keys(siren.as_deref(), &name).into_iter().next() else { return Ok(Followed::Nothing) };
    let account = Account {
        structure: person.structure().to_owned(),
        key,
        name: name.clone(),
        by: by.to_owned(),
        at: service.clock.now(),
    };
    if !service.store.follow(&account).await? {
        return Ok(Followed::Already(name));
    }
    let committed = match &siren {
        Some(siren) => service.store.is_committed(siren).await?,
        None => false,
    };
    Ok(Followed::Yes { name, committed })
}

/// Whom a structure follows, and whether each is known to have a commitment to socially responsible purchases (SPASER).
///
/// # Errors
/// The database fails.
pub async fn followed_by(service: &Service, structure: &str) -> Result<Vec<(Account, bool)>, StoreError> {
    let mut out = Vec::new();
    for mut account in service.store.accounts_of(structure).await? {
        let mut committed = false;
        if let Some(siren) = account.siren().map(str::to_owned) {
            committed = service.store.is_committed(&siren).await?;
            // Followed by its number before anything of it was read.
            if account.name == siren {
                account.name = service.store.name_of(&siren).await?.unwrap_or(account.name);
            }
        }
        out.push((account, committed));
    }
    Ok(out)
}

/// What is said to whoever followed.
#[must_use]
pub fn followed_in_french(followed: &Followed) -> String {
    match followed {
        Followed::Yes { name, committed } => format!(
            "Vous suivez {name} : consultations, projets d’achats, attributions et contrats qui se terminent viendront dans votre résumé.{}",
            if *committed {
                " Cet acheteur s’est doté d’un schéma d’achats socialement responsables (SPASER)."
            } else {
                ""
            }
        ),
        Followed::Already(name) => format!("Vous suivez déjà {name}."),
        Followed::Which(_) => "Plusieurs portent ce nom : lequel ?".to_owned(),
        Followed::Nothing => {
            "Dites qui suivre, par son SIREN ou son nom : /suivre 217 000 156, /suivre Ville de Lens.".to_owned()
        }
        Followed::TooMany => {
            format!("Votre structure suit déjà {MAX_ACCOUNTS} acheteurs et entreprises : retirez-en d’abord.")
        }
        Followed::ReadsOnly => crate::answers::outcome_line::READS_ONLY.to_owned(),
    }
}

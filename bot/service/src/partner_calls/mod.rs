//! Calls for partners: a coordinator asks structures who positions itself on which lot; they answer from any door; the call is closed
//! into a line-up.
//!
//! | module | does |
//! |---|---|
//! | [`opening`] | opens a call, asks more structures, moves its closing, gives it up |
//! | [`answering`] | what a structure answers: one rule for pages, mails and chats |
//! | [`closing`] | the line-up, what becomes of decisions, reminders and what the procedure does meanwhile |
//! | [`telling`] | who is told what of a call |
//! | [`messages`] | what they are told, made when it leaves |
//! | [`looking`] | what a coordinator and what a participant may see; every look at another's answer is logged |
//! | [`proposing`] | partners proposed, with reasons |
//! | [`files`] | the repartition of the lots as CSV and DOCX |
//!
//! Circle: an answer is for its structure and for the coordinator of its call. Others learn which lots are uncovered; once the call is
//! closed, those who stand on one lot learn each other's name and role. A refusal, a word, a capacity is for the coordinator alone.
//! Two calls on one procedure know nothing of each other.

pub mod answering;
pub mod closing;
pub mod files;
pub mod looking;
pub mod messages;
pub mod opening;
pub mod proposing;
pub(crate) mod reach;
pub mod telling;

use chrono::{DateTime, Utc};
use vigie_domain::{Subscriber, french};
use vigie_store::StoreError;
use vigie_watcher::zones;

use crate::service::Service;

/// Longest word of a coordinator or a participant, in characters.
pub const MAX_NOTE: usize = 1_000;
/// Longest name shown, in characters.
const MAX_NAME: usize = 80;

/// What every page, form and message about a call says of the rules of competition.
pub const RULES: &str = "Un groupement se justifie quand il apporte quelque chose que ses membres n’ont pas seuls : capacité, métier, territoire. N’échangez ni prix ni intention hors de cet appel : une entente entre concurrents est une infraction (Code de commerce, L420-1).";

/// A structure's name as others know it: the directory's, else that of its only or first member.
///
/// # Errors
/// The database fails.
pub async fn name_of(service: &Service, structure: &str) -> Result<String, StoreError> {
    if let Some(entry) = service.store.structure(structure).await? {
        return Ok(entry.name);
    }
    for id in service.store.members(structure).await? {
        if let Some(person) = service.store.subscriber(&id).await?.filter(|p| !p.name.is_empty()) {
            return Ok(person.name);
        }
    }
    Ok("Structure sans nom".to_owned())
}

/// Members of a network, one entry a structure: its key and its people.
///
/// # Errors
/// The database fails.
pub async fn members_of(service: &Service, network: &Subscriber) -> Result<Vec<(String, Vec<Subscriber>)>, StoreError> {
    let mut out: std::collections::BTreeMap<String, Vec<Subscriber>> = std::collections::BTreeMap::new();
    if network.role != vigie_domain::subscription::Role::Network {
        return Ok(Vec::new());
    }
    for person in service.store.subscribers().await? {
        if person.structure() != network.structure() && person.profile.is_member_of(&network.name) {
            out.entry(person.structure().to_owned()).or_default().push(person);
        }
    }
    Ok(out.into_iter().collect())
}

/// « 3 décembre 2026 à 18 h », in Paris.
#[must_use]
pub fn moment(at: DateTime<Utc>) -> String {
    let local = at.with_timezone(&chrono_tz::Europe::Paris).fixed_offset();
    format!("{} à {}", french::date(zones::paris_day(at)), french::clock(local))
}

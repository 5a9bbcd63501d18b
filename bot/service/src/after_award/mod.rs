//! What follows an award, once the contracts of its lots are known ([`crate::ingest::contracts`]): services offered to its holder, results asked of those who bid, contracts that
//! end, buyers and companies followed.
//!
//! | module | does |
//! |---|---|
//! | [`audience`] | whom a contract suits: trades, places and supply modes, as for a call |
//! | [`offers`] | « Proposer vos services »: who is told, what they answer, one reminder |
//! | [`results`] | « Résultat ? »: asked once after the closing, once at the award |
//! | [`explain`] | why a structure was, or was not, told |
//! | [`messages`] | what the messages say, and whether they still have their ground |
//! | [`renewals`] | one line of a digest some months before a contract's latest end |
//! | [`accounts`] | following a buyer or a company |
//! | [`subject`] | what a message of these is about, for whoever answers it |
//!
//! All of it belongs to the structure: what it was offered, answered and follows is read for it alone. What time brings is done
//! by [`run`], in the scheduler, once each: the identifiers of alerts are derived from what they are about.

pub mod accounts;
pub mod audience;
pub mod explain;
pub mod messages;
pub mod offers;
pub mod renewals;
pub mod results;
pub mod subject;

use chrono::{DateTime, Utc};
use vigie_store::StoreError;

use crate::service::Service;

/// Does what is due after awards; gives how many messages and lines were made.
///
/// # Errors
/// The database fails; what was done stands, the rest is done at the next look.
pub async fn run(service: &Service, now: DateTime<Utc>) -> Result<usize, StoreError> {
    // Those who bid are asked before anybody offers services.
    let asked = results::run(service, now).await?;
    let offered = offers::run(service, now).await?;
    let lines = renewals::run(service, now).await?;
    if asked + offered > 0 {
        service.deliveries_queued.notify_one();
    }
    Ok(asked + offered + lines)
}

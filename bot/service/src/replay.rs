//! A message sent again by an operator, and an address put back into use: from pages, chats and commands. Each is noted.
//!
//! What goes to an address that gets nothing is not queued: it would be called off in silence. An address that its server refused
//! may be put back by an operator; one whose owner said stop, by its owner alone.

use vigie_domain::DeliveryState;
use vigie_store::StoreError;
use vigie_store::outbox::{DeliveryRow, Replay};
use vigie_store::people::AddressState;

use crate::Service;

/// Least length of the beginning of an identifier that stands for it: lists show ten signs.
const LEAST: usize = 6;

/// What became of a wish to send something again.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Again {
    /// It is in the queue.
    Queued(String),
    /// It stands so.
    NotNow(DeliveryState),
    /// Its address gets nothing.
    AddressOut {
        /// The address' identifier.
        address: String,
        state: AddressState,
    },
    /// Several begin so.
    Ambiguous(String),
    Unknown(String),
}

impl Again {
    #[must_use]
    pub fn is_queued(&self) -> bool {
        matches!(self, Self::Queued(_))
    }

    /// In a sentence for whoever asked.
    #[must_use]
    pub fn line(&self) -> String {
        match self {
            Self::Queued(id) => format!("L’envoi {} repart.", short(id)),
            Self::NotNow(state) => format!(
                "Rien n’est renvoyé : cet envoi est {}. Seuls se renvoient ceux qui sont refusés, annulés, ou dont la réponse est perdue.",
                state.in_french()
            ),
            Self::AddressOut { state: AddressState::Suspended, .. } => {
                "Rien n’est renvoyé : l’adresse est hors service, son serveur l’a refusée. Remettez-la d’abord en service (page de la personne, ou vigie deliveries replay --reactivate).".to_owned()
            }
            Self::AddressOut { state: AddressState::Stopped, .. } => {
                "Rien n’est renvoyé : la personne s’est désabonnée à cette adresse. Elle seule peut revenir.".to_owned()
            }
            Self::AddressOut { .. } => {
                "Rien n’est renvoyé : l’adresse n’est pas confirmée par son propriétaire.".to_owned()
            }
            Self::Ambiguous(beginning) => {
                format!("Plusieurs envois commencent par {beginning} : donnez-en un peu plus.")
            }
            Self::Unknown(id) => format!("Aucun envoi « {} ». La liste des envois les montre.", short(id)),
        }
    }
}

fn short(id: &str) -> &str {
    id.get(..10).unwrap_or(id)
}

/// The delivery of that identifier, or the only one that begins so.
///
/// # Errors
/// The database fails.
pub async fn find(service: &vigie_store::Store, written: &str) -> Result<Result<DeliveryRow, Again>, StoreError> {
    if let Some(row) = service.delivery(written).await? {
        return Ok(Ok(row));
    }
    let readable = written.len() >= LEAST && written.bytes().all(|b| b.is_ascii_alphanumeric());
    let mut found = if readable { service.deliveries_named(written, 2).await? } else { Vec::new() };
    Ok(match (found.pop(), found.is_empty()) {
        (Some(row), true) => Ok(row),
        (Some(_), false) => Err(Again::Ambiguous(written.to_owned())),
        (None, _) => Err(Again::Unknown(written.to_owned())),
    })
}

/// Sends something again, as `who`; its identifier may be cut.
///
/// # Errors
/// The database fails.
pub async fn again(service: &Service, who: &str, written: &str) -> Result<Again, StoreError> {
    let row = match find(&service.store, written).await? {
        Ok(row) => row,
        Err(not) => return Ok(not),
    };
    let now = service.clock.now();
    Ok(match service.store.replay(&row.id, now).await? {
        Replay::Queued => {
            service.store.note("delivery", &row.id, &format!("renvoyé par {who}"), now).await?;
            service.deliveries_queued.notify_one();
            Again::Queued(row.id)
        }
        Replay::NotNow(state) => Again::NotNow(state),
        Replay::AddressOut { address, state } => Again::AddressOut { address, state },
        Replay::Unknown => Again::Unknown(row.id),
    })
}

/// Puts an address that its server refused back into use, as `who`; `false` where it is no such address, or its owner is kept out.
///
/// # Errors
/// The database fails.
pub async fn reactivate(service: &Service, who: &str, address: &str) -> Result<bool, StoreError> {
    let found = service.store.address(address).await?.filter(|a| a.state == AddressState::Suspended);
    let Some(found) = found else { return Ok(false) };
    let now = service.clock.now();
    // Whoever is kept out has no address in use.
    if !service
        .store
        .set_address_state(&found.id, AddressState::Active, "remise en service par la personne qui gère Vigie")
        .await?
    {
        return Ok(false);
    }
    service.store.note("address", &found.id, &format!("remise en service par {who}"), now).await?;
    service.store.saw(who, &found.subscriber, "adresse remise en service", now).await?;
    Ok(true)
}

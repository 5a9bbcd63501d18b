//! What a message is about, for whoever answers it: the kind of its alert, the procedure and the lot.

use vigie_domain::AlertKind;
use vigie_notifier::card::Why;
use vigie_store::StoreError;

use crate::service::Service;

/// What an instant message is about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Subject {
    pub kind: AlertKind,
    pub procedure: String,
    /// The lot that it names; empty = the whole.
    pub lot: String,
    /// The call for partners that it is about.
    pub call: Option<String>,
}

/// What a delivery is about; `None` where it carries many things, or none any more.
///
/// # Errors
/// The database fails.
pub async fn of(service: &Service, delivery: &str) -> Result<Option<Subject>, StoreError> {
    let Some(row) = service.store.delivery(delivery).await? else { return Ok(None) };
    if row.cause.is_digest() {
        return Ok(None);
    }
    let items = service.store.items_of(&row.id, &row.subscriber, &row.cause).await?;
    Ok(items.into_iter().next().map(|item| {
        let why: Why = serde_json::from_str(&item.reasons).unwrap_or_default();
        Subject {
            kind: item.alert_kind,
            procedure: item.procedure,
            lot: why.lot.unwrap_or_default(),
            call: why.partners.map(|of| of.call),
        }
    }))
}

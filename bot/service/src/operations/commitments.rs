//! Buyers with a commitment to socially responsible purchases (SPASER, Code de la commande publique, L2111-3) whose last year is ending: a
//! line to the facilitators of their place, once, while what follows is being written.

use vigie_domain::directory::CommittedBuyer;
use vigie_domain::service_area::Area;
use vigie_notifier::card::short;
use vigie_store::StoreError;
use vigie_watcher::zones;

use super::unseen;
use crate::areas;
use crate::service::Service;

/// Markets of a buyer by which its place is told.
const LOOKED_AT: i64 = 5;

/// Whether a buyer is of an area: one of its buyers or intercommunalities, or one that buys there.
async fn is_of(service: &Service, area: &Area, buyer: &CommittedBuyer) -> Result<bool, StoreError> {
    if area.follows(&buyer.siren) || area.epcis.contains(&buyer.siren) {
        return Ok(true);
    }
    for procedure in service.store.procedures_bought_by(&buyer.siren, LOOKED_AT).await? {
        if areas::holds(area, &service.store.notices_of(&procedure).await?).is_some() {
            return Ok(true);
        }
    }
    Ok(false)
}

/// The lines about commitments that end, for a structure: (key, text).
///
/// # Errors
/// The database fails.
pub(super) async fn lines(service: &Service, structure: &str) -> Result<Vec<(String, String)>, StoreError> {
    let today = zones::paris_day(service.clock.now());
    let ending: Vec<CommittedBuyer> =
        service.store.commitments().await?.into_iter().filter(|c| c.ends_soon(today)).collect();
    if ending.is_empty() {
        return Ok(Vec::new());
    }
    let area = unseen::area(service, structure).await?;
    let mut out = Vec::new();
    for buyer in ending {
        if is_of(service, &area, &buyer).await? {
            let text = format!(
                "le SPASER {} de {} se termine à la fin de l’année : le suivant se prépare",
                buyer.years(),
                short(&buyer.name, 80)
            );
            out.push((format!("{}:{}", buyer.siren, buyer.years()), text));
        }
    }
    Ok(out)
}

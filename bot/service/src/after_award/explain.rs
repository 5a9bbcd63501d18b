//! Why a structure was, or was not, told something after an award: for whoever asks why.

use vigie_domain::{OfferStage, french};
use vigie_notifier::card::short;
use vigie_store::{Store, StoreError};
use vigie_watcher::zones;

/// Most ends looked through.
const MOST: i64 = 500;

/// A line for each thing that a structure was offered, or told of, after the awards of a procedure.
///
/// # Errors
/// The database fails.
pub async fn lines(store: &Store, structure: &str, procedure: &str) -> Result<Vec<String>, StoreError> {
    let mut out = Vec::new();
    for row in store.contracts_of(procedure).await? {
        let c = &row.contract;
        let what = if c.lot.is_empty() { "Le contrat".to_owned() } else { format!("Lot {}", short(&c.lot, 20)) };
        let Some(offer) = store.service_offer_of(structure, procedure, &c.lot).await? else { continue };
        let day = french::date(zones::paris_day(offer.at));
        let said = match offer.stage {
            OfferStage::Asked => {
                "vous y alliez : le résultat vous est demandé avant de proposer vos services".to_owned()
            }
            OfferStage::Held => {
                "services à proposer, sur la page Contrats seulement : assez d’autres vous ont été signalés ce mois-ci"
                    .to_owned()
            }
            OfferStage::Told => format!("services à proposer au titulaire, signalé le {day}"),
            OfferStage::Closed => "plus rien à proposer : gagné par vous, résilié ou terminé".to_owned(),
            stage => format!("{} le {day} par {}", stage.in_french(), short(&offer.by, 60)),
        };
        out.push(format!("{what} : {said}"));
    }
    for told in store.renewals_of(structure, MOST).await?.into_iter().filter(|t| t.procedure == procedure) {
        let lot = if told.lot.is_empty() { String::new() } else { format!("Lot {} : ", short(&told.lot, 20)) };
        out.push(format!(
            "{lot}fin du {} annoncée {}\u{a0}mois avant, le {}",
            french::date(told.ends),
            told.ahead,
            french::date(zones::paris_day(told.at))
        ));
    }
    Ok(out)
}

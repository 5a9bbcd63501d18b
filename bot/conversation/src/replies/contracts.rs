//! `/contrats`: after the award, what the structure may propose to holders, told in a message or kept for later, and the contracts near
//! their end. The same as the page « Contrats », which each line opens.

use vigie_domain::{Contract, OfferStage};
use vigie_notifier::after_award::{offer_line, renewal_line};
use vigie_notifier::card::short;
use vigie_notifier::chat::{Button, ButtonAction};
use vigie_service::Failure;
use vigie_service::after_award::renewals;
use vigie_service::links::contract_path;

use crate::Reply;

use super::{Asker, MAX_LISTED, one, word};

/// Most offers of a structure that are looked at: answered ones are among them.
const LOOKED_AT: i64 = 100;
/// Longest title in a line and on a button, in characters.
const TITLE: usize = 90;
const LABEL: usize = 40;

impl Asker<'_> {
    /// What there is to propose, and what ends.
    pub(super) async fn contracts(&self) -> Result<Vec<Reply>, Failure> {
        let (store, structure) = (&self.service.store, self.person.structure());
        let mut open: Vec<(Contract, OfferStage)> = Vec::new();
        for offer in store.service_offers_of(structure, LOOKED_AT).await?.into_iter().filter(|o| o.stage.is_open()) {
            if let Some(found) = store.contract(&offer.procedure, &offer.lot).await? {
                open.push((found.contract, offer.stage));
            }
        }
        let ending = renewals::ends_of(self.service, structure, self.service.clock.now()).await?;
        if open.is_empty() && ending.is_empty() {
            return Ok(word(
                "Rien à proposer pour l’instant, et aucun contrat de votre périmètre n’approche de sa fin. Dès qu’un lot de vos métiers qui doit des heures d’insertion est attribué, il paraît ici.",
            ));
        }
        let mut lines = Vec::new();
        let mut buttons: Vec<Vec<Button>> = Vec::new();
        let home = self.service.home_url();
        let mut list = |head: &str, all: Vec<(&Contract, String)>| {
            if all.is_empty() {
                return;
            }
            lines.push(head.to_owned());
            let more = all.len().saturating_sub(MAX_LISTED);
            for (c, said) in all.into_iter().take(MAX_LISTED) {
                lines.push(format!("• {} – {said}", short(&c.title, TITLE)));
                if let Some(home) = &home {
                    let page = format!("{}{}", home.trim_end_matches('/'), contract_path(&c.procedure, &c.lot));
                    buttons.push(vec![Button { label: short(&c.title, LABEL), action: ButtonAction::Open(page) }]);
                }
            }
            if more > 0 {
                lines.push(format!("et {more} de plus, sur la page « Contrats »."));
            }
        };
        let said = |c: &Contract, stage: OfferStage| match stage {
            OfferStage::Contacted => format!("{} (contacté)", offer_line(c)),
            _ => offer_line(c),
        };
        list("Proposer vos services :", open.iter().map(|(c, stage)| (c, said(c, *stage))).collect());
        list("Bientôt à renouveler :", ending.iter().map(|(c, _)| (c, renewal_line(c))).collect());
        Ok(one(lines.join("\n"), buttons))
    }
}

//! `/stop`, `/export` and `/effacer`: a person and what is held on them.

use vigie_service::answers::action;
use vigie_service::{Failure, personal_data, sign_in, suspension};
use vigie_store::people::AddressState;

use crate::Reply;

use super::{Asker, one, word};

impl Asker<'_> {
    pub(super) async fn stop(&self) -> Result<Vec<Reply>, Failure> {
        for (_, address) in self.people.iter().filter(|(_, a)| a.state == AddressState::Active) {
            suspension::stop_address(self.service, &address.id, "désabonnée par son propriétaire, dans le chat")
                .await?;
        }
        let elsewhere = !self.service.store.active_addresses(&self.person.id).await?.is_empty();
        let more = if elsewhere { " Vos autres canaux continuent." } else { "" };
        Ok(word(format!(
            "C’est noté : plus aucun message ici.{more} Pour revenir : /start. Pour faire effacer vos données : /effacer."
        )))
    }

    pub(super) async fn export(&self) -> Result<Vec<Reply>, Failure> {
        let held = personal_data::export(self.service, &self.person.id).await?;
        self.service.store.saw(&self.person.id, &self.person.id, "export demandé dans un chat", self.now).await?;
        let mut lines = vec!["Ce que Vigie garde sur vous :".to_owned()];
        for (what, rows) in held.get("données").and_then(serde_json::Value::as_object).into_iter().flatten() {
            lines.push(format!("• {what} : {}", rows.as_array().map_or(1, Vec::len)));
        }
        lines.push(format!("Pourquoi : {}.", personal_data::PURPOSE));
        // A link signs its reader in: never where others read.
        let own = self.people.iter().find(|(p, a)| p.id == self.person.id && a.state == AddressState::Active);
        let link = match own.filter(|_| self.incoming.chat.private) {
            Some((_, address)) => sign_in::link(self.service, address).await?,
            None => None,
        };
        lines.push(match link {
            Some(link) => {
                format!("Votre compte, vos réglages et vos données, sur les pages (lien personnel, à ne pas transmettre) : {link}")
            }
            None => format!("Le fichier complet s’obtient auprès de {}.", self.service.operator()),
        });
        Ok(word(lines.join("\n")))
    }

    pub(super) async fn erase(&self, sure: bool) -> Result<Vec<Reply>, Failure> {
        if self.service.store.is_declared(&self.person.id).await? {
            return Ok(word(format!(
                "Votre compte est tenu dans les réglages de Vigie : demandez à {} de l’en retirer, puis de vous effacer.",
                self.service.operator()
            )));
        }
        if !sure {
            let text = "Effacer tout ce que Vigie sait de vous ? Vos abonnements et vos adresses disparaissent, sur tous vos canaux, sans retour. Vos décisions restent à vos collègues, sans votre nom ; si vous êtes seul, elles disparaissent. /stop arrête seulement les messages ici.";
            return Ok(one(text, vec![vec![action::command("Oui, tout effacer", "/effacer oui")]]));
        }
        personal_data::erase(self.service, &self.person.id).await?;
        Ok(word("C’est fait : Vigie ne sait plus rien de vous. Au revoir."))
    }
}

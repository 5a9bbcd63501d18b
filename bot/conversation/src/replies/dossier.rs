//! The consultation file in a chat: files sent under an alert are read for the structure of whoever got it; a word is looked for in
//! what was read; how far a reading is.

use vigie_domain::{Subscriber, french};
use vigie_notifier::card::short;
use vigie_service::consultation::{self, Gave, Known, words};
use vigie_service::leads::File;
use vigie_service::{Failure, visibility};
use vigie_store::people::Address;

use super::{Asker, word};
use crate::{FileFault, Reply};

/// Passages that a message holds.
const HITS: usize = 5;
/// Longest passage in a message, in characters.
const QUOTE: usize = 350;

pub(crate) const UNDER_WHICH: &str = "De quel marché est ce fichier ? Envoyez-le en réponse à son alerte : je le lis pour votre structure seule, et je dis ce qu’il offre, demande et contredit.";
const UNKNOWN: &str = "Je ne retrouve pas ce marché : l’alerte est trop ancienne, ou a été envoyée ailleurs.";
const NOTHING: &str =
    "Je n’ai lu aucun dossier pour votre structure. Envoyez le RC, le CCAP ou le ZIP en réponse à l’alerte du marché.";
const WHICH_WORD: &str = "Dites quel mot chercher : /chercher pénalité. Sous une alerte, je cherche dans le dossier de ce marché ; sinon dans le dernier lu.";

impl Asker<'_> {
    /// Takes a file in, sent under an alert.
    pub(crate) async fn take_file(
        &self,
        name: &str,
        content: &Result<Vec<u8>, FileFault>,
        about: &str,
    ) -> Result<Vec<Reply>, Failure> {
        let Some((person, address, procedure)) = self.of_alert(about).await? else { return Ok(word(UNKNOWN)) };
        let named = short(name, 80);
        let page = self.service.procedure_url(&procedure);
        let bytes = match content {
            Ok(bytes) => bytes.clone(),
            Err(fault) => {
                let page = page.map(|p| format!(" Donnez-le sur la page du marché : {p}")).unwrap_or_default();
                return Ok(word(format!("« {named} » n’a pas pu être pris : {}.{page}", fault.in_french())));
            }
        };
        let file = File { name: name.to_owned(), content: bytes };
        let gave = consultation::give(self.service, person, &procedure, vec![file], Some(address)).await?;
        Ok(word(match gave {
            Gave::Files(_) => format!(
                "« {named} » est reçu, pour votre structure seule : je le lis, une minute au plus. /dossier dit où j’en suis."
            ),
            other => other.in_french(),
        }))
    }

    /// Passages that answer words, in the consultation of the alert under which it is asked, or the last one.
    pub(super) async fn search_dossier(&self, wanted: &str, about: Option<&str>) -> Result<Vec<Reply>, Failure> {
        if !wanted.chars().any(char::is_alphanumeric) {
            return Ok(word(WHICH_WORD));
        }
        let Some((person, procedure, known)) = self.meant_dossier(about).await? else { return Ok(word(NOTHING)) };
        let said = short(wanted, 60);
        let title = self.title_of(&procedure).await?;
        let hits = known.search(self.service, person.structure(), wanted).await?;
        if hits.is_empty() {
            let soon = if known.is_reading() { " La lecture n’est pas finie." } else { "" };
            return Ok(word(format!("{title}« {said} » : cherché dans les pièces lues, non trouvé.{soon}")));
        }
        let lines = hits.iter().take(HITS).map(|h| format!("« {} »\n— {}", short(&h.quote, QUOTE), h.at));
        Ok(word(format!("{title}{}", lines.collect::<Vec<_>>().join("\n\n"))))
    }

    /// How far the reading is, or what was read.
    pub(super) async fn dossier(&self, about: Option<&str>) -> Result<Vec<Reply>, Failure> {
        let Some((_, procedure, known)) = self.meant_dossier(about).await? else { return Ok(word(NOTHING)) };
        let title = self.title_of(&procedure).await?;
        if known.is_reading() {
            let far = match known.progress {
                (_, 0) => String::new(),
                (done, of) => format!(" : {} sur {of}", french::plural(done as usize, "pièce")),
            };
            return Ok(word(format!("{title}Lecture en cours{far}. Je dirai ici ce que dit le dossier.")));
        }
        let seen = visibility::notices_of(self.service, Some(self.person), &procedure).await?;
        let told = words::brief(
            &known.sections(consultation::announced(&seen).as_ref()),
            self.service.procedure_url(&procedure).as_deref(),
        );
        Ok(word(format!("{title}{told}")))
    }

    /// The consultation of the alert under which something is said; without one, the last that the structure gave.
    async fn meant_dossier(&self, about: Option<&str>) -> Result<Option<(&Subscriber, String, Known)>, Failure> {
        let Some(about) = about else {
            let last = consultation::last_known(self.service, self.person.structure()).await?;
            return Ok(last.map(|(procedure, known)| (self.person, procedure, known)));
        };
        let Some((person, _, procedure)) = self.of_alert(about).await? else { return Ok(None) };
        let known = consultation::known(self.service, person.structure(), &procedure).await?;
        Ok(known.map(|known| (person, procedure, known)))
    }

    /// Whose alert it is, the address that got it, and the procedure it tells of.
    async fn of_alert(&self, about: &str) -> Result<Option<(&Subscriber, &Address, String)>, Failure> {
        let chat = &self.incoming.chat;
        let received = self.service.store.received(about, chat.channel, &chat.id).await?;
        let Some(received) = received.filter(|r| !r.procedure.is_empty()) else { return Ok(None) };
        let owner = self.people.iter().find(|(person, _)| person.id == received.subscriber);
        Ok(owner.map(|(person, address)| (person, address, received.procedure)))
    }

    async fn title_of(&self, procedure: &str) -> Result<String, Failure> {
        let row = self.service.store.search_rows(&[procedure.to_owned()]).await?.pop();
        Ok(row.map(|row| format!("« {} »\n", short(&row.title, 100))).unwrap_or_default())
    }
}

//! `/suivre` and `/oublier`: buyers and companies that the structure follows.

use vigie_notifier::after_award::spaced;
use vigie_notifier::card::short;
use vigie_notifier::chat::Button;
use vigie_service::Failure;
use vigie_service::after_award::accounts::{self, Followed, Party, followed_in_french};
use vigie_service::answers::action;
use vigie_store::accounts::keys;

use crate::Reply;

use super::{Asker, MAX_LISTED, one, word};

impl Asker<'_> {
    /// Follows whom the text means; without one, lists those who are followed.
    pub(super) async fn follow_account(&self, text: &str) -> Result<Vec<Reply>, Failure> {
        if text.trim().is_empty() {
            return self.followed_accounts().await;
        }
        let by = short(&self.incoming.sender.name, 60);
        let followed = accounts::follow(self.service, self.person, &by, text).await?;
        let mut buttons: Vec<Vec<Button>> = Vec::new();
        if let Followed::Which(some) = &followed {
            buttons.extend(some.iter().map(|n| {
                vec![action::command(
                    &short(&format!("{} ({})", n.name, spaced(&n.siren)), 60),
                    &format!("/suivre {}", n.siren),
                )]
            }));
        }
        Ok(one(followed_in_french(&followed), buttons))
    }

    async fn followed_accounts(&self) -> Result<Vec<Reply>, Failure> {
        let mine = self.service.store.accounts_of(self.person.structure()).await?;
        if mine.is_empty() {
            return Ok(word(followed_in_french(&Followed::Nothing)));
        }
        let mut lines = vec!["Vous suivez :".to_owned()];
        lines.extend(mine.iter().take(MAX_LISTED).map(|a| {
            let number = a.siren().map(|siren| format!(" ({})", spaced(siren))).unwrap_or_default();
            format!("• {}{number}", short(&a.name, 80))
        }));
        if mine.len() > MAX_LISTED {
            lines.push(format!("et {} de plus.", mine.len() - MAX_LISTED));
        }
        lines.push("Pour ne plus suivre : /oublier et son SIREN ou son nom.".to_owned());
        Ok(word(lines.join("\n")))
    }

    /// Follows one no more.
    pub(super) async fn unfollow_account(&self, text: &str) -> Result<Vec<Reply>, Failure> {
        let mut candidates = keys(None, text);
        if let Party::One(named) = accounts::find(self.service, text).await? {
            candidates.extend(keys(Some(&named.siren).filter(|s| !s.is_empty()).map(String::as_str), &named.name));
        }
        for key in candidates {
            if self.service.store.unfollow(self.person.structure(), &key).await? {
                return Ok(word("C’est fait : vous ne le suivez plus."));
            }
        }
        Ok(word("Vous ne suivez personne de ce nom. /suivre montre ceux que vous suivez."))
    }
}

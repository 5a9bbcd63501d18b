//! `/suivre` and `/oublier`: buyers and companies that the structure follows.

use vigie_domain::{Buyer, commune};
use vigie_notifier::after_award::spaced;
use vigie_notifier::card::short;
use vigie_notifier::chat::Button;
use vigie_service::Failure;
use vigie_service::after_award::accounts::{self, Followed, Unfollowed, followed_in_french};
use vigie_service::answers::action;
use vigie_service::answers::outcome_line::READS_ONLY;
use vigie_store::accounts::Account;

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
                let number = if n.siren.is_empty() { "sans SIREN publié".to_owned() } else { spaced(&n.siren) };
                vec![action::command(
                    &short(&format!("{} ({number})", n.name), 60),
                    &format!("/suivre {}", accounts::meaning(n)),
                )]
            }));
        }
        Ok(one(followed_in_french(&followed), buttons))
    }

    async fn followed_accounts(&self) -> Result<Vec<Reply>, Failure> {
        let mine = accounts::followed_by(self.service, self.person.structure()).await?;
        if mine.is_empty() {
            return Ok(word(followed_in_french(&Followed::Nothing)));
        }
        let mut lines = vec!["Vous suivez :".to_owned()];
        lines.extend(mine.iter().take(MAX_LISTED).map(|(a, committed)| {
            let number = a.siren().map(|siren| format!(" ({})", spaced(siren))).unwrap_or_default();
            format!("• {}{number}{}", short(&a.name, 80), if *committed { ", SPASER" } else { "" })
        }));
        if mine.len() > MAX_LISTED {
            lines.push(format!("et {} de plus.", mine.len() - MAX_LISTED));
        }
        lines.push("Pour ne plus suivre : /oublier et son SIREN ou son nom.".to_owned());
        Ok(word(lines.join("\n")))
    }

    /// Follows one no more: by its number, or by what of its name means one of those who are followed.
    pub(super) async fn unfollow_account(&self, text: &str) -> Result<Vec<Reply>, Failure> {
        let structure = self.person.structure();
        let mine = accounts::followed_by(self.service, structure).await?;
        let number = Buyer::clean_siret(text).map(|n| n[..9].to_owned());
        let words = commune::key(text);
        let meant = |a: &Account| {
            let named = commune::key(&a.name);
            number.as_deref().map_or_else(|| !words.is_empty() && named.contains(&words), |n| a.siren() == Some(n))
        };
        let exact = |a: &&Account| commune::key(&a.name) == words;
        let found: Vec<&Account> = mine.iter().map(|(a, _)| a).filter(|a| meant(a)).collect();
        let one = found.iter().copied().find(exact).or(match found.as_slice() {
            [only] => Some(*only),
            _ => None,
        });
        match (one, found.is_empty()) {
            (Some(account), _) => Ok(word(match accounts::unfollow(self.service, self.person, &account.key).await? {
                Unfollowed::ReadsOnly => READS_ONLY.to_owned(),
                Unfollowed::Yes | Unfollowed::NotFollowed => {
                    format!("C’est fait : vous ne suivez plus {}.", short(&account.name, 80))
                }
            })),
            (None, true) => Ok(word("Vous ne suivez personne de ce nom. /suivre montre ceux que vous suivez.")),
            (None, false) => {
                let button = |a: &Account| {
                    let by = a.siren().map_or_else(|| a.name.clone(), str::to_owned);
                    vec![action::command(&short(&a.name, 60), &format!("/oublier {by}"))]
                };
                Ok(super::one("Plusieurs portent ce nom : lequel ?", found.into_iter().map(button).collect()))
            }
        }
    }
}

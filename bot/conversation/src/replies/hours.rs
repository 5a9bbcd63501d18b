//! `/heures`: hours of clauses to be worked. Whether one hears of them, which are open, and the answer.

use vigie_domain::french;
use vigie_domain::operation::Hours;
use vigie_notifier::card::short;
use vigie_service::Failure;
use vigie_service::answers::action::{self, folded};
use vigie_service::hours_to_fill::{self, READ_BY};

use crate::Reply;

use super::{Asker, one, word};

const HOW: &str = "/heures montre ce qui est à pourvoir ; « /heures recevoir » et « /heures arrêter » disent si vous en entendez parler.";

/// Most hours shown: each has its buttons.
const MAX_SHOWN: usize = 5;

/// What is asked for behind `/heures`.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Wanted<'a> {
    List,
    Settle(bool),
    /// Yes or no to the hours of that identifier, and how many.
    Answer(bool, &'a str, Hours),
    Unclear,
}

fn wanted(text: &str) -> Wanted<'_> {
    let mut words = text.split_whitespace();
    let first = words.next().map(folded).unwrap_or_default();
    match (first.as_str(), words.next()) {
        ("", _) => Wanted::List,
        ("recevoir", None) => Wanted::Settle(true),
        ("arreter" | "stop", None) => Wanted::Settle(false),
        (said @ ("oui" | "non"), Some(id)) => {
            let rest = words.collect::<Vec<_>>().join(" ");
            let hours = rest.trim_end_matches("heures").trim_end_matches("heure");
            Hours::written(hours).map_or(Wanted::Unclear, |hours| Wanted::Answer(said == "oui", id, hours))
        }
        _ => Wanted::Unclear,
    }
}

impl Asker<'_> {
    /// Answers `/heures`.
    pub(super) async fn hours_to_fill(&self, text: &str) -> Result<Vec<Reply>, Failure> {
        match wanted(text) {
            Wanted::List => self.list_hours().await,
            Wanted::Unclear => Ok(word(HOW)),
            Wanted::Settle(wants) => {
                hours_to_fill::want(self.service, self.person, wants).await?;
                Ok(match wants {
                    true => one(
                        "C’est noté : vous recevez les heures de clause à pourvoir dans vos métiers et vos lieux.",
                        vec![vec![action::command("Ce qui est à pourvoir", "/heures")]],
                    ),
                    false => word("C’est noté : vous ne recevez plus ces propositions."),
                })
            }
            Wanted::Answer(yes, id, hours) => {
                let name = short(&self.incoming.sender.name, 80);
                let by = if name.is_empty() { self.person.name.clone() } else { name };
                let answer = (yes, hours, "");
                let answered = hours_to_fill::answer(self.service, (self.person, &by), id, answer).await?;
                Ok(word(answered.in_french()))
            }
        }
    }

    async fn list_hours(&self) -> Result<Vec<Reply>, Failure> {
        if !hours_to_fill::wants(self.service, self.person).await? {
            let text = "Des facilitateurs proposent des heures de clause à réaliser. Vous n’en recevez que si vous le demandez.";
            return Ok(one(text, vec![vec![action::command("Les recevoir", "/heures recevoir")]]));
        }
        let open = hours_to_fill::open_for(self.service, self.person).await?;
        if open.is_empty() {
            return Ok(one(
                "Rien à pourvoir dans vos métiers et vos lieux aujourd’hui.",
                vec![vec![action::command("Ne plus en recevoir", "/heures arrêter")]],
            ));
        }
        let mut replies: Vec<Reply> = Vec::new();
        for (offer, mine) in open.iter().take(MAX_SHOWN) {
            let mut lines = vec![
                offer.in_french(),
                format!("{} ; contact : {}", short(&offer.organisation, 120), short(&offer.contact, 200)),
                format!("Réponse jusqu’au {}.", french::date(offer.until)),
            ];
            lines.extend(mine.as_ref().map(|a| {
                let said = if a.yes { "nous pouvons" } else { "pas pour nous" };
                format!("Votre réponse : {said}.")
            }));
            replies.extend(one(lines.join("\n"), vec![hours_to_fill::choices(&offer.id)]));
        }
        let more = open.len().saturating_sub(MAX_SHOWN);
        let rest = if more > 0 {
            format!("Et {} de plus sur la page. ", french::plural(more, "proposition"))
        } else {
            String::new()
        };
        replies.extend(word(format!("{rest}{READ_BY}")));
        Ok(replies)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_follows_the_command_says_what_is_wanted() {
        for (text, meant) in [
            ("", Wanted::List),
            ("Recevoir", Wanted::Settle(true)),
            ("arrêter", Wanted::Settle(false)),
            ("oui ab12", Wanted::Answer(true, "ab12", Hours::NONE)),
            ("oui ab12 200 heures", Wanted::Answer(true, "ab12", Hours::whole(200))),
            ("non ab12", Wanted::Answer(false, "ab12", Hours::NONE)),
            ("oui", Wanted::Unclear),
            ("oui ab12 beaucoup", Wanted::Unclear),
        ] {
            assert_eq!(wanted(text), meant, "{text}");
        }
    }
}

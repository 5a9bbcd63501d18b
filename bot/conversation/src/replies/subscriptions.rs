//! `/abonnements`, `/pause`, `/reprendre`, and taking a subscription away.

use chrono::{DateTime, Utc};
use chrono_tz::Tz;
use vigie_domain::{Disposition, Subscription, french};
use vigie_notifier::card::short;
use vigie_notifier::criteria;
use vigie_service::answers::action;
use vigie_service::{Failure, preview, subscriptions};
use vigie_watcher::zones;

use crate::Reply;
use crate::command::{self, Which};

use super::{Asker, MAX_LISTED, day, one, word};

/// A pause without an end.
const FOR_EVER: DateTime<Utc> = DateTime::<Utc>::MAX_UTC;
/// Most subscriptions with buttons of their own.
const MAX_BUTTONS: usize = 6;
pub(crate) const WHICH_ONE: &str = "Lequel ? Donnez son numéro, par exemple « /changer 2 ». /abonnements les montre.";
const NO_SUCH: &str = "Je ne trouve pas cet abonnement. /abonnements les montre, avec leurs numéros.";

impl Asker<'_> {
    pub(super) async fn mine(&self) -> Result<Vec<Subscription>, Failure> {
        Ok(self.service.store.subscriptions_of(&self.person.id).await?)
    }

    pub(super) fn chosen(mine: &[Subscription], which: Option<&Which>) -> Option<Vec<Subscription>> {
        match which {
            None => Some(mine.to_vec()),
            Some(Which::Number(n)) => mine.get(n.checked_sub(1)?).map(|s| vec![s.clone()]),
            Some(Which::Id(id)) => mine.iter().find(|s| s.id.starts_with(id.as_str())).map(|s| vec![s.clone()]),
        }
    }

    pub(super) async fn subscriptions(&self) -> Result<Vec<Reply>, Failure> {
        let mine = self.mine().await?;
        if mine.is_empty() {
            let text = "Vous n’avez encore aucun abonnement : rien ne vous sera signalé.";
            return Ok(one(text, vec![vec![action::command("M’abonner", "/abonner")]]));
        }
        let from_file = self.service.store.follows_file(&self.person.id).await?;
        let mut lines = vec![format!("Vous avez {} :", french::plural(mine.len(), "abonnement"))];
        let mut buttons = Vec::new();
        for (i, s) in mine.iter().take(MAX_LISTED).enumerate() {
            let n = i + 1;
            let paused =
                s.paused_until.filter(|_| s.is_paused(self.now)).map(|until| format!("\n   ⏸ {}", paused(until)));
            lines.push(format!(
                "{n}. {}{}\n   {}{}",
                if s.name.is_empty() { String::new() } else { format!("{} – ", s.name) },
                short(&criteria::in_french(&s.filter), 300),
                s.cadence.in_french(),
                paused.clone().unwrap_or_default()
            ));
            if i < MAX_BUTTONS {
                let id: String = s.id.chars().take(12).collect();
                let toggle = if paused.is_some() {
                    action::command(&format!("Reprendre {n}"), &format!("/reprendre #{id}"))
                } else {
                    action::command(&format!("Mettre {n} en pause"), &format!("/pause #{id}"))
                };
                buttons.push(vec![
                    action::command(&format!("Changer {n}"), &format!("/changer #{id}")),
                    toggle,
                    action::command(&format!("Retirer {n}"), &format!("/retirer #{id}")),
                ]);
            }
        }
        if mine.len() > MAX_LISTED {
            lines.push(format!("et {} de plus.", mine.len() - MAX_LISTED));
        }
        if from_file {
            lines.push(subscriptions::FROM_FILE.to_owned());
        }
        buttons.push(vec![
            action::command("Ajouter un abonnement", "/abonner"),
            action::command("Mes réglages", "/reglages"),
        ]);
        Ok(one(lines.join("\n"), buttons))
    }

    pub(super) fn zone(&self) -> Tz {
        zones::zone(self.person.profile.departments.first())
    }

    pub(super) async fn pause(&self, which: Option<&Which>, until: &str) -> Result<Vec<Reply>, Failure> {
        let mine = self.mine().await?;
        let Some(chosen) = Self::chosen(&mine, which).filter(|c| !c.is_empty()) else { return Ok(word(NO_SUCH)) };
        let end = if until.is_empty() {
            FOR_EVER
        } else {
            match command::until(until, self.zone(), self.now) {
                Some(end) => end,
                None => {
                    return Ok(word(
                        "Je ne comprends pas cette date. Par exemple : /pause 2 semaines, /pause jusqu’au 12 janvier 2027, ou /pause tout court.",
                    ));
                }
            }
        };
        for s in &chosen {
            self.service.store.pause_subscription(&s.id, Some(end)).await?;
        }
        let what = if which.is_some() { "Cet abonnement est" } else { "Vos abonnements sont" };
        let text = format!(
            "{what} {}{}. Les marchés déjà signalés restent suivis : un rectificatif ou un rappel peut encore venir. /reprendre y met fin.",
            paused(end),
            if end == FOR_EVER { "" } else { ", jour où les alertes reviennent" }
        );
        Ok(one(text, vec![vec![action::command("Reprendre", &which_again("/reprendre", &chosen, which))]]))
    }

    pub(super) async fn resume(&self, which: Option<&Which>) -> Result<Vec<Reply>, Failure> {
        let back = self.reopen().await?;
        let mine = self.mine().await?;
        let Some(chosen) = Self::chosen(&mine, which) else { return Ok(word(NO_SUCH)) };
        let resumed: Vec<&Subscription> = chosen.iter().filter(|s| s.is_paused(self.now)).collect();
        for s in &resumed {
            self.service.store.pause_subscription(&s.id, None).await?;
        }
        if resumed.is_empty() && !back {
            return Ok(word("Rien n’était en pause."));
        }
        let latest = self.service.store.latest_notifications(&self.person.id, 200).await?;
        let missed = latest.iter().filter(|n| n.disposition == Disposition::Paused).count();
        let missed = match missed {
            0 => String::new(),
            1 => " Pendant la pause, un avis n’a pas été signalé : /pourquoi le montre.".to_owned(),
            n => {
                format!(" Pendant la pause, {n}\u{a0}avis n’ont pas été signalés : /pourquoi montre les derniers.")
            }
        };
        Ok(word(format!("C’est reparti : les alertes reviennent.{missed}")))
    }

    pub(super) async fn remove(&self, which: Option<&Which>, sure: bool) -> Result<Vec<Reply>, Failure> {
        let mine = self.mine().await?;
        let chosen = which.and_then(|w| Self::chosen(&mine, Some(w)));
        let Some([one_of]) = chosen.as_deref() else { return Ok(word(NO_SUCH)) };
        let what = short(&criteria::in_french(&one_of.filter), 200);
        if !sure {
            let id: String = one_of.id.chars().take(12).collect();
            let button = action::command("Oui, le retirer", &format!("/retirer #{id} oui"));
            return Ok(one(format!("Retirer cet abonnement ? {what}"), vec![vec![button]]));
        }
        subscriptions::remove(self.service, &self.person.id, &one_of.id).await?;
        Ok(word(format!("Retiré : {what}. /abonner en fait un autre.")))
    }
}

impl Asker<'_> {
    /// The one subscription meant: the only one they have, where none is named.
    pub(crate) async fn the_one(&self, which: Option<&Which>) -> Result<Option<Subscription>, Failure> {
        let mine = self.mine().await?;
        Ok(match which {
            None if mine.len() == 1 => mine.into_iter().next(),
            None => None,
            which => Self::chosen(&mine, which).and_then(|mut chosen| chosen.pop()),
        })
    }

    pub(super) async fn try_out(&self, which: Option<&Which>) -> Result<Vec<Reply>, Failure> {
        let Some(s) = self.the_one(which).await? else { return Ok(word(WHICH_ONE)) };
        let seen = preview::preview(self.service, &s.filter, &self.person.profile, preview::DAYS).await?;
        let mut lines = vec![short(&criteria::in_french(&s.filter), 300), seen.in_french(&s.filter)];
        lines.extend(seen.samples.iter().map(|sample| format!("• {}", short(&sample.title, 120))));
        let id: String = s.id.chars().take(12).collect();
        Ok(one(lines.join("\n"), vec![vec![action::command("Changer", &format!("/changer #{id}"))]]))
    }

    pub(super) async fn name_one(&self, which: Option<&Which>, name: &str) -> Result<Vec<Reply>, Failure> {
        let Some(s) = self.the_one(which).await? else { return Ok(word(WHICH_ONE)) };
        let name = if matches!(action::folded(name).as_str(), "sans nom" | "aucun") { "" } else { name };
        subscriptions::name(self.service, &self.person.id, &s.id, name).await?;
        Ok(word(if name.is_empty() {
            "Cet abonnement n’a plus de nom.".to_owned()
        } else {
            format!("Cet abonnement s’appelle maintenant « {} ».", short(name, subscriptions::MAX_NAME))
        }))
    }
}

fn paused(until: DateTime<Utc>) -> String {
    if until >= DateTime::<Utc>::from_timestamp_millis(FOR_EVER.timestamp_millis()).unwrap_or(FOR_EVER) {
        "en pause".to_owned()
    } else {
        format!("en pause jusqu’au {}", day(until))
    }
}

/// The command about the same subscription, or about all.
fn which_again(command: &str, chosen: &[Subscription], which: Option<&Which>) -> String {
    match (which, chosen.first()) {
        (Some(_), Some(s)) => format!("{command} #{}", s.id.chars().take(12).collect::<String>()),
        _ => command.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pause_says_how_long() {
        assert_eq!(paused(FOR_EVER), "en pause");
        let until = DateTime::parse_from_rfc3339("2027-01-12T00:00:00+01:00").unwrap().with_timezone(&Utc);
        assert_eq!(paused(until), "en pause jusqu’au 12 janvier 2027");
    }
}

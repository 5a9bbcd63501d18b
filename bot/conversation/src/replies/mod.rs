//! What each command answers, from the store.
//!
//! Everything is about the person whose chat it is. What changes something is durable before it is said.

mod accounts;
mod contracts;
mod dossier;
mod follow;
mod hours;
mod operations;
mod operator;
mod personal;
mod questions;
mod settle;
mod subscriptions;
mod why;

use std::pin::Pin;

use chrono::{DateTime, Utc};
use chrono_tz::Europe::Paris;
pub(super) use subscriptions::WHICH_ONE;
use vigie_domain::{Permission, Subscriber, french};
use vigie_notifier::card::short;
use vigie_notifier::chat::{Button, ButtonAction, Rich};
use vigie_service::answers::action;
use vigie_service::{Failure, Service};
use vigie_store::people::{Address, AddressState};

pub(super) use dossier::UNDER_WHICH;

use crate::command::Command;
use crate::{Incoming, Reply, ReplyPlace};

/// Most subscriptions, notices or dates listed.
const MAX_LISTED: usize = 15;

const IN_PRIVATE: &str = "Cette commande engage une personne ou l’installation : elle se donne dans une conversation privée avec Vigie, où personne d’autre n’écrit.";
const OPERATORS_ONLY: &str = "Cette commande est pour la personne qui gère Vigie. /aide montre les vôtres.";

/// Who asks, and where.
pub(super) struct Asker<'a> {
    pub service: &'a Service,
    pub incoming: &'a Incoming,
    pub person: &'a Subscriber,
    pub people: &'a [(Subscriber, Address)],
    pub now: DateTime<Utc>,
}

fn one(text: impl Into<String>, buttons: Vec<Vec<Button>>) -> Vec<Reply> {
    vec![Reply { place: ReplyPlace::Answer, text: Rich::plain(text), buttons }]
}

fn word(text: impl Into<String>) -> Vec<Reply> {
    one(text, Vec::new())
}

fn day(at: DateTime<Utc>) -> String {
    french::date(at.with_timezone(&Paris).date_naive())
}

/// What people write around a notice's number.
const AROUND: [char; 5] = ['«', '»', '"', '\u{a0}', ' '];

fn unread(written: &str) -> Vec<Reply> {
    word(format!(
        "Je n’ai pas lu d’avis « {} ». Son numéro est en bas de l’alerte, ou sur la page de l’avis (par exemple 26-12345).",
        short(written.trim_matches(AROUND), 60)
    ))
}

/// Whether a command is taken from one person alone with the bot: what erases a person, and what runs the installation. Anybody
/// of a group may write in it.
fn is_for_one_alone(command: &Command) -> bool {
    match command {
        Command::Erase { .. }
        | Command::Health
        | Command::Queue
        | Command::PauseSource(_)
        | Command::ResumeSource(_)
        | Command::Replay(_) => true,
        Command::Help
        | Command::Start(_)
        | Command::Subscriptions
        | Command::Subscribe
        | Command::Cancel
        | Command::Pause { .. }
        | Command::Resume(_)
        | Command::Change(_)
        | Command::Try(_)
        | Command::Name { .. }
        | Command::Settle(_)
        | Command::Answer { .. }
        | Command::Remove { .. }
        | Command::Why(_)
        | Command::PassOn(_)
        | Command::Deadlines
        | Command::Contracts
        | Command::Follow(_)
        | Command::Unfollow(_)
        | Command::Add(_)
        | Command::Operations(_)
        | Command::Hours(_)
        | Command::Search(_)
        | Command::Dossier
        | Command::Stop
        | Command::Export
        | Command::Unknown(_) => false,
    }
}

/// A future on the heap, made in a frame of its own: what answers any command would else need room on the stack for all of them.
#[inline(never)]
pub(crate) fn apart<F: Future>(make: impl FnOnce() -> F) -> Pin<Box<F>> {
    Box::pin(make())
}

impl Asker<'_> {
    /// Answers a command that is no part of a dialogue.
    ///
    /// # Errors
    /// The database fails.
    pub(super) async fn answer(&self, command: Command, about: Option<&str>) -> Result<Vec<Reply>, Failure> {
        if is_for_one_alone(&command) && !self.incoming.chat.private {
            return Ok(word(IN_PRIVATE));
        }
        match command {
            Command::Help => Ok(self.help()),
            Command::Start(_) => apart(|| self.start()).await,
            Command::Subscriptions => apart(|| self.subscriptions()).await,
            Command::Pause { which, until } => apart(|| self.pause(which.as_ref(), &until)).await,
            Command::Resume(which) => apart(|| self.resume(which.as_ref())).await,
            Command::Remove { which, sure } => apart(|| self.remove(which.as_ref(), sure)).await,
            Command::Try(which) => apart(|| self.try_out(which.as_ref())).await,
            Command::Name { which, name } => apart(|| self.name_one(which.as_ref(), &name)).await,
            Command::Settle(text) => apart(|| self.settle(&text)).await,
            Command::Answer { question, word } => apart(|| self.answer_question(&question, &word)).await,
            Command::Why(notice) => apart(|| self.why(notice.as_deref(), about)).await,
            Command::PassOn(notice) => apart(|| self.pass_on(notice.as_deref(), about)).await,
            Command::Deadlines => apart(|| self.deadlines()).await,
            Command::Contracts => apart(|| self.contracts()).await,
            Command::Follow(text) => apart(|| self.follow_account(&text)).await,
            Command::Unfollow(text) => apart(|| self.unfollow_account(&text)).await,
            Command::Add(text) => apart(|| self.add(&text)).await,
            Command::Operations(text) => apart(|| self.operations(&text, about)).await,
            Command::Hours(text) => apart(|| self.hours_to_fill(&text)).await,
            Command::Search(words) => apart(|| self.search_dossier(&words, about)).await,
            Command::Dossier => apart(|| self.dossier(about)).await,
            Command::Stop => apart(|| self.stop()).await,
            Command::Export => apart(|| self.export()).await,
            Command::Erase { sure } => apart(|| self.erase(sure)).await,
            Command::Unknown(name) => Ok(self.unknown(&name)),
            Command::Subscribe | Command::Change(_) | Command::Cancel => Ok(Vec::new()),
            _ if !self.person.role.may(Permission::Operate) => Ok(word(OPERATORS_ONLY)),
            Command::Health => apart(|| self.health()).await,
            Command::Queue => apart(|| self.queue()).await,
            Command::PauseSource(id) => apart(|| self.pause_source(&id, true)).await,
            Command::ResumeSource(id) => apart(|| self.pause_source(&id, false)).await,
            Command::Replay(id) => apart(|| self.replay(&id)).await,
        }
    }

    pub(super) fn help(&self) -> Vec<Reply> {
        let mut lines = vec!["Ce que je sais faire :".to_owned()];
        if self.person.role.may(Permission::Decide) {
            lines.push("Sous une alerte, touchez un bouton, réagissez ou répondez : 👍 « oui », 👎 « non », ⏰ « plus tard » (dans trois jours, ou « rappel 5 jours »), « détails », « note : … » ou « pour Marc ». Vos collègues le voient, personne d’autre.".to_owned());
        } else {
            lines.push("Sous une alerte, « détails » en dit plus.".to_owned());
        }
        lines.extend(
            [
                "/abonner : un nouvel abonnement, pas à pas",
                "/abonnements : ce que vous recevez ; changer, mettre en pause, retirer",
                "/reglages : à quelles heures, par quel canal Vigie vous écrit",
                "/absence : vous n’êtes pas là, et qui vous remplace ; par exemple /absence 2 semaines",
                "/pause, /reprendre : plus de nouveaux marchés de vos abonnements, ou d’un seul ; par exemple /pause 2 semaines, /pause 1",
                "/pourquoi : pourquoi un avis est venu, ou non (/pourquoi 26-12345)",
                "/echeances : les dates des marchés où vous allez",
                "/contrats : à qui proposer vos services, et les contrats qui finissent bientôt",
                "/suivre : un acheteur ou une entreprise, par son SIREN ou son nom",
                "/ajouter : un marché dont vous avez entendu parler, pour votre structure seule",
                "/chercher : un mot dans le dossier de consultation (envoyez RC, CCAP ou ZIP en réponse à une alerte) ; /dossier : ce qu’il dit",
                "/heures : les heures de clause que des facilitateurs proposent de réaliser, si vous demandez à en recevoir",
                "/stop : plus rien dans cette conversation",
                "/export, /effacer : vos données",
            ]
            .map(str::to_owned),
        );
        if self.person.role.may(Permission::FollowOperations) {
            lines.push("/operations : ce que votre organisation suit ; « /operations suivre » ou « note : … » en réponse à une alerte en fait une ; /operations étape, pour, état changent la vôtre ; /operations achats : ce qui est à calibrer".to_owned());
        }
        if self.person.role.may(Permission::PassOn) {
            lines.push(
                "/transmettre : passer un marché à vos membres, en réponse à son alerte ou par son numéro".to_owned(),
            );
        }
        if self.person.role.may(Permission::Operate) {
            lines.push(
                "Exploitation : /sante, /file, /pauser SOURCE, /reprendre_source SOURCE, /rejouer ENVOI".to_owned(),
            );
        }
        if let Some(operator) = &self.service.settings.operator {
            lines.push(format!("Vigie est tenue par {}.", operator.in_words()));
        }
        let mut buttons = vec![
            vec![action::command("Mes abonnements", "/abonnements"), action::command("M’abonner", "/abonner")],
            vec![action::command("Mes échéances", "/echeances"), action::command("Mes réglages", "/reglages")],
        ];
        buttons.extend(self.own_pages());
        one(lines.join("\n"), buttons)
    }

    /// The way to one's own pages, where they are served.
    fn own_pages(&self) -> Option<Vec<Button>> {
        let url = self.service.home_url()?;
        Some(vec![Button { label: "Mes marchés".to_owned(), action: ButtonAction::Open(url) }])
    }

    fn unknown(&self, name: &str) -> Vec<Reply> {
        if !self.incoming.chat.private {
            return Vec::new(); // perhaps another bot's
        }
        let said = if name.is_empty() { String::new() } else { format!(" « /{name} »") };
        word(format!("Je ne connais pas la commande{said}. /aide montre celles que je comprends."))
    }

    async fn start(&self) -> Result<Vec<Reply>, Failure> {
        let back = self.reopen().await?;
        let hello = if back {
            "De retour ! Vos alertes arrivent de nouveau ici."
        } else {
            "Bonjour, ici Vigie. Vos alertes arrivent ici."
        };
        let any = !self.service.store.subscriptions_of(&self.person.id).await?.is_empty();
        let (next, button) = if any {
            ("/abonnements montre ce que vous recevez.", action::command("Mes abonnements", "/abonnements"))
        } else {
            (
                "Il reste à dire ce que vous voulez recevoir : deux minutes suffisent.",
                action::command("M’abonner", "/abonner"),
            )
        };
        Ok(one(format!("{hello} {next}"), vec![vec![button]]))
    }

    /// Brings this chat back into use where its owner had stopped it.
    async fn reopen(&self) -> Result<bool, Failure> {
        let mut any = false;
        for (_, address) in self.people.iter().filter(|(_, a)| a.state == AddressState::Stopped) {
            self.service
                .store
                .set_address_state(&address.id, AddressState::Active, "reprise par son propriétaire")
                .await?;
            any = true;
        }
        Ok(any)
    }
}

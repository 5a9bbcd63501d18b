//! What a person is asked in a message of its own: of a subscription that gives too much or nothing ([`crate::breadth::monthly`]), or
//! of what their refusals say ([`crate::taste`]), or whether they are a member of a network ([`crate::network`]). One question, some answers, the same wherever they are given: by a button of a chat,
//! by a link of a mail, on the page of settings.

use chrono::{DateTime, Duration, Utc};
use vigie_domain::{Channel, Subscriber};
use vigie_notifier::chat::{Button, ButtonAction};
use vigie_store::StoreError;
use vigie_store::taste::TasteState;

use crate::answers::action::{self, folded};
use crate::breadth::monthly;
use crate::error::Failure;
use crate::links::Purpose;
use crate::network;
use crate::service::Service;
use crate::taste;

/// The word by which somebody agrees.
pub(crate) const YES: &str = "oui";
/// The word by which nothing changes.
pub(crate) const NO: &str = "non";
/// The word by which nothing is answered, and what it rests on is shown.
pub const SHOW: &str = "voir";
/// How long a link answers.
const LINK_LASTS: Duration = Duration::days(90);
/// The command that carries an answer.
const COMMAND: &str = "/proposition";

/// A question, as it stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Question {
    /// Also the identifier of the alert that put it.
    pub id: String,
    /// What is asked, or what became of it.
    pub title: String,
    pub lines: Vec<String>,
    /// What may be answered.
    pub choices: Vec<Choice>,
    /// Nobody answered yet.
    pub waits: bool,
}

/// An answer that may be given.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct Choice {
    /// The word by which it is given.
    pub word: String,
    /// What a button says.
    pub label: String,
}

/// The question of that identifier, where it is this person's.
///
/// # Errors
/// The database fails.
pub async fn of(service: &Service, person: &Subscriber, id: &str) -> Result<Option<Question>, StoreError> {
    if let Some(advised) = service.store.advice(id, &person.id).await? {
        return monthly::question(&advised).map(Some);
    }
    if let Some(one) = service.store.taste(id, person.structure()).await?.filter(|_| taste::may_answer(person)) {
        return Ok(Some(taste::question(&one)));
    }
    let asked = network::questions(service, person).await?;
    Ok(asked.into_iter().map(|(_, question)| question).find(|question| question.id == id))
}

/// Answers one; gives what to say. `None` where it is not this person's, or the word is none of its answers.
///
/// # Errors
/// The database fails.
pub async fn answer(
    service: &Service,
    person: &Subscriber,
    (id, by): (&str, &str),
    word: &str,
) -> Result<Option<String>, Failure> {
    if let Some(advised) = service.store.advice(id, &person.id).await? {
        return monthly::answer(service, person, &advised, word).await;
    }
    match service.store.taste(id, person.structure()).await?.filter(|_| taste::may_answer(person)) {
        Some(one) => taste::answer(service, &one, by, word).await,
        None => Ok(network::answer_question(service, person, id, word).await?),
    }
}

/// What waits for this person's answer.
///
/// # Errors
/// The database fails.
pub async fn waiting(service: &Service, person: &Subscriber) -> Result<Vec<Question>, StoreError> {
    let mut all = standing(service, person).await?;
    all.retain(|question| question.waits);
    Ok(all)
}

/// What waits for this person's answer, then what their structure learned and holds.
///
/// # Errors
/// The database fails.
pub async fn standing(service: &Service, person: &Subscriber) -> Result<Vec<Question>, StoreError> {
    let mut all: Vec<Question> =
        network::questions(service, person).await?.into_iter().map(|(_, question)| question).collect();
    for advised in service.store.advices_waiting(&person.id).await? {
        all.push(monthly::question(&advised)?);
    }
    if taste::may_answer(person) {
        let tastes = service.store.tastes_of(person.structure()).await?;
        all.extend(tastes.iter().filter(|one| one.state != TasteState::Off).map(taste::question));
    }
    all.sort_by_key(|question| !question.waits);
    Ok(all)
}

impl Question {
    /// The word of the answer that somebody writes: the word itself, or what its button says.
    #[must_use]
    pub fn word_of(&self, said: &str) -> Option<&str> {
        let said = folded(said);
        let means = |c: &&Choice| said == c.word || said == folded(&c.label);
        self.choices.iter().find(means).map(|c| c.word.as_str())
    }

    /// The buttons under the message that asks, on that channel; `url` is the page where it is answered.
    #[must_use]
    pub fn buttons(&self, channel: Channel, url: Option<&str>) -> Vec<Vec<Button>> {
        let one = |choice: &Choice| match url {
            Some(url) if channel.is_hook() => {
                let action = ButtonAction::Open(format!("{url}?mot={}", choice.word));
                Some(Button { label: choice.label.clone(), action })
            }
            _ if channel.is_hook() => None,
            _ => Some(action::command(&choice.label, &format!("{COMMAND} {} {}", self.id, choice.word))),
        };
        self.choices.iter().filter_map(one).map(|button| vec![button]).collect()
    }

    /// What a mail leads to, as (label, address).
    #[must_use]
    pub fn links(&self, url: &str) -> Vec<(String, String)> {
        self.choices.iter().map(|c| (c.label.clone(), format!("{url}?mot={}", c.word))).collect()
    }
}

impl Service {
    /// The page where a person answers a question without signing in.
    #[must_use]
    pub fn question_url(&self, id: &str, person: &str, now: DateTime<Utc>) -> Option<String> {
        self.link(Purpose::Question, &format!("{id}:{person}"), Some(now + LINK_LASTS))
    }
}

//! What Vigie asked in a message of its own, answered in a chat: by a button, or by the words that it bears.

use vigie_service::Failure;
use vigie_service::answers::action;
use vigie_service::questions::{self, Question};

use crate::Reply;

use super::{Asker, one, word};

const GONE: &str = "Cette question n’est plus là, ou n’est pas la vôtre. /reglages montre ce qui se règle.";

impl Asker<'_> {
    pub(super) async fn answer_question(&self, id: &str, said: &str) -> Result<Vec<Reply>, Failure> {
        let Some(question) = questions::of(self.service, self.person, id).await? else { return Ok(word(GONE)) };
        let by = if self.person.name.is_empty() { &self.incoming.sender.name } else { &self.person.name };
        match questions::answer(self.service, self.person, (id, by), said).await? {
            Some(text) => self.after(&question, text).await,
            None => Ok(self.put(&question)),
        }
    }

    /// What was answered, with what can still be.
    async fn after(&self, question: &Question, text: String) -> Result<Vec<Reply>, Failure> {
        let now = questions::of(self.service, self.person, &question.id).await?;
        let mut buttons = now.map(|q| q.buttons(self.incoming.chat.channel, None)).unwrap_or_default();
        buttons.push(vec![action::command("Mes réglages", "/reglages")]);
        Ok(one(text, buttons))
    }

    pub(super) fn put(&self, question: &Question) -> Vec<Reply> {
        let mut lines = vec![question.title.clone()];
        lines.extend(question.lines.iter().cloned());
        one(lines.join("\n"), question.buttons(self.incoming.chat.channel, None))
    }

    /// What somebody writes may answer the one question that waits for them.
    pub(crate) async fn answer_in_words(&self, said: &str) -> Result<Option<Vec<Reply>>, Failure> {
        let waiting = questions::waiting(self.service, self.person).await?;
        let [question] = waiting.as_slice() else { return Ok(None) };
        match question.word_of(said).map(str::to_owned) {
            Some(word) => self.answer_question(&question.id, &word).await.map(Some),
            None => Ok(None),
        }
    }
}

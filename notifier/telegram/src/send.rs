//! The calls that send, edit and answer. A server that refuses a message for its styles or buttons gets the words alone.

use serde_json::Value;
use teloxide_core::payloads::{AnswerCallbackQuerySetters as _, EditMessageTextSetters as _, SendMessageSetters as _};
use teloxide_core::prelude::Requester as _;
use teloxide_core::types::{ChatId, LinkPreviewOptions, MessageId, ReplyParameters, ThreadId};
use teloxide_core::{ApiError, RequestError};

use vigie_notifier::typeset::typeset;

use crate::content::{MAX_TOAST, Part};
use crate::refusal::Refusal;
use crate::session::Telegram;

/// Where a message goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Place {
    pub chat: i64,
    /// The topic, where the chat has some and it is not the main one.
    pub topic: Option<i32>,
    /// The message under which it stands.
    pub under: Option<i32>,
}

impl Place {
    /// In that chat, and nowhere in particular.
    #[must_use]
    pub fn of(chat: i64) -> Self {
        Self { chat, topic: None, under: None }
    }
}

impl Telegram {
    /// Sends one message, into a topic of the chat, under another where that one still stands; gives its identifier.
    ///
    /// # Errors
    /// What the server said; [`Refusal::NoTopic`] where the topic is gone.
    pub async fn send(&self, place: Place, part: &Part) -> Result<i32, Refusal> {
        self.pacer.turn(place.chat).await;
        match self.send_once(place, part).await {
            Err(Refusal::Message(why)) if part.is_styled() => {
                tracing::error!("Telegram refuses a message, its words are sent alone: {why}");
                self.pacer.turn(place.chat).await;
                self.send_once(place, &part.bare()).await
            }
            done => done,
        }
    }

    async fn send_once(&self, place: Place, part: &Part) -> Result<i32, Refusal> {
        let mut call = self.bot.send_message(ChatId(place.chat), part.text.clone()).link_preview_options(no_preview());
        if !part.entities.is_empty() {
            call = call.entities(part.entities.clone());
        }
        if let Some(buttons) = &part.buttons {
            call = call.reply_markup(buttons.clone());
        }
        if let Some(topic) = place.topic {
            call = call.message_thread_id(ThreadId(MessageId(topic)));
        }
        if let Some(message) = place.under {
            call = call.reply_parameters(ReplyParameters::new(MessageId(message)).allow_sending_without_reply());
        }
        match call.await {
            Ok(message) => Ok(message.id.0),
            // Taken in, though the library cannot read all of it: never sent again for that.
            Err(RequestError::InvalidJson { ref raw, .. }) if accepted(raw).is_some() => {
                Ok(accepted(raw).unwrap_or_default())
            }
            Err(e) => Err(self.refusal(&e)),
        }
    }

    /// Puts this in place of a message; one that says so already is well.
    ///
    /// # Errors
    /// What the server said.
    pub async fn edit(&self, chat: i64, message: i32, part: &Part) -> Result<(), Refusal> {
        self.pacer.call().await;
        match self.edit_once(chat, message, part).await {
            Err(Refusal::Message(why)) if !part.entities.is_empty() && why.contains("pars") => {
                tracing::error!("Telegram refuses an edit, its words are sent alone: {why}");
                self.edit_once(chat, message, &Part { buttons: part.buttons.clone(), ..part.bare() }).await
            }
            done => done,
        }
    }

    async fn edit_once(&self, chat: i64, message: i32, part: &Part) -> Result<(), Refusal> {
        let mut call = self
            .bot
            .edit_message_text(ChatId(chat), MessageId(message), part.text.clone())
            .link_preview_options(no_preview());
        if !part.entities.is_empty() {
            call = call.entities(part.entities.clone());
        }
        if let Some(buttons) = &part.buttons {
            call = call.reply_markup(buttons.clone());
        }
        self.edited(call.await.map(|_| ()))
    }

    fn edited(&self, done: Result<(), RequestError>) -> Result<(), Refusal> {
        match done {
            Err(RequestError::Api(ApiError::MessageNotModified)) => Ok(()),
            Err(RequestError::Api(ApiError::Unknown(said))) if said.contains("message is not modified") => Ok(()),
            Err(RequestError::InvalidJson { raw, .. }) if accepted(&raw).is_some() => Ok(()),
            Err(e) => Err(self.refusal(&e)),
            Ok(()) => Ok(()),
        }
    }

    /// Answers a button that was pressed, with a toast or without: until then the client shows it as busy. An answer that comes
    /// too late is no error.
    ///
    /// # Errors
    /// What the server said.
    pub async fn answer_press(&self, press: &str, word: Option<&str>) -> Result<(), Refusal> {
        let mut call = self.bot.answer_callback_query(teloxide_core::types::CallbackQueryId(press.to_owned()));
        if let Some(word) = word {
            call = call.text(toast(word));
        }
        match call.await {
            Ok(_) | Err(RequestError::Api(ApiError::InvalidQueryId)) => Ok(()),
            Err(e) => Err(self.refusal(&e)),
        }
    }
}

/// Whether a text fits a toast, the word that clients show for a moment.
#[must_use]
pub fn fits_toast(word: &str) -> bool {
    word.encode_utf16().count() <= MAX_TOAST
}

fn toast(word: &str) -> String {
    let mut units = 0;
    let fits = |c: &char| {
        units += c.len_utf16();
        units <= MAX_TOAST
    };
    typeset(word).chars().take_while(fits).collect()
}

fn no_preview() -> LinkPreviewOptions {
    LinkPreviewOptions {
        is_disabled: true,
        url: None,
        prefer_small_media: false,
        prefer_large_media: false,
        show_above_text: false,
    }
}

/// The message of an answer that says it was taken in.
fn accepted(raw: &str) -> Option<i32> {
    let answer: Value = serde_json::from_str(raw).ok()?;
    answer.get("ok")?.as_bool().filter(|ok| *ok)?;
    answer.pointer("/result/message_id").and_then(Value::as_i64).and_then(|id| i32::try_from(id).ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_message_that_was_taken_in_is_known_from_its_answer() {
        assert_eq!(accepted(r#"{"ok":true,"result":{"message_id":7,"novelty":{}}}"#), Some(7));
        assert_eq!(accepted(r#"{"ok":false,"result":{"message_id":7}}"#), None);
        assert_eq!(accepted("<html>502</html>"), None);
    }

    #[test]
    fn a_toast_is_cut_between_characters() {
        assert_eq!(toast(&"🏛".repeat(200)).encode_utf16().count(), MAX_TOAST);
        assert!(fits_toast("Noté") && !fits_toast(&"x".repeat(201)));
    }
}

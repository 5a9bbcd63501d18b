//! What people say in chats and what is answered: one conversation for Telegram and Matrix.
//!
//! ```text
//! a chat's own event → Incoming → dispatch() → Reply… → the chat's own message
//! ```
//!
//! A chat hands in what came, as an [`Incoming`], in words that belong to no chat, and carries out the [`Reply`]s. Whatever decides is
//! here, whatever speaks a protocol is there.

pub mod by_mail;
pub mod command;
mod decide;
mod dispatch;
mod membership;
pub mod refine;
mod replies;
mod save_subscription;
pub mod settle;
pub mod subscribe;

pub use dispatch::dispatch;
pub use membership::invited;
use vigie_domain::Channel;
use vigie_notifier::chat::{Button, ButtonAction, Rich};

/// Something said or done in a chat.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Incoming {
    /// Where.
    pub chat: Chat,
    /// Who.
    pub sender: Sender,
    /// What.
    pub input: Input,
}

/// A chat: between one person and the bot, or shared.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Chat {
    /// Telegram or Matrix.
    pub channel: Channel,
    /// Its address on that channel, as deliveries name it.
    pub id: String,
    /// Whether one person alone talks there with the bot.
    pub private: bool,
    /// Its name; empty where it has none.
    pub title: String,
}

/// Who spoke.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sender {
    /// Stable identifier on that channel.
    pub id: String,
    /// How they are called, as shown to their colleagues.
    pub name: String,
}

/// What was said or done.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Input {
    /// A text.
    Text {
        /// The words, as written.
        text: String,
        /// The delivery that this answers, if it answers one.
        about: Option<String>,
        /// The correction of an earlier text.
        edited: bool,
        /// Passed on from elsewhere.
        forwarded: bool,
    },
    /// A button pressed.
    Pressed {
        /// The button's data.
        data: String,
        /// The delivery that carries the button, if one does.
        about: Option<String>,
    },
    /// A reaction put under a message.
    Reacted {
        /// The emoji, without variation selector or skin tone.
        emoji: String,
        /// The delivery.
        about: String,
    },
    /// A file sent.
    File {
        /// As it was called.
        name: String,
        /// Its bytes, or why the chat does not give them.
        content: Result<Vec<u8>, FileFault>,
        /// The delivery that it was sent under, if it was.
        about: Option<String>,
    },
    /// The bot was let into the chat.
    Joined,
    /// The bot was put out of the chat, or blocked.
    Left,
    /// The chat goes on under another address (a group became a supergroup).
    Moved {
        /// The new address.
        to: String,
    },
    /// Something that could not be decrypted.
    Undecryptable,
}

/// Why a chat does not give a file that was sent there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FileFault {
    /// Longer than so many megabytes, which is all that this chat gives.
    TooLarge(u32),
    /// The chat's server did not give it.
    Away,
}

impl FileFault {
    pub(crate) fn in_french(self) -> String {
        match self {
            Self::TooLarge(most) => format!("il dépasse les {most}\u{a0}Mo que cette messagerie laisse prendre"),
            Self::Away => "la messagerie ne l’a pas donné ; renvoyez-le dans un moment".to_owned(),
        }
    }
}

/// An answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reply {
    /// Where it goes.
    pub place: ReplyPlace,
    /// What it says.
    pub text: Rich,
    /// Buttons, row by row. A chat without buttons lists their labels as words to answer with.
    pub buttons: Vec<Vec<Button>>,
}

/// Where an answer goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ReplyPlace {
    /// A new message, under what was said where the chat can show that.
    Answer,
    /// In place of the message whose button was pressed; a new message where the chat cannot do that.
    Edit,
    /// A word that passes, for the one who pressed or reacted. A chat that cannot show such a word leaves it out: what it
    /// says shows in the state line too.
    Toast,
}

/// An answer for a chat without buttons: their labels are words to answer with.
#[must_use]
pub fn in_words(reply: &Reply) -> Rich {
    let mut text = reply.text.clone();
    let labels: Vec<String> = reply
        .buttons
        .iter()
        .flatten()
        .filter(|b| matches!(b.action, ButtonAction::Press(_)))
        .map(|b| format!("« {} »", b.label))
        .collect();
    if !labels.is_empty() {
        text.push(&Rich::plain(format!("\nRépondez : {}", labels.join(", "))));
    }
    for button in reply.buttons.iter().flatten() {
        if let ButtonAction::Open(url) = &button.action {
            text.push(&Rich::plain(format!("\n{} : {url}", button.label)));
        }
    }
    text
}

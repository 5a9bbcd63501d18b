//! The Telegram channel, over the Bot API.
//!
//! | module | does |
//! |---|---|
//! | [`session`] | the bot: its token, its client, what the server says of it |
//! | [`content`] | a message as Telegram carries it: parts, entities counted in UTF-16, buttons |
//! | [`send`] | the calls that send, edit and answer |
//! | [`refusal`] | what an answer that is not a success means |
//! | [`scrub`] | the token taken out of everything that is said |
//! | [`pace`] | no more calls than Telegram allows, whoever makes them |
//! | [`receive`] | what people did in the chats, by long polling |
//!
//! This crate knows neither the database nor the other channels: which message carries which delivery, how far the updates
//! were handled and what waits is kept by its user. The token stands in the address of every call; whatever this crate gives
//! or logs has gone through [`scrub::Scrub`] first.

pub mod content;
pub mod pace;
pub mod receive;
pub mod refusal;
pub mod scrub;
pub mod send;
pub mod session;

pub use content::Part;
pub use receive::{Event, EventKind};
pub use refusal::Refusal;
pub use session::{Me, Telegram, TelegramError};

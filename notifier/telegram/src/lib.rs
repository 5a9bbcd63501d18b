//! The Telegram channel, over the Bot API.
//!
//! | module | does |
//! |---|---|
//! | [`session`] | the bot: its token, its client, what the server says of it |
//! | [`content`] | a message as Telegram carries it: parts, entities counted in UTF-16, buttons |
//! | [`send`] | one call, and what its answer means |
//! | [`pace`] | no more calls than Telegram allows, whoever makes them |
//! | [`receive`] | what people did in the chats, by long polling |
//!
//! This crate knows neither the database nor the other channels: which message carries which delivery, how far the updates
//! were handled and what waits is kept by its user. The token stands in the address of every call; whatever this crate gives
//! or logs has gone through [`session::Scrub`] first.

pub mod content;
pub mod pace;
pub mod receive;
pub mod send;
pub mod session;

pub use content::Part;
pub use receive::{Event, What};
pub use send::Refusal;
pub use session::{Me, Telegram, TelegramError};

//! The Telegram channel, over the Bot API.

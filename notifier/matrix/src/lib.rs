//! The Matrix channel, with end-to-end encryption.
//!
//! | module | does |
//! |---|---|
//! | [`session`] | one login, one device, kept in an encrypted store and restored at every start |
//! | [`content`] | a message as Matrix carries it: plain body and HTML subset, bounded |
//! | [`send`] | one message into one room, and what the server's answer means |
//! | [`receive`] | what people did in the rooms: texts, reactions, invites |
//!
//! Nothing leaves in clear for a room whose encryption is, or ever was, on. This crate knows neither the database nor the
//! other channels; it keeps, in its own store, which event carries which delivery.

pub mod content;
pub mod receive;
pub mod send;
pub mod session;

pub use receive::{Event, EventKind, Followed};
pub use send::Note;
pub use session::{Matrix, MatrixError, SessionFault};

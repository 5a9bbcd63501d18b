//! Channels: one folder each. A channel takes a rendered message, an address and a key that is the same on every attempt,
//! and says what came of it ([`vigie_domain::delivery::Outcome`]); it neither retries nor stores.

pub mod console;
pub mod email;
pub mod hooks;

use crate::chat::Button;
use crate::message::Message;

/// One message for one address.
#[derive(Debug, Clone)]
pub struct Envelope<'a> {
    /// The address on the channel.
    pub to: &'a str,
    /// The delivery's identifier: the stable key.
    pub key: &'a str,
    /// Keys of earlier messages of the thread, oldest first.
    pub thread: &'a [String],
    /// An earlier attempt was made; it may have arrived.
    pub resend: bool,
    pub message: &'a Message,
    /// Buttons under it, row by row. A channel without buttons leaves them out: its text says how to answer.
    pub buttons: &'a [Vec<Button>],
}

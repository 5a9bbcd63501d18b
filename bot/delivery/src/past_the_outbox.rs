//! Word to the operators where nothing can be written: past the outbox, straight to the channels.
//!
//! Every other message is a row of the outbox first. When the database takes no writes, a row is what cannot be made; the
//! operators' addresses are remembered from when it could be read. Nothing is retried and nothing is noted: several processes
//! may say the same, and whoever is not reached has the heartbeat's silence.

use std::sync::{Mutex, PoisonError};

#[cfg(feature = "telegram")]
use vigie_domain::Channel;
use vigie_domain::delivery::Outcome;
use vigie_notifier::channels::Envelope;
use vigie_notifier::message::{Form, Message};
use vigie_store::StoreError;
use vigie_store::people::Address;

use crate::channels;
use crate::engine::Engine;

/// The operators' addresses, as last read.
#[derive(Debug, Default)]
pub struct Operators(Mutex<Vec<Address>>);

impl Operators {
    /// Reads them anew.
    ///
    /// # Errors
    /// The database fails: what was read before stays.
    pub async fn read(&self, engine: &Engine) -> Result<(), StoreError> {
        let addresses = engine.service.store.operator_addresses().await?;
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = addresses;
        Ok(())
    }

    fn known(&self) -> Vec<Address> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

/// Says it to every operator at every address; gives how many addresses took it.
pub async fn tell(engine: &Engine, operators: &Operators, title: &str, text: &str) -> usize {
    let mut reached = 0;
    for address in operators.known() {
        let message = match engine.service.templates.operator(Form::of(address.channel), title, text) {
            Ok(message) => message,
            Err(e) => {
                tracing::error!("word to the operators cannot be made: {e}");
                continue;
            }
        };
        match send(engine, &address, &message).await {
            Outcome::Accepted(_) => reached += 1,
            outcome => tracing::error!(channel = address.channel.as_str(), "an operator is not told: {outcome:?}"),
        }
    }
    reached
}

async fn send(engine: &Engine, address: &Address, message: &Message) -> Outcome {
    let Ok(key) = vigie_store::random() else { return Outcome::Permanent("aucun nombre aléatoire".to_owned()) };
    #[cfg(feature = "telegram")]
    if address.channel == Channel::Telegram
        && let (Some(chats), Ok(chat)) = (&engine.telegram, address.value.parse())
    {
        return chats.say_unnoted(chat, message).await;
    }
    let envelope = Envelope { to: &address.value, key: &key, thread: &[], resend: false, message, buttons: &[] };
    channels::send(engine, address.channel, &envelope).await
}

//! Answers by mail: a word about a message, taken the way a chat takes it.

use vigie_domain::Channel;
use vigie_service::{Failure, Service};
use vigie_store::inbox::Sent;

use super::{Chat, Incoming, Input, Sender, dispatch, in_words};

/// Says a word about a mail, in the name of whoever got it, as one says it in a chat; gives what is answered.
///
/// # Errors
/// The database fails.
pub async fn say(service: &Service, sent: &Sent, word: &str) -> Result<Vec<String>, Failure> {
    let person = service.store.subscriber(&sent.address.subscriber).await?;
    let name = person.map(|p| p.name).filter(|n| !n.is_empty()).unwrap_or_else(|| sent.address.value.clone());
    let incoming = Incoming {
        chat: Chat { channel: Channel::Email, id: sent.address.value.clone(), private: true, title: String::new() },
        sender: Sender { id: sent.address.value.clone(), name },
        input: Input::Text {
            text: word.to_owned(),
            about: Some(sent.delivery.clone()),
            edited: false,
            forwarded: false,
        },
    };
    Ok(dispatch(service, incoming).await?.into_iter().map(|r| in_words(&r).text).collect())
}

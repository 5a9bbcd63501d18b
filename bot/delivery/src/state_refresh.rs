//! Messages whose state line is to be shown anew, because a decision changed on whatever channel.
//!
//! Each channel shows it its own way, and says so to the store ([`vigie_store::Store::refreshed`]); what it does not say is
//! tried again. The line is computed for the owner of the message from what *their* structure decided: no message ever shows
//! what another one did.

use vigie_domain::subscription::Role;
use vigie_domain::{Channel, Permission};
use vigie_notifier::chat::{Button, Rich};
use vigie_service::answers::state_line;
use vigie_service::{Failure, Service, alert_card};
use vigie_store::chats::ChatMessage;

/// Most messages refreshed in one pass.
const AT_ONCE: i64 = 50;

/// A message that shows another state than the one decided.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stale {
    /// The message.
    pub message: ChatMessage,
    /// The state line to show; empty = none any more.
    pub line: String,
}

/// Messages of a channel to show anew. Those that show the right line already are left out, and done with.
///
/// # Errors
/// The database fails.
pub async fn stale(service: &Service, channel: Channel) -> Result<Vec<Stale>, Failure> {
    let mut out = Vec::new();
    for message in service.store.messages_to_refresh(channel, AT_ONCE).await? {
        let line = line_of(service, &message).await?;
        if line == message.shown {
            service.store.refreshed(&message, &line, None).await?;
        } else {
            out.push(Stale { message, line });
        }
    }
    Ok(out)
}

async fn line_of(service: &Service, message: &ChatMessage) -> Result<String, Failure> {
    let Some(person) = service.store.subscriber(&message.subscriber).await? else { return Ok(String::new()) };
    if !person.role.may(Permission::Decide) {
        return Ok(String::new());
    }
    let decisions = service.store.decisions_on(person.structure(), &message.procedure).await?;
    Ok(state_line::line(&decisions, service.clock.now()).unwrap_or_default())
}

/// What the message says, made anew, with its state line; and its buttons. `None` where nothing is left of it.
///
/// # Errors
/// The database fails.
pub async fn whole(service: &Service, stale: &Stale) -> Result<Option<(Rich, Vec<Vec<Button>>)>, Failure> {
    let Some((kind, phase, text)) = alert_card::chat_of(service, &stale.message.delivery).await? else {
        return Ok(None);
    };
    let role = service.store.subscriber(&stale.message.subscriber).await?.map_or(Role::Subscriber, |p| p.role);
    Ok(Some((with_line(text, &stale.line), state_line::buttons(kind, role, phase, &stale.message.delivery))))
}

/// A message with its state line under it.
#[must_use]
pub fn with_line(mut text: Rich, line: &str) -> Rich {
    if !line.is_empty() {
        text.push(&Rich::plain(format!("\n\n{line}")));
    }
    text
}

//! The outgoing half of each channel: which one carries a message, and how a chat shows anew what was decided.

pub mod hooks;
#[cfg(feature = "matrix")]
pub mod matrix;
#[cfg(feature = "telegram")]
pub mod telegram;

use vigie_domain::Channel;
use vigie_domain::delivery::Outcome;
use vigie_notifier::channels::Envelope;
use vigie_notifier::channels::console::Console;
use vigie_service::Failure;

use crate::engine::Engine;

/// Sends one message on its channel.
pub(crate) async fn send(engine: &Engine, channel: Channel, envelope: &Envelope<'_>) -> Outcome {
    match (channel, &engine.email) {
        (Channel::Console, _) => Console.send(envelope),
        (Channel::Email, Some(email)) => email.send(envelope).await,
        (Channel::Matrix, _) => send_to_room(engine, envelope).await,
        (Channel::Telegram, _) => send_to_chat(engine, envelope).await,
        (hook, _) if hook.is_hook() => engine.hooks.send(hook, envelope).await,
        (Channel::Email, None) => Outcome::Unreachable("aucun serveur de courrier configuré ([email])".to_owned()),
        (other, _) => Outcome::Permanent(format!("canal inconnu : {}", other.as_str())),
    }
}

async fn send_to_room(engine: &Engine, envelope: &Envelope<'_>) -> Outcome {
    #[cfg(feature = "matrix")]
    if let Some(matrix) = engine.matrix.get() {
        return matrix.send(envelope).await;
    }
    let _ = envelope;
    Outcome::Unreachable(if engine.service.settings.matrix.is_some() {
        "le compte Matrix n’est pas ouvert".to_owned()
    } else {
        "aucun serveur Matrix configuré ([matrix])".to_owned()
    })
}

async fn send_to_chat(engine: &Engine, envelope: &Envelope<'_>) -> Outcome {
    #[cfg(feature = "telegram")]
    if let Some(chats) = &engine.telegram {
        return chats.send(&engine.service, &engine.resting, envelope).await;
    }
    let _ = (engine, envelope);
    Outcome::Unreachable("aucun bot Telegram configuré ([telegram])".to_owned())
}

/// Shows in chats what was decided meanwhile, on whatever channel. One worker at a time.
///
/// # Errors
/// The database fails.
pub async fn refresh(engine: &Engine) -> Result<(), Failure> {
    let Ok(_turn) = engine.refreshing.try_lock() else { return Ok(()) };
    #[cfg(feature = "matrix")]
    matrix::refresh(engine).await?;
    #[cfg(feature = "telegram")]
    if let Some(chats) = &engine.telegram {
        telegram::refresh(chats, &engine.service, &engine.resting).await?;
    }
    Ok(())
}

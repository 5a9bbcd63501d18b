//! Matrix rooms, outgoing half: the account is opened once by the process that delivers, and rooms show anew what was decided.

use vigie_config::settings;
use vigie_domain::Channel;
use vigie_domain::delivery::Outcome;
use vigie_matrix::{Matrix, Note};
use vigie_service::Failure;
use vigie_service::operators::{self, OperatorEvent};
use vigie_store::derived_id;

use crate::engine::Engine;
use crate::state_refresh;

/// Opens the account that the settings name, if any and if it is not open; `false` when it cannot be, which the operators
/// are told once a day. The other channels go on without it.
pub async fn opened(engine: &Engine) -> bool {
    let Some(block) = &engine.service.settings.matrix else { return true };
    let Err(why) = engine.matrix.get_or_try_init(|| open(block)).await else { return true };
    tracing::error!("Matrix is closed: {}", why.what);
    if let Err(e) = tell_closed(engine, &why).await {
        tracing::error!("the operators cannot be told: {}", e.what);
    }
    false
}

async fn tell_closed(engine: &Engine, why: &Failure) -> Result<(), Failure> {
    let now = engine.service.clock.now();
    let body = format!("Matrix est fermé à Vigie\n{}. Les messages des salons attendent. {}.", why.what, why.fix);
    operators::tell(&engine.service, OperatorEvent::Once(&format!("matrix:closed:{}", now.date_naive())), &body, now)
        .await
}

async fn open(block: &settings::Matrix) -> Result<Matrix, Failure> {
    let read = |secret: &vigie_config::secret::Secret, place: &str| {
        secret.read().map_err(|e| Failure::usage(e.to_string(), place, "définissez ce secret"))
    };
    let password = read(&block.password, "[matrix] password")?;
    let store_key = read(&block.store_key, "[matrix] store_key")?;
    Matrix::open(block, &password, &store_key).await.map_err(|e| {
        Failure::new(e.to_string(), "[matrix]", "vérifiez le compte et le dossier ; docs/operator.md dit que faire")
    })
}

/// Shows the state decided, on whatever channel, in the thread of the alerts that show another one: as a note the first
/// time, by an edit of that note afterwards.
///
/// # Errors
/// The database fails.
pub async fn refresh(engine: &Engine) -> Result<(), Failure> {
    let Some(matrix) = engine.matrix.get() else { return Ok(()) };
    for stale in state_refresh::stale(&engine.service, Channel::Matrix).await? {
        let message = &stale.message;
        let key = derived_id(&["state", &message.message, &message.revision.to_string()]);
        let text = if stale.line.is_empty() { "Plus rien n’est noté." } else { &stale.line };
        let note = Note {
            text: &text.into(),
            about: Some(&message.message),
            instead: message.state_message.as_deref(),
            key: Some(&key),
        };
        match matrix.say(&message.chat, &note).await {
            Ok(event) => {
                let first = message.state_message.is_none().then_some(event.as_str());
                engine.service.store.refreshed(message, &stale.line, first).await?;
            }
            Err(Outcome::Transient { .. } | Outcome::Unreachable(_) | Outcome::Unknown(_)) => return Ok(()),
            Err(outcome) => {
                tracing::warn!(room = message.chat, "state not shown: {outcome:?}");
                engine.service.store.refreshed(message, &message.shown, None).await?;
            }
        }
    }
    Ok(())
}

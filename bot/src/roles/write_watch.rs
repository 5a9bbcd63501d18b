//! Watches whether writes become durable: when they do not for a minute, the operators are told past the outbox, which cannot
//! take the word; when they do again, by the outbox.

use std::time::Duration;

use vigie_delivery::Engine;
use vigie_delivery::past_the_outbox::{self, Operators};
use vigie_service::Failure;
use vigie_service::operators::{self, OperatorEvent};

/// Writes that fail for less are not told.
pub const TOLD_AFTER: Duration = Duration::from_secs(60);

/// What the watch remembers between two looks.
#[derive(Debug, Default)]
pub struct WriteWatch {
    operators: Operators,
    told: bool,
}

impl WriteWatch {
    /// One look; tells what lasts for `told_after`, and its end, once each. Whether writes become durable.
    ///
    /// # Errors
    /// Writes resumed, and their end cannot be told.
    pub async fn look(&mut self, engine: &Engine, told_after: Duration) -> Result<bool, Failure> {
        // Readings may go on while writes fail; where they do not, the addresses of the last look serve.
        if !self.told
            && let Err(e) = self.operators.read(engine).await
        {
            tracing::warn!("the operators' addresses are not read: {e}");
        }
        let Err(fails) = engine.service.write_proof.check(&engine.service.store).await else {
            if std::mem::take(&mut self.told) {
                resumed(engine).await?;
            }
            return Ok(true);
        };
        tracing::error!("{fails}");
        if !self.told && fails.since >= told_after {
            let text = format!(
                "{}. Rien de ce qui est déjà écrit n’est perdu, mais rien de nouveau n’est gardé ni envoyé. Vérifiez la place sur le disque et la base ; Vigie reprend d’elle-même. Ce message part sans passer par la file d’envoi.",
                fails.why
            );
            let reached =
                past_the_outbox::tell(engine, &self.operators, "plus rien ne s’écrit dans la base", &text).await;
            self.told = reached > 0;
        }
        Ok(false)
    }
}

async fn resumed(engine: &Engine) -> Result<(), Failure> {
    let now = engine.service.clock.now();
    let body = "Résolu : la base prend de nouveau les écritures\nCe qui attendait reprend là où il s’était arrêté.";
    let event = format!("writes-resumed:{}:{}", engine.service.lease_holder, now.timestamp_millis());
    operators::tell(&engine.service, OperatorEvent::Once(&event), body, now).await
}

//! What operators ask for in their chat: health, queue, a source put to rest, a delivery sent again.

use vigie_domain::DeliveryState;
use vigie_notifier::card::short;
use vigie_service::answers::action;
use vigie_service::operators::{self};
use vigie_service::source_health::Sources;
use vigie_service::{Failure, replay, sources};
use vigie_watcher::health;

use crate::Reply;

use super::{Asker, one, word};

/// Most dead letters named.
const DEAD_NAMED: i64 = 5;

impl Asker<'_> {
    pub(super) async fn health(&self) -> Result<Vec<Reply>, Failure> {
        let mut lines = vec!["Les sources :".to_owned()];
        let known = Sources::read(&self.service.store, self.now).await?;
        for block in &sources::blocks(&self.service.settings, &self.service.store).await? {
            let (s, known) = known.of(&block.id);
            let last =
                s.last_success.map_or_else(|| "jamais lue".to_owned(), |at| format!("lue le {}", operators::local(at)));
            let paused = s.paused;
            let (mark, how) = if !block.enabled {
                ("⏹", "à l’arrêt".to_owned())
            } else if paused {
                ("⏸", "en pause".to_owned())
            } else {
                match health::alarms(&known, self.now).first() {
                    Some((alarm, why)) => ("🔴", format!("{} : {}", alarm.in_french(), short(why, 160))),
                    None => ("🟢", "va bien".to_owned()),
                }
            };
            lines.push(format!("{mark} {} : {how}, {last}", block.id));
        }
        for outage in self.service.store.outages().await? {
            lines.push(format!(
                "🔴 {} : injoignable depuis le {}",
                outage.channel.as_str(),
                operators::local(outage.since)
            ));
        }
        Ok(word(lines.join("\n")))
    }

    pub(super) async fn queue(&self) -> Result<Vec<Reply>, Failure> {
        let queue = self.service.store.queue().await?;
        let mut lines = vec!["Les envois :".to_owned()];
        lines.extend(queue.iter().map(|(state, n)| format!("• {} : {n}", state.in_french())));
        if queue.is_empty() {
            lines.push("vide, rien n’a encore été envoyé.".to_owned());
        }
        let dead = self.service.store.deliveries(Some(DeliveryState::Dead), DEAD_NAMED).await?;
        let mut buttons = Vec::new();
        for d in &dead {
            lines.push(format!(
                "✖ {} ({}) : {}",
                d.id,
                d.channel.as_str(),
                short(d.why.as_deref().unwrap_or_default(), 120)
            ));
            let name: String = d.id.chars().take(6).collect();
            buttons.push(vec![action::command(&format!("Renvoyer {name}"), &format!("/rejouer {}", d.id))]);
        }
        Ok(one(lines.join("\n"), buttons))
    }

    pub(super) async fn pause_source(&self, id: &str, paused: bool) -> Result<Vec<Reply>, Failure> {
        let sources = sources::all(self.service).await?;
        let Some(source) = sources.iter().find(|s| s.block.id.eq_ignore_ascii_case(id.trim())) else {
            let names: Vec<&str> = sources.iter().map(|s| s.block.id.as_str()).collect();
            return Ok(word(format!("Quelle source ? {}.", names.join(", "))));
        };
        let id = &source.block.id;
        self.service.store.pause_source(id, paused).await?;
        let said = if paused { "mise en pause dans un chat" } else { "reprise dans un chat" };
        self.service.store.note("source", id, said, self.now).await?;
        Ok(word(if paused {
            format!(
                "La source {id} est en pause : elle n’est plus lue, et son silence ne donne pas d’alarme. /reprendre_source {id} la reprend là où elle en était."
            )
        } else {
            format!("La source {id} est reprise là où elle en était.")
        }))
    }

    pub(super) async fn replay(&self, id: &str) -> Result<Vec<Reply>, Failure> {
        let said = replay::again(self.service, &self.person.id, id.trim()).await?;
        Ok(word(said.line()))
    }
}

//! The work itself: whether the service runs, sources, the queue, messages refused, channels, what was put aside.

use chrono::{DateTime, Duration, Utc};
use vigie_domain::french;
use vigie_service::source_health::Sources;
use vigie_service::sources as watched;
use vigie_store::sources::SourceState;
use vigie_store::{Store, StoreError};
use vigie_watcher::health;

use crate::{Finding, Ground, span};

/// A source that has not answered for this long is not watched.
const SOURCE_AGE: Duration = Duration::hours(26);
/// An address that waits longer for its turn is late.
const LONGEST_WAIT: Duration = Duration::minutes(10);
/// Over how long what was refused or put aside is counted.
const LATELY: Duration = Duration::days(7);

pub(crate) async fn look(ground: &Ground<'_>) -> Vec<Finding> {
    let Ok(store) = &ground.store else { return Vec::new() };
    let failed = |e: StoreError| Finding::fault("work", "travail", e.to_string(), "vérifiez la base");
    let mut lines = Vec::new();
    for found in [
        service(store, ground.now).await.map(|line| vec![line]),
        sources(store, ground).await,
        queue(store, ground.now).await,
    ] {
        match found {
            Ok(found) => lines.extend(found),
            Err(e) => lines.push(failed(e)),
        }
    }
    lines
}

async fn service(store: &Store, now: DateTime<Utc>) -> Result<Finding, StoreError> {
    let what = "service";
    Ok(match store.lease_until("timetable").await? {
        Some(until) if until > now => Finding::good("service", what, "il tourne"),
        _ => Finding::fault(
            "service",
            what,
            "aucun processus n’envoie de messages",
            "lancez-le : systemctl start vigie, ou vigie run ; ses journaux disent pourquoi il s’est arrêté",
        ),
    })
}

async fn sources(store: &Store, ground: &Ground<'_>) -> Result<Vec<Finding>, StoreError> {
    let sources = Sources::read(store, ground.now).await?;
    let mut lines = Vec::new();
    for block in watched::blocks(ground.settings, store).await?.iter().filter(|b| b.enabled) {
        let (state, known) = sources.of(&block.id);
        let alarm = health::alarms(&known, ground.now);
        let alarm = alarm.first().map(|(alarm, why)| format!("elle {} : {why}", alarm.in_french()));
        lines.push(judge_source(&block.id, &state, alarm, ground.now));
    }
    if lines.is_empty() {
        let fix = "activez au moins une source (enabled = true) dans le fichier de configuration";
        lines.push(Finding::fault("source", "sources", "aucune n’est veillée", fix));
    }
    Ok(lines)
}

fn judge_source(id: &str, state: &SourceState, alarm: Option<String>, now: DateTime<Utc>) -> Finding {
    let what = format!("source {id}");
    let fix = format!("voyez ce qu’elle donne : vigie sources test {id}");
    if state.paused {
        let fix = format!("reprenez-la quand il le faut : /reprendre_source {id} dans un chat, ou sa page");
        return Finding::look("source", what, "en pause", fix);
    }
    let last = state.last_success.map(|at| now - at);
    let age =
        last.map_or_else(|| "jamais de réponse".to_owned(), |age| format!("dernière réponse il y a {}", span(age)));
    match (alarm, last) {
        (Some(alarm), _) => Finding::fault("source", what, format!("{alarm} ; {age}"), fix),
        (None, Some(age_of)) if age_of > SOURCE_AGE => Finding::fault("source", what, age, fix),
        (None, None) => Finding::look("source", what, age, fix),
        (None, Some(_)) => Finding::good("source", what, age),
    }
}

async fn queue(store: &Store, now: DateTime<Utc>) -> Result<Vec<Finding>, StoreError> {
    let mut lines = Vec::new();
    if let Some(since) = store.held_since().await? {
        let (messages, digest_lines) = store.held_count().await?;
        lines.push(Finding::fault(
            "held",
            "envois retenus",
            format!(
                "depuis la restauration, il y a {} : {messages} messages et {digest_lines} lignes de résumés attendent",
                span(now - since)
            ),
            "voyez-les (vigie deliveries held), retirez ce qui a déjà été reçu (vigie deliveries drop), puis vigie deliveries release",
        ));
    }
    lines.push(judge_wait(store.oldest_due(now).await?, now));
    lines.push(judge_refused(store.dead_since(now - LATELY).await?));
    for outage in store.outages().await? {
        lines.push(Finding::fault(
            "channel",
            format!("canal {}", outage.channel.in_french()),
            format!("injoignable depuis {} : {}", span(now - outage.since), outage.why),
            "vérifiez le réseau et l’adresse du serveur ; les messages attendent et partiront ensuite",
        ));
    }
    let aside: u64 = store.put_aside(now - LATELY).await?.values().sum();
    lines.push(match usize::try_from(aside).unwrap_or(0) {
        0 => Finding::good("quarantine", "mis de côté", "rien depuis sept jours"),
        n => Finding::look(
            "quarantine",
            "mis de côté",
            format!("{} en sept jours", french::plural(n, "enregistrement illisible")),
            "voyez-les (vigie sources aside, ou la page « Illisibles ») ; une version plus récente les lit peut-être : vigie sources retry",
        ),
    });
    Ok(lines)
}

fn judge_wait(oldest: Option<DateTime<Utc>>, now: DateTime<Utc>) -> Finding {
    match oldest.map(|at| now - at) {
        Some(wait) if wait > LONGEST_WAIT => Finding::fault(
            "queue",
            "file d’envoi",
            format!("un message attend son tour depuis {}", span(wait)),
            "vérifiez que le service tourne avec le rôle deliver, et ce que disent ses journaux",
        ),
        Some(wait) => Finding::good("queue", "file d’envoi", format!("la plus longue attente est de {}", span(wait))),
        None => Finding::good("queue", "file d’envoi", "rien n’attend son tour"),
    }
}

fn judge_refused(dead: i64) -> Finding {
    match usize::try_from(dead).unwrap_or(0) {
        0 => Finding::good("dead", "envois refusés", "aucun depuis sept jours"),
        n => Finding::fault(
            "dead",
            "envois refusés",
            format!("{} en sept jours", french::plural(n, "message refusé")),
            "voyez pourquoi : vigie deliveries list --state dead ; puis vigie deliveries replay",
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::State;

    #[test]
    fn a_source_that_has_been_dead_for_days_is_named_with_its_remedy() {
        let now = DateTime::from_timestamp(1_795_000_000, 0).unwrap();
        let state = |hours: Option<i64>| SourceState {
            last_success: hours.map(|h| now - Duration::hours(h)),
            ..SourceState::default()
        };
        assert_eq!(judge_source("a", &state(Some(1)), None, now).state, State::Good);
        assert_eq!(judge_source("a", &state(None), None, now).state, State::Look);
        let dead = judge_source("a", &state(Some(72)), None, now);
        assert!(dead.state == State::Fault && dead.found.contains("3 jours"), "{dead:?}");
        assert!(dead.remedy.contains("vigie sources test a"));
        let paused = SourceState { paused: true, ..state(Some(72)) };
        assert_eq!(judge_source("a", &paused, None, now).state, State::Look);
    }

    #[test]
    fn a_queue_that_stands_still_and_refusals_are_faults() {
        let now = DateTime::from_timestamp(1_795_000_000, 0).unwrap();
        assert_eq!(judge_wait(None, now).state, State::Good);
        assert_eq!(judge_wait(Some(now - Duration::minutes(2)), now).state, State::Good);
        assert_eq!(judge_wait(Some(now - Duration::hours(3)), now).state, State::Fault);
        assert_eq!(judge_refused(0).state, State::Good);
        assert_eq!(judge_refused(2).state, State::Fault);
    }
}

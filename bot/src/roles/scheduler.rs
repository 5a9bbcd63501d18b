//! What time brings: digests whose hour has come, reminders, sources and channels in trouble. One process at a time, by lease.

use chrono::{DateTime, Duration, Utc};
use vigie_delivery::{failover, outage};
use vigie_domain::{Channel, MessageKind};
use vigie_notifier::digest;
use vigie_notifier::message::Form;
use vigie_service::breadth::monthly;
use vigie_service::crash_point::CrashPoint;
use vigie_service::operators::{self, OperatorEvent, local};
use vigie_service::partner_calls::closing;
use vigie_service::source_health::Sources;
use vigie_service::sources::blocks;
use vigie_service::{
    Failure, Service, after_award, events, operations, opt_in, personal_data, reminders, silence_notice,
};
use vigie_store::digests::Lines;
use vigie_store::preferences::routed;
use vigie_watcher::health::{self, Alarm};

use super::mailbox;

/// How long the lease is held.
const LEASE: Duration = Duration::seconds(90);

/// Runs what is due now, and sends what is grouped until `grouped` (now, or a little later when a single pass must leave
/// nothing behind). Gives the number of digests made.
///
/// # Errors
/// The database fails.
pub async fn run(service: &Service, grouped: DateTime<Utc>) -> Result<usize, Failure> {
    let now = service.clock.now();
    if !service.store.hold_lease("timetable", &service.lease_holder, LEASE, now).await? {
        return Ok(0);
    }
    let put_off = service.store.bring_back(now).await?;
    if put_off > 0 {
        tracing::warn!(put_off, "a clock ran ahead: what it put off goes on");
        service.deliveries_queued.notify_one();
    }
    let due = service.store.due_digests(now, grouped).await?;
    for one in &due {
        for (lines, addresses) in parts(service, &one.subscriber).await? {
            // A notification shows how a digest begins, however long it is.
            let cut = |channel: &Channel| Form::of(*channel) == Form::Chat && *channel != Channel::Browser;
            let in_a_chat = addresses.iter().any(|(_, channel)| cut(channel));
            let most = digest::most(in_a_chat, service.has_links());
            loop {
                let taken = service.store.make_digest(one, (lines, &addresses), most, grouped, now).await?;
                CrashPoint::MidDigest.reach();
                if taken < u64::from(most) {
                    break;
                }
            }
        }
    }
    let mended = service.store.mend_lanes(now).await?;
    if mended > 0 {
        tracing::warn!(mended, "lanes were behind their deliveries and are served again");
        service.deliveries_queued.notify_one();
    }
    reminders::run(service, now).await?;
    after_award::run(service, now).await?;
    events::run(service, now).await?;
    operations::run(service, now).await?;
    closing::run(service, now).await?;
    opt_in::remind(service, now).await?;
    mailbox::report(service, now).await?;
    silence_notice::run(service, now).await?;
    monthly::run(service, now).await?;
    source_alarms(service, now).await?;
    outage::alarms(service, now).await?;
    failover::around_outages(service, now).await?;
    personal_data::keep_retention(service, now).await?;
    if !due.is_empty() {
        service.deliveries_queued.notify_one();
    }
    Ok(due.len())
}

/// What goes into one digest, and where it goes: contracts that end apart, where the person chose another channel for them.
type Part = (Lines, Vec<(String, Channel)>);

async fn parts(service: &Service, person: &str) -> Result<Vec<Part>, Failure> {
    let addresses = service.store.active_addresses(person).await?;
    let routes = service.store.preferences(person).await?.routes;
    let to = |kind| routed(&routes, kind, addresses.iter()).map(|a| (a.id.clone(), a.channel)).collect::<Vec<_>>();
    let (digest, renewals) = (to(MessageKind::Digest), to(MessageKind::Renewal));
    Ok(if digest == renewals {
        vec![(Lines::All, digest)]
    } else {
        vec![(Lines::Others, digest), (Lines::Renewals, renewals)]
    })
}

/// Tells the operators of alarms that begin and end, once each.
async fn source_alarms(service: &Service, now: DateTime<Utc>) -> Result<(), Failure> {
    let sources = Sources::read(&service.store, now).await?;
    let mut alarms = service.store.all_open_alarms().await?;
    for block in blocks(&service.settings, &service.store).await?.iter().filter(|b| b.enabled) {
        let (state, known) = sources.of(&block.id);
        if state.paused {
            continue; // its silence is wanted
        }
        let told = alarms.remove(&block.id).unwrap_or_default();
        let standing = health::alarms(&known, now);
        for (alarm, why) in standing.iter().filter(|(a, _)| !told.iter().any(|(kind, _)| kind == a.as_str())) {
            let last = known.last_success.map_or_else(|| "jamais".to_owned(), local);
            let body = format!(
                "La source « {} » {}\n{why}. Dernière réponse : {last}. {} Les autres sources continuent.",
                block.id,
                alarm.in_french(),
                advice(*alarm, &block.id),
            );
            let event = OperatorEvent::AlarmBegins { source: &block.id, kind: alarm.as_str() };
            operators::tell(service, event, &body, now).await?;
        }
        for (kind, since) in told.iter().filter(|(kind, _)| !standing.iter().any(|(a, _)| a.as_str() == kind)) {
            let was = Alarm::parse(kind).map_or("était en alarme", Alarm::in_french);
            let body = format!(
                "Résolu : la source « {} » va de nouveau bien\nElle était signalée (« {was} ») depuis le {}. La veille a repris là où elle s’était arrêtée.",
                block.id,
                local(*since),
            );
            operators::tell(service, OperatorEvent::AlarmEnds { source: &block.id, kind }, &body, now).await?;
        }
    }
    Ok(())
}

/// What the operator can do about it.
fn advice(alarm: Alarm, source: &str) -> String {
    match alarm {
        Alarm::Unreachable => "Vérifiez l’adresse et le réseau.".to_owned(),
        Alarm::Silent | Alarm::Structure => format!("Voyez ce que la page donne : vigie sources test {source}."),
        Alarm::Login => "Vérifiez le compte et son secret.".to_owned(),
        Alarm::Unreadable => "Les avis mis de côté sont gardés : la page des sources les montre.".to_owned(),
        Alarm::Quota => "Espacez les veilles (schedule).".to_owned(),
    }
}

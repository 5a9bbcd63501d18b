//! What time brings: digests whose hour has come, reminders, sources and channels in trouble. One process at a time, by lease.

use chrono::{DateTime, Days, Duration, NaiveDate, Utc};
use vigie_domain::subscription::Role;
use vigie_domain::{Alert, AlertKind, Channel};
use vigie_notifier::digest;
use vigie_store::derived_id;
use vigie_store::sources::{SourceDay, SourceState};
use vigie_watcher::health::{self, Alarm, Known};
use vigie_watcher::sources::Trouble;

use crate::app::{App, Failure};
use crate::crash_point::CrashPoint;
use crate::{mailbox, optin, outage, personal, remind, watching};

/// How long the timetable is held.
const LEASE: Duration = Duration::seconds(90);

/// Runs what is due now, and sends what is grouped until `grouped` (now, or a little later when a single pass must leave
/// nothing behind). Gives the number of digests made.
///
/// # Errors
/// The database fails.
pub async fn run(app: &App, grouped: DateTime<Utc>) -> Result<usize, Failure> {
    let now = app.clock.now();
    if !app.store.hold_lease("timetable", &app.holder, LEASE, now).await? {
        return Ok(0);
    }
    let due = app.store.due_digests(now, grouped).await?;
    for one in &due {
        let addresses = app.store.active_addresses(&one.subscriber).await?;
        let active: Vec<_> = addresses.into_iter().map(|a| (a.id, a.channel)).collect();
        let in_a_chat = active.iter().any(|(_, channel)| matches!(channel, Channel::Matrix | Channel::Telegram));
        let most = digest::most(in_a_chat, app.has_links());
        loop {
            let taken = app.store.make_digest(one, &active, most, grouped, now).await?;
            CrashPoint::MidDigest.reach();
            if taken < u64::from(most) {
                break;
            }
        }
    }
    let mended = app.store.mend_lanes(now).await?;
    if mended > 0 {
        tracing::warn!(mended, "lanes were behind their deliveries and are served again");
        app.outbox_bell.notify_one();
    }
    remind::run(app, now).await?;
    optin::remind(app, now).await?;
    mailbox::report(app, now).await?;
    watching::run(app, now).await?;
    source_alarms(app, now).await?;
    outage::alarms(app, now).await?;
    personal::keep_retention(app, now).await?;
    if !due.is_empty() {
        app.outbox_bell.notify_one();
    }
    Ok(due.len())
}

/// From which day on the days of a source tell its habit.
#[must_use]
pub fn habit_since(now: DateTime<Utc>) -> NaiveDate {
    now.date_naive().checked_sub_days(Days::new(health::HABIT_DAYS)).unwrap_or_default()
}

/// What is known of a source, for its health.
#[must_use]
pub fn known(state: SourceState, days: &[SourceDay]) -> Known {
    Known {
        failures: state.failures,
        trouble: state.trouble.as_deref().and_then(Trouble::parse),
        last_error: state.last_error,
        last_success: state.last_success,
        last_attempt: state.last_attempt,
        quota: state.quota,
        days: days.iter().map(|d| (d.day, d.items)).collect(),
    }
}

/// Tells the operators of alarms that begin and end, once each.
async fn source_alarms(app: &App, now: DateTime<Utc>) -> Result<(), Failure> {
    let mut states = app.store.source_states().await?;
    let mut days = app.store.source_days(habit_since(now)).await?;
    let mut alarms = app.store.all_open_alarms().await?;
    for block in app.settings.source.iter().filter(|b| b.enabled) {
        let state = states.remove(&block.id).unwrap_or_default();
        if state.paused {
            continue; // its silence is wanted
        }
        let known = known(state, &days.remove(&block.id).unwrap_or_default());
        let told = alarms.remove(&block.id).unwrap_or_default();
        let standing = health::alarms(&known, now);
        for (alarm, why) in standing.iter().filter(|(a, _)| !told.iter().any(|(kind, _)| kind == a.as_str())) {
            let last = known.last_success.map_or_else(|| "jamais".to_owned(), local);
            let body = format!(
                "La source «\u{a0}{}\u{a0}» {}\n{why}. Dernière réponse : {last}. {} Les autres sources continuent.",
                block.id,
                alarm.in_french(),
                advice(*alarm, &block.id),
            );
            let cause = Cause::AlarmBegins { source: &block.id, kind: alarm.as_str() };
            tell_operators(app, cause, &body, now).await?;
        }
        for (kind, since) in told.iter().filter(|(kind, _)| !standing.iter().any(|(a, _)| a.as_str() == kind)) {
            let was = Alarm::parse(kind).map_or("était en alarme", Alarm::in_french);
            let body = format!(
                "Résolu\u{a0}: la source «\u{a0}{}\u{a0}» va de nouveau bien\nElle était signalée («\u{a0}{was}\u{a0}») depuis le {}. La veille a repris là où elle s’était arrêtée.",
                block.id,
                local(*since),
            );
            tell_operators(app, Cause::AlarmEnds { source: &block.id, kind }, &body, now).await?;
        }
    }
    Ok(())
}

/// A moment as operators read it.
pub(crate) fn local(at: DateTime<Utc>) -> String {
    at.with_timezone(&chrono_tz::Europe::Paris).format("%d/%m/%Y à %H:%M").to_string()
}

/// What the operator can do about it.
fn advice(alarm: Alarm, source: &str) -> String {
    match alarm {
        Alarm::Unreachable => "Vérifiez l’adresse et le réseau.".to_owned(),
        Alarm::Silent | Alarm::Structure => format!("Voyez ce que la page donne : vigie sources test {source}."),
        Alarm::Login => "Vérifiez le compte et son secret.".to_owned(),
        Alarm::Quota => "Espacez les veilles (schedule).".to_owned(),
    }
}

/// Why the operators are told something.
#[derive(Debug, Clone, Copy)]
pub enum Cause<'a> {
    /// Something that happened once, by its own name.
    Event(&'a str),
    /// An alarm begins.
    AlarmBegins {
        /// The source.
        source: &'a str,
        /// The alarm's word.
        kind: &'a str,
    },
    /// An alarm is over.
    AlarmEnds {
        /// The source.
        source: &'a str,
        /// The alarm's word.
        kind: &'a str,
    },
}

/// Tells every operator, once per cause: first line of `body` = subject. An alarm is opened or closed in the transaction
/// that tells of it.
///
/// # Errors
/// The database fails.
pub async fn tell_operators(app: &App, cause: Cause<'_>, body: &str, now: DateTime<Utc>) -> Result<(), Failure> {
    let at = now.timestamp_millis().to_string();
    let id = match cause {
        Cause::Event(name) => derived_id(&["operator", name]),
        Cause::AlarmBegins { source, kind } => derived_id(&["operator", "begins", source, kind, &at]),
        Cause::AlarmEnds { source, kind } => derived_id(&["operator", "ends", source, kind, &at]),
    };
    let alert =
        Alert { id, kind: AlertKind::Operator, procedure: String::new(), notice: String::new(), changes: Vec::new() };
    let mut shares = Vec::new();
    for person in app.store.subscribers().await?.iter().filter(|s| s.role == Role::Operator) {
        shares.push(app.store.share_at_once(&person.id, &alert, "{}", None).await?);
    }
    let mut tx = app.store.begin_ingest(now).await?;
    let news = match cause {
        Cause::Event(_) => true,
        Cause::AlarmBegins { source, kind } => tx.open_alarm(source, kind, now).await?,
        Cause::AlarmEnds { source, kind } => tx.close_alarm(source, kind).await?,
    };
    if !news {
        return Ok(()); // another process told it
    }
    tx.put_shares(&alert, Some(body), &shares).await?;
    tx.commit().await?;
    app.outbox_bell.notify_one();
    Ok(())
}

//! Reminders for structures that go for a procedure, and those they asked for: alerts like any other, in the thread of the
//! procedure, through the outbox, once each.
//!
//! Nothing is reminded of after a no-go, or of a procedure that is closed, called off or awarded.

use chrono::{DateTime, Duration, Utc};
use vigie_domain::{Alert, AlertKind, Decision, Stage, Subscriber};
use vigie_notifier::card::Why;
use vigie_notifier::due::DigestTimes;
use vigie_notifier::reminders::{self, Reminder};
use vigie_store::StoreError;
use vigie_store::derived_id;
use vigie_watcher::zones;

use crate::app::App;

/// Makes the reminders that are due; gives their number.
///
/// # Errors
/// The database fails.
pub async fn run(app: &App, now: DateTime<Utc>) -> Result<usize, StoreError> {
    let stages: Vec<Stage> = Stage::ALL.into_iter().filter(|s| s.wants_reminders()).collect();
    let going = app.store.decisions_at(&stages).await?;
    let asked = app.store.decisions_to_remind(now).await?;
    if going.is_empty() && asked.is_empty() {
        return Ok(0);
    }
    let people = app.store.subscribers().await?;
    let mut made = 0;
    for decision in &going {
        let colleagues = colleagues(&people, decision);
        let zone = zones::zone(colleagues.first().and_then(|p| p.profile.departments.first()));
        let times = DigestTimes { zone, ..app.digest_times() };
        let Some(dates) = app.store.open_dates(&decision.procedure).await? else { continue };
        for reminder in reminders::due(&dates, decision.at, times, now) {
            made += usize::from(tell(app, decision, &colleagues, &reminder, now).await?);
        }
    }
    for decision in asked.iter().filter(|d| !d.stage.declines()) {
        let Some(at) = decision.remind_at else { continue };
        if app.store.open_dates(&decision.procedure).await?.is_none() {
            continue;
        }
        let reminder = Reminder {
            key: format!("asked:{}", at.timestamp()),
            text: "Le rappel que vous avez demandé".to_owned(),
            expires: now + Duration::days(7),
        };
        made += usize::from(tell(app, decision, &colleagues(&people, decision), &reminder, now).await?);
    }
    Ok(made)
}

fn colleagues<'a>(people: &'a [Subscriber], decision: &Decision) -> Vec<&'a Subscriber> {
    people.iter().filter(|p| p.structure() == decision.structure).collect()
}

/// Tells a structure's people, once; `false` when they were told before.
async fn tell(
    app: &App,
    decision: &Decision,
    people: &[&Subscriber],
    reminder: &Reminder,
    now: DateTime<Utc>,
) -> Result<bool, StoreError> {
    let id = derived_id(&["reminder", &decision.structure, &decision.procedure, &decision.lot, &reminder.key]);
    if app.store.has_alert(&id).await? {
        return Ok(false);
    }
    let Some(notice) = app.store.notices_of(&decision.procedure).await?.pop() else { return Ok(false) };
    let alert = Alert {
        id,
        kind: AlertKind::Reminder,
        procedure: decision.procedure.clone(),
        notice: notice.id,
        changes: Vec::new(),
    };
    let why = Why { note: Some(reminder.text.clone()), ..Why::default() };
    let reasons = serde_json::to_string(&why).unwrap_or_default();
    let mut shares = Vec::new();
    for person in people {
        shares.push(app.store.share_at_once(&person.id, &alert, &reasons, Some(reminder.expires)).await?);
    }
    let mut tx = app.store.begin_ingest(now).await?;
    tx.put_shares(&alert, None, &shares).await?;
    tx.commit().await?;
    app.outbox_bell.notify_one();
    Ok(true)
}

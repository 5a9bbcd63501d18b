//! Reminders for structures that go for a procedure, and those they asked for: alerts like any other, in the thread of the
//! procedure, through the outbox, once each. Those who decided nothing get one line in a digest.
//!
//! Each person is reminded at their own hour, outside their quiet hours, and within their messages of the hour. Nothing is
//! reminded of after a no-go, or of a procedure that is closed, called off or awarded.

use chrono::{DateTime, Duration, Utc};
use vigie_domain::subscription::Match;
use vigie_domain::{
    Access, Alert, AlertKind, Assessment, Cadence, Decision, Disposition, Stage, Subscriber, concerned_lots,
};
use vigie_notifier::card::Why;
use vigie_notifier::due::next_digest;
use vigie_notifier::reminders::{self, Reminder};
use vigie_store::digests::Undecided;
use vigie_store::ingest::NewNotification;
use vigie_store::{StoreError, derived_id};

use crate::ingest::hourly_cap::{self, HourlyLoad};
use crate::presence::People;
use crate::service::Service;

/// A procedure that closes within that time is brought back to those who decided nothing.
const CLOSES_SOON: Duration = Duration::days(7);
/// One that closes sooner than that is too late to answer.
const TOO_LATE: Duration = Duration::days(1);
/// How often undecided procedures are looked for.
const LOOK_EVERY: Duration = Duration::hours(1);

/// Makes the reminders that are due; gives their number.
///
/// # Errors
/// The database fails.
pub async fn run(service: &Service, now: DateTime<Utc>) -> Result<usize, StoreError> {
    let stages: Vec<Stage> = Stage::ALL.into_iter().filter(|s| s.wants_reminders()).collect();
    let going = service.store.decisions_at(&stages).await?;
    let asked = service.store.decisions_to_remind(now).await?;
    let look = service.store.take_chore("undecided", LOOK_EVERY, now).await?;
    if going.is_empty() && asked.is_empty() && !look {
        return Ok(0);
    }
    let people = People::read(service).await?;
    let mut made = 0;
    for decision in &going {
        let Some(dates) = service.store.open_dates(&decision.procedure, &decision.lot).await? else { continue };
        for person in colleagues(&people, &decision.structure) {
            for reminder in reminders::due(&dates, decision.at, people.times(person), now) {
                made += usize::from(tell(service, &people, decision, person, &reminder, now).await?);
            }
        }
    }
    for decision in asked.iter().filter(|d| !d.stage.declines()) {
        let Some(at) = decision.remind_at else { continue };
        if service.store.open_dates(&decision.procedure, &decision.lot).await?.is_none() {
            continue;
        }
        let reminder = Reminder {
            key: format!("asked:{}", at.timestamp()),
            text: "Le rappel que vous avez demandé".to_owned(),
            expires: now + Duration::days(7),
        };
        for person in colleagues(&people, &decision.structure) {
            made += usize::from(tell(service, &people, decision, person, &reminder, now).await?);
        }
    }
    if look {
        for undecided in service.store.closing_between(now + TOO_LATE, now + CLOSES_SOON).await? {
            made += usize::from(bring_back(service, &people, &undecided, now).await?);
        }
    }
    Ok(made)
}

/// The people of a structure, but for those who are away while a colleague stands in.
fn colleagues<'a>(people: &'a People, structure: &str) -> impl Iterator<Item = &'a Subscriber> {
    people.of(structure).into_iter().filter(|p| people.stand_in_of(p).is_none())
}

/// Tells one of a structure's people, once; `false` when they were told before, or are not to be disturbed now.
async fn tell(
    service: &Service,
    people: &People,
    decision: &Decision,
    person: &Subscriber,
    reminder: &Reminder,
    now: DateTime<Utc>,
) -> Result<bool, StoreError> {
    let id = derived_id(&["reminder", &decision.structure, &decision.procedure, &decision.lot, &reminder.key]);
    let rhythm = people.rhythm(person);
    if people.is_quiet(person, now) || service.store.has_share(&id, &person.id).await? {
        return Ok(false);
    }
    let Some(notice) = service.store.notices_of(&decision.procedure).await?.pop() else { return Ok(false) };
    let alert = Alert {
        id,
        kind: AlertKind::Reminder,
        procedure: decision.procedure.clone(),
        notice: notice.id,
        changes: Vec::new(),
    };
    let mut why = Why { remark: Some(reminder.text.clone()), ..Why::default() };
    let mut share = service.store.share_at_once(&person.id, &alert, &in_json(&why), Some(reminder.expires)).await?;
    let mut tx = service.store.begin_alert(now).await?;
    let cap = hourly_cap::cap(service.settings.pace.instant_per_hour, &rhythm);
    let load = HourlyLoad::read(&mut tx, &[(person.id.as_str(), cap)], false).await?;
    if let Some(due) = load.merged_at(&person.id, cap, now) {
        why.note = Some(hourly_cap::NOTE.to_owned());
        share = (waiting(&person.id, Disposition::Overflow, &why, due), Vec::new());
    }
    tx.put_shares(&alert, None, &[share]).await?;
    tx.commit().await?;
    service.deliveries_queued.notify_one();
    Ok(true)
}

/// One line in the person's next digest about a procedure that closes soon and on which their structure decided nothing;
/// `false` when it did, or when the digest would come too late.
async fn bring_back(
    service: &Service,
    people: &People,
    found: &Undecided,
    now: DateTime<Utc>,
) -> Result<bool, StoreError> {
    let Some(person) = people.all().iter().find(|p| p.id == found.subscriber) else { return Ok(false) };
    let decisions = service.store.decisions_on(person.structure(), &found.procedure).await?;
    if decisions.iter().any(|d| d.stage.is_decided()) {
        return Ok(false);
    }
    // The digest that waits for them anyway, or one of its own at their hour.
    let latest = found.closes - TOO_LATE;
    let waits = service.store.next_digest_of(&person.id).await?;
    let own = next_digest(Cadence::Daily, people.times(person), now);
    let Some(due) = waits.filter(|at| *at <= latest).or(own).filter(|at| *at < found.closes) else { return Ok(false) };
    let Some(notice) = service.store.notices_of(&found.procedure).await?.pop() else { return Ok(false) };
    if !may_answer(person, &notice.assessment) {
        return Ok(false); // reserved to others since they were told
    }
    let alert = Alert {
        id: derived_id(&["undecided", &found.procedure, &found.closes.to_rfc3339()]),
        kind: AlertKind::Undecided,
        procedure: found.procedure.clone(),
        notice: notice.id,
        changes: Vec::new(),
    };
    let share = waiting(&person.id, Disposition::Digest, &Why::default(), due);
    let mut tx = service.store.begin_alert(now).await?;
    tx.put_shares(&alert, None, &[(share, Vec::new())]).await?;
    tx.commit().await?;
    Ok(true)
}

/// Whether a structure of that person's kind can do something about some lot.
fn may_answer(person: &Subscriber, a: &Assessment) -> bool {
    concerned_lots::narrowed(person.role, &person.profile, a, Match::default())
        .is_some_and(|m| m.access != Access::Closed)
}

fn waiting(subscriber: &str, disposition: Disposition, why: &Why, due: DateTime<Utc>) -> NewNotification {
    NewNotification {
        subscriber: subscriber.to_owned(),
        subscription: None,
        disposition,
        reasons: in_json(why),
        due: Some(due),
    }
}

fn in_json(why: &Why) -> String {
    serde_json::to_string(why).unwrap_or_default()
}

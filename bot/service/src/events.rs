//! Meetings worth going to: written by hand, or brought by a source whose entries announce such (`announces = "event"`); a line in the
//! digests of those who are near, an entry of their calendars, a page. Nothing is said of one after its day.

use chrono::{DateTime, Days, Duration, NaiveDate, Utc};
use vigie_config::rules;
use vigie_domain::event::Event;
use vigie_domain::operation::MAX_LINE;
use vigie_domain::reach::Reach;
use vigie_domain::{Filter, NoticeKind, Permission, Subscriber};
use vigie_notifier::card::short;
use vigie_store::journal::NoticeRow;
use vigie_store::{StoreError, derived_id};
use vigie_watcher::classify::{fold, tokenizer, when};
use vigie_watcher::zones;

use crate::service::Service;
use crate::visibility;

/// Most lines of one digest.
const MOST_LINES: usize = 3;
/// How long ahead a digest tells of them.
const AHEAD: Days = Days::new(60);
/// How far ahead one can lie.
const FARTHEST: Days = Days::new(400);
/// How long they are kept after their day.
const KEPT: Days = Days::new(400);
/// How often sources are looked at for them, and how far back.
const LOOK_EVERY: Duration = Duration::hours(1);
const LOOK_BACK: Duration = Duration::days(2);

/// What is wrong with a meeting as somebody wrote it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Fault {
    #[error("dites de quelle rencontre il s’agit")]
    NoTitle,
    #[error("le jour va d’aujourd’hui à un an")]
    Day,
    #[error("l’adresse commence par https://")]
    Link,
    #[error("{MAX_LINE} caractères au plus dans « {0} »")]
    TooLong(&'static str),
}

/// Whether a person may write meetings for everybody.
#[must_use]
pub fn may_write(person: &Subscriber) -> bool {
    [Permission::FollowOperations, Permission::PassOn, Permission::Operate].into_iter().any(|p| person.role.may(p))
}

fn is_web(link: &str) -> bool {
    url::Url::parse(link).is_ok_and(|u| matches!(u.scheme(), "http" | "https") && u.has_host())
}

/// Writes a meeting for a person's structure; gives what is wrong with it.
///
/// # Errors
/// The database fails.
pub async fn write(
    service: &Service,
    person: &Subscriber,
    by: &str,
    mut event: Event,
) -> Result<Result<(), Fault>, StoreError> {
    let now = service.clock.now();
    let today = zones::paris_day(now);
    let lines = [("rencontre", &event.title), ("lieu", &event.place), ("adresse", &event.link)];
    if let Some((name, _)) = lines.into_iter().find(|(_, text)| text.chars().count() > MAX_LINE) {
        return Ok(Err(Fault::TooLong(name)));
    }
    if event.title.is_empty() {
        return Ok(Err(Fault::NoTitle));
    }
    if !event.is_ahead(today) || event.day > today + FARTHEST {
        return Ok(Err(Fault::Day));
    }
    // "www.lens.fr/rencontres", as people write it.
    if event.link.starts_with("www.") {
        event.link.insert_str(0, "https://");
    }
    if !event.link.is_empty() && !is_web(&event.link) {
        return Ok(Err(Fault::Link));
    }
    person.structure().clone_into(&mut event.structure);
    event.id = derived_id(&["event", person.structure(), &event.title, &event.day.to_string()]);
    if event.departments.is_empty() {
        event.departments =
            rules::communes().by_code(&event.commune).and_then(|c| c.department()).into_iter().collect();
    }
    (event.by, event.at) = (short(by, MAX_LINE - 1), now);
    service.store.put_event(&event).await?;
    Ok(Ok(()))
}

/// Meetings to come, near a person; all of them for a stranger.
///
/// # Errors
/// The database fails.
pub async fn ahead(service: &Service, person: Option<&Subscriber>) -> Result<Vec<Event>, StoreError> {
    let today = zones::paris_day(service.clock.now());
    let mut all = service.store.events_from(today).await?;
    if let Some(person) = person {
        let mine = service.store.subscriptions_of(&person.id).await?;
        let filters: Vec<&Filter> = mine.iter().map(|s| &s.filter).collect();
        let reader =
            Reach { sectors: &person.profile.sectors, departments: &person.profile.departments, filters: &filters };
        all.retain(|e| e.suits(&reader, rules::communes()));
    }
    Ok(all)
}

/// The lines of one digest of a person: the next meetings near them of which no other digest told. A digest is known by its cause, which is
/// the same on all channels and for each attempt.
///
/// # Errors
/// The database fails.
pub async fn of_digest(service: &Service, person: &str, cause: &str) -> Result<Vec<String>, StoreError> {
    let now = service.clock.now();
    let today = zones::paris_day(now);
    let Some(person) = service.store.subscriber(person).await? else { return Ok(Vec::new()) };
    let near: Vec<Event> =
        ahead(service, Some(&person)).await?.into_iter().filter(|e| e.day <= today + AHEAD).collect();
    if near.is_empty() {
        return Ok(Vec::new());
    }
    let known = service.store.events_told_to(&person.id).await?;
    let own = |e: &&Event| known.iter().all(|(id, by)| *id != e.id || by == cause);
    let lines: Vec<&Event> = near.iter().filter(own).take(MOST_LINES).collect();
    let fresh: Vec<String> =
        lines.iter().filter(|e| !known.iter().any(|(id, _)| *id == e.id)).map(|e| e.id.clone()).collect();
    service.store.note_events_told((&person.id, cause), &fresh, now).await?;
    Ok(lines.into_iter().map(line).collect())
}

/// « 12 mars 2027 à 14 h, Lens (62) : Rencontre des acheteurs – https://… ».
#[must_use]
pub fn line(event: &Event) -> String {
    let link = if event.link.is_empty() { String::new() } else { format!(" – {}", event.link) };
    format!("{}{link}", event.in_french())
}

/// The meeting that a notice of a source announces; `None` where it says no day.
fn announced(procedure: &str, row: &NoticeRow) -> Option<Event> {
    let notice = &row.notice;
    let since = notice.published.unwrap_or_else(|| zones::paris_day(row.first_seen));
    let texts = std::iter::once(notice.title.as_str()).chain(notice.passages.iter().map(|p| p.text.as_str()));
    let found = texts.filter_map(|text| {
        let folded = fold::fold(text);
        let tokens = tokenizer::tokens(&folded, &(0..folded.len()));
        when::moments(&tokens, Some(when::Reference::Day(since)))
            .into_iter()
            .find(|w| w.day >= since && w.day <= since + FARTHEST)
    });
    let first = found.into_iter().next()?;
    let place = notice.places.first();
    let commune = place.and_then(|p| rules::communes().locate(p).into_iter().next());
    let named = commune.map(|c| c.label()).or_else(|| place.and_then(|p| p.city.clone())).unwrap_or_default();
    Some(Event {
        id: derived_id(&["event of", procedure]),
        structure: String::new(),
        title: short(&row.assessment.title, MAX_LINE - 1),
        day: first.day,
        time: first.time,
        place: short(&named, MAX_LINE - 1),
        commune: commune.map(|c| c.code.to_owned()).unwrap_or_default(),
        departments: row.assessment.departments.clone(),
        link: notice.url.clone().filter(|u| is_web(u) && u.chars().count() <= MAX_LINE).unwrap_or_default(),
        by: String::new(),
        at: row.first_seen,
    })
}

/// Takes up what sources announce, and forgets what is long over; gives how many meetings are known of sources.
///
/// # Errors
/// The database fails.
pub async fn run(service: &Service, now: DateTime<Utc>) -> Result<usize, StoreError> {
    if !service.store.take_chore("events", LOOK_EVERY, now).await? {
        return Ok(0);
    }
    let today: NaiveDate = zones::paris_day(now);
    let mut known = 0;
    for procedure in service.store.procedures_of_meetings(now - LOOK_BACK).await? {
        let notices = visibility::visible(service, None, service.store.notices_of(&procedure).await?).await?;
        let meetings = notices.iter().rev().filter(|n| n.notice.kind == NoticeKind::Event);
        if let Some(event) = meetings.filter_map(|row| announced(&procedure, row)).next().filter(|e| e.is_ahead(today))
        {
            service.store.put_event(&event).await?;
            known += 1;
        }
    }
    service.store.forget_events(today - KEPT).await?;
    Ok(known)
}

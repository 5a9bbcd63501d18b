//! Contracts above the thresholds whose notice shows no social condition (L2112-2-1): a line each in the word to facilitators of the place,
//! never an instant alert, never to structures. What one of them reads in the CCAP turns it into « vue » or « absente » for everybody,
//! as any correction of a verdict does.

use chrono::{DateTime, Duration, Utc};
use vigie_domain::service_area::Area;
use vigie_domain::{Evidence, Permission, Phase, Provision, ProvisionKind, Subscriber};
use vigie_notifier::card::short;
use vigie_store::StoreError;
use vigie_store::journal::NoticeRow;
use vigie_store::search::{Query, SearchRow};

use super::colleagues;
use crate::after_award::messages::main_of;
use crate::areas;
use crate::service::Service;
use crate::verdict_correction::{self, CorrectedProvision};
use crate::visibility;

/// How long after its publication a contract is told: what is older is on the page alone.
const TOLD_WITHIN: Duration = Duration::days(10);
/// How long after its publication it is shown on the page.
const SHOWN_WITHIN: Duration = Duration::days(120);
/// Most contracts of the page, and of one word.
pub const MOST: usize = 60;
/// Most pages of a search that are looked through for them.
const MOST_PAGES: usize = 5;

/// What is said where nobody found a condition in the CCAP.
pub const ABSENT: &str = "absente du CCAP, vérifié par un facilitateur";

/// Where a structure's facilitators are at work: the area that it said, else the départements of their profiles and of what they
/// subscribed to.
///
/// # Errors
/// The database fails.
pub async fn area(service: &Service, structure: &str) -> Result<Area, StoreError> {
    let own = areas::of(service, structure).await?.area;
    if !own.is_empty() {
        return Ok(own);
    }
    let mut departments = Vec::new();
    for person in colleagues(service, structure).await? {
        departments.extend(person.profile.departments.clone());
        for s in service.store.subscriptions_of(&person.id).await? {
            departments.extend(s.filter.departments);
        }
    }
    departments.sort();
    departments.dedup();
    Ok(Area { departments, ..Area::default() })
}

/// Contracts of that area that show no condition and of which nobody said anything yet, latest first.
///
/// # Errors
/// The database fails.
pub async fn of(
    service: &Service,
    area: &Area,
    within: Duration,
    now: DateTime<Utc>,
) -> Result<Vec<SearchRow>, StoreError> {
    let Some(query) = areas::query(area) else { return Ok(Vec::new()) };
    let query = Query {
        provisions: vec![ProvisionKind::SocialConditionNotSeen],
        between: Some((now - within, now + Duration::days(1))),
        ..query
    };
    let mut out = Vec::new();
    let mut after: Option<(DateTime<Utc>, String)> = None;
    // A large département may hold many contracts beside those of a small area.
    for _ in 0..MOST_PAGES {
        let place = after.as_ref().map(|(at, id)| (*at, id.as_str()));
        let page = service.store.search(&query, place, MOST * 2, now).await?;
        for row in page.rows {
            if out.len() >= MOST {
                return Ok(out);
            }
            if row.state_at(now).phase == Phase::Cancelled {
                continue;
            }
            let notices = service.store.notices_of(&row.procedure).await?;
            if !is_settled(&notices) && areas::lets_through(area, &notices) {
                out.push(row);
            }
        }
        after = page.next;
        if after.is_none() {
            break;
        }
    }
    Ok(out)
}

/// The page's: of the area of a structure.
///
/// # Errors
/// The database fails.
pub async fn shown(service: &Service, structure: &str, now: DateTime<Utc>) -> Result<Vec<SearchRow>, StoreError> {
    of(service, &area(service, structure).await?, SHOWN_WITHIN, now).await
}

/// Whether somebody said that the condition is absent from the CCAP.
fn is_settled(notices: &[NoticeRow]) -> bool {
    let absent = |p: &Provision| p.kind == ProvisionKind::SocialConditionNotSeen && p.doubt.as_deref() == Some(ABSENT);
    notices.iter().any(|n| n.assessment.provisions.iter().any(absent))
}

/// The lines of a structure's word: (procedure, text).
///
/// # Errors
/// The database fails.
pub(super) async fn lines(
    service: &Service,
    structure: &str,
    now: DateTime<Utc>,
) -> Result<Vec<(String, String)>, StoreError> {
    let rows = of(service, &area(service, structure).await?, TOLD_WITHIN, now).await?;
    let text = |r: &SearchRow| {
        format!(
            "sans condition sociale vue dans l’avis, à vérifier au CCAP : « {} », {}",
            short(&r.title, 100),
            short(&r.buyer, 60)
        )
    };
    Ok(rows.iter().map(|r| (r.procedure.clone(), text(r))).collect())
}

/// Structures whose people are facilitators, one for each of these: only they are told.
pub(super) fn structures(people: &[Subscriber]) -> impl Iterator<Item = String> {
    let told = |p: &&Subscriber| p.role == vigie_domain::subscription::Role::Facilitator;
    people.iter().filter(told).map(|p| p.structure().to_owned())
}

/// What a facilitator read in the CCAP.
#[derive(Debug, Clone, Default)]
pub struct Read {
    /// There is a condition; what it asks for.
    pub seen: Option<CorrectedProvision>,
    /// Their words.
    pub note: String,
}

/// Says for everybody what the CCAP of a contract says; `false` where the procedure shows something else already, or this person
/// corrects nothing.
///
/// # Errors
/// The database fails; nothing was written.
pub async fn say(service: &Service, person: &Subscriber, procedure: &str, read: Read) -> Result<bool, StoreError> {
    if !person.role.may(Permission::CorrectVerdict) {
        return Ok(false);
    }
    let notices = visibility::notices_of(service, None, procedure).await?;
    let Some(row) = main_of(&notices) else { return Ok(false) };
    let unseen = |p: &&Provision| p.kind == ProvisionKind::SocialConditionNotSeen;
    if !row.assessment.provisions.iter().any(|p| unseen(&p)) {
        return Ok(false);
    }
    let provisions = match read.seen {
        Some(seen) => {
            let holds = seen.provision(ProvisionKind::ExecutionClause);
            verdict_correction::corrected(&row.assessment, ProvisionKind::ExecutionClause, &[], Some(holds))
        }
        None => {
            let absent = Provision {
                doubt: Some(ABSENT.to_owned()),
                ..Provision::new(ProvisionKind::SocialConditionNotSeen, Evidence::corrected())
            };
            let others = row.assessment.provisions.iter().filter(|p| !unseen(p)).cloned();
            others.chain([absent]).collect()
        }
    };
    verdict_correction::correct(service, person, row, provisions, &read.note).await?;
    Ok(true)
}

//! Contracts above the thresholds whose notice shows no social condition (L2112-2-1): a line each in the word to facilitators of the place,
//! never an instant alert, never to structures. What one of them reads in the CCAP turns it into « vue » or « absente » for everybody,
//! as any correction of a verdict does.

use chrono::{DateTime, Duration, Utc};
use vigie_domain::{Department, Evidence, Permission, Phase, Provision, ProvisionKind, Subscriber};
use vigie_notifier::card::short;
use vigie_store::StoreError;
use vigie_store::search::{Query, SearchRow};

use super::colleagues;
use crate::after_award::messages::main_of;
use crate::service::Service;
use crate::verdict_correction::{self, CorrectedProvision};
use crate::visibility;

/// How long after its publication a contract is told: what is older is on the page alone.
const TOLD_WITHIN: Duration = Duration::days(10);
/// How long after its publication it is shown on the page.
const SHOWN_WITHIN: Duration = Duration::days(120);
/// Most contracts of the page, and of one word.
pub const MOST: usize = 60;

/// What is said where nobody found a condition in the CCAP.
pub const ABSENT: &str = "absente du CCAP, vérifié par un facilitateur";

/// The départements of a structure's facilitators: of their profiles and of what they subscribed to.
///
/// # Errors
/// The database fails.
pub async fn places(service: &Service, structure: &str) -> Result<Vec<Department>, StoreError> {
    let mut out = Vec::new();
    for person in colleagues(service, structure).await? {
        out.extend(person.profile.departments.clone());
        for s in service.store.subscriptions_of(&person.id).await? {
            out.extend(s.filter.departments);
        }
    }
    out.sort();
    out.dedup();
    Ok(out)
}

/// Contracts of those places that show no condition and of which nobody said anything yet, latest first.
///
/// # Errors
/// The database fails.
pub async fn of(
    service: &Service,
    departments: Vec<Department>,
    within: Duration,
    now: DateTime<Utc>,
) -> Result<Vec<SearchRow>, StoreError> {
    if departments.is_empty() {
        return Ok(Vec::new());
    }
    let query = Query {
        departments,
        provisions: vec![ProvisionKind::SocialConditionNotSeen],
        between: Some((now - within, now + Duration::days(1))),
        ..Query::default()
    };
    let mut out = Vec::new();
    for row in service.store.search(&query, None, MOST * 2, now).await?.rows {
        if out.len() < MOST
            && row.state_at(now).phase != Phase::Cancelled
            && !is_settled(service, &row.procedure).await?
        {
            out.push(row);
        }
    }
    Ok(out)
}

/// The page's: of the places of a structure.
///
/// # Errors
/// The database fails.
pub async fn shown(service: &Service, structure: &str, now: DateTime<Utc>) -> Result<Vec<SearchRow>, StoreError> {
    of(service, places(service, structure).await?, SHOWN_WITHIN, now).await
}

/// Whether somebody said that the condition is absent from the CCAP.
async fn is_settled(service: &Service, procedure: &str) -> Result<bool, StoreError> {
    let notices = service.store.notices_of(procedure).await?;
    let absent = |p: &Provision| p.kind == ProvisionKind::SocialConditionNotSeen && p.doubt.as_deref() == Some(ABSENT);
    Ok(notices.iter().any(|n| n.assessment.provisions.iter().any(absent)))
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
    let rows = of(service, places(service, structure).await?, TOLD_WITHIN, now).await?;
    let text = |r: &SearchRow| {
        format!(
            "sans condition sociale vue dans l’avis, à vérifier au CCAP : « {} », {}",
            short(&r.title, 100),
            short(&r.buyer, 60)
        )
    };
    Ok(rows.iter().map(|r| (r.procedure.clone(), text(r))).collect())
}

/// Structures whose people are facilitators: only they are told.
///
/// # Errors
/// The database fails.
pub(super) async fn structures(service: &Service) -> Result<Vec<String>, StoreError> {
    let people = service.store.subscribers().await?;
    let told = |p: &&Subscriber| p.role == vigie_domain::subscription::Role::Facilitator;
    let mut out: Vec<String> = people.iter().filter(told).map(|p| p.structure().to_owned()).collect();
    out.sort();
    out.dedup();
    Ok(out)
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
            let evidence = Evidence { field: Some("correction".to_owned()), quote: None };
            let absent = Provision {
                doubt: Some(ABSENT.to_owned()),
                ..Provision::new(ProvisionKind::SocialConditionNotSeen, evidence)
            };
            let others = row.assessment.provisions.iter().filter(|p| !unseen(p)).cloned();
            others.chain([absent]).collect()
        }
    };
    verdict_correction::correct(service, person, row, provisions, &read.note).await?;
    Ok(true)
}

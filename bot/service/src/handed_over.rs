//! A colleague is told of a market that somebody puts in their charge.
//!
//! Who follows a market is a name that a structure types: it is somebody's where one member of the structure, and one alone, bears it.
//! Nobody is told of what they took themselves. Where telling fails, the decision stands, and the log says so.

use vigie_domain::{Alert, AlertKind, Decision, Subscriber, commune, french};
use vigie_notifier::card::short;
use vigie_store::derived_id;
use vigie_store::journal::NoticeRow;
use vigie_watcher::classify::zones;

use crate::decisions::Closes;
use crate::error::Failure;
use crate::membership;
use crate::service::Service;

/// The member of the decider's structure whom a decision names, unless it is the decider.
async fn colleague(service: &Service, by: &Subscriber, assignee: &str) -> Result<Option<Subscriber>, Failure> {
    let named = commune::key(assignee);
    let members = membership::members(service, by.structure()).await?;
    let mut found = members.into_iter().filter(|m| commune::key(&m.name) == named);
    Ok(found.next().filter(|one| found.next().is_none() && one.id != by.id))
}

/// Tells the colleague in whose charge `by` has put what was decided; nobody where the name is none of a colleague's.
///
/// # Errors
/// The database fails.
pub async fn tell(
    service: &Service,
    (by, name): (&Subscriber, &str),
    decision: &Decision,
    closes: Closes,
    notices: &[NoticeRow],
) -> Result<(), Failure> {
    let Some(colleague) = colleague(service, by, &decision.assignee).await? else { return Ok(()) };
    let Some(row) = notices.last() else { return Ok(()) };
    let title = short(&row.assessment.title, 120);
    let lot = if decision.lot.is_empty() { String::new() } else { format!(", lot {}", short(&decision.lot, 20)) };
    let until = match closes {
        Closes::At(at) => format!(" Réponse avant le {}.", french::date(zones::paris_day(at))),
        _ => String::new(),
    };
    let link = service.procedure_url(&decision.procedure).map(|l| format!("\n{l}")).unwrap_or_default();
    let body =
        format!("Un marché vous est confié : {title}\n{name} vous confie le suivi de « {title} »{lot}.{until}{link}");
    let now = service.clock.now();
    let at = now.timestamp_millis().to_string();
    let id = derived_id(&["handed over", &colleague.id, &decision.procedure, &decision.lot, &at]);
    service.store.tell(&colleague.id, &Alert::word(AlertKind::Account, id), &body, now).await?;
    service.deliveries_queued.notify_one();
    Ok(())
}

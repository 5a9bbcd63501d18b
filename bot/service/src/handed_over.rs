//! A colleague is told of a market that somebody puts in their charge.
//!
//! Who follows a market is a name that a structure types: it is somebody's where one member of the structure, and one alone, bears it,
//! or bears it as a first name.
//! Nobody is told of what they took themselves. Where telling fails, the decision stands, and the log says so.

use vigie_domain::{Alert, AlertKind, Decision, Subscriber, commune, french};
use vigie_notifier::card::short;
use vigie_notifier::rhythm;
use vigie_store::derived_id;
use vigie_store::journal::NoticeRow;
use vigie_watcher::classify::zones;

use crate::decisions::Closes;
use crate::error::Failure;
use crate::service::Service;
use crate::{membership, quiet};

/// The member of the decider's structure whom a decision names, unless it is the decider.
async fn colleague(service: &Service, by: &Subscriber, assignee: &str) -> Result<Option<Subscriber>, Failure> {
    let named = commune::key(assignee);
    let members = membership::members(service, by.structure()).await?;
    Ok(named_by(members, &named).filter(|one| one.id != by.id))
}

/// The one member who bears that name in whole, else the one whose name begins with it: colleagues call each other by their first names.
fn named_by(members: Vec<Subscriber>, named: &str) -> Option<Subscriber> {
    let first = |m: &Subscriber| commune::key(&m.name).split(' ').next() == Some(named);
    let (whole, others): (Vec<Subscriber>, Vec<Subscriber>) =
        members.into_iter().partition(|m| commune::key(&m.name) == named);
    let mut found = match whole.is_empty() {
        true => others.into_iter().filter(first).collect(),
        false => whole,
    };
    found.pop().filter(|_| found.is_empty() && !named.is_empty())
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
    let presses = matches!(closes, Closes::At(at) if at <= now + rhythm::PRESSING_WITHIN);
    let after = quiet::until(service, &colleague.id, presses, now).await?;
    service.store.tell_after(&colleague.id, &Alert::word(AlertKind::Account, id), (&body, after), now).await?;
    service.deliveries_queued.notify_one();
    Ok(())
}

#[cfg(test)]
mod tests {
    use vigie_domain::subscription::{Profile, Role};

    use super::*;

    #[test]
    fn a_first_name_is_somebody_where_one_alone_bears_it() {
        let person = |name: &str| Subscriber {
            id: name.to_owned(),
            name: name.to_owned(),
            role: Role::Structure,
            profile: Profile::default(),
        };
        let of = |names: &[&str], said: &str| {
            let found = named_by(names.iter().map(|n| person(n)).collect(), &commune::key(said));
            found.map(|one| one.name)
        };
        let two = ["Marc Petit", "Léa Martin"];
        assert_eq!(of(&two, "Marc").as_deref(), Some("Marc Petit"));
        assert_eq!(of(&two, "léa martin").as_deref(), Some("Léa Martin"));
        assert_eq!(of(&["Marc Petit", "Marc Grand"], "Marc"), None, "which one?");
        assert_eq!(of(&["Marc", "Marc Grand"], "Marc").as_deref(), Some("Marc"));
        assert_eq!((of(&two, "Petit"), of(&two, "")), (None, None));
    }
}

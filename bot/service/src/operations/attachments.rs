//! Procedures that belong to an operation. Those of the same buyer that buy the same by their titles are attached by themselves, where
//! no other operation could be meant; where one could, they are proposed. What a person said stands.
//!
//! What is published then moves the operation on: the call, the award, and the contracts of its lots with what their holders owe.

use chrono::{DateTime, Duration, Utc};
use vigie_domain::operation::hours::company_key;
use vigie_domain::operation::{Hours, LotOwed, Operation};
use vigie_domain::{Contract, ContractState, object};
use vigie_store::StoreError;
use vigie_store::operation_hours::OperationLot;
use vigie_store::operations::{Attachment, Standing};

use crate::service::Service;
use crate::visibility;

/// How long before an operation was written down its purchase may have been published.
const BEFORE: Duration = Duration::days(400);

/// Attaches and proposes what was published for the operations of a structure, and moves them on.
///
/// # Errors
/// The database fails.
pub async fn look(service: &Service, structure: &str, now: DateTime<Utc>) -> Result<(), StoreError> {
    let store = &service.store;
    let operations = store.operations_of(structure).await?;
    let mut known = store.operation_procedures(structure).await?;
    for o in operations.iter().filter(|o| o.state.is_open()) {
        let mut any = known.iter().any(|a| a.operation == o.id && a.standing == Standing::Attached);
        if let Some(siren) = o.siren() {
            for call in store.calls_of_buyer(siren, o.created - BEFORE).await? {
                let here = known.iter().any(|a| a.operation == o.id && a.procedure == call.procedure);
                let elsewhere = known
                    .iter()
                    .any(|a| a.procedure == call.procedure && a.operation != o.id && a.standing == Standing::Attached);
                if here || elsewhere || !buys(o, &call.title) {
                    continue;
                }
                let rivals =
                    operations.iter().filter(|r| r.id != o.id && r.state.is_open() && r.siren() == Some(siren));
                let sure =
                    !rivals.into_iter().any(|r| buys(r, &call.title)) && !has_call(service, &known, &o.id, now).await?;
                let standing = if sure { Standing::Attached } else { Standing::Proposed };
                if store.attach_procedure((structure, &o.id), &call.procedure, (standing, false), now).await? {
                    // The next call of this look is judged beside this one.
                    known.push(Attachment { operation: o.id.clone(), procedure: call.procedure, standing, at: now });
                    any |= sure;
                }
            }
        }
        if any {
            settle(service, structure, &o.id, now).await?;
        }
    }
    Ok(())
}

fn buys(o: &Operation, title: &str) -> bool {
    object::alike((&o.title, &[]), (title, &[]))
}

/// Whether a call of an operation is known already: another one of the same title may be its second, or another purchase.
async fn has_call(
    service: &Service,
    known: &[Attachment],
    operation: &str,
    now: DateTime<Utc>,
) -> Result<bool, StoreError> {
    let ids: Vec<String> = known
        .iter()
        .filter(|a| a.operation == operation && a.standing == Standing::Attached)
        .map(|a| a.procedure.clone())
        .collect();
    let rows = service.store.search_rows(&ids).await?;
    Ok(rows.iter().any(|r| r.state_at(now).phase != vigie_domain::Phase::Planned))
}

/// Moves an operation on by what was published of its procedures, and takes over the contracts of its lots.
///
/// # Errors
/// The database fails.
pub async fn settle(service: &Service, structure: &str, id: &str, now: DateTime<Utc>) -> Result<(), StoreError> {
    let store = &service.store;
    let Some(o) = store.operation(structure, id).await? else { return Ok(()) };
    let attached: Vec<String> = store
        .operation_procedures(structure)
        .await?
        .into_iter()
        .filter(|a| a.operation == id && a.standing == Standing::Attached)
        .map(|a| a.procedure)
        .collect();
    if attached.is_empty() {
        return Ok(());
    }
    let mut state = o.state;
    for row in store.search_rows(&attached).await? {
        state = state.after(row.state_at(now).phase);
    }
    let mut changed = Operation { state, ..o.clone() };
    if changed.siret.is_none() || changed.buyer.is_empty() {
        for procedure in &attached {
            let notices = visibility::notices_of(service, None, procedure).await?;
            let buyer = notices.iter().map(|n| &n.notice.buyer).find(|b| b.siret.is_some() || !b.name.is_empty());
            if let Some(buyer) = buyer {
                changed.siret = changed.siret.or_else(|| buyer.siret.clone());
                if changed.buyer.is_empty() {
                    buyer.name.clone_into(&mut changed.buyer);
                }
            }
        }
    }
    if changed != o {
        changed.updated = now;
        store.change_operation(&changed).await?;
    }
    let known = store.lots_of(structure, Some(id)).await?;
    let mut published: Vec<LotOwed> = Vec::new();
    for procedure in &attached {
        published.extend(store.contracts_of(procedure).await?.iter().filter_map(|row| owed(&row.contract)));
    }
    // A lot has a number in each procedure: who holds it tells two of them apart. What a person wrote of a lot stands; what was
    // published of it follows what is published.
    let same = |a: &LotOwed, b: &LotOwed| {
        a.lot == b.lot && company_key(a.siret.as_deref(), &a.company) == company_key(b.siret.as_deref(), &b.company)
    };
    for gone in known.iter().filter(|k| k.lot.published && !published.iter().any(|p| same(p, &k.lot))) {
        store.remove_lot(structure, id, &gone.lot).await?;
    }
    let takes = |lot: &LotOwed| {
        let by_hand = known.iter().any(|k| !k.lot.published && k.lot.lot == lot.lot);
        !by_hand && !known.iter().any(|k| k.lot == *lot)
    };
    let fresh: Vec<OperationLot> =
        published.into_iter().filter(takes).map(|lot| OperationLot { operation: id.to_owned(), lot }).collect();
    if !fresh.is_empty() {
        store.put_lots(structure, &fresh).await?;
    }
    Ok(())
}

/// What the holder of a published contract owes; `None` where nobody holds it.
fn owed(c: &Contract) -> Option<LotOwed> {
    let held = matches!(c.state, ContractState::Awarded | ContractState::Ended) && !c.holders.is_empty();
    let first = c.holders.first().filter(|_| held)?;
    // The hours of a clause that covers several lots together are nobody's alone.
    let hours = c.owed.iter().filter(|o| o.provision.lots.len() < 2).filter_map(|o| o.provision.hours);
    Some(LotOwed {
        lot: c.lot.clone(),
        company: c.holders_in_french(),
        siret: first.company.id.clone().filter(|_| first.company.siren().is_some() && c.holders.len() == 1),
        owed: hours.filter_map(Hours::of_clause).max().unwrap_or_default(),
        starts: c.notified_on.as_ref().map(|d| d.value),
        ends: c.ends.map(|e| e.on),
        published: true,
    })
}

/// Attaches a procedure by hand, or takes it away; `false` where the operation or the procedure is not there for this structure.
///
/// # Errors
/// The database fails.
pub async fn say(
    service: &Service,
    (structure, operation): (&str, &str),
    procedure: &str,
    belongs: bool,
) -> Result<bool, StoreError> {
    let (store, now) = (&service.store, service.clock.now());
    if store.operation(structure, operation).await?.is_none() {
        return Ok(false);
    }
    let notices = store.notices_of(procedure).await?;
    if belongs && !notices.iter().any(|n| n.notice.visibility.is_public()) {
        return Ok(false);
    }
    let standing = if belongs { Standing::Attached } else { Standing::Refused };
    store.attach_procedure((structure, operation), procedure, (standing, true), now).await?;
    settle(service, structure, operation, now).await?;
    Ok(true)
}

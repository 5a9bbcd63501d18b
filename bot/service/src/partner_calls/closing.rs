//! What time brings to calls: reminders, a date that moves, lots that end, a procedure that ends; and the closing, by its moment or by
//! its coordinator.
//!
//! Once closed, those who bid prepare the procedure with others: their decisions say so, where they said nothing that goes further.

use chrono::{DateTime, Duration, Utc};
use vigie_domain::partner_call::{CallState, PartnerCall, PartnerRole, Position, Turn, line_up};
use vigie_domain::procedure::{Snapshot, Status};
use vigie_domain::{Decision, Stage, Subscriber, french};
use vigie_store::StoreError;
use vigie_store::ingest::IngestTx;

use super::opening::{Changed, coordinates};
use super::{moment, telling};
use crate::service::Service;

/// Where the tenders are due sooner than the call would close, it closes that long before them.
const BEFORE_TENDERS: Duration = Duration::days(1);
/// Most lots named in a sentence.
const MAX_LOTS: usize = 8;

/// Does what is due for every open call; gives how many were changed or told of.
///
/// # Errors
/// The database fails; what was done stands.
pub async fn run(service: &Service, now: DateTime<Utc>) -> Result<usize, StoreError> {
    let mut done = 0;
    for call in service.store.open_partner_calls().await? {
        // Writers wait for each other: a call of which nothing is due takes no turn among them.
        if is_due(service, &call, now).await? {
            done += usize::from(one(service, &call.id, now).await?);
        }
    }
    if done > 0 {
        service.deliveries_queued.notify_one();
    }
    Ok(done)
}

/// Whether anything is to be done for an open call.
async fn is_due(service: &Service, call: &PartnerCall, now: DateTime<Utc>) -> Result<bool, StoreError> {
    if now >= call.closes || call.reminder_due(now).is_some() {
        return Ok(true);
    }
    let published = service.store.state_of(&call.procedure).await?;
    Ok(meanwhile(call, published.as_ref(), now) != Meanwhile::Nothing)
}

/// What the procedure did since a call was last looked at.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Meanwhile {
    /// Nothing that changes the call.
    Nothing,
    /// The procedure is not open any more: why.
    Ended(&'static str),
    /// The date moved, or lots ended: what is said of it, and the call after it.
    Moved(String, Box<PartnerCall>),
}

/// What became of the procedure of a call. Pure.
fn meanwhile(call: &PartnerCall, published: Option<&Snapshot>, now: DateTime<Utc>) -> Meanwhile {
    let Some(published) = published else { return Meanwhile::Ended("Le marché n’est plus connu.") };
    match published.status {
        Status::Open => {}
        Status::Cancelled => return Meanwhile::Ended("Le marché est annulé."),
        Status::Awarded => return Meanwhile::Ended("Le marché est attribué."),
        Status::NoAward | Status::Intended => return Meanwhile::Ended("Le marché n’est plus ouvert."),
    }
    let mut said = Vec::new();
    let mut after = call.clone();
    let tender = published.deadline_of("").map(|at| at.with_timezone(&Utc));
    if tender != call.tender {
        after.tender = tender;
        match (call.tender, tender) {
            (Some(before), Some(tender)) => {
                said.push(format!("La date de remise des offres passe du {} au {}.", moment(before), moment(tender)));
            }
            (None, Some(tender)) => said.push(format!("Les offres sont à remettre avant le {}.", moment(tender))),
            (_, None) => {}
        }
        if let Some(tender) = tender.filter(|t| after.closes >= *t) {
            after.closes = (tender - BEFORE_TENDERS).max(now + Duration::minutes(1));
            said.push(format!("L’appel se clôt donc plus tôt : le {}.", moment(after.closes)));
        }
    }
    let ended: Vec<String> = call
        .lots
        .iter()
        .filter(|lot| published.status_of(lot) != Status::Open && !call.ended.contains(lot))
        .cloned()
        .collect();
    if !ended.is_empty() {
        let named = if ended.len() > MAX_LOTS { french::plural(ended.len(), "lot") } else { french::list(&ended) };
        said.push(match ended.len() {
            1 => format!("Le lot {named} n’est plus ouvert."),
            n if n > MAX_LOTS => format!("{named} ne sont plus ouverts."),
            _ => format!("Les lots {named} ne sont plus ouverts."),
        });
        after.ended.extend(ended);
    }
    if after == *call { Meanwhile::Nothing } else { Meanwhile::Moved(said.join(" "), Box::new(after)) }
}

/// Those asked who did not refuse all of it, and the coordinator.
async fn everybody(service: &Service, call: &PartnerCall) -> Result<Vec<String>, StoreError> {
    let mut all = telling::not_refusing(service, call).await?;
    if !all.contains(&call.coordinator) {
        all.push(call.coordinator.clone());
    }
    Ok(all)
}

async fn one(service: &Service, id: &str, now: DateTime<Utc>) -> Result<bool, StoreError> {
    let Some((mut tx, call)) = service.store.begin_partner_call(id, now).await? else { return Ok(false) };
    if call.state != CallState::Open {
        return Ok(false);
    }
    let published = service.store.state_of(&call.procedure).await?;
    let mut call = match meanwhile(&call, published.as_ref(), now) {
        Meanwhile::Ended(why) => {
            let call = PartnerCall { state: CallState::Cancelled, told: Turn::Cancelled, ..call };
            tx.put_partner_call(&call).await?;
            let told = everybody(service, &call).await?;
            telling::tell(service, &mut tx, &call, Turn::Cancelled, &told, why).await?;
            tx.commit().await?;
            return Ok(true);
        }
        Meanwhile::Moved(said, after) => {
            tx.put_partner_call(&after).await?;
            if !said.is_empty() {
                let told = everybody(service, &after).await?;
                telling::tell(service, &mut tx, &after, Turn::Moved, &told, &said).await?;
            }
            tx.commit().await?;
            return Ok(true);
        }
        Meanwhile::Nothing => call,
    };
    if now >= call.closes {
        drop(tx);
        return Ok(close_now(service, id, now).await?.is_some());
    }
    let Some(turn) = call.reminder_due(now) else { return Ok(false) };
    call.told = turn;
    tx.put_partner_call(&call).await?;
    let (_, silent) = telling::answered_and_silent(service, &call).await?;
    let silent: Vec<String> = silent.into_iter().map(|i| i.structure).collect();
    telling::tell(service, &mut tx, &call, turn, &silent, "").await?;
    tx.commit().await?;
    Ok(true)
}

/// Closes a call now, by its coordinator.
///
/// # Errors
/// The database fails: nothing changed.
pub async fn close(service: &Service, person: &Subscriber, id: &str) -> Result<Option<Changed>, StoreError> {
    let Some(call) = service.store.partner_call(id).await?.filter(|c| coordinates(person, c)) else { return Ok(None) };
    if call.state != CallState::Open {
        return Ok(Some(Changed::No("Cet appel n’est plus ouvert.".to_owned())));
    }
    let closed = close_now(service, id, service.clock.now()).await?;
    service.deliveries_queued.notify_one();
    Ok(Some(closed.map_or_else(|| Changed::No("Cet appel n’est plus ouvert.".to_owned()), |_| Changed::Done)))
}

/// Closes a call: tells the coordinator and those who take part.
async fn close_now(service: &Service, id: &str, now: DateTime<Utc>) -> Result<Option<PartnerCall>, StoreError> {
    let Some((mut tx, mut call)) = service.store.begin_partner_call(id, now).await? else { return Ok(None) };
    if call.state != CallState::Open {
        return Ok(None);
    }
    (call.state, call.told) = (CallState::Closed, Turn::LineUp);
    call.closes = call.closes.min(now);
    tx.put_partner_call(&call).await?;
    let positions = service.store.positions_on(&call.id).await?;
    let mut told: Vec<String> = positions.iter().filter(|p| p.role.takes_part()).map(|p| p.structure.clone()).collect();
    told.push(call.coordinator.clone());
    told.sort();
    told.dedup();
    telling::tell(service, &mut tx, &call, Turn::LineUp, &told, "").await?;
    prepared_together(service, &mut tx, &call, &positions, now).await?;
    tx.commit().await?;
    service.deliveries_queued.notify_waiters();
    Ok(Some(call))
}

/// Notes, for each structure that bids, that it prepares its lots with others; what went further, or was declined since, stands.
async fn prepared_together(
    service: &Service,
    tx: &mut IngestTx,
    call: &PartnerCall,
    positions: &[Position],
    now: DateTime<Utc>,
) -> Result<(), StoreError> {
    let mut decisions = Vec::new();
    for lot in line_up(&call.live_lots(), positions) {
        for p in lot.on.iter().filter(|p| p.role.bids()) {
            let standing = service.store.decisions_on(&p.structure, &call.procedure).await?;
            let of = |lot: &str| standing.iter().find(|d| d.lot == lot);
            let on_lot = of(&lot.lot).cloned().unwrap_or_else(|| Decision {
                lot: lot.lot.clone(),
                ..Decision::new(&p.structure, &call.procedure, Stage::Spotted, &p.by, now)
            });
            let declined = of("").is_some_and(|d| d.stage.declines());
            if declined || !matches!(on_lot.stage, Stage::Spotted | Stage::Read | Stage::Go | Stage::Preparing) {
                continue;
            }
            let mut decision = Decision { joint: Some(true), ..on_lot };
            if decision.stage != Stage::Preparing {
                (decision.stage, decision.at) = (Stage::Preparing, now);
                decision.by.clone_from(&p.by);
            }
            decisions.push(decision);
        }
    }
    // In one order, so that two calls that close at once wait for each other rather than for ever.
    decisions.sort_by(|a, b| (&a.structure, &a.lot).cmp(&(&b.structure, &b.lot)));
    for decision in &decisions {
        tx.decide(decision).await?;
    }
    Ok(())
}

/// What a role means for whoever signs, as forms name it.
#[must_use]
pub fn form_word(role: PartnerRole) -> &'static str {
    match role {
        PartnerRole::Lead => "Mandataire du groupement",
        PartnerRole::CoContractor => "Membre du groupement",
        PartnerRole::Subcontractor => "Sous-traitant (DC4)",
        PartnerRole::Declined => "",
    }
}

#[cfg(test)]
mod tests {
    use vigie_domain::DateKind;
    use vigie_domain::snapshot::EndedLot;

    use super::*;

    fn at(text: &str) -> DateTime<Utc> {
        text.parse().unwrap()
    }

    fn call() -> PartnerCall {
        PartnerCall {
            id: "c".into(),
            coordinator: "gie".into(),
            name: "GIE".into(),
            procedure: "p".into(),
            lots: vec!["1".into(), "2".into()],
            note: String::new(),
            state: CallState::Open,
            closes: at("2026-12-10T17:00:00Z"),
            tender: Some(at("2027-01-12T11:00:00Z")),
            opened: at("2026-12-01T09:00:00Z"),
            by: "Claire".into(),
            told: Turn::Asked,
            ended: Vec::new(),
            follows: String::new(),
        }
    }

    fn published(tender: &str) -> Snapshot {
        Snapshot {
            dates: vec![(DateKind::Tender, at(tender).fixed_offset())],
            lots: vec!["1".into(), "2".into()],
            ..Snapshot::default()
        }
    }

    #[test]
    fn a_date_that_moves_is_told_once_and_an_early_one_brings_the_closing_forward() {
        let now = at("2026-12-02T09:00:00Z");
        let same = published("2027-01-12T11:00:00Z");
        assert_eq!(meanwhile(&call(), Some(&same), now), Meanwhile::Nothing);
        let Meanwhile::Moved(said, after) = meanwhile(&call(), Some(&published("2027-01-20T11:00:00Z")), now) else {
            panic!("moved")
        };
        assert!(said.contains("12 janvier 2027") && said.contains("20 janvier 2027"), "{said}");
        assert_eq!(after.closes, call().closes);
        assert_eq!(meanwhile(&after, Some(&published("2027-01-20T11:00:00Z")), now), Meanwhile::Nothing, "once");
        let Meanwhile::Moved(said, after) = meanwhile(&call(), Some(&published("2026-12-08T11:00:00Z")), now) else {
            panic!("moved")
        };
        assert_eq!(after.closes, at("2026-12-07T11:00:00Z"));
        assert!(said.contains("plus tôt"), "{said}");
    }

    #[test]
    fn lots_and_procedures_that_end_are_told() {
        let now = at("2026-12-02T09:00:00Z");
        let ended = |lot: &str| EndedLot { lot: lot.into(), status: Status::Cancelled, reason: None };
        let one = Snapshot { ended: vec![ended("2")], ..published("2027-01-12T11:00:00Z") };
        let Meanwhile::Moved(said, after) = meanwhile(&call(), Some(&one), now) else { panic!("moved") };
        assert_eq!(said, "Le lot 2 n’est plus ouvert.");
        assert_eq!(meanwhile(&after, Some(&one), now), Meanwhile::Nothing, "once");
        let gone = Snapshot { status: Status::Cancelled, ..published("2027-01-12T11:00:00Z") };
        assert_eq!(meanwhile(&call(), Some(&gone), now), Meanwhile::Ended("Le marché est annulé."));
    }
}

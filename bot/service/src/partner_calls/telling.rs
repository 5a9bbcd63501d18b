//! Who is told what of a call: everyone of a structure who decides, at once within their cap. What a message says is made when it
//! leaves ([`super::messages`]), so that it tells what stands then.

use vigie_domain::partner_call::{PartnerCall, Position, Turn};
use vigie_domain::{Alert, AlertKind, DateKind, Permission, TypedDate};
use vigie_notifier::card::{OfCall, Why, short};
use vigie_store::ingest::{IngestTx, Share};
use vigie_store::partner_calls::Invitation;
use vigie_store::{StoreError, derived_id};

use crate::after_award::messages::main_of;
use crate::after_award::offers::audience_of;
use crate::ingest::hourly_cap::HourlyLoad;
use crate::ingest::plan::Planner;
use crate::ingest::stored::People;
use crate::service::Service;

/// Tells structures of a turn of a call; the same turn for the same cause tells nobody twice.
///
/// # Errors
/// The database fails.
pub(super) async fn tell(
    service: &Service,
    tx: &mut IngestTx,
    call: &PartnerCall,
    turn: Turn,
    structures: &[String],
    remark: &str,
) -> Result<usize, StoreError> {
    let notices = service.store.notices_of(&call.procedure).await?;
    let Some(row) = main_of(&notices).or(notices.last()) else { return Ok(0) };
    let alert = Alert {
        id: derived_id(&["partner call", &call.id, turn.as_str(), &call.closes.timestamp().to_string(), remark]),
        kind: AlertKind::PartnerCall,
        procedure: call.procedure.clone(),
        notice: row.id.clone(),
        changes: Vec::new(),
    };
    let mut assessment = row.assessment.clone();
    if turn >= Turn::LineUp {
        // What is over presses nobody: its dates make no message expire.
        assessment.dates.clear();
    } else {
        // What is answered by then presses as what is bid for by then does.
        let closes = (call.closes.fixed_offset(), true);
        assessment.dates.push(TypedDate::of_field(DateKind::Tender, closes, "call for partners"));
    }
    let line = if remark.is_empty() { in_a_line(call, turn) } else { format!("{} {remark}", in_a_line(call, turn)) };
    let partners = Some(OfCall { call: call.id.clone(), turn, said: remark.to_owned() });
    let why = Why { remark: Some(line), partners, ..Why::default() };
    let mut shares: Vec<Share> = Vec::new();
    for structure in structures {
        let audience = audience_of(service, tx, structure).await?;
        let people: Vec<String> =
            audience.ids().filter(|id| audience.person(id).is_some_and(|p| p.role.may(Permission::Decide))).collect();
        let planner = Planner::new(service, &audience, None, tx.now());
        let capped: Vec<(&str, u32)> = people.iter().map(|id| (id.as_str(), planner.cap_of(id))).collect();
        let stored = People { load: HourlyLoad::read(tx, &capped, false).await?, ..People::default() };
        for id in &people {
            if !service.store.has_share(&alert.id, id).await? {
                shares.push(planner.for_itself(id, why.clone(), (&alert, &assessment), &stored));
            }
        }
    }
    if !shares.is_empty() {
        tx.put_shares(&alert, None, &shares).await?;
    }
    Ok(shares.len())
}

/// What a digest says of it.
fn in_a_line(call: &PartnerCall, turn: Turn) -> String {
    let who = short(&call.name, super::MAX_NAME);
    match turn {
        Turn::LineUp => format!("Appel à partenaires de {who} : il est clos."),
        Turn::Cancelled => format!("Appel à partenaires de {who} : il est abandonné."),
        Turn::Asked | Turn::HalfTime | Turn::LastDay | Turn::Moved => {
            format!("Appel à partenaires de {who} : réponse avant le {}.", super::moment(call.closes))
        }
    }
}

/// Structures asked that did not refuse all of it.
///
/// # Errors
/// The database fails.
pub(super) async fn not_refusing(service: &Service, call: &PartnerCall) -> Result<Vec<String>, StoreError> {
    let positions = service.store.positions_on(&call.id).await?;
    let asked = service.store.partner_invitations(&call.id).await?;
    let refuses = |structure: &str| {
        let mut mine = positions.iter().filter(|p| p.structure == structure).peekable();
        mine.peek().is_some() && mine.all(|p| !p.role.takes_part())
    };
    Ok(asked.into_iter().map(|i| i.structure).filter(|s| !refuses(s)).collect())
}

/// Structures asked that answered something, and those that answered nothing: nobody waits for what a coordinator asks itself.
///
/// # Errors
/// The database fails.
pub async fn answered_and_silent(
    service: &Service,
    call: &PartnerCall,
) -> Result<(Vec<Invitation>, Vec<Invitation>), StoreError> {
    let positions = service.store.positions_on(&call.id).await?;
    Ok(split(call, service.store.partner_invitations(&call.id).await?, &positions))
}

/// The same, of what was read already.
pub(super) fn split(
    call: &PartnerCall,
    asked: Vec<Invitation>,
    positions: &[Position],
) -> (Vec<Invitation>, Vec<Invitation>) {
    let (answered, mut silent): (Vec<Invitation>, Vec<Invitation>) =
        asked.into_iter().partition(|i| positions.iter().any(|p| p.structure == i.structure));
    silent.retain(|i| i.structure != call.coordinator);
    (answered, silent)
}

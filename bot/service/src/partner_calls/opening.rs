//! A call is opened, asks more structures, has its closing moved, or is given up. Only its coordinator does that, and only a role that
//! may coordinate.

use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, Utc};
use vigie_domain::partner_call::{CallState, PartnerCall, SHORTEST, Turn};
use vigie_domain::procedure::Status;
use vigie_domain::subscription::Role;
use vigie_domain::{Permission, Stage, Subscriber, object};
use vigie_notifier::card::short;
use vigie_store::choices::Choice;
use vigie_store::partner_calls::Invitation;
use vigie_store::{StoreError, derived_id};

use super::{MAX_NAME, MAX_NOTE, members_of, moment, name_of, telling};
use crate::decisions::{self, Asker, DecisionEdit, Seen};
use crate::service::Service;
use crate::visibility;

/// Most structures asked in one call.
pub const MAX_ASKED: usize = 100;

/// What is asked for.
#[derive(Debug, Clone)]
pub struct NewCall {
    pub procedure: String,
    /// Lots asked for, as they are named; empty = all that are open.
    pub lots: Vec<String>,
    /// Until when answers are taken.
    pub closes: DateTime<Utc>,
    /// A word to those asked.
    pub note: String,
    /// Structures asked besides the members of the network, by their key.
    pub structures: Vec<String>,
    /// Whether the members of the network are asked.
    pub members: bool,
}

/// What came of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Opened {
    /// It is open, and so many structures are asked.
    Yes { call: String, asked: usize },
    /// An open call of this coordinator on this procedure is there already.
    Already(String),
    /// Nothing was opened; says why in French.
    No(String),
}

fn no(why: impl Into<String>) -> Result<Opened, StoreError> {
    Ok(Opened::No(why.into()))
}

/// Opens a call.
///
/// # Errors
/// The database fails: nothing is opened.
pub async fn open(service: &Service, person: &Subscriber, by: &str, new: NewCall) -> Result<Opened, StoreError> {
    let now = service.clock.now();
    if !person.role.may(Permission::Coordinate) {
        return no("Ce compte ne coordonne pas d’appels à partenaires.");
    }
    let visible = visibility::notices_of(service, Some(person), &new.procedure).await?;
    if visible.is_empty() {
        return no("Ce marché n’est plus connu.");
    }
    if visible.iter().any(|n| !n.notice.visibility.is_public()) {
        return no(
            "Cette piste est à votre structure seule : publiez-la d’abord, ou parlez-en vous-même à vos partenaires.",
        );
    }
    let Some(published) = service.store.state_of(&new.procedure).await? else {
        return no("Ce marché n’est plus connu.");
    };
    if published.status != Status::Open {
        return no("Ce marché n’est plus ouvert.");
    }
    let known: Vec<String> = published.lots.clone();
    let mut lots = Vec::new();
    for said in &new.lots {
        match decisions::lot_named(said, known.iter().map(String::as_str)).filter(|lot| !lot.is_empty()) {
            Some(lot) if published.status_of(&lot) != Status::Open => {
                return no(format!("Le lot {} n’est plus ouvert.", short(&lot, 20)));
            }
            Some(lot) if !lots.contains(&lot) => lots.push(lot),
            Some(_) => {}
            None => return no(format!("Ce marché n’a pas de lot {}.", short(said, 20))),
        }
    }
    if lots.is_empty() {
        lots = known.iter().filter(|lot| published.status_of(lot) == Status::Open).cloned().collect();
    }
    let order = |lot: &String| known.iter().position(|k| k == lot);
    lots.sort_by_key(order);
    let tender = published.deadline_of("").map(|at| at.with_timezone(&Utc));
    if let Some(fault) = closing_fault(new.closes, tender, now) {
        return no(fault);
    }
    if new.note.chars().count() > MAX_NOTE {
        return no(format!("Le mot aux partenaires est trop long : {MAX_NOTE} caractères au plus."));
    }
    let name = short(&own_name(service, person).await?, MAX_NAME);
    let earlier = earlier(service, person.structure(), &new.procedure).await?;
    let call = PartnerCall {
        id: derived_id(&["partner call", person.structure(), &new.procedure, &now.timestamp_millis().to_string()]),
        coordinator: person.structure().to_owned(),
        name,
        procedure: new.procedure.clone(),
        lots,
        note: new.note.trim().to_owned(),
        state: CallState::Open,
        closes: new.closes,
        tender,
        opened: now,
        by: by.to_owned(),
        told: Turn::Asked,
        ended: Vec::new(),
        follows: earlier.as_ref().map(|c| c.id.clone()).unwrap_or_default(),
    };
    let mut asked: BTreeSet<String> = BTreeSet::new();
    if new.members {
        asked.extend(members_of(service, person).await?.into_iter().map(|(structure, _)| structure));
    }
    for structure in &new.structures {
        if may_be_asked(service, person, structure).await? {
            asked.insert(structure.clone());
        }
    }
    asked.remove(person.structure());
    if asked.is_empty() {
        return no(
            "Personne n’est à qui poser la question : choisissez au moins une structure, ou ajoutez des membres à votre réseau.",
        );
    }
    if asked.len() > MAX_ASKED {
        return no(format!("{MAX_ASKED} structures au plus pour un appel."));
    }
    let mut names = Vec::new();
    for structure in asked {
        names.push((name_of(service, &structure).await?, structure));
    }
    let count = names.len();
    if person.role == Role::Structure {
        // Who coordinates its own bid answers as the others do.
        names.push((call.name.clone(), person.structure().to_owned()));
    }
    let mut tx = service.store.begin_ingest_at(|| service.clock.now()).await?;
    // Asked where writers wait for each other: a second click finds what the first one made.
    let mine = service.store.partner_calls_of(person.structure()).await?;
    if let Some(known) = mine.iter().find(|c| c.procedure == new.procedure && c.state == CallState::Open) {
        return Ok(Opened::Already(known.id.clone()));
    }
    tx.put_partner_call(&call).await?;
    let mut structures = Vec::new();
    for (name, structure) in names {
        let own = structure == call.coordinator;
        let invitation = Invitation { call: call.id.clone(), name, at: now, shows_decision: own, structure };
        tx.put_partner_invitation(&invitation).await?;
        if !own {
            structures.push(invitation.structure);
        }
    }
    telling::tell(service, &mut tx, &call, Turn::Asked, &structures, "").await?;
    tx.commit().await?;
    service.deliveries_queued.notify_one();
    if person.role == Role::Structure {
        // Whoever asks for partners goes for it, with others.
        let asker = Asker { person, name: by, procedure: &call.procedure, lot: "", seen: Seen::Latest };
        let edit = DecisionEdit { stage: Some(Stage::Preparing), joint: Some(true), ..DecisionEdit::default() };
        decisions::decide(service, &asker, &edit).await?;
    }
    Ok(Opened::Yes { call: call.id, asked: count })
}

/// A network goes by its own name; a structure by the directory's.
async fn own_name(service: &Service, person: &Subscriber) -> Result<String, StoreError> {
    if person.role == Role::Network && !person.name.is_empty() {
        return Ok(person.name.clone());
    }
    name_of(service, person.structure()).await
}

/// Why a call cannot close then, in French.
fn closing_fault(closes: DateTime<Utc>, tender: Option<DateTime<Utc>>, now: DateTime<Utc>) -> Option<String> {
    if closes < now + SHORTEST {
        return Some("La clôture de l’appel est à venir, dans une heure au moins.".to_owned());
    }
    match tender {
        Some(tender) if closes >= tender => Some(format!(
            "L’appel se clôt avant la remise des offres ({}) : laissez le temps de préparer la réponse.",
            moment(tender)
        )),
        _ => None,
    }
}

/// Whether a coordinator may ask a structure: a member of its network, a partner of an earlier call, or one that agreed to be
/// proposed; never one that nobody speaks for here.
///
/// # Errors
/// The database fails.
pub async fn may_be_asked(service: &Service, person: &Subscriber, structure: &str) -> Result<bool, StoreError> {
    if service.store.members(structure).await?.is_empty() {
        return Ok(false);
    }
    if members_of(service, person).await?.iter().any(|(member, _)| member == structure) {
        return Ok(true);
    }
    if service.store.chose(structure, Choice::NeverProposed, "").await? {
        return Ok(false);
    }
    if service.store.chose(structure, Choice::Proposed, "").await? {
        return Ok(true);
    }
    Ok(partners_before(service, person.structure()).await?.contains_key(structure))
}

/// Structures that took part in a bid of a coordinator before, each with the most hours that it offered on one lot; 0 where it gave none.
///
/// # Errors
/// The database fails.
pub async fn partners_before(service: &Service, coordinator: &str) -> Result<BTreeMap<String, u32>, StoreError> {
    let mut out: BTreeMap<String, u32> = BTreeMap::new();
    for call in service.store.partner_calls_of(coordinator).await? {
        if call.state != CallState::Closed {
            continue;
        }
        for p in service.store.positions_on(&call.id).await?.into_iter().filter(|p| p.role.takes_part()) {
            let most = out.entry(p.structure).or_default();
            *most = (*most).max(p.hours.unwrap_or(0));
        }
    }
    out.remove(coordinator);
    Ok(out)
}

/// The latest closed call of a coordinator on the market before this one: the same buyer, the same object.
///
/// # Errors
/// The database fails.
pub async fn earlier(service: &Service, coordinator: &str, procedure: &str) -> Result<Option<PartnerCall>, StoreError> {
    let notices = service.store.notices_of(procedure).await?;
    let Some(this) = notices.last() else { return Ok(None) };
    let buyer = |row: &vigie_store::journal::NoticeRow| {
        let siren = row.notice.buyer.siren().map(str::to_owned);
        siren.unwrap_or_else(|| vigie_domain::commune::key(&row.notice.buyer.name))
    };
    for call in service.store.partner_calls_of(coordinator).await? {
        if call.procedure == procedure || call.state != CallState::Closed {
            continue;
        }
        let before = service.store.notices_of(&call.procedure).await?;
        let Some(before) = before.first() else { continue };
        let same_buyer = !buyer(this).is_empty() && buyer(this) == buyer(before);
        let titles = (
            (this.assessment.title.as_str(), &*this.assessment.cpv),
            (before.assessment.title.as_str(), &*before.assessment.cpv),
        );
        if same_buyer && object::alike(titles.0, titles.1) {
            return Ok(Some(call));
        }
    }
    Ok(None)
}

/// What came of a change of a call.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Changed {
    Done,
    /// Nothing changed; says why in French.
    No(String),
}

/// Whether a person coordinates a call.
#[must_use]
pub fn coordinates(person: &Subscriber, call: &PartnerCall) -> bool {
    person.role.may(Permission::Coordinate) && person.structure() == call.coordinator
}

/// Moves the closing of a call, and opens it again where it was closed. Those asked who did not refuse are told.
///
/// # Errors
/// The database fails: nothing changed.
pub async fn prolong(
    service: &Service,
    person: &Subscriber,
    call: &str,
    closes: DateTime<Utc>,
) -> Result<Option<Changed>, StoreError> {
    let now = service.clock.now();
    let Some((mut tx, mut call)) = service.store.begin_partner_call(call, now).await? else { return Ok(None) };
    if !coordinates(person, &call) {
        return Ok(None);
    }
    if call.state == CallState::Cancelled {
        return Ok(Some(Changed::No("Cet appel est abandonné : ouvrez-en un autre.".to_owned())));
    }
    if let Some(fault) = closing_fault(closes, call.tender, now) {
        return Ok(Some(Changed::No(fault)));
    }
    call.closes = closes;
    call.state = CallState::Open;
    // Reminders come anew for the time that is left.
    call.told = if now >= call.half_time() { Turn::HalfTime } else { Turn::Asked };
    tx.put_partner_call(&call).await?;
    let structures = telling::not_refusing(service, &call).await?;
    let remark = format!("L’appel reste ouvert jusqu’au {}.", moment(closes));
    telling::tell(service, &mut tx, &call, Turn::Moved, &structures, &remark).await?;
    tx.commit().await?;
    service.deliveries_queued.notify_one();
    Ok(Some(Changed::Done))
}

/// Asks more structures; gives how many are asked now.
///
/// # Errors
/// The database fails: nobody is asked.
pub async fn ask_more(
    service: &Service,
    person: &Subscriber,
    call: &str,
    structures: &[String],
) -> Result<Option<usize>, StoreError> {
    let now = service.clock.now();
    let mut names = Vec::new();
    for structure in structures {
        if may_be_asked(service, person, structure).await? {
            names.push((name_of(service, structure).await?, structure.clone()));
        }
    }
    let asked_before = service.store.partner_invitations(call).await?.len();
    let Some((mut tx, call)) = service.store.begin_partner_call(call, now).await? else { return Ok(None) };
    if !coordinates(person, &call) || !call.takes_answers(now) {
        return Ok(None);
    }
    let mut new = Vec::new();
    for (name, structure) in names.into_iter().take(MAX_ASKED.saturating_sub(asked_before)) {
        let invitation = Invitation { call: call.id.clone(), name, at: now, shows_decision: false, structure };
        if invitation.structure != call.coordinator && tx.put_partner_invitation(&invitation).await? {
            new.push(invitation.structure);
        }
    }
    telling::tell(service, &mut tx, &call, Turn::Asked, &new, "").await?;
    tx.commit().await?;
    service.deliveries_queued.notify_one();
    Ok(Some(new.len()))
}

/// Gives a call up: those who did not refuse are told.
///
/// # Errors
/// The database fails: nothing changed.
pub async fn give_up(service: &Service, person: &Subscriber, call: &str) -> Result<Option<Changed>, StoreError> {
    let Some((mut tx, mut call)) = service.store.begin_partner_call(call, service.clock.now()).await? else {
        return Ok(None);
    };
    if !coordinates(person, &call) {
        return Ok(None);
    }
    if call.state == CallState::Cancelled {
        return Ok(Some(Changed::No("Cet appel est déjà abandonné.".to_owned())));
    }
    (call.state, call.told) = (CallState::Cancelled, Turn::Cancelled);
    tx.put_partner_call(&call).await?;
    let structures = telling::not_refusing(service, &call).await?;
    telling::tell(service, &mut tx, &call, Turn::Cancelled, &structures, "Le coordinateur y renonce.").await?;
    tx.commit().await?;
    service.deliveries_queued.notify_one();
    Ok(Some(Changed::Done))
}

#[cfg(test)]
mod tests {
    use chrono::Duration;

    use super::*;

    #[test]
    fn a_call_closes_in_time_to_prepare_the_tender() {
        let now = DateTime::UNIX_EPOCH;
        let at = |hours| now + Duration::hours(hours);
        assert!(closing_fault(at(0), None, now).is_some(), "past");
        assert!(closing_fault(at(2), Some(at(2)), now).is_some_and(|f| f.contains("avant la remise des offres")));
        assert_eq!(closing_fault(at(2), Some(at(3)), now), None);
        assert_eq!(closing_fault(at(2), None, now), None);
    }
}

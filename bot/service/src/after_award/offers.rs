//! « Proposer vos services »: a lot was awarded, its holder owes work to people far from it, and a structure near by does just that.
//!
//! Told are structures whose trades, places and supply modes fit the lot, whether or not they were told of the call; once each, and
//! so many a month at most: the others find it on their page. Nobody is told before a lot is truly awarded to somebody named,
//! nor of a lot without a clause. Who bid is asked first whether it won ([`super::results`]) and told once it answered that it
//! did not; who won is told nothing. An answer ends it, or brings one reminder.

use chrono::{DateTime, Duration, Utc};
use vigie_domain::subscription::Role;
use vigie_domain::{
    Access, Alert, AlertKind, Contract, Decision, OfferStage, Refusal, ServiceOffer, Stage, Subscriber,
};
use vigie_notifier::after_award::offer_line;
use vigie_notifier::card::{Why, short};
use vigie_store::contracts::{ContractRow, holders_key};
use vigie_store::ingest::{IngestTx, Share};
use vigie_store::{StoreError, derived_id};

use super::audience::{self, Called};
use crate::ingest::Turn;
use crate::ingest::audience::Audience;
use crate::ingest::hourly_cap::HourlyLoad;
use crate::ingest::plan::Planner;
use crate::ingest::stored::People;
use crate::service::Service;
use vigie_domain::Permission;

/// Most contracts looked at in one go; the others wait for the next.
const AT_ONCE: i64 = 100;
/// A contract awarded longer ago than that is under way with whoever its holder found.
const FRESH: Duration = Duration::days(180);
/// The time over which messages are counted.
const MONTH: Duration = Duration::days(30);

/// Does what is due; gives the number of structures told.
///
/// # Errors
/// The database fails; what was done stands.
pub(super) async fn run(service: &Service, now: DateTime<Utc>) -> Result<usize, StoreError> {
    let mut told = 0;
    for row in service.store.contracts_to_offer(AT_ONCE).await? {
        told += offer(service, &row, now).await?;
    }
    told += after_results(service, now).await?;
    told += remind(service, now).await?;
    Ok(told)
}

/// Whether services are offered for a contract now.
pub(super) fn is_to_offer(c: &Contract, now: DateTime<Utc>) -> bool {
    let today = now.date_naive();
    let known = c.awarded_on.iter().chain(&c.notified_on).map(|s| s.value).max();
    let fresh = known.is_none_or(|day| today - day <= FRESH);
    c.is_held() && c.owes_work() && fresh && c.state_on(today) == vigie_domain::ContractState::Awarded
}

/// What a structure's decisions mean for an offer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Standing {
    /// It bid, and does not know yet, or did not say, whether it won.
    Bidder,
    /// It won.
    Winner,
    /// The trade, the place or the buyer are none of its own.
    NotForIt,
    /// It may serve whoever won.
    Free,
}

/// What was decided about the lot counts before what was decided about the whole.
fn standing(decisions: &[Decision], lot: &str) -> Standing {
    let of = |wanted: &str| decisions.iter().find(|d| d.lot == wanted && d.stage.is_decided());
    let Some(d) = of(lot).or_else(|| of("")) else { return Standing::Free };
    match (d.stage, d.refusal) {
        (Stage::Go | Stage::Preparing | Stage::Submitted, _) => Standing::Bidder,
        (Stage::Won, _) => Standing::Winner,
        (Stage::NoGo, Some(Refusal::Trade | Refusal::Place | Refusal::Buyer)) => Standing::NotForIt,
        _ => Standing::Free,
    }
}

/// Tells those whom one contract suits.
async fn offer(service: &Service, row: &ContractRow, now: DateTime<Utc>) -> Result<usize, StoreError> {
    let c = &row.contract;
    let (mut tx, mut turn) = Turn::begin(service, None).await?;
    let mut told = 0;
    if is_to_offer(c, now)
        && service.settings.after_award.offers_a_month > 0
        && let Some(called) = audience::called(&mut tx, c).await?
    {
        let (audience, hits) = audience::reach(&mut tx, &mut turn, &called).await?;
        let fits = |role, access| role == Role::Structure && access != Access::Closed;
        for (structure, people) in audience::by_structure(&audience, &hits, fits) {
            let delivers = people.iter().filter_map(|id| audience.person(id)).all(delivers_hours);
            if delivers {
                let to = Recipients { structure: &structure, people: &people, audience: &audience };
                told += usize::from(offer_to(service, &mut tx, &to, (c, &called), now).await?);
            }
        }
    }
    drop(turn);
    tx.note_offered(c).await?;
    tx.commit().await?;
    Ok(told)
}

/// Whether hours worked at a person's structure count for a clause; in doubt they do.
fn delivers_hours(person: &Subscriber) -> bool {
    person.profile.kind.is_none_or(|kind| kind.delivers_clause_hours())
}

/// The people of one structure who may be told.
struct Recipients<'a> {
    structure: &'a str,
    people: &'a [String],
    audience: &'a Audience,
}

/// Tells one structure, or notes why not; `true` when its people are told now.
async fn offer_to(
    service: &Service,
    tx: &mut IngestTx,
    to: &Recipients<'_>,
    (c, called): (&Contract, &Called),
    now: DateTime<Utc>,
) -> Result<bool, StoreError> {
    if to.structure.get(..9).is_some_and(|siren| c.is_held_by(siren)) {
        return Ok(false); // it is the holder
    }
    let before = tx.service_offer(to.structure, &c.procedure, &c.lot).await?;
    let holders = holders_key(c);
    match before.as_ref().map(|b| b.stage) {
        Some(OfferStage::Declined | OfferStage::Won | OfferStage::Closed) => return Ok(false),
        Some(OfferStage::Told | OfferStage::Contacted | OfferStage::Held)
            if before.as_ref().is_some_and(|b| b.holders == holders) =>
        {
            return Ok(false);
        }
        _ => {}
    }
    let corrected = before.as_ref().is_some_and(|b| matches!(b.stage, OfferStage::Told | OfferStage::Contacted));
    let decisions = service.store.decisions_on(to.structure, &c.procedure).await?;
    let mut new = ServiceOffer {
        structure: to.structure.to_owned(),
        procedure: c.procedure.clone(),
        lot: c.lot.clone(),
        stage: OfferStage::Told,
        holders,
        by: String::new(),
        at: now,
        told: None,
        reminded: false,
    };
    new.stage = match standing(&decisions, &c.lot) {
        Standing::Winner | Standing::NotForIt => return Ok(false),
        Standing::Bidder => OfferStage::Asked,
        Standing::Free if corrected => OfferStage::Told,
        Standing::Free => {
            let so_far = tx.offers_told_since(to.structure, now - MONTH).await?;
            if so_far < service.settings.after_award.offers_a_month { OfferStage::Told } else { OfferStage::Held }
        }
    };
    new.told = (new.stage == OfferStage::Told).then_some(now);
    tx.put_service_offer(&new).await?;
    if new.stage != OfferStage::Told {
        return Ok(false);
    }
    let remark = corrected.then_some("Le titulaire publié a changé.");
    put_shares(service, tx, to, (c, called), (&new, remark)).await?;
    Ok(true)
}

/// Writes what each person of a structure is told about a contract.
async fn put_shares(
    service: &Service,
    tx: &mut IngestTx,
    to: &Recipients<'_>,
    (c, called): (&Contract, &Called),
    (offer, remark): (&ServiceOffer, Option<&str>),
) -> Result<(), StoreError> {
    let turn = if offer.reminded { "reminder" } else { "first" };
    let alert = Alert {
        id: derived_id(&["offer", &c.procedure, &c.lot, to.structure, &offer.holders, turn]),
        kind: AlertKind::Offer,
        procedure: c.procedure.clone(),
        notice: c.holders.first().map(|h| h.notice.clone()).unwrap_or_default(),
        changes: Vec::new(),
    };
    let planner = Planner::new(service, to.audience, None, tx.now());
    let capped: Vec<(&str, u32)> = to.people.iter().map(|id| (id.as_str(), planner.cap_of(id))).collect();
    let people = People { load: HourlyLoad::read(tx, &capped, false).await?, ..People::default() };
    let line = offer_line(c);
    // The remark ends with its own sign.
    let line = remark.map_or_else(|| line.clone(), |r| format!("{r} {line}"));
    let why = Why { lot: Some(c.lot.clone()), remark: Some(line), ..Why::default() };
    let share = |id: &String| planner.for_itself(id, why.clone(), (&alert, &called.assessment), &people);
    let shares: Vec<Share> = to.people.iter().map(share).collect();
    tx.put_shares(&alert, None, &shares).await
}

/// Those who bid and have answered what came of it: who did not win is told, who won is not.
async fn after_results(service: &Service, now: DateTime<Utc>) -> Result<usize, StoreError> {
    let mut told = 0;
    for asked in service.store.service_offers_with_result(AT_ONCE).await? {
        let decisions = service.store.decisions_on(&asked.structure, &asked.procedure).await?;
        match standing(&decisions, &asked.lot) {
            Standing::Bidder => {}
            Standing::Winner | Standing::NotForIt => close(service, asked, now).await?,
            Standing::Free => told += usize::from(tell_anew(service, asked, None, now).await?),
        }
    }
    Ok(told)
}

/// Brings back, once, what nobody answered, or what was answered « contacté », after so many days.
async fn remind(service: &Service, now: DateTime<Utc>) -> Result<usize, StoreError> {
    let days = service.settings.after_award.offer_reminder_days;
    if days == 0 {
        return Ok(0);
    }
    let mut told = 0;
    for stage in [OfferStage::Told, OfferStage::Contacted] {
        let since = now - Duration::days(days.into());
        for offer in service.store.service_offers_to_remind(stage, since, AT_ONCE).await? {
            let decisions = service.store.decisions_on(&offer.structure, &offer.procedure).await?;
            if matches!(standing(&decisions, &offer.lot), Standing::Winner | Standing::NotForIt) {
                close(service, offer, now).await?;
                continue;
            }
            told += usize::from(tell_anew(service, offer, Some(stage), now).await?);
        }
    }
    Ok(told)
}

/// Tells a structure of an offer that was not told yet, or reminds it; closes one that has lost its ground.
async fn tell_anew(
    service: &Service,
    offer: ServiceOffer,
    reminds: Option<OfferStage>,
    now: DateTime<Utc>,
) -> Result<bool, StoreError> {
    let contract = service.store.contract(&offer.procedure, &offer.lot).await?.map(|row| row.contract);
    let Some(c) = contract.filter(|c| is_to_offer(c, now)) else {
        close(service, offer, now).await?;
        return Ok(false);
    };
    let mut tx = service.store.begin_ingest_at(|| service.clock.now()).await?;
    let Some(called) = audience::called(&mut tx, &c).await? else {
        drop(tx);
        close(service, offer, now).await?;
        return Ok(false);
    };
    let audience = audience_of(service, &mut tx, &offer.structure).await?;
    let people: Vec<String> =
        audience.ids().filter(|id| audience.person(id).is_some_and(|p| p.role.may(Permission::Decide))).collect();
    let mut new = ServiceOffer { holders: holders_key(&c), ..offer };
    let remark = match reminds {
        None => {
            let so_far = tx.offers_told_since(&new.structure, now - MONTH).await?;
            let within = so_far < service.settings.after_award.offers_a_month;
            new.stage = if within { OfferStage::Told } else { OfferStage::Held };
            (new.at, new.told) = (now, within.then_some(now));
            None
        }
        Some(stage) => {
            // It stands as it stood: a reminder answers nothing.
            new.reminded = true;
            Some(if stage == OfferStage::Contacted {
                "Vous avez contacté le titulaire il y a deux semaines : qu’en est-il ?"
            } else {
                "Rappel : avez-vous contacté le titulaire ?"
            })
        }
    };
    tx.put_service_offer(&new).await?;
    let tells = new.stage != OfferStage::Held;
    if tells {
        let to = Recipients { structure: &new.structure, people: &people, audience: &audience };
        put_shares(service, &mut tx, &to, (&c, &called), (&new, remark)).await?;
    }
    tx.commit().await?;
    Ok(tells)
}

async fn close(service: &Service, offer: ServiceOffer, now: DateTime<Utc>) -> Result<(), StoreError> {
    let mut tx = service.store.begin_alert(now).await?;
    tx.put_service_offer(&ServiceOffer { stage: OfferStage::Closed, at: now, ..offer }).await?;
    tx.commit().await
}

/// Everyone who speaks for a structure.
pub(crate) async fn audience_of(service: &Service, tx: &mut IngestTx, structure: &str) -> Result<Audience, StoreError> {
    let members = service.store.members(structure).await?;
    let ids: Vec<&str> = members.iter().map(String::as_str).collect();
    let mut audience = Audience::default();
    tx.people_by_id(&ids).await?.into_iter().for_each(|person| audience.add(std::sync::Arc::new(person)));
    Ok(audience)
}

/// What came of an answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Answered {
    /// It stands; what stood before.
    Noted { before: Box<ServiceOffer>, now: Box<ServiceOffer> },
    /// People of this role read without deciding.
    ReadsOnly,
    /// Nothing was offered there.
    Unknown,
}

/// A structure answers: it contacted the holder, nothing comes of it, or it serves the holder.
///
/// # Errors
/// The database fails: nothing is noted.
pub async fn answer(
    service: &Service,
    person: &Subscriber,
    (procedure, lot): (&str, &str),
    stage: OfferStage,
    by: &str,
) -> Result<Answered, StoreError> {
    if !person.role.may(Permission::Decide) {
        return Ok(Answered::ReadsOnly);
    }
    if !OfferStage::ANSWERS.contains(&stage) {
        return Ok(Answered::Unknown);
    }
    let now = service.clock.now();
    let of = (person.structure(), procedure, lot);
    let noted = service.store.answer_service_offer(of, stage, by, now).await?;
    Ok(noted
        .map_or(Answered::Unknown, |(before, now)| Answered::Noted { before: Box::new(before), now: Box::new(now) }))
}

/// What is said to whoever answered.
#[must_use]
pub fn answered_in_french(answered: &Answered) -> String {
    match answered {
        Answered::Noted { before, now } => {
            let said = match now.stage {
                OfferStage::Contacted if now.reminded => "Noté : titulaire contacté.",
                OfferStage::Contacted => "Noté : titulaire contacté. Un rappel viendra dans deux semaines.",
                OfferStage::Won => "Noté : gagné, bravo. Rien ne vous sera plus rappelé pour ce contrat.",
                _ => "Noté : refusé. Rien ne vous sera plus proposé pour ce contrat.",
            };
            // A colleague's answer is not changed unawares.
            let others =
                OfferStage::ANSWERS.contains(&before.stage) && before.stage != now.stage && before.by != now.by;
            match others {
                true => format!("{} avait noté : {}. {said}", short(&before.by, 60), before.stage.in_french()),
                false => said.to_owned(),
            }
        }
        Answered::ReadsOnly => crate::answers::outcome_line::READS_ONLY.to_owned(),
        Answered::Unknown => "Ce contrat n’est plus connu, ou rien ne vous y a été proposé.".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn decided(lot: &str, stage: Stage, refusal: Option<Refusal>) -> Decision {
        Decision { lot: lot.into(), refusal, ..Decision::new("s", "p", stage, "Ana", DateTime::UNIX_EPOCH) }
    }

    #[test]
    fn who_bid_is_asked_first_and_what_was_said_of_the_lot_counts_before_the_whole() {
        let free = decided("1", Stage::Lost, None);
        for (decisions, expected) in [
            (vec![], Standing::Free),
            (vec![decided("", Stage::Preparing, None)], Standing::Bidder),
            (vec![decided("", Stage::Preparing, None), free.clone()], Standing::Free),
            (vec![decided("", Stage::NoGo, Some(Refusal::Trade)), decided("1", Stage::Won, None)], Standing::Winner),
            (vec![decided("", Stage::NoGo, Some(Refusal::Place))], Standing::NotForIt),
            (vec![decided("", Stage::NoGo, Some(Refusal::Size))], Standing::Free),
            (vec![decided("2", Stage::Submitted, None)], Standing::Free),
            (vec![decided("", Stage::Read, None)], Standing::Free),
        ] {
            assert_eq!(standing(&decisions, "1"), expected, "{decisions:?}");
        }
    }
}

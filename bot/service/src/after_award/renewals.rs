//! Contracts that end: what they buy is bought again, and the time to be ready, or to write a clause, is before the call. One quiet
//! line of a digest, so many months before the latest end ([`vigie_config::settings::AfterAward`]).
//!
//! Told are structures that the lot suits, those who hold it, those who follow its buyer or holder, and facilitators of the territory.
//! A call of the same buyer for the same object takes the line away, a termination too; a modification moves it. The same end is
//! told once for each number of months, and nothing is told to a structure that said no.

use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, Duration, Months, NaiveDate, Utc};
use vigie_domain::subscription::Role;
use vigie_domain::{
    Access, Alert, AlertKind, Cadence, Contract, ContractState, Disposition, OfferStage, Refusal, Stage, object,
};
use vigie_notifier::after_award::renewal_line;
use vigie_notifier::card::Why;
use vigie_notifier::due::next_digest;
use vigie_notifier::rhythm;
use vigie_store::ingest::{IngestTx, NewNotification, Share};
use vigie_store::journal::NoticeRow;
use vigie_store::renewals::RenewalTold;
use vigie_store::{StoreError, accounts, derived_id};
use vigie_watcher::zones;

use super::audience;
use super::offers::audience_of;
use crate::ingest::Turn;
use crate::ingest::audience::Audience;
use crate::service::Service;

/// How often it is looked.
const LOOK_EVERY: Duration = Duration::hours(6);
/// How long after its day a line is still told: one that came over a month's number waits for the next.
const LATE: Months = Months::new(1);
/// An end that moved by less is the same.
const MOVED: Duration = Duration::days(60);
/// The time over which lines are counted.
const MONTH: Duration = Duration::days(30);
/// A call published sooner after the contract is not the one that takes its place.
const RETENDER_AFTER: Duration = Duration::days(60);

/// Most ends of one structure that are looked at.
const LISTED: i64 = 100;

/// Who hears of a contract's end, and by which title.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Title {
    /// It holds the contract.
    Holder,
    /// It follows the buyer or a holder.
    Follower,
    /// The lot suits it.
    Suited,
}

/// Makes the lines that are due; gives their number.
///
/// # Errors
/// The database fails; what was told stands.
pub(super) async fn run(service: &Service, now: DateTime<Utc>) -> Result<usize, StoreError> {
    let settings = &service.settings.after_award;
    let due: BTreeSet<u32> =
        settings.renewal_months.iter().chain(&settings.facilitator_renewal_months).copied().collect();
    if due.is_empty() || !service.store.take_chore("renewals", LOOK_EVERY, now).await? {
        return Ok(0);
    }
    let today = zones::paris_day(now);
    let mut lines: BTreeMap<String, u32> = service
        .store
        .renewal_lines_since(now - MONTH)
        .await?
        .into_iter()
        .map(|(structure, n)| (structure, u32::try_from(n).unwrap_or(u32::MAX)))
        .collect();
    let mut made = 0;
    for ahead in due {
        let Some((from, to)) = window(today, ahead) else { continue };
        for row in service.store.contracts_ending(from, to).await? {
            made += tell(service, &row.contract, ahead, &mut lines, now).await?;
        }
    }
    Ok(made)
}

/// Ends of which it is time to tell, so many months ahead: from a month late to today.
fn window(today: NaiveDate, ahead: u32) -> Option<(NaiveDate, NaiveDate)> {
    let on_time = today.checked_add_months(Months::new(ahead))?;
    Some((on_time.checked_sub_months(LATE)?.succ_opt()?, on_time.succ_opt()?))
}

/// The end of a contract that is under way and that no new call takes the place of.
///
/// # Errors
/// The database fails.
pub async fn stands(service: &Service, c: &Contract, now: DateTime<Utc>) -> Result<Option<NaiveDate>, StoreError> {
    let Some(end) = under_way_until(c, now) else { return Ok(None) };
    Ok(if retendered(service, c).await?.is_some() { None } else { Some(end) })
}

/// The latest end of a contract that is under way.
fn under_way_until(c: &Contract, now: DateTime<Utc>) -> Option<NaiveDate> {
    c.ends.filter(|_| c.state_on(zones::paris_day(now)) == ContractState::Awarded).map(|end| end.on)
}

/// The procedure by which the buyer buys the same again, if it was published.
///
/// # Errors
/// The database fails.
pub async fn retendered(service: &Service, c: &Contract) -> Result<Option<String>, StoreError> {
    let began = c.notified_on.as_ref().or(c.decided_on.as_ref()).or(c.awarded_on.as_ref());
    let Some(began) = began.map(|s| s.value) else { return Ok(None) };
    let since = began.and_hms_opt(0, 0, 0).unwrap_or_default().and_utc() + RETENDER_AFTER;
    let bought = service.store.bought_since(c.buyer.siren(), &c.buyer.name, since).await?;
    if bought.iter().all(|call| call.procedure == c.procedure) {
        return Ok(None);
    }
    let whole = service.store.notices_of(&c.procedure).await?.into_iter().next().map(|n| n.assessment.title);
    let titles = [Some(c.title.clone()), whole];
    let same = |title: &str| titles.iter().flatten().any(|t| object::alike((t, &[]), (title, &[])));
    for call in bought {
        if call.procedure == c.procedure || !same(&call.title) {
            continue;
        }
        // A contract of which no call is known may be this very one, told by another source.
        let notices = service.store.notices_of(&call.procedure).await?;
        if notices.iter().any(|n| n.assessment.notice_kind.opens_a_purchase() && is_by(c, n)) {
            return Ok(Some(call.procedure));
        }
    }
    Ok(None)
}

/// Whether a notice of a like object is of the buyer of a contract. « Mairie » buys everywhere: where a name is all that they have in
/// common, so is a département, unless one of them gives none.
fn is_by(c: &Contract, n: &NoticeRow) -> bool {
    let numbers = (c.buyer.siren(), n.notice.buyer.siren());
    let departments = &n.assessment.departments;
    let apart =
        !c.departments.is_empty() && !departments.is_empty() && !c.departments.iter().any(|d| departments.contains(d));
    matches!(numbers, (Some(a), Some(b)) if a == b) || !apart
}

/// Ends of contracts that a structure was told of and that still stand, each with when it was told, latest told first.
///
/// # Errors
/// The database fails.
pub async fn ends_of(
    service: &Service,
    structure: &str,
    now: DateTime<Utc>,
) -> Result<Vec<(Contract, DateTime<Utc>)>, StoreError> {
    let mut out: Vec<(Contract, DateTime<Utc>)> = Vec::new();
    for told in service.store.renewals_of(structure, LISTED).await? {
        let known = out.iter().any(|(c, _)| c.procedure == told.procedure && c.lot == told.lot);
        if !known
            && let Some(found) = service.store.contract(&told.procedure, &told.lot).await?
            && stands(service, &found.contract, now).await?.is_some()
        {
            out.push((found.contract, told.at));
        }
    }
    Ok(out)
}

/// Tells of one end; gives the number of structures told.
///
/// An end is looked at for a month, four times a day, and nearly always everybody was told before: what costs (a turn of ingest,
/// the notices of the contract and of its buyer's later calls) is done only where somebody may be left.
async fn tell(
    service: &Service,
    c: &Contract,
    ahead: u32,
    lines: &mut BTreeMap<String, u32>,
    now: DateTime<Utc>,
) -> Result<usize, StoreError> {
    let settings = &service.settings.after_award;
    let structures = settings.renewal_months.contains(&ahead);
    let facilitators = settings.facilitator_renewal_months.contains(&ahead);
    // Only what a lot says of work for people far from it makes its end everybody's business.
    let social = !c.provisions.is_empty();
    let close = if structures { close_to(service, c).await? } else { BTreeMap::new() };
    if close.is_empty() && !social {
        return Ok(0);
    }
    let Some(end) = under_way_until(c, now) else { return Ok(0) };
    let told = service.store.renewals_told(&c.procedure, &c.lot).await?;
    let known = |structure: &str| {
        told.iter().any(|t| t.structure == structure && t.ahead == ahead && (end - t.ends).abs() < MOVED)
    };
    if !social && close.keys().all(|structure| known(structure)) {
        return Ok(0);
    }
    let (mut tx, mut turn) = Turn::begin(service, None).await?;
    let Some(called) = audience::called(&mut tx, c).await? else { return Ok(0) };
    let mut audience = Audience::default();
    let mut people: BTreeMap<String, (Title, Vec<String>)> = BTreeMap::new();
    if social {
        let fits = |role, access| match role {
            Role::Structure | Role::Network => structures && access == Access::Bid,
            Role::Facilitator => facilitators,
            Role::Subscriber | Role::Operator => false,
        };
        let (whom, hits) = audience::reach(&mut tx, &mut turn, &called).await?;
        for (structure, ids) in audience::by_structure(&whom, &hits, fits) {
            people.insert(structure, (Title::Suited, ids));
        }
        audience.extend(whom);
    }
    drop(turn);
    for (structure, title) in close {
        let own = audience_of(service, &mut tx, &structure).await?;
        let ids: Vec<String> = own.ids().collect();
        if !ids.is_empty() {
            audience.extend(own);
            people.insert(structure, (title, ids));
        }
    }
    people.retain(|structure, (title, ids)| {
        let capped = ids.iter().all(|id| audience.person(id).is_some_and(|p| p.role == Role::Structure));
        let so_far = lines.get(structure).copied().unwrap_or_default();
        let waits = capped && *title != Title::Holder && so_far >= settings.renewals_a_month;
        !known(structure) && !waits
    });
    if people.is_empty() || retendered(service, c).await?.is_some() {
        return Ok(0);
    }
    let mut made = 0;
    let mut shares: Vec<Share> = Vec::new();
    let why = Why { lot: Some(c.lot.clone()), remark: Some(renewal_line(c)), ..Why::default() };
    for (structure, (_, ids)) in people {
        if said_no(service, &structure, c).await? {
            continue;
        }
        let mine: Vec<Share> =
            waiting(service, &mut tx, &audience, &ids, &why, now).await?.into_iter().map(|n| (n, Vec::new())).collect();
        if mine.is_empty() {
            continue;
        }
        shares.extend(mine);
        *lines.entry(structure.clone()).or_default() += 1;
        made += 1;
        let line =
            RenewalTold { structure, procedure: c.procedure.clone(), lot: c.lot.clone(), ahead, ends: end, at: now };
        tx.put_renewal(&line).await?;
    }
    if shares.is_empty() {
        return Ok(0);
    }
    let alert = Alert {
        id: derived_id(&["renewal", &c.procedure, &c.lot, &ahead.to_string(), &end.to_string()]),
        kind: AlertKind::Renewal,
        procedure: c.procedure.clone(),
        notice: called.notice.key(),
        changes: Vec::new(),
    };
    tx.put_shares(&alert, None, &shares).await?;
    tx.commit().await?;
    Ok(made)
}

/// Structures that hold a contract, or follow a party of it.
async fn close_to(service: &Service, c: &Contract) -> Result<BTreeMap<String, Title>, StoreError> {
    let mut keys = accounts::keys(c.buyer.siren(), &c.buyer.name);
    c.holders.iter().for_each(|h| keys.extend(accounts::keys(h.company.siren(), &h.company.name)));
    let mut out: BTreeMap<String, Title> = BTreeMap::new();
    for structure in service.store.structures_following(&keys).await? {
        out.insert(structure, Title::Follower);
    }
    for holder in c.holders.iter().filter_map(|h| h.company.id.as_deref()) {
        if !service.store.members(holder).await?.is_empty() {
            out.insert(holder.to_owned(), Title::Holder);
        }
    }
    Ok(out)
}

/// Whether a structure said that this is nothing for it: of the call, or of serving the holder.
async fn said_no(service: &Service, structure: &str, c: &Contract) -> Result<bool, StoreError> {
    let offer = service.store.service_offer_of(structure, &c.procedure, &c.lot).await?;
    if offer.is_some_and(|o| o.stage == OfferStage::Declined) {
        return Ok(true);
    }
    let decisions = service.store.decisions_on(structure, &c.procedure).await?;
    let never = |d: &&vigie_domain::Decision| {
        d.stage == Stage::NoGo && matches!(d.refusal, Some(Refusal::Trade | Refusal::Place | Refusal::Buyer))
    };
    Ok(decisions.iter().filter(never).any(|d| d.lot.is_empty() || d.lot == c.lot))
}

/// A line in each person's next digest: the one that waits for them anyway, or one of its own at their hour.
async fn waiting(
    service: &Service,
    tx: &mut IngestTx,
    audience: &Audience,
    people: &[String],
    why: &Why,
    now: DateTime<Utc>,
) -> Result<Vec<NewNotification>, StoreError> {
    let mut out = Vec::new();
    for id in people {
        let Some(person) = audience.person(id) else { continue };
        let zone = zones::zone(person.profile.departments.first());
        let times = rhythm::own_times(&audience.rhythm(id), service.digest_times_in(zone));
        let due = match tx.next_digest_of(id).await? {
            Some(due) => Some(due),
            None => next_digest(Cadence::Daily, times, now),
        };
        let Some(due) = due else { continue };
        out.push(NewNotification {
            subscriber: id.clone(),
            subscription: None,
            disposition: Disposition::Digest,
            reasons: serde_json::to_string(why).unwrap_or_default(),
            due: Some(due),
        });
    }
    Ok(out)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_end_has_one_month_in_which_it_is_told_for_each_number_of_months() {
        let day = |text: &str| text.parse::<NaiveDate>().unwrap();
        let end = day("2028-02-29");
        let mut told = 0;
        let mut today = day("2026-01-01");
        while today < day("2028-03-01") {
            let (from, to) = window(today, 12).unwrap();
            if from <= end && end < to {
                told += 1;
                assert!((day("2027-02-27")..=day("2027-04-01")).contains(&today), "{today}");
            }
            today = today.succ_opt().unwrap();
        }
        assert!((28..=34).contains(&told), "{told}");
    }
}

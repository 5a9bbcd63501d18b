//! « Résultat ? »: who went for a procedure, or a lot of it, is asked what came of it: once some weeks after the closing while no
//! award is known, and once when it is awarded or given up. Any answer closes the follow-up.

use chrono::{DateTime, Duration, Utc};
use vigie_domain::procedure::{Snapshot, Status};
use vigie_domain::{Alert, AlertKind, DateKind, Decision, Stage, french};
use vigie_notifier::card::{Why, short};
use vigie_store::contracts::ContractRow;
use vigie_store::ingest::Share;
use vigie_store::{StoreError, derived_id};
use vigie_watcher::zones;

use super::messages::main_of;
use super::offers::audience_of;
use crate::ingest::hourly_cap::HourlyLoad;
use crate::ingest::plan::Planner;
use crate::ingest::stored::People;
use crate::service::Service;
use vigie_domain::Permission;

/// The award itself is told at once, with the buttons to answer; the question follows where nobody pressed one.
const AFTER_AWARD: Duration = Duration::days(1);
/// How long after its moment a question still makes sense.
const ASK_WITHIN: Duration = Duration::days(90);
/// How often it is looked.
const LOOK_EVERY: Duration = Duration::minutes(50);

/// Why a structure is asked.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Occasion {
    /// It closed then, and no award is known.
    Closed(DateTime<Utc>),
    /// It ended: awarded to these (empty = unknown), or given up.
    Ended(String),
}

impl Occasion {
    fn key(&self) -> &'static str {
        match self {
            Self::Closed(_) => "closing",
            Self::Ended(_) => "award",
        }
    }

    fn in_french(&self) -> String {
        match self {
            Self::Closed(at) => format!("Clos depuis le {}", french::date(zones::paris_day(*at))),
            Self::Ended(how) => how.clone(),
        }
    }
}

/// Asks those who are to be asked; gives their number.
///
/// # Errors
/// The database fails; what was asked stands.
pub(super) async fn run(service: &Service, now: DateTime<Utc>) -> Result<usize, StoreError> {
    if !service.store.take_chore("results", LOOK_EVERY, now).await? {
        return Ok(0);
    }
    let mut asked = 0;
    for decision in service.store.decisions_at(&Stage::WENT_FOR_IT).await? {
        let Some(state) = service.store.state_of(&decision.procedure).await? else { continue };
        let contracts = service.store.contracts_of(&decision.procedure).await?;
        let days = service.settings.after_award.result_days;
        let Some(occasion) = occasion(&decision, &state, &contracts, days, now) else { continue };
        asked += usize::from(ask(service, &decision, &occasion, now).await?);
    }
    Ok(asked)
}

/// Why a structure is to be asked now, if it is.
fn occasion(
    decision: &Decision,
    state: &Snapshot,
    contracts: &[ContractRow],
    days: u32,
    now: DateTime<Utc>,
) -> Option<Occasion> {
    let due = |at: DateTime<Utc>| at <= now && now - at <= ASK_WITHIN;
    match state.status_of(&decision.lot) {
        Status::Open | Status::Intended => {
            let closing =
                |kind| state.dates.iter().filter(move |(k, _)| *k == kind).map(|(_, at)| at.with_timezone(&Utc)).max();
            let closed = closing(DateKind::Tender).or_else(|| closing(DateKind::Participation))?;
            let waited = days > 0 && due(closed + Duration::days(days.into()));
            waited.then_some(Occasion::Closed(closed))
        }
        ended => {
            let of_it = |c: &&ContractRow| {
                decision.lot.is_empty() || c.contract.lot == decision.lot || c.contract.lot.is_empty()
            };
            let known: Vec<&ContractRow> = contracts.iter().filter(of_it).collect();
            let at = known.iter().map(|c| c.created).max()?;
            let holders = known.iter().map(|c| c.contract.holders_in_french()).find(|h| !h.is_empty());
            let how = match (ended, holders) {
                (Status::Awarded, Some(who)) => format!("Attribué à {}", short(&who, 160)),
                (Status::Awarded, None) => "Attribué".to_owned(),
                _ => "Annulé, sans suite ou infructueux".to_owned(),
            };
            due(at + AFTER_AWARD).then_some(Occasion::Ended(how))
        }
    }
}

/// Asks everyone of a structure who decides; `false` when they were asked before.
async fn ask(
    service: &Service,
    decision: &Decision,
    occasion: &Occasion,
    now: DateTime<Utc>,
) -> Result<bool, StoreError> {
    let id = derived_id(&["result", &decision.structure, &decision.procedure, &decision.lot, occasion.key()]);
    // For three months they were asked already, nearly always.
    for person in service.store.members(&decision.structure).await? {
        if service.store.has_share(&id, &person).await? {
            return Ok(false);
        }
    }
    let notices = service.store.notices_of(&decision.procedure).await?;
    let Some(row) = main_of(&notices) else { return Ok(false) };
    let mut tx = service.store.begin_ingest_at(|| service.clock.now()).await?;
    let audience = audience_of(service, &mut tx, &decision.structure).await?;
    let people: Vec<String> =
        audience.ids().filter(|id| audience.person(id).is_some_and(|p| p.role.may(Permission::Decide))).collect();
    if people.is_empty() {
        return Ok(false);
    }
    let alert = Alert {
        id,
        kind: AlertKind::AskResult,
        procedure: decision.procedure.clone(),
        notice: row.id.clone(),
        changes: Vec::new(),
    };
    let planner = Planner::new(service, &audience, None, now);
    let capped: Vec<(&str, u32)> = people.iter().map(|id| (id.as_str(), planner.cap_of(id))).collect();
    let stored = People { load: HourlyLoad::read(&mut tx, &capped, false).await?, ..People::default() };
    let why = Why { lot: Some(decision.lot.clone()), remark: Some(occasion.in_french()), ..Why::default() };
    // What is over presses nobody: its dates make no message expire.
    let mut assessment = row.assessment.clone();
    assessment.dates.clear();
    let share = |id: &String| planner.for_itself(id, why.clone(), (&alert, &assessment), &stored);
    let shares: Vec<Share> = people.iter().map(share).collect();
    tx.put_shares(&alert, None, &shares).await?;
    tx.commit().await?;
    Ok(true)
}

#[cfg(test)]
mod tests {
    use vigie_domain::snapshot::EndedLot;
    use vigie_domain::{Company, Contract, contract::Holder};

    use super::*;

    fn at(text: &str) -> DateTime<Utc> {
        text.parse().unwrap()
    }

    fn went(lot: &str) -> Decision {
        Decision { lot: lot.into(), ..Decision::new("s", "p", Stage::Preparing, "Ana", at("2026-12-01T09:00:00Z")) }
    }

    fn awarded(lot: &str) -> ContractRow {
        let holder = Holder { company: Company::named("Martin SARL"), notice: "boamp:26-9".into() };
        let contract = Contract { lot: lot.into(), holders: vec![holder], ..Contract::default() };
        ContractRow { contract, created: at("2027-02-01T08:00:00Z"), offered: None }
    }

    #[test]
    fn they_are_asked_some_weeks_after_the_closing_and_a_day_after_the_award_of_their_lot() {
        let closes = at("2027-01-12T11:00:00Z").fixed_offset();
        let open = Snapshot {
            dates: vec![(DateKind::Tender, closes)],
            lots: vec!["1".into(), "2".into()],
            ..Snapshot::default()
        };
        let one_ended = Snapshot {
            ended: vec![EndedLot { lot: "2".into(), status: Status::Awarded, reason: None }],
            ..open.clone()
        };
        let ask = |d: &Decision, state: &Snapshot, contracts: &[ContractRow], now: &str| {
            occasion(d, state, contracts, 30, at(now)).map(|o| o.in_french())
        };
        assert_eq!(ask(&went(""), &open, &[], "2027-02-10T08:00:00Z"), None, "too soon");
        let closed = Some("Clos depuis le 12 janvier 2027".to_owned());
        assert_eq!(ask(&went(""), &open, &[], "2027-02-12T08:00:00Z"), closed);
        assert_eq!(ask(&went(""), &open, &[], "2027-07-12T08:00:00Z"), None, "forgotten");
        let contracts = [awarded("2")];
        assert_eq!(
            ask(&went("2"), &one_ended, &contracts, "2027-02-01T20:00:00Z"),
            None,
            "the award itself is told first"
        );
        let told = Some("Attribué à Martin SARL".to_owned());
        assert_eq!(ask(&went("2"), &one_ended, &contracts, "2027-02-02T09:00:00Z"), told);
        assert_eq!(ask(&went("1"), &one_ended, &contracts, "2027-02-02T09:00:00Z"), None, "the other lot goes on");
        assert_eq!(ask(&went(""), &one_ended, &contracts, "2027-02-02T09:00:00Z"), None, "and so does the whole");
    }
}

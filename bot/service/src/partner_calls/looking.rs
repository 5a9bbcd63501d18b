//! What a coordinator, and what a participant, may see of a call.
//!
//! Every look of a coordinator at what others answered is in the log of accesses, under each person of each structure whose answer was
//! shown: they find it among their data.

use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, Utc};
use vigie_domain::partner_call::{
    CallState, LotLineUp, PartnerCall, PartnerRole, Position, companions, line_up, uncovered,
};
use vigie_domain::{
    Assessment, DateKind, FactKind, Permission, Provision, ProvisionKind, Subscriber, TypedDate, french,
};
use vigie_notifier::card;
use vigie_store::StoreError;
use vigie_store::partner_calls::{Invitation, positions_mark};

use super::answering::in_french;
use super::opening::coordinates;
use crate::service::Service;

/// What is known of the procedure of a call.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct About {
    pub title: String,
    pub buyer: String,
    /// Titles of its lots, by identifier.
    pub lots: BTreeMap<String, String>,
    /// What whoever joins must know before: visits to come, what is reserved, hours of insertion, a line each.
    pub terms: Vec<String>,
}

/// Most visits, and most provisions, that are told of a procedure.
const MAX_TERMS: usize = 6;

/// What is to be known of a procedure before one joins a bid for it. Pure.
fn terms(a: &Assessment, now: DateTime<Utc>) -> Vec<String> {
    let mut visits: Vec<&TypedDate> = a.dates.iter().filter(|d| d.kind == DateKind::Visit && d.at > now).collect();
    visits.sort_by_key(|d| d.at);
    let mut out: Vec<String> = visits
        .into_iter()
        .map(|d| {
            let what = if d.mandatory { "Visite obligatoire" } else { "Visite" };
            let lot = d.lot.as_ref().map(|lot| format!(" (lot {lot})")).unwrap_or_default();
            let irregular = if d.mandatory { " : une offre sans elle est irrégulière" } else { "" };
            format!("{what}{lot} le {}{irregular}", french::moment(d))
        })
        .collect();
    let dated = a.dates.iter().any(|d| d.kind == DateKind::Visit);
    if !dated && a.facts.iter().any(|f| f.kind == FactKind::Visit) {
        out.push("Visite obligatoire, sans date dans l’avis".to_owned());
    }
    out.dedup();
    out.truncate(MAX_TERMS);
    let bind = |p: &&Provision| {
        matches!(p.kind, ProvisionKind::Reserved | ProvisionKind::ExecutionClause | ProvisionKind::InsertionService)
    };
    let mut provisions: Vec<String> = a
        .provisions
        .iter()
        .filter(bind)
        .map(|p| card::provision(p, a.lots.len()))
        .map(|line| if line.text.is_empty() { line.label } else { format!("{} : {}", line.label, line.text) })
        .collect();
    provisions.dedup();
    provisions.truncate(MAX_TERMS);
    out.extend(provisions);
    out
}

/// What the procedure of a call is.
///
/// # Errors
/// The database fails.
pub async fn about(service: &Service, procedure: &str) -> Result<About, StoreError> {
    let notices = service.store.notices_of(procedure).await?;
    let Some(row) = crate::after_award::messages::main_of(&notices).or(notices.last()) else {
        return Ok(About { title: "Marché qui n’est plus connu".to_owned(), ..About::default() });
    };
    let lots = notices.iter().flat_map(|n| &n.assessment.lots).map(|l| (l.id.clone(), l.title.clone())).collect();
    let buyer = row.assessment.buyer.clone().unwrap_or_else(|| row.notice.buyer.name.clone());
    let terms = terms(&row.assessment, service.clock.now());
    Ok(About { title: row.assessment.title.clone(), buyer, lots, terms })
}

/// A call as its coordinator sees it.
#[derive(Debug, Clone)]
pub struct Coordinated {
    pub call: PartnerCall,
    pub about: About,
    /// Those asked, by name.
    pub asked: Vec<Invitation>,
    pub positions: Vec<Position>,
    pub line_up: Vec<LotLineUp>,
    /// Where those stand with the procedure who let it be seen, by structure.
    pub decisions: BTreeMap<String, String>,
    /// What each answered to the call before this one, by structure.
    pub before: BTreeMap<String, String>,
}

impl Coordinated {
    /// How a structure is called.
    #[must_use]
    pub fn name_of(&self, structure: &str) -> &str {
        self.asked.iter().find(|i| i.structure == structure).map_or("Structure qui n’est plus là", |i| &i.name)
    }

    /// The lots on which nobody bids.
    #[must_use]
    pub fn uncovered(&self) -> Vec<&str> {
        uncovered(&self.line_up)
    }

    /// Those who answered something, and those who answered nothing.
    #[must_use]
    pub fn answered_and_silent(&self) -> (Vec<Invitation>, Vec<Invitation>) {
        super::telling::split(&self.call, self.asked.clone(), &self.positions)
    }
}

/// A call as its coordinator sees it; `None` for anybody else. The look is logged.
///
/// # Errors
/// The database fails: nothing is shown.
pub async fn coordinated(
    service: &Service,
    person: &Subscriber,
    call: &str,
) -> Result<Option<Coordinated>, StoreError> {
    let Some(call) = service.store.partner_call(call).await?.filter(|c| coordinates(person, c)) else {
        return Ok(None);
    };
    let asked = service.store.partner_invitations(&call.id).await?;
    let mut positions = service.store.positions_on(&call.id).await?;
    positions.retain(|p| asked.iter().any(|i| i.structure == p.structure));
    let mut decisions = BTreeMap::new();
    for invitation in &asked {
        if !invitation.shows_decision {
            continue;
        }
        let standing = service.store.decisions_on(&invitation.structure, &call.procedure).await?;
        let said: BTreeSet<&str> =
            standing.iter().filter(|d| d.stage.is_decided()).map(|d| d.stage.in_french()).collect();
        if !said.is_empty() {
            let said: Vec<&str> = said.into_iter().collect();
            decisions.insert(invitation.structure.clone(), said.join(", "));
        }
    }
    let before = answered_before(service, &call, &asked).await?;
    let shown: BTreeSet<String> =
        positions.iter().map(|p| p.structure.clone()).chain(decisions.keys().cloned()).collect();
    log_look(service, person, &call, shown).await?;
    let about = about(service, &call.procedure).await?;
    let line_up = line_up(&call.live_lots(), &positions);
    Ok(Some(Coordinated { about, asked, positions, line_up, decisions, before, call }))
}

/// What those asked now answered to the call before: each its own coordinator's.
async fn answered_before(
    service: &Service,
    call: &PartnerCall,
    asked: &[Invitation],
) -> Result<BTreeMap<String, String>, StoreError> {
    let mut out = BTreeMap::new();
    let Some(earlier) = service.store.partner_call(&call.follows).await?.filter(|e| e.coordinator == call.coordinator)
    else {
        return Ok(out);
    };
    let positions = service.store.positions_on(&earlier.id).await?;
    for structure in asked.iter().map(|i| &i.structure) {
        let mine: Vec<Position> = positions.iter().filter(|p| p.structure == *structure).cloned().collect();
        if !mine.is_empty() {
            out.insert(structure.clone(), in_french(&mine));
        }
    }
    Ok(out)
}

/// Logs that a person saw what these structures answered.
pub(super) async fn log_look(
    service: &Service,
    person: &Subscriber,
    call: &PartnerCall,
    structures: BTreeSet<String>,
) -> Result<(), StoreError> {
    let mut people = Vec::new();
    for structure in &structures {
        if structure != person.structure() {
            people.extend(service.store.members(structure).await?);
        }
    }
    people.retain(|id| *id != person.id);
    let what = format!("réponse à l’appel à partenaires {}", call.id);
    service.store.saw_all(&person.id, &people, &what, service.clock.now()).await
}

/// A call as one of those asked sees it.
#[derive(Debug, Clone)]
pub struct Asked {
    pub call: PartnerCall,
    pub about: About,
    /// What their structure answered.
    pub mine: Vec<Position>,
    /// What that leads back to: see [`positions_mark`].
    pub mark: String,
    /// The coordinator may see where they stand with the procedure.
    pub shows_decision: bool,
    /// Lots that nobody covers.
    pub uncovered: Vec<String>,
    /// What they answered to the call before this one.
    pub before: Option<String>,
    /// Once it is closed: with whom they stand, by lot; names and roles.
    pub companions: Vec<(String, Vec<(String, PartnerRole)>)>,
}

/// What one of those asked sees of everybody's answers: their own, the lots that nobody covers, and once the call is closed, lot by
/// lot, the structures and roles of those who stand on it with them.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Seen {
    mine: Vec<Position>,
    uncovered: Vec<String>,
    with: Vec<(String, Vec<(String, PartnerRole)>)>,
}

/// What a structure sees of everybody's answers. Pure.
fn seen_by(structure: &str, call: &PartnerCall, positions: &[Position]) -> Seen {
    let lots = line_up(&call.live_lots(), positions);
    let mut with = Vec::new();
    if call.state == CallState::Closed {
        for lot in &lots {
            let others: Vec<(String, PartnerRole)> =
                companions(lot, structure).into_iter().map(|(key, role)| (key.to_owned(), role)).collect();
            if !others.is_empty() {
                with.push((lot.lot.clone(), others));
            }
        }
    }
    Seen {
        mine: positions.iter().filter(|p| p.structure == structure).cloned().collect(),
        uncovered: uncovered(&lots).into_iter().map(str::to_owned).collect(),
        with,
    }
}

/// A call as one of those asked sees it; `None` for anybody else.
///
/// # Errors
/// The database fails.
pub async fn asked(service: &Service, person: &Subscriber, call: &str) -> Result<Option<Asked>, StoreError> {
    if !person.role.may(Permission::Decide) {
        return Ok(None);
    }
    let structure = person.structure();
    let Some(call) = service.store.partner_call(call).await? else { return Ok(None) };
    let invitations = service.store.partner_invitations(&call.id).await?;
    let Some(own) = invitations.iter().find(|i| i.structure == structure) else { return Ok(None) };
    let positions = service.store.positions_on(&call.id).await?;
    let seen = seen_by(structure, &call, &positions);
    let named = |key: &str| {
        invitations.iter().find(|i| i.structure == key).map_or_else(|| "Un partenaire".to_owned(), |i| i.name.clone())
    };
    let with = seen
        .with
        .into_iter()
        .map(|(lot, others)| (lot, others.into_iter().map(|(key, role)| (named(&key), role)).collect::<Vec<_>>()));
    let companions = with.collect();
    let before = answered_before(service, &call, std::slice::from_ref(own)).await?.remove(structure);
    Ok(Some(Asked {
        about: about(service, &call.procedure).await?,
        mark: positions_mark(&seen.mine),
        mine: seen.mine,
        shows_decision: own.shows_decision,
        uncovered: seen.uncovered,
        before,
        companions,
        call,
    }))
}

/// Calls that concern a person: those that their structure coordinates, and those in which it is asked.
///
/// # Errors
/// The database fails.
pub async fn calls_of(
    service: &Service,
    person: &Subscriber,
) -> Result<(Vec<PartnerCall>, Vec<PartnerCall>), StoreError> {
    let structure = person.structure();
    let mine = match person.role.may(Permission::Coordinate) {
        true => service.store.partner_calls_of(structure).await?,
        false => Vec::new(),
    };
    let mut to = match person.role.may(Permission::Decide) {
        true => service.store.partner_calls_to(structure).await?,
        false => Vec::new(),
    };
    to.retain(|c| c.coordinator != structure);
    Ok((mine, to))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use vigie_domain::partner_call::{Turn, position_on};
    use vigie_domain::{Beneficiary, Evidence, NoticeKind};

    use super::*;

    /// Whoever joined after the visit made the bid irregular, and nothing of the call had said so.
    #[test]
    fn a_call_says_the_visit_what_is_reserved_and_the_hours() {
        let at = |text: &str| DateTime::parse_from_rfc3339(text).unwrap();
        let mut a = Assessment::new("26-1", NoticeKind::Call);
        for (day, mandatory) in [("2026-12-08T10:00:00+01:00", true), ("2026-11-20T10:00:00+01:00", false)] {
            a.dates.push(TypedDate { mandatory, ..TypedDate::of_field(DateKind::Visit, (at(day), true), "f") });
        }
        let of_lot =
            |kind, lot: &str| Provision { lots: vec![lot.to_owned()], ..Provision::new(kind, Evidence::default()) };
        let beneficiary = Some(Beneficiary::Insertion);
        a.provisions.push(Provision { beneficiary, ..of_lot(ProvisionKind::Reserved, "2") });
        a.provisions.push(Provision { hours: Some(1_500.0), ..of_lot(ProvisionKind::ExecutionClause, "1") });
        a.provisions.push(of_lot(ProvisionKind::AwardCriterion, "1"));
        let told = terms(&a, at("2026-11-30T22:00:00+01:00").with_timezone(&Utc));
        assert_eq!(told.len(), 3, "{told:?}");
        assert!(told[0].starts_with("Visite obligatoire le mardi 8 décembre 2026") && told[0].contains("irrégulière"));
        assert!(told[1].starts_with("Marché réservé : SIAE") && told[1].contains("lot 2"), "{told:?}");
        assert!(told[2].starts_with("Clause d’insertion : lot 1") && told[2].contains("500"), "{told:?}");
    }

    fn call(state: CallState, ended: bool) -> PartnerCall {
        PartnerCall {
            id: "c".into(),
            coordinator: "gie".into(),
            name: "GIE".into(),
            procedure: "p".into(),
            lots: vec!["1".into(), "2".into(), "3".into()],
            note: String::new(),
            state,
            closes: DateTime::<Utc>::UNIX_EPOCH,
            tender: None,
            opened: DateTime::<Utc>::UNIX_EPOCH,
            by: "Claire".into(),
            told: Turn::Asked,
            ended: if ended { vec!["3".into()] } else { Vec::new() },
            follows: String::new(),
        }
    }

    prop_compose! {
        fn some_position()(structure in 0..6_u8, lot in 0..4_u8, role in 0..4_usize, share in proptest::option::of(1..120_u32))
            -> Position {
            Position {
                structure: format!("s{structure}"),
                lot: if lot == 0 { String::new() } else { lot.to_string() },
                role: PartnerRole::ALL[role],
                share,
                hours: None,
                people: None,
                note: format!("mot de s{structure}"),
                by: format!("Voix de s{structure}"),
                at: DateTime::<Utc>::UNIX_EPOCH,
            }
        }
    }

    proptest! {
        /// Whatever is answered: what others see depends on nobody's refusal, share or word; names are seen by those who stand on the same
        /// lot of a closed call, and by nobody else.
        #[test]
        fn no_answer_refusal_or_word_leaves_its_circle(
            positions in proptest::collection::vec(some_position(), 0..24),
            state in 0..3_usize,
            ended in any::<bool>(),
        ) {
            let mut by_key: BTreeMap<(String, String), Position> = BTreeMap::new();
            for p in positions {
                by_key.insert((p.structure.clone(), p.lot.clone()), p);
            }
            let positions: Vec<Position> = by_key.into_values().collect();
            let state = [CallState::Open, CallState::Closed, CallState::Cancelled][state];
            let call = call(state, ended);
            // The same answers without what only the coordinator reads.
            let bare: Vec<Position> = positions
                .iter()
                .filter(|p| p.role.takes_part() || positions.iter().any(|o| o.structure == p.structure && o.lot.is_empty() && o.role.takes_part()))
                .map(|p| Position { share: None, note: String::new(), by: String::new(), ..p.clone() })
                .collect();
            for n in 0..6 {
                let structure = format!("s{n}");
                let seen = seen_by(&structure, &call, &positions);
                prop_assert!(seen.mine.iter().all(|p| p.structure == structure));
                let without = seen_by(&structure, &call, &bare);
                prop_assert_eq!(&seen.uncovered, &without.uncovered);
                prop_assert_eq!(&seen.with, &without.with);
                prop_assert!(state == CallState::Closed || seen.with.is_empty());
                for (lot, others) in &seen.with {
                    let own = position_on(&positions, &structure, lot).map(|p| p.role.takes_part());
                    prop_assert_eq!(own, Some(true), "who refused a lot learns nobody's name there");
                    prop_assert!(call.ended.iter().all(|e| e != lot));
                    for (other, role) in others {
                        prop_assert_eq!(position_on(&positions, other, lot).map(|p| p.role), Some(*role));
                        prop_assert!(role.takes_part());
                    }
                }
            }
        }
    }
}

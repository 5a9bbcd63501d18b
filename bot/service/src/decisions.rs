//! A structure decides about a procedure or one of its lots: the one rule behind pages, API, mails and chats.
//!
//! Only people whose role decides for a structure do. Nothing that leads forward is noted on a procedure that is closed. The
//! second to say the same learns who was first; what was decided by someone else meanwhile is not overruled unawares, where
//! the asker says what they saw. What is decided is durable on return, and shown anew in every chat that shows the procedure.

use chrono::{DateTime, Duration, Utc};
use vigie_domain::procedure::Status;
use vigie_domain::{DateKind, Decision, Permission, ProcedureState, Refusal, Stage, Subscriber};
use vigie_store::StoreError;

use crate::handed_over;
use crate::service::Service;
use crate::taste;

/// A reminder of something that closes sooner comes that long before it closes.
const BEFORE_CLOSING: Duration = Duration::days(1);
/// The furthest moment a reminder may be asked for.
const MAX_REMINDER: Duration = Duration::days(3_650);
/// Longest note, in characters.
pub const MAX_NOTE: usize = 2_000;
/// Longest name of who takes care, in characters.
pub const MAX_ASSIGNEE: usize = 80;

/// What is to change; what is `None` stays.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct DecisionEdit {
    /// Where the structure stands. Another stage than before drops the reason for a no-go.
    pub stage: Option<Stage>,
    /// Why not, for a no-go; `Some(None)` takes the reason away.
    pub refusal: Option<Option<Refusal>>,
    /// Whether it is prepared with others (groupement).
    pub joint: Option<bool>,
    /// A note for colleagues.
    pub note: Option<String>,
    /// Who takes care of it. Where nothing was decided, that is a go.
    pub assignee: Option<String>,
    /// When to remind them.
    pub reminder: Option<Reminder>,
}

/// When a reminder is asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reminder {
    /// In so many days, but a day before the closing at the latest.
    InDays(i64),
    /// At that moment.
    At(DateTime<Utc>),
}

/// What the asker saw standing, so that they overrule no colleague unawares.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Seen<'a> {
    /// They do not say: a chat shows the latest state, and what it was is said in the answer.
    Latest,
    /// The decision of that mark ([`Decision::mark`]); empty = none.
    Mark(&'a str),
    /// A decision of that stage.
    Stage(Stage),
}

/// Who decides about what.
#[derive(Debug, Clone, Copy)]
pub struct Asker<'a> {
    /// The person: their role and their structure.
    pub person: &'a Subscriber,
    /// How they are called, as colleagues see it.
    pub name: &'a str,
    /// The procedure.
    pub procedure: &'a str,
    /// The lot as they name it; empty = the whole procedure.
    pub lot: &'a str,
    /// What they saw.
    pub seen: Seen<'a>,
}

/// What came of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    /// It stands.
    Noted {
        /// What stood before, if anything.
        before: Option<Decision>,
        /// What stands now.
        now: Decision,
    },
    /// The procedure is closed: nothing is noted.
    Closed(Closes),
    /// It can be answered until then: nobody has won or lost it.
    StillOpen(DateTime<Utc>),
    /// Somebody decided otherwise meanwhile, or what stands does not give way: nothing is noted.
    Conflict {
        /// What stands.
        standing: Decision,
        /// What was asked for.
        wanted: Stage,
    },
    /// People of this role read without deciding.
    ReadsOnly,
    /// There is no such procedure.
    NoProcedure,
    /// The procedure has no such lot.
    NoLot,
    /// Something asked for cannot be; says what in French.
    Invalid(&'static str),
}

/// When a procedure closes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Closes {
    /// Then.
    At(DateTime<Utc>),
    /// It closed then.
    Past(DateTime<Utc>),
    /// No notice says when.
    Unknown,
    /// Called off, awarded, or ended without award.
    Ended,
    /// The lot asked about ended so; others are open.
    LotEnded,
}

impl Closes {
    /// Whether it can still be answered.
    #[must_use]
    pub fn is_open(self) -> bool {
        matches!(self, Self::At(_) | Self::Unknown)
    }
}

/// Decides.
///
/// # Errors
/// The database fails: nothing is noted.
pub async fn decide(service: &Service, asker: &Asker<'_>, edit: &DecisionEdit) -> Result<Outcome, StoreError> {
    let now = service.clock.now();
    if !asker.person.role.may(Permission::Decide) {
        return Ok(Outcome::ReadsOnly);
    }
    if let Some(why) = fault(edit, now) {
        return Ok(Outcome::Invalid(why));
    }
    let notices = service.store.notices_of(asker.procedure).await?;
    if notices.is_empty() {
        return Ok(Outcome::NoProcedure);
    }
    let lots = notices.iter().rev().flat_map(|n| &n.assessment.lots).map(|l| l.id.as_str());
    let Some(lot) = lot_named(asker.lot, lots) else { return Ok(Outcome::NoLot) };
    let closes = closes(service, asker.procedure, &lot, now).await?;
    let structure = asker.person.structure();
    let standing = service.store.decisions_on(structure, asker.procedure).await?.into_iter().find(|d| d.lot == lot);
    if let (Seen::Stage(seen), Some(d), Some(wanted)) = (asker.seen, &standing, edit.stage)
        && d.stage.is_decision()
        && d.stage != seen
    {
        return Ok(Outcome::Conflict { standing: d.clone(), wanted });
    }
    let read_mark = standing.as_ref().map(Decision::mark).unwrap_or_default();
    let before = standing
        .unwrap_or_else(|| Decision { lot, ..Decision::new(structure, asker.procedure, Stage::Read, asker.name, now) });
    if leads_forward(edit, &before) && !closes.is_open() {
        return Ok(Outcome::Closed(closes));
    }
    if tells_a_result(edit, &before)
        && let Some(until) = open_until(service, asker.procedure, &before.lot, now).await?
    {
        return Ok(Outcome::StillOpen(until));
    }
    let decision = edited(before, edit, closes, (asker.name, now));
    let done = match asker.seen {
        Seen::Latest => service.store.decide(&decision).await?,
        Seen::Mark(mark) => service.store.decide_seen(&decision, mark).await?,
        Seen::Stage(_) => service.store.decide_seen(&decision, &read_mark).await?,
    };
    if done.now.stage != decision.stage {
        return Ok(Outcome::Conflict { standing: done.now, wanted: decision.stage });
    }
    // Whoever shows this decision in a chat shows it anew.
    service.deliveries_queued.notify_waiters();
    let assigned = done.before.as_ref().is_none_or(|before| before.assignee != done.now.assignee);
    if assigned
        && !done.now.assignee.is_empty()
        && let Err(e) = handed_over::tell(service, (asker.person, asker.name), &done.now, closes, &notices).await
    {
        tracing::error!("a colleague is not told of a market in their charge: {}", e.what);
    }
    if done.now.stage == Stage::NoGo
        && let Err(e) = taste::look(service, asker.person).await
    {
        // What was decided stands; the next refusal looks again.
        tracing::error!("what a structure refused was not looked at: {e}");
    }
    Ok(Outcome::Noted { before: done.before, now: done.now })
}

/// Notes that someone read a procedure, where their role decides.
///
/// # Errors
/// The database fails.
pub async fn read(service: &Service, person: &Subscriber, name: &str, procedure: &str) -> Result<(), StoreError> {
    if person.role.may(Permission::Decide) {
        let read = Decision::new(person.structure(), procedure, Stage::Read, name, service.clock.now());
        service.store.decide(&read).await?;
    }
    Ok(())
}

/// When a procedure, or a lot of it (empty = the whole), closes.
///
/// # Errors
/// The database fails.
pub async fn closes(service: &Service, procedure: &str, lot: &str, now: DateTime<Utc>) -> Result<Closes, StoreError> {
    let Some(state) = service.store.state_of(procedure).await? else { return Ok(Closes::Ended) };
    if state.status_of(lot) != Status::Open {
        return Ok(if state.status == Status::Open { Closes::LotEnded } else { Closes::Ended });
    }
    let dates = state.dates;
    let last = dates
        .iter()
        .filter(|(kind, _)| matches!(kind, DateKind::Tender | DateKind::Participation))
        .map(|(_, at)| at.with_timezone(&Utc))
        .max();
    Ok(match last {
        None => Closes::Unknown,
        Some(at) if at > now => Closes::At(at),
        Some(at) => Closes::Past(at),
    })
}

/// Until when others may still bid for a procedure, or for a lot of it, where that is known.
async fn open_until(
    service: &Service,
    procedure: &str,
    lot: &str,
    now: DateTime<Utc>,
) -> Result<Option<DateTime<Utc>>, StoreError> {
    let Some(published) = service.store.state_of(procedure).await? else { return Ok(None) };
    let state = ProcedureState::of(&published, lot, now);
    Ok(state.closes.filter(|_| state.phase.takes_answers()).map(|at| at.with_timezone(&Utc)))
}

/// What cannot be, in French.
fn fault(edit: &DecisionEdit, now: DateTime<Utc>) -> Option<&'static str> {
    let long = |text: &Option<String>, most| text.as_ref().is_some_and(|t| t.chars().count() > most);
    if edit.stage.is_some_and(|s| !s.is_decision()) {
        return Some("ce n’est pas une décision");
    }
    if long(&edit.note, MAX_NOTE) {
        return Some("la note est trop longue : 2000 caractères au plus");
    }
    if long(&edit.assignee, MAX_ASSIGNEE) {
        return Some("le nom de qui s’en charge est trop long : 80 caractères au plus");
    }
    match edit.reminder {
        // Beyond the years that moments are kept in, there is nothing to remind of.
        Some(Reminder::At(at)) if !(at > now && at < now + MAX_REMINDER) => {
            Some("un rappel est à venir, dans les dix ans")
        }
        Some(Reminder::InDays(days)) if !(1..=365).contains(&days) => Some("un rappel vient dans un an au plus"),
        _ => None,
    }
}

/// The procedure's lot that someone means: by its identifier, else by its number (`2` for `LOT-0002`). Empty = the whole;
/// `None` where there is no such lot.
pub(crate) fn lot_named<'l>(said: &str, lots: impl Iterator<Item = &'l str> + Clone) -> Option<String> {
    if said.is_empty() {
        return Some(String::new());
    }
    let number = |id: &str| {
        let digits: String = id.chars().filter(char::is_ascii_digit).collect();
        digits.parse::<u32>().ok()
    };
    let same = |id: &&str| number(id).is_some_and(|n| number(said) == Some(n));
    lots.clone().find(|id| id.eq_ignore_ascii_case(said)).or_else(|| lots.clone().find(same)).map(str::to_owned)
}

/// Whether an edit only makes sense while the procedure can be answered.
fn leads_forward(edit: &DecisionEdit, before: &Decision) -> bool {
    let stage = edit.stage.filter(|s| *s != before.stage);
    matches!(stage, Some(Stage::Go | Stage::Preparing)) || edit.reminder.is_some()
}

/// Whether an edit says who won: nobody knows while others may still bid. That the buyer gave up may be known before it is published.
fn tells_a_result(edit: &DecisionEdit, before: &Decision) -> bool {
    let stage = edit.stage.filter(|s| *s != before.stage);
    matches!(stage, Some(Stage::Won | Stage::Lost))
}

fn edited(before: Decision, edit: &DecisionEdit, closes: Closes, (by, now): (&str, DateTime<Utc>)) -> Decision {
    let mut decision = before;
    let undecided = !decision.stage.is_decided();
    let assigned = edit.assignee.as_ref().is_some_and(|a| !a.is_empty() && *a != decision.assignee);
    let stage = edit.stage.or((assigned && undecided && closes.is_open()).then_some(Stage::Go));
    if let Some(stage) = stage.filter(|s| *s != decision.stage) {
        (decision.stage, decision.at, decision.refusal) = (stage, now, None);
        by.clone_into(&mut decision.by);
    }
    if let Some(refusal) = edit.refusal {
        decision.refusal = refusal.filter(|r| Refusal::of(decision.stage).contains(r));
    }
    decision.joint = edit.joint.or(decision.joint);
    if let Some(note) = &edit.note {
        decision.note.clone_from(note);
    }
    if let Some(assignee) = &edit.assignee {
        decision.assignee.clone_from(assignee);
    }
    decision.remind_at = match edit.reminder {
        // What is done with is not reminded of.
        None => decision.remind_at.filter(|_| !decision.stage.is_done_with()),
        Some(Reminder::At(at)) => Some(at),
        Some(Reminder::InDays(days)) => {
            let asked = now + Duration::days(days);
            let latest = match closes {
                Closes::At(at) => (at - BEFORE_CLOSING).max(now + Duration::hours(1)),
                _ => asked,
            };
            Some(asked.min(latest))
        }
    };
    decision
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(day: i64) -> DateTime<Utc> {
        DateTime::UNIX_EPOCH + Duration::days(day)
    }

    fn standing(stage: Stage) -> Decision {
        Decision::new("s", "p", stage, "Ana", at(0))
    }

    #[test]
    fn a_lot_is_known_by_its_identifier_or_its_number() {
        let named = |said| lot_named(said, ["LOT-0001", "LOT-0002", "A"].into_iter());
        assert_eq!(named("").as_deref(), Some(""));
        assert_eq!(named("2").as_deref(), Some("LOT-0002"));
        assert_eq!(named("lot-0001").as_deref(), Some("LOT-0001"));
        assert_eq!(named("a").as_deref(), Some("A"));
        assert_eq!((named("3"), named("B")), (None, None));
    }

    #[test]
    fn the_same_stage_again_keeps_who_took_it_and_another_one_drops_the_reason() {
        let by = ("Bob", at(1));
        let refused = Decision { refusal: Some(Refusal::Place), ..standing(Stage::NoGo) };
        let go = |stage| DecisionEdit { stage: Some(stage), ..DecisionEdit::default() };
        let again = edited(refused.clone(), &go(Stage::NoGo), Closes::Unknown, by);
        assert_eq!((again.by.as_str(), again.refusal), ("Ana", Some(Refusal::Place)));
        let now = edited(refused, &go(Stage::Go), Closes::Unknown, by);
        assert_eq!((now.by.as_str(), now.refusal, now.at), ("Bob", None, at(1)));
    }

    #[test]
    fn a_reason_stands_where_its_stage_takes_it() {
        let because = |stage, why| {
            let edit = DecisionEdit { stage: Some(stage), refusal: Some(Some(why)), ..DecisionEdit::default() };
            edited(standing(Stage::Submitted), &edit, Closes::Unknown, ("Ana", at(1))).refusal
        };
        assert_eq!(because(Stage::Lost, Refusal::Price), Some(Refusal::Price));
        assert_eq!(because(Stage::Abandoned, Refusal::Time), Some(Refusal::Time));
        assert_eq!(because(Stage::NoGo, Refusal::Price), None, "nobody lost what they left out");
        assert_eq!(because(Stage::Lost, Refusal::Place), None);
        assert_eq!(because(Stage::Won, Refusal::Price), None);
    }

    #[test]
    fn a_reminder_comes_a_day_before_the_closing_at_the_latest() {
        let ask = DecisionEdit { reminder: Some(Reminder::InDays(3)), ..DecisionEdit::default() };
        let asked = |closes| edited(standing(Stage::Read), &ask, closes, ("Bob", at(1))).remind_at;
        assert_eq!(asked(Closes::Unknown), Some(at(4)));
        assert_eq!(asked(Closes::At(at(3))), Some(at(2)));
        assert_eq!(asked(Closes::At(at(1) + Duration::hours(2))), Some(at(1) + Duration::hours(1)));
    }

    #[test]
    fn who_takes_care_of_what_nobody_decided_goes_for_it_while_it_is_open() {
        let assign = DecisionEdit { assignee: Some("Léa".into()), ..DecisionEdit::default() };
        let given = |stage, closes| edited(standing(stage), &assign, closes, ("Bob", at(1))).stage;
        assert_eq!(given(Stage::Read, Closes::Unknown), Stage::Go);
        assert_eq!(given(Stage::Read, Closes::Past(at(0))), Stage::Read);
        assert_eq!(given(Stage::NoGo, Closes::Unknown), Stage::NoGo);
    }

    #[test]
    fn what_is_done_with_is_not_reminded_of() {
        let reminded = Decision { remind_at: Some(at(9)), ..standing(Stage::Go) };
        let to = |stage| {
            let edit = DecisionEdit { stage: Some(stage), ..DecisionEdit::default() };
            edited(reminded.clone(), &edit, Closes::Unknown, ("Bob", at(1))).remind_at
        };
        for over in [Stage::NoGo, Stage::Abandoned, Stage::Won, Stage::Lost, Stage::NoAward] {
            assert_eq!(to(over), None, "{over:?}");
        }
        for goes_on in [Stage::Preparing, Stage::Submitted] {
            assert_eq!(to(goes_on), Some(at(9)), "{goes_on:?}");
        }
    }

    #[test]
    fn who_won_is_said_once_it_is_closed() {
        let edit = |stage| DecisionEdit { stage: Some(stage), ..DecisionEdit::default() };
        assert!(tells_a_result(&edit(Stage::Won), &standing(Stage::Submitted)));
        assert!(tells_a_result(&edit(Stage::Lost), &standing(Stage::Read)));
        assert!(!tells_a_result(&edit(Stage::Won), &standing(Stage::Won)), "what stands may get a note");
        assert!(!tells_a_result(&edit(Stage::NoAward), &standing(Stage::Submitted)));
    }

    #[test]
    fn what_leads_forward_needs_an_open_procedure_and_the_rest_does_not() {
        let edit = |stage| DecisionEdit { stage: Some(stage), ..DecisionEdit::default() };
        assert!(leads_forward(&edit(Stage::Go), &standing(Stage::Read)));
        assert!(!leads_forward(&edit(Stage::Go), &standing(Stage::Go)));
        assert!(!leads_forward(&edit(Stage::Won), &standing(Stage::Read)));
        assert!(!leads_forward(
            &DecisionEdit { note: Some("x".into()), ..DecisionEdit::default() },
            &standing(Stage::Read)
        ));
    }
}

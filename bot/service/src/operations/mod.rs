//! Operations: what a facilitator follows, from a planned purchase to hours done. Pages, chats and the scheduler call these.
//!
//! | module | does |
//! |---|---|
//! | [`attachments`] | procedures that belong to an operation: by themselves when sure, proposed else; contracts become lots |
//! | `books` | what is written of all operations of a structure, by operation |
//! | [`coefficients`] | labour shares, rate and cost: those of the product, those of the organisation |
//! | `commitments` | committed buyers (SPASER) whose last year is ending |
//! | [`letter`] | what is new of operations, in one word a day at most |
//! | [`report`] | the monthly table: columns, names and filters that an organisation chooses once |
//! | [`reserving`] | structures of the territory that could carry a lot out, were it reserved to them |
//! | [`tables`], [`hours_table`] | operations and hours as tables, and back |
//! | [`to_calibrate`] | purchases that are planned on the territory and followed by nobody yet |
//! | [`unseen`] | contracts whose notice shows no social condition: told to facilitators, settled by what they read in the CCAP |
//!
//! All of it is the organisation's: every use case takes the structure of whoever asks.

pub mod attachments;
mod books;
pub mod coefficients;
mod commitments;
pub mod hours_table;
pub mod letter;
pub mod report;
pub mod reserving;
pub mod tables;
pub mod to_calibrate;
pub mod unseen;

use std::collections::BTreeSet;

use chrono::{DateTime, NaiveDate, Utc};
use vigie_domain::operation::calibration::Sheet;
use vigie_domain::operation::plan::{self, Totals};
use vigie_domain::operation::{Hours, HoursRow, LotOwed, MAX_LINE, Operation, OperationState};
use vigie_domain::{Permission, Place, Subscriber, commune, french};
use vigie_notifier::card::short;
use vigie_store::StoreError;
use vigie_store::operation_hours::OperationHours;
use vigie_store::operations::Standing;
use vigie_watcher::zones;

use crate::hours_to_fill;
use crate::service::Service;
use crate::visibility;

/// Most operations of an organisation.
pub const MAX_OPERATIONS: usize = 5_000;
/// Longest note, in characters.
pub const MAX_NOTE: usize = 4_000;

/// What is wrong with an operation as somebody wrote it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum OperationFault {
    #[error("l’objet manque")]
    NoTitle,
    #[error("la référence manque")]
    NoReference,
    #[error("une autre opération porte déjà cette référence")]
    ReferenceTaken,
    #[error("{MAX_LINE} caractères au plus dans « {0} »")]
    TooLong(&'static str),
    #[error("votre organisation a déjà {MAX_OPERATIONS} opérations")]
    TooMany,
}

/// Checks what every door checks of an operation.
///
/// # Errors
/// It lacks what every operation has, or is too long.
pub fn checked(o: &Operation) -> Result<(), OperationFault> {
    if o.reference.trim().is_empty() {
        return Err(OperationFault::NoReference);
    }
    if o.title.trim().is_empty() {
        return Err(OperationFault::NoTitle);
    }
    let lines = [
        ("référence", &o.reference),
        ("objet", &o.title),
        ("acheteur", &o.buyer),
        ("territoire", &o.territory),
        ("suivi par", &o.in_charge),
        ("prochaine étape", &o.next_step),
        ("remarque", &o.remark),
    ];
    match lines.into_iter().find(|(_, text)| text.chars().count() > MAX_LINE) {
        Some((name, _)) => Err(OperationFault::TooLong(name)),
        None => Ok(()),
    }
}

/// The colleagues of an organisation who follow operations, by name.
///
/// # Errors
/// The database fails.
pub async fn colleagues(service: &Service, structure: &str) -> Result<Vec<Subscriber>, StoreError> {
    let mut out = service.store.people_of(structure).await?;
    out.retain(|p| p.role.may(Permission::FollowOperations));
    out.sort_by(|a, b| (&a.name, &a.id).cmp(&(&b.name, &b.id)));
    Ok(out)
}

/// A reference that no operation of the organisation bears: the year and the next number.
///
/// # Errors
/// The database fails.
pub async fn next_reference(service: &Service, structure: &str) -> Result<String, StoreError> {
    let year = zones::paris_day(service.clock.now()).format("%Y").to_string();
    let taken = service.store.operations_of(structure).await?;
    let numbers = taken.iter().filter_map(|o| o.reference.strip_prefix(&format!("{year}-"))?.parse::<u32>().ok());
    Ok(format!("{year}-{:03}", numbers.max().unwrap_or(0) + 1))
}

/// What came of writing an operation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Written {
    /// It is there, under this identifier.
    Yes(String),
    No(OperationFault),
}

/// Makes an operation; one without a reference gets the next one.
///
/// # Errors
/// The database fails.
pub async fn make(service: &Service, structure: &str, mut o: Operation) -> Result<Written, StoreError> {
    let now = service.clock.now();
    structure.clone_into(&mut o.structure);
    o.id.clear();
    (o.created, o.updated) = (now, now);
    if o.reference.trim().is_empty() {
        o.reference = next_reference(service, structure).await?;
    }
    if let Err(fault) = checked(&o) {
        return Ok(Written::No(fault));
    }
    if service.store.operation_of_reference(structure, &o.reference).await?.is_some() {
        return Ok(Written::No(OperationFault::ReferenceTaken));
    }
    if service.store.operations_of(structure).await?.len() >= MAX_OPERATIONS {
        return Ok(Written::No(OperationFault::TooMany));
    }
    service.store.put_operations(std::slice::from_ref(&o)).await?;
    let made = service.store.operation_of_reference(structure, &o.reference).await?;
    Ok(Written::Yes(made.map(|m| m.id).unwrap_or_default()))
}

/// Changes an operation of a structure.
///
/// # Errors
/// The database fails.
pub async fn change(service: &Service, mut o: Operation) -> Result<Written, StoreError> {
    if let Err(fault) = checked(&o) {
        return Ok(Written::No(fault));
    }
    o.updated = service.clock.now();
    let id = o.id.clone();
    Ok(if service.store.change_operation(&o).await? {
        Written::Yes(id)
    } else {
        Written::No(OperationFault::ReferenceTaken)
    })
}

/// The operation that follows a procedure: the one to which it is attached, or one made of what was published. `None` where nothing
/// of the procedure is public.
///
/// # Errors
/// The database fails.
pub async fn follow(
    service: &Service,
    person: &Subscriber,
    by: &str,
    procedure: &str,
) -> Result<Option<(Operation, bool)>, StoreError> {
    let (store, structure) = (&service.store, person.structure());
    if let Some(known) = store.operations_with(structure, procedure).await?.into_iter().next() {
        return Ok(Some((known, false)));
    }
    let now = service.clock.now();
    let notices = visibility::notices_of(service, None, procedure).await?;
    let Some(row) = crate::after_award::messages::main_of(&notices).or(notices.last()) else { return Ok(None) };
    let estimated = row.notice.estimated_value.filter(|v| v.is_finite() && (1.0..1e12).contains(v));
    let buyer = row.assessment.buyer.clone().unwrap_or_else(|| row.notice.buyer.name.clone());
    let made = Operation {
        title: short(&row.assessment.title, MAX_LINE - 1),
        buyer: short(&buyer, MAX_LINE - 1),
        siret: row.notice.buyer.siret.clone(),
        departments: row.notice.departments.clone(),
        territory: town(&row.notice.places),
        amount: estimated.map(|v| v.round() as i64),
        in_charge: short(by, MAX_LINE - 1),
        ..Operation::default()
    };
    let Written::Yes(id) = make(service, structure, made).await? else { return Ok(None) };
    store.attach_procedure((structure, &id), procedure, (Standing::Attached, true), now).await?;
    attachments::settle(service, structure, &id, now).await?;
    Ok(store.operation(structure, &id).await?.map(|o| (o, true)))
}

/// The one town that a notice names: it says more than its département.
fn town(places: &[Place]) -> String {
    let mut towns: Vec<&str> = places.iter().filter_map(|p| p.city.as_deref()).map(str::trim).collect();
    towns.retain(|town| !town.is_empty());
    towns.dedup();
    match towns.as_slice() {
        [only] => short(only, MAX_LINE - 1),
        _ => String::new(),
    }
}

/// Notes something on a market for colleagues: on the operation that follows it, which is made where none does. `None` where nothing of
/// the procedure is public.
///
/// # Errors
/// The database fails.
pub async fn note_on(
    service: &Service,
    person: &Subscriber,
    by: &str,
    procedure: &str,
    text: &str,
) -> Result<Option<(Operation, bool)>, StoreError> {
    let Some((o, new)) = follow(service, person, by, procedure).await? else { return Ok(None) };
    let (text, by): (String, String) = (text.chars().take(MAX_NOTE).collect(), short(by, MAX_LINE - 1));
    service.store.put_operation_note((person.structure(), &o.id), &by, &text, service.clock.now()).await?;
    Ok(Some((o, new)))
}

/// Writes the sheet of an operation; a purchase that was to be calibrated is, from then on. `false` where there is no such operation.
///
/// # Errors
/// The database fails.
pub async fn calibrate(service: &Service, structure: &str, id: &str, sheet: &Sheet) -> Result<bool, StoreError> {
    let now = service.clock.now();
    let Some(mut o) = service.store.operation(structure, id).await? else { return Ok(false) };
    if !service.store.put_sheet(structure, id, sheet, now).await? {
        return Ok(false);
    }
    if o.state == OperationState::Planned && !sheet.lines.is_empty() {
        (o.state, o.updated) = (OperationState::Calibrated, now);
        service.store.change_operation(&o).await?;
    }
    Ok(true)
}

/// Writes hours of a structure's operations; those of which hours are done are under way from then on.
///
/// # Errors
/// The database fails.
pub async fn write_hours(service: &Service, structure: &str, hours: &[OperationHours]) -> Result<(), StoreError> {
    let now = service.clock.now();
    service.store.put_hours(structure, hours).await?;
    let begun: BTreeSet<&str> = hours.iter().filter(|h| !h.row.done.is_none()).map(|h| h.operation.as_str()).collect();
    for id in begun {
        if let Some(mut o) = service.store.operation(structure, id).await?.filter(|o| o.state != o.state.after_hours())
        {
            (o.state, o.updated) = (o.state.after_hours(), now);
            service.store.change_operation(&o).await?;
        }
    }
    Ok(())
}

/// An operation with what lists show beside it.
#[derive(Debug, Clone)]
pub struct Overview {
    pub operation: Operation,
    /// Hours of its sheet.
    pub calibrated: Option<Hours>,
    pub totals: Totals,
}

/// The operations of a structure with their sums, by reference.
///
/// # Errors
/// The database fails.
pub async fn overviews(service: &Service, structure: &str) -> Result<Vec<Overview>, StoreError> {
    seen(service, structure, None).await
}

/// An operation of a structure with its sums.
///
/// # Errors
/// The database fails.
pub async fn overview(service: &Service, structure: &str, id: &str) -> Result<Option<Overview>, StoreError> {
    Ok(seen(service, structure, Some(id)).await?.pop())
}

async fn seen(service: &Service, structure: &str, only: Option<&str>) -> Result<Vec<Overview>, StoreError> {
    let store = &service.store;
    let mut sums = store.operation_sums(structure, only).await?;
    let operations = match only {
        Some(id) => store.operation(structure, id).await?.into_iter().collect(),
        None => store.operations_of(structure).await?,
    };
    let sheets = match only {
        Some(id) => store.sheet(structure, id).await?.map(|s| (id.to_owned(), s)).into_iter().collect(),
        None => store.sheets_of(structure).await?,
    };
    let with = |operation: Operation| Overview {
        calibrated: sheets.get(&operation.id).map(Sheet::hours),
        totals: sums.remove(&operation.id).unwrap_or_default(),
        operation,
    };
    Ok(operations.into_iter().map(with).collect())
}

/// What is late of an operation, in sentences; nothing is of one that is done with.
///
/// # Errors
/// The database fails.
pub async fn late(service: &Service, o: &Operation, now: DateTime<Utc>) -> Result<Vec<String>, StoreError> {
    if !o.state.is_open() {
        return Ok(Vec::new());
    }
    let (structure, only) = (o.structure.as_str(), Some(o.id.as_str()));
    let rows: Vec<_> = service.store.hours_of(structure, only).await?.into_iter().map(|h| h.row).collect();
    let lots: Vec<_> = service.store.lots_of(structure, only).await?.into_iter().map(|l| l.lot).collect();
    Ok(late_in_french(o, &rows, &lots, zones::paris_day(now)))
}

/// The same, of hours and lots that were read.
#[must_use]
pub fn late_in_french(o: &Operation, rows: &[HoursRow], lots: &[LotOwed], today: NaiveDate) -> Vec<String> {
    late_of(o, rows, lots, today).iter().map(|l| french::capital(&letter::late_in_french(l))).collect()
}

fn late_of(o: &Operation, rows: &[HoursRow], lots: &[LotOwed], today: NaiveDate) -> Vec<plan::Late> {
    if o.state.is_open() { plan::late(rows, lots, today) } else { Vec::new() }
}

/// The operations of a structure whose hours are late.
///
/// # Errors
/// The database fails.
pub async fn behind(
    service: &Service,
    operations: &[&Operation],
    now: DateTime<Utc>,
) -> Result<BTreeSet<String>, StoreError> {
    let Some(first) = operations.first() else { return Ok(BTreeSet::new()) };
    let books = books::Books::read(service, &first.structure).await?;
    let today = zones::paris_day(now);
    let is_behind = |o: &&&Operation| !late_of(o, books.hours(&o.id), books.lots(&o.id), today).is_empty();
    Ok(operations.iter().filter(is_behind).map(|o| o.id.clone()).collect())
}

/// Who holds each lot of an operation, with what is done of what is owed: a line each, `most` of them and how many more there are.
///
/// # Errors
/// The database fails.
pub async fn holders(service: &Service, o: &Operation, most: usize) -> Result<Vec<String>, StoreError> {
    let (structure, only) = (o.structure.as_str(), Some(o.id.as_str()));
    let rows: Vec<_> = service.store.hours_of(structure, only).await?.into_iter().map(|h| h.row).collect();
    let lots: Vec<_> = service.store.lots_of(structure, only).await?.into_iter().map(|l| l.lot).collect();
    let line = |(lot, done): (&LotOwed, Hours)| {
        let owed = match lot.owed {
            Hours::NONE => "heures dues à demander".to_owned(),
            owed => format!("{done}\u{a0}heures sur {owed} dues"),
        };
        french::capital(&format!("{} : {owed}", letter::holder(&lot.lot, &lot.company)))
    };
    let mut out: Vec<String> = lots.iter().zip(plan::done_of(&rows, &lots)).take(most).map(line).collect();
    if lots.len() > most {
        out.push(format!("et {} de plus.", french::plural(lots.len() - most, "lot")));
    }
    Ok(out)
}

/// The operations of a structure that a text means: by reference, else by words of the title.
///
/// # Errors
/// The database fails.
pub async fn meant(service: &Service, structure: &str, text: &str) -> Result<Vec<Operation>, StoreError> {
    if let Some(one) = service.store.operation_of_reference(structure, text).await? {
        return Ok(vec![one]);
    }
    let words = commune::key(text);
    if words.is_empty() {
        return Ok(Vec::new());
    }
    let all = service.store.operations_of(structure).await?;
    let holds = |o: &Operation| {
        let key = commune::key(&format!("{} {} {}", o.reference, o.title, o.buyer));
        words.split(' ').all(|w| key.contains(w))
    };
    Ok(all.into_iter().filter(holds).collect())
}

/// Does what time brings to operations; gives how many words were told.
///
/// # Errors
/// The database fails; what was done stands, the rest is done at the next look.
pub async fn run(service: &Service, now: DateTime<Utc>) -> Result<usize, StoreError> {
    let offered = hours_to_fill::run(service, now).await?;
    if !service.store.take_chore("operations", chrono::Duration::hours(1), now).await? {
        return Ok(offered);
    }
    for structure in service.store.structures_with_operations().await? {
        attachments::look(service, &structure, now).await?;
    }
    Ok(offered + letter::run(service, now).await? + report::run(service, now).await?)
}

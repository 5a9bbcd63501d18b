//! What is new of operations, in one word a day at most, at each reader's own hour of digests: a purchase of the territory that is planned,
//! a notice whose hours are other than those calibrated, lots awarded, a procedure that may belong, a step that is due, hours below plan.
//! Each thing is told once, to the colleague in charge, to who stands in for them while they are away, or to all who are here where nobody
//! is in charge.

use std::collections::{BTreeSet, HashMap};

use chrono::{DateTime, Duration, NaiveDate, Utc};
use vigie_domain::operation::calibration::Sheet;
use vigie_domain::operation::plan::{self, Late};
use vigie_domain::operation::{Hours, HoursRow, LotOwed, Operation};
use vigie_domain::{Alert, AlertKind, Permission, Phase, ProvisionKind, Subscriber, commune, french};
use vigie_notifier::card::short;
use vigie_store::operations::Standing;
use vigie_store::{StoreError, derived_id};
use vigie_watcher::zones;

use super::books::Books;
use super::{commitments, to_calibrate, unseen};
use crate::after_award::messages::main_of;
use crate::hours_to_fill;
use crate::presence::People;
use crate::service::Service;
use crate::visibility;

/// Most lines of a word; the page has them all.
const MAX_LINES: usize = 15;
/// Least time between two words to a person.
const GAP: Duration = Duration::hours(20);
/// How long after its first telling something is still told to those who were not told yet: every colleague had a day of digests by then.
const OLD: Duration = Duration::days(8);

/// What names a purchase that waits to be calibrated.
const CALIBRATE: &str = "calibrate";

/// Something to tell of an operation, once.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct News {
    pub operation: String,
    /// The colleague in charge.
    pub in_charge: String,
    /// What it is, by a name that another thing does not have.
    pub key: String,
    pub text: String,
}

impl News {
    /// Something of no operation, in nobody's charge.
    fn of_all(key: &[&str], text: &str) -> Self {
        Self { operation: String::new(), in_charge: String::new(), key: told_key(key), text: french::capital(text) }
    }
}

/// What a call asks for, beside what its operation was calibrated for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Asked {
    /// Hours that its clauses say, in all; `None` where none says any.
    pub hours: Option<Hours>,
    /// In percent, where a clause says a share alone.
    pub percent: Option<u32>,
    /// There is a clause.
    pub clause: bool,
}

/// What the call of an operation asks for; `None` while no call of it is out.
///
/// # Errors
/// The database fails.
pub async fn asked(service: &Service, structure: &str, operation: &str) -> Result<Option<(String, Asked)>, StoreError> {
    let (store, now) = (&service.store, service.clock.now());
    let attached: Vec<String> = store
        .operation_procedures(structure)
        .await?
        .into_iter()
        .filter(|a| a.operation == operation && a.standing == Standing::Attached)
        .map(|a| a.procedure)
        .collect();
    for row in store.search_rows(&attached).await? {
        if row.state_at(now).phase == Phase::Planned {
            continue;
        }
        let notices = visibility::notices_of(service, None, &row.procedure).await?;
        let Some(main) = main_of(&notices) else { continue };
        let clauses: Vec<_> = main
            .assessment
            .provisions
            .iter()
            .filter(|p| matches!(p.kind, ProvisionKind::ExecutionClause | ProvisionKind::InsertionService))
            .collect();
        let hours: Vec<Hours> = clauses.iter().filter_map(|p| p.hours.and_then(Hours::of_clause)).collect();
        let percent = clauses.iter().find_map(|p| p.percent).map(|p| p.round().clamp(0.0, 100.0) as u32);
        let asked =
            Asked { hours: (!hours.is_empty()).then(|| hours.into_iter().sum()), percent, clause: !clauses.is_empty() };
        return Ok(Some((row.procedure, asked)));
    }
    Ok(None)
}

/// What a call asks for beside what was calibrated, in a sentence.
#[must_use]
pub fn difference(calibrated: Option<Hours>, asked: &Asked) -> String {
    let h = |hours: Hours| format!("{hours}\u{a0}{}", french::form(&hours.to_string(), "heure", "heures"));
    match (asked.hours, calibrated) {
        (Some(asked), Some(advised)) if asked == advised => format!("l’avis demande les {} calibrées", h(asked)),
        (Some(asked), Some(advised)) => {
            let (gap, word) = if asked > advised { (asked - advised, "plus") } else { (advised - asked, "moins") };
            format!("l’avis demande {}, le calibrage en conseillait {advised} : {gap} de {word}", h(asked))
        }
        (Some(asked), None) => format!("l’avis demande {}", h(asked)),
        (None, advised) => {
            let advised = advised.map(|a| format!(" ; le calibrage conseillait {}", h(a))).unwrap_or_default();
            match asked.percent.filter(|_| asked.clause) {
                Some(percent) => format!("l’avis demande {percent}\u{202f}% des heures{advised}"),
                None if asked.clause => format!("l’avis a une clause sans dire d’heures{advised}"),
                None => format!("l’avis ne dit aucune clause d’insertion, à vérifier au CCAP{advised}"),
            }
        }
    }
}

/// `0 heure réalisée`, `120 heures réalisées`.
pub(super) fn done_in_french(done: Hours) -> String {
    let words = french::form(&done.to_string(), "heure réalisée", "heures réalisées");
    format!("{done}\u{a0}{words}")
}

/// What is late, in a sentence.
#[must_use]
pub fn late_in_french(late: &Late) -> String {
    match late {
        Late::Below { lot, month, planned, done } => {
            let done = done_in_french(*done);
            format!("{}fin {}, {done} pour {planned} prévues", of_lot(lot), french::month(*month))
        }
        Late::Unsaid { lot, month, planned } => {
            let month = french::month(*month);
            format!("{}{planned}\u{a0}heures prévues en {month}, aucune n’a été rendue", of_lot(lot))
        }
        Late::Behind { lot, company, month, owed, due, done } => format!(
            "{} : fin {}, {} sur {owed} dues, un rythme régulier en donnerait {}",
            holder(lot, company),
            french::month(*month),
            done_in_french(*done),
            due.rounded()
        ),
        Late::Missing { lot, company, owed, done } => {
            format!("{} : contrat fini, {} pour {owed} dues", holder(lot, company), done_in_french(*done))
        }
    }
}

fn of_lot(lot: &str) -> String {
    if lot.is_empty() { String::new() } else { format!("lot {lot} : ") }
}

pub(super) fn holder(lot: &str, company: &str) -> String {
    let company = if company.is_empty() { "titulaire".to_owned() } else { short(company, 80) };
    if lot.is_empty() { company } else { format!("lot {lot}, {company}") }
}

fn late_key(late: &Late) -> String {
    match late {
        Late::Below { lot, month, .. } => format!("below:{month}{}", part_of(lot)),
        Late::Unsaid { lot, month, .. } => format!("unsaid:{month}{}", part_of(lot)),
        Late::Behind { lot, company, month, .. } => format!("behind:{month}:{lot}:{company}"),
        Late::Missing { lot, company, .. } => format!("missing:{lot}:{company}"),
    }
}

fn part_of(lot: &str) -> String {
    if lot.is_empty() { String::new() } else { format!(":{lot}") }
}

/// A name of its own for something told.
fn told_key(parts: &[&str]) -> String {
    format!("{}:{}", parts[0], &derived_id(parts)[..16])
}

/// What is new of one operation at a day, whether it was told or not.
fn news_of(o: &Operation, rows: &[HoursRow], lots: &[LotOwed], today: NaiveDate) -> Vec<(String, String)> {
    let mut out = Vec::new();
    if let Some(day) = o.next_on.filter(|d| *d <= today && !o.next_step.is_empty()) {
        out.push((
            told_key(&["step", &day.to_string(), &o.next_step]),
            format!("à faire : {}", short(&o.next_step, 120)),
        ));
    }
    for lot in lots.iter().filter(|l| l.published) {
        let named = if lot.lot.is_empty() { "attribuée".to_owned() } else { format!("lot {} attribué", lot.lot) };
        let owed = match lot.owed {
            Hours::NONE => "heures dues à demander".to_owned(),
            owed => format!("{owed}\u{a0}heures dues"),
        };
        let text = format!("{named} à {}, {owed}", short(&lot.company, 80));
        out.push((told_key(&["award", &lot.lot, &lot.company]), text));
    }
    for late in plan::late(rows, lots, today) {
        out.push((told_key(&["late", &late_key(&late)]), format!("heures en retard : {}", late_in_french(&late))));
    }
    out
}

/// What stands to be told of the operations of a structure, told or not.
///
/// # Errors
/// The database fails.
pub(super) async fn news(service: &Service, structure: &str, now: DateTime<Utc>) -> Result<Vec<News>, StoreError> {
    let store = &service.store;
    let today = zones::paris_day(now);
    let books = Books::read(service, structure).await?;
    let beside = store.operation_procedures(structure).await?;
    let mut out = Vec::new();
    for o in store.operations_of(structure).await?.into_iter().filter(|o| o.state.is_open()) {
        let mut found = Vec::new();
        let own: Vec<_> = beside.iter().filter(|a| a.operation == o.id).collect();
        if own.iter().any(|a| a.standing == Standing::Attached)
            && let Some((procedure, asked)) = asked(service, structure, &o.id).await?
        {
            let said = difference(books.sheet(&o.id).map(Sheet::hours), &asked);
            found.push((told_key(&["asked", &procedure, &said]), said));
        }
        let waiting: Vec<String> =
            own.iter().filter(|a| a.standing == Standing::Proposed).map(|a| a.procedure.clone()).collect();
        for row in store.search_rows(&waiting).await? {
            let text = format!("à rattacher, ou non : « {} »", short(&row.title, 120));
            found.push((told_key(&["proposed", &row.procedure]), text));
        }
        found.extend(news_of(&o, books.hours(&o.id), books.lots(&o.id), today));
        let named = format!("{} – {}", short(&o.reference, 40), short(&o.title, 80));
        out.extend(found.into_iter().map(|(key, text)| News {
            operation: o.id.clone(),
            in_charge: o.in_charge.clone(),
            key,
            text: format!("{named} : {text}"),
        }));
    }
    Ok(out)
}

/// What structures answered to hours that are to be worked: in the charge of whoever told them.
async fn hours_news(service: &Service, structure: &str) -> Result<Vec<News>, StoreError> {
    let found = hours_to_fill::news(service, structure).await?.into_iter();
    Ok(found
        .map(|(key, (offer, text))| News { in_charge: offer.by, ..News::of_all(&["hours answer", &key], &text) })
        .collect())
}

/// Purchases of the territory that are planned, contracts that show no social condition, commitments of its buyers that end: they are in
/// nobody's charge. What can still be written comes first.
async fn area_news(service: &Service, structure: &str, now: DateTime<Utc>) -> Result<Vec<News>, StoreError> {
    let lines = to_calibrate::lines(service, structure, now).await?.into_iter();
    let planned = lines.map(|(procedure, text)| News::of_all(&[CALIBRATE, &procedure], &text));
    let lines = unseen::lines(service, structure, now).await?.into_iter();
    let unseen = planned.chain(lines.map(|(procedure, text)| News::of_all(&["unseen", &procedure], &text)));
    let ending = commitments::lines(service, structure).await?.into_iter();
    Ok(unseen.chain(ending.map(|(key, text)| News::of_all(&["spaser", &key], &text))).collect())
}

/// Whether somebody is the one that a name means.
fn is(person: &Subscriber, name: &str) -> bool {
    let key = commune::key(name);
    !key.is_empty() && (commune::key(&person.name) == key || person.id == name)
}

/// What was told to a structure's people.
#[derive(Debug, Default)]
struct Told(HashMap<(String, String), Tellings>);

#[derive(Debug, Default)]
struct Tellings {
    first: Option<DateTime<Utc>>,
    /// Marks of those who were told; empty = everybody.
    to: BTreeSet<String>,
}

/// The mark of a person beside what they were told: it leads back to nobody who is gone.
fn mark(person: &Subscriber) -> String {
    derived_id(&["told", &person.id])[..12].to_owned()
}

impl Told {
    async fn read(service: &Service, structure: &str) -> Result<Self, StoreError> {
        let mut told: HashMap<(String, String), Tellings> = HashMap::new();
        for (operation, what, at) in service.store.operations_told(structure).await? {
            let (key, to) = what.split_once('@').unwrap_or((&what, ""));
            let one = told.entry((operation, key.to_owned())).or_default();
            one.first = Some(one.first.map_or(at, |first| first.min(at)));
            one.to.insert(to.to_owned());
        }
        Ok(Self(told))
    }

    /// Whether something is still to be told to a person. What colleagues were told long ago is no news to whoever takes over.
    fn is_fresh(&self, news: &News, person: &Subscriber, now: DateTime<Utc>) -> bool {
        let Some(one) = self.0.get(&(news.operation.clone(), news.key.clone())) else { return true };
        let known = one.to.contains("") || one.to.contains(&mark(person));
        !known && one.first.is_none_or(|first| now - first < OLD)
    }
}

/// Tells every organisation what is new, each colleague at their hour; gives the number of words.
///
/// # Errors
/// The database fails; what was told stands.
pub async fn run(service: &Service, now: DateTime<Utc>) -> Result<usize, StoreError> {
    let people = People::read(service).await?;
    let mut structures = service.store.structures_with_operations().await?;
    structures.extend(unseen::structures(people.all()));
    structures.sort();
    structures.dedup();
    let mut words = 0;
    for structure in structures {
        let mut all = people.of(&structure);
        all.retain(|p| p.role.may(Permission::FollowOperations));
        let mut ready: Vec<(&Subscriber, String)> = Vec::new();
        for person in all.iter().filter(|p| people.is_here(p) && people.is_hour_of(p, now)) {
            let chore = derived_id(&["operations of", &structure, &person.id]);
            if service.store.is_chore_due(&chore, GAP, now).await? {
                ready.push((person, chore));
            }
        }
        if ready.is_empty() {
            continue;
        }
        let mut standing = news(service, &structure, now).await?;
        standing.extend(hours_news(service, &structure).await?);
        standing.extend(area_news(service, &structure, now).await?);
        let told = Told::read(service, &structure).await?;
        for (person, chore) in ready {
            // What is in nobody's charge, or in the charge of somebody who is gone, is everybody's.
            let mine = standing.iter().filter_map(|n| {
                let in_charge = all.iter().copied().find(|p| is(p, &n.in_charge));
                let reads = people.readers(in_charge, &all).iter().any(|p| p.id == person.id);
                let instead = in_charge.filter(|p| p.id != person.id).map(|p| p.name.as_str());
                (reads && told.is_fresh(n, person, now)).then_some((n, instead))
            });
            let mine: Vec<(&News, Option<&str>)> = mine.collect();
            if mine.is_empty() || !service.store.take_chore(&chore, GAP, now).await? {
                continue;
            }
            let day = zones::paris_day(now).to_string();
            let about = derived_id(&["operations", &structure, &person.id, &day]);
            tell(service, person, &body(service, &mine), about, now).await?;
            words += 1;
            for (n, _) in &mine {
                let what = format!("{}@{}", n.key, mark(person));
                service.store.note_operation_told((&structure, &n.operation), &what, now).await?;
            }
        }
    }
    Ok(words)
}

/// First line: the title.
fn body(service: &Service, news: &[(&News, Option<&str>)]) -> String {
    let mut lines = vec!["Vos opérations : ce qui est nouveau".to_owned()];
    lines.extend(news.iter().take(MAX_LINES).map(|(n, instead)| match instead {
        Some(name) if !name.is_empty() => {
            format!("•\u{a0}{} (en l’absence {})", n.text, french::of(&short(name, 60)))
        }
        _ => format!("•\u{a0}{}", n.text),
    }));
    if news.len() > MAX_LINES {
        lines.push(format!("et {} de plus sur la page.", french::plural(news.len() - MAX_LINES, "nouvelle")));
    }
    if let Some(home) = service.home_url() {
        if news.iter().any(|(n, _)| n.key.starts_with(CALIBRATE)) {
            lines.push(format!("Suivre un achat pour le calibrer : {home}operations/a-calibrer"));
        }
        lines.push(format!("Tout voir : {home}operations"));
    }
    lines.join("\n")
}

/// A word to a person, once for what it is about.
async fn tell(
    service: &Service,
    person: &Subscriber,
    body: &str,
    about: String,
    now: DateTime<Utc>,
) -> Result<(), StoreError> {
    service.store.tell(&person.id, &Alert::word(AlertKind::Account, about), body, now).await?;
    service.deliveries_queued.notify_one();
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_difference_between_what_was_advised_and_what_is_asked_is_told() {
        let hours = |n| Asked { hours: Some(Hours::whole(n)), percent: None, clause: true };
        let advised = Some(Hours::whole(833));
        assert_eq!(
            difference(advised, &hours(600)),
            "l’avis demande 600\u{a0}heures, le calibrage en conseillait 833 : 233 de moins"
        );
        assert!(difference(advised, &hours(1_000)).ends_with("167 de plus"));
        assert_eq!(difference(advised, &hours(833)), "l’avis demande les 833\u{a0}heures calibrées");
        let share = Asked { hours: None, percent: Some(5), clause: true };
        assert!(difference(advised, &share).starts_with("l’avis demande 5\u{202f}% des heures ; le calibrage"));
        let nothing = Asked { hours: None, percent: None, clause: false };
        assert!(difference(None, &nothing).contains("à vérifier au CCAP"));
    }

    #[test]
    fn a_step_is_told_on_its_day_and_an_award_with_what_is_owed() {
        let day = |text: &str| text.parse::<NaiveDate>().unwrap();
        let o = Operation { next_step: "appeler".into(), next_on: Some(day("2027-03-04")), ..Operation::default() };
        assert!(news_of(&o, &[], &[], day("2027-03-03")).is_empty());
        let lot = LotOwed {
            lot: "2".into(),
            company: "Martin SARL".into(),
            owed: Hours::whole(500),
            published: true,
            ..LotOwed::default()
        };
        let told = news_of(&o, &[], &[lot], day("2027-03-04"));
        assert_eq!(told[0].1, "à faire : appeler");
        assert_eq!(told[1].1, "lot 2 attribué à Martin SARL, 500\u{a0}heures dues");
    }
}

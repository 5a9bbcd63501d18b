//! Hours of clauses to be worked: told by a facilitator's organisation to those who asked for it, answered from any door, kept until
//! they are filled.
//!
//! Circle: an answer is for its structure and for the organisation that told the hours; answering is the consent to that. Who else was
//! asked, and what they said, is for nobody. Nobody hears of them who did not ask.

use std::collections::BTreeMap;

use chrono::{DateTime, Duration, NaiveDate, Utc};
use vigie_config::rules;
use vigie_domain::hours_to_fill::{FillState, HoursAnswer, HoursToFill};
use vigie_domain::operation::plan::{self, ToWork};
use vigie_domain::operation::{Hours, MAX_LINE};
use vigie_domain::reach::Reach;
use vigie_domain::{Alert, AlertKind, Filter, Permission, Subscriber, french};
use vigie_notifier::card::{Why, short};
use vigie_notifier::chat::Button;
use vigie_notifier::message::{Form, Message};
use vigie_store::outbox::Item;
use vigie_store::{StoreError, derived_id};
use vigie_watcher::zones;

use crate::after_award::messages::MessageError;
use crate::answers::action;
use crate::links::Purpose;
use crate::partner_calls::name_of;
use crate::presence::People;
use crate::quiet;
use crate::service::Service;

/// Most hours open at once for one organisation: who asked to hear of hours did not ask for a flood.
pub const MOST_OPEN: usize = 20;
/// How long they can be answered at most.
const LONGEST: Duration = Duration::days(180);
/// What is said to whoever answers.
pub const READ_BY: &str =
    "Votre réponse est lue par l’organisation qui propose ces heures, et par votre structure ; par personne d’autre.";
const OPEN_AGAIN: &str = "Ces heures sont de nouveau à pourvoir";
/// What is said where hours can be answered no more.
pub const OVER: &str = "Ces heures ne sont plus à pourvoir.";

/// What is wrong with hours as somebody wrote them.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Fault {
    #[error("dites le métier")]
    NoTrade,
    #[error("dites le lieu")]
    NoPlace,
    #[error("dites combien d’heures")]
    NoHours,
    #[error("dites qui joindre, et comment")]
    NoContact,
    #[error("le dernier jour pour répondre va de demain à six mois")]
    Until,
    #[error("{MAX_LINE} caractères au plus dans « {0} »")]
    TooLong(&'static str),
    #[error("{MOST_OPEN} propositions ouvertes au plus : fermez-en d’abord")]
    TooMany,
}

fn checked(o: &HoursToFill, today: NaiveDate) -> Result<(), Fault> {
    let lines = [("métier", &o.trade), ("lieu", &o.place), ("contact", &o.contact), ("précisions", &o.note)];
    if let Some((name, _)) = lines.into_iter().find(|(_, text)| text.chars().count() > MAX_LINE) {
        return Err(Fault::TooLong(name));
    }
    if o.trade.is_empty() {
        return Err(Fault::NoTrade);
    }
    if o.place.is_empty() {
        return Err(Fault::NoPlace);
    }
    if o.hours.is_none() {
        return Err(Fault::NoHours);
    }
    if o.contact.is_empty() {
        return Err(Fault::NoContact);
    }
    if o.until <= today || o.until > today + LONGEST {
        return Err(Fault::Until);
    }
    Ok(())
}

/// Tells hours, for the organisation of a person; gives their identifier, or what is wrong with them.
///
/// # Errors
/// The database fails.
pub async fn tell(
    service: &Service,
    person: &Subscriber,
    by: &str,
    mut o: HoursToFill,
) -> Result<Result<String, Fault>, StoreError> {
    let (store, now) = (&service.store, service.clock.now());
    let today = zones::paris_day(now);
    if let Err(fault) = checked(&o, today) {
        return Ok(Err(fault));
    }
    if has_enough(service, person, today).await? {
        return Ok(Err(Fault::TooMany));
    }
    let area = crate::areas::of(service, person.structure()).await?;
    let named = if area.name.is_empty() { name_of(service, person.structure()).await? } else { area.name };
    person.structure().clone_into(&mut o.structure);
    o.organisation = short(&named, MAX_LINE - 1);
    o.id = derived_id(&["hours to fill", person.structure(), &now.to_rfc3339(), &o.trade, &o.place]);
    (o.by, o.at, o.state) = (short(by, MAX_LINE - 1), now, FillState::Open);
    if o.departments.is_empty() {
        o.departments = rules::communes().by_code(&o.commune).and_then(|c| c.department()).into_iter().collect();
    }
    store.put_hours_to_fill(&o).await?;
    run(service, now).await?;
    Ok(Ok(o.id))
}

/// Whether an organisation has as many hours open as it may.
async fn has_enough(service: &Service, person: &Subscriber, today: NaiveDate) -> Result<bool, StoreError> {
    let told = service.store.hours_to_fill_of(person.structure()).await?;
    Ok(told.iter().filter(|o| o.is_open(today)).count() >= MOST_OPEN)
}

fn alert_of(offer: &str, person: &str) -> Alert {
    Alert::word(AlertKind::HoursToFill, derived_id(&["hours to fill", offer, person]))
}

/// Tells open hours to those who asked for such and were not told yet, each outside their quiet hours and while they are here; gives the
/// number of messages.
///
/// # Errors
/// The database fails; what was told stands.
pub async fn run(service: &Service, now: DateTime<Utc>) -> Result<usize, StoreError> {
    let store = &service.store;
    let open = store.open_hours_to_fill(zones::paris_day(now)).await?;
    if open.is_empty() {
        return Ok(0);
    }
    let people = People::read(service).await?;
    let wanted = store.hours_readers().await?;
    let mut told = 0;
    for person in people.all().iter().filter(|p| wanted.contains(&p.id)) {
        if !people.is_here(person) || people.is_quiet(person, now) {
            continue;
        }
        for offer in suiting(service, person, &open).await? {
            let alert = alert_of(&offer.id, &person.id);
            if store.has_share(&alert.id, &person.id).await? {
                continue;
            }
            let why = Why { hours: Some(offer.id.clone()), ..Why::default() };
            let reasons = serde_json::to_string(&why).unwrap_or_default();
            let share = store.share_at_once(&person.id, &alert, &reasons, None).await?;
            let mut tx = store.begin_alert(now).await?;
            tx.put_shares(&alert, Some(&offer.in_french()), &[share]).await?;
            tx.commit().await?;
            told += 1;
        }
    }
    if told > 0 {
        service.deliveries_queued.notify_one();
    }
    Ok(told)
}

/// Of these hours, those that suit a person's trades and places and are not their own organisation's.
async fn suiting<'a>(
    service: &Service,
    person: &Subscriber,
    open: &'a [HoursToFill],
) -> Result<Vec<&'a HoursToFill>, StoreError> {
    let mine = service.store.subscriptions_of(&person.id).await?;
    let filters: Vec<&Filter> = mine.iter().map(|s| &s.filter).collect();
    let reader =
        Reach { sectors: &person.profile.sectors, departments: &person.profile.departments, filters: &filters };
    let suits = |o: &&HoursToFill| o.structure != person.structure() && o.suits(&reader, rules::communes());
    Ok(open.iter().filter(suits).collect())
}

/// What is still to be worked of each lot of an organisation's operation.
///
/// # Errors
/// The database fails.
pub async fn to_work(service: &Service, structure: &str, operation: &str) -> Result<Vec<ToWork>, StoreError> {
    let store = &service.store;
    let sheet = store.sheet(structure, operation).await?;
    let rows: Vec<_> = store.hours_of(structure, Some(operation)).await?.into_iter().map(|h| h.row).collect();
    let lots: Vec<_> = store.lots_of(structure, Some(operation)).await?.into_iter().map(|l| l.lot).collect();
    Ok(plan::to_work(sheet.as_ref(), &rows, &lots))
}

/// How many people asked to hear of such hours as each of these, by identifier; of what suits nobody there is none.
///
/// # Errors
/// The database fails.
pub async fn readers(service: &Service, offers: &[HoursToFill]) -> Result<BTreeMap<String, usize>, StoreError> {
    let mut readers = BTreeMap::new();
    if offers.is_empty() {
        return Ok(readers);
    }
    for id in service.store.hours_readers().await? {
        let Some(person) = service.store.subscriber(&id).await? else { continue };
        for offer in suiting(service, &person, offers).await? {
            *readers.entry(offer.id.clone()).or_default() += 1;
        }
    }
    Ok(readers)
}

/// Whether somebody asked to hear of such hours.
///
/// # Errors
/// The database fails.
pub async fn wants(service: &Service, person: &Subscriber) -> Result<bool, StoreError> {
    Ok(service.store.hours_readers().await?.contains(&person.id))
}

/// Says whether somebody wants to hear of such hours; those that are open now come at once.
///
/// # Errors
/// The database fails.
pub async fn want(service: &Service, person: &Subscriber, wants: bool) -> Result<(), StoreError> {
    let now = service.clock.now();
    service.store.set_hours_reader(&person.id, wants, now).await?;
    if wants {
        run(service, now).await?;
    }
    Ok(())
}

/// The hours that somebody may answer now, with what their structure answered.
///
/// # Errors
/// The database fails.
pub async fn open_for(
    service: &Service,
    person: &Subscriber,
) -> Result<Vec<(HoursToFill, Option<HoursAnswer>)>, StoreError> {
    let open = service.store.open_hours_to_fill(zones::paris_day(service.clock.now())).await?;
    let answers = service.store.hours_answers_of(person.structure()).await?;
    let with = |o: &HoursToFill| (o.clone(), answers.iter().find(|a| a.offer == o.id).cloned());
    Ok(suiting(service, person, &open).await?.into_iter().map(with).collect())
}

/// What came of an answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Answered {
    Noted {
        yes: bool,
        whom: String,
        contact: String,
    },
    /// They are filled, taken back, or too old.
    Over,
    /// Nobody told these hours to this person.
    Unknown,
}

impl Answered {
    /// As a person reads it.
    #[must_use]
    pub fn in_french(&self) -> String {
        match self {
            Self::Noted { yes: true, whom, contact } => {
                format!("C’est noté : {} lit votre réponse. Contact : {}.", short(whom, 120), short(contact, 200))
            }
            Self::Noted { .. } => "C’est noté : ces heures ne sont pas pour vous.".to_owned(),
            Self::Over => OVER.to_owned(),
            Self::Unknown => "Je ne connais pas ces heures.".to_owned(),
        }
    }
}

/// What a person answers for their structure. Who was told of hours may answer them, and who asked to hear of such.
///
/// # Errors
/// The database fails.
pub async fn answer(
    service: &Service,
    (person, by): (&Subscriber, &str),
    offer: &str,
    (yes, hours, note): (bool, Hours, &str),
) -> Result<Answered, StoreError> {
    let (store, now) = (&service.store, service.clock.now());
    let Some(o) = store.hours_to_fill(offer).await?.filter(|o| o.structure != person.structure()) else {
        return Ok(Answered::Unknown);
    };
    if !wants(service, person).await? && !store.has_share(&alert_of(&o.id, &person.id).id, &person.id).await? {
        return Ok(Answered::Unknown);
    }
    if !o.is_open(zones::paris_day(now)) {
        return Ok(Answered::Over);
    }
    let answer = HoursAnswer {
        offer: o.id.clone(),
        structure: person.structure().to_owned(),
        name: short(&name_of(service, person.structure()).await?, MAX_LINE - 1),
        yes,
        hours: if yes { hours } else { Hours::NONE },
        note: short(note, MAX_LINE - 1),
        kept: Hours::NONE,
        by: short(by, MAX_LINE - 1),
        at: now,
    };
    store.put_hours_answer(&answer).await?;
    Ok(Answered::Noted { yes, whom: o.organisation, contact: o.contact })
}

/// What became of hours that somebody would keep.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kept {
    Noted,
    /// There is nothing to keep.
    Nothing,
    /// No more than these were offered; nothing is noted.
    TooMany {
        offered: Hours,
    },
}

/// Keeps so many hours of a structure's answer, and closes what is filled by that. The structure is told what changed for it, and so are,
/// of what is filled, those who answered yes in vain.
///
/// # Errors
/// The database fails.
pub async fn keep(
    service: &Service,
    person: &Subscriber,
    (offer, structure): (&str, &str),
    kept: Hours,
) -> Result<Kept, StoreError> {
    let store = &service.store;
    let Some(o) = store.hours_to_fill(offer).await?.filter(|o| o.structure == person.structure()) else {
        return Ok(Kept::Nothing);
    };
    if kept > o.hours {
        return Ok(Kept::TooMany { offered: o.hours });
    }
    let before = store.hours_answers_to(person.structure(), offer).await?;
    let before = before.iter().find(|a| a.structure == structure).map_or(Hours::NONE, |a| a.kept);
    if !store.keep_hours_answer(person.structure(), (offer, structure), kept).await? {
        return Ok(Kept::Nothing);
    }
    let answers = store.hours_answers_to(person.structure(), offer).await?;
    if kept != before {
        let (head, what) = match (before.is_none(), kept.is_none()) {
            (_, true) => ("Vos heures ne sont plus retenues", "ne retient plus d’heures".to_owned()),
            (true, false) => ("Vos heures sont retenues", format!("retient {kept}\u{a0}heures")),
            (false, false) => {
                ("Vos heures retenues ont changé", format!("retient {kept}\u{a0}heures, et non {before},"))
            }
        };
        let body =
            format!("{head}\n{} {what} de votre réponse.\n{}\nContact : {}", o.organisation, o.in_french(), o.contact);
        let at = service.clock.now().to_rfc3339();
        word(service, structure, &["hours kept", offer, structure, &kept.0.to_string(), &at], &body).await?;
    }
    let filled: Hours = answers.iter().map(|a| a.kept).sum();
    if filled >= o.hours && store.end_hours_to_fill(person.structure(), offer, FillState::Filled).await? {
        tell_in_vain(service, &o, &answers, "Ces heures sont pourvues").await?;
    }
    Ok(Kept::Noted)
}

/// Takes hours back, or closes them by hand; `false` where they are closed already.
///
/// # Errors
/// The database fails.
pub async fn close(service: &Service, person: &Subscriber, offer: &str, filled: bool) -> Result<bool, StoreError> {
    let store = &service.store;
    let Some(o) = store.hours_to_fill(offer).await?.filter(|o| o.structure == person.structure()) else {
        return Ok(false);
    };
    let (state, head) = match filled {
        true => (FillState::Filled, "Ces heures sont pourvues"),
        false => (FillState::Withdrawn, "Ces heures ne sont plus proposées"),
    };
    if !store.end_hours_to_fill(person.structure(), offer, state).await? {
        return Ok(false);
    }
    let answers = store.hours_answers_to(person.structure(), offer).await?;
    tell_in_vain(service, &o, &answers, head).await?;
    Ok(true)
}

/// Opens again what was closed too early, and tells so to those who heard that it was over; `false` where it is open, or its last day is
/// past.
///
/// # Errors
/// The database fails.
pub async fn reopen(service: &Service, person: &Subscriber, offer: &str) -> Result<Result<bool, Fault>, StoreError> {
    let (store, now) = (&service.store, service.clock.now());
    let today = zones::paris_day(now);
    let own = store.hours_to_fill(offer).await?.filter(|o| o.structure == person.structure() && o.until >= today);
    let Some(o) = own else { return Ok(Ok(false)) };
    if has_enough(service, person, today).await? {
        return Ok(Err(Fault::TooMany));
    }
    if !store.reopen_hours_to_fill(person.structure(), offer).await? {
        return Ok(Ok(false));
    }
    let answers = store.hours_answers_to(person.structure(), offer).await?;
    tell_in_vain(service, &o, &answers, OPEN_AGAIN).await?;
    run(service, now).await?;
    Ok(Ok(true))
}

/// Tells those who answered yes, and of whom nothing was kept, what became of the hours.
async fn tell_in_vain(
    service: &Service,
    o: &HoursToFill,
    answers: &[HoursAnswer],
    head: &str,
) -> Result<(), StoreError> {
    let at = service.clock.now().to_rfc3339();
    for a in answers.iter().filter(|a| a.yes && a.kept.is_none()) {
        let thanks = format!("Merci d’avoir répondu à {}.", o.organisation);
        let end = if head == OPEN_AGAIN { "Votre réponse tient toujours." } else { &thanks };
        let body = format!("{head}\n{}\n{end}", o.in_french());
        word(service, &a.structure, &["hours over", &o.id, &a.structure, head, &at], &body).await?;
    }
    Ok(())
}

/// A word to the people of a structure who hear of such hours, or decide for it.
async fn word(service: &Service, structure: &str, about: &[&str], body: &str) -> Result<(), StoreError> {
    let now = service.clock.now();
    let wanted = service.store.hours_readers().await?;
    for person in service.store.people_of(structure).await? {
        if wanted.contains(&person.id) || person.role.may(Permission::Decide) {
            let mut parts = about.to_vec();
            parts.push(&person.id);
            let alert = Alert::word(AlertKind::Account, derived_id(&parts));
            quiet::tell(service, &person.id, &alert, body, now).await?;
        }
    }
    service.deliveries_queued.notify_one();
    Ok(())
}

/// What an organisation told, each with its answers.
///
/// # Errors
/// The database fails.
pub async fn told_by(service: &Service, structure: &str) -> Result<Vec<(HoursToFill, Vec<HoursAnswer>)>, StoreError> {
    let mut out = Vec::new();
    for offer in service.store.hours_to_fill_of(structure).await? {
        let answers = service.store.hours_answers_to(structure, &offer.id).await?;
        out.push((offer, answers));
    }
    Ok(out)
}

/// How many hours the yeses make, how many are kept, and how many said no.
#[must_use]
pub fn sums(answers: &[HoursAnswer]) -> (Hours, Hours, usize) {
    let (yes, no): (Vec<_>, Vec<_>) = answers.iter().partition(|a| a.yes);
    (yes.iter().map(|a| a.hours).sum(), yes.iter().map(|a| a.kept).sum(), no.len())
}

/// The hours that an item tells of.
fn offer_of(item: &Item) -> Option<String> {
    serde_json::from_str::<Why>(&item.reasons).ok()?.hours
}

/// Whether what an item tells can still be answered.
///
/// # Errors
/// The database fails.
pub async fn still_stands(service: &Service, item: &Item) -> Result<bool, StoreError> {
    let Some(offer) = offer_of(item) else { return Ok(false) };
    let today = zones::paris_day(service.clock.now());
    Ok(service.store.hours_to_fill(&offer).await?.is_some_and(|o| o.is_open(today)))
}

/// The message about hours, made when it leaves.
///
/// # Errors
/// The database fails, or a template.
pub async fn message(
    service: &Service,
    (item, person): (&Item, &str),
    form: Form,
    unsubscribe: Option<String>,
) -> Result<Option<Message>, MessageError> {
    let Some(offer) = offer_of(item) else { return Ok(None) };
    let Some(o) = service.store.hours_to_fill(&offer).await? else { return Ok(None) };
    let mut lines = vec!["Des heures de clause à pourvoir".to_owned(), format!("{}.", o.in_french())];
    lines.extend(Some(&o.note).filter(|n| !n.is_empty()).cloned());
    lines.push(format!("Proposé par {} ; contact : {}.", o.organisation, o.contact));
    lines.push(format!("Réponse jusqu’au {}. {READ_BY}", french::date(o.until)));
    let until = (o.until + Duration::days(1)).and_time(chrono::NaiveTime::MIN).and_utc();
    if form != Form::Chat {
        let link = service.link(Purpose::HoursToFill, &format!("{offer}:{person}"), Some(until));
        lines.extend(link.map(|link| format!("Répondre : {link}")));
    }
    Ok(Some(service.templates.word(form, &lines.join("\n"), unsubscribe)?))
}

/// The buttons under that message in a chat.
#[must_use]
pub fn buttons(reasons: &str) -> Vec<Vec<Button>> {
    let offer = serde_json::from_str::<Why>(reasons).ok().and_then(|why| why.hours);
    offer.map(|offer| vec![choices(&offer)]).unwrap_or_default()
}

/// Yes and no to hours.
#[must_use]
pub fn choices(offer: &str) -> Vec<Button> {
    vec![
        action::command("Nous pouvons", &format!("/heures oui {offer}")),
        action::command("Pas pour nous", &format!("/heures non {offer}")),
    ]
}

/// The line that tells an organisation what was answered to its open hours, by its key.
///
/// # Errors
/// The database fails.
pub(crate) async fn news(
    service: &Service,
    structure: &str,
) -> Result<BTreeMap<String, (HoursToFill, String)>, StoreError> {
    let today = zones::paris_day(service.clock.now());
    let mut out = BTreeMap::new();
    for (offer, answers) in told_by(service, structure).await? {
        if !offer.is_open(today) {
            continue;
        }
        for a in answers.iter().filter(|a| a.yes) {
            let hours = if a.hours.is_none() { "oui".to_owned() } else { format!("oui, {}\u{a0}heures", a.hours) };
            let text =
                format!("heures à pourvoir ({}) : {} répond {hours}", short(&offer.trade, 60), short(&a.name, 80));
            out.insert(
                derived_id(&["hours answer", &offer.id, &a.structure, &a.hours.0.to_string()]),
                (offer.clone(), text),
            );
        }
    }
    Ok(out)
}

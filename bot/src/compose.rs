//! What a delivery says: the items it is made from, rechecked, as one message.
//!
//! Many people hear of one notice in the same words: a message just made for one of them is kept a minute for the others, and
//! only the links by which each answers and stops messages differ. It is made anew when the notice has a newer version.

use std::collections::{HashMap, HashSet};
use std::sync::{Mutex, PoisonError};

use chrono::{DateTime, Duration, Utc};
use vigie_domain::procedure::Change;
use vigie_domain::{AlertKind, Assessment, Channel, Notice, Subscriber};
use vigie_notifier::card::{Card, Links, Told, Why, card};
use vigie_notifier::chat::{Button, Rich};
use vigie_notifier::digest::Shown;
use vigie_notifier::message::{ANSWER_HERE, Message, UNSUBSCRIBE_HERE};
use vigie_store::StoreError;
use vigie_store::consent::ASK_CAUSE;
use vigie_store::outbox::{Claimed, Item};
use vigie_store::sessions::SIGN_IN_CAUSE;

use crate::app::{App, Failure};
use crate::optin;
use crate::talk::state;
use crate::web::session;

/// Most départements whose facilitators are looked up for one message.
const MAX_DEPARTMENTS: usize = 3;
/// Most facilitators named in one message.
const MAX_CONTACTS: usize = 3;
/// How long a message is kept: "in 3 days" must not grow old, nor a contact.
const KEPT_FOR: Duration = Duration::minutes(1);
/// Most messages kept.
const MAX_KEPT: usize = 64;

/// Messages just made, by alert, version of the notice, reasons, and whether they ask for an answer by link.
#[derive(Debug, Default)]
pub struct Kept(Mutex<HashMap<Key, (DateTime<Utc>, Message)>>);

type Key = (String, i64, String, bool);

impl Kept {
    fn get(&self, key: &Key, now: DateTime<Utc>) -> Option<Message> {
        let kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        kept.get(key).filter(|(made, _)| is_fresh(*made, now)).map(|(_, message)| message.clone())
    }

    fn has(&self, key: &Key, now: DateTime<Utc>) -> bool {
        let kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        kept.get(key).is_some_and(|(made, _)| is_fresh(*made, now))
    }

    fn put(&self, key: Key, message: &Message, now: DateTime<Utc>) {
        let mut kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if kept.len() >= MAX_KEPT {
            kept.clear();
        }
        kept.insert(key, (now, message.clone()));
    }
}

fn is_fresh(made: DateTime<Utc>, now: DateTime<Utc>) -> bool {
    made <= now && now - made < KEPT_FOR
}

/// What there is to send.
pub(crate) enum Composed {
    /// This.
    Message(Box<Message>),
    /// Nothing any more; says why.
    Nothing(&'static str),
    /// It cannot be made; says why.
    Broken(String),
}

/// Reads ahead what the messages of these deliveries are made from, once for those that share a message.
///
/// # Errors
/// The database fails.
pub(crate) async fn read_ahead(app: &App, claimed: &mut [Claimed]) -> Result<(), StoreError> {
    let now = app.clock.now();
    let mut keys = HashSet::new();
    let mut first: Vec<&mut Claimed> = claimed
        .iter_mut()
        .filter(|d| {
            let key = shared_key(d, asks_by_link(app, d));
            key.is_some_and(|k| !app.kept.has(&k, now) && keys.insert(k))
        })
        .collect();
    app.store.read_ahead(&mut first).await
}

/// The message of a delivery.
///
/// # Errors
/// The database fails.
pub(crate) async fn compose(app: &App, delivery: &Claimed) -> Result<Composed, StoreError> {
    let now = app.clock.now();
    let unsubscribe = app.unsubscribe_url(&delivery.address);
    if delivery.cause.starts_with(ASK_CAUSE) {
        return optin::compose(app, delivery, unsubscribe).await;
    }
    if let Some(id) = delivery.cause.strip_prefix(SIGN_IN_CAUSE) {
        return sign_in(app, id, now).await;
    }
    let asks = asks_by_link(app, delivery);
    let answer = if asks { app.answer_url(&delivery.id, now) } else { None };
    let key = shared_key(delivery, asks);
    if let Some(message) = key.as_ref().and_then(|k| app.kept.get(k, now)) {
        return Ok(Composed::Message(Box::new(message.addressed(unsubscribe, answer.as_deref()))));
    }
    let mut items = app.store.items(delivery).await?;
    if drop_settled(app, delivery, &mut items).await? && items.is_empty() {
        return Ok(Composed::Nothing("la structure a décidé, ou la procédure n’est plus ouverte"));
    }
    let here = unsubscribe.as_ref().map(|_| UNSUBSCRIBE_HERE.to_owned());
    Ok(match render(app, delivery, &items, here, asks).await {
        Ok(None) => Composed::Nothing("plus rien à dire"),
        Err(why) => Composed::Broken(why),
        Ok(Some(message)) => {
            if let Some(key) = key {
                app.kept.put(key, &message, now);
            }
            Composed::Message(Box::new(message.addressed(unsubscribe, answer.as_deref())))
        }
    })
}

/// The message that carries a sign-in link.
async fn sign_in(app: &App, id: &str, now: DateTime<Utc>) -> Result<Composed, StoreError> {
    let Some(link) = session::link_of(app, id, now).await? else {
        return Ok(Composed::Nothing("le lien est périmé, ou a déjà servi"));
    };
    Ok(match app.templates.sign_in(&link) {
        Ok(message) => Composed::Message(Box::new(message)),
        Err(e) => Composed::Broken(e.to_string()),
    })
}

/// Whether a mail about one procedure leads its reader to a page to answer on: where they decide for a structure.
fn asks_by_link(app: &App, delivery: &Claimed) -> bool {
    delivery.channel == Channel::Email
        && !delivery.procedure.is_empty()
        && app.has_links()
        && delivery.role.is_some_and(state::decides)
        && matches!(
            kind(delivery),
            Some(AlertKind::New | AlertKind::Correction | AlertKind::Reminder | AlertKind::Undecided)
        )
}

/// Which kind of alert an instant message carries.
fn kind(delivery: &Claimed) -> Option<AlertKind> {
    delivery.head.as_ref().and_then(|h| serde_json::from_value(h.alert_kind.clone().into()).ok())
}

/// Under which name a message may serve others: one alert about one notice, for the same reasons.
fn shared_key(delivery: &Claimed, asks: bool) -> Option<Key> {
    let head = delivery.head.as_ref().filter(|_| !delivery.procedure.is_empty())?;
    let lasting = ![AlertKind::Reminder.as_str(), AlertKind::Undecided.as_str()].contains(&head.alert_kind.as_str());
    lasting.then(|| (delivery.cause.clone(), head.version, head.reasons.clone(), asks))
}

/// Leaves out reminders that have lost their reason meanwhile; whether there were any.
async fn drop_settled(app: &App, delivery: &Claimed, items: &mut Vec<Item>) -> Result<bool, StoreError> {
    let reminds =
        |i: &Item| [AlertKind::Reminder.as_str(), AlertKind::Undecided.as_str()].contains(&i.alert_kind.as_str());
    if !items.iter().any(reminds) {
        return Ok(false);
    }
    let Some(person) = app.store.subscriber(&delivery.subscriber).await? else { return Ok(false) };
    let (mut kept, before) = (Vec::new(), items.len());
    for item in items.drain(..) {
        if !reminds(&item) || still_wanted(app, &person, &item).await? {
            kept.push(item);
        }
    }
    *items = kept;
    Ok(items.len() < before)
}

/// The procedure is open, and the structure still goes for it; or still has not made up its mind.
async fn still_wanted(app: &App, person: &Subscriber, item: &Item) -> Result<bool, StoreError> {
    if app.store.open_dates(&item.procedure).await?.is_none() {
        return Ok(false);
    }
    let decisions = app.store.decisions_on(person.structure(), &item.procedure).await?;
    Ok(if item.alert_kind == AlertKind::Undecided.as_str() {
        !decisions.iter().any(|d| d.stage.is_decided())
    } else {
        decisions.iter().any(|d| !d.stage.declines())
    })
}

/// What a message is made from, parsed.
struct Part {
    kind: AlertKind,
    changes: Vec<Change>,
    notice: Notice,
    assessment: Assessment,
    why: Why,
    contacts: Vec<String>,
    page: Option<String>,
    asks: bool,
}

impl Part {
    fn told(&self) -> Told<'_> {
        Told {
            kind: self.kind,
            changes: &self.changes,
            notice: &self.notice,
            assessment: &self.assessment,
            why: &self.why,
            contacts: &self.contacts,
            links: Links { page: self.page.as_deref(), answer: self.asks.then_some(ANSWER_HERE) },
        }
    }
}

/// All of a digest, as a page; `None` when there is none of that name.
///
/// # Errors
/// The database fails, or a template.
pub async fn digest_page(app: &App, delivery: &str) -> Result<Option<String>, Failure> {
    let Some(row) = app.store.delivery(delivery).await? else { return Ok(None) };
    let items = app.store.items_of(&row.id, &row.subscriber, &row.cause).await?;
    let parts: Vec<Part> = items.iter().filter_map(|i| part(app, i).ok()).collect();
    let told: Vec<Told<'_>> = parts.iter().map(Part::told).collect();
    if told.is_empty() {
        return Ok(None);
    }
    let message = app.templates.digest(&told, Shown::Whole, None, app.clock.now());
    message.map(|m| Some(m.html)).map_err(|e| Failure::new(e.to_string(), "résumé", "corrigez ce modèle"))
}

/// The card of what an instant message told; `None` where nothing is left of it.
///
/// # Errors
/// The database fails.
pub(crate) async fn card_of(app: &App, delivery: &str) -> Result<Option<Card>, StoreError> {
    let Some(row) = app.store.delivery(delivery).await? else { return Ok(None) };
    let items = app.store.items_of(&row.id, &row.subscriber, &row.cause).await?;
    let Some(mut part) = items.iter().find_map(|i| part(app, i).ok()) else { return Ok(None) };
    part.contacts = contacts(app, &part).await?;
    Ok(Some(card(&part.told(), app.clock.now())))
}

/// What an instant message says in a chat, made anew; `None` where nothing is left of it.
///
/// # Errors
/// The database fails.
pub(crate) async fn chat_of(app: &App, delivery: &str) -> Result<Option<(AlertKind, Rich)>, StoreError> {
    let Some(row) = app.store.delivery(delivery).await? else { return Ok(None) };
    let items = app.store.items_of(&row.id, &row.subscriber, &row.cause).await?;
    let Some(mut part) = items.iter().find_map(|i| part(app, i).ok()) else { return Ok(None) };
    part.contacts = contacts(app, &part).await?;
    let message = app.templates.alert(&part.told(), None, app.clock.now());
    Ok(message.ok().map(|m| (part.kind, m.chat)))
}

/// The buttons under a delivery in a chat.
pub(crate) fn buttons_of(delivery: &Claimed) -> Vec<Vec<Button>> {
    if delivery.procedure.is_empty() || !matches!(delivery.channel, Channel::Telegram | Channel::Matrix) {
        return Vec::new();
    }
    let (Some(kind), Some(role)) = (kind(delivery), delivery.role) else { return Vec::new() };
    state::buttons(kind, role, &delivery.id)
}

/// Who can help with what a message tells: facilitators where the contract is carried out, the buyer's commitment.
async fn contacts(app: &App, part: &Part) -> Result<Vec<String>, StoreError> {
    let mut out: Vec<String> = Vec::new();
    if part.assessment.provisions.is_empty() {
        return Ok(out);
    }
    for department in part.assessment.departments.iter().take(MAX_DEPARTMENTS) {
        for facilitator in app.store.facilitators(department).await? {
            let line = facilitator.in_french();
            if !out.contains(&line) && out.len() < MAX_CONTACTS {
                out.push(line);
            }
        }
    }
    if let Some(siren) = part.notice.buyer.siren()
        && app.store.is_committed(siren).await?
    {
        out.push("Cet acheteur s’est doté d’un schéma d’achats socialement responsables (SPASER)".to_owned());
    }
    Ok(out)
}

async fn render(
    app: &App,
    delivery: &Claimed,
    items: &[Item],
    unsubscribe: Option<String>,
    asks: bool,
) -> Result<Option<Message>, String> {
    if let Some(item) = items.iter().find(|i| i.alert_kind == AlertKind::Operator.as_str()) {
        let body = item.body.as_deref().unwrap_or_default();
        let (title, text) = body.split_once('\n').unwrap_or((body, ""));
        return app.templates.operator(title, text).map(Some).map_err(|e| e.to_string());
    }
    if let Some(item) = items.iter().find(|i| i.alert_kind == AlertKind::Account.as_str()) {
        let body = item.body.as_deref().unwrap_or_default();
        return app.templates.word(body, unsubscribe).map(Some).map_err(|e| e.to_string());
    }
    let mut parts: Vec<Part> = Vec::new();
    for item in items {
        match part(app, item) {
            Ok(part) => parts.push(part),
            // One unreadable line must not keep the rest of a digest; alone, it is the operator's to see.
            Err(e) if items.len() > 1 => tracing::error!(delivery = %delivery.id, "unreadable item: {e}"),
            Err(e) => return Err(format!("donnée illisible : {e}")),
        }
    }
    // A digest has no room for contacts.
    if let [one] = parts.as_mut_slice()
        && !delivery.procedure.is_empty()
    {
        one.contacts = contacts(app, one).await.map_err(|e| e.to_string())?;
        one.asks = asks;
    }
    let told: Vec<Told<'_>> = parts.iter().map(Part::told).collect();
    let now = app.clock.now();
    match told.as_slice() {
        [] => Ok(None),
        [one] if !delivery.procedure.is_empty() => {
            app.templates.alert(one, unsubscribe, now).map(Some).map_err(|e| e.to_string())
        }
        many => {
            let shown = app.digest_url(&delivery.id, now).map_or(Shown::Screen, Shown::ScreenAndPage);
            app.templates.digest(many, shown, unsubscribe, now).map(Some).map_err(|e| e.to_string())
        }
    }
}

fn part(app: &App, item: &Item) -> Result<Part, serde_json::Error> {
    Ok(Part {
        kind: serde_json::from_str(&format!("\"{}\"", item.alert_kind))?,
        changes: serde_json::from_str(&item.changes)?,
        notice: serde_json::from_str(&item.document)?,
        assessment: serde_json::from_str(&item.assessment)?,
        why: serde_json::from_str(&item.reasons).unwrap_or_default(),
        contacts: Vec::new(),
        page: app.procedure_url(&item.procedure),
        asks: false,
    })
}

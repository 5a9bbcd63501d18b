//! What a delivery says: the items it is made from, rechecked, as one message.
//!
//! Many people hear of one notice in the same words: a message just made for one of them is kept a minute for the others, and
//! only the links by which each answers and stops messages differ. It is made anew when the notice has a newer version.

use std::collections::HashSet;

use chrono::{DateTime, Duration, Utc};
use vigie_domain::{AlertKind, Cause, Channel, Permission, ProcedureState, Stage, Subscriber, Subscription, french};
use vigie_notifier::card::{AlertItem, Stands, short};
use vigie_notifier::chat::{Button, ButtonAction};
use vigie_notifier::criteria;
use vigie_notifier::digest::Shown;
use vigie_notifier::message::{Ask, Form, Message, UNSUBSCRIBE_HERE};
use vigie_service::after_award::messages;
use vigie_service::alert_card::{self, AlertCard};
use vigie_service::answers::state_line;
use vigie_service::events;
use vigie_service::hours_to_fill;
use vigie_service::links::Purpose;
use vigie_service::network;
use vigie_service::operations::report;
use vigie_service::partner_calls::messages as partner_calls;
use vigie_service::questions::{self, Question};
use vigie_service::{personal_data, preview, sign_in as sign_in_links};
use vigie_store::StoreError;
use vigie_store::outbox::{Claimed, Item};
use vigie_watcher::zones;

use crate::engine::Engine;
use crate::message_cache::Key;

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
pub(crate) async fn read_ahead(engine: &Engine, claimed: &mut [Claimed]) -> Result<(), StoreError> {
    let now = engine.service.clock.now();
    let mut keys = HashSet::new();
    let mut first: Vec<&mut Claimed> = claimed
        .iter_mut()
        .filter(|d| {
            let key = shared_key(d, asks_by_link(engine, d), None);
            key.is_some_and(|k| !engine.cache.has(&k, now) && keys.insert(k))
        })
        .collect();
    engine.service.store.read_ahead(&mut first).await
}

/// The message of a delivery.
///
/// # Errors
/// The database fails.
pub(crate) async fn compose(engine: &Engine, delivery: &Claimed) -> Result<Composed, StoreError> {
    let now = engine.service.clock.now();
    let unsubscribe = engine.service.unsubscribe_url(&delivery.address);
    match &delivery.cause {
        Cause::OptIn(_) => return opt_in(engine, delivery, unsubscribe).await,
        Cause::SignIn(id) => return sign_in(engine, delivery, id, now).await,
        Cause::Alert(_) | Cause::Digest { .. } => {}
    }
    let asks = asks_by_link(engine, delivery);
    let answer = if asks { engine.service.answer_url(&delivery.id, now) } else { None };
    let stands = match delivery.procedure.is_empty() {
        true => None,
        false => stands(engine, delivery, kind(delivery), &delivery.procedure).await?,
    };
    let key = shared_key(delivery, asks, stands.clone());
    if let Some(message) = key.as_ref().and_then(|k| engine.cache.get(k, now)) {
        return Ok(Composed::Message(Box::new(message.addressed(unsubscribe, answer.as_deref()))));
    }
    let mut items = engine.service.store.items(delivery).await?;
    let all = items.len();
    if delivery.cause.is_digest() {
        items = alert_card::without_declined(&engine.service, &delivery.subscriber, items).await?;
    }
    if (drop_settled(engine, delivery, &mut items).await? || items.len() < all) && items.is_empty() {
        return Ok(Composed::Nothing("la structure a décidé, ou la procédure n’est plus ouverte"));
    }
    let here = unsubscribe.as_ref().map(|_| UNSUBSCRIBE_HERE.to_owned());
    Ok(match render(engine, delivery, &items, here, (asks, stands)).await {
        Ok(None) => Composed::Nothing("plus rien à dire"),
        Err(why) => Composed::Broken(why),
        Ok(Some(message)) => {
            if let Some(key) = key {
                engine.cache.put(key, &message, now);
            }
            Composed::Message(Box::new(message.addressed(unsubscribe, answer.as_deref())))
        }
    })
}

/// How long a link confirms: the next reminder brings another.
const CONFIRM_WITHIN: Duration = Duration::days(7);
/// Most subscriptions told in the message.
const MAX_WISHES: usize = 5;
/// Most open markets shown in it.
const MAX_MARKETS: usize = 3;

/// The message that asks.
async fn opt_in(engine: &Engine, delivery: &Claimed, unsubscribe: Option<String>) -> Result<Composed, StoreError> {
    let now = engine.service.clock.now();
    let until = now + CONFIRM_WITHIN;
    let subscriptions = engine.service.store.subscriptions_of(&delivery.subscriber).await?;
    let person = engine.service.store.subscriber(&delivery.subscriber).await?;
    let networks = match &person {
        Some(person) => network::asking(&engine.service, person).await?,
        None => Vec::new(),
    };
    let ask = Ask {
        given_by: networks.into_iter().map(|(_, name)| name).collect(),
        markets: open_markets(engine, &delivery.subscriber, &subscriptions, now).await?,
        wishes: subscriptions.iter().take(MAX_WISHES).map(|s| criteria::in_french(&s.filter)).collect(),
        link: engine.service.link(Purpose::Confirm, &delivery.address, Some(until)),
        until: french::date(zones::paris_day(until)),
        by_reply: delivery.channel == Channel::Email && engine.service.settings.hears_replies(),
        again: engine.service.store.asks(&delivery.address).await? > 1,
        purpose: personal_data::PURPOSE.to_owned(),
        forgotten_after: engine.service.settings.retention.unconfirmed_days,
        retention: personal_data::retention_in_french(&engine.service.settings.retention),
    };
    if ask.link.is_none() && !ask.by_reply {
        let why = "ni page publique ([web] public_url, secret) ni boîte de réception ([mailbox]) : l’adresse ne pourrait pas répondre";
        return Ok(Composed::Broken(why.to_owned()));
    }
    Ok(match engine.service.templates.ask(Form::of(delivery.channel), &ask, unsubscribe) {
        Ok(message) => Composed::Message(Box::new(message)),
        Err(e) => Composed::Broken(e.to_string()),
    })
}

/// Markets that the first of these subscriptions finds and that can be answered now, by title and closing date.
async fn open_markets(
    engine: &Engine,
    person: &str,
    subscriptions: &[Subscription],
    now: DateTime<Utc>,
) -> Result<Vec<String>, StoreError> {
    let (Some(first), Some(person)) = (subscriptions.first(), engine.service.store.subscriber(person).await?) else {
        return Ok(Vec::new());
    };
    let found = preview::preview(&engine.service, &first.filter, &person.profile, preview::DAYS).await?;
    let mut lines = Vec::new();
    for sample in found.samples {
        let Some(published) = engine.service.store.state_of(&sample.procedure).await? else { continue };
        let state = ProcedureState::of(&published, "", now);
        if let (true, Some(closes)) = (state.phase.takes_answers(), state.closes) {
            lines.push(format!("{}, avant le {}", short(&sample.title, 100), french::date(closes.date_naive())));
        }
    }
    lines.truncate(MAX_MARKETS);
    Ok(lines)
}

/// The message that carries a sign-in link.
async fn sign_in(engine: &Engine, delivery: &Claimed, id: &str, now: DateTime<Utc>) -> Result<Composed, StoreError> {
    let Some(link) = sign_in_links::link_of(&engine.service, id, now).await? else {
        return Ok(Composed::Nothing("le lien est périmé, ou a déjà servi"));
    };
    Ok(match engine.service.templates.sign_in(Form::of(delivery.channel), &link) {
        Ok(message) => Composed::Message(Box::new(message)),
        Err(e) => Composed::Broken(e.to_string()),
    })
}

/// Whether a mail about one procedure leads its reader to a page to answer on: where they decide for a structure.
fn asks_by_link(engine: &Engine, delivery: &Claimed) -> bool {
    delivery.channel == Channel::Email
        && !delivery.procedure.is_empty()
        && engine.service.has_links()
        && delivery.role.is_some_and(|role| role.may(Permission::Decide))
        && kind(delivery).is_some_and(AlertKind::can_be_answered)
}

/// Which kind of alert an instant message carries.
fn kind(delivery: &Claimed) -> Option<AlertKind> {
    delivery.head.as_ref().map(|h| h.alert_kind)
}

/// What the reader's structure answered, where a message follows a call and they decide: a call itself is told before anybody answers.
async fn stands(
    engine: &Engine,
    delivery: &Claimed,
    kind: Option<AlertKind>,
    procedure: &str,
) -> Result<Option<Stands>, StoreError> {
    let follows = kind.is_some_and(|k| k.can_be_answered() && k != AlertKind::New && !k.is_for_its_reader());
    if !follows || !delivery.role.is_some_and(|role| role.may(Permission::Decide)) {
        return Ok(None);
    }
    let Some(person) = engine.service.store.subscriber(&delivery.subscriber).await? else { return Ok(None) };
    let mut stands = alert_card::stands(&engine.service, person.structure(), procedure).await?;
    if let Some(submitted) =
        stands.as_mut().filter(|s| s.stage == Stage::Submitted && kind == Some(AlertKind::Correction))
    {
        submitted.line.push_str(". Voyez si ce qui change demande de la remettre de nouveau.");
    }
    Ok(stands)
}

/// Under which name a message may serve others: one alert about one notice, for the same reasons and after the same answer, in the same
/// form.
fn shared_key(delivery: &Claimed, asks: bool, stands: Option<Stands>) -> Option<Key> {
    let head = delivery.head.as_ref().filter(|_| !delivery.procedure.is_empty())?;
    // What follows an award, or a call for partners, is told to each in their own words.
    let lasting =
        !matches!(head.alert_kind, AlertKind::Reminder | AlertKind::Undecided) && !head.alert_kind.is_for_its_reader();
    let alert = delivery.cause.alert().filter(|_| lasting)?;
    let form = Form::of(delivery.channel);
    Some(Key { alert: alert.to_owned(), version: head.version, reasons: head.reasons.clone(), asks, stands, form })
}

/// Leaves out reminders that have lost their reason meanwhile; whether there were any.
async fn drop_settled(engine: &Engine, delivery: &Claimed, items: &mut Vec<Item>) -> Result<bool, StoreError> {
    let reminds = |i: &Item| {
        matches!(i.alert_kind, AlertKind::Reminder | AlertKind::Undecided) || i.alert_kind.is_for_its_reader()
    };
    if !items.iter().any(reminds) {
        return Ok(false);
    }
    let Some(person) = engine.service.store.subscriber(&delivery.subscriber).await? else { return Ok(false) };
    let (mut kept, before) = (Vec::new(), items.len());
    for item in items.drain(..) {
        if !reminds(&item) || still_wanted(engine, &person, &item).await? {
            kept.push(item);
        }
    }
    *items = kept;
    Ok(items.len() < before)
}

/// The procedure is open, and the structure still goes for it; or still has not made up its mind.
async fn still_wanted(engine: &Engine, person: &Subscriber, item: &Item) -> Result<bool, StoreError> {
    let store = &engine.service.store;
    if item.alert_kind.is_for_its_reader() {
        return messages::still_stands(&engine.service, person, item).await;
    }
    if store.open_dates(&item.procedure, "").await?.is_none() {
        return Ok(false);
    }
    let decisions = store.decisions_on(person.structure(), &item.procedure).await?;
    if item.alert_kind == AlertKind::Undecided {
        return Ok(!decisions.iter().any(|d| d.stage.is_decided()));
    }
    for going in decisions.iter().filter(|d| !d.stage.declines()) {
        if store.open_dates(&item.procedure, &going.lot).await?.is_some() {
            return Ok(true);
        }
    }
    Ok(false)
}

/// What a message asks its reader, where it asks something for itself.
async fn asked(engine: &Engine, delivery: &Claimed) -> Result<Option<Question>, StoreError> {
    let Some(alert) = delivery.cause.alert() else { return Ok(None) };
    let Some(person) = engine.service.store.subscriber(&delivery.subscriber).await? else { return Ok(None) };
    questions::of(&engine.service, &person, alert).await
}

fn question_url(engine: &Engine, question: &Question, delivery: &Claimed) -> Option<String> {
    engine.service.question_url(&question.id, &delivery.subscriber, engine.service.clock.now())
}

/// The buttons under a delivery in a chat: those that mean something as the procedure stands.
///
/// # Errors
/// The database fails.
pub(crate) async fn buttons_of(engine: &Engine, delivery: &Claimed) -> Result<Vec<Vec<Button>>, StoreError> {
    let hook = delivery.channel.is_hook();
    if let Some(head) = delivery.head.as_ref().filter(|h| !hook && h.alert_kind == AlertKind::HoursToFill) {
        let chat = matches!(delivery.channel, Channel::Telegram | Channel::Matrix);
        return Ok(if chat { hours_to_fill::buttons(&head.reasons) } else { Vec::new() });
    }
    if delivery.procedure.is_empty() && delivery.channel != Channel::Email {
        let question = asked(engine, delivery).await?.filter(|q| q.waits);
        let buttons = |q: Question| q.buttons(delivery.channel, question_url(engine, &q, delivery).as_deref());
        return Ok(question.map(buttons).unwrap_or_default());
    }
    if delivery.procedure.is_empty() || !(hook || matches!(delivery.channel, Channel::Telegram | Channel::Matrix)) {
        return Ok(Vec::new());
    }
    let (Some(kind), Some(role)) = (kind(delivery), delivery.role) else { return Ok(Vec::new()) };
    if delivery.head.as_ref().is_some_and(|h| kind == AlertKind::PartnerCall && !partner_calls::asks(&h.reasons)) {
        return Ok(Vec::new());
    }
    let Some(published) = engine.service.store.state_of(&delivery.procedure).await? else { return Ok(Vec::new()) };
    let now = engine.service.clock.now();
    let state = ProcedureState::of(&published, "", now);
    if hook {
        let answers = role.may(Permission::Decide) && kind.can_be_answered() && !kind.is_for_its_reader();
        let url = engine.service.answer_url(&delivery.id, now).filter(|_| answers && state.phase.takes_answers());
        return Ok(url.map(|url| vec![answer_links(&url)]).unwrap_or_default());
    }
    Ok(state_line::buttons(kind, role, state.phase, &delivery.id))
}

/// Links by which a tool without buttons leads to the page where one answers; what was pressed comes first there.
fn answer_links(url: &str) -> Vec<Button> {
    let link = |label: &str, word: &str| {
        let word: String = word.replace(' ', "%20");
        Button { label: label.to_owned(), action: ButtonAction::Open(format!("{url}?mot={word}")) }
    };
    vec![link("On y va", "oui"), link("Écarter", "non"), link("Plus tard", "plus tard")]
}

async fn render(
    engine: &Engine,
    delivery: &Claimed,
    items: &[Item],
    unsubscribe: Option<String>,
    (asks, answered): (bool, Option<Stands>),
) -> Result<Option<Message>, String> {
    let form = Form::of(delivery.channel);
    if let Some(item) = items.iter().find(|i| i.alert_kind == AlertKind::Operator) {
        let body = item.body.as_deref().unwrap_or_default();
        let (title, text) = body.split_once('\n').unwrap_or((body, ""));
        return engine.service.templates.operator(form, title, text).map(Some).map_err(|e| e.to_string());
    }
    if let Some(item) = items.iter().find(|i| i.alert_kind == AlertKind::Account) {
        let mut body = item.body.clone().unwrap_or_default();
        let links = match asked(engine, delivery).await.map_err(|e| e.to_string())? {
            // What was answered meanwhile, elsewhere or by a colleague, is asked no more.
            Some(question) if !question.waits => return Ok(None),
            Some(question) => question_url(engine, &question, delivery).map(|url| question.links(&url)),
            None => None,
        };
        let links = links.unwrap_or_default();
        let templates = &engine.service.templates;
        let mut table = None;
        if form == Form::Mail {
            let attached = report::attached(&engine.service, &delivery.subscriber, &item.reasons);
            table = attached.await.map_err(|e| e.to_string())?;
        }
        if table.is_some() {
            body.push_str("\nLe tableau est joint à ce courriel.");
        }
        let mut message = templates.question(form, &body, &links, unsubscribe).map_err(|e| e.to_string())?;
        message.files.extend(table);
        return Ok(Some(message));
    }
    if let Some(item) = items.iter().find(|i| i.alert_kind == AlertKind::HoursToFill) {
        let to = (item, delivery.subscriber.as_str());
        return hours_to_fill::message(&engine.service, to, form, unsubscribe).await.map_err(|e| e.to_string());
    }
    if let [item] = items
        && !delivery.procedure.is_empty()
        && item.alert_kind.is_for_its_reader()
    {
        let to = (item, delivery.subscriber.as_str());
        return messages::message(&engine.service, to, form, (asks, unsubscribe)).await.map_err(|e| e.to_string());
    }
    let mut parts: Vec<AlertCard> = Vec::new();
    for item in items {
        match alert_card::read(&engine.service, item).await.map_err(|e| e.to_string())? {
            Ok(mut part) => {
                if delivery.procedure.is_empty() {
                    part.stands =
                        stands(engine, delivery, Some(part.kind), &item.procedure).await.map_err(|e| e.to_string())?;
                }
                parts.push(part);
            }
            // One unreadable line must not keep the rest of a digest; alone, it is the operator's to see.
            Err(e) if items.len() > 1 => tracing::error!(delivery = %delivery.id, "unreadable item: {e}"),
            Err(e) => return Err(format!("donnée illisible : {e}")),
        }
    }
    let off = engine.service.without_closed_url(&delivery.subscriber);
    parts.iter_mut().for_each(|p| p.without_closed.clone_from(&off));
    // A digest has no room for contacts.
    if let [one] = parts.as_mut_slice()
        && !delivery.procedure.is_empty()
    {
        one.contacts =
            alert_card::contacts(&engine.service, one, &delivery.subscriber).await.map_err(|e| e.to_string())?;
        one.asks = asks;
        one.stands = answered;
    }
    let told: Vec<AlertItem<'_>> = parts.iter().map(AlertCard::item).collect();
    let now = engine.service.clock.now();
    match told.as_slice() {
        [] => Ok(None),
        [one] if !delivery.procedure.is_empty() => {
            engine.service.templates.alert(form, one, unsubscribe, now).map(Some).map_err(|e| e.to_string())
        }
        many => {
            let shown = engine.service.digest_url(&delivery.id, now).map_or(Shown::Screen, Shown::ScreenAndPage);
            let cause = delivery.cause.to_string();
            let meetings = match delivery.cause.is_digest() {
                true => {
                    events::of_digest(&engine.service, &delivery.subscriber, &cause).await.map_err(|e| e.to_string())?
                }
                false => Vec::new(),
            };
            let all = (many, meetings);
            engine.service.templates.digest(form, all, shown, unsubscribe, now).map(Some).map_err(|e| e.to_string())
        }
    }
}

//! What a message about notices is made from: each item of a delivery, read and parsed, with who can help. Messages, pages of
//! digests and the details asked for in a chat all start here.

use std::collections::HashSet;

use chrono::{DateTime, Utc};
use vigie_domain::procedure::{Change, Snapshot};
use vigie_domain::service_area::Spot;
use vigie_domain::{
    AlertKind, Assessment, Contract, Notice, Permission, Phase, Place, ProcedureState, Subscriber, french,
};
use vigie_notifier::card::{AlertItem, Card, Links, Stands, Why, card, short};
use vigie_notifier::channels::hooks::webhook::Told;
use vigie_notifier::chat::Rich;
use vigie_notifier::digest::Shown;
use vigie_notifier::message::{ANSWER_HERE, Form};
use vigie_store::StoreError;
use vigie_store::journal::NoticeRow;
use vigie_store::outbox::{DeliveryRow, Item};
use vigie_watcher::zones;

use crate::areas;
use crate::error::Failure;
use crate::events;
use crate::service::Service;

/// Most facilitators named in one message.
const MAX_CONTACTS: usize = 3;

/// What a message is made from, parsed.
pub struct AlertCard {
    pub kind: AlertKind,
    pub changes: Vec<Change>,
    /// The notice, with what it inherits from its procedure.
    pub notice: Notice,
    pub assessment: Assessment,
    /// How the procedure stands now.
    pub state: ProcedureState,
    /// When it was decided that its reader hears of it.
    pub noticed: DateTime<Utc>,
    /// Why its reader gets it.
    pub why: Why,
    /// Who can help, one line each; empty in a digest, which has no room for them.
    pub contacts: Vec<String>,
    /// Address of the procedure's page.
    pub page: Option<String>,
    /// What the reader's structure answered; asked of what follows a call alone.
    pub stands: Option<Stands>,
    /// Whether the message leads its reader to a page to answer on.
    pub asks: bool,
    /// Address of the page where its reader stops hearing of what is reserved to others.
    pub without_closed: Option<String>,
}

impl AlertCard {
    /// In the terms of the templates.
    #[must_use]
    pub fn item(&self) -> AlertItem<'_> {
        AlertItem {
            kind: self.kind,
            changes: &self.changes,
            notice: &self.notice,
            assessment: &self.assessment,
            state: &self.state,
            why: &self.why,
            noticed: self.noticed,
            contacts: &self.contacts,
            stands: self.stands.as_ref(),
            links: Links {
                page: self.page.as_deref(),
                answer: self.asks.then_some(ANSWER_HERE),
                without_closed: self.without_closed.as_deref(),
            },
        }
    }
}

/// What a structure answered about a procedure, for a message that follows its call; `None` where it did not.
///
/// # Errors
/// The database fails.
pub async fn stands(service: &Service, structure: &str, procedure: &str) -> Result<Option<Stands>, StoreError> {
    let mut decided = service.store.decisions_on(structure, procedure).await?;
    decided.retain(|d| d.stage.is_decided());
    if let Some(d) = decided.iter().find(|d| d.lot.is_empty()) {
        let by = if d.by.is_empty() { String::new() } else { format!("{}, ", short(&d.by, 60)) };
        let day = french::date(zones::paris_day(d.at));
        let line = format!("Votre structure a répondu\u{a0}: {} ({by}le {day})", d.stage.in_french());
        return Ok(Some(Stands { line, stage: d.stage }));
    }
    let lots: Vec<String> = decided.iter().map(|d| d.lot.clone()).collect();
    let going = decided.iter().find(|d| d.stage.wants_reminders()).or(decided.first());
    Ok(going
        .map(|d| Stands { line: format!("Votre structure a répondu pour {}", lots_in_french(&lots)), stage: d.stage }))
}

/// `le lot 2`, `les lots 1 et 3`, `12 lots`.
fn lots_in_french(lots: &[String]) -> String {
    match (lots.len(), french::lots(lots, 0)) {
        (1, said) => format!("le {said}"),
        (_, said) if said.starts_with("lots") => format!("les {said}"),
        (_, said) => said,
    }
}

/// What programs are told of one market: the same in events and in `GET /api/v1/changes`.
#[must_use]
pub fn told(service: &Service, procedure: &str, card: &AlertCard) -> Told {
    let (notice, assessment) = (&card.notice, &card.assessment);
    Told {
        kind: card.kind.as_str().to_owned(),
        procedure: procedure.to_owned(),
        title: assessment.title.clone(),
        buyer: notice.buyer.name.clone(),
        closes: card.state.closes.map(|at| at.with_timezone(&Utc)),
        departments: assessment.departments.iter().map(ToString::to_string).collect(),
        provisions: assessment.provisions.iter().map(|p| p.kind.as_str().to_owned()).collect(),
        notice_url: notice.url.clone(),
        page: service.procedure_url(procedure),
    }
}

/// Leaves out of the lines of a digest the calls that its reader's structure said no to as a whole, before it left or since.
///
/// # Errors
/// The database fails.
pub async fn without_declined(service: &Service, reader: &str, mut items: Vec<Item>) -> Result<Vec<Item>, StoreError> {
    let decides = |p: &Subscriber| p.role.may(Permission::Decide);
    let person = match items.iter().any(|i| i.alert_kind == AlertKind::New) {
        true => service.store.subscriber(reader).await?.filter(decides),
        false => None,
    };
    if let Some(person) = person {
        let decided = service.store.decisions_of(person.structure()).await?;
        let declined: HashSet<String> =
            decided.into_iter().filter(|d| d.lot.is_empty() && d.stage.declines()).map(|d| d.procedure).collect();
        items.retain(|i| i.alert_kind != AlertKind::New || !declined.contains(&i.procedure));
    }
    Ok(items)
}

/// All of a digest, as a page; `None` when there is none of that name.
///
/// # Errors
/// The database fails, or a template.
pub async fn digest_page(service: &Service, delivery: &str) -> Result<Option<String>, Failure> {
    let Some(row) = service.store.delivery(delivery).await? else { return Ok(None) };
    let items = service.store.items_of(&row.id, &row.subscriber, &row.cause).await?;
    let items = without_declined(service, &row.subscriber, items).await?;
    let mut parts: Vec<AlertCard> = Vec::with_capacity(items.len());
    for item in &items {
        parts.extend(read(service, item).await?.ok());
    }
    let off = service.without_closed_url(&row.subscriber);
    parts.iter_mut().for_each(|p| p.without_closed.clone_from(&off));
    let told: Vec<AlertItem<'_>> = parts.iter().map(AlertCard::item).collect();
    if told.is_empty() {
        return Ok(None);
    }
    let meetings = events::of_digest(service, &row.subscriber, &row.cause.to_string()).await?;
    let message = service.templates.digest(Form::Mail, (&told, meetings), Shown::Whole, None, service.clock.now());
    message
        .map(|m| m.html().map(str::to_owned))
        .map_err(|e| Failure::new(e.to_string(), "résumé", "corrigez ce modèle"))
}

/// The card of what an instant message told; `None` where nothing is left of it.
///
/// # Errors
/// The database fails.
pub async fn card_of(service: &Service, delivery: &str) -> Result<Option<Card>, StoreError> {
    let Some(row) = service.store.delivery(delivery).await? else { return Ok(None) };
    let Some(part) = first_of(service, &row).await? else { return Ok(None) };
    Ok(Some(card(&part.item(), service.clock.now())))
}

/// What an instant message says in a chat, made anew; `None` where nothing is left of it.
///
/// # Errors
/// The database fails.
pub async fn chat_of(service: &Service, delivery: &str) -> Result<Option<(AlertKind, Phase, Rich)>, StoreError> {
    let Some(row) = service.store.delivery(delivery).await? else { return Ok(None) };
    let Some(part) = first_of(service, &row).await? else { return Ok(None) };
    let message = service.templates.alert(Form::Chat, &part.item(), None, service.clock.now());
    Ok(message.ok().map(|m| (part.kind, part.state.phase, m.chat().into_owned())))
}

/// The first item of a delivery that can be read, with who can help.
async fn first_of(service: &Service, row: &DeliveryRow) -> Result<Option<AlertCard>, StoreError> {
    for item in service.store.items_of(&row.id, &row.subscriber, &row.cause).await? {
        if let Ok(mut part) = read(service, &item).await? {
            part.contacts = contacts(service, &part, &row.subscriber).await?;
            return Ok(Some(part));
        }
    }
    Ok(None)
}

/// Who can help `reader` with what a message tells: facilitators where the contract is carried out, the buyer's commitment.
///
/// # Errors
/// The database fails.
pub async fn contacts(service: &Service, part: &AlertCard, reader: &str) -> Result<Vec<String>, StoreError> {
    if part.assessment.provisions.is_empty() {
        return Ok(Vec::new());
    }
    let places: Vec<Place> =
        part.notice.places.iter().chain(part.notice.lots.iter().flat_map(|l| &l.places)).cloned().collect();
    let spot = Spot {
        places: &places,
        departments: &part.assessment.departments,
        buyer: part.notice.buyer.siret.as_deref(),
        words: &part.assessment.title,
    };
    contacts_in(service, &spot, Some(reader)).await
}

/// The same for a contract.
///
/// # Errors
/// The database fails.
pub async fn contacts_of(
    service: &Service,
    contract: &Contract,
    reader: Option<&str>,
) -> Result<Vec<String>, StoreError> {
    let notices = service.store.notices_of(&contract.procedure).await?;
    let of_lot = |n: &NoticeRow| {
        let lots = n.notice.lots.iter().filter(|l| contract.lot.is_empty() || l.id == contract.lot);
        lots.flat_map(|l| l.places.clone()).collect::<Vec<_>>()
    };
    let mut places: Vec<Place> = notices.iter().flat_map(of_lot).collect();
    if places.is_empty() {
        places = notices.iter().flat_map(|n| n.notice.places.clone()).collect();
    }
    let spot = Spot {
        places: &places,
        departments: &contract.departments,
        buyer: contract.buyer.siret.as_deref(),
        words: &contract.title,
    };
    contacts_in(service, &spot, reader).await
}

/// Facilitators of a place, the nearest first, but for `reader`, and the commitment of its buyer.
///
/// # Errors
/// The database fails.
pub async fn contacts_in(service: &Service, spot: &Spot<'_>, reader: Option<&str>) -> Result<Vec<String>, StoreError> {
    let mut out = areas::facilitators(service, spot, (reader, MAX_CONTACTS)).await?;
    if let Some(siren) = spot.buyer.and_then(|b| b.get(..9))
        && let Some(commitment) = service.store.commitment(siren).await?
    {
        out.push(commitment.in_french(zones::paris_day(service.clock.now())));
    }
    Ok(out)
}

/// Reads what a message is made from; the inner error says that what is stored cannot be read.
///
/// # Errors
/// The database fails.
pub async fn read(service: &Service, item: &Item) -> Result<Result<AlertCard, serde_json::Error>, StoreError> {
    let mut part = match parsed(service, item) {
        Ok(part) => part,
        Err(e) => return Ok(Err(e)),
    };
    if part.notice.kind.is_follow_up() {
        let key = part.notice.key();
        let others = service.store.notices_of(&item.procedure).await?;
        part.notice = inheriting(&part.notice, others.iter().filter(|row| row.id != key));
    }
    Ok(Ok(part))
}

/// A notice with what it leaves out, as the others of its procedure (oldest first) said it, the latest first; results say nothing of
/// what was asked for.
pub fn inheriting<'r>(notice: &Notice, others: impl DoubleEndedIterator<Item = &'r NoticeRow>) -> Notice {
    let said = others.rev().filter(|row| !row.notice.kind.is_result());
    said.fold(notice.clone(), |whole, row| whole.inheriting(&row.notice))
}

fn parsed(service: &Service, item: &Item) -> Result<AlertCard, serde_json::Error> {
    let assessment: Assessment = serde_json::from_str(&item.assessment)?;
    let now = service.clock.now();
    let state = match serde_json::from_str::<Snapshot>(&item.snapshot) {
        Ok(snapshot) => ProcedureState::of(&snapshot, "", now),
        // The procedure is gone; the notice alone says how it stood.
        Err(_) => ProcedureState::of_verdict(&assessment, now),
    };
    let why: Why = serde_json::from_str(&item.reasons).unwrap_or_default();
    let page = match item.alert_kind {
        // Of a contract, its own page says who holds it.
        AlertKind::Offer | AlertKind::Renewal => {
            service.contract_url(&item.procedure, why.lot.as_deref().unwrap_or_default())
        }
        AlertKind::PartnerCall => why
            .partners
            .as_ref()
            .map_or_else(|| service.procedure_url(&item.procedure), |of| service.partner_call_url(&of.call)),
        _ => service.procedure_url(&item.procedure),
    };
    // To who was told nothing yet, what corrects a call is the call.
    let first = why.first && item.alert_kind == AlertKind::Correction;
    Ok(AlertCard {
        kind: if first { AlertKind::New } else { item.alert_kind },
        changes: match &why.changes {
            Some(since) => since.clone(),
            None => serde_json::from_str(&item.changes)?,
        },
        notice: serde_json::from_str(&item.document)?,
        assessment,
        state,
        noticed: item.created,
        why,
        contacts: Vec::new(),
        stands: None,
        page,
        asks: false,
        without_closed: None,
    })
}

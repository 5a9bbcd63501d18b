//! What the messages after an award say, made from the contract as it stands when they leave, for whoever reads them; and whether
//! they still have their ground.

use vigie_domain::contract::{self, Published};
use vigie_domain::{AlertKind, OfferStage, Stage, Subscriber};
use vigie_notifier::after_award::{self, Addresses, Reader};
use vigie_notifier::card::Why;
use vigie_notifier::chat::Rich;
use vigie_notifier::message::{ANSWER_HERE, Form, Message, RenderError};
use vigie_store::StoreError;
use vigie_store::journal::NoticeRow;
use vigie_store::outbox::Item;

use super::{offers, renewals};
use crate::alert_card;
use crate::error::Failure;
use crate::hours_to_fill;
use crate::partner_calls;
use crate::service::Service;

/// Why a message cannot be made.
#[derive(Debug, thiserror::Error)]
pub enum MessageError {
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error(transparent)]
    Template(#[from] RenderError),
}

fn why(item: &Item) -> Why {
    serde_json::from_str(&item.reasons).unwrap_or_default()
}

/// Whether what an item tells of after an award still stands for its reader.
///
/// # Errors
/// The database fails.
pub async fn still_stands(service: &Service, person: &Subscriber, item: &Item) -> Result<bool, StoreError> {
    if item.alert_kind == AlertKind::PartnerCall {
        return partner_calls::messages::still_stands(service, person, item).await;
    }
    if item.alert_kind == AlertKind::HoursToFill {
        return hours_to_fill::still_stands(service, item).await;
    }
    let (store, lot, now) = (&service.store, why(item).lot.unwrap_or_default(), service.clock.now());
    Ok(match item.alert_kind {
        AlertKind::Offer => {
            let offer = store.service_offer_of(person.structure(), &item.procedure, &lot).await?;
            let contract = store.contract(&item.procedure, &lot).await?;
            offer.is_some_and(|o| matches!(o.stage, OfferStage::Told | OfferStage::Contacted))
                && contract.is_some_and(|c| offers::is_to_offer(&c.contract, now))
        }
        AlertKind::AskResult => {
            let decisions = store.decisions_on(person.structure(), &item.procedure).await?;
            decisions.iter().any(|d| d.lot == lot && Stage::WENT_FOR_IT.contains(&d.stage))
        }
        AlertKind::Renewal => match store.contract(&item.procedure, &lot).await? {
            // A line tells the end that stood when it was made: where it moved, another line comes in its time.
            Some(row) => {
                let told = store.renewals_told(&item.procedure, &lot).await?;
                let mine = told.iter().filter(|t| t.structure == person.structure()).map(|t| t.ends).max();
                renewals::stands(service, &row.contract, now).await?.is_some_and(|end| mine == Some(end))
            }
            None => false,
        },
        _ => true,
    })
}

/// The message of one item after an award; `None` of any other, and where the contract is not known any more. `asks`: it leads its
/// reader to a page to answer on.
///
/// # Errors
/// The database fails, or a template.
pub async fn message(
    service: &Service,
    (item, subscriber): (&Item, &str),
    form: Form,
    (asks, unsubscribe): (bool, Option<String>),
) -> Result<Option<Message>, MessageError> {
    if item.alert_kind == AlertKind::PartnerCall {
        return partner_calls::messages::message(service, (item, subscriber), form, (asks, unsubscribe)).await;
    }
    let why = why(item);
    let lot = why.lot.clone().unwrap_or_default();
    let answer = asks.then_some(ANSWER_HERE);
    match item.alert_kind {
        AlertKind::Offer => {
            let Some(row) = service.store.contract(&item.procedure, &lot).await? else { return Ok(None) };
            let Some(person) = service.store.subscriber(subscriber).await? else { return Ok(None) };
            let c = &row.contract;
            let contacts = alert_card::contacts_of(service, c, Some(subscriber)).await?;
            let page = service.contract_url(&item.procedure, &lot);
            let link = match c.holders.first() {
                Some(h) => service.store.notice(&h.notice).await?.and_then(|n| n.notice.url),
                None => None,
            };
            let to =
                Addresses { page: page.as_deref(), answer, link: link.as_deref().filter(|u| u.starts_with("http")) };
            let own = service.store.structure(person.structure()).await?.map(|s| s.name).unwrap_or_default();
            let reader = Reader { structure: &own, name: &person.name, profile: &person.profile };
            let said = after_award::offer(c, reader, &contacts, leading_remark(&why), to);
            Ok(Some(service.templates.offer(form, &said, unsubscribe)?))
        }
        AlertKind::AskResult => {
            let notices = service.store.notices_of(&item.procedure).await?;
            let Some(row) = main_of(&notices) else { return Ok(None) };
            let buyer = row.assessment.buyer.as_deref().unwrap_or("Acheteur non précisé");
            let page = service.procedure_url(&item.procedure);
            let to = Addresses { page: page.as_deref(), answer, link: None };
            let said = after_award::result((&row.assessment.title, &lot), buyer, why.remark, to);
            Ok(Some(service.templates.ask_result(form, &said, unsubscribe)?))
        }
        _ => Ok(None),
    }
}

/// The notice of a procedure that says what was asked for.
#[must_use]
pub fn main_of(notices: &[NoticeRow]) -> Option<&NoticeRow> {
    let published: Vec<Published<'_>> =
        notices.iter().map(|row| Published { notice: &row.notice, assessment: &row.assessment }).collect();
    let base = contract::base(&published)?.notice.key();
    notices.iter().find(|row| row.id == base)
}

/// What of an offer's line is not told by the message itself: why it comes again.
fn leading_remark(why: &Why) -> Option<String> {
    let remark = why.remark.as_deref()?;
    let again = ["Rappel", "Vous avez contacté", "Le titulaire publié a changé"];
    let end = |text: &str| {
        text.find(['.', '?']).map_or(text.len(), |at| at + text[at..].chars().next().map_or(0, char::len_utf8))
    };
    again.iter().any(|word| remark.starts_with(word)).then(|| remark[..end(remark)].trim_end_matches('.').to_owned())
}

/// What a message after an award says in a chat, made anew; `None` of any other.
///
/// # Errors
/// The database fails, or a template.
pub async fn chat_of(service: &Service, delivery: &str) -> Result<Option<(AlertKind, Rich)>, Failure> {
    let Some(row) = service.store.delivery(delivery).await? else { return Ok(None) };
    if row.cause.is_digest() {
        return Ok(None);
    }
    let items = service.store.items_of(&row.id, &row.subscriber, &row.cause).await?;
    let Some(item) = items.first().filter(|i| i.alert_kind.is_for_its_reader()) else { return Ok(None) };
    let made = message(service, (item, &row.subscriber), Form::Chat, (false, None)).await;
    let made = made.map_err(|e| Failure::new(e.to_string(), "message", "corrigez ce modèle"))?;
    Ok(made.map(|m| (item.alert_kind, m.chat().into_owned())))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_why_it_comes_again_is_told_above_an_offer() {
        let of = |remark: &str| leading_remark(&Why { remark: Some(remark.to_owned()), ..Why::default() });
        assert_eq!(of("Lot 1, titulaire : Martin ; dus : 300 heures"), None);
        let again = "Rappel : avez-vous contacté le titulaire ? Lot 1, titulaire : Martin";
        assert_eq!(of(again).as_deref(), Some("Rappel : avez-vous contacté le titulaire ?"));
        assert_eq!(of("Le titulaire publié a changé. Lot 1").as_deref(), Some("Le titulaire publié a changé"));
    }
}

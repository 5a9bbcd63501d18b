//! What a message about a call says, made when it leaves from what stands then, for whoever reads it; and whether it still has its
//! ground.

use std::collections::BTreeMap;

use vigie_domain::partner_call::{CallState, LotLineUp, PartnerCall, Turn};
use vigie_domain::{Subscriber, french};
use vigie_notifier::card::{OfCall, Why, short};
use vigie_notifier::message::{ANSWER_HERE, Form, Message};
use vigie_notifier::partner_call::PartnerMessage;
use vigie_store::StoreError;
use vigie_store::outbox::Item;

use super::answering::in_french;
use super::looking::{self, About};
use super::{MAX_NAME, RULES, moment};
use crate::after_award::messages::MessageError;
use crate::service::Service;

/// Most lots listed in a mail.
const MAX_LOTS: usize = 40;
/// Who reads an answer.
const READ_BY: &str = "Votre réponse est lue par le coordinateur seul ; un refus n’est montré à personne d’autre. À la clôture, les partenaires d’un même lot apprennent leurs noms et leurs rôles, rien de plus.";

/// The call that an item is about, and what of it is told.
#[must_use]
pub fn of_item(item: &Item) -> Option<OfCall> {
    serde_json::from_str::<Why>(&item.reasons).unwrap_or_default().partners
}

/// Whether what an item tells of a call still stands for its reader: a call that closed since asks nobody, and who answered is not
/// reminded.
///
/// # Errors
/// The database fails.
pub async fn still_stands(service: &Service, person: &Subscriber, item: &Item) -> Result<bool, StoreError> {
    let Some(of) = of_item(item) else { return Ok(false) };
    let Some(call) = service.store.partner_call(&of.call).await? else { return Ok(false) };
    let coordinates = call.coordinator == person.structure();
    let asked = service.store.partner_invitations(&call.id).await?;
    if !coordinates && !asked.iter().any(|i| i.structure == person.structure()) {
        return Ok(false);
    }
    let open = call.takes_answers(service.clock.now());
    Ok(match of.turn {
        Turn::HalfTime | Turn::LastDay => {
            open && service.store.positions_of(&call.id, person.structure()).await?.is_empty()
        }
        Turn::Asked | Turn::Moved => open,
        Turn::LineUp => call.state == CallState::Closed,
        Turn::Cancelled => call.state == CallState::Cancelled,
    })
}

/// Whether what is told for these reasons asks its reader for an answer: it offers buttons.
#[must_use]
pub fn asks(reasons: &str) -> bool {
    serde_json::from_str::<Why>(reasons).unwrap_or_default().partners.is_some_and(|of| turn_asks(of.turn))
}

fn turn_asks(turn: Turn) -> bool {
    matches!(turn, Turn::Asked | Turn::HalfTime | Turn::LastDay | Turn::Moved)
}

/// The message of one item about a call; `None` where the call, or its reader's part in it, is not known any more.
///
/// # Errors
/// The database fails, or a template.
pub async fn message(
    service: &Service,
    (item, subscriber): (&Item, &str),
    form: Form,
    (by_link, unsubscribe): (bool, Option<String>),
) -> Result<Option<Message>, MessageError> {
    let Some(person) = service.store.subscriber(subscriber).await? else { return Ok(None) };
    let Some(of) = of_item(item) else { return Ok(None) };
    let Some(call) = service.store.partner_call(&of.call).await? else { return Ok(None) };
    let said = if call.coordinator == person.structure() {
        to_coordinator(service, &person, &call, &of).await?
    } else {
        let Some(said) = to_asked(service, &person, &call, &of, by_link).await? else { return Ok(None) };
        said
    };
    Ok(Some(service.templates.partner_call(form, &said, unsubscribe)?))
}

fn head(turn: Turn) -> &'static str {
    match turn {
        Turn::Asked => "Appel à partenaires",
        Turn::HalfTime | Turn::LastDay => "Rappel : appel à partenaires",
        Turn::Moved => "Appel à partenaires : du nouveau",
        Turn::LineUp => "Appel à partenaires clos",
        Turn::Cancelled => "Appel à partenaires abandonné",
    }
}

/// What is said beyond who asks and until when.
fn remark(of: &OfCall) -> Option<String> {
    match of.turn {
        Turn::HalfTime => Some("La moitié du délai est passée, et votre structure n’a pas répondu.".to_owned()),
        Turn::LastDay => Some("L’appel se clôt dans moins d’un jour, et votre structure n’a pas répondu.".to_owned()),
        Turn::Moved | Turn::Cancelled => Some(of.said.clone()).filter(|said| !said.is_empty()),
        Turn::Asked | Turn::LineUp => None,
    }
}

fn dates(call: &PartnerCall) -> Vec<String> {
    let mut lines = Vec::new();
    if call.state == CallState::Open {
        lines.push(format!("Réponse attendue avant le {}.", moment(call.closes)));
    }
    lines.extend(call.tender.map(|at| format!("Remise des offres à l’acheteur : {}.", moment(at))));
    lines
}

fn lot_line(about: &About, lot: &str) -> String {
    match about.lots.get(lot).filter(|t| !t.is_empty()) {
        _ if lot.is_empty() => "L’ensemble du marché".to_owned(),
        Some(title) => format!("Lot {} : {}", short(lot, 20), short(title, 140)),
        None => format!("Lot {}", short(lot, 20)),
    }
}

fn cut(mut lines: Vec<String>) -> Vec<String> {
    let more = lines.len().saturating_sub(MAX_LOTS);
    lines.truncate(MAX_LOTS);
    if more > 0 {
        lines.push(format!("et {} de plus", french::plural(more, "lot")));
    }
    lines
}

async fn to_asked(
    service: &Service,
    person: &Subscriber,
    call: &PartnerCall,
    of: &OfCall,
    by_link: bool,
) -> Result<Option<PartnerMessage>, StoreError> {
    let turn = of.turn;
    let Some(view) = looking::asked(service, person, &call.id).await? else { return Ok(None) };
    let mut lines = dates(call);
    if !view.mine.is_empty() {
        lines.push(format!("Votre réponse : {}.", in_french(&view.mine)));
    } else if let Some(before) = &view.before {
        lines.push(format!("La fois précédente, vous aviez répondu : {before}."));
    }
    let list = match turn {
        Turn::LineUp if view.companions.is_empty() => None,
        Turn::LineUp => {
            let lines = view.companions.iter().map(|(lot, others)| {
                let who: Vec<String> = others
                    .iter()
                    .map(|(name, role)| format!("{} ({})", short(name, MAX_NAME), role.in_french()))
                    .collect();
                format!("{} – avec {}", lot_line(&view.about, lot), french::list(&who))
            });
            Some(("Avec qui".to_owned(), cut(lines.collect())))
        }
        Turn::Cancelled => None,
        _ if view.uncovered.is_empty() => {
            lines.push("Chaque lot a déjà quelqu’un ; d’autres réponses restent bienvenues.".to_owned());
            None
        }
        _ => {
            let lots = view.uncovered.iter().map(|lot| lot_line(&view.about, lot));
            Some(("Lots que personne ne couvre".to_owned(), cut(lots.collect())))
        }
    };
    let asks = turn_asks(turn) && call.state == CallState::Open;
    if asks {
        lines.extend(view.about.terms.iter().map(|term| format!("{term}.")));
    }
    let rules = if asks { vec![READ_BY.to_owned(), RULES.to_owned()] } else { vec![RULES.to_owned()] };
    Ok(Some(PartnerMessage {
        head: head(turn).to_owned(),
        title: view.about.title.clone(),
        buyer: buyer(&view.about),
        coordinator: short(&call.name, MAX_NAME),
        remark: remark(of),
        note: Some(call.note.clone()).filter(|n| !n.is_empty() && asks),
        lines,
        list,
        asks,
        rules,
        page: service.partner_call_url(&call.id),
        answer: (asks && by_link).then(|| ANSWER_HERE.to_owned()),
    }))
}

fn buyer(about: &About) -> String {
    if about.buyer.is_empty() { "Acheteur non précisé".to_owned() } else { short(&about.buyer, 160) }
}

/// The coordinator's own word of it: the line-up with names, where the call is closed. Capacities and words stay on the page, where a
/// look is logged.
async fn to_coordinator(
    service: &Service,
    person: &Subscriber,
    call: &PartnerCall,
    of: &OfCall,
) -> Result<PartnerMessage, StoreError> {
    let turn = of.turn;
    let about = looking::about(service, &call.procedure).await?;
    let asked = service.store.partner_invitations(&call.id).await?;
    let positions = service.store.positions_on(&call.id).await?;
    let names: BTreeMap<&str, &str> = asked.iter().map(|i| (i.structure.as_str(), i.name.as_str())).collect();
    let answered = asked.iter().filter(|i| positions.iter().any(|p| p.structure == i.structure)).count();
    let lots = vigie_domain::partner_call::line_up(&call.live_lots(), &positions);
    let uncovered = vigie_domain::partner_call::uncovered(&lots).len();
    let mut lines = dates(call);
    lines.push(format!("{answered} réponses sur {}.", french::plural(asked.len(), "structure")));
    if answered == 1 {
        lines.pop();
        lines.push(format!("1 réponse sur {}.", french::plural(asked.len(), "structure")));
    }
    lines.push(match uncovered {
        0 => "Chaque lot est couvert.".to_owned(),
        1 => "1 lot n’est pas couvert.".to_owned(),
        n => format!("{} ne sont pas couverts.", french::plural(n, "lot")),
    });
    let line = |lot: &LotLineUp| {
        let who: Vec<String> = lot
            .on
            .iter()
            .map(|p| {
                let name = names.get(p.structure.as_str()).copied().unwrap_or("structure qui n’est plus là");
                format!("{} ({})", short(name, MAX_NAME), p.role.in_french())
            })
            .collect();
        let who = if who.is_empty() { "non couvert".to_owned() } else { french::list(&who) };
        format!("{} – {who}", lot_line(&about, &lot.lot))
    };
    if turn == Turn::LineUp {
        let shown = lots.iter().flat_map(|lot| &lot.on).map(|p| p.structure.clone()).collect();
        looking::log_look(service, person, call, shown).await?;
    }
    let list =
        (turn == Turn::LineUp).then(|| ("Qui est sur quel lot".to_owned(), cut(lots.iter().map(line).collect())));
    Ok(PartnerMessage {
        head: head(turn).to_owned(),
        title: about.title.clone(),
        buyer: buyer(&about),
        coordinator: short(&call.name, MAX_NAME),
        remark: remark(of),
        note: None,
        lines,
        list,
        asks: false,
        rules: vec![RULES.to_owned()],
        page: service.partner_call_url(&call.id),
        answer: None,
    })
}

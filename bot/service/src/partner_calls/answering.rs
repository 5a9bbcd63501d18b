//! What a structure answers to a call: one rule behind pages, mails and chats.
//!
//! Only a structure that is asked answers, by somebody whose role decides, while the call takes answers and the lot is open. The
//! second of two colleagues learns what the first said; where the asker says what they saw, what a colleague said since is not
//! overruled unawares.

use vigie_domain::partner_call::{CallState, PartnerCall, PartnerRole, Position, WHOLE_SHARE};
use vigie_domain::procedure::Status;
use vigie_domain::{Lot, Permission, Subscriber, french};
use vigie_notifier::card::short;
use vigie_store::StoreError;
use vigie_store::partner_calls::PositionsPut;

use super::{MAX_NAME, MAX_NOTE, moment};
use crate::answers::outcome_line::READS_ONLY;
use crate::answers::positions::Said;
use crate::decisions;
use crate::service::Service;

/// Most hours and people that somebody answers with.
const MOST_HOURS: u32 = 1_000_000;
const MOST_PEOPLE: u32 = 10_000;
/// Most lots listed in a sentence.
const MAX_LOTS: usize = 6;

/// An answer.
#[derive(Debug, Clone)]
pub struct Answer<'a> {
    pub person: &'a Subscriber,
    /// How they are called.
    pub by: &'a str,
    pub call: &'a str,
    /// What is said of which lots.
    pub said: &'a [Said],
    /// A word to the coordinator.
    pub note: &'a str,
    /// Whether the coordinator may see where the structure stands with this procedure; `None` = as before.
    pub shows_decision: Option<bool>,
    /// The mark of what they saw standing; `None` where they do not say.
    pub seen: Option<&'a str>,
    /// Lots were ticked among all of them: one that was not keeps what was said of it before, be it with all others. In words, whoever
    /// names lots means these.
    pub ticked: bool,
}

/// What came of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Answered {
    /// It stands.
    Noted {
        call: Box<PartnerCall>,
        /// Who answered: the structure, as the coordinator calls it.
        name: String,
        before: Vec<Position>,
        now: Vec<Position>,
        /// Lots of other calls on the same procedure for which the structure already bids with others; empty text = all of them.
        elsewhere: Vec<String>,
    },
    /// A colleague answered since.
    Meanwhile(Vec<Position>),
    /// The call takes no answers any more.
    Closed(Box<PartnerCall>),
    /// There is no such call for that structure.
    Unknown,
    /// People of this role answer for nobody.
    ReadsOnly,
    /// Nothing is noted; says why in French.
    Invalid(String),
}

/// Answers.
///
/// # Errors
/// The database fails: nothing is noted.
pub async fn answer(service: &Service, answer: &Answer<'_>) -> Result<Answered, StoreError> {
    let now = service.clock.now();
    if !answer.person.role.may(Permission::Decide) {
        return Ok(Answered::ReadsOnly);
    }
    let structure = answer.person.structure();
    let Some(call) = service.store.partner_call(answer.call).await? else { return Ok(Answered::Unknown) };
    let invitations = service.store.partner_invitations(&call.id).await?;
    let Some(own) = invitations.into_iter().find(|i| i.structure == structure) else { return Ok(Answered::Unknown) };
    if !call.takes_answers(now) {
        return Ok(Answered::Closed(Box::new(call)));
    }
    let Some(published) = service.store.state_of(&call.procedure).await? else { return Ok(Answered::Unknown) };
    if published.status != Status::Open {
        return Ok(Answered::Invalid("ce marché n’est plus ouvert".to_owned()));
    }
    if answer.note.chars().count() > MAX_NOTE {
        return Ok(Answered::Invalid(format!("le mot au coordinateur est trop long : {MAX_NOTE} caractères au plus")));
    }
    let mut new: Vec<Position> = Vec::new();
    for said in answer.said {
        if let Some(fault) = fault(said) {
            return Ok(Answered::Invalid(fault.to_owned()));
        }
        let mut lots = Vec::new();
        for lot in &said.lots {
            match decisions::lot_named(lot, call.lots.iter().map(String::as_str)).filter(|l| !l.is_empty()) {
                Some(lot) if published.status_of(&lot) != Status::Open => {
                    return Ok(Answered::Invalid(format!("le lot {} n’est plus ouvert", short(&lot, 20))));
                }
                Some(lot) => lots.push(lot),
                None => return Ok(Answered::Invalid(format!("cet appel n’a pas de lot {}", short(lot, 20)))),
            }
        }
        if lots.is_empty() {
            lots.push(String::new());
        }
        for lot in lots {
            let position = Position {
                structure: structure.to_owned(),
                lot,
                role: said.role,
                share: said.share.filter(|_| said.role.takes_part()),
                hours: said.hours.filter(|_| said.role.takes_part()),
                people: said.people.filter(|_| said.role.takes_part()),
                note: answer.note.trim().to_owned(),
                by: answer.by.to_owned(),
                at: now,
            };
            // Said twice of one lot, the last counts.
            new.retain(|p| p.lot != position.lot);
            new.push(position);
        }
    }
    if new.is_empty() {
        return Ok(Answered::Invalid("dites en quel rôle : mandataire, cotraitant, sous-traitant ou non".to_owned()));
    }
    if answer.ticked && new.iter().all(|p| !p.lot.is_empty()) && new.iter().any(|p| p.role.takes_part()) {
        let standing = service.store.positions_of(&call.id, structure).await?;
        if let Some(of_all) = standing.iter().find(|p| p.lot.is_empty() && p.role.takes_part()) {
            let said = |lot: &&str| new.iter().chain(&standing).any(|p| p.lot == *lot);
            let others: Vec<&str> = call.live_lots().into_iter().filter(|lot| !said(lot)).collect();
            new.extend(others.into_iter().map(|lot| Position { lot: lot.to_owned(), ..of_all.clone() }));
        }
    }
    let bids = new.iter().any(|p| p.role.bids());
    let put = service.store.put_positions(&call.id, structure, new, (answer.seen, answer.shows_decision), now).await?;
    Ok(match put {
        PositionsPut::Noted { before, now } => {
            let elsewhere = if bids { service.store.bids_elsewhere(&call, structure).await? } else { Vec::new() };
            Answered::Noted { call: Box::new(call), name: own.name, before, now, elsewhere }
        }
        PositionsPut::Meanwhile(standing) => Answered::Meanwhile(standing),
        PositionsPut::Refused => Answered::Closed(Box::new(call)),
    })
}

fn fault(said: &Said) -> Option<&'static str> {
    if said.share.is_some_and(|s| s == 0 || s > WHOLE_SHARE) {
        return Some("une part va de 1 à 100 % du lot");
    }
    if said.hours.is_some_and(|h| h > MOST_HOURS) || said.people.is_some_and(|p| p > MOST_PEOPLE) {
        return Some("cette capacité est trop grande pour être juste");
    }
    None
}

/// A structure's answers in a line: « cotraitant, 30 % : lots 2 et 3 ; non : lot 4 ».
#[must_use]
pub fn in_french(positions: &[Position]) -> String {
    let mut groups: Vec<(String, Vec<String>)> = Vec::new();
    let mut positions: Vec<&Position> = positions.iter().collect();
    positions.sort_by(|a, b| Lot::order(&a.lot).cmp(&Lot::order(&b.lot)));
    for p in positions {
        let said = p.in_french();
        match groups.iter_mut().find(|(s, _)| *s == said) {
            Some((_, lots)) => lots.push(p.lot.clone()),
            None => groups.push((said, vec![p.lot.clone()])),
        }
    }
    let all = groups.iter().any(|(_, lots)| lots.iter().any(String::is_empty));
    let lots = |lots: &[String]| match lots {
        [one] if one.is_empty() && groups.len() == 1 => String::new(),
        _ if lots.iter().any(String::is_empty) => " : pour les autres lots".to_owned(),
        [one] => format!(" : lot {}", short(one, 20)),
        many if many.len() > MAX_LOTS => {
            let first: Vec<&str> = many.iter().take(MAX_LOTS).map(String::as_str).collect();
            format!(" : lots {} et {} autres", first.join(", "), many.len() - MAX_LOTS)
        }
        many => format!(" : lots {}", french::list(many)),
    };
    // What is said of all the others comes last.
    let mut parts: Vec<(bool, String)> = groups
        .iter()
        .map(|(said, of)| (all && of.iter().any(String::is_empty), format!("{said}{}", lots(of))))
        .collect();
    parts.sort_by_key(|(last, _)| *last);
    parts.into_iter().map(|(_, text)| text).collect::<Vec<_>>().join(" ; ")
}

/// What is said to whoever answered.
#[must_use]
pub fn line(answered: &Answered, by: &str) -> String {
    match answered {
        Answered::Noted { call, name, before, now, elsewhere } => {
            let mut said = format!("Noté pour {} : {}.", short(name, MAX_NAME), in_french(now));
            if call.name != *name {
                said.push_str(&format!(" {} le voit.", short(&call.name, MAX_NAME)));
            }
            // A colleague's answer is not changed unawares.
            if let Some(first) = before.iter().find(|p| p.by != by).filter(|_| in_french(before) != in_french(now)) {
                said = format!("{} avait répondu : {}. {said}", short(&first.by, MAX_NAME), in_french(before));
            }
            if !elsewhere.is_empty() {
                said.push_str(" Attention : vous êtes déjà dans un autre groupement pour ce marché. Le règlement de la consultation dit si c’est permis ; nul n’est mandataire de deux groupements (R2142-23).");
            }
            let all = call.lots.len() > 1 && now.iter().any(|p| p.lot.is_empty() && p.role != PartnerRole::Declined);
            if all {
                said.push_str(" Cela vaut pour chacun des lots de l’appel ; pour certains seulement, répondez de nouveau en les nommant, par exemple « cotraitant lots 2 et 3 », ou en les cochant sur la page de l’appel.");
            }
            said
        }
        Answered::Meanwhile(standing) => {
            let who = standing.first().map_or("Quelqu’un de votre structure", |p| p.by.as_str());
            format!("{} vient de répondre : {}. Rien n’est changé.", short(who, MAX_NAME), in_french(standing))
        }
        Answered::Closed(call) => {
            let who = short(&call.name, MAX_NAME);
            match call.state {
                CallState::Cancelled => format!("L’appel de {who} est abandonné : rien n’est noté."),
                _ => format!(
                    "L’appel de {who} est clos depuis le {} : rien n’est noté. Pour changer votre réponse, parlez-en à {who}, qui peut le rouvrir.",
                    moment(call.closes)
                ),
            }
        }
        Answered::Unknown => "Cet appel à partenaires n’est plus connu, ou ne vous est pas adressé.".to_owned(),
        Answered::ReadsOnly => READS_ONLY.to_owned(),
        Answered::Invalid(why) => format!("Rien n’est noté : {why}."),
    }
}

#[cfg(test)]
mod tests {
    use chrono::{DateTime, Utc};

    use super::*;

    fn position(lot: &str, role: PartnerRole) -> Position {
        Position {
            structure: "s".into(),
            lot: lot.into(),
            role,
            share: None,
            hours: None,
            people: None,
            note: String::new(),
            by: "Ana".into(),
            at: DateTime::<Utc>::UNIX_EPOCH,
        }
    }

    #[test]
    fn lots_come_in_the_order_of_their_numbers() {
        use PartnerRole::CoContractor;
        let some = ["142", "22", "9"].map(|lot| position(lot, CoContractor));
        assert_eq!(in_french(&some), "cotraitant : lots 9, 22 et 142");
    }

    #[test]
    fn answers_read_as_french() {
        use PartnerRole::{CoContractor, Declined, Lead};
        assert_eq!(in_french(&[position("", Lead)]), "mandataire");
        let share = |p: Position| Position { share: Some(30), ..p };
        let several = [
            position("", Declined),
            position("1", Lead),
            share(position("2", CoContractor)),
            share(position("3", CoContractor)),
        ];
        assert_eq!(
            in_french(&several),
            "mandataire : lot 1 ; cotraitant, 30\u{a0}% : lots 2 et 3 ; non : pour les autres lots"
        );
    }
}

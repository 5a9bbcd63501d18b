//! What is said to whoever decided: in one sentence, the same on a page, in a chat and by mail. Pure.

use chrono::{DateTime, Utc};
use chrono_tz::Europe::Paris;
use vigie_domain::{Decision, french};
use vigie_notifier::card::short;

use crate::decisions::{Closes, DecisionEdit, Outcome};

/// Longest name shown, in characters.
const MAX_NAME: usize = 60;

/// People whose role only reads.
pub const READS_ONLY: &str = "Ce compte reçoit les alertes sans décider pour une structure : rien n’est noté. La personne qui gère Vigie peut changer cela.";

/// What came of what `by` asked for.
#[must_use]
pub fn line(outcome: &Outcome, edit: &DecisionEdit, by: &str) -> String {
    match outcome {
        Outcome::Noted { before, now } => noted(before.as_ref(), now, edit, by),
        Outcome::Closed(closes) => {
            let when = match closes {
                Closes::Past(at) => format!("est clos depuis le {}", day(*at)),
                _ => "n’est plus ouvert".to_owned(),
            };
            let what = if *closes == Closes::LotEnded { "lot" } else { "marché" };
            format!(
                "Ce {what} {when} : rien n’est noté. Si vous y avez répondu, dites « remis », « gagné » ou « perdu »."
            )
        }
        Outcome::StillOpen(until) => format!(
            "Ce marché est ouvert jusqu’au {} : rien n’est noté. Le résultat se dit une fois ce jour passé ; d’ici là, dites « remis » ou « abandonné ».",
            day(*until)
        ),
        Outcome::Conflict { standing, wanted } => format!(
            "{} a déjà répondu « {} »{} : votre réponse « {} » n’est pas enregistrée.",
            name(&standing.by),
            standing.stage.in_french(),
            of_lot(standing),
            wanted.in_french()
        ),
        Outcome::ReadsOnly => READS_ONLY.to_owned(),
        Outcome::NoProcedure => "Ce marché n’est plus connu.".to_owned(),
        Outcome::NoLot => "Ce marché n’a pas ce lot : rien n’est noté.".to_owned(),
        Outcome::Invalid(why) => format!("Rien n’est noté : {why}."),
    }
}

fn noted(before: Option<&Decision>, now: &Decision, edit: &DecisionEdit, by: &str) -> String {
    if let (Some(stage), None | Some(None)) = (edit.stage, edit.refusal) {
        let lot = if now.lot.is_empty() { String::new() } else { format!(", lot {}", short(&now.lot, 20)) };
        // The second to say the same is told who was first; the one who changes it, what stood.
        let first = before.filter(|b| b.stage.is_decided() && b.by != by);
        if let Some(first) = first.filter(|b| b.stage == stage) {
            return format!("Déjà noté par {}{lot} : {}.", name(&first.by), stage.in_french());
        }
        let was = first.map(|b| format!(" ({} avait noté : {})", name(&b.by), b.stage.in_french()));
        return format!("Noté{lot} : {}{}.", stage.in_french(), was.unwrap_or_default());
    }
    if let (Some(at), Some(_)) = (now.remind_at, edit.reminder) {
        return format!("Rappel noté pour le {}.", day(at));
    }
    if edit.assignee.is_some() {
        return format!("Noté : {} s’en occupe.", name(&now.assignee));
    }
    if edit.note.is_some() {
        return "Note gardée pour vos collègues.".to_owned();
    }
    "C’est noté.".to_owned()
}

fn of_lot(d: &Decision) -> String {
    if d.lot.is_empty() { String::new() } else { format!(" pour le lot {}", short(&d.lot, 20)) }
}

fn name(text: &str) -> String {
    short(text, MAX_NAME)
}

fn day(at: DateTime<Utc>) -> String {
    french::date(at.with_timezone(&Paris).date_naive())
}

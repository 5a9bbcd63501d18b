//! One procedure: what it is and when it closes first, then what the reader's structure answers, the evidence, dates, lots with
//! mine first, and what was published when.
//!
//! Decisions are read and written for the structure of the session alone. Who opens the page while signed in has read it. An
//! answer sends back what its page showed: where a colleague, or another tab, decided otherwise meanwhile, nothing is written
//! and the page says so.

mod lots;
mod view;

use std::sync::Arc;

use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Redirect};
use vigie_domain::{Assessment, Notice, NoticeKind, Permission, Refusal, Stage, Subscriber};
use vigie_notifier::card::short;
use vigie_service::answers::action::NarrowBy;
use vigie_service::answers::outcome_line;
use vigie_service::decisions::{self, DecisionEdit, Outcome, Reminder, Seen};
use vigie_service::{narrowing, visibility};
use vigie_store::journal::NoticeRow;

use super::cookies::Session;
use super::frame::{Fields, Posted, Shown, Site, Trouble, Visitor};

/// Most lots answered at once.
const MAX_ANSWERED: usize = 300;

/// The notice that says what the procedure is now: the latest that is no result nor cancellation, else the latest.
pub(crate) fn current(notices: &[NoticeRow]) -> Option<&NoticeRow> {
    let whole = |n: &&NoticeRow| n.notice.kind == NoticeKind::Correction || !n.notice.kind.is_follow_up();
    notices.iter().rev().find(whole).or(notices.last())
}

/// The notices of a procedure that this reader may see.
pub(crate) async fn notices(site: &Site, reader: Option<&Session>, id: &str) -> Result<Vec<NoticeRow>, Trouble> {
    let notices = visibility::notices_of(&site.service, reader.map(|s| &s.person), id).await?;
    if notices.is_empty() {
        return Err(Trouble::unknown(
            "Marché inconnu",
            "Ce lien ne mène à aucun marché que tout le monde peut voir. Si vous en avez été alerté, entrez d’abord : « Entrer », en haut de la page.",
        ));
    }
    Ok(notices)
}

pub(crate) async fn show(State(site): State<Arc<Site>>, visitor: Visitor, Path(id): Path<String>) -> Shown {
    if let Some(now) = site.service.store.procedure_now(&id).await? {
        // It became part of another one; messages name it as it was.
        return Ok(Redirect::permanent(&format!("/procedure/{now}")).into_response());
    }
    let notices = notices(&site, visitor.session.as_ref(), &id).await?;
    if let Some(session) = &visitor.session {
        decisions::read(&site.service, &session.person, session.name(), &id).await?;
    }
    view::page(&site, &visitor, &id, &notices, None).await
}

/// The lead among these notices that is a person's structure's own.
pub(crate) fn own_lead<'a>(person: &Subscriber, notices: &'a [NoticeRow]) -> Option<&'a NoticeRow> {
    notices.iter().find(|row| row.notice.visibility.structure() == Some(person.structure()))
}

/// The lead among these notices that the visitor may show everybody.
fn to_publish<'a>(visitor: &Visitor, notices: &'a [NoticeRow]) -> Option<&'a NoticeRow> {
    let session = visitor.session.as_ref()?;
    notices.iter().find(|row| visibility::may_publish(&session.person, row))
}

/// Shows everybody what a structure brought.
pub(crate) async fn publish(State(site): State<Arc<Site>>, Path(id): Path<String>, posted: Posted) -> Shown {
    let notices = notices(&site, Some(&posted.session), &id).await?;
    let named = posted.fields.one("avis");
    let row = notices.iter().find(|row| row.id == named && visibility::may_publish(&posted.session.person, row));
    let row = row.ok_or_else(Trouble::no_page)?;
    let Some(people) = visibility::publish(&site.service, &posted.session.person, row).await? else {
        return Err(Trouble::new(
            StatusCode::CONFLICT,
            "Déjà partagée",
            "Cette piste a changé, ou vient d’être partagée.",
        ));
    };
    let told = match people {
        0 => "Elle ne convient à personne d’autre pour l’instant.".to_owned(),
        1 => "Une personne à qui elle convient est prévenue.".to_owned(),
        n => format!("{n}\u{a0}personnes à qui elle convient sont prévenues."),
    };
    Ok(site.back_to(&posted.visitor, &id, "Piste partagée", &told))
}

pub(crate) fn checked(text: &str, longest: usize, what: &str) -> Result<String, Trouble> {
    if text.chars().count() > longest {
        return Err(Trouble::bad(format!("{what} : {longest} caractères au plus.")));
    }
    Ok(text.to_owned())
}

/// Why an answer was not noted, as its page says it.
#[derive(Debug, Clone)]
struct Refused {
    title: &'static str,
    text: String,
}

pub(crate) async fn decide(State(site): State<Arc<Site>>, Path(id): Path<String>, posted: Posted) -> Shown {
    let (session, fields) = (&posted.session, &posted.fields);
    notices(&site, Some(session), &id).await?;
    let edit = edit_of(fields)?;
    let mut lots: Vec<&str> = fields.all("lot").take(MAX_ANSWERED).collect();
    if lots.is_empty() {
        if fields.has("lots") {
            return Err(Trouble::bad("Cochez au moins un lot."));
        }
        lots.push("");
    }
    let mut noted = 0;
    let mut refused: Option<(Outcome, String)> = None;
    for lot in &lots {
        let outcome = one(&site, session, &id, lot, seen(fields, lot), &edit).await?;
        match outcome {
            Outcome::Noted { .. } => noted += 1,
            Outcome::NoProcedure => return Err(Trouble::no_page()),
            Outcome::NoLot => return Err(Trouble::bad("Ce marché n’a pas ce lot.")),
            Outcome::Invalid(why) => return Err(Trouble::bad(format!("Rien n’est noté : {why}."))),
            Outcome::ReadsOnly => {
                return Err(Trouble::new(StatusCode::FORBIDDEN, "Lecture seule", outcome_line::READS_ONLY));
            }
            Outcome::Closed(_) | Outcome::StillOpen(_) | Outcome::Conflict { .. } => {
                refused.get_or_insert((outcome, (*lot).to_owned()));
            }
        }
    }
    let home = fields.one("retour") == "/";
    let Some((outcome, lot)) = refused else {
        let to = if home { "/?fait=note".to_owned() } else { format!("/procedure/{id}#reponse") };
        return Ok(Redirect::to(&to).into_response());
    };
    if home {
        let why = match outcome {
            Outcome::Closed(_) => "clos",
            Outcome::StillOpen(_) => "ouvert",
            _ => "autre",
        };
        return Ok(Redirect::to(&format!("/?fait={why}")).into_response());
    }
    let mut refused = told(&outcome, &lot, &edit, session);
    if noted > 0 {
        refused.text.push_str(&format!(" Les autres réponses ({noted}) sont notées."));
    }
    let notices = notices(&site, Some(session), &id).await?;
    view::page(&site, &posted.visitor, &id, &notices, Some(refused)).await
}

/// Narrows one's own subscriptions by what was wrong with a market that was written off.
pub(crate) async fn narrow(State(site): State<Arc<Site>>, Path(id): Path<String>, posted: Posted) -> Shown {
    posted.session.may(Permission::Decide)?;
    notices(&site, Some(&posted.session), &id).await?;
    let cut = NarrowBy::parse(posted.fields.one("par"));
    let cut = cut.ok_or_else(|| Trouble::bad("Choisissez ce qui ne doit plus venir."))?;
    let said = narrowing::narrow(&site.service, &posted.session.person, &id, cut).await?;
    Ok(site.back_to(&posted.visitor, &id, "Vos abonnements", &said))
}

async fn one(
    site: &Site,
    session: &Session,
    procedure: &str,
    lot: &str,
    seen: &str,
    edit: &DecisionEdit,
) -> Result<Outcome, Trouble> {
    let asker =
        decisions::Asker { person: &session.person, name: session.name(), procedure, lot, seen: Seen::Mark(seen) };
    Ok(decisions::decide(&site.service, &asker, edit).await?)
}

/// The mark of what the page showed of a lot: pages that answer several send `vu` = `lot mark` of each that was decided.
fn seen<'a>(fields: &'a Fields, lot: &str) -> &'a str {
    let of_lot = fields.all("vu").find_map(|v| v.split_once(' ').filter(|(l, _)| *l == lot));
    of_lot.map_or_else(|| if fields.has("lots") { "" } else { fields.one("seen") }, |(_, mark)| mark)
}

/// What the page says of an answer that was not noted.
fn told(outcome: &Outcome, lot: &str, edit: &DecisionEdit, session: &Session) -> Refused {
    match outcome {
        // The same person, on another page or in a message.
        Outcome::Conflict { standing, wanted } if standing.by == session.name() => {
            let of = if lot.is_empty() { String::new() } else { format!(" pour le lot {lot}") };
            let text = format!(
                "Entre-temps, vous avez répondu « {} »{of}, sur une autre page ou dans un message. Votre réponse « {} » n’a pas été enregistrée : répondez à nouveau si elle tient toujours.",
                standing.stage.in_french(),
                wanted.in_french()
            );
            Refused { title: "Vous aviez déjà répondu", text }
        }
        Outcome::Conflict { standing, wanted } => {
            let of = if lot.is_empty() { String::new() } else { format!(" pour le lot {lot}") };
            let text = format!(
                "Entre-temps, {} a répondu « {} »{of}. Votre réponse « {} » n’a pas été enregistrée : voyez ce qui suit, puis répondez à nouveau si elle tient toujours.",
                standing.by,
                standing.stage.in_french(),
                wanted.in_french()
            );
            Refused { title: "Quelqu’un a répondu avant vous", text }
        }
        _ => Refused { title: "Réponse non notée", text: outcome_line::line(outcome, edit, session.name()) },
    }
}

/// What a form of the page asks to change.
fn edit_of(fields: &Fields) -> Result<DecisionEdit, Trouble> {
    let mut edit = DecisionEdit::default();
    if !fields.one("stage").is_empty() {
        let stage = Stage::parse(fields.one("stage")).filter(|s| s.is_decision());
        edit.stage = Some(stage.ok_or_else(|| Trouble::bad("Choisissez une réponse."))?);
        // A button without a list of reasons takes none back.
        edit.refusal = fields.has("refusal").then(|| Refusal::parse(fields.one("refusal")));
    }
    if fields.has("note") {
        edit.note = Some(fields.one("note").to_owned());
        edit.assignee = Some(fields.one("assignee").to_owned());
        let days = fields.one("remind").parse::<i64>().ok().filter(|d| (1..=365).contains(d));
        edit.reminder = days.map(Reminder::InDays);
    }
    Ok(edit)
}

/// The notice as programs and feeds name it.
pub(crate) fn title_of(notice: &Notice, a: &Assessment) -> String {
    if a.title.is_empty() { short(&notice.title, 240) } else { short(&a.title, 240) }
}

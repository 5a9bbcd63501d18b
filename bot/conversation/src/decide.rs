//! Deciding about a delivery: the same by button, reaction or words, for the structure of the person whom the chat got it for.
//!
//! Only the chat that got a delivery speaks for its owner, and only people whose role decides. What is decided stands in the
//! store before anything is answered; the state line of every message that shows it follows by itself (see [`state_line`]).

use chrono::{DateTime, Utc};
use chrono_tz::Europe::Paris;
use vigie_domain::{AlertKind, Decision, OfferStage, PartnerRole, Permission, Refusal, Stage, Subscriber};
use vigie_notifier::card::{Card, short};
use vigie_notifier::chat::{Button, ButtonAction, Rich, Span, Style};
use vigie_service::after_award::offers;
use vigie_service::after_award::subject::{self, Subject};
use vigie_service::alert_card;
use vigie_service::answers::action::{self, Act, Action, NarrowBy};
use vigie_service::answers::positions::Said;
use vigie_service::answers::{outcome_line, state_line};
use vigie_service::decisions::{self, DecisionEdit, Outcome, Reminder, Seen};
use vigie_service::narrowing;
use vigie_service::operations;
use vigie_service::partner_calls::answering::{self, Answer};
use vigie_service::{Failure, Service};
use vigie_store::chats::Received;

use super::replies::apart;
use super::{Incoming, Input, Reply, ReplyPlace};

/// Longest word that passes, in characters (Telegram's answer to a pressed button takes 200).
const MAX_TOAST: usize = 180;
/// Longest name kept of the one who decides, in characters.
const MAX_NAME: usize = 60;

const NO_CALL: &str =
    "Ce mot répond à un appel à partenaires : répondez sous cet appel. Ici : « oui », « non » ou « plus tard ».";
const AS_WHAT: &str = "En quel rôle ? Touchez « Mandataire », « Cotraitant », « Sous-traitant » ou « Non » sous l’appel, ou répondez par exemple « cotraitant lots 2 et 3, 30 % ».";
const NO_OFFER: &str =
    "Ce mot répond aux propositions de services, après une attribution. Ici : « oui », « non » ou « plus tard ».";
/// An offer has its own reminder; the market it comes from is over.
const REMINDS_ITSELF: &str = "Vigie vous le rappellera d’elle-même, une fois, deux semaines après l’avoir signalé. Ici : « contacté », « refusé » ou « gagné ».";
const UNKNOWN: &str = "Je ne retrouve pas ce marché : l’alerte est trop ancienne, ou a été envoyée ailleurs. /echeances montre ceux que vous suivez.";

pub(super) const NOTHING_PUBLIC: &str =
    "Rien de public n’est connu de ce marché : il ne peut pas devenir une opération.";
const NO_SUCH_DAY: &str = "Ce jour est passé : dites par exemple « rappel lundi » ou « rappel dans 3 jours ».";

const OF_MANY: &str = "Ce message est un résumé : rien n’est noté. Répondez sur la page du marché que vous voulez dire, ou sous son alerte.";

/// Acts on what was asked about a delivery.
///
/// # Errors
/// The database fails.
pub(super) async fn act(
    service: &Service,
    incoming: &Incoming,
    delivery: &str,
    act: &Act,
) -> Result<Vec<Reply>, Failure> {
    let chat = &incoming.chat;
    let found = service.store.received(delivery, chat.channel, &chat.id).await?;
    let why = if found.as_ref().is_some_and(|r| r.cause.is_digest()) { OF_MANY } else { UNKNOWN };
    let Some(received) = found.filter(|r| !r.procedure.is_empty()) else {
        // A reaction may be for anything; a button or a word waits for an answer.
        let silent = matches!(incoming.input, Input::Reacted { .. });
        return Ok(if silent { Vec::new() } else { short_reply(incoming, why) });
    };
    let Some(person) = service.store.subscriber(&received.subscriber).await? else {
        return Ok(short_reply(incoming, UNKNOWN));
    };
    let asked = Asked { service, incoming, delivery, received: &received, person: &person, now: service.clock.now() };
    if act.action == Action::More {
        return apart(|| asked.more()).await;
    }
    if let Action::Note(note) = &act.action
        && !note.trim().is_empty()
        && notes_on_operations(&person)
    {
        return apart(|| asked.note_for_colleagues(note)).await;
    }
    if !person.role.may(Permission::Decide) {
        return Ok(short_reply(incoming, outcome_line::READS_ONLY));
    }
    let subject = subject::of(service, delivery).await?;
    let act = meant(act, subject.as_ref());
    if let Some(call) = subject.as_ref().and_then(|s| s.call.as_deref()) {
        return apart(|| asked.position(call, &act)).await;
    }
    if matches!(act.action, Action::Position(_) | Action::Positions(_)) {
        return Ok(short_reply(incoming, NO_CALL));
    }
    if let Action::Offer(stage) = act.action {
        return apart(|| asked.serve(stage, subject.as_ref())).await;
    }
    let of_offer = subject.as_ref().is_some_and(|s| s.kind == AlertKind::Offer);
    if of_offer && matches!(act.action, Action::Remind(_) | Action::RemindOn(_)) {
        return Ok(short_reply(incoming, REMINDS_ITSELF));
    }
    apart(|| asked.decide(&act)).await
}

/// Whether a note of this person on a market is one on an operation: they decide on no market, and follow operations.
pub(super) fn notes_on_operations(person: &Subscriber) -> bool {
    !person.role.may(Permission::Decide) && person.role.may(Permission::FollowOperations)
}

/// What an answer means under what it answers: of an offer of service, of a question about a lot, or of a market. Pure.
fn meant(act: &Act, subject: Option<&Subject>) -> Act {
    let of_offer = subject.is_some_and(|s| s.kind == AlertKind::Offer);
    let action = match (&act.action, of_offer) {
        (Action::Stage(Stage::Won), true) => Action::Offer(OfferStage::Won),
        (Action::Stage(Stage::Go), true) => Action::Offer(OfferStage::Contacted),
        (Action::Stage(Stage::NoGo | Stage::Lost | Stage::Abandoned) | Action::Because(_), true) => {
            Action::Offer(OfferStage::Declined)
        }
        (Action::Offer(OfferStage::Won), false) => Action::Stage(Stage::Won),
        (Action::Offer(OfferStage::Declined), false) => Action::Stage(Stage::NoGo),
        (action, _) => action.clone(),
    };
    let asked = subject.filter(|s| s.kind == AlertKind::AskResult && act.lot.is_empty()).map(|s| s.lot.clone());
    Act { action, lot: asked.unwrap_or_else(|| act.lot.clone()) }
}

/// A word to the one who spoke: it passes where a button was pressed, else it is an answer.
pub(super) fn short_reply(incoming: &Incoming, text: &str) -> Vec<Reply> {
    let place = if matches!(incoming.input, Input::Pressed { .. }) { ReplyPlace::Toast } else { ReplyPlace::Answer };
    vec![Reply { place, text: text.into(), buttons: Vec::new() }]
}

struct Asked<'a> {
    service: &'a Service,
    incoming: &'a Incoming,
    delivery: &'a str,
    received: &'a Received,
    person: &'a Subscriber,
    now: DateTime<Utc>,
}

impl Asked<'_> {
    fn pressed(&self) -> bool {
        matches!(self.incoming.input, Input::Pressed { .. })
    }

    fn name(&self) -> String {
        let name = short(&self.incoming.sender.name, MAX_NAME);
        if name.is_empty() { short(&self.person.name, MAX_NAME) } else { name }
    }

    /// A facilitator's note on a market: it follows the market as an operation, which colleagues read.
    async fn note_for_colleagues(&self, note: &str) -> Result<Vec<Reply>, Failure> {
        let (by, procedure) = (self.name(), self.received.procedure.as_str());
        let noted = operations::note_on(self.service, self.person, &by, procedure, note).await?;
        let said = match noted {
            Some((o, new)) => {
                let followed = if new { ", que vous suivez désormais" } else { "" };
                format!("C’est noté pour vos collègues sur l’opération {}{followed}.", short(&o.reference, 40))
            }
            None => NOTHING_PUBLIC.to_owned(),
        };
        Ok(short_reply(self.incoming, &said))
    }

    /// What came of offering services to the holder of a contract.
    async fn serve(&self, stage: OfferStage, subject: Option<&Subject>) -> Result<Vec<Reply>, Failure> {
        let Some(subject) = subject.filter(|s| s.kind == AlertKind::Offer) else {
            return Ok(short_reply(self.incoming, NO_OFFER));
        };
        let of = (subject.procedure.as_str(), subject.lot.as_str());
        let answered = offers::answer(self.service, self.person, of, stage, &self.name()).await?;
        Ok(short_reply(self.incoming, &offers::answered_in_french(&answered)))
    }

    /// As what the structure positions itself in a call for partners.
    async fn position(&self, call: &str, act: &Act) -> Result<Vec<Reply>, Failure> {
        let on_lot = |role: PartnerRole| {
            let lots = Some(act.lot.clone()).filter(|l| !l.is_empty());
            vec![Said { lots: lots.into_iter().collect(), ..Said::only(role) }]
        };
        let said = match &act.action {
            Action::Position(role) => on_lot(*role),
            Action::Positions(said) => said.clone(),
            Action::Stage(Stage::NoGo | Stage::Abandoned)
            | Action::Because(_)
            | Action::Offer(OfferStage::Declined) => on_lot(PartnerRole::Declined),
            _ => return Ok(short_reply(self.incoming, AS_WHAT)),
        };
        let by = self.name();
        let answer = Answer {
            person: self.person,
            by: &by,
            call,
            said: &said,
            note: "",
            shows_decision: None,
            seen: None,
            ticked: false,
        };
        let answered = apart(|| answering::answer(self.service, &answer)).await?;
        let line = answering::line(&answered, &by);
        // A long sentence does not fit in a word that passes.
        let place = if line.chars().count() > MAX_TOAST { ReplyPlace::Answer } else { ReplyPlace::Toast };
        let place = if self.pressed() { place } else { ReplyPlace::Answer };
        Ok(vec![Reply { place, text: Rich::plain(line), buttons: Vec::new() }])
    }

    async fn decide(&self, act: &Act) -> Result<Vec<Reply>, Failure> {
        let edit = match &act.action {
            Action::More | Action::Offer(_) | Action::Position(_) | Action::Positions(_) => return Ok(Vec::new()),
            Action::Narrow(by) => return self.narrow(*by).await,
            Action::Stage(stage) => DecisionEdit { stage: Some(*stage), ..DecisionEdit::default() },
            Action::Because(refusal) => {
                let standing = self.standing(&act.lot).await?;
                let Some(stage) = stage_of_a_reason(*refusal, standing) else {
                    let text = format!(
                        "Rien n’est changé : « {} » ne va pas avec « {} ». Dites d’abord où vous en êtes, par exemple « perdu ».",
                        refusal.in_french(),
                        standing.in_french()
                    );
                    return Ok(short_reply(self.incoming, &text));
                };
                DecisionEdit { stage: Some(stage), refusal: Some(Some(*refusal)), ..DecisionEdit::default() }
            }
            Action::Remind(days) => DecisionEdit { reminder: Some(Reminder::InDays(*days)), ..DecisionEdit::default() },
            Action::RemindOn(day) => {
                let today = self.now.with_timezone(&Paris).date_naive();
                let Some(day) = day.after(today) else { return Ok(short_reply(self.incoming, NO_SUCH_DAY)) };
                let days = (day - today).num_days();
                DecisionEdit { reminder: Some(Reminder::InDays(days)), ..DecisionEdit::default() }
            }
            Action::Note(note) => DecisionEdit { note: Some(note.clone()), ..DecisionEdit::default() },
            Action::Assign(name) => DecisionEdit { assignee: Some(name.clone()), ..DecisionEdit::default() },
            Action::GoWith(name) => {
                DecisionEdit { stage: Some(Stage::Go), assignee: Some(name.clone()), ..DecisionEdit::default() }
            }
        };
        let by = self.name();
        let asker = decisions::Asker {
            person: self.person,
            name: &by,
            procedure: &self.received.procedure,
            lot: &act.lot,
            seen: Seen::Latest,
        };
        let outcome = apart(|| decisions::decide(self.service, &asker, &edit)).await?;
        let line = outcome_line::line(&outcome, &edit, &by);
        let Outcome::Noted { before, now } = outcome else { return Ok(short_reply(self.incoming, &line)) };
        self.service.store.note_name(self.incoming.chat.channel, &self.incoming.chat.id, &by, self.now).await?;
        self.answer(&act.action, before.as_ref(), &now, &by, line).await
    }

    /// Where the structure stands with a lot of it; empty = the whole.
    async fn standing(&self, lot: &str) -> Result<Stage, Failure> {
        let standing = self.service.store.decisions_on(self.person.structure(), &self.received.procedure).await?;
        Ok(standing.iter().find(|d| d.lot == lot).map_or(Stage::Spotted, |d| d.stage))
    }

    /// What is said of a decision that stands: a word that passes, and what it leads to.
    async fn answer(
        &self,
        action: &Action,
        before: Option<&Decision>,
        now: &Decision,
        by: &str,
        line: String,
    ) -> Result<Vec<Reply>, Failure> {
        let toast = Reply { place: ReplyPlace::Toast, text: Rich::plain(line.clone()), buttons: Vec::new() };
        let stage = match action {
            Action::Because(refusal) if now.stage == Stage::NoGo => return self.because(*refusal, by).await,
            Action::Because(refusal) => {
                let text = format!("Noté : {}, {}.", now.stage.in_french(), refusal.in_french());
                let place = if self.pressed() { ReplyPlace::Edit } else { ReplyPlace::Answer };
                return Ok(vec![Reply { place, text: Rich::plain(text), buttons: Vec::new() }]);
            }
            Action::Stage(stage) => *stage,
            _ => return Ok(vec![toast]),
        };
        let first = before.filter(|b| b.stage.is_decided() && b.by != by);
        if first.is_some_and(|b| b.stage == stage) {
            return Ok(short_reply(self.incoming, &line));
        }
        let mut replies = vec![toast];
        if !Refusal::of(stage).is_empty() && now.refusal.is_none() && now.lot.is_empty() {
            let text = match stage {
                Stage::NoGo => format!(
                    "Écarté par {by}. Pourquoi ? Si cela se répète, Vigie vous proposera d’en tenir compte ; répondre est facultatif."
                ),
                _ => format!(
                    "Noté : {}. Pourquoi ? « Mon année » le compte ; répondre est facultatif.",
                    stage.in_french()
                ),
            };
            replies.push(Reply {
                place: ReplyPlace::Answer,
                text: text.as_str().into(),
                buttons: state_line::reasons(stage, self.delivery),
            });
        } else if let Some(first) = first.filter(|_| !self.pressed()) {
            let text = format!(
                "{} avait noté : {}. C’est maintenant : {}.",
                first.by,
                first.stage.in_french(),
                stage.in_french()
            );
            replies.push(Reply { place: ReplyPlace::Answer, text: Rich::plain(text), buttons: Vec::new() });
        }
        Ok(replies)
    }

    /// A reason, and what it offers to change.
    async fn because(&self, refusal: Refusal, by: &str) -> Result<Vec<Reply>, Failure> {
        let mut text = format!("Écarté par {by} : {}.", refusal.in_french());
        let mut buttons: Vec<Vec<Button>> = Vec::new();
        for (cut, label) in narrowing::offered(self.service, self.person, &self.received.procedure, refusal).await? {
            buttons.push(vec![action::button(&label, &Action::Narrow(cut), self.delivery)]);
        }
        if !buttons.is_empty() {
            text.push_str(" D’un geste, votre abonnement peut en tenir compte :");
        } else if refusal != Refusal::Other {
            text.push_str(" Si cela se répète, resserrez votre abonnement.");
            buttons.push(vec![action::command("Voir mes abonnements", "/abonnements")]);
        }
        let place = if self.pressed() { ReplyPlace::Edit } else { ReplyPlace::Answer };
        Ok(vec![Reply { place, text: Rich::plain(text), buttons }])
    }

    async fn narrow(&self, cut: NarrowBy) -> Result<Vec<Reply>, Failure> {
        let place = if self.pressed() { ReplyPlace::Edit } else { ReplyPlace::Answer };
        let said = narrowing::narrow(self.service, self.person, &self.received.procedure, cut).await?;
        Ok(vec![Reply { place, text: Rich::plain(said), buttons: Vec::new() }])
    }

    async fn more(&self) -> Result<Vec<Reply>, Failure> {
        let Some(card) = alert_card::card_of(self.service, self.delivery).await? else {
            return Ok(short_reply(self.incoming, UNKNOWN));
        };
        decisions::read(self.service, self.person, &self.name(), &self.received.procedure).await?;
        let decides = self.person.role.may(Permission::Decide) && (card.state.open || card.state.may_be_won);
        let mut buttons = if decides { state_line::stages(card.state.open, self.delivery) } else { Vec::new() };
        buttons.extend(
            self.service
                .home_url()
                .map(|url| vec![Button { label: "Mes marchés".to_owned(), action: ButtonAction::Open(url) }]),
        );
        Ok(vec![Reply { place: ReplyPlace::Answer, text: details(&card), buttons }])
    }
}

/// Where a structure stands that gives a reason: where it stood, if that takes the reason; what was handed in was lost by its price or its
/// mark; anything else that is not over is left out. `None` where the reason goes with nothing.
fn stage_of_a_reason(refusal: Refusal, standing: Stage) -> Option<Stage> {
    let of_loss = matches!(refusal, Refusal::Price | Refusal::Quality);
    match standing {
        stage if Refusal::of(stage).contains(&refusal) => Some(stage),
        Stage::Submitted if of_loss => Some(Stage::Lost),
        Stage::Lost | Stage::Won | Stage::NoAward => None,
        _ => (!of_loss).then_some(Stage::NoGo),
    }
}

/// All that a card holds and an alert leaves out.
fn details(card: &Card) -> Rich {
    let mut out = Rich::default();
    heading(&mut out, &short(&card.title, 200));
    out.push(&Rich::plain(format!("{}\n", card.state.line)));
    if let Some(description) = &card.description {
        out.push(&Rich::plain(format!("{description}\n")));
    }
    for (title, lines) in [
        ("Ce que dit l’avis", &card.provisions),
        ("Bon à savoir", &card.facts),
        ("Dates", &card.dates),
        (card.lots_title, &card.lots),
    ] {
        if lines.is_empty() {
            continue;
        }
        out.push(&"\n".into());
        heading(&mut out, title);
        for line in lines {
            let text =
                if line.text.is_empty() { line.label.clone() } else { format!("{} : {}", line.label, line.text) };
            out.push(&Rich::plain(format!("• {text}\n")));
            if let Some(quote) = &line.quote {
                styled(&mut out, &format!("« {quote} »"), Style::Quote);
                out.push(&"\n".into());
            }
        }
    }
    if !card.why.is_empty() {
        out.push(&Rich::plain(format!("\nPourquoi vous : {}\n", card.why.join(" ; "))));
    }
    for contact in &card.contacts {
        out.push(&Rich::plain(format!("☎️ {contact}\n")));
    }
    for (label, url) in
        [("Voir sur Vigie", &card.page), ("Lire l’avis", &card.link), (card.documents_label, &card.documents)]
    {
        if let Some(url) = url {
            styled(&mut out, label, Style::Link(url.clone()));
            out.push(&"\n".into());
        }
    }
    out
}

fn heading(out: &mut Rich, text: &str) {
    styled(out, text, Style::Bold);
    out.push(&"\n".into());
}

fn styled(out: &mut Rich, text: &str, style: Style) {
    out.push(&Rich { text: text.to_owned(), spans: vec![Span { start: 0, end: text.len(), style }] });
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reason_changes_no_stage_that_it_does_not_go_with() {
        for (refusal, standing, stage) in [
            (Refusal::Place, Stage::Spotted, Some(Stage::NoGo)),
            (Refusal::Place, Stage::Go, Some(Stage::NoGo)),
            (Refusal::Time, Stage::Abandoned, Some(Stage::Abandoned)),
            (Refusal::Price, Stage::Lost, Some(Stage::Lost)),
            (Refusal::Price, Stage::Submitted, Some(Stage::Lost)),
            (Refusal::Price, Stage::Read, None),
            (Refusal::Quality, Stage::NoGo, None),
            (Refusal::Place, Stage::Lost, None),
            (Refusal::Place, Stage::Won, None),
        ] {
            assert_eq!(stage_of_a_reason(refusal, standing), stage, "{refusal:?} {standing:?}");
        }
    }
}

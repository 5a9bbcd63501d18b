//! One procedure: the verdict first, its evidence in its context, dates, lots with mine marked, what was published when, what my
//! structure decided.
//!
//! Decisions are read and written for the structure of the session alone. Who opens the page while signed in has read it. An
//! answer sends back what its page showed: where a colleague, or another tab, decided otherwise meanwhile, nothing is written
//! and the page says so.

use std::sync::Arc;

use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Redirect, Response};
use chrono::{DateTime, Utc};
use chrono_tz::Europe::Paris;
use minijinja::context;
use minijinja::value::Serde;
use vigie_domain::procedure::{Snapshot, Status, changes};
use vigie_domain::state::ended_in_french;
use vigie_domain::{
    AlertKind, Assessment, Decision, Notice, NoticeKind, Passage, ProcedureState, Refusal, Stage, concerned_lots,
    french,
};
use vigie_notifier::card::{self, AlertItem, Card, Line, Links, Why, provision_label, short};
use vigie_notifier::fit;
use vigie_service::answers::outcome_line;
use vigie_service::decisions::{self, DecisionEdit, Outcome, Reminder, Seen};
use vigie_service::ingest::candidate;
use vigie_service::visibility;
use vigie_store::StoreError;
use vigie_store::journal::NoticeRow;
use vigie_watcher::classify::{self, fold::fold};
use vigie_watcher::zones;

use super::browse::Choice;
use super::cookies::Session;
use super::frame::{Fields, Posted, Shown, Site, Trouble, Visitor};

/// Characters of context on each side of a quote.
const CONTEXT: usize = 160;
/// Lots listed on the page: one contract had 173.
const MAX_LOTS: usize = 200;
/// Notices in the timeline.
const MAX_NOTICES: usize = 60;

/// Words in their context.
#[derive(serde::Serialize)]
struct Quote {
    before: String,
    words: String,
    after: String,
}

/// A provision as the page shows it.
#[derive(serde::Serialize)]
struct Shows {
    label: String,
    text: String,
    strong: bool,
    quote: Option<Quote>,
    /// The field that says it, where no words do.
    field: Option<String>,
}

#[derive(serde::Serialize)]
struct LotRow {
    id: String,
    title: String,
    place: String,
    provisions: Vec<&'static str>,
    mine: bool,
    stage: Option<&'static str>,
    /// How it ended, where it did and others did not.
    ended: Option<String>,
}

#[derive(serde::Serialize)]
struct Step {
    day: String,
    what: String,
    reference: String,
    changes: Vec<String>,
    winners: Vec<String>,
    link: Option<String>,
}

#[derive(serde::Serialize)]
struct Decided {
    lot: String,
    stage: &'static str,
    refusal: Option<&'static str>,
    by: String,
    day: String,
    assignee: String,
    note: String,
    remind: Option<String>,
}

fn kind_of(a: &Assessment) -> AlertKind {
    match a.notice_kind {
        NoticeKind::Correction => AlertKind::Correction,
        NoticeKind::Cancellation => AlertKind::Cancellation,
        NoticeKind::Award => AlertKind::Award,
        NoticeKind::NoAward => AlertKind::NoAward,
        NoticeKind::ExAnte => AlertKind::ExAnte,
        NoticeKind::Modification => AlertKind::Modification,
        NoticeKind::Completion => AlertKind::Completion,
        _ => AlertKind::New,
    }
}

/// What is told of a procedure that stands so.
fn kind_of_state(status: Status) -> AlertKind {
    match status {
        Status::Open => AlertKind::New,
        Status::Cancelled => AlertKind::Cancellation,
        Status::Awarded => AlertKind::Award,
        Status::NoAward => AlertKind::NoAward,
        Status::Intended => AlertKind::ExAnte,
    }
}

fn card_of(row: &NoticeRow, kind: AlertKind, state: &ProcedureState, now: DateTime<Utc>) -> Card {
    let why = Why::default();
    card::card(
        &AlertItem {
            kind,
            changes: &[],
            notice: &row.notice,
            assessment: &row.assessment,
            state,
            why: &why,
            noticed: row.first_seen,
            contacts: &[],
            links: Links::default(),
        },
        now,
    )
}

/// The notice that says what the procedure is now: the latest that is no result nor cancellation, else the latest.
pub(crate) fn current(notices: &[NoticeRow]) -> Option<&NoticeRow> {
    let whole = |n: &&NoticeRow| n.notice.kind == NoticeKind::Correction || !n.notice.kind.is_follow_up();
    notices.iter().rev().find(whole).or(notices.last())
}

/// The words in the text around them.
fn quote(words: &str, passages: &[&Passage]) -> Quote {
    let found = passages.iter().find_map(|p| p.text.find(words).map(|at| (p, at)));
    let Some((passage, at)) = found else {
        return Quote { before: String::new(), words: short(words, 600), after: String::new() };
    };
    let line = |text: &str| text.split_whitespace().collect::<Vec<_>>().join(" ");
    let head: String = {
        let mut kept: Vec<char> = passage.text[..at].chars().rev().take(CONTEXT).collect();
        kept.reverse();
        kept.into_iter().collect()
    };
    let rest = &passage.text[at + words.len()..];
    let tail: String = rest.chars().take(CONTEXT).collect();
    let (cut_head, cut_tail) = (head.len() < at, tail.len() < rest.len());
    // Cut at a word.
    let head = if cut_head { head.split_once(char::is_whitespace).map_or("", |(_, h)| h) } else { &head };
    let tail = if cut_tail { tail.rsplit_once(char::is_whitespace).map_or("", |(t, _)| t) } else { &tail };
    Quote {
        before: format!("{}{}", if cut_head { "… " } else { "" }, line(head)),
        words: line(words),
        after: format!("{}{}", line(tail), if cut_tail { " …" } else { "" }),
    }
}

fn shows(line: Line, words: Option<&str>, field: Option<&String>, passages: &[&Passage]) -> Shows {
    Shows {
        label: line.label,
        text: line.text,
        strong: line.strong,
        quote: words.map(|w| quote(w, passages)),
        field: field.filter(|_| words.is_none()).cloned(),
    }
}

/// Notices in order, each with what it changed.
fn timeline(notices: &[NoticeRow]) -> Vec<Step> {
    let mut state: Option<Snapshot> = None;
    let mut out = Vec::new();
    for row in notices {
        let a = &row.assessment;
        let after = state.as_ref().map_or_else(|| Snapshot::of(a), |s| s.followed_by(a));
        let changed: Vec<String> =
            state.as_ref().map(|s| changes(s, &after)).unwrap_or_default().iter().map(card::change).collect();
        state = Some(after);
        let day = row.notice.published.unwrap_or_else(|| zones::paris_day(row.first_seen));
        let stood = ProcedureState::of_verdict(a, row.first_seen);
        let shown = card_of(row, kind_of(a), &stood, row.first_seen);
        out.push(Step {
            day: french::date(day),
            what: what(row.notice.kind).to_owned(),
            reference: shown.reference,
            changes: changed,
            winners: shown.winners.into_iter().chain(shown.unawarded).collect(),
            link: shown.link,
        });
    }
    let cut = out.len().saturating_sub(MAX_NOTICES);
    out.split_off(cut)
}

fn what(kind: NoticeKind) -> &'static str {
    match kind {
        NoticeKind::Call | NoticeKind::Private => "Appel d’offres",
        NoticeKind::PriorInformation => "Préinformation",
        NoticeKind::Planned => "Projet d’achat",
        NoticeKind::Award => "Attribution",
        NoticeKind::NoAward => "Sans suite ou infructueux",
        NoticeKind::ExAnte => "Intention de conclure",
        NoticeKind::Modification => "Modification du contrat",
        NoticeKind::Completion => "Fin du contrat",
        NoticeKind::Correction => "Rectificatif",
        NoticeKind::Cancellation => "Annulation",
        NoticeKind::Event => "Rencontre",
    }
}

/// What of the procedure meets the person's own subscriptions.
struct Mine {
    /// Lots that do; `None` = none does, or nothing is known.
    lots: Option<Vec<String>>,
    why: Vec<String>,
}

async fn mine(site: &Site, session: &Session, row: &NoticeRow, now: DateTime<Utc>) -> Result<Mine, StoreError> {
    let subscriptions = site.service.store.subscriptions_of(&session.person.id).await?;
    let text = classify::searchable(&row.notice, &row.assessment.lots);
    let seen = candidate(row, &text, now);
    let mut lots: Option<Vec<String>> = None;
    let mut why = Vec::new();
    for subscription in subscriptions {
        let Ok(found) = subscription.filter.with_words_folded(fold).test(&seen) else { continue };
        let person = &session.person;
        let Some(found) = concerned_lots::narrowed(person.role, &person.profile, &row.assessment, found) else {
            continue;
        };
        if why.is_empty() {
            why = fit::weigh(&person.profile, &row.assessment, &found).reasons;
        }
        let met =
            if found.lots.is_empty() { row.assessment.lots.iter().map(|l| l.id.clone()).collect() } else { found.lots };
        lots.get_or_insert_default().extend(met);
    }
    Ok(Mine { lots, why })
}

fn lots(a: &Assessment, state: &Snapshot, mine: &Mine, decisions: &[Decision]) -> Vec<LotRow> {
    let row = |l: &vigie_domain::assessment::AssessedLot| {
        let provisions = a.provisions.iter().filter(|p| p.covers(Some(&l.id)) && !p.lots.is_empty());
        let mut labels: Vec<&'static str> = provisions.map(|p| provision_label(p.kind)).collect();
        labels.dedup();
        LotRow {
            id: l.id.clone(),
            title: short(&l.title, 180),
            place: super::browse::place(&l.departments),
            provisions: labels,
            mine: mine.lots.as_ref().is_some_and(|lots| lots.contains(&l.id)),
            stage: decisions.iter().find(|d| d.lot == l.id).map(|d| d.stage.in_french()),
            ended: state
                .ended
                .iter()
                .find(|e| e.lot == l.id)
                .map(|e| french::capital(&ended_in_french(e.status, e.reason))),
        }
    };
    let mut rows: Vec<LotRow> = a.lots.iter().map(row).collect();
    rows.sort_by_key(|r| !r.mine);
    rows.truncate(MAX_LOTS);
    rows
}

fn day_of(at: DateTime<Utc>) -> String {
    french::date(at.with_timezone(&Paris).date_naive())
}

fn decided(d: &Decision) -> Decided {
    Decided {
        lot: d.lot.clone(),
        stage: d.stage.in_french(),
        refusal: d.refusal.map(Refusal::in_french),
        by: d.by.clone(),
        day: day_of(d.at),
        assignee: d.assignee.clone(),
        note: d.note.clone(),
        remind: d.remind_at.map(day_of),
    }
}

/// The notices of a procedure that this reader may see.
pub(crate) async fn notices(site: &Site, reader: Option<&Session>, id: &str) -> Result<Vec<NoticeRow>, Trouble> {
    let all = site.service.store.notices_of(id).await?;
    let notices = visibility::visible(&site.service, reader.map(|s| &s.person), all).await?;
    if notices.is_empty() {
        return Err(Trouble::unknown(
            "Procédure inconnue",
            "Ce lien ne mène à aucune procédure que tout le monde peut voir. Si vous en avez été alerté, entrez d’abord : « Entrer », en haut de la page.",
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
    page(&site, &visitor, &id, &notices, None).await
}

async fn page(
    site: &Site,
    visitor: &Visitor,
    id: &str,
    notices: &[NoticeRow],
    conflict: Option<String>,
) -> Result<Response, Trouble> {
    let now = site.service.clock.now();
    let main = current(notices).ok_or_else(Trouble::no_page)?;
    let a = &main.assessment;
    let state = site.service.store.state_of(id).await?.unwrap_or_default();
    let over = state.status != Status::Open;
    let stands = ProcedureState::of(&state, "", now);
    let card = card_of(main, kind_of_state(state.status), &stands, now);
    let passages: Vec<&Passage> = notices.iter().flat_map(|n| &n.notice.passages).collect();
    let provisions: Vec<Shows> = a
        .provisions
        .iter()
        .zip(card.provisions.clone())
        .map(|(p, line)| shows(line, p.evidence.quote.as_deref(), p.evidence.field.as_ref(), &passages))
        .collect();
    let facts: Vec<Shows> = card
        .facts
        .iter()
        .map(|line| {
            let words = line.quote.clone();
            shows(line.clone(), words.as_deref(), None, &[])
        })
        .collect();
    let (decisions, mine) = match &visitor.session {
        Some(session) => {
            (site.service.store.decisions_on(session.structure(), id).await?, mine(site, session, main, now).await?)
        }
        None => (Vec::new(), Mine { lots: None, why: Vec::new() }),
    };
    let whole = decisions.iter().find(|d| d.lot.is_empty());
    let seen: Vec<(String, String)> = decisions.iter().map(|d| (d.lot.clone(), d.mark())).collect();
    let mut links: Vec<(String, String)> = Vec::new();
    for row in notices {
        let shown = card_of(row, AlertKind::New, &stands, now);
        links.extend(shown.link.map(|l| (shown.reference.clone(), l)));
    }
    let status = if conflict.is_some() { StatusCode::CONFLICT } else { StatusCode::OK };
    Ok(site.page_as(
        status,
        visitor,
        "procedure.html",
        context! {
            id => id,
            today => day_of(now),
            page => site.service.procedure_url(id),
            c => Serde(&card),
            over => over,
            amount => main.notice.estimated_value.map(|v| format!("{}\u{a0}€ HT", french::number(v))),
            provisions => Serde(provisions),
            facts => Serde(facts),
            lots => Serde(lots(a, &state, &mine, &decisions)),
            lot_count => a.lots.len(),
            has_mine => mine.lots.as_ref().is_some_and(|l| !l.is_empty() && l.len() < a.lots.len()),
            why => mine.why,
            timeline => Serde(timeline(notices)),
            links => Serde(links),
            whole => Serde(whole.map(decided)),
            decisions => Serde(decisions.iter().filter(|d| !d.lot.is_empty()).map(decided).collect::<Vec<_>>()),
            stage => whole.map(|d| d.stage.as_str()),
            seen => Serde(seen),
            refusals => Serde(refusals(whole.and_then(|d| d.refusal))),
            conflict => conflict,
            restricted => !notices.iter().any(|n| n.notice.visibility.is_public()),
            to_publish => to_publish(visitor, notices).map(|row| row.id.as_str()),
        },
    ))
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

fn refusals(chosen: Option<Refusal>) -> Vec<Choice> {
    let choice =
        |r: Refusal| Choice { value: r.as_str().to_owned(), label: r.in_french().to_owned(), on: chosen == Some(r) };
    Refusal::ALL.into_iter().map(choice).collect()
}

pub(crate) fn checked(text: &str, longest: usize, what: &str) -> Result<String, Trouble> {
    if text.chars().count() > longest {
        return Err(Trouble::bad(format!("{what} : {longest} caractères au plus.")));
    }
    Ok(text.to_owned())
}

pub(crate) async fn decide(State(site): State<Arc<Site>>, Path(id): Path<String>, posted: Posted) -> Shown {
    let (session, fields) = (&posted.session, &posted.fields);
    notices(&site, Some(session), &id).await?;
    let edit = edit_of(fields)?;
    let lot = fields.one("lot");
    let asker = decisions::Asker {
        person: &session.person,
        name: session.name(),
        procedure: &id,
        lot,
        seen: Seen::Mark(fields.one("seen")),
    };
    let outcome = decisions::decide(&site.service, &asker, &edit).await?;
    let why = match &outcome {
        Outcome::Noted { .. } => return Ok(Redirect::to(&format!("/procedure/{id}#reponse")).into_response()),
        Outcome::NoProcedure => return Err(Trouble::no_page()),
        Outcome::NoLot => return Err(Trouble::bad("Ce lot n’existe pas dans cette procédure.")),
        Outcome::Invalid(why) => return Err(Trouble::bad(format!("Rien n’est noté : {why}."))),
        Outcome::ReadsOnly => {
            return Err(Trouble::new(StatusCode::FORBIDDEN, "Lecture seule", outcome_line::READS_ONLY));
        }
        Outcome::Closed(_) => outcome_line::line(&outcome, &edit, session.name()),
        Outcome::Conflict { standing, wanted } => {
            let of = if lot.is_empty() { String::new() } else { format!(" pour le lot {lot}") };
            format!(
                "Entre-temps, {} a répondu « {} »{of}. Votre réponse « {} » n’a pas été enregistrée : voyez ce qui suit, puis répondez à nouveau si elle tient toujours.",
                standing.by,
                standing.stage.in_french(),
                wanted.in_french()
            )
        }
    };
    let notices = notices(&site, Some(session), &id).await?;
    page(&site, &posted.visitor, &id, &notices, Some(why)).await
}

/// What a form of the page asks to change.
fn edit_of(fields: &Fields) -> Result<DecisionEdit, Trouble> {
    let mut edit = DecisionEdit::default();
    if !fields.one("stage").is_empty() {
        let stage = Stage::parse(fields.one("stage")).filter(|s| s.is_decision());
        edit.stage = Some(stage.ok_or_else(|| Trouble::bad("Choisissez une réponse."))?);
        edit.refusal = Some(Refusal::parse(fields.one("refusal")));
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_shown_in_the_text_around_them() {
        let passage = |text: &str| Passage { field: "rensgComplt".into(), lot: None, text: text.into() };
        let text = format!(
            "{} Le lot 2 est réservé aux EA.\nVisite obligatoire. {}",
            "avant ".repeat(60),
            "après ".repeat(60)
        );
        let passages = [passage("rien ici"), passage(&text)];
        let passages: Vec<&Passage> = passages.iter().collect();
        let found = quote("réservé aux EA", &passages);
        assert!(found.before.starts_with("… avant") && found.before.ends_with("Le lot 2 est"), "{}", found.before);
        assert!(found.after.starts_with(". Visite obligatoire.") && found.after.ends_with(" …"), "{}", found.after);
        assert_eq!(found.words, "réservé aux EA");
        assert_eq!(quote("ailleurs", &passages).before, "", "words that are not found stand alone");
    }
}

//! What the page of a procedure shows, made of what is stored.

use axum::http::StatusCode;
use axum::response::Response;
use chrono::{DateTime, NaiveDate, Utc};
use chrono_tz::Europe::Paris;
use minijinja::context;
use minijinja::value::Serde;
use vigie_domain::procedure::{Snapshot, Status, changes};
use vigie_domain::subscription::Role;
use vigie_domain::{
    Access, AlertKind, Assessment, Decision, Notice, NoticeKind, Passage, Permission, Phase, ProcedureState, Refusal,
    Stage, Subscriber, access, concerned_lots, french,
};
use vigie_notifier::card::{self, AlertItem, Card, Line, Links, Why, short};
use vigie_notifier::fit;
use vigie_service::alert_card;
use vigie_service::ingest::candidate;
use vigie_service::membership;
use vigie_service::narrowing;
use vigie_service::operations::MAX_NOTE;
use vigie_service::why;
use vigie_store::StoreError;
use vigie_store::journal::NoticeRow;
use vigie_store::leads::Attachment;
use vigie_watcher::classify::{self, fold::fold};
use vigie_watcher::zones;

use super::lots;
use super::{Refused, current, own_lead, to_publish};
use crate::browse::Choice;
use crate::chips;
use crate::contracts::party_page;
use crate::cookies::Session;
use crate::dossier;
use crate::frame::{Site, Trouble, Visitor};

/// Characters of context on each side of a quote.
const CONTEXT: usize = 160;
/// Notices in the timeline.
const MAX_NOTICES: usize = 60;
/// Longest description that stands unfolded.
const UNFOLDED: usize = 420;
/// Longest title: none is cut but what no title can be.
const MAX_TITLE: usize = 1_200;

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
struct Step {
    #[serde(skip)]
    on: NaiveDate,
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
    card_from(&row.notice, row, kind, state, now)
}

/// The card of a row; `notice` holds what it inherits from its procedure.
fn card_from(notice: &Notice, row: &NoticeRow, kind: AlertKind, state: &ProcedureState, now: DateTime<Utc>) -> Card {
    let why = Why::default();
    card::card(
        &AlertItem {
            kind,
            changes: &[],
            notice,
            assessment: &row.assessment,
            state,
            why: &why,
            noticed: row.first_seen,
            contacts: &[],
            links: Links::default(),
            stands: None,
        },
        now,
    )
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
            on: day,
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

/// Corrections of its verdict by people, as steps of its history, and the latest in a sentence. Who made one, and their note, is told to
/// whoever is signed in.
async fn corrections(
    site: &Site,
    visitor: &Visitor,
    notices: &[NoticeRow],
) -> Result<(Vec<Step>, Option<String>), Trouble> {
    let store = &site.service.store;
    let (mut steps, mut latest) = (Vec::new(), None);
    for row in notices {
        for made in store.verdict_corrections_of(&row.id).await? {
            let name = match &visitor.session {
                Some(_) => store.subscriber(&made.subscriber).await?.map(|one| short(&one.name, 60)),
                None => None,
            };
            let who = name.filter(|n| !n.is_empty()).unwrap_or_else(|| "une personne".to_owned());
            let on = zones::paris_day(made.at);
            let note = short(&made.note, 300);
            let noted = visitor.session.is_some() && !note.is_empty();
            let back = made.provisions.is_none();
            let what = if back { "Correction retirée" } else { "Lecture corrigée" };
            let because = if noted { format!(" : {note}") } else { String::new() };
            latest = (!back).then(|| format!("Corrigé par {who} le {}{because}.", french::date(on)));
            steps.push(Step {
                on,
                day: french::date(on),
                what: what.to_owned(),
                reference: format!("par {who}"),
                changes: noted.then_some(note).into_iter().collect(),
                winners: Vec::new(),
                link: None,
            });
        }
    }
    Ok((steps, latest))
}

fn what(kind: NoticeKind) -> &'static str {
    match kind {
        NoticeKind::Call => "Avis de marché",
        NoticeKind::Private => "Consultation d’un acheteur privé",
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
#[derive(Default)]
struct Mine {
    /// Lots that do; `None` = none does, or nothing is known.
    lots: Option<Vec<String>>,
    why: Vec<String>,
    /// Where they were not told of it: for each of their subscriptions what it is, and why.
    unmet: Vec<(String, String)>,
    /// It is reserved to structures of other kinds than theirs, whole or each of its lots.
    closed: bool,
}

/// Whether structures of the person's kind can bid for nothing of it, since it is reserved to others.
fn is_closed(person: &Subscriber, a: &Assessment) -> bool {
    let Some(kind) = person.profile.kind.filter(|_| person.role == Role::Structure) else { return false };
    let closed = |lot| access::of_lot(kind, a, lot) == Some(Access::Closed);
    if a.lots.is_empty() { closed(None) } else { a.lots.iter().all(|l| closed(Some(l))) }
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
    let store = &site.service.store;
    let unmet = match store.notifications(&session.person.id, &row.procedure).await?.is_empty() {
        true => why::unmet(store, &session.person, row).await?,
        false => Vec::new(),
    };
    let unmet = unmet.into_iter().map(|u| (u.subscription, u.why)).collect();
    Ok(Mine { lots, why, unmet, closed: is_closed(&session.person, &row.assessment) })
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

/// A button of an answer: the stage, its words, its class.
type Answer = (&'static str, &'static str, &'static str);

/// The answers that make sense: what leads forward while the procedure is open, what became of it once it is not. To what is only
/// announced nothing can be handed in.
fn answers(stage: Option<Stage>, phase: Phase) -> Vec<Answer> {
    const GO: Answer = ("go", "On y va", "");
    const PREPARING: Answer = ("preparing", "En préparation", "quiet");
    const SUBMITTED: Answer = ("submitted", "Offre remise", "quiet");
    const WON: Answer = ("won", "Gagné", "quiet");
    const LOST: Answer = ("lost", "Perdu", "quiet");
    const NO_AWARD: Answer = ("no_award", "Sans suite", "quiet");
    const ABANDONED: Answer = ("abandoned", "On abandonne", "stop");
    // A finger that slipped on « Offre remise » has a way back while there is time.
    const NOT_YET: Answer = ("preparing", "Pas encore remis", "quiet");
    let result = matches!(stage, Some(Stage::Submitted | Stage::Won | Stage::Lost | Stage::NoAward));
    let going = matches!(stage, Some(Stage::Go | Stage::Preparing));
    match phase {
        Phase::Planned if going => vec![GO, PREPARING, ABANDONED],
        Phase::Planned if !result => vec![GO],
        // Nobody has won what others may still bid for.
        phase if phase.takes_answers() && result => vec![NOT_YET, ABANDONED],
        phase if phase.takes_answers() && going => vec![GO, PREPARING, SUBMITTED, ABANDONED],
        phase if phase.takes_answers() => vec![GO, SUBMITTED],
        Phase::Cancelled | Phase::NoAward if result || going => vec![NO_AWARD],
        Phase::Cancelled | Phase::NoAward | Phase::Intended => Vec::new(),
        _ if result => vec![WON, LOST, NO_AWARD],
        _ => vec![SUBMITTED, WON, LOST],
    }
}

pub(super) async fn page(
    site: &Site,
    visitor: &Visitor,
    id: &str,
    notices: &[NoticeRow],
    refused: Option<Refused>,
) -> Result<Response, Trouble> {
    let now = site.service.clock.now();
    let main = current(notices).ok_or_else(Trouble::no_page)?;
    let a = &main.assessment;
    let state = site.service.store.state_of(id).await?.unwrap_or_default();
    let stands = ProcedureState::of(&state, "", now);
    let open = stands.phase.takes_answers();
    // A rectificatif that gives a date alone leaves where, what and the way to the documents as they were told.
    let inherits = main.notice.kind.is_follow_up();
    let inherited = inherits.then(|| alert_card::inheriting(&main.notice, notices.iter().filter(|n| n.id != main.id)));
    let notice = inherited.as_ref().unwrap_or(&main.notice);
    let card = card_from(notice, main, kind_of_state(state.status), &stands, now);
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
            let decided = match session.person.role.may(Permission::Decide) {
                true => site.service.store.decisions_on(session.structure(), id).await?,
                false => Vec::new(),
            };
            (decided, mine(site, session, main, now).await?)
        }
        None => (Vec::new(), Mine::default()),
    };
    let (attachments, is_own_lead) = match &visitor.session {
        Some(session) => {
            let files = site.service.store.attachments_of(session.structure(), id).await?;
            (files, own_lead(&session.person, notices).is_some())
        }
        None => (Vec::new(), false),
    };
    let consultation = match &visitor.session {
        Some(session) => Some(dossier::standing(&site.service, &session.person, id, notices).await?),
        None => None,
    };
    let followed = match visitor.session.as_ref().filter(|s| s.person.role.may(Permission::FollowOperations)) {
        Some(session) => followed(site, session.structure(), id).await?,
        None => None,
    };
    let description = card.description.clone().unwrap_or_default();
    let whole = decisions.iter().find(|d| d.lot.is_empty());
    let seen: Vec<(String, String)> = decisions.iter().map(|d| (d.lot.clone(), d.mark())).collect();
    let mut history = timeline(notices);
    let (corrections, corrected) = corrections(site, visitor, notices).await?;
    history.extend(corrections);
    history.sort_by_key(|step| step.on);
    let mut links: Vec<(String, String)> = Vec::new();
    for row in notices {
        let shown = card_of(row, AlertKind::New, &stands, now);
        links.extend(shown.link.map(|l| (shown.reference.clone(), l)));
    }
    let colleagues = match &visitor.session {
        Some(session) => colleagues(site, session).await?,
        None => Vec::new(),
    };
    let subscription = match &visitor.session {
        Some(session) => site.service.store.subscription_that_told(&session.person.id, id).await?,
        None => None,
    };
    let status = if refused.is_some() { StatusCode::CONFLICT } else { StatusCode::OK };
    Ok(site.page_as(
        status,
        visitor,
        "procedure.html",
        context! {
            id => id,
            today => day_of(now),
            page => site.service.procedure_url(id),
            c => Serde(&card),
            buyer_page => buyer_page(notices, main),
            title => short(&a.title, MAX_TITLE),
            strength => chips::strength_of(a),
            state => stands.label(),
            state_class => stands.phase.as_str(),
            modified => stands.modified,
            settled => stands.phase.is_settled(),
            planned => stands.phase == Phase::Planned,
            became => Some(stands.in_french(now)).filter(|_| stands.phase.is_settled() && !stands.detail(now).is_empty()),
            words => stands.words.clone(),
            open => open,
            unfolded => description.chars().count() <= UNFOLDED,
            description => description,
            answers => Serde(answers(whole.map(|d| d.stage), stands.phase)),
            may_decline => open && !whole.is_some_and(|d| matches!(d.stage, Stage::Submitted | Stage::Won | Stage::Lost | Stage::NoAward)),
            refused => refused.map(|r| (r.title, r.text)),
            amount => notice.estimated_value.map(|v| format!("{}\u{a0}€ HT", french::number(v))),
            provisions => Serde(provisions),
            facts => Serde(facts),
            lots => Serde(lots::groups(a, &state, mine.lots.as_deref(), &decisions, now)),
            lot_count => a.lots.len(),
            why => mine.why, unmet => mine.unmet, closed_to_mine => mine.closed,
            timeline => Serde(history),
            corrected => corrected,
            links => Serde(links),
            whole => Serde(whole.map(decided)),
            decisions => Serde(decisions.iter().filter(|d| !d.lot.is_empty()).map(decided).collect::<Vec<_>>()),
            stage => whole.map(|d| d.stage.as_str()),
            seen => Serde(seen),
            colleagues => Serde(colleagues),
            refusals => Serde(refusals(Stage::NoGo, whole.and_then(|d| d.refusal))),
            because => Serde(because(whole)),
            narrower => Serde(narrower(site, visitor, id, whole).await?),
            restricted => !notices.iter().any(|n| n.notice.visibility.is_public()),
            attachments => Serde(attachments.iter().map(file).collect::<Vec<_>>()),
            d => Serde(consultation),
            own_lead => is_own_lead,
            operation => Serde(followed), max_note => MAX_NOTE,
            subscription => subscription,
            to_publish => to_publish(visitor, notices).map(|row| row.id.as_str()),
        },
    ))
}

/// The page of who buys, where everybody may see that they do.
fn buyer_page(notices: &[NoticeRow], main: &NoticeRow) -> Option<String> {
    let public = || notices.iter().filter(|n| n.notice.visibility.is_public());
    let number = public().find_map(|n| n.notice.buyer.siren());
    public().next()?;
    party_page("acheteur", number, main.assessment.buyer.as_deref().unwrap_or(&main.notice.buyer.name))
}

/// The operation by which a structure follows a procedure, with what colleagues noted.
#[derive(serde::Serialize)]
struct Followed {
    id: String,
    reference: String,
    /// The latest first: day, who, text.
    notes: Vec<(String, String, String)>,
}

async fn followed(site: &Site, structure: &str, procedure: &str) -> Result<Option<Followed>, StoreError> {
    let store = &site.service.store;
    let Some(o) = store.operations_with(structure, procedure).await?.into_iter().next() else { return Ok(None) };
    let notes = store.operation_notes(structure, &o.id).await?.into_iter();
    let notes = notes.map(|n| (day_of(n.at), short(&n.by, 60), n.text)).collect();
    Ok(Some(Followed { id: o.id, reference: short(&o.reference, 40), notes }))
}

/// Names of those who decide with somebody, themselves among them.
async fn colleagues(site: &Site, session: &Session) -> Result<Vec<String>, Trouble> {
    let members = membership::members(&site.service, session.structure()).await?;
    let mut names: Vec<String> = members.into_iter().map(|m| m.name).filter(|name| !name.is_empty()).collect();
    names.sort();
    names.dedup();
    Ok(names)
}

/// A file of a lead, as its page lists it.
#[derive(serde::Serialize)]
struct FileLine {
    id: String,
    name: String,
    size: String,
    day: String,
}

fn file(a: &Attachment) -> FileLine {
    let size = match a.size {
        n if n < 1024 * 1024 => format!("{}\u{a0}Ko", (n / 1024).max(1)),
        n => format!("{}\u{a0}Mo", french::number((n as f64 / 1_048_576.0 * 10.0).round() / 10.0)),
    };
    FileLine { id: a.id.clone(), name: a.name.clone(), size, day: day_of(a.at) }
}

fn refusals(stage: Stage, chosen: Option<Refusal>) -> Vec<Choice> {
    let choice =
        |r: &Refusal| Choice { value: r.as_str().to_owned(), label: r.in_french().to_owned(), on: chosen == Some(*r) };
    Refusal::of(stage).iter().map(choice).collect()
}

/// After a reason, what one tap leaves out of one's own subscriptions: its word, and what its button says.
async fn narrower(
    site: &Site,
    visitor: &Visitor,
    procedure: &str,
    whole: Option<&Decision>,
) -> Result<Vec<(&'static str, String)>, Trouble> {
    let refusal = whole.filter(|d| d.stage == Stage::NoGo).and_then(|d| d.refusal);
    let (Some(session), Some(refusal)) = (&visitor.session, refusal) else { return Ok(Vec::new()) };
    let offered = narrowing::offered(&site.service, &session.person, procedure, refusal).await?;
    Ok(offered.into_iter().map(|(cut, label)| (cut.word(), label)).collect())
}

/// The reasons of what was abandoned or lost.
fn because(whole: Option<&Decision>) -> Vec<Choice> {
    whole.filter(|d| d.stage != Stage::NoGo).map(|d| refusals(d.stage, d.refusal)).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// U2: what is over offered « On y va ».
    #[test]
    fn what_is_over_offers_no_way_forward() {
        let words = |stage, phase| answers(stage, phase).into_iter().map(|a| a.0).collect::<Vec<_>>();
        for phase in Phase::ALL.into_iter().filter(|p| !p.takes_answers()) {
            for stage in [None, Some(Stage::Read), Some(Stage::Go), Some(Stage::Submitted), Some(Stage::NoGo)] {
                let offered = words(stage, phase);
                assert!(!offered.contains(&"go") && !offered.contains(&"preparing"), "{phase:?} {stage:?}");
            }
        }
        assert!(words(None, Phase::Cancelled).is_empty());
        assert_eq!(words(Some(Stage::Submitted), Phase::Awarded), ["won", "lost", "no_award"]);
        for stage in [None, Some(Stage::Go), Some(Stage::Submitted), Some(Stage::Won)] {
            let offered = words(stage, Phase::Open);
            assert!(!offered.contains(&"won") && !offered.contains(&"lost"), "{stage:?}: others may still bid");
        }
        assert_eq!(words(Some(Stage::Submitted), Phase::Open), ["preparing", "abandoned"]);
        assert_eq!(words(Some(Stage::Read), Phase::Open), ["go", "submitted"]);
        assert_eq!(words(None, Phase::Planned), ["go"]);
    }

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

//! What links in messages open: what is reserved to others, an answer, and a digest in full.
//!
//! GET shows, POST acts; the token is the proof. A mail may be passed on: its link decides for the structure of whoever got
//! it, and shows nothing of what that structure decided before.

use std::sync::Arc;

use axum::extract::{Path, State};
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{Html, IntoResponse};
use minijinja::context;
use vigie_domain::{
    AlertKind, Decision, OfferStage, PartnerRole, Phase, ProcedureState, Refusal, Stage, Subscriber, french,
};
use vigie_notifier::card::short;
use vigie_service::after_award::{offers, subject};
use vigie_service::alert_card;
use vigie_service::answers::action::REMIND_DAYS;
use vigie_service::answers::outcome_line;
use vigie_service::answers::positions::Said;
use vigie_service::decisions::{self, DecisionEdit, MAX_NOTE, Outcome, Reminder, Seen};
use vigie_service::links::Purpose;
use vigie_service::partner_calls::answering;
use vigie_store::inbox::Sent;
use vigie_store::people::AddressState;

use super::frame::{Client, Fields, POLICY_OF_MESSAGES, Shown, Site, Trouble, Visitor};

/// What a link offers once it was answered: a note, and who sees to it.
const MORE: &str = "suite";

/// What a link for that purpose speaks of.
pub(crate) fn subject_of<'a>(site: &Site, purpose: Purpose, token: &'a str) -> Result<&'a str, Trouble> {
    site.service.open_token(purpose, token, site.service.clock.now()).map_err(|_| {
        Trouble::unknown(
            "Lien inconnu",
            "Ce lien est incomplet ou a été modifié. Reprenez-le depuis un message de Vigie.",
        )
    })
}

pub(crate) async fn ask_without_closed(
    State(site): State<Arc<Site>>,
    visitor: Visitor,
    Path(token): Path<String>,
) -> Shown {
    let person = site
        .service
        .store
        .subscriber(subject_of(&site, Purpose::WithoutClosed, &token)?)
        .await?
        .ok_or_else(Trouble::no_page)?;
    let values = context! { off => person.profile.without_closed };
    Ok(site.page(&visitor, "sans-reserves-aux-autres.html", values))
}

/// Turns it off, or on again where the page offered that.
pub(crate) async fn without_closed(
    State(site): State<Arc<Site>>,
    visitor: Visitor,
    Path(token): Path<String>,
    fields: Fields,
) -> Shown {
    let (person, off) = (subject_of(&site, Purpose::WithoutClosed, &token)?, fields.one("montrer") != "oui");
    if !site.service.store.set_without_closed(person, off).await? {
        return Err(Trouble::no_page());
    }
    let text = if off {
        "Vigie ne vous signale plus les marchés réservés à d’autres structures que la vôtre. Ce lien permet d’y revenir."
    } else {
        "Vigie vous montre, d’une ligne à la fin de vos résumés, ce qui est réservé à d’autres."
    };
    Ok(site.word(&visitor, "C’est fait", text))
}

/// What the link offers: the word that the message's button bears, what is read on the page, what it asks for, and in which phases
/// it means something.
type Answer = (&'static str, &'static str, DecisionEdit, fn(Phase) -> bool);
const ANSWERS: [Answer; 7] = [
    ("oui", "On y va", asks(Some(Stage::Go), None), Phase::takes_answers),
    ("non", "Écarter", asks(Some(Stage::NoGo), None), Phase::takes_answers),
    ("plus tard", "Plus tard", asks(None, Some(Reminder::InDays(REMIND_DAYS))), Phase::takes_answers),
    ("remis", "Offre remise", asks(Some(Stage::Submitted), None), may_have_answered),
    ("abandon", "On abandonne", asks(Some(Stage::Abandoned), None), Phase::takes_answers),
    ("gagne", "Gagné", asks(Some(Stage::Won), None), Phase::may_be_won),
    ("perdu", "Perdu", asks(Some(Stage::Lost), None), Phase::may_be_won),
];

fn may_have_answered(phase: Phase) -> bool {
    phase.takes_answers() || phase == Phase::Closed
}

const fn asks(stage: Option<Stage>, reminder: Option<Reminder>) -> DecisionEdit {
    DecisionEdit { stage, refusal: None, joint: None, note: None, assignee: None, reminder }
}

/// What a link of a message after an award offers: the word, and what is read on the page.
fn answers_of(kind: AlertKind) -> Vec<(&'static str, String)> {
    if kind == AlertKind::PartnerCall {
        return PartnerRole::ALL.map(|r| (r.as_str(), french::capital(r.in_french()))).to_vec();
    }
    if kind == AlertKind::Offer {
        return OfferStage::ANSWERS.map(|s| (s.as_str(), french::capital(s.in_french()))).to_vec();
    }
    let stages = [Stage::Won, Stage::Lost, Stage::NoAward];
    let mut answers: Vec<(&str, String)> =
        stages.into_iter().map(|s| (s.as_str(), french::capital(s.in_french()))).collect();
    answers.push((Stage::Abandoned.as_str(), "Pas répondu".to_owned()));
    answers
}

/// The message that a token speaks of, the title of its procedure, and how it stands.
async fn answered(site: &Site, token: &str) -> Result<(Sent, String, ProcedureState), Trouble> {
    let unknown = || {
        Trouble::unknown(
            "Lien inconnu ou périmé",
            "Ce lien ne permet plus de répondre. Ouvrez le marché dans Vigie, ou un message plus récent.",
        )
    };
    let delivery =
        site.service.open_token(Purpose::Answer, token, site.service.clock.now()).map_err(|_| unknown())?.to_owned();
    let sent = site.service.store.answerable(&delivery).await?.filter(|s| s.address.state == AddressState::Active);
    let sent = sent.ok_or_else(unknown)?;
    let notices = site.service.store.notices_of(&sent.procedure).await?;
    let title = notices.last().map(|n| super::procedure::title_of(&n.notice, &n.assessment)).ok_or_else(unknown)?;
    let published = site.service.store.state_of(&sent.procedure).await?.unwrap_or_default();
    Ok((sent, title, ProcedureState::of(&published, "", site.service.clock.now())))
}

pub(crate) async fn ask_answer(
    State(site): State<Arc<Site>>,
    visitor: Visitor,
    Path(token): Path<String>,
    fields: Fields,
) -> Shown {
    let (sent, title, state) = answered(&site, &token).await?;
    let subject = subject::of(&site.service, &sent.delivery).await?.filter(|s| s.kind.is_for_its_reader());
    let mut answers = match &subject {
        Some(subject) => answers_of(subject.kind),
        None => {
            let fitting = ANSWERS.into_iter().filter(|(.., means)| means(state.phase));
            fitting.map(|(word, label, ..)| (word, label.to_owned())).collect()
        }
    };
    // What was pressed in the message comes first.
    answers.sort_by_key(|(word, _)| *word != fields.one("mot"));
    let over = (subject.is_none() && !state.phase.takes_answers()).then(|| state.in_french(site.service.clock.now()));
    let call = subject.and_then(|s| s.call);
    let lots = match &call {
        Some(call) => lots_of(&site, call, &sent.procedure).await?,
        None => Vec::new(),
    };
    let values = context! { title => title, procedure => sent.procedure, answers => answers, over => over, call => call, lots => lots, pressed => fields.has("mot") };
    Ok(site.page(&visitor, "repondre.html", values))
}

/// The lots that a call for partners still asks for, by identifier and title, where there are several: nobody answers for all of them
/// by one tap.
async fn lots_of(site: &Site, call: &str, procedure: &str) -> Result<Vec<(String, String)>, Trouble> {
    let store = &site.service.store;
    let Some(call) = store.partner_call(call).await? else { return Ok(Vec::new()) };
    let live = call.live_lots();
    if live.len() < 2 {
        return Ok(Vec::new());
    }
    let notices = store.notices_of(procedure).await?;
    let title = |lot: &str| {
        let titles = notices.iter().rev().map(|n| n.assessment.lot_title(lot));
        short(titles.into_iter().find(|t| !t.is_empty()).unwrap_or_default(), 120)
    };
    Ok(live.into_iter().map(|lot| (lot.to_owned(), title(lot))).collect())
}

/// What somebody answers by a link to a call that asks for these lots; `None` where they did not say for which.
fn said_of(role: PartnerRole, lots: &[(String, String)], fields: &Fields) -> Option<Said> {
    let chosen: Vec<String> =
        fields.all("lot").filter(|l| lots.iter().any(|(id, _)| id == l)).map(str::to_owned).collect();
    let all = fields.one("tous") == "oui" || lots.is_empty() || !role.takes_part() && chosen.is_empty();
    match (all, chosen.is_empty()) {
        (true, _) => Some(Said::only(role)),
        (false, false) => Some(Said { lots: chosen, ..Said::only(role) }),
        (false, true) => None,
    }
}

pub(crate) async fn answer(
    State(site): State<Arc<Site>>,
    visitor: Visitor,
    Path(token): Path<String>,
    client: Client,
    fields: Fields,
) -> Shown {
    let service = &site.service;
    site.costly(client)?;
    let (sent, title, state) = answered(&site, &token).await?;
    let person = service.store.subscriber(&sent.address.subscriber).await?.ok_or_else(Trouble::no_page)?;
    let shown = sent.address.channel.shown(&sent.address.value);
    let name = if person.name.is_empty() { shown.clone() } else { person.name.clone() };
    let page = format!("/procedure/{}", sent.procedure);
    let said = |title: String, text: String| {
        let values = context! { title => title, text => text, back => &page, back_text => "Voir ce marché" };
        Ok(site.page(&visitor, "mot.html", values))
    };
    let subject = subject::of(service, &sent.delivery).await?.filter(|s| s.kind.is_for_its_reader());
    if let Some(subject) = subject {
        let word = answers_of(subject.kind).into_iter().map(|(w, _)| w).find(|w| *w == fields.one("mot"));
        let word = word.ok_or_else(|| Trouble::bad("Choisissez une réponse."))?;
        if let Some(call) = &subject.call {
            let role = PartnerRole::parse(word).ok_or_else(|| Trouble::bad("Choisissez une réponse."))?;
            let lots = lots_of(&site, call, &sent.procedure).await?;
            let Some(said) = said_of(role, &lots, &fields) else {
                let answers = vec![(role.as_str(), french::capital(role.in_french()))];
                let fault = "Rien n’est noté : cochez au moins un lot, ou « Tous les lots ».";
                let values = context! { title => title, procedure => sent.procedure, answers => answers, call => call, lots => lots, fault => fault };
                return Ok(site.page_as(StatusCode::UNPROCESSABLE_ENTITY, &visitor, "repondre.html", values));
            };
            let said = [said];
            let answer = answering::Answer {
                person: &person,
                by: &name,
                call,
                said: &said,
                note: "",
                shows_decision: None,
                seen: None,
                ticked: true,
            };
            let answered = answering::answer(service, &answer).await?;
            let page = format!("/groupements/{call}");
            let own_page = format!("/repondre/{token}");
            let values = context! {
                title => "C’est reçu", text => answering::line(&answered, &name), back => &page,
                back_text => "Voir l’appel, répondre lot par lot", again => &own_page,
            };
            return Ok(site.page(&visitor, "mot.html", values));
        }
        let of = (subject.procedure.as_str(), subject.lot.as_str());
        if let Some(stage) = OfferStage::parse(word).filter(|_| subject.kind == AlertKind::Offer) {
            let noted = offers::answer(service, &person, of, stage, &name).await?;
            return said("C’est reçu".to_owned(), offers::answered_in_french(&noted));
        }
        let edit = asks(Stage::parse(word), None);
        let (procedure, lot) = of;
        let asker = decisions::Asker { person: &person, name: &name, procedure, lot, seen: Seen::Latest };
        let outcome = decisions::decide(service, &asker, &edit).await?;
        return said("C’est reçu".to_owned(), outcome_line::line(&outcome, &edit, &name));
    }
    if fields.one("mot") == MORE {
        let by = [person.name.as_str(), shown.as_str()];
        let text = more(&site, &person, &name, by, &sent.procedure, &fields).await?;
        let values = context! { title => "C’est noté", text => text, back => page, back_text => "Voir ce marché" };
        return Ok(site.page(&visitor, "mot.html", values));
    }
    let (.., mut edit, _) = ANSWERS
        .into_iter()
        .find(|(word, ..)| *word == fields.one("mot"))
        .ok_or_else(|| Trouble::bad("Choisissez une réponse."))?;
    let reason = Refusal::parse(fields.one("raison")).filter(|_| edit.stage == Some(Stage::NoGo));
    edit.refusal = reason.map(Some);
    let standing = service.store.decisions_on(person.structure(), &sent.procedure).await?;
    let of_others =
        |d: &&Decision| d.lot.is_empty() && d.stage.is_decided() && ![&person.name, &shown].contains(&&d.by);
    if standing.iter().find(of_others).is_some_and(|d| overrules(&edit, d.stage)) {
        let text = "Votre structure a déjà répondu : rien n’est changé. Entrez pour voir sa réponse, et la changer s’il le faut.";
        let values = context! { title => "Une réponse est déjà notée", text => text, back => page, back_text => "Voir ce marché" };
        return Ok(site.page_as(StatusCode::CONFLICT, &visitor, "mot.html", values));
    }
    let seen = Seen::Latest;
    let asker = decisions::Asker { person: &person, name: &name, procedure: &sent.procedure, lot: "", seen };
    let outcome = decisions::decide(service, &asker, &edit).await?;
    let line = outcome_line::line(&outcome, &edit, &name);
    let noted = matches!(&outcome, Outcome::Noted { .. });
    if noted && edit.stage == Some(Stage::NoGo) && reason.is_none() {
        let reasons = Refusal::ALL.map(|r| (r.as_str(), french::capital(r.in_french())));
        let values = context! { title => title, procedure => sent.procedure, reasons => reasons };
        return Ok(site.page(&visitor, "repondre.html", values));
    }
    let head = match (noted, state.phase.takes_answers()) {
        (true, _) => "C’est noté".to_owned(),
        (false, true) => "Rien n’est noté".to_owned(),
        (false, false) => state.in_french(service.clock.now()),
    };
    // The next step needs no other proof than this one: the note, and who sees to it.
    let forward = noted && matches!(edit.stage, Some(Stage::Go | Stage::Submitted));
    let values = context! {
        title => head, text => line, about => (title, state.in_french(service.clock.now())), back => page, back_text => "Voir ce marché",
        again => noted.then(|| format!("/repondre/{token}")), more => forward.then_some(MORE), longest => MAX_NOTE,
    };
    let status = match outcome {
        Outcome::Noted { .. } => StatusCode::OK,
        Outcome::ReadsOnly => StatusCode::FORBIDDEN,
        _ => StatusCode::CONFLICT,
    };
    Ok(site.page_as(status, &visitor, "mot.html", values))
}

/// Whether an answer takes back what a colleague said, rather than going on from there.
fn overrules(edit: &DecisionEdit, standing: Stage) -> bool {
    match edit.stage {
        None => false,
        Some(Stage::Go | Stage::NoGo) => true,
        Some(_) => !Stage::WENT_FOR_IT.contains(&standing),
    }
}

/// Adds a note, or who sees to it, to what whoever opened the link answered. Nothing that stands is shown, and no note is written over:
/// what is new comes after it.
async fn more(
    site: &Site,
    person: &Subscriber,
    name: &str,
    by: [&str; 2],
    procedure: &str,
    fields: &Fields,
) -> Result<String, Trouble> {
    let standing = site.service.store.decisions_on(person.structure(), procedure).await?;
    let whole = standing.into_iter().find(|d| d.lot.is_empty() && d.stage.is_decided() && by.contains(&d.by.as_str()));
    let Some(whole) = whole else {
        return Err(Trouble::bad("Votre structure a répondu autrement depuis. Entrez pour voir sa réponse."));
    };
    let (note, assignee) = (fields.one("note").trim(), fields.one("assignee").trim());
    if note.is_empty() && assignee.is_empty() {
        return Err(Trouble::bad("Écrivez une note, ou le nom de qui s’en charge."));
    }
    let written = match (whole.note.as_str(), note) {
        (stands, "") => stands.to_owned(),
        ("", new) => new.to_owned(),
        (stands, new) => format!("{stands}\n{new}"),
    };
    if written.chars().count() > MAX_NOTE {
        return Err(Trouble::bad("Cette note est trop longue. Entrez pour la raccourcir."));
    }
    let assignee = if assignee.is_empty() { whole.assignee.clone() } else { assignee.to_owned() };
    let edit = DecisionEdit { note: Some(written), assignee: Some(assignee), ..DecisionEdit::default() };
    let asker = decisions::Asker { person, name, procedure, lot: "", seen: Seen::Latest };
    match decisions::decide(&site.service, &asker, &edit).await? {
        Outcome::Noted { .. } => Ok(added(person).to_owned()),
        outcome => Err(Trouble::bad(outcome_line::line(&outcome, &edit, name))),
    }
}

/// Who sees what a person added to their answer.
fn added(person: &Subscriber) -> &'static str {
    match (person.structure() == person.id, &person.profile.claimed_siret) {
        (false, _) => "C’est ajouté à votre réponse. Vos collègues le voient sur la page du marché.",
        (true, Some(_)) => {
            "C’est ajouté à votre réponse. Vos collègues le verront quand votre rattachement à votre structure sera accepté."
        }
        (true, None) => "C’est ajouté à votre réponse.",
    }
}

/// All of a digest, for whom its message shows a screen of it.
pub(crate) async fn digest(State(site): State<Arc<Site>>, Path(token): Path<String>) -> Shown {
    let unknown = || {
        Trouble::unknown(
            "Lien inconnu ou périmé",
            "Ce résumé n’est plus en ligne. Reprenez le lien depuis un message plus récent de Vigie.",
        )
    };
    let delivery = site.service.open_token(Purpose::Digest, &token, site.service.clock.now()).map_err(|_| unknown())?;
    let body = alert_card::digest_page(&site.service, delivery).await?.ok_or_else(unknown)?;
    let mut response = Html(body).into_response();
    response.headers_mut().insert(header::CONTENT_SECURITY_POLICY, HeaderValue::from_static(POLICY_OF_MESSAGES));
    Ok(response)
}

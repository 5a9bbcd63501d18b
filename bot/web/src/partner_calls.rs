//! Calls for partners: those of a structure, opening one, the coordinator's table of lots and structures, a participant's own answer,
//! and the repartition as files.
//!
//! What is shown is worked out for the structure of the session (`service/partner_calls/looking`): the same address shows the
//! coordinator the table, one of those asked their own line, and nobody else anything.

use std::collections::BTreeMap;
use std::sync::Arc;

use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Redirect};
use chrono::{DateTime, Duration, Utc};
use chrono_tz::Europe::Paris;
use minijinja::context;
use minijinja::value::Serde;
use vigie_domain::partner_call::{CallState, Doubt, PartnerCall, PartnerRole, Position, position_on};
use vigie_domain::subscription::Role;
use vigie_domain::{Permission, french};
use vigie_notifier::card::short;
use vigie_service::answers::positions::Said;
use vigie_service::network;
use vigie_service::partner_calls::answering::{self, Answer, Answered};
use vigie_service::partner_calls::looking::{self, About, Asked, Coordinated};
use vigie_service::partner_calls::opening::{self, Changed, NewCall, Opened};
use vigie_service::partner_calls::{RULES, closing, files, members_of, moment, proposing, telling};
use vigie_watcher::classify::dates;

use super::cookies::Session;
use super::downloads::{DOCX, download};
use super::frame::{Decider, Fields, Posted, Shown, Site, Trouble, Visitor};
use super::{procedure, tables};

/// How much of the time left a call takes, where nobody says: a third, so that the bid can be prepared in the rest.
const SHARE_OF_TIME: i32 = 3;
/// How long a call lasts where the procedure has no date.
const WITHOUT_DATE: Duration = Duration::days(7);
/// Hour of Paris at which a call closes, where nobody says.
const HOUR: &str = "18h";

/// A call in a list.
#[derive(serde::Serialize)]
struct Row {
    path: String,
    title: String,
    coordinator: String,
    state: &'static str,
    open: bool,
    closes: String,
    answer: String,
}

fn state_word(call: &PartnerCall, now: DateTime<Utc>) -> &'static str {
    match call.state {
        CallState::Open if now >= call.closes => "se clôt",
        CallState::Open => "ouvert",
        CallState::Closed => "clos",
        CallState::Cancelled => "abandonné",
    }
}

async fn row(site: &Site, call: &PartnerCall, answer: String) -> Result<Row, Trouble> {
    let now = site.service.clock.now();
    let about = looking::about(&site.service, &call.procedure).await?;
    Ok(Row {
        path: format!("/groupements/{}", call.id),
        title: short(&about.title, 160),
        coordinator: call.name.clone(),
        state: state_word(call, now),
        open: call.takes_answers(now),
        closes: moment(call.closes),
        answer,
    })
}

/// Calls of a structure: those it coordinates, those in which it is asked.
pub(crate) async fn list(State(site): State<Arc<Site>>, signed: Decider) -> Shown {
    let person = &signed.session.person;
    let (mine, to) = looking::calls_of(&site.service, person).await?;
    let mut coordinated = Vec::new();
    for call in &mine {
        let (answered, silent) = telling::answered_and_silent(&site.service, call).await?;
        let said = french::plural(answered.len(), "réponse");
        coordinated.push(row(&site, call, format!("{said} sur {}", answered.len() + silent.len())).await?);
    }
    let mut asked = Vec::new();
    for call in &to {
        let own = site.service.store.positions_of(&call.id, person.structure()).await?;
        let answer = if own.is_empty() { "pas encore répondu".to_owned() } else { answering::in_french(&own) };
        asked.push(row(&site, call, answer).await?);
    }
    let mut networks: Vec<(String, bool)> = Vec::new();
    for name in &person.profile.networks {
        let counted = vigie_service::network::is_counted_in(&site.service, person.structure(), name).await?;
        networks.push((name.clone(), counted));
    }
    let values = context! {
        mine => Serde(coordinated), asked => Serde(asked), coordinates => person.role.may(Permission::Coordinate),
        network => person.role == Role::Network, networks => Serde(networks),
        asking => Serde(network::asking(&site.service, person).await?),
        declared => site.service.store.is_declared(&person.id).await?,
    };
    Ok(site.page(&signed.visitor, "groupements.html", values))
}

/// What was typed to open a call.
#[derive(Default, serde::Serialize)]
struct Typed {
    closes: String,
    note: String,
    lots: Vec<String>,
    structures: Vec<String>,
    members: bool,
}

pub(crate) async fn ask_new(State(site): State<Arc<Site>>, signed: Decider, fields: Fields) -> Shown {
    signed.session.may(Permission::Coordinate)?;
    let procedure = fields.one("marche");
    let published = site.service.store.state_of(procedure).await?.ok_or_else(Trouble::no_page)?;
    let now = site.service.clock.now();
    let left = published.deadline_of("").map(|at| at.with_timezone(&Utc)).filter(|at| *at > now);
    let closes = now + left.map_or(WITHOUT_DATE, |at| (at - now) / SHARE_OF_TIME);
    let closes = format!("{} à {HOUR}", closes.with_timezone(&Paris).format("%d/%m/%Y"));
    let earlier = opening::earlier(&site.service, signed.session.structure(), procedure).await?;
    let structures = match &earlier {
        Some(call) => {
            site.service.store.partner_invitations(&call.id).await?.into_iter().map(|i| i.structure).collect()
        }
        None => Vec::new(),
    };
    let typed = Typed { closes, members: true, structures, ..Typed::default() };
    form(&site, &signed.visitor, &signed.session, procedure, &typed, None).await
}

async fn form(
    site: &Site,
    visitor: &Visitor,
    session: &Session,
    procedure: &str,
    typed: &Typed,
    fault: Option<String>,
) -> Shown {
    procedure::notices(site, Some(session), procedure).await?;
    let about = looking::about(&site.service, procedure).await?;
    let published = site.service.store.state_of(procedure).await?.ok_or_else(Trouble::no_page)?;
    let lots: Vec<(String, String, bool)> = published
        .lots
        .iter()
        .filter(|lot| published.status_of(lot) == vigie_domain::procedure::Status::Open)
        .map(|lot| (lot.clone(), about.lots.get(lot).cloned().unwrap_or_default(), typed.lots.contains(lot)))
        .collect();
    let members = members_of(&site.service, &session.person).await?.len();
    let mut partners: Vec<(String, String, String, bool)> = Vec::new();
    for one in proposing::known_partners(&site.service, &session.person, procedure).await? {
        let on = typed.structures.contains(&one.structure);
        partners.push((one.structure, one.name, one.reason, on));
    }
    let status = if fault.is_some() { StatusCode::UNPROCESSABLE_ENTITY } else { StatusCode::OK };
    let tender = published.deadline_of("").map(|at| moment(at.with_timezone(&Utc)));
    let letter = proposing::letter(&site.service, &about, tender.as_deref(), session.name());
    let values = context! {
        letter => letter, title => about.title, buyer => about.buyer, terms => about.terms, lots => Serde(lots), members => members,
        network => session.person.role == Role::Network, partners => Serde(partners), f => Serde(typed), fault => fault, rules => RULES,
        id => procedure, tender => tender, max_note => vigie_service::partner_calls::MAX_NOTE,
    };
    Ok(site.page_as(status, visitor, "groupement-nouveau.html", values))
}

/// The moment that somebody typed; none where they typed an hour that there is not ("25h"), since the end of the day is not what they meant.
fn written(text: &str) -> Option<DateTime<Utc>> {
    let (at, timed) = dates::written(text, Paris)?;
    let signs: Vec<char> = text.to_lowercase().chars().filter(|c| !c.is_whitespace()).collect();
    let an_hour = signs.windows(2).any(|w| w[0].is_ascii_digit() && matches!(w[1], 'h' | ':'));
    (timed || !an_hour).then(|| at.with_timezone(&Utc))
}

pub(crate) async fn open(State(site): State<Arc<Site>>, posted: Posted) -> Shown {
    posted.session.may(Permission::Coordinate)?;
    let fields = &posted.fields;
    let procedure = fields.one("marche");
    let all = |name: &str| fields.all(name).map(str::to_owned).collect::<Vec<_>>();
    let typed = Typed {
        closes: fields.one("cloture").to_owned(),
        note: fields.one("mot").to_owned(),
        lots: all("lot"),
        structures: all("structure"),
        members: fields.has("membres"),
    };
    let again =
        async |fault: String| form(&site, &posted.visitor, &posted.session, procedure, &typed, Some(fault)).await;
    let Some(closes) = written(&typed.closes) else {
        return again("Clôture de l’appel : écrivez le jour et l’heure, ainsi : JJ/MM/AAAA à 18h.".to_owned()).await;
    };
    let new = NewCall {
        procedure: procedure.to_owned(),
        lots: typed.lots.clone(),
        closes,
        note: typed.note.clone(),
        structures: typed.structures.clone(),
        members: typed.members,
    };
    match opening::open(&site.service, &posted.session.person, posted.session.name(), new).await? {
        Opened::Yes { call, asked } => {
            Ok(Redirect::to(&format!("/groupements/{call}?fait=ouvert-{asked}")).into_response())
        }
        Opened::Already(call) => Ok(Redirect::to(&format!("/groupements/{call}?fait=deja")).into_response()),
        Opened::No(why) => again(why).await,
    }
}

/// A cell of the table: its sign, what it means, and its look.
#[derive(serde::Serialize)]
struct Cell {
    sign: &'static str,
    /// Its share of the lot, in percent.
    share: Option<u32>,
    means: String,
    look: &'static str,
}

/// A line of the coordinator's table.
#[derive(serde::Serialize)]
struct Line {
    lot: String,
    title: String,
    cells: Vec<Option<Cell>>,
    /// Who is on it, in words.
    on: Vec<String>,
    doubts: Vec<&'static str>,
    uncovered: bool,
}

/// A structure asked.
#[derive(serde::Serialize)]
struct Column {
    number: usize,
    name: String,
    answer: String,
    note: String,
    decision: String,
    before: String,
    by: String,
}

fn cell(p: &Position) -> Cell {
    let (sign, look) = match p.role {
        PartnerRole::Lead => ("M", "lead"),
        PartnerRole::CoContractor => ("C", "co"),
        PartnerRole::Subcontractor => ("S", "sub"),
        PartnerRole::Declined => ("–", "no"),
    };
    Cell { sign, share: p.share.filter(|_| p.role.takes_part()), means: p.in_french(), look }
}

fn lot_name(lot: &str) -> String {
    if lot.is_empty() { "Ensemble".to_owned() } else { lot.to_owned() }
}

fn lines(view: &Coordinated) -> Vec<Line> {
    // Those who answered something; a column that is empty from top to bottom tells nothing.
    let (answered, _) = view.answered_and_silent();
    let columns: Vec<&str> = answered.iter().map(|i| i.structure.as_str()).collect();
    let line = |lot: &vigie_domain::partner_call::LotLineUp| Line {
        lot: lot_name(&lot.lot),
        title: view.about.lots.get(&lot.lot).cloned().unwrap_or_default(),
        cells: columns.iter().map(|s| position_on(&view.positions, s, &lot.lot).map(cell)).collect(),
        on: lot.on.iter().map(|p| format!("{} ({})", view.name_of(&p.structure), p.in_french())).collect(),
        doubts: lot.doubts.iter().filter(|d| **d != Doubt::Uncovered).map(|d| d.in_french()).collect(),
        uncovered: lot.doubts.contains(&Doubt::Uncovered),
    };
    view.line_up.iter().map(line).collect()
}

fn columns(view: &Coordinated) -> Vec<Column> {
    let mine = |s: &str| view.positions.iter().filter(|p| p.structure == s).cloned().collect::<Vec<_>>();
    let said = |of: &BTreeMap<String, String>, s: &str| of.get(s).cloned().unwrap_or_default();
    let (answered, _) = view.answered_and_silent();
    answered
        .iter()
        .enumerate()
        .map(|(n, invitation)| {
            let s = invitation.structure.as_str();
            let answers = mine(s);
            Column {
                number: n + 1,
                name: view.name_of(s).to_owned(),
                answer: answering::in_french(&answers),
                note: answers.iter().map(|p| p.note.as_str()).find(|n| !n.is_empty()).unwrap_or_default().to_owned(),
                decision: said(&view.decisions, s),
                before: said(&view.before, s),
                by: answers.first().map(|p| p.by.clone()).unwrap_or_default(),
            }
        })
        .collect()
}

pub(crate) async fn show(
    State(site): State<Arc<Site>>,
    signed: Decider,
    Path(id): Path<String>,
    fields: Fields,
) -> Shown {
    let done = match fields.one("fait") {
        "deja" => Some("Cet appel est déjà ouvert : le voici.".to_owned()),
        "note" => Some("C’est noté.".to_owned()),
        word => word.strip_prefix("ouvert-").and_then(|n| n.parse::<usize>().ok()).map(|n| {
            format!("L’appel est ouvert : {} prévenue{}.", french::plural(n, "structure"), if n > 1 { "s" } else { "" })
        }),
    };
    page(&site, &signed.visitor, &signed.session, &id, (done, None)).await
}

/// The page of a call, with an answer that was not taken as it was typed.
async fn refused(site: &Site, posted: &Posted, id: &str, why: String) -> Shown {
    page(site, &posted.visitor, &posted.session, id, (None, Some((why, Some(&posted.fields))))).await
}

/// What somebody typed of their answer.
#[derive(Default, serde::Serialize)]
struct TypedAnswer {
    /// Whether anything was: else the form shows what stands.
    typed: bool,
    role: String,
    all: bool,
    lots: Vec<String>,
    share: String,
    hours: String,
    people: String,
    note: String,
    shows_decision: bool,
}

impl TypedAnswer {
    fn of(fields: &Fields) -> Self {
        Self {
            typed: true,
            role: fields.one("role").to_owned(),
            all: fields.has("tous"),
            lots: fields.all("lot").map(str::to_owned).collect(),
            share: fields.one("part").to_owned(),
            hours: fields.one("heures").to_owned(),
            people: fields.one("personnes").to_owned(),
            note: fields.one("mot").to_owned(),
            shows_decision: fields.has("montrer"),
        }
    }
}

async fn page(
    site: &Site,
    visitor: &Visitor,
    session: &Session,
    id: &str,
    (done, refused): (Option<String>, Option<(String, Option<&Fields>)>),
) -> Shown {
    let status = if refused.is_some() { StatusCode::CONFLICT } else { StatusCode::OK };
    let typed = refused.as_ref().and_then(|(_, fields)| fields.map(TypedAnswer::of)).unwrap_or_default();
    let refused = refused.map(|(why, _)| why);
    let own = looking::asked(&site.service, &session.person, id).await?;
    if let Some(view) = looking::coordinated(&site.service, &session.person, id).await? {
        return coordinator_page(site, visitor, &view, (own.as_ref(), &typed), (status, done, refused));
    }
    let view = own.ok_or_else(Trouble::no_page)?;
    Ok(site.page_as(
        status,
        visitor,
        "groupement-reponse.html",
        context! {
            ..context! { done => done, refused => refused },
            ..head(&view.call, &view.about, site.service.clock.now()),
            ..own_answer(&view, &typed)
        },
    ))
}

fn head(call: &PartnerCall, about: &About, now: DateTime<Utc>) -> minijinja::Value {
    context! {
        id => &call.id, procedure => &call.procedure, title => short(&about.title, 240), buyer => &about.buyer,
        coordinator => &call.name, state => state_word(call, now), open => call.takes_answers(now),
        closed => call.state == CallState::Closed, cancelled => call.state == CallState::Cancelled,
        closes => moment(call.closes), tender => call.tender.map(moment), words => &call.note, rules => RULES,
        terms => &about.terms,
    }
}

/// A lot as one of those asked sees it.
#[derive(serde::Serialize)]
struct OwnLot {
    id: String,
    title: String,
    uncovered: bool,
    answer: String,
    with: Vec<String>,
}

/// What one of those asked sees: their own line, the lots that nobody covers, and once it is closed with whom they stand.
fn own_answer(view: &Asked, typed: &TypedAnswer) -> minijinja::Value {
    let structure = view.mine.first().map(|p| p.structure.as_str()).unwrap_or_default();
    let lots: Vec<OwnLot> = view
        .call
        .live_lots()
        .into_iter()
        .map(|lot| {
            let with = view.companions.iter().find(|(l, _)| l == lot).map(|(_, w)| w.as_slice()).unwrap_or_default();
            OwnLot {
                id: lot.to_owned(),
                title: view.about.lots.get(lot).cloned().unwrap_or_default(),
                uncovered: view.uncovered.iter().any(|u| u == lot),
                answer: position_on(&view.mine, structure, lot).map(Position::in_french).unwrap_or_default(),
                with: with.iter().map(|(name, role)| format!("{name} ({})", role.in_french())).collect(),
            }
        })
        .collect();
    let roles = PartnerRole::ALL.map(|r| (r.as_str(), french::capital(r.in_french())));
    let note = view.mine.iter().map(|p| p.note.as_str()).find(|n| !n.is_empty());
    context! {
        lots => Serde(lots), divided => !view.call.lots.is_empty(), roles => roles, mark => &view.mark,
        answered => (!view.mine.is_empty()).then(|| answering::in_french(&view.mine)), note => note,
        shows_decision => view.shows_decision, before => view.before.as_deref(), uncovered => view.uncovered.len(),
        max_note => vigie_service::partner_calls::MAX_NOTE, answer => Serde(typed),
    }
}

fn coordinator_page(
    site: &Site,
    visitor: &Visitor,
    view: &Coordinated,
    (own, typed): (Option<&Asked>, &TypedAnswer),
    (status, done, refused): (StatusCode, Option<String>, Option<String>),
) -> Shown {
    let now = site.service.clock.now();
    let lines = lines(view);
    let columns = columns(view);
    let silent: Vec<String> = view.answered_and_silent().1.into_iter().map(|i| i.name).collect();
    let bidders = view.line_up.iter().map(|l| l.on.iter().filter(|p| p.role.bids()).count()).max().unwrap_or(0);
    let many = bidders >= vigie_domain::partner_call::MANY_TOGETHER;
    let uncovered: Vec<String> = lines.iter().filter(|l| l.uncovered).map(|l| l.lot.clone()).collect();
    let (lot_count, asked) = (lines.len(), columns.len() + silent.len());
    let values = context! {
        lines => Serde(&lines), columns => Serde(&columns), asked => asked, silent => silent,
        uncovered => uncovered, lot_count => lot_count, bidders => bidders, many => many,
        done => done, refused => refused, own => own.map(|v| context! { ..head(&v.call, &v.about, now), ..own_answer(v, typed) }),
    };
    Ok(site.page_as(status, visitor, "groupement.html", context! { ..head(&view.call, &view.about, now), ..values }))
}

/// The number that a field gives; nothing where it is empty.
fn number(fields: &Fields, name: &str, what: &str) -> Result<Option<u32>, String> {
    let written: String = fields.one(name).chars().filter(|c| !c.is_whitespace() && *c != '\u{202f}').collect();
    let written = written.trim_end_matches("pourcent").trim_end_matches('%');
    if written.is_empty() {
        return Ok(None);
    }
    written.parse().map(Some).map_err(|_| format!("Rien n’est noté : {what} est un nombre entier."))
}

fn said(fields: &Fields) -> Result<Vec<Said>, String> {
    let role = PartnerRole::parse(fields.one("role"))
        .ok_or_else(|| "Rien n’est noté : choisissez mandataire, cotraitant, sous-traitant ou non.".to_owned())?;
    let lots: Vec<String> = fields.all("lot").map(str::to_owned).collect();
    let all = fields.one("tous") == "oui" || lots.is_empty() && role == PartnerRole::Declined;
    if lots.is_empty() && fields.has("par-lot") && !all {
        return Err("Rien n’est noté : cochez au moins un lot, ou « tous les lots ».".to_owned());
    }
    Ok(vec![Said {
        lots: if all { Vec::new() } else { lots },
        role,
        share: number(fields, "part", "la part")?,
        hours: number(fields, "heures", "le nombre d’heures")?,
        people: number(fields, "personnes", "le nombre de personnes")?,
    }])
}

pub(crate) async fn answer(State(site): State<Arc<Site>>, Path(id): Path<String>, posted: Posted) -> Shown {
    let (session, fields) = (&posted.session, &posted.fields);
    session.may(Permission::Decide)?;
    let said = match said(fields) {
        Ok(said) => said,
        Err(fault) => return refused(&site, &posted, &id, fault).await,
    };
    let answer = Answer {
        person: &session.person,
        by: session.name(),
        call: &id,
        said: &said,
        note: fields.one("mot"),
        shows_decision: Some(fields.has("montrer")),
        seen: Some(fields.one("vu")),
        ticked: true,
    };
    let answered = answering::answer(&site.service, &answer).await?;
    let line = answering::line(&answered, session.name());
    match answered {
        Answered::Noted { .. } => page(&site, &posted.visitor, session, &id, (Some(line), None)).await,
        Answered::Unknown | Answered::ReadsOnly => Err(Trouble::no_page()),
        Answered::Meanwhile(_) | Answered::Closed(_) | Answered::Invalid(_) => refused(&site, &posted, &id, line).await,
    }
}

/// What a coordinator does with a call: closes it, moves its closing, asks more structures, gives it up.
pub(crate) async fn conduct(State(site): State<Arc<Site>>, Path(id): Path<String>, posted: Posted) -> Shown {
    let (session, fields, service) = (&posted.session, &posted.fields, &site.service);
    session.may(Permission::Coordinate)?;
    let changed = match fields.one("do") {
        "clore" => closing::close(service, &session.person, &id).await?,
        "abandonner" => opening::give_up(service, &session.person, &id).await?,
        "prolonger" => match written(fields.one("cloture")) {
            Some(closes) => opening::prolong(service, &session.person, &id, closes).await?,
            None => Some(Changed::No("Clôture de l’appel : écrivez par exemple 12/01/2027 à 18h.".to_owned())),
        },
        "inviter" => {
            let structures: Vec<String> = fields.all("structure").map(str::to_owned).collect();
            let asked = opening::ask_more(service, &session.person, &id, &structures).await?;
            let asked = asked.ok_or_else(Trouble::no_page)?;
            let said = match asked {
                0 => "Personne de plus n’est prévenu.".to_owned(),
                1 => "Une structure de plus est prévenue.".to_owned(),
                n => format!("{} de plus sont prévenues.", french::plural(n, "structure")),
            };
            return page(&site, &posted.visitor, session, &id, (Some(said), None)).await;
        }
        _ => return Err(Trouble::bad("Choisissez une action.")),
    };
    match changed {
        None => Err(Trouble::no_page()),
        Some(Changed::Done) => Ok(Redirect::to(&format!("/groupements/{id}?fait=note")).into_response()),
        Some(Changed::No(why)) => page(&site, &posted.visitor, session, &id, (None, Some((why, None)))).await,
    }
}

/// A lot that nobody covers, and who is proposed for it: SIRET, name, kind, reasons, whether it may be asked here.
#[derive(serde::Serialize)]
struct Open {
    lot: String,
    title: String,
    proposed: Vec<(String, String, &'static str, String, bool)>,
}

/// Structures proposed for the lots that nobody covers.
pub(crate) async fn partners(State(site): State<Arc<Site>>, signed: Decider, Path(id): Path<String>) -> Shown {
    let (service, person) = (&site.service, &signed.session.person);
    let found = proposing::for_call(service, person, &id).await?.ok_or_else(Trouble::no_page)?;
    let call = service.store.partner_call(&id).await?.ok_or_else(Trouble::no_page)?;
    let about = looking::about(service, &call.procedure).await?;
    let lots: Vec<Open> = found
        .into_iter()
        .map(|(lot, proposed)| Open {
            title: about.lots.get(&lot).cloned().unwrap_or_default(),
            lot: lot_name(&lot),
            proposed: proposed
                .into_iter()
                .map(|p| (p.siret, p.name, p.kind, p.reasons.join(" ; "), p.may_be_asked))
                .collect(),
        })
        .collect();
    let known: Vec<(String, String, String)> = proposing::known_partners(service, person, &call.procedure)
        .await?
        .into_iter()
        .map(|k| (k.structure, k.name, k.reason))
        .collect();
    let asked = service.store.partner_invitations(&id).await?;
    let known: Vec<_> = known.into_iter().filter(|(s, ..)| !asked.iter().any(|i| i.structure == *s)).collect();
    let letter = proposing::letter(service, &about, call.tender.map(moment).as_deref(), signed.session.name());
    let askable = !known.is_empty() || lots.iter().any(|lot| lot.proposed.iter().any(|(.., may)| *may));
    let values = context! {
        askable => askable, letter => letter, lots => Serde(lots), known => Serde(known), ..head(&call, &about, service.clock.now())
    };
    Ok(site.page(&signed.visitor, "groupement-partenaires.html", values))
}

pub(crate) async fn repartition_csv(State(site): State<Arc<Site>>, signed: Decider, Path(id): Path<String>) -> Shown {
    let rows = files::rows(&site.service, &signed.session.person, &id).await?.ok_or_else(Trouble::no_page)?;
    tables::csv("repartition", &files::HEADS, &rows)
}

pub(crate) async fn repartition_docx(State(site): State<Arc<Site>>, signed: Decider, Path(id): Path<String>) -> Shown {
    let now = site.service.clock.now();
    let body = files::docx(&site.service, &signed.session.person, &id, now).await?.ok_or_else(Trouble::no_page)?;
    Ok(download(DOCX, "vigie-repartition.docx", body))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_hour_that_there_is_not_is_no_end_of_the_day() {
        let read = |text| written(text).map(|at| at.to_rfc3339());
        assert_eq!(read("01/12/2026 à 18h").as_deref(), Some("2026-12-01T17:00:00+00:00"));
        assert_eq!(read("1er décembre 2026").as_deref(), Some("2026-12-01T22:59:00+00:00"));
        for wrong in ["01/12/2026 à 25h", "01/12/2026 25:00", "demain"] {
            assert_eq!(read(wrong), None, "{wrong}");
        }
    }
}

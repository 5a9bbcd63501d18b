//! The consultation file of a procedure: given here, read in the background, shown to the structure that gave it with file, page and
//! words; a word looked for in it; the answer begun. All of it is the structure's alone: it is taken from the session.

use std::sync::Arc;

use axum::extract::{Path, Query, Request, State};
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Redirect};
use minijinja::context;
use minijinja::value::Serde;
use serde::{Deserialize, Serialize};
use vigie_domain::{Permission, Subscriber, french};
use vigie_notifier::card::short;
use vigie_service::Service;
use vigie_service::consultation::{self, Announced, Fetched, Gave, Known, MAX_FILES, MAX_GIVEN, Shared, Verdict};
use vigie_store::StoreError;
use vigie_store::consultations::ReadingState;
use vigie_store::journal::NoticeRow;
use vigie_watcher::zones;

use super::downloads::{DOCX, download};
use super::frame::{Client, Posted, Shown, SignedIn, Site, Trouble};
use super::procedure;
use super::upload::{self, Bounds};

/// Longest form with files of a consultation, in bytes.
pub(crate) const MAX_FORM: usize = MAX_GIVEN + 1024 * 1024;
/// Seconds after which a browser asks again how far a reading is.
const AGAIN: HeaderValue = HeaderValue::from_static("3");
/// Longest words looked for, in characters.
const MAX_WORDS: usize = 120;

/// What is asked of the page.
#[derive(Debug, Default, Deserialize)]
pub(crate) struct Asked {
    /// Words to look for.
    #[serde(default)]
    q: String,
}

/// How the reading of a consultation stands, as pages show it.
#[derive(Debug, Default, Serialize)]
pub(crate) struct Standing {
    /// The structure gave something.
    known: bool,
    reading: bool,
    failed: bool,
    /// What was read does not open any more.
    closed: bool,
    done: u32,
    of: u32,
    given_by: String,
    day: String,
    verdict: Verdict,
    most_files: usize,
    most_megabytes: usize,
}

impl Standing {
    fn of(known: Option<&Known>, notice: Option<&Announced>) -> Self {
        let bounds = Self { most_files: MAX_FILES, most_megabytes: MAX_GIVEN / 1_048_576, ..Self::default() };
        let Some(known) = known else { return bounds };
        Self {
            known: true,
            reading: known.is_reading(),
            failed: known.state == ReadingState::Failed,
            closed: known.closed,
            done: known.progress.0,
            of: known.progress.1,
            given_by: known.given_by.clone(),
            day: french::date(zones::paris_day(known.at)),
            verdict: known.verdict(notice),
            ..bounds
        }
    }
}

/// The notice that what was read is held against; read anew only where something was.
fn held_against(known: Option<&Known>, notices: &[NoticeRow]) -> Option<Announced> {
    known.filter(|k| k.read.is_some()).and_then(|_| consultation::announced(notices))
}

/// What the page of a procedure shows a person of its consultation.
pub(crate) async fn standing(
    service: &Service,
    person: &Subscriber,
    procedure: &str,
    notices: &[NoticeRow],
) -> Result<Standing, StoreError> {
    let known = consultation::known(service, person.structure(), procedure).await?;
    let notice = held_against(known.as_ref(), notices);
    Ok(Standing::of(known.as_ref(), notice.as_ref()))
}

pub(crate) async fn show(
    State(site): State<Arc<Site>>,
    Path(id): Path<String>,
    Query(asked): Query<Asked>,
    signed: SignedIn,
) -> Shown {
    if let Some(now) = site.service.store.procedure_now(&id).await? {
        return Ok(Redirect::permanent(&format!("/procedure/{now}/dossier")).into_response());
    }
    let notices = procedure::notices(&site, Some(&signed.session), &id).await?;
    let main = procedure::current(&notices).ok_or_else(Trouble::no_page)?;
    let structure = signed.session.structure();
    let known = consultation::known(&site.service, structure, &id).await?;
    let words = asked.q.trim();
    if words.chars().count() > MAX_WORDS {
        return Err(Trouble::bad(format!("{MAX_WORDS} caractères au plus : deux ou trois mots suffisent.")));
    }
    let hits = match &known {
        Some(known) if !words.is_empty() => known.search(&site.service, structure, words).await?,
        _ => Vec::new(),
    };
    let hits: Vec<(String, String)> = hits.into_iter().map(|h| (h.quote, h.at.to_string())).collect();
    let notice = held_against(known.as_ref(), &notices);
    let sections = known.as_ref().map(|k| k.sections(notice.as_ref())).unwrap_or_default();
    let standing = Standing::of(known.as_ref(), notice.as_ref());
    // What would be said to everybody, word for word, before it is.
    let read = known.as_ref().and_then(|k| k.read.as_ref());
    let sayable: Vec<(String, String)> =
        match read.filter(|_| signed.session.person.role.may(Permission::CorrectVerdict)) {
            Some(read) => {
                let clauses = consultation::sayable(read, main).into_iter();
                clauses.map(|p| (p.evidence.quote.unwrap_or_default(), p.article.unwrap_or_default())).collect()
            }
            None => Vec::new(),
        };
    let documents = consultation::documents_address(&site.service, &signed.session.person, &id).await?;
    let reading = standing.reading;
    let values = context! {
        id => id,
        title => short(&procedure::title_of(&main.notice, &main.assessment), 200),
        d => Serde(standing),
        sections => Serde(sections),
        words => words,
        hits => Serde(hits),
        max_words => MAX_WORDS,
        sayable => Serde(sayable),
        profile => documents.as_ref().and_then(|u| u.host_str()),
        kept_days => site.service.settings.retention.consultations_days,
    };
    let mut page = site.page(&signed.visitor, "dossier.html", values);
    if reading && words.is_empty() {
        page.headers_mut().insert(header::REFRESH, AGAIN);
    }
    Ok(page)
}

pub(crate) async fn give(
    State(site): State<Arc<Site>>,
    Path(id): Path<String>,
    client: Client,
    signed: SignedIn,
    request: Request,
) -> Shown {
    site.costly(client)?;
    let person = &signed.session.person;
    procedure::notices(&site, Some(&signed.session), &id).await?;
    // Each holds as much memory as its files take.
    let Ok(_room) = site.uploads.try_acquire() else { return Err(busy()) };
    let bounds = Bounds { files: MAX_FILES, file: MAX_GIVEN, whole: MAX_GIVEN };
    let (fields, files) = upload::read(request, &(), bounds).await?;
    signed.session.posted(&fields)?;
    let gave = consultation::give(&site.service, person, &id, files, None).await?;
    let status = match gave {
        Gave::Files(_) => return Ok(Redirect::to(&format!("/procedure/{id}/dossier")).into_response()),
        Gave::Nothing => StatusCode::BAD_REQUEST,
        Gave::TooMuch => StatusCode::PAYLOAD_TOO_LARGE,
        Gave::Busy => StatusCode::TOO_MANY_REQUESTS,
    };
    Err(Trouble::new(status, "Rien n’est encore lu", &gave.in_french()))
}

pub(crate) async fn forget(State(site): State<Arc<Site>>, Path(id): Path<String>, posted: Posted) -> Shown {
    if !consultation::forget(&site.service, posted.session.structure(), &id).await? {
        return Err(Trouble::no_page());
    }
    Ok(Redirect::to(&format!("/procedure/{id}#dossier")).into_response())
}

/// Fetches the documents that the buyer's profile gives freely, and gives them to be read.
pub(crate) async fn fetch(
    State(site): State<Arc<Site>>,
    Path(id): Path<String>,
    client: Client,
    posted: Posted,
) -> Shown {
    site.costly(client)?;
    procedure::notices(&site, Some(&posted.session), &id).await?;
    let Ok(_room) = site.uploads.try_acquire() else { return Err(busy()) };
    match consultation::fetch_documents(&site.service, &posted.session.person, &id).await? {
        Fetched::Files(Gave::Files(_)) => Ok(Redirect::to(&format!("/procedure/{id}/dossier")).into_response()),
        told => Err(Trouble::new(StatusCode::UNPROCESSABLE_ENTITY, "Rien n’est encore lu", &told.in_french())),
    }
}

/// Says for everybody what the pieces say of the clause.
pub(crate) async fn share(State(site): State<Arc<Site>>, Path(id): Path<String>, posted: Posted) -> Shown {
    posted.session.may(Permission::CorrectVerdict)?;
    procedure::notices(&site, Some(&posted.session), &id).await?;
    match consultation::share_clause(&site.service, &posted.session.person, &id).await? {
        Shared::Told(_) => Ok(Redirect::to(&format!("/procedure/{id}")).into_response()),
        Shared::Nothing | Shared::MayNot => {
            let text = "Les pièces lues ne montrent pas de clause, ou le marché en montre déjà une : elle se corrige depuis sa page.";
            Err(Trouble::new(StatusCode::CONFLICT, "Rien à dire de plus", text))
        }
    }
}

fn busy() -> Trouble {
    let text = "D’autres fichiers arrivent en ce moment : recommencez dans un instant.";
    Trouble::new(StatusCode::SERVICE_UNAVAILABLE, "Un instant", text)
}

pub(crate) async fn answer(State(site): State<Arc<Site>>, Path(id): Path<String>, signed: SignedIn) -> Shown {
    procedure::notices(&site, Some(&signed.session), &id).await?;
    let known = consultation::known(&site.service, signed.session.structure(), &id).await?;
    let known = known.ok_or_else(Trouble::no_page)?;
    let document = known.answer(&site.service, &signed.session.person, &id).await?.ok_or_else(Trouble::no_page)?;
    Ok(download(DOCX, "reponse-commencee.docx", document))
}

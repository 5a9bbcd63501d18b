//! One source: its settings, what a try of it finds, what of it was put aside. Those of the pages are made, changed and taken away
//! here; those of the settings file are shown as they are.

use std::sync::Arc;

use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Redirect, Response};
use minijinja::context;
use minijinja::value::Serde;
use vigie_config::settings::{Baseline, Source, SourceVisibility};
use vigie_domain::{Permission, french};
use vigie_notifier::card::short;
use vigie_service::page_sources::{self, Form, FormFault, PageSource};
use vigie_service::sources::{self, watched};
use vigie_watcher::fetch::Fetcher;
use vigie_watcher::sources::{Memory, Page, REGISTRY};

use super::{LINES, at, put_aside};
use crate::frame::{Client, Fields, Operator, Posted, Shown, Site, Trouble, Visitor};
use crate::public::name_of;

/// The last part of the address of the page that makes a source: no source is called so.
const NEW: &str = "nouvelle";
/// Notices and selectors that a try shows.
const SHOWN: usize = 10;
/// Records put aside that are listed.
const ASIDE: i64 = 20;
/// How often a source is read, in the terms of the form.
const RHYTHMS: &[(&str, &str)] = &[
    ("", "comme ce lecteur le fait d’ordinaire"),
    ("0 */30 * * * *", "toutes les demi-heures"),
    ("0 10 7-19/2 * * *", "toutes les deux heures, de 7 h à 19 h"),
    ("0 10 7,13 * * *", "matin et midi"),
    ("0 10 7 * * *", "chaque matin"),
];

/// What a try of a source found.
#[derive(serde::Serialize, Default)]
struct Tried {
    /// Why it failed; empty where it did not.
    failed: String,
    count: String,
    notices: Vec<TriedNotice>,
    selectors: Vec<TriedSelector>,
    remarks: Vec<String>,
    bad: Vec<String>,
}

#[derive(serde::Serialize)]
struct TriedNotice {
    title: String,
    buyer: String,
    closes: String,
}

#[derive(serde::Serialize)]
struct TriedSelector {
    field: String,
    selector: String,
    found: String,
    sample: String,
}

/// What the page shows beside the form.
#[derive(Default)]
struct Beside {
    faults: Vec<FormFault>,
    tried: Option<Tried>,
    done: &'static str,
}

pub(crate) async fn fresh(State(site): State<Arc<Site>>, operator: Operator) -> Shown {
    let form = Form { kind: "feed".to_owned(), ..Form::default() };
    Ok(form_page(&site, &operator.visitor, StatusCode::OK, "", &form, Beside::default()))
}

/// Makes a source, or only tries it.
pub(crate) async fn make(State(site): State<Arc<Site>>, client: Client, posted: Posted) -> Shown {
    posted.session.may(Permission::Operate)?;
    let (id, form) = (posted.fields.one("nom").to_owned(), form_of(&posted.fields));
    let mut beside = Beside::default();
    if posted.fields.one("do") == "essayer" {
        site.costly(client)?;
        match page_sources::read(&id, &form) {
            Ok(block) => beside.tried = Some(attempt(&site, &block).await),
            Err(faults) => beside.faults = faults,
        }
    } else if id == NEW {
        beside.faults.push(("nom", "Ce nom est pris : choisissez-en un autre.".to_owned()));
    } else {
        match page_sources::keep(&site.service, &id, &form, None, site.service.clock.now()).await? {
            Ok(()) => return Ok(Redirect::to(&format!("/exploitation/sources/{id}?fait=ajout")).into_response()),
            Err(faults) => beside.faults = faults,
        }
    }
    let status = if beside.faults.is_empty() { StatusCode::OK } else { StatusCode::UNPROCESSABLE_ENTITY };
    Ok(form_page(&site, &posted.visitor, status, &id, &form, beside))
}

pub(crate) async fn show(
    State(site): State<Arc<Site>>,
    operator: Operator,
    Path(id): Path<String>,
    fields: Fields,
) -> Shown {
    let done = match fields.one("fait") {
        "ajout" => "Source ajoutée : elle sera lue dans la minute.",
        "change" => "Réglages enregistrés : ils valent dans la minute.",
        _ => "",
    };
    let known = Known::find(&site, &id).await?;
    known_page(&site, &operator.visitor, StatusCode::OK, &known, Beside { done, ..Beside::default() }).await
}

/// Changes a source of the pages, takes it away, or tries any source. `None`: the word asks for something else.
pub(super) async fn act(site: &Site, client: Client, id: &str, posted: &Posted) -> Result<Option<Response>, Trouble> {
    let now = site.service.clock.now();
    let word = posted.fields.one("do");
    if !matches!(word, "essayer" | "enregistrer" | "retirer") {
        return Ok(None);
    }
    let mut known = Known::find(site, id).await?;
    let mut beside = Beside::default();
    if let Known::OnPages(source) = &mut known
        && word != "retirer"
    {
        source.form = form_of(&posted.fields);
        source.block = page_sources::read(id, &source.form);
        // A form shown again, with its faults or after a try, is still that of what was seen first.
        source.changed = posted.fields.one("vue").parse().unwrap_or(source.changed);
    }
    match (word, &known) {
        ("retirer", Known::OnPages(_)) => {
            page_sources::drop(&site.service, id, now).await?;
            return Ok(Some(Redirect::to("/exploitation/sources?fait=retirer").into_response()));
        }
        ("enregistrer", Known::OnPages(source)) => {
            match page_sources::keep(&site.service, id, &source.form, Some(source.changed), now).await? {
                Ok(()) => {
                    site.service.store.poll_soon(id, now).await?;
                    let to = format!("/exploitation/sources/{id}?fait=change");
                    return Ok(Some(Redirect::to(&to).into_response()));
                }
                Err(faults) => beside.faults = faults,
            }
        }
        ("essayer", known) => {
            site.costly(client)?;
            match known.block() {
                Ok(block) => beside.tried = Some(attempt(site, block).await),
                Err(faults) => beside.faults = faults.to_vec(),
            }
        }
        _ => {
            let text = "Cette source est déclarée dans le fichier de configuration : elle se change là.";
            return Err(Trouble::new(StatusCode::CONFLICT, "Source du fichier", text));
        }
    }
    let status = if beside.faults.is_empty() { StatusCode::OK } else { StatusCode::UNPROCESSABLE_ENTITY };
    known_page(site, &posted.visitor, status, &known, beside).await.map(Some)
}

/// Where a source is declared.
enum Known {
    InFile(Source),
    OnPages(Box<PageSource>),
}

impl Known {
    async fn find(site: &Site, id: &str) -> Result<Self, Trouble> {
        let service = &site.service;
        if let Some(block) = service.settings.source.iter().find(|s| s.id == id) {
            return Ok(Self::InFile(block.clone()));
        }
        let on_pages = page_sources::all(&service.settings, &service.store).await?;
        on_pages.into_iter().find(|s| s.id == id).map(|s| Self::OnPages(Box::new(s))).ok_or_else(Trouble::no_page)
    }

    fn block(&self) -> Result<&Source, &[FormFault]> {
        match self {
            Self::InFile(block) => Ok(block),
            Self::OnPages(source) => source.block.as_ref().map_err(Vec::as_slice),
        }
    }
}

async fn known_page(site: &Site, visitor: &Visitor, status: StatusCode, known: &Known, mut beside: Beside) -> Shown {
    match known {
        Known::OnPages(source) => {
            if let (Err(faults), true) = (&source.block, beside.faults.is_empty()) {
                beside.faults.clone_from(faults);
            }
            let aside = put_aside::rows(site, &source.id, ASIDE).await?;
            let values = context! {
                known => true, seen => source.changed, given_way => source.given_way, aside => Serde(aside),
                journal => Serde(journal(site, &source.id).await?),
            };
            Ok(page(site, visitor, status, &source.id, &source.form, beside, values))
        }
        Known::InFile(block) => {
            let values = context! {
                name => name_of(&block.id, &block.kind), id => &block.id, lines => Serde(lines_of(block)),
                aside => Serde(put_aside::rows(site, &block.id, ASIDE).await?),
                journal => Serde(journal(site, &block.id).await?), tried => Serde(beside.tried), done => beside.done,
            };
            Ok(site.page_as(status, visitor, "source-du-fichier.html", values))
        }
    }
}

fn form_page(site: &Site, visitor: &Visitor, status: StatusCode, id: &str, form: &Form, beside: Beside) -> Response {
    page(site, visitor, status, id, form, beside, context! { known => false })
}

fn page(
    site: &Site,
    visitor: &Visitor,
    status: StatusCode,
    id: &str,
    form: &Form,
    beside: Beside,
    more: minijinja::Value,
) -> Response {
    let readers: Vec<(&str, &str)> = REGISTRY.iter().map(|k| (k.name, k.summary)).collect();
    let mut rhythms: Vec<(&str, &str)> = RHYTHMS.to_vec();
    if !rhythms.iter().any(|(cron, _)| *cron == form.schedule) {
        rhythms.push((&form.schedule, &form.schedule));
    }
    let values = context! {
        id => id, f => Serde(form), readers => Serde(readers), rhythms => Serde(rhythms),
        faults => Serde(beside.faults), tried => Serde(beside.tried), done => beside.done,
    };
    site.page_as(status, visitor, "source.html", context! { ..more, ..values })
}

fn form_of(fields: &Fields) -> Form {
    let text = |name: &str| fields.one(name).replace("\r\n", "\n");
    let own = text("autre-rythme");
    Form {
        kind: text("lecteur"),
        url: text("adresse"),
        schedule: if own.is_empty() { text("rythme") } else { own },
        baseline: text("premier"),
        visibility: text("qui-voit"),
        buyer: text("acheteur"),
        departments: text("departements"),
        options: text("reglages"),
    }
}

/// The settings of a source of the file, for who looks.
fn lines_of(block: &Source) -> Vec<(&'static str, String)> {
    let reader = REGISTRY.iter().find(|k| k.name == block.kind);
    let schedule = block.schedule.as_deref().or_else(|| reader.map(|r| r.default_schedule)).unwrap_or_default();
    let rhythm = RHYTHMS.iter().find(|(cron, _)| *cron == schedule).map_or(schedule, |(_, said)| said);
    vec![
        ("Lecteur", reader.map_or(block.kind.as_str(), |r| r.summary).to_owned()),
        ("Adresse", block.url.clone().unwrap_or_else(|| "celle du lecteur".to_owned())),
        ("Rythme", rhythm.to_owned()),
        (
            "Premier passage",
            match block.baseline {
                Baseline::Quiet => "en silence",
                Baseline::Digest => "un seul message par personne",
                Baseline::Deliver => "comme des nouveautés",
            }
            .to_owned(),
        ),
        (
            "Qui voit",
            match block.visibility {
                None => "selon le lecteur",
                Some(SourceVisibility::Public) => "tout le monde",
                Some(SourceVisibility::Told) => "ceux qui en ont reçu l’alerte",
            }
            .to_owned(),
        ),
    ]
}

/// Asks a source for one page, and keeps nothing of it.
async fn attempt(site: &Site, block: &Source) -> Tried {
    let failed = |why: String| Tried { failed: why, ..Tried::default() };
    let source = match watched(block) {
        Ok(source) => source,
        Err(e) => return failed(format!("{} {}", e.what, e.fix)),
    };
    let fetcher = match Fetcher::http(&site.service.settings.fetch) {
        Ok(fetcher) => fetcher,
        Err(e) => return failed(e),
    };
    match sources::Watched::peek(&source, &fetcher, &Memory::default(), site.service.clock.now()).await {
        Ok(page) => tried(page),
        Err(e) => failed(short(&e.to_string(), 400)),
    }
}

fn tried(page: Page) -> Tried {
    let closes = |n: &vigie_domain::Notice| {
        let deadline = vigie_watcher::classify::classify(n).deadline();
        deadline.map(|d| french::date(d.date_naive())).unwrap_or_default()
    };
    Tried {
        failed: String::new(),
        count: french::plural(page.notices.len(), "avis"),
        notices: page
            .notices
            .iter()
            .take(SHOWN)
            .map(|n| TriedNotice { title: short(&n.title, 160), buyer: short(&n.buyer.name, 100), closes: closes(n) })
            .collect(),
        selectors: page
            .selectors
            .into_iter()
            .map(|s| TriedSelector {
                field: s.field,
                selector: short(&s.selector, 80),
                found: format!("{} sur {}", s.found.0, s.found.1),
                sample: short(&s.sample, 100),
            })
            .collect(),
        remarks: page.remarks,
        bad: page.bad.iter().take(SHOWN).map(|b| short(&b.reason, 200)).collect(),
    }
}

/// What its journal says of a source, newest first: who changed what, what failed.
async fn journal(site: &Site, source: &str) -> Result<Vec<(String, String)>, Trouble> {
    let lines = site.service.store.journal(source, LINES).await?;
    Ok(lines.into_iter().filter(|l| l.topic == "source").map(|l| (at(l.at), short(&l.text, 200))).collect())
}

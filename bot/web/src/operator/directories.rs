//! The directories: how many entries each holds, and files read into them, with each row that was refused.

use std::sync::Arc;

use axum::extract::State;
use axum::http::StatusCode;
use minijinja::context;
use minijinja::value::Serde;
use vigie_domain::{Permission, french};
use vigie_service::directory::{self, Directory, ImportError};
use vigie_service::leads::MAX_FILE;

use super::at;
use crate::frame::{Operator, Shown, Site, Trouble, Visitor};
use crate::upload::Uploaded;

/// Refused or doubtful rows shown.
const MAX_REFUSED: usize = 200;

#[derive(serde::Serialize)]
struct Line {
    word: &'static str,
    name: String,
    entries: String,
    written: Option<String>,
    /// The columns of its file: what each row needs, then what else is read.
    needs: &'static str,
    reads: &'static str,
}

/// The columns of the file of a directory.
fn columns(directory: Directory) -> (&'static str, &'static str) {
    match directory {
        Directory::Structures => (
            "siret, nom, type (EI, AI, ETTI, ACI, EA, ESAT…)",
            "enseigne, secteurs, departement, code_postal, ville, ape",
        ),
        Directory::Facilitators => {
            ("territoire, departement ou epcis, et contact, courriel ou telephone", "nom, communes, acheteurs")
        }
        Directory::Buyers => ("siren, nom", "debut, fin (les années du SPASER)"),
    }
}

pub(crate) async fn directories(State(site): State<Arc<Site>>, operator: Operator) -> Shown {
    page(&site, &operator.visitor, StatusCode::OK, context! {}).await
}

pub(crate) async fn import_directory(State(site): State<Arc<Site>>, posted: Uploaded) -> Shown {
    posted.session.may(Permission::Operate)?;
    let wanted = posted.fields.one("annuaire");
    let directory = wanted.parse::<Directory>().map_err(|_| Trouble::bad("Choisissez ce que le fichier contient."))?;
    let file = posted.files.first().filter(|f| !f.content.is_empty());
    let file = file.ok_or_else(|| Trouble::bad("Choisissez un fichier CSV ou JSON, qui ne soit pas vide."))?;
    let chosen = context! { chosen => directory.as_str() };
    if file.content.len() > MAX_FILE {
        let fault = format!(
            "{} Mo au plus par ici. Un fichier plus lourd se lit sur la machine : vigie directory import",
            MAX_FILE / 1_048_576
        );
        let values = context! { fault => fault, ..chosen };
        return page(&site, &posted.visitor, StatusCode::PAYLOAD_TOO_LARGE, values).await;
    }
    let now = site.service.clock.now();
    let done = match directory::import(&site.service.store, directory, &file.content, now, |_, _| {}).await {
        Ok(done) => done,
        Err(ImportError::Unreadable(why)) => {
            let values = context! { fault => why, ..chosen };
            return page(&site, &posted.visitor, StatusCode::UNPROCESSABLE_ENTITY, values).await;
        }
        Err(ImportError::Store(e)) => return Err(e.into()),
    };
    let said = format!(
        "{} : {} dans l’annuaire{}, {}",
        french::capital(directory.in_french()),
        french::plural(done.taken, "ligne"),
        done.twice_in_french(),
        match done.refused.len() {
            0 => "aucune refusée".to_owned(),
            1 => "1 refusée".to_owned(),
            n => format!("{} refusées", french::number(n as f64)),
        }
    );
    let note = format!("annuaire lu depuis les pages par {} : {said}", posted.session.name());
    site.service.store.note("directory", directory.as_str(), &note, now).await?;
    let status = if done.taken == 0 { StatusCode::UNPROCESSABLE_ENTITY } else { StatusCode::OK };
    let values = context! {
        said => said, nothing => done.taken == 0, more => done.refused.len().saturating_sub(MAX_REFUSED),
        refused => Serde(&done.refused[..done.refused.len().min(MAX_REFUSED)]),
        doubtful => Serde(&done.doubtful[..done.doubtful.len().min(MAX_REFUSED)]),
        more_doubtful => done.doubtful.len().saturating_sub(MAX_REFUSED), ..chosen
    };
    page(&site, &posted.visitor, status, values).await
}

async fn page(site: &Site, visitor: &Visitor, status: StatusCode, more: minijinja::Value) -> Shown {
    let mut lines = Vec::new();
    for directory in Directory::ALL {
        let (entries, written) = directory.held(&site.service.store).await?;
        let (needs, reads) = columns(directory);
        lines.push(Line {
            word: directory.as_str(),
            name: french::capital(directory.in_french()),
            entries: french::number(entries as f64),
            written: written.map(at),
            needs,
            reads,
        });
    }
    let values = context! { lines => Serde(lines), megabytes => MAX_FILE / 1_048_576 };
    Ok(site.page_as(status, visitor, "annuaires.html", context! { ..more, ..values }))
}

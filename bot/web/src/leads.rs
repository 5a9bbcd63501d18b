//! A structure's own leads: the form that brings one, and the files that came with them. All of it is the structure's alone: a file is
//! read for the structure of the session, and given back as something to keep, never to show.

use std::sync::Arc;

use axum::Json;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Redirect};
use chrono::{DateTime, FixedOffset};
use minijinja::context;
use minijinja::value::Serde;
use serde::Deserialize;
use serde_json::json;
use vigie_config::rules::Rules;
use vigie_domain::{Department, Visibility, commune};
use vigie_service::leads::{self, Added, Lead, LeadFault};
use vigie_store::tokens::Scope;
use vigie_watcher::classify::dates;
use vigie_watcher::zones;

use super::api::{Program, Sent, wrong};
use super::cookies::Session;
use super::downloads::{BYTES, download};
use super::frame::{Client, Fields, Posted, Shown, SignedIn, Site, Trouble, Visitor};
use super::limits::What;
use super::procedure;
use super::upload::Uploaded;

/// Longest title and names, and longest text, in characters.
const MAX_NAME: usize = 300;
const MAX_TEXT: usize = 20_000;

/// What was typed, to be typed no second time.
#[derive(Default, serde::Serialize)]
struct Typed {
    title: String,
    url: String,
    buyer: String,
    private: bool,
    departments: String,
    closes: String,
    text: String,
}

impl Typed {
    fn of(fields: &Fields) -> Self {
        let text = |name: &str| fields.one(name).to_owned();
        Self {
            title: text("titre"),
            url: text("lien"),
            buyer: text("acheteur"),
            private: fields.has("prive"),
            departments: text("lieu"),
            closes: text("limite"),
            text: text("texte"),
        }
    }

    /// The lead, or what is wrong: the field and why.
    fn lead(&self) -> Result<Lead, Vec<(&'static str, String)>> {
        let mut faults = Vec::new();
        for (name, text, most) in [
            ("titre", &self.title, MAX_NAME),
            ("lien", &self.url, 2_000),
            ("acheteur", &self.buyer, MAX_NAME),
            ("lieu", &self.departments, MAX_NAME),
            ("texte", &self.text, MAX_TEXT),
        ] {
            if text.chars().count() > most {
                faults.push((name, format!("{most} caractères au plus")));
            }
        }
        if self.title.is_empty() {
            faults.push(("titre", "dites en quelques mots de quoi il s’agit".to_owned()));
        }
        let mut departments = Vec::new();
        for written in self.departments.split([',', ';']).map(str::trim).filter(|w| !w.is_empty()) {
            let named =
                || Rules::embedded().departments().find(|(_, name)| commune::key(name) == commune::key(written));
            let mut meant = Department::written(written);
            if meant.is_empty() {
                meant.extend(named().and_then(|(code, _)| Department::parse(code)));
            }
            if meant.is_empty() {
                faults
                    .push(("lieu", format!("département inconnu « {written} » : écrivez par exemple 59, 2A ou Nord")));
            }
            departments.extend(meant);
        }
        let closes = match self.closes.as_str() {
            "" => None,
            written => {
                let read = dates::written(written, zones::zone(departments.first()));
                if read.is_none() {
                    faults.push(("limite", "écrivez par exemple 12/01/2027 à 12h".to_owned()));
                }
                read
            }
        };
        if !faults.is_empty() {
            return Err(faults);
        }
        Ok(Lead {
            title: self.title.clone(),
            text: self.text.clone(),
            url: Some(self.url.clone()).filter(|u| !u.is_empty()),
            buyer: Some(self.buyer.clone()).filter(|b| !b.is_empty()),
            private: self.private,
            departments,
            closes,
        })
    }
}

pub(crate) async fn ask(State(site): State<Arc<Site>>, signed: SignedIn) -> Shown {
    Ok(form(&site, &signed.visitor, &Typed::default(), &[], StatusCode::OK))
}

fn form(
    site: &Site,
    visitor: &Visitor,
    typed: &Typed,
    faults: &[(&'static str, String)],
    status: StatusCode,
) -> axum::response::Response {
    let values = context! { f => Serde(typed), faults => Serde(faults), max_title => MAX_NAME, max_text => MAX_TEXT };
    site.page_as(status, visitor, "piste.html", values)
}

pub(crate) async fn add(State(site): State<Arc<Site>>, Client(client): Client, posted: Uploaded) -> Shown {
    let service = &site.service;
    let now = service.clock.now();
    if !site.limits.allow(client, What::Costly, now) {
        let text = "Trop de demandes : attendez quelques minutes.";
        return Err(Trouble::new(StatusCode::TOO_MANY_REQUESTS, "Trop de demandes", text));
    }
    let person = &posted.session.person;
    let typed = Typed::of(&posted.fields);
    let own = Visibility::Structure(person.structure().to_owned());
    let refused =
        |faults: &[(&'static str, String)]| Ok(form(&site, &posted.visitor, &typed, faults, StatusCode::BAD_REQUEST));
    let notice = match typed.lead().map(|lead| lead.notice(own, now)) {
        Err(faults) => return refused(&faults),
        Ok(Err(fault @ LeadFault::NoTitle)) => return refused(&[("titre", fault.to_string())]),
        Ok(Err(fault @ LeadFault::Closing)) => return refused(&[("limite", fault.to_string())]),
        Ok(Err(fault @ LeadFault::Address(_))) => {
            return refused(&[("lien", format!("{fault} : écrivez une adresse complète, qui commence par https://"))]);
        }
        Ok(Ok(notice)) => notice,
    };
    match leads::add(service, person, notice).await? {
        Added::TooMany => Err(Trouble::new(
            StatusCode::TOO_MANY_REQUESTS,
            "Assez de pistes pour aujourd’hui",
            "Vous en avez apporté beaucoup en un jour : recommencez demain.",
        )),
        Added::Published { procedure, told, .. } => {
            let told = if told { "Il vient d’entrer dans vos marchés." } else { "Il vous a déjà été signalé." };
            let text = format!("Ce lien est celui d’un avis public que Vigie suit. {told}");
            Ok(site.back_to(&posted.visitor, &procedure, "Avis déjà connu", &text))
        }
        Added::Brought { procedure, notice, .. } => {
            let attached = leads::attach(service, person, &notice, &posted.files).await?;
            if attached.left_out.is_empty() {
                return Ok(Redirect::to(&format!("/procedure/{procedure}")).into_response());
            }
            Ok(site.back_to(&posted.visitor, &procedure, "Piste enregistrée", &attached.in_french()))
        }
    }
}

pub(crate) async fn attach(State(site): State<Arc<Site>>, Path(id): Path<String>, posted: Uploaded) -> Shown {
    let person = &posted.session.person;
    let notices = procedure::notices(&site, Some(&posted.session), &id).await?;
    let row = procedure::own_lead(person, &notices).ok_or_else(Trouble::no_page)?;
    if posted.files.is_empty() {
        return Err(Trouble::bad("Choisissez un fichier."));
    }
    let attached = leads::attach(&site.service, person, &row.id, &posted.files).await?;
    if attached.left_out.is_empty() {
        return Ok(Redirect::to(&format!("/procedure/{id}#pieces")).into_response());
    }
    Ok(site.back_to(&posted.visitor, &id, "Pièces jointes", &attached.in_french()))
}

pub(crate) async fn file(State(site): State<Arc<Site>>, signed: SignedIn, Path(id): Path<String>) -> Shown {
    let found = site.service.store.attachment(signed.session.structure(), &id).await?;
    let (attachment, content) = found.ok_or_else(Trouble::no_page)?;
    let kind = leads::media_type(&attachment.name).unwrap_or(BYTES);
    Ok(download(kind, &attachment.name, content))
}

pub(crate) async fn remove(State(site): State<Arc<Site>>, Path(id): Path<String>, posted: Posted) -> Shown {
    let session: &Session = &posted.session;
    if !site.service.store.remove_attachment(session.structure(), &id).await? {
        return Err(Trouble::no_page());
    }
    let back = posted.fields.one("procedure");
    let known = !back.is_empty() && back.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-');
    let to = if known { format!("/procedure/{back}#pieces") } else { "/".to_owned() };
    Ok(Redirect::to(&to).into_response())
}

/// A lead as the API takes it.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Told {
    title: String,
    #[serde(default)]
    text: String,
    url: Option<String>,
    buyer: Option<String>,
    #[serde(default)]
    private: bool,
    #[serde(default)]
    departments: Vec<String>,
    closes: Option<DateTime<FixedOffset>>,
}

pub(crate) async fn add_by_program(State(site): State<Arc<Site>>, program: Program, sent: Sent) -> Shown {
    program.may(Scope::DecisionsWrite)?;
    let told: Told = sent.read()?;
    if told.title.chars().count() > MAX_NAME || told.text.chars().count() > MAX_TEXT {
        return Err(wrong(format!("title : {MAX_NAME} caractères au plus ; text : {MAX_TEXT}")));
    }
    let departments: Option<Vec<Department>> = told.departments.iter().map(|d| Department::parse(d)).collect();
    let lead = Lead {
        title: told.title,
        text: told.text,
        url: told.url,
        buyer: told.buyer,
        private: told.private,
        departments: departments.ok_or_else(|| wrong("département inconnu : un code tel que 59, 2A ou 974"))?,
        closes: told.closes.map(|at| (at, true)),
    };
    let owner = program.owner();
    let own = Visibility::Structure(owner.structure().to_owned());
    let notice = lead.notice(own, site.service.clock.now()).map_err(|fault| wrong(fault.to_string()))?;
    match leads::add(&site.service, owner, notice).await? {
        Added::TooMany => {
            Err(Trouble::new(StatusCode::CONFLICT, "too_many", "trop de pistes en un jour pour cette personne"))
        }
        Added::Published { procedure, .. } => {
            Ok(Json(json!({ "procedure": procedure, "private": false, "new": false })).into_response())
        }
        Added::Brought { procedure, new, .. } => {
            let status = if new { StatusCode::CREATED } else { StatusCode::OK };
            Ok((status, Json(json!({ "procedure": procedure, "private": true, "new": new }))).into_response())
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_wrong_in_the_form_is_said_at_its_field() {
        let typed = Typed { closes: "bientôt".into(), departments: "59, lune".into(), ..Typed::default() };
        let faults: Vec<&str> = typed.lead().unwrap_err().into_iter().map(|(field, _)| field).collect();
        assert_eq!(faults, ["titre", "lieu", "limite"]);
        let good = Typed {
            title: "Nettoyage".into(),
            closes: "12/01/2027 à 12h".into(),
            departments: "Nord ; 62".into(),
            ..Typed::default()
        };
        let lead = good.lead().unwrap();
        assert_eq!((lead.departments.len(), lead.url), (2, None));
        assert_eq!(lead.closes.unwrap().0.to_rfc3339(), "2027-01-12T12:00:00+01:00");
    }
}

//! What Vigie asked a person in a message of its own: answered by the link of a mail, or among one's settings.
//!
//! GET shows, POST answers. A mail may be passed on: its link answers for whoever got it, and shows nothing of what their structure
//! decided; that is seen once signed in.

use std::sync::Arc;

use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Redirect, Response};
use minijinja::context;
use minijinja::value::Serde;
use vigie_domain::Subscriber;
use vigie_service::links::Purpose;
use vigie_service::questions::{self, Question, SHOW};

use super::by_link::subject_of;
use super::frame::{Client, Fields, Posted, Shown, SignedIn, Site, Trouble, Visitor};

fn gone() -> Trouble {
    Trouble::unknown("Question inconnue", "Cette question n’est plus là : « Mes réglages » montre ce qui se règle.")
}

/// The page of a question: `said` is what came of an answer, `first` the word that was pressed in the message.
fn page(site: &Site, visitor: &Visitor, question: &Question, (action, first): (&str, &str), said: &str) -> Response {
    let mut choices = question.choices.clone();
    choices.sort_by_key(|c| c.word != first);
    let said: Vec<String> = said.lines().map(str::to_owned).collect();
    let values = context! {
        title => question.title.clone(), lines => question.lines.clone(), choices => Serde(choices), said => said,
        action => action,
        signed => visitor.session.is_some(),
    };
    site.page(visitor, "proposition.html", values)
}

/// The question that a link speaks of, and whose it is.
async fn by_token(site: &Site, token: &str) -> Result<(Subscriber, Question), Trouble> {
    let subject = subject_of(site, Purpose::Question, token)?;
    let (id, person) = subject.split_once(':').ok_or_else(gone)?;
    let person = site.service.store.subscriber(person).await?.ok_or_else(gone)?;
    let question = questions::of(&site.service, &person, id).await?.ok_or_else(gone)?;
    Ok((person, question))
}

/// Where whoever is signed in sees a question with all that it rests on.
fn among_settings(id: &str) -> String {
    format!("/reglages/propositions/{id}")
}

pub(crate) async fn ask(
    State(site): State<Arc<Site>>,
    visitor: Visitor,
    Path(token): Path<String>,
    fields: Fields,
) -> Shown {
    let (_, question) = by_token(&site, &token).await?;
    if fields.one("mot") == SHOW {
        return Ok(Redirect::to(&among_settings(&question.id)).into_response());
    }
    Ok(page(&site, &visitor, &question, (&format!("/proposition/{token}"), fields.one("mot")), ""))
}

pub(crate) async fn answer(
    State(site): State<Arc<Site>>,
    visitor: Visitor,
    client: Client,
    Path(token): Path<String>,
    fields: Fields,
) -> Shown {
    site.costly(client)?;
    let (person, question) = by_token(&site, &token).await?;
    if fields.one("mot") == SHOW {
        return Ok(Redirect::to(&among_settings(&question.id)).into_response());
    }
    said(&site, &visitor, &person, (&question.id, fields.one("mot")), &format!("/proposition/{token}")).await
}

/// Answers, and shows the question as it stands then.
async fn said(site: &Site, visitor: &Visitor, person: &Subscriber, (id, word): (&str, &str), action: &str) -> Shown {
    let answered = questions::answer(&site.service, person, (id, &person.name), word).await?;
    let text = answered.ok_or_else(|| Trouble::bad("Choisissez une réponse."))?;
    Ok(match questions::of(&site.service, person, id).await? {
        Some(question) => page(site, visitor, &question, (action, ""), &text),
        // Answered for good: there is nothing left to change here.
        None => site.word(visitor, "C’est noté", &text),
    })
}

pub(crate) async fn show(State(site): State<Arc<Site>>, signed: SignedIn, Path(id): Path<String>) -> Shown {
    let me = &signed.session.person;
    let question = questions::of(&site.service, me, &id).await?.ok_or_else(gone)?;
    // Looking changes nothing.
    let rests_on = match question.choices.iter().any(|c| c.word == SHOW) {
        true => questions::answer(&site.service, me, (&id, &me.name), SHOW).await?.unwrap_or_default(),
        false => String::new(),
    };
    Ok(page(&site, &signed.visitor, &question, (&among_settings(&id), ""), &rests_on))
}

pub(crate) async fn settle(State(site): State<Arc<Site>>, Path(id): Path<String>, posted: Posted) -> Shown {
    let me = &posted.session.person;
    let word = posted.fields.one("mot");
    if questions::of(&site.service, me, &id).await?.is_none() {
        return Err(gone());
    }
    if word == SHOW {
        return Ok((StatusCode::SEE_OTHER, [("location", among_settings(&id))]).into_response());
    }
    said(&site, &posted.visitor, me, (&id, word), &among_settings(&id)).await
}

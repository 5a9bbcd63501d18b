//! My other tools: addresses that take messages (a program, Mattermost, Slack, Teams, Rocket.Chat), added, agreed to in the tool itself,
//! and taken away. An address is a secret of its owner: its server alone is shown.

use std::sync::Arc;

use axum::extract::{Path, State};
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Redirect, Response};
use minijinja::context;
use minijinja::value::Serde;
use vigie_domain::{Channel, french};
use vigie_notifier::channels::hooks::signature;
use vigie_service::hooks::{self, Added};
use vigie_store::people::AddressState;

use super::cookies::Session;
use super::frame::{Client, Fields, POLICY_WITH_SCRIPT, Posted, Shown, SignedIn, Site, Trouble, Visitor};

#[derive(serde::Serialize)]
struct Row {
    id: String,
    what: String,
    state: &'static str,
    waits: bool,
    /// Why the message that asks did not arrive.
    unheard: Option<String>,
    /// The key by which a program checks signatures.
    key: Option<String>,
}

/// What was typed, and what is wrong with it.
struct Typed<'a> {
    fields: &'a Fields,
    fault: String,
}

async fn page(
    site: &Site,
    visitor: &Visitor,
    session: &Session,
    typed: Option<Typed<'_>>,
    done: &str,
) -> Result<Response, Trouble> {
    let mut rows = Vec::new();
    for address in hooks::of(&site.service, &session.person.id).await? {
        let key = site
            .service
            .webhook_key(&session.person.id, &address.value)
            .filter(|_| address.channel == Channel::Webhook);
        let waits = address.state == AddressState::Unconfirmed;
        let unheard = if waits { hooks::unheard(&site.service, &address).await? } else { None };
        rows.push(Row {
            what: french::capital(&address.channel.shown(&address.value)),
            state: address.state.in_french(),
            waits,
            unheard,
            key: key.map(|key| signature::key_in_words(&key)),
            id: address.id,
        });
    }
    let chosen = typed.as_ref().map_or("", |t| t.fields.one("outil"));
    let kinds: Vec<(&str, String, bool)> = Channel::COPIED
        .into_iter()
        .map(|c| {
            let label =
                if c == Channel::Webhook { "Un logiciel (webhook signé)".to_owned() } else { c.noun().to_owned() };
            (c.as_str(), label, c.as_str() == chosen)
        })
        .collect();
    let status = if typed.is_some() { StatusCode::UNPROCESSABLE_ENTITY } else { StatusCode::OK };
    Ok(site.page_as(
        status,
        visitor,
        "outils.html",
        context! {
            rows => Serde(rows),
            kinds => Serde(kinds),
            url => typed.as_ref().map_or("", |t| t.fields.one("adresse")),
            fault => typed.as_ref().map(|t| t.fault.clone()),
            done => done,
        },
    ))
}

pub(crate) async fn show(State(site): State<Arc<Site>>, signed: SignedIn, fields: Fields) -> Shown {
    let done = match fields.one("fait") {
        "demande" => {
            "Un message vient de partir vers cet outil : ouvrez son lien pour confirmer. Rien d’autre n’y part avant."
        }
        "connu" => "Cet outil est déjà en service.",
        "navigateur" => "C’est fait : ce navigateur reçoit vos alertes. Retirez-le ici quand vous voulez.",
        "retire" => "Outil retiré : plus rien n’y part.",
        _ => "",
    };
    page(&site, &signed.visitor, &signed.session, None, done).await
}

pub(crate) async fn add(State(site): State<Arc<Site>>, client: Client, posted: Posted) -> Shown {
    site.costly(client)?;
    let fields = &posted.fields;
    let Some(channel) = Channel::parse(fields.one("outil")).filter(|c| Channel::COPIED.contains(c)) else {
        return Err(Trouble::bad("Choisissez un outil de la liste."));
    };
    match hooks::add(&site.service, &posted.session.person, channel, fields.one("adresse")).await? {
        Added::Asked => Ok(Redirect::to("/reglages/outils?fait=demande").into_response()),
        Added::Known => Ok(Redirect::to("/reglages/outils?fait=connu").into_response()),
        Added::Refused(fault) => page(&site, &posted.visitor, &posted.session, Some(Typed { fields, fault }), "").await,
    }
}

/// The page where a browser is added: the only one with a script, which is ours and asks nobody else.
pub(crate) async fn browser(State(site): State<Arc<Site>>, signed: SignedIn) -> Shown {
    with_script(&site, &signed.visitor, None)
}

fn with_script(site: &Site, visitor: &Visitor, fault: Option<String>) -> Shown {
    let status = if fault.is_some() { StatusCode::UNPROCESSABLE_ENTITY } else { StatusCode::OK };
    let key = site.service.push_sender().map(|sender| sender.public());
    let mut response = site.page_as(status, visitor, "navigateur.html", context! { key => key, fault => fault });
    response.headers_mut().insert(header::CONTENT_SECURITY_POLICY, HeaderValue::from_static(POLICY_WITH_SCRIPT));
    Ok(response)
}

pub(crate) async fn add_browser(State(site): State<Arc<Site>>, client: Client, posted: Posted) -> Shown {
    site.costly(client)?;
    let fields = &posted.fields;
    let given = (fields.one("adresse"), fields.one("cle"), fields.one("secret"));
    match hooks::add_browser(&site.service, &posted.session.person, given).await? {
        Added::Known | Added::Asked => Ok(Redirect::to("/reglages/outils?fait=navigateur").into_response()),
        Added::Refused(fault) => with_script(&site, &posted.visitor, Some(fault)),
    }
}

pub(crate) async fn remove(State(site): State<Arc<Site>>, Path(id): Path<String>, posted: Posted) -> Shown {
    if !hooks::remove(&site.service, &posted.session.person.id, &id).await? {
        return Err(Trouble::no_page());
    }
    Ok(Redirect::to("/reglages/outils?fait=retire").into_response())
}

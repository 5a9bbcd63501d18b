//! My account: what is held on me, as a file; erasure; open sessions; private links of my calendar and feed; tokens of my
//! programs.
//!
//! A token is shown once and kept as a hash. A private link can be shown again, and ends when its owner says so.

use std::sync::Arc;

use axum::extract::{Path, State};
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Redirect};
use chrono::{DateTime, Duration, Utc};
use chrono_tz::Europe::Paris;
use minijinja::context;
use minijinja::value::Serde;
use vigie_domain::french;
use vigie_store::consent;
use vigie_store::tokens::{AccessToken, Scope};

use super::frame::{Posted, Shown, SignedIn, Site, Trouble};
use super::session::gone;
use crate::app::App;
use crate::links::Purpose;
use crate::personal;

/// Beginning of a token, by which scanners of leaked secrets may know it.
const PREFIX: &str = "vigie_";
/// Most tokens and links of one person.
const MAX: usize = 20;
/// Longest name of a token.
const MAX_NAME: usize = 60;
/// Days a token may last.
const LASTS: [i64; 3] = [30, 365, 90];

#[derive(serde::Serialize)]
struct Row {
    id: String,
    name: String,
    scopes: String,
    created: String,
    used: Option<String>,
    expires: Option<String>,
    /// The address of a private link.
    url: Option<String>,
}

/// The address of a person's private calendar or feed.
#[must_use]
pub fn private_url(app: &App, token: &AccessToken) -> Option<String> {
    match token.scopes.as_slice() {
        [Scope::Calendar] => Some(format!("{}.ics", app.link(Purpose::Calendar, &token.id, None)?)),
        [Scope::Feed] => app.link(Purpose::Feed, &token.id, None),
        _ => None,
    }
}

/// Makes a token for a person; gives the secret, which is shown once.
///
/// # Errors
/// The database fails.
pub async fn make_token(
    app: &App,
    subscriber: &str,
    name: &str,
    scopes: &[Scope],
    expires: Option<DateTime<Utc>>,
) -> Result<String, vigie_store::StoreError> {
    let secret = format!("{PREFIX}{}{}", consent::random()?, consent::random()?);
    app.store.put_token(subscriber, name, scopes, &secret, expires, app.clock.now()).await?;
    Ok(secret)
}

fn day(at: DateTime<Utc>) -> String {
    french::date(at.with_timezone(&Paris).date_naive())
}

fn row(app: &App, token: &AccessToken) -> Row {
    Row {
        id: token.id.clone(),
        name: token.name.clone(),
        scopes: french::list(&token.scopes.iter().map(|s| s.in_french().to_owned()).collect::<Vec<_>>()),
        created: day(token.created),
        used: token.used.map(day),
        expires: token.expires.map(day),
        url: private_url(app, token),
    }
}

pub(super) async fn show(State(site): State<Arc<Site>>, signed: SignedIn) -> Shown {
    let me = &signed.session.person;
    let tokens = site.app.store.tokens(&me.id).await?;
    let (links, programs): (Vec<&AccessToken>, Vec<&AccessToken>) =
        tokens.iter().partition(|t| matches!(t.scopes.as_slice(), [Scope::Calendar | Scope::Feed]));
    let rows = |list: &[&AccessToken]| list.iter().map(|t| row(&site.app, t)).collect::<Vec<_>>();
    let addresses: Vec<(String, String)> = site
        .app
        .store
        .addresses(&me.id)
        .await?
        .into_iter()
        .map(|a| (a.value, if a.state.as_str() == "active" { "en service" } else { "hors service" }.to_owned()))
        .collect();
    let scopes: Vec<(&str, &str)> = Scope::OF_PROGRAMS.into_iter().map(|s| (s.as_str(), s.in_french())).collect();
    Ok(site.page(
        &signed.visitor,
        "compte.html",
        context! {
            name => &me.name,
            siret => me.profile.siret.as_deref(),
            kind => me.profile.kind.map(|k| k.acronym()),
            addresses => Serde(addresses),
            sessions => site.app.store.session_count(&me.id, site.app.clock.now()).await?,
            links => Serde(rows(&links)),
            tokens => Serde(rows(&programs)),
            scopes => Serde(scopes),
            facilitator => super::tables::is_facilitator(me.role),
            purpose => personal::PURPOSE,
            retention => personal::retention_in_french(&site.app.settings.retention),
            declared => site.app.store.is_declared(&me.id).await?,
        },
    ))
}

pub(super) async fn make(State(site): State<Arc<Site>>, posted: Posted) -> Shown {
    let (me, fields) = (&posted.session.person, &posted.fields);
    if site.app.store.tokens(&me.id).await?.len() >= MAX {
        return Err(Trouble::bad("Vous avez trop de jetons et de liens\u{a0}: supprimez-en d’abord."));
    }
    let now = site.app.clock.now();
    let private = [(Scope::Calendar, "Agenda"), (Scope::Feed, "Fil d’alertes")];
    if let Some((scope, name)) = private.into_iter().find(|(s, _)| s.as_str() == fields.one("lien")) {
        // Nobody knows this secret: the link is signed and names its row.
        let unknown = format!("{}{}", consent::random()?, consent::random()?);
        site.app.store.put_token(&me.id, name, &[scope], &unknown, None, now).await?;
        return Ok(Redirect::to("/compte#liens").into_response());
    }
    let scopes: Vec<Scope> =
        Scope::OF_PROGRAMS.into_iter().filter(|s| fields.all("droit").any(|w| w == s.as_str())).collect();
    let name = fields.one("nom");
    if scopes.is_empty() || name.is_empty() || name.chars().count() > MAX_NAME {
        return Err(Trouble::bad("Donnez un nom au jeton (60 caractères au plus) et au moins un droit."));
    }
    let days = fields.one("jours").parse().ok().filter(|d| LASTS.contains(d)).unwrap_or(LASTS[0]);
    let secret = make_token(&site.app, &me.id, name, &scopes, Some(now + Duration::days(days))).await?;
    Ok(site.page(&posted.visitor, "jeton.html", context! { secret => secret, name => name }))
}

pub(super) async fn remove(State(site): State<Arc<Site>>, Path(id): Path<String>, posted: Posted) -> Shown {
    if !site.app.store.remove_token(&posted.session.person.id, &id).await? {
        return Err(Trouble::no_page());
    }
    Ok(Redirect::to("/compte").into_response())
}

pub(super) async fn export(State(site): State<Arc<Site>>, signed: SignedIn) -> Shown {
    let me = &signed.session.person.id;
    let now = site.app.clock.now();
    site.app.store.saw(me, me, "export depuis les pages", now).await?;
    let held = personal::export(&site.app, me).await?;
    let body = serde_json::to_string_pretty(&held).map_err(|e| {
        tracing::error!("export: {e}");
        Trouble::new(StatusCode::INTERNAL_SERVER_ERROR, "Export impossible", "Réessayez dans un instant.")
    })?;
    let headers = [
        (header::CONTENT_TYPE, "application/json; charset=utf-8"),
        (header::CONTENT_DISPOSITION, "attachment; filename=\"vigie-mes-donnees.json\""),
    ];
    Ok((headers, body).into_response())
}

pub(super) async fn erase(State(site): State<Arc<Site>>, posted: Posted) -> Shown {
    let me = &posted.session.person.id;
    if posted.fields.one("sur") != "oui" {
        return Err(Trouble::bad("Cochez la case pour confirmer l’effacement\u{a0}: il est définitif."));
    }
    if site.app.store.is_declared(me).await? {
        return Err(Trouble::new(
            StatusCode::CONFLICT,
            "Effacement impossible d’ici",
            "Vous êtes déclaré dans le fichier de configuration de Vigie\u{a0}: demandez à la personne qui la gère de vous en retirer d’abord.",
        ));
    }
    personal::erase(&site.app, me).await?;
    Ok(gone(&site, "/adieu"))
}

pub(super) async fn farewell(State(site): State<Arc<Site>>, visitor: super::frame::Visitor) -> Shown {
    Ok(site.word(
        &visitor,
        "C’est fait",
        "Tout ce que Vigie savait de vous est effacé. Il ne reste qu’une empreinte de votre adresse, d’où rien ne se déduit, pour que nul ne vous réinscrive sans vous.",
    ))
}

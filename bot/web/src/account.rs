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
use vigie_domain::{Permission, Subscriber, french};
use vigie_store::choices::Choice;
use vigie_store::tokens::{AccessToken, Scope};

use super::cookies::gone;
use super::frame::{Posted, Shown, SignedIn, Site, Trouble};
use vigie_service::links::Purpose;
use vigie_service::{Service, personal_data};

/// Beginning of a token, by which scanners of leaked secrets may know it.
const PREFIX: &str = "vigie_";
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
pub fn private_url(service: &Service, token: &AccessToken) -> Option<String> {
    match token.scopes.as_slice() {
        [Scope::Calendar] => Some(format!("{}.ics", service.link(Purpose::Calendar, &token.id, None)?)),
        [Scope::Feed] => service.link(Purpose::Feed, &token.id, None),
        _ => None,
    }
}

/// Makes a token for a person; gives the secret, which is shown once, or `None` where they have too many.
///
/// # Errors
/// The database fails.
pub async fn make_token(
    service: &Service,
    subscriber: &str,
    name: &str,
    scopes: &[Scope],
    expires: Option<DateTime<Utc>>,
) -> Result<Option<String>, vigie_store::StoreError> {
    let secret = format!("{PREFIX}{}{}", vigie_store::random()?, vigie_store::random()?);
    let made = service.store.put_token(subscriber, name, scopes, &secret, expires, service.clock.now()).await?;
    Ok(made.map(|_| secret))
}

/// What a person's programs may be given: nothing that the person themselves may not do.
pub fn scopes_of(person: &Subscriber) -> impl Iterator<Item = Scope> {
    let decides = person.role.may(Permission::Decide);
    Scope::OF_PROGRAMS.into_iter().filter(move |s| decides || !matches!(s, Scope::Decisions | Scope::DecisionsWrite))
}

fn day(at: DateTime<Utc>) -> String {
    french::date(at.with_timezone(&Paris).date_naive())
}

fn row(service: &Service, token: &AccessToken) -> Row {
    Row {
        id: token.id.clone(),
        name: token.name.clone(),
        scopes: french::list(&token.scopes.iter().map(|s| s.in_french().to_owned()).collect::<Vec<_>>()),
        created: day(token.created),
        used: token.used.map(day),
        expires: token.expires.map(day),
        url: private_url(service, token),
    }
}

/// Most looks at one's data that are shown.
const MAX_LOOKS: i64 = 20;

/// Who looked at a person's data of late: when, who and what.
async fn looks(site: &Site, me: &str) -> Result<Vec<(String, String, String)>, Trouble> {
    let store = &site.service.store;
    let mut out = Vec::new();
    for look in store.looks(me, MAX_LOOKS).await?.into_iter().filter(|l| l.who != me) {
        let who = store.subscriber(&look.who).await?.map(|p| p.name).filter(|n| !n.is_empty());
        // The identifier of a call says nothing to a person.
        let what = look.what.split(" partenaires ").next().unwrap_or_default().to_owned();
        let what = if what == look.what { what } else { format!("{what} partenaires") };
        out.push((day(look.at), who.unwrap_or_else(|| site.service.operator()), what));
    }
    Ok(out)
}

pub(crate) async fn show(State(site): State<Arc<Site>>, signed: SignedIn) -> Shown {
    let me = &signed.session.person;
    let tokens = site.service.store.tokens(&me.id).await?;
    let (links, programs): (Vec<&AccessToken>, Vec<&AccessToken>) =
        tokens.iter().partition(|t| matches!(t.scopes.as_slice(), [Scope::Calendar | Scope::Feed]));
    let rows = |list: &[&AccessToken]| list.iter().map(|t| row(&site.service, t)).collect::<Vec<_>>();
    let addresses: Vec<(String, String)> = site
        .service
        .store
        .addresses(&me.id)
        .await?
        .into_iter()
        .map(|a| {
            (
                a.channel.shown(&a.value),
                if a.state.as_str() == "active" { "en service" } else { "hors service" }.to_owned(),
            )
        })
        .collect();
    let scopes: Vec<(&str, &str)> = scopes_of(me).map(|s| (s.as_str(), s.in_french())).collect();
    Ok(site.page(
        &signed.visitor,
        "compte.html",
        context! {
            name => &me.name,
            siret => me.profile.siret.as_deref(),
            kind => me.profile.kind.map(|k| k.acronym()),
            addresses => Serde(addresses),
            sessions => site.service.store.session_count(&me.id, site.service.clock.now()).await?,
            links => Serde(rows(&links)),
            tokens => Serde(rows(&programs)),
            scopes => Serde(scopes),
            of_others => me.profile.kind.and_then(|_| site.service.without_closed_url(&me.id)),
            purpose => personal_data::PURPOSE,
            retention => personal_data::retention_in_french(&site.service.settings.retention),
            declared => site.service.store.is_declared(&me.id).await?,
            proposed => site.service.store.chose(me.structure(), Choice::Proposed, "").await?,
            never_proposed => site.service.store.chose(me.structure(), Choice::NeverProposed, "").await?,
            looks => Serde(looks(&site, &me.id).await?),
        },
    ))
}

pub(crate) async fn make(State(site): State<Arc<Site>>, posted: Posted) -> Shown {
    let (me, fields) = (&posted.session.person, &posted.fields);
    let too_many = || Trouble::bad("Vous avez trop de jetons et de liens : supprimez-en d’abord.");
    let now = site.service.clock.now();
    let private = [(Scope::Calendar, "Agenda"), (Scope::Feed, "Fil d’alertes")];
    let chosen = private.into_iter().find(|(s, _)| s.as_str() == fields.one("lien"));
    if let Some((scope, name)) = chosen.filter(|(s, _)| *s == Scope::Feed || me.role.may(Permission::Decide)) {
        // Nobody knows this secret: the link is signed and names its row.
        let unknown = format!("{}{}", vigie_store::random()?, vigie_store::random()?);
        site.service.store.put_token(&me.id, name, &[scope], &unknown, None, now).await?.ok_or_else(too_many)?;
        return Ok(Redirect::to("/compte#liens").into_response());
    }
    let scopes: Vec<Scope> = scopes_of(me).filter(|s| fields.all("droit").any(|w| w == s.as_str())).collect();
    let name = fields.one("nom");
    if scopes.is_empty() || name.is_empty() || name.chars().count() > MAX_NAME {
        return Err(Trouble::bad("Donnez un nom au jeton (60 caractères au plus) et au moins un droit."));
    }
    let days = fields.one("jours").parse().ok().filter(|d| LASTS.contains(d)).unwrap_or(LASTS[0]);
    let made = make_token(&site.service, &me.id, name, &scopes, Some(now + Duration::days(days))).await?;
    let secret = made.ok_or_else(too_many)?;
    Ok(site.page(&posted.visitor, "jeton.html", context! { secret => secret, name => name }))
}

/// Whether my structure may be proposed to coordinators as a partner; never is for good.
pub(crate) async fn partners(State(site): State<Arc<Site>>, posted: Posted) -> Shown {
    let session = &posted.session;
    session.may(Permission::Decide)?;
    let (store, now, structure) = (&site.service.store, site.service.clock.now(), session.structure());
    match posted.fields.one("choix") {
        "oui" => store.choose(structure, (Choice::Proposed, ""), true, session.name(), now).await?,
        "non" => store.choose(structure, (Choice::Proposed, ""), false, session.name(), now).await?,
        "jamais" => store.choose(structure, (Choice::NeverProposed, ""), true, session.name(), now).await?,
        _ => return Err(Trouble::bad("Choisissez une réponse.")),
    };
    Ok(Redirect::to("/compte#partenaires").into_response())
}

pub(crate) async fn remove(State(site): State<Arc<Site>>, Path(id): Path<String>, posted: Posted) -> Shown {
    if !site.service.store.remove_token(&posted.session.person.id, &id).await? {
        return Err(Trouble::no_page());
    }
    Ok(Redirect::to("/compte").into_response())
}

pub(crate) async fn export(State(site): State<Arc<Site>>, signed: SignedIn) -> Shown {
    let me = &signed.session.person.id;
    let now = site.service.clock.now();
    site.service.store.saw(me, me, "export depuis les pages", now).await?;
    let held = personal_data::export(&site.service, me).await?;
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

pub(crate) async fn erase(State(site): State<Arc<Site>>, posted: Posted) -> Shown {
    let me = &posted.session.person.id;
    if posted.fields.one("sur") != "oui" {
        return Err(Trouble::bad("Cochez la case pour confirmer l’effacement : il est définitif."));
    }
    if site.service.store.is_declared(me).await? {
        return Err(Trouble::new(
            StatusCode::CONFLICT,
            "Effacement impossible d’ici",
            "Votre compte est tenu par la personne qui gère Vigie, dans ses réglages : demandez-lui de vous en retirer d’abord.",
        ));
    }
    personal_data::erase(&site.service, me).await?;
    Ok(gone(&site.service, "/adieu"))
}

pub(crate) async fn farewell(State(site): State<Arc<Site>>, visitor: super::frame::Visitor) -> Shown {
    Ok(site.word(
        &visitor,
        "C’est fait",
        "Tout ce que Vigie savait de vous est effacé. Il ne reste qu’une empreinte de votre adresse, d’où rien ne se déduit, pour que nul ne vous réinscrive sans vous.",
    ))
}

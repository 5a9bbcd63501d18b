//! The API for programs: procedures, subscriptions, decisions. `pages/openapi.json` documents it and is served.
//!
//! A token speaks for its owner and may do what its scopes say. Decisions are those of the owner's structure. What is wrong with
//! a request is answered as JSON with a status of its own, never with a 500.

use std::sync::Arc;

use axum::Json;
use axum::body::Bytes;
use axum::extract::{FromRequest, FromRequestParts, Path, Request, State};
use axum::http::request::Parts;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use chrono::{DateTime, Utc};
use minijinja::context;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use vigie_config::rules::Rules;
use vigie_domain::json;
use vigie_domain::subscription::Subscription;
use vigie_domain::{BuyerType, Cadence, Decision, Department, Filter, Phase, Refusal, Stage, Subscriber};
use vigie_service::answers::outcome_line;
use vigie_service::decisions::{self, DecisionEdit, Outcome, Reminder, Seen};
use vigie_service::ingest::search_row::KINDS;
use vigie_service::subscriptions::{self, Saved};
use vigie_service::visibility;
use vigie_store::journal::NoticeRow;
use vigie_store::search::{Query, SearchRow};
use vigie_store::tokens::{AccessToken, Scope};

use super::account::scopes_of;
use super::browse;
use super::frame::{Fields, Shown, Site, Trouble, Visitor, client};
use super::limits::What;
use super::words;

/// The documentation, as served.
pub(crate) const OPENAPI: &str = include_str!("../pages/openapi.json");
/// Rows of a page, by default and at most.
const ROWS: (usize, usize) = (20, 100);
/// Most decisions given.
const DECISIONS: i64 = 500;
/// Most items of one list of a filter, and the longest of its words.
const MAX_ITEMS: usize = 120;
const MAX_WORD: usize = 80;

/// A program, and for whom it acts.
pub(crate) struct Program {
    owner: Subscriber,
    token: AccessToken,
}

impl Program {
    /// Whom it acts for.
    pub(crate) fn owner(&self) -> &Subscriber {
        &self.owner
    }

    /// How colleagues know who acted.
    pub(crate) fn called(&self) -> &str {
        if self.owner.name.is_empty() { &self.token.name } else { &self.owner.name }
    }

    /// The token's scope, and what its owner may do, both: a role may have changed since the token was made.
    pub(crate) fn may(&self, scope: Scope) -> Result<(), Trouble> {
        if !scopes_of(&self.owner).any(|s| s == scope) {
            return Err(Trouble::new(StatusCode::FORBIDDEN, "forbidden", outcome_line::READS_ONLY));
        }
        if self.token.scopes.contains(&scope) {
            return Ok(());
        }
        let text = format!("Ce jeton n’a pas le droit « {} ».", scope.as_str());
        Err(Trouble { status: StatusCode::FORBIDDEN, title: "forbidden".to_owned(), text })
    }
}

fn unauthorized() -> Response {
    let trouble = Trouble::new(
        StatusCode::UNAUTHORIZED,
        "unauthorized",
        "Envoyez un jeton valable : Authorization: Bearer vigie_… ; il se crée sur la page Mon compte.",
    );
    let body = Json(json!({ "error": trouble.title, "detail": trouble.text }));
    let mut response = (StatusCode::UNAUTHORIZED, body).into_response();
    response.headers_mut().insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
    response
}

impl FromRequestParts<Arc<Site>> for Program {
    type Rejection = Response;

    async fn from_request_parts(parts: &mut Parts, site: &Arc<Site>) -> Result<Self, Self::Rejection> {
        let now = site.service.clock.now();
        if !site.limits.allow(client(parts), What::Program, now) {
            let text = "Trop de demandes : attendez quelques minutes.";
            return Err(Trouble::new(StatusCode::TOO_MANY_REQUESTS, "too_many_requests", text).into_response());
        }
        let given = parts.headers.get(header::AUTHORIZATION).and_then(|v| v.to_str().ok());
        let secret = given.and_then(|v| v.split_once(' ')).filter(|(k, _)| k.eq_ignore_ascii_case("bearer"));
        let Some((_, secret)) = secret else { return Err(unauthorized()) };
        match site.service.store.token_by_secret(secret.trim(), now).await {
            Ok(Some((token, owner))) => Ok(Self { owner, token }),
            Ok(None) => Err(unauthorized()),
            Err(e) => Err(Trouble::from(e).into_response()),
        }
    }
}

pub(crate) fn wrong(text: impl Into<String>) -> Trouble {
    Trouble { status: StatusCode::UNPROCESSABLE_ENTITY, title: "invalid".to_owned(), text: text.into() }
}

pub(crate) fn absent(what: &str) -> Trouble {
    Trouble::new(StatusCode::NOT_FOUND, "not_found", what)
}

/// The body of a request, which its label calls JSON, or calls nothing.
pub(crate) struct Sent(Bytes);

/// Whether a media type is that of JSON: `application/json`, or one of its kind (`application/merge-patch+json`).
fn is_json(label: &str) -> bool {
    let kind = label.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
    kind == "application/json" || kind.starts_with("application/") && kind.ends_with("+json")
}

impl<S: Send + Sync> FromRequest<S> for Sent {
    type Rejection = Response;

    async fn from_request(request: Request, state: &S) -> Result<Self, Self::Rejection> {
        let mut labels = request.headers().get_all(header::CONTENT_TYPE).iter();
        if !labels.all(|label| label.to_str().is_ok_and(is_json)) {
            let text = "Le corps doit être du JSON, et le dire : Content-Type: application/json.";
            return Err(Trouble::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, "not_json", text).into_response());
        }
        Bytes::from_request(request, state).await.map(Self).map_err(IntoResponse::into_response)
    }
}

impl Sent {
    pub(crate) fn read<T: serde::de::DeserializeOwned>(&self) -> Result<T, Trouble> {
        let mut document: Value = serde_json::from_slice(&self.0)
            .map_err(|e| wrong(format!("corps illisible : {}", json::in_french(&e.to_string()))))?;
        seen(&mut document);
        serde_path_to_error::deserialize(document).map_err(|e| {
            let said = json::in_french(&e.inner().to_string());
            match e.path().to_string() {
                place if place == "." => wrong(format!("corps illisible : {said}")),
                place => wrong(format!("corps illisible : {place} : {said}")),
            }
        })
    }
}

/// Takes what nobody sees out of every text of a document, as pages do: it would part words, and turn the lines of others.
fn seen(value: &mut Value) {
    match value {
        Value::String(text) => {
            if let std::borrow::Cow::Owned(clean) = vigie_domain::visible(text) {
                *text = clean;
            }
        }
        Value::Array(list) => list.iter_mut().for_each(seen),
        Value::Object(fields) => fields.values_mut().for_each(seen),
        _ => {}
    }
}

pub(crate) async fn page(State(site): State<Arc<Site>>, visitor: Visitor) -> Shown {
    let scopes: Vec<(&str, &str)> = Scope::OF_PROGRAMS.into_iter().map(|s| (s.as_str(), s.in_french())).collect();
    let base = super::feeds::base(&site);
    Ok(site.page(&visitor, "api.html", context! { scopes => minijinja::value::Serde(scopes), base => base }))
}

pub(crate) async fn openapi() -> Response {
    ([(header::CONTENT_TYPE, "application/json")], OPENAPI).into_response()
}

/// A procedure as the API gives it in lists.
fn listed(f: &SearchRow, now: DateTime<Utc>) -> Value {
    json!({
        "id": f.procedure, "title": f.title, "buyer": f.buyer, "buyer_type": f.buyer_type, "verdict": f.verdict,
        "sectors": f.sectors, "departments": f.departments, "provisions": f.provisions, "state": f.state_at(now).phase.as_str(),
        "score": f.score, "closes": f.closes, "published": f.at,
    })
}

fn choices<'a, T>(fields: &'a Fields, name: &'a str, read: impl Fn(&str) -> Option<T>) -> Result<Vec<T>, Trouble> {
    fields
        .all(name)
        .take(MAX_ITEMS)
        .map(|w| {
            read(w).ok_or_else(|| {
                wrong(format!("{name} : valeur inconnue « {} »", w.chars().take(40).collect::<String>()))
            })
        })
        .collect()
}

pub(crate) async fn procedures(State(site): State<Arc<Site>>, program: Program, fields: Fields) -> Shown {
    program.may(Scope::Procedures)?;
    let now = site.service.clock.now();
    let rules = Rules::embedded();
    let limit = match fields.one("limit") {
        "" => ROWS.0,
        text => text.parse().ok().filter(|n| (1..=ROWS.1).contains(n)).ok_or_else(|| wrong("limit : de 1 à 100"))?,
    };
    let after = match fields.one("after") {
        "" => None,
        text => Some(browse::after(text).ok_or_else(|| wrong("after : reprenez la valeur de next"))?),
    };
    let query = Query {
        words: words::searched(fields.one("q")),
        buyer_types: choices(&fields, "buyer_type", BuyerType::parse)?,
        provisions: choices(&fields, "provision", |w| KINDS.into_iter().find(|k| k.as_str() == w))?,
        sectors: choices(&fields, "sector", |w| rules.is_sector(w).then(|| w.to_owned()))?,
        departments: choices(&fields, "department", Department::parse)?,
        state: match fields.one("state") {
            "" => None,
            word => Some(Phase::parse(word).ok_or_else(|| wrong("state : valeur inconnue"))?),
        },
        ..Query::default()
    };
    let page = site.service.store.search(&query, after, limit, now).await?;
    let rows: Vec<Value> = page.rows.iter().map(|f| listed(f, now)).collect();
    Ok(Json(json!({ "procedures": rows, "next": page.next.as_ref().map(browse::place_of) })).into_response())
}

pub(crate) async fn procedure(State(site): State<Arc<Site>>, program: Program, Path(id): Path<String>) -> Shown {
    program.may(Scope::Procedures)?;
    let now = site.service.clock.now();
    let ids = [id.clone()];
    let found = site.service.store.search_rows(&ids).await?.pop().ok_or_else(|| absent("procédure inconnue"))?;
    let notices: Vec<Value> = seen_by(&site, &program, &id)
        .await?
        .into_iter()
        .map(|n| {
            json!({
                "id": n.id, "kind": n.notice.kind, "published": n.notice.published, "url": n.notice.url,
                "documents_url": n.notice.documents_url, "assessment": n.assessment,
            })
        })
        .collect();
    let mut out = listed(&found, now);
    out["notices"] = Value::Array(notices);
    Ok(Json(out).into_response())
}

/// The notices of a procedure that the owner of a token may see.
pub(crate) async fn seen_by(site: &Site, program: &Program, id: &str) -> Result<Vec<NoticeRow>, Trouble> {
    let notices = visibility::notices_of(&site.service, Some(&program.owner), id).await?;
    if notices.is_empty() { Err(absent("procédure inconnue")) } else { Ok(notices) }
}

/// A subscription as the API takes it.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Wish {
    #[serde(default)]
    filter: Filter,
    cadence: Option<Cadence>,
    name: Option<String>,
}

impl Wish {
    fn check(&self) -> Result<(), Trouble> {
        let f = &self.filter;
        let rules = Rules::embedded();
        let long = |list: &[String]| list.len() > MAX_ITEMS || list.iter().any(|w| w.chars().count() > MAX_WORD);
        let lists = [&f.sectors, &f.cpv, &f.words, &f.excluded_words, &f.buyers, &f.excluded_buyers, &f.epcis];
        if lists.into_iter().any(|l| long(l)) || f.departments.len().max(f.around.len()) > MAX_ITEMS {
            return Err(wrong(format!("une liste tient {MAX_ITEMS} valeurs de {MAX_WORD} caractères au plus")));
        }
        if let Some(slug) = f.sectors.iter().find(|s| !rules.is_sector(s)) {
            return Err(wrong(format!("secteur inconnu « {slug} »")));
        }
        if f.departments.iter().any(|d| Department::parse(d.as_str()).as_ref() != Some(d)) {
            return Err(wrong("département inconnu : un code tel que 59, 2A ou 974"));
        }
        if let Some(days) = f.min_lead_days.filter(|d| !(0..=3_650).contains(d)) {
            return Err(wrong(format!("min_lead_days : {days} jours sont impossibles")));
        }
        if let Some(amount) = f.min_amount.filter(|a| *a < 0.0 || !a.is_finite()) {
            return Err(wrong(format!("min_amount : {amount} € est impossible, écrivez un montant positif")));
        }
        let says_nothing = |w: &&String| !w.chars().any(char::is_alphanumeric);
        if let Some(word) = f.words.iter().chain(&f.excluded_words).find(says_nothing) {
            return Err(wrong(format!("mot impossible « {word} » : il y faut une lettre ou un chiffre")));
        }
        let key = |w: &String| vigie_domain::commune::key(w);
        if let Some(word) = f.words.iter().find(|w| f.excluded_words.iter().any(|x| key(x) == key(w))) {
            return Err(wrong(format!("« {word} » est à la fois voulu et exclu")));
        }
        match f.faults().into_iter().chain(f.unknown_places(vigie_config::rules::communes)).next() {
            Some(fault) => Err(wrong(fault)),
            None => Ok(()),
        }
    }
}

fn shown(s: &Subscription, now: DateTime<Utc>) -> Value {
    json!({
        "id": s.id, "name": s.name, "filter": s.filter, "cadence": s.cadence, "paused_until": s.paused_until.filter(|at| *at > now),
        "criteria": vigie_notifier::criteria::in_french(&s.filter),
    })
}

pub(crate) async fn subscriptions(State(site): State<Arc<Site>>, program: Program) -> Shown {
    program.may(Scope::Subscriptions)?;
    let now = site.service.clock.now();
    let mine = site.service.store.subscriptions_of(&program.owner.id).await?;
    let rows: Vec<Value> = mine.iter().map(|s| shown(s, now)).collect();
    Ok(Json(json!({ "subscriptions": rows })).into_response())
}

async fn own(site: &Site, program: &Program, id: &str) -> Result<Subscription, Trouble> {
    let mine = site.service.store.subscriptions_of(&program.owner.id).await?;
    mine.into_iter().find(|s| s.id == id).ok_or_else(|| absent("abonnement inconnu"))
}

pub(crate) async fn subscription(State(site): State<Arc<Site>>, program: Program, Path(id): Path<String>) -> Shown {
    program.may(Scope::Subscriptions)?;
    let found = own(&site, &program, &id).await?;
    Ok(Json(shown(&found, site.service.clock.now())).into_response())
}

/// Keeps a subscription of the owner of a token; gives its identifier.
async fn keep(site: &Site, program: &Program, id: Option<&str>, wish: &subscriptions::Wish) -> Result<String, Trouble> {
    match subscriptions::save(&site.service, &program.owner.id, id, wish).await? {
        Saved::Kept(id) => Ok(id),
        Saved::TooMany => {
            let text = format!("{} abonnements au plus", subscriptions::MAX);
            Err(Trouble::new(StatusCode::CONFLICT, "too_many", &text))
        }
        Saved::Twice => {
            let text = "un autre abonnement demande exactement cela";
            Err(Trouble::new(StatusCode::CONFLICT, "twice", text))
        }
        Saved::Gone => Err(absent("abonnement inconnu")),
    }
}

pub(crate) async fn subscribe(State(site): State<Arc<Site>>, program: Program, sent: Sent) -> Shown {
    program.may(Scope::SubscriptionsWrite)?;
    let wish: Wish = sent.read()?;
    wish.check()?;
    let (me, now) = (&program.owner, site.service.clock.now());
    let cadence = wish.cadence.unwrap_or_else(|| Cadence::default_for(me.role, me.profile.kind));
    // The same wish twice is one.
    let mine = site.service.store.subscriptions_of(&me.id).await?;
    let id = match mine.into_iter().find(|s| s.filter == wish.filter && s.cadence == cadence) {
        Some(known) => known.id,
        None => {
            let name = wish.name.unwrap_or_default();
            keep(&site, &program, None, &subscriptions::Wish { name, filter: wish.filter, cadence }).await?
        }
    };
    let found = own(&site, &program, &id).await?;
    Ok((StatusCode::CREATED, Json(shown(&found, now))).into_response())
}

pub(crate) async fn resubscribe(
    State(site): State<Arc<Site>>,
    program: Program,
    Path(id): Path<String>,
    sent: Sent,
) -> Shown {
    program.may(Scope::SubscriptionsWrite)?;
    let before = own(&site, &program, &id).await?;
    let wish: Wish = sent.read()?;
    wish.check()?;
    let cadence = wish.cadence.unwrap_or(before.cadence);
    let name = wish.name.unwrap_or(before.name);
    keep(&site, &program, Some(&id), &subscriptions::Wish { name, filter: wish.filter, cadence }).await?;
    let found = own(&site, &program, &id).await?;
    Ok(Json(shown(&found, site.service.clock.now())).into_response())
}

pub(crate) async fn unsubscribe(State(site): State<Arc<Site>>, program: Program, Path(id): Path<String>) -> Shown {
    program.may(Scope::SubscriptionsWrite)?;
    own(&site, &program, &id).await?;
    subscriptions::remove(&site.service, &program.owner.id, &id).await?;
    Ok(StatusCode::NO_CONTENT.into_response())
}

/// A decision as the API gives it.
#[derive(Serialize)]
struct Given<'a> {
    procedure: &'a str,
    lot: &'a str,
    stage: Stage,
    refusal: Option<Refusal>,
    joint: Option<bool>,
    assignee: &'a str,
    note: &'a str,
    remind_at: Option<DateTime<Utc>>,
    by: &'a str,
    at: DateTime<Utc>,
}

fn given(d: &Decision) -> Value {
    let given = Given {
        procedure: &d.procedure,
        lot: &d.lot,
        stage: d.stage,
        refusal: d.refusal,
        joint: d.joint,
        assignee: &d.assignee,
        note: &d.note,
        remind_at: d.remind_at,
        by: &d.by,
        at: d.at,
    };
    serde_json::to_value(given).unwrap_or_default()
}

pub(crate) async fn decisions(State(site): State<Arc<Site>>, program: Program) -> Shown {
    program.may(Scope::Decisions)?;
    let decisions = site.service.store.own_decisions(program.owner.structure(), DECISIONS).await?;
    let rows: Vec<Value> = decisions.iter().map(given).collect();
    Ok(Json(json!({ "decisions": rows })).into_response())
}

pub(crate) async fn decisions_on(State(site): State<Arc<Site>>, program: Program, Path(id): Path<String>) -> Shown {
    program.may(Scope::Decisions)?;
    seen_by(&site, &program, &id).await?;
    let decisions = site.service.store.decisions_on(program.owner.structure(), &id).await?;
    let rows: Vec<Value> = decisions.iter().map(given).collect();
    Ok(Json(json!({ "decisions": rows })).into_response())
}

/// A decision as the API takes it.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Says {
    #[serde(default)]
    lot: String,
    stage: Stage,
    refusal: Option<Refusal>,
    assignee: Option<String>,
    note: Option<String>,
    remind_at: Option<DateTime<Utc>>,
    /// The stage that the program saw stand, so that it does not overrule a colleague unawares.
    seen: Option<Stage>,
}

pub(crate) async fn decide(
    State(site): State<Arc<Site>>,
    program: Program,
    Path(id): Path<String>,
    sent: Sent,
) -> Shown {
    program.may(Scope::DecisionsWrite)?;
    let says: Says = sent.read()?;
    seen_by(&site, &program, &id).await?;
    let me = &program.owner;
    let by = program.called();
    let edit = DecisionEdit {
        stage: Some(says.stage),
        refusal: Some(says.refusal),
        joint: None,
        note: says.note,
        assignee: says.assignee,
        reminder: says.remind_at.map(Reminder::At),
    };
    let seen = says.seen.map_or(Seen::Latest, Seen::Stage);
    let asker = decisions::Asker { person: me, name: by, procedure: &id, lot: &says.lot, seen };
    let outcome = decisions::decide(&site.service, &asker, &edit).await?;
    match &outcome {
        Outcome::Noted { now, .. } => Ok(Json(given(now)).into_response()),
        Outcome::Conflict { standing, .. } => {
            let text = "une autre réponse a été donnée entre-temps";
            let body = json!({ "error": "conflict", "detail": text, "decision": given(standing) });
            Ok((StatusCode::CONFLICT, Json(body)).into_response())
        }
        Outcome::Closed(_) | Outcome::StillOpen(_) => {
            let line = outcome_line::line(&outcome, &edit, by);
            let word = if matches!(outcome, Outcome::Closed(_)) { "closed" } else { "still_open" };
            Err(Trouble::new(StatusCode::CONFLICT, word, &line))
        }
        Outcome::ReadsOnly => Err(Trouble::new(StatusCode::FORBIDDEN, "forbidden", outcome_line::READS_ONLY)),
        Outcome::NoProcedure => Err(absent("procédure inconnue")),
        Outcome::NoLot => Err(wrong("lot inconnu de cette procédure")),
        Outcome::Invalid(why) => Err(wrong(*why)),
    }
}

//! Doubles of publishers beside BOAMP: TED's search API v3 with its notices, the tabular API of data.gouv.fr, the essential data of a
//! buyer's profile, and a portal with a login. They speak what is documented or was seen, limits and errors included.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use axum::extract::{Path, Query, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{Html, IntoResponse, Redirect, Response};
use axum::routing::{get, post};
use axum::{Form, Json, Router};
use serde_json::{Value, json};

/// What the doubles hold and count.
#[derive(Debug, Default)]
pub struct Desk {
    /// TED: search hits, newest last; `links` are filled in.
    pub ted: Vec<Value>,
    /// TED: XML by publication number; absent = 404, not there yet.
    pub xml: BTreeMap<String, Vec<u8>>,
    /// TED: tokens are forgotten from now on.
    pub forget_tokens: bool,
    /// Tabular API: rows.
    pub rows: Vec<Value>,
    /// A buyer's profile: its file of essential data.
    pub official: Option<Value>,
    /// Portal: items as (id, title).
    pub items: Vec<(u32, String)>,
    /// Portal: the page changed its markup.
    pub restyled: bool,
    /// Portal: the session that is valid now; a new number ends all others.
    pub session: u32,
    /// Requests by path.
    pub asked: BTreeMap<String, usize>,
}

#[derive(Debug, Clone, Default)]
pub struct Publishers {
    desk: Arc<Mutex<Desk>>,
}

/// Hits a page of TED's search (documented largest).
const TED_LIMIT: usize = 250;
/// Rows a page of the tabular API (its default largest).
const TABULAR_LIMIT: usize = 50;
/// Items a page of the portal.
const PORTAL_PAGE: usize = 2;
const ACCOUNT: (&str, &str) = ("vigie", "s3cret");
/// The portal's bearer token.
const TOKEN: &str = "Bearer t0ken";

impl Publishers {
    /// Looks at, or changes, what the doubles hold.
    pub fn with<T>(&self, look: impl FnOnce(&mut Desk) -> T) -> T {
        look(&mut self.desk.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Requests to a path so far.
    #[must_use]
    pub fn asked(&self, path: &str) -> usize {
        self.with(|d| d.asked.get(path).copied().unwrap_or(0))
    }

    /// Serves on a free port of this machine; gives the root.
    ///
    /// # Errors
    /// No port is free.
    pub async fn serve(&self) -> std::io::Result<String> {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await?;
        let root = format!("http://{}", listener.local_addr()?);
        let router = Router::new()
            .route("/v3/notices/search", post(search))
            .route("/en/notice/{number}/xml", get(xml))
            .route("/api/resources/{resource}/data/", get(rows))
            .route("/profil/decp.json", get(official))
            .route("/robots.txt", get(robots))
            .route("/connexion", get(form).post(log_in))
            .route("/consultations", get(list))
            .route("/consultations/{id}", get(detail))
            .route("/api/consultations", get(list_json))
            .with_state(self.clone());
        tokio::spawn(async move { axum::serve(listener, router).await });
        Ok(root)
    }

    fn count(&self, path: &str) {
        self.with(|d| *d.asked.entry(path.to_owned()).or_default() += 1);
    }
}

fn refuse(status: StatusCode, body: Value) -> Response {
    (status, Json(body)).into_response()
}

async fn official(State(p): State<Publishers>) -> Response {
    p.count("official");
    Json(p.with(|d| d.official.clone()).unwrap_or_else(|| json!({"marches": {"marche": []}}))).into_response()
}

/// ITERATION paging: a token stands for an offset; it can be non-empty on the page after the last one.
async fn search(State(p): State<Publishers>, headers: HeaderMap, Json(body): Json<Value>) -> Response {
    p.count("search");
    let known = [
        "query",
        "fields",
        "limit",
        "page",
        "scope",
        "paginationMode",
        "iterationNextToken",
        "onlyLatestVersions",
        "checkQuerySyntax",
    ];
    if let Some(name) = body.as_object().and_then(|o| o.keys().find(|k| !known.contains(&k.as_str()))) {
        return refuse(StatusCode::BAD_REQUEST, json!({"message": format!("Unrecognized field \"{name}\"")}));
    }
    let query = body["query"].as_str().unwrap_or_default();
    let limit = body["limit"].as_u64().and_then(|n| usize::try_from(n).ok()).unwrap_or(10);
    let fields = body["fields"].as_array().map_or(0, Vec::len);
    if limit > TED_LIMIT || fields == 0 || fields * limit > 10_000 || query.contains(" ASC") {
        return refuse(StatusCode::BAD_REQUEST, json!({"message": "Validation error", "error": [{"field": "limit"}]}));
    }
    let Some(since) = query.rsplit("publication-date >= ").next().filter(|d| d.len() == 8) else {
        return refuse(
            StatusCode::BAD_REQUEST,
            json!({"message": "Syntax error", "error": {"type": "QUERY_SYNTAX_ERROR"}}),
        );
    };
    let offset = match body["iterationNextToken"].as_str() {
        None => 0,
        Some(_) if p.with(|d| std::mem::take(&mut d.forget_tokens)) => {
            return refuse(StatusCode::BAD_REQUEST, json!({"message": "The iteration token is expired"}));
        }
        Some(token) => token.parse().unwrap_or(0),
    };
    let host = headers.get(header::HOST).and_then(|h| h.to_str().ok()).unwrap_or_default().to_owned();
    let mut found: Vec<Value> = p.with(|d| d.ted.clone());
    found.retain(|n| n["publication-date"].as_str().is_some_and(|d| d[..10].replace('-', "").as_str() >= since));
    let total = found.len();
    let page: Vec<Value> = found
        .into_iter()
        .skip(offset)
        .take(limit)
        .map(|mut n| {
            let number = n["publication-number"].as_str().unwrap_or_default().to_owned();
            n["links"] = json!({"xml": {"MUL": format!("http://{host}/en/notice/{number}/xml")}});
            n
        })
        .collect();
    let token = (offset + page.len()).to_string();
    Json(json!({"notices": page, "totalNoticeCount": total, "iterationNextToken": token, "timedOut": false}))
        .into_response()
}

async fn xml(State(p): State<Publishers>, Path(number): Path<String>) -> Response {
    p.count(&format!("xml {number}"));
    match p.with(|d| d.xml.get(&number).cloned()) {
        Some(bytes) => ([(header::CONTENT_TYPE, "application/xml")], bytes).into_response(),
        None => StatusCode::NOT_FOUND.into_response(),
    }
}

async fn rows(State(p): State<Publishers>, Query(q): Query<BTreeMap<String, String>>) -> Response {
    p.count("rows");
    let number = |name: &str, default: usize| q.get(name).and_then(|v| v.parse().ok()).unwrap_or(default);
    let (page, size) = (number("page", 1).max(1), number("page_size", 20));
    if size > TABULAR_LIMIT {
        let detail = format!("Page size exceeds allowed maximum: {TABULAR_LIMIT}");
        return refuse(
            StatusCode::BAD_REQUEST,
            json!({"errors": [{"code": null, "title": "Invalid query string", "detail": detail}]}),
        );
    }
    let since = q.get("datePublicationDonnees__greater").cloned().unwrap_or_default();
    let mut all = p.with(|d| d.rows.clone());
    all.retain(|r| r["datePublicationDonnees"].as_str().is_some_and(|d| d >= since.as_str()));
    all.sort_by_key(|r| (r["datePublicationDonnees"].to_string(), r["uid"].to_string()));
    let total = all.len();
    let data: Vec<Value> = all.into_iter().skip((page - 1) * size).take(size).collect();
    Json(json!({"data": data, "links": {"next": null}, "meta": {"page": page, "page_size": size, "total": total}}))
        .into_response()
}

async fn robots() -> &'static str {
    "User-agent: *\nDisallow: /prive/\n"
}

async fn form() -> Html<&'static str> {
    Html(
        "<form action='/connexion' method='post'><input type='hidden' name='_csrf' value='jeton'><input name='compte'><input type='password' name='mdp'></form>",
    )
}

async fn log_in(State(p): State<Publishers>, Form(fields): Form<BTreeMap<String, String>>) -> Response {
    p.count("login");
    let said = |name: &str| fields.get(name).map(String::as_str).unwrap_or_default();
    if said("_csrf") != "jeton" || (said("compte"), said("mdp")) != ACCOUNT {
        return form().await.into_response();
    }
    let session = p.with(|d| d.session);
    let cookie = format!("sid={session}; Path=/; HttpOnly");
    ([(header::SET_COOKIE, cookie)], Redirect::to("/consultations")).into_response()
}

fn logged_in(p: &Publishers, headers: &HeaderMap) -> bool {
    let wanted = format!("sid={}", p.with(|d| d.session));
    headers.get(header::COOKIE).and_then(|c| c.to_str().ok()).is_some_and(|c| c.split("; ").any(|pair| pair == wanted))
}

async fn list(State(p): State<Publishers>, headers: HeaderMap, Query(q): Query<BTreeMap<String, String>>) -> Response {
    p.count("list");
    if !logged_in(&p, &headers) {
        return form().await.into_response();
    }
    let page: usize = q.get("page").and_then(|n| n.parse().ok()).unwrap_or(1);
    let (items, restyled) = p.with(|d| (d.items.clone(), d.restyled));
    let class = if restyled { "ligne" } else { "consultation" };
    let rows: String = items
        .iter()
        .skip((page - 1) * PORTAL_PAGE)
        .take(PORTAL_PAGE)
        .map(|(id, title)| {
            format!("<li class='{class}'><a href='/consultations/{id}'>{title}</a> <i>12/01/2027 à 12h00</i></li>")
        })
        .collect();
    let next = if page * PORTAL_PAGE < items.len() {
        format!("<a class='suivant' href='?page={}'>Suite</a>", page + 1)
    } else {
        String::new()
    };
    let empty = if items.is_empty() { "<p class='vide'>Aucune consultation</p>" } else { "" };
    Html(format!("<ul>{rows}</ul>{next}{empty}")).into_response()
}

async fn detail(State(p): State<Publishers>, headers: HeaderMap, Path(id): Path<u32>) -> Response {
    p.count("detail");
    if !logged_in(&p, &headers) {
        return form().await.into_response();
    }
    Html(format!("<main><p>Consultation {id}. Marché réservé aux entreprises adaptées et aux ESAT (article L. 2113-12).</p></main>")).into_response()
}

async fn list_json(State(p): State<Publishers>, headers: HeaderMap) -> Response {
    p.count("json");
    if headers.get(header::AUTHORIZATION).and_then(|a| a.to_str().ok()) != Some(TOKEN) {
        return StatusCode::UNAUTHORIZED.into_response();
    }
    let items: Vec<Value> = p.with(|d| {
        d.items.iter().map(|(id, title)| json!({"ref": id, "objet": title, "fin": "2027-01-12T12:00:00"})).collect()
    });
    Json(json!({"data": items})).into_response()
}

/// A contract notice as TED publishes it: one lot, reserved, closing on 12 January 2027 at noon.
#[must_use]
pub fn eforms(number: &str, title: &str, folder: &str) -> Vec<u8> {
    format!(
        "<ContractNotice xmlns:efac='a' xmlns:efbc='b' xmlns:ext='c' xmlns:efext='d' xmlns:cac='e' xmlns:cbc='f'><ext:UBLExtensions><ext:UBLExtension><ext:ExtensionContent><efext:EformsExtension>
        <efac:Organizations><efac:Organization><efac:Company><cac:PartyIdentification><cbc:ID>ORG-1</cbc:ID></cac:PartyIdentification><cac:PartyName><cbc:Name languageID='FRA'>Ville de Lille</cbc:Name></cac:PartyName>
        <cac:PartyLegalEntity><cbc:CompanyID>21590350100017</cbc:CompanyID></cac:PartyLegalEntity></efac:Company></efac:Organization></efac:Organizations>
        <efac:Publication><efbc:NoticePublicationID>{number}</efbc:NoticePublicationID></efac:Publication></efext:EformsExtension></ext:ExtensionContent></ext:UBLExtension></ext:UBLExtensions>
        <cbc:ContractFolderID>{folder}</cbc:ContractFolderID><cbc:IssueDate>2026-11-20+01:00</cbc:IssueDate><cac:ContractingParty><cac:Party><cac:PartyIdentification><cbc:ID>ORG-1</cbc:ID></cac:PartyIdentification></cac:Party></cac:ContractingParty>
        <cac:ProcurementProject><cbc:Name languageID='FRA'>{title}</cbc:Name><cac:MainCommodityClassification><cbc:ItemClassificationCode listName='cpv'>90910000</cbc:ItemClassificationCode></cac:MainCommodityClassification></cac:ProcurementProject>
        <cac:ProcurementProjectLot><cbc:ID schemeName='Lot'>LOT-0001</cbc:ID><cac:TenderingTerms><cac:TendererQualificationRequest><cac:SpecificTendererRequirement><cbc:TendererRequirementTypeCode listName='reserved-procurement'>res-ws</cbc:TendererRequirementTypeCode></cac:SpecificTendererRequirement></cac:TendererQualificationRequest></cac:TenderingTerms>
        <cac:TenderingProcess><cac:TenderSubmissionDeadlinePeriod><cbc:EndDate>2027-01-12+01:00</cbc:EndDate><cbc:EndTime>12:00:00+01:00</cbc:EndTime></cac:TenderSubmissionDeadlinePeriod></cac:TenderingProcess></cac:ProcurementProjectLot></ContractNotice>"
    )
    .into_bytes()
}

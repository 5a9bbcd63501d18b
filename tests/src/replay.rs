//! A double of the Opendatasoft Explore v2.1 API over recorded records (BOAMP, or any dataset), and of feed servers.
//!
//! Speaks what the documentation says: `limit` ≤ 100 and `offset + limit` ≤ 10,000 (else 400 with
//! `InvalidRESTParameterError`), `where` with our conditions, `order_by`, `exports/json`, ETag and 304, quota headers and
//! 429 with a reset. Faults can be asked for, one at a time.

use std::path::Path;
use std::sync::{Arc, Mutex};

use axum::Router;
use axum::extract::{Path as UrlPath, Query, State};
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use vigie_watcher::sources::boamp;

/// What goes wrong on the next answers.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Fault {
    #[default]
    None,
    /// A page of maintenance with status 200.
    HtmlWith200,
    /// JSON cut in the middle.
    Truncated,
    /// 429, come back in so many seconds.
    TooMany(u64),
    /// A body of that many MiB.
    Huge(usize),
}

/// What the double holds and counts.
#[derive(Debug, Default)]
pub struct Shelf {
    /// Records, as published.
    pub records: Vec<Value>,
    /// Feeds by name.
    pub feeds: std::collections::BTreeMap<String, Vec<u8>>,
    pub fault: Fault,
    /// Requests answered, by status.
    pub answered: std::collections::BTreeMap<u16, usize>,
    /// Requests left today.
    pub quota: u64,
}

#[derive(Debug, Clone, Default)]
pub struct Replay {
    shelf: Arc<Mutex<Shelf>>,
}

/// Requests a day (one of the figures observed on the real service).
const QUOTA: u64 = 50_000;
/// Pause asked for once the quota is spent, in seconds.
const QUOTA_PAUSE_S: u64 = 3600;

impl Replay {
    /// A double that serves these records.
    #[must_use]
    pub fn new(records: Vec<Value>) -> Self {
        let replay = Self::default();
        replay.with(|s| {
            s.records = records;
            s.quota = QUOTA;
        });
        replay
    }

    /// Lets so many requests through before answering 429.
    #[must_use]
    pub fn with_quota(self, requests: u64) -> Self {
        self.with(|s| s.quota = requests);
        self
    }

    /// A double that serves every BOAMP record and feed found in a folder: `*.json`, `*.jsonl`, `*.xml`, `*.rss`, `*.atom`.
    ///
    /// # Errors
    /// The folder cannot be read.
    pub fn of_folder(dir: &Path) -> std::io::Result<Self> {
        let mut records = Vec::new();
        let mut feeds = std::collections::BTreeMap::new();
        for entry in std::fs::read_dir(dir)? {
            let path = entry?.path();
            let name = path.file_name().map(|n| n.to_string_lossy().into_owned()).unwrap_or_default();
            match path.extension().and_then(|e| e.to_str()) {
                Some("json") => records.extend(
                    serde_json::from_slice::<Value>(&std::fs::read(&path)?).map(|d| flatten(&d)).unwrap_or_default(),
                ),
                Some("xml" | "rss" | "atom") => {
                    feeds.insert(name, std::fs::read(&path)?);
                }
                _ => {}
            }
        }
        let replay = Self::new(records);
        replay.with(|s| s.feeds = feeds);
        Ok(replay)
    }

    /// Looks at, or changes, what the double holds.
    pub fn with<T>(&self, look: impl FnOnce(&mut Shelf) -> T) -> T {
        look(&mut self.shelf.lock().unwrap_or_else(std::sync::PoisonError::into_inner))
    }

    /// Serves on a free port of this machine; gives the base URL of the dataset and the server's root.
    ///
    /// # Errors
    /// No port is free.
    pub async fn serve(&self) -> std::io::Result<(String, String)> {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await?;
        let root = format!("http://{}", listener.local_addr()?);
        let router = self.router();
        tokio::spawn(async move { axum::serve(listener, router).await });
        Ok((format!("{root}/api/explore/v2.1/catalog/datasets/boamp"), root))
    }

    pub fn router(&self) -> Router {
        Router::new()
            .route("/api/explore/v2.1/catalog/datasets/boamp/records", get(records))
            .route("/api/explore/v2.1/catalog/datasets/boamp/exports/json", get(export))
            .route("/feeds/{name}", get(feed))
            .with_state(self.clone())
    }

    fn answer(&self, status: StatusCode, body: Vec<u8>, kind: &'static str, asked: &HeaderMap) -> Response {
        let etag = format!("\"{}\"", hex::encode(&Sha256::digest(&body)[..8]));
        let known = asked.get(header::IF_NONE_MATCH).and_then(|v| v.to_str().ok()) == Some(etag.as_str());
        let status = if known && status == StatusCode::OK { StatusCode::NOT_MODIFIED } else { status };
        let left = self.with(|s| {
            *s.answered.entry(status.as_u16()).or_default() += 1;
            s.quota = s.quota.saturating_sub(1);
            s.quota
        });
        let body = if status == StatusCode::NOT_MODIFIED { Vec::new() } else { body };
        let mut response = (status, body).into_response();
        let headers = response.headers_mut();
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(kind));
        headers.insert("x-ratelimit-limit", HeaderValue::from(QUOTA));
        headers.insert("x-ratelimit-remaining", HeaderValue::from(left));
        if let Ok(etag) = HeaderValue::from_str(&etag) {
            headers.insert(header::ETAG, etag);
        }
        response
    }

    fn fault(&self, asked: &HeaderMap) -> Option<Response> {
        let fault = self.with(|s| if s.quota == 0 { Fault::TooMany(QUOTA_PAUSE_S) } else { s.fault });
        let response = match fault {
            Fault::None => return None,
            Fault::HtmlWith200 => self.answer(
                StatusCode::OK,
                b"<!DOCTYPE html><html><body>Maintenance en cours</body></html>".to_vec(),
                "text/html",
                asked,
            ),
            Fault::Truncated => self.answer(
                StatusCode::OK,
                b"{\"total_count\": 3, \"results\": [{\"idweb\": \"26-1\", ".to_vec(),
                "application/json",
                asked,
            ),
            Fault::Huge(mib) => self.answer(StatusCode::OK, vec![b' '; mib * 1024 * 1024], "application/json", asked),
            Fault::TooMany(seconds) => {
                let body = json!({"errorcode": 10003, "reset_time": "2026-11-22T00:00:00Z", "limit_time_unit": "day", "error": "You have exceeded the requests limit for your user."});
                let mut response = self.answer(
                    StatusCode::TOO_MANY_REQUESTS,
                    body.to_string().into_bytes(),
                    "application/json",
                    asked,
                );
                response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from(seconds));
                response
            }
        };
        Some(response)
    }
}

/// The flat records of a document, whatever its wrapper.
fn flatten(document: &Value) -> Vec<Value> {
    boamp::records(document)
        .into_iter()
        .map(|r| match r.get("raw_fields") {
            Some(fields) => {
                let mut flat = fields.clone();
                for (own, theirs) in [
                    ("idweb", "reference"),
                    ("dateparution", "publication_date"),
                    ("objet", "title"),
                    ("nomacheteur", "buyer_name"),
                ] {
                    if flat.get(own).is_none() {
                        flat[own] = r[theirs].clone();
                    }
                }
                flat
            }
            None => r.clone(),
        })
        .filter(|r| r.is_object())
        .collect()
}

type Asked = Query<std::collections::HashMap<String, String>>;

fn bad_parameter(message: &str) -> Vec<u8> {
    json!({"error_code": "InvalidRESTParameterError", "message": message}).to_string().into_bytes()
}

/// Keeps what `where` asks for; `Err` = a condition this double (and the real service) does not know.
fn chosen(shelf: &Shelf, condition: &str) -> Result<Vec<Value>, String> {
    let mut kept: Vec<Value> = shelf.records.clone();
    for part in condition.split(" and ").map(str::trim).filter(|p| !p.is_empty()) {
        let date = |sign: &str| {
            let (field, day) = part.split_once(sign)?;
            Some((field.to_owned(), day.strip_prefix("date'")?.strip_suffix('\'')?.to_owned()))
        };
        if let Some((field, day)) = date(" >= ") {
            kept.retain(|r| r[&field].as_str().is_some_and(|d| d >= day.as_str()));
        } else if let Some((field, day)) = date(" = ") {
            kept.retain(|r| r[&field].as_str() == Some(day.as_str()));
        } else if let Some(list) = part.strip_prefix("code_departement in (").and_then(|l| l.strip_suffix(')')) {
            let wanted: Vec<&str> = list.split(',').map(|d| d.trim().trim_matches('"')).collect();
            let has = |v: &Value| v.as_str().is_some_and(|d| wanted.contains(&d));
            kept.retain(|r| {
                has(&r["code_departement"]) || r["code_departement"].as_array().is_some_and(|l| l.iter().any(has))
            });
        } else {
            return Err(format!("ODSQL query is malformed: {part}"));
        }
    }
    let key = |r: &Value| {
        (r["dateparution"].as_str().unwrap_or_default().to_owned(), r["idweb"].as_str().unwrap_or_default().to_owned())
    };
    kept.sort_by_key(key);
    Ok(kept)
}

async fn records(State(replay): State<Replay>, Query(q): Asked, asked: HeaderMap) -> Response {
    if let Some(fault) = replay.fault(&asked) {
        return fault;
    }
    let number = |name: &str, default: usize| q.get(name).map_or(Some(default), |v| v.parse().ok());
    let refuse =
        |message: &str| replay.answer(StatusCode::BAD_REQUEST, bad_parameter(message), "application/json", &asked);
    let (Some(limit), Some(offset)) = (number("limit", 10), number("offset", 0)) else {
        return refuse("limit and offset must be integers");
    };
    if limit > 100 {
        return refuse("Invalid value for limit API parameter: it must be lower or equal to 100");
    }
    if offset + limit > 10_000 {
        return refuse("Invalid value for offset API parameter: offset + limit should be less than 10000");
    }
    let found = replay.with(|s| chosen(s, q.get("where").map_or("", String::as_str)));
    match found {
        Err(message) => refuse(&message),
        Ok(found) => {
            let page: Vec<&Value> = found.iter().skip(offset).take(limit).collect();
            replay.answer(
                StatusCode::OK,
                json!({"total_count": found.len(), "results": page}).to_string().into_bytes(),
                "application/json",
                &asked,
            )
        }
    }
}

async fn export(State(replay): State<Replay>, Query(q): Asked, asked: HeaderMap) -> Response {
    if let Some(fault) = replay.fault(&asked) {
        return fault;
    }
    match replay.with(|s| chosen(s, q.get("where").map_or("", String::as_str))) {
        Err(message) => replay.answer(StatusCode::BAD_REQUEST, bad_parameter(&message), "application/json", &asked),
        Ok(found) => {
            replay.answer(StatusCode::OK, Value::Array(found).to_string().into_bytes(), "application/json", &asked)
        }
    }
}

async fn feed(State(replay): State<Replay>, UrlPath(name): UrlPath<String>, asked: HeaderMap) -> Response {
    if let Some(fault) = replay.fault(&asked) {
        return fault;
    }
    match replay.with(|s| s.feeds.get(&name).cloned()) {
        Some(bytes) => replay.answer(StatusCode::OK, bytes, "application/xml", &asked),
        None => replay.answer(StatusCode::NOT_FOUND, Vec::new(), "text/plain", &asked),
    }
}

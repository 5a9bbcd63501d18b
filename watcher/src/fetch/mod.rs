//! Polite, guarded HTTP.
//!
//! - ETag and Last-Modified are sent back; `Cache-Control: max-age`, `Expires` and `Retry-After` are reported.
//! - Redirects are followed here, at most a few; only the permanent prefix of a chain is remembered as the new address.
//! - Addresses are checked **after DNS, in the connector**, for every hop: private, loopback and link-local networks are
//!   refused unless allowed by a CIDR. No proxy is used, since a proxy would bypass the check.
//! - Bodies are bounded after decompression, requests in total time, hosts by a gap between requests. Of large bodies a few are held
//!   at a time, each for as long as it is read (`room`).
//! - Pages that are crawled (not documented APIs and feeds) are asked for only where the site's robots.txt lets us.
//! - A credential goes to the site it is for, as the settings name it: neither along a redirect to another one, nor to where a
//!   remembered redirect leads.
//!
//! On failure: a [`FetchError`] that names the URL and what happened. Nothing is retried here; the schedule decides.

mod authorities;
mod guard;
mod headers;
mod post;
mod robots;
mod room;
mod session;

use std::collections::HashMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use chrono::{DateTime, Utc};
use futures_util::StreamExt;
use ipnet::IpNet;
use reqwest::header;
use reqwest::{Method, StatusCode, redirect};
use serde::{Deserialize, Serialize};
use tokio::net::TcpStream;
use tokio::time::Instant;
use url::Url;
use vigie_config::settings;
use vigie_domain::french;

use crate::compressed::Spoilt;
use crate::{boundary, compressed};

pub use guard::may_reach;
use guard::{GuardedResolver, Refused};
use headers::{fresh_until, quota, retry_after};
pub use post::{Posted, Poster};
use robots::Robots;
use room::Room;
pub use session::Session;

/// What to send back so that an unchanged page costs nothing (RFC 9110 §13).
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Validators {
    /// Entity tag, as received.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub etag: Option<String>,
    /// Last-Modified, as received.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_modified: Option<String>,
    /// The address moved there for good (301, 308).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub moved_to: Option<String>,
    /// When the page was last read whole.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub read_at: Option<DateTime<Utc>>,
    /// Records the page held when it was last read; tells whether another page follows when it is unchanged.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub records: Option<usize>,
}

/// A server that says "unchanged" for longer than this is asked for the whole page: some say it for ever.
const UNCHANGED_FOR: chrono::Duration = chrono::Duration::days(7);

impl Validators {
    /// Whether they may be sent back.
    fn are_trusted(&self, now: DateTime<Utc>) -> bool {
        self.read_at.is_none_or(|at| now - at < UNCHANGED_FOR)
    }
}

/// A page fetched.
#[derive(Debug, Clone)]
pub struct Body {
    /// Where it stood in the end, after redirects.
    pub url: Url,
    /// The bytes, decompressed.
    pub bytes: Vec<u8>,
    /// `Content-Type`, as received.
    pub content_type: Option<String>,
    /// What to send next time.
    pub validators: Validators,
    /// Do not ask again before.
    pub fresh_until: Option<DateTime<Utc>>,
    /// Requests left today, when the server says so, and out of how many.
    pub quota: Option<(u64, u64)>,
    /// The place that a large body takes.
    #[expect(dead_code, reason = "held, not read")]
    room: Room,
}

/// Answer to a conditional request.
#[derive(Debug, Clone)]
pub enum Answer {
    /// New content.
    Body(Box<Body>),
    /// As before; do not ask again before.
    NotModified(Option<DateTime<Utc>>),
}

/// What is sent along with a request.
#[derive(Clone)]
pub enum Payload {
    /// A JSON document.
    Json(serde_json::Value),
    /// The fields of a form, URL-encoded.
    Form(Vec<(String, String)>),
}

impl std::fmt::Debug for Payload {
    /// The values of a form may be passwords: its fields are named, never shown.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Json(document) => f.debug_tuple("Json").field(document).finish(),
            Self::Form(fields) => f.debug_list().entries(fields.iter().map(|(name, _)| name)).finish(),
        }
    }
}

/// A request that is more than "this page, please".
#[derive(Debug, Default)]
pub struct Request<'a> {
    /// Sent along; its presence makes the request a POST.
    pub payload: Option<Payload>,
    /// `Authorization`, sent to the site that the request names and to no other, wherever the page moved.
    pub authorization: Option<secrecy::SecretString>,
    /// Cookies to send and to keep.
    pub session: Option<&'a Session>,
    /// What is known of the page.
    pub known: Option<&'a Validators>,
    /// The page is crawled: robots.txt decides.
    pub crawl: bool,
}

/// Why a page could not be fetched.
#[derive(Debug, thiserror::Error)]
pub enum FetchError {
    /// The site does not want this page to be read by programs.
    #[error(
        "{url} : le fichier robots.txt de ce site l’interdit aux programmes ; demandez l’accord du site, puis voyez « permission » dans vigie.example.toml"
    )]
    Disallowed {
        /// The URL.
        url: String,
    },
    /// The address leads into a network that may not be reached.
    #[error("{url} : adresse refusée ({what}) ; autorisez ce réseau dans fetch.allow_private si c’est voulu")]
    Forbidden {
        /// The URL.
        url: String,
        /// The address or scheme.
        what: String,
    },
    /// A status other than success.
    #[error("{url} : le serveur répond {status}")]
    Status {
        /// The URL.
        url: String,
        /// HTTP status.
        status: u16,
        /// The pause asked for.
        retry_after: Option<chrono::Duration>,
    },
    /// 410: the page is gone for good.
    #[error("{url} : la page est retirée définitivement (410) ; supprimez cette source ou corrigez son adresse")]
    Gone {
        /// The URL.
        url: String,
    },
    /// The body is larger than the limit.
    #[error("{url} : réponse de plus de {limit} Mio ; relevez fetch.max_body_mib si c’est voulu")]
    TooLarge {
        /// The URL.
        url: String,
        /// The limit in MiB.
        limit: u64,
    },
    /// Too many redirects, or one without a place to go.
    #[error("{url} : redirections sans fin ou sans but")]
    Redirects {
        /// The URL asked first.
        url: String,
    },
    /// No connection, a cut, or too long.
    #[error("{url} : {why}")]
    Network {
        /// The URL.
        url: String,
        /// Why.
        why: String,
    },
}

impl FetchError {
    /// The pause that the server asked for.
    #[must_use]
    pub fn retry_after(&self) -> Option<chrono::Duration> {
        match self {
            Self::Status { retry_after, .. } => *retry_after,
            _ => None,
        }
    }
}

/// Answers requests from memory: the demo's bundled samples go through the same road as pages of the network.
pub type Bundle = Box<dyn Fn(&Url) -> Option<Vec<u8>> + Send + Sync>;

/// The private networks that may be reached.
fn allowed_networks(limits: &settings::Fetch) -> Result<Vec<IpNet>, String> {
    let read = |c: &String| c.parse::<IpNet>().map_err(|e| format!("fetch.allow_private : « {c} » : {e}"));
    limits.allow_private.iter().map(read).collect()
}

/// Whether an address names, by its number, a server that may not be reached; what a name leads to is looked at when it is connected to.
#[must_use]
pub fn is_out_of_reach(limits: &settings::Fetch, url: &Url) -> bool {
    allowed_networks(limits).is_ok_and(|allowed| guard::check_literal(url, &allowed).is_err())
}

/// Fetches pages.
pub enum Fetcher {
    /// Over HTTP.
    Http(Box<Http>),
    /// From memory.
    Bundled(Bundle),
}

/// The HTTP client and its limits.
pub struct Http {
    client: reqwest::Client,
    limits: settings::Fetch,
    allowed: Vec<IpNet>,
    hosts: Mutex<HashMap<String, Instant>>,
    robots: Robots,
}

impl Fetcher {
    /// An HTTP fetcher with these limits.
    ///
    /// # Errors
    /// A CIDR is unreadable, or the TLS library cannot start.
    pub fn http(limits: &settings::Fetch) -> Result<Self, String> {
        let allowed = allowed_networks(limits)?;
        let client = reqwest::Client::builder()
            .user_agent(&limits.user_agent)
            .redirect(redirect::Policy::none())
            .no_proxy()
            .timeout(Duration::from_secs(limits.timeout_s))
            .connect_timeout(Duration::from_secs(limits.timeout_s.min(20)))
            .dns_resolver(Arc::new(GuardedResolver { allowed: allowed.clone() }))
            .tls_backend_preconfigured(authorities::of_the_system().map_err(|e| format!("TLS : {e}"))?)
            // Opened in `read`, whatever they are said to be.
            .no_gzip()
            .no_deflate()
            .build()
            .map_err(|e| format!("client HTTP : {e}"))?;
        Ok(Self::Http(Box::new(Http {
            client,
            limits: limits.clone(),
            allowed,
            hosts: Mutex::new(HashMap::new()),
            robots: Robots::default(),
        })))
    }

    /// Fetches `url`, sending back what is known of it.
    ///
    /// # Errors
    /// See [`FetchError`].
    pub async fn get(&self, url: &Url, known: &Validators, now: DateTime<Utc>) -> Result<Answer, FetchError> {
        self.send(url, &Request { known: Some(known), ..Request::default() }, now).await
    }

    /// Fetches `url` as the request says.
    ///
    /// # Errors
    /// See [`FetchError`].
    pub async fn send(&self, url: &Url, request: &Request<'_>, now: DateTime<Utc>) -> Result<Answer, FetchError> {
        match self {
            Self::Http(http) => http.send(url, request, now).await,
            Self::Bundled(bundle) => match bundle(url) {
                Some(bytes) => Ok(Answer::Body(Box::new(Body {
                    url: url.clone(),
                    bytes,
                    content_type: None,
                    validators: Validators::default(),
                    fresh_until: None,
                    quota: None,
                    room: Room::default(),
                }))),
                None => Err(FetchError::Status { url: url.to_string(), status: 404, retry_after: None }),
            },
        }
    }

    /// Opens a connection to a server that speaks something else than HTTP, through the same address check.
    ///
    /// # Errors
    /// The address is refused or unreachable, or takes too long.
    pub async fn connect(&self, host: &str, port: u16) -> Result<TcpStream, FetchError> {
        let place = format!("{host}:{port}");
        let Self::Http(http) = self else {
            return Err(FetchError::Network { url: place, why: "hors réseau".into() });
        };
        let limit = Duration::from_secs(http.limits.timeout_s.min(20));
        match tokio::time::timeout(limit, guard::connect(host, port, &http.allowed)).await {
            Ok(Ok(stream)) => Ok(stream),
            Ok(Err(e)) => Err(match e.get_ref().and_then(|inner| inner.downcast_ref::<Refused>()) {
                Some(refused) => FetchError::Forbidden { url: place, what: refused.0.clone() },
                None => {
                    FetchError::Network { url: place, why: format!("connexion impossible ({})", french::of_system(&e)) }
                }
            }),
            Err(_) => Err(FetchError::Network { url: place, why: format!("pas de réponse en {} s", limit.as_secs()) }),
        }
    }
}

impl Http {
    /// Asks at the address a page moved to, and at the one in the settings when that fails.
    async fn send(&self, asked: &Url, request: &Request<'_>, now: DateTime<Utc>) -> Result<Answer, FetchError> {
        let moved = request.known.and_then(|k| k.moved_to.as_deref()).and_then(|m| Url::parse(m).ok());
        let Some(moved) = moved.filter(|_| request.payload.is_none()) else {
            return self.follow(asked, asked, request, request.known, now).await;
        };
        match self.follow(asked, &moved, request, request.known, now).await {
            Err(FetchError::Network { .. } | FetchError::Gone { .. } | FetchError::Status { status: 404, .. }) => {
                self.follow(asked, asked, request, None, now).await
            }
            answer => answer,
        }
    }

    async fn follow(
        &self,
        asked: &Url,
        start: &Url,
        request: &Request<'_>,
        known: Option<&Validators>,
        now: DateTime<Utc>,
    ) -> Result<Answer, FetchError> {
        let mut url = start.clone();
        let mut permanent = known.and_then(|k| k.moved_to.clone());
        let mut all_permanent = true;
        let mut payload = request.payload.as_ref();
        let mut unasked = 0;
        for _ in 0..=self.limits.max_redirects {
            self.check_literal(&url)?;
            if request.crawl && !self.may_crawl(&url, now).await? {
                return Err(FetchError::Disallowed { url: url.to_string() });
            }
            // Validators are the page's; credentials are for the site of the settings, wherever the page moved.
            let known = known.filter(|k| url.origin() == start.origin() && k.are_trusted(now));
            let response = self.ask(&url, request, payload, known, url.origin() == asked.origin()).await?;
            let status = response.status();
            if status == StatusCode::NOT_MODIFIED && known.is_none_or(|k| k.etag.is_none() && k.last_modified.is_none())
            {
                // Nothing was asked that this could answer: a cache in between answers for somebody else.
                unasked += 1;
                if unasked > 1 {
                    return Err(FetchError::Status {
                        url: url.to_string(),
                        status: status.as_u16(),
                        retry_after: None,
                    });
                }
                continue;
            }
            if status == StatusCode::NOT_MODIFIED {
                return Ok(Answer::NotModified(fresh_until(response.headers(), now)));
            }
            if status.is_redirection() {
                let target = response
                    .headers()
                    .get(header::LOCATION)
                    .and_then(|l| l.to_str().ok())
                    .and_then(|l| url.join(l).ok());
                url = target.ok_or_else(|| FetchError::Redirects { url: asked.to_string() })?;
                all_permanent &= matches!(status, StatusCode::MOVED_PERMANENTLY | StatusCode::PERMANENT_REDIRECT);
                if all_permanent {
                    permanent = Some(url.to_string());
                }
                // A form that was sent is not sent again to where it leads (RFC 9110 §15.4), save on 307 and 308.
                if !matches!(status, StatusCode::TEMPORARY_REDIRECT | StatusCode::PERMANENT_REDIRECT) {
                    payload = None;
                } else if payload.is_some() && url.origin() != start.origin() {
                    return Err(FetchError::Redirects { url: asked.to_string() });
                }
                continue;
            }
            if status == StatusCode::GONE {
                return Err(FetchError::Gone { url: url.to_string() });
            }
            if !status.is_success() {
                let retry_after = retry_after(response.headers(), now);
                return Err(FetchError::Status { url: url.to_string(), status: status.as_u16(), retry_after });
            }
            return self.read(url, response, permanent, now).await.map(|b| Answer::Body(Box::new(b)));
        }
        Err(FetchError::Redirects { url: asked.to_string() })
    }

    /// One request, in its host's turn; cookies that come back are kept.
    async fn ask(
        &self,
        url: &Url,
        request: &Request<'_>,
        payload: Option<&Payload>,
        known: Option<&Validators>,
        trusted: bool,
    ) -> Result<reqwest::Response, FetchError> {
        self.wait_for_turn(url).await;
        let method = if payload.is_some() { Method::POST } else { Method::GET };
        let mut builder =
            self.client.request(method, url.clone()).header(header::ACCEPT_ENCODING, compressed::ACCEPTED);
        builder = match payload {
            None => builder,
            Some(Payload::Json(document)) => builder.json(document),
            Some(Payload::Form(fields)) => {
                let body = url::form_urlencoded::Serializer::new(String::new()).extend_pairs(fields).finish();
                builder.header(header::CONTENT_TYPE, "application/x-www-form-urlencoded").body(body)
            }
        };
        if let Some(etag) = known.and_then(|k| k.etag.as_ref()) {
            builder = builder.header(header::IF_NONE_MATCH, etag);
        }
        if known.is_none_or(|k| k.etag.is_none() && k.last_modified.is_none()) {
            // What is not known is wanted whole, from its origin.
            builder = builder.header(header::CACHE_CONTROL, "no-cache");
        }
        if let Some(date) = known.and_then(|k| k.last_modified.as_ref()) {
            builder = builder.header(header::IF_MODIFIED_SINCE, date);
        }
        if let Some(secret) = request.authorization.as_ref().filter(|_| trusted) {
            builder = builder.header(header::AUTHORIZATION, vigie_config::secret::expose(secret));
        }
        if let Some(cookies) = request.session.and_then(|s| s.header(url)) {
            builder = builder.header(header::COOKIE, cookies);
        }
        let response = builder.send().await.map_err(|e| self.explain(url, &e))?;
        if let Some(session) = request.session {
            session.keep(url, response.headers());
        }
        Ok(response)
    }

    /// What the site's robots.txt says of this page; asked for once a day and host (RFC 9309 §2.4).
    async fn may_crawl(&self, url: &Url, now: DateTime<Utc>) -> Result<bool, FetchError> {
        let agent = robots::product_token(&self.limits.user_agent);
        if let Some(known) = self.robots.known(url, agent, now) {
            return Ok(known);
        }
        let Ok(place) = url.join("/robots.txt") else { return Ok(true) };
        // Where robots.txt itself redirects, its redirects are followed like any page's.
        let found = Box::pin(self.follow(&place, &place, &Request::default(), None, now)).await;
        let rules = match found {
            Ok(Answer::Body(body)) => body.bytes,
            Ok(Answer::NotModified(_)) | Err(FetchError::Gone { .. }) => Vec::new(),
            // RFC 9309 §2.3.1.3: "unavailable" means that nothing is forbidden; §2.3.1.4: a server in trouble forbids all.
            Err(FetchError::Status { status, .. }) if (400..500).contains(&status) && status != 429 => Vec::new(),
            Err(trouble) => return Err(trouble),
        };
        self.robots.learn(url, rules, now);
        Ok(self.robots.known(url, agent, now).unwrap_or(true))
    }

    async fn read(
        &self,
        url: Url,
        response: reqwest::Response,
        moved_to: Option<String>,
        now: DateTime<Utc>,
    ) -> Result<Body, FetchError> {
        let limit = usize::try_from(self.limits.max_body_mib * 1024 * 1024).unwrap_or(usize::MAX);
        let too_large = || FetchError::TooLarge { url: url.to_string(), limit: self.limits.max_body_mib };
        if response.content_length().is_some_and(|n| n > limit as u64) {
            return Err(too_large());
        }
        let header =
            |name| response.headers().get(name).and_then(|v: &header::HeaderValue| v.to_str().ok()).map(str::to_owned);
        let validators = Validators {
            etag: header(header::ETAG),
            last_modified: header(header::LAST_MODIFIED),
            moved_to,
            read_at: Some(now),
            records: None,
        };
        let content_type = header(header::CONTENT_TYPE);
        let encodings = header(header::CONTENT_ENCODING).filter(|e| compressed::is_said(e));
        let fresh_until = fresh_until(response.headers(), now);
        let quota = quota(response.headers());
        let mut bytes = Vec::new();
        let mut room = Room::default();
        let mut stream = response.bytes_stream();
        while let Some(chunk) = room.wait_for(stream.next()).await.map_err(|late| late.of(&url))? {
            let chunk = chunk.map_err(|e| self.explain(&url, &e))?;
            if bytes.len() + chunk.len() > limit {
                return Err(too_large());
            }
            room.take(bytes.len() + chunk.len()).await;
            bytes.extend_from_slice(&chunk);
        }
        if let Some(encodings) = encodings {
            // What comes out is usually several times as long.
            let length = bytes.len().saturating_mul(8);
            let opened = boundary::read_whole(length, || compressed::opened_as(&encodings, bytes, limit));
            let why = |why: String| FetchError::Network { url: url.to_string(), why };
            bytes = opened.map_err(|e| why(e.to_string()))?.map_err(|spoilt| match spoilt {
                Spoilt::TooLarge => too_large(),
                Spoilt::Broken => why(spoilt.to_string()),
            })?;
            room.take(bytes.len()).await;
        }
        Ok(Body { url, bytes, content_type, validators, fresh_until, quota, room })
    }

    fn check_literal(&self, url: &Url) -> Result<(), FetchError> {
        guard::check_literal(url, &self.allowed).map_err(|what| FetchError::Forbidden { url: url.to_string(), what })
    }

    /// Holds the gap between two requests to one host. The gap is between requests, not between hosts' answers: a slow
    /// page does not starve its siblings.
    async fn wait_for_turn(&self, url: &Url) {
        let gap = Duration::from_millis(self.limits.host_gap_ms);
        let Some(host) = url.host_str() else { return };
        let turn = {
            let mut hosts = self.hosts.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
            let now = Instant::now();
            let turn = hosts.get(host).copied().unwrap_or(now).max(now);
            hosts.insert(host.to_owned(), turn + gap);
            turn
        };
        tokio::time::sleep_until(turn).await;
    }

    fn explain(&self, url: &Url, error: &reqwest::Error) -> FetchError {
        if let Some(what) = guard::refused(error) {
            return FetchError::Forbidden { url: url.to_string(), what };
        }
        let why = if error.is_timeout() {
            format!("pas de réponse en {} s", self.limits.timeout_s)
        } else if error.is_connect() {
            format!("connexion impossible ({})", root_cause(error))
        } else {
            format!("réponse interrompue ({})", root_cause(error))
        };
        FetchError::Network { url: url.to_string(), why }
    }
}

fn root_cause(error: &(dyn std::error::Error + 'static)) -> String {
    let mut last = error;
    while let Some(next) = last.source() {
        last = next;
    }
    of_http(last.downcast_ref().map_or_else(|| last.to_string(), french::of_system))
}

/// What the HTTP library says of an answer, in French where it is one of the usual.
fn of_http(said: String) -> String {
    const SAID: &[(&str, &str)] = &[
        ("message head is too large", "en-têtes trop longs"),
        ("invalid HTTP", "ce n’est pas une réponse HTTP valable"),
        ("invalid content-length", "ce n’est pas une réponse HTTP valable"),
        ("invalid URI", "ce n’est pas une réponse HTTP valable"),
        ("connection closed before", "coupée avant la fin"),
        ("end of file before", "coupée avant la fin"),
        ("unexpected EOF", "coupée avant la fin"),
        ("unexpected end of file", "coupée avant la fin"),
        ("nvalid chunk", "mal découpée en morceaux"),
        ("chunk size", "mal découpée en morceaux"),
        ("brotli", "annoncée comme compressée, elle ne l’est pas ou elle est abîmée"),
        ("ecompress", "annoncée comme compressée, elle ne l’est pas ou elle est abîmée"),
    ];
    SAID.iter().find(|(english, _)| said.contains(english)).map_or(said, |(_, french)| (*french).to_owned())
}

#[cfg(test)]
mod tests;

//! Polite, guarded HTTP.
//!
//! - ETag and Last-Modified are sent back; `Cache-Control: max-age`, `Expires` and `Retry-After` are reported.
//! - Redirects are followed here, at most a few; only the permanent prefix of a chain is remembered as the new address.
//! - Addresses are checked **after DNS, in the connector**, for every hop: private, loopback and link-local networks are
//!   refused unless allowed by a CIDR. No proxy is used, since a proxy would bypass the check.
//! - Bodies are bounded after decompression, requests in total time, hosts by a gap between requests.
//!
//! On failure: a [`FetchError`] that names the URL and what happened. Nothing is retried here; the schedule decides.

use std::collections::HashMap;
use std::net::{IpAddr, SocketAddr};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use chrono::{DateTime, Utc};
use futures_util::StreamExt;
use ipnet::IpNet;
use reqwest::dns::{Addrs, Name, Resolve, Resolving};
use reqwest::header::{self, HeaderMap};
use reqwest::{StatusCode, redirect};
use serde::{Deserialize, Serialize};
use tokio::time::Instant;
use url::{Host, Url};
use vigie_config::settings;

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
    /// Records the page held when it was last read; tells whether another page follows when it is unchanged.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub records: Option<usize>,
}

/// A page fetched.
#[derive(Debug, Clone)]
pub struct Body {
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
}

/// Answer to a conditional request.
#[derive(Debug, Clone)]
pub enum Answer {
    /// New content.
    Body(Box<Body>),
    /// As before; do not ask again before.
    NotModified(Option<DateTime<Utc>>),
}

/// Why a page could not be fetched.
#[derive(Debug, thiserror::Error)]
pub enum FetchError {
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
}

impl Fetcher {
    /// An HTTP fetcher with these limits.
    ///
    /// # Errors
    /// A CIDR is unreadable, or the TLS library cannot start.
    pub fn http(limits: &settings::Fetch) -> Result<Self, String> {
        let allowed = limits
            .allow_private
            .iter()
            .map(|c| c.parse::<IpNet>().map_err(|e| format!("fetch.allow_private : « {c} » : {e}")))
            .collect::<Result<Vec<_>, _>>()?;
        let client = reqwest::Client::builder()
            .user_agent(&limits.user_agent)
            .redirect(redirect::Policy::none())
            .no_proxy()
            .timeout(Duration::from_secs(limits.timeout_s))
            .connect_timeout(Duration::from_secs(limits.timeout_s.min(20)))
            .dns_resolver(Arc::new(GuardedResolver { allowed: allowed.clone() }))
            .build()
            .map_err(|e| format!("client HTTP : {e}"))?;
        Ok(Self::Http(Box::new(Http { client, limits: limits.clone(), allowed, hosts: Mutex::new(HashMap::new()) })))
    }

    /// Fetches `url`, sending back what is known of it.
    ///
    /// # Errors
    /// See [`FetchError`].
    pub async fn get(&self, url: &Url, known: &Validators, now: DateTime<Utc>) -> Result<Answer, FetchError> {
        match self {
            Self::Http(http) => http.get(url, known, now).await,
            Self::Bundled(bundle) => match bundle(url) {
                Some(bytes) => Ok(Answer::Body(Box::new(Body {
                    bytes,
                    content_type: None,
                    validators: Validators::default(),
                    fresh_until: None,
                    quota: None,
                }))),
                None => Err(FetchError::Status { url: url.to_string(), status: 404, retry_after: None }),
            },
        }
    }
}

impl Http {
    /// Asks at the address a page moved to, and at the one in the settings when that fails.
    async fn get(&self, asked: &Url, known: &Validators, now: DateTime<Utc>) -> Result<Answer, FetchError> {
        match self.follow(asked, known, now).await {
            Err(FetchError::Network { .. } | FetchError::Gone { .. } | FetchError::Status { status: 404, .. })
                if known.moved_to.is_some() =>
            {
                self.follow(asked, &Validators::default(), now).await
            }
            answer => answer,
        }
    }

    async fn follow(&self, asked: &Url, known: &Validators, now: DateTime<Utc>) -> Result<Answer, FetchError> {
        let start = known.moved_to.as_deref().and_then(|m| Url::parse(m).ok()).unwrap_or_else(|| asked.clone());
        let mut url = start.clone();
        let mut permanent = known.moved_to.clone();
        let mut all_permanent = true;
        for _ in 0..=self.limits.max_redirects {
            self.check_literal(&url)?;
            self.wait_for_turn(&url).await;
            let response = self.send(&url, known).await?;
            let status = response.status();
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

    async fn send(&self, url: &Url, known: &Validators) -> Result<reqwest::Response, FetchError> {
        let mut request = self.client.get(url.clone());
        if let Some(etag) = &known.etag {
            request = request.header(header::IF_NONE_MATCH, etag);
        }
        if let Some(date) = &known.last_modified {
            request = request.header(header::IF_MODIFIED_SINCE, date);
        }
        request.send().await.map_err(|e| self.explain(url, &e))
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
            records: None,
        };
        let content_type = header(header::CONTENT_TYPE);
        let fresh_until = fresh_until(response.headers(), now);
        let quota = quota(response.headers());
        let mut bytes = Vec::new();
        let mut stream = response.bytes_stream();
        while let Some(chunk) = stream.next().await {
            let chunk = chunk.map_err(|e| self.explain(&url, &e))?;
            if bytes.len() + chunk.len() > limit {
                return Err(too_large());
            }
            bytes.extend_from_slice(&chunk);
        }
        Ok(Body { bytes, content_type, validators, fresh_until, quota })
    }

    /// An address written as a number passes no resolver: it is checked here.
    fn check_literal(&self, url: &Url) -> Result<(), FetchError> {
        let forbidden = |what: String| FetchError::Forbidden { url: url.to_string(), what };
        if !matches!(url.scheme(), "http" | "https") {
            return Err(forbidden(url.scheme().to_owned()));
        }
        let ip: IpAddr = match url.host() {
            Some(Host::Ipv4(ip)) => ip.into(),
            Some(Host::Ipv6(ip)) => ip.into(),
            Some(Host::Domain(_)) => return Ok(()),
            None => return Err(forbidden("sans hôte".to_owned())),
        };
        if may_reach(ip, &self.allowed) { Ok(()) } else { Err(forbidden(ip.to_string())) }
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
        let mut cause: Option<&dyn std::error::Error> = Some(error);
        while let Some(e) = cause {
            if let Some(refused) = e.downcast_ref::<Refused>() {
                return FetchError::Forbidden { url: url.to_string(), what: refused.0.clone() };
            }
            cause = e.source();
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

fn root_cause(error: &dyn std::error::Error) -> String {
    let mut last = error;
    while let Some(next) = last.source() {
        last = next;
    }
    last.to_string()
}

/// Resolves names and drops the addresses that may not be reached; the connector gets no others.
struct GuardedResolver {
    allowed: Vec<IpNet>,
}

#[derive(Debug, thiserror::Error)]
#[error("{0} : réseau privé ou local")]
struct Refused(String);

impl Resolve for GuardedResolver {
    fn resolve(&self, name: Name) -> Resolving {
        let allowed = self.allowed.clone();
        Box::pin(async move {
            let found: Vec<SocketAddr> = tokio::net::lookup_host((name.as_str(), 0)).await?.collect();
            let kept: Vec<SocketAddr> = found.iter().copied().filter(|a| may_reach(a.ip(), &allowed)).collect();
            if kept.is_empty() && !found.is_empty() {
                return Err(Refused(found[0].ip().to_string()).into());
            }
            Ok(Box::new(kept.into_iter()) as Addrs)
        })
    }
}

/// Whether an address is a public one, or lies in a network that was allowed.
#[must_use]
pub fn may_reach(ip: IpAddr, allowed: &[IpNet]) -> bool {
    let ip = match ip {
        IpAddr::V6(v6) => v6.to_ipv4_mapped().map_or(ip, IpAddr::V4),
        v4 => v4,
    };
    if allowed.iter().any(|net| net.contains(&ip)) {
        return true;
    }
    match ip {
        IpAddr::V4(v4) => {
            let [a, b, c, _] = v4.octets();
            let shared = a == 100 && (64..128).contains(&b); // RFC 6598
            let special = a == 0 || a >= 240 || (a == 192 && b == 0 && c == 0) || (a == 198 && (18..20).contains(&b));
            !(v4.is_private()
                || v4.is_loopback()
                || v4.is_link_local()
                || v4.is_multicast()
                || v4.is_documentation()
                || shared
                || special)
        }
        IpAddr::V6(v6) => {
            let [first, second, ..] = v6.segments();
            let unique_local = first & 0xfe00 == 0xfc00;
            let link_local = first & 0xffc0 == 0xfe80;
            let embeds_v4 = (first == 0x64 && second == 0xff9b) || first == 0x2002; // NAT64, 6to4
            !(v6.is_loopback() || v6.is_unspecified() || v6.is_multicast() || unique_local || link_local || embeds_v4)
        }
    }
}

/// Longest pause taken from a header, so that a server's mistake does not silence a source for months.
const MAX_PAUSE: chrono::Duration = chrono::Duration::days(1);

fn retry_after(headers: &HeaderMap, now: DateTime<Utc>) -> Option<chrono::Duration> {
    let asked = headers.get(header::RETRY_AFTER).and_then(|v| v.to_str().ok()).and_then(|text| pause(text, now));
    let quota_reset =
        || headers.get("x-ratelimit-reset").and_then(|v| v.to_str().ok()).and_then(|text| pause(text, now));
    asked.or_else(quota_reset).map(|p| p.min(MAX_PAUSE))
}

/// Retry-After comes as seconds or as a date (RFC 9110 §10.2.3); Opendatasoft's reset as a date or an epoch.
fn pause(text: &str, now: DateTime<Utc>) -> Option<chrono::Duration> {
    let text = text.trim();
    if let Ok(n) = text.parse::<i64>() {
        return if n > 1_000_000_000 {
            Some((DateTime::from_timestamp(n, 0)? - now).max(chrono::Duration::zero()))
        } else {
            chrono::Duration::try_seconds(n.max(0))
        };
    }
    let at = DateTime::parse_from_rfc2822(text).or_else(|_| DateTime::parse_from_rfc3339(text)).ok()?;
    Some((at.with_timezone(&Utc) - now).max(chrono::Duration::zero()))
}

/// `max-age` first, then `Expires`.
fn fresh_until(headers: &HeaderMap, now: DateTime<Utc>) -> Option<DateTime<Utc>> {
    let text = |name| headers.get(name).and_then(|v: &header::HeaderValue| v.to_str().ok());
    let max_age = text(header::CACHE_CONTROL)
        .and_then(|c| c.split(',').find_map(|d| d.trim().strip_prefix("max-age=")?.parse::<i64>().ok()))
        .and_then(chrono::Duration::try_seconds);
    let expires = || {
        text(header::EXPIRES).and_then(|e| DateTime::parse_from_rfc2822(e).ok()).map(|at| at.with_timezone(&Utc) - now)
    };
    let pause = max_age.or_else(expires).filter(|p| *p > chrono::Duration::zero())?;
    Some(now + pause.min(MAX_PAUSE))
}

fn quota(headers: &HeaderMap) -> Option<(u64, u64)> {
    let number = |name: &str| headers.get(name)?.to_str().ok()?.trim().parse().ok();
    Some((number("x-ratelimit-remaining")?, number("x-ratelimit-limit")?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn private_networks_are_out_of_reach_unless_allowed() {
        for ip in [
            "10.0.0.1",
            "127.0.0.1",
            "169.254.169.254",
            "192.168.1.1",
            "100.64.0.1",
            "0.0.0.0",
            "::1",
            "fe80::1",
            "fd00::1",
            "::ffff:10.0.0.1",
            "64:ff9b::a00:1",
        ] {
            assert!(!may_reach(ip.parse().unwrap(), &[]), "{ip}");
        }
        assert!(may_reach("185.31.40.1".parse().unwrap(), &[]));
        assert!(may_reach("10.1.2.3".parse().unwrap(), &["10.1.0.0/16".parse().unwrap()]));
    }

    #[test]
    fn pauses_are_read_as_seconds_dates_and_epochs() {
        let now = DateTime::parse_from_rfc3339("2026-11-21T12:00:00Z").unwrap().with_timezone(&Utc);
        assert_eq!(pause("120", now), Some(chrono::Duration::seconds(120)));
        assert_eq!(pause("Sat, 21 Nov 2026 12:05:00 GMT", now), Some(chrono::Duration::minutes(5)));
        assert_eq!(pause("2026-11-22T00:00:00Z", now), Some(chrono::Duration::hours(12)));
        assert_eq!(pause("soon", now), None);
    }
}

//! Posting a document to an address that somebody gave: once, without a redirect, through the same address check as what is fetched.
//!
//! The caller retries. What is told apart is whether anything can have left: no connection means no, a lost answer means maybe.

use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, Utc};
use futures_util::StreamExt;
use ipnet::IpNet;
use reqwest::redirect;
use url::Url;
use vigie_config::settings;

use super::authorities;
use super::guard::{self, GuardedResolver};
use super::headers::retry_after;
use super::root_cause;

/// Longest wait for an answer: Standard Webhooks, "Timeouts", 15 to 30 s; less where `[fetch] timeout_s` says so.
pub const TIMEOUT: Duration = Duration::from_secs(20);
/// Longest wait for a connection.
const CONNECT: Duration = Duration::from_secs(10);
/// Most bytes read of an answer.
const MAX_ANSWER: usize = 2_048;

/// What came back.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Posted {
    /// A status, the wait it asks for, and the beginning of what it says.
    Status { status: u16, retry_after: Option<chrono::Duration>, words: String },
    /// The address leads into a network that may not be reached, or is none of the web.
    Forbidden(String),
    /// No connection: nothing left.
    NotConnected(String),
    /// Something left, and no answer came.
    Lost(String),
}

/// Posts documents.
pub struct Poster {
    client: reqwest::Client,
    allowed: Vec<IpNet>,
    timeout: Duration,
}

impl Poster {
    /// A poster that may reach these private networks, and no other.
    ///
    /// # Errors
    /// A CIDR is unreadable, or the TLS library cannot start.
    pub fn new(limits: &settings::Fetch) -> Result<Self, String> {
        let allowed = super::allowed_networks(limits)?;
        let timeout = TIMEOUT.min(Duration::from_secs(limits.timeout_s));
        let client = reqwest::Client::builder()
            .user_agent(&limits.user_agent)
            .redirect(redirect::Policy::none())
            .no_proxy()
            .timeout(timeout)
            .connect_timeout(timeout.min(CONNECT))
            .dns_resolver(Arc::new(GuardedResolver { allowed: allowed.clone() }))
            .tls_backend_preconfigured(authorities::of_the_system().map_err(|e| format!("TLS : {e}"))?)
            .build()
            .map_err(|e| format!("client HTTP : {e}"))?;
        Ok(Self { client, allowed, timeout })
    }

    /// Posts a document with these headers: a JSON document, where they name no other kind.
    pub async fn post(&self, url: &Url, headers: &[(&str, String)], body: Vec<u8>, now: DateTime<Utc>) -> Posted {
        if let Err(what) = guard::check_literal(url, &self.allowed) {
            return Posted::Forbidden(what);
        }
        let mut request = self.client.post(url.clone()).body(body);
        if !headers.iter().any(|(name, _)| *name == "content-type") {
            request = request.header("content-type", "application/json");
        }
        for (name, value) in headers {
            request = request.header(*name, value);
        }
        let response = match request.send().await {
            Ok(response) => response,
            Err(e) => return failed(&e, self.timeout),
        };
        let status = response.status().as_u16();
        let retry_after = retry_after(response.headers(), now);
        let mut words = Vec::new();
        let mut stream = response.bytes_stream();
        // The status says what came of it; what is said beside it may be cut.
        while let Some(Ok(chunk)) = stream.next().await {
            words.extend_from_slice(&chunk[..chunk.len().min(MAX_ANSWER - words.len())]);
            if words.len() >= MAX_ANSWER {
                break;
            }
        }
        Posted::Status { status, retry_after, words: String::from_utf8_lossy(&words).into_owned() }
    }
}

fn failed(error: &reqwest::Error, timeout: Duration) -> Posted {
    if let Some(what) = guard::refused(error) {
        return Posted::Forbidden(what);
    }
    if error.is_connect() {
        return Posted::NotConnected(format!("connexion impossible ({})", root_cause(error)));
    }
    if error.is_timeout() {
        return Posted::Lost(format!("pas de réponse en {} s", timeout.as_secs()));
    }
    Posted::Lost(format!("réponse interrompue ({})", root_cause(error)))
}

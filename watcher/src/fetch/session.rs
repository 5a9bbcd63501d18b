//! Cookies of one source: sent back to the host that set them, kept across polls and restarts as part of the source's
//! memory. Never printed.

use std::sync::{Mutex, PoisonError};

use cookie_store::CookieStore;
use reqwest::header::{self, HeaderMap, HeaderValue};
use url::Url;

/// The cookies.
#[derive(Default)]
pub struct Session {
    cookies: Mutex<CookieStore>,
}

impl std::fmt::Debug for Session {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Session(…)")
    }
}

impl Session {
    /// The cookies kept as [`Session::save`] wrote them; none when that is unreadable.
    #[must_use]
    pub fn read(saved: &str) -> Self {
        let cookies = cookie_store::serde::json::load_all(saved.as_bytes()).unwrap_or_default();
        Self { cookies: Mutex::new(cookies) }
    }

    /// A session that holds cookies given by hand, as `Cookie` writes them: `a=1; b=2`.
    pub fn set(&self, url: &Url, header: &str) {
        let mut cookies = self.cookies.lock().unwrap_or_else(PoisonError::into_inner);
        for pair in header.split(';').map(str::trim).filter(|p| p.contains('=')) {
            let _ = cookies.parse(pair, url);
        }
    }

    /// The cookies, session cookies included, to be kept until the next poll.
    #[must_use]
    pub fn save(&self) -> String {
        let mut out = Vec::new();
        let cookies = self.cookies.lock().unwrap_or_else(PoisonError::into_inner);
        match cookie_store::serde::json::save_incl_expired_and_nonpersistent(&cookies, &mut out) {
            Ok(()) => String::from_utf8(out).unwrap_or_default(),
            Err(_) => String::new(),
        }
    }

    /// Whether it holds no cookie.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.cookies.lock().unwrap_or_else(PoisonError::into_inner).iter_any().next().is_none()
    }

    /// Forgets everything: the site does not know us any more.
    pub fn forget(&self) {
        self.cookies.lock().unwrap_or_else(PoisonError::into_inner).clear();
    }

    pub(super) fn header(&self, url: &Url) -> Option<HeaderValue> {
        let cookies = self.cookies.lock().unwrap_or_else(PoisonError::into_inner);
        let line: Vec<String> =
            cookies.get_request_values(url).map(|(name, value)| format!("{name}={value}")).collect();
        let mut value = HeaderValue::from_str(&line.join("; ")).ok().filter(|_| !line.is_empty())?;
        value.set_sensitive(true);
        Some(value)
    }

    pub(super) fn keep(&self, url: &Url, headers: &HeaderMap) {
        let mut cookies = self.cookies.lock().unwrap_or_else(PoisonError::into_inner);
        for set in headers.get_all(header::SET_COOKIE).iter().filter_map(|v| v.to_str().ok()) {
            // A cookie for another site, or a malformed one, is dropped, as a browser does.
            let _ = cookies.parse(set, url);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cookies_go_back_to_their_site_only_and_outlive_a_restart() {
        let (site, other) = (Url::parse("https://a.example/x").unwrap(), Url::parse("https://b.example/").unwrap());
        let session = Session::default();
        let mut headers = HeaderMap::new();
        headers.append(header::SET_COOKIE, HeaderValue::from_static("sid=42; Path=/; HttpOnly"));
        headers.append(header::SET_COOKIE, HeaderValue::from_static("foreign=1; Domain=b.example"));
        session.keep(&site, &headers);
        let again = Session::read(&session.save());
        assert_eq!(again.header(&site).unwrap(), "sid=42");
        assert!(again.header(&other).is_none());
        assert!(!again.is_empty());
        again.forget();
        assert!(again.is_empty());
        assert!(again.header(&site).is_none());
    }
}

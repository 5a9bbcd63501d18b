//! robots.txt (RFC 9309) of the hosts whose pages are crawled, remembered for a day.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use chrono::{DateTime, Duration, Utc};
use texting_robots::Robot;
use url::Url;

/// How long rules are trusted (RFC 9309 §2.4: not more than 24 hours).
const FRESH: Duration = Duration::hours(24);
/// Largest file read (RFC 9309 §2.5: at least 500 KiB).
const MAX_BYTES: usize = 500 * 1024;

/// A host's file, and when it was read.
type Rules = (DateTime<Utc>, Vec<u8>);

/// What is known of each host.
#[derive(Default)]
pub(super) struct Robots {
    hosts: Mutex<HashMap<String, Rules>>,
}

/// The name that rules are written for: the first word of the user agent, without its version.
pub(super) fn product_token(user_agent: &str) -> &str {
    user_agent.split(['/', ' ', '(']).next().unwrap_or_default()
}

impl Robots {
    /// Whether the page may be crawled, where fresh rules are known.
    pub(super) fn known(&self, url: &Url, agent: &str, now: DateTime<Utc>) -> Option<bool> {
        let hosts = self.hosts.lock().unwrap_or_else(PoisonError::into_inner);
        let (_, rules) = hosts.get(&url.origin().ascii_serialization()).filter(|(read, _)| now - *read < FRESH)?;
        Some(Robot::new(agent, rules).map_or(true, |r| r.allowed(url.as_str())))
    }

    /// Keeps a host's rules.
    pub(super) fn learn(&self, url: &Url, mut rules: Vec<u8>, now: DateTime<Utc>) {
        rules.truncate(MAX_BYTES);
        let mut hosts = self.hosts.lock().unwrap_or_else(PoisonError::into_inner);
        hosts.insert(url.origin().ascii_serialization(), (now, rules));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rules_hold_for_their_host_and_a_day() {
        let robots = Robots::default();
        let now = Utc::now();
        let page = Url::parse("https://a.example/private/1").unwrap();
        assert_eq!(robots.known(&page, "Vigie", now), None);
        robots.learn(&page, b"User-agent: *\nDisallow: /private/\n".to_vec(), now);
        assert_eq!(robots.known(&page, "Vigie", now), Some(false));
        assert_eq!(robots.known(&page.join("/public").unwrap(), "Vigie", now), Some(true));
        assert_eq!(robots.known(&page, "Vigie", now + Duration::hours(25)), None);
        assert_eq!(robots.known(&Url::parse("https://b.example/private/1").unwrap(), "Vigie", now), None);
    }

    #[test]
    fn rules_for_us_count_before_those_for_all() {
        let robots = Robots::default();
        let now = Utc::now();
        let page = Url::parse("https://a.example/x").unwrap();
        robots.learn(&page, b"User-agent: *\nAllow: /\n\nUser-agent: vigie\nDisallow: /\n".to_vec(), now);
        let agent = product_token("Vigie/0.1 (contact)");
        assert_eq!(robots.known(&page, agent, now), Some(false));
    }
}

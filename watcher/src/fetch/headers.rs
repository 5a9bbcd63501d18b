//! What answers say about time and quota: pauses, freshness, requests left.

use chrono::{DateTime, Utc};
use reqwest::header::{self, HeaderMap};

/// Longest pause taken from a header, so that a server's mistake does not silence a source for months.
const MAX_PAUSE: chrono::Duration = chrono::Duration::days(1);

pub(super) fn retry_after(headers: &HeaderMap, now: DateTime<Utc>) -> Option<chrono::Duration> {
    let asked = headers.get(header::RETRY_AFTER).and_then(|v| v.to_str().ok()).and_then(|text| pause(text, now));
    let quota_reset =
        || headers.get("x-ratelimit-reset").and_then(|v| v.to_str().ok()).and_then(|text| pause(text, now));
    asked.or_else(quota_reset).map(|p| p.min(MAX_PAUSE))
}

/// Retry-After comes as seconds or as a date (RFC 9110 §10.2.3); Opendatasoft's reset as a date or an epoch. None at all, or one
/// that is over, is no wait: whoever asks takes their own.
fn pause(text: &str, now: DateTime<Utc>) -> Option<chrono::Duration> {
    let text = text.trim();
    let asked = match text.parse::<i64>() {
        Ok(n) if n > 1_000_000_000 => DateTime::from_timestamp(n, 0)? - now,
        Ok(n) => chrono::Duration::try_seconds(n)?,
        Err(_) => {
            let at = DateTime::parse_from_rfc2822(text).or_else(|_| DateTime::parse_from_rfc3339(text)).ok()?;
            at.with_timezone(&Utc) - now
        }
    };
    Some(asked).filter(|wait| *wait > chrono::Duration::zero())
}

/// `max-age` first, then `Expires`.
pub(super) fn fresh_until(headers: &HeaderMap, now: DateTime<Utc>) -> Option<DateTime<Utc>> {
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

pub(super) fn quota(headers: &HeaderMap) -> Option<(u64, u64)> {
    let number = |name: &str| headers.get(name)?.to_str().ok()?.trim().parse().ok();
    Some((number("x-ratelimit-remaining")?, number("x-ratelimit-limit")?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_are_read_as_seconds_dates_and_epochs() {
        let now = DateTime::parse_from_rfc3339("2026-11-21T12:00:00Z").unwrap().with_timezone(&Utc);
        assert_eq!(pause("120", now), Some(chrono::Duration::seconds(120)));
        assert_eq!(pause("Sat, 21 Nov 2026 12:05:00 GMT", now), Some(chrono::Duration::minutes(5)));
        assert_eq!(pause("2026-11-22T00:00:00Z", now), Some(chrono::Duration::hours(12)));
        for none in
            ["soon", "0", "-1", "-99999999999", "Thu, 01 Jan 1970 00:00:00 GMT", "1600000000", "99999999999999999999"]
        {
            assert_eq!(pause(none, now), None, "{none}");
        }
    }
}

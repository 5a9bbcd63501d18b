//! When a source is due. Pure: the clock and what is known of the source come in.

use std::hash::{DefaultHasher, Hash, Hasher};

use chrono::{DateTime, Duration, Utc};
use chrono_tz::Europe::Paris;
use cron::Schedule;

/// Longest back-off after failures: a source that fails is asked at least once a day, and never given up.
const MAX_BACK_OFF: Duration = Duration::days(1);
/// Largest share of the interval by which polls are spread.
const JITTER_SHARE: i32 = 10;
/// Largest spread.
const MAX_JITTER: Duration = Duration::minutes(5);

/// How the last poll ended.
#[derive(Debug, Clone, Copy, Default)]
pub struct LastPoll {
    /// Failures in a row.
    pub failures: u32,
    /// The server asked not to come back before.
    pub not_before: Option<DateTime<Utc>>,
}

/// The next moment to poll `source`: the schedule's next time (read in Europe/Paris), spread so that sources do not
/// arrive as a herd, later after failures, never before what the server asked.
#[must_use]
pub fn next_due(source: &str, schedule: &Schedule, last: LastPoll, now: DateTime<Utc>) -> DateTime<Utc> {
    let mut upcoming = schedule.after(&now.with_timezone(&Paris)).map(|t| t.with_timezone(&Utc));
    let first = upcoming.next().unwrap_or(now + MAX_BACK_OFF);
    let interval = upcoming.next().map_or(MAX_BACK_OFF, |second| second - first);
    let scheduled = first + jitter(source, interval);
    let backed_off = match last.failures {
        0 | 1 => scheduled,
        n => {
            let doubled = interval.checked_mul(1 << (n - 1).min(10)).unwrap_or(MAX_BACK_OFF);
            scheduled.max(now + doubled.min(MAX_BACK_OFF))
        }
    };
    last.not_before.map_or(backed_off, |t| t.max(backed_off))
}

/// The same spread for the same source, whatever the process.
fn jitter(source: &str, interval: Duration) -> Duration {
    let largest = (interval / JITTER_SHARE).min(MAX_JITTER).num_milliseconds().max(1);
    let mut hasher = DefaultHasher::new();
    source.hash(&mut hasher);
    Duration::milliseconds(i64::try_from(hasher.finish() % largest.unsigned_abs()).unwrap_or(0))
}

#[cfg(test)]
mod tests {
    use std::str::FromStr;

    use super::*;

    fn every_twenty_minutes() -> Schedule {
        Schedule::from_str("0 */20 * * * *").unwrap()
    }

    fn now() -> DateTime<Utc> {
        DateTime::parse_from_rfc3339("2026-11-21T12:01:00Z").unwrap().with_timezone(&Utc)
    }

    #[test]
    fn two_sources_with_one_schedule_do_not_arrive_together() {
        let due = |id| next_due(id, &every_twenty_minutes(), LastPoll::default(), now());
        assert_ne!(due("a"), due("b"));
        for id in ["a", "b"] {
            let late = due(id) - DateTime::parse_from_rfc3339("2026-11-21T12:20:00Z").unwrap().with_timezone(&Utc);
            assert!(late >= Duration::zero() && late <= Duration::minutes(2), "{late}");
        }
    }

    #[test]
    fn failures_back_off_to_a_day_and_no_further() {
        let due =
            |failures| next_due("a", &every_twenty_minutes(), LastPoll { failures, not_before: None }, now()) - now();
        assert!(due(4) >= Duration::hours(2), "{}", due(4));
        assert!(due(60) <= Duration::hours(25), "{}", due(60));
    }

    #[test]
    fn what_the_server_asks_is_obeyed() {
        let not_before = Some(now() + Duration::hours(5));
        assert_eq!(
            Some(next_due("a", &every_twenty_minutes(), LastPoll { failures: 0, not_before }, now())),
            not_before
        );
    }
}

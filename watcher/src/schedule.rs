//! When a source is due. Pure: the clock and what is known of the source come in.

use std::hash::{DefaultHasher, Hash, Hasher};

use chrono::{DateTime, Duration, Offset, Timelike, Utc};
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
    let first = next_time(schedule, now).unwrap_or(now + MAX_BACK_OFF);
    let interval = next_time(schedule, first).map_or(MAX_BACK_OFF, |second| second - first);
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

/// The first moment after `now` at which clocks in Paris show a time of the schedule. An hour that comes twice is read both times where the
/// schedule goes on from the hour before, since what is polled every twenty minutes is then, too; what is due at an hour of the day is due
/// once on that day as on others.
fn next_time(schedule: &Schedule, now: DateTime<Utc>) -> Option<DateTime<Utc>> {
    let offset = |at: DateTime<Utc>| at.with_timezone(&Paris).offset().fix();
    // As clocks are set now, and as they are once they were changed.
    let set = [offset(now), offset(now + Duration::hours(2))];
    let changes = set[0] != set[1];
    let as_set = set.into_iter().take(1 + usize::from(changes)).filter_map(|set| {
        let times = schedule.after(&now.with_timezone(&set)).map(|t| t.with_timezone(&Utc));
        times.take(LOOKED_AT).find(|t| *t > now && offset(*t) == set && !comes_again(schedule, *t))
    });
    // Times that a change of clocks skips are found here.
    let read = schedule.after(&now.with_timezone(&Paris)).map(|t| t.with_timezone(&Utc));
    let read = read.take(LOOKED_AT).find(|t| *t > now && !comes_again(schedule, *t));
    as_set.chain(read).min()
}

/// Whether clocks show this time for the second time, and nothing is due in the hour before that one: the schedule names hours.
fn comes_again(schedule: &Schedule, at: DateTime<Utc>) -> bool {
    let shown = |at: DateTime<Utc>| at.with_timezone(&Paris).naive_local();
    let first = at - Duration::hours(1);
    if shown(first) != shown(at) {
        return false;
    }
    let hour = first - Duration::seconds(i64::from(shown(first).num_seconds_from_midnight() % 3_600));
    let set = first.with_timezone(&Paris).offset().fix();
    let before = hour - Duration::hours(1) - Duration::seconds(1);
    schedule.after(&before.with_timezone(&set)).next().is_none_or(|due| due.with_timezone(&Utc) >= hour)
}

/// Times of a schedule that are looked at: with one a second, more than an hour's.
const LOOKED_AT: usize = 4_000;

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

    /// F2: in the hour that comes twice, the next time was the one an hour ago, and a source was read at each look.
    #[test]
    fn in_the_hours_that_clocks_repeat_or_skip_the_next_time_is_later_and_near() {
        let at = |text: &str| DateTime::parse_from_rfc3339(text).unwrap().with_timezone(&Utc);
        for (cron, now, next) in [
            ("0 */20 * * * *", "2026-10-25T00:31:00Z", "2026-10-25T00:40:00Z"),
            ("0 */20 * * * *", "2026-10-25T00:41:00Z", "2026-10-25T01:00:00Z"),
            ("0 */20 * * * *", "2026-10-25T01:31:00Z", "2026-10-25T01:40:00Z"),
            ("0 */20 * * * *", "2026-10-25T01:59:59Z", "2026-10-25T02:00:00Z"),
            ("0 10 * * * *", "2026-10-25T01:15:00Z", "2026-10-25T02:10:00Z"),
            ("0 */30 * * * *", "2026-10-25T01:00:00Z", "2026-10-25T01:30:00Z"),
            ("0 10 7 * * *", "2026-10-25T01:31:00Z", "2026-10-25T06:10:00Z"),
            ("* * * * * *", "2026-10-25T01:31:00Z", "2026-10-25T01:31:01Z"),
            // healthchecks#196: what names an hour is due once.
            ("0 30 2 * * *", "2027-10-30T23:00:00Z", "2027-10-31T00:30:00Z"),
            ("0 30 2 * * *", "2027-10-31T00:31:00Z", "2027-11-01T01:30:00Z"),
            ("0 0 2 * * *", "2026-10-25T00:00:01Z", "2026-10-26T01:00:00Z"),
            ("0 15,45 2 * * *", "2026-10-25T00:46:00Z", "2026-10-26T01:15:00Z"),
            ("0 30 2-5 * * *", "2026-10-25T00:31:00Z", "2026-10-25T02:30:00Z"),
            // In March the hour from 2 to 3 is not there.
            ("0 */20 * * * *", "2026-03-29T00:41:00Z", "2026-03-29T01:00:00Z"),
            ("0 10 7 * * *", "2026-03-29T00:41:00Z", "2026-03-29T05:10:00Z"),
        ] {
            let schedule = Schedule::from_str(cron).unwrap();
            assert_eq!(next_time(&schedule, at(now)), Some(at(next)), "{cron} {now}");
        }
        // Around every change of three years, and whatever the minute, no time is in the past, nor further than it may be.
        for (day, hours) in [("2026-10-25", 4), ("2027-03-28", 4), ("2027-10-31", 4), ("2028-03-26", 4)] {
            for minute in 0..hours * 60 {
                let now = at(&format!("{day}T00:00:00Z")) + Duration::minutes(minute);
                let next = next_time(&every_twenty_minutes(), now).unwrap();
                assert!(next > now && next - now <= Duration::minutes(20), "{now} {next}");
            }
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

//! When digests go out. Digests are due by local date: one per local date, whatever the clock does.

use chrono::{DateTime, Datelike, Days, LocalResult, NaiveDate, NaiveTime, TimeZone, Utc, Weekday};
use chrono_tz::Tz;
use vigie_domain::Cadence;
use vigie_domain::cadence::Unit;
use vigie_domain::preferences;

/// Hour and day of digests.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DigestTimes {
    /// Local hour, 0–23.
    pub hour: u8,
    /// Day of the weekly one.
    pub weekday: Weekday,
    /// Days on which they come at all.
    pub days: preferences::Days,
    /// Whose local time.
    pub zone: Tz,
}

/// The first digest moment of that rhythm strictly after `now`. `None` for what does not wait for one.
///
/// Every n minutes or hours counts from local midnight of a fixed day, every n days on local dates at the hour of digests:
/// all of a person's subscriptions of one rhythm fall due together, and a restart changes nothing. One that would fall on a day
/// that is none of theirs comes on the next that is, at the hour of digests.
#[must_use]
pub fn next_digest(cadence: Cadence, times: DigestTimes, now: DateTime<Utc>) -> Option<DateTime<Utc>> {
    let at = due_at(cadence, times, now)?;
    let day = at.with_timezone(&times.zone).date_naive();
    match times.days.first_from(day) {
        own if own == day => Some(at),
        own => Some(at_local(own, times.hour, times.zone)),
    }
}

/// The same, on whatever day it falls.
fn due_at(cadence: Cadence, times: DigestTimes, now: DateTime<Utc>) -> Option<DateTime<Utc>> {
    match cadence {
        Cadence::Instant | Cadence::Auto | Cadence::Reserved => None,
        Cadence::Daily => next_day(times, now, 1, |_| true),
        Cadence::Weekly => next_day(times, now, 7, |day| day.weekday() == times.weekday),
        Cadence::Every(every) => match every.unit() {
            Unit::Days => next_day(times, now, every.n().into(), |day| {
                day.num_days_from_ce().rem_euclid(i32::from(every.n())) == 0
            }),
            Unit::Minutes | Unit::Hours => next_slot(i64::from(every.minutes()), times.zone, now),
        },
    }
}

/// The hour of digests on the first fitting local date after `now`; one of any `period` days in a row fits.
fn next_day(
    times: DigestTimes,
    now: DateTime<Utc>,
    period: u64,
    fits: impl Fn(NaiveDate) -> bool,
) -> Option<DateTime<Utc>> {
    let today = now.with_timezone(&times.zone).date_naive();
    (0..=period + 1)
        .filter_map(|n| today.checked_add_days(Days::new(n)))
        .filter(|day| fits(*day))
        .map(|day| at_local(day, times.hour, times.zone))
        .find(|at| *at > now)
}

/// The next multiple of `minutes` on the local clock. What a clock change skips or repeats counts once.
fn next_slot(minutes: i64, zone: Tz, now: DateTime<Utc>) -> Option<DateTime<Utc>> {
    let wall = now.with_timezone(&zone).naive_local().and_utc().timestamp().div_euclid(60);
    let first = (wall.div_euclid(minutes) + 1) * minutes;
    (0..).map(|n| first + n * minutes).take(2 + 120 / minutes.unsigned_abs() as usize).find_map(|slot| {
        let local = DateTime::from_timestamp(slot * 60, 0)?.naive_utc();
        zone.from_local_datetime(&local).earliest().map(|at| at.with_timezone(&Utc)).filter(|at| *at > now)
    })
}

/// That hour of that local date. In the hour a clock change skips, the moment right after the gap; in the one it repeats,
/// the first.
#[must_use]
pub fn at_local(day: NaiveDate, hour: u8, zone: Tz) -> DateTime<Utc> {
    let wall = day.and_time(NaiveTime::from_hms_opt(u32::from(hour.min(23)), 0, 0).unwrap_or_default());
    match zone.from_local_datetime(&wall) {
        LocalResult::Single(at) | LocalResult::Ambiguous(at, _) => at.with_timezone(&Utc),
        LocalResult::None => at_local(day, hour + 1, zone),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Every minute of the hours around each clock change from 2020 to 2035: from any of them, the next digest is the
    /// right one, and walking through them gives one digest a local date.
    #[test]
    fn one_digest_per_local_date_through_every_clock_change() {
        for hour in [0, 1, 2, 3, 8] {
            let times =
                DigestTimes { hour, weekday: Weekday::Mon, days: preferences::Days::ALL, zone: Tz::Europe__Paris };
            for year in 2020..=2035 {
                for month in [3, 10] {
                    let sunday = (25..=31)
                        .filter_map(|d| NaiveDate::from_ymd_opt(year, month, d))
                        .find(|d| d.weekday() == Weekday::Sun)
                        .unwrap();
                    let start = Tz::Europe__Paris
                        .from_local_datetime(&sunday.and_hms_opt(0, 59, 0).unwrap())
                        .earliest()
                        .unwrap()
                        .with_timezone(&Utc);
                    for minute in 0..240 {
                        let now = start + chrono::Duration::minutes(minute);
                        let next = next_digest(Cadence::Daily, times, now).unwrap();
                        assert!(next > now && next - now <= chrono::Duration::hours(25), "{now} {next}");
                    }
                    let mut seen = Vec::new();
                    let mut now = at_local(sunday - Days::new(3), 12, Tz::Europe__Paris);
                    while seen.len() < 6 {
                        now = next_digest(Cadence::Daily, times, now).unwrap();
                        seen.push(now.with_timezone(&Tz::Europe__Paris).date_naive());
                    }
                    assert!(seen.windows(2).all(|w| w[0].succ_opt() == Some(w[1])), "{seen:?}");
                }
            }
        }
    }

    /// From any minute around each clock change: what comes every n minutes, hours or days comes after `now`, within n and
    /// the hour that a clock change adds, and at a moment that is its own next-but-none.
    #[test]
    fn every_n_always_comes_and_in_time() {
        let times =
            DigestTimes { hour: 2, weekday: Weekday::Mon, days: preferences::Days::ALL, zone: Tz::Europe__Paris };
        for word in ["5min", "30min", "45min", "1h", "4h", "5h", "24h", "168h", "1d", "2d", "31d"] {
            let Cadence::Every(every) = word.parse().unwrap() else { panic!("{word}") };
            for start in ["2026-03-28T22:30:00Z", "2026-10-24T22:30:00Z", "2035-03-24T22:30:00Z"] {
                let start = DateTime::parse_from_rfc3339(start).unwrap().with_timezone(&Utc);
                for minute in 0..300 {
                    let now = start + chrono::Duration::minutes(minute);
                    let next = next_digest(Cadence::Every(every), times, now).unwrap();
                    let most = chrono::Duration::minutes(i64::from(every.minutes()) + 61);
                    assert!(next > now && next - now <= most, "{word}: {now} {next}");
                    let again = next_digest(Cadence::Every(every), times, next - chrono::Duration::seconds(1));
                    assert!(again <= Some(next), "{word}: nothing is skipped on the way to {next}");
                }
            }
        }
    }

    #[test]
    fn the_weekly_digest_comes_on_its_day() {
        let times =
            DigestTimes { hour: 8, weekday: Weekday::Mon, days: preferences::Days::ALL, zone: Tz::Europe__Paris };
        let now = DateTime::parse_from_rfc3339("2026-11-21T12:00:00Z").unwrap().with_timezone(&Utc);
        assert_eq!(
            next_digest(Cadence::Weekly, times, now).map(|t| t.to_rfc3339()).as_deref(),
            Some("2026-11-23T07:00:00+00:00")
        );
        assert_eq!(next_digest(Cadence::Instant, times, now), None);
    }

    /// Whoever wants no digest at the week's end has it on Monday, once, whatever the rhythm; the weekly one comes on the first day
    /// that is theirs.
    #[test]
    fn digests_come_on_the_days_that_were_chosen() {
        let paris = |text: &str| DateTime::parse_from_rfc3339(text).unwrap().with_timezone(&Utc);
        let times =
            DigestTimes { hour: 8, weekday: Weekday::Mon, days: preferences::Days::WORKING, zone: Tz::Europe__Paris };
        let friday = paris("2026-11-20T09:00:00+01:00");
        let monday = paris("2026-11-23T08:00:00+01:00");
        assert_eq!(next_digest(Cadence::Daily, times, friday), Some(monday));
        assert_eq!(next_digest(Cadence::Daily, times, paris("2026-11-22T20:00:00+01:00")), Some(monday));
        assert_eq!(next_digest("4h".parse().unwrap(), times, paris("2026-11-20T22:00:00+01:00")), Some(monday));
        let tuesdays = DigestTimes { days: preferences::Days::parse("mardi, jeudi").unwrap(), ..times };
        assert_eq!(next_digest(Cadence::Weekly, tuesdays, friday), Some(paris("2026-11-24T08:00:00+01:00")));
    }
}

//! When digests go out. Digests are due by local date: one per local date, whatever the clock does.

use chrono::{DateTime, Datelike, Days, LocalResult, NaiveDate, NaiveTime, TimeZone, Utc, Weekday};
use chrono_tz::Tz;
use vigie_domain::Cadence;

/// Hour and day of digests.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DigestTimes {
    /// Local hour, 0–23.
    pub hour: u8,
    /// Day of the weekly one.
    pub weekday: Weekday,
    /// Whose local time.
    pub zone: Tz,
}

/// The first digest moment of that rhythm strictly after `now`. `None` for what does not wait for one.
#[must_use]
pub fn next_digest(cadence: Cadence, times: DigestTimes, now: DateTime<Utc>) -> Option<DateTime<Utc>> {
    let local = now.with_timezone(&times.zone).date_naive();
    let fits = |day: NaiveDate| cadence == Cadence::Daily || day.weekday() == times.weekday;
    match cadence {
        Cadence::Instant | Cadence::Auto => None,
        // Two weeks ahead always hold one of each weekday.
        Cadence::Daily | Cadence::Weekly => (0..15)
            .filter_map(|n| local.checked_add_days(Days::new(n)))
            .filter(|day| fits(*day))
            .map(|day| at_local(day, times.hour, times.zone))
            .find(|at| *at > now),
    }
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
            let times = DigestTimes { hour, weekday: Weekday::Mon, zone: Tz::Europe__Paris };
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

    #[test]
    fn the_weekly_digest_comes_on_its_day() {
        let times = DigestTimes { hour: 8, weekday: Weekday::Mon, zone: Tz::Europe__Paris };
        let now = DateTime::parse_from_rfc3339("2026-11-21T12:00:00Z").unwrap().with_timezone(&Utc);
        assert_eq!(
            next_digest(Cadence::Weekly, times, now).map(|t| t.to_rfc3339()).as_deref(),
            Some("2026-11-23T07:00:00+00:00")
        );
        assert_eq!(next_digest(Cadence::Instant, times, now), None);
    }
}

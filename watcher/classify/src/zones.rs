//! Local times: a deadline without a zone is local time where the buyer is (Europe/Paris, or the overseas territory's).

use chrono::{DateTime, FixedOffset, LocalResult, NaiveDate, NaiveDateTime, NaiveTime, TimeZone, Utc};
use chrono_tz::Tz;
use vigie_domain::Department;

/// The day it is in Paris: publishers date their notices by it.
#[must_use]
pub fn paris_day(at: DateTime<Utc>) -> NaiveDate {
    at.with_timezone(&Tz::Europe__Paris).date_naive()
}

/// Whether a day is one that a notice may speak of: beyond, somebody mistyped, or means harm.
#[must_use]
pub fn is_plausible(day: NaiveDate) -> bool {
    (1950..=2100).contains(&chrono::Datelike::year(&day))
}

/// The zone of a buyer in `department`, or Europe/Paris.
#[must_use]
pub fn zone(department: Option<&Department>) -> Tz {
    department.map_or(Tz::Europe__Paris, |d| d.time_zone().parse().unwrap_or(Tz::Europe__Paris))
}

/// The clock that a time is told by.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Clock {
    /// That of a territory, summer time included.
    Zone(Tz),
    /// So far from UTC.
    Offset(FixedOffset),
}

impl Clock {
    /// The moment at which this clock shows `at`.
    #[must_use]
    pub fn at(self, at: NaiveDateTime) -> DateTime<FixedOffset> {
        match self {
            Self::Zone(zone) => local(at, zone),
            // An offset that does not change shows each time once.
            Self::Offset(offset) => {
                offset.from_local_datetime(&at).single().unwrap_or_else(|| at.and_utc().fixed_offset())
            }
        }
    }
}

/// The zone whose clock a word (folded: small letters without accents) names, as in "heure de La Réunion".
#[must_use]
pub fn named(word: &str) -> Option<Tz> {
    Some(match word {
        "paris" | "metropole" | "metropolitaine" | "france" => Tz::Europe__Paris,
        "reunion" => Tz::Indian__Reunion,
        "mayotte" | "mamoudzou" => Tz::Indian__Mayotte,
        "guadeloupe" | "antilles" => Tz::America__Guadeloupe,
        "martinique" => Tz::America__Martinique,
        "guyane" | "cayenne" => Tz::America__Cayenne,
        "miquelon" => Tz::America__Miquelon,
        "caledonie" | "noumea" => Tz::Pacific__Noumea,
        "tahiti" | "papeete" | "polynesie" => Tz::Pacific__Tahiti,
        "wallis" => Tz::Pacific__Wallis,
        "utc" | "gmt" => Tz::UTC,
        _ => return None,
    })
}

/// A wall-clock time in `zone`. In the hour that a clock change skips or repeats, the earlier reading: a deadline read
/// too early costs nothing.
#[must_use]
pub fn local(at: NaiveDateTime, zone: Tz) -> DateTime<FixedOffset> {
    match zone.from_local_datetime(&at) {
        LocalResult::Single(t) | LocalResult::Ambiguous(t, _) => t.fixed_offset(),
        LocalResult::None => local(at - chrono::Duration::hours(1), zone),
    }
}

/// A deadline as feeds and forms write it, with whether a time of day was given.
///
/// Six shapes are in use: `2026-03-18T12:00:00`, with `.000`, with `+01:00`, with both, with `Z`, and a bare date (also
/// with an offset glued on: `2025-12-15+01:00`). Without a zone the time is local; a bare date ends at 23:59.
#[must_use]
pub fn deadline(text: &str, zone: Tz) -> Option<(DateTime<FixedOffset>, bool)> {
    let text = text.trim();
    if let Ok(at) = DateTime::parse_from_rfc3339(text) {
        return Some((at, true)).filter(|(at, _)| is_plausible(at.date_naive()));
    }
    let date = day_of(text)?;
    let rest = text[10..].trim_start_matches(['T', ' ']);
    if rest.is_empty() || rest == "Z" || is_offset(rest) {
        return Some((local(date.and_time(end_of_day()), zone), false));
    }
    combine(date, rest, None, zone).map(|at| (at, true))
}

/// A date and a time that stand in two elements (eForms `EndDate`, `EndTime`); the time's offset counts before the
/// date's.
#[must_use]
pub fn date_and_time(date: &str, time: Option<&str>, zone: Tz) -> Option<(DateTime<FixedOffset>, bool)> {
    let day = day_of(date.trim())?;
    match time.map(str::trim).filter(|t| !t.is_empty()) {
        Some(time) => combine(day, time, date.trim().get(10..), zone).map(|at| (at, true)),
        None => Some((local(day.and_time(end_of_day()), zone), false)),
    }
}

/// The day at the start of a text, `2026-11-19`, with whatever follows; `None` where no notice speaks of such a day.
#[must_use]
pub fn day_of(text: &str) -> Option<NaiveDate> {
    NaiveDate::parse_from_str(text.get(..10)?, "%Y-%m-%d").ok().filter(|day| is_plausible(*day))
}

fn combine(day: NaiveDate, time: &str, date_offset: Option<&str>, zone: Tz) -> Option<DateTime<FixedOffset>> {
    let clock_end = time.find(['+', '-', 'Z']).unwrap_or(time.len());
    let (clock, offset) = time.split_at(clock_end);
    let clock = clock.split('.').next().unwrap_or(clock);
    let clock =
        NaiveTime::parse_from_str(clock, "%H:%M:%S").or_else(|_| NaiveTime::parse_from_str(clock, "%H:%M")).ok()?;
    let at = day.and_time(clock);
    let offset = if offset.is_empty() { date_offset.unwrap_or_default() } else { offset };
    Some(match offset {
        "" => local(at, zone),
        "Z" => at.and_utc().fixed_offset(),
        written => written.parse::<FixedOffset>().ok()?.from_local_datetime(&at).single()?,
    })
}

fn is_offset(text: &str) -> bool {
    text.parse::<FixedOffset>().is_ok()
}

fn end_of_day() -> NaiveTime {
    NaiveTime::from_hms_opt(23, 59, 0).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> String {
        deadline(text, Tz::Europe__Paris).map(|(at, _)| at.to_rfc3339()).unwrap_or_default()
    }

    #[test]
    fn the_six_shapes_of_a_deadline_are_read() {
        for (given, read_as) in [
            ("2026-03-18T12:00:00", "2026-03-18T12:00:00+01:00"),
            ("2026-07-18T12:00:00.000", "2026-07-18T12:00:00+02:00"),
            ("2026-03-18T12:00:00+01:00", "2026-03-18T12:00:00+01:00"),
            ("2026-03-18T12:00:00.000+01:00", "2026-03-18T12:00:00+01:00"),
            ("2026-03-18T11:00:00Z", "2026-03-18T11:00:00+00:00"),
            ("2026-03-18", "2026-03-18T23:59:00+01:00"),
            ("2025-12-15+01:00", "2025-12-15T23:59:00+01:00"),
        ] {
            assert_eq!(read(given), read_as, "{given}");
        }
        for wrong in ["bientôt", "0026-03-18", "+26214-1-1", "9999-12-31T23:59:00Z"] {
            assert_eq!(read(wrong), "", "{wrong}");
        }
    }

    #[test]
    fn overseas_times_are_their_own() {
        let zone = zone(Department::parse("974").as_ref());
        assert_eq!(
            deadline("2026-03-18T12:00:00", zone).map(|d| d.0.to_rfc3339()),
            Some("2026-03-18T12:00:00+04:00".into())
        );
    }

    #[test]
    fn separate_date_and_time_are_joined() {
        let joined = date_and_time("2025-12-15+01:00", Some("12:00:00.000+01:00"), Tz::Europe__Paris);
        assert_eq!(joined.map(|d| d.0.to_rfc3339()), Some("2025-12-15T12:00:00+01:00".into()));
        let no_time = date_and_time("2025-12-15+01:00", None, Tz::Europe__Paris);
        assert_eq!(no_time.map(|d| d.1), Some(false));
    }

    #[test]
    fn the_skipped_hour_is_no_hole() {
        let at = NaiveDate::from_ymd_opt(2026, 3, 29).and_then(|d| d.and_hms_opt(2, 30, 0)).unwrap();
        assert!(local(at, Tz::Europe__Paris).to_rfc3339().starts_with("2026-03-29T"));
    }
}

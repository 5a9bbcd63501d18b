//! Moments as programs of other countries and other ages write them (« Nov 20, 2026 3:04 PM », « Friday, 20-Nov-26 15:04:05 GMT »,
//! `20261120T150405Z`, seconds since 1970). Pure; asked only where no standard and no French writing fits.

use chrono::{DateTime, FixedOffset, NaiveDate, NaiveDateTime, NaiveTime, TimeZone, Utc};
use chrono_tz::Europe::Paris;

use crate::zones;

/// Shapes of a moment, without the day of the week, commas and zone. A year of four figures comes before one of two.
const MOMENTS: [&str; 9] = [
    "%B %d %Y %I:%M:%S %p",
    "%B %d %Y %I:%M %p",
    "%B %d %Y %H:%M:%S",
    "%B %d %Y %H:%M",
    "%B %d %H:%M:%S %Y",
    "%d-%B-%Y %H:%M:%S",
    "%d-%B-%Y %H:%M",
    "%d-%B-%y %H:%M:%S",
    "%Y%m%dT%H%M%S",
];
/// Shapes of a day.
const DAYS: [&str; 4] = ["%B %d %Y", "%d-%B-%Y", "%d-%B-%y", "%Y%m%d"];

/// The moment meant, in Paris where no zone is told; a day alone ends at 23:59.
pub(super) fn moment(text: &str) -> Option<DateTime<Utc>> {
    if text.bytes().all(|b| b.is_ascii_digit()) {
        match text.len() {
            10 => return DateTime::from_timestamp(text.parse().ok()?, 0),
            13 => return DateTime::from_timestamp_millis(text.parse().ok()?),
            _ => {}
        }
    }
    let told = text.rsplit_once(' ').filter(|(_, zone)| zone.len() == 5 && zone.starts_with(['+', '-']));
    let (text, offset) = match (told, text.strip_suffix('Z')) {
        (Some((before, zone)), _) => (before, Some(zone.parse::<FixedOffset>().ok()?)),
        (None, Some(before)) => (before, FixedOffset::east_opt(0)),
        (None, None) => (text, None),
    };
    let words: Vec<&str> = text.split([' ', ',']).filter(|w| !w.is_empty() && !is_weekday(w)).collect();
    let bare = words.join(" ");
    let moments = MOMENTS.iter().filter_map(|shape| NaiveDateTime::parse_from_str(&bare, shape).ok());
    let days = DAYS.iter().filter_map(|shape| NaiveDate::parse_from_str(&bare, shape).ok());
    let ends = NaiveTime::from_hms_opt(23, 59, 0).unwrap_or_default();
    let at = moments.chain(days.map(|day| day.and_time(ends))).find(|at| zones::is_plausible(at.date()))?;
    let at = match offset {
        Some(offset) => offset.from_local_datetime(&at).single()?,
        None => zones::local(at, Paris),
    };
    Some(at.with_timezone(&Utc))
}

fn is_weekday(word: &str) -> bool {
    const NAMES: [&str; 7] = ["monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"];
    let word = word.trim_end_matches('.').to_ascii_lowercase();
    word.len() >= 3 && NAMES.iter().any(|name| name.starts_with(&word))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Attack (miniflux#2159): dates that no standard knows.
    #[test]
    fn moments_of_other_programs_are_read() {
        for (written, utc) in [
            ("Fri, Nov 20 2026 08:28:28 PM", "2026-11-20T19:28"),
            ("Nov 20, 2026 3:04 PM", "2026-11-20T14:04"),
            ("November 20, 2026", "2026-11-20T22:59"),
            ("20-Nov-2026", "2026-11-20T22:59"),
            ("20-Nov-26 15:04:05", "2026-11-20T14:04"),
            ("Friday, 20-Nov-26 15:04:05 +0000", "2026-11-20T15:04"),
            ("Fri Nov 20 15:04:05 2026", "2026-11-20T14:04"),
            ("20261120T150405Z", "2026-11-20T15:04"),
            ("20261120", "2026-11-20T22:59"),
            ("1795186800", "2026-11-20T15:00"),
            ("1795186800000", "2026-11-20T15:00"),
        ] {
            let read = moment(written).map(|at| at.format("%Y-%m-%dT%H:%M").to_string());
            assert_eq!(read.as_deref(), Some(utc), "{written}");
        }
        for nothing in ["", "Nov 31, 2026", "Foo 20, 2026", "20-Nov-0026", "123", "Fri", "+0100", "20262020T150405Z"] {
            assert_eq!(moment(nothing), None, "{nothing}");
        }
    }
}

//! Days on which people work in France: what must be done the day before is said on one of them. Pure.
//!
//! Public holidays are those of the Code du travail, article L3133-1; those of Alsace-Moselle and of overseas are left out.

use chrono::{Datelike, Days, NaiveDate, Weekday};

/// The last day before `day` on which people work.
#[must_use]
pub fn before(day: NaiveDate) -> NaiveDate {
    let mut earlier = day;
    while let Some(previous) = earlier.checked_sub_days(Days::new(1)) {
        earlier = previous;
        if is_worked(earlier) {
            break;
        }
    }
    earlier
}

/// Whether people work on that day.
#[must_use]
pub fn is_worked(day: NaiveDate) -> bool {
    !matches!(day.weekday(), Weekday::Sat | Weekday::Sun) && !is_holiday(day)
}

fn is_holiday(day: NaiveDate) -> bool {
    const FIXED: [(u32, u32); 8] = [(1, 1), (5, 1), (5, 8), (7, 14), (8, 15), (11, 1), (11, 11), (12, 25)];
    let moving = || {
        let after = |days| easter(day.year()).and_then(|e| e.checked_add_days(Days::new(days)));
        // Easter Monday, Ascension, Whit Monday.
        [1, 39, 50].into_iter().any(|days| after(days) == Some(day))
    };
    FIXED.contains(&(day.month(), day.day())) || moving()
}

/// Easter Sunday of a year (the anonymous Gregorian computus, Meeus, Astronomical Algorithms, chapter 8).
fn easter(year: i32) -> Option<NaiveDate> {
    let (a, b, c) = (year % 19, year / 100, year % 100);
    let (d, e, f) = (b / 4, b % 4, (b + 8) / 25);
    let g = (b - f + 1) / 3;
    let h = (19 * a + b - d - g + 15) % 30;
    let (i, k) = (c / 4, c % 4);
    let l = (32 + 2 * e + 2 * i - h - k) % 7;
    let m = (a + 11 * h + 22 * l) / 451;
    let sum = h + l - 7 * m + 114;
    NaiveDate::from_ymd_opt(year, u32::try_from(sum / 31).ok()?, u32::try_from(sum % 31 + 1).ok()?)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn day(text: &str) -> NaiveDate {
        text.parse().unwrap()
    }

    #[test]
    fn the_day_before_is_one_on_which_people_work() {
        for (of, wanted) in [
            ("2027-01-14", "2027-01-13"),
            ("2027-01-11", "2027-01-08"),
            ("2027-03-30", "2027-03-26"), // after Easter Monday
            ("2027-05-07", "2027-05-05"), // after Ascension Day
            ("2026-12-28", "2026-12-24"), // Christmas on a Friday
        ] {
            assert_eq!(before(day(of)), day(wanted), "{of}");
        }
    }

    #[test]
    fn easter_falls_where_calendars_say() {
        for (year, wanted) in [(2024, "2024-03-31"), (2025, "2025-04-20"), (2026, "2026-04-05"), (2038, "2038-04-25")] {
            assert_eq!(easter(year), Some(day(wanted)));
        }
    }
}

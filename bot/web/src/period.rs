//! The months and years that pages show, as their addresses name them (`2026-11`, `2026`); they begin and end in Paris.

use chrono::{DateTime, Datelike, Months, NaiveDate, Utc};
use chrono_tz::Europe::Paris;
use vigie_domain::french;
use vigie_service::clauses;

/// Its first moment, and the first after it, in Paris.
pub(crate) type Bounds = (DateTime<Utc>, DateTime<Utc>);

/// A month, or a year.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Period {
    first: NaiveDate,
    /// 1 or 12.
    months: u32,
}

impl Period {
    /// The one that `text` names (`2026-11`, `2026`), or this month.
    pub(crate) fn named(text: &str, now: DateTime<Utc>) -> Option<Self> {
        match text.len() {
            4 => named(&format!("{text}-01"), now).map(|first| Self { first, months: 12 }),
            _ => named(text, now).map(|first| Self { first, months: 1 }),
        }
    }

    /// The year that `text` names, or this one; of those to come, none.
    pub(crate) fn year_named(text: &str, now: DateTime<Utc>) -> Option<Self> {
        let this = now.with_timezone(&Paris).format("%Y").to_string();
        let begun = |p: &Self| p.is_year() && p.bounds().is_some_and(|(from, _)| from <= now);
        Self::named(text, now).filter(begun).or_else(|| Self::named(&this, now))
    }

    pub(crate) fn is_year(self) -> bool {
        self.months == 12
    }

    /// Its first moment and the first after it, in Paris.
    pub(crate) fn bounds(self) -> Option<Bounds> {
        clauses::span(self.first, self.months)
    }

    pub(crate) fn before(self) -> Option<Self> {
        Some(Self { first: self.first.checked_sub_months(Months::new(self.months))?, ..self })
    }

    /// The next one, unless it has not begun.
    pub(crate) fn after(self, now: DateTime<Utc>) -> Option<Self> {
        let next = Self { first: self.first.checked_add_months(Months::new(self.months))?, ..self };
        next.bounds().filter(|(from, _)| *from <= now).map(|_| next)
    }

    /// The year in which it lies.
    pub(crate) fn year(self) -> String {
        self.first.format("%Y").to_string()
    }

    /// `novembre 2026`, `2026`.
    pub(crate) fn title(self) -> String {
        if self.is_year() { self.year() } else { french::month(self.first) }
    }

    /// As addresses name it.
    pub(crate) fn word(self) -> String {
        if self.is_year() { self.year() } else { word(self.first) }
    }
}

/// The month that `text` names (`2026-11`), or this one.
pub(crate) fn named(text: &str, now: DateTime<Utc>) -> Option<NaiveDate> {
    if text.is_empty() {
        return now.with_timezone(&Paris).date_naive().with_day(1);
    }
    let day = NaiveDate::parse_from_str(&format!("{text}-01"), "%Y-%m-%d").ok()?;
    (2000..2200).contains(&day.year()).then_some(day)
}

pub(crate) fn word(first: NaiveDate) -> String {
    first.format("%Y-%m").to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_month_begins_and_ends_in_paris() {
        let first = NaiveDate::from_ymd_opt(2026, 10, 1).unwrap();
        let (from, to) = Period { first, months: 1 }.bounds().unwrap();
        assert_eq!(
            (from.to_rfc3339(), to.to_rfc3339()),
            ("2026-09-30T22:00:00+00:00".into(), "2026-10-31T23:00:00+00:00".into())
        );
        assert_eq!(named("99999-01", Utc::now()), None);
    }

    #[test]
    fn a_period_is_a_month_or_a_year() {
        let now = DateTime::parse_from_rfc3339("2026-11-21T09:00:00+01:00").unwrap().with_timezone(&Utc);
        let month = Period::named("2026-10", now).unwrap();
        assert_eq!((month.title(), month.word()), ("octobre 2026".to_owned(), "2026-10".to_owned()));
        assert_eq!(month.after(now).map(Period::word).as_deref(), Some("2026-11"));
        assert_eq!(month.after(now).unwrap().after(now), None, "not begun");
        let year = Period::named("2026", now).unwrap();
        assert_eq!((year.title(), year.word()), ("2026".to_owned(), "2026".to_owned()));
        assert_eq!(year.before().map(Period::word).as_deref(), Some("2025"));
        assert_eq!(year.after(now), None);
        let bounds = year.bounds().map(|(from, to)| (from.to_rfc3339(), to.to_rfc3339())).unwrap();
        assert_eq!(bounds, ("2025-12-31T23:00:00+00:00".into(), "2026-12-31T23:00:00+00:00".into()));
        assert_eq!(Period::named("", now), Period::named("2026-11", now));
        assert_eq!(Period::named("20x6", now), None);
        for (text, meant) in [("2025", "2025"), ("2026", "2026"), ("2027", "2026"), ("", "2026"), ("2026-10", "2026")] {
            assert_eq!(Period::year_named(text, now).unwrap().word(), meant, "{text}");
        }
    }
}

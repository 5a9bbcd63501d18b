//! Which reminders of a procedure's dates are due, for a structure that goes for it. Pure.
//!
//! Visit and questions on the working day before; requests and tenders 15 and 7 days before, on the working day before and on the
//! morning itself. A reminder stands at the hour of digests, is due for a day, and is left out where its moment came before the decision. Its key holds
//! the date, so that a date that moves is reminded of anew.

use chrono::{DateTime, Days, Duration, FixedOffset, NaiveDate, Timelike, Utc};
use chrono_tz::Tz;
use vigie_domain::{DateKind, TypedDate, french, working_day};

use crate::due::{DigestTimes, at_local};

/// How long a reminder may come late (after an outage) before it is left out.
const STANDS_FOR: Duration = Duration::hours(24);

/// A reminder that is due.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reminder {
    /// Names it among those of its procedure.
    pub key: String,
    pub text: String,
    /// When it loses its meaning.
    pub expires: DateTime<Utc>,
}

/// When a reminder of a date stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Ahead {
    /// So many days before.
    Days(u64),
    /// On the last day before on which people work.
    WorkingDay,
}

impl Ahead {
    fn of(kind: DateKind) -> &'static [Self] {
        match kind {
            DateKind::Visit | DateKind::Questions => &[Self::WorkingDay],
            DateKind::Participation | DateKind::Tender => {
                &[Self::Days(15), Self::Days(7), Self::WorkingDay, Self::Days(0)]
            }
        }
    }

    fn on(self, day: NaiveDate) -> Option<NaiveDate> {
        match self {
            Self::Days(before) => day.checked_sub_days(Days::new(before)),
            Self::WorkingDay => Some(working_day::before(day)),
        }
    }

    /// Names it in keys.
    fn name(self) -> String {
        match self {
            Self::Days(before) => before.to_string(),
            Self::WorkingDay => "eve".to_owned(),
        }
    }
}

/// The reminders due now, for a decision taken at `decided`.
#[must_use]
pub fn due(
    dates: &[(DateKind, DateTime<FixedOffset>)],
    decided: DateTime<Utc>,
    times: DigestTimes,
    now: DateTime<Utc>,
) -> Vec<Reminder> {
    let mut out = Vec::new();
    for (kind, date) in dates.iter().filter(|(_, date)| date.with_timezone(&Utc) > now) {
        let day = date.with_timezone(&times.zone).date_naive();
        for ahead in Ahead::of(*kind) {
            let Some(on) = ahead.on(day) else { continue };
            let at = at_local(on, times.hour, times.zone);
            // A date earlier in the morning than the hour of reminders has had its last one the day before.
            if at > decided && at <= now && now - at < STANDS_FOR && at < date.with_timezone(&Utc) {
                out.push(Reminder {
                    key: format!("{kind:?}:{}:{}", ahead.name(), date.to_rfc3339()),
                    text: text(*kind, *date, times.zone, now),
                    expires: date.with_timezone(&Utc),
                });
            }
        }
    }
    out
}

/// « Offre à remettre : jeudi 28 janvier 2027 à 12 h (dans 7 jours) ».
fn text(kind: DateKind, date: DateTime<FixedOffset>, zone: Tz, now: DateTime<Utc>) -> String {
    let local = date.with_timezone(&zone).fixed_offset();
    // 23:59 stands for a day without a time (see `TypedDate::has_time`).
    let has_time = (local.hour(), local.minute()) != (23, 59);
    let moment = TypedDate { has_time, ..TypedDate::of_field(kind, (local, has_time), "") };
    format!("{} : {} ({})", what(kind), french::moment(&moment), french::days_left(local, now))
}

fn what(kind: DateKind) -> &'static str {
    match kind {
        DateKind::Visit => "Visite du site",
        DateKind::Questions => "Dernier jour pour poser vos questions",
        DateKind::Participation => "Candidature à remettre",
        DateKind::Tender => "Offre à remettre",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use chrono::{TimeZone, Weekday};

    const TIMES: DigestTimes =
        DigestTimes { hour: 8, weekday: Weekday::Mon, days: vigie_domain::Days::ALL, zone: Tz::Europe__Paris };

    fn paris(day: u32, hour: u32) -> DateTime<Utc> {
        Tz::Europe__Paris.with_ymd_and_hms(2027, 1, day, hour, 0, 0).unwrap().with_timezone(&Utc)
    }

    fn closes(day: u32) -> [(DateKind, DateTime<FixedOffset>); 1] {
        [(DateKind::Tender, paris(day, 12).fixed_offset())]
    }

    /// Every hour of a month: each reminder is due once a day at most, at its day, and never after closing.
    #[test]
    fn each_reminder_has_its_day() {
        let mut seen = std::collections::BTreeMap::new();
        for hour in 0..31 * 24 {
            let now = paris(1, 0) + Duration::hours(hour);
            for reminder in due(&closes(28), paris(1, 0), TIMES, now) {
                seen.entry(reminder.key).or_insert(now);
            }
        }
        let first: Vec<DateTime<Utc>> = seen.values().copied().collect();
        assert_eq!(first, [paris(28, 8), paris(13, 8), paris(21, 8), paris(27, 8)], "{seen:?}");
    }

    /// A visit on a Monday is reminded of on the Friday before.
    #[test]
    fn the_day_before_is_a_working_day() {
        let visit = [(DateKind::Visit, paris(25, 10).fixed_offset())];
        let due = |day| due(&visit, paris(1, 0), TIMES, paris(day, 9)).len();
        assert_eq!([22, 23, 24, 25].map(due), [1, 0, 0, 0]);
    }

    #[test]
    fn what_came_before_the_decision_is_left_out_and_a_moved_date_is_news() {
        assert!(due(&closes(28), paris(21, 9), TIMES, paris(21, 10)).is_empty());
        let first = due(&closes(28), paris(1, 0), TIMES, paris(21, 9));
        let moved = due(&closes(29), paris(1, 0), TIMES, paris(22, 9));
        assert_eq!((first.len(), moved.len()), (1, 1));
        assert_ne!(first[0].key, moved[0].key);
        assert_eq!(first[0].text, "Offre à remettre : jeudi 28 janvier 2027 à 12\u{a0}h (dans 7 jours)");
        assert!(due(&closes(28), paris(1, 0), TIMES, paris(28, 13)).is_empty(), "closed");
    }
}

//! When one person hears of one thing: at once, in a digest, or after their quiet hours. Pure.

use chrono::{DateTime, Duration, NaiveDate, Timelike, Utc};
use vigie_domain::subscription::{Match, Profile, QuietHours, Rhythm};
use vigie_domain::{Assessment, Cadence, DateKind};

use crate::due::{DigestTimes, at_local, next_digest};
use crate::fit::reserved_for;

/// What closes, or must be visited, within that time presses.
pub const PRESSING_WITHIN: Duration = Duration::hours(48);

/// When a person hears of something.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum When {
    Now,
    /// In the digest of that moment.
    Digest(DateTime<Utc>),
    /// When their quiet hours end, with all that came meanwhile.
    AfterQuiet(DateTime<Utc>),
}

/// Whether something may not wait for the next digest: reserved for structures of their kind, or closing (or to be visited)
/// within [`PRESSING_WITHIN`].
#[must_use]
pub fn presses(profile: &Profile, assessment: &Assessment, found: &Match, now: DateTime<Utc>) -> bool {
    let soon = assessment
        .dates
        .iter()
        .filter(|d| {
            matches!(d.kind, DateKind::Tender | DateKind::Participation) || (d.kind == DateKind::Visit && d.mandatory)
        })
        .map(|d| d.at.with_timezone(&Utc))
        .any(|at| at > now && at <= now + PRESSING_WITHIN);
    soon || reserved_for(profile, assessment, found)
}

/// The times of a person's own digests and reminders.
#[must_use]
pub fn own_times(rhythm: &Rhythm, times: DigestTimes) -> DigestTimes {
    DigestTimes { hour: rhythm.digest_hour.unwrap_or(times.hour), days: rhythm.digest_days, ..times }
}

/// Whether `now` falls into the person's quiet hours.
#[must_use]
pub fn is_quiet(rhythm: &Rhythm, times: DigestTimes, now: DateTime<Utc>) -> bool {
    quiet_until(rhythm, times, now).is_some()
}

/// When the person's quiet hours in which `now` falls end; `None` outside them.
#[must_use]
pub fn quiet_until(rhythm: &Rhythm, times: DigestTimes, now: DateTime<Utc>) -> Option<DateTime<Utc>> {
    end_of_quiet(rhythm.quiet?, times, now)
}

/// The rhythm in which one thing comes, where the one that was chosen tells what is reserved for structures of their kind from the rest.
#[must_use]
pub fn settled(cadence: Cadence, profile: &Profile, assessment: &Assessment, found: &Match) -> Cadence {
    match cadence {
        Cadence::Reserved if reserved_for(profile, assessment, found) => Cadence::Instant,
        Cadence::Reserved => Cadence::Daily,
        other => other,
    }
}

/// When something comes that does, or does not, press; the rhythm is one that is [`settled`].
#[must_use]
pub fn when(cadence: Cadence, pressing: bool, rhythm: &Rhythm, times: DigestTimes, now: DateTime<Utc>) -> When {
    let times = own_times(rhythm, times);
    let cadence = match (cadence, pressing) {
        (Cadence::Auto, true) => Cadence::Instant,
        (Cadence::Auto, false) | (Cadence::Reserved, _) => Cadence::Daily,
        (other, _) => other,
    };
    if let Some(due) = next_digest(cadence, times, now) {
        return When::Digest(due);
    }
    match quiet_until(rhythm, times, now) {
        Some(end) if !(pressing && rhythm.urgent_passes) => When::AfterQuiet(end),
        _ => When::Now,
    }
}

/// When the quiet hours in which `now` falls end; `None` outside them.
fn end_of_quiet(quiet: QuietHours, times: DigestTimes, now: DateTime<Utc>) -> Option<DateTime<Utc>> {
    let local = now.with_timezone(&times.zone);
    let hour = u8::try_from(local.hour()).unwrap_or(0);
    let today: NaiveDate = local.date_naive();
    let inside = if quiet.from <= quiet.to {
        (quiet.from..quiet.to).contains(&hour)
    } else {
        hour >= quiet.from || hour < quiet.to
    };
    if !inside {
        return None;
    }
    let day = if hour < quiet.to { today } else { today.succ_opt()? };
    // A clock change may put the end behind us; then it is over.
    Some(at_local(day, quiet.to, times.zone)).filter(|end| *end > now)
}

#[cfg(test)]
mod tests {
    use super::*;
    use chrono::{TimeZone, Weekday};
    use chrono_tz::Tz;
    use vigie_domain::Days;

    fn paris(text: &str) -> DateTime<Utc> {
        let wall = chrono::NaiveDateTime::parse_from_str(text, "%Y-%m-%d %H:%M").unwrap();
        Tz::Europe__Paris.from_local_datetime(&wall).earliest().unwrap().with_timezone(&Utc)
    }

    const TIMES: DigestTimes = DigestTimes { hour: 8, weekday: Weekday::Mon, days: Days::ALL, zone: Tz::Europe__Paris };

    fn nights() -> Rhythm {
        Rhythm { quiet: Some(QuietHours { from: 20, to: 7 }), ..Rhythm::default() }
    }

    #[test]
    fn the_automatic_rhythm_is_a_daily_digest_but_for_what_presses() {
        let now = paris("2026-11-24 10:00");
        let calm = when(Cadence::Auto, false, &Rhythm::default(), TIMES, now);
        assert_eq!(calm, When::Digest(paris("2026-11-25 08:00")));
        assert_eq!(when(Cadence::Auto, true, &Rhythm::default(), TIMES, now), When::Now);
        let early = Rhythm { digest_hour: Some(6), ..Rhythm::default() };
        assert_eq!(when(Cadence::Daily, true, &early, TIMES, now), When::Digest(paris("2026-11-25 06:00")));
    }

    #[test]
    fn nights_are_quiet_unless_what_presses_may_pass() {
        for (now, end) in [("2026-11-24 20:00", "2026-11-25 07:00"), ("2026-11-25 06:59", "2026-11-25 07:00")] {
            assert_eq!(when(Cadence::Instant, true, &nights(), TIMES, paris(now)), When::AfterQuiet(paris(end)));
        }
        assert_eq!(when(Cadence::Instant, false, &nights(), TIMES, paris("2026-11-25 07:00")), When::Now);
        assert_eq!(when(Cadence::Instant, false, &nights(), TIMES, paris("2026-11-24 19:59")), When::Now);
        let urgent = Rhythm { urgent_passes: true, ..nights() };
        assert_eq!(when(Cadence::Instant, true, &urgent, TIMES, paris("2026-11-24 23:00")), When::Now);
        assert_ne!(when(Cadence::Instant, false, &urgent, TIMES, paris("2026-11-24 23:00")), When::Now);
    }

    #[test]
    fn an_overseas_morning_is_its_own() {
        let times = DigestTimes { zone: "Indian/Reunion".parse().unwrap(), ..TIMES };
        let due = when(Cadence::Daily, false, &Rhythm::default(), times, paris("2026-11-24 10:00"));
        assert_eq!(due, When::Digest(paris("2026-11-25 05:00")), "8 h in Saint-Denis");
    }

    proptest::proptest! {
        /// Whatever the hours and the moment: quiet hours end in less than a day, outside them, and the end is never early.
        #[test]
        fn quiet_hours_always_end(from in 0_u8..24, to in 0_u8..24, minutes in 0_i64..(16 * 366 * 1440)) {
            let now = paris("2020-01-01 00:00") + Duration::minutes(minutes);
            let rhythm = Rhythm { quiet: Some(QuietHours { from, to }), ..Rhythm::default() };
            if let When::AfterQuiet(end) = when(Cadence::Instant, false, &rhythm, TIMES, now) {
                proptest::prop_assert!(end > now && end - now <= Duration::hours(25));
                proptest::prop_assert_eq!(when(Cadence::Instant, false, &rhythm, TIMES, end), When::Now);
            }
        }
    }
}

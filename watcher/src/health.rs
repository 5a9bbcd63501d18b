//! Is a source well? Pure: what is known of it comes in, the alarms that should be standing come out.
//!
//! Silence is told from the source's own habit: one that brings something every day is silent after a few days, one that
//! brings something twice a month after months. A source that answers and brings nothing is the most dangerous of all,
//! since nothing else fails.

use chrono::{DateTime, Duration, NaiveDate, Utc};

use crate::sources::Trouble;

/// A source that has not answered for this long is unreachable.
const UNREACHABLE_AFTER: Duration = Duration::hours(26);
/// A source that never answered is unreachable after so many failures.
const UNREACHABLE_AFTER_FAILURES: u32 = 10;
/// Share of the day's quota under which the operator is told.
const QUOTA_NEAR: f64 = 0.05;
/// Days of history a habit is read from.
pub const HABIT_DAYS: u64 = 60;
/// Days before there is a habit.
const HABIT_NEEDS: usize = 5;
/// Fewest days without anything new that may be silence.
const SHORTEST_SILENCE: i64 = 3;
/// Silence is so many times the longest pause seen.
const SILENCE_FACTOR: i64 = 2;

/// Time over which records that were put aside count.
pub const PUT_ASIDE_FOR: Duration = Duration::days(7);
/// Fewest records put aside that are more than a slip.
const PUT_ASIDE_LEAST: u64 = 3;
/// One record put aside for so many that were stored is too many.
const PUT_ASIDE_SHARE: u64 = 10;

/// What is known of a source.
#[derive(Debug, Clone, Default)]
pub struct Known {
    /// Failures in a row.
    pub failures: u32,
    /// What kind of trouble the last poll met.
    pub trouble: Option<Trouble>,
    /// Why the last poll failed.
    pub last_error: Option<String>,
    /// Last poll that succeeded.
    pub last_success: Option<DateTime<Utc>>,
    /// Last poll.
    pub last_attempt: Option<DateTime<Utc>>,
    /// Requests left today, out of how many.
    pub quota: Option<(u64, u64)>,
    /// Records put aside within [`PUT_ASIDE_FOR`].
    pub put_aside: u64,
    /// Days on which it was polled, with what was new on each, oldest first.
    pub days: Vec<(NaiveDate, u64)>,
}

/// What the operator is told of a source.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Alarm {
    /// It does not answer.
    Unreachable,
    /// It answers and brings nothing, for longer than its habit.
    Silent,
    /// Its page no longer fits its selectors.
    Structure,
    /// The account is refused.
    Login,
    /// The day's quota is spent, or nearly.
    Quota,
    /// It answers, and many of its records cannot be read.
    Unreadable,
}

impl Alarm {
    /// The word kept in the database.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Unreachable => "unreachable",
            Self::Silent => "silent",
            Self::Structure => "structure",
            Self::Login => "login",
            Self::Quota => "quota",
            Self::Unreadable => "unreadable",
        }
    }

    /// Its name for people.
    #[must_use]
    pub fn in_french(self) -> &'static str {
        match self {
            Self::Unreachable => "ne répond plus",
            Self::Silent => "ne donne plus rien",
            Self::Structure => "a changé de structure",
            Self::Login => "refuse la connexion",
            Self::Quota => "approche de son quota",
            Self::Unreadable => "donne des avis illisibles",
        }
    }

    /// The alarm of that word.
    #[must_use]
    pub fn parse(word: &str) -> Option<Self> {
        [Self::Unreachable, Self::Silent, Self::Structure, Self::Login, Self::Quota, Self::Unreadable]
            .into_iter()
            .find(|a| a.as_str() == word)
    }
}

/// The alarms that should be standing now, each with its reason in French.
#[must_use]
pub fn alarms(known: &Known, now: DateTime<Utc>) -> Vec<(Alarm, String)> {
    let mut out = Vec::new();
    let error = known.last_error.as_deref().unwrap_or("sans réponse");
    if known.failures > 0 {
        match known.trouble {
            Some(Trouble::Structure) => out.push((Alarm::Structure, error.to_owned())),
            Some(Trouble::Login) => out.push((Alarm::Login, error.to_owned())),
            Some(Trouble::Quota) => out.push((Alarm::Quota, error.to_owned())),
            _ => {}
        }
        let since = known.last_success.or(known.last_attempt);
        let never = known.last_success.is_none() && known.failures >= UNREACHABLE_AFTER_FAILURES;
        if out.is_empty() && (never || since.is_some_and(|at| now - at > UNREACHABLE_AFTER)) {
            out.push((Alarm::Unreachable, error.to_owned()));
        }
        return out;
    }
    if let Some((left, limit)) = known.quota.filter(|(left, limit)| (*left as f64) < *limit as f64 * QUOTA_NEAR) {
        out.push((Alarm::Quota, format!("il reste {left} requêtes sur {limit} aujourd’hui")));
    }
    let today = crate::zones::paris_day(now);
    let recent = known.days.iter().filter(|(day, _)| today - *day < PUT_ASIDE_FOR).map(|(_, new)| new).sum::<u64>();
    if known.put_aside >= PUT_ASIDE_LEAST && known.put_aside * PUT_ASIDE_SHARE >= recent {
        let days = PUT_ASIDE_FOR.num_days();
        let n = known.put_aside;
        out.push((
            Alarm::Unreadable,
            format!("{n} avis mis de côté en {days} jours, pour {recent} lus : leur forme a-t-elle changé ?"),
        ));
    }
    if let Some((quiet, pause)) = silence(&known.days, today) {
        out.push((Alarm::Silent, format!("rien de nouveau depuis {quiet} jours ; d’habitude, jamais plus de {pause}")));
    }
    out
}

/// Days without anything new and the longest pause in the habit, when the first is too long for the second.
fn silence(days: &[(NaiveDate, u64)], today: NaiveDate) -> Option<(i64, i64)> {
    let with: Vec<NaiveDate> = days.iter().filter(|(_, n)| *n > 0).map(|(d, _)| *d).collect();
    let last = *with.last().filter(|_| with.len() >= HABIT_NEEDS)?;
    let pause = with.windows(2).map(|w| (w[1] - w[0]).num_days()).max()?;
    let quiet = (today - last).num_days();
    // Days on which nobody asked prove nothing.
    let asked = days.iter().filter(|(d, _)| *d > last).count();
    (quiet > SHORTEST_SILENCE.max(pause * SILENCE_FACTOR) && asked as i64 >= SHORTEST_SILENCE).then_some((quiet, pause))
}

/// New notices on an ordinary day: the median of the days on which it was polled; `None` before there is a habit.
#[must_use]
pub fn habit(days: &[(NaiveDate, u64)]) -> Option<u64> {
    let mut counts: Vec<u64> = days.iter().map(|(_, n)| *n).collect();
    counts.sort_unstable();
    counts.get(counts.len() / 2).copied().filter(|_| counts.len() >= HABIT_NEEDS)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn now() -> DateTime<Utc> {
        DateTime::parse_from_rfc3339("2026-11-21T12:00:00Z").unwrap().with_timezone(&Utc)
    }

    fn days(with: &[i64], last: i64) -> Vec<(NaiveDate, u64)> {
        let today = now().date_naive();
        (last..60).rev().map(|ago| (today - Duration::days(ago), u64::from(with.contains(&ago)))).collect()
    }

    fn kinds(known: &Known) -> Vec<Alarm> {
        alarms(known, now()).into_iter().map(|(a, _)| a).collect()
    }

    #[test]
    fn silence_is_measured_by_the_habit() {
        let daily: Vec<i64> = (5..60).collect();
        let known = |with: &[i64]| Known { last_success: Some(now()), days: days(with, 0), ..Known::default() };
        assert_eq!(kinds(&known(&daily)), [Alarm::Silent]);
        assert_eq!(kinds(&known(&(3..60).collect::<Vec<_>>())), [], "a long week-end");
        assert_eq!(kinds(&known(&[12, 22, 31, 40, 52])), [], "twice a month is its way");
        assert_eq!(kinds(&known(&[5, 6])), [], "no habit yet");
    }

    #[test]
    fn days_on_which_nobody_asked_are_no_silence() {
        let known =
            Known { last_success: Some(now()), days: days(&(20..60).collect::<Vec<_>>(), 19), ..Known::default() };
        assert_eq!(kinds(&known), []);
    }

    /// Eighty of a hundred and sixty markets were put aside, and nobody was told.
    #[test]
    fn records_that_cannot_be_read_are_told_when_they_are_many() {
        let known = |put_aside, new| Known {
            put_aside,
            last_success: Some(now()),
            days: vec![(now().date_naive(), new)],
            ..Known::default()
        };
        assert_eq!(kinds(&known(5, 5)), [Alarm::Unreadable]);
        assert_eq!(kinds(&known(3, 0)), [Alarm::Unreadable]);
        assert_eq!(kinds(&known(2, 0)), [], "a slip");
        assert_eq!(kinds(&known(5, 5_000)), [], "few among many");
    }

    #[test]
    fn trouble_is_told_by_its_kind_and_the_network_after_a_day() {
        let failing = |trouble, hours| Known {
            failures: 3,
            trouble: Some(trouble),
            last_success: Some(now() - Duration::hours(hours)),
            ..Known::default()
        };
        assert_eq!(kinds(&failing(Trouble::Structure, 1)), [Alarm::Structure]);
        assert_eq!(kinds(&failing(Trouble::Login, 1)), [Alarm::Login]);
        assert_eq!(kinds(&failing(Trouble::Unreachable, 1)), []);
        assert_eq!(kinds(&failing(Trouble::Unreachable, 30)), [Alarm::Unreachable]);
        let near = Known { quota: Some((10, 1000)), ..Known::default() };
        assert_eq!(kinds(&near), [Alarm::Quota]);
    }
}

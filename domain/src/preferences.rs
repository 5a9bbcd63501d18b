//! How a person is written to: on which days, by which channel for which kind of message, and who stands in for them while they are
//! away. What they want to hear of are their subscriptions; at which hours is their [`crate::subscription::Rhythm`].

use std::collections::BTreeMap;

use chrono::{DateTime, Datelike, NaiveDate, Utc, Weekday};
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use strum::{EnumString, IntoStaticStr};

use crate::delivery::{AlertKind, Channel};
use crate::french;
use crate::words::words;

/// Days of the week; none named = every day.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash)]
pub struct Days(u8);

/// All seven.
const EVERY_DAY: u8 = 0b111_1111;
/// From Monday to Friday.
const WORKING: u8 = 0b001_1111;

impl Days {
    /// Every day.
    pub const ALL: Self = Self(0);
    /// From Monday to Friday.
    pub const WORKING: Self = Self(WORKING);
    /// The names of the days, Monday first.
    pub const NAMES: [&str; 7] = ["lundi", "mardi", "mercredi", "jeudi", "vendredi", "samedi", "dimanche"];

    fn of_bits(bits: u8) -> Self {
        Self(if bits == EVERY_DAY { 0 } else { bits })
    }

    /// These days, Monday being 0; none or all seven are every day.
    #[must_use]
    pub fn of(days: impl IntoIterator<Item = usize>) -> Self {
        Self::of_bits(days.into_iter().filter(|n| *n < 7).fold(0, |bits, n| bits | 1 << n))
    }

    #[must_use]
    pub fn is_every_day(self) -> bool {
        self.0 == 0
    }

    #[expect(clippy::trivially_copy_pass_by_ref, reason = "serde hands a reference")]
    pub(crate) fn is_default(&self) -> bool {
        self.0 == 0
    }

    #[must_use]
    pub fn holds(self, day: Weekday) -> bool {
        self.0 == 0 || self.0 & 1 << day.num_days_from_monday() != 0
    }

    /// The first of these days from `day` on, itself included.
    #[must_use]
    pub fn first_from(self, day: NaiveDate) -> NaiveDate {
        day.iter_days().take(7).find(|d| self.holds(d.weekday())).unwrap_or(day)
    }

    /// Their names; none where every day is meant.
    pub fn names(self) -> impl Iterator<Item = &'static str> {
        Self::NAMES.into_iter().enumerate().filter(move |(n, _)| self.0 & 1 << n != 0).map(|(_, name)| name)
    }

    /// `tous les jours`, `du lundi au vendredi`, `lundi et jeudi`.
    #[must_use]
    pub fn in_french(self) -> String {
        match self.0 {
            0 => "tous les jours".to_owned(),
            WORKING => "du lundi au vendredi".to_owned(),
            _ => french::list(&self.names().map(str::to_owned).collect::<Vec<_>>()),
        }
    }

    /// Reads days as people write them, in small letters without accents: `lundi, jeudi`, `du lundi au vendredi`, `tous les jours`.
    #[must_use]
    pub fn parse(words: &str) -> Option<Self> {
        let words = words.trim();
        if matches!(words, "tous les jours" | "tous" | "chaque jour" | "tous les jours de la semaine") {
            return Some(Self::ALL);
        }
        if matches!(words, "en semaine" | "jours ouvres" | "jours ouvrables" | "la semaine") {
            return Some(Self::WORKING);
        }
        let day = |word: &str| {
            let word = word.trim().trim_start_matches("le ").trim_start_matches("les ");
            let word = word.trim_end_matches('s');
            Self::NAMES.iter().position(|name| *name == word)
        };
        if let Some((from, to)) = words.split_once(" au ") {
            let (from, to) = (day(from.trim().trim_start_matches("du "))?, day(to)?);
            return Some(Self::of(
                (0..7).filter(|n| if from <= to { (from..=to).contains(n) } else { *n >= from || *n <= to }),
            ));
        }
        let named: Option<Vec<usize>> = words.replace(" et ", ",").split([',', ';']).map(day).collect();
        named.filter(|days| !days.is_empty()).map(Self::of)
    }
}

impl Serialize for Days {
    fn serialize<S: Serializer>(&self, out: S) -> Result<S::Ok, S::Error> {
        out.collect_seq(self.names())
    }
}

impl<'de> Deserialize<'de> for Days {
    fn deserialize<D: Deserializer<'de>>(read: D) -> Result<Self, D::Error> {
        let written: Vec<String> = Deserialize::deserialize(read)?;
        let mut days = Vec::with_capacity(written.len());
        for word in &written {
            let place = Self::NAMES.iter().position(|name| name == word);
            days.push(
                place.ok_or_else(|| {
                    serde::de::Error::custom(format!("jour « {word} » inconnu : de lundi à dimanche"))
                })?,
            );
        }
        Ok(Self::of(days))
    }
}

/// A kind of message, as people tell them apart.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, EnumString, IntoStaticStr,
)]
#[serde(rename_all = "snake_case")]
#[strum(serialize_all = "snake_case")]
pub enum MessageKind {
    /// A market, at once, and what becomes of it before its award.
    Instant,
    /// Many, in one message.
    Digest,
    /// A date of a market that they go for, or a reminder they asked for.
    Reminder,
    /// Results, services to offer, what became of an offer.
    Award,
    /// Contracts that end soon.
    Renewal,
    /// Word about their own account; for operators, alarms.
    Alarm,
}

words!(MessageKind);

impl MessageKind {
    /// Every kind, in the order in which they are shown.
    pub const ALL: [Self; 6] = [Self::Instant, Self::Digest, Self::Reminder, Self::Award, Self::Renewal, Self::Alarm];

    /// The kind of a message about one alert.
    #[must_use]
    pub fn of(alert: AlertKind) -> Self {
        match alert {
            AlertKind::New
            | AlertKind::Correction
            | AlertKind::VerdictCorrection
            | AlertKind::Cancellation
            | AlertKind::PartialResult
            | AlertKind::ExAnte
            | AlertKind::PartnerCall
            | AlertKind::HoursToFill => Self::Instant,
            AlertKind::Award
            | AlertKind::NoAward
            | AlertKind::Modification
            | AlertKind::Completion
            | AlertKind::Offer
            | AlertKind::AskResult => Self::Award,
            AlertKind::Reminder | AlertKind::Undecided => Self::Reminder,
            AlertKind::Renewal => Self::Renewal,
            AlertKind::Account | AlertKind::Operator => Self::Alarm,
        }
    }

    /// As a person reads it, of several messages.
    #[must_use]
    pub fn in_french(self) -> &'static str {
        match self {
            Self::Instant => "alertes immédiates",
            Self::Digest => "résumés",
            Self::Reminder => "rappels",
            Self::Award => "attributions et suites",
            Self::Renewal => "contrats à renouveler",
            Self::Alarm => "messages de service",
        }
    }
}

/// Which channel carries which kind of message, and which takes over when one fails.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Routes {
    /// The one channel of a kind; a kind that stands not here goes to every address in use.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub channels: BTreeMap<MessageKind, Channel>,
    /// Channels in the order in which one takes over from another; those that are not named come last.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub order: Vec<Channel>,
}

impl Routes {
    /// The channels to which a kind of message goes, out of those in use: the one chosen; the first of the order where that one is
    /// not in use; all of them where none is chosen.
    #[must_use]
    pub fn channels_of(&self, kind: MessageKind, in_use: &[Channel]) -> Vec<Channel> {
        match self.channels.get(&kind) {
            Some(chosen) if in_use.contains(chosen) => vec![*chosen],
            Some(chosen) => self.after(*chosen, in_use).into_iter().take(1).collect(),
            None => in_use.to_vec(),
        }
    }

    /// The channels that may take over from one that failed, in order, for a kind that goes to one channel alone; none where every
    /// channel carried it, or none is left. Those named before the failed one come last: they failed first, and may be back.
    #[must_use]
    pub fn take_over(&self, kind: MessageKind, failed: Channel, in_use: &[Channel]) -> Vec<Channel> {
        if !self.channels.contains_key(&kind) {
            return Vec::new();
        }
        let mut out = self.after(failed, in_use);
        for channel in in_use {
            if *channel != failed && !out.contains(channel) {
                out.push(*channel);
            }
        }
        out
    }

    /// Channels in use after `failed`, in order: those named after it, then those that are not named.
    fn after(&self, failed: Channel, in_use: &[Channel]) -> Vec<Channel> {
        let from = self.order.iter().position(|c| *c == failed).map_or(0, |n| n + 1);
        let named = self.order[from..].iter().filter(|c| in_use.contains(c) && **c != failed);
        let others = in_use.iter().filter(|c| !self.order.contains(c) && **c != failed);
        let mut out: Vec<Channel> = Vec::new();
        for channel in named.chain(others) {
            if !out.contains(channel) {
                out.push(*channel);
            }
        }
        out
    }
}

/// A person is away.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Absence {
    /// From when; `None` = since it was said.
    pub from: Option<DateTime<Utc>>,
    /// Until when: nothing new is told them before.
    pub until: DateTime<Utc>,
    /// The colleague who hears in their place, by identifier.
    pub stand_in: Option<String>,
}

impl Absence {
    /// Whether they are away at that moment.
    #[must_use]
    pub fn holds(&self, now: DateTime<Utc>) -> bool {
        self.until > now && self.from.is_none_or(|from| from <= now)
    }

    /// Whether it is not over at that moment: it holds, or is yet to begin.
    #[must_use]
    pub fn stands(&self, now: DateTime<Utc>) -> bool {
        self.until > now
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn days_are_read_as_they_are_written_and_written_as_they_are_read() {
        for (words, wanted) in [
            ("lundi, jeudi", "lundi et jeudi"),
            ("le lundi et le jeudi", "lundi et jeudi"),
            ("du lundi au vendredi", "du lundi au vendredi"),
            ("samedi au lundi", "lundi, samedi et dimanche"),
            ("tous les jours", "tous les jours"),
            ("lundis", "lundi"),
            ("en semaine", "du lundi au vendredi"),
        ] {
            let days = Days::parse(words).unwrap_or_else(|| panic!("{words}"));
            assert_eq!(days.in_french(), wanted, "{words}");
            let text = serde_json::to_string(&days).unwrap();
            assert_eq!(serde_json::from_str::<Days>(&text).unwrap(), days);
        }
        for words in ["", "lundo", "lundi,", "du lundi", "au vendredi"] {
            assert_eq!(Days::parse(words), None, "{words}");
        }
        assert!(serde_json::from_str::<Days>(r#"["monday"]"#).is_err());
        assert_eq!(Days::of(0..7), Days::ALL);
    }

    #[test]
    fn the_first_day_from_another() {
        let friday = NaiveDate::from_ymd_opt(2026, 11, 27).unwrap();
        let on = |days: Days, n: u64| days.first_from(friday + chrono::Days::new(n));
        assert_eq!(on(Days::WORKING, 1), friday + chrono::Days::new(3), "from Saturday to Monday");
        assert_eq!(on(Days::WORKING, 0), friday);
        assert_eq!(on(Days::ALL, 1), friday + chrono::Days::new(1));
    }

    #[test]
    fn one_channel_a_kind_and_the_next_one_when_it_fails() {
        use Channel::{Email, Matrix, Telegram};
        let all = [Email, Telegram, Matrix];
        let routes =
            Routes { channels: BTreeMap::from([(MessageKind::Instant, Telegram)]), order: vec![Telegram, Matrix] };
        assert_eq!(routes.channels_of(MessageKind::Instant, &all), [Telegram]);
        assert_eq!(routes.channels_of(MessageKind::Digest, &all), all);
        assert_eq!(routes.channels_of(MessageKind::Instant, &[Email, Matrix]), [Matrix], "the next one in use");
        assert_eq!(routes.channels_of(MessageKind::Instant, &[]), []);
        assert_eq!(routes.take_over(MessageKind::Instant, Telegram, &all)[0], Matrix);
        assert_eq!(routes.take_over(MessageKind::Instant, Matrix, &all)[0], Email, "what is not named comes last");
        assert_eq!(routes.take_over(MessageKind::Instant, Email, &[Email]), []);
        assert_eq!(routes.take_over(MessageKind::Digest, Telegram, &all), [], "every channel carried it");
        let text = serde_json::to_string(&routes).unwrap();
        assert_eq!(serde_json::from_str::<Routes>(&text).unwrap(), routes);
        assert_eq!(serde_json::to_string(&Routes::default()).unwrap(), "{}");
    }
}

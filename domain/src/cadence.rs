//! How often a person hears of what a subscription finds.
//!
//! One word everywhere (settings, command line, database, JSON): `instant`, `auto`, `reserved`, `daily`, `weekly`, or a number and a unit
//! such as `30min`, `4h`, `2d`. People may write it in French too: « tous les 2 jours ».

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::StructureKind;
use crate::subscription::Role;

/// When a person hears of a match.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash)]
pub enum Cadence {
    /// As soon as it is known.
    #[default]
    Instant,
    Daily,
    Weekly,
    /// Once a day; at once what is reserved for structures of their kind, or presses. Proposed to structures: one that gets
    /// more than two messages a week beside its digest mutes the bot.
    Auto,
    /// Once a day; at once what is reserved for structures of their kind, and nothing else, however soon it closes.
    Reserved,
    /// Every so often.
    Every(Every),
}

/// A number of minutes, hours or days, within bounds that make sense.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Every {
    n: u16,
    unit: Unit,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Unit {
    /// Minutes, from 5 to 1,440.
    Minutes,
    /// Hours, from 1 to 168.
    Hours,
    /// Days, from 1 to 31.
    Days,
}

impl Unit {
    fn bounds(self) -> std::ops::RangeInclusive<u16> {
        match self {
            Self::Minutes => 5..=1440,
            Self::Hours => 1..=168,
            Self::Days => 1..=31,
        }
    }
}

impl Every {
    /// That many; `None` out of bounds.
    #[must_use]
    pub fn new(n: u16, unit: Unit) -> Option<Self> {
        unit.bounds().contains(&n).then_some(Self { n, unit })
    }

    /// About how many minutes that is.
    #[must_use]
    pub fn minutes(self) -> u32 {
        let unit = match self.unit {
            Unit::Minutes => 1,
            Unit::Hours => 60,
            Unit::Days => 1440,
        };
        u32::from(self.n) * unit
    }

    #[must_use]
    pub fn n(self) -> u16 {
        self.n
    }

    #[must_use]
    pub fn unit(self) -> Unit {
        self.unit
    }
}

/// A rhythm that cannot be read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "rythme « {0} » inconnu : instant, auto, reserved (les réservés tout de suite), daily (chaque jour), weekly (chaque semaine), ou par exemple 30min, 4h, 2d (tous les 2 jours)"
)]
pub struct UnknownCadence(String);

impl Cadence {
    /// What is right for someone who asked for none. A structure gets a digest and, at once, what is reserved for its kind:
    /// that needs its kind.
    #[must_use]
    pub fn default_for(role: Role, kind: Option<StructureKind>) -> Self {
        if role == Role::Structure && kind.is_some() { Self::Auto } else { Self::Instant }
    }

    /// About how many minutes lie between two messages: none where they come at once, one or two where only some do.
    #[must_use]
    pub fn minutes(self) -> u32 {
        const DAY: u32 = 1440;
        match self {
            Self::Instant => 0,
            Self::Auto => 1,
            Self::Reserved => 2,
            Self::Daily => DAY,
            Self::Weekly => 7 * DAY,
            Self::Every(every) => every.minutes(),
        }
    }

    /// Whether everything waits for a digest.
    #[must_use]
    pub fn waits(self) -> bool {
        !matches!(self, Self::Instant | Self::Auto | Self::Reserved)
    }

    /// As a person reads it.
    #[must_use]
    pub fn in_french(self) -> String {
        match self {
            Self::Instant => "tout de suite".to_owned(),
            Self::Daily => "un résumé par jour".to_owned(),
            Self::Weekly => "un résumé par semaine".to_owned(),
            Self::Auto => "réservé ou urgent tout de suite, le reste en un résumé par jour".to_owned(),
            Self::Reserved => "réservé tout de suite, le reste en un résumé par jour".to_owned(),
            Self::Every(Every { n: 1, unit: Unit::Hours }) => "un résumé par heure".to_owned(),
            Self::Every(Every { n: 1, unit: Unit::Days }) => "un résumé par jour".to_owned(),
            Self::Every(Every { n, unit: Unit::Minutes }) => format!("un résumé toutes les {n} minutes"),
            Self::Every(Every { n, unit: Unit::Hours }) => format!("un résumé toutes les {n} heures"),
            Self::Every(Every { n, unit: Unit::Days }) => format!("un résumé tous les {n} jours"),
        }
    }
}

impl std::fmt::Display for Cadence {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Instant => f.write_str("instant"),
            Self::Daily => f.write_str("daily"),
            Self::Weekly => f.write_str("weekly"),
            Self::Auto => f.write_str("auto"),
            Self::Reserved => f.write_str("reserved"),
            Self::Every(Every { n, unit: Unit::Minutes }) => write!(f, "{n}min"),
            Self::Every(Every { n, unit: Unit::Hours }) => write!(f, "{n}h"),
            Self::Every(Every { n, unit: Unit::Days }) => write!(f, "{n}d"),
        }
    }
}

impl std::str::FromStr for Cadence {
    type Err = UnknownCadence;

    fn from_str(text: &str) -> Result<Self, UnknownCadence> {
        let word = text.trim().to_lowercase();
        let unknown = || UnknownCadence(text.chars().take(40).collect());
        match word.as_str() {
            "instant" => return Ok(Self::Instant),
            "daily" => return Ok(Self::Daily),
            "weekly" => return Ok(Self::Weekly),
            "auto" => return Ok(Self::Auto),
            "reserved" => return Ok(Self::Reserved),
            _ => {}
        }
        let rest =
            ["tous les", "toutes les", "every"].iter().find_map(|p| word.strip_prefix(p)).unwrap_or(&word).trim();
        let digits = rest.find(|c: char| !c.is_ascii_digit()).unwrap_or(rest.len());
        let n: u16 = rest[..digits].parse().map_err(|_| unknown())?;
        let unit = match rest[digits..].trim() {
            "m" | "min" | "minute" | "minutes" => Unit::Minutes,
            "h" | "heure" | "heures" | "hour" | "hours" => Unit::Hours,
            "d" | "j" | "jour" | "jours" | "day" | "days" => Unit::Days,
            _ => return Err(unknown()),
        };
        Every::new(n, unit).map(Self::Every).ok_or_else(unknown)
    }
}

impl Serialize for Cadence {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Cadence {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = std::borrow::Cow::<str>::deserialize(deserializer)?;
        text.parse().map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rhythm_is_read_as_people_write_it_and_written_one_way() {
        for (written, word) in [
            ("instant", "instant"),
            ("auto", "auto"),
            ("Reserved", "reserved"),
            ("tous les 2 jours", "2d"),
            ("Toutes les 4 heures", "4h"),
            ("every 30 minutes", "30min"),
            ("3j", "3d"),
        ] {
            let cadence: Cadence = written.parse().unwrap();
            assert_eq!(cadence.to_string(), word);
            assert_eq!(word.parse(), Ok(cadence), "its own word is read back");
        }
        for bad in ["", "0h", "1min", "32d", "tous les jours", "4 semaines", "99999999999h"] {
            assert!(bad.parse::<Cadence>().is_err(), "{bad}");
        }
    }
}

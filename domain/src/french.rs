//! Dates, numbers and lists as French writes them: narrow no-break spaces, 24-hour times, "12 janvier 2027".

use crate::TypedDate;
use chrono::{DateTime, Datelike, FixedOffset, NaiveDate, Timelike, Utc};

/// Narrow no-break space (U+202F), before `;`, `!`, `?` and between thousands.
const NNBSP: char = '\u{202f}';

const MONTHS: [&str; 12] = [
    "janvier",
    "février",
    "mars",
    "avril",
    "mai",
    "juin",
    "juillet",
    "août",
    "septembre",
    "octobre",
    "novembre",
    "décembre",
];
const DAYS: [&str; 7] = ["lundi", "mardi", "mercredi", "jeudi", "vendredi", "samedi", "dimanche"];

/// `12 janvier 2027`, `1er mars 2027`.
#[must_use]
pub fn date(day: NaiveDate) -> String {
    let first = if day.day() == 1 { "er" } else { "" };
    format!("{}{first} {} {}", day.day(), MONTHS[day.month0() as usize], day.year())
}

/// `mardi 12 janvier 2027 à 12 h` or `… à 16 h 30`; without a time of day, the day alone.
#[must_use]
pub fn moment(typed: &TypedDate) -> String {
    let day = typed.at.date_naive();
    let weekday = DAYS[day.weekday().num_days_from_monday() as usize];
    if !typed.has_time {
        return format!("{weekday} {}", date(day));
    }
    format!("{weekday} {} à {}", date(day), clock(typed.at))
}

/// `12 h` or `16 h 30`, with no-break spaces.
#[must_use]
pub fn clock(at: DateTime<FixedOffset>) -> String {
    match at.minute() {
        0 => format!("{}\u{a0}h", at.hour()),
        minute => format!("{}\u{a0}h\u{a0}{minute:02}", at.hour()),
    }
}

/// `dans 21 jours`, `demain`, `aujourd’hui`, `passé`: by calendar days where the date is.
#[must_use]
pub fn days_left(at: DateTime<FixedOffset>, now: DateTime<Utc>) -> String {
    let days = (at.date_naive() - now.with_timezone(at.offset()).date_naive()).num_days();
    match days {
        _ if at < now => "passé".to_owned(),
        0 => "aujourd’hui".to_owned(),
        1 => "demain".to_owned(),
        n => format!("dans {n} jours"),
    }
}

/// `12 000`, `7,5`.
#[must_use]
pub fn number(n: f64) -> String {
    let rounded = (n * 100.0).round() / 100.0;
    let whole = format!("{:.0}", rounded.trunc());
    let mut out = String::new();
    for (i, c) in whole.chars().enumerate() {
        if i > 0 && (whole.len() - i) % 3 == 0 && c.is_ascii_digit() {
            out.push(NNBSP);
        }
        out.push(c);
    }
    let cents = ((rounded.fract().abs()) * 100.0).round() as u32;
    match cents {
        0 => out,
        c if c % 10 == 0 => format!("{out},{}", c / 10),
        c => format!("{out},{c:02}"),
    }
}

/// `a`, `a et b`, `a, b et c`.
#[must_use]
pub fn list(items: &[String]) -> String {
    match items {
        [] => String::new(),
        [one] => one.clone(),
        [head @ .., last] => format!("{} et {last}", head.join(", ")),
    }
}

/// `de Lens`, `d’Arras`, `du Havre`, `des Sables-d’Olonne`.
#[must_use]
pub fn of(name: &str) -> String {
    if let Some(rest) = name.strip_prefix("Le ") {
        return format!("du {rest}");
    }
    if let Some(rest) = name.strip_prefix("Les ") {
        return format!("des {rest}");
    }
    let vowel = |c: char| "aeiouyàâäéèêëîïôöùûüœæ".contains(c) || c == 'h';
    if name.chars().next().is_some_and(|c| c.to_lowercase().all(vowel)) {
        format!("d’{name}")
    } else {
        format!("de {name}")
    }
}

/// `1 lot`, `3 lots`.
#[must_use]
pub fn plural(n: usize, word: &str) -> String {
    format!("{n}\u{a0}{word}{}", if n > 1 { "s" } else { "" })
}

/// The first letter in capital.
#[must_use]
pub fn capital(text: &str) -> String {
    let mut chars = text.chars();
    chars.next().map_or_else(String::new, |c| c.to_uppercase().chain(chars).collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::DateKind;

    fn typed(text: &str, has_time: bool) -> TypedDate {
        TypedDate {
            kind: DateKind::Tender,
            at: DateTime::parse_from_rfc3339(text).unwrap(),
            has_time,
            mandatory: false,
            quote: None,
            field: None,
            lot: None,
        }
    }

    #[test]
    fn dates_read_as_french() {
        assert_eq!(moment(&typed("2027-01-12T12:00:00+01:00", true)), "mardi 12 janvier 2027 à 12\u{a0}h");
        assert_eq!(moment(&typed("2027-03-01T16:30:00+01:00", true)), "lundi 1er mars 2027 à 16\u{a0}h\u{a0}30");
        assert_eq!(moment(&typed("2027-03-01T23:59:00+01:00", false)), "lundi 1er mars 2027");
    }

    #[test]
    fn days_are_counted_by_the_calendar() {
        let now = DateTime::parse_from_rfc3339("2027-01-11T23:30:00+01:00").unwrap().with_timezone(&Utc);
        let at = |t: &str| days_left(DateTime::parse_from_rfc3339(t).unwrap(), now);
        assert_eq!(at("2027-01-12T00:30:00+01:00"), "demain");
        assert_eq!(at("2027-01-11T23:45:00+01:00"), "aujourd’hui");
        assert_eq!(at("2027-01-11T12:00:00+01:00"), "passé");
        assert_eq!(at("2027-02-01T12:00:00+01:00"), "dans 21 jours");
    }

    #[test]
    fn numbers_read_as_french() {
        assert_eq!(number(1_607.0), "1\u{202f}607");
        assert_eq!(number(7.5), "7,5");
        assert_eq!(number(1_200_000.25), "1\u{202f}200\u{202f}000,25");
    }

    #[test]
    fn lists_read_as_french() {
        assert_eq!(list(&["a".into(), "b".into(), "c".into()]), "a, b et c");
        assert_eq!(plural(1, "lot"), "1\u{a0}lot");
        let said = ["Lens", "Arras", "Éragny", "Le Havre", "Les Sables-d'Olonne", "La Rochelle"].map(of);
        assert_eq!(said, ["de Lens", "d’Arras", "d’Éragny", "du Havre", "des Sables-d'Olonne", "de La Rochelle"]);
    }
}

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

/// `janvier 2027`.
#[must_use]
pub fn month(day: NaiveDate) -> String {
    format!("{} {}", MONTHS[day.month0() as usize], day.year())
}

/// `15`, `15 décembre`, `15 décembre 2026`: the first of two days, with what the second does not say already.
#[must_use]
pub fn date_before(first: NaiveDate, last: NaiveDate) -> String {
    let whole = date(first);
    let day = whole.split(' ').next().unwrap_or(&whole);
    match (first.year() == last.year(), first.month() == last.month()) {
        (true, true) => day.to_owned(),
        (true, false) => format!("{day} {}", MONTHS[first.month0() as usize]),
        (false, _) => whole,
    }
}

/// `mardi 12 janvier 2027 à 12 h` or `… à 16 h 30`; without a time of day, the day alone.
#[must_use]
pub fn moment(typed: &TypedDate) -> String {
    let day = typed.at.date_naive();
    let weekday = DAYS[day.weekday().num_days_from_monday() as usize];
    if !typed.has_time {
        return format!("{weekday} {}", date(day));
    }
    format!("{weekday} {} à {}", date(day), told_clock(typed.at))
}

/// A time of day as its place tells it, with whose clock it is where that is not Paris's: « 12 h (heure de Nouméa) » is the middle of
/// the night to a reader in Lille.
#[must_use]
pub fn told_clock(at: DateTime<FixedOffset>) -> String {
    const HOUR: i32 = 3600;
    let whose = match at.offset().local_minus_utc() {
        s if s == HOUR || s == 2 * HOUR => return clock(at),
        0 => "heure\u{a0}UTC".to_owned(),
        s if s == 3 * HOUR => "heure de Mayotte".to_owned(),
        s if s == 4 * HOUR => "heure de La\u{a0}Réunion".to_owned(),
        s if s == 11 * HOUR => "heure de Nouméa".to_owned(),
        s if s == 12 * HOUR => "heure de Wallis".to_owned(),
        s if s == -3 * HOUR => "heure de Cayenne".to_owned(),
        s if s == -4 * HOUR => "heure des Antilles".to_owned(),
        s if s == -10 * HOUR => "heure de Tahiti".to_owned(),
        _ => format!("UTC{}", at.offset()),
    };
    format!("{} ({whose})", clock(at))
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

/// `12 mois`, `18 mois`, `4 ans`: a span given in months.
#[must_use]
pub fn months(n: f64) -> String {
    if n >= 24.0 && n % 12.0 == 0.0 {
        format!("{}\u{a0}ans", number(n / 12.0))
    } else {
        format!("{}\u{a0}mois", number(n))
    }
}

/// `15 jours`, `un an`, `deux ans`: a span given in days.
#[must_use]
pub fn days(n: u32) -> String {
    match n {
        0 | 1 => format!("{n}\u{a0}jour"),
        365 | 366 => "un an".to_owned(),
        730 | 731 => "deux ans".to_owned(),
        1095 | 1096 => "trois ans".to_owned(),
        n if n >= 1460 && n % 365 == 0 => format!("{}\u{a0}ans", n / 365),
        n => format!("{n}\u{a0}jours"),
    }
}

/// The lots of these numbers, of a procedure that has `of` (0 = not known): `lot 2`, `lots 1, 3 et 7`, `les 173 lots`,
/// `45 des 173 lots`.
#[must_use]
pub fn lots(lots: &[String], of: usize) -> String {
    /// Most lots named one by one.
    const NAMED: usize = 8;
    match lots.len() {
        0 => String::new(),
        1 => format!("lot {}", lots[0]),
        n if n == of && n == 2 => "les deux lots".to_owned(),
        n if n == of => format!("les {n}\u{a0}lots"),
        n if n <= NAMED => format!("lots {}", list(lots)),
        n if of > n => format!("{n} des {of}\u{a0}lots"),
        n => format!("{n}\u{a0}lots"),
    }
}

/// `1 lot`, `3 lots`.
#[must_use]
pub fn plural(n: usize, word: &str) -> String {
    let ends = word.ends_with(['s', 'x', 'z']);
    format!("{n}\u{a0}{word}{}", if n > 1 && !ends { "s" } else { "" })
}

/// A number and what is counted, in the form that agrees: `1 ligne lue`, `3 lignes lues`.
#[must_use]
pub fn counted(n: usize, one: &str, many: &str) -> String {
    format!("{n}\u{a0}{}", if n > 1 { many } else { one })
}

/// A number as it is written (`0`, `1,5`, `1 200`) and what is counted, in the form that agrees: below two, French has no plural.
#[must_use]
pub fn agreed(number: &str, one: &str, many: &str) -> String {
    format!("{number} {}", form(number, one, many))
}

/// Of two forms of a word, the one that agrees with a number as it is written.
#[must_use]
pub fn form<'w>(number: &str, one: &'w str, many: &'w str) -> &'w str {
    let whole: String = number.split(',').next().unwrap_or_default().chars().filter(char::is_ascii_digit).collect();
    let several = whole.trim_start_matches('0').len() > 1 || whole.parse::<u8>().is_ok_and(|n| n > 1);
    if several { many } else { one }
}

/// `0 heure`, `1,5 heure`, `1 200 heures`.
#[must_use]
pub fn hours(n: f64) -> String {
    agreed(&number(n), "heure", "heures")
}

/// The first letter in lower case.
#[must_use]
pub fn lower(text: &str) -> String {
    let mut chars = text.chars();
    chars.next().map_or_else(String::new, |c| c.to_lowercase().chain(chars).collect())
}

/// The first letter in capital.
#[must_use]
pub fn capital(text: &str) -> String {
    let mut chars = text.chars();
    chars.next().map_or_else(String::new, |c| c.to_uppercase().chain(chars).collect())
}

/// What the system says of a file or a connection, in words where it is one of the usual.
#[must_use]
pub fn of_system(error: &std::io::Error) -> String {
    use std::io::ErrorKind;
    let words = match error.kind() {
        ErrorKind::NotFound => "rien n’est là",
        ErrorKind::PermissionDenied => "ce compte n’en a pas le droit",
        ErrorKind::StorageFull => "le disque est plein",
        ErrorKind::ReadOnlyFilesystem => "le disque est en lecture seule",
        ErrorKind::NotADirectory => "un fichier est là où il faut un dossier",
        ErrorKind::IsADirectory => "un dossier est là où il faut un fichier",
        ErrorKind::AlreadyExists => "quelque chose est déjà là",
        ErrorKind::ConnectionRefused => "aucun serveur n’écoute à cette adresse et à ce port",
        ErrorKind::ConnectionReset => "l’autre côté a coupé",
        ErrorKind::TimedOut => "le serveur ne répond pas",
        ErrorKind::HostUnreachable | ErrorKind::NetworkUnreachable => "cette adresse est hors d’atteinte",
        ErrorKind::AddrInUse => "un autre programme l’occupe déjà",
        ErrorKind::AddrNotAvailable => "cette machine n’a pas cette adresse",
        // The system's resolver has no kinds of its own.
        _ => match error.to_string() {
            said if said.contains("Name or service not known") => "ce nom de serveur est inconnu",
            said if said.contains("Temporary failure in name resolution") => "le serveur de noms ne répond pas",
            said => return said,
        },
    };
    words.to_owned()
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

    /// Attack: a time is never told without its clock to who lives by another.
    #[test]
    fn a_time_elsewhere_is_told_with_its_clock() {
        for (at, told) in [
            ("2027-01-15T12:00:00+01:00", "12\u{a0}h"),
            ("2027-07-15T16:30:00+02:00", "16\u{a0}h\u{a0}30"),
            ("2027-01-15T12:00:00+04:00", "12\u{a0}h (heure de La\u{a0}Réunion)"),
            ("2027-01-15T12:00:00+11:00", "12\u{a0}h (heure de Nouméa)"),
            ("2027-01-15T12:00:00-04:00", "12\u{a0}h (heure des Antilles)"),
            ("2027-01-15T12:00:00Z", "12\u{a0}h (heure\u{a0}UTC)"),
            ("2027-01-15T12:00:00+05:30", "12\u{a0}h (UTC+05:30)"),
        ] {
            assert_eq!(told_clock(DateTime::parse_from_rfc3339(at).unwrap()), told, "{at}");
        }
    }

    #[test]
    fn dates_read_as_french() {
        assert_eq!(moment(&typed("2027-01-12T12:00:00+01:00", true)), "mardi 12 janvier 2027 à 12\u{a0}h");
        assert_eq!(moment(&typed("2027-03-01T16:30:00+01:00", true)), "lundi 1er mars 2027 à 16\u{a0}h\u{a0}30");
        assert_eq!(moment(&typed("2027-03-01T23:59:00+01:00", false)), "lundi 1er mars 2027");
    }

    #[test]
    fn the_first_of_two_days_says_what_the_second_does_not() {
        let day = |text: &str| text.parse::<NaiveDate>().unwrap();
        let said = |first: &str| date_before(day(first), day("2026-12-21"));
        assert_eq!(
            [said("2026-12-15"), said("2026-11-30"), said("2025-12-31")],
            ["15", "30 novembre", "31 décembre 2025"]
        );
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
        assert_eq!([12.0, 18.0, 48.0].map(months), ["12\u{a0}mois", "18\u{a0}mois", "4\u{a0}ans"]);
        assert_eq!(
            [1, 15, 365, 730, 1825].map(days),
            ["1\u{a0}jour", "15\u{a0}jours", "un an", "deux ans", "5\u{a0}ans"]
        );
        let ids = |n: usize| (1..=n).map(|i| i.to_string()).collect::<Vec<_>>();
        assert_eq!(lots(&ids(1), 3), "lot 1");
        assert_eq!(lots(&ids(2), 3), "lots 1 et 2");
        assert_eq!(lots(&ids(173), 173), "les 173\u{a0}lots");
        assert_eq!(lots(&ids(45), 173), "45 des 173\u{a0}lots");
        let said = ["Lens", "Arras", "Éragny", "Le Havre", "Les Sables-d'Olonne", "La Rochelle"].map(of);
        assert_eq!(said, ["de Lens", "d’Arras", "d’Éragny", "du Havre", "des Sables-d'Olonne", "de La Rochelle"]);
    }

    #[test]
    fn what_is_counted_agrees_with_its_number() {
        for (n, said) in [
            (0.0, "0 heure"),
            (1.5, "1,5 heure"),
            (2.0, "2 heures"),
            (10.0, "10 heures"),
            (1200.0, "1\u{202f}200 heures"),
        ] {
            assert_eq!(hours(n), said);
        }
        assert_eq!(agreed("1", "réalisée", "réalisées"), "1 réalisée");
    }

    #[test]
    fn what_the_system_says_is_said_in_words_where_it_is_one_of_the_usual() {
        use std::io::{Error, ErrorKind};
        assert_eq!(of_system(&ErrorKind::NotFound.into()), "rien n’est là");
        assert_eq!(
            of_system(&Error::other("failed to lookup address information: Name or service not known")),
            "ce nom de serveur est inconnu"
        );
        assert_eq!(of_system(&Error::other("autre chose")), "autre chose");
    }
}

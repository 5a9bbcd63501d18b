//! Times of day by grammar: "11 h 30", "12:00:00", "midi", "dix-sept heures trente", and whose clock they are told by: "heure de Paris",
//! "UTC+4", "+04:00". What is no time is passed over.

use chrono::{FixedOffset, NaiveTime};
use chrono_tz::Tz;

use super::quantity::spelled;
use super::token::{Token, mark};
use crate::zones::{self, Clock};

/// Digits, a scanner's letters among them read as the digits they look like.
pub(crate) fn digits(word: &str) -> Option<(u32, usize)> {
    if word.len() > 4 || !word.bytes().any(|b| b.is_ascii_digit()) {
        return None;
    }
    let clean: String = word
        .chars()
        .map(|c| match c {
            'o' => '0',
            'l' | 'i' => '1',
            c => c,
        })
        .collect();
    clean.bytes().all(|b| b.is_ascii_digit()).then(|| (clean.parse().unwrap_or(0), clean.len()))
}

/// A time of day that begins at a token, and where it ends.
pub(crate) fn time(tokens: &[Token<'_>], at: usize) -> Option<(NaiveTime, usize)> {
    let word = tokens.get(at)?.word.as_ref();
    let hm = |h: u32, m: u32| {
        if h == 24 && m == 0 { NaiveTime::from_hms_opt(23, 59, 0) } else { NaiveTime::from_hms_opt(h, m, 0) }
    };
    match word {
        "midi" => {
            let half = tokens.get(at + 1).is_some_and(|t| t.word == "trente")
                || tokens.get(at + 2).is_some_and(|t| t.word == "demi");
            return Some((hm(12, if half { 30 } else { 0 })?, at + 1));
        }
        "minuit" => return Some((hm(23, 59)?, at + 1)),
        _ => {}
    }
    if let Some((h, m)) = word.split_once('h') {
        let hour = digits(h)?.0;
        if m.is_empty() || matches!(m, "00" | "oo" | "o0" | "0o") {
            let minutes = tokens
                .get(at + 1)
                .filter(|t| m.is_empty() && t.before == 0 && t.word.len() == 2)
                .and_then(|t| digits(&t.word));
            return Some((hm(hour, minutes.map_or(0, |n| n.0))?, at + 1 + usize::from(minutes.is_some())));
        }
        return Some((hm(hour, digits(m)?.0)?, at + 1));
    }
    // "À 17.00", "(12.00)", "15/02/2027 12.00".
    let led = |before: &Token<'_>| {
        let year = before.word.rsplit('.').next().unwrap_or_default();
        before.word == "a" || matches!(digits(year), Some((2020..=2099, 4)))
    };
    let dotted = word.split_once('.').filter(|(h, m)| {
        h.len() <= 2 && m.len() == 2 && at > 0 && (led(&tokens[at - 1]) || tokens[at].after(mark::OPEN))
    });
    if let Some((h, m)) = dotted
        && let (Some(h), Some(m)) = (digits(h), digits(m))
    {
        return Some((hm(h.0, m.0)?, at + 1));
    }
    let (hour, next) = match digits(word) {
        Some((n, length)) if length <= 2 && n <= 24 => (n, at + 1),
        Some(_) => return None,
        None => spelled(tokens, at).filter(|(n, _)| *n <= 24)?,
    };
    let unit = tokens.get(next)?;
    if unit.before == 0 && matches!(unit.word.as_ref(), "h" | "heure" | "heures" | "hrs") {
        let minutes = tokens
            .get(next + 1)
            .filter(|t| t.before == 0 && t.word.len() == 2)
            .and_then(|t| digits(&t.word))
            .filter(|n| n.0 < 60);
        let in_letters = || {
            tokens
                .get(next + 1)
                .filter(|t| t.before == 0)
                .and_then(|_| spelled(tokens, next + 1))
                .filter(|n| n.0 < 60 && n.0 >= 5)
        };
        if let (None, Some((n, to))) = (minutes, in_letters()) {
            return Some((hm(hour, n)?, to));
        }
        return Some((hm(hour, minutes.map_or(0, |n| n.0))?, next + 1 + usize::from(minutes.is_some())));
    }
    // "5 pm".
    if unit.before == 0 && matches!(unit.word.as_ref(), "pm" | "am") && (1..=12).contains(&hour) {
        return Some((hm(hour % 12 + if unit.word == "pm" { 12 } else { 0 }, 0)?, next + 1));
    }
    // "h30" behind a space.
    if unit.before == 0 && unit.word.len() == 3 && unit.word.starts_with('h') {
        return Some((hm(hour, digits(&unit.word[1..])?.0)?, next + 1));
    }
    let minutes =
        digits(unit.word.get(..2)?).filter(|n| unit.before == mark::COLON && n.0 < 60 && unit.word.len() <= 3)?;
    // Seconds.
    let seconds = tokens.get(next + 1).is_some_and(|t| {
        t.before == mark::COLON && t.word.len() <= 3 && digits(t.word.get(..2).unwrap_or("")).is_some()
    });
    Some((hm(hour, minutes.0)?, next + 1 + usize::from(seconds)))
}

/// The first time of day among tokens.
pub(crate) fn time_in(tokens: &[Token<'_>]) -> Option<NaiveTime> {
    (0..tokens.len()).find_map(|at| time(tokens, at)).map(|t| t.0)
}

/// The clock that is told behind a time: "heure de Paris", "(UTC+4)", "GMT", "+04:00". `glued`: the time is of one word with its day, so that
/// a hyphen before hours is a sign rather than a range.
pub(crate) fn clock_behind(behind: &[Token<'_>], glued: bool) -> Option<Clock> {
    let universal = behind.first().is_some_and(|t| matches!(t.word.as_ref(), "utc" | "gmt"));
    let at = usize::from(universal);
    let offset = behind.get(at).and_then(|hours| {
        let signed = hours.after(mark::PLUS) || hours.after(mark::HYPHEN) && (universal || glued);
        let (n, length) = digits(&hours.word).filter(|_| signed)?;
        let minutes = behind.get(at + 1).filter(|t| t.before == mark::COLON).and_then(|t| digits(&t.word));
        let (h, m) = match (length, minutes) {
            (4, _) => (n / 100, n % 100),
            (1 | 2, Some((m, 2))) => (n, m),
            (1 | 2, _) if universal => (n, 0),
            _ => return None,
        };
        let seconds = i32::try_from(h * 3_600 + m * 60).ok()?;
        FixedOffset::east_opt(if hours.after(mark::PLUS) { seconds } else { -seconds })
    });
    match offset {
        Some(offset) => Some(Clock::Offset(offset)),
        None if universal => Some(Clock::Zone(Tz::UTC)),
        None => named_zone(behind).map(Clock::Zone),
    }
}

/// The zone that is named behind a time: "heure de Paris", "(heure locale de La Réunion)", "heure de la métropole".
fn named_zone(behind: &[Token<'_>]) -> Option<Tz> {
    const BEFORE_THE_NAME: [&str; 11] =
        ["locale", "legale", "de", "du", "des", "d", "la", "l", "nouvelle", "saint", "pierre"];
    let mut words = behind.iter().take(7).take_while(|t| !t.after(mark::STOP | mark::ASK)).map(|t| t.word.as_ref());
    words.next().filter(|word| matches!(*word, "heure" | "heures"))?;
    words.find(|word| !BEFORE_THE_NAME.contains(word)).and_then(zones::named)
}

//! Days and times by grammar, in every usual form: year first or last, months in letters, time before or after the day, midi, minuit,
//! "au plus tard à 11 h 30", several days of one month, numbers in words, a scanner's O for 0.
//!
//! One grammar for notices, feeds and portals. A day without its year takes the year of the next full date, else of the one before.
//! What is no date is passed over; 31 February is none.

use std::ops::Range;

use chrono::{DateTime, Datelike, FixedOffset, NaiveDate, NaiveTime, Weekday};
use chrono_tz::Tz;

use super::quantity::spelled;
use super::time_of_day::{clock_behind, digits, time};
use super::token::{Token, mark};
use super::tokenizer::tokens;
use crate::zones::{self, Clock};

/// A moment that words tell.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct When {
    /// First token of the day.
    pub from: usize,
    /// Behind the last token, the time's included.
    pub to: usize,
    /// The day.
    pub day: NaiveDate,
    /// The time of day, where one is told.
    pub time: Option<NaiveTime>,
    /// The clock that the words name: "heure de Paris", "heure de La Réunion", "UTC+4", a `Z`.
    pub clock: Option<Clock>,
    /// The year is not written.
    pub undated: bool,
}

impl When {
    /// The moment, in `zone` unless the words name another; the end of the day where no time is told.
    #[must_use]
    pub fn at(&self, zone: Tz) -> (DateTime<FixedOffset>, bool) {
        let time = self.time.or_else(|| NaiveTime::from_hms_opt(23, 59, 0)).unwrap_or_default();
        let local = self.day.and_time(time);
        (self.clock.unwrap_or(Clock::Zone(zone)).at(local), self.time.is_some())
    }
}

/// Names of the months, folded.
pub const MONTHS: [&str; 12] = [
    "janvier",
    "fevrier",
    "mars",
    "avril",
    "mai",
    "juin",
    "juillet",
    "aout",
    "septembre",
    "octobre",
    "novembre",
    "decembre",
];

/// Names of the days of the week, folded.
pub const WEEKDAYS: [(&str, Weekday); 7] = [
    ("lundi", Weekday::Mon),
    ("mardi", Weekday::Tue),
    ("mercredi", Weekday::Wed),
    ("jeudi", Weekday::Thu),
    ("vendredi", Weekday::Fri),
    ("samedi", Weekday::Sat),
    ("dimanche", Weekday::Sun),
];

/// Month by the first letters of its name.
fn month(word: &str) -> Option<u32> {
    const SHORT: [&str; 12] =
        ["janv", "fev", "mars", "avr", "mai", "juin", "juil", "aout", "sept", "oct", "nov", "dec"];
    const OTHERS: &[(&str, u32)] = &[
        ("jan", 1),
        ("feb", 2),
        ("fevr", 2),
        ("apr", 4),
        ("jul", 7),
        ("aug", 8),
        ("sep", 9),
        ("jun", 6),
        ("may", 5),
        ("mar", 3),
        // Some write in English, and feeds do.
        ("january", 1),
        ("february", 2),
        ("march", 3),
        ("april", 4),
        ("june", 6),
        ("july", 7),
        ("august", 8),
        ("september", 9),
        ("october", 10),
        ("november", 11),
        ("december", 12),
    ];
    // A scanner reads "rn" for "m": "decernbre".
    let mended = word.replace("rn", "m");
    let word = mended.as_str();
    let at = MONTHS.iter().chain(&SHORT).position(|n| *n == word).map(|i| i as u32 % 12 + 1);
    at.or_else(|| OTHERS.iter().find(|(n, _)| *n == word).map(|(_, m)| *m))
}

/// A day of a month: digits, "1er", or words.
fn day_number(tokens: &[Token<'_>], at: usize) -> Option<(u32, usize)> {
    let word = tokens.get(at)?.word.as_ref();
    let number = word.strip_suffix("er").and_then(digits).or_else(|| digits(word));
    if let Some((n, length)) = number {
        return ((1..=31).contains(&n) && length <= 2).then_some((n, at + 1));
    }
    if word == "premier" {
        return Some((1, at + 1));
    }
    spelled(tokens, at).filter(|(n, _)| (1..=31).contains(n))
}

fn year(tokens: &[Token<'_>], at: usize) -> Option<(i32, usize)> {
    let token = tokens.get(at).filter(|t| t.before & !(mark::COMMA | mark::STOP) == 0)?;
    // "20 janvier 27", not "20 janvier 17 h".
    let hour = tokens
        .get(at + 1)
        .is_some_and(|t| t.before & !mark::COLON == 0 && (t.word.starts_with('h') || t.after(mark::COLON)));
    if let Some((n, 2)) = digits(&token.word)
        && (token.before == 0 || token.before == mark::STOP && !MONTHS.contains(&tokens[at - 1].word.as_ref()))
        && !hour
    {
        return full_year(n, 2).filter(|y| *y >= 2024).map(|y| (y, at + 1));
    }
    if let Some((n, 4)) = digits(&token.word) {
        return (1990..=2099).contains(&n).then_some((n as i32, at + 1));
    }
    let (n, to) = spelled(tokens, at)?;
    (1990..=2099).contains(&n).then_some((n as i32, to))
}

/// A day as found: `year` may be missing.
struct Found {
    from: usize,
    to: usize,
    day: u32,
    month: u32,
    year: Option<i32>,
    glued_time: Option<NaiveTime>,
    clock: Option<Clock>,
    /// One of several days before their month: its time is the last one's.
    listed: bool,
}

impl Found {
    /// A day told from token `from` up to `to`.
    fn new((from, to): (usize, usize), day: u32, month: u32, year: Option<i32>) -> Self {
        Self { from, to, day, month, year, glued_time: None, clock: None, listed: false }
    }
}

fn full_year(n: u32, length: usize) -> Option<i32> {
    match length {
        4 if (1990..=2099).contains(&n) => Some(n as i32),
        // No notice speaks of days before 2013, numbers of sections do.
        2 if n >= 13 => Some(2000 + n as i32),
        _ => None,
    }
}

/// A day that begins at a token.
fn found(tokens: &[Token<'_>], from: usize) -> Option<Found> {
    let word = tokens[from].word.as_ref();
    // 22.01.2027, 2027.01.22, 4.9.20
    let dotted: Vec<&str> = if word.contains('.') { word.split('.').collect() } else { Vec::new() };
    if dotted.len() == 3 {
        let parts: Vec<(u32, usize)> = dotted.iter().filter_map(|p| digits(p)).collect();
        // "5.1.16 Description": a heading's number.
        let section = from == 0 && tokens.len() > 1 && parts.iter().all(|p| p.1 <= 2) && parts.iter().any(|p| p.1 == 1);
        if let ([a, b, c], false) = (parts.as_slice(), section) {
            return numeric(*a, *b, *c).map(|(day, month, year)| Found::new((from, from + 1), day, month, Some(year)));
        }
    }
    let joined = |i: usize, marks: u16| tokens.get(i).filter(|t| t.after(marks) && t.before & !marks == 0);
    for sign in [mark::SLASH, mark::HYPHEN, mark::ITEM] {
        let Some(b) = joined(from + 1, sign) else { continue };
        let (Some(a), Some(b)) = (digits(word), digits(&b.word)) else { continue };
        if let Some(c) = joined(from + 2, sign) {
            // "08 - 01 - 2027".
            if sign == mark::ITEM && c.word.len() != 4 {
                continue;
            }
            // 2027-01-22T12:00:00
            let (last, time) = match c.word.split_once('t') {
                Some((day, hour)) => (digits(day), digits(hour).map(|h| h.0)),
                None => (digits(&c.word), None),
            };
            let minute = tokens
                .get(from + 3)
                .filter(|_| time.is_some())
                .map_or(0, |t| t.word.bytes().take(2).fold(0, |n, b| n * 10 + u32::from(b.wrapping_sub(b'0').min(9))));
            let glued_time = time.and_then(|h| NaiveTime::from_hms_opt(h, minute, 0));
            let behind = &tokens[(from + 3).min(tokens.len())..];
            let clock = match glued_time {
                Some(_) if behind.iter().take(2).any(|t| t.word.ends_with('z')) => Some(Clock::Zone(Tz::UTC)),
                // Minutes, and seconds where there are some.
                Some(_) => (1..=2).find_map(|n| clock_behind(behind.get(n..)?, true)),
                None => None,
            };
            if let Some(c) = last {
                return numeric(a, b, c).map(|(day, month, year)| Found {
                    glued_time,
                    clock,
                    ..Found::new((from, from + 3), day, month, Some(year))
                });
            }
        }
        let alone = sign == mark::SLASH && a.1 <= 2 && b.1 == 2 && (1..=31).contains(&a.0) && (1..=12).contains(&b.0);
        if alone && tokens.get(from + 2).is_none_or(|t| t.word != "points") {
            return Some(Found::new((from, from + 2), a.0, b.0, None));
        }
    }
    // "29 12 2026".
    if let (Some((day, 2)), Some(m), Some(y)) =
        (digits(word), joined_by_space(tokens, from + 1), joined_by_space(tokens, from + 2))
        && let (Some((month, 2)), Some((year, 4))) = (digits(&m.word), digits(&y.word))
        && (1..=31).contains(&day)
        && (1..=12).contains(&month)
        && (2020..=2099).contains(&year)
    {
        return Some(Found::new((from, from + 3), day, month, Some(year as i32)));
    }
    let (day, next) = day_number(tokens, from)?;
    let name = tokens.get(next).filter(|t| t.before & !(mark::STOP | mark::HYPHEN) == 0)?;
    // "26 jan vier": torn apart.
    let rest = tokens.get(next + 1).filter(|t| t.before == 0).map(|t| t.word.as_ref());
    let torn = |whole: &&str| rest.is_some() && whole.strip_prefix(name.word.as_ref()) == rest;
    let (month, next) = match MONTHS.iter().position(torn) {
        Some(at) => (at as u32 + 1, next + 1),
        None => (month(&name.word)?, next),
    };
    // "20 déc. 2023": the full stop is the abbreviation's.
    let year = year(tokens, next + 1);
    let to = year.map_or(next + 1, |y| y.1);
    Some(Found::new((from, to), day, month, year.map(|y| y.0)))
}

/// The token at a place, where nothing but a space stands before it.
fn joined_by_space<'t, 'a>(tokens: &'t [Token<'a>], at: usize) -> Option<&'t Token<'a>> {
    tokens.get(at).filter(|t| t.before == 0)
}

/// Three numbers as day, month and year.
fn numeric(a: (u32, usize), b: (u32, usize), c: (u32, usize)) -> Option<(u32, u32, i32)> {
    if a.1 == 4 {
        return Some((c.0, b.0, full_year(a.0, 4)?));
    }
    Some((a.0, b.0, full_year(c.0, c.1)?))
}

// Words that may stand between a day and its time.
words!(
    BETWEEN,
    "a avant entre le de des vers pour heure heures locale limite au plus tard imperativement partir inclus et dernier delai
     toujours fin journee meme lundi mardi mercredi jeudi vendredi samedi dimanche time_receipt_tenders paris"
);

/// What a day without a year is read against.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reference {
    /// It is of this year.
    Year(i32),
    /// It was written on this day: what comes is more likely than what is long past.
    Day(NaiveDate),
}

impl Reference {
    /// The year of a day of a month. `before` is the year of a date that stands before it, `weekday` what it is said to be: a year on
    /// which it is another day of the week counts only where there is no better one.
    fn year(self, (month, day): (u32, u32), before: Option<i32>, weekday: Option<Weekday>) -> Option<i32> {
        /// A day that passed a little while ago is spoken of; one of longer ago is next year's.
        const PAST: chrono::Days = chrono::Days::new(31);
        let agrees = |year: &i32| {
            let said = NaiveDate::from_ymd_opt(*year, month, day).map(|d| d.weekday());
            weekday.is_none_or(|w| said == Some(w))
        };
        let written = match self {
            Self::Year(year) => {
                let year = before.unwrap_or(year);
                return [year, year + 1, year - 1].into_iter().find(agrees).or(Some(year));
            }
            Self::Day(written) => written,
        };
        // A date of another year goes on beside what it stands with.
        if let Some(before) = before.filter(|y| *y != written.year() && agrees(y)) {
            return Some(before);
        }
        let earliest = written.checked_sub_days(PAST)?;
        let to_come = |year: &i32| NaiveDate::from_ymd_opt(*year, month, day).is_some_and(|d| d >= earliest);
        let years = || (earliest.year()..=earliest.year() + 8).filter(to_come);
        years().take(2).find(agrees).or_else(|| years().next())
    }
}

/// Every moment among tokens; `reference` tells the year of a day without one, where no date behind it does.
#[must_use]
pub fn moments(tokens: &[Token<'_>], reference: Option<Reference>) -> Vec<When> {
    let mut days: Vec<Found> = Vec::new();
    let mut at = 0;
    while at < tokens.len() {
        match found(tokens, at) {
            Some(day) => {
                at = day.to;
                days.extend(days_before(tokens, &day));
                days.push(day);
            }
            None => at += 1,
        }
    }
    days.sort_by_key(|d| d.from);
    // "mercredi 13 janvier 2027 ou vendredi 15 janvier 2027, à 14 h": one time for both.
    for i in 1..days.len() {
        let between = &tokens[days[i - 1].to.min(days[i].from)..days[i].from];
        let joined = between.first().is_some_and(|t| matches!(t.word.as_ref(), "ou" | "et") && t.before == 0);
        days[i - 1].listed |= joined && between.len() <= 3 && days[i - 1].glued_time.is_none();
    }
    let next: Vec<usize> = days.iter().skip(1).map(|d| d.from).chain([tokens.len()]).collect();
    let years: Vec<Option<i32>> = days.iter().map(|d| d.year).collect();
    let ends: Vec<usize> = days.iter().map(|d| d.to).collect();
    days.iter()
        .enumerate()
        .filter_map(|(i, d)| {
            let behind = || years[i..].iter().flatten().next().copied();
            let before = || years[..i].iter().rev().flatten().next().copied();
            let told = || match reference {
                Some(reference) => reference.year((d.month, d.day), before(), weekday(tokens, d.from)),
                None => before(),
            };
            let year = d.year.or_else(behind).or_else(told)?;
            let day = NaiveDate::from_ymd_opt(year, d.month, d.day)?;
            let floor = i.checked_sub(1).map_or(0, |p| ends[p]);
            let (time, to) = match d.glued_time {
                Some(time) => (Some(time), d.to),
                None if d.listed => {
                    let last = days[i..].iter().find(|n| !n.listed);
                    (last.and_then(|n| time_of(tokens, n, n.from).0), d.to)
                }
                None => time_of(tokens, d, floor),
            };
            let clock = d.clock.or_else(|| clock_behind(&tokens[to..], false));
            // Two days may be told by the same words: none reaches into the next.
            Some(When { from: d.from, to: to.min(next[i]).max(d.from), day, time, clock, undated: d.year.is_none() })
        })
        .collect()
}

/// The day of the week that is named right before token `at`.
fn weekday(tokens: &[Token<'_>], at: usize) -> Option<Weekday> {
    let word = tokens[at.checked_sub(1)?].word.as_ref();
    WEEKDAYS.iter().find(|(name, _)| *name == word).map(|(_, day)| *day)
}

/// "les 9, 10 et 11 mars 2026": the days named before their month.
fn days_before(tokens: &[Token<'_>], day: &Found) -> Vec<Found> {
    let mut out = Vec::new();
    let mut at = day.from;
    let article = |i: usize| {
        let lead = i.checked_sub(1).map_or("", |p| tokens[p].word.as_ref());
        (lead == "le" || lead.ends_with("di")) && tokens[i].before == 0
    };
    while let Some(previous) = (if article(at) { at - 1 } else { at }).checked_sub(1) {
        let joins = matches!(tokens[previous].word.as_ref(), "et" | "ou" | "au");
        let head = if article(at) { at - 1 } else { at };
        let list = tokens[head].before == mark::COMMA || joins;
        let number = if joins { previous.checked_sub(1) } else { Some(previous) };
        let Some(number) = number.filter(|_| list) else { break };
        let Some((n, _)) = digits(&tokens[number].word).filter(|(n, length)| (1..=31).contains(n) && *length <= 2)
        else {
            break;
        };
        if number == 0
            || !(tokens[number].before != 0
                || words_of!(
                    "les et ou le du entre lundi mardi mercredi jeudi vendredi lundis mardis mercredis jeudis vendredis"
                )
                .contains(tokens[number - 1].word.as_ref()))
        {
            break;
        }
        out.push(Found { listed: true, ..Found::new((number, number + 1), n, day.month, day.year) });
        at = number;
    }
    out
}

/// The time told behind a day, else before it.
fn time_of(tokens: &[Token<'_>], day: &Found, floor: usize) -> (Option<NaiveTime>, usize) {
    for (at, token) in tokens.iter().enumerate().skip(day.to).take(8) {
        // "2027-02-22+01:00 11:00:00+01:00": a day's own offset.
        let offset =
            token.after(mark::PLUS) || at > day.to && tokens[at - 1].after(mark::PLUS) && token.before == mark::COLON;
        // "16/12 (2026) 14h".
        let year = at == day.to && day.year.is_none() && matches!(digits(&token.word), Some((2020..=2099, 4)));
        if offset && at <= day.to + 1 || year {
            continue;
        }
        if token.after(mark::STOP | mark::ASK) && at > day.to {
            break;
        }
        if let Some((time, to)) = time(tokens, at) {
            return (Some(time), to);
        }
        if !BETWEEN.contains(token.word.as_ref()) {
            break;
        }
    }
    let mut end = day.from;
    while end > floor
        && matches!(
            tokens[end - 1].word.as_ref(),
            "le" | "du" | "lundi" | "mardi" | "mercredi" | "jeudi" | "vendredi" | "samedi" | "dimanche"
        )
    {
        end -= 1;
    }
    if end < day.from || tokens[day.from].before == 0 {
        for start in (floor..end).rev().take(3) {
            if let Some((found, to)) = time(tokens, start)
                && to == end
            {
                return (Some(found), day.to);
            }
        }
    }
    (None, day.to)
}

/// The first moment of a text as feeds, portals and mails write it: `13/05/22 à 16h00`, `20 Déc. 2023 12:00`, `2027/01/22 12:00`,
/// `12H00 le 22/01/2027`, `jeu., 19 nov. 2026`, or one of the shapes of [`zones::deadline`].
#[must_use]
pub fn written(text: &str, zone: Tz) -> Option<(DateTime<FixedOffset>, bool)> {
    if let Some(found) = zones::deadline(text, zone) {
        return Some(found);
    }
    let folded = super::fold::fold(text);
    let tokens = tokens(&folded, &(0..folded.len()));
    moments(&tokens, None).first().map(|w| w.at(zone))
}

/// The first day of a text.
#[must_use]
pub fn day(text: &str) -> Option<NaiveDate> {
    let folded = super::fold::fold(text);
    let tokens = tokens(&folded, &(0..folded.len()));
    moments(&tokens, None).first().map(|w| w.day)
}

/// Where a moment stands in the text.
#[must_use]
pub fn range(tokens: &[Token<'_>], when: &When) -> Range<usize> {
    tokens[when.from].range.start..tokens[when.to - 1].range.end
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> String {
        written(text, Tz::Europe__Paris).map(|d| d.0.to_rfc3339()).unwrap_or_default()
    }

    #[test]
    fn french_days_are_read() {
        for (given, read) in [
            ("12 janvier 2027", "2027-01-12"),
            ("1er mars 2027", "2027-03-01"),
            ("4.9.20", "2020-09-04"),
            ("26/08/2020", "2020-08-26"),
            ("2020-08-26", "2020-08-26"),
            ("2027/1/5", "2027-01-05"),
            ("2027.01.22", "2027-01-22"),
            ("jeu., 19 nov. 2026", "2026-11-19"),
            ("Thu, 19 Nov 2026 10:00:00 CEST", "2026-11-19"),
            ("19/11/2026", "2026-11-19"),
            ("vendredi vingt mars deux mille vingt-six", "2026-03-20"),
            ("O9/O3/2O26", "2026-03-09"),
            ("1O decernbre 2O26", "2026-12-10"),
            ("08 - 01 - 2027", "2027-01-08"),
            ("29 12 2026", "2026-12-29"),
            ("26 jan vier 2027", "2027-01-26"),
            ("11 / 01 / 2027", "2027-01-11"),
            ("20 janvier 27 / 17 h", "2027-01-20"),
            ("20 January 2027, 5 pm", "2027-01-20"),
        ] {
            assert_eq!(day(given).map(|d| d.to_string()).as_deref(), Some(read), "{given}");
        }
        assert_eq!(day("31 fevrier 2027"), None);
    }

    /// Two days of one month, or of one bound, share words: none reaches into the next.
    #[test]
    fn moments_never_overlap() {
        for text in [
            "entre le 15/08 et le 31/10. Offre avant le 5 janv. 2027 – 12h. Contact de 8h a 10h",
            "visite les mardi 5 et jeudi 7 janvier 2027, 9 heures",
            "le 14 decembre ou le 17, a 16 h 45, puis 8 janvier 2027 a 12 h et 9 janvier a 12 h",
        ] {
            let tokens = tokens(text, &(0..text.len()));
            let found = moments(&tokens, Some(Reference::Year(2026)));
            assert!(found.len() >= 2, "{text}");
            assert!(found.windows(2).all(|w| w[0].from < w[0].to && w[0].to <= w[1].from), "{text}: {found:?}");
        }
    }

    /// A day without its year is the first one after it was written, or one just past; a date beside it that names another year
    /// tells it.
    #[test]
    fn a_day_without_its_year_is_read_against_the_day_it_was_written() {
        let read = |written: &str, text: &str| {
            let folded = crate::fold::fold(text);
            let day = written.parse().unwrap();
            let tokens = tokens(&folded, &(0..folded.len()));
            moments(&tokens, Some(Reference::Day(day))).last().map(|w| w.day.to_string()).unwrap_or_default()
        };
        for (written, text, day) in [
            ("2026-11-23", "le 15/01 à 12h00", "2027-01-15"),
            ("2026-11-23", "vendredi 15 janvier à 12h", "2027-01-15"),
            ("2026-12-31", "1er janvier", "2027-01-01"),
            ("2026-11-23", "Publié le 23/11/2026, date limite : 15/01 à 12h00", "2027-01-15"),
            ("2026-11-23", "le 20 novembre", "2026-11-20"),
            ("2026-11-23", "le 10 décembre", "2026-12-10"),
            ("2027-01-05", "le 20 décembre", "2026-12-20"),
            ("2027-11-23", "le 29 février", "2028-02-29"),
            ("2026-11-23", "du 3 mars au 10 mars 2024", "2024-03-10"),
            ("2026-11-23", "le 3 mars 2024, puis le 10 mars", "2024-03-10"),
            ("2026-11-30", "label obtenu le 3 mars 2024. Réponse pour le mardi 15 décembre", "2026-12-15"),
            ("2026-11-30", "vendredi 11 décembre, vœux de janvier", "2026-12-11"),
            ("2026-06-30", "lundi 15 mars", "2027-03-15"),
        ] {
            assert_eq!(read(written, text), day, "{written} {text}");
        }
    }

    // A6: one date grammar everywhere.
    #[test]
    fn dates_of_portals_and_mails_are_read() {
        for (given, wanted) in [
            ("Date limite : le\n 13/05/22 à 16h00", "2022-05-13T16:00:00+02:00"),
            ("20 Déc. 2023 12:00", "2023-12-20T12:00:00+01:00"),
            ("20\nDéc.\n2023", "2023-12-20T23:59:00+01:00"),
            ("mardi 12 janvier 2027 à 12 h 30", "2027-01-12T12:30:00+01:00"),
            ("2027-01-12T12:00:00", "2027-01-12T12:00:00+01:00"),
            ("2027/01/22 12:00", "2027-01-22T12:00:00+01:00"),
            ("12H00 le 22/01/2027", "2027-01-22T12:00:00+01:00"),
            ("22/01/2027 à midi", "2027-01-22T12:00:00+01:00"),
            ("22 janvier 2027, au plus tard à 11 h 30", "2027-01-22T11:30:00+01:00"),
            ("vingt mars deux mille vingt-six à midi", "2026-03-20T12:00:00+01:00"),
            ("15 avril 2026, 10 heures", "2026-04-15T10:00:00+02:00"),
            ("2 avril 2026, 11 h 30", "2026-04-02T11:30:00+02:00"),
            ("Mardi 17 Mars 2026 - 12:00", "2026-03-17T12:00:00+01:00"),
            ("Date limite : 2027-02-22+01:00 11:00:00+01:00", "2027-02-22T11:00:00+01:00"),
            ("20 January 2027, 5 pm", "2027-01-20T17:00:00+01:00"),
            ("18.12.2026 / 17.00", "2026-12-18T17:00:00+01:00"),
            ("12/03/2026 12:00:00 (UTC+1)", "2026-03-12T12:00:00+01:00"),
            ("2026-12-15T12:00:00+04:00", "2026-12-15T12:00:00+04:00"),
            ("Date limite : 2026-12-15T12:00:00-04:00", "2026-12-15T12:00:00-04:00"),
            ("Date limite : 2026-12-15T12:00+0400", "2026-12-15T12:00:00+04:00"),
            ("15/12/2026 12:00 (UTC+4)", "2026-12-15T12:00:00+04:00"),
            ("15/12/2026 à 12:00 UTC", "2026-12-15T12:00:00+00:00"),
            ("15/12/2026 à 10h (GMT)", "2026-12-15T10:00:00+00:00"),
            ("15/12/2026 9:00-12:00", "2026-12-15T09:00:00+01:00"),
            ("15 déc. 26 à 10h", "2026-12-15T10:00:00+01:00"),
            ("15/12/2026 - 23h59 heure de La Réunion", "2026-12-15T23:59:00+04:00"),
            ("15 décembre 2026 à 12 h 00 (heure locale de Cayenne)", "2026-12-15T12:00:00-03:00"),
            ("15/12/2026 à 12:00, heure de Paris", "2026-12-15T12:00:00+01:00"),
            ("15/12/2026 à midi heure des Antilles", "2026-12-15T12:00:00-04:00"),
            ("15/12/2026 à midi, heure de remise des plis. Réunion le 3", "2026-12-15T12:00:00+01:00"),
        ] {
            assert_eq!(read(given), wanted, "{given}");
        }
        assert_eq!(read("bientôt"), "");
    }

    #[test]
    fn days_told_by_shared_words_do_not_overlap() {
        for text in [
            "entre le 15/08 et le 31/10, remise le 3 novembre 2026 a 12 h",
            "les 9, 10 et 11 mars 2026 et le 12/03 a 9 h",
        ] {
            let tokens = tokens(text, &(0..text.len()));
            let found = moments(&tokens, Some(Reference::Year(2026)));
            assert!(found.len() > 1 && found.windows(2).all(|w| w[0].to <= w[1].from), "{text}: {found:?}");
        }
    }

    #[test]
    fn several_days_of_one_month_are_several() {
        let folded = crate::fold::fold("les 9, 10 et 11 mars 2026 à 9 h");
        let tokens = tokens(&folded, &(0..folded.len()));
        let days: Vec<String> = moments(&tokens, None).iter().map(|w| w.day.to_string()).collect();
        assert_eq!(days, ["2026-03-09", "2026-03-10", "2026-03-11"]);
    }

    #[test]
    fn a_day_without_its_year_takes_the_one_beside_it() {
        let folded = crate::fold::fold("reportée du 6 mars au 13 mars 2026");
        let tokens = tokens(&folded, &(0..folded.len()));
        let days: Vec<String> = moments(&tokens, None).iter().map(|w| w.day.to_string()).collect();
        assert_eq!(days, ["2026-03-06", "2026-03-13"]);
    }
}

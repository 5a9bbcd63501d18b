//! Quantities by grammar: a French number in digits or words, any separator, and the unit behind it.
//!
//! `2.100 h`, `2 100 heures`, `mille deux cents heures`, `cent quarante (140) heures`, `300 à 400 heures`, `150 k€`, `1,2 M€`,
//! `5 %`, `le dixième des heures`, `15/100`, `0,5 ETP`. A number whose unit is not told is kept without one: who reads knows from
//! the heading. Never fails: what is no number is passed over.

use super::numerals::{self, Sum};
use super::token::{Token, mark};

/// What a number counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unit {
    /// Hours of work.
    Hours,
    /// Percent.
    Percent,
    /// Points of a mark.
    Points,
    /// Full-time posts.
    FullTime,
    /// Euros.
    Euros,
    /// Months.
    Months,
    /// Days or weeks: delays.
    Days,
    /// Lots.
    Lots,
    /// Nothing that is told.
    None,
}

/// A number with its unit.
#[derive(Debug, Clone, PartialEq)]
pub struct Quantity {
    /// Its value; the lower end of a range.
    pub value: f64,
    /// The upper end of a range.
    pub upper: Option<f64>,
    /// What it counts.
    pub unit: Unit,
    /// First token.
    pub from: usize,
    /// Behind the last token, the unit's included.
    pub to: usize,
    /// Told for each year.
    pub a_year: bool,
    /// Told for each lot.
    pub each: bool,
}

/// Every quantity among tokens.
#[must_use]
pub fn quantities(tokens: &[Token<'_>]) -> Vec<Quantity> {
    let mut out = Vec::new();
    let mut at = 0;
    while at < tokens.len() {
        // Most words are no numbers.
        let token = &tokens[at];
        if !token.known.counts() && !token.word.bytes().any(|b| b.is_ascii_digit()) {
            at += 1;
            continue;
        }
        match quantity(tokens, at) {
            Some(q) => {
                at = q.to.max(at + 1);
                out.push(q);
            }
            None => at += 1,
        }
    }
    out
}

fn quantity(tokens: &[Token<'_>], from: usize) -> Option<Quantity> {
    if let Some((value, to)) = fraction(tokens, from) {
        return Some(Quantity { value, upper: None, unit: Unit::Percent, from, to, a_year: false, each: false });
    }
    let (mut value, mut to, glued) = number(tokens, from)?;
    let mut upper = None;
    // "cent quarante (140) heures": the digits count.
    if !tokens[from].is_number()
        && tokens.get(to).is_some_and(|t| t.after(mark::OPEN) && t.is_number())
        && let Some((digits, end, _)) = number(tokens, to)
    {
        (value, to) = (digits, end);
    } else if glued.is_none()
        && tokens.get(to).is_some_and(|t| matches!(t.word.as_ref(), "a" | "et") && t.before == 0)
        && tokens.get(to + 1).is_some_and(|t| t.before == 0 && t.is_number())
        && let Some((high, end, _)) = number(tokens, to + 1)
        && high > value
        && unit(tokens, end).is_some_and(|(u, ..)| u == Unit::Hours || u == Unit::Percent)
        && (tokens[to].word == "a" || from > 0 && tokens[from - 1].word == "entre")
        && (from == 0 || !matches!(tokens[from - 1].word.as_ref(), "lot" | "lots"))
    {
        upper = Some(high);
        to = end;
    }
    // "Un millier d'heures", "deux centaines d'heures".
    if let Some(times) = tokens.get(to).filter(|t| t.before == 0).and_then(|t| round_number(&t.word)) {
        value *= times;
        to += 1 + tokens[to + 1..].iter().take_while(|t| matches!(t.word.as_ref(), "d" | "de")).count();
    }
    let (unit, scale, end) = match glued {
        Some(unit) => (unit, 1.0, to),
        None => unit(tokens, to).unwrap_or((Unit::None, 1.0, to)),
    };
    let (a_year, each) = per(tokens, end);
    let a_year = a_year || yearly_before(tokens, from);
    Some(Quantity { value: value * scale, upper: upper.map(|u| u * scale), unit, from, to: end, a_year, each })
}

fn round_number(word: &str) -> Option<f64> {
    match word {
        "dizaine" | "dizaines" => Some(10.0),
        "centaine" | "centaines" => Some(100.0),
        "millier" | "milliers" => Some(1000.0),
        _ => None,
    }
}

/// What a share of one in so many is of.
pub(super) const COUNTED: [&str; 6] = ["heure", "salarie", "embauche", "recrutement", "journee", "poste"];

/// "le dixième des heures", "un quart du temps": a share.
fn fraction(tokens: &[Token<'_>], from: usize) -> Option<(f64, usize)> {
    // "1/20e des heures".
    let over = tokens.get(from + 1).filter(|t| tokens[from].word == "1" && t.after(mark::SLASH));
    let part = over.and_then(|t| {
        t.word
            .trim_end_matches(|c: char| c.is_ascii_alphabetic())
            .parse::<f64>()
            .ok()
            .filter(|n| *n >= 2.0 && t.word.ends_with('e'))
    });
    if let Some(n) = part {
        return Some((100.0 / n, from + 2));
    }
    // "Une heure sur dix", "un salarié sur vingt".
    let one = matches!(tokens[from].word.as_ref(), "un" | "une" | "1")
        && tokens.get(from + 1).is_some_and(|t| t.begins(&COUNTED))
        && tokens.get(from + 2).is_some_and(|t| t.word == "sur");
    if let (true, Some((n, to))) = (
        one,
        spelled(tokens, from + 3).map(|(n, to)| (f64::from(n), to)).or_else(|| {
            let n = tokens.get(from + 3)?.word.parse::<f64>().ok()?;
            Some((n, from + 4))
        }),
    ) && n >= 2.0
    {
        return Some((100.0 / n, to));
    }
    let share = numerals::part_of_a_hundred(&tokens[from].word)?;
    // "Un dixième au moins des heures".
    let least = tokens.get(from + 1).is_some_and(|t| t.word == "au")
        && tokens.get(from + 2).is_some_and(|t| matches!(t.word.as_ref(), "moins" | "minimum"));
    let behind = from + 1 + if least { 2 } else { 0 };
    let whole = tokens.get(behind).is_some_and(|t| matches!(t.word.as_ref(), "de" | "des" | "du"));
    let counted = tokens[behind..].iter().take(5).any(|t| {
        t.word.starts_with("heure")
            || t.word.starts_with("journee")
            || matches!(t.word.as_ref(), "temps" | "main" | "effectif" | "effectifs" | "volume" | "travail" | "postes")
    });
    let led = from > 0 && matches!(tokens[from - 1].word.as_ref(), "le" | "un" | "au" | "du" | "la");
    (whole && counted && led).then_some((share, from + 1))
}

/// A number in digits or words: value, where it ends, and a unit glued to it ("320h").
fn number(tokens: &[Token<'_>], from: usize) -> Option<(f64, usize, Option<Unit>)> {
    let token = &tokens[from];
    // A scanner's letter O among digits: "14O heures".
    let like_digit = |b: u8| b.is_ascii_digit() || matches!(b, b'o' | b'l');
    let digits = token.word.bytes().filter(u8::is_ascii_digit).count();
    if digits > 0 && digits < token.word.len() && token.word.len() <= 5 && token.word.bytes().all(like_digit) {
        let scanned = token.word.replace('o', "0").replace('l', "1");
        return scanned.parse().ok().map(|v| (v, from + 1, None));
    }
    if !token.is_number() {
        return if token.known.counts() { in_words(tokens, from).map(|(v, to)| (v, to, None)) } else { None };
    }
    let digits = token.word.bytes().take_while(|b| b.is_ascii_digit() || matches!(b, b'.' | b',')).count();
    let rest = &token.word[digits..];
    let glued = match rest {
        "" => None,
        "h" | "heures" | "hrs" => Some(Unit::Hours),
        "pts" | "points" => Some(Unit::Points),
        "etp" => Some(Unit::FullTime),
        _ => return None,
    };
    let mut text = token.word[..digits].to_owned();
    let mut to = from + 1;
    // Groups of three digits behind a space: 2 350, 250 000,00; the last may be glued to its unit ("3 200h").
    let mut unit = glued;
    while unit.is_none() && !text.contains(',') {
        let lead = text.rsplit('.').next().map_or(0, str::len);
        let Some(next) = tokens.get(to).filter(|t| t.before == 0 && t.is_number() && lead <= 3) else { break };
        let group = next.word.bytes().take_while(u8::is_ascii_digit).count();
        let tail = &next.word[group..];
        let tail_fits = tail.is_empty() || tail == "h" || tail.starts_with(',');
        if group != 3 || !tail_fits || text.starts_with('0') {
            break;
        }
        text.push_str(&next.word[..group]);
        if let Some(cents) = tail.strip_prefix(',') {
            text.push(',');
            text.push_str(cents);
        } else if tail == "h" {
            unit = Some(Unit::Hours);
        }
        to += 1;
    }
    figure(&text).map(|v| (v, to, unit))
}

/// Numbers in words. "un" and "une" are articles more often than numbers: only before a unit or a thousand.
fn in_words(tokens: &[Token<'_>], from: usize) -> Option<(f64, usize)> {
    let (value, at) = spelled(tokens, from)?;
    let lone_article = at == from + 1 && matches!(tokens[from].word.as_ref(), "un" | "une");
    let round = tokens.get(at).is_some_and(|t| round_number(&t.word).is_some());
    if lone_article && !round && unit(tokens, at).is_none_or(|(u, ..)| u == Unit::Lots) {
        return None;
    }
    Some((f64::from(value), at))
}

/// A number in words that begins at a token, and where it ends: "vingt et un", "quatre-vingt-dix", "deux mille vingt-six".
pub(crate) fn spelled(tokens: &[Token<'_>], from: usize) -> Option<(u32, usize)> {
    tokens.get(from).filter(|t| t.known.counts())?;
    let joined = |at: usize| at == from || tokens.get(at).is_some_and(|t| t.before & !mark::HYPHEN == 0);
    let mut sum = Sum::default();
    let mut at = from;
    while let Some(token) = tokens.get(at).filter(|_| joined(at)) {
        let one = |t: &Token<'_>| matches!(t.word.as_ref(), "un" | "une" | "onze");
        if token.word == "et" && at > from && tokens.get(at + 1).is_some_and(one) {
            at += 1;
            continue;
        }
        if !sum.add(&token.word) {
            break;
        }
        at += 1;
    }
    (at > from).then_some((sum.total + sum.part, at))
}

/// The unit that stands at `at`: what it counts, its scale, and where it ends.
fn unit(tokens: &[Token<'_>], at: usize) -> Option<(Unit, f64, usize)> {
    let token = tokens.get(at)?;
    if token.after(mark::SLASH) && token.word == "100" {
        return Some((Unit::Points, 1.0, at + 1));
    }
    if token.before & !(mark::CLOSE | mark::HYPHEN) != 0 {
        return None;
    }
    let next = |n: usize| tokens.get(at + n).filter(|t| t.before & !mark::APOSTROPHE == 0).map(|t| t.word.as_ref());
    Some(match token.word.as_ref() {
        "h" | "heure" | "heures" | "hrs" | "hs" | "hours" => (Unit::Hours, 1.0, at + 1),
        // "350 de ces heures".
        "de" if next(1) == Some("ces") && next(2) == Some("heures") => (Unit::Hours, 1.0, at + 3),
        "%" | "pourcent" => (Unit::Percent, 1.0, at + 1),
        "pour" if next(1) == Some("cent") => (Unit::Percent, 1.0, at + 2),
        "point" | "points" | "pts" | "pt" => (Unit::Points, 1.0, at + 1),
        "etp" => (Unit::FullTime, 1.0, at + 1),
        "equivalent" | "equivalents" if next(1) == Some("temps") => (Unit::FullTime, 1.0, at + 3),
        // "Un poste à temps plein", "2 à temps plein".
        "poste" | "postes" | "personne" | "personnes" | "emploi" | "emplois"
            if next(1) == Some("a") && next(2) == Some("temps") && next(3) == Some("plein") =>
        {
            (Unit::FullTime, 1.0, at + 4)
        }
        // "1 poste, à plein temps".
        "poste" | "postes"
            if (1..5).any(|n| {
                tokens.get(at + n).is_some_and(|t| t.word == "temps")
                    && tokens[at + n - 1..].iter().take(3).any(|t| t.word.starts_with("plein"))
            }) =>
        {
            (Unit::FullTime, 1.0, at + 1)
        }
        "a" if next(1) == Some("temps") && next(2) == Some("plein") => (Unit::FullTime, 1.0, at + 3),
        "€" | "euro" | "euros" | "eur" => (Unit::Euros, 1.0, at + 1),
        "k" if next(1) == Some("€") => (Unit::Euros, 1e3, at + 2),
        "ke" | "keur" => (Unit::Euros, 1e3, at + 1),
        "m" if next(1) == Some("€") => (Unit::Euros, 1e6, at + 2),
        "meur" => (Unit::Euros, 1e6, at + 1),
        "million" | "millions" => (Unit::Euros, 1e6, at + 1),
        "mois" => (Unit::Months, 1.0, at + 1),
        "an" | "ans" | "annee" | "annees" => (Unit::Months, 12.0, at + 1),
        "jour" | "jours" | "semaine" | "semaines" | "minutes" | "minute" => (Unit::Days, 1.0, at + 1),
        "lot" | "lots" => (Unit::Lots, 1.0, at + 1),
        _ => return None,
    })
}

/// Whether the words before a quantity say that it is of a year: "chaque année, …", "le volume minimal à l'année est de 160 h".
fn yearly_before(tokens: &[Token<'_>], at: usize) -> bool {
    let start = (at.saturating_sub(14)..at)
        .rev()
        .find(|i| tokens[*i].after(mark::STOP | mark::ITEM))
        .unwrap_or(at.saturating_sub(14));
    tokens[start..at].windows(2).any(|w| {
        matches!(w[0].word.as_ref(), "chaque" | "l" | "par") && matches!(w[1].word.as_ref(), "an" | "annee")
            || w[1].word.starts_with("annuel")
    })
}

/// Whether what stands behind a quantity says "a year", "for each lot".
fn per(tokens: &[Token<'_>], at: usize) -> (bool, bool) {
    // "6 000 heures sur 4 ans (1 500 h annuelles)": brackets tell of their own number.
    let end = (at..tokens.len().min(at + 9))
        .find(|i| tokens[*i].after(mark::STOP | mark::ITEM) || tokens[*i].after(mark::OPEN) && tokens[*i].is_number())
        .unwrap_or(tokens.len().min(at + 9));
    let words: Vec<&str> = tokens[at.min(end)..end].iter().map(|t| t.word.as_ref()).collect();
    let pair = |a: &str, b: &[&str]| words.windows(2).any(|w| w[0] == a && b.contains(&w[1]));
    let a_year = pair("par", &["an", "annee"])
        || pair("chaque", &["annee"])
        || pair("l", &["an", "annee"])
        || words.first().is_some_and(|w| *w == "an" && tokens[at].after(mark::SLASH))
        || words.iter().any(|w| w.starts_with("annuel"));
    let each =
        pair("par", &["lot"]) || pair("chaque", &["lot"]) || words.iter().any(|w| matches!(*w, "chacun" | "chacune"));
    (a_year, each)
}

/// Reads `1 200`, `1.200`, `1200`, `12,5`. `None` for what is no number.
#[must_use]
pub fn figure(text: &str) -> Option<f64> {
    let trimmed = text.trim();
    let (whole, fraction) = match trimmed.rfind([',', '.']) {
        // Three digits after the mark are thousands: 1.200, 13.500.000.
        Some(at) if trimmed.len() - at - 1 != 3 => (&trimmed[..at], &trimmed[at + 1..]),
        _ => (trimmed, ""),
    };
    let whole: String = whole.chars().filter(char::is_ascii_digit).collect();
    let fraction: String = fraction.chars().filter(char::is_ascii_digit).collect();
    if whole.is_empty() {
        return None;
    }
    format!("{whole}.{}", if fraction.is_empty() { "0" } else { &fraction }).parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_read_as_written() {
        for (given, read) in [
            ("1 200", 1200.0),
            ("1.200", 1200.0),
            ("13.500.000", 13_500_000.0),
            ("12,5", 12.5),
            ("60", 60.0),
            ("42 800,00", 42800.0),
        ] {
            assert_eq!(figure(given), Some(read), "{given}");
        }
        assert_eq!(figure("neant"), None);
    }
    use crate::fold::fold;
    use crate::tokenizer::tokens;

    fn read(text: &str) -> Vec<(f64, Unit)> {
        let folded = fold(text);
        quantities(&tokens(&folded, &(0..folded.len()))).into_iter().map(|q| (q.value, q.unit)).collect()
    }

    #[test]
    fn quantities_are_read_as_buyers_write_them() {
        for (text, value, unit) in [
            ("2.100 heures", 2100.0, Unit::Hours),
            ("2 350 h", 2350.0, Unit::Hours),
            ("350 de ces heures", 350.0, Unit::Hours),
            ("3 200h", 3200.0, Unit::Hours),
            ("mille deux cents heures", 1200.0, Unit::Hours),
            ("cent vingt heures", 120.0, Unit::Hours),
            ("quatre-vingt-dix heures", 90.0, Unit::Hours),
            ("mille heures", 1000.0, Unit::Hours),
            ("cent quarante (140) heures", 140.0, Unit::Hours),
            ("un dixième des heures", 10.0, Unit::Percent),
            ("7,5 %", 7.5, Unit::Percent),
            ("5 pour cent", 5.0, Unit::Percent),
            ("0,5 ETP", 0.5, Unit::FullTime),
            ("150 k€", 150_000.0, Unit::Euros),
            ("250.000 €", 250_000.0, Unit::Euros),
            ("1,2 M€", 1_200_000.0, Unit::Euros),
            ("42 800,00 euros", 42_800.0, Unit::Euros),
            ("15/100", 15.0, Unit::Points),
            ("trois ans", 36.0, Unit::Months),
        ] {
            assert_eq!(read(text).first(), Some(&(value, unit)), "{text}");
        }
    }

    #[test]
    fn ranges_years_and_lots_are_kept() {
        let folded = fold("300 à 400 heures, 200 heures annuelles chacun");
        let found = quantities(&tokens(&folded, &(0..folded.len())));
        assert_eq!((found[0].value, found[0].upper), (300.0, Some(400.0)));
        assert!(found[1].a_year && found[1].each);
    }
}

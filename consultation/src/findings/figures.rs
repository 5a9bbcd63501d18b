//! Figures of folded text, with what they count and whose they are: "40 %", "trente jours", "1,2 million d'euros", "huit cents heures
//! (800 h)"; "5 400 heures au Nord, 5 900 heures au Centre".
//!
//! A figure is a number in digits or in words right before its unit. Whose it is, is told by the lots named between it and the next
//! figure, or between it and the one before, as the sentence does with its first.

use std::ops::Range;

use vigie_classify::fold::Folded;
use vigie_classify::numerals::counted;
use vigie_classify::pattern;
use vigie_domain::Lot;

pattern!(
    UNIT,
    r"(?P<fraction>\b(?:tiers|quarts?|cinquiemes?|dixiemes?|vingtiemes?) d)|(?P<euros>€|euros?\b|eur\b)|(?P<percent>%|pour ?cents?\b)|(?P<days>jours?\b)|(?P<months>mois\b)|(?P<hours>heures?\b|\bh\b)|(?P<points>points?\b|pts?\b)"
);
// Digits in front of a unit, with what may stand between: "1 200 000", "1,2 million d'", "(6)".
pattern!(
    DIGITS,
    r"(?P<n>\b[0-9]{1,3}(?:[ .\u{a0}\u{202f}][0-9]{3})+(?:,[0-9]{1,2})?|\b[0-9]+(?:[.,][0-9]{1,2})?)(?P<m> ?millions? d'| ?mille| ?[mk])? ?(?:\([^()]{1,30}\) ?|\) ?)?$"
);
pattern!(
    ORDINAL,
    r"\b(?P<stem>deux|trois|quatr|cinq|six|sept|huit|dix|onz|douz|treiz|quatorz|quinz|vingt|trent)u?i?emes? $"
);
pattern!(MILLIONS, r"(?P<n>[a-z-]+) millions? (?:d'|(?P<more>et demi|[a-z -]+ mille) ?(?:d')?)$");

/// What a figure counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Unit {
    Euros,
    Percent,
    Days,
    Months,
    Hours,
    Points,
}

/// A number and its unit.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Figure {
    pub(super) range: Range<usize>,
    pub(super) n: f64,
    pub(super) unit: Unit,
}

/// The figures of folded words, in their order; one that is written twice ("huit cents heures (800 h)") once.
pub(super) fn all(text: &str) -> Vec<Figure> {
    let mut out: Vec<Figure> = Vec::new();
    for found in UNIT.captures_iter(text) {
        let Some(whole) = found.get(0) else { continue };
        let units = [
            ("euros", Unit::Euros),
            ("percent", Unit::Percent),
            ("fraction", Unit::Percent),
            ("days", Unit::Days),
            ("months", Unit::Months),
            ("hours", Unit::Hours),
            ("points", Unit::Points),
        ];
        let Some((_, unit)) = units.into_iter().find(|(group, _)| found.name(group).is_some()) else { continue };
        if let Some(part) = found.name("fraction") {
            // "Un quart des heures", and no quarter of an hour.
            let share = fraction(text, part.start()..part.end() - 2);
            out.extend(share.filter(|_| !text[part.end() - 1..].starts_with("d'heure")));
            continue;
        }
        let Some((start, n)) = before(&text[..whole.start()], unit) else { continue };
        let again = out.last().is_some_and(|f| f.unit == unit && f.n == n && start.saturating_sub(f.range.end) <= 3);
        if !again {
            out.push(Figure { range: start..whole.end(), n, unit });
        }
    }
    out
}

/// A share in so many parts of a whole: "un dixième", "deux tiers".
fn fraction(text: &str, part: Range<usize>) -> Option<Figure> {
    let of = match text[part.clone()].trim_end_matches('s') {
        "tier" => 3.0,
        "quart" => 4.0,
        "cinquieme" => 5.0,
        "dixieme" => 10.0,
        _ => 20.0,
    };
    let words = text[..part.start].trim_end();
    let start = words.rfind([' ', '\'']).map_or(0, |at| at + 1);
    let parts = f64::from(counted(&words[start..])?);
    (parts >= 1.0 && parts < of).then(|| Figure { range: start..part.end, n: 100.0 * parts / of, unit: Unit::Percent })
}

/// The figures of one unit.
pub(super) fn of(text: &str, unit: Unit) -> Vec<Figure> {
    all(text).into_iter().filter(|f| f.unit == unit).collect()
}

/// The figures of a unit in words as they are written, at their places there.
pub(super) fn written(words: &str, unit: Unit) -> Vec<Figure> {
    let folded = Folded::of(words);
    let found = of(&folded.text, unit).into_iter();
    found.map(|f| Figure { range: folded.original(f.range.clone()), ..f }).collect()
}

/// The number that words end with, and where it starts.
fn before(text: &str, unit: Unit) -> Option<(usize, f64)> {
    /// Bytes looked back.
    const NEAR: usize = 90;
    // "Les vingt derniers points".
    let text =
        ["derniers ", "dernieres ", "premiers ", "autres "].iter().find_map(|w| text.strip_suffix(w)).unwrap_or(text);
    let cut = text.floor_char_boundary(text.len().saturating_sub(NEAR));
    let (start, n) = number(&text[cut..], unit)?;
    Some((cut + start, n))
}

fn number(text: &str, unit: Unit) -> Option<(usize, f64)> {
    if let Some(found) = DIGITS.captures(text) {
        let digits = found.name("n")?;
        let n = parsed(digits.as_str())?;
        let factor = match found.name("m").map(|m| m.as_str().trim()) {
            Some("m" | "million d'" | "millions d'") => 1_000_000.0,
            Some(_) => 1_000.0,
            None => 1.0,
        };
        return Some((digits.start(), n * factor));
    }
    if unit == Unit::Days
        && let Some(found) = ORDINAL.captures(text)
    {
        let stem = found["stem"].trim_end_matches('i');
        // "douzième" has lost the end of "douze".
        let n = counted(stem).or_else(|| counted(&format!("{stem}e")))?;
        return Some((found.get(0)?.start(), f64::from(n)));
    }
    if let Some(found) = MILLIONS.captures(text) {
        let millions = f64::from(counted(&found["n"])?) * 1_000_000.0;
        let more = match found.name("more").map(|m| m.as_str()) {
            Some("et demi") => 500_000.0,
            Some(words) => f64::from(counted(words)?),
            None => 0.0,
        };
        return Some((found.get(0)?.start(), millions + more));
    }
    // "d'euros" follows millions alone.
    let words = text.strip_suffix("d'").map_or(text, |_| "");
    in_words(words.trim_end())
}

/// The longest run of words at the end that is a number.
pub(super) fn in_words(text: &str) -> Option<(usize, f64)> {
    /// Most words of a number.
    const WORDS: usize = 5;
    let starts = text.rmatch_indices([' ', '(', '\'']).map(|(i, _)| i + 1).chain([0]).take(WORDS);
    let run = |start: usize| {
        let words = &text[start..];
        let spelt = words.starts_with(|c: char| c.is_ascii_lowercase());
        let n = counted(words).filter(|n| spelt && *n > 0 && words.split(' ').next() != Some("et"))?;
        Some((start, f64::from(n)))
    };
    starts.filter_map(run).last()
}

/// "1.500" is a thousand and more, "2.5" is not: amounts of money part thousands, shares do not.
fn parsed(digits: &str) -> Option<f64> {
    let decimal = digits.rsplit('.').next().is_some_and(|d| digits.contains('.') && d.len() < 3);
    if decimal {
        return digits.parse().ok();
    }
    let bare: String = digits.chars().filter(|c| c.is_ascii_digit() || *c == ',').collect();
    bare.replace(',', ".").parse().ok()
}

// Lots by number, letter or name, in text as it is written.
pattern!(
    LOTS,
    r"\b(?i:lots?|ensembles?)(?: (?:n°s?|nos?|numéros?))?\s*[–-]?\s*(?P<ids>(?:L?[0-9]{1,3}|[A-H])\b(?:\s*(?:,|et|/|ou|à|,\s*et)\s*(?:(?i:le |du |au )?(?i:lots? )?)?(?:n° ?)?(?:L?[0-9]{1,3}|[A-H])\b)*)|(?P<bare>\bL[0-9]{1,2}\b(?:\s*(?:,|et|/|ou|à)\s*L[0-9]{1,2}\b)*)|\b(?i:secteurs?|zones?|lots?|au|le|du|pour le)\s+(?P<name>Nord|Sud|Est|Ouest|Centre)\b(?P<more>(?:\s*(?:,|et|ou|et le|et au|et du)\s+(?:Nord|Sud|Est|Ouest|Centre)\b)*)|(?P<site>\b(?i:campus|sites?|secteurs?)\s+(?:des?\s+|du\s+|de la\s+)?\p{Lu}[\p{L}-]+)|(?P<rank>\b(?i:le|la) (?i:premi[eè]re?|seconde?|deuxi[eè]me)\b)|(?P<others>\b(?i:(?:aux|les|des|pour les)(?: \w+)? autres)\b(?: lots)?)"
);
pattern!(ID, r"L?(?P<n>[0-9]{1,3})|[A-H]\b|Nord|Sud|Est|Ouest|Centre");

/// Lots that words name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Mention {
    pub(super) range: Range<usize>,
    /// Empty where they are named by what they are alone ("le campus Nord", "les autres").
    pub(super) lots: Vec<String>,
}

/// Where words, as they are written, name lots.
pub(super) fn mentions(text: &str) -> Vec<Mention> {
    let mut out = Vec::new();
    for found in LOTS.captures_iter(text) {
        let Some(whole) = found.get(0) else { continue };
        let ids = found.name("ids").or(found.name("bare")).map(|m| m.as_str());
        // "320 heures pour le lot 1 et 275 heures": the last number counts something.
        let (ids, end) = match ids.and_then(|i| i.rsplit_once([' ', '\u{a0}', ','])) {
            Some((before, last)) if counts(&text[whole.end()..]) => {
                let before = before.trim_end_matches(|c: char| c.is_whitespace() || c == ',');
                let before = before.strip_suffix(" et").or(before.strip_suffix(" ou")).unwrap_or(before);
                (Some(before), whole.end() - last.len())
            }
            _ => (ids, whole.end()),
        };
        let named = found.name("name").map(|_| whole.as_str());
        let lots = ids.or(named).map(listed).unwrap_or_default();
        out.push(Mention { range: whole.start()..end, lots });
    }
    // "Le Nord" alone is a place; a sector is named as one, or beside another.
    let sector =
        |m: &Mention| matches!(m.lots.first().map(String::as_str), Some("Nord" | "Sud" | "Est" | "Ouest" | "Centre"));
    let named = text.contains("ecteur") || text.contains("zone") || out.iter().filter(|m| sector(m)).count() > 1;
    out.retain(|m| named || !sector(m));
    out
}

/// Whether words begin with what a number in front of them counts.
fn counts(rest: &str) -> bool {
    pattern!(
        COUNTED,
        r"^[ \u{a0}\u{202f}]?(?:[0-9]{3}\b|%|€|(?i:heures?|h|euros?|points?|pour cent|jours?|mois|ans?|personnes?|janvier|f[ée]vrier|mars|avril|mai|juin|juillet|ao[uû]t|septembre|octobre|novembre|d[ée]cembre)\b)"
    );
    COUNTED.is_match(rest)
}

/// The lots of a list: "1, 2 et 4", "L1 à L4".
fn listed(words: &str) -> Vec<String> {
    /// Most lots of a range.
    const RANGE: u32 = 200;
    let mut out: Vec<String> = Vec::new();
    let mut last: Option<(usize, u32)> = None;
    for found in ID.captures_iter(words) {
        let Some(whole) = found.get(0) else { continue };
        let number = found.name("n").and_then(|n| n.as_str().parse::<u32>().ok());
        if let (Some((end, from)), Some(to)) = (last, number)
            && words[end..whole.start()].trim() == "à"
            && to > from
            && to - from < RANGE
        {
            out.extend((from + 1..to).map(|n| n.to_string()));
        }
        let letter = || if whole.len() == 1 { Lot::clean_id(whole.as_str()) } else { whole.as_str().to_owned() };
        let id = found.name("n").map_or_else(letter, |n| Lot::clean_id(n.as_str()));
        if !out.contains(&id) {
            out.push(id);
        }
        last = number.map(|n| (whole.end(), n));
    }
    out
}

/// A figure and whose it is.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Shared {
    pub(super) n: f64,
    pub(super) lots: Vec<String>,
    /// Whether the sentence says whose it is, by number or by name.
    pub(super) told: bool,
}

/// Whose each figure is; `figures` and `mentions` of the same bytes, in their order.
pub(super) fn shared(figures: &[Figure], mentions: &[Mention]) -> Vec<Shared> {
    let Some(first) = figures.first() else { return Vec::new() };
    // One figure is of all lots that its sentence names, or rather of the nearest before it.
    let lead = mentions.first().is_some_and(|m| m.range.start < first.range.start);
    let end_of = |i: usize| figures.get(i + 1).map_or(usize::MAX, |f| f.range.start);
    let mut out = Vec::with_capacity(figures.len());
    for (i, figure) in figures.iter().enumerate() {
        let from = i.checked_sub(1).map_or(0, |b| figures[b].range.end);
        let earlier = mentions.iter().rfind(|m| m.range.start >= from && m.range.end <= figure.range.start);
        let later = mentions.iter().find(|m| m.range.start >= figure.range.end && m.range.start < end_of(i));
        let own = if lead { earlier.or(later) } else { later.or(earlier) };
        out.push(Shared { n: figure.n, lots: own.map(|m| m.lots.clone()).unwrap_or_default(), told: own.is_some() });
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn figures_are_read_in_digits_and_in_words() {
        for (text, unit, n) in [
            ("cent cinquante jours", Unit::Days, 150.0),
            ("six (6) mois", Unit::Months, 6.0),
            ("au sixieme jour ouvre", Unit::Days, 6.0),
            ("le douzieme jour", Unit::Days, 12.0),
            ("quatre-vingt-dix (90) jours", Unit::Days, 90.0),
            ("1,2 million d'euros", Unit::Euros, 1_200_000.0),
            ("cinq millions d'euros", Unit::Euros, 5_000_000.0),
            ("1 500 000 € ht", Unit::Euros, 1_500_000.0),
            ("1,5 m€", Unit::Euros, 1_500_000.0),
            ("800 k€", Unit::Euros, 800_000.0),
            ("trente-huit euros", Unit::Euros, 38.0),
            ("douze pour cent des heures", Unit::Percent, 12.0),
            ("2,5 %", Unit::Percent, 2.5),
            ("un quart des heures facturees", Unit::Percent, 25.0),
            ("un dixieme du montant", Unit::Percent, 10.0),
            ("huit cents heures (800 h)", Unit::Hours, 800.0),
        ] {
            let found: Vec<f64> = of(text, unit).iter().map(|f| f.n).collect();
            assert_eq!(found, [n], "{text}");
        }
        assert!(all("des jours et des heures, un quart d'heure").is_empty());
    }

    fn whose(text: &str, unit: Unit) -> Vec<(f64, Vec<String>)> {
        let figures = written(text, unit);
        shared(&figures, &mentions(text)).into_iter().map(|s| (s.n, s.lots)).collect()
    }

    #[test]
    fn each_figure_has_its_lots() {
        let of = |n: f64, lots: &[&str]| (n, lots.iter().map(|l| (*l).to_owned()).collect::<Vec<_>>());
        assert_eq!(
            whose("Lot 1 : 700 heures ; lot 2 : quatre cents heures", Unit::Hours),
            [of(700.0, &["1"]), of(400.0, &["2"])]
        );
        assert_eq!(
            whose("une avance de 5 % pour les lots 1 et 3, de vingt pour cent pour le lot 2", Unit::Percent),
            [of(5.0, &["1", "3"]), of(20.0, &["2"])]
        );
        assert_eq!(
            whose("3 000 heures au Nord et 900 heures au Centre", Unit::Hours),
            [of(3000.0, &["Nord"]), of(900.0, &["Centre"])]
        );
        assert_eq!(whose("L1 à L3 : 30 jours", Unit::Days), [of(30.0, &["1", "2", "3"])]);
        assert_eq!(
            whose("le lot A doit 200 heures, le lot B 150 heures", Unit::Hours),
            [of(200.0, &["a"]), of(150.0, &["b"])]
        );
        assert_eq!(
            whose("320 heures pour le lot n° 1 et 275 heures pour le lot n° 2", Unit::Hours),
            [of(320.0, &["1"]), of(275.0, &["2"])]
        );
        assert_eq!(
            whose("5 % pour le lot 2, 10 % pour les lots 3 et 4", Unit::Percent),
            [of(5.0, &["2"]), of(10.0, &["3", "4"])]
        );
        assert!(mentions("le lot à livrer").is_empty());
        assert!(mentions("le conseil départemental du Nord").is_empty());
    }
}

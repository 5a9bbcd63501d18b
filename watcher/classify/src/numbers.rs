//! Numbers as French notices write them, and lots as sentences name them. All input is folded.

use std::ops::Range;

use vigie_domain::Lot;

use super::numerals::counted;

/// A place where lots are named by number.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LotMention {
    /// Folded range within the text given.
    pub range: Range<usize>,
    /// The numbers, ranges spelled out.
    pub lots: Vec<String>,
    /// Where each number stands; lots of one range share the place of its end.
    pub at: Vec<usize>,
}

impl LotMention {
    /// The lots that words at `at`, inside the mention, speak of: "lot 1 (EA), lot 2 (SIAE)".
    #[must_use]
    pub fn lots_before(&self, at: usize) -> Vec<String> {
        let nearest = self.at.iter().rev().find(|p| **p < at);
        self.lots.iter().zip(&self.at).filter(|(_, p)| Some(*p) == nearest).map(|(l, _)| l.clone()).collect()
    }
}

/// Longest range of lots spelled out ("lots 1 à 173").
const MAX_LOT_RANGE: u32 = 300;

/// Finds `lot 3`, `lots n° 2 et 5`, `lots 11 à 19`.
#[must_use]
pub fn lot_mentions(text: &str) -> Vec<LotMention> {
    pattern!(
        MENTION,
        r"\blots? ?(?:n ?[°o\x22]s?\.? ?:? ?|numeros? |: ?)?(0{0,3}[0-9]{1,3}(?:[a-gi-z]\b)?(?: \([^()0-9]{2,40}\))?(?:(?: ?, ?(?:et )?| et | ou | a | au |(?: et)? jusqu'au | ?- ?| ?/ ?| & )(?:au )?(?:les |le )?(?:lots? )?(?:n ?° ?)?0{0,3}[0-9]{1,3}(?:[a-gi-z]\b)?(?: \([^()0-9]{2,40}\))?)*)",
        r"|\blots? (?:n ?° ?)?((?:[ivx]{1,4}|[b-h])\b(?:(?: ?, ?| et | ou | a )(?:les? )?(?:lots? )?(?:[ivx]{1,4}|[a-h])\b)*)",
        r"|\blots? (a)(?: ?[(:,]| et (?:le )?(?:lot )?b\b)|\b(?:du|le|au) lot (a) (?:et|est|sera|comporte|n'est|ou)\b",
        r"|\blot-(0{0,3}[0-9]{1,3})\b",
        r"|\bheures? pour les? ([0-9]{1,3}(?:(?: ?, ?| et | a )[0-9]{1,3})*)",
        r"|\b([0-9]{1,2})(?:er|ere|e|eme|nd|nde) lot\b|\blot \((?:le )?([0-9]{1,3})\b",
        r"|^ ?(?:• ?)?l([0-9]{1,2})\b|\bl([0-9]{1,2}) (?:\[|:|=|[0-9]{2,5} ?h)|\bcriteres? l([0-9]{1,2})\b|\b(?:le|pour le) ([0-9]{1,2}|[b-h]) (?:comport|n'est|est |sera |prevoi|une clause|ou )|\ble ([0-9]{1,2} \([^()0-9]{3,40}\)(?:(?:, | et )le [0-9]{1,2} \([^()0-9]{3,40}\))+)|\blots? (un|deux|trois|quatre|cinq|six|sept|huit|neuf|dix)\b|\bles? n ?[°o] ?([0-9]{1,2}(?:(?:, | et )[0-9]{1,2})*)|\blots ([a-z' -]{3,40} \([0-9]{1,2}\)(?:(?:, | et )[a-z' -]{3,40} \([0-9]{1,2}\))+)|\blot(?:\(s\)|s)? concerne(?:\(s\)|s)? ?: ?([a-h])\b|\b(?:lots|lot\(s\)|lots? concerne)\b?[^.;:0-9]{0,90}: ?([0-9]{1,3}(?:(?: ?, ?(?:et )?| et | a | ?- ?)[0-9]{1,3})*)"
    );
    pattern!(UNIT, r"^ ?(?:%|pour ?cent|euros?\b|€|h\b|heures?\b|mois\b|ans?\b|jours?\b|m2\b|000\b)");
    // "lot 3, 1 400 heures": the 1 is of thousands.
    pattern!(GROUP, r"^[ \u{a0}][0-9]{3}\b");
    pattern!(
        PART,
        r"(0{0,3}[0-9]{1,3}[a-z]?|\b[ivx]{1,4}\b|\b[b-h]\b|^a$|^(?:un|deux|trois|quatre|cinq|six|sept|huit|neuf|dix)$)|( a | au |jusqu'au|-)"
    );
    MENTION
        .captures_iter(text)
        .filter_map(|c| {
            let list = (1..c.len()).find_map(|i| c.get(i))?;
            let mut lots: Vec<String> = Vec::new();
            let mut at: Vec<usize> = Vec::new();
            let mut through = false;
            let mut last = (0, list.start()); // what stood before the last number named
            let mut end = list.end();
            for part in PART.captures_iter(list.as_str()) {
                let Some(id) = part.get(1) else {
                    let whole = part.get(0).map_or(0, |m| list.start() + m.start());
                    through = !text[..whole].ends_with(|c: char| c.is_ascii_alphabetic());
                    continue;
                };
                last = (lots.len(), end);
                end = list.start() + id.end();
                let id_at = list.start() + id.start();
                // "Les lots d'un montant …", "3 lots x 95 h" name none.
                let behind = &text[list.start() + id.end()..];
                let times = id.as_str() == "x" && behind.trim_start().starts_with(|c: char| c.is_ascii_digit());
                if behind.starts_with('\'') || times {
                    continue;
                }
                // "Le lot deux".
                let spelled = counted(id.as_str())
                    .filter(|_| id.len() > 1 && !id.as_str().starts_with(|c: char| c.is_ascii_digit()));
                let id = spelled.map_or_else(|| Lot::clean_id(id.as_str()), |n| n.to_string());
                // Roman numbers are written in capitals.
                let roman = id.bytes().all(|b| matches!(b, b'i' | b'v' | b'x'));
                let id = if roman { id.to_uppercase() } else { id };
                let from = lots.last().and_then(|l| l.parse::<u32>().ok());
                match (from, id.parse::<u32>()) {
                    (Some(from), Ok(to)) if through && from < to && to - from <= MAX_LOT_RANGE => {
                        lots.extend((from + 1..=to).map(|n| n.to_string()));
                    }
                    _ => lots.push(id),
                }
                at.resize(lots.len(), id_at);
                through = false;
            }
            // "lot 3 %", "lot 5 000 euros", and the 120 of "le lot 1, 120 heures" name no lot.
            let mut range = c.get(0)?.start()..c.get(0)?.end().min(list.end().max(c.get(0)?.start()));
            let behind = &text[list.end()..];
            let thousands = lots.len() > 1
                && GROUP.is_match(behind)
                && text[..end].rfind(',').is_some_and(|c| c >= last.1 && c < end);
            let digit = behind.starts_with(|c: char| c.is_ascii_digit());
            if UNIT.is_match(behind) || thousands || digit {
                lots.truncate(last.0);
                at.truncate(last.0);
                range.end = last.1.max(range.start);
            }
            (!lots.is_empty()).then_some(LotMention { range, lots, at })
        })
        .collect()
}

/// Whether a sentence speaks of every lot at once.
#[must_use]
pub fn speaks_of_all_lots(text: &str) -> bool {
    pattern!(
        ALL,
        r"\b(?:ensemble|totalite|chacun) (?:des|de ces) lots?\b|\bchaque (?:lot|titulaire|attributaire)\b|\btous les titulaires\b|\btous les lots\b|\blots? confondus|\bles lots (?:sont|seront|font|ont)\b|\bles (?:deux|trois|quatre|cinq|six) (?:macro-)?lots\b|\baux (?:deux|trois|quatre|cinq|six) (?:macro-)?lots\b"
    );
    // "Chacun des lots 1, 3 et 4": of those.
    let numbered = |behind: &str| behind.trim_start_matches([' ', 'n', '°']).starts_with(|c: char| c.is_ascii_digit());
    // "Sur les cinq lots, le 2 …": a part of them.
    let part = |before: &str| ["sur ", "parmi ", "dans "].iter().any(|w| before.ends_with(w));
    ALL.find_iter(text)
        .any(|m| !(m.as_str().ends_with("lots") && (numbered(&text[m.end()..]) || part(&text[..m.start()]))))
}

/// How many lots a text says there are, where it says so in its first part; 0 = it does not.
#[must_use]
pub fn announced_lots(text: &str) -> u32 {
    let head = &text[..text.floor_char_boundary(20_000)];
    head.match_indices(" lots")
        .filter(|(i, w)| !head[i + w.len()..].starts_with(|c: char| c.is_ascii_alphanumeric()))
        .filter_map(|(i, _)| head[..i].rsplit([' ', '(', '\'', ',']).next().and_then(counted))
        .find(|n| (2..50).contains(n))
        .unwrap_or(0)
}

/// Lots that words point at among `known`: "les deux premiers lots", "le dernier lot", "les lots suivants" are none by number.
#[must_use]
pub fn pointed_lots(text: &str, known: &[String]) -> Option<Vec<String>> {
    pattern!(
        POINTED,
        r"\b(?:(?P<n>deux|trois|quatre|cinq|six) )?(?P<which>premiers?|derniers?)(?: lots?\b| des (?:deux|trois|quatre|cinq|six) lots\b| (?:est|sera|sont|ont|seront|font)\b)|\b(?P<after>premier|dernier|second|deuxieme|troisieme|quatrieme|cinquieme) (?:de ces |des )?lots?\b|\blots? (?P<late>premier|dernier)\b|\b(?:du|pour le|au) (?P<bare>premier|deuxieme|troisieme|dernier)(?:,| \()"
    );
    let c = POINTED.captures(text).filter(|_| known.len() > 1)?;
    let count = c.name("n").and_then(|m| counted(m.as_str())).map_or(1, |n| n as usize);
    let word = c.name("which").or(c.name("after")).or(c.name("late")).or(c.name("bare"))?.as_str();
    let lots: Vec<String> = match word {
        "second" | "deuxieme" => known.get(1).into_iter().cloned().collect(),
        "troisieme" => known.get(2).into_iter().cloned().collect(),
        "quatrieme" => known.get(3).into_iter().cloned().collect(),
        "cinquieme" => known.get(4).into_iter().cloned().collect(),
        w if w.starts_with("premier") => known.iter().take(count).cloned().collect(),
        _ => known.iter().skip(known.len().saturating_sub(count)).cloned().collect(),
    };
    (!lots.is_empty()).then_some(lots)
}

/// How many others a sentence speaks of: "les deux autres", "les trois autres lots".
#[must_use]
pub fn others(text: &str) -> Option<usize> {
    pattern!(OTHERS, r"\bles (deux|trois|quatre|cinq|six) autres\b");
    OTHERS.captures(text).and_then(|c| counted(c.get(1)?.as_str())).map(|n| n as usize)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lots_are_read_as_named() {
        for (given, lots) in [
            ("le lot 3 est", vec!["3"]),
            ("lots n° 2 et 5", vec!["2", "5"]),
            ("les lots 11 a 14 (", vec!["11", "12", "13", "14"]),
            ("lots 1, 3 et 7", vec!["1", "3", "7"]),
            ("lot n°03", vec!["3"]),
            ("lots 1 a 3 et 6", vec!["1", "2", "3", "6"]),
            ("lot 2a", vec!["2a"]),
            ("95 h pour le lot deux", vec!["2"]),
            ("le 2 (cales et greves) et le 5 (chemins creux) ne pourront", vec!["2", "5"]),
            ("soumis : l1 175 h ; l2 40 h", vec!["1", "2"]),
            ("heures : l2 = 245 ; l3 = 105", vec!["2", "3"]),
            ("lot-0001 = 900 ; lot-0003 = 350", vec!["1", "3"]),
            ("communes aux lots 0001, 0002 et 0003 :", vec!["1", "2", "3"]),
            ("lot 2, 1 000 heures ; lot 3, 1 400 heures", vec!["2", "3"]),
            ("750 heures pour le lot a et de 910 heures pour le lot b", vec!["a", "b"]),
        ] {
            let found: Vec<String> = lot_mentions(given).into_iter().flat_map(|m| m.lots).collect();
            assert_eq!(found, lots, "{given}");
        }
        assert!(lot_mentions("6 lots et un lot de 5").is_empty());
        assert!(speaks_of_all_lots("pour l'ensemble des lots"));
        assert!(!speaks_of_all_lots("le gardien de chacun des lots 1, 3 et 4"));
    }
}

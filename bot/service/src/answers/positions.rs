//! What somebody answers to a call for partners in their own words: « mandataire lot 1 », « cotraitant lots 2 et 3, 30 % ; non pour
//! le lot 4 », « sous-traitant, 400 heures, 6 personnes ». Pure.
//!
//! A doubt is left to a person: a text that asks, hesitates or takes back is none of these.

use std::sync::LazyLock;

use regex::Regex;
use vigie_domain::{Lot, PartnerRole};

/// Most answers of one text.
const MAX_SAID: usize = 20;
/// Most lots that a range names.
const MAX_RANGE: u32 = 200;

/// What is said of some lots.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Said {
    /// The lots; empty = all of them.
    pub lots: Vec<String>,
    pub role: PartnerRole,
    /// Percent of the lot.
    pub share: Option<u32>,
    /// Hours of work.
    pub hours: Option<u32>,
    pub people: Option<u32>,
}

impl Said {
    /// That role, on all lots, and no more.
    #[must_use]
    pub fn only(role: PartnerRole) -> Self {
        Self { lots: Vec::new(), role, share: None, hours: None, people: None }
    }
}

#[allow(clippy::expect_used, reason = "the expressions are constants; each is exercised by tests")]
fn expression(text: &str) -> Regex {
    Regex::new(text).expect("a constant expression compiles")
}

static ROLE: LazyLock<Regex> = LazyLock::new(|| {
    expression(
        r"\b(?:(?P<lead>mandataires?)|(?P<co>co-?traitant(?:e|es|s)?)|(?P<sub>sous[ -]?traitant(?:e|es|s)?)|(?P<no>non))\b",
    )
});
static SHARE: LazyLock<Regex> = LazyLock::new(|| expression(r"(\d{1,3})\s*(?:%|pour ?cent)"));
static HOURS: LazyLock<Regex> =
    LazyLock::new(|| expression(r"(\d{1,3}(?:[ \x{a0}\x{202f}.]\d{3})+|\d{1,6})\s*(?:heures?|h)\b"));
static PEOPLE: LazyLock<Regex> =
    LazyLock::new(|| expression(r"(\d{1,4})\s*(?:personnes?|salaries?|salariees?|agents?)\b"));
static LOTS: LazyLock<Regex> = LazyLock::new(|| {
    expression(
        r"\blots?\s+(?:n[°o]s?\s*)?(?P<list>[0-9]{1,4}[a-z]?(?:\s*(?:,|et|&|a|-|au)\s*(?:lots?\s+)?[0-9]{1,4}[a-z]?\b)*)",
    )
});
static RANGE: LazyLock<Regex> = LazyLock::new(|| expression(r"^(\d{1,4})\s*(?:a|au|-)\s*(\d{1,4})$"));
/// Words that leave an answer in doubt.
static DOUBT: LazyLock<Regex> = LazyLock::new(|| {
    expression(
        r"\b(?:mais|sauf|pas|si|peut|sous reserve|ou|avant|apres|attendre|voir|finalement|annule|erreur|aucun|jamais|plutot)\b|\?",
    )
});
/// What may stand before the first answer.
static BEFORE: LazyLock<Regex> = LazyLock::new(|| {
    expression(
        r"^(?:bonjour|oui|ok|d'accord|nous|on|sommes|serons|serions|est|sera|partants?|comme|en tant que|en|position|de|le|les|la|pour|au|aux|notre|reponse|candidats?|candidate|\W)*$",
    )
});

/// « Le mandataire nous a appelés » speaks of another.
static OF_ANOTHER: LazyLock<Regex> = LazyLock::new(|| expression(r"\b(?:le|la|les|notre)\s*$"));

/// Reads an answer; `None` where there is none, or a doubt.
#[must_use]
pub fn said(text: &str) -> Option<Vec<Said>> {
    let text = vigie_watcher::classify::fold::fold(text).replace('’', "'");
    let text = text.trim();
    if DOUBT.is_match(text) {
        return None;
    }
    let roles: Vec<(usize, usize, PartnerRole)> = ROLE
        .captures_iter(text)
        .filter_map(|c| {
            let role = match () {
                () if c.name("lead").is_some() => PartnerRole::Lead,
                () if c.name("co").is_some() => PartnerRole::CoContractor,
                () if c.name("sub").is_some() => PartnerRole::Subcontractor,
                () => PartnerRole::Declined,
            };
            c.get(0).map(|m| (m.start(), m.end(), role))
        })
        .collect();
    // « Non » alone answers alerts of every kind; here it counts beside a role.
    if roles.is_empty() || roles.len() > MAX_SAID || roles.iter().all(|(.., r)| *r == PartnerRole::Declined) {
        return None;
    }
    let before = text.get(..roles[0].0)?;
    // « Lot 2 : mandataire »: the lots come first, for each of the answers.
    let lots_first = LOTS.find(before).is_some();
    if OF_ANOTHER.is_match(before) || !BEFORE.is_match(LOTS.replace(before, "").trim()) {
        return None;
    }
    let mut out = Vec::new();
    for (n, (start, end, role)) in roles.iter().enumerate() {
        let next = roles.get(n + 1).map_or(text.len(), |r| r.0);
        let rest = text.get(*end..next)?;
        let (own, lots) = if lots_first {
            // What names the lots of the next answer stands at the end of this one.
            let from = if n == 0 { 0 } else { LOTS.find_iter(text.get(..*start)?).last()?.start() };
            let own = match LOTS.find_iter(rest).last().filter(|_| n + 1 < roles.len()) {
                Some(m) => rest.get(..m.start())?,
                None => rest,
            };
            (own, lots_in(text.get(from..*start)?))
        } else {
            (rest, lots_in(rest))
        };
        let number = |of: &Regex| {
            let digits: String = of.captures(own)?.get(1)?.as_str().chars().filter(char::is_ascii_digit).collect();
            digits.parse::<u32>().ok()
        };
        out.push(Said { lots, role: *role, share: number(&SHARE), hours: number(&HOURS), people: number(&PEOPLE) });
    }
    Some(out)
}

/// The lots that a text names: `2, 3 et 5`, `1 à 4`.
fn lots_in(text: &str) -> Vec<String> {
    // Numbers that count something else are no lots.
    let text = [&*SHARE, &*HOURS, &*PEOPLE].iter().fold(text.to_owned(), |t, of| of.replace_all(&t, ";").into_owned());
    let mut out: Vec<String> = Vec::new();
    for list in LOTS.captures_iter(&text).filter_map(|c| c.name("list")) {
        for part in list.as_str().split([',', '&']).flat_map(|p| p.split(" et ")) {
            let part = part.trim().trim_start_matches("lots").trim_start_matches("lot").trim();
            match RANGE.captures(part) {
                Some(range) => {
                    let end = |n| range.get(n).and_then(|m| m.as_str().parse::<u32>().ok());
                    if let (Some(from), Some(to)) = (end(1), end(2))
                        && from <= to
                        && to - from <= MAX_RANGE
                    {
                        out.extend((from..=to).map(|n| n.to_string()));
                    }
                }
                None if !part.is_empty() => out.push(Lot::clean_id(&part.to_uppercase())),
                None => {}
            }
        }
    }
    let mut seen = std::collections::BTreeSet::new();
    out.retain(|lot| seen.insert(lot.clone()));
    out
}

#[cfg(test)]
mod tests {
    use PartnerRole::{CoContractor, Declined, Lead, Subcontractor};

    use super::*;

    fn of(lots: &[&str], role: PartnerRole) -> Said {
        Said { lots: lots.iter().map(|l| (*l).to_owned()).collect(), ..Said::only(role) }
    }

    #[test]
    fn answers_are_read_as_people_write_them() {
        for (text, wanted) in [
            ("Mandataire", vec![of(&[], Lead)]),
            ("mandataire lot 1", vec![of(&["1"], Lead)]),
            ("Nous serions cotraitants pour le lot 2.", vec![of(&["2"], CoContractor)]),
            ("Co-traitant lots 2, 3 et 5", vec![of(&["2", "3", "5"], CoContractor)]),
            ("Sous-traitante sur les lots 1 à 3", vec![of(&["1", "2", "3"], Subcontractor)]),
            (
                "Cotraitant lots 2 et 3, 30 %, 1 200 heures, 6 personnes",
                vec![Said { share: Some(30), hours: Some(1200), people: Some(6), ..of(&["2", "3"], CoContractor) }],
            ),
            (
                "Mandataire lot 1 ; cotraitant lot 2, 40 % ; non pour le lot 3",
                vec![of(&["1"], Lead), Said { share: Some(40), ..of(&["2"], CoContractor) }, of(&["3"], Declined)],
            ),
            ("Lot 2 : mandataire", vec![of(&["2"], Lead)]),
            (
                "lot 1 : mandataire, lot 4 : sous-traitant, 300 h",
                vec![of(&["1"], Lead), Said { hours: Some(300), ..of(&["4"], Subcontractor) }],
            ),
            ("Bonjour, oui, en tant que cotraitant, lot n° 12", vec![of(&["12"], CoContractor)]),
        ] {
            assert_eq!(said(text), Some(wanted), "{text}");
        }
        for text in [
            "non",
            "oui",
            "Non merci",
            "Mandataire ou cotraitant ?",
            "cotraitant, mais pas pour le lot 2",
            "cotraitant peut-être",
            "Le mandataire nous a appelés",
            "Qui est mandataire",
            "",
        ] {
            assert_eq!(said(text), None, "{text}");
        }
    }

    proptest::proptest! {
        #[test]
        fn no_text_makes_it_panic(text in "\\PC{0,120}", words in "(mandataire|cotraitant|lots? |[0-9]{1,6}|%| et |,| à | h|é){0,20}") {
            let _ = (said(&text), said(&words));
        }
    }
}

//! Where a plain text says the contract is carried out, as départements.
//!
//! A number is a postcode only where a label or the name of a commune of that département says so: "Avis n° 26-48124" and
//! "ISO 27001" are no places. The strongest statement counts alone: a label of the form, NUTS codes, the place of performance, an
//! address, the name of a département, a commune that no other bears the name of. In doubt, none: an alert is never lost to a guess.

use std::sync::LazyLock;

use aho_corasick::{AhoCorasick, AhoCorasickKind};
use vigie_config::rules::{Rules, communes};
use vigie_domain::{Department, commune};

pattern!(
    LABEL,
    r"(?i)\b(?:dept\.?|d[ée]partement\(?s?\)?)[ ]?(?:de publication|d['’]ex[ée]cution|concern[ée]s?)?[ ]?:[ ]?(?P<d>2[AaBb]|97[1-8]|[0-9]{2})\b"
);
pattern!(NUTS, r"\b(?P<n>FR[A-Z0-9][0-9A-Z]{2})\b");
pattern!(
    PLACE_LINE,
    r"(?im)^[^\n]{0,60}\b(?:lieux?|sites?|chantier|adresse)\b[^\n:]{0,40}(?:ex[ée]cution|prestations?|travaux|livraison|chantier)?[^\n:]{0,30}:(?P<l>[^\n]{3,200})"
);
pattern!(POSTCODE_LABEL, r"(?i)\b(?:codes? postal|postal_code|code_postal)[^0-9\n]{0,12}(?P<p>[0-9]{5})\b");
pattern!(POSTCODE, r"(?P<p>\b(?:0[1-9]|[1-8][0-9]|9[0-5]|97|98)[0-9]{3})\b(?P<c>[  ]+\p{Lu}[\p{L}'’ -]{1,60})?");
pattern!(ANNOUNCED, r"(?:^|[\n(–—,:-]|\p{Lu}[\p{L}'’-]*,?)[  ]*\(?$");
pattern!(NUMBER_BEFORE, r"(?i)(?:n[°ºo]s?|num[ée]ro|avis|annonce|r[ée]f\w*|iso|cs|bp|tsa|siret|article|lot)\.?[ :]*$");
pattern!(
    UNIT_BEHIND,
    r"^[  ]*(?:€|euros?|eur\b|m2|m²|m3|ml\b|heures?|h\b|%|kg|tonnes?|repas|exemplaires|unit[ée]s|lots?\b|[0-9])"
);
pattern!(NUMBERED, r"\p{Lu}[\p{L}'’-]*[ ]\((?P<d>2[ABab]|97[1-8]|[0-9]{2})\)");
pattern!(BRACKETED, r"\((?P<n>\p{Lu}[\p{L}'’ -]{2,30})\)");
pattern!(SEAT_LINE, r"(?i)^\s*(?:address|adresse|postal_code|town|correspondant|contact|si[èe]ge)\b");
pattern!(
    OWNER,
    r"(?i:\bvilles?|\bcommunes?|\bmairie|\bmunicipal[^ ]*|\bCHU|\bCHR|\bcentre hospitalier|\bh[ôo]pital|\bCCAS|\bagglo(?:m[ée]ration)?|\b(?:euro)?m[ée]tropole|\buniversit[ée]|\bEHPAD|\blyc[ée]e[^\n,.]{0,40}|\bcoll[èe]ge[^\n,.]{0,40}|\bCROUS|\bcit[ée]|\bop[ée]ra|\bport maritime|\bmus[ée]e[^\n,.]{0,40}|\bpalais[^\n,.]{0,40}|\bmaison d['’]arr[êe]t|\bC[UAC]|\bassociation[^\n,.]{0,60}|\bsitu[ée]e?s?|\bcommune nouvelle)[ ](?:(?i:de|d|des|du|à|a)[ '’])(?i:la |le |les )?(?P<c>\p{Lu}[\p{L}'’-]+(?:[ -](?:en|sur|sous|la|le|les|de|du|des|l|d|lès|\p{Lu}[\p{L}'’-]+)){0,5})|(?:,[ ]|[ ][–—-][ ]|\bà )(?P<a>\p{Lu}[\p{L}'’]+(?:-\p{L}[\p{L}'’]+)*)\)?(?:[.,\n]|$)"
);

/// The départements by their names.
struct Names {
    /// Finds any of the names between spaces, in a text that is written as [`commune::key`] writes it.
    automaton: AhoCorasick,
    named: Vec<Named>,
}

struct Named {
    name: &'static str,
    /// The name between spaces, as [`commune::key`] writes it.
    key: String,
    department: Department,
}

static NAMES: LazyLock<Names> = LazyLock::new(|| {
    let of = |(code, name)| {
        let department = Department::parse(code)?;
        Some(Named { name, key: format!(" {} ", commune::key(name)), department })
    };
    let named: Vec<Named> = Rules::embedded().departments().filter_map(of).collect();
    #[expect(clippy::expect_used, reason = "a hundred names of the embedded table, which every test of places builds")]
    let automaton = AhoCorasick::builder()
        .kind(Some(AhoCorasickKind::ContiguousNFA))
        .build(named.iter().map(|n| &n.key))
        .expect("a hundred names build an automaton");
    Names { automaton, named }
});

/// The département of that name.
pub(crate) fn called(name: &str) -> Option<&'static Department> {
    let key = format!(" {} ", commune::key(name));
    NAMES.named.iter().find(|n| n.key == key).map(|n| &n.department)
}

/// How much of the text is looked at.
const HEAD: usize = 60_000;

/// Départements where a text says the contract is carried out; empty where it does not say.
#[must_use]
pub fn departments(title: &str, text: &str) -> Vec<Department> {
    let text = &text[..text.floor_char_boundary(HEAD)];
    let mut found: Vec<Department> = Vec::new();
    let mut add = |d: Option<Department>| {
        if let Some(d) = d.filter(|d| !found.contains(d)) {
            found.push(d);
        }
    };
    for c in NUTS.captures_iter(text).filter_map(|c| c.name("n")) {
        add(Department::of_nuts(c.as_str()));
    }
    if !found.is_empty() {
        return found;
    }
    for line in PLACE_LINE.captures_iter(text).filter_map(|c| c.name("l")) {
        found.extend(in_address(line.as_str()));
        if !found.is_empty() {
            return found;
        }
    }
    let label = LABEL.captures(text).and_then(|c| Department::parse(c.name("d")?.as_str()));
    if let Some(label) = label {
        return vec![label];
    }
    let of_title = in_address(title);
    if !of_title.is_empty() {
        return of_title;
    }
    // Places in the text before the seat of the buyer.
    let (seat, rest): (Vec<&str>, Vec<&str>) = text.lines().partition(|l| SEAT_LINE.is_match(l));
    for c in rest.iter().flat_map(|l| NUMBERED.captures_iter(l)) {
        let d = c.name("d").and_then(|d| Department::parse(d.as_str()));
        found.extend(d.filter(|d| !found.contains(d)));
    }
    if !found.is_empty() {
        return found;
    }
    if let Some(d) = rest.iter().map(|l| in_address(l)).find(|d| !d.is_empty()) {
        return d;
    }
    let postal = POSTCODE_LABEL.captures(text).and_then(|c| Department::of_postcode(c.name("p")?.as_str()));
    let lead = &text[..text.floor_char_boundary(600)];
    postal
        .or_else(|| named(title, true))
        .or_else(|| named(lead, true))
        .or_else(|| named(text, true))
        .or_else(|| seat.iter().flat_map(|l| in_address(l)).next())
        .or_else(|| by_commune(title, text))
        .or_else(|| named(&format!("{title}\n{lead}"), false))
        .into_iter()
        .collect()
}

/// The département of a postcode before its commune's name, or of a number in brackets behind a name: `62000 Arras`, `Arras (62)`.
fn in_address(line: &str) -> Vec<Department> {
    for c in POSTCODE.captures_iter(line) {
        let Some(p) = c.name("p") else { continue };
        let Some(department) = Department::of_postcode(p.as_str()) else { continue };
        let (before, behind) = (&line[..p.start()], &line[p.end()..]);
        if NUMBER_BEFORE.is_match(before) || UNIT_BEHIND.is_match(behind) {
            continue;
        }
        let words: Vec<&str> =
            c.name("c").map_or("", |m| m.as_str()).split([' ', ',', '\u{a0}']).filter(|w| !w.is_empty()).collect();
        let cedex = words.iter().any(|w| w.eq_ignore_ascii_case("cedex"));
        let known =
            (1..=words.len().min(7)).any(|n| !communes().named(&words[..n].join(" "), Some(&department)).is_empty());
        // "Marly 59770", "(59360)", a line of its own: the number alone, where it is the postcode of some commune.
        let announced = ANNOUNCED.is_match(before) && !communes().by_postcode(p.as_str()).is_empty();
        if cedex || known || announced {
            return vec![department];
        }
    }
    let mut found = Vec::new();
    for d in NUMBERED.captures_iter(line).filter_map(|c| Department::parse(c.name("d")?.as_str())) {
        if !found.contains(&d) {
            found.push(d);
        }
    }
    found
}

/// The first département that a text names; `sure`: behind words that make it one, or in brackets.
fn named(text: &str, sure: bool) -> Option<Department> {
    let in_brackets =
        BRACKETED.captures_iter(text).filter_map(|c| c.name("n")).find_map(|n| called(n.as_str()).cloned());
    if in_brackets.is_some() {
        return in_brackets;
    }
    let folded = format!(" {} ", commune::key(text));
    let before = |at: usize| {
        let head = folded[..at].trim_end();
        [
            "departement de",
            "departement du",
            "departement des",
            "departement de la",
            "departement de l",
            "departement d",
            "departemental de",
            "departemental du",
            "departemental des",
            "departemental de la",
            "departemental de l",
            "departemental d",
            "prefecture de",
            "prefecture du",
            "prefecture des",
            "prefecture de la",
            "prefecture de l",
            "dans le",
            "dans la",
            "dans les",
            "dans l",
            "sdis de",
            "sdis du",
            "sdis des",
            "sdis de la",
            "sdis de l",
            "en",
            "conseil de",
        ]
        .iter()
        .any(|w| head.ends_with(w))
    };
    let mut best: Option<(usize, usize, &Department)> = None;
    for hit in NAMES.automaton.find_overlapping_iter(&folded) {
        let Named { name, key, department } = &NAMES.named[hit.pattern().as_usize()];
        let at = hit.start();
        // Names of rivers and towns too: only behind words that make them one, unless they are of several words.
        let river = ["Lot", "Manche", "Landes", "Loire", "Rhône", "Nord", "Var", "Vienne"].contains(name);
        let article = ["de la", "du", "des", "de l", "d"].iter().any(|w| folded[..at].trim_end().ends_with(w));
        let sure = before(at)
            || name.contains('-') && name.len() > 8
            || !sure && article && (!river || *name == "Nord" && text.contains("du Nord"));
        let better = best.is_none_or(|(start, length, _)| at < start || at == start && key.len() > length);
        if sure && better {
            best = Some((at, key.len(), department));
        }
    }
    best.map(|(_, _, d)| d.clone())
}

/// The département of the first commune named as somebody's seat or as a place, if no other bears its name.
fn by_commune(title: &str, text: &str) -> Option<Department> {
    let one = |name: &str| {
        let words: Vec<&str> = name.split(' ').collect();
        (1..=words.len()).rev().find_map(|n| {
            let said = words[..n].join(" ");
            let found = communes().named(&said, None);
            let departments: Vec<Department> = found.iter().filter_map(|c| c.department()).collect();
            departments.first().filter(|d| said.len() >= 4 && departments.iter().all(|o| o == *d)).cloned()
        })
    };
    let head = &text[..text.floor_char_boundary(3000)];
    let told = |group: &'static str| {
        [title, head]
            .into_iter()
            .flat_map(|t| OWNER.captures_iter(t).take(60))
            .filter_map(move |c| c.name(group))
            .find_map(|m| one(m.as_str()))
    };
    // The seat of somebody before a bare name.
    told("c").or_else(|| told("a"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Vec<String> {
        departments("", text).iter().map(|d| d.as_str().to_owned()).collect()
    }

    #[test]
    fn a_number_that_no_address_announces_is_no_place() {
        for text in [
            "Avis n° 26-48124\nAvis de marché",
            "ISO 27001 exigé",
            "événement n° 88213 publié",
            "Marché 75001 lots",
            "CS 33569",
        ] {
            assert_eq!(read(text), Vec::<String>::new(), "{text}");
        }
    }

    #[test]
    fn places_are_read_where_a_text_says_them() {
        for (text, department) in [
            ("Subdivision pays (NUTS) : Gironde (FRI12)", "33"),
            ("Lieu principal d'exécution du marché : 79000 Niort", "79"),
            ("Code Postal : 45140", "45"),
            ("100 boulevard Hubert Gouze 82013 Montauban", "82"),
            ("Département(s) de publication : 61", "61"),
            ("Collège Jean-Moulin, Arras", "62"),
            ("Ville de Drancy – nettoyage", "93"),
            ("Département de l'Aude – archives", "11"),
            ("Conseil départemental de Tarn-et-Garonne", "82"),
            ("Travaux à Béthune (62)", "62"),
            ("Ville de Marly 59770", "59"),
            ("Caisse des écoles du Cateau-Cambrésis (59360)", "59"),
            ("POSTAL_CODE: 59386", "59"),
            ("Commune nouvelle de Val-de-Bonnieure (Charente)", "16"),
        ] {
            assert_eq!(read(text), [department], "{text}");
        }
    }
}

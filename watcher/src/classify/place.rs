//! Where a plain text says the contract is carried out, as départements.
//!
//! A number is a postcode only where a label or the name of a commune of that département says so: "Avis n° 26-48124" and
//! "ISO 27001" are no places. The strongest statement counts alone: a label of the form, NUTS codes, the place of performance, an
//! address, the name of a département, a commune that no other bears the name of. In doubt, none: an alert is never lost to a guess.

use vigie_config::rules::{Rules, communes};
use vigie_domain::{Department, commune};

use super::pattern::pattern;

pattern!(
    LABEL,
    r"(?i)\b(?:dept\.?|d[ée]partement\(?s?\)?)[ ]?(?:de publication|d['’]ex[ée]cution|concern[ée]s?)?[ ]?:[ ]?(?P<d>2[AaBb]|97[1-8]|[0-9]{2})\b"
);
pattern!(NUTS, r"\b(?P<n>FR[A-Z0-9][0-9A-Z]{2})\b");
pattern!(PLACE_LINE, r"(?im)^[^\n]{0,60}\b(?:lieux?|sites?|chantier|adresse)\b[^\n:]{0,40}(?:ex[ée]cution|prestations?|travaux|livraison|chantier)?[^\n:]{0,30}:(?P<l>[^\n]{3,200})");
pattern!(POSTCODE_LABEL, r"(?i)\bcodes? postal[^0-9\n]{0,12}(?P<p>[0-9]{5})\b");
pattern!(POSTCODE, r"(?P<p>\b(?:0[1-9]|[1-8][0-9]|9[0-5]|97|98)[0-9]{3})[  ]+(?P<c>\p{Lu}[\p{L}'’ -]{1,60})");
pattern!(NUMBERED, r"\p{L}[ ]\((?P<d>2[ABab]|97[1-8]|[0-9]{2})\)");
pattern!(
    OWNER,
    r"(?i:\bvilles?|\bcommunes?|\bmairie|\bCHU|\bCHR|\bcentre hospitalier|\bh[ôo]pital|\bCCAS|\bagglom[ée]ration|\bm[ée]tropole|\buniversit[ée]|\bEHPAD|\blyc[ée]e|\bcoll[èe]ge|\bCROUS|\bcit[ée]|\bop[ée]ra|\bsitu[ée]e?s?)[ ](?:(?i:de|d|des|du|à|a)[ '’])(?P<c>\p{Lu}[\p{L}'’-]+(?:[ -](?:en|sur|sous|la|le|les|de|du|des|l|d|lès|\p{Lu}[\p{L}'’-]+)){0,5})|(?:^|[,–—(-][ ]?|\bà )(?P<a>\p{Lu}[\p{Ll}'’-]+(?:-\p{L}[\p{L}'’]+)*)\)?(?:[.,\n]|$)"
);

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
    let one = |d: Option<Department>| d.into_iter().collect::<Vec<_>>();
    let label = LABEL.captures(text).and_then(|c| Department::parse(c.name("d")?.as_str()));
    let postal = || POSTCODE_LABEL.captures(text).and_then(|c| Department::of_postcode(c.name("p")?.as_str()));
    let lead = &text[..text.floor_char_boundary(600)];
    label
        .map(|d| vec![d])
        .or_else(|| Some(in_address(title)).filter(|d| !d.is_empty()))
        .or_else(|| postal().map(|d| vec![d]))
        .or_else(|| text.lines().map(in_address).find(|d| !d.is_empty()))
        .or_else(|| named(title).or_else(|| named(lead)).or_else(|| named(text)).map(|d| vec![d]))
        .unwrap_or_else(|| one(by_commune(title).or_else(|| by_commune(text))))
}

/// The département of a postcode before its commune's name, or of a number in brackets behind a name: `62000 Arras`, `Arras (62)`.
fn in_address(line: &str) -> Vec<Department> {
    for c in POSTCODE.captures_iter(line) {
        let (Some(p), Some(name)) = (c.name("p"), c.name("c")) else { continue };
        let Some(department) = Department::of_postcode(p.as_str()) else { continue };
        let words: Vec<&str> = name.as_str().split([' ', ',']).filter(|w| !w.is_empty()).collect();
        let cedex = words.iter().any(|w| w.eq_ignore_ascii_case("cedex"));
        let known = (1..=words.len().min(7)).any(|n| !communes().named(&words[..n].join(" "), Some(&department)).is_empty());
        if cedex || known {
            return vec![department];
        }
    }
    let number = NUMBERED.captures(line).and_then(|c| Department::parse(c.name("d")?.as_str()));
    number.into_iter().collect()
}

/// The first département that a text names.
fn named(text: &str) -> Option<Department> {
    let folded = format!(" {} ", commune::key(text));
    let before = |at: usize| {
        let head = folded[..at].trim_end();
        ["departement de", "departement du", "departement des", "departement de la", "departement de l", "departement d", "departemental de", "departemental du", "departemental des", "departemental de la", "departemental de l", "departemental d", "prefecture de", "prefecture du", "prefecture des", "prefecture de la", "prefecture de l", "dans le", "dans la", "dans les", "dans l", "sdis de", "sdis du", "sdis des", "sdis de la", "sdis de l", "en", "conseil de"]
            .iter()
            .any(|w| head.ends_with(w))
    };
    let mut best: Option<(usize, usize, Department)> = None;
    for (code, name) in Rules::embedded().departments() {
        let key = format!(" {} ", commune::key(name));
        for (at, _) in folded.match_indices(key.as_str()) {
            // Names of rivers and towns too: only behind words that make them one, unless they are of several words.
            let sure = before(at) || name.contains('-') && name.len() > 8;
            let better = best.as_ref().is_none_or(|(start, length, _)| at < *start || at == *start && key.len() > *length);
            if sure && better {
                best = Department::parse(code).map(|d| (at, key.len(), d));
            }
        }
    }
    best.map(|(_, _, d)| d)
}

/// The département of the first commune named as somebody's seat or as a place, if no other bears its name.
fn by_commune(text: &str) -> Option<Department> {
    let head = &text[..text.floor_char_boundary(3000)];
    let mut told: Vec<Department> = Vec::new();
    for c in OWNER.captures_iter(head).take(60) {
        let Some(name) = c.name("c").or(c.name("a")) else { continue };
        let words: Vec<&str> = name.as_str().split(' ').collect();
        let commune = (1..=words.len()).rev().find_map(|n| {
            let found = communes().named(&words[..n].join(" "), None);
            let departments: Vec<Department> = found.iter().filter_map(|c| c.department()).collect();
            let one = departments.first().filter(|d| departments.iter().all(|o| o == *d));
            one.cloned()
        });
        if let Some(d) = commune {
            // The seat of somebody counts at once; a bare name only where nothing better follows.
            if c.name("c").is_some() {
                return Some(d);
            }
            told.push(d);
        }
    }
    told.into_iter().next()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Vec<String> {
        departments("", text).iter().map(|d| d.as_str().to_owned()).collect()
    }

    #[test]
    fn a_number_that_no_address_announces_is_no_place() {
        for text in ["Avis n° 26-48124\nAvis de marché", "ISO 27001 exigé", "événement n° 88213 publié", "Marché 75001 lots", "CS 33569"] {
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
        ] {
            assert_eq!(read(text), [department], "{text}");
        }
    }
}

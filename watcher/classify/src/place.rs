//! Where a plain text says the contract is carried out, as départements.
//!
//! A number is a postcode only where a label or the name of a commune of that département says so: "Avis n° 26-48124" and
//! "ISO 27001" are no places. The strongest statement counts alone: a label of the form, NUTS codes, the place of performance, an
//! address, the name of a département, a commune that no other bears the name of. In doubt, none: an alert is never lost to a guess.

use std::borrow::Cow;
use std::cell::LazyCell;
use std::sync::LazyLock;

use aho_corasick::{AhoCorasick, AhoCorasickKind, MatchKind};
use vigie_config::rules::communes;
use vigie_domain::{Department, commune};

use super::department_names::{NAMES, of_name};
use super::label::behind_label;
use super::mention;

pattern!(
    LABEL,
    r"(?i)\b(?:d[ée]p(?:[t.]|ts?\b\.?)?|dpts?\.?|d[ée]partement\(?s?\)?)[ ]?(?:(?:de publication|d['’]ex[ée]cution|concern[ée]s?|n°)[ ]?)?(?::[ ]?)?\(?(?P<d>(?:2[AaBb]|97[1-8]|[0-9]{2})\b(?:[ ]?(?:,|;|/|et)[ ]?(?:2[AaBb]|97[1-8]|[0-9]{2})\b)*)(?:[ ]?(?P<unit>%|€|lots?\b|ans?\b|mois\b|jours?\b|h\b|[/.:][0-9]))?"
);
pattern!(NUTS, r"\b(?P<n>FR[A-Z0-9][0-9A-Z]{2})\b");
pattern!(WIDE_NUTS, r"\b(?P<n>FR[A-Z][0-9])\b");
pattern!(PLACE_LABEL, r"(?i)\b(?:lieux?|sites?|chantier|adresse)\b");
pattern!(POSTCODE_LABEL, r"(?i)\b(?:codes? postal|postal_code|code_postal)[^0-9\n]{0,12}(?P<p>[0-9]{5})\b");
pattern!(POSTCODE, r"(?P<p>\b(?:0[1-9]|[1-8][0-9]|9[0-5]|97|98)[0-9]{3})\b(?P<c>[  ]+\p{Lu}[\p{L}'’ -]{1,60})?");
pattern!(ANNOUNCED, r"(?:^|[\n(–—,:-]|[.;][  ]+|\p{Lu}[\p{L}'’-]*,?)[  ]*\(?$");
pattern!(
    NUMBER_BEFORE,
    r"(?i)(?:n[°ºo]s?|num[ée]ro|avis|annonce|r[ée]f\w*|iso|cs|bp|tsa|siret|article|lot|val_\w+)\.?[ :]*(?:[0-9A-Z]+[-–/. ])*$"
);
pattern!(
    UNIT_BEHIND,
    r"^[  ]*(?:€|euros?|eur\b|m2|m²|m3|ml\b|heures?|h\b|%|kg|tonnes?|repas|exemplaires|unit[ée]s|lots?\b|[0-9])"
);
pattern!(
    NUMBERED,
    r"\p{Lu}[\p{L}'’-]*(?:[  ]?\(|,[ ]?)(?P<d>2[ABab]|97[1-8]|[0-9]{2})\)|\((?P<e>2[ABab]|97[1-8]|[0-9]{2})\)[ ]\p{Lu}|\p{Lu}[\p{L}'’-]*(?:[  ]|, ?| [–-] )(?P<f>2[ABab]|97[1-8]|[0-9]{2})(?:[.;,]|$)"
);
pattern!(WEIGHED_LINE, r"(?i)crit[èe]res?|pond[ée]r|\bprix\b[^0-9\n]{0,40}[0-9]|not[ée]e?s? |points?\b");
pattern!(LOT_LINE, r"(?i)^[ \t•*-]*lot[  ]*(?:n°[  ]*)?[0-9A-Z]{1,3}\b");
pattern!(MISREAD, r"\p{L}0\p{L}|[0-9][lO][0-9]|[0-9]{3}[lO]\b");
pattern!(
    WEIGHED,
    r"(?i)(?:prix|valeur|techniques?|qualit[ée]s?|d[ée]lais?|rse|environnement\w*|social\w*|insertion|crit[èe]res?|note|points?)[  ]*[(,–-]*[  ]*$"
);
pattern!(
    SEVERAL,
    r"\((?P<d>(?:2[ABab]|97[1-8]|0[1-9]|[1-8][0-9]|9[0-5])(?:(?:[ ]?[,/;][ ]?|[ ]et[ ])(?:2[ABab]|97[1-8]|0[1-9]|[1-8][0-9]|9[0-5]))+)\)"
);
pattern!(BRACKETED, r"\((?P<n>\p{L}[\p{L}'’ -]{2,30})\)");
pattern!(SEAT_LINE, r"(?i)^\s*(?:address|adresse|postal_code|town|correspondant|contact|si[èe]ge)\b");
pattern!(SITES, r"(?i)^[ \t•*-]*(?:sites?|secteurs?|communes?|lieux?) (?:de |d['’]|du |des )");
pattern!(
    NOT_A_PLACE,
    r"(?i)tribunal|recours|m[ée]diation|greffe|imprim|publi[ée]|interr[ée]gional|\br[ée]gion [^,\n]*$|^ac_"
);

/// How far before a number the name of a place begins, in bytes.
const NAME_BEFORE: usize = 60;
/// How much of the text is looked at.
const HEAD: usize = 60_000;
/// Its beginning, where a body says who and where it is, in bytes.
const LEAD: usize = 1500;
/// Lines looked at for the names of communes.
const LINES: usize = 60;

/// Départements where a text says the contract is carried out; empty where it does not say.
#[must_use]
pub fn departments(title: &str, text: &str) -> Vec<Department> {
    let (title, text) = (&rescanned(title), &rescanned(&text[..text.floor_char_boundary(HEAD)]));
    let (title, text) = (title.as_ref(), text.as_ref());
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
    for line in text.lines().filter_map(|line| behind_label(line, &PLACE_LABEL, (60, 80))) {
        let of_line = [in_address(line), named(line, false), communes_in(&format!(", {line}"), false)];
        if let Some(found) = of_line.into_iter().find(|f| !f.is_empty()) {
            return found;
        }
    }
    let labelled = LABEL.captures_iter(text).filter(|c| c.name("unit").is_none()).find_map(|c| c.name("d"));
    let labelled = labelled.map_or("", |m| m.as_str());
    let labelled =
        labelled.split(|c: char| !c.is_ascii_alphanumeric()).filter_map(Department::parse).fold(Vec::new(), with);
    if !labelled.is_empty() {
        return labelled;
    }
    let wide = || WIDE_NUTS.captures(text).and_then(|c| c.name("n"));
    let region = wide().map_or_else(Vec::new, |m| Department::of_wide_nuts(m.as_str()));
    if !region.is_empty() {
        return region;
    }
    let lead = &text[..text.floor_char_boundary(LEAD)];
    let head = format!("{title}\n{lead}");
    let head_words = LazyCell::new(|| format!(" {} ", commune::key(&head)));
    // Places in the text before the seat of the buyer.
    let (seat, rest): (Vec<&str>, Vec<&str>) = text.lines().partition(|l| SEAT_LINE.is_match(l));
    // Criteria have their weights in brackets: numbers that no name of a place stands before count beside those that one does, or alone.
    let numbers_of = || {
        let sure = rest.iter().find(|l| numbered(l, true).next().is_some());
        sure.map(|l| numbered(l, false)).into_iter().flatten().fold(Vec::new(), with)
    };
    let of_numbers = || {
        // "Programme (45), formateurs (25), prix (30)" weighs.
        let all =
            rest.iter().filter(|l| !WEIGHED_LINE.is_match(l)).flat_map(|l| numbered(l, false)).fold(Vec::new(), with);
        Some(all).filter(|all| all.len() == 1).unwrap_or_default()
    };
    let addressed = || rest.iter().map(|l| in_address(l)).find(|d| !d.is_empty()).unwrap_or_default();
    let sites = || {
        rest.iter()
            .filter(|l| SITES.is_match(l))
            .map(|l| communes_in(l, false))
            .find(|d| !d.is_empty())
            .unwrap_or_default()
    };
    let postal = || {
        POSTCODE_LABEL.captures(text).and_then(|c| Department::of_postcode(c.name("p")?.as_str())).into_iter().collect()
    };
    let in_brackets = || bracketed(title).into_iter().chain(bracketed(lead)).fold(Vec::new(), with);
    let seated = || seat.iter().flat_map(|l| in_address(l)).take(1).collect();
    // "Ville de Perpignan. Avis publié sous le n° …": sentence by sentence.
    let sentences = || rest.iter().chain(&seat).take(LINES).flat_map(|l| l.split_inclusive(". "));
    let of_communes = || {
        let lines: Vec<&str> = std::iter::once(title).chain(sentences().filter(|l| !NOT_A_PLACE.is_match(l))).collect();
        // "Ville de Draguignan" before a name that may be a river's.
        // "Lot 1 Lille / Lot 2 Arras – Lens / Lot 3 Amiens": each lot has its place.
        let lots = |sure| {
            lines.iter().filter(|l| LOT_LINE.is_match(l)).flat_map(move |l| communes_in(l, sure)).fold(Vec::new(), with)
        };
        let read = |sure| {
            let named = lines.iter().map(|l| (l, communes_in(l, sure)));
            let (line, found) = named.into_iter().find(|(_, found)| !found.is_empty())?;
            // "Rectorat de Besançon", and below it lots of other towns.
            let of_lots = lots(sure);
            let told = LOT_LINE.is_match(line) || of_lots.len() > 1;
            Some(if told { of_lots } else { found })
        };
        read(true).or_else(|| intercommunal(&head)).or_else(|| read(false)).unwrap_or_default()
    };
    // "(67, 68)", "(63, 43 et 03)".
    let several = || {
        let of_lots = |at: usize| ends_with_lots(&lead[..at]);
        let all =
            SEVERAL.captures_iter(lead).filter_map(|c| c.name("d")).filter(|m| !of_lots(m.start())).map(|m| m.as_str());
        let listed = all.into_iter().find(|d| !is_day(d)).unwrap_or_default();
        listed.split(|c: char| !c.is_ascii_alphanumeric()).filter_map(Department::parse).fold(Vec::new(), with)
    };
    let steps: [&dyn Fn() -> Vec<Department>; 20] = [
        &|| of_region(&head_words, COLLECTIVITIES),
        &|| in_address(title),
        &several,
        &numbers_of,
        &of_numbers,
        &in_brackets,
        &sites,
        &addressed,
        &postal,
        &|| of_region(&head_words, ANTILLES),
        &|| named(title, true),
        &|| named(lead, true),
        &seated,
        &of_communes,
        &|| named(&head, false),
        &|| standing_alone(&head),
        &|| numbered_at_end(lead),
        &|| named(text, true),
        &|| of_region(&head_words, CORSE),
        &|| mention::departments(std::iter::once(title).chain(sentences()).filter(|l| !NOT_A_PLACE.is_match(l))),
    ];
    steps.iter().map(|step| step()).find(|d| !d.is_empty()).unwrap_or_default()
}

/// Départements that the title of a lot names.
#[must_use]
pub(crate) fn of_lot(title: &str) -> Vec<Department> {
    // "Zones d'activité du Nord" is a direction.
    let named = || named(title, false).into_iter().filter(|d| d.as_str() != "59").collect();
    let steps: [&dyn Fn() -> Vec<Department>; 3] = [&|| in_address(title), &|| mention::of_lot(title), &named];
    steps.iter().map(|step| step()).find(|d| !d.is_empty()).unwrap_or_default()
}

/// A text with the digits and letters that a scanner took for each other put right: "B0UCHAIN (5911l)", "HAUTE-SAV0IE".
fn rescanned(text: &str) -> Cow<'_, str> {
    if !MISREAD.is_match(text) {
        return Cow::Borrowed(text);
    }
    let letters = |c: Option<char>| c.is_some_and(char::is_alphabetic);
    let digits = |c: Option<char>| c.is_some_and(|c| c.is_ascii_digit());
    let chars: Vec<char> = text.chars().collect();
    let at = |i: Option<usize>| i.and_then(|i| chars.get(i).copied());
    let right = |(i, c): (usize, &char)| {
        let (before, behind) = (at(i.checked_sub(1)), at(Some(i + 1)));
        match c {
            '0' if letters(before) && letters(behind)
                || letters(behind) && behind.is_some_and(char::is_uppercase) && !digits(before) =>
            {
                'O'
            }
            'l' if digits(before) && !letters(behind) || digits(before) && digits(behind) => '1',
            'O' if digits(before) && digits(behind) => '0',
            c => *c,
        }
    };
    Cow::Owned(chars.iter().enumerate().map(right).collect())
}

/// Whether words end with "lots": the numbers behind are theirs.
fn ends_with_lots(words: &str) -> bool {
    let words = words.trim_end_matches([' ', '(', '\u{a0}']).to_lowercase();
    words.ends_with("lot") || words.ends_with("lots")
}

/// Whether numbers in brackets are a day of a month: "(25/11)".
fn is_day(numbers: &str) -> bool {
    let mut parts = numbers.split('/').map(|n| n.trim().parse::<u32>());
    let (day, month, more) = (parts.next(), parts.next(), parts.next());
    matches!((day, month, more), (Some(Ok(1..=31)), Some(Ok(1..=12)), None))
}

/// Adds what is not there yet.
fn with(mut known: Vec<Department>, more: Department) -> Vec<Department> {
    if !known.contains(&more) {
        known.push(more);
    }
    known
}

/// The département of a postcode before its commune's name, or of a number in brackets behind a name: `62000 Arras`, `Arras (62)`.
fn in_address(line: &str) -> Vec<Department> {
    let mut found = Vec::new();
    for c in POSTCODE.captures_iter(line) {
        let Some(p) = c.name("p") else { continue };
        let Some(department) = Department::of_postcode(p.as_str()) else { continue };
        let (before, behind) = (&line[..p.start()], &line[p.end()..]);
        // "RFP-52210", "26-58220": the end of a reference.
        let reference = before.strip_suffix('-').is_some_and(|b| b.ends_with(char::is_alphanumeric));
        if reference || NUMBER_BEFORE.is_match(before) || UNIT_BEHIND.is_match(behind) {
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
            found = with(found, department);
        }
    }
    if !found.is_empty() {
        return found;
    }
    numbered(line, false).fold(Vec::new(), with)
}

/// Numbers of départements beside a name: `Arras (62)`, `(59) Nord`, `(Bibracte, 71)`, `Cachan 94.`; `sure`: only beside names of places of that
/// département.
fn numbered(line: &str, sure: bool) -> impl Iterator<Item = Department> + '_ {
    let beside = move |c: regex::Captures<'_>| {
        let number = c.name("d").or(c.name("e")).or(c.name("f"))?;
        let department = Department::parse(number.as_str())?;
        let before = &line[line.ceil_char_boundary(number.start().saturating_sub(NAME_BEFORE))..number.start()];
        let known =
            is_of(before, &department) || c.name("e").is_some_and(|e| begins_with(&line[e.end()..], &department));
        (known || !sure && c.name("d").is_some() && !WEIGHED.is_match(before)).then_some(department)
    };
    NUMBERED.captures_iter(line).filter_map(beside)
}

/// Whether the first words of a text are the name of a place of a département.
fn begins_with(behind: &str, department: &Department) -> bool {
    let words: Vec<&str> = behind.split([' ', ',', ')', '(', '.']).filter(|w| !w.is_empty()).take(4).collect();
    (1..=words.len()).any(|n| is_of(&words[..n].join(" "), department))
}

/// Whether the last words of a text are the name of a place of a département.
fn is_of(before: &str, department: &Department) -> bool {
    let name = before.trim_end_matches([' ', '\u{a0}', ',', '(', '–', '-']);
    let starts = name.char_indices().filter(|(i, c)| c.is_uppercase() && !name[..*i].ends_with(char::is_alphanumeric));
    starts.map(|(i, _)| &name[i..]).any(|name| {
        !communes().named(name, Some(department)).is_empty()
            || of_name(&commune::key(name)).as_ref() == Some(department)
    })
}

/// Names of départements that stand alone in brackets. "(Nord)" is a direction more often, "(lot)" a lot.
fn bracketed(text: &str) -> Vec<Department> {
    // "14:00 (Paris)": whose clock it is.
    let of_a_clock = |n: &regex::Match<'_>| {
        let head = text[..n.start()].trim_end_matches(['(', ' ', '\u{a0}']);
        head.ends_with(|c: char| c.is_ascii_digit()) || head.ends_with(['h', 'H'])
    };
    let names = BRACKETED.captures_iter(text).filter_map(|c| c.name("n")).filter(|n| !of_a_clock(n));
    let names = names
        .filter(|n| !matches!(n.as_str(), "Nord" | "nord" | "NORD" | "lot" | "lots" | "manche" | "landes" | "var"));
    names.filter_map(|n| of_name(&commune::key(n.as_str()))).collect()
}

/// The first départements that a text names, one or a list of them; `sure`: names of other things too count only behind words that
/// make them one.
fn named(text: &str, sure: bool) -> Vec<Department> {
    const MAKES: &[&str] = &[
        "departement",
        "departements",
        "departemental",
        "departementale",
        "prefecture",
        "conseil",
        "sdis",
        "dans",
        "en",
        "epci",
        "collectivite",
        "secours",
        "archives",
        "habitat",
        "ddt",
        "caf",
        "cpam",
        "dsden",
    ];
    // "Secteur nord" is a direction.
    const PARTS: &[&str] = &["secteur", "antenne", "agence", "comite", "direction", "territoire"];
    // Names of départements that are common words: only with a capital.
    const COMMON: &[&str] = &["lot", "manche", "landes", "cher", "la reunion", "somme", "nord", "orne"];
    let capitals = LazyCell::new(|| -> Vec<&str> {
        let words = text.split(|c: char| !c.is_alphanumeric()).filter(|w| w.starts_with(char::is_uppercase));
        let keys: Vec<String> = words.filter(|w| w.len() <= 9).map(commune::key).collect();
        COMMON.iter().copied().filter(|name| keys.iter().any(|k| k == name.trim_start_matches("la "))).collect()
    });
    let folded = format!(" {} ", commune::key(text));
    // Names that only joining words part, and whether one of them is surely a département: then all are.
    let mut run: (Vec<Department>, bool) = (Vec::new(), false);
    let mut end = 0;
    for m in NAMES.automaton.find_iter(&folded) {
        if !folded[m.end()..].starts_with(' ') {
            continue;
        }
        let (department, many_uses) = &NAMES.departments[m.pattern().as_usize()];
        // "La réunion de présentation" is no island, "en lot unique" no département.
        let name = &folded[m.start() + 1..m.end()];
        if COMMON.contains(&name) && !capitals.contains(&name) {
            continue;
        }
        // "Saint-Martin-d'Uriage" is a commune.
        let goes_on = ["d", "de", "du", "en", "sur", "le", "la", "les"]
            .contains(&folded[m.end() + 1..].split(' ').next().unwrap_or_default());
        if goes_on && matches!(department.as_str(), "977" | "978") || in_street(&folded[..m.start()]) {
            continue;
        }
        // "La vallée de la Nièvre" is a river's.
        let along = folded[..m.start()].rsplit(' ').filter(|w| !w.is_empty()).find(|w| !ARTICLES.contains(*w));
        if along.is_some_and(|w| matches!(w, "vallee" | "bords" | "rives" | "berges" | "bassin")) {
            continue;
        }
        // "Un lot par département : lot 2A".
        let behind = &folded[m.end() + 1..];
        let number = ["n ", "no "]
            .iter()
            .find_map(|w| behind.strip_prefix(w))
            .unwrap_or(behind)
            .starts_with(|c: char| c.is_ascii_digit());
        if number && department.as_str() == "46" {
            continue;
        }
        let before: Vec<&str> = folded[..m.start()].rsplit(' ').take(3).collect();
        let led = before.iter().find(|w| !ARTICLES.contains(*w));
        let made = led.is_some_and(|w| MAKES.contains(w) || PARTS.contains(w) && department.as_str() != "59");
        // "Outreau, Le Portel, Saint-Martin-Boulogne" are communes.
        if matches!(department.as_str(), "977" | "978") && !made {
            continue;
        }
        // "de la Loire et de la Haute-Loire", "lot 1 Essonne, lot 2 Val-d'Oise": only what joins names stands between.
        let between = folded.get(end..m.start() + 1).unwrap_or_default();
        let mut joining = between.split(' ').filter(|w| !w.is_empty()).peekable();
        // "Nord – Pas-de-Calais": two, where "Nord Isère" is one.
        // "Charente, Charente-Maritime", "Deux-Sèvres, Vienne", where "Nord" is a direction and "lot" a lot.
        let direction = |d: &Department| matches!(d.as_str(), "46" | "59");
        let of_two = run.0.last().is_some_and(|d| !direction(d)) && !direction(department) && (run.1 || !many_uses)
            || department.as_str() == "62";
        let beside = joining.peek().is_some() || of_two;
        let listed =
            !run.0.is_empty() && beside && joining.all(|w| JOINS.contains(w) || w.bytes().all(|b| b.is_ascii_digit()));
        if !listed {
            if run.1 {
                break;
            }
            run = (Vec::new(), false);
        }
        let article = before.first().is_some_and(|w| ARTICLES.contains(w));
        let river = matches!(
            &folded[m.start() + 1..m.end()],
            "lot" | "manche" | "loire" | "rhone" | "var" | "landes" | "vienne"
        );
        // "Meuse et Moselle": two of them make each other départements.
        let paired = listed && between.split(' ').any(|w| w == "et") && !direction(department);
        run.1 |= made || !many_uses || paired || !sure && article && !river;
        run.0 = with(run.0, department.clone());
        end = m.end();
    }
    if run.1 { run.0 } else { Vec::new() }
}

/// Whether words end as the name of a street does, before a name: "rue de", "place de la".
fn in_street(before: &str) -> bool {
    words!(STREETS, "rue avenue av boulevard bd route place quai impasse allee cours faubourg chemin");
    let led = before.rsplit(' ').filter(|w| !w.is_empty()).find(|w| !ARTICLES.contains(*w));
    led.is_some_and(|w| STREETS.contains(w))
}

words!(ARTICLES, "de du des d la le les l");
words!(JOINS, "de du des d la le les l et ou dans en a lot lots n no");

/// Départements whose names stand alone between commas, dashes or brackets: "Comité de ski, Ariège", "Paris, Hauts-de-Seine". A lot may be called "Nord".
fn standing_alone(text: &str) -> Vec<Department> {
    let pieces = text.split([',', ';', ':', '(', ')', '–', '—', '/', '|', '.', '\n']).flat_map(|p| p.split(" - "));
    // "Lot 1 Essonne", "2-Vosges".
    let bare = |p: &'_ str| -> usize {
        let rest = p.trim_start();
        let rest = rest.strip_prefix("Lot ").or_else(|| rest.strip_prefix("lot ")).unwrap_or(rest);
        p.len() - rest.trim_start_matches(|c: char| c.is_ascii_digit() || matches!(c, ' ' | '-')).len()
    };
    let names = pieces.map(|p| p[bare(p)..].trim()).filter(|p| p.starts_with(char::is_uppercase)).map(commune::key);
    names.filter(|key| !matches!(key.as_str(), "nord" | "lot")).filter_map(|key| of_name(&key)).fold(Vec::new(), with)
}

/// "Lannion-Trégor rural – 22", "86 lits, 29.": a département's number behind a dash, a comma or in brackets, at the end of one of the first lines.
fn numbered_at_end(lead: &str) -> Vec<Department> {
    const FIRST: usize = 4;
    // Criteria have weights: "la formation des agents (15)".
    let weighs = |line: &&str| !WEIGHED_LINE.is_match(line);
    let number = |line: &str| {
        let (head, number) = line.trim_end_matches(['.', ' ', '\u{a0}', ')']).rsplit_once([' ', '\u{a0}', '('])?;
        let head = head.trim_end();
        let parted = line.contains(&format!("({number})")) || head.ends_with(['–', '—', '-', ',', ';']);
        // "Lots 1, 2, 14", "prix 60, délai 40" count.
        let counts =
            head.trim_end_matches([',', ';', '–', '—', '-', ' ']).ends_with(|c: char| c.is_ascii_digit() || c == '%');
        (parted && !counts && number.len() >= 2 && !WEIGHED.is_match(head)).then(|| Department::parse(number))?
    };
    lead.lines().take(FIRST).filter(weighs).find_map(number).into_iter().collect()
}

/// Names as words of keys, each with its départements.
type Regions = &'static [(&'static str, &'static [&'static str])];

/// One body for two départements, whatever town its seat is in.
const COLLECTIVITIES: Regions = &[(" collectivite europeenne d alsace ", &["67", "68"])];
/// Regions that tell more than a département named beside them.
const ANTILLES: Regions = &[(" antilles guyane ", &["971", "972", "973"]), (" antilles ", &["971", "972"])];
/// A region that tells where, where no town does.
const CORSE: Regions = &[(" corse ", &["2A", "2B"])];

/// The départements of the first region of few that some words name, as keys between spaces.
fn of_region(words: &str, regions: Regions) -> Vec<Department> {
    let meant = regions.iter().find(|(name, _)| words.contains(name)).map_or(&[][..], |(_, codes)| codes);
    meant.iter().filter_map(|code| Department::parse(code)).collect()
}

/// The département of the intercommunality that a text names: "Communauté de communes Airvaudais - Val du Thouet", "agglo du Beauvaisis".
fn intercommunal(text: &str) -> Option<Vec<Department>> {
    static NAMES: LazyLock<(AhoCorasick, Vec<&'static str>)> = LazyLock::new(|| {
        const KINDS: &[&str] =
            &["cc", "ca", "cu", "communaute", "agglo", "agglomeration", "metropole", "communes", "urbaine"];
        let mut patterns = Vec::new();
        let mut sirens = Vec::new();
        for epci in communes().epcis() {
            let key = commune::key(epci.name);
            let words: Vec<&str> =
                key.split(' ').filter(|w| !KINDS.contains(w)).skip_while(|w| ARTICLES.contains(w)).collect();
            let name = words.join(" ");
            if name.len() >= 5 {
                patterns.push(format!(" {name} "));
                sirens.push(epci.siren);
            }
        }
        #[expect(clippy::expect_used, reason = "some thousand names, embedded; a test of places builds it")]
        let automaton = AhoCorasick::builder()
            .kind(Some(AhoCorasickKind::ContiguousNFA))
            .match_kind(MatchKind::LeftmostLongest)
            .build(patterns)
            .expect("names build an automaton");
        (automaton, sirens)
    });
    let folded = format!(" {} ", commune::key(text));
    let kind = |w: &str| {
        matches!(
            w,
            "communaute" | "communes" | "agglomeration" | "agglo" | "metropole" | "urbaine" | "cc" | "ca" | "cu"
        )
    };
    NAMES.0.find_iter(&folded).find_map(|m| {
        let before = folded[..m.start()].rsplit(' ').filter(|w| !ARTICLES.contains(w)).take(1).any(kind);
        let behind = folded[m.end()..].split(' ').take(2).any(kind);
        let found = communes().departments_of(NAMES.1[m.pattern().as_usize()]);
        // "Grand Poitiers", "Quimper Bretagne Occidentale": no other thing is called so.
        let name = folded[m.range()].trim();
        let its_own = name.starts_with("grand ") || name.len() >= 20 && name.split(' ').count() >= 3;
        ((1..=2).contains(&found.len()) && (before || behind || its_own)).then(|| found.to_vec())
    })
}

/// Départements of the communes that a line names as places.
fn communes_in(line: &str, sure: bool) -> Vec<Department> {
    let mut places = Vec::new();
    super::lot_place::read(line, sure, &[], &mut places);
    super::departments_of(&places)
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
            ("La ville de Pithiviers refait son site", "45"),
            ("immeubles du Mans et d'Allonnes, RFP-52210", "72"),
            ("Loudun. Tonte et traçage du stade", "86"),
            ("CNAM de Cherbourg", "50"),
            ("Référence de l'avis initial : 26-58220\nSDE 18, Saint-Doulchard", "18"),
            ("Caisse des écoles du Cateau-Cambrésis (59360)", "59"),
            ("POSTAL_CODE: 59386", "59"),
            ("Commune nouvelle de Val-de-Bonnieure (Charente)", "16"),
            ("Ville de Saint-Quentin – RC n° 26-80200", "02"),
            ("Hôpital de Cayenne Andrée-Rosemon – direction des achats", "973"),
            ("Aéroport de Bordeaux-Mérignac SA", "33"),
            ("Régie des ports de La Rochelle Pallice", "17"),
            ("bureaux rue de Paris à Saint-Denis (Réunion)", "974"),
            ("Comité pyrénéen de ski, Ariège", "09"),
            ("Direction des lycées, secteur Isère", "38"),
            ("Lannion-Trégor rural – 22", "22"),
            ("L'échéance est le mercredi 10 mars 2027 (12 h). Dunkerque.", "59"),
            ("résidences (Outreau, Le Portel, Saint-Martin-Boulogne)", "62"),
        ] {
            assert_eq!(read(text), [department], "{text}");
        }
    }

    #[test]
    fn several_departments_are_all_told() {
        for (text, departments) in [
            ("Département(s) de publication : 59, 62", ["59", "62"]),
            ("communes des départements du Lot et du Tarn-et-Garonne", ["46", "82"]),
            ("Départements : 2A et 2B", ["2A", "2B"]),
            ("210 panneaux et 60 bancs en bois, Meuse et Moselle.", ["55", "57"]),
            ("Lot n° 1 : Charente, Charente-Maritime", ["16", "17"]),
            (
                "Rectorat de l'académie de Besançon\nLot A : services de Besançon\nLot B : services de Belfort",
                ["25", "90"],
            ),
            ("Campus concernés : Poitiers, Niort.", ["86", "79"]),
            ("chantiers sur l'axe Strasbourg–Mulhouse (67, 68)", ["67", "68"]),
            ("Office de l'environnement de la Corse", ["2A", "2B"]),
        ] {
            assert_eq!(read(text), departments, "{text}");
        }
    }
}

//! The commune that a lot's title or text names, as the lot's place: "Collège Jean-Moulin, Arras", "Entretien du site de Lens".
//!
//! A name counts only where the sentence makes it a place (behind "à", "de", a comma, in brackets, after "commune de"…), where it
//! ends there ("Lens" in "Lens Propreté" is a firm), and where it is a commune of a département that the notice is about. A street
//! is named after another town. In doubt nothing is said, and the place of the notice stands: an alert is never lost to a guess.

use vigie_config::rules::communes;
use vigie_domain::commune::Commune;
use vigie_domain::{Department, Place, commune};

use super::department_names;
use super::label::behind_label;

pattern!(
    NAME,
    r"(?P<n>\p{Lu}[\p{L}’']*(?:-[\p{L}’']+)*(?: (?:(?:en|sur|sous|lès|les|le|la|l|et|de|du|des|d|aux|au|à) )*(?:[dDlL]['’])?\p{Lu}[\p{L}’']*(?:-[\p{L}’']+)*){0,5})"
);
pattern!(
    MADE_A_PLACE,
    r"(?i)(?:^|[\s(])(?:(?:à|a|de|sur|vers|pour|secteur|site|sites|antenne|agence|commune|communes|ville|villes|mairie|chantier|territoire|canton|dép[ôo]t|pôle|quartier|lot (?:n° ?)?[0-9]{1,2})(?: (?:de|d|du|la|le|les))?[ ]|d['’]|l['’])$"
);
pattern!(SEPARATED, r"[,;:/(•|\n][ \u{a0}]*$|[.?!][ \u{a0}]+$|[ \u{a0}][–—-][ \u{a0}]*$|\b[0-9]{5}[ \u{a0}]+$");
pattern!(
    ENDS,
    r"^[ \u{a0}]*(?:$|[,;:/)•|\n.]|[–—-][ \u{a0}]|\((?:[0-9]|lot)|[0-9]{1,2}e\b|[0-9]{5}\b|et[ ]|ou[ ]|cedex\b|CEDEX\b|(?i:agglo|m[ée]tropole|communaut[ée]|habitat)\b)"
);
pattern!(
    STREET,
    r"(?i)\b(?:rue|avenue|av\.?|boulevard|bd|route|chemin|all[ée]e|quai|faubourg|impasse|chauss[ée]e|place|porte|pas|soci[ée]t[ée]|entreprise|sarl|sas|[ée]tablissements|ets|groupe|marque)(?: [\p{L}’'-]+)?(?: (?:de|du|des|la|le|les))*(?: d['’]| l['’])?[ ]?$"
);
pattern!(
    SURE,
    r"(?i)(?:\b(?:commune|communes|ville|villes|situ[ée]e?s?|sis|sise|implant[ée]e?s?|agglom[ée]ration|mairie)(?: (?:à|de|d|du))?[ ]?(?:d['’])?$|\b[0-9]{5}[ \u{a0}]+$|\bà $)"
);
// "Le groupe Sabatier (siège à Nanterre)": not where the work is.
pattern!(SEAT, r"(?i)\bsi[èe]ge(?: social)?(?: est)? (?:à|de) $");
pattern!(CONTRACTED, r"(?i)\b(du|au|des|aux) $");
pattern!(OF_A_TOWN, r"(?i)\b(?:commune|ville|mairie)(?: (?:de|d['’]|du))?[ ]?$");
pattern!(PLACE_LABEL, r"(?i)\b(?:lieux?|sites?|adresse)\b");

/// Longest text of a lot that is looked at, in bytes.
const MAX_TEXT: usize = 4_000;
/// Longest title that is looked at, in bytes.
const MAX_TITLE: usize = 1_000;
/// How far before and behind a name it is looked for what makes it a place, in bytes.
const LOOK_BACK: usize = 80;
/// Most places of one lot.
const MAX_PLACES: usize = 12;

/// Places of a lot that its title names, else its texts; only communes of those départements, if any are given.
#[must_use]
pub fn places<'t>(title: &str, texts: impl Iterator<Item = &'t str>, within: &[Department]) -> Vec<Place> {
    let mut found = Vec::new();
    read(&title[..title.floor_char_boundary(MAX_TITLE)], false, within, &mut found);
    if found.is_empty() {
        for text in texts {
            let text = &text[..text.floor_char_boundary(MAX_TEXT)];
            for line in text.lines().filter_map(|line| behind_label(line, &PLACE_LABEL, (40, 40))) {
                read(&format!(", {}", line.trim_start_matches([' ', '\u{a0}'])), false, within, &mut found);
            }
            read(text, true, within, &mut found);
        }
    }
    found.truncate(MAX_PLACES);
    found
}

/// Whether a line says a place of performance behind its label.
pub(crate) fn is_labelled(line: &str) -> bool {
    behind_label(line, &PLACE_LABEL, (40, 40)).is_some()
}

/// Reads the places of a text. `sure`: only behind words that make a name a place whatever else the text speaks of.
pub(crate) fn read(text: &str, sure: bool, within: &[Department], found: &mut Vec<Place>) {
    let in_capitals = !text.chars().any(char::is_lowercase);
    let accented = !text.is_ascii() && text.chars().any(|c| c.is_lowercase() && !c.is_ascii());
    let mut accepted_until = 0;
    // The name that a text begins with: a place where it heads a list of them.
    let mut head: Option<(usize, Place)> = None;
    let names = NAME.captures_iter(text).filter_map(|c| c.name("n"));
    // A name may begin within a longer one: "Collège Jean-Moulin de Lens", "COLLEGE BRASSENS A LENS".
    let starts = names.flat_map(|n| word_starts(n.as_str()).map(move |at| (n.start() + at, n.end())));
    for (start, longest_end) in starts {
        if start < accepted_until {
            continue;
        }
        let before = &text[text.ceil_char_boundary(start.saturating_sub(LOOK_BACK))..start];
        // Asked first: most names have no such words before them, and a look at the communes costs more.
        let surely = sure && SURE.is_match(before);
        if sure && !surely && accepted_until == 0 {
            continue;
        }
        let contracted = CONTRACTED.captures(before).and_then(|c| c.get(1)).map_or("", |m| m.as_str());
        let Some((length, place, contracted)) = longest(&text[start..longest_end], contracted, within) else {
            continue;
        };
        let end = start + length;
        // "Lire :" is not Liré, where accents are written.
        if accented && !in_capitals && place.city.as_deref().is_some_and(|city| lacks_accents(&text[start..end], city))
        {
            continue;
        }
        let behind = &text[end..text.floor_char_boundary((end + LOOK_BACK).min(text.len()))];
        // "La ville de Pithiviers refait son site", where "Lens Propreté" is a firm.
        let goes_on_small = || {
            let next = behind.strip_prefix([' ', '\u{a0}']).and_then(|b| b.chars().next());
            next.is_some_and(char::is_lowercase) && OF_A_TOWN.is_match(before)
        };
        if !ENDS.is_match(behind) && !goes_on_small() || STREET.is_match(before) || SEAT.is_match(before) {
            continue;
        }
        let listed = accepted_until > 0 && goes_on(&text[accepted_until..start]);
        let headed = head.take_if(|(head_end, _)| goes_on(&text[*head_end..start]));
        let made = if sure {
            surely
        } else {
            contracted
                || MADE_A_PLACE.is_match(before)
                || SEPARATED.is_match(before) && (!in_capitals || behind.trim().is_empty())
                || stands_alone(text, start, end, in_capitals)
        };
        if !made && !listed && headed.is_none() {
            if text[..start].trim().is_empty() && !sure {
                head = Some((end, place));
            }
            continue;
        }
        accepted_until = end;
        for place in headed.map(|(_, p)| p).into_iter().chain([place]) {
            if !found.contains(&place) {
                found.push(place);
            }
        }
    }
}

/// Whether words end as the name of a street or a firm begins, or as a seat is told (unless `seats`): what follows is another place.
pub(crate) fn is_elsewhere(before: &str, seats: bool) -> bool {
    let before = &before[before.ceil_char_boundary(before.len().saturating_sub(LOOK_BACK))..];
    STREET.is_match(before) || !seats && SEAT.is_match(before)
}

/// The longest name of a commune that a text begins with, and can mean but one: where it ends, its département, and whether its intercommunality is
/// named after it. "Bordeaux-Mérignac" begins with the name of such a town.
pub(crate) fn longest_name(text: &str) -> Option<(usize, Department, bool)> {
    let words = NAME.find(text).filter(|m| m.start() == 0)?.as_str();
    let told = |end: usize, place: &Place| {
        let city = place.city.as_deref()?;
        let department = super::departments_of(std::slice::from_ref(place)).into_iter().next()?;
        let seat = communes().named(city, Some(&department)).first().is_some_and(is_seat)
            || TOWNS.iter().any(|(town, _)| *town == commune::key(&words[..end]));
        // "Lire" is not Liré.
        (!lacks_accents(&words[..end], city) || words[..end].contains(['-', ' '])).then_some((end, department, seat))
    };
    if let Some((end, place, _)) = longest(words, "", &[]) {
        return told(end, &place);
    }
    let end = words.find('-')?;
    told(end, &commune_named(&words[..end], &[])?).filter(|(_, _, seat)| *seat)
}

/// The communes that their intercommunality is named after.
pub(crate) fn seats() -> impl Iterator<Item = Commune> {
    communes().all().filter(is_seat)
}

/// Whether words are a name but for accents of its small letters: capitals often have none.
fn lacks_accents(words: &str, name: &str) -> bool {
    let letters = |t: &str| t.chars().filter(|c| c.is_alphabetic()).collect::<Vec<char>>();
    let (words, name) = (letters(words), letters(name));
    let differs = |(w, n): (&char, &char)| w.is_lowercase() && !n.to_lowercase().eq([*w]);
    words.len() == name.len() && words.iter().zip(&name).any(differs)
}

/// Where the words of a name begin.
fn word_starts(name: &str) -> impl Iterator<Item = usize> + '_ {
    let behind = name.char_indices().filter(|(_, c)| matches!(c, ' ' | '\'' | '’')).map(|(i, c)| i + c.len_utf8());
    std::iter::once(0).chain(behind).filter(|at| name[*at..].starts_with(char::is_uppercase))
}

/// The longest head of these words that is a commune's name: where it ends, its place, and whether its article stands before them. `contracted`: the
/// word before them, where it may hold the article of the name ("du Mans", "aux Sables-d'Olonne").
fn longest(words: &str, contracted: &str, within: &[Department]) -> Option<(usize, Place, bool)> {
    let article = match contracted.to_lowercase().as_str() {
        "du" | "au" => Some("Le"),
        "des" | "aux" => Some("Les"),
        _ => None,
    };
    let ends = words.char_indices().filter(|(_, c)| *c == ' ').map(|(i, _)| i).chain([words.len()]);
    ends.collect::<Vec<_>>().into_iter().rev().find_map(|end| {
        let name = &words[..end];
        let with_article = || article.and_then(|a| commune_named(&format!("{a} {name}"), within));
        if let Some(place) = with_article() {
            return Some((end, place, true));
        }
        Some((end, commune_named(name, within)?, false))
    })
}

/// Towns that people call by less than their name.
const SHORT: [(&str, &str); 16] = [
    ("ancenis", "Ancenis-Saint-Géréon"),
    ("brive", "Brive-la-Gaillarde"),
    ("briey", "Val de Briey"),
    ("chateau chinon", "Château-Chinon (Ville)"),
    ("cherbourg", "Cherbourg-en-Cotentin"),
    ("cosne", "Cosne-Cours-sur-Loire"),
    ("cosne sur loire", "Cosne-Cours-sur-Loire"),
    ("digne", "Digne-les-Bains"),
    ("evry", "Évry-Courcouronnes"),
    ("florac", "Florac Trois Rivières"),
    ("louhans", "Louhans-Châteaurenaud"),
    ("luxeuil", "Luxeuil-les-Bains"),
    ("sables d olonne", "Les Sables-d'Olonne"),
    ("saint die", "Saint-Dié-des-Vosges"),
    ("segre", "Segré-en-Anjou Bleu"),
    ("thonon", "Thonon-les-Bains"),
];

/// Towns that share their name with villages, where no intercommunality is named after them, each with its département (INSEE, Code officiel
/// géographique).
const TOWNS: [(&str, &str); 16] = [
    ("aubusson", "23"),
    ("bonneville", "74"),
    ("clamecy", "58"),
    ("gourdon", "46"),
    ("langon", "33"),
    ("lavaur", "81"),
    ("massy", "91"),
    ("montdidier", "80"),
    ("montreuil", "93"),
    ("prades", "66"),
    ("revel", "31"),
    ("saint nazaire", "44"),
    ("torcy", "77"),
    ("ussel", "19"),
    ("vernon", "27"),
    ("vitrolles", "13"),
];

/// The one commune of that name.
fn commune_named(name: &str, within: &[Department]) -> Option<Place> {
    // Communes of these names there are; the words are mostly of something else.
    words!(COMMON, "port bourg parc lac marche centre campagne plage bois mairie ville salle arc");
    let key = commune::key(name);
    let name = SHORT.iter().find(|(short, _)| *short == key).map_or(name, |(_, whole)| *whole);
    if name.chars().count() < 3 || COMMON.contains(key.as_str()) || department_names::of_name(&key).is_some() {
        return None;
    }
    let departments: Vec<Department> = if within.is_empty() {
        let all = communes().named(name, None);
        // Of towns of one name, the one that its intercommunality is named after, or that everybody means.
        let town = TOWNS.iter().find(|(town, _)| *town == key).map(|(_, department)| *department);
        let meant = |c: &Commune| town.map_or_else(|| is_seat(c), |t| c.department().is_some_and(|d| d.as_str() == t));
        let seats: Vec<Commune> = all.iter().copied().filter(meant).collect();
        let meant = if seats.len() == 1 && all.len() > 1 { seats } else { all };
        meant.iter().filter_map(|c| c.department()).collect()
    } else {
        within.iter().filter(|d| !communes().named(name, Some(d)).is_empty()).cloned().collect()
    };
    let department = departments.first().filter(|d| departments.iter().all(|o| o == *d))?;
    // Names of one commune in France tell its département; a number of places share theirs with a common word.
    let known = communes().named(name, Some(department)).first().map(|c| c.name.to_owned())?;
    let postcode = format!("{:0<5}", department.as_str().replace(['A', 'B'], "0"));
    let postcode = if department.as_str() == "2B" { "20200".to_owned() } else { postcode };
    Some(Place { city: Some(known), postcode: Some(postcode), nuts: None })
}

/// Whether the intercommunality of a commune is named after it.
fn is_seat(c: &Commune) -> bool {
    let key = format!(" {} ", commune::key(c.name));
    communes().epci(c.epci).is_some_and(|e| format!(" {} ", commune::key(e.name)).contains(&key))
}

/// Whether a title is a commune's name and nothing else, or ends with one in capitals behind words that are not.
fn stands_alone(text: &str, start: usize, end: usize, in_capitals: bool) -> bool {
    if text[..start].trim().is_empty() {
        let name = &text[start..end];
        // "Loudun. Tonte du stade": a sentence of its own.
        return text[end..].trim_matches(['.', ' ', '\u{a0}']).is_empty() || name.contains([' ', '-']);
    }
    let name = &text[start..end];
    let shouted = !in_capitals && name.chars().count() > 3 && !name.chars().any(char::is_lowercase);
    shouted && text[end..].trim().is_empty() && text[..start].ends_with([' ', '\u{a0}'])
}

/// Whether these words only join one name of a list to the next.
fn goes_on(between: &str) -> bool {
    // "Caen (lot 1) et de Rouen (lot 2)".
    let between = between.trim();
    let between = match between.strip_prefix('(').and_then(|b| b.split_once(')')) {
        Some((inside, behind)) if inside.starts_with("lot") => behind.trim(),
        _ => between,
    };
    matches!(between, "," | ";" | "/" | "-" | "–" | "et" | ", et" | "et à" | "et de" | "ou" | "et d’" | "et d'" | "•")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read_in(title: &str, departments: &[&str]) -> Vec<String> {
        let within: Vec<Department> = departments.iter().filter_map(|d| Department::parse(d)).collect();
        places(title, std::iter::empty(), &within).into_iter().filter_map(|p| p.city).collect()
    }

    #[test]
    fn the_commune_that_a_title_names_is_the_place() {
        for (title, places) in [
            ("Collège Jean-Moulin, Arras", &["Arras"][..]),
            ("Collège Jean Moulin – Le Portel", &["Le Portel"]),
            ("Remplacement d'agents au collège de Lens", &["Lens"]),
            ("Entretien du site d’Arras", &["Arras"]),
            ("Nettoyage des locaux à Hénin-Beaumont", &["Hénin-Beaumont"]),
            ("Collège Brassens (Saint-Venant)", &["Saint-Venant"]),
            ("Collège Jean Moulin BERCK", &["Berck"]),
            ("COLLEGE JEAN MOULIN - LENS", &["Lens"]),
            ("Lens", &["Lens"]),
            ("Lens, Liévin et Avion", &["Lens", "Liévin", "Avion"]),
            ("Gymnase rue de Lille, Béthune", &["Béthune"]),
            ("Secteur Calais", &["Calais"]),
            ("Collège du Caraquet, Desvres (62)", &["Desvres"]),
            ("Maison du Département Solidarité de Saint-Omer", &["Saint-Omer"]),
        ] {
            assert_eq!(read_in(title, &["62"]), places, "{title}");
        }
    }

    /// Capitals often have no accents; a word without them is not a name that has some.
    #[test]
    fn accents_part_a_word_from_a_name() {
        let read =
            |title| places(title, std::iter::empty(), &[]).into_iter().filter_map(|p| p.city).collect::<Vec<_>>();
        assert_eq!(read("Réfection, Saint-Etienne"), ["Saint-Étienne"]);
        assert_eq!(read("Marché de Noël, Liré"), ["Liré"]);
        assert_eq!(read("Étude générale, Lire"), Vec::<String>::new());
    }

    #[test]
    fn what_is_no_place_of_the_notice_gives_none() {
        for title in [
            "Maintenance des ascenseurs Lens Élévateurs",
            "Reprise du contrat de la société Lens",
            "Nettoyage de la rue de Lens",
            "Travaux route d'Arras",
            "Département du Pas-de-Calais : nettoyage",
            "Collèges du Pas de Calais",
            "Collège Jean-Moulin, Lyon",
            "Marquise extérieure et bardage",
            "Peinture, Bois",
            "Espaces verts",
        ] {
            assert_eq!(read_in(title, &["62"]), Vec::<String>::new(), "{title}");
        }
    }

    #[test]
    fn a_text_gives_the_place_where_the_title_gives_none() {
        let within: Vec<Department> = Department::parse("62").into_iter().collect();
        for text in [
            "Remplacement d'agents du collège Bodel, situé à Arras.",
            "Lieu d'exécution : 62000 Arras",
            "L'agent est employé sur la commune d'Arras, sous l'autorité du gestionnaire.",
        ] {
            let found = places("Lot 12", std::iter::once(text), &within);
            assert_eq!(found.iter().filter_map(|p| p.city.as_deref()).collect::<Vec<_>>(), ["Arras"], "{text}");
        }
        let other = places(
            "Lot 12",
            std::iter::once("Les candidats fournissent les pièces du dossier de Lens Propreté."),
            &within,
        );
        assert_eq!(other, []);
    }
}

//! The place that a text merely mentions, where nothing in it makes a name a place: "Sarreguemines, rénovation du musée", "CHU Dijon
//! Bourgogne", "le SIVOM du Lautrécois", "CC du Guillestrois-Queyras".
//!
//! Asked last. A name counts by what it is (of one commune of France, of the seat of an intercommunality, a word that the names of
//! intercommunalities of one département alone hold, the people of a town) and by what stands before it; streets, people and firms are not
//! looked at. The first sentence that mentions a place tells, with all its places. In doubt nothing is said.

use std::collections::HashMap;
use std::ops::Range;
use std::sync::LazyLock;

use vigie_config::rules::communes;
use vigie_domain::{Department, commune};

use super::lot_place;

pattern!(
    LED,
    r"(?i)(?:^|[\s(«])(?:à|au|aux|de|du|des|en|sur|vers|pour|entre|et|la|le|les|ville|commune|mairie|municipalité|haute|haut|basse|bas|moyenne|grand|val|pays|agence|secteur|site|usine|résidence|chu?|chru?|chi|oph|spl|ccas|cias|ca|cc|sdis|sivom|sivu|sictom|siaep|ehpad|esat|crous|cnam|cpam|cci|iut|ens|insa|gip)[ \u{a0}]+(?:d['’]|l['’]|la |le |les )?$|(?:^|[\s(])[dl]['’]$|\p{Lu}\p{L}+-$"
);
pattern!(
    OF_SOMEBODY,
    r"(?:\b(?:M|MM|Mme|Mmes|Mlle|Me|Dr|Pr|Monsieur|Madame|Maître|Jean|Pierre|Paul|Jacques|Louis|Marie|Anne|Simone|Victor|Jules|Henri|Georges|Charles|Albert|André|François|Joseph|Léon|Émile|Anatole|Robert|René|Marcel|Maurice|Michel|Claude|Alain|Philippe|Lucie|Julie|Camille|Sophie|Nathalie|Isabelle|Cabinet|Atelier|cabinet|atelier|SARL|SAS|Sté|société|groupement|entreprise|groupe|mandataire)\.?[ \u{a0}-]+)$"
);

/// Words of the names of intercommunalities that are words of everything else too.
const COMMON_WORDS: &str = "achards aquitaine arcade argent artois automne autour avant balcons campagnes canaux chambre chanois claude combade commune
    communautaire communes comtat comtes confluence confluent controis convergence coquelicot couronne dames dauphine defense district domes
    double ecrins ensemble environs essarts etienne europe europeenne excellence falaises francaise frontieres galante georges girou grandes
    hanau herbiers homme impressionnistes inter intercommunale laurence lande legendes levant limousine lisieres loges lorraine louis louise
    lumiere luxembourg marais maritime mercure meridionales mines montagne montagnette montceau montois normande nacre occidentale occitane
    oceane odile opale oriente paoli paysages picard pierre plaines plateaux pointe provencale provinces quentin reunion rhenan rhony rivieres
    rochelle romane romantique rurales sables sacree saint sillon sobre solidaires sommets sophia soulaines spelunca station synergie
    territoriale terroir terroirs thierry toulousaine triangle urbain vergers versants vertes vignobles villages vitry aisne ardeche ardenne
    ardennes ariege charente gironde herault isere loiret mayenne morbihan nievre vendee yvelines marne moselle sarthe meuse communautes
    agglomeration metropole horizon littoral vallee vallees pays portes coeur sources terres monts grand grande petit petite nord haut haute
    basse rives plaine entre doubs creuse allier cantal landes garonne loire seine rhone";

/// Départements that the title of a lot names: of names of several words, and of towns that an intercommunality is named after. "Poissons" and
/// "Confort" are communes.
pub(crate) fn of_lot(title: &str) -> Vec<Department> {
    let found = words(title).filter_map(|word| {
        let before = just_before(title, word.start);
        let led = LED.is_match(before) || before.trim_end().ends_with([',', '(', '–', ':', '/']) || before.is_empty();
        if !led || lot_place::is_elsewhere(before, false) || OF_SOMEBODY.is_match(before) {
            return None;
        }
        lot_place::longest_name(&title[word.start..])
            .filter(|(end, _, seat)| *seat || title[word.start..word.start + end].contains(['-', ' ', '\'', '’']))
    });
    found.fold(Vec::new(), |mut all, (_, department, _)| {
        if !all.contains(&department) {
            all.push(department);
        }
        all
    })
}

/// Départements of the first sentence that mentions a place.
pub(crate) fn departments<'t>(sentences: impl Iterator<Item = &'t str>) -> Vec<Department> {
    let sentences: Vec<&str> = sentences.collect();
    let read = |seats| sentences.iter().map(|s| of_sentence(s, seats)).find(|d| !d.is_empty());
    read(false).or_else(|| read(true)).unwrap_or_default()
}

/// `seats`: what a text says to be the seat of somebody counts too.
fn of_sentence(sentence: &str, seats: bool) -> Vec<Department> {
    let mut found: Vec<Department> = Vec::new();
    let mut until = 0;
    for word in words(sentence) {
        if word.start < until {
            continue;
        }
        let before = just_before(sentence, word.start);
        if lot_place::is_elsewhere(before, seats) || OF_SOMEBODY.is_match(before) {
            continue;
        }
        let begins = before.trim_matches(|c: char| !c.is_alphanumeric()).is_empty();
        let led = begins || LED.is_match(before);
        let named = commune_at(sentence, word.start, led);
        // "Tarentaise" is a commune of the Loire and a land of Savoie.
        let of_two = named.as_ref().is_some_and(|(end, department)| {
            *end == word.end && region_of(&sentence[word.clone()]).is_some_and(|region| region != *department)
        });
        if of_two {
            continue;
        }
        if let Some((end, department)) = named {
            until = end;
            if !found.contains(&department) {
                found.push(department);
            }
        } else if led && let Some(department) = region_of(&sentence[word.clone()]) {
            until = word.end;
            if !found.contains(&department) {
                found.push(department);
            }
        }
    }
    found
}

/// The words before a byte, as far as they may lead to a name.
fn just_before(text: &str, at: usize) -> &str {
    const LOOK_BACK: usize = 80;
    &text[text.ceil_char_boundary(at.saturating_sub(LOOK_BACK))..at]
}

/// Words that begin with a capital.
fn words(sentence: &str) -> impl Iterator<Item = Range<usize>> + '_ {
    let part = |c: char| !c.is_alphanumeric();
    let starts = sentence
        .char_indices()
        .filter(move |(i, c)| c.is_uppercase() && sentence[..*i].chars().next_back().is_none_or(part));
    starts.map(move |(start, _)| {
        let len = sentence[start..].find(part).unwrap_or(sentence.len() - start);
        start..start + len
    })
}

/// The commune whose name begins at a byte, as far as it can mean but one: where the name ends, and its département. A name that nothing leads to
/// must be of several words, or of a town that its intercommunality is named after.
fn commune_at(sentence: &str, start: usize, led: bool) -> Option<(usize, Department)> {
    /// Letters of the shortest name that is looked for.
    const SHORTEST: usize = 4;
    let (end, department, seat) = lot_place::longest_name(&sentence[start..])?;
    let name = &sentence[start..start + end];
    let letters = name.chars().filter(|c| c.is_alphabetic()).count();
    let compound = name.contains(['-', ' ', '’', '\'']);
    let certain = compound || seat || led && letters > SHORTEST;
    (letters >= SHORTEST && (led || compound && letters > 8) && certain).then_some((start + end, department))
}

/// The département of a word that names a small region ("Queyras"), or the people and the land of a town ("Saumurois").
fn region_of(word: &str) -> Option<Department> {
    static REGIONS: LazyLock<HashMap<String, Option<Department>>> = LazyLock::new(|| {
        let mut regions: HashMap<String, Option<Department>> = HashMap::new();
        for epci in communes().epcis() {
            let all = communes().departments_of(epci.siren);
            let only = (all.len() == 1).then(|| all.first().cloned()).flatten();
            for word in commune::key(epci.name).split(' ').filter(|w| w.len() > 4) {
                let known = regions.entry(word.to_owned()).or_insert_with(|| only.clone());
                if *known != only {
                    *known = None;
                }
            }
        }
        for word in COMMON_WORDS.split_whitespace() {
            regions.remove(word);
        }
        regions
    });
    let key = commune::key(word);
    if let Some(known) = REGIONS.get(&key) {
        return known.clone();
    }
    town_of_people(&key)
}

/// "saumurois", "lautrecois", "valenciennois": the land around the town of which the word is made.
fn town_of_people(key: &str) -> Option<Department> {
    const ENDS: [&str; 6] = ["aise", "oise", "isis", "ais", "ois", "ien"];
    /// Letters of the shortest stem, and how many letters of the name it may leave out.
    const STEM: usize = 5;
    const LEFT_OUT: usize = 3;
    static SEATS: LazyLock<Vec<(String, Department)>> = LazyLock::new(|| {
        let mut seats: Vec<(String, Department)> = lot_place::seats()
            .filter_map(|c| Some((commune::key(c.name).split(' ').next()?.to_owned(), c.department()?)))
            .collect();
        seats.sort();
        seats.dedup();
        seats
    });
    let stem = ENDS.iter().find_map(|end| key.strip_suffix(end))?;
    if stem.len() < STEM {
        return None;
    }
    let from = SEATS.partition_point(|(name, _)| name.as_str() < stem);
    let mut towns = SEATS[from..]
        .iter()
        .take_while(|(name, _)| name.starts_with(stem))
        .filter(|(name, _)| name.len() <= stem.len() + LEFT_OUT)
        .map(|(_, department)| department);
    let first = towns.next()?;
    towns.all(|d| d == first).then(|| first.clone())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_alone_tells_where_no_word_makes_it_a_place() {
        for (text, department) in [
            ("Sarreguemines, rénovation du musée", "57"),
            ("Notre usine de Chalon-sur-Saône attribuera l'entretien", "71"),
            ("SYNDICAT DE COLLECTE DU SAUMUROIS", "49"),
            ("La municipalité de Bénévent-l'Abbaye projette de rendre la mairie accessible", "23"),
            ("CHU Dijon Bourgogne – consultation", "21"),
            ("Communauté de communes du Guillestrois-Queyras", "05"),
            ("Le SIVOM du Lautrécois loue deux bungalows", "81"),
            ("SPL Nice Aménagement achète des insertions", "06"),
            ("Hôpital de Cayenne Andrée-Rosemon", "973"),
            ("Office de tourisme de la Haute Maurienne", "73"),
        ] {
            let found: Vec<String> = of_sentence(text, false).iter().map(|d| d.as_str().to_owned()).collect();
            assert_eq!(found, [department], "{text}");
        }
    }

    #[test]
    fn names_of_people_streets_and_things_tell_nothing() {
        for text in [
            "Le titulaire remet son mémoire à Mme Lourdes",
            "Salle Victor Hugo, rue de Lille",
            "Les Communes membres du groupement",
            "Marché de Noël et Lettre de consultation",
            "Notre Dame",
            "Prix : Valeur technique ; Délais",
        ] {
            assert_eq!(of_sentence(text, false), [], "{text}");
        }
    }
}

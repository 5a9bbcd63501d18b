//! Intercommunalities and circles, as people write them: `Lens 30 km`, `30 km autour d’Arras`, `CA de Lens - Liévin`. Pure.
//!
//! The command line, the pages and the chats read them with the same words. What cannot be told is refused with a sentence
//! that says how to write it; nothing is guessed among communes that share a name.

use vigie_config::rules;
use vigie_domain::commune::{Commune, Epci};
use vigie_domain::territory::MAX_KM;
use vigie_domain::{Around, Department};
use vigie_notifier::card::short;

/// Most homonyms named.
const MAX_NAMED: usize = 5;
/// Longest text read, in characters.
const MAX_TEXT: usize = 120;

/// Reads a circle.
///
/// # Errors
/// What is missing or cannot be told, in French.
pub fn around(text: &str) -> Result<Around, String> {
    let text: String = text.chars().take(MAX_TEXT).collect();
    let Some((name, km)) = split_km(&text) else {
        return Err("écrivez une commune et une distance, par exemple « Lens 30 km »".to_owned());
    };
    if !(1..=u32::from(MAX_KM)).contains(&km) {
        return Err(format!("rayon de {km} km impossible : de 1 à {MAX_KM} km"));
    }
    let commune = commune(&name)?;
    if commune.at.is_none() {
        return Err(format!("je ne sais pas où est {} : donnez une commune voisine", commune.label()));
    }
    // Bounded above.
    Ok(Around { commune: commune.code.to_owned(), km: u16::try_from(km).unwrap_or(MAX_KM) })
}

/// Reads a commune.
///
/// # Errors
/// None bears that name, or several do, in French.
pub fn commune(text: &str) -> Result<Commune, String> {
    let name = bare(text);
    let table = rules::communes();
    let mut found = table.meant(&name);
    // « autour du Havre », « près des Sables-d’Olonne ».
    for (said, article) in [("du ", "Le "), ("des ", "Les ")] {
        let meant = text.trim().to_lowercase().contains(said).then(|| format!("{article}{name}"));
        if let Some(meant) = meant.filter(|_| found.is_empty()) {
            found = table.meant(&meant);
        }
    }
    match *found.as_slice() {
        [one] => Ok(one),
        [] => Err(format!(
            "je ne connais pas la commune « {} » : écrivez-la avec son département, par exemple « Lens (62) »",
            short(&name, 40)
        )),
        ref several => {
            let labels: Vec<String> = several.iter().take(MAX_NAMED).map(Commune::label).collect();
            let more = if several.len() > MAX_NAMED { "…" } else { "" };
            Err(format!("plusieurs communes s’appellent ainsi : {}{more}. Laquelle ?", labels.join(", ")))
        }
    }
}

/// A circle whose commune was written without its département, where départements are named beside it: one that lies in another is
/// asked about, for a slip of the hand makes one commune of another (« Lans » for « Lens »).
///
/// # Errors
/// It lies elsewhere, in French.
pub fn meant_among(around: Around, written: &str, departments: &[Department]) -> Result<Around, String> {
    let Some(commune) = rules::communes().by_code(&around.commune) else { return Ok(around) };
    let said = written.chars().any(|c| c.is_ascii_digit() || c == '(');
    match commune.department() {
        Some(department) if !said && !departments.is_empty() && !departments.contains(&department) => Err(format!(
            "{} n’est dans aucun des départements choisis : si c’est bien elle, écrivez « {} »",
            commune.label(),
            commune.label()
        )),
        _ => Ok(around),
    }
}

/// Reads an intercommunality, by its SIREN or its name.
///
/// # Errors
/// None bears that name, or several do, in French.
pub fn epci(text: &str) -> Result<&'static Epci, String> {
    let text: String = text.chars().take(MAX_TEXT).collect();
    match *rules::communes().epcis_meant(&text).as_slice() {
        [one] => Ok(one),
        [] => Err(format!(
            "je ne connais pas l’intercommunalité « {} » : écrivez son nom, ou son SIREN",
            short(text.trim(), 40)
        )),
        ref several => {
            let names: Vec<&str> = several.iter().take(MAX_NAMED).map(|e| e.name).collect();
            let more = if several.len() > MAX_NAMED { "…" } else { "" };
            Err(format!("plusieurs intercommunalités portent ces mots : {}{more}. Laquelle ?", names.join(", ")))
        }
    }
}

/// A circle as someone writes it, for a field that holds several: `Lens (62) 30 km`.
#[must_use]
pub fn written(around: &Around) -> String {
    let name = rules::communes().by_code(&around.commune).map_or_else(|| around.commune.clone(), |c| c.label());
    format!("{name} {} km", around.km)
}

/// An intercommunality as someone writes it, for a field that holds several between commas: its name, where that tells.
#[must_use]
pub fn epci_written(siren: &str) -> String {
    let table = rules::communes();
    let name = table.epci(siren).map(|e| e.name).filter(|name| !name.contains(','));
    name.filter(|name| table.epcis_meant(name).len() == 1).unwrap_or(siren).to_owned()
}

/// Whether a text speaks of a distance.
#[must_use]
pub fn speaks_of_distance(text: &str) -> bool {
    split_km(text).is_some()
}

/// The name and the distance of a text: the number before `km`, or behind a colon.
fn split_km(text: &str) -> Option<(String, u32)> {
    let spaced = text.replace(['\u{a0}', '\u{202f}', '\t'], " ");
    // No byte moves.
    if let Some(at) = spaced.to_ascii_lowercase().find("km") {
        let before = spaced[..at].trim_end();
        let digits = before.bytes().rev().take_while(u8::is_ascii_digit).count();
        let (head, number) = before.split_at(before.len() - digits);
        // « -5 », « 1e3 », « 12,5 » are no number of kilometres.
        if head.ends_with(|c: char| c.is_alphanumeric() || "-−+,.".contains(c)) {
            return None;
        }
        let after = spaced[at + 2..].trim_start_matches('s');
        return Some((format!("{head} {after}"), number.parse().ok()?));
    }
    let (name, number) = spaced.rsplit_once(':')?;
    Some((name.to_owned(), number.trim().parse().ok()?))
}

/// A name without the words around it.
fn bare(text: &str) -> String {
    const AROUND: [&str; 16] = [
        "dans", "un", "une", "rayon", "de", "du", "des", "d", "autour", "a", "à", "moins", "près", "pres", "commune",
        "au",
    ];
    let spaced = text.replace(['’', '\''], "' ").replace([':', ',', ';'], " ");
    let words: Vec<&str> = spaced.split_whitespace().collect();
    let is_around = |w: &&str| AROUND.contains(&w.trim_end_matches('\'').to_lowercase().as_str());
    let start = words.iter().take_while(|w| is_around(w)).count();
    let end = words.len() - words[start..].iter().rev().take_while(|w| is_around(w)).count();
    words[start..end.max(start)].join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_circle_is_read_as_people_write_it() {
        for (text, commune, km) in [
            ("Lens 30 km", "62498", 30),
            ("30km autour de Lens", "62498", 30),
            ("dans un rayon de 30 km autour d’Arras", "62041", 30),
            ("à moins de 15 KM de Lens (62)", "62498", 15),
            ("62498:30", "62498", 30),
            ("Lens : 30", "62498", 30),
            ("20 km autour du Havre", "76351", 20),
            ("20 km autour des Sables-d’Olonne", "85194", 20),
            ("La Rochelle (17) 5 km", "17300", 5),
            ("62300 Lens 10 kms", "62498", 10),
            ("Marcq en Baroeul 12 km", "59378", 12),
            ("Saint-E\u{301}tienne (42) 20 km", "42218", 20),
        ] {
            assert_eq!(around(text), Ok(Around { commune: commune.into(), km }), "{text}");
        }
        for (text, says) in [
            ("Lens", "une distance"),
            ("30 km", "je ne connais pas"),
            ("Atlantis 30 km", "avec son département"),
            ("Saint-Denis 10 km", "plusieurs communes"),
            ("Lens 0 km", "impossible"),
            ("Lens 4000000000000 km", "une distance"),
            ("Lens 900 km", "de 1 à 300"),
            ("🎉 km", "une distance"),
            ("Lens -5 km", "une distance"),
            ("Lens (62) 1e3 km", "une distance"),
            ("Lens 12,5 km", "une distance"),
            ("\u{202e}İ 3 km", "je ne connais pas"),
        ] {
            let said = around(text).unwrap_err();
            assert!(said.contains(says), "{text}: {said}");
        }
        let lens = around("Lens 30 km").unwrap();
        assert_eq!(around(&written(&lens)), Ok(lens), "what is shown can be written");
    }

    #[test]
    fn a_commune_elsewhere_than_the_departments_beside_it_is_asked_about_once() {
        let north: Vec<Department> = Department::parse("62").into_iter().collect();
        let read = |text: &str, departments: &[Department]| {
            around(&format!("{text} 20 km")).and_then(|a| meant_among(a, text, departments))
        };
        assert!(read("Lens", &north).is_ok());
        let asked = read("Lans", &north).unwrap_err();
        assert!(asked.contains("écrivez « Lans (71) »"), "{asked}");
        assert!(read("Lans (71)", &north).is_ok(), "said so");
        assert!(read("Lans", &[]).is_ok(), "nothing says otherwise");
    }

    #[test]
    fn an_intercommunality_is_read_by_number_or_name() {
        for text in ["246200364", "CA de Lens - Liévin", "agglo Lens Liévin"] {
            assert_eq!(epci(text).map(|e| e.siren), Ok("246200364"), "{text}");
        }
        assert_eq!(epci("Plaine Commune").map(|e| e.siren), Ok("200057867"));
        assert!(epci("Atlantis").unwrap_err().contains("SIREN"));
        assert!(epci("vallée").unwrap_err().contains("plusieurs"));
    }

    proptest::proptest! {
        #[test]
        fn any_text_is_read_or_refused(text in "\\PC{0,60}", km in "[0-9]{0,12} ?[kK][mM]s?") {
            let _ = (around(&text), around(&format!("{text}{km}")), around(&format!("{km} autour de {text}")), epci(&text), commune(&text));
        }
    }
}

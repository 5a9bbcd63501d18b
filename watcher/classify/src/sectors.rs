//! Sectors: from CPV by longest prefix, and from the words of titles and lots.
//!
//! Phrases are matched as whole words; a longer phrase hides the shorter ones inside it ("titres restaurant" hides
//! "restaurant"). Phrases that show the notice is none of ours compete with the others. "None of ours" is an answer.
//!
//! A trade is named by what is done and what it is done to: "nettoyage de l'intérieur des véhicules" is read as "nettoyage des
//! véhicules", which hides the bare "nettoyage". A sector "autre" is told only where no precise one is.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use aho_corasick::{AhoCorasick, AhoCorasickKind, MatchKind};
use vigie_config::rules::Rules;
use vigie_domain::notice::ContractNature;
use vigie_domain::{Cpv, Notice, Sector};

use super::fold::fold;

/// Most one sector can gather, so that repetition does not outweigh the head word.
const CAP: u32 = 8;
/// Longest part of a title that is looked at, in bytes: some feeds put the whole text there.
const MAX_TITLE: usize = 2_000;
/// Least weight that makes a sector.
const LEAST: u32 = 3;
/// How much the first phrase of the title counts.
const HEAD_FACTOR: u32 = 2;
/// How much a "none of ours" phrase counts in the title.
const NONE_FACTOR: u32 = 3;

struct Phrases {
    automaton: AhoCorasick,
    /// For each pattern: index into the rule table, and whether its last word may go on.
    rows: Vec<(usize, bool)>,
}

static PHRASES: LazyLock<Phrases> = LazyLock::new(|| {
    let rules = Rules::embedded();
    let mut patterns = Vec::new();
    let mut rows = Vec::new();
    for (i, word) in rules.sector_words.iter().enumerate() {
        let open = word.phrase.ends_with('*');
        patterns.push(format!(" {}{}", word.phrase.trim_end_matches('*'), if open { "" } else { " " }));
        rows.push((i, open));
    }
    #[expect(clippy::expect_used, reason = "the table is embedded and bounded; every test of sectors builds it")]
    let automaton = AhoCorasick::builder()
        .kind(Some(AhoCorasickKind::ContiguousNFA))
        .match_kind(MatchKind::Standard)
        .build(&patterns)
        .expect("the phrase table builds an automaton");
    Phrases { automaton, rows }
});

/// Letters and digits only, single spaces, one space at both ends.
fn words(text: &str) -> String {
    let folded = fold(&text[..text.floor_char_boundary(MAX_TITLE)]);
    let mut out = Vec::with_capacity(folded.len() + 2);
    out.push(b' ');
    for b in folded.bytes() {
        if b.is_ascii_alphanumeric() {
            out.push(b);
        } else if out.last() != Some(&b' ') {
            out.push(b' ');
        }
    }
    if out.last() != Some(&b' ') {
        out.push(b' ');
    }
    String::from_utf8(out).unwrap_or_default()
}

/// What is done to something: words that say little without what they are done to.
const ACTIONS: [&str; 14] = [
    "nettoyage",
    "lavage",
    "entretien",
    "reparation",
    "reparations",
    "maintenance",
    "collecte",
    "recyclage",
    "reemploi",
    "distribution",
    "location",
    "remplacement",
    "tri",
    "valorisation",
];
// Words that lead to what an action is done to.
words!(LEADS_TO, "de des du d a aux en au");
/// Words between an action and what it is done to, at most.
const REACH: usize = 12;

/// Actions with what they are done to, where other words stand between: where the action stands, where the object ends, and the
/// index of the rule of the two together ("nettoyage … des véhicules").
fn actions(text: &str) -> Vec<(usize, usize, usize)> {
    let mut at = 0;
    let words: Vec<(usize, &str)> = text
        .split(' ')
        .map(|w| {
            let start = at;
            at += w.len() + 1;
            (start, w)
        })
        .filter(|(_, w)| !w.is_empty())
        .collect();
    let mut out = Vec::new();
    for (i, (start, action)) in words.iter().enumerate().filter(|(_, (_, w))| ACTIONS.contains(w)) {
        let mut led = false;
        for j in i + 1..words.len().min(i + REACH) {
            let (_, word) = words[j];
            if led && ACTIONS.contains(&word) {
                break;
            }
            if !LEADS_TO.contains(word) {
                continue;
            }
            led = true;
            let behind = words[j + 1..].iter().find(|(_, w)| !matches!(*w, "l" | "la" | "le" | "les"));
            let Some((object_at, object)) = behind else { break };
            let rule = ["des", "de", "du"].iter().find_map(|lead| rule_of(&format!("{action} {lead} {object}")));
            if let Some(row) = rule {
                out.push((*start, object_at + object.len(), row));
                break;
            }
        }
    }
    out
}

/// The index of the rule with exactly these words.
fn rule_of(phrase: &str) -> Option<usize> {
    static BY_PHRASE: LazyLock<BTreeMap<&'static str, usize>> = LazyLock::new(|| {
        let words = &Rules::embedded().sector_words;
        words.iter().enumerate().map(|(row, w)| (w.phrase.trim_end_matches('*'), row)).collect()
    });
    BY_PHRASE.get(phrase).copied()
}

/// Phrases found in `text`, the longest ones only, in order: (start, index of the rule).
fn phrases(text: &str) -> Vec<(usize, usize)> {
    let rules = Rules::embedded();
    let mut found: Vec<(usize, usize, usize)> = PHRASES
        .automaton
        .find_overlapping_iter(text)
        .map(|m| {
            let (row, _) = PHRASES.rows[m.pattern().as_usize()];
            (m.start() + 1, m.start() + 1 + rules.sector_words[row].phrase.trim_end_matches('*').len(), row)
        })
        .collect();
    let bare = |f: &(usize, usize, usize)| !text[f.0..f.1].contains(' ');
    for (start, end, row) in actions(text) {
        // Where the action and its object stand together already, that is the longest phrase.
        if found.iter().any(|f| f.0 == start && !bare(f)) {
            continue;
        }
        found.retain(|f| !(f.0 >= start && f.1 <= end && bare(f)));
        found.push((start, end, row));
    }
    found.sort_by_key(|(start, end, _)| (*start, std::cmp::Reverse(*end)));
    // After sorting by start, longest first, a phrase lies inside an earlier one exactly when it ends no later than the
    // farthest end so far; two rules with the very same words both stay.
    let mut kept: Vec<(usize, usize, usize)> = Vec::new();
    let mut farthest = (0, 0);
    for f in found {
        if f.1 > farthest.1 {
            farthest = (f.0, f.1);
        } else if (f.0, f.1) != farthest {
            continue;
        }
        kept.push(f);
    }
    kept.into_iter().map(|(start, _, row)| (start, row)).collect()
}

/// Sectors told by a title, with the titles of lots as support. Strongest first.
#[must_use]
pub fn from_words(title: &str, lots: &[&str]) -> Vec<Sector> {
    let rules = Rules::embedded();
    let mut weights: BTreeMap<&str, u32> = BTreeMap::new();
    let mut none = 0;
    let mut seen = std::collections::BTreeSet::new();
    let mut head = true;
    for (i, text) in std::iter::once(&title).chain(lots).enumerate() {
        let in_title = i == 0;
        for (_, row) in phrases(&words(text)) {
            let word = &rules.sector_words[row];
            if !seen.insert(row) {
                continue;
            }
            match &word.sector {
                None => none += word.weight * if in_title { NONE_FACTOR } else { 1 },
                Some(sector) => {
                    let factor = if in_title && head { HEAD_FACTOR } else { 1 };
                    let weight = weights.entry(sector).or_default();
                    *weight = (*weight + word.weight * factor).min(CAP);
                }
            }
            if in_title {
                head = false;
            }
        }
    }
    let best = weights.values().max().copied().unwrap_or(0);
    let mut kept: Vec<(&str, u32)> =
        weights.into_iter().filter(|(_, w)| *w >= LEAST && *w >= none && w * 2 >= best).collect();
    kept.sort_by_key(|(slug, w)| (std::cmp::Reverse(*w), *slug));
    kept.into_iter().map(|(slug, _)| slug.to_owned()).collect()
}

/// Whether a code says little: the division followed by zeros ("79000000 Services aux entreprises").
fn vague(cpv: &Cpv) -> bool {
    cpv.as_str()[2..].bytes().all(|b| b == b'0') && !matches!(cpv.division(), "45" | "55" | "77")
}

/// Sectors of a procedure or a lot: from its codes, completed from words where codes are absent or vague, or where they
/// cannot tell (waste).
#[must_use]
pub fn of(cpv: &[Cpv], title: &str, lots: &[&str]) -> Vec<Sector> {
    let rules = Rules::embedded();
    let mut out: Vec<Sector> = Vec::new();
    let mut add = |sectors: &[Sector]| {
        for s in sectors {
            if !out.contains(s) {
                out.push(s.clone());
            }
        }
    };
    for code in cpv {
        add(rules.sectors_of_cpv(code));
    }
    let needs_words = cpv.first().is_none_or(|main| vague(main) || main.as_str().starts_with("905"));
    if needs_words {
        add(&from_words(title, lots));
    }
    without_vague(out)
}

/// Without sectors "autre", where a precise one is told: "autre" says only that no precise one was found.
fn without_vague(sectors: Vec<Sector>) -> Vec<Sector> {
    let is_vague = |s: &Sector| Rules::embedded().sector_label(s).starts_with("Autre");
    if sectors.iter().all(is_vague) {
        return sectors;
    }
    sectors.into_iter().filter(|s| !is_vague(s)).collect()
}

/// Sectors of needs beside the works (cleaning, guarding and catering of the site), where a clause makes the winner look for
/// structures. Without a code of works, the nature of the contract and its title tell.
#[must_use]
pub fn beside(notice: &Notice) -> Vec<Sector> {
    let codes: Vec<&str> = notice.cpv.iter().map(Cpv::as_str).collect();
    let told = if codes.iter().any(|c| c.starts_with("45")) { None } else { works(notice) };
    let mut out: Vec<Sector> = Vec::new();
    for code in codes.into_iter().chain(told) {
        let rows = Rules::embedded().side_needs.iter().filter(|(prefix, _)| code.starts_with(prefix.as_str()));
        for sector in rows.max_by_key(|(prefix, _)| prefix.len()).iter().flat_map(|(_, sectors)| sectors) {
            if !out.contains(sector) {
                out.push(sector.clone());
            }
        }
    }
    out
}

/// The code of works that a notice tells without one: building works, or works.
fn works(notice: &Notice) -> Option<&'static str> {
    pattern!(
        DESIGN,
        r"maitrise d'oeuvre|\bmoe\b|\bmission|\betudes?\b|\bcontrole\b|coordination|diagnostic|assistance"
    );
    pattern!(BUILDING, r"\b(?:construction|rehabilitation|renovation|extension|restructuration|demolition)s?\b");
    let title = fold(&notice.title);
    let by_nature = notice.natures.contains(&ContractNature::Works);
    let by_title = notice.cpv.is_empty() && !DESIGN.is_match(&title);
    match (by_nature || by_title, BUILDING.is_match(&title)) {
        (true, true) => Some("4521"),
        (true, false) if by_nature || title.contains("travaux") => Some("45"),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn groups(title: &str) -> Vec<String> {
        let rules = Rules::embedded();
        from_words(title, &[]).iter().filter_map(|s| rules.sector_group(s)).map(str::to_owned).collect()
    }

    #[test]
    fn a_title_leads_to_its_trade() {
        for (title, group) in [
            ("Entretien des espaces verts de la commune", "espaces-verts-exterieurs-2"),
            ("Nettoyage des locaux et de la vitrerie", "hygiene-et-proprete-64"),
            ("Prestations de blanchisserie pour l'EHPAD", "entretien-du-linge"),
        ] {
            assert!(groups(title).contains(&group.to_owned()), "{title}: {:?}", groups(title));
        }
    }

    /// The trade is that of the head noun with what it is done to.
    #[test]
    fn the_head_noun_comes_before_its_complement() {
        for (title, slugs) in [
            ("Nettoyage de l'intérieur et de l'extérieur des véhicules de service", &["nettoyage-de-vehicules-12"][..]),
            ("Collecte des colonnes à papier", &["collecte-des-dechets-papiers-et-fournitures-dentreprises"]),
            ("Réparation et contrôle des véhicules légers de la flotte", &["garage-mecanique-automobile-10"]),
            ("Fourniture de coffrets électriques", &["electricite"]),
            ("Organisation de courses à pied", &[]),
            ("Livraison de courses et de plis urgents", &["coursiers-livraison-de-plis-colis"]),
            (
                "Nettoyage des locaux et entretien des véhicules",
                &["garage-mecanique-automobile-10", "nettoyage-de-locaux-16"],
            ),
        ] {
            let mut found = of(&[], title, &[]);
            found.sort();
            assert_eq!(found, slugs, "{title}");
        }
    }

    #[test]
    fn the_precise_sector_stands_without_autre_beside_it() {
        let cpv: Vec<Cpv> = ["90500000"].iter().filter_map(|c| Cpv::parse(c)).collect();
        let found = of(&cpv, "Collecte de papier et cartons", &[]);
        assert!(found.iter().all(|s| !s.starts_with("autre")), "{found:?}");
        assert!(!found.is_empty());
        assert_eq!(of(&[], "Prestations de recyclage", &[]), ["autre-85"]);
    }

    #[test]
    fn what_is_none_of_ours_stays_so() {
        for title in [
            "Mission de maîtrise d'œuvre pour la restructuration de la déchetterie",
            "Fourniture de médicaments",
            "Assurance dommages aux biens",
        ] {
            assert_eq!(groups(title), Vec::<String>::new(), "{title}");
        }
    }

    #[test]
    fn a_building_site_needs_cleaning_guards_and_meals() {
        let needs = |title: &str| {
            let mut n = Notice::new("t", "1", vigie_domain::NoticeKind::Call);
            n.title = title.into();
            beside(&n)
        };
        assert_eq!(needs("Construction d'une école").len(), 3);
        assert_eq!(needs("Travaux de voirie").len(), 1);
        assert!(needs("Maîtrise d'œuvre pour la construction d'une école").is_empty());
        assert!(needs("Fourniture de papier").is_empty());
    }

    #[test]
    fn a_longer_phrase_hides_the_shorter_one() {
        assert!(
            !groups("Titres restaurant pour le personnel").iter().any(|g| g.contains("traiteur")),
            "{:?}",
            groups("Titres restaurant pour le personnel")
        );
    }
}

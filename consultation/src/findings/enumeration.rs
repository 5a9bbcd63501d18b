//! Documents that a sentence names one after the other: "une lettre de candidature, un extrait Kbis et la liste de vos chantiers".
//!
//! The sentence is parted by its commas, semicolons and conjunctions outside parentheses. A part that begins with a document, behind an
//! article, a count or the lots that it is asked for, begins an item; a part that does not belongs to the item before. Where semicolons
//! part the sentence, they alone do.

use std::ops::Range;

use vigie_classify::fold::fold;
use vigie_classify::pattern;

// What may stand in front of a document's name, at the start of a part.
pattern!(
    BEFORE,
    r"^(?:et |puis |enfin,? |accompagnee?s? (?:de |d'|du |des )|assortie?s? (?:de |d'|du |des )|ainsi qu(?:e |')|ou |dont |d'abord |ensuite |de meme que |(?:pour|sur) (?:le|les|l') ?lots? [^,:]{1,30}[,:] ?|lots? [a-z0-9]{1,3}(?: et [a-z0-9]{1,3})? ?[,:] ?)*(?:(?:de |d')?(?:l'|le |la |les |des |du |une? |quelques |deux |trois |quatre |cinq |six |[0-9]{1,2} |son |sa |ses |leurs? |votre |vos |ce |cette |chaque |tout(?:e|es)? |au moins |toute piece |le present |la presente )*)(?:principales |principaux |dernieres |derniers |simple |nouvelle? |eventuel(?:le|s|les)? |presente? |double )?"
);
pattern!(
    DOCUMENT,
    r"^(?:sous-detail|liasses?|document unique|constats?|chartes?|projet social|lettres?|formulaires?|imprimes?|dc ?[1-4]\b|dume\b|attestations?|certificats?|declarations?|acte d'engagement|\bae\b|memoires?|bordereaux?|\bbpu\b|\bdqe\b|\bdpgf\b|details? |devis|decompositions?|annexes?|fiches?|notes?\b|notices?\b|licences?|recepisses?|rib\b|releves?|plannings?|calendriers?|programmes?|extraits?|kbis|copies?|listes?|presentations?|chiffres? d'affaires|references?|echantillons?|pouvoirs?|delegations?|habilitations?|descriptions?|descriptifs?|cadres? d|tableaux?|grilles?|documents?|noms? de|indications?|montants?|compositions?|effectifs?|preuves?|agrements?|qualifications?|bilans?|comptes? de resultat|moyens|organigrammes?|curriculum|\bcv\b|photographies?|photos?|images?|questionnaires?|catalogues?|justificatifs?|mandats?|conventions?|contrats?|arretes?|jugements?|autorisations?|(?:[a-z]+ )?semaines? de menus|menus?\b|plans? |schemas?|simulations?|projets? |caces|carte professionnelle|cartes? |releve|identite bancaire|accords?|engagements? (?:ecrit|signe|ci-joint|joint|rempli|complet|contractuel|d|a)|prix (?:forfaitaire|detaille|unitaire)s?|parole ecrite|ecrits?\b|pages?\b|feuilles? |feuillets? |inscription|numero|coordonnees|titres? (?:d'etudes|professionnels?)|diplomes?|brevets?|labels?|methodologie|methode|protocole|procedure|rapport|etats?\b|dossier (?:technique|de references|photo)|ordonnance|statuts|assurances?)"
);

/// The items that words name, in their order; empty where they name none.
pub(super) fn items(words: &str) -> Vec<Range<usize>> {
    let (parts, by_semicolon) = parts(words);
    let mut out: Vec<Range<usize>> = Vec::new();
    for (i, part) in parts.iter().enumerate() {
        let text = &words[part.clone()];
        let begins = match out.is_empty() {
            // The first one stands behind the verb, or behind a colon.
            true => first(text).map(|at| part.start + at),
            false => (by_semicolon || is_document(text)).then_some(part.start),
        };
        match (begins, out.last_mut()) {
            (Some(at), _) => out.push(at..part.end),
            (None, Some(last)) if i > 0 => last.end = part.end,
            _ => {}
        }
    }
    out
}

/// Whether a part begins with a document.
fn is_document(part: &str) -> bool {
    pattern!(
        WITH,
        r"^avec (?:l'|le |la |les |une? |votre |son )(?:extrait|kbis|attestation|certificat|declaration|formulaire|dc ?[1-4]|rib\b|releve d)"
    );
    let folded = fold(part.trim_start());
    if WITH.is_match(&folded) {
        return true;
    }
    let behind = BEFORE.find(&folded).map_or(0, |m| m.end());
    DOCUMENT.is_match(&folded[behind..])
}

/// Where the first document of a part begins: at an article, or behind a colon.
fn first(part: &str) -> Option<usize> {
    pattern!(
        ARTICLE,
        r"(?i)(?:^|[\s:«(])(?P<a>l[’']|d[’'](?:une?\b)?|(?:une?|les?|la|des|du|deux|trois|quatre|cinq|six|sa|son|ses|leurs?|votre|vos|au moyen)\b)"
    );
    let starts = ARTICLE.captures_iter(part).filter_map(|c| c.name("a")).map(|a| a.start());
    let colon = part.find(':').map(|at| at + 1 + (part[at + 1..].len() - part[at + 1..].trim_start().len()));
    let mut starts: Vec<usize> = starts.chain(colon).chain([0]).collect();
    starts.sort_unstable();
    starts.into_iter().find(|at| is_document(&part[*at..]))
}

/// The parts of a sentence, and whether semicolons part it.
fn parts(words: &str) -> (Vec<Range<usize>>, bool) {
    pattern!(JOINS, r"^(?i:,? ?(?:et|puis|ainsi que?|de même que) |,? ainsi qu[’'])");
    let behind_colon = words.find(':').unwrap_or_default();
    let by_semicolon = words[behind_colon..].matches(';').count() >= 2;
    let mut depth = 0_i32;
    let mut out = Vec::new();
    let mut start = 0;
    for (at, c) in words.char_indices() {
        depth += match c {
            '(' | '«' => 1,
            ')' | '»' => -1,
            _ => 0,
        };
        // "… de quoi vous présenter (un DC1, vos effectifs)".
        let opens = c == '(' && out.is_empty() && is_document(&words[at + 1..]);
        depth -= i32::from(opens);
        let ends = match c {
            ';' => true,
            '(' => opens,
            ',' => !by_semicolon && depth <= 0,
            // A conjunction parts only what a document follows.
            ' ' | '\u{a0}' if !by_semicolon && depth <= 0 => {
                JOINS.find(&words[at..]).is_some_and(|m| m.start() == 0 && is_document(&words[at + 1..]))
            }
            _ => false,
        };
        if ends && at > start {
            out.push(start..at);
            start = at + c.len_utf8();
        }
    }
    if start < words.len() {
        out.push(start..words.len());
    }
    (out, by_semicolon)
}

#[cfg(test)]
mod tests {
    use super::items;

    fn named(words: &str) -> Vec<&str> {
        items(words).into_iter().map(|r| words[r].trim_matches([' ', '.', ';', ','])).collect()
    }

    #[test]
    fn documents_are_parted_where_the_next_one_begins() {
        assert_eq!(
            named(
                "Vous glissez une lettre signée, un extrait Kbis de moins de trois mois et la liste de vos chantiers."
            ),
            ["une lettre signée", "un extrait Kbis de moins de trois mois", "et la liste de vos chantiers"]
        );
        assert_eq!(
            named(
                "Le candidat présente : les formulaires DC1 et DC2 ; pour le lot 2, trente vues, datées ; son attestation."
            ),
            ["les formulaires DC1 et DC2", "pour le lot 2, trente vues, datées", "son attestation"]
        );
        assert_eq!(
            named(
                "L’offre réunit l’acte d’engagement, un mémoire (dix pages, annexes comprises) ainsi qu’un planning."
            ),
            ["l’acte d’engagement", "un mémoire (dix pages, annexes comprises)", "ainsi qu’un planning"]
        );
        assert!(named("La commune répond à toutes les demandes, par écrit.").is_empty());
    }
}

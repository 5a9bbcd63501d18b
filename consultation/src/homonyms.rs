//! "Insertion" of announcements in a newspaper, of a building in its landscape, of a page in a document: set aside before a piece is
//! judged, since nothing of it is about people. A contract that buys announcements says the word on every page, "pénalité par insertion
//! non parue" included.
//!
//! "Détenu par l'acheteur" is no prisoner either.
//!
//! A word is set aside where its own sentence speaks of things, or where the whole piece buys announcements and neither the sentence nor
//! its headings speak of people. What is set aside is replaced by as many other letters: places and quotes stay as they are.

use std::borrow::Cow;
use std::ops::Range;

use regex::Regex;
use vigie_classify::fold::fold;
use vigie_classify::pattern;

use crate::written::Written;

pattern!(WORD, r"(?i)insertion");
// Held by somebody: no prisoner.
pattern!(HELD, r"(?i)\b(?P<word>d[ée]tenue?s?) (?:par|dans|en|auprès|sous)\b");
// Announcements: where they are many, the piece buys them.
pattern!(
    ANNOUNCE,
    r"\bannonces?\b|publicit|\bencarts?\b|\bparutions?\b|\bpresse\b|\bjournal\b|\bjournaux\b|\bbandeaux?\b|\bregies?\b|achat d'espaces?|plan media|\bmedias?\b|\bboamp\b|\bjoue\b|\bquotidiens?\b|mise en page|\bmodules?\b|\btirage\b|\bsupports?\b"
);
pattern!(
    PEOPLE,
    r"\bsocia(?:l|le|les|ux)\b|professionnel|par l'activite|economique|\bemplois?\b|eloignee?s?\b|chomage|chomeur|demandeurs?|\brsa\b|handicap|\bsiae\b|\besat\b|\bplie\b|facilitat|\bpersonnes\b|\bsalaries?\b|\bpublics? (?:cible|vise|eligible|prioritaire)|heures? d'insertion|heures? de travail|parcours|chantiers? d'|entreprises? d'|structures? d'|clauses? d'insertion|condition d'execution"
);
// The thing stands beside the word, whatever the piece.
pattern!(
    OF_THINGS,
    r"insertions? (?:d'|de |des |du |de l'|de la )?(?:annonce|publicit|encart|avis\b|bandeau|paysag|urbaine|architectural|graphique|photo|image|logo|page\b|texte|lien|visuel|message|fichier|document|donnee|clause\b|batiment|ouvrage|projet)|insertions? (?:dans|sur|au|aux|en) (?:le |la |les |l'|un |une |son |leur )?(?:journ|presse|site|paysage|environnement|support|boamp|joue|page|base|logiciel|tissu|quotidien|edition|magazine|rubrique)|(?:ordre|frais|tarif|prix|cout|delai|date|bon|bons|rang|justificatif|format|nombre|par|chaque|l'|une|d'une|cette|premiere|meme) ?d?'?insertions? (?:parue|non parue|paru|publie|erronee|commandee|facturee|supplementaire|legale|obligatoire du)|ordres? d'insertion|frais d'insertion|tarifs? d'insertion"
);

/// Mentions from which a piece buys announcements.
const MANY: usize = 6;

/// Whether folded words speak of "insertion" of things alone.
pub(crate) fn is_of_things(folded: &str) -> bool {
    OF_THINGS.is_match(folded) && !PEOPLE.is_match(folded)
}

/// The piece as it is judged.
pub(crate) fn set_aside(piece: &Written) -> Cow<'_, Written> {
    if !WORD.is_match(&piece.text) && !HELD.is_match(&piece.text) {
        return Cow::Borrowed(piece);
    }
    let mentions = |what: &Regex| piece.lines.iter().map(|l| what.find_iter(&l.folded).count()).sum::<usize>();
    let announces = mentions(&ANNOUNCE) >= MANY.max(mentions(&PEOPLE));
    // An article that buys some, in a piece that buys other things.
    let mut of_article = vec![(0_usize, 0_usize); piece.articles.len()];
    for line in &piece.lines {
        if let Some(article) = line.article {
            of_article[article].0 += ANNOUNCE.find_iter(&line.folded).count();
            of_article[article].1 += PEOPLE.find_iter(&line.folded).count();
        }
    }
    let announces_there = |article: Option<usize>| {
        article.is_some_and(|a| of_article[a].0 >= 2 && of_article[a].1 * 3 <= of_article[a].0)
    };
    let mut judged = piece.text.clone().into_bytes();
    let mut lines = Vec::new();
    for (i, line) in piece.lines.iter().enumerate() {
        for word in HELD.captures_iter(&piece.text[line.range.clone()]).filter_map(|c| c.name("word")) {
            judged[line.range.start + word.start()..line.range.start + word.end()].fill(b'x');
            lines.push(i);
        }
        if !WORD.is_match(&line.folded) {
            continue;
        }
        let announces = announces || announces_there(line.article);
        for sentence in sentences(&piece.text, &line.range) {
            let folded = fold(&piece.text[sentence.clone()]);
            let of_things = OF_THINGS.is_match(&folded);
            let of_people = PEOPLE.is_match(&folded) || !of_things && PEOPLE.is_match(&piece.headings(line.article));
            if !(of_things || announces) || of_people {
                continue;
            }
            lines.push(i);
            for word in WORD.find_iter(&piece.text[sentence.clone()]) {
                judged[sentence.start + word.start()..sentence.start + word.end()].fill(b'x');
            }
        }
    }
    // Whole words were replaced: it is UTF-8 still.
    let Ok(judged) = String::from_utf8(judged) else { return Cow::Borrowed(piece) };
    if lines.is_empty() {
        return Cow::Borrowed(piece);
    }
    let mut out = piece.clone();
    for i in lines {
        out.lines[i].folded = fold(&judged[out.lines[i].range.clone()]);
    }
    if announces {
        for article in out.articles.iter_mut().filter(|a| !PEOPLE.is_match(&a.title)) {
            article.title = article.title.replace("insertion", "xxxxxxxxx");
        }
    }
    out.judged = judged;
    Cow::Owned(out)
}

/// A line cut where sentences end, roughly: a word is judged by what stands around it.
fn sentences(text: &str, line: &Range<usize>) -> Vec<Range<usize>> {
    let mut out = Vec::new();
    let mut start = line.start;
    for (at, _) in text[line.clone()].match_indices(". ") {
        out.push(start..line.start + at + 1);
        start = line.start + at + 1;
    }
    out.push(start..line.end);
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::piece::{Kind, Passage, Place, Text};

    fn judged(lines: &[&str]) -> Vec<bool> {
        let passages = lines.iter().map(|l| Passage::new(Place::Page(1), (*l).to_owned())).collect();
        let written = Written::of("CCP.pdf", Kind::Ccp, &Text { passages, ..Text::default() });
        let set = set_aside(&written);
        assert_eq!(set.judged().len(), written.text.len());
        set.judged().lines().filter(|l| !l.is_empty()).map(|l| WORD.is_match(l)).collect()
    }

    #[test]
    fn announcements_are_set_aside_and_the_clause_of_the_same_contract_is_read() {
        let piece = [
            "Insertion d’annonces dans la presse",
            "Le titulaire transmet l’annonce au journal ; chaque insertion est facturée au module.",
            "Pénalité : 50 € par insertion non parue dans le délai de 48 heures.",
            "L’encart et la mise en page sont validés avant parution par la régie publicitaire.",
            "Le titulaire réserve 100 heures d’insertion à des demandeurs d’emploi.",
        ];
        assert_eq!(judged(&piece), [false, false, false, false, true]);
    }

    #[test]
    fn what_is_held_by_somebody_names_no_prisoner() {
        let text = "l’exemplaire détenu par l’acheteur fait foi\nréservé à des détenus";
        let passages = vec![Passage::new(Place::Page(1), text.to_owned())];
        let written = Written::of("CCAP.pdf", Kind::Ccap, &Text { passages, ..Text::default() });
        let set = set_aside(&written);
        assert!(!set.judged().contains("détenu par") && set.judged().contains("à des détenus"), "{}", set.judged());
        assert_eq!(set.judged().len(), written.text.len());
    }

    #[test]
    fn a_clause_among_a_few_announcements_stays() {
        let piece = [
            "L’avis est paru dans un journal d’annonces légales.",
            "Article 5 Clause d’insertion",
            "5 % des heures sont réservées à l’insertion de personnes éloignées de l’emploi.",
            "Insertion paysagère du bâtiment",
            "Les insertions sont suivies par le facilitateur.",
        ];
        assert_eq!(judged(&piece), [false, true, true, false, true]);
    }
}

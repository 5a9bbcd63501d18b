//! The frame "what the contract buys": contracts whose object *is* insertion, the works being their support (R2123-1 3°; former
//! articles 30 of the code and 28 of décret 2016-360). Jobseeker services bought from training firms are not.

use vigie_domain::{Provision, ProvisionKind};

use super::finding::Reading;
use super::learned::Kind;
use super::lexicon::{Concept, Hit};
use super::polarity;
use super::statement::Statement;
use super::token::mark;

/// Reads whether the object is insertion; marks the statements it explains.
#[must_use]
pub fn read(reading: &Reading<'_>, statements: &[Statement<'_>], explained: &mut Vec<usize>) -> Vec<Provision> {
    let object = |(at, s): (usize, &'_ Statement<'_>)| {
        let told = !s.scarcely_tells(Kind::Service);
        let buys = |h: &&Hit| told && !polarity::void(s, h) && buys(s, statements.get(at + 1), h);
        s.of(Concept::IntegrationObject).find(buys).map(|h| (at, *h))
    };
    if reading.about.studied {
        return Vec::new();
    }
    let support =
        |(at, s): (usize, &'_ Statement<'_>)| as_support(s, at.checked_sub(1).map(|i| &statements[i])).map(|h| (at, h));
    let mut told =
        statements.iter().enumerate().filter_map(object).chain(statements.iter().enumerate().filter_map(support));
    // Everybody has read the title; what the text says of it is worth a quote.
    let first = told.next();
    let better = first.filter(|(at, _)| statements[*at].index == 0).and_then(|_| told.next());
    if let Some((at, hit)) = better.or(first) {
        explained.extend(first.map(|(at, _)| statements[at].index));
        explained.push(statements[at].index);
        return vec![of_hit(reading, &statements[at], &hit)];
    }
    Vec::new()
}

/// The provision that some words of a statement tell.
pub(super) fn of_hit(reading: &Reading<'_>, s: &Statement<'_>, hit: &Hit) -> Provision {
    let mut provision =
        Provision::new(ProvisionKind::InsertionService, reading.doc.evidence_within(s.bytes(hit), &s.context));
    provision.lots = super::reserved::lots_of(reading, s, &s.bytes(hit));
    provision.article = Some("R2123-1".to_owned());
    provision
}

/// "Nous achetons … le suivi de dix allocataires du RSA. La restauration de murets leur sert de support de travail.": works that serve
/// people for whom something is bought in the sentence before.
fn as_support(s: &Statement<'_>, previous: Option<&Statement<'_>>) -> Option<Hit> {
    let serves = (1..s.tokens.len()).any(|i| {
        matches!(s.tokens[i].word.as_ref(), "support" | "terrain" | "pretexte" | "outil")
            && s.has_one(i.saturating_sub(4), i, words_of!("sert servent servira est sont sera seront constitue"))
    });
    let owed = s.says.any(&[Concept::Winner, Concept::ClauseName, Concept::Criterion, Concept::Reserve]);
    let previous = previous.filter(|p| p.last + 1 == s.index)?;
    words!(BUYS, "achetons achete achat finance financons objet commande commandons payons");
    let bought = previous.has_one(0, previous.tokens.len(), &BUYS)
        && previous.says.any(&[Concept::FarFromWork, Concept::InsertionAction]);
    let hit = s.hits.iter().find(|h| matches!(h.concept, Concept::FarFromWork | Concept::Support | Concept::Works))?;
    (serves && bought && !owed && s.says.has(Concept::Works)).then_some(*hit)
}

fn buys(s: &Statement<'_>, next: Option<&Statement<'_>>, hit: &Hit) -> bool {
    let word = |i: usize| s.tokens.get(i).map_or("", |t| t.word.as_ref());
    let words: Vec<&str> = s.tokens[hit.from..hit.to].iter().map(|t| t.word.as_ref()).collect();
    let says = |w: &str| words.iter().any(|x| x.starts_with(w));
    // Owed, weighed or reserved: another frame's matter.
    let owed = s
        .any_of(&[Concept::ClauseName, Concept::Criterion, Concept::TalkAboutClauses, Concept::NotInsertion])
        .any(|h| h.from <= hit.from || h.to == hit.to);
    let laid = s.has_one(
        0,
        hit.from,
        words_of!(
            "devra devront doit doivent engage titulaire titulaires attributaire heures engagement
        engagements comporte prevoit impose reserve reservee soumis demande demandee minimum moins effectifs"
        ),
    );
    let bidders =
        s.of(Concept::Reserve).any(|r| r.to <= hit.from) || s.of(Concept::Only).any(|o| hit.from.abs_diff(o.from) < 8);
    let served = s.has_word(hit.from.saturating_sub(2), hit.from, &["pour"]);
    // "Loués au service « insertion » du CCAS": an office.
    let office = words.first() == Some(&"service") && hit.from > 0 && matches!(word(hit.from - 1), "au" | "le" | "du");
    if served || office || owed || laid || bidders || s.heading.has(Concept::Criterion) {
        return false;
    }
    let support = s.of(Concept::Support).any(|h| h.from >= hit.to || h.to <= hit.from)
        || next.is_some_and(|n| n.says.has(Concept::Support) && n.says.has(Concept::Works));
    let works = s.of(Concept::Works).any(|w| w.from >= hit.to);
    let mut end = hit.to;
    while matches!(
        word(end),
        "sociale"
            | "sociales"
            | "professionnelle"
            | "professionnelles"
            | "et"
            | "d"
            | "de"
            | "insertion"
            | "qualification"
            | "economique"
    ) {
        end += 1;
    }
    let linked = matches!(
        word(end),
        "pour" | "sur" | "dans" | "ayant" | "par" | "via" | "au" | "a" | "appliques" | "appliquees" | "portant"
    ) || s.tokens.get(end).is_some_and(|t| t.after(mark::COLON));
    let training = (s.says.has(Concept::ServiceTalk) || s.has_word(0, s.tokens.len(), &["demandeur", "demandeurs"]))
        && !s.has_word(0, s.tokens.len(), &["qualification"]);
    let chantier = says("chantier") || says("atelier");
    if chantier {
        let object = s.of(Concept::Object).any(|o| {
            let given = s.tokens[o.from].word.starts_with("destin");
            o.to <= hit.from && hit.from - o.to <= 6 && !given && !s.has_word(o.to, hit.from, &["pour", "par"])
        });
        let title = hit.from == 0 || s.has_word(0, hit.from, &["accord", "cadre"]) && s.unit.range.start == 0;
        let bought_for_it = s.has_word(hit.from.saturating_sub(3), hit.from, &["pour", "par", "accueillera", "d"])
            && s.has_word(0, hit.from, &["fourniture", "vetements", "construction", "travaux"])
            || s.has_word(
                0,
                s.tokens.len(),
                &["fourniture", "fournitures", "livraison", "location", "acquisition", "vetements"],
            );
        return (object
            || title
                && (linked
                    || works
                    || s.has_word(hit.to, hit.to + 1, &["pour"])
                    || s.has_word(0, hit.from, &["accord"])))
            && !bought_for_it
            || s.has_word(0, hit.from, &["forme", "portage"]);
    }
    let named = says("qualification")
        || words.first().is_some_and(|w| w.starts_with("marche"))
        || says("achat")
        || says("achete");
    let object = s.of(Concept::Object).any(|o| o.to <= hit.from + 1 && hit.from + 1 - o.to <= 9);
    // "Une crèche à vocation d'insertion" is a crèche.
    let is_the_object = (hit.from.saturating_sub(9)..hit.from).any(|i| {
        matches!(
            word(i),
            "objet" | "finalite" | "vocation" | "but" | "porte" | "achete" | "achat" | "achetons" | "nature"
        ) && (i == 0 || word(i - 1) != "a")
    });
    if says("r2123") {
        return false;
    }
    let prestation = words
        .first()
        .is_some_and(|w| w.starts_with("prestation") || w.starts_with("service") || w.starts_with("action"));
    support
        && (object || prestation || named || is_the_object || hit.from <= 2)
        && (!training || support_word(s) || s.says.has(Concept::Works) || next.is_some_and(support_word))
        || named && !training
        || is_the_object && !training
        || s.index == 0 && hit.from <= 2 && works && !training
        || (support_word(s) || named) && s.says.has(Concept::Works)
        || prestation && (works && (linked || s.tokens[hit.to..].iter().any(|t| t.after(mark::COLON)))) && !training
}

fn support_word(s: &Statement<'_>) -> bool {
    s.tokens.iter().any(|t| t.word.starts_with("support")) || s.has_word(0, s.tokens.len(), &["terrain", "situation"])
}

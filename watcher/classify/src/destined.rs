//! Access told without a word of access: what a contract is given to ("revient de droit au secteur protégé"), whom it addresses ("la
//! procédure s'adresse aux associations intermédiaires"), what a lot's line ends with ("– structures de l'IAE"), the article beside
//! the structures it names, and papers without which a bid is rejected.

use super::beneficiary::{Found, grouped};
use super::finding::Reading;
use super::lexicon::{ARTICLES, Concept, Hit, STRUCTURES};
use super::polarity;
use super::statement::Statement;
use super::token::mark;

/// What of a contract goes to somebody.
const GOES_TO: &[&str] = &[
    "revien",
    "echoi",
    "confi",
    "attribu",
    "devol",
    "destin",
    "fleche",
    "affecte",
    "adress",
    "contract",
    "travaill",
    "accessible",
    "passe",
    "conclu",
    "dedi",
];
// What says that others may come too.
words!(
    OTHERS_TOO,
    "notamment egalement aussi compris tous toutes toute tout comme possible peut peuvent pourra pourront part partie
     heures exemple quelle favorise encourage souhaite"
);

/// Reads such a statement; `next`: the one behind it.
pub(super) fn read(reading: &Reading<'_>, s: &Statement<'_>, next: Option<&Statement<'_>>) -> Vec<Found> {
    let structures: Vec<&Hit> = s
        .any_of(STRUCTURES)
        .filter(|h| h.concept != Concept::Prison || s.has_word(0, s.tokens.len(), &["l2113-13-1"]))
        .filter(|h| !polarity::denied(s, h) && !polarity::supposed(s, h) && !polarity::remembered(s, h))
        .collect();
    let Some(first) = structures.first() else { return Vec::new() };
    let other_frame = s.says.any(&[
        Concept::Criterion,
        Concept::ClauseName,
        Concept::ServiceTalk,
        Concept::NotWeighed,
        Concept::Possible,
        Concept::Optional,
    ]);
    if s.says.has(Concept::BidderPaper)
        && s.has_word(0, s.tokens.len(), &["case", "coche", "rubrique", "cadre", "formulaire"])
    {
        return Vec::new();
    }
    let denied = s.of(Concept::Reserve).any(|r| polarity::denied(s, r));
    if other_frame || denied || reading.about.studied || s.unit.ticked == Some(false) {
        return Vec::new();
    }
    let anchor = last_of_a_lot(s, &structures)
        .or_else(|| beside_its_article(s, first))
        .or_else(|| goes_to(s, first))
        .or_else(|| rejected_without(s, first, next));
    anchor.map_or_else(Vec::new, |anchor| grouped(reading, s, &structures, &anchor))
}

fn at(i: usize) -> Hit {
    Hit { concept: Concept::Only, from: i, to: i + 1 }
}

/// "B. Collèges du nord – structures de l'IAE", "Lot 2 reliure : EA/ESAT": the last item of a lot's line is nothing but structures, of
/// which more than one house is meant.
fn last_of_a_lot(s: &Statement<'_>, structures: &[&Hit]) -> Option<Hit> {
    let first = structures.first()?;
    let last = structures.last()?;
    let short_lot =
        |w: &str| w.len() <= 3 && w.starts_with('l') && w[1..].bytes().all(|b| b.is_ascii_digit()) && w.len() > 1;
    let numbered = s.has_word(0, 1, &["lot"])
        || s.tokens.first().is_some_and(|t| short_lot(&t.word))
        || s.tokens.first().is_some_and(|t| t.is_number() || t.word.len() == 1);
    let begins = (1..=first.from).rev().find(|i| s.tokens[*i].after(mark::ITEM | mark::COLON))?;
    let short = s.tokens.len() <= 24 && begins >= 2;
    let alone = (begins..s.tokens.len()).all(|i| {
        let word = s.tokens[i].word.as_ref();
        structures.iter().any(|h| (h.from..h.to).contains(&i))
            || s.any_of(ARTICLES).any(|h| (h.from..h.to).contains(&i))
            || matches!(
                word,
                "ou" | "et"
                    | "de"
                    | "du"
                    | "des"
                    | "l"
                    | "la"
                    | "aux"
                    | "art"
                    | "article"
                    | "articles"
                    | "ccp"
                    | "uniquement"
                    | "seulement"
                    | "seuls"
                    | "only"
            )
    });
    let words = &s.tokens[first.from..last.to];
    let many = structures.len() > 1
        || s.says.any(ARTICLES)
        || words.first().is_some_and(|t| t.word.ends_with('s') && t.word != "esat")
        || words.iter().any(|t| matches!(t.word.as_ref(), "secteur" | "milieu" | "siae"));
    (numbered && short && alone && many && !s.says.has(Concept::Winner)).then(|| at(first.from))
}

/// "EA/ESAT, art. L. 2113-12": structures beside the article that reserves to them.
fn beside_its_article(s: &Statement<'_>, first: &Hit) -> Option<Hit> {
    let article = s.hits.iter().find(|a| s.tokens[a.from].word.starts_with("l2113-1"))?;
    let near = article.from.abs_diff(first.from) <= 12 || article.from == 0 || s.has_word(0, 1, &["article"]);
    let bidders = s.says.any(&[Concept::Bid, Concept::Only]) || s.tokens.len() <= 24;
    let faculty =
        s.has_word(0, s.tokens.len(), &["faculte", "possibilite", "peut", "peuvent", "pourra", "permet", "permettent"]);
    let passed_on = s.any_of(&[Concept::Subcontract]).any(|c| c.from < first.from)
        && !s.has_word(0, s.tokens.len(), &["candidats", "candidat", "totalite"]);
    (near && bidders && !faculty && !passed_on && !polarity::settled(s, article) && !s.says.has(Concept::BidderPaper))
        .then(|| at(first.from))
}

/// "Le deuxième lot revient de droit au secteur protégé", "la procédure s'adresse aux …", "nous contractons avec un opérateur dont …".
fn goes_to(s: &Statement<'_>, first: &Hit) -> Option<Hit> {
    let from = s.clause_start(first.from, mark::STOP | mark::ITEM | mark::ASK);
    let verb = (from..first.from).rev().take(9).find(|i| s.tokens[*i].begins(GOES_TO))?;
    let word = s.tokens[verb].word.as_ref();
    let to = s.has_word(verb + 1, first.from + 1, &["a", "au", "aux", "avec"])
        || s.tokens[first.from].before & mark::APOSTROPHE != 0;
    let by_us = s.has_one(
        verb.saturating_sub(3),
        verb,
        words_of!("nous acheteur ville commune region departement entend conseil municipal"),
    );
    let contract = s.of(Concept::Contract).any(|c| c.from < first.from && c.from >= from)
        || s.has_word(from, verb, &["lot", "lots", "consultation", "appel", "prestation", "prestations"]);
    let by_winner = s.of(Concept::Winner).any(|w| w.from >= from && w.to <= verb);
    let too = s.has_one(from, s.tokens.len(), &OTHERS_TOO);
    let reflexive = !word.starts_with("adress") || s.has_word(verb.saturating_sub(1), verb, &["s"]);
    // "Travaille avec", "passe par" speak of habits.
    let weak = word.starts_with("travaill") || word.starts_with("contract");
    (to && (contract || by_us) && !by_winner && !too && reflexive && (!weak || by_us)).then(|| at(verb))
}

/// Papers without which a bid is rejected: a paper of bidders that closes access all the same.
pub(super) fn paper_or_out(reading: &Reading<'_>, s: &Statement<'_>, next: Option<&Statement<'_>>) -> Vec<Found> {
    let structures: Vec<&Hit> = s.any_of(STRUCTURES).filter(|h| !polarity::void(s, h)).collect();
    let anchor =
        structures.first().filter(|_| !reading.about.studied).and_then(|first| rejected_without(s, first, next));
    anchor.map_or_else(Vec::new, |anchor| grouped(reading, s, &structures, &anchor))
}

/// "Les candidats fourniront la copie de leur conventionnement d'entreprise d'insertion. À défaut, leur candidature sera rejetée."
fn rejected_without(s: &Statement<'_>, first: &Hit, next: Option<&Statement<'_>>) -> Option<Hit> {
    const OUT: &[&str] = &["rejet", "elimin", "irrecev", "ecart", "refus"];
    let asked =
        s.has_word(0, first.from, &["candidats", "candidat", "soumissionnaires", "soumissionnaire", "candidature"])
            && s.any_of(&[Concept::Proof, Concept::BidderPaper]).any(|p| p.from < first.to);
    let quality = s.has_word(
        first.from.saturating_sub(6),
        first.to + 3,
        &["qualite", "statut", "conventionnement", "agrement", "convention"],
    );
    let out = |t: &Statement<'_>| t.tokens.iter().any(|t| OUT.iter().any(|w| t.word.starts_with(w)));
    let supposed = s.has_word(0, first.from, &["si", "cas", "echeant", "lorsque"]);
    (asked && quality && !supposed && (out(s) || next.is_some_and(|n| n.index == s.last + 1 && out(n))))
        .then(|| at(first.from))
}

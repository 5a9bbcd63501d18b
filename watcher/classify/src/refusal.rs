//! Access told by whom it refuses: "les offres d'autres structures seront rejetées", "fermée aux entreprises classiques".

use super::beneficiary::{Found, found, grouped, lots_of, told};
use super::finding::Reading;
use super::lexicon::{Concept, Hit, STRUCTURES};
use super::polarity;
use super::statement::Statement;

/// "Les offres d'entreprises autres que des SIAE seront rejetées", "toute candidature ne provenant pas d'un ESAT sera écartée".
pub(super) fn others_refused(reading: &Reading<'_>, s: &Statement<'_>, next: Option<&Statement<'_>>) -> Vec<Found> {
    let structures: Vec<&Hit> = s.any_of(STRUCTURES).collect();
    let Some(first) = structures.first() else {
        // "Fermée aux entreprises classiques. Peuvent soumissionner les structures de l'insertion."
        let shut =
            s.of(Concept::OrdinaryBidder).next().filter(|_| s.says.has(Concept::Only) && s.says.has(Concept::Contract));
        let (Some(shut), Some(next)) = (shut.filter(|h| !polarity::void(s, h)), next) else { return Vec::new() };
        let admitted: Vec<&Hit> = next.any_of(STRUCTURES).filter(|h| !polarity::void(next, h)).collect();
        let named = told(&admitted).filter(|_| next.says.has(Concept::Bid));
        let mut found: Vec<Found> = named
            .map(|who| found(reading, s, s.bytes(shut), who, lots_of(reading, s, &s.bytes(shut))))
            .into_iter()
            .collect();
        for f in &mut found {
            f.within = s.unit.range.start..next.unit.range.end;
        }
        return found;
    };
    if let Some(ordinary) = s.of(Concept::OrdinaryBidder).next() {
        let shut = ["admis", "exclu", "ferm", "rejet", "ecart", "interdit", "accept", "concern"];
        let closed = s.tokens.iter().any(|t| shut.iter().any(|w| t.word.starts_with(w)))
            && (polarity::denied(s, ordinary)
                || s.has_word(
                    ordinary.to,
                    ordinary.to + 6,
                    &["pas", "plus", "exclues", "exclus", "exclu", "ecartees", "rejetees"],
                ));
        return if closed { grouped(reading, s, &structures, ordinary) } else { Vec::new() };
    }
    let other_than = (0..first.from).rev().take(7).find(|i| {
        let word = s.tokens[*i].word.as_ref();
        word.starts_with("autre") && s.has_word(*i, *i + 3, &["que", "qu"])
            || word == "ni" && s.has_word(i.saturating_sub(3), *i, &["ne", "n", "sont"])
            || word == "pas" && s.has_word(i.saturating_sub(3), *i, &["ne", "n"])
    });
    const ADMITS: &[&str] =
        &["admis", "accept", "examin", "etudi", "retenu", "analys", "ouvert", "consider", "recevable"];
    let not_admitted = s.has_word(first.to, s.tokens.len(), &["pas"])
        && s.tokens[first.to..].iter().any(|t| ADMITS.iter().any(|w| t.word.starts_with(w)));
    let refused = not_admitted
        || s.tokens[first.to..]
            .iter()
            .any(|t| ["rejet", "ecart", "elimin", "irrecev", "refus", "exclu"].iter().any(|w| t.word.starts_with(w)));
    // "Confié à un ESAT : les autres candidatures sont irrecevables."
    let other_bids = || {
        const BIDDERS: &[&str] = &["operateur", "candidat", "entreprise", "offre", "structure"];
        (1..s.tokens.len())
            .find(|i| s.tokens[*i].begins(BIDDERS) && s.has_word(i - 1, *i, &["autre", "autres", "toute"]))
    };
    let bids = s.says.has(Concept::Bid) || not_admitted;
    let Some(at) = other_than.or_else(other_bids).filter(|_| refused && bids) else {
        return Vec::new();
    };
    let anchor = Hit { concept: Concept::Only, from: at, to: at + 1 };
    grouped(reading, s, &structures, &anchor)
}

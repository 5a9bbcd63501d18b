//! What the title says of the whole contract: a service for people far from employment, a house or people that it is for, a study of
//! such matters. Read once, for all frames.

use super::fold::fold;
use super::lexicon::{Concept, Hit, Lexicon};
use super::token::Token;
use super::tokenizer::tokens;

/// What a title says that the contract is about.
#[derive(Debug, Clone, Copy, Default)]
pub struct About {
    /// It names a service for people far from employment: there, speaking of them asks nothing of the winner.
    pub served: bool,
    /// It names people far from employment, or a structure, as those the contract is for: "cour d'un ESAT", "transport d'élèves
    /// handicapés". A title that reserves, asks or buys insertion does not.
    pub for_them: bool,
    /// It names a study, a design, or help with clauses and reservations.
    pub studied: bool,
}

impl About {
    /// Reads a title.
    pub(super) fn title(title: &str) -> Self {
        let folded = fold(title);
        let tokens = tokens(&folded, &(0..folded.len()));
        let hits = Lexicon::embedded().find(&tokens, |_| false);
        let has = |wanted: &[Concept]| hits.iter().any(|h| wanted.contains(&h.concept));
        let served = has(&[Concept::ServiceTalk])
            || has(&[Concept::InsertionAction])
                && has(&[Concept::FarFromWork, Concept::Object])
                && !has(&[Concept::ClauseName]);
        Self {
            served,
            for_them: is_for_them(&tokens, &hits),
            studied: studies(&tokens) || has(&[Concept::TalkAboutClauses]),
        }
    }
}

/// Whether it names such people or structures as those the contract is for.
fn is_for_them(tokens: &[Token<'_>], hits: &[Hit]) -> bool {
    const THEM: &[Concept] = &[Concept::Sheltered, Concept::WorkIntegration, Concept::FarFromWork, Concept::Prison];
    const MORE: &[Concept] = &[
        Concept::Reserve,
        Concept::Only,
        Concept::ClauseName,
        Concept::IntegrationObject,
        Concept::InsertionAction,
        Concept::SocialDuty,
        Concept::Subcontract,
    ];
    words!(FOR, "pour d de du des aux avec entre");
    let has = |wanted: &[Concept]| hits.iter().any(|h| wanted.contains(&h.concept));
    let for_them =
        |h: &Hit| tokens[h.from.saturating_sub(4)..h.from].iter().any(|t| FOR.contains(t.word.as_ref())) && h.from > 0;
    hits.iter().any(|h| THEM.contains(&h.concept) && for_them(h)) && !has(MORE)
}

// What looks into something, or designs it.
const STUDIES: &[&str] = &[
    "analyse",
    "revision",
    "etude",
    "etudes",
    "audit",
    "evaluation",
    "diagnostic",
    "programmation",
    "schema",
    "enquete",
    "maitrise",
    "moe",
    "amo",
    "assistance",
    "elaboration",
    "animation",
    "observatoire",
];

/// Whether it begins with a study or a design.
fn studies(tokens: &[Token<'_>]) -> bool {
    // "Animation d'un chantier", "assistance technique à l'exploitation" do what they name.
    let does = |word: &str| matches!(word, "animation" | "assistance");
    // "Marché de conseil".
    let advice = tokens.iter().take(4).zip(tokens.iter().skip(1)).any(|(a, b)| a.word == "de" && b.word == "conseil");
    advice || tokens.iter().take(4).any(|t| STUDIES.contains(&t.word.as_ref()) && !does(&t.word))
}

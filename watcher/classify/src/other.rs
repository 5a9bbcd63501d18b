//! Other social considerations worth showing: learning contracts, traineeships, immersion periods, equality, fair trade.

use vigie_domain::{Provision, ProvisionKind};

use super::finding::Reading;
use super::learned::ANYTHING;
use super::lexicon::Concept;
use super::polarity;
use super::statement::Statement;

/// The likelihood of anything at all below which a statement asks nothing.
const LEAST: f32 = 0.4;

/// Reads the first other consideration the text asks for.
#[must_use]
pub fn read(reading: &Reading<'_>, statements: &[Statement<'_>], explained: &mut Vec<usize>) -> Vec<Provision> {
    const ASKS: &[Concept] =
        &[Concept::Winner, Concept::Duty, Concept::ClauseName, Concept::SocialDuty, Concept::Criterion];
    for s in statements.iter().filter(|s| s.unit.ticked != Some(false)) {
        let Some(hit) = s.of(Concept::OtherSocial).find(|h| !polarity::void(s, h)) else { continue };
        let asked = s.heading_or_own(ASKS) && !reading.about.served;
        // "Nombre d'apprentis dans l'entreprise : …" asks nothing of anybody, as far as was learned.
        let likely = s.chances.is_none_or(|c| c[ANYTHING] >= LEAST);
        if asked && likely && !s.says.has(Concept::OtherSocialAside) {
            explained.push(s.index);
            return vec![Provision::new(ProvisionKind::Other, reading.doc.evidence_within(s.bytes(hit), &s.context))];
        }
    }
    Vec::new()
}

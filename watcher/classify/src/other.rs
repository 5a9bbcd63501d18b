//! Other social considerations worth showing: learning contracts, traineeships, immersion periods, equality, fair trade.

use vigie_domain::{Provision, ProvisionKind};

use super::finding::Reading;
use super::lexicon::Concept;
use super::polarity;
use super::statement::Statement;

/// Reads the first other consideration the text asks for.
#[must_use]
pub fn read(reading: &Reading<'_>, statements: &[Statement<'_>], explained: &mut Vec<usize>) -> Vec<Provision> {
    const ASKS: &[Concept] =
        &[Concept::Winner, Concept::Duty, Concept::ClauseName, Concept::SocialDuty, Concept::Criterion];
    for s in statements.iter().filter(|s| s.unit.ticked != Some(false)) {
        let Some(hit) = s.of(Concept::OtherSocial).find(|h| !polarity::void(s, h)) else { continue };
        let asked = s.heading_or_own(ASKS) && !reading.about.served;
        if asked && !s.says.has(Concept::OtherSocialAside) {
            explained.push(s.index);
            return vec![Provision::new(ProvisionKind::Other, reading.doc.evidence_within(s.bytes(hit), &s.context))];
        }
    }
    Vec::new()
}

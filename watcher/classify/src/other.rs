//! Other social considerations worth showing (learning contracts, traineeships, immersion periods, equality, fair trade), and *doubt*:
//! a statement that speaks of such work or access, and that no frame explains nor denies, is shown with its words.

use vigie_domain::{Provision, ProvisionKind};

use super::finding::Reading;
use super::lexicon::Concept;
use super::polarity;
use super::quantity::Unit;
use super::reserved::{ARTICLES, STRUCTURES};
use super::statement::Statement;

/// Most doubts shown of one notice.
const MAX_DOUBTS: usize = 2;

/// Reads the first other consideration the text asks for.
#[must_use]
pub fn read(reading: &Reading<'_>, statements: &[Statement<'_>], explained: &mut Vec<usize>) -> Vec<Provision> {
    const ASKS: &[Concept] =
        &[Concept::Winner, Concept::Duty, Concept::ClauseName, Concept::SocialDuty, Concept::Criterion];
    for s in statements.iter().filter(|s| s.unit.ticked != Some(false)) {
        let Some(hit) = s.of(Concept::OtherSocial).find(|h| !polarity::void(s, h)) else { continue };
        let asked = s.heading_or_own(ASKS) && !reading.served;
        if asked && !s.says.has(Concept::OtherSocialAside) {
            explained.push(s.index);
            return vec![Provision::new(
                ProvisionKind::Other,
                reading.doc.evidence_within(s.bytes(hit), &s.unit.range),
            )];
        }
    }
    Vec::new()
}

/// What is social and stays unexplained.
#[must_use]
pub fn doubts(reading: &Reading<'_>, statements: &[Statement<'_>], explained: &[usize]) -> Vec<Provision> {
    let mut out = Vec::new();
    for s in statements.iter().filter(|s| s.unit.ticked != Some(false) && !explained.contains(&s.index)) {
        let names = |concepts: &[Concept]| {
            s.hits.iter().find(|h| concepts.contains(&h.concept) && !polarity::void(s, h)).copied()
        };
        let volume = s.numbers.iter().any(|q| matches!(q.unit, Unit::Hours | Unit::FullTime));
        let bound =
            s.says.any(&[Concept::Winner, Concept::Bid]) && s.says.any(&[Concept::Duty, Concept::GiveWork]) || volume;
        let weighed = s.heading_or_own(&[Concept::Criterion]);
        let access = s.says.any(&[Concept::Reserve, Concept::Only, Concept::Addressed, Concept::MustBe])
            && s.says.any(&[Concept::Bid, Concept::Contract]);
        let served = reading.served || s.says.has(Concept::ServiceTalk);
        let worked = s.says.any(&[Concept::Duty, Concept::Subcontract]) && s.says.has(Concept::GiveWork);
        let people = names(&[Concept::FarFromWork]).filter(|_| (bound || weighed || worked) && !served);
        let clause = names(&[Concept::ClauseName]).or_else(|| {
            names(&[Concept::InsertionAction]).filter(|h| (bound || weighed || worked) && h.to - h.from > 1 && !served)
        });
        let structure = names(STRUCTURES).filter(|_| {
            access
                || volume
                || s.unit.cell
                || s.says.any(&[Concept::Subcontract]) && s.says.any(&[Concept::Winner, Concept::Duty])
        });
        let article = names(ARTICLES);
        let aside = s.says.any(&[
            Concept::TalkAboutClauses,
            Concept::StaffMatter,
            Concept::ReserveAside,
            Concept::NotDisability,
            Concept::OtherSocialAside,
        ]) && !volume;
        let bidders = s.has_word(
            0,
            s.tokens.len(),
            &["qui", "peuvent", "peut", "pourront", "joindre", "joignent", "produiront", "dc1", "dc2"],
        ) && !volume
            && !weighed;
        let Some(hit) = people.or(clause).or(structure).or(article).filter(|_| !aside && !bidders) else { continue };
        let mut p = Provision::new(ProvisionKind::ToVerify, reading.doc.evidence_within(s.bytes(&hit), &s.unit.range));
        p.lots = super::reserved::lots_of(reading, s, &s.bytes(&hit));
        p.doubt = Some("mention sociale à vérifier au règlement de la consultation et au CCAP".to_owned());
        out.push(p);
        if out.len() == MAX_DOUBTS {
            break;
        }
    }
    out
}

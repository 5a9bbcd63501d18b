//! Other social considerations worth showing: learning contracts, traineeships, immersion periods, equality. Not
//! insertion, and never an alarm.

use vigie_domain::{Provision, ProvisionKind};

use super::anchors::Topic;
use super::finding::Reading;
use super::pattern::pattern;

pattern!(
    WORDS,
    r"contrats? d'apprentissage|apprentis?\b|\balternan(?:ce|ts?)\b|accueil de stagiaires|jeunes en stage|\bpmsmp\b|mises? en situation (?:en milieu )?professionnel",
    r"|egalite (?:professionnelle|(?:entre les )?femmes|hommes)|lutte contre les discriminations|commerce equitable"
);
pattern!(ASKED, r"titulaire|attributaire|s'engage|clause|condition|critere|execution|devra");
pattern!(DECLARATION, r"l3221|l1142|interdiction|soumissionner|sanction|condamn|regularite|declaration sur l'honneur");

/// Reads the first other consideration the text asks for.
#[must_use]
pub fn read(reading: &Reading<'_>) -> Vec<Provision> {
    for range in reading.matches(Topic::Other, &WORDS) {
        let doc = reading.doc;
        let sentence = &doc.text()[doc.sentence(range.clone())];
        if ASKED.is_match(sentence) && !DECLARATION.is_match(sentence) && !reading.denied(&range) {
            return vec![Provision::new(ProvisionKind::Other, doc.evidence(range))];
        }
    }
    Vec::new()
}

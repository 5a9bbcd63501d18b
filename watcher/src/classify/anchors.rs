//! One pass over the text for the anchor words of every topic; expressions then run on the windows around them only.
//!
//! The automaton is a DFA, asked for explicitly: the automatic choice is three times slower on folded French.

use std::ops::Range;
use std::sync::LazyLock;

use aho_corasick::{AhoCorasick, AhoCorasickKind, MatchKind};

/// What an anchor word may announce.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Topic {
    /// Reservation of a contract or lot.
    Reserved,
    /// Execution clause, with hours and shares.
    Clause,
    /// Award criterion.
    Criterion,
    /// Insertion as the object.
    Service,
    /// Other social considerations.
    Other,
    /// Facts needed to decide.
    Fact,
    /// Dates told by the text.
    Date,
}

const TOPICS: usize = 7;

/// Folded bytes kept on each side of an anchor.
const WINDOW: usize = 260;

/// Anchor words (stems) and their topics. A stem must stand in every wording its topic's expressions look for.
const ANCHORS: &[(&str, &[Topic])] = &[
    ("reserv", &[Topic::Reserved, Topic::Clause]),
    ("seul", &[Topic::Reserved]),
    ("uniquement", &[Topic::Reserved]),
    ("exclusivement", &[Topic::Reserved]),
    ("restricted", &[Topic::Reserved]),
    ("limite", &[Topic::Reserved, Topic::Fact]),
    ("ne peuvent", &[Topic::Reserved, Topic::Fact]),
    ("ne peut ", &[Topic::Fact]),
    ("ne pour", &[Topic::Fact]),
    ("ne ser", &[Topic::Reserved, Topic::Fact]),
    ("ne sont", &[Topic::Reserved]),
    ("n'est ouvert", &[Topic::Reserved]),
    ("n'est accessible", &[Topic::Reserved]),
    ("n'est destine", &[Topic::Reserved]),
    ("n'est adresse", &[Topic::Reserved]),
    ("insertion", &[Topic::Clause, Topic::Criterion, Topic::Service]),
    ("clause", &[Topic::Clause, Topic::Other]),
    ("social", &[Topic::Clause, Topic::Criterion]),
    ("eloigne", &[Topic::Clause, Topic::Criterion]),
    ("promotion de l'emploi", &[Topic::Clause]),
    ("promouvoir l'emploi", &[Topic::Clause]),
    ("rencontrant", &[Topic::Clause]),
    ("longue duree", &[Topic::Clause]),
    ("rsa", &[Topic::Clause]),
    ("demandeurs d'emploi", &[Topic::Clause]),
    ("demandeur d'emploi", &[Topic::Clause]),
    ("chomeurs", &[Topic::Clause]),
    ("sans emploi", &[Topic::Clause]),
    ("recherche d'emploi", &[Topic::Clause]),
    ("sous-trait", &[Topic::Clause]),
    ("entreprise adaptee", &[Topic::Clause]),
    ("defavorise", &[Topic::Clause]),
    ("a l'emploi", &[Topic::Clause, Topic::Service]),
    ("entreprises adaptee", &[Topic::Clause]),
    ("prioritaire", &[Topic::Clause]),
    ("l2112-2", &[Topic::Clause]),
    ("handicap", &[Topic::Criterion]),
    ("en difficulte", &[Topic::Clause, Topic::Criterion]),
    ("qualification", &[Topic::Service, Topic::Fact]),
    ("apprenti", &[Topic::Other]),
    ("alternance", &[Topic::Other]),
    ("alternant", &[Topic::Other]),
    ("stagiaire", &[Topic::Other]),
    ("en stage", &[Topic::Other]),
    ("pmsmp", &[Topic::Other]),
    ("mise en situation", &[Topic::Other]),
    ("mises en situation", &[Topic::Other]),
    ("socioprofessionnel", &[Topic::Service]),
    ("socio-professionnel", &[Topic::Service]),
    ("discrimination", &[Topic::Other]),
    ("egalite", &[Topic::Other]),
    ("commerce equitable", &[Topic::Other]),
    ("visite", &[Topic::Fact, Topic::Date]),
    ("reconduc", &[Topic::Fact]),
    ("renouvel", &[Topic::Fact]),
    ("duree", &[Topic::Fact]),
    ("duration", &[Topic::Fact]),
    ("maximum", &[Topic::Fact]),
    ("maximal", &[Topic::Fact]),
    ("lot_max", &[Topic::Fact]),
    ("attribuer plus", &[Topic::Fact]),
    ("nombre de lots", &[Topic::Fact]),
    ("attributaire de plus", &[Topic::Fact]),
    ("conclu", &[Topic::Fact]),
    ("accord-cadre d", &[Topic::Fact]),
    ("marche d'un", &[Topic::Fact]),
    ("offres pour", &[Topic::Fact]),
    (" ca annuel", &[Topic::Fact]),
    ("forme souhaitee", &[Topic::Fact]),
    ("forme juridique", &[Topic::Fact]),
    ("forme imposee", &[Topic::Fact]),
    ("periode initiale", &[Topic::Fact]),
    ("personnel a reprendre", &[Topic::Fact]),
    ("personnels a reprendre", &[Topic::Fact]),
    ("transfert du personnel", &[Topic::Fact]),
    ("plusieurs lots", &[Topic::Fact]),
    ("groupement", &[Topic::Fact]),
    ("chiffre d'affaires", &[Topic::Fact]),
    ("reprise d", &[Topic::Fact]),
    ("repris ", &[Topic::Fact]),
    ("reprendre", &[Topic::Fact]),
    (" iso ", &[Topic::Fact]),
    (" mase", &[Topic::Fact]),
    ("certiphyto", &[Topic::Fact]),
    ("forme d", &[Topic::Fact]),
    ("l1224-1", &[Topic::Fact]),
    ("1224-1", &[Topic::Fact]),
    ("certific", &[Topic::Fact]),
    ("cnaps", &[Topic::Fact]),
    ("qualibat", &[Topic::Fact]),
    ("agrement", &[Topic::Fact]),
    ("date limite", &[Topic::Date]),
    ("au plus tard", &[Topic::Date]),
    ("dates limites", &[Topic::Date]),
    ("heure limite", &[Topic::Date]),
    ("heures limites", &[Topic::Date]),
    ("demandes d'informations", &[Topic::Date]),
    ("demandes de renseignements", &[Topic::Date]),
    ("date_receipt", &[Topic::Date]),
    ("questions", &[Topic::Date]),
    ("renseignements complementaires", &[Topic::Date]),
];

static AUTOMATON: LazyLock<AhoCorasick> = LazyLock::new(|| {
    #[expect(clippy::expect_used, reason = "the stems are constants, far below the size limit; every test builds it")]
    AhoCorasick::builder()
        .kind(Some(AhoCorasickKind::DFA))
        .match_kind(MatchKind::LeftmostLongest)
        .build(ANCHORS.iter().map(|(stem, _)| stem))
        .expect("constant stems build an automaton")
});

/// Windows around the anchors of each topic.
#[derive(Debug, Default)]
pub struct Anchors {
    windows: [Vec<Range<usize>>; TOPICS],
}

impl Anchors {
    /// Reads folded text once.
    #[must_use]
    pub fn of(text: &str) -> Self {
        let mut found = Self::default();
        for hit in AUTOMATON.find_iter(text) {
            let window = floor(text, hit.start().saturating_sub(WINDOW))..ceil(text, hit.end() + WINDOW);
            for topic in ANCHORS[hit.pattern().as_usize()].1 {
                let windows = &mut found.windows[*topic as usize];
                match windows.last_mut() {
                    Some(last) if last.end >= window.start => last.end = window.end,
                    _ => windows.push(window.clone()),
                }
            }
        }
        found
    }

    /// The windows of a topic, in order, none overlapping.
    #[must_use]
    pub fn windows(&self, topic: Topic) -> &[Range<usize>] {
        &self.windows[topic as usize]
    }

    /// Whether any anchor of the topic stands in the text.
    #[must_use]
    pub fn any(&self, topic: Topic) -> bool {
        !self.windows(topic).is_empty()
    }
}

/// The bare automaton run that a bench compares the whole of classification with: how many anchors `text` holds.
#[must_use]
pub fn count(text: &str) -> usize {
    AUTOMATON.find_iter(text).count()
}

fn floor(text: &str, at: usize) -> usize {
    text.floor_char_boundary(at)
}

fn ceil(text: &str, at: usize) -> usize {
    text.ceil_char_boundary(at)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn windows_of_near_anchors_are_one() {
        let text = format!("clause d'insertion {} clause", "x".repeat(2000));
        let anchors = Anchors::of(&text);
        assert_eq!(anchors.windows(Topic::Clause).len(), 2);
        assert_eq!(anchors.windows(Topic::Service).len(), 1);
        assert!(!anchors.any(Topic::Date));
    }
}

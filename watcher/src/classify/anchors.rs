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
    /// Duration and renewals.
    Duration,
    /// Maximum of a framework agreement.
    Maximum,
    /// How many lots one may win.
    LotCap,
    /// Form of a joint bid.
    JointForm,
    /// Minimum turnover.
    Turnover,
    /// Staff taken over.
    Takeover,
    /// Certificates asked for.
    Certificate,
    /// Visits of the site.
    Visit,
    /// Closing dates.
    Closing,
    /// Until when one may ask.
    Question,
}

const TOPICS: usize = Topic::Question as usize + 1;

/// Folded bytes kept on each side of an anchor.
const WINDOW: usize = 260;

/// Anchor words (stems) and their topics. A stem must stand in every wording its topic's expressions look for. Of stems that
/// overlap, the first and longest alone is found: it must carry the topics of those inside it.
const ANCHORS: &[(&str, &[Topic])] = &[
    ("reserv", &[Topic::Reserved]),
    ("seul", &[Topic::Reserved]),
    ("uniquement", &[Topic::Reserved]),
    ("exclusivement", &[Topic::Reserved]),
    ("restricted", &[Topic::Reserved]),
    ("ne sont", &[Topic::Reserved]),
    ("n'est ouvert", &[Topic::Reserved]),
    ("n'est accessible", &[Topic::Reserved]),
    ("n'est destine", &[Topic::Reserved]),
    ("n'est adresse", &[Topic::Reserved]),
    ("ne peuvent", &[Topic::Reserved, Topic::LotCap]),
    ("ne ser", &[Topic::Reserved, Topic::LotCap]),
    ("limite a", &[Topic::Reserved, Topic::LotCap]),
    ("limites a", &[Topic::Reserved, Topic::LotCap]),
    ("limitee", &[Topic::Reserved, Topic::LotCap]),
    ("insertion", &[Topic::Clause, Topic::Criterion, Topic::Service]),
    ("clause", &[Topic::Clause]),
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
    ("entreprises adaptee", &[Topic::Clause]),
    ("defavorise", &[Topic::Clause]),
    ("prioritaire", &[Topic::Clause]),
    ("l2112-2", &[Topic::Clause]),
    ("sociales d'execution", &[Topic::Clause, Topic::Criterion]),
    ("consideration sociale", &[Topic::Clause, Topic::Criterion]),
    ("considerations sociale", &[Topic::Clause, Topic::Criterion]),
    ("mesures sociale", &[Topic::Clause, Topic::Criterion]),
    ("mesure sociale", &[Topic::Clause, Topic::Criterion]),
    ("exigences sociale", &[Topic::Clause, Topic::Criterion]),
    ("exigence sociale", &[Topic::Clause, Topic::Criterion]),
    ("objectifs sociaux", &[Topic::Clause, Topic::Criterion]),
    ("objectif social", &[Topic::Clause, Topic::Criterion]),
    ("aspects sociaux", &[Topic::Clause, Topic::Criterion]),
    ("dispositions sociale", &[Topic::Clause, Topic::Criterion]),
    ("disposition sociale", &[Topic::Clause, Topic::Criterion]),
    ("caractere social", &[Topic::Clause, Topic::Criterion]),
    ("caractere environnemental", &[Topic::Clause, Topic::Criterion]),
    ("nature sociale", &[Topic::Clause, Topic::Criterion]),
    ("portee sociale", &[Topic::Clause, Topic::Criterion]),
    ("execution sociale", &[Topic::Clause, Topic::Criterion]),
    ("conditions d'execution", &[Topic::Clause, Topic::Criterion]),
    ("elements a caractere", &[Topic::Clause, Topic::Criterion]),
    ("eloigne", &[Topic::Clause, Topic::Criterion]),
    ("en difficulte", &[Topic::Clause, Topic::Criterion]),
    ("a l'emploi", &[Topic::Clause, Topic::Service]),
    ("social", &[Topic::Criterion]),
    ("handicap", &[Topic::Criterion]),
    ("qualification", &[Topic::Service, Topic::Certificate]),
    ("apprenti", &[Topic::Other]),
    ("alternance", &[Topic::Other]),
    ("alternant", &[Topic::Other]),
    ("stagiaire", &[Topic::Other]),
    ("en stage", &[Topic::Other]),
    ("pmsmp", &[Topic::Other]),
    ("mise en situation", &[Topic::Other]),
    ("mises en situation", &[Topic::Other]),
    ("discrimination", &[Topic::Other]),
    ("egalite", &[Topic::Other]),
    ("commerce equitable", &[Topic::Other]),
    ("socioprofessionnel", &[Topic::Service]),
    ("socio-professionnel", &[Topic::Service]),
    ("en sont le support", &[Topic::Service]),
    ("en est le support", &[Topic::Service]),
    ("reconduc", &[Topic::Duration]),
    ("renouvel", &[Topic::Duration]),
    ("duree", &[Topic::Duration]),
    ("duration", &[Topic::Duration]),
    ("conclu", &[Topic::Duration]),
    ("accord-cadre d", &[Topic::Duration]),
    ("marche d'un", &[Topic::Duration]),
    ("periode initiale", &[Topic::Duration]),
    ("maximum", &[Topic::Maximum, Topic::LotCap]),
    ("maximal", &[Topic::Maximum, Topic::LotCap]),
    ("lot_max", &[Topic::LotCap]),
    ("attribuer plus", &[Topic::LotCap]),
    ("nombre de lots", &[Topic::LotCap]),
    ("attributaire de plus", &[Topic::LotCap]),
    ("plusieurs lots", &[Topic::LotCap]),
    ("ne peut ", &[Topic::LotCap]),
    ("ne pour", &[Topic::LotCap]),
    ("offres pour", &[Topic::LotCap]),
    ("groupement", &[Topic::JointForm]),
    ("forme d", &[Topic::JointForm]),
    ("forme souhaitee", &[Topic::JointForm]),
    ("forme juridique", &[Topic::JointForm]),
    ("forme imposee", &[Topic::JointForm]),
    ("forme exigee", &[Topic::JointForm]),
    ("chiffre d'affaires", &[Topic::Turnover]),
    (" ca annuel", &[Topic::Turnover]),
    (" ca moyen", &[Topic::Turnover]),
    (" ca minim", &[Topic::Turnover]),
    (" ca global", &[Topic::Turnover]),
    ("personnel a reprendre", &[Topic::Takeover]),
    ("personnels a reprendre", &[Topic::Takeover]),
    ("transfert du personnel", &[Topic::Takeover]),
    ("reprise d", &[Topic::Takeover]),
    ("repris ", &[Topic::Takeover]),
    ("repren", &[Topic::Takeover]),
    ("l1224-1", &[Topic::Takeover]),
    ("1224-1", &[Topic::Takeover]),
    ("certific", &[Topic::Certificate]),
    ("cnaps", &[Topic::Certificate]),
    ("qualibat", &[Topic::Certificate]),
    ("qualipropre", &[Topic::Certificate]),
    ("agrement", &[Topic::Certificate]),
    (" iso ", &[Topic::Certificate]),
    (" mase", &[Topic::Certificate]),
    ("certiphyto", &[Topic::Certificate]),
    ("visite", &[Topic::Visit]),
    ("date limite", &[Topic::Closing, Topic::Question]),
    ("dates limites", &[Topic::Closing, Topic::Question]),
    ("dates et heures limites", &[Topic::Closing, Topic::Question]),
    ("date et heure limite", &[Topic::Closing, Topic::Question]),
    ("heure limite", &[Topic::Closing]),
    ("heures limites", &[Topic::Closing]),
    ("date_receipt", &[Topic::Closing]),
    ("au plus tard", &[Topic::Closing, Topic::Question]),
    ("demandes d'informations", &[Topic::Question]),
    ("demandes d'information", &[Topic::Question]),
    ("demandes de renseignements", &[Topic::Question]),
    ("demande de renseignements", &[Topic::Question]),
    ("questions", &[Topic::Question]),
    ("renseignements complementaires", &[Topic::Question]),
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
        assert!(!anchors.any(Topic::Visit));
    }

    /// What expressions read grows with the text: no topic's windows overlap, whatever the text repeats.
    #[test]
    fn windows_never_hold_more_than_the_text() {
        for part in ["clause ", "reserve lot insertion visite duree ", "x"] {
            for size in [1_000, 10_000, 100_000] {
                let text = part.repeat(size / part.len());
                let anchors = Anchors::of(&text);
                for windows in &anchors.windows {
                    assert!(windows.iter().map(Range::len).sum::<usize>() <= text.len(), "{part} {size}");
                    assert!(windows.windows(2).all(|w| w[0].end < w[1].start), "{part} {size}");
                }
            }
        }
    }
}

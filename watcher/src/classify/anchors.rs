//! One pass over the text for the anchor words of every topic; expressions then run on the windows around them only.
//!
//! Words too common to mean anything alone ("clause", "seul") open a window only near a mark: a word that speaks of people or
//! of structures. A window reaches as far as its topic's expressions do, and one that lacks what they all need is dropped.
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
    /// Number of renewals.
    Renewal,
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

impl Topic {
    /// Folded bytes kept before and behind an anchor: as far as the topic's expressions reach from their anchors.
    const fn reach(self) -> (usize, usize) {
        match self {
            Self::Clause | Self::Service => (260, 260),
            Self::Reserved => (30, 130),
            Self::Criterion => (100, 110),
            Self::Other => (40, 60),
            Self::Duration => (45, 140),
            Self::Renewal => (45, 140),
            Self::Maximum => (30, 120),
            Self::LotCap => (70, 200),
            Self::JointForm => (170, 170),
            Self::Turnover => (70, 240),
            Self::Takeover => (80, 80),
            Self::Certificate => (40, 60),
            Self::Visit => (12, 16),
            Self::Closing => (120, 130),
            Self::Question => (30, 230),
        }
    }

    /// What its expressions cannot do without: a window that holds none of these words is not looked at. Empty = anything.
    const fn needs(self) -> &'static [&'static str] {
        match self {
            Self::Duration => {
                &["mois", " an ", " an.", " an,", " ans", "'an", "annee", "duration", "compris", "inclus"]
            }
            Self::Renewal => &["fois", "reconductions", "reconduction ", "renouvellements"],
            Self::Maximum | Self::Turnover => &["eur", "€"],
            Self::LotCap => &["lot"],
            Self::JointForm => &["conjoint", "solidaire"],
            Self::Closing | Self::Question => &[" 20", "/2", ".2", "-20", "/1", ".1"],
            _ => &[],
        }
    }

    /// Every topic, in order.
    const ALL: [Self; TOPICS] = [
        Self::Reserved,
        Self::Clause,
        Self::Criterion,
        Self::Service,
        Self::Other,
        Self::Duration,
        Self::Renewal,
        Self::Maximum,
        Self::LotCap,
        Self::JointForm,
        Self::Turnover,
        Self::Takeover,
        Self::Certificate,
        Self::Visit,
        Self::Closing,
        Self::Question,
    ];

    /// Whether the topic is a social provision: only these are gated by marks.
    const fn is_social(self) -> bool {
        matches!(self, Self::Reserved | Self::Clause | Self::Criterion | Self::Service | Self::Other)
    }
}

/// What an anchor does for the social topics.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Role {
    /// Opens a window.
    Opens,
    /// Opens a window for its topics, and says that people or structures are spoken of here.
    Marks,
    /// Too common to open a window by itself ("clause", "seul"): only near a mark.
    WhereMarked,
}

/// How near a mark must stand, in folded bytes.
const MARK_REACH: usize = 320;

/// Anchor words (stems), their role and topics. A stem must stand in every wording its topic's expressions look for. Of
/// stems that overlap, the first and longest alone is found: it must carry the topics of those inside it.
const ANCHORS: &[(&str, Role, &[Topic])] = &[
    ("reserv", Role::Opens, &[Topic::Reserved]),
    ("seul", Role::WhereMarked, &[Topic::Reserved]),
    ("uniquement", Role::WhereMarked, &[Topic::Reserved]),
    ("exclusivement", Role::WhereMarked, &[Topic::Reserved]),
    ("restricted", Role::Opens, &[Topic::Reserved]),
    ("ne sont", Role::WhereMarked, &[Topic::Reserved]),
    ("n'est ouvert", Role::WhereMarked, &[Topic::Reserved]),
    ("n'est accessible", Role::WhereMarked, &[Topic::Reserved]),
    ("n'est destine", Role::WhereMarked, &[Topic::Reserved]),
    ("n'est adresse", Role::WhereMarked, &[Topic::Reserved]),
    ("ne peuvent", Role::WhereMarked, &[Topic::Reserved, Topic::LotCap]),
    ("ne ser", Role::WhereMarked, &[Topic::Reserved, Topic::LotCap]),
    ("limite a", Role::WhereMarked, &[Topic::Reserved, Topic::LotCap]),
    ("limites a", Role::WhereMarked, &[Topic::Reserved, Topic::LotCap]),
    ("limitee", Role::WhereMarked, &[Topic::Reserved, Topic::LotCap]),
    ("dedie", Role::WhereMarked, &[Topic::Reserved]),
    ("insertion", Role::Marks, &[Topic::Clause, Topic::Criterion, Topic::Service]),
    ("clause", Role::WhereMarked, &[Topic::Clause]),
    ("promotion de l'emploi", Role::Marks, &[Topic::Clause]),
    ("promouvoir l'emploi", Role::Marks, &[Topic::Clause]),
    ("rencontrant", Role::WhereMarked, &[Topic::Clause]),
    ("longue duree", Role::WhereMarked, &[Topic::Clause]),
    (" rsa", Role::Marks, &[Topic::Clause]),
    ("demandeurs d'emploi", Role::Marks, &[Topic::Clause]),
    ("demandeur d'emploi", Role::Marks, &[Topic::Clause]),
    ("chomeurs", Role::Marks, &[Topic::Clause]),
    ("sans emploi", Role::Marks, &[Topic::Clause]),
    ("recherche d'emploi", Role::Marks, &[Topic::Clause]),
    ("sous-trait", Role::WhereMarked, &[Topic::Clause]),
    ("entreprise adaptee", Role::Marks, &[Topic::Clause]),
    ("entreprises adaptee", Role::Marks, &[Topic::Clause]),
    ("defavorise", Role::Marks, &[Topic::Clause]),
    ("quartiers prioritaire", Role::Marks, &[Topic::Clause]),
    ("quartier prioritaire", Role::Marks, &[Topic::Clause]),
    ("publics prioritaire", Role::Marks, &[Topic::Clause]),
    ("public prioritaire", Role::Marks, &[Topic::Clause]),
    ("l2112-2", Role::Opens, &[Topic::Clause]),
    ("sociales d'execution", Role::Marks, &[Topic::Clause, Topic::Criterion]),
    ("consideration sociale", Role::Marks, &[Topic::Clause, Topic::Criterion]),
    ("considerations sociale", Role::Marks, &[Topic::Clause, Topic::Criterion]),
    ("mesures sociale", Role::Marks, &[Topic::Clause, Topic::Criterion]),
    ("mesure sociale", Role::Marks, &[Topic::Clause, Topic::Criterion]),
    ("exigences sociale", Role::Marks, &[Topic::Clause, Topic::Criterion]),
    ("exigence sociale", Role::Marks, &[Topic::Clause, Topic::Criterion]),
    ("objectifs sociaux", Role::Opens, &[Topic::Clause, Topic::Criterion]),
    ("objectif social", Role::Marks, &[Topic::Clause, Topic::Criterion]),
    ("aspects sociaux", Role::Opens, &[Topic::Clause, Topic::Criterion]),
    ("dispositions sociale", Role::Marks, &[Topic::Clause, Topic::Criterion]),
    ("disposition sociale", Role::Marks, &[Topic::Clause, Topic::Criterion]),
    ("caractere social", Role::Marks, &[Topic::Clause, Topic::Criterion]),
    ("caractere environnemental", Role::WhereMarked, &[Topic::Clause, Topic::Criterion]),
    ("nature sociale", Role::Marks, &[Topic::Clause, Topic::Criterion]),
    ("portee sociale", Role::Marks, &[Topic::Clause, Topic::Criterion]),
    ("execution sociale", Role::Marks, &[Topic::Clause, Topic::Criterion]),
    ("conditions d'execution", Role::WhereMarked, &[Topic::Clause, Topic::Criterion]),
    ("elements a caractere", Role::WhereMarked, &[Topic::Clause, Topic::Criterion]),
    ("eloigne", Role::Marks, &[Topic::Clause, Topic::Criterion]),
    ("en difficulte", Role::Marks, &[Topic::Clause, Topic::Criterion]),
    ("a l'emploi", Role::Marks, &[Topic::Clause, Topic::Service]),
    ("social", Role::Marks, &[Topic::Criterion]),
    ("handicap", Role::Marks, &[Topic::Criterion]),
    ("qualification", Role::WhereMarked, &[Topic::Service, Topic::Certificate]),
    ("apprenti", Role::Opens, &[Topic::Other]),
    ("alternance", Role::Opens, &[Topic::Other]),
    ("alternant", Role::Opens, &[Topic::Other]),
    ("stagiaire", Role::Opens, &[Topic::Other]),
    ("en stage", Role::Opens, &[Topic::Other]),
    ("pmsmp", Role::Opens, &[Topic::Other]),
    ("mise en situation", Role::Opens, &[Topic::Other]),
    ("mises en situation", Role::Opens, &[Topic::Other]),
    ("discrimination", Role::Opens, &[Topic::Other]),
    ("egalite", Role::Opens, &[Topic::Other]),
    ("commerce equitable", Role::Opens, &[Topic::Other]),
    ("socioprofessionnel", Role::Opens, &[Topic::Service]),
    ("socio-professionnel", Role::Opens, &[Topic::Service]),
    ("en sont le support", Role::Opens, &[Topic::Service]),
    ("en est le support", Role::Opens, &[Topic::Service]),
    ("reconduc", Role::Opens, &[Topic::Duration, Topic::Renewal]),
    ("recondui", Role::Opens, &[Topic::Duration, Topic::Renewal]),
    ("renouvel", Role::Opens, &[Topic::Duration, Topic::Renewal]),
    ("duree", Role::Opens, &[Topic::Duration]),
    ("duration", Role::Opens, &[Topic::Duration]),
    ("conclu", Role::Opens, &[Topic::Duration]),
    ("accord-cadre d", Role::Opens, &[Topic::Duration]),
    ("marche d'un", Role::Opens, &[Topic::Duration]),
    ("periode initiale", Role::Opens, &[Topic::Duration]),
    ("maximum", Role::Opens, &[Topic::Maximum, Topic::LotCap]),
    ("maximal", Role::Opens, &[Topic::Maximum, Topic::LotCap]),
    ("lot_max", Role::Opens, &[Topic::LotCap]),
    ("attribuer plus", Role::Opens, &[Topic::LotCap]),
    ("nombre de lots", Role::Opens, &[Topic::LotCap]),
    ("attributaire de plus", Role::Opens, &[Topic::LotCap]),
    ("plusieurs lots", Role::Opens, &[Topic::LotCap]),
    ("ne peut ", Role::Opens, &[Topic::LotCap]),
    ("ne pour", Role::Opens, &[Topic::LotCap]),
    ("offres pour", Role::Opens, &[Topic::LotCap]),
    ("groupement", Role::Opens, &[Topic::JointForm]),
    ("forme d", Role::Opens, &[Topic::JointForm]),
    ("forme souhaitee", Role::Opens, &[Topic::JointForm]),
    ("forme juridique", Role::Opens, &[Topic::JointForm]),
    ("forme imposee", Role::Opens, &[Topic::JointForm]),
    ("forme exigee", Role::Opens, &[Topic::JointForm]),
    ("chiffre d'affaires", Role::Opens, &[Topic::Turnover]),
    (" ca annuel", Role::Opens, &[Topic::Turnover]),
    (" ca moyen", Role::Opens, &[Topic::Turnover]),
    (" ca minim", Role::Opens, &[Topic::Turnover]),
    (" ca global", Role::Opens, &[Topic::Turnover]),
    ("personnel a reprendre", Role::Opens, &[Topic::Takeover]),
    ("personnels a reprendre", Role::Opens, &[Topic::Takeover]),
    ("transfert du personnel", Role::Opens, &[Topic::Takeover]),
    ("reprise d", Role::Opens, &[Topic::Takeover]),
    ("repris ", Role::Opens, &[Topic::Takeover]),
    ("repren", Role::Opens, &[Topic::Takeover]),
    ("l1224-1", Role::Opens, &[Topic::Takeover]),
    ("1224-1", Role::Opens, &[Topic::Takeover]),
    ("certific", Role::Opens, &[Topic::Certificate]),
    ("cnaps", Role::Opens, &[Topic::Certificate]),
    ("qualibat", Role::Opens, &[Topic::Certificate]),
    ("qualipropre", Role::Opens, &[Topic::Certificate]),
    ("agrement", Role::Opens, &[Topic::Certificate]),
    (" iso ", Role::Opens, &[Topic::Certificate]),
    (" mase", Role::Opens, &[Topic::Certificate]),
    ("certiphyto", Role::Opens, &[Topic::Certificate]),
    ("visite", Role::Opens, &[Topic::Visit]),
    ("date limite", Role::Opens, &[Topic::Closing, Topic::Question]),
    ("dates limites", Role::Opens, &[Topic::Closing, Topic::Question]),
    ("dates et heures limites", Role::Opens, &[Topic::Closing, Topic::Question]),
    ("date et heure limite", Role::Opens, &[Topic::Closing, Topic::Question]),
    ("heure limite", Role::Opens, &[Topic::Closing]),
    ("heures limites", Role::Opens, &[Topic::Closing]),
    ("date_receipt", Role::Opens, &[Topic::Closing]),
    (" plis ", Role::Opens, &[Topic::Closing]),
    ("avant le ", Role::Opens, &[Topic::Closing]),
    ("remise des", Role::Opens, &[Topic::Closing]),
    ("depot des", Role::Opens, &[Topic::Closing]),
    ("envoi des", Role::Opens, &[Topic::Closing]),
    ("transmission des", Role::Opens, &[Topic::Closing]),
    ("au plus tard", Role::Opens, &[Topic::Closing, Topic::Question]),
    ("demandes d'informations", Role::Opens, &[Topic::Question]),
    ("demandes d'information", Role::Opens, &[Topic::Question]),
    ("demandes de renseignements", Role::Opens, &[Topic::Question]),
    ("demande de renseignements", Role::Opens, &[Topic::Question]),
    ("questions", Role::Opens, &[Topic::Question]),
    ("renseignements complementaires", Role::Opens, &[Topic::Question]),
    ("l'emploi", Role::Marks, &[]),
    ("d'emploi", Role::Marks, &[]),
    ("chomeur", Role::Marks, &[]),
    ("faire travailler", Role::Marks, &[]),
    ("esat", Role::Marks, &[]),
    ("e.s.a.t", Role::Marks, &[]),
    (" ea ", Role::Marks, &[]),
    (" ea,", Role::Marks, &[]),
    (" ea.", Role::Marks, &[]),
    (" ea/", Role::Marks, &[]),
    (" ea)", Role::Marks, &[]),
    ("(ea", Role::Marks, &[]),
    ("/ea", Role::Marks, &[]),
    ("e.a.", Role::Marks, &[]),
    ("eatt", Role::Marks, &[]),
    ("par le travail", Role::Marks, &[]),
    ("stpa", Role::Marks, &[]),
    (" cat/", Role::Marks, &[]),
    (" cat ,", Role::Marks, &[]),
    ("sheltered", Role::Marks, &[]),
    ("disabled", Role::Marks, &[]),
    ("l5213-1", Role::Marks, &[]),
    ("l344-2", Role::Marks, &[]),
    ("protege", Role::Marks, &[]),
    ("secteur adapte", Role::Marks, &[]),
    ("travail adapte", Role::Marks, &[]),
    ("milieu adapte", Role::Marks, &[]),
    ("siae", Role::Marks, &[]),
    ("s.i.a.e", Role::Marks, &[]),
    ("intermediaire", Role::Marks, &[]),
    ("etti", Role::Marks, &[]),
    ("eiti", Role::Marks, &[]),
    ("geiq", Role::Marks, &[]),
    (" iae", Role::Marks, &[]),
    ("iae ", Role::Marks, &[]),
    ("de quartier", Role::Marks, &[]),
    ("disadvantaged", Role::Marks, &[]),
    ("l5132-4", Role::Marks, &[]),
    ("solidaire", Role::Marks, &[]),
    (" ess", Role::Marks, &[]),
    ("article 77", Role::Marks, &[]),
    ("mission de service public", Role::Marks, &[]),
    ("penitentiaire", Role::Marks, &[]),
    ("detenu", Role::Marks, &[]),
    ("detention", Role::Marks, &[]),
    ("l2113-1", Role::Marks, &[]),
    ("article 15", Role::Marks, &[]),
    ("article 36", Role::Marks, &[]),
    ("sociaux", Role::Marks, &[]),
];

static AUTOMATON: LazyLock<AhoCorasick> = LazyLock::new(|| {
    #[expect(clippy::expect_used, reason = "the stems are constants, far below the size limit; every test builds it")]
    AhoCorasick::builder()
        .kind(Some(AhoCorasickKind::DFA))
        .match_kind(MatchKind::LeftmostLongest)
        .build(ANCHORS.iter().map(|(stem, ..)| stem))
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
        let mut marks: Vec<usize> = Vec::new();
        let mut hits: Vec<(usize, usize, usize)> = Vec::new();
        for hit in AUTOMATON.find_iter(text) {
            let pattern = hit.pattern().as_usize();
            if ANCHORS[pattern].1 == Role::Marks {
                marks.push(hit.start());
            }
            hits.push((hit.start(), hit.end(), pattern));
        }
        let mut next = 0; // the first mark not too far before the hit
        for (start, end, pattern) in hits {
            let (_, role, topics) = ANCHORS[pattern];
            while marks.get(next).is_some_and(|m| m + MARK_REACH < start) {
                next += 1;
            }
            let marked = role != Role::WhereMarked || marks.get(next).is_some_and(|m| *m < end + MARK_REACH);
            for topic in topics.iter().filter(|t| marked || !t.is_social()) {
                found.open(text, *topic, start, end);
            }
        }
        for topic in Topic::ALL.into_iter().filter(|t| !t.needs().is_empty()) {
            let holds = |w: &Range<usize>| topic.needs().iter().any(|word| text[w.clone()].contains(word));
            found.windows[topic as usize].retain(holds);
        }
        found
    }

    /// Opens a window around an anchor, or widens the one before it.
    fn open(&mut self, text: &str, topic: Topic, start: usize, end: usize) {
        let (before, behind) = topic.reach();
        let windows = &mut self.windows[topic as usize];
        let to = text.ceil_char_boundary(end + behind);
        match windows.last_mut() {
            Some(last) if last.end + before >= start => last.end = to,
            last => {
                let floor = last.map_or(0, |l| l.end);
                windows.push(word_start(text, start.saturating_sub(before)).max(floor)..to);
            }
        }
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

/// Where the word that holds `at` begins, a few bytes before it at most: a window that began inside a word would show
/// expressions the end of it as a word.
fn word_start(text: &str, at: usize) -> usize {
    let floor = text.floor_char_boundary(at.saturating_sub(24));
    text[floor..text.floor_char_boundary(at)].rfind(' ').map_or(floor, |i| floor + i)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn windows_of_near_anchors_are_one() {
        let text = format!("clause d'insertion {} clause", "x".repeat(2000));
        let anchors = Anchors::of(&text);
        assert_eq!(anchors.windows(Topic::Clause).len(), 1, "a clause with nobody near it opens nothing");
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
                    assert!(windows.windows(2).all(|w| w[0].end <= w[1].start), "{part} {size}");
                }
            }
        }
    }
}

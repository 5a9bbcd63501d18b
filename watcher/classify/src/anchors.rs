//! One pass over the text for the anchor words of every topic: statements that hold a social one are read word by word, and the
//! expressions of facts run on windows around theirs. A window that lacks what its expressions all need is dropped.
//!
//! The automaton is a DFA, asked for explicitly: the automatic choice is three times slower on folded French.

use std::ops::Range;
use std::sync::LazyLock;

use aho_corasick::{AhoCorasick, AhoCorasickKind, MatchKind};

/// What an anchor word may announce.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Topic {
    /// Work for people far from employment, and access kept for structures: which statements are read.
    Social,
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
            Self::Social => (0, 0),
            Self::Duration => (45, 140),
            Self::Renewal => (45, 140),
            Self::Maximum => (30, 120),
            Self::LotCap => (70, 200),
            Self::JointForm => (170, 170),
            Self::Turnover => (70, 240),
            Self::Takeover => (80, 80),
            Self::Certificate => (40, 60),
            Self::Visit => (0, 160),
            Self::Closing => (60, 200),
            Self::Question => (30, 230),
        }
    }

    /// What its expressions cannot do without: a window that holds none of these words is not looked at. Empty = anything.
    const fn needs(self) -> &'static [&'static str] {
        match self {
            Self::Duration => &[
                "mois", " an ", " an.", " an,", " ans", "'an", "annee", "duration", "jours", "semaines", "compris",
                "inclus",
            ],
            Self::Renewal => &["fois", "reconductions", "reconduction ", "renouvellements"],
            Self::Maximum | Self::Turnover => &["eur", "€"],
            Self::LotCap => &["lot"],
            Self::JointForm => &["conjoint", "solidaire"],
            _ => &[],
        }
    }

    /// Every topic, in order.
    const ALL: [Self; TOPICS] = [
        Self::Social,
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
}

/// Anchor words (stems) and their topics. A stem must stand in every wording its topic looks for. Of stems that overlap, the first
/// and longest alone is found: it must carry the topics of those inside it.
const ANCHORS: &[(&str, &[Topic])] = &[
    ("reserv", &[Topic::Social]),
    ("par le travail", &[Topic::Social]),
    ("l5132-4", &[Topic::Social]),
    ("l5213-13", &[Topic::Social]),
    ("l344-2", &[Topic::Social]),
    ("travailler des", &[Topic::Social]),
    ("nserti", &[Topic::Social]),
    ("insert ion", &[Topic::Social]),
    ("social", &[Topic::Social]),
    ("sociaux", &[Topic::Social]),
    ("handicap", &[Topic::Social]),
    ("adapte", &[Topic::Social]),
    ("esat", &[Topic::Social]),
    ("e.s.a.t", &[Topic::Social]),
    ("siae", &[Topic::Social]),
    ("s.i.a.e", &[Topic::Social]),
    ("eloigne", &[Topic::Social]),
    ("chomeur", &[Topic::Social]),
    ("demandeurs d'emploi", &[Topic::Social]),
    ("demandeur d'emploi", &[Topic::Social]),
    ("chercheurs d'emploi", &[Topic::Social]),
    ("chercheur d'emploi", &[Topic::Social]),
    ("sans emploi", &[Topic::Social]),
    ("d'emploi", &[Topic::Social]),
    ("l'emploi", &[Topic::Social]),
    (" emploi", &[Topic::Social]),
    (" rsa", &[Topic::Social]),
    ("priorit", &[Topic::Social]),
    ("qpv", &[Topic::Social]),
    ("en difficulte", &[Topic::Social]),
    ("difficulte", &[Topic::Social]),
    ("solidaire", &[Topic::Social]),
    ("inclusi", &[Topic::Social]),
    ("iae", &[Topic::Social]),
    ("etti", &[Topic::Social]),
    ("eiti", &[Topic::Social]),
    ("geiq", &[Topic::Social]),
    ("defavoris", &[Topic::Social]),
    ("protege", &[Topic::Social]),
    ("intermediaire", &[Topic::Social]),
    ("de quartier", &[Topic::Social]),
    ("penitentiaire", &[Topic::Social]),
    ("detention", &[Topic::Social]),
    ("detenu", &[Topic::Social]),
    ("l2113-1", &[Topic::Social]),
    ("l2112-2", &[Topic::Social]),
    ("l3113", &[Topic::Social]),
    ("l3114", &[Topic::Social]),
    ("r2123-1", &[Topic::Social]),
    ("article 15", &[Topic::Social]),
    ("article 36", &[Topic::Social]),
    ("article 14", &[Topic::Social]),
    (" ea ", &[Topic::Social]),
    (" ea,", &[Topic::Social]),
    (" ea/", &[Topic::Social]),
    (" ea)", &[Topic::Social]),
    ("(ea", &[Topic::Social]),
    ("e.a.", &[Topic::Social]),
    (" ess", &[Topic::Social]),
    ("'ess", &[Topic::Social]),
    ("(ess", &[Topic::Social]),
    ("'ea ", &[Topic::Social]),
    ("/ea", &[Topic::Social]),
    (" ei ", &[Topic::Social]),
    ("(ei", &[Topic::Social]),
    ("aci)", &[Topic::Social]),
    (" esus", &[Topic::Social]),
    ("apprenti", &[Topic::Social]),
    ("alternan", &[Topic::Social]),
    ("stagiaire", &[Topic::Social]),
    (" stage", &[Topic::Social]),
    ("pmsmp", &[Topic::Social]),
    ("immersion", &[Topic::Social]),
    ("mise en situation", &[Topic::Social]),
    ("mises en situation", &[Topic::Social]),
    ("egalite", &[Topic::Social]),
    ("discrimination", &[Topic::Social]),
    ("commerce equitable", &[Topic::Social]),
    ("professionnalisation", &[Topic::Social]),
    ("boeth", &[Topic::Social]),
    ("rqth", &[Topic::Social]),
    ("sheltered", &[Topic::Social]),
    ("precaire", &[Topic::Social]),
    ("vulnerable", &[Topic::Social]),
    ("acceder a un emploi", &[Topic::Social]),
    ("un emploi", &[Topic::Social]),
    ("mission locale", &[Topic::Social]),
    ("plie", &[Topic::Social]),
    ("conventionn", &[Topic::Social]),
    ("service public et", &[Topic::Social]),
    ("20.1", &[Topic::Social]),
    ("16.1", &[Topic::Social]),
    ("classe du lycee", &[Topic::Social]),
    ("classe de lycee", &[Topic::Social]),
    ("insertlon", &[Topic::Social]),
    ("i.a.e", &[Topic::Social]),
    ("zero chomeur", &[Topic::Social]),
    ("but d'emploi", &[Topic::Social]),
    ("facilitateur", &[Topic::Social]),
    ("facilitatrice", &[Topic::Social]),
    ("maison de l'emploi", &[Topic::Social]),
    ("cap emploi", &[Topic::Social]),
    ("en rupture", &[Topic::Social]),
    ("csipe", &[Topic::Social]),
    ("remobilisation", &[Topic::Social]),
    ("mise au travail", &[Topic::Social]),
    ("chantier ecole", &[Topic::Social]),
    ("chantier-ecole", &[Topic::Social]),
    ("ne peuvent", &[Topic::LotCap]),
    ("ne ser", &[Topic::LotCap]),
    ("limite a", &[Topic::LotCap, Topic::Closing]),
    ("limites a", &[Topic::LotCap]),
    ("limitee", &[Topic::LotCap]),
    ("qualification", &[Topic::Certificate]),
    ("reconduc", &[Topic::Duration, Topic::Renewal]),
    ("recondui", &[Topic::Duration, Topic::Renewal]),
    ("renouvel", &[Topic::Duration, Topic::Renewal]),
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
    ("offres pour", &[Topic::LotCap, Topic::Closing]),
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
    ("transfert ", &[Topic::Takeover]),
    ("affectees", &[Topic::Takeover]),
    ("delai d'execution", &[Topic::Duration]),
    ("obtenir", &[Topic::LotCap]),
    ("confier", &[Topic::LotCap]),
    ("attribuables", &[Topic::LotCap]),
    ("marche de ", &[Topic::Duration]),
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
    ("cloture", &[Topic::Closing]),
    ("reception", &[Topic::Closing]),
    ("limite", &[Topic::Closing, Topic::Question]),
    (" offres", &[Topic::Closing]),
    ("offres ", &[Topic::Closing]),
    ("jusqu'au", &[Topic::Closing, Topic::Question]),
    ("candidatures", &[Topic::Closing]),
    ("participation", &[Topic::Closing]),
    ("lirnite", &[Topic::Closing]),
    ("manifestation", &[Topic::Closing]),
    ("visiter", &[Topic::Visit]),
    ("propositions", &[Topic::Closing]),
    ("parvenir", &[Topic::Closing]),
    ("remise", &[Topic::Closing]),
    ("offre", &[Topic::Closing]),
    ("chomage", &[Topic::Social]),
    ("precarite", &[Topic::Social]),
    ("exclusion", &[Topic::Social]),
    (" exclu", &[Topic::Social]),
    ("sans qualification", &[Topic::Social]),
    ("peu qualifi", &[Topic::Social]),
    ("sans diplome", &[Topic::Social]),
    ("moins de 26 ans", &[Topic::Social]),
    (" brsa", &[Topic::Social]),
    (" deld", &[Topic::Social]),
    ("(deld", &[Topic::Social]),
    ("minima", &[Topic::Social]),
    ("allocataire", &[Topic::Social]),
    (" aah", &[Topic::Social]),
    (" rmi", &[Topic::Social]),
    ("decroch", &[Topic::Social]),
    (" neet", &[Topic::Social]),
    ("cddi", &[Topic::Social]),
    ("frein", &[Topic::Social]),
    ("france travail", &[Topic::Social]),
    ("pole emploi", &[Topic::Social]),
    ("sous main de justice", &[Topic::Social]),
    ("migrant", &[Topic::Social]),
    ("milieu ordinaire", &[Topic::Social]),
    ("secteur ordinaire", &[Topic::Social]),
    ("entreprises classiques", &[Topic::Social]),
    ("stpa", &[Topic::Social]),
    (" ei,", &[Topic::Social]),
    (" aci", &[Topic::Social]),
    (" etti", &[Topic::Social]),
    ("ateliers prot", &[Topic::Social]),
    ("charte anru", &[Topic::Social]),
    ("remobilis", &[Topic::Social]),
    ("disadvantaged", &[Topic::Social]),
    ("inclusion", &[Topic::Social]),
    ("tutorat", &[Topic::Social]),
    ("fragil", &[Topic::Social]),
    ("reinser", &[Topic::Social]),
    ("contrats aides", &[Topic::Social]),
    ("clause", &[Topic::Social]),
    ("eatt", &[Topic::Social]),
    ("l5132", &[Topic::Social]),
    ("regie", &[Topic::Social]),
    ("ecrou", &[Topic::Social]),
    ("maison d'arret", &[Topic::Social]),
    ("classique", &[Topic::Social]),
    ("droit commun", &[Topic::Social]),
    (" ordinaire", &[Topic::Social]),
    ("unemployed", &[Topic::Social]),
    ("disabled", &[Topic::Social]),
    ("integration", &[Topic::Social]),
    ("longue duree", &[Topic::Social]),
    ("en recherche", &[Topic::Social]),
    ("26 ans", &[Topic::Social]),
    ("refugie", &[Topic::Social]),
    ("epide", &[Topic::Social]),
    ("deuxieme chance", &[Topic::Social]),
    (" prison", &[Topic::Social]),
    ("de justice", &[Topic::Social]),
    ("engagement jeune", &[Topic::Social]),
    ("garantie jeune", &[Topic::Social]),
    ("contrat aide", &[Topic::Social]),
    ("quartier", &[Topic::Social]),
    (" travail", &[Topic::Social]),
    ("sans ouvrage", &[Topic::Social]),
    ("sans activit", &[Topic::Social]),
    ("sans ressource", &[Topic::Social]),
    ("sans revenu", &[Topic::Social]),
    ("sans metier", &[Topic::Social]),
    ("sans formation", &[Topic::Social]),
    ("en selle", &[Topic::Social]),
    ("2e chance", &[Topic::Social]),
    ("revenu de solidarite", &[Topic::Social]),
    ("cherch", &[Topic::Social]),
    ("suivis par", &[Topic::Social]),
    ("suivies par", &[Topic::Social]),
    ("orient", &[Topic::Social]),
    ("adresses par", &[Topic::Social]),
    ("adressees par", &[Topic::Social]),
    ("envoyes par", &[Topic::Social]),
    ("trouver ", &[Topic::Social]),
    ("en activite", &[Topic::Social]),
    ("a l'activite", &[Topic::Social]),
    ("parcours", &[Topic::Social]),
    ("embauch", &[Topic::Social]),
    ("recrut", &[Topic::Social]),
    ("eligib", &[Topic::Social]),
    ("ce public", &[Topic::Social]),
    ("ces public", &[Topic::Social]),
    ("meme public", &[Topic::Social]),
    ("mission de service public", &[Topic::Social]),
    ("interet public", &[Topic::Social]),
    (" repondant", &[Topic::Social]),
    ("50 ans", &[Topic::Social]),
    ("ans activite", &[Topic::Social]),
    ("article 77", &[Topic::Social]),
    ("peine", &[Topic::Social]),
    ("npnru", &[Topic::Social]),
    ("primo", &[Topic::Social]),
    ("protection internationale", &[Topic::Social]),
    ("visite de chantier", &[Topic::Social]),
    ("socioprof", &[Topic::Social]),
    ("socio-prof", &[Topic::Social]),
    ("socio prof", &[Topic::Social]),
    ("fondamentale", &[Topic::Social]),
    ("presentation des metiers", &[Topic::Social]),
    ("ecole des metiers", &[Topic::Social]),
    ("suivi par le", &[Topic::Social]),
    ("faiblement qualifi", &[Topic::Social]),
    ("recherche d'activite", &[Topic::Social]),
    ("recherche active", &[Topic::Social]),
    ("une activite", &[Topic::Social]),
    ("des metiers", &[Topic::Social]),
    ("de lycee", &[Topic::Social]),
    ("du lycee", &[Topic::Social]),
    ("astreint", &[Topic::Social]),
    ("eligible", &[Topic::Social]),
    ("au chomage", &[Topic::Social]),
    ("transition prof", &[Topic::Social]),
    ("marchand", &[Topic::Social]),
    ("concurrentiel", &[Topic::Social]),
    ("retrouver un", &[Topic::Social]),
    ("repondre", &[Topic::Closing]),
    ("rendre", &[Topic::Closing]),
    ("precisions", &[Topic::Question]),
    ("nouvelle date", &[Topic::Closing]),
    ("plis", &[Topic::Closing]),
    ("lire ", &[Topic::Closing]),
    ("reportee", &[Topic::Closing]),
    ("prorog", &[Topic::Closing]),
    ("reponse", &[Topic::Closing]),
    ("dates limites", &[Topic::Closing, Topic::Question]),
    ("dates et heures limites", &[Topic::Closing, Topic::Question]),
    ("date et heure limite", &[Topic::Closing, Topic::Question]),
    ("heure limite", &[Topic::Closing]),
    ("heures limites", &[Topic::Closing]),
    ("date_receipt", &[Topic::Closing]),
    ("remettre", &[Topic::Closing]),
    ("deposer", &[Topic::Closing]),
    ("deposees", &[Topic::Closing]),
    ("avant le ", &[Topic::Closing]),
    ("remise des", &[Topic::Closing]),
    ("depot des", &[Topic::Closing]),
    ("envoi des", &[Topic::Closing]),
    ("transmission des", &[Topic::Closing]),
    ("au plus tard", &[Topic::Closing, Topic::Question]),
    ("demandes d'informations", &[Topic::Question]),
    ("demandes d'information", &[Topic::Question]),
    ("demandes de renseignements", &[Topic::Question]),
    ("demande de renseignements", &[Topic::Question]),
    ("question", &[Topic::Question]),
    ("depot", &[Topic::Closing]),
    ("butoir", &[Topic::Closing]),
    ("dlro", &[Topic::Closing]),
    ("information :", &[Topic::Question]),
    ("complement d'information", &[Topic::Question]),
    ("renseignement", &[Topic::Question, Topic::Closing]),
    ("incarcer", &[Topic::Social]),
    ("echeance", &[Topic::Closing]),
    ("retour", &[Topic::Closing]),
    ("devis", &[Topic::Closing]),
    ("sur place", &[Topic::Visit]),
    ("sur site", &[Topic::Visit]),
    ("renseignements complementaires", &[Topic::Question, Topic::Closing]),
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
            let (_, topics) = ANCHORS[hit.pattern().as_usize()];
            for topic in topics {
                found.open(text, *topic, hit.start(), hit.end());
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
        let text = format!("duree de 12 mois, duree totale de 24 mois {} duree de 6 mois", "x".repeat(2000));
        let anchors = Anchors::of(&text);
        assert_eq!(anchors.windows(Topic::Duration).len(), 2);
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

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
const ANCHORS: &[(&[Topic], &str)] = &[
    (
        &[Topic::Social],
        "reserv| emploi| rsa| ea | ea,| ea/| ea)| ess| ei | esus| stage| exclu| brsa| deld| aah| rmi| neet| ei,|\
         par le travail| aci| etti| ordinaire| prison| travail| repondant|l5132-4|l5213-13|l344-2|travailler des|\
         nserti|insert ion|social|sociaux|handicap|adapte|esat|e.s.a.t|siae|s.i.a.e|eloigne|chomeur|\
         demandeurs d'emploi|demandeur d'emploi|chercheurs d'emploi|chercheur d'emploi|sans emploi|d'emploi|\
         l'emploi|priorit|qpv|en difficulte|difficulte|solidaire|inclusi|iae|etti|eiti|geiq|defavoris|protege|\
         intermediaire|de quartier|penitentiaire|detention|detenu|l2113-1|l2112-2|l3113|l3114|r2123-1|article 15|\
         article 36|article 14|(ea|e.a.|'ess|(ess|'ea |/ea|(ei|aci)|apprenti|alternan|stagiaire|pmsmp|immersion|\
         mise en situation|mises en situation|egalite|discrimination|commerce equitable|professionnalisation|\
         boeth|rqth|sheltered|precaire|vulnerable|acceder a un emploi|un emploi|mission locale|plie|conventionn|\
         service public et|20.1|16.1|classe du lycee|classe de lycee|insertlon|i.a.e|zero chomeur|but d'emploi|\
         facilitateur|facilitatrice|maison de l'emploi|cap emploi|en rupture|csipe|remobilisation|mise au travail|\
         chantier ecole|chantier-ecole|chomage|precarite|exclusion|sans qualification|peu qualifi|sans diplome|\
         moins de 26 ans|(deld|minima|allocataire|decroch|cddi|frein|france travail|pole emploi|\
         sous main de justice|migrant|milieu ordinaire|secteur ordinaire|entreprises classiques|stpa|\
         ateliers prot|charte anru|remobilis|disadvantaged|inclusion|tutorat|fragil|reinser|contrats aides|clause|\
         eatt|l5132|regie|ecrou|maison d'arret|classique|droit commun|unemployed|disabled|integration|\
         longue duree|en recherche|26 ans|refugie|epide|deuxieme chance|de justice|engagement jeune|\
         garantie jeune|contrat aide|quartier|sans ouvrage|sans activit|sans ressource|sans revenu|sans metier|\
         sans formation|en selle|2e chance|revenu de solidarite|cherch|suivis par|suivies par|orient|adresses par|\
         adressees par|envoyes par|trouver |en activite|a l'activite|parcours|embauch|recrut|eligib|ce public|\
         ces public|meme public|mission de service public|interet public|50 ans|ans activite|article 77|peine|\
         npnru|primo|protection internationale|visite de chantier|socioprof|socio-prof|socio prof|fondamentale|\
         presentation des metiers|ecole des metiers|suivi par le|faiblement qualifi|recherche d'activite|\
         recherche active|une activite|des metiers|de lycee|du lycee|astreint|eligible|au chomage|transition prof|\
         marchand|concurrentiel|retrouver un|incarcer|cocagne|hamon|31 juillet 2014|carceral|seconde chance|\
         descolaris|inactivite|employab|placement exterieur|\
         contrat d'engagement|contrats d'engagement|contrat engagement|marche du travail|salarie|debutant|quota|\
         cl soc|cl. soc|cs volume|recyclerie|ressourcerie|premieres heures|boulot|a la rue|inactive|reprendre pied|reconversion|public valid|\
         publics valid|a.i.|encadrant|moniteur|sorties |projet professionnel|salaire|pris parmi|prise parmi|\
         employer|ces personnes|impose|personne que|tremplin|coup de pouce|retour au|locale|humain|liste d'attente|\
         insert1on|1nsert|emp1oi|c1ause|soc1al|hand1cap|e1oigne|pub1ic",
    ),
    (
        &[Topic::Closing],
        "cloture| offres|reception|offres |candidatures|participation|lirnite|manifestation|propositions|parvenir|\
         remise|offre|repondre|rendre|nouvelle date|plis|lire |reportee|prorog|reponse|heure limite|\
         heures limites|date_receipt|remettre|deposer|deposees|avant le |remise des|depot des|envoi des|\
         transmission des|depot|butoir|dlro|echeance|retour|devis",
    ),
    (
        &[Topic::LotCap],
        "ne peuvent|ne ser|limites a|limitee|lot_max|attribuer plus|nombre de lots|attributaire de plus|\
         plusieurs lots|ne peut |ne pour|obtenir|confier|attribuables",
    ),
    (&[Topic::Certificate], "qualification| iso | mase|certific|cnaps|qualibat|qualipropre|agrement|certiphyto"),
    (
        &[Topic::Takeover],
        "personnel a reprendre|personnels a reprendre|transfert |affectees|reprise d|repris |repren|l1224-1|\
         1224-1",
    ),
    (
        &[Topic::Duration],
        "duree|duration|conclu|accord-cadre d|marche d'un|periode initiale|delai d'execution|marche de ",
    ),
    (
        &[Topic::Question],
        "precisions|demandes d'informations|demandes d'information|demandes de renseignements|\
         demande de renseignements|question|information :|complement d'information",
    ),
    (
        &[Topic::Closing, Topic::Question],
        "date limite|limite|jusqu'au|dates limites|dates et heures limites|date et heure limite|au plus tard",
    ),
    (&[Topic::JointForm], "groupement|forme d|forme souhaitee|forme juridique|forme imposee|forme exigee"),
    (&[Topic::Turnover], "chiffre d'affaires| ca annuel| ca moyen| ca minim| ca global"),
    (&[Topic::Visit], "visite|visiter|sur place|sur site"),
    (&[Topic::Duration, Topic::Renewal], "reconduc|recondui|renouvel"),
    (&[Topic::LotCap, Topic::Closing], "limite a|offres pour"),
    (&[Topic::Maximum, Topic::LotCap], "maximum|maximal"),
    (&[Topic::Question, Topic::Closing], "renseignement|renseignements complementaires"),
];

/// Each stem with its topics.
static STEMS: LazyLock<Vec<(&'static str, &'static [Topic])>> =
    LazyLock::new(|| ANCHORS.iter().flat_map(|(topics, stems)| stems.split('|').map(|s| (s, *topics))).collect());

static AUTOMATON: LazyLock<AhoCorasick> = LazyLock::new(|| {
    #[expect(clippy::expect_used, reason = "the stems are constants, far below the size limit; every test builds it")]
    AhoCorasick::builder()
        .kind(Some(AhoCorasickKind::DFA))
        .match_kind(MatchKind::LeftmostLongest)
        .build(STEMS.iter().map(|(stem, _)| stem))
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
            let (_, topics) = STEMS[hit.pattern().as_usize()];
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

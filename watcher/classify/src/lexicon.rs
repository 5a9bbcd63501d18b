//! The words of buyers, as data: `config/rules/lexicon.tsv` says each concept's forms; this module finds them in a statement.
//!
//! A form is matched word by word. Inflection is a rule (plural, feminine, participles with e), not a list; articles and
//! prepositions between the words of a form are passed over; a long word with one letter missing is still known. Of forms that stand
//! inside a longer one that means something else ("frais d'insertion"), nothing is kept.
//!
//! Invariants: the table is read once; a line that names an unknown concept is refused by a test. Cost is bounded by the words of
//! the statement times the forms that begin with each.

use std::collections::HashMap;
use std::sync::LazyLock;

use super::token::{Token, mark};
use super::vocabulary::{Vocabulary, WordId};

macro_rules! concepts {
    ($($name:ident = $word:literal),+ $(,)?) => {
        /// What a few words of a statement mean. The table says which words.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
        #[repr(u8)]
        #[expect(missing_docs, reason = "config/rules/lexicon.tsv says what each concept holds")]
        pub enum Concept { $($name),+ }

        impl Concept {
            /// Every concept, in order.
            pub const ALL: &[Self] = &[$(Self::$name),+];

            /// The concept that the table names so.
            #[must_use]
            pub fn of_word(word: &str) -> Option<Self> {
                match word { $($word => Some(Self::$name),)+ _ => None }
            }

            /// As the table names it.
            #[must_use]
            pub const fn name(self) -> &'static str {
                match self { $(Self::$name => $word),+ }
            }
        }
    };
}

concepts! {
    Sheltered = "sheltered",
    WorkIntegration = "work_integration",
    ShelteredAndIntegration = "sheltered_and_integration",
    SocialEconomy = "social_economy",
    Prison = "prison",
    OrdinaryBidder = "ordinary_bidder",
    ArticleSheltered = "article_sheltered",
    ArticleIntegration = "article_integration",
    ArticleBoth = "article_both",
    ArticleSocialEconomy = "article_social_economy",
    Reserve = "reserve",
    Only = "only",
    Addressed = "addressed",
    Bid = "bid",
    Contract = "contract",
    Proof = "proof",
    MustBe = "must_be",
    OtherProfession = "other_profession",
    ReserveAside = "reserve_aside",
    FarFromWork = "far_from_work",
    ClauseName = "clause_name",
    InsertionAction = "insertion_action",
    SocialDuty = "social_duty",
    Winner = "winner",
    GiveWork = "give_work",
    Subcontract = "subcontract",
    Duty = "duty",
    Optional = "optional",
    Criterion = "criterion",
    Selection = "selection",
    SocialMerit = "social_merit",
    BundledMerit = "bundled_merit",
    BidderMerit = "bidder_merit",
    BidderPaper = "bidder_paper",
    OtherMerit = "other_merit",
    Object = "object",
    IntegrationObject = "integration_object",
    Support = "support",
    Works = "works",
    ServiceTalk = "service_talk",
    OtherSocial = "other_social",
    OtherSocialAside = "other_social_aside",
    Deny = "deny",
    DenyAnswer = "deny_answer",
    Lifted = "lifted",
    NotDenied = "not_denied",
    Condition = "condition",
    Possible = "possible",
    Past = "past",
    Policy = "policy",
    TalkAboutClauses = "talk_about_clauses",
    NotInsertion = "not_insertion",
    NotSocial = "not_social",
    StaffMatter = "staff_matter",
    NotDisability = "not_disability",
    OtherExpansion = "other_expansion",
    ShelteredProgramme = "sheltered_programme",
    FormObjective = "form_objective",
    VisitAside = "visit_aside",
    Compulsory = "compulsory",
    NotCompulsory = "not_compulsory",
    Facilitator = "facilitator",
    WorkForPeople = "work_for_people",
    WorkHint = "work_hint",
    NotWeighed = "not_weighed",
}

/// Structures of one kind or another.
pub const STRUCTURES: &[Concept] = &[
    Concept::Sheltered,
    Concept::WorkIntegration,
    Concept::ShelteredAndIntegration,
    Concept::SocialEconomy,
    Concept::Prison,
];
/// Articles of law under which a contract is reserved.
pub const ARTICLES: &[Concept] =
    &[Concept::ArticleSheltered, Concept::ArticleIntegration, Concept::ArticleBoth, Concept::ArticleSocialEconomy];

/// A set of concepts.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Concepts(u128);

impl Concepts {
    /// These concepts.
    #[must_use]
    pub const fn of(concepts: &[Concept]) -> Self {
        let mut set = Self(0);
        let mut i = 0;
        while i < concepts.len() {
            set.0 |= 1 << concepts[i] as u8;
            i += 1;
        }
        set
    }

    /// Whether one of `wanted` is in the set.
    #[must_use]
    pub const fn any(self, wanted: &[Concept]) -> bool {
        self.0 & Self::of(wanted).0 != 0
    }

    /// Whether both sets hold one.
    #[must_use]
    pub const fn meets(self, other: Self) -> bool {
        self.0 & other.0 != 0
    }

    /// Whether `concept` is in the set.
    #[must_use]
    pub const fn has(self, concept: Concept) -> bool {
        self.0 & (1 << concept as u8) != 0
    }

    /// Adds a concept.
    pub fn add(&mut self, concept: Concept) {
        self.0 |= 1 << concept as u8;
    }

    /// Takes a concept out.
    pub fn remove(&mut self, concept: Concept) {
        self.0 &= !(1 << concept as u8);
    }

    /// What either set holds.
    #[must_use]
    pub const fn with(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }
}

/// A concept found in a statement, with the words (indexes of tokens) that say it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Hit {
    /// What is meant.
    pub concept: Concept,
    /// First token.
    pub from: usize,
    /// Behind the last token.
    pub to: usize,
}

/// One word of a form.
#[derive(Debug)]
struct Step {
    /// Any of these words.
    words: Vec<WordId>,
    /// Whether other words may stand before it.
    gap: bool,
    /// The original must have it in capitals.
    capitals: bool,
}

#[derive(Debug)]
struct Form {
    concept: Concept,
    steps: Vec<Step>,
}

/// Most words passed over in a gap.
const GAP: usize = 5;
/// Most fillers passed over between two words.
const MAX_FILLERS: usize = 4;
/// The table, ready to be searched.
#[derive(Debug)]
pub struct Lexicon {
    vocabulary: Vocabulary,
    forms: Vec<Form>,
    /// Forms that begin with a word, by its number.
    by_first: Vec<Vec<usize>>,
}

impl Lexicon {
    /// The table built into this program.
    #[must_use]
    pub fn embedded() -> &'static Self {
        static TABLE: LazyLock<Lexicon> = LazyLock::new(|| Lexicon::read(vigie_config::rules::LEXICON));
        &TABLE
    }

    /// Its words.
    #[must_use]
    pub fn vocabulary(&self) -> &Vocabulary {
        &self.vocabulary
    }

    /// Reads a table; lines of unknown concepts are left out (a test refuses them).
    fn read(table: &str) -> Self {
        let mut groups: HashMap<&str, &str> = HashMap::new();
        let mut lexicon = Self { vocabulary: Vocabulary::default(), forms: Vec::new(), by_first: Vec::new() };
        for (name, forms) in lines(table) {
            if name.starts_with('@') {
                groups.insert(name, forms);
                continue;
            }
            let Some(concept) = Concept::of_word(name) else { continue };
            for form in forms.split(" ; ") {
                lexicon.add(concept, form.trim(), &groups);
            }
        }
        lexicon.by_first.resize_with(lexicon.vocabulary.len(), Vec::new);
        lexicon.vocabulary.complete();
        lexicon
    }

    fn add(&mut self, concept: Concept, form: &str, groups: &HashMap<&str, &str>) {
        let mut steps = Vec::new();
        let mut gap = false;
        // Articles of law are one word; other hyphens part words.
        let is_article = |w: &str| {
            w.as_bytes().get(1).is_some_and(u8::is_ascii_digit)
                && w.contains('-')
                && !w.starts_with(|c: char| c.is_ascii_digit())
        };
        let words = form.split(' ').flat_map(|w| if is_article(w) { vec![w] } else { w.split(['-', '\'']).collect() });
        for word in words.filter(|w| !w.is_empty()) {
            if word == ".." {
                gap = true;
                continue;
            }
            let alternatives = groups.get(word).copied().unwrap_or(word);
            let capitals = word.len() > 1 && word.bytes().all(|b| b.is_ascii_uppercase());
            // Whoever adds a form may well write its accents.
            let words = alternatives.split('|').map(|w| self.vocabulary.add(&super::fold::fold(w))).collect();
            steps.push(Step { words, gap, capitals });
            gap = false;
        }
        let index = self.forms.len();
        if let Some(first) = steps.first() {
            for word in &first.words {
                let word = usize::from(*word);
                self.by_first.resize_with(self.by_first.len().max(word + 1), Vec::new);
                self.by_first[word].push(index);
            }
        }
        self.forms.push(Form { concept, steps });
    }

    /// Every concept in a statement, in order; `capitals(i)` tells whether the original has token `i` in capitals.
    #[must_use]
    pub fn find(&self, tokens: &[Token<'_>], capitals: impl Fn(usize) -> bool) -> Vec<Hit> {
        let mut present = vec![0_u64; self.by_first.len() / 64 + 1];
        for id in tokens.iter().flat_map(|t| t.known.ids()) {
            present[usize::from(*id) / 64] |= 1 << (id % 64);
        }
        let stands = |word: &WordId| present[usize::from(*word) / 64] & (1 << (word % 64)) != 0;
        let mut hits: Vec<Hit> = Vec::new();
        for (from, token) in tokens.iter().enumerate() {
            for form in
                token.known.ids().iter().flat_map(|id| &self.by_first[usize::from(*id)]).map(|i| &self.forms[*i])
            {
                // Most forms lack a word here.
                if form.steps[1..].iter().all(|step| step.words.iter().any(stands))
                    && let Some(to) = end_of(form, from, tokens, &capitals)
                {
                    hits.push(Hit { concept: form.concept, from, to });
                }
            }
        }
        hits.retain(|h| !puts_a_thing_in(tokens, h) && !is_identifier(tokens, h));
        settle(hits)
    }
}

/// "SIAE-2026-13": the number of something, whatever its letters stand for.
fn is_identifier(tokens: &[Token<'_>], hit: &Hit) -> bool {
    let numbered = |t: &Token<'_>| t.is_number() && t.before == mark::HYPHEN;
    hit.to - hit.from == 1 && STRUCTURES.contains(&hit.concept) && tokens.get(hit.to).is_some_and(numbered)
}

/// "insertion d'un produit", "insertion du bio dans les menus": something is put somewhere; nobody goes back to work.
fn puts_a_thing_in(tokens: &[Token<'_>], hit: &Hit) -> bool {
    words!(
        PEOPLE,
        "public publics personne personnes demandeur demandeurs jeune jeunes habitant habitants salarie salaries
         salariees travailleur travailleurs chomeur chomeurs beneficiaire beneficiaires allocataire allocataires femme
         femmes homme hommes adulte adultes refugies personnel personnels detenus handicapes chercheurs tous ceux celles
         ces certains quelques plus moins heure heures emploi travail nature type minimum maximum caractere charge plie
         lot lots cette ce part meme qualite economique lutte formation retour gens prestation marche droit titulaire
         ccap ccag rc cctp candidat candidats dix cent entreprise entreprises milieu equipe equipes chantier marche
         vie societe monde cours situation structure structures sens faveur application cas matiere tout particulier
         france duree periode totalite region departement quartier territoire metropole faisant lien complement fonction cadre execution"
    );
    // "Les insertions" are advertisements.
    let bare = hit.to - hit.from == 1;
    if bare && hit.concept == Concept::InsertionAction && tokens[hit.from].word == "insertions" {
        return true;
    }
    if hit.concept == Concept::NotInsertion || tokens[hit.to - 1].word != "insertion" {
        return false;
    }
    let named = hit.to - hit.from > 1
        && !tokens[hit.from].begins(&["heure", "objectif", "taux", "delai", "volume", "contribution", "performance", "soutien", "promotion"])
        // "Clause de réexamen : insertion d'une pompe".
        && !tokens[hit.to - 1].after(mark::COLON);
    let rest = &tokens[hit.to..];
    let preposition =
        |words: &[&str]| rest.first().is_some_and(|t| t.before & !mark::COMMA == 0 && words.contains(&t.word.as_ref()));
    // "Insertion en boîtes", "dans le calendrier".
    let somewhere = (hit.to - hit.from == 1 || hit.concept == Concept::IntegrationObject && hit.to - hit.from > 4)
        && preposition(&["en", "dans", "sur"]);
    if !(!named && preposition(&["d", "de", "du", "des"]) || somewhere) {
        return false;
    }
    let article = rest.get(1).is_some_and(|t| matches!(t.word.as_ref(), "un" | "une" | "l" | "la" | "le" | "les"));
    let noun = rest.get(1 + usize::from(article)).filter(|t| t.before & !mark::APOSTROPHE == 0);
    noun.is_some_and(|n| {
        n.word.len() > 2
            && n.word.bytes().all(|b| b.is_ascii_alphabetic())
            && !PEOPLE.contains(n.word.as_ref())
            && !n.word.ends_with("ante")
            && !n.word.starts_with("insertion")
    })
}

/// Where a form whose first word stands at `from` ends.
fn end_of(form: &Form, from: usize, tokens: &[Token<'_>], capitals: &impl Fn(usize) -> bool) -> Option<usize> {
    let is = |step: &Step, at: usize| {
        tokens[at].known.ids().iter().any(|id| step.words.contains(id)) && (!step.capitals || capitals(at))
    };
    // "La personne publique" is the buyer.
    let public_body =
        tokens[from].word == "personne" && tokens.get(from + 1).is_some_and(|t| t.word.starts_with("publiqu"));
    if public_body || form.steps[0].capitals && !capitals(from) {
        return None;
    }
    let mut at = from + 1;
    for step in &form.steps[1..] {
        let (mut fillers, mut others) = (0, 0);
        loop {
            let token = tokens.get(at)?;
            let bounded = !step.gap || SWALLOWS.contains(&form.concept);
            // "Clauses de contrats de travail, IRP, et insertion": items of a list; "application de l'article 14 : insertion" is not.
            let listed = form.concept == Concept::ClauseName
                && tokens[from].word != "article"
                && token.after(mark::COMMA | mark::COLON);
            if token.ends_sentence() || (token.starts_item() && bounded) || listed {
                return None;
            }
            if is(step, at) {
                break;
            }
            if token.known.is_filler() && fillers < MAX_FILLERS {
                fillers += 1;
            } else if step.gap
                && others < GAP
                && !matches!(token.word.as_ref(), "aucun" | "aucune" | "ni" | "non" | "pas")
            {
                others += 1;
            } else {
                return None;
            }
            at += 1;
        }
        at += 1;
    }
    Some(at)
}

/// Concepts whose words mean nothing else: what stands inside them is not looked at.
const SWALLOWS: &[Concept] = &[
    Concept::NotInsertion,
    Concept::NotSocial,
    Concept::NotDisability,
    Concept::ReserveAside,
    Concept::OtherExpansion,
    Concept::ShelteredProgramme,
    Concept::TalkAboutClauses,
];

/// Phrases that take the last word of another away from it.
const MISLEADS: &[Concept] = &[Concept::NotInsertion, Concept::NotSocial, Concept::NotDisability];

/// Concepts that lose to a name they stand in.
const LOSES: &[(Concept, &[Concept])] = &[
    (
        Concept::InsertionAction,
        &[
            Concept::WorkIntegration,
            Concept::Sheltered,
            Concept::ShelteredAndIntegration,
            Concept::ClauseName,
            Concept::FarFromWork,
        ],
    ),
    (Concept::Winner, &[Concept::Sheltered, Concept::WorkIntegration, Concept::SocialEconomy]),
    (Concept::Sheltered, &[Concept::ShelteredAndIntegration]),
    (Concept::WorkIntegration, &[Concept::ShelteredAndIntegration]),
    (Concept::ServiceTalk, &[Concept::FarFromWork, Concept::Sheltered, Concept::WorkIntegration, Concept::ClauseName]),
    (Concept::FarFromWork, &[Concept::WorkIntegration, Concept::Sheltered, Concept::ShelteredAndIntegration]),
    (Concept::SocialMerit, &[Concept::ClauseName]),
    (Concept::Criterion, &[Concept::Selection]),
    (Concept::Selection, &[Concept::Criterion, Concept::FarFromWork]),
    (Concept::ClauseName, &[Concept::Facilitator]),
    (Concept::Past, &[Concept::FarFromWork]),
    (Concept::SocialDuty, &[Concept::ClauseName]),
    (Concept::NotInsertion, &[Concept::NotInsertion]),
];

/// What each concept loses to.
const BEATEN_BY: [Concepts; Concept::ALL.len()] = {
    let mut table = [Concepts(0); Concept::ALL.len()];
    let swallows = Concepts::of(SWALLOWS);
    let mut i = 0;
    while i < table.len() {
        if !swallows.has(Concept::ALL[i]) {
            table[i] = swallows;
        }
        i += 1;
    }
    let mut i = 0;
    while i < LOSES.len() {
        let (loser, to) = LOSES[i];
        table[loser as usize] = table[loser as usize].with(Concepts::of(to));
        i += 1;
    }
    table
};

/// Of one concept the longest, and nothing inside what swallows it.
fn settle(mut hits: Vec<Hit>) -> Vec<Hit> {
    const MISLEADING: Concepts = Concepts::of(MISLEADS);
    hits.sort_by_key(|h| (h.from, std::cmp::Reverse(h.to)));
    let misleading: Vec<Hit> = hits.iter().filter(|h| MISLEADING.has(h.concept)).copied().collect();
    let swallows = Concepts::of(SWALLOWS);
    let mut kept: Vec<Hit> = Vec::with_capacity(hits.len());
    // Of those that begin no later, the ones that reach further.
    let mut open: Vec<Hit> = Vec::new();
    let mut at = 0;
    while let Some(first) = hits.get(at) {
        // Those of the very same words hold one another.
        let same = hits[at..].iter().take_while(|h| (h.from, h.to) == (first.from, first.to)).count();
        open.retain(|b| b.to > first.from);
        let group = at..at + same;
        for hit in &hits[group.clone()] {
            let beats = |b: &Hit| BEATEN_BY[hit.concept as usize].has(b.concept);
            let beaten = open.iter().any(|b| b.to >= hit.to && (b.concept == hit.concept || beats(b)))
                || hits[group.clone()].iter().any(|b| b.concept != hit.concept && beats(b));
            // "Clause relative à l'insertion du bâtiment": the word that counts is another phrase's.
            let bent = !swallows.has(hit.concept)
                && misleading.iter().any(|b| {
                    let of_it = matches!(hit.concept, Concept::IntegrationObject | Concept::InsertionAction);
                    b.from < hit.to && hit.to <= b.to && hit.from <= b.from || of_it && hit.from == b.from
                });
            if !beaten && !bent && kept.last() != Some(hit) {
                kept.push(*hit);
            }
        }
        open.extend_from_slice(&hits[group]);
        at += same;
    }
    kept
}

/// Lines of the table: name and forms.
fn lines(table: &str) -> impl Iterator<Item = (&str, &str)> {
    table.lines().filter(|l| !l.starts_with('#') && !l.trim().is_empty()).filter_map(|l| l.split_once('\t'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_concept_of_the_table_is_known_and_every_concept_is_in_it() {
        let named: Vec<&str> =
            lines(vigie_config::rules::LEXICON).map(|(n, _)| n).filter(|n| !n.starts_with('@')).collect();
        for name in &named {
            assert!(Concept::of_word(name).is_some(), "unknown concept {name}");
        }
        for concept in Concept::ALL {
            assert!(named.iter().any(|n| Concept::of_word(n) == Some(*concept)), "{concept:?} has no words");
        }
    }
}

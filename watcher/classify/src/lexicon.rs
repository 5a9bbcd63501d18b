//! The words of buyers, as data: `config/rules/lexicon.tsv` says each concept's forms; this module finds them in a statement.
//!
//! A form is matched word by word. Inflection is a rule (plural, feminine, participles with e), not a list; articles and
//! prepositions between the words of a form are passed over; a long word with one letter missing is still known. Of forms that stand
//! inside a longer one that means something else ("frais d'insertion"), nothing is kept.
//!
//! Invariants: the table is read once; a line that names an unknown concept is refused by a test. Cost is bounded by the words of
//! the statement times the forms that begin with each.

use std::cell::RefCell;
use std::collections::{HashMap, HashSet};
use std::sync::LazyLock;

use super::pattern::Quick;
use super::token::{Token, mark};

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
    TalkAboutClauses = "talk_about_clauses",
    NotInsertion = "not_insertion",
    NotSocial = "not_social",
    StaffMatter = "staff_matter",
    NotDisability = "not_disability",
    OtherExpansion = "other_expansion",
    ShelteredProgramme = "sheltered_programme",
    VisitAside = "visit_aside",
    Compulsory = "compulsory",
    NotCompulsory = "not_compulsory",
    Facilitator = "facilitator",
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
pub struct Concepts(u64);

impl Concepts {
    /// Whether one of `wanted` is in the set.
    #[must_use]
    pub fn any(self, wanted: &[Concept]) -> bool {
        wanted.iter().any(|c| self.has(*c))
    }

    /// Whether `concept` is in the set.
    #[must_use]
    pub fn has(self, concept: Concept) -> bool {
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
    pub fn with(self, other: Self) -> Self {
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

type WordId = u32;
type Words = HashMap<String, WordId, Quick>;

/// How a long word begins, and how long it is: what may be misspelled looks alike in both.
type Look = ([u8; 3], usize);

fn look(word: &str) -> Look {
    let mut head = [0; 3];
    for (to, from) in head.iter_mut().zip(word.bytes()) {
        *to = from;
    }
    (head, word.len())
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

// Words that may stand between the words of a form, and mean nothing by themselves.
words!(
    FILLERS,
    "a au aux d de des du en l la le les un une tres plus qui sont est et ou dans par pour son sa ses leur leurs ce
     ces cette s dit dite dites e particuliere particulieres propre propres sur durablement durable"
);

/// Most words passed over in a gap.
const GAP: usize = 5;
/// Most fillers passed over between two words.
const MAX_FILLERS: usize = 4;
/// From this length on, a word with one letter missing or too many is still known.
const TOLERANT: usize = 8;
/// From this length on, a word with one letter for another is still known.
const SURE: usize = 11;

/// The table, ready to be searched.
#[derive(Debug)]
pub struct Lexicon {
    exact: Words,
    prefixes: Words,
    /// Lengths of prefixes in use, as bits.
    prefix_lengths: u64,
    /// Long words without one of their letters.
    damaged: Words,
    /// What those words look like.
    looks: HashSet<Look, Quick>,
    /// How words of the table begin.
    heads: HashSet<[u8; 4], Quick>,
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

    /// Reads a table; lines of unknown concepts are left out (a test refuses them).
    #[must_use]
    pub fn read(table: &str) -> Self {
        let mut groups: HashMap<&str, &str> = HashMap::new();
        let mut lexicon = Self {
            exact: Words::default(),
            prefixes: Words::default(),
            prefix_lengths: 0,
            damaged: Words::default(),
            looks: HashSet::default(),
            heads: HashSet::default(),
            forms: Vec::new(),
            by_first: Vec::new(),
        };
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
        let long: Vec<(String, WordId)> =
            lexicon.exact.iter().filter(|(w, _)| w.len() >= TOLERANT).map(|(w, id)| (w.clone(), *id)).collect();
        let words = lexicon.exact.keys().chain(lexicon.prefixes.keys()).chain(long.iter().map(|(w, _)| w));
        let heads: Vec<[u8; 4]> = words.filter_map(|w| w.as_bytes().first_chunk().copied()).collect();
        lexicon.heads.extend(heads);
        for (word, id) in long {
            for length in word.len() - 1..=word.len() + 1 {
                lexicon.looks.insert((look(&word).0, length));
            }
            for i in 1..word.len() {
                let mut cut = word.clone();
                cut.remove(i);
                lexicon.damaged.entry(cut).or_insert(id);
            }
        }
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
            let words = alternatives.split('|').map(|w| self.word(&super::fold::fold(w))).collect();
            steps.push(Step { words, gap, capitals });
            gap = false;
        }
        let index = self.forms.len();
        if let Some(first) = steps.first() {
            for word in &first.words {
                let word = *word as usize;
                self.by_first.resize_with(self.by_first.len().max(word + 1), Vec::new);
                self.by_first[word].push(index);
            }
        }
        self.forms.push(Form { concept, steps });
    }

    fn word(&mut self, word: &str) -> WordId {
        let next = u32::try_from(self.exact.len() + self.prefixes.len()).unwrap_or(u32::MAX);
        match word.strip_suffix('*') {
            Some(prefix) => {
                self.prefix_lengths |= 1 << prefix.len().min(63);
                *self.prefixes.entry(prefix.to_owned()).or_insert(next)
            }
            None => *self.exact.entry(stem(word).to_owned()).or_insert(next),
        }
    }

    /// The words of the table that a word of the text is. Texts repeat their words: what was found out is kept by each thread.
    fn known(&self, word: &str, out: &mut Vec<WordId>) {
        /// Most words kept: more than a language needs, so that hostile text holds little memory.
        const KEPT: usize = 8192;
        thread_local! {
            static MEMORY: RefCell<HashMap<String, Vec<WordId>, Quick>> = RefCell::default();
        }
        if !std::ptr::eq(self, Self::embedded()) {
            return self.look_up(word, out);
        }
        MEMORY.with_borrow_mut(|memory| {
            if let Some(ids) = memory.get(word) {
                out.clone_from(ids);
                return;
            }
            self.look_up(word, out);
            if memory.len() >= KEPT {
                memory.clear();
            }
            memory.insert(word.to_owned(), out.clone());
        });
    }

    fn look_up(&self, word: &str, out: &mut Vec<WordId>) {
        out.clear();
        let stemmed = stem(word);
        out.extend(self.exact.get(stemmed).copied());
        for length in 2..=word.len().min(20) {
            if self.prefix_lengths & (1 << length) != 0
                && let Some(id) = word.get(..length).and_then(|p| self.prefixes.get(p))
            {
                out.push(*id);
            }
        }
        if out.is_empty() {
            self.scanned(word, out);
        }
        if out.is_empty() && stemmed.len() + 1 >= TOLERANT && stemmed.is_ascii() && self.looks.contains(&look(stemmed))
        {
            out.extend(self.misspelled(stemmed));
        }
    }

    /// The words of the table that a word is, where a scanner read "rn" for "m".
    fn scanned(&self, word: &str, out: &mut Vec<WordId>) {
        if word.len() >= 6 && word.contains("rn") {
            out.extend(self.exact.get(stem(&word.replace("rn", "m"))).copied());
        }
    }

    /// A long known word of which one letter is missing or too many; of the longest, one may be another.
    fn misspelled(&self, word: &str) -> Option<WordId> {
        if let Some(id) = self.damaged.get(word) {
            return Some(*id);
        }
        (1..word.len()).find_map(|i| {
            let cut = [&word[..i], &word[i + 1..]].concat();
            let known = self.exact.get(&cut).filter(|_| cut.len() >= TOLERANT);
            known.or_else(|| self.damaged.get(&cut).filter(|_| cut.len() >= SURE)).copied()
        })
    }

    /// Whether some word of the table may begin so: a cheap look before one at the whole word.
    #[must_use]
    pub fn may_begin(&self, head: &str) -> bool {
        head.as_bytes().first_chunk::<4>().is_some_and(|h| self.heads.contains(h))
    }

    /// Whether the table knows a word.
    #[must_use]
    pub fn knows(&self, word: &str) -> bool {
        let mut out = Vec::new();
        self.known(word, &mut out);
        !out.is_empty()
    }

    /// Every concept in a statement, in order; `capitals(i)` tells whether the original has token `i` in capitals.
    #[must_use]
    pub fn find(&self, tokens: &[Token<'_>], capitals: impl Fn(usize) -> bool) -> Vec<Hit> {
        let mut ids: Vec<Vec<WordId>> = Vec::with_capacity(tokens.len());
        let mut known = Vec::new();
        for token in tokens {
            self.known(&token.word, &mut known);
            ids.push(known.clone());
        }
        let mut hits: Vec<Hit> = Vec::new();
        for from in 0..tokens.len() {
            for word in &ids[from] {
                for form in self.by_first.get(*word as usize).into_iter().flatten().map(|i| &self.forms[*i]) {
                    if let Some(to) = end_of(form, from, tokens, &ids, &capitals) {
                        hits.push(Hit { concept: form.concept, from, to });
                    }
                }
            }
        }
        hits.retain(|h| !puts_a_thing_in(tokens, h));
        settle(hits)
    }
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
         ccap ccag rc cctp candidat candidats dix cent"
    );
    if hit.concept == Concept::NotInsertion || tokens[hit.to - 1].word != "insertion" {
        return false;
    }
    let named = hit.to - hit.from > 1
        && !["heure", "objectif", "taux", "delai", "volume", "contribution", "performance", "soutien", "promotion"]
            .iter()
            .any(|w| tokens[hit.from].word.starts_with(w));
    let rest = &tokens[hit.to..];
    let of =
        !named && rest.first().is_some_and(|t| t.before == 0 && matches!(t.word.as_ref(), "d" | "de" | "du" | "des"));
    if !of {
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

/// Where a form that begins at `from` ends.
fn end_of(
    form: &Form,
    from: usize,
    tokens: &[Token<'_>],
    ids: &[Vec<WordId>],
    capitals: &impl Fn(usize) -> bool,
) -> Option<usize> {
    let is =
        |step: &Step, at: usize| ids[at].iter().any(|id| step.words.contains(id)) && (!step.capitals || capitals(at));
    if !is(form.steps.first()?, from) {
        return None;
    }
    let mut at = from + 1;
    for step in &form.steps[1..] {
        let (mut fillers, mut others) = (0, 0);
        loop {
            let token = tokens.get(at)?;
            let bounded = !step.gap || SWALLOWS.contains(&form.concept);
            if token.ends_sentence() || (token.starts_item() && bounded) {
                return None;
            }
            if is(step, at) {
                break;
            }
            if FILLERS.contains(token.word.as_ref()) && fillers < MAX_FILLERS {
                fillers += 1;
            } else if step.gap && others < GAP {
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
    (Concept::Winner, &[Concept::Sheltered, Concept::WorkIntegration]),
    (Concept::Sheltered, &[Concept::ShelteredAndIntegration]),
    (Concept::WorkIntegration, &[Concept::ShelteredAndIntegration]),
    (Concept::ServiceTalk, &[Concept::FarFromWork, Concept::Sheltered, Concept::WorkIntegration, Concept::ClauseName]),
    (Concept::FarFromWork, &[Concept::WorkIntegration, Concept::Sheltered, Concept::ShelteredAndIntegration]),
    (Concept::SocialMerit, &[Concept::ClauseName]),
    (Concept::Criterion, &[Concept::Selection]),
    (Concept::Selection, &[Concept::Criterion, Concept::FarFromWork]),
    (Concept::Past, &[Concept::FarFromWork]),
    (Concept::SocialDuty, &[Concept::ClauseName]),
    (Concept::NotInsertion, &[Concept::NotInsertion]),
];

/// Of one concept the longest, and nothing inside what swallows it.
fn settle(mut hits: Vec<Hit>) -> Vec<Hit> {
    hits.sort_by_key(|h| (h.from, std::cmp::Reverse(h.to)));
    let inside = |a: &Hit, b: &Hit| b.from <= a.from && a.to <= b.to;
    let mut kept: Vec<Hit> = Vec::with_capacity(hits.len());
    for hit in &hits {
        let beaten = hits.iter().take_while(|b| b.from <= hit.from).filter(|b| inside(hit, b)).any(|b| {
            if b.concept == hit.concept {
                return (b.from, b.to) != (hit.from, hit.to);
            }
            SWALLOWS.contains(&b.concept) && !SWALLOWS.contains(&hit.concept)
                || LOSES.iter().any(|(loser, to)| *loser == hit.concept && to.contains(&b.concept))
        });
        // "Clause relative à l'insertion du bâtiment": the word that counts is another phrase's.
        let bent = !SWALLOWS.contains(&hit.concept)
            && hits
                .iter()
                .any(|b| MISLEADS.contains(&b.concept) && b.from < hit.to && hit.to <= b.to && hit.from <= b.from);
        if !beaten && !bent && kept.last() != Some(hit) {
            kept.push(*hit);
        }
    }
    kept
}

/// Lines of the table: name and forms.
fn lines(table: &str) -> impl Iterator<Item = (&str, &str)> {
    table.lines().filter(|l| !l.starts_with('#') && !l.trim().is_empty()).filter_map(|l| l.split_once('\t'))
}

/// A word without its endings of number and gender.
#[must_use]
pub fn stem(word: &str) -> &str {
    if word.len() <= 3 || !word.is_ascii() {
        return word;
    }
    let cut = word.trim_end_matches(['s', 'x']);
    let cut = cut.trim_end_matches('e');
    // "sociaux" is "social": both are cut to "socia".
    let cut = cut.strip_suffix("au").or_else(|| cut.strip_suffix("al")).filter(|c| c.len() >= 4).unwrap_or(cut);
    if cut.len() < 3 { word } else { cut }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn inflection_is_a_rule() {
        for (a, b) in [("adaptees", "adapte"), ("sociaux", "social"), ("sociales", "social"), ("personnes", "personne")]
        {
            assert_eq!(stem(a), stem(b), "{a} {b}");
        }
        assert_ne!(stem("ea"), stem("e"));
    }

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

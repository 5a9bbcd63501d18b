//! What no frame explains: how likely a statement is to tell a reservation, a clause, a criterion or an insertion service, by weights that were
//! learned from statements that people read (`config/rules/learned.tsv`, made from `watcher/classify/corpus` by the example `learn`).
//!
//! Words are read by their roots, alone and in pairs that stand near; concepts of the lexicon alone, in pairs, and beside roots; what the heading
//! and the lines before say; what numbers count; whether it stands among weights; whether it is denied. One logistic function a kind, over a vector of
//! length one, beside which what its whole text says stands with a length of its own ([`BACKGROUND`]).
//!
//! Invariants: pure and deterministic. What the table does not know weighs nothing, but counts for the length of the vector, so that unknown words
//! make a statement less certain. Cost: the pairs of neighbours of a statement, which has a bounded number of words.

use std::collections::HashMap;
use std::hash::{BuildHasherDefault, Hasher};
use std::sync::LazyLock;

use super::criterion;
use super::lexicon::{ARTICLES, Concept, Concepts, Hit, STRUCTURES};
use super::near::SOCIAL;
use super::polarity;
use super::quantity::Unit;
use super::reserved;
use super::statement::Statement;
use super::title::About;
use super::token::Token;
use vigie_config::rules;
use vigie_domain::ProvisionKind;

/// The kinds, in the order of the table's columns.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// Access is kept.
    Reserved,
    /// An execution clause.
    Clause,
    /// An award criterion.
    Criterion,
    /// An insertion service.
    Service,
}

impl Kind {
    /// The likelihood below which no frame reads a statement as this kind, chosen on notices that served no learning.
    #[must_use]
    pub const fn least(self) -> f32 {
        match self {
            Self::Reserved => 0.035,
            Self::Clause => 0.2,
            Self::Criterion => 0.15,
            Self::Service => 0.05,
        }
    }
}

/// How many kinds there are.
pub const KINDS: usize = 4;
/// What provisions call them, in the order of [`Kind`].
pub const ORDER: [ProvisionKind; KINDS] = [
    ProvisionKind::Reserved,
    ProvisionKind::ExecutionClause,
    ProvisionKind::AwardCriterion,
    ProvisionKind::InsertionService,
];
/// The last column: anything that a reader should look at.
pub const ANYTHING: usize = KINDS;
/// The columns of the table.
pub const COLUMNS: usize = KINDS + 1;

/// Likelihoods, from 0 to 1, that a statement tells each kind, and anything at all.
pub type Chances = [f32; COLUMNS];

/// How many words before and behind those that make a statement social are read: a paragraph of law is not all about them.
const AROUND: usize = 25;
/// What a heading, or the lines before, may say that bears on a statement: other matters that happen to stand there change nothing.
const BEARS: Concepts =
    SOCIAL.with(Concepts::of(&[Concept::Criterion, Concept::OtherMerit, Concept::Only, Concept::TalkAboutClauses]));
/// What weighs where and how a statement stands, beside one word of it.
const STANDS: f32 = 2.0;
/// From how many statements a text tells what its statements are about.
pub const WHOLE: usize = 4;
/// The length of what a text says beside what a statement of it says.
pub const BACKGROUND: f32 = 0.6;
/// How many roots behind one make a pair with it.
const NEAR: usize = 3;
/// How many words may stand between two concepts of a pair.
const CONCEPTS_NEAR: usize = 12;
/// How many words may stand between a concept and a root of a pair.
const BESIDE: usize = 4;

/// A part of the name of a thing that a statement says, hashed once.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Part<'s> {
    /// As the table has it.
    pub text: &'s str,
    hash: u64,
}

impl<'s> Part<'s> {
    const NONE: Self = Self { text: "", hash: 0 };

    fn of(text: &'s str) -> Self {
        Self { text, hash: fnv(text) }
    }
}

/// Calls `tell` with the parts of the name of each thing that a statement says, and its weight; some are told more than once.
pub fn features<'s>(s: &'s Statement<'_>, about: About, tell: &mut impl FnMut([Part<'s>; 3], f32)) {
    words!(
        SMALL,
        "le la les de des du d l un une et en a au aux dans par pour sur ce cette ces son sa ses leur leurs qui que dont ou il elle
         ils elles est sont"
    );
    let [word, words, concept, concepts, beside] = ["word", "words", "concept", "concepts", "beside"].map(Part::of);
    let hit = social(s);
    let near = hit.map_or(0..s.tokens.len(), |h| h.from.saturating_sub(AROUND)..h.to + AROUND);
    let roots: Vec<(usize, Part<'_>)> = s
        .tokens
        .iter()
        .enumerate()
        .filter(|(i, _)| near.contains(i))
        .filter(|(_, t)| !SMALL.contains(t.word.as_ref()))
        .map(|(i, t)| (i, Part::of(root(t))))
        .collect();
    for (n, (_, a)) in roots.iter().enumerate() {
        tell([word, *a, Part::NONE], 1.0);
        for (_, b) in roots.iter().skip(n + 1).take(NEAR) {
            tell([words, *a, *b], 1.0);
        }
    }
    let mut said: Vec<(usize, Part<'_>)> =
        s.hits.iter().filter(|h| near.contains(&h.from)).map(|h| (h.from, Part::of(h.concept.name()))).collect();
    said.extend(s.numbers.iter().filter(|q| near.contains(&q.from)).map(|q| (q.from, Part::of(counted(q.unit)))));
    said.sort_unstable();
    said.dedup();
    for (n, (at, a)) in said.iter().enumerate() {
        tell([concept, *a, Part::NONE], 1.0);
        for (other, b) in said.iter().skip(n + 1) {
            if other - at <= CONCEPTS_NEAR {
                tell([concepts, *a, *b], 1.0);
            }
        }
        for (_, b) in roots.iter().filter(|(i, _)| i.abs_diff(*at) <= BESIDE) {
            tell([beside, *a, *b], 0.7);
        }
    }
    let mut set = |what: &'static str, concepts: Concepts, weight: f32| {
        for concept in Concept::ALL.iter().filter(|c| concepts.has(**c) && BEARS.has(**c)) {
            tell([Part::of(what), Part::of(concept.name()), Part::NONE], weight);
        }
    };
    set("heading", s.heading, 1.0);
    set("list", s.before, 0.5);
    set("before", s.previous, 0.5);
    for (holds, what) in [
        (s.unit.ticked == Some(true), "ticked"),
        (s.unit.is_heading, "heading"),
        (s.unit.cell, "cell"),
        (s.denied_below, "denied-below"),
        (about.served, "served"),
        (about.for_them, "for-them"),
        (about.studied, "studied"),
        (hit.is_some_and(|h| criterion::bears_weight(s, &h)), "weighted"),
        (criterion::lists_weights(s), "weights"),
        (s.among_weights, "among-weights"),
        (s.weighed_before, "weighed-before"),
        (hit.is_some_and(|h| polarity::settled(s, &h)), "settled"),
        (hit.is_some_and(|h| polarity::supposed(s, &h)), "supposed"),
        (hit.is_some_and(|h| polarity::remembered(s, &h)), "remembered"),
    ] {
        if holds {
            tell([Part::of("is"), Part::of(what), Part::NONE], STANDS);
        }
    }
}

/// What a whole text says, for each of its statements: the roots of its words and its concepts, each once.
pub fn background<'s>(statements: &'s [Statement<'_>], tell: &mut impl FnMut([Part<'s>; 3])) {
    if statements.len() < WHOLE {
        return;
    }
    let [word, concept] = ["text-word", "text-concept"].map(Part::of);
    for s in statements {
        for token in s.tokens.iter().filter(|t| t.word.len() > 3) {
            tell([word, Part::of(root(token)), Part::NONE]);
        }
        for hit in &s.hits {
            tell([concept, Part::of(hit.concept.name()), Part::NONE]);
        }
    }
}

/// What names people to be given work, structures that employ them, what is asked for them, or those who see to it.
const WHO: &[&[Concept]] = &[
    &[Concept::FarFromWork, Concept::ClauseName, Concept::IntegrationObject],
    STRUCTURES,
    &[Concept::InsertionAction, Concept::Facilitator, Concept::FormObjective, Concept::OrdinaryBidder],
    ARTICLES,
    &[Concept::WorkForPeople, Concept::SocialMerit, Concept::SocialDuty, Concept::Reserve],
    &[Concept::WorkHint, Concept::OtherSocial],
];

/// The words of a statement that make it social: without any, it is not looked at.
#[must_use]
pub fn social(s: &Statement<'_>) -> Option<Hit> {
    // R2123-1 is of many a service; "les réserves du musée" keep nobody out.
    let speaks = |h: &&Hit| match h.concept {
        Concept::Reserve => reserved::speaks_of_access(s, h),
        concept => {
            let word = s.tokens[h.from].word.as_ref();
            !word.contains("2123-1") && (!ARTICLES.contains(&concept) || word.starts_with('l'))
        }
    };
    let of_kind = |concepts: &'static [Concept], settled: bool| {
        s.any_of(concepts).filter(speaks).find(|h| settled || !polarity::settled(s, h)).copied()
    };
    [false, true].into_iter().find_map(|settled| WHO.iter().find_map(|concepts| of_kind(concepts, settled)))
}

/// The weights: a bias, and those of each thing that a statement may say.
struct Table {
    bias: Chances,
    weights: HashMap<u64, Chances, BuildHasherDefault<Ready>>,
}

static TABLE: LazyLock<Table> = LazyLock::new(|| {
    let mut table = Table { bias: [0.0; COLUMNS], weights: HashMap::default() };
    for line in rules::learned().lines().filter(|l| !l.starts_with('#')) {
        let mut cells = line.split('\t');
        let name = cells.next().unwrap_or_default();
        let mut weights = [0.0; COLUMNS];
        // A cell that is no number weighs nothing; a test reads them all.
        weights.iter_mut().zip(cells).for_each(|(w, cell)| *w = cell.parse().unwrap_or_default());
        if name == BIAS {
            table.bias = weights;
        } else {
            let mut parts = name.split(' ').map(Part::of);
            let name = std::array::from_fn(|_| parts.next().unwrap_or(Part::NONE));
            table.weights.insert(key(name), weights);
        }
    }
    table
});

/// The row of the table that holds for every statement.
pub const BIAS: &str = "always";

/// The line of the table that says, as [`fnv`] of its lines, which corpus it was made of.
pub const OF_CORPUS: &str = "# corpus";

/// A number for the parts of a name.
fn key(parts: [Part<'_>; 3]) -> u64 {
    parts.iter().fold(0, |key: u64, part| (key.rotate_left(23) ^ part.hash).wrapping_mul(0x9e37_79b9_7f4a_7c15))
}

/// A number for some text (FNV-1a), the same everywhere.
#[must_use]
pub fn fnv(text: &str) -> u64 {
    text.bytes().fold(0xcbf2_9ce4_8422_2325, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3))
}

/// What is a hash already.
#[derive(Default)]
struct Ready(u64);

impl Hasher for Ready {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write(&mut self, bytes: &[u8]) {
        self.0 = bytes.iter().fold(self.0, |n, b| n << 8 | u64::from(*b));
    }

    fn write_u64(&mut self, key: u64) {
        self.0 = key;
    }
}

/// What a text adds to the sums of its statements.
#[must_use]
pub fn around(statements: &[Statement<'_>]) -> Chances {
    let mut said: Vec<u64> = Vec::new();
    background(statements, &mut |parts| said.push(key(parts)));
    said.sort_unstable();
    said.dedup();
    let mut sums = [0.0; COLUMNS];
    let length = (said.len() as f32).sqrt().max(1.0);
    for weights in said.iter().filter_map(|key| TABLE.weights.get(key)) {
        sums.iter_mut().zip(weights).for_each(|(sum, w)| *sum += w * BACKGROUND / length);
    }
    sums
}

/// How likely a statement tells each kind, in a text that adds some sums ([`around`]).
#[must_use]
pub fn chances(s: &Statement<'_>, about: About, around: &Chances) -> Chances {
    let mut said: Vec<(u64, f32)> = Vec::new();
    features(s, about, &mut |parts, weight| said.push((key(parts), weight)));
    // In one order, so that sums are the same everywhere.
    said.sort_unstable_by_key(|(key, _)| *key);
    let things = || said.chunk_by(|a, b| a.0 == b.0).map(|same| (same[0].0, same.iter().map(|s| s.1).sum::<f32>()));
    let length = things().map(|(_, w)| w * w).sum::<f32>().sqrt().max(f32::MIN_POSITIVE);
    let mut sums: Chances = std::array::from_fn(|k| TABLE.bias[k] + around[k]);
    for (key, said) in things() {
        if let Some(weights) = TABLE.weights.get(&key) {
            sums.iter_mut().zip(weights).for_each(|(sum, w)| *sum += w * said / length);
        }
    }
    let chances = sums.map(|sum| 1.0 / (1.0 + (-sum).exp()));
    // No kind is likelier than anything at all.
    chances.map(|c| c.min(chances[ANYTHING]))
}

/// What a number counts, as the table names it.
fn counted(unit: Unit) -> &'static str {
    match unit {
        Unit::Hours => "hours",
        Unit::Percent => "percent",
        Unit::Points => "points",
        Unit::FullTime => "full-time",
        Unit::Euros => "euros",
        Unit::Months => "months",
        Unit::Days => "days",
        Unit::Lots => "lots",
        Unit::None => "number",
    }
}

/// A word without its ending: "embaucheront", "embauche" and "embauches" are one; a number is a number.
fn root<'t>(token: &'t Token<'_>) -> &'t str {
    const ENDINGS: [&str; 26] = [
        "ements", "ations", "ement", "ation", "aient", "erait", "eront", "erent", "antes", "ante", "ants", "ant",
        "ees", "ee", "es", "er", "ez", "ent", "ait", "era", "erai", "ant", "e", "s", "x", "e",
    ];
    const LONGEST: usize = 9;
    let word = token.word.as_ref();
    if token.is_number() {
        return "#";
    }
    let cut = match word.len() {
        0..=3 => word,
        4..=5 => word.strip_suffix(['s', 'x']).unwrap_or(word),
        _ => ENDINGS.iter().find_map(|e| word.strip_suffix(e)).filter(|cut| cut.len() >= 3).unwrap_or(word),
    };
    &cut[..cut.floor_char_boundary(LONGEST)]
}

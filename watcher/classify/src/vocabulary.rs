//! Words as the table of the lexicon knows them: without their endings, with the letter that a typist or a scanner lost.
//!
//! Texts repeat their words. What was found out about one is kept by each thread, so that a word costs one look however often it
//! stands. Words of a text are hashed with a key that no text can know.

use std::cell::RefCell;
use std::collections::{HashMap, HashSet};

use super::numerals;
use super::pattern::Quick;

/// Number of a word of the table.
pub type WordId = u16;

/// Most words of the table that one word of a text may be: itself, and beginnings of it.
const MOST: usize = 6;

/// What is known of a word of a text.
#[derive(Debug, Clone, Copy, Default)]
pub struct Known {
    ids: [WordId; MOST],
    count: u8,
    marks: u8,
}

impl Known {
    const FILLER: u8 = 1;
    const SHORT: u8 = 1 << 1;
    const COUNTS: u8 = 1 << 2;

    /// The words of the table that it is.
    #[must_use]
    pub fn ids(&self) -> &[WordId] {
        &self.ids[..usize::from(self.count)]
    }

    /// Whether it may stand between the words of a form, and means nothing by itself.
    #[must_use]
    pub fn is_filler(&self) -> bool {
        self.marks & Self::FILLER != 0
    }

    /// Whether it is one of the short words that French is full of.
    #[must_use]
    pub fn is_short(&self) -> bool {
        self.marks & Self::SHORT != 0
    }

    /// Whether it is a number in words, or part of one.
    #[must_use]
    pub fn counts(&self) -> bool {
        self.marks & Self::COUNTS != 0
    }
}

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

// Words that may stand between the words of a form, and mean nothing by themselves.
words!(
    FILLERS,
    "a au aux d de des du en l la le les un une tres plus qui sont est et ou dans par pour son sa ses leur leurs ce
     ces cette s dit dite dites e particuliere particulieres propre propres sur durablement durable"
);
// Short words that are words: no piece of one that was torn apart.
words!(
    SHORT,
    "a au aux de des du d en et ou la le les l un une par pour sur dans est sont sera ont n ne pas non oui se si que
     qui son sa ses y ce lot"
);

/// From this length on, a word with one letter missing or too many is still known.
const TOLERANT: usize = 8;
/// From this length on, a word with one letter for another is still known.
const SURE: usize = 11;

/// The words of the table.
#[derive(Debug, Default)]
pub struct Vocabulary {
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
}

impl Vocabulary {
    /// How many words there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.exact.len() + self.prefixes.len()
    }

    /// Whether there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The number of a word of a form; "*" at its end lets it go on.
    pub(super) fn add(&mut self, word: &str) -> WordId {
        let next = WordId::try_from(self.len()).unwrap_or(WordId::MAX);
        match word.strip_suffix('*') {
            Some(prefix) => {
                self.prefix_lengths |= 1 << prefix.len().min(63);
                *self.prefixes.entry(prefix.to_owned()).or_insert(next)
            }
            None => *self.exact.entry(stem(word).to_owned()).or_insert(next),
        }
    }

    /// Learns what misspelled words look like, once all are added.
    pub(super) fn complete(&mut self) {
        let mut long: Vec<(String, WordId)> =
            self.exact.iter().filter(|(w, _)| w.len() >= TOLERANT).map(|(w, id)| (w.clone(), *id)).collect();
        long.sort_unstable();
        self.heads =
            self.exact.keys().chain(self.prefixes.keys()).filter_map(|w| w.as_bytes().first_chunk().copied()).collect();
        for (word, id) in long {
            for length in word.len() - 1..=word.len() + 1 {
                self.looks.insert((look(&word).0, length));
            }
            for i in 1..word.len() {
                let mut cut = word.clone();
                cut.remove(i);
                self.damaged.entry(cut).or_insert(id);
            }
        }
    }

    /// What is known of a word.
    #[must_use]
    pub fn word(&self, word: &str) -> Known {
        /// Most words kept: more than a language needs, so that hostile text holds little memory.
        const KEPT: usize = 8192;
        thread_local! {
            static MEMORY: RefCell<HashMap<Box<str>, Known, Quick>> = RefCell::default();
        }
        MEMORY.with_borrow_mut(|memory| {
            if let Some(known) = memory.get(word) {
                return *known;
            }
            let known = self.look_up(word);
            if memory.len() >= KEPT {
                memory.clear();
            }
            memory.insert(word.into(), known);
            known
        })
    }

    fn look_up(&self, word: &str) -> Known {
        let mut known = Known::default();
        let mut add = |id: WordId| {
            if let Some(slot) = known.ids.get_mut(usize::from(known.count)) {
                *slot = id;
                known.count += 1;
            }
        };
        let stemmed = stem(word);
        self.exact.get(stemmed).copied().into_iter().for_each(&mut add);
        for length in (2..=word.len().min(20)).filter(|n| self.prefix_lengths & (1 << n) != 0) {
            word.get(..length).and_then(|p| self.prefixes.get(p)).copied().into_iter().for_each(&mut add);
        }
        if known.count == 0
            && let Some(id) = self.scanned(word).or_else(|| self.misspelled(stemmed))
        {
            (known.ids[0], known.count) = (id, 1);
        }
        let marks = [
            (Known::FILLER, FILLERS.contains(word)),
            (Known::SHORT, SHORT.contains(word)),
            (Known::COUNTS, numerals::counts(word)),
        ];
        known.marks = marks.into_iter().filter(|(_, holds)| *holds).fold(0, |all, (mark, _)| all | mark);
        known
    }

    /// The word of the table that a word is, where a scanner read "rn" for "m", or the I of a word in capitals as an l: "lNSERTION".
    fn scanned(&self, word: &str) -> Option<WordId> {
        let known = |mended: &str| self.exact.get(stem(mended)).copied();
        let torn = word.len() >= 6 && word.contains("rn");
        let first = word.len() >= 6 && matches!(word.as_bytes(), [b'l', b'm' | b'n' | b'r' | b's' | b'd', ..]);
        let of_m = torn.then(|| known(&word.replace("rn", "m"))).flatten();
        of_m.or_else(|| first.then(|| known(&format!("i{}", &word[1..]))).flatten())
    }

    /// A long known word of which one letter is missing or too many; of the longest, one may be another.
    fn misspelled(&self, word: &str) -> Option<WordId> {
        if word.len() + 1 < TOLERANT || !word.is_ascii() || !self.looks.contains(&look(word)) {
            return None;
        }
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
    use crate::lexicon::Lexicon;

    #[test]
    fn inflection_is_a_rule() {
        for (a, b) in [("adaptees", "adapte"), ("sociaux", "social"), ("sociales", "social"), ("personnes", "personne")]
        {
            assert_eq!(stem(a), stem(b), "{a} {b}");
        }
        assert_ne!(stem("ea"), stem("e"));
    }

    /// Beginnings of one another: a word that goes on from the longest is all of them.
    #[test]
    fn no_word_is_more_words_of_the_table_than_are_kept() {
        let vocabulary = Lexicon::embedded().vocabulary();
        let nested = |word: &str| vocabulary.prefixes.keys().filter(|p| word.starts_with(p.as_str())).count();
        let most =
            vocabulary.exact.keys().map(|w| 1 + nested(w)).chain(vocabulary.prefixes.keys().map(|w| 1 + nested(w)));
        assert!(most.max() <= Some(MOST));
        assert!(vocabulary.len() < usize::from(WordId::MAX));
    }
}

//! Regular expressions of the classifier, compiled once. They run on short windows around anchor words only.
//!
//! They read folded text, whose letters are ASCII, or French: `\b` and `\w` are told so, since their Unicode forms push the engine
//! off its fast path at the first "n°"; `\p{L}`, `\p{Lu}` and `\p{Ll}` are the letters of Latin alphabets, since those of every
//! script make an expression of names a hundred times as large, in each thread that reads with it. Sets of words, and their
//! hasher, stand here too.

/// Declares a regular expression as a lazily compiled static. That it compiles is proven by the test that touches
/// every pattern of its module.
#[macro_export]
macro_rules! pattern {
    ($name:ident, $($part:expr),+ $(,)?) => {
        static $name: std::sync::LazyLock<$crate::pattern::Regex> = std::sync::LazyLock::new(|| {
            #[allow(clippy::expect_used, reason = "the expression is a constant; each is exercised by tests")]
            $crate::pattern::compile(concat!($($part),+)).expect("a constant expression compiles")
        });
    };
}

/// Declares a set of folded words, parted by white space.
macro_rules! words {
    ($name:ident, $list:expr) => {
        static $name: std::sync::LazyLock<std::collections::HashSet<&'static str, $crate::pattern::Quick>> =
            std::sync::LazyLock::new(|| $list.split_whitespace().collect());
    };
}

/// A set of folded words, parted by white space, where it is used.
macro_rules! words_of {
    ($list:expr) => {{
        words!(WORDS, $list);
        &*WORDS
    }};
}

/// Words that are looked for, as `words!` declares them.
pub type Words = std::collections::HashSet<&'static str, Quick>;

/// Hashes short words by multiplication, with a key of this process: words of texts cannot be made to collide.
#[derive(Debug)]
pub struct WordHasher(u64);

/// Its builder.
pub type Quick = std::hash::BuildHasherDefault<WordHasher>;

impl Default for WordHasher {
    fn default() -> Self {
        static KEY: std::sync::LazyLock<u64> =
            std::sync::LazyLock::new(|| std::hash::BuildHasher::hash_one(&std::hash::RandomState::new(), 0));
        Self(*KEY)
    }
}

impl WordHasher {
    fn mix(&mut self, bytes: u64) {
        let product = u128::from(self.0 ^ bytes) * u128::from(0x9e37_79b9_7f4a_7c15_u64);
        self.0 = (product as u64) ^ (product >> 64) as u64;
    }
}

impl std::hash::Hasher for WordHasher {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write(&mut self, bytes: &[u8]) {
        let (eights, rest) = bytes.as_chunks::<8>();
        for eight in eights {
            self.mix(u64::from_le_bytes(*eight));
        }
        let mut last = [0xff; 8];
        last[..rest.len()].copy_from_slice(rest);
        self.mix(u64::from_le_bytes(last));
    }

    /// The end of a string, which the padding tells already.
    fn write_u8(&mut self, _: u8) {}
}

pub use regex::Regex;

/// Room for the states of one expression, in bytes: with less, long texts make the engine build them again and again.
const STATES: usize = 16 << 20;

/// Classes that an expression names, and what they are here.
const CLASSES: [(&str, &str); 5] = [
    (r"\b", r"(?-u:\b)"),
    (r"\w", "[0-9A-Za-z_]"),
    (r"\p{L}", "[A-Za-zÀ-ÖØ-öø-ž]"),
    (r"\p{Lu}", "[A-ZÀ-ÖØ-ÞŒŠŸŽ]"),
    (r"\p{Ll}", "[a-zß-öø-ÿœšž]"),
];

/// Compiles an expression for folded or French text.
///
/// # Errors
/// It is no expression.
pub fn compile(expression: &str) -> Result<regex::Regex, regex::Error> {
    let narrow = CLASSES.iter().fold(expression.to_owned(), |text, (class, here)| text.replace(class, here));
    regex::RegexBuilder::new(&narrow).dfa_size_limit(STATES).build()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn letters_are_those_of_french_names() {
        let name = compile(r"^\p{Lu}[\p{L}’-]*$").unwrap();
        for town in ["Œuilly", "Saint-Étienne", "L’Haÿ-les-Roses", "Évry", "Bœrsch", "ÎLE", "Škofja"] {
            assert!(name.is_match(town), "{town}");
        }
        for other in ["évry", "×", "Évry 2", "₣"] {
            assert!(!name.is_match(other), "{other}");
        }
        assert!(compile(r"(?i)^\p{Ll}\w\b").unwrap().is_match("À1 "));
    }
}

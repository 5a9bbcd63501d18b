//! A word or number of the folded text, and what stands before it.

use std::borrow::Cow;
use std::ops::Range;

use super::vocabulary::Known;

/// What stands between a word and the one before it.
pub mod mark {
    /// A comma.
    pub const COMMA: u16 = 1;
    /// A colon or an equals sign.
    pub const COLON: u16 = 1 << 1;
    /// A semicolon, a bullet, a dash between spaces, a line break.
    pub const ITEM: u16 = 1 << 2;
    /// An opening bracket.
    pub const OPEN: u16 = 1 << 3;
    /// A closing bracket.
    pub const CLOSE: u16 = 1 << 4;
    /// A full stop.
    pub const STOP: u16 = 1 << 5;
    /// A question mark.
    pub const ASK: u16 = 1 << 6;
    /// A slash.
    pub const SLASH: u16 = 1 << 7;
    /// A hyphen without spaces.
    pub const HYPHEN: u16 = 1 << 8;
    /// An apostrophe.
    pub const APOSTROPHE: u16 = 1 << 9;
    /// A plus sign.
    pub const PLUS: u16 = 1 << 10;
}

/// A word or number of the folded text.
#[derive(Debug, Clone)]
pub struct Token<'a> {
    /// Where it stands in the folded text.
    pub range: Range<usize>,
    /// The word; letters that a scanner took for digits put right.
    pub word: Cow<'a, str>,
    /// What stands before it ([`mark`]).
    pub before: u16,
    /// What the lexicon knows of it.
    pub known: Known,
}

impl Token<'_> {
    /// Whether one of `marks` stands before it.
    #[must_use]
    pub fn after(&self, marks: u16) -> bool {
        self.before & marks != 0
    }

    /// Whether a new sentence begins with it.
    #[must_use]
    pub fn ends_sentence(&self) -> bool {
        self.after(mark::STOP | mark::ASK)
    }

    /// Whether a new item begins with it.
    #[must_use]
    pub fn starts_item(&self) -> bool {
        self.after(mark::ITEM | mark::COLON | mark::COMMA | mark::OPEN)
    }

    /// Whether it begins with one of some words.
    #[must_use]
    pub fn begins(&self, words: &[&str]) -> bool {
        words.iter().any(|w| self.word.starts_with(w))
    }

    /// Whether it begins with a digit.
    #[must_use]
    pub fn is_number(&self) -> bool {
        self.word.as_bytes().first().is_some_and(u8::is_ascii_digit)
    }
}

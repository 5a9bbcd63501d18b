//! Common Procurement Vocabulary codes (Regulation (EC) No 213/2008): eight digits, without the check digit.

use std::fmt;

use serde::{Deserialize, Serialize};

/// A CPV code of exactly eight digits.
///
/// ```
/// # use vigie_domain::Cpv;
/// assert_eq!(Cpv::parse("90910000-9").unwrap().as_str(), "90910000");
/// assert!(Cpv::parse("9091").is_none());
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Cpv(String);

impl Cpv {
    /// Reads a code, with or without its check digit, dots or spaces. `None` when eight digits cannot be found or
    /// the first two are `00` (no such division).
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let main = text.split('-').next().unwrap_or(text);
        let mut digits: String = main.chars().filter(|c| !matches!(c, '.' | ' ')).collect();
        if digits.len() == 9 && !text.contains('-') {
            digits.pop(); // written with its check digit glued on
        }
        let valid = digits.len() == 8 && digits.bytes().all(|b| b.is_ascii_digit()) && !digits.starts_with("00");
        valid.then_some(Self(digits))
    }

    /// A code, or the beginning of one, as people write it: without spaces, dots and check digit. What is no code stays as it
    /// is, for whoever refuses it.
    ///
    /// ```
    /// # use vigie_domain::Cpv;
    /// assert_eq!(Cpv::written("90919200-4"), "90919200");
    /// assert_eq!(Cpv::written("9091"), "9091");
    /// ```
    #[must_use]
    pub fn written(text: &str) -> String {
        let bare: String = text.chars().filter(|c| !c.is_whitespace() && *c != '.').collect();
        Self::parse(&bare).map_or(bare, |code| code.0)
    }

    /// Whether the code lies in what was asked for: the beginning of a code, or a whole code, whose zeros at the end stand for
    /// all that it holds (`90910000` is a group, `90919200` lies in it).
    #[must_use]
    pub fn is_in(&self, asked: &str) -> bool {
        let group = if asked.len() == 8 { asked.trim_end_matches('0') } else { asked };
        // A division has two digits, be the second one a zero.
        self.0.starts_with(if group.len() < 2 { &asked[..asked.len().min(2)] } else { group })
    }

    /// The eight digits.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The two digits of the division, such as `45` for construction work.
    #[must_use]
    pub fn division(&self) -> &str {
        &self.0[..2]
    }
}

impl fmt::Display for Cpv {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_code_loses_its_check_digit_and_nothing_else() {
        for (given, kept) in [("45000000", "45000000"), ("45000000-7", "45000000"), ("450000007", "45000000")] {
            assert_eq!(Cpv::parse(given).map(|c| c.0), Some(kept.to_owned()), "{given}");
        }
    }

    /// A18: criteria as tolerant as data.
    #[test]
    fn a_group_holds_its_codes_and_check_digits_are_no_matter() {
        let code = Cpv::parse("90919200-4").unwrap();
        for asked in ["90910000", "90919200", "9091", "90", "90000000", "90900000"] {
            assert!(code.is_in(asked), "{asked}");
        }
        for asked in ["90911000", "45000000", "90919300", "91"] {
            assert!(!code.is_in(asked), "{asked}");
        }
        let division = Cpv::parse("60000000").unwrap();
        assert!(
            Cpv::parse("60112000").unwrap().is_in("60000000") && !Cpv::parse("61000000").unwrap().is_in("60000000")
        );
        assert!(division.is_in("60000000"));
        for (text, kept) in [
            ("90919200-4", "90919200"),
            ("90 91 92 00", "90919200"),
            ("90.919.200", "90919200"),
            ("909192004", "90919200"),
            (" 9091 ", "9091"),
            ("nettoyage", "nettoyage"),
        ] {
            assert_eq!(Cpv::written(text), kept, "{text}");
        }
    }

    #[test]
    fn what_is_not_a_code_is_refused() {
        for given in ["", "45", "00000000", "4500000A", "ND-1", "123456789012"] {
            assert_eq!(Cpv::parse(given), None, "{given}");
        }
    }
}

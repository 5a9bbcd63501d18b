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

    #[test]
    fn what_is_not_a_code_is_refused() {
        for given in ["", "45", "00000000", "4500000A", "ND-1", "123456789012"] {
            assert_eq!(Cpv::parse(given), None, "{given}");
        }
    }
}

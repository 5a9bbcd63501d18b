//! French numbers in words: "vingt et un", "quatre-vingt-dix", "deux mille vingt-six".

/// A number in digits or words, as an expression captured it: "36", "trente-six".
#[must_use]
pub fn counted(text: &str) -> Option<u32> {
    let mut sum = Sum::default();
    let known = text.split(['-', ' ']).all(|word| word == "et" || sum.add(word));
    text.parse().ok().or_else(|| known.then_some(sum.total + sum.part))
}

/// What the words of a number add up to.
#[derive(Debug, Default)]
pub(crate) struct Sum {
    /// Thousands.
    pub(crate) total: u32,
    /// What stands behind them.
    pub(crate) part: u32,
}

impl Sum {
    /// Adds a word; false for what is no number.
    pub(crate) fn add(&mut self, word: &str) -> bool {
        const SMALL: [&str; 17] = [
            "zero", "un", "deux", "trois", "quatre", "cinq", "six", "sept", "huit", "neuf", "dix", "onze", "douze",
            "treize", "quatorze", "quinze", "seize",
        ];
        let more = match word {
            "une" => 1,
            // Four times twenty.
            "vingt" | "vingts" if self.part % 100 == 4 => 76,
            "vingt" => 20,
            "trente" => 30,
            "quarante" => 40,
            "cinquante" => 50,
            "soixante" => 60,
            "cent" | "cents" => self.part.max(1).saturating_mul(100) - self.part,
            "mille" => {
                self.total = self.total.saturating_add(self.part.max(1).saturating_mul(1000));
                self.part = 0;
                0
            }
            _ => match SMALL.iter().position(|n| *n == word) {
                Some(n) if n > 0 => n as u32,
                _ => return false,
            },
        };
        self.part = self.part.saturating_add(more);
        true
    }
}

/// What part of a hundred a word names: "dixième", "tiers".
pub(crate) fn part_of_a_hundred(word: &str) -> Option<f64> {
    Some(match word {
        "dixieme" => 10.0,
        "vingtieme" => 5.0,
        "cinquieme" => 20.0,
        "quart" => 25.0,
        "tiers" => 100.0 / 3.0,
        "moitie" => 50.0,
        _ => return None,
    })
}

/// Whether a word is a number or part of one.
pub(crate) fn counts(word: &str) -> bool {
    Sum::default().add(word) || part_of_a_hundred(word).is_some()
}

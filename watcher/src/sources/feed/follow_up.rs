//! What a title says became of the notice that it names. Pure.

use std::sync::LazyLock;

use regex::Regex;
use vigie_domain::NoticeKind;

use crate::classify::fold::fold;
use crate::classify::plain;

static CORRECTS: LazyLock<Regex> = LazyLock::new(corrects);

/// A title that says, before or behind its words, that it corrects what it names.
#[expect(clippy::unwrap_used, reason = "a constant, compiled by a test")]
fn corrects() -> Regex {
    let what = r"(?:avis )?(?:rectificatif|rectification|rectifie|modificatif|erratum)s?(?: n ?° ?\d+)?|report (?:de|du) (?:la )?(?:date|delai)[a-z ]{0,30}|prolongation (?:de|du) (?:la )?(?:date|delai)[a-z ]{0,30}";
    Regex::new(&format!(
        r"^[\s*!«]*(?:[\[(]\s*(?:{what})\s*[\])]|(?:{what})\s*(?:[:–—-]|(?:a|au|aux|de|du) l?'?avis\b))|(?:[:–—-]|[\[(])\s*(?:{what})\s*[\])!.*»]*\s*$"
    ))
    .unwrap()
}

/// What a title says became of the notice that it names, if it does.
pub(super) fn follow_up(title: &str) -> Option<NoticeKind> {
    match plain::kind_of_words(title) {
        NoticeKind::Call => CORRECTS.is_match(&fold(title)).then_some(NoticeKind::Correction),
        kind => Some(kind).filter(|k| k.is_follow_up()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// F8: what corrects a notice says so in its title, in many ways.
    #[test]
    fn a_title_that_corrects_is_a_correction() {
        for title in [
            "Rectificatif : Gardiennage du gymnase",
            "RECTIFICATIF - Gardiennage du gymnase",
            "Avis rectificatif n° 2 – Gardiennage du gymnase",
            "[Rectificatif] Gardiennage du gymnase",
            "Gardiennage du gymnase (rectificatif)",
            "Erratum : gardiennage du gymnase",
            "Report de la date limite de remise des offres – Gardiennage du gymnase",
            "Prolongation du délai : gardiennage du gymnase",
        ] {
            assert_eq!(follow_up(title), Some(NoticeKind::Correction), "{title}");
        }
        for title in ["Gardiennage du gymnase", "Report des travaux de peinture", "Peinture rectificative des façades"]
        {
            assert_eq!(follow_up(title), None, "{title}");
        }
    }
}

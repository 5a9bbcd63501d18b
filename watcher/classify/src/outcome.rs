//! What a text says became of a procedure or of its lots, where no field does: "lot 2 : infructueux", "déclarée sans suite pour
//! motif d'intérêt général".
//!
//! Only notices of results and cancellations are read, since a call speaks of earlier failures too. A lot is taken for failed
//! only where the words stand beside it; what a field says is never overruled.

use std::collections::BTreeSet;

use vigie_domain::notice::Award;
use vigie_domain::{NoAwardReason, Notice, NoticeKind};

use super::fold::fold;
use super::numbers::lot_mentions;

pattern!(
    FAILED,
    r"\binfructueu(?:x|se)s?\b|\bsans suite\b|\bnon attribue\w*|\bpas (?:ete )?attribue\w*|\baucune? (?:offre|pli|candidat\w*) (?:n'a|n'ont|recu|depose|remis)\w*|\b(?:est|sont|a ete|ont ete) annule\w*"
);
pattern!(NOT_FAILED, r"\b(?:n'est|ne sont|n'a|n'ont|ne sera|ne seront) (?:pas|plus) (?:ete )?(?:declare\w* )?$");
pattern!(WHOLE, r"\b(?:procedure|consultation|marche|accord-cadre|ensemble des lots|tous les lots|totalite)\b");

/// Longest text read of one passage, in bytes.
const MAX_TEXT: usize = 50_000;

/// Longest sentence kept, in characters.
const MAX_WORDS: usize = 300;

/// Most failures read of one notice: far above any real one, so that hostile text stays cheap.
const MAX_FAILURES: usize = 400;

/// A failure that a sentence tells.
struct Failure {
    /// Lots that it names; empty = none.
    lots: Vec<String>,
    /// It speaks of the procedure as such.
    whole: bool,
    reason: Option<NoAwardReason>,
    /// The sentence, verbatim.
    words: String,
}

impl Failure {
    fn award(&self, lot: Option<String>) -> Award {
        Award { words: Some(self.words.clone()), ..Award::none(lot, self.reason) }
    }
}

/// Completes the results of a notice, and its kind, by what its text says.
pub fn settle(notice: &mut Notice) {
    let told = notice.awards.iter().any(|a| a.lot.is_some() && !a.winners.is_empty() || !a.outcome.is_award());
    if !matches!(notice.kind, NoticeKind::Award | NoticeKind::Cancellation) || told {
        return;
    }
    let failures = failures(notice);
    let Some(first) = failures.iter().find(|f| f.reason.is_some()).or(failures.first()) else { return };
    let named: Vec<&Failure> = failures.iter().filter(|f| !f.lots.is_empty()).collect();
    let whole = named.is_empty() || failures.iter().any(|f| f.whole && f.lots.is_empty());
    let has_winners = notice.awards.iter().any(|a| !a.winners.is_empty());
    if whole && !has_winners {
        notice.awards = vec![first.award(None)];
        if notice.kind == NoticeKind::Award {
            notice.kind = NoticeKind::NoAward;
        }
        return;
    }
    let mut failed: Vec<Award> = Vec::new();
    for failure in named {
        for lot in &failure.lots {
            if !failed.iter().any(|f| f.lot.as_ref() == Some(lot)) {
                failed.push(failure.award(Some(lot.clone())));
            }
        }
    }
    let is_failed = |lot: &str| failed.iter().any(|f| f.lot.as_deref() == Some(lot));
    if notice.kind == NoticeKind::Award && !has_winners {
        // What did not fail in a notice of results was awarded.
        let others = other_lots(notice).into_iter().filter(|l| !is_failed(l));
        let awarded: Vec<Award> = others.map(|lot| Award { lot: Some(lot), ..Award::default() }).collect();
        if awarded.is_empty() {
            notice.kind = NoticeKind::NoAward;
        }
        notice.awards = awarded;
    }
    notice.awards.retain(|a| a.lot.as_deref().is_none_or(|l| !is_failed(l)));
    notice.awards.extend(failed);
}

/// Every failure that the text tells.
fn failures(notice: &Notice) -> Vec<Failure> {
    let mut out = Vec::new();
    let passages = notice.passages.iter().map(|p| (p.text.as_str(), p.lot.clone()));
    for (text, lot) in std::iter::once((notice.title.as_str(), None)).chain(passages) {
        let text = &text[..text.floor_char_boundary(MAX_TEXT)];
        for words in text.split(['\n', ';']).flat_map(|line| line.split(". ")) {
            let folded = fold(words);
            let sentence = folded.as_str();
            let told: Vec<_> = FAILED
                .find_iter(sentence)
                .filter(|m| {
                    !NOT_FAILED
                        .is_match(&sentence[sentence.ceil_char_boundary(m.start().saturating_sub(40))..m.start()])
                })
                .take(MAX_FAILURES - out.len().min(MAX_FAILURES))
                .collect();
            if told.is_empty() {
                continue;
            }
            let (mentions, reason, whole) = (lot_mentions(sentence), reason(sentence), WHOLE.is_match(sentence));
            for failed in told {
                let nearest = mentions.iter().rev().find(|m| m.range.end <= failed.start()).or(mentions.first());
                let lots = nearest.map(|m| m.lots.clone()).or(lot.clone().map(|l| vec![l])).unwrap_or_default();
                let words = words.trim().chars().take(MAX_WORDS).collect();
                out.push(Failure { lots, whole, reason, words });
            }
        }
    }
    out
}

/// Lots of the notice: those of its form, else those its text names.
fn other_lots(notice: &Notice) -> BTreeSet<String> {
    if !notice.lots.is_empty() {
        return notice.lots.iter().map(|l| l.id.clone()).collect();
    }
    let texts = notice.passages.iter().map(|p| fold(&p.text[..p.text.floor_char_boundary(MAX_TEXT)]));
    texts.flat_map(|t| lot_mentions(&t).into_iter().flat_map(|m| m.lots).collect::<Vec<_>>()).collect()
}

/// Why nobody won, by the words of the sentence that says so.
fn reason(sentence: &str) -> Option<NoAwardReason> {
    let says = |words: &[&str]| words.iter().any(|w| sentence.contains(w));
    let known = [
        (&["interet general"][..], NoAwardReason::GeneralInterest),
        (
            &[
                "aucune offre n'",
                "aucune offre recu",
                "aucun pli",
                "aucune candidature",
                "absence d'offre",
                "absence de candidat",
                "absence de pli",
            ],
            NoAwardReason::NoRece,
        ),
        (&["une seule offre", "insuffisance de concurrence", "manque de concurrence"], NoAwardReason::OneAdmit),
        (&["budget", "credits", "financ"], NoAwardReason::InsFund),
        (&["inacceptable", "irreguliere", "inapproprie", "irrecevable", "non conforme"], NoAwardReason::AllRej),
        (&["redefini", "besoin"], NoAwardReason::ChanNeed),
        (&["erreur", "vice de"], NoAwardReason::TchProErr),
        (&["infructueu"], NoAwardReason::Unsuccessful),
    ];
    known.into_iter().find(|(words, _)| says(words)).map(|(_, reason)| reason)
}

#[cfg(test)]
mod tests {
    use vigie_domain::{Lot, Outcome, Passage};

    use super::*;

    fn read(kind: NoticeKind, lots: &[&str], text: &str) -> Notice {
        let mut notice = Notice::new("boamp", "26-1", kind);
        notice.lots = lots.iter().map(|id| Lot { id: (*id).into(), ..Lot::default() }).collect();
        notice.passages.push(Passage { field: "t".into(), lot: None, text: text.into() });
        settle(&mut notice);
        notice
    }

    fn outcomes(notice: &Notice) -> Vec<(Option<&str>, Outcome, Option<NoAwardReason>)> {
        notice.awards.iter().map(|a| (a.lot.as_deref(), a.outcome, a.reason)).collect()
    }

    #[test]
    fn a_lot_that_failed_is_not_awarded_and_the_others_are() {
        for text in [
            "Lot 1 - Gros œuvre : Entreprise Martin, 62000 Arras. Lot 2 - Peinture : infructueux, aucune offre n'a été remise.",
            "Le lot n° 2 est déclaré infructueux : aucune offre reçue ;\nlot n° 1 attribué à Martin SARL",
        ] {
            let notice = read(NoticeKind::Award, &["1", "2"], text);
            assert_eq!(notice.kind, NoticeKind::Award, "{text}");
            let expected =
                [(Some("1"), Outcome::Awarded, None), (Some("2"), Outcome::NoAward, Some(NoAwardReason::NoRece))];
            assert_eq!(outcomes(&notice), expected, "{text}");
        }
    }

    #[test]
    fn a_procedure_without_award_is_none() {
        for (text, why) in [
            (
                "La procédure est déclarée sans suite pour motif d'intérêt général.",
                Some(NoAwardReason::GeneralInterest),
            ),
            ("Consultation déclarée sans suite : budget insuffisant", Some(NoAwardReason::InsFund)),
            ("Marché infructueux", Some(NoAwardReason::Unsuccessful)),
            ("Le marché n'a pas été attribué", None),
        ] {
            let notice = read(NoticeKind::Award, &[], text);
            assert_eq!(
                (notice.kind, outcomes(&notice)),
                (NoticeKind::NoAward, vec![(None, Outcome::NoAward, why)]),
                "{text}"
            );
        }
    }

    #[test]
    fn every_lot_failed_is_no_award() {
        let notice = read(NoticeKind::Award, &["1", "2"], "Les lots 1 et 2 sont déclarés infructueux");
        assert_eq!((notice.kind, notice.awards.len()), (NoticeKind::NoAward, 2));
    }

    #[test]
    fn only_the_lot_named_is_called_off() {
        let notice =
            read(NoticeKind::Cancellation, &["1", "2", "3"], "Le lot 3 est déclaré sans suite en raison d'une erreur.");
        assert_eq!(outcomes(&notice), [(Some("3"), Outcome::NoAward, Some(NoAwardReason::TchProErr))]);
        let notice = read(
            NoticeKind::Cancellation,
            &["1", "2"],
            "La consultation est déclarée sans suite (redéfinition du besoin).",
        );
        assert_eq!(outcomes(&notice), [(None, Outcome::NoAward, Some(NoAwardReason::ChanNeed))]);
    }

    #[test]
    fn an_award_and_a_call_are_left_as_they_are() {
        for (kind, text) in [
            (NoticeKind::Award, "Lot 1 attribué à Martin SARL. Lot 2 attribué à Dupont SA."),
            (NoticeKind::Award, "Le marché n'est pas infructueux."),
            (NoticeKind::Call, "Relance du lot 2 déclaré infructueux lors de la première consultation."),
        ] {
            let notice = read(kind, &["1", "2"], text);
            assert_eq!((notice.kind, outcomes(&notice)), (kind, vec![]), "{text}");
        }
    }
}

//! Which numbers are amounts of work: hours, posts and shares of them; not a delay, a time of day, a penalty, a weight or a rate by the
//! euro.

use super::lexicon::Concept;
use super::quantity::{COUNTED, Quantity, Unit};
use super::statement::Statement;
use super::token::mark;
use super::when::MONTHS;

/// Whether a statement tells an amount of work.
pub(super) fn has_volume(s: &Statement<'_>) -> bool {
    let labelled = s.has_word(0, s.tokens.len(), &["heures"]);
    if labelled
        && s.numbers.iter().any(|q| q.unit == Unit::None && s.tokens[q.from].after(mark::COLON) && q.value >= 10.0)
    {
        return true;
    }
    if labelled && named_amounts(s) {
        return true;
    }
    // "5 % de la puissance", "20 % des places" are no work.
    let insertion = s.says.any(&[Concept::ClauseName, Concept::InsertionAction]);
    s.numbers.iter().any(|q| match q.unit {
        Unit::Hours | Unit::FullTime => counts(s, q, false),
        Unit::Percent => counts(s, q, false) && (insertion || share_of_work(s, q)),
        _ => false,
    })
}

/// "(heures) : GO 1 000 / Charpente 200 / Plâtrerie 350": numbers behind names, each the end of its item.
pub(super) fn named_amounts(s: &Statement<'_>) -> bool {
    let marks = mark::SLASH | mark::COMMA | mark::ITEM | mark::STOP;
    let ends = |q: &&Quantity| {
        q.unit == Unit::None
            && q.value >= 10.0
            && q.from > 2
            && s.tokens[q.from].before == 0
            && !s.tokens[q.from - 1].is_number()
            && s.tokens.get(q.to).is_none_or(|t| t.after(marks))
    };
    s.numbers.iter().filter(ends).count() >= 3
}

/// "60 % au lot 2": what part of an amount a lot has.
pub(super) fn of_a_lot(s: &Statement<'_>, q: &Quantity) -> bool {
    s.has_word(q.to, q.to + 1, &["au", "aux", "pour", "sur"]) && s.has_word(q.to + 1, q.to + 3, &["lot", "lots"])
}

/// Whether a quantity may be a volume of work: not a delay, a time of day, a penalty, a rate by the euro. `told`: the words around call
/// it insertion.
pub(super) fn counts(s: &Statement<'_>, q: &Quantity, told: bool) -> bool {
    let before = |n: usize, words: &[&str]| s.has_word(q.from.saturating_sub(n), q.from, words);
    let behind = |n: usize, words: &[&str]| s.has_word(q.to, q.to + n, words);
    let moved = replaced(s, q);
    let rate = behind(
        3,
        &[
            "semaine",
            "jour",
            "ouvrees",
            "hebdomadaires",
            "stagiaires",
            "stagiaire",
            "etudes",
            "ingenierie",
            "formation",
            "groupe",
            "groupes",
            "session",
            "sessions",
            "participant",
            "seance",
            "avant",
        ],
    ) || behind(7, &["tranche"])
        && (0..7).any(|i| {
            s.has_word(q.to + i, q.to + i + 1, &["tranche"]) && s.has_word(q.to + i + 1, q.to + i + 2, &["de"])
        })
        || behind(2, &["pour"]) && behind(6, &["€", "euros", "eur"]);
    let delay =
        before(3, &["sous", "delai", "delais", "preavis", "intervention", "ouverture", "formation", "formations"])
            || q.value <= 48.0 && before(1, &["pendant"])
            || before(2, &["dans", "les"]) && before(2, &["dans"]);
    let places = q.unit == Unit::Percent
        && behind(4, &["places", "place", "berceaux", "marches", "stagiaires", "repas", "logements"]);
    let clock = q.unit == Unit::Hours
        && q.value <= 24.0
        && (before(1, &["a"]) && !set_at(s, q) && q.upper.is_none() && !s.says.has(Concept::ClauseName)
            || before(1, &["a", "de", "avant"]) && behind(2, &["a", "le"])
            || before(2, &["heures", "h"])
            // "14/01, 16h".
            || q.from >= 2 && s.tokens[q.from - 1].is_number() && s.tokens[q.from - 1].after(mark::SLASH)
            || q.from.checked_sub(1).is_some_and(|i| ends_a_day(&s.tokens[i].word)));
    // "Base 1 607 heures": what a post counts for; "semaines de 35 heures".
    let base = before(3, &["base", "bases"]) || before(1, &["de"]) && before(2, &["semaine", "semaines"]);
    let penalty = before(4, &["€", "euros"]) && before(2, &["par"]);
    let merit =
        s.has_word(0, q.from, &["qualite", "performance", "performances", "pertinence", "valeur", "connaissance"]);
    let weight = q.unit == Unit::Percent
        && !share_of_work(s, q)
        && (merit || !told && !s.says.any(&[Concept::ClauseName, Concept::FarFromWork, Concept::InsertionAction]));
    !(places || base || moved || rate || delay || clock || penalty || weight) && q.value > 0.0
}

/// Whether a word is the year or the month of a day: "28 janvier 2027, 12 heures".
fn ends_a_day(word: &str) -> bool {
    word.len() == 4 && word.starts_with("20") && word.bytes().all(|b| b.is_ascii_digit()) || MONTHS.contains(&word)
}

/// "Au lieu de 300, lire 450", "les 300 heures sont remplacées par 450": the old number.
pub(super) fn replaced(s: &Statement<'_>, q: &Quantity) -> bool {
    let before = |n: usize, words: &[&str]| s.has_word(q.from.saturating_sub(n), q.from, words);
    // "« 1 200 heures » est remplacé par « 900 heures »".
    let gone =
        s.tokens[q.to..].iter().take(3).any(|t| t.word.starts_with("remplac")) && s.has_word(q.to, q.to + 5, &["par"]);
    let exchanged = gone
        || s.tokens[q.from.saturating_sub(5)..q.from].iter().any(|t| t.word.starts_with("remplac"))
            && !before(2, &["par"])
            && s.has_word(q.to, q.to + 5, &["par"]);
    before(3, &["lieu"]) && before(4, &["au"]) || exchanged
}

/// "Le nombre d'heures … est fixé à 420": a number without its unit, behind a verb that sets it.
pub(super) fn set_at(s: &Statement<'_>, q: &Quantity) -> bool {
    words!(
        SETS,
        "inferieur inferieure fixe fixees fixee porte portees portee egal eleve elevent arrete ramene est minimum"
    );
    let word = |n: usize| q.from.checked_sub(n).map_or("", |i| s.tokens[i].word.as_ref());
    word(1) == "a" && SETS.contains(word(2)) || word(1) == "de" && matches!(word(2), "est" | "minimum" | "moins")
}

/// Whether a percentage is a share of hours, time or staff.
pub(super) fn share_of_work(s: &Statement<'_>, q: &Quantity) -> bool {
    // "Tarif 45 %, inclusion 20 % (nombre de postes …)": what a weight is given for.
    let weights = s.numbers.iter().filter(|o| o.unit == Unit::Percent).count() >= 2;
    let marks = mark::ITEM | mark::STOP | if weights { mark::OPEN } else { 0 };
    let end = s.clause_end(q.to.max(1) - 1, marks).min(q.to + 8);
    let of_work = s.has_one(
        q.to,
        end,
        words_of!("heures temps main masse effectif effectifs volume travail postes h travaillees"),
    );
    // "10 % d'insertion", not "10 % : insertion".
    let of_insertion = s.tokens.get(q.to).is_some_and(|t| t.word == "d" && t.before == 0)
        && s.has_word(q.to + 1, q.to + 2, &["insertion"]);
    let one_in = q.to - q.from >= 4 && s.tokens[q.from + 1].begins(&COUNTED);
    let mo = s.has_word(q.to, q.to + 2, &["mo"]);
    let days = s.tokens[q.from..s.tokens.len().min(q.to + 3)].iter().any(|t| t.word.starts_with("journee"));
    (of_work || of_insertion || one_in || mo || days) && !s.has_word(q.to, q.to + 2, &["prix"])
}

//! What somebody answered to an alert, in a chat or by mail, in their own words. Pure.
//!
//! Invariant: a doubt is left to a person. A decision is read only where it stands alone, or where what follows neither takes
//! it back, narrows it nor asks something. Quotes, greetings and signatures are cut off before (`roles/mailbox/words`).

use std::sync::LazyLock;

use regex::Regex;
use vigie_domain::Stage;

use super::action::{self, Act};
use super::vocabulary;

/// Longest answer looked at, in characters: what is longer is a letter.
const MAX_ANSWER: usize = 600;
/// Most words of an answer that is read beyond its first clause.
const MAX_WORDS: usize = 40;
/// What a network answers for its members to have the procedure too.
pub const PASS_ON: &str = "/transmettre";

/// Words of courtesy that stand alone in a clause.
pub static COURTESY: LazyLock<Regex> = LazyLock::new(|| {
    expression(
        r"(?i)^(merci( (beaucoup|bien|d'avance|par avance|a vous))?|svp|s'il vous plait|stp|s'il te plait|please|thanks?|thank you|bonjour|cordialement|bonne (journee|soiree))$",
    )
});

// « Fatou prend le dossier », « Karim Benali s'en occupe ».
static TAKES_IT: LazyLock<Regex> = LazyLock::new(|| {
    expression(
        r"^[\s,.;:!–—-]*(?P<who>\p{Lu}[\p{L}'’-]+(?:\s+\p{Lu}[\p{L}'’-]+)?)\s+(?:s['’]en\s+(?:occupe|charge)|prend\s+(?:le\s+dossier|la\s+main|en\s+charge)|g[eè]re)\s*[.!]*\s*$",
    )
});

#[allow(clippy::expect_used, reason = "the expressions are constants; each is exercised by tests")]
fn expression(text: &str) -> Regex {
    Regex::new(text).expect("a constant expression compiles")
}

/// Whether an answer is short enough to be read.
#[must_use]
pub fn is_short(said: &str) -> bool {
    said.chars().count() <= MAX_ANSWER && said.split_whitespace().count() <= MAX_WORDS
}

/// What an answer asks for.
#[must_use]
pub fn act(said: &str) -> Option<Act> {
    action::words(&word(said)?)
}

/// An answer in words that [`action::words`] knows, or [`PASS_ON`]; `None` for what is left to a person.
#[must_use]
pub fn word(said: &str) -> Option<String> {
    if said.contains('?') || !is_short(said) {
        return None;
    }
    let courteous = without_thanks(said);
    if action::folded(&courteous).trim_start_matches('/') == "transmettre" {
        return Some(PASS_ON.to_owned());
    }
    // « Ok merci » says that it came.
    let acknowledges = |word: &str| matches!(action::folded(word).as_str(), "ok" | "d'accord");
    if acknowledges(&courteous) && action::folded(&courteous) != action::folded(said) {
        return None;
    }
    if action::words(&courteous).is_some() {
        return Some(courteous);
    }
    // « Non, pas cette fois » is one answer, with or without its comma.
    let flat = courteous.replace(',', " ").split_whitespace().collect::<Vec<_>>().join(" ");
    if action::words(&flat).is_some() {
        return Some(flat);
    }
    if let Some(word) = refused_because(said) {
        return Some(word);
    }
    let (first, rest) = first_clause(said)?;
    let first = without_thanks(first);
    let rest_is_courtesy = clauses(rest).iter().all(|c| COURTESY.is_match(c));
    // « Ok, bien reçu » says that it came: alone it decides, with more it does not.
    if action::folded(&first) == "oui"
        && let Some(name) = who_takes_it(rest)
    {
        return Some(format!("oui, pour {name}"));
    }
    let stands = action::words(&first).is_some() && (rest_is_courtesy || !acknowledges(&first) && !contradicts(rest));
    (stands && !says_otherwise(&first, rest)).then_some(first)
}

/// « Non, nous allons répondre à ce marché », « oui, on passe notre tour »: one decides, the other decides the contrary.
fn says_otherwise(first: &str, rest: &str) -> bool {
    let refuses = |said: &str| vocabulary::stage(said).map(|stage| stage == Stage::NoGo);
    let decided = refuses(&action::folded(first));
    decided.is_some() && clauses(rest).iter().filter_map(|clause| refuses(clause)).any(|other| Some(other) != decided)
}

/// Who takes care of it, where that is all that follows a yes.
fn who_takes_it(rest: &str) -> Option<String> {
    let who = TAKES_IT.captures(rest)?["who"].to_owned();
    action::words(&format!("pour {who}")).map(|_| who)
}

/// Words that leave a refusal in doubt, whatever its reason.
const NO_REASON: [&str; 31] = [
    "recu",
    "rien",
    "compris",
    "vu",
    "oui",
    "mais",
    "sauf",
    "finalement",
    "plutot",
    "stop",
    "si",
    "peut",
    "peut-etre",
    "sous",
    "reserve",
    "sinon",
    "attendre",
    "attendez",
    "attendons",
    "avant",
    "encore",
    "apres",
    "uniquement",
    "seulement",
    "cette",
    "pourriez",
    "pouvez",
    "annule",
    "annuler",
    "erreur",
    "moment",
];

/// « Non, trop loin », « non parce que … », « non - pas d'agrément »: a refusal with its reason, which takes nothing back.
fn refused_because(said: &str) -> Option<String> {
    let folded = action::folded(said).replace('’', "'");
    let rest = folded.strip_prefix("non merci").or_else(|| folded.strip_prefix("non"))?;
    let rest =
        rest.strip_prefix(|c: char| c.is_whitespace() || matches!(c, ',' | '.' | '-' | '–' | '—' | ':' | ';' | '!'))?;
    let reason = rest.trim_start_matches([' ', ',', '.', '-', '–', '—', ':', ';', '!']);
    let mut words = reason.split(|c: char| !c.is_alphanumeric() && c != '-').filter(|w| !w.is_empty());
    let because = [
        "car ",
        "parce qu",
        "puisqu",
        "faute d",
        "trop ",
        "pas d",
        "pas assez",
        "nous ne faisons",
        "nous n'avons pas",
        "nous ne sommes pas",
        "on ne fait",
        "on n'a pas",
        "ca ne nous",
        "cela ne nous",
    ];
    let begins = because.iter().any(|b| reason.starts_with(b)) || vocabulary::refusal(reason).is_some();
    if !begins || said.contains('?') || words.any(|w| NO_REASON.contains(&w)) {
        return None;
    }
    Some(if vocabulary::refusal(reason).is_some() { reason.to_owned() } else { "non".to_owned() })
}

/// The clauses of a text, folded.
#[must_use]
pub fn clauses(text: &str) -> Vec<String> {
    let parts = text.split(['.', ',', ';', '!', '\n', '(', ')', '–', '—', ':']);
    parts.map(|c| action::folded(c).replace('’', "'")).filter(|c| !c.is_empty()).collect()
}

/// « Non merci » says what « non » says.
fn without_thanks(text: &str) -> String {
    let trimmed = text.trim().trim_end_matches(['.', '!', ' ', '\u{a0}', '\u{202f}']);
    let folded = trimmed.to_lowercase();
    for thanks in [", merci beaucoup", " merci beaucoup", ", merci", " merci"] {
        if folded.ends_with(thanks) {
            // Lowering may change lengths: cut by characters.
            let keep = trimmed.chars().count() - thanks.chars().count();
            return trimmed.chars().take(keep).collect();
        }
    }
    trimmed.to_owned()
}

/// The first clause of a text, and what follows it.
fn first_clause(text: &str) -> Option<(&str, &str)> {
    let at = text.find(['.', ',', ';', '!', '?', ':', '\n', '(', '–', '—'])?;
    let first = text.get(..at)?.trim();
    (!first.is_empty()).then(|| (first, text.get(at..).unwrap_or_default()))
}

/// Words by which an answer is taken back, narrowed, put off or questioned.
pub const DOUBT: &[&str] = &[
    "oui",
    "non",
    "mais",
    "sauf",
    "pas",
    "stop",
    "peut",
    "si",
    "finalement",
    "plutot",
    "lot",
    "lots",
    "seulement",
    "uniquement",
    "que",
    "cependant",
    "toutefois",
    "neanmoins",
    "sinon",
    "ou",
    "avant",
    "apres",
    "attendre",
    "attends",
    "attendons",
    "voir",
    "verrai",
    "verrons",
    "regarde",
    "regarder",
    "regardons",
    "reflechir",
    "reflechis",
    "hesite",
    "hesitons",
    "question",
    "comment",
    "pourquoi",
    "quand",
    "combien",
    "recu",
    "erreur",
    "probleme",
    "sous",
    "reserve",
    "condition",
    "quoique",
    "rien",
    "jamais",
    "encore",
    "pourriez",
    "pouvez",
    "envoyez",
    "envoyer",
    "appelez",
    "appeler",
    "contre",
    "annule",
    "annuler",
    "demain",
    "test",
];

/// Whether what follows an answer may take it back, narrow it, put it off or ask something: then a human reads it.
#[must_use]
pub fn contradicts(rest: &str) -> bool {
    rest.contains('?') || action::folded(rest).split(|c: char| !c.is_alphanumeric()).any(|w| DOUBT.contains(&w))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Attack: people answer in sentences, by mail and in chats, and are told what stands.
    #[test]
    fn sentences_are_read_as_what_they_say() {
        use crate::answers::action::{Action, RemindDay};
        use chrono::Weekday;
        use vigie_domain::{Refusal, Stage};
        let go = || Action::Stage(Stage::Go);
        let no = || Action::Stage(Stage::NoGo);
        for (said, wanted) in [
            ("Oui, merci", go()),
            ("Ça nous intéresse", go()),
            ("Oui, cela nous intéresse.", go()),
            ("Cela nous intéresse, merci", go()),
            ("On est partants", go()),
            ("Nous sommes partants !", go()),
            ("Nous répondrons", go()),
            ("Non, pas cette fois", no()),
            ("Pas cette fois, merci", no()),
            ("Nous ne répondrons pas", no()),
            ("On ne répondra pas.", no()),
            ("NON MERCI", no()),
            ("Trop loin pour nous", Action::Because(Refusal::Place)),
            ("C’est trop loin", Action::Because(Refusal::Place)),
            ("C’est trop gros pour nous", Action::Because(Refusal::Size)),
            ("Nous n’avons pas la capacité", Action::Because(Refusal::Size)),
            ("Ce n’est pas notre métier", Action::Because(Refusal::Trade)),
            ("Nous sommes intéressés par ce marché, merci.", go()),
            ("Nous allons répondre à ce marché.", go()),
            ("Ok on se positionne", go()),
            ("Oui, nous nous positionnons sur cette consultation", go()),
            ("Non merci, pas pour nous.", no()),
            ("Non, on passe notre tour", no()),
            ("On passe notre tour cette fois", no()),
            ("Nous n’y allons pas pour cet appel d’offres", no()),
            ("À revoir la semaine prochaine", Action::Remind(7)),
            ("relancez-moi dans 2 semaines", Action::Remind(14)),
            ("Plus tard svp", Action::Remind(3)),
            ("Rappel dans cinq jours", Action::Remind(5)),
            ("rappelez-moi dans deux semaines", Action::Remind(14)),
            ("Me le rappeler demain", Action::Remind(1)),
            ("Rappel lundi", Action::RemindOn(RemindDay::Next(Weekday::Mon))),
            ("rappel vendredi prochain", Action::RemindOn(RemindDay::Next(Weekday::Fri))),
            ("Rappel le 2 décembre", Action::RemindOn(RemindDay::Date { day: 2, month: 12, year: None })),
            (
                "rappel le mercredi 02/12/2026",
                Action::RemindOn(RemindDay::Date { day: 2, month: 12, year: Some(2026) }),
            ),
        ] {
            assert_eq!(act(said), Some(wanted.into()), "{said}");
        }
        // What narrows, asks or hesitates is for a person.
        for said in [
            "Oui pour les lots 2 et 3",
            "Oui, mais pas pour le lot 2",
            "Oui, on y va ; merci de nous envoyer le DCE",
            "Ok merci",
            "D’accord, merci",
            "Trop loin ?",
            "Pas trop loin",
            "Peut-être",
            "Pas encore décidé",
            "Oui mais plus tard",
            "Rappel le 32 décembre",
            "Ça nous intéresse, sauf le lot 3",
            "Non, nous allons répondre à ce marché",
            "Oui, on passe notre tour",
            "Oui ! Je passe",
            "Oui, pas pour nous",
            "Nous avons perdu à ce marché",
            "Ok bien reçu pour ce marché",
            "À revoir avec Marc",
        ] {
            assert_eq!(act(said), None, "{said}");
        }
    }
}

//! What an answer says, without what it quotes. Pure.
//!
//! Mail programs put the message answered below the answer, in as many ways as there are programs; signatures and greetings
//! stand around the words that count. What remains is read as a chat reads it; what is none of that is for a human.

use vigie_service::answers::action;

/// Longest answer looked at, in characters: what is longer is a letter.
const MAX_ANSWER: usize = 600;
/// Most words of an answer that is read beyond its first clause.
const MAX_WORDS: usize = 40;

expression!(
    QUOTE,
    r"(?i)^\s*(>|-{2,}\s*(message d|original|forwarded|début du message|message transf)|_{10,}|\*?(de|from|von)\s*:\*?\s|(le|on)\s.{4,200}\s(a écrit|wrote|écrivait)\s*:?\s*$|début du message)"
);
expression!(QUOTE_BEGINS, r"(?i)^\s*(le|on)\s.{0,30}\d{1,4}.{0,120}[<@,]");
expression!(QUOTE_ENDS, r"(?i)(a écrit|wrote|écrivait)\s*:?\s*$");
expression!(
    SIGNATURE,
    r"(?i)^\s*(--\s*$|(bien )?cordialement|bien à vous|cdlt|cdt|(très )?bonne (journée|soirée|fin)|sincèrement|salutations|envoyé (de|depuis|à partir)|sent from|obtenez outlook|get outlook|télécharger outlook)"
);
expression!(GREETING, r"(?i)^\s*(bonjour|bonsoir|salut|hello|madame|monsieur|chers?|chère)\b[^.:!?]{0,40}[\s,.!:]*$");
expression!(
    STOP,
    r"^(stop|stopper|stop merci|arret|arretez?|arretez de m'ecrire|arreter|(me |nous |veuillez (me |nous )?)?desabonne(r|z)?(-moi| moi|-nous)?|(me |nous )?desinscri(re|vez-moi|vez moi|ption)|desabonnement|unsubscribe|(je )?ne plus recevoir.{0,40}|(merci de )?ne plus m'envoyer.{0,40}|(je )?ne (souhaite|veux) plus (recevoir|de).{0,40}|retirez-moi.{0,40}|supprimez mon adresse)$"
);

/// What somebody answered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Answer {
    /// No more messages.
    Stop,
    /// Something a chat would understand, in its words.
    Word(String),
    /// Something for a human.
    Unclear,
}

/// What a network answers for its members to have the procedure too.
const PASS_ON: &str = "/transmettre";

/// The words of an answer, without quotes, greeting and signature.
#[must_use]
pub fn said(text: &str) -> String {
    let lines: Vec<&str> = text.lines().collect();
    let mut kept: Vec<&str> = Vec::new();
    for (i, line) in lines.iter().enumerate() {
        let next = lines.get(i + 1).copied().unwrap_or_default();
        let broken = QUOTE_BEGINS.is_match(line) && (QUOTE_ENDS.is_match(line) || QUOTE_ENDS.is_match(next));
        if QUOTE.is_match(line) || broken || SIGNATURE.is_match(line) {
            break;
        }
        if kept.is_empty() && (line.trim().is_empty() || GREETING.is_match(line)) {
            continue;
        }
        kept.push(line.trim());
    }
    kept.join("\n").trim().to_owned()
}

/// What an answer asks for. A mail without words is read by its subject, which programs fill in from an unsubscription link.
#[must_use]
pub fn answer(subject: &str, text: &str) -> Answer {
    let said = said(text);
    if said.is_empty() {
        return if is_stop(subject) { Answer::Stop } else { Answer::Unclear };
    }
    if said.chars().count() > MAX_ANSWER || said.split_whitespace().count() > MAX_WORDS {
        return Answer::Unclear;
    }
    if is_stop(&said) {
        return Answer::Stop;
    }
    let courteous = without_thanks(&said);
    if action::folded(&courteous).trim_start_matches('/') == "transmettre" {
        return Answer::Word(PASS_ON.to_owned());
    }
    if action::words(&courteous).is_some() {
        return Answer::Word(courteous);
    }
    let Some((first, rest)) = first_clause(&said) else { return Answer::Unclear };
    if is_stop(first) {
        return Answer::Stop;
    }
    let first = without_thanks(first);
    if action::words(&first).is_some() && !contradicts(rest) { Answer::Word(first) } else { Answer::Unclear }
}

/// Whether it says yes, and nothing else.
#[must_use]
pub fn agrees(word: &str) -> bool {
    matches!(action::folded(word).as_str(), "oui" | "ok" | "d'accord" | "go" | "je confirme" | "confirme")
}

/// Whether it says no, and nothing else.
#[must_use]
pub fn refuses(word: &str) -> bool {
    matches!(action::folded(word).as_str(), "non" | "no")
}

fn is_stop(text: &str) -> bool {
    STOP.is_match(&action::folded(text).replace('’', "'"))
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

/// Whether what follows an answer may take it back: then a human reads it.
fn contradicts(rest: &str) -> bool {
    let folded = action::folded(rest);
    folded
        .split(|c: char| !c.is_alphanumeric())
        .any(|w| ["oui", "non", "mais", "sauf", "pas", "stop", "peut", "si", "finalement", "plutot"].contains(&w))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn word(text: &str) -> Answer {
        Answer::Word(text.to_owned())
    }

    #[test]
    fn quotes_greetings_and_signatures_say_nothing() {
        for (mail, says) in [
            ("oui\n\n> Nouveau marché\n> stop", "oui"),
            ("Bonjour,\n\nOui\n\nCordialement,\nJeanne\n", "Oui"),
            ("Non\n\nLe mar. 24 nov. 2026 à 09:12, Vigie <vigie@x.fr> a écrit :\n\noui", "Non"),
            ("Non\n\nLe mardi 24 novembre 2026 à 09:12, Vigie <retours+abc@x.fr>\na écrit :\noui", "Non"),
            ("plus tard\r\n\r\nDe : Vigie <vigie@x.fr>\r\nEnvoyé : mardi\r\nObjet : oui\r\n", "plus tard"),
            ("oui\n-----Message d'origine-----\nDe : Vigie", "oui"),
            ("stop\n\nEnvoyé de mon iPhone", "stop"),
            ("on y va\n________________________________\nFrom: Vigie", "on y va"),
            ("oui\n-- \nJeanne Untel\nnon", "oui"),
            ("On Tue, Nov 24, 2026 at 9:12 AM Vigie <v@x.fr> wrote:\n> oui", ""),
        ] {
            assert_eq!(said(mail), says, "{mail}");
        }
    }

    #[test]
    fn french_answers_are_understood() {
        for said in [
            "stop",
            "STOP !",
            "Désabonnez-moi",
            "me désinscrire",
            "Je ne souhaite plus recevoir ces messages.",
            "Stop, merci",
        ] {
            assert_eq!(answer("Re: Nouveau", said), Answer::Stop, "{said}");
        }
        assert_eq!(answer("stop", ""), Answer::Stop);
        for (said, says) in [
            ("Transmettre, merci", PASS_ON),
            ("/transmettre", PASS_ON),
            ("Oui", "Oui"),
            ("Non merci.", "Non"),
            ("oui, merci beaucoup !", "oui"),
            ("Plus tard", "Plus tard"),
            ("rappel dans 5 jours", "rappel dans 5 jours"),
            ("Oui ! Jeanne s’en occupe.", "Oui"),
            ("oui lot 2", "oui lot 2"),
            ("Trop loin", "Trop loin"),
        ] {
            assert_eq!(answer("Re: Nouveau", said), word(says), "{said}");
        }
        for said in [
            "",
            "Oui, mais pas pour le lot 2",
            "Non, finalement on y va",
            "Pouvez-vous m’appeler ?",
            "Oui. Non.",
            "Le stop de la rue est cassé, et nous voulons en parler avec quelqu’un",
        ] {
            assert_eq!(answer("Re: stop au gaspillage", said), Answer::Unclear, "{said}");
        }
    }

    proptest::proptest! {
        #[test]
        fn no_answer_breaks_the_reading(subject in "\\PC{0,60}", text in "(\\PC|\\n){0,300}") {
            let _ = answer(&subject, &text);
        }
    }
}

//! What an answer says, without what it quotes. Pure.
//!
//! Mail programs put the message answered below the answer, or above it, in as many ways as there are programs; greetings,
//! signatures and footers stand around the words that count. What remains is read as a chat reads it
//! (`vigie_service::answers::reading`); a doubt is left to a person.

use vigie_service::answers::action;
use vigie_service::answers::reading::{self, COURTESY, DOUBT, clauses, contradicts};

expression!(
    QUOTE,
    r"(?i)^\s*(>|[-_*=]{2,}\s*(message|mail|courriel|original|forwarded|début|reply|réponse)\b.*|[_-]{10,}\s*$|\*?(de|from|von)\s*:\*?\s.*(@|vigie)|\*?(de|from)\s*:\*?\s*\S+\s*$|(envoyé|sent|date|von|gesendet)\s*:\s.*\d|(le|on)\s.{4,200}\s(a écrit|wrote|écrivait|a envoyé)\s*:?\s*$|début du message|message du .{4,30}\d|.{0,80}<[^>]*@[^>]*>\s*(a écrit|wrote)\s*:\s*$)"
);
expression!(QUOTE_BEGINS, r"(?i)^\s*(le|on)\s.{0,30}\d{1,4}.{0,120}[<@,]");
expression!(QUOTE_ENDS, r"(?i)(a\s+écrit|wrote|écrivait|a\s+envoyé)\s*:?\s*$");
/// Lines over which a program may spread the words that introduce a quote.
const QUOTE_LINES: usize = 5;
// A person's name alone, or before what they are: the beginning of a signature.
expression!(
    NAME_LINE,
    r"^\s*(?:(?:M\.|Mme|Mr|Dr)\s+)?\p{Lu}[\p{L}'’.-]*(?:\s+(?:(?:de|du|des|la|le|van|el)\s+)?\p{Lu}[\p{L}'’.-]*){0,3}\s*(?:[–|/,-].{0,80})?$"
);
expression!(
    SIGNATURE,
    r"(?i)^\s*(--\s*$|(bien )?(très )?cordialement|bien à (vous|toi)|(bien )?cdlt|cdt|(très )?bonne (journée|soirée|fin)|(très )?belle (journée|soirée)|sincèrement|(sincères |meilleures )?salutations|amicalement|envoyé (de|depuis|à partir|avec|via)|sent (from|with|via)|obtenez outlook|get outlook|télécharger outlook|provenance :|courriel envoyé)"
);
expression!(
    FOOTER,
    r"(?i)(n['’]imprimez|avant d['’]imprimer|d['’]imprimer ce|pens(ez|ons) à l['’]environnement|please consider the environment|(ce|cet) (message|courriel|e-?mail|courrier)\b.{0,120}(confidentiel|destinat|exclusi|pièces? jointes?)|(this|the) (e-?mail|message)\b.{0,120}(confidential|intended)|(avis|clause|mention) de confidentialité|confidentialité\s*:|disclaimer|conformément (au|à la|aux)|\brgpd\b|(en répondant|répond(ez|re)).{0,20}\bstop\b|sans virus|avast\.com|si vous n['’]êtes pas (le|la) destinataire|garanti sans virus|virus-free|analysé par|vérifié par|caution\s*:|external (e-?mail|sender)|courrier externe|message externe)"
);
expression!(
    GREETING,
    r"(?i)^\s*(?:bonjour|bonsoir|salut|hello|coucou|madame|monsieur|mesdames|messieurs|chers?|chère)(?:[ ,]+(?:à tou(?:s|tes)|tou(?:s|tes)|madame|monsieur|messieurs|vigie|l['’]équipe|les? [a-zé]+|et|(?-i:\p{Lu})[\p{L}-]*))*\s*(?:[,.!:;–—-]+\s*|$)"
);
/// What a clause must be, whole, to stop the messages. `@` stands for how one asks, `@mails` for what one gets, `@list` for where
/// one stands: a sentence that names anything else (a trade, a colleague) stops nothing.
const STOP_CLAUSE: &str = r"(?x)^(?:
        (?:stop|stopper|stop\ tout|arret|arretez?|arreter|unsubscribe|desabonnement|desinscription|opt[\ -]?out)
      | (?:@ )?(?:me|nous)\ (?:desabonner|desinscrire|radier|retirer|supprimer|enlever|oter)(?:\ (?:de|des)\ (?:@list))?
      | (?:@ )?(?:desabonner|desinscrire)
      | (?:desabonn|desinscri|desinscriv)(?:ez|er|e|s)?[\ -](?:moi|nous)(?:\ (?:de|des)\ (?:@list))?
      | (?:retir|enlev|radi|supprim|ot)ez[\ -](?:moi|nous)(?:\ de\ (?:@list))?
      | (?:@ )?(?:retirer|retirez|supprimer|supprimez|enlever|enlevez|effacer|effacez)\ (?:mon|notre|cette)\ (?:adresse|e?-?mail|contact)(?:\ (?:mail|electronique|e-mail))?(?:\ de\ (?:@list))?
      | (?:@ )?(?:d')?(?:arreter|arretez|cesser|cessez|stopper|stoppez)\ (?:de\ (?:m'\ ?|m\ |nous\ |me\ )(?:ecrire|envoyer(?:\ (?:@mails))?|contacter|solliciter)|(?:@mails))
      | (?:please\ )?(?:unsubscribe|remove)(?:\ (?:me|us))?(?:\ from\ (?:this|your|the)\ (?:mailing\ )?list)?
      | (?:je\ |nous\ |on\ )?ne\ (?:souhait|veu|voul|desir)\w*\ plus\ (?:recevoir|de|etre\ (?:contacte|sollicite|destinataire)\w*)(?:\ (?:de\ |d')?(?:@mails))?
      | (?:@ )?(?:de\ )?ne\ plus\ (?:recevoir|m['\ ]envoyer|nous\ envoyer|m['\ ]ecrire|nous\ ecrire|me\ contacter|nous\ contacter)(?:\ (?:de\ |d')?(?:@mails))?
      | plus\ (?:de|d')\ ?(?:mails?|e-?mails?|messages?|alertes?)
    )$";

static STOP: std::sync::LazyLock<regex::Regex> = std::sync::LazyLock::new(|| {
    let asking = r"(?:merci\ (?:de|d')|veuillez|je\ (?:souhaite|veux|voudrais|desire|demande\ (?:a|de))|nous\ (?:souhaitons|voulons)|pouvez[\ -]vous|pourriez[\ -]vous|priere\ de|svp)\ ?(?:bien\ vouloir\ )?";
    let mails = r"(?:(?:tous?\ |toutes\ )?(?:vos|les|ces|cet|ce|l'|tous\ les|d')?\ ?(?:envois?|mails?|e-?mails?|messages?|alertes?|courriels?|notifications?|newsletters?|infolettres?|informations?|sollicitations?))";
    let list = r"(?:(?:votre|vos|la|cette|ces|ce|cet|toutes?\ vos)\ (?:mailing\ )?(?:listes?|base|fichiers?|envois?|alertes?|newsletters?)(?:\ (?:de\ diffusion|d'envois?|de\ contacts|d'adresses|de\ donnees))?)";
    let text = STOP_CLAUSE.replace("@mails", mails).replace("@list", list).replace("@ ", asking);
    #[allow(clippy::expect_used, reason = "the expression is a constant; it is exercised by tests")]
    regex::Regex::new(&text).expect("a constant expression compiles")
});

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

/// The words of an answer, without quotes, greeting, signature and footer. Where nothing stands above the quote, what stands
/// below it.
#[must_use]
pub fn said(text: &str) -> String {
    let lines = without_armour(text.lines().collect());
    let above = own_words(&lines);
    if !above.is_empty() {
        return above;
    }
    // Only a quote that is marked line by line has an end.
    let marked = |l: &&str| l.trim_start().starts_with('>');
    lines.iter().rposition(marked).map_or_else(String::new, |last| own_words(&lines[last + 1..]))
}

/// What is signed within a text (RFC 9580 §7): without the lines around it, and the dashes before some of its own.
fn without_armour(lines: Vec<&str>) -> Vec<&str> {
    let first = lines.iter().position(|l| !l.trim().is_empty());
    let Some(first) = first.filter(|i| lines[*i].trim_end() == "-----BEGIN PGP SIGNED MESSAGE-----") else {
        return lines;
    };
    let signed = lines.into_iter().skip(first + 1).skip_while(|l| !l.trim().is_empty());
    let own = signed.take_while(|l| l.trim_end() != "-----BEGIN PGP SIGNATURE-----");
    own.map(|l| l.strip_prefix("- ").unwrap_or(l)).collect()
}

/// Whether a quote is introduced here, be it over several lines.
fn begins_quote(lines: &[&str]) -> bool {
    let Some(line) = lines.first() else { return false };
    if QUOTE.is_match(line) {
        return true;
    }
    let mut whole = String::new();
    QUOTE_BEGINS.is_match(&lines.iter().take(2).copied().collect::<Vec<_>>().join(" "))
        && lines.iter().take(QUOTE_LINES).any(|l| {
            whole.push_str(l.trim());
            whole.push(' ');
            QUOTE_ENDS.is_match(whole.trim_end())
        })
}

/// What somebody wrote at the head of these lines.
fn own_words(lines: &[&str]) -> String {
    let mut kept: Vec<String> = Vec::new();
    for (i, line) in lines.iter().enumerate() {
        if begins_quote(&lines[i..]) {
            break;
        }
        let line = if kept.is_empty() { GREETING.replace(line, "") } else { (*line).into() };
        if FOOTER.is_match(&line) || SIGNATURE.is_match(&line) || signs(&kept, &line) {
            break;
        }
        // An address alone says nothing.
        let address = line.trim().starts_with('<') && line.trim().ends_with('>');
        if kept.is_empty() && line.trim().is_empty() || address {
            continue;
        }
        kept.push(line.trim().to_owned());
    }
    kept.join("\n").trim().to_owned()
}

/// Whether a name stands alone below what was said: whatever follows is a signature. A word of the answers is none.
fn signs(kept: &[String], line: &str) -> bool {
    let below = kept.len() > 1 && kept.last().is_some_and(String::is_empty);
    let first = action::folded(line.split_whitespace().next().unwrap_or_default());
    below
        && NAME_LINE.is_match(line)
        && !DOUBT.contains(&first.as_str())
        && action::words(line).is_none()
        && action::words(&first).is_none()
        && !STOP.is_match(bare(&action::folded(line)))
}

/// What an answer asks for. A mail without words is read by its subject, which programs fill in from an unsubscription link.
#[must_use]
pub fn answer(subject: &str, text: &str) -> Answer {
    let said = said(text);
    if said.is_empty() {
        if is_stop(subject) {
            return Answer::Stop;
        }
        // « OUI » typed over the subject, from a phone.
        return reading::word(subject).map_or(Answer::Unclear, Answer::Word);
    }
    if !reading::is_short(&said) {
        return Answer::Unclear;
    }
    if is_stop(&said) {
        return Answer::Stop;
    }
    reading::word(&said).map_or(Answer::Unclear, Answer::Word)
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

/// A clause without the courtesies at its ends.
fn bare(clause: &str) -> &str {
    let mut clause = clause;
    for end in [
        " svp",
        " s'il vous plait",
        " merci d'avance",
        " merci",
        " please",
        " stp",
        " immediatement",
        " definitivement",
    ] {
        clause = clause.strip_suffix(end).unwrap_or(clause);
    }
    for start in ["svp ", "s'il vous plait ", "please "] {
        clause = clause.strip_prefix(start).unwrap_or(clause);
    }
    clause.trim()
}

/// One of the first clauses asks for no more messages, whole, and nothing else takes it back.
fn is_stop(text: &str) -> bool {
    if text.contains('?') {
        return false;
    }
    let all = clauses(text);
    let Some(at) = all.iter().take(3).position(|c| STOP.is_match(bare(c))) else { return false };
    all.iter().enumerate().all(|(i, c)| {
        let before = i < at && !COURTESY.is_match(c);
        // A second way to say it is none to doubt it.
        i == at || STOP.is_match(bare(c)) || !before && !contradicts(c)
    })
}

#[cfg(test)]
mod tests {
    use vigie_service::answers::reading::PASS_ON;

    use super::*;

    fn word(text: &str) -> Answer {
        Answer::Word(text.to_owned())
    }

    /// The corpus writes answers without the thanks behind them.
    fn without_thanks(text: &str) -> &str {
        let text = text.trim_end_matches(['.', '!', ' ']);
        let ends = [", merci beaucoup", " merci beaucoup", ", merci", " merci"];
        ends.iter().find_map(|end| text.strip_suffix(end)).unwrap_or(text)
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
            (
                "-----BEGIN PGP SIGNED MESSAGE-----\nHash: SHA512\n\nOui\n-----BEGIN PGP SIGNATURE-----\n\niQEz\n-----END PGP SIGNATURE-----",
                "Oui",
            ),
            (
                "\n-----BEGIN PGP SIGNED MESSAGE-----\r\nHash: SHA1\r\nCharset: utf-8\r\n\r\nOui\r\n\r\n- -- \r\nJeanne\r\n-----BEGIN PGP SIGNATURE-----\r\nx",
                "Oui",
            ),
            (
                "-----BEGIN PGP SIGNED MESSAGE-----\n\nNon, trop loin\n\n> -----BEGIN PGP SIGNED MESSAGE-----\n> oui",
                "Non, trop loin",
            ),
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
        assert_eq!(answer("OUI", "\n"), Answer::Word("OUI".to_owned()));
        assert_eq!(answer("Re: Nouveau marché", ""), Answer::Unclear);
        for (said, says) in [
            ("Transmettre, merci", PASS_ON),
            ("/transmettre", PASS_ON),
            ("Oui", "Oui"),
            ("Non merci.", "Non"),
            ("oui, merci beaucoup !", "oui"),
            ("Plus tard", "Plus tard"),
            ("rappel dans 5 jours", "rappel dans 5 jours"),
            ("Oui ! Jeanne s’en occupe.", "oui, pour Jeanne"),
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

    /// A1, A16: every answer of the corpus (`bot/tests/mail/answers.txt`) is read as its first line says.
    #[test]
    fn the_corpus_of_answers_is_read_without_a_wrong_reading() {
        let corpus = include_str!(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/mail/answers.txt"));
        let (mut read, mut wrong) = (0, Vec::new());
        for case in corpus.split("=== ").filter(|c| !c.is_empty()) {
            let (expected, text) = case.split_once('\n').unwrap();
            let expected = match expected.split_once(": ") {
                Some((_, says)) => word(says),
                None if expected == "stop" => Answer::Stop,
                None => Answer::Unclear,
            };
            let got = match answer("Re: Nouveau marché", text) {
                Answer::Word(w) if expected == word(without_thanks(&w)) => expected.clone(),
                got => got,
            };
            if got != expected {
                wrong.push(format!("{text:?}: {got:?}, not {expected:?}"));
            }
            read += 1;
        }
        assert!(wrong.is_empty(), "{}", wrong.join("\n"));
        assert!(read >= 150, "{read}");
    }

    proptest::proptest! {
        #[test]
        fn no_answer_breaks_the_reading(subject in "\\PC{0,60}", text in "(\\PC|\\n){0,300}") {
            let _ = answer(&subject, &text);
        }
    }
}

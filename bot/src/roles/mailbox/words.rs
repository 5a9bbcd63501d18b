//! What an answer says, without what it quotes. Pure.
//!
//! Mail programs put the message answered below the answer, or above it, in as many ways as there are programs; greetings,
//! signatures and footers stand around the words that count. What remains is read as a chat reads it.
//!
//! Invariant: a doubt is left to a person. A decision is read only where it stands alone, or where what follows neither takes
//! it back, narrows it nor asks something.

use vigie_service::answers::action;

/// Longest answer looked at, in characters: what is longer is a letter.
const MAX_ANSWER: usize = 600;
/// Most words of an answer that is read beyond its first clause.
const MAX_WORDS: usize = 40;

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
expression!(
    COURTESY,
    r"(?i)^(merci( (beaucoup|bien|d'avance|par avance|a vous))?|svp|s'il vous plait|stp|s'il te plait|please|thanks?|thank you|bonjour|cordialement|bonne (journee|soiree))$"
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

/// What a network answers for its members to have the procedure too.
const PASS_ON: &str = "/transmettre";

/// The words of an answer, without quotes, greeting, signature and footer. Where nothing stands above the quote, what stands
/// below it.
#[must_use]
pub fn said(text: &str) -> String {
    let lines: Vec<&str> = text.lines().collect();
    let above = own_words(&lines);
    if !above.is_empty() {
        return above;
    }
    // Only a quote that is marked line by line has an end.
    let marked = |l: &&str| l.trim_start().starts_with('>');
    lines.iter().rposition(marked).map_or_else(String::new, |last| own_words(&lines[last + 1..]))
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
        return if is_stop(subject) { Answer::Stop } else { Answer::Unclear };
    }
    if said.chars().count() > MAX_ANSWER || said.split_whitespace().count() > MAX_WORDS {
        return Answer::Unclear;
    }
    if is_stop(&said) {
        return Answer::Stop;
    }
    if said.contains('?') {
        return Answer::Unclear;
    }
    let courteous = without_thanks(&said);
    if action::folded(&courteous).trim_start_matches('/') == "transmettre" {
        return Answer::Word(PASS_ON.to_owned());
    }
    if action::words(&courteous).is_some() {
        return Answer::Word(courteous);
    }
    if let Some(word) = refused_because(&said) {
        return Answer::Word(word);
    }
    let Some((first, rest)) = first_clause(&said) else { return Answer::Unclear };
    let first = without_thanks(first);
    let rest_is_courtesy = clauses(rest).iter().all(|c| COURTESY.is_match(c));
    // « Ok, bien reçu » says that it came: alone it decides, with more it does not.
    if action::folded(&first) == "oui"
        && let Some(name) = who_takes_it(rest)
    {
        return Answer::Word(format!("oui, pour {name}"));
    }
    let acknowledges = matches!(action::folded(&first).as_str(), "ok" | "d'accord");
    if action::words(&first).is_some() && (rest_is_courtesy || !acknowledges && !contradicts(rest)) {
        Answer::Word(first)
    } else {
        Answer::Unclear
    }
}

// « Fatou prend le dossier », « Karim Benali s'en occupe ».
expression!(
    TAKES_IT,
    r"^[\s,.;:!–—-]*(?P<who>\p{Lu}[\p{L}'’-]+(?:\s+\p{Lu}[\p{L}'’-]+)?)\s+(?:s['’]en\s+(?:occupe|charge)|prend\s+(?:le\s+dossier|la\s+main|en\s+charge)|g[eè]re)\s*[.!]*\s*$"
);

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
    let begins = because.iter().any(|b| reason.starts_with(b)) || action::refusal(reason).is_some();
    if !begins || said.contains('?') || words.any(|w| NO_REASON.contains(&w)) {
        return None;
    }
    Some(if action::refusal(reason).is_some() { reason.to_owned() } else { "non".to_owned() })
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

/// The clauses of a text, folded.
fn clauses(text: &str) -> Vec<String> {
    let parts = text.split(['.', ',', ';', '!', '\n', '(', ')', '–', '—', ':']);
    parts.map(|c| action::folded(c).replace('’', "'")).filter(|c| !c.is_empty()).collect()
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
const DOUBT: &[&str] = &[
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
fn contradicts(rest: &str) -> bool {
    rest.contains('?') || action::folded(rest).split(|c: char| !c.is_alphanumeric()).any(|w| DOUBT.contains(&w))
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
                Answer::Word(w) if expected == word(&without_thanks(&w)) => expected.clone(),
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

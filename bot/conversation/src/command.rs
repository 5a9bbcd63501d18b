//! What people ask for by a command: text → [`Command`]. Pure, tolerant, bounded.
//!
//! Capitals, accents and `@name_of_the_bot` change nothing; a few words are commands without the slash, where someone is
//! alone with the bot ([`bare`]).

use chrono::{DateTime, Datelike, Duration, NaiveDate, NaiveTime, TimeZone, Utc};
use chrono_tz::Tz;
use vigie_store::invitations;
use vigie_watcher::classify::dates;

use vigie_service::answers::action::folded;

/// Longest argument kept, in characters: the note of a telephone call.
const MAX_ARGUMENT: usize = 3_000;
/// Longest name of an unknown command said back, in characters.
const MAX_NAME: usize = 24;
/// Longest pause, in days.
const MAX_PAUSE_DAYS: i64 = 366;

/// What clients propose as commands.
pub const MENU: [(&str, &str); 19] = [
    ("abonner", "Choisir les marchés dont je veux entendre parler"),
    ("abonnements", "Voir, changer, mettre en pause ou retirer mes abonnements"),
    ("reglages", "À quelles heures et par quel canal Vigie m’écrit"),
    ("absence", "Dire quand je suis absent, et qui me remplace"),
    ("echeances", "Les dates des marchés que nous suivons"),
    ("contrats", "Proposer vos services à qui a gagné, et les contrats qui finissent"),
    ("suivre", "Suivre un acheteur ou une entreprise"),
    ("ajouter", "Suivre un marché que Vigie ne m’a pas signalé"),
    ("heures", "Les heures de clause à pourvoir près de chez moi"),
    ("operations", "Facilitateurs : les opérations que nous suivons"),
    ("dossier", "Ce que dit le dossier de consultation que j’ai envoyé"),
    ("chercher", "Chercher un mot dans ce dossier"),
    ("pourquoi", "Pourquoi j’ai reçu cette alerte"),
    ("pause", "Mettre mes abonnements en pause"),
    ("reprendre", "Mettre fin à une pause"),
    ("aide", "Ce que Vigie sait faire ici"),
    ("stop", "Arrêter les alertes dans cette conversation"),
    ("export", "Recevoir tout ce que Vigie sait de moi"),
    ("effacer", "Effacer ce que Vigie sait de moi"),
];

/// What is asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Command {
    /// What can be asked.
    Help,
    /// An invitation's code, if one is given.
    Start(Option<String>),
    /// The guided dialogue to subscribe.
    Subscribe,
    /// What this person subscribed to.
    Subscriptions,
    /// Nothing from a subscription, or from any, until then.
    Pause {
        /// Which; none = all.
        which: Option<Which>,
        /// Until when, as written; empty = until further notice.
        until: String,
    },
    /// A subscription is changed, from what it is.
    Change(Option<Which>),
    /// What a subscription would have sent.
    Try(Option<Which>),
    /// A subscription gets a name.
    Name {
        /// Which.
        which: Option<Which>,
        /// As written; empty = none.
        name: String,
    },
    /// How one is written to: what is to be settled, as written; empty = how it stands.
    Settle(String),
    /// An answer to what Vigie asked in a message of its own: its identifier, and the word.
    Answer { question: String, word: String },
    /// A pause ends.
    Resume(Option<Which>),
    /// A subscription goes.
    Remove {
        /// Which.
        which: Option<Which>,
        /// They said so twice.
        sure: bool,
    },
    /// Why something came, or did not: a notice, or of late.
    Why(Option<String>),
    /// Network: a notice goes to its members; none = the one under which it is said.
    PassOn(Option<String>),
    /// Dates of what the structure goes for.
    Deadlines,
    /// What to propose after awards, and what ends.
    Contracts,
    /// Follow a buyer or a company; empty = which ones are followed.
    Follow(String),
    /// Follow one no more.
    Unfollow(String),
    /// A lead.
    Add(String),
    /// Facilitators: the operations; what follows names one, or says what to do with it.
    Operations(String),
    /// Hours of clauses to be worked; what follows answers, or says whether one hears of them.
    Hours(String),
    /// Words to look for in the consultation file; empty = how to ask.
    Search(String),
    /// What the consultation file says, or how far its reading is.
    Dossier,
    /// No message any more in this chat.
    Stop,
    /// What is held on the person.
    Export,
    /// Erase it.
    Erase {
        /// They said so twice.
        sure: bool,
    },
    /// Leave the dialogue under way.
    Cancel,
    /// Operator: the sources' health.
    Health,
    /// Operator: the queue.
    Queue,
    /// Operator: leave a source alone.
    PauseSource(String),
    /// Operator: watch it again.
    ResumeSource(String),
    /// Operator: send a delivery again.
    Replay(String),
    /// None of these; what was written, bounded.
    Unknown(String),
}

/// Which subscription.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Which {
    /// By its number in the list, from 1.
    Number(usize),
    /// By its identifier or the beginning of it: what a button holds.
    Id(String),
}

/// Reads a text that begins with a slash; `None` of any other.
#[must_use]
pub fn parse(text: &str) -> Option<Command> {
    let text = text.trim_start().strip_prefix(['/', '／'])?;
    let (name, rest) = text.split_once(char::is_whitespace).unwrap_or((text, ""));
    let name = name.split('@').next().unwrap_or_default();
    let rest: String = rest.trim().chars().take(MAX_ARGUMENT).collect();
    Some(named(&folded(&name.chars().take(64).collect::<String>()), rest).unwrap_or_else(|| {
        Command::Unknown(
            name.chars().filter(|c| c.is_alphanumeric() || matches!(c, '_' | '-')).take(MAX_NAME).collect(),
        )
    }))
}

fn named(name: &str, rest: String) -> Option<Command> {
    let sure = matches!(folded(&rest).as_str(), "oui" | "confirmer");
    let code = || Some(rest.split_whitespace().collect::<String>()).filter(|c| !c.is_empty());
    Some(match name {
        "aide" | "help" | "menu" => Command::Help,
        "start" | "commencer" | "demarrer" | "code" => Command::Start(code()),
        "abonner" | "abonnement_nouveau" | "subscribe" => Command::Subscribe,
        "abonnements" | "abonnement" | "mes_abonnements" => Command::Subscriptions,
        "pause" => {
            let (which, until) = which(&rest);
            Command::Pause { which, until }
        }
        "changer" | "modifier" => Command::Change(which(&rest).0),
        "essayer" | "essai" => Command::Try(which(&rest).0),
        "nommer" => {
            let (which, name) = which(&rest);
            Command::Name { which, name }
        }
        "reglages" | "reglage" | "regler" | "preferences" => Command::Settle(rest),
        "proposition" => {
            let (question, word) = rest.split_once(' ').unwrap_or((&rest, ""));
            Command::Answer { question: question.to_owned(), word: folded(word) }
        }
        "absence" | "absent" => Command::Settle(format!("absence {rest}")),
        "reprendre" | "reprise" => Command::Resume(which(&rest).0),
        "retirer" | "desabonner" => {
            let (which, rest) = which(&rest);
            Command::Remove { which, sure: matches!(folded(&rest).as_str(), "oui" | "confirmer") }
        }
        "pourquoi" => Command::Why(Some(rest).filter(|r| !r.is_empty())),
        "transmettre" | "passer" => Command::PassOn(Some(rest).filter(|r| !r.is_empty())),
        "echeances" | "echeance" | "dates" | "agenda" => Command::Deadlines,
        "contrats" | "contrat" => Command::Contracts,
        "suivre" | "suivis" | "suivi" => Command::Follow(rest),
        "oublier" | "ne_plus_suivre" => Command::Unfollow(rest),
        "ajouter" | "piste" => Command::Add(rest),
        "operations" | "operation" => Command::Operations(rest),
        "heures" | "heure" => Command::Hours(rest),
        "chercher" | "cherche" | "trouver" => Command::Search(rest),
        "dossier" | "dce" | "lecture" => Command::Dossier,
        "stop" | "arreter" | "arret" => Command::Stop,
        "export" | "exporter" | "mes_donnees" => Command::Export,
        "effacer" => Command::Erase { sure },
        "annuler" | "cancel" => Command::Cancel,
        "sante" | "sources" => Command::Health,
        "file" | "queue" => Command::Queue,
        "pauser" | "pause_source" => Command::PauseSource(rest),
        "reprendre_source" => Command::ResumeSource(rest),
        "rejouer" | "rejouer_envoi" => Command::Replay(rest),
        _ => return None,
    })
}

/// `2`, `n°2`, `#a1b2c3` at the beginning, unless it counts days (`2 semaines`); and what is left.
fn which(rest: &str) -> (Option<Which>, String) {
    let (first, after) = rest.split_once(char::is_whitespace).unwrap_or((rest, ""));
    if let Some(id) = first.strip_prefix('#').filter(|id| !id.is_empty() && id.chars().all(|c| c.is_ascii_hexdigit())) {
        return (Some(Which::Id(id.to_ascii_lowercase())), after.trim().to_owned());
    }
    let number = first.trim_start_matches(['n', 'N', '°', 'º']).parse::<usize>().ok().filter(|n| *n > 0);
    let counts = unit(&folded(after.split_whitespace().next().unwrap_or_default())).is_some();
    match number {
        Some(n) if !counts => (Some(Which::Number(n)), after.trim().to_owned()),
        _ => (None, rest.trim().to_owned()),
    }
}

fn unit(word: &str) -> Option<i64> {
    match word {
        "j" | "jour" | "jours" => Some(1),
        "semaine" | "semaines" | "sem" => Some(7),
        "mois" => Some(30),
        _ => None,
    }
}

/// Until when a pause lasts: `jusqu’au 12 janvier 2027`, `12/01/2027`, `5 jours`, `une semaine`. The day named is the first
/// without pause. `None` = no such moment, or none to come.
#[must_use]
pub fn until(written: &str, zone: Tz, now: DateTime<Utc>) -> Option<DateTime<Utc>> {
    let said = folded(written);
    let said = ["jusqu'au ", "jusqu’au ", "jusqu au ", "pendant ", "au "]
        .iter()
        .find_map(|p| said.strip_prefix(p))
        .unwrap_or(&said);
    let (n, word) = said.split_once(' ').unwrap_or(("", said));
    let n = if matches!(n, "un" | "une") { Some(1) } else { n.parse::<i64>().ok() };
    let latest = now + Duration::days(MAX_PAUSE_DAYS);
    let found = match (n, unit(word)) {
        (Some(n), Some(days)) => Some(now + Duration::days(n.checked_mul(days)?.clamp(0, MAX_PAUSE_DAYS + 1))),
        _ => {
            let day = day_to_come(said, zone, now.with_timezone(&zone).date_naive())?;
            zone.from_local_datetime(&day.and_time(NaiveTime::MIN)).earliest().map(|at| at.with_timezone(&Utc))
        }
    };
    found.filter(|at| *at > now && *at <= latest)
}

/// A day as people write it: one without a year is the next of that name.
#[must_use]
pub(crate) fn day_to_come(text: &str, zone: Tz, today: NaiveDate) -> Option<NaiveDate> {
    let read = |text: &str| Some(dates::written(text, zone)?.0.date_naive());
    let before_year = if text.contains('/') { '/' } else { ' ' };
    let of_year = |year: i32| read(&format!("{text}{before_year}{year}")).filter(|day| *day >= today);
    read(text).or_else(|| of_year(today.year())).or_else(|| of_year(today.year() + 1))
}

/// A word that is a command without its slash, where it can mean nothing else.
#[must_use]
pub fn bare(text: &str) -> Option<Command> {
    if text.len() > 60 {
        return None;
    }
    Some(match folded(text).as_str() {
        "aide" | "help" | "menu" | "bonjour" | "salut" => Command::Help,
        "abonner" | "m'abonner" | "je m'abonne" | "s'abonner" => Command::Subscribe,
        "abonnements" | "mes abonnements" | "abonnement" => Command::Subscriptions,
        "echeances" | "mes echeances" | "dates" => Command::Deadlines,
        "reglages" | "mes reglages" => Command::Settle(String::new()),
        "pause" => Command::Pause { which: None, until: String::new() },
        "reprendre" => Command::Resume(None),
        "pourquoi" => Command::Why(None),
        "stop" => Command::Stop,
        "annuler" => Command::Cancel,
        _ => return None,
    })
}

/// An invitation's code in a text, alone or among words, with its dashes.
#[must_use]
pub fn code_in(text: &str) -> Option<String> {
    let candidate = |word: &&str| word.chars().filter(|c| matches!(c, '-' | '–' | '\u{2011}')).count() == 2;
    let mut words = text.get(..text.floor_char_boundary(MAX_ARGUMENT)).unwrap_or(text).split_whitespace();
    words.find_map(|w| {
        Some(w.trim_matches(['.', ',', '«', '»', '"', ':', ';'])).filter(candidate).and_then(invitations::code)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn commands_are_read_as_people_write_them() {
        let pause = |which, until: &str| Command::Pause { which, until: until.to_owned() };
        for (text, wanted) in [
            ("/aide", Command::Help),
            ("/AIDE@vigie_bot", Command::Help),
            ("  /Échéances ", Command::Deadlines),
            ("/echeances@VigieBot et encore", Command::Deadlines),
            ("/transmettre", Command::PassOn(None)),
            ("/Transmettre 26-12345", Command::PassOn(Some("26-12345".into()))),
            ("/start AB0D-EFGH-JK1M", Command::Start(Some("AB0D-EFGH-JK1M".into()))),
            ("/start", Command::Start(None)),
            ("/abonner", Command::Subscribe),
            ("/abonnements", Command::Subscriptions),
            ("/pause", pause(None, "")),
            ("/pause 2", pause(Some(Which::Number(2)), "")),
            ("/pause 2 semaines", pause(None, "2 semaines")),
            ("/pause n°2 jusqu’au 12/01/2027", pause(Some(Which::Number(2)), "jusqu’au 12/01/2027")),
            ("/pause #a1b2c3", pause(Some(Which::Id("a1b2c3".into())), "")),
            ("/changer 2", Command::Change(Some(Which::Number(2)))),
            ("/essayer #ab12", Command::Try(Some(Which::Id("ab12".into())))),
            ("/nommer 2 Linge du Nord", Command::Name { which: Some(Which::Number(2)), name: "Linge du Nord".into() }),
            ("/réglages", Command::Settle(String::new())),
            ("/reglages résumé à 7 h", Command::Settle("résumé à 7 h".into())),
            ("/absence 2 semaines", Command::Settle("absence 2 semaines".into())),
            ("/reprendre 1", Command::Resume(Some(Which::Number(1)))),
            ("/retirer 1 oui", Command::Remove { which: Some(Which::Number(1)), sure: true }),
            ("/pourquoi 26-12345", Command::Why(Some("26-12345".into()))),
            ("/effacer", Command::Erase { sure: false }),
            ("/Effacer OUI", Command::Erase { sure: true }),
            ("/santé", Command::Health),
            ("/suivre Ville de Lens", Command::Follow("Ville de Lens".into())),
            ("/suivis", Command::Follow(String::new())),
            ("/chercher pénalité de retard", Command::Search("pénalité de retard".into())),
            ("/Dossier", Command::Dossier),
            ("/oublier 217000156", Command::Unfollow("217000156".into())),
            ("/heures oui ab12 200", Command::Hours("oui ab12 200".into())),
            ("/Opérations", Command::Operations(String::new())),
            ("/operations 2027-001", Command::Operations("2027-001".into())),
            ("/pauser boamp", Command::PauseSource("boamp".into())),
            ("/reprendre_source boamp", Command::ResumeSource("boamp".into())),
            ("/rejouer abc", Command::Replay("abc".into())),
            ("/inconnue x", Command::Unknown("inconnue".into())),
            ("/", Command::Unknown(String::new())),
        ] {
            assert_eq!(parse(text), Some(wanted), "{text}");
        }
        assert_eq!(parse("oui"), None);
        assert_eq!(bare(" Mes abonnements "), Some(Command::Subscriptions));
        assert_eq!(bare("je voudrais une pause"), None);
    }

    #[test]
    fn a_pause_ends_when_they_say() {
        let now = DateTime::parse_from_rfc3339("2026-11-21T09:00:00+01:00").unwrap().with_timezone(&Utc);
        let day = |text: &str| {
            until(text, chrono_tz::Europe::Paris, now)
                .map(|at| at.with_timezone(&chrono_tz::Europe::Paris).to_rfc3339())
        };
        for written in ["jusqu’au 12 janvier 2027", "12/01/2027", "au 12/01/27", "jusqu’au 12 janvier", "12/01"] {
            assert_eq!(day(written).as_deref(), Some("2027-01-12T00:00:00+01:00"), "{written}");
        }
        for written in ["5 jours", "pendant 5 jours"] {
            assert_eq!(day(written).as_deref(), Some("2026-11-26T09:00:00+01:00"), "{written}");
        }
        assert_eq!(day("une semaine"), day("7 jours"));
        for written in ["hier", "12/01/2020", "0 jours", "99999999999999999999 jours", "9000 mois", "un jour peut-être"]
        {
            assert_eq!(day(written), None, "{written}");
        }
    }

    #[test]
    fn a_code_is_found_alone_or_in_the_words_of_an_invitation() {
        for text in ["AB0D-EFGH-JK1M", "Voici votre code : ab0d-efgh-jklm.", "« AB0D–EFGH–JK1M »"] {
            assert_eq!(code_in(text).as_deref(), Some("AB0DEFGHJK1M"), "{text}");
        }
        for text in ["peut-être-bien", "bonjour", "AB0DEFGHJK1M"] {
            assert_eq!(code_in(text), None, "{text}");
        }
    }

    #[test]
    fn what_is_too_long_odd_or_backwards_is_bounded() {
        let long = format!("/{} {}", "é".repeat(10_000), "x".repeat(10_000));
        let Some(Command::Unknown(name)) = parse(&long) else { panic!("unknown") };
        assert!(name.chars().count() <= MAX_NAME);
        let Some(Command::Why(Some(argument))) = parse(&format!("/pourquoi {}", "x".repeat(10_000))) else {
            panic!("why")
        };
        assert_eq!(argument.len(), MAX_ARGUMENT);
        for text in ["🎉🎉", "/🎉", "/\u{202e}ediA\u{202c}", "/\u{0}", "/aide\u{200f}"] {
            let _ = (parse(text), bare(text), code_in(text));
        }
    }

    proptest::proptest! {
        /// Whatever is written: never a panic, never more than a bounded answer.
        #[test]
        fn any_text_is_read(text in "(?s).{0,300}", tail in "\\PC{0,100}") {
            let now = DateTime::UNIX_EPOCH;
            for text in [text.clone(), format!("/{text}"), format!("/pause {tail}"), format!("/{tail} {text}")] {
                if let Some(Command::Unknown(name)) = parse(&text) {
                    proptest::prop_assert!(name.chars().count() <= MAX_NAME);
                }
                let _ = (bare(&text), code_in(&text), until(&text, chrono_tz::Europe::Paris, now));
            }
        }

        /// A command means the same in capitals and with the bot's name.
        #[test]
        fn spelling_changes_nothing(name in "aide|abonner|abonnements|pause|reprendre|echeances|stop|sante|file") {
            let plain = parse(&format!("/{name}"));
            proptest::prop_assert_eq!(&parse(&format!("/{}", name.to_uppercase())), &plain);
            proptest::prop_assert_eq!(&parse(&format!(" /{name}@vigie_bot")), &plain);
        }
    }
}

//! What a button, a reaction or a word asks for. Pure.
//!
//! A button's data reads `word:delivery`; a button that stands for a command holds the command itself (`/pause 2`), one that
//! answers a question of a conversation `=step:answer`. All stay below [`MAX_BUTTON_DATA`] bytes.

use vigie_domain::{OfferStage, PartnerRole, Refusal, Stage};

use vigie_notifier::chat::{Button, ButtonAction, MAX_BUTTON_DATA};

use super::positions::{self, Said};
use super::vocabulary::{self, Remind};

pub use super::vocabulary::{REMIND_DAYS, RemindDay, folded};

/// Longest text looked at for a decision, in bytes: what is longer is no answer by a word.
const MAX_WORDS: usize = 400;
/// Longest note or name kept, in characters.
const MAX_NOTE: usize = 300;
/// What is asked for, about one delivery.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Action {
    /// The structure stands there.
    Stage(Stage),
    /// Why not.
    Because(Refusal),
    /// Remind them in so many days.
    Remind(i64),
    /// Remind them on that day.
    RemindOn(RemindDay),
    /// Say more.
    More,
    /// Nothing like this again: the subscriptions are narrowed.
    Narrow(NarrowBy),
    /// A note for colleagues.
    Note(String),
    /// Who takes care of it.
    Assign(String),
    /// The structure goes for it, and who takes care of it.
    GoWith(String),
    /// What came of offering services to the holder.
    Offer(OfferStage),
    /// As what the structure positions itself in a call for partners.
    Position(PartnerRole),
    /// The same, lot by lot.
    Positions(Vec<Said>),
}

impl From<Remind> for Action {
    fn from(when: Remind) -> Self {
        match when {
            Remind::In(days) => Self::Remind(days),
            Remind::On(day) => Self::RemindOn(day),
        }
    }
}

/// What of a notice is not to come again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NarrowBy {
    /// Its buyer.
    Buyer,
    /// Its trades.
    Trade,
    /// Places as far.
    Place,
    /// As little time.
    Time,
    /// Markets as large.
    Large,
    /// Markets as small.
    Small,
}

impl NarrowBy {
    /// The word by which a button asks for it.
    #[must_use]
    pub fn word(self) -> &'static str {
        ACTIONS.iter().find(|(_, action)| *action == Action::Narrow(self)).map_or("", |(word, _)| word)
    }

    /// What such a word asks for.
    #[must_use]
    pub fn parse(word: &str) -> Option<Self> {
        ACTIONS.iter().find_map(|(known, action)| match action {
            Action::Narrow(by) if *known == word => Some(*by),
            _ => None,
        })
    }
}

/// A action, for one lot or for the whole procedure.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Act {
    /// What.
    pub action: Action,
    /// The lot; empty = the whole procedure.
    pub lot: String,
}

impl From<Action> for Act {
    fn from(action: Action) -> Self {
        Self { action, lot: String::new() }
    }
}

/// What a pressed button says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ButtonData {
    /// A action about that delivery.
    Act(Action, String),
    /// A command.
    Command(String),
    /// An answer to that question of a conversation.
    Answer {
        /// The question's name.
        step: String,
        /// The answer.
        words: String,
    },
}

/// Words of wishes in buttons.
const ACTIONS: [(&str, Action); 23] = [
    ("go", Action::Stage(Stage::Go)),
    ("no", Action::Stage(Stage::NoGo)),
    ("later", Action::Remind(REMIND_DAYS)),
    ("more", Action::More),
    ("never", Action::Narrow(NarrowBy::Buyer)),
    ("cut-trade", Action::Narrow(NarrowBy::Trade)),
    ("cut-place", Action::Narrow(NarrowBy::Place)),
    ("cut-time", Action::Narrow(NarrowBy::Time)),
    ("cut-large", Action::Narrow(NarrowBy::Large)),
    ("cut-small", Action::Narrow(NarrowBy::Small)),
    ("prep", Action::Stage(Stage::Preparing)),
    ("sent", Action::Stage(Stage::Submitted)),
    ("won", Action::Stage(Stage::Won)),
    ("lost", Action::Stage(Stage::Lost)),
    ("void", Action::Stage(Stage::NoAward)),
    ("quit", Action::Stage(Stage::Abandoned)),
    ("contacted", Action::Offer(OfferStage::Contacted)),
    ("declined", Action::Offer(OfferStage::Declined)),
    ("serving", Action::Offer(OfferStage::Won)),
    ("lead", Action::Position(PartnerRole::Lead)),
    ("joins", Action::Position(PartnerRole::CoContractor)),
    ("sub", Action::Position(PartnerRole::Subcontractor)),
    ("not-us", Action::Position(PartnerRole::Declined)),
];
/// What stands before a refusal's word.
const BECAUSE: &str = "why-";

/// A button that asks for that about a delivery.
#[must_use]
pub fn button(label: &str, action: &Action, delivery: &str) -> Button {
    let word = match action {
        Action::Because(refusal) => format!("{BECAUSE}{}", refusal.as_str()),
        action => ACTIONS.iter().find(|(_, w)| w == action).map_or("more", |(word, _)| word).to_owned(),
    };
    press(label, format!("{word}:{delivery}"))
}

/// A button that stands for a command.
#[must_use]
pub fn command(label: &str, command: &str) -> Button {
    press(label, command.to_owned())
}

/// A button that answers a question.
#[must_use]
pub fn answer(label: &str, step: &str, words: &str) -> Button {
    press(label, format!("={step}:{words}"))
}

fn press(label: &str, mut data: String) -> Button {
    data.truncate(data.floor_char_boundary(MAX_BUTTON_DATA));
    Button { label: label.to_owned(), action: ButtonAction::Press(data) }
}

/// Reads a button's data; `None` when it is none of ours.
#[must_use]
pub fn pressed(data: &str) -> Option<ButtonData> {
    if data.starts_with('/') {
        return Some(ButtonData::Command(data.to_owned()));
    }
    if let Some(rest) = data.strip_prefix('=') {
        let (step, words) = rest.split_once(':')?;
        return Some(ButtonData::Answer { step: step.to_owned(), words: words.to_owned() });
    }
    let (word, delivery) = data.split_once(':')?;
    let known = |c: char| c.is_ascii_alphanumeric();
    if delivery.is_empty() || !delivery.chars().all(known) {
        return None;
    }
    let action = match word.strip_prefix(BECAUSE) {
        Some(reason) => Action::Because(Refusal::parse(reason)?),
        None => ACTIONS.iter().find(|(w, _)| *w == word)?.1.clone(),
    };
    Some(ButtonData::Act(action, delivery.to_owned()))
}

/// What a reaction asks for, if anything.
#[must_use]
pub fn reaction(emoji: &str) -> Option<Action> {
    match bare(emoji).as_str() {
        "👍" | "✅" => Some(Action::Stage(Stage::Go)),
        "👎" | "❌" => Some(Action::Stage(Stage::NoGo)),
        "⏰" => Some(Action::Remind(REMIND_DAYS)),
        "👀" | "ℹ" => Some(Action::More),
        _ => None,
    }
}

/// An emoji without skin tone or presentation selector.
fn bare(emoji: &str) -> String {
    let mark = |c: &char| ('\u{1f3fb}'..='\u{1f3ff}').contains(c) || ('\u{fe00}'..='\u{fe0f}').contains(c);
    emoji.trim().chars().filter(|c| !mark(c)).collect()
}

/// What an answer by words asks for, if anything: `oui`, `non lot 2`, `rappel dans 5 jours`, `trop loin`, `note : …`.
#[must_use]
pub fn words(text: &str) -> Option<Act> {
    if text.len() > MAX_WORDS {
        return None;
    }
    if let Some(action) = reaction(text) {
        return Some(action.into());
    }
    if let Some(action) = with_rest(text).or_else(|| go_with(text)) {
        return Some(action.into());
    }
    if let Some(said) = positions::said(text) {
        return Some(Action::Positions(said).into());
    }
    let said = folded(text);
    let (said, lot) = without_lot(without_courtesy(&said));
    let action = vocabulary::stage(said)
        .map(Action::Stage)
        .or_else(|| vocabulary::offer(said).map(Action::Offer))
        .or_else(|| vocabulary::remind(said).map(Action::from))
        .or_else(|| vocabulary::refusal(said).map(Action::Because))
        .or_else(|| ["plus", "details", "en savoir plus", "dites m'en plus"].contains(&said).then_some(Action::More))
        .or_else(|| {
            ["plus jamais", "plus jamais cet acheteur", "jamais cet acheteur"]
                .contains(&said)
                .then_some(Action::Narrow(NarrowBy::Buyer))
        })?;
    Some(Act { action, lot })
}

/// Words said, without the thanks behind them. A refusal that thanks is a refusal by itself.
fn without_courtesy(said: &str) -> &str {
    let ends =
        [" merci beaucoup", " merci d'avance", " merci bien", " merci", " svp", " s'il vous plait", " bonne journee"];
    let bare =
        ends.iter().find_map(|end| said.strip_suffix(end)).map(|s| s.trim_end_matches([',', '.', '!', ' ', ';']));
    bare.filter(|s| !s.is_empty()).unwrap_or(said)
}

/// `note : à voir avec Léa`, `pour Marc`. A sentence that begins with such a word is none: a note has its colon, and what
/// follows « pour » is a name.
fn with_rest(text: &str) -> Option<Action> {
    let text = text.trim();
    let (command, text) = text.strip_prefix('/').map_or((false, text), |t| (true, t));
    let (word, rest) = text.split_once(|c: char| c.is_whitespace() || c == ':')?;
    let colon = text[word.len()..].trim_start().starts_with(':');
    let rest: String = rest.trim_start_matches([' ', ':', '\u{a0}', '\u{202f}']).chars().take(MAX_NOTE).collect();
    let rest = rest.split_whitespace().collect::<Vec<_>>().join(" ");
    if rest.is_empty() {
        return None;
    }
    match folded(word).as_str() {
        "note" if colon || command => Some(Action::Note(rest)),
        "pour" | "assigner" | "confier" if is_name(&rest, command || colon) => Some(Action::Assign(rest)),
        _ => None,
    }
}

/// `Oui Karim`, `go pour Sandrine`: a yes, and a name behind it that is no word of courtesy.
fn go_with(text: &str) -> Option<Action> {
    let text = text.trim().trim_end_matches(['.', '!', ' ']);
    let (word, rest) = text.split_once(|c: char| c.is_whitespace() || matches!(c, ',' | ':'))?;
    if !matches!(folded(word).as_str(), "oui" | "ok" | "go") {
        return None;
    }
    let rest = rest.trim_start_matches([',', ':', ' ', '\u{a0}', '\u{202f}']);
    let (asked, name) =
        ["pour ", "Pour ", "POUR "].iter().find_map(|p| rest.strip_prefix(p)).map_or((false, rest), |n| (true, n));
    // All in capitals, a word looks like a name: two of them are one.
    let shouted = text.chars().all(|c| !c.is_lowercase()) && name.split_whitespace().count() < 2;
    let first = folded(name.split_whitespace().next()?);
    let said = COMMON.contains(&first.as_str()) || !asked && shouted;
    (!said && is_name(name, false)).then(|| Action::GoWith(name.to_owned()))
}

/// What people say behind a yes that is nobody's name.
const COMMON: [&str; 40] = [
    "merci",
    "bien",
    "avec",
    "tout",
    "cordialement",
    "svp",
    "stp",
    "parfait",
    "volontiers",
    "evidemment",
    "absolument",
    "bonjour",
    "monsieur",
    "madame",
    "super",
    "ok",
    "on",
    "je",
    "il",
    "elle",
    "d'accord",
    "pas",
    "sans",
    "mais",
    "et",
    "a",
    "bonne",
    "bientot",
    "vu",
    "note",
    "recu",
    "nous",
    "c'est",
    "sous",
    "si",
    "lot",
    "non",
    "stop",
    "sauf",
    "peut-etre",
];

/// Whether words are a person's name: one to three that begin with a capital (`asked`: any letter, since a command or a colon
/// says what is meant), small words of names between them.
fn is_name(words: &str, asked: bool) -> bool {
    const BETWEEN: [&str; 7] = ["de", "du", "des", "la", "le", "van", "el"];
    const NOBODY: [&str; 16] = [
        "nous",
        "moi",
        "vous",
        "toi",
        "lui",
        "info",
        "information",
        "votre",
        "notre",
        "que",
        "ce",
        "cette",
        "les",
        "le",
        "la",
        "un",
    ];
    let written = |w: &str| w.chars().all(|c| c.is_alphabetic() || matches!(c, '-' | '\'' | '’' | '.'));
    let begins = |w: &str| asked || w.starts_with(char::is_uppercase);
    let parts: Vec<&str> = words.trim_end_matches('.').split_whitespace().collect();
    let names = parts.iter().filter(|w| !BETWEEN.contains(w)).count();
    (1..=3).contains(&names)
        && parts.len() <= 5
        && parts.first().is_some_and(|w| !NOBODY.contains(&folded(w).as_str()))
        && parts.iter().all(|w| written(w) && (begins(w) || BETWEEN.contains(w)))
}

/// `oui lot 2` → `oui`, `2`.
fn without_lot(said: &str) -> (&str, String) {
    let Some((head, lot)) = said.rsplit_once("lot ") else { return (said, String::new()) };
    let lot = lot.trim_start_matches("n° ").trim();
    let short = !lot.is_empty() && lot.len() <= 20 && !lot.contains(' ');
    let head = head.trim_end_matches([',', ':', ' ']).trim_end_matches(" pour le").trim_end_matches(" le");
    let head = head.trim_end_matches([',', ':', ' ']);
    if short && !head.is_empty() { (head, lot.to_uppercase()) } else { (said, String::new()) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reactions_and_words_say_the_same() {
        let go = Some(Act::from(Action::Stage(Stage::Go)));
        for said in ["👍", "👍🏽", " Oui ", "OUI !", "on y va", "D’accord.", "👍\u{fe0f}"] {
            assert_eq!(words(said), go, "{said}");
        }
        for (said, action) in [
            ("👎", Action::Stage(Stage::NoGo)),
            ("Écarté", Action::Stage(Stage::NoGo)),
            ("⏰", Action::Remind(3)),
            ("rappel dans 5 jours", Action::Remind(5)),
            ("Rappel : 2 semaines", Action::Remind(14)),
            ("plus tard", Action::Remind(3)),
            ("Trop loin", Action::Because(Refusal::Place)),
            ("pas notre métier", Action::Because(Refusal::Trade)),
            ("Plus jamais cet acheteur", Action::Narrow(NarrowBy::Buyer)),
            ("gagné", Action::Stage(Stage::Won)),
            ("note : voir avec Léa", Action::Note("voir avec Léa".into())),
            ("pour Marc", Action::Assign("Marc".into())),
            ("Oui Karim", Action::GoWith("Karim".into())),
            ("Go pour Sandrine.", Action::GoWith("Sandrine".into())),
            ("oui, Jean-Baptiste", Action::GoWith("Jean-Baptiste".into())),
            ("OUI KARIM BENALI", Action::GoWith("KARIM BENALI".into())),
            ("Oui Nous", Action::Note(String::new())),
            ("OUI KARIM", Action::Note(String::new())),
            ("Oui Merci", Action::Stage(Stage::Go)),
            ("on regarde", Action::Remind(REMIND_DAYS)),
            ("On n’y va pas.", Action::Stage(Stage::NoGo)),
            ("C'est non pour nous", Action::Stage(Stage::NoGo)),
            ("Oui nous y allons", Action::Stage(Stage::Go)),
            ("Oui, merci", Action::Stage(Stage::Go)),
            ("oui merci beaucoup !", Action::Stage(Stage::Go)),
            ("Non, merci.", Action::Stage(Stage::NoGo)),
            ("NON MERCI", Action::Stage(Stage::NoGo)),
            ("Rappel dans 5 jours svp", Action::Remind(5)),
        ] {
            if action == Action::Note(String::new()) {
                assert_eq!(words(said), None, "{said}");
                continue;
            }
            assert_eq!(words(said), Some(action.into()), "{said}");
        }
        for said in ["❤", "oui mais non", "bonjour", "", "🎉🎉🎉", "rappel dans 900 jours", "rappel hier"] {
            assert_eq!(words(said), None, "{said}");
        }
    }

    #[test]
    fn a_lot_may_be_named() {
        for said in ["oui lot 2", "Oui, pour le lot 2", "oui lot n° 2", "oui : lot 2"] {
            assert_eq!(words(said), Some(Act { action: Action::Stage(Stage::Go), lot: "2".into() }), "{said}");
        }
    }

    #[test]
    fn buttons_fit_and_come_back_as_they_were() {
        let delivery = "0123456789abcdef01234567";
        let all = ACTIONS.into_iter().map(|(_, w)| w).chain(Refusal::ALL.map(Action::Because));
        for action in all {
            let ButtonAction::Press(data) = button("x", &action, delivery).action else { panic!("a press") };
            assert!(data.len() <= MAX_BUTTON_DATA);
            assert_eq!(pressed(&data), Some(ButtonData::Act(action, delivery.to_owned())));
        }
        for data in ["", "go", "go:", "zz:12", "why-x:12", "go:../x", "=x"] {
            assert_eq!(pressed(data), None, "{data}");
        }
    }

    /// A1: a sentence that begins with a command's word is no command.
    #[test]
    fn a_note_has_its_colon_and_somebody_has_a_name() {
        for (text, action) in [
            ("pour Marc", Some(Action::Assign("Marc".into()))),
            ("Pour Marie-Ève de la Tour", Some(Action::Assign("Marie-Ève de la Tour".into()))),
            ("/pour léa", Some(Action::Assign("léa".into()))),
            ("note : à voir", Some(Action::Note("à voir".into()))),
            ("Note: rappeler l’acheteur", Some(Action::Note("rappeler l’acheteur".into()))),
            ("Pour nous c'est non", None),
            ("Pour info", None),
            ("Pour Nous", None),
            ("Pour que votre message parvienne à son destinataire, cliquez ici", None),
            ("Pour le lot 2 c’est Marc", None),
            ("Note que nous sommes fermés", None),
            ("note à voir", None),
            ("Confier ce dossier", None),
        ] {
            assert_eq!(words(text).map(|a| a.action), action, "{text}");
        }
    }

    proptest::proptest! {
        #[test]
        fn no_text_or_data_makes_it_panic(text in "\\PC{0,120}", raw in ".{0,80}") {
            let _ = (words(&text), pressed(&text), words(&raw), pressed(&raw), reaction(&raw));
        }
    }
}

//! What was incoming, led to whoever answers it.
//!
//! Order: a chat that moves or is lost; then who speaks (a stranger gets one line, or comes in with a code); then what: a
//! button, a reaction, a word about a delivery, a command, an answer to the question that waits; then how much was said of
//! late. What is none of these is left unanswered in a group, and answered by a word of help to someone alone with the bot.
//!
//! A chat's memory (the question that waits, the buttons last offered) stands in the store: it survives a restart, goes
//! after [`KEPT`], and is moved by one person at a time.

use chrono::Duration;
use serde::{Deserialize, Serialize};
use vigie_notifier::card::short;
use vigie_notifier::chat::{Button, ButtonAction};
use vigie_service::answers::action::{self, Act, ButtonData, folded};
use vigie_service::answers::reading;
use vigie_service::breadth::{self, Way};
use vigie_service::{Failure, Service, preview};
use vigie_store::chats::Standing;
use vigie_store::people::AddressState;

use super::command::{self, Command, Which};
use super::replies::{Asker, UNDER_WHICH, WHICH_ONE, apart};
use super::subscribe::{self, Draft, Next};
use super::{Incoming, Input, Reply, ReplyPlace, decide, membership, save_subscription};

/// Most things a chat may say within [`WINDOW`]; what exceeds is left unanswered.
const MOST: i64 = 60;
/// Window of [`MOST`].
const WINDOW: Duration = Duration::minutes(10);
/// How long a question waits for its answer.
const KEPT: Duration = Duration::days(7);
/// Longest text read, in bytes.
const MAX_TEXT: usize = 4096;
/// Most buttons remembered as words.
const MAX_OFFERS: usize = 24;

const DEAF: &str = "Je n’ai pas pu déchiffrer un message. Sa clé est demandée ; écrivez-le à nouveau si rien ne vient.";
const TOO_MUCH: &str =
    "C’est beaucoup d’un coup : je reprends dans quelques minutes. Rien n’est perdu de ce qui est noté.";
const KEPT_OUT: &str =
    "Votre accès à Vigie est suspendu par la personne qui la gère : écrivez-lui pour savoir pourquoi, ou pour revenir.";
const WHICH: &str = "De quel marché parlez-vous ? Répondez sous son alerte, ou touchez un de ses boutons.";
const ODD_BUTTON: &str = "Ce bouton ne sert plus. /aide dit ce que je sais faire.";
const ODD_TEXT: &str = "Je n’ai pas compris. /aide dit ce que je sais faire ; sous une alerte, répondez « oui », « non » ou « plus tard ».";
const EDITED: &str = "Je ne relis pas un message corrigé : envoyez la commande de nouveau.";
const FORWARDED: &str =
    "Je ne lis pas les messages transférés. Pour signaler un marché : /ajouter, puis de quoi il s’agit et son lien.";
const PAST: &str = "Cette question est passée. /abonner recommence.";
const NO_NOTE: &str = "Cette note est gardée, ou laissée : répondez sous l’alerte pour en écrire une autre.";
const NOTE_LEFT: &str = "Rien n’est gardé.";
const LEFT_IT: &str = "C’est abandonné : rien n’est changé.";
const NOTHING_TO_CANCEL: &str = "Il n’y a rien à annuler. /aide dit ce que je sais faire.";
const LINKED: &str =
    "Cette conversation est déjà reliée à Vigie : le code reste valable, utilisez-le dans une autre conversation.";
const MEANWHILE: &str = "Quelqu’un vient de répondre. Où nous en sommes :";
const WHERE_WE_WERE: &str = "Reprenons où nous en étions (« recommencer » repart du début).";

/// What a chat remembers.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
struct Memory {
    /// Labels of the buttons last offered, folded, and their data: a label said is a button pressed.
    offers: Vec<(String, String)>,
    /// The subscription on the way.
    draft: Option<Draft>,
    /// What was said under an alert, to be kept as a note if they say so.
    note: Option<PendingNote>,
}

/// Words under an alert that ask for nothing.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct PendingNote {
    /// The delivery under which they were said.
    about: String,
    words: String,
}

/// The name of the question whether words are to be kept as a note, in buttons.
const NOTE_STEP: &str = "note";
/// Longest note offered to be kept, in characters.
const MAX_NOTE: usize = 300;

/// Answers what was heard in a chat. Whatever it decides is durable when it returns.
///
/// # Errors
/// The database fails.
pub async fn dispatch(service: &Service, incoming: Incoming) -> Result<Vec<Reply>, Failure> {
    let chat = &incoming.chat;
    let now = service.clock.now();
    let people = service.store.people_of_chat(chat.channel, &chat.id).await?;
    match &incoming.input {
        Input::Moved { to } => {
            service.store.move_chat(chat.channel, &chat.id, to).await?;
            service.deliveries_queued.notify_waiters();
            return Ok(Vec::new());
        }
        Input::Left => return membership::left(service, chat.channel, &people).await.map(|()| Vec::new()),
        Input::Joined => return membership::joined(service, chat, &people).await,
        _ => {}
    }
    let known = !people.is_empty();
    let people = membership::heard(service, people).await?;
    if known && people.is_empty() {
        // Once in a while, and to words alone.
        let words = chat.private && matches!(incoming.input, Input::Text { .. });
        let first = words && service.store.count_heard(chat.channel, &chat.id, WINDOW, now).await? == 1;
        return Ok(if first { decide::short_reply(&incoming, KEPT_OUT) } else { Vec::new() });
    }
    let Some((person, _)) = people.iter().find(|(_, a)| a.state != AddressState::Unconfirmed) else {
        return membership::stranger(service, &incoming).await;
    };
    let standing = service.store.dialogue(chat.channel, &chat.id, now).await?;
    let memory: Memory = serde_json::from_str(&standing.text).unwrap_or_default();
    let wanted = wants(&incoming, &memory);
    if wanted == Wants::Nothing {
        return Ok(Vec::new());
    }
    match service.store.count_heard(chat.channel, &chat.id, WINDOW, now).await? {
        n if n > MOST + 1 => return Ok(Vec::new()),
        n if n > MOST => return Ok(decide::short_reply(&incoming, TOO_MUCH)),
        _ => {}
    }
    membership::back(service, &people, now).await?;
    let talk = Talk { asker: Asker { service, incoming: &incoming, person, people: &people, now }, standing, memory };
    apart(|| talk.answer(wanted)).await
}

/// What something heard asks for.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Wants {
    /// Nothing.
    Nothing,
    /// That, about that delivery.
    Act(Act, String),
    /// That command, said about that delivery.
    Command(Command, Option<String>),
    /// An answer to the question that waits; of a button, to the question it names.
    Answer(String, Option<String>),
    /// To keep that as a note about that delivery, perhaps.
    PerhapsNote(PendingNote),
    /// To have the file read that was sent under that delivery.
    File(String),
    /// A word to say.
    Word(&'static str),
}

/// Reads what was incoming. Pure.
fn wants(incoming: &Incoming, memory: &Memory) -> Wants {
    match &incoming.input {
        Input::Pressed { data, .. } => pressed(data, None),
        Input::Reacted { emoji, about } => match action::reaction(emoji) {
            Some(action) if !about.is_empty() => Wants::Act(action.into(), about.clone()),
            _ => Wants::Nothing,
        },
        Input::Text { text, about, edited, forwarded } => {
            let text = text.get(..text.floor_char_boundary(MAX_TEXT)).unwrap_or(text);
            written(text, about.as_deref(), (*edited, *forwarded), incoming.chat.private, memory)
        }
        Input::File { about: Some(about), .. } => Wants::File(about.clone()),
        Input::File { about: None, .. } if incoming.chat.private => Wants::Word(UNDER_WHICH),
        Input::File { about: None, .. } => Wants::Nothing,
        Input::Undecryptable => Wants::Word(DEAF),
        Input::Joined | Input::Left | Input::Moved { .. } => Wants::Nothing,
    }
}

fn pressed(data: &str, about: Option<&str>) -> Wants {
    match action::pressed(data) {
        Some(ButtonData::Act(action, delivery)) => Wants::Act(action.into(), delivery),
        Some(ButtonData::Command(text)) => match command::parse(&text) {
            Some(command) => Wants::Command(command, about.map(str::to_owned)),
            None => Wants::Word(ODD_BUTTON),
        },
        Some(ButtonData::Answer { step, words }) => Wants::Answer(words, Some(step)),
        None => Wants::Word(ODD_BUTTON),
    }
}

fn written(
    text: &str,
    about: Option<&str>,
    (edited, forwarded): (bool, bool),
    private: bool,
    memory: &Memory,
) -> Wants {
    // What was said before it was corrected has been acted on; what others wrote is not said here.
    if edited {
        return if private && text.trim_start().starts_with('/') { Wants::Word(EDITED) } else { Wants::Nothing };
    }
    if forwarded {
        return if private { Wants::Word(FORWARDED) } else { Wants::Nothing };
    }
    let act = reading::act(text);
    if let (Some(act), Some(delivery)) = (&act, about) {
        return Wants::Act(act.clone(), delivery.to_owned());
    }
    if let Some(command) = command::parse(text) {
        return Wants::Command(command, about.map(str::to_owned));
    }
    let said = folded(text);
    if let Some((_, data)) = memory.offers.iter().find(|(label, _)| !said.is_empty() && *label == said) {
        return pressed(data, about);
    }
    if memory.draft.is_some() && about.is_none() {
        return Wants::Answer(text.to_owned(), None);
    }
    match command::bare(text) {
        Some(command) if private || command == Command::Help && said == "aide" => {
            Wants::Command(command, about.map(str::to_owned))
        }
        _ => match perhaps_note(text, about) {
            Some(note) => Wants::PerhapsNote(note),
            None if !private => Wants::Nothing,
            None if act.is_some() => Wants::Word(WHICH),
            None => Wants::Word(ODD_TEXT),
        },
    }
}

/// A sentence under an alert, which may be a note for colleagues; a word, or signs, are none.
fn perhaps_note(text: &str, about: Option<&str>) -> Option<PendingNote> {
    let words = short(text, MAX_NOTE);
    let says_something = words.split_whitespace().filter(|w| w.chars().any(char::is_alphabetic)).count() >= 2;
    Some(PendingNote { about: about.filter(|_| says_something)?.to_owned(), words })
}

struct Talk<'a> {
    asker: Asker<'a>,
    standing: Standing,
    memory: Memory,
}

impl Talk<'_> {
    async fn answer(mut self, wanted: Wants) -> Result<Vec<Reply>, Failure> {
        let (service, incoming) = (self.asker.service, self.asker.incoming);
        let replies = match wanted {
            Wants::Nothing => Vec::new(),
            Wants::Word(word) => {
                let said = match &incoming.input {
                    Input::Text { text, about: None, edited: false, forwarded: false } if incoming.chat.private => text,
                    _ => return Ok(decide::short_reply(incoming, word)),
                };
                // Words that ask for nothing here may answer what waits: a chat without buttons has no other way.
                match apart(|| self.asker.answer_in_words(said)).await? {
                    Some(replies) => replies,
                    None => decide::short_reply(incoming, word),
                }
            }
            Wants::Act(act, delivery) => apart(|| decide::act(service, incoming, &delivery, &act)).await?,
            Wants::File(about) => match &incoming.input {
                Input::File { name, content, .. } => self.asker.take_file(name, content, &about).await?,
                _ => Vec::new(),
            },
            Wants::PerhapsNote(note) => return self.offer_note(note).await,
            Wants::Answer(words, step) if step.as_deref() == Some(NOTE_STEP) => return self.keep_note(&words).await,
            Wants::Answer(words, step) => return apart(|| self.go_on(&words, step.as_deref())).await,
            Wants::Command(Command::Subscribe, _) => return apart(|| self.subscribe()).await,
            Wants::Command(Command::Change(which), _) => return apart(|| self.change(which.as_ref())).await,
            Wants::Command(Command::Cancel, _) => return self.cancel().await,
            Wants::Command(Command::Start(Some(_)), _) if self.in_use() => vec![membership::answer(LINKED)],
            Wants::Command(command, about) => apart(|| self.asker.answer(command, about.as_deref())).await?,
        };
        let offers = offers(&replies);
        if !offers.is_empty() {
            self.memory.offers = offers;
            self.keep().await?; // somebody who answered meanwhile wins: these buttons can still be pressed
        }
        Ok(replies)
    }

    /// Asks whether words under an alert are a note; whoever only reads has no notes.
    async fn offer_note(mut self, note: PendingNote) -> Result<Vec<Reply>, Failure> {
        let incoming = self.asker.incoming;
        let person = self.asker.person;
        if !person.role.may(vigie_domain::Permission::Decide) && !decide::notes_on_operations(person) {
            return Ok(if incoming.chat.private { decide::short_reply(incoming, ODD_TEXT) } else { Vec::new() });
        }
        let text = format!("Garder cela comme note pour vos collègues ?\n« {} »", note.words);
        self.memory.note = Some(note);
        let row =
            vec![action::answer("Garder la note", NOTE_STEP, "oui"), action::answer("Non merci", NOTE_STEP, "non")];
        let replies = self.reply(text, vec![row]);
        self.memory.offers = offers(&replies);
        self.keep().await?;
        Ok(replies)
    }

    async fn keep_note(mut self, words: &str) -> Result<Vec<Reply>, Failure> {
        let Some(note) = self.memory.note.take() else {
            return Ok(decide::short_reply(self.asker.incoming, NO_NOTE));
        };
        self.memory.offers.clear();
        self.keep().await?;
        if words != "oui" {
            return Ok(self.reply(NOTE_LEFT.to_owned(), Vec::new()));
        }
        let act = action::Action::Note(note.words).into();
        decide::act(self.asker.service, self.asker.incoming, &note.about, &act).await
    }

    fn in_use(&self) -> bool {
        self.asker.people.iter().any(|(_, a)| a.state == AddressState::Active)
    }

    /// Keeps the memory; `false` when somebody else moved it meanwhile.
    async fn keep(&self) -> Result<bool, Failure> {
        let text = if self.memory == Memory::default() {
            String::new()
        } else {
            serde_json::to_string(&self.memory).unwrap_or_default()
        };
        let (chat, now) = (&self.asker.incoming.chat, self.asker.now);
        let store = &self.asker.service.store;
        Ok(store.set_dialogue(chat.channel, &chat.id, self.standing.version, &text, now + KEPT, now).await?)
    }

    async fn subscribe(mut self) -> Result<Vec<Reply>, Failure> {
        let person = self.asker.person;
        // A change that was begun is none of a new subscription.
        let begun = self.memory.draft.take().filter(|draft| draft.changes.is_none());
        let note = if begun.is_some() { WHERE_WE_WERE } else { "" };
        let draft = begun.unwrap_or_else(|| subscribe::begin(person.role, &person.profile));
        self.ask(draft, note).await
    }

    /// A subscription is changed, from what it is.
    async fn change(self, which: Option<&Which>) -> Result<Vec<Reply>, Failure> {
        let Some(subscription) = self.asker.the_one(which).await? else {
            return Ok(vec![membership::answer(WHICH_ONE)]);
        };
        let draft = Draft::of(&subscription, self.asker.person.profile.kind);
        self.ask(draft, "").await
    }

    async fn cancel(mut self) -> Result<Vec<Reply>, Failure> {
        if self.memory.draft.is_none() {
            return Ok(vec![membership::answer(NOTHING_TO_CANCEL)]);
        }
        self.memory = Memory::default();
        if !self.keep().await? {
            return self.meanwhile().await;
        }
        Ok(vec![membership::answer(LEFT_IT)])
    }

    /// An answer to the question that waits.
    async fn go_on(mut self, words: &str, step: Option<&str>) -> Result<Vec<Reply>, Failure> {
        let asker = &self.asker;
        let Some(draft) = self.memory.draft.take() else { return Ok(decide::short_reply(asker.incoming, PAST)) };
        if step.is_some_and(|s| s != draft.step.as_str()) {
            return Ok(decide::short_reply(asker.incoming, PAST));
        }
        let next = match subscribe::next(draft, words) {
            Next::LookUp(draft, siret) => {
                let structure = asker.service.store.structure(&siret).await?;
                subscribe::found(draft, &siret, structure)
            }
            next => next,
        };
        match next {
            Next::Ask(draft, note) => self.ask(draft, &note).await,
            // In a group people also talk to each other.
            Next::Again(..) if !asker.incoming.chat.private && step.is_none() => Ok(Vec::new()),
            Next::Again(draft, note) => self.ask(draft, &note).await,
            Next::LookUp(draft, _) => self.ask(draft, "").await,
            Next::Cancelled => {
                self.memory.draft = None;
                self.memory.offers.clear();
                if self.keep().await? { Ok(self.reply(LEFT_IT.to_owned(), Vec::new())) } else { self.meanwhile().await }
            }
            Next::Save(draft) => {
                let said = save_subscription::save(asker.service, asker.person, &draft, asker.now).await?;
                self.memory.offers.clear();
                self.keep().await?;
                Ok(self.reply(said, vec![vec![action::command("Mes abonnements", "/abonnements")]]))
            }
        }
    }

    /// Asks the question of a draft, which is kept first.
    async fn ask(mut self, mut draft: Draft, note: &str) -> Result<Vec<Reply>, Failure> {
        draft.ways.clear();
        let mut preview = String::new();
        if draft.step == subscribe::Step::Confirm {
            let (filter, person) = (draft.filter(), self.asker.person);
            let seen = preview::preview(self.asker.service, &filter, &person.profile, preview::DAYS).await?;
            preview = seen.in_french(&filter);
            if let Some(advice) = breadth::advise(self.asker.service, person, &filter, &seen).await? {
                preview = format!("{preview}\n{}", advice.question());
                // A button says what the change would give; the words alone are understood too.
                let said = advice.choices().into_iter().zip(advice.ways);
                draft.ways = said.map(|(label, way)| Way { label, ..way }).collect();
            }
        }
        let (question, buttons) = subscribe::question(&draft, &preview);
        self.memory.draft = Some(draft);
        let text = if note.is_empty() { question } else { format!("{note}\n{question}") };
        let replies = self.reply(text, buttons);
        self.memory.offers = offers(&replies);
        if self.keep().await? { Ok(replies) } else { self.meanwhile().await }
    }

    /// Somebody else moved the dialogue: says where it stands now.
    async fn meanwhile(&self) -> Result<Vec<Reply>, Failure> {
        let (chat, store) = (&self.asker.incoming.chat, &self.asker.service.store);
        let standing = store.dialogue(chat.channel, &chat.id, self.asker.now).await?;
        let memory: Memory = serde_json::from_str(&standing.text).unwrap_or_default();
        Ok(match memory.draft {
            Some(draft) => {
                let (question, buttons) = subscribe::question(&draft, "");
                self.reply(format!("{MEANWHILE}\n{question}"), buttons)
            }
            None => decide::short_reply(self.asker.incoming, PAST),
        })
    }

    fn reply(&self, text: String, buttons: Vec<Vec<Button>>) -> Vec<Reply> {
        let pressed = matches!(self.asker.incoming.input, Input::Pressed { .. });
        let place = if pressed { ReplyPlace::Edit } else { ReplyPlace::Answer };
        vec![Reply { place, text: text.as_str().into(), buttons }]
    }
}

/// The buttons of some replies, as words.
fn offers(replies: &[Reply]) -> Vec<(String, String)> {
    let buttons = replies.iter().flat_map(|r| r.buttons.iter().flatten());
    let said = buttons.filter_map(|b| match &b.action {
        ButtonAction::Press(data) => Some((folded(&b.label), data.clone())),
        ButtonAction::Open(_) => None,
    });
    said.filter(|(label, _)| !label.is_empty()).take(MAX_OFFERS).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Chat, Sender};
    use vigie_domain::{Channel, Stage};

    fn incoming(private: bool, input: Input) -> Incoming {
        let chat = Chat { channel: Channel::Telegram, id: "1".into(), private, title: String::new() };
        Incoming { chat, sender: Sender { id: "1".into(), name: "Ana".into() }, input }
    }

    fn text(text: &str, about: Option<&str>) -> Input {
        Input::Text { text: text.into(), about: about.map(str::to_owned), edited: false, forwarded: false }
    }

    #[test]
    fn what_is_said_alone_and_in_a_group() {
        let none = Memory::default();
        let go = Wants::Act(action::Action::Stage(Stage::Go).into(), "d".into());
        let perhaps = |words: &str| Wants::PerhapsNote(PendingNote { about: "d".into(), words: words.into() });
        // (text, about, wanted in private, wanted in a group)
        let table: &[(&str, Option<&str>, Wants, Wants)] = &[
            ("oui", Some("d"), go.clone(), go.clone()),
            ("oui", None, Wants::Word(WHICH), Wants::Nothing),
            ("à voir avec Léa", Some("d"), perhaps("à voir avec Léa"), perhaps("à voir avec Léa")),
            ("à voir avec Léa", None, Wants::Word(ODD_TEXT), Wants::Nothing),
            ("🎉 🎉", Some("d"), Wants::Word(ODD_TEXT), Wants::Nothing),
            ("bonne nuit", None, Wants::Word(ODD_TEXT), Wants::Nothing),
            ("🎉🎉🎉", None, Wants::Word(ODD_TEXT), Wants::Nothing),
            ("\u{202e}مرحبا\u{202c}", None, Wants::Word(ODD_TEXT), Wants::Nothing),
            ("aide", None, Wants::Command(Command::Help, None), Wants::Command(Command::Help, None)),
            ("stop", None, Wants::Command(Command::Stop, None), Wants::Nothing),
            ("/stop", None, Wants::Command(Command::Stop, None), Wants::Command(Command::Stop, None)),
            ("", None, Wants::Word(ODD_TEXT), Wants::Nothing),
        ];
        for (said, about, alone, group) in table {
            assert_eq!(wants(&incoming(true, text(said, *about)), &none), *alone, "{said}");
            assert_eq!(wants(&incoming(false, text(said, *about)), &none), *group, "{said}");
        }
        let long = text(&"x".repeat(10_000), None);
        assert_eq!(wants(&incoming(true, long), &none), Wants::Word(ODD_TEXT));
        let edited = Input::Text { text: "/stop".into(), about: None, edited: true, forwarded: false };
        assert_eq!(wants(&incoming(true, edited), &none), Wants::Word(EDITED));
        let forwarded = Input::Text { text: "oui".into(), about: None, edited: false, forwarded: true };
        assert_eq!(wants(&incoming(true, forwarded), &none), Wants::Word(FORWARDED));
    }

    #[test]
    fn the_label_of_a_button_is_the_button() {
        let offers = vec![(folded("Oui, le retirer"), "/retirer #ab oui".into())];
        let memory = Memory { offers, ..Memory::default() };
        let wanted = wants(&incoming(false, text("oui, le retirer !", None)), &memory);
        assert!(matches!(wanted, Wants::Command(Command::Remove { sure: true, .. }, None)), "{wanted:?}");
    }
}

//! Targets for bytes that nobody foresaw: each takes any bytes and panics where something that must hold does not.
//!
//! Inputs are made from a corpus by mutation: `tests/corpus/TARGET/` holds seeds and whatever once failed. The test of the same
//! name runs the corpus and some mutations (`VIGIE_FUZZ_CASES` says how many); `cargo run --release -p vigie-tests -- fuzz`
//! goes on for as long as asked.

mod outside;

use std::path::PathBuf;
use std::sync::OnceLock;

use chrono::DateTime;
use vigie_config::rules;
use vigie_conversation::command::{self, Command};
use vigie_conversation::subscribe::{self, Draft, Next};
use vigie_domain::subscription::{Profile, Role};
use vigie_notifier::chat::ButtonAction;
use vigie_notifier::chat::{Rich, Span, Style};
use vigie_notifier::message::{Form, Templates};
use vigie_service::answers::action;
use vigie_service::place_input;
use vigie_telegram::{EventKind, content, receive};

/// Largest input, in bytes.
const MAX_INPUT: usize = 64 * 1024;
/// Words that break parsers more often than random bytes do.
const DICTIONARY: &[&str] = &[
    "<b>",
    "</b>",
    "<i>",
    "</i>",
    "<blockquote>",
    "</blockquote>",
    "<br/>",
    "<a href=\"https://a.fr/?x=1&amp;y=2\">",
    "<a href=\"mailto:a@b.fr\">",
    "<a href=\"javascript:x\">",
    "</a>",
    "&amp;",
    "&lt;",
    "&#0;",
    "&#x1F3EB;",
    "&",
    "<",
    ">",
    "\"",
    "'",
    "👷🏽\u{200d}♀\u{fe0f}",
    "🏫",
    "\u{202e}",
    "\u{200b}",
    "\u{feff}",
    "e\u{301}",
    "\u{a0}",
    "\u{202f}",
    "\n\n",
    "\r\n",
    "\0",
    ". ",
    "! ",
    "/",
    "/abonner",
    "/aide@vigie_bot",
    "/pause 7",
    "oui",
    "non",
    "rappel 3",
    "note",
    "lot 2",
    "\u{1}",
    "à la main\u{1}",
    "continuer\u{1}",
    "affiner",
    "Lens 30 km",
    "autour de ",
    "CA de Lens - Liévin",
    "mots : ",
    "moins de 90 000 €",
    "jusqu’au 12/01/2027",
    "AB0D-EFGH-JK1M",
    "👍",
    "👎",
    "⏰",
    "go:",
    ":",
    "=",
    "@",
    "{\"update_id\":1,",
    "\"message\":{",
    "\"text\":",
    "\"chat\":{\"id\":-1,\"type\":\"group\"}",
    "null",
    "[]",
    "{}",
    "-9223372036854775808",
    "1e999",
    "18446744073709551615",
    // Pages, feeds and records.
    "<table><tr><td rowspan=9 colspan=4294967295>",
    "<li class=c>",
    "<![CDATA[",
    "]]>",
    "<!--",
    "<!DOCTYPE a [<!ENTITY x \"&x;&x;\">]>",
    "<item><guid>17</guid><link>https://a.fr/1</link><title>",
    "<entry><id>1</id><title>",
    "<cbc:EndDate>+26214-1-1</cbc:EndDate>",
    " schemeName=\"Lot\"",
    "cac:ProcurementProjectLot",
    "\"uid\": \"1\",",
    "li:nth-child(",
    ":has(> a)",
    ":not(:not(*))",
    "[href^=",
    "@href",
    "\u{1}<ul><li>",
    // Dates.
    "12/01/2027 12h00",
    "0026-03-18",
    "+26214-1-1",
    "31 février",
    "24:00",
    "à midi",
    "T12:00:00Z",
    // Mails.
    "\r\n\r\n",
    "--b\r\nContent-Type: message/rfc822\r\n\r\n",
    "Content-Type: multipart/mixed; boundary=b\r\n",
    "Content-Transfer-Encoding: base64\r\n",
    "=?utf-8?B?w6k=?=",
    "Status: 5.1.1\r\n",
    "Action: failed\r\n",
    "Auto-Submitted: auto-replied\r\n",
    "Le 24 nov. 2026 à 10:00, Vigie <vigie@vigie.example> a écrit :\n> ",
    "désabonnez-moi",
    "Cordialement,\n",
];

/// Something that must hold of any bytes.
#[derive(Clone, Copy)]
pub struct Target {
    /// Its name, and its corpus'.
    pub name: &'static str,
    /// Panics where it does not hold.
    pub run: fn(&[u8]),
}

/// Every target.
pub const TARGETS: &[Target] = &[
    Target { name: "chat-template", run: chat_template },
    Target { name: "telegram-parts", run: telegram_parts },
    Target { name: "matrix-html", run: matrix_html },
    Target { name: "split", run: split },
    Target { name: "words", run: words },
    Target { name: "buttons", run: buttons },
    Target { name: "commands", run: commands },
    Target { name: "dialogue", run: dialogue },
    Target { name: "telegram-updates", run: telegram_updates },
    Target { name: "headers", run: headers },
    Target { name: "html", run: outside::markup },
    Target { name: "xml", run: outside::xml },
    Target { name: "feed", run: outside::feed },
    Target { name: "selector", run: outside::selector },
    Target { name: "eforms", run: outside::eforms_notice },
    Target { name: "decp", run: outside::decp_rows },
    Target { name: "boamp", run: outside::boamp_records },
    Target { name: "mail", run: outside::mail },
    Target { name: "answer", run: outside::answer },
    Target { name: "report", run: outside::report },
    Target { name: "date", run: outside::date },
    Target { name: "filter", run: outside::filter },
];

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

fn solid(text: &str) -> String {
    text.chars().filter(|c| !c.is_whitespace()).collect()
}

/// Spans stand within the text, between characters, and one in another or apart.
fn well_spanned(rich: &Rich) {
    for (n, a) in rich.spans.iter().enumerate() {
        assert!(a.start < a.end && a.end <= rich.text.len(), "{a:?}");
        assert!(rich.text.is_char_boundary(a.start) && rich.text.is_char_boundary(a.end), "{a:?}");
        for b in &rich.spans[n + 1..] {
            let apart = a.end <= b.start || b.end <= a.start;
            assert!(apart || (a.start <= b.start && b.end <= a.end), "{a:?} crosses {b:?}");
        }
    }
}

/// A text with styles from any bytes: those of a template where they are one, else words cut up by their own bytes.
fn rich(bytes: &[u8]) -> Rich {
    let text = text(bytes);
    if let Ok(rich) = Rich::parse(&text) {
        return rich;
    }
    let mut spans: Vec<Span> = Vec::new();
    let mut at = 0;
    for (n, byte) in bytes.iter().take(400).enumerate() {
        let mut end = (at + usize::from(*byte)).min(text.len());
        while !text.is_char_boundary(end) {
            end += 1;
        }
        let style = match byte % 5 {
            0 => Style::Bold,
            1 => Style::Italic,
            2 => Style::Quote,
            3 => Style::Link(format!("https://a.fr/{n}")),
            _ => Style::Link("mailto:a@b.fr".to_owned()),
        };
        if at < end {
            spans.push(Span { start: at, end, style });
        }
        at = end;
    }
    Rich { text, spans }
}

fn chat_template(bytes: &[u8]) {
    if let Ok(rich) = Rich::parse(&text(bytes)) {
        well_spanned(&rich);
        assert!(!rich.text.chars().any(|c| c.is_control() && c != '\n'), "a control character");
        for span in &rich.spans {
            if let Style::Link(url) = &span.style {
                assert!(["https://", "http://", "mailto:"].iter().any(|s| url.starts_with(s)), "{url}");
            }
        }
        assert!(rich.bare().len() >= rich.text.len());
    }
}

fn telegram_parts(bytes: &[u8]) {
    let rich = rich(bytes);
    let parts = content::parts(&rich, &[]);
    let mut said = String::new();
    for part in &parts {
        let units: Vec<u16> = part.text.encode_utf16().collect();
        assert!(!part.text.trim().is_empty() && units.len() <= content::MAX_TEXT, "{} units", units.len());
        assert!(part.entities.len() <= 100, "{} entities", part.entities.len());
        for (n, a) in part.entities.iter().enumerate() {
            let end = a.offset + a.length;
            assert!(a.length > 0 && end <= units.len(), "{a:?} of {}", units.len());
            assert!(String::from_utf16(&units[a.offset..end]).is_ok(), "{a:?} cuts a character");
            for b in &part.entities[n + 1..] {
                let (start, stop) = (b.offset, b.offset + b.length);
                let apart = end <= start || stop <= a.offset;
                assert!(
                    apart || (a.offset <= start && stop <= end) || (start <= a.offset && end <= stop),
                    "{a:?} crosses {b:?}"
                );
            }
        }
        said.push_str(&part.text);
    }
    // Addresses of mailboxes are added to the words; nothing is taken away, nor moved.
    let said = solid(&said);
    let mut left = said.chars();
    assert!(solid(&rich.text).chars().all(|c| left.any(|s| s == c)), "words are lost");
}

fn matrix_html(bytes: &[u8]) {
    let rich = rich(bytes);
    let html = rich.html();
    let allowed = [
        "strong>",
        "/strong>",
        "em>",
        "/em>",
        "blockquote>",
        "/blockquote>",
        "br>",
        "/a>",
        "a href=\"https://",
        "a href=\"http://",
        "a href=\"mailto:",
    ];
    for (at, _) in html.match_indices('<') {
        let rest = &html[at + 1..];
        assert!(allowed.iter().any(|a| rest.starts_with(a)), "<{}", rest.chars().take(30).collect::<String>());
    }
    let count = |tag: &str| html.matches(tag).count();
    for tag in ["strong", "em", "blockquote"] {
        assert_eq!(count(&format!("<{tag}>")), count(&format!("</{tag}>")), "{tag} is not closed");
    }
    assert!(!html.chars().any(char::is_control), "a control character");
}

fn split(bytes: &[u8]) {
    let (head, rest) = bytes.split_at(bytes.len().min(2));
    let limit = head.iter().fold(0usize, |n, b| n << 8 | usize::from(*b)) % 5000;
    let rich = rich(rest);
    let parts = rich.clone().split(limit);
    for part in &parts {
        well_spanned(part);
        assert!(
            part.utf16_len() <= limit.max(2) || parts.len() == 1 && rich.utf16_len() <= limit.max(2),
            "{} > {limit}",
            part.utf16_len()
        );
    }
    let said: String = parts.iter().map(|p| p.text.as_str()).collect();
    assert_eq!(solid(&said), solid(&rich.text), "words are lost");
}

fn words(bytes: &[u8]) {
    let text = text(bytes);
    let act = action::words(&text);
    assert_eq!(act, action::words(&text), "the same words ask for the same");
    let _ = action::reaction(&text);
    let folded = action::folded(&text);
    assert!(!folded.chars().any(|c| c.is_ascii_uppercase()), "{folded}");
}

fn buttons(bytes: &[u8]) {
    let data = text(bytes);
    // Telegram gives back what it was given, which is no longer.
    if data.len() > vigie_notifier::chat::MAX_BUTTON_DATA {
        return;
    }
    let Some(action::ButtonData::Act(wish, delivery)) = action::pressed(&data) else { return };
    let ButtonAction::Press(made) = action::button("x", &wish, &delivery).action else {
        panic!("a button that opens a page")
    };
    assert_eq!(action::pressed(&made), Some(action::ButtonData::Act(wish, delivery)), "{data} → {made}");
}

fn commands(bytes: &[u8]) {
    let text = text(bytes);
    let read = command::parse(&text);
    if let Some(Command::Unknown(name)) = &read {
        assert!(name.chars().count() <= 24, "{name}");
    }
    if let Some(Command::Add(rest) | Command::Replay(rest)) = &read {
        assert!(rest.chars().count() <= 3_000);
    }
    let now = DateTime::from_timestamp(1_800_000_000, 0).unwrap_or_default();
    if let Some(until) = command::until(&text, chrono_tz::Europe::Paris, now) {
        assert!(until > now && until <= now + chrono::Duration::days(366), "{until}");
    }
    if let Some(code) = command::code_in(&text) {
        assert!(code.len() == 12 && code.bytes().all(|b| b.is_ascii_alphanumeric()), "{code}");
    }
    let _ = command::bare(&text);
    let circle = place_input::around(&text);
    if let Ok(around) = &circle {
        assert_eq!(
            place_input::around(&place_input::written(around)).as_ref(),
            Ok(around),
            "what is shown can be written"
        );
    }
}

/// A conversation, its answers between `\u{1}`. Whatever is said, the next question stands, is short enough, and is kept as it was.
fn dialogue(bytes: &[u8]) {
    let start = || subscribe::begin(Role::Structure, &Profile::default());
    let mut draft = start();
    for said in text(bytes).split('\u{1}').take(30) {
        draft = match subscribe::next(draft, said) {
            Next::Ask(draft, note) | Next::Again(draft, note) => {
                assert!(note.chars().count() < 500, "{note}");
                draft
            }
            Next::LookUp(draft, siret) => match subscribe::found(draft, &siret, None) {
                Next::Ask(draft, _) => draft,
                other => panic!("{other:?}"),
            },
            Next::Save(draft) => draft,
            Next::Cancelled => start(),
        };
        assert!(draft.filter().faults().is_empty() && draft.filter().unknown_places(rules::communes).is_empty());
        let (question, buttons) = subscribe::question(&draft, "");
        assert!(question.encode_utf16().count() < content::MAX_TEXT && !buttons.is_empty());
        let kept = serde_json::to_string(&draft).unwrap_or_default();
        assert_eq!(serde_json::from_str::<Draft>(&kept).ok().as_ref(), Some(&draft), "{kept}");
    }
}

fn telegram_updates(bytes: &[u8]) {
    let Some(received) = receive::read_json(bytes, "vigie_bot") else { return };
    assert!(received.unreadable.is_none() || received.events.is_empty());
    for event in received.events {
        if let EventKind::Text { text, .. } = &event.kind {
            assert!(text.len() <= 16_384);
        }
        if let EventKind::Reacted { emoji } = &event.kind {
            assert!(!emoji.contains('\u{fe0f}'));
        }
    }
}

fn headers(bytes: &[u8]) {
    static TEMPLATES: OnceLock<Option<Templates>> = OnceLock::new();
    let text = text(bytes);
    let Some(templates) = TEMPLATES.get_or_init(|| Templates::load(None).ok()) else { panic!("built-in templates") };
    let forms = [Form::Mail, Form::Chat];
    for message in
        forms.into_iter().flat_map(|form| [templates.operator(form, &text, &text), templates.word(form, &text, None)])
    {
        let Ok(message) = message else { panic!("no message of {text:?}") };
        assert!(!message.subject.chars().any(char::is_control), "{:?}", message.subject);
        assert!(message.subject.chars().count() <= 250, "{}", message.subject.len());
        assert!(!message.html().is_some_and(|html| html.contains("<script")), "{:?}", message.html());
        well_spanned(&message.chat());
    }
}

/// Xorshift: the same seed makes the same inputs.
#[derive(Debug, Clone)]
pub struct Mutator {
    state: u64,
    corpus: Vec<Vec<u8>>,
}

impl Mutator {
    /// Inputs from a target's corpus.
    #[must_use]
    pub fn new(target: &str, seed: u64) -> Self {
        let mut corpus = corpus(target);
        corpus.push(Vec::new());
        Self { state: seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1, corpus }
    }

    fn below(&mut self, n: usize) -> usize {
        self.state ^= self.state << 13;
        self.state ^= self.state >> 7;
        self.state ^= self.state << 17;
        usize::try_from(self.state >> 11).unwrap_or(0) % n.max(1)
    }

    fn pick(&mut self) -> Vec<u8> {
        let n = self.below(self.corpus.len());
        self.corpus[n].clone()
    }

    /// The next input.
    #[must_use]
    pub fn next_input(&mut self) -> Vec<u8> {
        let mut input = self.pick();
        for _ in 0..=self.below(8) {
            let at = self.below(input.len() + 1);
            let end = (at + self.below(64)).min(input.len());
            match self.below(8) {
                0 if !input.is_empty() => {
                    let at = at.min(input.len() - 1);
                    input[at] ^= 1 << self.below(8);
                }
                1 => drop(input.drain(at..end)),
                2 => {
                    let again: Vec<u8> = input[at..end].repeat(1 + self.below(40));
                    drop(input.splice(at..at, again));
                }
                3 => {
                    let other = self.pick();
                    let from = self.below(other.len() + 1);
                    let to = (from + self.below(400)).min(other.len());
                    drop(input.splice(at..at, other[from..to].to_vec()));
                }
                4 => {
                    let byte = u8::try_from(self.below(256)).unwrap_or(0);
                    input.insert(at, byte);
                }
                5 => {
                    let letter = char::from_u32(u32::try_from(self.below(0x11_0000)).unwrap_or(0)).unwrap_or('é');
                    drop(input.splice(at..at, letter.to_string().into_bytes()));
                }
                _ => {
                    let word = DICTIONARY[self.below(DICTIONARY.len())];
                    drop(input.splice(at..at, word.as_bytes().to_vec()));
                }
            }
        }
        input.truncate(MAX_INPUT);
        input
    }
}

/// Where a target's corpus stands.
#[must_use]
pub fn corpus_dir(target: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("corpus").join(target)
}

/// The corpus of a target, by name.
#[must_use]
pub fn corpus(target: &str) -> Vec<Vec<u8>> {
    let mut paths: Vec<PathBuf> =
        std::fs::read_dir(corpus_dir(target)).into_iter().flatten().flatten().map(|e| e.path()).collect();
    paths.sort();
    paths.iter().filter_map(|p| std::fs::read(p).ok()).collect()
}

//! Tools that take messages at an address of their own: programs (signed as Standard Webhooks), Mattermost, Slack, Teams and
//! Rocket.Chat (their incoming webhooks), browsers (Web Push). What is posted is made here, and what an answer means; the network is not ours.
//!
//! A link is all that such a tool can do: it opens a page of Vigie that asks once more.

pub mod answer;
pub mod mattermost;
pub mod rocket_chat;
pub mod signature;
pub mod slack;
pub mod teams;
pub mod web_push;
pub mod webhook;

use crate::channels::Envelope;
use crate::chat::{Button, ButtonAction, Rich, Style};

/// What is posted: a JSON document.
pub type Posted = serde_json::Value;

/// A link under a message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Link {
    pub label: String,
    pub url: String,
}

/// The links under a message: those of its buttons, and the one that stops messages here.
#[must_use]
pub fn links(envelope: &Envelope<'_>) -> Vec<Link> {
    let of = |button: &Button| match &button.action {
        ButtonAction::Open(url) => Some(Link { label: button.label.clone(), url: url.clone() }),
        ButtonAction::Press(_) => None,
    };
    let mut links: Vec<Link> = envelope.buttons.iter().flatten().filter_map(of).collect();
    let stop = envelope.message.unsubscribe.iter();
    links.extend(stop.map(|url| Link { label: "Ne plus recevoir ici".to_owned(), url: url.clone() }));
    links
}

/// How a tool writes styles.
pub(crate) struct Dialect {
    bold: (&'static str, &'static str),
    italic: (&'static str, &'static str),
    /// A link, from its label and address, both already as the tool wants them.
    link: fn(&str, &str) -> String,
    /// Outside text, so that the tool shows it as it stands and calls nobody.
    plain: fn(&str) -> String,
}

impl Dialect {
    /// A text with its styles, as the tool reads it.
    pub(crate) fn write(&self, rich: &Rich) -> String {
        let rich = rich.typeset();
        let mut out = String::with_capacity(rich.text.len() * 2);
        self.range(&rich, 0, rich.text.len(), 0, &mut out);
        out
    }

    /// The bytes from `from` to `to`, whose outermost spans begin at `first`.
    fn range(&self, rich: &Rich, from: usize, to: usize, first: usize, out: &mut String) {
        let mut at = from;
        let mut n = first;
        while let Some(span) = rich.spans.get(n).filter(|s| s.start < to) {
            if span.start < at {
                n += 1; // inside the one that was just written
                continue;
            }
            out.push_str(&(self.plain)(&rich.text[at..span.start]));
            let inner = |out: &mut String| self.range(rich, span.start, span.end, n + 1, out);
            match &span.style {
                Style::Bold => within(out, self.bold, inner),
                Style::Italic => within(out, self.italic, inner),
                Style::Quote => inner(out),
                Style::Link(url) => {
                    let label = (self.plain)(&rich.text[span.start..span.end]);
                    out.push_str(&(self.link)(&label, url));
                }
            }
            at = span.end;
            n += 1;
        }
        if at < to {
            out.push_str(&(self.plain)(&rich.text[at..to]));
        }
    }

    /// The links under a message, one a line.
    pub(crate) fn links(&self, links: &[Link]) -> String {
        links.iter().map(|l| (self.link)(&(self.plain)(&l.label), &l.url)).collect::<Vec<_>>().join(" · ")
    }
}

/// Marks do not span lines, and stand next to what they mark.
fn within(out: &mut String, (open, close): (&str, &str), write: impl FnOnce(&mut String)) {
    let mut inside = String::new();
    write(&mut inside);
    let mut lines = inside.split('\n').peekable();
    while let Some(line) = lines.next() {
        let bare = line.trim();
        if bare.is_empty() {
            out.push_str(line);
        } else {
            let lead = line.len() - line.trim_start().len();
            out.push_str(&line[..lead]);
            out.push_str(open);
            out.push_str(bare);
            out.push_str(close);
            out.push_str(&line[lead + bare.len()..]);
        }
        if lines.peek().is_some() {
            out.push('\n');
        }
    }
}

/// A text cut to so many characters, at a word where it can.
pub(crate) fn cut(text: &str, most: usize) -> String {
    if text.chars().count() <= most {
        return text.to_owned();
    }
    let end = text.char_indices().nth(most.saturating_sub(2)).map_or(text.len(), |(i, _)| i);
    let whole = &text[..end];
    let end = whole.rfind(['\n', ' ']).filter(|i| *i > end / 2).unwrap_or(end);
    format!("{} …", text[..end].trim_end())
}

/// Words that call people in such tools are broken by a space that nobody sees.
pub(crate) fn without_calls(text: &str) -> String {
    text.replace('@', "@\u{200b}")
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use crate::message::{Body, Message};

    /// A message as an alert makes one, with all that outside text may try.
    pub(crate) fn message() -> Message {
        let rich = Rich::parse(
            "<b>Réservé aux EA et ESAT</b><br/>Nettoyage &lt;!channel&gt; @all *gras* _x_ [lien](http://mal) `code`<br/><i>Ville de Lille</i><br/><blockquote>« le lot 1 &amp; le lot 2 »</blockquote><br/><a href=\"https://vigie.example/procedure/p1\">Voir sur Vigie</a>",
        )
        .unwrap();
        Message {
            subject: "Réservé – Nettoyage".into(),
            body: Body::Chat(rich),
            unsubscribe: Some("https://vigie.example/desabonner/t".into()),
            files: Vec::new(),
        }
    }

    pub(crate) fn buttons() -> Vec<Vec<Button>> {
        let open = |label: &str, url: &str| Button { label: label.into(), action: ButtonAction::Open(url.into()) };
        vec![vec![
            open("On y va", "https://vigie.example/repondre/t?mot=oui"),
            open("Écarter", "https://vigie.example/repondre/t?mot=non"),
        ]]
    }

    pub(crate) fn envelope<'a>(message: &'a Message, buttons: &'a [Vec<Button>]) -> Envelope<'a> {
        Envelope {
            to: "https://outil.example/hooks/abc",
            key: "0123456789abcdef01234567",
            thread: &[],
            resend: false,
            message,
            buttons,
        }
    }

    /// What is posted is what stands in the fixture: `VIGIE_FIXTURES=renew` writes it anew, to be read.
    pub(crate) fn is_fixture(name: &str, posted: &Posted) {
        let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("src/channels/hooks/fixtures").join(name);
        let text = serde_json::to_string_pretty(posted).unwrap() + "\n";
        if std::env::var("VIGIE_FIXTURES").is_ok_and(|v| v == "renew") {
            std::fs::write(&path, &text).unwrap();
        }
        assert_eq!(text, std::fs::read_to_string(&path).unwrap(), "{name}");
    }

    #[test]
    fn a_long_text_is_cut_at_a_word() {
        assert_eq!(cut("un deux trois quatre", 12), "un deux …");
        assert_eq!(cut("court", 12), "court");
        assert!(cut(&"é".repeat(100), 10).chars().count() <= 10);
    }

    proptest::proptest! {
        /// Whatever the text: no tool is made to call anybody, and nothing is lost but marks.
        #[test]
        fn outside_text_stays_text(text in "\\PC{0,200}") {
            let message = Message { subject: text.clone(), body: Body::Chat(Rich::plain(text)), unsubscribe: None, files: Vec::new() };
            let envelope = envelope(&message, &[]);
            for posted in [slack::post(&envelope), mattermost::post(&envelope), rocket_chat::post(&envelope), teams::post(&envelope)] {
                let said = posted.to_string();
                proptest::prop_assert!(!said.contains("<!channel>") && !said.contains("@all") && !said.contains("@here") && !said.contains("@channel"));
            }
        }
    }
}

//! What is said: one model for every channel, rendered by templates in French that an operator can override.
//!
//! Outside text (titles, quotes, names) is collapsed to one line, bounded, and escaped by the template engine for HTML.
//! Headers are built from subjects that hold no control character.

use std::borrow::Cow;
use std::path::Path;

use chrono::{DateTime, Utc};
use minijinja::syntax::SyntaxConfig;
use minijinja::value::Serde;
use minijinja::{AutoEscape, Environment, context};
use serde::Serialize;
use vigie_domain::Channel;

use crate::card::{AlertItem, card, short};
use crate::chat::{Rich, RichError};
use crate::digest::{Digest, Shown};
use crate::{escape, typeset};

/// A message ready for a channel.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Message {
    /// One line, no control characters.
    pub subject: String,
    /// What it says.
    pub body: Body,
    /// Page for one-click unsubscription, where one exists.
    pub unsubscribe: Option<String>,
}

/// Which body a message has.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Form {
    /// For mails, pages and the console.
    Mail,
    /// For chats.
    Chat,
}

/// What a message says, in the form of its channel.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Body {
    /// Plain text and HTML, equal in content.
    Mail {
        /// Plain text.
        text: String,
        /// HTML.
        html: String,
    },
    /// As a chat shows it: shorter, to be read on a phone.
    Chat(Rich),
}

impl Form {
    /// The form that a channel carries.
    #[must_use]
    pub fn of(channel: Channel) -> Self {
        match channel {
            Channel::Email | Channel::Console => Self::Mail,
            Channel::Telegram | Channel::Matrix => Self::Chat,
        }
    }
}

/// What the owner of an address is asked to agree to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Ask {
    /// What they would hear of, a line each subscription.
    pub wishes: Vec<String>,
    /// Page where they agree.
    pub link: Option<String>,
    /// Until when it does.
    pub until: String,
    /// They may answer the message instead.
    pub by_reply: bool,
    /// They were asked before.
    pub again: bool,
    /// Why their data are processed.
    pub purpose: String,
    /// Days after which silence has their address removed; 0 = never.
    pub forgotten_after: u32,
    /// How long each kind of data is kept.
    pub retention: Vec<String>,
}

/// Stands in a message for the page of one-click unsubscription, until it is known whose message it is.
pub const UNSUBSCRIBE_HERE: &str = "vigie-desabonnement-ici";
/// Stands in a message for the page where its reader answers, until it is known whose message it is.
pub const ANSWER_HERE: &str = "vigie-reponse-ici";

impl Message {
    /// Its plain text, in either form.
    #[must_use]
    pub fn text(&self) -> &str {
        match &self.body {
            Body::Mail { text, .. } => text,
            Body::Chat(rich) => &rich.text,
        }
    }

    /// Its HTML, in the form of a mail.
    #[must_use]
    pub fn html(&self) -> Option<&str> {
        match &self.body {
            Body::Mail { html, .. } => Some(html),
            Body::Chat(_) => None,
        }
    }

    /// What a chat shows; its plain text where it was made for a mail.
    #[must_use]
    pub fn chat(&self) -> Cow<'_, Rich> {
        match &self.body {
            Body::Mail { text, .. } => Cow::Owned(Rich::plain(text.clone())),
            Body::Chat(rich) => Cow::Borrowed(rich),
        }
    }

    /// The message for one address: [`UNSUBSCRIBE_HERE`] and [`ANSWER_HERE`] become its pages.
    #[must_use]
    pub fn addressed(mut self, unsubscribe: Option<String>, answer: Option<&str>) -> Self {
        for (here, url) in [(UNSUBSCRIBE_HERE, unsubscribe.as_deref()), (ANSWER_HERE, answer)] {
            if let (Some(url), Body::Mail { text, html }) = (url, &mut self.body) {
                *text = text.replace(here, url);
                *html = html.replace(here, &url.replace('&', "&amp;").replace('"', "&quot;"));
            }
        }
        self.unsubscribe = unsubscribe;
        self
    }
}

/// What a message could not be made for.
#[derive(Debug, thiserror::Error)]
#[error("modèle de message {name} : {fault}")]
pub struct RenderError {
    pub name: String,
    #[source]
    pub fault: Fault,
}

/// What is wrong with a template.
#[derive(Debug, thiserror::Error)]
pub enum Fault {
    /// The template engine refuses it.
    #[error(transparent)]
    Template(#[from] minijinja::Error),
    /// What it makes is no text for a chat.
    #[error(transparent)]
    Chat(#[from] RichError),
}

impl RenderError {
    fn of(name: &str) -> impl FnOnce(minijinja::Error) -> Self {
        move |e| Self { name: name.to_owned(), fault: e.into() }
    }
}

/// Templates, built in or overridden.
pub struct Templates {
    environment: Environment<'static>,
    /// What is built in, where a folder has others.
    built_in: Option<Environment<'static>>,
}

/// How the names of templates for chats end.
const CHAT: &str = ".chat.html";

const BUILT_IN: &[(&str, &str)] = &[
    ("sujet.txt", include_str!("../templates/sujet.txt")),
    ("alerte.txt", include_str!("../templates/alerte.txt")),
    ("alerte.html", include_str!("../templates/alerte.html")),
    ("resume.txt", include_str!("../templates/resume.txt")),
    ("resume.html", include_str!("../templates/resume.html")),
    ("mot.txt", include_str!("../templates/mot.txt")),
    ("mot.html", include_str!("../templates/mot.html")),
    ("entrer.txt", include_str!("../templates/entrer.txt")),
    ("entrer.html", include_str!("../templates/entrer.html")),
    ("entrer.chat.html", include_str!("../templates/entrer.chat.html")),
    ("operateur.txt", include_str!("../templates/operateur.txt")),
    ("operateur.html", include_str!("../templates/operateur.html")),
    ("mot.chat.html", include_str!("../templates/mot.chat.html")),
    ("alerte.chat.html", include_str!("../templates/alerte.chat.html")),
    ("resume.chat.html", include_str!("../templates/resume.chat.html")),
    ("operateur.chat.html", include_str!("../templates/operateur.chat.html")),
    ("accord.txt", include_str!("../templates/accord.txt")),
    ("accord.html", include_str!("../templates/accord.html")),
    ("pied.txt", include_str!("../templates/pied.txt")),
    ("pieces.html", include_str!("../templates/pieces.html")),
    ("cadre.html", include_str!("../templates/cadre.html")),
];

impl Templates {
    /// Loads the templates; a file of the same name in `dir` replaces the built-in one.
    ///
    /// # Errors
    /// A template is unreadable.
    pub fn load(dir: Option<&Path>) -> Result<Self, RenderError> {
        let built_in = dir.map(|_| Self::read(None)).transpose()?;
        Ok(Self { environment: Self::read(dir)?, built_in })
    }

    fn read(dir: Option<&Path>) -> Result<Environment<'static>, RenderError> {
        let mut environment = Environment::new();
        environment
            .set_auto_escape_callback(|name| if name.ends_with(".html") { AutoEscape::Html } else { AutoEscape::None });
        // A chat shows a narrow window: its words break where they can.
        environment.set_formatter(|out, state, value| {
            if state.name().ends_with(CHAT) {
                escape::formatter(out, state, value)
            } else {
                typeset::formatter(out, state, value)
            }
        });
        let syntax = SyntaxConfig::builder().trim_blocks(true).lstrip_blocks(true).build();
        environment.set_syntax(syntax.map_err(RenderError::of("syntaxe"))?);
        environment.add_filter("short", |text: String, n: usize| short(&text, n));
        for (name, built_in) in BUILT_IN {
            let own = dir.and_then(|d| std::fs::read_to_string(d.join(name)).ok());
            let text = own.unwrap_or_else(|| (*built_in).to_owned());
            let text = if name.ends_with(CHAT) { text } else { typeset::template(name, &text) };
            environment.add_template_owned(*name, text).map_err(RenderError::of(name))?;
        }
        Ok(environment)
    }

    /// The same templates, whose messages say whether one can answer them by a word.
    #[must_use]
    pub fn with_answers(mut self, answers: bool) -> Self {
        self.environment.add_global("answers", answers);
        if let Some(built_in) = &mut self.built_in {
            built_in.add_global("answers", answers);
        }
        self
    }

    fn render(&self, name: &str, values: &minijinja::Value) -> Result<String, RenderError> {
        let of = |environment: &Environment<'_>| environment.get_template(name).and_then(|t| t.render(values));
        let rendered = of(&self.environment).or_else(|e| match &self.built_in {
            // A template of one's own that fails on a message costs its look, and not the message.
            Some(built_in) => {
                tracing::error!("template {name}: {e:#}; the built-in one is used");
                of(built_in)
            }
            None => Err(e),
        });
        rendered.map_err(RenderError::of(name))
    }

    fn chat(&self, name: &str, values: &minijinja::Value) -> Result<Rich, RenderError> {
        let html = tidy(&self.render(name, values)?);
        Rich::parse(html.trim()).map_err(|e| RenderError { name: name.to_owned(), fault: e.into() })
    }

    /// The body of that form: `mail` names its templates without their endings, `chat` that of chats.
    fn body(&self, form: Form, (mail, chat): (&str, &str), values: &minijinja::Value) -> Result<Body, RenderError> {
        Ok(match form {
            Form::Mail => Body::Mail {
                text: tidy(&self.render(&format!("{mail}.txt"), values)?),
                html: self.render(&format!("{mail}.html"), values)?,
            },
            Form::Chat => Body::Chat(self.chat(&format!("{chat}{CHAT}"), values)?),
        })
    }

    /// A message about one notice.
    pub fn alert(
        &self,
        form: Form,
        told: &AlertItem<'_>,
        unsubscribe: Option<String>,
        now: DateTime<Utc>,
    ) -> Result<Message, RenderError> {
        let card = card(told, now);
        let values = context! { c => Serde(card), unsubscribe => unsubscribe.as_deref() };
        Ok(Message {
            subject: header(&self.render("sujet.txt", &values)?),
            body: self.body(form, ("alerte", "alerte"), &values)?,
            unsubscribe,
        })
    }

    /// One message about many notices.
    pub fn digest(
        &self,
        form: Form,
        told: &[AlertItem<'_>],
        shown: Shown,
        unsubscribe: Option<String>,
        now: DateTime<Utc>,
    ) -> Result<Message, RenderError> {
        let digest = Digest::of(told, shown, now);
        let subject = header(&typeset::typeset(&digest.subject()));
        let values = context! { d => Serde(&digest), subject => &subject, unsubscribe => unsubscribe.as_deref() };
        Ok(Message { subject, body: self.body(form, ("resume", "resume"), &values)?, unsubscribe })
    }

    /// Word to a person about their own account; the first line of `body` is the title, each other one a paragraph.
    pub fn word(&self, form: Form, body: &str, unsubscribe: Option<String>) -> Result<Message, RenderError> {
        let (title, text) = body.split_once('\n').unwrap_or((body, ""));
        let lines: Vec<String> = text.lines().map(str::to_owned).collect();
        let values = context! { title => title, lines => lines, unsubscribe => unsubscribe.as_deref() };
        Ok(Message {
            subject: header(&typeset::typeset(title)),
            body: self.body(form, ("mot", "mot"), &values)?,
            unsubscribe,
        })
    }

    /// The message that asks the owner of an address to agree.
    pub fn ask(&self, form: Form, ask: &Ask, unsubscribe: Option<String>) -> Result<Message, RenderError> {
        let title = if ask.again { "Rappel : confirmez votre adresse" } else { "Confirmez votre adresse" };
        let subject = header(&typeset::typeset(&format!("{title} pour recevoir les alertes de Vigie")));
        let lines: Vec<String> = ask.wishes.iter().chain(&ask.link).cloned().collect();
        let values = context! {
            a => Serde(ask.clone()), subject => &subject, title => title, lines => lines, unsubscribe => unsubscribe.as_deref()
        };
        Ok(Message { body: self.body(form, ("accord", "mot"), &values)?, subject, unsubscribe })
    }

    /// The link by which a person signs in.
    pub fn sign_in(&self, form: Form, link: &str) -> Result<Message, RenderError> {
        let values = context! { link => link };
        Ok(Message {
            subject: "Vigie – votre lien pour entrer".to_owned(),
            body: self.body(form, ("entrer", "entrer"), &values)?,
            unsubscribe: None,
        })
    }

    /// A word to the operator.
    pub fn operator(&self, form: Form, title: &str, body: &str) -> Result<Message, RenderError> {
        let values = context! { title => title, body => body };
        Ok(Message {
            subject: header(&typeset::typeset(&format!("Vigie – {title}"))),
            body: self.body(form, ("operateur", "operateur"), &values)?,
            unsubscribe: None,
        })
    }
}

/// No control characters, single spaces, bounded: fit for a header.
fn header(text: &str) -> String {
    short(text, 200)
}

/// At most one empty line in a row.
fn tidy(text: &str) -> String {
    let mut out = String::new();
    let mut empty = 0;
    for line in text.lines().map(str::trim_end) {
        empty = if line.is_empty() { empty + 1 } else { 0 };
        if empty < 2 && !(line.is_empty() && out.is_empty()) {
            out.push_str(line);
            out.push('\n');
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::card::{Links, Why, change};
    use vigie_domain::procedure::Change;
    use vigie_domain::{
        AlertKind, Assessment, Beneficiary, DateKind, Evidence, Notice, NoticeKind, Provision, ProvisionKind, TypedDate,
    };

    fn assessment(title: &str) -> Assessment {
        let mut p = Provision::new(
            ProvisionKind::Reserved,
            Evidence { field: Some("f".into()), quote: Some("réservé aux <b>EA</b>".into()) },
        );
        p.beneficiary = Some(Beneficiary::Disability);
        Assessment {
            title: title.into(),
            buyer: Some("Ville de Lille".into()),
            dates: vec![TypedDate {
                kind: DateKind::Tender,
                at: DateTime::parse_from_rfc3339("2027-01-12T12:00:00+01:00").unwrap(),
                has_time: true,
                mandatory: false,
                quote: None,
                field: None,
                lot: None,
            }],
            provisions: vec![p],
            score: 70,
            reasons: vec!["Réservé aux EA et ESAT".into()],
            ..Assessment::new("26-1", NoticeKind::Call)
        }
    }

    fn now() -> DateTime<Utc> {
        DateTime::parse_from_rfc3339("2026-12-22T08:00:00Z").unwrap().with_timezone(&Utc)
    }

    fn render(form: Form, title: &str) -> Message {
        let templates = Templates::load(None).unwrap();
        let mut notice = Notice::new("boamp", "26-1", NoticeKind::Call);
        notice.url = Some("https://www.boamp.fr/pages/avis/?q=idweb:26-1".into());
        let (a, why) = (assessment(title), Why::default());
        let told = AlertItem {
            kind: AlertKind::New,
            changes: &[],
            notice: &notice,
            assessment: &a,
            why: &why,
            contacts: &[],
            links: Links {
                page: Some("https://vigie.example/procedure/p1"),
                answer: Some(ANSWER_HERE),
                ..Links::default()
            },
        };
        templates.alert(form, &told, Some("https://vigie.example/x".into()), now()).unwrap()
    }

    #[test]
    fn a_message_says_what_when_where_and_why() {
        let message = render(Form::Mail, "Nettoyage des écoles");
        for wanted in [
            "Nettoyage des écoles",
            "Ville de Lille",
            "mardi 12 janvier 2027 à 12\u{a0}h",
            "dans 21 jours",
            "EA et ESAT",
            "idweb:26-1",
        ] {
            assert!(message.text().contains(wanted), "{wanted} in {}", message.text());
        }
        assert!(message.subject.contains("Nettoyage des écoles"), "{}", message.subject);
    }

    /// The words that a reader sees, whatever stands in links, style or comments.
    fn words(text: &str, html: bool) -> std::collections::BTreeSet<String> {
        let mut seen = text.to_owned();
        let hidden: &[(&str, &str)] = if html {
            &[("<head", "</head>"), ("<div style=\"display:none", "</div>"), ("<!--", "-->"), ("<", ">")]
        } else {
            seen = seen.split_whitespace().filter(|w| !w.starts_with("http")).collect::<Vec<_>>().join(" ");
            &[]
        };
        for (from, to) in hidden {
            while let Some(at) = seen.find(from) {
                let end = seen[at..].find(to).map_or(seen.len(), |n| at + n + to.len());
                seen.replace_range(at..end, "\n");
            }
        }
        let plain = seen.replace("&nbsp;", " ").replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&");
        let lower = plain.to_lowercase();
        lower.split(|c: char| !c.is_alphanumeric()).filter(|w| !w.is_empty()).map(str::to_owned).collect()
    }

    #[test]
    fn the_plain_text_says_all_that_the_html_says() {
        let templates = Templates::load(None).unwrap().with_answers(true);
        let mut notice = Notice::new("boamp", "26-1", NoticeKind::Call);
        notice.url = Some("https://www.boamp.fr/avis/26-1".into());
        notice.documents_url = Some("https://dossier.example/1".into());
        let mut a = assessment("Nettoyage");
        a.dates[0].quote = Some("avant midi précises".into());
        a.facts.push(vigie_domain::DecisionFact {
            kind: vigie_domain::FactKind::Duration,
            value: Some(12.0),
            evidence: Evidence { field: None, quote: Some("durée ferme".into()) },
            lot: None,
        });
        a.lots = (1..=14)
            .map(|n| vigie_domain::assessment::AssessedLot {
                id: n.to_string(),
                title: format!("intitulé{n}"),
                ..Default::default()
            })
            .collect();
        a.awards.push(vigie_domain::notice::Award {
            lot: Some("2".into()),
            winners: vec!["Gagnante".into()],
            amount: Some(12_500.0),
            ..Default::default()
        });
        let why = Why { note: Some("groupé".into()), remark: Some("remarque".into()), ..Why::default() };
        let contacts = ["Facilitatrice".to_owned()];
        let links =
            Links { page: Some("https://vigie.example/procedure/p1"), answer: Some(ANSWER_HERE), ..Links::default() };
        let changes = [Change::LotDropped("3".into())];
        let told = |kind| AlertItem {
            kind,
            changes: &changes,
            notice: &notice,
            assessment: &a,
            why: &why,
            contacts: &contacts,
            links,
        };
        let leave = || Some("https://vigie.example/desabonner/x".to_owned());
        let ask = Ask {
            wishes: vec!["Nord".into()],
            link: Some("https://vigie.example/confirmer/x".into()),
            until: "12 janvier".into(),
            by_reply: true,
            again: false,
            purpose: "prévenir".into(),
            forgotten_after: 15,
            retention: vec!["journal".into()],
        };
        let mail = Form::Mail;
        let many = [told(AlertKind::New), told(AlertKind::Undecided)];
        for (name, message) in [
            ("alert", templates.alert(mail, &told(AlertKind::Correction), leave(), now()).unwrap()),
            (
                "digest",
                templates
                    .digest(mail, &many, Shown::ScreenAndPage("https://vigie.example/r".into()), leave(), now())
                    .unwrap(),
            ),
            ("word", templates.word(mail, "Titre\nligne une\nligne deux", leave()).unwrap()),
            ("ask", templates.ask(mail, &ask, leave()).unwrap()),
            ("sign-in", templates.sign_in(mail, "https://vigie.example/entrer/x").unwrap()),
            ("operator", templates.operator(mail, "Alarme", "corps\nde plus").unwrap()),
        ] {
            let (html, text) = (words(message.html().unwrap_or_default(), true), words(message.text(), false));
            // How the HTML speaks of a button, where the text shows an address.
            const BUTTON: [&str; 5] = ["bouton", "confirmer", "m", "ouvre", "où"];
            let lacking: Vec<&String> = html.difference(&text).filter(|w| !BUTTON.contains(&w.as_str())).collect();
            assert!(lacking.is_empty(), "{name}: the text lacks {lacking:?}\n{}", message.text());
            assert!(html.len() > 5, "{name}: {html:?}");
        }
    }

    #[test]
    fn outside_text_breaks_neither_header_nor_page() {
        let message = render(Form::Mail, "Titre\r\nBcc: x@y.fr\t<script>alert(1)</script>");
        assert!(!message.subject.contains(['\r', '\n', '\t']), "{:?}", message.subject);
        let html = message.html().unwrap();
        assert!(!html.contains("<script>") && !html.contains("<b>EA</b>"), "{html}");
    }

    #[test]
    fn a_chat_reads_the_same_in_short() {
        let message = render(Form::Chat, "Nettoyage <b>des</b> écoles & \u{1f3eb}");
        let chat = message.chat();
        assert!(chat.utf16_len() <= 1200, "{}", chat.utf16_len());
        for wanted in [
            "Nettoyage <b>des</b> écoles & \u{1f3eb}",
            "Ville de Lille",
            "dans 21 jours",
            "«\u{a0}réservé aux <b>EA</b>\u{a0}»",
            "Voir sur Vigie",
            "Lire l’avis",
        ] {
            assert!(chat.text.contains(wanted), "{wanted} in {}", chat.text);
        }
        assert!(!chat.text.contains("\n\n\n"), "{}", chat.text);
    }

    #[test]
    fn an_operator_s_template_that_no_chat_can_show_is_named() {
        let dir = std::env::temp_dir().join(format!("vigie-chat-template-{}", std::process::id()));
        std::fs::create_dir_all(&dir).unwrap();
        std::fs::write(dir.join("operateur.chat.html"), "<h1>{{ title }}</h1>").unwrap();
        let fault =
            Templates::load(Some(&dir)).unwrap().operator(Form::Chat, "titre", "corps").unwrap_err().to_string();
        std::fs::remove_dir_all(&dir).unwrap();
        assert!(fault.contains("operateur.chat.html") && fault.contains("h1"), "{fault}");
    }

    #[test]
    fn a_moved_date_is_told_in_full() {
        let at = |t: &str| Some(DateTime::parse_from_rfc3339(t).unwrap());
        let moved = Change::Date {
            kind: DateKind::Tender,
            from: at("2027-01-12T12:00:00+01:00"),
            to: at("2027-01-20T12:00:00+01:00"),
        };
        assert_eq!(
            change(&moved),
            "La date limite des offres passe du 12 janvier 2027 à 12\u{a0}h au 20 janvier 2027 à 12\u{a0}h"
        );
    }

    #[test]
    fn long_titles_are_cut_at_a_word() {
        let cut = short(&"mot ".repeat(100), 50);
        assert!(cut.chars().count() <= 50 && cut.ends_with("mot…"), "{cut}");
    }

    proptest::proptest! {
        #[test]
        fn any_title_makes_a_valid_message(title in "\\PC{0,400}|[\\x00-\\x7f]{0,200}") {
            let message = render(Form::Chat, &title);
            proptest::prop_assert!(message.subject.chars().count() <= 200 && !message.subject.chars().any(char::is_control));
            proptest::prop_assert!(message.chat().utf16_len() <= 1200);
            proptest::prop_assert!(!render(Form::Mail, &title).text().is_empty());
        }
    }
}

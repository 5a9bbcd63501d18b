//! What is said: one model for every channel, rendered by templates in French that an operator can override.
//!
//! Outside text (titles, quotes, names) is collapsed to one line, bounded, and escaped by the template engine for HTML.
//! Headers are built from subjects that hold no control character.

use std::borrow::Cow;
use std::path::Path;
use std::sync::OnceLock;

use chrono::{DateTime, Utc};
use minijinja::syntax::SyntaxConfig;
use minijinja::value::Serde;
use minijinja::{AutoEscape, Environment, Value, context};
use serde::Serialize;
use vigie_domain::{AlertKind, Channel, french};

use crate::card::{AlertItem, card, short};
use crate::chat::{Rich, RichError};
use crate::digest::{Digest, Shown};
use crate::{escape, tappable, typeset};

/// A message ready for a channel.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Message {
    /// One line, no control characters.
    pub subject: String,
    /// What it says.
    pub body: Body,
    /// Page for one-click unsubscription, where one exists.
    pub unsubscribe: Option<String>,
    /// Files that come with it, in a mail.
    pub files: Vec<File>,
}

/// A table that comes with a mail.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct File {
    /// In ASCII: `vigie-mensuel-2027-03.csv`.
    pub name: String,
    pub content: Vec<u8>,
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
            Channel::Telegram
            | Channel::Matrix
            | Channel::Webhook
            | Channel::Mattermost
            | Channel::Slack
            | Channel::Teams
            | Channel::RocketChat
            | Channel::Browser => Self::Chat,
        }
    }
}

/// What the owner of an address is asked to agree to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Ask {
    /// What they would hear of, a line each subscription.
    pub wishes: Vec<String>,
    /// Some of it that can be answered now, a line each.
    pub markets: Vec<String>,
    /// Page where they agree.
    pub link: Option<String>,
    /// Until when it does.
    pub until: String,
    /// Networks that gave the address, as a member's.
    pub given_by: Vec<String>,
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

/// Templates, built in or overridden. Those of a folder are read at once, so that a fault in one is told at the start; those that are
/// built in when the first message is made.
pub struct Templates {
    /// Those of the operator's folder, where there is one.
    own: Option<Environment<'static>>,
    built_in: OnceLock<Environment<'static>>,
    /// What every template may name.
    globals: Vec<(&'static str, Value)>,
}

/// How the names of templates for chats end.
const CHAT: &str = ".chat.html";

const BUILT_IN: &[(&str, &str)] = &[
    ("sujet.txt", include_str!("../templates/sujet.txt")),
    ("proposer.txt", include_str!("../templates/proposer.txt")),
    ("proposer.html", include_str!("../templates/proposer.html")),
    ("proposer.chat.html", include_str!("../templates/proposer.chat.html")),
    ("resultat.txt", include_str!("../templates/resultat.txt")),
    ("resultat.html", include_str!("../templates/resultat.html")),
    ("resultat.chat.html", include_str!("../templates/resultat.chat.html")),
    ("groupement.txt", include_str!("../templates/groupement.txt")),
    ("groupement.html", include_str!("../templates/groupement.html")),
    ("groupement.chat.html", include_str!("../templates/groupement.chat.html")),
    ("alerte.txt", include_str!("../templates/alerte.txt")),
    ("alerte.html", include_str!("../templates/alerte.html")),
    ("rappel.txt", include_str!("../templates/rappel.txt")),
    ("rappel.html", include_str!("../templates/rappel.html")),
    ("rappel.chat.html", include_str!("../templates/rappel.chat.html")),
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
    ("accord.chat.html", include_str!("../templates/accord.chat.html")),
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
        let own = dir.map(|dir| Self::read(Some(dir))).transpose()?;
        Ok(Self { own, built_in: OnceLock::new(), globals: Vec::new() })
    }

    /// The templates that are built in.
    fn built_in(&self) -> Result<&Environment<'static>, RenderError> {
        if let Some(environment) = self.built_in.get() {
            return Ok(environment);
        }
        let mut environment = Self::read(None)?;
        for (name, value) in &self.globals {
            environment.add_global(*name, value.clone());
        }
        Ok(self.built_in.get_or_init(|| environment))
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
        environment.add_global("operator", context! {});
        environment.add_filter("short", |text: String, n: usize| short(&text, n));
        environment.add_filter("capital", |text: String| french::capital(&text));
        environment.add_filter("own_pages", |text: String, home: Option<String>| {
            minijinja::Value::from_safe_string(tappable::own_pages(&text, home.as_deref()))
        });
        environment.add_filter("tappable", |text: String| tappable::filter(&text));
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
    pub fn with_answers(self, answers: bool) -> Self {
        self.with("answers", answers.into())
    }

    /// The same templates, whose messages say who runs the installation.
    #[must_use]
    pub fn with_operator(self, operator: Option<&vigie_config::settings::Operator>) -> Self {
        let operator = operator.map_or_else(|| context! {}, |o| {
            context! { name => &o.name, contact => &o.contact, organisation => &o.organisation, mail => o.has_mail() }
        });
        self.with("operator", operator)
    }

    /// The same templates, whose messages lead to their reader's own pages: the first one, and the one where they settle what they
    /// receive.
    #[must_use]
    pub fn with_pages(self, home: Option<String>, manage: Option<String>) -> Self {
        self.with("home", home.into()).with("manage", manage.into())
    }

    /// The same templates, which may name this.
    fn with(mut self, name: &'static str, value: Value) -> Self {
        for environment in self.own.iter_mut().chain(self.built_in.get_mut()) {
            environment.add_global(name, value.clone());
        }
        self.globals.push((name, value));
        self
    }

    fn render(&self, name: &str, values: &Value) -> Result<String, RenderError> {
        let of = |environment: &Environment<'_>| environment.get_template(name).and_then(|t| t.render(values));
        let rendered = match &self.own {
            None => of(self.built_in()?),
            // A template of one's own that fails on a message costs its look, and not the message.
            Some(own) => match of(own) {
                Ok(rendered) => Ok(rendered),
                Err(e) => {
                    tracing::error!("template {name}: {e:#}; the built-in one is used");
                    of(self.built_in()?)
                }
            },
        };
        rendered.map_err(RenderError::of(name))
    }

    fn chat(&self, name: &str, values: &Value) -> Result<Rich, RenderError> {
        let html = tidy(&self.render(name, values)?);
        Rich::parse(html.trim()).map_err(|e| RenderError { name: name.to_owned(), fault: e.into() })
    }

    /// The body of that form: `mail` names its templates without their endings, `chat` that of chats.
    pub(crate) fn body(&self, form: Form, (mail, chat): (&str, &str), values: &Value) -> Result<Body, RenderError> {
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
        let values = context! { c => Serde(card(told, now)), unsubscribe => unsubscribe.as_deref() };
        // Who goes for it knows what it is about.
        let name = if told.kind == AlertKind::Reminder { "rappel" } else { "alerte" };
        Ok(Message {
            subject: header(&self.render("sujet.txt", &values)?),
            body: self.body(form, (name, name), &values)?,
            unsubscribe,
            files: Vec::new(),
        })
    }

    /// One message about many notices, with meetings to come near its reader.
    pub fn digest(
        &self,
        form: Form,
        (told, meetings): (&[AlertItem<'_>], Vec<String>),
        shown: Shown,
        unsubscribe: Option<String>,
        now: DateTime<Utc>,
    ) -> Result<Message, RenderError> {
        let digest = Digest { meetings, ..Digest::of(told, shown, now) };
        let subject = header(&typeset::typeset(&digest.subject()));
        let values = context! { d => Serde(&digest), subject => &subject, unsubscribe => unsubscribe.as_deref() };
        Ok(Message { subject, body: self.body(form, ("resume", "resume"), &values)?, unsubscribe, files: Vec::new() })
    }

    /// Word to a person about their own account; the first line of `body` is the title, each other one a paragraph.
    pub fn word(&self, form: Form, body: &str, unsubscribe: Option<String>) -> Result<Message, RenderError> {
        self.question(form, body, &[], unsubscribe)
    }

    /// The same with links by which it is answered, as (label, address): in a mail they stand under it.
    pub fn question(
        &self,
        form: Form,
        body: &str,
        links: &[(String, String)],
        unsubscribe: Option<String>,
    ) -> Result<Message, RenderError> {
        let (title, text) = body.split_once('\n').unwrap_or((body, ""));
        let lines: Vec<String> = text.lines().map(str::to_owned).collect();
        let values =
            context! { title => title, lines => lines, links => links.to_vec(), unsubscribe => unsubscribe.as_deref() };
        Ok(Message {
            subject: header(&typeset::typeset(title)),
            body: self.body(form, ("mot", "mot"), &values)?,
            unsubscribe,
            files: Vec::new(),
        })
    }

    /// The message that asks the owner of an address to agree.
    pub fn ask(&self, form: Form, ask: &Ask, unsubscribe: Option<String>) -> Result<Message, RenderError> {
        let title = if ask.again { "Rappel : confirmez votre adresse" } else { "Confirmez votre adresse" };
        let subject = header(&typeset::typeset(&format!("{title} pour recevoir les alertes de Vigie")));
        let values = context! {
            a => Serde(ask.clone()), subject => &subject, title => title, unsubscribe => unsubscribe.as_deref()
        };
        Ok(Message { body: self.body(form, ("accord", "accord"), &values)?, subject, unsubscribe, files: Vec::new() })
    }

    /// The link by which a person signs in.
    pub fn sign_in(&self, form: Form, link: &str) -> Result<Message, RenderError> {
        let values = context! { link => link };
        Ok(Message {
            subject: "Vigie – votre lien pour entrer".to_owned(),
            body: self.body(form, ("entrer", "entrer"), &values)?,
            unsubscribe: None,
            files: Vec::new(),
        })
    }

    /// A word to the operator.
    pub fn operator(&self, form: Form, title: &str, body: &str) -> Result<Message, RenderError> {
        let values = context! { title => title, body => body };
        Ok(Message {
            subject: header(&typeset::typeset(&format!("Vigie – {title}"))),
            body: self.body(form, ("operateur", "operateur"), &values)?,
            unsubscribe: None,
            files: Vec::new(),
        })
    }
}

/// No control characters, single spaces, bounded: fit for a header.
pub(crate) fn header(text: &str) -> String {
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
mod tests;

//! Logging in: a form with its hidden fields (CSRF tokens included), a bearer token, a name and password in the request,
//! or a cookie given by hand. Secrets are read when they are needed and never printed.

use base64::Engine;
use chrono::{DateTime, Utc};
use scraper::{ElementRef, Html, Selector};
use secrecy::SecretString;
use serde::Deserialize;
use url::Url;
use vigie_config::Secret;
use vigie_config::secret::expose;
use vigie_config::settings::BlockFault;

use super::SourceError;
use crate::charset;
use crate::fetch::{Answer, Fetcher, Payload, Request, Session};

/// What a page shows to those who are not logged in.
const PASSWORD_FIELD: &str = "input[type=password]";

/// `[source.login]`
#[derive(Debug, Clone, Deserialize)]
#[serde(tag = "method", rename_all = "lowercase", deny_unknown_fields)]
pub(super) enum Options {
    /// A form on a page.
    Form {
        /// The page that shows the form.
        url: String,
        /// Account.
        username: String,
        /// Its password.
        password: Secret,
        /// Name of the field that takes the account; found by itself where the form has one text field.
        #[serde(default)]
        username_field: Option<String>,
        /// Selector present on pages shown to those who are not logged in; a password field by default.
        #[serde(default)]
        logged_out: Option<String>,
    },
    /// `Authorization: Bearer`.
    Bearer {
        /// The token.
        token: Secret,
    },
    /// `Authorization: Basic` (RFC 7617).
    Basic {
        /// Account.
        username: String,
        /// Its password.
        password: Secret,
    },
    /// A cookie, as a browser shows it.
    Cookie {
        /// `name=value; name=value`.
        cookie: Secret,
    },
}

/// The way in.
pub(super) struct Login {
    options: Options,
    /// Address of the form.
    page: Url,
    logged_out: Selector,
}

impl Login {
    pub(super) fn new(options: Options, portal: &Url) -> Result<Self, BlockFault> {
        let (page, logged_out) = match &options {
            Options::Form { url, logged_out, .. } => {
                let page = portal.join(url).map_err(|e| {
                    BlockFault::at("login.url", format!("adresse illisible : {e}"), "écrivez une adresse complète")
                })?;
                if page.origin() != portal.origin() && page.scheme() != "https" {
                    let fix = "un mot de passe ne part qu’en https, ou vers le site du portail lui-même";
                    return Err(BlockFault::at("login.url", "le formulaire est sur un autre site, sans https", fix));
                }
                (page, logged_out.as_deref().unwrap_or(PASSWORD_FIELD))
            }
            _ => (portal.clone(), PASSWORD_FIELD),
        };
        let logged_out = Selector::parse(logged_out).map_err(|e| {
            BlockFault::at("login.logged_out", format!("sélecteur illisible : {e}"), "corrigez ce sélecteur")
        })?;
        Ok(Self { options, page, logged_out })
    }

    pub(super) fn has_form(&self) -> bool {
        matches!(self.options, Options::Form { .. })
    }

    /// Whether a page was shown to someone who is not logged in.
    pub(super) fn is_logged_out(&self, text: &str) -> bool {
        self.has_form() && Html::parse_document(text).select(&self.logged_out).next().is_some()
    }

    fn refused(&self, what: impl Into<String>) -> SourceError {
        SourceError::Login { place: self.page.to_string(), what: what.into() }
    }

    fn read(&self, secret: &Secret) -> Result<SecretString, SourceError> {
        secret.read().map_err(|e| self.refused(e.to_string()))
    }

    /// What goes along with each request.
    pub(super) fn credential(&self, session: &Session) -> Result<Option<SecretString>, SourceError> {
        Ok(match &self.options {
            Options::Form { .. } => None,
            Options::Bearer { token } => Some(SecretString::from(format!("Bearer {}", expose(&self.read(token)?)))),
            Options::Basic { username, password } => {
                let pair = format!("{username}:{}", expose(&self.read(password)?));
                Some(SecretString::from(format!("Basic {}", base64::engine::general_purpose::STANDARD.encode(pair))))
            }
            Options::Cookie { cookie } => {
                session.set(&self.page, expose(&self.read(cookie)?));
                None
            }
        })
    }

    /// Fills the form as a person would and sends it.
    pub(super) async fn submit(
        &self,
        fetcher: &Fetcher,
        session: &Session,
        now: DateTime<Utc>,
    ) -> Result<(), SourceError> {
        let Options::Form { username, password, username_field, .. } = &self.options else { return Ok(()) };
        let password = self.read(password)?;
        let request = Request { session: Some(session), ..Request::default() };
        let Answer::Body(page) = fetcher.send(&self.page, &request, now).await? else {
            return Err(self.refused("la page de connexion est vide"));
        };
        let text = charset::decode_html(&page.bytes, page.content_type.as_deref());
        let (action, mut fields) = form(&text, &page.url, username_field.as_deref()).map_err(|what| {
            SourceError::Structure { url: page.url.to_string(), selector: format!("login = {PASSWORD_FIELD}"), what }
        })?;
        if action.origin() != self.page.origin() {
            return Err(self.refused(format!(
                "le formulaire enverrait le mot de passe à un autre site ({})",
                action.host_str().unwrap_or("?")
            )));
        }
        for (value, by) in fields.iter_mut().map(|f| (&mut f.1, f.2)) {
            match by {
                Filled::Name => username.clone_into(value),
                Filled::Password => expose(&password).clone_into(value),
                Filled::Page => {}
            }
        }
        let payload = Payload::Form(fields.into_iter().map(|(name, value, _)| (name, value)).collect());
        let request = Request { payload: Some(payload), session: Some(session), ..Request::default() };
        match fetcher.send(&action, &request, now).await {
            Ok(Answer::Body(after)) => {
                let text = charset::decode_html(&after.bytes, after.content_type.as_deref());
                if self.is_logged_out(&text) { Err(self.refused("compte ou mot de passe refusé")) } else { Ok(()) }
            }
            Ok(Answer::NotModified(_)) => Ok(()),
            Err(crate::fetch::FetchError::Status { status: status @ (400..=403 | 422), .. }) => {
                Err(self.refused(format!("compte ou mot de passe refusé (le serveur répond {status})")))
            }
            Err(e) => Err(e.into()),
        }
    }
}

/// Who fills a field.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Filled {
    /// The page did: hidden fields, tokens, ticked boxes.
    Page,
    /// The account.
    Name,
    /// The password.
    Password,
}

/// Where a form goes, and its fields: name, value, who fills it.
type Form = (Url, Vec<(String, String, Filled)>);

/// The form that asks for a password: where it goes, and its fields in order.
fn form(text: &str, page: &Url, username_field: Option<&str>) -> Result<Form, String> {
    let select = |css: &str| Selector::parse(css).map_err(|e| e.to_string());
    let (password, inputs) = (select(PASSWORD_FIELD)?, select("input")?);
    let document = Html::parse_document(text);
    let form = document
        .select(&select("form")?)
        .find(|f| f.select(&password).next().is_some())
        .ok_or("aucun formulaire ne demande de mot de passe")?;
    let action = page
        .join(form.value().attr("action").unwrap_or_default())
        .map_err(|e| format!("adresse du formulaire illisible : {e}"))?;
    let mut fields = Vec::new();
    let mut named = false;
    for input in form.select(&inputs) {
        let Some(name) = input.value().attr("name") else { continue };
        let kind = input.value().attr("type").unwrap_or("text").to_ascii_lowercase();
        let asks_name = match username_field {
            Some(wanted) => wanted == name,
            None => !named && matches!(kind.as_str(), "text" | "email"),
        };
        let by = match kind.as_str() {
            "password" => Filled::Password,
            "checkbox" | "radio" if input.value().attr("checked").is_none() => continue,
            "submit" | "button" | "image" | "reset" | "file" => continue,
            _ if asks_name => Filled::Name,
            _ => Filled::Page,
        };
        named |= by == Filled::Name;
        fields.push((name.to_owned(), value_of(input), by));
    }
    if named {
        Ok((action, fields))
    } else {
        Err("le formulaire n’a pas de champ pour le compte (voyez username_field)".to_owned())
    }
}

fn value_of(input: ElementRef<'_>) -> String {
    input.value().attr("value").unwrap_or_default().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_form_is_filled_as_a_person_would() {
        let page = Url::parse("https://p.example/connexion").unwrap();
        let text = "<form action='/recherche'><input name=q></form>
            <form action='/login' method=post><input type=hidden name=_csrf value=t0k><input type=email name=courriel>
            <input type=password name=mdp><input type=checkbox name=rester><input type=submit name=go value=OK></form>";
        let (action, fields) = form(text, &page, None).unwrap();
        assert_eq!(action.path(), "/login");
        let fields: Vec<(&str, &str, Filled)> = fields.iter().map(|(n, v, by)| (n.as_str(), v.as_str(), *by)).collect();
        assert_eq!(
            fields,
            [("_csrf", "t0k", Filled::Page), ("courriel", "", Filled::Name), ("mdp", "", Filled::Password)]
        );
    }

    #[test]
    fn a_page_without_such_a_form_is_said_in_words() {
        let page = Url::parse("https://p.example/").unwrap();
        assert!(form("<p>Maintenance</p>", &page, None).unwrap_err().contains("mot de passe"));
    }
}

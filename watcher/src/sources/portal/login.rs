//! Logging in: a form with its hidden fields (CSRF tokens included), a bearer token, a name and password in the request,
//! or a cookie given by hand. Secrets are read when they are needed and never printed.

use base64::Engine;
use chrono::{DateTime, Utc};
use scraper::Selector;
use secrecy::SecretString;
use serde::Deserialize;
use url::Url;
use vigie_config::Secret;
use vigie_config::secret::expose;
use vigie_config::settings::BlockFault;

use super::SourceError;
use super::browse::{self, Landing};
use super::form::{self, Filled, PASSWORD_FIELD};
use crate::fetch::{Fetcher, Payload, Request, Session};

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
                if !page.username().is_empty() || page.password().is_some() {
                    let what = "un mot de passe en clair dans l’adresse";
                    return Err(BlockFault::at("login.url", what, "retirez-le : le compte a ses propres clés"));
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

    /// Whether a page was shown to someone who is not logged in, or sends them on to the form.
    pub(super) fn is_logged_out(&self, page: &Landing) -> bool {
        self.has_form() && (page.is_at(&self.page) || page.dom.html.select(&self.logged_out).next().is_some())
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
        let Some(page) = browse::land(fetcher, &self.page, &request, now).await? else {
            return Err(self.refused("la page de connexion est vide"));
        };
        let form = form::of_page(&page.dom.html, &page.base, username_field.as_deref()).map_err(|what| {
            SourceError::Structure {
                url: page.body.url.to_string(),
                selector: format!("login = {PASSWORD_FIELD}"),
                what,
            }
        })?;
        if form.action.origin() != self.page.origin() {
            return Err(self.refused(format!(
                "le formulaire enverrait le mot de passe à un autre site ({})",
                form.action.host_str().unwrap_or("?")
            )));
        }
        let fields = form.fields.into_iter().map(|(name, value, by)| match by {
            Filled::Name => (name, username.clone()),
            Filled::Password => (name, expose(&password).to_owned()),
            Filled::Page => (name, value),
        });
        let payload = Payload::Form(fields.collect());
        let request = Request { payload: Some(payload), session: Some(session), ..Request::default() };
        match browse::land(fetcher, &form.action, &request, now).await {
            Ok(Some(after)) if self.is_logged_out(&after) => Err(self.refused("compte ou mot de passe refusé")),
            Ok(_) => Ok(()),
            Err(crate::fetch::FetchError::Status { status: status @ (400..=403 | 422), .. }) => {
                Err(self.refused(format!("compte ou mot de passe refusé (le serveur répond {status})")))
            }
            Err(e) => Err(e.into()),
        }
    }
}

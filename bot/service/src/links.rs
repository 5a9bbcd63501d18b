//! Links that act or show for one person: signed, for one purpose, until a moment.
//!
//! A token reads `subject.moment.signature`. A link for one purpose opens nothing else, an altered one opens nothing, and one
//! out of date says so. A change of `[web] secret` revokes all; what must be revoked one by one is kept in the database by
//! whoever makes the link, and the subject names its row.

use chrono::{DateTime, Duration, Utc};

use crate::service::Service;

/// What a link is for: the first part of its path, and part of what is signed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Purpose {
    /// Stops messages to an address. Its links never go out of date: they stand in mails of years ago.
    Unsubscribe,
    /// Confirms an address (double opt-in).
    Confirm,
    /// Signs a person in, once.
    SignIn,
    /// Answers for a structure about the procedure of one message.
    Answer,
    /// Calendar of a person's dates.
    Calendar,
    /// Atom feed of a person's alerts.
    Feed,
    /// One digest in full.
    Digest,
    /// Stops what is reserved to others. Its links never go out of date.
    WithoutClosed,
    /// Answers for a person's structure whether it can work some hours.
    HoursToFill,
    /// Answers what a person was asked in a message of its own.
    Question,
}

/// Why a link opens nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum BadLink {
    /// Altered, incomplete, or made for something else.
    #[error("lien inconnu")]
    Unknown,
    /// Out of date.
    #[error("lien périmé")]
    Expired,
}

/// How long a digest can be read in full.
const DIGEST_PAGE: Duration = Duration::days(90);
/// How long a message can be answered by its link: most procedures close before that.
const ANSWER_PAGE: Duration = Duration::days(90);

/// Stands for "never out of date".
const NEVER: &str = "0";

impl Purpose {
    /// The first part of the path.
    #[must_use]
    pub fn path(self) -> &'static str {
        match self {
            Self::Unsubscribe => "desabonner",
            Self::Confirm => "confirmer",
            Self::SignIn => "entrer",
            Self::Answer => "repondre",
            Self::Calendar => "agenda",
            Self::Feed => "fil",
            Self::Digest => "resume",
            Self::WithoutClosed => "sans-reserves-aux-autres",
            Self::HoursToFill => "pourvoir",
            Self::Question => "proposition",
        }
    }
}

/// Stands for the whole in the path of a contract.
pub const WHOLE: &str = "-";

/// The path of a contract's page: its lot, or [`WHOLE`].
#[must_use]
pub fn contract_path(procedure: &str, lot: &str) -> String {
    let lot: String =
        url::form_urlencoded::byte_serialize(if lot.is_empty() { WHOLE } else { lot }.as_bytes()).collect();
    format!("/contrat/{procedure}/{}", lot.replace('+', "%20"))
}

impl Service {
    /// A link, when the installation has a public address and a key. `subject` holds letters, digits, `-`, `_` and `:`.
    #[must_use]
    pub fn link(&self, purpose: Purpose, subject: &str, until: Option<DateTime<Utc>>) -> Option<String> {
        let base = self.settings.web.public_url.as_deref()?.trim_end_matches('/');
        Some(format!("{base}/{}/{}", purpose.path(), self.token(purpose, subject, until)?))
    }

    /// The token of a link, when the installation has a key.
    #[must_use]
    pub fn token(&self, purpose: Purpose, subject: &str, until: Option<DateTime<Utc>>) -> Option<String> {
        let until = until.map_or_else(|| NEVER.to_owned(), |at| at.timestamp().to_string());
        let signature = self.sign(purpose.path(), &format!("{subject}.{until}"))?;
        Some(format!("{subject}.{until}.{signature}"))
    }

    /// What a token is about.
    ///
    /// # Errors
    /// It is not ours, not for this purpose, or out of date.
    pub fn open_token<'a>(&self, purpose: Purpose, token: &'a str, now: DateTime<Utc>) -> Result<&'a str, BadLink> {
        let (signed, signature) = token.rsplit_once('.').ok_or(BadLink::Unknown)?;
        let (subject, until) = signed.rsplit_once('.').ok_or(BadLink::Unknown)?;
        if !self.is_signed(purpose.path(), signed, signature) {
            return Err(BadLink::Unknown);
        }
        match until.parse::<i64>() {
            Ok(0) => Ok(subject),
            Ok(at) if at > now.timestamp() => Ok(subject),
            Ok(_) => Err(BadLink::Expired),
            Err(_) => Err(BadLink::Unknown),
        }
    }

    /// What a token is about, be it out of date: only to offer a fresh one, which goes to the address itself.
    #[must_use]
    pub fn open_outdated<'a>(&self, purpose: Purpose, token: &'a str) -> Option<&'a str> {
        let (signed, signature) = token.rsplit_once('.')?;
        let (subject, _) = signed.rsplit_once('.')?;
        self.is_signed(purpose.path(), signed, signature).then_some(subject)
    }

    /// The first page, where whoever is signed in finds their own.
    #[must_use]
    pub fn home_url(&self) -> Option<String> {
        Some(format!("{}/", self.settings.web.public_url.as_deref()?.trim_end_matches('/')))
    }

    /// The page that shows all of a digest.
    #[must_use]
    pub fn digest_url(&self, delivery: &str, now: DateTime<Utc>) -> Option<String> {
        self.link(Purpose::Digest, delivery, Some(now + DIGEST_PAGE))
    }

    /// The page of a procedure, as seen from outside; it is public, and needs no signature.
    #[must_use]
    pub fn procedure_url(&self, procedure: &str) -> Option<String> {
        let base = self.settings.web.public_url.as_deref()?.trim_end_matches('/');
        Some(format!("{base}/procedure/{procedure}")).filter(|_| !procedure.is_empty())
    }

    /// The page of a contract; it is public, and needs no signature.
    #[must_use]
    pub fn contract_url(&self, procedure: &str, lot: &str) -> Option<String> {
        let base = self.settings.web.public_url.as_deref()?.trim_end_matches('/');
        Some(format!("{base}{}", contract_path(procedure, lot)))
    }

    /// The page of a call for partners; it shows each their own, once they signed in.
    #[must_use]
    pub fn partner_call_url(&self, call: &str) -> Option<String> {
        let base = self.settings.web.public_url.as_deref()?.trim_end_matches('/');
        Some(format!("{base}/groupements/{call}"))
    }

    /// The page where whoever got that message answers it without signing in.
    #[must_use]
    pub fn answer_url(&self, delivery: &str, now: DateTime<Utc>) -> Option<String> {
        self.link(Purpose::Answer, delivery, Some(now + ANSWER_PAGE))
    }

    /// The page where a person stops hearing of what is reserved to others.
    #[must_use]
    pub fn without_closed_url(&self, subscriber: &str) -> Option<String> {
        self.link(Purpose::WithoutClosed, subscriber, None)
    }

    /// The page where the owner of an address stops messages.
    #[must_use]
    pub fn unsubscribe_url(&self, address: &str) -> Option<String> {
        self.link(Purpose::Unsubscribe, address, None)
    }
}

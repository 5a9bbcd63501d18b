//! What every use case needs: the database, the settings, the clock, the templates, and the key that signs links.

use std::sync::Arc;

use chrono_tz::Europe::Paris;
use chrono_tz::Tz;
use hmac::{Hmac, Mac};
use secrecy::SecretString;
use sha2::Sha256;
use tokio::sync::Notify;
use vigie_config::secret::expose;
use vigie_config::settings::Settings;
use vigie_domain::Days;
use vigie_notifier::channels::hooks::web_push::Sender;
use vigie_notifier::due::DigestTimes;
use vigie_notifier::message::Templates;
use vigie_store::Store;

use crate::clock::Clock;
use crate::error::Failure;
use crate::ingest::index::AudienceIndex;
use crate::ingest::judge::Judge;
use crate::process;
use crate::reload::Reload;
use crate::write_proof::WriteProof;

/// Least length of the key that signs links, in bytes.
pub const MIN_SECRET: usize = 16;
/// Length of a signature: SHA-256 in hexadecimal.
const SIGNATURE_CHARS: usize = 64;

/// What the use cases share. It opens no socket: polling and sending stand elsewhere.
pub struct Service {
    /// The settings file.
    pub settings: Settings,
    /// The database.
    pub store: Store,
    /// Templates of messages.
    pub templates: Templates,
    /// The clock.
    pub clock: Clock,
    /// Who subscribed to what, as this process knows it.
    pub audience: AudienceIndex,
    /// Who gives verdicts on notices.
    pub judge: Judge,
    /// The name under which this process holds leases.
    pub lease_holder: String,
    /// Notified when deliveries are queued, so that workers need not wait for their next look.
    pub deliveries_queued: Arc<Notify>,
    /// Notified when files of a consultation were given, so that their reader need not wait for its next look.
    pub consultations_given: Arc<Notify>,
    /// Whether writes become durable.
    pub write_proof: WriteProof,
    /// The wish that the settings be read again.
    pub reload: Reload,
    web_secret: Option<SecretString>,
}

impl Service {
    /// Reads the templates and the key that the settings name, over an open database.
    ///
    /// # Errors
    /// A template or the key is missing, unreadable or too short.
    pub fn new(settings: Settings, store: Store, clock: Clock) -> Result<Self, Failure> {
        let templates = Templates::load(settings.templates.dir.as_deref()).map_err(|e| {
            Failure::usage(
                e.to_string(),
                "[templates] dir",
                "corrigez le modèle, ou retirez-le pour revenir à celui fourni",
            )
        })?;
        let page =
            |path: &str| settings.web.public_url.as_deref().map(|u| format!("{}{path}", u.trim_end_matches('/')));
        let templates = templates.with_answers(settings.hears_replies()).with_pages(page("/"), page("/abonnements"));
        let templates = templates.with_operator(settings.operator.as_ref());
        let web_secret =
            settings.web.secret.as_ref().map(|s| s.read()).transpose().map_err(|e| {
                Failure::usage(e.to_string(), "[web] secret", "définissez ce secret, ou retirez la clé")
            })?;
        if web_secret.as_ref().is_some_and(|s| expose(s).len() < MIN_SECRET) {
            let fix = format!("au moins {MIN_SECRET} caractères, tirés au hasard");
            return Err(Failure::usage("secret de signature trop court", "[web] secret", fix));
        }
        Ok(Self {
            settings,
            store,
            templates,
            clock,
            audience: AudienceIndex::default(),
            judge: Judge::default(),
            lease_holder: process::this_process(),
            deliveries_queued: Arc::new(Notify::new()),
            consultations_given: Arc::new(Notify::new()),
            write_proof: WriteProof::default(),
            reload: Reload::default(),
            web_secret,
        })
    }

    /// The installation's hour and day of digests, in Paris.
    #[must_use]
    pub fn digest_times(&self) -> DigestTimes {
        let pace = &self.settings.pace;
        DigestTimes { hour: pace.digest_hour, weekday: pace.digest_day.into(), days: Days::ALL, zone: Paris }
    }

    /// The same hour and day where somebody is.
    #[must_use]
    pub fn digest_times_in(&self, zone: Tz) -> DigestTimes {
        DigestTimes { zone, ..self.digest_times() }
    }

    /// Who runs the installation, as somebody reads it who is told to turn to them.
    #[must_use]
    pub fn operator(&self) -> String {
        self.settings.operator.as_ref().map_or_else(|| "la personne qui gère Vigie".to_owned(), |o| o.in_words())
    }

    /// Whether links into the pages can be made: there is a public address and a key.
    #[must_use]
    pub fn has_links(&self) -> bool {
        self.settings.web.public_url.is_some() && self.web_secret.is_some()
    }

    /// Whether `signature` is ours for that purpose and subject. Compared in constant time.
    pub(crate) fn is_signed(&self, purpose: &str, subject: &str, signature: &str) -> bool {
        let Some(mac) = self.mac(purpose, subject).filter(|_| signature.len() == SIGNATURE_CHARS) else { return false };
        let mut bytes = [0; SIGNATURE_CHARS / 2];
        hex::decode_to_slice(signature, &mut bytes).is_ok() && mac.verify_slice(&bytes).is_ok()
    }

    pub(crate) fn sign(&self, purpose: &str, subject: &str) -> Option<String> {
        Some(hex::encode(self.mac(purpose, subject)?.finalize().into_bytes()))
    }

    /// A key for that purpose, of the secret that the settings name; `None` where they name none.
    pub(crate) fn derived_key(&self, purpose: &str) -> Option<[u8; 32]> {
        Some(self.mac(purpose, "")?.finalize().into_bytes().into())
    }

    /// The key that signs what is posted for a person to that address of a program; none where the installation has no key of its
    /// own. Another person's for the same address is another; a change of `[web] secret` changes all.
    #[must_use]
    pub fn webhook_key(&self, subscriber: &str, url: &str) -> Option<Vec<u8>> {
        Some(self.mac("webhook", &format!("{subscriber} {url}"))?.finalize().into_bytes().to_vec())
    }

    /// The key by which push services of browsers know this installation; none where it has no key of its own. A change of
    /// `[web] secret` changes it, and browsers must be added anew.
    #[must_use]
    pub fn push_sender(&self) -> Option<Sender> {
        Sender::of(&self.derived_key("web-push")?)
    }

    /// Where a push service may write to whoever runs the installation.
    #[must_use]
    pub fn push_contact(&self) -> String {
        let mail = self.settings.operator.as_ref().filter(|o| o.has_mail()).map(|o| format!("mailto:{}", o.contact));
        mail.or_else(|| self.settings.web.public_url.clone()).unwrap_or_else(|| "https://localhost".to_owned())
    }

    /// A signature serves one purpose: the purpose is part of what is signed.
    fn mac(&self, purpose: &str, subject: &str) -> Option<Hmac<Sha256>> {
        let secret = self.web_secret.as_ref()?;
        let mut mac = Hmac::<Sha256>::new_from_slice(expose(secret).as_bytes()).ok()?;
        mac.update(purpose.as_bytes());
        mac.update(b"\0");
        mac.update(subject.as_bytes());
        Some(mac)
    }
}

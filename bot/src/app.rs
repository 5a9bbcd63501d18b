//! What every role shares.

use std::collections::HashMap;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};

use chrono::{DateTime, Utc};
use hmac::{Hmac, Mac};
use secrecy::SecretString;
use sha2::Sha256;
use tokio::sync::Notify;
use vigie_config::secret::expose;
use vigie_config::settings::{self, Settings};
use vigie_domain::subscription::{Profile, Role};
use vigie_domain::{Cadence, Channel, Filter, Subscriber};
use vigie_notifier::channels::email::{Email, EmailError};
use vigie_notifier::due::DigestTimes;
use vigie_notifier::message::Templates;
use vigie_store::people::{AddressState, NewSubscriber};
use vigie_store::{Store, StoreError, derived_id};
use vigie_watcher::fetch::Fetcher;

use crate::clock::Clock;
use crate::compose::Kept;
use crate::crash_point::CrashPoint;
use crate::deliver::{Hand, Slots};
use crate::holder;

/// Score from which the default console subscriber hears of a notice.
const DEFAULT_MIN_SCORE: u8 = 25;

/// Least length of the key that signs links, in bytes.
pub const MIN_SECRET: usize = 16;
/// Length of a signature: SHA-256 in hexadecimal.
const SIGNATURE_CHARS: usize = 64;

/// Why the program cannot start or go on. Shown as what, where, what to do.
#[derive(Debug, thiserror::Error)]
#[error("{what}\n  où : {place}\n  que faire : {fix}")]
pub struct Failure {
    /// What is wrong.
    pub what: String,
    /// Where.
    pub place: String,
    /// What to do.
    pub fix: String,
    /// Wrong usage or configuration (exit code 2) rather than a failure (1).
    pub usage: bool,
}

impl Failure {
    /// A failure of the program or its surroundings.
    pub fn new(what: impl Into<String>, place: impl Into<String>, fix: impl Into<String>) -> Self {
        Self { what: what.into(), place: place.into(), fix: fix.into(), usage: false }
    }

    /// Wrong usage or configuration.
    pub fn usage(what: impl Into<String>, place: impl Into<String>, fix: impl Into<String>) -> Self {
        Self { usage: true, ..Self::new(what, place, fix) }
    }
}

impl From<vigie_store::StoreError> for Failure {
    fn from(e: vigie_store::StoreError) -> Self {
        Self::new(e.to_string(), "base de données", "vérifiez [store] et que la base est joignable")
    }
}

/// Everything the roles share.
pub struct App {
    /// Settings.
    pub settings: Settings,
    /// The database.
    pub store: Store,
    /// The network.
    pub fetcher: Fetcher,
    /// Message templates.
    pub templates: Templates,
    /// E-mail, where configured.
    pub email: Option<Email>,
    /// Matrix, once opened by the process that delivers: its store has one owner.
    #[cfg(feature = "matrix")]
    pub matrix: tokio::sync::OnceCell<vigie_matrix::Matrix>,
    /// Telegram, where configured.
    #[cfg(feature = "telegram")]
    pub telegram: Option<crate::telegram::Chats>,
    /// The clock.
    pub clock: Clock,
    /// Name under which this process holds leases.
    pub holder: String,
    /// Rung when deliveries were made, so that they need not wait for the next round.
    pub outbox_bell: Arc<Notify>,
    /// Deliveries this process holds and has not begun to send.
    pub hand: Hand,
    /// Held by the worker that shows in chats what was decided.
    pub refreshing: tokio::sync::Mutex<()>,
    /// Messages noted as begun.
    pub slots: Slots,
    /// Messages just made.
    pub kept: Kept,
    /// Channels whose server is away, and until when nothing is tried there.
    resting: Mutex<HashMap<Channel, DateTime<Utc>>>,
    web_secret: Option<SecretString>,
}

/// The default database: SQLite in the user's data directory.
///
/// # Errors
/// The directory cannot be made.
pub fn default_store_url() -> Result<String, Failure> {
    let base = std::env::var_os("XDG_DATA_HOME")
        .map(PathBuf::from)
        .or_else(|| std::env::var_os("HOME").map(|h| PathBuf::from(h).join(".local/share")))
        .ok_or_else(|| {
            Failure::usage("aucun dossier de données", "environnement", "définissez HOME, ou [store] url")
        })?;
    let dir = base.join("vigie");
    std::fs::create_dir_all(&dir).map_err(|e| {
        Failure::new(format!("dossier impossible à créer : {e}"), dir.display().to_string(), "vérifiez les droits")
    })?;
    Ok(format!("sqlite:{}", dir.join("vigie.sqlite").display()))
}

/// Settings used without a file: BOAMP, and a subscriber on the console who hears of what suits structures.
#[must_use]
pub fn default_settings() -> Settings {
    Settings {
        source: vec![settings::Source::new("boamp", "boamp", None, settings::Baseline::Quiet)],
        subscriber: vec![settings::Subscriber::on_console(
            "Écran",
            Role::Operator,
            Cadence::Instant,
            Filter { min_score: DEFAULT_MIN_SCORE, ..Filter::default() },
        )],
        ..Settings::default()
    }
}

impl App {
    /// Opens the database and makes everything ready.
    ///
    /// # Errors
    /// A secret, the database, a template or an address is missing or unreadable.
    pub async fn start(settings: Settings, fetcher: Fetcher, clock: Clock) -> Result<Self, Failure> {
        if settings.matrix.is_some() && !cfg!(feature = "matrix") {
            let fix = "construisez-la avec : cargo build --release --package vigie";
            return Err(Failure::usage("cette version de Vigie est construite sans Matrix", "[matrix]", fix));
        }
        if settings.telegram.is_some() && !cfg!(feature = "telegram") {
            let fix = "construisez-la avec : cargo build --release --package vigie";
            return Err(Failure::usage("cette version de Vigie est construite sans Telegram", "[telegram]", fix));
        }
        let store = open_store(&settings).await?;
        let templates = Templates::load(settings.templates.dir.as_deref()).map_err(|e| {
            Failure::usage(
                e.to_string(),
                "[templates] dir",
                "corrigez le modèle, ou retirez-le pour revenir à celui fourni",
            )
        })?;
        let templates = templates.with_answers(settings.hears_replies());
        #[cfg(feature = "telegram")]
        let telegram = settings.telegram.as_ref().map(crate::telegram::Chats::open).transpose()?;
        let web_secret =
            settings.web.secret.as_ref().map(|s| s.read()).transpose().map_err(|e| {
                Failure::usage(e.to_string(), "[web] secret", "définissez ce secret, ou retirez la clé")
            })?;
        if web_secret.as_ref().is_some_and(|s| expose(s).len() < MIN_SECRET) {
            let fix = format!("au moins {MIN_SECRET} caractères, tirés au hasard");
            return Err(Failure::usage("secret de signature trop court", "[web] secret", fix));
        }
        let email = open_email(&settings)?;
        let slots = Slots::new(email.as_ref());
        let app = Self {
            settings,
            store,
            fetcher,
            templates,
            email,
            #[cfg(feature = "matrix")]
            matrix: tokio::sync::OnceCell::new(),
            #[cfg(feature = "telegram")]
            telegram,
            clock,
            holder: holder::this_process(),
            outbox_bell: Arc::new(Notify::new()),
            hand: Hand::default(),
            refreshing: tokio::sync::Mutex::default(),
            slots,
            kept: Kept::default(),
            resting: Mutex::default(),
            web_secret,
        };
        app.sync_declared().await?;
        app.store.release_gone(holder::is_gone, app.clock.now()).await?;
        Ok(app)
    }

    /// Brings the people declared in the settings file in step with the database.
    async fn sync_declared(&self) -> Result<(), Failure> {
        let now = self.clock.now();
        let mut kept = Vec::new();
        for (i, declared) in self.settings.subscriber.iter().enumerate() {
            if let Some(email) = &declared.email
                && self.store.is_suppressed(Channel::Email, email).await?
            {
                tracing::warn!(
                    block = i + 1,
                    "a declared subscriber had themselves erased: remove their [[subscriber]] block"
                );
                continue;
            }
            let id = derived_id(&["declared", &declared.name]);
            let mut addresses = Vec::new();
            if let Some(email) = &declared.email {
                addresses.push((Channel::Email, email.clone(), AddressState::Active));
            }
            if let Some(room) = &declared.matrix {
                addresses.push((Channel::Matrix, room.clone(), AddressState::Active));
            }
            if let Some(chat) = declared.telegram {
                addresses.push((Channel::Telegram, chat.to_string(), AddressState::Active));
            }
            if declared.console {
                addresses.push((Channel::Console, "stdout".to_owned(), AddressState::Active));
            }
            let sectors = declared.subscription.iter().flat_map(|s| s.filter.sectors.clone()).collect();
            let departments = declared.subscription.iter().flat_map(|s| s.filter.departments.clone()).collect();
            let profile = Profile {
                kind: declared.kind,
                siret: declared.siret.clone(),
                sectors,
                departments,
                networks: declared.networks.clone(),
            };
            let mut named = addresses.clone();
            if let Some(chat) = declared.telegram {
                // A group that has moved keeps its identifier, and its new number.
                let known = derived_id(&[&id, Channel::Telegram.as_str(), &chat.to_string()]);
                named.extend(self.store.address(&known).await?.map(|a| (a.channel, a.value, a.state)));
            }
            self.store.keep_only_addresses(&id, &named).await?;
            let subscriber = Subscriber { id: id.clone(), name: declared.name.clone(), role: declared.role, profile };
            self.store.put_subscriber(&NewSubscriber { subscriber, addresses, declared: true }, now).await?;
            self.store.set_rhythm(&id, &declared.rhythm).await?;
            let mut subscriptions = Vec::new();
            for s in &declared.subscription {
                let cadence = s.cadence.unwrap_or_else(|| Cadence::default_for(declared.role, declared.kind));
                subscriptions.push(self.store.put_subscription(&id, &s.filter, cadence, now).await?);
            }
            self.store.keep_only_subscriptions(&id, &subscriptions).await?;
            kept.push(id);
        }
        self.store.keep_only_declared(&kept).await?;
        Ok(())
    }

    /// Digest times of the settings.
    #[must_use]
    pub fn digest_times(&self) -> DigestTimes {
        DigestTimes {
            hour: self.settings.pace.digest_hour,
            weekday: self.settings.pace.digest_day.into(),
            zone: chrono_tz::Europe::Paris,
        }
    }

    /// Tries nothing on a channel until then.
    pub(crate) fn rest(&self, channel: Channel, until: DateTime<Utc>) {
        self.resting.lock().unwrap_or_else(PoisonError::into_inner).insert(channel, until);
    }

    /// Whether nothing is tried on a channel now.
    pub(crate) fn rests(&self, channel: Channel, now: DateTime<Utc>) -> bool {
        self.resting.lock().unwrap_or_else(PoisonError::into_inner).get(&channel).is_some_and(|until| *until > now)
    }

    /// Least time between two mails to one domain.
    #[must_use]
    pub fn domain_gap(&self) -> chrono::Duration {
        chrono::Duration::milliseconds(i64::from(self.settings.pace.domain_gap_ms))
    }

    /// Whether `signature` is ours for that purpose and subject.
    pub(crate) fn signed(&self, purpose: &str, subject: &str, signature: &str) -> bool {
        let Some(mac) = self.mac(purpose, subject).filter(|_| signature.len() == SIGNATURE_CHARS) else { return false };
        let bytes: Option<Vec<u8>> =
            (0..signature.len() / 2).map(|i| u8::from_str_radix(signature.get(2 * i..2 * i + 2)?, 16).ok()).collect();
        bytes.is_some_and(|b| mac.verify_slice(&b).is_ok())
    }

    pub(crate) fn sign(&self, purpose: &str, subject: &str) -> Option<String> {
        let tag = self.mac(purpose, subject)?.finalize().into_bytes();
        Some(tag.iter().map(|b| format!("{b:02x}")).collect())
    }

    /// Sends nothing more to an address whose owner said so, and notes how they said it.
    ///
    /// # Errors
    /// The database fails.
    pub async fn stop_address(&self, address: &str, how: &str) -> Result<(), StoreError> {
        self.store.set_address_state(address, AddressState::Stopped, how).await?;
        CrashPoint::MidUnsubscribe.reach();
        self.store.note("address", address, how, self.clock.now()).await
    }

    /// Whether links into the pages can be made: there is a public address and a key.
    #[must_use]
    pub fn has_links(&self) -> bool {
        self.settings.web.public_url.is_some() && self.web_secret.is_some()
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

/// Opens the database the settings name.
///
/// # Errors
/// It cannot be reached, or its secret is missing.
pub async fn open_store(settings: &Settings) -> Result<Store, Failure> {
    let url = match &settings.store.url {
        Some(url) => url.clone(),
        None => default_store_url()?,
    };
    let url = match &settings.store.password {
        None => url,
        Some(secret) => {
            let password =
                secret.read().map_err(|e| Failure::usage(e.to_string(), "[store] password", "définissez ce secret"))?;
            let mut parsed = url::Url::parse(&url).map_err(|e| {
                Failure::usage(
                    format!("adresse de base illisible : {e}"),
                    "[store] url",
                    "écrivez postgres://utilisateur@hôte/base",
                )
            })?;
            let _ = parsed.set_password(Some(expose(&password)));
            parsed.into()
        }
    };
    Store::open(&url).await.map_err(|e| {
        Failure::new(e.to_string(), "[store] url", "vérifiez que la base est joignable et que le dossier existe")
    })
}

/// Makes the e-mail channel the settings name, if any.
///
/// # Errors
/// An address, a secret or the certificate is unreadable.
pub fn open_email(settings: &Settings) -> Result<Option<Email>, Failure> {
    let Some(block) = &settings.email else { return Ok(None) };
    let password = block
        .password
        .as_ref()
        .map(|s| s.read())
        .transpose()
        .map_err(|e| Failure::usage(e.to_string(), "[email] password", "définissez ce secret"))?;
    let fault = |e: EmailError| {
        Failure::usage(e.to_string(), "[email]", "corrigez cette valeur ; vigie.example.toml en montre une")
    };
    let mut email = Email::new(block, password.as_ref()).map_err(fault)?;
    if let Some(dkim) = &block.dkim {
        let key = dkim
            .key
            .read()
            .map_err(|e| Failure::usage(e.to_string(), "[email] dkim", "donnez la clé, ou retirez dkim"))?;
        email = email.with_dkim(&dkim.selector, &key).map_err(fault)?;
    }
    let Some(pattern) = &block.return_path else { return Ok(Some(email)) };
    let key = settings.web.secret.as_ref().map(|s| s.read()).transpose().ok().flatten().ok_or_else(|| {
        Failure::usage(
            "les adresses de retour sont signées, et il n’y a pas de secret",
            "[email] return_path",
            "définissez [web] secret, ou retirez return_path",
        )
    })?;
    email.with_return_path(pattern, &key, settings.mailbox.is_some()).map(Some).map_err(fault)
}

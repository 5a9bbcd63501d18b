//! A process is set up: settings, database, channels, network.

use std::io::Write;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use vigie_config::secret::expose;
use vigie_config::settings::{self, Settings};
use vigie_delivery::Engine;
use vigie_domain::subscription::Role;
use vigie_domain::{Cadence, Filter, french};
use vigie_service::outgoing_mail::open_email;
use vigie_service::{Clock, Failure, Service, declared, process};
use vigie_store::{Store, StoreError};
use vigie_watcher::fetch::Fetcher;

/// Score from which the default console subscriber hears of a notice.
const DEFAULT_MIN_SCORE: u8 = 25;

/// What a process is made of. Each part is handed to who needs it; nothing else sees the whole.
pub struct App {
    /// The use cases.
    pub service: Arc<Service>,
    /// The channels and what is in flight.
    pub delivery: Arc<Engine>,
    /// The network of whoever polls.
    pub fetcher: Arc<Fetcher>,
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
    vigie_config::private::create_dir(&dir).map_err(|e| {
        Failure::new(
            format!("dossier impossible à créer : {}", french::of_system(&e)),
            dir.display().to_string(),
            "vérifiez les droits",
        )
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
        for (used, built, name) in [
            (settings.matrix.is_some(), cfg!(feature = "matrix"), "Matrix"),
            (settings.telegram.is_some(), cfg!(feature = "telegram"), "Telegram"),
        ] {
            if used && !built {
                let what = format!("cette version de Vigie est construite sans {name}");
                let fix = "construisez-la avec : cargo build --release --package vigie";
                return Err(Failure::usage(what, format!("[{}]", name.to_lowercase()), fix));
            }
        }
        let store = open_store(&settings).await?;
        let email = open_email(&settings)?;
        let service = Arc::new(Service::new(settings, store, clock)?);
        let delivery = Arc::new(Engine::new(Arc::clone(&service), email)?);
        declared::sync(&service).await?;
        service.store.release_gone(process::is_gone, service.clock.now()).await?;
        Ok(Self { service, delivery, fetcher: Arc::new(fetcher) })
    }
}

/// The database of the settings, as people know it: its file, or its server and name; no user, no password.
///
/// # Errors
/// No file is named, and there is no directory for one.
pub fn database_name(settings: &Settings) -> Result<String, Failure> {
    let url = settings.store.url.clone().map_or_else(default_store_url, Ok)?;
    let path = url.strip_prefix("sqlite:").map(|p| p.strip_prefix("//").unwrap_or(p).to_owned());
    Ok(path.unwrap_or_else(|| {
        let address = url.split_once("://").map_or(url.as_str(), |(_, rest)| rest);
        let address = address.rsplit_once('@').map_or(address, |(_, host)| host);
        format!("PostgreSQL {}", address.split('?').next().unwrap_or(address))
    }))
}

/// How long a database may keep one waiting before it is said.
const SILENT_FOR: Duration = Duration::from_secs(2);

/// Opens a database; where that takes a while, says what is waited for.
async fn open_at(url: &str, name: &str) -> Result<Store, StoreError> {
    let mut opening = std::pin::pin!(Store::open(url));
    tokio::select! {
        opened = &mut opening => return opened,
        () = tokio::time::sleep(SILENT_FOR) => {}
    }
    let _ = writeln!(
        std::io::stderr(),
        "La base {name} ne répond pas encore : son serveur est loin, un autre processus y écrit (vingt secondes d’attente au plus), ou elle est copiée avant une mise à jour."
    );
    opening.await
}

/// How long a server that is only being started is waited for: the first start of one makes its files.
const STARTS_WITHIN: Duration = Duration::from_secs(60);

/// Waits for the server of the database, where it takes no connections yet. What else there is about it is said by who opens it.
///
/// # Errors
/// The address of the database cannot be made out of the settings.
pub async fn wait_for_server(settings: &Settings) -> Result<(), Failure> {
    let url = database_url(settings)?;
    let name = database_name(settings)?;
    let until = tokio::time::Instant::now() + STARTS_WITHIN;
    let mut said = false;
    loop {
        match Store::open(&url).await {
            Err(e) if e.is_silent_server() && tokio::time::Instant::now() < until => {}
            Err(_) => return Ok(()),
            Ok(store) => {
                store.close().await;
                return Ok(());
            }
        }
        if !said {
            said = true;
            let _ = writeln!(
                std::io::stderr(),
                "La base {name} ne répond pas encore : son serveur est attendu, {} s au plus.",
                STARTS_WITHIN.as_secs()
            );
        }
        tokio::time::sleep(Duration::from_secs(1)).await;
    }
}

/// What a database that cannot be opened asks for.
fn mend(e: &StoreError) -> &'static str {
    match e {
        StoreError::NoCopy { .. } => "libérez de la place à côté de la base, puis relancez ; rien n’a été changé",
        full if full.is_full() => "le disque est plein : libérez de la place là où est la base",
        StoreError::File { .. } => {
            "créez ce dossier, ou donnez à ce compte le droit d’y écrire ; [store] url nomme le fichier"
        }
        StoreError::Server { .. } => {
            "vérifiez que ce serveur PostgreSQL tourne et accepte ce compte ([store] url, password)"
        }
        StoreError::Newer { .. } => {
            "installez une version plus récente de Vigie, ou restaurez la copie faite avant (vigie restore)"
        }
        _ => "corrigez [store] url, ou libérez la base",
    }
}

/// The whole address of the database that the settings name, its password included: never shown.
///
/// # Errors
/// Its secret is missing, or there is no directory for a file.
pub fn database_url(settings: &Settings) -> Result<String, Failure> {
    let url = match &settings.store.url {
        Some(url) => url.clone(),
        None => default_store_url()?,
    };
    Ok(match &settings.store.password {
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
    })
}

/// Opens the database the settings name.
///
/// # Errors
/// It cannot be reached, or its secret is missing.
pub async fn open_store(settings: &Settings) -> Result<Store, Failure> {
    let url = database_url(settings)?;
    let name = database_name(settings)?;
    open_at(&url, &name).await.map_err(|e| not_opened(&e, name))
}

/// What is said of a database of that name that cannot be opened.
#[must_use]
pub fn not_opened(e: &StoreError, name: String) -> Failure {
    Failure::new(e.to_string(), name, mend(e))
}

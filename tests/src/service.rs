//! The service inside a program that measures or breaks it: on a database and a mail server of its own, with people to tell.

use vigie_bot::setup::App;
use vigie_config::settings::{self, Settings};
use vigie_domain::subscription::{Profile, Role};
use vigie_domain::{Cadence, Channel, Filter, Subscriber};
use vigie_service::Clock;
use vigie_store::StoreError;
use vigie_store::people::{AddressState, NewSubscriber};
use vigie_watcher::fetch::Fetcher;

/// What such a program gives.
pub type Outcome<T> = Result<T, Box<dyn std::error::Error + Send + Sync>>;

/// Settings of a service on that database and mail server, with no cap on instant messages.
///
/// # Errors
/// Never, as long as the settings are well written here.
pub fn settings(url: &str, smtp_port: u16, connections: usize) -> Outcome<Settings> {
    let email: settings::Email = toml::from_str(&format!(
        "host = '127.0.0.1'\nport = {smtp_port}\ntls = 'none'\nfrom = 'Vigie <vigie@vigie.example>'\nconnections = {connections}"
    ))?;
    Ok(Settings {
        store: settings::Store { url: Some(url.to_owned()), password: None },
        pace: settings::Pace { instant_per_hour: 0, ..settings::Pace::default() },
        email: Some(email),
        ..Settings::default()
    })
}

/// Starts the service on that database and mail server, with no cap on instant messages.
///
/// # Errors
/// The database cannot be opened.
pub async fn start(url: &str, smtp_port: u16, connections: usize, clock: Clock) -> Outcome<App> {
    start_as(settings(url, smtp_port, connections)?, clock).await
}

/// Starts the service with these settings.
///
/// # Errors
/// The database cannot be opened.
pub async fn start_as(settings: Settings, clock: Clock) -> Outcome<App> {
    let fetcher = Fetcher::http(&settings.fetch)?;
    Ok(App::start(settings, fetcher, clock).await.map_err(|f| f.to_string())?)
}

/// Makes a person with one mail address and one instant subscription.
///
/// # Errors
/// The database fails.
pub async fn subscribe(app: &App, id: &str, email: &str, filter: &Filter) -> Result<(), StoreError> {
    subscribe_on(app, id, Channel::Email, email, filter).await
}

/// Makes a person with one address on that channel and one instant subscription.
///
/// # Errors
/// The database fails.
pub async fn subscribe_on(
    app: &App,
    id: &str,
    channel: Channel,
    address: &str,
    filter: &Filter,
) -> Result<(), StoreError> {
    let now = app.service.clock.now();
    let subscriber =
        Subscriber { id: id.to_owned(), name: id.to_owned(), role: Role::Structure, profile: Profile::default() };
    let addresses = vec![(channel, address.to_owned(), AddressState::Active)];
    app.service.store.put_subscriber(&NewSubscriber { subscriber, addresses, declared: false }, now).await?;
    app.service.store.put_subscription(id, filter, Cadence::Instant, now).await?;
    Ok(())
}

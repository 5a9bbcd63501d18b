//! The service inside a program that measures or breaks it: on a database and a mail server of its own, with people to tell.

use vigie_bot::app::App;
use vigie_bot::clock::Clock;
use vigie_config::settings::{self, Settings};
use vigie_domain::subscription::{Profile, Role};
use vigie_domain::{Cadence, Channel, Filter, Subscriber};
use vigie_store::StoreError;
use vigie_store::people::{AddressState, NewSubscriber};
use vigie_watcher::fetch::Fetcher;

/// What such a program gives.
pub type Outcome<T> = Result<T, Box<dyn std::error::Error + Send + Sync>>;

/// Starts the service on that database and mail server, with no cap on instant messages.
///
/// # Errors
/// The database cannot be opened.
pub async fn start(url: &str, smtp_port: u16, connections: usize, clock: Clock) -> Outcome<App> {
    let email: settings::Email = toml::from_str(&format!(
        "host = '127.0.0.1'\nport = {smtp_port}\ntls = 'none'\nfrom = 'Vigie <vigie@vigie.example>'\nconnections = {connections}"
    ))?;
    let settings = Settings {
        store: settings::Store { url: Some(url.to_owned()), password: None },
        pace: settings::Pace { instant_per_hour: 0, ..settings::Pace::default() },
        email: Some(email),
        ..Settings::default()
    };
    let fetcher = Fetcher::http(&settings.fetch)?;
    Ok(App::start(settings, fetcher, clock).await.map_err(|f| f.to_string())?)
}

/// Makes a person with one address and one instant subscription.
///
/// # Errors
/// The database fails.
pub async fn subscribe(app: &App, id: &str, email: &str, filter: &Filter) -> Result<(), StoreError> {
    let now = app.clock.now();
    let subscriber =
        Subscriber { id: id.to_owned(), name: id.to_owned(), role: Role::Structure, profile: Profile::default() };
    let addresses = vec![(Channel::Email, email.to_owned(), AddressState::Active)];
    app.store.put_subscriber(&NewSubscriber { subscriber, addresses, declared: false }, now).await?;
    app.store.put_subscription(id, filter, Cadence::Instant, now).await?;
    Ok(())
}

//! `vigie run`: the service, in one or several roles.

use std::sync::Arc;
use std::time::Duration;

use tokio::net::TcpListener;
use tokio::sync::watch::{Receiver, channel};
use tokio::task::JoinSet;
use vigie_config::settings::Settings;
use vigie_delivery::worker;
use vigie_service::ingest::hourly_cap;
use vigie_service::sources::Watched;
use vigie_service::{Clock, Failure, backup, sources};
use vigie_watcher::assistant::Assistant;
use vigie_watcher::fetch::Fetcher;
use vigie_watcher::zones::paris_day;
use vigie_web::server;

use super::config_arg::ConfigArg;
use super::reload::{self, Hangups};
use super::signals::Stops;
use crate::monitoring;
#[cfg(feature = "matrix")]
use crate::roles::matrix_listener;
use crate::roles::second_reader::{self, Looked};
#[cfg(feature = "telegram")]
use crate::roles::telegram_listener::{self, Listener};
use crate::roles::watch::{self, Watch};
use crate::roles::write_watch::{self, WriteWatch};
use crate::roles::{consultations, mailbox, scheduler, supervisor};
use crate::setup::App;

/// Longest sleep between two looks at what is due.
const TICK: Duration = Duration::from_secs(15);
/// Longest wait, once told to stop, for what is under way.
const STOP_WITHIN: Duration = Duration::from_secs(30);
/// Pause before chats that could not be heard are listened to again.
#[cfg(feature = "telegram")]
const LISTEN_AGAIN: Duration = Duration::from_secs(5);
/// How often the scheduler is looked at.
const SCHEDULER_TICK: Duration = Duration::from_secs(30);
/// Pause before the Matrix account is tried again: servers allow few logins (Synapse: one in five minutes).
#[cfg(feature = "matrix")]
const OPEN_AGAIN: Duration = Duration::from_secs(330);
/// How often it is looked whether the backup of the day is due.
const BACKUP_TICK: Duration = Duration::from_secs(300);
/// How often the outside heartbeat is pinged.
const HEARTBEAT: Duration = Duration::from_secs(60);
/// How often the slowest statement is noted.
const MEASURES: Duration = Duration::from_secs(60);
/// How often it is looked whether the second reader is to be asked, and how long it is left alone after a failure.
const SECOND_READER_IDLE: Duration = Duration::from_secs(60);
const SECOND_READER_AGAIN: Duration = Duration::from_secs(600);

#[derive(Debug, clap::Args)]
pub(super) struct RunArgs {
    #[command(flatten)]
    config: ConfigArg,
    /// Une seule passe de ce qui est dû, puis fin
    #[arg(long)]
    once: bool,
    /// Avec --once : toutes les sources sont dues
    #[arg(long, requires = "once")]
    force_poll: bool,
    /// Rôles tenus par ce processus, séparés par des virgules
    #[arg(long, value_delimiter = ',', default_value = "watch,deliver,web")]
    role: Vec<Role>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
enum Role {
    /// Interroge les sources
    Watch,
    /// Envoie les messages et tient le calendrier
    Deliver,
    /// Sert la page
    Web,
}

pub(super) async fn run(args: RunArgs) -> Result<(), Failure> {
    let mut settings = args.config.settings()?;
    super::config_arg::logs(&settings, "info")?;
    let clock = Clock::from_environment()?;
    if args.once {
        return once(&Arc::new(start(settings, clock).await?), &args).await;
    }
    let mut stops = Stops::listen();
    let mut hangups = Hangups::of(args.config.path());
    let mut ready = tokio::select! {
        () = stops.asked() => return Ok(()),
        ready = make_ready(&settings, &clock, &args.role) => ready?,
    };
    loop {
        let (app, doors) = ready;
        match service(Arc::new(app), doors, &args.role, &mut stops, &mut hangups).await? {
            Ended::Stopped => return Ok(()),
            Ended::Reload(new) => {
                let (next, last) = match make_ready(&new, &clock, &args.role).await {
                    Ok(next) => {
                        let last = reload::took(&settings, &new, clock.now());
                        settings = *new;
                        (next, last)
                    }
                    Err(e) => {
                        let last = reload::refused(&e, clock.now());
                        (make_ready(&settings, &clock, &args.role).await?, last)
                    }
                };
                next.0.service.reload.tell(last);
                ready = next;
            }
        }
    }
}

/// What a process listens on, taken before its tasks begin.
struct Doors {
    pages: Option<TcpListener>,
    observe: Option<TcpListener>,
}

impl Doors {
    async fn open(settings: &Settings, roles: &[Role]) -> Result<Self, Failure> {
        let pages = match roles.contains(&Role::Web) {
            true => Some(server::listen(&settings.web.listen, "[web] listen").await?),
            false => None,
        };
        let observe = match &settings.observe.listen {
            Some(address) => Some(server::listen(address, "[observe] listen").await?),
            None => None,
        };
        Ok(Self { pages, observe })
    }
}

/// Everything that can fail before a service goes on.
async fn make_ready(settings: &Settings, clock: &Clock, roles: &[Role]) -> Result<(App, Doors), Failure> {
    let doors = Doors::open(settings, roles).await?;
    Ok((start(settings.clone(), clock.clone()).await?, doors))
}

async fn start(settings: Settings, clock: Clock) -> Result<App, Failure> {
    let fetcher = Fetcher::http(&settings.fetch).map_err(|e| Failure::usage(e, "[fetch]", "corrigez cette valeur"))?;
    App::start(settings, fetcher, clock).await
}

/// Why a service ended.
enum Ended {
    /// It was told to.
    Stopped,
    /// It is to go on with these settings.
    Reload(Box<Settings>),
}

async fn once(app: &Arc<App>, args: &RunArgs) -> Result<(), Failure> {
    if args.role.contains(&Role::Watch) {
        let sources = sources::all(&app.service).await?;
        watch::poll_all(&app.service, &app.fetcher, sources, args.force_poll).await?;
    }
    if args.role.contains(&Role::Deliver) {
        #[cfg(feature = "matrix")]
        vigie_delivery::channels::matrix::opened(&app.delivery).await;
        // A service that is away is the affair of its channel alone.
        #[cfg(feature = "telegram")]
        if let Err(e) = telegram_listener::listen_once(&Listener::new(Arc::clone(&app.delivery))).await {
            tracing::error!("Telegram chats: {}", e.what);
        }
        // What overflowed in this very pass is grouped and sent in it.
        if let Err(e) = mailbox::look(&app.delivery, &app.fetcher).await {
            tracing::error!("the mailbox cannot be read: {e}");
        }
        consultations::drain(&app.service, &consultations::reader()?).await?;
        scheduler::run(&app.service, app.service.clock.now() + hourly_cap::WAIT).await?;
        worker::drain(&app.delivery).await?;
    }
    app.service.store.release_own(&app.service.lease_holder, app.service.clock.now()).await?;
    app.service.store.close().await;
    Ok(())
}

/// The tasks of a process, each kept going until it is told to stop.
struct Tasks {
    app: Arc<App>,
    stopping: Receiver<bool>,
    running: JoinSet<()>,
}

impl Tasks {
    /// Keeps what `start` gives going under that name.
    fn keep<T>(&mut self, name: &str, start: impl Fn(Arc<App>, Receiver<bool>) -> T + Send + 'static)
    where
        T: Future<Output = ()> + Send + 'static,
    {
        let (app, stopping) = (Arc::clone(&self.app), self.stopping.clone());
        let again = move || start(Arc::clone(&app), stopping.clone());
        let service = Arc::clone(&self.app.service);
        self.running.spawn(supervisor::keep(service, name.to_owned(), self.stopping.clone(), again));
    }

    /// Ends when the process is told to stop.
    fn until_stopped(&self) -> impl Future<Output = ()> + Send + 'static {
        let mut stopping = self.stopping.clone();
        async move {
            let _ = stopping.wait_for(|stop| *stop).await;
        }
    }
}

async fn service(
    app: Arc<App>,
    doors: Doors,
    roles: &[Role],
    stops: &mut Stops,
    hangups: &mut Hangups,
) -> Result<Ended, Failure> {
    let (stop, stopping) = channel(false);
    let mut servers = JoinSet::new();
    let mut tasks = Tasks { app: Arc::clone(&app), stopping, running: JoinSet::new() };
    // First: what is counted before anyone measures is counted by nobody.
    if let Some(listener) = doors.observe
        && let Some(handle) = monitoring::start()
    {
        let (service, stopped) = (Arc::clone(&app.service), tasks.until_stopped());
        servers.spawn(async move {
            monitoring::serve(service, handle, listener, stopped).await;
            Ok(())
        });
    }
    if let Some(listener) = doors.pages {
        let (service, stopped) = (Arc::clone(&app.service), tasks.until_stopped());
        tracing::info!(address = listener.local_addr().map(|a| a.to_string()).unwrap_or_default(), "pages served");
        servers.spawn(async move { vigie_web::serve_on(service, listener, stopped).await });
    }
    tasks.keep("mesures", measure_loop);
    keep_roles(&app, roles, &mut tasks)?;
    tracing::info!(roles = ?roles, engine = ?app.service.store.engine(), "vigie runs");
    let outcome = tokio::select! {
        () = stops.asked() => Ok(Ended::Stopped),
        settings = hangups.asked(&app.service.reload) => Ok(Ended::Reload(Box::new(settings))),
        Some(ended) = servers.join_next() => ended.map(|done| done.map(|()| Ended::Stopped)).unwrap_or_else(|e| {
            Err(Failure::new(format!("serveur interrompu : {e}"), "service", "relancez ; rien n’est perdu"))
        }),
    };
    tracing::info!("stopping: what is under way ends first");
    let _ = stop.send(true);
    let ended = tokio::time::timeout(STOP_WITHIN, async {
        while tasks.running.join_next().await.is_some() {}
        while servers.join_next().await.is_some() {}
    });
    if ended.await.is_err() {
        tracing::warn!("some work did not end in time; its leases will run out and nothing is lost");
        tasks.running.abort_all();
    }
    app.service.store.release_own(&app.service.lease_holder, app.service.clock.now()).await?;
    app.service.store.close().await;
    outcome
}

/// Starts what each role does.
fn keep_roles(app: &App, roles: &[Role], tasks: &mut Tasks) -> Result<(), Failure> {
    if roles.contains(&Role::Watch) {
        sources::enabled(&app.service.settings)?; // what is wrong with a block is said at the start
        tasks.keep("veille", watch_loop);
    }
    if roles.contains(&Role::Deliver) {
        for n in 1..=app.delivery.workers() {
            tasks.keep(&format!("envoi {n}"), |app, stopping| async move {
                worker::work(&app.delivery, stopping).await;
            });
        }
        if let Some(every) = mailbox::every(&app.service) {
            tasks.keep("boîte aux lettres", move |app, stopping| mailbox_loop(app, every, stopping));
        }
        let reader = Arc::new(consultations::reader()?);
        tasks.keep("dossiers", move |app, stopping| {
            let reader = Arc::clone(&reader);
            async move { consultations::run(&app.service, &reader, stopping).await }
        });
        tasks.keep("calendrier", scheduler_loop);
        tasks.keep("sauvegarde", backup_loop);
        tasks.keep("écritures", write_watch_loop);
        if let Some(block) = &app.service.settings.judgement.assistant {
            let assistant = Arc::new(Assistant::open(block).map_err(|e| {
                Failure::usage(e.to_string(), "[judgement.assistant] key", "définissez ce secret, ou retirez la clé")
            })?);
            tasks
                .keep("second lecteur", move |app, stopping| second_reader_loop(app, Arc::clone(&assistant), stopping));
        }
        #[cfg(feature = "matrix")]
        if app.service.settings.matrix.is_some() {
            tasks.keep("Matrix", matrix_loop);
        }
        #[cfg(feature = "telegram")]
        if app.delivery.telegram.is_some() {
            tasks.keep("Telegram", telegram_loop);
        }
    }
    if let Some(url) = app.service.settings.observe.heartbeat_url.clone() {
        tasks.keep("témoin de vie", move |app, stopping| heartbeat_loop(app, url.clone(), stopping));
    }
    Ok(())
}

/// Sleeps, unless told to stop. `false` = stop.
async fn rest(pause: Duration, stopping: &mut Receiver<bool>) -> bool {
    tokio::select! {
        () = tokio::time::sleep(pause) => true,
        _ = stopping.wait_for(|s| *s) => false,
    }
}

async fn watch_loop(app: Arc<App>, mut stopping: Receiver<bool>) {
    let mut watch = Watch::new(Vec::new());
    let mut watched = None;
    loop {
        // Those of the pages may change at any time; what is known is watched on where the database fails for a moment.
        match sources_now(&app, &mut watched).await {
            Ok(Some(sources)) => watch.turn_to(sources),
            Ok(None) => {}
            Err(e) => tracing::error!("sources not read again: {}", e.what),
        }
        // A database that fails for a moment must not end the watch.
        if let Err(e) = watch.begin_due(&app.service, &app.fetcher, &stopping).await {
            tracing::error!("sources not looked at: {}", e.what);
        }
        if !rest(TICK, &mut stopping).await {
            watch.finish().await;
            return;
        }
    }
}

/// The sources to be watched, where those of the pages are not as `known` any more; nothing is known before the first look.
async fn sources_now(
    app: &App,
    known: &mut Option<Vec<(String, String, i64)>>,
) -> Result<Option<Vec<Watched>>, Failure> {
    let on_pages = app.service.store.page_sources().await?;
    if known.as_ref() == Some(&on_pages) {
        return Ok(None);
    }
    let sources = sources::all(&app.service).await?;
    *known = Some(on_pages);
    Ok(Some(sources))
}

async fn write_watch_loop(app: Arc<App>, mut stopping: Receiver<bool>) {
    let mut watch = WriteWatch::default();
    loop {
        if let Err(e) = watch.look(&app.delivery, write_watch::TOLD_AFTER).await {
            tracing::error!("writes resumed, untold: {}", e.what);
        }
        if !rest(TICK, &mut stopping).await {
            return;
        }
    }
}

/// Notes what this process found slow, for whoever looks at how the installation stands.
async fn measure_loop(app: Arc<App>, mut stopping: Receiver<bool>) {
    loop {
        if let Err(e) = app.service.store.note_slowest(paris_day(app.service.clock.now())).await {
            tracing::error!("slow statements: {e}");
        }
        if !rest(MEASURES, &mut stopping).await {
            return;
        }
    }
}

async fn heartbeat_loop(app: Arc<App>, url: url::Url, mut stopping: Receiver<bool>) {
    loop {
        monitoring::ping(&app.service, &app.fetcher, &url).await;
        if !rest(HEARTBEAT, &mut stopping).await {
            return;
        }
    }
}

async fn mailbox_loop(app: Arc<App>, every: Duration, mut stopping: Receiver<bool>) {
    let mut since = None;
    loop {
        let now = app.service.clock.now();
        let told = match mailbox::look(&app.delivery, &app.fetcher).await {
            Ok(_) => {
                since = None;
                mailbox::alarm(&app.service, None, now).await
            }
            Err(mailbox::Trouble::Mailbox(why)) => {
                tracing::warn!("the mailbox cannot be read: {why}");
                mailbox::alarm(&app.service, Some((*since.get_or_insert(now), &why)), now).await
            }
            Err(mailbox::Trouble::Ours(e)) => Err(e),
        };
        if let Err(e) = told {
            tracing::error!("mailbox: {}", e.what);
        }
        if !rest(every, &mut stopping).await {
            return;
        }
    }
}

async fn scheduler_loop(app: Arc<App>, mut stopping: Receiver<bool>) {
    loop {
        if let Err(e) = scheduler::run(&app.service, app.service.clock.now()).await {
            tracing::error!("timetable failed: {}", e.what);
        }
        if !rest(SCHEDULER_TICK, &mut stopping).await {
            return;
        }
    }
}

/// Apart from the timetable: a large database takes minutes to copy.
async fn backup_loop(app: Arc<App>, mut stopping: Receiver<bool>) {
    loop {
        if let Err(e) = backup::run_schedule(&app.service, app.service.clock.now()).await {
            tracing::error!("backup: {}", e.what);
        }
        if !rest(BACKUP_TICK, &mut stopping).await {
            return;
        }
    }
}

/// Asks the second reader again and again; what fails is tried later, and stops nothing else.
async fn second_reader_loop(app: Arc<App>, assistant: Arc<Assistant>, mut stopping: Receiver<bool>) {
    loop {
        let pause = match second_reader::look(&app.service, &app.fetcher, &assistant).await {
            Ok(Looked::Asked { .. }) => TICK,
            Ok(Looked::Idle) => SECOND_READER_IDLE,
            Ok(Looked::Failed) => SECOND_READER_AGAIN,
            Err(e) => {
                tracing::error!("second reader: {e}");
                SECOND_READER_AGAIN
            }
        };
        if !rest(pause, &mut stopping).await {
            return;
        }
    }
}

#[cfg(feature = "matrix")]
async fn matrix_loop(app: Arc<App>, mut stopping: Receiver<bool>) {
    while !vigie_delivery::channels::matrix::opened(&app.delivery).await {
        if !rest(OPEN_AGAIN, &mut stopping).await {
            return;
        }
    }
    app.service.deliveries_queued.notify_one();
    let listener = matrix_listener::Listener::new(Arc::clone(&app.delivery));
    loop {
        let heard = tokio::select! {
            heard = matrix_listener::listen(&listener) => heard,
            _ = stopping.wait_for(|s| *s) => break,
        };
        if let Err(e) = heard {
            tracing::error!("Matrix rooms: {}", e.what);
            if !rest(TICK, &mut stopping).await {
                break;
            }
        }
    }
    listener.stop().await;
}

#[cfg(feature = "telegram")]
async fn telegram_loop(app: Arc<App>, mut stopping: Receiver<bool>) {
    telegram_listener::propose(&app.delivery).await;
    let listener = Listener::new(Arc::clone(&app.delivery));
    loop {
        let heard = tokio::select! {
            heard = telegram_listener::listen(&listener, vigie_telegram::session::LONG_POLL) => heard,
            _ = stopping.wait_for(|s| *s) => break,
        };
        let pause = match heard {
            Ok(Some(_)) => continue,
            // Another process listens.
            Ok(None) => SCHEDULER_TICK,
            Err(e) => {
                tracing::error!("Telegram chats: {}", e.what);
                LISTEN_AGAIN
            }
        };
        if !rest(pause, &mut stopping).await {
            break;
        }
    }
    listener.stop().await;
}
